/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Changes, closes and cancellation beside other threads' waits.
 */
#include "config.h"

#include "evt.h"
#include "evt_child.h"

#include <sys/socket.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#define RACES_NUMBER	200

/* ---- nothing after the change ------------------------------------------ */

/*
 * The collector reads the phase before and after each call.  While it is odd
 * the knote is deleted or disabled, so that a call which began and ended in
 * one odd phase must not have an event.
 */
struct races_phase {
	int		rp_kq;
	int		rp_ms;
	atomic_bool	rp_stop;
	atomic_long	rp_phase;
	atomic_long	rp_events;
	atomic_long	rp_wrong;
	atomic_long	rp_calls;	/* that ended in an odd phase */
};

static void
races_collect(void *arg)
{
	struct races_phase *rp = arg;
	struct kevent ev[2];
	long phase;
	int n;

	while (!atomic_load(&rp->rp_stop)) {
		phase = atomic_load(&rp->rp_phase);
		n = evt_kevent_ms(rp->rp_kq, NULL, 0, ev, 2, rp->rp_ms);
		if (n > 0)
			atomic_fetch_add(&rp->rp_events, 1);
		if (phase % 2 == 1 && atomic_load(&rp->rp_phase) == phase) {
			atomic_fetch_add(&rp->rp_calls, 1);
			if (n > 0)
				atomic_fetch_add(&rp->rp_wrong, 1);
		}
	}
}

/* A change of one knote for good and back, many times. */
static void
races_silence(const char *what, int ms, uintptr_t ident, int filter,
    unsigned int on, unsigned int fflags, unsigned int off)
{
	struct evt_thread thread[2];
	struct races_phase rp;
	int64_t end;
	long events;
	int i;

	memset(&rp, 0, sizeof(rp));
	rp.rp_kq = evt_kq();
	rp.rp_ms = ms;
	evt_change(rp.rp_kq, ident, filter, EV_ADD | EV_DISABLE, 0, 0, NULL);
	for (i = 0; i < 2; i++)
		evt_thread_start(&thread[i], races_collect, &rp);
	for (i = 0; i < 100; i++) {
		end = evt_now_ns() + (int64_t)10 * EVT_WAIT_MS * 1000000;
		events = atomic_load(&rp.rp_events);
		evt_change(rp.rp_kq, ident, filter, on, fflags, 0, NULL);
		while (atomic_load(&rp.rp_events) < events + 2) {
			if (evt_now_ns() > end)
				atf_tc_fail("%s: no event while on", what);
			(void)sched_yield();
		}
		evt_change(rp.rp_kq, ident, filter, off, 0, 0, NULL);
		atomic_fetch_add(&rp.rp_phase, 1);
		events = atomic_load(&rp.rp_calls);
		while (atomic_load(&rp.rp_calls) < events + 2 &&
		    evt_now_ns() < end)
			(void)sched_yield();
		atomic_fetch_add(&rp.rp_phase, 1);
	}
	atomic_store(&rp.rp_stop, true);
	for (i = 0; i < 2; i++)
		evt_thread_join(&thread[i]);
	ATF_REQUIRE_EQ_MSG(atomic_load(&rp.rp_wrong), 0,
	    "%s: %ld events after the change had returned", what,
	    atomic_load(&rp.rp_wrong));
	ATF_REQUIRE_MSG(atomic_load(&rp.rp_calls) > 0, "%s: not tried", what);
	evt_close(rp.rp_kq);
}

