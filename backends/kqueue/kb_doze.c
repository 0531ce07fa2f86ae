/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kb_doze: a bell that stays, and sleep that takes nothing.
 *
 * Mark:    the end of a pipe that nobody can write to any more, which is always
 *          to be read, as a level while the mark is on.  Its knote is deleted to
 *          be silent: a disabled one may go on to be polled.
 * Doze:    a private queue, made at first need, that watches the number with
 *          EV_CLEAR, and holds a bell of its own for rouses and marks.
 * Level:   a knote that is level-triggered stays in the number's queue when it
 *          was reported, and what comes anew does not wake who watches the
 *          number.  So the private queue watches the same descriptors, with
 *          EV_CLEAR; kb_levels tells which they are before there is one.
 * Safe:    calls on the private queue begin with its bell, which fails where
 *          the program has closed it and owns the number.
 */
#include "config.h"

#include "backends/kqueue/be_kqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backends/rawcall.h"

/*
 * The ident of the private queue's bell; those of the others are counted in the
 * lower half.  No other queue may seem to be the instance.
 */
#define DOZE(kb)	((uintptr_t)((kb)->kb_ident + (UINT64_C(1) << 32)))

/* ---- levels -------------------------------------------------------------------- */

int
evany__kb_level_room(struct be_kqueue *kb, int fd)
{
	uint8_t *levels;
	int n;

	if (fd < kb->kb_nlevels)
		return (0);
	n = fd < 64 ? 128 : 2 * fd;
	if ((levels = realloc(kb->kb_levels, (size_t)n)) == NULL)
		return (ENOMEM);
	memset(levels + kb->kb_nlevels, 0, (size_t)(n - kb->kb_nlevels));
	kb->kb_levels = levels;
	kb->kb_nlevels = n;
	return (0);
}

/* A change of the private queue's bell: fails if it is not that. */
static void
doze_bell(const struct be_kqueue *kb, struct kevent *kev)
{

	evany__kb_set(kev, DOZE(kb), EVFILT_USER, 0, 0);
}

static bool
doze_named(const struct be_kqueue *kb)
{
	struct kevent kev;

	doze_bell(kb, &kev);
	return (kb->kb_doze != -1 && evany__kb_apply(kb->kb_doze, &kev, 1) == 0);
}

static int
doze_level(const struct be_kqueue *kb, int fd, int dir, unsigned flags)
{
	struct kevent kev[2];

	doze_bell(kb, &kev[0]);
	evany__kb_set(&kev[1], (uintptr_t)fd, evany__kb_filter[dir], flags, 0);
#ifdef NOTE_OOB
	if (dir == EVANY__W_PRI)
		kev[1].fflags = NOTE_OOB;
#endif
	return (evany__kb_apply(kb->kb_doze, kev, 2));
}

void
evany__kb_level(struct be_kqueue *kb, int fd, int dir, bool level)
{
	const unsigned bit = KB_DIR(dir);

	if (fd >= kb->kb_nlevels || (!level && (kb->kb_levels[fd] & bit) == 0))
		return;
	if (level)
		kb->kb_levels[fd] |= (uint8_t)bit;
	else
		kb->kb_levels[fd] &= (uint8_t)~bit;
	if (kb->kb_doze != -1)
		(void)doze_level(kb, fd, dir, level ? EV_ADD | EV_CLEAR :
		    EV_DELETE);
}

/* ---- the private queue ------------------------------------------------------------ */

void
evany__kb_doze_close(struct be_kqueue *kb)
{
	int saved = errno;

	if (doze_named(kb))
		(void)evany__close(kb->kb_doze);
	kb->kb_doze = kb->kb_dozes = -1;
	errno = saved;
}

/* All that is a level.  What was closed is forgotten. */
static int
doze_levels(struct be_kqueue *kb)
{
	int d, error, fd;

	for (fd = 0; fd < kb->kb_nlevels; fd++)
		for (d = 0; kb->kb_levels[fd] != 0 && d < EVANY__W_COUNT; d++) {
			if ((kb->kb_levels[fd] & KB_DIR(d)) == 0)
				continue;
			error = doze_level(kb, fd, d, EV_ADD | EV_CLEAR);
			if (error == EBADF && evany__ff_kind(fd) ==
			    EVANY__K_UNKNOWN)
				kb->kb_levels[fd] = 0;
			else if (error != 0)
				return (error);
		}
	return (0);
}

