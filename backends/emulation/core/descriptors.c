/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * descriptors: those of the process that could name an instance.
 *
 * To try a number costs less than to read it from a list of what is open, so
 * numbers are tried one after the other.  Only where many in a row are closed
 * the system is asked for the next one that is not.
 */
#include "config.h"

#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "backends/emulation/core/core.h"

#define CLOSED_MOST	64	/* in a row, before the system is asked */
#define TRIED_MOST	65536	/* where it does not tell */

/* 1 if it could name an instance, 0 if not, -1 if it is closed. */
static int
descriptor_try(int number)
{
	int (*any)(int) = evany__table()->tb_be->be_any;

	if (any != NULL)
		return (any(number));
	return (fcntl(number, F_GETFD) == -1 ? -1 : 1);
}

static int
descriptors_most(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < TRIED_MOST)
		return ((int)rl.rlim_cur);
	return (TRIED_MOST);
}

void
evany__descriptors_each(bool (*fn)(void *, int), void *arg)
{
	int closed = 0, most = INT_MAX, next, number, saved = errno, what;

	for (number = 0; number < most; number++) {
		what = descriptor_try(number);
		if (what == 1 && !fn(arg, number))
			break;
		closed = what == -1 ? closed + 1 : 0;
		if (closed < CLOSED_MOST || most != INT_MAX)
			continue;
		closed = 0;
		if ((next = evany__ff_next_open(number)) == -1)
			break;
		if (next == -2)
			most = descriptors_most();
		else
			number = next - 1;
	}
	errno = saved;
}
