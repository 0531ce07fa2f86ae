/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * numbers.h: the table of numbers, for numbers.c and numbers_fork.c alone.
 * The caller holds the table lock.
 */
#ifndef EVANY_NUMBERS_H
#define EVANY_NUMBERS_H

#include "backends/emulation/core/core.h"

LIST_HEAD(inst_list, evany__inst);

extern struct inst_list evany__numbers_live;

/* Whether the mechanism finds the instance, or a twin of its tag, there. */
static inline bool
names(struct evany__inst *inst, int number)
{
	return (inst->in_table->tb_be->be_names(inst, number) != 0);
}

/* Forgets one number of an instance. */
void	evany__number_drop(struct evany__inst *, int number);
/* Does it name the instance?  Then it is remembered: a duplicate unknown so far. */
bool	evany__number_try(struct evany__inst *, int number);
/* Forgets numbers that have gone.  True if one is left. */
bool	evany__numbers_prune(struct evany__inst *);
/* One instance fewer has the tag. */
void	evany__number_untag(unsigned tag);
/* In the child of fork, whose copy of the lock the parent's thread held. */
void	evany__numbers_fork_unlock(void);

#endif /* EVANY_NUMBERS_H */
