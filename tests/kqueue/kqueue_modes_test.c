/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Level, EV_CLEAR, EV_ONESHOT and EV_DISPATCH, for one knote and for the two
 * filters of one descriptor, whose modes must not touch each other.
 */
#include "config.h"

#include "evt.h"

#include <sys/socket.h>
#include <sys/stat.h>

static bool
present(int kq, uintptr_t ident, int filter)
{
	return (evt_change_errno(kq, ident, filter, EV_DELETE, 0, 0, NULL) ==
	    0);
}

/* ---- level ------------------------------------------------------------ */

EVT_TC(level__every_call, "KQ-094",
    "A level knote is returned by every call while its condition holds")
{
	struct kevent ev[4];
	char c;
	int i, kq, listener, s[2], t[2];
	unsigned short port;

	evt_sockpair(s, SOCK_STREAM);
	listener = evt_tcp_listen(&port);
	t[0] = evt_tcp_connect(port);
	kq = evt_kq();
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq, s[0], EVFILT_WRITE, EV_ADD, 0, 0, NULL);
	evt_change(kq, listener, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_write(s[1], 3);
	for (i = 0; i < 5; i++)
		ATF_REQUIRE_EQ(evt_get(kq, ev, 4), 3);
	ATF_REQUIRE_EQ(read(s[0], &c, 1), 1);
	for (i = 0; i < 5; i++)
		ATF_REQUIRE_EQ(evt_get(kq, ev, 4), 3);
	ATF_REQUIRE_EQ(evt_drain(s[0]), 2);
	ATF_REQUIRE((t[1] = accept(listener, NULL, NULL)) != -1);
	for (i = 0; i < 3; i++) {
		evt_one(kq, ev);
		ATF_REQUIRE_EQ(ev[0].filter, EVFILT_WRITE);
	}
	evt_close(kq);
	evt_close(listener);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(t[0]);
	evt_close(t[1]);
}

/* ---- EV_CLEAR --------------------------------------------------------- */

static void
clear_quiet(int kq, int64_t told)
{
	struct kevent ev;

	if (evt_kevent_ms(kq, NULL, 0, &ev, 1, EVT_QUIET_MS) != 0 &&
	    !evt_doubt(told))
		atf_tc_fail("unexpected event {%s}", evt_text(&ev));
}

EVT_TC(clear__unchanged_is_quiet, "KQ-092",
    "An unchanged condition is not returned twice with EV_CLEAR")
{
	struct kevent ev[4];
	char path[EVT_PATH_MAX];
	int64_t told;
	char c;
	int fd, i, kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	fd = evt_tmpfile(path);
	kq = evt_kq();
	evt_change(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_change(kq, s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_change(kq, fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_WRITE, 0,
	    NULL);
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_write(s[1], 2);
	evt_write(fd, 1);
	evt_trigger(kq, 1);
	told = evt_now_ns();
	ATF_REQUIRE_EQ(evt_get(kq, ev, 4), 4);
	for (i = 0; i < 3; i++)
		clear_quiet(kq, told);

	/* Reading a part is no new data, though it may be taken for some. */
	ATF_REQUIRE_EQ(read(s[0], &c, 1), 1);
	EVT_APPROX(evt_poll(kq, ev, 4) == 0, "a partial read is reported");
	clear_quiet(kq, told);
	evt_close(kq);
	evt_close(fd);
	evt_close(s[0]);
	evt_close(s[1]);
}

EVT_TC(clear__new_activity, "KQ-093",
    "Each new activity is returned, with the total of now")
{
	struct kevent ev;
	int i, kq, listener, s[2], t[4];
	unsigned short port;

	evt_sockpair(s, SOCK_STREAM);
	kq = evt_kq();
	evt_change(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	for (i = 1; i <= 4; i++) {
		evt_write(s[1], 10);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, s[0], EVFILT_READ, EV_CLEAR, 0, 10 * i);
	}

	/* Two at once are one event. */
	evt_write(s[1], 10);
	evt_write(s[1], 10);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, s[0], EVFILT_READ, EV_CLEAR, 0, 60);
	evt_none(kq);
	ATF_REQUIRE_EQ(evt_drain(s[0]), 60);
	evt_none(kq);
	evt_write(s[1], 1);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, s[0], EVFILT_READ, EV_CLEAR, 0, 1);

	listener = evt_tcp_listen(&port);
	evt_change(kq, listener, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	for (i = 0; i < 3; i++) {
		t[i] = evt_tcp_connect(port);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, listener, EVFILT_READ, EV_CLEAR, 0, i + 1);
	}
	evt_none(kq);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE((t[3] = accept(listener, NULL, NULL)) != -1);
		evt_close(t[3]);
		evt_close(t[i]);
	}
	evt_close(kq);
	evt_close(listener);
	evt_close(s[0]);
	evt_close(s[1]);
}

