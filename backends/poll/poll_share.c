/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * poll_share: what instances need that a fork shares.
 *
 * Number:  its pipe is everybody's, and has a byte as long as the mark is on;
 *          nothing else rings it any more.  What a process has ready is taken
 *          in by its background thread (evany__inst_found) at the latest, and
 *          marked for by whoever takes it in.
 * State:   struct be_poll with all registrations and alarms is each process's
 *          own; the child of a fork begins with a new one, made before the
 *          fork.  A small mapping and a few pipes (beds) are shared.
 * Doze:    in the pipe that is the current bed.  An announcement (a mark or a
 *          rouse) makes another, empty bed the current one and then rings
 *          those that somebody lies in; they are emptied when all have got up.
 *          Nobody has to hurry, and none takes another one's byte: a process
 *          that is stopped keeps its bed, while the rest use the other ones.
 *          If all beds are taken, who is late looks again every CROWD_NS.
 * Race:    who lies down writes that into its seat, then looks at the count of
 *          announcements.  Who announces counts first, then changes the bed,
 *          then reads the seats.  So one of the two sees the other.
 * Killed:  a seat keeps its process's pid.  A byte is noted as UNSURE before it
 *          is written or read, so that what was begun is done again, by the
 *          next announcement, mark or end of a mark.  A seat whose process is
 *          no more does not count when beds get short.
 * Locks:   who marks and rouses has been let in alone, of all processes.  Seats
 *          and what a sleeper reads are atomic.
 */
#include "config.h"

#include "backends/poll/be_poll.h"

#include <sys/mman.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define SEATS		1024
#define CROWD_NS	INT64_C(10000000)

/* What is in a pipe. */
enum { NONE = 0, UNSURE, RUNG };

struct poll_seat {
	atomic_int	se_pid;		/* 0: free */
	atomic_uint	se_bed;		/* bed + 1, 0: up */
};

struct poll_shared {
	atomic_uint		sh_news;	/* counts announcements */
	atomic_uint		sh_bed;		/* the current one */
	atomic_int		sh_byte[POLL_BEDS];
	atomic_int		sh_mark;
	atomic_uint		sh_top;		/* seats from here are fresh */
	struct poll_seat	sh_seats[SEATS];
};

/* ---- bytes ---------------------------------------------------------------------- */

static void
byte_in(const struct evany__pipe *pi, atomic_int *byte)
{
	if (atomic_load(byte) == RUNG)
		return;
	atomic_store(byte, UNSURE);
	if (evany__pipe_ring(pi) == 0)
		atomic_store(byte, RUNG);
}

static void
byte_out(const struct evany__pipe *pi, atomic_int *byte)
{
	if (atomic_load(byte) == NONE)
		return;
	atomic_store(byte, UNSURE);
	if (evany__pipe_drain(pi) == 0)
		atomic_store(byte, NONE);
}

/* ---- seats ------------------------------------------------------------------------ */

static bool
seat_try(struct be_poll *bp, unsigned i, int old)
{
	struct poll_shared *sh = atomic_load(&bp->bp_share);
	struct poll_seat *se = &sh->sh_seats[i];
	unsigned top;

	if (!atomic_compare_exchange_strong(&se->se_pid, &old, (int)getpid()))
		return (false);
	atomic_store(&se->se_bed, 0);
	top = atomic_load(&sh->sh_top);
	while (top <= i && !atomic_compare_exchange_weak(&sh->sh_top, &top,
	    i + 1))
		continue;
	bp->bp_seat = (int)i;
	return (true);
}

/* Of many processes the last may have none. */
static void
seat_take(struct be_poll *bp)
{
	struct poll_shared *sh = atomic_load(&bp->bp_share);
	unsigned i;
	int pid;

	bp->bp_seat = -1;
	for (i = 0; i < SEATS; i++)
		if (atomic_load(&sh->sh_seats[i].se_pid) == 0 &&
		    seat_try(bp, i, 0))
			return;
	for (i = 0; i < SEATS; i++) {
		pid = atomic_load(&sh->sh_seats[i].se_pid);
		if (!evany__alive(pid) && seat_try(bp, i, pid))
			return;
	}
}

