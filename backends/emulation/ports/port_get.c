/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * port_get: retrieving, and waiting until there is enough to retrieve.
 *
 * Gather:  a wait of the mechanism reports what is ready, and every report
 *          becomes a queued slot, or is served if it concerns a feeder or an
 *          alarm.  Then the head of the queue is taken.
 * Direct:  a thread that wants one event, in a port that has never been through
 *          a fork, waits on the number itself: the kernel wakes one of them for
 *          each report, and also for the mark, which is on while anything is
 *          queued.  None of them sleeps then, so none is forgotten.  If one
 *          sleeps on an empty queue, a USER event rings for it instead
 *          (pt_rung): the bell comes after the lock was given back, and is gone
 *          with its record.  Until the one who was rung for comes, he stands
 *          for the mark.  One who comes without a bell that is surely the last
 *          one takes it in, or leaves that to who is about to ring (pt_stray).
 * List:    others must sleep although something is queued: they want more, or
 *          what there is is another process's.  They stand in a list, those
 *          that want least first.  One of them, the leader, dozes for all; the
 *          rest are parked.  Whoever leaves the queue with enough in it for the
 *          first in the list wakes that one, and a leader that goes calls the
 *          next.
 * Alert:   every waiter gets a copy when it is set, and is called: the leader by
 *          be_rouse, whatever others take; direct ones by the mark, which stays
 *          on until the last of them has come out (ps_called).  Who comes
 *          meanwhile joins the list, so as not to spin.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "backends/emulation/ports/portq.h"

#define RECORDS		128	/* of one wait of the mechanism */

static const struct port_source *const sources[] = {
	[PORT_SOURCE_USER] = &evany__port_src_user,
	[PORT_SOURCE_FD] = &evany__port_src_fd,
	[PORT_SOURCE_AIO] = &evany__port_src_once,
	[PORT_SOURCE_MQ] = &evany__port_src_once,
	[PORT_SOURCE_TIMER] = &evany__port_src_timer,
	[PORT_SOURCE_FILE] = &evany__port_src_file
};

const struct port_source *
evany__port_source(const struct port_slot *sl)
{
	return (sources[sl->sl_source]);
}

/* ---- taking from the queue ----------------------------------------------------- */

static enum port_take
may_take(struct port *pt, struct port_slot *sl)
{
	const struct port_source *so = evany__port_source(sl);

	if (so->so_private && !evany__port_own(pt, &sl->sl_owner))
		return (evany__port_alive(&sl->sl_owner) ? PORT_SKIP :
		    PORT_DROP);
	return (so->so_take(pt, sl));
}

/* At most max of the events that this process may have; how many. */
static uint32_t
take(struct port *pt, port_event_t *list, uint32_t max)
{
	struct port_shared *ps = pt->pt_shared;
	struct port_slot *sl;
	uint32_t got = 0, i, next;

	for (i = ps->ps_head; i != PORT_NONE && got < max; i = next) {
		sl = &ps->ps_slots[i];
		next = sl->sl_next;
		switch (may_take(pt, sl)) {
		case PORT_TAKE:
			list[got].portev_events = sl->sl_events;
			list[got].portev_source = sl->sl_source;
			list[got].portev_object = sl->sl_object;
			list[got].portev_user = sl->sl_user;
			got++;
			evany__port_unqueue(pt, sl);
			evany__port_source(sl)->so_taken(pt, sl);
			break;
		case PORT_DROP:
			evany__port_slot_drop(pt, sl);
			break;
		case PORT_SKIP:
			break;
		}
	}
	return (got);
}

/* ---- gathering -------------------------------------------------------------------- */

/* Was there a bell, or the mark? */
static bool
absorb(struct port *pt, const struct evany__ready *rd, int n)
{
	bool bell = false;
	int i;

	for (i = 0; i < n; i++)
		switch (EVANY__COOKIE_KIND(rd[i].rd_cookie)) {
		case EVANY__CK_FD:
			evany__port_fd_record(pt, &rd[i]);
			break;
		case EVANY__CK_FEEDER:
		case EVANY__CK_ALARM:
			evany__inst_record(pt->pt_inst, &rd[i]);
			break;
		case EVANY__CK_BELL:
			bell = true;
			break;
		}
	return (bell);
}

