/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * contract_mark: marks, dozes and rouses, struct evany__be_ops of backend.h.
 *
 * A doze may come back for nothing.  What must not happen is that it does so
 * again and again, so cases that expect sleep first let it settle.
 */
#include "config.h"

#include "contract.h"

#include <sys/resource.h>

#include <poll.h>

#define TAG	9U
#define MS	INT64_C(1000000)
#define NOTHING	100	/* times in a row are too many */

static unsigned
kind(const struct evany__ready *rd)
{
	return (EVANY__COOKIE_KIND(rd->rd_cookie));
}

/* Dozes until nothing is new. */
static void
settle(struct ct *ct)
{
	int error, i;

	for (i = 0; i < NOTHING; i++)
		if ((error = ct_doze(ct, EVT_QUIET_MS)) != 0) {
			ATF_REQUIRE_EQ_MSG(ETIMEDOUT, error, "be_doze: %s",
			    strerror(error));
			return;
		}
	atf_tc_fail("a doze comes back for nothing, %d times in a row", i);
}

/* Something new ends a doze. */
static void
stirred(struct ct *ct)
{
	int error = ct_doze(ct, EVT_WAIT_MS);

	ATF_REQUIRE_MSG(error == 0, "be_doze: %s", strerror(error));
}

/* A doze that sleeps. */
static void
dozer_start(struct ct_thread *th, struct ct *ct)
{
	settle(ct);
	ct_thread_start(th, ct, true);
}

static void
dozer_join(struct ct_thread *th)
{
	evt_thread_join(&th->th_thread);
	ATF_CHECK_EQ(0, th->th_error);
}

/* ---- marks ------------------------------------------------------------------------ */

CT_TC(mark__stays, "a mark is reported by every wait and polls until it is off")
{
	struct ct *ct = ct_open(be, TAG);
	int i, round;

	ATF_CHECK_EQ(0, ct_mark(ct, false));
	ct_none(ct);
	for (round = 0; round < 3; round++) {
		ATF_CHECK(ct_quiet(ct->ct_number));
		ATF_CHECK_EQ(0, ct_mark(ct, true));
		for (i = 0; i < 3; i++) {
			ATF_CHECK(evt_readable(ct->ct_number, 0));
			ct_one_kind(ct, EVANY__CK_BELL, 0);
			/* Marks are not counted. */
			if (round == 1)
				ATF_CHECK_EQ(0, ct_mark(ct, true));
		}
		ATF_CHECK(evt_readable(ct->ct_number, 0));
		ATF_CHECK_EQ(0, ct_mark(ct, false));
		ATF_CHECK(!evt_readable(ct->ct_number, 0));
		ct_none(ct);
		ATF_CHECK(ct_quiet(ct->ct_number));
	}
	ct_close(ct);
}

CT_TC(mark__beside_records, "neither a mark nor a level keeps the other out")
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int bells, i, levels, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
	ATF_CHECK_EQ(0, ct_mark(ct, true));
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(2, ct_get(ct, rd, 4));
		ATF_CHECK_EQ(EVANY__CK_FD ^ EVANY__CK_BELL,
		    kind(&rd[0]) ^ kind(&rd[1]));
	}
	for (bells = i = levels = 0; i < 6; i++) {
		ATF_REQUIRE_EQ(1, ct_get(ct, rd, 1));
		if (kind(&rd[0]) == EVANY__CK_BELL)
			bells++;
		else
			levels++;
	}
	ATF_CHECK_EQ(3, bells);
	ATF_CHECK_EQ(3, levels);
	ATF_CHECK_EQ(0, ct_mark(ct, false));
	for (i = 0; i < 3; i++)
		ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* Of the mechanism that must do something before a fork. */
static void
ct_body_wake__beside_share(const struct evany__be_ops *be)
{
	struct ct *ct = ct_open(be, TAG);

	ct->ct_inst.in_shared = true;
	/* One is there already, and one is late. */
	ATF_CHECK_EQ(0, ct_wake(ct));
	evany__inst_lock(&ct->ct_inst);
	ATF_REQUIRE_EQ(0, be->be_share(&ct->ct_inst));
	evany__inst_unlock(&ct->ct_inst);
	ATF_CHECK(!evt_readable(ct->ct_number, 0));
	ATF_CHECK_EQ(0, ct_wake(ct));
	ATF_CHECK(!evt_readable(ct->ct_number, 0));
	ATF_CHECK_EQ(0, ct_mark(ct, true));
	ct_one_kind(ct, EVANY__CK_BELL, 0);
	ATF_CHECK_EQ(0, ct_mark(ct, false));
	ATF_CHECK(!evt_readable(ct->ct_number, 0));
	ct_none(ct);
	ct_close(ct);
}

