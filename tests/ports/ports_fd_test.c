/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * PORT_SOURCE_FD: when an event is queued, and which bits it has.
 */
#include "config.h"

#include "evt_port.h"

#include <sys/socket.h>

/* ---- ready, or not yet ------------------------------------------------------ */

EVT_TC(associate__ready, "PORT-026 PORT-001",
    "A descriptor that is ready queues one event at once")
{
	port_event_t ev;
	int p[2], port;

	evt_pipe(p);
	evt_write(p[1], 3);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, EVT_USER(0x1234));
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	ATF_REQUIRE_EQ(evt_port_poll(port, &ev, 1), 1);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(0x1234));
	evt_port_fd(port, p[1], POLLOUT, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[1], POLLOUT, NULL);
	evt_port_none(port);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(associate__not_ready, "PORT-027 PORT-026",
    "One that is not ready queues nothing until it becomes so")
{
	port_event_t ev;
	int p[2], port;

	evt_pipe(p);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, EVT_USER(1));
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_port_none(port);
	evt_write(p[1], 1);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(1));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(associate__once, "PORT-028 PORT-029",
    "After its event a descriptor is silent until associated again, which "
    "looks at readiness and not for a change")
{
	port_event_t ev;
	int i, p[2], port;

	evt_pipe(p);
	port = evt_port();
	for (i = 0; i < 5; i++) {
		evt_port_fd(port, p[0], POLLIN, EVT_USER(i));
		if (i == 0)
			evt_write(p[1], 1);
		evt_port_one(port, &ev);
		EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(i));
		if (i % 2)
			evt_write(p[1], 1);
		evt_port_none(port);
	}
	evt_drain(p[0]);
	evt_write(p[1], 1);
	evt_port_none(port);
	evt_drain(p[0]);
	evt_port_fd(port, p[0], POLLIN, EVT_USER(9));
	evt_port_none(port);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(associate__one_event_queued, "PORT-030",
    "While its event is queued more readiness adds none")
{
	port_event_t ev;
	int i, port, s[2];

	evt_sockpair(s, SOCK_STREAM);
	port = evt_port();
	evt_port_fd(port, s[0], POLLIN, NULL);
	for (i = 0; i < 5; i++) {
		evt_write(s[1], 1);
		ATF_REQUIRE_EQ(evt_port_count(port), 1);
	}
	ATF_REQUIRE(shutdown(s[1], SHUT_WR) == 0);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_port_one(port, &ev);
	ATF_REQUIRE(ev.portev_events & POLLIN);
	evt_port_none(port);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(port);
}

EVT_TC(associate__many_descriptors, "PORT-026 PORT-028 PORT-150",
    "Each of two hundred descriptors gives one event for each association")
{
	static port_event_t ev[300];
	int fd[100][2], i, n, port, round;
	unsigned char seen[512];

	port = evt_port();
	for (i = 0; i < 100; i++) {
		evt_sockpair(fd[i], SOCK_STREAM);
		evt_port_fd(port, fd[i][0], POLLIN, EVT_USER(fd[i][0]));
		evt_port_fd(port, fd[i][1], POLLIN, EVT_USER(fd[i][1]));
	}
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 100; i++) {
			evt_write(fd[i][0], 1);
			evt_write(fd[i][1], 1);
		}
		memset(seen, 0, sizeof(seen));
		ATF_REQUIRE_EQ(evt_port_count(port), 200);
		n = evt_port_get(port, ev, EVT_NITEMS(ev), 200);
		ATF_REQUIRE_EQ(n, 200);
		for (i = 0; i < n; i++) {
			int num = (int)ev[i].portev_object;

			EVT_PORT_FD(&ev[i], num, POLLIN, EVT_USER(num));
			ATF_REQUIRE(num < 512 && seen[num]++ == 0);
			(void)evt_drain(num);
			evt_port_fd(port, num, POLLIN, EVT_USER(num));
		}
		evt_port_none(port);
	}
	for (i = 0; i < 100; i++) {
		evt_close(fd[i][0]);
		evt_close(fd[i][1]);
	}
	evt_close(port);
}

