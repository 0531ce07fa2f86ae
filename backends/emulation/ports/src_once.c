/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * src_once: PORT_SOURCE_AIO and PORT_SOURCE_MQ, one event that is due later.
 *
 * The slot is taken when the event is promised, so that there is room for it
 * when it comes, and goes with it.  What is promised in one process is for that
 * process.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "backends/emulation/ports/portq.h"

static enum port_take
once_take(struct port *pt, struct port_slot *sl)
{
	(void)pt;
	(void)sl;
	return (PORT_TAKE);
}

static void
once_drop(struct port *pt, struct port_slot *sl)
{
	if (sl->sl_data != NULL)
		evany__tie_cut(pt, sl->sl_data);
	else
		evany__port_slot_free(pt, sl);
}

const struct port_source evany__port_src_once = {
	.so_private = true,
	.so_take = once_take,
	.so_taken = evany__port_slot_free,
	.so_drop = once_drop
};

int
evany__port_once_new(int number, int source, uintptr_t object, void *user,
    struct port_tie **tip)
{
	struct port_tie *ti;
	struct port *pt;
	int error;

	if ((ti = malloc(sizeof(*ti))) == NULL)
		return (ENOMEM);
	if ((error = evany__tie_make(ti, number, source, object, user,
	    &pt)) != 0) {
		free(ti);
		return (error);
	}
	evany__tie_leave(ti);
	*tip = ti;
	return (0);
}

void
evany__port_once_due(struct port *pt, struct port_tie *ti, int events)
{
	struct port_slot *sl = ti->ti_slot;

	/* From now on it stands for itself. */
	ti->ti_slot = NULL;
	sl->sl_data = NULL;
	evany__tie_unref(ti);
	evany__port_fire(pt, sl, events);
}

void
evany__port_once_fire(struct port_tie *ti, int events)
{
	struct port *pt;

	if ((pt = evany__tie_enter(ti)) != NULL) {
		evany__port_once_due(pt, ti, events);
		evany__tie_leave(ti);
	}
	evany__tie_unref(ti);
}

void
evany__port_once_undo(struct port_tie *ti)
{
	struct port *pt;

	if ((pt = evany__tie_enter(ti)) != NULL) {
		evany__tie_cut(pt, ti);
		evany__tie_leave(ti);
	}
	evany__tie_unref(ti);
}
