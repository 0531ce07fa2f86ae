/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni_signal: source SIGNAL.  The mechanism counts; the note adds up until its
 * event is taken.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "backends/emulation/unified/uni.h"

/* un_priv */
struct uni_signal {
	struct evany__sigwatch	 ug_watch;	/* first */
	struct uni		*ug_uni;
	struct uni_note		*ug_note;
};

static void
signal_fire(struct evany__sigwatch *sw, uint64_t n)
{
	struct uni_signal *ug = (struct uni_signal *)(void *)sw;

	ug->ug_note->un_data += (int64_t)n;
	evany__uni_pending(ug->ug_uni, ug->ug_note);
}

static int
signal_set(struct uni *uq, struct uni_note *un, const struct evany_change *ch)
{
	struct evany__inst *inst = uq->uq_inst;
	struct uni_signal *ug;
	int error;

	if (un->un_priv != NULL)
		return (0);
	if (ch->ch_object == 0 || ch->ch_object > INT_MAX)
		return (EINVAL);
	if ((ug = calloc(1, sizeof(*ug))) == NULL)
		return (ENOMEM);
	ug->ug_uni = uq;
	ug->ug_note = un;
	ug->ug_watch.sw_inst = inst;
	ug->ug_watch.sw_fire = signal_fire;
	ug->ug_watch.sw_signo = (int)ch->ch_object;
	error = inst->in_table->tb_signal->so_attach(&inst->in_signal,
	    &ug->ug_watch);
	if (error != 0) {
		free(ug);
		return (error);
	}
	un->un_priv = ug;
	evany__inst_asked(inst, 1);
	return (0);
}

static void
signal_end(struct uni *uq, struct uni_note *un)
{
	struct evany__inst *inst = uq->uq_inst;
	struct uni_signal *ug = un->un_priv;

	if (ug == NULL)
		return;
	inst->in_table->tb_signal->so_detach(&inst->in_signal, &ug->ug_watch);
	evany__inst_asked(inst, -1);
	free(ug);
}

static bool
signal_take(struct uni *uq, struct uni_note *un, struct evany_event *ev)
{
	(void)uq;
	ev->ev_data = un->un_data;
	un->un_data = 0;
	return (true);
}

const struct uni_source evany__uni_src_signal = {
	.so_flags = EVANY_EDGE | EVANY_ONESHOT | EVANY_DISPATCH,
	.so_set = signal_set,
	.so_end = signal_end,
	.so_take = signal_take
};
