/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * numbers_fork: the instances of a process that forks, and of its child.
 *
 * A child has none of the parent's instances but those that are shared.  The
 * locks of these are held across the fork, so that the child finds whole what
 * it goes on with; of the others nothing is taken apart, since another thread
 * of the parent may have been in the middle of a change.  One that has heirs
 * is lost like these, and then replaced (heir.c).
 *
 * From before the fork until after it the parent holds the table lock; the
 * child is alone.
 */
#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "backends/emulation/core/core.h"
#include "backends/emulation/core/numbers.h"
#include "backends/rawcall.h"

#define LOW	256	/* numbers that are tried for duplicates */

/* Instances that the parent of a fork left here; kept reachable, not used. */
static struct inst_list numbers_lost;
static bool numbers_sharing;

static bool
has_heirs(const struct evany__inst *inst)
{
	return (inst->in_driver->dr_inherit != NULL);
}

/* What the child is to have under the numbers, the child has to put there. */
static bool
is_put(const struct evany__inst *inst)
{
	return (has_heirs(inst) && inst->in_table->tb_be->be_private);
}

/* The child can only go by what is known.  Duplicates have low numbers. */
static void
put_find(struct evany__inst *inst)
{
	int number;

	(void)evany__numbers_prune(inst);
	for (number = 0; number < LOW; number++)
		(void)evany__number_try(inst, number);
}

/* The number used last may have been closed: a known one, if there is any. */
static int
numbers_any(struct evany__inst *inst)
{
	int i;

	(void)evany__numbers_prune(inst);
	for (i = 0; i < EVANY__NUMBERS; i++)
		if (inst->in_numbers[i] != -1)
			return (inst->in_numbers[i]);
	return (-1);
}

/* Can the child have it too?  Then it is left locked. */
static bool
goes_on(struct evany__inst *inst)
{
	const struct evany__be_ops *be = inst->in_table->tb_be;

	(void)evany__lock_enter(&inst->in_lock);
	inst->in_number = numbers_any(inst);
	if (be->be_share == NULL ? be->be_shares : be->be_share(inst) == 0)
		return (true);
	evany__lock_leave(&inst->in_lock);
	return (false);
}

void
evany__numbers_fork_before(bool share)
{
	struct evany__inst *inst;

	evany__numbers_lock();
	if (!share)
		return;
	LIST_FOREACH(inst, &evany__numbers_live, in_link) {
		inst->in_kept = inst->in_shared && goes_on(inst);
		if (inst->in_kept)
			inst->in_driver->dr_fork(inst, EVANY__FORK_BEFORE);
		else if (is_put(inst))
			put_find(inst);
	}
	numbers_sharing = true;
}

void
evany__numbers_fork_parent(void)
{
	struct evany__inst *inst;

	if (!numbers_sharing)
		return;
	numbers_sharing = false;
	LIST_FOREACH(inst, &evany__numbers_live, in_link)
		if (inst->in_kept) {
			inst->in_driver->dr_fork(inst, EVANY__FORK_PARENT);
			evany__lock_leave(&inst->in_lock);
		}
}

/* The mechanisms' own descriptors; no object is touched. */
static void
inst_fork_child(struct evany__inst *inst, void **statep)
{
	const struct evany__table *tb = inst->in_table;

	tb->tb_be->be_fork_child(inst, statep);
	if (inst->in_file != NULL)
		tb->tb_file->fo_fork_child(&inst->in_file);
	if (inst->in_signal != NULL)
		tb->tb_signal->so_fork_child(&inst->in_signal);
	if (inst->in_proc != NULL)
		tb->tb_proc->po_fork_child(&inst->in_proc);
	if (inst->in_mount != NULL)
		tb->tb_mount->mo_fork_child(&inst->in_mount);
}