EVT_TC(silence__after_delete_or_disable, "KQ-243 KQ-082 KQ-087",
    "No call that starts after EV_DELETE or EV_DISABLE returned gives the "
    "knote's event, for descriptors, files and user events")
{
	char path[EVT_PATH_MAX];
	int fd, ms, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	fd = evt_tmpfile(path);
	for (ms = 0; ms < 2; ms++) {
		races_silence("delete a pipe", ms, (uintptr_t)p[0],
		    EVFILT_READ, EV_ADD | EV_ENABLE, 0, EV_DELETE);
		races_silence("disable a pipe", ms, (uintptr_t)p[0],
		    EVFILT_READ, EV_ENABLE, 0, EV_DISABLE);
		races_silence("delete a file", ms, (uintptr_t)fd,
		    EVFILT_WRITE, EV_ADD | EV_ENABLE, 0, EV_DELETE);
		races_silence("disable a file", ms, (uintptr_t)fd,
		    EVFILT_WRITE, EV_ENABLE, 0, EV_DISABLE);
#ifdef EVFILT_USER
		races_silence("disable a user event", ms, 1, EVFILT_USER,
		    EV_ENABLE, NOTE_TRIGGER, EV_DISABLE);
#endif
	}
	evt_close(fd);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- deletion beside delivery ------------------------------------------ */

struct races_delete {
	struct evt_barrier	rd_barrier;
	int			rd_kq;
	int			rd_rounds;
	int			rd_got;
};

static void
races_taker(void *arg)
{
	struct races_delete *rd = arg;
	struct kevent ev[4];
	int i, j;

	for (i = 0; i < rd->rd_rounds; i++) {
		evt_barrier_wait(&rd->rd_barrier);
		for (j = 0; j < 3; j++)
			rd->rd_got += evt_kevent_ms(rd->rd_kq, NULL, 0, ev, 4,
			    0);
		evt_barrier_wait(&rd->rd_barrier);
	}
}

static void
races_delete(int ident, int filter, unsigned int fflags, int rounds)
{
	struct evt_thread thread;
	struct races_delete rd;
	struct kevent change, ev;
	volatile int spin;
	int error, i, taken = 0;

	rd.rd_kq = evt_kq();
	rd.rd_rounds = rounds;
	evt_barrier_init(&rd.rd_barrier, 2);
	evt_thread_start(&thread, races_taker, &rd);
	for (i = 0; i < rounds; i++) {
		evt_change(rd.rd_kq, ident, filter, EV_ADD | EV_ONESHOT, 0,
		    filter == EVFILT_TIMER ? 1 : 0, NULL);
		if (fflags != 0)
			evt_change(rd.rd_kq, ident, filter, 0, fflags, 0,
			    NULL);
		EV_SET(&change, (uintptr_t)ident, (short)filter, EV_DELETE, 0,
		    0, NULL);
		rd.rd_got = 0;
		evt_barrier_wait(&rd.rd_barrier);
		for (spin = 0; spin < i % 83 * 8; spin++)
			continue;
		error = evt_kevent(rd.rd_kq, &change, 1, NULL, 0, NULL) == -1 ?
		    errno : 0;
		evt_barrier_wait(&rd.rd_barrier);
		ATF_REQUIRE_MSG(error == 0 || error == ENOENT, "round %d: %s",
		    i, strerror(error));
		ATF_REQUIRE_MSG(error == 0 || rd.rd_got == 1,
		    "round %d: gone, but %d events", i, rd.rd_got);
		ATF_REQUIRE_MSG(rd.rd_got <= 1, "round %d: %d events", i,
		    rd.rd_got);
		taken += rd.rd_got;
		ATF_REQUIRE_EQ(evt_poll(rd.rd_kq, &ev, 1), 0);
		ATF_REQUIRE_EQ(evt_change_errno(rd.rd_kq, ident, filter,
		    EV_DELETE, 0, 0, NULL), ENOENT);
	}
	printf("filter %d: taken in %d of %d rounds\n", filter, taken, rounds);
	evt_thread_join(&thread);
	evt_barrier_destroy(&rd.rd_barrier);
	evt_close(rd.rd_kq);
}

EVT_TC(delete__beside_delivery, "KQ-244 KQ-087 KQ-091",
    "EV_DELETE of a one-shot knote beside a collector succeeds, or is ENOENT "
    "because the event was taken, once")
{
	char path[EVT_PATH_MAX];
	int fd, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	races_delete(p[0], EVFILT_READ, 0, 1500);
	fd = evt_tmpfile(path);
	races_delete(fd, EVFILT_WRITE, 0, 1500);
#ifdef EVFILT_USER
	races_delete(9, EVFILT_USER, NOTE_TRIGGER, 1500);
#endif
	races_delete(9, EVFILT_TIMER, 0, 300);
	evt_close(fd);
	evt_close(p[0]);
	evt_close(p[1]);
}

struct races_add {
	struct evt_barrier	ra_barrier;
	int			ra_kq;
	int			ra_rounds;
	int			ra_fd;
	atomic_int		ra_failed;
};

static void
races_adder(void *arg)
{
	struct races_add *ra = arg;
	struct kevent ev[3];
	int i;

	for (i = 0; i < ra->ra_rounds; i++) {
		EV_SET(&ev[0], (uintptr_t)ra->ra_fd, EVFILT_READ, EV_ADD, 0, 0,
		    NULL);
		EV_SET(&ev[1], (uintptr_t)ra->ra_fd, EVFILT_WRITE, EV_ADD, 0,
		    0, NULL);
		EV_SET(&ev[2], 5, EVFILT_TIMER, EV_ADD, 0, 1, NULL);
		evt_barrier_wait(&ra->ra_barrier);
		if (evt_kevent(ra->ra_kq, ev, 3, NULL, 0, NULL) == -1)
			atomic_fetch_add(&ra->ra_failed, 1);
		evt_barrier_wait(&ra->ra_barrier);
		evt_barrier_wait(&ra->ra_barrier);
	}
}

EVT_TC(add__by_four_threads, "KQ-246 KQ-070",
    "Four threads that add the same knotes make one of each")
{
	struct evt_thread thread[4];
	struct kevent ev[8];
	struct races_add ra;
	int filters[3] = { EVFILT_READ, EVFILT_WRITE, EVFILT_TIMER };
	int i, j, s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	memset(&ra, 0, sizeof(ra));
	ra.ra_kq = evt_kq();
	ra.ra_rounds = 300;
	ra.ra_fd = s[0];
	evt_barrier_init(&ra.ra_barrier, 5);
	for (i = 0; i < 4; i++)
		evt_thread_start(&thread[i], races_adder, &ra);
	for (i = 0; i < ra.ra_rounds; i++) {
		evt_barrier_wait(&ra.ra_barrier);
		evt_barrier_wait(&ra.ra_barrier);
		(void)poll(NULL, 0, 1);
		j = evt_get(ra.ra_kq, ev, 8);
		ATF_REQUIRE_MSG(j == 2 || j == 3, "round %d: %d events", i, j);
		for (j = 0; j < 3; j++) {
			int ident = filters[j] == EVFILT_TIMER ? 5 : s[0];

			evt_change(ra.ra_kq, ident, filters[j], EV_DELETE, 0,
			    0, NULL);
			ATF_REQUIRE_EQ(evt_change_errno(ra.ra_kq, ident,
			    filters[j], EV_DELETE, 0, 0, NULL), ENOENT);
		}
		ATF_REQUIRE_EQ(evt_poll(ra.ra_kq, ev, 8), 0);
		evt_barrier_wait(&ra.ra_barrier);
	}
	for (i = 0; i < 4; i++)
		evt_thread_join(&thread[i]);
	ATF_REQUIRE_EQ(atomic_load(&ra.ra_failed), 0);
	evt_barrier_destroy(&ra.ra_barrier);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(ra.ra_kq);
}

/* ---- closing beside a wait --------------------------------------------- */

struct races_wait {
	struct evt_thread	rw_thread;
	int			rw_kq;
	int			rw_ms;
	int			rw_count;
	int			rw_errno;
	int64_t			rw_ns;
	struct kevent		rw_event;
};

static void
races_waiting(void *arg)
{
	struct races_wait *rw = arg;
	int64_t start = evt_now_ns();

	rw->rw_count = evt_kevent_ms(rw->rw_kq, NULL, 0, &rw->rw_event, 1,
	    rw->rw_ms);
	rw->rw_errno = errno;
	rw->rw_ns = evt_now_ns() - start;
}

static void
races_wait_start(struct races_wait *rw, int kq, int ms)
{
	rw->rw_kq = kq;
	rw->rw_ms = ms;
	evt_thread_start(&rw->rw_thread, races_waiting, rw);
	evt_thread_asleep(&rw->rw_thread);
}

/* The wait must have lasted to its end, without an event. */
static void
races_wait_slept(struct races_wait *rw, int64_t cpu)
{
	evt_thread_join(&rw->rw_thread);
	cpu = (evt_cpu_ns() - cpu) / 1000000;
	if (rw->rw_count > 0)
		atf_tc_fail("event {%s}", evt_text(&rw->rw_event));
	ATF_REQUIRE_EQ_MSG(rw->rw_count, 0, "kevent: %s",
	    strerror(rw->rw_errno));
	ATF_REQUIRE_MSG(rw->rw_ns / 1000000 >= rw->rw_ms,
	    "the wait ended early");
#ifndef EVT_TSAN	/* which reads debugging information meanwhile */
	ATF_REQUIRE_MSG(cpu < rw->rw_ms / 3, "%jd ms of processor time",
	    (intmax_t)cpu);
#endif
}

EVT_TC(close__watched_during_a_wait, "KQ-247 KQ-265 KQ-101",
    "Closing a watched number does not disturb another thread's wait, which "
    "lasts to its end, even if a duplicate becomes ready meanwhile")
{
	struct races_wait rw;
	int64_t cpu;
	int i, kept, kq, p[2];

	for (i = 0; i < 4; i++) {
		kq = evt_kq();
		evt_pipe(p);
		(void)evt_move(p[0], RACES_NUMBER);
		ATF_REQUIRE((kept = dup(RACES_NUMBER)) != -1);
		evt_change(kq, RACES_NUMBER, EVFILT_READ,
		    EV_ADD | (i & 2 ? EV_CLEAR : 0), 0, 0, NULL);
		races_wait_start(&rw, kq, 6 * EVT_QUIET_MS);
		cpu = evt_cpu_ns();
		if (i & 1)
			evt_close(kept);
		evt_close(RACES_NUMBER);
		if (!(i & 1))
			evt_write(p[1], 1);
		races_wait_slept(&rw, cpu);
		if (!(i & 1))
			evt_close(kept);
		evt_close(p[1]);
		evt_close(kq);
	}
}

EVT_TC(reuse__during_a_wait, "KQ-248 KQ-103 KQ-104",
    "A number that is given to other, ready files while another thread waits "
    "yields no event")
{
	struct races_wait rw;
	int64_t cpu;
	int i, kq, p[2], q[2];

	kq = evt_kq();
	evt_pipe(p);
	(void)evt_move(p[0], RACES_NUMBER);
	evt_change(kq, RACES_NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	races_wait_start(&rw, kq, 6 * EVT_QUIET_MS);
	cpu = evt_cpu_ns();
	for (i = 0; i < 20; i++) {
		evt_pipe(q);
		evt_write(q[1], 3);
		(void)evt_move(q[0], RACES_NUMBER);
		evt_close(q[1]);
	}
	races_wait_slept(&rw, cpu);
	ATF_REQUIRE_EQ(evt_change_errno(kq, RACES_NUMBER, EVFILT_READ,
	    EV_DELETE, 0, 0, NULL), ENOENT);
	evt_close(RACES_NUMBER);
	evt_close(p[1]);
	evt_close(kq);
}

struct races_watch {
	int		rt_kq;
	atomic_bool	rt_stop;
	atomic_long	rt_events;
	struct kevent	rt_event;
};

static void
races_watching(void *arg)
{
	struct races_watch *rt = arg;

	while (!atomic_load(&rt->rt_stop))
		if (evt_kevent_ms(rt->rt_kq, NULL, 0, &rt->rt_event, 1, 1) > 0)
			atomic_fetch_add(&rt->rt_events, 1);
}

EVT_TC(reuse__races_with_collectors, "KQ-248 KQ-103",
    "Beside two collectors a number is added empty and replaced by a ready "
    "file hundreds of times: no event of it ever comes")
{
	struct evt_thread thread[2];
	struct races_watch rt;
	int i, p[2], q[2];

	memset(&rt, 0, sizeof(rt));
	rt.rt_kq = evt_kq();
	for (i = 0; i < 2; i++)
		evt_thread_start(&thread[i], races_watching, &rt);
	for (i = 0; i < 500; i++) {
		evt_pipe(p);
		evt_pipe(q);
		evt_write(q[1], 3);
		(void)evt_move(p[0], RACES_NUMBER);
		evt_change(rt.rt_kq, RACES_NUMBER, EVFILT_READ, EV_ADD |
		    (i % 2 ? EV_CLEAR : 0), 0, 0, NULL);
		(void)evt_move(q[0], RACES_NUMBER);
		(void)sched_yield();
		ATF_REQUIRE_EQ(evt_change_errno(rt.rt_kq, RACES_NUMBER,
		    EVFILT_READ, EV_DELETE, 0, 0, NULL), ENOENT);
		evt_close(RACES_NUMBER);
		evt_close(p[1]);
		evt_close(q[1]);
	}
	atomic_store(&rt.rt_stop, true);
	for (i = 0; i < 2; i++)
		evt_thread_join(&thread[i]);
	ATF_REQUIRE_EQ_MSG(atomic_load(&rt.rt_events), 0, "%ld events, {%s}",
	    atomic_load(&rt.rt_events), evt_text(&rt.rt_event));
	evt_close(rt.rt_kq);
}

/* What a waiter may say after its queue was closed. */
static void
races_wait_orphaned(struct races_wait *rw, bool event)
{
	evt_thread_join(&rw->rw_thread);
	if (rw->rw_count == -1)
		ATF_REQUIRE_EQ(rw->rw_errno, EBADF);
	else if (rw->rw_count > 0 && !event)
		atf_tc_fail("event {%s}", evt_text(&rw->rw_event));
}

EVT_TC(close__queue_during_a_wait, "KQ-249 KQ-005 KQ-272",
    "The waiter of a closed queue sleeps on or gets EBADF; it takes nothing "
    "from a queue or pipe that has the number next")
{
	struct races_wait rw;
	struct kevent ev;
	int i, n, next[2], p[2];

	for (i = 0; i < 4; i++) {
		evt_pipe(p);
		evt_pipe(next);
		n = evt_move(evt_kq(), RACES_NUMBER);
		evt_change(n, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
		races_wait_start(&rw, n, 6 * EVT_QUIET_MS);
		evt_close(n);
		if (i < 2) {		/* another queue, with an event */
			(void)evt_move(evt_kq(), n);
			evt_change(n, next[0], EVFILT_READ,
			    EV_ADD | EV_CLEAR, 0, 0, NULL);
			evt_write(next[1], 7);
			if (i == 1)	/* and one for the old queue */
				evt_write(p[1], 2);
			races_wait_orphaned(&rw, i == 1);
			if (rw.rw_count == 1)
				EVT_EVENT(&rw.rw_event, p[0], EVFILT_READ, 0,
				    0, 2);
			evt_one(n, &ev);
			EVT_EVENT(&ev, next[0], EVFILT_READ, EV_CLEAR, 0, 7);
			evt_none(n);
		} else {		/* a pipe with bytes */
			evt_write(next[1], 7);
			ATF_REQUIRE(dup2(next[0], n) == n);
			if (i == 3)
				evt_write(p[1], 2);
			races_wait_orphaned(&rw, i == 3);
			ATF_REQUIRE_EQ(evt_drain(n), 7);
		}
		evt_close(n);
		evt_close(next[0]);
		evt_close(next[1]);
		evt_close(p[0]);
		evt_close(p[1]);
	}
}

static void
races_living(void *arg)
{
	struct kevent change[2], ev[2];
	atomic_int *failed = arg;
	int i, kq, p[2];

	for (i = 0; i < 300; i++) {
		if (pipe(p) == -1 || (kq = kqueue()) == -1) {
			atomic_fetch_add(failed, 1);
			return;
		}
		EV_SET(&change[0], (uintptr_t)p[0], EVFILT_READ, EV_ADD, 0, 0,
		    NULL);
		EV_SET(&change[1], 1, EVFILT_TIMER, EV_ADD, 0, 1, NULL);
		if (write(p[1], "x", 1) != 1 || evt_kevent_ms(kq, change, 2,
		    ev, 1, EVT_WAIT_MS) != 1)
			atomic_fetch_add(failed, 1);
		if (i % 2)
			(void)close(kq);
		(void)close(p[0]);
		(void)close(p[1]);
		if (i % 2 == 0)
			(void)close(kq);
	}
}

EVT_TC(queues__made_and_closed_by_threads, "KQ-249 KQ-005 KQ-001",
    "Four threads make, use and close queues of their own at once")
{
	struct evt_thread thread[4];
	struct kevent ev;
	atomic_int failed = 0;
	int i, kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	for (i = 0; i < 4; i++)
		evt_thread_start(&thread[i], races_living, &failed);
	for (i = 0; i < 4; i++)
		evt_thread_join(&thread[i]);
	ATF_REQUIRE_EQ(atomic_load(&failed), 0);
	evt_write(p[1], 1);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, p[0], EVFILT_READ, 0, 0, 1);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

/* ---- cancellation ------------------------------------------------------ */

static void *
races_cancelled(void *arg)
{
	struct kevent ev[2];
	int *kq = arg;

	for (;;)
		(void)evt_kevent_ms(*kq, NULL, 0, ev, 2, 5);
	return (NULL);
}

EVT_TC(cancel__during_a_wait, "KQ-066 KQ-242",
    "A thread cancelled at any moment of kevent() leaves the queue usable "
    "for the others")
{
	struct kevent ev;
	pthread_t id;
	void *result;
	int i, kq, p[2];

	evt_skip_asan(EVT_ASAN_CANCEL);
	kq = evt_kq();
	evt_pipe(p);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	for (i = 0; i < 200; i++) {
		ATF_REQUIRE(pthread_create(&id, NULL, races_cancelled,
		    &kq) == 0);
		if (i % 4 == 0)
			evt_write(p[1], 1);
		if (i % 2 == 0)
			(void)poll(NULL, 0, i % 6);
		ATF_REQUIRE(pthread_cancel(id) == 0);
		ATF_REQUIRE(pthread_join(id, &result) == 0);
		ATF_REQUIRE(result == PTHREAD_CANCELED);
		if (i % 4 == 0) {
			evt_one(kq, &ev);
			EVT_EVENT(&ev, p[0], EVFILT_READ, 0, 0, 1);
			(void)evt_drain(p[0]);
		}
		evt_change(kq, 7, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 5000,
		    NULL);
		evt_change(kq, 7, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	}
	evt_idle(kq);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

struct races_victim {
	int		rv_kq;
	int		rv_dir;
	int		rv_pipe[2];
	int		rv_socket[2];
	atomic_int	rv_tid;
	atomic_int	rv_turn;
};

/* Changes of all kinds, each with what it reads and closes, and short waits. */
static void *
races_victim(void *arg)
{
	struct races_victim *rv = arg;
	struct kevent ch[6], ev[4];
	int i;

#ifdef SYS_gettid
	atomic_store(&rv->rv_tid, (int)syscall(SYS_gettid));
#endif
	for (i = 0;; i++) {
		atomic_store(&rv->rv_turn, i);
		EV_SET(&ch[0], (uintptr_t)rv->rv_pipe[0], EVFILT_READ,
		    i % 3 != 2 ? EV_ADD | EV_CLEAR : EV_DELETE, 0, 0, NULL);
		EV_SET(&ch[1], (uintptr_t)rv->rv_socket[0], EVFILT_READ,
		    EV_ADD | EV_CLEAR, 0, 0, NULL);
		EV_SET(&ch[2], (uintptr_t)rv->rv_socket[0], EVFILT_WRITE,
		    EV_ADD | EV_CLEAR, 0, 0, NULL);
		EV_SET(&ch[3], 1, EVFILT_TIMER, EV_ADD, 0, 1, NULL);
		EV_SET(&ch[4], (uintptr_t)getppid(), EVFILT_PROC,
		    i % 2 == 0 ? EV_ADD : EV_DELETE, NOTE_EXIT, 0, NULL);
		EV_SET(&ch[5], (uintptr_t)rv->rv_dir, EVFILT_VNODE,
		    i % 3 != 1 ? EV_ADD | EV_CLEAR : EV_DELETE, NOTE_WRITE, 0,
		    NULL);
		(void)kevent(rv->rv_kq, ch, EVT_NITEMS(ch), NULL, 0, NULL);
		(void)evt_kevent_ms(rv->rv_kq, NULL, 0, ev, EVT_NITEMS(ev),
		    i % 2);
	}
	return (NULL);
}

/*
 * late: as if signals of the cancellation came after the call that they were
 * meant for, as the C library may send them.
 */
static void
races_cancel(pthread_t id, struct races_victim *rv, bool late)
{
#if defined(__GLIBC__) && defined(SYS_tgkill)
	int i;

	for (i = 0; late && i < 3; i++) {
		(void)syscall(SYS_tgkill, getpid(), atomic_load(&rv->rv_tid),
		    __SIGRTMIN);
		(void)sched_yield();
	}
#else
	(void)rv;
	(void)late;
#endif
	ATF_REQUIRE_EQ(pthread_cancel(id), 0);
}

EVT_TC(cancel__beside_changes, "KQ-066 KQ-242",
    "A thread cancelled at any moment of its changes and waits keeps no lock "
    "and leaks nothing")
{
	struct races_victim rv = { .rv_tid = 0 };
	struct kevent ev;
	pthread_t id;
	void *result;
	int i, kq, n;

	evt_skip_asan(EVT_ASAN_CANCEL);
	evt_skip_tsan(EVT_TSAN_CANCEL);
	rv.rv_kq = evt_kq();
	ATF_REQUIRE((rv.rv_dir = open(".", O_RDONLY)) != -1);
	evt_pipe(rv.rv_pipe);
	evt_sockpair(rv.rv_socket, SOCK_STREAM);
	evt_write(rv.rv_pipe[1], 1);
	evt_write(rv.rv_socket[1], 1);
	for (i = 0; i < 200; i++) {
		atomic_store(&rv.rv_tid, 0);
		atomic_store(&rv.rv_turn, 0);
		ATF_REQUIRE_EQ(pthread_create(&id, NULL, races_victim, &rv),
		    0);
#ifdef SYS_gettid
		while (atomic_load(&rv.rv_tid) == 0)
			(void)sched_yield();
#endif
		/* Another turn each time, and another moment of it. */
		while (atomic_load(&rv.rv_turn) < i * 7919 % 40)
			(void)sched_yield();
		for (n = i * 31 % 97; n > 0; n--)
			(void)sched_yield();
		/* The first brings the handler of that signal. */
		races_cancel(id, &rv, i % 2 != 0);
		ATF_REQUIRE_EQ(pthread_join(id, &result), 0);
		ATF_REQUIRE(result == PTHREAD_CANCELED);
		evt_change(rv.rv_kq, 2, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0,
		    5000, NULL);
		evt_change(rv.rv_kq, 2, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
		(void)evt_poll(rv.rv_kq, &ev, 1);
		kq = evt_kq();
		evt_close(kq);
	}
	evt_close(rv.rv_kq);
	evt_close(rv.rv_dir);
	for (i = 0; i < 2; i++) {
		evt_close(rv.rv_pipe[i]);
		evt_close(rv.rv_socket[i]);
	}
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, silence__after_delete_or_disable);
	EVT_TP_ADD_TC(tp, delete__beside_delivery);
	EVT_TP_ADD_TC(tp, add__by_four_threads);
	EVT_TP_ADD_TC(tp, close__watched_during_a_wait);
	EVT_TP_ADD_TC(tp, reuse__during_a_wait);
	EVT_TP_ADD_TC(tp, reuse__races_with_collectors);
	EVT_TP_ADD_TC(tp, close__queue_during_a_wait);
	EVT_TP_ADD_TC(tp, queues__made_and_closed_by_threads);
	EVT_TP_ADD_TC(tp, cancel__during_a_wait);
	EVT_TP_ADD_TC(tp, cancel__beside_changes);
	return (atf_no_error());
}
