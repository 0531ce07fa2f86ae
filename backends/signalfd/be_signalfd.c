/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_signalfd: SIGNAL watches on Linux, by handlers and signalfd(2).
 *
 * Feeds:   an eventfd for what handlers count (sigset.c), and one signalfd of
 *          all watched signals for those that are blocked.  Neither is ever
 *          read: both are fed with EVANY__EDGE, and a signal stays pending.
 * State:   struct be_signalfd.
 * Life:    the first watch makes it, the last one ends it.
 * Race:    a signalfd wakes its waiters for every signal sent to the process,
 *          but is readable only to a thread that has one pending: after a
 *          handler ran it is not, and a signal sent to another thread, which
 *          blocks it, is not seen until that thread waits or unblocks it.  A
 *          repeat of a pending standard signal wakes nobody.  What is readable
 *          may have been seen before, or be about to be delivered in a thread
 *          that does not block it; sigchain's look sorts that out.
 * Locks:   the instance's.
 * Fork:    the child closes its copies.
 */
#include "config.h"

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/selfpipe/sigchain.h"

/*
 * The calls are made past the C library: another library may stand in for
 * its functions of these names.  The flags are those of open(2).
 */
#define KERNEL_SIGNALS	(_NSIG / 8 * 8)
#define WORD_BITS	(8 * (int)sizeof(unsigned long))

struct kernel_set {
	unsigned long	ks_word[(KERNEL_SIGNALS + WORD_BITS - 1) / WORD_BITS];
};

struct be_signalfd {
	struct evany__sigset	bs_set;		/* (i) */
	struct evany__feeder	bs_feeder;	/* (i) of bs_fd */
	int			bs_fd;		/* (i) */
	struct kernel_set	bs_watched;	/* (i) */
};

static int
sys_signalfd(int fd, const struct kernel_set *set)
{
	return ((int)syscall(SYS_signalfd4, fd, set, (size_t)(_NSIG / 8),
	    O_CLOEXEC | O_NONBLOCK));
}

/* close(2) is a cancellation point, the call below is not. */
static void
sys_close(int fd)
{
	(void)syscall(SYS_close, fd);
}

static void
kernel_set_put(struct kernel_set *set, int signo, bool member)
{
	unsigned long bit = 1UL << (signo - 1) % WORD_BITS;

	if (member)
		set->ks_word[(signo - 1) / WORD_BITS] |= bit;
	else
		set->ks_word[(signo - 1) / WORD_BITS] &= ~bit;
}

static int
be_signalfd_probe(void)
{
	static const struct kernel_set none;
	int error = 0, fd, saved = errno;

	if ((fd = sys_signalfd(-1, &none)) == -1)
		error = errno;
	else
		sys_close(fd);
	errno = saved;
	return (error);
}

static void
be_signalfd_counted(struct evany__inst *inst, struct evany__feeder *fe,
    unsigned bits)
{
	struct be_signalfd *bs = (struct be_signalfd *)(void *)((char *)fe -
	    offsetof(struct be_signalfd, bs_set.ss_feeder));

	(void)inst;
	(void)bits;
	evany__sigset_collect(&bs->bs_set);
}

static void
be_signalfd_pending(struct evany__inst *inst, struct evany__feeder *fe,
    unsigned bits)
{
	struct be_signalfd *bs = (struct be_signalfd *)(void *)((char *)fe -
	    offsetof(struct be_signalfd, bs_feeder));

	(void)inst;
	(void)bits;
	evany__sigset_collect(&bs->bs_set);
}

/* ---- life -------------------------------------------------------------- */

static void
be_signalfd_close(struct evany__inst *inst, void **statep)
{
	struct be_signalfd *bs = *statep;

	if (bs == NULL)
		return;
	evany__inst_unfeed(inst, &bs->bs_feeder);
	sys_close(bs->bs_fd);
	evany__sigset_fini(&bs->bs_set);
	free(bs);
	*statep = NULL;
}

