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

# A port is shared by fork, or the case is skipped.
shared_ports()
{
	names=poll
	! grep -q '^#define EVANY_BE_KQUEUE' "$builddir/config.h" || names=kqueue
	! grep -q '^#define EVANY_BE_EPOLL' "$builddir/config.h" || names=epoll
	case ${EVANY_BACKENDS:-$names} in
	*kqueue*) atf_skip "with these mechanisms the child does not \
have the port" ;;
	esac
}

# The job server, which must tell what wc does, in whatever order.
jobserver()
{
	"$builddir/examples/jobserver" -w "$1" jobs/* >out ||
	    { cat out; atf_fail "the job server failed"; }
	wc -l jobs/* | sed -e '/ total$/d' -e 's/^ *//' | sort >expout
	atf_check -o file:expout sh -c \
	    "sed -e '\$d' -e 's/^ *//' out | sort"
	atf_check -o inline:"$(wc -l <expout | tr -d ' ') files counted, \
0 not; $1 workers ended, $1 of them well\n" tail -n 1 out
}

# So many files, of 0 lines and more.
job_files()
{
	mkdir jobs
	awk -v n="$1" 'BEGIN {
		for (i = 0; i < n; i++) {
			name = "jobs/" i
			printf "" >name
			for (k = 0; k < i; k++)
				print k >name
			close(name)
		}
	}'
}

atf_test_case jobserver_counts
jobserver_counts_head()
{
	atf_set descr "the job server has each job done once, by all workers"
}
jobserver_counts_body()
{
	. "$(atf_get_srcdir)/env.sh"
	shared_ports
	job_files 300
	jobserver 4
	jobserver 1
	jobserver 64
}

atf_test_case jobserver_few_slots
jobserver_few_slots_head()
{
	atf_set descr "the job server needs no more room than what is under way"
}
jobserver_few_slots_body()
{
	. "$(atf_get_srcdir)/env.sh"
	shared_ports
	job_files 100
	EVANY_PORT_EVENTS=12; export EVANY_PORT_EVENTS
	jobserver 4
}

atf_test_case jobserver_bad_file
jobserver_bad_file_head()
{
	atf_set descr "the job server tells of files that cannot be read"
}
jobserver_bad_file_body()
{
	. "$(atf_get_srcdir)/env.sh"
	shared_ports
	echo line >file
	atf_check -s exit:1 -o match:"^ *1 file$" \
	    -o match:"^1 files counted, 1 not; 2 workers ended, 2 of them well$" \
	    -e match:"none: No such file or directory" \
	    "$builddir/examples/jobserver" -w 2 none file
}

# One worker is killed while another is about its job, a fifo.  Nobody has the
# pipe any more when all of them have ended.
atf_test_case jobserver_dead_worker
jobserver_dead_worker_head()
{
	atf_set descr "the job server and its workers end with a killed worker"
}
jobserver_dead_worker_body()
{
	. "$(atf_get_srcdir)/env.sh"
	shared_ports
	mkfifo job end
	cat end >out &
	cat=$!
	"$builddir/examples/jobserver" -w 3 job >end 2>err &
	server=$!
	exec 3>job
	victim=$(ps -A -o pid= -o ppid= |
	    awk -v of="$server" '$2 == of { print $1; exit }')
	kill -9 "$victim"
	wait "$server" && atf_fail "the server did not notice"
	exec 3>&-
	wait "$cat"
	atf_check -o match:"worker $victim ended too soon" cat err
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
	atf_add_test_case jobserver_bad_file
	atf_add_test_case jobserver_counts
	atf_add_test_case jobserver_dead_worker
	atf_add_test_case jobserver_few_slots
	atf_add_test_case readme
}
