/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fault_alloc: malloc() and friends of the test program, in front of libc's.
 *
 * The library's calls come here because the program's symbols are looked up
 * first.  Only the thread that called fault_alloc_on() is failed.  Under a
 * sanitizer, and with another libc than glibc, allocation stays as it is.
 */
#include "config.h"

#include "fault.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static _Thread_local bool counting;
static unsigned plan_turn, calls;
static bool failed;
static atomic_long blocks;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)
void	*__libc_malloc(size_t);
void	*__libc_calloc(size_t, size_t);
void	*__libc_realloc(void *, size_t);
void	*__libc_memalign(size_t, size_t);
void	 __libc_free(void *);

static bool
refused(void)
{
	if (!counting)
		return (false);
	if (++calls != plan_turn)
		return (false);
	failed = true;
	errno = ENOMEM;
	return (true);
}

static void *
counted(void *p)
{
	if (p != NULL)
		atomic_fetch_add(&blocks, 1);
	return (p);
}

void *
malloc(size_t size)
{
	return (refused() ? NULL : counted(__libc_malloc(size)));
}

void *
calloc(size_t n, size_t size)
{
	return (refused() ? NULL : counted(__libc_calloc(n, size)));
}

void *
realloc(void *old, size_t size)
{
	void *p;

	if (refused())
		return (NULL);
	p = __libc_realloc(old, size);
	if (old == NULL)
		(void)counted(p);
	return (p);
}

void *
aligned_alloc(size_t align, size_t size)
{
	return (refused() ? NULL : counted(__libc_memalign(align, size)));
}

int
posix_memalign(void **pp, size_t align, size_t size)
{
	void *p;

	if (refused())
		return (ENOMEM);
	if ((p = counted(__libc_memalign(align, size))) == NULL)
		return (ENOMEM);
	*pp = p;
	return (0);
}

void
free(void *p)
{
	if (p != NULL)
		atomic_fetch_sub(&blocks, 1);
	__libc_free(p);
}

bool
fault_alloc_ours(void)
{
	return (true);
}
#else
bool
fault_alloc_ours(void)
{
	return (false);
}
#endif

void
fault_alloc_plan(unsigned turn)
{
	plan_turn = turn;
	calls = 0;
	failed = false;
}

void
fault_alloc_on(void)
{
	counting = true;
}

/* Was one failed since the last time? */
bool
fault_alloc_off(void)
{
	bool was;

	counting = false;
	was = failed;
	failed = false;
	return (was);
}

unsigned
fault_alloc_calls(void)
{
	return (calls);
}

long
fault_alloc_blocks(void)
{
	return (atomic_load(&blocks));
}
