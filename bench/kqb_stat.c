/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_stat: turns and ratios.
 *
 * The clock of a shared machine drifts by more than what is looked for, so
 * every round of one side is divided by the round of the other beside it, and
 * the median of those ratios is what counts.  Works of one thread are measured
 * by its processor time, in which others that run do not show; they never
 * sleep.  Wake-ups of a thread are measured by the clock.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kqbench.h"

#define PAIRINGS	4		/* most that are run in turn */

double
kqb_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec * 1e-9);
}

double
kqb_cpu(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec * 1e-9);
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return ((*x > *y) - (*x < *y));
}

/* The value below which the share p of the sorted values lies. */
static double
quantile(const double *v, size_t n, double p)
{
	double at, part;
	size_t i;

	at = p * (double)(n - 1);
	i = (size_t)at;
	part = at - (double)i;
	if (i + 1 >= n)
		return (v[n - 1]);
	return (v[i] * (1 - part) + v[i + 1] * part);
}

static void
summary(double *v, size_t n, struct kqb_result *res)
{
	qsort(v, n, sizeof(*v), compare);
	res->min = v[0];
	res->q1 = quantile(v, n, 0.25);
	res->median = quantile(v, n, 0.5);
	res->q3 = quantile(v, n, 0.75);
	res->max = v[n - 1];
}

struct run {
	struct kqb_pairing	pairings[PAIRINGS];
	size_t			n, rounds;
};

static int
run(void *arg)
{
	struct run *ru = arg;
	struct kqb_pairing *pa = ru->pairings;
	size_t n = ru->n, rounds = ru->rounds;
	struct kqb_ctx ctx[PAIRINGS] = { { .side = NULL } };
	struct kqb_result res;
	double *ratio, *sec[PAIRINGS] = { NULL };
	size_t i, j, r, ready;
	int failed;

	failed = 0;
	for (ready = 0; ready < n && !failed; ready++) {
		ctx[ready].side = pa[ready].side;
		ctx[ready].work = pa[ready].work;
		failed = pa[ready].work->setup(&ctx[ready]);
		if (failed)
			break;
	}
	if (!failed) {
		if ((ratio = calloc(rounds * (n + 1), sizeof(double))) == NULL)
			kqb_die("calloc");
		for (i = 0; i < n; i++)
			sec[i] = ratio + rounds * (i + 1);
		/* One turn that does not count, to fill caches and heap. */
		for (i = 0; i < n; i++)
			(void)pa[i].work->round(&ctx[i]);
		for (r = 0; r < rounds; r++) {
			for (j = 0; j < n; j++) {
				i = r % 2 == 0 ? j : n - 1 - j;
				sec[i][r] = pa[i].work->round(&ctx[i]) /
				    (double)pa[i].work->ops;
			}
		}
		for (i = n; i-- > 0; ) {
			for (r = 0; r < rounds; r++)
				ratio[r] = sec[i][r] / sec[0][r];
			summary(ratio, rounds, &pa[i].ratio);
			if (i == 0)
				break;
			summary(sec[i], rounds, &res);
			pa[i].nsec = res.median * 1e9;
		}
		summary(sec[0], rounds, &res);
		pa[0].nsec = res.median * 1e9;
		free(ratio);
	}
	while (ready-- > 0)
		pa[ready].work->teardown(&ctx[ready]);
	return (failed);
}

int
kqb_run(struct kqb_pairing *pa, size_t n, size_t rounds)
{
	struct run ru = { .n = n, .rounds = rounds };
	int failed;

	if (n > PAIRINGS)
		kqb_die("too many pairings");
	memcpy(ru.pairings, pa, n * sizeof(*pa));
	failed = kqb_apart(run, &ru, sizeof(ru));
	memcpy(pa, ru.pairings, n * sizeof(*pa));
	return (failed);
}
