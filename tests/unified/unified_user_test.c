/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVANY_USER and EVANY_ALERT: posted events, and alert mode.
 */
#include "config.h"

#include "evt_uni.h"

#include <sched.h>

#define LIMIT	65536	/* of events that nobody has taken */

EVT_TC(post__comes_once, "UNI-090",
    "A posted event has object, data and pointer, and comes once")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	EVT_OK(evany_post(q, 12, INT64_C(-5000000000), EVT_USER(3)));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_USER, 12, 0, EVT_USER(3));
	ATF_REQUIRE_EQ(ev.ev_data, INT64_C(-5000000000));
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(post__in_order, "UNI-091 UNI-031",
    "Posted events come in the order of their posts, however they are taken")
{
	struct evany_event ev[7];
	int i, n, next = 0, q;

	q = evt_queue();
	for (i = 0; i < 500; i++)
		EVT_OK(evany_post(q, 1, i, NULL));
	while (next < 500) {
		n = evt_uni_get(q, ev, 1 + next % 7);
		ATF_REQUIRE(n > 0 && n <= 1 + next % 7);
		for (i = 0; i < n; i++)
			ATF_REQUIRE_EQ(ev[i].ev_data, next++);
	}
	evt_uni_none(q);
	evt_close(q);
}

struct waiter {
	struct evt_thread	 wr_thread;
	int			 wr_queue;
	int			 wr_count;
	struct evany_event	 wr_event;
};

static void
wait_one(void *arg)
{
	struct waiter *wr = arg;

	wr->wr_count = evany_wait(wr->wr_queue, &wr->wr_event, 1,
	    EVT_WAIT_NS);
}

EVT_TC(post__wakes_a_thread, "UNI-092",
    "A post from another thread ends a wait")
{
	struct waiter wr = { .wr_queue = evt_queue() };

	evt_thread_start(&wr.wr_thread, wait_one, &wr);
	evt_thread_asleep(&wr.wr_thread);
	EVT_OK(evany_post(wr.wr_queue, 5, 6, NULL));
	evt_thread_join(&wr.wr_thread);
	ATF_REQUIRE_EQ(wr.wr_count, 1);
	EVT_UNI(&wr.wr_event, EVANY_USER, 5, 0, NULL);
	evt_close(wr.wr_queue);
}

static int handler_queue;
static atomic_int handler_posts;
static atomic_int handler_errors;

static void
handler(int signo)
{
	int saved = errno;

	(void)signo;
	if (evany_post(handler_queue, 1, 0, NULL) == 0)
		(void)atomic_fetch_add(&handler_posts, 1);
	else if (errno != EAGAIN)
		(void)atomic_fetch_add(&handler_errors, 1);
	errno = saved;
}

static void
pelt(void *arg)
{
	pthread_t victim = *(pthread_t *)arg;
	int i;

	for (i = 0; i < 2000; i++) {
		(void)pthread_kill(victim, SIGUSR1);
		if (i % 16 == 0)
			(void)sched_yield();
	}
}

EVT_TC(post__from_a_handler, "UNI-093",
    "A post from a signal handler arrives, whatever it interrupted")
{
	struct sigaction sa = { .sa_handler = handler };
	struct evany_event ev[16];
	struct evt_thread th;
	pthread_t self = pthread_self();
	int got = 0, i, n, q;
	bool over;

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	evt_skip_stacked();
	handler_queue = q = evt_queue();
	ATF_REQUIRE(sigemptyset(&sa.sa_mask) == 0);
	sa.sa_flags = SA_RESTART;
	ATF_REQUIRE(sigaction(SIGUSR1, &sa, NULL) == 0);
	evt_thread_start(&th, pelt, &self);
	do {
		over = atomic_load(&th.et_done);
		EVT_OK(evany_timer(q, 1, 3600 * 1000 * MS, 0, 0, NULL));
		EVT_OK(evany_post(q, 2, 0, NULL));
		n = evany_wait(q, ev, 16, 0);
		ATF_REQUIRE(n >= 0 || errno == EINTR);
		for (i = 0; i < n; i++)
			got += ev[i].ev_object == 1;
	} while (!over);
	evt_thread_join(&th);
	while ((n = evt_uni_poll(q, ev, 16)) > 0)
		for (i = 0; i < n; i++)
			got += ev[i].ev_object == 1;
	ATF_REQUIRE(atomic_load(&handler_posts) > 0);
	ATF_REQUIRE_EQ(atomic_load(&handler_errors), 0);
	ATF_REQUIRE_EQ(got, atomic_load(&handler_posts));
	ATF_REQUIRE(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
	evt_close(q);
}

EVT_TC(post__beyond_the_limit, "UNI-094",
    "Beyond the limit a post is EAGAIN, and what was posted is kept")
{
	struct evany_event ev;
	int i, q;

	q = evt_queue();
	for (i = 0; i < LIMIT; i++)
		EVT_OK(evany_post(q, 1, i, NULL));
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_post(q, 1, i, NULL)), EAGAIN);
	ATF_REQUIRE_EQ(evt_uni_get(q, &ev, 1), 1);
	ATF_REQUIRE_EQ(ev.ev_data, 0);
	EVT_OK(evany_post(q, 1, LIMIT, NULL));
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_post(q, 1, i, NULL)), EAGAIN);
	evt_uni_posts(q, 1, LIMIT, 64);
	evt_close(q);
}

