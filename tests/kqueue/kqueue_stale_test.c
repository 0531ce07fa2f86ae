/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * What is left of a closed number: the other ways to close, close as a race,
 * and the cost of a file that stays ready through a duplicate.
 */
#include "config.h"

#include "evt.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <poll.h>
#include <sched.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#endif

#define STALE_NUMBER	200

/* A pipe whose read end has the number; the write end is returned. */
static int
stale_pipe(int number, size_t bytes)
{
	int p[2];

	evt_pipe(p);
	(void)evt_move(p[0], number);
	if (bytes > 0)
		evt_write(p[1], bytes);
	return (p[1]);
}

/* Puts a file on the number without closing it first. */
static void
stale_dup2(unsigned int mode, bool survivor)
{
	struct kevent ev;
	int kept = -1, kq, new, old, other[2];

	kq = evt_kq();
	old = stale_pipe(STALE_NUMBER, survivor ? 0 : 3);
	if (survivor)
		ATF_REQUIRE((kept = dup(STALE_NUMBER)) != -1);
	evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_ADD | mode, 0, 0, &old);
	evt_pipe(other);
	new = other[1];
	evt_write(new, 5);
	ATF_REQUIRE(dup2(other[0], STALE_NUMBER) == STALE_NUMBER);
	evt_none(kq);
	ATF_REQUIRE_EQ(evt_change_errno(kq, STALE_NUMBER, EVFILT_READ,
	    EV_DELETE, 0, 0, NULL), ENOENT);
	evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
	    &new);
	if (survivor)
		evt_write(old, 2);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, STALE_NUMBER, EVFILT_READ, EV_CLEAR, 0, 5);
	ATF_REQUIRE((void *)ev.udata == (void *)&new);
	if (survivor) {
		evt_write(old, 2);
		evt_still(kq);
		evt_close(kept);
	}
	evt_close(old);
	evt_close(other[0]);
	evt_close(new);
	/* The writers have gone: that is the end of the new file alone. */
	evt_one(kq, &ev);
	EVT_EVENT(&ev, STALE_NUMBER, EVFILT_READ, EV_CLEAR | EV_EOF, 0, 5);
	evt_close(STALE_NUMBER);
	evt_close(kq);
}

EVT_TC(dup2__is_a_close, "KQ-104 KQ-103",
    "dup2(2) of another file onto a watched number removes its knotes")
{
	stale_dup2(0, false);
	stale_dup2(EV_CLEAR, false);
	stale_dup2(EV_ONESHOT, false);
	stale_dup2(EV_DISPATCH, false);
}

EVT_TC(dup2__is_a_close_with_survivor, "KQ-104 KQ-103 KQ-102",
    "The same while a duplicate keeps the old file open")
{
	stale_dup2(0, true);
	stale_dup2(EV_CLEAR, true);
	stale_dup2(EV_ONESHOT, true);
	stale_dup2(EV_DISPATCH, true);
}

EVT_TC(dup2__of_the_same_open_file, "KQ-104",
    "dup2(2) of the same open file back onto its number is a close too; "
    "after EV_ADD there is one knote in the new mode")
{
	struct kevent ev;
	int dupfd, kq, p;

	kq = evt_kq();
	p = stale_pipe(STALE_NUMBER, 3);
	ATF_REQUIRE((dupfd = dup(STALE_NUMBER)) != -1);
	evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_ADD, 0, 0, &dupfd);
	ATF_REQUIRE(dup2(dupfd, STALE_NUMBER) == STALE_NUMBER);
	EVT_WRAPPED(evt_poll(kq, &ev, 1) == 0,
	    "the same open file put back on its number keeps the knotes");
	evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_ADD, 0, 0, &kq);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, STALE_NUMBER, EVFILT_READ, 0, 0, 3);
	ATF_REQUIRE((void *)ev.udata == (void *)&kq);
	evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_DELETE, 0, 0, NULL);
	ATF_REQUIRE_EQ(evt_change_errno(kq, STALE_NUMBER, EVFILT_READ,
	    EV_DELETE, 0, 0, NULL), ENOENT);
	evt_idle(kq);
	evt_close(STALE_NUMBER);
	evt_close(dupfd);
	evt_close(p);
	evt_close(kq);
}

