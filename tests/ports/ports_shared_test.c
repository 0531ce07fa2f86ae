/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Processes and threads that wait on one port, fork beside others, end, and
 * are killed while they use it.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "evt_port.h"

#ifdef __APPLE__
#pragma clang diagnostic ignored "-Wdeprecated-declarations"	/* vfork */
#endif

#define FORKS	100
#define KILLS	60

static int port;
static int fds[2];
static int told[2];	/* the parent's end, and the child's */

/* What processes count together. */
static struct {
	atomic_int	 sent;
	atomic_int	 taken;
	atomic_int	 alerts;
} *shared;

static void
begin(void)
{
	if (!evt_port_shared())
		atf_tc_skip("with these mechanisms the child does not "
		    "have the port");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON, -1, 0);
	ATF_REQUIRE(shared != MAP_FAILED);
	evt_sockpair(told, SOCK_STREAM);
	evt_pipe(fds);
	port = evt_port();
}

static void
end(void)
{
	evt_close(port);
	evt_close(fds[0]);
	evt_close(fds[1]);
	evt_close(told[0]);
	evt_close(told[1]);
	ATF_REQUIRE_EQ(munmap(shared, sizeof(*shared)), 0);
}

static pid_t
start(int (*fn)(void))
{
	pid_t pid;

	(void)fflush(stdout);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)alarm((unsigned int)(5 * EVT_WAIT_MS / 1000));
		_exit(fn());
	}
	return (pid);
}

static void
ready(void)
{
	char c;

	ATF_REQUIRE_EQ(read(told[0], &c, 1), 1);
}

/* ---- associations of a process that has gone ---------------------------------- */

static int
child_associates(void)
{
	EVT_CHILD(evt_port_fd_errno(port, fds[0], POLLIN, EVT_USER(7)) == 0);
	EVT_CHILD(evt_port_fd_errno(port, fds[1], POLLOUT, EVT_USER(8)) == 0);
	return (0);
}

EVT_TC(fd__owner_has_ended, "PORT-168 PORT-167",
    "When a process ends its associations and their events go, before it is "
    "waited for; those of the others stay")
{
	port_event_t ev;
	pid_t pid;
	int own, round;

	begin();
	for (round = 0; round < 3; round++) {
		evt_write(fds[1], 1);
		ATF_REQUIRE((own = dup(fds[0])) != -1);
		evt_port_fd(port, own, POLLIN, EVT_USER(1));
		pid = start(child_associates);
		evt_await_zombie(pid);
		evt_port_one(port, &ev);
		EVT_PORT_FD(&ev, own, POLLIN, EVT_USER(1));
		evt_port_none(port);
		ATF_REQUIRE_EQ(evt_reap(pid), 0);
		ATF_REQUIRE_EQ(evt_port_count(port), 0);
		evt_port_fd(port, fds[0], POLLIN, EVT_USER(2));
		evt_port_one(port, &ev);
		EVT_PORT_FD(&ev, fds[0], POLLIN, EVT_USER(2));
		ATF_REQUIRE_EQ(evt_port_off_errno(port, fds[0]), ENOENT);
		/* A descriptor stays with who had it first. */
		evt_close(own);
		evt_close(fds[0]);
		evt_close(fds[1]);
		evt_pipe(fds);
	}
	end();
}

static int
child_closes(void)
{
	char c;

	EVT_CHILD(evt_port_fd_errno(port, fds[0], POLLIN, EVT_USER(7)) == 0);
	EVT_CHILD(close(fds[0]) == 0);
	EVT_CHILD(write(told[1], "", 1) == 1);
	(void)close(fds[1]);
	EVT_CHILD(read(told[1], &c, 1) == 1);
	return (0);
}

EVT_TC(fd__owner_closes_it, "PORT-167",
    "When the owner closes the descriptor its association is gone for all")
{
	port_event_t ev;
	pid_t pid;
	int n;

	begin();
	pid = start(child_closes);
	ready();
	evt_write(fds[1], 1);
	n = evt_port_poll(port, &ev, 1);
	EVT_PORT_WRAPPED(n == 0, "an event of a closed descriptor");
	evt_write(told[0], 1);
	ATF_REQUIRE_EQ(evt_reap(pid), 0);
	evt_port_none(port);
	end();
}

/* ---- events that one may not have --------------------------------------------------- */

