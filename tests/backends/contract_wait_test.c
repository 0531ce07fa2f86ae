/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * contract_wait: instances, waiting, bells, alarms and feeders, struct
 * evany__be_ops of backend.h.
 */
#include "config.h"

#include "contract.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <poll.h>

#define TAG	7U
#define MS	INT64_C(1000000)

/* ---- life ---------------------------------------------------------------------- */

CT_TC(probe__leaves_nothing, "probing has no lasting effect, nor do two")
{
	ATF_CHECK_EQ(0, be->be_probe());
	ATF_CHECK_EQ(0, be->be_probe());
}

#define LOW	100

/* Which of the low numbers are open, so that only new ones are looked at. */
static bool was_open[LOW];

static void
note_open(void)
{
	int fd;

	for (fd = 0; fd < LOW; fd++)
		was_open[fd] = fcntl(fd, F_GETFD) != -1;
}

CT_TC(open__close_on_exec, "the number is close-on-exec as asked, the rest is")
{
	struct ct *ct;
	int fd, flags, n, number, p[2];
	void *state;

	evt_pipe(p);
	note_open();
	ct = ct_open(be, TAG);
	ATF_CHECK_EQ(FD_CLOEXEC, fcntl(ct->ct_number, F_GETFD));
	ct_want(ct, p[0], CT_WANT(EDGE, OFF, OFF));
	ct_want(ct, p[1], CT_WANT(OFF, EDGE, OFF));
	ATF_CHECK_EQ(0, ct_wake(ct));
	ATF_CHECK_EQ(0, ct_mark(ct, true));
	ATF_CHECK_EQ(0, ct_doze(ct, 0));
	ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__MONOTONIC, EVANY__FOREVER));
	ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__REALTIME, EVANY__FOREVER));
	for (fd = n = 0; fd < LOW; fd++) {
		if (was_open[fd] || (flags = fcntl(fd, F_GETFD)) == -1)
			continue;
		n++;
		ATF_CHECK_EQ_MSG(FD_CLOEXEC, flags, "descriptor %d", fd);
	}
	ATF_CHECK(n > 0);
	ct_close(ct);

	ct = ct_open(be, TAG);
	state = ct->ct_inst.in_state;
	ATF_REQUIRE_EQ(0, be->be_open(&ct->ct_inst, 0, &ct->ct_inst.in_state,
	    &number));
	ATF_CHECK_EQ(0, fcntl(number, F_GETFD));
	evany__inst_lock(&ct->ct_inst);
	be->be_close(&ct->ct_inst);
	evany__inst_unlock(&ct->ct_inst);
	evt_close(number);
	ct->ct_inst.in_state = state;
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(open__out_of_descriptors, "without descriptors open fails and undoes all")
{
	struct evany__inst inst;
	struct rlimit old, rl;
	int free_fd, number, room;
	void *state;

	memset(&inst, 0, sizeof(inst));
	inst.in_tag = TAG;
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	ATF_REQUIRE((free_fd = dup(0)) != -1);
	evt_close(free_fd);
	for (room = 0; room < 3; room++) {
		rl = old;
		rl.rlim_cur = (rlim_t)(free_fd + room);
		ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
		if (be->be_open(&inst, 0, &state, &number) == 0) {
			ATF_CHECK(room > 0);
			inst.in_state = state;
			be->be_close(&inst);
			evt_close(number);
		} else
			ATF_CHECK_EQ(EMFILE, be->be_open(&inst, 0, &state,
			    &number));
		ATF_CHECK_EQ(-1, fcntl(free_fd, F_GETFD));
	}
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
}