CT_CASE(poll, wake__beside_share,
    "wakes on both sides of a fork leave no byte, and the mark is seen")

CT_TC(mark__and_wake, "a wake that nobody saw outlives the mark")
{
	struct ct *ct = ct_open(be, TAG);

	ATF_CHECK_EQ(0, ct_mark(ct, true));
	ATF_CHECK_EQ(0, ct_wake(ct));
	ATF_CHECK_EQ(0, ct_mark(ct, false));
	ATF_CHECK(evt_readable(ct->ct_number, 0));
	ct_one_kind(ct, EVANY__CK_BELL, 0);
	ct_none(ct);
	ATF_CHECK_EQ(0, ct_wake(ct));
	ATF_CHECK_EQ(0, ct_mark(ct, true));
	ATF_CHECK_EQ(0, ct_mark(ct, false));
	ct_one_kind(ct, EVANY__CK_BELL, 0);
	ct_none(ct);
	ATF_CHECK(ct_quiet(ct->ct_number));
	ct_close(ct);
}

CT_TC(mark__ends_all_waits, "a mark ends the waits of all threads")
{
	struct ct_thread th[4];
	struct ct *ct = ct_open(be, TAG);
	int i, round;

	for (round = 0; round < 10; round++) {
		for (i = 0; i < EVT_NITEMS(th); i++)
			ct_thread_start(&th[i], ct, false);
		ATF_CHECK_EQ(0, ct_mark(ct, true));
		for (i = 0; i < EVT_NITEMS(th); i++) {
			evt_thread_join(&th[i].th_thread);
			ATF_CHECK_EQ(0, th[i].th_error);
			ATF_REQUIRE_EQ(1, th[i].th_count);
			ATF_CHECK_EQ((unsigned)EVANY__CK_BELL,
			    kind(&th[i].th_rd));
		}
		ATF_CHECK_EQ(0, ct_mark(ct, false));
	}
	ct_none(ct);
	ct_close(ct);
}

CT_TC(mark__number_gone, "through a number that is not its own: EIDRM, no effect")
{
	struct ct *ct = ct_open(be, TAG), *other = ct_open(be, TAG + 1);
	int number = ct->ct_number;

	ct->ct_number = other->ct_number;
	ATF_CHECK_EQ(EIDRM, ct_mark(ct, true));
	ct->ct_number = 903;
	ATF_CHECK_EQ(EIDRM, ct_mark(ct, true));
	ct->ct_number = number;
	ct_none(ct);
	ATF_CHECK_EQ(0, ct_mark(ct, true));
	ct->ct_number = other->ct_number;
	ATF_CHECK_EQ(EIDRM, ct_mark(ct, false));
	ct->ct_number = 903;
	ATF_CHECK_EQ(EIDRM, ct_mark(ct, false));
	ct->ct_number = number;
	ct_one_kind(ct, EVANY__CK_BELL, 0);
	ct_none(other);
	ct_close(ct);
	ct_close(other);
}

CT_TC(mark__edge_outside, "every mark is an edge for who watches the number")
{
	struct ct *ct = ct_open(be, TAG), *outer = ct_open(be, TAG + 1);
	int i;

	ct_want(outer, ct->ct_number, CT_WANT(EDGE, OFF, OFF));
	for (i = 0; i < 3; i++) {
		ATF_CHECK_EQ(0, ct_mark(ct, true));
		ATF_CHECK_EQ(EVANY__IN, ct_one(outer, ct->ct_number));
		/* Without a wait that would look. */
		ATF_CHECK_EQ(0, ct_mark(ct, false));
	}
	ct_none(outer);
	ct_close(outer);
	ct_close(ct);
}

CT_TC(mark__nests, "who watches a marked instance sees it as a level")
{
	struct ct *ct = ct_open(be, TAG), *outer = ct_open(be, TAG + 1);
	int i;

	ct_want(outer, ct->ct_number, CT_WANT(LEVEL, OFF, OFF));
	ct_none(outer);
	for (i = 0; i < 2; i++) {
		ATF_CHECK_EQ(0, ct_mark(ct, true));
		ATF_CHECK_EQ(EVANY__IN, ct_one(outer, ct->ct_number));
		ct_one_kind(ct, EVANY__CK_BELL, 0);
		ATF_CHECK_EQ(EVANY__IN, ct_one(outer, ct->ct_number));
		ATF_CHECK_EQ(0, ct_mark(ct, false));
		ct_none(outer);
	}
	ct_close(outer);
	ct_close(ct);
}

