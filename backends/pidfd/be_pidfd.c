/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_pidfd: PROC watches on Linux, by pidfd_open(2) and, for forks and execs,
 * by perf events or the process connector.
 *
 * Feeds:   one pidfd per watch, readable once the whole process has ended,
 *          and what a source of records feeds (procsource.h).
 * State:   struct be_pidfd with the watches and groups of an instance.  A
 *          group is a source that is open, and the watches it serves: a
 *          process and those of its descendants that are watched because of
 *          it, or all watches with such wishes if the source tells of every
 *          process.
 * Life:    the end of its process ends a watch; pw_priv is NULL from then on.
 *          The state goes with the last detach.
 * Race:    a child that was made is opened before anybody is told of it, and
 *          believed only if its parent or the time of its birth is right.  If
 *          it has gone already, its watch has no descriptor (a ghost), and the
 *          source's record of its end fires it, without a status.  What a
 *          process did is told before its end: its group is collected first.
 * Locks:   the instance's; bp_lock (4) for the lists, so that the child of a
 *          fork can tell whether it caught somebody changing them.
 * Fork:    the child closes its copies, unless the lists were being changed.
 */
#include "config.h"

#include <sys/queue.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/perf/procsource.h"
#include "backends/pidfd/pidfd_sys.h"

#define NOTES	(EVANY__P_FORK | EVANY__P_EXEC | EVANY__P_CHILD)

struct pidfd_watch {
	struct evany__procwatch	*wa_pw;		/* (c) */
	struct be_pidfd		*wa_state;	/* (c) */
	LIST_ENTRY(pidfd_watch)	 wa_link;	/* (i)(4) of the state */
	LIST_ENTRY(pidfd_watch)	 wa_member;	/* (i) of the group */
	struct pidfd_group	*wa_group;	/* (i) NULL: none */
	int64_t			 wa_status;	/* (i) from the source */
	int			 wa_fd;		/* (c) -1: a ghost */
};
LIST_HEAD(watch_list, pidfd_watch);

struct pidfd_group {
	struct be_pidfd		*gr_state;	/* (c) */
	const struct evany__procsource *gr_source; /* (c) */
	void			*gr_handle;	/* (c) the source's */
	LIST_ENTRY(pidfd_group)	 gr_link;	/* (i)(4) */
	struct watch_list	 gr_members;	/* (i) */
	bool			 gr_busy;	/* (i) telling: do not free */
	/* (i) The child that members are told of now. */
	pid_t			 gr_kid;	/* 0: none */
	int			 gr_kid_fd;	/* -1: gone, or taken */
	int			 gr_kid_error;	/* why it could not be opened */
};
LIST_HEAD(group_list, pidfd_group);

struct be_pidfd {
	struct evany__inst	*bp_inst;	/* (c) */
	pthread_mutex_t		 bp_lock;
	struct watch_list	 bp_watches;	/* (i)(4) */
	struct group_list	 bp_groups;	/* (i)(4) */
};

/* In order of preference. */
static const struct evany__procsource *const sources[] = {
#ifdef EVANY_BE_PERF
	&evany__procsource_perf,
#endif
	&evany__procsource_connector,
	&evany__procsource_own
};
#define NSOURCES	((int)(sizeof(sources) / sizeof(sources[0])))

static void	group_collect(struct pidfd_group *);

/* ---- the end of a watch ------------------------------------------------ */

static void
group_free(struct pidfd_group *gr)
{
	if (gr->gr_busy || !LIST_EMPTY(&gr->gr_members))
		return;
	(void)pthread_mutex_lock(&gr->gr_state->bp_lock);
	LIST_REMOVE(gr, gr_link);
	(void)pthread_mutex_unlock(&gr->gr_state->bp_lock);
	gr->gr_source->sr_close(gr->gr_handle);
	free(gr);
}

