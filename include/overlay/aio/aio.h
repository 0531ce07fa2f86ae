/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * <aio.h>: the system's, with requests whose end is an event.
 *
 *	cb.aio_sigevent.sigev_notify = SIGEV_KEVENT;
 *	cb.aio_sigevent.sigev_notify_kqueue = kq;
 *	cb.aio_sigevent.sigev_notify_kevent_flags = EV_ONESHOT;	(or 0, ...)
 *	cb.aio_sigevent.sigev_value.sival_ptr = udata;
 *
 * as on FreeBSD is one of a kqueue; kqueue(3), EVFILT_AIO.  With SIGEV_PORT of
 * <signal.h> it is one of a port; port_create(3).  Requests with any other
 * sigev_notify go to the system as they are.
 */
#ifndef EVANY_AIO_H
#define EVANY_AIO_H

/* The next line is no standard C, which this keeps from being told. */
#pragma GCC system_header
#include_next <aio.h>

/* What a kqueue needs finds place where others have a thread's id. */
#if !defined(SIGEV_KEVENT) && defined(SIGEV_THREAD_ID)
/* Higher than the system's own ways of notification. */
#define SIGEV_KEVENT			3
#define sigev_notify_kqueue		sigev_signo	/* int */
#ifdef sigev_notify_thread_id
#define sigev_notify_kevent_flags	sigev_notify_thread_id
#else
#define sigev_notify_kevent_flags	_sigev_un._tid
#endif
#endif

/* portev_events of PORT_SOURCE_AIO */
#define AIOLIO		7	/* a list; portev_object: its sigevent */
#define AIOAREAD	11	/* portev_object: the aiocb */
#define AIOAWRITE	12
#define AIOFSYNC	20

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The system's functions, with SIGEV_KEVENT and SIGEV_PORT added.  EBADF if
 * sigev_notify_kqueue is no queue; EINVAL if the flags are others than
 * EV_ONESHOT, EV_CLEAR and EV_DISPATCH, or portnfy_port is no port; EFAULT if
 * there is no port_notify_t; EAGAIN if the port is full; ENOMEM.
 */
int	evany_aio_read(struct aiocb *);
int	evany_aio_write(struct aiocb *);
int	evany_aio_fsync(int, struct aiocb *);
/* EINVAL if the list's own sigevent has SIGEV_KEVENT. */
int	evany_lio_listio(int, struct aiocb *const *, int, struct sigevent *);
/* Ends the request's knote as well. */
ssize_t	evany_aio_return(struct aiocb *);

#ifdef __cplusplus
}
#endif

#define aio_read	evany_aio_read
#define aio_write	evany_aio_write
#define aio_fsync	evany_aio_fsync
#define lio_listio	evany_lio_listio
#define aio_return	evany_aio_return

#endif /* EVANY_AIO_H */