/* ---- dozes ------------------------------------------------------------------------ */

CT_TC(doze__takes_nothing, "what ends a doze is there for the wait after it")
{
	struct ct *ct = ct_open(be, TAG);
	int i, p[2];

	evt_pipe(p);
	for (i = 0; i < 3; i++) {
		ct_want(ct, p[0], CT_WANT(ONCE, OFF, OFF));
		settle(ct);
		evt_write(p[1], 1);
		stirred(ct);
		ATF_CHECK(ct_readable(ct->ct_number));
		ATF_CHECK_EQ(EVANY__IN | EVANY__SPENT, ct_one(ct, p[0]));
		ATF_CHECK_EQ(1, evt_drain(p[0]));
		ct_none(ct);
	}
	ATF_CHECK_EQ(0, ct_wake(ct));
	stirred(ct);
	ct_one_kind(ct, EVANY__CK_BELL, 0);
	ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__MONOTONIC,
	    evany__now(EVANY__MONOTONIC) + 20 * MS));
	settle(ct);
	ct_one_kind(ct, EVANY__CK_ALARM, EVANY__MONOTONIC);
	ct_none(ct);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(doze__first, "the first doze of all tells of what was ready before it")
{
	struct ct *ct;
	int i, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	for (i = 0; i < 4; i++) {
		ct = ct_open(be, TAG);
		if (i == 0)
			ct_want(ct, p[0], CT_WANT(ONCE, OFF, OFF));
		else if (i == 1)
			ATF_CHECK_EQ(0, ct_wake(ct));
		else if (i == 2)
			ATF_CHECK_EQ(0, ct_mark(ct, true));
		else
			ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__REALTIME, 1));
		stirred(ct);
		settle(ct);
		ct_close(ct);
	}
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(doze__old_readiness, "a doze sleeps beside a mark and what was left ready")
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int p[2], q[2];

	evt_pipe(p);
	evt_pipe(q);
	evt_write(p[1], 1);
	ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
	ct_want(ct, q[0], CT_WANT(ONCE, OFF, OFF));
	ATF_CHECK_EQ(0, ct_mark(ct, true));
	ATF_CHECK_EQ(0, ct_wake(ct));
	ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__MONOTONIC, 1));
	settle(ct);
	/* Each of these is new beside them. */
	evt_write(q[1], 1);
	stirred(ct);
	settle(ct);
	ATF_CHECK_EQ(0, ct_mark(ct, true));
	stirred(ct);
	settle(ct);
	ATF_CHECK_EQ(0, ct_mark(ct, false));
	ATF_CHECK_EQ(0, ct_mark(ct, true));
	stirred(ct);
	settle(ct);
	ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__REALTIME,
	    evany__now(EVANY__REALTIME) + 10 * MS));
	stirred(ct);
	settle(ct);
	/* All is still there, and can be left once more. */
	ATF_CHECK_EQ(1, ct_get(ct, rd, 1));
	settle(ct);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q[0]);
	evt_close(q[1]);
}

