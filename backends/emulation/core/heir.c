/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * heir: what a child of fork gets in the place of an instance of its parent.
 *
 * The kernel object behind an inherited number is the parent's, with all that
 * the parent watches.  So the child makes an instance of its own, with an
 * object of its own, which takes over the numbers (dup2); what the driver wants
 * to have in common with the parent it hands on (dr_inherit).  No mechanism
 * needs to know, and neither process can disturb the other's watches.
 *
 * Race:    in a new child there is no other thread.
 * Limits:  a poller that watched the number before the fork holds the parent's
 *          object, also in the child.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "backends/emulation/core/core.h"
#include "backends/rawcall.h"

/* The number is open, and becomes a duplicate of the other. */
static void
take_over(int fresh, int number)
{
	int flags = fcntl(number, F_GETFD);

	if (dup2(fresh, number) == -1)
		(void)evany__close(number);
	else
		(void)fcntl(number, F_SETFD, flags);
}

bool
evany__inst_inherit(struct evany__inst *parents, const int *numbers, int n)
{
	struct evany__inst *heir;
	int error, fresh, i, saved = errno;

	error = n == 0 ? EBADF : evany__inst_make(parents->in_driver,
	    O_CLOEXEC, NULL, parents, &heir, &fresh);
	for (i = 0; i < n; i++)
		if (error == 0) {
			take_over(fresh, numbers[i]);
			evany__inst_named(heir, numbers[i]);
		} else
			(void)evany__close(numbers[i]);
	if (error == 0) {
		heir->in_number = numbers[0];
		(void)evany__close(fresh);
	}
	errno = saved;
	return (error == 0);
}
