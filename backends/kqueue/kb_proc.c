/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kb_proc: PROC watches, by EVFILT_PROC and EVFILT_PROCDESC.
 *
 * Feeds:    a queue of its own per instance (kb_inner.c), which is taken empty
 *           when it is readable and before each wait.
 * State:    struct kb_procs: a target for each process, with one knote, which
 *           asks for what all its watches want; and one for each watch by a
 *           descriptor, over a duplicate of that.
 * Status:   is in the event, whoever has reaped the process.  macOS tells it a
 *           parent alone, by NOTE_EXITSTATUS; others are told 0.
 * Zombies:  NetBSD, OpenBSD and macOS know of none (ESRCH), so they are asked
 *           for when a watch is attached.
 * Children: with NOTE_TRACK the system makes the knote of a child itself.  Its
 *           event names the parent, or after an early exit only the process
 *           whose knote it was made after, by udata.  A watch that is attached
 *           while the child is told takes the knote over, and what has become
 *           of the child since; else the knote goes.  macOS cannot: TRACKERR.
 * Race:     an attach takes in first what is queued, so that the knote of a
 *           process that has ended is not taken for one of the pid's next.
 * Locks:    the instance's; kp_lock (4) for the tree, so that the child of a
 *           fork can tell whether it caught somebody changing it.
 * Fork:     the child does not inherit the queue, and closes the duplicates.
 */
#include "config.h"

#include "backends/kqueue/be_kqueue.h"

#include <sys/tree.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "backends/rawcall.h"
#include "backends/selfpipe/procask.h"
#include "backends/selfpipe/procstat.h"

#define BATCH	16

#ifdef NOTE_EXITSTATUS
#define EXIT	(NOTE_EXIT | NOTE_EXITSTATUS)
#else
#define EXIT	NOTE_EXIT
#endif
#define NOTES	(NOTE_FORK | NOTE_EXEC | NOTE_TRACK)

struct watch {
	LIST_ENTRY(watch)	 wa_link;
	struct evany__procwatch	*wa_pw;
	struct target		*wa_target;
};

struct target {
	RB_ENTRY(target)	 ta_node;
	TAILQ_ENTRY(target)	 ta_end;	/* if ta_ended */
	LIST_HEAD(, watch)	 ta_watches;
	struct kb_procs		*ta_procs;
	uintptr_t		 ta_ident;	/* pid or descriptor */
	int64_t			 ta_status;
	int			 ta_filter;
	bool			 ta_ended;	/* its knote has gone */
	bool			 ta_told;	/* as a child, now */
};
RB_HEAD(targets, target);

struct kb_procs {
	struct kb_inner		 kp_inner;	/* first */
	struct evany__inst	*kp_inst;
	pthread_mutex_t		 kp_lock;
	struct targets		 kp_targets;	/* changed under it */
	TAILQ_HEAD(, target)	 kp_ended;	/* to be told */
	struct watch		*kp_next;	/* fired next */
	bool			 kp_busy;
};

static int
target_compare(const struct target *a, const struct target *b)
{

	if (a->ta_filter != b->ta_filter)
		return (a->ta_filter < b->ta_filter ? -1 : 1);
	return (a->ta_ident < b->ta_ident ? -1 : a->ta_ident > b->ta_ident);
}

RB_GENERATE_INTERNAL(targets, target, ta_node, target_compare,
    static __attribute__((__unused__)))

/* ---- targets and their knotes ------------------------------------------------ */

static struct target *
target_find(struct kb_procs *kp, int filter, uintptr_t ident)
{
	struct target key = { .ta_filter = filter, .ta_ident = ident };

	return (RB_FIND(targets, &kp->kp_targets, &key));
}

static struct target *
target_new(struct kb_procs *kp, int filter, uintptr_t ident)
{
	struct target *ta;

	if ((ta = calloc(1, sizeof(*ta))) == NULL)
		return (NULL);
	LIST_INIT(&ta->ta_watches);
	ta->ta_procs = kp;
	ta->ta_filter = filter;
	ta->ta_ident = ident;
	(void)pthread_mutex_lock(&kp->kp_lock);
	RB_INSERT(targets, &kp->kp_targets, ta);
	(void)pthread_mutex_unlock(&kp->kp_lock);
	return (ta);
}

