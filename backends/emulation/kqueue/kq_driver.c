/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kq_driver: a kqueue on the core.
 *
 * change:   one entry of a changelist, whole or not at all.
 * deliver:  one event into the program's list, and what the knote's mode
 *           makes of it afterwards:
 *
 *             EV_ONESHOT   the knote ends
 *             EV_DISPATCH  the knote is disabled
 *             EV_CLEAR     its counts and bits start anew
 *             none         it stays; a knote of the ready queue goes to the
 *                          tail and is tested again by the next call
 *
 * A knote that the mechanism reported, but whose filter says no (low-water
 * mark, unconnected socket), is parked: watched for edges until one satisfies
 * it.  Otherwise a level report would come at once, for ever.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backends/emulation/kqueue/knote.h"

#define EV_ACTIONS	(EV_ADD | EV_DELETE | EV_ENABLE | EV_DISABLE)

const struct filterops *const evany__filters[64] = {
	[~EVFILT_READ] = &evany__filt_read,
	[~EVFILT_WRITE] = &evany__filt_write,
	[~EVFILT_AIO] = &evany__filt_aio,
	[~EVFILT_VNODE] = &evany__filt_vnode,
	[~EVFILT_PROC] = &evany__filt_proc,
	[~EVFILT_SIGNAL] = &evany__filt_signal,
	[~EVFILT_TIMER] = &evany__filt_timer,
	[~EVFILT_PROCDESC] = &evany__filt_procdesc,
	[~EVFILT_FS] = &evany__filt_fs,
	[~EVFILT_USER] = &evany__filt_user,
	[~EVFILT_EMPTY] = &evany__filt_empty,
	[~EVFILT_EXCEPT] = &evany__filt_except
};

static struct kqueue *
kqueue_of(struct evany__inst *inst)
{
	return (inst->in_data);
}

/* ---- life ---------------------------------------------------------------- */

static int
kqueue_init(struct evany__inst *inst)
{
	struct kqueue *kq;

	if ((kq = calloc(1, sizeof(*kq))) == NULL)
		return (ENOMEM);
	kq->kq_inst = inst;
	kq->kq_hash.ha_key = evany__knote_key;
	evany__slab_init(&kq->kq_slab, sizeof(struct knote), false);
	evany__slab_init(&kq->kq_slab_timer, sizeof(struct knote_timer), false);
	inst->in_data = kq;
	return (0);
}

static void
end_one(void *arg, struct evany__watch *wt)
{
	evany__knote_drop(arg, (struct knote *)(void *)wt);
}

/* Ends the knotes of a slot that the mechanism need not be told of. */
static void
slot_drop(struct kqueue *kq, struct evany__fdslot *fs)
{
	struct evany__watch *wt;

	while ((wt = fs->fs_watches) != NULL) {
		wt->wt_mode = EVANY__OFF;
		end_one(kq, wt);
	}
}

static void
kqueue_close(struct evany__inst *inst)
{
	struct kqueue *kq = kqueue_of(inst);
	uint32_t i, page;

	for (page = 0; page < inst->in_npages; page++)
		for (i = 0; inst->in_pages[page] != NULL &&
		    i < EVANY__PAGE_SLOTS; i++)
			slot_drop(kq, &inst->in_pages[page][i]);
	evany__hash_fini(&kq->kq_hash, end_one, kq);
	free(kq->kq_lonely);
	evany__slab_fini(&kq->kq_slab);
	evany__slab_fini(&kq->kq_slab_timer);
	free(kq);
	inst->in_data = NULL;
}

int
evany__kqueue_create(int flags, int *numberp)
{
	return (evany__inst_create(&evany__kqueue_driver, flags, kqueue_init,
	    numberp));
}

/* ---- changes --------------------------------------------------------------- */

static int
change_add(struct kqueue *kq, const struct filterops *fop,
    const struct kevent *kev, struct knote **knp, bool *attaching)
{
	int error;

	if ((error = evany__knote_new(kq, fop, kev, knp)) != 0)
		return (error);
	if ((error = fop->fo_attach(kq, *knp)) != 0)
		evany__knote_drop(kq, *knp);
	/* A closed number is found by the attach, but is no fault of it. */
	*attaching = error != EBADF;
	return (error);
}

static int
change_modify(struct kqueue *kq, const struct filterops *fop,
    const struct kevent *kev, struct knote *kn)
{
	int error;

	if ((error = fop->fo_touch(kq, kn, kev)) != 0)
		return (error);
	if ((kev->flags & EV_KEEPUDATA) == 0)
		kn->kn_udata = kev->udata;
	if ((kev->flags & EV_DISABLE) != 0)
		kn->kn_status |= KN_DISABLED;
	if ((kev->flags & EV_ENABLE) != 0)
		kn->kn_status &= (unsigned short)~KN_DISABLED;
	error = fop->fo_arm(kq, kn, (kev->flags & EV_ADD) != 0 ||
	    (kn->kn_status & KN_DISABLED) == 0);
	return (error);
}

