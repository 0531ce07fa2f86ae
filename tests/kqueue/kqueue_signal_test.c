/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_SIGNAL: which signals are told, and how often.
 *
 * kill(2) to a process of one thread that does not block the signal returns
 * after the signal was taken, so nothing here waits for a delivery.
 */
#include "config.h"

#include "evt_child.h"

#define RECORDED_FOR_THREADS	1
#ifdef __APPLE__
#undef RECORDED_FOR_THREADS
#define RECORDED_FOR_THREADS	0
#endif

static atomic_int handled;

static void
handler(int signo)
{
	(void)signo;
	atomic_fetch_add(&handled, 1);
}

static void
watch(int kq, int signo)
{
	evt_change(kq, signo, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
}

static void
unwatch(int kq, int signo)
{
	evt_change(kq, signo, EVFILT_SIGNAL, EV_DELETE, 0, 0, NULL);
}

static void
send_self(int signo, int times)
{
	while (times-- > 0)
		ATF_REQUIRE_EQ(0, kill(getpid(), signo));
}

/* One event of the signal, which counts so many, and then nothing. */
static void
counted(int kq, int signo, int times)
{
	struct kevent ev;

	evt_one(kq, &ev);
	EVT_EVENT(&ev, signo, EVFILT_SIGNAL, 0, 0, times);
	evt_none(kq);
}

/* The same where repeats may be merged: at least one, at most times. */
static void
counted_up_to(int kq, int signo, int times)
{
	struct kevent ev;
	int64_t sum;

	evt_one(kq, &ev);
	ATF_REQUIRE_EQ((uintptr_t)signo, ev.ident);
	sum = ev.data;
	while (evt_kevent_ms(kq, NULL, 0, &ev, 1, EVT_QUIET_MS) == 1)
		sum += ev.data;
	ATF_REQUIRE_MSG(sum >= 1 && sum <= times, "counted %jd of %d",
	    (intmax_t)sum, times);
	EVT_APPROX(sum == times, "repeats of a pending signal are merged");
}

static void
mask(int how, int signo)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, signo);
	ATF_REQUIRE_EQ(0, pthread_sigmask(how, &set, NULL));
}

static bool
pending(int signo)
{
	sigset_t set;

	ATF_REQUIRE_EQ(0, sigpending(&set));
	return (sigismember(&set, signo) == 1);
}

struct order {
	pid_t	pid;
	int	signo;
	int	times;
};

static int
send_in_child(void *arg)
{
	struct order *o = arg;
	int i;

	for (i = 0; i < o->times; i++)
		if (kill(o->pid, o->signo) == -1)
			return (1);
	return (0);
}

static void
send_from_child(int signo, int times)
{
	struct order o = { getpid(), signo, times };

	ATF_REQUIRE_EQ(0, evt_in_child(send_in_child, &o));
}

EVT_TC(count__restarts_at_each_look, "KQ-196 KQ-100",
    "data is how often the signal came since the last look")
{
	struct kevent ev;
	int kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	evt_change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0, &kq);
	evt_none(kq);
	send_self(SIGUSR1, 1);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, SIGUSR1, EVFILT_SIGNAL, 0, 0, 1);
	ATF_REQUIRE((ev.flags & EV_CLEAR) != 0);
	ATF_REQUIRE_EQ(&kq, (void *)ev.udata);
	evt_none(kq);
	send_self(SIGUSR1, 3);
	counted(kq, SIGUSR1, 3);
	send_self(SIGUSR1, 1);
	counted(kq, SIGUSR1, 1);
	unwatch(kq, SIGUSR1);
	send_self(SIGUSR1, 1);
	evt_none(kq);
	ATF_REQUIRE_EQ(6, atomic_load(&handled));
	evt_close(kq);
}

EVT_TC(count__from_another_process, "KQ-196 KQ-016",
    "It does not matter who sent the signal; the queue turns readable")
{
	int i, kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	watch(kq, SIGUSR1);
	for (i = 0; i < 3; i++) {
		send_from_child(SIGUSR1, 1);
		ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
		counted(kq, SIGUSR1, 1);
		ATF_REQUIRE(!evt_readable(kq, 0));
	}
	evt_close(kq);
}

