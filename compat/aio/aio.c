/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * aio: requests of <aio.h> whose end is an event of a kqueue or of a port.
 *
 * The system knows neither SIGEV_KEVENT nor SIGEV_PORT.  Such a request is
 * submitted with SIGEV_THREAD instead, naming a function of ours, and gets its
 * own sigevent back when it has ended.  A record lives from the submission
 * until that function was called, and longer if the knote does, which goes with
 * aio_return().  The program may take a request back, or start it anew, before
 * the call: then the record has lost its request and touches nothing.
 *
 * Lists with such a request are submitted one by one, because only so can be
 * told which were refused; a list that has a notification of its own counts
 * those that were not.  What the other requests of a list ask for is left to
 * the system, as the notification of a list of none.
 *
 * The lock of the table is held while requests are submitted; what calls the
 * program is done without it.
 */
#include "config.h"

#include <sys/queue.h>
#include <sys/tree.h>

#include <aio.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backends/emulation/core/core.h"
#ifdef EVANY_KQUEUE_EMULATED
#include "backends/emulation/kqueue/knote.h"
#endif
#ifdef EVANY_PORTS_EMULATED
#include "backends/emulation/ports/portq.h"
#endif
#include "compat/export.h"

/* Here the system's own functions are meant. */
#undef aio_read
#undef aio_write
#undef aio_fsync
#undef lio_listio
#undef aio_return

struct request;

/* How the end of a request, or of a list, is told.  Table locked. */
struct ending {
	/* An errno value; op is what the event of a port says. */
	int	(*en_begin)(const struct sigevent *, void *object, int op,
		    void **tiep);
	void	(*en_done)(void *tie, int op, int error);
	/* It is not there any more, done or not. */
	void	(*en_end)(void *tie);
	bool	en_stays;	/* after it was done, until it is taken back */
};

/* The end of a list. */
struct group {
	const struct ending	*gr_ending;
	void			*gr_tie;
	struct sigevent		 gr_sigevent;
	unsigned		 gr_count;	/* requests, and who submits */
};

struct request {
	RB_ENTRY(request)	 rq_node;	/* if rq_cb */
	LIST_ENTRY(request)	 rq_link;
	struct aiocb		*rq_cb;		/* NULL: taken back */
	const struct ending	*rq_ending;	/* NULL: the system's */
	void			*rq_tie;	/* NULL: it has been told */
	int			 rq_op;
	bool			 rq_ended;
	struct sigevent		 rq_sigevent;	/* as the program gave it */
	struct group		*rq_group;
	unsigned		 rq_call;	/* of lio_listio(), 0: none */
};

static void aio_child(bool whole);

static struct evany__outer aio_table = EVANY__OUTER(aio_child);
static LIST_HEAD(, request) requests = LIST_HEAD_INITIALIZER(requests);
static RB_HEAD(request_tree, request) requests_by_cb =
    RB_INITIALIZER(&requests_by_cb);
static unsigned aio_calls;

static int
request_compare(const struct request *a, const struct request *b)
{
	uintptr_t x = (uintptr_t)a->rq_cb, y = (uintptr_t)b->rq_cb;

	return (x < y ? -1 : x > y);
}

RB_GENERATE_INTERNAL(request_tree, request, rq_node, request_compare,
    static __attribute__((__unused__)))

static struct request *
request_find(struct aiocb *cb)
{
	struct request key = { .rq_cb = cb };

	return (RB_FIND(request_tree, &requests_by_cb, &key));
}

/* ---- ways of telling the end ------------------------------------------------- */

#ifdef EVANY_KQUEUE_EMULATED
static int
kqueue_begin(const struct sigevent *se, void *object, int op, void **tiep)
{
	struct evany__aio *ai;
	int error;

	(void)op;
	error = evany__aio_begin(se->sigev_notify_kqueue, object,
	    (unsigned)se->sigev_notify_kevent_flags,
	    se->sigev_value.sival_ptr, &ai);
	if (error == 0)
		*tiep = ai;
	return (error);
}

