/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filt_timer: EVFILT_TIMER.
 *
 * A timer that has expired is idle until its event is collected; how often it
 * has expired by then is worked out from the clock.  So a timer that nobody
 * asks about costs one expiry, however short its period.  kt_timer.tm_at keeps
 * the moment of the first expiry not yet returned.
 */
#include "config.h"

#include <errno.h>

#include "backends/emulation/kqueue/knote.h"

#define NOTE_UNITS	(NOTE_SECONDS | NOTE_MSECONDS | NOTE_USECONDS |	\
			NOTE_NSECONDS)

static struct knote_timer *
timer_of(struct knote *kn)
{
	return ((struct knote_timer *)(void *)kn);
}

/* Nanoseconds of one unit, 0 if the notes make no sense. */
static int64_t
timer_unit(unsigned fflags)
{

	if ((fflags & ~(unsigned)(NOTE_UNITS | NOTE_ABSTIME)) != 0)
		return (0);
	switch (fflags & NOTE_UNITS) {
	case NOTE_SECONDS:
		return (1000000000);
	case 0:
	case NOTE_MSECONDS:
		return (1000000);
	case NOTE_USECONDS:
		return (1000);
	case NOTE_NSECONDS:
		return (1);
	default:
		return (0);
	}
}

/* A sum that stops at the end of time. */
static int64_t
later(int64_t at, int64_t by)
{
	return (at > INT64_MAX - by ? INT64_MAX : at + by);
}

/* Starts the timer as fflags and data say; nothing changes on failure. */
static int
timer_start(struct kqueue *kq, struct knote *kn, unsigned fflags, int64_t data)
{
	struct knote_timer *kt = timer_of(kn);
	int64_t at, period, unit;
	int clock, error;

	unit = timer_unit(fflags);
	if (unit == 0 || data < 0)
		return (EINVAL);
	period = data > INT64_MAX / unit ? INT64_MAX : data * unit;
	if ((fflags & NOTE_ABSTIME) != 0) {
		clock = EVANY__REALTIME;
		at = period;
		period = 0;
	} else {
		clock = EVANY__MONOTONIC;
		if (period == 0 && (kn->kn_flags & EV_ONESHOT) == 0)
			period = unit;
		at = later(evany__now(clock), period);
	}
	if (clock != kt->kt_timer.tm_clock) {
		evany__timer_disarm(kq->kq_inst, &kt->kt_timer);
		kt->kt_timer.tm_clock = (uint8_t)clock;
	}
	error = evany__timer_arm(kq->kq_inst, &kt->kt_timer, at);
	if (error != 0)
		return (error);
	kn->kn_period = period;
	return (0);
}

static int
filt_timer_attach(struct kqueue *kq, struct knote *kn)
{

	if ((kn->kn_sfflags & NOTE_ABSTIME) == 0)
		kn->kn_flags |= EV_CLEAR;
	return (timer_start(kq, kn, kn->kn_sfflags, kn->kn_sdata));
}

static void
filt_timer_detach(struct kqueue *kq, struct knote *kn)
{
	evany__timer_disarm(kq->kq_inst, &timer_of(kn)->kt_timer);
}

static enum kq_answer
filt_timer_event(struct kqueue *kq, struct knote *kn, unsigned bits)
{
	struct knote_timer *kt = timer_of(kn);
	int64_t late, n = 1;

	(void)bits;
	if ((kn->kn_status & KN_ACTIVE) == 0)
		return (KQ_NO);
	if (kn->kn_period != 0 && (kn->kn_flags & EV_ONESHOT) == 0) {
		late = evany__now(EVANY__MONOTONIC) - kt->kt_timer.tm_at;
		n += late / kn->kn_period;
		(void)evany__timer_arm(kq->kq_inst, &kt->kt_timer,
		    later(kt->kt_timer.tm_at + (n - 1) * kn->kn_period,
		    kn->kn_period));
	}
	kn->kn_data = n;
	kn->kn_fflags = 0;
	return (KQ_YES);
}

/* EV_ADD starts anew; EV_ENABLE and EV_DISABLE let it run on. */
static int
filt_timer_touch(struct kqueue *kq, struct knote *kn, const struct kevent *kev)
{
	int error;

	if ((kev->flags & EV_ADD) == 0)
		return (0);
	error = timer_start(kq, kn, kev->fflags, kev->data);
	if (error != 0)
		return (error);
	evany__knote_deactivate(kq, kn);
	return (evany__knote_default_touch(kq, kn, kev));
}

static void
filt_timer_expire(struct kqueue *kq, struct knote *kn)
{
	evany__knote_activate(kq, kn);
}

const struct filterops evany__filt_timer = {
	.fo_name = "TIMER",
	.fo_expire = filt_timer_expire,
	.fo_attach = filt_timer_attach,
	.fo_detach = filt_timer_detach,
	.fo_event = filt_timer_event,
	.fo_touch = filt_timer_touch,
	.fo_arm = evany__knote_default_arm
};
