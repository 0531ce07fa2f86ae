/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * killed: ends a process in the midst of a call, at each point that others may
 * see.
 *
 * The process is a child that is traced.  Once it is stepped by instructions
 * and killed after the n-th change of memory that it shares with us, once it is
 * killed when it comes to, or from, its n-th system call; n grows until it gets
 * through.
 */
#ifndef KILLED_H
#define KILLED_H

#include <stdbool.h>

/*
 * Calls before, lets a child call act and kills it, and calls after, done if it
 * got through.  The case is skipped where we may not trace.
 */
void	killed_everywhere(void (*before)(void), void (*act)(void),
	    void (*after)(bool done));

#endif /* KILLED_H */
