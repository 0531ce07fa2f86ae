/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * pm_port: what must come of a call on a port, and what it leaves behind.
 */
#include "config.h"

#include "pm.h"

#define NEVER	UINT64_MAX	/* as_hi: nobody has looked for sure */

enum sure { NO, MAY, MUST };

static enum sure
allow(enum pm_approx what)
{
	pm_allowed[what]++;
	return (MAY);
}

static struct pm_port *
port_of(struct pm_world *w, int exec, const struct pm_op *op)
{
	return (&w->pw_port[w->pw_fd[pm_proc(exec)][op->op_port]->mf_port]);
}

/* ---- associations -------------------------------------------------------------- */

/* Can a call of the process not see for itself whether it is ready? */
static bool
far(const struct pm_world *w, const struct pm_assoc *as, int proc)
{
	return (!w->pw_linux && w->pw_forked && as->as_hi == NEVER &&
	    w->pw_fd[proc][as->as_fd] != as->as_file);
}

/* Its file was looked at, or may have been, from now on it is as it is. */
static void
looked(struct pm_world *w, struct pm_port *po, int proc)
{
	struct pm_assoc *as;

	for (as = po->po_assoc; as < po->po_assoc + PM_ASSOCS; as++)
		if (as->as_state == PM_ARMED && as->as_must &&
		    as->as_hi == NEVER && !far(w, as, proc))
			as->as_hi = w->pw_seq;
}

static void
refresh(struct pm_world *w, struct pm_assoc *as)
{
	int bits;

	if (as->as_state != PM_ARMED || as->as_kind == PM_PLAIN ||
	    as->as_file == NULL || as->as_hi != NEVER)
		return;
	bits = pm_ready(as->as_file) & (as->as_mask | POLLHUP | POLLERR);
	as->as_must = bits != 0;
	if (bits == 0)
		return;
	if (!as->as_may) {
		as->as_lo = w->pw_seq;
		as->as_all = bits;
	}
	as->as_may = true;
	as->as_all &= bits;
	as->as_any |= bits;
	/* The error of a socket is there until somebody takes it. */
	if (as->as_file->mf_reset)
		as->as_any |= POLLERR;
}

void
pm_port_refresh(struct pm_world *w, struct pm_port *po)
{
	int i;

	for (i = 0; i < PM_ASSOCS; i++)
		refresh(w, &po->po_assoc[i]);
}

/* Does the process find an event about it in the queue, for whoever? */
static enum sure
queued(const struct pm_world *w, const struct pm_assoc *as, int proc)
{
	if (as->as_state != PM_ARMED)
		return (NO);
	if (as->as_loose)
		return (allow(PA_SAME_FILE));
	if (!as->as_may)
		return (NO);
	if (as->as_dead)
		return (allow(PA_DEAD));
	if (as->as_closed)
		return (allow(PA_CLOSED));
	if (as->as_must && far(w, as, proc))
		return (allow(PA_FAR));
	return (as->as_must ? MUST : allow(PA_PASSED));
}

/* And may the process have it? */
static enum sure
deliverable(struct pm_world *w, const struct pm_assoc *as, int proc)
{
	const struct pm_file *f = w->pw_fd[proc][as->as_fd];
	enum sure sure = queued(w, as, proc);

	if (sure == NO || as->as_loose)
		return (sure);
	if (as->as_dead || f == NULL || f != as->as_file)
		return (NO);
	if (as->as_owner == proc && as->as_closed)
		return (NO);
	return (sure);
}

/* Does the number name here what the other process's one is about? */
static bool
shared(const struct pm_world *w, const struct pm_assoc *as, int proc,
    uintptr_t fd)
{
	const struct pm_file *f = w->pw_fd[proc][fd];

	/* Its file may have gone; it is taken for the one that came after. */
	return (f != NULL && (as->as_file == f || (as->as_loose &&
	    w->pw_fd[as->as_owner][fd] == f)));
}

/* The one of this process's number: its own, or another's of the same file. */
static struct pm_assoc *
find(struct pm_world *w, struct pm_port *po, int proc, uintptr_t fd)
{
	struct pm_assoc *as, *other = NULL, *old = NULL;

	for (as = po->po_assoc; as < po->po_assoc + PM_ASSOCS; as++) {
		if (as->as_state == PM_NONE || (uintptr_t)as->as_fd != fd ||
		    as->as_dead)
			continue;
		if (as->as_owner == proc && as->as_closed)
			old = as;
		else if (as->as_owner == proc)
			return (as);
		else if (shared(w, as, proc, fd))
			other = as;
	}
	if (old == NULL || other == NULL)
		return (old != NULL ? old : other);
	/* It has ended, unless it is taken for the one before. */
	if (old->as_loose)
		other->as_loose = true;
	old->as_state = PM_NONE;
	po->po_orphan = true;
	return (other);
}

