/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * A queue seen by poll(2) and select(2).
 */
#include "config.h"

#include "evt.h"

#include <sys/select.h>
#include <sys/socket.h>

EVT_TC(poll__empty_queue, "KQ-016",
    "An empty queue and one with idle knotes are not readable")
{
	int kq, p[2];

	kq = evt_kq();
	evt_silent(kq);
	evt_pipe(p);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_add_user(kq, 1, EV_CLEAR);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 60000, NULL);
	evt_silent(kq);
	ATF_REQUIRE(!evt_readable(kq, EVT_QUIET_MS));
	evt_none(kq);
	evt_silent(kq);
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
		evt_shows(kq);
		evt_shows(kq);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, 0, 0, 1);
	}
	evt_shows(kq);
	ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
	evt_none(kq);
	evt_silent(kq);
	evt_write(p[1], 1);
	evt_shows(kq);
	evt_change(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	evt_none(kq);
	evt_silent(kq);
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
		evt_shows(kq);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, modes[i], 0, 1);
		evt_silent(kq);
		ATF_REQUIRE(!evt_readable(kq, EVT_QUIET_MS));
		evt_write(p[1], 1);
		if (modes[i] == EV_CLEAR)
			evt_shows(kq);
		else
			evt_none(kq);
		evt_add_user(kq, 5, modes[i]);
		evt_trigger(kq, 5);
		evt_shows(kq);
		while (evt_poll(kq, &ev, 1) != 0)
			continue;
		evt_silent(kq);
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
		evt_silent(kq);
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
	evt_add_user(kq, 1, EV_CLEAR);
	for (i = 0; i < 3; i++) {
		evt_silent(kq);
		evt_trigger(kq, 1);
		evt_shows(kq);
		evt_shows(kq);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0, 0);
	}

	/* Level, which stays until it is deleted. */
	evt_add_user(kq, 2, 0);
	evt_trigger(kq, 2);
	for (i = 0; i < 3; i++) {
		evt_shows(kq);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, 2, EVFILT_USER, 0, 0, 0);
	}
	evt_shows(kq);
	evt_change(kq, 2, EVFILT_USER, EV_DELETE, 0, 0, NULL);
	evt_none(kq);
	evt_silent(kq);
	evt_close(kq);
}

EVT_TC(poll__event_taken_back, "KQ-016",
    "Without the knotes that were triggered the queue is not readable")
{
	struct kevent ev;
	int i, kq;

	kq = evt_kq();
	for (i = 0; i < 3; i++) {
		evt_add_user(kq, 1, 0);
		evt_add_user(kq, 2, EV_CLEAR);
		evt_trigger(kq, 1);
		evt_trigger(kq, 2);
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
		evt_add_user(kq, 3, EV_CLEAR);
		ATF_REQUIRE(!evt_readable(kq, 0));
		evt_trigger(kq, 3);
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
	evt_shows(kq);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_TIMER, EV_ONESHOT, 0, 1);
	evt_silent(kq);

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
	evt_silent(kq);
	ATF_REQUIRE(kill(getpid(), SIGURG) == 0);
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	evt_one(kq, &ev);
	EVT_EVENT(&ev, SIGURG, EVFILT_SIGNAL, 0, 0, 1);
	evt_silent(kq);
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
		evt_add_user(kq, i, EV_CLEAR);
		evt_trigger(kq, i);
	}
	for (i = 0; i < 5; i++) {
		evt_shows(kq);
		ATF_REQUIRE_EQ(evt_poll(kq, ev, 1), 1);
	}
	evt_shows(kq);
	ATF_REQUIRE_EQ(evt_poll(kq, ev, 2), 1);
	evt_silent(kq);
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
	evt_add_user(kq, 1, EV_CLEAR);
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
			evt_trigger(kq, 1);
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
		evt_add_user(kq, 1, EV_CLEAR);
		evt_add_user(kq, 2, EV_DISABLE);
		evt_trigger(kq, 2);
		evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
		evt_none(kq);
		po.po_kq = kq;
		po.po_select = i % 2 != 0;
		po.po_ready = false;
		evt_thread_start(&t, poller_main, &po);
		evt_thread_asleep(&t);
		switch (i / 2) {
		case 0:
			evt_trigger(kq, 1);
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
				evt_trigger(kq, 3);
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
	evt_add_user(kq, 1, EV_DISABLE);
	evt_trigger(kq, 1);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD | EV_DISABLE, 0, 1, NULL);
	evt_none(kq);
	evt_silent(kq);
	evt_write(p[1], 1);
	evt_trigger(kq, 1);
	evt_none(kq);
	evt_silent(kq);
	ATF_REQUIRE(!evt_readable(kq, EVT_QUIET_MS));

	/* Ready first, disabled afterwards. */
	evt_change(kq, p[0], EVFILT_READ, EV_ENABLE, 0, 0, NULL);
	evt_shows(kq);
	evt_change(kq, p[0], EVFILT_READ, EV_DISABLE, 0, 0, NULL);
	evt_none(kq);
	evt_silent(kq);

	/* The writer's end of a disabled knote must not show either. */
	evt_close(p[1]);
	evt_none(kq);
	evt_silent(kq);
	evt_close(kq);
	evt_close(p[0]);
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
	return (atf_no_error());
}
