/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * instance: one pass from what the mechanism reports to the driver's events.
 *
 * A wait is one call to the mechanism, without a lock, into an array on the
 * stack.  Then, under the lock, each record finds its watches again by number
 * and generation, so a watch that was deleted meanwhile is simply not found
 * and its memory can go at once.  Watches of which no kernel object tells
 * stand in the ready queue; the invariant is
 *
 *     the queue is not empty  =>  the instance has been rung (in_rung), and
 *     the ring has not been reported yet, or the thread it was reported to
 *     is on its way to the lock and will empty the queue or ring again.
 *
 * so every poller and every waiter sees what is in the queue, and a thread
 * that adds to a queue already rung need not ring.  The ring itself comes
 * after the lock was given back, since whoever it wakes takes it; while one is
 * on its way (in_ringing), others ring as well rather than rely on it.
 *
 * A wait gives each watch at most once, however many passes it makes: a
 * further one, which does not sleep, if there is room and the records of the
 * last may not have been all, or were changed by it (in_again).  wt_call is the
 * pass that gave a watch.  A record from before that is part of what was given;
 * a later one, and one for which there was no room, is handed back to the
 * mechanism by asking for a fresh report, which what happens until then joins.
 * For want of room a level watch stands in the queue with the bits (wt_bits).
 *
 * Lock order:
 *   0. a table of the process's           struct evany__outer
 *   1. the number table                    numbers.c
 *   2. an instance; never two at once      in_lock
 *   3. a mechanism's process-wide lock     signals, helper thread
 *   4. a mechanism's lock per instance
 * A thread cancelled in the wait holds no lock; wait_cancelled() rings again
 * in case it took a ring with it.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/emulation/core/core.h"

/* Changed under the lock; another queue's thread may look without it. */
static uint32_t
nready(struct evany__inst *inst)
{
	return (atomic_load_explicit(&inst->in_nready, memory_order_relaxed));
}

static void
nready_change(struct evany__inst *inst, uint32_t by)
{

	atomic_store_explicit(&inst->in_nready, nready(inst) + by,
	    memory_order_relaxed);
}

void *
evany__inst_state(struct evany__inst *inst)
{
	return (inst->in_state);
}

unsigned
evany__inst_tag(struct evany__inst *inst)
{
	return (inst->in_tag);
}

bool
evany__inst_shared(struct evany__inst *inst)
{
	return (inst->in_shared);
}

void
evany__inst_lock(struct evany__inst *inst)
{
	(void)evany__lock_enter(&inst->in_lock);
}

void
evany__inst_unlock(struct evany__inst *inst)
{
	evany__lock_leave(&inst->in_lock);
}

EVANY__HOT void
evany__inst_enter(struct evany__inst *inst, int number)
{

	(void)evany__lock_enter(&inst->in_lock);
	inst->in_number = number;
}

/* Must the mechanism be told that the queue has something?  Lock held. */
static bool
ring_due(struct evany__inst *inst)
{
	return (nready(inst) > 0 && (!inst->in_rung ||
	    atomic_load_explicit(&inst->in_ringing, memory_order_relaxed) > 0));
}

/*
 * Lock held.  The number used last may have been closed while a duplicate
 * lives: then any other known number does.
 */
int
evany__inst_ring(struct evany__inst *inst)
{
	const struct evany__be_ops *be = inst->in_table->tb_be;
	int error, list[EVANY__NUMBERS], i, n;

	if (!ring_due(inst))
		return (0);
	if ((error = be->be_wake(inst, inst->in_number)) != 0) {
		evany__lock_leave(&inst->in_lock);
		n = evany__inst_numbers(inst, list, EVANY__NUMBERS);
		(void)evany__lock_enter(&inst->in_lock);
		for (i = 0; i < n; i++)
			if (be->be_wake(inst, list[i]) == 0)
				break;
		if (i == n)
			return (error);
		inst->in_number = list[i];
	}
	inst->in_rung = true;
	return (error);
}

/*
 * Rings and gives the lock back, in the other order.  The thread counts as a
 * holder all the while, so a signal handler's triggers come after the ring.
 */