EVT_TC(dup2__onto_itself_is_no_close, "KQ-104",
    "dup2(fd, fd) does nothing and the knote stays")
{
	struct kevent ev;
	int kq, p;

	kq = evt_kq();
	p = stale_pipe(STALE_NUMBER, 3);
	evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE(dup2(STALE_NUMBER, STALE_NUMBER) == STALE_NUMBER);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, STALE_NUMBER, EVFILT_READ, 0, 0, 3);
	evt_close(STALE_NUMBER);
	evt_close(p);
	evt_close(kq);
}

static void
stale_by_fclose(void)
{
	FILE *fp;

	ATF_REQUIRE((fp = fdopen(STALE_NUMBER, "r")) != NULL);
	ATF_REQUIRE(fclose(fp) == 0);
}

/* These two may close what the case inherited, so they run in a child. */
#ifdef HAVE_CLOSE_RANGE
static void
stale_by_close_range(void)
{
	ATF_REQUIRE(close_range(STALE_NUMBER, STALE_NUMBER + 5, 0) == 0);
}
#endif

#ifdef HAVE_CLOSEFROM
static void
stale_by_closefrom(void)
{
	(void)closefrom(STALE_NUMBER);
}
#endif

static void
stale_by_dup2(void)
{
	int p[2];

	evt_pipe(p);
	(void)evt_move(p[0], STALE_NUMBER);
	evt_close(STALE_NUMBER);
	evt_close(p[1]);
}

static int
stale_by_other_calls(void *arg)
{
	static void (*const ways[])(void) = {
		stale_by_fclose,
		stale_by_dup2,
#ifdef HAVE_CLOSE_RANGE
		stale_by_close_range,
#endif
#ifdef HAVE_CLOSEFROM
		stale_by_closefrom,
#endif
	};
	struct kevent ev;
	int i, kept, kq, p, survivor;

	(void)arg;
	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(ways); i++)
		for (survivor = 0; survivor < 2; survivor++) {
			kept = -1;
			p = stale_pipe(STALE_NUMBER, 3);
			if (survivor)
				ATF_REQUIRE((kept = dup(STALE_NUMBER)) != -1);
			evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_ADD, 0,
			    0, NULL);
			evt_one(kq, &ev);
			ways[i]();
			evt_none(kq);
			ATF_REQUIRE_EQ(evt_change_errno(kq, STALE_NUMBER,
			    EVFILT_READ, EV_DELETE, 0, 0, NULL), EBADF);
			ATF_REQUIRE(!evt_readable(kq, 0));
			if (survivor)
				evt_close(kept);
			evt_close(p);
		}
	evt_close(kq);
	return (0);
}

EVT_TC(close__by_other_calls, "KQ-105",
    "close_range(2), closefrom(2) and fclose(3) end knotes as close(2) does, "
    "with and without a survivor")
{
	ATF_REQUIRE_EQ(evt_in_child(stale_by_other_calls, NULL), 0);
}

