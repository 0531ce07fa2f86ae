/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * procstat: what /proc tells of a process.
 *
 * State:   none.
 * Race:    the caller's: a pid may belong to another process by then.
 * Locks:   none.
 */
#include "config.h"

#include "backends/selfpipe/procstat.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/rawcall.h"

bool
evany__procstat_read(const char *path, char *buf, size_t size)
{
	ssize_t n = -1;
	int cancel, fd;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if ((fd = evany__open(path, O_RDONLY | O_CLOEXEC)) != -1) {
		n = evany__read(fd, buf, size - 1);
		(void)evany__close(fd);
	}
	(void)pthread_setcancelstate(cancel, NULL);
	if (n <= 0)
		return (false);
	buf[n] = '\0';
	return (true);
}

bool
evany__procstat(pid_t pid, struct evany__procstat *ps)
{
	char buf[1024], path[64], *p;
	int field;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!evany__procstat_read(path, buf, sizeof(buf)))
		return (false);
	/* The name, in parentheses, may hold anything. */
	if ((p = strrchr(buf, ')')) == NULL || p[1] != ' ')
		return (false);
	memset(ps, 0, sizeof(*ps));
	ps->ps_state = p[2];
	for (field = 3; (p = strchr(p, ' ')) != NULL; field++) {
		p++;
		if (field == 4)
			ps->ps_ppid = (pid_t)strtol(p, NULL, 10);
		else if (field == 22)
			ps->ps_start = strtoull(p, NULL, 10);
		else if (field == 52)
			ps->ps_status = (int)strtol(p, NULL, 10);
	}
	return (field > 52);
}

bool
evany__procstat_ended(const struct evany__procstat *ps)
{
	return (ps->ps_state == 'Z' || ps->ps_state == 'X');
}

bool
evany__procstat_thread(pid_t pid)
{
	char buf[512], path[64];
	const char *p;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return (evany__procstat_read(path, buf, sizeof(buf)) &&
	    (p = strstr(buf, "\nTgid:")) != NULL &&
	    strtol(p + strlen("\nTgid:"), NULL, 10) != (long)pid);
}
