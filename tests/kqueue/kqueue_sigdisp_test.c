/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_SIGNAL only looks on: handlers run as the program asked, defaults
 * take place, mask and pending set are the program's, and what it sets later
 * holds.  The only trace is that sigaction(2) may show a handler of the
 * library's while a signal is watched.
 */
#include "config.h"

#include "evt_child.h"

#include <sys/time.h>

#include <poll.h>

static atomic_int handled;
static atomic_int handled2;

static void
handler(int signo)
{
	(void)signo;
	atomic_fetch_add(&handled, 1);
}

static void
handler2(int signo)
{
	(void)signo;
	atomic_fetch_add(&handled2, 1);
}

static void
set_handler(int signo, void (*fn)(int), int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = fn;
	sa.sa_flags = flags;
	ATF_REQUIRE_EQ(0, sigaction(signo, &sa, NULL));
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
counted(int kq, int signo, int times)
{
	struct kevent ev;

	evt_one(kq, &ev);
	EVT_EVENT(&ev, signo, EVFILT_SIGNAL, 0, 0, times);
	evt_none(kq);
}

static void
send_self(int signo)
{
	ATF_REQUIRE_EQ(0, kill(getpid(), signo));
}

/* What a handler found out about its call. */
static struct {
	siginfo_t	info;
	sigset_t	mask;
	bool		onstack;
	bool		again;		/* raise the signal once more */
	int		depth;
	int		deepest;
} seen;
static char *altstack;
static size_t altsize;

static void
look_around(int signo, siginfo_t *info, void *context)
{
	char here;

	if (context == NULL)
		_exit(1);
	atomic_fetch_add(&handled, 1);
	seen.info = *info;
	(void)pthread_sigmask(SIG_SETMASK, NULL, &seen.mask);
	seen.onstack = altstack != NULL && &here >= altstack &&
	    &here < altstack + altsize;
	if (++seen.depth > seen.deepest)
		seen.deepest = seen.depth;
	if (seen.again) {
		seen.again = false;
		(void)raise(signo);	/* nests only with SA_NODEFER */
	}
	seen.depth--;
}

EVT_TC(handler__as_it_asked_to_be_called, "KQ-198",
    "siginfo, mask, stack and nesting of a handler are what it asked for")
{
	struct sigaction sa;
	stack_t ss;
	int kq;

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	kq = evt_kq();
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = look_around;
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaddset(&sa.sa_mask, SIGUSR2);
	sa.sa_flags = SA_SIGINFO;
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	watch(kq, SIGUSR1);
	seen.again = true;
	send_self(SIGUSR1);
	counted(kq, SIGUSR1, 2);
	ATF_REQUIRE_EQ(2, atomic_load(&handled));
	ATF_REQUIRE_EQ(1, seen.deepest);
	ATF_REQUIRE_EQ(SIGUSR1, seen.info.si_signo);
	ATF_REQUIRE_EQ(getpid(), seen.info.si_pid);
	ATF_REQUIRE_EQ(getuid(), seen.info.si_uid);
	ATF_REQUIRE_EQ(1, sigismember(&seen.mask, SIGUSR1));
	ATF_REQUIRE_EQ(1, sigismember(&seen.mask, SIGUSR2));
	ATF_REQUIRE_EQ(0, sigismember(&seen.mask, SIGHUP));

	/* set while it is watched: other mask, nesting, other stack */
	altsize = 65536;
	ATF_REQUIRE((altstack = malloc(altsize)) != NULL);
	memset(&ss, 0, sizeof(ss));
	ss.ss_sp = altstack;
	ss.ss_size = altsize;
	ATF_REQUIRE_EQ(0, sigaltstack(&ss, NULL));
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaddset(&sa.sa_mask, SIGHUP);
	sa.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	evt_none(kq);
	seen.deepest = 0;
	seen.again = true;
	send_self(SIGUSR1);
	counted(kq, SIGUSR1, 2);
	ATF_REQUIRE_EQ(4, atomic_load(&handled));
	ATF_REQUIRE_EQ(2, seen.deepest);
	ATF_REQUIRE(seen.onstack);
	ATF_REQUIRE_EQ(0, sigismember(&seen.mask, SIGUSR1));
	ATF_REQUIRE_EQ(0, sigismember(&seen.mask, SIGUSR2));
	ATF_REQUIRE_EQ(1, sigismember(&seen.mask, SIGHUP));
	evt_close(kq);
	ss.ss_flags = SS_DISABLE;
	(void)sigaltstack(&ss, NULL);
	free(altstack);
}

#ifndef __APPLE__
#ifndef __OpenBSD__
static void
keep_info(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	seen.info = *info;
	atomic_fetch_add(&handled, 1);
}
#define HAVE_VALUES	1
#endif
#endif

EVT_TC(handler__value_of_sigqueue, "KQ-198",
    "The value sent with sigqueue() reaches the handler")
{
#ifdef HAVE_VALUES
	struct sigaction sa;
	union sigval value;
	int kq;

	kq = evt_kq();
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = keep_info;
	sa.sa_flags = SA_SIGINFO;
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	watch(kq, SIGUSR1);
	value.sival_ptr = &kq;
	ATF_REQUIRE_EQ(0, sigqueue(getpid(), SIGUSR1, value));
	counted(kq, SIGUSR1, 1);
	ATF_REQUIRE_EQ(1, atomic_load(&handled));
	ATF_REQUIRE_EQ(SI_QUEUE, seen.info.si_code);
	ATF_REQUIRE_EQ(&kq, seen.info.si_value.sival_ptr);
	evt_close(kq);
#else
	atf_tc_skip("this system has no sigqueue");
#endif
}

/* In a child: the second signal must find the default and end it. */
static int
reset_after_first(void *arg)
{
	struct kevent ev;
	int kq;

	(void)arg;
	if ((kq = kqueue()) == -1)
		return (1);
	set_handler(SIGUSR1, handler, (int)SA_RESETHAND);
	EV_SET(&ev, SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	if (kevent(kq, &ev, 1, NULL, 0, NULL) == -1)
		return (2);
	(void)kill(getpid(), SIGUSR1);
	if (atomic_load(&handled) != 1)
		return (3);
	if (evt_kevent_ms(kq, NULL, 0, &ev, 1, EVT_WAIT_MS) != 1 ||
	    ev.data != 1)
		return (4);
	(void)kill(getpid(), SIGUSR1);
	return (5);
}

/* How a child ended that runs fn. */
static int
status_of(int (*fn)(void *), void *arg)
{
	pid_t pid;

	(void)fflush(stdout);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)alarm(20);
		_exit(fn(arg));
	}
	return (evt_reap(pid));
}

