/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVANY_FD: readiness of descriptors, in all modes.
 */
#include "config.h"

#include "evt_uni.h"

#include <sys/socket.h>

#include <netinet/in.h>

EVT_TC(event__is_filled, "UNI-050",
    "An event has the descriptor, what is ready and the pointer")
{
	struct evany_event ev;
	int p[2], q;

	q = evt_queue();
	evt_pipe(p);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, EVT_USER(0x1234)));
	evt_uni_none(q);
	evt_write(p[1], 3);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, p[0], EVANY_READ, EVT_USER(0x1234));
	ATF_REQUIRE_EQ(ev.ev_data, 0);
	ATF_REQUIRE(ev.ev_name == NULL);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(event__one_for_all_directions, "UNI-051",
    "All that is ready of one descriptor is one event")
{
	static const unsigned int flags[] = { 0, EVANY_EDGE, EVANY_ONESHOT,
	    EVANY_DISPATCH };
	struct evany_event ev;
	int i, q, s[2];

	q = evt_queue();
	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	for (i = 0; i < EVT_NITEMS(flags); i++) {
		EVT_OK(evany_fd(q, s[0], EVANY_READ | EVANY_WRITE, flags[i],
		    EVT_USER(i)));
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_FD, s[0], EVANY_READ | EVANY_WRITE,
		    EVT_USER(i));
	}
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(q);
}

