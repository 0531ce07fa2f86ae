/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * timer: all timers of an instance on one alarm per clock.
 *
 * A binary heap per clock holds the armed timers by their moment.  The
 * mechanism is told the earliest one, at the end of a batch of changes
 * (settle), so ten thousand new timers cost one call.  Arming the first timer
 * of a clock without an alarm asks the mechanism at once: that may fail.
 *
 * All functions: instance lock held.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "backends/emulation/core/core.h"

int64_t
evany__now(int clock)
{
	struct timespec ts;

	(void)clock_gettime(clock == EVANY__REALTIME ? CLOCK_REALTIME :
	    CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec);
}

static void
heap_put(struct evany__heap *hp, uint32_t i, struct evany__timer *tm)
{

	hp->hp_at[i] = tm;
	tm->tm_pos = i + 1;
}

/* Moves the timer at place i to where it belongs. */
static void
heap_fix(struct evany__heap *hp, uint32_t i)
{
	struct evany__timer *tm = hp->hp_at[i];
	uint32_t child, parent;

	while (i > 0) {
		parent = (i - 1) / 2;
		if (hp->hp_at[parent]->tm_at <= tm->tm_at)
			break;
		heap_put(hp, i, hp->hp_at[parent]);
		i = parent;
	}
	for (;;) {
		child = 2 * i + 1;
		if (child >= hp->hp_count)
			break;
		if (child + 1 < hp->hp_count &&
		    hp->hp_at[child + 1]->tm_at < hp->hp_at[child]->tm_at)
			child++;
		if (tm->tm_at <= hp->hp_at[child]->tm_at)
			break;
		heap_put(hp, i, hp->hp_at[child]);
		i = child;
	}
	heap_put(hp, i, tm);
}

static int
heap_reserve(struct evany__heap *hp)
{
	struct evany__timer **at;
	uint32_t room;

	if (hp->hp_count < hp->hp_room)
		return (0);
	room = hp->hp_room == 0 ? 16 : hp->hp_room + hp->hp_room / 2;
	if ((at = realloc(hp->hp_at, room * sizeof(*at))) == NULL)
		return (ENOMEM);
	hp->hp_at = at;
	hp->hp_room = room;
	return (0);
}

int
evany__timer_arm(struct evany__inst *inst, struct evany__timer *tm, int64_t at)
{
	struct evany__heap *hp = &inst->in_heap[tm->tm_clock];
	bool first = tm->tm_pos == 1;
	int error;

	if (tm->tm_pos == 0) {
		if ((error = heap_reserve(hp)) != 0)
			return (error);
		hp->hp_at[hp->hp_count++] = tm;
		tm->tm_pos = hp->hp_count;
	}
	tm->tm_at = at;
	heap_fix(hp, tm->tm_pos - 1);
	if (first || tm->tm_pos == 1)
		inst->in_unsettled = true;
	if (hp->hp_count == 1 && inst->in_alarm[tm->tm_clock] == 0 &&
	    (error = evany__timers_settle(inst)) != 0) {
		evany__timer_disarm(inst, tm);
		return (error);
	}
	return (0);
}

void
evany__timer_disarm(struct evany__inst *inst, struct evany__timer *tm)
{
	struct evany__heap *hp = &inst->in_heap[tm->tm_clock];
	struct evany__timer *last;
	uint32_t i;

	if (tm->tm_pos == 0)
		return;
	i = tm->tm_pos - 1;
	tm->tm_pos = 0;
	if (i == 0)
		inst->in_unsettled = true;
	last = hp->hp_at[--hp->hp_count];
	if (last != tm) {
		heap_put(hp, i, last);
		heap_fix(hp, i);
	}
}

/* Takes every timer whose moment has come and hands it to the driver. */
void
evany__timers_expire(struct evany__inst *inst, int clock)
{
	struct evany__heap *hp = &inst->in_heap[clock];
	struct evany__timer *tm;
	int64_t now;

	if (hp->hp_count == 0)
		return;
	now = evany__now(clock);
	while (hp->hp_count > 0 && (tm = hp->hp_at[0])->tm_at <= now) {
		evany__timer_disarm(inst, tm);
		inst->in_driver->dr_timer(inst, tm);
	}
}

/* Tells the mechanism the earliest moment of each clock, where it changed. */
int
evany__timers_settle(struct evany__inst *inst)
{
	struct evany__heap *hp;
	int64_t at;
	int clock, error;

	for (clock = 0; clock < EVANY__CLOCKS; clock++) {
		hp = &inst->in_heap[clock];
		at = hp->hp_count > 0 ? hp->hp_at[0]->tm_at : 0;
		if (hp->hp_count > 0 && at < 1)
			at = 1;
		if (at == inst->in_alarm[clock])
			continue;
		error = inst->in_table->tb_be->be_alarm(inst, inst->in_number,
		    clock, at);
		if (error != 0)
			return (error);
		inst->in_alarm[clock] = at;
	}
	inst->in_unsettled = false;
	return (0);
}

void
evany__timers_fini(struct evany__inst *inst)
{
	int clock;

	for (clock = 0; clock < EVANY__CLOCKS; clock++)
		free(inst->in_heap[clock].hp_at);
}
