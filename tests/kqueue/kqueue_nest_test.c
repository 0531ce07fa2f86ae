/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * A queue seen by other pollers: poll(2), select(2), and queues around it.
 */
#include "config.h"

#include "evt.h"

#include <sys/select.h>
#include <sys/socket.h>

#include <poll.h>

static void
trigger(int kq, uintptr_t ident)
{
	evt_change(kq, ident, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
}

static void
add_user(int kq, uintptr_t ident, unsigned int flags)
{
	evt_change(kq, ident, EVFILT_USER, EV_ADD | flags, 0, 0, NULL);
}

/* What poll(2) reports of all it can be asked for, within so many ms. */
static short
revents(int fd, int ms)
{
	struct pollfd pfd;

	pfd.fd = fd;
	pfd.events = POLLIN | POLLPRI | POLLRDNORM;
	pfd.revents = 0;
	ATF_REQUIRE(poll(&pfd, 1, ms) >= 0);
	pfd.events |= POLLOUT | POLLWRNORM;
	ATF_REQUIRE(poll(&pfd, 1, 0) >= 0);
	ATF_REQUIRE_MSG((pfd.revents & (POLLOUT | POLLWRNORM | POLLERR |
	    POLLHUP | POLLNVAL | POLLPRI)) == 0, "revents %#x",
	    (unsigned int)pfd.revents);
	return (pfd.revents);
}

/*
 * With the portable mechanisms a helper thread tells the queue of a ready
 * descriptor, so poll(2) may show it a moment later; kevent() does not wait
 * for that.
 */
static int
delay_ms(void)
{
	return (!evt_native() && strcmp(evt_backend(), "poll") == 0 ?
	    EVT_WAIT_MS : 0);
}

#define REQUIRE_READY(fd)	\
	ATF_REQUIRE((revents(fd, delay_ms()) & POLLIN) != 0)
#define REQUIRE_SILENT(fd)	ATF_REQUIRE_EQ(revents(fd, 0), 0)

/* ---- poll and select -------------------------------------------------- */

EVT_TC(poll__empty_queue, "KQ-016",
    "An empty queue and one with idle knotes are not readable")
{
	int kq, p[2];

	kq = evt_kq();
	REQUIRE_SILENT(kq);
	evt_pipe(p);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	add_user(kq, 1, EV_CLEAR);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 60000, NULL);
	REQUIRE_SILENT(kq);
	ATF_REQUIRE(!evt_readable(kq, EVT_QUIET_MS));
	evt_none(kq);
	REQUIRE_SILENT(kq);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(poll__level_descriptor, "KQ-016 KQ-019",
    "A level knote keeps the queue readable until its data is read")
{
	struct kevent ev;
	int i, kq, p[2];

	evt_pipe(p);
	kq = evt_kq();
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_write(p[1], 1);
	for (i = 0; i < 3; i++) {
		REQUIRE_READY(kq);
		REQUIRE_READY(kq);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, 0, 0, 1);
	}
	REQUIRE_READY(kq);
	ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
	evt_none(kq);
	REQUIRE_SILENT(kq);
	evt_write(p[1], 1);
	REQUIRE_READY(kq);
	evt_change(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	evt_none(kq);
	REQUIRE_SILENT(kq);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(poll__returned_modes_are_silent, "KQ-016 KQ-019",
    "After a CLEAR, ONESHOT or DISPATCH event was returned: not readable")
{
	static const unsigned int modes[] = { EV_CLEAR, EV_ONESHOT,
	    EV_DISPATCH };
	struct kevent ev;
	int i, kq, p[2];

	for (i = 0; i < EVT_NITEMS(modes); i++) {
		evt_pipe(p);
		kq = evt_kq();
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | modes[i], 0, 0,
		    NULL);
		evt_write(p[1], 1);
		REQUIRE_READY(kq);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, modes[i], 0, 1);
		REQUIRE_SILENT(kq);
		ATF_REQUIRE(!evt_readable(kq, EVT_QUIET_MS));
		evt_write(p[1], 1);
		if (modes[i] == EV_CLEAR)
			REQUIRE_READY(kq);
		else
			evt_none(kq);
		add_user(kq, 5, modes[i]);
		trigger(kq, 5);
		REQUIRE_READY(kq);
		while (evt_poll(kq, &ev, 1) != 0)
			continue;
		REQUIRE_SILENT(kq);
		evt_close(kq);
		evt_close(p[0]);
		evt_close(p[1]);
	}
}

