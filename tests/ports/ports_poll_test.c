/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * A port seen by other pollers: poll(2), select(2), epoll, kqueue, and a port.
 */
#include "config.h"

#include "evt_port.h"

#include <sys/select.h>

#ifdef HAVE_SYS_EPOLL_H
#include <sys/epoll.h>
#endif

/* What poll(2) reports, within so many ms; some bits never come. */
static short
revents(int port, int ms)
{
	struct pollfd pfd;

	pfd.fd = port;
	pfd.events = POLLIN | POLLPRI | POLLRDNORM;
	pfd.revents = 0;
	ATF_REQUIRE(poll(&pfd, 1, ms) >= 0);
	ATF_REQUIRE_MSG((pfd.revents & (POLLERR | POLLHUP | POLLNVAL |
	    POLLPRI)) == 0, "revents %#x", (unsigned int)pfd.revents);
	if (evt_port_native())
		ATF_REQUIRE((pfd.revents & POLLRDNORM) == 0);
	return (pfd.revents & (POLLIN | POLLRDNORM));
}

#define REQUIRE_READY(port)						\
	ATF_REQUIRE((revents(port, evt_port_delay()) & POLLIN) != 0)
#define REQUIRE_SILENT(port)	ATF_REQUIRE_EQ(revents(port, 0), 0)

static void
alert(int port, int events)
{
	ATF_REQUIRE_EQ(EVT_ERRNO(port_alert(port, PORT_ALERT_SET, events,
	    NULL)), 0);
}

/* ---- poll ------------------------------------------------------------------- */

EVT_TC(poll__empty_port, "PORT-018 PORT-023",
    "An empty port and one with idle associations are not readable")
{
	int p[2], port;

	port = evt_port();
	REQUIRE_SILENT(port);
	evt_pipe(p);
	evt_port_fd(port, p[0], POLLIN, NULL);
	REQUIRE_SILENT(port);
	ATF_REQUIRE(!evt_readable(port, EVT_QUIET_MS));
	evt_port_none(port);
	REQUIRE_SILENT(port);
	evt_close(port);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(poll__level_while_queued, "PORT-018 PORT-019 PORT-023",
    "POLLIN comes with the first event, stays and goes with the last")
{
	port_event_t ev[2];
	int i, port;

	port = evt_port();
	for (i = 0; i < 3; i++) {
		evt_port_send(port, 1, NULL);
		REQUIRE_READY(port);
		evt_port_send(port, 2, NULL);
		evt_port_send(port, 3, NULL);
		REQUIRE_READY(port);
		ATF_REQUIRE_EQ(evt_port_count(port), 3);
		REQUIRE_READY(port);
		ATF_REQUIRE_EQ(evt_port_poll(port, ev, 2), 2);
		REQUIRE_READY(port);
		ATF_REQUIRE_EQ(evt_port_poll(port, ev, 2), 1);
		REQUIRE_SILENT(port);
	}
	evt_close(port);
}

EVT_TC(poll__pollout, "PORT-022",
    "POLLOUT while there is room, natively; elsewhere it never comes, and "
    "poll() for it ends in its time")
{
	struct pollfd pfd;
	int n, port;

	port = evt_port();
	pfd.fd = port;
	pfd.events = POLLOUT | POLLWRNORM;
	pfd.revents = 0;
	n = poll(&pfd, 1, EVT_QUIET_MS);
	if (evt_port_native())
		ATF_REQUIRE(n == 1 && (pfd.revents & POLLOUT) != 0);
	else
		EVT_APPROX(n == 1, "no POLLOUT on a port");
	ATF_REQUIRE_EQ(pfd.revents & (POLLERR | POLLHUP | POLLNVAL), 0);
	evt_close(port);
}

EVT_TC(poll__ready_descriptor, "PORT-020 PORT-019",
    "A ready associated descriptor makes the port readable before anybody "
    "asks, once per association")
{
	port_event_t ev;
	int p[2], port;

	evt_pipe(p);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, NULL);
	REQUIRE_SILENT(port);
	evt_write(p[1], 1);
	REQUIRE_READY(port);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	REQUIRE_READY(port);
	evt_port_one(port, &ev);
	REQUIRE_SILENT(port);
	evt_write(p[1], 1);
	REQUIRE_SILENT(port);
	evt_port_fd(port, p[0], POLLIN, NULL);
	REQUIRE_READY(port);
	evt_port_off(port, p[0]);
	REQUIRE_SILENT(port);
	evt_port_fd(port, p[0], POLLIN, NULL);
	ATF_REQUIRE_EQ(evt_drain(p[0]), 2);
	evt_port_fd(port, p[0], POLLIN, NULL);
	REQUIRE_SILENT(port);
	evt_close(port);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(poll__regular_file, "PORT-020 PORT-051",
    "A regular file, always ready, makes the port readable")
{
	char path[EVT_PATH_MAX];
	port_event_t ev;
	int fd, port;

	fd = evt_tmpfile(path);
	port = evt_port();
	evt_port_fd(port, fd, POLLIN, NULL);
	REQUIRE_READY(port);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, fd, POLLIN, NULL);
	REQUIRE_SILENT(port);
	evt_close(fd);
	evt_close(port);
}

