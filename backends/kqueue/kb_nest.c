/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kb_nest: instances among each other.
 *
 * Cycles:  some systems let two queues watch each other and then hang (NetBSD
 *          7), so which of ours watches which is noted here, and a cycle is
 *          refused.  Queues that the program has of the system itself are not
 *          known.
 * State:   the list of all instances, and of who watches whom by what number.
 *          A note whose number has become another file is found so when it
 *          matters, and counts no more.
 * Locks:   nest_lock (3).
 * Fork:    the child begins with empty lists.
 */
#include "config.h"

#include "backends/kqueue/be_kqueue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct nest {
	LIST_ENTRY(nest)	 ne_link;
	struct be_kqueue	*ne_outer;
	struct be_kqueue	*ne_inner;
	int			 ne_fd;
};

static pthread_mutex_t nest_lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, be_kqueue) nest_all = LIST_HEAD_INITIALIZER(nest_all);
static LIST_HEAD(, nest) nest_list = LIST_HEAD_INITIALIZER(nest_list);

static void
nest_enter(void)
{

	evany__lock_mark();
	(void)pthread_mutex_lock(&nest_lock);
}

static void
nest_leave(void)
{

	(void)pthread_mutex_unlock(&nest_lock);
	evany__lock_unmark();
}

void
evany__kb_nest_enter(struct be_kqueue *kb)
{

	nest_enter();
	LIST_INSERT_HEAD(&nest_all, kb, kb_link);
	nest_leave();
}

/* Ends the notes of what kb watches by fd, or of all if fd is -1. */
static void
nest_drop(struct be_kqueue *kb, int fd)
{
	struct nest *ne, *next;

	for (ne = LIST_FIRST(&nest_list); ne != NULL; ne = next) {
		next = LIST_NEXT(ne, ne_link);
		if (fd == -1 ? ne->ne_outer != kb && ne->ne_inner != kb :
		    ne->ne_outer != kb || ne->ne_fd != fd)
			continue;
		LIST_REMOVE(ne, ne_link);
		free(ne);
	}
}

void
evany__kb_nest_leave(struct be_kqueue *kb)
{

	nest_enter();
	nest_drop(kb, -1);
	LIST_REMOVE(kb, kb_link);
	nest_leave();
}

void
evany__kb_nest_forget(struct be_kqueue *kb, int fd)
{

	nest_enter();
	nest_drop(kb, fd);
	nest_leave();
}

/* Can sought be reached from kb?  Ends, since each is gone through once. */
static bool
nest_reaches(struct be_kqueue *kb, const struct be_kqueue *sought)
{
	struct nest *ne;

	kb->kb_seen = true;
	LIST_FOREACH(ne, &nest_list, ne_link) {
		if (ne->ne_outer != kb || ne->ne_inner->kb_seen ||
		    !evany__kb_names(ne->ne_inner, ne->ne_fd))
			continue;
		if (ne->ne_inner == sought || nest_reaches(ne->ne_inner, sought))
			return (true);
	}
	return (false);
}

static int
nest_add(struct be_kqueue *kb, struct be_kqueue *inner, int fd)
{
	struct be_kqueue *other;
	struct nest *ne;

	if (inner == kb)
		return (EINVAL);
	LIST_FOREACH(other, &nest_all, kb_link)
		other->kb_seen = false;
	if (nest_reaches(inner, kb))
		return (ELOOP);
	nest_drop(kb, fd);
	if ((ne = malloc(sizeof(*ne))) == NULL)
		return (ENOMEM);
	ne->ne_outer = kb;
	ne->ne_inner = inner;
	ne->ne_fd = fd;
	LIST_INSERT_HEAD(&nest_list, ne, ne_link);
	return (0);
}

int
evany__kb_nest(struct be_kqueue *kb, int fd, const struct stat *st,
    bool *nestedp)
{
	struct be_kqueue *inner;
	int error;

	*nestedp = false;
	/* A queue is a fifo, or has no type; what it is not is seen at once. */
	if ((!S_ISFIFO(st->st_mode) && (st->st_mode & S_IFMT) != 0) ||
	    evany__kb_apply(fd, NULL, 0) != 0)
		return (0);
	error = 0;
	nest_enter();
	LIST_FOREACH(inner, &nest_all, kb_link)
		if (evany__kb_names(inner, fd)) {
			error = nest_add(kb, inner, fd);
			*nestedp = error == 0;
			break;
		}
	nest_leave();
	return (error);
}

void
evany__kb_nest_fork_child(void)
{

	(void)pthread_mutex_init(&nest_lock, NULL);
	LIST_INIT(&nest_all);
	LIST_INIT(&nest_list);
}
