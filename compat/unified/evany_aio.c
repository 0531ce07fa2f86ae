/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evany_aio(): requests of <aio.h> whose end is an event of a queue.
 *
 * The system tells by SIGEV_THREAD; the program gets the request's own sigevent
 * back with the event.
 */
#include "config.h"

#include <aio.h>
#include <evany.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "backends/emulation/unified/uni.h"
#include "compat/export.h"

/* Here the system's own functions are meant. */
#undef aio_read
#undef aio_write
#undef aio_fsync

struct request {
	struct uni_aio	*rq_aio;
	struct aiocb	*rq_cb;
	struct sigevent	 rq_sigevent;	/* as the program gave it */
};

/* In a thread of the C library. */
static void
request_done(union sigval value)
{
	struct request *rq = value.sival_ptr;
	int error = aio_error(rq->rq_cb);

	rq->rq_cb->aio_sigevent = rq->rq_sigevent;
	evany__uni_aio_done(rq->rq_aio, error);
	free(rq);
}

static int
request_submit(struct request *rq, unsigned what)
{
	struct sigevent *se = &rq->rq_cb->aio_sigevent;
	int n;

	memset(se, 0, sizeof(*se));
	se->sigev_notify = SIGEV_THREAD;
	se->sigev_notify_function = request_done;
	se->sigev_value.sival_ptr = rq;
	switch (what) {
	case EVANY_READ:
		n = aio_read(rq->rq_cb);
		break;
	case EVANY_WRITE:
		n = aio_write(rq->rq_cb);
		break;
	default:
		n = aio_fsync(O_SYNC, rq->rq_cb);
		break;
	}
	return (n == 0 ? 0 : errno);
}

static int
request_start(struct evany__inst *inst, int number, struct aiocb *cb,
    unsigned what, void *user)
{
	struct request *rq;
	int error;

	if ((rq = malloc(sizeof(*rq))) == NULL)
		return (ENOMEM);
	rq->rq_cb = cb;
	rq->rq_sigevent = cb->aio_sigevent;
	evany__inst_enter(inst, number);
	error = evany__uni_aio_begin(uni_of(inst), (uintptr_t)cb, what, user,
	    &rq->rq_aio);
	(void)evany__inst_leave(inst);
	if (error != 0) {
		free(rq);
		return (error);
	}
	if ((error = request_submit(rq, what)) == 0)
		return (0);
	cb->aio_sigevent = rq->rq_sigevent;
	evany__inst_enter(inst, number);
	evany__uni_aio_undo(uni_of(inst), rq->rq_aio);
	(void)evany__inst_leave(inst);
	free(rq);
	return (error);
}

EVANY_EXPORT int
evany_aio(int number, struct aiocb *cb, unsigned what, void *user)
{
	struct evany__inst *inst = NULL;
	int error, saved = errno;

	if (cb == NULL)
		error = EFAULT;
	else if (what != EVANY_READ && what != EVANY_WRITE &&
	    what != EVANY_SYNC)
		error = EINVAL;
	else if (evany__lock_held())
		error = EDEADLK;
	else if ((inst = evany__uni_find(number, true)) == NULL)
		error = EBADF;
	else {
		error = request_start(inst, number, cb, what, user);
		evany__inst_drop(inst);
	}
	errno = error != 0 ? error : saved;
	return (error != 0 ? -1 : 0);
}