/* The three ways in which a stream's peer stops sending. */
static void
end_of_stream(int way, int s[2])
{
	switch (way) {
	case 0:
		evt_pipe(s);
		break;
	case 1:
	case 2:
		evt_sockpair(s, SOCK_STREAM);
		break;
	default:
		evt_tcp_pair(s);
		break;
	}
}

EVT_TC(clear__end_is_one_more_event, "KQ-264 KQ-107",
    "After its data event an EV_CLEAR reader hears of the end of the stream")
{
	struct kevent ev;
	int i, kq, s[2], way;

	for (way = 0; way < 5; way++) {
		end_of_stream(way, s);
		kq = evt_kq();
		evt_change(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
		evt_write(s[1], 4);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, s[0], EVFILT_READ, EV_CLEAR, 0, 4);
		evt_none(kq);
		if (way == 2 || way == 4)
			ATF_REQUIRE(shutdown(s[1], SHUT_WR) == 0);
		else
			evt_close(s[1]);
		for (i = 0; i < 3; i++) {
			ATF_REQUIRE_MSG(evt_get(kq, &ev, 1) == 1,
			    "way %d: no event for the end", way);
			if ((ev.flags & EV_EOF) != 0)
				break;
		}
		ATF_REQUIRE_MSG((ev.flags & EV_EOF) != 0, "way %d", way);
		ATF_REQUIRE_EQ(ev.data, 4);
		while (evt_poll(kq, &ev, 1) != 0)
			ATF_REQUIRE_MSG(++i < 10, "way %d: no rest", way);
		evt_close(kq);
		evt_close(s[0]);
		if (way == 2 || way == 4)
			evt_close(s[1]);
	}
}

/* ---- EV_ONESHOT ------------------------------------------------------- */

EVT_TC(oneshot__once_and_gone, "KQ-091",
    "A one-shot knote is returned once, is gone then, can be added anew")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, i, kq, round, s[2];
	struct {
		uintptr_t	ident;
		int		filter;
		unsigned int	fflags;
	} k[6];

	evt_sockpair(s, SOCK_STREAM);
	fd = evt_tmpfile(path);
	memset(k, 0, sizeof(k));
	k[0].filter = EVFILT_READ;
	k[1].filter = EVFILT_WRITE;
	k[0].ident = k[1].ident = (uintptr_t)s[0];
	k[2].filter = EVFILT_USER;
	k[3].filter = EVFILT_TIMER;
	k[4].filter = EVFILT_SIGNAL;
	k[4].ident = SIGURG;
	k[5].filter = EVFILT_VNODE;
	k[5].ident = (uintptr_t)fd;
	k[5].fflags = NOTE_WRITE;
	evt_write(s[1], 1);
	kq = evt_kq();
	for (round = 0; round < 2; round++)
		for (i = 0; i < EVT_NITEMS(k); i++) {
			evt_change(kq, k[i].ident, k[i].filter,
			    EV_ADD | EV_ONESHOT, k[i].fflags, 1, NULL);
			if (i == 2)
				evt_trigger(kq, k[i].ident);
			else if (i == 4)
				ATF_REQUIRE(raise(SIGURG) == 0);
			else if (i == 5)
				evt_write(fd, 1);
			evt_one(kq, &ev);
			ATF_REQUIRE_EQ(ev.ident, k[i].ident);
			ATF_REQUIRE_EQ((int)ev.filter, k[i].filter);
			ATF_REQUIRE((ev.flags & EV_ONESHOT) != 0);
			if (i == 0)
				evt_write(s[1], 1);
			else if (i == 4)
				ATF_REQUIRE(raise(SIGURG) == 0);
			else if (i == 5)
				evt_write(fd, 1);
			evt_none(kq);
			ATF_REQUIRE_EQ(evt_change_errno(kq, k[i].ident,
			    k[i].filter, EV_DELETE, 0, 0, NULL), ENOENT);
			ATF_REQUIRE_EQ(evt_change_errno(kq, k[i].ident,
			    k[i].filter, EV_ENABLE, 0, 0, NULL), ENOENT);
		}
	evt_close(kq);
	evt_close(fd);
	evt_close(s[0]);
	evt_close(s[1]);
}

