/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * pollthread: the one background thread of the portable mechanisms.
 *
 * State:   an array for poll(2) that only the thread touches; what others
 *          want goes to the queue pt_changed, so that a change costs O(1) and
 *          at most one byte in the pipe that wakes the thread.  Ticks are a
 *          plain list: there are about as many as instances.
 * Life:    started by the first watch or tick, detached, never ended.  A watch
 *          that fires is taken out of the array, or a level would make the
 *          thread spin.  What has ended is freed by the thread at the top of
 *          its loop, where it holds no pointer to anything.
 * Race:    a function may be called once more while its watch is being ended
 *          or its tick stopped; it finds out under its own lock.
 *          poll(2) of Linux holds the files it waits for: a socket closed
 *          meanwhile stays open and its peer sees no end of file (6.18).  So
 *          with descriptors to watch no single wait is longer than HOLD_NS.
 * Locks:   pt_lock is the last lock of all but for pt_polling, which the thread
 *          holds while it is in poll(2), for others to wait on: to lock a mutex
 *          is no cancellation point, as a condition would be.
 * Fork:    the child has no thread.  pt_pid tells it so; everything is then
 *          forgotten (the epoch moves) and begins anew at the next need.
 */
#include "config.h"

#include "backends/poll/pollthread.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/pollpipe.h"

#define HOLD_NS		INT64_C(200000000)
#define RETRY_NS	INT64_C(10000000)
#define MS_NS		INT64_C(1000000)
#define FIRST_CAP	32U

STAILQ_HEAD(watch_queue, evany__bg_watch);
STAILQ_HEAD(release_queue, evany__bg_release);

/* Fields: (l) pt_lock, (t) the thread only, (a) atomic. */
static pthread_mutex_t pt_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int pt_pid;		/* (a) the process of what follows */
static unsigned pt_epoch = 1;		/* (l) */
static int pt_running;			/* (l) */
static int pt_asleep;			/* (l) may be in poll(2) */
static bool pt_less;			/* (l) something was taken from it */
static pthread_mutex_t pt_polling = PTHREAD_MUTEX_INITIALIZER;
static unsigned pt_waiting;		/* (l) how many want pt_polling */
static pthread_cond_t pt_alone = PTHREAD_COND_INITIALIZER;	/* (l) */
static int64_t pt_until;		/* (l) the time it sleeps to */
static struct evany__pipe pt_pipe = EVANY__PIPE_NONE;	/* (l) wakes it */
static int pt_rung;			/* (l) a byte is in the pipe */
static TAILQ_HEAD(, evany__bg_tick) pt_ticks =
    TAILQ_HEAD_INITIALIZER(pt_ticks);	/* (l) */
static struct watch_queue pt_changed =
    STAILQ_HEAD_INITIALIZER(pt_changed);	/* (l) */
static struct release_queue pt_releases =
    STAILQ_HEAD_INITIALIZER(pt_releases);	/* (l) */
static unsigned pt_known;		/* (l) watches begun and not ended */

/* Place 0 of the arrays is the pipe. */
struct slots {
	struct pollfd		 *sl_fds;
	struct evany__bg_watch	**sl_watches;
	unsigned		  sl_cap;
};
static struct slots pt_slots;		/* (t), sl_cap also (l) to read */
static struct slots pt_spare;		/* (l) larger ones for the thread */
static unsigned pt_used;		/* (t) */

static void	*pt_main(void *);

/* ---- lock, fork ------------------------------------------------------------ */

/*
 * The parent's thread may have held the lock and been in the middle of
 * anything when the process forked: its arrays are left alone, not freed.
 */
static void
pt_reset(void)
{
	(void)pthread_mutex_init(&pt_lock, NULL);
	(void)pthread_mutex_init(&pt_polling, NULL);
	(void)pthread_cond_init(&pt_alone, NULL);
	pt_waiting = 0;
	pt_epoch++;
	pt_running = pt_asleep = pt_rung = 0;
	pt_less = false;
	evany__pipe_close(&pt_pipe);
	TAILQ_INIT(&pt_ticks);
	STAILQ_INIT(&pt_changed);
	STAILQ_INIT(&pt_releases);
	pt_known = pt_used = 0;
	memset(&pt_slots, 0, sizeof(pt_slots));
	memset(&pt_spare, 0, sizeof(pt_spare));
}

/* Holds off cancellation; *cancelp is for pt_leave. */
static void
pt_enter(int *cancelp)
{
	int here, pid;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, cancelp);
	evany__lock_mark();
	here = (int)getpid();
	while ((pid = atomic_load(&pt_pid)) != here) {
		/* -1: another thread is at it. */
		if (pid != -1 &&
		    atomic_compare_exchange_strong(&pt_pid, &pid, -1)) {
			if (pid != 0)
				pt_reset();
			atomic_store(&pt_pid, here);
		} else
			(void)sched_yield();
	}
	(void)pthread_mutex_lock(&pt_lock);
}