EVT_TC(poll__alert_alone, "PORT-024",
    "Alert mode alone is not readable; queued events are, also then")
{
	port_event_t ev;
	int p[2], port;

	evt_pipe(p);
	port = evt_port();
	alert(port, 1);
	REQUIRE_SILENT(port);
	ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, 0), 0);
	REQUIRE_SILENT(port);
	evt_port_send(port, 1, NULL);
	REQUIRE_READY(port);
	alert(port, 0);
	REQUIRE_READY(port);
	evt_port_one(port, &ev);
	REQUIRE_SILENT(port);
	alert(port, 1);
	evt_port_fd(port, p[0], POLLIN, NULL);
	evt_write(p[1], 1);
	REQUIRE_READY(port);
	alert(port, 0);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, NULL);
	REQUIRE_SILENT(port);
	evt_close(port);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- somebody asleep in another call -------------------------------------------- */

struct poller {
	struct evt_thread	po_thread;
	int			po_port;
	bool			po_select;
	int			po_n;
};

static void
polling(void *arg)
{
	struct poller *po = arg;
	struct pollfd pfd = { .fd = po->po_port, .events = POLLIN };
	struct timeval tv;
	fd_set set;

	if (po->po_select) {
		FD_ZERO(&set);
		FD_SET(po->po_port, &set);
		tv.tv_sec = 5 * EVT_WAIT_MS / 1000;
		tv.tv_usec = 0;
		po->po_n = select(po->po_port + 1, &set, NULL, NULL, &tv);
	} else
		po->po_n = poll(&pfd, 1, 5 * EVT_WAIT_MS);
}

static void
polling_start(struct poller *po, int port, bool by_select)
{
	po->po_port = port;
	po->po_select = by_select;
	po->po_n = -1;
	evt_thread_start(&po->po_thread, polling, po);
	evt_thread_asleep(&po->po_thread);
}

EVT_TC(poll__asleep, "PORT-021",
    "A thread asleep in poll() or select() wakes when an event is queued")
{
	struct poller po;
	port_event_t ev;
	int i, p[2], port;

	evt_pipe(p);
	port = evt_port();
	for (i = 0; i < 4; i++) {
		if (i >= 2)
			evt_port_fd(port, p[0], POLLIN, EVT_USER(7));
		polling_start(&po, port, i % 2 != 0);
		if (i < 2)
			evt_port_send(port, 1, NULL);
		else
			evt_write(p[1], 1);
		evt_thread_join(&po.po_thread);
		ATF_REQUIRE_EQ(po.po_n, 1);
		evt_port_one(port, &ev);
		if (i < 2)
			EVT_PORT_USER(&ev, 1, NULL);
		else
			EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(7));
		(void)evt_drain(p[0]);
	}
	evt_close(port);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(poll__asleep_while_associated, "PORT-021",
    "Associating a ready descriptor wakes a thread asleep in poll()")
{
	struct poller po;
	port_event_t ev;
	int p[2], port;

	evt_pipe(p);
	evt_write(p[1], 1);
	port = evt_port();
	polling_start(&po, port, false);
	evt_port_fd(port, p[0], POLLIN, NULL);
	evt_thread_join(&po.po_thread);
	ATF_REQUIRE_EQ(po.po_n, 1);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, NULL);
	evt_close(port);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- other pollers ----------------------------------------------------------------- */