static int
leave_ringing(struct evany__inst *inst)
{
	int error, number = inst->in_number;

	inst->in_rung = true;
	(void)atomic_fetch_add(&inst->in_ringing, 1);
	evany__lock_mark();
	evany__lock_leave(&inst->in_lock);
	error = inst->in_table->tb_be->be_wake(inst, number);
	(void)atomic_fetch_sub(&inst->in_ringing, 1);
	if (error != 0) {
		(void)evany__lock_enter(&inst->in_lock);
		inst->in_rung = false;
		(void)evany__inst_ring(inst);
		evany__lock_leave(&inst->in_lock);
	}
	evany__lock_unmark();
	return (error);
}

/*
 * What the ring told of has gone before any wait took it: the number is not to
 * poll readable for nothing.  A ring that is on its way cannot be taken back.
 */
static EVANY__APART void
hush(struct evany__inst *inst)
{
	const struct evany__be_ops *be = inst->in_table->tb_be;

	inst->in_hush = false;
	if (nready(inst) == 0 && inst->in_rung && inst->in_driver->dr_hushes &&
	    atomic_load_explicit(&inst->in_ringing, memory_order_relaxed) ==
	    0 && be->be_hush != NULL && be->be_hush(inst, inst->in_number) == 0)
		inst->in_rung = false;
}

static EVANY__APART int
leave_busy(struct evany__inst *inst)
{

	if (inst->in_unsettled)
		(void)evany__timers_settle(inst);
	if (inst->in_hush)
		hush(inst);
	if (ring_due(inst))
		return (leave_ringing(inst));
	evany__lock_leave(&inst->in_lock);
	return (0);
}

EVANY__HOT int
evany__inst_leave(struct evany__inst *inst)
{

	if (EVANY__SELDOM(inst->in_unsettled || inst->in_hush ||
	    nready(inst) > 0))
		return (leave_busy(inst));
	evany__lock_leave(&inst->in_lock);
	return (0);
}

/* ---- ready queue ------------------------------------------------------------- */

void
evany__ready_add(struct evany__inst *inst, struct evany__watch *wt)
{

	if (wt->wt_queued)
		return;
	TAILQ_INSERT_TAIL(&inst->in_ready, wt, wt_ready);
	wt->wt_queued = 1;
	nready_change(inst, 1);
}

EVANY__HOT void
evany__ready_remove(struct evany__inst *inst, struct evany__watch *wt)
{

	wt->wt_bits = 0;
	if (!wt->wt_queued)
		return;
	TAILQ_REMOVE(&inst->in_ready, wt, wt_ready);
	wt->wt_queued = 0;
	nready_change(inst, (uint32_t)-1);
	inst->in_hush = inst->in_rung;
}

/*
 * Gives what stands in the queue now; what is put back waits its turn.  True
 * if one was given by an earlier pass of this wait.
 */
static EVANY__APART bool
ready_drain(struct evany__inst *inst, struct evany__sink *sk)
{
	struct evany__watch *wt;
	bool round = false;
	uint32_t n;

	for (n = nready(inst); n > 0 && !evany__sink_full(sk); n--) {
		if ((wt = TAILQ_FIRST(&inst->in_ready)) == NULL)
			break;
		TAILQ_REMOVE(&inst->in_ready, wt, wt_ready);
		wt->wt_queued = 0;
		nready_change(inst, (uint32_t)-1);
		if (evany__watch_given(inst, wt)) {
			round |= wt->wt_call != inst->in_call;
			evany__ready_add(inst, wt);
			continue;
		}
		inst->in_driver->dr_ready(inst, wt, sk);
	}
	return (round);
}

/* Does anything stand in the queue that this wait has not given? */
static EVANY__APART bool
owes(const struct evany__inst *inst)
{
	const struct evany__watch *wt;

	TAILQ_FOREACH(wt, &inst->in_ready, wt_ready)
		if (!evany__watch_given(inst, wt))
			return (true);
	return (false);
}

