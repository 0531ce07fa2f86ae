/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evany_turn() and evany_wait(): lists of changes, and how a wait ends.
 */
#include "config.h"

#include "evt_uni.h"

#include <sys/socket.h>

/* ---- changes ------------------------------------------------------------- */

EVT_TC(set__replaces, "UNI-020",
    "To set a watch again replaces all of it and is no error")
{
	struct evany_event ev;
	int q, s[2];

	q = evt_queue();
	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	EVT_OK(evany_fd(q, s[0], EVANY_READ, 0, EVT_USER(1)));
	EVT_OK(evany_fd(q, s[0], EVANY_WRITE, EVANY_ONESHOT, EVT_USER(2)));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, s[0], EVANY_WRITE, EVT_USER(2));
	evt_uni_none(q);
	EVT_OK(evany_fd(q, s[0], EVANY_READ, EVANY_DISPATCH, EVT_USER(3)));
	EVT_OK(evany_fd(q, s[0], EVANY_READ | EVANY_WRITE, 0, EVT_USER(4)));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, s[0], EVANY_READ | EVANY_WRITE, EVT_USER(4));
	EVT_OK(evany_fd(q, s[0], EVANY_READ, EVANY_EDGE, EVT_USER(5)));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, s[0], EVANY_READ, EVT_USER(5));
	ATF_REQUIRE_EQ(evt_uni_poll(q, &ev, 1), 0);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(q);
}

