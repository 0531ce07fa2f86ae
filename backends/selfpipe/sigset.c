/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * sigset: the signal watches of one instance, for every SIGNAL mechanism.
 *
 * Feeds:   the reading end of the set's waker.  An eventfd is fed with
 *          EVANY__EDGE and never read: each write is an edge, and no reader
 *          can take it from another.  A pipe would fill up, so it is fed with
 *          EVANY__LEVEL and read empty by the thread that sees it.
 * State:   struct evany__sigset, the mechanism's own begins with it.
 * Life:    made with the first watch of an instance, ended with the last.
 * Race:    what is counted is found by comparing counts, so it does not matter
 *          which wake-up a thread answers, or whether two answer one.
 * Locks:   all calls come with the instance's lock held; sigchain's is taken
 *          under it.
 * Fork:    sigchain closes the waker; nothing else is looked at.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "backends/rawcall.h"
#include "backends/selfpipe/sigchain.h"

int
evany__sigset_init(struct evany__sigset *ss, struct evany__inst *inst,
    int readfd, int writefd, void (*ready)(struct evany__inst *,
    struct evany__feeder *, unsigned))
{
	int error;

	ss->ss_inst = inst;
	ss->ss_readfd = readfd;
	ss->ss_feeder.fe_fd = -1;
	ss->ss_feeder.fe_ready = ready;
	LIST_INIT(&ss->ss_watches);
	error = evany__sigchain_waker_add(readfd, writefd, &ss->ss_waker);
	if (error != 0)
		return (error);
	error = evany__inst_feed(inst, &ss->ss_feeder, readfd,
	    readfd == writefd ? EVANY__EDGE : EVANY__LEVEL);
	if (error != 0)
		evany__sigchain_waker_remove(ss->ss_waker);
	return (error);
}

void
evany__sigset_fini(struct evany__sigset *ss)
{
	struct evany__sigwatch *sw;

	while ((sw = LIST_FIRST(&ss->ss_watches)) != NULL)
		evany__sigset_detach(ss, sw);
	evany__inst_unfeed(ss->ss_inst, &ss->ss_feeder);
	evany__sigchain_waker_remove(ss->ss_waker);
}

int
evany__sigset_attach(struct evany__sigset *ss, struct evany__sigwatch *sw)
{
	uint32_t count;
	int error;

	if ((error = evany__sigchain_watch(sw->sw_signo, &count)) != 0)
		return (error);
	sw->sw_seen = count;
	LIST_INSERT_HEAD(&ss->ss_watches, sw, sw_link);
	return (0);
}

void
evany__sigset_detach(struct evany__sigset *ss, struct evany__sigwatch *sw)
{
	(void)ss;
	LIST_REMOVE(sw, sw_link);
	evany__sigchain_unwatch(sw->sw_signo);
}

/* One more wake-up may follow what this takes away; it finds nothing. */
void
evany__sigset_drain(struct evany__sigset *ss)
{
	char buf[512];
	int cancel, saved = errno;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	while (evany__read(ss->ss_readfd, buf, sizeof(buf)) ==
	    (ssize_t)sizeof(buf))
		continue;
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

void
evany__sigset_refresh(struct evany__sigset *ss)
{
	struct evany__sigwatch *sw;

	LIST_FOREACH(sw, &ss->ss_watches, sw_link)
		evany__sigchain_refresh(sw->sw_signo);
	evany__sigset_collect(ss);
}

void
evany__sigset_collect(struct evany__sigset *ss)
{
	struct evany__sigwatch *next, *sw;
	uint8_t signos[EVANY__SIGMAX];
	uint32_t count, sent;
	int n = 0;

	LIST_FOREACH(sw, &ss->ss_watches, sw_link)
		if (n < EVANY__SIGMAX)
			signos[n++] = (uint8_t)sw->sw_signo;
	(void)evany__sigchain_look(signos, n);
	LIST_FOREACH_SAFE(sw, &ss->ss_watches, sw_link, next) {
		count = evany__sigchain_count(sw->sw_signo);
		if ((sent = count - (uint32_t)sw->sw_seen) == 0)
			continue;
		sw->sw_seen = count;
		sw->sw_fire(sw, sent);
	}
}

void
evany__sigset_fork_child(struct evany__sigset *ss)
{
	ss->ss_feeder.fe_fd = -1;
	evany__sigchain_fork_child();
}
