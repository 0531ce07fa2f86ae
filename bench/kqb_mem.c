/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_mem: memory of a registration, and threads that were not asked for.
 *
 * Kernel memory is not counted: it is the same for epoll.
 */

#include "config.h"

#include <sys/eventfd.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kqbench.h"

/* A number from /proc/self/status, in its unit there. */
static long
status(const char *key)
{
	char line[256];
	FILE *fp;
	long n;

	n = 0;
	if ((fp = fopen("/proc/self/status", "re")) == NULL)
		return (0);
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0) {
			n = strtol(line + strlen(key), NULL, 10);
			break;
		}
	}
	(void)fclose(fp);
	return (n);
}

static double
rss(void)
{
	return ((double)(status("RssAnon:") + status("RssShmem:")) * 1024);
}

static double
heap(void)
{
	struct mallinfo2 mi;

	mi = mallinfo2();
	return ((double)mi.uordblks + (double)mi.hblkhd);
}

static void
add(const struct kqb_side *side, int q, enum kqb_memkind kind, size_t n,
    const struct kqb_item *item, int *fds)
{
	switch (kind) {
	case KQB_MEM_READ:
		side->add(q, item, n, KQB_LEVEL);
		break;
	case KQB_MEM_BOTH:
		side->add_both(q, item, n);
		break;
	case KQB_MEM_TIMER:
		side->timers(q, n, fds);
		break;
	case KQB_MEM_USER:
		side->users(q, n);
		break;
	}
}

struct task {
	const struct kqb_side	*side;
	enum kqb_memkind	 kind;
	size_t			 n;
	struct kqb_mem		 mem;
};

static int
measure(void *arg)
{
	struct task *ta = arg;
	const struct kqb_side *side = ta->side;
	const struct kqb_item *item;
	double heap0, rss0;
	int *fds, q;

	item = NULL;
	if (ta->kind == KQB_MEM_READ || ta->kind == KQB_MEM_BOTH) {
		item = kqb_idle(ta->kind == KQB_MEM_BOTH ? KQB_SOCKPAIR :
		    KQB_EVENTFD, ta->n);
		if (item == NULL)
			return (1);
	}
	if ((fds = calloc(ta->n, sizeof(*fds))) == NULL)
		kqb_die("calloc");

	/* A first queue, so that what is needed once is there. */
	q = side->open();
	add(side, q, ta->kind, 10, item, fds);
	side->close(q);
	q = side->open();
	heap0 = heap();
	rss0 = rss();
	add(side, q, ta->kind, ta->n, item, fds);
	ta->mem.heap = (heap() - heap0) / (double)ta->n;
	ta->mem.rss = (rss() - rss0) / (double)ta->n;
	ta->mem.threads = (int)status("Threads:");
	return (0);
}

int
kqb_mem(const struct kqb_side *side, enum kqb_memkind kind, size_t n,
    struct kqb_mem *mem)
{
	struct task ta = { .side = side, .kind = kind, .n = n };
	int failed;

	if (kind == KQB_MEM_USER && side->users == NULL)
		return (1);
	failed = kqb_apart(measure, &ta, sizeof(ta));
	*mem = ta.mem;
	return (failed);
}