EVT_TC(associate__nothing_left_to_read, "PORT-055",
    "What was read before the retrieval is no event, nor is there one with no "
    "bits; the association goes on")
{
	port_event_t ev;
	int i, p[2], port;

	if (evt_port_native())
		atf_tc_skip("natively such events come");
	evt_pipe(p);
	port = evt_port();
	for (i = 0; i < 20; i++) {
		if (i % 2 == 0)
			evt_write(p[1], 1);
		evt_port_fd(port, p[0], POLLIN, EVT_USER(i));
		if (i % 2 != 0)
			evt_write(p[1], 1);
		if (i % 4 < 2)
			ATF_REQUIRE(evt_readable(port, EVT_WAIT_MS));
		ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
		evt_port_none(port);
		evt_write(p[1], 1);
		evt_port_one(port, &ev);
		EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(i));
		ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
	}
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(associate__wakes_a_waiter, "PORT-054 PORT-026",
    "Associating a ready descriptor ends another thread's wait, as does a "
    "file that is always ready")
{
	struct evt_port_wait w;
	char path[EVT_PATH_MAX];
	int fd, i, p[2], port;

	evt_pipe(p);
	evt_write(p[1], 1);
	fd = evt_tmpfile(path);
	port = evt_port();
	for (i = 0; i < 4; i++) {
		evt_port_wait_start(&w, port, i < 2 ? 0 : 1, -1);
		evt_port_fd(port, i % 2 ? fd : p[0], POLLIN, EVT_USER(i));
		evt_port_wait_end(&w);
		ATF_REQUIRE_EQ(w.pw_error, 0);
		EVT_PORT_FD(&w.pw_list[0], i % 2 ? fd : p[0], POLLIN,
		    EVT_USER(i));
	}
	evt_close(fd);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(associate__during_a_wait, "PORT-027 PORT-134",
    "A descriptor associated while another thread waits ends the wait when "
    "it becomes ready")
{
	struct evt_port_wait w;
	int p[2], port;

	evt_pipe(p);
	port = evt_port();
	evt_port_wait_start(&w, port, 1, -1);
	evt_port_fd(port, p[0], POLLIN, EVT_USER(3));
	evt_port_wait_on(&w);
	evt_write(p[1], 1);
	evt_port_wait_end(&w);
	ATF_REQUIRE_EQ(w.pw_error, 0);
	EVT_PORT_FD(&w.pw_list[0], p[0], POLLIN, EVT_USER(3));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

/* ---- bits -------------------------------------------------------------------- */

EVT_TC(bits__only_those_asked, "PORT-031 PORT-033",
    "Delivered are bits that were asked, and POLLERR and POLLHUP")
{
	static const short asked[] = { POLLIN, POLLOUT, POLLIN | POLLOUT,
	    POLLIN | POLLPRI, POLLPRI, 0 };
	port_event_t ev;
	short expect;
	int i, n, port, s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	port = evt_port();
	for (i = 0; i < EVT_NITEMS(asked); i++) {
		expect = asked[i] & (POLLIN | POLLOUT);
		evt_port_fd(port, s[0], asked[i], EVT_USER(i));
		n = evt_port_poll(port, &ev, 1);
		ATF_REQUIRE_EQ(n, expect != 0);
		if (n == 1)
			EVT_PORT_FD(&ev, s[0], expect, EVT_USER(i));
	}
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(port);
}

EVT_TC(bits__one_event_for_both_directions, "PORT-033",
    "Asked for both, a writable socket gives POLLOUT, and what arrives later "
    "gives nothing until it is associated again")
{
	port_event_t ev;
	int port, s[2];

	evt_sockpair(s, SOCK_STREAM);
	port = evt_port();
	evt_port_fd(port, s[0], POLLIN | POLLOUT, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, s[0], POLLOUT, NULL);
	evt_write(s[1], 1);
	evt_port_none(port);
	evt_port_fd(port, s[0], POLLIN | POLLOUT, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, s[0], POLLIN | POLLOUT, NULL);
	evt_port_none(port);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(port);
}

EVT_TC(bits__writable_again, "PORT-027 PORT-031",
    "A full socket gives POLLOUT when its peer has read")
{
	port_event_t ev;
	int port, s[2];

	evt_sockpair(s, SOCK_STREAM);
	(void)evt_fill(s[0]);
	port = evt_port();
	evt_port_fd(port, s[0], POLLOUT, NULL);
	evt_port_none(port);
	(void)evt_drain(s[1]);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, s[0], POLLOUT, NULL);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(port);
}

EVT_TC(bits__hangup_of_a_pipe, "PORT-053 PORT-031",
    "When the write end closes the read end gives POLLHUP, with what was "
    "written POLLIN too")
{
	port_event_t ev;
	int i, p[2], port;

	for (i = 0; i < 4; i++) {
		evt_pipe(p);
		port = evt_port();
		if (i % 2)
			evt_write(p[1], 1);
		if (i < 2) {
			evt_close(p[1]);
			evt_port_fd(port, p[0], POLLIN, NULL);
		} else {
			evt_port_fd(port, p[0], POLLPRI, NULL);
			evt_port_none(port);
			evt_close(p[1]);
		}
		evt_port_one(port, &ev);
		ATF_REQUIRE_EQ(ev.portev_source, PORT_SOURCE_FD);
		ATF_REQUIRE_EQ((int)ev.portev_object, p[0]);
		ATF_REQUIRE(ev.portev_events & POLLHUP);
		ATF_REQUIRE_EQ(ev.portev_events & ~(POLLHUP |
		    (i < 2 ? POLLIN : 0)), 0);
		if (i == 1)
			ATF_REQUIRE(ev.portev_events & POLLIN);
		evt_port_none(port);
		evt_close(p[0]);
		evt_close(port);
	}
}

EVT_TC(bits__no_events_asked, "PORT-032 PORT-031",
    "Associated with no events a descriptor gives only POLLERR or POLLHUP")
{
	port_event_t ev;
	int p[2], port, s[2];

	port = evt_port();
	evt_pipe(p);
	evt_sockpair(s, SOCK_STREAM);
	evt_port_fd(port, p[0], 0, EVT_USER(1));
	evt_port_fd(port, p[1], 0, EVT_USER(2));
	evt_port_fd(port, s[0], 0, EVT_USER(3));
	evt_write(p[1], 1);
	evt_write(s[1], 1);
	evt_port_none(port);
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_close(s[1]);
	evt_port_one(port, &ev);
	ATF_REQUIRE_EQ(ev.portev_user, EVT_USER(3));
	ATF_REQUIRE(ev.portev_events & POLLHUP);
	ATF_REQUIRE_EQ(ev.portev_events & ~(POLLHUP | POLLERR), 0);
	evt_close(p[0]);
	evt_port_one(port, &ev);
	ATF_REQUIRE_EQ(ev.portev_user, EVT_USER(2));
	ATF_REQUIRE((ev.portev_events & (POLLHUP | POLLERR)) != 0);
	ATF_REQUIRE_EQ(ev.portev_events & ~(POLLHUP | POLLERR), 0);
	evt_port_none(port);

	/* and it can be associated with some later */
	evt_port_fd(port, s[0], 0, NULL);
	evt_port_fd(port, s[0], POLLIN, EVT_USER(4));
	evt_port_one(port, &ev);
	ATF_REQUIRE_EQ(ev.portev_user, EVT_USER(4));
	ATF_REQUIRE(ev.portev_events & POLLIN);
	evt_close(p[1]);
	evt_close(s[0]);
	evt_close(port);
}

EVT_TC(bits__pollnval_is_never_delivered, "PORT-031",
    "POLLNVAL and bits that mean nothing may be asked for, and never come")
{
	port_event_t ev;
	int p[2], port;

	evt_pipe(p);
	port = evt_port();
	evt_port_fd(port, p[0], POLLNVAL, NULL);
	evt_port_none(port);
	evt_port_fd(port, p[0], POLLNVAL | POLLIN, NULL);
	evt_write(p[1], 1);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, NULL);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(bits__pollrdnorm, "PORT-193",
    "Asked for POLLRDNORM a pipe and a socket give POLLRDNORM, not POLLIN")
{
	port_event_t ev;
	int p[2], port, s[2];

	evt_pipe(p);
	evt_sockpair(s, SOCK_STREAM);
	port = evt_port();
	evt_write(p[1], 1);
	evt_write(s[1], 1);
	evt_port_fd(port, p[0], POLLRDNORM, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLRDNORM, NULL);
	evt_port_fd(port, s[0], POLLRDNORM, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, s[0], POLLRDNORM, NULL);
	evt_port_fd(port, s[0], POLLIN, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, s[0], POLLIN, NULL);
	evt_port_fd(port, p[0], POLLIN | POLLRDNORM, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN | POLLRDNORM, NULL);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(port);
}

EVT_TC(bits__urgent_data, "PORT-031 PORT-027",
    "Out-of-band data gives what poll() says of it, if asked")
{
	struct pollfd pfd;
	port_event_t ev;
	int port, s[2];

	evt_tcp_pair(s);
	port = evt_port();
	evt_port_fd(port, s[1], POLLPRI | POLLRDBAND, NULL);
	evt_port_none(port);
	ATF_REQUIRE_EQ(send(s[0], "!", 1, MSG_OOB), 1);
	pfd.fd = s[1];
	pfd.events = POLLPRI | POLLRDBAND;
	ATF_REQUIRE_EQ(poll(&pfd, 1, EVT_WAIT_MS), 1);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, s[1], pfd.revents, NULL);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(port);
}