CT_TC(names__only_its_own, "names knows the number and its duplicates alone")
{
	struct ct *ct = ct_open(be, TAG), *other = ct_open(be, TAG + 1);
	int copy, p[2];

	evt_pipe(p);
	ATF_CHECK_EQ(1, be->be_names(&ct->ct_inst, ct->ct_number));
	ATF_CHECK_EQ(0, be->be_names(&ct->ct_inst, other->ct_number));
	ATF_CHECK_EQ(0, be->be_names(&ct->ct_inst, p[0]));
	ATF_CHECK_EQ(0, be->be_names(&ct->ct_inst, -1));
	ATF_REQUIRE((copy = dup(ct->ct_number)) != -1);
	ATF_CHECK_EQ(1, be->be_names(&ct->ct_inst, copy));
	copy = evt_move(copy, 700);
	evt_close(copy);
	ATF_CHECK_EQ(0, be->be_names(&ct->ct_inst, copy));
	ATF_CHECK_EQ(1, be->be_names(&ct->ct_inst, ct->ct_number));
	ct_close(other);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(close__number_gone, "the state can be released when no number is left")
{
	struct ct *ct = ct_open(be, TAG);
	int i, p[2];

	for (i = 0; i < 3; i++) {
		evt_pipe(p);
		ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
		ct_want(ct, p[1], CT_WANT(OFF, EDGE, OFF));
		ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__MONOTONIC, 1));
		evt_close(ct->ct_number);
		ct_forget(ct);
		evt_close(p[0]);
		evt_close(p[1]);
		ct = ct_open(be, TAG);
	}
	ct_close(ct);
}

CT_TC(close__as_alarms_go_off, "an alarm that goes off meanwhile does not matter")
{
	struct ct *ct;
	int i, p[2];

	evt_pipe(p);
	for (i = 0; i < 2000; i++) {
		ct = ct_open(be, TAG);
		ct_want(ct, p[1], CT_WANT(OFF, EDGE, OFF));
		ATF_REQUIRE_EQ(0, ct_alarm(ct, EVANY__MONOTONIC,
		    evany__now(EVANY__MONOTONIC) + i % 100 * 1000));
		ATF_REQUIRE_EQ(0, ct_alarm(ct, EVANY__REALTIME,
		    evany__now(EVANY__REALTIME) + MS));
		while (i % 2 == 0 && !evt_readable(ct->ct_number, 0))
			continue;
		ct_close(ct);
	}
	evt_close(p[0]);
	evt_close(p[1]);
}

static int
fork_child(void *arg)
{
	struct ct *ct = arg;
	int fd;

	/* The number is core's to close. */
	(void)close(ct->ct_number);
	ct->ct_be->be_fork_child(&ct->ct_inst, NULL);
	/* A copy of the library below frees what it had for closed ports. */
	(void)ct->ct_be->be_probe();
	for (fd = 0; fd < LOW; fd++)
		if (!was_open[fd] && fcntl(fd, F_GETFD) != -1)
			return (fd);
	return (0);
}

CT_TC(fork_child__drops_descriptors, "a child closes its own and harms nothing")
{
	struct ct *ct;
	int i, p[2];

	evt_pipe(p);
	note_open();
	ct = ct_open(be, TAG);
	ct_want(ct, p[0], CT_WANT(EDGE, OFF, OFF));
	ct_want(ct, p[1], CT_WANT(OFF, ONCE, OFF));
	ATF_CHECK_EQ(EVANY__OUT | EVANY__SPENT, ct_one(ct, p[1]));
	ATF_CHECK_EQ(0, ct_mark(ct, true));
	ATF_CHECK_EQ(0, ct_doze(ct, 0));
	ATF_CHECK_EQ(0, ct_mark(ct, false));
	ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__MONOTONIC, EVANY__FOREVER));
	i = evt_in_child(fork_child, ct);
	ATF_CHECK_MSG(i == 0, "descriptor %d is open in the child", i);
	/* Writing changes the room, which an emulated edge may tell of. */
	ct_want(ct, p[1], CT_WANT(OFF, OFF, OFF));
	evt_write(p[1], 1);
	ATF_CHECK((ct_one(ct, p[0]) & EVANY__IN) != 0);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- the number ------------------------------------------------------------------ */