EVT_TC(oneshot__added_again_and_again, "KQ-091 KQ-031",
    "Re-adding a one-shot knote with the next wait is a loop without loss")
{
	struct kevent ch, ev;
	int i, kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	kq = evt_kq();
	for (i = 0; i < 200; i++) {
		EV_SET(&ch, s[0], EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0, &ch);
		if (i % 2 == 0)
			evt_write(s[1], 1);
		ATF_REQUIRE_EQ(evt_kevent_ms(kq, &ch, 1, &ev, 1, i % 2 == 0 ?
		    EVT_WAIT_MS : 0), i % 2 == 0);
		if (i % 2 == 0) {
			EVT_EVENT(&ev, s[0], EVFILT_READ, EV_ONESHOT, 0, 1);
			ATF_REQUIRE_EQ(evt_drain(s[0]), 1);
		}
	}
	evt_close(kq);
	evt_close(s[0]);
	evt_close(s[1]);
}

/* ---- EV_DISPATCH ------------------------------------------------------ */

EVT_TC(dispatch__once_then_disabled, "KQ-095",
    "An EV_DISPATCH knote is returned once, then disabled but still there")
{
	static const int filters[] = { EVFILT_READ, EVFILT_WRITE, EVFILT_USER,
#ifndef __NetBSD__
	    EVFILT_TIMER, EVFILT_SIGNAL,
#endif
	};
	struct kevent ev;
	int i, kq, s[2];

	for (i = 0; i < EVT_NITEMS(filters); i++) {
		uintptr_t ident;

		evt_sockpair(s, SOCK_STREAM);
		evt_write(s[1], 1);
		kq = evt_kq();
		ident = filters[i] == EVFILT_SIGNAL ? SIGURG :
		    (uintptr_t)s[0];
		evt_change(kq, ident, filters[i], EV_ADD | EV_DISPATCH, 0, 1,
		    NULL);
		if (filters[i] == EVFILT_USER)
			evt_trigger(kq, ident);
		if (filters[i] == EVFILT_SIGNAL)
			ATF_REQUIRE(raise(SIGURG) == 0);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ((int)ev.filter, filters[i]);
		ATF_REQUIRE((ev.flags & EV_DISPATCH) != 0);
		evt_write(s[1], 1);
		if (filters[i] == EVFILT_USER)
			evt_trigger(kq, ident);
		if (filters[i] == EVFILT_SIGNAL)
			ATF_REQUIRE(raise(SIGURG) == 0);
		evt_none(kq);
		ATF_REQUIRE(!evt_readable(kq, 0));
		ATF_REQUIRE(present(kq, ident, filters[i]));
		evt_none(kq);
		evt_close(kq);
		evt_close(s[0]);
		evt_close(s[1]);
	}
}

