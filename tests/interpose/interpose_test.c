/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * What is exact only with libevany-interpose, which this program is linked
 * with: the queue knows of a close at once.
 */
#include "config.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>


#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "evt.h"

#define NUMBER	150

/* A pipe with bytes in it, read end at NUMBER, watched; the write end. */
static int
watched_pipe(int kq, size_t bytes)
{
	int p[2];

	evt_pipe(p);
	(void)evt_move(p[0], NUMBER);
	evt_change(kq, NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	if (bytes > 0)
		evt_write(p[1], bytes);
	return (p[1]);
}

/* Nothing of the closed number is left, though a duplicate lives. */
static void
ended(int kq)
{
	struct kevent ev;

	ATF_REQUIRE_MSG(!evt_readable(kq, 0), "poll() sees the closed number");
	ATF_REQUIRE_EQ(0, evt_poll(kq, &ev, 1));
}

EVT_TC(close__poll_is_quiet_at_once, "KQ-101 KQ-102",
    "After close() the queue is not readable for a surviving duplicate")
{
	int copy, kq, w;

	kq = evt_kq();
	w = watched_pipe(kq, 3);
	ATF_REQUIRE((copy = dup(NUMBER)) != -1);
	ATF_REQUIRE_EQ(0, close(NUMBER));
	ended(kq);
	evt_close(copy);
	evt_close(w);
	evt_close(kq);
}

EVT_TC(close__address_is_free, "KQ-101",
    "The address of a socket that was closed while it was registered can be "
    "bound at once")
{
	unsigned short port;
	int i, kq, s;

	kq = evt_kq();
	for (i = 0; i < 8; i++) {
		port = 0;
		s = evt_udp(&port);
		evt_change(kq, s, EVFILT_READ, EV_ADD, 0, 0, NULL);
		evt_none(kq);
		evt_close(s);
		evt_close(evt_udp(&port));
	}
	evt_close(kq);
}

EVT_TC(close__reused_number_is_silent, "KQ-103 KQ-105 KQ-248",
    "The next file at the number, with bytes to read too, gives no event")
{
	struct kevent ev;
	int copy, kq, next[2], w;

	kq = evt_kq();
	w = watched_pipe(kq, 3);
	ATF_REQUIRE((copy = dup(NUMBER)) != -1);
	ATF_REQUIRE_EQ(0, close(NUMBER));
	evt_pipe(next);
	(void)evt_move(next[0], NUMBER);
	evt_write(next[1], 5);
	ended(kq);
	evt_change(kq, NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, NUMBER, EVFILT_READ, 0, 0, 5);
	evt_close(NUMBER);
	evt_close(next[1]);
	evt_close(copy);
	evt_close(w);
	evt_close(kq);
}

EVT_TC(dup2__over_the_number, "KQ-104",
    "dup2() and dup3() end the knotes of the number, also for the same file")
{
	int copy, kq, w;

	kq = evt_kq();
	w = watched_pipe(kq, 3);
	ATF_REQUIRE((copy = dup(NUMBER)) != -1);
	ATF_REQUIRE_EQ(NUMBER, dup2(copy, NUMBER));
	ended(kq);
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, NUMBER, EVFILT_READ,
	    EV_DELETE, 0, 0, NULL));
	evt_change(kq, NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE_EQ(NUMBER, dup3(copy, NUMBER, O_CLOEXEC));
	ended(kq);
	evt_close(NUMBER);
	evt_close(copy);
	evt_close(w);
	evt_close(kq);
}

EVT_TC(dup2__that_fails_ends_nothing, "KQ-104",
    "dup2() of a closed descriptor, or of the number itself, changes nothing")
{
	struct kevent ev;
	int kq, w;

	kq = evt_kq();
	w = watched_pipe(kq, 3);
	ATF_REQUIRE_EQ(-1, dup2(NUMBER + 1, NUMBER));
	ATF_REQUIRE_EQ(EBADF, errno);
	ATF_REQUIRE_EQ(NUMBER, dup2(NUMBER, NUMBER));
	evt_one(kq, &ev);
	EVT_EVENT(&ev, NUMBER, EVFILT_READ, 0, 0, 3);
	evt_close(NUMBER);
	evt_close(w);
	evt_close(kq);
}

EVT_TC(others__that_close, "KQ-105",
    "close_range() and fclose() end the knotes too")
{
	int copy, kq, w;
	FILE *file;

	kq = evt_kq();
	w = watched_pipe(kq, 3);
	ATF_REQUIRE((copy = dup(NUMBER)) != -1);
#ifdef HAVE_CLOSE_RANGE
	ATF_REQUIRE_EQ(0, close_range(NUMBER, NUMBER + 9, 0));
#else
	evt_close(NUMBER);
#endif
	ended(kq);
	ATF_REQUIRE_EQ(NUMBER, dup2(copy, NUMBER));
	evt_change(kq, NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE((file = fdopen(NUMBER, "r")) != NULL);
	ATF_REQUIRE_EQ(0, fclose(file));
	ended(kq);
	evt_close(copy);
	evt_close(w);
	evt_close(kq);
}

EVT_TC(fork__child_still_holds_it, "KQ-009 KQ-265",
    "A close in the parent ends the knote while a child has the file open")
{
	int kq, status, w, wait_here[2];
	pid_t pid;
	char c;

	kq = evt_kq();
	w = watched_pipe(kq, 3);
	evt_pipe(wait_here);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)close(wait_here[1]);
		_exit(read(wait_here[0], &c, 1) == 0 ? 0 : 1);
	}
	ATF_REQUIRE_EQ(0, close(NUMBER));
	ended(kq);
	evt_close(wait_here[1]);
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE_EQ(0, status);
	evt_close(wait_here[0]);
	evt_close(w);
	evt_close(kq);
}

