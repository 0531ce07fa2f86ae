/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * lock: the one kind of lock that instances use.
 *
 * A pthread mutex, and for each thread which one it holds, so that a signal
 * handler can tell whether it interrupted a holder.  The note is made before
 * the mutex is taken and kept until it is given back, since a handler may run
 * at any instruction between.  A handler that interrupted a holder and locks
 * another instance puts the note back when it leaves.
 *
 * A shared lock is process-shared and robust: it may lie in memory that a fork
 * shares, and when its holder dies the next one is told.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>

#include "backends/emulation/core/core.h"

static _Thread_local struct evany__lock *lock_mine
    __attribute__((__tls_model__("initial-exec")));

bool
evany__lock_held(void)
{
	return (lock_mine != NULL);
}

bool
evany__lock_mine(struct evany__lock *lk)
{
	return (lock_mine == lk);
}

int
evany__lock_init(struct evany__lock *lk, bool shared)
{
	pthread_mutexattr_t attr;
	int error;

	lk->lk_below = NULL;
	if (!shared)
		return (pthread_mutex_init(&lk->lk_mutex, NULL));
#ifdef HAVE_PTHREAD_MUTEXATTR_SETROBUST
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
	(void)attr;
	(void)error;
	return (ENOTSUP);
#endif
}

void
evany__lock_fini(struct evany__lock *lk)
{
	(void)pthread_mutex_destroy(&lk->lk_mutex);
}

int
evany__lock_enter(struct evany__lock *lk)
{
	struct evany__lock *below = lock_mine;
	int error;

	lock_mine = lk;
	atomic_signal_fence(memory_order_seq_cst);
	error = pthread_mutex_lock(&lk->lk_mutex);
#ifdef HAVE_PTHREAD_MUTEXATTR_SETROBUST
	if (error == EOWNERDEAD)
		(void)pthread_mutex_consistent(&lk->lk_mutex);
#endif
	lk->lk_below = below;
	return (error);
}

void
evany__lock_leave(struct evany__lock *lk)
{
	struct evany__lock *below = lk->lk_below;

	(void)pthread_mutex_unlock(&lk->lk_mutex);
	atomic_signal_fence(memory_order_seq_cst);
	lock_mine = below;
}
