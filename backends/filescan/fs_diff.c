/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fs_diff: guesses what happened from what has changed.
 *
 * State:   none.
 * Race:    a look that falls into the middle of an act sees the change time of
 *          it and nothing else yet (Linux sets that first).  So what accounts
 *          for nothing is looked at again, until it stands still.
 */
#include "config.h"

#include "backends/filescan/fs_diff.h"

#include <sched.h>

#define SETTLE		4	/* looks more, at most */
#define FRESH		INT64_C(40000000)	/* an act may be under way, ns */

int
evany__fs_time_compare(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return (a->tv_sec < b->tv_sec ? -1 : 1);
	return ((a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec));
}

/*
 * The modification time has changed: by a write, as bits.  One sets it and the
 * change time to the same moment.  utimes sets it to any, or access,
 * modification and change time to the same one; but so do a read and a write
 * in one tick of the clock.
 */
static unsigned
fs_written(const struct evany__snap *a, const struct evany__snap *b)
{
	if (evany__fs_time_compare(&b->sn_mtime, &a->sn_mtime) < 0 ||
	    evany__fs_time_compare(&b->sn_mtime, &a->sn_ctime) < 0 ||
	    evany__fs_time_compare(&b->sn_mtime, &b->sn_ctime) > 0)
		return (EVANY__F_ATTRIB);
	if (evany__fs_time_compare(&b->sn_mtime, &b->sn_ctime) == 0 &&
	    evany__fs_time_compare(&b->sn_mtime, &b->sn_atime) == 0 &&
	    evany__fs_time_compare(&a->sn_atime, &b->sn_atime) != 0)
		return (EVANY__F_WRITE | EVANY__F_ATTRIB);
	return (EVANY__F_WRITE);
}

unsigned
evany__fs_bits(const struct evany__snap *a, const struct evany__snap *b,
    bool *toldp)
{
	unsigned bits, diff;

	diff = evany__snap_diff(a, b);
	bits = diff & (EVANY__F_EXTEND | EVANY__F_TRUNC | EVANY__F_LINK |
	    EVANY__F_DELETE | EVANY__F_ATTRIB);
	*toldp = bits != 0 || diff == 0;
	if ((diff & (EVANY__F_EXTEND | EVANY__F_TRUNC)) != 0)
		bits |= EVANY__F_WRITE;
	else if ((diff & EVANY__SNAP_MTIME) != 0) {
		bits |= fs_written(a, b);
		if ((bits & EVANY__F_ATTRIB) != 0 ||
		    evany__fs_time_compare(&b->sn_mtime, &b->sn_ctime) == 0)
			*toldp = true;
	}
	/* The entries of a removed directory went with it. */
	if (b->sn_nlink == 0 && evany__snap_isdir(b))
		bits &= ~EVANY__F_WRITE;
	return (bits);
}

unsigned
evany__fs_settle(const struct evany__snap *was, struct evany__snap *now,
    evany__fs_look_fn *look, const void *arg, bool *toldp)
{
	struct evany__snap again;
	unsigned bits;
	int i;

	bits = evany__fs_bits(was, now, toldp);
	for (i = 0; i < SETTLE && !*toldp; i++) {
		(void)sched_yield();
		if (look(arg, &again) != 0 ||
		    !evany__snap_same(&again, now) ||
		    evany__snap_diff(now, &again) == 0)
			break;
		*now = again;
		bits = evany__fs_bits(was, now, toldp);
	}
	return (bits);
}

bool
evany__fs_fresh(const struct timespec *ts)
{
	int64_t age;

	age = evany__now(EVANY__REALTIME) -
	    (int64_t)ts->tv_sec * INT64_C(1000000000) - (int64_t)ts->tv_nsec;
	return (age >= 0 && age < FRESH);
}
