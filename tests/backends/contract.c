/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * contract: calls the operations the way core does: with the instance locked,
 * but for wait, doze and names, and with spent records answered by be_spent.
 *
 * State:   struct ct, which plays the part of core's tables: the mechanism's
 *          bytes and the generation of each number.
 */
#include "config.h"

#include "contract.h"

#include <poll.h>

#include "backends/poll/pollthread.h"

static void
tick(struct evany__bg_tick *bt)
{
	(void)bt;
}

/*
 * The pipe of the background thread stays when it was needed once, so it is
 * needed before descriptors are counted.
 */
void
ct_run(const struct evany__be_ops *be, void (*fn)(const struct evany__be_ops *))
{
	static struct evany__bg_tick bt = { .bt_fn = tick };
	int error;

	if ((error = be->be_probe()) != 0)
		atf_tc_skip("%s is not usable here: %s", be->be_name,
		    strerror(error));
	if (be->be_threads) {
		ATF_REQUIRE_EQ(0, evany__bg_tick_start(&bt, 3600000));
		evany__bg_tick_stop(&bt);
	}
	evt_begin();
	fn(be);
	/* A copy of the library below frees what it had for closed queues. */
	(void)be->be_probe();
	evt_end();
}

struct ct *
ct_open(const struct evany__be_ops *be, unsigned tag)
{
	struct ct *ct;
	int error;

	ATF_REQUIRE((ct = calloc(1, sizeof(*ct))) != NULL);
	ct->ct_be = be;
	ct->ct_table.tb_be = be;
	ct->ct_inst.in_table = &ct->ct_table;
	ct->ct_inst.in_tag = tag;
	ATF_REQUIRE_EQ(0, evany__lock_init(&ct->ct_inst.in_lock, false));
	error = be->be_open(&ct->ct_inst, O_CLOEXEC, &ct->ct_inst.in_state,
	    &ct->ct_number);
	ATF_REQUIRE_MSG(error == 0, "be_open: %s", strerror(error));
	return (ct);
}

void
ct_forget(struct ct *ct)
{
	evany__inst_lock(&ct->ct_inst);
	ct->ct_be->be_close(&ct->ct_inst);
	evany__inst_unlock(&ct->ct_inst);
	evany__lock_fini(&ct->ct_inst.in_lock);
	free(ct);
}

void
ct_close(struct ct *ct)
{
	int number = ct->ct_number;

	ct_forget(ct);
	ATF_CHECK_MSG(close(number) == 0, "the number was closed");
}

uint64_t
ct_cookie(struct ct *ct, int fd)
{
	return (EVANY__COOKIE(EVANY__CK_FD, ct->ct_inst.in_tag,
	    ct->ct_gen[fd], fd));
}

void
ct_set(struct ct *ct, struct evany__change *ch, int fd, const uint8_t *want)
{
	ATF_REQUIRE(fd >= 0 && fd < CT_FDS);
	memset(ch, 0, sizeof(*ch));
	ch->ch_fd = fd;
	memcpy(ch->ch_want, want, sizeof(ch->ch_want));
	ch->ch_cookie = ct_cookie(ct, fd);
	ch->ch_priv = &ct->ct_priv[fd];
	ch->ch_error = -1;
}

int
ct_change(struct ct *ct, int fd, const uint8_t *want, unsigned fresh)
{
	struct evany__change ch;
	int done = -1, error;

	ct_set(ct, &ch, fd, want);
	ch.ch_fresh = (uint8_t)fresh;
	errno = 4711;
	evany__inst_lock(&ct->ct_inst);
	error = ct->ct_be->be_change(&ct->ct_inst, ct->ct_number, &ch, 1,
	    &done);
	evany__inst_unlock(&ct->ct_inst);
	ATF_CHECK_EQ_MSG(4711, errno, "be_change touched errno");
	ATF_REQUIRE_EQ(0, error);
	ATF_REQUIRE_EQ(1, done);
	return (ch.ch_error);
}

void
ct_want(struct ct *ct, int fd, const uint8_t *want)
{
	int error = ct_change(ct, fd, want, 0);

	ATF_REQUIRE_MSG(error == 0, "be_change: %s", strerror(error));
}

void
ct_renew(struct ct *ct, int fd)
{
	ct->ct_gen[fd]++;
	ct->ct_priv[fd] = 0;
}

static int64_t
until(int ms)
{
	return (ms < 0 ? EVANY__FOREVER : ms == 0 ? 0 :
	    evt_now_ns() + (int64_t)ms * 1000000);
}

int
ct_wait(struct ct *ct, struct evany__ready *rd, int room, int *countp, int ms)
{
	int error, i;

	errno = 4711;
	error = ct->ct_be->be_wait(&ct->ct_inst, ct->ct_number, NULL, 0, rd,
	    room, countp, until(ms));
	ATF_CHECK_EQ_MSG(4711, errno, "be_wait touched errno");
	ATF_REQUIRE(*countp <= room);
	evany__inst_lock(&ct->ct_inst);
	for (i = 0; i < *countp; i++)
		if ((rd[i].rd_bits & EVANY__SPENT) != 0)
			ct->ct_be->be_spent(&ct->ct_inst, ct->ct_number,
			    &ct->ct_priv[EVANY__COOKIE_INDEX(rd[i].rd_cookie)],
			    rd[i].rd_cookie);
	evany__inst_unlock(&ct->ct_inst);
	return (error);
}

static int
get(struct ct *ct, struct evany__ready *rd, int room, int ms)
{
	int error, n;

	error = ct_wait(ct, rd, room, &n, ms);
	ATF_REQUIRE_MSG(error == 0, "be_wait: %s", strerror(error));
	return (n);
}