static int
child_may_not(void)
{
	port_event_t list[4];
	struct pollfd pfd;
	unsigned int n;
	int p[2];

	EVT_CHILD(pipe(p) == 0 && dup2(p[0], fds[0]) == fds[0]);
	EVT_CHILD(port_getn(port, NULL, 0, &n, NULL) == 0 && n == 1);
	pfd.fd = port;
	pfd.events = POLLIN;
	EVT_CHILD(poll(&pfd, 1, 0) == 1);
	/* It does not keep the time-out from running out, */
	EVT_CHILD(evt_port_get_ms(port, list, EVT_QUIET_MS) == ETIME);
	n = 1;
	EVT_CHILD(evt_port_getn_ms(port, list, 4, &n, 0) == 0 && n == 0);
	/* counts for n, and later ones come past it. */
	EVT_CHILD(port_send(port, 5, NULL) == 0);
	n = 2;
	EVT_CHILD(evt_port_getn_ms(port, list, 4, &n, -1) == 0 && n == 1);
	EVT_CHILD(list[0].portev_source == PORT_SOURCE_USER);
	return (0);
}

EVT_TC(skip__what_is_anothers, "PORT-171 PORT-166",
    "An event of another process counts and polls, and stands in nobody's way")
{
	port_event_t ev;

	begin();
	evt_write(fds[1], 1);
	evt_port_fd(port, fds[0], POLLIN, EVT_USER(1));
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	ATF_REQUIRE_EQ(evt_reap(start(child_may_not)), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, fds[0], POLLIN, EVT_USER(1));
	end();
}

static void
sleeper_main(void *arg)
{
	unsigned int n = *(unsigned int *)arg;
	port_event_t list[2];

	EVT_CHILD(evt_port_getn_ms(port, list, 2, &n, 6 * EVT_QUIET_MS) ==
	    ETIME && n == 0);
}

static int
child_sleeps(void)
{
	static unsigned int want[] = { 2, 1, 1 };
	struct evt_thread t[EVT_NITEMS(want)];
	struct rusage ru;
	int i, p[2];

	EVT_CHILD(pipe(p) == 0 && dup2(p[0], fds[0]) == fds[0]);
	for (i = 0; i < EVT_NITEMS(t); i++) {
		evt_thread_start(&t[i], sleeper_main, &want[i]);
		evt_thread_asleep(&t[i]);
	}
	for (i = 0; i < EVT_NITEMS(t); i++)
		evt_thread_join(&t[i]);
	EVT_CHILD(getrusage(RUSAGE_SELF, &ru) == 0);
	EVT_CHILD(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec == 0);
	EVT_CHILD(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec <
	    1000 * 6 * EVT_QUIET_MS / 3);
	return (0);
}

EVT_TC(skip__sleeps_beside_it, "PORT-171",
    "Threads that wait beside an event of another process sleep")
{
	port_event_t ev;

	/* The parent has a thread there. */
	if (strcmp(evt_backend(), "poll") == 0)
		evt_skip_tsan(EVT_TSAN_FORKED);
	begin();
	evt_write(fds[1], 1);
	evt_port_fd(port, fds[0], POLLIN, EVT_USER(1));
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	ATF_REQUIRE_EQ(evt_reap(start(child_sleeps)), 0);
	evt_port_one(port, &ev);
	end();
}

/* ---- waits in several processes ------------------------------------------------------ */

static int
child_gets_one(void)
{
	port_event_t ev;

	EVT_CHILD(write(told[1], "", 1) == 1);
	EVT_CHILD(evt_port_get_ms(port, &ev, -1) == 0);
	EVT_CHILD(ev.portev_source == PORT_SOURCE_USER);
	atomic_fetch_add(&shared->taken, 1);
	return (0);
}

EVT_TC(send__ends_one_of_two, "PORT-198 PORT-160",
    "Of two processes asleep in port_get one send ends one, the next the "
    "other")
{
	struct evt_port_wait w;
	pid_t pid;
	int round;

	begin();
	for (round = 0; round < 20; round++) {
		atomic_store(&shared->taken, 0);
		pid = start(child_gets_one);
		ready();
		evt_port_wait_start(&w, port, 0, -1);
		evt_port_send(port, 1, NULL);
		while (atomic_load(&shared->taken) == 0 &&
		    !atomic_load(&w.pw_thread.et_done))
			(void)poll(NULL, 0, 1);
		ATF_REQUIRE_EQ(evt_port_count(port), 0);
		ATF_REQUIRE(atomic_load(&shared->taken) == 0 ||
		    !atomic_load(&w.pw_thread.et_done));
		evt_port_send(port, 1, NULL);
		evt_port_wait_end(&w);
		ATF_REQUIRE_EQ(w.pw_error, 0);
		ATF_REQUIRE_EQ(evt_reap(pid), 0);
	}
	evt_port_none(port);
	end();
}

static void
alerted_main(void *arg)
{
	unsigned int n = *(unsigned int *)arg;
	port_event_t list[8];

	EVT_CHILD(write(told[1], "", 1) == 1);
	EVT_CHILD(evt_port_getn_ms(port, list, 8, &n, -1) == 0);
	EVT_CHILD(list[0].portev_source == PORT_SOURCE_ALERT);
	EVT_CHILD(list[0].portev_events == 9);
	atomic_fetch_add(&shared->alerts, 1);
}