EVT_TC(handler__resets_itself, "KQ-198 KQ-269",
    "With SA_RESETHAND the handler runs once and the default is back")
{
	int status;

	status = status_of(reset_after_first, NULL);
	ATF_REQUIRE_MSG(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1,
	    "status %#x", status);
}

static int feed_fd;

static void
feed_third(int signo)
{
	(void)signo;
	if (atomic_fetch_add(&handled, 1) == 2 && write(feed_fd, "x", 1) != 1)
		_exit(1);
}

EVT_TC(handler__restart, "KQ-198",
    "SA_RESTART of the handler, or its absence, is what read(2) goes by")
{
	struct itimerval off, often;
	struct kevent ev;
	ssize_t n;
	char byte;
	int kq, p[2];

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	kq = evt_kq();
	evt_pipe(p);
	feed_fd = p[1];
	memset(&off, 0, sizeof(off));
	often = off;
	often.it_interval.tv_usec = often.it_value.tv_usec = 5000;

	set_handler(SIGALRM, feed_third, SA_RESTART);
	watch(kq, SIGALRM);
	ATF_REQUIRE_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	n = read(p[0], &byte, 1);
	ATF_REQUIRE_EQ(0, setitimer(ITIMER_REAL, &off, NULL));
	ATF_REQUIRE_EQ_MSG(1, n, "%s", strerror(errno));
	ATF_REQUIRE(atomic_load(&handled) >= 3);

	set_handler(SIGALRM, handler, 0);
	(void)evt_poll(kq, &ev, 1);
	ATF_REQUIRE_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	n = read(p[0], &byte, 1);
	ATF_REQUIRE_EQ(-1, n);
	ATF_REQUIRE_EQ(EINTR, errno);
	ATF_REQUIRE_EQ(0, setitimer(ITIMER_REAL, &off, NULL));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(ignored__errno_is_left_alone, "KQ-199",
    "A watched signal that is ignored changes no errno of the program")
{
	int kq;

	kq = evt_kq();
	(void)signal(SIGUSR1, SIG_IGN);
	watch(kq, SIGUSR1);
	errno = EXDEV;
	(void)raise(SIGUSR1);
	ATF_REQUIRE_EQ(EXDEV, errno);
	counted(kq, SIGUSR1, 1);
	evt_close(kq);
}

struct sleeper {
	struct evt_barrier	b;
	int			n;
};

static void
sleep_in_poll(void *arg)
{
	struct sleeper *s = arg;

	evt_barrier_wait(&s->b);
	s->n = poll(NULL, 0, 2 * EVT_QUIET_MS);
}

/* In a program that it executes, is the signal still ignored? */
static int
exec_ignores(void *arg)
{
	(void)arg;
	(void)execl("/bin/sh", "sh", "-c", "kill -USR1 $$; exit 7",
	    (char *)NULL);
	return (99);
}

EVT_TC(ignored__side_effects, "KQ-199",
    "Where ignoring is imitated by a handler the rest shows through")
{
	struct evt_thread t;
	struct sleeper s;
	struct sigaction sa;
	int kq, status;

	kq = evt_kq();
	(void)signal(SIGUSR1, SIG_IGN);
	watch(kq, SIGUSR1);
	evt_barrier_init(&s.b, 2);
	evt_thread_start(&t, sleep_in_poll, &s);
	evt_barrier_wait(&s.b);
	evt_thread_asleep(&t);
	ATF_REQUIRE_EQ(0, pthread_kill(t.et_id, SIGUSR1));
	evt_thread_join(&t);
	evt_barrier_destroy(&s.b);
	EVT_APPROX(s.n == 0, "poll(2) of the program ends with EINTR");
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, NULL, &sa));
	EVT_APPROX(sa.sa_handler == SIG_IGN, "sigaction shows our handler");
	status = status_of(exec_ignores, NULL);
	ATF_REQUIRE_MSG((WIFEXITED(status) && WEXITSTATUS(status) == 7) ||
	    (WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1),
	    "status %#x", status);
	EVT_APPROX(WIFEXITED(status), "an executed program has SIG_DFL for "
	    "a signal that was watched and ignored");
	counted(kq, SIGUSR1, 1);
	evt_close(kq);
}

