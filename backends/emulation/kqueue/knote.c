/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * knote: making, finding and ending registrations.
 *
 * Knotes of descriptors hang on the descriptor's slot, the others in a hash
 * table of the queue.  A knote ends in knote_drop and nowhere else: detached
 * from its filter, taken from the ready queue and from where it is found, and
 * freed, all under the lock, so that no pass can meet it afterwards.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/emulation/kqueue/knote.h"

static uint32_t
hash(uintptr_t ident, short filter)
{
	uint64_t h = (uint64_t)ident * 0x9e3779b97f4a7c15ULL;

	return ((uint32_t)(h >> 32) ^ (uint32_t)(unsigned short)filter);
}

static struct knote *
knote_of(struct evany__watch *wt)
{
	return ((struct knote *)(void *)wt);
}

static struct knote **
hash_chain(struct kqueue *kq, uintptr_t ident, short filter)
{
	return (&kq->kq_hash[hash(ident, filter) & (kq->kq_hash_size - 1)]);
}

static struct knote *
hash_next(struct knote *kn)
{
	return (knote_of(kn->kn_watch.wt_next));
}

static int
hash_grow(struct kqueue *kq)
{
	struct knote **chain, *kn, *next, **old = kq->kq_hash;
	uint32_t i, size = kq->kq_hash_size;

	/* Two in a chain: a place takes as many bytes as it may save steps. */
	if (kq->kq_hashed < 2 * size)
		return (0);
	chain = calloc(size == 0 ? 16 : 2 * (size_t)size, sizeof(*chain));
	if (chain == NULL)
		return (size == 0 ? ENOMEM : 0);
	kq->kq_hash = chain;
	kq->kq_hash_size = size == 0 ? 16 : 2 * size;
	for (i = 0; i < size; i++)
		for (kn = old[i]; kn != NULL; kn = next) {
			next = hash_next(kn);
			chain = hash_chain(kq, kn->kn_ident, kn->kn_filter);
			kn->kn_watch.wt_next = *chain == NULL ? NULL :
			    &(*chain)->kn_watch;
			*chain = kn;
		}
	free(old);
	return (0);
}

struct knote *
evany__knote_find(struct kqueue *kq, uintptr_t ident, short filter)
{
	struct evany__fdslot *fs;
	struct evany__watch *wt;
	struct knote *kn;

	if (evany__filterops(filter)->fo_isfd) {
		fs = evany__slot_find(kq->kq_inst, (int)ident);
		if (fs == NULL)
			return (NULL);
		for (wt = fs->fs_watches; wt != NULL; wt = wt->wt_next)
			if (knote_of(wt)->kn_filter == filter)
				return (knote_of(wt));
		return (NULL);
	}
	if (kq->kq_hash_size == 0)
		return (NULL);
	for (kn = *hash_chain(kq, ident, filter); kn != NULL;
	    kn = hash_next(kn))
		if (kn->kn_ident == ident && kn->kn_filter == filter)
			return (kn);
	return (NULL);
}

static int
knote_insert(struct kqueue *kq, const struct filterops *fop, struct knote *kn)
{
	struct evany__fdslot *fs;
	struct knote **chain;
	int error;

	if (fop->fo_isfd) {
		error = evany__slot_get(kq->kq_inst, (int)kn->kn_ident, &fs);
		if (error != 0)
			return (error);
		evany__slot_insert(fs, (int)kn->kn_ident, &kn->kn_watch);
		return (0);
	}
	if ((error = hash_grow(kq)) != 0)
		return (error);
	chain = hash_chain(kq, kn->kn_ident, kn->kn_filter);
	kn->kn_watch.wt_next = *chain == NULL ? NULL : &(*chain)->kn_watch;
	*chain = kn;
	kq->kq_hashed++;
	return (0);
}

static void
knote_remove(struct kqueue *kq, const struct filterops *fop, struct knote *kn)
{
	struct evany__watch **wtp;
	struct knote **chain;

	if (fop->fo_isfd) {
		evany__slot_remove(evany__knote_slot(kq, kn),
		    (int)kn->kn_ident, &kn->kn_watch);
		return;
	}
	kq->kq_hashed--;
	chain = hash_chain(kq, kn->kn_ident, kn->kn_filter);
	if (*chain == kn) {
		*chain = hash_next(kn);
		return;
	}
	for (wtp = &(*chain)->kn_watch.wt_next; *wtp != &kn->kn_watch;
	    wtp = &(*wtp)->wt_next)
		continue;
	*wtp = kn->kn_watch.wt_next;
}

