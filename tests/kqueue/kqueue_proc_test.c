/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_PROC: the end of processes.
 */
#include "config.h"

#include "evt_child.h"

#include <limits.h>

#ifdef __linux__
#include <sched.h>
#include <sys/syscall.h>
#endif

static void
watch(int kq, pid_t pid, unsigned int flags, unsigned int notes)
{
	evt_change(kq, pid, EVFILT_PROC, EV_ADD | flags, notes, 0, NULL);
}

EVT_TC(exit__status, "KQ-175 KQ-177 KQ-100",
    "A child's exit is one event with the wait status, then the knote is gone")
{
	static const int codes[] = { 7, 0, 255 };
	struct evt_child c;
	int i, kq;

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(codes); i++) {
		evt_child_start(&c, evt_child_obey);
		watch(kq, c.ec_pid, 0, EVT_EXIT);
		evt_none(kq);
		evt_child_tell(&c, codes[i]);
		evt_one_end(kq, c.ec_pid, codes[i] << 8);
		ATF_REQUIRE_EQ(codes[i] << 8, evt_reap(c.ec_pid));
		evt_child_drop(&c);
	}
	evt_close(kq);
}

EVT_TC(exit__flags, "KQ-175 KQ-098 KQ-100",
    "The event's flags are EV_EOF and EV_ONESHOT, its fflags NOTE_EXIT")
{
	struct evt_child c;
	struct kevent ev;
	int kq;

	kq = evt_kq();
	evt_child_start(&c, evt_child_obey);
	evt_change(kq, c.ec_pid, EVFILT_PROC, EV_ADD, EVT_EXIT, 0, &c);
	evt_child_tell(&c, 3);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(NOTE_EXIT, ev.fflags & 0xf0000000U);
	if (!evt_native()) {
		EVT_EVENT(&ev, c.ec_pid, EVFILT_PROC, EV_EOF | EV_ONESHOT,
		    NOTE_EXIT, 3 << 8);
		ATF_REQUIRE((ev.flags & EV_CLEAR) != 0);
	}
	ATF_REQUIRE_EQ(&c, (void *)ev.udata);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	evt_close(kq);
}

EVT_TC(exit__by_signal, "KQ-175",
    "A killed child's status satisfies WIFSIGNALED")
{
	static const int signals[] = { SIGKILL, SIGTERM, SIGUSR1 };
	struct evt_child c;
	struct kevent ev;
	int i, kq, status;

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(signals); i++) {
		evt_child_start(&c, evt_child_obey);
		watch(kq, c.ec_pid, 0, EVT_EXIT);
		ATF_REQUIRE_EQ(0, kill(c.ec_pid, signals[i]));
		evt_one(kq, &ev);
		status = evt_ended(&ev, c.ec_pid);
		ATF_REQUIRE_MSG(WIFSIGNALED(status) &&
		    WTERMSIG(status) == signals[i], "status %#x", status);
		ATF_REQUIRE_EQ(status, evt_reap(c.ec_pid));
		evt_child_drop(&c);
	}
	evt_close(kq);
}

EVT_TC(exit__not_stop, "KQ-175",
    "A child that stops and goes on has not ended")
{
	struct evt_child c;
	int kq, status;

	kq = evt_kq();
	evt_child_start(&c, evt_child_obey);
	watch(kq, c.ec_pid, 0, EVT_EXIT);
	ATF_REQUIRE_EQ(0, kill(c.ec_pid, SIGSTOP));
	ATF_REQUIRE_EQ(c.ec_pid, waitpid(c.ec_pid, &status, WUNTRACED));
	ATF_REQUIRE(WIFSTOPPED(status));
	evt_none(kq);
	ATF_REQUIRE_EQ(0, kill(c.ec_pid, SIGCONT));
	ATF_REQUIRE_EQ(c.ec_pid, waitpid(c.ec_pid, &status, WCONTINUED));
	evt_none(kq);
	evt_child_tell(&c, 9);
	evt_one_end(kq, c.ec_pid, 9 << 8);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	evt_close(kq);
}

EVT_TC(exit__not_reaped, "KQ-176",
    "The event leaves the zombie to waitpid, with the same status")
{
	struct evt_child c;
	siginfo_t si;
	int kq;

	kq = evt_kq();
	evt_child_start(&c, evt_child_obey);
	watch(kq, c.ec_pid, 0, EVT_EXIT);
	evt_child_tell(&c, 7);
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	memset(&si, 0, sizeof(si));
	ATF_REQUIRE_EQ(0, waitid(P_PID, (id_t)c.ec_pid, &si,
	    WEXITED | WNOHANG | WNOWAIT));
	ATF_REQUIRE_EQ(c.ec_pid, si.si_pid);
	ATF_REQUIRE_EQ(7, si.si_status);
	evt_one_end(kq, c.ec_pid, 7 << 8);
	evt_close(kq);
	evt_settle();
	ATF_REQUIRE_EQ(7 << 8, evt_reap(c.ec_pid));
	evt_child_drop(&c);
}

