/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * pollthread: the background thread of the portable mechanisms, pollthread.h.
 */
#include "config.h"

#include "evt.h"

#include <dirent.h>
#include <poll.h>
#include <semaphore.h>

#include "backends/poll/pollthread.h"

#define MS	INT64_C(1000000)

#define PT_TC(name, text)						\
	static void body_##name(void);					\
	ATF_TC(name);							\
	ATF_TC_HEAD(name, tc)						\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
	}								\
	ATF_TC_BODY(name, tc)						\
	{								\
		body_##name();						\
	}								\
	static void							\
	body_##name(void)

static atomic_int calls;

static void
count_tick(struct evany__bg_tick *bt)
{
	(void)bt;
	(void)atomic_fetch_add(&calls, 1);
}

static bool
calls_reach(int n)
{
	int64_t end = evt_now_ns() + EVT_WAIT_MS * MS;

	while (atomic_load(&calls) < n && evt_now_ns() < end)
		(void)poll(NULL, 0, 1);
	return (atomic_load(&calls) >= n);
}

static struct evany__bg_tick tick = { .bt_fn = count_tick };
static struct evany__bg_tick other = { .bt_fn = count_tick };

PT_TC(tick__periodic, "a tick calls at its interval until it is stopped")
{
	int64_t start = evt_now_ns();
	int n;

	ATF_REQUIRE_EQ(0, evany__bg_tick_start(&tick, 10));
	ATF_CHECK(calls_reach(5));
	ATF_CHECK(evt_now_ns() - start >= 50 * MS);
	evany__bg_tick_stop(&tick);
	evany__bg_tick_stop(&tick);
	n = atomic_load(&calls);
	(void)poll(NULL, 0, EVT_QUIET_MS);
	/* One call may have begun before. */
	ATF_CHECK(atomic_load(&calls) <= n + 1);
	ATF_REQUIRE_EQ(0, evany__bg_tick_start(&tick, 3600000));
	ATF_REQUIRE_EQ(0, evany__bg_tick_start(&tick, 1));
	ATF_CHECK(calls_reach(n + 5));
	evany__bg_tick_stop(&tick);
}

PT_TC(tick__once, "a tick at a time calls once, not before")
{
	int64_t at = evt_now_ns() + 30 * MS;

	ATF_REQUIRE_EQ(0, evany__bg_tick_at(&tick, at));
	ATF_CHECK(calls_reach(1));
	ATF_CHECK(evt_now_ns() >= at);
	(void)poll(NULL, 0, EVT_QUIET_MS);
	ATF_CHECK_EQ(1, atomic_load(&calls));
	evany__bg_tick_stop(&tick);
	/* An earlier one is not held up by a later one. */
	ATF_REQUIRE_EQ(0, evany__bg_tick_at(&tick,
	    evt_now_ns() + 3600000 * MS));
	ATF_REQUIRE_EQ(0, evany__bg_tick_at(&other, evt_now_ns()));
	ATF_CHECK(calls_reach(2));
	evany__bg_tick_stop(&tick);
}

static void
restart_tick(struct evany__bg_tick *bt)
{
	if (atomic_fetch_add(&calls, 1) < 4)
		(void)evany__bg_tick_at(bt, 0);
}

PT_TC(tick__restarts_itself, "a tick's function may set the tick again")
{
	static struct evany__bg_tick again = { .bt_fn = restart_tick };

	ATF_REQUIRE_EQ(0, evany__bg_tick_at(&again, 0));
	ATF_CHECK(calls_reach(5));
	(void)poll(NULL, 0, EVT_QUIET_MS);
	ATF_CHECK_EQ(5, atomic_load(&calls));
}

struct watch {
	struct evany__bg_watch	 w_watch;
	sem_t			 w_hit;
	sem_t			 w_freed;
	short			 w_revents;
};

static void
watch_hit(struct evany__bg_watch *bw, short revents)
{
	struct watch *w = (struct watch *)(void *)bw;

	w->w_revents = revents;
	(void)sem_post(&w->w_hit);
}

static void
watch_free(struct evany__bg_watch *bw)
{
	struct watch *w = (struct watch *)(void *)bw;

	(void)sem_post(&w->w_freed);
}

static bool
sem_soon(sem_t *sem)
{
	int64_t end = evt_now_ns() + EVT_WAIT_MS * MS;

	while (sem_trywait(sem) == -1) {
		if (evt_now_ns() >= end)
			return (false);
		(void)poll(NULL, 0, 1);
	}
	return (true);
}

