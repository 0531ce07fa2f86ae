/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * What event ports do exactly only with libevany-interpose, which this program
 * is linked with: a port knows of a close at once.
 */
#include "config.h"

#include "evt_port.h"

#define NUMBER	160

/* Ends a wait: EBADF, or EBADFD of a port that is going or already no port. */
static void
ended(struct evt_port_wait *w)
{
	evt_port_wait_end(w);
	ATF_REQUIRE_MSG(w->pw_error == EBADF || w->pw_error == EBADFD,
	    "the wait ended with %s", strerror(w->pw_error));
}

EVT_TC(close__ends_waits, "PORT-007 PORT-008 PORT-005",
    "Closing a port ends every wait of it with EBADF")
{
	struct evt_port_wait w[4];
	int i, port, round;

	for (round = 0; round < 10; round++) {
		port = evt_port();
		for (i = 0; i < EVT_NITEMS(w); i++)
			evt_port_wait_start(&w[i], port, i < 2 ? 1 : 3,
			    i % 2 ? -1 : 60000);
		if (round % 2 == 0)
			ATF_REQUIRE_EQ(close(port), 0);
		else {
			int p[2];

			evt_pipe(p);
			ATF_REQUIRE_EQ(dup2(p[0], port), port);
			evt_close(p[0]);
			evt_close(p[1]);
			evt_close(port);
		}
		for (i = 0; i < EVT_NITEMS(w); i++)
			ended(&w[i]);
	}
}

EVT_TC(close__of_a_duplicate, "PORT-007 PORT-009 PORT-011",
    "Closing a duplicate ends the waits through it, and those through the "
    "port go on")
{
	struct evt_port_wait by[2], other[2];
	int copy, i, port;

	port = evt_port();
	ATF_REQUIRE((copy = dup(port)) != -1);
	for (i = 0; i < 2; i++) {
		evt_port_wait_start(&by[i], copy, i == 0 ? 1 : 2, -1);
		evt_port_wait_start(&other[i], port, i == 0 ? 1 : 2, -1);
	}
	ATF_REQUIRE_EQ(close(copy), 0);
	for (i = 0; i < 2; i++)
		ended(&by[i]);
	for (i = 0; i < 2; i++)
		evt_port_wait_on(&other[i]);
	evt_port_send(port, 1, NULL);
	evt_port_wait_end(&other[0]);
	EVT_PORT_USER(&other[0].pw_list[0], 1, NULL);
	evt_port_send(port, 2, NULL);
	evt_port_send(port, 3, NULL);
	evt_port_wait_end(&other[1]);
	ATF_REQUIRE_EQ(other[1].pw_nget, 2);
	evt_close(port);
}

EVT_TC(close__of_what_is_associated, "PORT-045 PORT-046 PORT-048",
    "After the close of a descriptor nothing of it is queued or readable, "
    "though a duplicate lives, and its place is free")
{
	int copy, p[2], port, round;

	evt_port_limit(1);
	port = evt_port();
	for (round = 0; round < 4; round++) {
		evt_pipe(p);
		(void)evt_move(p[0], NUMBER);
		ATF_REQUIRE((copy = dup(NUMBER)) != -1);
		if (round % 2 == 0)
			evt_write(p[1], 1);
		evt_port_fd(port, NUMBER, POLLIN, NULL);
		if (round < 2)
			ATF_REQUIRE_EQ(close(NUMBER), 0);
		else
			ATF_REQUIRE_EQ(dup2(p[1], NUMBER), NUMBER);
		ATF_REQUIRE(!evt_readable(port, 0));
		ATF_REQUIRE_EQ(evt_port_count(port), 0);
		evt_port_send(port, 1, NULL);
		ATF_REQUIRE_EQ(evt_port_poll(port, (port_event_t[1]){ { 0 } },
		    1), 1);
		if (round >= 2)
			evt_close(NUMBER);
		evt_close(copy);
		evt_close(p[1]);
	}
	evt_close(port);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, close__ends_waits);
	EVT_TP_ADD_TC(tp, close__of_a_duplicate);
	EVT_TP_ADD_TC(tp, close__of_what_is_associated);
	return (atf_no_error());
}
