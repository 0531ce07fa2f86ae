/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * procask.h: has a process ended?  None of these is a cancellation point; errno
 * may change.  *statusp is its wait status, 0 where that is not known.
 */
#ifndef EVANY_PROCASK_H
#define EVANY_PROCASK_H

#include <sys/types.h>

#include <stdint.h>

enum evany__answer {
	EVANY__ASK_RUNNING,
	EVANY__ASK_ENDED,
	EVANY__ASK_NO_CHILD	/* not of ours, or it has been reaped */
};

enum evany__answer evany__ask_child(pid_t, int64_t *statusp);
/* Of the process that a descriptor stands for. */
enum evany__answer evany__ask_descriptor(int fd, int64_t *statusp);
/* Of any process; a zombie may count as running. */
enum evany__answer evany__ask_anybody(pid_t, int64_t *statusp);

#endif /* EVANY_PROCASK_H */