/* A part of its only caller, as every return after a call to the kernel counts. */
static EVANY__WITHIN int
change_apply(struct kqueue *kq, const struct kevent *kev, bool *attaching)
{
	const struct filterops *fop;
	struct knote *kn;
	int error;

	*attaching = false;
	if ((fop = evany__filterops(kev->filter)) == NULL ||
	    (kev->flags & (EV_ADD | EV_KEEPUDATA)) == (EV_ADD | EV_KEEPUDATA))
		return (EINVAL);
	if (fop->fo_isfd && kev->ident > INT_MAX)
		return (EBADF);
	kn = evany__knote_find(kq, kev->ident, kev->filter);
	if (kn != NULL && (kev->flags & (EV_ADD | EV_DELETE)) == EV_DELETE) {
		/* An error: the number's knotes have gone, or nothing has. */
		if (fop->fo_isfd && (error = evany__fd_forget(kq, kn)) != 0)
			return (error);
		evany__knote_drop(kq, kn);
		return (0);
	}
	if (kn != NULL) {
		error = change_modify(kq, fop, kev, kn);
		/* ENOENT: the knote was an older file's, and has gone. */
		if (error != ENOENT || (kev->flags & EV_ADD) == 0)
			goto out;
		kn = NULL;
	}
	if ((kev->flags & EV_ADD) == 0) {
		if (fop->fo_isfd && fcntl((int)kev->ident, F_GETFD) == -1)
			return (EBADF);
		return (ENOENT);
	}
	error = change_add(kq, fop, kev, &kn, attaching);
out:
	if (error == 0 && (kev->flags & EV_FORCEONESHOT) != 0)
		kn->kn_status |= KN_FORCED;
	if (error == 0 &&
	    (kn->kn_status & (KN_FORCED | KN_DISABLED)) == KN_FORCED)
		evany__ready_add(kq->kq_inst, &kn->kn_watch);
	return (error);
}

EVANY__HOT int
evany__kqueue_change(struct kqueue *kq, const struct kevent *kev,
    bool *attaching)
{
	bool again = false;
	int error;

	do {
		error = change_apply(kq, kev, attaching);
		/* All free numbers may be watched, of files closed before. */
		again = error == EMFILE && !again &&
		    evany__slots_reap(kq->kq_inst);
	} while (again);
	return (error);
}

/* ---- events ------------------------------------------------------------------ */

static void
event_fill(struct kqueue *kq, struct kevent *kev, const struct knote *kn)
{

	kev->ident = kn->kn_ident;
	kev->filter = kn->kn_filter;
	kev->flags = kn->kn_flags;
	kev->fflags = kn->kn_fflags;
	kev->data = kn->kn_data;
	kev->udata = kn->kn_udata;
	if (EVANY__SELDOM((kn->kn_status & KN_EXT) != 0))
		evany__knote_ext(kq, kn, kev->ext);
	else
		memset(kev->ext, 0, sizeof(kev->ext));
}

/*
 * A registration that goes silent by a change, not by its report, while the
 * file has ended may be reported once more for nothing.
 */
static void
silenced(struct kqueue *kq, uint8_t mode, unsigned flags)
{

	if ((flags & EV_EOF) != 0 && (mode == EVANY__EDGE ||
	    mode == EVANY__LEVEL))
		evany__inst_again(kq->kq_inst);
}

/* The knote's event is returned; then its mode has its way. */
static EVANY__HOT void
deliver(struct kqueue *kq, struct knote *kn, struct evany__sink *sk)
{
	const struct filterops *fop = evany__filterops(kn->kn_filter);
	const uint8_t mode = kn->kn_watch.wt_mode;

	if (EVANY__SELDOM((kn->kn_status & KN_FORCED) != 0)) {
		kn->kn_flags |= EV_ONESHOT;
		kn->kn_status &= (unsigned short)~KN_MORE;
	}
	event_fill(kq, &((struct kevent *)sk->sk_events)[sk->sk_count++], kn);
	kn->kn_watch.wt_call = kq->kq_inst->in_call;
	if ((kn->kn_flags & EV_ONESHOT) != 0 &&
	    (kn->kn_status & KN_MORE) == 0) {
		silenced(kq, mode, kn->kn_flags);
		evany__knote_drop(kq, kn);
		return;
	}
	if ((kn->kn_flags & EV_DISPATCH) != 0 || ((kn->kn_flags & EV_CLEAR) ==
	    0 && (kn->kn_status & KN_PARKED) != 0)) {
		if ((kn->kn_flags & EV_DISPATCH) != 0)
			kn->kn_status |= KN_DISABLED;
		kn->kn_status &= (unsigned short)~KN_PARKED;
		/* A registration that is spent is silent already. */
		if (mode != EVANY__IDLE) {
			silenced(kq, mode, kn->kn_flags);
			(void)fop->fo_arm(kq, kn, false);
		}
	}
	if ((kn->kn_flags & EV_CLEAR) != 0) {
		evany__knote_deactivate(kq, kn);
		kn->kn_data = 0;
		kn->kn_fflags = 0;
	}
	if ((kn->kn_status & KN_MORE) != 0) {
		kn->kn_status &= (unsigned short)~KN_MORE;
		evany__knote_activate(kq, kn);
	} else if ((kn->kn_status & (KN_ACTIVE | KN_DISABLED)) == KN_ACTIVE)
		evany__ready_add(kq->kq_inst, &kn->kn_watch);
}