EVT_TC(bits__end_of_stream, "PORT-031",
    "Asked POLLRDHUP with POLLIN, an event tells that the peer writes no more")
{
#ifdef POLLRDHUP
	port_event_t ev;
	int port, s[2];

	evt_sockpair(s, SOCK_STREAM);
	port = evt_port();
	evt_write(s[1], 1);
	evt_port_fd(port, s[0], POLLIN | POLLRDHUP, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, s[0], POLLIN, NULL);
	ATF_REQUIRE_EQ(shutdown(s[1], SHUT_WR), 0);
	evt_port_fd(port, s[0], POLLIN | POLLRDHUP, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, s[0], POLLIN | POLLRDHUP, NULL);
	evt_port_fd(port, s[0], POLLIN, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, s[0], POLLIN, NULL);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(port);
#else
	atf_tc_skip("the system has no POLLRDHUP");
#endif
}

EVT_TC(bits__of_the_moment, "PORT-034",
    "An event whose data somebody else read before it was retrieved may come "
    "with the bits it was queued with, or not at all")
{
	port_event_t ev;
	int n, p[2], port;

	evt_pipe(p);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, EVT_USER(1));
	evt_write(p[1], 1);
	ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
	n = evt_port_poll(port, &ev, 1);
	EVT_APPROX(n == 1, "nobody had looked at it");
	if (n == 1)
		EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(1));

	/* counted, it is queued, and stays */
	evt_port_fd(port, p[0], POLLIN, EVT_USER(2));
	evt_write(p[1], 1);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(2));

	/* and if it did not come, it does with the next data */
	evt_port_fd(port, p[0], POLLIN, EVT_USER(3));
	evt_write(p[1], 1);
	ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
	evt_write(p[1], 1);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(3));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(sockets__listen_and_connect, "PORT-027 PORT-053",
    "A connection makes a listening socket readable; one reset or ended "
    "tells its peer")
{
	unsigned short number;
	port_event_t ev;
	int a, b, l, port;

	port = evt_port();
	l = evt_tcp_listen(&number);
	evt_port_fd(port, l, POLLIN, EVT_USER(1));
	evt_port_none(port);
	a = evt_tcp_connect(number);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, l, POLLIN, EVT_USER(1));
	ATF_REQUIRE((b = accept(l, NULL, NULL)) != -1);
	evt_port_fd(port, b, POLLIN, EVT_USER(2));
	evt_port_none(port);
	evt_close(a);
	evt_port_one(port, &ev);
	ATF_REQUIRE_EQ(ev.portev_user, EVT_USER(2));
	ATF_REQUIRE(ev.portev_events & POLLIN);
	evt_close(b);
	evt_close(l);
	evt_close(port);
}

