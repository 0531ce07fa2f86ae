/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * lock: the one kind of lock that instances use.
 *
 * A pthread mutex with its owner noted beside it.  The owner is compared only
 * by the thread that may be the owner, which sees its own store, so a relaxed
 * atomic is enough.  A shared lock is process-shared and robust: it may lie in
 * memory that a fork shares, and when its holder dies the next one is told.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>

#include "backends/emulation/core/core.h"

int
evany__lock_init(struct evany__lock *lk, bool shared)
{
	pthread_mutexattr_t attr;
	int error;

	atomic_init(&lk->lk_owner, 0);
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
	int error;

	error = pthread_mutex_lock(&lk->lk_mutex);
#ifdef HAVE_PTHREAD_MUTEXATTR_SETROBUST
	if (error == EOWNERDEAD)
		(void)pthread_mutex_consistent(&lk->lk_mutex);
#endif
	atomic_store_explicit(&lk->lk_owner, (uintptr_t)pthread_self(),
	    memory_order_relaxed);
	return (error);
}

void
evany__lock_leave(struct evany__lock *lk)
{
	atomic_store_explicit(&lk->lk_owner, 0, memory_order_relaxed);
	(void)pthread_mutex_unlock(&lk->lk_mutex);
}

bool
evany__lock_mine(struct evany__lock *lk)
{
	return (atomic_load_explicit(&lk->lk_owner, memory_order_relaxed) ==
	    (uintptr_t)pthread_self());
}
