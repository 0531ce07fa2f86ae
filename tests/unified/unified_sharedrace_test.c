/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVANY_SHARED: processes and threads that use one queue at once, that fork
 * beside others, and that are killed.
 */
#include "config.h"

#include <sys/mman.h>

#include "evt_uni.h"

#define POSTS	2000	/* of each thread */
#define THREADS	2	/* of each process */
#define PAIRS	2	/* of processes that post, and that take */
#define FORKS	100
#define KILLS	50
#define ALERTS	1000

static int q;

/* What processes count together. */
static struct {
	atomic_int	posted;
	atomic_int	taken;
	atomic_int	begun;
	atomic_uchar	seen[PAIRS * THREADS * POSTS];
} *common;

/* Registered before those of the library, and so called inside them. */
static bool post_in_fork;

static void
fork_prepare(void)
{
	if (post_in_fork)
		(void)evany_post(q, 77, 0, NULL);
}

__attribute__((__constructor__)) static void
register_first(void)
{
	(void)pthread_atfork(fork_prepare, NULL, NULL);
}

static void
begin(void)
{
	if (strcmp(evt_backend(), "poll") == 0) {
		evt_skip_asan(EVT_SANE_FORKED);
		evt_skip_tsan(EVT_TSAN_FORKED);
	}
	q = evany_queue(EVANY_SHARED);
	if (q == -1 && errno == ENOTSUP)
		atf_tc_skip("the system has no robust locks");
	EVT_OK(q);
	common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON, -1, 0);
	ATF_REQUIRE(common != MAP_FAILED);
}

static void
end(void)
{
	evt_close(q);
	ATF_REQUIRE_EQ(munmap(common, sizeof(*common)), 0);
}

/* Nothing is left over. */
static void
none_left(void)
{
	struct evany_event ev;

	ATF_REQUIRE_EQ(evt_uni_poll(q, &ev, 1), 0);
	ATF_REQUIRE(!evt_readable(q, 0));
}

/* ---- many at once ----------------------------------------------------------- */

static void
post_many(void *arg)
{
	uintptr_t first = *(uintptr_t *)arg, i;

	for (i = first; i < first + POSTS; i++)
		EVT_CHILD(evany_post(q, i, 0, NULL) == 0);
}

static void
take_until_alert(void *arg)
{
	struct evany_event ev[8];
	int i, n;

	for (;;) {
		n = evany_turn(q, NULL, 0, ev, *(int *)arg, 8, EVANY_FOREVER);
		EVT_CHILD(n > 0);
		for (i = 0; i < n; i++) {
			if (ev[i].ev_source == EVANY_ALERT)
				return;
			EVT_CHILD(ev[i].ev_source == EVANY_USER);
			(void)atomic_fetch_add(&common->seen[ev[i].ev_object],
			    1);
			(void)atomic_fetch_add(&common->taken, 1);
		}
	}
}

static int
child_posts(void *arg)
{
	uintptr_t first[THREADS];
	struct evt_thread th[THREADS];
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		first[i] = (*(unsigned int *)arg * THREADS + i) * POSTS;
		evt_thread_start(&th[i], post_many, &first[i]);
	}
	for (i = 0; i < THREADS; i++)
		evt_thread_join(&th[i]);
	return (0);
}

static int
child_takes(void *arg)
{
	struct evt_thread th[THREADS];
	int i, least[THREADS];

	(void)arg;
	for (i = 0; i < THREADS; i++) {
		least[i] = 1;
		evt_thread_start(&th[i], take_until_alert, &least[i]);
	}
	for (i = 0; i < THREADS; i++)
		evt_thread_join(&th[i]);
	return (0);
}

