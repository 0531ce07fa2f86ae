/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni_aio: source AIO, the end of a request of <aio.h>.
 *
 * A request has a note from its start until its event is taken.  It is told of
 * by a thread of the C library, perhaps when the queue is no more: then the note
 * has gone, and the record that the thread holds says so.  An instance's memory
 * is never given back, so it may be tried (core/numbers.c).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "backends/emulation/unified/uni.h"

struct uni_aio {
	LIST_ENTRY(uni_aio)	 ua_link;
	struct evany__inst	*ua_inst;
	struct uni_note		*ua_note;	/* (i) NULL: it has gone */
};

int
evany__uni_aio_begin(struct uni *uq, uintptr_t request, uint32_t what,
    void *user, struct uni_aio **uap)
{
	struct uni_note *un;
	struct uni_aio *ua;

	if ((ua = calloc(1, sizeof(*ua))) == NULL)
		return (ENOMEM);
	if ((un = evany__slab_get(&uq->uq_slab)) == NULL) {
		free(ua);
		return (ENOMEM);
	}
	un->un_source = EVANY_AIO;
	un->un_status = UN_MESSAGE;
	un->un_flags = EVANY_ONESHOT;
	un->un_object = request;
	un->un_what = what;
	un->un_user = user;
	un->un_priv = ua;
	ua->ua_inst = uq->uq_inst;
	ua->ua_note = un;
	LIST_INSERT_HEAD(&uq->uq_aio, ua, ua_link);
	*uap = ua;
	return (0);
}

void
evany__uni_aio_undo(struct uni *uq, struct uni_aio *ua)
{

	if (ua->ua_note != NULL)
		evany__uni_free(uq, ua->ua_note);
	free(ua);
}

void
evany__uni_aio_done(struct uni_aio *ua, int error)
{
	struct evany__inst *inst = ua->ua_inst;
	struct uni_note *un;

	if (evany__inst_take(inst)) {
		evany__inst_lock(inst);
		if ((un = ua->ua_note) != NULL) {
			/* From now on nobody but the queue has it. */
			LIST_REMOVE(ua, ua_link);
			un->un_priv = NULL;
			un->un_data = error;
			evany__uni_pending(uni_of(inst), un);
		}
		(void)evany__inst_leave(inst);
		evany__inst_drop(inst);
	}
	free(ua);
}

static void
aio_end(struct uni *uq, struct uni_note *un)
{
	struct uni_aio *ua = un->un_priv;

	(void)uq;
	if (ua == NULL)
		return;
	LIST_REMOVE(ua, ua_link);
	ua->ua_note = NULL;
}

static bool
aio_take(struct uni *uq, struct uni_note *un, struct evany_event *ev)
{

	(void)uq;
	ev->ev_what = un->un_what;
	ev->ev_data = un->un_data;
	return (true);
}

/* The queue is closed: requests that have not ended lose their notes. */
void
evany__uni_aio_close(struct uni *uq)
{
	struct uni_aio *ua;

	while ((ua = LIST_FIRST(&uq->uq_aio)) != NULL)
		evany__uni_free(uq, ua->ua_note);
}

const struct uni_source evany__uni_src_aio = {
	.so_end = aio_end,
	.so_take = aio_take
};