#ifdef HAVE_CLOSEFROM
static int
stale_above_all_others(void *arg)
{
	struct kevent ev;
	int i, kq, low[2], p[4];

	(void)arg;
	evt_pipe(low);
	kq = evt_kq();
	for (i = 0; i < 4; i++) {
		p[i] = stale_pipe(STALE_NUMBER + i, 1);
		evt_change(kq, STALE_NUMBER + i, EVFILT_READ, EV_ADD, 0, 0,
		    NULL);
	}
	evt_change(kq, low[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	(void)closefrom(STALE_NUMBER);
	evt_none(kq);
	evt_write(low[1], 1);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, low[0], EVFILT_READ, 0, 0, 1);
	for (i = 0; i < 4; i++)
		evt_close(p[i]);
	evt_close(low[0]);
	evt_close(low[1]);
	evt_close(kq);
	return (0);
}
#endif

EVT_TC(close__number_above_all_others, "KQ-105 KQ-101",
    "closefrom(2) above the queue takes the watched numbers and leaves the "
    "queue working")
{
#ifndef HAVE_CLOSEFROM
	atf_tc_skip("this system has no closefrom(2)");
#else
	ATF_REQUIRE_EQ(evt_in_child(stale_above_all_others, NULL), 0);
#endif
}

/* ---- races ------------------------------------------------------------- */

struct stale_race {
	struct evt_barrier	sr_barrier;
	int			sr_rounds;
};

static void
stale_closer(void *arg)
{
	struct stale_race *sr = arg;
	volatile int spin;
	int i;

	for (i = 0; i < sr->sr_rounds; i++) {
		evt_barrier_wait(&sr->sr_barrier);
		for (spin = 0; spin < i % 97 * 10; spin++)
			continue;
		(void)close(STALE_NUMBER);
		evt_barrier_wait(&sr->sr_barrier);
	}
}

static void
stale_race(bool survivor)
{
	struct evt_thread thread;
	struct kevent change;
	struct stale_race sr;
	int error, i, kept, kq, n, p, won = 0;

	kq = evt_kq();
	sr.sr_rounds = 600;
	evt_barrier_init(&sr.sr_barrier, 2);
	evt_thread_start(&thread, stale_closer, &sr);
	for (i = 0; i < sr.sr_rounds; i++) {
		kept = -1;
		p = stale_pipe(STALE_NUMBER, 3);
		if (survivor)
			ATF_REQUIRE((kept = dup(STALE_NUMBER)) != -1);
		EV_SET(&change, STALE_NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
		evt_barrier_wait(&sr.sr_barrier);
		n = evt_kevent(kq, &change, 1, NULL, 0, NULL);
		error = n == -1 ? errno : 0;
		evt_barrier_wait(&sr.sr_barrier);
		ATF_REQUIRE_MSG(error == 0 || error == EBADF,
		    "round %d: %s", i, strerror(error));
		won += error == 0;
		if (kept != -1)
			evt_close(kept);
		evt_close(p);

		/* The next file on the number must be a stranger. */
		p = stale_pipe(STALE_NUMBER, 7);
		ATF_REQUIRE_EQ(evt_poll(kq, &change, 1), 0);
		ATF_REQUIRE_EQ(evt_change_errno(kq, STALE_NUMBER, EVFILT_READ,
		    EV_DELETE, 0, 0, NULL), ENOENT);
		evt_close(STALE_NUMBER);
		evt_close(p);
	}
	printf("%d of %d registrations came before the close\n", won, i);
	evt_thread_join(&thread);
	evt_barrier_destroy(&sr.sr_barrier);
	evt_idle(kq);
	evt_close(kq);
}

EVT_TC(close__races_with_registration, "KQ-106",
    "A registration beside a close is removed or fails with EBADF, and never "
    "ends up on the next file of that number")
{
	stale_race(false);
}

EVT_TC(close__races_with_registration_with_survivor, "KQ-106 KQ-102",
    "The same while a duplicate keeps the file open and ready for the race")
{
	stale_race(true);
}

/* ---- cost -------------------------------------------------------------- */

EVT_TC(stale__wait_sleeps, "KQ-265 KQ-102",
    "Files of closed numbers, kept ready by duplicates, neither wake the "
    "wait nor cost processor time, in every mode and filter")
{
	static const unsigned int modes[] = {
		0, EV_CLEAR, EV_ONESHOT, EV_DISPATCH, EV_DISABLE
	};
	int fd, i, kept[20], kq, n = 0, peer[20], s[2];

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(modes); i++) {
		int j;

		for (j = 0; j < 4; j++, n++) {
			evt_sockpair(s, SOCK_STREAM);
			fd = evt_move(s[0], STALE_NUMBER + n);
			peer[n] = s[1];
			evt_write(peer[n], 1);
			ATF_REQUIRE((kept[n] = dup(fd)) != -1);
			if (j != 1)
				evt_change(kq, fd, EVFILT_READ,
				    EV_ADD | modes[i], 0, 0, NULL);
			if (j != 0)
				evt_change(kq, fd, EVFILT_WRITE,
				    EV_ADD | modes[i], 0, 0, NULL);
			if (j == 3)	/* hung up as well */
				evt_close(peer[n]);
		}
	}
	for (i = 0; i < n; i++)
		evt_close(STALE_NUMBER + i);
	evt_idle(kq);
	/* Still so after new activity. */
	for (i = 0; i < n; i++)
		if (i % 4 != 3)
			evt_write(peer[i], 1);
	evt_idle(kq);
	for (i = 0; i < n; i++) {
		if (i % 4 != 3)
			evt_close(peer[i]);
		evt_close(kept[i]);
	}
	evt_close(kq);
}

EVT_TC(stale__wait_sleeps_on_reused_numbers, "KQ-265 KQ-103",
    "The same when the numbers name other watched files by then")
{
	struct kevent ev;
	int i, kept[8], kq, new[8], old[8];

	kq = evt_kq();
	for (i = 0; i < 8; i++) {
		old[i] = stale_pipe(STALE_NUMBER + i, 1);
		ATF_REQUIRE((kept[i] = dup(STALE_NUMBER + i)) != -1);
		evt_change(kq, STALE_NUMBER + i, EVFILT_READ,
		    EV_ADD | (i % 2 ? EV_CLEAR : 0), 0, 0, NULL);
	}
	for (i = 0; i < 8; i++) {
		evt_close(STALE_NUMBER + i);
		new[i] = stale_pipe(STALE_NUMBER + i, 0);
		evt_change(kq, STALE_NUMBER + i, EVFILT_READ,
		    EV_ADD | (i % 3 ? EV_CLEAR : 0), 0, 0, NULL);
	}
	evt_idle(kq);
	for (i = 0; i < 8; i++) {
		evt_write(old[i], 1);
		evt_write(new[i], 2);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, STALE_NUMBER + i, EVFILT_READ,
		    i % 3 ? EV_CLEAR : 0, 0, 2);
		(void)evt_drain(STALE_NUMBER + i);
	}
	evt_idle(kq);
	for (i = 0; i < 8; i++) {
		evt_close(STALE_NUMBER + i);
		evt_close(kept[i]);
		evt_close(old[i]);
		evt_close(new[i]);
	}
	evt_close(kq);
}