static void
kqueue_done(void *tie, int op, int error)
{
	(void)op;
	evany__aio_done(tie, error);
}

static void
kqueue_end(void *tie)
{
	evany__aio_end(tie);
}

static const struct ending kqueue_ending = {
	.en_begin = kqueue_begin,
	.en_done = kqueue_done,
	.en_end = kqueue_end,
	.en_stays = true
};
#endif

#ifdef EVANY_PORTS_EMULATED
static int
port_begin(const struct sigevent *se, void *object, int op, void **tiep)
{
	const port_notify_t *pn = se->sigev_value.sival_ptr;
	struct port_tie *ti;
	int error;

	(void)op;
	if (pn == NULL)
		return (EFAULT);
	error = evany__port_once_new(pn->portnfy_port, PORT_SOURCE_AIO,
	    (uintptr_t)object, pn->portnfy_user, &ti);
	if (error == 0)
		*tiep = ti;
	return (error == EBADF || error == EBADFD ? EINVAL : error);
}

static void
port_done(void *tie, int op, int error)
{
	(void)error;
	evany__port_once_fire(tie, op);
}

static void
port_end(void *tie)
{
	evany__port_once_undo(tie);
}

static const struct ending port_ending = {
	.en_begin = port_begin,
	.en_done = port_done,
	.en_end = port_end
};
#endif

/* Ours, or NULL if it is the system's business. */
static const struct ending *
ending_of(const struct sigevent *se)
{
	switch (se->sigev_notify) {
#ifdef EVANY_KQUEUE_EMULATED
	case SIGEV_KEVENT:
		return (&kqueue_ending);
#endif
#ifdef EVANY_PORTS_EMULATED
	case SIGEV_PORT:
		return (&port_ending);
#endif
	default:
		return (NULL);
	}
}

/* Notifications that the system is to make, once the table is not locked. */
struct notices {
	struct sigevent	no_list[2];	/* of a request, and of its list */
	int		no_count;
};

static void
notices_add(struct notices *no, const struct sigevent *se)
{
	if (se->sigev_notify != SIGEV_NONE)
		no->no_list[no->no_count++] = *se;
}

static void
notices_give(struct notices *no)
{
	struct aiocb *none[1] = { NULL };
	int i, saved = errno;

	for (i = 0; i < no->no_count; i++)
		(void)lio_listio(LIO_NOWAIT, none, 0, &no->no_list[i]);
	errno = saved;
}

/* ---- records; table locked ------------------------------------------------------ */

static void request_ended(union sigval);

/* Is the sigevent in the program's memory the one that we have put there? */
static bool
disguised(const struct aiocb *cb)
{
	const struct sigevent *se = &cb->aio_sigevent;

	return (se->sigev_notify == SIGEV_THREAD &&
	    se->sigev_notify_function == request_ended);
}

static void
group_put(struct group *gr, struct notices *no)
{
	if (gr == NULL || --gr->gr_count > 0)
		return;
	if (gr->gr_ending != NULL)
		gr->gr_ending->en_done(gr->gr_tie, AIOLIO, 0);
	else
		notices_add(no, &gr->gr_sigevent);
	free(gr);
}

static void
request_free(struct request *rq)
{
	if (rq->rq_cb != NULL)
		(void)RB_REMOVE(request_tree, &requests_by_cb, rq);
	LIST_REMOVE(rq, rq_link);
	free(rq);
}

static void
request_tell(struct request *rq)
{
	if (rq->rq_tie == NULL)
		return;
	rq->rq_ending->en_done(rq->rq_tie, rq->rq_op, aio_error(rq->rq_cb));
	if (!rq->rq_ending->en_stays)
		rq->rq_tie = NULL;
}

