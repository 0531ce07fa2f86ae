/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * What a knote is, and what changes do to one: identity, adding again,
 * replacing udata and notes, deleting.  kqueue_modes_test.c has the modes,
 * kqueue_enable_test.c enabling and disabling.
 */
#include "config.h"

#include "evt.h"

#include <sys/socket.h>
#include <sys/stat.h>

/* ---- identity --------------------------------------------------------- */

EVT_TC(ident__with_filter, "KQ-067",
    "Equal idents under different filters are different knotes")
{
	static const int filters[] = { EVFILT_READ, EVFILT_WRITE, EVFILT_USER,
	    EVFILT_TIMER, EVFILT_SIGNAL };
	struct kevent ev[5];
	int i, j, kq, s[2], seen, tag[5];
	uintptr_t ident = SIGURG;

	/* A descriptor whose number is that of the signal. */
	if (fcntl(SIGURG, F_GETFD) != -1)
		atf_tc_skip("descriptor %d is in use", SIGURG);
	evt_sockpair(s, SOCK_STREAM);
	ATF_REQUIRE(dup2(s[0], SIGURG) == SIGURG);
	evt_write(s[1], 1);
	kq = evt_kq();
	for (i = 0; i < 5; i++)
		evt_change(kq, ident, filters[i], EV_ADD | EV_CLEAR, 0, 1,
		    &tag[i]);
	evt_change(kq, ident, EVFILT_USER, 0, NOTE_TRIGGER, 0, &tag[2]);
	ATF_REQUIRE(raise(SIGURG) == 0);
	for (i = seen = 0; seen != 31 && i < 10; i++) {
		int n = evt_get(kq, ev, 5);

		ATF_REQUIRE(n > 0);
		while (n-- > 0)
			for (j = 0; j < 5; j++)
				if ((int)ev[n].filter == filters[j]) {
					ATF_REQUIRE(ev[n].ident == ident);
					ATF_REQUIRE(ev[n].udata == &tag[j]);
					seen |= 1 << j;
				}
	}
	ATF_REQUIRE_EQ(seen, 31);

	/* Deleting one of them leaves the others. */
	for (i = 0; i < 5; i++) {
		evt_change(kq, ident, filters[i], EV_DELETE, 0, 0, NULL);
		for (j = 0; j < 5; j++)
			ATF_REQUIRE_EQ(evt_change_errno(kq, ident, filters[j],
			    EV_DISABLE, 0, 1, NULL), j <= i ? ENOENT : 0);
	}
	evt_close(kq);
	evt_close(SIGURG);
	evt_close(s[0]);
	evt_close(s[1]);
}

