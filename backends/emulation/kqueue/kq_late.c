/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kq_late: triggers from a signal handler that interrupted the library.
 *
 * On a BSD kevent is a system call and safe in a handler.  Here a handler may
 * have interrupted a call in its own thread that holds a lock, of this queue
 * or another.  It then only notes the triggers, and they are made when the
 * interrupted call holds no lock any more, which is before it sleeps or
 * returns.
 *
 * State:   a pool of places for the whole process.  A place is taken by the
 *          exchange of its state, so handlers in several threads and handlers
 *          that interrupt handlers do not meet; the thread that filled a place
 *          is the one that empties it.  ticket keeps the order.
 * Locks:   none.
 * Limits:  an error of a noted trigger is not told to anybody.
 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>

#include "backends/emulation/kqueue/knote.h"

#define PLACES	64

enum { FREE, TAKEN, FULL };

struct late {
	atomic_uint	 lt_state;
	unsigned	 lt_ticket;
	const void	*_Atomic lt_thread;
	int		 lt_number;
	struct kevent	 lt_kev;
};

static struct late late_pool[PLACES];
static atomic_uint late_ticket;

/* Its address tells threads apart; set while this one empties the pool. */
static _Thread_local char late_busy
    __attribute__((__tls_model__("initial-exec")));

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

/* The oldest note of this thread, taken out of its place. */
static bool
late_next(int *number, struct kevent *kev)
{
	struct late *lt, *oldest = NULL;

	for (lt = late_pool; lt < &late_pool[PLACES]; lt++)
		if (atomic_load_explicit(&lt->lt_state,
		    memory_order_acquire) == FULL &&
		    atomic_load(&lt->lt_thread) == &late_busy &&
		    (oldest == NULL ||
		    (int)(lt->lt_ticket - oldest->lt_ticket) < 0))
			oldest = lt;
	if (oldest == NULL)
		return (false);
	*number = oldest->lt_number;
	*kev = oldest->lt_kev;
	atomic_store_explicit(&oldest->lt_state, FREE, memory_order_release);
	return (true);
}

/* No lock held. */
static void
late_make(void)
{
	struct evany__inst *inst;
	struct kevent kev;
	bool attaching;
	int number, saved = errno;

	/* A handler's notes from within are found by the loop below. */
	if (late_busy)
		return;
	late_busy = 1;
	while (late_next(&number, &kev)) {
		if ((inst = evany__kqueue_find(number, true)) == NULL)
			continue;
		evany__inst_enter(inst, number);
		(void)evany__kqueue_change(inst->in_data, &kev, &attaching);
		(void)evany__inst_leave(inst);
		evany__inst_drop(inst);
	}
	late_busy = 0;
	errno = saved;
}

int
evany__kqueue_late(int number, const struct kevent *kev, int n)
{
	struct late *mine[PLACES];
	unsigned state;
	int i, got = 0;

	if (!evany__kqueue_triggers(kev, n))
		return (EDEADLK);
	for (i = 0; i < PLACES && got < n; i++) {
		state = FREE;
		if (atomic_compare_exchange_strong(&late_pool[i].lt_state,
		    &state, TAKEN))
			mine[got++] = &late_pool[i];
	}
	if (got < n) {
		while (got-- > 0)
			atomic_store(&mine[got]->lt_state, FREE);
		return (EDEADLK);
	}
	for (i = 0; i < n; i++) {
		mine[i]->lt_ticket = atomic_fetch_add(&late_ticket, 1);
		mine[i]->lt_number = number;
		mine[i]->lt_kev = kev[i];
		atomic_store(&mine[i]->lt_thread, &late_busy);
		atomic_store_explicit(&mine[i]->lt_state, FULL,
		    memory_order_release);
	}
	evany__lock_later(late_make);
	return (0);
}
