/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * interpose: libevany-interpose, which tells libevany that a number closes.
 *
 * Optional.  Linked before the C library, or preloaded, it takes the place of
 * close(2) and the other functions that end a descriptor, tells libevany while
 * the number still names its file, and calls the function it stands before.
 * Without libevany in the process it only passes the calls on.
 *
 * Next:   found by dlsym(RTLD_NEXT) at the first call, whenever that is; two
 *         threads that look at once find the same.  A copy of this library
 *         that was loaded twice is the next of the other.
 * Locks:  none here; libevany looks in a table of bits first, so a number that
 *         no queue watches costs one load.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "compat/export.h"

/* In libevany, if it is there; core/numbers.c. */
void	evany__numbers_closing(unsigned first, unsigned last)
	    __attribute__((__weak__));

/* The function that this one stands before; the cast is POSIX's promise. */
#define NEXT(type, name, ...)						\
	typedef type next_fn(__VA_ARGS__);				\
	static _Atomic(void *) next_found;				\
	void *next_p = atomic_load_explicit(&next_found,		\
	    memory_order_relaxed);					\
									\
	if (next_p == NULL) {						\
		next_p = dlsym(RTLD_NEXT, name);			\
		atomic_store_explicit(&next_found, next_p,		\
		    memory_order_relaxed);				\
	}								\
	next_fn *next = (next_fn *)next_p

static void
closing(unsigned first, unsigned last)
{
	int saved = errno;

	if (evany__numbers_closing != NULL)
		evany__numbers_closing(first, last);
	errno = saved;
}

static int
missing(void)
{
	errno = ENOSYS;
	return (-1);
}

int	close(int);
EVANY_EXPORT int
close(int fd)
{
	NEXT(int, "close", int);

	if (fd >= 0)
		closing((unsigned)fd, (unsigned)fd);
	return (next == NULL ? missing() : next(fd));
}

/* Only if the call will succeed is the old file closed. */
static void
replacing(int from, int to)
{
	int saved = errno;

	if (to >= 0 && from != to && fcntl(from, F_GETFD) != -1)
		closing((unsigned)to, (unsigned)to);
	errno = saved;
}

int	dup2(int, int);
EVANY_EXPORT int
dup2(int from, int to)
{
	NEXT(int, "dup2", int, int);

	replacing(from, to);
	return (next == NULL ? missing() : next(from, to));
}

#ifdef HAVE_DUP3
int	dup3(int, int, int);
EVANY_EXPORT int
dup3(int from, int to, int flags)
{
	NEXT(int, "dup3", int, int, int);

	if ((flags & ~O_CLOEXEC) == 0)
		replacing(from, to);
	return (next == NULL ? missing() : next(from, to, flags));
}
#endif

int	fclose(FILE *);
EVANY_EXPORT int
fclose(FILE *file)
{
	NEXT(int, "fclose", FILE *);
	int fd;

	/* What is buffered goes out while the number is still watched. */
	if ((fd = fileno(file)) >= 0)
		closing((unsigned)fd, (unsigned)fd);
	return (next == NULL ? missing() : next(file));
}

#ifdef HAVE_CLOSE_RANGE
int	close_range(unsigned, unsigned, int);
EVANY_EXPORT int
close_range(unsigned first, unsigned last, int flags)
{
	NEXT(int, "close_range", unsigned, unsigned, int);

	/* With flags the numbers stay, or only a copy of the table loses. */
	if (flags == 0 && first <= last)
		closing(first, last);
	return (next == NULL ? missing() : next(first, last, flags));
}
#endif

#ifdef HAVE_CLOSEFROM
void	closefrom(int);
EVANY_EXPORT void
closefrom(int first)
{
	NEXT(void, "closefrom", int);

	closing(first < 0 ? 0 : (unsigned)first, UINT_MAX);
	if (next != NULL)
		next(first);
}
#endif
