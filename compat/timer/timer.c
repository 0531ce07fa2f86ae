/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * timer: the calls of <time.h> on timers whose expirations are events of a
 * port (backends/emulation/ports/src_timer.c), and the way to the system for
 * all others.
 *
 * A timer_t of ours is no address and no small number: odd, so no pointer of
 * the C library's, and tagged.  Where it has 64 bits, the tag is such as no
 * address has; else it is higher than a system's count of timers gets.  The
 * generation tells a deleted timer's id from that of another in its place.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "backends/emulation/ports/portq.h"
#include "compat/export.h"

/* Here the system's own functions are meant. */
#undef timer_create
#undef timer_delete
#undef timer_gettime
#undef timer_settime
#undef timer_getoverrun

#define NS	INT64_C(1000000000)

/* | tag | generation | index, ID_INDEX bits | 1 | */
#define ID_WIDE		(sizeof(timer_t) > 4)
#define ID_TAG		(ID_WIDE ? (uint64_t)0x4550 << 48 : 0x50000000U)
#define ID_TAG_MASK	(ID_WIDE ? (uint64_t)0xffff << 48 : 0xf0000000U)
#define ID_INDEX	20
#define ID_GEN_SHIFT	(ID_INDEX + 1)
#define ID_GENS		(ID_WIDE ? 1U << 27 : 1U << 7)

struct place {
	struct evany__port_timer *pl_timer;	/* NULL: free */
	uint32_t		  pl_gen;
	uint32_t		  pl_next;	/* free list */
	int			  pl_clock;	/* of core's */
};

static void timers_child(bool whole);

static struct evany__outer timers = EVANY__OUTER(timers_child);
static struct place *timer_places;
static uint32_t timer_count;
static uint32_t timer_room;
static uint32_t timer_free = UINT32_MAX;

/* ---- table; its lock is held ------------------------------------------------- */

/* A child has no timers.  What was theirs in the ports is the parent's. */
static void
timers_child(bool whole)
{
	uint32_t i;

	if (whole) {
		for (i = 0; i < timer_count; i++)
			free(timer_places[i].pl_timer);
		free(timer_places);
	}
	timer_places = NULL;
	timer_count = timer_room = 0;
	timer_free = UINT32_MAX;
}

static int
place_get(uint32_t *ip)
{
	struct place *places;
	uint32_t room;

	if (timer_free != UINT32_MAX) {
		*ip = timer_free;
		timer_free = timer_places[*ip].pl_next;
		return (0);
	}
	if (timer_count == timer_room) {
		if (timer_room == 1U << ID_INDEX)
			return (EAGAIN);
		room = timer_room == 0 ? 16 : 2 * timer_room;
		places = realloc(timer_places, room * sizeof(*places));
		if (places == NULL)
			return (ENOMEM);
		timer_places = places;
		timer_room = room;
	}
	*ip = timer_count++;
	timer_places[*ip].pl_timer = NULL;
	timer_places[*ip].pl_gen = 0;
	return (0);
}

static void
place_put(uint32_t i)
{
	struct place *pl = &timer_places[i];

	pl->pl_timer = NULL;
	pl->pl_gen = (pl->pl_gen + 1) % ID_GENS;
	pl->pl_next = timer_free;
	timer_free = i;
}

static uint64_t
place_id(uint32_t i)
{
	return (ID_TAG | (uint64_t)timer_places[i].pl_gen << ID_GEN_SHIFT |
	    i << 1 | 1);
}

/* 0 or -1 as the error says, with errno as it was on success. */
static int
done(int error, int saved)
{
	errno = error != 0 ? error : saved;
	return (error != 0 ? -1 : 0);
}

static bool
ours(timer_t id)
{
	uint64_t n = (uintptr_t)id;

	return ((n & (ID_TAG_MASK | 1)) == (ID_TAG | 1));
}

/* Locks the table if there is such a timer: 0, EINVAL, EDEADLK. */
static int
timer_enter(timer_t id, uint32_t *ip)
{
	uint64_t n = (uintptr_t)id;
	uint32_t i = (uint32_t)(n >> 1) & ((1U << ID_INDEX) - 1);

	if (evany__lock_held())
		return (EDEADLK);
	evany__outer_enter(&timers);
	if (i < timer_count && timer_places[i].pl_timer != NULL &&
	    place_id(i) == n) {
		*ip = i;
		return (0);
	}
	evany__outer_leave(&timers);
	return (EINVAL);
}

/* ---- clocks and times ---------------------------------------------------------- */

/* Core's clock; -1 if timers of that clock are not to be had. */
static int
clock_of(clockid_t clock)
{
	switch (clock) {
	case CLOCK_MONOTONIC:
		return (EVANY__MONOTONIC);
	case CLOCK_REALTIME:
		return (EVANY__REALTIME);
	default:
		return (-1);
	}
}

