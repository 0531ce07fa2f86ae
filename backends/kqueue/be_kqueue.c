/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_kqueue: waiting on the BSDs and macOS, by kqueue(2).
 *
 * Number:  the program's descriptor is the queue, so poll, nesting, dup and
 *          close are the kernel's.  The queue holds an EVFILT_USER knote, the
 *          bell, whose ident no other queue of the process has had.  A change
 *          of it that does nothing begins each call: it fails where the number
 *          has become another file or queue, and what follows is not done.
 * Knotes:  one per descriptor and direction (kb_change.c).  The kernel ends
 *          them when the number is closed, so a knote that is gone tells that
 *          the number names another file, and nothing is to be evicted.
 * Bell:    to wake is NOTE_TRIGGER.
 * Alarms:  an EVFILT_TIMER knote per clock.  It may come early, where it was set
 *          in parts or the clock was set back; a wait then sets it again.
 * Doze:    kb_doze.c, with the mark.
 * Fork:    a queue is not inherited; the child only forgets it.
 *
 * Signals and processes are watched by queues of their own (kb_signal.c,
 * kb_proc.c).  Files are not: here they are watched by name, and EVFILT_VNODE
 * wants a descriptor of each, for which most systems ask the right to read, and
 * whose close ends the program's record locks on the file.
 */
#include "config.h"

#include "backends/kqueue/be_kqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/rawcall.h"

/* Idents of EVFILT_USER begin with it; the rest is counted. */
#define KB_IDENT	UINT64_C(0x65766e7900000000)
#define KB_SAME		UINT64_C(0x65766e7b00000000)

#define SECOND		INT64_C(1000000000)
#define DAY		(86400 * SECOND)

#if defined(NOTE_ABSTIME)
#define KB_ABSTIME	NOTE_ABSTIME
#elif defined(NOTE_ABSOLUTE)
#define KB_ABSTIME	NOTE_ABSOLUTE
#endif

void
evany__kb_set(struct kevent *kev, uintptr_t ident, int filter, unsigned flags,
    uint64_t cookie)
{

	memset(kev, 0, sizeof(*kev));
	kev->ident = ident;
	kev->filter = KB_TO(filter, filter);
	kev->flags = KB_TO(flags, flags);
	kev->udata = KB_UDATA(cookie);
}

void
evany__kb_sentinel(const struct be_kqueue *kb, struct kevent *kev)
{

	evany__kb_set(kev, kb->kb_ident, EVFILT_USER, 0, kb->kb_bell);
}

bool
evany__kb_names(const struct be_kqueue *kb, int number)
{
	struct kevent kev;

	evany__kb_sentinel(kb, &kev);
	return (evany__kb_apply(number, &kev, 1) == 0);
}

int
evany__kb_blame(const struct be_kqueue *kb, int number, int fd, int error)
{
	int open, saved;

	saved = errno;
	open = fcntl(fd, F_GETFD);
	errno = saved;
	if (error == EBADF && open == -1)
		return (EBADF);
	if (!evany__kb_names(kb, number))
		return (EIDRM);
	return (error == ENOENT ? ESTALE : error);
}

/* ---- life ------------------------------------------------------------------- */

static int
be_kqueue_open(struct evany__inst *inst, int flags, void **statep,
    int *numberp)
{
	static atomic_uint serial;
	struct be_kqueue *kb;
	struct kevent kev;
	int error, fd, saved;

	if ((kb = calloc(1, sizeof(*kb))) == NULL)
		return (ENOMEM);
	kb->kb_ident = (uintptr_t)(KB_IDENT | atomic_fetch_add(&serial, 1));
	kb->kb_bell = EVANY__COOKIE(EVANY__CK_BELL, evany__inst_tag(inst), 0,
	    0);
	(void)pthread_mutex_init(&kb->kb_lock, NULL);
	kb->kb_doze = kb->kb_dozes = -1;
	kb->kb_mark = (struct evany__pipe)EVANY__PIPE_NONE;
	evany__kb_set(&kev, kb->kb_ident, EVFILT_USER, EV_ADD | EV_CLEAR,
	    kb->kb_bell);
	saved = errno;
	error = 0;
	if ((fd = evany__kb_kqueue()) == -1 ||
	    fcntl(fd, F_SETFD, (flags & O_CLOEXEC) != 0 ? FD_CLOEXEC : 0) == -1)
		error = errno;
	if (error == 0)
		error = evany__kb_apply(fd, &kev, 1);
	/* Later there may be no number left for it. */
	if (error == 0 && evany__inst_shared(inst))
		error = evany__kb_mark_open(kb);
	if (error != 0) {
		if (fd != -1)
			(void)evany__close(fd);
		(void)pthread_mutex_destroy(&kb->kb_lock);
		free(kb);
	} else {
		evany__kb_nest_enter(kb);
		*statep = kb;
		*numberp = fd;
	}
	errno = saved;
	return (error);
}

