/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fs_diff.h: what happened to a file between two looks at it.
 */
#ifndef EVANY_FS_DIFF_H
#define EVANY_FS_DIFF_H

#include <stdbool.h>
#include <time.h>

#include "backends/fdfacts/ff_snap.h"

int	evany__fs_time_compare(const struct timespec *,
	    const struct timespec *);

/*
 * What happened to the file that looked like was and looks like now, so far as
 * stat(2) tells.  *toldp: that accounts for the change time.
 */
unsigned evany__fs_bits(const struct evany__snap *was,
	    const struct evany__snap *now, bool *toldp);

/*
 * The same, but looks again for a while if something is not accounted for;
 * *now becomes the last look.
 */
typedef int evany__fs_look_fn(const void *, struct evany__snap *);
unsigned evany__fs_settle(const struct evany__snap *was,
	    struct evany__snap *now, evany__fs_look_fn *, const void *,
	    bool *toldp);

/* An act that set this time may still be under way. */
bool	evany__fs_fresh(const struct timespec *);

#endif /* EVANY_FS_DIFF_H */