static void
target_free(struct target *ta)
{
	struct kb_procs *kp = ta->ta_procs;

	(void)pthread_mutex_lock(&kp->kp_lock);
	RB_REMOVE(targets, &kp->kp_targets, ta);
	(void)pthread_mutex_unlock(&kp->kp_lock);
	if (ta->ta_ended)
		TAILQ_REMOVE(&kp->kp_ended, ta, ta_end);
	if (ta->ta_filter != EVFILT_PROC)
		(void)evany__close((int)ta->ta_ident);
	free(ta);
}

/* Nobody wants it any more. */
static void
target_drop(struct target *ta)
{

	if (ta->ta_told || ta->ta_ended || !LIST_EMPTY(&ta->ta_watches))
		return;
	(void)evany__kb_inner_set(&ta->ta_procs->kp_inner, ta->ta_ident,
	    ta->ta_filter, EV_DELETE, 0);
	target_free(ta);
}

static unsigned
notes_of(unsigned want)
{
	unsigned notes = EXIT;

	if ((want & EVANY__P_FORK) != 0)
		notes |= NOTE_FORK;
	if ((want & EVANY__P_EXEC) != 0)
		notes |= NOTE_EXEC;
	if ((want & EVANY__P_CHILD) != 0)
		notes |= NOTE_TRACK;
	return (notes);
}

/* The system does not know that note. */
static bool
unknown(int error)
{

	return (error == ENOTSUP || error == EOPNOTSUPP || error == EINVAL);
}

/*
 * Asks for what all watches want, or for what the system has of it: *notesp is
 * what it took.
 */
static int
target_ask(const struct target *ta, unsigned *notesp)
{
	const struct kb_inner *ki = &ta->ta_procs->kp_inner;
	const struct watch *wa;
	unsigned notes = EXIT;
	int error;

	if (ta->ta_filter == EVFILT_PROC)
		LIST_FOREACH(wa, &ta->ta_watches, wa_link)
			notes |= notes_of(wa->wa_pw->pw_want);
	for (;;) {
		error = evany__kb_inner_set(ki, ta->ta_ident, ta->ta_filter,
		    EV_ADD | EV_CLEAR, notes);
		if (error == EACCES && (notes & EXIT) != NOTE_EXIT)
			notes = (notes & ~(unsigned)EXIT) | NOTE_EXIT;
		else if (unknown(error) && (notes & NOTE_TRACK) != 0)
			notes &= ~(unsigned)NOTE_TRACK;
		else if (unknown(error) && (notes & NOTES) != 0)
			notes &= ~(unsigned)NOTES;
		else
			break;
	}
	*notesp = notes;
	return (error);
}

/* The same for a watch that is new or wants something else now. */
static int
watch_ask(const struct watch *wa, bool *missedp)
{
	const struct target *ta = wa->wa_target;
	struct evany__procwatch *pw = wa->wa_pw;
	unsigned missed, notes;
	int error;

	*missedp = false;
	error = target_ask(ta, &notes);
	/* It has ended meanwhile, and that is still to be told. */
	if (error == ESRCH && (ta->ta_told || ta->ta_ended))
		error = 0;
	missed = notes_of(pw->pw_want) & ~notes & NOTES;
	if (error != 0 || missed == 0)
		return (error);
	if ((pw->pw_want & EVANY__P_CHILD) == 0)
		return (ENOTSUP);
	*missedp = true;
	return (0);
}

/* ---- watches ------------------------------------------------------------------- */

/* The target stays. */
static void
watch_free(struct watch *wa)
{
	struct kb_procs *kp = wa->wa_target->ta_procs;

	if (kp->kp_next == wa)
		kp->kp_next = LIST_NEXT(wa, wa_link);
	LIST_REMOVE(wa, wa_link);
	wa->wa_pw->pw_priv = NULL;
	free(wa);
}

