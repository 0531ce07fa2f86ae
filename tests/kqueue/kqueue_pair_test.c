/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_READ and EVFILT_WRITE of one descriptor, in every pair of modes.
 *
 * One filter (the subject) is delivered, disabled, enabled, deleted and added
 * again, while the other (the witness) must behave as if it were alone.
 */
#include "config.h"

#include "evt.h"

#include <sys/socket.h>

/* Is it certain, possible or forbidden that the filter reports? */
enum pair_expect { PAIR_NO, PAIR_YES, PAIR_MAYBE };

static const unsigned int pair_modes[] = {
	0, EV_CLEAR, EV_ONESHOT, EV_DISPATCH
};

struct pair {
	int		pr_kq;
	int		pr_s[2];
	unsigned int	pr_mode[2];	/* of READ, of WRITE */
	int64_t		pr_told[2];	/* since the change; not before */
	const char	*pr_step;
};

static int
pair_filter(int i)
{
	return (i == 0 ? EVFILT_READ : EVFILT_WRITE);
}

static void
pair_change(struct pair *pr, int which, unsigned int flags)
{
	evt_change(pr->pr_kq, pr->pr_s[0], pair_filter(which), flags, 0, 0,
	    NULL);
	pr->pr_told[which] = 0;
}

/* May it come once more for no reason? */
static bool
pair_doubt(const struct pair *pr, int which)
{
	return (pr->pr_mode[which] == EV_CLEAR && pr->pr_told[which] != 0 &&
	    evt_doubt(pr->pr_told[which]));
}

/* Collects until everything certain was seen, and then once more. */
static void
pair_expect(struct pair *pr, enum pair_expect rd, enum pair_expect wr)
{
	enum pair_expect want[2] = { rd, wr };
	struct kevent ev[4];
	int64_t end, now;
	int i, n, seen[2] = { 0, 0 }, which;
	bool doubt;

	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	do {
		now = evt_now_ns();
		n = evt_kevent_ms(pr->pr_kq, NULL, 0, ev, 4,
		    EVT_QUIET_MS / 5);
		for (i = 0; i < n; i++) {
			which = ev[i].filter == EVFILT_WRITE;
			doubt = pair_doubt(pr, which);
			pr->pr_told[which] = now;
			if (want[which] == PAIR_NO && !doubt)
				atf_tc_fail("modes %#x %#x, %s: event {%s}",
				    pr->pr_mode[0], pr->pr_mode[1],
				    pr->pr_step, evt_text(&ev[i]));
			if (seen[which]++ && pr->pr_mode[which] != 0 &&
			    want[which] == PAIR_YES && !doubt)
				atf_tc_fail("modes %#x %#x, %s: twice {%s}",
				    pr->pr_mode[0], pr->pr_mode[1],
				    pr->pr_step, evt_text(&ev[i]));
			ATF_REQUIRE_EQ(ev[i].ident, (uintptr_t)pr->pr_s[0]);
			ATF_REQUIRE_EQ(evt_flags(&ev[i]), pr->pr_mode[which]);
			ATF_REQUIRE(ev[i].data > 0);
		}
	} while (((rd == PAIR_YES && !seen[0]) ||
	    (wr == PAIR_YES && !seen[1])) && evt_now_ns() < end);
	for (i = 0; i < 2; i++)
		if (want[i] == PAIR_YES && !seen[i])
			atf_tc_fail("modes %#x %#x, %s: no %s event",
			    pr->pr_mode[0], pr->pr_mode[1], pr->pr_step,
			    i == 0 ? "read" : "write");
	if (rd == PAIR_NO && wr == PAIR_NO && evt_readable(pr->pr_kq, 0) &&
	    !pair_doubt(pr, 0) && !pair_doubt(pr, 1))
		atf_tc_fail("modes %#x %#x, %s: the queue polls readable",
		    pr->pr_mode[0], pr->pr_mode[1], pr->pr_step);
}

/* The same by role: what the subject does, what the witness does. */
static void
pair_step(struct pair *pr, const char *step, int subject,
    enum pair_expect sub, enum pair_expect wit)
{
	pr->pr_step = step;
	if (subject == 0)
		pair_expect(pr, sub, wit);
	else
		pair_expect(pr, wit, sub);
}

