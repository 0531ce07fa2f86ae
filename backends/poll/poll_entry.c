/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * poll_entry: one registration, and what becomes of each of its directions.
 *
 *	QUIET ---want---> ARMED ---ready---> READY ---report---> READY (level)
 *	                    ^                  |                 QUIET (once)
 *	                    |---- not ready ---|                 PARKED (edge)
 *	                    |---- not ready ------------------------|
 *	                                     READY <--- moved ------|
 *
 * State:   an entry per number and kind (the program's or a feeder), found by
 *          number; an array for poll(2) of all that is not quiet, here or in
 *          the thread.
 * Life:    an entry that the background thread knows is freed by the thread.
 * Race:    a number may be closed or reused at any moment.  Closed, poll(2)
 *          says POLLNVAL; reused, device and inode differ when it is about to
 *          be reported.  Both end the entry silently.
 * Locks:   bp_lock (4) is held in all functions.
 */
#include "config.h"

#include "backends/poll/be_poll.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM	16U

static void	pe_poll_hit(struct evany__bg_watch *, short);
static void	pe_free(struct evany__bg_watch *);

/* ---- identity --------------------------------------------------------------- */

/* The two ends of a pipe have one inode; 0 for what has no such ends. */
static int
pe_end(int fd, const struct stat *st)
{
	return (S_ISFIFO(st->st_mode) ? 1 + (fcntl(fd, F_GETFL) & O_ACCMODE) :
	    0);
}

void
evany__pe_identity(int fd, const struct stat *st, uint8_t id[EVANY__FD_PRIV])
{
	const uint64_t parts[] = { (uint64_t)st->st_dev,
	    (uint64_t)st->st_ino, (uint64_t)pe_end(fd, st) };
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		hash = (hash ^ parts[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	memcpy(id, &hash, sizeof(hash));
	id[0] |= 1;
}

bool
evany__pe_is(const struct poll_entry *pe, const struct stat *st)
{
	return (st->st_dev == pe->pe_dev && st->st_ino == pe->pe_ino &&
	    pe_end(pe->pe_watch.bw_fd, st) == pe->pe_end);
}

static bool
pe_same(const struct poll_entry *pe)
{
	struct stat st;

	return (evany__number_stat(pe->pe_watch.bw_fd, &st) == 0 &&
	    evany__pe_is(pe, &st));
}

/* ---- table ------------------------------------------------------------------ */

static bool
is_feeder(const struct poll_entry *pe)
{
	return (EVANY__COOKIE_KIND(pe->pe_cookie) == EVANY__CK_FEEDER);
}

struct poll_entry *
evany__pe_find(struct be_poll *bp, int fd, bool feeder)
{
	struct poll_entry *pe;

	if (fd < 0 || (unsigned)fd >= bp->bp_ntable)
		return (NULL);
	for (pe = bp->bp_table[fd]; pe != NULL; pe = pe->pe_next)
		if (is_feeder(pe) == feeder)
			return (pe);
	return (NULL);
}

static int
table_grow(struct be_poll *bp, int fd)
{
	struct poll_entry **table;
	unsigned n;

	if ((unsigned)fd < bp->bp_ntable)
		return (0);
	n = (unsigned)fd + 1;
	n += n / 2 + FIRST_ROOM;
	table = realloc(bp->bp_table, n * sizeof(*table));
	if (table == NULL)
		return (ENOMEM);
	memset(&table[bp->bp_ntable], 0,
	    (n - bp->bp_ntable) * sizeof(*table));
	bp->bp_table = table;
	bp->bp_ntable = n;
	return (0);
}

/* Room in the arrays for every entry. */
static int
arrays_grow(struct be_poll *bp)
{
	struct poll_entry **entries;
	struct pollfd *fds;
	unsigned n;

	if (bp->bp_count < bp->bp_room)
		return (0);
	n = bp->bp_room == 0 ? FIRST_ROOM : 2 * bp->bp_room;
	fds = realloc(bp->bp_fds, n * sizeof(*fds));
	if (fds == NULL)
		return (ENOMEM);
	bp->bp_fds = fds;
	entries = realloc(bp->bp_entries, n * sizeof(*entries));
	if (entries == NULL)
		return (ENOMEM);
	bp->bp_entries = entries;
	bp->bp_room = n;
	return (0);
}

int
evany__pe_add(struct be_poll *bp, int fd, const struct stat *st,
    uint64_t cookie, bool nested, struct poll_entry **pep)
{
	struct poll_entry *pe;
	int error;

	if ((error = table_grow(bp, fd)) != 0 ||
	    (error = arrays_grow(bp)) != 0)
		return (error);
	if ((pe = calloc(1, sizeof(*pe))) == NULL)
		return (ENOMEM);
	pe->pe_watch.bw_fn = pe_poll_hit;
	pe->pe_watch.bw_free = pe_free;
	pe->pe_watch.bw_fd = fd;
	pe->pe_inst = bp;
	pe->pe_cookie = cookie;
	pe->pe_dev = st->st_dev;
	pe->pe_ino = st->st_ino;
	pe->pe_end = (uint8_t)pe_end(fd, st);
	pe->pe_nested = nested;
	pe->pe_next = bp->bp_table[fd];
	bp->bp_table[fd] = pe;
	bp->bp_count++;
	if (nested)
		LIST_INSERT_HEAD(&bp->bp_nests, pe, pe_nest);
	*pep = pe;
	return (0);
}

/* From the thread, or from whoever drops an entry that it never knew. */
static void
pe_free(struct evany__bg_watch *bw)
{
	struct poll_entry *pe;

	pe = (struct poll_entry *)(void *)((char *)bw -
	    offsetof(struct poll_entry, pe_watch));
	free(pe->pe_edge);
	free(pe);
}

/* ---- queue and arrays ---------------------------------------------------------- */

/*
 * One that only the thread still waits for is kept for evany__pe_closed; what
 * the port waits for ends with its number.
 */
static void
place_set(struct poll_entry *pe, short events)
{
	struct be_poll *bp = pe->pe_inst;
	unsigned i, last;

	if (events != 0 || (pe->pe_armed != 0 && !pe->pe_ported)) {
		if (pe->pe_place == 0) {
			bp->bp_entries[bp->bp_used] = pe;
			bp->bp_fds[bp->bp_used].revents = 0;
			pe->pe_place = ++bp->bp_used;
		}
		i = pe->pe_place - 1;
		bp->bp_fds[i].fd = events != 0 ? pe->pe_watch.bw_fd : -1;
		bp->bp_fds[i].events = events;
	} else if (pe->pe_place != 0) {
		i = pe->pe_place - 1;
		last = --bp->bp_used;
		bp->bp_fds[i] = bp->bp_fds[last];
		bp->bp_entries[i] = bp->bp_entries[last];
		bp->bp_entries[i]->pe_place = i + 1;
		pe->pe_place = 0;
	}
}

static void
queue_set(struct poll_entry *pe, bool ready)
{
	struct be_poll *bp = pe->pe_inst;

	if (ready == pe->pe_queued)
		return;
	if (ready) {
		TAILQ_INSERT_TAIL(&bp->bp_ready, pe, pe_link);
		bp->bp_nready++;
	} else {
		TAILQ_REMOVE(&bp->bp_ready, pe, pe_link);
		bp->bp_nready--;
	}
	pe->pe_queued = ready;
}

static short
pe_events(const struct poll_entry *pe)
{
	short events;
	unsigned d;

	events = 0;
	for (d = 0; d < POLL_DIRS; d++)
		if (pe->pe_state[d] != POLL_QUIET)
			events = (short)(events | evany__pg_events(d));
	return (events);
}

/*
 * Waits for these events in the port, or else in the thread.  If it cannot be
 * the entry counts as not armed, and is looked at by every wait.
 */
static void
pe_arm(struct poll_entry *pe, short armed)
{
	pe->pe_armed = armed;
	if (pe->pe_ported && evany__pp_arm(pe, armed))
		return;
	pe->pe_ported = false;
	if (!pe->pe_known && evany__bg_watch_init(&pe->pe_watch) != 0) {
		pe->pe_armed = 0;
		return;
	}
	pe->pe_known = true;
	evany__bg_watch_set(&pe->pe_watch, armed);
}

/*
 * Makes everything else agree with the states.  What the thread waits for
 * needlessly is left to it unless exact: it gets a report at once and then
 * knows.
 */
static void
pe_update(struct poll_entry *pe, bool exact)
{
	short armed;
	bool parked, ready;
	unsigned d;

	armed = 0;
	parked = ready = false;
	for (d = 0; d < POLL_DIRS; d++) {
		if (pe->pe_state[d] == POLL_ARMED)
			armed = (short)(armed | evany__pg_events(d));
		if (pe->pe_state[d] == POLL_READY)
			ready = true;
		if (pe->pe_state[d] == POLL_PARKED)
			parked = true;
	}
	queue_set(pe, ready);
	evany__pg_list(pe);
	/* The port may have lost it by a close, and the same file come back. */
	if ((armed & ~pe->pe_armed) != 0 || (exact &&
	    (armed != pe->pe_armed || (pe->pe_ported && armed != 0))))
		pe_arm(pe, armed);
	/* What the port waits for is not to be looked at. */
	place_set(pe, pe->pe_ported && !ready && !parked ? 0 : pe_events(pe));
}

void
evany__pe_drop(struct poll_entry *pe)
{
	struct be_poll *bp = pe->pe_inst;
	struct poll_entry **pep;

	memset(pe->pe_state, POLL_QUIET, sizeof(pe->pe_state));
	if (pe->pe_ported && pe->pe_armed != 0)
		(void)evany__pp_arm(pe, 0);
	pe->pe_armed = 0;
	queue_set(pe, false);
	place_set(pe, 0);
	evany__pg_list(pe);
	if (pe->pe_nested)
		LIST_REMOVE(pe, pe_nest);
	for (pep = &bp->bp_table[pe->pe_watch.bw_fd]; *pep != pe;
	    pep = &(*pep)->pe_next)
		continue;
	*pep = pe->pe_next;
	bp->bp_count--;
	pe->pe_dead = true;
	if (pe->pe_known)
		evany__bg_watch_end(&pe->pe_watch);
	else
		pe_free(&pe->pe_watch);
}

/* ---- readiness -------------------------------------------------------------------- */

static void
pe_ready(struct poll_entry *pe, unsigned dir)
{
	pe->pe_state[dir] = POLL_READY;
	evany__bp_news(pe->pe_inst);
}

/* Moves the directions on by what pe_now says of all of them. */
static void
pe_note(struct poll_entry *pe)
{
	int64_t now;
	unsigned d;
	bool ready;

	for (d = 0; d < POLL_DIRS; d++) {
		ready = (pe->pe_now &
		    (evany__pg_events(d) | POLLHUP | POLLERR)) != 0;
		switch (pe->pe_state[d]) {
		case POLL_ARMED:
			if (ready)
				pe_ready(pe, d);
			break;
		case POLL_READY:
			if (!ready)
				pe->pe_state[d] = POLL_ARMED;
			break;
		case POLL_PARKED:
			now = evany__now(EVANY__MONOTONIC);
			if (!ready) {
				evany__pg_unpark(pe, d);
				pe->pe_state[d] = POLL_ARMED;
			} else if (evany__pg_moved(pe, d, now))
				pe_ready(pe, d);
			break;
		default:
			break;
		}
	}
}

/* False: it was closed, and is dropped. */
static bool
pe_look(struct poll_entry *pe, bool exact)
{
	struct pollfd pfd;

	pfd.fd = pe->pe_watch.bw_fd;
	pfd.events = pe_events(pe);
	pfd.revents = 0;
	if (pfd.events != 0)
		evany__poll_now(&pfd, 1);
	if ((pfd.revents & POLLNVAL) != 0) {
		evany__pe_drop(pe);
		return (false);
	}
	pe->pe_now = pfd.revents;
	pe_note(pe);
	pe_update(pe, exact);
	return (true);
}

void
evany__pe_look(struct poll_entry *pe)
{
	(void)pe_look(pe, false);
}

/*
 * Ends what the thread waits for though the number was closed or is another
 * file's by now.  Looks at *leftp places at most, and goes on from there the
 * next time.
 */
bool
evany__pe_closed(struct be_poll *bp, unsigned *leftp)
{
	struct poll_entry *pe;
	unsigned n;
	bool found;

	found = false;
	n = bp->bp_used < *leftp ? bp->bp_used : *leftp;
	*leftp -= n;
	for (; n > 0; n--) {
		if (bp->bp_check >= bp->bp_used)
			bp->bp_check = 0;
		pe = bp->bp_entries[bp->bp_check];
		if (pe->pe_armed != 0 && !pe_same(pe)) {
			found = true;
			evany__pe_drop(pe);
		} else
			bp->bp_check++;
	}
	return (found);
}

void
evany__pe_scan(struct be_poll *bp)
{
	struct poll_entry *pe;
	unsigned i;

	evany__pg_begin(bp);
	evany__pp_harvest(bp);
	evany__poll_now(bp->bp_fds, bp->bp_used);
	for (i = 0; i < bp->bp_used;) {
		pe = bp->bp_entries[i];
		pe->pe_now = bp->bp_fds[i].revents;
		if ((pe->pe_now & POLLNVAL) != 0) {
			/* The last one takes its place. */
			evany__pe_drop(pe);
			continue;
		}
		i++;
		/* Armed and not ready, as nearly all are, needs nothing. */
		if (pe->pe_now != 0 || pe->pe_queued ||
		    (pe->pe_edge != NULL && pe->pe_edge->eg_listed)) {
			pe_note(pe);
			pe_update(pe, false);
		}
	}
}

void
evany__pe_hit(struct poll_entry *pe)
{
	pe->pe_armed = 0;
	if (pe_same(pe))
		evany__pe_look(pe);
	else
		evany__pe_drop(pe);
}

/* In the thread, which has taken the watch off. */
static void
pe_poll_hit(struct evany__bg_watch *bw, short revents)
{
	struct poll_entry *pe;
	struct be_poll *bp;
	int cancel;

	(void)revents;
	pe = (struct poll_entry *)(void *)((char *)bw -
	    offsetof(struct poll_entry, pe_watch));
	bp = pe->pe_inst;
	evany__bp_enter(bp, &cancel);
	if (!pe->pe_dead) {
		evany__pe_hit(pe);
		evany__bp_settle(bp);
	}
	evany__bp_leave(bp, cancel);
}

/*
 * A feeder was reported.  It is served by whoever that was, and may be ready
 * anew before anybody looks again, so who dozes must look, if not now then
 * before long.
 */
static void
pe_told(struct poll_entry *pe)
{
	if (!is_feeder(pe))
		return;
	if (atomic_load(&pe->pe_inst->bp_dozing))
		evany__bp_news(pe->pe_inst);
	else
		pe->pe_told = true;
}

bool
evany__pe_report(struct poll_entry *pe, struct evany__ready *rd)
{
	uint32_t bits;
	unsigned d;

	if (!pe_same(pe)) {
		evany__pe_drop(pe);
		return (false);
	}
	bits = 0;
	if ((pe->pe_now & POLLHUP) != 0)
		bits |= EVANY__HUP;
	if ((pe->pe_now & POLLERR) != 0)
		bits |= EVANY__ERR;
	for (d = 0; d < POLL_DIRS; d++) {
		if (pe->pe_together ? pe->pe_want[d] != EVANY__ONCE :
		    pe->pe_state[d] != POLL_READY)
			continue;
		if (d != POLL_ENDS)
			bits |= EVANY__FOR(d);
		if (d == EVANY__W_IN && (pe->pe_now & POLLIN) != 0)
			bits |= EVANY__IN;
#ifdef POLLRDHUP
		if (d == EVANY__W_IN && (pe->pe_now & POLLRDHUP) != 0)
			bits |= EVANY__RDHUP;
#endif
		if (d == EVANY__W_IN && evany__pg_ended(pe))
			bits |= EVANY__RDHUP;
		if (d == EVANY__W_OUT && (pe->pe_now & POLLOUT) != 0)
			bits |= EVANY__OUT;
		if (d == EVANY__W_PRI && (pe->pe_now & POLLPRI) != 0)
			bits |= EVANY__PRI;
		if (pe->pe_want[d] == EVANY__EDGE)
			evany__pg_park(pe, d);
		else if (pe->pe_want[d] == EVANY__ONCE) {
			pe->pe_want[d] = EVANY__IDLE;
			pe->pe_state[d] = POLL_QUIET;
			bits |= EVANY__SPENT;
		} else
			pe_told(pe);
	}
	rd->rd_cookie = pe->pe_cookie;
	rd->rd_bits = bits;
	pe_update(pe, false);
	return (true);
}

/* ---- what is wanted ------------------------------------------------------------------ */

/*
 * States the whole interest; fresh as in ch_fresh.  What is ready now is seen
 * at once, without the thread.
 */
int
evany__pe_want(struct poll_entry *pe, const uint8_t *want, unsigned fresh)
{
	uint8_t all[POLL_DIRS] = { EVANY__OFF };
	bool active, edge, once;
	unsigned d;
	int error;

	active = edge = false;
	once = true;
	for (d = 0; d < EVANY__W_COUNT; d++) {
		all[d] = want[d];
		active |= want[d] >= EVANY__LEVEL;
		edge |= want[d] == EVANY__EDGE;
		once &= want[d] != EVANY__EDGE && want[d] != EVANY__LEVEL;
	}
	if (!active && (fresh & EVANY__TOGETHER) != 0) {
		all[POLL_ENDS] = EVANY__ONCE;
		active = true;
	}
	if (active && !pe->pe_known && !pe->pe_ported)
		pe->pe_ported = !is_feeder(pe) && evany__pp_open(pe->pe_inst);
	if (active && !pe->pe_known && !pe->pe_ported) {
		if ((error = evany__bg_watch_init(&pe->pe_watch)) != 0)
			return (error);
		pe->pe_known = true;
	}
	if (edge && pe->pe_edge == NULL) {
		if ((pe->pe_edge = calloc(1, sizeof(*pe->pe_edge))) == NULL)
			return (ENOMEM);
		pe->pe_edge->eg_entry = pe;
	}
	pe->pe_together = (fresh & EVANY__TOGETHER) != 0 && once;
	for (d = 0; d < POLL_DIRS; d++) {
		if (all[d] < EVANY__LEVEL)
			pe->pe_state[d] = POLL_QUIET;
		else if (all[d] != pe->pe_want[d] ||
		    pe->pe_state[d] == POLL_QUIET ||
		    (pe->pe_state[d] == POLL_PARKED &&
		    (fresh & 1U << d) != 0)) {
			pe->pe_state[d] = POLL_ARMED;
			if (all[d] == EVANY__EDGE)
				evany__pg_unpark(pe, d);
		}
		pe->pe_want[d] = all[d];
	}
	return (pe_look(pe, true) ? 0 : EBADF);
}
