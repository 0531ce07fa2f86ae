#! @ATF_SH@
# SPDX-License-Identifier: BSD-2-Clause

# Reads lines of the program from descriptor 3 until one is that.
until_line()
{
	while read -r line <&3; do
		echo "$line" >>seen
		[ "$line" = "$1" ] && return 0
	done
	cat seen
	atf_fail "no line is: $1"
}

begin()
{
	mkfifo lines
	"$@" >lines 2>err &
	program=$!
	exec 3<lines
}

end()
{
	kill -TERM "$program"
	cat <&3 >>seen
	wait "$program" || { cat seen err; atf_fail "it failed"; }
	atf_check -o empty cat err
}

atf_test_case mirror
mirror_head()
{
	atf_set descr "the mirror keeps up with what is done to a tree"
}
mirror_body()
{
	. "$(atf_get_srcdir)/env.sh"
	mkdir -p from/a/b to/old/older
	echo one >from/a/b/one
	echo old >to/old/older/file
	ln -s a/b from/link
	begin "$builddir/examples/evany_mirror" from to
	until_line ready
	atf_check diff -r from to

	echo two >from/a/two
	echo more >>from/a/b/one
	mkdir -p from/c/d/e
	echo three >from/c/d/e/three
	mv from/a from/z
	rm from/link
	mkdir from/gone
	echo four >from/gone/four
	rm -r from/gone
	mv from/c/d from/z/d
	echo last >from/z/d/last
	echo end >from/end
	until_line "copied end"
	# The end of one directory may be told before that of another.
	echo end >from/z/d/e/end
	until_line "copied z/d/e/end"
	atf_check diff -r from to
	end
}

atf_test_case supervisor_ends
supervisor_ends_head()
{
	atf_set descr "the supervisor runs again what fails, and ends with all"
}
supervisor_ends_body()
{
	. "$(atf_get_srcdir)/env.sh"
	cat >expout <<EOF
1 ended with status 0
1 started
2 ended with status 0
2 ended with status 3
2 ended with status 3
2 started
2 started
2 started
3 ended with status 0
3 started
3 started
3 was ended by signal 9
done
EOF
	fails='test -e two && exit 0; test -e one && { >two; exit 3; }
	    >one; exit 3'
	"$builddir/examples/evany_supervisor" -t 3 true "$fails" \
	    'test -e three || { >three; kill -9 $$; }' >out 2>err ||
	    { cat out err; atf_fail "it failed"; }
	atf_check -o empty cat err
	atf_check -o file:expout sort out
}

atf_test_case supervisor_is_stopped
supervisor_is_stopped_head()
{
	atf_set descr "a signal ends the supervisor, its threads and commands"
}
supervisor_is_stopped_body()
{
	. "$(atf_get_srcdir)/env.sh"
	mkfifo never
	begin "$builddir/examples/evany_supervisor" -g 300 -t 4 \
	    'exec cat never' 'trap "" TERM; echo deaf; read x <never'
	until_line deaf
	end
	atf_check -o match:"^1 was ended by signal 15$" \
	    -o match:"^2 was ended by signal 9$" \
	    -o match:"^done$" cat seen
}

atf_init_test_cases()
{
	atf_add_test_case mirror
	atf_add_test_case supervisor_ends
	atf_add_test_case supervisor_is_stopped
}
