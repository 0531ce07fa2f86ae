/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kb_inner: a queue of the library's own, for events of the filters that are
 * not about a descriptor of the program.
 *
 * Feeds:   any instance, whatever waits for it: the queue polls readable while
 *          there are events.
 * Wrong:   the program may have closed the number (closefrom(3)), so each call
 *          begins with a change of a knote that only this queue has.
 * Fork:    the child does not inherit the queue.
 */
#include "config.h"

#include "backends/kqueue/be_kqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "backends/rawcall.h"

/* Idents of EVFILT_USER begin with it; the rest is counted. */
#define INNER_IDENT	UINT64_C(0x65766e7c00000000)

static void
inner_sentinel(const struct kb_inner *ki, struct kevent *kev)
{

	evany__kb_set(kev, ki->ki_ident, EVFILT_USER, 0, 0);
}

static int
inner_make(struct kb_inner *ki)
{
	static atomic_uint serial;
	struct kevent kev;
	int error = 0;

	ki->ki_ident = (uintptr_t)(INNER_IDENT | atomic_fetch_add(&serial, 1));
	if ((ki->ki_fd = evany__inner(evany__kb_kqueue())) == -1)
		return (errno);
	evany__kb_set(&kev, ki->ki_ident, EVFILT_USER, EV_ADD | EV_CLEAR, 0);
	if (fcntl(ki->ki_fd, F_SETFD, FD_CLOEXEC) == -1)
		error = errno;
	else
		error = evany__kb_apply(ki->ki_fd, &kev, 1);
	if (error != 0)
		(void)evany__close(ki->ki_fd);
	else	/* not every system has the flag for queues */
		(void)fcntl(ki->ki_fd, F_SETFL, O_NONBLOCK);
	return (error);
}

int
evany__kb_inner_open(struct kb_inner *ki, struct evany__inst *inst,
    void (*ready)(struct evany__inst *, struct evany__feeder *, unsigned))
{
	int cancel, error, saved = errno;

	ki->ki_feeder.fe_fd = -1;
	ki->ki_feeder.fe_ready = ready;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if ((error = inner_make(ki)) == 0) {
		error = evany__inst_feed(inst, &ki->ki_feeder, ki->ki_fd,
		    EVANY__LEVEL);
		if (error != 0)
			(void)evany__close(ki->ki_fd);
	}
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (error);
}

void
evany__kb_inner_close(struct kb_inner *ki, struct evany__inst *inst)
{
	int cancel, saved = errno;
	struct kevent kev;

	inner_sentinel(ki, &kev);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	evany__inst_unfeed(inst, &ki->ki_feeder);
	if (evany__kb_apply(ki->ki_fd, &kev, 1) == 0)
		(void)evany__close(ki->ki_fd);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

int
evany__kb_inner_set(const struct kb_inner *ki, uintptr_t ident, int filter,
    unsigned flags, unsigned fflags)
{
	struct kevent kev[2];

	inner_sentinel(ki, &kev[0]);
	/* The ident again: what the kernel makes itself inherits it. */
	evany__kb_set(&kev[1], ident, filter, flags, ident);
	kev[1].fflags = KB_TO(fflags, fflags);
	return (evany__kb_apply(ki->ki_fd, kev, 2));
}

int
evany__kb_inner_take(const struct kb_inner *ki, struct kevent *ev, int room)
{
	const struct timespec now = { 0, 0 };
	struct kevent kev;
	int n;

	inner_sentinel(ki, &kev);
	n = evany__kb_wait(ki->ki_fd, &kev, 1, ev, room, &now,
	    PTHREAD_CANCEL_DISABLE);
	return (n < 0 || (n > 0 && (ev[0].flags & EV_ERROR) != 0) ? 0 : n);
}
