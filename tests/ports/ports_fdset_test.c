/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * PORT_SOURCE_FD: associating again, dissociating, and their errors.
 */
#include "config.h"

#include "evt_port.h"

#include <sys/socket.h>

#define HIGH	190		/* a number that is not open */

/* ---- associating again -------------------------------------------------------- */

EVT_TC(again__replaces_the_mask, "PORT-035",
    "A second mask replaces the first, before and after readiness")
{
	port_event_t ev;
	int port, s[2];

	evt_sockpair(s, SOCK_STREAM);
	(void)evt_fill(s[0]);
	port = evt_port();
	evt_port_fd(port, s[0], POLLIN, NULL);
	evt_port_fd(port, s[0], POLLOUT, NULL);
	evt_write(s[1], 1);
	evt_port_none(port);
	(void)evt_drain(s[1]);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, s[0], POLLOUT, NULL);
	evt_port_fd(port, s[0], POLLOUT, NULL);
	evt_port_fd(port, s[0], POLLIN, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, s[0], POLLIN, NULL);
	evt_port_fd(port, s[0], POLLIN, NULL);
	evt_port_fd(port, s[0], 0, NULL);
	evt_port_none(port);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(port);
}

EVT_TC(again__replaces_the_user, "PORT-036",
    "A second user value is the one delivered")
{
	port_event_t ev;
	int p[2], port;

	evt_pipe(p);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, EVT_USER(1));
	evt_port_fd(port, p[0], POLLIN, EVT_USER(2));
	evt_write(p[1], 1);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(2));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(again__while_queued, "PORT-037 PORT-036",
    "Associating while the event is queued removes it and looks afresh")
{
	port_event_t ev;
	int p[2], port;

	evt_pipe(p);
	evt_write(p[1], 1);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, EVT_USER(1));
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_port_fd(port, p[0], POLLIN, EVT_USER(2));
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(2));
	evt_port_fd(port, p[0], POLLIN, EVT_USER(3));
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	(void)evt_drain(p[0]);
	evt_port_fd(port, p[0], POLLIN, EVT_USER(4));
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_port_none(port);
	evt_write(p[1], 1);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(4));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(again__goes_to_the_tail, "PORT-038 PORT-037 PORT-152",
    "The new event stands at the end of the queue")
{
	port_event_t ev[4];
	int a[2], b[2], port;

	evt_pipe(a);
	evt_pipe(b);
	evt_write(a[1], 1);
	evt_write(b[1], 1);
	port = evt_port();
	evt_port_fd(port, a[0], POLLIN, EVT_USER(1));
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_port_send(port, 7, NULL);
	evt_port_fd(port, b[0], POLLIN, EVT_USER(2));
	ATF_REQUIRE_EQ(evt_port_count(port), 3);
	evt_port_fd(port, a[0], POLLIN, EVT_USER(3));
	ATF_REQUIRE_EQ(evt_port_get(port, ev, 4, 3), 3);
	EVT_PORT_USER(&ev[0], 7, NULL);
	EVT_PORT_FD(&ev[1], b[0], POLLIN, EVT_USER(2));
	EVT_PORT_FD(&ev[2], a[0], POLLIN, EVT_USER(3));
	evt_close(a[0]);
	evt_close(a[1]);
	evt_close(b[0]);
	evt_close(b[1]);
	evt_close(port);
}

/* ---- dissociating ----------------------------------------------------------------- */

