/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * procsource.h: who tells of forks and execs.
 *
 * A source is opened for a process and tells of it and of all its descendants
 * from then on.  Its functions are called with the instance's lock held; errno
 * may change, none is a cancellation point.
 */
#ifndef EVANY_PROCSOURCE_H
#define EVANY_PROCSOURCE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "backends/backend.h"

enum evany__procact {
	EVANY__PR_FORK,		/* pr_parent has made pr_pid, 0: unknown */
	EVANY__PR_EXEC,
	EVANY__PR_EXIT,		/* its first thread has ended */
	EVANY__PR_LOST,		/* some records are missing here */
	EVANY__PR_END		/* nobody is left to tell of */
};

struct evany__procrec {
	enum evany__procact	pr_act;
	bool			pr_told;	/* pr_status is true */
	pid_t			pr_pid;
	pid_t			pr_parent;
	int64_t			pr_time;	/* CLOCK_BOOTTIME */
	int64_t			pr_status;	/* wait status */
};

struct evany__procsource {
	const char	*sr_name;
	/* Tells of every process of the system: one is enough. */
	bool		 sr_all;
	/* A poll(2) may take its readiness away: collect before each wait. */
	bool		 sr_shy;
	/*
	 * ready is called when there may be records.  ENOTSUP: not here, or not
	 * allowed; ESRCH; EMFILE, ENFILE, ENOMEM.
	 */
	int	(*sr_open)(struct evany__inst *, pid_t, void (*ready)(void *),
		    void *arg, void **handlep);
	void	(*sr_close)(void *handle);
	/* Gives all records there are, in the order of their causes. */
	void	(*sr_collect)(void *handle,
		    void (*fn)(void *, const struct evany__procrec *),
		    void *arg);
	/* In the child of fork: closes descriptors, touches nothing else. */
	void	(*sr_fork_child)(void *handle);
};

extern const struct evany__procsource evany__procsource_perf;
extern const struct evany__procsource evany__procsource_connector;
extern const struct evany__procsource evany__procsource_own;

#endif /* EVANY_PROCSOURCE_H */