EVT_TC(exit__two_queues, "KQ-175 KQ-068",
    "Each queue that watches the process gets its event")
{
	struct evt_child c;
	int kq, kq2;

	kq = evt_kq();
	kq2 = evt_kq();
	evt_child_start(&c, evt_child_obey);
	watch(kq, c.ec_pid, 0, EVT_EXIT);
	watch(kq2, c.ec_pid, 0, EVT_EXIT);
	evt_child_tell(&c, 4);
	evt_one_end(kq, c.ec_pid, 4 << 8);
	(void)evt_reap(c.ec_pid);
	evt_one_end_if(kq2, c.ec_pid, 4 << 8, evt_status_is_told());
	evt_child_drop(&c);
	evt_close(kq2);
	evt_close(kq);
}

struct waiter {
	int		kq;
	struct kevent	ev;
	int		n;
};

static void
wait_for_one(void *arg)
{
	struct waiter *w = arg;

	w->n = evt_get(w->kq, &w->ev, 1);
}

EVT_TC(exit__wakes_a_waiting_thread, "KQ-175",
    "The end of a process ends a wait that had begun before")
{
	struct evt_child c;
	struct evt_thread t;
	struct waiter w;

	w.kq = evt_kq();
	evt_child_start(&c, evt_child_obey);
	watch(w.kq, c.ec_pid, 0, EVT_EXIT);
	evt_thread_start(&t, wait_for_one, &w);
	evt_thread_asleep(&t);
	evt_child_tell(&c, 5);
	evt_thread_join(&t);
	ATF_REQUIRE_EQ(1, w.n);
	ATF_REQUIRE_EQ(5 << 8, evt_ended(&w.ev, c.ec_pid));
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	evt_close(w.kq);
}

EVT_TC(exit__deleted_in_time, "KQ-087 KQ-177",
    "A deleted knote is silent, also when the process had ended already")
{
	struct evt_child c;
	int kq;

	kq = evt_kq();
	evt_child_start(&c, evt_child_obey);
	watch(kq, c.ec_pid, 0, EVT_EXIT);
	evt_child_tell(&c, 1);
	evt_await_zombie(c.ec_pid);
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	evt_change(kq, c.ec_pid, EVFILT_PROC, EV_DELETE, 0, 0, NULL);
	evt_none(kq);
	(void)evt_reap(c.ec_pid);
	evt_none(kq);
	evt_child_drop(&c);
	evt_close(kq);
}

EVT_TC(zombie__fires_at_once, "KQ-178 KQ-031",
    "NOTE_EXIT on a zombie fires in the call that registers it, each time")
{
	struct evt_child c;
	struct kevent ev;
	int i, kq;

#if defined(__APPLE__) || defined(__NetBSD__) || defined(__OpenBSD__)
	atf_tc_skip("this system answers ESRCH for a zombie");
#endif
	kq = evt_kq();
	evt_child_start(&c, evt_child_obey);
	evt_child_tell(&c, 6);
	evt_await_zombie(c.ec_pid);
	for (i = 0; i < 2; i++) {
		EV_SET(&ev, (uintptr_t)c.ec_pid, EVFILT_PROC, EV_ADD, EVT_EXIT, 0,
		    NULL);
		ATF_REQUIRE_EQ(1, evt_kevent_ms(kq, &ev, 1, &ev, 1, 0));
		ATF_REQUIRE_EQ(6 << 8, evt_ended(&ev, c.ec_pid));
		evt_none(kq);
	}
	watch(kq, c.ec_pid, 0, EVT_EXIT);
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	evt_one_end(kq, c.ec_pid, 6 << 8);
	ATF_REQUIRE_EQ(6 << 8, evt_reap(c.ec_pid));
	evt_child_drop(&c);
	evt_close(kq);
}

#ifdef __linux__
struct sleeper {
	struct evt_barrier	b;
	pid_t			tid;
};

static void
be_a_thread(void *arg)
{
	struct sleeper *s = arg;

	s->tid = (pid_t)syscall(SYS_gettid);
	evt_barrier_wait(&s->b);
	evt_barrier_wait(&s->b);
}
#endif

