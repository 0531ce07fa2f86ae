/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * PORT_SOURCE_FD: closed descriptors, reused numbers, duplicates.
 *
 * Numbers that are closed while watched are high ones, which nothing else
 * takes in between.
 */
#include "config.h"

#include "evt_port.h"

#include <sys/socket.h>
#include <sys/stat.h>

#define NUMBER	180
#define OTHER	181

/* A pipe, whose reading end has the number, with a byte in it if ready. */
static int
pipe_at(int number, bool ready)
{
	int p[2];

	evt_pipe(p);
	if (ready)
		evt_write(p[1], 1);
	(void)evt_move(p[0], number);
	return (p[1]);
}

/* Nothing must be left of an association of the number. */
static void
gone(int port, int number)
{
	int error;

	evt_port_none(port);
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	error = evt_port_off_errno(port, number);
	ATF_REQUIRE_MSG(error == ENOENT || (error == EBADFD &&
	    fcntl(number, F_GETFD) == -1), "%s", strerror(error));
	evt_port_none(port);
}

/* ---- close ---------------------------------------------------------------------- */

EVT_TC(close__ends_the_association, "PORT-045 PORT-044",
    "A closed descriptor gives no event, armed, ready, queued or counted")
{
	int i, port, w;

	for (i = 0; i < 4; i++) {
		port = evt_port();
		w = pipe_at(NUMBER, i == 3);
		evt_port_fd(port, NUMBER, POLLIN, NULL);
		if (i == 1 || i == 2)
			evt_write(w, 1);
		if (i >= 2)
			ATF_REQUIRE_EQ(evt_port_count(port), 1);
		evt_close(NUMBER);
		gone(port, NUMBER);
		ATF_REQUIRE(!evt_readable(port, 0));
		evt_close(w);
		evt_close(port);
	}
}

EVT_TC(close__every_port_forgets, "PORT-045 PORT-050",
    "The close counts for every port the descriptor is associated with")
{
	port_event_t ev;
	int i, port[5], w;

	w = pipe_at(NUMBER, true);
	for (i = 0; i < 5; i++) {
		port[i] = evt_port();
		evt_port_fd(port[i], NUMBER, POLLIN, NULL);
		evt_port_send(port[i], i, NULL);
		ATF_REQUIRE_EQ(evt_port_count(port[i]), 2);
	}
	evt_close(NUMBER);
	for (i = 0; i < 5; i++) {
		evt_port_one(port[i], &ev);
		EVT_PORT_USER(&ev, i, NULL);
		gone(port[i], NUMBER);
		evt_close(port[i]);
	}
	evt_close(w);
}

EVT_TC(close__with_a_duplicate_open, "PORT-046 PORT-045",
    "The same although a duplicate keeps the file open, and ready later")
{
	int dup_fd, i, port, w;

	for (i = 0; i < 4; i++) {
		port = evt_port();
		w = pipe_at(NUMBER, i == 3);
		ATF_REQUIRE((dup_fd = dup(NUMBER)) != -1);
		evt_port_fd(port, NUMBER, POLLIN, NULL);
		if (i == 1)
			evt_write(w, 1);
		if (i == 3)
			ATF_REQUIRE_EQ(evt_port_count(port), 1);
		evt_close(NUMBER);
		if (i == 2)
			evt_write(w, 1);
		gone(port, NUMBER);
		EVT_PORT_WRAPPED(!evt_readable(port, 0),
		    "the port is readable until it is asked");
		evt_write(w, 1);
		gone(port, NUMBER);
		evt_port_idle(port);
		ATF_REQUIRE(!evt_readable(port, 0));
		evt_close(dup_fd);
		evt_close(w);
		evt_close(port);
	}
}

