/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Ports that a fork shares: who may send, retrieve and dissociate, and what
 * becomes of a port whose other process is killed.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "evt_port.h"

#define SENDS	5000	/* of each sender */
#define KILLS	50

static int port;
static int fds[2];

static pid_t
start(int (*fn)(int), int arg)
{
	pid_t pid;

	(void)fflush(stdout);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)alarm((unsigned int)(5 * EVT_WAIT_MS / 1000));
		_exit(fn(arg));
	}
	return (pid);
}

static int
ended(pid_t pid)
{
	int status;

	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	return (WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
}

static int
shared_port(void)
{
	if (!evt_port_shared())
		atf_tc_skip("with these mechanisms the child does not "
		    "have the port");
	return (evt_port());
}

/* ---- USER and ALERT ------------------------------------------------------- */

static int
child_send_and_get(int events)
{
	port_event_t ev;

	EVT_CHILD(evt_port_get_ms(port, &ev, EVT_WAIT_MS) == 0);
	EVT_CHILD(ev.portev_source == PORT_SOURCE_USER);
	EVT_CHILD(ev.portev_events == 1);
	EVT_CHILD(port_send(port, events, EVT_USER(3)) == 0);
	return (0);
}

EVT_TC(user__crosses, "PORT-160 PORT-161",
    "What either process sends the other retrieves, also after its end")
{
	port_event_t ev;

	port = shared_port();
	evt_port_send(port, 1, EVT_USER(2));
	ATF_REQUIRE_EQ(ended(start(child_send_and_get, 7)), 0);
	evt_port_one(port, &ev);
	EVT_PORT_USER(&ev, 7, EVT_USER(3));
	evt_port_none(port);
	evt_close(port);
}

static int
child_alert(int fd)
{
	char c;

	EVT_CHILD(port_alert(port, PORT_ALERT_SET, 5, EVT_USER(6)) == 0);
	EVT_CHILD(write(fds[1], "", 1) == 1);
	EVT_CHILD(read(fd, &c, 1) == 0);
	return (0);
}

EVT_TC(alert__ends_with_its_owner, "PORT-162 PORT-163",
    "An alert set by one process is seen by the other, until the first ends")
{
	port_event_t ev;
	int hold[2];
	pid_t pid;
	char c;

	port = shared_port();
	evt_pipe(fds);
	evt_pipe(hold);
	ATF_REQUIRE_EQ(fcntl(hold[1], F_SETFD, FD_CLOEXEC), 0);
	pid = start(child_alert, hold[0]);
	ATF_REQUIRE_EQ(read(fds[0], &c, 1), 1);
	evt_port_one(port, &ev);
	EVT_PORT_ALERT(&ev, 5, EVT_USER(6));
	ATF_REQUIRE_EQ(kill(pid, SIGKILL), 0);
	ATF_REQUIRE_EQ(ended(pid), -SIGKILL);
	evt_port_none(port);
	evt_close(hold[0]);
	evt_close(hold[1]);
	evt_close(fds[0]);
	evt_close(fds[1]);
	evt_close(port);
}

/* ---- descriptors ------------------------------------------------------------- */

static int
child_takes(int unused)
{
	port_event_t ev;

	(void)unused;
	EVT_CHILD(evt_port_get_ms(port, &ev, EVT_WAIT_MS) == 0);
	EVT_CHILD(ev.portev_source == PORT_SOURCE_FD);
	EVT_CHILD(ev.portev_user == EVT_USER(1));
	EVT_CHILD(EVT_ERRNO(port_dissociate(port, PORT_SOURCE_FD,
	    (uintptr_t)fds[0])) == EACCES);
	EVT_CHILD(evt_port_fd_errno(port, fds[0], POLLIN, EVT_USER(2)) == 0);
	return (0);
}

EVT_TC(fd__whoever_asks_first, "PORT-164 PORT-165",
    "An association from before the fork is delivered once, to either; the "
    "child may renew it and not end it")
{
	port_event_t ev;

	port = shared_port();
	evt_pipe(fds);
	evt_port_fd(port, fds[0], POLLIN, EVT_USER(1));
	evt_write(fds[1], 1);
	ATF_REQUIRE_EQ(ended(start(child_takes, 0)), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, fds[0], POLLIN, EVT_USER(2));
	evt_port_none(port);
	evt_close(fds[0]);
	evt_close(fds[1]);
	evt_close(port);
}

static int
child_has_another(int number)
{
	port_event_t ev;
	int p[2];

	EVT_CHILD(pipe(p) == 0);
	EVT_CHILD(dup2(p[0], number) == number);
	/* The parent's event is not for this file. */
	EVT_CHILD(evt_port_get_ms(port, &ev, EVT_QUIET_MS) == ETIME);
	return (0);
}

EVT_TC(fd__another_file_there, "PORT-166 PORT-169",
    "A process whose number is another file does not get the event, and its "
    "closing disturbs nothing")
{
	port_event_t ev;

	port = shared_port();
	evt_pipe(fds);
	evt_port_fd(port, fds[0], POLLIN, EVT_USER(1));
	evt_write(fds[1], 1);
	ATF_REQUIRE_EQ(ended(start(child_has_another, fds[0])), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, fds[0], POLLIN, EVT_USER(1));
	evt_close(fds[0]);
	evt_close(fds[1]);
	evt_close(port);
}

/* ---- many, and the killed --------------------------------------------------------- */

static atomic_uchar *seen;

static int
child_sends(int first)
{
	int i;

	for (i = 0; i < SENDS; i++)
		EVT_CHILD(port_send(port, first + i + 1, NULL) == 0);
	return (0);
}

static int
child_retrieves(int unused)
{
	port_event_t list[8];
	unsigned int i, n;

	(void)unused;
	for (;;) {
		n = 1;
		EVT_CHILD(evt_port_getn_ms(port, list, 8, &n, -1) == 0);
		for (i = 0; i < n; i++) {
			if (list[i].portev_source == PORT_SOURCE_ALERT)
				return (0);
			atomic_fetch_add(&seen[list[i].portev_events], 1);
		}
	}
}

EVT_TC(many__each_once, "PORT-160 PORT-162",
    "Two processes send and two retrieve: each event comes once, and an alert "
    "ends both")
{
	const size_t bytes = 2 * SENDS + 1;
	pid_t from[2], to[2];
	int i;

	port = shared_port();
	seen = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON, -1, 0);
	ATF_REQUIRE(seen != MAP_FAILED);
	for (i = 0; i < 2; i++)
		to[i] = start(child_retrieves, 0);
	for (i = 0; i < 2; i++)
		from[i] = start(child_sends, i * SENDS);
	for (i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(ended(from[i]), 0);
	/* What is left over is retrieved here. */
	while (evt_port_count(port) > 0) {
		port_event_t ev;

		if (evt_port_poll(port, &ev, 1) == 1)
			atomic_fetch_add(&seen[ev.portev_events], 1);
	}
	ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 1, NULL), 0);
	for (i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(ended(to[i]), 0);
	for (i = 1; i <= 2 * SENDS; i++)
		ATF_REQUIRE_EQ_MSG(seen[i], 1, "event %d came %d times", i,
		    seen[i]);
	ATF_REQUIRE_EQ(munmap(seen, bytes), 0);
	evt_close(port);
}