EVT_TC(changes__each_is_tried, "UNI-021 UNI-022 UNI-026",
    "Every change is tried and has its result; none is waited for then")
{
	struct evany_change ch[5];
	struct evany_event ev[4];
	int i, p[2], q;

	q = evt_queue();
	evt_pipe(p);
	EVT_OK(evany_post(q, 1, 1, NULL));
	memset(ch, 0, sizeof(ch));
	for (i = 0; i < 5; i++)
		ch[i].ch_error = -77;
	ch[0].ch_source = EVANY_FD;
	ch[0].ch_object = (uintptr_t)p[1];
	ch[0].ch_what = EVANY_WRITE;
	ch[1].ch_source = EVANY_FD;
	ch[1].ch_object = 9999;
	ch[1].ch_what = EVANY_READ;
	ch[2].ch_source = EVANY_TIMER;
	ch[2].ch_time = -1;
	ch[3].ch_source = EVANY_TIMER;
	ch[3].ch_flags = EVANY_DROP;
	ch[4].ch_source = EVANY_TIMER;
	ch[4].ch_object = 5;
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, ch, 5, ev, 1, 4,
	    EVANY_FOREVER)), EBADF);
	ATF_REQUIRE_EQ(ch[0].ch_error, 0);
	ATF_REQUIRE_EQ(ch[1].ch_error, EBADF);
	ATF_REQUIRE_EQ(ch[2].ch_error, EINVAL);
	ATF_REQUIRE_EQ(ch[3].ch_error, ENOENT);
	ATF_REQUIRE_EQ(ch[4].ch_error, 0);

	/* Nothing was taken, and those that succeeded were made. */
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 3, 4, EVT_WAIT_NS), 3);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(changes__stray_values, "UNI-023",
    "Stray sources, bits, flags and two modes at once are EINVAL")
{
	struct evany_change ch = { .ch_source = EVANY_TIMER, .ch_spare = 1 };
	int p[2], q;

	q = evt_queue();
	evt_pipe(p);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, p[0], 0, 0, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, p[0], EVANY_HANGUP, 0, NULL)),
	    EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, p[0], EVANY_READ | 0x8000, 0,
	    NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, p[0], EVANY_READ,
	    EVANY_EDGE | EVANY_ONESHOT, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, p[0], EVANY_READ,
	    EVANY_DISPATCH | EVANY_ONESHOT, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, p[0], EVANY_READ,
	    EVANY_ABSOLUTE, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, p[0], EVANY_READ, 0x10000,
	    NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, &ch, 1, NULL, 0, 0, 0)),
	    EINVAL);
	ch.ch_spare = 0;
	for (ch.ch_source = -1; ch.ch_source <= 0; ch.ch_source++)
		ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, &ch, 1, NULL, 0, 0,
		    0)), EINVAL);
	ch.ch_source = EVANY_USER;
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, &ch, 1, NULL, 0, 0, 0)),
	    EINVAL);
	ch.ch_source = 1000;
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, &ch, 1, NULL, 0, 0, 0)),
	    EINVAL);

	/* To end a watch, its own flags may stay; no others. */
	EVT_OK(evany_timer(q, 1, 3600 * 1000 * MS, 0, EVANY_ONESHOT, NULL));
	ch = (struct evany_change){ .ch_source = EVANY_TIMER, .ch_object = 1 };
	ch.ch_flags = EVANY_DROP | 0x10000;
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, &ch, 1, NULL, 0, 0, 0)),
	    EINVAL);
	ch.ch_flags = EVANY_DROP;
	ch.ch_spare = 1;
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, &ch, 1, NULL, 0, 0, 0)),
	    EINVAL);
	ch.ch_flags = EVANY_DROP | EVANY_ONESHOT;
	ch.ch_spare = 0;
	EVT_OK(evany_turn(q, &ch, 1, NULL, 0, 0, 0));
	evt_uni_none(q);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(drop__nothing_there, "UNI-024",
    "To drop what is not there is ENOENT")
{
	int p[2], q;

	q = evt_queue();
	evt_pipe(p);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_TIMER, 1)), ENOENT);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_FD, (uintptr_t)p[0])),
	    ENOENT);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	evt_write(p[1], 1);
	EVT_OK(evany_drop(q, EVANY_FD, (uintptr_t)p[0]));
	evt_uni_none(q);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_FD, (uintptr_t)p[0])),
	    ENOENT);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(changes__seen_by_the_wait, "UNI-025",
    "A wait sees the changes that were given with it")
{
	struct evany_change ch[2];
	struct evany_event ev[4];
	int i, p[2], q;

	q = evt_queue();
	evt_pipe(p);
	evt_write(p[1], 1);
	memset(ch, 0, sizeof(ch));
	ch[0].ch_source = EVANY_FD;
	ch[0].ch_object = (uintptr_t)p[0];
	ch[0].ch_what = EVANY_READ;
	ch[0].ch_flags = EVANY_ONESHOT;
	ch[1].ch_source = EVANY_TIMER;
	ch[1].ch_object = 3;
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(evany_turn(q, ch, 2, ev, 2, 4, EVT_WAIT_NS),
		    2);
		ATF_REQUIRE(ev[0].ev_source != ev[1].ev_source);
	}
	ch[0].ch_flags = EVANY_DROP;
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	ATF_REQUIRE_EQ(evany_turn(q, ch, 1, ev, 1, 4, 20 * MS), 0);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(changes__in_order, "UNI-027 UNI-021",
    "Changes are made in the order of the list, those of one watch as well")
{
	struct evany_change ch[6];
	struct evany_event ev;
	int i, q;

	q = evt_queue();
	memset(ch, 0, sizeof(ch));
	for (i = 0; i < 6; i++) {
		ch[i].ch_source = EVANY_TIMER;
		ch[i].ch_object = 5;
		ch[i].ch_user = EVT_USER(i);
	}
	ch[0].ch_flags = ch[2].ch_flags = ch[3].ch_flags = EVANY_DROP;
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, ch, 6, NULL, 0, 0, 0)),
	    ENOENT);
	ATF_REQUIRE_EQ(ENOENT, ch[0].ch_error);
	ATF_REQUIRE_EQ(0, ch[1].ch_error);
	ATF_REQUIRE_EQ(0, ch[2].ch_error);
	ATF_REQUIRE_EQ(ENOENT, ch[3].ch_error);
	ATF_REQUIRE_EQ(0, ch[4].ch_error);
	ATF_REQUIRE_EQ(0, ch[5].ch_error);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_TIMER, 5, 0, EVT_USER(5));
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(changes__of_a_closed_number, "UNI-028 UNI-059",
    "A watch whose descriptor is found closed by a change has ended")
{
	static const unsigned int bad = EVANY_EDGE | EVANY_ONESHOT;
	struct evany_event ev;
	int copy, p[2], q;

	q = evt_queue();
	evt_pipe(p);
	p[0] = evt_move(p[0], 200);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, EVT_USER(1)));
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, p[0], EVANY_READ, bad, NULL)),
	    EINVAL);
	evt_write(p[1], 1);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, p[0], EVANY_READ, EVT_USER(1));
	/* Its file lives on, and is the number's again: there is no watch. */
	ATF_REQUIRE((copy = dup(p[0])) != -1);
	evt_close(p[0]);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, p[0], EVANY_WRITE, 0, NULL)),
	    EBADF);
	ATF_REQUIRE_EQ(copy = evt_move(copy, 200), 200);
	evt_uni_none(q);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_FD, 200)), ENOENT);
	evt_close(copy);
	evt_close(p[1]);
	evt_close(q);
}

