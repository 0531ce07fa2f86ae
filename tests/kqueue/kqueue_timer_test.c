/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_TIMER: when timers expire, how expiries are counted, what changes do
 * to a running one.  kqueue_timernote_test.c has the units and absolute time.
 *
 * A timer is never early: that is required to the nanosecond.  That it is not
 * late can only be required within the deadline.
 */
#include "config.h"

#include "evt.h"

#include <sys/resource.h>

#include <poll.h>

#define MS	INT64_C(1000000)

static void
add(int kq, uintptr_t ident, unsigned int flags, int64_t ms)
{
	evt_change(kq, ident, EVFILT_TIMER, EV_ADD | flags, 0, ms, NULL);
}

/* Lets so much time pass, by a timer in a queue of its own. */
static void
pass_ms(int ms)
{
	struct kevent ev;
	int kq;

	kq = evt_kq();
	add(kq, 1, EV_ONESHOT, ms);
	evt_one(kq, &ev);
	evt_close(kq);
}

EVT_TC(period__first_and_next, "KQ-207 KQ-092",
    "The first event comes after n milliseconds, never before; then more")
{
	static const int periods[] = { 1, 3, 10, 50 };
	struct kevent ev;
	int64_t start, took;
	int i, j, kq;

	for (i = 0; i < EVT_NITEMS(periods); i++) {
		int64_t sum = 0;

		kq = evt_kq();
		start = evt_now_ns();
		add(kq, 7, 0, periods[i]);
		for (j = 0; j < 4; j++) {
			evt_one(kq, &ev);
			took = evt_now_ns() - start;
			ATF_REQUIRE(ev.data >= 1);
			EVT_EVENT(&ev, 7, EVFILT_TIMER, 0, 0, ev.data);
			sum += ev.data;
			ATF_REQUIRE_MSG(took >= sum * periods[i] * MS,
			    "%jd expiries of %d ms in %jd ns", (intmax_t)sum,
			    periods[i], (intmax_t)took);
			EVT_APPROX(took < 3 * sum * periods[i] * MS + 10 * MS,
			    "a timer is late");
		}
		evt_close(kq);
	}
}

EVT_TC(period__first_is_not_early, "KQ-207",
    "Nor does poll(2) show a timer before its time")
{
	int64_t start;
	int i, kq;

	for (i = 0; i < 20; i++) {
		kq = evt_kq();
		start = evt_now_ns();
		add(kq, 1, 0, 1 + i % 5);
		ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
		ATF_REQUIRE(evt_now_ns() - start >= (1 + i % 5) * MS);
		evt_close(kq);
	}
}

EVT_TC(count__since_last_look, "KQ-208",
    "data is the number of expiries since the last collection")
{
	struct kevent ev;
	int64_t after, before, sum = 0, start;
	int i, kq;

	kq = evt_kq();
	start = evt_now_ns();
	add(kq, 1, 0, 10);
	after = evt_now_ns();
	for (i = 0; i < 4; i++) {
		pass_ms(i == 0 ? 105 : 25);
		before = evt_now_ns();
		evt_one(kq, &ev);
		sum += ev.data;

		/* No more than there was time for, since the beginning. */
		ATF_REQUIRE_MSG(sum <= (evt_now_ns() - start) / (10 * MS),
		    "look %d: %s", i, evt_text(&ev));
		ATF_REQUIRE_MSG(sum >= (before - after) / (10 * MS) -
		    (evt_native() ? 3 : 0), "look %d: %s", i, evt_text(&ev));
	}
	evt_close(kq);
}

EVT_TC(count__of_a_fast_timer, "KQ-208 KQ-207",
    "A timer of a millisecond counts all that it missed in one event")
{
	struct kevent ev;
	int64_t start;
	int kq;

	kq = evt_kq();
	start = evt_now_ns();
	add(kq, 1, 0, 1);
	pass_ms(120);
	evt_one(kq, &ev);
	ATF_REQUIRE_MSG(ev.data >= 100 &&
	    ev.data <= (evt_now_ns() - start) / MS, "%s", evt_text(&ev));
	evt_close(kq);
}

EVT_TC(oneshot__once, "KQ-209",
    "EV_ONESHOT: one event with data 1, then the knote is gone")
{
	struct kevent ev;
	int kq;

	kq = evt_kq();
	add(kq, 1, EV_ONESHOT, 5);
	pass_ms(40);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_TIMER, EV_ONESHOT, 0, 1);
	evt_none(kq);
	ATF_REQUIRE_EQ(evt_change_errno(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	add(kq, 1, EV_ONESHOT, 1);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_TIMER, EV_ONESHOT, 0, 1);
	evt_close(kq);
}