/* A fire may detach any watch, and the last one takes the target along. */
static void
target_fire(struct target *ta, unsigned bits, int64_t data)
{
	struct kb_procs *kp = ta->ta_procs;
	struct evany__procwatch *pw;
	struct watch *wa;
	unsigned told;

	for (wa = LIST_FIRST(&ta->ta_watches); wa != NULL; wa = kp->kp_next) {
		kp->kp_next = LIST_NEXT(wa, wa_link);
		pw = wa->wa_pw;
		told = bits & pw->pw_want;
		if ((bits & EVANY__P_TRACKERR) != 0 &&
		    (pw->pw_want & EVANY__P_CHILD) != 0)
			told |= EVANY__P_TRACKERR;
		if (told != 0)
			pw->pw_fire(pw, told, data);
	}
}

/* The end; other events that were queued have been told. */
static void
target_end(struct target *ta)
{
	struct evany__procwatch *pw;
	struct watch *wa;

	while ((wa = LIST_FIRST(&ta->ta_watches)) != NULL) {
		pw = wa->wa_pw;
		watch_free(wa);
		pw->pw_fire(pw, EVANY__P_EXIT, ta->ta_status);
	}
	target_free(ta);
}

/* ---- events ---------------------------------------------------------------------- */

static void
child_event(struct kb_procs *kp, const struct kevent *ev)
{
	struct target *child, *parent;

	if ((ev->fflags & NOTE_EXIT) != 0 || (parent = target_find(kp,
	    EVFILT_PROC, (uintptr_t)ev->data)) == NULL)
		parent = target_find(kp, EVFILT_PROC, (uintptr_t)ev->udata);
	child = target_find(kp, EVFILT_PROC, ev->ident);
	if (child == NULL)
		child = target_new(kp, EVFILT_PROC, ev->ident);
	if (child == NULL) {
		(void)evany__kb_inner_set(&kp->kp_inner, ev->ident,
		    EVFILT_PROC, EV_DELETE, 0);
		if (parent != NULL)
			target_fire(parent, EVANY__P_TRACKERR, 0);
		return;
	}
	child->ta_told = true;
	if (parent != NULL)
		target_fire(parent, EVANY__P_CHILD, (int64_t)ev->ident);
	child->ta_told = false;
	target_drop(child);
}

static void
proc_event(struct kb_procs *kp, const struct kevent *ev)
{
	const int filter = (int)ev->filter;
	struct target *ta;
	unsigned bits = 0;

	if (filter == EVFILT_USER)
		return;
	if (filter == EVFILT_PROC && (ev->fflags & NOTE_CHILD) != 0)
		child_event(kp, ev);
	if ((ev->fflags & NOTE_FORK) != 0)
		bits |= EVANY__P_FORK;
	if ((ev->fflags & NOTE_EXEC) != 0)
		bits |= EVANY__P_EXEC;
	if ((ev->fflags & NOTE_TRACKERR) != 0)
		bits |= EVANY__P_TRACKERR;
	ta = target_find(kp, filter, ev->ident);
	if (ta != NULL && bits != 0) {
		target_fire(ta, bits, 0);
		ta = target_find(kp, filter, ev->ident);
	}
	if (ta == NULL || ta->ta_ended ||
	    ((ev->fflags & NOTE_EXIT) == 0 && (ev->flags & EV_EOF) == 0))
		return;
	ta->ta_ended = true;
	ta->ta_status = (int64_t)ev->data;
	TAILQ_INSERT_TAIL(&kp->kp_ended, ta, ta_end);
}

static void
procs_take(struct kb_procs *kp)
{
	struct kevent ev[BATCH];
	struct target *ta;
	int i, n;

	if (kp->kp_busy)
		return;
	kp->kp_busy = true;
	/* A process may have made children before its end, queued behind it. */
	do {
		n = evany__kb_inner_take(&kp->kp_inner, ev, BATCH);
		for (i = 0; i < n; i++)
			proc_event(kp, &ev[i]);
	} while (n == BATCH);
	while ((ta = TAILQ_FIRST(&kp->kp_ended)) != NULL)
		target_end(ta);
	kp->kp_busy = false;
}