/* ---- waiting --------------------------------------------------------------- */

EVT_TC(wait__lasts, "UNI-030",
    "A wait without events lasts as long as was said, and sleeps")
{
	struct evany_event ev[2];
	int64_t begun, busy;
	int p[2], q;

	q = evt_queue();
	evt_pipe(p);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	busy = evt_cpu_ns();
	begun = evt_now_ns();
	ATF_REQUIRE_EQ(evany_wait(q, ev, 2, 200 * MS), 0);
	ATF_REQUIRE(evt_now_ns() - begun >= 200 * MS);
	begun = evt_now_ns();
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 2, 2, 200 * MS), 0);
	ATF_REQUIRE(evt_now_ns() - begun >= 200 * MS);
	ATF_REQUIRE(evt_cpu_ns() - busy < 50 * MS);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(most__none_is_lost, "UNI-031",
    "No more than most events come, and the others later")
{
	static const unsigned int modes[] = { 0, EVANY_EDGE, EVANY_ONESHOT,
	    EVANY_DISPATCH };
	struct evany_event ev[3];
	int i, m, n, p[20][2], q, sum;
	bool seen[20];

	for (i = 0; i < 20; i++) {
		evt_pipe(p[i]);
		evt_write(p[i][1], 1);
	}
	for (m = 0; m < EVT_NITEMS(modes); m++) {
		q = evt_queue();
		for (i = 0; i < 20; i++)
			EVT_OK(evany_fd(q, p[i][0], EVANY_READ, modes[m],
			    EVT_USER(i)));
		memset(seen, 0, sizeof(seen));
		for (sum = 0; sum < 20;) {
			n = evt_uni_get(q, ev, 3);
			ATF_REQUIRE(n > 0 && n <= 3);
			for (i = 0; i < n; i++) {
				sum += !seen[(uintptr_t)ev[i].ev_user];
				seen[(uintptr_t)ev[i].ev_user] = true;
			}
		}
		if (modes[m] != 0)
			ATF_REQUIRE_EQ(evt_uni_poll(q, ev, 3), 0);
		evt_close(q);
	}
	for (i = 0; i < 20; i++) {
		evt_close(p[i][0]);
		evt_close(p[i][1]);
	}
}

static void
post_three(void *arg)
{
	int i, q = *(int *)arg;

	for (i = 0; i < 3; i++)
		EVT_OK(evany_post(q, 1, i, NULL));
}