static void
pt_leave(int cancel)
{
	(void)pthread_mutex_unlock(&pt_lock);
	evany__lock_unmark();
	(void)pthread_setcancelstate(cancel, NULL);
}

void
evany__bg_fork_child(void)
{
	int cancel, saved;

	saved = errno;
	pt_enter(&cancel);
	pt_leave(cancel);
	errno = saved;
}

/* ---- what others ask of the thread ------------------------------------------ */

/* Lock held. */
static void
pt_wake(void)
{
	if (!pt_asleep || pt_rung)
		return;
	pt_rung = evany__pipe_ring(&pt_pipe) == 0;
}

/* Room for n watches in the thread's arrays.  Lock held. */
static int
pt_reserve(unsigned n)
{
	struct slots sl;
	unsigned cap;

	n++;
	if (n <= pt_slots.sl_cap || n <= pt_spare.sl_cap)
		return (0);
	cap = pt_slots.sl_cap > FIRST_CAP ? pt_slots.sl_cap : FIRST_CAP;
	while (cap < n) {
		if (cap > UINT_MAX / 2 / sizeof(*sl.sl_watches))
			return (ENOMEM);
		cap *= 2;
	}
	sl.sl_cap = cap;
	sl.sl_fds = malloc(cap * sizeof(*sl.sl_fds));
	sl.sl_watches = malloc(cap * sizeof(*sl.sl_watches));
	if (sl.sl_fds == NULL || sl.sl_watches == NULL) {
		free(sl.sl_fds);
		free(sl.sl_watches);
		return (ENOMEM);
	}
	free(pt_spare.sl_fds);
	free(pt_spare.sl_watches);
	pt_spare = sl;
	return (0);
}

/*
 * Starts the thread if there is none.  That none can be had is told as no
 * memory: no facility has EAGAIN for it.  Lock held.
 */
static int
pt_start(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;
	int error;

	if (pt_running)
		return (0);
	if ((error = pt_reserve(0)) != 0)
		return (error);
	if ((error = evany__pipe_open(&pt_pipe)) != 0)
		return (error);
	if ((error = pthread_attr_init(&attr)) != 0)
		goto out;
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	if ((error = pthread_create(&thread, &attr, pt_main, NULL)) == EAGAIN)
		error = ENOMEM;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
out:
	if (error != 0)
		evany__pipe_close(&pt_pipe);
	else
		pt_running = 1;
	return (error);
}

static int
pt_tick(struct evany__bg_tick *bt, int64_t at, int64_t interval)
{
	int cancel, error, saved;

	saved = errno;
	pt_enter(&cancel);
	if ((error = pt_start()) == 0) {
		if (bt->bt_epoch != pt_epoch) {
			bt->bt_epoch = pt_epoch;
			TAILQ_INSERT_TAIL(&pt_ticks, bt, bt_link);
		}
		bt->bt_at = at;
		bt->bt_interval = interval;
		if (at < pt_until)
			pt_wake();
	}
	pt_leave(cancel);
	errno = saved;
	return (error);
}

int
evany__bg_tick_start(struct evany__bg_tick *bt, int interval_ms)
{
	int64_t interval;

	interval = (interval_ms > 0 ? interval_ms : 1) * MS_NS;
	return (pt_tick(bt, evany__now(EVANY__MONOTONIC) + interval,
	    interval));
}

int
evany__bg_tick_at(struct evany__bg_tick *bt, int64_t at)
{
	return (pt_tick(bt, at, 0));
}

void
evany__bg_tick_stop(struct evany__bg_tick *bt)
{
	int cancel, saved;

	saved = errno;
	pt_enter(&cancel);
	if (bt->bt_epoch == pt_epoch)
		TAILQ_REMOVE(&pt_ticks, bt, bt_link);
	bt->bt_epoch = 0;
	pt_leave(cancel);
	errno = saved;
}

int
evany__bg_watch_init(struct evany__bg_watch *bw)
{
	int cancel, error, saved;

	saved = errno;
	pt_enter(&cancel);
	if ((error = pt_start()) == 0 &&
	    (error = pt_reserve(pt_known + 1)) == 0) {
		pt_known++;
		bw->bw_events = 0;
		bw->bw_queued = bw->bw_dead = 0;
		bw->bw_slot = 0;
		bw->bw_epoch = pt_epoch;
	}
	pt_leave(cancel);
	errno = saved;
	return (error);
}

/* Lock held. */
static void
pt_queue(struct evany__bg_watch *bw)
{
	if (!bw->bw_queued) {
		bw->bw_queued = 1;
		STAILQ_INSERT_TAIL(&pt_changed, bw, bw_link);
	}
	pt_wake();
}