/* The records are another instance's: number was closed and given again. */
static bool
foreign(struct port *pt, const struct evany__ready *rd, int n)
{
	return (n > 0 && EVANY__COOKIE_TAG(rd[0].rd_cookie) !=
	    pt->pt_inst->in_tag);
}

int
evany__port_gather(struct port *pt, int number)
{
	const struct evany__be_ops *be = pt->pt_inst->in_table->tb_be;
	struct evany__ready rd[RECORDS];
	int error, n;

	evany__inst_ask(pt->pt_inst);
	do {
		error = be->be_wait(pt->pt_inst, number, NULL, 0, rd, RECORDS,
		    &n, 0);
		if (error != 0)
			return (error == EINVAL ? EBADF : error);
		if (foreign(pt, rd, n))
			return (EBADF);
		if (absorb(pt, rd, n) && !pt->pt_shared->ps_marked)
			pt->pt_rung = false;
	} while (n == RECORDS);
	return (0);
}

/*
 * A wait through a number that is another instance's by now would take that
 * one's reports.  It is asked for where dup2(2) may have swapped numbers.
 */
static bool
named(struct port *pt, int number)
{
	struct evany__inst *inst = pt->pt_inst;

	return (!evany__inst_many() ||
	    inst->in_table->tb_be->be_names(inst, number));
}

/*
 * Sees to it that max events are queued if there are so many, and that number
 * names the port: the call to the mechanism tells, whichever is needed.
 */
static int
prepare(struct port *pt, int number, uint32_t max)
{
	struct evany__inst *inst = pt->pt_inst;
	const struct evany__be_ops *be = inst->in_table->tb_be;
	struct port_shared *ps = pt->pt_shared;
	int error;

	if (ps->ps_count < max || pt->pt_forked)
		return (named(pt, number) ? evany__port_gather(pt, number) :
		    EBADF);
	if (ps->ps_count == max && ps->ps_marked && ps->ps_called == 0) {
		if ((error = be->be_mark(inst, number, false)) == 0)
			ps->ps_marked = false;
		pt->pt_marks++;
		return (error);
	}
	return (be->be_names(inst, number) ? 0 : EBADF);
}

void
evany__port_unring(struct port *pt, int number)
{
	pt->pt_rung = false;
	atomic_store(&pt->pt_stray, true);
	if (atomic_load(&pt->pt_ringing) == 0 &&
	    atomic_exchange(&pt->pt_stray, false) && named(pt, number))
		(void)evany__port_gather(pt, number);
}

/* ---- waiters ------------------------------------------------------------------------ */

static void
waiter_insert(struct port *pt, struct port_waiter *pw)
{
	struct port_waiter *other;

	TAILQ_FOREACH(other, &pt->pt_waiters, pw_link)
		if (other->pw_n > pw->pw_n) {
			TAILQ_INSERT_BEFORE(other, pw, pw_link);
			return;
		}
	TAILQ_INSERT_TAIL(&pt->pt_waiters, pw, pw_link);
}

static void
waiter_wake(struct port_waiter *pw)
{
	if (pw->pw_direct || pw->pw_leads || pw->pw_woken)
		return;
	pw->pw_woken = true;
	evany__park_wake(&pw->pw_park);
}

/*
 * Wakes the first in the list for whom there is enough, some of which it has
 * not seen.  A leader has been told by the mark, and direct ones as well.
 */
void
evany__port_serve(struct port *pt)
{
	const struct port_shared *ps = pt->pt_shared;
	struct port_waiter *pw;

	if (pt->pt_direct > 0 && !pt->pt_forked)
		return;
	TAILQ_FOREACH(pw, &pt->pt_waiters, pw_link)
		if (!pw->pw_direct && !pw->pw_woken) {
			if (pw->pw_n <= ps->ps_count &&
			    pw->pw_seen != ps->ps_seq)
				waiter_wake(pw);
			return;
		}
}

