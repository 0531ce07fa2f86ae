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

/* One way to serve a kind of watch. */
struct candidate {
	const char *const	*cd_name;
	int			(*const *cd_probe)(void);
	const void		*cd_ops;
};
#define CANDIDATE(prefix, ops)	{ &(ops).prefix##name, &(ops).prefix##probe, \
	    &(ops) }

/* The last entry of each list is the portable one and always works. */
static const struct candidate be_list[] = {
#ifdef EVANY_BE_EPOLL
	CANDIDATE(be_, evany__be_epoll_ops),
#endif
#ifdef EVANY_BE_KQUEUE
	CANDIDATE(be_, evany__be_kqueue_ops),
#endif
#ifdef EVANY_BE_PORTS
	CANDIDATE(be_, evany__be_ports_ops),
#endif
	CANDIDATE(be_, evany__be_poll_ops)
};

static const struct candidate file_list[] = {
#ifdef EVANY_BE_INOTIFY
	CANDIDATE(fo_, evany__file_inotify_ops),
#endif
	CANDIDATE(fo_, evany__file_scan_ops)
};

static const struct candidate signal_list[] = {
#ifdef EVANY_BE_SIGNALFD
	CANDIDATE(so_, evany__signal_signalfd_ops),
#endif
#ifdef EVANY_BE_KQUEUE
	CANDIDATE(so_, evany__signal_kqueue_ops),
#endif
	CANDIDATE(so_, evany__signal_selfpipe_ops)
};

static const struct candidate proc_list[] = {
#ifdef EVANY_BE_PIDFD
	CANDIDATE(po_, evany__proc_pidfd_ops),
#endif
#ifdef EVANY_BE_KQUEUE
	CANDIDATE(po_, evany__proc_kqueue_ops),
#endif
	CANDIDATE(po_, evany__proc_selfpipe_ops)
};

static const struct candidate mount_list[] = {
#ifdef EVANY_BE_MOUNTINFO
	CANDIDATE(mo_, evany__mount_info_ops),
#endif
	CANDIDATE(mo_, evany__mount_none_ops)
};

#define LENGTH(a)	(sizeof(a) / sizeof((a)[0]))

static const struct {
	const char		*ki_name;
	const struct candidate	*ki_list;
	size_t			 ki_length;
} kinds[] = {
	{ "descriptors", be_list, LENGTH(be_list) },
	{ "files", file_list, LENGTH(file_list) },
	{ "signals", signal_list, LENGTH(signal_list) },
	{ "processes", proc_list, LENGTH(proc_list) },
	{ "mounts", mount_list, LENGTH(mount_list) }
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

static const void *
choose(const struct candidate *list, size_t length, const char *allow)
{
	bool any = named(allow, "poll");
	size_t i;

	for (i = 0; i < length; i++)
		any |= named(allow, *list[i].cd_name);
	for (i = 0; i < length - 1; i++)
		if ((!any || named(allow, *list[i].cd_name)) &&
		    usable((*list[i].cd_probe)()))
			break;
	return (list[i].cd_ops);
}

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
	table.tb_be = choose(be_list, LENGTH(be_list), allow);
	table.tb_file = choose(file_list, LENGTH(file_list), allow);
	table.tb_signal = choose(signal_list, LENGTH(signal_list), allow);
	table.tb_proc = choose(proc_list, LENGTH(proc_list), allow);
	/* Only one way is known, over any mechanism that waits. */
	table.tb_mount = choose(mount_list, LENGTH(mount_list), "");
}

const struct evany__table *
evany__table(void)
{
	(void)pthread_once(&table_once, table_make);
	return (&table);
}

/* What was chosen for the kind. */
static const void *
chosen(size_t kind)
{
	const struct evany__table *tb = evany__table();
	const void *const ops[LENGTH(kinds)] = { tb->tb_be, tb->tb_file,
	    tb->tb_signal, tb->tb_proc, tb->tb_mount };

	return (ops[kind]);
}

bool
evany__mechanism(size_t at, struct evany__mechanism *me)
{
	const struct candidate *cd;
	size_t k;
	int error;

	for (k = 0; k < LENGTH(kinds) && at >= kinds[k].ki_length; k++)
		at -= kinds[k].ki_length;
	if (k == LENGTH(kinds))
		return (false);
	cd = &kinds[k].ki_list[at];
	error = (*cd->cd_probe)();
	me->me_kind = kinds[k].ki_name;
	me->me_name = *cd->cd_name;
	me->me_used = cd->cd_ops == chosen(k);
	me->me_error = usable(error) ? 0 : error;
	return (true);
}