static void
group_leave(struct pidfd_watch *wa)
{
	struct pidfd_group *gr = wa->wa_group;

	if (gr == NULL)
		return;
	LIST_REMOVE(wa, wa_member);
	wa->wa_group = NULL;
	group_free(gr);
}

static void
watch_free(struct pidfd_watch *wa)
{
	struct be_pidfd *bp = wa->wa_state;

	wa->wa_pw->pw_priv = NULL;
	evany__inst_unfeed(bp->bp_inst, &wa->wa_pw->pw_feeder);
	group_leave(wa);
	(void)pthread_mutex_lock(&bp->bp_lock);
	LIST_REMOVE(wa, wa_link);
	(void)pthread_mutex_unlock(&bp->bp_lock);
	if (wa->wa_fd != -1)
		evany__pidfd_close(wa->wa_fd);
	free(wa);
}

static void
watch_end(struct pidfd_watch *wa)
{
	struct evany__procwatch *pw = wa->wa_pw;
	int64_t status;

	if (wa->wa_fd == -1 ||
	    !evany__pidfd_status(wa->wa_fd, pw->pw_pid, &status))
		status = wa->wa_status;
	watch_free(wa);
	pw->pw_fire(pw, EVANY__P_EXIT, status);
}

static void
watch_ready(struct evany__inst *inst, struct evany__feeder *fe, unsigned bits)
{
	struct evany__procwatch *pw = (struct evany__procwatch *)(void *)
	    ((char *)fe - offsetof(struct evany__procwatch, pw_feeder));
	struct pidfd_watch *wa = pw->pw_priv;
	int saved = errno;

	(void)inst;
	(void)bits;
	if (wa->wa_group != NULL)
		group_collect(wa->wa_group);
	/* The records may have ended it. */
	if ((wa = pw->pw_priv) != NULL && evany__pidfd_ended(wa->wa_fd))
		watch_end(wa);
	errno = saved;
}

/* ---- records of a source ----------------------------------------------- */

static void
group_fork(struct pidfd_group *gr, struct pidfd_watch *wa,
    const struct evany__procrec *rec)
{
	struct evany__procwatch *pw = wa->wa_pw;

	if ((pw->pw_want & EVANY__P_FORK) != 0)
		pw->pw_fire(pw, EVANY__P_FORK, 0);
	if ((pw->pw_want & EVANY__P_CHILD) == 0)
		return;
	if (rec->pr_pid == 0) {
		pw->pw_fire(pw, EVANY__P_TRACKERR, 0);
		return;
	}
	gr->gr_kid_fd = -1;
	gr->gr_kid_error = evany__pidfd_open(rec->pr_pid, &gr->gr_kid_fd);
	if (gr->gr_kid_error == ESRCH)
		gr->gr_kid_error = 0;
	if (gr->gr_kid_fd != -1 && !evany__pidfd_is_child(gr->gr_kid_fd,
	    rec->pr_pid, rec->pr_parent, rec->pr_time)) {
		evany__pidfd_close(gr->gr_kid_fd);
		gr->gr_kid_fd = -1;
	}
	gr->gr_kid = rec->pr_pid;
	pw->pw_fire(pw, EVANY__P_CHILD, rec->pr_pid);
	gr->gr_kid = 0;
	if (gr->gr_kid_fd != -1)
		evany__pidfd_close(gr->gr_kid_fd);
}

/* Children that ended untold end now, and who follows forks is told. */
static void
group_lost(struct pidfd_group *gr, bool over)
{
	struct pidfd_watch *next, *wa;
	struct evany__procwatch *pw;

	LIST_FOREACH_SAFE(wa, &gr->gr_members, wa_member, next) {
		pw = wa->wa_pw;
		if (wa->wa_fd == -1)
			watch_end(wa);
		else if (!over && (pw->pw_want & EVANY__P_CHILD) != 0)
			pw->pw_fire(pw, EVANY__P_TRACKERR, 0);
	}
}