/* Slots in use: at least, and at most. */
static void
used(const struct pm_port *po, int *leastp, int *mostp)
{
	const struct pm_assoc *as;

	*leastp = *mostp = po->po_users;
	for (as = po->po_assoc; as < po->po_assoc + PM_ASSOCS; as++) {
		if (as->as_state == PM_NONE)
			continue;
		*mostp += as->as_merged ? 2 : 1;
		if (!as->as_dead && !as->as_closed && !as->as_loose)
			(*leastp)++;
	}
}

/* Is EAGAIN, or success, what the number of slots asks for? */
static void
room(struct pm_world *w, const struct pm_port *po, const char *what,
    bool full)
{
	int least, most;

	used(po, &least, &most);
	if (full && most < PM_SLOTS)
		pm_fail(w, "%s: EAGAIN with %d of %d slots in use", what,
		    most, PM_SLOTS);
	if (!full && least >= PM_SLOTS)
		pm_fail(w, "%s: success with %d of %d slots in use", what,
		    least, PM_SLOTS);
}

static struct pm_assoc *
assoc_new(struct pm_world *w, struct pm_port *po)
{
	struct pm_assoc *as, *dead = NULL;

	for (as = po->po_assoc; as < po->po_assoc + PM_ASSOCS; as++) {
		if (as->as_state == PM_NONE)
			return (as);
		if (as->as_dead || as->as_closed)
			dead = as;
	}
	if (dead == NULL)
		pm_fail(w, "the model has no room for an association");
	return (dead != NULL ? dead : po->po_assoc);
}

static void
arm(struct pm_world *w, struct pm_assoc *as, const struct pm_op *op)
{
	as->as_state = PM_ARMED;
	as->as_kind = as->as_file->mf_kind;
	as->as_mask = op->op_events;
	as->as_user = op->op_user;
	as->as_may = as->as_must = false;
	as->as_any = as->as_all = 0;
	as->as_hi = NEVER;
	if (as->as_kind == PM_PLAIN) {
		as->as_any = as->as_all = pm_ready(as->as_file) & as->as_mask;
		as->as_may = as->as_must = as->as_any != 0;
		as->as_lo = as->as_hi = w->pw_seq;
	}
	refresh(w, as);
}

void
pm_associated(struct pm_world *w, int exec, const struct pm_op *op,
    const struct pm_reply *re)
{
	struct pm_port *po = port_of(w, exec, op);
	int proc = pm_proc(exec);
	struct pm_assoc *as = find(w, po, proc, op->op_fd);

	/* One whose number was closed may have been found out. */
	if (re->re_ret == -1 && re->re_error == EAGAIN &&
	    (as == NULL || as->as_closed || as->as_loose)) {
		room(w, po, "port_associate", true);
		if (as != NULL && as->as_owner == proc)
			as->as_state = PM_NONE;
		return;
	}
	if (re->re_closed) {
		if (re->re_ret != -1 || re->re_error != EBADFD)
			pm_fail(w, "port_associate of a closed number: %d, "
			    "errno %d", re->re_ret, re->re_error);
		if (as != NULL && as->as_owner == proc)
			as->as_state = PM_NONE;
		return;
	}
	if (re->re_ret != 0) {
		pm_fail(w, "port_associate: errno %d", re->re_error);
		return;
	}
	po->po_had_fd = true;
	if (as == NULL) {
		room(w, po, "port_associate", false);
		as = assoc_new(w, po);
		memset(as, 0, sizeof(*as));
		as->as_fd = (int)op->op_fd;
		as->as_owner = proc;
	} else if (as->as_owner != proc && as->as_closed) {
		/* It has ended, which may not have been found out. */
		as->as_owner = proc;
		as->as_merged = true;
	}
	po->po_orphan |= as->as_closed;
	as->as_closed = false;
	if (as->as_owner == proc)
		as->as_loose = as->as_merged;
	as->as_file = w->pw_fd[proc][op->op_fd];
	arm(w, as, op);
}