static bool
has_leader(const struct port *pt)
{
	const struct port_waiter *pw;

	TAILQ_FOREACH(pw, &pt->pt_waiters, pw_link)
		if (pw->pw_leads)
			return (true);
	return (false);
}

/* A leader has gone: the first in the list shall be it. */
static void
waiters_lead(struct port *pt)
{
	struct port_waiter *pw;

	if (has_leader(pt))
		return;
	TAILQ_FOREACH(pw, &pt->pt_waiters, pw_link)
		if (!pw->pw_direct) {
			waiter_wake(pw);
			return;
		}
}

/* The mark stays on until it has come out. */
static void
waiter_call(struct port *pt, struct port_waiter *pw)
{
	if (!pw->pw_direct || pw->pw_called)
		return;
	pw->pw_called = true;
	pt->pt_shared->ps_called++;
	pt->pt_shared->ps_caller = pt->pt_self;
}

void
evany__port_call_direct(struct port *pt)
{
	struct port_waiter *pw;

	TAILQ_FOREACH(pw, &pt->pt_waiters, pw_link)
		waiter_call(pt, pw);
}

/* Ends the waits of this process with an alert, or because of a close. */
static void
waiters_end(struct port *pt, int error, int number)
{
	struct port_waiter *pw;

	TAILQ_FOREACH(pw, &pt->pt_waiters, pw_link)
		if (pw->pw_error == 0 &&
		    (number == -1 || pw->pw_number == number)) {
			pw->pw_error = error;
			pw->pw_alert = pt->pt_shared->ps_alerted;
			waiter_call(pt, pw);
			waiter_wake(pw);
		}
	pt->pt_news = true;
}

void
evany__port_alert_waiters(struct port *pt)
{
	waiters_end(pt, PORT_ALERTED, -1);
}

void
evany__port_close_waiters(struct port *pt, int number)
{
	waiters_end(pt, EBADF, number);
}

/* A thread that sleeps was cancelled. */
struct sleep_cleanup {
	struct port		*sc_port;
	struct port_waiter	*sc_waiter;
};

static void
sleep_over(struct port *pt, struct port_waiter *pw)
{
	struct port_shared *ps = pt->pt_shared;

	TAILQ_REMOVE(&pt->pt_waiters, pw, pw_link);
	if (pw->pw_direct) {
		pt->pt_direct--;
		if (pw->pw_called && ps->ps_called > 0)
			ps->ps_called--;
		pw->pw_called = false;
	} else if (pw->pw_leads) {
		pw->pw_leads = false;
		if (ps->ps_dozers > 0)
			ps->ps_dozers--;
	} else
		evany__park_close(&pw->pw_park);
	pw->pw_woken = false;
}

static void
sleep_cancelled(void *arg)
{
	struct sleep_cleanup *sc = arg;
	struct port *pt = sc->sc_port;

	evany__port_enter(pt, sc->sc_waiter->pw_number);
	/* Reports may have gone with it. */
	if (sc->sc_waiter->pw_direct) {
		evany__port_fd_rearm(pt);
		if (pt->pt_rung)
			evany__port_unring(pt, sc->sc_waiter->pw_number);
	}
	sleep_over(pt, sc->sc_waiter);
	waiters_lead(pt);
	(void)evany__port_leave(pt);
	evany__port_drop(pt);
}

/*
 * Back from a sleep on the number with these records.  A bell is the one that
 * is waited for if it can be no older one, and not the mark.
 */
static void
came(struct port *pt, struct port_waiter *pw, const struct evany__ready *rd,
    int n)
{
	if (absorb(pt, rd, n) && pt->pt_rings == pw->pw_rings + 1 &&
	    pt->pt_marks == pw->pw_marks)
		pt->pt_rung = false;
	else if (pt->pt_rung)
		evany__port_unring(pt, pw->pw_number);
}

static EVANY__WITHIN int
wait_direct(struct port *pt, struct port_waiter *pw, struct evany__ready *rd,
    int *np, int64_t deadline)
{
	return (pt->pt_inst->in_table->tb_be->be_wait(pt->pt_inst,
	    pw->pw_number, NULL, 0, rd, RECORDS, np, deadline));
}

