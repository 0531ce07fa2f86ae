/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVANY_SIGNAL and EVANY_PROCESS.
 */
#include "config.h"

#include "evt_uni.h"

#include <sys/wait.h>

#include <limits.h>

/* ---- signals ------------------------------------------------------------- */

EVT_TC(signal__is_counted, "UNI-110",
    "Signals that came since the last event are one event with their count")
{
	struct evany_event ev;
	int i, q;

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	ATF_REQUIRE(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	q = evt_queue();
	EVT_OK(evany_signal(q, SIGUSR1, 0, EVT_USER(4)));
	evt_uni_none(q);
	for (i = 0; i < 3; i++)
		ATF_REQUIRE(raise(SIGUSR1) == 0);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_SIGNAL, SIGUSR1, 0, EVT_USER(4));
	ATF_REQUIRE_EQ(ev.ev_data, 3);
	evt_uni_none(q);
	ATF_REQUIRE(raise(SIGUSR1) == 0);
	evt_uni_one(q, &ev);
	ATF_REQUIRE_EQ(ev.ev_data, 1);
	evt_close(q);
	ATF_REQUIRE(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
}

static atomic_int handled;

static void
handler(int signo)
{
	(void)signo;
	(void)atomic_fetch_add(&handled, 1);
}

EVT_TC(signal__handler_runs, "UNI-111",
    "A handler of the program runs as before, and stays in force")
{
	struct sigaction sa = { .sa_handler = handler }, old;
	struct evany_event ev;
	int q;

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	ATF_REQUIRE(sigemptyset(&sa.sa_mask) == 0);
	ATF_REQUIRE(sigaction(SIGUSR2, &sa, NULL) == 0);
	q = evt_queue();
	EVT_OK(evany_signal(q, SIGUSR2, 0, NULL));
	ATF_REQUIRE(raise(SIGUSR2) == 0);
	ATF_REQUIRE_EQ(atomic_load(&handled), 1);
	evt_uni_one(q, &ev);
	ATF_REQUIRE_EQ(ev.ev_data, 1);
	EVT_OK(evany_drop(q, EVANY_SIGNAL, SIGUSR2));
	ATF_REQUIRE(raise(SIGUSR2) == 0);
	ATF_REQUIRE_EQ(atomic_load(&handled), 2);
	evt_uni_none(q);
	ATF_REQUIRE(sigaction(SIGUSR2, NULL, &old) == 0);
	ATF_REQUIRE(old.sa_handler == handler);
	ATF_REQUIRE(signal(SIGUSR2, SIG_DFL) != SIG_ERR);
	evt_close(q);
}

EVT_TC(signal__modes, "UNI-112",
    "One-shot ends the watch; dispatch keeps what comes until it is set")
{
	struct evany_event ev;
	int q;

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	ATF_REQUIRE(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	q = evt_queue();
	EVT_OK(evany_signal(q, SIGUSR1, EVANY_ONESHOT, NULL));
	ATF_REQUIRE(raise(SIGUSR1) == 0);
	evt_uni_one(q, &ev);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_SIGNAL, SIGUSR1)),
	    ENOENT);
	EVT_OK(evany_signal(q, SIGUSR1, EVANY_DISPATCH, NULL));
	ATF_REQUIRE(raise(SIGUSR1) == 0);
	evt_uni_one(q, &ev);
	ATF_REQUIRE(raise(SIGUSR1) == 0);
	ATF_REQUIRE(raise(SIGUSR1) == 0);
	evt_uni_none(q);
	ATF_REQUIRE(!evt_readable(q, 0));
	EVT_OK(evany_signal(q, SIGUSR1, EVANY_DISPATCH, EVT_USER(1)));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_SIGNAL, SIGUSR1, 0, EVT_USER(1));
	ATF_REQUIRE_EQ(ev.ev_data, 2);
	evt_close(q);
	ATF_REQUIRE(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
}

EVT_TC(signal__no_such_signal, "UNI-113", "No such signal: EINVAL")
{
	int q;

	q = evt_queue();
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_signal(q, 0, 0, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_signal(q, -1, 0, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_signal(q, 10000, 0, NULL)), EINVAL);
	evt_close(q);
}

