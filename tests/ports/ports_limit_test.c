/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * How many events a port holds, and how many ports there may be.
 */
#include "config.h"

#include "evt_port.h"

static int
send_errno(int port)
{
	return (EVT_ERRNO(port_send(port, 1, NULL)));
}

static void
take(int port, int n)
{
	port_event_t ev[8];

	ATF_REQUIRE_EQ(evt_port_poll(port, ev, n), n);
}

EVT_TC(port_send__one_too_many, "PORT-173 PORT-115",
    "With all places taken port_send is EAGAIN; one retrieved, one more goes")
{
	int i, port, round;

	evt_port_limit(4);
	port = evt_port();
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 4; i++)
			ATF_REQUIRE_EQ(send_errno(port), 0);
		ATF_REQUIRE_EQ(send_errno(port), EAGAIN);
		take(port, 1);
		ATF_REQUIRE_EQ(send_errno(port), 0);
		ATF_REQUIRE_EQ(send_errno(port), EAGAIN);
		ATF_REQUIRE_EQ(evt_port_count(port), 4);
		take(port, 4);
	}
	evt_port_idle(port);
	evt_close(port);
}

/* Makes a call on a port that is full, by a number that was it. */
static int
closed_errno(const int p[2], bool reused, bool associates)
{
	int error, other, port;

	port = evt_port();
	ATF_REQUIRE((other = dup(port)) != -1);
	ATF_REQUIRE_EQ(send_errno(other), 0);
	evt_close(port);
	if (reused)
		ATF_REQUIRE_EQ(dup2(p[1], port), port);
	error = associates ? evt_port_fd_errno(port, p[0], POLLIN, NULL) :
	    send_errno(port);
	ATF_REQUIRE_EQ(send_errno(other), EAGAIN);
	take(other, 1);
	if (reused)
		evt_close(port);
	evt_close(other);
	return (error);
}

EVT_TC(limit__of_a_closed_number, "PORT-005 PORT-013",
    "A full port's number that was closed, or is another file's, is no port")
{
	int p[2];

	evt_port_limit(1);
	evt_pipe(p);
	ATF_REQUIRE_EQ(closed_errno(p, false, false), EBADF);
	ATF_REQUIRE_EQ(closed_errno(p, false, true), EBADF);
	ATF_REQUIRE_EQ(closed_errno(p, true, false), EBADFD);
	ATF_REQUIRE_EQ(closed_errno(p, true, true), EBADFD);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(limit__of_the_creation, "PORT-174",
    "A limit changed later is not an existing port's")
{
	int i, port, wide;

	evt_port_limit(2);
	port = evt_port();
	evt_port_limit(5);
	wide = evt_port();
	evt_port_limit(1);
	for (i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(send_errno(port), 0);
	ATF_REQUIRE_EQ(send_errno(port), EAGAIN);
	for (i = 0; i < 5; i++)
		ATF_REQUIRE_EQ(send_errno(wide), 0);
	ATF_REQUIRE_EQ(send_errno(wide), EAGAIN);
	evt_close(port);
	evt_close(wide);
}

EVT_TC(limit__shared_by_sources, "PORT-175 PORT-177",
    "An association takes a place, armed or not; with none left the next is "
    "EAGAIN and is no association")
{
	port_event_t ev[4];
	int p[2], port, q[2];

	evt_port_limit(3);
	evt_pipe(p);
	evt_pipe(q);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, NULL);
	ATF_REQUIRE_EQ(send_errno(port), 0);
	ATF_REQUIRE_EQ(send_errno(port), 0);
	ATF_REQUIRE_EQ(send_errno(port), EAGAIN);
	ATF_REQUIRE_EQ(evt_port_fd_errno(port, q[1], POLLOUT, NULL), EAGAIN);
	ATF_REQUIRE_EQ(evt_port_off_errno(port, q[1]), ENOENT);
	ATF_REQUIRE_EQ(evt_port_count(port), 2);
	/* What is there already needs no place. */
	evt_port_fd(port, p[0], POLLIN, EVT_USER(2));
	evt_write(p[1], 1);
	ATF_REQUIRE_EQ(evt_port_poll(port, ev, 4), 3);
	EVT_PORT_FD(&ev[2], p[0], POLLIN, EVT_USER(2));
	evt_port_fd(port, q[1], POLLOUT, NULL);
	ATF_REQUIRE_EQ(send_errno(port), 0);
	ATF_REQUIRE_EQ(send_errno(port), EAGAIN);
	evt_port_off(port, q[1]);
	ATF_REQUIRE_EQ(send_errno(port), 0);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q[0]);
	evt_close(q[1]);
	evt_close(port);
}

EVT_TC(limit__delivered_association, "PORT-176",
    "A delivered association keeps its place for the next time, until its "
    "descriptor is closed")
{
	port_event_t ev;
	int i, p[2], port;

	evt_port_limit(2);
	evt_pipe(p);
	evt_write(p[1], 1);
	port = evt_port();
	for (i = 0; i < 3; i++) {
		evt_port_fd(port, p[0], POLLIN, EVT_USER(i));
		evt_port_one(port, &ev);
		EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(i));
		ATF_REQUIRE_EQ(send_errno(port), 0);
		ATF_REQUIRE_EQ(send_errno(port), EAGAIN);
		/* At the limit. */
		evt_port_fd(port, p[0], POLLIN, EVT_USER(9));
		take(port, 2);
	}
	ATF_REQUIRE_EQ(send_errno(port), 0);
	ATF_REQUIRE_EQ(send_errno(port), EAGAIN);
	evt_close(p[0]);
	ATF_REQUIRE_EQ(send_errno(port), 0);
	ATF_REQUIRE_EQ(send_errno(port), EAGAIN);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(port_create__one_too_many, "PORT-180 PORT-182",
    "Beyond the number of ports port_create is EAGAIN; one closed, one more "
    "is made")
{
	int i, ports[3];

	if (evt_port_native())
		atf_tc_skip("the limit is a resource control");
	ATF_REQUIRE(setenv("EVANY_PORTS", "3", 1) == 0);
	for (i = 0; i < 3; i++)
		ports[i] = evt_port();
	ATF_REQUIRE_EQ(EVT_ERRNO(port_create()), EAGAIN);
	for (i = 0; i < 3; i++) {
		evt_close(ports[i]);
		ports[i] = evt_port();
		ATF_REQUIRE_EQ(EVT_ERRNO(port_create()), EAGAIN);
	}
	ATF_REQUIRE_EQ(send_errno(ports[0]), 0);
	for (i = 0; i < 3; i++)
		evt_close(ports[i]);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, port_send__one_too_many);
	EVT_TP_ADD_TC(tp, limit__of_a_closed_number);
	EVT_TP_ADD_TC(tp, limit__of_the_creation);
	EVT_TP_ADD_TC(tp, limit__shared_by_sources);
	EVT_TP_ADD_TC(tp, limit__delivered_association);
	EVT_TP_ADD_TC(tp, port_create__one_too_many);
	return (atf_no_error());
}