/* ---- what is always ready ------------------------------------------------------- */

static void
always_ready(int port, int fd)
{
	port_event_t ev;

	evt_port_fd(port, fd, POLLIN, EVT_USER(1));
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, fd, POLLIN, EVT_USER(1));
	evt_port_none(port);
	evt_port_fd(port, fd, POLLOUT, EVT_USER(2));
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, fd, POLLOUT, EVT_USER(2));
	evt_port_fd(port, fd, POLLIN | POLLOUT, EVT_USER(3));
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, fd, POLLIN | POLLOUT, EVT_USER(3));
	ATF_REQUIRE_EQ(evt_port_off_errno(port, fd), ENOENT);
	evt_port_fd(port, fd, POLLIN, EVT_USER(4));
	evt_port_off(port, fd);
	evt_port_none(port);
}

EVT_TC(file__always_ready, "PORT-051 PORT-041 PORT-040",
    "A regular file gives POLLIN and POLLOUT, as asked, at once")
{
	char path[EVT_PATH_MAX];
	int fd, port;

	fd = evt_tmpfile(path);
	port = evt_port();
	always_ready(port, fd);
	evt_write(fd, 100);
	always_ready(port, fd);
	evt_close(fd);
	evt_close(port);
}

EVT_TC(file__bits_it_never_has, "PORT-052",
    "Asked for other bits a regular file gives nothing, and is associated")
{
	static const int asked[] = { 0, POLLPRI };
	char path[EVT_PATH_MAX];
	int fd, i, port;

	fd = evt_tmpfile(path);
	port = evt_port();
	for (i = 0; i < EVT_NITEMS(asked); i++) {
		evt_port_fd(port, fd, asked[i], NULL);
		ATF_REQUIRE_EQ(evt_port_count(port), 0);
		evt_port_none(port);
		evt_port_off(port, fd);
		ATF_REQUIRE_EQ(evt_port_off_errno(port, fd), ENOENT);
	}
	evt_close(fd);
	evt_close(port);
}

