/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_ports: waiting on illumos, by port_create(3C).
 *
 * Shape:   be_poll, with a port for each instance in the place of poll(2) for
 *          the program's descriptors, so that nothing costs more for those that
 *          are not ready.  A port has no edges and ends what is reported, as
 *          the background thread does; so states, edges, the number, marks and
 *          fork are be_poll's.
 * Port:    not the program's number: to close any duplicate of a port ends all
 *          that the process has associated with it.  Made at the first need.
 *          If there is none to be had, or it does not take a descriptor, that
 *          one is the thread's.
 * Wait:    one port_getn(3C) for all that is ready.  A wait sleeps until the
 *          port or the number is readable; for those who only poll the number
 *          the thread watches the port.
 * Closed:  the kernel ends what is associated with a number that is closed.
 * Wrong:   events name descriptors, and are of use only to look at these.
 * Fork:    associations are a process's own; the child closes its copy.
 * Tests on a system without ports: the functions are those of a library that is
 * loaded by name (--with-ports-mechanism), another copy of this one.
 */
#include "config.h"

#include <sys/stat.h>

#include "backends/poll/be_poll.h"

#include <errno.h>
#include <fcntl.h>
#include <port.h>
#include <string.h>
#include <unistd.h>

#include "backends/rawcall.h"

#define BATCH	64U

#ifdef EVANY_PORTS_LIBRARY
#include "backends/stacked.h"

static __typeof__(port_create) *call_create;
static __typeof__(port_associate) *call_associate;
static __typeof__(port_dissociate) *call_dissociate;
static __typeof__(port_getn) *call_getn;

/* At once: later there may be no descriptor left to read it by. */
static void __attribute__((__constructor__))
call_load(void)
{
	void *lib;
	int fd;

	if ((lib = evany__stacked(EVANY_PORTS_LIBRARY)) == NULL)
		return;
	*(void **)&call_associate = dlsym(lib, "port_associate");
	*(void **)&call_dissociate = dlsym(lib, "port_dissociate");
	*(void **)&call_getn = dlsym(lib, "port_getn");
	*(void **)&call_create = dlsym(lib, "port_create");
	/* Its handlers of fork come before ours now, as a kernel would. */
	if (call_create != NULL && (fd = call_create()) != -1)
		(void)evany__close(fd);
}

static int
call_find(void)
{

	return (call_create != NULL && call_associate != NULL &&
	    call_dissociate != NULL && call_getn != NULL ? 0 : ENOSYS);
}
#else
#define call_create	port_create
#define call_associate	port_associate
#define call_dissociate	port_dissociate
#define call_getn	port_getn
#define call_find()	0
#endif

int
evany__pp_probe(void)
{
	int error, fd, saved = errno;

	if ((error = call_find()) == 0) {
		if ((fd = call_create()) == -1)
			error = errno;
		else
			(void)evany__close(fd);
	}
	errno = saved;
	return (error);
}

/* ---- life --------------------------------------------------------------------- */

/* Ports have one inode number; when they were made tells them apart. */
static bool
port_facts(int fd, struct be_port *pp)
{
	struct timespec times[3];
	struct stat st;

	if (evany__number_stat(fd, &st) == -1)
		return (false);
	evany__ff_times(&st, times);
	pp->pp_dev = st.st_dev;
	pp->pp_ino = st.st_ino;
	pp->pp_born = times[2];
	return (true);
}

static bool
port_is(const struct be_port *pp, int fd)
{
	struct be_port now;

	return (fd != -1 && port_facts(fd, &now) &&
	    now.pp_dev == pp->pp_dev && now.pp_ino == pp->pp_ino &&
	    now.pp_born.tv_sec == pp->pp_born.tv_sec &&
	    now.pp_born.tv_nsec == pp->pp_born.tv_nsec);
}

bool
evany__pp_ours(const struct be_poll *bp)
{
	int fd = atomic_load(&bp->bp_port.pp_fd);

	return (fd == -1 || port_is(&bp->bp_port, fd));
}

