/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * mqueue: mq_notify() with SIGEV_PORT, and the way to the system for all else.
 *
 * The table holds the registration of each descriptor of a queue, until it is
 * taken back, made again or the descriptor closed.
 */
#include "config.h"

#include <sys/queue.h>

#include <errno.h>
#include <mqueue.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "backends/emulation/ports/portq.h"
#include "compat/export.h"

/* Here the system's own functions are meant. */
#undef mq_notify
#undef mq_close

struct registration {
	LIST_ENTRY(registration) rg_link;
	mqd_t			 rg_queue;
	struct port_tie		*rg_tie;
};

static void mq_child(bool whole);

static struct evany__outer mq_table = EVANY__OUTER(mq_child);
static LIST_HEAD(, registration) registrations =
    LIST_HEAD_INITIALIZER(registrations);

/* A child has no registrations. */
static void
mq_child(bool whole)
{
	struct registration *rg;

	while (whole && (rg = LIST_FIRST(&registrations)) != NULL) {
		LIST_REMOVE(rg, rg_link);
		free(rg->rg_tie);
		free(rg);
	}
	LIST_INIT(&registrations);
}

/* Table locked. */
static void
registration_end(mqd_t queue)
{
	struct registration *rg;

	LIST_FOREACH(rg, &registrations, rg_link)
		if (rg->rg_queue == queue)
			break;
	if (rg == NULL)
		return;
	LIST_REMOVE(rg, rg_link);
	evany__port_mq_over(rg->rg_tie);
	free(rg);
}

static int
registration_begin(mqd_t queue, const port_notify_t *pn)
{
	struct registration *rg;
	int error;

	if (pn == NULL)
		return (EFAULT);
	if ((rg = malloc(sizeof(*rg))) == NULL)
		return (ENOMEM);
	error = evany__port_mq_register(pn->portnfy_port, (int)queue,
	    pn->portnfy_user, &rg->rg_tie);
	if (error != 0) {
		free(rg);
		return (error == EBADFD ? EBADF : error);
	}
	/* One that was used up. */
	registration_end(queue);
	rg->rg_queue = queue;
	LIST_INSERT_HEAD(&registrations, rg, rg_link);
	return (0);
}

EVANY_EXPORT int
evany_mq_notify(mqd_t queue, const struct sigevent *se)
{
	int error, result, saved = errno;
	bool ours = se != NULL && se->sigev_notify == SIGEV_PORT;

	if (!ours) {
		result = mq_notify(queue, se);
		if (result == -1 || se != NULL || evany__lock_held())
			return (result);
	} else if (evany__lock_held()) {
		errno = EDEADLK;
		return (-1);
	}
	evany__outer_enter(&mq_table);
	error = 0;
	if (ours)
		error = registration_begin(queue, se->sigev_value.sival_ptr);
	else
		registration_end(queue);
	evany__outer_leave(&mq_table);
	errno = error != 0 ? error : saved;
	return (error != 0 ? -1 : 0);
}

EVANY_EXPORT int
evany_mq_close(mqd_t queue)
{
	int result, saved;

	if (evany__lock_held())
		return (mq_close(queue));
	evany__outer_enter(&mq_table);
	result = mq_close(queue);
	saved = errno;
	if (result == 0)
		registration_end(queue);
	evany__outer_leave(&mq_table);
	errno = saved;
	return (result);
}
