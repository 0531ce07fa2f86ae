/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * poll_nest: instances among each other.
 *
 * Nests:   an instance's number polls like any pipe, so nesting works by
 *          itself.  Two things need more: a cycle must be refused, and a wait
 *          that does not sleep must see what the instances inside would only
 *          be told by the background thread a moment later.
 * Closed:  the thread keeps a file open that the program has closed, until it
 *          is told (pollthread.c).  Every wait therefore looks at some of the
 *          numbers that it waits for, of all instances: who sees the end of
 *          the file may be in another one than who watched it.
 * State:   the list of all instances.
 * Locks:   nest_lock (3) guards the list and a walk through it; one bp_lock
 *          (4) at a time is taken under it.
 * Fork:    the child begins with an empty list; what goes on there enters it.
 */
#include "config.h"

#include "backends/poll/be_poll.h"

#include <errno.h>
#include <unistd.h>

#define CHECKS	64U	/* numbers looked at by one wait */

TAILQ_HEAD(nest_walk, be_poll);

static pthread_mutex_t nest_lock = PTHREAD_MUTEX_INITIALIZER;
static struct nest_walk nest_all = TAILQ_HEAD_INITIALIZER(nest_all);
static unsigned nest_count;
static pid_t nest_pid;		/* whose list it is */

static void
nest_enter(int *cancelp)
{
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, cancelp);
	evany__lock_mark();
	(void)pthread_mutex_lock(&nest_lock);
}

static void
nest_leave(int cancel)
{
	(void)pthread_mutex_unlock(&nest_lock);
	evany__lock_unmark();
	(void)pthread_setcancelstate(cancel, NULL);
}

void
evany__pn_enter(struct be_poll *bp)
{
	int cancel;

	nest_enter(&cancel);
	nest_pid = getpid();
	TAILQ_INSERT_TAIL(&nest_all, bp, bp_link);
	nest_count++;
	nest_leave(cancel);
}

void
evany__pn_leave(struct be_poll *bp)
{
	int cancel;

	nest_enter(&cancel);
	TAILQ_REMOVE(&nest_all, bp, bp_link);
	nest_count--;
	nest_leave(cancel);
}

static struct be_poll *
nest_find(dev_t dev, ino_t ino)
{
	struct be_poll *bp;

	TAILQ_FOREACH(bp, &nest_all, bp_link)
		if (bp->bp_pipe.pi_dev == dev && bp->bp_pipe.pi_ino == ino)
			return (bp);
	return (NULL);
}

/* Adds the instances that bp watches to the walk.  nest_lock held. */
static void
nest_inside(struct be_poll *bp, struct nest_walk *walk)
{
	struct be_poll *inner;
	struct poll_entry *pe;
	int cancel;

	evany__bp_enter(bp, &cancel);
	LIST_FOREACH(pe, &bp->bp_nests, pe_nest) {
		inner = nest_find(pe->pe_dev, pe->pe_ino);
		if (inner == NULL || inner->bp_seen)
			continue;
		inner->bp_seen = true;
		TAILQ_INSERT_TAIL(walk, inner, bp_walk);
	}
	evany__bp_leave(bp, cancel);
}

/* All that can be reached from bp, the nearest first.  nest_lock held. */
static void
nest_reach(struct be_poll *bp, struct nest_walk *walk)
{
	struct be_poll *inner;

	TAILQ_FOREACH(inner, &nest_all, bp_link)
		inner->bp_seen = false;
	TAILQ_INIT(walk);
	nest_inside(bp, walk);
	TAILQ_FOREACH(inner, walk, bp_walk)
		nest_inside(inner, walk);
}

/*
 * May bp watch the fifo that st describes?  EINVAL if it is bp itself, ELOOP
 * if it watches bp; *nestedp if it is an instance at all.
 */
int
evany__pn_check(struct be_poll *bp, const struct stat *st, bool *nestedp)
{
	struct nest_walk walk;
	struct be_poll *inner;
	int cancel, error;

	*nestedp = false;
	if (st->st_dev == bp->bp_pipe.pi_dev && st->st_ino == bp->bp_pipe.pi_ino)
		return (EINVAL);
	error = 0;
	nest_enter(&cancel);
	inner = nest_find(st->st_dev, st->st_ino);
	if (inner != NULL) {
		*nestedp = true;
		nest_reach(inner, &walk);
		if (bp->bp_seen)
			error = ELOOP;
	}
	nest_leave(cancel);
	return (error);
}

/* Makes the numbers of the instances inside tell what is ready now. */
void
evany__pn_refresh(struct be_poll *bp)
{
	struct nest_walk walk;
	struct be_poll *inner;
	int cancel, unused;
	bool nests;

	evany__bp_enter(bp, &cancel);
	nests = !LIST_EMPTY(&bp->bp_nests);
	evany__bp_leave(bp, cancel);
	if (!nests)
		return;
	nest_enter(&cancel);
	nest_reach(bp, &walk);
	TAILQ_FOREACH_REVERSE(inner, &walk, nest_walk, bp_walk) {
		if (inner == bp)
			continue;
		evany__bp_enter(inner, &unused);
		evany__pe_scan(inner);
		evany__bp_settle(inner);
		evany__bp_leave(inner, unused);
	}
	nest_leave(cancel);
}

/*
 * Finds closed numbers that the thread waits for, and waits until it lets go
 * of these and of what else was taken from it.
 */
void
evany__pn_closed(void)
{
	struct be_poll *bp;
	unsigned left, n;
	int cancel, unused;

	left = CHECKS;
	nest_enter(&cancel);
	for (n = nest_count; n > 0 && left > 0; n--) {
		bp = TAILQ_FIRST(&nest_all);
		TAILQ_REMOVE(&nest_all, bp, bp_link);
		TAILQ_INSERT_TAIL(&nest_all, bp, bp_link);
		evany__bp_enter(bp, &unused);
		if (evany__pe_closed(bp, &left))
			evany__bp_settle(bp);
		evany__bp_leave(bp, unused);
	}
	nest_leave(cancel);
	evany__bg_let_go();
}

void
evany__pn_fork_child(void)
{
	pid_t pid = getpid();

	if (pid == nest_pid)
		return;
	nest_pid = pid;
	(void)pthread_mutex_init(&nest_lock, NULL);
	TAILQ_INIT(&nest_all);
	nest_count = 0;
}
