/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * The life of a queue's descriptor: made, duplicated, closed, its number
 * reused; and what other system calls say about it.
 *
 * More queues than EVT_TAGS are made where an implementation could take one
 * queue for another because both share a short identification.
 */
#include "config.h"

#include "evt.h"

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#define EVT_TAGS	130

/* A queue with one triggered EV_CLEAR user event of that ident. */
static int
kq_with_event(uintptr_t ident)
{
	int kq = evt_kq();

	evt_change(kq, ident, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_change(kq, ident, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	return (kq);
}

static void
expect_user(int kq, uintptr_t ident)
{
	struct kevent ev;

	evt_one(kq, &ev);
	EVT_EVENT(&ev, ident, EVFILT_USER, EV_CLEAR, 0, 0);
}

/* No call through this number may reach a queue. */
static void
expect_no_queue(int fd)
{
	struct kevent ev;
	struct timespec zero = { 0, 0 };

	errno = 0;
	ATF_REQUIRE(kevent(fd, NULL, 0, &ev, 1, &zero) == -1);
	ATF_REQUIRE_MSG(errno == EBADF || (evt_native() && errno == EINVAL),
	    "errno %d", errno);
	EV_SET(&ev, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	errno = 0;
	ATF_REQUIRE(kevent(fd, &ev, 1, NULL, 0, NULL) == -1);
	ATF_REQUIRE_MSG(errno == EBADF || (evt_native() && errno == EINVAL),
	    "errno %d", errno);
	errno = 0;
	ATF_REQUIRE(kevent(fd, &ev, 1, &ev, 1, &zero) == -1);
	ATF_REQUIRE(errno == EBADF || (evt_native() && errno == EINVAL));
	errno = 0;
	ATF_REQUIRE(kevent(fd, NULL, 0, NULL, 0, NULL) == -1);
	ATF_REQUIRE(errno == EBADF || (evt_native() && errno == EINVAL));
}

EVT_TC(kqueue__new_queue_is_empty, "KQ-001",
    "kqueue() returns a new descriptor whose poll finds nothing")
{
	struct kevent ev[1];
	struct timespec zero = { 0, 0 };
	int kq, other;

	kq = kqueue();
	ATF_REQUIRE(kq >= 0);
	ATF_REQUIRE(fcntl(kq, F_GETFD) != -1);
	ATF_REQUIRE_EQ(kevent(kq, NULL, 0, ev, 1, &zero), 0);
	other = kqueue();
	ATF_REQUIRE(other >= 0);
	ATF_REQUIRE(other != kq);
	ATF_REQUIRE_EQ(kevent(other, NULL, 0, ev, 1, &zero), 0);
	evt_close(other);
	ATF_REQUIRE_EQ(kevent(kq, NULL, 0, ev, 1, &zero), 0);
	evt_close(kq);
}

/* Fills the descriptor table below its lowered limit. */
struct full {
	struct rlimit	fu_old;
	int		fu_fds[256];
	int		fu_count;
};

static void
table_fill(struct full *fu)
{
	struct rlimit rl;
	int fd;

	ATF_REQUIRE(getrlimit(RLIMIT_NOFILE, &fu->fu_old) == 0);
	rl = fu->fu_old;
	rl.rlim_cur = 128;
	ATF_REQUIRE(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	fu->fu_count = 0;
	while ((fd = dup(STDERR_FILENO)) != -1) {
		ATF_REQUIRE(fu->fu_count < 256);
		fu->fu_fds[fu->fu_count++] = fd;
	}
	ATF_REQUIRE_EQ(errno, EMFILE);
}

static void
table_free_one(struct full *fu)
{
	ATF_REQUIRE(fu->fu_count > 0);
	evt_close(fu->fu_fds[--fu->fu_count]);
}

/* How many numbers are free? */
static int
table_room(void)
{
	int fds[256], i, n;

	for (n = 0; n < 256; n++)
		if ((fds[n] = dup(STDERR_FILENO)) == -1)
			break;
	for (i = 0; i < n; i++)
		evt_close(fds[i]);
	return (n);
}

static void
table_release(struct full *fu)
{
	while (fu->fu_count > 0)
		table_free_one(fu);
	ATF_REQUIRE(setrlimit(RLIMIT_NOFILE, &fu->fu_old) == 0);
}

EVT_TC(kqueue__full_table_emfile, "KQ-002",
    "Without a free number kqueue() fails with EMFILE and keeps nothing")
{
	struct full fu;
	int i, kq, room;

	table_fill(&fu);
	for (i = 0; i < 20; i++) {
		errno = 0;
		ATF_REQUIRE(kqueue() == -1);
		ATF_REQUIRE_EQ(errno, EMFILE);
	}
	/* However many it wants, a refusal gives back what it took. */
	for (room = 1, kq = -1; room <= 8; room++) {
		table_free_one(&fu);
		errno = 0;
		if ((kq = kqueue()) != -1)
			break;
		ATF_REQUIRE_EQ(errno, EMFILE);
		ATF_REQUIRE_EQ(table_room(), room);
	}
	ATF_REQUIRE(kq != -1);
	evt_change(kq, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	evt_close(kq);
	ATF_REQUIRE((kq = kqueue()) != -1);
	evt_close(kq);
	table_release(&fu);
}

EVT_TC(kqueue__full_table_later, "KQ-002",
    "A queue made before the table was full takes changes or says EMFILE")
{
	struct full fu;
	struct kevent ev;
	int error, kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	evt_write(p[1], 3);
	table_fill(&fu);
	error = evt_change_errno(kq, 1, EVFILT_TIMER, EV_ADD, 0, 10, NULL);
	ATF_REQUIRE_MSG(error == 0 || error == EMFILE, "timer: %d", error);
	if (error != 0)
		ATF_REQUIRE_EQ(evt_change_errno(kq, 1, EVFILT_TIMER, EV_DELETE,
		    0, 0, NULL), ENOENT);
	else
		evt_change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	error = evt_change_errno(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE_MSG(error == 0 || error == EMFILE, "read: %d", error);
	table_release(&fu);

	/* Afterwards all of it works. */
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, p[0], EVFILT_READ, 0, 0, 3);
	evt_change(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 10, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_TIMER, EV_ONESHOT, 0, 1);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

#if !defined(__APPLE__) && !defined(__DragonFly__)
EVT_TC(kqueue1__close_on_exec, "KQ-003",
    "kqueue1() sets close-on-exec when asked and refuses stray bits")
{
	struct kevent ev;
	int kq;

	ATF_REQUIRE((kq = kqueue1(O_CLOEXEC)) != -1);
	ATF_REQUIRE((fcntl(kq, F_GETFD) & FD_CLOEXEC) != 0);
	ATF_REQUIRE_EQ(evt_poll(kq, &ev, 1), 0);
	evt_change(kq, 1, EVFILT_USER, EV_ADD, NOTE_FFNOP, 0, NULL);
	evt_close(kq);
	ATF_REQUIRE((kq = kqueue1(0)) != -1);
	ATF_REQUIRE((fcntl(kq, F_GETFD) & FD_CLOEXEC) == 0);
	evt_close(kq);
	errno = 0;
	ATF_REQUIRE(kqueue1(O_APPEND) == -1);
	ATF_REQUIRE_EQ(errno, EINVAL);
	errno = 0;
	ATF_REQUIRE(kqueue1(O_CLOEXEC | O_APPEND) == -1);
	ATF_REQUIRE_EQ(errno, EINVAL);
	errno = 0;
	ATF_REQUIRE(kqueue1(-1) == -1);
	ATF_REQUIRE_EQ(errno, EINVAL);
}
#endif

#ifdef KQUEUE_CLOEXEC
EVT_TC(kqueuex__close_on_exec, "KQ-003",
    "kqueuex() sets close-on-exec when asked and refuses stray bits")
{
	static const unsigned int bad[] = { 0x4, 0x80000000U, 0x5, O_CLOEXEC,
	    ~0U };
	struct kevent ev;
	int i, kq;

	ATF_REQUIRE((kq = kqueuex(KQUEUE_CLOEXEC)) != -1);
	ATF_REQUIRE((fcntl(kq, F_GETFD) & FD_CLOEXEC) != 0);
	ATF_REQUIRE_EQ(evt_poll(kq, &ev, 1), 0);
	evt_close(kq);
	ATF_REQUIRE((kq = kqueuex(0)) != -1);
	ATF_REQUIRE((fcntl(kq, F_GETFD) & FD_CLOEXEC) == 0);
	evt_close(kq);
	for (i = 0; i < EVT_NITEMS(bad); i++) {
		errno = 0;
		ATF_REQUIRE(kqueuex(bad[i]) == -1);
		ATF_REQUIRE_EQ(errno, EINVAL);
	}
}
#endif

#ifdef KQUEUE_CPONFORK
EVT_TC(kqueuex__copy_on_fork_refused, "KQ-010",
    "KQUEUE_CPONFORK is refused with EINVAL where it cannot be had")
{
	if (evt_native())
		atf_tc_skip("this system's own queue can copy itself");
	errno = 0;
	ATF_REQUIRE(kqueuex(KQUEUE_CPONFORK) == -1);
	ATF_REQUIRE_EQ(errno, EINVAL);
	errno = 0;
	ATF_REQUIRE(kqueuex(KQUEUE_CPONFORK | KQUEUE_CLOEXEC) == -1);
	ATF_REQUIRE_EQ(errno, EINVAL);
}
#endif

EVT_TC(close__queue_is_gone, "KQ-005",
    "After close() the number is EBADF and a new queue on it is empty")
{
	struct kevent ev;
	int again, kq, p[2];

	evt_pipe(p);
	kq = kq_with_event(1);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 5, NULL);
	evt_write(p[1], 1);
	evt_close(kq);
	expect_no_queue(kq);

	again = evt_kq();
	ATF_REQUIRE_EQ(again, kq);
	ATF_REQUIRE(!evt_readable(again, 0));
	evt_none(again);
	ATF_REQUIRE_EQ(evt_change_errno(again, 1, EVFILT_USER, 0, NOTE_TRIGGER,
	    0, NULL), ENOENT);
	ATF_REQUIRE_EQ(evt_change_errno(again, p[0], EVFILT_READ, EV_DELETE, 0,
	    0, NULL), ENOENT);
	ATF_REQUIRE_EQ(evt_change_errno(again, 1, EVFILT_TIMER, EV_DELETE, 0,
	    0, NULL), ENOENT);
	evt_change(again, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_one(again, &ev);
	EVT_EVENT(&ev, p[0], EVFILT_READ, 0, 0, 1);
	evt_close(again);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(close__number_reused_by_a_file, "KQ-005",
    "A closed queue's number that names a pipe now is left alone")
{
	struct kevent ev;
	char c;
	int i, kq, other, p[2];

	/* Every kind of inner object must be given up by the old queue only. */
	kq = kq_with_event(1);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 5, NULL);
	evt_change(kq, SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	evt_close(kq);
	evt_pipe(p);
	ATF_REQUIRE(p[0] == kq || dup2(p[0], kq) == kq);
	expect_no_queue(kq);
	for (i = 0; i < 3; i++) {
		other = kq_with_event(2);
		expect_user(other, 2);
		evt_close(other);
	}
	expect_no_queue(kq);
	(void)raise(SIGURG);
	ATF_REQUIRE(!evt_readable(kq, 10));
	evt_write(p[1], 1);
	ATF_REQUIRE(evt_readable(kq, 0));
	ATF_REQUIRE_EQ(read(kq, &c, 1), 1);
	other = evt_kq();
	evt_change(other, kq, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_write(p[1], 2);
	evt_one(other, &ev);
	EVT_EVENT(&ev, kq, EVFILT_READ, 0, 0, 2);
	evt_close(other);
	if (p[0] != kq)
		evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(close__many_in_turn, "KQ-005",
    "Queues made and closed in turn share a number and no event")
{
	int i, kq;

	for (i = 0; i < 300; i++) {
		kq = kq_with_event((uintptr_t)i);
		expect_user(kq, (uintptr_t)i);
		if (i % 2 == 0)
			evt_change(kq, i, EVFILT_USER, 0, NOTE_TRIGGER, 0,
			    NULL);
		if (i % 3 == 0)
			evt_change(kq, i, EVFILT_TIMER, EV_ADD, 0, 1, NULL);
		evt_close(kq);
	}
	kq = evt_kq();
	evt_none(kq);
	evt_close(kq);
}

/* The two lowest numbers that are free now. */
static void
free_numbers(int *lowest)
{
	int i;

	for (i = 0; i < 2; i++)
		ATF_REQUIRE((lowest[i] = dup(STDIN_FILENO)) != -1);
	for (i = 0; i < 2; i++)
		evt_close(lowest[i]);
}

EVT_TC(close__leaves_no_descriptor, "KQ-005",
    "What a closed queue had open goes, if only others are changed")
{
	int before[2], i, kq, lowest[2], other;

	other = evt_kq();
	free_numbers(before);
	kq = kq_with_event(1);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 3600000, NULL);
	evt_close(kq);
	for (i = 0; i < 10000; i++)
		evt_change(other, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	free_numbers(lowest);
	ATF_REQUIRE_EQ(before[0], lowest[0]);
	ATF_REQUIRE_EQ(before[1], lowest[1]);
	evt_close(other);
}

EVT_TC(dup__names_the_same_queue, "KQ-006",
    "What is registered through one number comes through the other")
{
	struct kevent ev;
	int kq, kq2, kq3, p[2];

	evt_pipe(p);
	kq = evt_kq();
	kq2 = dup(kq);
	ATF_REQUIRE(kq2 != -1);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_write(p[1], 1);
	evt_one(kq2, &ev);
	EVT_EVENT(&ev, p[0], EVFILT_READ, EV_CLEAR, 0, 1);
	ATF_REQUIRE_EQ(evt_poll(kq, &ev, 1), 0);
	evt_change(kq2, 7, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_change(kq2, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	ATF_REQUIRE(evt_readable(kq, 0));
	ATF_REQUIRE(evt_readable(kq2, 0));
	expect_user(kq, 7);
	ATF_REQUIRE_EQ(evt_poll(kq2, &ev, 1), 0);
	kq3 = fcntl(kq2, F_DUPFD, 100);
	ATF_REQUIRE(kq3 >= 100);
	evt_change(kq3, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	expect_user(kq2, 7);
	evt_change(kq3, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	ATF_REQUIRE_EQ(evt_change_errno(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	evt_close(kq3);
	evt_close(kq2);
	evt_change(kq, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	expect_user(kq, 7);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(dup__outlives_the_first_number, "KQ-006",
    "A duplicate not used before keeps the queue when its number closes")
{
	struct kevent ev[4];
	int dir, i, kq, kq2, n, other, p[2], seen;

	evt_pipe(p);
	ATF_REQUIRE((dir = open(".", O_RDONLY)) != -1);
	kq = kq_with_event(1);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1, NULL);
	evt_change(kq, dir, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_WRITE, 0,
	    NULL);
	ATF_REQUIRE((kq2 = dup(kq)) != -1);
	evt_close(kq);

	/* This is when an implementation looks for queues that have died. */
	evt_settle();
	other = evt_kq();
	ATF_REQUIRE_EQ(other, kq);
	evt_none(other);
	evt_write(p[1], 4);
	for (seen = i = 0; seen != 7 && i < 10; i++) {
		n = evt_get(kq2, ev, 4);
		ATF_REQUIRE(n > 0);
		while (n-- > 0)
			seen |= ev[n].filter == EVFILT_USER ? 1 :
			    ev[n].filter == EVFILT_READ ? 2 :
			    ev[n].filter == EVFILT_TIMER ? 4 : 8;
	}
	ATF_REQUIRE_EQ(seen, 7);
	ATF_REQUIRE(close(creat("made", 0600)) == 0);
	evt_one(kq2, &ev[0]);
	EVT_EVENT(&ev[0], dir, EVFILT_VNODE, EV_CLEAR, NOTE_WRITE, 0);
	evt_none(other);

	/* And back onto the first number. */
	ATF_REQUIRE(dup2(kq2, kq) == kq);
	evt_close(kq2);
	evt_settle();
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	expect_user(kq, 1);
	evt_close(kq);
	expect_no_queue(kq);
	expect_no_queue(kq2);
	evt_close(dir);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* A duplicate among many descriptors, beyond many numbers that are closed. */
static int
dup_far(int kq, int *between)
{
	int copy;

	ATF_REQUIRE((*between = fcntl(kq, F_DUPFD, 200)) != -1);
	ATF_REQUIRE(dup2(STDIN_FILENO, *between) == *between);
	ATF_REQUIRE((copy = fcntl(kq, F_DUPFD, 400)) != -1);
	return (copy);
}

EVT_TC(dup__far_away, "KQ-006",
    "A duplicate with a high number is found, however few are open")
{
	int between[2], copy, i, kq, other;

	kq = kq_with_event(1);
	copy = dup_far(kq, &between[0]);
	evt_close(kq);
	evt_settle();
	other = evt_kq();
	ATF_REQUIRE_EQ(other, kq);
	expect_user(copy, 1);

	/* Nor is it lost by a queue that is changed again and again. */
	evt_close(other);
	kq = kq_with_event(2);
	evt_close(copy);
	copy = dup_far(kq, &between[1]);
	other = evt_kq();
	ATF_REQUIRE(dup2(other, kq) == kq);
	for (i = 0; i < 10000; i++)
		evt_change(other, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE(dup2(copy, other) == other);
	evt_change(other, 3, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_close(other);
	expect_user(copy, 2);
	evt_change(copy, 3, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	expect_user(copy, 3);
	evt_none(kq);
	evt_close(kq);
	evt_close(copy);
	evt_close(between[0]);
	evt_close(between[1]);
}

EVT_TC(dup__of_many_queues, "KQ-006",
    "Each duplicate of many queues finds its own, in any order of closing")
{
	int dups[EVT_TAGS], i, kqs[EVT_TAGS];

	for (i = 0; i < EVT_TAGS; i++)
		kqs[i] = kq_with_event((uintptr_t)i);
	for (i = 0; i < EVT_TAGS; i++)
		ATF_REQUIRE((dups[i] = dup(kqs[i])) != -1);
	for (i = EVT_TAGS - 1; i >= 0; i--)
		expect_user(dups[i], (uintptr_t)i);
	for (i = 0; i < EVT_TAGS; i++)
		evt_change(kqs[i], i, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	for (i = 0; i < EVT_TAGS; i += 2)
		evt_close(kqs[i]);
	evt_settle();
	for (i = 0; i < EVT_TAGS; i++)
		expect_user(dups[i], (uintptr_t)i);
	for (i = 1; i < EVT_TAGS; i += 2)
		evt_close(dups[i]);
	evt_settle();
	for (i = 1; i < EVT_TAGS; i += 2) {
		evt_change(kqs[i], i, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
		expect_user(kqs[i], (uintptr_t)i);
		expect_no_queue(dups[i]);
		evt_close(kqs[i]);
	}
	for (i = 0; i < EVT_TAGS; i += 2)
		evt_close(dups[i]);
}

static void
wait_user_7(void *arg)
{
	expect_user(*(int *)arg, 7);
}

/* Where the system lists descriptors by process, none are listed now. */
static void *
without_main(void *arg)
{
	struct kevent ev;
	int copy, kq;

	if (pthread_join(*(pthread_t *)arg, NULL) != 0)
		_exit(2);
	while (access("/proc/self/fd/0", F_OK) == 0)
		(void)sched_yield();
	kq = kq_with_event(1);
	if ((copy = dup(kq)) == -1 || close(kq) == -1 || kqueue() == -1)
		_exit(3);
	_exit(evt_poll(copy, &ev, 1) == 1 && ev.ident == 1 ? 0 : 4);
}

static int
end_main(void *arg)
{
	static pthread_t main_thread;
	pthread_t thread;

	(void)arg;
	main_thread = pthread_self();
	if (pthread_create(&thread, NULL, without_main, &main_thread) != 0)
		return (1);
	pthread_exit(NULL);
}

EVT_TC(dup__main_thread_has_ended, "KQ-006",
    "A duplicate is found though the process has lost its main thread")
{
	evt_skip_tsan("ThreadSanitizer lets nobody join the main thread");
	ATF_REQUIRE_EQ(0, evt_in_child(end_main, NULL));
}

EVT_TC(dup__wakes_a_waiter, "KQ-006 KQ-235",
    "A trigger through a duplicate wakes a wait on the first number")
{
	struct evt_thread t;
	int kq, kq2;

	kq = evt_kq();
	evt_change(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	ATF_REQUIRE((kq2 = dup(kq)) != -1);
	evt_thread_start(&t, wait_user_7, &kq);
	evt_thread_asleep(&t);
	evt_change(kq2, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	evt_thread_join(&t);
	evt_close(kq);
	evt_thread_start(&t, wait_user_7, &kq2);
	evt_thread_asleep(&t);
	evt_change(kq2, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	evt_thread_join(&t);
	evt_close(kq2);
}

EVT_TC(dup2__over_another_queue, "KQ-272",
    "After dup2() the number acts on the second queue only")
{
	struct kevent ev;
	int kq1, kq2, p[2];

	evt_pipe(p);
	kq1 = kq_with_event(1);
	evt_change(kq1, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq1, 1, EVFILT_TIMER, EV_ADD, 0, 1, NULL);
	evt_write(p[1], 1);
	kq2 = kq_with_event(2);
	ATF_REQUIRE(dup2(kq2, kq1) == kq1);
	expect_user(kq1, 2);
	evt_none(kq1);
	evt_none(kq2);
	ATF_REQUIRE_EQ(evt_change_errno(kq1, 1, EVFILT_USER, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	ATF_REQUIRE_EQ(evt_change_errno(kq1, p[0], EVFILT_READ, EV_DELETE, 0,
	    0, NULL), ENOENT);
	evt_change(kq1, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_one(kq2, &ev);
	EVT_EVENT(&ev, p[0], EVFILT_READ, 0, 0, 1);
	evt_close(kq2);
	evt_one(kq1, &ev);
	evt_close(kq1);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(dup2__over_each_of_many_queues, "KQ-272",
    "dup2() between any two of many queues, both kept alive by others")
{
	int back[EVT_TAGS], i, j, kqs[EVT_TAGS], step;

	for (i = 0; i < EVT_TAGS; i++) {
		kqs[i] = kq_with_event((uintptr_t)i);
		expect_user(kqs[i], (uintptr_t)i);
		ATF_REQUIRE((back[i] = dup(kqs[i])) != -1);
	}
	/* 63 and its neighbours are near the sizes of likely tables. */
	for (step = 1; step < EVT_TAGS; step = step == 1 ? 31 : step + 1)
		for (i = 0; i < EVT_TAGS; i += 7) {
			j = (i + step) % EVT_TAGS;
			evt_change(back[i], i, EVFILT_USER, 0, NOTE_TRIGGER, 0,
			    NULL);
			ATF_REQUIRE(dup2(back[j], kqs[i]) == kqs[i]);
			ATF_REQUIRE_EQ(evt_change_errno(kqs[i], i, EVFILT_USER,
			    0, NOTE_TRIGGER, 0, NULL), ENOENT);
			evt_change(kqs[i], j, EVFILT_USER, 0, NOTE_TRIGGER, 0,
			    NULL);
			expect_user(kqs[i], (uintptr_t)j);
			expect_user(back[i], (uintptr_t)i);
			ATF_REQUIRE(dup2(back[i], kqs[i]) == kqs[i]);
		}
	for (i = 0; i < EVT_TAGS; i++) {
		evt_close(back[i]);
		evt_close(kqs[i]);
	}
}

EVT_TC(dup2__pipe_over_a_queue, "KQ-005 KQ-272",
    "A queue's number that dup2() gave to a pipe is no queue")
{
	struct kevent ev;
	int keep, kq, p[2];

	evt_pipe(p);
	kq = kq_with_event(1);
	ATF_REQUIRE((keep = dup(kq)) != -1);
	ATF_REQUIRE(dup2(p[0], kq) == kq);
	expect_no_queue(kq);
	expect_user(keep, 1);
	ATF_REQUIRE(!evt_readable(kq, 0));
	evt_change(keep, kq, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_write(p[1], 2);
	evt_one(keep, &ev);
	EVT_EVENT(&ev, kq, EVFILT_READ, 0, 0, 2);
	evt_close(keep);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* With the portable mechanisms the descriptor is a pipe's read end. */
static bool
is_pipe(void)
{
	return (!evt_native() && strcmp(evt_backend(), "poll") == 0);
}

EVT_TC(read_write__refused, "KQ-012",
    "read() and write() on a queue fail and leave its events alone")
{
	char buf[64] = "";
	int kq;

	kq = kq_with_event(1);
	errno = 0;
	if (read(kq, buf, sizeof(buf)) != -1) {
		EVT_APPROX(false, "read() takes a byte from the descriptor");
		ATF_REQUIRE(is_pipe());
	} else
		ATF_REQUIRE_MSG(errno == ENXIO || errno == EINVAL ||
		    errno == EOPNOTSUPP, "errno %d", errno);
	errno = 0;
	ATF_REQUIRE(write(kq, buf, sizeof(buf)) == -1);
	ATF_REQUIRE_MSG(errno == ENXIO || errno == EINVAL ||
	    errno == EOPNOTSUPP || (is_pipe() && errno == EBADF), "errno %d",
	    errno);
	expect_user(kq, 1);
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	expect_user(kq, 1);
	evt_close(kq);
}

EVT_TC(fstat__succeeds, "KQ-013",
    "fstat() of a queue succeeds")
{
	struct stat st;
	int kq;

	kq = kq_with_event(1);
	ATF_REQUIRE(fstat(kq, &st) == 0);
	EVT_APPROX(S_ISFIFO(st.st_mode), "a queue has no type of its own");
	ATF_REQUIRE(!S_ISREG(st.st_mode) || st.st_size == 0);
	expect_user(kq, 1);
	evt_close(kq);
}

EVT_TC(ioctl__async_refused, "KQ-014",
    "FIOASYNC is refused with ENOTTY, or taken where the system has SIGIO")
{
	int kq, one = 1;

	kq = kq_with_event(1);
	errno = 0;
	if (ioctl(kq, FIOASYNC, &one) == 0)
		ATF_REQUIRE(evt_native() || is_pipe());
	else
		ATF_REQUIRE_MSG(errno == ENOTTY, "errno %d", errno);
	one = 0;
	(void)ioctl(kq, FIOASYNC, &one);
	expect_user(kq, 1);
	evt_close(kq);
}

EVT_TC(ioctl__of_terminals_refused, "KQ-015",
    "An ioctl that means nothing to a queue fails with ENOTTY or EINVAL")
{
	struct winsize ws;
	int kq;

	kq = kq_with_event(1);
	errno = 0;
	ATF_REQUIRE(ioctl(kq, TIOCGWINSZ, &ws) == -1);
	ATF_REQUIRE_MSG(errno == ENOTTY || errno == EINVAL, "errno %d", errno);
	expect_user(kq, 1);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, kqueue__new_queue_is_empty);
	EVT_TP_ADD_TC(tp, kqueue__full_table_emfile);
	EVT_TP_ADD_TC(tp, kqueue__full_table_later);
#if !defined(__APPLE__) && !defined(__DragonFly__)
	EVT_TP_ADD_TC(tp, kqueue1__close_on_exec);
#endif
#ifdef KQUEUE_CLOEXEC
	EVT_TP_ADD_TC(tp, kqueuex__close_on_exec);
#endif
#ifdef KQUEUE_CPONFORK
	EVT_TP_ADD_TC(tp, kqueuex__copy_on_fork_refused);
#endif
	EVT_TP_ADD_TC(tp, close__queue_is_gone);
	EVT_TP_ADD_TC(tp, close__number_reused_by_a_file);
	EVT_TP_ADD_TC(tp, close__many_in_turn);
	EVT_TP_ADD_TC(tp, close__leaves_no_descriptor);
	EVT_TP_ADD_TC(tp, dup__names_the_same_queue);
	EVT_TP_ADD_TC(tp, dup__outlives_the_first_number);
	EVT_TP_ADD_TC(tp, dup__far_away);
	EVT_TP_ADD_TC(tp, dup__of_many_queues);
	EVT_TP_ADD_TC(tp, dup__main_thread_has_ended);
	EVT_TP_ADD_TC(tp, dup__wakes_a_waiter);
	EVT_TP_ADD_TC(tp, dup2__over_another_queue);
	EVT_TP_ADD_TC(tp, dup2__over_each_of_many_queues);
	EVT_TP_ADD_TC(tp, dup2__pipe_over_a_queue);
	EVT_TP_ADD_TC(tp, read_write__refused);
	EVT_TP_ADD_TC(tp, fstat__succeeds);
	EVT_TP_ADD_TC(tp, ioctl__async_refused);
	EVT_TP_ADD_TC(tp, ioctl__of_terminals_refused);
	return (atf_no_error());
}
