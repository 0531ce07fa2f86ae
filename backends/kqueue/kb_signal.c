/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kb_signal: SIGNAL watches, by EVFILT_SIGNAL.
 *
 * Feeds:   a queue of its own per instance (kb_inner.c), which is taken empty
 *          when it is readable and before each wait.
 * State:   struct kb_signals with all watches.  A signal has one knote, whatever
 *          the number of its watches; the kernel counts as signals are sent,
 *          blocked ones too, and the program's dispositions are left alone.
 * Kept:    SIGCHLD, which FreeBSD does not count while it is ignored, and
 *          SIGCONT, which DragonFly BSD does not, are selfpipe's.  So are all on
 *          macOS, which does not count what is sent to one thread.
 * Race:    an attach takes in first what is queued, which is not for it.
 * Locks:   the instance's.
 * Fork:    the child drops all; it does not inherit the queue.
 */
#include "config.h"

#include "backends/kqueue/be_kqueue.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define BATCH	16

struct kb_signals {
	struct kb_inner		 ks_inner;	/* first */
	struct evany__inst	*ks_inst;
	LIST_HEAD(, evany__sigwatch) ks_watches;
	struct evany__sigwatch	*ks_next;	/* fired next */
	bool			 ks_busy;
	bool			 ks_open;	/* there is the queue */
	void			*ks_other;	/* selfpipe's state */
};

static const struct evany__signal_ops *const other =
    &evany__signal_selfpipe_ops;

static bool
is_others(const struct evany__sigwatch *sw)
{

	return (sw->sw_signo == SIGCHLD || sw->sw_signo == SIGCONT);
}

static bool
watched(const struct kb_signals *ks, int signo)
{
	const struct evany__sigwatch *sw;

	LIST_FOREACH(sw, &ks->ks_watches, sw_link)
		if (sw->sw_signo == signo)
			return (true);
	return (false);
}

/* A fire may detach any watch. */
static void
signals_fire(struct kb_signals *ks, int signo, uint64_t n)
{
	struct evany__sigwatch *sw;

	for (sw = LIST_FIRST(&ks->ks_watches); sw != NULL; sw = ks->ks_next) {
		ks->ks_next = LIST_NEXT(sw, sw_link);
		if (sw->sw_signo == signo)
			sw->sw_fire(sw, n);
	}
}

static void
signals_take(struct kb_signals *ks)
{
	struct kevent ev[BATCH];
	int i, n;

	if (!ks->ks_open || ks->ks_busy)
		return;
	ks->ks_busy = true;
	do {
		n = evany__kb_inner_take(&ks->ks_inner, ev, BATCH);
		for (i = 0; i < n; i++)
			if (ev[i].filter == EVFILT_SIGNAL && ev[i].data > 0)
				signals_fire(ks, (int)ev[i].ident,
				    (uint64_t)ev[i].data);
	} while (n == BATCH);
	ks->ks_busy = false;
}

static void
signals_ready(struct evany__inst *inst, struct evany__feeder *fe,
    unsigned bits)
{

	(void)inst;
	(void)bits;
	signals_take((struct kb_signals *)(void *)fe);
}

static void
kb_signal_close(struct evany__inst *inst, void **statep)
{
	struct kb_signals *ks = *statep;

	if (ks == NULL)
		return;
	other->so_close(inst, &ks->ks_other);
	if (ks->ks_open)
		evany__kb_inner_close(&ks->ks_inner, inst);
	free(ks);
	*statep = NULL;
}

/* The last watch takes the state along, but not from within a fire. */
static void
signals_idle(void **statep)
{
	struct kb_signals *ks = *statep;

	if (ks->ks_other == NULL && !ks->ks_busy &&
	    LIST_EMPTY(&ks->ks_watches))
		kb_signal_close(ks->ks_inst, statep);
}

static int
signals_attach(struct kb_signals *ks, struct evany__sigwatch *sw)
{
	struct sigaction unused;
	int error = 0;

	if (sw->sw_signo <= 0 || sigaction(sw->sw_signo, NULL, &unused) == -1)
		return (EINVAL);
	if (is_others(sw))
		return (other->so_attach(&ks->ks_other, sw));
	if (!ks->ks_open) {
		error = evany__kb_inner_open(&ks->ks_inner, ks->ks_inst,
		    signals_ready);
		if (error != 0)
			return (error);
		ks->ks_open = true;
	}
	if (watched(ks, sw->sw_signo))
		signals_take(ks);
	else
		error = evany__kb_inner_set(&ks->ks_inner,
		    (uintptr_t)sw->sw_signo, EVFILT_SIGNAL, EV_ADD | EV_CLEAR,
		    0);
	if (error == 0)
		LIST_INSERT_HEAD(&ks->ks_watches, sw, sw_link);
	return (error);
}

static int
kb_signal_attach(void **statep, struct evany__sigwatch *sw)
{
	struct kb_signals *ks = *statep;
	int error, saved = errno;

	if (ks == NULL) {
		if ((ks = calloc(1, sizeof(*ks))) == NULL) {
			errno = saved;
			return (ENOMEM);
		}
		ks->ks_inst = sw->sw_inst;
		LIST_INIT(&ks->ks_watches);
		*statep = ks;
	}
	error = signals_attach(ks, sw);
	signals_idle(statep);
	errno = saved;
	return (error);
}

static void
kb_signal_detach(void **statep, struct evany__sigwatch *sw)
{
	struct kb_signals *ks = *statep;

	if (is_others(sw))
		other->so_detach(&ks->ks_other, sw);
	else {
		if (ks->ks_next == sw)
			ks->ks_next = LIST_NEXT(sw, sw_link);
		LIST_REMOVE(sw, sw_link);
		if (!watched(ks, sw->sw_signo))
			(void)evany__kb_inner_set(&ks->ks_inner,
			    (uintptr_t)sw->sw_signo, EVFILT_SIGNAL, EV_DELETE,
			    0);
	}
	signals_idle(statep);
}

static void
kb_signal_refresh(void **statep)
{
	struct kb_signals *ks = *statep;

	if (ks == NULL)
		return;
	other->so_refresh(&ks->ks_other);
	signals_take(ks);
}

static void
kb_signal_review(void **statep)
{
	struct kb_signals *ks = *statep;

	if (ks != NULL)
		other->so_review(&ks->ks_other);
}

static unsigned
kb_signal_unseen(void)
{

	return (other->so_unseen());
}

static void
kb_signal_fork_child(void **statep)
{
	struct kb_signals *ks = *statep;

	if (ks->ks_other != NULL)
		other->so_fork_child(&ks->ks_other);
	ks->ks_inner.ki_fd = -1;
}

static int
kb_signal_probe(void)
{
#ifdef EVFILT_MACHPORT
	return (ENOTSUP);
#else
	return (evany__kb_probe());
#endif
}

const struct evany__signal_ops evany__signal_kqueue_ops = {
	.so_name = "kqueue",
	.so_probe = kb_signal_probe,
	.so_attach = kb_signal_attach,
	.so_detach = kb_signal_detach,
	.so_refresh = kb_signal_refresh,
	.so_review = kb_signal_review,
	.so_unseen = kb_signal_unseen,
	.so_close = kb_signal_close,
	.so_fork_child = kb_signal_fork_child
};
