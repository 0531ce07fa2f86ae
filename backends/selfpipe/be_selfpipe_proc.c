/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_selfpipe_proc: PROC watches anywhere, by SIGCHLD and by asking.
 *
 * Feeds:   a pipe per instance that the SIGCHLD handler of sigchain writes to,
 *          and the background thread when a stranger has gone; duplicates of
 *          process descriptors.
 * State:   struct pipe_proc with the watches of an instance.  A watch is of a
 *          child, which waitid(2) tells about and does not reap, or of a
 *          stranger, of which only kill(2) tells whether it is there.
 * Life:    the end of its process ends a watch; pw_priv is NULL from then on.
 *          The state goes with the last detach.
 * Race:    strangers are asked for every TICK_MS by the background thread, and
 *          children too while a thread that blocks SIGCHLD waits.  They stand
 *          in a list of its own; it marks and rings, the waiting thread fires.
 *          The number of a stranger that has gone may be given away between
 *          two looks; then its end is not seen.
 * Locks:   asked_mutex (3); pp_lock (4) for the list of watches, so that the
 *          child of a fork can tell whether it caught somebody changing it.
 * Fork:    the child drops all; the tick forgets its thread by itself.
 *
 * Of forks only those of this process are told (ownfork.c).  A child that the
 * program reaped before we looked has no status to tell.  A stranger that
 * nobody reaped has ended for us only where /proc tells of zombies.
 */
#include "config.h"

#include <sys/queue.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/perf/procsource.h"
#include "backends/pollpipe.h"
#include "backends/poll/pollthread.h"
#include "backends/rawcall.h"
#include "backends/selfpipe/procask.h"
#include "backends/selfpipe/procstat.h"
#include "backends/selfpipe/sigchain.h"

#define TICK_MS		50
#define NOTES	(EVANY__P_FORK | EVANY__P_EXEC | EVANY__P_CHILD)

struct pipe_watch {
	struct evany__procwatch	*wp_watch;	/* (c) */
	struct pipe_proc	*wp_state;	/* (c) */
	LIST_ENTRY(pipe_watch)	 wp_link;	/* (i)(4) */
	TAILQ_ENTRY(pipe_watch)	 wp_ask;	/* (3) */
	void			*wp_own;	/* (i) source of our own forks */
	int			 wp_fd;		/* (c) process descriptor, -1 */
	bool			 wp_child;	/* (c) */
	bool			 wp_asked;	/* (i) stands in asked */
	atomic_bool		 wp_gone;	/* (a) asked, and it has ended */
};
LIST_HEAD(pipe_watches, pipe_watch);

struct pipe_proc {
	struct evany__inst	*pp_inst;	/* (c) */
	struct evany__pipe	 pp_pipe;	/* (c) */
	struct evany__feeder	 pp_feeder;	/* (i) */
	struct evany__sigwaker	*pp_waker;	/* (c) */
	pthread_mutex_t		 pp_lock;
	struct pipe_watches	 pp_watches;	/* (i)(4) */
	unsigned		 pp_children;	/* (i) */
	bool			 pp_blocked;	/* (i) SIGCHLD, so they are asked */
	uint32_t		 pp_seen;	/* (i) SIGCHLD so far */
};

static void	tick_look(struct evany__bg_tick *);

static pthread_mutex_t asked_mutex = PTHREAD_MUTEX_INITIALIZER;
static TAILQ_HEAD(, pipe_watch) asked =
    TAILQ_HEAD_INITIALIZER(asked);		/* (3) */
static struct evany__bg_tick tick = { .bt_fn = tick_look };

/* ---- asking ------------------------------------------------------------ */

static bool
ended(const struct pipe_watch *wa, int64_t *statusp)
{
	pid_t pid = wa->wp_watch->pw_pid;

	*statusp = 0;
	if (wa->wp_fd != -1)
		return (evany__ask_descriptor(wa->wp_fd, statusp) !=
		    EVANY__ASK_RUNNING);
	return ((wa->wp_child ? evany__ask_child(pid, statusp) :
	    evany__ask_anybody(pid, statusp)) != EVANY__ASK_RUNNING);
}

/* ---- those the thread asks for ----------------------------------------- */

/* In the background thread. */
static void
tick_look(struct evany__bg_tick *bt)
{
	struct pipe_watch *wa;
	int64_t status;
	int saved = errno;

	(void)bt;
	(void)pthread_mutex_lock(&asked_mutex);
	TAILQ_FOREACH(wa, &asked, wp_ask)
		if (!atomic_load(&wa->wp_gone) && ended(wa, &status)) {
			atomic_store(&wa->wp_gone, true);
			(void)evany__pipe_ring(&wa->wp_state->pp_pipe);
		}
	(void)pthread_mutex_unlock(&asked_mutex);
	errno = saved;
}

