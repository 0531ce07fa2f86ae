/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_PROCDESC: process descriptors, which are pidfds on Linux and made
 * by pdfork(2) on FreeBSD.
 */
#include "config.h"

#include "evt_child.h"

#ifdef __FreeBSD__
#include <sys/procdesc.h>
#endif
#ifdef __linux__
#include <sys/syscall.h>
#endif

#ifndef EVFILT_PROCDESC
#define EVFILT_PROCDESC	0	/* every case is skipped then */
#endif

/* A child that obeys, and its descriptor; skips where there is no such. */
static int
start(struct evt_child *c)
{
#if defined(__linux__) && defined(SYS_pidfd_open)
	int fd;

	evt_child_start(c, evt_child_obey);
	if ((fd = (int)syscall(SYS_pidfd_open, c->ec_pid, 0)) == -1)
		atf_tc_skip("pidfd_open: %s", strerror(errno));
	return (fd);
#elif defined(__FreeBSD__)
	int fd, p[2];

	evt_pipe(p);
	if ((c->ec_pid = pdfork(&fd, 0)) == 0) {
		(void)close(p[1]);
		_exit(evt_child_order(p[0]));
	}
	ATF_REQUIRE(c->ec_pid != -1);
	evt_close(p[0]);
	c->ec_to = p[1];
	ATF_REQUIRE((c->ec_from = dup(p[1])) != -1);
	return (fd);
#else
	(void)c;
	atf_tc_skip("this system has no process descriptors");
#endif
}

/* Lets go of a child that has ended. */
static void
finish(struct evt_child *c)
{
#ifndef __FreeBSD__
	(void)evt_reap(c->ec_pid);
#endif
	evt_child_drop(c);
}

/* The event of a process' end; its status. */
static int
end_of(const struct kevent *ev, int fd)
{
	ATF_REQUIRE_EQ_MSG((uintptr_t)fd, ev->ident, "{%s}", evt_text(ev));
	ATF_REQUIRE_EQ(EVFILT_PROCDESC, ev->filter);
	ATF_REQUIRE_EQ_MSG(NOTE_EXIT, ev->fflags, "{%s}", evt_text(ev));
	ATF_REQUIRE_MSG((ev->flags & EV_ERROR) == 0, "{%s}", evt_text(ev));
	return ((int)ev->data);
}

EVT_TC(exit__status, "KQ-195 KQ-175",
    "The end of the process is NOTE_EXIT on its descriptor, with the status")
{
	struct evt_child c;
	struct kevent ev;
	int fd, kq;

	kq = evt_kq();
	fd = start(&c);
	evt_change(kq, fd, EVFILT_PROCDESC, EV_ADD, NOTE_EXIT, 0, &c);
	evt_none(kq);
	evt_child_tell(&c, 7);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(7 << 8, end_of(&ev, fd));
	ATF_REQUIRE((ev.flags & EV_EOF) != 0);
	ATF_REQUIRE_EQ(&c, (void *)ev.udata);
	evt_none(kq);
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, fd, EVFILT_PROCDESC,
	    EV_DELETE, 0, 0, NULL));
#ifndef __FreeBSD__
	/* not reaped by that */
	ATF_REQUIRE_EQ(7 << 8, evt_reap(c.ec_pid));
	evt_child_drop(&c);
#else
	finish(&c);