static void
be_kqueue_close(struct evany__inst *inst)
{
	struct be_kqueue *kb = evany__inst_state(inst);

	evany__kb_nest_leave(kb);
	evany__kb_doze_close(kb);
	evany__kb_mark_close(kb);
	(void)pthread_mutex_destroy(&kb->kb_lock);
	free(kb->kb_levels);
	free(kb);
}

static int
be_kqueue_names(struct evany__inst *inst, int number)
{

	return (evany__kb_names(evany__inst_state(inst), number));
}

/* A knote that is added through one is there through the other. */
static int
be_kqueue_same(int a, int b)
{
	static atomic_uint serial;
	struct kevent kev;
	int error;

	evany__kb_set(&kev, (uintptr_t)(KB_SAME | atomic_fetch_add(&serial,
	    1)), EVFILT_USER, EV_ADD | EV_DISABLE, 0);
	if (evany__kb_apply(a, &kev, 1) != 0)
		return (-1);
	kev.flags = EV_DISABLE;
	error = evany__kb_apply(b, &kev, 1);
	kev.flags = EV_DELETE;
	(void)evany__kb_apply(a, &kev, 1);
	return (error == 0);
}

static void
be_kqueue_fork_child(struct evany__inst *inst, void **statep)
{
	struct be_kqueue *kb = evany__inst_state(inst);

	(void)statep;
	evany__kb_nest_fork_child();
	evany__kb_mark_close(kb);
	kb->kb_doze = kb->kb_dozes = -1;
}

/* ---- bell and alarms ----------------------------------------------------------- */

static int
be_kqueue_wake(struct evany__inst *inst, int number)
{
	struct be_kqueue *kb = evany__inst_state(inst);
	struct kevent kev;
	int error;

	evany__kb_sentinel(kb, &kev);
	kev.fflags = NOTE_TRIGGER;
	error = evany__kb_apply(number, &kev, 1);
	return (error == EBADF || error == EINVAL || error == ENOENT ? EIDRM :
	    error);
}

/* When the timer is to expire, in its units. */
static void
alarm_time(struct kevent *kev, int clock, int64_t at)
{
	int64_t left, now;

	now = evany__now(clock);
	left = at <= now ? 1 : at - now;
	if (left > DAY)
		left = DAY;
	else if (clock == EVANY__REALTIME && left > 1) {
#ifdef KB_ABSTIME
		kev->fflags = KB_ABSTIME;
		left = at;
#else
		/* Nobody tells when the clock is set. */
		if (left > SECOND)
			left = SECOND;
#endif
	}
#ifdef NOTE_NSECONDS
	kev->fflags |= NOTE_NSECONDS;
#else
	left = left / 1000000 + (left % 1000000 != 0);
#endif
	kev->data = KB_TO(data, left);
}

/*
 * Sets the timer as kb_alarm says.  The knote goes first, whether it is there or
 * not: adding one again keeps what it has counted on some systems.  Locked.
 */
static int
alarm_set(const struct be_kqueue *kb, int number, int clock)
{
	const uint64_t cookie = EVANY__COOKIE(EVANY__CK_ALARM,
	    EVANY__COOKIE_TAG(kb->kb_bell), 0, clock);
	struct kevent kev[4];
	int n;

	evany__kb_sentinel(kb, &kev[0]);
	evany__kb_set(&kev[1], (uintptr_t)clock, EVFILT_TIMER,
	    EV_ADD | EV_DISABLE, cookie);
	alarm_time(&kev[1], EVANY__MONOTONIC, EVANY__FOREVER);
	evany__kb_set(&kev[2], (uintptr_t)clock, EVFILT_TIMER, EV_DELETE,
	    cookie);
	n = 3;
	if (kb->kb_alarm[clock] != 0) {
		evany__kb_set(&kev[3], (uintptr_t)clock, EVFILT_TIMER,
		    EV_ADD | EV_ENABLE | EV_ONESHOT, cookie);
		alarm_time(&kev[3], clock, kb->kb_alarm[clock]);
		n = 4;
	}
	return (evany__kb_apply(number, kev, n));
}