static EVANY__APART int
wait_cancellable(struct port *pt, struct port_waiter *pw,
    struct evany__ready *rd, int *np, int64_t deadline)
{
	struct sleep_cleanup sc = { pt, pw };
	int error;

	pthread_cleanup_push(sleep_cancelled, &sc);
	error = wait_direct(pt, pw, rd, np, deadline);
	pthread_cleanup_pop(0);
	return (error);
}

/* Sleeps on the number itself, and takes in what that brings. */
static int
sleep_direct(struct port *pt, struct port_waiter *pw, int64_t deadline)
{
	struct evany__ready rd[RECORDS];
	int error, n = 0;

	pw->pw_direct = true;
	pw->pw_rings = pt->pt_rings;
	pw->pw_marks = pt->pt_marks;
	pt->pt_direct++;
	waiter_insert(pt, pw);
	(void)evany__port_leave(pt);
	error = evany__alone() ? wait_direct(pt, pw, rd, &n, deadline) :
	    wait_cancellable(pt, pw, rd, &n, deadline);
	evany__port_enter(pt, pw->pw_number);
	if (error == EINVAL || (error == 0 && foreign(pt, rd, n)))
		error = EBADF;
	came(pt, pw, rd, error == 0 ? n : 0);
	sleep_over(pt, pw);
	return (error);
}

/* Dozes for all, or parks if another does. */
static int
sleep_listed(struct port *pt, struct port_waiter *pw, int64_t deadline)
{
	struct evany__inst *inst = pt->pt_inst;
	struct sleep_cleanup sc = { pt, pw };
	int error;

	pw->pw_direct = false;
	pw->pw_seen = pt->pt_shared->ps_seq;
	pw->pw_leads = !has_leader(pt);
	if (pw->pw_leads)
		pt->pt_shared->ps_dozers++;
	else if ((error = evany__park_open(&pw->pw_park)) != 0)
		return (error);
	waiter_insert(pt, pw);
	(void)evany__port_leave(pt);
	pthread_cleanup_push(sleep_cancelled, &sc);
	if (pw->pw_leads)
		error = inst->in_table->tb_be->be_doze(inst, pw->pw_number,
		    deadline);
	else
		error = evany__park_sleep(&pw->pw_park, deadline);
	pthread_cleanup_pop(0);
	evany__port_enter(pt, pw->pw_number);
	sleep_over(pt, pw);
	return (error == ETIMEDOUT ? 0 : error);
}

/* ---- the calls --------------------------------------------------------------------- */

/* When the wait ends, or -1 if the time-out makes no sense. */
static int64_t
deadline_of(const struct timespec *timeout)
{
	int64_t now;

	if (timeout == NULL)
		return (EVANY__FOREVER);
	if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 ||
	    timeout->tv_nsec >= 1000000000)
		return (-1);
	if (timeout->tv_sec == 0 && timeout->tv_nsec == 0)
		return (0);
	now = evany__now(EVANY__MONOTONIC);
	if (timeout->tv_sec > (INT64_MAX - now) / 1000000000 - 1)
		return (EVANY__FOREVER - 1);
	return (now + (int64_t)timeout->tv_sec * 1000000000 +
	    timeout->tv_nsec);
}

static bool
may_sleep_direct(const struct port *pt, const struct port_waiter *pw)
{
	return (pw->pw_n == 1 && !pt->pt_forked &&
	    pt->pt_shared->ps_called == 0);
}

/* Something that a wait has just taken in need not be looked for again. */
static int
sleep_until(struct port *pt, struct port_waiter *pw, int64_t deadline,
    bool *gathered)
{
	*gathered = may_sleep_direct(pt, pw);
	if (*gathered)
		return (sleep_direct(pt, pw, deadline));
	return (sleep_listed(pt, pw, deadline));
}

static void
give_alert(port_event_t *list, const struct port_alert *pa)
{
	list[0].portev_events = pa->pa_events;
	list[0].portev_source = PORT_SOURCE_ALERT;
	list[0].portev_object = 0;
	list[0].portev_user = pa->pa_user;
}