EVT_TC(poll__returned_end_is_silent, "KQ-016 KQ-019 KQ-064",
    "After the end of a file was returned, once, nothing is left of it")
{
	static const unsigned int modes[] = { EV_ONESHOT, EV_DISPATCH,
	    EV_ONESHOT | EV_CLEAR, EV_DISPATCH | EV_CLEAR };
	struct kevent ev[4];
	int i, kq, s[2];

	for (i = 0; i < 2 * EVT_NITEMS(modes); i++) {
		kq = evt_kq();
		evt_sockpair(s, SOCK_STREAM);
		evt_change(kq, s[0], EVFILT_READ, EV_ADD | modes[i / 2],
		    NOTE_LOWAT, 5, NULL);
		evt_write(s[1], 3);
		evt_none(kq);
		if (i % 2 == 1) {
			evt_change(kq, s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR,
			    0, 0, NULL);
			evt_one(kq, ev);
		}
		evt_close(s[1]);
		ATF_REQUIRE_EQ(1 + i % 2, evt_get(kq, ev, 4));
		REQUIRE_SILENT(kq);
		evt_none(kq);
		evt_close(s[0]);
		evt_close(kq);
	}
}

EVT_TC(poll__user_event, "KQ-016 KQ-019",
    "A triggered user event makes the queue readable until it is returned")
{
	struct kevent ev;
	int i, kq;

	kq = evt_kq();
	add_user(kq, 1, EV_CLEAR);
	for (i = 0; i < 3; i++) {
		REQUIRE_SILENT(kq);
		trigger(kq, 1);
		REQUIRE_READY(kq);
		REQUIRE_READY(kq);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0, 0);
	}

	/* Level, which stays until it is deleted. */
	add_user(kq, 2, 0);
	trigger(kq, 2);
	for (i = 0; i < 3; i++) {
		REQUIRE_READY(kq);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, 2, EVFILT_USER, 0, 0, 0);
	}
	REQUIRE_READY(kq);
	evt_change(kq, 2, EVFILT_USER, EV_DELETE, 0, 0, NULL);
	evt_none(kq);
	REQUIRE_SILENT(kq);
	evt_close(kq);
}

EVT_TC(poll__event_taken_back, "KQ-016",
    "Without the knotes that were triggered the queue is not readable")
{
	struct kevent ev;
	int i, kq;

	kq = evt_kq();
	for (i = 0; i < 3; i++) {
		add_user(kq, 1, 0);
		add_user(kq, 2, EV_CLEAR);
		trigger(kq, 1);
		trigger(kq, 2);
		/* one has been returned, and is true again at once */
		if (i == 1)
			ATF_REQUIRE_EQ(1, evt_poll(kq, &ev, 1));
		evt_change(kq, 1, EVFILT_USER, EV_DELETE, 0, 0, NULL);
		if (i != 1)
			ATF_REQUIRE(evt_readable(kq, 0));
		evt_change(kq, 2, EVFILT_USER, EV_DELETE, 0, 0, NULL);
		ATF_REQUIRE(!evt_readable(kq, 0));
		ATF_REQUIRE_EQ(0, evt_poll(kq, &ev, 1));

		/* and the next one is heard */
		add_user(kq, 3, EV_CLEAR);
		ATF_REQUIRE(!evt_readable(kq, 0));
		trigger(kq, 3);
		ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
		evt_one(kq, &ev);
		EVT_EVENT(&ev, 3, EVFILT_USER, EV_CLEAR, 0, 0);
		ATF_REQUIRE(!evt_readable(kq, 0));
		evt_change(kq, 3, EVFILT_USER, EV_DELETE, 0, 0, NULL);
	}
	evt_close(kq);
}

EVT_TC(poll__timer_without_a_wait, "KQ-016",
    "An expiring timer makes the queue readable though nobody waits in it")
{
	struct kevent ev;
	int kq;

	kq = evt_kq();
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 10, NULL);
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	REQUIRE_READY(kq);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_TIMER, EV_ONESHOT, 0, 1);
	REQUIRE_SILENT(kq);

	/* Twice, so that the second is armed without a call between. */
	evt_change(kq, 2, EVFILT_TIMER, EV_ADD, 0, 15, NULL);
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	evt_one(kq, &ev);
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	evt_one(kq, &ev);
	evt_close(kq);
}