/* What a ready filter does in a call without news. */
static enum pair_expect
pair_again(unsigned int mode)
{
	return (mode == 0 ? PAIR_YES : PAIR_NO);
}

static void
pair_run(int subject, unsigned int rmode, unsigned int wmode, int family)
{
	enum pair_expect again;
	unsigned int submode, witmode;
	struct pair pr = { .pr_mode = { rmode, wmode } };

	submode = pr.pr_mode[subject];
	witmode = pr.pr_mode[!subject];
	again = pair_again(witmode);
	pr.pr_kq = evt_kq();
	if (family == AF_UNIX)
		evt_sockpair(pr.pr_s, SOCK_STREAM);
	else
		evt_tcp_pair(pr.pr_s);
	evt_write(pr.pr_s[1], 1);
	pair_change(&pr, 0, EV_ADD | rmode);
	pair_change(&pr, 1, EV_ADD | wmode);
	pair_step(&pr, "both added", subject, PAIR_YES, PAIR_YES);
	pair_step(&pr, "no news", subject, pair_again(submode), again);

	/* News for READ only. */
	evt_write(pr.pr_s[1], 1);
	pr.pr_step = "bytes arrived";
	pair_expect(&pr, rmode == 0 || rmode == EV_CLEAR ? PAIR_YES : PAIR_NO,
	    pair_again(wmode));

	if (submode == EV_ONESHOT)
		pair_change(&pr, subject, EV_ADD | EV_ONESHOT | EV_DISABLE);
	else
		pair_change(&pr, subject, EV_DISABLE);
	pair_step(&pr, "disabled", subject, PAIR_NO, again);
	pair_change(&pr, subject, EV_ENABLE);
	/* Whether enabling alone repeats an edge differs between systems. */
	pair_step(&pr, "enabled", subject,
	    submode == EV_CLEAR ? PAIR_MAYBE : PAIR_YES, again);
	if (submode == EV_ONESHOT)
		pair_change(&pr, subject, EV_ADD | EV_ONESHOT);
	pair_change(&pr, subject, EV_DELETE);
	pair_step(&pr, "deleted", subject, PAIR_NO, again);
	pair_change(&pr, subject, EV_ADD | submode);
	pair_step(&pr, "added again", subject, PAIR_YES, again);
	/* Once more on a knote that exists, but for what is gone. */
	if (submode != EV_ONESHOT && submode != EV_DISPATCH) {
		pair_change(&pr, subject, EV_ADD | submode);
		pair_step(&pr, "added twice", subject, PAIR_YES, again);
	}

	/* The witness is still registered, and works. */
	if (witmode != EV_ONESHOT) {
		pair_change(&pr, !subject, EV_ADD | EV_ENABLE | witmode);
		pair_step(&pr, "witness added", subject, pair_again(submode),
		    PAIR_YES);
		pair_change(&pr, !subject, EV_DELETE);
	}
	ATF_REQUIRE_EQ(evt_change_errno(pr.pr_kq, pr.pr_s[0],
	    pair_filter(!subject), EV_DELETE, 0, 0, NULL), ENOENT);
	pair_step(&pr, "witness gone", subject, pair_again(submode), PAIR_NO);
	evt_close(pr.pr_s[0]);
	evt_close(pr.pr_s[1]);
	evt_close(pr.pr_kq);
}

static void
pair_run_all(int subject, int family)
{
	int i, j;

	for (i = 0; i < EVT_NITEMS(pair_modes); i++)
		for (j = 0; j < EVT_NITEMS(pair_modes); j++)
			pair_run(subject, pair_modes[i], pair_modes[j],
			    family);
}

EVT_TC(pair__read_changes_leave_write_alone, "KQ-263 KQ-067 KQ-092 KQ-095",
    "Nothing done to READ disturbs WRITE of the same descriptor, in all 16 "
    "pairs of modes")
{
	pair_run_all(0, AF_UNIX);
	pair_run_all(0, AF_INET);
}