int
ct_poll(struct ct *ct, struct evany__ready *rd, int room)
{
	return (get(ct, rd, room, 0));
}

int
ct_get(struct ct *ct, struct evany__ready *rd, int room)
{
	return (get(ct, rd, room, EVT_WAIT_MS));
}

void
ct_none(struct ct *ct)
{
	struct evany__ready rd;

	if (get(ct, &rd, 1, EVT_QUIET_MS) != 0)
		atf_tc_fail("unexpected record of kind %u, index %u, bits %#x",
		    EVANY__COOKIE_KIND(rd.rd_cookie),
		    (unsigned)EVANY__COOKIE_INDEX(rd.rd_cookie),
		    (unsigned)rd.rd_bits);
}

unsigned
ct_one(struct ct *ct, int fd)
{
	struct evany__ready rd[4];
	int n;

	n = ct_get(ct, rd, 4);
	ATF_REQUIRE_MSG(n == 1, "%d records", n);
	ATF_REQUIRE_MSG((rd[0].rd_cookie & CT_COOKIE) == ct_cookie(ct, fd),
	    "record of kind %u, index %u instead of %d",
	    EVANY__COOKIE_KIND(rd[0].rd_cookie),
	    (unsigned)EVANY__COOKIE_INDEX(rd[0].rd_cookie), fd);
	return (rd[0].rd_bits & ~EVANY__FOR_ANY);
}

void
ct_one_kind(struct ct *ct, enum evany__cookie_kind kind, unsigned index)
{
	struct evany__ready rd[4];
	int n;

	n = ct_get(ct, rd, 4);
	ATF_REQUIRE_MSG(n == 1, "%d records", n);
	ATF_REQUIRE_EQ((unsigned)kind, EVANY__COOKIE_KIND(rd[0].rd_cookie));
	ATF_REQUIRE_EQ(ct->ct_inst.in_tag, EVANY__COOKIE_TAG(rd[0].rd_cookie));
	ATF_REQUIRE_EQ(index, EVANY__COOKIE_INDEX(rd[0].rd_cookie));
}

int
ct_feed(struct ct *ct, int fd, enum evany__mode mode, unsigned id)
{
	int error;

	evany__inst_lock(&ct->ct_inst);
	error = ct->ct_be->be_feed(&ct->ct_inst, ct->ct_number, fd, mode,
	    EVANY__COOKIE(EVANY__CK_FEEDER, ct->ct_inst.in_tag, 0, id));
	evany__inst_unlock(&ct->ct_inst);
	return (error);
}

void
ct_unfeed(struct ct *ct, int fd)
{
	evany__inst_lock(&ct->ct_inst);
	ct->ct_be->be_unfeed(&ct->ct_inst, ct->ct_number, fd);
	evany__inst_unlock(&ct->ct_inst);
}

int
ct_wake(struct ct *ct)
{
	int error;

	evany__inst_lock(&ct->ct_inst);
	error = ct->ct_be->be_wake(&ct->ct_inst, ct->ct_number);
	evany__inst_unlock(&ct->ct_inst);
	return (error);
}

int
ct_hush(struct ct *ct)
{
	int error;

	evany__inst_lock(&ct->ct_inst);
	error = ct->ct_be->be_hush(&ct->ct_inst, ct->ct_number);
	evany__inst_unlock(&ct->ct_inst);
	return (error);
}

int
ct_mark(struct ct *ct, bool on)
{
	int error;

	errno = 4711;
	evany__inst_lock(&ct->ct_inst);
	error = ct->ct_be->be_mark(&ct->ct_inst, ct->ct_number, on);
	evany__inst_unlock(&ct->ct_inst);
	ATF_CHECK_EQ_MSG(4711, errno, "be_mark touched errno");
	return (error);
}

int
ct_rouse(struct ct *ct)
{
	int error;

	errno = 4711;
	evany__inst_lock(&ct->ct_inst);
	error = ct->ct_be->be_rouse(&ct->ct_inst, ct->ct_number);
	evany__inst_unlock(&ct->ct_inst);
	ATF_CHECK_EQ_MSG(4711, errno, "be_rouse touched errno");
	return (error);
}

int
ct_doze(struct ct *ct, int ms)
{
	int error;

	errno = 4711;
	error = ct->ct_be->be_doze(&ct->ct_inst, ct->ct_number, until(ms));
	ATF_CHECK_EQ_MSG(4711, errno, "be_doze touched errno");
	return (error);
}

int
ct_alarm(struct ct *ct, int clock, int64_t at)
{
	int error;

	evany__inst_lock(&ct->ct_inst);
	error = ct->ct_be->be_alarm(&ct->ct_inst, ct->ct_number, clock, at);
	evany__inst_unlock(&ct->ct_inst);
	return (error);
}

static void
wait_main(void *arg)
{
	struct ct_thread *th = arg;

	th->th_error = ct_wait(th->th_ct, &th->th_rd, 1, &th->th_count, -1);
}

static void
doze_main(void *arg)
{
	struct ct_thread *th = arg;

	th->th_error = ct_doze(th->th_ct, -1);
}

void
ct_thread_start(struct ct_thread *th, struct ct *ct, bool doze)
{
	th->th_ct = ct;
	th->th_error = th->th_count = -1;
	evt_thread_start(&th->th_thread, doze ? doze_main : wait_main, th);
	evt_thread_asleep(&th->th_thread);
}

bool
ct_readable(int number)
{
	return (evt_readable(number, EVT_WAIT_MS));
}

bool
ct_quiet(int number)
{
	return (!evt_readable(number, EVT_QUIET_MS));
}
