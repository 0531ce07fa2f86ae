/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_epoll_wait: the wait for an instance, and the kernel's call under it, which
 * dozes share.
 *
 * Bits:    an item's cookie tells which directions it is for and whether the
 *          report silenced it.
 * Side:    its items come after those of the main one.
 * Cancel:  the raw calls are made cancellation points for their length.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "backends/barecall.h"
#include "backends/rawcall.h"
#include "be_epoll.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

#define SIDE_BATCH	64

static atomic_bool no_pwait2;

/*
 * The plain call where there is one: it is the faster by a tenth.  mask: as
 * ppoll(2), but NULL for the one there is.
 */
static inline __attribute__((__always_inline__)) long
ep_wait_ms(int number, struct epoll_event *ev, int room, int ms,
    const sigset_t *mask)
{
	long n;

#ifdef SYS_epoll_wait
	if (!RAW_TSAN || mask == NULL)
		return (evany__barecall(SYS_epoll_wait, number, (long)ev, room,
		    ms));
#endif
	QUIETLY(n = syscall(SYS_epoll_pwait, number, ev, room, ms, mask,
	    (size_t)(_NSIG / 8));
	    n = n == -1 ? -errno : n);
	return (n);
}

static long
ep_wait_until(int number, struct epoll_event *ev, int room, int64_t deadline,
    const sigset_t *mask)
{
	struct timespec ts;
	int64_t left;
	long n;

	if (deadline == EVANY__FOREVER)
		return (ep_wait_ms(number, ev, room, -1, mask));
	left = deadline - evany__now(EVANY__MONOTONIC);
	if (left <= 0)
		return (ep_wait_ms(number, ev, room, 0, NULL));
	if (!atomic_load_explicit(&no_pwait2, memory_order_relaxed)) {
		ts.tv_sec = (time_t)(left / 1000000000);
		ts.tv_nsec = (long)(left % 1000000000);
		QUIETLY(n = syscall(SYS_epoll_pwait2, number, ev, room, &ts,
		    mask, (size_t)(_NSIG / 8));
		    n = n == -1 ? -errno : n);
		if (n != -ENOSYS)
			return (n);
		/* Linux before 5.11. */
		atomic_store_explicit(&no_pwait2, true, memory_order_relaxed);
	}
	left = (left + 999999) / 1000000;
	return (ep_wait_ms(number, ev, room, left > INT32_MAX ? INT32_MAX :
	    (int)left, mask));
}

/*
 * The raw call is no cancellation point, so it is made one for its length.  A
 * longjmp(3) may have left an earlier one, so what the type was before is not
 * to be trusted; with the other one no function may be called but this.
 */
long
evany__ep_wait(int number, struct epoll_event *ev, int room, int64_t deadline)
{
	const sigset_t *mask;
	sigset_t was;
	int unused;
	long n;

	if (deadline == 0 || evany__alone())
		return (ep_wait_until(number, ev, room, deadline, NULL));
	mask = evany__sleep_begin(&was);
	(void)pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &unused);
	n = ep_wait_until(number, ev, room, deadline, mask);
	(void)pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &unused);
	evany__sleep_end(mask);
	return (n);
}

static EVANY__HOT uint32_t
ep_bits(uint32_t events, uint64_t cookie)
{
	/* A hang-up is everybody's, but each has an item that tells. */
	uint32_t bits = EVANY__FOR(0) * EP_DIRS(EVANY__COOKIE_MECH(cookie));

	if (bits == 0 && EVANY__COOKIE_KIND(cookie) == EVANY__CK_FD)
		return (EVANY__SPENT);	/* through an item that is silenced */
	if ((events & EPOLLIN) != 0)
		bits |= EVANY__IN;
	if ((events & EPOLLOUT) != 0)
		bits |= EVANY__OUT;
	if ((events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		bits |= ((events & EPOLLPRI) != 0 ? EVANY__PRI : 0) |
		    ((events & EPOLLRDHUP) != 0 ? EVANY__RDHUP : 0) |
		    ((events & EPOLLHUP) != 0 ? EVANY__HUP : 0) |
		    ((events & EPOLLERR) != 0 ? EVANY__ERR : 0);
	if ((EVANY__COOKIE_MECH(cookie) & EP_ONESHOT) != 0)
		bits |= EVANY__SPENT;
	return (bits);
}

/* Items of the side epoll, after those of the main one. */
static EVANY__RARE int
ep_wait_side(struct be_epoll *ep, struct evany__ready *rd, int room)
{
	struct epoll_event ev[SIDE_BATCH];
	int i;
	long n;

	n = ep_wait_ms(atomic_load(&ep->ep_side), ev, room < SIDE_BATCH ?
	    room : SIDE_BATCH, 0, NULL);
	for (i = 0; i < n; i++) {
		rd[i].rd_cookie = ev[i].data.u64;
		rd[i].rd_bits = ep_bits(ev[i].events, ev[i].data.u64);
	}
	return (n > 0 ? (int)n : 0);
}

/*
 * The records' own memory serves as the kernel's array: it lies at the end
 * of it, and the conversion runs forward without catching up with it.
 */
EVANY__HOT int
evany__be_epoll_wait(struct evany__inst *inst, int number, struct evany__change *ch,
    int nchanges, struct evany__ready *rd, int room, int *countp,
    int64_t deadline)
{
	struct epoll_event ev, *raw;
	int count = 0, done, error;
	bool side = false;
	long i, n;

	_Static_assert(sizeof(struct epoll_event) <=
	    sizeof(struct evany__ready), "records hold the kernel's array");
	*countp = 0;
	if (nchanges > 0) {
		error = evany__be_epoll_change(inst, number, ch, nchanges, &done);
		if (error != 0 || done < nchanges ||
		    ch[nchanges - 1].ch_error != 0)
			return (error);
	}
	raw = (struct epoll_event *)(void *)((char *)(rd + room) -
	    (size_t)room * sizeof(*raw));
	/* Nothing between the call and here: an idle call is little more. */
	if (deadline == 0)
		n = ep_wait_ms(number, raw, room, 0, NULL);
	else if (deadline == EVANY__FOREVER && evany__alone())
		n = ep_wait_ms(number, raw, room, -1, NULL);
	else
		n = evany__ep_wait(number, raw, room, deadline);
	if (n < 0)
		return ((int)-n);
	for (i = 0; i < n; i++) {
		memcpy(&ev, &raw[i], sizeof(ev));
		if (EVANY__SELDOM(EVANY__COOKIE_KIND(ev.data.u64) == 0)) {
			side = true;
			continue;
		}
		rd[count].rd_cookie = ev.data.u64;
		rd[count].rd_bits = ep_bits(ev.events, ev.data.u64);
		count++;
	}
	if (side)
		count += ep_wait_side(evany__inst_state(inst), rd + count,
		    room - count);
	*countp = count;
	return (0);
}
