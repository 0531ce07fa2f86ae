/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * PORT_SOURCE_ALERT: alert mode.
 */
#include "config.h"

#include "evt_port.h"

static int
alert(int port, int flags, int events, void *user)
{
	return (EVT_ERRNO(port_alert(port, flags, events, user)));
}

EVT_TC(set__every_get_returns, "PORT-126 PORT-136",
    "In alert mode every get returns the alert at once, again and again")
{
	port_event_t ev;
	int i, port;

	port = evt_port();
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_SET, 0x42, EVT_USER(9)), 0);
	for (i = 0; i < 4; i++) {
		memset(&ev, 0xa5, sizeof(ev));
		ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, i % 2 ? -1 : 0), 0);
		EVT_PORT_EVENT(&ev, PORT_SOURCE_ALERT, 0, 0x42, EVT_USER(9));
	}
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_SET, 0, NULL), 0);
	evt_port_idle(port);
	evt_close(port);
}

EVT_TC(set__again_and_update, "PORT-127",
    "SET replaces an alert, UPDATE refuses to and else acts as SET")
{
	port_event_t ev;
	int port;

	port = evt_port();
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_UPDATE, 1, EVT_USER(1)), 0);
	evt_port_one(port, &ev);
	EVT_PORT_ALERT(&ev, 1, EVT_USER(1));
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_UPDATE, 2, EVT_USER(2)), EBUSY);
	evt_port_one(port, &ev);
	EVT_PORT_ALERT(&ev, 1, EVT_USER(1));
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_SET, 3, EVT_USER(3)), 0);
	evt_port_one(port, &ev);
	EVT_PORT_ALERT(&ev, 3, EVT_USER(3));
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_UPDATE, 2, EVT_USER(2)), EBUSY);
	ATF_REQUIRE_EQ(alert(port, 0, 0, NULL), 0);
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_UPDATE, 4, EVT_USER(4)), 0);
	evt_port_one(port, &ev);
	EVT_PORT_ALERT(&ev, 4, EVT_USER(4));
	evt_close(port);
}

EVT_TC(set__flags, "PORT-128",
    "Both flags are EINVAL; none and unknown ones are SET")
{
	static const int flags[] = { 0, 4, 0x10, 0x10000,
	    PORT_ALERT_UPDATE | 4, PORT_ALERT_SET | 8, INT_MIN };
	port_event_t ev;
	int i, port;

	port = evt_port();
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_INVALID, 1, NULL), EINVAL);
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_INVALID | 4, 1, NULL), EINVAL);
	ATF_REQUIRE_EQ(alert(port, -1, 1, NULL), EINVAL);
	evt_port_none(port);
	for (i = 0; i < EVT_NITEMS(flags); i++) {
		ATF_REQUIRE_EQ(alert(port, flags[i], i + 1, EVT_USER(i)), 0);
		evt_port_one(port, &ev);
		EVT_PORT_ALERT(&ev, i + 1, EVT_USER(i));
	}
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_INVALID, 1, NULL), EINVAL);
	evt_port_one(port, &ev);
	EVT_PORT_ALERT(&ev, i, EVT_USER(i - 1));
	evt_close(port);
}

EVT_TC(clear__whatever_the_flags, "PORT-129",
    "No events ends alert mode whatever the flags, and if there was none")
{
	static const int flags[] = { PORT_ALERT_SET, PORT_ALERT_UPDATE,
	    PORT_ALERT_INVALID, 0, -1 };
	port_event_t ev;
	int i, port;

	port = evt_port();
	for (i = 0; i < EVT_NITEMS(flags); i++) {
		ATF_REQUIRE_EQ(alert(port, flags[i], 0, EVT_USER(1)), 0);
		evt_port_none(port);
		ATF_REQUIRE_EQ(alert(port, PORT_ALERT_SET, -1, NULL), 0);
		evt_port_one(port, &ev);
		EVT_PORT_ALERT(&ev, -1, NULL);
		ATF_REQUIRE_EQ(alert(port, flags[i], 0, EVT_USER(1)), 0);
		evt_port_none(port);
	}
	evt_close(port);
}

/* ---- waiting threads ----------------------------------------------------------------- */

#define WAITERS	6