EVT_TC(many__each_once, "UNI-180 UNI-182 UNI-038",
    "Threads of many processes post and take: each event comes once")
{
	unsigned int i, which[PAIRS];
	pid_t from[PAIRS], to[PAIRS];
	struct evany_event ev;

	begin();
	for (i = 0; i < PAIRS; i++)
		to[i] = evt_fork_start(child_takes, NULL);
	for (i = 0; i < PAIRS; i++) {
		which[i] = i;
		from[i] = evt_fork_start(child_posts, &which[i]);
	}
	for (i = 0; i < PAIRS; i++)
		ATF_REQUIRE_EQ(evt_fork_end(from[i]), 0);
	/* What is left is taken here as well. */
	while (evt_uni_poll(q, &ev, 1) == 1) {
		(void)atomic_fetch_add(&common->seen[ev.ev_object], 1);
		(void)atomic_fetch_add(&common->taken, 1);
	}
	EVT_OK(evany_alert(q, 1, NULL));
	for (i = 0; i < PAIRS; i++)
		ATF_REQUIRE_EQ(evt_fork_end(to[i]), 0);
	ATF_REQUIRE_EQ(atomic_load(&common->taken), PAIRS * THREADS * POSTS);
	for (i = 0; i < PAIRS * THREADS * POSTS; i++)
		ATF_REQUIRE_EQ_MSG(common->seen[i], 1,
		    "event %u came %d times", i, common->seen[i]);
	end();
}

static int p[2];

static int
child_waits_for_more(void *arg)
{
	struct evany_event ev[8];
	int i, n;

	(void)arg;
	EVT_CHILD(evany_fd(q, p[1], EVANY_WRITE, 0, NULL) == 0);
	for (i = 0; i < ALERTS; i++) {
		/* Posts that came with earlier alerts may fill the list. */
		do {
			n = evany_turn(q, NULL, 0, ev, 8, 8, EVT_WAIT_NS);
			EVT_CHILD(n > 0);
			n--;
		} while (n == 7 && ev[n].ev_source == EVANY_USER);
		EVT_CHILD(ev[n].ev_source == EVANY_ALERT);
		EVT_CHILD(evany_alert(q, 0, NULL) == 0);
		EVT_CHILD(write(p[1], "", 1) == 1);
	}
	return (0);
}

EVT_TC(alert__behind_a_post, "UNI-182 UNI-032",
    "An alert ends a wait for more that another's post has just woken")
{
	pid_t pid;
	int i;
	char c;

	begin();
	evt_pipe(p);
	pid = evt_fork_start(child_waits_for_more, NULL);
	evt_close(p[1]);
	for (i = 0; i < ALERTS; i++) {
		EVT_OK(evany_post(q, 1, 0, NULL));
		EVT_OK(evany_alert(q, 1, NULL));
		ATF_REQUIRE_EQ(read(p[0], &c, 1), 1);
	}
	ATF_REQUIRE_EQ(evt_fork_end(pid), 0);
	evt_close(p[0]);
	end();
}

/* ---- forks ---------------------------------------------------------------------- */

static atomic_bool over;

static void
post_and_take(void *arg)
{
	struct evany_event ev[4];
	int n;

	(void)arg;
	while (!atomic_load(&over)) {
		EVT_OK(evany_post(q, 0, 0, NULL));
		(void)atomic_fetch_add(&common->posted, 1);
		n = evany_turn(q, NULL, 0, ev, 0, 4, 0);
		ATF_REQUIRE(n >= 0);
		(void)atomic_fetch_add(&common->taken, n);
	}
}

static int
child_posts_and_takes(void *arg)
{
	struct evany_event ev[4];
	int n;

	(void)arg;
	EVT_CHILD(evany_post(q, 0, 0, NULL) == 0);
	(void)atomic_fetch_add(&common->posted, 1);
	EVT_CHILD((n = evany_wait(q, ev, 4, 0)) >= 0);
	(void)atomic_fetch_add(&common->taken, n);
	return (0);
}

