/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVANY_SHARED: what parent and child have in common, and what not.
 */
#include "config.h"

#include "evt_uni.h"

#define SHARED_LIMIT	32768	/* of events that nobody has taken */
#define SOME		300

static int q;
static int p[2];

/* How a child that waits tells what it has come to. */
static int told[2];

static int
shared_queue(void)
{
	int number;

	if (strcmp(evt_backend(), "poll") == 0)
		evt_skip_tsan(EVT_TSAN_FORKED);
	number = evany_queue(EVANY_SHARED);
	if (number == -1 && errno == ENOTSUP)
		atf_tc_skip("the system has no robust locks");
	EVT_OK(number);
	return (number);
}

/* One event within the time, in a child. */
static void
child_one(int number, struct evany_event *ev)
{
	EVT_CHILD(evany_wait(number, ev, 1, EVT_WAIT_NS) == 1);
}

static void
child_none(int number)
{
	struct evany_event ev;

	EVT_CHILD(evany_wait(number, &ev, 1, EVT_QUIET_MS * MS) == 0);
	EVT_CHILD(!evt_readable(number, 0));
}

/* If the child ends early, nothing keeps the pipe open. */
static pid_t
teller_start(int (*fn)(void *))
{
	pid_t pid;

	evt_pipe(told);
	pid = evt_fork_start(fn, NULL);
	evt_close(told[1]);
	return (pid);
}

static void
until_told(void)
{
	char c;

	ATF_REQUIRE_EQ(read(told[0], &c, 1), 1);
}

/* ---- posted events and the alert ------------------------------------------ */

static int
child_takes_and_posts(void *arg)
{
	struct evany_event ev;

	child_one(*(int *)arg, &ev);
	EVT_CHILD(ev.ev_source == EVANY_USER && ev.ev_what == 0);
	EVT_CHILD(ev.ev_object == 12 && ev.ev_data == INT64_C(-5000000000));
	EVT_CHILD(ev.ev_user == EVT_USER(3));
	child_none(q);
	EVT_CHILD(evany_post(q, 4, 5, EVT_USER(6)) == 0);
	return (0);
}

EVT_TC(post__crosses, "UNI-180 UNI-185",
    "What one process posts another takes, once, and after its end too")
{
	struct evany_event ev;
	int dupe;

	q = shared_queue();
	ATF_REQUIRE((dupe = dup(q)) != -1);
	EVT_OK(evany_post(q, 12, INT64_C(-5000000000), EVT_USER(3)));
	ATF_REQUIRE_EQ(evt_in_child(child_takes_and_posts, &dupe), 0);
	ATF_REQUIRE(evt_readable(q, EVT_WAIT_MS));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_USER, 4, 0, EVT_USER(6));
	ATF_REQUIRE_EQ(ev.ev_data, 5);
	evt_uni_none(q);
	evt_close(q);
	evt_close(dupe);
}

static int
child_takes_in_order(void *arg)
{
	struct evany_event ev[7];
	int i, n, next = 0;

	(void)arg;
	while (next < SOME) {
		n = evany_wait(q, ev, 1 + next % 7, EVT_WAIT_NS);
		EVT_CHILD(n > 0 && n <= 1 + next % 7);
		for (i = 0; i < n; i++)
			EVT_CHILD(ev[i].ev_data == next++);
	}
	return (0);
}

EVT_TC(post__in_order, "UNI-180 UNI-031",
    "Another process takes events in the order of their posts")
{
	pid_t pid;
	int i;

	q = shared_queue();
	for (i = 0; i < SOME / 2; i++)
		EVT_OK(evany_post(q, 1, i, NULL));
	pid = evt_fork_start(child_takes_in_order, NULL);
	for (; i < SOME; i++)
		EVT_OK(evany_post(q, 1, i, NULL));
	ATF_REQUIRE_EQ(evt_fork_end(pid), 0);
	evt_uni_none(q);
	evt_close(q);
}

static int
child_wants_three(void *arg)
{
	struct evany_event ev[4];

	(void)arg;
	EVT_CHILD(evany_turn(q, NULL, 0, ev, 3, 4, EVT_WAIT_NS) == 3);
	EVT_CHILD(ev[0].ev_data == 0 && ev[2].ev_data == 2);
	return (0);
}