static int
child_sends_for_ever(int unused)
{
	(void)unused;
	for (;;)
		if (port_send(port, 9, NULL) == -1 && errno != EAGAIN)
			return (1);
}

EVT_TC(killed__holder, "PORT-197",
    "A process killed at any moment of a call leaves the port working")
{
	port_event_t list[64];
	struct pollfd pfd;
	int i, got;
	pid_t pid;

	pfd.fd = port = shared_port();
	pfd.events = POLLIN;
	for (i = 0; i < KILLS; i++) {
		pid = start(child_sends_for_ever, 0);
		/* Some rounds further into its work each time. */
		for (got = 0; got <= 20 * i;)
			got += evt_port_get(port, list, 64, 1);
		ATF_REQUIRE_EQ(kill(pid, SIGKILL), 0);
		ATF_REQUIRE_EQ(ended(pid), -SIGKILL);
		while (evt_port_poll(port, list, 64) > 0)
			continue;
		ATF_REQUIRE_EQ(evt_port_count(port), 0);
		ATF_REQUIRE_EQ(poll(&pfd, 1, 0), 0);
		evt_port_send(port, i, NULL);
		evt_port_one(port, &list[0]);
		EVT_PORT_USER(&list[0], i, NULL);
	}
	evt_close(port);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, user__crosses);
	EVT_TP_ADD_TC(tp, alert__ends_with_its_owner);
	EVT_TP_ADD_TC(tp, fd__whoever_asks_first);
	EVT_TP_ADD_TC(tp, fd__another_file_there);
	EVT_TP_ADD_TC(tp, many__each_once);
	EVT_TP_ADD_TC(tp, killed__holder);
	return (atf_no_error());
}