static void
procs_ready(struct evany__inst *inst, struct evany__feeder *fe, unsigned bits)
{
	int saved = errno;

	(void)inst;
	(void)bits;
	procs_take((struct kb_procs *)(void *)fe);
	errno = saved;
}

/* ---- operations ------------------------------------------------------------------- */

static int
procs_open(void **statep, struct evany__inst *inst)
{
	struct kb_procs *kp;
	int error;

	if (*statep != NULL)
		return (0);
	if ((kp = calloc(1, sizeof(*kp))) == NULL)
		return (ENOMEM);
	(void)pthread_mutex_init(&kp->kp_lock, NULL);
	RB_INIT(&kp->kp_targets);
	TAILQ_INIT(&kp->kp_ended);
	kp->kp_inst = inst;
	error = evany__kb_inner_open(&kp->kp_inner, inst, procs_ready);
	if (error != 0) {
		(void)pthread_mutex_destroy(&kp->kp_lock);
		free(kp);
	} else
		*statep = kp;
	return (error);
}

static void
kb_proc_close(struct evany__inst *inst, void **statep)
{
	struct kb_procs *kp = *statep;
	struct target *ta;
	struct watch *wa;
	int cancel, saved = errno;

	if (kp == NULL)
		return;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	while ((ta = RB_ROOT(&kp->kp_targets)) != NULL) {
		while ((wa = LIST_FIRST(&ta->ta_watches)) != NULL)
			watch_free(wa);
		target_free(ta);
	}
	evany__kb_inner_close(&kp->kp_inner, inst);
	(void)pthread_mutex_destroy(&kp->kp_lock);
	free(kp);
	(void)pthread_setcancelstate(cancel, NULL);
	*statep = NULL;
	errno = saved;
}

/* The last one takes the state along, but not from within a fire. */
static void
procs_idle(void **statep)
{
	struct kb_procs *kp = *statep;

	if (kp != NULL && !kp->kp_busy && RB_EMPTY(&kp->kp_targets))
		kb_proc_close(kp->kp_inst, statep);
}

/* The target of a descriptor or of a pid. */
static int
procs_target(struct kb_procs *kp, pid_t pid, int fd, struct target **tap)
{
	int error = 0, filter = EVFILT_PROC;

	*tap = NULL;
	if (fd >= 0) {
#ifdef EVFILT_PROCDESC
		filter = EVFILT_PROCDESC;
		if ((error = evany__pipe_dup(fd, &fd)) == 0 &&
		    (fd = evany__inner(fd)) == -1)
			error = errno;
#else
		error = ENOTSUP;
#endif
	} else if (pid <= 0)
		error = ESRCH;
	else
		*tap = target_find(kp, EVFILT_PROC, (uintptr_t)pid);
	if (error != 0 || *tap != NULL)
		return (error);
	*tap = target_new(kp, filter, (uintptr_t)(fd >= 0 ? fd : pid));
	if (*tap == NULL && fd >= 0)
		(void)evany__close(fd);
	return (*tap == NULL ? ENOMEM : 0);
}

/* Is it a zombie, which the system has no knote for? */
static bool
zombie(const struct evany__procwatch *pw, int64_t *statusp)
{

	switch (evany__ask_child(pw->pw_pid, statusp)) {
	case EVANY__ASK_ENDED:
		return (true);
	case EVANY__ASK_RUNNING:
		return (false);
	default:
		/* A stranger that can be sent signals, yet has no knote. */
		*statusp = 0;
		return ((kill(pw->pw_pid, 0) == 0 || errno == EPERM) &&
		    !evany__procstat_thread(pw->pw_pid));
	}
}

