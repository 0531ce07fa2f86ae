/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_USER: triggers, the stored bits, and waking others with it.
 */
#include "config.h"

#include "evt.h"

#include <poll.h>

static void
add(int kq, uintptr_t ident, unsigned int flags, unsigned int fflags)
{
	evt_change(kq, ident, EVFILT_USER, EV_ADD | flags, fflags, 0, NULL);
}

/* ---- triggers --------------------------------------------------------- */

EVT_TC(add__is_silent, "KQ-224",
    "EV_ADD without NOTE_TRIGGER gives no event, however often")
{
	int kq;

	kq = evt_kq();
	add(kq, 1, 0, 0);
	add(kq, 2, EV_CLEAR, 0xffffff);
	add(kq, 1, 0, NOTE_FFOR | 0x1);
	add(kq, 3, EV_ENABLE, NOTE_FFCOPY | 0xff);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	evt_close(kq);
}

EVT_TC(trigger__one_event, "KQ-225",
    "A trigger gives one event with the stored bits and the last data")
{
	struct kevent ev;
	int kq;

	kq = evt_kq();
	add(kq, 1, EV_CLEAR, 0x123456);
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 77, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0x123456, 77);
	evt_none(kq);
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 1, NULL);
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, -5, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0x123456, -5);

	/* Data given with no trigger is the last given too. */
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 1, NULL);
	evt_change(kq, 1, EVFILT_USER, 0, 0, INT64_C(0x7fffffff12345678),
	    NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0x123456,
	    INT64_C(0x7fffffff12345678));
	evt_close(kq);
}

#if !defined(__FreeBSD__) && !defined(__NetBSD__)
EVT_TC(trigger__with_the_first_add, "KQ-226",
    "EV_ADD with NOTE_TRIGGER on a new knote fires")
{
	struct kevent ch, ev;
	int kq;

	kq = evt_kq();
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR,
	    NOTE_TRIGGER | 0x77, 8, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0x77, 8);
	evt_none(kq);
	EV_SET(&ch, 2, EVFILT_USER, EV_ADD | EV_ONESHOT, NOTE_TRIGGER, 0,
	    NULL);
	ATF_REQUIRE_EQ(evt_kevent_ms(kq, &ch, 1, &ev, 1, EVT_WAIT_MS), 1);
	ATF_REQUIRE_EQ(ev.ident, 2);

	/* Disabled, it waits for EV_ENABLE. */
	evt_change(kq, 3, EVFILT_USER, EV_ADD | EV_DISABLE, NOTE_TRIGGER, 0,
	    NULL);
	evt_none(kq);
	evt_change(kq, 3, EVFILT_USER, EV_ENABLE, 0, 0, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(ev.ident, 3);
	evt_close(kq);
}
#endif

EVT_TC(trigger__several_are_one, "KQ-227",
    "Several triggers before collection are one event")
{
	struct kevent ev;
	int i, kq;

	kq = evt_kq();
	add(kq, 1, EV_CLEAR, 0);
	for (i = 0; i < 100; i++)
		evt_trigger(kq, 1);
	evt_one(kq, &ev);
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(clear__quiet_until_triggered, "KQ-228",
    "With EV_CLEAR it is quiet after delivery, and the stored bits stay")
{
	struct kevent ev;
	int i, kq;

	kq = evt_kq();
	add(kq, 1, EV_CLEAR, 0xf0f);
	for (i = 0; i < 4; i++) {
		evt_trigger(kq, 1);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0xf0f, 0);
		evt_none(kq);
	}
	evt_close(kq);
}

EVT_TC(level__at_each_call, "KQ-229",
    "Without EV_CLEAR a triggered knote returns at each call")
{
	struct kevent ev;
	int i, kq;

	kq = evt_kq();
	add(kq, 1, 0, 0x5);
	evt_trigger(kq, 1);
	for (i = 0; i < 5; i++) {
		evt_one(kq, &ev);
		EVT_EVENT(&ev, 1, EVFILT_USER, 0, 0x5, 0);
	}
	evt_trigger(kq, 1);
	evt_one(kq, &ev);
	evt_one(kq, &ev);
	evt_close(kq);
}

