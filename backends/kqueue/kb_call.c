/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kb_call: the system's kqueue(2) and kevent(2).
 *
 * Tests on a system without them: the functions are those of a library that is
 * loaded by name (--with-kqueue-mechanism), another copy of this one.
 */
#include "config.h"

#include "backends/kqueue/be_kqueue.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "backends/rawcall.h"

#define DAY	INT64_C(86400000000000)

#ifdef EVANY_KQUEUE_LIBRARY
#include "backends/stacked.h"

static int (*call_kqueue)(void);
static __typeof__(kevent) *call_kevent;

/* At once: later there may be no descriptor left to read it by. */
static void __attribute__((__constructor__))
call_load(void)
{
	void *lib;
	int fd;

	if ((lib = evany__stacked(EVANY_KQUEUE_LIBRARY)) == NULL)
		return;
	*(void **)&call_kqueue = dlsym(lib, "kqueue");
	*(void **)&call_kevent = dlsym(lib, "kevent");
	/* Its handlers of fork come before ours now, as a kernel would. */
	if (call_kqueue != NULL && (fd = call_kqueue()) != -1)
		(void)evany__close(fd);
}

static int
call_find(void)
{

	return (call_kqueue != NULL && call_kevent != NULL ? 0 : ENOSYS);
}
#else
#define call_kqueue	kqueue
#define call_kevent	kevent
#define call_find()	0
#endif

int
evany__kb_kqueue(void)
{

	return (call_kqueue());
}

int
evany__kb_probe(void)
{
	int error, fd, saved = errno;

	if ((error = call_find()) == 0) {
		if ((fd = call_kqueue()) == -1)
			error = errno;
		else
			(void)evany__close(fd);
	}
	errno = saved;
	/* Out of descriptors: the calls are there all the same. */
	return (error == EMFILE || error == ENFILE || error == ENOMEM ? 0 :
	    error);
}

int
evany__kb_wait(int kq, const struct kevent *ch, int n, struct kevent *ev,
    int room, const struct timespec *left, int cancel)
{
	int r, saved = errno, unused;

	(void)pthread_setcancelstate(cancel, &unused);
	r = call_kevent(kq, ch, (EVANY_KEVENT_COUNT)n, ev,
	    (EVANY_KEVENT_COUNT)room, left);
	(void)pthread_setcancelstate(unused, NULL);
	if (r == -1)
		r = -errno;
	errno = saved;
	return (r);
}

int
evany__kb_apply(int kq, const struct kevent *ch, int n)
{
	const struct timespec now = { 0, 0 };
	struct kevent unused;

	/* DragonFly BSD has written an error where there was no room. */
	return (-evany__kb_wait(kq, ch, n, &unused, 0, &now,
	    PTHREAD_CANCEL_DISABLE));
}

const struct timespec *
evany__kb_left(int64_t deadline, struct timespec *ts)
{
	int64_t left;

	if (deadline == EVANY__FOREVER)
		return (NULL);
	left = deadline == 0 ? 0 : deadline - evany__now(EVANY__MONOTONIC);
	left = left < 0 ? 0 : left < DAY ? left : DAY;
	ts->tv_sec = (time_t)(left / 1000000000);
	ts->tv_nsec = (long)(left % 1000000000);
	return (ts);
}