static int
child_is_alerted(void)
{
	static unsigned int want[] = { 1, 1, 5 };
	struct evt_thread t[EVT_NITEMS(want)];
	int i;

	for (i = 0; i < EVT_NITEMS(t); i++)
		evt_thread_start(&t[i], alerted_main, &want[i]);
	for (i = 0; i < EVT_NITEMS(t); i++)
		evt_thread_asleep(&t[i]);
	EVT_CHILD(write(told[1], "", 1) == 1);
	for (i = 0; i < EVT_NITEMS(t); i++)
		evt_thread_join(&t[i]);
	return (0);
}

EVT_TC(alert__cleared_at_once, "PORT-130 PORT-162",
    "Each waiter of another process too gets an alert that is cleared before "
    "it runs")
{
	pid_t pid;
	int i, round;

	begin();
	for (round = 0; round < 20; round++) {
		pid = start(child_is_alerted);
		for (i = 0; i < 4; i++)
			ready();
		ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 9, NULL), 0);
		ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 0, NULL), 0);
		ATF_REQUIRE_EQ(evt_reap(pid), 0);
		ATF_REQUIRE_EQ(atomic_load(&shared->alerts), 3 * (round + 1));
	}
	evt_port_none(port);
	end();
}

/* ---- fork beside threads ---------------------------------------------------------------- */

static void
taker_main(void *arg)
{
	unsigned int i, n, want = *(unsigned int *)arg;
	port_event_t list[8];

	for (;;) {
		n = want;
		ATF_REQUIRE_EQ(evt_port_getn_ms(port, list, 8, &n, -1), 0);
		for (i = 0; i < n; i++)
			if (list[i].portev_source == PORT_SOURCE_ALERT)
				return;
			else if (list[i].portev_source == PORT_SOURCE_USER)
				atomic_fetch_add(&shared->taken, 1);
	}
}

static atomic_bool stop;

static void
sender_main(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		evt_port_send(port, 1, NULL);
		atomic_fetch_add(&shared->sent, 1);
		/* What nobody takes fills the port. */
		while (atomic_load(&shared->sent) -
		    atomic_load(&shared->taken) > 1000 && !atomic_load(&stop))
			(void)sched_yield();
	}
}

static int
child_sends_and_gets(void)
{
	port_event_t ev;
	int i;

	for (i = 0; i < 10; i++) {
		EVT_CHILD(port_send(port, 1, NULL) == 0);
		atomic_fetch_add(&shared->sent, 1);
	}
	for (i = 0; i < 3; i++) {
		EVT_CHILD(port_send(port, 1, NULL) == 0);
		atomic_fetch_add(&shared->sent, 1);
		EVT_CHILD(evt_port_get_ms(port, &ev, EVT_WAIT_MS) == 0);
		atomic_fetch_add(&shared->taken, 1);
	}
	return (0);
}

EVT_TC(fork__beside_waits, "PORT-196 PORT-183 PORT-160",
    "A child of fork sends and retrieves while the parent's threads do, and "
    "its end disturbs none of them")
{
	static unsigned int want[] = { 1, 1, 2, 4 };
	struct evt_thread takers[EVT_NITEMS(want)], sender;
	port_event_t list[8];
	pid_t pid;
	int i, n;

	begin();
	for (i = 0; i < EVT_NITEMS(want); i++)
		evt_thread_start(&takers[i], taker_main, &want[i]);
	evt_thread_start(&sender, sender_main, NULL);
	for (i = 0; i < FORKS; i++) {
		pid = start(child_sends_and_gets);
		ATF_REQUIRE_EQ(evt_reap(pid), 0);
	}
	atomic_store(&stop, true);
	evt_thread_join(&sender);
	ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 1, NULL), 0);
	for (i = 0; i < EVT_NITEMS(want); i++)
		evt_thread_join(&takers[i]);
	ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 0, NULL), 0);
	while ((n = evt_port_poll(port, list, 8)) > 0)
		atomic_fetch_add(&shared->taken, n);
	ATF_REQUIRE_EQ(atomic_load(&shared->taken),
	    atomic_load(&shared->sent));
	end();
}

