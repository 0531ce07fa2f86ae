/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni_share: queues that a fork shares.
 *
 * A process has a queue of its own, with its own watches and kernel object; a
 * child of fork gets one under the same number (core/heir.c).  All of them have
 * in common one mapping, with the posted events and the alert, and one pipe, the
 * mark.  The read end of that is a feeder of each process's queue, so that there
 * is no difference to another source for those who wait, poll, nest or doze, on
 * any mechanism.
 *
 * Mark:    a byte is in the pipe as long as there is an event or an alert.  It
 *          is put there before these are made, and taken out after they have
 *          gone, by whoever has the lock, which all of them wake for.  Who finds
 *          a byte and nothing else takes it out.
 * Killed:  a process may be killed anywhere with the lock, which is robust.  The
 *          ring of events is one word, position and length, and the alert is
 *          the index of one of two places; each is written by one store when
 *          what it stands for is there.  sh_marked is never true without a
 *          byte.  So what a holder leaves behind needs no repair.  Events go
 *          with a process that is killed when it has taken them.
 * Locks:   sh_lock after the instance's; nothing is taken inside it.
 *
 * Keys of the fields: (c) constant, (s) sh_lock.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>

#include "backends/emulation/unified/uni.h"
#include "backends/pollpipe.h"

struct message {
	uintptr_t	 ms_object;
	int64_t		 ms_data;
	void		*ms_user;
};

/* The ring: | first 16 | how many 16 |. */
#define SPAN(first, n)	((uint32_t)(first) % UNI_SHARED << 16 | (n))
#define FIRST(span)	((span) >> 16)
#define LENGTH(span)	((span) & 0xffffU)
_Static_assert(UNI_SHARED <= 0xffff && (UNI_SHARED & (UNI_SHARED - 1)) == 0,
    "position and length are 16 bits each, and positions wrap");

/* What all processes have. */
struct shared {
	struct evany__lock	sh_lock;
	uint32_t		sh_span;	/* (s) of sh_ring */
	bool			sh_marked;	/* (s) a byte is in the pipe */
	_Atomic uint32_t	sh_alert;	/* (s) 1 or 2, 0: none */
	struct uni_alert	sh_alerts[2];	/* (s) */
	struct message		sh_ring[UNI_SHARED];	/* (s) */
};

/* What each has. */
struct share {
	struct uni		 se_uni;	/* first: a queue is a share */
	struct shared		*se_shared;	/* (c) NULL: handed on */
	struct evany__pipe	 se_mark;	/* (c) */
	struct evany__feeder	 se_feeder;
	struct uni_sink		*se_sink;	/* of the pass under way */
};

static struct share *
share_of(struct evany__inst *inst)
{
	return (inst->in_data);
}

static void
shared_enter(struct shared *sh)
{
	(void)evany__lock_enter(&sh->sh_lock);
}

static void
shared_leave(struct shared *sh)
{
	evany__lock_leave(&sh->sh_lock);
}

/* ---- the mark; lock held ----------------------------------------------------- */

static int
mark_on(struct share *se)
{
	struct shared *sh = se->se_shared;
	int cancel, error;

	if (sh->sh_marked)
		return (0);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	error = evany__pipe_ring(&se->se_mark);
	(void)pthread_setcancelstate(cancel, NULL);
	if (error != 0)
		return (error);
	evany__share_order();
	sh->sh_marked = true;
	return (0);
}

/* Off, if there is nothing to be marked for. */
static void
mark_settle(struct share *se)
{
	struct shared *sh = se->se_shared;
	int cancel;

	if (LENGTH(sh->sh_span) > 0 || sh->sh_alert != 0)
		return;
	sh->sh_marked = false;
	evany__share_order();
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	(void)evany__pipe_drain(&se->se_mark);
	(void)pthread_setcancelstate(cancel, NULL);
}

/* ---- posting ---------------------------------------------------------------------- */

/* Whether the number used still names the queue; with the first event too. */
static bool
named(struct uni *uq)
{
	struct evany__inst *inst = uq->uq_inst;

	return (inst->in_table->tb_be->be_names(inst, inst->in_number) != 0);
}

int
evany__uni_share_post(struct uni *uq, uintptr_t object, int64_t data,
    void *user)
{
	struct share *se = share_of(uq->uq_inst);
	struct shared *sh = se->se_shared;
	struct message *ms;
	uint32_t span;
	int error;

	if (!named(uq))
		return (EIDRM);
	shared_enter(sh);
	span = sh->sh_span;
	if (LENGTH(span) == UNI_SHARED)
		error = EAGAIN;
	else if ((error = mark_on(se)) == 0) {
		ms = &sh->sh_ring[(FIRST(span) + LENGTH(span)) % UNI_SHARED];
		ms->ms_object = object;
		ms->ms_data = data;
		ms->ms_user = user;
		evany__share_order();
		sh->sh_span = span + 1;
	}
	shared_leave(sh);
	return (error);
}