/* The program has its request again, perhaps before we are told of the end. */
static void
request_take_back(struct request *rq)
{
	if (disguised(rq->rq_cb))
		rq->rq_cb->aio_sigevent = rq->rq_sigevent;
	if (rq->rq_tie != NULL && !rq->rq_ending->en_stays)
		request_tell(rq);
	else if (rq->rq_tie != NULL)
		rq->rq_ending->en_end(rq->rq_tie);
	rq->rq_tie = NULL;
	(void)RB_REMOVE(request_tree, &requests_by_cb, rq);
	rq->rq_cb = NULL;
	if (rq->rq_ended)
		request_free(rq);
}

/* The system did not take it: it is as if it had never begun. */
static void
request_undo(struct request *rq)
{
	rq->rq_cb->aio_sigevent = rq->rq_sigevent;
	if (rq->rq_tie != NULL)
		rq->rq_ending->en_end(rq->rq_tie);
	if (rq->rq_group != NULL)
		rq->rq_group->gr_count--;
	request_free(rq);
}

/* Has the end of the request told to us.  An errno value. */
static int
request_begin(struct aiocb *cb, int op, struct group *gr, unsigned call)
{
	struct sigevent *se = &cb->aio_sigevent;
	struct request *rq;
	int error;

	if ((rq = request_find(cb)) != NULL) {
		if (call != 0 && rq->rq_call == call)
			return (EINVAL);
		request_take_back(rq);
	}
	/* Left from a request that we know nothing of. */
	if (disguised(cb))
		return (EINVAL);
	if ((rq = calloc(1, sizeof(*rq))) == NULL)
		return (ENOMEM);
	rq->rq_ending = ending_of(se);
	if (rq->rq_ending != NULL && (error = rq->rq_ending->en_begin(se, cb,
	    op, &rq->rq_tie)) != 0) {
		free(rq);
		return (error);
	}
	rq->rq_cb = cb;
	rq->rq_op = op;
	rq->rq_sigevent = *se;
	rq->rq_call = call;
	if ((rq->rq_group = gr) != NULL)
		gr->gr_count++;
	se->sigev_notify = SIGEV_THREAD;
	se->sigev_notify_function = request_ended;
	if (rq->rq_sigevent.sigev_notify != SIGEV_THREAD)
		se->sigev_notify_attributes = NULL;
	se->sigev_value.sival_ptr = rq;
	(void)RB_INSERT(request_tree, &requests_by_cb, rq);
	LIST_INSERT_HEAD(&requests, rq, rq_link);
	return (0);
}

/* In a thread of the C library, when the request has ended. */
static void
request_ended(union sigval value)
{
	struct request *rq = value.sival_ptr;
	struct notices no = { .no_count = 0 };

	evany__outer_enter(&aio_table);
	rq->rq_ended = true;
	if (rq->rq_ending == NULL)
		notices_add(&no, &rq->rq_sigevent);
	if (rq->rq_cb != NULL) {
		rq->rq_cb->aio_sigevent = rq->rq_sigevent;
		request_tell(rq);
	}
	group_put(rq->rq_group, &no);
	rq->rq_group = NULL;
	if (rq->rq_tie == NULL)
		request_free(rq);
	evany__outer_leave(&aio_table);
	notices_give(&no);
}

/* A child has none of the requests; what it has of them, it may use anew. */
static void
aio_child(bool whole)
{
	struct request *rq;
	struct group *gr;

	while (whole && (rq = LIST_FIRST(&requests)) != NULL) {
		if (rq->rq_cb != NULL && disguised(rq->rq_cb))
			rq->rq_cb->aio_sigevent = rq->rq_sigevent;
		gr = rq->rq_group;
		if (gr != NULL && --gr->gr_count == 0) {
			free(gr->gr_tie);
			free(gr);
		}
		free(rq->rq_tie);
		request_free(rq);
	}
	LIST_INIT(&requests);
	RB_INIT(&requests_by_cb);
}

/* ---- one request ---------------------------------------------------------------- */

