/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filt_signal: EVFILT_SIGNAL.  The mechanism counts; the knote adds up until
 * its event is collected.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "backends/emulation/kqueue/knote.h"

/* kn_priv */
struct kn_signal {
	struct evany__sigwatch	 ks_watch;
	struct kqueue		*ks_kq;
	struct knote		*ks_knote;
};

static void
signal_fire(struct evany__sigwatch *sw, uint64_t n)
{
	struct kn_signal *ks = (struct kn_signal *)(void *)sw;

	ks->ks_knote->kn_data += (int64_t)n;
	evany__knote_activate(ks->ks_kq, ks->ks_knote);
}

static int
filt_signal_attach(struct kqueue *kq, struct knote *kn)
{
	struct evany__inst *inst = kq->kq_inst;
	struct kn_signal *ks;
	int error;

	if (kn->kn_ident == 0 || kn->kn_ident > INT_MAX)
		return (EINVAL);
	if ((ks = calloc(1, sizeof(*ks))) == NULL)
		return (ENOMEM);
	ks->ks_kq = kq;
	ks->ks_knote = kn;
	ks->ks_watch.sw_inst = inst;
	ks->ks_watch.sw_fire = signal_fire;
	ks->ks_watch.sw_signo = (int)kn->kn_ident;
	error = inst->in_table->tb_signal->so_attach(&inst->in_signal,
	    &ks->ks_watch);
	if (error != 0) {
		free(ks);
		return (error);
	}
	kn->kn_flags |= EV_CLEAR;
	kn->kn_priv = ks;
	evany__inst_asked(inst, 1);
	return (0);
}

static void
filt_signal_detach(struct kqueue *kq, struct knote *kn)
{
	struct evany__inst *inst = kq->kq_inst;
	struct kn_signal *ks = kn->kn_priv;

	if (ks == NULL)
		return;
	inst->in_table->tb_signal->so_detach(&inst->in_signal, &ks->ks_watch);
	evany__inst_asked(inst, -1);
	free(ks);
}

static enum kq_answer
filt_signal_event(struct kqueue *kq, struct knote *kn, unsigned bits)
{

	(void)kq;
	(void)bits;
	kn->kn_fflags = 0;
	return (kn->kn_data != 0 ? KQ_YES : KQ_NO);
}

const struct filterops evany__filt_signal = {
	.fo_name = "SIGNAL",
	.fo_attach = filt_signal_attach,
	.fo_detach = filt_signal_detach,
	.fo_event = filt_signal_event,
	.fo_touch = evany__knote_default_touch,
	.fo_arm = evany__knote_default_arm
};