EVT_TC(file__replaced_masks, "PORT-052 PORT-051 PORT-037",
    "Associating a file again replaces the mask and an event still queued")
{
	char path[EVT_PATH_MAX];
	port_event_t ev;
	int fd, port;

	fd = evt_tmpfile(path);
	port = evt_port();
	evt_port_fd(port, fd, POLLIN, EVT_USER(1));
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_port_fd(port, fd, 0, EVT_USER(2));
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_port_fd(port, fd, POLLOUT, EVT_USER(3));
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, fd, POLLOUT, EVT_USER(3));
	evt_close(fd);
	evt_close(port);
}

EVT_TC(special__always_ready, "PORT-192",
    "A directory, /dev/null and /dev/zero give POLLIN and POLLOUT at once")
{
	static const char *const path[] = { ".", "/dev/null", "/dev/zero" };
	int fd, i, port;

	port = evt_port();
	for (i = 0; i < EVT_NITEMS(path); i++) {
		ATF_REQUIRE((fd = open(path[i], O_RDONLY)) != -1);
		always_ready(port, fd);
		evt_close(fd);
	}
	evt_close(port);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, associate__ready);
	EVT_TP_ADD_TC(tp, associate__not_ready);
	EVT_TP_ADD_TC(tp, associate__once);
	EVT_TP_ADD_TC(tp, associate__one_event_queued);
	EVT_TP_ADD_TC(tp, associate__many_descriptors);
	EVT_TP_ADD_TC(tp, associate__nothing_left_to_read);
	EVT_TP_ADD_TC(tp, associate__wakes_a_waiter);
	EVT_TP_ADD_TC(tp, associate__during_a_wait);
	EVT_TP_ADD_TC(tp, bits__only_those_asked);
	EVT_TP_ADD_TC(tp, bits__one_event_for_both_directions);
	EVT_TP_ADD_TC(tp, bits__writable_again);
	EVT_TP_ADD_TC(tp, bits__hangup_of_a_pipe);
	EVT_TP_ADD_TC(tp, bits__no_events_asked);
	EVT_TP_ADD_TC(tp, bits__pollnval_is_never_delivered);
	EVT_TP_ADD_TC(tp, bits__pollrdnorm);
	EVT_TP_ADD_TC(tp, bits__urgent_data);
	EVT_TP_ADD_TC(tp, bits__end_of_stream);
	EVT_TP_ADD_TC(tp, bits__of_the_moment);
	EVT_TP_ADD_TC(tp, sockets__listen_and_connect);
	EVT_TP_ADD_TC(tp, file__always_ready);
	EVT_TP_ADD_TC(tp, file__bits_it_never_has);
	EVT_TP_ADD_TC(tp, file__replaced_masks);
	EVT_TP_ADD_TC(tp, special__always_ready);
	return (atf_no_error());
}