static void
group_record(void *arg, const struct evany__procrec *rec)
{
	struct pidfd_group *gr = arg;
	struct pidfd_watch *next, *wa;
	struct evany__procwatch *pw;
	pid_t pid;

	if (rec->pr_act == EVANY__PR_LOST || rec->pr_act == EVANY__PR_END) {
		group_lost(gr, rec->pr_act == EVANY__PR_END);
		return;
	}
	pid = rec->pr_act == EVANY__PR_FORK ? rec->pr_parent : rec->pr_pid;
	LIST_FOREACH_SAFE(wa, &gr->gr_members, wa_member, next) {
		pw = wa->wa_pw;
		if (pw->pw_pid != pid)
			continue;
		if (rec->pr_act == EVANY__PR_FORK)
			group_fork(gr, wa, rec);
		else if (rec->pr_act == EVANY__PR_EXIT) {
			if (rec->pr_told)
				wa->wa_status = rec->pr_status;
			/* One event has this and what it did before. */
			if (wa->wa_fd == -1 || evany__pidfd_ended(wa->wa_fd))
				watch_end(wa);
		} else if ((pw->pw_want & EVANY__P_EXEC) != 0)
			pw->pw_fire(pw, EVANY__P_EXEC, 0);
	}
}

static void
group_collect(struct pidfd_group *gr)
{
	if (gr->gr_busy)
		return;
	gr->gr_busy = true;
	gr->gr_source->sr_collect(gr->gr_handle, group_record, gr);
	gr->gr_busy = false;
	group_free(gr);
}

static void
group_ready(void *arg)
{
	int saved = errno;

	group_collect(arg);
	errno = saved;
}

/* ---- joining ----------------------------------------------------------- */

static int
group_open(struct be_pidfd *bp, const struct evany__procsource *sr, pid_t pid,
    struct pidfd_group **grp)
{
	struct pidfd_group *gr;
	int error;

	if (sr->sr_all)
		LIST_FOREACH(gr, &bp->bp_groups, gr_link)
			if (gr->gr_source == sr) {
				*grp = gr;
				return (0);
			}
	if ((gr = calloc(1, sizeof(*gr))) == NULL)
		return (ENOMEM);
	gr->gr_state = bp;
	gr->gr_source = sr;
	gr->gr_kid_fd = -1;
	error = sr->sr_open(bp->bp_inst, pid, group_ready, gr, &gr->gr_handle);
	if (error != 0) {
		free(gr);
		return (error);
	}
	(void)pthread_mutex_lock(&bp->bp_lock);
	LIST_INSERT_HEAD(&bp->bp_groups, gr, gr_link);
	(void)pthread_mutex_unlock(&bp->bp_lock);
	*grp = gr;
	return (0);
}

/*
 * ENOTSUP: no source tells of this process.  One that wants more descriptors
 * than there are (perf events take one per thread and processor) is passed
 * over if another does with less.
 */
static int
group_join(struct pidfd_watch *wa)
{
	struct pidfd_group *gr = NULL;
	int error = ENOTSUP, i, shortage = ENOTSUP;

	for (i = 0; i < NSOURCES; i++) {
		error = group_open(wa->wa_state, sources[i],
		    wa->wa_pw->pw_pid, &gr);
		/* It has ended, or is about to: nothing will be told. */
		if (error == ESRCH)
			return (0);
		if (error == 0)
			break;
		if (error != ENOTSUP)
			shortage = error;
	}
	if (error != 0)
		return (shortage);
	wa->wa_group = gr;
	LIST_INSERT_HEAD(&gr->gr_members, wa, wa_member);
	return (0);
}

/*
 * What a shy source wrote before its descriptors were fed may have been
 * forgotten by them; a thread that waits already would not hear of it.
 */
static void
watch_catch_up(struct pidfd_watch *wa)
{
	if (wa->wa_group != NULL && wa->wa_group->gr_source->sr_shy)
		group_collect(wa->wa_group);
}

