/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_wake: wake-ups of another thread, or of a child process, and back.
 */

#include "config.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "kqbench.h"

struct wake {
	const struct kqb_side *wa_side;
	pthread_t wa_thread;
	pid_t	wa_process;
	pid_t	wa_other;		/* by which the system knows it */
	int	wa_q[2], wa_aux[2];	/* 0: the other waits on, 1: we do */
	int	wa_end;
};

static void *
wake_other(void *arg)
{
	struct wake *wa = arg;

	__atomic_store_n(&wa->wa_other, (pid_t)syscall(SYS_gettid),
	    __ATOMIC_RELEASE);
	for (;;) {
		wa->wa_side->wake_wait(wa->wa_q[0], wa->wa_aux[0]);
		if (__atomic_load_n(&wa->wa_end, __ATOMIC_ACQUIRE))
			return (NULL);
		wa->wa_side->wake(wa->wa_q[1], wa->wa_aux[1]);
	}
}

static struct wake *
wake_make(struct kqb_ctx *ctx)
{
	struct wake *wa;
	int i;

	wa = mmap(NULL, sizeof(*wa), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON, -1, 0);
	if (wa == MAP_FAILED)
		kqb_die("mmap");
	wa->wa_side = ctx->side;
	for (i = 0; i < 2; i++) {
		wa->wa_q[i] = ctx->side->open();
		ctx->side->wake_add(wa->wa_q[i], &wa->wa_aux[i]);
	}
	ctx->wake = wa;
	return (wa);
}

int
kqb_wake_setup(struct kqb_ctx *ctx)
{
	struct wake *wa = wake_make(ctx);

	if ((errno = pthread_create(&wa->wa_thread, NULL, wake_other,
	    wa)) != 0)
		kqb_die("pthread_create");
	return (0);
}

int
kqb_wake_child_setup(struct kqb_ctx *ctx)
{
	struct wake *wa = wake_make(ctx);

	if ((wa->wa_process = fork()) == -1)
		kqb_die("fork");
	if (wa->wa_process == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)wake_other(wa);
		_exit(0);
	}
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

/*
 * Each thread is kept to one processor, this one to where it is.  Left to the
 * scheduler the two sides may be placed differently, which is ten times
 * what there is to be seen.
 */
static double
wake_on(struct kqb_ctx *ctx, int far)
{
	struct wake *wa = ctx->wake;
	cpu_set_t old, one, two;
	double sec;
	size_t cpu;
	pid_t other;

	while ((other = __atomic_load_n(&wa->wa_other, __ATOMIC_ACQUIRE)) == 0)
		(void)sched_yield();
	(void)sched_getaffinity(0, sizeof(old), &old);
	cpu = (size_t)sched_getcpu();
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	two = one;
	if (far && CPU_COUNT(&old) > 1)
		CPU_XOR(&two, &old, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
	(void)sched_setaffinity(other, sizeof(two), &two);
	sec = wake_round(ctx);
	(void)sched_setaffinity(other, sizeof(old), &old);
	(void)sched_setaffinity(0, sizeof(old), &old);
	return (sec);
}

/* The calls themselves, not the way between two processors. */
double
kqb_wake_near_round(struct kqb_ctx *ctx)
{
	return (wake_on(ctx, 0));
}

double
kqb_wake_far_round(struct kqb_ctx *ctx)
{
	return (wake_on(ctx, 1));
}

void
kqb_wake_teardown(struct kqb_ctx *ctx)
{
	struct wake *wa = ctx->wake;
	int i;

	__atomic_store_n(&wa->wa_end, 1, __ATOMIC_RELEASE);
	ctx->side->wake(wa->wa_q[0], wa->wa_aux[0]);
	if (wa->wa_process == 0)
		(void)pthread_join(wa->wa_thread, NULL);
	else
		(void)waitpid(wa->wa_process, NULL, 0);
	for (i = 0; i < 2; i++) {
		ctx->side->wake_end(wa->wa_q[i], wa->wa_aux[i]);
		ctx->side->close(wa->wa_q[i]);
	}
	(void)munmap(wa, sizeof(*wa));
}
