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

int
kqb_reg_setup(struct kqb_ctx *ctx)
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

double
kqb_reg_round(struct kqb_ctx *ctx)
{
	return (reg_with(ctx, ctx->side->add));
}

double
kqb_reg_list_round(struct kqb_ctx *ctx)
{
	return (reg_with(ctx, ctx->side->add_list));
}

double
kqb_reg_both_round(struct kqb_ctx *ctx)
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

double
kqb_churn_round(struct kqb_ctx *ctx)
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

int
kqb_churn_setup(struct kqb_ctx *ctx)
{
	if (kqb_reg_setup(ctx) != 0)
		return (1);
	ctx->q = ctx->side->open();
	return (0);
}

double
kqb_life_round(struct kqb_ctx *ctx)
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

void
kqb_reg_teardown(struct kqb_ctx *ctx)
{
	(void)ctx;
}

void
kqb_queue_teardown(struct kqb_ctx *ctx)
{
	ctx->side->close(ctx->q);
}

/* ---- steady state ------------------------------------------------------------ */

/* n registered in all, ACTIVE of them pairs, the rest idle eventfds. */
int
kqb_steady_setup(struct kqb_ctx *ctx)
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

double
kqb_steady_round(struct kqb_ctx *ctx)
{
	const struct kqb_work *w = ctx->work;
	double start;

	start = kqb_cpu();
	ctx->side->loop(ctx->q, ctx->pairs, ctx->npairs, w->k, w->iters);
	return (kqb_cpu() - start);
}

double
kqb_rearm_round(struct kqb_ctx *ctx)
{
	const struct kqb_work *w = ctx->work;
	double start;

	start = kqb_cpu();
	ctx->side->loop_rearm(ctx->q, ctx->pairs, ctx->npairs, w->k, w->iters,
	    w->mode);
	return (kqb_cpu() - start);
}

double
kqb_idle_round(struct kqb_ctx *ctx)
{
	double start;

	start = kqb_cpu();
	ctx->side->idle(ctx->q, ctx->work->iters);
	return (kqb_cpu() - start);
}

void
kqb_steady_teardown(struct kqb_ctx *ctx)
{
	ctx->side->close(ctx->q);
	pairs_close(ctx);
}

/* ---- records, many at once --------------------------------------------------- */

int
kqb_records_setup(struct kqb_ctx *ctx)
{
	ctx->q = ctx->side->open();
	if ((ctx->fds = calloc(2, sizeof(*ctx->fds))) == NULL)
		kqb_die("calloc");
	ctx->side->records_open(ctx->fds);
	return (0);
}

/* The taking alone. */
double
kqb_records_take_round(struct kqb_ctx *ctx)
{
	double start, sum;
	size_t i;

	for (sum = 0, i = 0; i < ctx->work->iters; i++) {
		ctx->side->records_put(ctx->q, ctx->fds, ctx->work->k);
		start = kqb_cpu();
		ctx->side->records_take(ctx->q, ctx->fds, ctx->work->k);
		sum += kqb_cpu() - start;
	}
	return (sum);
}

double
kqb_records_round(struct kqb_ctx *ctx)
{
	double start;
	size_t i;

	start = kqb_cpu();
	for (i = 0; i < ctx->work->iters; i++) {
		ctx->side->records_put(ctx->q, ctx->fds, ctx->work->k);
		ctx->side->records_take(ctx->q, ctx->fds, ctx->work->k);
	}
	return (kqb_cpu() - start);
}

void
kqb_records_teardown(struct kqb_ctx *ctx)
{
	ctx->side->records_close(ctx->fds);
	free(ctx->fds);
	ctx->fds = NULL;
	ctx->side->close(ctx->q);
}

/* ---- timers --------------------------------------------------------------------- */

int
kqb_timers_setup(struct kqb_ctx *ctx)
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

double
kqb_timers_round(struct kqb_ctx *ctx)
{
	return (timers_with(ctx, ctx->side->timers));
}

double
kqb_timers_list_round(struct kqb_ctx *ctx)
{
	return (timers_with(ctx, ctx->side->timers_list));
}

void
kqb_timers_teardown(struct kqb_ctx *ctx)
{
	free(ctx->fds);
	ctx->fds = NULL;
}