/* ---- feeders ------------------------------------------------------------------- */

static uint64_t
feeder_cookie(struct evany__inst *inst, const struct evany__feeder *fe)
{
	return (EVANY__COOKIE(EVANY__CK_FEEDER, inst->in_tag, fe->fe_id >> 18,
	    fe->fe_id & 0x3ffffU));
}

int
evany__inst_feed(struct evany__inst *inst, struct evany__feeder *fe, int fd,
    enum evany__mode mode)
{
	struct evany__feeder **list;
	uint32_t i, n;
	int error;

	for (i = 0; i < inst->in_nfeeders; i++)
		if (inst->in_feeders[i] == NULL)
			break;
	if (i == inst->in_nfeeders) {
		n = i == 0 ? 4 : 2 * i;
		list = realloc(inst->in_feeders, n * sizeof(*list));
		if (list == NULL)
			return (ENOMEM);
		memset(&list[i], 0, (n - i) * sizeof(*list));
		inst->in_feeders = list;
		inst->in_nfeeders = n;
	}
	/* The generation keeps a late record from a new feeder of the place. */
	inst->in_gen++;
	fe->fe_id = (inst->in_gen & 0x3fffU) << 18 | i;
	fe->fe_mode = mode;
	fe->fe_fd = -1;
	error = inst->in_table->tb_be->be_feed(inst, inst->in_number, fd, mode,
	    feeder_cookie(inst, fe));
	if (error != 0)
		return (error);
	inst->in_feeders[i] = fe;
	fe->fe_fd = fd;
	return (0);
}

void
evany__inst_unfeed(struct evany__inst *inst, struct evany__feeder *fe)
{

	if (fe->fe_fd == -1)
		return;
	inst->in_table->tb_be->be_unfeed(inst, inst->in_number, fe->fe_fd);
	inst->in_feeders[fe->fe_id & 0x3ffffU] = NULL;
	fe->fe_fd = -1;
}

int
evany__inst_mark(struct evany__inst *inst, bool on)
{
	int error;

	if (!on && !inst->in_marked)
		return (0);
	error = inst->in_table->tb_be->be_mark(inst, inst->in_number, on);
	if (error == 0)
		inst->in_marked = on;
	return (error);
}

static void
feeder_ready(struct evany__inst *inst, const struct evany__ready *rd)
{
	struct evany__feeder *fe;
	uint32_t i = EVANY__COOKIE_INDEX(rd->rd_cookie);

	if (i >= inst->in_nfeeders || (fe = inst->in_feeders[i]) == NULL ||
	    fe->fe_id >> 18 != EVANY__COOKIE_GEN(rd->rd_cookie))
		return;
	fe->fe_ready(inst, fe, rd->rd_bits);
}

void
evany__inst_renew(struct evany__inst *inst)
{
	const struct evany__be_ops *be = inst->in_table->tb_be;
	int list[EVANY__ALL_NUMBERS], n;
	struct evany__feeder *fe;
	uint32_t i;

	evany__lock_leave(&inst->in_lock);
	n = evany__inst_all_numbers(inst, list, EVANY__ALL_NUMBERS);
	(void)evany__lock_enter(&inst->in_lock);
	/* What was closed must not come back as what has its number now. */
	evany__slots_verify(inst);
	if (n == 0 || be->be_renew(inst, list, n) != 0)
		return;
	inst->in_number = list[0];
	for (i = 0; i < inst->in_nfeeders; i++)
		if ((fe = inst->in_feeders[i]) != NULL)
			(void)be->be_feed(inst, inst->in_number, fe->fe_fd,
			    fe->fe_mode, feeder_cookie(inst, fe));
	for (i = 0; i < EVANY__CLOCKS; i++)
		inst->in_alarm[i] = 0;
	inst->in_unsettled = true;
	inst->in_rung = false;
	if (inst->in_marked)
		(void)be->be_mark(inst, inst->in_number, true);
	evany__slots_again(inst);
}

/* ---- the pass --------------------------------------------------------------------- */

#define ENDS	(EVANY__HUP | EVANY__ERR)
#define IN	(EVANY__IN | EVANY__RDHUP)