EVT_TC(close__duplicate_goes_on, "PORT-049 PORT-046",
    "Of two associated duplicates only the closed one is forgotten")
{
	port_event_t ev;
	int i, port, w;

	for (i = 0; i < 2; i++) {
		port = evt_port();
		w = pipe_at(NUMBER, false);
		ATF_REQUIRE(dup2(NUMBER, OTHER) == OTHER);
		evt_port_fd(port, NUMBER, POLLIN, EVT_USER(1));
		evt_port_fd(port, OTHER, POLLIN, EVT_USER(2));
		evt_close(i == 0 ? NUMBER : OTHER);
		evt_write(w, 1);
		evt_port_one(port, &ev);
		EVT_PORT_FD(&ev, i == 0 ? OTHER : NUMBER, POLLIN,
		    EVT_USER(i == 0 ? 2 : 1));
		gone(port, i == 0 ? NUMBER : OTHER);
		evt_close(i == 0 ? OTHER : NUMBER);
		evt_close(w);
		evt_close(port);
	}
}

EVT_TC(close__regular_file, "PORT-045 PORT-051 PORT-047",
    "A closed regular file's event goes, and another file under its number "
    "is not taken for it")
{
	char path[EVT_PATH_MAX];
	port_event_t ev;
	int i, port;

	for (i = 0; i < 3; i++) {
		port = evt_port();
		(void)evt_move(evt_tmpfile(path), NUMBER);
		evt_port_fd(port, NUMBER, POLLIN, EVT_USER(1));
		if (i == 1)
			ATF_REQUIRE_EQ(evt_port_count(port), 1);
		evt_close(NUMBER);
		if (i == 2)
			(void)evt_move(evt_tmpfile(path), NUMBER);
		gone(port, NUMBER);
		if (i == 2) {
			evt_port_fd(port, NUMBER, POLLOUT, EVT_USER(2));
			evt_port_one(port, &ev);
			EVT_PORT_FD(&ev, NUMBER, POLLOUT, EVT_USER(2));
			evt_close(NUMBER);
		}
		evt_close(port);
	}
}

/* ---- numbers reused ---------------------------------------------------------------- */

EVT_TC(reuse__no_old_event, "PORT-047 PORT-045",
    "Another ready file under the number is not reported until associated")
{
	port_event_t ev;
	int i, port, v, w;

	for (i = 0; i < 4; i++) {
		port = evt_port();
		w = pipe_at(NUMBER, i % 2 != 0);
		evt_port_fd(port, NUMBER, POLLIN, EVT_USER(1));
		if (i == 3)
			ATF_REQUIRE_EQ(evt_port_count(port), 1);
		evt_close(NUMBER);
		v = pipe_at(NUMBER, i != 0);
		gone(port, NUMBER);
		if (i == 0)
			evt_write(v, 1);
		evt_port_fd(port, NUMBER, POLLIN, EVT_USER(2));
		evt_port_one(port, &ev);
		EVT_PORT_FD(&ev, NUMBER, POLLIN, EVT_USER(2));
		evt_close(NUMBER);
		evt_close(v);
		evt_close(w);
		evt_close(port);
	}
}

EVT_TC(reuse__with_a_duplicate_open, "PORT-047 PORT-046",
    "The same while a duplicate keeps the old file open and ready")
{
	port_event_t ev;
	int dup_fd, i, port, v, w;

	for (i = 0; i < 4; i++) {
		port = evt_port();
		w = pipe_at(NUMBER, i % 2 != 0);
		ATF_REQUIRE((dup_fd = dup(NUMBER)) != -1);
		evt_port_fd(port, NUMBER, POLLIN, EVT_USER(1));
		if (i == 3)
			ATF_REQUIRE_EQ(evt_port_count(port), 1);
		evt_close(NUMBER);
		v = pipe_at(NUMBER, false);
		if (i >= 2)
			gone(port, NUMBER);
		evt_port_fd(port, NUMBER, POLLIN, EVT_USER(2));
		evt_write(w, 1);
		evt_port_none(port);
		evt_write(v, 1);
		evt_port_one(port, &ev);
		EVT_PORT_FD(&ev, NUMBER, POLLIN, EVT_USER(2));
		evt_close(NUMBER);
		evt_write(w, 1);
		evt_port_none(port);
		evt_close(dup_fd);
		evt_close(v);
		evt_close(w);
		evt_close(port);
	}
}

