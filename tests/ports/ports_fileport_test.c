/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * PORT_SOURCE_FILE and the port: polling, order, limits, threads and forks.
 */
#include "config.h"

#include "evt_port.h"

#include <sys/stat.h>
#include <sys/wait.h>

#define RACES	500

static char name[] = "file", other[] = "other";
static int port;

static void
make_file(const char *path)
{
	int fd;

	ATF_REQUIRE((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644)) !=
	    -1);
	evt_close(fd);
}

/* ---- polling and waiting -------------------------------------------------- */

EVT_TC(poll__sees_files, "PORT-021 PORT-018",
    "A change makes the port readable, which ends with its retrieval and with "
    "a dissociation")
{
	struct pollfd pfd;
	port_event_t ev;
	file_obj_t fo;

	make_file(name);
	pfd.fd = port = evt_port();
	pfd.events = POLLIN;
	evt_port_obj(&fo, name);
	evt_port_file(port, &fo, FILE_ATTRIB, NULL);
	ATF_REQUIRE_EQ(poll(&pfd, 1, EVT_QUIET_MS), 0);
	ATF_REQUIRE_EQ(chmod(name, 0600), 0);
	ATF_REQUIRE_EQ(poll(&pfd, 1, EVT_WAIT_MS), 1);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_ATTRIB, NULL);
	ATF_REQUIRE_EQ(chmod(name, 0640), 0);
	ATF_REQUIRE_EQ(poll(&pfd, 1, EVT_QUIET_MS), 0);
	evt_port_file(port, &fo, FILE_ATTRIB, NULL);
	ATF_REQUIRE_EQ(chmod(name, 0600), 0);
	ATF_REQUIRE_EQ(poll(&pfd, 1, EVT_WAIT_MS), 1);
	ATF_REQUIRE_EQ(evt_port_nofile_errno(port, &fo), 0);
	ATF_REQUIRE_EQ(poll(&pfd, 1, evt_port_delay() / 10), 0);
	evt_close(port);
}

EVT_TC(get__woken_by_files, "PORT-021 PORT-134",
    "Threads that wait for one event and for two are woken by changes")
{
	struct evt_port_wait w;
	file_obj_t fo, fo2;

	make_file(name);
	make_file(other);
	port = evt_port();
	evt_port_obj(&fo, name);
	evt_port_obj(&fo2, other);
	evt_port_file(port, &fo, FILE_ATTRIB, EVT_USER(1));
	evt_port_wait_start(&w, port, 1, -1);
	ATF_REQUIRE_EQ(chmod(name, 0600), 0);
	evt_port_wait_end(&w);
	EVT_PORT_FILE(&w.pw_list[0], &fo, FILE_ATTRIB, EVT_USER(1));

	evt_port_file(port, &fo, FILE_ATTRIB, EVT_USER(1));
	evt_port_file(port, &fo2, FILE_ATTRIB, EVT_USER(2));
	evt_port_wait_start(&w, port, 2, -1);
	ATF_REQUIRE_EQ(chmod(other, 0600), 0);
	evt_port_wait_on(&w);
	ATF_REQUIRE_EQ(chmod(name, 0640), 0);
	evt_port_wait_end(&w);
	ATF_REQUIRE_EQ(w.pw_nget, 2);
	EVT_PORT_FILE(&w.pw_list[0], &fo2, FILE_ATTRIB, EVT_USER(2));
	EVT_PORT_FILE(&w.pw_list[1], &fo, FILE_ATTRIB, EVT_USER(1));
	evt_close(port);
}

EVT_TC(port__in_a_port, "PORT-025",
    "A port that watches a file can be watched by another one")
{
	port_event_t ev;
	file_obj_t fo;
	int outer;

	make_file(name);
	port = evt_port();
	outer = evt_port();
	evt_port_obj(&fo, name);
	evt_port_file(port, &fo, FILE_MODIFIED, NULL);
	evt_port_fd(outer, port, POLLIN, EVT_USER(5));
	evt_port_none(outer);
	evt_grow(name);
	evt_port_one(outer, &ev);
	EVT_PORT_FD(&ev, port, POLLIN, EVT_USER(5));
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_MODIFIED, NULL);
	evt_close(outer);
	evt_close(port);
}

EVT_TC(alert__before_files, "PORT-131 PORT-081",
    "In alert mode a file's event stays behind, and its association ends when "
    "it is taken")
{
	port_event_t ev;
	file_obj_t fo;

	make_file(name);
	port = evt_port();
	evt_port_obj(&fo, name);
	evt_port_file(port, &fo, 0, NULL);
	ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 3, NULL), 0);
	ATF_REQUIRE_EQ(unlink(name), 0);
	evt_port_one(port, &ev);
	EVT_PORT_ALERT(&ev, 3, NULL);
	ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 0, NULL), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_DELETE, NULL);
	evt_close(port);
}

