#! @ATF_SH@
# SPDX-License-Identifier: BSD-2-Clause

# The demo on a file, its lines sorted by what they tell of.
demo()
{
	"$builddir/examples/kqueue_demo" "$1" >out 2>err ||
	    { cat out err; atf_fail "the demo failed"; }
	cat out
	atf_check -o empty cat err
}

expect()
{
	n=$(grep -cx "$2" out)
	[ "$n" -eq "$1" ] || atf_fail "$n lines, not $1, are: $2"
}

atf_test_case demo
demo_head()
{
	atf_set descr "the demo reports every source, with wc's numbers"
}
demo_body()
{
	. "$(atf_get_srcdir)/env.sh"
	input=$srcdir/LICENSE
	demo "$input"
	answer=$(wc -lwc <"$input" |
	    awk '{ print $1 " lines, " $2 " words, " $3 " bytes" }')
	for client in 1 2 3; do
		expect 1 "timer   expired 1x, starting client $client"
		expect 1 "child   exited with status $client"
	done
	expect 3 "listen  1 connection waiting"
	expect 3 "socket  end of input after $answer"
	expect 3 "file    log grew by $((${#answer} + 1)) bytes"
	expect 3 "signal  SIGUSR1 came 1x"
	expect 1 "file    log was renamed"
	expect 1 "file    log was removed"
	atf_check -o inline:"done    3 clients served\n" tail -n 1 out
	atf_check -o inline:"21\n" sh -c 'wc -l <out | tr -d " "'
}

atf_test_case demo_large_input
demo_large_input_head()
{
	atf_set descr "the demo counts an input larger than any buffer"
}
demo_large_input_body()
{
	. "$(atf_get_srcdir)/env.sh"
	awk 'BEGIN { for (i = 0; i < 200000; i++) print "line " i }' >input
	demo "$(pwd)/input"
	answer="200000 lines, 400000 words, $(wc -c <input | tr -d ' ') bytes"
	expect 3 "socket  end of input after $answer"
}

atf_test_case demo_no_input
demo_no_input_head()
{
	atf_set descr "the demo fails when its clients do"
}
demo_no_input_body()
{
	. "$(atf_get_srcdir)/env.sh"
	atf_check -s exit:1 -o match:"exited with status 100" \
	    -e match:"the client failed" \
	    "$builddir/examples/kqueue_demo" "$(pwd)/none"
}

atf_test_case hello
hello_head()
{
	atf_set descr "hello reports what comes and ends with its input"
}
hello_body()
{
	. "$(atf_get_srcdir)/env.sh"
	atf_check -o inline:'6 bytes waited, read 6\n' \
	    sh -c "echo hello | '$builddir/examples/hello'"
	atf_check -o empty sh -c ": | '$builddir/examples/hello'"
}

atf_test_case readme
readme_head()
{
	atf_set descr "the program in README.md is hello"
}
readme_body()
{
	. "$(atf_get_srcdir)/env.sh"
	sed -n '/^#include/,$p' "$srcdir/examples/hello.c" >expout
	atf_check -o file:expout \
	    sed -n '/^```c$/,/^```$/{/^```/!p;}' "$srcdir/README.md"
}

atf_init_test_cases()
{
	atf_add_test_case demo
	atf_add_test_case demo_large_input
	atf_add_test_case demo_no_input
	atf_add_test_case hello
	atf_add_test_case readme
}
