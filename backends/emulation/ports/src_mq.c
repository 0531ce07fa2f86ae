/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * src_mq: PORT_SOURCE_MQ, one event when a message comes into an empty queue.
 *
 * The system keeps the registration, and its rules: one for each queue, used up
 * by one notice.  The notices of a port come by one descriptor of this process,
 * a feeder, and carry place and generation of the slot, which was taken when
 * the event was asked for.  A registration that was taken back gives a notice
 * too, which frees the slot.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "backends/emulation/ports/portq.h"
#include "backends/rawcall.h"

struct port_mq {
	struct evany__feeder	pm_feeder;
	int			pm_fd;
};

static uint64_t
mq_cookie(const struct port *pt, const struct port_slot *sl)
{
	return ((uint64_t)sl->sl_gen << 32 | evany__port_index(pt, sl));
}

/* Takes in the notices that are there.  Locks held. */
static void
mq_collect(struct port *pt)
{
	struct port_slot *sl;
	struct port_tie *ti;
	uint64_t cookie;
	bool came;

	while (evany__mq_next(pt->pt_mq->pm_fd, &cookie, &came)) {
		if ((uint32_t)cookie >= pt->pt_shared->ps_fresh)
			continue;
		sl = &pt->pt_shared->ps_slots[(uint32_t)cookie];
		if (sl->sl_source != PORT_SOURCE_MQ || sl->sl_data == NULL ||
		    !evany__port_own(pt, &sl->sl_owner) ||
		    mq_cookie(pt, sl) != cookie)
			continue;
		ti = sl->sl_data;
		if (came)
			evany__port_once_due(pt, ti, 0);
		else
			evany__tie_cut(pt, ti);
	}
}

static void
mq_ready(struct evany__inst *inst, struct evany__feeder *fe, unsigned bits)
{
	(void)fe;
	(void)bits;
	mq_collect(port_of(inst));
}

static int
mq_open(struct port *pt)
{
	struct port_mq *pm;
	int error;

	if (pt->pt_mq != NULL)
		return (0);
	if ((pm = calloc(1, sizeof(*pm))) == NULL)
		return (ENOMEM);
	if ((error = evany__mq_open(&pm->pm_fd)) != 0) {
		free(pm);
		return (error);
	}
	pm->pm_feeder.fe_ready = mq_ready;
	/* Where the port is shared, another process may see the report. */
	error = evany__inst_feed(pt->pt_inst, &pm->pm_feeder, pm->pm_fd,
	    pt->pt_inst->in_table->tb_be->be_shares ? EVANY__LEVEL :
	    EVANY__EDGE);
	if (error != 0) {
		(void)evany__close(pm->pm_fd);
		free(pm);
		return (error);
	}
	pt->pt_mq = pm;
	return (0);
}

int
evany__port_mq_register(int number, int queue, void *user,
    struct port_tie **tip)
{
	struct port_tie *ti;
	struct port *pt;
	int error;

	if ((ti = malloc(sizeof(*ti))) == NULL)
		return (ENOMEM);
	if ((error = evany__tie_make(ti, number, PORT_SOURCE_MQ,
	    (uintptr_t)queue, user, &pt)) != 0) {
		free(ti);
		return (error);
	}
	if ((error = mq_open(pt)) == 0)
		error = evany__mq_register(pt->pt_mq->pm_fd, queue,
		    mq_cookie(pt, ti->ti_slot));
	if (error != 0)
		evany__tie_cut(pt, ti);
	evany__tie_leave(ti);
	if (error != 0)
		evany__tie_unref(ti);
	else
		*tip = ti;
	return (error);
}

void
evany__port_mq_over(struct port_tie *ti)
{
	struct port *pt;

	if ((pt = evany__tie_enter(ti)) != NULL) {
		mq_collect(pt);
		evany__tie_leave(ti);
	}
	evany__tie_unref(ti);
}

void
evany__port_mq_close(struct port *pt)
{
	struct port_mq *pm = pt->pt_mq;

	if (pm == NULL)
		return;
	evany__inst_unfeed(pt->pt_inst, &pm->pm_feeder);
	(void)evany__close(pm->pm_fd);
	free(pm);
	pt->pt_mq = NULL;
}

/* The descriptor is a copy of the parent's, and no feeder here. */
void
evany__port_mq_forget(struct port *pt)
{
	if (pt->pt_mq == NULL)
		return;
	(void)evany__close(pt->pt_mq->pm_fd);
	free(pt->pt_mq);
	pt->pt_mq = NULL;
}