EVT_TC(post__for_at_least, "UNI-180 UNI-032",
    "A wait for at least so many gathers what another process posts")
{
	pid_t pid;
	int i;

	q = shared_queue();
	pid = evt_fork_start(child_wants_three, NULL);
	for (i = 0; i < 3; i++) {
		EVT_OK(evany_post(q, 1, i, NULL));
		/* It takes one after the other, as a rule. */
		(void)evt_readable(q, EVT_QUIET_MS);
	}
	ATF_REQUIRE_EQ(evt_fork_end(pid), 0);
	evt_uni_none(q);
	evt_close(q);
}

static int
child_fills(void *arg)
{
	int i;

	(void)arg;
	for (i = SHARED_LIMIT / 2; i < SHARED_LIMIT; i++)
		EVT_CHILD(evany_post(q, 1, i, NULL) == 0);
	EVT_CHILD(EVT_ERRNO(evany_post(q, 1, i, NULL)) == EAGAIN);
	return (0);
}

EVT_TC(post__beyond_the_limit, "UNI-181",
    "Beyond the limit, which is common, a post is EAGAIN, and nothing is lost")
{
	struct evany_event ev;
	int i;

	q = shared_queue();
	for (i = 0; i < SHARED_LIMIT / 2; i++)
		EVT_OK(evany_post(q, 1, i, NULL));
	ATF_REQUIRE_EQ(evt_in_child(child_fills, NULL), 0);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_post(q, 1, 0, NULL)), EAGAIN);
	ATF_REQUIRE_EQ(evt_uni_get(q, &ev, 1), 1);
	ATF_REQUIRE_EQ(ev.ev_data, 0);
	EVT_OK(evany_post(q, 1, SHARED_LIMIT, NULL));
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_post(q, 1, 0, NULL)), EAGAIN);
	evt_uni_posts(q, 1, SHARED_LIMIT, 64);
	evt_close(q);
}

/* Returns which post is the first that is left. */
static int
child_is_alerted(void *arg)
{
	struct evany_event ev[3];
	int n;

	(void)arg;
	EVT_CHILD(evany_post(q, 8, 0, NULL) == 0);
	n = evany_turn(q, NULL, 0, ev, 3, 3, EVT_WAIT_NS);
	/* It may have taken its own event before it was alerted. */
	EVT_CHILD(n == 1 || (n == 2 && ev[0].ev_source == EVANY_USER));
	EVT_CHILD(n == 1 || ev[0].ev_object == 8);
	EVT_CHILD(ev[n - 1].ev_source == EVANY_ALERT);
	EVT_CHILD(ev[n - 1].ev_data == 42);
	EVT_CHILD(ev[n - 1].ev_user == EVT_USER(7));
	EVT_CHILD(write(told[1], "", 1) == 1);
	/* Until it has other values. */
	do
		child_one(q, ev);
	while (ev[0].ev_data == 42);
	EVT_CHILD(ev[0].ev_source == EVANY_ALERT && ev[0].ev_data == 43);
	EVT_CHILD(ev[0].ev_user == NULL);
	EVT_CHILD(evany_alert(q, 0, NULL) == 0);
	return (n == 1 ? 8 : 9);
}

EVT_TC(alert__crosses, "UNI-182 UNI-102 UNI-103",
    "An alert ends the waits of all processes, until one of them ends it")
{
	struct evany_event ev[4];
	pid_t pid;
	int first;

	q = shared_queue();
	pid = teller_start(child_is_alerted);
	EVT_OK(evany_alert(q, 42, EVT_USER(7)));
	until_told();
	EVT_OK(evany_post(q, 9, 0, NULL));
	ATF_REQUIRE_EQ(evt_uni_get(q, ev, 4), 1);
	EVT_UNI(&ev[0], EVANY_ALERT, 0, 0, EVT_USER(7));
	EVT_OK(evany_alert(q, 43, NULL));
	first = evt_fork_end(pid);
	ATF_REQUIRE(first == 8 || first == 9);
	ATF_REQUIRE_EQ(evt_uni_get(q, ev, 4), 10 - first);
	EVT_UNI(&ev[0], EVANY_USER, first, 0, NULL);
	EVT_UNI(&ev[9 - first], EVANY_USER, 9, 0, NULL);
	evt_uni_none(q);
	evt_close(told[0]);
	evt_close(q);
}

/* ---- watches ------------------------------------------------------------------ */

