/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_work: what is measured, without saying with which calls.
 *
 * Idle descriptors are shared by the sides, since an idle one costs nothing
 * wherever else it is registered.  Active ones are each side's own: a write
 * would wake the other side's registration too.
 */

#include "config.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kqbench.h"

#define ACTIVE	100			/* pairs that bytes go through */

/* ---- descriptors --------------------------------------------------------- */

static struct kqb_item *idle_item;
static size_t idle_n;
static enum kqb_kind idle_kind;

static void
idle_drop(void)
{
	for (; idle_n > 0; idle_n--)
		(void)close(idle_item[idle_n - 1].fd);
}

static size_t
fd_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		kqb_die("getrlimit");
	return ((size_t)rl.rlim_cur);
}

static void
idle_make(struct kqb_item *item, enum kqb_kind kind)
{
	int fd[2];

	switch (kind) {
	case KQB_EVENTFD:
		fd[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		fd[1] = fd[0] == -1 ? -1 :
		    eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (fd[1] == -1)
			kqb_die("eventfd");
		break;
	case KQB_PIPE:
		if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) == -1)
			kqb_die("pipe2");
		break;
	case KQB_SOCKPAIR:
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0, fd) == -1)
			kqb_die("socketpair");
		break;
	}
	item[0].fd = fd[0];
	item[0].out = 0;
	item[1].fd = fd[1];
	item[1].out = kind == KQB_PIPE;
}

const struct kqb_item *
kqb_idle(enum kqb_kind kind, size_t n)
{
	if (n + 2 * 3 * ACTIVE + 64 > fd_limit())
		return (NULL);
	/* Of full size from the start, so that it never moves. */
	if (idle_item == NULL && (idle_item = calloc(fd_limit(),
	    sizeof(*idle_item))) == NULL)
		kqb_die("calloc");
	if (idle_kind != kind)
		idle_drop();
	for (idle_kind = kind; idle_n < n; idle_n += 2)
		idle_make(&idle_item[idle_n], kind);
	return (idle_item);
}

static void
pairs_open(struct kqb_ctx *ctx, size_t n)
{
	struct kqb_item item[2];
	size_t i;

	ctx->npairs = n;
	if ((ctx->pairs = calloc(n, sizeof(*ctx->pairs))) == NULL)
		kqb_die("calloc");
	for (i = 0; i < n; i++) {
		idle_make(item, KQB_SOCKPAIR);
		ctx->pairs[i].pe_fd = item[0].fd;
		ctx->pairs[i].pe_peer = item[1].fd;
	}
}

static void
pairs_close(struct kqb_ctx *ctx)
{
	size_t i;

	for (i = 0; i < ctx->npairs; i++) {
		(void)close(ctx->pairs[i].pe_fd);
		(void)close(ctx->pairs[i].pe_peer);
	}
	free(ctx->pairs);
	ctx->pairs = NULL;
	ctx->npairs = 0;
}

/* ---- registration ---------------------------------------------------------- */

static int
reg_setup(struct kqb_ctx *ctx)
{
	ctx->items = kqb_idle(ctx->work->kind, ctx->work->n);
	return (ctx->items == NULL);
}

static double
reg_with(struct kqb_ctx *ctx, void (*add)(int, const struct kqb_item *,
    size_t, enum kqb_mode))
{
	const struct kqb_work *w = ctx->work;
	double sum, start;
	size_t i;
	int q;

	for (sum = 0, i = 0; i < w->iters; i++) {
		q = ctx->side->open();
		start = kqb_cpu();
		add(q, ctx->items, w->n, w->mode);
		sum += kqb_cpu() - start;
		ctx->side->close(q);
	}
	return (sum);
}

static double
reg_round(struct kqb_ctx *ctx)
{
	return (reg_with(ctx, ctx->side->add));
}

static double
reg_list_round(struct kqb_ctx *ctx)
{
	return (reg_with(ctx, ctx->side->add_list));
}

static double
reg_both_round(struct kqb_ctx *ctx)
{
	const struct kqb_work *w = ctx->work;
	double sum, start;
	size_t i;
	int q;

	for (sum = 0, i = 0; i < w->iters; i++) {
		q = ctx->side->open();
		start = kqb_cpu();
		ctx->side->add_both(q, ctx->items, w->n);
		sum += kqb_cpu() - start;
		ctx->side->close(q);
	}
	return (sum);
}

