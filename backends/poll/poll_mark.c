/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * poll_mark: a bell that stays, and sleep that takes nothing.
 *
 * Mark:    like the bell, but for a byte that stays in the pipe and a record
 *          that every wait gets.
 * Doze:    readiness and marks may keep the number's pipe full, so who dozes
 *          sleeps on a pipe of its own, made by the first doze.  It has a byte
 *          from the first thing new (bp_news) until a doze comes back for it.
 *          What is new is what enters POLL_READY, an alarm that goes off, a
 *          call of wake or mark.
 * Level:   one that was reported stays POLL_READY; whether it was served and
 *          is ready anew cannot be told before a look finds it not ready, nor
 *          need it be.  But a feeder reported since the last doze (pe_told) and
 *          ready at the next counts as new, for nobody else would serve it.
 * Race:    a doze takes the byte first, then bp_news: what comes in between
 *          adds no byte, but is there when its caller looks.
 * Locks:   marking takes none, for the reasons of wake.  bp_lock (4) for the
 *          making of the pipe and for looks.
 */
#include "config.h"

#include "backends/poll/be_poll.h"

#include <errno.h>

/* Who dozes first finds the news without a byte. */
void
evany__bp_news(struct be_poll *bp)
{
	if (!atomic_exchange(&bp->bp_news, 1) && atomic_load(&bp->bp_dozes))
		(void)evany__pipe_ring(&bp->bp_doze);
}

static int
mark_on(struct be_poll *bp)
{
	int error;

	if (!atomic_exchange(&bp->bp_marked, 1)) {
		if ((error = evany__pipe_ring(&bp->bp_pipe)) != 0) {
			atomic_store(&bp->bp_marked, 0);
			return (error);
		}
		atomic_store(&bp->bp_stray, 1);
	}
	evany__bp_news(bp);
	return (0);
}

static void
mark_off(struct be_poll *bp)
{
	int cancel;

	if (!atomic_exchange(&bp->bp_marked, 0))
		return;
	evany__bp_enter(bp, &cancel);
	evany__bp_settle(bp);
	evany__bp_leave(bp, cancel);
}

int
evany__be_poll_hush(struct evany__inst *inst, int number)
{
	struct be_poll *bp = evany__inst_state(inst);
	int cancel, saved;

	saved = errno;
	(void)number;
	if (atomic_exchange(&bp->bp_bell, 0)) {
		evany__bp_enter(bp, &cancel);
		evany__bp_settle(bp);
		evany__bp_leave(bp, cancel);
	}
	errno = saved;
	return (0);
}

int
evany__be_poll_mark(struct evany__inst *inst, int number, bool on)
{
	struct be_poll *bp = evany__inst_state(inst);
	int cancel, error, saved;

	saved = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	error = 0;
	if (!evany__pipe_names(&bp->bp_pipe, number))
		error = EIDRM;
	else if (on)
		error = mark_on(bp);
	else
		mark_off(bp);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (error);
}

int
evany__be_poll_rouse(struct evany__inst *inst, int number)
{
	struct be_poll *bp = evany__inst_state(inst);
	int cancel, error, saved;

	saved = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	error = evany__pipe_names(&bp->bp_pipe, number) ? 0 : EIDRM;
	if (error == 0)
		evany__bp_news(bp);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (error);
}

/* Before the first doze all that is ready is new. */
static int
doze_open(struct be_poll *bp)
{
	int error;

	if (atomic_load(&bp->bp_dozes))
		return (0);
	if ((error = evany__pipe_open(&bp->bp_doze)) != 0)
		return (error);
	atomic_store(&bp->bp_dozes, 1);
	evany__bp_settle(bp);
	if (bp->bp_rung)
		evany__bp_news(bp);
	return (0);
}

static int
doze_look(struct be_poll *bp)
{
	struct poll_entry *pe;
	int cancel, error;

	evany__bp_enter(bp, &cancel);
	if ((error = doze_open(bp)) == 0) {
		atomic_store(&bp->bp_dozing, 1);
		evany__pe_scan(bp);
		TAILQ_FOREACH(pe, &bp->bp_ready, pe_link)
			if (pe->pe_told) {
				pe->pe_told = false;
				evany__bp_news(bp);
			}
		evany__bp_settle(bp);
	}
	evany__bp_leave(bp, cancel);
	return (error);
}

int
evany__be_poll_doze(struct evany__inst *inst, int number, int64_t deadline)
{
	struct be_poll *bp = evany__inst_state(inst);
	int cancel, error, n, saved;

	saved = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (!evany__pipe_names(&bp->bp_pipe, number) ||
	    !evany__pipe_names(&bp->bp_pipe, bp->bp_pipe.pi_read)) {
		error = EBADF;
		goto out;
	}
	if ((error = doze_look(bp)) != 0)
		goto out;
	n = 0;
	if (!atomic_load(&bp->bp_news)) {
		n = evany__bp_sleep(&bp->bp_doze, deadline, cancel);
		/* What the thread may be late with. */
		if (n == 0)
			(void)doze_look(bp);
	}
	atomic_store(&bp->bp_dozing, 0);
	if (n == 1 || atomic_load(&bp->bp_news)) {
		error = evany__pipe_drain(&bp->bp_doze) == 0 ? 0 : EBADF;
		atomic_store(&bp->bp_news, 0);
	} else
		error = n == 0 ? ETIMEDOUT : -n;
out:
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (error);
}
