/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evanybench: <evany.h> against raw epoll, the same work in turns, with the
 * changes that arm again given to the next wait.
 */

#include "config.h"

#include "kqbench.h"

#define WAKE(nm, rnd) {							\
	.name = (nm), .setup = kqb_wake_setup, .round = (rnd),		\
	.teardown = kqb_wake_teardown, .iters = 300, .ops = 600 }

static const struct kqb_work works[] = {
	KQB_REG("set eventfd 1k", 0, KQB_EVENTFD, 1000, 8),
	KQB_REG("set socket 1k", 0, KQB_SOCKPAIR, 1000, 8),
	KQB_REG("set socket 10k", 0, KQB_SOCKPAIR, 10000, 1),
	{ .name = "set and drop socket", .setup = kqb_churn_setup,
	    .round = kqb_churn_round, .teardown = kqb_queue_teardown,
	    .kind = KQB_SOCKPAIR, .mode = KQB_LEVEL, .n = 100, .iters = 40,
	    .ops = 4000 },

	KQB_STEADY("1 of 10k, level", 0, KQB_LEVEL, 10000, 1, 1500),
	KQB_STEADY("100 of 1k, level", 1.1, KQB_LEVEL, 1000, 100, 20),
	KQB_STEADY("100 of 10k, level", 1.1, KQB_LEVEL, 10000, 100, 20),
	KQB_STEADY("100 of 10k, edge", 0, KQB_CLEAR, 10000, 100, 20),
	KQB_REARM("1 of 10k, one-shot", 0, KQB_ONESHOT, 10000, 1, 1500),
	KQB_REARM("100 of 1k, one-shot", 1.1, KQB_ONESHOT, 1000, 100, 20),
	KQB_REARM("100 of 10k, one-shot", 1.1, KQB_ONESHOT, 10000, 100, 20),
	KQB_REARM("100 of 10k, dispatch", 0, KQB_DISPATCH, 10000, 100, 20),
	{ .name = "idle call, 1k", .setup = kqb_steady_setup,
	    .round = kqb_idle_round, .teardown = kqb_steady_teardown,
	    .mode = KQB_LEVEL, .n = 1000, .iters = 4000, .ops = 4000 },

	{ .name = "100 records posted and taken",
	    .setup = kqb_records_setup, .round = kqb_records_round,
	    .teardown = kqb_records_teardown, .k = 100, .iters = 20,
	    .ops = 2000 },
	WAKE("wake a thread, one cpu", kqb_wake_near_round),
	WAKE("wake a thread, two cpus", kqb_wake_far_round),
	{ .name = "arm 10k timers", .setup = kqb_timers_setup,
	    .round = kqb_timers_round, .teardown = kqb_timers_teardown,
	    .n = 10000, .iters = 1, .ops = 10000 },
	{ .name = "arm 10k timers, 64 in a list",
	    .setup = kqb_timers_setup, .round = kqb_timers_list_round,
	    .teardown = kqb_timers_teardown, .n = 10000, .iters = 1,
	    .ops = 10000 },
};

static const char *const growths[][2] = {
	{ "100 of 1k, level", "100 of 10k, level" },
	{ "100 of 1k, one-shot", "100 of 10k, one-shot" },
};

static const struct kqb_memrow mems[] = {
	{ "bytes: FD", KQB_MEM_READ, 1 },
	{ "bytes: TIMER", KQB_MEM_TIMER, 1 },
	{ "bytes: USER, posted", KQB_MEM_USER, 1 },
};

static const char *const traced[] = {
	"set eventfd 1k", "set and drop socket", "1 of 10k, level",
	"100 of 10k, level", "100 of 10k, one-shot", "100 of 10k, dispatch",
	"idle call, 1k", "100 records posted and taken", NULL
};

static const struct kqb_bench bench = {
	.name = "evanybench",
	.own = &kqb_unified,
	.works = works,
	.nworks = KQB_NITEMS(works),
	.growths = growths,
	.ngrowths = KQB_NITEMS(growths),
	.mems = mems,
	.nmems = KQB_NITEMS(mems),
	.unit = "watch",
	.traced = traced,
};

int
main(int argc, char **argv)
{
	return (kqb_main(argc, argv, &bench));
}