static double
churn_round(struct kqb_ctx *ctx)
{
	const struct kqb_work *w = ctx->work;
	double start;
	size_t i;

	start = kqb_cpu();
	for (i = 0; i < w->iters; i++) {
		ctx->side->add(ctx->q, ctx->items, w->n, w->mode);
		ctx->side->del(ctx->q, ctx->items, w->n);
	}
	return (kqb_cpu() - start);
}

static int
churn_setup(struct kqb_ctx *ctx)
{
	if (reg_setup(ctx) != 0)
		return (1);
	ctx->q = ctx->side->open();
	return (0);
}

static double
life_round(struct kqb_ctx *ctx)
{
	const struct kqb_work *w = ctx->work;
	double start;
	size_t i;
	int q;

	start = kqb_cpu();
	for (i = 0; i < w->iters; i++) {
		q = ctx->side->open();
		ctx->side->add(q, ctx->items, w->n, w->mode);
		ctx->side->close(q);
	}
	return (kqb_cpu() - start);
}

static void
reg_teardown(struct kqb_ctx *ctx)
{
	(void)ctx;
}

static void
queue_teardown(struct kqb_ctx *ctx)
{
	ctx->side->close(ctx->q);
}

/* ---- steady state ------------------------------------------------------------ */

/* n registered in all, ACTIVE of them pairs, the rest idle eventfds. */
static int
steady_setup(struct kqb_ctx *ctx)
{
	const struct kqb_work *w = ctx->work;
	struct kqb_item item;
	size_t i;

	if (w->n > ACTIVE) {
		ctx->items = kqb_idle(KQB_EVENTFD, w->n - ACTIVE);
		if (ctx->items == NULL)
			return (1);
	}
	ctx->q = ctx->side->open();
	if (w->n > ACTIVE)
		ctx->side->add(ctx->q, ctx->items, w->n - ACTIVE, w->mode);
	pairs_open(ctx, ACTIVE);
	for (i = 0; i < ctx->npairs; i++) {
		item.fd = ctx->pairs[i].pe_fd;
		item.out = 0;
		ctx->side->add(ctx->q, &item, 1, w->mode);
	}
	return (0);
}

static double
steady_round(struct kqb_ctx *ctx)
{
	const struct kqb_work *w = ctx->work;
	double start;

	start = kqb_cpu();
	ctx->side->loop(ctx->q, ctx->pairs, ctx->npairs, w->k, w->iters);
	return (kqb_cpu() - start);
}

static double
rearm_round(struct kqb_ctx *ctx)
{
	const struct kqb_work *w = ctx->work;
	double start;

	start = kqb_cpu();
	ctx->side->loop_rearm(ctx->q, ctx->pairs, ctx->npairs, w->k, w->iters,
	    w->mode);
	return (kqb_cpu() - start);
}

static double
idle_round(struct kqb_ctx *ctx)
{
	double start;

	start = kqb_cpu();
	ctx->side->idle(ctx->q, ctx->work->iters);
	return (kqb_cpu() - start);
}

static void
steady_teardown(struct kqb_ctx *ctx)
{
	ctx->side->close(ctx->q);
	pairs_close(ctx);
}

/* ---- wake-up of another thread --------------------------------------------- */

struct wake {
	const struct kqb_side *wa_side;
	pthread_t wa_thread;
	int	wa_q[2], wa_aux[2];	/* 0: the thread waits on, 1: we do */
	int	wa_end;
};

static void *
wake_thread(void *arg)
{
	struct wake *wa = arg;

	for (;;) {
		wa->wa_side->wake_wait(wa->wa_q[0], wa->wa_aux[0]);
		if (__atomic_load_n(&wa->wa_end, __ATOMIC_ACQUIRE))
			return (NULL);
		wa->wa_side->wake(wa->wa_q[1], wa->wa_aux[1]);
	}
}

static int
wake_setup(struct kqb_ctx *ctx)
{
	struct wake *wa;
	int i;

	if ((wa = calloc(1, sizeof(*wa))) == NULL)
		kqb_die("calloc");
	wa->wa_side = ctx->side;
	for (i = 0; i < 2; i++) {
		wa->wa_q[i] = ctx->side->open();
		ctx->side->wake_add(wa->wa_q[i], &wa->wa_aux[i]);
	}
	if ((errno = pthread_create(&wa->wa_thread, NULL, wake_thread,
	    wa)) != 0)
		kqb_die("pthread_create");
	ctx->wake = wa;
	return (0);
}