EVT_TC(count__five_to_self, "KQ-197",
    "Five that a process sends itself before a look are data 5")
{
	int kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	(void)signal(SIGUSR2, SIG_IGN);
	watch(kq, SIGUSR1);
	watch(kq, SIGUSR2);
	send_self(SIGUSR1, 5);
	counted(kq, SIGUSR1, 5);
	send_self(SIGUSR2, 5);
	counted(kq, SIGUSR2, 5);
	evt_close(kq);
}

EVT_TC(count__five_in_a_burst, "KQ-197 KQ-201",
    "Of five from elsewhere, or blocked ones, at least one is counted")
{
	int kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	watch(kq, SIGUSR1);
	send_from_child(SIGUSR1, 5);
	counted_up_to(kq, SIGUSR1, 5);
	mask(SIG_BLOCK, SIGUSR1);
	send_self(SIGUSR1, 5);
	counted_up_to(kq, SIGUSR1, 5);
	mask(SIG_UNBLOCK, SIGUSR1);
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(count__realtime, "KQ-197 KQ-196",
    "Real-time signals are queued, so each of them is counted")
{
#ifdef SIGRTMIN
	int kq;

	if (evt_native())
		atf_tc_skip("no promise about real-time signals here");
	evt_skip_tsan(EVT_TSAN_SIGNALS);
	kq = evt_kq();
	(void)signal(SIGRTMIN + 1, handler);
	watch(kq, SIGRTMIN + 1);
	send_from_child(SIGRTMIN + 1, 5);
	counted(kq, SIGRTMIN + 1, 5);
	ATF_REQUIRE_EQ(5, atomic_load(&handled));
	send_self(SIGRTMIN + 1, 3);
	counted(kq, SIGRTMIN + 1, 3);
	evt_close(kq);
#else
	atf_tc_skip("no real-time signals");
#endif
}

EVT_TC(count__goes_on_while_disabled, "KQ-085 KQ-084",
    "Signals during a disable are counted and told after the enable")
{
	int kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	evt_change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD | EV_DISABLE, 0, 0,
	    NULL);
	send_self(SIGUSR1, 2);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	send_self(SIGUSR1, 1);
	evt_change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ENABLE, 0, 0, NULL);
	counted(kq, SIGUSR1, 3);
	evt_close(kq);
}

EVT_TC(count__oneshot, "KQ-091 KQ-196",
    "A one-shot knote tells all that came, once, and is gone")
{
	struct kevent ev;
	int kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	evt_change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD | EV_ONESHOT, 0, 0,
	    NULL);
	send_self(SIGUSR1, 2);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, SIGUSR1, EVFILT_SIGNAL, EV_ONESHOT, 0, 2);
	send_self(SIGUSR1, 1);
	evt_none(kq);
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, SIGUSR1, EVFILT_SIGNAL,
	    EV_DELETE, 0, 0, NULL));
	ATF_REQUIRE_EQ(3, atomic_load(&handled));
	evt_close(kq);
}

EVT_TC(ignored__told, "KQ-199",
    "A signal that is ignored is told, and does nothing else")
{
	int kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, SIG_IGN);
	watch(kq, SIGUSR1);
	send_self(SIGUSR1, 1);
	counted(kq, SIGUSR1, 1);
	send_from_child(SIGUSR1, 1);
	counted(kq, SIGUSR1, 1);
	unwatch(kq, SIGUSR1);
	send_self(SIGUSR1, 1);
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(ignored__sigpipe, "KQ-199",
    "SIGPIPE that is ignored still makes the write fail with EPIPE")
{
	int kq, p[2];

	kq = evt_kq();
	(void)signal(SIGPIPE, SIG_IGN);
	watch(kq, SIGPIPE);
	evt_pipe(p);
	evt_close(p[0]);
	ATF_REQUIRE_EQ(-1, write(p[1], "x", 1));
	ATF_REQUIRE_EQ(EPIPE, errno);
	counted(kq, SIGPIPE, 1);
	evt_close(p[1]);
	evt_close(kq);
}

