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
#include <stdbool.h>
#if defined(EVANY_KQUEUE_EMULATED) || defined(EVANY_PORTS_EMULATED)
#define EMULATED	1
#include <pthread.h>
#include <string.h>

#include "backends/backend.h"
#endif
#include "compat/export.h"

#ifdef EMULATED

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

static const char *
mechanisms(void)
{

	(void)pthread_once(&names_once, names_make);
	return (names);
}

#endif

/* One row per facility; configure has decided. */
static const struct {
	const char	*fa_name;
	bool		 fa_emulated;
} facilities[] = {
#ifdef EVANY_KQUEUE_EMULATED
	{ "kqueue", true },
#else
	{ "kqueue", false },
#endif
#ifdef EVANY_PORTS_EMULATED
	{ "ports", true }
#else
	{ "ports", false }
#endif
};

#define ROWS	(sizeof(facilities) / sizeof(facilities[0]))

static void
row_fill(struct evany_feature *row, size_t i)
{

	row->ef_facility = facilities[i].fa_name;
	row->ef_how = EVANY_NATIVE;
	row->ef_mechanism = "system";
#ifdef EMULATED
	if (facilities[i].fa_emulated) {
		row->ef_how = EVANY_EMULATED;
		row->ef_mechanism = mechanisms();
	}
#endif
}

EVANY_EXPORT size_t
evany_features(struct evany_feature *rows, size_t nrows)
{
	size_t i;
	int saved = errno;

	for (i = 0; i < ROWS && i < nrows; i++)
		row_fill(&rows[i], i);
	errno = saved;
	return (ROWS);
}

EVANY_EXPORT const char *
evany_version(void)
{

	return (PACKAGE_VERSION);
}
