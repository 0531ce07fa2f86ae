/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVANY_TIMER.
 */
#include "config.h"

#include "evt_uni.h"

#include <poll.h>

static int64_t
wall_ns(void)
{
	struct timespec ts;

	ATF_REQUIRE(clock_gettime(CLOCK_REALTIME, &ts) == 0);
	return ((int64_t)ts.tv_sec * 1000 * MS + ts.tv_nsec);
}

EVT_TC(once__not_before_its_time, "UNI-070 UNI-074",
    "A timer comes once, not before its time, and is no more then")
{
	struct evany_event ev;
	int64_t begun;
	int q;

	q = evt_queue();
	begun = evt_now_ns();
	EVT_OK(evany_timer(q, 77, 30 * MS, 0, 0, EVT_USER(9)));
	/* By then the time may have come, on a busy machine. */
	if (evt_uni_poll(q, &ev, 1) == 0)
		evt_uni_one(q, &ev);
	ATF_REQUIRE(evt_now_ns() - begun >= 30 * MS);
	EVT_UNI(&ev, EVANY_TIMER, 77, 0, EVT_USER(9));
	ATF_REQUIRE_EQ(ev.ev_data, 1);
	evt_uni_none(q);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_TIMER, 77)), ENOENT);
	evt_close(q);
}

EVT_TC(period__counts_what_was_missed, "UNI-071",
    "A period repeats it, and the count tells how often the time has come")
{
	struct evany_event ev;
	int64_t begun, sum;
	int q;

	q = evt_queue();
	begun = evt_now_ns();
	EVT_OK(evany_timer(q, 1, 5 * MS, 10 * MS, 0, NULL));
	for (sum = 0; sum < 5; sum += ev.ev_data) {
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_TIMER, 1, 0, NULL);
		ATF_REQUIRE(ev.ev_data >= 1);
	}
	ATF_REQUIRE(evt_now_ns() - begun >= (5 + 10 * (sum - 1)) * MS);

	/* Those that nobody took are one event. */
	EVT_OK(evany_timer(q, 2, 55 * MS, 0, 0, EVT_USER(2)));
	EVT_OK(evany_timer(q, 1, 0, 10 * MS, 0, NULL));
	ATF_REQUIRE(evt_readable(q, EVT_WAIT_MS));
	begun = evt_now_ns();
	while (evt_now_ns() - begun < 40 * MS)
		(void)poll(NULL, 0, 5);
	ATF_REQUIRE(evany_wait(q, &ev, 1, 0) == 1);
	ATF_REQUIRE_EQ(ev.ev_object, 1);
	ATF_REQUIRE(ev.ev_data >= 5);

	/* With one-shot only one event comes. */
	EVT_OK(evany_drop(q, EVANY_TIMER, 2));
	EVT_OK(evany_timer(q, 1, 0, 1 * MS, EVANY_ONESHOT, NULL));
	evt_uni_one(q, &ev);
	ATF_REQUIRE_EQ(ev.ev_data, 1);
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(absolute__is_a_moment, "UNI-072",
    "An absolute time is a moment of either clock, and a past one is now")
{
	struct evany_event ev;
	int64_t at;
	int q;

	q = evt_queue();
	at = evt_now_ns() + 30 * MS;
	EVT_OK(evany_timer(q, 1, at, 0, EVANY_ABSOLUTE, NULL));
	ATF_REQUIRE_EQ(evt_uni_poll(q, &ev, 1), 0);
	evt_uni_one(q, &ev);
	ATF_REQUIRE(evt_now_ns() >= at);

	at = wall_ns() + 30 * MS;
	EVT_OK(evany_timer(q, 2, at, 0, EVANY_ABSOLUTE | EVANY_WALLCLOCK,
	    NULL));
	ATF_REQUIRE_EQ(evt_uni_poll(q, &ev, 1), 0);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_TIMER, 2, 0, NULL);
	ATF_REQUIRE(wall_ns() >= at);

	EVT_OK(evany_timer(q, 3, 1, 0, EVANY_ABSOLUTE, NULL));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_TIMER, 3, 0, NULL);
	EVT_OK(evany_timer(q, 4, 1, 0, EVANY_ABSOLUTE | EVANY_WALLCLOCK,
	    NULL));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_TIMER, 4, 0, NULL);

	/* Relative by the time of day; from one clock to the other. */
	EVT_OK(evany_timer(q, 5, 20 * MS, 0, EVANY_WALLCLOCK, NULL));
	EVT_OK(evany_timer(q, 5, 20 * MS, 0, 0, EVT_USER(1)));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_TIMER, 5, 0, EVT_USER(1));
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(absolute__with_a_period, "UNI-071 UNI-072",
    "After a moment that is past, what was missed since then is counted")
{
	static const unsigned int clocks[] = { 0, EVANY_WALLCLOCK };
	struct evany_event ev;
	int64_t at, passed;
	int i, q;

	q = evt_queue();
	for (i = 0; i < EVT_NITEMS(clocks); i++) {
		at = (i == 0 ? evt_now_ns() : wall_ns()) - 10500 * MS;
		EVT_OK(evany_timer(q, 1, at, 1000 * MS,
		    EVANY_ABSOLUTE | clocks[i], NULL));
		evt_uni_one(q, &ev);
		passed = (i == 0 ? evt_now_ns() : wall_ns()) - at;
		ATF_REQUIRE_MSG(ev.ev_data >= 11 && ev.ev_data <= 1 + passed /
		    (1000 * MS), "%s", evt_uni_text(&ev));
		/* The next is in step with the first. */
		at += ev.ev_data * 1000 * MS;
		evt_uni_one(q, &ev);
		ATF_REQUIRE((i == 0 ? evt_now_ns() : wall_ns()) >= at);
		EVT_OK(evany_drop(q, EVANY_TIMER, 1));
	}
	evt_close(q);
}

