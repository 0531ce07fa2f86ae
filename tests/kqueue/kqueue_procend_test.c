/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_PROC, the end of processes under hard conditions: threads, children
 * that are reaped early or leave nothing to reap, many at once, knotes that
 * are disabled or did not ask.
 */
#include "config.h"

#include "evt_child.h"

#include <sys/resource.h>

#ifdef __linux__
#include <poll.h>
#endif

static void
watch(int kq, pid_t pid, unsigned int flags, unsigned int notes)
{
	evt_change(kq, pid, EVFILT_PROC, EV_ADD | flags, notes, 0, NULL);
}

static int orders, answers;

/* The thread that is left: tells when it is alone, then obeys. */
static void *
last_thread(void *arg)
{
	pthread_t *first = arg;

	(void)pthread_join(*first, NULL);
	evt_child_answer(answers, "a", 1);
	_exit(evt_child_order(orders));
}

static int
lose_the_first_thread(int in, int out)
{
	static pthread_t first;
	pthread_t t;

	orders = in;
	answers = out;
	first = pthread_self();
	if (pthread_create(&t, NULL, last_thread, &first) != 0)
		return (98);
	pthread_exit(NULL);
}

static void *
short_thread(void *arg)
{
	return (arg);
}

/* Makes and ends a thread at each order but the last. */
static int
make_threads(int in, int out)
{
	pthread_t t;
	int order;

	while ((order = evt_child_order(in)) == 100) {
		if (pthread_create(&t, NULL, short_thread, NULL) != 0 ||
		    pthread_join(t, NULL) != 0)
			return (98);
		evt_child_answer(out, "a", 1);
	}
	return (order);
}

/* Waits until /proc shows the first thread as ended, where there is one. */
static void
await_leader(pid_t pid)
{
#ifdef __linux__
	char buf[256], path[64], *s;
	int64_t end;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%jd/stat", (intmax_t)pid);
	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	while (evt_now_ns() < end && (fd = open(path, O_RDONLY)) != -1) {
		n = read(fd, buf, sizeof(buf) - 1);
		evt_close(fd);
		buf[n > 0 ? n : 0] = '\0';
		if ((s = strrchr(buf, ')')) != NULL && s[2] == 'Z')
			return;
		(void)poll(NULL, 0, 1);
	}
	atf_tc_fail("the first thread does not end");
#else
	(void)pid;
#endif
}

EVT_TC(threads__do_not_count, "KQ-182",
    "A thread that ends is not the end of the process")
{
	struct evt_child c;
	char byte;
	int i, kq;

	kq = evt_kq();
	evt_child_start(&c, make_threads);
	watch(kq, c.ec_pid, 0, EVT_EXIT);
	for (i = 0; i < 3; i++) {
		evt_child_tell(&c, 100);
		evt_child_hear(&c, &byte, 1);
	}
	evt_none(kq);
	evt_child_tell(&c, 2);
	evt_one_end(kq, c.ec_pid, 2 << 8);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	evt_close(kq);
}

EVT_TC(threads__first_one_ends, "KQ-182 KQ-179",
    "A process whose first thread ended lives, and can still be registered")
{
	struct evt_child c;
	char byte;
	int kq, kq2;

	evt_skip_tsan(EVT_TSAN_FORKED);
	kq = evt_kq();
	kq2 = evt_kq();
	evt_child_start(&c, lose_the_first_thread);
	watch(kq, c.ec_pid, 0, EVT_EXIT);
	evt_child_hear(&c, &byte, 1);
	await_leader(c.ec_pid);
	evt_none(kq);
	/* it is no zombie: a knote without NOTE_EXIT is fine */
	watch(kq2, c.ec_pid, 0, 0);
	evt_change(kq2, c.ec_pid, EVFILT_PROC, EV_DELETE, 0, 0, NULL);
	watch(kq2, c.ec_pid, 0, EVT_EXIT);
	evt_none(kq2);
	evt_child_tell(&c, 3);
	evt_one_end(kq, c.ec_pid, 3 << 8);
	evt_one_end(kq2, c.ec_pid, 3 << 8);
	ATF_REQUIRE_EQ(3 << 8, evt_reap(c.ec_pid));
	evt_child_drop(&c);
	evt_close(kq2);
	evt_close(kq);
}

