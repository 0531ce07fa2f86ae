/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * numbers: from a descriptor to the instance it names.
 *
 * Lookup:  a table of two levels, read without a lock.  Instances are never
 *          given back to malloc, only to a free list, so a stale pointer can
 *          be tried: take its reference, then see that the table still says
 *          the same.
 * Close:   nobody tells us.  A number is known to be dead when the mechanism
 *          says so (a call through it fails), or when a new instance gets it.
 *          Every creation first looks at the numbers of all instances and
 *          releases those that no number names, after trying every open
 *          descriptor for a duplicate we have not met.  Where these are many
 *          that waits, at most as long as the changes made meanwhile, each of
 *          which asks what its number names, cost about as much.
 * Dup:     an unknown number is tried against every live instance by the
 *          mechanism (be_names), then remembered.
 * dup2:    a known number may have been given to another instance.  Records
 *          carry the instance's tag; where nothing was reported, core asks
 *          (check) before it acts, if more than one instance lives.
 *
 * numbers_mutex is first in the lock order; under it only be_names is called.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/emulation/core/core.h"
#include "backends/emulation/core/numbers.h"
#include "backends/rawcall.h"
#include "compat/export.h"

#define CHUNK		1024
#define CHUNKS		4096	/* numbers beyond are tried at each call */
#define TAGS		64
#define SUBTAGS		3
#define GROUP		32	/* instances told of a close at once, about */
#define SWEEP_SHARE	512	/* descriptors looked through for a dead one */
#define SWEEP_MOST	48	/* dead ones that are left lying about */
#define SWEEP_VAIN	1024	/* how much a search in vain puts off the next */

struct number_chunk {
	_Atomic(struct evany__inst *)	nc_inst[CHUNK];
};

static pthread_mutex_t numbers_mutex = PTHREAD_MUTEX_INITIALIZER;
struct inst_list evany__numbers_live;
static struct inst_list numbers_free;
static atomic_uint numbers_tagged[TAGS];
static unsigned numbers_last_tag;
static unsigned numbers_next_subtag;
static atomic_uint numbers_crowded;	/* instances with a tag of others */
static atomic_int numbers_high;		/* last made: about how many are open */
static atomic_uint numbers_vain = 1;
atomic_uint evany__inst_count;
_Thread_local unsigned evany__inst_asked_for EVANY__TLS;
static _Atomic(struct number_chunk *) numbers_chunks[CHUNKS];

void
evany__numbers_lock(void)
{

	evany__lock_mark();
	(void)pthread_mutex_lock(&numbers_mutex);
}

void
evany__numbers_unlock(void)
{

	(void)pthread_mutex_unlock(&numbers_mutex);
	evany__lock_unmark();
}

void
evany__numbers_fork_unlock(void)
{

	(void)pthread_mutex_init(&numbers_mutex, NULL);
}

static struct evany__inst *
number_get(int number)
{
	struct number_chunk *nc;

	if ((unsigned)number >= (unsigned)(CHUNK * CHUNKS))
		return (NULL);
	nc = atomic_load_explicit(&numbers_chunks[number / CHUNK],
	    memory_order_acquire);
	if (EVANY__SELDOM(nc == NULL))
		return (NULL);
	return (atomic_load_explicit(&nc->nc_inst[number % CHUNK],
	    memory_order_acquire));
}

/* Table lock held.  Without memory the number is found by trying, later. */
static void
number_set(int number, struct evany__inst *inst)
{
	struct number_chunk *nc;

	if ((unsigned)number >= (unsigned)(CHUNK * CHUNKS))
		return;
	nc = atomic_load_explicit(&numbers_chunks[number / CHUNK],
	    memory_order_relaxed);
	if (nc == NULL) {
		if (inst == NULL || (nc = calloc(1, sizeof(*nc))) == NULL)
			return;
		atomic_store_explicit(&numbers_chunks[number / CHUNK], nc,
		    memory_order_release);
	}
	atomic_store_explicit(&nc->nc_inst[number % CHUNK], inst,
	    memory_order_release);
}

void
evany__number_drop(struct evany__inst *inst, int number)
{
	int i;

	for (i = 0; i < EVANY__NUMBERS; i++)
		if (inst->in_numbers[i] == number)
			inst->in_numbers[i] = -1;
	if (number_get(number) == inst)
		number_set(number, NULL);
}