CT_TC(doze__in_between, "what came after a doze ends the next at once")
{
	struct ct *ct = ct_open(be, TAG);
	int i, p[2];

	evt_pipe(p);
	for (i = 0; i < 3; i++) {
		ct_want(ct, p[0], CT_WANT(ONCE, OFF, OFF));
		settle(ct);
		evt_write(p[1], 1);
		ATF_CHECK_EQ(0, ct_doze(ct, 0));
		settle(ct);
		ATF_CHECK_EQ(0, ct_wake(ct));
		ATF_CHECK_EQ(0, ct_doze(ct, 0));
		settle(ct);
		ATF_CHECK_EQ(0, ct_mark(ct, true));
		ATF_CHECK_EQ(0, ct_doze(ct, 0));
		settle(ct);
		ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__MONOTONIC, 1));
		ATF_CHECK_EQ(0, ct_doze(ct, 0));
		ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__MONOTONIC, 0));
		ATF_CHECK_EQ(0, ct_mark(ct, false));
		ct_want(ct, p[0], CT_WANT(OFF, OFF, OFF));
		ATF_CHECK_EQ(1, evt_drain(p[0]));
		ct_one_kind(ct, EVANY__CK_BELL, 0);
		settle(ct);
	}
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(doze__ended_asleep, "readiness, wakes, marks and alarms end a sleep")
{
	struct ct_thread th;
	struct ct *ct = ct_open(be, TAG);
	int i, p[2];

	evt_pipe(p);
	for (i = 0; i < 5; i++) {
		ct_want(ct, p[0], CT_WANT(ONCE, OFF, OFF));
		dozer_start(&th, ct);
		evt_write(p[1], 1);
		dozer_join(&th);
		dozer_start(&th, ct);
		ATF_CHECK_EQ(0, ct_wake(ct));
		dozer_join(&th);
		dozer_start(&th, ct);
		ATF_CHECK_EQ(0, ct_mark(ct, true));
		dozer_join(&th);
		/* It is on already. */
		dozer_start(&th, ct);
		ATF_CHECK_EQ(0, ct_mark(ct, true));
		dozer_join(&th);
		dozer_start(&th, ct);
		ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__MONOTONIC,
		    evany__now(EVANY__MONOTONIC) + MS));
		dozer_join(&th);
		/* Beside one that has gone off. */
		dozer_start(&th, ct);
		ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__REALTIME,
		    evany__now(EVANY__REALTIME) + MS));
		dozer_join(&th);
		ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__MONOTONIC, 0));
		ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__REALTIME, 0));
		ATF_CHECK_EQ(0, ct_mark(ct, false));
		ct_want(ct, p[0], CT_WANT(OFF, OFF, OFF));
		ATF_CHECK_EQ(1, evt_drain(p[0]));
		ct_one_kind(ct, EVANY__CK_BELL, 0);
		ct_none(ct);
	}
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(doze__change_asleep, "what is ready when it is stated ends a sleep")
{
	struct ct_thread th;
	struct ct *ct = ct_open(be, TAG);
	int p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	dozer_start(&th, ct);
	ct_want(ct, p[0], CT_WANT(ONCE, OFF, OFF));
	dozer_join(&th);
	ATF_CHECK_EQ(EVANY__IN | EVANY__SPENT, ct_one(ct, p[0]));
	dozer_start(&th, ct);
	ATF_CHECK_EQ(0, ct_change(ct, p[0], CT_WANT(ONCE, OFF, OFF),
	    EVANY__TOGETHER));
	dozer_join(&th);
	ATF_CHECK_EQ(EVANY__IN | EVANY__SPENT, ct_one(ct, p[0]));
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(doze__served_and_again, "a feeder that is ready again after it was served")
{
	struct ct_thread th;
	struct ct *ct = ct_open(be, TAG);
	int i, p[2];

	evt_pipe(p);
	ATF_REQUIRE_EQ(0, ct_feed(ct, p[0], EVANY__LEVEL, 21));
	for (i = 0; i < 5; i++) {
		settle(ct);
		evt_write(p[1], 1);
		stirred(ct);
		ct_one_kind(ct, EVANY__CK_FEEDER, 21);
		ATF_CHECK_EQ(1, evt_drain(p[0]));
		evt_write(p[1], 1);
		stirred(ct);
		/* Served by another thread while one dozes. */
		dozer_start(&th, ct);
		ct_one_kind(ct, EVANY__CK_FEEDER, 21);
		ATF_CHECK_EQ(1, evt_drain(p[0]));
		evt_write(p[1], 1);
		dozer_join(&th);
		ct_one_kind(ct, EVANY__CK_FEEDER, 21);
		ATF_CHECK_EQ(1, evt_drain(p[0]));
		ct_none(ct);
	}
	ct_unfeed(ct, p[0]);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(doze__not_early, "ETIMEDOUT comes at the deadline, not before")
{
	struct ct *ct = ct_open(be, TAG);
	int64_t end, start;
	int error, ms;

	settle(ct);
	for (ms = 1; ms <= 64; ms *= 4) {
		start = evt_now_ns();
		error = ct_doze(ct, ms);
		end = evt_now_ns();
		ATF_CHECK_EQ(ETIMEDOUT, error);
		ATF_CHECK(end - start >= ms * MS);
	}
	ATF_CHECK_EQ(ETIMEDOUT, ct_doze(ct, 0));
	/* A deadline in the past is like none. */
	ATF_CHECK_EQ(ETIMEDOUT, be->be_doze(&ct->ct_inst, ct->ct_number, 1));
	ct_close(ct);
}

static void
caught(int signo)
{
	(void)signo;
}

CT_TC(doze__eintr, "a caught signal ends a doze with EINTR, and loses nothing")
{
	struct ct_thread th;
	struct sigaction sa;
	struct ct *ct = ct_open(be, TAG);

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = caught;
	sa.sa_flags = SA_RESTART;
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	dozer_start(&th, ct);
	while (!atomic_load(&th.th_thread.et_done)) {
		(void)pthread_kill(th.th_thread.et_id, SIGUSR1);
		(void)poll(NULL, 0, 1);
	}
	evt_thread_join(&th.th_thread);
	ATF_CHECK_EQ(EINTR, th.th_error);
	ATF_CHECK_EQ(0, ct_wake(ct));
	stirred(ct);
	ct_one_kind(ct, EVANY__CK_BELL, 0);
	ct_close(ct);
}

static void *
cancel_main(void *arg)
{
	struct ct *ct = arg;

	(void)ct->ct_be->be_doze(&ct->ct_inst, ct->ct_number, EVANY__FOREVER);
	return (NULL);
}

CT_TC(doze__cancellation_point, "a doze can be cancelled, and another works")
{
	struct ct *ct;
	pthread_t t;
	void *value;
	int i, p[2];

	evt_skip_asan(EVT_ASAN_CANCEL);
	ct = ct_open(be, TAG);
	evt_pipe(p);
	ct_want(ct, p[0], CT_WANT(ONCE, OFF, OFF));
	for (i = 0; i < 20; i++) {
		settle(ct);
		ATF_REQUIRE_EQ(0, pthread_create(&t, NULL, cancel_main, ct));
		if (i % 2 != 0)
			(void)poll(NULL, 0, 1);
		ATF_REQUIRE_EQ(0, pthread_cancel(t));
		ATF_REQUIRE_EQ(0, pthread_join(t, &value));
		ATF_CHECK(value == PTHREAD_CANCELED);
	}
	evt_write(p[1], 1);
	stirred(ct);
	ATF_CHECK_EQ(EVANY__IN | EVANY__SPENT, ct_one(ct, p[0]));
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(doze__number_gone, "through a closed number: EBADF")
{
	struct ct *ct = ct_open(be, TAG);
	int number = ct->ct_number;

	ct->ct_number = 904;
	ATF_CHECK_EQ(EBADF, ct_doze(ct, EVT_WAIT_MS));
	ct->ct_number = number;
	settle(ct);
	ct->ct_number = 904;
	ATF_CHECK_EQ(EBADF, ct_doze(ct, EVT_WAIT_MS));
	ct->ct_number = number;
	ct_close(ct);
}

CT_TC(doze__out_of_descriptors, "without descriptors EMFILE, later it works")
{
	struct ct *ct = ct_open(be, TAG);
	struct rlimit old, rl;
	int free_fd;

	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	ATF_REQUIRE((free_fd = dup(0)) != -1);
	evt_close(free_fd);
	rl = old;
	rl.rlim_cur = (rlim_t)free_fd;
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
	ATF_CHECK_EQ(EMFILE, ct_doze(ct, EVT_WAIT_MS));
	ATF_CHECK_EQ(EMFILE, ct_doze(ct, 0));
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	settle(ct);
	ATF_CHECK_EQ(0, ct_wake(ct));
	stirred(ct);
	/* It has what it needs. */
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
	settle(ct);
	ATF_CHECK_EQ(0, ct_mark(ct, false));
	ct_one_kind(ct, EVANY__CK_BELL, 0);
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	ct_close(ct);
}

struct storm {
	struct evt_thread	 sm_thread;
	struct ct		*sm_ct;
	atomic_int		 sm_sent;
	int			 sm_how;
};

#define STORM	5000

static void
storm_main(void *arg)
{
	struct storm *sm = arg;
	int i;

	for (i = 0; i < STORM; i++) {
		atomic_fetch_add(&sm->sm_sent, 1);
		if (sm->sm_how == 0)
			(void)ct_mark(sm->sm_ct, true);
		else if (sm->sm_how == 1)
			(void)ct_wake(sm->sm_ct);
		else
			(void)ct_rouse(sm->sm_ct);
	}
}

CT_TC(doze__none_lost, "however wakes, marks and rouses come, the last is not "
    "lost")
{
	struct storm sm[3];
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int error, i, n, seen = 0;

	for (i = 0; i < EVT_NITEMS(sm); i++) {
		sm[i].sm_ct = ct;
		sm[i].sm_how = i;
		atomic_init(&sm[i].sm_sent, 0);
	}
	settle(ct);
	for (i = 0; i < EVT_NITEMS(sm); i++)
		evt_thread_start(&sm[i].sm_thread, storm_main, &sm[i]);
	while (seen != EVT_NITEMS(sm) * STORM) {
		/* Whatever was counted before the doze began may be over. */
		error = ct_doze(ct, EVT_WAIT_MS);
		ATF_REQUIRE_MSG(error == 0, "after %d of %d: %s", seen,
		    EVT_NITEMS(sm) * STORM, strerror(error));
		ATF_REQUIRE_EQ(0, ct_wait(ct, rd, 4, &n, 0));
		for (i = seen = 0; i < EVT_NITEMS(sm); i++)
			seen += atomic_load(&sm[i].sm_sent);
	}
	for (i = 0; i < EVT_NITEMS(sm); i++)
		evt_thread_join(&sm[i].sm_thread);
	ATF_CHECK_EQ(0, ct_mark(ct, false));
	ct_close(ct);
}

/* Takes all there is, without sleeping, until it is told to end. */
struct taker {
	struct evt_thread	 tk_thread;
	struct ct		*tk_ct;
	atomic_int		 tk_end;
};

static void
taker_main(void *arg)
{
	struct taker *tk = arg;
	struct evany__ready rd[4];
	int n;

	while (!atomic_load(&tk->tk_end))
		ATF_REQUIRE_EQ(0, ct_wait(tk->tk_ct, rd, 4, &n, 0));
}

CT_TC(rouse__whatever_is_taken, "a rouse, and a mark that is off at once, end a "
    "doze though others take all there is")
{
	struct ct_thread th;
	struct taker tk;
	struct ct *ct = ct_open(be, TAG);
	int i;

	settle(ct);
	tk.tk_ct = ct;
	atomic_init(&tk.tk_end, 0);
	evt_thread_start(&tk.tk_thread, taker_main, &tk);
	for (i = 0; i < 300; i++) {
		ct_thread_start(&th, ct, true);
		if (i % 2 == 0)
			ATF_REQUIRE_EQ(0, ct_rouse(ct));
		else {
			ATF_REQUIRE_EQ(0, ct_mark(ct, true));
			ATF_REQUIRE_EQ(0, ct_mark(ct, false));
		}
		dozer_join(&th);
	}
	atomic_store(&tk.tk_end, 1);
	evt_thread_join(&tk.tk_thread);
	ct_close(ct);
}

CT_TC(rouse__unseen, "a rouse is no record and nothing to poll; it waits for the "
    "next doze")
{
	struct ct *ct = ct_open(be, TAG), *other = ct_open(be, TAG + 1);
	int i, number = ct->ct_number;

	/* The first time of all, too. */
	for (i = 0; i < 3; i++) {
		ATF_CHECK_EQ(0, ct_rouse(ct));
		ATF_CHECK_EQ(0, ct_rouse(ct));
		ATF_CHECK(ct_quiet(ct->ct_number));
		ct_none(ct);
		stirred(ct);
		settle(ct);
	}
	ct->ct_number = other->ct_number;
	ATF_CHECK_EQ(EIDRM, ct_rouse(ct));
	ct->ct_number = 905;
	ATF_CHECK_EQ(EIDRM, ct_rouse(ct));
	ct->ct_number = number;
	settle(ct);
	ct_close(ct);
	ct_close(other);
}

ATF_TP_ADD_TCS(tp)
{
	CT_ADD(tp, mark__stays);
	CT_ADD(tp, mark__beside_records);
	ATF_TP_ADD_TC(tp, poll__wake__beside_share);
	CT_ADD(tp, mark__and_wake);
	CT_ADD(tp, mark__ends_all_waits);
	CT_ADD(tp, mark__number_gone);
	CT_ADD(tp, mark__edge_outside);
	CT_ADD(tp, mark__nests);
	CT_ADD(tp, doze__takes_nothing);
	CT_ADD(tp, doze__first);
	CT_ADD(tp, doze__old_readiness);
	CT_ADD(tp, doze__in_between);
	CT_ADD(tp, doze__ended_asleep);
	CT_ADD(tp, doze__change_asleep);
	CT_ADD(tp, doze__served_and_again);
	CT_ADD(tp, doze__not_early);
	CT_ADD(tp, doze__eintr);
	CT_ADD(tp, doze__cancellation_point);
	CT_ADD(tp, doze__number_gone);
	CT_ADD(tp, doze__out_of_descriptors);
	CT_ADD(tp, doze__none_lost);
	CT_ADD(tp, rouse__whatever_is_taken);
	CT_ADD(tp, rouse__unseen);
	return (atf_no_error());
}