EVT_TC(poll__signal, "KQ-016",
    "A watched signal makes the queue readable")
{
	struct kevent ev;
	int kq;

	kq = evt_kq();
	evt_change(kq, SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	REQUIRE_SILENT(kq);
	ATF_REQUIRE(kill(getpid(), SIGURG) == 0);
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	evt_one(kq, &ev);
	EVT_EVENT(&ev, SIGURG, EVFILT_SIGNAL, 0, 0, 1);
	REQUIRE_SILENT(kq);
	evt_close(kq);
}

EVT_TC(poll__leftovers, "KQ-016 KQ-262",
    "With events left over by a short list the queue stays readable")
{
	struct kevent ev[2];
	int i, kq, p[3][2];

	kq = evt_kq();
	for (i = 0; i < 3; i++) {
		evt_pipe(p[i]);
		evt_change(kq, p[i][0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
		evt_write(p[i][1], 1);
		add_user(kq, (uintptr_t)i, EV_CLEAR);
		trigger(kq, (uintptr_t)i);
	}
	for (i = 0; i < 5; i++) {
		REQUIRE_READY(kq);
		ATF_REQUIRE_EQ(evt_poll(kq, ev, 1), 1);
	}
	REQUIRE_READY(kq);
	ATF_REQUIRE_EQ(evt_poll(kq, ev, 2), 1);
	REQUIRE_SILENT(kq);
	evt_none(kq);
	evt_close(kq);
	for (i = 0; i < 3; i++) {
		evt_close(p[i][0]);
		evt_close(p[i][1]);
	}
}

EVT_TC(select__like_poll, "KQ-017",
    "select() puts a queue into the read set when it is ready, no other")
{
	struct kevent ev;
	struct timeval tv;
	fd_set rd, wr;
	int kq, round;

	kq = evt_kq();
	ATF_REQUIRE(kq < FD_SETSIZE);
	add_user(kq, 1, EV_CLEAR);
	for (round = 0; round < 4; round++) {
		FD_ZERO(&rd);
		FD_ZERO(&wr);
		FD_SET(kq, &rd);
		FD_SET(kq, &wr);
		memset(&tv, 0, sizeof(tv));
		ATF_REQUIRE_EQ(select(kq + 1, &rd, &wr, NULL, &tv), round % 2);
		ATF_REQUIRE_EQ(FD_ISSET(kq, &rd) != 0, round % 2);
		ATF_REQUIRE(!FD_ISSET(kq, &wr));
		if (round % 2 == 0)
			trigger(kq, 1);
		else
			evt_one(kq, &ev);
	}
	evt_close(kq);
}

struct poller {
	int	po_kq;
	bool	po_select;
	bool	po_ready;
};

static void
poller_main(void *arg)
{
	struct poller *po = arg;

	if (po->po_select) {
		struct timeval tv = { 2, 0 };
		fd_set rd;

		FD_ZERO(&rd);
		FD_SET(po->po_kq, &rd);
		po->po_ready = select(po->po_kq + 1, &rd, NULL, NULL,
		    &tv) == 1;
	} else
		po->po_ready = evt_readable(po->po_kq, 2 * EVT_WAIT_MS);
}

EVT_TC(poll__sleeper_is_woken, "KQ-018 KQ-235",
    "A thread asleep in poll() or select() wakes for each kind of event")
{
	struct evt_thread t;
	struct kevent ev;
	struct poller po;
	int i, kq, p[2];

	for (i = 0; i < 12; i++) {
		evt_pipe(p);
		kq = evt_kq();
		add_user(kq, 1, EV_CLEAR);
		add_user(kq, 2, EV_DISABLE);
		trigger(kq, 2);
		evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
		evt_none(kq);
		po.po_kq = kq;
		po.po_select = i % 2 != 0;
		po.po_ready = false;
		evt_thread_start(&t, poller_main, &po);
		evt_thread_asleep(&t);
		switch (i / 2) {
		case 0:
			trigger(kq, 1);
			break;
		case 1:
			evt_change(kq, 2, EVFILT_USER, EV_ENABLE, 0, 0, NULL);
			break;
		case 2:
			evt_write(p[1], 1);
			break;
		case 3:
			evt_change(kq, p[1], EVFILT_WRITE, EV_ADD, 0, 0, NULL);
			break;
		case 4:
			evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 5, NULL);
			break;
		case 5:
			evt_change(kq, 3, EVFILT_USER, EV_ADD, NOTE_TRIGGER, 0,
			    NULL);
			if (evt_native())
				trigger(kq, 3);
			break;
		}
		evt_thread_join(&t);
		ATF_REQUIRE_MSG(po.po_ready, "way %d", i);
		ATF_REQUIRE_MSG(evt_poll(kq, &ev, 1) == 1, "way %d", i);
		evt_close(kq);
		evt_close(p[0]);
		evt_close(p[1]);
	}
}

EVT_TC(poll__disabled_knotes, "KQ-020 KQ-016",
    "Only disabled knotes are true: not readable once kevent() has looked")
{
	int kq, p[2];

	evt_pipe(p);
	kq = evt_kq();
	evt_write(p[1], 1);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_DISABLE, 0, 0, NULL);
	add_user(kq, 1, EV_DISABLE);
	trigger(kq, 1);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD | EV_DISABLE, 0, 1, NULL);
	evt_none(kq);
	REQUIRE_SILENT(kq);
	evt_write(p[1], 1);
	trigger(kq, 1);
	evt_none(kq);
	REQUIRE_SILENT(kq);
	ATF_REQUIRE(!evt_readable(kq, EVT_QUIET_MS));

	/* Ready first, disabled afterwards. */
	evt_change(kq, p[0], EVFILT_READ, EV_ENABLE, 0, 0, NULL);
	REQUIRE_READY(kq);
	evt_change(kq, p[0], EVFILT_READ, EV_DISABLE, 0, 0, NULL);
	evt_none(kq);
	REQUIRE_SILENT(kq);

	/* The writer's end of a disabled knote must not show either. */
	evt_close(p[1]);
	evt_none(kq);
	REQUIRE_SILENT(kq);
	evt_close(kq);
	evt_close(p[0]);
}