void
evany__bg_watch_set(struct evany__bg_watch *bw, short events)
{
	int cancel, saved;

	saved = errno;
	pt_enter(&cancel);
	if (bw->bw_epoch == pt_epoch && !bw->bw_dead) {
		if (events == 0 && bw->bw_events != 0)
			pt_less = true;
		bw->bw_events = events;
		pt_queue(bw);
	}
	pt_leave(cancel);
	errno = saved;
}

void
evany__bg_watch_end(struct evany__bg_watch *bw)
{
	int cancel, known, saved;

	saved = errno;
	pt_enter(&cancel);
	if ((known = bw->bw_epoch == pt_epoch)) {
		if (bw->bw_events != 0)
			pt_less = true;
		bw->bw_events = 0;
		bw->bw_dead = 1;
		pt_queue(bw);
	}
	pt_leave(cancel);
	if (!known)
		bw->bw_free(bw);
	errno = saved;
}

void
evany__bg_release(struct evany__bg_release *br)
{
	int cancel, running, saved;

	saved = errno;
	pt_enter(&cancel);
	if ((running = pt_running)) {
		STAILQ_INSERT_TAIL(&pt_releases, br, br_link);
		pt_wake();
	}
	pt_leave(cancel);
	if (!running)
		br->br_fn(br);
	errno = saved;
}

/*
 * One that does not sleep takes in all changes before it sleeps again.
 */
void
evany__bg_let_go(void)
{
	int cancel, saved;

	saved = errno;
	pt_enter(&cancel);
	if (pt_asleep && pt_less) {
		pt_wake();
		if (pt_rung) {
			pt_waiting++;
			(void)pthread_mutex_unlock(&pt_lock);
			(void)pthread_mutex_lock(&pt_polling);
			(void)pthread_mutex_unlock(&pt_polling);
			(void)pthread_mutex_lock(&pt_lock);
			if (--pt_waiting == 0)
				(void)pthread_cond_signal(&pt_alone);
		}
	}
	pt_leave(cancel);
	errno = saved;
}

/* ---- the thread ----------------------------------------------------------------- */

static void
slot_clear(struct evany__bg_watch *bw)
{
	unsigned i = bw->bw_slot;

	if (i == 0)
		return;
	pt_used--;
	if (i != pt_used) {
		pt_slots.sl_fds[i] = pt_slots.sl_fds[pt_used];
		pt_slots.sl_watches[i] = pt_slots.sl_watches[pt_used];
		pt_slots.sl_watches[i]->bw_slot = i;
	}
	bw->bw_slot = 0;
}

static void
slot_set(struct evany__bg_watch *bw)
{
	if (bw->bw_slot == 0) {
		bw->bw_slot = pt_used++;
		pt_slots.sl_watches[bw->bw_slot] = bw;
	}
	pt_slots.sl_fds[bw->bw_slot].fd = bw->bw_fd;
	pt_slots.sl_fds[bw->bw_slot].events = bw->bw_events;
	pt_slots.sl_fds[bw->bw_slot].revents = 0;
}

/* Takes over larger arrays.  Lock held. */
static void
slots_adopt(void)
{
	struct slots old;

	if (pt_spare.sl_cap == 0)
		return;
	old = pt_slots;
	pt_slots = pt_spare;
	memset(&pt_spare, 0, sizeof(pt_spare));
	if (pt_used > 0) {
		memcpy(pt_slots.sl_fds, old.sl_fds,
		    pt_used * sizeof(*old.sl_fds));
		memcpy(pt_slots.sl_watches, old.sl_watches,
		    pt_used * sizeof(*old.sl_watches));
	} else
		pt_used = 1;
	free(old.sl_fds);
	free(old.sl_watches);
}

/*
 * Takes in all changes.  What has ended goes to the lists, to be freed when
 * the lock is released.  Lock held.
 */
static void
pt_apply(struct watch_queue *dead, struct release_queue *releases)
{
	struct evany__bg_watch *bw;

	slots_adopt();
	pt_less = false;
	while ((bw = STAILQ_FIRST(&pt_changed)) != NULL) {
		STAILQ_REMOVE_HEAD(&pt_changed, bw_link);
		bw->bw_queued = 0;
		if (bw->bw_events != 0)
			slot_set(bw);
		else
			slot_clear(bw);
		if (bw->bw_dead) {
			pt_known--;
			STAILQ_INSERT_TAIL(dead, bw, bw_link);
		}
	}
	STAILQ_CONCAT(releases, &pt_releases);
}