#endif
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(exit__by_signal, "KQ-195",
    "A killed process has its signal in the status")
{
	struct evt_child c;
	struct kevent ev;
	int fd, kq, status;

	kq = evt_kq();
	fd = start(&c);
	evt_change(kq, fd, EVFILT_PROCDESC, EV_ADD, NOTE_EXIT, 0, NULL);
	ATF_REQUIRE_EQ(0, kill(c.ec_pid, SIGKILL));
	evt_one(kq, &ev);
	status = end_of(&ev, fd);
	ATF_REQUIRE_MSG(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	    "status %#x", status);
	finish(&c);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(exit__before_the_add, "KQ-195 KQ-031",
    "The descriptor of a process that has ended fires at registration")
{
	struct evt_child c;
	struct kevent ev;
	int fd, kq;

	kq = evt_kq();
	fd = start(&c);
	evt_child_tell(&c, 3);
#ifdef __FreeBSD__
	(void)evt_readable(fd, EVT_QUIET_MS);	/* POLLHUP at the end */
#else
	evt_await_zombie(c.ec_pid);
#endif
	evt_change(kq, fd, EVFILT_PROCDESC, EV_ADD, NOTE_EXIT, 0, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(3 << 8, end_of(&ev, fd));
	evt_none(kq);
	finish(&c);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(exit__reaped_first, "KQ-195 KQ-267",
    "The event comes though the program reaped before it looked")
{
	struct evt_child c;
	struct kevent ev;
	int fd, kq, status;
	bool told;

	told = evt_status_is_told();
	kq = evt_kq();
	fd = start(&c);
	evt_change(kq, fd, EVFILT_PROCDESC, EV_ADD, NOTE_EXIT, 0, NULL);
	evt_child_tell(&c, 4);
	finish(&c);
	evt_one(kq, &ev);
	status = end_of(&ev, fd);
	ATF_REQUIRE_MSG(status == 4 << 8 || (!told && status == 0),
	    "status %#x", status);
	EVT_APPROX(status == 4 << 8, "the system does not tell the status");
	evt_none(kq);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(knote__beside_the_pid, "KQ-195 KQ-067",
    "A descriptor, its duplicate and the pid are knotes of their own")
{
	struct evt_child c;
	struct kevent ev[4];
	int fd, fd2, i, kq, n, seen = 0;

	kq = evt_kq();
	fd = start(&c);
	ATF_REQUIRE((fd2 = dup(fd)) != -1);
	evt_change(kq, fd, EVFILT_PROCDESC, EV_ADD, NOTE_EXIT, 0, NULL);
	evt_change(kq, fd2, EVFILT_PROCDESC, EV_ADD, NOTE_EXIT, 0, NULL);
	evt_change(kq, c.ec_pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
	evt_child_tell(&c, 2);
	for (n = 0; n < 3; n += i)
		ATF_REQUIRE((i = evt_get(kq, ev + n, 4 - n)) > 0);
	for (i = 0; i < n; i++) {
		ATF_REQUIRE_EQ(2 << 8, ev[i].data);
		if (ev[i].filter == EVFILT_PROC) {
			ATF_REQUIRE_EQ((uintptr_t)c.ec_pid, ev[i].ident);
			seen |= 1;
		} else
			seen |= ev[i].ident == (uintptr_t)fd ? 2 : 4;
	}
	ATF_REQUIRE_EQ(7, seen);
	evt_none(kq);
	finish(&c);
	evt_close(fd2);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(knote__deleted_or_closed, "KQ-195 KQ-101 KQ-087",
    "After EV_DELETE, or close() of the descriptor, the end is not told")
{
	struct evt_child c;
	int fd, fd2, i, kq;

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		fd = start(&c);
		ATF_REQUIRE((fd2 = dup(fd)) != -1);
		evt_change(kq, fd, EVFILT_PROCDESC, EV_ADD, NOTE_EXIT, 0,
		    NULL);
		if (i == 0) {
			evt_change(kq, fd, EVFILT_PROCDESC, EV_DELETE, 0, 0,
			    NULL);
			evt_child_tell(&c, 2);
			evt_none(kq);
			evt_close(fd);
		} else {
			evt_close(fd);
			evt_child_tell(&c, 2);
			evt_none(kq);
		}
		finish(&c);
		evt_close(fd2);
	}
	evt_close(kq);
}

EVT_TC(add__other_descriptors, "KQ-195 KQ-255 KQ-253",
    "What is no process descriptor is refused, what is closed is EBADF")
{
	struct evt_child c;
	int error, fd, i, kq, p[2];

	fd = start(&c);
	kq = evt_kq();
	evt_pipe(p);
	for (i = 0; i < 2; i++) {
		error = evt_change_errno(kq, i == 0 ? p[0] : kq,
		    EVFILT_PROCDESC, EV_ADD, NOTE_EXIT, 0, NULL);
		ATF_REQUIRE_MSG(error == EOPNOTSUPP || error == EINVAL ||
		    error == EPERM || error == ENODEV || error == ENOTSUP,
		    "%s", strerror(error));
	}
	evt_close(p[0]);
	ATF_REQUIRE_EQ(EBADF, evt_change_errno(kq, p[0], EVFILT_PROCDESC,
	    EV_ADD, NOTE_EXIT, 0, NULL));
	ATF_REQUIRE_EQ(EBADF, evt_change_errno(kq, -1, EVFILT_PROCDESC,
	    EV_ADD, NOTE_EXIT, 0, NULL));
	evt_close(p[1]);
	evt_child_tell(&c, 0);
	finish(&c);
	evt_close(fd);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, exit__status);
	EVT_TP_ADD_TC(tp, exit__by_signal);
	EVT_TP_ADD_TC(tp, exit__before_the_add);
	EVT_TP_ADD_TC(tp, exit__reaped_first);
	EVT_TP_ADD_TC(tp, knote__beside_the_pid);
	EVT_TP_ADD_TC(tp, knote__deleted_or_closed);
	EVT_TP_ADD_TC(tp, add__other_descriptors);
	return (atf_no_error());
}
