/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filt_fs: EVFILT_FS, mounts and unmounts.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "backends/emulation/kqueue/knote.h"

/* kn_priv */
struct kn_fs {
	struct evany__mountwatch kf_watch;
	struct kqueue		*kf_kq;
	struct knote		*kf_knote;
};

static void
fs_fire(struct evany__mountwatch *mw, unsigned bits)
{
	struct kn_fs *kf = (struct kn_fs *)(void *)mw;

	if ((bits & EVANY__M_MOUNT) != 0)
		kf->kf_knote->kn_fflags |= VQ_MOUNT;
	if ((bits & EVANY__M_UNMOUNT) != 0)
		kf->kf_knote->kn_fflags |= VQ_UNMOUNT;
	evany__knote_activate(kf->kf_kq, kf->kf_knote);
}

static int
filt_fs_attach(struct kqueue *kq, struct knote *kn)
{
	struct evany__inst *inst = kq->kq_inst;
	struct kn_fs *kf;
	int error;

	if ((kf = calloc(1, sizeof(*kf))) == NULL)
		return (ENOMEM);
	kf->kf_kq = kq;
	kf->kf_knote = kn;
	kf->kf_watch.mw_inst = inst;
	kf->kf_watch.mw_fire = fs_fire;
	error = inst->in_table->tb_mount->mo_attach(&inst->in_mount,
	    &kf->kf_watch);
	if (error != 0) {
		free(kf);
		return (error == ENOTSUP ? EOPNOTSUPP : error);
	}
	kn->kn_flags |= EV_CLEAR;
	kn->kn_priv = kf;
	return (0);
}

static void
filt_fs_detach(struct kqueue *kq, struct knote *kn)
{
	struct evany__inst *inst = kq->kq_inst;
	struct kn_fs *kf = kn->kn_priv;

	if (kf == NULL)
		return;
	inst->in_table->tb_mount->mo_detach(&inst->in_mount, &kf->kf_watch);
	free(kf);
}

const struct filterops evany__filt_fs = {
	.fo_name = "FS",
	.fo_attach = filt_fs_attach,
	.fo_detach = filt_fs_detach,
	.fo_event = evany__knote_queued_event,
	.fo_touch = evany__knote_default_touch,
	.fo_arm = evany__knote_default_arm
};
