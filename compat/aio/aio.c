/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * aio: requests of <aio.h> whose end is an event of a kqueue.
 *
 * The system knows no SIGEV_KEVENT.  Such a request is submitted with
 * SIGEV_THREAD instead, naming a function of ours, and gets its own sigevent
 * back when it has ended.  Records of requests stand in a list from the
 * submission until aio_return(), so the completion of a request that the
 * program has taken back, or started anew, finds out and touches nothing.
 *
 * aio_lock guards the list; it is taken before an instance's lock.
 */
#include "config.h"

#include <sys/queue.h>

#include <aio.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "backends/emulation/kqueue/knote.h"
#include "compat/export.h"

/* Here the system's own functions are meant. */
#undef aio_read
#undef aio_write
#undef aio_fsync
#undef lio_listio
#undef aio_return

struct request {
	struct evany__aio	 rq_aio;
	LIST_ENTRY(request)	 rq_link;
	struct aiocb		*rq_cb;		/* NULL: taken back */
	struct sigevent		 rq_sigevent;	/* as the program gave it */
	bool			 rq_ended;
};

static pthread_mutex_t aio_lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, request) requests = LIST_HEAD_INITIALIZER(requests);

static struct request *
request_find(const struct aiocb *cb)
{
	struct request *rq;

	LIST_FOREACH(rq, &requests, rq_link)
		if (rq->rq_cb == cb)
			return (rq);
	return (NULL);
}

/* The program is done with it.  Lock held. */
static void
request_end(struct request *rq)
{

	evany__aio_end(&rq->rq_aio);
	rq->rq_cb = NULL;
	if (!rq->rq_ended)
		return;
	LIST_REMOVE(rq, rq_link);
	free(rq);
}

/* Runs in a thread of the C library when the request has ended. */
static void
request_ended(union sigval value)
{
	struct request *rq = value.sival_ptr;

	(void)pthread_mutex_lock(&aio_lock);
	rq->rq_ended = true;
	if (rq->rq_cb == NULL) {
		LIST_REMOVE(rq, rq_link);
		free(rq);
	} else {
		rq->rq_cb->aio_sigevent = rq->rq_sigevent;
		evany__aio_done(&rq->rq_aio, aio_error(rq->rq_cb));
	}
	(void)pthread_mutex_unlock(&aio_lock);
}

/* Makes the request's knote and has its end told to us.  An errno value. */
static int
request_begin(struct aiocb *cb)
{
	struct sigevent *se = &cb->aio_sigevent;
	struct request *rq;
	int error;

	if ((rq = calloc(1, sizeof(*rq))) == NULL)
		return (ENOMEM);
	rq->rq_cb = cb;
	rq->rq_sigevent = *se;
	error = evany__aio_begin(&rq->rq_aio, se->sigev_notify_kqueue, cb,
	    (unsigned)se->sigev_notify_kevent_flags,
	    se->sigev_value.sival_ptr);
	if (error != 0) {
		free(rq);
		return (error);
	}
	se->sigev_notify = SIGEV_THREAD;
	se->sigev_notify_function = request_ended;
	se->sigev_notify_attributes = NULL;
	se->sigev_value.sival_ptr = rq;
	LIST_INSERT_HEAD(&requests, rq, rq_link);
	return (0);
}

/* The system did not take the request: it is as if it had never begun. */
static void
request_undo(struct aiocb *cb)
{
	struct request *rq = request_find(cb);

	cb->aio_sigevent = rq->rq_sigevent;
	rq->rq_ended = true;
	request_end(rq);
}

enum aio_call { AIO_READ, AIO_WRITE, AIO_FSYNC };

static int
submit(enum aio_call call, int op, struct aiocb *cb)
{
	switch (call) {
	case AIO_READ:
		return (aio_read(cb));
	case AIO_WRITE:
		return (aio_write(cb));
	default:
		return (aio_fsync(op, cb));
	}
}

static int
request_start(enum aio_call call, int op, struct aiocb *cb)
{
	struct request *old;
	int error, result;

	if (cb->aio_sigevent.sigev_notify != SIGEV_KEVENT)
		return (submit(call, op, cb));
	(void)pthread_mutex_lock(&aio_lock);
	if ((old = request_find(cb)) != NULL)
		request_end(old);
	if ((error = request_begin(cb)) != 0) {
		(void)pthread_mutex_unlock(&aio_lock);
		errno = error;
		return (-1);
	}
	if ((result = submit(call, op, cb)) == -1) {
		error = errno;
		request_undo(cb);
		errno = error;
	}
	(void)pthread_mutex_unlock(&aio_lock);
	return (result);
}

EVANY_EXPORT int
evany_aio_read(struct aiocb *cb)
{
	return (request_start(AIO_READ, 0, cb));
}

EVANY_EXPORT int
evany_aio_write(struct aiocb *cb)
{
	return (request_start(AIO_WRITE, 0, cb));
}

EVANY_EXPORT int
evany_aio_fsync(int op, struct aiocb *cb)
{
	return (request_start(AIO_FSYNC, op, cb));
}

EVANY_EXPORT ssize_t
evany_aio_return(struct aiocb *cb)
{
	struct request *rq;

	(void)pthread_mutex_lock(&aio_lock);
	if ((rq = request_find(cb)) != NULL && aio_error(cb) != EINPROGRESS)
		request_end(rq);
	(void)pthread_mutex_unlock(&aio_lock);
	return (aio_return(cb));
}

static bool
listed(const struct aiocb *cb)
{
	return (cb != NULL && cb->aio_lio_opcode != LIO_NOP &&
	    cb->aio_sigevent.sigev_notify == SIGEV_KEVENT);
}

EVANY_EXPORT int
evany_lio_listio(int mode, struct aiocb *const *list, int n,
    struct sigevent *sig)
{
	struct request *old;
	int error = 0, i;

	if (mode == LIO_NOWAIT && sig != NULL &&
	    sig->sigev_notify == SIGEV_KEVENT) {
		errno = EINVAL;
		return (-1);
	}
	(void)pthread_mutex_lock(&aio_lock);
	for (i = 0; i < n && error == 0; i++)
		if (listed(list[i])) {
			if ((old = request_find(list[i])) != NULL)
				request_end(old);
			error = request_begin(list[i]);
		}
	if (error != 0)
		for (i--; i-- > 0;)
			if (list[i] != NULL && request_find(list[i]) != NULL)
				request_undo(list[i]);
	(void)pthread_mutex_unlock(&aio_lock);
	if (error != 0) {
		errno = error;
		return (-1);
	}
	return (lio_listio(mode, list, n, sig));
}
