/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Changes that fail, and changes that ask for a receipt: what is written,
 * where the list ends, which changes have happened, what the call returns.
 *
 * USER knotes stand for all where the place of a failure does not matter: a
 * change to one that does not exist is ENOENT.
 */
#include "config.h"

#include "evt.h"

#include <sys/mman.h>
#include <sys/socket.h>

#define EVT_LONG	(int64_t)EVT_WAIT_MS * 900000

static bool
has_user(int kq, uintptr_t ident)
{
	return (evt_change_errno(kq, ident, EVFILT_USER, EV_ENABLE, 0, 0,
	    NULL) == 0);
}

/* A queue with one pending EV_CLEAR event of ident 900. */
static int
kq_pending(void)
{
	int kq = evt_kq();

	evt_change(kq, 900, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_change(kq, 900, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	return (kq);
}

static void
expect_pending(int kq)
{
	struct kevent ev;

	evt_one(kq, &ev);
	EVT_EVENT(&ev, 900, EVFILT_USER, EV_CLEAR, 0, 0);
}

static void
set_add(struct kevent *ev, uintptr_t ident)
{
	EV_SET(ev, ident, EVFILT_USER, EV_ADD, 0, 0, NULL);
}

static void
set_bad(struct kevent *ev, uintptr_t ident)
{
	EV_SET(ev, ident, EVFILT_USER, EV_DELETE, 0, 0, NULL);
}

static void
set_receipt(struct kevent *ev, uintptr_t ident)
{
	EV_SET(ev, ident, EVFILT_USER, EV_ADD | EV_RECEIPT, 0, 0, NULL);
}

/* ---- the entry -------------------------------------------------------- */

EVT_TC(error__entry, "KQ-034 KQ-099",
    "A failing change with room gives an entry: EV_ERROR alone, the errno")
{
	struct kevent ch, ev[3];
	int kq, p[2];

	evt_pipe(p);
	kq = evt_kq();
	evt_close(p[0]);
	EV_SET(&ch, p[0], EVFILT_READ, EV_ADD | EV_CLEAR | EV_DISABLE, 0, 0,
	    NULL);
	errno = 77;
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, ev, 3, NULL), 1);
	ATF_REQUIRE_EQ(errno, 77);
	EVT_ERROR(&ev[0], p[0], EVFILT_READ, EBADF);
	set_bad(&ch, 5);
	errno = 77;
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, ev, 1, NULL), 1);
	ATF_REQUIRE_EQ(errno, 77);
	EVT_ERROR(&ev[0], 5, EVFILT_USER, ENOENT);
	EV_SET(&ch, 5, -1000, EV_ADD | EV_RECEIPT, 0, 0, NULL);
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, ev, 1, NULL), 1);
	EVT_ERROR(&ev[0], 5, -1000, EINVAL);
	evt_close(kq);
	evt_close(p[1]);
}

EVT_TC(error__entry_names_the_change, "KQ-035",
    "The entry has the change's ident, filter and udata; fflags by kind")
{
	struct kevent ch, ev;
	int a, kq, p[2];

	evt_pipe(p);
	kq = evt_kq();

	/* Before the attach: nothing is changed. */
	EV_SET(&ch, 12345678, EVFILT_READ, EV_ADD, NOTE_LOWAT, 44, &a);
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, &ev, 1, NULL), 1);
	EVT_ERROR(&ev, 12345678, EVFILT_READ, EBADF);
	ATF_REQUIRE(ev.udata == &a);
	ATF_REQUIRE_EQ(ev.fflags, NOTE_LOWAT);
	EV_SET(&ch, 6, EVFILT_USER, EV_ENABLE, 0x123, 44, &kq);
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, &ev, 1, NULL), 1);
	EVT_ERROR(&ev, 6, EVFILT_USER, ENOENT);
	ATF_REQUIRE(ev.udata == &kq);
	ATF_REQUIRE_EQ(ev.fflags, 0x123);
	EV_SET(&ch, UINTPTR_MAX, -1000, EV_ADD, 0xabcdef, 44, &a);
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, &ev, 1, NULL), 1);
	ATF_REQUIRE_EQ(ev.data, EINVAL);
	ATF_REQUIRE(ev.ident == UINTPTR_MAX);
	ATF_REQUIRE(ev.udata == &a);
	ATF_REQUIRE_EQ(ev.fflags, 0xabcdef);

	/* The attach itself: fflags are gone. */
	EV_SET(&ch, p[0], EVFILT_VNODE, EV_ADD, NOTE_WRITE | NOTE_LINK, 44,
	    &a);
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, &ev, 1, NULL), 1);
	ATF_REQUIRE(ev.data != 0);
	EVT_ERROR(&ev, p[0], EVFILT_VNODE, ev.data == EINVAL ? EINVAL :
	    EOPNOTSUPP);
	ATF_REQUIRE(ev.udata == &a);
	ATF_REQUIRE_EQ(ev.fflags, 0);
	EV_SET(&ch, 0x3ffffff0, EVFILT_PROC, EV_ADD, NOTE_EXIT, 44, &a);
	ATF_REQUIRE_EQ(kevent(kq, &ch, 1, &ev, 1, NULL), 1);
	EVT_ERROR(&ev, 0x3ffffff0, EVFILT_PROC, ESRCH);
	ATF_REQUIRE(ev.udata == &a);
	ATF_REQUIRE_EQ(ev.fflags, 0);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- the rest of the list --------------------------------------------- */