EVT_TC(ident__is_free, "KQ-210 KQ-067",
    "Any ident will do, and none clashes with another filter's")
{
	static const uintptr_t idents[] = { 0, 1, 2, UINTPTR_MAX,
	    UINTPTR_MAX / 2, UINTPTR_MAX / 2 + 1, UINT32_MAX,
	    (uintptr_t)UINT32_MAX + 1 };
	struct kevent ev[16];
	bool seen[EVT_NITEMS(idents)] = { false };
	int i, j, kq, left, n, p[2];

	evt_pipe(p);
	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(idents); i++) {
		add(kq, idents[i], EV_ONESHOT, 1);
		evt_change(kq, idents[i], EVFILT_USER, EV_ADD, 0, 0, NULL);
	}
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	add(kq, (uintptr_t)p[0], 0, 60000);
	for (left = EVT_NITEMS(idents); left > 0; left -= n) {
		n = evt_get(kq, ev, 16);
		ATF_REQUIRE_MSG(n > 0, "%d are missing", left);
		for (j = 0; j < n; j++) {
			for (i = 0; i < EVT_NITEMS(idents); i++)
				if (ev[j].ident == idents[i])
					break;
			ATF_REQUIRE(i < EVT_NITEMS(idents));
			ATF_REQUIRE_EQ(ev[j].filter, EVFILT_TIMER);
			ATF_REQUIRE(!seen[i]);
			seen[i] = true;
		}
	}
	evt_none(kq);
	for (i = 0; i < EVT_NITEMS(idents); i++)
		evt_change(kq, idents[i], EVFILT_USER, EV_DELETE, 0, 0, NULL);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(delete__stops, "KQ-211",
    "A deleted timer is silent, also one that had expired; a new one starts")
{
	struct kevent ev;
	int64_t start;
	int kq;

	kq = evt_kq();
	add(kq, 1, 0, 5);
	add(kq, 2, EV_ONESHOT, 5);
	add(kq, 3, 0, 20);
	pass_ms(12);
	evt_change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	evt_change(kq, 2, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	evt_change(kq, 3, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	start = evt_now_ns();
	add(kq, 1, 0, 30);
	evt_one(kq, &ev);
	ATF_REQUIRE(evt_now_ns() - start >= 30 * MS);
	ATF_REQUIRE(ev.data <= (evt_now_ns() - start) / (30 * MS));
	evt_close(kq);
}

/* ---- adding again ----------------------------------------------------- */

EVT_TC(readd__restarts, "KQ-212 KQ-071",
    "Adding again restarts with the new period and drops what had expired")
{
	struct kevent ev;
	int64_t start;
	int a, b, kq;

	kq = evt_kq();
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 2, &a);
	pass_ms(20);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 60000, &b);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));

	/* The same for an expiry that a call has seen and not returned. */
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 2, &a);
	evt_change(kq, 2, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 2, &a);
	pass_ms(20);
	evt_change(kq, 1, EVFILT_TIMER, EV_DISABLE, 0, 2, &a);
	evt_change(kq, 2, EVFILT_TIMER, EV_DISABLE, 0, 2, &a);
	evt_none(kq);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ENABLE, 0, 60000, &b);
	evt_change(kq, 2, EVFILT_TIMER, EV_ADD | EV_ENABLE, 0, 60000, &b);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	evt_change(kq, 2, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);

	/* From a long one to a short one. */
	start = evt_now_ns();
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 10, &b);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == &b);
	ATF_REQUIRE(evt_now_ns() - start >= 10 * MS);
	ATF_REQUIRE(ev.data <= (evt_now_ns() - start) / (10 * MS));

	/* Again and again before it expires: it never does. */
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 200, NULL);
	start = evt_now_ns();
	while (evt_now_ns() - start < 400 * MS) {
		evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 200, NULL);
		ATF_REQUIRE_EQ(evt_poll(kq, &ev, 1), 0);
		(void)poll(NULL, 0, 10);
	}
	evt_close(kq);
}