static double
wake_round(struct kqb_ctx *ctx)
{
	struct wake *wa = ctx->wake;
	double start;
	size_t i;

	start = kqb_now();
	for (i = 0; i < ctx->work->iters; i++) {
		ctx->side->wake(wa->wa_q[0], wa->wa_aux[0]);
		ctx->side->wake_wait(wa->wa_q[1], wa->wa_aux[1]);
	}
	return (kqb_now() - start);
}

/* The same on one processor: the calls themselves, not the way between two. */
static double
wake_one_round(struct kqb_ctx *ctx)
{
	struct wake *wa = ctx->wake;
	cpu_set_t old, one;
	double sec;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	(void)pthread_getaffinity_np(pthread_self(), sizeof(old), &old);
	(void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
	(void)pthread_setaffinity_np(wa->wa_thread, sizeof(one), &one);
	sec = wake_round(ctx);
	(void)pthread_setaffinity_np(wa->wa_thread, sizeof(old), &old);
	(void)pthread_setaffinity_np(pthread_self(), sizeof(old), &old);
	return (sec);
}

static void
wake_teardown(struct kqb_ctx *ctx)
{
	struct wake *wa = ctx->wake;
	int i;

	__atomic_store_n(&wa->wa_end, 1, __ATOMIC_RELEASE);
	ctx->side->wake(wa->wa_q[0], wa->wa_aux[0]);
	(void)pthread_join(wa->wa_thread, NULL);
	for (i = 0; i < 2; i++) {
		ctx->side->wake_end(wa->wa_q[i], wa->wa_aux[i]);
		ctx->side->close(wa->wa_q[i]);
	}
	free(wa);
}

/* ---- timers --------------------------------------------------------------------- */

static int
timers_setup(struct kqb_ctx *ctx)
{
	/* Room for as many descriptors is needed: let the idle ones go. */
	idle_drop();
	if (ctx->work->n + 64 > fd_limit())
		return (1);
	if ((ctx->fds = calloc(ctx->work->n, sizeof(*ctx->fds))) == NULL)
		kqb_die("calloc");
	return (0);
}

static double
timers_with(struct kqb_ctx *ctx, void (*arm)(int, size_t, int *))
{
	double sec, start;
	int q;

	q = ctx->side->open();
	start = kqb_cpu();
	arm(q, ctx->work->n, ctx->fds);
	sec = kqb_cpu() - start;
	ctx->side->timers_end(q, ctx->work->n, ctx->fds);
	ctx->side->close(q);
	return (sec);
}

static double
timers_round(struct kqb_ctx *ctx)
{
	return (timers_with(ctx, ctx->side->timers));
}

static double
timers_list_round(struct kqb_ctx *ctx)
{
	return (timers_with(ctx, ctx->side->timers_list));
}

static void
timers_teardown(struct kqb_ctx *ctx)
{
	free(ctx->fds);
	ctx->fds = NULL;
}

/* ---- the list --------------------------------------------------------------------- */

#define REG(nm, fl, kd, num, it) {					\
	.name = (nm), .floor = (fl), .setup = reg_setup,		\
	.round = reg_round, .teardown = reg_teardown,			\
	.kind = (kd), .n = (num), .iters = (it), .ops = (num) * (it) }
#define STEADY(nm, fl, md, num, act, it) {				\
	.name = (nm), .floor = (fl), .setup = steady_setup,		\
	.round = steady_round, .teardown = steady_teardown,		\
	.mode = (md), .n = (num), .k = (act), .iters = (it),		\
	.ops = (act) * (it) }
#define REARM(nm, fl, md, num, act, it) {				\
	.name = (nm), .floor = (fl), .setup = steady_setup,		\
	.round = rearm_round, .teardown = steady_teardown,		\
	.mode = (md), .n = (num), .k = (act), .iters = (it),		\
	.ops = (act) * (it) }