static int
child_has_no_watches(void *arg)
{
	struct evany_event ev;
	int mine[2];

	(void)arg;
	child_none(q);
	EVT_CHILD(EVT_ERRNO(evany_drop(q, EVANY_FD, (uintptr_t)p[0])) ==
	    ENOENT);
	EVT_CHILD(EVT_ERRNO(evany_drop(q, EVANY_TIMER, 1)) == ENOENT);

	/* The same objects may be watched, for this process. */
	EVT_CHILD(evany_fd(q, p[0], EVANY_READ, EVANY_ONESHOT,
	    EVT_USER(2)) == 0);
	child_one(q, &ev);
	EVT_CHILD(ev.ev_source == EVANY_FD && ev.ev_user == EVT_USER(2));
	EVT_CHILD(evany_timer(q, 1, 0, 0, 0, EVT_USER(3)) == 0);
	child_one(q, &ev);
	EVT_CHILD(ev.ev_source == EVANY_TIMER && ev.ev_user == EVT_USER(3));
	/* Numbers can mean other files. */
	EVT_CHILD(pipe(mine) == 0 && dup2(mine[0], p[0]) == p[0]);
	EVT_CHILD(evany_fd(q, p[0], EVANY_READ, 0, EVT_USER(4)) == 0);
	child_none(q);
	return (0);
}

EVT_TC(watches__do_not_cross, "UNI-183",
    "A child has none of its parent's watches, and disturbs none")
{
	struct evany_event ev;

	q = shared_queue();
	evt_pipe(p);
	evt_write(p[1], 1);
	EVT_OK(evany_fd(q, p[0], EVANY_READ, EVANY_EDGE, EVT_USER(1)));
	EVT_OK(evany_timer(q, 1, 3600 * 1000 * MS, 0, 0, NULL));
	ATF_REQUIRE_EQ(evt_in_child(child_has_no_watches, NULL), 0);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, p[0], EVANY_READ, EVT_USER(1));
	EVT_OK(evany_drop(q, EVANY_TIMER, 1));
	evt_write(p[1], 1);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FD, p[0], EVANY_READ, EVT_USER(1));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

/* ---- the number ------------------------------------------------------------------ */

static int
child_polls_and_nests(void *arg)
{
	struct evany_event ev;
	int outer;

	(void)arg;
	EVT_CHILD(!evt_readable(q, 0));
	EVT_CHILD((outer = evany_queue(0)) != -1);
	EVT_CHILD(evany_fd(outer, q, EVANY_READ, 0, EVT_USER(1)) == 0);
	child_none(outer);
	EVT_CHILD(write(told[1], "", 1) == 1);
	child_one(outer, &ev);
	EVT_CHILD(ev.ev_source == EVANY_FD && ev.ev_user == EVT_USER(1));
	EVT_CHILD(evt_readable(q, EVT_WAIT_MS));
	child_one(q, &ev);
	EVT_CHILD(ev.ev_source == EVANY_USER && ev.ev_object == 1);
	child_none(q);
	child_none(outer);
	/* What the child alone can take is news for it alone. */
	EVT_CHILD(evany_timer(q, 1, 0, 0, 0, NULL) == 0);
	EVT_CHILD(evt_readable(q, EVT_WAIT_MS));
	EVT_CHILD(write(told[1], "", 1) == 1);
	EVT_CHILD(read(p[0], (char[1]){ 0 }, 1) == 1);
	return (0);
}

EVT_TC(number__polls, "UNI-184",
    "In each process the number polls readable when a wait would find something")
{
	struct evany_event ev;
	pid_t pid;

	q = shared_queue();
	evt_pipe(p);
	pid = teller_start(child_polls_and_nests);
	until_told();
	EVT_OK(evany_post(q, 1, 0, NULL));
	until_told();
	/* Other mechanisms see that it has gone when they look. */
	if (strcmp(evt_backend(), "linux") != 0)
		ATF_REQUIRE_EQ(evt_uni_poll(q, &ev, 1), 0);
	ATF_REQUIRE(!evt_readable(q, EVT_QUIET_MS));
	evt_write(p[1], 1);
	ATF_REQUIRE_EQ(evt_fork_end(pid), 0);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(told[0]);
	evt_close(q);
}