/* From the thread: for those who poll the number. */
static void
port_hit(struct evany__bg_watch *bw, short revents)
{
	struct be_poll *bp;
	int cancel;

	(void)revents;
	bp = (struct be_poll *)(void *)((char *)bw -
	    offsetof(struct be_poll, bp_port.pp_watch));
	evany__bp_enter(bp, &cancel);
	if (!bp->bp_closed && evany__pp_ours(bp)) {
		evany__pp_harvest(bp);
		evany__bp_settle(bp);
		evany__bg_watch_set(bw, POLLIN);
	}
	evany__bp_leave(bp, cancel);
}

/* It goes with the instance, which the thread releases later. */
static void
port_unwatched(struct evany__bg_watch *bw)
{

	(void)bw;
}

bool
evany__pp_open(struct be_poll *bp)
{
	struct be_port *pp = &bp->bp_port;
	int fd;

	if (!pp->pp_use || atomic_load(&pp->pp_fd) != -1)
		return (pp->pp_use);
	if ((fd = evany__inner(call_create())) == -1)
		return (false);
	pp->pp_watch.bw_fn = port_hit;
	pp->pp_watch.bw_free = port_unwatched;
	pp->pp_watch.bw_fd = fd;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 || !port_facts(fd, pp) ||
	    evany__bg_watch_init(&pp->pp_watch) != 0) {
		(void)evany__close(fd);
		return (false);
	}
	atomic_store(&pp->pp_fd, fd);
	evany__bg_watch_set(&pp->pp_watch, POLLIN);
	return (true);
}

static void
port_close(struct be_port *pp)
{
	int fd = atomic_exchange(&pp->pp_fd, -1);

	if (port_is(pp, fd))
		(void)evany__close(fd);
}

void
evany__pp_close(struct be_poll *bp)
{
	struct be_port *pp = &bp->bp_port;

	if (atomic_load(&pp->pp_fd) != -1)
		evany__bg_watch_end(&pp->pp_watch);
	port_close(pp);
}

void
evany__pp_fork_child(struct be_poll *bp)
{

	port_close(&bp->bp_port);
}

/* ---- descriptors ---------------------------------------------------------------- */

bool
evany__pp_arm(const struct poll_entry *pe, short events)
{
	const int fd = atomic_load(&pe->pe_inst->bp_port.pp_fd);
	const uintptr_t object = (uintptr_t)pe->pe_watch.bw_fd;

	if (!evany__pp_ours(pe->pe_inst))
		return (false);
	if (events != 0)
		return (call_associate(fd, PORT_SOURCE_FD, object, events,
		    NULL) == 0);
	/* Not there: closed, or reported and not yet taken. */
	(void)call_dissociate(fd, PORT_SOURCE_FD, object);
	return (true);
}

/* Events that are there now; some are told with an error. */
static unsigned
take(int fd, port_event_t *list)
{
	struct timespec zero = { 0, 0 };
	uint_t n = 1;

	list[0].portev_source = 0;
	if (call_getn(fd, list, BATCH, &n, &zero) == -1 && errno != ETIME &&
	    errno != EINTR)
		return (0);
	return (list[0].portev_source == 0 ? 0 : n);
}

/* As many as there can be; what comes meanwhile is for the next time. */
void
evany__pp_harvest(struct be_poll *bp)
{
	const int fd = atomic_load(&bp->bp_port.pp_fd);
	struct poll_entry *pe;
	port_event_t list[BATCH];
	unsigned i, left, n;

	if (fd == -1 || !evany__pp_ours(bp))
		return;
	left = bp->bp_count;
	do {
		n = take(fd, list);
		for (i = 0; i < n; i++) {
			pe = evany__pe_find(bp, (int)list[i].portev_object,
			    false);
			if (pe != NULL)
				evany__pe_hit(pe);
		}
		left -= n < left ? n : left;
	} while (n == BATCH && left > 0);
}