static int
procs_attach(struct kb_procs *kp, struct evany__procwatch *pw, int fd)
{
	struct target *ta;
	struct watch *wa;
	int64_t status = 0;
	unsigned notes;
	int error;
	bool missed, over;

	procs_take(kp);
	if ((wa = calloc(1, sizeof(*wa))) == NULL)
		return (ENOMEM);
	if ((error = procs_target(kp, pw->pw_pid, fd, &ta)) != 0) {
		free(wa);
		return (error);
	}
	wa->wa_pw = pw;
	wa->wa_target = ta;
	pw->pw_priv = wa;
	LIST_INSERT_HEAD(&ta->ta_watches, wa, wa_link);
	error = watch_ask(wa, &missed);
	over = error == ESRCH && fd < 0 && zombie(pw, &status);
	if (error != 0) {
		watch_free(wa);
		if (!LIST_EMPTY(&ta->ta_watches))
			(void)target_ask(ta, &notes);
		else
			target_drop(ta);
	}
	if (over)
		pw->pw_fire(pw, EVANY__P_EXIT, status);
	else if (missed)
		pw->pw_fire(pw, EVANY__P_TRACKERR, 0);
	return (over ? 0 : error);
}

static int
kb_proc_attach(void **statep, struct evany__procwatch *pw, int fd)
{
	int cancel, error, saved = errno;

	pw->pw_priv = NULL;
	pw->pw_feeder.fe_fd = -1;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if ((error = procs_open(statep, pw->pw_inst)) == 0) {
		error = procs_attach(*statep, pw, fd);
		procs_idle(statep);
	}
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (error);
}

static int
kb_proc_modify(void **statep, struct evany__procwatch *pw)
{
	struct watch *wa;
	int error, saved = errno;
	bool missed;

	/* What is queued is for the old wishes. */
	procs_take(*statep);
	if ((wa = pw->pw_priv) == NULL)
		return (0);
	error = watch_ask(wa, &missed);
	/* The knote has gone, and its event is on its way to us. */
	if (error == ESRCH)
		error = 0;
	else if (error == 0 && missed)
		pw->pw_fire(pw, EVANY__P_TRACKERR, 0);
	errno = saved;
	return (error);
}

static void
kb_proc_detach(void **statep, struct evany__procwatch *pw)
{
	struct watch *wa = pw->pw_priv;
	struct target *ta;
	unsigned notes;
	int cancel, saved = errno;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (wa != NULL) {
		ta = wa->wa_target;
		watch_free(wa);
		if (LIST_EMPTY(&ta->ta_watches))
			target_drop(ta);
		else if (!ta->ta_told && !ta->ta_ended)
			(void)target_ask(ta, &notes);
	}
	procs_idle(statep);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

static int
kb_proc_ended(struct evany__procwatch *pw)
{
	const struct watch *wa = pw->pw_priv;
	enum evany__answer answer;
	int64_t status;
	int saved = errno;

	if (wa == NULL)
		return (1);
	if (wa->wa_target->ta_filter != EVFILT_PROC)
		answer = evany__ask_descriptor((int)wa->wa_target->ta_ident,
		    &status);
	else if ((answer = evany__ask_child(pw->pw_pid, &status)) ==
	    EVANY__ASK_NO_CHILD)
		answer = evany__ask_anybody(pw->pw_pid, &status);
	errno = saved;
	return (answer == EVANY__ASK_ENDED);
}

static void
kb_proc_collect(void **statep)
{
	int saved = errno;

	if (*statep != NULL)
		procs_take(*statep);
	errno = saved;
}

static void
kb_proc_fork_child(void **statep)
{
	struct kb_procs *kp = *statep;
	struct target *ta;

	kp->kp_inner.ki_fd = -1;
	if (pthread_mutex_trylock(&kp->kp_lock) != 0)
		return;
	RB_FOREACH(ta, targets, &kp->kp_targets)
		if (ta->ta_filter != EVFILT_PROC)
			(void)evany__close((int)ta->ta_ident);
	(void)pthread_mutex_unlock(&kp->kp_lock);
}

const struct evany__proc_ops evany__proc_kqueue_ops = {
	.po_name = "kqueue",
	.po_probe = evany__kb_probe,
	.po_attach = kb_proc_attach,
	.po_modify = kb_proc_modify,
	.po_detach = kb_proc_detach,
	.po_ended = kb_proc_ended,
	.po_collect = kb_proc_collect,
	.po_close = kb_proc_close,
	.po_fork_child = kb_proc_fork_child
};
