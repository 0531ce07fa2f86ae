/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * The queue of <evany.h>: its descriptor, its life, and what there is.
 */
#include "config.h"

#include "evt_uni.h"

#include <sys/select.h>

EVT_TC(queue__new_is_empty, "UNI-001",
    "A new queue is a close-on-exec descriptor with nothing in it")
{
	int q;

	q = evt_queue();
	ATF_REQUIRE(q >= 0);
	ATF_REQUIRE((fcntl(q, F_GETFD) & FD_CLOEXEC) != 0);
	evt_uni_none(q);
	ATF_REQUIRE(!evt_readable(q, 0));
	evt_close(q);
}

EVT_TC(queue__stray_flags, "UNI-002", "Flags that are not known are EINVAL")
{
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_queue(0x80)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_queue(~0U)), EINVAL);
}

static void
all_ebadf(int q)
{
	struct evany_event ev;
	struct evany_change ch = { .ch_source = EVANY_TIMER };

	ATF_REQUIRE_EQ(EVT_ERRNO(evany_wait(q, &ev, 1, 0)), EBADF);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_wait(q, &ev, 1, EVT_WAIT_NS)), EBADF);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, NULL, 0, NULL, 0, 0, 0)),
	    EBADF);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_turn(q, &ch, 1, &ev, 0, 1, 0)), EBADF);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(q, 0, EVANY_READ, 0, NULL)), EBADF);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_timer(q, 1, 0, 0, 0, NULL)), EBADF);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_post(q, 1, 0, NULL)), EBADF);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_alert(q, 1, NULL)), EBADF);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_TIMER, 1)), EBADF);
}

