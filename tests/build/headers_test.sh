#! @ATF_SH@
# SPDX-License-Identifier: BSD-2-Clause

# Every installed header, alone, in each language, with every warning on.
each_header()
{
	. "$(atf_get_srcdir)/env.sh"
	find "$root$includedir" -name '*.h' >headers
	[ -s headers ] || atf_fail "no header is installed"
	overlay=$root$includedir/evany/overlay
	all="-Wall -Wextra -Wshadow -Wconversion -Werror"
	[ ! -d "$overlay" ] || all="$all -I$overlay"
	while read -r header; do
		warn=$all
		# Headers that extend the system's need an extension.
		grep -q include_next "$header" || warn="$warn -Wpedantic"
		name=${header#"$overlay"/}
		name=${name#"$root$includedir"/}
		"$@" || atf_fail "$name"
	done <headers
}

compile()
{
	# Twice: a header may be included again.
	printf '#include <%s>\n' "$name" "$name" >alone.$1
	shift
	echo "+ $* $warn -c $name"
	"$@" $warn -I"$root$includedir" -c
}

alone_c99()
{
	compile c $CC -std=c99 alone.c -o alone.o
}

alone_c11()
{
	compile c $CC -std=c11 -Wstrict-prototypes alone.c -o alone.o
}

alone_cxx()
{
	# kevent is a structure and a function, which C++ calls shadowing.
	warn="$warn -Wno-shadow"
	compile cc $CXX -std=c++98 -Wno-long-long alone.cc -o alone.o &&
	    compile cc $CXX -std=c++17 -Wold-style-cast alone.cc -o alone.o
}

# The defines and the functions between the line markers of the header itself.
own_text()
{
	printf '#include <%s>\n' "$name" >own.c
	$CC -I"$root$includedir" -I"$overlay" -dD -E own.c |
	    awk -v header="$header" '
		/^# [0-9]+ "/ { own = index($0, "\"" header "\"") > 0; next }
		own { print }' >own.txt
	grep -q . own.txt || atf_fail "nothing of $name is seen"
}

nothing_extra()
{
	own_text
	case $name in
	evany.h)	pattern='EVANY_|evany_' ;;
	sys/event.h)
		pattern='EVFILT_|EV_|NOTE_|VQ_|KQUEUE_|EVANY_|evany_'
		pattern="$pattern|(kqueue|kqueue1|kqueuex|kevent)\$" ;;
	port.h)	pattern='EVANY_PORT_H|port_' ;;
	sys/port.h)
		pattern='EVANY_SYS_PORT_H|PORT_|FILE_|UNMOUNTED|MOUNTEDOVER'
		pattern="$pattern|EBADFD|ETIME" ;;
	sys/port_impl.h) pattern='EVANY_SYS_PORT_IMPL_H' ;;
	siginfo.h) pattern='EVANY_SIGINFO_H' ;;
	signal.h) pattern='EVANY_SIGNAL_H|SIGEV_PORT$' ;;
	mqueue.h) pattern='EVANY_MQUEUE_H|evany_mq_|mq_(notify|close)$' ;;
	time.h)	pattern='EVANY_TIME_|evany_timer_|timer_' ;;
	aio.h)
		pattern='SIGEV_|EVANY_|evany_|aio_|lio_listio|sigev_notify_k'
		pattern="$pattern|AIO(LIO|AREAD|AWRITE|FSYNC)\$" ;;
	*)	atf_fail "no rule here says what $name may define" ;;
	esac
	{
		sed -n 's/^#define \([A-Za-z0-9_]*\).*/\1/p' own.txt
		grep -v '^#' own.txt |
		    sed -n 's/^[a-z].*[^A-Za-z0-9_]\([A-Za-z0-9_]*\)(.*/\1/p'
	} | grep -Ev "^($pattern)" >extra
	[ ! -s extra ] || { cat extra; return 1; }
}

atf_test_case c99
c99_head()
{
	atf_set descr "each installed header compiles alone as C99"
}
c99_body()
{
	each_header alone_c99
}

atf_test_case c11
c11_head()
{
	atf_set descr "each installed header compiles alone as C11"
}
c11_body()
{
	each_header alone_c11
}

atf_test_case cxx
cxx_head()
{
	atf_set descr "each installed header compiles alone as C++"
}
cxx_body()
{
	. "$(atf_get_srcdir)/env.sh"
	echo 'int x;' >try.cc
	$CXX -c try.cc -o try.o || atf_skip "no C++ compiler"
	each_header alone_cxx
}

atf_test_case extra
extra_head()
{
	atf_set descr "headers define only their facility's names"
}
extra_body()
{
	each_header nothing_extra
}

atf_test_case overlay_only_where_needed
overlay_only_where_needed_head()
{
	atf_set descr "a native facility gets no header of ours"
}
overlay_only_where_needed_body()
{
	. "$(atf_get_srcdir)/env.sh"
	event=$root$includedir/evany/overlay/sys/event.h
	case $kqueue in
	native)		atf_check test ! -e "$event" ;;
	emulated)	atf_check test -e "$event" ;;
	*)		atf_fail "kqueue is $kqueue" ;;
	esac
}

atf_init_test_cases()
{
	atf_add_test_case c99
	atf_add_test_case c11
	atf_add_test_case cxx
	atf_add_test_case extra
	atf_add_test_case overlay_only_where_needed
}