static int
do_nothing(void *arg)
{
	(void)arg;
	return (0);
}

EVT_TC(ignored__sigchld, "KQ-199",
    "SIGCHLD that is ignored is told, and children are not to be waited for")
{
	struct evt_child c;
	struct kevent ev;
	int i, kq, status;

#ifdef __FreeBSD__
	atf_tc_skip("FreeBSD does not record SIGCHLD that is ignored");
#endif
	kq = evt_kq();
	(void)signal(SIGCHLD, SIG_IGN);
	watch(kq, SIGCHLD);
	for (i = 0; i < 2; i++) {
		evt_child_start(&c, evt_child_obey);
		evt_child_tell(&c, 1);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, SIGCHLD, EVFILT_SIGNAL, 0, 0, 1);
		ATF_REQUIRE_EQ(-1, waitpid(c.ec_pid, &status, 0));
		ATF_REQUIRE_EQ(ECHILD, errno);
		evt_child_drop(&c);
	}
	evt_close(kq);
}

EVT_TC(default__ignored, "KQ-200",
    "What is ignored by default is told without any handler")
{
	static const int signals[] = { SIGURG, SIGWINCH };
	int i, kq;

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(signals); i++) {
		(void)signal(signals[i], SIG_DFL);
		watch(kq, signals[i]);
		send_self(signals[i], 2);
		counted(kq, signals[i], 2);
		send_from_child(signals[i], 1);
		counted(kq, signals[i], 1);
	}
	evt_close(kq);
}

EVT_TC(default__sigchld, "KQ-200 KQ-199",
    "SIGCHLD by default is told, and its child can be waited for")
{
	struct evt_child c;
	int kq;

	kq = evt_kq();
	(void)signal(SIGCHLD, SIG_DFL);
	watch(kq, SIGCHLD);
	evt_child_start(&c, evt_child_obey);
	evt_none(kq);
	evt_child_tell(&c, 4);
	counted(kq, SIGCHLD, 1);
	ATF_REQUIRE_EQ(4 << 8, evt_reap(c.ec_pid));
	evt_child_drop(&c);
	ATF_REQUIRE_EQ(0, evt_in_child(do_nothing, NULL));
	counted(kq, SIGCHLD, 1);
	evt_close(kq);
}

EVT_TC(blocked__told_and_still_pending, "KQ-201",
    "A blocked signal is told, stays pending and is delivered when unblocked")
{
	int i, kq;
	bool readable;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	mask(SIG_BLOCK, SIGUSR1);
	watch(kq, SIGUSR1);
	for (i = 1; i <= 3; i++) {
		send_self(SIGUSR1, 1);
		readable = evt_readable(kq, EVT_QUIET_MS);
		ATF_REQUIRE(readable || (!evt_native() &&
		    strcmp(evt_backend(), "poll") == 0));
		EVT_APPROX(readable, "a poll(2) of the queue does not see "
		    "blocked signals");
		counted(kq, SIGUSR1, 1);
		ATF_REQUIRE(pending(SIGUSR1));
		ATF_REQUIRE_EQ(i - 1, atomic_load(&handled));
		mask(SIG_UNBLOCK, SIGUSR1);
		ATF_REQUIRE_EQ(i, atomic_load(&handled));
		evt_none(kq);
		mask(SIG_BLOCK, SIGUSR1);
	}
	evt_close(kq);
}

EVT_TC(blocked__delivered_before_the_look, "KQ-201",
    "Blocked, sent, unblocked, then looked at: one signal, counted once")
{
	int i, kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	watch(kq, SIGUSR1);
	for (i = 1; i <= 3; i++) {
		mask(SIG_BLOCK, SIGUSR1);
		send_self(SIGUSR1, 1);
		mask(SIG_UNBLOCK, SIGUSR1);
		ATF_REQUIRE_EQ(i, atomic_load(&handled));
		counted(kq, SIGUSR1, 1);
	}
	/* one blocked and one not are two */
	mask(SIG_BLOCK, SIGUSR1);
	send_self(SIGUSR1, 1);
	mask(SIG_UNBLOCK, SIGUSR1);
	send_self(SIGUSR1, 1);
	counted(kq, SIGUSR1, 2);
	evt_close(kq);
}