EVT_TC(ident__per_queue, "KQ-068",
    "Two queues on one object get an event each and do not meet")
{
	static const unsigned int modes[] = { 0, EV_CLEAR, EV_ONESHOT,
	    EV_DISPATCH };
	struct kevent ev;
	int a, b, i, p[2];

	for (i = 0; i < EVT_NITEMS(modes); i++) {
		evt_pipe(p);
		a = evt_kq();
		b = evt_kq();
		evt_change(a, p[0], EVFILT_READ, EV_ADD | modes[i], 0, 0, &a);
		evt_change(b, p[0], EVFILT_READ, EV_ADD | modes[i], 0, 0, &b);
		evt_change(a, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
		evt_change(b, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
		evt_write(p[1], 1);
		evt_one(a, &ev);
		ATF_REQUIRE(ev.udata == &a);
		evt_one(b, &ev);
		ATF_REQUIRE(ev.udata == &b);
		evt_change(a, p[0], EVFILT_READ, EV_ADD | EV_DISABLE, 0, 0,
		    NULL);
		evt_change(a, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
		if (modes[i] == 0) {
			evt_one(b, &ev);
			ATF_REQUIRE(ev.udata == &b);
		}
		ATF_REQUIRE_EQ(evt_change_errno(b, p[0], EVFILT_READ,
		    EV_DELETE, 0, 0, NULL), modes[i] == EV_ONESHOT ? ENOENT :
		    0);
		evt_trigger(a, 1);
		evt_none(b);
		evt_one(a, &ev);
		evt_close(a);
		evt_trigger(b, 1);
		evt_one(b, &ev);
		evt_close(b);
		evt_close(p[0]);
		evt_close(p[1]);
	}
}

EVT_TC(ident__of_a_duplicate, "KQ-069",
    "A descriptor and its duplicate are two idents, two events for a byte")
{
	struct kevent ev[3];
	int fd, kq, p[2];

	evt_pipe(p);
	ATF_REQUIRE((fd = dup(p[0])) != -1);
	kq = evt_kq();
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, &p[0]);
	evt_change(kq, fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, &fd);
	evt_write(p[1], 1);
	ATF_REQUIRE_EQ(evt_get(kq, ev, 3), 2);
	ATF_REQUIRE(ev[0].ident != ev[1].ident);
	ATF_REQUIRE(ev[0].udata == (ev[0].ident == (uintptr_t)fd ? &fd :
	    &p[0]));
	evt_none(kq);
	evt_change(kq, fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
	evt_write(p[1], 1);
	evt_one(kq, ev);
	EVT_EVENT(ev, p[0], EVFILT_READ, EV_CLEAR, 0, 2);
	evt_close(kq);
	evt_close(fd);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- adding again ----------------------------------------------------- */

EVT_TC(readd__no_second_knote, "KQ-070",
    "Adding again makes no second knote: one event, one delete")
{
	struct kevent ev;
	int i, kq, p[2];

	evt_pipe(p);
	kq = evt_kq();
	for (i = 0; i < 5; i++) {
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
		evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	}
	evt_write(p[1], 1);
	evt_one(kq, &ev);
	evt_none(kq);
	evt_trigger(kq, 1);
	evt_one(kq, &ev);
	evt_none(kq);
	evt_change(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	ATF_REQUIRE_EQ(evt_change_errno(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	evt_change(kq, 1, EVFILT_USER, EV_DELETE, 0, 0, NULL);
	ATF_REQUIRE_EQ(evt_change_errno(kq, 1, EVFILT_USER, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	evt_write(p[1], 1);
	evt_none(kq);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(readd__replaces, "KQ-071",
    "Adding again replaces udata, fflags and data")
{
	struct kevent ev;
	int a, b, c, dir, kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 5);
	kq = evt_kq();
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, 0, 0, &a);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == &a);
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 6, &b);
	evt_none(kq);
	evt_write(s[1], 1);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == &b);
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 7, &b);
	evt_none(kq);
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, 0, 7, &c);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == &c);
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == NULL);
	evt_change(kq, s[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);

	ATF_REQUIRE((dir = open(".", O_RDONLY)) != -1);
	evt_change(kq, dir, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_WRITE, 0,
	    &a);
	evt_change(kq, dir, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_ATTRIB, 0,
	    &b);
	ATF_REQUIRE(close(creat("made", 0600)) == 0);
	evt_none(kq);
	ATF_REQUIRE(fchmod(dir, 0711) == 0);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, dir, EVFILT_VNODE, EV_CLEAR, NOTE_ATTRIB, 0);
	ATF_REQUIRE(ev.udata == &b);
	ATF_REQUIRE(fchmod(dir, 0755) == 0);
	evt_close(dir);
	evt_close(kq);
	evt_close(s[0]);
	evt_close(s[1]);
}

EVT_TC(readd__keeps_the_mode, "KQ-072",
    "Adding again neither adds nor removes CLEAR, ONESHOT and DISPATCH")
{
	static const unsigned int modes[] = { 0, EV_CLEAR, EV_ONESHOT,
	    EV_DISPATCH,
#ifndef __NetBSD__			/* there CLEAR wins over DISPATCH */
	    EV_CLEAR | EV_DISPATCH,
#endif
	};
	struct kevent ev;
	int error, first, kq, p[2], second;

	for (first = 0; first < EVT_NITEMS(modes); first++)
		for (second = 0; second < EVT_NITEMS(modes); second++) {
			evt_pipe(p);
			kq = evt_kq();
			evt_change(kq, p[0], EVFILT_READ,
			    EV_ADD | modes[first], 0, 0, NULL);
			evt_change(kq, p[0], EVFILT_READ,
			    EV_ADD | modes[second], 0, 0, NULL);
			evt_write(p[1], 1);
			evt_one(kq, &ev);
			EVT_EVENT(&ev, p[0], EVFILT_READ, modes[first], 0, 1);

			/* Level repeats, CLEAR after a write, others not. */
			ATF_REQUIRE_EQ(evt_poll(kq, &ev, 1), modes[first] == 0);
			evt_write(p[1], 1);
			if ((modes[first] & (EV_ONESHOT | EV_DISPATCH)) == 0)
				evt_one(kq, &ev);
			else
				evt_none(kq);
			error = evt_change_errno(kq, p[0], EVFILT_READ,
			    EV_ENABLE, 0, 0, NULL);
			ATF_REQUIRE_EQ(error, modes[first] == EV_ONESHOT ?
			    ENOENT : 0);
			evt_close(kq);
			evt_close(p[0]);
			evt_close(p[1]);
		}
}

EVT_TC(readd__looks_again, "KQ-073",
    "Adding an EV_CLEAR knote again reports the unread data once more")
{
	struct kevent ev;
	int i, kq, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	kq = evt_kq();
	for (i = 0; i < 4; i++) {
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, EV_CLEAR, 0, 1);
		evt_none(kq);
	}
	ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_none(kq);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(readd__looks_at_one_filter, "KQ-073 KQ-263",
    "Adding one filter again does not report the other one of the socket")
{
	static const int filters[] = { EVFILT_READ, EVFILT_WRITE };
	struct kevent ev[3];
	int i, kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	kq = evt_kq();
	for (i = 0; i < 2; i++)
		evt_change(kq, s[0], filters[i], EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
	ATF_REQUIRE_EQ(evt_get(kq, ev, 3), 2);
	evt_none(kq);
	for (i = 0; i < 6; i++) {
		evt_change(kq, s[0], filters[i % 2], EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
		evt_one(kq, ev);
		ATF_REQUIRE_EQ((int)ev[0].filter, filters[i % 2]);
		evt_none(kq);
	}
	evt_close(kq);
	evt_close(s[0]);
	evt_close(s[1]);
}

EVT_TC(readd__keeps_what_is_pending, "KQ-074",
    "Adding again does not throw a pending activation away")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, kq, p[2];

	evt_pipe(p);
	kq = evt_kq();
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_write(p[1], 1);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_one(kq, &ev);
	evt_none(kq);
	evt_change(kq, 1, EVFILT_USER, EV_ADD, 0x7, 0, NULL);
	evt_trigger(kq, 1);
	evt_change(kq, 1, EVFILT_USER, EV_ADD, NOTE_FFNOP, 0, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_USER, 0, 0x7, 0);
	evt_change(kq, 1, EVFILT_USER, EV_DELETE, 0, 0, NULL);
	fd = evt_tmpfile(path);
	evt_change(kq, fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_WRITE, 0,
	    NULL);
	evt_write(fd, 1);
	evt_change(kq, fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_WRITE, 0,
	    NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_VNODE, EV_CLEAR, NOTE_WRITE, 0);
	evt_change(kq, SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE(raise(SIGURG) == 0);
	evt_change(kq, SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, SIGURG, EVFILT_SIGNAL, 0, 0, 1);
	evt_close(kq);
	evt_close(fd);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- udata and ext ---------------------------------------------------- */

#if !defined(__OpenBSD__) && !defined(__NetBSD__)
/* A pipe, a socket and a file: the last is watched by no mechanism. */
EVT_TC(change__looks_again, "KQ-073",
    "Enabling what is enabled, or a bare change, reports EV_CLEAR once more")
{
	static const unsigned int flags[] = { 0, EV_ENABLE,
	    EV_ENABLE | EV_CLEAR, EV_ENABLE | EV_DISPATCH | EV_CLEAR };
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fds[3], filters[3] = { EVFILT_READ, EVFILT_WRITE, EVFILT_READ };
	int i, k, kq, p[2], s[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	evt_sockpair(s, SOCK_DGRAM);
	fds[0] = p[0];
	fds[1] = s[0];
	fds[2] = evt_tmpfile(path);
	evt_write(fds[2], 1);
	ATF_REQUIRE_EQ(lseek(fds[2], 0, SEEK_SET), 0);
	kq = evt_kq();
	for (k = 0; k < 3; k++) {
		evt_change(kq, fds[k], filters[k], EV_ADD | EV_DISABLE |
		    EV_CLEAR, 0, 0, NULL);
		evt_none(kq);
		for (i = 0; i < 8; i++) {
			/* The modes stay, and the first one enables. */
			evt_change(kq, fds[k], filters[k],
			    i == 0 ? EV_ENABLE : flags[i % 4], 0, 0, NULL);
			evt_one(kq, &ev);
			ATF_REQUIRE_EQ((int)ev.ident, fds[k]);
			ATF_REQUIRE_EQ(ev.filter, filters[k]);
			evt_none(kq);
		}

		/* Not while it is disabled, and not when it is not so. */
		evt_change(kq, fds[k], filters[k], EV_DISABLE, 0, 0, NULL);
		evt_change(kq, fds[k], filters[k], 0, 0, 0, NULL);
		evt_none(kq);
	}
	evt_change(kq, p[0], EVFILT_READ, EV_ENABLE, 0, 0, NULL);
	ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
	evt_change(kq, p[0], EVFILT_READ, 0, 0, 0, NULL);
	evt_none(kq);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(fds[2]);
}

EVT_TC(change__replaces_too, "KQ-075",
    "Enabling, disabling and a bare change replace udata, fflags and data")
{
	struct kevent ev;
	int a, b, c, d, dir, kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 5);
	kq = evt_kq();
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, 0, 0, &a);
	evt_change(kq, s[0], EVFILT_READ, 0, NOTE_LOWAT, 6, &b);
	evt_none(kq);
	evt_write(s[1], 1);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == &b);
	evt_change(kq, s[0], EVFILT_READ, EV_ENABLE, NOTE_LOWAT, 8, &c);
	evt_write(s[1], 1);
	evt_none(kq);
	evt_write(s[1], 1);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == &c);

	/* What EV_DISABLE brought is replaced by what EV_ENABLE brings. */
	evt_change(kq, s[0], EVFILT_READ, EV_DISABLE, NOTE_LOWAT, 1, &d);
	evt_change(kq, s[0], EVFILT_READ, EV_ENABLE, NOTE_LOWAT, 9, NULL);
	evt_none(kq);
	evt_change(kq, s[0], EVFILT_READ, EV_DISABLE, NOTE_LOWAT, 8, &d);
	evt_write(s[1], 1);
	evt_none(kq);
	evt_change(kq, s[0], EVFILT_READ, EV_ENABLE, NOTE_LOWAT, 9, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == NULL);
	evt_change(kq, s[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);

	/* No notes asked for, none reported. */
	ATF_REQUIRE((dir = open(".", O_RDONLY)) != -1);
	evt_change(kq, dir, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_WRITE, 0,
	    &a);
	evt_change(kq, dir, EVFILT_VNODE, EV_ENABLE, 0, 0, &b);
	ATF_REQUIRE(close(creat("first", 0600)) == 0);
	evt_none(kq);
	evt_change(kq, dir, EVFILT_VNODE, EV_ENABLE, NOTE_WRITE, 0, &c);
	ATF_REQUIRE(close(creat("second", 0600)) == 0);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, dir, EVFILT_VNODE, EV_CLEAR, NOTE_WRITE, 0);
	ATF_REQUIRE(ev.udata == &c);
	evt_close(dir);
	evt_close(kq);
	evt_close(s[0]);
	evt_close(s[1]);
}
#endif

#ifdef EV_KEEPUDATA
EVT_TC(keepudata__keeps, "KQ-076",
    "EV_KEEPUDATA spares the stored udata, and is EINVAL with EV_ADD")
{
	static const unsigned int flags[] = { 0, EV_ENABLE, EV_DISABLE };
	struct kevent ev;
	int a, b, i, kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 5);
	kq = evt_kq();
	ATF_REQUIRE_EQ(evt_change_errno(kq, s[0], EVFILT_READ,
	    EV_ADD | EV_KEEPUDATA, 0, 0, &a), EINVAL);
	ATF_REQUIRE_EQ(evt_change_errno(kq, s[0], EVFILT_READ, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, 0, 0, &a);
	for (i = 0; i < EVT_NITEMS(flags); i++)
		evt_change(kq, s[0], EVFILT_READ, flags[i] | EV_KEEPUDATA,
		    NOTE_LOWAT, 5, &b);
	evt_none(kq);

	/* The rest is replaced as ever. */
	evt_change(kq, s[0], EVFILT_READ, EV_ENABLE | EV_KEEPUDATA,
	    NOTE_LOWAT, 7, &b);
	evt_none(kq);
	evt_write(s[1], 1);
	evt_none(kq);
	evt_write(s[1], 1);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == &a);
	ATF_REQUIRE_EQ(evt_change_errno(kq, s[0], EVFILT_READ,
	    EV_ADD | EV_KEEPUDATA, 0, 0, &b), EINVAL);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == &a);
	evt_close(kq);
	evt_close(s[0]);
	evt_close(s[1]);
}
#endif

