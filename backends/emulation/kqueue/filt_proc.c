/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filt_proc: EVFILT_PROC, EVFILT_PROCDESC.
 *
 * A tracked fork makes a knote for the child in the same queue, whose first
 * event has NOTE_CHILD and the parent's pid.  If the child has ended before
 * that event was collected, its exit is the event after it (KN_MORE).
 */
#include "config.h"

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "backends/emulation/kqueue/knote.h"

/* kn_priv */
struct kn_proc {
	struct evany__procwatch	 kp_watch;
	struct kqueue		*kp_kq;
	struct knote		*kp_knote;
	int64_t			 kp_status;
	dev_t			 kp_dev;	/* PROCDESC: the descriptor's */
	ino_t			 kp_ino;
	bool			 kp_attached;
	bool			 kp_exited;	/* not returned yet */
};

static unsigned
proc_want(unsigned sfflags)
{
	return (EVANY__P_EXIT |
	    ((sfflags & NOTE_FORK) != 0 ? EVANY__P_FORK : 0) |
	    ((sfflags & NOTE_EXEC) != 0 ? EVANY__P_EXEC : 0) |
	    ((sfflags & NOTE_TRACK) != 0 ? EVANY__P_CHILD : 0));
}

/*
 * The knote of a new child, with its parent's notes and udata.  It was born
 * alive, so NOTE_EXIT lets it be attached when it has ended since.
 */
static int
proc_track(struct kqueue *kq, const struct knote *parent, int64_t pid)
{
	struct kevent kev = {
		.ident = (uintptr_t)pid,
		.filter = EVFILT_PROC,
		.flags = (unsigned short)(EV_ADD | (parent->kn_flags &
		    (EV_RECEIPT | EV_DISPATCH))),
		.fflags = parent->kn_sfflags | NOTE_EXIT,
		.udata = parent->kn_udata
	};
	struct kn_proc *kp;
	struct knote *kn;
	bool attaching;
	int error;

	if (evany__knote_find(kq, kev.ident, EVFILT_PROC) != NULL)
		return (0);
	error = evany__kqueue_change(kq, &kev, &attaching);
	if (error != 0)
		return (error);
	kn = evany__knote_find(kq, kev.ident, EVFILT_PROC);
	kp = kn->kn_priv;
	kn->kn_sfflags = parent->kn_sfflags;
	/* An exit that came with the attach is told after the birth. */
	if ((kn->kn_flags & EV_EOF) != 0) {
		kp->kp_exited = true;
		kn->kn_flags &= (unsigned short)~(EV_EOF | EV_ONESHOT);
	}
	kn->kn_fflags = NOTE_CHILD;
	kn->kn_data = (int64_t)parent->kn_ident;
	evany__knote_activate(kq, kn);
	return (0);
}

static void
proc_exit(struct kn_proc *kp)
{
	struct knote *kn = kp->kp_knote;

	kn->kn_fflags |= kn->kn_sfflags & NOTE_EXIT;
	kn->kn_data = kp->kp_status;
	kn->kn_flags |= EV_EOF | EV_ONESHOT;
	kp->kp_exited = false;
}

static void
proc_fire(struct evany__procwatch *pw, unsigned bits, int64_t data)
{
	struct kn_proc *kp = (struct kn_proc *)(void *)pw;
	struct knote *kn = kp->kp_knote;
	unsigned notes = 0;

	if ((bits & EVANY__P_FORK) != 0)
		notes |= kn->kn_sfflags & NOTE_FORK;
	if ((bits & EVANY__P_EXEC) != 0)
		notes |= kn->kn_sfflags & NOTE_EXEC;
	if ((bits & EVANY__P_TRACKERR) != 0 ||
	    ((bits & EVANY__P_CHILD) != 0 &&
	    proc_track(kp->kp_kq, kn, data) != 0))
		notes |= NOTE_TRACKERR;
	kn->kn_fflags |= notes;
	if ((bits & EVANY__P_EXIT) != 0) {
		kp->kp_status = data;
		if ((kn->kn_fflags & NOTE_CHILD) != 0)
			kp->kp_exited = true;
		else
			proc_exit(kp);
	} else if (notes == 0)
		return;
	evany__knote_activate(kp->kp_kq, kn);
}

static int
proc_attach(struct kqueue *kq, struct knote *kn, pid_t pid, int fd)
{
	struct evany__inst *inst = kq->kq_inst;
	const struct evany__proc_ops *ops = inst->in_table->tb_proc;
	struct kn_proc *kp;
	int error;

	if ((kp = calloc(1, sizeof(*kp))) == NULL)
		return (ENOMEM);
	kn->kn_priv = kp;
	kp->kp_kq = kq;
	kp->kp_knote = kn;
	kp->kp_watch.pw_inst = inst;
	kp->kp_watch.pw_fire = proc_fire;
	kp->kp_watch.pw_pid = pid;
	kp->kp_watch.pw_want = proc_want(kn->kn_sfflags);
	error = ops->po_attach(&inst->in_proc, &kp->kp_watch, fd);
	if (error != 0)
		return (error);
	kp->kp_attached = true;
	evany__inst_asked(inst, 1);
	kn->kn_flags |= EV_CLEAR;
	if ((kn->kn_sfflags & NOTE_EXIT) == 0 && ops->po_ended(&kp->kp_watch))
		return (ESRCH);
	return (0);
}

