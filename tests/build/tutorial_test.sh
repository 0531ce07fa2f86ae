#! @ATF_SH@
# SPDX-License-Identifier: BSD-2-Clause

# The program of evany_tutorial(7), compiled as ./tailserver.
tailserver()
{
	. "$(atf_get_srcdir)/env.sh"
	need_pc
	awk '/^\.\\" code$/ { on = 1; next }
	    /^\.\\" end of code$/ { on = 0; print ""; next }
	    on && !/^\.(Bd|Ed)/ { gsub(/\\e/, "\\"); print }' \
	    "$srcdir/man/evany_tutorial.7" >tailserver.c
	atf_check $CC $sanitizer -Wall -Wextra -Wconversion -Werror \
	    tailserver.c -o tailserver $(pc --cflags --libs evany)
}

# Starts it on the file log; its output is descriptor 3, its port $port.
begin()
{
	mkfifo out
	./tailserver log "$1" >out &
	server=$!
	exec 3<out
	read -r word port <&3
	[ "$word" = port ] || atf_fail "the server says: $word $port"
}

# end line: it ends well, and its last line is this.
end()
{
	wait "$server" || atf_fail "the server failed"
	read -r line <&3
	[ "$line" = "$1" ] || atf_fail "the server's last line is: $line"
}

# client lines: prints so many.
client()
{
	"$builddir/tests/build/tutorial_client" "$port" "$1"
}

# expect lines text: that is what a new client gets.
expect()
{
	[ "$(client "$1")" = "$2" ] || atf_fail "no $1 lines: $2"
}

atf_test_case serves
serves_head()
{
	atf_set descr "the tutorial's server sends a growing file to its clients"
}
serves_body()
{
	tailserver
	echo one >log
	begin 3600
	expect 1 one
	mkfifo first
	client 3 >first &
	exec 4<first
	read -r line <&4 && [ "$line" = one ] || atf_fail "first: $line"
	echo two >>log
	read -r line <&4 && [ "$line" = two ] || atf_fail "second: $line"
	expect 2 "one
two"
	echo three >>log
	read -r line <&4 && [ "$line" = three ] || atf_fail "third: $line"
	kill -TERM "$server"
	end "told to end"
}

atf_test_case follows
follows_head()
{
	atf_set descr "the tutorial's server follows the name of its file"
}
follows_body()
{
	tailserver
	begin 3600
	mkfifo first
	client 4 >first &
	exec 4<first
	echo one >log
	read -r line <&4 && [ "$line" = one ] || atf_fail "made: $line"
	mv log old
	echo two >log
	read -r line <&4 && [ "$line" = two ] || atf_fail "rotated: $line"
	: >log
	echo 3 >>log
	read -r line <&4 && [ "$line" = 3 ] || atf_fail "truncated: $line"
	echo four >new
	mv new log
	read -r line <&4 && [ "$line" = four ] || atf_fail "replaced: $line"
	kill -TERM "$server"
	end "told to end"
}

atf_test_case slow_client
slow_client_head()
{
	atf_set descr "the tutorial's server sends all of it to a slow client"
}
slow_client_body()
{
	tailserver
	awk 'BEGIN { for (i = 0; i < 400000; i++) print "line " i }' >log
	begin 3600
	mkfifo first
	client 400000 >first &
	exec 4<first
	# Only now does anything leave the client, which stood still.
	expect 1 "line 0"
	atf_check cmp - log <&4
	kill -TERM "$server"
	end "told to end"
}

atf_test_case ends_in_time
ends_in_time_head()
{
	atf_set descr "the tutorial's server ends when its time is over"
}
ends_in_time_body()
{
	tailserver
	begin 0
	end "the time is over"
}

atf_init_test_cases()
{
	atf_add_test_case ends_in_time
	atf_add_test_case follows
	atf_add_test_case serves
	atf_add_test_case slow_client
}
