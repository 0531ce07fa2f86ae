#! @ATF_SH@
# SPDX-License-Identifier: BSD-2-Clause

# Library, examples and tests for another system, without a warning.  This
# takes a minute each, so EVANY_CROSS in the environment lists the cases to do,
# or is "all".  Zig is taken from ZIG if it is not to be found otherwise.
cross()
{
	. "$(atf_get_srcdir)/env.sh"
	case " ${EVANY_CROSS-} " in
	*" all "*|*" $(atf_get ident) "*) ;;
	*)	atf_skip "made if EVANY_CROSS names it" ;;
	esac
	unset LD_LIBRARY_PATH DYLD_LIBRARY_PATH PKG_CONFIG_PATH
	system=$1 expected=$2
	shift 2
	# Tests of another system's kqueue are written for its header.
	targets="all build-tests"
	case "$*" in *--with-kqueue=emulated*) targets=all ;; esac
	# It is not to be run: what costs least to compile will do.
	TARGETS=$targets "$srcdir/tools/cross/build.sh" "$system" "$srcdir" out \
	    --disable-static --disable-dependency-tracking \
	    CFLAGS="-O0 -fno-sanitize=undefined" "$@" >log 2>&1
	case $? in
	0)	;;
	77)	atf_skip "no zig" ;;
	*)	tail -n 60 log; atf_fail "$system does not build" ;;
	esac
	grep -q "^  kqueue  *$expected " log || {
		sed -n '/^  facility/,/^  prefix/p' log
		atf_fail "kqueue is not $expected"
	}
	# The linker and libtool warn without failing.
	grep -i 'warning:' log | grep -Ev 'cross tools not prefixed' >warnings
	[ ! -s warnings ] || {
		cat warnings
		atf_fail "warnings"
	}
	# Something was built.
	[ -s out/.libs/libevany.so ] || [ -s out/.libs/libevany.dylib ] ||
	    atf_fail "no library was built"
	atf_check test -s out/examples/kqueue_demo
	[ "$targets" = all ] || ls out/tests/kqueue/kqueue_*_test >programs ||
	    atf_fail "no test was built"
}

one()
{
	eval "atf_test_case $1
	$1_head()
	{
		atf_set descr \"$2: kqueue is $3\"
		atf_set timeout 1800
	}
	$1_body()
	{
		cross $2 $3 $4
	}"
}

one freebsd		x86_64-freebsd		native
one netbsd		x86_64-netbsd		native
one openbsd		x86_64-openbsd		native
one macos		x86_64-macos		native
one macos_arm		aarch64-macos		native
one musl		x86_64-linux-musl	emulated
one musl_portable	x86_64-linux-musl	emulated "--disable-epoll \
    --disable-inotify --disable-signalfd --disable-pidfd --disable-perf"
one freebsd_emulated	x86_64-freebsd		emulated --with-kqueue=emulated
one netbsd_emulated	x86_64-netbsd		emulated --with-kqueue=emulated
one macos_emulated	x86_64-macos		emulated --with-kqueue=emulated

atf_init_test_cases()
{
	atf_add_test_case freebsd
	atf_add_test_case netbsd
	atf_add_test_case openbsd
	atf_add_test_case macos
	atf_add_test_case macos_arm
	atf_add_test_case musl
	atf_add_test_case musl_portable
	atf_add_test_case freebsd_emulated
	atf_add_test_case netbsd_emulated
	atf_add_test_case macos_emulated
}
