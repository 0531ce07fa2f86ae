/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_main: what a bench does, whichever its works are.
 *
 *	NAME [--floors] [--rounds=N] [--only=TEXT] [--list]
 *	    [--kqueue-lib=PATH.so] [--loop=SIDE]
 *
 * For each work the ratio of times, evany to epoll: the median of all rounds,
 * the middle half of them and the extremes.  With --floors the highest ratio
 * that the project allows itself stands beside it, and the exit status is 1 if
 * one is missed.  What another library fails in, or does not return from, is
 * told so and measured without it.  --loop repeats the works of --only for one side (epoll,
 * evany, other) until it is interrupted, for a profiler.
 */

#include "config.h"

#include <sys/resource.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kqbench.h"

#define MEM_N		19000		/* registrations whose bytes are counted */
#define MEM_FLOOR	128.0
#define GROWTH_FLOOR	1.1

static const struct kqb_bench *bench;
static int floors, missed;
static size_t rounds = 31;
static const char *only;
static const struct kqb_side *other;

void
kqb_die(const char *what)
{
	(void)fprintf(stderr, "%s: %s: %s\n", bench->name, what,
	    strerror(errno));
	exit(2);
}

static const struct kqb_work *
work_find(const char *name)
{
	size_t i;

	for (i = 0; i < bench->nworks; i++)
		if (strcmp(bench->works[i].name, name) == 0)
			return (&bench->works[i]);
	return (NULL);
}

static int
chosen(const char *name)
{
	return (only == NULL || strstr(name, only) != NULL);
}

/* The floor's column, and the count of those missed. */
static const char *
verdict(double value, double floor, char *buf, size_t size)
{
	if (!floors || floor == 0)
		return ("");
	if (value > floor)
		missed++;
	(void)snprintf(buf, size, "  %5.2f %s", floor,
	    value > floor ? "MISSED" : "ok");
	return (buf);
}

/* evany, or epoll, did not return from what the bench has it do. */
static void __attribute__((__noreturn__))
own_failed(const char *what)
{
	(void)fprintf(stderr, "%s: %s: failed\n", bench->name, what);
	exit(2);
}

static void
print_ratio(const struct kqb_pairing *pa, const char *label, double floor)
{
	char buf[32];

	(void)printf("%-30s %9.0f %6.2f  %5.2f..%-5.2f %5.2f..%-5.2f%s\n",
	    label, pa->nsec, pa->ratio.median, pa->ratio.q1, pa->ratio.q3,
	    pa->ratio.min, pa->ratio.max,
	    verdict(pa->ratio.median, floor, buf, sizeof(buf)));
}

static void
times(void)
{
	struct kqb_pairing pa[3];
	char label[40];
	size_t i, n;
	int failed;

	(void)printf("%-30s %9s %6s  %12s %12s%s\n", "time of one operation",
	    "ns", "ratio", "middle half", "all", floors ? "  floor" : "");
	for (i = 0; i < bench->nworks; i++) {
		if (!chosen(bench->works[i].name))
			continue;
		n = 0;
		pa[n++].side = &kqb_raw;
		pa[n++].side = bench->own;
		if (other != NULL)
			pa[n++].side = other;
		pa[0].work = pa[1].work = pa[2].work = &bench->works[i];
		failed = kqb_run(pa, n, rounds);
		if (failed == -1 && n == 3)
			failed = kqb_run(pa, --n, rounds);
		if (failed == -1)
			own_failed(bench->works[i].name);
		if (failed) {
			(void)printf("%-30s needs more descriptors\n",
			    bench->works[i].name);
			continue;
		}
		(void)printf("%-30s %9.0f\n", bench->works[i].name, pa[0].nsec);
		(void)snprintf(label, sizeof(label), "  %s", pa[1].side->name);
		print_ratio(&pa[1], label, bench->works[i].floor);
		if (n == 3) {
			(void)snprintf(label, sizeof(label), "  %s",
			    pa[2].side->name);
			print_ratio(&pa[2], label, 0);
		} else if (other != NULL)
			(void)printf("  %-28s    failed\n", other->name);
		(void)fflush(stdout);
	}
}

/* What more idle descriptors add to an event. */
static void
growth(void)
{
	struct kqb_pairing pa[4];
	char label[60];
	size_t i;
	int failed, j;

	for (i = 0; i < bench->ngrowths; i++) {
		(void)snprintf(label, sizeof(label), "growth: %s against %s",
		    bench->growths[i][1], bench->growths[i][0]);
		if (!chosen(label))
			continue;
		for (j = 0; j < 2; j++) {
			pa[j].side = j == 0 ? &kqb_raw : bench->own;
			pa[j].work = work_find(bench->growths[i][0]);
			pa[j + 2].side = pa[j].side;
			pa[j + 2].work = work_find(bench->growths[i][1]);
		}
		(void)printf("%s\n", label);
		if ((failed = kqb_run(pa, 4, rounds)) == -1)
			own_failed(label);
		if (failed) {
			(void)printf("  needs more descriptors\n");
			continue;
		}
		pa[2].ratio.median /= pa[0].ratio.median;
		pa[3].ratio.median /= pa[1].ratio.median;
		(void)printf("  %-28s %9.0f %6.2f\n", "epoll", pa[2].nsec,
		    pa[2].ratio.median);
		(void)printf("  %-28s %9.0f %6.2f%s\n", "evany", pa[3].nsec,
		    pa[3].ratio.median, verdict(pa[3].ratio.median,
		    GROWTH_FLOOR, label, sizeof(label)));
		(void)fflush(stdout);
	}
}