CT_TC(number__polls_readable, "the number is readable while there is something")
{
	struct ct *ct = ct_open(be, TAG);
	int i, p[2];

	evt_pipe(p);
	ct_want(ct, p[0], CT_WANT(EDGE, OFF, OFF));
	for (i = 0; i < 5; i++) {
		ATF_CHECK(ct_quiet(ct->ct_number));
		evt_write(p[1], 1);
		ATF_CHECK(ct_readable(ct->ct_number));
		ATF_CHECK(ct_readable(ct->ct_number));
		ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	}
	ATF_CHECK(ct_quiet(ct->ct_number));
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(number__at_once, "what is ready when it is stated shows without delay")
{
	struct ct *ct = ct_open(be, TAG);
	int p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
	ATF_CHECK(evt_readable(ct->ct_number, 0));
	ct_want(ct, p[0], CT_WANT(IDLE, OFF, OFF));
	ATF_CHECK(!evt_readable(ct->ct_number, 0));
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(number__leftovers, "what found no room keeps the number readable")
{
	struct evany__ready rd[5];
	struct ct *ct = ct_open(be, TAG);
	int i, p[5][2], want[3] = { 2, 2, 1 };

	for (i = 0; i < 5; i++) {
		evt_pipe(p[i]);
		evt_write(p[i][1], 1);
		ct_want(ct, p[i][0], CT_WANT(EDGE, OFF, OFF));
	}
	for (i = 0; i < 3; i++) {
		ATF_CHECK(evt_readable(ct->ct_number, 0));
		ATF_CHECK_EQ(want[i], ct_poll(ct, rd, 2));
	}
	ATF_CHECK(ct_quiet(ct->ct_number));
	ct_none(ct);
	ct_close(ct);
	for (i = 0; i < 5; i++) {
		evt_close(p[i][0]);
		evt_close(p[i][1]);
	}
}

CT_TC(number__nests, "an instance watches another, at any depth up to three")
{
	struct evany__ready rd[4];
	struct ct *a = ct_open(be, TAG), *b = ct_open(be, TAG + 1);
	struct ct *c = ct_open(be, TAG + 2);
	int p[2];

	evt_pipe(p);
	ct_want(a, b->ct_number, CT_WANT(LEVEL, OFF, OFF));
	ct_want(b, c->ct_number, CT_WANT(LEVEL, OFF, OFF));
	ct_want(c, p[0], CT_WANT(LEVEL, OFF, OFF));
	ct_none(a);
	evt_write(p[1], 1);
	/* Without sleep, too. */
	ATF_CHECK_EQ(1, ct_poll(a, rd, 4));
	ATF_CHECK_EQ(EVANY__IN, ct_one(a, b->ct_number));
	ATF_CHECK(ct_readable(a->ct_number));
	ATF_CHECK_EQ(1, evt_drain(p[0]));
	ATF_CHECK_EQ(0, ct_poll(c, rd, 4));
	ct_none(a);
	ATF_CHECK_EQ(ELOOP, ct_change(c, a->ct_number,
	    CT_WANT(LEVEL, OFF, OFF), 0));
	evt_write(p[1], 1);
	ATF_CHECK_EQ(EVANY__IN, ct_one(a, b->ct_number));
	ct_close(b);
	ct_none(a);
	ct_close(a);
	ct_close(c);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- waiting ---------------------------------------------------------------------- */

CT_TC(wait__not_early, "a time-out comes not before the deadline")
{
	struct evany__ready rd;
	struct ct *ct = ct_open(be, TAG);
	int64_t end, start;
	int n, ms;

	for (ms = 1; ms <= 64; ms *= 4) {
		start = evt_now_ns();
		ATF_CHECK_EQ(0, ct_wait(ct, &rd, 1, &n, ms));
		end = evt_now_ns();
		ATF_CHECK_EQ(0, n);
		ATF_CHECK(end - start >= ms * MS);
	}
	/* A deadline in the past is like none. */
	ATF_CHECK_EQ(0, be->be_wait(&ct->ct_inst, ct->ct_number, NULL, 0, &rd,
	    1, &n, 1));
	ATF_CHECK_EQ(0, n);
	ct_close(ct);
}

CT_TC(wait__with_changes, "changes come first; one that fails ends the call")
{
	struct evany__change ch[2];
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int n, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	ct_set(ct, &ch[0], p[0], CT_WANT(LEVEL, OFF, OFF));
	ATF_CHECK_EQ(0, be->be_wait(&ct->ct_inst, ct->ct_number, ch, 1, rd, 4,
	    &n, EVANY__FOREVER));
	ATF_CHECK_EQ(0, ch[0].ch_error);
	ATF_REQUIRE_EQ(1, n);
	ATF_CHECK_EQ((uint32_t)p[0], EVANY__COOKIE_INDEX(rd[0].rd_cookie));

	ct_set(ct, &ch[0], p[0], CT_WANT(IDLE, OFF, OFF));
	ct_set(ct, &ch[1], 900, CT_WANT(LEVEL, OFF, OFF));
	ATF_CHECK_EQ(0, be->be_wait(&ct->ct_inst, ct->ct_number, ch, 2, rd, 4,
	    &n, EVANY__FOREVER));
	ATF_CHECK_EQ(0, n);
	ATF_CHECK_EQ(0, ch[0].ch_error);
	ATF_CHECK_EQ(EBADF, ch[1].ch_error);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(wait__number_gone, "through a closed or foreign number: EBADF or EINVAL")
{
	struct evany__ready rd;
	struct ct *ct = ct_open(be, TAG);
	int error, n, number = ct->ct_number, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	ct->ct_number = p[0];
	error = ct_wait(ct, &rd, 1, &n, -1);
	ATF_CHECK(error == EBADF || error == EINVAL);
	ATF_CHECK_EQ(0, n);
	ct->ct_number = 901;
	error = ct_wait(ct, &rd, 1, &n, -1);
	ATF_CHECK_EQ(EBADF, error);
	ATF_CHECK_EQ(0, n);
	ct->ct_number = number;
	/* The foreign file is as it was. */
	ATF_CHECK_EQ(1, evt_drain(p[0]));
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

static void
caught(int signo)
{
	(void)signo;
}

CT_TC(wait__eintr, "a caught signal ends the wait with EINTR, a record wins")
{
	struct ct_thread th;
	struct sigaction sa;
	struct ct *ct = ct_open(be, TAG);
	int p[2];

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = caught;
	sa.sa_flags = SA_RESTART;
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	evt_pipe(p);
	ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
	ct_thread_start(&th, ct, false);
	while (!atomic_load(&th.th_thread.et_done)) {
		(void)pthread_kill(th.th_thread.et_id, SIGUSR1);
		(void)poll(NULL, 0, 1);
	}
	evt_thread_join(&th.th_thread);
	ATF_CHECK_EQ(EINTR, th.th_error);
	ATF_CHECK_EQ(0, th.th_count);
	evt_write(p[1], 1);
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(wait__woken_by_change, "a change by another thread wakes a wait")
{
	struct ct_thread th;
	struct ct *ct = ct_open(be, TAG);
	int p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	ct_thread_start(&th, ct, false);
	ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
	evt_thread_join(&th.th_thread);
	ATF_CHECK_EQ(0, th.th_error);
	ATF_REQUIRE_EQ(1, th.th_count);
	ATF_CHECK_EQ(ct_cookie(ct, p[0]), th.th_rd.rd_cookie & CT_COOKIE);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(wait__each_once, "of several threads each gets one of as many records")
{
	struct ct_thread th[4];
	struct ct *ct = ct_open(be, TAG);
	unsigned seen = 0;
	int i, j, p[4][2];

	for (i = 0; i < 4; i++) {
		evt_pipe(p[i]);
		ct_want(ct, p[i][0], CT_WANT(ONCE, OFF, OFF));
	}
	for (i = 0; i < 4; i++)
		ct_thread_start(&th[i], ct, false);
	for (i = 0; i < 4; i++)
		evt_write(p[i][1], 1);
	for (i = 0; i < 4; i++) {
		evt_thread_join(&th[i].th_thread);
		ATF_CHECK_EQ(0, th[i].th_error);
		ATF_REQUIRE_EQ(1, th[i].th_count);
		for (j = 0; j < 4; j++)
			if (EVANY__COOKIE_INDEX(th[i].th_rd.rd_cookie) ==
			    (uint32_t)p[j][0])
				seen |= 1U << j;
	}
	ATF_CHECK_EQ(0xfU, seen);
	ct_none(ct);
	ct_close(ct);
	for (i = 0; i < 4; i++) {
		evt_close(p[i][0]);
		evt_close(p[i][1]);
	}
}

static void *
cancel_main(void *arg)
{
	struct evany__ready rd;
	struct ct *ct = arg;
	int n;

	(void)ct->ct_be->be_wait(&ct->ct_inst, ct->ct_number, NULL, 0, &rd, 1,
	    &n, EVANY__FOREVER);
	return (NULL);
}

static void *
cancel_poll_main(void *arg)
{
	struct evany__ready rd;
	struct ct *ct = arg;
	int n;

	(void)pthread_cancel(pthread_self());
	ct->ct_inst.in_call = 1;
	(void)ct->ct_be->be_wait(&ct->ct_inst, ct->ct_number, NULL, 0, &rd, 1,
	    &n, 0);
	ct->ct_inst.in_call = 2;
	(void)ct_wake(ct);
	(void)ct_alarm(ct, EVANY__MONOTONIC, EVANY__FOREVER);
	ct->ct_inst.in_call = 3;
	pthread_testcancel();
	return (NULL);
}

CT_TC(wait__cancellation_point, "a wait can be cancelled, a poll cannot")
{
	struct ct *ct = ct_open(be, TAG);
	pthread_t t;
	void *value;
	int i, p[2];

	evt_skip_asan(EVT_ASAN_CANCEL);
	evt_pipe(p);
	ct_want(ct, p[0], CT_WANT(EDGE, OFF, OFF));
	for (i = 0; i < 20; i++) {
		ATF_REQUIRE_EQ(0, pthread_create(&t, NULL, cancel_main, ct));
		if (i % 2 != 0)
			(void)poll(NULL, 0, 1);
		ATF_REQUIRE_EQ(0, pthread_cancel(t));
		ATF_REQUIRE_EQ(0, pthread_join(t, &value));
		ATF_CHECK(value == PTHREAD_CANCELED);
	}
	ATF_REQUIRE_EQ(0, pthread_create(&t, NULL, cancel_poll_main, ct));
	ATF_REQUIRE_EQ(0, pthread_join(t, &value));
	ATF_CHECK(value == PTHREAD_CANCELED);
	ATF_CHECK_EQ(3U, ct->ct_inst.in_call);
	ct_one_kind(ct, EVANY__CK_BELL, 0);
	evt_write(p[1], 1);
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- bell ------------------------------------------------------------------------- */

CT_TC(wake__one_record, "calls of wake coalesce into one record")
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int i;

	for (i = 0; i < 3; i++) {
		ATF_CHECK(ct_quiet(ct->ct_number));
		ATF_CHECK_EQ(0, ct_wake(ct));
		ATF_CHECK_EQ(0, ct_wake(ct));
		ATF_CHECK(evt_readable(ct->ct_number, 0));
		ct_one_kind(ct, EVANY__CK_BELL, 0);
		ATF_CHECK_EQ(0, ct_poll(ct, rd, 4));
	}
	ct_close(ct);
}

CT_TC(hush__takes_wakes_back, "what was not reported is taken back, and only it")
{
	struct ct *ct;
	int i;

	if (be->be_hush == NULL)
		atf_tc_skip("%s takes no wake back", be->be_name);
	ct = ct_open(be, TAG);
	ATF_CHECK_EQ(0, ct_hush(ct));
	for (i = 0; i < 3; i++) {
		ATF_CHECK_EQ(0, ct_wake(ct));
		ATF_CHECK_EQ(0, ct_wake(ct));
		ATF_CHECK_EQ(0, ct_hush(ct));
		ATF_CHECK(ct_quiet(ct->ct_number));
		ct_none(ct);
		ATF_CHECK_EQ(0, ct_wake(ct));
		ATF_CHECK(evt_readable(ct->ct_number, 0));
		ct_one_kind(ct, EVANY__CK_BELL, 0);
		ATF_CHECK_EQ(0, ct_hush(ct));
		ct_none(ct);
	}
	/* What else there is stays. */
	ATF_CHECK_EQ(0, ct_alarm(ct, EVANY__MONOTONIC, 1));
	ATF_CHECK(evt_readable(ct->ct_number, EVT_WAIT_MS));
	ATF_CHECK_EQ(0, ct_wake(ct));
	ATF_CHECK_EQ(0, ct_hush(ct));
	ATF_CHECK(evt_readable(ct->ct_number, 0));
	ct_one_kind(ct, EVANY__CK_ALARM, EVANY__MONOTONIC);
	ct_none(ct);
	ct_close(ct);
}

CT_TC(wake__ends_a_wait, "wake ends the wait of another thread")
{
	struct ct_thread th;
	struct ct *ct = ct_open(be, TAG);
	int i;

	for (i = 0; i < 50; i++) {
		ct_thread_start(&th, ct, false);
		ATF_CHECK_EQ(0, ct_wake(ct));
		evt_thread_join(&th.th_thread);
		ATF_CHECK_EQ(0, th.th_error);
		ATF_REQUIRE_EQ(1, th.th_count);
		ATF_CHECK_EQ((unsigned)EVANY__CK_BELL,
		    EVANY__COOKIE_KIND(th.th_rd.rd_cookie));
	}
	ct_none(ct);
	ct_close(ct);
}

CT_TC(wake__number_gone, "wake through a number that is not its own: EIDRM")
{
	struct ct *ct = ct_open(be, TAG), *other = ct_open(be, TAG + 1);
	int number = ct->ct_number;

	ATF_CHECK_EQ(0, ct_wake(ct));
	ct->ct_number = other->ct_number;
	ATF_CHECK_EQ(EIDRM, ct_wake(ct));
	ct->ct_number = 902;
	ATF_CHECK_EQ(EIDRM, ct_wake(ct));
	ct->ct_number = number;
	ct_one_kind(ct, EVANY__CK_BELL, 0);
	ct_none(other);
	ct_close(ct);
	ct_close(other);
}

/* ---- alarms ------------------------------------------------------------------------- */

static void
alarm_clock(const struct evany__be_ops *be, int clock)
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int64_t at;

	/* Once, not before its time. */
	at = evany__now(clock) + 20 * MS;
	ATF_REQUIRE_EQ(0, ct_alarm(ct, clock, at));
	ct_one_kind(ct, EVANY__CK_ALARM, (unsigned)clock);
	ATF_CHECK(evany__now(clock) >= at);
	ct_none(ct);
	/* In the past: at once. */
	ATF_REQUIRE_EQ(0, ct_alarm(ct, clock, 1));
	ATF_CHECK(ct_readable(ct->ct_number));
	ATF_REQUIRE_EQ(1, ct_poll(ct, rd, 4));
	ATF_CHECK_EQ((unsigned)EVANY__CK_ALARM,
	    EVANY__COOKIE_KIND(rd[0].rd_cookie));
	ATF_CHECK(ct_quiet(ct->ct_number));
	/* Moved, to later and to sooner. */
	ATF_REQUIRE_EQ(0, ct_alarm(ct, clock, evany__now(clock) + 20 * MS));
	at = evany__now(clock) + 100 * MS;
	ATF_REQUIRE_EQ(0, ct_alarm(ct, clock, at));
	ct_one_kind(ct, EVANY__CK_ALARM, (unsigned)clock);
	ATF_CHECK(evany__now(clock) >= at);
	ATF_REQUIRE_EQ(0, ct_alarm(ct, clock, evany__now(clock) + 3600000 * MS));
	at = evany__now(clock) + 20 * MS;
	ATF_REQUIRE_EQ(0, ct_alarm(ct, clock, at));
	ATF_CHECK(ct_readable(ct->ct_number));
	ATF_CHECK(evany__now(clock) >= at);
	/* Cancelled, though it has gone off. */
	ATF_REQUIRE_EQ(0, ct_alarm(ct, clock, 0));
	ct_none(ct);
	ATF_CHECK(ct_quiet(ct->ct_number));
	ct_close(ct);
}

CT_TC(alarm__monotonic, "an alarm goes off once, at its time, and can move")
{
	alarm_clock(be, EVANY__MONOTONIC);
}

CT_TC(alarm__realtime, "the realtime clock has an alarm of its own")
{
	alarm_clock(be, EVANY__REALTIME);
}

CT_TC(alarm__both_clocks, "the alarms of two clocks do not disturb each other")
{
	struct ct *ct = ct_open(be, TAG);

	ATF_REQUIRE_EQ(0, ct_alarm(ct, EVANY__REALTIME,
	    evany__now(EVANY__REALTIME) + 30 * MS));
	ATF_REQUIRE_EQ(0, ct_alarm(ct, EVANY__MONOTONIC,
	    evany__now(EVANY__MONOTONIC) + 3600000 * MS));
	ct_one_kind(ct, EVANY__CK_ALARM, EVANY__REALTIME);
	ATF_REQUIRE_EQ(0, ct_alarm(ct, EVANY__MONOTONIC,
	    evany__now(EVANY__MONOTONIC) + 10 * MS));
	ct_one_kind(ct, EVANY__CK_ALARM, EVANY__MONOTONIC);
	ct_none(ct);
	ct_close(ct);
}

/* ---- feeders ------------------------------------------------------------------------ */

CT_TC(feed__level_and_edge, "a feeder reports its id until it is taken away")
{
	struct ct *ct = ct_open(be, TAG);
	int i, p[2], q[2];

	evt_pipe(p);
	evt_pipe(q);
	ATF_REQUIRE_EQ(0, ct_feed(ct, p[0], EVANY__LEVEL, 11));
	ATF_REQUIRE_EQ(0, ct_feed(ct, q[0], EVANY__EDGE, 12));
	ct_none(ct);
	evt_write(p[1], 1);
	for (i = 0; i < 3; i++)
		ct_one_kind(ct, EVANY__CK_FEEDER, 11);
	ATF_CHECK_EQ(1, evt_drain(p[0]));
	ct_none(ct);
	for (i = 0; i < 3; i++) {
		evt_write(q[1], 1);
		ct_one_kind(ct, EVANY__CK_FEEDER, 12);
		ct_none(ct);
	}
	ct_unfeed(ct, q[0]);
	evt_write(q[1], 1);
	evt_write(p[1], 1);
	ct_unfeed(ct, p[0]);
	ct_none(ct);
	ATF_CHECK(ct_quiet(ct->ct_number));
	/* The same descriptor again, as another feeder. */
	ATF_REQUIRE_EQ(0, ct_feed(ct, p[0], EVANY__LEVEL, 13));
	ct_one_kind(ct, EVANY__CK_FEEDER, 13);
	ct_unfeed(ct, p[0]);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q[0]);
	evt_close(q[1]);
}

ATF_TP_ADD_TCS(tp)
{
	CT_ADD(tp, probe__leaves_nothing);
	CT_ADD(tp, open__close_on_exec);
	CT_ADD(tp, open__out_of_descriptors);
	CT_ADD(tp, names__only_its_own);
	CT_ADD(tp, close__number_gone);
	CT_ADD(tp, close__as_alarms_go_off);
	CT_ADD(tp, fork_child__drops_descriptors);
	CT_ADD(tp, number__polls_readable);
	CT_ADD(tp, number__at_once);
	CT_ADD(tp, number__leftovers);
	CT_ADD(tp, number__nests);
	CT_ADD(tp, wait__not_early);
	CT_ADD(tp, wait__with_changes);
	CT_ADD(tp, wait__number_gone);
	CT_ADD(tp, wait__eintr);
	CT_ADD(tp, wait__woken_by_change);
	CT_ADD(tp, wait__each_once);
	CT_ADD(tp, wait__cancellation_point);
	CT_ADD(tp, wake__one_record);
	CT_ADD(tp, hush__takes_wakes_back);
	CT_ADD(tp, wake__ends_a_wait);
	CT_ADD(tp, wake__number_gone);
	CT_ADD(tp, alarm__monotonic);
	CT_ADD(tp, alarm__realtime);
	CT_ADD(tp, alarm__both_clocks);
	CT_ADD(tp, feed__level_and_edge);
	return (atf_no_error());
}
