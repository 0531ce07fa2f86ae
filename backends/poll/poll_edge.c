/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * poll_edge: edges, which poll(2) does not have.
 *
 * An edge that was reported is parked while poll(2) goes on calling it ready,
 * with a mark of what it looked like: events, and bytes to read, connections
 * or room.  It is compared with the mark at the start of each wait, and by the
 * background thread after a growing time.
 *	not ready any more		armed; the next readiness is an edge
 *	other events, bytes or room	reported
 *	the same			nothing seems to have happened
 * The last may be wrong: a program can have read five bytes, and five others
 * have come, before anybody looked.  A stream socket's first bytes belong to
 * the mark, since a full buffer that was emptied and filled again is common
 * there.  What still stays the same is reported again in doubt, first after
 * DOUBT_FIRST, then after twice the time, up to DOUBT_MOST.  An edge may thus
 * come more often than it should, or late by as much; it is never lost.
 *
 * State:   struct poll_edge of an entry, made when an edge is first wanted.
 * Locks:   bp_lock (4) is held in all functions.
 */
#include "config.h"

#include "backends/poll/be_poll.h"

#include <sys/socket.h>

#include <errno.h>

#include "backends/rawcall.h"

#define LOOK_FIRST	INT64_C(2000000)
#define LOOK_MOST	INT64_C(1024000000)
#define DOUBT_FIRST	INT64_C(250000000)
#define DOUBT_MOST	INT64_C(1000000000)

#define ASKS		32	/* about room, by one wait */
#define SHUT		(INT64_C(1) << 40)	/* more than any room */

#ifdef POLLRDHUP
#define EV_READ_END	POLLRDHUP
#else
#define EV_READ_END	0
#endif

/* What poll(2) is asked for a direction. */
short
evany__pg_events(unsigned dir)
{
	/* poll(2) ignores the last, but for macOS, which needs it. */
	static const short events[POLL_DIRS] = {
		[EVANY__W_IN] = POLLIN | EV_READ_END,
		[EVANY__W_OUT] = POLLOUT,
		[EVANY__W_PRI] = POLLPRI,
		[POLL_ENDS] = POLLHUP | POLLERR
	};

	return (events[dir]);
}

static short
edge_events(const struct poll_entry *pe, unsigned dir)
{
	return ((short)(pe->pe_now &
	    (evany__pg_events(dir) | POLLHUP | POLLERR)));
}

/* All that waits in a datagram socket; FIONREAD tells the first only. */
static int64_t
edge_memory(int fd)
{
#ifdef SO_MEMINFO
	uint32_t memory[16] = { 0 };
	socklen_t len = sizeof(memory);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &len) == 0)
		return (memory[0]);
#else
	(void)fd;
#endif
	return (0);
}

