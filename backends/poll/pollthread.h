/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * pollthread.h: the one background thread of the portable mechanisms.
 *
 * It waits in poll(2) for descriptors (watches) and for points in time
 * (ticks), and calls a function for each.  It is started at the first need,
 * runs with every signal blocked and ends with the process.  There is never
 * more than one, and none in the child of a fork until it is needed there.
 *
 * Functions run in the thread with no lock held, one at a time.  All calls
 * below may be made from any thread, from such a function too, and with any
 * other lock held: the lock inside is the last one, nothing is taken under
 * it.  None is a cancellation point, none touches errno.
 *
 * What the thread may be looking at must not be freed under it: give it to
 * evany__bg_watch_end or evany__bg_release, which free it when the thread is
 * done with it.  Static objects need no such care.
 */
#ifndef EVANY_POLLTHREAD_H
#define EVANY_POLLTHREAD_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdint.h>

/*
 * A point in time.  All zero but bt_fn is the state to begin with.
 */
struct evany__bg_tick {
	void		(*bt_fn)(struct evany__bg_tick *);
	/* The rest is the thread's. */
	TAILQ_ENTRY(evany__bg_tick) bt_link;
	int64_t		 bt_at;		/* monotonic nanoseconds */
	int64_t		 bt_interval;	/* nanoseconds, 0: once */
	unsigned	 bt_epoch;	/* that of the thread while linked */
};

/*
 * Calls bt_fn every interval_ms milliseconds, the first time after one
 * interval.  On a running tick it sets the interval anew.  ENOMEM, EMFILE
 * or ENFILE when the thread cannot be started; 0 otherwise.
 */
int	evany__bg_tick_start(struct evany__bg_tick *, int interval_ms);

/* Calls bt_fn once, at that time of the monotonic clock.  Errors as above. */
int	evany__bg_tick_at(struct evany__bg_tick *, int64_t at);

/*
 * No call begins any more.  One that has begun may still be running, unless
 * this is called from bt_fn itself.  A stopped tick can be stopped again, and
 * so can one that was running when the process forked, in the child.
 */
void	evany__bg_tick_stop(struct evany__bg_tick *);

/*
 * A descriptor.  bw_fn is called with what poll(2) reports; the watch is then
 * off until evany__bg_watch_set is called again.
 */
struct evany__bg_watch {
	void		(*bw_fn)(struct evany__bg_watch *, short revents);
	void		(*bw_free)(struct evany__bg_watch *);
	int		 bw_fd;
	/* The rest is the thread's. */
	short		 bw_events;
	uint8_t		 bw_queued;
	uint8_t		 bw_dead;
	unsigned	 bw_epoch;	/* that of the thread that knows it */
	unsigned	 bw_slot;	/* place in the poll array, 0: none */
	STAILQ_ENTRY(evany__bg_watch) bw_link;
};

/*
 * Makes the watch known, with room for it in the thread, so that setting it
 * cannot fail.  Errors as evany__bg_tick_start.
 */
int	evany__bg_watch_init(struct evany__bg_watch *);

/* Waits for these events, 0 for none at all. */
void	evany__bg_watch_set(struct evany__bg_watch *, short events);

/*
 * Ends the watch: bw_free is called when the thread no longer knows it, at
 * once if there is no thread.
 */
void	evany__bg_watch_end(struct evany__bg_watch *);

/*
 * Calls br_fn when the thread has left every function that it was running
 * when this was called; at once if there is no thread.
 */
struct evany__bg_release {
	void		(*br_fn)(struct evany__bg_release *);
	STAILQ_ENTRY(evany__bg_release) br_link;
};
void	evany__bg_release(struct evany__bg_release *);

/*
 * Waits until the thread waits for nothing that was taken from it before.
 */
void	evany__bg_let_go(void);

/*
 * In the child of fork: forgets the parent's thread and closes its
 * descriptors.  The other calls notice a fork by themselves; this one does it
 * at once.
 */
void	evany__bg_fork_child(void);

#endif /* EVANY_POLLTHREAD_H */
