#! @ATF_SH@
# SPDX-License-Identifier: BSD-2-Clause

# configure as here, but for what a case says.
conf()
{
	. "$(atf_get_srcdir)/env.sh"
	[ "$kqueue" = emulated ] || atf_skip "these look at an emulated kqueue"
	"$srcdir/configure" CC="$CC" "$@" >log 2>&1
}

# The row of the table, whose kqueue and by what, must match $1.
row()
{
	sed -n 's/^  kqueue  *//p' log >row
	grep -x "$1" row || { cat row; atf_fail "not: $1"; }
}

atf_test_case left_out
left_out_head()
{
	atf_set descr "a mechanism that is left out is not in the table"
}
left_out_body()
{
	conf --disable-epoll --disable-inotify --disable-signalfd \
	    --disable-pidfd --disable-perf || { tail log; atf_fail "fails"; }
	row 'emulated  *poll filescan selfpipe'
	for name in EPOLL INOTIFY SIGNALFD PIDFD PERF; do
		atf_check -s exit:1 grep "define EVANY_BE_$name" config.h
	done
}

atf_test_case not_there
not_there_head()
{
	atf_set descr "a mechanism that the system lacks is left out"
}
not_there_body()
{
	conf ac_cv_func_timerfd_create=no || { tail log; atf_fail "fails"; }
	row 'emulated  *poll .*'
}

atf_test_case asked_but_not_there
asked_but_not_there_head()
{
	atf_set descr "a mechanism that is asked for and lacking is an error"
}
asked_but_not_there_body()
{
	! conf ac_cv_func_timerfd_create=no --enable-epoll ||
	    atf_fail "it was accepted"
	atf_check -o ignore grep 'error: --enable-epoll' log
}

atf_test_case native_refused
native_refused_head()
{
	atf_set descr "a native kqueue is refused where there is none"
}
native_refused_body()
{
	! conf --with-kqueue=native || atf_fail "it was accepted"
	atf_check -o ignore grep 'error: --with-kqueue=native' log
	! conf --with-kqueue=other || atf_fail "it was accepted"
	atf_check -o ignore grep 'error: --with-kqueue takes' log
}

atf_test_case native_preferred
native_preferred_head()
{
	atf_set descr "what the system has is taken, with no overlay"
}
native_preferred_body()
{
	conf evany_cv_kqueue_works=yes ac_cv_func_port_create=yes \
	    ac_cv_header_port_h=yes || { tail log; atf_fail "fails"; }
	row 'native  *the system'
	atf_check -o inline:'Cflags: \n' \
	    sed -n '/^Cflags/p' compat/evany-overlay.pc
}

atf_init_test_cases()
{
	atf_add_test_case left_out
	atf_add_test_case not_there
	atf_add_test_case asked_but_not_there
	atf_add_test_case native_refused
	atf_add_test_case native_preferred
}
