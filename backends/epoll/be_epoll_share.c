/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_epoll_share: what instances need that a fork shares.
 *
 * Mark:  an eventfd of the instance's own that is always readable.  Its item is
 *        level-triggered while the mark is on and silent while it is off.  The
 *        child keeps the descriptor, for items are named by file and number,
 *        and both processes change the same.
 * Edge:  an item that no wait has looked at since the mark was off is still in
 *        the kernel's ready list, and to arm it is no edge for those who watch
 *        the number.  A write to the eventfd is one in any case.
 * Doze:  a private epoll instance with two items, both EPOLLET.  One is the
 *        number: all that becomes ready in it is an edge, in each process that
 *        dozes, but comes to nothing if a wait takes it before the dozer runs.
 *        The other is the eventfd, which nobody reads: each write ends a doze
 *        in each process.  Linux before 5.6 repeats edges of the number after a
 *        wait that left level-triggered items: a doze then comes back for
 *        nothing.
 * Safe:  the program may have closed our descriptor and own a file under its
 *        number.  It is written to only after epoll_ctl(2) has found it to be
 *        the file of the item.
 * Alarms and feeders of the instance are level-triggered, so that a wait of
 * the other process does not take them.
 */
#include "config.h"

#include <errno.h>

#include "backends/rawcall.h"
#include "be_epoll.h"

static uint64_t
share_cookie(struct evany__inst *inst)
{
	return (EVANY__COOKIE(EVANY__CK_BELL, evany__inst_tag(inst), 0, 0));
}

/* Makes the eventfd an item of whoever dozes as well. */
static int
share_doze(const struct be_epoll *ep)
{
	if (ep->ep_doze == -1 || ep->ep_mark == -1)
		return (0);
	return (evany__ep_ctl(ep->ep_doze, EPOLL_CTL_ADD, ep->ep_mark,
	    EPOLLIN | EPOLLET, 0));
}

/* Makes the eventfd, silent in the number. */
static int
share_open(struct evany__inst *inst, int number)
{
	struct be_epoll *ep = evany__inst_state(inst);
	int error, fd;

	if ((error = evany__ep_eventfd(&fd)) != 0)
		return (error);
	error = evany__ep_ctl(number, EPOLL_CTL_ADD, fd, 0,
	    share_cookie(inst));
	if (error != 0) {
		evany__ep_close(&fd);
		return (error);
	}
	ep->ep_mark = fd;
	(void)share_doze(ep);
	return (0);
}

/* Is the eventfd the file of its item, and number the instance's? */
static bool
share_item(struct evany__inst *inst, int number)
{
	struct be_epoll *ep = evany__inst_state(inst);

	if (ep->ep_mark == -1)
		return (false);
	/* Adding what is there is the way to ask. */
	switch (evany__ep_ctl(number, EPOLL_CTL_ADD, ep->ep_mark, 0,
	    share_cookie(inst))) {
	case EEXIST:
		return (true);
	case 0:
		(void)evany__ep_ctl(number, EPOLL_CTL_DEL, ep->ep_mark, 0, 0);
		break;
	}
	return (false);
}

/* The call through number failed: makes the item again, or tells EIDRM. */
static int
share_again(struct evany__inst *inst, int number)
{
	int error = EIDRM;

	if (evany__be_epoll_names(inst, number))
		error = share_open(inst, number);
	return (error == 0 || evany__be_epoll_names(inst, number) ? error :
	    EIDRM);
}

/* Gives the item these events. */
static int
share_events(struct evany__inst *inst, int number, uint32_t events)
{
	struct be_epoll *ep = evany__inst_state(inst);
	uint64_t cookie = share_cookie(inst);
	int error;

	if (ep->ep_mark != -1 && evany__ep_ctl(number, EPOLL_CTL_MOD,
	    ep->ep_mark, events, cookie) == 0)
		return (0);
	if ((error = share_again(inst, number)) != 0)
		return (error);
	error = evany__ep_ctl(number, EPOLL_CTL_MOD, ep->ep_mark, events,
	    cookie);
	return (error == 0 ? 0 : EIDRM);
}

/* The count would be full after 500 years. */
static void
share_ring(const struct be_epoll *ep)
{
	const uint64_t one = 1;
	int saved = errno;

	(void)evany__write(ep->ep_mark, &one, sizeof(one));
	errno = saved;
}

int
evany__be_epoll_mark(struct evany__inst *inst, int number, bool on)
{
	struct be_epoll *ep = evany__inst_state(inst);
	int error;

	if (!on && ep->ep_mark == -1)
		return (evany__be_epoll_names(inst, number) ? 0 : EIDRM);
	error = share_events(inst, number, on ? EPOLLIN : 0);
	if (error == 0 && on)
		share_ring(ep);
	return (error);
}

int
evany__be_epoll_rouse(struct evany__inst *inst, int number)
{
	int error = 0;

	if (!share_item(inst, number))
		error = share_again(inst, number);
	if (error == 0)
		share_ring(evany__inst_state(inst));
	return (error);
}

/* Lock held. */
static int
doze_open(struct evany__inst *inst, int number)
{
	struct be_epoll *ep = evany__inst_state(inst);
	int error = 0, saved = errno;

	if (ep->ep_doze != -1)
		return (0);
	ep->ep_doze = evany__inner((int)syscall(SYS_epoll_create1,
	    EPOLL_CLOEXEC));
	if (ep->ep_doze == -1)
		error = errno;
	else if ((error = evany__ep_ctl(ep->ep_doze, EPOLL_CTL_ADD, number,
	    EPOLLIN | EPOLLET, 0)) != 0 || (error = share_doze(ep)) != 0)
		evany__ep_close(&ep->ep_doze);
	errno = saved;
	return (error);
}

int
evany__be_epoll_doze(struct evany__inst *inst, int number, int64_t deadline)
{
	struct be_epoll *ep = evany__inst_state(inst);
	struct epoll_event ev;
	int error;
	long n;

	if (!evany__be_epoll_names(inst, number))
		return (EBADF);
	evany__inst_lock(inst);
	error = doze_open(inst, number);
	evany__inst_unlock(inst);
	if (error != 0)
		return (error);
	n = evany__ep_wait(ep->ep_doze, &ev, 1, deadline);
	return (n < 0 ? (int)-n : n == 0 ? ETIMEDOUT : 0);
}
