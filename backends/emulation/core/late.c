/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * late: what a signal handler asks for that interrupted the library.
 *
 * Natively the calls are system calls and safe in a handler.  Here a handler
 * may have interrupted a call in its own thread that holds a lock, of this
 * instance or another.  It then only notes what is wanted, and that is done
 * when the interrupted call holds no lock any more, which is before it sleeps
 * or returns.
 *
 * State:   a pool of places for the whole process.  A place is taken by the
 *          exchange of its state, so handlers in several threads and handlers
 *          that interrupt handlers do not meet; the thread that filled a place
 *          is the one that empties it.  ticket keeps the order.
 * Locks:   none.
 * Fork:    what was noted is the parent's to do; the child begins with none.
 * Limits:  an error of what is done late is not told to anybody.
 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "backends/emulation/core/core.h"

#define PLACES	64

enum { FREE, TAKEN, FULL };

struct late {
	atomic_uint		 lt_state;
	unsigned		 lt_ticket;
	const void		*_Atomic lt_thread;
	evany__late_fn		*lt_fn;
	int			 lt_number;
	_Alignas(8) char	 lt_note[EVANY__LATE_BYTES];
};

static struct late late_pool[PLACES];
static atomic_uint late_ticket;

/* Its address tells threads apart; set while this one empties the pool. */
static _Thread_local char late_busy
    __attribute__((__tls_model__("initial-exec")));

static bool
late_mine(const struct late *lt)
{

	return (atomic_load_explicit(&lt->lt_state, memory_order_acquire) ==
	    FULL && atomic_load(&lt->lt_thread) == &late_busy);
}

/* The oldest note of this thread, copied out of its place. */
static bool
late_next(struct late *copy)
{
	struct late *lt, *oldest = NULL;

	for (lt = late_pool; lt < &late_pool[PLACES]; lt++)
		if (late_mine(lt) && (oldest == NULL ||
		    (int)(lt->lt_ticket - oldest->lt_ticket) < 0))
			oldest = lt;
	if (oldest == NULL)
		return (false);
	copy->lt_fn = oldest->lt_fn;
	copy->lt_number = oldest->lt_number;
	memcpy(copy->lt_note, oldest->lt_note, sizeof(copy->lt_note));
	atomic_store_explicit(&oldest->lt_state, FREE, memory_order_release);
	return (true);
}

/* No lock held. */
static void
late_make(void)
{
	struct late copy;
	int saved = errno;

	/* A handler's notes from within are found by the loop below. */
	if (late_busy)
		return;
	late_busy = 1;
	while (late_next(&copy))
		copy.lt_fn(copy.lt_number, copy.lt_note);
	late_busy = 0;
	errno = saved;
}

void
evany__late_fork_child(void)
{
	int i;

	for (i = 0; i < PLACES; i++)
		atomic_store(&late_pool[i].lt_state, FREE);
}

bool
evany__late_again(evany__late_fn *fn, int number, const void *note,
    size_t bytes)
{
	const struct late *lt, *last = NULL;

	for (lt = late_pool; lt < &late_pool[PLACES]; lt++)
		if (late_mine(lt) && (last == NULL ||
		    (int)(lt->lt_ticket - last->lt_ticket) > 0))
			last = lt;
	return (last != NULL && last->lt_fn == fn &&
	    last->lt_number == number && memcmp(last->lt_note, note,
	    bytes) == 0);
}

bool
evany__late_add(evany__late_fn *fn, int number, const void *notes,
    size_t bytes, int n)
{
	struct late *mine[PLACES];
	unsigned state;
	int i, got = 0;

	for (i = 0; i < PLACES && got < n; i++) {
		state = FREE;
		if (atomic_compare_exchange_strong(&late_pool[i].lt_state,
		    &state, TAKEN))
			mine[got++] = &late_pool[i];
	}
	if (got < n) {
		while (got-- > 0)
			atomic_store(&mine[got]->lt_state, FREE);
		return (false);
	}
	for (i = 0; i < n; i++) {
		mine[i]->lt_ticket = atomic_fetch_add(&late_ticket, 1);
		mine[i]->lt_fn = fn;
		mine[i]->lt_number = number;
		memcpy(mine[i]->lt_note, (const char *)notes + (size_t)i *
		    bytes, bytes);
		atomic_store(&mine[i]->lt_thread, &late_busy);
		atomic_store_explicit(&mine[i]->lt_state, FULL,
		    memory_order_release);
	}
	evany__lock_later(late_make);
	return (true);
}