#ifdef HAVE_SYS_EPOLL_H
EVT_TC(epoll__level_and_edge, "PORT-018 PORT-019 PORT-020",
    "epoll shows a port level-triggered, and edge-triggered at each arrival "
    "at an empty queue")
{
	struct epoll_event ee;
	port_event_t ev;
	int edge, level, p[2], port;

	port = evt_port();
	evt_pipe(p);
	ATF_REQUIRE((level = epoll_create1(EPOLL_CLOEXEC)) != -1);
	ATF_REQUIRE((edge = epoll_create1(EPOLL_CLOEXEC)) != -1);
	memset(&ee, 0, sizeof(ee));
	ee.events = EPOLLIN;
	ATF_REQUIRE_EQ(epoll_ctl(level, EPOLL_CTL_ADD, port, &ee), 0);
	ee.events = EPOLLIN | EPOLLET;
	ATF_REQUIRE_EQ(epoll_ctl(edge, EPOLL_CTL_ADD, port, &ee), 0);
	ATF_REQUIRE_EQ(epoll_wait(level, &ee, 1, 0), 0);

	evt_port_send(port, 1, NULL);
	ATF_REQUIRE_EQ(epoll_wait(edge, &ee, 1, evt_port_delay()), 1);
	ATF_REQUIRE_EQ(epoll_wait(level, &ee, 1, evt_port_delay()), 1);
	ATF_REQUIRE_EQ(epoll_wait(level, &ee, 1, 0), 1);
	ATF_REQUIRE_EQ(ee.events, EPOLLIN);
	evt_port_one(port, &ev);
	ATF_REQUIRE_EQ(epoll_wait(level, &ee, 1, 0), 0);

	evt_port_fd(port, p[0], POLLIN, NULL);
	ATF_REQUIRE_EQ(epoll_wait(level, &ee, 1, 0), 0);
	while (epoll_wait(edge, &ee, 1, 0) == 1)
		continue;
	evt_write(p[1], 1);
	ATF_REQUIRE_EQ(epoll_wait(edge, &ee, 1, EVT_WAIT_MS), 1);
	ATF_REQUIRE_EQ(epoll_wait(level, &ee, 1, EVT_WAIT_MS), 1);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, NULL);
	ATF_REQUIRE_EQ(epoll_wait(level, &ee, 1, 0), 0);
	evt_close(level);
	evt_close(edge);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}
#endif

EVT_TC(kqueue__watches_a_port, "PORT-018 PORT-019 PORT-020",
    "A port can be watched by EVFILT_READ: level, and quiet when drained")
{
	struct kevent ke;
	port_event_t ev;
	int kq, p[2], port;

	evt_pipe(p);
	port = evt_port();
	kq = evt_kq();
	evt_change(kq, port, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_none(kq);
	evt_port_send(port, 1, NULL);
	evt_one(kq, &ke);
	ATF_REQUIRE_EQ(ke.ident, (uintptr_t)port);
	ATF_REQUIRE_EQ(evt_get(kq, &ke, 1), 1);
	evt_port_one(port, &ev);
	evt_none(kq);
	evt_port_fd(port, p[0], POLLIN, NULL);
	evt_none(kq);
	evt_write(p[1], 1);
	evt_one(kq, &ke);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, NULL);
	evt_none(kq);
	evt_idle(kq);
	evt_close(kq);
	evt_close(port);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(kqueue__inside_a_port, "PORT-020 PORT-026",
    "A kqueue associated with a port delivers when it has an event")
{
	struct kevent ke;
	port_event_t ev;
	int kq, p[2], port;

	evt_pipe(p);
	port = evt_port();
	kq = evt_kq();
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_port_fd(port, kq, POLLIN, EVT_USER(5));
	evt_port_none(port);
	evt_write(p[1], 1);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, kq, POLLIN, EVT_USER(5));
	evt_one(kq, &ke);
	(void)evt_drain(p[0]);
	evt_port_fd(port, kq, POLLIN, EVT_USER(6));
	evt_port_none(port);
	evt_close(kq);
	evt_close(port);
	evt_close(p[0]);
	evt_close(p[1]);
}

struct below {
	int	bl_kq;
	int	bl_n;
	int	bl_error;
};

static void
below_main(void *arg)
{
	struct below *bl = arg;
	struct kevent ke;

	bl->bl_n = evt_kevent_ms(bl->bl_kq, NULL, 0, &ke, 1, -1);
	bl->bl_error = bl->bl_n == -1 ? errno : 0;
}

