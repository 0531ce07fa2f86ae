/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kq_late: triggers from a signal handler that interrupted the library, which
 * are made a little later (core/late.c).  Nothing else can be done from there.
 */
#include "config.h"

#include <errno.h>

#include "backends/emulation/kqueue/knote.h"

bool
evany__kqueue_triggers(const struct kevent *kev, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (kev[i].filter != EVFILT_USER ||
		    (kev[i].fflags & NOTE_TRIGGER) == 0 ||
		    (kev[i].flags & (EV_ADD | EV_DELETE | EV_RECEIPT)) != 0)
			return (false);
	return (n > 0);
}

static void
late_trigger(int number, const void *note)
{
	struct kevent kev = *(const struct kevent *)note;
	struct evany__inst *inst;
	bool attaching;

	if ((inst = evany__kqueue_find(number, true)) == NULL)
		return;
	evany__inst_enter(inst, number);
	(void)evany__kqueue_change(inst->in_data, &kev, &attaching);
	evany__inst_review(inst);
	(void)evany__inst_leave(inst);
	evany__inst_drop(inst);
}

int
evany__kqueue_late(int number, const struct kevent *kev, int n)
{

	_Static_assert(sizeof(*kev) <= EVANY__LATE_BYTES, "a note holds it");
	if (!evany__kqueue_triggers(kev, n))
		return (EDEADLK);
	/* Twice in a row is once, however many handlers run meanwhile. */
	if (n == 1 && evany__late_again(late_trigger, number, kev,
	    sizeof(*kev)))
		return (0);
	return (evany__late_add(late_trigger, number, kev, sizeof(*kev), n) ?
	    0 : EDEADLK);
}
