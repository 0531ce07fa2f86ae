/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kq_late: triggers from a signal handler that interrupted the lock's holder.
 *
 * On a BSD kevent is a system call and safe in a handler.  Here the handler
 * may have interrupted a call on the same queue in its own thread; then user
 * triggers are noted in a small array without a lock, and the interrupted call
 * takes them in before it unlocks.  Only one thread can hold the lock, so only
 * handlers nested in that thread write here; the atomics order the stores.
 */
#include "config.h"

#include "backends/emulation/kqueue/knote.h"

/* True if all n changes are triggers and found room. */
bool
evany__kqueue_late_put(struct kqueue *kq, const struct kevent *kev, int n)
{
	struct kq_late *kl = kq->kq_late;
	unsigned first;
	int i;

	for (i = 0; i < n; i++)
		if (kev[i].filter != EVFILT_USER ||
		    (kev[i].fflags & NOTE_TRIGGER) == 0 ||
		    (kev[i].flags & (EV_ADD | EV_DELETE | EV_RECEIPT)) != 0)
			return (false);
	first = atomic_fetch_add(&kl->kl_taken, (unsigned)n);
	if (first + (unsigned)n > KQ_LATE) {
		atomic_fetch_sub(&kl->kl_taken, (unsigned)n);
		return (false);
	}
	for (i = 0; i < n; i++) {
		kl->kl_kev[first + (unsigned)i] = kev[i];
		atomic_store_explicit(&kl->kl_state[first + (unsigned)i], 1,
		    memory_order_release);
	}
	return (true);
}

/* Lock held, about to be released. */
void
evany__kqueue_late_take(struct kqueue *kq)
{
	struct kq_late *kl = kq->kq_late;
	struct kevent kev;
	unsigned i, n;
	bool attaching;

	while ((n = atomic_load_explicit(&kl->kl_taken,
	    memory_order_acquire)) > 0) {
		for (i = 0; i < n; i++) {
			if (atomic_exchange(&kl->kl_state[i], 0) == 0)
				continue;
			kev = kl->kl_kev[i];
			(void)evany__kqueue_change(kq, &kev, &attaching);
		}
		/* A handler may have added more meanwhile. */
		(void)atomic_compare_exchange_strong(&kl->kl_taken, &n, 0);
	}
}
