/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filt_aio: EVFILT_AIO, the ends of asynchronous requests.
 *
 * A knote cannot be added by kevent(): the request makes it (begin), and it
 * lives until the program takes the result (end).  compat/aio calls in here,
 * one call at a time.  Knote and request have a reference each to what ties
 * them; the knote clears ai_knote when it ends first.  An instance is never
 * given back to malloc, so ai_inst may be tried when it is long gone.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "backends/emulation/kqueue/knote.h"

struct evany__aio {
	struct evany__inst	*ai_inst;	/* (c) */
	struct knote		*ai_knote;	/* (i) NULL: it has ended */
	atomic_int		 ai_refs;
};

static void
aio_unref(struct evany__aio *ai)
{
	if (atomic_fetch_sub(&ai->ai_refs, 1) == 1)
		free(ai);
}

/* A completion is asked for in the request (SIGEV_KEVENT), never here. */
static int
filt_aio_attach(struct kqueue *kq, struct knote *kn)
{
	(void)kq;
	(void)kn;
	return (ENXIO);
}

static void
filt_aio_detach(struct kqueue *kq, struct knote *kn)
{
	struct evany__aio *ai = kn->kn_priv;

	(void)kq;
	if (ai == NULL)
		return;
	ai->ai_knote = NULL;
	aio_unref(ai);
}

const struct filterops evany__filt_aio = {
	.fo_name = "AIO",
	.fo_attach = filt_aio_attach,
	.fo_detach = filt_aio_detach,
	.fo_event = evany__knote_queued_event,
	.fo_touch = evany__knote_default_touch,
	.fo_arm = evany__knote_default_arm
};

int
evany__aio_begin(int number, void *request, unsigned flags, void *udata,
    struct evany__aio **aip)
{
	struct kevent kev = {
		.ident = (uintptr_t)request,
		.filter = EVFILT_AIO,
		.flags = (unsigned short)(EV_ADD | flags),
		.udata = udata
	};
	struct evany__aio *ai;
	struct evany__inst *inst;
	struct knote *kn;
	int error;

	if ((flags & ~(unsigned)(EV_ONESHOT | EV_CLEAR | EV_DISPATCH)) != 0)
		return (EINVAL);
	if ((inst = evany__kqueue_find(number, true)) == NULL)
		return (EBADF);
	if ((ai = malloc(sizeof(*ai))) == NULL) {
		evany__inst_drop(inst);
		return (ENOMEM);
	}
	evany__inst_enter(inst, number);
	/* A request at this address that was never taken back. */
	kn = evany__knote_find(inst->in_data, kev.ident, EVFILT_AIO);
	if (kn != NULL)
		evany__knote_drop(inst->in_data, kn);
	error = evany__knote_new(inst->in_data, &evany__filt_aio, &kev, &kn);
	if (error == 0) {
		kn->kn_priv = ai;
		ai->ai_knote = kn;
		ai->ai_inst = inst;
		atomic_init(&ai->ai_refs, 2);
		*aip = ai;
	} else
		free(ai);
	(void)evany__inst_leave(inst);
	evany__inst_drop(inst);
	return (error);
}

void
evany__aio_done(struct evany__aio *ai, int error)
{
	struct evany__inst *inst = ai->ai_inst;

	if (!evany__inst_take(inst))
		return;
	evany__inst_lock(inst);
	if (ai->ai_knote != NULL) {
		ai->ai_knote->kn_data = error;
		ai->ai_knote->kn_flags |= EV_EOF;
		evany__knote_activate(inst->in_data, ai->ai_knote);
	}
	(void)evany__inst_leave(inst);
	evany__inst_drop(inst);
}

void
evany__aio_end(struct evany__aio *ai)
{
	struct evany__inst *inst = ai->ai_inst;

	if (evany__inst_take(inst)) {
		evany__inst_lock(inst);
		if (ai->ai_knote != NULL)
			evany__knote_drop(inst->in_data, ai->ai_knote);
		(void)evany__inst_leave(inst);
		evany__inst_drop(inst);
	}
	aio_unref(ai);
}