/* Remembers a number; the oldest gives way.  Table lock held. */
static void
number_add(struct evany__inst *inst, int number)
{
	struct evany__inst *old;
	int i;

	if ((old = number_get(number)) != NULL && old != inst)
		evany__number_drop(old, number);
	for (i = 0; i < EVANY__NUMBERS; i++)
		if (inst->in_numbers[i] == -1 || inst->in_numbers[i] == number)
			break;
	if (i == EVANY__NUMBERS) {
		/* One that has become another file's, or else the oldest. */
		for (i = EVANY__NUMBERS - 1; i > 0; i--)
			if (inst->in_table->tb_be->be_same(number,
			    inst->in_numbers[i]) == 0)
				break;
		if (number_get(inst->in_numbers[i]) == inst)
			number_set(inst->in_numbers[i], NULL);
		for (; i < EVANY__NUMBERS - 1; i++)
			inst->in_numbers[i] = inst->in_numbers[i + 1];
	}
	inst->in_numbers[i] = number;
	number_set(number, inst);
}

/*
 * Is number the same open file as another number of the instance?  1 yes, 0
 * no, -1 if that cannot be told.
 */
static int
number_shared(struct evany__inst *inst, int number)
{
	const struct evany__be_ops *be = inst->in_table->tb_be;
	int i, other, same = -1;

	for (i = 0; i < EVANY__NUMBERS; i++) {
		other = inst->in_numbers[i];
		if (other == -1 || other == number || !names(inst, other))
			continue;
		same = be->be_same(number, other);
		if (same == 1)
			break;
	}
	return (same);
}

/*
 * Which instance number names.  Where several have its tag, or it was not
 * known, another number of the instance must be the same open file: a queue
 * of another process may have been sent here.  Table lock held.
 */
static struct evany__inst *
numbers_owner(int number)
{
	struct evany__inst *inst, *known = number_get(number), *owner = NULL;

	LIST_FOREACH(inst, &evany__numbers_live, in_link) {
		if (!names(inst, number))
			continue;
		switch (number_shared(inst, number)) {
		case 1:
			return (inst);
		case -1:
			if (owner == NULL || inst == known)
				owner = inst;
			break;
		}
	}
	if (owner == NULL && known != NULL && names(known, number) &&
	    numbers_tagged[known->in_tag] < 2)
		owner = known;
	return (owner);
}

/* Whether number names inst, also where several have its tag. */
static bool
number_names(struct evany__inst *inst, int number)
{
	return (names(inst, number) && (numbers_tagged[inst->in_tag] < 2 ||
	    numbers_owner(number) == inst));
}

bool
evany__numbers_prune(struct evany__inst *inst)
{
	bool left = false;
	int i;

	for (i = 0; i < EVANY__NUMBERS; i++) {
		if (inst->in_numbers[i] == -1)
			continue;
		if (number_names(inst, inst->in_numbers[i]))
			left = true;
		else
			evany__number_drop(inst, inst->in_numbers[i]);
	}
	return (left);
}

bool
evany__number_try(struct evany__inst *inst, int number)
{

	if (!number_names(inst, number))
		return (false);
	number_add(inst, number);
	return (true);
}

struct search {
	struct evany__inst	*se_inst;
	int			*se_list;
	int			 se_room;
	int			 se_found;
};

static bool
search_one(void *arg, int number)
{
	struct search *se = arg;

	if (evany__number_try(se->se_inst, number))
		se->se_list[se->se_found++] = number;
	return (se->se_found < se->se_room);
}

/* A tag that the fewest instances have, the least recently given first. */
static unsigned
numbers_tag(void)
{
	unsigned best, i, tag;

	best = numbers_last_tag % (TAGS - 1) + 1;
	for (i = 1; i < TAGS; i++) {
		tag = (numbers_last_tag + i - 1) % (TAGS - 1) + 1;
		if (numbers_tagged[tag] < numbers_tagged[best])
			best = tag;
	}
	numbers_last_tag = best;
	if (numbers_tagged[best]++ > 0)
		(void)atomic_fetch_add(&numbers_crowded, 1);
	return (best);
}

void
evany__number_untag(unsigned tag)
{

	if (--numbers_tagged[tag] > 0)
		(void)atomic_fetch_sub(&numbers_crowded, 1);
}

/* ---- references ------------------------------------------------------------- */

static inline int
inst_take(struct evany__inst *inst)
{
	int refs;

	refs = atomic_load_explicit(&inst->in_refs, memory_order_relaxed);
	if (evany__alone()) {
		if (refs > 0)
			atomic_store_explicit(&inst->in_refs, refs + 1,
			    memory_order_relaxed);
		return (refs > 0);
	}
	while (refs > 0)
		if (atomic_compare_exchange_weak_explicit(&inst->in_refs,
		    &refs, refs + 1, memory_order_acquire,
		    memory_order_relaxed))
			return (1);
	return (0);
}

