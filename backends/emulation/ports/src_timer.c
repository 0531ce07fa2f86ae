/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * src_timer: PORT_SOURCE_TIMER, timers whose expirations are counted events.
 *
 * A timer holds its slot from its making to its end, whether it is set or not.
 * It expires once; from then on it stands in the queue, idle, and how often it
 * has expired is worked out from its clock when the event is retrieved, which
 * also arms it again.  So a timer that nobody asks about costs one expiry,
 * however short its period, and a clock that is set counts as it should.
 * Setting it anew puts aside what was counted by then (ptm_before).
 *
 * A port that ends takes its slot along, and the timer goes on without: it can
 * be set, asked and deleted, and tells nobody.
 *
 * Locks:  a timer with a slot is guarded by the instance's lock, one without by
 *         the table of compat/timer, which the caller has locked.
 * Fork:   a child has no timers; their slots stay the parent's there.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "backends/emulation/ports/portq.h"

struct setting {
	int64_t	se_at;		/* first expiry not told; 0: none */
	int64_t	se_period;	/* 0: once */
	int	se_clock;
};

struct evany__port_timer {
	struct port_tie		ptm_tie;
	struct evany__timer	ptm_timer;
	struct setting		ptm_set;
	int64_t			ptm_before;	/* of earlier settings, not told */
	int64_t			ptm_taking;	/* of this one, being told */
};

static struct evany__port_timer *
timer_of(const struct port_slot *sl)
{
	return (sl->sl_data);
}

/* How often it has expired since it was set or last told. */
static int64_t
expired(const struct evany__port_timer *ptm)
{
	const struct setting *se = &ptm->ptm_set;
	int64_t now, n;

	if (se->se_at == 0)
		n = 0;
	else if ((now = evany__now(se->se_clock)) < se->se_at)
		n = 0;
	else
		n = se->se_period == 0 ? 1 :
		    1 + (now - se->se_at) / se->se_period;
	/* The clock was set back after that. */
	if (n == 0 && ptm->ptm_before == 0 && ptm->ptm_tie.ti_slot->sl_seq != 0)
		n = 1;
	return (n);
}

/* Has core's timer follow the setting. */
static int
timer_arm(struct evany__port_timer *ptm)
{
	struct evany__inst *inst = ptm->ptm_tie.ti_inst;
	struct evany__timer *tm = &ptm->ptm_timer;
	const struct setting *se = &ptm->ptm_set;

	if (se->se_at == 0 || tm->tm_clock != se->se_clock)
		evany__timer_disarm(inst, tm);
	if (se->se_at == 0)
		return (0);
	tm->tm_clock = (uint8_t)se->se_clock;
	return (evany__timer_arm(inst, tm, se->se_at));
}

/* ---- the source ------------------------------------------------------------------ */

void
evany__port_timer_expire(struct evany__inst *inst, struct evany__timer *tm)
{
	struct evany__port_timer *ptm = (struct evany__port_timer *)(void *)
	    ((char *)tm - offsetof(struct evany__port_timer, ptm_timer));

	/* It keeps its place, so that arming it again cannot fail. */
	(void)evany__timer_arm(inst, tm, EVANY__FOREVER - 1);
	evany__port_fire(port_of(inst), ptm->ptm_tie.ti_slot, 1);
}

static enum port_take
timer_take(struct port *pt, struct port_slot *sl)
{
	struct evany__port_timer *ptm = timer_of(sl);

	(void)pt;
	ptm->ptm_taking = expired(ptm);
	sl->sl_events = ptm->ptm_taking > INT_MAX - ptm->ptm_before ? INT_MAX :
	    (int)(ptm->ptm_taking + ptm->ptm_before);
	return (PORT_TAKE);
}

static void
timer_taken(struct port *pt, struct port_slot *sl)
{
	struct evany__port_timer *ptm = timer_of(sl);
	struct setting *se = &ptm->ptm_set;

	(void)pt;
	ptm->ptm_before = 0;
	if (ptm->ptm_taking == 0)
		return;
	if (se->se_period == 0 || ptm->ptm_taking >
	    (EVANY__FOREVER - 1 - se->se_at) / se->se_period)
		se->se_at = 0;
	else
		se->se_at += ptm->ptm_taking * se->se_period;
	(void)timer_arm(ptm);
}