void
pm_dissociated(struct pm_world *w, int exec, const struct pm_op *op,
    const struct pm_reply *re)
{
	struct pm_port *po = port_of(w, exec, op);
	int error = 0, proc = pm_proc(exec);
	struct pm_assoc *as;
	bool own;

	as = op->op_fd > INT_MAX ? NULL : find(w, po, proc, op->op_fd);
	own = as != NULL && as->as_owner == proc;
	if (op->op_fd > INT_MAX)
		error = EBADFD;
	else if (re->re_closed)
		error = po->po_had_fd ? EBADFD : ENOENT;
	else if (as == NULL)
		error = ENOENT;
	else if (!own)
		error = EACCES;
	else if (as->as_closed || as->as_state == PM_IDLE)
		error = ENOENT;
	if (as != NULL && as->as_loose && re->re_ret == 0)
		error = 0;
	if (as != NULL && (as->as_loose || (!own && as->as_closed)) &&
	    re->re_ret == -1 && (re->re_error == ENOENT ||
	    re->re_error == EACCES))
		error = re->re_error;
	if (re->re_ret != (error != 0 ? -1 : 0) ||
	    (error != 0 && re->re_error != error))
		pm_fail(w, "port_dissociate: %d, errno %d, not %d", re->re_ret,
		    re->re_error, error);
	po->po_orphan |= own && as->as_closed;
	/* One that is taken for the one before may keep its slot. */
	if (own && (error == 0 || re->re_closed ||
	    (as->as_closed && !as->as_loose)))
		as->as_state = PM_NONE;
}

/* ---- events of the program's own, and alerts ----------------------------------------- */

static void
send_one(struct pm_world *w, struct pm_port *po, const struct pm_op *op,
    int error)
{
	struct pm_user *us;

	if (error != 0 && error != EAGAIN) {
		pm_fail(w, "a send: errno %d", error);
		return;
	}
	room(w, po, "a send", error != 0);
	if (error != 0 || po->po_users == PM_USERS)
		return;
	us = &po->po_user[po->po_users++];
	us->us_seq = ++w->pw_seq;
	us->us_events = op->op_events;
	us->us_user = op->op_user;
}

void
pm_sent(struct pm_world *w, int exec, const struct pm_op *op,
    const struct pm_reply *re)
{
	send_one(w, port_of(w, exec, op), op,
	    re->re_ret == 0 ? 0 : re->re_error);
}

void
pm_sent_list(struct pm_world *w, int exec, const struct pm_op *op,
    const struct pm_reply *re)
{
	bool failed = re->re_ret != (int)op->op_n;
	int error, n, sent = 0;
	uint_t i;

	for (i = 0; i < op->op_n; i++) {
		n = op->op_ports[i];
		error = failed ? re->re_errors[i] : 0;
		sent += error == 0;
		if (n == -1 || !pm_is_port(w->pw_fd[pm_proc(exec)][n])) {
			if (error != (n == -1 ? EBADF : EBADFD))
				pm_fail(w, "port_sendn: errors[%u] is %d", i,
				    error);
		} else
			send_one(w, &w->pw_port[w->pw_fd[pm_proc(exec)][n]->
			    mf_port], op, error);
	}
	if (re->re_ret != sent)
		pm_fail(w, "port_sendn: %d of %d were sent", re->re_ret, sent);
}

void
pm_alerted(struct pm_world *w, int exec, const struct pm_op *op,
    const struct pm_reply *re)
{
	struct pm_port *po = port_of(w, exec, op);
	int error = 0;

	if (op->op_events == 0)
		;
	else if ((op->op_flags & PORT_ALERT_INVALID) == PORT_ALERT_INVALID)
		error = EINVAL;
	else if (op->op_flags == PORT_ALERT_UPDATE && po->po_alert != 0)
		error = EBUSY;
	if (re->re_ret != (error != 0 ? -1 : 0) ||
	    (error != 0 && re->re_error != error))
		pm_fail(w, "port_alert: %d, errno %d, not %d", re->re_ret,
		    re->re_error, error);
	if (error != 0)
		return;
	po->po_alert = op->op_events;
	po->po_alert_user = op->op_user;
	po->po_alert_owner = pm_proc(exec);
}

/* ---- retrieval ----------------------------------------------------------------------------- */

struct sum {
	int	su_all[2];	/* queued, at least and at most */
	int	su_mine[2];	/* of them for this process */
	bool	su_doubt;	/* there are some that it may find void */
};