EVT_TC(kqueue__becomes_a_port, "PORT-011 KQ-103",
    "A number becomes a port's during a wait for a queue: that ends with EBADF "
    "when it looks again, and no event of the port is lost")
{
	struct evt_thread t;
	struct below bl;
	port_event_t ev;
	int copy, p[2], port, q[2];

	if (evt_native() || evt_port_native())
		atf_tc_skip("natively a wait stays with what the number named");
	evt_pipe(p);
	evt_pipe(q);
	evt_write(q[1], 1);
	bl.bl_kq = evt_kq();
	ATF_REQUIRE((copy = dup(bl.bl_kq)) != -1);
	evt_change(copy, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, NOTE_LOWAT, 100,
	    NULL);
	port = evt_port();
	evt_thread_start(&t, below_main, &bl);
	evt_thread_asleep(&t);
	ATF_REQUIRE_EQ(dup2(port, bl.bl_kq), bl.bl_kq);
	evt_port_fd(port, q[0], POLLIN, EVT_USER(1));
	/* Too little for an event, so the wait goes on. */
	evt_write(p[1], 1);
	evt_thread_join(&t);
	ATF_REQUIRE_EQ(bl.bl_n, -1);
	ATF_REQUIRE_EQ(bl.bl_error, EBADF);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, q[0], POLLIN, EVT_USER(1));
	evt_close(bl.bl_kq);
	evt_close(copy);
	evt_close(port);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q[0]);
	evt_close(q[1]);
}

