/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * port_tie: slots of objects that live in this process's memory alone.
 *
 * The slot points to the object (sl_data) and the object to the slot; either
 * may go first.  So each has a reference, and the pointers are cleared under
 * the instance's lock.  An instance is never given back to malloc: it may be
 * tried when it is long gone, and another port that it has become is not in
 * ti_slot, which was cleared when the old one ended.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "backends/emulation/ports/portq.h"

int
evany__tie_make(struct port_tie *ti, int number, int source, uintptr_t object,
    void *user, struct port **ptp)
{
	struct port *pt;
	int error;

	if ((pt = evany__port_find(number, true, &error)) == NULL)
		return (error);
	evany__port_enter(pt, number);
	ti->ti_slot = evany__port_slot_new(pt, source, object, user);
	if (ti->ti_slot == NULL) {
		(void)evany__port_leave(pt);
		evany__port_drop(pt);
		return (EAGAIN);
	}
	ti->ti_slot->sl_data = ti;
	ti->ti_inst = pt->pt_inst;
	atomic_store(&ti->ti_refs, 2);
	*ptp = pt;
	return (0);
}

struct port *
evany__tie_enter(struct port_tie *ti)
{
	struct evany__inst *inst = ti->ti_inst;

	if (!evany__inst_take(inst)) {
		/* What others did under its lock comes before this. */
		(void)atomic_load(&inst->in_refs);
		return (NULL);
	}
	evany__inst_lock(inst);
	if (ti->ti_slot != NULL) {
		evany__port_inside(port_of(inst));
		return (port_of(inst));
	}
	evany__inst_unlock(inst);
	evany__inst_drop(inst);
	return (NULL);
}

void
evany__tie_leave(struct port_tie *ti)
{
	struct evany__inst *inst = ti->ti_inst;

	(void)evany__port_leave(port_of(inst));
	evany__inst_drop(inst);
}

void
evany__tie_cut(struct port *pt, struct port_tie *ti)
{
	struct port_slot *sl = ti->ti_slot;

	ti->ti_slot = NULL;
	evany__port_slot_free(pt, sl);
	evany__tie_unref(ti);
}

void
evany__tie_unref(struct port_tie *ti)
{
	if (atomic_fetch_sub(&ti->ti_refs, 1) == 1)
		free(ti);
}