EVT_TC(dissociate__armed, "PORT-039 PORT-042",
    "An armed descriptor is dissociated once, and never fires")
{
	int p[2], port;

	evt_pipe(p);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, NULL);
	evt_port_off(port, p[0]);
	evt_write(p[1], 1);
	evt_port_none(port);
	ATF_REQUIRE_EQ(evt_port_off_errno(port, p[0]), ENOENT);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(dissociate__queued, "PORT-040",
    "A queued event goes with its association, others stay")
{
	port_event_t ev;
	int p[2], port;

	evt_pipe(p);
	evt_write(p[1], 1);
	port = evt_port();
	evt_port_send(port, 1, NULL);
	evt_port_fd(port, p[0], POLLIN, NULL);
	ATF_REQUIRE_EQ(evt_port_count(port), 2);
	evt_port_send(port, 2, NULL);
	evt_port_off(port, p[0]);
	ATF_REQUIRE_EQ(evt_port_count(port), 2);
	ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, 0), 0);
	EVT_PORT_USER(&ev, 1, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_USER(&ev, 2, NULL);

	/* ready since, and nobody has looked */
	(void)evt_drain(p[0]);
	evt_port_fd(port, p[0], POLLIN, NULL);
	evt_write(p[1], 1);
	evt_port_off(port, p[0]);
	evt_port_none(port);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(dissociate__retrieved, "PORT-041",
    "After its event was retrieved a descriptor is not associated")
{
	port_event_t ev;
	int p[2], port;

	evt_pipe(p);
	evt_write(p[1], 1);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, EVT_USER(1));
	evt_port_one(port, &ev);
	ATF_REQUIRE_EQ(evt_port_off_errno(port, p[0]), ENOENT);
	ATF_REQUIRE_EQ(evt_port_off_errno(port, p[0]), ENOENT);
	evt_port_fd(port, p[0], POLLIN, EVT_USER(2));
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(2));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(dissociate__never_associated, "PORT-042",
    "ENOENT for a descriptor that never was, on any port")
{
	int p[2], port, other;

	evt_pipe(p);
	port = evt_port();
	other = evt_port();
	ATF_REQUIRE_EQ(evt_port_off_errno(port, p[0]), ENOENT);
	evt_port_fd(port, p[0], POLLIN, NULL);
	ATF_REQUIRE_EQ(evt_port_off_errno(port, p[1]), ENOENT);
	ATF_REQUIRE_EQ(evt_port_off_errno(other, p[0]), ENOENT);
	evt_port_off(port, p[0]);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
	evt_close(other);
}

EVT_TC(dissociate__at_once, "PORT-039 PORT-042",
    "Associating and dissociating at once both succeed, a thousand times")
{
	port_event_t ev;
	int i, p[2], port;

	evt_pipe(p);
	port = evt_port();
	for (i = 0; i < 1000; i++) {
		evt_port_fd(port, p[i % 2], i % 2 ? POLLOUT : POLLIN, NULL);
		evt_port_off(port, p[i % 2]);
	}
	evt_port_none(port);
	evt_port_fd(port, p[1], POLLOUT, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[1], POLLOUT, NULL);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

/* ---- errors ---------------------------------------------------------------------- */

EVT_TC(associate__number_not_open, "PORT-043",
    "A number that is not open, or is no number, is EBADFD")
{
	static const uintptr_t bad[] = { HIGH, INT_MAX,
	    (uintptr_t)INT_MAX + 1, (uintptr_t)-1, UINTPTR_MAX / 2 };
	int i, port;

	port = evt_port();
	for (i = 0; i < EVT_NITEMS(bad); i++)
		ATF_REQUIRE_EQ(EVT_ERRNO(port_associate(port, PORT_SOURCE_FD,
		    bad[i], POLLIN, NULL)), EBADFD);
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_close(port);
}

EVT_TC(dissociate__number_not_open, "PORT-044",
    "ENOENT on a port without associations ever, EBADFD later; a value that "
    "is no number is always EBADFD")
{
	int p[2], port;

	evt_pipe(p);
	port = evt_port();
	ATF_REQUIRE_EQ(evt_port_off_errno(port, HIGH), ENOENT);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_dissociate(port, PORT_SOURCE_FD,
	    (uintptr_t)-1)), EBADFD);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_dissociate(port, PORT_SOURCE_FD,
	    (uintptr_t)INT_MAX + 1)), EBADFD);
	ATF_REQUIRE_EQ(evt_port_fd_errno(port, HIGH, POLLIN, NULL), EBADFD);
	evt_port_fd(port, p[0], POLLIN, NULL);
	evt_port_off(port, p[0]);
	ATF_REQUIRE_EQ(evt_port_off_errno(port, HIGH), EBADFD);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_dissociate(port, PORT_SOURCE_FD,
	    (uintptr_t)-1)), EBADFD);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, again__replaces_the_mask);
	EVT_TP_ADD_TC(tp, again__replaces_the_user);
	EVT_TP_ADD_TC(tp, again__while_queued);
	EVT_TP_ADD_TC(tp, again__goes_to_the_tail);
	EVT_TP_ADD_TC(tp, dissociate__armed);
	EVT_TP_ADD_TC(tp, dissociate__queued);
	EVT_TP_ADD_TC(tp, dissociate__retrieved);
	EVT_TP_ADD_TC(tp, dissociate__never_associated);
	EVT_TP_ADD_TC(tp, dissociate__at_once);
	EVT_TP_ADD_TC(tp, associate__number_not_open);
	EVT_TP_ADD_TC(tp, dissociate__number_not_open);
	return (atf_no_error());
}
