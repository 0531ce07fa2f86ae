/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqbench: evany's kqueue against raw epoll, the same work in turns.
 */

#include "config.h"

#include "kqbench.h"

static const struct kqb_work works[] = {
	KQB_REG("add eventfd 1k", 1.4, KQB_EVENTFD, 1000, 8),
	KQB_REG("add eventfd 10k", 1.4, KQB_EVENTFD, 10000, 1),
	KQB_REG("add eventfd 19k", 1.4, KQB_EVENTFD, 19000, 1),
	KQB_REG("add pipe 1k", 1.4, KQB_PIPE, 1000, 8),
	KQB_REG("add pipe 10k", 1.4, KQB_PIPE, 10000, 1),
	KQB_REG("add pipe 19k", 1.4, KQB_PIPE, 19000, 1),
	KQB_REG("add socket 1k", 1.4, KQB_SOCKPAIR, 1000, 8),
	KQB_REG("add socket 10k", 1.4, KQB_SOCKPAIR, 10000, 1),
	KQB_REG("add socket 19k", 1.4, KQB_SOCKPAIR, 19000, 1),
	{ .name = "add socket 10k, 64 in a list", .setup = kqb_reg_setup,
	    .round = kqb_reg_list_round, .teardown = kqb_reg_teardown,
	    .kind = KQB_SOCKPAIR, .n = 10000, .iters = 1, .ops = 10000 },
	{ .name = "add socket 10k, both ways", .setup = kqb_reg_setup,
	    .round = kqb_reg_both_round, .teardown = kqb_reg_teardown,
	    .kind = KQB_SOCKPAIR, .n = 10000, .iters = 1, .ops = 10000 },
	{ .name = "add and delete socket", .setup = kqb_churn_setup,
	    .round = kqb_churn_round, .teardown = kqb_queue_teardown,
	    .kind = KQB_SOCKPAIR, .n = 100, .iters = 40, .ops = 4000 },
	{ .name = "queue, 4 sockets, close", .setup = kqb_reg_setup,
	    .round = kqb_life_round, .teardown = kqb_reg_teardown,
	    .kind = KQB_SOCKPAIR, .n = 4, .iters = 200, .ops = 200 },

	KQB_STEADY("1 of 100, level", 1.25, KQB_LEVEL, 100, 1, 1500),
	KQB_STEADY("1 of 1k, level", 1.25, KQB_LEVEL, 1000, 1, 1500),
	KQB_STEADY("1 of 19k, level", 1.25, KQB_LEVEL, 19000, 1, 1500),
	KQB_STEADY("1 of 100, clear", 1.25, KQB_CLEAR, 100, 1, 1500),
	KQB_STEADY("1 of 1k, clear", 1.25, KQB_CLEAR, 1000, 1, 1500),
	KQB_STEADY("1 of 19k, clear", 1.25, KQB_CLEAR, 19000, 1, 1500),
	KQB_STEADY("100 of 100, level", 1.2, KQB_LEVEL, 100, 100, 20),
	KQB_STEADY("100 of 1k, level", 1.2, KQB_LEVEL, 1000, 100, 20),
	KQB_STEADY("100 of 19k, level", 1.2, KQB_LEVEL, 19000, 100, 20),
	KQB_STEADY("100 of 100, clear", 1.2, KQB_CLEAR, 100, 100, 20),
	KQB_STEADY("100 of 1k, clear", 1.2, KQB_CLEAR, 1000, 100, 20),
	KQB_STEADY("100 of 19k, clear", 1.2, KQB_CLEAR, 19000, 100, 20),
	KQB_REARM("1 of 1k, dispatch", 1.2, KQB_DISPATCH, 1000, 1, 1500),
	KQB_REARM("100 of 1k, dispatch", 1.2, KQB_DISPATCH, 1000, 100, 20),
	KQB_REARM("1 of 1k, oneshot", 1.4, KQB_ONESHOT, 1000, 1, 1500),
	KQB_REARM("100 of 1k, oneshot", 1.4, KQB_ONESHOT, 1000, 100, 20),
	{ .name = "idle call, 1k", .floor = 1.3, .setup = kqb_steady_setup,
	    .round = kqb_idle_round, .teardown = kqb_steady_teardown,
	    .n = 1000, .iters = 4000, .ops = 4000 },

	{ .name = "wake a thread, one cpu", .floor = 1.15,
	    .setup = kqb_wake_setup, .round = kqb_wake_near_round,
	    .teardown = kqb_wake_teardown, .iters = 300, .ops = 600 },
	{ .name = "wake a thread, two cpus", .floor = 1.15,
	    .setup = kqb_wake_setup, .round = kqb_wake_far_round,
	    .teardown = kqb_wake_teardown, .iters = 300, .ops = 600 },

	{ .name = "arm 10k timers", .floor = 0.05, .setup = kqb_timers_setup,
	    .round = kqb_timers_round, .teardown = kqb_timers_teardown,
	    .n = 10000, .iters = 1, .ops = 10000 },
	{ .name = "arm 10k timers, 64 in a list", .floor = 0.05,
	    .setup = kqb_timers_setup, .round = kqb_timers_list_round,
	    .teardown = kqb_timers_teardown, .n = 10000, .iters = 1,
	    .ops = 10000 },
};

static const char *const growths[][2] = {
	{ "1 of 1k, level", "1 of 19k, level" },
	{ "100 of 1k, level", "100 of 19k, level" },
	{ "100 of 1k, clear", "100 of 19k, clear" },
};

static const struct kqb_memrow mems[] = {
	{ "bytes: READ", KQB_MEM_READ, 1 },
	{ "bytes: READ and WRITE of one", KQB_MEM_BOTH, 2 },
	{ "bytes: TIMER", KQB_MEM_TIMER, 1 },
	{ "bytes: USER", KQB_MEM_USER, 1 },
};

static const char *const traced[] = {
	"add eventfd 1k", "add and delete socket", "1 of 1k, level",
	"100 of 1k, level", "1 of 1k, clear", "100 of 1k, clear",
	"1 of 1k, dispatch", "100 of 1k, dispatch", "1 of 1k, oneshot",
	"100 of 1k, oneshot", "idle call, 1k", "arm 10k timers", NULL
};

static const struct kqb_bench bench = {
	.name = "kqbench",
	.own = &kqb_evany,
	.load = kqb_foreign_load,
	.works = works,
	.nworks = KQB_NITEMS(works),
	.growths = growths,
	.ngrowths = KQB_NITEMS(growths),
	.mems = mems,
	.nmems = KQB_NITEMS(mems),
	.unit = "knote",
	.traced = traced,
};

int
main(int argc, char **argv)
{
	return (kqb_main(argc, argv, &bench));
}