const struct kqb_work kqb_works[] = {
	REG("add eventfd 1k", 1.4, KQB_EVENTFD, 1000, 8),
	REG("add eventfd 10k", 1.4, KQB_EVENTFD, 10000, 1),
	REG("add eventfd 19k", 1.4, KQB_EVENTFD, 19000, 1),
	REG("add pipe 1k", 1.4, KQB_PIPE, 1000, 8),
	REG("add pipe 10k", 1.4, KQB_PIPE, 10000, 1),
	REG("add pipe 19k", 1.4, KQB_PIPE, 19000, 1),
	REG("add socket 1k", 1.4, KQB_SOCKPAIR, 1000, 8),
	REG("add socket 10k", 1.4, KQB_SOCKPAIR, 10000, 1),
	REG("add socket 19k", 1.4, KQB_SOCKPAIR, 19000, 1),
	{ .name = "add socket 10k, 64 in a list", .setup = reg_setup,
	    .round = reg_list_round, .teardown = reg_teardown,
	    .kind = KQB_SOCKPAIR, .n = 10000, .iters = 1, .ops = 10000 },
	{ .name = "add socket 10k, both ways", .setup = reg_setup,
	    .round = reg_both_round, .teardown = reg_teardown,
	    .kind = KQB_SOCKPAIR, .n = 10000, .iters = 1, .ops = 10000 },
	{ .name = "add and delete socket", .setup = churn_setup,
	    .round = churn_round, .teardown = queue_teardown,
	    .kind = KQB_SOCKPAIR, .n = 100, .iters = 40, .ops = 4000 },
	{ .name = "queue, 4 sockets, close", .setup = reg_setup,
	    .round = life_round, .teardown = reg_teardown,
	    .kind = KQB_SOCKPAIR, .n = 4, .iters = 200, .ops = 200 },

	STEADY("1 of 100, level", 1.25, KQB_LEVEL, 100, 1, 1500),
	STEADY("1 of 1k, level", 1.25, KQB_LEVEL, 1000, 1, 1500),
	STEADY("1 of 19k, level", 1.25, KQB_LEVEL, 19000, 1, 1500),
	STEADY("1 of 100, clear", 1.25, KQB_CLEAR, 100, 1, 1500),
	STEADY("1 of 1k, clear", 1.25, KQB_CLEAR, 1000, 1, 1500),
	STEADY("1 of 19k, clear", 1.25, KQB_CLEAR, 19000, 1, 1500),
	STEADY("100 of 100, level", 1.2, KQB_LEVEL, 100, 100, 20),
	STEADY("100 of 1k, level", 1.2, KQB_LEVEL, 1000, 100, 20),
	STEADY("100 of 19k, level", 1.2, KQB_LEVEL, 19000, 100, 20),
	STEADY("100 of 100, clear", 1.2, KQB_CLEAR, 100, 100, 20),
	STEADY("100 of 1k, clear", 1.2, KQB_CLEAR, 1000, 100, 20),
	STEADY("100 of 19k, clear", 1.2, KQB_CLEAR, 19000, 100, 20),
	REARM("1 of 1k, dispatch", 1.2, KQB_DISPATCH, 1000, 1, 1500),
	REARM("100 of 1k, dispatch", 1.2, KQB_DISPATCH, 1000, 100, 20),
	REARM("1 of 1k, oneshot", 1.4, KQB_ONESHOT, 1000, 1, 1500),
	REARM("100 of 1k, oneshot", 1.4, KQB_ONESHOT, 1000, 100, 20),
	{ .name = "idle call, 1k", .floor = 1.3, .setup = steady_setup,
	    .round = idle_round, .teardown = steady_teardown,
	    .n = 1000, .iters = 4000, .ops = 4000 },

	{ .name = "wake a thread", .floor = 1.15, .setup = wake_setup,
	    .round = wake_round, .teardown = wake_teardown,
	    .iters = 300, .ops = 600 },
	{ .name = "wake a thread, one cpu", .floor = 1.15,
	    .setup = wake_setup, .round = wake_one_round,
	    .teardown = wake_teardown, .iters = 300, .ops = 600 },

	{ .name = "arm 10k timers", .floor = 0.05, .setup = timers_setup,
	    .round = timers_round, .teardown = timers_teardown,
	    .n = 10000, .iters = 1, .ops = 10000 },
	{ .name = "arm 10k timers, 64 in a list", .floor = 0.05,
	    .setup = timers_setup, .round = timers_list_round,
	    .teardown = timers_teardown, .n = 10000, .iters = 1,
	    .ops = 10000 },
};
const size_t kqb_nworks = sizeof(kqb_works) / sizeof(kqb_works[0]);

const struct kqb_work *
kqb_work_find(const char *name)
{
	size_t i;

	for (i = 0; i < kqb_nworks; i++) {
		if (strcmp(kqb_works[i].name, name) == 0)
			return (&kqb_works[i]);
	}
	return (NULL);
}
