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

static struct knote *
knote_of(struct evany__watch *wt)
{
	return ((struct knote *)(void *)wt);
}

uint32_t
evany__knote_key(const struct evany__watch *wt)
{
	const struct knote *kn = (const void *)wt;

	return (evany__hash_key(kn->kn_ident, (unsigned short)kn->kn_filter));
}

EVANY__HOT struct knote *
evany__knote_find(struct kqueue *kq, uintptr_t ident, short filter)
{
	struct evany__fdslot *fs;
	struct evany__watch *wt;

	if (evany__filterops(filter)->fo_isfd) {
		fs = evany__slot_find(kq->kq_inst, (int)ident);
		if (fs == NULL)
			return (NULL);
		for (wt = fs->fs_watches; wt != NULL; wt = wt->wt_next)
			if (knote_of(wt)->kn_filter == filter)
				return (knote_of(wt));
		return (NULL);
	}
	for (wt = evany__hash_first(&kq->kq_hash, evany__hash_key(ident,
	    (unsigned short)filter)); wt != NULL; wt = wt->wt_next)
		if (knote_of(wt)->kn_ident == ident &&
		    knote_of(wt)->kn_filter == filter)
			return (knote_of(wt));
	return (NULL);
}

static int
knote_insert(struct kqueue *kq, const struct filterops *fop, struct knote *kn)
{
	struct evany__fdslot *fs;
	int error;

	if (!fop->fo_isfd)
		return (evany__hash_insert(&kq->kq_hash, &kn->kn_watch));
	error = evany__slot_get(kq->kq_inst, (int)kn->kn_ident, &fs);
	if (error != 0)
		return (error);
	evany__slot_insert(fs, (int)kn->kn_ident, &kn->kn_watch);
	return (0);
}

static void
knote_remove(struct kqueue *kq, const struct filterops *fop, struct knote *kn)
{

	if (fop->fo_isfd)
		evany__slot_remove(evany__knote_slot(kq, kn),
		    (int)kn->kn_ident, &kn->kn_watch);
	else
		evany__hash_remove(&kq->kq_hash, &kn->kn_watch);
}

/* ---- ext[4], which few programs use ------------------------------------------- */

struct kn_ext {
	RB_ENTRY(kn_ext)	 ke_node;
	const struct knote	*ke_knote;
	uint64_t		 ke_ext[4];
};

static int
ext_compare(const struct kn_ext *a, const struct kn_ext *b)
{
	uintptr_t x = (uintptr_t)a->ke_knote, y = (uintptr_t)b->ke_knote;

	return ((x > y) - (x < y));
}

RB_GENERATE_INTERNAL(kn_exts, kn_ext, ke_node, ext_compare,
    static __attribute__((__unused__)))

static struct kn_ext *
ext_find(struct kqueue *kq, const struct knote *kn)
{
	struct kn_ext key = { .ke_knote = kn };

	return (RB_FIND(kn_exts, &kq->kq_exts, &key));
}

static EVANY__RARE int
ext_keep(struct kqueue *kq, struct knote *kn, const struct kevent *kev)
{
	struct kn_ext *ke;

	if ((kn->kn_status & KN_EXT) != 0)
		ke = ext_find(kq, kn);
	else if ((ke = malloc(sizeof(*ke))) == NULL)
		return (ENOMEM);
	else {
		ke->ke_knote = kn;
		(void)RB_INSERT(kn_exts, &kq->kq_exts, ke);
		kn->kn_status |= KN_EXT;
	}
	memcpy(ke->ke_ext, kev->ext, sizeof(ke->ke_ext));
	return (0);
}

/* Takes over those of a change; all zero needs no memory. */
static inline int
ext_set(struct kqueue *kq, struct knote *kn, const struct kevent *kev)
{

	if ((kn->kn_status & KN_EXT) == 0 &&
	    (kev->ext[0] | kev->ext[1] | kev->ext[2] | kev->ext[3]) == 0)
		return (0);
	return (ext_keep(kq, kn, kev));
}

void
evany__knote_ext(struct kqueue *kq, const struct knote *kn, uint64_t *ext)
{
	memcpy(ext, ext_find(kq, kn)->ke_ext, 4 * sizeof(*ext));
}

/* ---- life ---------------------------------------------------------------------- */

static struct evany__slab *
knote_slab(struct kqueue *kq, const struct filterops *fop)
{
	return (fop->fo_expire != NULL ? &kq->kq_slab_timer : &kq->kq_slab);
}

static void
knote_free(struct kqueue *kq, const struct filterops *fop, struct knote *kn)
{
	struct kn_ext *ke;

	if ((kn->kn_status & KN_EXT) != 0) {
		ke = ext_find(kq, kn);
		(void)RB_REMOVE(kn_exts, &kq->kq_exts, ke);
		free(ke);
	}
	evany__slab_put(knote_slab(kq, fop), kn);
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
	if ((error = ext_set(kq, kn, kev)) != 0 ||
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
EVANY__HOT int
evany__knote_default_touch(struct kqueue *kq, struct knote *kn,
    const struct kevent *kev)
{

	kn->kn_sfflags = kev->fflags;
	kn->kn_sdata = kev->data;
	return (ext_set(kq, kn, kev));
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
