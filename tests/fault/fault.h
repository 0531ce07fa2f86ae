/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fault: makes one allocation or one system call of a scenario fail.
 *
 * The scenario runs in a child process.  Between fault_on() and fault_off()
 * its calls count; the one whose turn it is fails.  System calls are failed
 * by the parent, which traces the child (fault_trace.c): so it does not
 * matter how the library makes them.  Allocations are failed in the child,
 * whose malloc() and friends are the test's own (fault_alloc.c).
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>
#include <stddef.h>

/* What a run is to do. */
struct fault_plan {
	bool	 fp_alloc;	/* an allocation, else a system call */
	unsigned fp_turn;	/* which one, from 1; 0: none */
	unsigned fp_variant;	/* which of the errors the call can give */
	bool	 fp_busy;	/* begin with queues that exist already */
	unsigned fp_more;	/* goes after the first, each with the failure */
};

/* What became of it. */
struct fault_result {
	char	 fr_why[400];	/* empty if all was well */
	char	 fr_what[80];	/* what was failed, empty if nothing was */
	unsigned fr_calls;	/* calls that could have failed */
	unsigned fr_variants;	/* errors that the one failed can give */
	int	 fr_fds;	/* open descriptors at the end */
	long	 fr_blocks;	/* allocations that live at the end */
};

/*
 * Runs the scenario in a child under the plan.  It returns when it is done,
 * or calls fault_fail().  false: this system does not let us trace.
 */
bool	fault_run(const struct fault_plan *, void (*scenario)(
	    const struct fault_plan *), struct fault_result *);

/* ---- in the scenario --------------------------------------------------------- */

void	fault_on(void);
/* The errno value of what was failed since fault_on(), or 0. */
int	fault_off(void);
/* Counts from one again. */
void	fault_again(const struct fault_plan *);
/* Ends the scenario and with it the child. */
_Noreturn void fault_fail(const char *, ...)
	    __attribute__((__format__(__printf__, 1, 2)));

/* ---- fault_turns.c -------------------------------------------------------------- */

/*
 * The scenario once for each failure there can be.  The case fails if that
 * leaks, and is skipped where no failures can be made.  busy: it was run once
 * without, so that all that is made once is there.
 */
void	fault_turns(bool alloc, bool busy, void (*scenario)(void));
/* In it, around one call: the failure that was seen, an errno value or 0. */
void	fault_begin(void);
void	fault_end(void);
extern int fault_seen;
/* May a call fail with this after it? */
bool	fault_right(int error);
/*
 * fault_end() for a call that returned res, -1 if it failed.  True if it did
 * not.  If it did, then rightly, and errno is what it was; or the scenario ends.
 */
bool	fault_passed(int res, const char *what);
/* The test's own step, which must succeed. */
#define FAULT_NEED(cond) do {						\
	if (!(cond))							\
		fault_fail("line %d: not (%s), errno %d", __LINE__, #cond, \
		    errno);						\
} while (0)
/* A byte is written or read. */
void	fault_put(int fd);
void	fault_take(int fd);
/* A file is made, with some bytes in it; some are added. */
void	fault_make_file(const char *path);
void	fault_grow_file(const char *path);

/* ---- fault_alloc.c -------------------------------------------------------------- */

/* Are allocations ours to fail?  Not under a sanitizer. */
bool	fault_alloc_ours(void);
void	fault_alloc_plan(unsigned turn);
void	fault_alloc_on(void);
bool	fault_alloc_off(void);
unsigned fault_alloc_calls(void);
long	fault_alloc_blocks(void);

#endif /* FAULT_H */