static int
doze_make(struct be_kqueue *kb)
{
	struct kevent kev;
	int error;

	if ((kb->kb_doze = evany__inner(evany__kb_kqueue())) == -1)
		return (errno);
	evany__kb_set(&kev, DOZE(kb), EVFILT_USER, EV_ADD | EV_CLEAR, 0);
	if (fcntl(kb->kb_doze, F_SETFD, FD_CLOEXEC) == -1)
		error = errno;
	else if ((error = evany__kb_apply(kb->kb_doze, &kev, 1)) == 0)
		error = doze_levels(kb);
	if (error != 0) {
		(void)evany__close(kb->kb_doze);
		kb->kb_doze = -1;
	}
	return (error);
}

/* There is a private queue and it watches number.  Lock held. */
static int
doze_open(struct be_kqueue *kb, int number)
{
	struct kevent kev[2];
	int error, saved;

	error = 0;
	if (!doze_named(kb)) {
		saved = errno;
		error = doze_make(kb);
		errno = saved;
		kb->kb_dozes = -1;
	}
	if (error != 0 || kb->kb_dozes == number)
		return (error);
	doze_bell(kb, &kev[0]);
	evany__kb_set(&kev[1], (uintptr_t)number, EVFILT_READ,
	    EV_ADD | EV_CLEAR, 0);
	if ((error = evany__kb_apply(kb->kb_doze, kev, 2)) == 0)
		kb->kb_dozes = number;
	return (error);
}

int
evany__be_kqueue_doze(struct evany__inst *inst, int number, int64_t deadline)
{
	struct be_kqueue *kb = evany__inst_state(inst);
	const struct timespec *left;
	struct timespec ts;
	struct kevent kev[4], bell;
	int cancel, doze, error, n;

	if (!evany__kb_names(kb, number))
		return (EBADF);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	evany__inst_lock(inst);
	error = doze_open(kb, number);
	doze = kb->kb_doze;
	evany__inst_unlock(inst);
	doze_bell(kb, &bell);
	n = 0;
	while (error == 0 && n == 0) {
		left = evany__kb_left(deadline, &ts);
		n = evany__kb_wait(doze, &bell, 1, kev, 4, left, cancel);
		if (n < 0)
			error = -n;
		else if (n == 0 && deadline != EVANY__FOREVER &&
		    evany__now(EVANY__MONOTONIC) >= deadline)
			error = ETIMEDOUT;
	}
	(void)pthread_setcancelstate(cancel, NULL);
	/* The bell was not there. */
	return (n > 0 && (kev[0].flags & EV_ERROR) != 0 ? EBADF : error);
}

/* ---- marks -------------------------------------------------------------------------- */

static int
rouse(const struct be_kqueue *kb)
{
	struct kevent kev;

	doze_bell(kb, &kev);
	kev.fflags = NOTE_TRIGGER;
	return (evany__kb_apply(kb->kb_doze, &kev, 1));
}

int
evany__be_kqueue_rouse(struct evany__inst *inst, int number)
{
	struct be_kqueue *kb = evany__inst_state(inst);
	int error;

	if (!evany__kb_names(kb, number))
		return (EIDRM);
	error = doze_open(kb, number);
	return (error != 0 ? error : rouse(kb));
}

int
evany__kb_mark_open(struct be_kqueue *kb)
{
	int cancel, error = 0, saved = errno;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (!evany__pipe_names(&kb->kb_mark, kb->kb_mark.pi_read) &&
	    (error = evany__pipe_open(&kb->kb_mark)) == 0) {
		(void)evany__close(kb->kb_mark.pi_write);
		kb->kb_mark.pi_write = -1;
	}
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (error);
}

void
evany__kb_mark_close(struct be_kqueue *kb)
{
	int cancel, saved = errno;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	evany__pipe_close(&kb->kb_mark);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

/* It is added anew, so that it is news. */
int
evany__be_kqueue_mark(struct evany__inst *inst, int number, bool on)
{
	struct be_kqueue *kb = evany__inst_state(inst);
	struct kevent kev[4];
	uintptr_t fd;
	int error, n = 0;

	if (on && (error = evany__kb_mark_open(kb)) != 0)
		return (evany__kb_names(kb, number) ? error : EIDRM);
	fd = (uintptr_t)kb->kb_mark.pi_read;
	evany__kb_sentinel(kb, &kev[n++]);
	if (kb->kb_marked) {
		/* Whether it is still there or not. */
		evany__kb_set(&kev[n++], fd, EVFILT_READ, EV_ADD | EV_DISABLE,
		    kb->kb_bell);
		evany__kb_set(&kev[n++], fd, EVFILT_READ, EV_DELETE, 0);
	}
	if (on)
		evany__kb_set(&kev[n++], fd, EVFILT_READ, EV_ADD,
		    kb->kb_bell);
	if ((error = evany__kb_apply(number, kev, n)) != 0)
		return (evany__kb_names(kb, number) ? error : EIDRM);
	kb->kb_marked = on;
	if (on && kb->kb_doze != -1)
		(void)rouse(kb);
	return (0);
}
