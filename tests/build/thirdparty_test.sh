#! @ATF_SH@
# SPDX-License-Identifier: BSD-2-Clause

# The question that libevent and others ask before they trust a kqueue: does a
# descriptor that cannot be one come back as one EV_ERROR entry?
usable_program()
{
	cat <<'EOF'
#include <sys/types.h>
#include <sys/time.h>
#include <sys/event.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
main(void)
{
	struct kevent ev[2], out[8];
	int kq, n, p[2];

	if ((kq = kqueue()) == -1 || pipe(p) == -1)
		return (1);
	memset(ev, 0, sizeof(ev));
	EV_SET(&ev[0], -1, EVFILT_READ, EV_ADD, 0, 0, NULL);
	ev[1] = ev[0];
	memset(out, 0, sizeof(out));
	n = kevent(kq, ev, 1, out, 8, NULL);
	if (n != 1 || (int)out[0].ident != -1 ||
	    (out[0].flags & EV_ERROR) == 0 || out[0].data != EBADF)
		return (2);

	/* And a pipe that is closed at its other end, without an error. */
	EV_SET(&ev[0], p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	close(p[1]);
	if (kevent(kq, ev, 1, out, 8, NULL) != 1 ||
	    (out[0].flags & (EV_ERROR | EV_EOF)) != EV_EOF)
		return (3);
	return (0);
}
EOF
}

atf_test_case autoconf
autoconf_head()
{
	atf_set descr "a stranger's configure finds kqueue and finds it usable"
	atf_set require.progs "autoconf"
}
autoconf_body()
{
	. "$(atf_get_srcdir)/env.sh"
	need_pc
	usable_program >usable.c
	{
		cat <<'EOF'
AC_INIT([stranger], [1])
AC_PROG_CC
AC_CHECK_HEADERS([sys/event.h])
AC_CHECK_FUNCS([kqueue kevent kqueue1])
AC_CHECK_TYPES([struct kevent], [], [], [[#include <sys/types.h>
#include <sys/event.h>]])
AC_CACHE_CHECK([whether kqueue is usable], [stranger_cv_usable],
[AC_RUN_IFELSE([AC_LANG_SOURCE([[
EOF
		cat usable.c
		cat <<'EOF'
]])], [stranger_cv_usable=yes], [stranger_cv_usable=no],
[stranger_cv_usable=unknown])])
AC_CONFIG_FILES([answers])
AC_SUBST([stranger_cv_usable])
AC_SUBST([ac_cv_func_kqueue])
AC_SUBST([ac_cv_func_kevent])
AC_SUBST([ac_cv_func_kqueue1])
AC_SUBST([ac_cv_header_sys_event_h])
AC_SUBST([ac_cv_type_struct_kevent])
AC_OUTPUT
EOF
	} >configure.ac
	echo '@ac_cv_header_sys_event_h@ @ac_cv_func_kqueue@' \
	    '@ac_cv_func_kevent@ @ac_cv_func_kqueue1@' \
	    '@ac_cv_type_struct_kevent@ @stranger_cv_usable@' >answers.in
	atf_check -e ignore autoconf
	mkdir with without
	# As two variables, the way configure scripts are usually told.
	(cd with && ../configure CC="$CC $sanitizer" \
	    CPPFLAGS="$(pc --cflags evany-overlay)" \
	    LIBS="$(pc --libs evany-overlay)") || {
		cat with/config.log
		atf_fail "configure"
	}
	one=yes
	[ "$kqueue" = emulated ] || one=$(cut -d ' ' -f 4 with/answers)
	atf_check -o inline:"yes yes yes $one yes yes\n" cat with/answers
	# The flags made the difference.
	[ "$kqueue" = emulated ] || return 0
	(cd without && ../configure CC="$CC $sanitizer") || atf_fail "configure"
	atf_check -o inline:"no no no no no no\n" cat without/answers
}

atf_test_case run
run_head()
{
	atf_set descr "kqueue passes the usual test for being usable"
}
run_body()
{
	. "$(atf_get_srcdir)/env.sh"
	need_pc
	usable_program >usable.c
	atf_check $CC $sanitizer usable.c -o usable \
	    $(pc --cflags --libs evany-overlay)
	atf_check ./usable
}

atf_test_case ports
ports_head()
{
	atf_set descr "a program of illumos, in strict C99, finds what it includes"
}
ports_body()
{
	. "$(atf_get_srcdir)/env.sh"
	need_pc
	[ "$ports" = emulated ] || atf_skip "ports are the system's"
	cat >port.c <<'EOF'
#include <port.h>
#include <siginfo.h>
#include <sys/port_impl.h>

int
main(void)
{
	struct timespec none = { 0, 0 };
	file_obj_t fo = { { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 0, 0 }, "." };
	port_event_t list[4];
	uint_t n = 1;
	int port = port_create();

	if (port_associate(port, PORT_SOURCE_FD, 0, POLLIN, NULL) == -1 ||
	    port_dissociate(port, PORT_SOURCE_FD, 0) == -1 ||
	    port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&fo,
	    FILE_MODIFIED, NULL) == -1 ||
	    port_getn(port, list, 4, &n, &none) == -1)
		return (1);
	return (n != 0);
}
EOF
	atf_check $CC $sanitizer -std=c99 port.c -o port \
	    $(pc --cflags --libs evany-overlay)
	atf_check ./port </dev/zero
}

atf_test_case cmake
cmake_head()
{
	atf_set descr "a CMake project builds by pkg_check_modules"
	atf_set require.progs "cmake pkg-config"
}
cmake_body()
{
	. "$(atf_get_srcdir)/env.sh"
	need_pc
	usable_program >usable.c
	cat >CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.10)
project(stranger C)
find_package(PkgConfig REQUIRED)
pkg_check_modules(KQUEUE REQUIRED IMPORTED_TARGET evany-overlay)
include(CheckSymbolExists)
list(APPEND CMAKE_REQUIRED_LIBRARIES PkgConfig::KQUEUE)
check_symbol_exists(kqueue "sys/types.h;sys/event.h" HAVE_KQUEUE)
if(NOT HAVE_KQUEUE)
  message(FATAL_ERROR "no kqueue")
endif()
add_executable(usable usable.c)
target_link_libraries(usable PRIVATE PkgConfig::KQUEUE)
EOF
	# CMake runs pkg-config itself: let it find paths that are already whole.
	mkdir pcdir
	for name in evany evany-overlay; do
		sed -e "s|^prefix=.*|prefix=$root$prefix|" \
		    "$PKG_CONFIG_PATH/$name.pc" >pcdir/$name.pc
	done
	atf_check -o ignore -e ignore env PKG_CONFIG_PATH="$(pwd)/pcdir" \
	    CFLAGS="$sanitizer" CC="$CC" cmake .
	atf_check -o ignore -e ignore cmake --build .
	atf_check ./usable
}

atf_test_case meson
meson_head()
{
	atf_set descr "a Meson project builds by dependency()"
	atf_set require.progs "meson ninja pkg-config"
}
meson_body()
{
	. "$(atf_get_srcdir)/env.sh"
	need_pc
	usable_program >usable.c
	cat >meson.build <<'EOF'
project('stranger', 'c')
kqueue = dependency('evany-overlay')
cc = meson.get_compiler('c')
assert(cc.has_function('kqueue', dependencies: kqueue,
    prefix: '#include <sys/types.h>\n#include <sys/event.h>'))
executable('usable', 'usable.c', dependencies: kqueue)
EOF
	mkdir pcdir
	sed -e "s|^prefix=.*|prefix=$root$prefix|" \
	    "$PKG_CONFIG_PATH/evany-overlay.pc" >pcdir/evany-overlay.pc
	atf_check -o ignore -e ignore env PKG_CONFIG_PATH="$(pwd)/pcdir" \
	    CFLAGS="$sanitizer" CC="$CC" meson setup out
	atf_check -o ignore -e ignore ninja -C out
	atf_check out/usable
}

atf_init_test_cases()
{
	atf_add_test_case autoconf
	atf_add_test_case run
	atf_add_test_case ports
	atf_add_test_case cmake
	atf_add_test_case meson
}
