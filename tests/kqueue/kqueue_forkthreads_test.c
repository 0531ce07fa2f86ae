/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fork, exec, exit and signal handlers at any moment of other threads' calls.
 */
#include "config.h"

#include "evt.h"
#include "evt_child.h"

#include <sys/wait.h>

#include <poll.h>
#include <sched.h>
#include <spawn.h>

extern char **environ;

/* Threads that keep every part of the library busy on one queue. */
struct busy {
	struct evt_thread	bs_thread[3];
	atomic_bool		bs_stop;
	atomic_long		bs_events;
	int			bs_kq;
	int			bs_pipe[2];
};

static void
busy_wait(void *arg)
{
	struct busy *bs = arg;
	struct kevent ev[4];
	int n;

	while (!atomic_load(&bs->bs_stop))
		if ((n = evt_kevent_ms(bs->bs_kq, NULL, 0, ev, 4, 3)) > 0)
			atomic_fetch_add(&bs->bs_events, n);
}

static void
busy_change(void *arg)
{
	struct busy *bs = arg;
	struct kevent ev[3];
	int i;

	/* Nothing is left in the end. */
	for (i = 0; i % 2 || !atomic_load(&bs->bs_stop); i++) {
		unsigned short flags = i % 2 ? EV_DELETE : EV_ADD;
		uintptr_t ident = (uintptr_t)bs->bs_pipe[0];

		EV_SET(&ev[0], ident, EVFILT_READ, flags, 0, 0, NULL);
		EV_SET(&ev[1], 3, EVFILT_TIMER, flags, 0, 1, NULL);
		EV_SET(&ev[2], SIGURG, EVFILT_SIGNAL, flags, 0, 0, NULL);
		(void)evt_kevent(bs->bs_kq, ev, 3, NULL, 0, NULL);
		if (i % 64 == 0)
			(void)sched_yield();
	}
}

static void
busy_make(void *arg)
{
	struct busy *bs = arg;
	struct kevent ev;
	int kq;

	while (!atomic_load(&bs->bs_stop)) {
		if ((kq = kqueue()) == -1)
			continue;
		EV_SET(&ev, 3, EVFILT_TIMER, EV_ADD, 0, 1, NULL);
		(void)evt_kevent_ms(kq, &ev, 1, &ev, 1, 0);
		(void)close(kq);
	}
}

static void
busy_start(struct busy *bs)
{
	evt_skip_asan(EVT_SANE_FORKED);
	evt_skip_tsan(EVT_SANE_FORKED);
	atomic_init(&bs->bs_stop, false);
	atomic_init(&bs->bs_events, 0);
	bs->bs_kq = evt_kq();
	evt_pipe(bs->bs_pipe);
	evt_write(bs->bs_pipe[1], 1);
	evt_thread_start(&bs->bs_thread[0], busy_wait, bs);
	evt_thread_start(&bs->bs_thread[1], busy_change, bs);
	evt_thread_start(&bs->bs_thread[2], busy_make, bs);
}

static void
busy_end(struct busy *bs)
{
	int i;

	atomic_store(&bs->bs_stop, true);
	for (i = 0; i < 3; i++)
		evt_thread_join(&bs->bs_thread[i]);
	ATF_REQUIRE_MSG(atomic_load(&bs->bs_events) > 0, "the threads did "
	    "not collect anything");
	evt_close(bs->bs_pipe[0]);
	evt_close(bs->bs_pipe[1]);
	evt_close(bs->bs_kq);
}

