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

atf_test_case pool_works
pool_works_head()
{
	atf_set descr "a pool of processes does what one would, in order"
}
pool_works_body()
{
	. "$(atf_get_srcdir)/env.sh"
	awk 'BEGIN { for (n = 2; n <= 3000; n++) print n }' >numbers
	awk '{
		for (i = 2; i * i <= $1 && $1 % i != 0; i++)
			continue;
		print $1 ": " (i * i <= $1 ? i : $1)
	}' numbers >expout
	atf_check -o file:expout "$builddir/examples/evany_pool" -w 3 <numbers
	atf_check -o empty "$builddir/examples/evany_pool" </dev/null
}

# The next line tells of a worker.
worker()
{
	read -r word pid <&3
	echo "$word $pid" >>seen
	[ "$word" = worker ] || { cat seen; atf_fail "no worker"; }
}

atf_test_case pool_replaces
pool_replaces_head()
{
	atf_set descr "a worker that is killed is replaced, and nothing is lost"
}
pool_replaces_body()
{
	. "$(atf_get_srcdir)/env.sh"
	mkfifo numbers
	exec 4<>numbers
	begin sh -c 'exec "$0" -v -w 2 <numbers' "$builddir/examples/evany_pool"
	worker
	first=$pid
	worker
	kill -STOP "$pid"
	# One of them has begun with some of these.
	echo 35 >&4
	until_line "35: 5"
	kill -KILL "$first" "$pid"
	echo 77 >&4
	until_line "77: 7"
	echo 221 >&4
	until_line "221: 13"
	end
	[ "$(grep -c "^worker [0-9]*$" seen)" -eq 4 ] || { cat seen; atf_fail \
	    "they were not replaced"; }
	atf_check -o match:"^worker $first ended with 9$" cat seen
}

atf_init_test_cases()
{
	atf_add_test_case mirror
	atf_add_test_case supervisor_ends
	atf_add_test_case supervisor_is_stopped
	atf_add_test_case pool_works
	atf_add_test_case pool_replaces
}