/* The mechanism has reported the knote's descriptor. */
static EVANY__HOT bool
kqueue_fd(struct evany__inst *inst, struct evany__watch *wt, unsigned bits,
    struct evany__sink *sk)
{
	struct kqueue *kq = kqueue_of(inst);
	struct knote *kn = (struct knote *)(void *)wt;
	int fd = (int)kn->kn_ident;

	switch (evany__filterops(kn->kn_filter)->fo_event(kq, kn, bits)) {
	case KQ_YES:
		deliver(kq, kn, sk);
		break;
	case KQ_NO:
		if ((kn->kn_status & KN_FORCED) != 0)
			deliver(kq, kn, sk);
		else
			evany__fd_park(kq, kn);
		break;
	case KQ_GONE:
		evany__kqueue_fd_gone(inst, fd);
		return (false);
	}
	return (true);
}

static void
kqueue_ready(struct evany__inst *inst, struct evany__watch *wt,
    struct evany__sink *sk)
{
	struct kqueue *kq = kqueue_of(inst);
	struct knote *kn = (struct knote *)(void *)wt;
	unsigned bits;

	if ((kn->kn_status & (KN_FORCED | KN_DISABLED)) == KN_FORCED) {
		if (evany__filterops(kn->kn_filter)->fo_isfd &&
		    !evany__fd_current(kq, kn))
			evany__kqueue_fd_gone(inst, (int)kn->kn_ident);
		else
			deliver(kq, kn, sk);
		return;
	}
	if (wt->wt_bits != 0) {
		/* Kept back for want of room, some time ago: look again. */
		wt->wt_bits = 0;
		bits = evany__ff_now((int)kn->kn_ident, wt->wt_dir);
		if (!evany__fd_current(kq, kn))
			evany__kqueue_fd_gone(inst, (int)kn->kn_ident);
		else if (bits != 0)
			(void)kqueue_fd(inst, wt, bits, sk);
		return;
	}
	if ((kn->kn_status & KN_DISABLED) != 0)
		return;
	switch (evany__filterops(kn->kn_filter)->fo_event(kq, kn, 0)) {
	case KQ_YES:
		deliver(kq, kn, sk);
		break;
	case KQ_NO:
		kn->kn_status &= (unsigned short)~KN_ACTIVE;
		break;
	case KQ_GONE:
		evany__kqueue_fd_gone(inst, (int)kn->kn_ident);
		break;
	}
}

/*
 * The number was closed or is another file's: its knotes go, but for those
 * that were added for what it names now and know it.
 */
void
evany__kqueue_fd_gone(struct evany__inst *inst, int fd)
{
	struct evany__fdslot *fs = evany__slot_find(inst, fd);
	struct evany__watch *next, *wt;
	struct knote *kn;

	for (wt = fs->fs_watches; wt != NULL; wt = next) {
		next = wt->wt_next;
		kn = (struct knote *)(void *)wt;
		if (wt->wt_mode == EVANY__OFF && kn->kn_priv != NULL &&
		    evany__filterops(kn->kn_filter)->fo_same(kn))
			continue;
		wt->wt_mode = EVANY__OFF;
		evany__knote_drop(kqueue_of(inst), kn);
	}
	evany__slot_renew(fs);
}

static void
kqueue_fd_gone(struct evany__inst *inst, int fd, bool reused)
{
	struct evany__fdslot *fs = evany__slot_find(inst, fd);

	if (reused) {
		evany__kqueue_fd_gone(inst, fd);
		return;
	}
	slot_drop(kqueue_of(inst), fs);
	evany__slot_renew(fs);
}

static void
kqueue_timer(struct evany__inst *inst, struct evany__timer *tm)
{
	struct knote *kn = (struct knote *)(void *)((char *)tm -
	    offsetof(struct knote_timer, kt_timer));

	evany__filterops(kn->kn_filter)->fo_expire(kqueue_of(inst), kn);
}

const struct evany__driver evany__kqueue_driver = {
	.dr_name = "kqueue",
	.dr_counts = true,
	.dr_hushes = true,
	.dr_fd = kqueue_fd,
	.dr_ready = kqueue_ready,
	.dr_fd_gone = kqueue_fd_gone,
	.dr_again = evany__slots_fresh,
	.dr_timer = kqueue_timer,
	.dr_closing = evany__slot_close,
	.dr_close = kqueue_close
};
