/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_selfpipe_signal: SIGNAL watches anywhere, by handlers and a pipe.
 *
 * Feeds:   the pipe of the instance's sigset.
 * State:   struct pipe_signal.
 * Life:    the first watch makes it, the last one ends it.
 * Race:    see sigchain.c.
 * Locks:   tick_mutex (3) guards what the tick looks at.
 * Fork:    the child drops all; the tick forgets its thread by itself.
 *
 * No system call tells when a blocked signal becomes pending.  sigpending(2)
 * is asked before each wait.  If a watched signal is blocked in a thread that
 * is about to wait, the background thread asks as well, TICK_MS apart: it sees
 * what is pending for the process, not what was sent to one thread.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backends/pollpipe.h"
#include "backends/poll/pollthread.h"
#include "backends/selfpipe/sigchain.h"

#define TICK_MS		50

struct pipe_signal {
	struct evany__sigset	ps_set;		/* (i) */
	bool			ps_ticks;	/* (i) counted in tick_wanted */
};

static void	tick_look(struct evany__bg_tick *);

static pthread_mutex_t tick_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct evany__bg_tick tick = { .bt_fn = tick_look };
static unsigned tick_wanted;			/* (3) instances */
static bool tick_runs;				/* (3) */
static unsigned tick_signals[EVANY__SIGMAX];	/* (3) watches of them */

/* In the background thread. */
static void
tick_look(struct evany__bg_tick *bt)
{
	uint8_t signos[EVANY__SIGMAX];
	int n = 0, signo;

	(void)bt;
	(void)pthread_mutex_lock(&tick_mutex);
	for (signo = 1; signo < EVANY__SIGMAX; signo++)
		if (tick_signals[signo] > 0)
			signos[n++] = (uint8_t)signo;
	(void)pthread_mutex_unlock(&tick_mutex);
	(void)evany__sigchain_look(signos, n);
}

/*
 * Without a thread blocked signals are seen by the next wait, not during it;
 * that wait tries again to have one.
 */
static void
tick_want(struct pipe_signal *ps, bool want)
{
	if (!want && !ps->ps_ticks)
		return;
	(void)pthread_mutex_lock(&tick_mutex);
	if (want != ps->ps_ticks) {
		ps->ps_ticks = want;
		tick_wanted += want ? 1U : -1U;
	}
	if (want && !tick_runs)
		tick_runs = evany__bg_tick_start(&tick, TICK_MS) == 0;
	else if (tick_wanted == 0 && tick_runs) {
		evany__bg_tick_stop(&tick);
		tick_runs = false;
	}
	(void)pthread_mutex_unlock(&tick_mutex);
}

static void
tick_count(int signo, bool more)
{
	(void)pthread_mutex_lock(&tick_mutex);
	if (more)
		tick_signals[signo]++;
	else
		tick_signals[signo]--;
	(void)pthread_mutex_unlock(&tick_mutex);
}

static void
pipe_signal_ready(struct evany__inst *inst, struct evany__feeder *fe,
    unsigned bits)
{
	struct pipe_signal *ps;

	(void)inst;
	(void)bits;
	ps = (struct pipe_signal *)(void *)((char *)fe -
	    offsetof(struct pipe_signal, ps_set.ss_feeder));
	evany__sigset_drain(&ps->ps_set);
	evany__sigset_collect(&ps->ps_set);
}

static int
pipe_signal_probe(void)
{
	return (0);
}

static void
pipe_signal_close(struct evany__inst *inst, void **statep)
{
	struct pipe_signal *ps = *statep;
	struct evany__sigwatch *sw;

	(void)inst;
	if (ps == NULL)
		return;
	LIST_FOREACH(sw, &ps->ps_set.ss_watches, sw_link)
		tick_count(sw->sw_signo, false);
	tick_want(ps, false);
	evany__sigset_fini(&ps->ps_set);
	free(ps);
	*statep = NULL;
}

static int
pipe_signal_open(void **statep, struct evany__inst *inst)
{
	struct pipe_signal *ps;
	struct evany__pipe pi;
	int cancel, error, saved = errno;

	if ((ps = calloc(1, sizeof(*ps))) == NULL) {
		errno = saved;
		return (ENOMEM);
	}
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if ((error = evany__pipe_open(&pi)) == 0)
		error = evany__sigset_init(&ps->ps_set, inst, pi.pi_read,
		    pi.pi_write, pipe_signal_ready);
	(void)pthread_setcancelstate(cancel, NULL);
	if (error != 0)
		free(ps);
	else
		*statep = ps;
	errno = saved;
	return (error);
}

static int
pipe_signal_attach(void **statep, struct evany__sigwatch *sw)
{
	struct pipe_signal *ps;
	int error;

	if (*statep == NULL &&
	    (error = pipe_signal_open(statep, sw->sw_inst)) != 0)
		return (error);
	ps = *statep;
	error = evany__sigset_attach(&ps->ps_set, sw);
	if (error == 0)
		tick_count(sw->sw_signo, true);
	else if (LIST_EMPTY(&ps->ps_set.ss_watches))
		pipe_signal_close(sw->sw_inst, statep);
	return (error);
}

static void
pipe_signal_detach(void **statep, struct evany__sigwatch *sw)
{
	struct pipe_signal *ps = *statep;

	evany__sigset_detach(&ps->ps_set, sw);
	tick_count(sw->sw_signo, false);
	if (LIST_EMPTY(&ps->ps_set.ss_watches))
		pipe_signal_close(sw->sw_inst, statep);
}

static void
pipe_signal_refresh(void **statep)
{
	struct pipe_signal *ps = *statep;
	struct evany__sigwatch *sw;
	sigset_t mask;
	bool blocked = false;

	if (ps == NULL)
		return;
	evany__sigset_refresh(&ps->ps_set);
	(void)sigemptyset(&mask);
	(void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
	LIST_FOREACH(sw, &ps->ps_set.ss_watches, sw_link)
		if (sigismember(&mask, sw->sw_signo) == 1)
			blocked = true;
	tick_want(ps, blocked);
}

static void
pipe_signal_review(void **statep)
{
	struct pipe_signal *ps = *statep;

	if (ps != NULL)
		evany__sigset_refresh(&ps->ps_set);
}

static void
pipe_signal_fork_child(void **statep)
{
	struct pipe_signal *ps = *statep;

	evany__sigset_fork_child(&ps->ps_set);
	(void)pthread_mutex_init(&tick_mutex, NULL);
	if (tick_runs)
		evany__bg_tick_stop(&tick);
	tick_runs = false;
	tick_wanted = 0;
	memset(tick_signals, 0, sizeof(tick_signals));
}

const struct evany__signal_ops evany__signal_selfpipe_ops = {
	.so_name = "selfpipe",
	.so_probe = pipe_signal_probe,
	.so_attach = pipe_signal_attach,
	.so_detach = pipe_signal_detach,
	.so_refresh = pipe_signal_refresh,
	.so_review = pipe_signal_review,
	.so_unseen = evany__sigchain_unseen,
	.so_close = pipe_signal_close,
	.so_fork_child = pipe_signal_fork_child
};