EVT_TC(least__sleeps_until_there_are_enough, "UNI-032 UNI-033",
    "A wait for four events has them, one of which stays ready all the time")
{
	struct evany_event ev[8];
	struct evt_thread th;
	int64_t busy;
	int p[2], q;

	q = evt_queue();
	evt_pipe(p);
	evt_write(p[1], 1);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	busy = evt_cpu_ns();
	EVT_OK(evany_timer(q, 1, 200 * MS, 0, 0, NULL));
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 2, 8, EVANY_FOREVER), 2);
	EVT_UNI(&ev[0], EVANY_FD, p[0], EVANY_READ, NULL);
	EVT_UNI(&ev[1], EVANY_TIMER, 1, 0, NULL);
	ATF_REQUIRE(evt_cpu_ns() - busy < 50 * MS);

	evt_thread_start(&th, post_three, &q);
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 4, 8, EVT_WAIT_NS), 4);
	evt_thread_join(&th);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(least__time_over, "UNI-034",
    "When the time is over fewer than least come")
{
	struct evany_event ev[8];
	int64_t begun;
	int q;

	q = evt_queue();
	EVT_OK(evany_post(q, 1, 0, NULL));
	EVT_OK(evany_post(q, 2, 0, NULL));
	begun = evt_now_ns();
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 3, 8, 50 * MS), 2);
	ATF_REQUIRE(evt_now_ns() - begun >= 50 * MS);
	ATF_REQUIRE_EQ(ev[0].ev_object, 1);
	ATF_REQUIRE_EQ(ev[1].ev_object, 2);
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(least__zero, "UNI-035",
    "With least 0 what is there comes at once, whatever the time-out")
{
	struct evany_event ev[8];
	int q;

	q = evt_queue();
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 0, 8, EVANY_FOREVER), 0);
	EVT_OK(evany_post(q, 1, 0, NULL));
	EVT_OK(evany_post(q, 2, 0, NULL));
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 0, 8, EVANY_FOREVER), 2);
	evt_close(q);
}

EVT_TC(wait__almost_for_ever, "UNI-030 UNI-032",
    "The longest time-outs are long, and a wait with one ends with its event")
{
	static const int64_t longest[] = { INT64_MAX, INT64_MAX - 1,
	    INT64_MAX / 2 };
	struct evany_event ev[3];
	int i, q;

	q = evt_queue();
	for (i = 0; i < EVT_NITEMS(longest); i++) {
		EVT_OK(evany_timer(q, 1, 20 * MS, 0, 0, NULL));
		ATF_REQUIRE_EQ(1, evany_wait(q, ev, 1, longest[i]));
		EVT_OK(evany_timer(q, 1, 20 * MS, 0, 0, NULL));
		EVT_OK(evany_timer(q, 2, 40 * MS, 0, 0, NULL));
		ATF_REQUIRE_EQ(2, evany_turn(q, NULL, 0, ev, 2, 3,
		    longest[i]));
	}
	evt_close(q);
}

static void
handler(int signo)
{
	(void)signo;
}

struct interrupted {
	struct evt_thread	it_thread;
	int			it_queue;
	int			it_least;
	int			it_count;
	int			it_error;
};

static void
wait_interrupted(void *arg)
{
	struct interrupted *it = arg;
	struct evany_event ev[4];

	it->it_count = evany_turn(it->it_queue, NULL, 0, ev, it->it_least, 4,
	    EVANY_FOREVER);
	it->it_error = errno;
}

EVT_TC(signal__ends_a_wait, "UNI-036",
    "A signal handler ends a wait with EINTR, or with what it has")
{
	struct sigaction sa = { .sa_handler = handler };
	struct interrupted it = { .it_queue = evt_queue() };

	ATF_REQUIRE(sigemptyset(&sa.sa_mask) == 0);
	ATF_REQUIRE(sigaction(SIGUSR1, &sa, NULL) == 0);
	for (it.it_least = 1; it.it_least <= 2; it.it_least++) {
		if (it.it_least == 2)
			EVT_OK(evany_post(it.it_queue, 1, 0, NULL));
		evt_thread_start(&it.it_thread, wait_interrupted, &it);
		while (!atomic_load(&it.it_thread.et_done)) {
			evt_thread_asleep(&it.it_thread);
			(void)pthread_kill(it.it_thread.et_id, SIGUSR1);
		}
		evt_thread_join(&it.it_thread);
		if (it.it_least == 1)
			ATF_REQUIRE(it.it_count == -1 &&
			    it.it_error == EINTR);
		else
			ATF_REQUIRE_EQ(it.it_count, 1);
	}
	ATF_REQUIRE(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
	evt_close(it.it_queue);
}

EVT_TC(arguments__that_make_no_sense, "UNI-037",
    "Arguments that make no sense are EINVAL or EFAULT")
{
	struct evany_change ch = { .ch_source = EVANY_TIMER };
	struct evany_event ev[2];
	int q;

	q = evt_queue();
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_wait(q, ev, 0, 0)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_wait(q, ev, -1, 0)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_wait(q, ev, 1, -2)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_wait(q, NULL, 1, 0)), EFAULT);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, &ch, -1, ev, 1, 1, 0)),
	    EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, NULL, 1, ev, 1, 1, 0)),
	    EFAULT);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, NULL, 0, ev, 2, 1, 0)),
	    EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, NULL, 0, ev, -1, 1, 0)),
	    EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, NULL, 0, NULL, 0, 1, 0)),
	    EFAULT);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, NULL, 0, ev, 1, 1,
	    INT64_MIN)), EINVAL);
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, NULL, 0, 0, 0), 0);
	ATF_REQUIRE_EQ(evany_wait(q, ev, 1, 0), 0);
	evt_close(q);
}

