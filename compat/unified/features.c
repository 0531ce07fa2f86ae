/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * features: the table that configure prints, at run time, and what becomes of
 * each source of <evany.h> and of EVANY_SHARED.
 *
 * configure decides which facilities are emulated; which mechanisms serve
 * them is decided on the running system by backends/table.c, so their names
 * are put together at first use, once per process.
 */
#include "config.h"

#include <evany.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "backends/emulation/unified/uni.h"
#include "compat/export.h"

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

/* One row per facility; configure has decided. */
static const struct {
	const char	*fa_name;
	int		 fa_how;
} facilities[] = {
#ifdef EVANY_KQUEUE_EMULATED
	{ "kqueue", EVANY_EMULATED },
#else
	{ "kqueue", EVANY_NATIVE },
#endif
#ifdef EVANY_PORTS_EMULATED
	{ "ports", EVANY_EMULATED }
#else
	{ "ports", EVANY_NATIVE }
#endif
};

static void
facility_fill(struct evany_feature *row, size_t i)
{

	row->ef_facility = facilities[i].fa_name;
	row->ef_how = facilities[i].fa_how;
	row->ef_mechanism = "system";
	if (row->ef_how == EVANY_EMULATED) {
		(void)pthread_once(&names_once, names_make);
		row->ef_mechanism = names;
	}
}

/* ---- sources ------------------------------------------------------------------- */

static const char *const sources[] = {
	[EVANY_FD] = "fd",
	[EVANY_TIMER] = "timer",
	[EVANY_SIGNAL] = "signal",
	[EVANY_PROCESS] = "process",
	[EVANY_FILE] = "file",
	[EVANY_DIRECTORY] = "directory",
	[EVANY_AIO] = "aio",
	[EVANY_USER] = "user",
	[EVANY_ALERT] = "alert"
};

/* The mechanism that serves the source. */
static const char *
source_mechanism(int source)
{
	const struct evany__table *tb = evany__table();

	switch (source) {
	case EVANY_SIGNAL:
		return (tb->tb_signal->so_name);
	case EVANY_PROCESS:
		return (tb->tb_proc->po_name);
	case EVANY_FILE:
	case EVANY_DIRECTORY:
		return (tb->tb_file->fo_name);
	default:
		return (tb->tb_be->be_name);
	}
}

EVANY_EXPORT int
evany_source(int source)
{
	int saved = errno;
	const char *name;
	bool portable;

	if (source != EVANY_ALERT && evany__uni_source(source) == NULL)
		return (EVANY_MISSING);
	name = source_mechanism(source);
	switch (source) {
	case EVANY_FD:		/* edges are guessed */
		portable = strcmp(name, "poll") == 0 ||
		    strcmp(name, "ports") == 0;
		break;
	case EVANY_PROCESS:	/* of strangers, the end is not told */
		portable = strcmp(name, "selfpipe") == 0;
		break;
	case EVANY_FILE:	/* changes between two looks are one */
	case EVANY_DIRECTORY:
		portable = strcmp(name, "filescan") == 0;
		break;
	default:
		portable = false;
		break;
	}
	errno = saved;
	return (portable ? EVANY_APPROXIMATE : EVANY_EMULATED);
}

static void
source_fill(struct evany_feature *row, int source)
{

	row->ef_facility = sources[source];
	row->ef_how = evany_source(source);
	row->ef_mechanism = row->ef_how == EVANY_MISSING ? "" :
	    source_mechanism(source);
}

/* ---- queues that a fork shares ------------------------------------------------ */

static void
sharing_fill(struct evany_feature *row)
{
	bool can = evany__uni_share_can();

	row->ef_facility = "sharing";
	row->ef_how = can ? EVANY_EMULATED : EVANY_MISSING;
	row->ef_mechanism = can ? evany__table()->tb_be->be_name : "";
}

#define FACILITIES	(sizeof(facilities) / sizeof(facilities[0]))
#define SOURCES		(sizeof(sources) / sizeof(sources[0]) - EVANY_FD)
#define FEATURES	(FACILITIES + SOURCES + 1)

EVANY_EXPORT size_t
evany_features(struct evany_feature *rows, size_t nrows)
{
	size_t i;
	int saved = errno;

	for (i = 0; i < FEATURES && i < nrows; i++)
		if (i < FACILITIES)
			facility_fill(&rows[i], i);
		else if (i < FACILITIES + SOURCES)
			source_fill(&rows[i], (int)(i - FACILITIES) +
			    EVANY_FD);
		else
			sharing_fill(&rows[i]);
	errno = saved;
	return (FEATURES);
}

EVANY_EXPORT size_t
evany_mechanisms(struct evany_mechanism *rows, size_t nrows)
{
	struct evany__mechanism me;
	size_t n;
	int saved = errno;

	for (n = 0; evany__mechanism(n, &me); n++) {
		if (n >= nrows)
			continue;
		rows[n].em_kind = me.me_kind;
		rows[n].em_name = me.me_name;
		rows[n].em_used = me.me_used;
		rows[n].em_error = me.me_error;
	}
	errno = saved;
	return (n);
}

EVANY_EXPORT const char *
evany_version(void)
{

	return (PACKAGE_VERSION);
}