EVT_TC(error__rest_is_applied, "KQ-036 KQ-030",
    "After a failing change the others are applied while there is room")
{
	struct kevent ch[5], ev[5];
	int kq;

	kq = evt_kq();
	set_add(&ch[0], 1);
	set_bad(&ch[1], 101);
	set_add(&ch[2], 2);
	set_bad(&ch[3], 102);
	set_add(&ch[4], 3);
	ATF_REQUIRE_EQ(kevent(kq, ch, 5, ev, 5, NULL), 2);
	EVT_ERROR(&ev[0], 101, EVFILT_USER, ENOENT);
	EVT_ERROR(&ev[1], 102, EVFILT_USER, ENOENT);
	ATF_REQUIRE(has_user(kq, 1));
	ATF_REQUIRE(has_user(kq, 2));
	ATF_REQUIRE(has_user(kq, 3));
	evt_close(kq);

	/* Room for exactly as many as fail. */
	kq = evt_kq();
	ATF_REQUIRE_EQ(kevent(kq, ch, 5, ev, 2, NULL), 2);
	ATF_REQUIRE(has_user(kq, 3));
	evt_close(kq);
}

EVT_TC(error__without_room, "KQ-037",
    "A failing change with nevents 0 fails the call where it stands")
{
	struct kevent ch[4];
	int kq;

	kq = evt_kq();
	set_add(&ch[0], 1);
	set_bad(&ch[1], 101);
	set_add(&ch[2], 2);
	EV_SET(&ch[3], 3, -1000, EV_ADD, 0, 0, NULL);
	errno = 0;
	ATF_REQUIRE_EQ(kevent(kq, ch, 4, NULL, 0, NULL), -1);
	ATF_REQUIRE_EQ(errno, ENOENT);
	ATF_REQUIRE(has_user(kq, 1));
	ATF_REQUIRE(!has_user(kq, 2));
	errno = 0;
	ATF_REQUIRE_EQ(kevent(kq, &ch[2], 2, NULL, 0, NULL), -1);
	ATF_REQUIRE_EQ(errno, EINVAL);
	ATF_REQUIRE(has_user(kq, 2));
	evt_close(kq);
}

EVT_TC(error__list_full, "KQ-037 KQ-038",
    "So does the first failure that finds the list full of error entries")
{
	struct kevent ch[5], ev[3];
	int kq;

	kq = evt_kq();
	set_bad(&ch[0], 101);
	set_add(&ch[1], 1);
	EV_SET(&ch[2], 102, -1000, EV_ADD, 0, 0, NULL);
	set_add(&ch[3], 2);
	set_bad(&ch[4], 103);
	memset(ev, 0x5a, sizeof(ev));
	errno = 0;
	ATF_REQUIRE_EQ(kevent(kq, ch, 5, ev, 1, NULL), -1);
	ATF_REQUIRE_EQ(errno, EINVAL);
	EVT_ERROR(&ev[0], 101, EVFILT_USER, ENOENT);
	ATF_REQUIRE_EQ(ev[1].ident, ev[2].ident);
	ATF_REQUIRE(has_user(kq, 1));
	ATF_REQUIRE(!has_user(kq, 2));
	errno = 0;
	ATF_REQUIRE_EQ(kevent(kq, ch, 5, ev, 2, NULL), -1);
	ATF_REQUIRE_EQ(errno, ENOENT);
	ATF_REQUIRE(has_user(kq, 2));
	evt_close(kq);
}