EVT_TC(readd__of_a_oneshot, "KQ-212",
    "Adding a one-shot timer again moves its single expiry")
{
	struct kevent ev;
	int64_t start;
	int kq;

	kq = evt_kq();
	add(kq, 1, EV_ONESHOT, 10);
	start = evt_now_ns();
	add(kq, 1, EV_ONESHOT, 80);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_TIMER, EV_ONESHOT, 0, 1);
	ATF_REQUIRE(evt_now_ns() - start >= 80 * MS);
	evt_none(kq);

	/* Also one that has expired and waits to be collected. */
	add(kq, 1, EV_ONESHOT, 1);
	pass_ms(10);
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	start = evt_now_ns();
	add(kq, 1, EV_ONESHOT, 60);
	evt_one(kq, &ev);
	ATF_REQUIRE(evt_now_ns() - start >= 60 * MS);
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(enable__leaves_the_period, "KQ-213",
    "Enabling and disabling neither restart a timer nor change its period")
{
	struct kevent ev;
	int64_t start, sum, took;
	int i, kq;

	kq = evt_kq();
	start = evt_now_ns();
	add(kq, 1, 0, 50);

	/* Data that would be another period, if it were taken as one. */
	for (i = 0; i < 10; i++) {
		evt_change(kq, 1, EVFILT_TIMER, EV_DISABLE, 0, i % 2 * 60000,
		    NULL);
		ATF_REQUIRE_EQ(evt_poll(kq, &ev, 1), 0);
		evt_change(kq, 1, EVFILT_TIMER, EV_ENABLE, 0, i % 2 * 60000,
		    NULL);
		(void)poll(NULL, 0, 10);
	}
	for (i = 0, sum = 0; i < 3; i++) {
		evt_one(kq, &ev);
		took = evt_now_ns() - start;
		sum += ev.data;
		ATF_REQUIRE_MSG(sum <= took / (50 * MS), "%jd in %jd",
		    (intmax_t)sum, (intmax_t)took);
		EVT_APPROX(took < (sum + 1) * 50 * MS + 10 * MS,
		    "a timer that was disabled for a while is late");
	}

	/* Had each pair restarted it, it would not have expired by now. */
	ATF_REQUIRE(sum >= 3);
	evt_close(kq);
}

EVT_TC(disabled__counts, "KQ-214 KQ-085",
    "A disabled timer goes on counting, and one-shot ones expire")
{
	struct kevent ev[2];
	int64_t start;
	int kq;

	kq = evt_kq();
	start = evt_now_ns();
	add(kq, 1, EV_DISABLE, 10);
	pass_ms(75);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	evt_change(kq, 1, EVFILT_TIMER, EV_ENABLE, 0, 10, NULL);
	evt_one(kq, &ev[0]);
	ATF_REQUIRE_MSG(ev[0].data >= (evt_native() ? 5 : 7) &&
	    ev[0].data <= (evt_now_ns() - start) / (10 * MS), "%s",
	    evt_text(&ev[0]));
	evt_change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	add(kq, 2, EV_ONESHOT | EV_DISABLE, 1);
	evt_none(kq);
	evt_change(kq, 2, EVFILT_TIMER, EV_ENABLE, 0, 1, NULL);
	evt_one(kq, &ev[0]);
	EVT_EVENT(&ev[0], 2, EVFILT_TIMER, EV_ONESHOT, 0, 1);
	evt_close(kq);
}

#ifndef __NetBSD__
EVT_TC(dispatch__counts_too, "KQ-214 KQ-095",
    "With EV_DISPATCH expiries between two EV_ENABLE are counted")
{
	struct kevent ev;
	int64_t start, sum;
	int kq;

	kq = evt_kq();
	start = evt_now_ns();
	add(kq, 1, EV_DISPATCH, 10);
	evt_one(kq, &ev);
	sum = ev.data;
	pass_ms(55);
	evt_none(kq);
	evt_change(kq, 1, EVFILT_TIMER, EV_ENABLE, 0, 10, NULL);
	ATF_REQUIRE_EQ(evt_get(kq, &ev, 1), 1);
	sum += ev.data;
	ATF_REQUIRE_MSG(ev.data >= 4, "%s", evt_text(&ev));
	ATF_REQUIRE(sum <= (evt_now_ns() - start) / (10 * MS));
	evt_close(kq);
}
#endif

/* ---- how many --------------------------------------------------------- */