EVT_TC(blocked__deadly_default, "KQ-201 KQ-269",
    "A deadly signal is told while it is blocked, and can be taken by sigwait")
{
	struct kevent ev;
	sigset_t set;
	int i, kq, signo;

	kq = evt_kq();
	(void)signal(SIGUSR1, SIG_DFL);
	mask(SIG_BLOCK, SIGUSR1);
	watch(kq, SIGUSR1);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	for (i = 0; i < 3; i++) {
		send_self(SIGUSR1, 1);
		counted(kq, SIGUSR1, 1);
		ATF_REQUIRE(pending(SIGUSR1));
		ATF_REQUIRE_EQ(0, sigwait(&set, &signo));
		ATF_REQUIRE_EQ(SIGUSR1, signo);
		ATF_REQUIRE(!pending(SIGUSR1));
		evt_none(kq);
	}
	/* taken before the look: sent all the same */
	send_self(SIGUSR1, 1);
	ATF_REQUIRE_EQ(0, sigwait(&set, &signo));
	EVT_APPROX(evt_kevent_ms(kq, NULL, 0, &ev, 1, EVT_QUIET_MS) == 1,
	    "a blocked signal that is taken before the look is not told");
	evt_close(kq);
}

EVT_TC(blocked__ignored, "KQ-201 KQ-199",
    "Blocked and ignored is told as well")
{
	int kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, SIG_IGN);
	mask(SIG_BLOCK, SIGUSR1);
	watch(kq, SIGUSR1);
	send_self(SIGUSR1, 1);
	counted(kq, SIGUSR1, 1);
	mask(SIG_UNBLOCK, SIGUSR1);
	evt_none(kq);
	send_self(SIGUSR1, 1);
	counted(kq, SIGUSR1, 1);
	evt_close(kq);
}

struct taker {
	struct evt_barrier	b;
};

/* Lets a signal in that the other threads block. */
static void
take_signal(void *arg)
{
	struct taker *t = arg;

	mask(SIG_UNBLOCK, SIGUSR1);
	evt_barrier_wait(&t->b);
	evt_barrier_wait(&t->b);
}

EVT_TC(blocked__in_one_thread_only, "KQ-201 KQ-203",
    "What one thread blocks and another takes is one signal")
{
	struct evt_thread thread;
	struct taker t;
	int64_t end;
	int i, kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	mask(SIG_BLOCK, SIGUSR1);
	watch(kq, SIGUSR1);
	evt_barrier_init(&t.b, 2);
	evt_thread_start(&thread, take_signal, &t);
	evt_barrier_wait(&t.b);
	for (i = 1; i <= 3; i++) {
		send_self(SIGUSR1, 1);
		end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
		while (atomic_load(&handled) < i && evt_now_ns() < end)
			(void)sched_yield();
		ATF_REQUIRE_EQ(i, atomic_load(&handled));
		counted(kq, SIGUSR1, 1);
	}
	evt_barrier_wait(&t.b);
	evt_thread_join(&thread);
	evt_barrier_destroy(&t.b);
	evt_close(kq);
}

EVT_TC(before__not_counted, "KQ-202",
    "What was sent before EV_ADD does not count")
{
	int kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	send_self(SIGUSR1, 3);
	watch(kq, SIGUSR1);
	evt_none(kq);
	send_self(SIGUSR1, 1);
	counted(kq, SIGUSR1, 1);
	/* nor what came between a delete and the next add */
	unwatch(kq, SIGUSR1);
	send_self(SIGUSR1, 2);
	watch(kq, SIGUSR1);
	evt_none(kq);
	/* nor, in a second queue, what only the first has to tell */
	{
		int kq2 = evt_kq();

		send_self(SIGUSR1, 2);
		watch(kq2, SIGUSR1);
		evt_none(kq2);
		counted(kq, SIGUSR1, 2);
		evt_close(kq2);
	}
	evt_close(kq);
}