static int
asked_add(struct pipe_watch *wa)
{
	int error = 0;

	(void)pthread_mutex_lock(&asked_mutex);
	if (TAILQ_EMPTY(&asked))
		error = evany__bg_tick_start(&tick, TICK_MS);
	if (error == 0) {
		TAILQ_INSERT_TAIL(&asked, wa, wp_ask);
		wa->wp_asked = true;
	}
	(void)pthread_mutex_unlock(&asked_mutex);
	return (error);
}

static void
asked_remove(struct pipe_watch *wa)
{
	if (!wa->wp_asked)
		return;
	(void)pthread_mutex_lock(&asked_mutex);
	TAILQ_REMOVE(&asked, wa, wp_ask);
	wa->wp_asked = false;
	if (TAILQ_EMPTY(&asked))
		evany__bg_tick_stop(&tick);
	(void)pthread_mutex_unlock(&asked_mutex);
}

/* ---- watches ----------------------------------------------------------- */

static void
watch_free(struct pipe_watch *wa)
{
	struct pipe_proc *pp = wa->wp_state;

	wa->wp_watch->pw_priv = NULL;
	(void)pthread_mutex_lock(&pp->pp_lock);
	LIST_REMOVE(wa, wp_link);
	(void)pthread_mutex_unlock(&pp->pp_lock);
	asked_remove(wa);
	if (wa->wp_own != NULL)
		evany__procsource_own.sr_close(wa->wp_own);
	if (wa->wp_fd != -1) {
		evany__inst_unfeed(pp->pp_inst, &wa->wp_watch->pw_feeder);
		(void)evany__close(wa->wp_fd);
	}
	if (wa->wp_child && --pp->pp_children == 0)
		evany__sigchain_unwatch(SIGCHLD);
	free(wa);
}

static void
watch_record(void *arg, const struct evany__procrec *rec)
{
	struct pipe_watch *wa = arg;
	struct evany__procwatch *pw = wa->wp_watch;

	(void)rec;
	if ((pw->pw_want & EVANY__P_FORK) != 0)
		pw->pw_fire(pw, EVANY__P_FORK, 0);
	if ((pw->pw_want & EVANY__P_CHILD) != 0)
		pw->pw_fire(pw, EVANY__P_TRACKERR, 0);
}

static void
watch_forked(void *arg)
{
	struct pipe_watch *wa = arg;
	int saved = errno;

	evany__procsource_own.sr_collect(wa->wp_own, watch_record, wa);
	errno = saved;
}

/*
 * Nobody tells of forks of others.  Who wants to follow them is told so once;
 * ENOTSUP if only forks or execs are wanted.
 */
static int
watch_notes(struct pipe_watch *wa, bool *missedp)
{
	struct evany__procwatch *pw = wa->wp_watch;
	int error;

	*missedp = false;
	if ((pw->pw_want & NOTES) == 0 || wa->wp_own != NULL)
		return (0);
	error = evany__procsource_own.sr_open(pw->pw_inst, pw->pw_pid,
	    watch_forked, wa, &wa->wp_own);
	if (error != ENOTSUP || (pw->pw_want & EVANY__P_CHILD) == 0)
		return (error);
	*missedp = true;
	return (0);
}

static void
watch_end(struct pipe_watch *wa, int64_t status)
{
	struct evany__procwatch *pw = wa->wp_watch;

	watch_free(wa);
	pw->pw_fire(pw, EVANY__P_EXIT, status);
}

static void
pipe_proc_look(struct pipe_proc *pp)
{
	struct pipe_watch *next, *wa;
	int64_t status;

	LIST_FOREACH_SAFE(wa, &pp->pp_watches, wp_link, next) {
		/* Strangers where the thread says so, descriptors elsewhere. */
		if ((wa->wp_child || atomic_load(&wa->wp_gone)) &&
		    ended(wa, &status))
			watch_end(wa, status);
	}
}