struct other {
	struct evt_thread	ot_thread;
	struct evt_barrier	ot_barrier;
};

static void
wait_twice(void *arg)
{
	struct other *ot = arg;

	evt_barrier_wait(&ot->ot_barrier);
	evt_barrier_wait(&ot->ot_barrier);
}

EVT_TC(signal__to_a_thread, "UNI-114",
    "A signal that is sent to another thread counts")
{
	struct evany_event ev;
	struct other ot;
	int q;

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	ATF_REQUIRE(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	evt_barrier_init(&ot.ot_barrier, 2);
	evt_thread_start(&ot.ot_thread, wait_twice, &ot);
	q = evt_queue();
	EVT_OK(evany_signal(q, SIGUSR1, 0, NULL));
	evt_barrier_wait(&ot.ot_barrier);
	ATF_REQUIRE_EQ(0, pthread_kill(ot.ot_thread.et_id, SIGUSR1));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_SIGNAL, SIGUSR1, 0, NULL);
	ATF_REQUIRE_EQ(1, ev.ev_data);
	evt_barrier_wait(&ot.ot_barrier);
	evt_thread_join(&ot.ot_thread);
	evt_barrier_destroy(&ot.ot_barrier);
	evt_close(q);
	ATF_REQUIRE(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
}

static int
watch_and_die(void *arg)
{
	int q;

	(void)arg;
	EVT_CHILD((q = evany_queue(0)) != -1);
	EVT_CHILD(evany_signal(q, SIGTERM, 0, NULL) == 0);
	(void)raise(SIGTERM);
	return (1);
}

EVT_TC(signal__still_kills, "UNI-111",
    "A signal that would end the process does so although it is watched")
{
	ATF_REQUIRE_EQ(-SIGTERM, evt_fork_end(evt_fork_start(watch_and_die,
	    NULL)));
}

/* ---- processes ------------------------------------------------------------- */

/* A child that ends with that status once the pipe is closed. */
static pid_t
child(int p[2], int status)
{
	pid_t pid;
	char c;

	evt_pipe(p);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)close(p[1]);
		while (read(p[0], &c, 1) > 0)
			continue;
		_exit(status);
	}
	evt_close(p[0]);
	return (pid);
}

EVT_TC(process__exit, "UNI-120 UNI-121",
    "The exit of a child comes with its status, and it can be waited for")
{
	struct evany_event ev;
	int p[2], q, status, told;
	pid_t pid;

	q = evt_queue();
	pid = child(p, 7);
	EVT_OK(evany_process(q, pid, EVANY_EXIT, 0, EVT_USER(2)));
	evt_uni_none(q);
	evt_close(p[1]);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_PROCESS, pid, EVANY_EXIT, EVT_USER(2));
	told = (int)ev.ev_data;
	ATF_REQUIRE(WIFEXITED(told));
	ATF_REQUIRE_EQ(WEXITSTATUS(told), 7);
	evt_uni_none(q);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_PROCESS,
	    (uintptr_t)pid)), ENOENT);
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_REQUIRE_EQ(status, told);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_process(q, pid, EVANY_EXIT, 0, NULL)),
	    ESRCH);
	evt_close(q);
}

EVT_TC(process__ended_before, "UNI-122",
    "A child that has ended but was not waited for is told of at once")
{
	struct evany_event ev;
	siginfo_t si;
	int p[2], q, told;
	pid_t pid;

	q = evt_queue();
	pid = child(p, 3);
	evt_close(p[1]);
	ATF_REQUIRE(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) == 0);
	EVT_OK(evany_process(q, pid, EVANY_EXIT, 0, NULL));
	evt_uni_one(q, &ev);
	told = (int)ev.ev_data;
	ATF_REQUIRE_EQ(WEXITSTATUS(told), 3);
	ATF_REQUIRE_EQ(waitpid(pid, NULL, 0), pid);
	evt_close(q);
}