static int
filt_proc_attach(struct kqueue *kq, struct knote *kn)
{

	if (kn->kn_ident == 0 || kn->kn_ident > INT_MAX)
		return (ESRCH);
	return (proc_attach(kq, kn, (pid_t)kn->kn_ident, -1));
}

static void
filt_proc_detach(struct kqueue *kq, struct knote *kn)
{
	struct evany__inst *inst = kq->kq_inst;
	struct kn_proc *kp = kn->kn_priv;

	if (kp == NULL)
		return;
	if (kp->kp_attached) {
		inst->in_table->tb_proc->po_detach(&inst->in_proc,
		    &kp->kp_watch);
		evany__inst_asked(inst, -1);
	}
	free(kp);
}

static enum kq_answer
filt_proc_event(struct kqueue *kq, struct knote *kn, unsigned bits)
{
	struct kn_proc *kp = kn->kn_priv;

	(void)kq;
	(void)bits;
	if (kp->kp_exited) {
		if ((kn->kn_fflags & NOTE_CHILD) != 0)
			kn->kn_status |= KN_MORE;
		else
			proc_exit(kp);
	}
	return (kn->kn_fflags != 0 || (kn->kn_flags & EV_EOF) != 0 ? KQ_YES :
	    KQ_NO);
}

static int
filt_proc_touch(struct kqueue *kq, struct knote *kn, const struct kevent *kev)
{
	struct evany__inst *inst = kq->kq_inst;
	struct kn_proc *kp = kn->kn_priv;
	unsigned want = kp->kp_watch.pw_want;
	int error;

	kp->kp_watch.pw_want = proc_want(kev->fflags);
	error = inst->in_table->tb_proc->po_modify(&inst->in_proc,
	    &kp->kp_watch);
	if (error != 0) {
		kp->kp_watch.pw_want = want;
		return (error);
	}
	return (evany__knote_default_touch(kq, kn, kev));
}

const struct filterops evany__filt_proc = {
	.fo_name = "PROC",
	.fo_attach = filt_proc_attach,
	.fo_detach = filt_proc_detach,
	.fo_event = filt_proc_event,
	.fo_touch = filt_proc_touch,
	.fo_arm = evany__knote_default_arm
};

/* ---- EVFILT_PROCDESC ------------------------------------------------------- */

/*
 * The process is watched by other means than the program's descriptor, so its
 * close shows only here.  Each process has an inode of its own from Linux 6.9
 * on; before that another process descriptor of the same number is not known.
 */
static bool
procdesc_same(const struct knote *kn)
{
	const struct kn_proc *kp = kn->kn_priv;
	struct stat st;
	int64_t born;

	return (evany__ff_stat((int)kn->kn_ident, &st, &born) == 0 &&
	    st.st_dev == kp->kp_dev && st.st_ino == kp->kp_ino &&
	    evany__ff_kind((int)kn->kn_ident) == EVANY__K_PROCESS);
}

static int
filt_procdesc_attach(struct kqueue *kq, struct knote *kn)
{
	struct kn_proc *kp;
	struct stat st;
	int64_t born;
	int error;

	switch (evany__ff_kind((int)kn->kn_ident)) {
	case EVANY__K_UNKNOWN:
		return (EBADF);
	case EVANY__K_PROCESS:
		break;
	default:
		return (EOPNOTSUPP);
	}
	if ((error = evany__ff_stat((int)kn->kn_ident, &st, &born)) != 0)
		return (error);
	error = proc_attach(kq, kn, 0, (int)kn->kn_ident);
	if ((kp = kn->kn_priv) != NULL) {
		kp->kp_dev = st.st_dev;
		kp->kp_ino = st.st_ino;
	}
	return (error);
}

static enum kq_answer
filt_procdesc_event(struct kqueue *kq, struct knote *kn, unsigned bits)
{

	if (!procdesc_same(kn))
		return (KQ_GONE);
	return (filt_proc_event(kq, kn, bits));
}

static int
filt_procdesc_touch(struct kqueue *kq, struct knote *kn,
    const struct kevent *kev)
{

	if (!procdesc_same(kn))
		return (evany__fd_lost(kq, kn, ESTALE));
	return (filt_proc_touch(kq, kn, kev));
}

const struct filterops evany__filt_procdesc = {
	.fo_name = "PROCDESC",
	.fo_isfd = true,
	.fo_same = procdesc_same,
	.fo_attach = filt_procdesc_attach,
	.fo_detach = filt_proc_detach,
	.fo_event = filt_procdesc_event,
	.fo_touch = filt_procdesc_touch,
	.fo_arm = evany__knote_default_arm
};