#ifdef EV_FORCEONESHOT
EVT_TC(forceoneshot__fires_once_now, "KQ-077 KQ-102",
    "EV_FORCEONESHOT makes a knote fire once whatever its state, and go")
{
	static const int filters[] = { EVFILT_READ, EVFILT_WRITE, EVFILT_USER,
	    EVFILT_TIMER };
	struct kevent ev;
	int a, i, kq, s[2];

	/* A full socket: neither filter has anything to report. */
	evt_sockpair(s, SOCK_STREAM);
	(void)evt_fill(s[0]);
	kq = evt_kq();
	ATF_REQUIRE_EQ(evt_change_errno(kq, s[0], EVFILT_READ,
	    EV_FORCEONESHOT, 0, 0, NULL), ENOENT);
	for (i = 0; i < EVT_NITEMS(filters); i++) {
		evt_change(kq, s[0], filters[i], EV_ADD, 0, 60000, &a);
		evt_none(kq);
		evt_change(kq, s[0], filters[i], EV_FORCEONESHOT, 0, 60000,
		    &a);
		ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(ev.ident, (uintptr_t)s[0]);
		ATF_REQUIRE_EQ((int)ev.filter, filters[i]);
		ATF_REQUIRE(ev.udata == &a);
		ATF_REQUIRE_EQ(evt_change_errno(kq, s[0], filters[i],
		    EV_DELETE, 0, 0, NULL), ENOENT);
		evt_none(kq);
	}
	(void)evt_drain(s[1]);
	evt_none(kq);
	/* It goes with its descriptor, though that lives on. */
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq, s[0], EVFILT_READ, EV_FORCEONESHOT, 0, 0, NULL);
	ATF_REQUIRE((i = dup(s[0])) != -1);
	evt_close(s[0]);
	evt_none(kq);
	evt_close(kq);
	evt_close(i);
	evt_close(s[1]);
}
#endif