/* ---- alert mode ---------------------------------------------------------- */

EVT_TC(alert__comes_alone, "UNI-100 UNI-102 UNI-103",
    "In alert mode every wait ends with the alert alone; the rest is kept")
{
	struct evany_event ev[8];
	int i, p[2], q;

	q = evt_queue();
	evt_pipe(p);
	evt_write(p[1], 1);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, EVANY_ONESHOT, NULL));
	EVT_OK(evany_fd(q, p[1], EVANY_WRITE, EVANY_EDGE, NULL));
	EVT_OK(evany_timer(q, 1, 0, 0, 0, NULL));
	EVT_OK(evany_post(q, 1, 2, NULL));
	EVT_OK(evany_alert(q, 42, EVT_USER(7)));
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, i, 8,
		    EVANY_FOREVER), 1);
		EVT_UNI(&ev[0], EVANY_ALERT, 0, 0, EVT_USER(7));
		ATF_REQUIRE_EQ(ev[0].ev_data, 42);
		ATF_REQUIRE_EQ(evt_uni_poll(q, ev, 8), 1);
		EVT_UNI(&ev[0], EVANY_ALERT, 0, 0, EVT_USER(7));
	}
	EVT_OK(evany_post(q, 2, 2, NULL));
	EVT_OK(evany_alert(q, -1, NULL));
	ATF_REQUIRE_EQ(evt_uni_get(q, ev, 8), 1);
	ATF_REQUIRE_EQ(ev[0].ev_data, -1);
	ATF_REQUIRE(ev[0].ev_user == NULL);

	EVT_OK(evany_alert(q, 0, NULL));
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 5, 8, EVT_WAIT_NS), 5);
	evt_uni_none(q);
	/* To end it once more is no error. */
	EVT_OK(evany_alert(q, 0, NULL));
	evt_uni_none(q);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(alert__ends_all_waits, "UNI-101",
    "An alert ends the waits of all threads, those for many events too")
{
	struct waiter wr[4];
	struct evany_event ev[8];
	int i, q;

	q = evt_queue();
	for (i = 0; i < 4; i++) {
		wr[i].wr_queue = q;
		evt_thread_start(&wr[i].wr_thread, wait_one, &wr[i]);
	}
	for (i = 0; i < 4; i++)
		evt_thread_asleep(&wr[i].wr_thread);
	EVT_OK(evany_alert(q, 1, EVT_USER(1)));
	for (i = 0; i < 4; i++) {
		evt_thread_join(&wr[i].wr_thread);
		ATF_REQUIRE_EQ(wr[i].wr_count, 1);
		EVT_UNI(&wr[i].wr_event, EVANY_ALERT, 0, 0, EVT_USER(1));
	}
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 8, 8, EVANY_FOREVER), 1);
	evt_close(q);
}

static int
hold_on(void *arg)
{
	const int *end = arg;
	char c;

	(void)close(end[1]);
	while (read(end[0], &c, 1) > 0)
		continue;
	return (0);
}

EVT_TC(alert__beside_a_dead_number, "UNI-104 UNI-100",
    "Alert mode goes on when a number was closed whose file lives on")
{
	struct evany_event ev[4];
	int end[2], i, p[2], q;
	pid_t child;

	q = evt_queue();
	evt_pipe(end);
	evt_pipe(p);
	p[0] = evt_move(p[0], 200);
	evt_write(p[1], 1);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	/* Only another process has it: there is no other way than a new queue. */
	child = evt_fork_start(hold_on, end);
	evt_close(p[0]);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, 200, EVANY_READ, 0, NULL)),
	    EBADF);
	EVT_OK(evany_alert(q, 7, NULL));
	/* What the number's file reports is to be got rid of meanwhile. */
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(1, evt_uni_get(q, ev, 4));
		EVT_UNI(&ev[0], EVANY_ALERT, 0, 0, NULL);
		ATF_REQUIRE(evt_readable(q, EVT_WAIT_MS));
	}
	EVT_OK(evany_alert(q, 0, NULL));
	evt_uni_none(q);
	evt_close(end[1]);
	ATF_REQUIRE_EQ(0, evt_fork_end(child));
	evt_close(end[0]);
	evt_close(p[1]);
	evt_close(q);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, post__comes_once);
	EVT_TP_ADD_TC(tp, post__in_order);
	EVT_TP_ADD_TC(tp, post__wakes_a_thread);
	EVT_TP_ADD_TC(tp, post__from_a_handler);
	EVT_TP_ADD_TC(tp, post__beyond_the_limit);
	EVT_TP_ADD_TC(tp, alert__comes_alone);
	EVT_TP_ADD_TC(tp, alert__ends_all_waits);
	EVT_TP_ADD_TC(tp, alert__beside_a_dead_number);
	return (atf_no_error());
}
