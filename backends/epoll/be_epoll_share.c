/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_epoll_share: what instances need that a fork shares.
 *
 * Mark:  an eventfd of the instance's own that is always readable.  Its item is
 *        level-triggered while the mark is on and silent while it is off.  A
 *        second one is the bell, EPOLLET: an item that is still in the kernel's
 *        ready list makes no edge, so the mark cannot serve as both.  The child
 *        keeps the descriptors, for items are named by file and number, and
 *        both processes move the same.
 * Doze:  a private epoll instance whose one item is the number, EPOLLET.  Every
 *        report that becomes ready in the number, the mark and the bell too, is
 *        an edge there, in each process that dozes, and takes nothing from the
 *        number.  One that is ready already makes none; whoever dozes has taken
 *        all reports by a wait before.  Linux before 5.6 repeats the edge after a wait that
 *        left level-triggered items: a doze then comes back for nothing.
 * Alarms and feeders of the instance are level-triggered, so that a wait of
 * the other process does not take them.
 */
#include "config.h"

#include <sys/eventfd.h>

#include <errno.h>

#include "be_epoll.h"

static int
share_error(struct evany__inst *inst, int number, int error)
{
	return (error == 0 || evany__be_epoll_names(inst, number) ? error :
	    EIDRM);
}

/* Gives the item of one of the two eventfds these events, making it first. */
static int
share_events(struct evany__inst *inst, int number, int *fdp, uint32_t events)
{
	uint64_t cookie = EVANY__COOKIE(EVANY__CK_BELL, evany__inst_tag(inst),
	    0, 0);
	int error, fd;

	if (*fdp != -1) {
		error = evany__ep_ctl(number, EPOLL_CTL_MOD, *fdp, events,
		    cookie);
		if (error == 0 || !evany__be_epoll_names(inst, number))
			return (share_error(inst, number, error));
		/* The program closed our descriptor: another is needed. */
	} else if (!evany__be_epoll_names(inst, number))
		return (EIDRM);
	if ((error = evany__ep_eventfd(&fd)) != 0)
		return (error);
	error = evany__ep_ctl(number, EPOLL_CTL_ADD, fd, events, cookie);
	if (error == 0)
		*fdp = fd;
	else
		evany__ep_close(&fd);
	return (share_error(inst, number, error));
}

int
evany__be_epoll_mark(struct evany__inst *inst, int number, bool on)
{
	struct be_epoll *ep = evany__inst_state(inst);

	if (!on && ep->ep_mark == -1)
		return (0);
	return (share_events(inst, number, &ep->ep_mark, on ? EPOLLIN : 0));
}

int
evany__be_epoll_share_wake(struct evany__inst *inst, int number)
{
	struct be_epoll *ep = evany__inst_state(inst);

	return (share_events(inst, number, &ep->ep_ring, EPOLLIN | EPOLLET));
}

int
evany__be_epoll_doze(struct evany__inst *inst, int number, int64_t deadline)
{
	struct be_epoll *ep = evany__inst_state(inst);
	struct epoll_event ev;
	int error, saved = errno;
	long n;

	if (ep->ep_doze == -1) {
		n = syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
		if (n == -1)
			goto fail;
		ep->ep_doze = (int)n;
		error = evany__ep_ctl(ep->ep_doze, EPOLL_CTL_ADD, number,
		    EPOLLIN | EPOLLET, 0);
		if (error != 0) {
			evany__ep_close(&ep->ep_doze);
			return (error);
		}
	}
	n = evany__ep_wait(ep->ep_doze, &ev, 1, deadline);
	if (n == -1)
		goto fail;
	errno = saved;
	return (n == 0 ? ETIMEDOUT : 0);
fail:
	error = errno;
	errno = saved;
	return (error);
}