EVT_TC(udata__bit_for_bit, "KQ-078",
    "udata comes back bit for bit, from every filter")
{
	static const uintptr_t values[] = { 0, 1, (uintptr_t)-1,
	    (uintptr_t)0xa5a5a5a55a5a5a5aULL, (uintptr_t)1 << 31,
	    UINTPTR_MAX / 2 + 1 };
	struct kevent ev;
	int i, kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	for (i = 0; i < EVT_NITEMS(values); i++) {
		void *udata = (void *)values[i];

		kq = evt_kq();
		evt_change(kq, s[0], EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0,
		    udata);
		evt_one(kq, &ev);
		ATF_REQUIRE((uintptr_t)ev.udata == values[i]);
		evt_change(kq, s[0], EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0,
		    udata);
		evt_one(kq, &ev);
		ATF_REQUIRE((uintptr_t)ev.udata == values[i]);
		evt_change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1,
		    udata);
		evt_one(kq, &ev);
		ATF_REQUIRE((uintptr_t)ev.udata == values[i]);
		evt_change(kq, SIGURG, EVFILT_SIGNAL, EV_ADD | EV_ONESHOT, 0,
		    0, udata);
		ATF_REQUIRE(raise(SIGURG) == 0);
		evt_one(kq, &ev);
		ATF_REQUIRE((uintptr_t)ev.udata == values[i]);
		evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_ONESHOT, 0, 0,
		    udata);
		evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, udata);
		evt_one(kq, &ev);
		ATF_REQUIRE((uintptr_t)ev.udata == values[i]);
		evt_close(kq);
	}
	evt_close(s[0]);
	evt_close(s[1]);
}