EVT_TC(pair__write_changes_leave_read_alone, "KQ-263 KQ-067 KQ-092 KQ-095",
    "Nothing done to WRITE disturbs READ of the same descriptor, in all 16 "
    "pairs of modes")
{
	pair_run_all(1, AF_UNIX);
	pair_run_all(1, AF_INET);
}

EVT_TC(pair__short_list_keeps_the_other_half, "KQ-262 KQ-263",
    "With room for one event, the other filter's edge or one-time event "
    "comes with the next call")
{
	struct kevent ev[2];
	int i, j, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(pair_modes); i++)
		for (j = 0; j < EVT_NITEMS(pair_modes); j++) {
			evt_sockpair(s, SOCK_STREAM);
			evt_write(s[1], 1);
			evt_change(kq, s[0], EVFILT_READ,
			    EV_ADD | pair_modes[i], 0, 0, NULL);
			evt_change(kq, s[0], EVFILT_WRITE,
			    EV_ADD | pair_modes[j], 0, 0, NULL);
			ATF_REQUIRE_EQ(evt_get(kq, &ev[0], 1), 1);
			ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
			ATF_REQUIRE_EQ(evt_get(kq, &ev[1], 1), 1);
			ATF_REQUIRE_MSG(ev[0].filter != ev[1].filter,
			    "modes %#x %#x: {%s} twice", pair_modes[i],
			    pair_modes[j], evt_text(&ev[0]));
			if (pair_modes[i] != 0 && pair_modes[j] != 0)
				evt_none(kq);
			evt_close(s[0]);
			evt_close(s[1]);
		}
	evt_close(kq);
}

EVT_TC(pair__short_list_over_many, "KQ-262 KQ-061 KQ-062",
    "Edge events of both filters of fifty descriptors, collected seven at a "
    "time, come once each")
{
	struct kevent ev[7];
	int i, kq, n, s[50][2], seen[50][2], sum = 0;

	kq = evt_kq();
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < 50; i++) {
		evt_sockpair(s[i], SOCK_STREAM);
		evt_write(s[i][1], 1);
		evt_change(kq, s[i][0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    (void *)(intptr_t)i);
		evt_change(kq, s[i][0], EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0,
		    (void *)(intptr_t)i);
	}
	while (sum < 100 && (n = evt_get(kq, ev, 7)) > 0)
		for (sum += n, i = 0; i < n; i++)
			seen[(intptr_t)ev[i].udata][
			    ev[i].filter == EVFILT_WRITE]++;
	evt_none(kq);
	for (i = 0; i < 50; i++) {
		ATF_REQUIRE_MSG(seen[i][0] == 1 && seen[i][1] == 1,
		    "pair %d: %d read events, %d write events", i, seen[i][0],
		    seen[i][1]);
		evt_close(s[i][0]);
		evt_close(s[i][1]);
	}
	evt_close(kq);
}

EVT_TC(pair__ended_and_dispatched, "KQ-016 KQ-073",
    "When both were dispatched at the end of the stream the queue is quiet")
{
	struct kevent ev[4];
	int kq, s[2], n, sum;

	kq = evt_kq();
	evt_sockpair(s, SOCK_STREAM);
	evt_change(kq, s[0], EVFILT_WRITE, EV_ADD | EV_DISPATCH, 0, 0, NULL);
	evt_change(kq, s[0], EVFILT_READ, EV_ADD | EV_DISPATCH, 0, 0, NULL);
	evt_close(s[1]);
	for (sum = 0; sum < 2 && (n = evt_get(kq, ev, 4)) > 0; sum += n)
		continue;
	ATF_REQUIRE_EQ(2, sum);
	ATF_CHECK(!evt_readable(kq, EVT_QUIET_MS));
	evt_close(s[0]);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, pair__read_changes_leave_write_alone);
	EVT_TP_ADD_TC(tp, pair__write_changes_leave_read_alone);
	EVT_TP_ADD_TC(tp, pair__short_list_keeps_the_other_half);
	EVT_TP_ADD_TC(tp, pair__short_list_over_many);
	EVT_TP_ADD_TC(tp, pair__ended_and_dispatched);
	return (atf_no_error());
}
