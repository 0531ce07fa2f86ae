/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * port_send: PORT_SOURCE_USER, events of the program's own, and alert mode.
 */
#include "config.h"

#include <errno.h>

#include "backends/emulation/ports/portq.h"

/* Nobody could be rung for: marks the number, or takes the event back. */
static int
send_again(struct port *pt, int number, struct port_slot *sl, uint64_t seq)
{
	int error;

	evany__port_enter(pt, number);
	pt->pt_rung = false;
	error = evany__port_tell(pt);
	if (sl->sl_source != PORT_SOURCE_USER || sl->sl_seq != seq)
		error = 0;
	else if (error != 0)
		evany__port_slot_free(pt, sl);
	(void)evany__port_leave(pt);
	return (error);
}

int
evany__port_send(struct port *pt, int number, int events, void *user)
{
	struct port_slot *sl;
	uint64_t seq;
	int error;
	bool rings;

	evany__port_enter(pt, number);
	rings = evany__port_rings(pt);
	error = rings ? 0 : evany__port_tell(pt);
	if (error == 0 && (sl = evany__port_slot_new(pt, PORT_SOURCE_USER, 0,
	    user)) == NULL)
		error = EAGAIN;
	if (error == 0)
		evany__port_fire(pt, sl, events);
	if (error != 0 || !rings) {
		(void)evany__port_leave(pt);
		return (error);
	}
	seq = sl->sl_seq;
	if (evany__port_ring(pt) == 0)
		return (0);
	return (send_again(pt, number, sl, seq));
}

struct late_send {
	int	 ls_events;
	void	*ls_user;
};

static void
send_now(int number, const void *note)
{
	const struct late_send *ls = note;
	struct port *pt;
	int error;

	if ((pt = evany__port_find(number, true, &error)) == NULL)
		return;
	(void)evany__port_send(pt, number, ls->ls_events, ls->ls_user);
	evany__port_drop(pt);
}

int
evany__port_send_late(int number, int events, void *user)
{
	struct late_send ls = { events, user };

	return (evany__late_add(send_now, number, &ls, sizeof(ls), 1) ? 0 :
	    EAGAIN);
}

static enum port_take
user_take(struct port *pt, struct port_slot *sl)
{
	(void)pt;
	(void)sl;
	return (PORT_TAKE);
}

const struct port_source evany__port_src_user = {
	.so_take = user_take,
	.so_taken = evany__port_slot_free,
	.so_drop = evany__port_slot_free
};

int
evany__port_alert(struct port *pt, int number, int flags, int events,
    void *user)
{
	struct port_shared *ps = pt->pt_shared;
	struct port_alert *pa = &ps->ps_alert;
	int error = 0;

	evany__port_enter(pt, number);
	evany__port_alert_check(pt);
	if (events == 0)
		pa->pa_events = 0;
	else if ((flags & PORT_ALERT_INVALID) == PORT_ALERT_INVALID)
		error = EINVAL;
	else if (flags == PORT_ALERT_UPDATE && pa->pa_events != 0)
		error = EBUSY;
	else {
		/* If this process is killed here, alert mode ends with it. */
		pa->pa_owner = pt->pt_self;
		evany__share_order();
		pa->pa_user = user;
		evany__share_order();
		pa->pa_events = events;
		ps->ps_alerted = *pa;
		pt->pt_alerts = ++ps->ps_alerts;
		evany__port_alert_waiters(pt);
	}
	(void)evany__port_leave(pt);
	return (error);
}

/* Alert mode ends with the process that set it. */
void
evany__port_alert_check(struct port *pt)
{
	struct port_alert *pa = &pt->pt_shared->ps_alert;

	if (pa->pa_events != 0 && !evany__port_own(pt, &pa->pa_owner) &&
	    !evany__port_alive(&pa->pa_owner))
		pa->pa_events = 0;
}