EVT_TC(vfork__child_closes_its_own, "KQ-008",
    "What a child of vfork() closes is not closed for the parent")
{
	struct kevent ev;
	int kq, status, w;
	pid_t pid;

	kq = evt_kq();
	w = watched_pipe(kq, 3);
	if ((pid = vfork()) == 0) {
		(void)close(NUMBER);
		_exit(0);
	}
	ATF_REQUIRE(pid != -1);
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	evt_one(kq, &ev);
	EVT_EVENT(&ev, NUMBER, EVFILT_READ, 0, 0, 3);
	ATF_REQUIRE_EQ(0, close(NUMBER));
	ended(kq);
	evt_close(w);
	evt_close(kq);
}

EVT_TC(close__with_many_queues, "KQ-101",
    "However many queues there are, each is told of the close")
{
	enum { N = 100 };
	int copy, i, kq[N], p[2];

	evt_pipe(p);
	(void)evt_move(p[0], NUMBER + N);
	evt_write(p[1], 3);
	ATF_REQUIRE((copy = dup(NUMBER + N)) != -1);
	for (i = 0; i < N; i++) {
		kq[i] = evt_kq();
		evt_change(kq[i], NUMBER + N, EVFILT_READ, EV_ADD, 0, 0, NULL);
		ATF_REQUIRE(evt_readable(kq[i], 0));
	}
	ATF_REQUIRE_EQ(0, close(NUMBER + N));
	for (i = 0; i < N; i++) {
		ended(kq[i]);
		evt_close(kq[i]);
	}
	evt_close(copy);
	evt_close(p[1]);
}

static void
close_in_handler(int sig)
{
	(void)sig;
	(void)close(NUMBER);
}

EVT_TC(close__in_a_signal_handler, "KQ-101",
    "close() in a handler, also of one that interrupts kevent(), never hangs")
{
	struct sigaction sa = { .sa_handler = close_in_handler };
	struct itimerspec its = { { 0, 100000 }, { 0, 100000 } };
	timer_t timer;
	int i, kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	ATF_REQUIRE_EQ(0, sigaction(SIGALRM, &sa, NULL));
	ATF_REQUIRE_EQ(0, timer_create(CLOCK_MONOTONIC, NULL, &timer));
	ATF_REQUIRE_EQ(0, timer_settime(timer, 0, &its, NULL));
	for (i = 0; i < 20000; i++) {
		(void)dup2(p[0], NUMBER);
		(void)evt_change_errno(kq, NUMBER, EVFILT_READ, EV_ADD, 0, 0,
		    NULL);
	}
	ATF_REQUIRE_EQ(0, timer_delete(timer));
	(void)close(NUMBER);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

#if defined(HAVE_CLOSE_RANGE) && defined(HAVE_CLOSEFROM)
EVT_TC(others__high_numbers, "KQ-105",
    "close_range() and closefrom() end the knotes of numbers of any size")
{
	enum { HIGH = 70000 };
	struct rlimit rl;
	int copy, i, kq, p[2];

	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &rl));
	if (rl.rlim_cur < HIGH + 1) {
		rl.rlim_cur = HIGH + 1;
		if (rl.rlim_max < HIGH + 1)
			rl.rlim_max = HIGH + 1;
		if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
			atf_tc_skip("this machine has fewer descriptors");
	}
	kq = evt_kq();
	evt_pipe(p);
	evt_write(p[1], 3);
	ATF_REQUIRE((copy = dup(p[0])) != -1);
	for (i = 0; i < 2; i++) {
		ATF_REQUIRE_EQ(HIGH, dup2(copy, HIGH));
		evt_change(kq, HIGH, EVFILT_READ, EV_ADD, 0, 0, NULL);
		if (i == 0)
			ATF_REQUIRE_EQ(0, close_range(HIGH - 5, UINT_MAX, 0));
		else
			closefrom(HIGH - 5);
		ended(kq);
	}
	evt_close(copy);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}
#endif

EVT_TC(library__stands_before_libc, "",
    "close() is the library's, and answers as the system's does")
{
	void *copy;
	int fd;

	/* The functions come from the library, not from the C library. */
	ATF_REQUIRE((copy = dlopen("libevany-interpose.so.0", RTLD_NOW |
	    RTLD_NOLOAD)) != NULL);
	ATF_REQUIRE(dlsym(copy, "close") == dlsym(RTLD_DEFAULT, "close"));
	ATF_REQUIRE((fd = dup(0)) != -1);
	ATF_REQUIRE_EQ(0, close(fd));
	ATF_REQUIRE_EQ(-1, close(fd));
	ATF_REQUIRE_EQ(EBADF, errno);
	ATF_REQUIRE_EQ(0, dlclose(copy));
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, close__poll_is_quiet_at_once);
	EVT_TP_ADD_TC(tp, close__address_is_free);
	EVT_TP_ADD_TC(tp, close__reused_number_is_silent);
	EVT_TP_ADD_TC(tp, dup2__over_the_number);
	EVT_TP_ADD_TC(tp, dup2__that_fails_ends_nothing);
	EVT_TP_ADD_TC(tp, others__that_close);
	EVT_TP_ADD_TC(tp, fork__child_still_holds_it);
	EVT_TP_ADD_TC(tp, vfork__child_closes_its_own);
	EVT_TP_ADD_TC(tp, close__with_many_queues);
	EVT_TP_ADD_TC(tp, close__in_a_signal_handler);
#if defined(HAVE_CLOSE_RANGE) && defined(HAVE_CLOSEFROM)
	EVT_TP_ADD_TC(tp, others__high_numbers);
#endif
	EVT_TP_ADD_TC(tp, library__stands_before_libc);
	return (atf_no_error());
}