static int
child_closes(void *arg)
{
	struct evany_event ev;

	(void)arg;
	EVT_CHILD(close(q) == 0);
	EVT_CHILD(EVT_ERRNO(evany_wait(q, &ev, 1, 0)) == EBADF);
	EVT_CHILD(EVT_ERRNO(evany_post(q, 1, 0, NULL)) == EBADF);
	return (0);
}

static int
child_is_left(void *arg)
{
	struct evany_event ev;

	(void)arg;
	EVT_CHILD(read(p[0], (char[1]){ 0 }, 1) == 1);
	child_one(q, &ev);
	EVT_CHILD(ev.ev_source == EVANY_USER && ev.ev_object == 2);
	child_none(q);
	EVT_CHILD(evany_post(q, 3, 0, NULL) == 0);
	child_one(q, &ev);
	EVT_CHILD(ev.ev_object == 3);
	return (0);
}

EVT_TC(close__leaves_the_others, "UNI-185",
    "The queue is closed for the process that closes it, and for no other")
{
	struct evany_event ev;
	pid_t pid;

	q = shared_queue();
	evt_pipe(p);
	ATF_REQUIRE_EQ(evt_in_child(child_closes, NULL), 0);
	EVT_OK(evany_post(q, 1, 0, NULL));
	evt_uni_one(q, &ev);
	pid = evt_fork_start(child_is_left, NULL);
	EVT_OK(evany_post(q, 2, 0, NULL));
	evt_close(q);
	evt_settle();
	evt_write(p[1], 1);
	ATF_REQUIRE_EQ(evt_fork_end(pid), 0);
	evt_close(p[0]);
	evt_close(p[1]);
}

static int
child_executes(void *arg)
{
	char number[16];

	(void)arg;
	(void)snprintf(number, sizeof(number), "%d", q);
	(void)execl("/bin/sh", "sh", "-c",
	    "if { true <&$0; } 2>/dev/null; then exit 3; fi", number,
	    (char *)NULL);
	return (2);
}

EVT_TC(exec__ends_it, "UNI-185",
    "A program that a child executes does not have the queue")
{
	struct evany_event ev;

	q = shared_queue();
	EVT_OK(evany_post(q, 1, 0, NULL));
	ATF_REQUIRE_EQ(evt_in_child(child_executes, NULL), 0);
	evt_uni_one(q, &ev);
	evt_close(q);
}

static int
child_has_a_child(void *arg)
{
	struct evany_event ev;
	int level = *(int *)arg;

	child_one(q, &ev);
	EVT_CHILD(ev.ev_data == level);
	EVT_CHILD(evany_post(q, 1, level + 1, NULL) == 0);
	level++;
	return (level < 4 ? evt_in_child(child_has_a_child, &level) : 0);
}

EVT_TC(child__of_a_child, "UNI-180 UNI-184",
    "Children's children have the queue as well")
{
	struct evany_event ev;
	int level = 0;

	q = shared_queue();
	EVT_OK(evany_post(q, 1, level, NULL));
	ATF_REQUIRE_EQ(evt_in_child(child_has_a_child, &level), 0);
	evt_uni_one(q, &ev);
	ATF_REQUIRE_EQ(ev.ev_data, 4);
	evt_uni_none(q);
	evt_close(q);
}

/* ---- descriptors -------------------------------------------------------------------- */

static int
descriptors(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return (n);
}

static int
child_counts(void *arg)
{
	struct evany_event ev;
	int dupe, i, mine[2];

	EVT_CHILD(descriptors() == *(int *)arg + 2);
	EVT_CHILD(evany_timer(q, 1, 0, 0, 0, NULL) == 0);
	child_one(q, &ev);
	/* What it closes goes, and is no file of its own by mistake. */
	EVT_CHILD((dupe = dup(q)) != -1 && close(q) == 0);
	EVT_CHILD(evany_post(dupe, 1, 0, NULL) == 0);
	EVT_CHILD(close(dupe) == 0);
	for (i = 0; i < 3; i++) {
		EVT_CHILD((q = evany_queue(EVANY_SHARED)) != -1);
		EVT_CHILD(evany_post(q, 1, 0, NULL) == 0);
		EVT_CHILD(evany_wait(q, &ev, 1, EVT_WAIT_NS) == 1);
		EVT_CHILD(close(q) == 0);
	}
	EVT_CHILD(pipe(mine) == 0);
	EVT_CHILD((q = evany_queue(0)) != -1 && close(q) == 0);
	EVT_CHILD(write(mine[1], "", 1) == 1);
	EVT_CHILD(read(mine[0], (char[1]){ 0 }, 1) == 1);
	return (0);
}

