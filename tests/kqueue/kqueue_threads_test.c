/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Several threads on one queue: who gets an event, and that somebody does.
 *
 * The collectors only count; the case's own thread judges.
 */
#include "config.h"

#include "evt.h"

#include <sys/socket.h>

#include <poll.h>
#include <sched.h>

#define THREADS_MAX	8
#define THREADS_IDENTS	400
#define THREADS_ROUNDS	400

struct threads {
	int		th_kq;
	int		th_room;	/* nevents of each call */
	int		th_drain;	/* read what a READ event tells */
	atomic_bool	th_stop;
	atomic_long	th_total;	/* events */
	atomic_long	th_bytes;	/* drained */
	atomic_long	th_errors;	/* calls that failed */
	atomic_long	th_posted;	/* number given with a trigger */
	atomic_long	th_seen;	/* the highest seen after an event */
	atomic_int	th_count[THREADS_IDENTS];	/* by udata */
	/* Pipes that get one byte a round, and are not read: by the bytes. */
	bool		th_grow;
	_Atomic int64_t	th_began[THREADS_ROUNDS + 1];
	atomic_bool	th_told[THREADS_IDENTS][THREADS_ROUNDS + 1];
	struct evt_thread th_thread[THREADS_MAX];
	int		th_size;
};

/* One per case and process, and too big for a stack. */
static struct threads threads;

/*
 * What was told already and may be told again by this mechanism.  The bytes are
 * counted after that was decided, so they may be another round's by then.
 */
static bool
threads_doubt(struct threads *th, const struct kevent *ev)
{
	int64_t round = ev->data;

	if (!th->th_grow || ev->filter != EVFILT_READ)
		return (false);
	ATF_REQUIRE(round > 0 && round <= THREADS_ROUNDS);
	if (!atomic_exchange(&th->th_told[(intptr_t)ev->udata][round], true))
		return (false);
	round = round > 3 ? round - 2 : 1;
	return (evt_doubt(atomic_load(&th->th_began[round])));
}

static void
threads_event(struct threads *th, const struct kevent *ev)
{
	long posted, seen;
	char buf[64];
	ssize_t n;

	if (threads_doubt(th, ev))
		return;
	atomic_fetch_add(&th->th_count[(intptr_t)ev->udata], 1);
	if (th->th_drain && ev->filter == EVFILT_READ)
		while ((n = read((int)ev->ident, buf, sizeof(buf))) > 0)
			atomic_fetch_add(&th->th_bytes, n);
	posted = atomic_load(&th->th_posted);
	seen = atomic_load(&th->th_seen);
	while (seen < posted &&
	    !atomic_compare_exchange_weak(&th->th_seen, &seen, posted))
		continue;
	atomic_fetch_add(&th->th_total, 1);
}

static void
threads_collect(void *arg)
{
	struct threads *th = arg;
	struct kevent ev[8];
	int i, n;

	while (!atomic_load(&th->th_stop)) {
		n = evt_kevent_ms(th->th_kq, NULL, 0, ev, th->th_room, 20);
		if (n < 0)
			atomic_fetch_add(&th->th_errors, 1);
		for (i = 0; i < n; i++)
			threads_event(th, &ev[i]);
	}
}

static struct threads *
threads_start(int size, int room)
{
	struct threads *th = &threads;
	int i;

	memset(th, 0, sizeof(*th));
	th->th_kq = evt_kq();
	th->th_room = room;
	th->th_size = size;
	for (i = 0; i < size; i++)
		evt_thread_start(&th->th_thread[i], threads_collect, th);
	return (th);
}

static void
threads_stop(struct threads *th)
{
	int i;

	atomic_store(&th->th_stop, true);
	for (i = 0; i < th->th_size; i++)
		evt_thread_join(&th->th_thread[i]);
	ATF_REQUIRE_EQ(atomic_load(&th->th_errors), 0);
	evt_close(th->th_kq);
}

