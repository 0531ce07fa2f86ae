/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * <aio.h>: the system's, with requests whose end is an event of a kqueue.
 *
 *	cb.aio_sigevent.sigev_notify = SIGEV_KEVENT;
 *	cb.aio_sigevent.sigev_notify_kqueue = kq;
 *	cb.aio_sigevent.sigev_notify_kevent_flags = EV_ONESHOT;	(or 0, ...)
 *	cb.aio_sigevent.sigev_value.sival_ptr = udata;
 *
 * as on FreeBSD; kqueue(3), EVFILT_AIO.  Requests with any other sigev_notify
 * go to the system as they are.
 */
#ifndef EVANY_AIO_H
#define EVANY_AIO_H

#include_next <aio.h>

/* Systems that have SIGEV_KEVENT need nothing. */
#ifndef SIGEV_KEVENT

/* Higher than the system's own ways of notification. */
#define SIGEV_KEVENT			3
#define sigev_notify_kqueue		sigev_signo	/* int */
#ifdef sigev_notify_thread_id
#define sigev_notify_kevent_flags	sigev_notify_thread_id
#else
#define sigev_notify_kevent_flags	_sigev_un._tid
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The system's functions, with SIGEV_KEVENT added: EBADF if
 * sigev_notify_kqueue is no queue, EINVAL if the flags are others than
 * EV_ONESHOT, EV_CLEAR and EV_DISPATCH, ENOMEM.
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

#endif /* SIGEV_KEVENT */

#endif /* EVANY_AIO_H */
