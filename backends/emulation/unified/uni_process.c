/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni_process: source PROCESS.  What has happened is gathered in un_data; with
 * the event that tells of the exit the note ends.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "backends/emulation/unified/uni.h"

/* un_priv */
struct uni_process {
	struct evany__procwatch	 up_watch;	/* first */
	struct uni		*up_uni;
	struct uni_note		*up_note;
	int64_t			 up_status;	/* once it has ended */
};

/* Whether the system tells of forks and execs is asked by wanting no exit. */
static unsigned
process_want(uint32_t what)
{
	unsigned want = 0;

	if ((what & EVANY_FORK) != 0)
		want |= EVANY__P_FORK;
	if ((what & EVANY_EXEC) != 0)
		want |= EVANY__P_EXEC;
	return (want != 0 ? want : EVANY__P_EXIT);
}

static void
process_fire(struct evany__procwatch *pw, unsigned bits, int64_t data)
{
	struct uni_process *up = (struct uni_process *)(void *)pw;
	uint32_t what = 0;

	if ((bits & EVANY__P_FORK) != 0)
		what |= EVANY_FORK;
	if ((bits & EVANY__P_EXEC) != 0)
		what |= EVANY_EXEC;
	if ((bits & EVANY__P_EXIT) != 0) {
		what |= EVANY_EXIT;
		up->up_status = data;
	}
	up->up_note->un_data |= what;
	evany__uni_pending(up->up_uni, up->up_note);
}

static int
process_attach(struct uni *uq, struct uni_note *un,
    const struct evany_change *ch)
{
	struct evany__inst *inst = uq->uq_inst;
	struct uni_process *up;
	int error;

	if (ch->ch_object == 0 || ch->ch_object > INT_MAX)
		return (ESRCH);
	if ((up = calloc(1, sizeof(*up))) == NULL)
		return (ENOMEM);
	up->up_uni = uq;
	up->up_note = un;
	up->up_watch.pw_inst = inst;
	up->up_watch.pw_fire = process_fire;
	up->up_watch.pw_pid = (pid_t)ch->ch_object;
	up->up_watch.pw_want = process_want(ch->ch_what);
	error = inst->in_table->tb_proc->po_attach(&inst->in_proc,
	    &up->up_watch, -1);
	if (error != 0) {
		free(up);
		return (error);
	}
	un->un_priv = up;
	evany__inst_asked(inst, 1);
	return (0);
}

static int
process_set(struct uni *uq, struct uni_note *un, const struct evany_change *ch)
{
	struct evany__inst *inst = uq->uq_inst;
	struct uni_process *up = un->un_priv;
	uint32_t want;
	int error;

	if (up == NULL)
		return (process_attach(uq, un, ch));
	if ((un->un_data & EVANY_EXIT) != 0)
		return (0);
	want = up->up_watch.pw_want;
	up->up_watch.pw_want = process_want(ch->ch_what);
	error = inst->in_table->tb_proc->po_modify(&inst->in_proc,
	    &up->up_watch);
	if (error != 0)
		up->up_watch.pw_want = want;
	return (error);
}

static void
process_end(struct uni *uq, struct uni_note *un)
{
	struct evany__inst *inst = uq->uq_inst;
	struct uni_process *up = un->un_priv;

	if (up == NULL)
		return;
	inst->in_table->tb_proc->po_detach(&inst->in_proc, &up->up_watch);
	evany__inst_asked(inst, -1);
	free(up);
}

static bool
process_take(struct uni *uq, struct uni_note *un, struct evany_event *ev)
{
	const struct uni_process *up = un->un_priv;

	(void)uq;
	ev->ev_what = (uint32_t)un->un_data & (un->un_what | EVANY_EXIT);
	un->un_data = 0;
	if ((ev->ev_what & EVANY_EXIT) != 0) {
		ev->ev_data = up->up_status;
		un->un_flags |= EVANY_ONESHOT;
	}
	return (ev->ev_what != 0);
}

const struct uni_source evany__uni_src_process = {
	.so_what = EVANY_EXIT | EVANY_FORK | EVANY_EXEC,
	.so_needs = EVANY_EXIT | EVANY_FORK | EVANY_EXEC,
	.so_flags = EVANY_EDGE | EVANY_ONESHOT | EVANY_DISPATCH,
	.so_set = process_set,
	.so_end = process_end,
	.so_take = process_take
};