EVT_TC(add__no_such_process, "KQ-179",
    "A number that is no process, or a reaped one, is ESRCH")
{
	struct evt_child c;
	int i, kq;

	kq = evt_kq();
	evt_child_start(&c, evt_child_obey);
	evt_child_tell(&c, 0);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	ATF_REQUIRE_EQ(ESRCH, evt_change_errno(kq, c.ec_pid, EVFILT_PROC,
	    EV_ADD, EVT_EXIT, 0, NULL));
	ATF_REQUIRE_EQ(ESRCH, evt_change_errno(kq, INT_MAX, EVFILT_PROC,
	    EV_ADD, EVT_EXIT, 0, NULL));
	if (!evt_native()) {
		static const intptr_t bad[] = { 0, -1, -1000, INT_MIN };

		for (i = 0; i < EVT_NITEMS(bad); i++)
			ATF_REQUIRE_EQ_MSG(ESRCH, evt_change_errno(kq, bad[i],
			    EVFILT_PROC, EV_ADD, EVT_EXIT, 0, NULL), "%jd",
			    (intmax_t)bad[i]);
#if UINTPTR_MAX > 0xffffffffU
		/* this process, were the upper half thrown away */
		ATF_REQUIRE_EQ(ESRCH, evt_change_errno(kq,
		    (uintptr_t)getpid() | (uintptr_t)1 << 32, EVFILT_PROC,
		    EV_ADD, EVT_EXIT, 0, NULL));
#endif
	}
#ifdef __linux__
	{
		struct evt_thread t;
		struct sleeper s;

		evt_barrier_init(&s.b, 2);
		evt_thread_start(&t, be_a_thread, &s);
		evt_barrier_wait(&s.b);
		ATF_REQUIRE_EQ(ESRCH, evt_change_errno(kq, s.tid, EVFILT_PROC,
		    EV_ADD, EVT_EXIT, 0, NULL));
		evt_barrier_wait(&s.b);
		evt_thread_join(&t);
		evt_barrier_destroy(&s.b);
	}
#endif
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, c.ec_pid, EVFILT_PROC,
	    EV_DELETE, 0, 0, NULL));
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(add__zombie_without_exit, "KQ-179",
    "Who does not ask for the end of a zombie is told ESRCH")
{
	struct evt_child c;
	int kq;

	kq = evt_kq();
	evt_child_start(&c, evt_child_obey);
	evt_child_tell(&c, 0);
	evt_await_zombie(c.ec_pid);
	ATF_REQUIRE_EQ(ESRCH, evt_change_errno(kq, c.ec_pid, EVFILT_PROC,
	    EV_ADD, NOTE_FORK | NOTE_EXEC, 0, NULL));
	ATF_REQUIRE_EQ(ESRCH, evt_change_errno(kq, c.ec_pid, EVFILT_PROC,
	    EV_ADD, 0, 0, NULL));
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, c.ec_pid, EVFILT_PROC,
	    EV_DELETE, 0, 0, NULL));
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	evt_close(kq);
}

#ifdef __linux__
/* Is the first process of a name space; looks for one that is outside. */
static int
look_outside(void *arg)
{
	struct kevent ev;
	int kq;

	if ((kq = kqueue()) == -1)
		return (3);
	EV_SET(&ev, (uintptr_t)*(pid_t *)arg, EVFILT_PROC, EV_ADD, NOTE_EXIT,
	    0, NULL);
	if (evt_kevent_ms(kq, &ev, 1, &ev, 1, 0) != 1 ||
	    (ev.flags & EV_ERROR) == 0)
		return (4);
	return (ev.data == EACCES ? 0 : ev.data == ESRCH ? 1 : 5);
}

static int
go_inside(void *arg)
{
	pid_t pid;
	int status;

	if (unshare(CLONE_NEWPID) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWPID) == -1)
		return (2);
	if ((pid = fork()) == -1)
		return (2);
	if (pid == 0)
		_exit(look_outside(arg));
	return (waitpid(pid, &status, 0) == pid && WIFEXITED(status) ?
	    WEXITSTATUS(status) : 6);
}
#endif

EVT_TC(add__invisible, "KQ-180",
    "A process that cannot be seen is EACCES, or as if there were none")
{
#ifdef __linux__
	pid_t self = getpid();
	int step;

	if (self < 10)
		atf_tc_skip("numbers inside and outside would be the same");
	if ((step = evt_in_child(go_inside, &self)) == 2)
		atf_tc_skip("making a process name space is forbidden here");
	ATF_REQUIRE_MSG(step <= 1, "step %d", step);
	EVT_APPROX(step == 0, "an invisible process is ESRCH, not EACCES");
#else
	atf_tc_skip("needs a jail and the superuser");
#endif
}