/* What of a record concerns a watch, by its wt_dir. */
static const uint8_t dir_bits[2 * EVANY__W_SET] = {
	[EVANY__W_IN] = IN | ENDS,
	[EVANY__W_OUT] = EVANY__OUT | ENDS,
	[EVANY__W_PRI] = EVANY__PRI | ENDS,
	[EVANY__W_SET | 1] = IN | ENDS,
	[EVANY__W_SET | 2] = EVANY__OUT | ENDS,
	[EVANY__W_SET | 3] = IN | EVANY__OUT | ENDS,
	[EVANY__W_SET | 4] = EVANY__PRI | ENDS,
	[EVANY__W_SET | 5] = IN | EVANY__PRI | ENDS,
	[EVANY__W_SET | 6] = EVANY__OUT | EVANY__PRI | ENDS,
	[EVANY__W_SET | 7] = IN | EVANY__OUT | EVANY__PRI | ENDS
};

static void
fd_ready(struct evany__inst *inst, const struct evany__ready *rd,
    struct evany__sink *sk)
{
	struct evany__watch *next, *wt;
	struct evany__fdslot *fs;
	unsigned bits, only = rd->rd_bits & EVANY__FOR_ANY, spent;
	int fd = (int)EVANY__COOKIE_INDEX(rd->rd_cookie);

	fs = evany__slot_find(inst, fd);
	if (fs == NULL || (fs->fs_gen & 0x3fffU) !=
	    EVANY__COOKIE_GEN(rd->rd_cookie)) {
		evany__slot_evict(inst, fd, rd->rd_cookie);
		return;
	}
	if ((rd->rd_bits & EVANY__SPENT) != 0)
		inst->in_table->tb_be->be_spent(inst, inst->in_number,
		    fs->fs_priv, rd->rd_cookie);
	if (sk->sk_room - sk->sk_count == 1 && fs->fs_watches != NULL)
		evany__slot_rotate(inst, fs);
	spent = 0;
	inst->in_bytes = rd->rd_bytes;
	for (wt = fs->fs_watches; wt != NULL; wt = next) {
		next = wt->wt_next;
		bits = rd->rd_bits & dir_bits[wt->wt_dir];
		if (bits == 0 || wt->wt_mode < EVANY__LEVEL ||
		    (only != 0 &&
		    (only & EVANY__FOR(0) * evany__watch_dirs(wt)) == 0))
			continue;
		if (wt->wt_mode == EVANY__ONCE &&
		    (rd->rd_bits & EVANY__SPENT) != 0) {
			wt->wt_mode = EVANY__IDLE;
			spent++;
		}
		if (wt->wt_call == inst->in_call)
			continue;
		if (EVANY__SELDOM(evany__sink_full(sk) ||
		    evany__watch_given(inst, wt))) {
			inst->in_round = true;
			if (wt->wt_mode != EVANY__LEVEL) {
				/* The mechanism keeps it, with what follows. */
				if (wt->wt_mode == EVANY__IDLE)
					wt->wt_mode = EVANY__ONCE;
				inst->in_late |= evany__sink_full(sk);
				(void)evany__slot_update(inst, fd, fs,
				    evany__watch_dirs(wt));
			} else if (evany__sink_full(sk)) {
				wt->wt_bits |= (uint8_t)bits;
				evany__ready_add(inst, wt);
			}
		} else {
			evany__ready_remove(inst, wt);
			if (EVANY__SELDOM(!inst->in_driver->dr_fd(inst, wt,
			    bits | (rd->rd_bits & EVANY__COUNTED), sk))) {
				evany__slot_evict(inst, fd, rd->rd_cookie);
				return;
			}
		}
	}
	/* A change made for one of them stated the next as not yet spent. */
	if (EVANY__SELDOM(spent > 1))
		(void)evany__slot_update(inst, fd, fs, 0);
}