EVT_TC(later__handler, "KQ-268 KQ-198",
    "A handler set after EV_ADD runs, and the signal is told")
{
	int kq;

	kq = evt_kq();
	watch(kq, SIGUSR1);
	set_handler(SIGUSR1, handler, 0);
	evt_none(kq);
	send_self(SIGUSR1);
	ATF_REQUIRE_EQ(1, atomic_load(&handled));
	counted(kq, SIGUSR1, 1);
	/* and another after it, which alone runs then */
	set_handler(SIGUSR1, handler2, 0);
	evt_none(kq);
	send_self(SIGUSR1);
	counted(kq, SIGUSR1, 1);
	ATF_REQUIRE_EQ(1, atomic_load(&handled));
	ATF_REQUIRE_EQ(1, atomic_load(&handled2));
	/* and back */
	set_handler(SIGUSR1, handler, 0);
	evt_none(kq);
	send_self(SIGUSR1);
	counted(kq, SIGUSR1, 1);
	ATF_REQUIRE_EQ(2, atomic_load(&handled));
	ATF_REQUIRE_EQ(1, atomic_load(&handled2));
	evt_close(kq);
}

EVT_TC(later__ignored, "KQ-268 KQ-199",
    "SIG_IGN set after EV_ADD, as libevent does, hides nothing")
{
	int i, kq;

	kq = evt_kq();
	watch(kq, SIGUSR1);
	watch(kq, SIGURG);
	for (i = 0; i < 2; i++) {
		(void)signal(SIGUSR1, SIG_IGN);
		(void)signal(SIGURG, SIG_IGN);
		evt_none(kq);
		send_self(SIGUSR1);
		counted(kq, SIGUSR1, 1);
		send_self(SIGURG);
		counted(kq, SIGURG, 1);
	}
	evt_close(kq);
}

