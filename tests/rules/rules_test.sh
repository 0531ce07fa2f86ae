#!@ATF_SH@
#
# SPDX-License-Identifier: BSD-2-Clause
#
# Copyright (c) 2026 The evany authors
#
# Runs rules.sh on this tree, and on small trees with one defect each.

builddir=@BUILDDIR@
srcdir=$(sed -n 's/^abs_top_srcdir = //p' "$builddir/Makefile")
rules="sh $srcdir/tests/rules/rules.sh"

# A tree in ./tests without a defect: two rules, one case.
small_tree()
{
	mkdir -p tests/x
	cat >tests/x/x.rules <<-END
	# comment
	XX-001 exact one
	XX-002 approx two
	END
	cat >tests/x/x_test.c <<-END
	EVT_TC(first, "XX-001 "
	    "XX-002", "a, description (of it)")
	{
	}

	ATF_TP_ADD_TCS(tp)
	{
		EVT_TP_ADD_TC(tp, first);
	}
	END
	echo 'check_PROGRAMS += %D%/x_test' >tests/x/Makefile.am.inc
}

atf_test_case tree
tree_head()
{
	atf_set "descr" "Every rule has a case and every case a rule"
}
tree_body()
{
	atf_check -o match:'rules \(.*cases$' $rules "$srcdir/tests"
}

atf_test_case good
good_head()
{
	atf_set "descr" "A complete small tree passes, and is listed"
}
good_body()
{
	small_tree
	atf_check -o match:'^2 rules .* 1 cases$' $rules tests
	atf_check -o match:'^XX-002 approx: two$' \
	    -o match:'^	x_test:first$' $rules -l tests
}

atf_test_case shell
shell_head()
{
	atf_set "descr" "Cases of shell programs and plain atf-c cases count"
}
shell_body()
{
	set=atf_set	# rules.sh reads this file too
	small_tree
	cat >tests/x/x_test.c <<-END
	ATF_TC(plain);
	ATF_TC_HEAD(plain, tc)
	{
		atf_tc_set_md_var(tc, "X-rule", "XX-001");
	}
	ATF_TP_ADD_TCS(tp)
	{
		ATF_TP_ADD_TC(tp, plain);
	}
	END
	cat >tests/x/y_test.sh <<-END
	other_head()
	{
		$set "X-rule" "XX-002"
	}
	atf_init_test_cases()
	{
		atf_add_test_case other
	}
	END
	echo 'test_scripts += %D%/y_test' >>tests/x/Makefile.am.inc
	atf_check -o match:'^2 rules .* 2 cases$' $rules tests
}

atf_test_case uncovered
uncovered_head()
{
	atf_set "descr" "A rule that no case names is a defect"
}
uncovered_body()
{
	small_tree
	echo 'XX-003 exact three' >>tests/x/x.rules
	atf_check -s exit:1 -o match:'^XX-003: no case' $rules tests
}

atf_test_case unknown
unknown_head()
{
	atf_set "descr" "A case that names an unknown rule is a defect"
}
unknown_body()
{
	small_tree
	sed 's/XX-002/XX-002 YY-001/' tests/x/x_test.c >t
	mv t tests/x/x_test.c
	atf_check -s exit:1 -o match:'x_test:first: .* YY-001$' $rules tests
}

atf_test_case twice
twice_head()
{
	atf_set "descr" "A rule listed twice is a defect, in other files too"
}
twice_body()
{
	small_tree
	echo 'XX-001 exact another' >tests/x/y.rules
	atf_check -s exit:1 -o match:'^XX-001: listed twice$' $rules tests
}

atf_test_case malformed
malformed_head()
{
	atf_set "descr" "A rule without a known grade is a defect"
}
malformed_body()
{
	small_tree
	echo 'XX-003 perhaps three' >>tests/x/x.rules
	atf_check -s exit:1 -o match:'x.rules:4: ' $rules tests
}

atf_test_case unregistered
unregistered_head()
{
	atf_set "descr" "A case that is not registered does not count"
}
unregistered_body()
{
	small_tree
	sed '/EVT_TP_ADD_TC/d' tests/x/x_test.c >t
	mv t tests/x/x_test.c
	atf_check -s exit:1 -o match:'first: is not registered$' \
	    -o match:'^XX-001: no case' $rules tests
}

atf_test_case unbuilt
unbuilt_head()
{
	atf_set "descr" "A program that is never built is a defect"
}
unbuilt_body()
{
	small_tree
	echo '# check_PROGRAMS += %D%/x_test' >tests/x/Makefile.am.inc
	atf_check -s exit:1 -o match:'is in no Makefile.am.inc$' $rules tests
}

atf_init_test_cases()
{
	atf_add_test_case tree
	atf_add_test_case good
	atf_add_test_case shell
	atf_add_test_case uncovered
	atf_add_test_case unknown
	atf_add_test_case twice
	atf_add_test_case malformed
	atf_add_test_case unregistered
	atf_add_test_case unbuilt
}