static void
timer_drop(struct port *pt, struct port_slot *sl)
{
	evany__timer_disarm(pt->pt_inst, &timer_of(sl)->ptm_timer);
	evany__tie_cut(pt, &timer_of(sl)->ptm_tie);
}

const struct port_source evany__port_src_timer = {
	.so_private = true,
	.so_take = timer_take,
	.so_taken = timer_taken,
	.so_drop = timer_drop
};

/* ---- calls ------------------------------------------------------------------------- */

/* Finds out whether it can be set for that clock. */
static int
timer_try(struct evany__port_timer *ptm, int clock)
{
	struct evany__inst *inst = ptm->ptm_tie.ti_inst;
	int error;

	ptm->ptm_timer.tm_clock = (uint8_t)clock;
	error = evany__timer_arm(inst, &ptm->ptm_timer, EVANY__FOREVER - 1);
	evany__timer_disarm(inst, &ptm->ptm_timer);
	return (error);
}

int
evany__port_timer_new(int number, void *user, uintptr_t id, unsigned clocks,
    struct evany__port_timer **ptmp)
{
	struct evany__port_timer *ptm;
	struct port *pt;
	int clock, error;

	if ((ptm = calloc(1, sizeof(*ptm))) == NULL)
		return (ENOMEM);
	error = evany__tie_make(&ptm->ptm_tie, number, PORT_SOURCE_TIMER, id,
	    user, &pt);
	if (error != 0) {
		free(ptm);
		return (error);
	}
	for (clock = 0; clock < EVANY__CLOCKS && error == 0; clock++)
		if ((clocks & 1U << clock) != 0)
			error = timer_try(ptm, clock);
	if (error != 0)
		evany__tie_cut(pt, &ptm->ptm_tie);
	evany__tie_leave(&ptm->ptm_tie);
	if (error != 0)
		evany__tie_unref(&ptm->ptm_tie);
	else
		*ptmp = ptm;
	return (error);
}

void
evany__port_timer_delete(struct evany__port_timer *ptm)
{
	struct port *pt;

	if ((pt = evany__tie_enter(&ptm->ptm_tie)) != NULL) {
		timer_drop(pt, ptm->ptm_tie.ti_slot);
		evany__tie_leave(&ptm->ptm_tie);
	}
	evany__tie_unref(&ptm->ptm_tie);
}

/* The new setting is there: what the old one had counted is to be told. */
static int
timer_reset(struct port *pt, struct evany__port_timer *ptm,
    const struct setting *se)
{
	struct setting old = ptm->ptm_set;
	bool was_armed = ptm->ptm_timer.tm_pos != 0;
	int64_t n = expired(ptm);
	int error;

	ptm->ptm_set = *se;
	if ((error = timer_arm(ptm)) != 0) {
		ptm->ptm_set = old;
		if (was_armed)
			(void)timer_arm(ptm);
		return (error);
	}
	if (n > 0) {
		ptm->ptm_before = n > INT_MAX - ptm->ptm_before ? INT_MAX :
		    ptm->ptm_before + n;
		evany__port_fire(pt, ptm->ptm_tie.ti_slot, 1);
	}
	return (0);
}

int
evany__port_timer_set(struct evany__port_timer *ptm, int clock, int64_t at,
    int64_t period)
{
	struct setting se = { at, period, clock };
	struct port *pt;
	int error = 0;

	if ((pt = evany__tie_enter(&ptm->ptm_tie)) != NULL) {
		error = timer_reset(pt, ptm, &se);
		evany__tie_leave(&ptm->ptm_tie);
	} else
		ptm->ptm_set = se;
	return (error);
}

void
evany__port_timer_ask(struct evany__port_timer *ptm, int64_t *leftp,
    int64_t *periodp)
{
	struct port *pt = evany__tie_enter(&ptm->ptm_tie);
	struct setting se = ptm->ptm_set;
	int64_t now;

	if (pt != NULL)
		evany__tie_leave(&ptm->ptm_tie);
	*leftp = 0;
	*periodp = se.se_period;
	if (se.se_at == 0)
		return;
	now = evany__now(se.se_clock);
	if (now < se.se_at)
		*leftp = se.se_at - now;
	else if (se.se_period != 0)
		*leftp = se.se_period - (now - se.se_at) % se.se_period;
}