static void
watch_init(struct watch *w, int fd)
{
	memset(w, 0, sizeof(*w));
	w->w_watch.bw_fd = fd;
	w->w_watch.bw_fn = watch_hit;
	w->w_watch.bw_free = watch_free;
	ATF_REQUIRE_EQ(0, sem_init(&w->w_hit, 0, 0));
	ATF_REQUIRE_EQ(0, sem_init(&w->w_freed, 0, 0));
	ATF_REQUIRE_EQ(0, evany__bg_watch_init(&w->w_watch));
}

static void
watch_fini(struct watch *w)
{
	evany__bg_watch_end(&w->w_watch);
	ATF_REQUIRE(sem_soon(&w->w_freed));
	(void)sem_destroy(&w->w_hit);
	(void)sem_destroy(&w->w_freed);
}

PT_TC(watch__off_after_a_call, "a watch calls once for each time it is set")
{
	struct watch w;
	int i, p[2];

	evt_pipe(p);
	watch_init(&w, p[0]);
	evt_write(p[1], 1);
	for (i = 0; i < 3; i++) {
		evany__bg_watch_set(&w.w_watch, POLLIN);
		ATF_CHECK(sem_soon(&w.w_hit));
		ATF_CHECK_EQ(POLLIN, w.w_revents);
		(void)poll(NULL, 0, EVT_QUIET_MS);
		ATF_CHECK_EQ(-1, sem_trywait(&w.w_hit));
	}
	watch_fini(&w);
	evt_close(p[0]);
	evt_close(p[1]);
}

PT_TC(watch__many, "watches come and go in any order")
{
	static struct watch w[300];
	int i, p[2], q[2];

	evt_pipe(p);
	evt_pipe(q);
	evt_write(q[1], 1);
	for (i = 0; i < 300; i++) {
		watch_init(&w[i], i % 3 == 0 ? q[0] : p[0]);
		evany__bg_watch_set(&w[i].w_watch, POLLIN);
	}
	for (i = 0; i < 300; i += 3)
		ATF_REQUIRE(sem_soon(&w[i].w_hit));
	for (i = 1; i < 300; i += 3)
		watch_fini(&w[i]);
	evt_write(p[1], 1);
	for (i = 2; i < 300; i += 3)
		ATF_REQUIRE(sem_soon(&w[i].w_hit));
	for (i = 0; i < 300; i++)
		if (i % 3 != 1)
			watch_fini(&w[i]);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q[0]);
	evt_close(q[1]);
}

static sem_t released;

static void
release_fn(struct evany__bg_release *br)
{
	(void)br;
	(void)sem_post(&released);
}

PT_TC(release__at_last, "release calls, with a thread and without")
{
	static struct evany__bg_release br = { .br_fn = release_fn };

	ATF_REQUIRE_EQ(0, sem_init(&released, 0, 0));
	evany__bg_release(&br);
	ATF_CHECK_EQ(0, sem_trywait(&released));
	ATF_REQUIRE_EQ(0, evany__bg_tick_start(&tick, 1));
	ATF_REQUIRE(calls_reach(1));
	evany__bg_release(&br);
	ATF_CHECK(sem_soon(&released));
	evany__bg_tick_stop(&tick);
}

/* How many threads the process has, or 0 if that cannot be told. */
static int
threads(void)
{
	struct dirent *de;
	DIR *dir;
	int n = 0;

	if ((dir = opendir("/proc/self/task")) == NULL)
		return (0);
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.';
	(void)closedir(dir);
	return (n);
}

static int
child(void *arg)
{
	(void)arg;
	/* The parent's tick is not running here, and can be stopped. */
	if (threads() > 1)
		return (1);
	atomic_store(&calls, 0);
	evany__bg_tick_stop(&tick);
	(void)poll(NULL, 0, EVT_QUIET_MS);
	if (atomic_load(&calls) != 0)
		return (2);
	if (evany__bg_tick_start(&tick, 1) != 0 || !calls_reach(3))
		return (3);
	if (threads() != 0 && threads() != 2)
		return (4);
	return (0);
}