/* Sends a descriptor to the other end of s, where nobody receives it. */
static void
stale_send_fd(int s, int fd)
{
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct cmsghdr *cm;
	struct iovec iov;
	struct msghdr msg;
	char byte = 'f';

	memset(&msg, 0, sizeof(msg));
	memset(&control, 0, sizeof(control));
	iov.iov_base = &byte;
	iov.iov_len = 1;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = control.buf;
	msg.msg_controllen = sizeof(control.buf);
	cm = CMSG_FIRSTHDR(&msg);
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	ATF_REQUIRE(sendmsg(s, &msg, 0) == 1);
}

EVT_TC(stale__survivor_in_no_table, "KQ-265 KQ-101 KQ-006",
    "The only duplicate is on its way through a socket: the wait sleeps, and "
    "the queue with all its numbers and knotes goes on")
{
	struct kevent ev;
	int kq, kq2, live[2], p, s[2];

	kq = evt_kq();
	ATF_REQUIRE((kq2 = dup(kq)) != -1);
	evt_pipe(live);
	evt_sockpair(s, SOCK_STREAM);
	p = stale_pipe(STALE_NUMBER, 3);
	evt_change(kq, live[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_write(live[1], 1);
	stale_send_fd(s[0], STALE_NUMBER);
	evt_close(STALE_NUMBER);

	evt_one(kq, &ev);
	EVT_EVENT(&ev, live[0], EVFILT_READ, EV_CLEAR, 0, 1);
	EVT_APPROX(evt_poll(kq, &ev, 1) == 0, "with the only duplicate out of "
	    "reach an EV_CLEAR event may come twice");
	(void)evt_drain(live[0]);
	evt_idle(kq);
	evt_idle(kq2);
	evt_write(p, 1);
	evt_idle(kq);

	/* Both numbers still name one queue. */
	evt_write(live[1], 1);
	ATF_REQUIRE(evt_readable(kq2, EVT_WAIT_MS));
	evt_one(kq2, &ev);
	EVT_EVENT(&ev, live[0], EVFILT_READ, EV_CLEAR, 0, 1);
	evt_none(kq);
	evt_change(kq2, live[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	ATF_REQUIRE_EQ(evt_change_errno(kq, live[0], EVFILT_READ, EV_DELETE,
	    0, 0, NULL), ENOENT);
	evt_close(kq);
	evt_close(kq2);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(p);
	evt_close(live[0]);
	evt_close(live[1]);
}

static void
outer_pollers(void)
{
	struct kevent ev;
	int inner, kept, live[2], outer, p;
#ifdef __linux__
	struct epoll_event eev = { .events = EPOLLIN };
	int ep;
#endif

	inner = evt_kq();
	outer = evt_kq();
	evt_pipe(live);
	p = stale_pipe(STALE_NUMBER, 3);
	evt_change(inner, live[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(inner, STALE_NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(outer, inner, EVFILT_READ, EV_ADD, 0, 0, NULL);
#ifdef __linux__
	ATF_REQUIRE((ep = epoll_create1(0)) != -1);
	ATF_REQUIRE(epoll_ctl(ep, EPOLL_CTL_ADD, inner, &eev) == 0);
#endif
	ATF_REQUIRE((kept = dup(STALE_NUMBER)) != -1);
	evt_close(STALE_NUMBER);
	evt_idle(inner);
	evt_idle(outer);

	evt_write(live[1], 1);
	evt_one(outer, &ev);
	ATF_REQUIRE_EQ(ev.ident, (uintptr_t)inner);
	ATF_REQUIRE(evt_readable(inner, EVT_WAIT_MS));
#ifdef __linux__
	ATF_REQUIRE_EQ(epoll_wait(ep, &eev, 1, EVT_WAIT_MS), 1);
	evt_close(ep);
#endif
	evt_one(inner, &ev);
	EVT_EVENT(&ev, live[0], EVFILT_READ, 0, 0, 1);
	(void)evt_drain(live[0]);
	evt_idle(inner);
	evt_idle(outer);
	evt_close(kept);
	evt_close(p);
	evt_close(live[0]);
	evt_close(live[1]);
	evt_close(outer);
	evt_close(inner);
}

EVT_TC(stale__outer_pollers_keep_working, "KQ-265 KQ-101 KQ-021",
    "After the clean-up a poller or queue that watches the queue still sees "
    "its events")
{
	outer_pollers();
}

/* Where the system lists descriptors by process, none are listed now. */
static void *
without_main(void *arg)
{
	if (pthread_join(*(pthread_t *)arg, NULL) != 0)
		_exit(2);
	while (access("/proc/self/fd/0", F_OK) == 0)
		(void)sched_yield();
	outer_pollers();
	_exit(0);
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

EVT_TC(stale__main_thread_has_ended, "KQ-265 KQ-101 KQ-021",
    "It is the same after the process has lost its main thread")
{
	evt_skip_tsan("ThreadSanitizer lets nobody join the main thread");
	ATF_REQUIRE_EQ(0, evt_in_child(end_main, NULL));
}

EVT_TC(stale__other_queue_keeps_its_knote, "KQ-102 KQ-068",
    "Two queues watch two duplicates of one file: closing the first number "
    "leaves the second queue's knote alone")
{
	struct kevent ev;
	int fd2, kq[2], p;

	kq[0] = evt_kq();
	kq[1] = evt_kq();
	p = stale_pipe(STALE_NUMBER, 0);
	ATF_REQUIRE((fd2 = dup(STALE_NUMBER)) != -1);
	evt_change(kq[0], STALE_NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq[1], STALE_NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq[1], fd2, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_close(STALE_NUMBER);
	evt_write(p, 2);
	evt_idle(kq[0]);
	evt_one(kq[1], &ev);
	EVT_EVENT(&ev, fd2, EVFILT_READ, 0, 0, 2);
	(void)evt_drain(fd2);
	evt_idle(kq[1]);
	evt_close(fd2);
	evt_close(p);
	evt_close(kq[0]);
	evt_close(kq[1]);
}

EVT_TC(stale__clean_up_adds_nothing, "KQ-103 KQ-101",
    "What is left of a number's first file does not bring its second one's "
    "knote to the third")
{
	struct kevent ev;
	int first, kept, kq, second, third;

	kq = evt_kq();
	first = stale_pipe(STALE_NUMBER, 0);
	evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
	    NULL);
	ATF_REQUIRE((kept = dup(STALE_NUMBER)) != -1);
	evt_close(STALE_NUMBER);
	second = stale_pipe(STALE_NUMBER, 0);
	evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_write(first, 1);
	evt_close(STALE_NUMBER);
	evt_close(second);
	third = stale_pipe(STALE_NUMBER, 3);
	evt_none(kq);
	evt_idle(kq);
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, STALE_NUMBER, EVFILT_READ,
	    EV_DELETE, 0, 0, NULL));
	evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, STALE_NUMBER, EVFILT_READ, 0, 0, 3);
	evt_close(STALE_NUMBER);
	evt_close(third);
	evt_close(first);
	evt_close(kept);
	evt_close(kq);
}

EVT_TC(stale__queue_takes_a_live_number, "KQ-103 KQ-101 KQ-006",
    "A queue on the number of a file that stays ready cleans up as ever")
{
	int end[2], first, kept, kq, second;
	struct kevent ev[2];

	kq = evt_kq();
	first = stale_pipe(STALE_NUMBER, 3);
	second = stale_pipe(STALE_NUMBER + 1, 3);
	evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq, STALE_NUMBER + 1, EVFILT_READ, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE_EQ(2, evt_poll(kq, ev, 2));
	ATF_REQUIRE((kept = dup(STALE_NUMBER)) != -1);
	evt_pipe(end);
	evt_close(end[1]);
	ATF_REQUIRE_EQ(STALE_NUMBER + 1, dup2(end[0], STALE_NUMBER + 1));
	ATF_REQUIRE_EQ(STALE_NUMBER, dup2(kq, STALE_NUMBER));
	evt_none(STALE_NUMBER);
	evt_none(kq);
	evt_idle(STALE_NUMBER);
	evt_close(STALE_NUMBER);
	evt_close(STALE_NUMBER + 1);
	evt_close(end[0]);
	evt_close(kept);
	evt_close(first);
	evt_close(second);
	evt_close(kq);
}

#if defined(EVFILT_USER) && defined(EVFILT_FS) && defined(NOTE_ABSTIME)
#define EVERY_FILTER
#endif

#ifdef EVERY_FILTER
EVT_TC(stale__queue_takes_the_number, "KQ-103 KQ-027 KQ-101",
    "A queue that is put on a number that it watches has no knote there")
{
	struct kevent ev[4];
	int i, j, kq, n, p;

	for (i = 0; i < 6; i++) {
		kq = evt_kq();
		p = stale_pipe(STALE_NUMBER, 3);
		evt_change(kq, STALE_NUMBER, EVFILT_READ, EV_ADD, 0, 0, NULL);
		evt_change(kq, p, EVFILT_WRITE, EV_ADD, 0, 0, NULL);
		evt_change(kq, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
		evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
		/* Two of the three are kept for want of room. */
		for (n = 0; n < i; n++)
			ATF_REQUIRE_EQ(1, evt_poll(kq, ev, 1));
		ATF_REQUIRE_EQ(STALE_NUMBER, dup2(kq, STALE_NUMBER));
		n = evt_poll(STALE_NUMBER, ev, 4);
		for (j = 0; j < n; j++)
			ATF_REQUIRE_MSG(ev[j].filter != EVFILT_READ,
			    "%d: {%s}", i, evt_text(&ev[j]));
		ATF_REQUIRE_EQ(2, n);
		ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, STALE_NUMBER,
		    EVFILT_READ, EV_DELETE, 0, 0, NULL));
		evt_close(STALE_NUMBER);
		evt_close(p);
		evt_close(kq);
	}
}

/* One watch of each kind, which may need a descriptor of the library's. */
static void
watch_everything(int kq, int sock, int file, pid_t pid)
{
	evt_change(kq, sock, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq, sock, EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 3600000, NULL);
	evt_change(kq, 2, EVFILT_TIMER, EV_ADD, NOTE_SECONDS | NOTE_ABSTIME,
	    time(NULL) + 3600, NULL);
	evt_change(kq, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	evt_change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	evt_change(kq, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT | NOTE_FORK, 0,
	    NULL);
	evt_change(kq, file, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_WRITE, 0,
	    NULL);
	evt_change(kq, 0, EVFILT_FS, EV_ADD, 0, 0, NULL);
}

EVT_TC(stale__number_is_not_the_librarys_next, "KQ-101 KQ-103",
    "A closed number that is still watched is left to the program")
{
	enum { N = 20 };
	struct kevent ev[N];
	int fd[N], file, i, j, kq, other, n, p[2], s[2];
	char path[EVT_PATH_MAX];

	kq = evt_kq();
	other = evt_kq();
	evt_pipe(p);
	evt_sockpair(s, SOCK_STREAM);
	file = evt_tmpfile(path);
	for (i = 0; i < N; i++) {
		ATF_REQUIRE((fd[i] = dup(p[0])) != -1);
		evt_change(i % 2 == 0 ? kq : other, fd[i], EVFILT_READ,
		    EV_ADD, 0, 0, NULL);
	}
	for (i = 0; i < N; i++)
		evt_close(fd[i]);
	watch_everything(kq, s[0], file, getpid());
	/* Nothing watches them any more where the library is told of it. */
	for (i = 0; i < N && !evt_interposed(); i++)
		ATF_REQUIRE_EQ_MSG(-1, fcntl(fd[i], F_GETFD), "%d", fd[i]);
	evt_write(p[1], 1);
	n = evt_get(kq, ev, N);
	for (i = 0; i < n; i++)
		for (j = 0; j < N; j++)
			ATF_REQUIRE_MSG(ev[i].filter != EVFILT_READ ||
			    (int)ev[i].ident != fd[j], "{%s}",
			    evt_text(&ev[i]));
	evt_none(other);
	ATF_REQUIRE_EQ(0, unlink(path));
	evt_close(file);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(other);
	evt_close(kq);
}
#endif

static int
few_descriptors(void *arg)
{
	struct rlimit rl;
	struct kevent ev;
	int fd[64], i, kq, n, p[2];

	(void)arg;
	if ((kq = kqueue()) == -1 || pipe(p) == -1)
		return (1);
	rl.rlim_cur = rl.rlim_max = 64;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		return (2);
	for (n = 0; (fd[n] = dup(p[0])) != -1; n++) {
		EV_SET(&ev, fd[n], EVFILT_READ, EV_ADD, 0, 0, NULL);
		if (kevent(kq, &ev, 1, NULL, 0, NULL) == -1)
			return (3);
	}
	for (i = 0; i < n; i++)
		(void)close(fd[i]);
	EV_SET(&ev, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1, NULL);
	if (kevent(kq, &ev, 1, NULL, 0, NULL) == -1)
		return (4);
	if (kevent(kq, NULL, 0, &ev, 1, NULL) != 1 || ev.ident != 1)
		return (5);
	EV_SET(&ev, getpid(), EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
	return (kevent(kq, &ev, 1, NULL, 0, NULL) == -1 ? 6 : 0);
}

EVT_TC(stale__every_free_number, "KQ-101",
    "Where all free numbers were watched, the library still gets its own")
{
	ATF_REQUIRE_EQ(0, evt_in_child(few_descriptors, NULL));
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, dup2__is_a_close);
	EVT_TP_ADD_TC(tp, dup2__is_a_close_with_survivor);
	EVT_TP_ADD_TC(tp, dup2__of_the_same_open_file);
	EVT_TP_ADD_TC(tp, dup2__onto_itself_is_no_close);
	EVT_TP_ADD_TC(tp, close__by_other_calls);
	EVT_TP_ADD_TC(tp, close__number_above_all_others);
	EVT_TP_ADD_TC(tp, close__races_with_registration);
	EVT_TP_ADD_TC(tp, close__races_with_registration_with_survivor);
	EVT_TP_ADD_TC(tp, stale__wait_sleeps);
	EVT_TP_ADD_TC(tp, stale__wait_sleeps_on_reused_numbers);
	EVT_TP_ADD_TC(tp, stale__survivor_in_no_table);
	EVT_TP_ADD_TC(tp, stale__outer_pollers_keep_working);
	EVT_TP_ADD_TC(tp, stale__main_thread_has_ended);
	EVT_TP_ADD_TC(tp, stale__other_queue_keeps_its_knote);
	EVT_TP_ADD_TC(tp, stale__clean_up_adds_nothing);
	EVT_TP_ADD_TC(tp, stale__queue_takes_a_live_number);
#ifdef EVERY_FILTER
	EVT_TP_ADD_TC(tp, stale__queue_takes_the_number);
	EVT_TP_ADD_TC(tp, stale__number_is_not_the_librarys_next);
#endif
	EVT_TP_ADD_TC(tp, stale__every_free_number);
	return (atf_no_error());
}
