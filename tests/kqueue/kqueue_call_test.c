/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * The arguments of kevent(): which descriptor, the change list and its order,
 * lists that overlap, lists that are empty, bad pointers.
 */
#include "config.h"

#include "evt.h"

#include <sys/socket.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#endif

/* kevent() on this number fails with EBADF, whatever it is asked. */
static void
expect_ebadf(int fd)
{
	struct kevent ev;
	struct timespec zero = { 0, 0 };

	EV_SET(&ev, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	errno = 0;
	ATF_REQUIRE_MSG(kevent(fd, &ev, 1, NULL, 0, NULL) == -1, "fd %d", fd);
	ATF_REQUIRE_MSG(errno == EBADF || (evt_native() && errno == EINVAL),
	    "fd %d, errno %d", fd, errno);
	errno = 0;
	ATF_REQUIRE_MSG(kevent(fd, NULL, 0, &ev, 1, &zero) == -1, "fd %d", fd);
	ATF_REQUIRE_MSG(errno == EBADF || (evt_native() && errno == EINVAL),
	    "fd %d, errno %d", fd, errno);
	errno = 0;
	ATF_REQUIRE_MSG(kevent(fd, NULL, 0, NULL, 0, NULL) == -1, "fd %d", fd);
	ATF_REQUIRE_MSG(errno == EBADF || (evt_native() && errno == EINVAL),
	    "fd %d, errno %d", fd, errno);

	/* No entry tells it: the call as a whole has failed. */
	EV_SET(&ev, 1, EVFILT_USER, EV_ADD | EV_RECEIPT, 0, 0, NULL);
	errno = 0;
	ATF_REQUIRE_MSG(kevent(fd, &ev, 1, &ev, 1, &zero) == -1, "fd %d", fd);
	ATF_REQUIRE_MSG(errno == EBADF || (evt_native() && errno == EINVAL),
	    "fd %d, errno %d", fd, errno);
}

EVT_TC(kevent__not_a_queue, "KQ-028",
    "kevent() on what is not a queue, or not open, is EBADF")
{
	char path[EVT_PATH_MAX];
	int fd, kq = -1, p[2], round, s[2];

	/* Before there is any queue, beside one, and after it. */
	for (round = 0; round < 3; round++) {
		evt_pipe(p);
		expect_ebadf(p[0]);
		expect_ebadf(p[1]);
		evt_close(p[0]);
		evt_close(p[1]);
		expect_ebadf(p[0]);
		evt_sockpair(s, SOCK_STREAM);
		expect_ebadf(s[0]);
		evt_close(s[0]);
		evt_close(s[1]);
		fd = evt_tmpfile(path);
		expect_ebadf(fd);
		evt_close(fd);
		ATF_REQUIRE((fd = open("/dev/null", O_RDWR)) != -1);
		expect_ebadf(fd);
		evt_close(fd);
		expect_ebadf(-1);
		expect_ebadf(-100);
		expect_ebadf(999999);
		expect_ebadf(0x7fffffff);
		if (round == 0)
			kq = evt_kq();
		else if (round == 1)
			evt_close(kq);
		else
			expect_ebadf(kq);
	}
}

#ifdef __linux__
EVT_TC(kevent__closed_asked_by_nothing, "KQ-028",
    "A change of a user event that changes nothing is EBADF through a closed "
    "number, while a duplicate lives")
{
	struct kevent kev;
	int copy, kq;

	kq = evt_kq();
	evt_change(kq, 7, EVFILT_USER, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE((copy = dup(kq)) != -1);
	EV_SET(&kev, 7, EVFILT_USER, 0, 0, 0, NULL);
	ATF_REQUIRE_EQ(0, kevent(kq, &kev, 1, NULL, 0, NULL));
	evt_close(kq);
	ATF_REQUIRE_EQ(-1, kevent(kq, &kev, 1, NULL, 0, NULL));
	ATF_REQUIRE_EQ(EBADF, errno);
	ATF_REQUIRE_EQ(0, kevent(copy, &kev, 1, NULL, 0, NULL));
	evt_close(copy);
}

EVT_TC(kevent__foreign_poller, "KQ-028",
    "An epoll instance or another kernel object of the program is no queue")
{
	struct epoll_event ee;
	struct itimerspec its;
	int ep, fd, kq, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	kq = evt_kq();
	evt_change(kq, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	ATF_REQUIRE((ep = epoll_create1(0)) != -1);
	expect_ebadf(ep);
	memset(&ee, 0, sizeof(ee));
	ee.events = EPOLLIN;
	ee.data.u64 = ~(uint64_t)0;
	ATF_REQUIRE(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ee) == 0);
	expect_ebadf(ep);
	ATF_REQUIRE_EQ(epoll_wait(ep, &ee, 1, 0), 1);
	ATF_REQUIRE(ee.data.u64 == ~(uint64_t)0);
	evt_close(ep);
	ATF_REQUIRE((fd = eventfd(3, 0)) != -1);
	expect_ebadf(fd);
	evt_close(fd);
	ATF_REQUIRE((fd = timerfd_create(CLOCK_MONOTONIC, 0)) != -1);
	memset(&its, 0, sizeof(its));
	its.it_value.tv_nsec = 1;
	ATF_REQUIRE(timerfd_settime(fd, 0, &its, NULL) == 0);
	expect_ebadf(fd);
	evt_close(fd);
	evt_close(kq);

	/* And when it has the number that a queue had. */
	ATF_REQUIRE((ep = epoll_create1(0)) != -1);
	ATF_REQUIRE_EQ(ep, kq);
	expect_ebadf(ep);
	ATF_REQUIRE_EQ(epoll_wait(ep, &ee, 1, 0), 0);
	evt_close(ep);
	evt_close(p[0]);
	evt_close(p[1]);
}
#endif

EVT_TC(kevent__no_changes, "KQ-029",
    "No changes, with a null list or another, is valid")
{
	struct kevent ev[2];
	struct timespec zero = { 0, 0 };
	int kq;

	kq = evt_kq();
	ATF_REQUIRE_EQ(kevent(kq, NULL, 0, NULL, 0, NULL), 0);
	ATF_REQUIRE_EQ(kevent(kq, NULL, 0, ev, 2, &zero), 0);
	EV_SET(&ev[0], 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE_EQ(kevent(kq, ev, 0, NULL, 0, NULL), 0);
	ATF_REQUIRE_EQ(kevent(kq, ev, 0, &ev[1], 1, &zero), 0);
	ATF_REQUIRE_EQ(evt_change_errno(kq, 1, EVFILT_USER, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	evt_close(kq);
}

EVT_TC(kevent__changes_in_order, "KQ-030",
    "Each change finds what the ones before it did")
{
	struct kevent ch[6], ev[6];
	struct timespec zero = { 0, 0 };
	int a, b, i, kq, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	for (i = 0; i < 2; i++) {
		uintptr_t ident = i == 0 ? (uintptr_t)p[0] : 9;
		short filter = i == 0 ? EVFILT_READ : EVFILT_USER;

		kq = evt_kq();
		EV_SET(&ch[0], ident, filter, EV_ADD, 0, 0, NULL);
		EV_SET(&ch[1], ident, filter, EV_DELETE, 0, 0, NULL);
		EV_SET(&ch[2], ident, filter, EV_DELETE, 0, 0, NULL);
		ATF_REQUIRE_EQ(kevent(kq, ch, 3, ev, 6, &zero), 1);
		EVT_ERROR(&ev[0], ident, filter, ENOENT);
		ATF_REQUIRE_EQ(evt_poll(kq, ev, 6), 0);

		/* The last of several decides. */
		EV_SET(&ch[0], ident, filter, EV_ADD, 0, 0, &a);
		EV_SET(&ch[1], ident, filter, EV_DELETE, 0, 0, NULL);
		EV_SET(&ch[2], ident, filter, EV_ADD | EV_CLEAR, 0, 0, &b);
		EV_SET(&ch[3], ident, filter, EV_DISABLE, 0, 0, &b);
		EV_SET(&ch[4], ident, filter, EV_ENABLE, 0, 0, &b);
		EV_SET(&ch[5], 9, EVFILT_USER, EV_ADD, 0, 0, &b);
		ATF_REQUIRE_EQ(kevent(kq, ch, 6, NULL, 0, NULL), 0);
		evt_change(kq, 9, EVFILT_USER, 0, NOTE_TRIGGER, 0, &b);
		ATF_REQUIRE_EQ(evt_get(kq, ev, 6), i == 0 ? 2 : 1);
		ATF_REQUIRE(ev[0].udata == &b);
		ATF_REQUIRE_EQ(evt_poll(kq, ev, 6), i == 0 ? 1 : 0);
		evt_close(kq);
	}
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(kevent__both_filters_in_one_list, "KQ-030 KQ-067",
    "Changes of both filters of one descriptor in one list all count")
{
	struct kevent ch[5], ev[4];
	int kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	kq = evt_kq();
	EV_SET(&ch[0], s[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[1], s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, NULL);
	ATF_REQUIRE_EQ(kevent(kq, ch, 2, NULL, 0, NULL), 0);
	ATF_REQUIRE_EQ(evt_get(kq, ev, 4), 2);
	ATF_REQUIRE(ev[0].filter != ev[1].filter);
	EV_SET(&ch[0], s[0], EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
	EV_SET(&ch[1], s[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	EV_SET(&ch[2], s[0], EVFILT_WRITE, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[3], s[0], EVFILT_READ, EV_ADD | EV_DISABLE, 0, 0, NULL);
	EV_SET(&ch[4], s[0], EVFILT_WRITE, EV_DISABLE, 0, 0, NULL);
	ATF_REQUIRE_EQ(kevent(kq, ch, 5, NULL, 0, NULL), 0);
	evt_none(kq);
	evt_change(kq, s[0], EVFILT_WRITE, EV_ENABLE, 0, 0, NULL);
	evt_one(kq, &ev[0]);
	ATF_REQUIRE_EQ(ev[0].filter, EVFILT_WRITE);
	evt_change(kq, s[0], EVFILT_READ, EV_ENABLE, 0, 0, NULL);
	ATF_REQUIRE_EQ(evt_get(kq, ev, 4), 2);
	evt_close(kq);
	evt_close(s[0]);
	evt_close(s[1]);
}

EVT_TC(kevent__adds_and_returns, "KQ-031",
    "One call registers knotes that are ready and returns their events")
{
	struct kevent ch[5], ev[8];
	int i, kq, n, p[2], seen;

	evt_pipe(p);
	evt_write(p[1], 7);
	kq = evt_kq();
	EV_SET(&ch[0], p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	ATF_REQUIRE_EQ(evt_kevent_ms(kq, ch, 1, ev, 8, EVT_WAIT_MS), 1);
	EVT_EVENT(&ev[0], p[0], EVFILT_READ, EV_CLEAR, 0, 7);
	evt_change(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);

	/* With a zero time-out too, and several kinds together. */
	EV_SET(&ch[0], p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[1], p[1], EVFILT_WRITE, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[2], 3, EVFILT_USER, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[3], 3, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	n = evt_kevent_ms(kq, ch, 4, ev, 8, 0);
	ATF_REQUIRE_EQ(n, 3);
	for (i = seen = 0; i < n; i++)
		seen |= ev[i].filter == EVFILT_READ ? 1 :
		    ev[i].filter == EVFILT_WRITE ? 2 : 4;
	ATF_REQUIRE_EQ(seen, 7);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(kevent__one_array_for_both, "KQ-032",
    "The change list and the event list may be the same array")
{
	struct kevent ev[20];
	int i, kq, n;

	kq = evt_kq();
	for (i = 0; i < 20; i++)
		EV_SET(&ev[i], (uintptr_t)i, EVFILT_USER,
		    EV_ADD | EV_CLEAR | EV_RECEIPT, 0, 0, ev + i);
	ATF_REQUIRE_EQ(evt_kevent_ms(kq, ev, 20, ev, 20, 0), 20);
	for (i = 0; i < 20; i++)
		EVT_ERROR(&ev[i], i, EVFILT_USER, 0);

	/*
	 * Every third fails: entry 0 is written while change 1 is still to be
	 * read, entry 1 while 4 is, and so on.
	 */
	for (i = 0; i < 20; i++)
		EV_SET(&ev[i], (uintptr_t)(i % 3 == 0 ? 100 + i : i),
		    EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	ATF_REQUIRE_EQ(evt_kevent_ms(kq, ev, 20, ev, 20, 0), 7);
	for (i = 0; i < 7; i++)
		EVT_ERROR(&ev[i], 100 + 3 * i, EVFILT_USER, ENOENT);
	n = evt_poll(kq, ev, 20);
	ATF_REQUIRE_EQ(n, 13);

	/* Events over the changes that caused them. */
	for (i = 0; i < 20; i++)
		EV_SET(&ev[i], (uintptr_t)(19 - i), EVFILT_USER, 0,
		    NOTE_TRIGGER, i, NULL);
	ATF_REQUIRE_EQ(evt_kevent_ms(kq, ev, 20, ev, 20, 0), 20);
	for (i = 0; i < 20; i++)
		ATF_REQUIRE_EQ(ev[i].data, 19 - (int64_t)ev[i].ident);

	/* A list that starts one later than the other, and one earlier. */
	for (i = 0; i < 10; i++)
		EV_SET(&ev[i], (uintptr_t)(200 + i), EVFILT_USER, EV_DELETE,
		    0, 0, NULL);
	ATF_REQUIRE_EQ(evt_kevent_ms(kq, ev, 1, ev + 1, 1, 0), 1);
	EVT_ERROR(&ev[1], 200, EVFILT_USER, ENOENT);
	evt_close(kq);
}

EVT_TC(kevent__no_room_never_waits, "KQ-033",
    "With nevents 0 the call applies the changes and returns at once")
{
	struct kevent ch, ev;
	struct timespec day = { 86400, 0 };
	int64_t start;
	int kq;

	kq = evt_kq();
	start = evt_now_ns();
	EV_SET(&ch, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, NULL, 0, NULL), 0);
	ATF_REQUIRE_EQ(kevent(kq, NULL, 0, NULL, 0, &day), 0);
	ATF_REQUIRE_EQ(kevent(kq, NULL, 0, &ev, 0, NULL), 0);
	EV_SET(&ch, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, &ev, 0, &day), 0);
	ATF_REQUIRE_EQ(kevent(kq, NULL, 0, &ev, 0, &day), 0);
	ATF_REQUIRE(evt_now_ns() - start < (int64_t)EVT_WAIT_MS * 1000000);

	/* The event is still there. */
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0, 0);
	evt_close(kq);
}

EVT_TC(kevent__output_fed_back, "KQ-045",
    "The bits 0xf000 of a change are ignored, so an event can be sent back")
{
	struct kevent ch, ev;
	int kq, p[2], s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_pipe(p);
	kq = evt_kq();
	evt_change(kq, s[0], EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0, &kq);
	evt_close(s[1]);
	evt_one(kq, &ev);
	ATF_REQUIRE((ev.flags & EV_EOF) != 0);
	ch = ev;
	ch.flags |= EV_ADD;
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, NULL, 0, NULL), 0);
	evt_one(kq, &ev);
	ATF_REQUIRE((ev.flags & EV_EOF) != 0);
	ATF_REQUIRE(ev.udata == &kq);

	/* All of them, on a knote that has none of these conditions. */
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | 0xf000, 0, 0, NULL);
	evt_none(kq);
	evt_write(p[1], 1);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, p[0], EVFILT_READ, 0, 0, 1);
	ATF_REQUIRE_EQ(ev.flags & (EV_EOF | EV_ERROR), 0);
	evt_change(kq, p[0], EVFILT_READ, EV_DISABLE | 0xf000, 0, 0, NULL);
	evt_none(kq);
	evt_change(kq, p[0], EVFILT_READ, EV_DELETE | 0xf000, 0, 0, NULL);
	ATF_REQUIRE_EQ(evt_change_errno(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(s[0]);
}

EVT_TC(kevent__bad_timespec, "KQ-049 KQ-033",
    "A time-out outside its range is EINVAL, if there is room for events")
{
	static const struct timespec bad[] = {
		{ -1, 0 }, { 0, -1 }, { 0, 1000000000 }, { -1, 999999999 },
		{ 1, 2000000000 }, { -86400, 0 }, { 5, -999999999 },
	};
	struct kevent ev;
	int i, kq, ready;

	kq = evt_kq();
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	for (ready = 0; ready < 2; ready++) {
		for (i = 0; i < EVT_NITEMS(bad); i++) {
			errno = 0;
			ATF_REQUIRE_MSG(kevent(kq, NULL, 0, &ev, 1,
			    &bad[i]) == -1, "time-out %d", i);
			ATF_REQUIRE_EQ(errno, EINVAL);
			ATF_REQUIRE_EQ(kevent(kq, NULL, 0, NULL, 0, &bad[i]),
			    0);
		}
		if (ready == 0)
			evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0,
			    NULL);
	}

	/* It has not used up the event. */
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0, 0);
	evt_close(kq);
}

/* ---- pointers --------------------------------------------------------- */

static int
unreadable_timeout(void *arg, void *page)
{
	struct kevent ev;
	int kq = evt_kq();

	(void)arg;
	return (kevent(kq, NULL, 0, &ev, 1, page) == -1 ? errno : 0);
}

static int
unreadable_changes(void *arg, void *page)
{
	int kq = evt_kq();

	(void)arg;
	return (kevent(kq, page, 1, NULL, 0, NULL) == -1 ? errno : 0);
}

static int
unwritable_list(void *arg, void *page)
{
	struct timespec zero = { 0, 0 };
	struct kevent ch;
	int kq = evt_kq();

	(void)arg;
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_ONESHOT, 0, 0, NULL);
	EV_SET(&ch, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	return (kevent(kq, &ch, 1, page, 1, &zero) == -1 ? errno : 0);
}

static void
is_fault(int error)
{
	ATF_REQUIRE_MSG(error == EFAULT || (!evt_native() && error == -1),
	    "%s", strerror(error));
}

EVT_TC(kevent__unreadable_timeout, "KQ-051",
    "An unreadable time-out is EFAULT or a fault of the caller")
{
	is_fault(evt_wild(unreadable_timeout, NULL));
}

EVT_TC(kevent__unusable_lists, "KQ-052",
    "An unreadable or unwritable list is EFAULT or a fault of the caller")
{
	is_fault(evt_wild(unreadable_changes, NULL));
	is_fault(evt_wild(unwritable_list, NULL));
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, kevent__not_a_queue);
#ifdef __linux__
	EVT_TP_ADD_TC(tp, kevent__closed_asked_by_nothing);
	EVT_TP_ADD_TC(tp, kevent__foreign_poller);
#endif
	EVT_TP_ADD_TC(tp, kevent__no_changes);
	EVT_TP_ADD_TC(tp, kevent__changes_in_order);
	EVT_TP_ADD_TC(tp, kevent__both_filters_in_one_list);
	EVT_TP_ADD_TC(tp, kevent__adds_and_returns);
	EVT_TP_ADD_TC(tp, kevent__one_array_for_both);
	EVT_TP_ADD_TC(tp, kevent__no_room_never_waits);
	EVT_TP_ADD_TC(tp, kevent__output_fed_back);
	EVT_TP_ADD_TC(tp, kevent__bad_timespec);
	EVT_TP_ADD_TC(tp, kevent__unreadable_timeout);
	EVT_TP_ADD_TC(tp, kevent__unusable_lists);
	return (atf_no_error());
}
