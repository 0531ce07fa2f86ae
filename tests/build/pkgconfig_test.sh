#! @ATF_SH@
# SPDX-License-Identifier: BSD-2-Clause

atf_test_case versions
versions_head()
{
	atf_set descr "both .pc files carry the library's version"
}
versions_body()
{
	. "$(atf_get_srcdir)/env.sh"
	need_pc
	for name in evany evany-overlay; do
		atf_check -o inline:"$version\n" \
		    "$pkg_config_prog" --modversion $name
		atf_check -o ignore "$pkg_config_prog" --validate $name
	done
}

atf_test_case own_interface
own_interface_head()
{
	atf_set descr "a program built by evany.pc sees version and features"
}
own_interface_body()
{
	. "$(atf_get_srcdir)/env.sh"
	need_pc
	cat >prog.c <<'EOF'
#include <evany.h>
#include <stdio.h>
int
main(void)
{
	struct evany_feature f[32], one;
	size_t i, n;

	printf("%s\n", evany_version());
	n = evany_features(NULL, 0);
	if (n < 3 || n > 32 || evany_features(f, 32) != n ||
	    evany_features(&one, 1) != n || f[2].ef_how != evany_source(EVANY_FD))
		return (1);
	for (i = 0; i < 2; i++)
		printf("%s %s\n", f[i].ef_facility,
		    f[i].ef_how == EVANY_NATIVE ? "native" : "emulated");
	return (one.ef_mechanism != f[0].ef_mechanism);
}
EOF
	atf_check $CC $sanitizer prog.c -o prog $(pc --cflags --libs evany)
	atf_check -o inline:"$version\nkqueue $kqueue\nports $ports\n" ./prog
}

atf_test_case overlay_shared
overlay_shared_head()
{
	atf_set descr "evany-overlay.pc builds an unchanged program"
}
overlay_shared_body()
{
	. "$(atf_get_srcdir)/env.sh"
	need_pc
	atf_check $CC $sanitizer -Wall -Wextra -Wconversion -Werror \
	    "$srcdir/examples/hello.c" -o hello \
	    $(pc --cflags --libs evany-overlay)
	atf_check -o inline:'5 bytes waited, read 5\n' \
	    sh -c 'echo four | ./hello'
}

atf_test_case overlay_static
overlay_static_head()
{
	atf_set descr "evany-overlay.pc serves a static link, by --static"
}
overlay_static_body()
{
	. "$(atf_get_srcdir)/env.sh"
	need_pc
	[ -e "$root$libdir/libevany.a" ] ||
	    atf_skip "no static library was built"
	mkdir only
	cp "$root$libdir/libevany.a" only
	libdir_save=$libdir
	flags=$(pc --static --cflags --libs evany-overlay |
	    sed "s|-L$root$libdir_save|-L$(pwd)/only|")
	atf_check $CC $sanitizer "$srcdir/examples/hello.c" -o hello $flags
	atf_check -o inline:'5 bytes waited, read 5\n' \
	    env LD_LIBRARY_PATH= sh -c 'echo four | ./hello'
}

atf_init_test_cases()
{
	atf_add_test_case versions
	atf_add_test_case own_interface
	atf_add_test_case overlay_shared
	atf_add_test_case overlay_static
}