/* Ends a child that leaves no zombie; its end must be told. */
static void
vanish(int kq)
{
	struct evt_child c;
	int status;
	bool told;

	told = evt_status_is_told();
	evt_child_start(&c, evt_child_obey);
	watch(kq, c.ec_pid, 0, EVT_EXIT);
	evt_child_tell(&c, 7);
	evt_one_end_if(kq, c.ec_pid, 7 << 8, told);
	/* and the program's wish not to wait is still in force */
	ATF_REQUIRE_EQ(-1, waitpid(c.ec_pid, &status, 0));
	ATF_REQUIRE_EQ(ECHILD, errno);
	evt_child_drop(&c);
}

EVT_TC(vanished__sigchld_ignored, "KQ-183",
    "With SIGCHLD ignored no zombie is left, but the end is told")
{
	int kq;

	kq = evt_kq();
	(void)signal(SIGCHLD, SIG_IGN);
	vanish(kq);
	vanish(kq);
	evt_close(kq);
}

EVT_TC(vanished__nocldwait, "KQ-183",
    "With SA_NOCLDWAIT no zombie is left, but the end is told")
{
	struct sigaction sa;
	int kq;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	sa.sa_flags = SA_NOCLDWAIT;
	ATF_REQUIRE_EQ(0, sigaction(SIGCHLD, &sa, NULL));
	kq = evt_kq();
	vanish(kq);
	evt_close(kq);
}

static atomic_int caught;

static void
reap_all(int signo)
{
	int saved = errno;

	(void)signo;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		atomic_fetch_add(&caught, 1);
	errno = saved;
}

EVT_TC(vanished__reaped_by_a_handler, "KQ-267 KQ-183",
    "A SIGCHLD handler that reaps everything does not take the event")
{
	struct evt_child c;
	struct sigaction sa;
	int kq;
	bool told;

	told = evt_status_is_told();
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = reap_all;
	sa.sa_flags = SA_RESTART;
	ATF_REQUIRE_EQ(0, sigaction(SIGCHLD, &sa, NULL));
	kq = evt_kq();
	evt_child_start(&c, evt_child_obey);
	watch(kq, c.ec_pid, 0, EVT_EXIT);
	evt_child_tell(&c, 7);
	evt_one_end_if(kq, c.ec_pid, 7 << 8, told);
	ATF_REQUIRE_EQ(1, atomic_load(&caught));
	evt_child_drop(&c);
	evt_close(kq);
}

EVT_TC(reaped_first__still_told, "KQ-267",
    "waitpid() before the collection: the event comes, with the status")
{
	struct evt_child c;
	int i, kq;
	bool told;

	told = evt_status_is_told();
	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		evt_child_start(&c, evt_child_obey);
		watch(kq, c.ec_pid, 0, EVT_EXIT);
		if (i == 1)
			evt_none(kq);
		evt_child_tell(&c, 7);
		ATF_REQUIRE_EQ(7 << 8, evt_reap(c.ec_pid));
		evt_one_end_if(kq, c.ec_pid, 7 << 8, told);
		evt_child_drop(&c);
	}
	evt_close(kq);
}