EVT_TC(fork__beside_calls, "UNI-187",
    "A fork beside threads that post and take disturbs neither side")
{
	struct evt_thread th[2];
	struct evany_event ev[64];
	int i, n;

	evt_skip_asan(EVT_SANE_FORKED);
	evt_skip_tsan(EVT_SANE_FORKED);
	begin();
	atomic_store(&over, false);
	for (i = 0; i < 2; i++)
		evt_thread_start(&th[i], post_and_take, NULL);
	for (i = 0; i < FORKS; i++)
		ATF_REQUIRE_EQ(evt_in_child(child_posts_and_takes, NULL), 0);
	atomic_store(&over, true);
	for (i = 0; i < 2; i++)
		evt_thread_join(&th[i]);
	while ((n = evt_uni_poll(q, ev, 64)) > 0)
		(void)atomic_fetch_add(&common->taken, n);
	ATF_REQUIRE_EQ(atomic_load(&common->taken),
	    atomic_load(&common->posted));
	evt_uni_none(q);
	end();
}

static void
wait_for_one(void *arg)
{
	struct evany_event ev;

	*(int *)arg = evany_wait(q, &ev, 1, EVT_WAIT_NS);
}

static int
child_posts_one(void *arg)
{
	(void)arg;
	EVT_CHILD(evany_post(q, 1, 0, NULL) == 0);
	return (0);
}

EVT_TC(fork__beside_waits, "UNI-187 UNI-180",
    "A thread that slept when the process forked is woken by the child's post")
{
	struct evt_thread th;
	int n = 0;

	begin();
	evt_thread_start(&th, wait_for_one, &n);
	evt_thread_asleep(&th);
	ATF_REQUIRE_EQ(evt_in_child(child_posts_one, NULL), 0);
	evt_thread_join(&th);
	ATF_REQUIRE_EQ(n, 1);
	evt_uni_none(q);
	end();
}

static int
child_idles(void *arg)
{
	(void)arg;
	return (0);
}

EVT_TC(fork__post_from_within, "UNI-188",
    "What a handler posts in the middle of a fork comes once")
{
	struct evany_event ev;

	begin();
	post_in_fork = true;
	ATF_REQUIRE_EQ(evt_in_child(child_idles, NULL), 0);
	post_in_fork = false;
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_USER, 77, 0, NULL);
	evt_uni_none(q);
	end();
}

/* ---- the killed --------------------------------------------------------------------- */

static int
child_posts_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		if (evany_post(q, (uintptr_t)atomic_load(&common->posted), 0,
		    NULL) == 0)
			(void)atomic_fetch_add(&common->posted, 1);
		else
			EVT_CHILD(errno == EAGAIN);
}

/* The next events are those numbers in turn. */
static int
take_in_order(struct evany_event *ev, int n, int next)
{
	int i;

	for (i = 0; i < n; i++)
		ATF_REQUIRE_EQ(ev[i].ev_object, (uintptr_t)next++);
	return (next);
}

EVT_TC(killed__poster, "UNI-190",
    "A process killed at any moment of a post leaves all that it has posted")
{
	struct evany_event ev[64];
	int i, n, next, posted;
	pid_t pid;

	begin();
	for (i = 0; i < KILLS; i++) {
		atomic_store(&common->posted, 0);
		pid = evt_fork_start(child_posts_for_ever, NULL);
		/* Some rounds further into its work each time. */
		for (next = 0; next <= 20 * i;)
			next = take_in_order(ev, evt_uni_get(q, ev, 64), next);
		ATF_REQUIRE_EQ(kill(pid, SIGKILL), 0);
		ATF_REQUIRE_EQ(evt_fork_end(pid), -SIGKILL);
		while ((n = evt_uni_poll(q, ev, 64)) > 0)
			next = take_in_order(ev, n, next);
		posted = atomic_load(&common->posted);
		/* It may have come to the end of one post, not to the count. */
		ATF_REQUIRE_MSG(next == posted || next == posted + 1,
		    "%d posted, %d taken", posted, next);
		none_left();
	}
	end();
}

static int
child_takes_for_ever(void *arg)
{
	struct evany_event ev;

	(void)arg;
	(void)atomic_fetch_add(&common->begun, 1);
	for (;;) {
		EVT_CHILD(evany_wait(q, &ev, 1, EVANY_FOREVER) == 1);
		(void)atomic_fetch_add(&common->seen[ev.ev_object], 1);
		(void)atomic_fetch_add(&common->taken, 1);
	}
}