EVT_TC(reuse__same_file_opened_again, "PORT-047",
    "A fresh open of the same FIFO under the number is another file")
{
	port_event_t ev;
	int port, w;

	if (!evt_port_native() && strcmp(evt_backend(), "poll") == 0)
		atf_tc_skip("the portable mechanisms know a FIFO by its inode");
	if (mkfifo("fifo", 0600) == -1)
		atf_tc_skip("no FIFO");
	port = evt_port();
	(void)evt_move(open("fifo", O_RDONLY | O_NONBLOCK), NUMBER);
	ATF_REQUIRE((w = open("fifo", O_WRONLY)) != -1);
	evt_port_fd(port, NUMBER, POLLIN, EVT_USER(1));
	evt_close(NUMBER);
	(void)evt_move(open("fifo", O_RDONLY | O_NONBLOCK), NUMBER);
	evt_write(w, 1);
	gone(port, NUMBER);
	evt_port_fd(port, NUMBER, POLLIN, EVT_USER(2));
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, NUMBER, POLLIN, EVT_USER(2));
	evt_close(NUMBER);
	evt_close(w);
	evt_close(port);
}

EVT_TC(reuse__many_times, "PORT-047 PORT-045",
    "A number closed and associated thousands of times gives each file's "
    "event once, and fills no table")
{
	port_event_t ev;
	int i, port, s[2];

	port = evt_port();
	for (i = 0; i < 3000; i++) {
		evt_sockpair(s, SOCK_STREAM);
		evt_port_fd(port, s[0], i % 3 ? POLLIN : POLLOUT, EVT_USER(i));
		if (i % 3 == 1)
			evt_write(s[1], 1);
		if (i % 3 != 2) {
			evt_port_one(port, &ev);
			EVT_PORT_FD(&ev, s[0], i % 3 ? POLLIN : POLLOUT,
			    EVT_USER(i));
		}
		evt_close(s[0]);
		evt_close(s[1]);
	}
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_close(port);
}

EVT_TC(dup2__onto_the_number, "PORT-048 PORT-047",
    "dup2() onto an associated number ends its association as close() does")
{
	port_event_t ev;
	int i, p[2], port, w;

	for (i = 0; i < 3; i++) {
		port = evt_port();
		w = pipe_at(NUMBER, i == 1);
		evt_pipe(p);
		evt_write(p[1], 1);
		evt_port_fd(port, NUMBER, POLLIN, EVT_USER(1));
		if (i == 1)
			ATF_REQUIRE_EQ(evt_port_count(port), 1);
		ATF_REQUIRE(dup2(p[0], NUMBER) == NUMBER);
		gone(port, NUMBER);
		evt_port_fd(port, NUMBER, POLLIN, EVT_USER(2));
		evt_port_one(port, &ev);
		EVT_PORT_FD(&ev, NUMBER, POLLIN, EVT_USER(2));
		evt_close(NUMBER);
		evt_close(p[0]);
		evt_close(p[1]);
		evt_close(w);
		evt_close(port);
	}
}

EVT_TC(dup2__and_back, "PORT-048 PORT-046",
    "A file that leaves its number and comes back to it is not associated, "
    "and can be")
{
	port_event_t ev;
	int dup_fd, p[2], port, w;

	port = evt_port();
	w = pipe_at(NUMBER, false);
	ATF_REQUIRE((dup_fd = dup(NUMBER)) != -1);
	evt_pipe(p);
	evt_port_fd(port, NUMBER, POLLIN, EVT_USER(1));
	ATF_REQUIRE(dup2(p[0], NUMBER) == NUMBER);
	gone(port, NUMBER);
	ATF_REQUIRE(dup2(dup_fd, NUMBER) == NUMBER);
	evt_write(w, 1);
	evt_port_fd(port, NUMBER, POLLIN, EVT_USER(2));
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, NUMBER, POLLIN, EVT_USER(2));
	evt_port_fd(port, NUMBER, POLLIN, EVT_USER(3));
	evt_port_off(port, NUMBER);
	evt_port_none(port);
	evt_close(NUMBER);
	evt_close(dup_fd);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(w);
	evt_close(port);
}