EVT_TC(unasked__end_of_the_knote, "KQ-184",
    "Who did not ask for the end is told EV_EOF, and has no knote any more")
{
	struct evt_child c;
	struct kevent ev;
	int kq, n;

	kq = evt_kq();
	evt_child_start(&c, evt_child_obey);
	watch(kq, c.ec_pid, 0, 0);
	evt_child_tell(&c, 1);
	n = evt_get(kq, &ev, 1);
	if (!evt_native())
		ATF_REQUIRE_EQ(1, n);
	if (n == 1) {
		ATF_REQUIRE_EQ((uintptr_t)c.ec_pid, ev.ident);
		ATF_REQUIRE((ev.flags & EV_EOF) != 0);
		ATF_REQUIRE_EQ(0, ev.fflags & NOTE_EXIT);
	}
	evt_none(kq);
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, c.ec_pid, EVFILT_PROC,
	    EV_DELETE, 0, 0, NULL));
	ATF_REQUIRE_EQ(1 << 8, evt_reap(c.ec_pid));
	evt_child_drop(&c);

	/* it asked, then changed its mind */
	evt_child_start(&c, evt_child_obey);
	watch(kq, c.ec_pid, 0, EVT_EXIT);
	watch(kq, c.ec_pid, 0, 0);
	evt_child_tell(&c, 1);
	n = evt_get(kq, &ev, 1);
	if (!evt_native())
		ATF_REQUIRE_EQ(1, n);
	if (n == 1) {
		ATF_REQUIRE((ev.flags & EV_EOF) != 0);
		ATF_REQUIRE_EQ(0, ev.fflags & NOTE_EXIT);
	}
	evt_none(kq);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	evt_close(kq);
}

EVT_TC(disabled__told_after_enable, "KQ-185 KQ-085",
    "An end while the knote is disabled comes out after the enable")
{
	struct evt_child c;
	int i, kq;

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		evt_child_start(&c, evt_child_obey);
		watch(kq, c.ec_pid, i == 0 ? EV_DISABLE : 0, EVT_EXIT);
		if (i == 1)
			evt_change(kq, c.ec_pid, EVFILT_PROC, EV_DISABLE,
			    EVT_EXIT, 0, NULL);
		evt_child_tell(&c, 7);
		evt_await_zombie(c.ec_pid);
		evt_none(kq);
		ATF_REQUIRE(!evt_readable(kq, 0));
		evt_change(kq, c.ec_pid, EVFILT_PROC, EV_ENABLE, EVT_EXIT, 0,
		    NULL);
		evt_one_end(kq, c.ec_pid, 7 << 8);
		(void)evt_reap(c.ec_pid);
		evt_child_drop(&c);
	}
	evt_close(kq);
}

EVT_TC(disabled__queued_before, "KQ-185 KQ-082",
    "An end that waits in the queue is held back by a disable, then told")
{
	struct evt_child c;
	int kq;

	kq = evt_kq();
	evt_child_start(&c, evt_child_obey);
	watch(kq, c.ec_pid, 0, EVT_EXIT);
	evt_child_tell(&c, 7);
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	evt_change(kq, c.ec_pid, EVFILT_PROC, EV_DISABLE, EVT_EXIT, 0, NULL);
	evt_none(kq);
	ATF_REQUIRE_EQ(7 << 8, evt_reap(c.ec_pid));
	evt_change(kq, c.ec_pid, EVFILT_PROC, EV_ENABLE, EVT_EXIT, 0, NULL);
	evt_one_end_if(kq, c.ec_pid, 7 << 8, evt_status_is_told());
	evt_child_drop(&c);
	evt_close(kq);
}

#define MANY	20

/* Starts MANY children that wait for the end of one pipe; its other end. */
static int
start_many(int kq, pid_t *pids)
{
	int i, p[2];

	evt_pipe(p);
	for (i = 0; i < MANY; i++) {
		ATF_REQUIRE((pids[i] = fork()) != -1);
		if (pids[i] == 0) {
			char byte;

			(void)close(p[1]);
			(void)alarm(20);
			(void)read(p[0], &byte, 1);
			_exit(i);
		}
		evt_change(kq, pids[i], EVFILT_PROC, EV_ADD, EVT_EXIT, 0,
		    &pids[i]);
	}
	evt_close(p[0]);
	return (p[1]);
}

