/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Processes that are killed in the midst of a call on a port that they share.
 */
#include "config.h"

#include "evt_port.h"
#include "killed.h"

static int port;
static int fds[2];	/* the child's to associate */
static int own[2];	/* and ours */

static void
begin(void)
{
	if (!evt_port_shared())
		atf_tc_skip("with these mechanisms the child does not "
		    "have the port");
	evt_port_limit(16);
	port = evt_port();
	evt_pipe(fds);
	evt_pipe(own);
}

static void
end(void)
{
	evt_close(port);
	evt_close(fds[0]);
	evt_close(fds[1]);
	evt_close(own[0]);
	evt_close(own[1]);
}

static void
nothing(void)
{
}

/* Nothing is left in the port, which works. */
static void
empty_and_sound(void)
{
	port_event_t ev;

	ATF_REQUIRE_EQ(0, evt_port_poll(port, &ev, 1));
	ATF_REQUIRE_EQ(0, evt_port_count(port));
	ATF_REQUIRE(!evt_readable(port, 0));
	evt_port_send(port, 3, EVT_USER(4));
	evt_port_one(port, &ev);
	EVT_PORT_USER(&ev, 3, EVT_USER(4));
	evt_port_fd(port, own[1], POLLOUT, EVT_USER(5));
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, own[1], POLLOUT, EVT_USER(5));
	ATF_REQUIRE_EQ(0, evt_port_poll(port, &ev, 1));
	ATF_REQUIRE(!evt_readable(port, 0));
}

/* ---- events of the program's own ------------------------------------------------- */

static void
act_send(void)
{
	EVT_CHILD(port_send(port, 7, EVT_USER(8)) == 0);
}

static void
after_send(bool done)
{
	port_event_t ev[2];
	int n = evt_port_poll(port, ev, 2);

	ATF_REQUIRE(n == 1 || (n == 0 && !done));
	if (n == 1)
		EVT_PORT_USER(&ev[0], 7, EVT_USER(8));
	empty_and_sound();
}

EVT_TC(killed__in_a_send, "PORT-197 PORT-183",
    "A process killed at any point of a send has sent a whole event or none")
{
	begin();
	killed_everywhere(nothing, act_send, after_send);
	end();
}

static void
before_get(void)
{
	evt_port_send(port, 1, EVT_USER(1));
	evt_port_send(port, 2, EVT_USER(2));
	evt_port_send(port, 3, EVT_USER(3));
}

static void
act_get(void)
{
	port_event_t ev;

	EVT_CHILD(evt_port_get_ms(port, &ev, 0) == 0);
}

static void
after_get(bool done)
{
	port_event_t ev[4];
	int i, n = evt_port_poll(port, ev, 4);

	ATF_REQUIRE(n == 2 || (n == 3 && !done));
	for (i = 0; i < n; i++)
		EVT_PORT_USER(&ev[i], 4 - n + i, EVT_USER(4 - n + i));
	empty_and_sound();
}

EVT_TC(killed__in_a_get, "PORT-197 PORT-183",
    "A process killed at any point of a retrieval has taken what it asked for, "
    "or nothing, and the rest keeps its order")
{
	begin();
	killed_everywhere(before_get, act_get, after_get);
	end();
}

/* ---- associations ------------------------------------------------------------------ */

static void
act_associate(void)
{
	EVT_CHILD(evt_port_fd_errno(port, fds[0], POLLIN, EVT_USER(6)) == 0);
	EVT_CHILD(evt_port_fd_errno(port, fds[1], POLLOUT, EVT_USER(6)) == 0);
	EVT_CHILD(evt_port_off_errno(port, fds[0]) == 0);
}

static void
after_associate(bool done)
{
	(void)done;
	empty_and_sound();
	ATF_REQUIRE_EQ(ENOENT, evt_port_off_errno(port, fds[0]));
}

EVT_TC(killed__in_an_association, "PORT-197 PORT-168",
    "A process killed at any point of an association, or of its end, leaves "
    "none behind")
{
	begin();
	killed_everywhere(nothing, act_associate, after_associate);
	end();
}

/* ---- alerts ------------------------------------------------------------------------- */

static void
before_alert(void)
{
	ATF_REQUIRE_EQ(0, port_alert(port, PORT_ALERT_SET, 1, EVT_USER(1)));
}

static void
act_alert(void)
{
	EVT_CHILD(port_alert(port, PORT_ALERT_SET, 2, EVT_USER(2)) == 0);
}

static void
act_end_alert(void)
{
	EVT_CHILD(port_alert(port, PORT_ALERT_SET, 0, NULL) == 0);
}

static void
after_alert(bool done)
{
	port_event_t ev[2];
	int n = evt_port_poll(port, ev, 2);

	/* An alert ends with the process that set it. */
	ATF_REQUIRE(n == 0 || (n == 1 && !done));
	if (n == 1)
		EVT_PORT_ALERT(&ev[0], 1, EVT_USER(1));
	ATF_REQUIRE_EQ(0, port_alert(port, PORT_ALERT_SET, 0, NULL));
	empty_and_sound();
}

static void
after_first_alert(bool done)
{
	(void)done;
	after_alert(true);
}

EVT_TC(killed__in_an_alert, "PORT-197 PORT-130",
    "A process killed at any point of an alert leaves the one of before, whole, "
    "or none")
{
	begin();
	killed_everywhere(nothing, act_alert, after_first_alert);
	killed_everywhere(before_alert, act_alert, after_alert);
	killed_everywhere(before_alert, act_end_alert, after_alert);
	end();
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, killed__in_a_send);
	EVT_TP_ADD_TC(tp, killed__in_a_get);
	EVT_TP_ADD_TC(tp, killed__in_an_association);
	EVT_TP_ADD_TC(tp, killed__in_an_alert);
	return (atf_no_error());
}