#if defined(EVANY_SYS_EVENT_H) || (defined(__FreeBSD__) && __FreeBSD__ >= 12)
EVT_TC(ext__comes_back, "KQ-079",
    "EV_SET clears the ext words, and a knote gives its own back")
{
	struct kevent ch, ev;
	int i, kq, p[2];

	memset(&ch, 0xff, sizeof(ch));
	EV_SET(&ch, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	for (i = 0; i < 4; i++)
		ATF_REQUIRE_EQ(ch.ext[i], 0);
	evt_pipe(p);
	evt_write(p[1], 1);
	kq = evt_kq();
	EV_SET(&ch, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	for (i = 0; i < 4; i++)
		ch.ext[i] = UINT64_C(0x1122334455667700) + (uint64_t)i;
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, NULL, 0, NULL), 0);
	memset(&ev, 0, sizeof(ev));
	evt_one(kq, &ev);
	for (i = 0; i < 4; i++)
		ATF_REQUIRE_MSG(ev.ext[i] == ch.ext[i], "ext[%d]", i);

	/* A filter that has values of its own to give back. */
	EV_SET(&ch, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	ch.ext[2] = 22;
	ch.ext[3] = UINT64_MAX;
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, NULL, 0, NULL), 0);
	ch.flags = 0;
	ch.fflags = NOTE_TRIGGER;
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, NULL, 0, NULL), 0);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(ev.ext[2], 22);
	ATF_REQUIRE_EQ(ev.ext[3], UINT64_MAX);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}