/* The library stands before sigaction(2) and signal(3) where it can. */
#if defined(EVANY_DISPOSITION) || !defined(EVANY_KQUEUE_EMULATED)
#define AT_ONCE(check)	check
#else
#define AT_ONCE(check)	EVT_APPROX(false, "seen by the next kevent()")
#endif

EVT_TC(later__before_the_next_call, "KQ-268 KQ-199",
    "A signal that comes right after SIG_IGN was set is told")
{
	struct sigaction sa;
	int kq;

	kq = evt_kq();
	watch(kq, SIGUSR1);
	watch(kq, SIGUSR2);
	(void)signal(SIGUSR1, SIG_IGN);
	send_self(SIGUSR1);
	AT_ONCE(counted(kq, SIGUSR1, 1));
	set_handler(SIGUSR2, SIG_IGN, 0);
	send_self(SIGUSR2);
	AT_ONCE(counted(kq, SIGUSR2, 1));
	set_handler(SIGUSR1, handler, SA_RESTART);
	send_self(SIGUSR1);
	ATF_REQUIRE_EQ(1, atomic_load(&handled));
	AT_ONCE(counted(kq, SIGUSR1, 1));
	unwatch(kq, SIGUSR1);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, NULL, &sa));
	ATF_REQUIRE(sa.sa_handler == handler);
	evt_close(kq);
}

EVT_TC(later__between_calls_of_a_loop, "KQ-268",
    "Each call of a loop asks for the disposition anew")
{
	struct kevent ev;
	int i, kq;

	kq = evt_kq();
	set_handler(SIGUSR1, handler, 0);
	watch(kq, SIGUSR1);
	for (i = 0; i < 6; i++) {
		if (i % 3 == 0)
			(void)signal(SIGUSR1, SIG_IGN);
		else
			set_handler(SIGUSR1, i % 3 == 1 ? handler : handler2,
			    SA_RESTART);
		ATF_REQUIRE_EQ(0, evt_poll(kq, &ev, 1));
		send_self(SIGUSR1);
		ATF_REQUIRE_EQ(1, evt_poll(kq, &ev, 1));
		ATF_REQUIRE_EQ_MSG(1, ev.data, "{%s}", evt_text(&ev));
	}
	ATF_REQUIRE_EQ(2, atomic_load(&handled));
	ATF_REQUIRE_EQ(2, atomic_load(&handled2));
	evt_close(kq);
}

/* The calls that neither wait nor collect. */
static const struct {
	unsigned	flags;
	unsigned	fflags;
	int		changes;
	int		room;
} short_calls[] = {
	{ 0, 0, 0, 0 },
	{ EV_ADD | EV_DISABLE, 0, 1, 0 },
	{ EV_ADD | EV_DISABLE | EV_RECEIPT, 0, 1, 1 },
	{ 0, NOTE_TRIGGER, 1, 0 },
	{ EV_RECEIPT, NOTE_TRIGGER, 1, 1 },
	{ EV_ADD | EV_DISABLE | EV_RECEIPT, 0, 1, 0 }
};

EVT_TC(later__calls_that_do_not_wait, "KQ-268",
    "Calls without room for events, receipts and triggers ask as well")
{
	struct kevent ev, out;
	int i, kq, n;

	kq = evt_kq();
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_DISABLE, 0, 0, NULL);
	set_handler(SIGUSR1, handler, 0);
	watch(kq, SIGUSR1);
	for (i = 0; i < EVT_NITEMS(short_calls); i++) {
		set_handler(SIGUSR1, i % 2 == 0 ? handler2 : handler, 0);
		EV_SET(&ev, 1, EVFILT_USER, short_calls[i].flags,
		    short_calls[i].fflags, 0, NULL);
		n = evt_kevent(kq, &ev, short_calls[i].changes, &out,
		    short_calls[i].room, NULL);
		ATF_REQUIRE_EQ_MSG(short_calls[i].room, n, "call %d: %d", i,
		    n);
		send_self(SIGUSR1);
		counted(kq, SIGUSR1, 1);
	}
	ATF_REQUIRE_EQ(i / 2, atomic_load(&handled));
	ATF_REQUIRE_EQ(i / 2, atomic_load(&handled2));
	evt_close(kq);
}

