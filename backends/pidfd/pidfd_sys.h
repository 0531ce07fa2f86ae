/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * pidfd_sys.h: what Linux tells of a process, as be_pidfd asks for it.
 *
 * None is a cancellation point; errno may change.
 */
#ifndef EVANY_PIDFD_SYS_H
#define EVANY_PIDFD_SYS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

/* A process descriptor in *fdp.  ESRCH: there is no such process. */
int	evany__pidfd_open(pid_t pid, int *fdp);
/* Another descriptor for the process that fd names; EINVAL if it names none. */
int	evany__pidfd_dup(int fd, int *fdp);
void	evany__pidfd_close(int fd);

/* The process of a descriptor; 0 if it was reaped or cannot be told. */
pid_t	evany__pidfd_pid(int fd);

/* Have all its threads ended? */
bool	evany__pidfd_ended(int fd);

/* Wait status of a process that has ended; false if nobody tells. */
bool	evany__pidfd_status(int fd, pid_t pid, int64_t *statusp);

/*
 * Is it the process that parent made at this time of CLOCK_BOOTTIME?  Its pid
 * may have been given away since.
 */
bool	evany__pidfd_is_child(int fd, pid_t pid, pid_t parent, int64_t born);

#endif /* EVANY_PIDFD_SYS_H */
