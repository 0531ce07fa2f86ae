/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * portbench: evany's event ports against raw epoll with EPOLLONESHOT, the same
 * work in turns.  Wake-ups are an eventfd's in an epoll instance, so that both
 * sides can wait for other things as well; records are a pipe's.
 */

#include "config.h"

#include "kqbench.h"

#define WAKE(nm, fl, set, rnd) {					\
	.name = (nm), .floor = (fl), .setup = (set), .round = (rnd),	\
	.teardown = kqb_wake_teardown, .iters = 300, .ops = 600 }

static const struct kqb_work works[] = {
	KQB_REG("associate eventfd 1k", 0, KQB_EVENTFD, 1000, 8),
	KQB_REG("associate socket 1k", 0, KQB_SOCKPAIR, 1000, 8),
	KQB_REG("associate socket 10k", 0, KQB_SOCKPAIR, 10000, 1),
	{ .name = "associate and dissociate", .setup = kqb_churn_setup,
	    .round = kqb_churn_round, .teardown = kqb_queue_teardown,
	    .kind = KQB_SOCKPAIR, .mode = KQB_ONESHOT, .n = 100, .iters = 40,
	    .ops = 4000 },

	KQB_REARM("1 of 1k", 1.3, KQB_ONESHOT, 1000, 1, 1500),
	KQB_REARM("1 of 10k", 1.3, KQB_ONESHOT, 10000, 1, 1500),
	KQB_REARM("100 of 1k", 1.3, KQB_ONESHOT, 1000, 100, 20),
	KQB_REARM("100 of 10k", 1.3, KQB_ONESHOT, 10000, 100, 20),
	{ .name = "idle call, 1k", .setup = kqb_steady_setup,
	    .round = kqb_idle_round, .teardown = kqb_steady_teardown,
	    .mode = KQB_ONESHOT, .n = 1000, .iters = 4000, .ops = 4000 },

	{ .name = "100 records taken", .floor = 0.5,
	    .setup = kqb_records_setup, .round = kqb_records_take_round,
	    .teardown = kqb_records_teardown, .k = 100, .iters = 20,
	    .ops = 2000 },
	{ .name = "100 records sent and taken",
	    .setup = kqb_records_setup, .round = kqb_records_round,
	    .teardown = kqb_records_teardown, .k = 100, .iters = 20,
	    .ops = 2000 },
	{ .name = "1 record sent and taken",
	    .setup = kqb_records_setup, .round = kqb_records_round,
	    .teardown = kqb_records_teardown, .k = 1, .iters = 1000,
	    .ops = 1000 },

	WAKE("wake a thread, one cpu", 1.3, kqb_wake_setup,
	    kqb_wake_near_round),
	WAKE("wake a thread, two cpus", 1.3, kqb_wake_setup,
	    kqb_wake_far_round),
	WAKE("wake a process, one cpu", 0, kqb_wake_child_setup,
	    kqb_wake_near_round),
	WAKE("wake a process, two cpus", 0, kqb_wake_child_setup,
	    kqb_wake_far_round),
};

static const char *const growths[][2] = {
	{ "1 of 1k", "1 of 10k" },
	{ "100 of 1k", "100 of 10k" },
};

static const struct kqb_memrow mems[] = {
	{ "bytes: FD", KQB_MEM_READ, 1 },
	{ "bytes: USER, queued", KQB_MEM_USER, 1 },
};

static const char *const traced[] = {
	"associate eventfd 1k", "associate and dissociate", "1 of 1k",
	"100 of 1k", "idle call, 1k", "100 records sent and taken",
	"1 record sent and taken", NULL
};

static const struct kqb_bench bench = {
	.name = "portbench",
	.own = &kqb_ports,
	.works = works,
	.nworks = KQB_NITEMS(works),
	.growths = growths,
	.ngrowths = KQB_NITEMS(growths),
	.mems = mems,
	.nmems = KQB_NITEMS(mems),
	.unit = "association",
	.traced = traced,
};

int
main(int argc, char **argv)
{
	return (kqb_main(argc, argv, &bench));
}