EVT_TC(level__each_wait, "UNI-052",
    "Each wait tells of a descriptor as long as it is ready")
{
	struct evany_event ev;
	int i, p[2], q;

	q = evt_queue();
	evt_pipe(p);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	evt_write(p[1], 2);
	for (i = 0; i < 3; i++) {
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_FD, p[0], EVANY_READ, NULL);
	}
	(void)evt_drain(p[0]);
	evt_uni_none(q);
	evt_write(p[1], 1);
	evt_uni_one(q, &ev);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(edge__when_it_becomes_ready, "UNI-053",
    "An edge is told when a descriptor becomes ready, and when it is set")
{
	struct evany_event ev;
	int p[2], q;

	q = evt_queue();
	evt_pipe(p);
	evt_write(p[1], 1);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, EVANY_EDGE, NULL));
	evt_uni_one(q, &ev);
	ATF_REQUIRE_EQ(evt_uni_poll(q, &ev, 1), 0);
	(void)evt_drain(p[0]);
	evt_uni_none(q);
	evt_write(p[1], 1);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, p[0], EVANY_READ, NULL);
	ATF_REQUIRE_EQ(evt_uni_poll(q, &ev, 1), 0);

	/* Set again it looks again. */
	EVT_OK(evany_fd(q, p[0], EVANY_READ, EVANY_EDGE, EVT_USER(2)));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, p[0], EVANY_READ, EVT_USER(2));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(oneshot__ends_the_watch, "UNI-054 UNI-024",
    "After one event there is no watch, until another is set")
{
	struct evany_event ev;
	int i, p[2], q;

	q = evt_queue();
	evt_pipe(p);
	for (i = 0; i < 3; i++) {
		EVT_OK(evany_fd(q, p[0], EVANY_READ, EVANY_ONESHOT,
		    EVT_USER(i)));
		ATF_REQUIRE_EQ(evt_uni_poll(q, &ev, 1), 0);
		evt_write(p[1], 1);
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_FD, p[0], EVANY_READ, EVT_USER(i));
		evt_uni_none(q);
		evt_write(p[1], 1);
		evt_uni_none(q);
		ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_FD,
		    (uintptr_t)p[0])), ENOENT);
		(void)evt_drain(p[0]);
	}
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(dispatch__silent_until_set, "UNI-055",
    "After one event there is silence until the watch is set again")
{
	struct evany_event ev;
	int i, p[2], q;

	q = evt_queue();
	evt_pipe(p);
	evt_write(p[1], 1);
	for (i = 0; i < 3; i++) {
		EVT_OK(evany_fd(q, p[0], EVANY_READ, EVANY_DISPATCH,
		    EVT_USER(i)));
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_FD, p[0], EVANY_READ, EVT_USER(i));
		evt_uni_none(q);
		evt_write(p[1], 1);
		ATF_REQUIRE_EQ(evt_uni_poll(q, &ev, 1), 0);
	}
	/* It is there all the while. */
	EVT_OK(evany_drop(q, EVANY_FD, (uintptr_t)p[0]));
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_FD, (uintptr_t)p[0])),
	    ENOENT);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(ends__are_told, "UNI-056",
    "The end of data, a hang-up and an error are told unasked")
{
	struct evany_event ev;
	int p[2], q, s[2];

	q = evt_queue();
	evt_tcp_pair(s);
	EVT_OK(evany_fd(q, s[0], EVANY_READ, 0, NULL));
	ATF_REQUIRE(shutdown(s[1], SHUT_WR) == 0);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, s[0], EVANY_READ | EVANY_EOF, NULL);
	ATF_REQUIRE(shutdown(s[0], SHUT_WR) == 0);
	/* A kqueue tells nothing of the kind. */
	if (strcmp(evt_backend(), "kqueue") != 0) {
		EVT_OK(evany_fd(q, s[0], EVANY_PRIORITY, 0, NULL));
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_FD, s[0], EVANY_HANGUP, NULL);
	}
	evt_close(s[0]);
	evt_close(s[1]);

	evt_pipe(p);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, EVANY_DISPATCH, NULL));
	evt_close(p[1]);
	evt_uni_one(q, &ev);
	ATF_REQUIRE((ev.ev_what & EVANY_HANGUP) != 0);
	evt_uni_none(q);
	evt_close(p[0]);

	evt_pipe(p);
	(void)evt_fill(p[1]);
	EVT_OK(evany_fd(q, p[1], EVANY_WRITE, 0, NULL));
	ATF_REQUIRE_EQ(evt_uni_poll(q, &ev, 1), 0);
	evt_close(p[0]);
	evt_uni_one(q, &ev);
	ATF_REQUIRE((ev.ev_what & EVANY_ERROR) != 0);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(count__on_request, "UNI-057",
    "Bytes to read, connections and room come on request only")
{
	struct evany_event ev;
	unsigned short port;
	int c, l, p[2], q;

	q = evt_queue();
	evt_pipe(p);
	evt_write(p[1], 5);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, EVANY_COUNT, NULL));
	evt_uni_one(q, &ev);
	ATF_REQUIRE_EQ(ev.ev_data, 5);
	ATF_REQUIRE_EQ(ev.ev_room, 0);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	evt_uni_one(q, &ev);
	ATF_REQUIRE_EQ(ev.ev_data, 0);
	EVT_OK(evany_drop(q, EVANY_FD, (uintptr_t)p[0]));

	EVT_OK(evany_fd(q, p[1], EVANY_WRITE, EVANY_COUNT | EVANY_ONESHOT,
	    NULL));
	evt_uni_one(q, &ev);
	ATF_REQUIRE(ev.ev_room > 0);
	ATF_REQUIRE_EQ(ev.ev_data, 0);

	l = evt_tcp_listen(&port);
	EVT_OK(evany_fd(q, l, EVANY_READ, EVANY_COUNT, NULL));
	c = evt_tcp_connect(port);
	evt_uni_one(q, &ev);
	ATF_REQUIRE_EQ(ev.ev_object, (uintptr_t)l);
	ATF_REQUIRE_EQ(ev.ev_data, 1);
	evt_close(c);
	evt_close(l);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(count__both_in_one_event, "UNI-057 UNI-064",
    "Bytes and room come together; what is not told of has none of them")
{
	struct evany_event ev;
	int i, p[2], q, s[2];

	q = evt_queue();
	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 9);
	EVT_OK(evany_fd(q, s[0], EVANY_READ | EVANY_WRITE, EVANY_COUNT,
	    NULL));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, s[0], EVANY_READ | EVANY_WRITE, NULL);
	ATF_REQUIRE_EQ(9, ev.ev_data);
	ATF_REQUIRE(ev.ev_room > 0);

	/* Wanted, but not ready: there is no room. */
	evt_nonblock(s[0]);
	(void)evt_fill(s[0]);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, s[0], EVANY_READ, NULL);
	ATF_REQUIRE_EQ(9, ev.ev_data);
	ATF_REQUIRE_EQ(0, ev.ev_room);

	/* Ready, and not asked for. */
	evt_pipe(p);
	EVT_OK(evany_drop(q, EVANY_FD, (uintptr_t)s[0]));
	for (i = 0; i < 2; i++) {
		EVT_OK(evany_fd(q, p[1], EVANY_WRITE, i == 0 ? 0 : EVANY_COUNT,
		    NULL));
		evt_uni_one(q, &ev);
		ATF_REQUIRE_EQ(i != 0, ev.ev_room > 0);
		ATF_REQUIRE_EQ(0, ev.ev_data);
	}
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(count__behind_an_urgent_mark, "UNI-057",
    "What was sent after an urgent byte is counted, taken or not")
{
	struct evany_event ev;
	char byte, buf[8];
	int i, q, s[2];

	for (i = 0; i < 2; i++) {
		q = evt_queue();
		evt_tcp_pair(s);
		EVT_OK(evany_fd(q, s[0], EVANY_READ, EVANY_COUNT, NULL));
		evt_write(s[1], 4);
		ATF_REQUIRE_EQ(1, send(s[1], "!", 1, MSG_OOB));
		evt_write(s[1], 5);
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_FD, s[0], EVANY_READ, NULL);
		if (i == 1)
			ATF_REQUIRE_EQ(1, recv(s[0], &byte, 1, MSG_OOB));
		ATF_REQUIRE_EQ(4, read(s[0], buf, sizeof(buf)));
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_FD, s[0], EVANY_READ, NULL);
		ATF_REQUIRE_EQ_MSG(5, ev.ev_data, "%s", evt_uni_text(&ev));
		ATF_REQUIRE_EQ(0, shutdown(s[1], SHUT_WR));
		do
			evt_uni_one(q, &ev);
		while ((ev.ev_what & EVANY_EOF) == 0);
		ATF_REQUIRE_EQ_MSG(5, ev.ev_data, "%s", evt_uni_text(&ev));
		ATF_REQUIRE_EQ(5, read(s[0], buf, sizeof(buf)));
		evt_close(s[0]);
		evt_close(s[1]);
		evt_close(q);
	}
}