EVT_TC(before__pending, "KQ-202 KQ-201",
    "What was pending at EV_ADD does not count, not at its delivery either")
{
	int kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	mask(SIG_BLOCK, SIGUSR1);
	send_self(SIGUSR1, 1);
	watch(kq, SIGUSR1);
	evt_none(kq);
	ATF_REQUIRE(pending(SIGUSR1));
	mask(SIG_UNBLOCK, SIGUSR1);
	ATF_REQUIRE_EQ(1, atomic_load(&handled));
	evt_none(kq);
	send_self(SIGUSR1, 1);
	counted(kq, SIGUSR1, 1);
	mask(SIG_BLOCK, SIGUSR1);
	send_self(SIGUSR1, 1);
	counted(kq, SIGUSR1, 1);
	mask(SIG_UNBLOCK, SIGUSR1);
	evt_none(kq);
	evt_close(kq);
}

struct target {
	struct evt_barrier	b;
	int			fd;
	ssize_t			got;
	int			error;
};

/* Waits in read(2), where signals find it. */
static void
read_byte(void *arg)
{
	struct target *t = arg;
	char byte;

	evt_barrier_wait(&t->b);
	t->got = read(t->fd, &byte, 1);
	t->error = t->got == -1 ? errno : 0;
}

EVT_TC(thread__directed, "KQ-203",
    "A signal to one thread is counted, to this one or another")
{
	struct evt_thread thread;
	struct target t;
	struct sigaction sa;
	int kq, p[2];

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	if (!RECORDED_FOR_THREADS)
		atf_tc_skip("macOS does not record signals to threads");
	kq = evt_kq();
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sa.sa_flags = SA_RESTART;
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	(void)signal(SIGUSR2, SIG_IGN);
	watch(kq, SIGUSR1);
	watch(kq, SIGUSR2);
	ATF_REQUIRE_EQ(0, pthread_kill(pthread_self(), SIGUSR1));
	counted(kq, SIGUSR1, 1);

	evt_pipe(p);
	t.fd = p[0];
	evt_barrier_init(&t.b, 2);
	evt_thread_start(&thread, read_byte, &t);
	evt_barrier_wait(&t.b);
	evt_thread_asleep(&thread);
	ATF_REQUIRE_EQ(0, pthread_kill(thread.et_id, SIGUSR1));
	counted(kq, SIGUSR1, 1);
	ATF_REQUIRE_EQ(0, pthread_kill(thread.et_id, SIGUSR2));
	counted(kq, SIGUSR2, 1);
	evt_write(p[1], 1);
	evt_thread_join(&thread);
	/* handled with SA_RESTART, or ignored: the read went on */
	ATF_REQUIRE_EQ_MSG(1, t.got, "%s", strerror(t.error));
	ATF_REQUIRE_EQ(2, atomic_load(&handled));
	evt_barrier_destroy(&t.b);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(queues__count_apart, "KQ-204 KQ-068",
    "Queues count apart, and so do signals of one queue")
{
	struct kevent ev[4];
	int i, kq, kq2;

	kq = evt_kq();
	kq2 = evt_kq();
	(void)signal(SIGUSR1, handler);
	(void)signal(SIGUSR2, SIG_IGN);
	watch(kq, SIGUSR1);
	watch(kq, SIGUSR2);
	watch(kq2, SIGUSR1);
	send_self(SIGUSR1, 2);
	counted(kq2, SIGUSR1, 2);
	send_self(SIGUSR1, 1);
	send_self(SIGUSR2, 4);
	ATF_REQUIRE_EQ(2, evt_get(kq, ev, 4));
	EVT_APPROX(ev[0].ident == SIGUSR1, "signals have no common order");
	i = ev[0].ident != SIGUSR1;
	ATF_REQUIRE_EQ(SIGUSR1, ev[i].ident);
	ATF_REQUIRE_EQ(3, ev[i].data);
	ATF_REQUIRE_EQ(SIGUSR2, ev[!i].ident);
	ATF_REQUIRE_EQ(4, ev[!i].data);
	evt_none(kq);
	counted(kq2, SIGUSR1, 1);
	/* one queue goes, the other counts on */
	evt_close(kq);
	evt_settle();
	send_self(SIGUSR1, 2);
	counted(kq2, SIGUSR1, 2);
	ATF_REQUIRE_EQ(5, atomic_load(&handled));
	evt_close(kq2);
}

EVT_TC(child__signals_are_its_own, "KQ-205",
    "What is sent to a child is not counted, and its dispositions work")
{
	struct evt_child c;
	int i, kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	(void)signal(SIGUSR2, SIG_IGN);
	watch(kq, SIGUSR1);
	watch(kq, SIGUSR2);
	evt_child_start(&c, evt_child_obey);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(0, kill(c.ec_pid, SIGUSR1));
		ATF_REQUIRE_EQ(0, kill(c.ec_pid, SIGUSR2));
	}
	ATF_REQUIRE(!evt_readable(kq, EVT_QUIET_MS));
	evt_none(kq);
	evt_child_tell(&c, 3);
	ATF_REQUIRE_EQ(3 << 8, evt_reap(c.ec_pid));
	evt_none(kq);
	evt_child_drop(&c);
	send_self(SIGUSR1, 1);
	counted(kq, SIGUSR1, 1);
	evt_close(kq);
}