#ifndef __APPLE__
EVT_TC(clear_in_a_change__resets, "KQ-230",
    "A change with EV_CLEAR resets the knote, also beside NOTE_TRIGGER")
{
	static const unsigned int modes[] = { 0, EV_CLEAR };
	struct kevent ev;
	int i, kq;

	for (i = 0; i < EVT_NITEMS(modes); i++) {
		kq = evt_kq();
		add(kq, 1, modes[i], 0x3);
		evt_trigger(kq, 1);
		evt_change(kq, 1, EVFILT_USER, EV_CLEAR, 0, 0, NULL);
		evt_none(kq);
		ATF_REQUIRE(!evt_readable(kq, 0));
		evt_change(kq, 1, EVFILT_USER, EV_CLEAR, NOTE_TRIGGER, 0,
		    NULL);
		evt_none(kq);

		/* It can be triggered again, in the mode it always had. */
		evt_trigger(kq, 1);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(evt_flags(&ev), modes[i]);
		ATF_REQUIRE_EQ(evt_poll(kq, &ev, 1), modes[i] == 0);
		evt_close(kq);
	}
}
#endif

/* ---- the stored bits -------------------------------------------------- */

EVT_TC(bits__and_or_copy, "KQ-231",
    "FFNOP leaves, FFAND ands, FFOR ors, FFCOPY replaces the stored bits")
{
	static const struct {
		unsigned int	fflags;
		unsigned int	want;
	} steps[] = {
		{ NOTE_FFNOP | 0x00ffff,		0x123456 },
		{ NOTE_FFAND | 0x00ffff,		0x003456 },
		{ NOTE_FFOR | 0xf00001,			0xf03457 },
		{ NOTE_FFCOPY | 0xabcdef,		0xabcdef },
		{ NOTE_FFAND | 0xffffff,		0xabcdef },
		{ NOTE_FFOR | 0,			0xabcdef },
		{ NOTE_FFAND | 0,			0 },
		{ NOTE_FFOR | 0xffffff,			0xffffff },
		{ NOTE_FFCOPY | 0,			0 },
		{ NOTE_FFCOPY | 0x3fffffff,		0xffffff },
	};
	struct kevent ev;
	int i, kq, way;

	/* In the triggering change, and in one before it. */
	for (way = 0; way < 2; way++) {
		kq = evt_kq();
		add(kq, 1, EV_CLEAR, 0x123456);
		for (i = 0; i < EVT_NITEMS(steps); i++) {
			if (way == 0)
				evt_change(kq, 1, EVFILT_USER, 0,
				    steps[i].fflags | NOTE_TRIGGER, 0, NULL);
			else {
				evt_change(kq, 1, EVFILT_USER, 0,
				    steps[i].fflags & ~(unsigned int)
				    NOTE_TRIGGER, 0, NULL);
				if ((steps[i].fflags & NOTE_TRIGGER) == 0)
					evt_none(kq);
				evt_trigger(kq, 1);
			}
			evt_one(kq, &ev);
			EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, steps[i].want,
			    0);
		}
		evt_close(kq);
	}
}

EVT_TC(bits__of_the_first_add, "KQ-231",
    "The first EV_ADD stores its low 24 bits whatever its control bits")
{
	static const unsigned int ops[] = { NOTE_FFNOP, NOTE_FFAND, NOTE_FFOR,
	    NOTE_FFCOPY, NOTE_FFCOPY | 0x3e000000 };
	struct kevent ev;
	int i, kq;

	for (i = 0; i < EVT_NITEMS(ops); i++) {
		kq = evt_kq();
		add(kq, 1, EV_CLEAR, ops[i] | 0xc0ffee);
		evt_none(kq);
		evt_trigger(kq, 1);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0xc0ffee, 0);
		evt_close(kq);
	}
}

EVT_TC(udata__is_replaced, "KQ-232",
    "A change replaces udata, with NULL too, unless EV_KEEPUDATA")
{
	struct kevent ev;
	int a, b, kq;

	kq = evt_kq();
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, &a);
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, &b);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == &b);
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == NULL);
	evt_change(kq, 1, EVFILT_USER, EV_ADD, 0, 0, &a);
#ifdef EV_KEEPUDATA
	evt_change(kq, 1, EVFILT_USER, EV_KEEPUDATA, NOTE_TRIGGER, 0, &b);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.udata == &a);
#endif
	evt_close(kq);
}

/* ---- enabling, one-shot ----------------------------------------------- */

EVT_TC(disabled__trigger_is_kept, "KQ-233 KQ-083",
    "A trigger while disabled is kept; EV_ENABLE with a trigger fires")
{
	struct kevent ev;
	int kq;

	kq = evt_kq();
	add(kq, 1, EV_CLEAR | EV_DISABLE, 0x9);
	evt_trigger(kq, 1);
	evt_none(kq);
	evt_change(kq, 1, EVFILT_USER, EV_ENABLE, 0, 0, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0x9, 0);
	evt_none(kq);
	evt_change(kq, 1, EVFILT_USER, EV_DISABLE, 0, 0, NULL);
	evt_change(kq, 1, EVFILT_USER, EV_ENABLE, NOTE_TRIGGER, 4, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_USER, EV_CLEAR, 0x9, 4);

	/* One change that disables and triggers. */
	evt_change(kq, 1, EVFILT_USER, EV_DISABLE, NOTE_TRIGGER, 5, NULL);
	evt_none(kq);
	evt_change(kq, 1, EVFILT_USER, EV_ENABLE, 0, 6, NULL);
	evt_one(kq, &ev);
	evt_close(kq);
}

