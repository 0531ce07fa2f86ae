/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * lock: the one kind of lock that instances use.
 *
 * A pthread mutex, and for each thread how many locks of the library it holds,
 * so that a signal handler can tell whether it interrupted a holder.  The
 * count goes up before the mutex is taken and down after it was given back,
 * since a handler may run at any instruction between; one that waits for a lock
 * counts as a holder.  A handler that finds the count above zero must not lock
 * anything.  It leaves a function to be called when the count is zero again.
 *
 * A shared lock is process-shared and robust: it may lie in memory that a fork
 * shares, and when its holder dies the next one is told.  Where the system has
 * no such mutexes it is a word with the holder's pid; who finds it taken looks
 * again after a pause, and whether that process is there.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "backends/emulation/core/core.h"

_Thread_local unsigned evany__lock_depth EVANY__TLS;
_Thread_local void (*evany__lock_after)(void) EVANY__TLS;

void
evany__lock_later(void (*fn)(void))
{

	evany__lock_after = fn;
}

void
evany__lock_mark(void)
{
	evany__lock_up();
}

void
evany__lock_unmark(void)
{
	evany__lock_down();
}

/* A lock was given back: the last one? */
void
evany__lock_done(void)
{
	void (*fn)(void);

	if (evany__lock_depth == 0 && (fn = evany__lock_after) != NULL) {
		evany__lock_after = NULL;
		fn();
	}
}

int
evany__lock_init(struct evany__lock *lk, bool shared)
{
#ifdef HAVE_PTHREAD_MUTEXATTR_SETROBUST
	pthread_mutexattr_t attr;
	int error;

	lk->lk_lone = lk->lk_plain = false;
	if (!shared)
		return (pthread_mutex_init(&lk->lk_mutex, NULL));
	if ((error = pthread_mutexattr_init(&attr)) != 0)
		return (error);
	error = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (error == 0)
		error = pthread_mutexattr_setrobust(&attr,
		    PTHREAD_MUTEX_ROBUST);
	if (error == 0)
		error = pthread_mutex_init(&lk->lk_mutex, &attr);
	(void)pthread_mutexattr_destroy(&attr);
	return (error);
#else
	lk->lk_lone = lk->lk_plain = false;
	lk->lk_shared = shared;
	return (pthread_mutex_init(&lk->lk_mutex, NULL));
#endif
}

void
evany__lock_fini(struct evany__lock *lk)
{
	(void)pthread_mutex_destroy(&lk->lk_mutex);
}

#ifdef HAVE_PTHREAD_MUTEXATTR_SETROBUST
int
evany__lock_mutex(struct evany__lock *lk)
{
	int error;

	error = pthread_mutex_lock(&lk->lk_mutex);
	if (error == EOWNERDEAD)
		(void)pthread_mutex_consistent(&lk->lk_mutex);
	return (error);
}
#else
#define PAUSE_FIRST	10000L		/* nanoseconds */
#define PAUSE_MOST	1000000L

/* Our own pid is one that a dead holder had before us. */
static int
holder_lock(struct evany__lock *lk)
{
	struct timespec pause = { 0, PAUSE_FIRST };
	int cancel, error, holder, me = (int)getpid(), saved = errno;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	for (;;) {
		holder = error = 0;
		if (atomic_compare_exchange_strong(&lk->lk_holder, &holder,
		    me))
			break;
		error = EOWNERDEAD;
		if ((holder == me || !evany__alive(holder)) &&
		    atomic_compare_exchange_strong(&lk->lk_holder, &holder,
		    me))
			break;
		(void)nanosleep(&pause, NULL);
		if (pause.tv_nsec < PAUSE_MOST)
			pause.tv_nsec *= 2;
	}
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (error);
}

int
evany__lock_mutex(struct evany__lock *lk)
{
	return (lk->lk_shared ? holder_lock(lk) :
	    pthread_mutex_lock(&lk->lk_mutex));
}
#endif

void
evany__lock_mutex_leave(struct evany__lock *lk)
{

#ifndef HAVE_PTHREAD_MUTEXATTR_SETROBUST
	if (lk->lk_shared)
		atomic_store(&lk->lk_holder, 0);
	else
#endif
		(void)pthread_mutex_unlock(&lk->lk_mutex);
	evany__lock_down();
}