int
evany__uni_share_alert(struct uni *uq, int64_t data, void *user)
{
	struct share *se = share_of(uq->uq_inst);
	struct shared *sh = se->se_shared;
	uint32_t at;
	int error = 0;

	if (!named(uq))
		return (EIDRM);
	shared_enter(sh);
	if (data == 0) {
		sh->sh_alert = 0;
		mark_settle(se);
	} else if ((error = mark_on(se)) == 0) {
		at = sh->sh_alert == 1 ? 2 : 1;
		sh->sh_alerts[at - 1].ua_data = data;
		sh->sh_alerts[at - 1].ua_user = user;
		evany__share_order();
		sh->sh_alert = at;
	}
	shared_leave(sh);
	return (error);
}

/* ---- taking ------------------------------------------------------------------------- */

static void
take(struct shared *sh, struct evany__sink *sk)
{
	static const struct uni_note note = { .un_source = EVANY_USER };
	const struct message *ms;
	struct evany_event *ev;
	uint32_t first = FIRST(sh->sh_span), n = LENGTH(sh->sh_span);

	for (; n > 0 && !evany__sink_full(sk); first++, n--) {
		ms = &sh->sh_ring[first % UNI_SHARED];
		ev = evany__uni_event(sk, &note);
		ev->ev_object = ms->ms_object;
		ev->ev_data = ms->ms_data;
		ev->ev_user = ms->ms_user;
	}
	evany__share_order();
	/* From the start again, so that few pages are used. */
	sh->sh_span = n > 0 ? SPAN(first, n) : 0;
}

/* at: of sh_alerts, which the lock guards, or 0. */
static void
begin(struct share *se, uint32_t at)
{
	static const struct uni_alert none;

	evany__uni_begin(&se->se_uni, se->se_sink, at == 0 ? &none :
	    &se->se_shared->sh_alerts[at - 1]);
}

void
evany__uni_share_begin(struct evany__inst *inst, struct evany__sink *sk)
{
	struct share *se = share_of(inst);
	struct shared *sh = se->se_shared;

	se->se_sink = (struct uni_sink *)(void *)sk;
	if (sh->sh_alert == 0) {
		begin(se, 0);
		return;
	}
	shared_enter(sh);
	begin(se, sh->sh_alert);
	shared_leave(sh);
}

/* Others may have been faster. */
static void
share_ready(struct evany__inst *inst, struct evany__feeder *fe, unsigned bits)
{
	struct share *se = share_of(inst);
	struct shared *sh = se->se_shared;
	struct evany__sink *sk = &se->se_sink->us_sink;

	(void)fe;
	(void)bits;
	shared_enter(sh);
	if (sh->sh_alert == 0)
		take(sh, sk);
	else
		begin(se, sh->sh_alert);
	mark_settle(se);
	shared_leave(sh);
}

/* ---- life ------------------------------------------------------------------------------ */

bool
evany__uni_share_can(void)
{
	struct evany__lock lk;

	if (evany__lock_init(&lk, true) != 0)
		return (false);
	evany__lock_fini(&lk);
	return (true);
}

static void
share_free(struct share *se)
{
	int cancel, saved = errno;

	if (se->se_shared == NULL)
		return;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	evany__pipe_close(&se->se_mark);
	(void)pthread_setcancelstate(cancel, NULL);
	evany__share_free(se->se_shared, sizeof(*se->se_shared));
	se->se_shared = NULL;
	errno = saved;
}

static int
share_make(struct share *se)
{
	struct shared *sh;
	int cancel, error, saved = errno;

	if ((sh = evany__share_new(sizeof(*sh))) == NULL)
		error = ENOMEM;
	else if ((error = evany__lock_init(&sh->sh_lock, true)) == 0) {
		(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
		error = evany__pipe_open(&se->se_mark);
		(void)pthread_setcancelstate(cancel, NULL);
	}
	if (error == 0)
		se->se_shared = sh;
	else if (sh != NULL)
		evany__share_free(sh, sizeof(*sh));
	errno = saved;
	return (error);
}

int
evany__uni_share_init(struct evany__inst *inst)
{
	int error;

	if ((error = evany__uni_init(inst, sizeof(struct share))) != 0)
		return (error);
	if ((error = share_make(share_of(inst))) != 0)
		evany__uni_close(inst);
	return (error);
}

int
evany__uni_share_opened(struct evany__inst *inst)
{
	struct share *se = share_of(inst);

	se->se_feeder.fe_ready = share_ready;
	return (evany__inst_feed(inst, &se->se_feeder, se->se_mark.pi_read,
	    EVANY__LEVEL));
}

void
evany__uni_share_close(struct evany__inst *inst)
{

	share_free(share_of(inst));
	evany__uni_close(inst);
}

int
evany__uni_share_inherit(struct evany__inst *heir, struct evany__inst *parents)
{
	struct share *from = share_of(parents), *to;
	int error;

	if (heir == NULL) {
		share_free(from);
		return (0);
	}
	if ((error = evany__uni_init(heir, sizeof(struct share))) != 0)
		return (error);
	to = share_of(heir);
	to->se_shared = from->se_shared;
	to->se_mark = from->se_mark;
	from->se_shared = NULL;
	return (0);
}
