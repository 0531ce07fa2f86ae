/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * port_queue: the slots of a port and the queue, in memory that forks share.
 *
 * One mapping holds everything at its full size, because it could not grow in
 * two processes; pages that were never used cost nothing.  Links are indices.
 *
 * A process may be killed at any instruction while it holds the lock.  What a
 * slot is can therefore be told from the slot alone: sl_source says whether it
 * is in use, sl_seq whether it is queued and where.  Each is written by one
 * store, after what it stands for and before the links, and the lists are made
 * anew from the slots by the next who gets the lock (evany__port_mend).
 */
#include "config.h"

#include <string.h>

#include "backends/emulation/ports/portq.h"

static size_t
align(size_t n)
{
	return ((n + 63) & ~(size_t)63);
}

struct port_shared *
evany__port_shared_new(uint32_t max)
{
	size_t head = align(sizeof(struct port_shared));
	size_t buckets = align(max * sizeof(uint32_t));
	size_t bytes = head + buckets + max * sizeof(struct port_slot);
	struct port_shared *ps;
	char *p;

	if ((p = evany__share_new(bytes)) == NULL)
		return (NULL);
	ps = (struct port_shared *)(void *)p;
	if (evany__lock_init(&ps->ps_lock, true) != 0) {
		evany__share_free(p, bytes);
		return (NULL);
	}
	ps->ps_bytes = bytes;
	ps->ps_max = max;
	ps->ps_buckets = (uint32_t *)(void *)(p + head);
	ps->ps_slots = (struct port_slot *)(void *)(p + head + buckets);
	ps->ps_free = ps->ps_head = ps->ps_tail = PORT_NONE;
	return (ps);
}

/* Other processes may go on with it. */
void
evany__port_shared_free(struct port_shared *ps)
{
	evany__share_free(ps, ps->ps_bytes);
}

/* ---- slots ------------------------------------------------------------------ */

/* What a private source points to is in the memory of its owner. */
void
evany__port_slot_drop(struct port *pt, struct port_slot *sl)
{
	const struct port_source *so = evany__port_source(sl);

	if (so->so_private && !evany__port_own(pt, &sl->sl_owner))
		evany__port_slot_free(pt, sl);
	else
		so->so_drop(pt, sl);
}

/* Frees slots of processes that have ended, and of numbers that are closed. */
static void
slots_sweep(struct port *pt)
{
	struct port_shared *ps = pt->pt_shared;
	struct port_slot *sl;
	uint32_t i;
	bool gone;

	for (i = 0; i < ps->ps_fresh; i++) {
		sl = &ps->ps_slots[i];
		if (sl->sl_source == 0 || sl->sl_source == PORT_SOURCE_USER)
			continue;
		if (!evany__port_own(pt, &sl->sl_owner))
			gone = !evany__port_alive(&sl->sl_owner);
		else
			gone = sl->sl_source == PORT_SOURCE_FD &&
			    evany__port_fd_gone(pt, sl);
		if (gone)
			evany__port_slot_drop(pt, sl);
	}
}

struct port_slot *
evany__port_slot_new(struct port *pt, int source, uintptr_t object, void *user)
{
	struct port_shared *ps = pt->pt_shared;
	struct port_slot *sl;
	uint16_t gen;

	if (ps->ps_used == ps->ps_max)
		slots_sweep(pt);
	if (ps->ps_used == ps->ps_max)
		return (NULL);
	if (ps->ps_free != PORT_NONE) {
		sl = &ps->ps_slots[ps->ps_free];
		ps->ps_free = sl->sl_next;
	} else
		sl = &ps->ps_slots[ps->ps_fresh++];
	ps->ps_used++;
	gen = sl->sl_gen;
	memset(sl, 0, sizeof(*sl));
	sl->sl_gen = (uint16_t)(gen + 1);
	sl->sl_state = PORT_ARMED;
	sl->sl_owner = pt->pt_self;
	sl->sl_object = object;
	sl->sl_user = user;
	evany__share_order();
	sl->sl_source = (uint8_t)source;
	return (sl);
}

void
evany__port_slot_free(struct port *pt, struct port_slot *sl)
{
	struct port_shared *ps = pt->pt_shared;

	evany__port_unqueue(pt, sl);
	sl->sl_source = 0;
	evany__share_order();
	sl->sl_next = ps->ps_free;
	ps->ps_free = evany__port_index(pt, sl);
	ps->ps_used--;
}

/* ---- queue ------------------------------------------------------------------- */

