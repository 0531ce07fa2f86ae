/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni_user: source USER, events that the program posts, and alert mode.
 *
 * A posted event is a note of its own that ends when it is taken; but for those
 * of a queue that a fork shares (uni_share.c).
 */
#include "config.h"

#include <errno.h>

#include "backends/emulation/unified/uni.h"

int
evany__uni_post(struct uni *uq, uintptr_t object, int64_t data, void *user)
{
	struct evany__inst *inst = uq->uq_inst;
	struct uni_note *un;

	/* Without a ring nobody else finds out that the queue was closed. */
	if (evany__inst_pending(inst) > 0 &&
	    !inst->in_table->tb_be->be_names(inst, inst->in_number))
		return (EIDRM);
	if (inst->in_driver == &evany__uni_shared_driver)
		return (evany__uni_share_post(uq, object, data, user));
	if (uq->uq_posted == UNI_POSTED)
		return (EAGAIN);
	if ((un = evany__slab_get(&uq->uq_slab)) == NULL)
		return (ENOMEM);
	un->un_source = EVANY_USER;
	un->un_flags = EVANY_ONESHOT;
	un->un_status = UN_MESSAGE;
	un->un_object = object;
	un->un_data = data;
	un->un_user = user;
	uq->uq_posted++;
	evany__uni_pending(uq, un);
	return (0);
}

struct late_post {
	uintptr_t	 lp_object;
	int64_t		 lp_data;
	void		*lp_user;
};
_Static_assert(sizeof(struct late_post) <= EVANY__LATE_BYTES, "a note");

static void
late_post(int number, const void *note)
{
	const struct late_post *lp = note;
	struct evany__inst *inst;

	if ((inst = evany__uni_find(number, true)) == NULL)
		return;
	evany__inst_enter(inst, number);
	(void)evany__uni_post(uni_of(inst), lp->lp_object, lp->lp_data,
	    lp->lp_user);
	(void)evany__inst_leave(inst);
	evany__inst_drop(inst);
}

int
evany__uni_post_late(int number, uintptr_t object, int64_t data, void *user)
{
	const struct late_post lp = { object, data, user };

	return (evany__late_add(late_post, number, &lp, sizeof(lp), 1) ? 0 :
	    EAGAIN);
}

static void
user_end(struct uni *uq, struct uni_note *un)
{
	(void)un;
	uq->uq_posted--;
}

static bool
user_take(struct uni *uq, struct uni_note *un, struct evany_event *ev)
{
	(void)uq;
	ev->ev_data = un->un_data;
	return (true);
}

const struct uni_source evany__uni_src_user = {
	.so_end = user_end,
	.so_take = user_take
};

int
evany__uni_alert(struct uni *uq, int64_t data, void *user)
{
	struct evany__inst *inst = uq->uq_inst;
	int error;

	if (inst->in_driver == &evany__uni_shared_driver)
		return (evany__uni_share_alert(uq, data, user));
	error = evany__inst_mark(inst, data != 0 || uq->uq_nlevel > 0);
	if (error != 0)
		return (error);
	uq->uq_alert.ua_data = data;
	uq->uq_alert.ua_user = user;
	return (0);
}
