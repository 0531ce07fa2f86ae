/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kb_wait: one kevent(2) for a batch, made into records.
 *
 * Joined:  the events of one descriptor become one record.  Where the last
 *          record of some descriptors stands is kept by a part of the cookie;
 *          two that share it make more records than need be.
 * Ends:    EV_EOF does not tell one direction's end from that of both, so what
 *          has ended is asked of poll(2).
 * Wrong:   the call begins with the sentinel, so nothing is taken from a queue
 *          that is not ours.
 */
#include "config.h"

#include "backends/kqueue/be_kqueue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define STACK	64	/* events without asking malloc */
#define PLACES	64U

/* A batch under way. */
struct batch {
	struct be_kqueue	*ba_kb;
	int			 ba_number;
	struct kevent		*ba_ev;
	int			 ba_room;
	struct evany__ready	*ba_rd;
	int			 ba_count;
	uint16_t		 ba_last[PLACES];	/* + 1 */
};

/* What an event of a descriptor tells; 0: nothing. */
static unsigned
fd_bits(const struct kevent *ev, int dir, unsigned mech)
{
	static const unsigned plain[EVANY__W_COUNT] = {
		[EVANY__W_IN] = EVANY__IN,
		[EVANY__W_OUT] = EVANY__OUT,
		[EVANY__W_PRI] = EVANY__PRI
	};
	unsigned bits;

	if ((ev->flags & EV_EOF) == 0 && (mech & KB_ENDS) == 0)
		return (plain[dir]);
	bits = evany__ff_now((int)ev->ident, dir);
	if ((mech & KB_ENDS) != 0)
		return (bits & (EVANY__HUP | EVANY__ERR));
	if ((bits & (EVANY__HUP | EVANY__ERR | EVANY__RDHUP)) == 0)
		bits |= dir == EVANY__W_IN ? EVANY__IN | EVANY__RDHUP :
		    plain[dir];
	return (bits);
}

static int
fd_dir(const struct kevent *ev)
{

	switch (ev->filter) {
	case EVFILT_READ:
		return (EVANY__W_IN);
	case EVFILT_WRITE:
		return (EVANY__W_OUT);
	default:
		return (EVANY__W_PRI);
	}
}

/* Room for the record of a descriptor: the one it has, or a new one. */
static struct evany__ready *
fd_record(struct batch *ba, uint64_t cookie)
{
	const unsigned place = (unsigned)(cookie ^ cookie >> 6) % PLACES;
	struct evany__ready *rd;

	if (ba->ba_last[place] != 0) {
		rd = &ba->ba_rd[ba->ba_last[place] - 1];
		if (KB_CORE(rd->rd_cookie) == cookie)
			return (rd);
	}
	rd = &ba->ba_rd[ba->ba_count++];
	rd->rd_cookie = cookie;
	rd->rd_bits = 0;
	ba->ba_last[place] = (uint16_t)ba->ba_count;
	return (rd);
}

static void
fd_event(struct batch *ba, const struct kevent *ev)
{
	const uint64_t cookie = KB_COOKIE(ev->udata);
	const unsigned mech = EVANY__COOKIE_MECH(cookie);
	const int dir = fd_dir(ev);
	struct evany__ready *rd;
	unsigned bits, d;

	if ((bits = fd_bits(ev, dir, mech)) == 0)
		return;
	rd = fd_record(ba, KB_CORE(cookie));
	bits |= (mech & KB_TOGETHER) != 0 ? EVANY__FOR_ANY : EVANY__FOR(dir);
	if ((mech & (KB_ONCE | KB_ENDS)) != 0) {
		bits |= EVANY__SPENT;
		rd->rd_cookie |= KB_MECH(UINT64_C(0), (mech & KB_TOGETHER) |
		    ((mech & KB_ONCE) != 0 ? KB_DIR(dir) : 0));
	}
	/* The other directions may have found no room, or come later. */
	if (rd->rd_bits == 0 && (mech & KB_DIRS & ~KB_DIR(dir)) != 0)
		for (d = 0; d < EVANY__W_COUNT; d++)
			if ((mech & KB_DIRS & ~KB_DIR(dir) & KB_DIR(d)) != 0)
				bits |= evany__ff_now((int)ev->ident, (int)d);
	rd->rd_bits |= bits;
}

static void
event(struct batch *ba, const struct kevent *ev)
{
	const uint64_t cookie = KB_COOKIE(ev->udata);

	switch (EVANY__COOKIE_KIND(cookie)) {
	case EVANY__CK_FD:
		fd_event(ba, ev);
		return;
	case EVANY__CK_ALARM:
		if (!evany__kb_alarm_due(ba->ba_kb, ba->ba_number,
		    (int)EVANY__COOKIE_INDEX(cookie)))
			return;
		break;
	}
	ba->ba_rd[ba->ba_count].rd_cookie = cookie;
	ba->ba_rd[ba->ba_count++].rd_bits = EVANY__IN;
}

/* One call and what it tells; the count of events, or a negative error. */
static int
once(struct batch *ba, int64_t deadline, int cancel)
{
	const struct timespec *left;
	struct timespec ts;
	struct kevent sentinel;
	int i, n;

	evany__kb_sentinel(ba->ba_kb, &sentinel);
	left = evany__kb_left(deadline, &ts);
	n = evany__kb_wait(ba->ba_number, &sentinel, 1, ba->ba_ev, ba->ba_room,
	    left, deadline == 0 ? PTHREAD_CANCEL_DISABLE : cancel);
	if (n > 0 && (ba->ba_ev[0].flags & EV_ERROR) != 0)
		return (-EBADF);
	memset(ba->ba_last, 0, sizeof(ba->ba_last));
	for (i = 0; i < n; i++)
		event(ba, &ba->ba_ev[i]);
	return (n);
}

/* Until there is a record, or the time has come; heap is freed. */
static int
until(struct batch *ba, int64_t deadline, int cancel, void *heap)
{
	int n;

	pthread_cleanup_push(free, heap);
	do
		n = once(ba, deadline, cancel);
	while (n >= 0 && ba->ba_count == 0 && (deadline == EVANY__FOREVER ||
	    (deadline != 0 && evany__now(EVANY__MONOTONIC) < deadline)));
	pthread_cleanup_pop(1);
	return (n < 0 ? -n : 0);
}

int
evany__be_kqueue_wait(struct evany__inst *inst, int number,
    struct evany__change *ch, int nchanges, struct evany__ready *rd, int room,
    int *countp, int64_t deadline)
{
	struct kevent stack[STACK], *heap = NULL;
	struct batch ba = {
		.ba_kb = evany__inst_state(inst),
		.ba_number = number,
		.ba_rd = rd
	};
	int cancel, done, error, saved;

	*countp = 0;
	if (nchanges > 0) {
		error = evany__be_kqueue_change(inst, number, ch, nchanges,
		    &done);
		if (error != 0 || ch[done - 1].ch_error != 0)
			return (error);
	}
	saved = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (room > STACK)
		heap = malloc((size_t)room * sizeof(*heap));
	ba.ba_ev = heap != NULL ? heap : stack;
	ba.ba_room = heap == NULL && room > STACK ? STACK : room;
	error = until(&ba, deadline, cancel, heap);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	*countp = ba.ba_count;
	return (error);
}