EVT_TC(file__always_ready, "UNI-058",
    "A regular file is always ready, in every mode")
{
	char path[EVT_PATH_MAX];
	struct evany_event ev;
	int fd, i, q;

	q = evt_queue();
	fd = evt_tmpfile(path);
	EVT_OK(evany_fd(q, fd, EVANY_READ | EVANY_WRITE, 0, EVT_USER(1)));
	for (i = 0; i < 2; i++) {
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_FD, fd, EVANY_READ | EVANY_WRITE,
		    EVT_USER(1));
	}
	ATF_REQUIRE(evt_readable(q, 0));
	EVT_OK(evany_fd(q, fd, EVANY_READ, EVANY_EDGE, NULL));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, fd, EVANY_READ, NULL);
	evt_uni_none(q);
	for (i = 0; i < 2; i++) {
		EVT_OK(evany_fd(q, fd, EVANY_WRITE, EVANY_DISPATCH, NULL));
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_FD, fd, EVANY_WRITE, NULL);
		evt_uni_none(q);
	}
	EVT_OK(evany_drop(q, EVANY_FD, (uintptr_t)fd));
	EVT_OK(evany_fd(q, fd, EVANY_READ, EVANY_ONESHOT, NULL));
	evt_uni_one(q, &ev);
	evt_uni_none(q);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_FD, (uintptr_t)fd)),
	    ENOENT);

	/* Its close shows, and so does what has its number then. */
	EVT_OK(evany_fd(q, fd, EVANY_READ, 0, NULL));
	evt_close(fd);
	evt_uni_none(q);
	ATF_REQUIRE(unlink(path) == 0);
	evt_close(q);
}