/* In a child: dies by the signal, by default or set back to it. */
static int
die_watched(void *arg)
{
	const int *how = arg;
	struct kevent ev;
	int kq;

	if ((kq = kqueue()) == -1)
		return (1);
	(void)signal(how[0], how[1] == 1 ? handler : SIG_DFL);
	EV_SET(&ev, (uintptr_t)how[0], EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	if (kevent(kq, &ev, 1, NULL, 0, NULL) == -1)
		return (2);
	if (how[1] == 1) {
		(void)signal(how[0], SIG_DFL);
		(void)evt_kevent_ms(kq, NULL, 0, &ev, 1, 0);
	}
	(void)kill(getpid(), how[0]);
	return (3);
}

EVT_TC(deadly__still_deadly, "KQ-269 KQ-268",
    "A watched signal by default ends the process with that signal")
{
	static const int signals[] = { SIGTERM, SIGUSR1, SIGHUP, SIGINT,
	    SIGPIPE, SIGALRM };
	int how[2], i, status;

	for (i = 0; i < 2 * EVT_NITEMS(signals); i++) {
		how[0] = signals[i / 2];
		how[1] = i % 2;
		status = status_of(die_watched, how);
		ATF_REQUIRE_MSG(WIFSIGNALED(status) &&
		    WTERMSIG(status) == how[0], "signal %d: status %#x",
		    how[0], status);
	}
}

/* In a group of its own, whose leader's parent is elsewhere: it can stop. */
static int
stop_watched(void *arg)
{
	struct kevent ev;
	int kq;

	(void)arg;
	(void)setpgid(0, 0);
	if ((kq = kqueue()) == -1)
		return (1);
	(void)signal(SIGTSTP, SIG_DFL);
	EV_SET(&ev, SIGTSTP, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	if (kevent(kq, &ev, 1, NULL, 0, NULL) == -1)
		return (2);
	(void)kill(getpid(), SIGTSTP);
	return (9);
}

EVT_TC(deadly__stops_stop, "KQ-269",
    "A watched stop signal by default stops the process")
{
	pid_t pid;
	int status;

	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)alarm(20);
		_exit(stop_watched(NULL));
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ATF_REQUIRE_MSG(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP,
	    "status %#x", status);
	ATF_REQUIRE_EQ(0, kill(pid, SIGCONT));
	ATF_REQUIRE_EQ(9 << 8, evt_reap(pid));
}

/* The program's own disposition, whole. */
static void
same_disposition(int signo, const struct sigaction *want)
{
	struct sigaction now;
	int i;

	ATF_REQUIRE_EQ(0, sigaction(signo, NULL, &now));
	ATF_REQUIRE_EQ(want->sa_flags & SA_SIGINFO,
	    now.sa_flags & SA_SIGINFO);
	ATF_REQUIRE(want->sa_handler == now.sa_handler);
	ATF_REQUIRE_EQ(want->sa_flags & (SA_RESTART | SA_NODEFER |
	    SA_ONSTACK | SA_NOCLDSTOP | SA_NOCLDWAIT | (int)SA_RESETHAND),
	    now.sa_flags & (SA_RESTART | SA_NODEFER | SA_ONSTACK |
	    SA_NOCLDSTOP | SA_NOCLDWAIT | (int)SA_RESETHAND));
	for (i = 1; i < 32; i++)
		ATF_REQUIRE_EQ(sigismember(&want->sa_mask, i),
		    sigismember(&now.sa_mask, i));
}

EVT_TC(given_back__on_delete, "KQ-270",
    "After EV_DELETE sigaction() shows the program's own, whole")
{
	static const int flags[] = { 0, SA_RESTART | SA_NODEFER,
	    SA_ONSTACK | (int)SA_RESETHAND };
	struct sigaction sa;
	int i, kq, kq2;

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	kq = evt_kq();
	kq2 = evt_kq();
	for (i = 0; i < EVT_NITEMS(flags); i++) {
		memset(&sa, 0, sizeof(sa));
		(void)sigemptyset(&sa.sa_mask);
		(void)sigaddset(&sa.sa_mask, SIGHUP);
		sa.sa_handler = handler;
		sa.sa_flags = flags[i];
		ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
		watch(kq, SIGUSR1);
		watch(kq2, SIGUSR1);
		unwatch(kq, SIGUSR1);
		unwatch(kq2, SIGUSR1);
		same_disposition(SIGUSR1, &sa);
	}
	sa.sa_handler = SIG_IGN;
	sa.sa_flags = SA_RESTART;
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	watch(kq, SIGUSR1);
	unwatch(kq, SIGUSR1);
	same_disposition(SIGUSR1, &sa);
	sa.sa_handler = SIG_DFL;
	sa.sa_flags = SA_NOCLDSTOP;
	ATF_REQUIRE_EQ(0, sigaction(SIGCHLD, &sa, NULL));
	watch(kq, SIGCHLD);
	unwatch(kq, SIGCHLD);
	same_disposition(SIGCHLD, &sa);
	evt_close(kq2);
	evt_close(kq);
}

EVT_TC(given_back__on_close, "KQ-270 KQ-005",
    "After close() of the queue and the next call the program's own is back")
{
	struct sigaction sa;
	struct kevent ev;
	int kq, other;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sa.sa_flags = SA_RESTART;
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	kq = evt_kq();
	watch(kq, SIGUSR1);
	evt_close(kq);
	other = evt_kq();
	same_disposition(SIGUSR1, &sa);
	evt_close(other);
	/* a one-shot event ends the knote too */
	kq = evt_kq();
	evt_change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD | EV_ONESHOT, 0, 0,
	    NULL);
	send_self(SIGUSR1);
	evt_one(kq, &ev);
	same_disposition(SIGUSR1, &sa);
	evt_close(kq);
}

