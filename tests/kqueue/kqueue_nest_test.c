/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Queues in queues.
 */
#include "config.h"

#include "evt.h"

static void
add_queue(int outer, int inner, unsigned int flags)
{
	evt_change(outer, inner, EVFILT_READ, EV_ADD | flags, 0, 0, NULL);
}

/* The outer queue reports the inner one, with about that many inside. */
static void
expect_inner(int outer, int inner, unsigned int flags, int64_t count)
{
	struct kevent ev;

	evt_one(outer, &ev);
	ATF_REQUIRE(ev.data >= 1);
	EVT_APPROX(ev.data == count, "data is not the number of events inside");
	EVT_EVENT(&ev, inner, EVFILT_READ, flags, 0, ev.data);
}

EVT_TC(nest__outer_fires, "KQ-021 KQ-022",
    "An outer queue fires while the inner one has events, and only then")
{
	struct kevent ev[4];
	int inner, outer, p[2];

	evt_pipe(p);
	inner = evt_kq();
	outer = evt_kq();
	add_queue(outer, inner, 0);
	evt_none(outer);
	evt_add_user(inner, 1, EV_CLEAR);
	evt_add_user(inner, 2, EV_CLEAR);
	evt_none(outer);
	evt_trigger(inner, 1);
	expect_inner(outer, inner, 0, 1);
	evt_trigger(inner, 2);
	expect_inner(outer, inner, 0, 2);
	evt_shows(outer);
	ATF_REQUIRE_EQ(evt_poll(inner, ev, 4), 2);
	evt_none(outer);
	evt_silent(outer);

	/* A descriptor inside, as a level knote. */
	evt_change(inner, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_write(p[1], 5);
	expect_inner(outer, inner, 0, 1);
	ATF_REQUIRE_EQ(evt_poll(inner, ev, 4), 1);
	expect_inner(outer, inner, 0, 1);
	ATF_REQUIRE_EQ(evt_drain(p[0]), 5);
	ATF_REQUIRE_EQ(evt_poll(inner, ev, 4), 0);
	evt_none(outer);
	evt_close(outer);
	evt_close(inner);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(nest__looking_takes_nothing, "KQ-021",
    "What the outer queue reports is still in the inner one, edges too")
{
	struct kevent ev[8];
	int i, inner, n, outer, p[3][2], seen;

	inner = evt_kq();
	outer = evt_kq();
	add_queue(outer, inner, 0);
	for (i = 0; i < 3; i++) {
		static const unsigned int modes[] = { EV_CLEAR, EV_ONESHOT,
		    EV_DISPATCH };

		evt_pipe(p[i]);
		evt_change(inner, p[i][0], EVFILT_READ, EV_ADD | modes[i], 0,
		    0, NULL);
		evt_write(p[i][1], 1);
		evt_add_user(inner, p[i][0], modes[i]);
		evt_trigger(inner, p[i][0]);
	}
	evt_change(inner, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1, NULL);
	for (i = 0; i < 3; i++)
		expect_inner(outer, inner, 0, 7);
	ATF_REQUIRE(evt_readable(inner, 0));
	for (i = seen = 0; seen < 7 && i < 7; i++) {
		n = evt_get(inner, ev, 8);
		ATF_REQUIRE(n > 0);
		seen += n;
	}
	ATF_REQUIRE_EQ(seen, 7);
	evt_none(inner);
	evt_none(outer);
	evt_close(outer);
	evt_close(inner);
	for (i = 0; i < 3; i++) {
		evt_close(p[i][0]);
		evt_close(p[i][1]);
	}
}

EVT_TC(nest__clear_and_oneshot, "KQ-021 KQ-022",
    "The inner queue can be watched with EV_CLEAR and EV_ONESHOT")
{
	struct kevent ev;
	int inner, outer;

	inner = evt_kq();
	outer = evt_kq();
	evt_add_user(inner, 1, EV_CLEAR);
	add_queue(outer, inner, EV_CLEAR);
	evt_trigger(inner, 1);
	expect_inner(outer, inner, EV_CLEAR, 1);
	evt_none(outer);
	evt_one(inner, &ev);
	evt_trigger(inner, 1);
	expect_inner(outer, inner, EV_CLEAR, 1);
	evt_one(inner, &ev);
	evt_change(outer, inner, EVFILT_READ, EV_DELETE, 0, 0, NULL);
	add_queue(outer, inner, EV_ONESHOT);
	evt_none(outer);
	evt_trigger(inner, 1);
	expect_inner(outer, inner, EV_ONESHOT, 1);
	evt_none(outer);
	ATF_REQUIRE_EQ(evt_change_errno(outer, inner, EVFILT_READ, EV_DELETE,
	    0, 0, NULL), ENOENT);
	evt_close(outer);
	evt_close(inner);
}

EVT_TC(nest__no_other_filter, "KQ-023",
    "A queue can be watched with EVFILT_READ only")
{
	static const int filters[] = { EVFILT_WRITE, EVFILT_VNODE,
#ifdef EVFILT_EXCEPT
	    EVFILT_EXCEPT,
#endif
#ifdef EVFILT_EMPTY
	    EVFILT_EMPTY,
#endif
	};
	int error, i, inner, outer;

	inner = evt_kq();
	outer = evt_kq();
	for (i = 0; i < EVT_NITEMS(filters); i++) {
		error = evt_change_errno(outer, inner, filters[i], EV_ADD,
		    filters[i] == EVFILT_VNODE ? NOTE_WRITE : 0, 0, NULL);
		if (evt_native())
			ATF_REQUIRE(error == EOPNOTSUPP || error == EINVAL ||
			    error == EPERM);
		else
			ATF_REQUIRE_EQ(error, EOPNOTSUPP);
		ATF_REQUIRE_EQ(evt_change_errno(outer, inner, filters[i],
		    EV_DELETE, 0, 0, NULL), ENOENT);
	}
	add_queue(outer, inner, 0);
	ATF_REQUIRE(evt_change_errno(outer, inner, EVFILT_WRITE, EV_ADD, 0, 0,
	    NULL) != 0);
	evt_add_user(inner, 1, EV_CLEAR);
	evt_trigger(inner, 1);
	expect_inner(outer, inner, 0, 1);
	evt_close(outer);
	evt_close(inner);
}

static void
wait_outer(void *arg)
{
	struct kevent ev;

	evt_one(*(int *)arg, &ev);
}

EVT_TC(nest__three_in_a_chain, "KQ-024 KQ-235",
    "An event in the innermost of three queues reaches the outermost")
{
	struct evt_thread t;
	struct kevent ev;
	int a, b, c, p[2], way;

	evt_pipe(p);
	a = evt_kq();
	b = evt_kq();
	c = evt_kq();
	add_queue(b, a, 0);
	add_queue(c, b, 0);
	evt_add_user(a, 1, EV_CLEAR);
	evt_change(a, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_none(c);
	for (way = 0; way < 3; way++) {
		evt_silent(c);
		evt_thread_start(&t, wait_outer, &c);
		evt_thread_asleep(&t);
		if (way == 0)
			evt_trigger(a, 1);
		else if (way == 1)
			evt_write(p[1], 1);
		else
			evt_change(a, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0,
			    5, NULL);
		evt_thread_join(&t);
		evt_shows(c);
		expect_inner(c, b, 0, 1);
		expect_inner(b, a, 0, 1);
		evt_one(a, &ev);
		if (way == 1)
			ATF_REQUIRE_EQ(evt_drain(p[0]), 1);

		/* From the inside out, each level becomes quiet. */
		evt_none(a);
		evt_none(b);
		evt_none(c);
	}
	evt_close(c);
	evt_close(b);
	evt_close(a);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(nest__too_deep, "KQ-024",
    "A chain too deep for the system is refused and leaves no knote")
{
	struct kevent ev;
	int depth, error, i, kqs[12];

	for (i = 0; i < EVT_NITEMS(kqs); i++)
		kqs[i] = evt_kq();
	evt_add_user(kqs[0], 1, EV_CLEAR);
	for (depth = 1; depth < EVT_NITEMS(kqs); depth++) {
		error = evt_change_errno(kqs[depth], kqs[depth - 1],
		    EVFILT_READ, EV_ADD, 0, 0, NULL);
		if (error == 0)
			continue;
		ATF_REQUIRE_MSG(error == ELOOP || error == EINVAL, "%d", error);
		ATF_REQUIRE_EQ(evt_change_errno(kqs[depth], kqs[depth - 1],
		    EVFILT_READ, EV_DELETE, 0, 0, NULL), ENOENT);
		break;
	}
	ATF_REQUIRE_MSG(depth > 2, "depth %d", depth);
	evt_none(kqs[depth - 1]);
	evt_trigger(kqs[0], 1);
	evt_one(kqs[depth - 1], &ev);
	for (i = 0; i < EVT_NITEMS(kqs); i++)
		evt_close(kqs[i]);
}

#ifndef __NetBSD__
EVT_TC(nest__ring, "KQ-025",
    "A ring of queues is refused, or harms nobody")
{
	struct kevent ev;
	int error, i, kqs[3], n;

	for (n = 2; n <= 3; n++) {
		for (i = 0; i < n; i++)
			kqs[i] = evt_kq();
		for (i = 1; i < n; i++)
			add_queue(kqs[i], kqs[i - 1], 0);
		error = evt_change_errno(kqs[0], kqs[n - 1], EVFILT_READ,
		    EV_ADD, 0, 0, NULL);
		if (error != 0) {
			ATF_REQUIRE_MSG(error == ELOOP || error == EINVAL,
			    "%d", error);
			ATF_REQUIRE_EQ(evt_change_errno(kqs[0], kqs[n - 1],
			    EVFILT_READ, EV_DELETE, 0, 0, NULL), ENOENT);
		} else
			ATF_REQUIRE(evt_native());
		evt_add_user(kqs[0], 1, EV_CLEAR);
		evt_trigger(kqs[0], 1);
		evt_shows(kqs[n - 1]);
		ATF_REQUIRE(evt_get(kqs[0], &ev, 1) == 1);
		for (i = 0; i < n; i++)
			evt_close(kqs[i]);
	}
}

EVT_TC(nest__itself, "KQ-027",
    "A queue on itself is EINVAL, also through a duplicate")
{
	struct kevent ev;
	int kq, kq2;

	kq = evt_kq();
	ATF_REQUIRE((kq2 = dup(kq)) != -1);
	ATF_REQUIRE_EQ(evt_change_errno(kq, kq, EVFILT_READ, EV_ADD, 0, 0,
	    NULL), EINVAL);
	ATF_REQUIRE_EQ(evt_change_errno(kq, kq2, EVFILT_READ, EV_ADD, 0, 0,
	    NULL), EINVAL);
	ATF_REQUIRE_EQ(evt_change_errno(kq, kq, EVFILT_READ, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	evt_add_user(kq, 1, EV_CLEAR);
	evt_none(kq);
	evt_trigger(kq, 1);
	evt_one(kq2, &ev);
	evt_none(kq);
	evt_close(kq);
	evt_close(kq2);
}
#endif

EVT_TC(nest__inner_closed, "KQ-026",
    "Closing the inner queue ends its knote without an event")
{
	struct kevent ev;
	int again, inner, keep, outer, round;

	for (round = 0; round < 4; round++) {
		outer = evt_kq();
		inner = evt_kq();
		add_queue(outer, inner, round % 2 != 0 ? EV_CLEAR : 0);
		evt_add_user(inner, 1, EV_CLEAR);

		/* With a duplicate the inner queue itself lives on. */
		keep = round >= 2 ? dup(inner) : -1;
		evt_trigger(inner, 1);
		evt_close(inner);
		evt_none(outer);
		ATF_REQUIRE_EQ(evt_change_errno(outer, inner, EVFILT_READ,
		    EV_DELETE, 0, 0, NULL), EBADF);
		again = evt_kq();
		ATF_REQUIRE_EQ(again, inner);
		evt_add_user(again, 2, EV_CLEAR);
		evt_trigger(again, 2);
		evt_none(outer);
		evt_silent(outer);
		ATF_REQUIRE_EQ(evt_change_errno(outer, inner, EVFILT_READ,
		    EV_DELETE, 0, 0, NULL), ENOENT);
		add_queue(outer, again, 0);
		expect_inner(outer, again, 0, 1);
		if (keep != -1) {
			evt_one(keep, &ev);
			EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0, 0);
			evt_close(keep);
		}
		evt_close(again);
		evt_close(outer);
	}
}

EVT_TC(nest__outer_closed, "KQ-026 KQ-021",
    "Closing the outer queue leaves the inner one as it was")
{
	struct kevent ev;
	int inner, outer, second;

	inner = evt_kq();
	outer = evt_kq();
	second = evt_kq();
	add_queue(outer, inner, 0);
	add_queue(second, inner, 0);
	evt_add_user(inner, 1, EV_CLEAR);
	evt_trigger(inner, 1);
	expect_inner(outer, inner, 0, 1);
	evt_close(outer);
	evt_settle();
	expect_inner(second, inner, 0, 1);
	evt_one(inner, &ev);
	EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0, 0);
	evt_none(second);
	evt_close(second);
	evt_close(inner);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, nest__outer_fires);
	EVT_TP_ADD_TC(tp, nest__looking_takes_nothing);
	EVT_TP_ADD_TC(tp, nest__clear_and_oneshot);
	EVT_TP_ADD_TC(tp, nest__no_other_filter);
	EVT_TP_ADD_TC(tp, nest__three_in_a_chain);
	EVT_TP_ADD_TC(tp, nest__too_deep);
#ifndef __NetBSD__
	EVT_TP_ADD_TC(tp, nest__ring);
	EVT_TP_ADD_TC(tp, nest__itself);
#endif
	EVT_TP_ADD_TC(tp, nest__inner_closed);
	EVT_TP_ADD_TC(tp, nest__outer_closed);
	return (atf_no_error());
}