int
evany__inst_take(struct evany__inst *inst)
{
	return (inst_take(inst));
}

static EVANY__RARE void
inst_release(struct evany__inst *inst)
{
	const struct evany__table *tb = inst->in_table;

	/* Its number may be a file of the program's by now. */
	evany__inst_enter(inst, -1);
	inst->in_driver->dr_close(inst);
	if (inst->in_file != NULL)
		tb->tb_file->fo_close(inst, &inst->in_file);
	if (inst->in_signal != NULL)
		tb->tb_signal->so_close(inst, &inst->in_signal);
	if (inst->in_proc != NULL)
		tb->tb_proc->po_close(inst, &inst->in_proc);
	if (inst->in_mount != NULL)
		tb->tb_mount->mo_close(inst, &inst->in_mount);
	tb->tb_be->be_close(inst);
	evany__lock_leave(&inst->in_lock);
	evany__timers_fini(inst);
	evany__slots_fini(inst);
	free(inst->in_feeders);
	evany__lock_fini(&inst->in_lock);

	evany__numbers_lock();
	evany__number_untag(inst->in_tag);
	LIST_INSERT_HEAD(&numbers_free, inst, in_link);
	evany__numbers_unlock();
}

EVANY__HOT void
evany__inst_drop(struct evany__inst *inst)
{
	int refs;

	if (evany__alone()) {
		refs = atomic_load_explicit(&inst->in_refs,
		    memory_order_relaxed) - 1;
		atomic_store_explicit(&inst->in_refs, refs,
		    memory_order_relaxed);
		if (refs == 0)
			inst_release(inst);
		return;
	}
	if (atomic_fetch_sub_explicit(&inst->in_refs, 1,
	    memory_order_acq_rel) == 1)
		inst_release(inst);
}

/* ---- life ---------------------------------------------------------------------- */

/* number may be one that we do not know of an instance in the list. */
static bool
dead_rescue(void *arg, int number)
{
	struct inst_list *dead = arg;
	struct evany__inst *inst;

	LIST_FOREACH(inst, dead, in_link)
		if (evany__number_try(inst, number)) {
			LIST_REMOVE(inst, in_link);
			LIST_INSERT_HEAD(&evany__numbers_live, inst, in_link);
			break;
		}
	return (!LIST_EMPTY(dead));
}

/*
 * To find duplicates of dead instances all descriptors must be looked through,
 * so where these are many it waits until several instances have lost the
 * numbers that we know, or this thread has made as many changes since.
 */
static bool
sweep_due(unsigned lost)
{
	unsigned high = (unsigned)atomic_load(&numbers_high);

	return (lost >= SWEEP_MOST || lost * SWEEP_SHARE >= high ||
	    evany__inst_asked_for >= high / 2);
}

/*
 * Takes instances that no number names from the live list.  Table lock held;
 * the caller drops the references of *dead without it.
 */
static void
numbers_sweep(struct inst_list *dead, bool now)
{
	struct evany__inst *inst, *next;
	unsigned lost = 0;

	for (inst = LIST_FIRST(&evany__numbers_live); inst != NULL; inst = next) {
		next = LIST_NEXT(inst, in_link);
		if (evany__numbers_prune(inst))
			continue;
		LIST_REMOVE(inst, in_link);
		LIST_INSERT_HEAD(dead, inst, in_link);
		lost++;
	}
	if (lost > 0 && !now && !sweep_due(lost)) {
		while ((inst = LIST_FIRST(dead)) != NULL) {
			LIST_REMOVE(inst, in_link);
			LIST_INSERT_HEAD(&evany__numbers_live, inst, in_link);
		}
		return;
	}
	if (lost > 0)
		evany__descriptors_each(dead_rescue, dead);
	LIST_FOREACH(inst, dead, in_link)
		(void)atomic_fetch_sub(&evany__inst_count, 1);
	evany__inst_asked_for = 0;
}

static void
numbers_bury(struct inst_list *dead)
{
	struct evany__inst *inst;

	while ((inst = LIST_FIRST(dead)) != NULL) {
		LIST_REMOVE(inst, in_link);
		evany__inst_drop(inst);
	}
}

/* Subtags are given in turn; tags come round before one is shared again. */
static unsigned
numbers_subtag(unsigned tag)
{
	unsigned subtag = numbers_next_subtag;

	if (tag == TAGS - 1)
		numbers_next_subtag = (subtag + 1) % SUBTAGS;
	return (subtag);
}

unsigned
evany__inst_subtag(struct evany__inst *inst)
{
	return (inst->in_subtag);
}