EVT_TC(killed__taker, "UNI-190",
    "A process killed at any moment of a wait takes no more than its own events")
{
	struct evany_event ev[64];
	int i, k, lost = 0, n, number = 0;
	pid_t pid;

	begin();
	for (k = 0; k < KILLS; k++) {
		atomic_store(&common->begun, 0);
		pid = evt_fork_start(child_takes_for_ever, NULL);
		for (i = 0; i < 40; i++)
			EVT_OK(evany_post(q, (uintptr_t)number++, 0, NULL));
		/* Here it is in the midst of them, or asleep after them. */
		n = atomic_load(&common->taken) + k % 20;
		while (atomic_load(&common->begun) == 0 ||
		    (atomic_load(&common->taken) < n &&
		    evt_readable(q, EVT_QUIET_MS)))
			continue;
		ATF_REQUIRE_EQ(kill(pid, SIGKILL), 0);
		ATF_REQUIRE_EQ(evt_fork_end(pid), -SIGKILL);
		while ((n = evt_uni_poll(q, ev, 64)) > 0)
			for (i = 0; i < n; i++)
				(void)atomic_fetch_add(
				    &common->seen[ev[i].ev_object], 1);
	}
	for (i = 0; i < number; i++) {
		ATF_REQUIRE_MSG(common->seen[i] <= 1,
		    "event %d came %d times", i, common->seen[i]);
		lost += common->seen[i] == 0;
	}
	ATF_REQUIRE_MSG(lost <= KILLS, "%d of %d are lost", lost, number);
	evt_uni_none(q);
	end();
}

static int
child_alerts_for_ever(void *arg)
{
	int64_t n;

	(void)arg;
	(void)atomic_fetch_add(&common->begun, 1);
	for (n = 1;; n++) {
		EVT_CHILD(evany_alert(q, n, (void *)(uintptr_t)n) == 0);
		if (n % 3 == 0)
			EVT_CHILD(evany_alert(q, 0, NULL) == 0);
	}
}

EVT_TC(killed__alerter, "UNI-190 UNI-182",
    "A process killed at any moment of an alert leaves a whole one, or none")
{
	struct evany_event ev[2];
	int i, k;
	pid_t pid;

	begin();
	for (k = 0; k < KILLS; k++) {
		atomic_store(&common->begun, 0);
		pid = evt_fork_start(child_alerts_for_ever, NULL);
		for (i = 0; i <= 10 * k || atomic_load(&common->begun) == 0;
		    i++)
			if (evt_uni_poll(q, ev, 2) == 1)
				ATF_REQUIRE_EQ(ev[0].ev_user,
				    (void *)(uintptr_t)ev[0].ev_data);
		ATF_REQUIRE_EQ(kill(pid, SIGKILL), 0);
		ATF_REQUIRE_EQ(evt_fork_end(pid), -SIGKILL);
		if (evt_uni_poll(q, ev, 2) == 1)
			ATF_REQUIRE_EQ(ev[0].ev_user,
			    (void *)(uintptr_t)ev[0].ev_data);
		EVT_OK(evany_alert(q, 0, NULL));
		none_left();
		EVT_OK(evany_post(q, 1, 0, NULL));
		evt_uni_one(q, &ev[0]);
		ATF_REQUIRE_EQ(ev[0].ev_source, EVANY_USER);
	}
	end();
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, many__each_once);
	EVT_TP_ADD_TC(tp, alert__behind_a_post);
	EVT_TP_ADD_TC(tp, fork__beside_calls);
	EVT_TP_ADD_TC(tp, fork__beside_waits);
	EVT_TP_ADD_TC(tp, fork__post_from_within);
	EVT_TP_ADD_TC(tp, killed__poster);
	EVT_TP_ADD_TC(tp, killed__taker);
	EVT_TP_ADD_TC(tp, killed__alerter);
	return (atf_no_error());
}