EVT_TC(port__becomes_a_kqueue, "PORT-011 KQ-103",
    "A number becomes a queue's during a wait for a port: that ends when it "
    "looks again, and no event of the queue is lost")
{
	struct evt_port_wait w;
	struct kevent ke;
	int copy, kq, p[2], port, q[2];

	if (evt_native() || evt_port_native())
		atf_tc_skip("natively a wait stays with what the number named");
	evt_pipe(p);
	evt_pipe(q);
	evt_write(q[1], 1);
	port = evt_port();
	ATF_REQUIRE((copy = dup(port)) != -1);
	kq = evt_kq();
	evt_change(kq, q[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_port_wait_start(&w, port, 2, -1);
	ATF_REQUIRE_EQ(dup2(kq, port), port);
	evt_port_send(copy, 1, NULL);
	evt_port_send(copy, 2, NULL);
	evt_port_wait_end(&w);
	if (w.pw_error != 0)
		ATF_REQUIRE_EQ(w.pw_error, EBADFD);
	evt_one(kq, &ke);
	EVT_EVENT(&ke, q[0], EVFILT_READ, EV_CLEAR, 0, 1);
	evt_close(port);
	evt_close(copy);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q[0]);
	evt_close(q[1]);
}

/* ---- a port in a port -------------------------------------------------------------- */

EVT_TC(port__in_a_port, "PORT-025 PORT-028",
    "An inner port gives the outer one an FD event per association")
{
	port_event_t ev;
	int inner, outer, p[2];

	evt_pipe(p);
	inner = evt_port();
	outer = evt_port();
	evt_port_fd(outer, inner, POLLIN, EVT_USER(1));
	evt_port_none(outer);
	evt_port_send(inner, 1, NULL);
	evt_port_one(outer, &ev);
	EVT_PORT_FD(&ev, inner, POLLIN, EVT_USER(1));
	evt_port_send(inner, 2, NULL);
	evt_port_none(outer);
	evt_port_fd(outer, inner, POLLIN, EVT_USER(2));
	evt_port_one(outer, &ev);
	EVT_PORT_FD(&ev, inner, POLLIN, EVT_USER(2));
	ATF_REQUIRE_EQ(evt_port_count(inner), 2);
	ATF_REQUIRE_EQ(evt_port_get_ms(inner, &ev, 0), 0);
	ATF_REQUIRE_EQ(evt_port_get_ms(inner, &ev, 0), 0);
	evt_port_fd(outer, inner, POLLIN, EVT_USER(3));
	evt_port_none(outer);

	/* through both to the outer's own readability */
	evt_port_fd(inner, p[0], POLLIN, EVT_USER(4));
	REQUIRE_SILENT(outer);
	evt_write(p[1], 1);
	REQUIRE_READY(outer);
	evt_port_one(outer, &ev);
	EVT_PORT_FD(&ev, inner, POLLIN, EVT_USER(3));
	evt_port_one(inner, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(4));
	REQUIRE_SILENT(outer);
	evt_close(inner);
	evt_close(outer);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(port__in_a_port_from_a_thread, "PORT-025 PORT-134",
    "A wait in the outer port ends when another thread sends to the inner")
{
	struct evt_port_wait w;
	port_event_t ev;
	int inner, outer;

	inner = evt_port();
	outer = evt_port();
	evt_port_fd(outer, inner, POLLIN, NULL);
	evt_port_wait_start(&w, outer, 1, -1);
	evt_port_send(inner, 1, NULL);
	evt_port_wait_end(&w);
	ATF_REQUIRE_EQ(w.pw_error, 0);
	EVT_PORT_FD(&w.pw_list[0], inner, POLLIN, NULL);
	evt_port_one(inner, &ev);
	evt_close(inner);
	evt_close(outer);
}

EVT_TC(port__in_itself, "PORT-025",
    "A port cannot make itself readable: associated with itself or in a ring "
    "it is refused, or works")
{
	port_event_t ev;
	int a, b, error;

	a = evt_port();
	b = evt_port();
	error = evt_port_fd_errno(a, a, POLLIN, NULL);
	ATF_REQUIRE_MSG(error == 0 || error == ELOOP, "%s", strerror(error));
	evt_port_fd(a, b, POLLIN, NULL);
	error = evt_port_fd_errno(b, a, POLLIN, NULL);
	ATF_REQUIRE_MSG(error == 0 || error == ELOOP, "%s", strerror(error));
	evt_port_send(b, 1, NULL);
	ATF_REQUIRE_EQ(evt_port_poll(a, &ev, 1), 1);
	ATF_REQUIRE_EQ(ev.portev_source, PORT_SOURCE_FD);
	evt_close(a);
	evt_close(b);
}

EVT_TC(port__three_deep, "PORT-025",
    "A third port around two works, or is refused and disturbs nothing")
{
	port_event_t ev;
	int a, b, c, error;

	a = evt_port();
	b = evt_port();
	c = evt_port();
	evt_port_fd(b, a, POLLIN, NULL);
	error = evt_port_fd_errno(c, b, POLLIN, NULL);
	if (evt_port_native())
		ATF_REQUIRE_EQ(error, 0);
	ATF_REQUIRE_MSG(error == 0 || error == ELOOP, "%s", strerror(error));
	EVT_APPROX(error == 0, "nesting is limited");
	evt_port_send(a, 1, NULL);
	if (error == 0) {
		evt_port_one(c, &ev);
		EVT_PORT_FD(&ev, b, POLLIN, NULL);
	} else
		evt_port_none(c);
	evt_port_one(b, &ev);
	EVT_PORT_FD(&ev, a, POLLIN, NULL);
	evt_port_one(a, &ev);
	evt_close(a);
	evt_close(b);
	evt_close(c);
}

EVT_TC(port__inner_is_closed, "PORT-025 PORT-045",
    "Closing an inner port ends its association")
{
	port_event_t ev;
	int inner, outer;

	inner = evt_port();
	outer = evt_port();
	evt_port_fd(outer, inner, POLLIN, EVT_USER(1));
	evt_port_send(inner, 1, NULL);
	evt_close(inner);
	evt_port_none(outer);
	REQUIRE_SILENT(outer);
	inner = evt_port();
	ATF_REQUIRE_EQ(evt_port_off_errno(outer, inner), ENOENT);
	evt_port_send(inner, 1, NULL);
	evt_port_none(outer);
	evt_port_fd(outer, inner, POLLIN, EVT_USER(2));
	evt_port_one(outer, &ev);
	EVT_PORT_FD(&ev, inner, POLLIN, EVT_USER(2));
	evt_close(inner);
	evt_close(outer);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, poll__empty_port);
	EVT_TP_ADD_TC(tp, poll__level_while_queued);
	EVT_TP_ADD_TC(tp, poll__pollout);
	EVT_TP_ADD_TC(tp, poll__ready_descriptor);
	EVT_TP_ADD_TC(tp, poll__regular_file);
	EVT_TP_ADD_TC(tp, poll__alert_alone);
	EVT_TP_ADD_TC(tp, poll__asleep);
	EVT_TP_ADD_TC(tp, poll__asleep_while_associated);
#ifdef HAVE_SYS_EPOLL_H
	EVT_TP_ADD_TC(tp, epoll__level_and_edge);
#endif
	EVT_TP_ADD_TC(tp, kqueue__watches_a_port);
	EVT_TP_ADD_TC(tp, kqueue__inside_a_port);
	EVT_TP_ADD_TC(tp, kqueue__becomes_a_port);
	EVT_TP_ADD_TC(tp, port__becomes_a_kqueue);
	EVT_TP_ADD_TC(tp, port__in_a_port);
	EVT_TP_ADD_TC(tp, port__in_a_port_from_a_thread);
	EVT_TP_ADD_TC(tp, port__in_itself);
	EVT_TP_ADD_TC(tp, port__three_deep);
	EVT_TP_ADD_TC(tp, port__inner_is_closed);
	return (atf_no_error());
}
