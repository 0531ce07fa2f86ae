#! @ATF_SH@
# SPDX-License-Identifier: BSD-2-Clause

atf_test_case lint
lint_head()
{
	atf_set descr "mandoc finds nothing to warn of in any page"
	atf_set require.progs mandoc
}
lint_body()
{
	. "$(atf_get_srcdir)/env.sh"
	ls "$srcdir"/man/*.[0-9] >pages || atf_fail "there is no page"
	while read -r page; do
		echo "$page"
		atf_check mandoc -T lint -W warning "$page"
	done <pages
}

atf_test_case sections
sections_head()
{
	atf_set descr "pages of section 3 have the sections a reader looks for"
}
sections_body()
{
	. "$(atf_get_srcdir)/env.sh"
	for page in "$srcdir"/man/*.3; do
		for section in NAME LIBRARY SYNOPSIS DESCRIPTION \
		    "RETURN VALUES" ERRORS "SEE ALSO" CAVEATS; do
			grep -q "^\.Sh $section\$" "$page" ||
			    atf_fail "$page has no $section"
		done
	done
}

atf_test_case installed_names
installed_names_head()
{
	atf_set descr "each name of an installed page finds that page"
}
installed_names_body()
{
	. "$(atf_get_srcdir)/env.sh"
	for page in "$srcdir"/man/*.[0-9]; do
		section=${page##*.}
		find "$root$prefix" -name "${page##*/}" >found
		# The page of a facility that the system has is left out.
		[ -s found ] || [ "$kqueue" = native ] ||
		    atf_fail "$page is not installed"
		[ -s found ] || continue
		awk '/^\.Sh/ { in_name = $2 == "NAME" }
		    in_name && /^\.Nm/ { print $2 }' "$page" >names
		while read -r name; do
			find "$root$prefix" -name "$name.$section" >found
			[ -s found ] || atf_fail "$name($section) finds nothing"
			atf_check cmp "$page" "$(cat found)"
		done <names
	done
}

atf_init_test_cases()
{
	atf_add_test_case lint
	atf_add_test_case sections
	atf_add_test_case installed_names
}
