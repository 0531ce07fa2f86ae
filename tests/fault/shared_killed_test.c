/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Processes that are killed in the midst of a call on a queue that they share.
 */
#include "config.h"

#include "evt_uni.h"
#include "killed.h"

static int q;

static void
nothing(void)
{
}

/* Nothing is left in the queue, which works. */
static void
empty_and_sound(void)
{
	struct evany_event ev;

	ATF_REQUIRE_EQ(0, evt_uni_poll(q, &ev, 1));
	ATF_REQUIRE(!evt_readable(q, 0));
	EVT_OK(evany_post(q, 3, 4, EVT_USER(5)));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_USER, 3, 0, EVT_USER(5));
	ATF_REQUIRE_EQ(4, ev.ev_data);
	ATF_REQUIRE_EQ(0, evt_uni_poll(q, &ev, 1));
	ATF_REQUIRE(!evt_readable(q, 0));
}

/* ---- posting ------------------------------------------------------------------ */

static void
act_post(void)
{
	EVT_CHILD(evany_post(q, 7, 8, EVT_USER(9)) == 0);
}

static void
after_post(bool done)
{
	struct evany_event ev[2];
	int n = evt_uni_poll(q, ev, 2);

	ATF_REQUIRE(n == 1 || (n == 0 && !done));
	if (n == 1) {
		EVT_UNI(&ev[0], EVANY_USER, 7, 0, EVT_USER(9));
		ATF_REQUIRE_EQ(8, ev[0].ev_data);
	}
	empty_and_sound();
}

EVT_TC(killed__in_a_post, "UNI-190 UNI-180",
    "A process killed at any point of a post has posted a whole event or none")
{
	q = evany_queue(EVANY_SHARED);
	ATF_REQUIRE(q != -1);
	killed_everywhere(nothing, act_post, after_post);
	evt_close(q);
}

/* ---- waiting ------------------------------------------------------------------- */

static void
before_wait(void)
{
	EVT_OK(evany_post(q, 1, 1, NULL));
	EVT_OK(evany_post(q, 2, 2, NULL));
}

static void
act_wait(void)
{
	struct evany_event ev;

	EVT_CHILD(evany_wait(q, &ev, 1, 0) == 1);
}

static void
after_wait(bool done)
{
	struct evany_event ev[3];
	int i, n = evt_uni_poll(q, ev, 3);

	ATF_REQUIRE(n == 1 || (n == 2 && !done));
	for (i = 0; i < n; i++)
		ATF_REQUIRE_EQ(3 - n + i, ev[i].ev_data);
	empty_and_sound();
}

EVT_TC(killed__in_a_wait, "UNI-190 UNI-180",
    "A process killed at any point of a wait has taken what it asked for, or "
    "nothing")
{
	q = evany_queue(EVANY_SHARED);
	ATF_REQUIRE(q != -1);
	killed_everywhere(before_wait, act_wait, after_wait);
	evt_close(q);
}

/* ---- alerts ---------------------------------------------------------------------- */

static void
before_alert(void)
{
	EVT_OK(evany_alert(q, 1, EVT_USER(1)));
}

static void
act_alert(void)
{
	EVT_CHILD(evany_alert(q, 2, EVT_USER(2)) == 0);
}

static void
act_end_alert(void)
{
	EVT_CHILD(evany_alert(q, 0, NULL) == 0);
}

/* There is one of these, each whole, or none: 0. */
static void
alert_is(int one, int other)
{
	struct evany_event ev[2];
	int n = evt_uni_poll(q, ev, 2);

	if (n == 0)
		ATF_REQUIRE(one == 0 || other == 0);
	else {
		ATF_REQUIRE_EQ(1, n);
		ATF_REQUIRE(ev[0].ev_data == one || ev[0].ev_data == other);
		EVT_UNI(&ev[0], EVANY_ALERT, 0, 0, EVT_USER(ev[0].ev_data));
	}
	EVT_OK(evany_alert(q, 0, NULL));
	empty_and_sound();
}

static void
after_first_alert(bool done)
{
	alert_is(2, done ? 2 : 0);
}

static void
after_second_alert(bool done)
{
	alert_is(2, done ? 2 : 1);
}

static void
after_end_of_alert(bool done)
{
	alert_is(0, done ? 0 : 1);
}

EVT_TC(killed__in_an_alert, "UNI-190 UNI-182",
    "A process killed at any point of an alert leaves its own, whole, or what "
    "there was before")
{
	q = evany_queue(EVANY_SHARED);
	ATF_REQUIRE(q != -1);
	killed_everywhere(nothing, act_alert, after_first_alert);
	killed_everywhere(before_alert, act_alert, after_second_alert);
	killed_everywhere(before_alert, act_end_alert, after_end_of_alert);
	evt_close(q);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, killed__in_a_post);
	EVT_TP_ADD_TC(tp, killed__in_a_wait);
	EVT_TP_ADD_TC(tp, killed__in_an_alert);
	return (atf_no_error());
}
