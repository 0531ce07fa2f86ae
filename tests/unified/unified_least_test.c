/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evany_turn() for several events: how it sleeps, what wakes it, what ends it.
 */
#include "config.h"

#include "evt_uni.h"

#include <sys/resource.h>

/*
 * How often a thread of this process has gone to sleep.  ThreadSanitizer has
 * one of its own, which does so ten times a second.
 */
static long
sleeps(void)
{
	struct rusage ru;

	ATF_REQUIRE_EQ(0, getrusage(RUSAGE_SELF, &ru));
#ifdef EVT_TSAN
	return (ru.ru_nvcsw - (long)(evt_now_ns() / (100 * MS)));
#else
	return (ru.ru_nvcsw);
#endif
}

EVT_TC(least__does_not_look_again, "UNI-033 UNI-042",
    "Beside what stays ready, descriptors and files, a wait for more sleeps "
    "without a look in between")
{
	struct evany_event ev[8];
	int null, p[2], q, round;
	long before;

	q = evt_queue();
	evt_pipe(p);
	evt_write(p[1], 1);
	ATF_REQUIRE((null = open("/dev/null", O_RDWR)) != -1);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	EVT_OK(evany_fd(q, p[1], EVANY_WRITE, 0, NULL));
	EVT_OK(evany_fd(q, null, EVANY_READ, 0, NULL));
	for (round = 0; round < 2; round++) {
		before = sleeps();
		EVT_OK(evany_timer(q, 1, 600 * MS, 0, 0, NULL));
		ATF_REQUIRE_EQ(4, evany_turn(q, NULL, 0, ev, 4, 8,
		    EVT_WAIT_NS));
		EVT_UNI(&ev[3], EVANY_TIMER, 1, 0, NULL);
		/* Each look would be a sleep before and after it. */
		ATF_REQUIRE_MSG(sleeps() - before <= 10, "%ld sleeps",
		    sleeps() - before);
	}
	ATF_REQUIRE_EQ(3, evt_uni_poll(q, ev, 8));
	evt_close(null);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

/* ---- beside other threads ----------------------------------------------------- */

struct sleeper {
	struct evt_thread	sl_thread;
	int			sl_queue;
	int			sl_least;
	int			sl_count;
};

static void
sleep_for(void *arg)
{
	struct sleeper *sl = arg;
	struct evany_event ev[4];

	sl->sl_count = evany_turn(sl->sl_queue, NULL, 0, ev, sl->sl_least, 4,
	    EVT_WAIT_NS);
}

EVT_TC(least__after_another_took_it, "UNI-032 UNI-038 UNI-042",
    "What another thread takes and serves is told when it is ready again")
{
	struct evany_event ev[4];
	struct sleeper sl;
	int i, n, p[2], q, round, r[2];

	evt_pipe(p);
	evt_pipe(r);
	evt_write(r[1], 1);
	for (round = 0; round < 300; round++) {
		q = evt_queue();
		/* This is always ready, and not enough. */
		EVT_OK(evany_fd(q, r[0], EVANY_READ, 0, EVT_USER(1)));
		EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, EVT_USER(2)));
		sl = (struct sleeper){ .sl_queue = q, .sl_least = 2 };
		evt_thread_start(&sl.sl_thread, sleep_for, &sl);
		if (round % 4 == 0)
			evt_thread_asleep(&sl.sl_thread);
		evt_write(p[1], 1);
		n = evany_wait(q, ev, 4, 0);
		for (i = 0; i < n; i++)
			if (ev[i].ev_user == EVT_USER(2)) {
				(void)evt_drain(p[0]);
				evt_write(p[1], 1);
			}
		evt_thread_join(&sl.sl_thread);
		ATF_REQUIRE_EQ_MSG(2, sl.sl_count, "round %d", round);
		(void)evt_drain(p[0]);
		evt_close(q);
	}
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(r[0]);
	evt_close(r[1]);
}

EVT_TC(least__several_sleep, "UNI-032 UNI-039 UNI-042",
    "Of several threads that sleep beside what stays ready each has what comes")
{
	struct sleeper sl[4];
	int i, p[2], q, round, r[2];

	evt_pipe(p);
	evt_pipe(r);
	evt_write(r[1], 1);
	for (round = 0; round < 100; round++) {
		q = evt_queue();
		EVT_OK(evany_fd(q, r[0], EVANY_READ, 0, NULL));
		EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
		for (i = 0; i < EVT_NITEMS(sl); i++) {
			sl[i] = (struct sleeper){ .sl_queue = q,
			    .sl_least = 2 };
			evt_thread_start(&sl[i].sl_thread, sleep_for, &sl[i]);
		}
		if (round % 4 == 0)
			for (i = 0; i < EVT_NITEMS(sl); i++)
				evt_thread_asleep(&sl[i].sl_thread);
		/* Nobody serves it, so it is ready for all. */
		evt_write(p[1], 1);
		for (i = 0; i < EVT_NITEMS(sl); i++) {
			evt_thread_join(&sl[i].sl_thread);
			ATF_REQUIRE_EQ_MSG(2, sl[i].sl_count, "round %d, %d",
			    round, i);
		}
		(void)evt_drain(p[0]);
		evt_close(q);
	}
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(r[0]);
	evt_close(r[1]);
}

