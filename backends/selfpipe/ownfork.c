/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * ownfork: forks of this process, told by itself.
 *
 * Feeds:   one pipe per watch, with EVANY__LEVEL.
 * State:   struct ownfork, in a list of the process.
 * Life:    as long as somebody collects.
 * Race:    none: fork(2) has returned when it is told of.
 * Locks:   own_mutex (3) guards the list.
 * Fork:    the child drops the list.
 *
 * The child's pid is not told, and neither are children that do not come by
 * fork(2): those of vfork(2) and of most posix_spawn(3).  A fork(2) that failed
 * is told like any other.  There is no exec to tell of, since no queue
 * outlives it.
 */
#include "config.h"

#include "backends/perf/procsource.h"

#include <sys/queue.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/pollpipe.h"

struct ownfork {
	LIST_ENTRY(ownfork)	 of_link;	/* (3) */
	struct evany__feeder	 of_feeder;	/* (i) */
	struct evany__inst	*of_inst;	/* (c) */
	void			(*of_ready)(void *); /* (c) */
	void			*of_arg;	/* (c) */
	struct evany__pipe	 of_pipe;	/* (c) */
	bool			 of_forked;	/* (3) since it was collected */
};

static pthread_mutex_t own_mutex = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, ownfork) own_list = LIST_HEAD_INITIALIZER(own_list);

/* In the parent, when it has forked. */
static void
own_forked(void)
{
	struct ownfork *of;
	int cancel, saved = errno;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	(void)pthread_mutex_lock(&own_mutex);
	LIST_FOREACH(of, &own_list, of_link)
		if (!of->of_forked) {
			of->of_forked = true;
			(void)evany__pipe_ring(&of->of_pipe);
		}
	(void)pthread_mutex_unlock(&own_mutex);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

static void
own_ready(struct evany__inst *inst, struct evany__feeder *fe, unsigned bits)
{
	struct ownfork *of = (struct ownfork *)(void *)((char *)fe -
	    offsetof(struct ownfork, of_feeder));

	(void)inst;
	(void)bits;
	of->of_ready(of->of_arg);
}

static int
own_open(struct evany__inst *inst, pid_t pid, void (*ready)(void *), void *arg,
    void **handlep)
{
	struct ownfork *of;
	int cancel, error;

	if (pid != getpid())
		return (ENOTSUP);
	if ((of = calloc(1, sizeof(*of))) == NULL)
		return (ENOMEM);
	of->of_inst = inst;
	of->of_ready = ready;
	of->of_arg = arg;
	of->of_feeder.fe_fd = -1;
	of->of_feeder.fe_ready = own_ready;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if ((error = evany__pipe_open(&of->of_pipe)) == 0) {
		error = evany__inst_feed(inst, &of->of_feeder,
		    of->of_pipe.pi_read, EVANY__LEVEL);
		if (error != 0)
			evany__pipe_close(&of->of_pipe);
	}
	(void)pthread_setcancelstate(cancel, NULL);
	if (error != 0) {
		free(of);
		return (error);
	}
	(void)pthread_mutex_lock(&own_mutex);
	LIST_INSERT_HEAD(&own_list, of, of_link);
	(void)pthread_mutex_unlock(&own_mutex);
	evany__fork_notify(own_forked);
	*handlep = of;
	return (0);
}

static void
own_close(void *handle)
{
	struct ownfork *of = handle;
	int cancel;

	(void)pthread_mutex_lock(&own_mutex);
	LIST_REMOVE(of, of_link);
	(void)pthread_mutex_unlock(&own_mutex);
	evany__inst_unfeed(of->of_inst, &of->of_feeder);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	evany__pipe_close(&of->of_pipe);
	(void)pthread_setcancelstate(cancel, NULL);
	free(of);
}

static void
own_collect(void *handle, void (*fn)(void *, const struct evany__procrec *),
    void *arg)
{
	struct evany__procrec rec = { .pr_act = EVANY__PR_FORK };
	struct ownfork *of = handle;
	int cancel;
	bool forked;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	(void)pthread_mutex_lock(&own_mutex);
	forked = of->of_forked;
	of->of_forked = false;
	if (forked)
		(void)evany__pipe_drain(&of->of_pipe);
	(void)pthread_mutex_unlock(&own_mutex);
	(void)pthread_setcancelstate(cancel, NULL);
	rec.pr_parent = getpid();
	if (forked)
		fn(arg, &rec);
}

static void
own_fork_child(void *handle)
{
	struct ownfork *of = handle;

	(void)pthread_mutex_init(&own_mutex, NULL);
	LIST_INIT(&own_list);
	evany__pipe_close(&of->of_pipe);
}

const struct evany__procsource evany__procsource_own = {
	.sr_name = "own",
	.sr_open = own_open,
	.sr_close = own_close,
	.sr_collect = own_collect,
	.sr_fork_child = own_fork_child
};