/* Does anybody lie in that bed?  sure: one who was killed does not. */
static bool
bed_taken(struct poll_shared *sh, unsigned bed, bool sure)
{
	struct poll_seat *se;
	unsigned i;
	int pid;

	for (i = 0; i < atomic_load(&sh->sh_top); i++) {
		se = &sh->sh_seats[i];
		if (atomic_load(&se->se_bed) != bed + 1 ||
		    (pid = atomic_load(&se->se_pid)) == 0)
			continue;
		if (!sure || evany__alive(pid))
			return (true);
	}
	return (false);
}

/* ---- announcements -------------------------------------------------------------------- */

/* A bed other than the current one that is empty, or is emptied here. */
static unsigned
bed_fresh(struct be_poll *bp, bool sure)
{
	struct poll_shared *sh = atomic_load(&bp->bp_share);
	unsigned bed, i, now = atomic_load(&sh->sh_bed);

	for (i = 1; i < POLL_BEDS; i++) {
		bed = (now + i) % POLL_BEDS;
		if (atomic_load(&sh->sh_byte[bed]) != NONE &&
		    !bed_taken(sh, bed, sure))
			byte_out(&bp->bp_beds[bed], &sh->sh_byte[bed]);
		if (atomic_load(&sh->sh_byte[bed]) == NONE)
			return (bed);
	}
	return (now);
}

/* Ends the doze of each process, or else its next one. */
static void
announce(struct be_poll *bp)
{
	struct poll_shared *sh = atomic_load(&bp->bp_share);
	unsigned bed, now = atomic_load(&sh->sh_bed), next;

	(void)atomic_fetch_add(&sh->sh_news, 1);
	if ((next = bed_fresh(bp, false)) == now)
		next = bed_fresh(bp, true);
	/* The only one left: no bed to lie down in, until they have got up. */
	if (next == now && atomic_load(&sh->sh_byte[now]) != NONE &&
	    !bed_taken(sh, now, true))
		byte_out(&bp->bp_beds[now], &sh->sh_byte[now]);
	atomic_store(&sh->sh_bed, next);
	for (bed = 0; bed < POLL_BEDS; bed++)
		if ((bed != next || next == now) && bed_taken(sh, bed, false))
			byte_in(&bp->bp_beds[bed], &sh->sh_byte[bed]);
}

bool
evany__bs_marked(struct be_poll *bp)
{
	return (atomic_load(&atomic_load(&bp->bp_share)->sh_mark) != NONE);
}

void
evany__bs_mark(struct be_poll *bp, bool on)
{
	struct poll_shared *sh = atomic_load(&bp->bp_share);

	if (on) {
		byte_in(&bp->bp_pipe, &sh->sh_mark);
		announce(bp);
	} else
		byte_out(&bp->bp_pipe, &sh->sh_mark);
}

void
evany__bs_rouse(struct be_poll *bp)
{
	announce(bp);
}

/* ---- dozing ------------------------------------------------------------------------------ */

/* The bed in which this process lies now, or -1 if there is none. */
static int
bed_enter(struct be_poll *bp)
{
	struct poll_shared *sh = atomic_load(&bp->bp_share);
	unsigned bed = atomic_load(&sh->sh_bed);

	if (bp->bp_seat == -1 || atomic_load(&sh->sh_byte[bed]) != NONE)
		return (-1);
	atomic_store(&sh->sh_seats[bp->bp_seat].se_bed, bed + 1);
	return ((int)bed);
}

static void
bed_leave(void *arg)
{
	struct be_poll *bp = arg;

	if (bp->bp_seat != -1)
		atomic_store(&atomic_load(&bp->bp_share)->
		    sh_seats[bp->bp_seat].se_bed, 0);
}