/* ---- threads ----------------------------------------------------------------- */

#define POSTS	4000

struct taker {
	struct evt_thread	tk_thread;
	int			tk_queue;
	int			tk_least;
	int			tk_got;
};

static atomic_int taken[POSTS];

/* Takes events until one tells it to stop. */
static void
take(void *arg)
{
	struct taker *tk = arg;
	struct evany_event ev[8];
	int i, n;
	bool stop = false;

	while (!stop) {
		n = evany_turn(tk->tk_queue, NULL, 0, ev, tk->tk_least, 8,
		    EVT_WAIT_NS);
		if (n <= 0)
			return;
		for (i = 0; i < n; i++)
			if (ev[i].ev_source == EVANY_ALERT)
				stop = true;
			else {
				(void)atomic_fetch_add(&taken[ev[i].ev_data],
				    1);
				tk->tk_got++;
			}
	}
}

EVT_TC(threads__each_event_once, "UNI-038 UNI-039 UNI-101",
    "Each event comes to one of the threads, which wait for one, two or three")
{
	struct evany_event ev;
	struct taker tk[3];
	int i, q, sum = 0;

	q = evt_queue();
	for (i = 0; i < POSTS; i++)
		atomic_init(&taken[i], 0);
	for (i = 0; i < 3; i++) {
		tk[i].tk_queue = q;
		tk[i].tk_least = 1 + i;
		tk[i].tk_got = 0;
		evt_thread_start(&tk[i].tk_thread, take, &tk[i]);
	}
	for (i = 0; i < POSTS; i++)
		EVT_OK(evany_post(q, 1, i, NULL));
	EVT_OK(evany_alert(q, 1, NULL));
	for (i = 0; i < 3; i++) {
		evt_thread_join(&tk[i].tk_thread);
		sum += tk[i].tk_got;
	}
	EVT_OK(evany_alert(q, 0, NULL));
	while (evt_uni_poll(q, &ev, 1) == 1) {
		(void)atomic_fetch_add(&taken[ev.ev_data], 1);
		sum++;
	}
	ATF_REQUIRE_EQ(sum, POSTS);
	for (i = 0; i < POSTS; i++)
		ATF_REQUIRE_EQ(atomic_load(&taken[i]), 1);
	evt_close(q);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, set__replaces);
	EVT_TP_ADD_TC(tp, changes__each_is_tried);
	EVT_TP_ADD_TC(tp, changes__stray_values);
	EVT_TP_ADD_TC(tp, drop__nothing_there);
	EVT_TP_ADD_TC(tp, changes__seen_by_the_wait);
	EVT_TP_ADD_TC(tp, changes__in_order);
	EVT_TP_ADD_TC(tp, changes__of_a_closed_number);
	EVT_TP_ADD_TC(tp, wait__lasts);
	EVT_TP_ADD_TC(tp, wait__almost_for_ever);
	EVT_TP_ADD_TC(tp, most__none_is_lost);
	EVT_TP_ADD_TC(tp, least__sleeps_until_there_are_enough);
	EVT_TP_ADD_TC(tp, least__time_over);
	EVT_TP_ADD_TC(tp, least__zero);
	EVT_TP_ADD_TC(tp, signal__ends_a_wait);
	EVT_TP_ADD_TC(tp, arguments__that_make_no_sense);
	EVT_TP_ADD_TC(tp, threads__each_event_once);
	return (atf_no_error());
}