EVT_TC(dispatch__enabled_again, "KQ-096",
    "EV_ENABLE tests an EV_DISPATCH knote again, with and without news")
{
	struct kevent ev;
	int i, kq, s[2], way;

	for (way = 0; way < 2; way++) {
		if (way == 0)
			evt_pipe(s);
		else
			evt_sockpair(s, SOCK_STREAM);
		kq = evt_kq();
		evt_change(kq, s[0], EVFILT_READ, EV_ADD | EV_DISPATCH, 0, 0,
		    NULL);
		evt_write(s[1], 1);
		for (i = 0; i < 5; i++) {
			evt_one(kq, &ev);
			EVT_EVENT(&ev, s[0], EVFILT_READ, EV_DISPATCH, 0, 1);
			evt_none(kq);
			evt_change(kq, s[0], EVFILT_READ, EV_ENABLE, 0, 0,
			    NULL);
		}
		evt_one(kq, &ev);

		/* Drained before it is enabled: nothing until new data. */
		ATF_REQUIRE_EQ(evt_drain(s[0]), 1);
		evt_change(kq, s[0], EVFILT_READ, EV_ENABLE, 0, 0, NULL);
		evt_none(kq);
		evt_change(kq, s[0], EVFILT_READ, EV_ENABLE, 0, 0, NULL);
		evt_none(kq);
		evt_write(s[1], 2);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, s[0], EVFILT_READ, EV_DISPATCH, 0, 2);

		/* New data while disabled. */
		evt_write(s[1], 1);
		evt_none(kq);
		evt_change(kq, s[0], EVFILT_READ, EV_ADD | EV_ENABLE, 0, 0,
		    NULL);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, s[0], EVFILT_READ, EV_DISPATCH, 0, 3);

		/* The end of the stream while disabled. */
		evt_close(s[1]);
		evt_none(kq);
		evt_change(kq, s[0], EVFILT_READ, EV_ENABLE, 0, 0, NULL);
		evt_one(kq, &ev);
		ATF_REQUIRE((ev.flags & EV_EOF) != 0);
		evt_none(kq);
		evt_change(kq, s[0], EVFILT_READ, EV_ENABLE, 0, 0, NULL);
		evt_one(kq, &ev);
		ATF_REQUIRE((ev.flags & EV_EOF) != 0);
		evt_close(kq);
		evt_close(s[0]);
	}
}

EVT_TC(dispatch__enabled_with_the_next_wait, "KQ-096 KQ-031",
    "EV_ENABLE in the change list of the next wait is a loop without loss")
{
	struct kevent ch, ev;
	int i, kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	kq = evt_kq();
	EV_SET(&ch, s[0], EVFILT_READ, EV_ADD | EV_DISPATCH, 0, 0, &ch);
	for (i = 0; i < 200; i++) {
		evt_write(s[1], 1);
		ATF_REQUIRE_EQ(evt_kevent_ms(kq, &ch, 1, &ev, 1, EVT_WAIT_MS),
		    1);
		EVT_EVENT(&ev, s[0], EVFILT_READ, EV_DISPATCH, 0, i % 3 + 1);
		if (i % 3 == 2)
			ATF_REQUIRE_EQ(evt_drain(s[0]), 3);
		EV_SET(&ch, s[0], EVFILT_READ, EV_ENABLE, 0, 0, &ch);
	}
	evt_close(kq);
	evt_close(s[0]);
	evt_close(s[1]);
}

EVT_TC(oneshot__with_dispatch, "KQ-097",
    "EV_ONESHOT with EV_DISPATCH is EV_ONESHOT")
{
	struct kevent ev;
	int kq, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	kq = evt_kq();
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_ONESHOT | EV_DISPATCH,
	    0, 0, NULL);
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_ONESHOT | EV_DISPATCH, 0, 0,
	    NULL);
	evt_one(kq, &ev);
	evt_none(kq);
	ATF_REQUIRE_EQ(evt_change_errno(kq, p[0], EVFILT_READ, EV_ENABLE, 0, 0,
	    NULL), ENOENT);
	evt_trigger(kq, 1);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(evt_change_errno(kq, 1, EVFILT_USER, EV_ENABLE, 0, 0,
	    NULL), ENOENT);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- both filters of one descriptor ----------------------------------- */

enum { READER, WRITER };

static const unsigned int pair_modes[] = { 0, EV_CLEAR, EV_ONESHOT,
    EV_DISPATCH, EV_DISABLE };

struct pair {
	int		pr_kq;
	int		pr_sock[2];
	unsigned int	pr_mode[2];
};

/* Exactly these of the two are returned: bit 0 READ, bit 1 WRITE. */
static void
pair_expect(struct pair *pr, int want, const char *when)
{
	struct kevent ev[3];
	int got = 0, i, n;

	n = want != 0 ? evt_get(pr->pr_kq, ev, 3) : evt_poll(pr->pr_kq, ev, 3);
	for (i = 0; i < n; i++)
		got |= ev[i].filter == EVFILT_READ ? 1 : 2;
	ATF_REQUIRE_MSG(got == want && n == (want & 1) + (want >> 1),
	    "READ %#x WRITE %#x, %s: %d events, %d instead of %d",
	    pr->pr_mode[READER], pr->pr_mode[WRITER], when, n, got, want);
}