/*
 * Locks held, also when it returns.  0, ETIME, or an error with nothing taken.
 */
static int
retrieve(struct port *pt, struct port_waiter *pw, port_event_t *list,
    uint32_t max, int64_t deadline, uint32_t *gotp)
{
	const struct evany__be_ops *be = pt->pt_inst->in_table->tb_be;
	struct port_shared *ps = pt->pt_shared;
	uint32_t queued;
	bool gathered;
	int error = 0;

	/* A wait that sleeps on the number looks first. */
	gathered = deadline > 0 && ps->ps_count == 0 &&
	    may_sleep_direct(pt, pw);
	if (gathered && !named(pt, pw->pw_number))
		return (EBADF);
	for (;;) {
		evany__port_alert_check(pt);
		if (pw->pw_error == PORT_ALERTED || (pw->pw_error == 0 &&
		    ps->ps_alert.pa_events != 0)) {
			if (pw->pw_error == 0 && !be->be_names(pt->pt_inst,
			    pw->pw_number))
				return (EBADF);
			give_alert(list, pw->pw_error != 0 ? &pw->pw_alert :
			    &ps->ps_alert);
			*gotp = 1;
			return (0);
		}
		if (pw->pw_error != 0)
			return (pw->pw_error);
		if (!gathered &&
		    (error = prepare(pt, pw->pw_number, max)) != 0)
			return (error);
		queued = ps->ps_count;
		if (queued >= pw->pw_n && (*gotp = take(pt, list, max)) > 0)
			return (0);
		/* Void ones may have stood for what was not gathered yet. */
		gathered = false;
		if (ps->ps_count < queued)
			continue;
		if (deadline == 0) {
			*gotp = take(pt, list, max);
			return (0);
		}
		if (deadline == -1)
			return (EINVAL);
		if (deadline != EVANY__FOREVER &&
		    evany__now(EVANY__MONOTONIC) >= deadline) {
			*gotp = take(pt, list, max);
			return (ETIME);
		}
		if ((error = sleep_until(pt, pw, deadline, &gathered)) != 0)
			return (error);
	}
}

/*
 * The number was found to be no port of ours, or not this one.  EAGAIN if it
 * is another port by now.
 */
static int
changed(struct port **ptp, int number)
{
	struct port *pt;
	int error;

	pt = evany__port_find(number, true, &error);
	if (pt == *ptp) {
		evany__port_drop(pt);
		return (EBADF);
	}
	/* Reports of this one may have been taken for the other's. */
	evany__inst_recall(number);
	if (pt == NULL)
		return (error);
	evany__port_drop(*ptp);
	*ptp = pt;
	return (EAGAIN);
}

int
evany__port_getn(struct port **ptp, int number, port_event_t *list,
    uint32_t max, uint32_t n, const struct timespec *timeout, uint32_t *countp)
{
	struct port_waiter pw;
	int64_t deadline = deadline_of(timeout);
	int error;

	/* Closed ones that still count would cost each wait a call. */
	(void)evany__inst_several(1);
	do {
		memset(&pw, 0, sizeof(pw));
		pw.pw_n = n;
		pw.pw_number = number;
		*countp = 0;
		evany__port_enter(*ptp, number);
		error = retrieve(*ptp, &pw, list, max, deadline, countp);
		waiters_lead(*ptp);
		(void)evany__port_leave(*ptp);
		if (error == EBADF || error == EIDRM)
			error = changed(ptp, number);
	} while (error == EAGAIN);
	return (error);
}

int
evany__port_count(struct port **ptp, int number, uint32_t *countp)
{
	int error;

	do {
		evany__port_enter(*ptp, number);
		error = prepare(*ptp, number, UINT32_MAX);
		*countp = (*ptp)->pt_shared->ps_count;
		(void)evany__port_leave(*ptp);
		if (error == EBADF || error == EIDRM)
			error = changed(ptp, number);
	} while (error == EAGAIN);
	return (error);
}