EVT_TC(error__among_many_descriptors, "KQ-036 KQ-037",
    "One bad descriptor among a hundred changes: which ones have happened")
{
	enum { N = 100, BAD = 50 };
	struct kevent ch[N], ev[2];
	int fds[N], i, kq, kqs[2], p[2], way;

	evt_pipe(p);
	kqs[0] = evt_kq();
	kqs[1] = evt_kq();

	/* A high number, which nothing that the library opens will get. */
	for (i = 0; i < N; i++)
		ATF_REQUIRE((fds[i] = fcntl(p[0], F_DUPFD, i == BAD ? 250 :
		    20)) != -1);
	evt_close(fds[BAD]);
	for (way = 0; way < 2; way++) {
		kq = kqs[way];
		for (i = 0; i < N; i++)
			EV_SET(&ch[i], fds[i], EVFILT_READ, EV_ADD, 0, 0,
			    NULL);
		if (way == 0) {
			errno = 0;
			ATF_REQUIRE_EQ(kevent(kq, ch, N, NULL, 0, NULL), -1);
			ATF_REQUIRE_EQ(errno, EBADF);
		} else {
			ATF_REQUIRE_EQ(kevent(kq, ch, N, ev, 2, NULL), 1);
			EVT_ERROR(&ev[0], fds[BAD], EVFILT_READ, EBADF);
		}
		for (i = 0; i < N; i++)
			ATF_REQUIRE_EQ(evt_change_errno(kq, fds[i],
			    EVFILT_READ, EV_DELETE, 0, 0, NULL), i == BAD ?
			    EBADF : i < BAD || way == 1 ? 0 : ENOENT);
	}
	evt_close(kqs[0]);
	evt_close(kqs[1]);
	for (i = 0; i < N; i++)
		if (i != BAD)
			evt_close(fds[i]);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- how much is written ---------------------------------------------- */

EVT_TC(guard__nothing_past_the_list, "KQ-038",
    "Errors, receipts and events together never exceed nevents")
{
	struct kevent ch[16], *ev;
	size_t page;
	char *map;
	int i, kind, kq, n, room, s[2];

	page = (size_t)sysconf(_SC_PAGESIZE);
	map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	ATF_REQUIRE(map != MAP_FAILED);
	ATF_REQUIRE(mprotect(map + page, page, PROT_NONE) == 0);
	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	for (kind = 0; kind < 5; kind++)
		for (room = 0; room <= 5; room++) {
			kq = evt_kq();

			/* The list ends where the page ends. */
			ev = (struct kevent *)(void *)(map + page) - room;
			for (i = 0; i < 16; i++) {
				if (kind == 0)
					set_bad(&ch[i], 1);
				else if (kind == 1)
					set_receipt(&ch[i], (uintptr_t)i);
				else if (kind == 2 && i % 2 == 0)
					set_bad(&ch[i], 200);
				else if (kind == 2)
					set_receipt(&ch[i], 1);
				else
					EV_SET(&ch[i], (uintptr_t)(i / 2),
					    EVFILT_USER, EV_ADD, i % 2 != 0 ?
					    NOTE_TRIGGER : 0, 0, NULL);
			}
			if (kind == 4) {
				evt_change(kq, s[0], EVFILT_READ, EV_ADD, 0,
				    0, NULL);
				evt_change(kq, s[0], EVFILT_WRITE, EV_ADD, 0,
				    0, NULL);
			}
			n = evt_kevent_ms(kq, ch, 16, ev, room, 0);
			ATF_REQUIRE_MSG(n <= room, "kind %d: %d of %d", kind,
			    n, room);
			if (kind >= 3)
				ATF_REQUIRE_MSG(n == room, "kind %d: %d of %d",
				    kind, n, room);
			evt_close(kq);
		}
	ATF_REQUIRE(munmap(map, 2 * page) == 0);
	evt_close(s[0]);
	evt_close(s[1]);
}

EVT_TC(error__no_wait_no_events, "KQ-039",
    "A call with error or receipt entries neither waits nor delivers")
{
	struct kevent ch[3], ev[8];
	int64_t start;
	int kq;

	/* Nothing else pending: a wait would never end. */
	kq = evt_kq();
	start = evt_now_ns();
	set_bad(&ch[0], 1);
	ATF_REQUIRE_EQ(kevent(kq, ch, 1, ev, 8, NULL), 1);
	set_receipt(&ch[0], 2);
	ATF_REQUIRE_EQ(kevent(kq, ch, 1, ev, 8, NULL), 1);
	ATF_REQUIRE_EQ(evt_kevent_ms(kq, ch, 1, ev, 8, 100000), 1);
	evt_close(kq);

	/* Pending before the call, and made so by the same call. */
	kq = kq_pending();
	EV_SET(&ch[0], 3, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	EV_SET(&ch[1], 3, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	set_bad(&ch[2], 1);
	ATF_REQUIRE_EQ(kevent(kq, ch, 3, ev, 8, NULL), 1);
	EVT_ERROR(&ev[0], 1, EVFILT_USER, ENOENT);
	ATF_REQUIRE(evt_now_ns() - start < EVT_LONG);
	ATF_REQUIRE_EQ(evt_get(kq, ev, 8), 2);
	ATF_REQUIRE_EQ(ev[0].ident, 900);
	ATF_REQUIRE_EQ(ev[1].ident, 3);
	evt_none(kq);
	evt_close(kq);
}

/* ---- receipts --------------------------------------------------------- */

EVT_TC(receipt__per_change_in_order, "KQ-040 KQ-039",
    "Each good change with EV_RECEIPT is answered by EV_ERROR, data 0")
{
	struct kevent ch[4], ev[4];
	int i, kq;

	kq = evt_kq();
	set_receipt(&ch[0], 4);
	set_add(&ch[1], 3);
	set_receipt(&ch[2], 2);
	set_receipt(&ch[3], 1);
	for (i = 0; i < 4; i++)
		ch[i].udata = (__typeof__(ch[i].udata))&ch[i];
	errno = 77;
	ATF_REQUIRE_EQ(kevent(kq, ch, 4, ev, 4, NULL), 3);
	ATF_REQUIRE_EQ(errno, 77);
	EVT_ERROR(&ev[0], 4, EVFILT_USER, 0);
	EVT_ERROR(&ev[1], 2, EVFILT_USER, 0);
	EVT_ERROR(&ev[2], 1, EVFILT_USER, 0);
	ATF_REQUIRE(ev[1].udata == ch[2].udata);

	/* Any change can ask for one. */
	EV_SET(&ch[0], 4, EVFILT_USER, EV_DISABLE | EV_RECEIPT, 0, 0, NULL);
	EV_SET(&ch[1], 4, EVFILT_USER, EV_ENABLE | EV_RECEIPT, 0, 0, NULL);
	EV_SET(&ch[2], 4, EVFILT_USER, EV_RECEIPT, NOTE_TRIGGER, 0, NULL);
	EV_SET(&ch[3], 4, EVFILT_USER, EV_DELETE | EV_RECEIPT, 0, 0, NULL);
	ATF_REQUIRE_EQ(kevent(kq, ch, 4, ev, 4, NULL), 4);
	for (i = 0; i < 4; i++)
		EVT_ERROR(&ev[i], 4, EVFILT_USER, 0);
	ATF_REQUIRE(!has_user(kq, 4));
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(receipt__of_a_failure, "KQ-041",
    "A bad change with EV_RECEIPT is answered by its errno")
{
	struct kevent ch[3], ev[3];
	int kq;

	kq = evt_kq();
	set_receipt(&ch[0], 1);
	EV_SET(&ch[1], 99, EVFILT_USER, EV_DELETE | EV_RECEIPT, 0, 0, NULL);
	EV_SET(&ch[2], -1, EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0, NULL);
	ATF_REQUIRE_EQ(kevent(kq, ch, 3, ev, 3, NULL), 3);
	EVT_ERROR(&ev[0], 1, EVFILT_USER, 0);
	EVT_ERROR(&ev[1], 99, EVFILT_USER, ENOENT);
	EVT_ERROR(&ev[2], (uintptr_t)-1, EVFILT_READ, EBADF);
	evt_close(kq);
}

EVT_TC(receipt__events_stay, "KQ-042",
    "A call that returns receipts leaves the pending events in the queue")
{
	struct kevent ch, ev[8];
	int i, kq, n, p[2], seen;

	evt_pipe(p);
	evt_write(p[1], 1);
	kq = kq_pending();
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0, NULL);
	evt_change(kq, p[1], EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, NULL);
	set_receipt(&ch, 1);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(evt_kevent_ms(kq, &ch, 1, ev, 8, -1), 1);
		EVT_ERROR(&ev[0], 1, EVFILT_USER, 0);
	}
	n = evt_get(kq, ev, 8);
	ATF_REQUIRE_EQ(n, 3);
	for (i = seen = 0; i < n; i++)
		seen |= ev[i].filter == EVFILT_READ ? 1 :
		    ev[i].filter == EVFILT_WRITE ? 2 : 4;
	ATF_REQUIRE_EQ(seen, 7);
	evt_none(kq);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(receipt__is_stored, "KQ-043 KQ-072",
    "EV_RECEIPT of the registration shows in the flags of later events")
{
	struct kevent ch[3], ev[3];
	int i, kq, n, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	kq = evt_kq();
	EV_SET(&ch[0], p[0], EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0, NULL);
	EV_SET(&ch[1], 1, EVFILT_USER, EV_ADD | EV_RECEIPT, 0, 0, NULL);
	EV_SET(&ch[2], 1, EVFILT_TIMER, EV_ADD | EV_RECEIPT, 0, 1, NULL);
	ATF_REQUIRE_EQ(kevent(kq, ch, 3, ev, 3, NULL), 3);
	EV_SET(&ch[0], p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[1], 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	ATF_REQUIRE_EQ(kevent(kq, ch, 2, NULL, 0, NULL), 0);
	for (i = 0; i < 5; i++) {
		n = evt_get(kq, ev, 3);
		ATF_REQUIRE(n >= 2);
		while (n-- > 0)
			ATF_REQUIRE_MSG((ev[n].flags & EV_RECEIPT) != 0, "%s",
			    evt_text(&ev[n]));
	}
	evt_close(kq);

	/* And not where it came only later. */
	kq = evt_kq();
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[0], p[0], EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0, NULL);
	ATF_REQUIRE_EQ(kevent(kq, ch, 1, ev, 3, NULL), 1);
	evt_one(kq, &ev[0]);
	ATF_REQUIRE_EQ(ev[0].flags & EV_RECEIPT, 0);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(receipt__without_room, "KQ-044",
    "A receipt without room ends the list, and its change has happened")
{
	struct kevent ch[3], ev[2];
	int kq, n, room;

	for (room = 0; room <= 2; room++) {
		kq = kq_pending();
		set_receipt(&ch[0], 1);
		set_receipt(&ch[1], 2);
		set_receipt(&ch[2], 3);
		n = evt_kevent_ms(kq, ch, 3, ev, room, -1);
		if (evt_native())
			ATF_REQUIRE(n == room || n == 0);
		else
			ATF_REQUIRE_EQ(n, room);
		if (room > 0)
			EVT_ERROR(&ev[0], 1, EVFILT_USER, 0);
		if (room > 1)
			EVT_ERROR(&ev[1], 2, EVFILT_USER, 0);
		ATF_REQUIRE(has_user(kq, 1));
		ATF_REQUIRE_EQ(has_user(kq, 2), room >= 1);
		ATF_REQUIRE_EQ(has_user(kq, 3), room >= 2);
		expect_pending(kq);
		evt_close(kq);
	}
}

EVT_TC(receipt__after_errors_without_room, "KQ-044 KQ-037",
    "A list full of errors ends at a receipt, one full of receipts fails")
{
	struct kevent ch[3], ev[1];
	int kq, n;

	kq = kq_pending();
	set_bad(&ch[0], 100);
	set_receipt(&ch[1], 1);
	set_add(&ch[2], 2);
	n = kevent(kq, ch, 3, ev, 1, NULL);
	ATF_REQUIRE(n == 1 || (evt_native() && n == 0));
	EVT_ERROR(&ev[0], 100, EVFILT_USER, ENOENT);
	ATF_REQUIRE(has_user(kq, 1));
	ATF_REQUIRE(!has_user(kq, 2));
	set_receipt(&ch[0], 1);
	set_bad(&ch[1], 100);
	errno = 0;
	ATF_REQUIRE_EQ(kevent(kq, ch, 3, ev, 1, NULL), -1);
	ATF_REQUIRE_EQ(errno, ENOENT);
	ATF_REQUIRE(!has_user(kq, 2));
	expect_pending(kq);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, error__entry);
	EVT_TP_ADD_TC(tp, error__entry_names_the_change);
	EVT_TP_ADD_TC(tp, error__rest_is_applied);
	EVT_TP_ADD_TC(tp, error__without_room);
	EVT_TP_ADD_TC(tp, error__list_full);
	EVT_TP_ADD_TC(tp, error__among_many_descriptors);
	EVT_TP_ADD_TC(tp, guard__nothing_past_the_list);
	EVT_TP_ADD_TC(tp, error__no_wait_no_events);
	EVT_TP_ADD_TC(tp, receipt__per_change_in_order);
	EVT_TP_ADD_TC(tp, receipt__of_a_failure);
	EVT_TP_ADD_TC(tp, receipt__events_stay);
	EVT_TP_ADD_TC(tp, receipt__is_stored);
	EVT_TP_ADD_TC(tp, receipt__without_room);
	EVT_TP_ADD_TC(tp, receipt__after_errors_without_room);
	return (atf_no_error());
}