/* Nanoseconds, as many as there can be; -1 if it makes no sense. */
static int64_t
ns_of(const struct timespec *ts)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NS)
		return (-1);
	if (ts->tv_sec >= EVANY__FOREVER / NS)
		return (EVANY__FOREVER - 1);
	return ((int64_t)ts->tv_sec * NS + ts->tv_nsec);
}

static struct timespec
ts_of(int64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / NS), .tv_nsec = (long)(ns % NS)
	};

	return (ts);
}

/* ---- calls ------------------------------------------------------------------------ */

static int
timer_make(clockid_t clockid, const port_notify_t *pn, timer_t *idp)
{
	struct evany__port_timer *ptm;
	int clock, error;
	uint64_t id;
	uint32_t i;

	if ((clock = clock_of(clockid)) == -1)
		return (EINVAL);
	if (pn == NULL || idp == NULL)
		return (EFAULT);
	if (evany__lock_held())
		return (EDEADLK);
	evany__outer_enter(&timers);
	if ((error = place_get(&i)) == 0) {
		/* A relative time does not follow a clock that is set. */
		error = evany__port_timer_new(pn->portnfy_port,
		    pn->portnfy_user, (uintptr_t)(id = place_id(i)),
		    1U << clock | (clock == EVANY__REALTIME ?
		    1U << EVANY__MONOTONIC : 0), &ptm);
		if (error == 0) {
			timer_places[i].pl_timer = ptm;
			timer_places[i].pl_clock = clock;
			*idp = (timer_t)(uintptr_t)id;
		} else
			place_put(i);
	}
	evany__outer_leave(&timers);
	return (error);
}

EVANY_EXPORT int
evany_timer_create(clockid_t clock, struct sigevent *se, timer_t *idp)
{
	int saved = errno;

	if (se == NULL || se->sigev_notify != SIGEV_PORT)
		return (timer_create(clock, se, idp));
	return (done(timer_make(clock, se->sigev_value.sival_ptr, idp),
	    saved));
}

EVANY_EXPORT int
evany_timer_delete(timer_t id)
{
	int error, saved = errno;
	uint32_t i;

	if (!ours(id))
		return (timer_delete(id));
	if ((error = timer_enter(id, &i)) == 0) {
		evany__port_timer_delete(timer_places[i].pl_timer);
		place_put(i);
		evany__outer_leave(&timers);
	}
	return (done(error, saved));
}

static void
timer_ask(uint32_t i, struct itimerspec *its)
{
	int64_t left, period;

	evany__port_timer_ask(timer_places[i].pl_timer, &left, &period);
	its->it_value = ts_of(left);
	its->it_interval = ts_of(period);
}

EVANY_EXPORT int
evany_timer_gettime(timer_t id, struct itimerspec *its)
{
	int error, saved = errno;
	uint32_t i;

	if (!ours(id))
		return (timer_gettime(id, its));
	if ((error = timer_enter(id, &i)) == 0) {
		if (its != NULL)
			timer_ask(i, its);
		else
			error = EFAULT;
		evany__outer_leave(&timers);
	}
	return (done(error, saved));
}

static int
timer_set(uint32_t i, int flags, const struct itimerspec *its,
    struct itimerspec *old)
{
	int64_t at, now, period;
	int clock, error;
	struct itimerspec was;

	if (its == NULL)
		return (EFAULT);
	at = ns_of(&its->it_value);
	period = ns_of(&its->it_interval);
	if (at == -1 || period == -1)
		return (EINVAL);
	if ((flags & TIMER_ABSTIME) != 0)
		clock = timer_places[i].pl_clock;
	else {
		clock = timer_places[i].pl_clock == EVANY__REALTIME ?
		    EVANY__MONOTONIC : timer_places[i].pl_clock;
		now = evany__now(clock);
		if (at != 0)
			at = at < EVANY__FOREVER - 1 - now ? now + at :
			    EVANY__FOREVER - 1;
	}
	timer_ask(i, &was);
	error = evany__port_timer_set(timer_places[i].pl_timer, clock, at,
	    period);
	if (error == 0 && old != NULL)
		*old = was;
	return (error);
}

EVANY_EXPORT int
evany_timer_settime(timer_t id, int flags, const struct itimerspec *its,
    struct itimerspec *old)
{
	int error, saved = errno;
	uint32_t i;

	if (!ours(id))
		return (timer_settime(id, flags, its, old));
	if ((error = timer_enter(id, &i)) == 0) {
		error = timer_set(i, flags, its, old);
		evany__outer_leave(&timers);
	}
	return (done(error, saved));
}

EVANY_EXPORT int
evany_timer_getoverrun(timer_t id)
{
	int error, saved = errno;
	uint32_t i;

	if (!ours(id))
		return (timer_getoverrun(id));
	if ((error = timer_enter(id, &i)) == 0)
		evany__outer_leave(&timers);
	return (done(error, saved));
}