EVT_TC(again__forgets_the_old_time, "UNI-073 UNI-020",
    "Setting a timer again forgets the old time and what it had to tell")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	EVT_OK(evany_timer(q, 1, 0, 0, 0, EVT_USER(1)));
	ATF_REQUIRE(evt_readable(q, EVT_WAIT_MS));
	EVT_OK(evany_timer(q, 1, 3600 * 1000 * MS, 0, 0, EVT_USER(2)));
	evt_uni_none(q);
	EVT_OK(evany_timer(q, 1, 10 * MS, 0, 0, EVT_USER(3)));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_TIMER, 1, 0, EVT_USER(3));
	evt_close(q);
}

EVT_TC(drop__does_not_come, "UNI-074", "A dropped timer does not come")
{
	int q;

	q = evt_queue();
	EVT_OK(evany_timer(q, 1, 20 * MS, 0, 0, NULL));
	EVT_OK(evany_timer(q, 2, 0, 0, 0, NULL));
	EVT_OK(evany_drop(q, EVANY_TIMER, 1));
	EVT_OK(evany_drop(q, EVANY_TIMER, 2));
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(time__below_zero, "UNI-075 UNI-026",
    "Times below zero are EINVAL and change nothing")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	EVT_OK(evany_timer(q, 1, 20 * MS, 0, 0, EVT_USER(1)));
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_timer(q, 1, -1, 0, 0, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_timer(q, 1, 1, -1, 0, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_timer(q, 1, 1, 0, EVANY_EDGE, NULL)),
	    EINVAL);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_TIMER, 1, 0, EVT_USER(1));
	evt_close(q);
}

EVT_TC(many__cost_no_descriptor, "UNI-076",
    "A thousand timers cost no descriptor each, and all come")
{
	struct evany_event ev[64];
	int before, got, i, n, q;

	q = evt_queue();
	EVT_OK(evany_timer(q, 0, 3600 * 1000 * MS, 0, 0, NULL));
	before = dup(q);
	evt_close(before);
	for (i = 999; i >= 0; i--)
		EVT_OK(evany_timer(q, (uintptr_t)i, i * MS / 10, 0, 0, NULL));
	n = dup(q);
	ATF_REQUIRE_EQ(n, before);
	evt_close(n);
	for (got = 0; got < 1000; got += n) {
		n = evt_uni_get(q, ev, 64);
		ATF_REQUIRE(n > 0);
	}
	evt_uni_none(q);
	evt_close(q);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, once__not_before_its_time);
	EVT_TP_ADD_TC(tp, period__counts_what_was_missed);
	EVT_TP_ADD_TC(tp, absolute__is_a_moment);
	EVT_TP_ADD_TC(tp, absolute__with_a_period);
	EVT_TP_ADD_TC(tp, again__forgets_the_old_time);
	EVT_TP_ADD_TC(tp, drop__does_not_come);
	EVT_TP_ADD_TC(tp, time__below_zero);
	EVT_TP_ADD_TC(tp, many__cost_no_descriptor);
	return (atf_no_error());
}