/* As po_attach says; *missedp: tell that children will be missed. */
static int
watch_join(struct pidfd_watch *wa, bool *missedp)
{
	int error;

	*missedp = false;
	if ((wa->wa_pw->pw_want & NOTES) == 0 || wa->wa_group != NULL)
		return (0);
	error = group_join(wa);
	if (error != ENOTSUP || (wa->wa_pw->pw_want & EVANY__P_CHILD) == 0)
		return (error);
	*missedp = true;
	return (0);
}

/* The group that is telling of this pid's birth. */
static struct pidfd_group *
group_of_kid(struct be_pidfd *bp, pid_t pid)
{
	struct pidfd_group *gr;

	LIST_FOREACH(gr, &bp->bp_groups, gr_link)
		if (gr->gr_kid == pid)
			return (gr);
	return (NULL);
}

/* ---- operations -------------------------------------------------------- */

static int
be_pidfd_probe(void)
{
	int error, fd, saved = errno;

	if ((error = evany__pidfd_open(getpid(), &fd)) == 0)
		evany__pidfd_close(fd);
	errno = saved;
	return (error);
}

static int
state_get(void **statep, struct evany__inst *inst)
{
	struct be_pidfd *bp;
	int error;

	if (*statep != NULL)
		return (0);
	if ((bp = calloc(1, sizeof(*bp))) == NULL)
		return (ENOMEM);
	if ((error = pthread_mutex_init(&bp->bp_lock, NULL)) != 0) {
		free(bp);
		return (error);
	}
	bp->bp_inst = inst;
	LIST_INIT(&bp->bp_watches);
	LIST_INIT(&bp->bp_groups);
	*statep = bp;
	return (0);
}

/* The descriptor of a new watch; a descendant joins its group at once. */
static int
watch_open(struct pidfd_watch *wa, int fd)
{
	struct evany__procwatch *pw = wa->wa_pw;
	struct pidfd_group *gr;
	int error;

	if (fd >= 0) {
		if ((error = evany__pidfd_dup(fd, &wa->wa_fd)) != 0)
			return (error);
		pw->pw_pid = evany__pidfd_pid(wa->wa_fd);
		return (0);
	}
	gr = pw->pw_pid > 0 ? group_of_kid(wa->wa_state, pw->pw_pid) : NULL;
	if (gr == NULL)
		return (evany__pidfd_open(pw->pw_pid, &wa->wa_fd));
	if (gr->gr_kid_error != 0)
		return (gr->gr_kid_error);
	wa->wa_fd = gr->gr_kid_fd;
	gr->gr_kid_fd = -1;
	wa->wa_group = gr;
	LIST_INSERT_HEAD(&gr->gr_members, wa, wa_member);
	return (0);
}

static int
be_pidfd_attach(void **statep, struct evany__procwatch *pw, int fd)
{
	struct pidfd_watch *wa;
	struct be_pidfd *bp;
	int error, saved = errno;
	bool missed;

	pw->pw_priv = NULL;
	pw->pw_feeder.fe_fd = -1;
	pw->pw_feeder.fe_ready = watch_ready;
	if ((error = state_get(statep, pw->pw_inst)) != 0)
		return (error);
	bp = *statep;
	if ((wa = calloc(1, sizeof(*wa))) == NULL) {
		errno = saved;
		return (ENOMEM);
	}
	wa->wa_pw = pw;
	wa->wa_state = bp;
	wa->wa_fd = -1;
	if ((error = watch_open(wa, fd)) != 0) {
		free(wa);
		errno = saved;
		return (error);
	}
	pw->pw_priv = wa;
	(void)pthread_mutex_lock(&bp->bp_lock);
	LIST_INSERT_HEAD(&bp->bp_watches, wa, wa_link);
	(void)pthread_mutex_unlock(&bp->bp_lock);
	error = watch_join(wa, &missed);
	if (error == 0 && wa->wa_fd != -1)
		error = evany__inst_feed(bp->bp_inst, &pw->pw_feeder,
		    wa->wa_fd, EVANY__LEVEL);
	if (error != 0)
		watch_free(wa);
	else if (missed)
		pw->pw_fire(pw, EVANY__P_TRACKERR, 0);
	else
		watch_catch_up(wa);
	errno = saved;
	return (error);
}