EVT_TC(dispatch__again_when_enabled, "KQ-233 KQ-096",
    "With EV_DISPATCH each EV_ENABLE returns the triggered knote once")
{
	struct kevent ev;
	int i, kq;

	kq = evt_kq();
	add(kq, 1, EV_DISPATCH, 0);
	evt_trigger(kq, 1);
	for (i = 0; i < 3; i++) {
		evt_one(kq, &ev);
		evt_none(kq);
		evt_trigger(kq, 1);
		evt_none(kq);
		evt_change(kq, 1, EVFILT_USER, EV_ENABLE, 0, 0, NULL);
	}
	evt_one(kq, &ev);
	evt_close(kq);
}

EVT_TC(oneshot__with_its_values, "KQ-234",
    "A one-shot user event is delivered once with its fflags and data")
{
	struct kevent ev;
	int kq;

	kq = evt_kq();
	add(kq, 1, EV_ONESHOT, 0x42);
	evt_none(kq);
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 43, NULL);
	evt_trigger(kq, 1);
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 44, NULL);
	evt_one(kq, &ev);
#ifdef __FreeBSD__
	EVT_EVENT(&ev, 1, EVFILT_USER, EV_ONESHOT, 0, ev.data);
#else
	EVT_EVENT(&ev, 1, EVFILT_USER, EV_ONESHOT, 0x42, 44);
#endif
	evt_none(kq);
	ATF_REQUIRE_EQ(evt_change_errno(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0,
	    NULL), ENOENT);
	evt_close(kq);
}

/* ---- waking others ---------------------------------------------------- */

struct sleeper {
	int	sl_fd;
	int	sl_way;
	int	sl_result;
};

static void
sleeper_main(void *arg)
{
	struct sleeper *sl = arg;
	struct kevent ev;

	if (sl->sl_way == 1)
		sl->sl_result = evt_readable(sl->sl_fd, 2 * EVT_WAIT_MS);
	else
		sl->sl_result = evt_kevent_ms(sl->sl_fd, NULL, 0, &ev, 1,
		    sl->sl_way == 3 ? -1 : 2 * EVT_WAIT_MS);
}

EVT_TC(trigger__wakes_sleepers, "KQ-235 KQ-242",
    "A trigger wakes threads in kevent(), in poll() and in an outer queue")
{
	struct evt_thread t;
	struct kevent ev;
	struct sleeper sl;
	int kq, outer, round;

	kq = evt_kq();
	outer = evt_kq();
	evt_change(outer, kq, EVFILT_READ, EV_ADD, 0, 0, NULL);
	add(kq, 1, EV_CLEAR, 0);
	for (round = 0; round < 12; round++) {
		sl.sl_way = round % 4;
		sl.sl_fd = sl.sl_way == 2 ? outer : kq;
		sl.sl_result = -2;
		evt_thread_start(&t, sleeper_main, &sl);
		evt_thread_asleep(&t);
		evt_trigger(kq, 1);
		evt_thread_join(&t);
		ATF_REQUIRE_MSG(sl.sl_result == 1, "way %d: %d", sl.sl_way,
		    sl.sl_result);
		if (sl.sl_way == 1 || sl.sl_way == 2)
			evt_one(kq, &ev);
		evt_none(kq);
		evt_none(outer);
	}
	evt_close(outer);
	evt_close(kq);
}

/* Two threads that wake each other in turn. */
enum { ROUNDS = 5000 };

struct player {
	int	pl_mine;
	int	pl_other;
	int	pl_done;
};

