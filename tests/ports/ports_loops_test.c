/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Loops as programs write them around a port: each habit that some program
 * relies on, in a small loop of our own.
 */
#include "config.h"

#include <sys/socket.h>

#include "evt_port.h"

#define PAIRS	20
#define TURNS	2000

static int port;
static int sides[PAIRS][2];

static void
pairs_open(void)
{
	int i;

	for (i = 0; i < PAIRS; i++)
		evt_sockpair(sides[i], SOCK_STREAM);
}

static void
pairs_close(void)
{
	int i;

	for (i = 0; i < PAIRS; i++) {
		evt_close(sides[i][0]);
		evt_close(sides[i][1]);
	}
}

/* Passes the byte that came in on one socket to the next pair. */
static void
pass(uintptr_t fd)
{
	char c;
	int i;

	for (i = 0; sides[i][1] != (int)fd;)
		ATF_REQUIRE(++i < PAIRS);
	ATF_REQUIRE_EQ(read((int)fd, &c, 1), 1);
	ATF_REQUIRE_EQ(write(sides[(i + 1) % PAIRS][0], &c, 1), 1);
}

EVT_TC(loop__associates_before_the_wait, "PORT-028 PORT-029 PORT-138 PORT-140",
    "What was delivered is associated again just before the next wait, whose "
    "list is short and time-out short; events that come with ETIME count")
{
	struct timespec ts = { 0, 5000000 };
	port_event_t list[8];
	int i, turns = 0;
	unsigned int k, n = 0;

	pairs_open();
	port = evt_port();
	for (i = 0; i < PAIRS; i++) {
		evt_port_fd(port, sides[i][1], POLLIN, EVT_USER(i));
		if (i % 3 == 0)
			evt_write(sides[i][0], 1);
	}
	while (turns < TURNS) {
		for (k = 0; k < n; k++)
			evt_port_fd(port, (int)list[k].portev_object, POLLIN,
			    list[k].portev_user);
		n = 1;
		if (port_getn(port, list, EVT_NITEMS(list), &n, &ts) == -1)
			ATF_REQUIRE_EQ(errno, ETIME);
		for (k = 0; k < n; k++, turns++) {
			ATF_REQUIRE_EQ(list[k].portev_source, PORT_SOURCE_FD);
			ATF_REQUIRE_EQ(list[k].portev_events, POLLIN);
			pass(list[k].portev_object);
		}
	}
	evt_close(port);
	pairs_close();
}

EVT_TC(loop__looks_then_waits, "PORT-137 PORT-025 PORT-039",
    "A zero time-out first, then none at all, on a port that holds another; "
    "what is associated and dissociated at once is both")
{
	struct timespec zero = { 0, 0 };
	port_event_t list[1024], ev;
	int inner, i, turns = 0, woken = 0;
	unsigned int k, n;

	pairs_open();
	port = evt_port();
	inner = evt_port();
	evt_port_fd(port, inner, POLLIN, NULL);
	for (i = 0; i < PAIRS; i++)
		evt_port_fd(port, sides[i][1], POLLIN, EVT_USER(i));
	evt_write(sides[0][0], 1);
	while (turns < TURNS) {
		n = 1;
		ATF_REQUIRE_EQ(port_getn(port, list, 1024, &n, &zero), 0);
		if (n == 0) {
			n = 1;
			ATF_REQUIRE_EQ(port_getn(port, list, 1024, &n, NULL),
			    0);
		}
		for (k = 0; k < n; k++) {
			if ((int)list[k].portev_object == inner) {
				/* Its events first, then once more. */
				while (evt_port_poll(inner, &ev, 1) == 1)
					woken++;
				evt_port_fd(port, inner, POLLIN, NULL);
				continue;
			}
			pass(list[k].portev_object);
			evt_port_fd(port, (int)list[k].portev_object,
			    POLLOUT, NULL);
			evt_port_off(port, (int)list[k].portev_object);
			evt_port_fd(port, (int)list[k].portev_object, POLLIN,
			    list[k].portev_user);
			if (++turns % 10 == 0)
				evt_port_send(inner, turns, NULL);
		}
	}
	ATF_REQUIRE(woken >= TURNS / 10 - 1);
	evt_close(inner);
	evt_close(port);
	pairs_close();
}

static void
notify_main(void *arg)
{
	int i;

	for (i = 0; i < TURNS; i++)
		ATF_REQUIRE_EQ(port_send(port, 0, arg), 0);
}

