/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * features: the table that configure prints, at run time.
 *
 * configure decides which facilities are emulated; which mechanisms serve
 * them is decided on the running system by backends/table.c, so their names
 * are put together at first use, once per process.
 */
#include "config.h"

#include <evany.h>

#include <errno.h>
#ifdef EVANY_KQUEUE_EMULATED
#include <pthread.h>
#include <string.h>

#include "backends/backend.h"
#endif
#include "compat/export.h"

#ifdef EVANY_KQUEUE_EMULATED

#define NAMES_MAX	64

static char names[NAMES_MAX];
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

/* Appends a name, after a blank, unless it is there or does not fit. */
static void
names_add(const char *name)
{
	size_t len = strlen(name), used = strlen(names);
	const char *p;

	for (p = names; (p = strstr(p, name)) != NULL; p += len)
		if ((p == names || p[-1] == ' ') &&
		    (p[len] == ' ' || p[len] == '\0'))
			return;
	if (used + len + 2 > NAMES_MAX)
		return;
	if (used > 0)
		names[used++] = ' ';
	memcpy(names + used, name, len + 1);
}

static void
names_make(void)
{
	const struct evany__table *tb = evany__table();

	names_add(tb->tb_be->be_name);
	names_add(tb->tb_file->fo_name);
	names_add(tb->tb_signal->so_name);
	names_add(tb->tb_proc->po_name);
}

static void
kqueue_row(struct evany_feature *row)
{

	(void)pthread_once(&names_once, names_make);
	row->ef_facility = "kqueue";
	row->ef_mechanism = names;
	row->ef_how = EVANY_EMULATED;
}

#else

static void
kqueue_row(struct evany_feature *row)
{

	row->ef_facility = "kqueue";
	row->ef_mechanism = "system";
	row->ef_how = EVANY_NATIVE;
}

#endif

/* One function per facility, each filling its row. */
static void (*const row_list[])(struct evany_feature *) = {
	kqueue_row
};

#define ROWS	(sizeof(row_list) / sizeof(row_list[0]))

EVANY_EXPORT size_t
evany_features(struct evany_feature *rows, size_t nrows)
{
	size_t i;
	int saved = errno;

	for (i = 0; i < ROWS && i < nrows; i++)
		row_list[i](&rows[i]);
	errno = saved;
	return (ROWS);
}

EVANY_EXPORT const char *
evany_version(void)
{

	return (PACKAGE_VERSION);
}