static int
be_pidfd_modify(void **statep, struct evany__procwatch *pw)
{
	struct pidfd_watch *wa = pw->pw_priv;
	int error, saved = errno;
	bool missed;

	(void)statep;
	if (wa == NULL)
		return (0);
	if (wa->wa_fd != -1 && (pw->pw_want & NOTES) == 0)
		group_leave(wa);
	error = watch_join(wa, &missed);
	if (error == 0 && missed)
		pw->pw_fire(pw, EVANY__P_TRACKERR, 0);
	else if (error == 0)
		watch_catch_up(wa);
	errno = saved;
	return (error);
}

static int
be_pidfd_ended(struct evany__procwatch *pw)
{
	struct pidfd_watch *wa = pw->pw_priv;
	int ended, saved = errno;

	ended = wa == NULL || wa->wa_fd == -1 || evany__pidfd_ended(wa->wa_fd);
	errno = saved;
	return (ended);
}

static void
be_pidfd_collect(void **statep)
{
	struct be_pidfd *bp = *statep;
	struct pidfd_group *gr, *next;
	int saved = errno;

	if (bp == NULL)
		return;
	LIST_FOREACH_SAFE(gr, &bp->bp_groups, gr_link, next)
		if (gr->gr_source->sr_shy)
			group_collect(gr);
	errno = saved;
}

static void
be_pidfd_close(struct evany__inst *inst, void **statep)
{
	struct be_pidfd *bp = *statep;
	struct pidfd_watch *wa;
	int saved = errno;

	(void)inst;
	if (bp == NULL)
		return;
	while ((wa = LIST_FIRST(&bp->bp_watches)) != NULL)
		watch_free(wa);
	(void)pthread_mutex_destroy(&bp->bp_lock);
	free(bp);
	*statep = NULL;
	errno = saved;
}

/* The state goes with the last watch, so that waits are spared a look. */
static void
be_pidfd_detach(void **statep, struct evany__procwatch *pw)
{
	struct be_pidfd *bp = *statep;
	int saved = errno;

	if (pw->pw_priv != NULL)
		watch_free(pw->pw_priv);
	if (bp != NULL && LIST_EMPTY(&bp->bp_watches) &&
	    LIST_EMPTY(&bp->bp_groups))
		be_pidfd_close(bp->bp_inst, statep);
	errno = saved;
}

static void
be_pidfd_fork_child(void **statep)
{
	struct be_pidfd *bp = *statep;
	struct pidfd_group *gr;
	struct pidfd_watch *wa;

	if (pthread_mutex_trylock(&bp->bp_lock) != 0)
		return;
	LIST_FOREACH(wa, &bp->bp_watches, wa_link)
		if (wa->wa_fd != -1)
			evany__pidfd_close(wa->wa_fd);
	LIST_FOREACH(gr, &bp->bp_groups, gr_link)
		gr->gr_source->sr_fork_child(gr->gr_handle);
	(void)pthread_mutex_unlock(&bp->bp_lock);
}

const struct evany__proc_ops evany__proc_pidfd_ops = {
	.po_name = "pidfd",
	.po_probe = be_pidfd_probe,
	.po_attach = be_pidfd_attach,
	.po_modify = be_pidfd_modify,
	.po_detach = be_pidfd_detach,
	.po_ended = be_pidfd_ended,
	.po_collect = be_pidfd_collect,
	.po_close = be_pidfd_close,
	.po_fork_child = be_pidfd_fork_child
};
