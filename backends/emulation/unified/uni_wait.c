/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni_wait: sleeping for more events than a wait has found.
 *
 * What is level-triggered was found and is still ready, so another wait would
 * come back at once, for ever.  The mechanism's doze tells of what is new
 * only, but for one thread at a time: others are parked, and all look again
 * when that one has been woken.  A call that looked before that, and is not
 * parked yet, must look as well (uq_woken).
 *
 * Linux before 5.6 ends each doze beside a level that is still ready.  After a
 * few dozes that were short and in vain the thread is parked as well, for a
 * while that grows.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>

#include "backends/emulation/unified/uni.h"

#define VAIN		4U
#define VAIN_MOST	(VAIN + 5)
#define PAUSE		INT64_C(1000000)

/* Lock held. */
static void
sleep_over(struct uni_sleeper *sl)
{
	struct uni *uq = sl->sl_uni;
	struct uni_sleeper *other;

	if (sl->sl_dozes) {
		uq->uq_dozing = false;
		(void)atomic_fetch_add(&uq->uq_woken, 1);
		TAILQ_FOREACH(other, &uq->uq_parked, sl_link)
			evany__park_wake(&other->sl_park);
	} else {
		TAILQ_REMOVE(&uq->uq_parked, sl, sl_link);
		evany__park_close(&sl->sl_park);
	}
}

static void
sleep_cancelled(void *arg)
{
	struct uni_sleeper *sl = arg;
	struct evany__inst *inst = sl->sl_uni->uq_inst;

	evany__inst_lock(inst);
	sleep_over(sl);
	(void)evany__inst_leave(inst);
	evany__inst_drop(inst);
}

int
evany__uni_sleep(struct evany__inst *inst, int number, int64_t deadline,
    uint32_t woken, unsigned *vainp)
{
	struct uni_sleeper sl = {
		.sl_uni = uni_of(inst),
		.sl_pause = EVANY__FOREVER
	};
	struct uni *uq = uni_of(inst);
	int64_t begun = evany__now(EVANY__MONOTONIC);
	unsigned vain = *vainp;
	int error = 0;

	if (vain >= VAIN)
		sl.sl_pause = begun + (PAUSE <<
		    ((vain < VAIN_MOST ? vain : VAIN_MOST) - VAIN));
	evany__inst_enter(inst, number);
	if (atomic_load(&uq->uq_woken) != woken) {
		(void)evany__inst_leave(inst);
		return (0);
	}
	sl.sl_dozes = !uq->uq_dozing && vain < VAIN;
	if (sl.sl_dozes)
		uq->uq_dozing = true;
	else if ((error = evany__park_open(&sl.sl_park)) == 0)
		TAILQ_INSERT_TAIL(&uq->uq_parked, &sl, sl_link);
	(void)evany__inst_leave(inst);
	if (error != 0)
		return (error);
	pthread_cleanup_push(sleep_cancelled, &sl);
	if (sl.sl_dozes)
		error = inst->in_table->tb_be->be_doze(inst, number, deadline);
	else
		error = evany__park_sleep(&sl.sl_park, sl.sl_pause <
		    deadline ? sl.sl_pause : deadline);
	pthread_cleanup_pop(0);
	if (sl.sl_dozes && evany__now(EVANY__MONOTONIC) - begun >= PAUSE)
		*vainp = 0;
	evany__inst_enter(inst, number);
	sleep_over(&sl);
	(void)evany__inst_leave(inst);
	return (error == ETIMEDOUT && sl.sl_pause < deadline ? 0 : error);
}