static void
queue_append(struct port_shared *ps, uint32_t i)
{
	struct port_slot *sl = &ps->ps_slots[i];

	sl->sl_next = PORT_NONE;
	sl->sl_prev = ps->ps_tail;
	if (ps->ps_tail == PORT_NONE)
		ps->ps_head = i;
	else
		ps->ps_slots[ps->ps_tail].sl_next = i;
	ps->ps_tail = i;
	ps->ps_count++;
}

void
evany__port_fire(struct port *pt, struct port_slot *sl, int events)
{
	struct port_shared *ps = pt->pt_shared;

	if (sl->sl_seq != 0)
		return;
	sl->sl_events = events;
	sl->sl_state = PORT_QUEUED;
	evany__share_order();
	sl->sl_seq = ++ps->ps_seq;
	evany__share_order();
	queue_append(ps, evany__port_index(pt, sl));
	pt->pt_news = true;
}

void
evany__port_unqueue(struct port *pt, struct port_slot *sl)
{
	struct port_shared *ps = pt->pt_shared;

	if (sl->sl_seq == 0)
		return;
	sl->sl_seq = 0;
	sl->sl_state = PORT_ARMED;
	evany__share_order();
	if (sl->sl_prev == PORT_NONE)
		ps->ps_head = sl->sl_next;
	else
		ps->ps_slots[sl->sl_prev].sl_next = sl->sl_next;
	if (sl->sl_next == PORT_NONE)
		ps->ps_tail = sl->sl_prev;
	else
		ps->ps_slots[sl->sl_next].sl_prev = sl->sl_prev;
	ps->ps_count--;
}

/* ---- after a death -------------------------------------------------------------- */

/* Merges two lists, linked by sl_next alone, in the order of sl_seq. */
static uint32_t
merge(struct port_slot *slots, uint32_t a, uint32_t b)
{
	uint32_t first = PORT_NONE, *to = &first;

	while (a != PORT_NONE && b != PORT_NONE)
		if (slots[a].sl_seq < slots[b].sl_seq) {
			*to = a;
			to = &slots[a].sl_next;
			a = *to;
		} else {
			*to = b;
			to = &slots[b].sl_next;
			b = *to;
		}
	*to = a != PORT_NONE ? a : b;
	return (first);
}

/* The queued slots among the first n, in order: merges of 1, 2, 4 ... slots. */
static uint32_t
queue_sorted(struct port_slot *slots, uint32_t n)
{
	uint32_t bins[32], i, bin, list;

	for (bin = 0; bin < 32; bin++)
		bins[bin] = PORT_NONE;
	for (i = 0; i < n; i++) {
		if (slots[i].sl_source == 0 || slots[i].sl_seq == 0)
			continue;
		slots[i].sl_next = PORT_NONE;
		list = i;
		for (bin = 0; bins[bin] != PORT_NONE; bin++) {
			list = merge(slots, bins[bin], list);
			bins[bin] = PORT_NONE;
		}
		bins[bin] = list;
	}
	list = PORT_NONE;
	for (bin = 0; bin < 32; bin++)
		list = merge(slots, bins[bin], list);
	return (list);
}

void
evany__port_mend(struct port_shared *ps)
{
	struct port_slot *sl;
	uint32_t i, next;

	/* A slot was taken and never came into use? */
	if (ps->ps_fresh > ps->ps_max)
		ps->ps_fresh = ps->ps_max;
	ps->ps_head = ps->ps_tail = ps->ps_free = PORT_NONE;
	ps->ps_count = ps->ps_used = 0;
	for (i = queue_sorted(ps->ps_slots, ps->ps_fresh); i != PORT_NONE;
	    i = next) {
		next = ps->ps_slots[i].sl_next;
		ps->ps_slots[i].sl_state = PORT_QUEUED;
		queue_append(ps, i);
	}
	memset(ps->ps_buckets, 0, ps->ps_max * sizeof(*ps->ps_buckets));
	for (i = 0; i < ps->ps_fresh; i++) {
		sl = &ps->ps_slots[i];
		if (sl->sl_source == 0) {
			sl->sl_seq = 0;
			sl->sl_next = ps->ps_free;
			ps->ps_free = i;
			continue;
		}
		ps->ps_used++;
		if (sl->sl_seq == 0 && sl->sl_state == PORT_QUEUED)
			sl->sl_state = PORT_ARMED;
		if (sl->sl_source == PORT_SOURCE_FD)
			evany__port_fd_chain(ps, i);
	}
	evany__port_fd_again(ps, PORT_NONE);
}