static struct sum
sum(struct pm_world *w, struct pm_port *po, int proc)
{
	struct pm_assoc *as;
	struct sum su;
	enum sure any, mine;

	su.su_all[0] = su.su_all[1] = po->po_users;
	su.su_mine[0] = su.su_mine[1] = po->po_users;
	su.su_doubt = false;
	for (as = po->po_assoc; as < po->po_assoc + PM_ASSOCS; as++) {
		any = queued(w, as, proc);
		mine = deliverable(w, as, proc);
		su.su_all[0] += any == MUST;
		su.su_all[1] += any != NO;
		su.su_mine[0] += mine == MUST;
		su.su_mine[1] += mine != NO;
		su.su_doubt |= any == MAY;
	}
	return (su);
}

/* One that is returned, with its place in the queue. */
struct taken {
	uint64_t	ta_lo, ta_hi;
};

static void
take_user(struct pm_world *w, struct pm_port *po, const port_event_t *ev,
    struct taken *ta)
{
	const struct pm_user *us = &po->po_user[0];

	if (po->po_users == 0) {
		pm_fail(w, "%s, which nobody sent", evt_port_text(ev));
		return;
	}
	if (ev->portev_events != us->us_events ||
	    ev->portev_user != us->us_user || ev->portev_object != 0)
		pm_fail(w, "%s is not the oldest, %#x with %p",
		    evt_port_text(ev), us->us_events, us->us_user);
	ta->ta_lo = ta->ta_hi = us->us_seq;
	memmove(&po->po_user[0], &po->po_user[1],
	    (size_t)--po->po_users * sizeof(*us));
}

static void
take_fd(struct pm_world *w, struct pm_port *po, int proc,
    const port_event_t *ev, struct taken *ta)
{
	struct pm_assoc *a, *as = NULL;

	for (a = po->po_assoc; a < po->po_assoc + PM_ASSOCS; a++)
		if ((uintptr_t)a->as_fd == ev->portev_object &&
		    deliverable(w, a, proc) != NO &&
		    (as == NULL || a->as_user == ev->portev_user))
			as = a;
	if (as == NULL) {
		pm_fail(w, "%s: no such event may be there",
		    evt_port_text(ev));
		return;
	}
	if (ev->portev_user != as->as_user)
		pm_fail(w, "%s: not with %p", evt_port_text(ev), as->as_user);
	if (!as->as_loose && ((ev->portev_events & ~as->as_any) != 0 ||
	    (as->as_all & ~ev->portev_events) != 0 ||
	    ev->portev_events == 0))
		pm_fail(w, "%s: not between %#x and %#x", evt_port_text(ev),
		    as->as_all, as->as_any);
	ta->ta_lo = as->as_loose ? 0 : as->as_lo;
	ta->ta_hi = as->as_loose ? NEVER : as->as_hi;
	as->as_state = PM_IDLE;
}

/* Did they come in order, and did nothing stand before them that stays? */
static void
in_order(struct pm_world *w, struct pm_port *po, int proc,
    const struct taken *ta, int n)
{
	struct pm_assoc *as;
	int i, k;

	for (i = 0; i < n; i++) {
		for (k = i + 1; k < n; k++)
			if (ta[i].ta_lo > ta[k].ta_hi)
				pm_fail(w, "event %d came before event %d, "
				    "which is older", i, k);
		if (po->po_users > 0 && po->po_user[0].us_seq < ta[i].ta_lo)
			pm_fail(w, "event %d came before an older one of "
			    "source USER", i);
		for (as = po->po_assoc; as < po->po_assoc + PM_ASSOCS; as++)
			if (deliverable(w, as, proc) == MUST &&
			    as->as_hi < ta[i].ta_lo)
				pm_fail(w, "event %d came before an older one "
				    "of descriptor %d", i, as->as_fd);
	}
}

static void
take(struct pm_world *w, struct pm_port *po, int proc,
    const port_event_t *list, int n)
{
	struct taken ta[PM_LIST];
	int i;

	for (i = 0; i < n && w->pw_why[0] == '\0'; i++) {
		memset(&ta[i], 0, sizeof(ta[i]));
		switch (list[i].portev_source) {
		case PORT_SOURCE_USER:
			take_user(w, po, &list[i], &ta[i]);
			break;
		case PORT_SOURCE_FD:
			take_fd(w, po, proc, &list[i], &ta[i]);
			break;
		default:
			pm_fail(w, "event %d: %s", i, evt_port_text(&list[i]));
		}
	}
	if (w->pw_why[0] == '\0')
		in_order(w, po, proc, ta, n);
}