/* Starts a child of its own, tells its number, reaps it when told. */
static int
parent(int in, int out)
{
	pid_t pid;
	int order, p[2], status = 0;
	char byte;

	if (pipe(p) == -1 || (pid = fork()) == -1)
		return (1);
	if (pid == 0) {
		(void)close(p[1]);
		(void)alarm(20);
		_exit(read(p[0], &byte, 1) == 1 ? byte : 99);
	}
	evt_child_answer(out, &pid, sizeof(pid));
	while ((order = evt_child_order(in)) > 0) {
		if (order == 200) {		/* reap and say so */
			(void)waitpid(pid, &status, 0);
			evt_child_answer(out, &status, sizeof(status));
		} else if (order == 201)	/* kill it */
			(void)kill(pid, SIGKILL);
		else {
			byte = (char)order;
			if (write(p[1], &byte, 1) != 1)
				return (2);
		}
	}
	return (0);
}

EVT_TC(other__not_reaped, "KQ-181",
    "A grandchild's end is told, with its status, while it is a zombie")
{
	struct evt_child c;
	pid_t pid;
	int i, kq;
	bool told = evt_native();

#ifdef __linux__
	told = strcmp(evt_backend(), "linux") == 0;
#endif
	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		evt_child_start(&c, parent);
		evt_child_hear(&c, &pid, sizeof(pid));
		watch(kq, pid, 0, EVT_EXIT);
		evt_none(kq);
		evt_child_tell(&c, i == 0 ? 5 : 201);
		evt_one_end_if(kq, pid, i == 0 ? 5 << 8 : SIGKILL,
		    told);
		evt_child_drop(&c);
		ATF_REQUIRE_EQ(0, evt_reap(c.ec_pid));
	}
	evt_close(kq);
}

EVT_TC(other__reaped_at_once, "KQ-181",
    "A grandchild's end is told after its own parent reaped it")
{
	struct evt_child c;
	pid_t pid;
	int kq, status;

	kq = evt_kq();
	evt_child_start(&c, parent);
	evt_child_hear(&c, &pid, sizeof(pid));
	watch(kq, pid, 0, EVT_EXIT);
	evt_child_tell(&c, 5);
	evt_child_tell(&c, 200);
	evt_child_hear(&c, &status, sizeof(status));
	ATF_REQUIRE_EQ(5 << 8, status);
	evt_one_end_if(kq, pid, 5 << 8, evt_status_is_told());
	evt_child_drop(&c);
	ATF_REQUIRE_EQ(0, evt_reap(c.ec_pid));
	evt_close(kq);
}

EVT_TC(other__zombie, "KQ-181 KQ-178",
    "A stranger that is a zombie already fires at registration")
{
	struct evt_child c;
	struct kevent ev;
	pid_t pid;
	int kq;

#if defined(__APPLE__) || defined(__NetBSD__) || defined(__OpenBSD__)
	atf_tc_skip("this system answers ESRCH for a zombie");
#endif
	kq = evt_kq();
	evt_child_start(&c, parent);
	evt_child_hear(&c, &pid, sizeof(pid));
	watch(kq, pid, 0, EVT_EXIT);
	evt_child_tell(&c, 8);
	evt_one(kq, &ev);
	(void)evt_ended(&ev, pid);
	watch(kq, pid, 0, EVT_EXIT);
	evt_one_end_if(kq, pid, 8 << 8, evt_native() ||
	    strcmp(evt_backend(), "linux") == 0);
	evt_child_drop(&c);
	ATF_REQUIRE_EQ(0, evt_reap(c.ec_pid));
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, exit__status);
	EVT_TP_ADD_TC(tp, exit__flags);
	EVT_TP_ADD_TC(tp, exit__by_signal);
	EVT_TP_ADD_TC(tp, exit__not_stop);
	EVT_TP_ADD_TC(tp, exit__not_reaped);
	EVT_TP_ADD_TC(tp, exit__two_queues);
	EVT_TP_ADD_TC(tp, exit__wakes_a_waiting_thread);
	EVT_TP_ADD_TC(tp, exit__deleted_in_time);
	EVT_TP_ADD_TC(tp, zombie__fires_at_once);
	EVT_TP_ADD_TC(tp, add__no_such_process);
	EVT_TP_ADD_TC(tp, add__zombie_without_exit);
	EVT_TP_ADD_TC(tp, add__invisible);
	EVT_TP_ADD_TC(tp, other__not_reaped);
	EVT_TP_ADD_TC(tp, other__reaped_at_once);
	EVT_TP_ADD_TC(tp, other__zombie);
	return (atf_no_error());
}
