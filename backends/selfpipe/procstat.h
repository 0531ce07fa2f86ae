/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * procstat.h: what /proc tells of a process, where it is as on Linux.
 */
#ifndef EVANY_PROCSTAT_H
#define EVANY_PROCSTAT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fields of /proc/PID/stat; see proc(5). */
struct evany__procstat {
	char		ps_state;
	pid_t		ps_ppid;
	uint64_t	ps_start;	/* clock ticks since boot */
	int		ps_status;	/* 0 to those who may not trace it */
};

/*
 * False if there is no such file, or it looks different.  By the time this
 * returns the pid may have been given away.  errno may change; neither is a
 * cancellation point.
 */
bool	evany__procstat(pid_t pid, struct evany__procstat *);

/* Has it ended, though nobody has waited for it? */
bool	evany__procstat_ended(const struct evany__procstat *);

/* Is the number that of a thread other than the first of its process? */
bool	evany__procstat_thread(pid_t pid);

/* The beginning of a file as a string; false if it cannot be read. */
bool	evany__procstat_read(const char *path, char *buf, size_t size);

#endif /* EVANY_PROCSTAT_H */
