/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * table: which mechanism serves which kind of watch.
 *
 * Each list is in order of preference; the first that is built, allowed and
 * usable on the running system is taken, once per process.  The environment
 * variable EVANY_BACKENDS names the mechanisms that are allowed, separated by
 * commas ("epoll,inotify", "poll").  A kind that none of the names serves is
 * not narrowed, but that "poll" stands for the portable one of each kind.  It
 * is ignored in a set-user-ID program.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/backend.h"

#define LENGTH(a)	(sizeof(a) / sizeof((a)[0]))

static const struct evany__be_ops *const be_list[] = {
#ifdef EVANY_BE_EPOLL
	&evany__be_epoll_ops,
#endif
	&evany__be_poll_ops
};

static const struct evany__file_ops *const file_list[] = {
#ifdef EVANY_BE_INOTIFY
	&evany__file_inotify_ops,
#endif
	&evany__file_scan_ops
};

static const struct evany__signal_ops *const signal_list[] = {
#ifdef EVANY_BE_SIGNALFD
	&evany__signal_signalfd_ops,
#endif
	&evany__signal_selfpipe_ops
};

static const struct evany__proc_ops *const proc_list[] = {
#ifdef EVANY_BE_PIDFD
	&evany__proc_pidfd_ops,
#endif
	&evany__proc_selfpipe_ops
};

static const struct evany__mount_ops *const mount_list[] = {
#ifdef EVANY_BE_MOUNTINFO
	&evany__mount_info_ops,
#endif
	&evany__mount_none_ops
};

static struct evany__table table;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

/* Is name in the comma-separated list? */
static bool
named(const char *list, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = list; p != NULL; p = strchr(p, ',')) {
		if (*p == ',')
			p++;
		if (strncmp(p, name, len) == 0 &&
		    (p[len] == ',' || p[len] == '\0'))
			return (true);
	}
	return (false);
}

/* A probe that met a full table or no memory has found the calls in place. */
static bool
usable(int error)
{
	return (error == 0 || error == EMFILE || error == ENFILE ||
	    error == ENOMEM || error == ENOSPC);
}

/* The last entry of each list is the portable one and always works. */
#define CHOOSE(to, list, prefix, allow) do {				\
	bool choose_any = named((allow), "poll");			\
	size_t choose_i;						\
									\
	for (choose_i = 0; choose_i < LENGTH(list); choose_i++)		\
		choose_any |= named((allow),				\
		    (list)[choose_i]->prefix##name);			\
	for (choose_i = 0; choose_i < LENGTH(list) - 1; choose_i++)	\
		if ((!choose_any ||					\
		    named((allow), (list)[choose_i]->prefix##name)) &&	\
		    usable((list)[choose_i]->prefix##probe()))		\
			break;						\
	(to) = (list)[choose_i];					\
} while (0)

static void
table_make(void)
{
	const char *allow = NULL;

#ifdef HAVE_SECURE_GETENV
	allow = secure_getenv("EVANY_BACKENDS");
#else
	if (geteuid() == getuid() && getegid() == getgid())
		allow = getenv("EVANY_BACKENDS");
#endif
	if (allow == NULL)
		allow = "";
	CHOOSE(table.tb_be, be_list, be_, allow);
	CHOOSE(table.tb_file, file_list, fo_, allow);
	CHOOSE(table.tb_signal, signal_list, so_, allow);
	CHOOSE(table.tb_proc, proc_list, po_, allow);
	/* Only one way is known, over any mechanism that waits. */
	CHOOSE(table.tb_mount, mount_list, mo_, "");
}

const struct evany__table *
evany__table(void)
{
	(void)pthread_once(&table_once, table_make);
	return (&table);
}