/* Takes MANY ends, room at a time. */
static void
take_many(int kq, pid_t *pids, int room, bool told)
{
	struct kevent ev[MANY + 1];
	bool seen[MANY] = { false };
	int i, j, n, status, sum;

	for (sum = 0; sum < MANY; sum += n) {
		ATF_REQUIRE_MSG((n = evt_get(kq, ev, room)) > 0,
		    "%d ends of %d", sum, MANY);
		for (i = 0; i < n; i++) {
			j = (int)((pid_t *)ev[i].udata - pids);
			ATF_REQUIRE(j >= 0 && j < MANY && !seen[j]);
			seen[j] = true;
			status = evt_ended(&ev[i], pids[j]);
			ATF_REQUIRE_MSG(status == j << 8 ||
			    (!told && status == 0), "status %#x of %d",
			    status, j);
		}
	}
	ATF_REQUIRE_EQ(MANY, sum);
	evt_none(kq);
}

EVT_TC(many__at_once, "KQ-194 KQ-262",
    "Twenty ends at one moment are twenty events, also three at a time")
{
	static const int rooms[] = { MANY + 1, 3 };
	pid_t pids[MANY];
	int end, i, j, kq;

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(rooms); i++) {
		end = start_many(kq, pids);
		evt_none(kq);
		evt_close(end);
		for (j = 0; j < MANY; j++)
			evt_await_zombie(pids[j]);
		take_many(kq, pids, rooms[i], true);
		for (j = 0; j < MANY; j++)
			ATF_REQUIRE_EQ(j << 8, evt_reap(pids[j]));
	}
	evt_close(kq);
}

EVT_TC(many__reaped_at_once, "KQ-194 KQ-267",
    "Twenty ends are told although all were reaped before the look")
{
	pid_t pids[MANY];
	int end, i, kq;
	bool told;

	told = evt_status_is_told();
	kq = evt_kq();
	end = start_many(kq, pids);
	evt_close(end);
	for (i = 0; i < MANY; i++)
		ATF_REQUIRE_EQ(i << 8, evt_reap(pids[i]));
	take_many(kq, pids, MANY + 1, told);
	evt_close(kq);
}

EVT_TC(add__no_number_left, "KQ-259",
    "A registration that finds no descriptor fails whole, and works later")
{
	struct evt_child c;
	struct rlimit few, old;
	int error, kq, lowest;

	kq = evt_kq();
	evt_child_start(&c, evt_child_obey);
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	few = old;
	ATF_REQUIRE((lowest = dup(kq)) != -1);
	evt_close(lowest);
	few.rlim_cur = (rlim_t)lowest;
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	error = evt_change_errno(kq, c.ec_pid, EVFILT_PROC, EV_ADD, EVT_EXIT,
	    0, NULL);
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	if (error != 0) {
		ATF_REQUIRE_MSG(error == EMFILE || error == ENOMEM, "%s",
		    strerror(error));
		ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, c.ec_pid,
		    EVFILT_PROC, EV_DELETE, 0, 0, NULL));
		watch(kq, c.ec_pid, 0, EVT_EXIT);
	}
	evt_child_tell(&c, 1);
	evt_one_end(kq, c.ec_pid, 1 << 8);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, threads__do_not_count);
	EVT_TP_ADD_TC(tp, threads__first_one_ends);
	EVT_TP_ADD_TC(tp, vanished__sigchld_ignored);
	EVT_TP_ADD_TC(tp, vanished__nocldwait);
	EVT_TP_ADD_TC(tp, vanished__reaped_by_a_handler);
	EVT_TP_ADD_TC(tp, reaped_first__still_told);
	EVT_TP_ADD_TC(tp, unasked__end_of_the_knote);
	EVT_TP_ADD_TC(tp, disabled__told_after_enable);
	EVT_TP_ADD_TC(tp, disabled__queued_before);
	EVT_TP_ADD_TC(tp, many__at_once);
	EVT_TP_ADD_TC(tp, many__reaped_at_once);
	EVT_TP_ADD_TC(tp, add__no_number_left);
	return (atf_no_error());
}