EVT_TC(closed__cannot_be_set, "UNI-059",
    "A closed number cannot be set or dropped")
{
	struct evany_event ev;
	int p[2], q;

	q = evt_queue();
	evt_pipe(p);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	evt_close(p[1]);
	evt_close(p[0]);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, p[0], EVANY_READ, 0, NULL)),
	    EBADF);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, p[1], EVANY_READ, 0, NULL)),
	    EBADF);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, -1, EVANY_READ, 0, NULL)),
	    EBADF);
	evt_pipe(p);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	evt_close(p[0]);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_FD, (uintptr_t)p[0])),
	    EBADF);
	evt_uni_none(q);
	ATF_REQUIRE_EQ(evt_uni_poll(q, &ev, 1), 0);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(closed__ends_the_watch, "UNI-060",
    "A watch ends when its file is closed for good")
{
	struct evany_event ev;
	int p[2], q;

	q = evt_queue();
	evt_pipe(p);
	evt_write(p[1], 1);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	evt_uni_one(q, &ev);
	evt_close(p[0]);
	evt_uni_none(q);
	ATF_REQUIRE(!evt_readable(q, EVT_QUIET_MS));
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(reused__watches_the_new_file, "UNI-061",
    "Setting a number that was reused watches the new file alone")
{
	struct evany_event ev;
	int dupe, old[2], p[2], q;

	q = evt_queue();
	evt_pipe(old);
	old[0] = evt_move(old[0], 200);
	EVT_OK(evany_fd(q, 200, EVANY_READ, 0, EVT_USER(1)));
	/* The old file lives on by another number. */
	dupe = dup(old[0]);
	ATF_REQUIRE(dupe != -1);
	evt_pipe(p);
	p[0] = evt_move(p[0], 200);
	EVT_OK(evany_fd(q, 200, EVANY_READ, 0, EVT_USER(2)));
	evt_uni_none(q);
	evt_write(old[1], 1);
	evt_uni_none(q);
	evt_write(p[1], 1);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, 200, EVANY_READ, EVT_USER(2));
	evt_close(dupe);
	evt_close(old[1]);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(plain__nothing_else, "UNI-058 UNI-033",
    "What is always ready counts once towards least; it is never urgent")
{
	struct evany_event ev[8];
	int fd, q;

	q = evt_queue();
	ATF_REQUIRE((fd = open("/dev/null", O_RDWR)) != -1);
	EVT_OK(evany_fd(q, fd, EVANY_READ | EVANY_WRITE, 0, NULL));
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 3, 8, 10 * MS), 1);
	EVT_UNI(&ev[0], EVANY_FD, fd, EVANY_READ | EVANY_WRITE, NULL);
	EVT_OK(evany_post(q, 1, 1, NULL));
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 2, 8, EVT_WAIT_NS), 2);
	EVT_OK(evany_fd(q, fd, EVANY_PRIORITY, 0, NULL));
	evt_uni_none(q);
	evt_close(fd);
	evt_close(q);
}

/* A number gets a file that never blocks. */
static void
becomes_null(int fd)
{
	int null;

	ATF_REQUIRE((null = open("/dev/null", O_RDWR)) != -1);
	ATF_REQUIRE_EQ(dup2(null, fd), fd);
	evt_close(null);
}

EVT_TC(reused__by_what_never_blocks, "UNI-024 UNI-060 UNI-061",
    "A watch ends when its number gets a file that never blocks")
{
	struct evany_event ev;
	int i, q, s[2];

	for (i = 0; i < 2; i++) {
		q = evt_queue();
		evt_sockpair(s, SOCK_STREAM);
		evt_write(s[1], 1);
		EVT_OK(evany_fd(q, s[0], EVANY_READ, 0, NULL));
		/* Found ready, and kept back for the alert. */
		EVT_OK(evany_alert(q, 1, NULL));
		ATF_REQUIRE_EQ(evt_uni_get(q, &ev, 1), 1);
		EVT_OK(evany_alert(q, 0, NULL));
		becomes_null(s[0]);
		if (i == 0)
			evt_uni_none(q);
		ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_FD,
		    (uintptr_t)s[0])), ENOENT);
		evt_close(s[0]);
		evt_close(s[1]);
		evt_close(q);
	}
}

EVT_TC(priority__is_told, "UNI-062", "Urgent data is EVANY_PRIORITY")
{
	struct evany_event ev;
	int q, s[2];

	q = evt_queue();
	evt_tcp_pair(s);
	EVT_OK(evany_fd(q, s[0], EVANY_PRIORITY, 0, NULL));
	evt_write(s[1], 1);
	evt_uni_none(q);
	ATF_REQUIRE_EQ(send(s[1], "!", 1, MSG_OOB), 1);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, s[0], EVANY_PRIORITY, NULL);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(q);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, event__is_filled);
	EVT_TP_ADD_TC(tp, event__one_for_all_directions);
	EVT_TP_ADD_TC(tp, level__each_wait);
	EVT_TP_ADD_TC(tp, edge__when_it_becomes_ready);
	EVT_TP_ADD_TC(tp, oneshot__ends_the_watch);
	EVT_TP_ADD_TC(tp, dispatch__silent_until_set);
	EVT_TP_ADD_TC(tp, ends__are_told);
	EVT_TP_ADD_TC(tp, count__on_request);
	EVT_TP_ADD_TC(tp, count__both_in_one_event);
	EVT_TP_ADD_TC(tp, count__behind_an_urgent_mark);
	EVT_TP_ADD_TC(tp, file__always_ready);
	EVT_TP_ADD_TC(tp, closed__cannot_be_set);
	EVT_TP_ADD_TC(tp, closed__ends_the_watch);
	EVT_TP_ADD_TC(tp, reused__watches_the_new_file);
	EVT_TP_ADD_TC(tp, plain__nothing_else);
	EVT_TP_ADD_TC(tp, reused__by_what_never_blocks);
	EVT_TP_ADD_TC(tp, priority__is_told);
	return (atf_no_error());
}
