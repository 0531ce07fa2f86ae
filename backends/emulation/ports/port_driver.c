/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * port_driver: the life of a port, its locks, and what it asks of the core.
 *
 * Fork:   before it, the port is marked as shared, so that everything done from
 *         then on takes ps_lock too.  Threads of the parent that wait on the
 *         number itself are called out of it, because a wait of another process
 *         could take away what was to wake them; they come back as dozers.
 *         The child keeps the number and what is shared, and has waiters,
 *         timers and files of its own from then on.  Where registrations are
 *         each process's own, all that have the file register it, and the
 *         first report counts.
 * Owners: associations and an alert end with the process that made them, also
 *         when that closes the port.  USER events stay.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/emulation/ports/portq.h"

#define EVENTS_MOST	(UINT32_MAX / 64)

static atomic_uint port_living;

/* ---- locks -------------------------------------------------------------------- */

static int
mark_here(struct port *pt, bool on)
{
	struct evany__inst *inst = pt->pt_inst;
	int error;

	error = inst->in_table->tb_be->be_mark(inst, inst->in_number, on);
	if (error == 0)
		pt->pt_shared->ps_marked = on;
	pt->pt_marks++;
	return (error);
}

static void
shared_enter(struct port *pt)
{
	pt->pt_entered = true;
	if (!pt->pt_forked)
		return;
	if (evany__lock_enter(&pt->pt_shared->ps_lock) == EOWNERDEAD) {
		evany__port_mend(pt->pt_shared);
		/* What the kernel was told last, nobody knows. */
		(void)mark_here(pt, pt->pt_shared->ps_count > 0);
	}
	pt->pt_inside = true;
}

static void
shared_leave(struct port *pt)
{
	pt->pt_entered = false;
	if (!pt->pt_inside)
		return;
	pt->pt_inside = false;
	evany__lock_leave(&pt->pt_shared->ps_lock);
}

void
evany__port_inside(struct port *pt)
{
	shared_enter(pt);
	if (pt->pt_rearm != pt->pt_shared->ps_rearm)
		evany__port_fd_catch_up(pt);
	if (pt->pt_alerts != pt->pt_shared->ps_alerts) {
		/* Set by another process. */
		pt->pt_alerts = pt->pt_shared->ps_alerts;
		evany__port_alert_waiters(pt);
	}
}

void
evany__port_enter(struct port *pt, int number)
{
	evany__inst_enter(pt->pt_inst, number);
	evany__port_inside(pt);
}

/*
 * The number used names another file: is there one that we know of and that
 * names the port?  Lets go of the locks.
 */
static bool
port_renumber(struct port *pt)
{
	struct evany__inst *inst = pt->pt_inst;
	int list[EVANY__NUMBERS], n;

	shared_leave(pt);
	evany__inst_unlock(inst);
	n = evany__inst_numbers(inst, list, EVANY__NUMBERS);
	evany__inst_enter(inst, n > 0 ? list[0] : -1);
	shared_enter(pt);
	return (n > 0);
}

/* Somebody is on his way who takes what is queued, or marks it. */
static bool
rung(const struct port *pt)
{
	return (pt->pt_rung && !pt->pt_forked &&
	    pt->pt_shared->ps_called == 0);
}

int
evany__port_tell(struct port *pt)
{
	struct evany__inst *inst = pt->pt_inst;
	struct port_shared *ps = pt->pt_shared;
	int error;

	if ((ps->ps_marked || rung(pt)) && ps->ps_dozers == 0)
		return (inst->in_table->tb_be->be_names(inst,
		    inst->in_number) ? 0 : EIDRM);
	error = mark_here(pt, true);
	pt->pt_told = error == 0;
	return (error);
}

/* Is there anything to be marked for? */
static bool
port_busy(struct port *pt)
{
	struct port_shared *ps = pt->pt_shared;

	if (ps->ps_count > 0)
		return (true);
	if (ps->ps_called > 0 && !evany__port_own(pt, &ps->ps_caller) &&
	    !evany__port_alive(&ps->ps_caller))
		ps->ps_called = 0;
	return (ps->ps_called > 0);
}

/* Tells the mechanism, through the number used. */
static int
settle_here(struct port *pt)
{
	struct evany__inst *inst = pt->pt_inst;
	struct port_shared *ps = pt->pt_shared;
	bool on = port_busy(pt) && (ps->ps_marked || !rung(pt));
	int error = 0;

	if (on != ps->ps_marked) {
		error = mark_here(pt, on);
		pt->pt_told |= on && error == 0;
	}
	if (error == 0 && pt->pt_news && !pt->pt_told && ps->ps_dozers > 0)
		error = inst->in_table->tb_be->be_rouse(inst, inst->in_number);
	return (error);
}

