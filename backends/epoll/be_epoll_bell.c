/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_epoll_bell: waking whoever waits in an instance.
 *
 * Bell:    one eventfd per process that is always readable, an EPOLLET item
 *          of each instance that was ever rung.  To ring is EPOLL_CTL_MOD of
 *          that item: it is reported once more, wakes waiters and pollers,
 *          needs no read, and fails if the number is another file's now.
 * Locks:   bell_lock (3) guards the bell and who holds it; to ring takes none,
 *          since the bell stays as long as an instance holds it.
 * Fork:    the child makes a bell of its own.
 */
#include "config.h"

#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "be_epoll.h"

static pthread_mutex_t bell_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int bell_fd = -1;
static unsigned bell_users;

static void
bell_close(void)
{
	int fd = atomic_exchange(&bell_fd, -1);

	evany__ep_close(&fd);
}

void
evany__ep_bell_release(struct be_epoll *ep)
{
	if (!ep->ep_bell)
		return;
	ep->ep_bell = false;
	(void)pthread_mutex_lock(&bell_lock);
	if (--bell_users == 0)
		bell_close();
	(void)pthread_mutex_unlock(&bell_lock);
}

static uint64_t
bell_cookie(struct evany__inst *inst)
{
	return (EVANY__COOKIE(EVANY__CK_BELL, evany__inst_tag(inst), 0, 0));
}

int
evany__ep_eventfd(int *fdp)
{
	int error = 0;

	QUIETLY(*fdp = evany__inner((int)syscall(SYS_eventfd2, 1, EFD_CLOEXEC |
	    EFD_NONBLOCK)); error = *fdp == -1 ? errno : 0);
	return (error);
}

/* Makes the bell an item of the instance, which rings it. */
static int
bell_hang(struct evany__inst *inst, int number)
{
	struct be_epoll *ep = evany__inst_state(inst);
	int error = 0, fd;

	(void)pthread_mutex_lock(&bell_lock);
	if (bell_fd == -1) {
		error = evany__ep_eventfd(&fd);
		bell_fd = fd;
	}
	if (error == 0)
		error = evany__ep_ctl(number, EPOLL_CTL_ADD, bell_fd,
		    EPOLLIN | EPOLLET, bell_cookie(inst));
	if (error == EEXIST)
		error = evany__ep_ctl(number, EPOLL_CTL_MOD, bell_fd,
		    EPOLLIN | EPOLLET, bell_cookie(inst));
	if (error == 0 && !ep->ep_bell) {
		ep->ep_bell = true;
		bell_users++;
	}
	if (bell_users == 0)
		bell_close();
	(void)pthread_mutex_unlock(&bell_lock);
	return (error);
}

int
evany__be_epoll_wake(struct evany__inst *inst, int number)
{
	struct be_epoll *ep = evany__inst_state(inst);
	int error, fd = -1;

	if (ep->ep_bell) {
		fd = bell_fd;
		if (evany__ep_ctl(number, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET,
		    bell_cookie(inst)) == 0)
			return (0);
	}
	if (!evany__be_epoll_names(inst, number))
		return (EIDRM);
	/* The program closed our descriptor: another is needed. */
	if (fd != -1)
		(void)atomic_compare_exchange_strong(&bell_fd, &fd, -1);
	error = bell_hang(inst, number);
	return (error == EBADF || error == EINVAL ? EIDRM : error);
}

/* With no event the item is not ready, also if it was. */
int
evany__be_epoll_hush(struct evany__inst *inst, int number)
{
	struct be_epoll *ep = evany__inst_state(inst);

	if (!ep->ep_bell || evany__ep_ctl(number, EPOLL_CTL_MOD, bell_fd,
	    EPOLLET, bell_cookie(inst)) == 0)
		return (0);
	return (EIDRM);
}

/* Who waits in the old one is woken again and again until all have left it. */
void
evany__ep_bell_move(struct evany__inst *inst, int old, int number)
{
	struct be_epoll *ep = evany__inst_state(inst);

	if (!ep->ep_bell)
		return;
	(void)evany__ep_ctl(old, EPOLL_CTL_MOD, bell_fd, EPOLLIN,
	    bell_cookie(inst));
	(void)evany__ep_ctl(number, EPOLL_CTL_ADD, bell_fd,
	    EPOLLIN | EPOLLET, bell_cookie(inst));
}

void
evany__ep_bell_fork_child(void)
{
	(void)pthread_mutex_init(&bell_lock, NULL);
	bell_close();
	bell_users = 0;
}
