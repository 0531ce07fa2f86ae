/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * sources: see sources.h.
 */
#include "config.h"

#include "sources.h"

/* Core waits until the sink holds something: what fired is put there. */
static void
mark_ready(struct evany__inst *inst, struct evany__watch *wt,
    struct evany__sink *sk)
{
	(void)inst;
	(void)wt;
	sk->sk_count++;
}

static void
no_timer(struct evany__inst *inst, struct evany__timer *tm)
{
	(void)inst;
	(void)tm;
}

static void
no_close(struct evany__inst *inst)
{
	(void)inst;
}

static int
no_init(struct evany__inst *inst)
{
	(void)inst;
	return (0);
}

static const struct evany__driver src_driver = {
	.dr_name = "test",
	.dr_ready = mark_ready,
	.dr_timer = no_timer,
	.dr_close = no_close
};

void
src_open(struct src *sr)
{
	int error;

	memset(sr, 0, sizeof(*sr));
	error = evany__inst_create(&src_driver, 0, no_init, &sr->sr_number);
	ATF_REQUIRE_EQ_MSG(0, error, "%s", strerror(error));
	sr->sr_inst = evany__inst_find(sr->sr_number, true);
	ATF_REQUIRE(sr->sr_inst != NULL);
}

void
src_close(struct src *sr, void (*fn)(struct evany__inst *, void **))
{
	src_enter(sr);
	fn(sr->sr_inst, &sr->sr_state);
	ATF_REQUIRE_EQ(NULL, sr->sr_state);
	evany__ready_remove(sr->sr_inst, &sr->sr_mark);
	src_leave(sr);
	evany__inst_drop(sr->sr_inst);
	evt_close(sr->sr_number);
}

void
src_enter(struct src *sr)
{
	evany__inst_enter(sr->sr_inst, sr->sr_number);
}

void
src_leave(struct src *sr)
{
	evany__inst_leave(sr->sr_inst);
}

void
src_fired(struct src *sr)
{
	evany__ready_add(sr->sr_inst, &sr->sr_mark);
}

int
src_wait(struct src *sr, void (*refresh)(void **), int ms)
{
	struct evany__inst *inst = sr->sr_inst;
	struct kevent unused;
	struct evany__sink sink = { &unused, 1, 0 };
	int64_t deadline;
	int error;

	deadline = ms == 0 ? 0 : evt_now_ns() + (int64_t)ms * 1000000;
	src_enter(sr);
	refresh(&sr->sr_state);
	src_leave(sr);
	error = evany__inst_wait(&inst, sr->sr_number, &sink, deadline);
	ATF_REQUIRE_EQ(sr->sr_inst, inst);
	return (error != 0 ? error : sink.sk_count > 0 ? 0 : ETIMEDOUT);
}