EVT_TC(fork__first_beside_waits, "PORT-196",
    "The first fork of all, with threads asleep in every kind of wait, and an "
    "exec in a child of vfork")
{
	struct evt_port_wait w[4];
	int i, round;
	pid_t pid;

	begin();
	for (round = 0; round < 6; round++) {
		evt_close(port);
		port = evt_port();
		for (i = 0; i < EVT_NITEMS(w); i++)
			evt_port_wait_start(&w[i], port, i < 2 ? 1 : 2, -1);
		if (round % 2 == 0) {
			ATF_REQUIRE((pid = vfork()) != -1);
			if (pid == 0) {
				(void)execl("/bin/true", "true", (char *)NULL);
				_exit(0);
			}
		} else {
			ATF_REQUIRE((pid = fork()) != -1);
			if (pid == 0)
				_exit(0);
		}
		ATF_REQUIRE_EQ(evt_reap(pid), 0);
		for (i = 0; i < EVT_NITEMS(w); i++)
			evt_port_wait_on(&w[i]);
		for (i = 0; i < 3; i++) {
			evt_port_send(port, 1, NULL);
			while (evt_port_count(port) > (i < 2 ? 0U : 1U))
				(void)poll(NULL, 0, 1);
		}
		evt_port_send(port, 1, NULL);
		while (evt_port_count(port) > 0)
			(void)poll(NULL, 0, 1);
		ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 1, NULL), 0);
		for (i = 0; i < EVT_NITEMS(w); i++) {
			evt_port_wait_end(&w[i]);
			ATF_REQUIRE_EQ(w[i].pw_error, 0);
		}
	}
	end();
}

/* ---- the killed ------------------------------------------------------------------------- */

static int
child_takes(void)
{
	struct evt_thread t[2];
	static unsigned int want[] = { 1, 2 };
	int i;

	for (i = 0; i < EVT_NITEMS(t); i++)
		evt_thread_start(&t[i], taker_main, &want[i]);
	for (i = 0; i < EVT_NITEMS(t); i++)
		evt_thread_join(&t[i]);
	return (1);
}

static int
child_arms(void)
{
	for (;;) {
		EVT_CHILD(evt_port_fd_errno(port, fds[0], POLLIN, NULL) == 0);
		EVT_CHILD(evt_port_fd_errno(port, fds[1], POLLOUT, NULL) == 0);
		(void)evt_port_off_errno(port, fds[0]);
	}
}

EVT_TC(killed__anywhere, "PORT-197 PORT-183",
    "Processes killed while they retrieve, wait and associate leave a port "
    "that works, and take no more with them than they were given")
{
	port_event_t list[64];
	pid_t arms, takes;
	int i, k, lost, n, own, sent = 0;

	begin();
	evt_write(fds[1], 1);
	ATF_REQUIRE((own = dup(fds[0])) != -1);
	for (i = 0; i < KILLS; i++) {
		arms = start(child_arms);
		takes = start(child_takes);
		for (k = 0; k < 20 * i; k++, sent++)
			ATF_REQUIRE_EQ(port_send(port, 1, NULL), 0);
		ATF_REQUIRE_EQ(kill(takes, SIGKILL), 0);
		ATF_REQUIRE_EQ(kill(arms, SIGKILL), 0);
		ATF_REQUIRE_EQ(evt_reap(takes), SIGKILL);
		ATF_REQUIRE_EQ(evt_reap(arms), SIGKILL);
		while ((n = evt_port_poll(port, list, 64)) > 0)
			for (k = 0; k < n; k++) {
				ATF_REQUIRE_EQ(list[k].portev_source,
				    PORT_SOURCE_USER);
				atomic_fetch_add(&shared->taken, 1);
			}
		/* Retrieved, and not yet counted, by two threads. */
		lost = sent - atomic_load(&shared->taken);
		ATF_REQUIRE_MSG(lost >= 0 && lost <= 16 * (i + 1), "round %d: "
		    "%d events lost", i, lost);
		ATF_REQUIRE_EQ(evt_port_count(port), 0);
		ATF_REQUIRE(!evt_readable(port, 0));
		evt_port_send(port, i, NULL);
		evt_port_one(port, &list[0]);
		EVT_PORT_USER(&list[0], i, NULL);
		evt_port_fd(port, own, POLLIN, EVT_USER(i));
		evt_port_one(port, &list[0]);
		EVT_PORT_FD(&list[0], own, POLLIN, EVT_USER(i));
	}
	evt_close(own);
	end();
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, fd__owner_has_ended);
	EVT_TP_ADD_TC(tp, fd__owner_closes_it);
	EVT_TP_ADD_TC(tp, skip__what_is_anothers);
	EVT_TP_ADD_TC(tp, skip__sleeps_beside_it);
	EVT_TP_ADD_TC(tp, send__ends_one_of_two);
	EVT_TP_ADD_TC(tp, alert__cleared_at_once);
	EVT_TP_ADD_TC(tp, fork__beside_waits);
	EVT_TP_ADD_TC(tp, fork__first_beside_waits);
	EVT_TP_ADD_TC(tp, killed__anywhere);
	return (atf_no_error());
}
