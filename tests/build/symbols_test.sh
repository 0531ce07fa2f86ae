#! @ATF_SH@
# SPDX-License-Identifier: BSD-2-Clause

# Names in the map, less those of what the system has, or has no use for.
expected()
{
	without='^$'
	[ "$kqueue" = emulated ] || without="$without|^k"
	[ "$ports" = emulated ] || without="$without|^port_"
	[ "$aio" = yes ] || without="$without|^evany_(aio|lio)_"
	[ "$mqueue" = yes ] || without="$without|^evany_mq_"
	[ "$disposition" = yes ] || without="$without|^(sigaction|signal)$"
	[ "$timer" = yes ] || without="$without|^evany_timer_"
	sed -n -e '/\*\//!{/^ *\/\?\*/d;}' \
	    -e 's/^	\([a-z_0-9]*\);$/\1/p' "$srcdir/compat/evany.map" |
	    grep -Ev "$without" | sort
}

atf_test_case exports_equal_map
exports_equal_map_head()
{
	atf_set descr "the shared library exports what the map says"
}
exports_equal_map_body()
{
	. "$(atf_get_srcdir)/env.sh"
	need_shared
	expected >expout
	[ -s expout ] || atf_fail "the map is not understood"
	$NM -D --defined-only "$root$libdir/libevany.so" >nm.out ||
	    atf_fail "nm"
	# A line "A" is the node of the map.
	atf_check -o file:expout \
	    awk '$2 != "A" { sub(/@.*/, "", $3); print $3 | "sort" }' nm.out
}

atf_test_case exports_have_versions
exports_have_versions_head()
{
	atf_set descr "each export carries a version"
}
exports_have_versions_body()
{
	. "$(atf_get_srcdir)/env.sh"
	need_shared
	$NM -D --defined-only --with-symbol-versions \
	    "$root$libdir/libevany.so" >nm.out || atf_fail "nm"
	atf_check -o empty awk '$2 != "A" && $3 !~ /@@EVANY_/' nm.out
}

atf_test_case static_names
static_names_head()
{
	atf_set descr "the static library has no name but its own and the map's"
}
static_names_body()
{
	. "$(atf_get_srcdir)/env.sh"
	lib=$root$libdir/libevany.a
	[ -e "$lib" ] || atf_skip "no static library was built"
	expected >map
	# b, d, r, t are private to a file; sanitizers add names of their own.
	$NM -g "$lib" | awk '$2 ~ /^[A-TV-Z]$/ { print $3 }' | sort -u |
	    grep -Ev '^(evany_|__asan|__odr|__tsan|__ubsan)' >global
	atf_check -o empty sh -c 'comm -23 global map'
}

atf_test_case needs_only_libc
needs_only_libc_head()
{
	atf_set descr "the shared library needs nothing but the C library"
}
needs_only_libc_body()
{
	. "$(atf_get_srcdir)/env.sh"
	need_shared
	[ -z "$sanitizer" ] || atf_skip "a sanitizer adds its own library"
	command -v readelf >/dev/null || atf_skip "no readelf"
	readelf -d "$root$libdir/libevany.so" | grep NEEDED |
	    sed 's/.*\[\(.*\)\]/\1/' >needed
	atf_check -s ignore -o empty \
	    grep -Ev '^(libc|libpthread|librt|libdl|ld-[a-z0-9_-]*)[.]' needed
}

atf_init_test_cases()
{
	atf_add_test_case exports_equal_map
	atf_add_test_case exports_have_versions
	atf_add_test_case static_names
	atf_add_test_case needs_only_libc
}