EVT_TC(descriptors__are_not_leaked, "UNI-186",
    "A child has the descriptors of the queue and no more")
{
	struct evany_event ev;
	int n;

	/* What a mechanism has for all queues is there with the first. */
	evt_close(shared_queue());
	evt_settle();
	n = descriptors();
	q = shared_queue();
	evt_pipe(p);
	n = descriptors() - 2;
	ATF_REQUIRE_EQ(evt_in_child(child_counts, &n), 0);
	evt_uni_one(q, &ev);
	evt_close(q);
	evt_close(p[0]);
	evt_close(p[1]);
}

static int
child_closed_all(void *arg)
{
	struct evany_event ev;
	int fd, error, mine[2];
	char c;

	(void)arg;
	for (fd = 3; fd < 256; fd++)
		if (fd != q)
			(void)close(fd);
	EVT_CHILD(pipe(mine) == 0);
	for (fd = 0; fd < 16; fd++)
		EVT_CHILD(dup(mine[1]) != -1);
	error = EVT_ERRNO(evany_post(q, 1, 0, NULL));
	EVT_CHILD(error == 0 || error == EBADF);
	EVT_CHILD(evany_wait(q, &ev, 1, 0) >= 0 || errno == EBADF);
	/* Nothing was written where the library had a descriptor. */
	EVT_CHILD(fcntl(mine[0], F_SETFL, O_NONBLOCK) == 0);
	EVT_CHILD(read(mine[0], &c, 1) == -1 && errno == EAGAIN);
	return (0);
}

EVT_TC(descriptors__closed_by_the_program, "UNI-186",
    "A child that closes all it does not know spoils nothing")
{
	struct evany_event ev;

	q = shared_queue();
	ATF_REQUIRE_EQ(evt_in_child(child_closed_all, NULL), 0);
	EVT_OK(evany_post(q, 2, 0, NULL));
	do
		evt_uni_one(q, &ev);
	while (ev.ev_object == 1);
	EVT_UNI(&ev, EVANY_USER, 2, 0, NULL);
	evt_uni_none(q);
	evt_close(q);
}

/* ---- the call -------------------------------------------------------------------------- */

EVT_TC(queue__flags, "UNI-002 UNI-189",
    "Unknown flags beside EVANY_SHARED are EINVAL; the table tells of sharing")
{
	struct evany_feature rows[64];
	size_t i, n;
	int fd;

	ATF_REQUIRE_EQ(EVT_ERRNO(evany_queue(EVANY_SHARED | 0x80)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_queue(~0U)), EINVAL);
	n = evany_features(rows, 64);
	ATF_REQUIRE(n <= 64);
	for (i = 0; i < n; i++)
		if (strcmp(rows[i].ef_facility, "sharing") == 0)
			break;
	ATF_REQUIRE(i < n);
	fd = evany_queue(EVANY_SHARED);
	if (rows[i].ef_how == EVANY_MISSING) {
		ATF_REQUIRE_EQ(EVT_ERRNO(fd), ENOTSUP);
		return;
	}
	ATF_REQUIRE_EQ(rows[i].ef_how, EVANY_EMULATED);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	evt_close(fd);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, post__crosses);
	EVT_TP_ADD_TC(tp, post__in_order);
	EVT_TP_ADD_TC(tp, post__for_at_least);
	EVT_TP_ADD_TC(tp, post__beyond_the_limit);
	EVT_TP_ADD_TC(tp, alert__crosses);
	EVT_TP_ADD_TC(tp, watches__do_not_cross);
	EVT_TP_ADD_TC(tp, number__polls);
	EVT_TP_ADD_TC(tp, close__leaves_the_others);
	EVT_TP_ADD_TC(tp, exec__ends_it);
	EVT_TP_ADD_TC(tp, child__of_a_child);
	EVT_TP_ADD_TC(tp, descriptors__are_not_leaked);
	EVT_TP_ADD_TC(tp, descriptors__closed_by_the_program);
	EVT_TP_ADD_TC(tp, queue__flags);
	return (atf_no_error());
}