/* ---- cancellation ------------------------------------------------------------ */

EVT_TC(cancel__while_it_waits, "UNI-040",
    "A wait is a cancellation point, for the first event and for more, and "
    "the queue serves the threads that remain")
{
	static const int least[] = { 1, 1, 2, 2, 3 };
	struct sleeper sl[EVT_NITEMS(least)];
	struct evany_event ev[4];
	int i, round, p[2], q;

	evt_skip_asan(EVT_ASAN_CANCEL);
	evt_skip_tsan(EVT_TSAN_CANCEL);
	evt_pipe(p);
	for (round = 0; round < 4; round++) {
		q = evt_queue();
		/* Something stays ready, which is not enough for some. */
		if (round >= 2) {
			evt_write(p[1], 1);
			EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
		}
		for (i = 0; i < EVT_NITEMS(least); i++) {
			sl[i].sl_queue = q;
			sl[i].sl_least = least[i] + round / 2;
			sl[i].sl_count = -2;
			evt_thread_start(&sl[i].sl_thread, sleep_for,
			    &sl[i]);
		}
		for (i = 0; i < EVT_NITEMS(least); i++)
			evt_thread_asleep(&sl[i].sl_thread);
		for (i = 0; i < EVT_NITEMS(least) - 1; i++)
			ATF_REQUIRE_EQ(0, pthread_cancel(
			    sl[i].sl_thread.et_id));
		for (i = 0; i < EVT_NITEMS(least) - 1; i++) {
			ATF_REQUIRE_EQ(0, pthread_join(sl[i].sl_thread.et_id,
			    NULL));
			ATF_REQUIRE_EQ(-2, sl[i].sl_count);
		}
		for (i = 0; i < 3; i++)
			EVT_OK(evany_post(q, 1, i, NULL));
		evt_thread_join(&sl[i + 1].sl_thread);
		ATF_REQUIRE_EQ(sl[i + 1].sl_least, sl[i + 1].sl_count);
		ATF_REQUIRE_EQ(round / 2, evt_uni_poll(q, ev, 4));
		if (round >= 2)
			(void)evt_drain(p[0]);
		evt_close(q);
	}
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- signal handlers --------------------------------------------------------- */

static int nested_queue;
static atomic_int nested_refused;
static atomic_int nested_other;

static void
call_nested(int signo)
{
	struct evany_event ev;
	int error, saved = errno;

	(void)signo;
	if (evany_alert(nested_queue, 0, NULL) == -1) {
		error = errno;
		if (EVT_ERRNO(evany_wait(nested_queue, &ev, 1, 0)) != error ||
		    EVT_ERRNO(evany_timer(nested_queue, 9, 0, 0, 0, NULL)) !=
		    error)
			error = 0;
		(void)atomic_fetch_add(error == EDEADLK ? &nested_refused :
		    &nested_other, 1);
	}
	errno = saved;
}

static void
pelt(void *arg)
{
	pthread_t victim = *(pthread_t *)arg;
	int i;

	for (i = 0; i < 100000 && atomic_load(&nested_refused) < 3; i++)
		(void)pthread_kill(victim, SIGUSR1);
}

EVT_TC(handler__has_interrupted_a_call, "UNI-041",
    "Calls but a post are EDEADLK in a handler that has interrupted another")
{
	struct sigaction sa = { .sa_handler = call_nested };
	struct evany_event ev[4];
	pthread_t self = pthread_self();
	struct evt_thread th;
	int n;

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	evt_skip_stacked();
	nested_queue = evt_queue();
	ATF_REQUIRE(sigemptyset(&sa.sa_mask) == 0);
	sa.sa_flags = SA_RESTART;
	ATF_REQUIRE(sigaction(SIGUSR1, &sa, NULL) == 0);
	evt_thread_start(&th, pelt, &self);
	while (!atomic_load(&th.et_done)) {
		EVT_OK(evany_timer(nested_queue, 1, 3600 * 1000 * MS, 0, 0,
		    NULL));
		EVT_OK(evany_post(nested_queue, 2, 0, NULL));
		n = evany_wait(nested_queue, ev, 4, 0);
		ATF_REQUIRE(n > 0 || errno == EINTR);
	}
	evt_thread_join(&th);
	ATF_REQUIRE(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
	ATF_REQUIRE(atomic_load(&nested_refused) > 0);
	ATF_REQUIRE_EQ(0, atomic_load(&nested_other));
	evt_close(nested_queue);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, least__does_not_look_again);
	EVT_TP_ADD_TC(tp, least__after_another_took_it);
	EVT_TP_ADD_TC(tp, least__several_sleep);
	EVT_TP_ADD_TC(tp, cancel__while_it_waits);
	EVT_TP_ADD_TC(tp, handler__has_interrupted_a_call);
	return (atf_no_error());
}