/* Waits until the counter has reached the value. */
static void
threads_reach(atomic_long *counter, long value, const char *what)
{
	int64_t end;

	end = evt_now_ns() + (int64_t)2 * EVT_WAIT_MS * 1000000;
	while (atomic_load(counter) < value) {
		if (evt_now_ns() > end)
			atf_tc_fail("%s: %ld of %ld", what,
			    atomic_load(counter), value);
		(void)sched_yield();
	}
}

/* ---- exactly one ------------------------------------------------------- */

/* No collector may have had more than its share. */
static void
threads_exact(struct threads *th, long rounds, const char *what)
{
	(void)poll(NULL, 0, EVT_QUIET_MS);
	ATF_REQUIRE_EQ_MSG(atomic_load(&th->th_total), rounds,
	    "%s: %ld events, %ld expected", what, atomic_load(&th->th_total),
	    rounds);
	threads_stop(th);
}

EVT_TC(one_waiter__edge, "KQ-239 KQ-250",
    "Each arrival at an EV_CLEAR knote goes to exactly one of four waiters")
{
	struct threads *th = threads_start(4, 1);
	int p[2];
	long i;

	th->th_grow = true;
	evt_pipe(p);
	evt_change(th->th_kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, 0);
	for (i = 1; i <= THREADS_ROUNDS; i++) {
		atomic_store(&th->th_began[i], evt_now_ns());
		evt_write(p[1], 1);
		threads_reach(&th->th_total, i, "arrivals");
	}
	threads_exact(th, THREADS_ROUNDS, "arrivals");
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(one_waiter__one_shot, "KQ-239 KQ-091",
    "Each EV_ONESHOT event goes to exactly one of four waiters")
{
	struct threads *th = threads_start(4, 2);
	int p[2];
	long i;

	evt_pipe(p);
	evt_write(p[1], 1);
	for (i = 1; i <= THREADS_ROUNDS; i++) {
		evt_change(th->th_kq, p[0], EVFILT_READ, EV_ADD | EV_ONESHOT,
		    0, 0, 0);
		threads_reach(&th->th_total, i, "one-shot events");
	}
	threads_exact(th, THREADS_ROUNDS, "one-shot events");
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(one_waiter__dispatch, "KQ-239 KQ-095 KQ-096",
    "Each time an EV_DISPATCH knote is enabled its event goes to exactly one "
    "of four waiters, with another filter beside it")
{
	struct threads *th = threads_start(4, 2);
	int s[2];
	long i;

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	evt_change(th->th_kq, s[0], EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0,
	    0);
	threads_reach(&th->th_total, 1, "write events");
	evt_change(th->th_kq, s[0], EVFILT_READ, EV_ADD | EV_DISPATCH, 0, 0,
	    0);
	for (i = 2; i <= THREADS_ROUNDS; i++) {
		threads_reach(&th->th_total, i, "dispatched events");
		evt_change(th->th_kq, s[0], EVFILT_READ, EV_ENABLE, 0, 0, 0);
	}
	threads_reach(&th->th_total, THREADS_ROUNDS + 1, "dispatched events");
	threads_exact(th, THREADS_ROUNDS + 1, "dispatched events");
	evt_close(s[0]);
	evt_close(s[1]);
}

EVT_TC(one_waiter__timer_and_file, "KQ-239",
    "One-shot timers and one-shot events of regular files go to exactly one "
    "of four waiters")
{
	struct threads *th = threads_start(4, 2);
	char path[EVT_PATH_MAX];
	long i;
	int fd;

	fd = evt_tmpfile(path);
	for (i = 1; i <= 100; i++) {
		evt_change(th->th_kq, 7, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0,
		    1, 0);
		evt_change(th->th_kq, fd, EVFILT_WRITE, EV_ADD | EV_ONESHOT,
		    0, 0, 0);
		threads_reach(&th->th_total, 2 * i, "timers and files");
	}
	threads_exact(th, 200, "timers and files");
	evt_close(fd);
}

#ifdef EVFILT_USER
EVT_TC(one_waiter__user, "KQ-239 KQ-235",
    "Each trigger of an EV_CLEAR user event goes to exactly one of four "
    "waiters")
{
	struct threads *th = threads_start(4, 1);
	long i;

	evt_change(th->th_kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, 0);
	for (i = 1; i <= THREADS_ROUNDS; i++) {
		evt_change(th->th_kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, 0);
		threads_reach(&th->th_total, i, "triggers");
	}
	threads_exact(th, THREADS_ROUNDS, "triggers");
}
#endif

/* ---- at least one, and enough ------------------------------------------ */

struct threads_waiter {
	struct evt_thread	tw_thread;
	int			tw_kq;
	int			tw_count;
	int			tw_ms;
	struct kevent		tw_event;
};

static void
threads_wait_once(void *arg)
{
	struct threads_waiter *tw = arg;

	tw->tw_count = evt_kevent_ms(tw->tw_kq, NULL, 0, &tw->tw_event, 1,
	    tw->tw_ms);
}

static void
threads_waiters_start(struct threads_waiter *tw, int n, int kq, int ms)
{
	int i;

	for (i = 0; i < n; i++) {
		memset(&tw[i].tw_event, 0, sizeof(tw[i].tw_event));
		tw[i].tw_kq = kq;
		tw[i].tw_ms = ms;
		evt_thread_start(&tw[i].tw_thread, threads_wait_once, &tw[i]);
	}
	for (i = 0; i < n; i++)
		evt_thread_asleep(&tw[i].tw_thread);
}

EVT_TC(level__wakes_somebody, "KQ-240",
    "A level event wakes at least one of four waiters, and whoever wakes has "
    "it")
{
	struct threads_waiter tw[4];
	int i, kq, p[2], woken = 0;

	kq = evt_kq();
	evt_pipe(p);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, 0);
	threads_waiters_start(tw, 4, kq, EVT_WAIT_MS);
	evt_write(p[1], 5);
	for (i = 0; i < 4; i++) {
		evt_thread_join(&tw[i].tw_thread);
		ATF_REQUIRE(tw[i].tw_count >= 0);
		if (tw[i].tw_count == 1)
			EVT_EVENT(&tw[i].tw_event, p[0], EVFILT_READ, 0, 0, 5);
		woken += tw[i].tw_count;
	}
	ATF_REQUIRE_MSG(woken >= 1, "nobody woke");
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(level__woken_in_vain_before, "KQ-240",
    "A waiter that was woken for an event that is gone has the next one, "
    "whoever had it before")
{
	struct threads_waiter tw[4];
	int i, kq, round;

	kq = evt_kq();
	for (round = 0; round < 5; round++) {
		threads_waiters_start(tw, 4, kq, EVT_WAIT_MS);
		/* Deleted, it may have left a wake-up behind. */
		evt_change(kq, 7, EVFILT_USER, EV_ADD, 0, 0, 0);
		evt_change(kq, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, 0);
		for (i = 0; i < 4; i++) {
			evt_thread_join(&tw[i].tw_thread);
			ATF_REQUIRE_EQ(1, tw[i].tw_count);
			ATF_REQUIRE_EQ(7U, tw[i].tw_event.ident);
		}
		evt_change(kq, 7, EVFILT_USER, EV_DELETE, 0, 0, 0);
	}
	evt_close(kq);
}

/* All eight waiters must have an event, all different by udata. */
static void
threads_all_served(struct threads_waiter *tw, int n, const char *what)
{
	int i, seen[THREADS_MAX];

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < n; i++) {
		evt_thread_join(&tw[i].tw_thread);
		ATF_REQUIRE_EQ_MSG(tw[i].tw_count, 1,
		    "%s: waiter %d of %d returned %d", what, i, n,
		    tw[i].tw_count);
		seen[(intptr_t)tw[i].tw_event.udata]++;
	}
	for (i = 0; i < n; i++)
		ATF_REQUIRE_EQ_MSG(seen[i], 1, "%s: event %d came %d times",
		    what, i, seen[i]);
}

EVT_TC(waiters__as_many_pipes, "KQ-241 KQ-240",
    "Eight waiters with room for one and eight pipes written in a row: each "
    "waiter has one event")
{
	struct threads_waiter tw[THREADS_MAX];
	int i, kq, p[THREADS_MAX][2], round;

	kq = evt_kq();
	for (i = 0; i < THREADS_MAX; i++) {
		evt_pipe(p[i]);
		evt_change(kq, p[i][0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    (void *)(intptr_t)i);
	}
	for (round = 0; round < 20; round++) {
		threads_waiters_start(tw, THREADS_MAX, kq, 2 * EVT_WAIT_MS);
		for (i = 0; i < THREADS_MAX; i++)
			evt_write(p[i][1], 1);
		threads_all_served(tw, THREADS_MAX, "pipes");
	}
	for (i = 0; i < THREADS_MAX; i++) {
		evt_close(p[i][0]);
		evt_close(p[i][1]);
	}
	evt_close(kq);
}

EVT_TC(waiters__as_many_duplicates, "KQ-241 KQ-069",
    "One byte for a pipe registered under eight numbers serves eight waiters")
{
	struct threads_waiter tw[THREADS_MAX];
	int fd[THREADS_MAX], i, kq, p[2], round;

	kq = evt_kq();
	evt_pipe(p);
	for (i = 0; i < THREADS_MAX; i++) {
		ATF_REQUIRE((fd[i] = dup(p[0])) != -1);
		evt_change(kq, fd[i], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    (void *)(intptr_t)i);
	}
	for (round = 0; round < 20; round++) {
		threads_waiters_start(tw, THREADS_MAX, kq, 2 * EVT_WAIT_MS);
		evt_write(p[1], 1);
		threads_all_served(tw, THREADS_MAX, "duplicates");
	}
	for (i = 0; i < THREADS_MAX; i++)
		evt_close(fd[i]);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(waiters__as_many_timers, "KQ-241",
    "Eight timers that expire together serve eight waiters")
{
	struct threads_waiter tw[THREADS_MAX];
	struct kevent ev[THREADS_MAX];
	int i, kq, round;

	kq = evt_kq();
	for (round = 0; round < 10; round++) {
		threads_waiters_start(tw, THREADS_MAX, kq, 2 * EVT_WAIT_MS);
		for (i = 0; i < THREADS_MAX; i++)
			EV_SET(&ev[i], (uintptr_t)i, EVFILT_TIMER,
			    EV_ADD | EV_ONESHOT, 0, 5, (void *)(intptr_t)i);
		ATF_REQUIRE_EQ(evt_kevent(kq, ev, THREADS_MAX, NULL, 0, NULL),
		    0);
		threads_all_served(tw, THREADS_MAX, "timers");
	}
	evt_close(kq);
}

EVT_TC(waiters__both_filters, "KQ-241 KQ-263",
    "READ and WRITE of one socket that become ready together serve two "
    "waiters")
{
	struct threads_waiter tw[2];
	struct kevent ev[2];
	int kq, round, s[2];

	kq = evt_kq();
	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	for (round = 0; round < 40; round++) {
		threads_waiters_start(tw, 2, kq, 2 * EVT_WAIT_MS);
		EV_SET(&ev[0], (uintptr_t)s[0], EVFILT_READ,
		    EV_ADD | EV_ONESHOT, 0, 0, (void *)0);
		EV_SET(&ev[1], (uintptr_t)s[0], EVFILT_WRITE,
		    EV_ADD | EV_ONESHOT, 0, 0, (void *)1);
		ATF_REQUIRE_EQ(evt_kevent(kq, ev, 2, NULL, 0, NULL), 0);
		threads_all_served(tw, 2, "filters");
	}
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(kq);
}

#ifdef EVFILT_USER
EVT_TC(waiters__as_many_user_events, "KQ-241 KQ-235",
    "Eight user events triggered by one call serve eight waiters")
{
	struct threads_waiter tw[THREADS_MAX];
	struct kevent ev[THREADS_MAX];
	int i, kq, round;

	kq = evt_kq();
	for (i = 0; i < THREADS_MAX; i++)
		evt_change(kq, i, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, 0);
	for (round = 0; round < 20; round++) {
		threads_waiters_start(tw, THREADS_MAX, kq, 2 * EVT_WAIT_MS);
		for (i = 0; i < THREADS_MAX; i++)
			EV_SET(&ev[i], (uintptr_t)i, EVFILT_USER, 0,
			    NOTE_TRIGGER, 0, (void *)(intptr_t)i);
		ATF_REQUIRE_EQ(evt_kevent(kq, ev, THREADS_MAX, NULL, 0, NULL),
		    0);
		threads_all_served(tw, THREADS_MAX, "user events");
	}
	evt_close(kq);
}
#endif

EVT_TC(change__wakes_a_waiter, "KQ-242 KQ-031",
    "A knote that another thread adds or enables ready ends a wait, for "
    "sockets, files, timers and user events")
{
	struct threads_waiter tw;
	char path[EVT_PATH_MAX];
	int fd, i, kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	fd = evt_tmpfile(path);
	for (i = 0; i < 7; i++) {
		kq = evt_kq();
		if (i == 1)
			evt_change(kq, s[0], EVFILT_READ, EV_ADD | EV_DISABLE,
			    0, 0, 0);
		if (i == 3)
			evt_change(kq, fd, EVFILT_WRITE, EV_ADD | EV_DISABLE,
			    0, 0, 0);
		threads_waiters_start(&tw, 1, kq, -1);
		switch (i) {
		case 0:
			evt_change(kq, s[0], EVFILT_READ, EV_ADD, 0, 0, 0);
			break;
		case 1:
			evt_change(kq, s[0], EVFILT_READ, EV_ENABLE, 0, 0, 0);
			break;
		case 2:
			evt_change(kq, fd, EVFILT_WRITE, EV_ADD, 0, 0, 0);
			break;
		case 3:
			evt_change(kq, fd, EVFILT_WRITE, EV_ENABLE, 0, 0, 0);
			break;
		case 4:
			evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 5, 0);
			break;
		case 5:
			evt_change(kq, s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR,
			    0, 0, 0);
			break;
		default:
#ifdef EVFILT_USER
			evt_change(kq, 1, EVFILT_USER, EV_ADD, 0, 0, 0);
			evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, 0);
#else
			evt_change(kq, fd, EVFILT_WRITE, EV_ADD, 0, 0, 0);
#endif
			break;
		}
		evt_thread_join(&tw.tw_thread);
		ATF_REQUIRE_EQ_MSG(tw.tw_count, 1, "change %d", i);
		evt_close(kq);
	}
	evt_close(fd);
	evt_close(s[0]);
	evt_close(s[1]);
}

/* ---- nothing lost ------------------------------------------------------ */

EVT_TC(edge__activity_during_delivery, "KQ-245 KQ-239",
    "Bytes that arrive while another thread takes the EV_CLEAR event are "
    "told again: every byte is read in time")
{
	struct threads *th;
	int p[2], spin;
	volatile int wait;
	long i, written = 0;

	evt_pipe(p);
	evt_nonblock(p[0]);
	th = threads_start(3, 2);
	th->th_drain = 1;
	evt_change(th->th_kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, 0);
	for (i = 0; i < 4000; i++) {
		for (spin = 0; spin <= i % 4; spin++) {
			evt_write(p[1], 1);
			written++;
			for (wait = 0; wait < i % 61 * 5; wait++)
				continue;
		}
		threads_reach(&th->th_bytes, written, "bytes");
	}
	threads_stop(th);
	evt_close(p[0]);
	evt_close(p[1]);
}

#ifdef EVFILT_USER
EVT_TC(user__triggers_during_delivery, "KQ-245 KQ-227",
    "A trigger beside a delivery is told again: what was posted before it is "
    "always seen")
{
	struct threads *th = threads_start(3, 1);
	int burst;
	long i, posted = 0;

	evt_change(th->th_kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, 0);
	for (i = 0; i < 4000; i++) {
		for (burst = 0; burst <= i % 3; burst++) {
			atomic_store(&th->th_posted, ++posted);
			evt_change(th->th_kq, 1, EVFILT_USER, 0, NOTE_TRIGGER,
			    0, 0);
		}
		threads_reach(&th->th_seen, posted, "posts");
	}
	threads_stop(th);
}
#endif

EVT_TC(edge__shared_without_loss_or_repeat, "KQ-250 KQ-262 KQ-239",
    "Four collectors with short lists share hundreds of edge events: each "
    "comes exactly once in total")
{
	struct threads *th;
	int i, p[300][2], round;

	for (i = 0; i < 300; i++)
		evt_pipe(p[i]);
	th = threads_start(4, 3);
	th->th_grow = true;
	for (i = 0; i < 300; i++)
		evt_change(th->th_kq, p[i][0], EVFILT_READ, EV_ADD | EV_CLEAR,
		    0, 0, (void *)(intptr_t)i);
#ifdef EVFILT_USER
	for (; i < 400; i++)
		evt_change(th->th_kq, i, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0,
		    (void *)(intptr_t)i);
#endif
	for (round = 1; round <= 10; round++) {
		long n = 300;

		atomic_store(&th->th_began[round], evt_now_ns());
		for (i = 0; i < 300; i++) {
			evt_write(p[i][1], 1);
#ifdef EVFILT_USER
			if (i % 3 == 0) {
				evt_change(th->th_kq, 300 + i / 3,
				    EVFILT_USER, 0, NOTE_TRIGGER, 0,
				    (void *)(intptr_t)(300 + i / 3));
				n++;
			}
#endif
		}
		threads_reach(&th->th_total, round * n, "edges");
		(void)poll(NULL, 0, EVT_QUIET_MS / 5);
		for (i = 0; i < (int)n; i++)
			ATF_REQUIRE_EQ_MSG(atomic_load(&th->th_count[i]),
			    round, "round %d: event %d came %d times", round,
			    i, atomic_load(&th->th_count[i]));
	}
	threads_stop(th);
	for (i = 0; i < 300; i++) {
		evt_close(p[i][0]);
		evt_close(p[i][1]);
	}
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, one_waiter__edge);
	EVT_TP_ADD_TC(tp, one_waiter__one_shot);
	EVT_TP_ADD_TC(tp, one_waiter__dispatch);
	EVT_TP_ADD_TC(tp, one_waiter__timer_and_file);
	EVT_TP_ADD_TC(tp, level__wakes_somebody);
	EVT_TP_ADD_TC(tp, level__woken_in_vain_before);
	EVT_TP_ADD_TC(tp, waiters__as_many_pipes);
	EVT_TP_ADD_TC(tp, waiters__as_many_duplicates);
	EVT_TP_ADD_TC(tp, waiters__as_many_timers);
	EVT_TP_ADD_TC(tp, waiters__both_filters);
	EVT_TP_ADD_TC(tp, change__wakes_a_waiter);
	EVT_TP_ADD_TC(tp, edge__activity_during_delivery);
	EVT_TP_ADD_TC(tp, edge__shared_without_loss_or_repeat);
#ifdef EVFILT_USER
	EVT_TP_ADD_TC(tp, one_waiter__user);
	EVT_TP_ADD_TC(tp, waiters__as_many_user_events);
	EVT_TP_ADD_TC(tp, user__triggers_during_delivery);
#endif
	return (atf_no_error());
}