EVT_TC(loop__closes_and_notifies, "PORT-045 PORT-047 PORT-112",
    "Connections end by close alone, their numbers are new connections', and "
    "another thread's port_send wakes the loop")
{
	struct evt_thread t;
	port_event_t list[16];
	struct timespec ts;
	int fd, i, notes = 0, turns = 0;
	uintptr_t tags[PAIRS] = { 0 };
	unsigned int k, n;

	pairs_open();
	port = evt_port();
	for (i = 0; i < PAIRS; i++) {
		evt_port_fd(port, sides[i][1], POLLIN, EVT_USER(2 * i));
		evt_write(sides[i][0], 1);
	}
	evt_thread_start(&t, notify_main, &port);
	while (turns < TURNS || notes < TURNS) {
		n = 1;
		ts = evt_ms(EVT_WAIT_MS);
		ATF_REQUIRE_EQ(port_getn(port, list, EVT_NITEMS(list), &n,
		    &ts), 0);
		for (k = 0; k < n; k++) {
			if (list[k].portev_source == PORT_SOURCE_USER) {
				ATF_REQUIRE_EQ(list[k].portev_user, &port);
				notes++;
				continue;
			}
			if (turns++ >= TURNS)
				continue;
			/* The lowest bit tells a connection from its next. */
			i = (int)((uintptr_t)list[k].portev_user >> 1);
			ATF_REQUIRE_EQ((uintptr_t)list[k].portev_user & 1,
			    tags[i]);
			fd = (int)list[k].portev_object;
			ATF_REQUIRE_EQ(sides[i][1], fd);
			evt_close(sides[i][0]);
			evt_close(fd);
			evt_sockpair(sides[i], SOCK_STREAM);
			evt_port_fd(port, sides[i][1], POLLIN,
			    EVT_USER((uintptr_t)(2 * i) | (tags[i] ^= 1)));
			evt_write(sides[i][0], 1);
		}
	}
	evt_thread_join(&t);
	evt_close(port);
	pairs_close();
}

static atomic_bool over;

/* Rings as a scheduler does: once is enough. */
static void
alert_main(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		if (port_alert(port, PORT_ALERT_UPDATE, POLLHUP, &over) == -1)
			ATF_REQUIRE_EQ(errno, EBUSY);
		(void)sched_yield();
	}
}

EVT_TC(loop__armed_later, "PORT-032 PORT-035 PORT-127 PORT-129",
    "Descriptors are associated for nothing and armed later; alerts wake the "
    "loop, which clears them")
{
	struct evt_thread t;
	port_event_t list[128];
	int alerts = 0, i, turns = 0;
	unsigned int k, n;

	pairs_open();
	port = evt_port();
	for (i = 0; i < PAIRS; i++)
		evt_port_fd(port, sides[i][1], 0, EVT_USER(i));
	evt_write(sides[0][0], 1);
	evt_port_none(port);
	for (i = 0; i < PAIRS; i++)
		evt_port_fd(port, sides[i][1], POLLIN, EVT_USER(i));
	evt_thread_start(&t, alert_main, NULL);
	while (turns < TURNS || alerts == 0) {
		n = 1;
		if (port_getn(port, list, EVT_NITEMS(list), &n, NULL) == -1) {
			ATF_REQUIRE_EQ(errno, EINTR);
			continue;
		}
		for (k = 0; k < n; k++) {
			if (list[k].portev_source == PORT_SOURCE_ALERT) {
				ATF_REQUIRE_EQ(list[k].portev_user, &over);
				ATF_REQUIRE_EQ(port_alert(port, 0, 0, NULL),
				    0);
				alerts++;
				continue;
			}
			pass(list[k].portev_object);
			turns++;
			evt_port_fd(port, (int)list[k].portev_object, 0,
			    list[k].portev_user);
			evt_port_fd(port, (int)list[k].portev_object, POLLIN,
			    list[k].portev_user);
		}
	}
	atomic_store(&over, true);
	evt_thread_join(&t);
	evt_close(port);
	pairs_close();
}

EVT_TC(loop__counts_first, "PORT-143 PORT-138",
    "The loop asks how many there are, then for as many or one")
{
	struct timespec ts;
	port_event_t list[PAIRS];
	int i, turns = 0;
	unsigned int k, n;

	pairs_open();
	port = evt_port();
	for (i = 0; i < PAIRS; i++) {
		evt_port_fd(port, sides[i][1], POLLIN, EVT_USER(i));
		evt_write(sides[i][0], 1);
	}
	while (turns < TURNS) {
		n = 0;
		ATF_REQUIRE_EQ(port_getn(port, NULL, 0, &n, NULL), 0);
		n = n == 0 ? 1 : n > PAIRS ? PAIRS : n;
		ts = evt_ms(EVT_WAIT_MS);
		ATF_REQUIRE_EQ(port_getn(port, list, PAIRS, &n, &ts), 0);
		for (k = 0; k < n; k++, turns++) {
			pass(list[k].portev_object);
			evt_port_fd(port, (int)list[k].portev_object, POLLIN,
			    list[k].portev_user);
		}
	}
	evt_close(port);
	pairs_close();
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, loop__associates_before_the_wait);
	EVT_TP_ADD_TC(tp, loop__looks_then_waits);
	EVT_TP_ADD_TC(tp, loop__closes_and_notifies);
	EVT_TP_ADD_TC(tp, loop__armed_later);
	EVT_TP_ADD_TC(tp, loop__counts_first);
	return (atf_no_error());
}