/* The first bytes that wait in a stream socket, as a number. */
static uint32_t
edge_first(int fd)
{
	unsigned char buf[64];
	uint32_t sum = 0;
	ssize_t i, n;

	n = evany__recv(fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	for (i = 0; i < n; i++)
		sum = sum * 31 + buf[i];
	return (sum);
}

/* A number that changes when something happens, as far as we can see. */
static int64_t
edge_count(struct poll_entry *pe, unsigned dir)
{
	int fd = pe->pe_watch.bw_fd;
	int64_t n;

	if (pe->pe_kind == EVANY__K_UNKNOWN)
		pe->pe_kind = (uint8_t)evany__ff_kind(fd);
	n = 0;
	switch (dir) {
	case EVANY__W_IN:
		if (pe->pe_kind == EVANY__K_COUNTER)
			return (evany__ff_counter(fd));
		if (evany__ff_inbytes(fd, &n) != 0 &&
		    (pe->pe_kind != EVANY__K_STREAM ||
		    evany__ff_backlog(fd, &n) != 0))
			n = 0;
		if (pe->pe_kind == EVANY__K_DGRAM)
			n += edge_memory(fd) << 24;
		else if (pe->pe_kind == EVANY__K_STREAM && n > 0 &&
		    (pe->pe_now & POLLIN) != 0)
			n += (int64_t)edge_first(fd) << 31;
		break;
	case EVANY__W_OUT:
		if (evany__ff_space(fd, (enum evany__fdkind)pe->pe_kind,
		    &n) != 0)
			n = 0;
		/* poll(2) does not tell this. */
		if (pe->pe_kind == EVANY__K_STREAM && evany__ff_shut_wr(fd))
			n += SHUT;
		break;
	default:
		break;
	}
	return (n);
}

/* The direction was just reported, by what pe_now holds. */
void
evany__pg_park(struct poll_entry *pe, unsigned dir)
{
	struct poll_edge *eg = pe->pe_edge;
	struct poll_mark *mk = &eg->eg_mark[dir];
	int64_t now;

	now = evany__now(EVANY__MONOTONIC);
	mk->mk_events = edge_events(pe, dir);
	mk->mk_count = edge_count(pe, dir);
	if (mk->mk_pause == 0)
		mk->mk_pause = DOUBT_FIRST;
	mk->mk_again = now + mk->mk_pause;
	eg->eg_step = LOOK_FIRST;
	eg->eg_next = now + LOOK_FIRST;
	if (eg->eg_next < pe->pe_inst->bp_look)
		pe->pe_inst->bp_look = eg->eg_next;
	pe->pe_state[dir] = POLL_PARKED;
}

/* It is not ready any more, or begins anew. */
void
evany__pg_unpark(struct poll_entry *pe, unsigned dir)
{
	pe->pe_edge->eg_mark[dir].mk_pause = 0;
}

/*
 * Is there anything to report about a parked direction, ready by pe_now?
 * Asking about room takes several calls, and idle connections have room all
 * the time, so a wait asks about a few only; the others wait until the
 * thread's look is due.
 */
bool
evany__pg_moved(struct poll_entry *pe, unsigned dir, int64_t now)
{
	struct poll_edge *eg = pe->pe_edge;
	struct poll_mark *mk = &eg->eg_mark[dir];
	int64_t count;

	if (edge_events(pe, dir) != mk->mk_events) {
		mk->mk_pause = 0;
		return (true);
	}
	if (dir != EVANY__W_OUT || now >= eg->eg_next ||
	    pe->pe_inst->bp_asks > 0) {
		if (dir == EVANY__W_OUT && pe->pe_inst->bp_asks > 0)
			pe->pe_inst->bp_asks--;
		count = edge_count(pe, dir);
		if (count != mk->mk_count) {
			mk->mk_pause = 0;
			return (true);
		}
	}
	if (now < mk->mk_again)
		return (false);
	mk->mk_pause *= 2;
	if (mk->mk_pause > DOUBT_MOST)
		mk->mk_pause = DOUBT_MOST;
	return (true);
}

/* Keeps the list of those parked right. */
void
evany__pg_list(struct poll_entry *pe)
{
	struct poll_edge *eg = pe->pe_edge;
	bool parked;
	unsigned d;

	if (eg == NULL)
		return;
	parked = false;
	for (d = 0; d < EVANY__W_COUNT; d++)
		if (pe->pe_state[d] == POLL_PARKED)
			parked = true;
	if (parked == eg->eg_listed)
		return;
	if (parked)
		LIST_INSERT_HEAD(&pe->pe_inst->bp_parked, eg, eg_link);
	else
		LIST_REMOVE(eg, eg_link);
	eg->eg_listed = parked;
}

void
evany__pg_begin(struct be_poll *bp)
{
	bp->bp_asks = ASKS;
}

/* The thread's look at those whose time has come; sets bp_look. */
void
evany__pg_tick(struct be_poll *bp, int64_t now)
{
	struct poll_edge *eg, *next;

	for (eg = LIST_FIRST(&bp->bp_parked); eg != NULL; eg = next) {
		next = LIST_NEXT(eg, eg_link);
		if (eg->eg_next > now)
			continue;
		/* May drop the entry, but no other. */
		evany__pe_look(eg->eg_entry);
	}
	bp->bp_look = EVANY__FOREVER;
	LIST_FOREACH(eg, &bp->bp_parked, eg_link) {
		if (eg->eg_next <= now) {
			if (eg->eg_step < LOOK_MOST)
				eg->eg_step *= 2;
			eg->eg_next = now + eg->eg_step;
		}
		if (eg->eg_next < bp->bp_look)
			bp->bp_look = eg->eg_next;
	}
}

bool
evany__pg_ended(struct poll_entry *pe)
{
#ifdef POLLRDHUP
	(void)pe;
	return (false);
#else
	int fd = pe->pe_watch.bw_fd;
	int64_t n;
	socklen_t len;
	int type;
	char c;

	if ((pe->pe_now & POLLIN) == 0 || (pe->pe_now & POLLERR) != 0)
		return (false);
	len = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    type != SOCK_STREAM)
		return (false);
	/* Bytes hide the end; it is seen when they have been read. */
	if (evany__ff_inbytes(fd, &n) != 0 || n != 0)
		return (false);
	return (evany__recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
#endif
}