int
evany__port_settle(struct port *pt)
{
	int error;

	if ((error = settle_here(pt)) == EIDRM && port_renumber(pt))
		(void)settle_here(pt);
	if (pt->pt_shared->ps_count > 0)
		evany__port_serve(pt);
	pt->pt_news = pt->pt_told = false;
	return (error == EIDRM ? EIDRM : 0);
}

/* Nothing is queued, and nobody was told of anything. */
static bool
port_silent(const struct port *pt)
{
	const struct port_shared *ps = pt->pt_shared;

	return (!pt->pt_news && ps->ps_count == 0 && !ps->ps_marked &&
	    ps->ps_called == 0);
}

int
evany__port_leave(struct port *pt)
{
	int error = port_silent(pt) ? 0 : evany__port_settle(pt);

	shared_leave(pt);
	(void)evany__inst_leave(pt->pt_inst);
	return (error);
}

bool
evany__port_rings(const struct port *pt)
{
	const struct port_shared *ps = pt->pt_shared;

	return (pt->pt_direct > 0 && !pt->pt_rung && !pt->pt_forked &&
	    !ps->ps_marked && ps->ps_dozers == 0 && ps->ps_called == 0);
}

/*
 * Whoever is rung for takes the lock at once, so it is given back first.  The
 * thread counts as a holder all the while, for signal handlers.
 */
int
evany__port_ring(struct port *pt)
{
	struct evany__inst *inst = pt->pt_inst;
	int error, number = inst->in_number;

	pt->pt_rung = true;
	pt->pt_rings++;
	pt->pt_news = false;
	(void)atomic_fetch_add(&pt->pt_ringing, 1);
	evany__lock_mark();
	shared_leave(pt);
	(void)evany__inst_leave(inst);
	error = inst->in_table->tb_be->be_wake(inst, number);
	if (atomic_fetch_sub(&pt->pt_ringing, 1) == 1 &&
	    atomic_exchange(&pt->pt_stray, false)) {
		evany__port_enter(pt, number);
		evany__port_unring(pt, number);
		(void)evany__port_leave(pt);
	}
	evany__lock_unmark();
	return (error);
}

bool
evany__port_intrude(struct port *pt)
{
	if (pt->pt_entered)
		return (false);
	evany__port_inside(pt);
	return (true);
}

void
evany__port_retreat(struct port *pt)
{
	(void)evany__port_settle(pt);
	shared_leave(pt);
}

bool
evany__port_alive(const struct port_owner *po)
{
	return (evany__alive(po->po_pid));
}

/* In the mechanism's thread: nobody may be there to gather. */
static void
port_found(struct evany__inst *inst)
{
	struct port *pt = port_of(inst);

	if (!evany__port_intrude(pt))
		return;
	(void)evany__port_gather(pt, inst->in_number);
	evany__port_retreat(pt);
}

/* ---- life ----------------------------------------------------------------------- */

/* A number from the environment, which only tests and administrators set. */
static uint32_t
limit(const char *name, uint32_t most, uint32_t otherwise)
{
	const char *text = NULL;
	char *end;
	unsigned long n;

#ifdef HAVE_SECURE_GETENV
	text = secure_getenv(name);
#else
	if (geteuid() == getuid() && getegid() == getgid())
		text = getenv(name);
#endif
	if (text == NULL || text[0] < '0' || text[0] > '9')
		return (otherwise);
	n = strtoul(text, &end, 10);
	return (*end != '\0' || n == 0 || n > most ? otherwise : (uint32_t)n);
}

/* This process uses the port from now on. */
static void
port_enlist(struct port *pt)
{

	pt->pt_self.po_pid = getpid();
	pt->pt_self.po_place = atomic_fetch_add(&pt->pt_shared->ps_places, 1) +
	    1;
}

static int
port_init(struct evany__inst *inst)
{
	struct port *pt;

	if ((pt = calloc(1, sizeof(*pt))) == NULL)
		return (ENOMEM);
	pt->pt_shared = evany__port_shared_new(limit("EVANY_PORT_EVENTS",
	    EVENTS_MOST, PORT_EVENTS));
	if (pt->pt_shared == NULL) {
		free(pt);
		return (ENOMEM);
	}
	pt->pt_inst = inst;
	port_enlist(pt);
	TAILQ_INIT(&pt->pt_waiters);
	RB_INIT(&pt->pt_files);
	inst->in_data = pt;
	(void)atomic_fetch_add(&port_living, 1);
	return (0);
}