EVT_TC(many__in_order_of_expiry, "KQ-207 KQ-209 KQ-060",
    "Thousands of timers each come once, none early, in order of expiry")
{
	enum { N = 3000 };
	static struct kevent ev[N];
	static int64_t due[N];
	int64_t last = 0, now;
	int i, kq, left, n;
	unsigned int x = 1;

	kq = evt_kq();
	for (i = 0; i < N; i++) {
		int ms;

		x = x * 1103515245U + 12345U;
		ms = 1 + (int)(x >> 16) % 300;
		due[i] = evt_now_ns() + ms * MS;
		add(kq, (uintptr_t)i, EV_ONESHOT, ms);
	}

	/* Every fifth is moved, every seventh deleted. */
	left = N;
	for (i = 0; i < N; i += 5) {
		due[i] = evt_now_ns() + 350 * MS;
		(void)evt_change_errno(kq, i, EVFILT_TIMER,
		    EV_ADD | EV_ONESHOT, 0, 350, NULL);
	}
	for (i = 0; i < N; i += 7) {
		evt_change(kq, i, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
		due[i] = -1;
		left--;
	}
	while (left > 0) {
		n = evt_get(kq, ev, left < 64 ? left : 64);
		ATF_REQUIRE_MSG(n > 0, "%d timers are missing", left);
		now = evt_now_ns();
		for (i = 0; i < n; i++, left--) {
			ATF_REQUIRE(ev[i].ident < N);
			ATF_REQUIRE_EQ(ev[i].data, 1);
			ATF_REQUIRE_MSG(due[ev[i].ident] != -1, "twice: %s",
			    evt_text(&ev[i]));
			ATF_REQUIRE_MSG(due[ev[i].ident] <= now, "early: %s",
			    evt_text(&ev[i]));

			/* The moment of adding is known to a few ms only. */
			EVT_APPROX(due[ev[i].ident] >= last - 5 * MS,
			    "timers out of order");
			last = due[ev[i].ident];
			due[ev[i].ident] = -1;
		}
	}
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(many__two_queues, "KQ-207 KQ-068",
    "Equal idents in two queues are two timers")
{
	struct kevent ev;
	int a, b;

	a = evt_kq();
	b = evt_kq();
	add(a, 1, EV_ONESHOT, 5);
	add(b, 1, 0, 60000);
	evt_one(a, &ev);
	evt_none(b);
	evt_change(b, 1, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	evt_close(a);
	evt_close(b);
}

#if defined(RLIMIT_AS) && !defined(EVT_SANITIZED)
EVT_TC(many__one_too_many, "KQ-223 KQ-259",
    "One timer too many is ENOMEM for that change, and the others work")
{
	struct kevent ev;
	struct rlimit old, rl;
	uintptr_t i, n;
	int error = 0, kq;

	kq = evt_kq();
	add(kq, 0, 0, 60000);
	ATF_REQUIRE(getrlimit(RLIMIT_AS, &old) == 0);
	rl = old;
	rl.rlim_cur = 1 << 20;
	if (setrlimit(RLIMIT_AS, &rl) == -1)
		atf_tc_skip("the address space cannot be limited");
	for (n = 1; n < 2000000 && error == 0; n++)
		error = evt_change_errno(kq, n, EVFILT_TIMER, EV_ADD, 0,
		    60000, NULL);
	ATF_REQUIRE_MSG(error == ENOMEM, "timer %ju: %d", (uintmax_t)n, error);
	n--;
	ATF_REQUIRE_EQ(evt_change_errno(kq, n, EVFILT_TIMER, EV_DELETE, 0, 0,
	    NULL), ENOENT);

	/* Still short of memory, changes and collection go on. */
	add(kq, 0, 0, 1);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(ev.ident, 0);
	evt_change(kq, 0, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	add(kq, 0, EV_ONESHOT, 1);
	evt_one(kq, &ev);
	ATF_REQUIRE(setrlimit(RLIMIT_AS, &old) == 0);
	add(kq, n, EV_ONESHOT, 1);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(ev.ident, n);
	for (i = 1; i < n; i++)
		evt_change(kq, i, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	evt_none(kq);
	evt_close(kq);
}
#endif

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, period__first_and_next);
	EVT_TP_ADD_TC(tp, period__first_is_not_early);
	EVT_TP_ADD_TC(tp, count__since_last_look);
	EVT_TP_ADD_TC(tp, count__of_a_fast_timer);
	EVT_TP_ADD_TC(tp, oneshot__once);
	EVT_TP_ADD_TC(tp, ident__is_free);
	EVT_TP_ADD_TC(tp, delete__stops);
	EVT_TP_ADD_TC(tp, readd__restarts);
	EVT_TP_ADD_TC(tp, readd__of_a_oneshot);
	EVT_TP_ADD_TC(tp, enable__leaves_the_period);
	EVT_TP_ADD_TC(tp, disabled__counts);
#ifndef __NetBSD__
	EVT_TP_ADD_TC(tp, dispatch__counts_too);
#endif
	EVT_TP_ADD_TC(tp, many__in_order_of_expiry);
	EVT_TP_ADD_TC(tp, many__two_queues);
#if defined(RLIMIT_AS) && !defined(EVT_SANITIZED)
	EVT_TP_ADD_TC(tp, many__one_too_many);
#endif
	return (atf_no_error());
}