static int
be_signalfd_open(void **statep, struct evany__inst *inst)
{
	struct be_signalfd *bs;
	int efd, error;

	if ((bs = calloc(1, sizeof(*bs))) == NULL)
		return (ENOMEM);
	bs->bs_feeder.fe_fd = -1;
	bs->bs_feeder.fe_ready = be_signalfd_pending;
	bs->bs_fd = evany__inner(sys_signalfd(-1, &bs->bs_watched));
	if (bs->bs_fd == -1) {
		error = errno;
		free(bs);
		return (error);
	}
	efd = evany__inner((int)syscall(SYS_eventfd2, 0, O_CLOEXEC |
	    O_NONBLOCK));
	if (efd == -1)
		error = errno;
	else
		error = evany__sigset_init(&bs->bs_set, inst, efd, efd,
		    be_signalfd_counted);
	if (error == 0) {
		error = evany__inst_feed(inst, &bs->bs_feeder, bs->bs_fd,
		    EVANY__EDGE);
		if (error != 0)
			evany__sigset_fini(&bs->bs_set);
	}
	if (error != 0) {
		sys_close(bs->bs_fd);
		free(bs);
	} else
		*statep = bs;
	return (error);
}

/* ---- watches ----------------------------------------------------------- */

static int
be_signalfd_attach(void **statep, struct evany__sigwatch *sw)
{
	struct be_signalfd *bs;
	int error, saved = errno;

	/* The signals that the C library keeps to itself have no number. */
	if (sw->sw_signo <= 0 || sw->sw_signo > KERNEL_SIGNALS)
		return (EINVAL);
	if (*statep == NULL &&
	    (error = be_signalfd_open(statep, sw->sw_inst)) != 0) {
		errno = saved;
		return (error);
	}
	bs = *statep;
	if ((error = evany__sigset_attach(&bs->bs_set, sw)) == 0) {
		kernel_set_put(&bs->bs_watched, sw->sw_signo, true);
		if (sys_signalfd(bs->bs_fd, &bs->bs_watched) == -1) {
			error = errno;
			evany__sigset_detach(&bs->bs_set, sw);
			kernel_set_put(&bs->bs_watched, sw->sw_signo, false);
		}
	}
	if (error != 0 && LIST_EMPTY(&bs->bs_set.ss_watches))
		be_signalfd_close(sw->sw_inst, statep);
	errno = saved;
	return (error);
}

static void
be_signalfd_detach(void **statep, struct evany__sigwatch *sw)
{
	struct be_signalfd *bs = *statep;
	struct evany__sigwatch *other;
	int saved = errno;

	evany__sigset_detach(&bs->bs_set, sw);
	if (LIST_EMPTY(&bs->bs_set.ss_watches)) {
		be_signalfd_close(sw->sw_inst, statep);
		return;
	}
	LIST_FOREACH(other, &bs->bs_set.ss_watches, sw_link)
		if (other->sw_signo == sw->sw_signo)
			return;
	kernel_set_put(&bs->bs_watched, sw->sw_signo, false);
	(void)sys_signalfd(bs->bs_fd, &bs->bs_watched);
	errno = saved;
}

static void
be_signalfd_refresh(void **statep)
{
	struct be_signalfd *bs = *statep;

	if (bs != NULL)
		evany__sigset_refresh(&bs->bs_set);
}

static void
be_signalfd_fork_child(void **statep)
{
	struct be_signalfd *bs = *statep;

	bs->bs_feeder.fe_fd = -1;
	sys_close(bs->bs_fd);
	evany__sigset_fork_child(&bs->bs_set);
}

const struct evany__signal_ops evany__signal_signalfd_ops = {
	.so_name = "signalfd",
	.so_probe = be_signalfd_probe,
	.so_attach = be_signalfd_attach,
	.so_detach = be_signalfd_detach,
	.so_refresh = be_signalfd_refresh,
	.so_review = be_signalfd_refresh,
	.so_unseen = evany__sigchain_unseen,
	.so_close = be_signalfd_close,
	.so_fork_child = be_signalfd_fork_child
};