/* What a child does with a queue of its own; 0 if it worked. */
static int
busy_child(void *arg)
{
	struct busy *bs = arg;
	struct kevent ev[2];
	int kq, p[2];

	if (evt_kevent_ms(bs->bs_kq, NULL, 0, ev, 1, 0) != -1 ||
	    errno != EBADF)
		return (1);
	if ((kq = kqueue()) == -1 || pipe(p) == -1)
		return (2);
	EV_SET(&ev[0], (uintptr_t)p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	EV_SET(&ev[1], 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 60000, NULL);
	if (evt_kevent(kq, ev, 2, NULL, 0, NULL) == -1)
		return (3);
	if (write(p[1], "abc", 3) != 3)
		return (4);
	if (evt_kevent_ms(kq, NULL, 0, ev, 2, EVT_WAIT_MS) != 1)
		return (5);
	return (ev[0].ident == (uintptr_t)p[0] && ev[0].data == 3 ? 0 : 6);
}

EVT_TC(fork__beside_busy_threads, "KQ-251 KQ-007",
    "fork(2) at any moment of three threads' calls: the child's own queue "
    "works at once, and the parent's threads go on")
{
	struct busy bs;
	int i;

	busy_start(&bs);
	for (i = 0; i < 150; i++)
		ATF_REQUIRE_EQ(evt_in_child(busy_child, &bs), 0);
	busy_end(&bs);
}

struct fork_waiter {
	struct evt_thread	fw_thread;
	int			fw_kq;
	int			fw_count;
	struct kevent		fw_event;
};

static void
fork_waiting(void *arg)
{
	struct fork_waiter *fw = arg;

	fw->fw_count = evt_kevent(fw->fw_kq, NULL, 0, &fw->fw_event, 1, NULL);
}

static int
fork_trivial(void *arg)
{
	(void)arg;
	return (0);
}

EVT_TC(fork__does_not_disturb_a_waiter, "KQ-251 KQ-008",
    "A thread asleep in kevent() sleeps through forks and then has its event")
{
	struct fork_waiter fw;
	int i, p[2];

	fw.fw_kq = evt_kq();
	evt_pipe(p);
	evt_change(fw.fw_kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_thread_start(&fw.fw_thread, fork_waiting, &fw);
	evt_thread_asleep(&fw.fw_thread);
	for (i = 0; i < 20; i++)
		ATF_REQUIRE_EQ(evt_in_child(fork_trivial, NULL), 0);
	ATF_REQUIRE(!atomic_load(&fw.fw_thread.et_done));
	evt_write(p[1], 4);
	evt_thread_join(&fw.fw_thread);
	ATF_REQUIRE_EQ(fw.fw_count, 1);
	EVT_EVENT(&fw.fw_event, p[0], EVFILT_READ, 0, 0, 4);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(fw.fw_kq);
}

static void
fork_forking(void *arg)
{
	struct busy *bs = arg;
	int i, status;
	pid_t pid;

	for (i = 0; i < 40; i++) {
		if ((pid = fork()) == 0) {
			(void)signal(SIGALRM, SIG_DFL);
			(void)alarm(5);
			_exit(busy_child(bs));
		}
		if (pid == -1 || waitpid(pid, &status, 0) != pid ||
		    status != 0)
			atomic_fetch_add(&bs->bs_events, 1000000);
	}
}

EVT_TC(fork__by_several_threads, "KQ-251",
    "Forks by two threads at once, beside busy ones")
{
	struct evt_thread forker[2];
	struct busy bs;
	int i;

	busy_start(&bs);
	for (i = 0; i < 2; i++)
		evt_thread_start(&forker[i], fork_forking, &bs);
	for (i = 0; i < 2; i++)
		evt_thread_join(&forker[i]);
	ATF_REQUIRE(atomic_load(&bs.bs_events) < 1000000);
	busy_end(&bs);
}

/* In the child: a thread waits while the program ends. */
static int
fork_exit(void *arg)
{
	struct fork_waiter fw[2];
	int i;

	(void)arg;
	for (i = 0; i < 2; i++) {
		if ((fw[i].fw_kq = kqueue()) == -1)
			return (1);
		evt_thread_start(&fw[i].fw_thread, fork_waiting, &fw[i]);
		evt_thread_asleep(&fw[i].fw_thread);
	}
	(void)close(fw[1].fw_kq);
	exit(7);
}

EVT_TC(exit__beside_a_waiting_thread, "KQ-251",
    "exit(3) while threads wait in kevent(), one of them in a closed queue, "
    "ends the program")
{
	int i;

	for (i = 0; i < 10; i++)
		ATF_REQUIRE_EQ(evt_in_child(fork_exit, NULL), 7);
}

EVT_TC(spawn__beside_busy_threads, "KQ-251 KQ-008",
    "posix_spawn(3), which may share memory with its child, disturbs nothing")
{
	char *argv[] = { (char *)(uintptr_t)"true", NULL };
	struct busy bs;
	int i, status;
	pid_t pid;

	busy_start(&bs);
	for (i = 0; i < 50; i++) {
		ATF_REQUIRE(posix_spawnp(&pid, "true", NULL, NULL, argv,
		    environ) == 0);
		ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
		ATF_REQUIRE_EQ(status, 0);
	}
	busy_end(&bs);
}

static int
fork_execs(void *arg)
{
	struct busy bs;

	(void)arg;
	busy_start(&bs);
	while (atomic_load(&bs.bs_events) == 0)
		(void)sched_yield();
	(void)execlp("true", "true", (char *)NULL);
	return (1);
}

EVT_TC(exec__beside_busy_threads, "KQ-251 KQ-004",
    "execve(2) beside busy threads ends the queue and starts the program")
{
	int i;

	for (i = 0; i < 20; i++)
		ATF_REQUIRE_EQ(evt_in_child(fork_execs, NULL), 0);
}

/* ---- from a signal handler ------------------------------------------------ */

#ifdef EVFILT_USER
static int handler_kq;
static volatile sig_atomic_t handler_failed;
static atomic_long handler_runs;

static void
handler_trigger(int signo)
{
	struct kevent ev;
	int saved = errno;

	(void)signo;
	memset(&ev, 0, sizeof(ev));
	ev.ident = 1;
	ev.filter = EVFILT_USER;
	ev.fflags = NOTE_TRIGGER;
	if (evt_kevent(handler_kq, &ev, 1, NULL, 0, NULL) == -1)
		handler_failed = errno;
	atomic_fetch_add(&handler_runs, 1);
	errno = saved;
}

static void
handler_install(int kq)
{
	struct sigaction sa;

	handler_kq = kq;
	handler_failed = 0;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler_trigger;
	ATF_REQUIRE(sigaction(SIGUSR1, &sa, NULL) == 0);
}

/* A handler may run in the middle of any call, with the queue's locks held. */
static void
handler_sender(void *arg)
{
	struct busy *bs = arg;

	while (!atomic_load(&bs->bs_stop)) {
		(void)kill(getpid(), SIGUSR1);
		(void)sched_yield();
	}
}

EVT_TC(handler__triggers_a_waiter, "KQ-252 KQ-056",
    "A trigger from a handler that interrupts the wait is not lost")
{
	struct fork_waiter fw;
	int i;

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	fw.fw_kq = evt_kq();
	handler_install(fw.fw_kq);
	evt_change(fw.fw_kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	for (i = 0; i < 100; i++) {
		evt_thread_start(&fw.fw_thread, fork_waiting, &fw);
		if (i % 2 == 0)
			evt_thread_asleep(&fw.fw_thread);
		ATF_REQUIRE(pthread_kill(fw.fw_thread.et_id, SIGUSR1) == 0);
		evt_thread_join(&fw.fw_thread);
		ATF_REQUIRE_EQ(handler_failed, 0);
		if (fw.fw_count == -1)	/* EINTR: then the next call has it */
			evt_one(fw.fw_kq, &fw.fw_event);
		ATF_REQUIRE_EQ(fw.fw_event.filter, EVFILT_USER);
		ATF_REQUIRE_EQ(fw.fw_event.ident, 1);
	}
	(void)signal(SIGUSR1, SIG_DFL);
	evt_close(fw.fw_kq);
}

EVT_TC(handler__in_the_middle_of_changes, "KQ-252",
    "Triggers from handlers that interrupt changes and collections of the "
    "same queue neither hang nor fail, and the last one is seen")
{
	struct evt_thread sender;
	struct busy bs;
	struct kevent change[4], ev[4];
	int i, n, p[2], seen = 0;
	int64_t end;

	bs.bs_kq = evt_kq();
	atomic_init(&bs.bs_stop, false);
	handler_install(bs.bs_kq);
	evt_pipe(p);
	evt_change(bs.bs_kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_thread_start(&sender, handler_sender, &bs);
	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	for (i = 0; evt_now_ns() < end; i++) {
		unsigned short flags = i % 2 ? EV_DELETE : EV_ADD;

		EV_SET(&change[0], (uintptr_t)p[0], EVFILT_READ, flags, 0, 0,
		    NULL);
		EV_SET(&change[1], 2, EVFILT_USER, flags, 0, 0, NULL);
		EV_SET(&change[2], 3, EVFILT_TIMER, flags, 0, 3600000, NULL);
		n = evt_kevent_ms(bs.bs_kq, change, 3, ev, 4, 0);
		while (n-- > 0) {
			ATF_REQUIRE_MSG(ev[n].filter == EVFILT_USER &&
			    ev[n].ident == 1, "{%s}", evt_text(&ev[n]));
			seen++;
		}
	}
	atomic_store(&bs.bs_stop, true);
	evt_thread_join(&sender);
	ATF_REQUIRE_EQ_MSG(handler_failed, 0, "in the handler: %s",
	    strerror((int)handler_failed));
	printf("%ld handlers, %d events\n", atomic_load(&handler_runs), seen);
	ATF_REQUIRE(seen > 0);
	while (evt_poll(bs.bs_kq, ev, 4) > 0)
		continue;
	handler_trigger(SIGUSR1);
	evt_one(bs.bs_kq, &ev[0]);
	ATF_REQUIRE_EQ(ev[0].ident, 1);
	(void)signal(SIGUSR1, SIG_DFL);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(bs.bs_kq);
}

struct handler_round {
	pthread_t	hr_target;
	atomic_long	hr_go;		/* the round that may begin */
	atomic_bool	hr_stop;
};

/* One signal a round, at a moment that moves on with the rounds. */
static void
handler_by_rounds(void *arg)
{
	struct handler_round *hr = arg;
	volatile int spin;
	long round = 1;

	while (!atomic_load(&hr->hr_stop)) {
		if (atomic_load(&hr->hr_go) < round) {
			(void)sched_yield();
			continue;
		}
		for (spin = 0; spin < round % 211 * 20; spin++)
			continue;
		(void)pthread_kill(hr->hr_target, SIGUSR1);
		round++;
	}
}

EVT_TC(handler__loses_no_trigger, "KQ-252 KQ-245",
    "Wherever in a call the handler runs, its trigger is an event of that "
    "call or of the next")
{
	struct evt_thread sender;
	struct handler_round hr;
	struct kevent change[2], ev[4];
	long round;
	int i, kq, n, p[2], seen;

	kq = evt_kq();
	hr.hr_target = pthread_self();
	atomic_init(&hr.hr_go, 0);
	atomic_init(&hr.hr_stop, false);
	handler_install(kq);
	evt_pipe(p);
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_thread_start(&sender, handler_by_rounds, &hr);
	for (round = 1; round <= 4000; round++) {
		atomic_store(&hr.hr_go, round);
		for (i = seen = 0; atomic_load(&handler_runs) < round; i++) {
			EV_SET(&change[0], (uintptr_t)p[0], EVFILT_READ,
			    i % 2 ? EV_DELETE : EV_ADD, 0, 0, NULL);
			EV_SET(&change[1], 2, EVFILT_USER,
			    i % 2 ? EV_DELETE : EV_ADD, 0, 0, NULL);
			n = evt_kevent_ms(kq, change, 2, ev, 4, 0);
			while (n-- > 0)
				seen += (ev[n].flags & EV_ERROR) == 0;
		}
		if (seen == 0) {
			evt_one(kq, &ev[0]);
			ATF_REQUIRE_EQ(ev[0].ident, 1);
		}
		ATF_REQUIRE_EQ_MSG(handler_failed, 0, "in the handler: %s",
		    strerror((int)handler_failed));
		evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
		evt_change(kq, 2, EVFILT_USER, EV_ADD, 0, 0, NULL);
	}
	atomic_store(&hr.hr_stop, true);
	evt_thread_join(&sender);
	(void)signal(SIGUSR1, SIG_DFL);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(handler__beside_changes, "KQ-252",
    "Triggers from handlers that interrupt a thread's waits do not hang it "
    "while another thread changes the queue")
{
	struct evt_thread changer, sender;
	struct handler_round hr;
	struct busy bs;
	struct kevent ev[4];
	long round;

	bs.bs_kq = evt_kq();
	atomic_init(&bs.bs_stop, false);
	hr.hr_target = pthread_self();
	atomic_init(&hr.hr_go, 0);
	atomic_init(&hr.hr_stop, false);
	handler_install(bs.bs_kq);
	evt_pipe(bs.bs_pipe);
	evt_change(bs.bs_kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_thread_start(&changer, busy_change, &bs);
	evt_thread_start(&sender, handler_by_rounds, &hr);
	for (round = 1; round <= 4000; round++) {
		atomic_store(&hr.hr_go, round);
		while (atomic_load(&handler_runs) < round)
			(void)evt_poll(bs.bs_kq, ev, 4);
		ATF_REQUIRE_EQ_MSG(handler_failed, 0, "in the handler: %s",
		    strerror((int)handler_failed));
	}
	atomic_store(&hr.hr_stop, true);
	evt_thread_join(&sender);
	atomic_store(&bs.bs_stop, true);
	evt_thread_join(&changer);
	while (evt_poll(bs.bs_kq, ev, 4) > 0)
		continue;
	handler_trigger(SIGUSR1);
	evt_one(bs.bs_kq, &ev[0]);
	ATF_REQUIRE_EQ(ev[0].ident, 1);
	(void)signal(SIGUSR1, SIG_DFL);
	evt_close(bs.bs_pipe[0]);
	evt_close(bs.bs_pipe[1]);
	evt_close(bs.bs_kq);
}
#endif

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, fork__beside_busy_threads);
	EVT_TP_ADD_TC(tp, fork__does_not_disturb_a_waiter);
	EVT_TP_ADD_TC(tp, fork__by_several_threads);
	EVT_TP_ADD_TC(tp, exit__beside_a_waiting_thread);
	EVT_TP_ADD_TC(tp, spawn__beside_busy_threads);
	EVT_TP_ADD_TC(tp, exec__beside_busy_threads);
#ifdef EVFILT_USER
	EVT_TP_ADD_TC(tp, handler__triggers_a_waiter);
	EVT_TP_ADD_TC(tp, handler__in_the_middle_of_changes);
	EVT_TP_ADD_TC(tp, handler__loses_no_trigger);
	EVT_TP_ADD_TC(tp, handler__beside_changes);
#endif
	return (atf_no_error());
}