EVT_TC(queue__wrong_numbers, "UNI-003",
    "Every call on a closed queue, or on what is none, is EBADF")
{
	int p[2], q;

	all_ebadf(-1);
	evt_pipe(p);
	all_ebadf(p[0]);
	q = evt_queue();
	evt_close(q);
	all_ebadf(q);

	/* A kqueue is no queue of this kind. */
	q = evt_kq();
	all_ebadf(q);
	evt_close(q);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(queue__closed_with_contents, "UNI-003",
    "A queue that is closed with watches and events frees them all")
{
	struct evany_event ev;
	int i, p[2], q;

	evt_pipe(p);
	for (i = 0; i < 3; i++) {
		q = evt_queue();
		EVT_OK(evany_fd(q, p[1], EVANY_WRITE, 0, NULL));
		EVT_OK(evany_timer(q, 1, 0, 0, 0, NULL));
		EVT_OK(evany_timer(q, 2, 3600 * 1000 * MS, 0, 0, NULL));
		EVT_OK(evany_post(q, 1, 2, NULL));
		EVT_OK(evany_post(q, 1, 3, NULL));
		ATF_REQUIRE_EQ(evt_uni_get(q, &ev, 1), 1);
		evt_close(q);
		/* Another under its number begins with nothing. */
		ATF_REQUIRE_EQ(evt_queue(), q);
		evt_uni_none(q);
		evt_close(q);
	}
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(queue__duplicate, "UNI-004",
    "A duplicate of the number is the same queue, also after the first closed")
{
	struct evany_event ev;
	int dupe, q;

	q = evt_queue();
	dupe = dup(q);
	ATF_REQUIRE(dupe != -1);
	EVT_OK(evany_post(q, 7, 8, NULL));
	evt_uni_one(dupe, &ev);
	EVT_UNI(&ev, EVANY_USER, 7, 0, NULL);
	EVT_OK(evany_timer(q, 1, 20 * MS, 0, 0, EVT_USER(1)));
	evt_close(q);
	evt_uni_one(dupe, &ev);
	EVT_UNI(&ev, EVANY_TIMER, 1, 0, EVT_USER(1));
	EVT_OK(evany_post(dupe, 9, 8, NULL));
	evt_uni_one(dupe, &ev);
	evt_close(dupe);
}

EVT_TC(queue__polls, "UNI-005",
    "A queue polls readable exactly when a wait would find something")
{
	struct evany_event ev;
	int p[2], q;

	q = evt_queue();
	evt_pipe(p);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	ATF_REQUIRE(!evt_readable(q, EVT_QUIET_MS));
	evt_write(p[1], 1);
	ATF_REQUIRE(evt_readable(q, EVT_WAIT_MS));
	evt_uni_one(q, &ev);
	ATF_REQUIRE(evt_readable(q, EVT_WAIT_MS));
	(void)evt_drain(p[0]);
	evt_uni_none(q);
	ATF_REQUIRE(!evt_readable(q, EVT_QUIET_MS));

	EVT_OK(evany_post(q, 0, 0, NULL));
	ATF_REQUIRE(evt_readable(q, EVT_WAIT_MS));
	evt_uni_one(q, &ev);
	ATF_REQUIRE(!evt_readable(q, EVT_QUIET_MS));

	EVT_OK(evany_timer(q, 1, 20 * MS, 0, 0, NULL));
	ATF_REQUIRE(evt_readable(q, EVT_WAIT_MS));
	evt_uni_one(q, &ev);
	evt_uni_none(q);
	ATF_REQUIRE(!evt_readable(q, EVT_QUIET_MS));

	EVT_OK(evany_alert(q, 1, NULL));
	ATF_REQUIRE(evt_readable(q, EVT_WAIT_MS));
	evt_uni_one(q, &ev);
	ATF_REQUIRE(evt_readable(q, EVT_WAIT_MS));
	EVT_OK(evany_alert(q, 0, NULL));
	evt_uni_none(q);
	ATF_REQUIRE(!evt_readable(q, EVT_QUIET_MS));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(queue__nests, "UNI-006", "A queue can be watched by another queue")
{
	struct evany_event ev;
	int inner, outer;

	inner = evt_queue();
	outer = evt_queue();
	EVT_OK(evany_fd(outer, inner, EVANY_READ, 0, EVT_USER(5)));
	evt_uni_none(outer);
	EVT_OK(evany_post(inner, 1, 0, NULL));
	evt_uni_one(outer, &ev);
	EVT_UNI(&ev, EVANY_FD, inner, EVANY_READ, EVT_USER(5));
	evt_uni_one(inner, &ev);
	evt_uni_none(outer);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(outer, outer, EVANY_READ, 0, NULL)),
	    EINVAL);
	evt_close(inner);
	evt_close(outer);
}

EVT_TC(queue__any_poller, "UNI-011",
    "A queue can be watched by select(2), by a kqueue, and by edge")
{
	struct timespec none = { 0, 0 };
	struct timeval soon = { .tv_usec = 0 };
	struct evany_event ev;
	struct kevent kev;
	fd_set set;
	int i, kq, outer, q;

	q = evt_queue();
	kq = evt_kq();
	outer = evt_queue();
	evt_change(kq, q, EVFILT_READ, EV_ADD, 0, 0, NULL);
	EVT_OK(evany_fd(outer, q, EVANY_READ, EVANY_EDGE, NULL));
	for (i = 0; i < 3; i++) {
		evt_none(kq);
		evt_uni_none(outer);
		FD_ZERO(&set);
		FD_SET(q, &set);
		ATF_REQUIRE_EQ(0, select(q + 1, &set, NULL, NULL, &soon));
		EVT_OK(evany_post(q, 1, 0, NULL));
		evt_one(kq, &kev);
		ATF_REQUIRE_EQ((uintptr_t)q, kev.ident);
		evt_uni_one(outer, &ev);
		EVT_UNI(&ev, EVANY_FD, q, EVANY_READ, NULL);
		FD_SET(q, &set);
		ATF_REQUIRE_EQ(1, select(q + 1, &set, NULL, NULL, &soon));
		evt_uni_one(q, &ev);
	}
	ATF_REQUIRE_EQ(0, evt_kevent(kq, NULL, 0, &kev, 1, &none));
	evt_close(outer);
	evt_close(kq);
	evt_close(q);
}

EVT_TC(queue__in_a_circle, "UNI-012",
    "Queues that would watch each other are refused, and nothing changes")
{
	struct evany_event ev;
	int a, b;

	a = evt_queue();
	b = evt_queue();
	EVT_OK(evany_fd(a, b, EVANY_READ, 0, NULL));
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_fd(b, a, EVANY_READ, 0, NULL)), ELOOP);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(b, EVANY_FD, (uintptr_t)a)),
	    ENOENT);
	EVT_OK(evany_post(b, 1, 0, NULL));
	evt_uni_one(a, &ev);
	EVT_UNI(&ev, EVANY_FD, b, EVANY_READ, NULL);
	evt_close(a);
	evt_close(b);
}

