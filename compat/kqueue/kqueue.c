/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqueue(), kqueue1(), kqueuex(), kevent(): arguments, the changelist protocol
 * and errno.  What a change does is the driver's (backends/emulation/kqueue).
 *
 * The protocol: changes are applied in order.  A failure, or a success with
 * EV_RECEIPT, is answered by an EV_ERROR entry; without room for it a failure
 * ends the call with its errno, and a receipt ends it with what was written.
 * A call that answered anything neither waits nor collects.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <time.h>

#include "backends/emulation/kqueue/knote.h"
#include "compat/export.h"

static EVANY__RARE int
fail(int error)
{
	errno = error;
	return (-1);
}

EVANY_EXPORT int
kqueue(void)
{
	return (kqueue1(0));
}

EVANY_EXPORT int
kqueue1(int flags)
{
	int error, number, saved = errno;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return (fail(EINVAL));
	if ((error = evany__kqueue_create(flags, &number)) != 0)
		return (fail(error));
	errno = saved;
	return (number);
}

EVANY_EXPORT int
kqueuex(unsigned int flags)
{

	if ((flags & ~KQUEUE_CLOEXEC) != 0)
		return (fail(EINVAL));
	return (kqueue1((flags & KQUEUE_CLOEXEC) != 0 ? O_CLOEXEC : 0));
}

/*
 * Must the number be tried before the call?  Not if the kernel is asked
 * through it in any case: by a wait, the change of a descriptor, the ring of
 * a trigger.  A change that fails is looked at afterwards; one that changes
 * nothing is there to ask.
 */
static bool
queue_must_check(const struct kevent *changes, int nchanges, int nevents)
{
	const struct filterops *fop;

	if (nchanges == 0)
		return (nevents == 0);
	evany__inst_asked_for += (unsigned)nchanges;
	if (evany__inst_many() && (evany__kqueue_triggers(changes, nchanges) ||
	    evany__inst_recount()))
		return (true);
	if (changes[0].flags == 0 && changes[0].fflags == 0)
		return (true);
	if ((changes[0].flags & EV_ADD) == 0)
		return (false);
	fop = evany__filterops(changes[0].filter);
	return (fop == NULL || !fop->fo_isfd);
}

static void
answer(struct kevent *to, const struct kevent *kev, int error, bool attaching)
{
	struct kevent ev = *kev;

	ev.flags = EV_ERROR;
	ev.data = error;
	if (error != 0 && attaching)
		ev.fflags = 0;
	*to = ev;
}

/*
 * The call ends without a wait, which would ask.  Triggers may come from a
 * signal handler that interrupted anything but the library.  Lock held.
 */
static void
queue_ask(struct evany__inst *inst, const struct kevent *changes, int nchanges)
{

	if (evany__inst_nasked(inst) == 0)
		return;
	if (evany__kqueue_triggers(changes, nchanges))
		evany__inst_review(inst);
	else
		evany__inst_ask(inst);
}

/*
 * Applies the changes.  0 or an errno value; *outp is how many answers were
 * written, *donep whether the call ends here.
 */
static EVANY__APART EVANY__HOT int
queue_changes(struct evany__inst *inst, int number,
    const struct kevent *changes, int nchanges, struct kevent *events,
    int nevents, int *outp, bool *donep)
{
	const struct kevent *kev;
	struct kqueue *kq;
	bool attaching;
	int error = 0, i, lost;

	evany__inst_enter(inst, number);
	kq = inst->in_data;
	if (EVANY__SELDOM(kq->kq_nlonely > 0))
		evany__fd_lonely_again(kq);
	for (i = 0; i < nchanges && !*donep; i++) {
		kev = &changes[i];
		error = evany__kqueue_change(kq, kev, &attaching);
		if (!EVANY__SELDOM(error != 0 || (kev->flags & EV_RECEIPT) != 0))
			continue;
		if (error != 0 && !evany__inst_known(number)) {
			error = EIDRM;
			break;
		}
		if (*outp < nevents) {
			answer(&events[(*outp)++], kev, error, attaching);
			error = 0;
		} else
			*donep = true;
	}
	if (nevents == 0 || *donep || *outp > 0)
		queue_ask(inst, changes, nchanges);
	lost = evany__inst_leave(inst);
	return (error == EIDRM || lost == EIDRM ? EBADF : error);
}

/* The moment at which the wait ends, or -1 if the time-out makes no sense. */
static EVANY__APART int64_t
queue_deadline(const struct timespec *timeout)
{
	int64_t now;

	if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 ||
	    timeout->tv_nsec >= 1000000000)
		return (-1);
	now = evany__now(EVANY__MONOTONIC);
	if (timeout->tv_sec > (INT64_MAX - now) / 1000000000 - 1)
		return (EVANY__FOREVER - 1);
	return (now + (int64_t)timeout->tv_sec * 1000000000 +
	    timeout->tv_nsec);
}

static EVANY__WITHIN int
queue_wait(struct evany__inst **instp, int number, struct kevent *events,
    int nevents, const struct timespec *timeout, int *outp)
{
	struct evany__sink sink = { events, nevents, 0 };
	struct kqueue *kq = (*instp)->in_data;
	int64_t deadline = 0;
	int error;

	if (timeout == NULL)
		deadline = EVANY__FOREVER;
	else if ((timeout->tv_sec | timeout->tv_nsec) != 0 &&
	    (deadline = queue_deadline(timeout)) == -1)
		return (EINVAL);
	if (kq->kq_nlonely > 0) {
		evany__inst_enter(*instp, number);
		evany__fd_lonely_again(kq);
		(void)evany__inst_leave(*instp);
	}
	error = evany__inst_wait(instp, number, &sink, deadline);
	*outp = sink.sk_count;
	return (error);
}

EVANY_EXPORT EVANY__HOT int
kevent(int number, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout)
{
	struct evany__inst *inst;
	int error = 0, out = 0, saved = errno;
	bool done = nevents == 0;

	if (nchanges < 0 || nevents < 0)
		return (fail(EINVAL));
	if ((nchanges > 0 && changes == NULL) ||
	    (nevents > 0 && events == NULL))
		return (fail(EFAULT));
	if (evany__lock_held()) {
		/* A signal handler interrupted one of our calls. */
		error = evany__kqueue_late(number, changes, nchanges);
		if (error != 0)
			return (fail(error));
		errno = saved;
		return (0);
	}
	if (nevents > 0)
		pthread_testcancel();
	inst = evany__kqueue_find(number, queue_must_check(changes, nchanges,
	    nevents));
	if (inst == NULL)
		return (fail(EBADF));
	if (nchanges > 0) {
		done = false;
		error = queue_changes(inst, number, changes, nchanges, events,
		    nevents, &out, &done);
	}
	else if (nevents == 0 && evany__inst_nasked(inst) > 0) {
		evany__inst_enter(inst, number);
		queue_ask(inst, changes, nchanges);
		(void)evany__inst_leave(inst);
	}
	if (error == 0 && !done && out == 0 && nevents > 0)
		error = queue_wait(&inst, number, events, nevents, timeout,
		    &out);
	evany__inst_drop(inst);
	if (error != 0)
		return (fail(error));
	errno = saved;
	return (out);
}