void
evany__inst_record(struct evany__inst *inst, const struct evany__ready *rd)
{
	int clock;

	if (EVANY__COOKIE_KIND(rd->rd_cookie) == EVANY__CK_FEEDER) {
		feeder_ready(inst, rd);
		return;
	}
	clock = (int)EVANY__COOKIE_INDEX(rd->rd_cookie);
	/* A shared alarm goes on until it is set anew, or taken back. */
	inst->in_alarm[clock] = inst->in_shared ? EVANY__FOREVER : 0;
	inst->in_unsettled = true;
	evany__timers_expire(inst, clock);
}

static void
inst_pass(struct evany__inst *inst, const struct evany__ready *rd, int n,
    struct evany__sink *sk)
{
	bool told = false;
	int count, i;

	if (inst->in_driver->dr_begin != NULL)
		inst->in_driver->dr_begin(inst, sk);
	/*
	 * Those for which there was no room come before what is new, in turn
	 * with those that the mechanism keeps.
	 */
	if (EVANY__SELDOM(inst->in_owing && !inst->in_late))
		inst->in_round |= ready_drain(inst, sk);
	for (i = 0; i < n; i++)
		switch (EVANY__COOKIE_KIND(rd[i].rd_cookie)) {
		case EVANY__CK_FD:
			count = sk->sk_count;
			fd_ready(inst, &rd[i], sk);
			told |= sk->sk_count != count;
			break;
		case EVANY__CK_FEEDER:
		case EVANY__CK_ALARM:
			evany__inst_record(inst, &rd[i]);
			break;
		case EVANY__CK_BELL:
			inst->in_rung = false;
			inst->in_round |= ready_drain(inst, sk);
			break;
		}
	if (told)
		inst->in_late = false;
	if (nready(inst) > 0)
		(void)ready_drain(inst, sk);
	/* The next wait takes the ring, if none has it in hand already. */
	inst->in_hush = false;
	inst->in_owing = evany__sink_full(sk) && owes(inst);
}

void
evany__inst_again(struct evany__inst *inst)
{

	inst->in_again = true;
}

int
evany__inst_pending(struct evany__inst *inst)
{
	return ((int)nready(inst));
}

/*
 * Mechanisms that nobody tells: the program may have changed a signal's
 * disposition, or a file that is only looked at now and then.  Lock held.
 */
void
evany__inst_ask(struct evany__inst *inst)
{
	const struct evany__table *tb = inst->in_table;

	if (inst->in_signal != NULL)
		tb->tb_signal->so_refresh(&inst->in_signal);
	if (inst->in_file != NULL && tb->tb_file->fo_ask)
		tb->tb_file->fo_collect(&inst->in_file);
	if (inst->in_proc != NULL)
		tb->tb_proc->po_collect(&inst->in_proc);
}

void
evany__inst_review(struct evany__inst *inst)
{

	if (inst->in_signal != NULL)
		inst->in_table->tb_signal->so_review(&inst->in_signal);
}

void
evany__inst_found(struct evany__inst *inst)
{
	int number;

	if (!evany__inst_take(inst))
		return;
	if (evany__inst_numbers(inst, &number, 1) > 0) {
		evany__inst_enter(inst, number);
		if (inst->in_driver->dr_found != NULL)
			inst->in_driver->dr_found(inst);
		(void)evany__inst_leave(inst);
	}
	evany__inst_drop(inst);
}

void
evany__inst_asked(struct evany__inst *inst, int by)
{

	atomic_store_explicit(&inst->in_nasked,
	    evany__inst_nasked(inst) + (uint32_t)by, memory_order_relaxed);
}

static void
wait_cancelled(void *arg)
{
	struct evany__wait *wa = arg;

	evany__inst_lock(wa->wa_inst);
	wa->wa_inst->in_rung = false;
	(void)evany__inst_leave(wa->wa_inst);
	evany__inst_drop(wa->wa_inst);
	free(wa->wa_heap);
}

int
evany__wait_cancellable(struct evany__wait *wa, int *np)
{
	int error;

	pthread_cleanup_push(wait_cancelled, wa);
	error = evany__wait_kernel(wa, np);
	pthread_cleanup_pop(0);
	return (error);
}