#endif

/* ---- deleting --------------------------------------------------------- */

EVT_TC(delete__takes_the_event_along, "KQ-087",
    "A pending event of a deleted knote is never returned")
{
	struct kevent ch[6];
	char path[EVT_PATH_MAX];
	struct kevent ev;
	int clock, fd, i, kq, n = 0, p[2];

	evt_pipe(p);
	fd = evt_tmpfile(path);
	kq = evt_kq();
	clock = evt_kq();
	evt_write(p[1], 1);
	EV_SET(&ch[n++], p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[n++], p[1], EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, NULL);
	EV_SET(&ch[n++], 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[n++], 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1, NULL);
	EV_SET(&ch[n++], SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[n++], fd, EVFILT_VNODE, EV_ADD, NOTE_WRITE, 0, NULL);
	ATF_REQUIRE_EQ(evt_kevent(kq, ch, n, NULL, 0, NULL), 0);
	evt_trigger(kq, 1);
	ATF_REQUIRE(raise(SIGURG) == 0);
	evt_write(fd, 1);

	/* Another queue tells when the timer has certainly gone off. */
	evt_change(clock, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 10, NULL);
	evt_one(clock, &ev);
	evt_close(clock);
	for (i = 0; i < n; i++)
		ch[i].flags = EV_DELETE;
	ATF_REQUIRE_EQ(evt_kevent(kq, ch, n, NULL, 0, NULL), 0);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	evt_close(kq);
	evt_close(fd);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(change__of_nothing, "KQ-088",
    "Deleting, enabling, disabling or changing what is not there: ENOENT")
{
	static const unsigned int flags[] = { EV_DELETE, EV_ENABLE, EV_DISABLE,
	    0, EV_DELETE | EV_ENABLE, EV_CLEAR };
	static const int filters[] = { EVFILT_READ, EVFILT_WRITE, EVFILT_VNODE,
	    EVFILT_TIMER, EVFILT_SIGNAL, EVFILT_PROC, EVFILT_USER };
	int i, j, kq, other, s[2];

	evt_sockpair(s, SOCK_STREAM);
	kq = evt_kq();
	other = evt_kq();
	for (i = 0; i < EVT_NITEMS(filters); i++) {
		/* A knote of another queue or filter is no help. */
		if (filters[i] != EVFILT_VNODE && filters[i] != EVFILT_PROC &&
		    filters[i] != EVFILT_SIGNAL)
			evt_change(other, s[0], filters[i], EV_ADD, 0, 60000,
			    NULL);
		for (j = 0; j < EVT_NITEMS(flags); j++)
			ATF_REQUIRE_EQ(evt_change_errno(kq, s[0], filters[i],
			    flags[j], 0, 0, NULL), ENOENT);
	}
	evt_close(kq);
	evt_close(other);
	evt_close(s[0]);
	evt_close(s[1]);
}

EVT_TC(change__of_a_closed_descriptor, "KQ-089",
    "A closed number is EBADF before it is ENOENT")
{
	static const unsigned int flags[] = { EV_DELETE, EV_ENABLE, EV_DISABLE,
	    0, EV_ADD };
	static const int filters[] = { EVFILT_READ, EVFILT_WRITE,
	    EVFILT_VNODE };
	int i, j, kq, p[2], round;

	/* One that had a knote, and one that had none. */
	kq = evt_kq();
	for (round = 0; round < 2; round++) {
		evt_pipe(p);
		if (round == 0)
			evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
		evt_close(p[0]);
		for (i = 0; i < EVT_NITEMS(filters); i++)
			for (j = 0; j < EVT_NITEMS(flags); j++)
				ATF_REQUIRE_EQ(evt_change_errno(kq, p[0],
				    filters[i], flags[j], 0, 0, NULL), EBADF);
		evt_close(p[1]);
	}
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(change__add_and_delete, "KQ-090",
    "EV_ADD with EV_DELETE makes a new knote where there was none")
{
	struct kevent ev;
	int a, error, kq, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	kq = evt_kq();
	error = evt_change_errno(kq, p[0], EVFILT_READ, EV_ADD | EV_DELETE, 0,
	    0, NULL);
#ifdef __APPLE__
	ATF_REQUIRE_EQ(error, ENOENT);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
#else
	ATF_REQUIRE_EQ(error, 0);
#endif
	evt_one(kq, &ev);
	EVT_EVENT(&ev, p[0], EVFILT_READ, 0, 0, 1);

	/* An existing one is modified by ours; the systems differ. */
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_DELETE, 0, 0, &a);
	if (!evt_native()) {
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.udata == &a);
	}
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, ident__with_filter);
	EVT_TP_ADD_TC(tp, ident__per_queue);
	EVT_TP_ADD_TC(tp, ident__of_a_duplicate);
	EVT_TP_ADD_TC(tp, readd__no_second_knote);
	EVT_TP_ADD_TC(tp, readd__replaces);
	EVT_TP_ADD_TC(tp, readd__keeps_the_mode);
	EVT_TP_ADD_TC(tp, readd__looks_again);
	EVT_TP_ADD_TC(tp, readd__looks_at_one_filter);
	EVT_TP_ADD_TC(tp, readd__keeps_what_is_pending);
#if !defined(__OpenBSD__) && !defined(__NetBSD__)
	EVT_TP_ADD_TC(tp, change__looks_again);
	EVT_TP_ADD_TC(tp, change__replaces_too);
#endif
#ifdef EV_KEEPUDATA
	EVT_TP_ADD_TC(tp, keepudata__keeps);
#endif
#ifdef EV_FORCEONESHOT
	EVT_TP_ADD_TC(tp, forceoneshot__fires_once_now);
#endif
	EVT_TP_ADD_TC(tp, udata__bit_for_bit);
#if defined(EVANY_SYS_EVENT_H) || (defined(__FreeBSD__) && __FreeBSD__ >= 12)
	EVT_TP_ADD_TC(tp, ext__comes_back);
#endif
	EVT_TP_ADD_TC(tp, delete__takes_the_event_along);
	EVT_TP_ADD_TC(tp, change__of_nothing);
	EVT_TP_ADD_TC(tp, change__of_a_closed_descriptor);
	EVT_TP_ADD_TC(tp, change__add_and_delete);
	return (atf_no_error());
}
