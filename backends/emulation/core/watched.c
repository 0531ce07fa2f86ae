/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * watched: which numbers are watched, and by how many instances.
 *
 * A count for each number, in pages that are made with the first slot there;
 * read without a lock.  Two things depend on it.  A close that is announced
 * (libevany-interpose) must be told to instances only if one watches the
 * number.  And a descriptor of our own must not take a number that the program
 * has closed while a watch of it is left: the watch would then look at our
 * file, and its removal would remove ours.
 *
 * Fork:  the child has none of the instances that count here.  What is marked
 *        for ever (ports, which it may have) stays.
 */
#include "config.h"

#include <sys/mman.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "backends/emulation/core/core.h"
#include "backends/rawcall.h"

#define PAGE		2048
#define PAGES		(EVANY__WATCHED_MOST / PAGE)
#define ALWAYS		0x8000U
#define MANY		0x7fffU		/* no longer counted */

struct watched_page {
	_Atomic uint16_t	wp_count[PAGE];
};

static _Atomic(struct watched_page *) watched_pages[PAGES];

static struct watched_page *
page_of(unsigned number)
{
	return (atomic_load_explicit(&watched_pages[number / PAGE],
	    memory_order_acquire));
}

int
evany__watched_room(int number)
{
	struct watched_page *none = NULL, *wp;

	if (number >= EVANY__WATCHED_MOST || page_of((unsigned)number) != NULL)
		return (0);
	/* By a handler that interrupted malloc(3), too. */
	wp = mmap(NULL, sizeof(*wp), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	if (wp == MAP_FAILED)
		return (ENOMEM);
	if (!atomic_compare_exchange_strong(&watched_pages[number / PAGE],
	    &none, wp))
		(void)munmap(wp, sizeof(*wp));
	return (0);
}

static void
watched_count(int number, unsigned by)
{
	_Atomic uint16_t *count;
	uint16_t new, old;

	if (number >= EVANY__WATCHED_MOST)
		return;
	count = &page_of((unsigned)number)->wp_count[number % PAGE];
	old = atomic_load_explicit(count, memory_order_relaxed);
	do {
		if ((old & MANY) == MANY)
			return;
		new = (uint16_t)(old + by);
		if (evany__alone()) {
			atomic_store_explicit(count, new, memory_order_relaxed);
			return;
		}
	} while (!atomic_compare_exchange_weak(count, &old, new));
}

void
evany__watched_more(int number)
{
	watched_count(number, 1);
}

void
evany__watched_less(int number)
{
	watched_count(number, (unsigned)-1);
}

/* Without memory its close is found out later. */
void
evany__watched_always(int number)
{
	struct watched_page *wp;
	_Atomic uint16_t *count;

	if (number >= EVANY__WATCHED_MOST)
		return;
	if ((wp = page_of((unsigned)number)) == NULL) {
		if (evany__watched_room(number) != 0)
			return;
		wp = page_of((unsigned)number);
	}
	count = &wp->wp_count[number % PAGE];
	if ((atomic_load_explicit(count, memory_order_relaxed) & ALWAYS) == 0)
		(void)atomic_fetch_or(count, (uint16_t)ALWAYS);
}

unsigned
evany__watched_next(unsigned number, bool watched)
{
	struct watched_page *wp;

	while (number < EVANY__WATCHED_MOST) {
		if ((wp = page_of(number)) == NULL) {
			if (!watched)
				break;
			number = (number / PAGE + 1) * PAGE;
		} else if ((atomic_load_explicit(&wp->wp_count[number % PAGE],
		    memory_order_acquire) != 0) == watched)
			break;
		else
			number++;
	}
	return (number);
}

static void
close_quietly(int fd)
{
	int cancel, saved = errno;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	(void)evany__close(fd);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

/* A duplicate of fd at some number from there on, or -1 and errno. */
static int
duplicate(int fd, unsigned from)
{
#if HAVE_DECL_F_DUPFD_CLOEXEC
	return (fcntl(fd, F_DUPFD_CLOEXEC, (int)from));
#else
	int new = fcntl(fd, F_DUPFD, (int)from);

	if (new != -1)
		(void)fcntl(new, F_SETFD, FD_CLOEXEC);
	return (new);
#endif
}

int
evany__inner(int fd)
{
	unsigned next;
	int before;

	while (fd != -1 && (next = evany__watched_next((unsigned)fd, false)) !=
	    (unsigned)fd) {
		before = fd;
		/* EINVAL: that is above the limit. */
		if ((fd = duplicate(before, next)) == -1 && errno == EINVAL)
			errno = EMFILE;
		close_quietly(before);
	}
	return (fd);
}

void
evany__watched_fork_child(void)
{
	struct watched_page *wp;
	unsigned i, page;

	for (page = 0; page < PAGES; page++)
		if ((wp = page_of(page * PAGE)) != NULL)
			for (i = 0; i < PAGE; i++)
				(void)atomic_fetch_and(&wp->wp_count[i],
				    (uint16_t)ALWAYS);
}