/* A wait may come with the instance's lock or without. */
static void
alarm_enter(struct be_kqueue *kb)
{

	evany__lock_mark();
	(void)pthread_mutex_lock(&kb->kb_lock);
}

static void
alarm_leave(struct be_kqueue *kb)
{

	(void)pthread_mutex_unlock(&kb->kb_lock);
	evany__lock_unmark();
}

bool
evany__kb_alarm_due(struct be_kqueue *kb, int number, int clock)
{
	bool due;

	alarm_enter(kb);
	due = kb->kb_alarm[clock] != 0;
	if (due && evany__now(clock) < kb->kb_alarm[clock]) {
		due = false;
		(void)alarm_set(kb, number, clock);
	}
	if (due)
		kb->kb_alarm[clock] = 0;
	alarm_leave(kb);
	return (due);
}

static int
be_kqueue_alarm(struct evany__inst *inst, int number, int clock, int64_t at)
{
	struct be_kqueue *kb = evany__inst_state(inst);
	int64_t old;
	int error;

	alarm_enter(kb);
	old = kb->kb_alarm[clock];
	kb->kb_alarm[clock] = at;
	if ((error = alarm_set(kb, number, clock)) != 0) {
		kb->kb_alarm[clock] = old;
		(void)alarm_set(kb, number, clock);
	}
	alarm_leave(kb);
	return (error == 0 || evany__kb_names(kb, number) ? error : EIDRM);
}

/* ---- feeders -------------------------------------------------------------------- */

static int
be_kqueue_feed(struct evany__inst *inst, int number, int fd,
    enum evany__mode mode, uint64_t cookie)
{
	struct be_kqueue *kb = evany__inst_state(inst);
	struct kevent kev[2];
	int error;

	if (mode == EVANY__LEVEL && (error = evany__kb_level_room(kb, fd)) != 0)
		return (error);
	evany__kb_sentinel(kb, &kev[0]);
	evany__kb_set(&kev[1], (uintptr_t)fd, EVFILT_READ,
	    EV_ADD | (mode == EVANY__LEVEL ? 0 : EV_CLEAR), cookie);
	if ((error = evany__kb_apply(number, kev, 2)) != 0)
		return (evany__kb_blame(kb, number, fd, error));
	if (mode == EVANY__LEVEL)
		evany__kb_level(kb, fd, EVANY__W_IN, true);
	return (0);
}

static void
be_kqueue_unfeed(struct evany__inst *inst, int number, int fd)
{
	struct be_kqueue *kb = evany__inst_state(inst);
	struct kevent kev[2];

	evany__kb_sentinel(kb, &kev[0]);
	evany__kb_set(&kev[1], (uintptr_t)fd, EVFILT_READ, EV_DELETE, 0);
	(void)evany__kb_apply(number, kev, 2);
	evany__kb_level(kb, fd, EVANY__W_IN, false);
}

/* The kernel has ended it. */
static int
be_kqueue_evict(struct evany__inst *inst, int number, int fd, uint64_t cookie)
{

	(void)inst;
	(void)number;
	(void)fd;
	(void)cookie;
	return (0);
}

static int
be_kqueue_renew(struct evany__inst *inst, const int *numbers, int n)
{

	(void)inst;
	(void)numbers;
	(void)n;
	return (ENOTSUP);
}

const struct evany__be_ops evany__be_kqueue_ops = {
	.be_name = "kqueue",
	.be_probe = evany__kb_probe,
	.be_open = be_kqueue_open,
	.be_close = be_kqueue_close,
	.be_names = be_kqueue_names,
	.be_same = be_kqueue_same,
	.be_change = evany__be_kqueue_change,
	.be_spent = evany__be_kqueue_spent,
	.be_evict = be_kqueue_evict,
	.be_renew = be_kqueue_renew,
	.be_feed = be_kqueue_feed,
	.be_unfeed = be_kqueue_unfeed,
	.be_wait = evany__be_kqueue_wait,
	.be_wake = be_kqueue_wake,
	.be_mark = evany__be_kqueue_mark,
	.be_rouse = evany__be_kqueue_rouse,
	.be_doze = evany__be_kqueue_doze,
	.be_alarm = be_kqueue_alarm,
	.be_fork_child = be_kqueue_fork_child,
	.be_private = true
};