EVT_TC(given_back__not_over_a_newer_one, "KQ-270 KQ-268",
    "A disposition that the program set meanwhile is not undone")
{
	struct sigaction sa;
	int kq;

	kq = evt_kq();
	set_handler(SIGUSR1, handler, 0);
	watch(kq, SIGUSR1);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler2;
	sa.sa_flags = SA_NODEFER;
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	unwatch(kq, SIGUSR1);
	same_disposition(SIGUSR1, &sa);
	/* the same when a call had taken notice of it */
	set_handler(SIGUSR1, handler, 0);
	watch(kq, SIGUSR1);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	evt_none(kq);
	unwatch(kq, SIGUSR1);
	same_disposition(SIGUSR1, &sa);
	evt_close(kq);
}

EVT_TC(untouched__mask_and_pending, "KQ-270",
    "Neither the mask nor what is pending changes, now or in the calls")
{
	sigset_t before, now, set;
	int i, kq;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR2);
	(void)sigaddset(&set, SIGTERM);
	ATF_REQUIRE_EQ(0, pthread_sigmask(SIG_SETMASK, &set, &before));
	set_handler(SIGUSR1, handler, 0);
	send_self(SIGUSR2);
	kq = evt_kq();
	watch(kq, SIGUSR1);
	watch(kq, SIGUSR2);
	evt_none(kq);
	send_self(SIGUSR1);
	send_self(SIGTERM);
	counted(kq, SIGUSR1, 1);
	unwatch(kq, SIGUSR2);
	unwatch(kq, SIGUSR1);
	evt_close(kq);
	evt_settle();
	ATF_REQUIRE_EQ(0, pthread_sigmask(SIG_SETMASK, NULL, &now));
	for (i = 1; i < 32; i++)
		ATF_REQUIRE_EQ_MSG(sigismember(&set, i),
		    sigismember(&now, i), "signal %d", i);
	ATF_REQUIRE_EQ(0, sigpending(&now));
	for (i = 1; i < 32; i++)
		ATF_REQUIRE_EQ_MSG(sigismember(&set, i),
		    sigismember(&now, i), "signal %d", i);
	/* taken, so that restoring the mask is harmless */
	(void)signal(SIGUSR2, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	ATF_REQUIRE_EQ(0, pthread_sigmask(SIG_SETMASK, &before, NULL));
}