/* Waiters in port_get() and for 1, 3, 8 events, with and without a limit. */
static void
waiters_start(struct evt_port_wait w[WAITERS], int port)
{
	static const unsigned int n[WAITERS] = { 8, 3, 1, 0, 0, 1 };
	int i;

	for (i = 0; i < WAITERS; i++)
		evt_port_wait_start(&w[i], port, n[i], i % 2 ? -1 : 60000);
}

static void
waiters_alerted(struct evt_port_wait w[WAITERS], int events, void *user)
{
	int i;

	for (i = 0; i < WAITERS; i++) {
		evt_port_wait_end(&w[i]);
		ATF_REQUIRE_EQ_MSG(w[i].pw_error, 0, "waiter %d: %s", i,
		    strerror(w[i].pw_error));
		EVT_PORT_ALERT(&w[i].pw_list[0], events, user);
		if (w[i].pw_n > 0)
			ATF_REQUIRE_EQ(w[i].pw_nget, 1);
	}
}

EVT_TC(set__wakes_everybody, "PORT-130 PORT-131",
    "Setting the alert ends every wait, whatever it waits for")
{
	struct evt_port_wait w[WAITERS];
	port_event_t ev[2];
	int port;

	port = evt_port();
	waiters_start(w, port);
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_SET, 5, EVT_USER(6)), 0);
	waiters_alerted(w, 5, EVT_USER(6));
	ATF_REQUIRE_EQ(alert(port, 0, 0, NULL), 0);
	evt_port_none(port);

	/* nothing sticks to the port: a new wait waits */
	evt_port_wait_start(&w[0], port, 1, -1);
	evt_port_wait_on(&w[0]);
	evt_port_send(port, 1, NULL);
	evt_port_wait_end(&w[0]);
	EVT_PORT_USER(&w[0].pw_list[0], 1, NULL);
	ATF_REQUIRE_EQ(evt_port_poll(port, ev, 2), 0);
	evt_close(port);
}

EVT_TC(set__cleared_at_once, "PORT-130",
    "Each waiter gets the alert though it is set again and cleared before "
    "the thread runs, with the data it had first")
{
	struct evt_port_wait w[WAITERS];
	int port, round;

	port = evt_port();
	for (round = 1; round <= 5; round++) {
		waiters_start(w, port);
		ATF_REQUIRE_EQ(alert(port, PORT_ALERT_SET, round,
		    EVT_USER(round)), 0);
		ATF_REQUIRE_EQ(alert(port, PORT_ALERT_SET, 100, NULL), 0);
		ATF_REQUIRE_EQ(alert(port, PORT_ALERT_SET, 0, NULL), 0);
		waiters_alerted(w, round, EVT_USER(round));
	}
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(set__with_too_few_events, "PORT-130 PORT-131 PORT-139",
    "A waiter for three events with two there gets the alert, the events "
    "stay")
{
	struct evt_port_wait w;
	port_event_t ev[3];
	int port;

	port = evt_port();
	evt_port_send(port, 1, NULL);
	evt_port_send(port, 2, NULL);
	evt_port_wait_start(&w, port, 3, -1);
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_SET, 7, NULL), 0);
	evt_port_wait_end(&w);
	ATF_REQUIRE_EQ(w.pw_error, 0);
	ATF_REQUIRE_EQ(w.pw_nget, 1);
	EVT_PORT_ALERT(&w.pw_list[0], 7, NULL);
	ATF_REQUIRE_EQ(alert(port, 0, 0, NULL), 0);
	ATF_REQUIRE_EQ(evt_port_poll(port, ev, 3), 2);
	EVT_PORT_USER(&ev[0], 1, NULL);
	EVT_PORT_USER(&ev[1], 2, NULL);
	evt_close(port);
}

/* ---- port_getn and counts ------------------------------------------------------------- */

