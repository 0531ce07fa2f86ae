/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * poll_mark: the bell, one that stays, and sleep that takes nothing.
 *
 * Bell:    set before the byte is written, and the byte noted after: a wait that
 *          finds the bell in between leaves a byte for a later one to take out,
 *          and no wait can miss both.
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
 * Shared:  poll_share.c, once a fork has come.
 * Late:    a wake that has begun before a fork may come after share_open() has
 *          emptied the number's pipe, and its byte would stay there.  It comes
 *          to nothing then, since the driver has marked for what it told of,
 *          or else is over when share_open() begins, whose pipe keeps the bell.
 * Locks:   marking and waking take none, so that both can be done while a wait
 *          is interrupted by a signal handler; but waking what may be shared
 *          does, and is not done by such handlers with a lock held.  bp_lock
 *          (4) for that, the making of the pipe and looks.
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
bell_ring(struct be_poll *bp)
{
	int error;

	atomic_store(&bp->bp_bell, 1);
	error = evany__pipe_ring(&bp->bp_pipe);
	atomic_store(&bp->bp_stray, 1);
	evany__bp_news(bp);
	return (error);
}

int
evany__be_poll_wake(struct evany__inst *inst, int number)
{
	struct be_poll *bp = evany__inst_state(inst);
	int cancel, error, saved, unused;

	saved = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	error = 0;
	if (!evany__pipe_names(&bp->bp_pipe, number))
		error = EIDRM;
	else if (!evany__inst_shared(inst))
		error = bell_ring(bp);
	else {
		evany__bp_enter(bp, &unused);
		if (atomic_load(&bp->bp_share) == NULL)
			error = bell_ring(bp);
		evany__bp_leave(bp, unused);
	}
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (error);
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
	else if (atomic_load(&bp->bp_share) != NULL)
		evany__bs_mark(bp, on);
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
	if (error == 0 && atomic_load(&bp->bp_share) != NULL)
		evany__bs_rouse(bp);
	else if (error == 0)
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
	if (atomic_load(&bp->bp_share) != NULL) {
		error = evany__bs_doze(bp, deadline, cancel);
		goto out;
	}
	if ((error = doze_look(bp)) != 0)
		goto out;
	n = 0;
	if (!atomic_load(&bp->bp_news)) {
		n = evany__bp_sleep(&bp->bp_doze, -1, deadline, cancel);
		/* What the thread may be late with. */
		if (n == 0)
			(void)doze_look(bp);
	}
	atomic_store(&bp->bp_dozing, 0);
	if (n > 0 || atomic_load(&bp->bp_news)) {
		error = evany__pipe_drain(&bp->bp_doze) == 0 ? 0 : EBADF;
		atomic_store(&bp->bp_news, 0);
	} else
		error = n == 0 ? ETIMEDOUT : -n;
out:
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (error);
}