static void
memory(void)
{
	const struct kqb_side *sides[2];
	struct kqb_mem mem;
	double bytes;
	char buf[32];
	size_t i, j, n;
	int failed;

	n = 0;
	sides[n++] = bench->own;
	if (other != NULL)
		sides[n++] = other;
	(void)printf("memory of one %-16s %9s %6s\n", bench->unit,
	    "allocated", "resident");
	for (i = 0; i < bench->nmems; i++) {
		if (!chosen(bench->mems[i].name))
			continue;
		(void)printf("%s\n", bench->mems[i].name);
		for (j = 0; j < n; j++) {
			failed = kqb_mem(sides[j], bench->mems[i].kind, MEM_N,
			    &mem);
			if (failed == -1 && j == 0)
				own_failed(bench->mems[i].name);
			if (failed) {
				(void)printf("  %-28s failed\n",
				    sides[j]->name);
				continue;
			}
			mem.heap /= bench->mems[i].units;
			mem.rss /= bench->mems[i].units;
			bytes = mem.heap > mem.rss ? mem.heap : mem.rss;
			(void)printf("  %-28s %9.0f %6.0f%s", sides[j]->name,
			    mem.heap, mem.rss, j != 0 ? "" :
			    verdict(bytes, MEM_FLOOR, buf, sizeof(buf)));
			(void)printf("  threads %d%s\n", mem.threads,
			    j != 0 ? "" : verdict(mem.threads, 1, buf,
			    sizeof(buf)));
		}
		(void)fflush(stdout);
	}
}

static void
calls(void)
{
	const struct kqb_side *sides[3];
	struct kqb_trace tr;
	char label[60];
	size_t i, j, n;

	n = 0;
	sides[n++] = &kqb_raw;
	sides[n++] = bench->own;
	if (other != NULL)
		sides[n++] = other;
	(void)printf("system calls of one operation, the work's own read and "
	    "write included\n");
	for (i = 0; bench->traced[i] != NULL; i++) {
		(void)snprintf(label, sizeof(label), "calls: %s", bench->traced[i]);
		if (!chosen(label))
			continue;
		(void)printf("%s\n", label);
		for (j = 0; j < n; j++) {
			if (kqb_trace(sides[j], work_find(bench->traced[i]),
			    &tr) != 0)
				(void)printf("  %-28s cannot be traced here\n",
				    sides[j]->name);
			else
				(void)printf("  %-28s %6.2f  %s\n",
				    sides[j]->name, tr.calls, tr.text);
		}
		(void)fflush(stdout);
	}
}

static void
loop(const char *name)
{
	const struct kqb_side *side;
	struct kqb_ctx ctx;
	size_t i;

	side = strcmp(name, "epoll") == 0 ? &kqb_raw :
	    strcmp(name, "other") == 0 && other != NULL ? other : bench->own;
	for (i = 0; i < bench->nworks; i++) {
		if (!chosen(bench->works[i].name))
			continue;
		memset(&ctx, 0, sizeof(ctx));
		ctx.side = side;
		ctx.work = &bench->works[i];
		if (ctx.work->setup(&ctx) != 0)
			kqb_die(ctx.work->name);
		for (;;)
			(void)ctx.work->round(&ctx);
	}
}

static void
usage(void)
{
	(void)fprintf(stderr, "usage: %s [--floors] [--rounds=N] "
	    "[--only=TEXT] [--list]\n"
	    "    [--loop=epoll|evany|other]%s\n", bench->name,
	    bench->load != NULL ? " [--kqueue-lib=PATH.so]" : "");
	exit(2);
}

int
kqb_main(int argc, char **argv, const struct kqb_bench *which)
{
	static const struct option options[] = {
		{ "floors", no_argument, NULL, 'f' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "only", required_argument, NULL, 'o' },
		{ "list", no_argument, NULL, 'l' },
		{ "kqueue-lib", required_argument, NULL, 'k' },
		{ "loop", required_argument, NULL, 'L' },
		{ NULL, 0, NULL, 0 },
	};
	const char *looped;
	struct rlimit rl;
	size_t i;
	long r;
	int c;

	bench = which;
	looped = NULL;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			floors = 1;
			break;
		case 'r':
			if ((r = strtol(optarg, NULL, 10)) < 1)
				usage();
			rounds = (size_t)r;
			break;
		case 'o':
			only = optarg;
			break;
		case 'l':
			for (i = 0; i < bench->nworks; i++)
				(void)printf("%s\n", bench->works[i].name);
			return (0);
		case 'k':
			if (bench->load == NULL)
				usage();
			if ((other = bench->load(optarg)) == NULL)
				return (2);
			break;
		case 'L':
			looped = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	if (looped != NULL)
		loop(looped);
	kqb_limit += 2 * (unsigned int)rounds;
	memory();
	calls();
	times();
	growth();
	if (floors)
		(void)printf("floors missed: %d\n", missed);
	return (missed != 0);
}