PT_TC(fork__begins_anew, "the child has no thread until it needs one")
{
	int i, n;

	evt_skip_tsan(EVT_TSAN_FORKED);
	ATF_CHECK(threads() <= 1);
	ATF_REQUIRE_EQ(0, evany__bg_tick_start(&tick, 1));
	ATF_REQUIRE_EQ(0, evany__bg_tick_start(&other, 3600000));
	ATF_REQUIRE(calls_reach(1));
	ATF_CHECK(threads() == 0 || threads() == 2);
	for (i = 0; i < 20; i++)
		ATF_REQUIRE_EQ(0, evt_in_child(child, NULL));
	n = atomic_load(&calls);
	ATF_CHECK(calls_reach(n + 3));
	evany__bg_tick_stop(&tick);
	evany__bg_tick_stop(&other);
}

#ifdef __GLIBC__
/* A thread with this stack cannot be had. */
static int
stacks(size_t size)
{
	pthread_attr_t attr;
	int error;

	if ((error = pthread_attr_init(&attr)) != 0)
		return (error);
	if ((error = pthread_attr_setstacksize(&attr, size)) == 0)
		error = pthread_setattr_default_np(&attr);
	(void)pthread_attr_destroy(&attr);
	return (error);
}

static int
child_without_thread(void *arg)
{
	static struct evany__bg_watch watch;

	(void)arg;
	if (stacks((size_t)1 << (8 * sizeof(size_t) - 2)) != 0)
		return (1);
	if (evany__bg_tick_start(&tick, 1) != ENOMEM ||
	    evany__bg_watch_init(&watch) != ENOMEM)
		return (2);
	if (stacks((size_t)1 << 20) != 0)
		return (3);
	if (evany__bg_tick_start(&tick, 1) != 0 || !calls_reach(3))
		return (4);
	return (0);
}

PT_TC(thread__none_to_be_had, "no thread is told as no memory")
{
	ATF_CHECK_EQ(0, evt_in_child(child_without_thread, NULL));
}
#endif

static void
signal_tick(struct evany__bg_tick *bt)
{
	sigset_t set;
	int i, n = 0;

	(void)bt;
	(void)pthread_sigmask(SIG_SETMASK, NULL, &set);
	for (i = 1; i < 32; i++)
		if (i != SIGKILL && i != SIGSTOP && !sigismember(&set, i))
			n++;
	atomic_store(&calls, 1 + n);
}

PT_TC(thread__signals_blocked, "the thread takes no signal of the program")
{
	static struct evany__bg_tick look = { .bt_fn = signal_tick };
	sigset_t after, before;

	ATF_REQUIRE_EQ(0, pthread_sigmask(SIG_SETMASK, NULL, &before));
	ATF_REQUIRE_EQ(0, evany__bg_tick_at(&look, 0));
	ATF_REQUIRE(calls_reach(1));
	ATF_CHECK_EQ(1, atomic_load(&calls));
	ATF_REQUIRE_EQ(0, pthread_sigmask(SIG_SETMASK, NULL, &after));
	ATF_CHECK_EQ(0, sigismember(&after, SIGTERM));
	ATF_CHECK_EQ(sigismember(&before, SIGUSR1),
	    sigismember(&after, SIGUSR1));
}

PT_TC(pipe__closed_by_the_program, "the thread survives closefrom(3)")
{
	int fd;

	ATF_REQUIRE_EQ(0, evany__bg_tick_start(&tick, 3600000));
	for (fd = 3; fd < 64; fd++)
		(void)close(fd);
	ATF_REQUIRE_EQ(0, evany__bg_tick_start(&tick, 1));
	ATF_CHECK(calls_reach(3));
	ATF_REQUIRE_EQ(0, evany__bg_tick_start(&other, 3600000));
	evany__bg_tick_stop(&tick);
	(void)poll(NULL, 0, EVT_QUIET_MS);
	atomic_store(&calls, 0);
	ATF_REQUIRE_EQ(0, evany__bg_tick_start(&tick, 1));
	ATF_CHECK(calls_reach(3));
	evany__bg_tick_stop(&tick);
	evany__bg_tick_stop(&other);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, tick__periodic);
	ATF_TP_ADD_TC(tp, tick__once);
	ATF_TP_ADD_TC(tp, tick__restarts_itself);
	ATF_TP_ADD_TC(tp, watch__off_after_a_call);
	ATF_TP_ADD_TC(tp, watch__many);
	ATF_TP_ADD_TC(tp, release__at_last);
	ATF_TP_ADD_TC(tp, fork__begins_anew);
#ifdef __GLIBC__
	ATF_TP_ADD_TC(tp, thread__none_to_be_had);
#endif
	ATF_TP_ADD_TC(tp, thread__signals_blocked);
	ATF_TP_ADD_TC(tp, pipe__closed_by_the_program);
	return (atf_no_error());
}