/* ---- limits and ends ------------------------------------------------------- */

EVT_TC(limit__associations, "PORT-178 PORT-175",
    "With no slot left an association is EAGAIN; each holds one, and gives it "
    "back")
{
	port_event_t ev, list[2];
	file_obj_t fo[3];
	int i;

	make_file(name);
	evt_port_limit(2);
	port = evt_port();
	for (i = 0; i < 3; i++)
		evt_port_obj(&fo[i], name);
	evt_port_file(port, &fo[0], FILE_MODIFIED, NULL);
	evt_port_file(port, &fo[1], 0, NULL);
	ATF_REQUIRE_EQ(evt_port_file_errno(port, &fo[2], FILE_ATTRIB, NULL),
	    EAGAIN);
	ATF_REQUIRE_EQ(evt_port_nofile_errno(port, &fo[2]), ENOENT);
	/* Again is no further one. */
	evt_port_file(port, &fo[0], FILE_MODIFIED, NULL);
	evt_grow(name);
	evt_port_one(port, &ev);
	evt_port_file(port, &fo[2], FILE_ATTRIB, NULL);
	ATF_REQUIRE_EQ(evt_port_nofile_errno(port, &fo[1]), 0);
	/* An exception needs no more than the association has. */
	evt_port_send(port, 1, NULL);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_send(port, 1, NULL)), EAGAIN);
	ATF_REQUIRE_EQ(unlink(name), 0);
	ATF_REQUIRE_EQ(evt_port_get(port, list, 2, 2), 2);
	EVT_PORT_USER(&list[0], 1, NULL);
	EVT_PORT_FILE(&list[1], &fo[2], FILE_DELETE, NULL);
	evt_close(port);
}

EVT_TC(close__forgets, "PORT-006",
    "A new port under an old one's number has no associations of files")
{
	file_obj_t fo;
	int again;

	make_file(name);
	port = evt_port();
	evt_port_obj(&fo, name);
	evt_port_file(port, &fo, FILE_ATTRIB, NULL);
	evt_close(port);
	again = evt_move(evt_port(), port);
	ATF_REQUIRE_EQ(evt_port_nofile_errno(again, &fo), EINVAL);
	ATF_REQUIRE_EQ(chmod(name, 0600), 0);
	evt_port_none(again);
	evt_close(again);
}

/* ---- threads ---------------------------------------------------------------- */

static void
remove_and_make(void *arg)
{
	struct evt_barrier *b = arg;
	int i;

	for (i = 0; i < RACES; i++) {
		evt_barrier_wait(b);
		ATF_REQUIRE_EQ(unlink(name), 0);
		evt_barrier_wait(b);
	}
}

EVT_TC(race__removal, "PORT-076 PORT-183",
    "However a removal falls on the moment of a retrieval, it is FILE_DELETE "
    "and nothing before")
{
	struct evt_barrier b;
	struct evt_thread t;
	port_event_t ev;
	file_obj_t fo;
	int i;

	port = evt_port();
	evt_port_obj(&fo, name);
	evt_barrier_init(&b, 2);
	evt_thread_start(&t, remove_and_make, &b);
	for (i = 0; i < RACES; i++) {
		make_file(name);
		evt_port_file(port, &fo, FILE_ACCESS | FILE_MODIFIED |
		    FILE_ATTRIB, EVT_USER(i));
		evt_barrier_wait(&b);
		/* Looks all the time, so also between the steps of it. */
		while (evt_port_poll(port, &ev, 1) == 0)
			continue;
		EVT_PORT_FILE(&ev, &fo, FILE_DELETE, EVT_USER(i));
		evt_barrier_wait(&b);
	}
	evt_thread_join(&t);
	evt_barrier_destroy(&b);
	evt_port_none(port);
	evt_close(port);
}

static void
associate_often(void *arg)
{
	file_obj_t *fo = arg;
	int error, i;

	for (i = 0; i < RACES; i++) {
		evt_port_file(port, fo, FILE_ATTRIB, NULL);
		ATF_REQUIRE_EQ(chmod(name, i % 2 ? 0600 : 0640), 0);
		error = evt_port_nofile_errno(port, fo);
		ATF_REQUIRE_MSG(error == 0 || error == ENOENT, "%s",
		    strerror(error));
	}
	evt_port_send(port, 1, NULL);
}

