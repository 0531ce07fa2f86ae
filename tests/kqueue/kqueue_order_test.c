/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * In which order a call returns the pending events.
 */
#include "config.h"

#include "evt.h"

#include <sys/socket.h>

/* A permutation without pattern, the same on every run. */
static void
shuffle(int *a, int n)
{
	unsigned int x = 12345;
	int i, j, t;

	for (i = 0; i < n; i++)
		a[i] = i;
	for (i = n - 1; i > 0; i--) {
		x = x * 1103515245U + 12345U;
		j = (int)(x >> 16) % (i + 1);
		t = a[i];
		a[i] = a[j];
		a[j] = t;
	}
}

EVT_TC(order__user_events, "KQ-060",
    "User events come in the order of their triggers")
{
	enum { N = 40 };
	struct kevent ev[N];
	int i, kq, order[N];

	shuffle(order, N);
	kq = evt_kq();
	for (i = 0; i < N; i++)
		evt_add_user(kq, i, EV_CLEAR);
	for (i = 0; i < N; i++)
		evt_trigger(kq, order[i]);

	/* A second trigger keeps the place of the first. */
	evt_trigger(kq, order[3]);
	evt_trigger(kq, order[0]);
	ATF_REQUIRE_EQ(evt_get(kq, ev, 15), 15);
	ATF_REQUIRE_EQ(evt_get(kq, ev + 15, N - 15), N - 15);
	for (i = 0; i < N; i++)
		ATF_REQUIRE_EQ((int)ev[i].ident, order[i]);
	evt_close(kq);
}

EVT_TC(order__pipes, "KQ-060",
    "Pipes come in the order in which they were written to")
{
	enum { N = 40 };
	struct kevent ev[N];
	int i, kq, order[N], p[N][2], wrong = 0;

	shuffle(order, N);
	kq = evt_kq();
	for (i = 0; i < N; i++) {
		evt_pipe(p[i]);
		evt_change(kq, p[i][0], EVFILT_READ, EV_ADD |
		    (i % 2 != 0 ? EV_CLEAR : 0), 0, 0, NULL);
	}
	for (i = 0; i < N; i++)
		evt_write(p[order[i]][1], 1);
	ATF_REQUIRE_EQ(evt_get(kq, ev, N), N);
	ATF_REQUIRE(!evt_twins(ev, N));
	for (i = 0; i < N; i++)
		wrong += ev[i].ident != (uintptr_t)p[order[i]][0];

	/* poll(2) tells only which are ready. */
	if (strcmp(evt_backend(), "poll") == 0 && !evt_native())
		EVT_APPROX(wrong == 0, "descriptors come in another order");
	else
		ATF_REQUIRE_EQ(wrong, 0);
	evt_close(kq);
	for (i = 0; i < N; i++) {
		evt_close(p[i][0]);
		evt_close(p[i][1]);
	}
}

EVT_TC(order__both_filters, "KQ-060",
    "Filters of one descriptor come in the order in which they were added")
{
	static const int filters[] = { EVFILT_READ, EVFILT_WRITE };
	struct kevent ev[2];
	int first, i, kq, s[2];

	for (first = 0; first < 2; first++) {
		kq = evt_kq();
		evt_sockpair(s, SOCK_STREAM);
		evt_write(s[1], 1);
		for (i = 0; i < 2; i++)
			evt_change(kq, s[0], filters[i ^ first], EV_ADD, 0, 0,
			    NULL);
		for (i = 0; i < 3; i++) {
			ATF_REQUIRE_EQ(2, evt_get(kq, ev, 2));
			ATF_REQUIRE_EQ(filters[first], (int)ev[0].filter);
			ATF_REQUIRE_EQ(filters[!first], (int)ev[1].filter);
		}
		evt_close(s[0]);
		evt_close(s[1]);
		evt_close(kq);
	}
}

EVT_TC(order__timers, "KQ-060",
    "Timers come in the order of their expiry")
{
	enum { N = 10 };
	struct kevent ev[N];
	int64_t after[N], before[N];
	int i, j, k, kq, n, order[N];

	shuffle(order, N);
	kq = evt_kq();
	/* When each expires, at the earliest and at the latest. */
	for (i = 0; i < N; i++) {
		j = order[i];
		before[j] = evt_now_ns() + (40 + 3 * j) * INT64_C(1000000);
		evt_change(kq, j, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0,
		    40 + 3 * j, NULL);
		after[j] = evt_now_ns() + (40 + 3 * j) * INT64_C(1000000);
	}
	for (n = 0; n < N; n += i) {
		i = evt_get(kq, ev + n, N - n);
		ATF_REQUIRE(i > 0);
	}
	for (i = 1; i < N; i++) {
		j = (int)ev[i - 1].ident;
		k = (int)ev[i].ident;
		ATF_REQUIRE_MSG(before[j] <= after[k], "%d before %d", j, k);
	}
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(order__across_kinds, "KQ-060",
    "A user event and a descriptor come in the order they became ready")
{
	struct kevent ev[4];
	int kq, p[2], q[2];

	evt_pipe(p);
	evt_pipe(q);
	kq = evt_kq();
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq, q[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_add_user(kq, 1, EV_CLEAR);
	evt_write(p[1], 1);
	evt_trigger(kq, 1);
	evt_write(q[1], 1);
	ATF_REQUIRE_EQ(evt_get(kq, ev, 4), 3);
	ATF_REQUIRE(!evt_twins(ev, 3));
	EVT_APPROX(ev[0].ident == (uintptr_t)p[0] && ev[1].ident == 1 &&
	    ev[2].ident == (uintptr_t)q[0],
	    "order across kinds is not that of becoming ready");
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q[0]);
	evt_close(q[1]);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, order__user_events);
	EVT_TP_ADD_TC(tp, order__pipes);
	EVT_TP_ADD_TC(tp, order__both_filters);
	EVT_TP_ADD_TC(tp, order__timers);
	EVT_TP_ADD_TC(tp, order__across_kinds);
	return (atf_no_error());
}