/* ---- more than one association of a file --------------------------------------------- */

EVT_TC(duplicates__two_associations, "PORT-049",
    "A descriptor and its duplicate give an event each")
{
	port_event_t ev[3];
	int first, n, p[2], port, q;

	evt_pipe(p);
	ATF_REQUIRE((q = dup(p[0])) != -1);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, EVT_USER(p[0]));
	evt_port_fd(port, q, POLLIN, EVT_USER(q));
	evt_write(p[1], 1);
	n = evt_port_get(port, ev, 3, 2);
	ATF_REQUIRE_EQ(n, 2);
	first = (int)ev[0].portev_object == p[0] ? p[0] : q;
	EVT_PORT_FD(&ev[0], first, POLLIN, EVT_USER(first));
	first = p[0] + q - first;
	EVT_PORT_FD(&ev[1], first, POLLIN, EVT_USER(first));
	evt_port_fd(port, q, POLLIN, NULL);
	evt_port_off(port, q);
	ATF_REQUIRE_EQ(evt_port_off_errno(port, p[0]), ENOENT);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
	evt_close(port);
}

EVT_TC(ports__one_event_on_each, "PORT-050",
    "One descriptor associated with two ports gives each an event")
{
	port_event_t ev;
	int a, b, p[2];

	evt_pipe(p);
	a = evt_port();
	b = evt_port();
	evt_port_fd(a, p[0], POLLIN, EVT_USER(1));
	evt_port_fd(b, p[0], POLLIN, EVT_USER(2));
	evt_write(p[1], 1);
	evt_port_one(a, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(1));
	evt_port_one(b, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(2));
	evt_port_fd(a, p[0], POLLIN, EVT_USER(3));
	ATF_REQUIRE_EQ(evt_port_off_errno(b, p[0]), ENOENT);
	evt_port_one(a, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(3));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(a);
	evt_close(b);
}

EVT_TC(ports__closed_beside_another, "PORT-050 PORT-006",
    "Closing one of two ports leaves the other's association alone")
{
	port_event_t ev;
	int a, b, p[2];

	evt_pipe(p);
	a = evt_port();
	b = evt_port();
	evt_port_fd(a, p[0], POLLIN, EVT_USER(1));
	evt_port_fd(b, p[0], POLLIN, EVT_USER(2));
	evt_close(a);
	evt_write(p[1], 1);
	evt_port_one(b, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(2));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(b);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, close__ends_the_association);
	EVT_TP_ADD_TC(tp, close__every_port_forgets);
	EVT_TP_ADD_TC(tp, close__with_a_duplicate_open);
	EVT_TP_ADD_TC(tp, close__duplicate_goes_on);
	EVT_TP_ADD_TC(tp, close__regular_file);
	EVT_TP_ADD_TC(tp, reuse__no_old_event);
	EVT_TP_ADD_TC(tp, reuse__with_a_duplicate_open);
	EVT_TP_ADD_TC(tp, reuse__same_file_opened_again);
	EVT_TP_ADD_TC(tp, reuse__many_times);
	EVT_TP_ADD_TC(tp, dup2__onto_the_number);
	EVT_TP_ADD_TC(tp, dup2__and_back);
	EVT_TP_ADD_TC(tp, duplicates__two_associations);
	EVT_TP_ADD_TC(tp, ports__one_event_on_each);
	EVT_TP_ADD_TC(tp, ports__closed_beside_another);
	return (atf_no_error());
}
