/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/* atf_min: see atf-c.h beside it. */
#include "config.h"

#include <atf-c.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct atf_tp {
	atf_tc_t	*tp_first, **tp_lastp;
};

static bool failed;
static char *folder;

atf_error_t
atf_tp_add_tc(atf_tp_t *tp, atf_tc_t *tc)
{

	*tp->tp_lastp = tc;
	tp->tp_lastp = &tc->tc_next;
	return (0);
}

atf_error_t
atf_tc_set_md_var(atf_tc_t *tc, const char *name, const char *fmt, ...)
{

	(void)tc;
	(void)name;
	(void)fmt;
	return (0);
}

const char *
atf_tc_get_config_var(const atf_tc_t *tc, const char *name)
{

	(void)tc;
	if (strcmp(name, "srcdir") != 0)
		atf_tc_fail("no variable %s", name);
	return (folder);
}

void
atf_tc_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("failed: ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	exit(1);
}

void
atf_tc_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("skipped: ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	exit(0);
}

void
atf_tc_pass(void)
{

	if (failed)
		exit(1);
	printf("passed\n");
	exit(0);
}

void
atf_min_check(bool ok, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (ok)
		return;
	failed = true;
	va_start(ap, fmt);
	printf("%s:%d: ", file, line);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

void
atf_min_require(bool ok, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (ok)
		return;
	va_start(ap, fmt);
	printf("failed: %s:%d: ", file, line);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	exit(1);
}

int
main(int argc, char *argv[])
{
	struct atf_tp tp;
	atf_tc_t *tc;

	tp.tp_first = NULL;
	tp.tp_lastp = &tp.tp_first;
	folder = dirname(argv[0]);
	if (atf_min_cases(&tp) != atf_no_error())
		return (1);
	for (tc = tp.tp_first; tc != NULL; tc = tc->tc_next) {
		if (argc < 2)
			printf("%s\n", tc->tc_name);
		else if (strcmp(tc->tc_name, argv[1]) == 0) {
			if (tc->tc_head != NULL)
				tc->tc_head(tc);
			tc->tc_body(tc);
			atf_tc_pass();
		}
	}
	return (argc < 2 ? 0 : 2);
}
