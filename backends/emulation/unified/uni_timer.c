/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni_timer: source TIMER.
 *
 * A timer that has expired is idle until its event is taken; how often its time
 * has come by then is worked out from the clock.  ut_timer.tm_at keeps the
 * first moment that was not told of.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>

#include "backends/emulation/unified/uni.h"

static struct uni_timer *
timer_of(struct uni_note *un)
{
	return ((struct uni_timer *)(void *)un);
}

/* A sum that stops at the end of time. */
static int64_t
later(int64_t at, int64_t by)
{
	return (at > INT64_MAX - by ? INT64_MAX : at + by);
}

static int
timer_set(struct uni *uq, struct uni_note *un, const struct evany_change *ch)
{
	struct uni_timer *ut = timer_of(un);
	struct evany__timer tm = ut->ut_timer;
	int64_t at = ch->ch_time;
	int clock, error;

	if (at < 0 || ch->ch_period < 0)
		return (EINVAL);
	clock = (ch->ch_flags & EVANY_WALLCLOCK) != 0 ? EVANY__REALTIME :
	    EVANY__MONOTONIC;
	if ((ch->ch_flags & EVANY_ABSOLUTE) == 0)
		at = later(evany__now(clock), at);
	if (clock != tm.tm_clock)
		evany__timer_disarm(uq->uq_inst, &ut->ut_timer);
	ut->ut_timer.tm_clock = (uint8_t)clock;
	error = evany__timer_arm(uq->uq_inst, &ut->ut_timer, at);
	if (error != 0) {
		if (clock != tm.tm_clock) {
			ut->ut_timer.tm_clock = tm.tm_clock;
			if (tm.tm_pos != 0)
				(void)evany__timer_arm(uq->uq_inst,
				    &ut->ut_timer, tm.tm_at);
		}
		return (error);
	}
	ut->ut_period = ch->ch_period;
	/* What it was has not been told of, and is forgotten. */
	un->un_status &= (uint8_t)~UN_PENDING;
	evany__ready_remove(uq->uq_inst, &un->un_watch);
	return (0);
}

static void
timer_end(struct uni *uq, struct uni_note *un)
{
	evany__timer_disarm(uq->uq_inst, &timer_of(un)->ut_timer);
}

static bool
timer_take(struct uni *uq, struct uni_note *un, struct evany_event *ev)
{
	struct uni_timer *ut = timer_of(un);
	struct evany__timer *tm = &ut->ut_timer;
	int64_t late, n = 1;

	if (ut->ut_period != 0 && (un->un_flags & EVANY_ONESHOT) == 0) {
		late = evany__now(tm->tm_clock) - tm->tm_at;
		if (late > 0)
			n += late / ut->ut_period;
		(void)evany__timer_arm(uq->uq_inst, tm,
		    later(tm->tm_at + (n - 1) * ut->ut_period,
		    ut->ut_period));
	} else
		un->un_flags |= EVANY_ONESHOT;
	ev->ev_data = n;
	return (true);
}

void
evany__uni_timer(struct evany__inst *inst, struct evany__timer *tm)
{
	struct uni_timer *ut = (struct uni_timer *)(void *)((char *)tm -
	    offsetof(struct uni_timer, ut_timer));

	evany__uni_pending(uni_of(inst), &ut->ut_note);
}

const struct uni_source evany__uni_src_timer = {
	.so_flags = EVANY_ONESHOT | EVANY_ABSOLUTE | EVANY_WALLCLOCK,
	.so_timed = true,
	.so_set = timer_set,
	.so_end = timer_end,
	.so_take = timer_take
};