static struct evany__slab *
knote_slab(struct kqueue *kq, const struct filterops *fop)
{
	return (fop->fo_expire != NULL ? &kq->kq_slab_timer : &kq->kq_slab);
}

static void
knote_free(struct kqueue *kq, const struct filterops *fop, struct knote *kn)
{

	free(kn->kn_ext);
	evany__slab_put(knote_slab(kq, fop), kn);
}

/* ext[4] of the change; all zero needs no memory. */
static int
knote_ext(struct knote *kn, const struct kevent *kev)
{

	if (kn->kn_ext == NULL &&
	    (kev->ext[0] | kev->ext[1] | kev->ext[2] | kev->ext[3]) == 0)
		return (0);
	if (kn->kn_ext == NULL &&
	    (kn->kn_ext = malloc(sizeof(kev->ext))) == NULL)
		return (ENOMEM);
	memcpy(kn->kn_ext, kev->ext, sizeof(kev->ext));
	return (0);
}

/* A knote in place, not attached to its filter yet. */
int
evany__knote_new(struct kqueue *kq, const struct filterops *fop,
    const struct kevent *kev, struct knote **knp)
{
	struct knote *kn;
	int error;

	if ((kn = evany__slab_get(knote_slab(kq, fop))) == NULL)
		return (ENOMEM);
	kn->kn_ident = kev->ident;
	kn->kn_filter = kev->filter;
	kn->kn_udata = kev->udata;
	kn->kn_sfflags = kev->fflags;
	kn->kn_sdata = kev->data;
	kn->kn_flags = kev->flags & (EV_ONESHOT | EV_CLEAR | EV_RECEIPT |
	    EV_DISPATCH);
	if ((kev->flags & (EV_DISABLE | EV_ENABLE)) == EV_DISABLE)
		kn->kn_status |= KN_DISABLED;
	if ((error = knote_ext(kn, kev)) != 0 ||
	    (error = knote_insert(kq, fop, kn)) != 0) {
		knote_free(kq, fop, kn);
		return (error);
	}
	*knp = kn;
	return (0);
}

void
evany__knote_drop(struct kqueue *kq, struct knote *kn)
{
	const struct filterops *fop = evany__filterops(kn->kn_filter);

	fop->fo_detach(kq, kn);
	evany__ready_remove(kq->kq_inst, &kn->kn_watch);
	knote_remove(kq, fop, kn);
	knote_free(kq, fop, kn);
}

/* The condition has come true, or may have: it stands in the queue. */
void
evany__knote_activate(struct kqueue *kq, struct knote *kn)
{

	kn->kn_status |= KN_ACTIVE;
	if ((kn->kn_status & KN_DISABLED) == 0)
		evany__ready_add(kq->kq_inst, &kn->kn_watch);
}

void
evany__knote_deactivate(struct kqueue *kq, struct knote *kn)
{

	kn->kn_status &= (unsigned short)~KN_ACTIVE;
	evany__ready_remove(kq->kq_inst, &kn->kn_watch);
}

/* What filters without rules of their own do with a change. */
int
evany__knote_default_touch(struct kqueue *kq, struct knote *kn,
    const struct kevent *kev)
{

	(void)kq;
	kn->kn_sfflags = kev->fflags;
	kn->kn_sdata = kev->data;
	return (knote_ext(kn, kev));
}

/* What filters do whose activity is kept in the knote. */
int
evany__knote_default_arm(struct kqueue *kq, struct knote *kn, bool again)
{

	(void)again;
	if ((kn->kn_status & KN_DISABLED) != 0)
		evany__ready_remove(kq->kq_inst, &kn->kn_watch);
	else if ((kn->kn_status & KN_ACTIVE) != 0)
		evany__ready_add(kq->kq_inst, &kn->kn_watch);
	return (0);
}

/* The test of a filter whose activation is the condition. */
enum kq_answer
evany__knote_queued_event(struct kqueue *kq, struct knote *kn, unsigned bits)
{

	(void)kq;
	(void)bits;
	return ((kn->kn_status & KN_ACTIVE) != 0 ? KQ_YES : KQ_NO);
}