bool
evany__inst_crowded(void)
{
	return (atomic_load_explicit(&numbers_crowded, memory_order_relaxed) >
	    0);
}

static void
sweep(bool now)
{
	struct inst_list dead = LIST_HEAD_INITIALIZER(dead);

	evany__numbers_lock();
	numbers_sweep(&dead, now);
	evany__numbers_unlock();
	numbers_bury(&dead);
}

void
evany__inst_sweep(void)
{
	sweep(true);
}

/*
 * A search that finds nobody dead puts off the next one, since several live
 * instances may be what the program wants.
 */
bool
evany__inst_recount(void)
{
	unsigned high = (unsigned)atomic_load(&numbers_high);
	unsigned before, vain = atomic_load(&numbers_vain);

	if (evany__inst_asked_for / vain >= high) {
		before = atomic_load(&evany__inst_count);
		sweep(true);
		atomic_store(&numbers_vain, atomic_load(&evany__inst_count) <
		    before ? 1 : vain < SWEEP_VAIN ? 2 * vain : vain);
	}
	return (evany__inst_many());
}

/* What of the driver's needs the mechanism. */
static int
inst_opened(struct evany__inst *inst, int number)
{
	int error;

	if (inst->in_driver->dr_opened == NULL)
		return (0);
	evany__inst_enter(inst, number);
	error = inst->in_driver->dr_opened(inst);
	(void)evany__inst_leave(inst);
	return (error);
}

int
evany__inst_make(const struct evany__driver *dr, int flags,
    int (*init)(struct evany__inst *), struct evany__inst *parents,
    struct evany__inst **instp, int *numberp)
{
	struct evany__inst *inst;
	int error, i;

	evany__numbers_lock();
	if ((inst = LIST_FIRST(&numbers_free)) != NULL)
		LIST_REMOVE(inst, in_link);
	evany__numbers_unlock();
	if (inst == NULL && (inst = calloc(1, sizeof(*inst))) == NULL)
		return (ENOMEM);
	/* A stale reader may look at in_refs, and at nothing else. */
	memset((char *)inst + offsetof(struct evany__inst, in_lock), 0,
	    sizeof(*inst) - offsetof(struct evany__inst, in_lock));
	inst->in_driver = dr;
	inst->in_table = evany__table();
	inst->in_state = NULL;
	inst->in_data = NULL;
	inst->in_shared = dr->dr_fork != NULL;
	TAILQ_INIT(&inst->in_ready);
	for (i = 0; i < EVANY__NUMBERS; i++)
		inst->in_numbers[i] = -1;

	evany__numbers_lock();
	inst->in_tag = numbers_tag();
	inst->in_subtag = numbers_subtag(inst->in_tag);
	evany__numbers_unlock();
	if ((error = evany__lock_init(&inst->in_lock, false)) != 0)
		goto fail_lock;
	inst->in_lock.lk_lone = !inst->in_table->tb_be->be_threads;
	error = init != NULL ? init(inst) : dr->dr_inherit(inst, parents);
	if (error != 0)
		goto fail_init;
	error = inst->in_table->tb_be->be_open(inst, flags, &inst->in_state,
	    numberp);
	if (error != 0)
		goto fail_open;
	inst->in_number = *numberp;
	if ((error = inst_opened(inst, *numberp)) != 0)
		goto fail_opened;
	atomic_store(&inst->in_refs, 1);
	*instp = inst;
	return (0);

fail_opened:
	(void)evany__close(*numberp);
	inst->in_table->tb_be->be_close(inst);
	free(inst->in_feeders);
fail_open:
	inst->in_driver->dr_close(inst);
fail_init:
	evany__lock_fini(&inst->in_lock);
fail_lock:
	evany__numbers_lock();
	evany__number_untag(inst->in_tag);
	LIST_INSERT_HEAD(&numbers_free, inst, in_link);
	evany__numbers_unlock();
	return (error);
}

/* A new instance is in the table with its first number. */
void
evany__inst_named(struct evany__inst *inst, int number)
{
	evany__numbers_lock();
	if (inst->in_numbers[0] == -1) {
		LIST_INSERT_HEAD(&evany__numbers_live, inst, in_link);
		(void)atomic_fetch_add(&evany__inst_count, 1);
		atomic_store(&numbers_high, number);
	}
	number_add(inst, number);
	evany__numbers_unlock();
}

int
evany__inst_create(const struct evany__driver *dr, int flags,
    int (*init)(struct evany__inst *), int *numberp)
{
	struct evany__inst *inst;
	int error;

	evany__fork_init();
	if (evany__fork_seen())
		evany__fork_child();
	sweep(false);
	error = evany__inst_make(dr, flags, init, NULL, &inst, numberp);
	if (error == 0)
		evany__inst_named(inst, *numberp);
	return (error);
}