static void
pair_make(struct pair *pr, int r, int w, bool writer_first)
{
	int kq;

	evt_sockpair(pr->pr_sock, SOCK_STREAM);
	evt_write(pr->pr_sock[1], 1);
	kq = pr->pr_kq = evt_kq();
	pr->pr_mode[READER] = pair_modes[r];
	pr->pr_mode[WRITER] = pair_modes[w];
	if (writer_first)
		evt_change(kq, pr->pr_sock[0], EVFILT_WRITE,
		    EV_ADD | pair_modes[w], 0, 0, NULL);
	evt_change(kq, pr->pr_sock[0], EVFILT_READ, EV_ADD | pair_modes[r], 0,
	    0, NULL);
	if (!writer_first)
		evt_change(kq, pr->pr_sock[0], EVFILT_WRITE,
		    EV_ADD | pair_modes[w], 0, 0, NULL);
}

static void
pair_free(struct pair *pr)
{
	evt_close(pr->pr_kq);
	evt_close(pr->pr_sock[0]);
	evt_close(pr->pr_sock[1]);
}

/* Is it returned at first; is it returned again; again after new data? */
static int
first(unsigned int mode)
{
	return (mode != EV_DISABLE);
}

static int
level(unsigned int mode)
{
	return (mode == 0);
}

static int
repeats(unsigned int mode)
{
	return (mode == 0 || mode == EV_CLEAR);
}

EVT_TC(pair__returning_both, "KQ-263 KQ-092 KQ-094",
    "READ and WRITE in any two modes: each is returned by its own")
{
	struct pair pr;
	int order, r, w;

	for (order = 0; order < 2; order++)
		for (r = 0; r < EVT_NITEMS(pair_modes); r++)
			for (w = 0; w < EVT_NITEMS(pair_modes); w++) {
				pair_make(&pr, r, w, order != 0);
				pair_expect(&pr, first(pair_modes[r]) |
				    first(pair_modes[w]) << 1, "first");
				pair_expect(&pr, level(pair_modes[r]) |
				    level(pair_modes[w]) << 1, "second");
				evt_write(pr.pr_sock[1], 1);
				pair_expect(&pr, repeats(pair_modes[r]) |
				    level(pair_modes[w]) << 1, "new data");
				pair_expect(&pr, level(pair_modes[r]) |
				    level(pair_modes[w]) << 1, "fourth");
				pair_free(&pr);
			}
}

EVT_TC(pair__one_by_one, "KQ-263 KQ-262",
    "The same collected with room for one event")
{
	struct kevent ev[2];
	struct pair pr;
	int n, r, w;

	for (r = 0; r < EVT_NITEMS(pair_modes); r++)
		for (w = 0; w < EVT_NITEMS(pair_modes); w++) {
			pair_make(&pr, r, w, false);
			n = first(pair_modes[r]) + first(pair_modes[w]);
			if (n > 0)
				ATF_REQUIRE_EQ(evt_poll(pr.pr_kq, &ev[0], 1),
				    1);
			if (n > 1) {
				ATF_REQUIRE_EQ(evt_poll(pr.pr_kq, &ev[1], 1),
				    1);
				ATF_REQUIRE_MSG(ev[0].filter != ev[1].filter,
				    "READ %#x WRITE %#x: %s twice",
				    pair_modes[r], pair_modes[w],
				    ev[0].filter == EVFILT_READ ? "READ" :
				    "WRITE");
			}
			pair_expect(&pr, level(pair_modes[r]) |
			    level(pair_modes[w]) << 1, "second");
			pair_free(&pr);
		}
}

EVT_TC(pair__one_goes, "KQ-263 KQ-087 KQ-082",
    "Deleting or disabling one of the two leaves the other as it was")
{
	struct pair pr;
	int gone, keep, r, round, w;

	for (round = 0; round < 4; round++)
		for (r = 0; r < EVT_NITEMS(pair_modes); r++)
			for (w = 0; w < EVT_NITEMS(pair_modes); w++) {
				unsigned int mode;

				gone = round % 2;
				pair_make(&pr, r, w, false);
				keep = gone == READER ? 2 : 1;
				mode = pr.pr_mode[1 - gone];
				evt_change(pr.pr_kq, pr.pr_sock[0],
				    gone == READER ? EVFILT_READ :
				    EVFILT_WRITE, round < 2 ? EV_DELETE :
				    EV_DISABLE, 0, 0, NULL);
				pair_expect(&pr, first(mode) != 0 ? keep : 0,
				    "one gone");
				pair_expect(&pr, level(mode) != 0 ? keep : 0,
				    "again");
				evt_write(pr.pr_sock[1], 1);
				pair_expect(&pr, (keep == 1 ? repeats(mode) :
				    level(mode)) != 0 ? keep : 0, "new data");
				pair_free(&pr);
			}
}