static int
submit(int op, int how, struct aiocb *cb)
{
	switch (op) {
	case AIOAREAD:
		return (aio_read(cb));
	case AIOAWRITE:
		return (aio_write(cb));
	case AIOFSYNC:
		return (aio_fsync(how, cb));
	default:
		errno = EINVAL;
		return (-1);
	}
}

static int
fail(int error)
{
	errno = error;
	return (-1);
}

/* Table locked.  An errno value. */
static int
request_start(int op, int how, struct aiocb *cb)
{
	int error;

	if ((error = request_begin(cb, op, NULL, 0)) != 0)
		return (error);
	if (submit(op, how, cb) == 0)
		return (0);
	error = errno;
	request_undo(request_find(cb));
	return (error);
}

static int
start(int op, int how, struct aiocb *cb)
{
	int error, saved = errno;

	if (cb == NULL || (ending_of(&cb->aio_sigevent) == NULL &&
	    !disguised(cb)))
		return (submit(op, how, cb));
	if (evany__lock_held())
		return (fail(EDEADLK));
	evany__outer_enter(&aio_table);
	error = request_start(op, how, cb);
	evany__outer_leave(&aio_table);
	if (error != 0)
		return (fail(error));
	errno = saved;
	return (0);
}

EVANY_EXPORT int
evany_aio_read(struct aiocb *cb)
{
	return (start(AIOAREAD, 0, cb));
}

EVANY_EXPORT int
evany_aio_write(struct aiocb *cb)
{
	return (start(AIOAWRITE, 0, cb));
}

EVANY_EXPORT int
evany_aio_fsync(int how, struct aiocb *cb)
{
	return (start(AIOFSYNC, how, cb));
}

static void
taken(struct aiocb *cb)
{
	struct request *rq;

	evany__outer_enter(&aio_table);
	if ((rq = request_find(cb)) != NULL)
		request_take_back(rq);
	evany__outer_leave(&aio_table);
}

static void
taken_late(int number, const void *note)
{
	struct aiocb *cb;

	(void)number;
	memcpy(&cb, note, sizeof(cb));
	taken(cb);
}

EVANY_EXPORT ssize_t
evany_aio_return(struct aiocb *cb)
{
	int saved = errno;

	if (aio_error(cb) != EINPROGRESS) {
		/* A signal handler may have interrupted us. */
		if (!evany__lock_held())
			taken(cb);
		else
			(void)evany__late_add(taken_late, -1, &cb, sizeof(cb),
			    1);
	}
	errno = saved;
	return (aio_return(cb));
}

/* ---- lists ------------------------------------------------------------------------ */

/* What an entry asks for, 0 for nothing. */
static int
entry_op(const struct aiocb *cb)
{
	if (cb == NULL || cb->aio_lio_opcode == LIO_NOP)
		return (0);
	switch (cb->aio_lio_opcode) {
	case LIO_READ:
		return (AIOAREAD);
	case LIO_WRITE:
		return (AIOAWRITE);
	default:
		return (-1);
	}
}

static bool
list_is_ours(struct aiocb *const *list, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (entry_op(list[i]) != 0 && (disguised(list[i]) ||
		    ending_of(&list[i]->aio_sigevent) != NULL))
			return (true);
	return (false);
}

static struct request *
entry_request(struct aiocb *cb, unsigned call)
{
	struct request *rq = request_find(cb);

	return (rq != NULL && rq->rq_call == call ? rq : NULL);
}

/* Begins what is to be told to us: all or nothing.  Table locked. */
static int
list_begin(struct aiocb *const *list, int n, struct group *gr, unsigned call)
{
	struct request *rq;
	int error, i, op;

	for (i = 0; i < n; i++) {
		if ((op = entry_op(list[i])) == 0 || (gr == NULL &&
		    ending_of(&list[i]->aio_sigevent) == NULL &&
		    !disguised(list[i])))
			continue;
		if ((error = request_begin(list[i], op, gr, call)) == 0)
			continue;
		while (--i >= 0)
			if (entry_op(list[i]) != 0 &&
			    (rq = entry_request(list[i], call)) != NULL)
				request_undo(rq);
		return (error);
	}
	return (0);
}