static int
in_child(void *arg)
{
	struct evany_event ev;
	int mine, q = *(int *)arg;

	if (EVT_ERRNO(evany_wait(q, &ev, 1, 0)) != EBADF ||
	    EVT_ERRNO(evany_post(q, 1, 0, NULL)) != EBADF ||
	    EVT_ERRNO(evany_drop(q, EVANY_TIMER, 1)) != EBADF)
		return (1);
	/* One of its own works. */
	if ((mine = evany_queue(0)) == -1 ||
	    evany_post(mine, 3, 4, NULL) == -1 ||
	    evany_wait(mine, &ev, 1, EVT_WAIT_NS) != 1 || ev.ev_data != 4)
		return (2);
	return (0);
}

EVT_TC(queue__not_inherited, "UNI-007",
    "A forked child does not have the queue, and the parent is undisturbed")
{
	struct evany_event ev;
	int p[2], q;

	q = evt_queue();
	evt_pipe(p);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, 0, NULL));
	EVT_OK(evany_timer(q, 1, 20 * MS, 0, 0, NULL));
	ATF_REQUIRE_EQ(evt_in_child(in_child, &q), 0);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_TIMER, 1, 0, NULL);
	evt_write(p[1], 1);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, p[0], EVANY_READ, NULL);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(errno__is_kept, "UNI-008", "A call that succeeds leaves errno alone")
{
	struct evany_feature rows[4];
	struct evany_event ev;
	int p[2], q;

	evt_pipe(p);
	errno = E2BIG;
	q = evany_queue(0);
	ATF_REQUIRE(q != -1 && errno == E2BIG);
	ATF_REQUIRE(evany_fd(q, p[1], EVANY_WRITE, EVANY_COUNT, NULL) == 0);
	ATF_REQUIRE(evany_timer(q, 1, 10 * MS, 0, 0, NULL) == 0);
	ATF_REQUIRE(evany_post(q, 1, 0, NULL) == 0);
	ATF_REQUIRE(evany_wait(q, &ev, 1, 0) == 1);
	ATF_REQUIRE(evany_drop(q, EVANY_FD, (uintptr_t)p[1]) == 0);
	ATF_REQUIRE(evany_alert(q, 1, NULL) == 0);
	ATF_REQUIRE(evany_features(rows, 4) > 4);
	ATF_REQUIRE_EQ(errno, E2BIG);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(source__tells, "UNI-009",
    "A source says how it is supplied, in the table as well")
{
	static const int exact[] = { EVANY_TIMER, EVANY_USER, EVANY_ALERT };
	struct evany_feature rows[64];
	size_t i, n;
	int how;

	for (i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		ATF_REQUIRE_EQ(evany_source(exact[i]), EVANY_EMULATED);
	how = evany_source(EVANY_FD);
	ATF_REQUIRE_EQ(how, strcmp(evt_backend(), "poll") == 0 ?
	    EVANY_APPROXIMATE : EVANY_EMULATED);
	ATF_REQUIRE_EQ(evany_source(0), EVANY_MISSING);
	ATF_REQUIRE_EQ(evany_source(-1), EVANY_MISSING);
	ATF_REQUIRE_EQ(evany_source(1000), EVANY_MISSING);

	n = evany_features(rows, 64);
	ATF_REQUIRE(n > 9 && n <= 64);
	for (i = 0; i < n; i++)
		if (strcmp(rows[i].ef_facility, "fd") == 0) {
			ATF_REQUIRE_EQ(rows[i].ef_how, how);
			ATF_REQUIRE(rows[i].ef_mechanism[0] != '\0');
			break;
		}
	ATF_REQUIRE(i < n);
}

EVT_TC(features__rows, "UNI-009",
    "No more rows are filled than there is room for, and the rest is counted")
{
	static const char *const sources[] = { "fd", "timer", "signal",
	    "process", "file", "directory", "aio", "user", "alert" };
	struct evany_feature all[64], some[64];
	size_t i, j, n;

	n = evany_features(all, 64);
	ATF_REQUIRE(n > 10 && n <= 64);
	ATF_REQUIRE_EQ(n, evany_features(NULL, 0));
	memset(some, 0xa5, sizeof(some));
	ATF_REQUIRE_EQ(n, evany_features(some, 3));
	for (i = 0; i < 3; i++)
		ATF_REQUIRE(some[i].ef_facility == all[i].ef_facility &&
		    some[i].ef_mechanism == all[i].ef_mechanism);
	ATF_REQUIRE_EQ(0, memcmp(&some[3], &some[4], sizeof(some[3])));
	/* The sources stand together, and sharing is last. */
	for (i = 0; i < n && strcmp(all[i].ef_facility, sources[0]) != 0; i++)
		ATF_REQUIRE(all[i].ef_mechanism != NULL);
	for (j = 0; j < EVT_NITEMS(sources); j++) {
		ATF_REQUIRE(i + j < n);
		ATF_REQUIRE_STREQ(sources[j], all[i + j].ef_facility);
		ATF_REQUIRE_EQ(evany_source((int)j + 1), all[i + j].ef_how);
	}
	ATF_REQUIRE_EQ(n, i + j + 1);
	ATF_REQUIRE_STREQ("sharing", all[n - 1].ef_facility);
}

EVT_TC(mechanisms__tell, "UNI-010",
    "Each mechanism is told, and of each kind one is used, which works")
{
	struct evany_mechanism rows[64];
	const char *kind = "";
	size_t i, n;
	int used = 1;

	errno = E2BIG;
	n = evany_mechanisms(rows, 64);
	ATF_REQUIRE(n >= 5 && n <= 64);
	for (i = 0; i < n; i++) {
		if (strcmp(kind, rows[i].em_kind) != 0) {
			ATF_REQUIRE_EQ_MSG(1, used, "%s", kind);
			kind = rows[i].em_kind;
			used = 0;
		}
		ATF_REQUIRE(rows[i].em_name[0] != '\0');
		used += rows[i].em_used;
		ATF_REQUIRE(!rows[i].em_used || rows[i].em_error == 0);
		if (rows[i].em_used && strcmp(kind, "descriptors") == 0)
			ATF_REQUIRE_EQ(strcmp(evt_backend(), "poll") == 0,
			    strcmp(rows[i].em_name, "poll") == 0 ||
			    strcmp(rows[i].em_name, "ports") == 0);
	}
	ATF_REQUIRE_EQ(1, used);
	ATF_REQUIRE_EQ(n, evany_mechanisms(NULL, 0));
	ATF_REQUIRE_EQ(E2BIG, errno);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, queue__new_is_empty);
	EVT_TP_ADD_TC(tp, queue__stray_flags);
	EVT_TP_ADD_TC(tp, queue__wrong_numbers);
	EVT_TP_ADD_TC(tp, queue__closed_with_contents);
	EVT_TP_ADD_TC(tp, queue__duplicate);
	EVT_TP_ADD_TC(tp, queue__polls);
	EVT_TP_ADD_TC(tp, queue__nests);
	EVT_TP_ADD_TC(tp, queue__any_poller);
	EVT_TP_ADD_TC(tp, queue__in_a_circle);
	EVT_TP_ADD_TC(tp, queue__not_inherited);
	EVT_TP_ADD_TC(tp, errno__is_kept);
	EVT_TP_ADD_TC(tp, source__tells);
	EVT_TP_ADD_TC(tp, features__rows);
	EVT_TP_ADD_TC(tp, mechanisms__tell);
	return (atf_no_error());
}