EVT_TC(port_getn__one_entry, "PORT-131 PORT-149",
    "port_getn gives the alert alone, touches nothing else, and leaves the "
    "queue as it is")
{
	port_event_t ev[4], was[4];
	unsigned int n;
	int i, p[2], port;

	evt_pipe(p);
	evt_write(p[1], 1);
	port = evt_port();
	evt_port_send(port, 1, NULL);
	evt_port_fd(port, p[0], POLLIN, EVT_USER(2));
	ATF_REQUIRE_EQ(evt_port_count(port), 2);
	evt_port_send(port, 3, NULL);
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_SET, 8, EVT_USER(8)), 0);
	for (i = 1; i <= 4; i++) {
		memset(ev, 0xa5, sizeof(ev));
		memset(was, 0xa5, sizeof(was));
		n = (unsigned int)i;
		ATF_REQUIRE_EQ(evt_port_getn_ms(port, ev, 4, &n,
		    i % 2 ? -1 : 0), 0);
		ATF_REQUIRE_EQ(n, 1);
		EVT_PORT_ALERT(&ev[0], 8, EVT_USER(8));
		ATF_REQUIRE(memcmp(&ev[1], &was[1], 3 * sizeof(ev[0])) == 0);
	}
	ATF_REQUIRE_EQ(alert(port, 0, 0, NULL), 0);
	ATF_REQUIRE_EQ(evt_port_get(port, ev, 4, 3), 3);
	EVT_PORT_USER(&ev[0], 1, NULL);
	EVT_PORT_FD(&ev[1], p[0], POLLIN, EVT_USER(2));
	EVT_PORT_USER(&ev[2], 3, NULL);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(port_getn__counts_and_bad_times, "PORT-132 PORT-143 PORT-144 PORT-148",
    "In alert mode max 0 counts, none wanted gives none, and the time-out "
    "is not looked at")
{
	struct timespec bad = { -1, 2000000000 };
	port_event_t ev;
	unsigned int n;
	int port;

	port = evt_port();
	evt_port_send(port, 1, NULL);
	evt_port_send(port, 1, NULL);
	ATF_REQUIRE_EQ(alert(port, PORT_ALERT_SET, 8, NULL), 0);
	ATF_REQUIRE_EQ(evt_port_count(port), 2);
	n = 0;
	ATF_REQUIRE_EQ(evt_port_getn_ms(port, &ev, 1, &n, -1), 0);
	ATF_REQUIRE_EQ(n, 0);
	n = 1;
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, &ev, 1, &n, &bad)), 0);
	ATF_REQUIRE_EQ(n, 1);
	EVT_PORT_ALERT(&ev, 8, NULL);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, NULL, 1, &n, NULL)), EFAULT);
	n = 2;
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, &ev, 1, &n, NULL)), EINVAL);
	evt_close(port);
}

EVT_TC(port_get__interrupted_by_go, "PORT-127 PORT-130 PORT-129",
    "As a wake-up: UPDATE while somebody waits, EBUSY the second time, "
    "cleared by the waiter")
{
	struct evt_port_wait w;
	int i, port;

	port = evt_port();
	for (i = 0; i < 3; i++) {
		evt_port_wait_start(&w, port, 1, -1);
		ATF_REQUIRE_EQ(alert(port, PORT_ALERT_UPDATE, POLLHUP,
		    EVT_USER(1)), 0);
		ATF_REQUIRE_EQ(alert(port, PORT_ALERT_UPDATE, POLLHUP,
		    EVT_USER(1)), EBUSY);
		evt_port_wait_end(&w);
		ATF_REQUIRE_EQ(w.pw_error, 0);
		EVT_PORT_ALERT(&w.pw_list[0], POLLHUP, EVT_USER(1));
		ATF_REQUIRE_EQ(alert(port, 0, 0, NULL), 0);
	}
	evt_close(port);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, set__every_get_returns);
	EVT_TP_ADD_TC(tp, set__again_and_update);
	EVT_TP_ADD_TC(tp, set__flags);
	EVT_TP_ADD_TC(tp, clear__whatever_the_flags);
	EVT_TP_ADD_TC(tp, set__wakes_everybody);
	EVT_TP_ADD_TC(tp, set__cleared_at_once);
	EVT_TP_ADD_TC(tp, set__with_too_few_events);
	EVT_TP_ADD_TC(tp, port_getn__one_entry);
	EVT_TP_ADD_TC(tp, port_getn__counts_and_bad_times);
	EVT_TP_ADD_TC(tp, port_get__interrupted_by_go);
	return (atf_no_error());
}