static void
player_main(void *arg)
{
	struct player *pl = arg;
	struct kevent ch, ev;
	int n;

	EV_SET(&ch, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	for (pl->pl_done = 0; pl->pl_done < ROUNDS; pl->pl_done++) {
		do {
			n = evt_kevent_ms(pl->pl_mine, NULL, 0, &ev, 1,
			    EVT_WAIT_MS);
		} while (n == -1 && errno == EINTR);
		if (n != 1 || kevent(pl->pl_other, &ch, 1, NULL, 0,
		    NULL) != 0)
			break;
	}
}

EVT_TC(trigger__ping_pong, "KQ-235 KQ-245",
    "No trigger between two waiting threads is ever lost")
{
	struct evt_thread t[2];
	struct player pl[2];
	int i;

	memset(pl, 0, sizeof(pl));
	for (i = 0; i < 2; i++) {
		pl[i].pl_mine = evt_kq();
		add(pl[i].pl_mine, 1, EV_CLEAR, 0);
	}
	pl[0].pl_other = pl[1].pl_mine;
	pl[1].pl_other = pl[0].pl_mine;
	for (i = 0; i < 2; i++)
		evt_thread_start(&t[i], player_main, &pl[i]);
	evt_trigger(pl[0].pl_mine, 1);
	for (i = 0; i < 2; i++) {
		evt_thread_join(&t[i]);
		ATF_REQUIRE_EQ(pl[i].pl_done, ROUNDS);
	}
	for (i = 0; i < 2; i++)
		evt_close(pl[i].pl_mine);
}

/* Many triggering threads, each with its own ident, and one that collects. */
enum { SENDERS = 4, SENT = 500 };

struct sender {
	int		se_kq;
	uintptr_t	se_ident;
	atomic_int	se_seen;
	atomic_int	se_sent;
	bool		se_ok;
};

static void
sender_main(void *arg)
{
	struct sender *se = arg;
	struct kevent ch;
	int64_t end;
	int i;

	se->se_ok = true;
	end = evt_now_ns() + 4 * (int64_t)EVT_WAIT_MS * 1000000;
	EV_SET(&ch, se->se_ident, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	for (i = 1; i <= SENT && se->se_ok; i++) {
		atomic_store(&se->se_sent, i);
		se->se_ok = kevent(se->se_kq, &ch, 1, NULL, 0, NULL) == 0;
		while (se->se_ok && atomic_load(&se->se_seen) < i) {
			if (evt_now_ns() > end)
				se->se_ok = false;
			(void)poll(NULL, 0, 0);
		}
	}
}

EVT_TC(trigger__many_senders, "KQ-235 KQ-227",
    "Each of many threads sees every one of its triggers arrive once")
{
	struct evt_thread t[SENDERS];
	struct sender se[SENDERS];
	struct kevent ev[2];
	int i, kq, left, n;

	kq = evt_kq();
	memset(se, 0, sizeof(se));
	for (i = 0; i < SENDERS; i++) {
		se[i].se_kq = kq;
		se[i].se_ident = (uintptr_t)i;
		add(kq, (uintptr_t)i, EV_CLEAR, 0);
	}
	for (i = 0; i < SENDERS; i++)
		evt_thread_start(&t[i], sender_main, &se[i]);
	for (left = SENDERS * SENT; left > 0; left -= n) {
		n = evt_get(kq, ev, 2);
		ATF_REQUIRE_MSG(n > 0, "%d events are missing", left);
		for (i = 0; i < n; i++) {
			struct sender *s = &se[ev[i].ident];

			ATF_REQUIRE_EQ(atomic_load(&s->se_seen) + 1,
			    atomic_load(&s->se_sent));
			(void)atomic_fetch_add(&s->se_seen, 1);
		}
	}
	for (i = 0; i < SENDERS; i++) {
		evt_thread_join(&t[i]);
		ATF_REQUIRE(se[i].se_ok);
	}
	evt_none(kq);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, add__is_silent);
	EVT_TP_ADD_TC(tp, trigger__one_event);
#if !defined(__FreeBSD__) && !defined(__NetBSD__)
	EVT_TP_ADD_TC(tp, trigger__with_the_first_add);
#endif
	EVT_TP_ADD_TC(tp, trigger__several_are_one);
	EVT_TP_ADD_TC(tp, clear__quiet_until_triggered);
	EVT_TP_ADD_TC(tp, level__at_each_call);
#ifndef __APPLE__
	EVT_TP_ADD_TC(tp, clear_in_a_change__resets);
#endif
	EVT_TP_ADD_TC(tp, bits__and_or_copy);
	EVT_TP_ADD_TC(tp, bits__of_the_first_add);
	EVT_TP_ADD_TC(tp, udata__is_replaced);
	EVT_TP_ADD_TC(tp, disabled__trigger_is_kept);
	EVT_TP_ADD_TC(tp, dispatch__again_when_enabled);
	EVT_TP_ADD_TC(tp, oneshot__with_its_values);
	EVT_TP_ADD_TC(tp, trigger__wakes_sleepers);
	EVT_TP_ADD_TC(tp, trigger__ping_pong);
	EVT_TP_ADD_TC(tp, trigger__many_senders);
	return (atf_no_error());
}