struct waiter {
	int	kq;
	int	ms;
	int	n;
	int	error;
	int64_t	took;
};

static void
wait_once(void *arg)
{
	struct waiter *w = arg;
	struct kevent ev;

	w->took = evt_now_ns();
	w->n = evt_kevent_ms(w->kq, NULL, 0, &ev, 1, w->ms);
	w->error = w->n == -1 ? errno : 0;
	w->took = evt_now_ns() - w->took;
}

EVT_TC(wait__ended_by_the_event, "KQ-056 KQ-199",
    "A signal that is watched ends the wait with its event")
{
	struct evt_thread t;
	struct waiter w;

	w.kq = evt_kq();
	w.ms = EVT_WAIT_MS;
	(void)signal(SIGUSR1, SIG_IGN);
	watch(w.kq, SIGUSR1);
	evt_thread_start(&t, wait_once, &w);
	evt_thread_asleep(&t);
	send_self(SIGUSR1);
	evt_thread_join(&t);
	ATF_REQUIRE_EQ_MSG(1, w.n, "%s", strerror(w.error));
	evt_close(w.kq);
}

EVT_TC(wait__other_queue_sleeps_on, "KQ-055 KQ-199",
    "An ignored signal that one queue watches does not end another's wait")
{
	struct evt_thread t;
	struct waiter w;
	int i, kq;

	kq = evt_kq();
	w.kq = evt_kq();
	w.ms = 2 * EVT_QUIET_MS;
	(void)signal(SIGUSR1, SIG_IGN);
	watch(kq, SIGUSR1);
	evt_thread_start(&t, wait_once, &w);
	evt_thread_asleep(&t);
	for (i = 0; i < 5; i++)
		ATF_REQUIRE_EQ(0, pthread_kill(t.et_id, SIGUSR1));
	evt_thread_join(&t);
	ATF_REQUIRE_EQ_MSG(0, w.n, "%s", strerror(w.error));
	ATF_REQUIRE(w.took >= (int64_t)w.ms * 1000000);
	evt_close(w.kq);
	evt_close(kq);
}

EVT_TC(later__during_a_wait, "KQ-268",
    "SIG_IGN set during a wait in another thread hides nothing from it")
{
	struct evt_thread t;
	struct waiter w;

	w.kq = evt_kq();
	w.ms = EVT_WAIT_MS;
	watch(w.kq, SIGUSR1);
	evt_thread_start(&t, wait_once, &w);
	evt_thread_asleep(&t);
	(void)signal(SIGUSR1, SIG_IGN);
	send_self(SIGUSR1);
	evt_thread_join(&t);
	AT_ONCE(ATF_REQUIRE_EQ_MSG(1, w.n, "%s", strerror(w.error)));
	evt_close(w.kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, handler__as_it_asked_to_be_called);
	EVT_TP_ADD_TC(tp, handler__value_of_sigqueue);
	EVT_TP_ADD_TC(tp, handler__resets_itself);
	EVT_TP_ADD_TC(tp, handler__restart);
	EVT_TP_ADD_TC(tp, ignored__errno_is_left_alone);
	EVT_TP_ADD_TC(tp, ignored__side_effects);
	EVT_TP_ADD_TC(tp, later__handler);
	EVT_TP_ADD_TC(tp, later__ignored);
	EVT_TP_ADD_TC(tp, later__before_the_next_call);
	EVT_TP_ADD_TC(tp, later__during_a_wait);
	EVT_TP_ADD_TC(tp, later__between_calls_of_a_loop);
	EVT_TP_ADD_TC(tp, later__calls_that_do_not_wait);
	EVT_TP_ADD_TC(tp, deadly__still_deadly);
	EVT_TP_ADD_TC(tp, deadly__stops_stop);
	EVT_TP_ADD_TC(tp, given_back__on_delete);
	EVT_TP_ADD_TC(tp, given_back__on_close);
	EVT_TP_ADD_TC(tp, given_back__not_over_a_newer_one);
	EVT_TP_ADD_TC(tp, untouched__mask_and_pending);
	EVT_TP_ADD_TC(tp, wait__ended_by_the_event);
	EVT_TP_ADD_TC(tp, wait__other_queue_sleeps_on);
	return (atf_no_error());
}