EVT_TC(number__impossible, "KQ-206",
    "Numbers that are no signal are refused, or accepted and silent")
{
	static const intptr_t bad[] = { 0, -1, 4096, 1 << 20 };
	int error, i, kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, handler);
	for (i = 0; i < EVT_NITEMS(bad); i++) {
		error = evt_change_errno(kq, bad[i], EVFILT_SIGNAL, EV_ADD, 0,
		    0, NULL);
		if (!evt_native())
			ATF_REQUIRE_EQ_MSG(EINVAL, error, "%jd",
			    (intmax_t)bad[i]);
		ATF_REQUIRE(error == 0 || error == EINVAL);
	}
#if UINTPTR_MAX > 0xffffffffU
	error = evt_change_errno(kq, (uintptr_t)SIGUSR1 | (uintptr_t)1 << 32,
	    EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	if (!evt_native())
		ATF_REQUIRE_EQ(EINVAL, error);
#endif
	send_self(SIGUSR1, 1);
	evt_none(kq);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, count__restarts_at_each_look);
	EVT_TP_ADD_TC(tp, count__from_another_process);
	EVT_TP_ADD_TC(tp, count__five_to_self);
	EVT_TP_ADD_TC(tp, count__five_in_a_burst);
	EVT_TP_ADD_TC(tp, count__realtime);
	EVT_TP_ADD_TC(tp, count__goes_on_while_disabled);
	EVT_TP_ADD_TC(tp, count__oneshot);
	EVT_TP_ADD_TC(tp, ignored__told);
	EVT_TP_ADD_TC(tp, ignored__sigpipe);
	EVT_TP_ADD_TC(tp, ignored__sigchld);
	EVT_TP_ADD_TC(tp, default__ignored);
	EVT_TP_ADD_TC(tp, default__sigchld);
	EVT_TP_ADD_TC(tp, blocked__told_and_still_pending);
	EVT_TP_ADD_TC(tp, blocked__delivered_before_the_look);
	EVT_TP_ADD_TC(tp, blocked__deadly_default);
	EVT_TP_ADD_TC(tp, blocked__ignored);
	EVT_TP_ADD_TC(tp, blocked__in_one_thread_only);
	EVT_TP_ADD_TC(tp, before__not_counted);
	EVT_TP_ADD_TC(tp, before__pending);
	EVT_TP_ADD_TC(tp, thread__directed);
	EVT_TP_ADD_TC(tp, queues__count_apart);
	EVT_TP_ADD_TC(tp, child__signals_are_its_own);
	EVT_TP_ADD_TC(tp, number__impossible);
	return (atf_no_error());
}
