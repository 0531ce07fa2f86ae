/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * <port.h>: event ports, as on illumos, for systems that have none.
 *
 * All functions return 0 or what is said here, or -1 with errno.  A port
 * number that is not open is EBADF, one that is no port EBADFD.
 */
#ifndef EVANY_PORT_H
#define EVANY_PORT_H

#include <sys/port.h>

#include <poll.h>	/* POLLIN and the like, which programs expect here */

#ifdef __cplusplus
extern "C" {
#endif

/* A new port's number, without close-on-exec.  EMFILE, EAGAIN, ENOMEM. */
int	port_create(void);

/*
 * One event about object is wanted: source FD, FILE.  EINVAL, EBADFD (the
 * descriptor is closed), EAGAIN (the port is full), ENOMEM, ELOOP; for a
 * file what stat(2) says, EFAULT, ENOTSUP.
 */
int	port_associate(int port, int source, uintptr_t object, int events,
	    void *user);
/* ENOENT: there is none, or its event was retrieved.  EINVAL, EACCES. */
int	port_dissociate(int port, int source, uintptr_t object);

/* One event; waits for ever if timeout is NULL.  ETIME, EINTR, EINVAL. */
int	port_get(int port, port_event_t *event, timespec_t *timeout);
/*
 * At least *nget events, at most max; *nget tells how many, also with ETIME.
 * With max 0 *nget is how many are queued.
 */
int	port_getn(int port, port_event_t list[], uint_t max, uint_t *nget,
	    timespec_t *timeout);

/* Queues an event of source USER.  EAGAIN: the port is full. */
int	port_send(int port, int events, void *user);
/* To each of nent ports; how many were sent.  errors[] if any failed. */
int	port_sendn(int ports[], int errors[], uint_t nent, int events,
	    void *user);

/* Alert mode, until it is set to no events.  EBUSY, EINVAL. */
int	port_alert(int port, int flags, int events, void *user);

#ifdef __cplusplus
}
#endif

#endif /* EVANY_PORT_H */