/* Tries an unknown number against all.  A reference, or NULL. */
static EVANY__RARE struct evany__inst *
numbers_resolve(int number)
{
	struct evany__inst *inst, *old;

	if (number < 0)
		return (NULL);
	evany__numbers_lock();
	if ((inst = numbers_owner(number)) != NULL)
		number_add(inst, number);
	else if ((old = number_get(number)) != NULL)
		evany__number_drop(old, number);
	if (inst != NULL && !evany__inst_take(inst))
		inst = NULL;
	evany__numbers_unlock();
	return (inst);
}

EVANY__HOT struct evany__inst *
evany__inst_find(int number, bool check)
{
	struct evany__inst *inst;

	if (evany__fork_seen())
		evany__fork_child();
	inst = number_get(number);
	if (inst == NULL || !inst_take(inst))
		return (numbers_resolve(number));
	if (EVANY__SELDOM(number_get(number) != inst || (check &&
	    (!names(inst, number) || numbers_tagged[inst->in_tag] > 1)))) {
		evany__inst_drop(inst);
		return (numbers_resolve(number));
	}
	return (inst);
}

int
evany__number_pending(int number)
{
	struct evany__inst *inst;
	int n;

	evany__numbers_lock();
	inst = number_get(number);
	if ((inst == NULL || !names(inst, number) ||
	    numbers_tagged[inst->in_tag] > 1) &&
	    (inst = numbers_owner(number)) != NULL)
		number_add(inst, number);
	n = inst == NULL ? -1 : evany__inst_pending(inst);
	evany__numbers_unlock();
	return (n);
}

EVANY__HOT bool
evany__inst_has(struct evany__inst *inst, int number)
{
	struct evany__inst *now = number_get(number);

	return (now == inst || now == NULL);
}

/* Does number name an instance?  Duplicates not met yet are not tried. */
bool
evany__inst_known(int number)
{
	struct evany__inst *inst = number_get(number);

	return (inst != NULL && names(inst, number));
}

int
evany__inst_all_numbers(struct evany__inst *inst, int *list, int n)
{
	struct search se = { inst, list, n, 0 };

	evany__numbers_lock();
	evany__descriptors_each(search_one, &se);
	evany__numbers_unlock();
	return (se.se_found);
}

int
evany__inst_numbers(struct evany__inst *inst, int *list, int n)
{
	int count = 0, i;

	evany__numbers_lock();
	(void)evany__numbers_prune(inst);
	for (i = 0; i < EVANY__NUMBERS && count < n; i++)
		if (inst->in_numbers[i] != -1)
			list[count++] = inst->in_numbers[i];
	evany__numbers_unlock();
	return (count);
}

/* ---- closing ---------------------------------------------------------------- */

/* Of the instances whose tag is of the group, those that watch it forget it. */
static void
number_closing(int number, unsigned group, unsigned groups)
{
	struct evany__inst *inst, *list[2 * GROUP];
	size_t i, n = 0;

	evany__numbers_lock();
	LIST_FOREACH(inst, &evany__numbers_live, in_link)
		if (inst->in_tag % groups == group && n < 2 * GROUP &&
		    evany__inst_take(inst))
			list[n++] = inst;
	evany__numbers_unlock();
	for (i = 0; i < n; i++) {
		evany__inst_lock(list[i]);
		list[i]->in_driver->dr_closing(list[i], number);
		(void)evany__inst_leave(list[i]);
		evany__inst_drop(list[i]);
	}
}

/*
 * Called by libevany-interpose before the numbers from first to last are
 * closed.  Numbers that nobody watches cost a load each.  In the library's own
 * calls, and in a signal handler that interrupted one, nothing is done: the
 * close is found out later, as without the interposing library.  A child of
 * vfork(2) runs in our memory, but closes numbers of its own.
 */
EVANY_EXPORT void
evany__numbers_closing(unsigned first, unsigned last)
{
	unsigned count, group, groups, number;

	count = atomic_load(&evany__inst_count);
	if (count == 0 || evany__lock_held() || evany__fork_seen())
		return;
	groups = count / GROUP < TAGS - 1 ? count / GROUP + 1 : TAGS - 1;
	if (last > first && last >= EVANY__WATCHED_MOST)
		last = EVANY__WATCHED_MOST - 1;
	for (number = evany__watched_next(first, true); number <= last;
	    number = evany__watched_next(number + 1, true)) {
		if (evany__fork_guest())
			return;
		for (group = 0; group < groups; group++)
			number_closing((int)number, group, groups);
	}
}