EVT_TC(process__killed, "UNI-120", "A child that was killed says by what")
{
	struct evany_event ev;
	int p[2], q, told;
	pid_t pid;

	q = evt_queue();
	pid = child(p, 0);
	EVT_OK(evany_process(q, pid, EVANY_EXIT, EVANY_ONESHOT, NULL));
	ATF_REQUIRE(kill(pid, SIGKILL) == 0);
	evt_uni_one(q, &ev);
	told = (int)ev.ev_data;
	ATF_REQUIRE(WIFSIGNALED(told));
	ATF_REQUIRE_EQ(WTERMSIG(told), SIGKILL);
	ATF_REQUIRE_EQ(waitpid(pid, NULL, 0), pid);
	evt_close(p[1]);
	evt_close(q);
}

/* Forks, and tells the number of the child, which ends with the pipe. */
static int
parent_of(int told, const int p[2])
{
	pid_t pid;
	char c;

	(void)close(p[1]);
	EVT_CHILD((pid = fork()) != -1);
	if (pid == 0) {
		while (read(p[0], &c, 1) > 0)
			continue;
		_exit(5);
	}
	EVT_CHILD(write(told, &pid, sizeof(pid)) == (ssize_t)sizeof(pid));
	EVT_CHILD(waitpid(pid, NULL, 0) == pid);
	return (0);
}

EVT_TC(process__is_no_child, "UNI-125",
    "The end of a process that is no child is told of as well")
{
	struct evany_event ev;
	int p[2], q, status, told[2];
	pid_t between, pid;

	q = evt_queue();
	evt_pipe(p);
	evt_pipe(told);
	ATF_REQUIRE((between = fork()) != -1);
	if (between == 0)
		_exit(parent_of(told[1], p));
	evt_close(p[0]);
	ATF_REQUIRE_EQ((ssize_t)sizeof(pid), read(told[0], &pid,
	    sizeof(pid)));
	EVT_OK(evany_process(q, pid, EVANY_EXIT, EVANY_DISPATCH,
	    EVT_USER(6)));
	evt_uni_none(q);
	evt_close(p[1]);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_PROCESS, pid, EVANY_EXIT, EVT_USER(6));
	/* How it ended may be for its parent alone to know. */
	status = (int)ev.ev_data;
	ATF_REQUIRE(status == 0 || WEXITSTATUS(status) == 5);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_PROCESS,
	    (uintptr_t)pid)), ENOENT);
	ATF_REQUIRE_EQ(waitpid(between, &status, 0), between);
	ATF_REQUIRE_EQ(0, status);
	evt_close(told[0]);
	evt_close(told[1]);
	evt_close(q);
}

EVT_TC(process__no_such_process, "UNI-123", "No such process: ESRCH")
{
	int q;

	q = evt_queue();
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_process(q, 0, EVANY_EXIT, 0, NULL)),
	    ESRCH);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_process(q, -1, EVANY_EXIT, 0, NULL)),
	    ESRCH);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_process(q, INT_MAX, EVANY_EXIT, 0,
	    NULL)), ESRCH);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_process(q, getpid(), 0, 0, NULL)),
	    EINVAL);
	evt_close(q);
}

EVT_TC(process__fork_or_refused, "UNI-124",
    "Forks are told of, or refused where the system does not tell")
{
	struct evany_event ev;
	int q, status;
	pid_t pid;

	q = evt_queue();
	if (evany_process(q, getpid(), EVANY_FORK, 0, EVT_USER(1)) == -1)
		ATF_REQUIRE_EQ(errno, ENOTSUP);
	else {
		ATF_REQUIRE((pid = fork()) != -1);
		if (pid == 0)
			_exit(0);
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_PROCESS, getpid(), EVANY_FORK,
		    EVT_USER(1));
		ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	}
	evt_close(q);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, signal__is_counted);
	EVT_TP_ADD_TC(tp, signal__handler_runs);
	EVT_TP_ADD_TC(tp, signal__modes);
	EVT_TP_ADD_TC(tp, signal__to_a_thread);
	EVT_TP_ADD_TC(tp, signal__still_kills);
	EVT_TP_ADD_TC(tp, signal__no_such_signal);
	EVT_TP_ADD_TC(tp, process__exit);
	EVT_TP_ADD_TC(tp, process__ended_before);
	EVT_TP_ADD_TC(tp, process__killed);
	EVT_TP_ADD_TC(tp, process__is_no_child);
	EVT_TP_ADD_TC(tp, process__no_such_process);
	EVT_TP_ADD_TC(tp, process__fork_or_refused);
	return (atf_no_error());
}