static void
pipe_proc_ready(struct evany__inst *inst, struct evany__feeder *fe,
    unsigned bits)
{
	struct pipe_proc *pp = (struct pipe_proc *)(void *)((char *)fe -
	    offsetof(struct pipe_proc, pp_feeder));
	int cancel, saved = errno;

	(void)inst;
	(void)bits;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	(void)evany__pipe_drain(&pp->pp_pipe);
	pipe_proc_look(pp);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

/* ---- operations -------------------------------------------------------- */

static int
pipe_proc_probe(void)
{
	return (0);
}

static int
pipe_proc_open(void **statep, struct evany__inst *inst)
{
	struct pipe_proc *pp;
	int error;

	if ((pp = calloc(1, sizeof(*pp))) == NULL)
		return (ENOMEM);
	if ((error = pthread_mutex_init(&pp->pp_lock, NULL)) != 0) {
		free(pp);
		return (error);
	}
	pp->pp_inst = inst;
	pp->pp_feeder.fe_fd = -1;
	pp->pp_feeder.fe_ready = pipe_proc_ready;
	LIST_INIT(&pp->pp_watches);
	if ((error = evany__pipe_open(&pp->pp_pipe)) == 0)
		error = evany__sigchain_waker_add(pp->pp_pipe.pi_read,
		    pp->pp_pipe.pi_write, &pp->pp_waker);
	if (error == 0) {
		error = evany__inst_feed(inst, &pp->pp_feeder,
		    pp->pp_pipe.pi_read, EVANY__LEVEL);
		if (error != 0)
			evany__sigchain_waker_remove(pp->pp_waker);
	}
	if (error != 0) {
		(void)pthread_mutex_destroy(&pp->pp_lock);
		free(pp);
	} else
		*statep = pp;
	return (error);
}

static void
descriptor_ready(struct evany__inst *inst, struct evany__feeder *fe,
    unsigned bits)
{
	struct evany__procwatch *pw = (struct evany__procwatch *)(void *)
	    ((char *)fe - offsetof(struct evany__procwatch, pw_feeder));
	struct pipe_watch *wa = pw->pw_priv;
	int64_t status;
	int cancel, saved = errno;

	(void)inst;
	(void)bits;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (ended(wa, &status))
		watch_end(wa, status);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

/* The duplicate outlives the program's descriptor; core sees that close. */
static int
begin_descriptor(struct pipe_watch *wa, int fd)
{
	struct evany__procwatch *pw = wa->wp_watch;
	int error;

	if ((error = evany__pipe_dup(fd, &wa->wp_fd)) != 0)
		return (error);
	if ((wa->wp_fd = evany__inner(wa->wp_fd)) == -1)
		return (errno);
	pw->pw_feeder.fe_ready = descriptor_ready;
	error = evany__inst_feed(pw->pw_inst, &pw->pw_feeder, wa->wp_fd,
	    EVANY__LEVEL);
	if (error != 0)
		(void)evany__close(wa->wp_fd);
	return (error);
}

/* A child is watched by SIGCHLD before it is asked for, so no end is missed. */
static int
begin_pid(struct pipe_watch *wa, bool *endedp, int64_t *statusp)
{
	struct pipe_proc *pp = wa->wp_state;
	pid_t pid = wa->wp_watch->pw_pid;
	enum evany__answer answer;
	uint32_t count;
	int error;

	if (pid <= 0)
		return (ESRCH);
	if (pp->pp_children == 0) {
		if ((error = evany__sigchain_watch(SIGCHLD, &count)) != 0)
			return (error);
		pp->pp_seen = count;
	}
	if ((answer = evany__ask_child(pid, statusp)) != EVANY__ASK_NO_CHILD) {
		pp->pp_children++;
		wa->wp_child = true;
		*endedp = answer == EVANY__ASK_ENDED;
		if (pp->pp_blocked)
			(void)asked_add(wa);
		return (0);
	}
	if (pp->pp_children == 0)
		evany__sigchain_unwatch(SIGCHLD);
	if ((kill(pid, 0) == -1 && errno == ESRCH) ||
	    evany__procstat_thread(pid))
		return (ESRCH);
	*endedp = evany__ask_anybody(pid, statusp) == EVANY__ASK_ENDED;
	return (asked_add(wa));
}

static int
pipe_proc_begin(void **statep, struct evany__procwatch *pw, int fd)
{
	struct pipe_watch *wa;
	int64_t status = 0;
	int error;
	bool missed = false, over = false;

	if (*statep == NULL &&
	    (error = pipe_proc_open(statep, pw->pw_inst)) != 0)
		return (error);
	if ((wa = calloc(1, sizeof(*wa))) == NULL)
		return (ENOMEM);
	wa->wp_watch = pw;
	wa->wp_state = *statep;
	wa->wp_fd = -1;
	error = fd >= 0 ? begin_descriptor(wa, fd) :
	    begin_pid(wa, &over, &status);
	if (error != 0) {
		free(wa);
		return (error);
	}
	pw->pw_priv = wa;
	(void)pthread_mutex_lock(&wa->wp_state->pp_lock);
	LIST_INSERT_HEAD(&wa->wp_state->pp_watches, wa, wp_link);
	(void)pthread_mutex_unlock(&wa->wp_state->pp_lock);
	if (!over && (error = watch_notes(wa, &missed)) != 0) {
		watch_free(wa);
		return (error);
	}
	if (missed)
		pw->pw_fire(pw, EVANY__P_TRACKERR, 0);
	if (over)
		watch_end(wa, status);
	return (0);
}

static int
pipe_proc_attach(void **statep, struct evany__procwatch *pw, int fd)
{
	int cancel, error, saved = errno;

	pw->pw_priv = NULL;
	pw->pw_feeder.fe_fd = -1;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	error = pipe_proc_begin(statep, pw, fd);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (error);
}

static int
pipe_proc_modify(void **statep, struct evany__procwatch *pw)
{
	struct pipe_watch *wa = pw->pw_priv;
	int error, saved = errno;
	bool missed;

	(void)statep;
	if (wa == NULL)
		return (0);
	if ((pw->pw_want & NOTES) == 0 && wa->wp_own != NULL) {
		evany__procsource_own.sr_close(wa->wp_own);
		wa->wp_own = NULL;
	}
	error = watch_notes(wa, &missed);
	if (error == 0 && missed)
		pw->pw_fire(pw, EVANY__P_TRACKERR, 0);
	errno = saved;
	return (error);
}

static int
pipe_proc_ended(struct evany__procwatch *pw)
{
	struct pipe_watch *wa = pw->pw_priv;
	int64_t status;
	int answer, saved = errno;

	answer = wa == NULL || ended(wa, &status);
	errno = saved;
	return (answer);
}

/*
 * While SIGCHLD is blocked the thread asks for children; without a thread they
 * are asked for by the next wait, not during it.
 */
static void
pipe_proc_blocked(struct pipe_proc *pp)
{
	struct pipe_watch *wa;
	sigset_t mask;
	bool blocked;

	(void)sigemptyset(&mask);
	(void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
	if ((blocked = sigismember(&mask, SIGCHLD) == 1) == pp->pp_blocked)
		return;
	pp->pp_blocked = blocked;
	LIST_FOREACH(wa, &pp->pp_watches, wp_link)
		if (wa->wp_child && blocked)
			(void)asked_add(wa);
		else if (wa->wp_child)
			asked_remove(wa);
}

/* The program may have set another disposition for SIGCHLD meanwhile. */
static void
pipe_proc_collect(void **statep)
{
	static const uint8_t sigchld = SIGCHLD;
	struct pipe_proc *pp = *statep;
	uint32_t count;
	int saved = errno;

	if (pp == NULL || pp->pp_children == 0)
		return;
	evany__sigchain_refresh(SIGCHLD);
	(void)evany__sigchain_look(&sigchld, 1);
	pipe_proc_blocked(pp);
	count = evany__sigchain_count(SIGCHLD);
	if (count != pp->pp_seen || pp->pp_blocked) {
		pp->pp_seen = count;
		pipe_proc_look(pp);
	}
	errno = saved;
}

static void
pipe_proc_close(struct evany__inst *inst, void **statep)
{
	struct pipe_proc *pp = *statep;
	struct pipe_watch *wa;
	int cancel, saved = errno;

	if (pp == NULL)
		return;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	while ((wa = LIST_FIRST(&pp->pp_watches)) != NULL)
		watch_free(wa);
	evany__inst_unfeed(inst, &pp->pp_feeder);
	evany__sigchain_waker_remove(pp->pp_waker);
	(void)pthread_mutex_destroy(&pp->pp_lock);
	free(pp);
	(void)pthread_setcancelstate(cancel, NULL);
	*statep = NULL;
	errno = saved;
}

static void
pipe_proc_detach(void **statep, struct evany__procwatch *pw)
{
	struct pipe_proc *pp = *statep;
	int cancel, saved = errno;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (pw->pw_priv != NULL)
		watch_free(pw->pw_priv);
	if (pp != NULL && LIST_EMPTY(&pp->pp_watches))
		pipe_proc_close(pp->pp_inst, statep);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

static void
pipe_proc_fork_child(void **statep)
{
	struct pipe_proc *pp = *statep;
	struct pipe_watch *wa;

	evany__sigchain_fork_child();
	(void)pthread_mutex_init(&asked_mutex, NULL);
	if (!TAILQ_EMPTY(&asked))
		evany__bg_tick_stop(&tick);
	TAILQ_INIT(&asked);
	if (pthread_mutex_trylock(&pp->pp_lock) != 0)
		return;
	LIST_FOREACH(wa, &pp->pp_watches, wp_link) {
		if (wa->wp_fd != -1)
			(void)evany__close(wa->wp_fd);
		if (wa->wp_own != NULL)
			evany__procsource_own.sr_fork_child(wa->wp_own);
	}
	(void)pthread_mutex_unlock(&pp->pp_lock);
}

const struct evany__proc_ops evany__proc_selfpipe_ops = {
	.po_name = "selfpipe",
	.po_probe = pipe_proc_probe,
	.po_attach = pipe_proc_attach,
	.po_modify = pipe_proc_modify,
	.po_detach = pipe_proc_detach,
	.po_ended = pipe_proc_ended,
	.po_collect = pipe_proc_collect,
	.po_close = pipe_proc_close,
	.po_fork_child = pipe_proc_fork_child
};