/* ---- queues in queues ------------------------------------------------- */

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
	add_user(inner, 1, EV_CLEAR);
	add_user(inner, 2, EV_CLEAR);
	evt_none(outer);
	trigger(inner, 1);
	expect_inner(outer, inner, 0, 1);
	trigger(inner, 2);
	expect_inner(outer, inner, 0, 2);
	REQUIRE_READY(outer);
	ATF_REQUIRE_EQ(evt_poll(inner, ev, 4), 2);
	evt_none(outer);
	REQUIRE_SILENT(outer);

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
		add_user(inner, (uintptr_t)p[i][0], modes[i]);
		trigger(inner, (uintptr_t)p[i][0]);
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
	add_user(inner, 1, EV_CLEAR);
	add_queue(outer, inner, EV_CLEAR);
	trigger(inner, 1);
	expect_inner(outer, inner, EV_CLEAR, 1);
	evt_none(outer);
	evt_one(inner, &ev);
	trigger(inner, 1);
	expect_inner(outer, inner, EV_CLEAR, 1);
	evt_one(inner, &ev);
	evt_change(outer, inner, EVFILT_READ, EV_DELETE, 0, 0, NULL);
	add_queue(outer, inner, EV_ONESHOT);
	evt_none(outer);
	trigger(inner, 1);
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
	add_user(inner, 1, EV_CLEAR);
	trigger(inner, 1);
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
	add_user(a, 1, EV_CLEAR);
	evt_change(a, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_none(c);
	for (way = 0; way < 3; way++) {
		REQUIRE_SILENT(c);
		evt_thread_start(&t, wait_outer, &c);
		evt_thread_asleep(&t);
		if (way == 0)
			trigger(a, 1);
		else if (way == 1)
			evt_write(p[1], 1);
		else
			evt_change(a, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0,
			    5, NULL);
		evt_thread_join(&t);
		REQUIRE_READY(c);
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
	add_user(kqs[0], 1, EV_CLEAR);
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
	trigger(kqs[0], 1);
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
		add_user(kqs[0], 1, EV_CLEAR);
		trigger(kqs[0], 1);
		REQUIRE_READY(kqs[n - 1]);
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
	add_user(kq, 1, EV_CLEAR);
	evt_none(kq);
	trigger(kq, 1);
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
		add_user(inner, 1, EV_CLEAR);

		/* With a duplicate the inner queue itself lives on. */
		keep = round >= 2 ? dup(inner) : -1;
		trigger(inner, 1);
		evt_close(inner);
		evt_none(outer);
		ATF_REQUIRE_EQ(evt_change_errno(outer, inner, EVFILT_READ,
		    EV_DELETE, 0, 0, NULL), EBADF);
		again = evt_kq();
		ATF_REQUIRE_EQ(again, inner);
		add_user(again, 2, EV_CLEAR);
		trigger(again, 2);
		evt_none(outer);
		REQUIRE_SILENT(outer);
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
	add_user(inner, 1, EV_CLEAR);
	trigger(inner, 1);
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
	EVT_TP_ADD_TC(tp, poll__empty_queue);
	EVT_TP_ADD_TC(tp, poll__level_descriptor);
	EVT_TP_ADD_TC(tp, poll__returned_modes_are_silent);
	EVT_TP_ADD_TC(tp, poll__returned_end_is_silent);
	EVT_TP_ADD_TC(tp, poll__user_event);
	EVT_TP_ADD_TC(tp, poll__event_taken_back);
	EVT_TP_ADD_TC(tp, poll__timer_without_a_wait);
	EVT_TP_ADD_TC(tp, poll__signal);
	EVT_TP_ADD_TC(tp, poll__leftovers);
	EVT_TP_ADD_TC(tp, select__like_poll);
	EVT_TP_ADD_TC(tp, poll__sleeper_is_woken);
	EVT_TP_ADD_TC(tp, poll__disabled_knotes);
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
