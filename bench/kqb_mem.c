/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_mem: memory of a registration, and threads that were not asked for.
 *
 * Each measurement is made by a child of its own, which begins with a heap
 * that no other work has stretched.  Kernel memory is not counted: it is the
 * same for epoll.
 */

#include "config.h"

#include <sys/eventfd.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void
measure(const struct kqb_side *side, enum kqb_memkind kind, size_t n,
    struct kqb_mem *mem)
{
	const struct kqb_item *item;
	double heap0, rss0;
	int *fds, q;

	item = NULL;
	if (kind == KQB_MEM_READ || kind == KQB_MEM_BOTH) {
		item = kqb_idle(kind == KQB_MEM_BOTH ? KQB_SOCKPAIR :
		    KQB_EVENTFD, n);
		if (item == NULL)
			_exit(2);
	}
	if ((fds = calloc(n, sizeof(*fds))) == NULL)
		kqb_die("calloc");

	/* A first queue, so that what is needed once is there. */
	q = side->open();
	add(side, q, kind, 10, item, fds);
	side->close(q);
	q = side->open();
	heap0 = heap();
	rss0 = rss();
	add(side, q, kind, n, item, fds);
	mem->heap = (heap() - heap0) / (double)n;
	mem->rss = (rss() - rss0) / (double)n;
	mem->threads = (int)status("Threads:");
}

int
kqb_mem(const struct kqb_side *side, enum kqb_memkind kind, size_t n,
    struct kqb_mem *mem)
{
	ssize_t got;
	pid_t pid;
	int p[2];

	if (kind == KQB_MEM_USER && side->users == NULL)
		return (1);
	if (pipe(p) == -1)
		kqb_die("pipe");
	(void)fflush(NULL);
	switch (pid = fork()) {
	case -1:
		kqb_die("fork");
	case 0:
		(void)close(p[0]);
		measure(side, kind, n, mem);
		if (write(p[1], mem, sizeof(*mem)) != (ssize_t)sizeof(*mem))
			_exit(1);
		_exit(0);
	default:
		(void)close(p[1]);
		got = read(p[0], mem, sizeof(*mem));
		(void)close(p[0]);
		(void)waitpid(pid, NULL, 0);
		return (got != (ssize_t)sizeof(*mem));
	}
}