/* As evany__bp_sleep; without a bed it comes back early, as if rung. */
static int
bed_sleep(struct be_poll *bp, int64_t deadline, int cancel)
{
	const struct evany__pipe none = EVANY__PIPE_NONE;
	const struct evany__pipe *pi;
	int64_t soon;
	int bed, n;

	bed = bed_enter(bp);
	if (atomic_load(&atomic_load(&bp->bp_share)->sh_news) != bp->bp_heard)
		return (1);
	if (bed != -1) {
		pi = &bp->bp_beds[bed];
		return (evany__pipe_names(pi, pi->pi_read) ?
		    evany__bp_sleep(pi, -1, deadline, cancel) : -EBADF);
	}
	soon = evany__now(EVANY__MONOTONIC) + CROWD_NS;
	if (soon > deadline)
		return (evany__bp_sleep(&none, -1, deadline, cancel));
	n = evany__bp_sleep(&none, -1, soon, cancel);
	return (n == 0 ? 1 : n);
}

int
evany__bs_doze(struct be_poll *bp, int64_t deadline, int cancel)
{
	unsigned news;
	int n;

	pthread_cleanup_push(bed_leave, bp);
	n = bed_sleep(bp, deadline, cancel);
	pthread_cleanup_pop(1);
	news = atomic_load(&atomic_load(&bp->bp_share)->sh_news);
	if (news != bp->bp_heard) {
		bp->bp_heard = news;
		return (0);
	}
	return (n == 1 ? 0 : n == 0 ? ETIMEDOUT : -n);
}

/* ---- life ---------------------------------------------------------------------------------- */

static void
share_close(struct be_poll *bp, struct poll_shared *sh)
{
	int i;

	for (i = 0; i < POLL_BEDS; i++)
		evany__pipe_close(&bp->bp_beds[i]);
	(void)munmap(sh, sizeof(*sh));
	atomic_store(&bp->bp_share, NULL);
}

void
evany__bs_close(struct be_poll *bp)
{
	struct poll_shared *sh = atomic_load(&bp->bp_share);

	if (sh == NULL)
		return;
	bed_leave(bp);
	if (bp->bp_seat != -1)
		atomic_store(&sh->sh_seats[bp->bp_seat].se_pid, 0);
	share_close(bp, sh);
}

static int
share_open(struct be_poll *bp)
{
	struct poll_shared *sh;
	int error, i;

	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON, -1, 0);
	if (sh == MAP_FAILED)
		return (ENOMEM);
	for (i = 0; i < POLL_BEDS; i++)
		bp->bp_beds[i] = (struct evany__pipe)EVANY__PIPE_NONE;
	for (i = 0; i < POLL_BEDS; i++)
		if ((error = evany__pipe_open(&bp->bp_beds[i])) != 0) {
			share_close(bp, sh);
			return (error);
		}
	/* Who dozes now shall do so in a bed; what rang is told otherwise. */
	evany__bp_news(bp);
	(void)evany__pipe_drain(&bp->bp_pipe);
	bp->bp_rung = false;
	atomic_store(&bp->bp_share, sh);
	seat_take(bp);
	evany__bp_settle(bp);
	return (0);
}

int
evany__be_poll_share(struct evany__inst *inst)
{
	struct be_poll *bp = evany__inst_state(inst);
	int cancel, error, saved;

	saved = errno;
	error = 0;
	evany__bp_enter(bp, &cancel);
	if (bp->bp_child == NULL && (bp->bp_child = evany__bp_new(inst)) ==
	    NULL)
		error = ENOMEM;
	if (error == 0 && atomic_load(&bp->bp_share) == NULL)
		error = share_open(bp);
	evany__bp_leave(bp, cancel);
	errno = saved;
	return (error);
}

/* The child's has all that is shared, and keeps the parent's in reach. */
struct be_poll *
evany__bs_child(struct be_poll *parent)
{
	struct be_poll *bp = parent->bp_child;
	int i;

	bp->bp_parent = parent;
	bp->bp_pipe = parent->bp_pipe;
	bp->bp_port.pp_use = parent->bp_port.pp_use;
	for (i = 0; i < POLL_BEDS; i++)
		bp->bp_beds[i] = parent->bp_beds[i];
	atomic_store(&bp->bp_share, atomic_load(&parent->bp_share));
	seat_take(bp);
	evany__pn_enter(bp);
	return (bp);
}

/* The child does not have the instance. */
void
evany__bs_forget(struct be_poll *bp)
{
	struct poll_shared *sh = atomic_load(&bp->bp_share);

	if (sh != NULL)
		share_close(bp, sh);
}