/* Submits each; EAGAIN or EIO if some were refused.  Table locked. */
static int
list_submit(struct aiocb *const *list, int n, unsigned call)
{
	struct request *rq;
	int error = 0, i, op;

	for (i = 0; i < n; i++) {
		if ((op = entry_op(list[i])) == 0)
			continue;
		if (submit(op, 0, list[i]) == 0)
			continue;
		if (error != EIO)
			error = errno == EAGAIN ? EAGAIN : EIO;
		if ((rq = entry_request(list[i], call)) != NULL)
			request_undo(rq);
	}
	return (error);
}

static int
group_new(const struct sigevent *se, struct group **grp)
{
	struct group *gr;
	int error;

	if ((gr = calloc(1, sizeof(*gr))) == NULL)
		return (ENOMEM);
	gr->gr_ending = ending_of(se);
	gr->gr_sigevent = *se;
	gr->gr_count = 1;
	if (gr->gr_ending != NULL && (error = gr->gr_ending->en_begin(se,
	    (void *)(uintptr_t)se, AIOLIO, &gr->gr_tie)) != 0) {
		free(gr);
		return (error);
	}
	*grp = gr;
	return (0);
}

/* Table locked.  *refusedp is why some were not taken, or 0. */
static int
list_start(struct aiocb *const *list, int n, const struct sigevent *se,
    struct notices *no, int *refusedp)
{
	struct group *gr = NULL;
	unsigned call;
	int error;

	if (se != NULL && (error = group_new(se, &gr)) != 0)
		return (error);
	/* 0 is no list. */
	while ((call = ++aio_calls) == 0)
		continue;
	if ((error = list_begin(list, n, gr, call)) != 0) {
		if (gr != NULL && gr->gr_ending != NULL)
			gr->gr_ending->en_end(gr->gr_tie);
		free(gr);
		return (error);
	}
	*refusedp = list_submit(list, n, call);
	group_put(gr, no);
	return (0);
}

/* Waits for all; EINTR, or EIO if any has failed. */
static int
list_wait(struct aiocb *const *list, int n)
{
	const struct aiocb *one[1];
	int error = 0, i, state;

	for (i = 0; i < n; i++) {
		if (entry_op(list[i]) <= 0)
			continue;
		one[0] = list[i];
		while ((state = aio_error(list[i])) == EINPROGRESS)
			if (aio_suspend(one, 1, NULL) == -1)
				return (errno);
		if (state != 0)
			error = EIO;
	}
	return (error);
}

EVANY_EXPORT int
evany_lio_listio(int mode, struct aiocb *const *list, int n,
    struct sigevent *sig)
{
	struct notices no = { .no_count = 0 };
	int error, refused = 0, saved = errno;

	if (mode != LIO_NOWAIT || (sig != NULL &&
	    sig->sigev_notify == SIGEV_NONE))
		sig = NULL;
	if (!list_is_ours(list, n) && (sig == NULL || ending_of(sig) == NULL))
		return (lio_listio(mode, list, n, sig));
	if ((mode != LIO_NOWAIT && mode != LIO_WAIT) || n < 0)
		return (fail(EINVAL));
#ifdef EVANY_KQUEUE_EMULATED
	/* There is no filter for lists. */
	if (sig != NULL && sig->sigev_notify == SIGEV_KEVENT)
		return (fail(EINVAL));
#endif
	if (evany__lock_held())
		return (fail(EDEADLK));
	evany__outer_enter(&aio_table);
	error = list_start(list, n, sig, &no, &refused);
	evany__outer_leave(&aio_table);
	notices_give(&no);
	if (error == 0 && mode == LIO_WAIT)
		error = list_wait(list, n);
	if (error == 0)
		error = refused;
	if (error != 0)
		return (fail(error));
	errno = saved;
	return (0);
}