/* The child goes on with it; what is private begins anew. */
static void
inst_keep(struct evany__inst *inst)
{
	int clock;

	inst_fork_child(inst, &inst->in_state);
	inst->in_file = inst->in_signal = inst->in_proc = inst->in_mount =
	    NULL;
	for (clock = 0; clock < EVANY__CLOCKS; clock++) {
		inst->in_heap[clock].hp_count = 0;
		inst->in_alarm[clock] = 0;
	}
	atomic_store(&inst->in_ringing, 0);
	if (inst->in_nfeeders > 0)
		memset(inst->in_feeders, 0,
		    inst->in_nfeeders * sizeof(inst->in_feeders[0]));
	atomic_store(&inst->in_nasked, 0);
	/* Threads that had taken references are not here. */
	atomic_store(&inst->in_refs, 1);
	inst->in_driver->dr_fork(inst, EVANY__FORK_CHILD);
	evany__lock_leave(&inst->in_lock);
}

/*
 * Copies of the numbers are closed, each only if it still names what it did;
 * low numbers are tried for duplicates that we have not met.
 */
static void
inst_lose(struct evany__inst *inst)
{
	bool private = inst->in_table->tb_be->be_private;
	int i, number;

	for (number = 0; number < LOW && !private; number++)
		if (evany__number_try(inst, number)) {
			evany__number_drop(inst, number);
			(void)evany__close(number);
		}
	for (i = 0; i < EVANY__NUMBERS; i++) {
		number = inst->in_numbers[i];
		if (number == -1)
			continue;
		if (!private && names(inst, number))
			(void)evany__close(number);
		evany__number_drop(inst, number);
	}
	inst_fork_child(inst, NULL);
	if (has_heirs(inst))
		(void)inst->in_driver->dr_inherit(NULL, inst);
	atomic_store(&inst->in_refs, 0);
}

/* Something is put under each number, so that nothing else gets it. */
static void
inst_hold(struct evany__inst *inst)
{
	int fd, i, number;

	for (i = 0; i < EVANY__NUMBERS; i++) {
		if ((number = inst->in_numbers[i]) == -1)
			continue;
		fd = evany__open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd != -1 && fd != number) {
			if (dup2(fd, number) != -1)
				(void)fcntl(number, F_SETFD, FD_CLOEXEC);
			(void)evany__close(fd);
		}
	}
}

/* The child gets one of its own under the same numbers. */
static void
inst_replace(struct evany__inst *inst)
{
	int i, list[EVANY__ALL_NUMBERS], n = 0;

	if (!is_put(inst))
		n = evany__inst_all_numbers(inst, list, EVANY__ALL_NUMBERS);
	for (i = 0; is_put(inst) && i < EVANY__NUMBERS; i++)
		if (inst->in_numbers[i] != -1)
			list[n++] = inst->in_numbers[i];
	for (i = 0; i < n; i++)
		evany__number_drop(inst, list[i]);
	evany__number_untag(inst->in_tag);
	if (!evany__inst_inherit(inst, list, n))
		(void)inst->in_driver->dr_inherit(NULL, inst);
	atomic_store(&inst->in_refs, 0);
}

void
evany__numbers_fork_child(void)
{
	struct evany__inst *inst, *next;

	evany__numbers_fork_unlock();
	evany__watched_fork_child();
	atomic_store(&evany__inst_count, 0);
	for (inst = LIST_FIRST(&evany__numbers_live); inst != NULL; inst = next) {
		next = LIST_NEXT(inst, in_link);
		if (numbers_sharing && inst->in_kept) {
			inst_keep(inst);
			(void)atomic_fetch_add(&evany__inst_count, 1);
		} else if (numbers_sharing && has_heirs(inst)) {
			inst_fork_child(inst, NULL);
			if (is_put(inst))
				inst_hold(inst);
		} else {
			inst_lose(inst);
			LIST_REMOVE(inst, in_link);
			LIST_INSERT_HEAD(&numbers_lost, inst, in_link);
		}
	}
	/* By now the mechanisms have forgotten the parent.  Heirs come first. */
	for (inst = LIST_FIRST(&evany__numbers_live); inst != NULL; inst = next) {
		next = LIST_NEXT(inst, in_link);
		if (!has_heirs(inst))
			continue;
		inst_replace(inst);
		LIST_REMOVE(inst, in_link);
		LIST_INSERT_HEAD(&numbers_lost, inst, in_link);
	}
	numbers_sharing = false;
}
