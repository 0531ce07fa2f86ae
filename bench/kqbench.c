/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqbench: evany's kqueue against raw epoll, the same work in turns.
 *
 *	kqbench [--floors] [--rounds=N] [--only=TEXT] [--list]
 *	    [--kqueue-lib=PATH.so] [--loop=SIDE]
 *
 * For each work the ratio of times, kqueue to epoll: the median of all
 * rounds, the middle half of them and the extremes.  With --floors the
 * highest ratio that the project allows itself stands beside it, and the exit
 * status is 1 if one is missed.  --loop repeats the works of --only for one
 * side (epoll, evany, other) until it is interrupted, for a profiler.
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
#define GROWTH_FLOOR	1.1		/* 19k idle descriptors against 1k */

static int floors, missed;
static size_t rounds = 31;
static const char *only;
static const struct kqb_side *other;

void
kqb_die(const char *what)
{
	(void)fprintf(stderr, "kqbench: %s: %s\n", what, strerror(errno));
	exit(2);
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

	(void)printf("%-30s %9s %6s  %12s %12s%s\n", "time of one operation",
	    "ns", "ratio", "middle half", "all", floors ? "  floor" : "");
	for (i = 0; i < kqb_nworks; i++) {
		if (!chosen(kqb_works[i].name))
			continue;
		n = 0;
		pa[n++].side = &kqb_raw;
		pa[n++].side = &kqb_evany;
		if (other != NULL)
			pa[n++].side = other;
		pa[0].work = pa[1].work = pa[2].work = &kqb_works[i];
		if (kqb_run(pa, n, rounds) != 0) {
			(void)printf("%-30s needs more descriptors\n",
			    kqb_works[i].name);
			continue;
		}
		(void)printf("%-30s %9.0f\n", kqb_works[i].name, pa[0].nsec);
		(void)snprintf(label, sizeof(label), "  %s", pa[1].side->name);
		print_ratio(&pa[1], label, kqb_works[i].floor);
		if (n == 3) {
			(void)snprintf(label, sizeof(label), "  %s",
			    pa[2].side->name);
			print_ratio(&pa[2], label, 0);
		}
		(void)fflush(stdout);
	}
}

/* What 18,000 more idle descriptors add to an event. */
static void
growth(void)
{
	static const char *const pairs[][2] = {
		{ "1 of 1k, level", "1 of 19k, level" },
		{ "100 of 1k, level", "100 of 19k, level" },
		{ "100 of 1k, clear", "100 of 19k, clear" },
	};
	struct kqb_pairing pa[4];
	char label[60];
	size_t i;
	int j;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		(void)snprintf(label, sizeof(label), "19k against 1k: %s",
		    pairs[i][1]);
		if (!chosen(label))
			continue;
		for (j = 0; j < 2; j++) {
			pa[j].side = j == 0 ? &kqb_raw : &kqb_evany;
			pa[j].work = kqb_work_find(pairs[i][0]);
			pa[j + 2].side = pa[j].side;
			pa[j + 2].work = kqb_work_find(pairs[i][1]);
		}
		(void)printf("%s\n", label);
		if (kqb_run(pa, 4, rounds) != 0) {
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
	static const struct {
		const char *name;
		enum kqb_memkind kind;
		double knotes;
	} kinds[] = {
		{ "bytes: READ", KQB_MEM_READ, 1 },
		{ "bytes: READ and WRITE of one", KQB_MEM_BOTH, 2 },
		{ "bytes: TIMER", KQB_MEM_TIMER, 1 },
		{ "bytes: USER", KQB_MEM_USER, 1 },
	};
	const struct kqb_side *sides[2];
	struct kqb_mem mem;
	double bytes;
	char buf[32];
	size_t i, j, n;

	n = 0;
	sides[n++] = &kqb_evany;
	if (other != NULL)
		sides[n++] = other;
	(void)printf("%-30s %9s %6s\n", "memory of one knote",
	    "allocated", "resident");
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!chosen(kinds[i].name))
			continue;
		(void)printf("%s\n", kinds[i].name);
		for (j = 0; j < n; j++) {
			if (kqb_mem(sides[j], kinds[i].kind, MEM_N, &mem)
			    != 0) {
				(void)printf("  %-28s failed\n",
				    sides[j]->name);
				continue;
			}
			mem.heap /= kinds[i].knotes;
			mem.rss /= kinds[i].knotes;
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
	static const char *const list[] = {
		"add eventfd 1k", "add and delete socket",
		"1 of 1k, level", "100 of 1k, level", "1 of 1k, clear",
		"100 of 1k, clear", "1 of 1k, dispatch", "100 of 1k, dispatch",
		"1 of 1k, oneshot", "100 of 1k, oneshot", "idle call, 1k",
		"arm 10k timers",
	};
	const struct kqb_side *sides[3];
	struct kqb_trace tr;
	char label[60];
	size_t i, j, n;

	n = 0;
	sides[n++] = &kqb_raw;
	sides[n++] = &kqb_evany;
	if (other != NULL)
		sides[n++] = other;
	(void)printf("system calls of one operation, the work's own read and "
	    "write included\n");
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		(void)snprintf(label, sizeof(label), "calls: %s", list[i]);
		if (!chosen(label))
			continue;
		(void)printf("%s\n", label);
		for (j = 0; j < n; j++) {
			if (kqb_trace(sides[j], kqb_work_find(list[i]),
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
	    strcmp(name, "other") == 0 && other != NULL ? other : &kqb_evany;
	for (i = 0; i < kqb_nworks; i++) {
		if (!chosen(kqb_works[i].name))
			continue;
		memset(&ctx, 0, sizeof(ctx));
		ctx.side = side;
		ctx.work = &kqb_works[i];
		if (ctx.work->setup(&ctx) != 0)
			kqb_die(ctx.work->name);
		for (;;)
			(void)ctx.work->round(&ctx);
	}
}

static void
usage(void)
{
	(void)fprintf(stderr, "usage: kqbench [--floors] [--rounds=N] "
	    "[--only=TEXT] [--list]\n"
	    "    [--kqueue-lib=PATH.so] [--loop=epoll|evany|other]\n");
	exit(2);
}

int
main(int argc, char **argv)
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
			for (i = 0; i < kqb_nworks; i++)
				(void)printf("%s\n", kqb_works[i].name);
			return (0);
		case 'k':
			if ((other = kqb_foreign_load(optarg)) == NULL)
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
	/* Children first, while this process is still small. */
	memory();
	calls();
	times();
	growth();
	if (floors)
		(void)printf("floors missed: %d\n", missed);
	return (missed != 0);
}