int
evany__port_create(int *numberp)
{
	uint32_t most = limit("EVANY_PORTS", UINT32_MAX, PORT_PORTS);

	if (atomic_load(&port_living) >= most) {
		/* Those that were closed, nobody has told us of. */
		evany__inst_sweep();
		if (atomic_load(&port_living) >= most)
			return (EAGAIN);
	}
	return (evany__inst_create(&evany__port_driver, 0, port_init,
	    numberp));
}

struct port *
evany__port_find(int number, bool check, int *errorp)
{
	struct evany__inst *inst;

	if ((inst = evany__inst_find(number, check)) != NULL) {
		if (inst->in_driver == &evany__port_driver) {
			evany__watched_always(number);
			return (port_of(inst));
		}
		evany__inst_drop(inst);
	}
	*errorp = number < 0 || fcntl(number, F_GETFD) == -1 ? EBADF : EBADFD;
	return (NULL);
}

void
evany__port_drop(struct port *pt)
{
	evany__inst_drop(pt->pt_inst);
}

/* This process has closed the port: what is its own goes. */
static void
port_disown(struct port *pt)
{
	struct port_shared *ps = pt->pt_shared;
	struct port_slot *sl;
	uint32_t i;

	for (i = 0; i < ps->ps_fresh; i++) {
		sl = &ps->ps_slots[i];
		if (sl->sl_source != 0 && sl->sl_source != PORT_SOURCE_USER &&
		    evany__port_own(pt, &sl->sl_owner))
			evany__port_source(sl)->so_drop(pt, sl);
	}
	if (evany__port_own(pt, &ps->ps_alert.pa_owner))
		ps->ps_alert.pa_events = 0;
}

/* Lock held; the numbers are closed already. */
static void
port_close(struct evany__inst *inst)
{
	struct port *pt = port_of(inst);

	shared_enter(pt);
	port_disown(pt);
	evany__port_file_close(pt);
#ifdef EVANY_MQUEUE
	evany__port_mq_close(pt);
#endif
	shared_leave(pt);
	evany__port_shared_free(pt->pt_shared);
	free(pt);
	(void)atomic_fetch_sub(&port_living, 1);
}

/* libevany-interpose: a number is about to be closed. */
static void
port_closing(struct evany__inst *inst, int number)
{
	struct port *pt = port_of(inst);
	const struct evany__be_ops *be = inst->in_table->tb_be;

	shared_enter(pt);
	evany__port_fd_closing(pt, number);
	if (be->be_names(inst, number)) {
		inst->in_number = number;
		port_disown(pt);
		evany__port_close_waiters(pt, number);
		(void)evany__port_settle(pt);
	}
	shared_leave(pt);
}

/* ---- fork -------------------------------------------------------------------------- */

static void
port_fork(struct evany__inst *inst, enum evany__fork when)
{
	struct port *pt = port_of(inst);

	switch (when) {
	case EVANY__FORK_BEFORE:
		shared_enter(pt);
		evany__port_call_direct(pt);
		/* What the mark is made of must be there in both. */
		(void)mark_here(pt, true);
		if (!port_busy(pt))
			(void)mark_here(pt, false);
		shared_leave(pt);
		pt->pt_forked = true;
		break;
	case EVANY__FORK_PARENT:
		break;
	case EVANY__FORK_CHILD:
		port_enlist(pt);
		pt->pt_direct = 0;
		pt->pt_news = pt->pt_rung = false;
		atomic_store(&pt->pt_ringing, 0);
		atomic_store(&pt->pt_stray, false);
		TAILQ_INIT(&pt->pt_waiters);
		evany__port_fd_forget(pt);
		evany__port_file_forget(pt);
#ifdef EVANY_MQUEUE
		evany__port_mq_forget(pt);
#endif
		break;
	}
}

static void
port_again(struct evany__inst *inst)
{
	struct port *pt = port_of(inst);
	bool intruded = evany__port_intrude(pt);

	evany__port_fd_rearm(pt);
	if (pt->pt_rung)
		evany__port_unring(pt, inst->in_number);
	if (intruded)
		evany__port_retreat(pt);
}

const struct evany__driver evany__port_driver = {
	.dr_name = "ports",
	.dr_again = port_again,
	.dr_found = port_found,
	.dr_timer = evany__port_timer_expire,
	.dr_closing = port_closing,
	.dr_close = port_close,
	.dr_fork = port_fork
};