static void
take_alert(struct pm_world *w, const struct pm_port *po, int n,
    const port_event_t *ev)
{
	if (n != 1 || ev->portev_source != PORT_SOURCE_ALERT ||
	    ev->portev_events != po->po_alert ||
	    ev->portev_user != po->po_alert_user || ev->portev_object != 0)
		pm_fail(w, "in alert mode %d events, %s", n,
		    n > 0 ? evt_port_text(ev) : "none");
}

void
pm_due(struct pm_world *w, int exec, const struct pm_op *op, bool *must,
    bool *may)
{
	struct pm_port *po = port_of(w, exec, op);
	struct sum su = sum(w, po, pm_proc(exec));
	int n = (int)op->op_n;

	*must = po->po_alert != 0 || (su.su_all[0] >= n && su.su_mine[0] > 0);
	*may = *must || (su.su_all[1] >= n && su.su_mine[1] > 0);
}

/* What was returned lies between the least and the most there can be. */
static void
enough(struct pm_world *w, const struct sum *su, const struct pm_op *op,
    int n, bool slept)
{
	int least = su->su_mine[0], most = su->su_mine[1];
	int max = (int)op->op_max;

	/* What is found to be void counts, until it is looked at. */
	if (slept || su->su_doubt)
		least = least > 0 ? 1 : 0;
	if (least > max)
		least = max;
	if (n < least || n > most || n > max)
		pm_fail(w, "%d events, not %d to %d, at most %d", n, least,
		    most, max);
}

void
pm_got(struct pm_world *w, int exec, const struct pm_op *op,
    const struct pm_reply *re, bool slept)
{
	struct pm_port *po = port_of(w, exec, op);
	struct sum su = sum(w, po, pm_proc(exec));
	bool late = false, may, must;
	int n = (int)re->re_n;

	if (op->op_call == PM_GET)
		n = re->re_ret == 0 && re->re_list[0].portev_source != 0;
	pm_due(w, exec, op, &must, &may);
	if (op->op_max < op->op_n) {
		if (re->re_ret != -1 || re->re_error != EINVAL)
			pm_fail(w, "n above max: %d, errno %d", re->re_ret,
			    re->re_error);
		return;
	}
	if (op->op_n == 0) {
		if (re->re_ret != 0 || n != 0)
			pm_fail(w, "n 0: %d, %d events", re->re_ret, n);
		return;
	}
	if (re->re_ret == -1) {
		late = op->op_ms > 0 && re->re_error == ETIME;
		if (!late || must)
			pm_fail(w, "errno %d", re->re_error);
	} else if (op->op_ms != 0 && !may)
		pm_fail(w, "the wait ended for nothing, with %d events", n);
	if (po->po_alert != 0 && !(w->pw_doubt && slept &&
	    re->re_list[0].portev_source != PORT_SOURCE_ALERT)) {
		take_alert(w, po, late ? 0 : n, re->re_list);
		return;
	}
	enough(w, &su, op, n, slept);
	take(w, po, pm_proc(exec), re->re_list, n);
	if (n < (int)op->op_max && !su.su_doubt)
		looked(w, po, pm_proc(exec));
}

void
pm_counted(struct pm_world *w, int exec, const struct pm_op *op,
    const struct pm_reply *re)
{
	struct pm_port *po = port_of(w, exec, op);
	struct sum su = sum(w, po, pm_proc(exec));
	int n = (int)re->re_n;

	if (re->re_ret != 0)
		pm_fail(w, "max 0: errno %d", re->re_error);
	else if (n < su.su_all[0] || n > su.su_all[1])
		pm_fail(w, "max 0: %d queued, not %d to %d", n, su.su_all[0],
		    su.su_all[1]);
	looked(w, po, pm_proc(exec));
}

void
pm_polled(struct pm_world *w, int exec, const struct pm_op *op,
    const struct pm_reply *re)
{
	struct pm_port *po = port_of(w, exec, op);
	struct sum su = sum(w, po, pm_proc(exec));

	if (su.su_all[0] > 0 && re->re_ret != 1)
		pm_fail(w, "%d events queued, and not readable", su.su_all[0]);
	/* A fork has the wait that sleeps come to another place to sleep at. */
	if (su.su_all[1] == 0 && re->re_ret != 0 && w->pw_linux &&
	    w->pw_waiter == -1 && !po->po_orphan)
		pm_fail(w, "nothing queued, and readable");
}