/* A list longer than what stands on the stack. */
EVANY__RARE void
evany__wait_longer(struct evany__wait *wa)
{

	wa->wa_heap = malloc((size_t)wa->wa_sink->sk_room *
	    sizeof(*wa->wa_heap));
	if (wa->wa_heap != NULL) {
		wa->wa_ready = wa->wa_heap;
		wa->wa_most = wa->wa_sink->sk_room;
	}
}

void
evany__inst_recall(int number)
{
	struct evany__inst *inst;
	int i;

	if ((inst = evany__inst_find(number, true)) == NULL)
		return;
	evany__inst_enter(inst, number);
	for (i = 0; i < EVANY__CLOCKS; i++)
		inst->in_alarm[i] = 0;
	inst->in_unsettled = true;
	inst->in_rung = false;
	inst->in_driver->dr_again(inst);
	(void)evany__inst_leave(inst);
	evany__inst_drop(inst);
}

/*
 * The records carry another instance's tag, or the call through number
 * failed: finds out what number names now.
 */
static EVANY__RARE int
wait_switch(struct evany__wait *wa)
{
	struct evany__inst *inst;

	if ((inst = evany__inst_find(wa->wa_number, true)) == NULL)
		return (EBADF);
	/* Another facility's, which makes nothing of this one's sink. */
	if (strcmp(inst->in_driver->dr_name,
	    wa->wa_inst->in_driver->dr_name) != 0) {
		evany__inst_drop(inst);
		evany__inst_recall(wa->wa_number);
		return (EBADF);
	}
	evany__inst_drop(wa->wa_inst);
	wa->wa_inst = inst;
	wa->wa_first = 0;
	return (0);
}

/* The mechanism's wait failed.  True: it is to be repeated. */
static EVANY__RARE bool
wait_failed(struct evany__wait *wa, int *errorp)
{

	if (*errorp == EINTR && wa->wa_unseen !=
	    wa->wa_inst->in_table->tb_signal->so_unseen())
		return (true);
	if (*errorp == EINVAL)
		*errorp = EBADF;
	return (*errorp == EBADF && wa->wa_tries++ == 0 &&
	    (*errorp = wait_switch(wa)) == 0);
}

EVANY__HOT bool
evany__wait_more(struct evany__wait *wa, int *errorp, int n)
{
	struct evany__sink *sk = wa->wa_sink;
	struct evany__inst *inst;
	bool more;

	if (*errorp != 0)
		return (wait_failed(wa, errorp));
	/* Nothing in time, or only for another thread. */
	if (n == 0)
		return (wa->wa_deadline == EVANY__FOREVER ||
		    (wa->wa_deadline != 0 &&
		    evany__now(EVANY__MONOTONIC) < wa->wa_deadline));
	if (EVANY__COOKIE_TAG(wa->wa_ready[0].rd_cookie) !=
	    wa->wa_inst->in_tag && (*errorp = wait_switch(wa)) != 0)
		return (false);
	inst = wa->wa_inst;
	/* The queue was closed meanwhile and another has its number? */
	if (!evany__inst_has(inst, wa->wa_number))
		wa->wa_number = -1;
	evany__inst_enter(inst, wa->wa_number);
	inst->in_call++;
	if (wa->wa_first == 0)
		wa->wa_first = inst->in_call;
	inst->in_first = wa->wa_first;
	inst->in_again = inst->in_round = false;
	/* All at once: each return after a system call is mispredicted. */
	if (inst->in_driver->dr_counts)
		evany__ff_count(wa->wa_ready, n);
	inst_pass(inst, wa->wa_ready, n, sk);
	more = inst->in_again || (n == wa->wa_room && !inst->in_round);
	(void)evany__inst_leave(inst);
	if (sk->sk_count == 0) {
		/* What was given since was given to others. */
		wa->wa_first = 0;
		return (true);
	}
	/* Those that were given may come before the others. */
	wa->wa_room = wa->wa_most;
	wa->wa_deadline = 0;
	return (more && !evany__sink_full(sk));
}