EVT_TC(race__dissociate, "PORT-185",
    "Associations and their ends in two threads, and retrievals in a third: "
    "no event is for what has ended")
{
	struct evt_thread t[2];
	file_obj_t fo[2];
	port_event_t ev;
	int i, over = 0;

	make_file(name);
	port = evt_port();
	for (i = 0; i < 2; i++)
		evt_port_obj(&fo[i], name);
	for (i = 0; i < 2; i++)
		evt_thread_start(&t[i], associate_often, &fo[i]);
	while (over < 2) {
		ATF_REQUIRE_EQ(evt_port_get(port, &ev, 1, 1), 1);
		if (ev.portev_source == PORT_SOURCE_USER) {
			over++;
			continue;
		}
		ATF_REQUIRE_EQ(ev.portev_source, PORT_SOURCE_FILE);
		ATF_REQUIRE_EQ(ev.portev_events, FILE_ATTRIB);
	}
	for (i = 0; i < 2; i++)
		evt_thread_join(&t[i]);
	evt_port_none(port);
	evt_close(port);
}

/* ---- processes ----------------------------------------------------------------- */

static file_obj_t shared_fo;

static int
child_has_none(int in, int out)
{
	port_event_t ev;

	/* The parent's association is not ours, nor its event. */
	EVT_CHILD(evt_port_nofile_errno(port, &shared_fo) == ENOENT);
	evt_child_answer(out, "", 1);
	EVT_CHILD(evt_child_order(in) == 'a');
	EVT_CHILD(evt_port_get_ms(port, &ev, EVT_QUIET_MS) == ETIME);
	/* One of our own at the same address, of another file. */
	shared_fo.fo_name = other;
	EVT_CHILD(evt_port_file_errno(port, &shared_fo, FILE_ATTRIB,
	    EVT_USER(2)) == 0);
	EVT_CHILD(chmod(other, 0600) == 0);
	EVT_CHILD(evt_port_get_ms(port, &ev, EVT_WAIT_MS) == 0);
	EVT_CHILD(ev.portev_source == PORT_SOURCE_FILE);
	EVT_CHILD(ev.portev_user == EVT_USER(2));
	/* It ends with us. */
	EVT_CHILD(evt_port_file_errno(port, &shared_fo, FILE_ATTRIB,
	    EVT_USER(3)) == 0);
	EVT_CHILD(chmod(other, 0640) == 0);
	evt_child_answer(out, "", 1);
	EVT_CHILD(evt_child_order(in) == 'b');
	return (0);
}

EVT_TC(fork__own_files, "PORT-170 PORT-172 PORT-168",
    "Files' events are for the process that associated them; one address in "
    "two processes is two associations, and a process takes its own along")
{
	struct evt_child c;
	port_event_t ev;
	char answer;

	if (!evt_port_shared())
		atf_tc_skip("with these mechanisms the child does not "
		    "have the port");
	make_file(name);
	make_file(other);
	port = evt_port();
	evt_port_obj(&shared_fo, name);
	evt_port_file(port, &shared_fo, FILE_ATTRIB, EVT_USER(1));
	evt_child_start(&c, child_has_none);
	evt_child_hear(&c, &answer, 1);
	ATF_REQUIRE_EQ(chmod(name, 0600), 0);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_child_tell(&c, 'a');
	evt_child_hear(&c, &answer, 1);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &shared_fo, FILE_ATTRIB, EVT_USER(1));
	evt_port_none(port);
	evt_child_tell(&c, 'b');
	ATF_REQUIRE_EQ(evt_reap(c.ec_pid), 0);
	evt_child_drop(&c);
	evt_port_none(port);
	evt_port_file(port, &shared_fo, FILE_ATTRIB, EVT_USER(4));
	ATF_REQUIRE_EQ(chmod(name, 0640), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &shared_fo, FILE_ATTRIB, EVT_USER(4));
	evt_close(port);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, poll__sees_files);
	EVT_TP_ADD_TC(tp, get__woken_by_files);
	EVT_TP_ADD_TC(tp, port__in_a_port);
	EVT_TP_ADD_TC(tp, alert__before_files);
	EVT_TP_ADD_TC(tp, limit__associations);
	EVT_TP_ADD_TC(tp, close__forgets);
	EVT_TP_ADD_TC(tp, race__removal);
	EVT_TP_ADD_TC(tp, race__dissociate);
	EVT_TP_ADD_TC(tp, fork__own_files);
	return (atf_no_error());
}