EVT_TC(pair__one_changes, "KQ-263 KQ-073 KQ-096",
    "Enabling or re-adding one of the two does not report the other")
{
	struct pair pr;
	int r, w, which;

	for (which = 0; which < 2; which++)
		for (r = 0; r < EVT_NITEMS(pair_modes); r++)
			for (w = 0; w < EVT_NITEMS(pair_modes); w++) {
				unsigned int other;
				int filter, want;

				if (pair_modes[which == READER ? r : w] ==
				    EV_ONESHOT)
					continue;
				pair_make(&pr, r, w, false);
				pair_expect(&pr, first(pair_modes[r]) |
				    first(pair_modes[w]) << 1, "first");
				filter = which == READER ? EVFILT_READ :
				    EVFILT_WRITE;
				other = pr.pr_mode[1 - which];
				evt_change(pr.pr_kq, pr.pr_sock[0], filter,
				    EV_ADD | EV_ENABLE, 0, 0, NULL);
				want = 1 << which;
				if (level(other))
					want |= 1 << (1 - which);
				pair_expect(&pr, want, "enabled again");
				pair_free(&pr);
			}
}

EVT_TC(pair__ends_together, "KQ-263 KQ-264",
    "When the peer closes, both filters say so, each in its mode")
{
	struct kevent ev[4];
	struct pair pr;
	int i, n, r, seen, w;

	for (r = 0; r < EVT_NITEMS(pair_modes); r++)
		for (w = 0; w < EVT_NITEMS(pair_modes); w++) {
			pair_make(&pr, r, w, false);
			ATF_REQUIRE_EQ(evt_drain(pr.pr_sock[0]), 1);
			evt_change(pr.pr_kq, pr.pr_sock[0], EVFILT_READ,
			    EV_DISABLE, 0, 0, NULL);
			evt_change(pr.pr_kq, pr.pr_sock[0], EVFILT_WRITE,
			    EV_DISABLE, 0, 0, NULL);
			evt_close(pr.pr_sock[1]);
			evt_none(pr.pr_kq);
			evt_change(pr.pr_kq, pr.pr_sock[0], EVFILT_READ,
			    EV_ENABLE, 0, 0, NULL);
			evt_change(pr.pr_kq, pr.pr_sock[0], EVFILT_WRITE,
			    EV_ENABLE, 0, 0, NULL);
			n = evt_get(pr.pr_kq, ev, 4);
			for (i = seen = 0; i < n; i++) {
				ATF_REQUIRE((ev[i].flags & EV_EOF) != 0);
				seen |= ev[i].filter == EVFILT_READ ? 1 : 2;
			}
			ATF_REQUIRE_MSG(n == 2 && seen == 3,
			    "READ %#x WRITE %#x: %d events", pair_modes[r],
			    pair_modes[w], n);
			evt_close(pr.pr_kq);
			evt_close(pr.pr_sock[0]);
		}
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, level__every_call);
	EVT_TP_ADD_TC(tp, clear__unchanged_is_quiet);
	EVT_TP_ADD_TC(tp, clear__new_activity);
	EVT_TP_ADD_TC(tp, clear__end_is_one_more_event);
	EVT_TP_ADD_TC(tp, oneshot__once_and_gone);
	EVT_TP_ADD_TC(tp, oneshot__added_again_and_again);
	EVT_TP_ADD_TC(tp, dispatch__once_then_disabled);
	EVT_TP_ADD_TC(tp, dispatch__enabled_again);
	EVT_TP_ADD_TC(tp, dispatch__enabled_with_the_next_wait);
	EVT_TP_ADD_TC(tp, oneshot__with_dispatch);
	EVT_TP_ADD_TC(tp, pair__returning_both);
	EVT_TP_ADD_TC(tp, pair__one_by_one);
	EVT_TP_ADD_TC(tp, pair__one_goes);
	EVT_TP_ADD_TC(tp, pair__one_changes);
	EVT_TP_ADD_TC(tp, pair__ends_together);
	return (atf_no_error());
}