static void
pt_free(struct watch_queue *dead, struct release_queue *releases)
{
	struct evany__bg_release *br;
	struct evany__bg_watch *bw;

	while ((bw = STAILQ_FIRST(dead)) != NULL) {
		STAILQ_REMOVE_HEAD(dead, bw_link);
		bw->bw_free(bw);
	}
	while ((br = STAILQ_FIRST(releases)) != NULL) {
		STAILQ_REMOVE_HEAD(releases, br_link);
		br->br_fn(br);
	}
}

/*
 * The tick that is due, already set for its next time, or NULL and *nextp,
 * the time of the first that will be.  Lock held.
 */
static struct evany__bg_tick *
pt_due(int64_t *nextp)
{
	struct evany__bg_tick *bt;
	int64_t now;

	*nextp = EVANY__FOREVER;
	if (TAILQ_EMPTY(&pt_ticks))
		return (NULL);
	now = evany__now(EVANY__MONOTONIC);
	TAILQ_FOREACH(bt, &pt_ticks, bt_link) {
		if (bt->bt_at > now) {
			if (bt->bt_at < *nextp)
				*nextp = bt->bt_at;
			continue;
		}
		TAILQ_REMOVE(&pt_ticks, bt, bt_link);
		if (bt->bt_interval != 0) {
			bt->bt_at = now + bt->bt_interval;
			TAILQ_INSERT_TAIL(&pt_ticks, bt, bt_link);
		} else
			bt->bt_epoch = 0;
		return (bt);
	}
	return (NULL);
}

/*
 * Lets those have pt_polling who waited for it, and no others come while it is
 * awake.  False if that took time, in which all may have changed.  Lock held.
 */
static bool
pt_let_pass(void)
{
	bool waited = pt_waiting > 0;

	while (pt_waiting > 0)
		(void)pthread_cond_wait(&pt_alone, &pt_lock);
	return (!waited);
}

/* Waits until the time given, or something is there.  No lock. */
static void
pt_wait(int64_t until)
{
	int64_t ns, now;

	ns = EVANY__FOREVER;
	if (until != EVANY__FOREVER) {
		now = evany__now(EVANY__MONOTONIC);
		ns = until > now ? until - now : 0;
	}
	if (pt_used > 1 && ns > HOLD_NS)
		ns = HOLD_NS;
	if (evany__poll_ns(pt_slots.sl_fds, pt_used, ns) >= 0 ||
	    errno == EINTR)
		return;
	/* No memory, or more than the limit of descriptors. */
	if (ns > RETRY_NS)
		ns = RETRY_NS;
	if (evany__poll_ns(pt_slots.sl_fds, 1, ns) == -1)
		(void)sched_yield();
	evany__poll_now(pt_slots.sl_fds, pt_used);
}

/*
 * Empties the pipe.  If the program closed its numbers (closefrom(3), say)
 * it is replaced.  Lock held.
 */
static void
pt_drain(void)
{
	if (evany__pipe_drain(&pt_pipe) != 0) {
		evany__pipe_close(&pt_pipe);
		(void)evany__pipe_open(&pt_pipe);
	}
	pt_rung = 0;
}

static void *
pt_main(void *arg)
{
	struct evany__bg_tick *bt;
	struct evany__bg_watch *bw;
	struct release_queue releases;
	struct watch_queue dead;
	int64_t until;
	unsigned i;
	int cancel;
	short revents;

	(void)arg;
	for (;;) {
		STAILQ_INIT(&dead);
		STAILQ_INIT(&releases);
		pt_enter(&cancel);
		pt_apply(&dead, &releases);
		bt = pt_due(&until);
		/* What is freed may be asked for again by a function. */
		if (bt == NULL && STAILQ_EMPTY(&dead) &&
		    STAILQ_EMPTY(&releases) && pt_let_pass()) {
			(void)pthread_mutex_lock(&pt_polling);
			pt_asleep = 1;
			pt_until = until;
		}
		pt_slots.sl_fds[0].fd = pt_pipe.pi_read;
		pt_slots.sl_fds[0].events = POLLIN;
		pt_slots.sl_fds[0].revents = 0;
		pt_leave(cancel);

		pt_free(&dead, &releases);
		if (bt != NULL)
			bt->bt_fn(bt);
		/* Only this thread sets pt_asleep. */
		if (!pt_asleep)
			continue;

		pt_wait(until);
		(void)pthread_mutex_unlock(&pt_polling);
		pt_enter(&cancel);
		pt_asleep = 0;
		if (pt_rung || pt_slots.sl_fds[0].revents != 0)
			pt_drain();
		pt_leave(cancel);

		/* Downwards: the last place moves into one that is cleared. */
		for (i = pt_used - 1; i > 0; i--) {
			if ((revents = pt_slots.sl_fds[i].revents) == 0)
				continue;
			bw = pt_slots.sl_watches[i];
			slot_clear(bw);
			bw->bw_fn(bw, revents);
		}
	}
	return (NULL);
}
