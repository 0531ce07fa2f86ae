/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_ports.h: the event port of an instance, in the place of poll(2).
 *
 * For backends/poll, whose lock of the instance (bp_lock) is held in all
 * functions but evany__pp_probe, evany__pp_ours and evany__pp_fork_child.
 */
#ifndef EVANY_BE_PORTS_H
#define EVANY_BE_PORTS_H

#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "backends/poll/pollthread.h"

/* Keys as in be_poll.h. */
struct be_port {
	bool			 pp_use;	/* (c) the mechanism is ports */
	atomic_int		 pp_fd;		/* (a) -1: none yet */
	/* (c) as soon as pp_fd, which may be another file's by now */
	dev_t			 pp_dev;
	ino_t			 pp_ino;
	struct timespec		 pp_born;
	struct evany__bg_watch	 pp_watch;	/* (p) */
};

struct be_poll;
struct poll_entry;

#ifdef EVANY_BE_PORTS
/* Are there event ports?  0 or why not. */
int	evany__pp_probe(void);
/* Can entries be armed by a port?  Makes it at the first need. */
bool	evany__pp_open(struct be_poll *);
void	evany__pp_close(struct be_poll *);
void	evany__pp_fork_child(struct be_poll *);
/* The port has not become another file behind our back. */
bool	evany__pp_ours(const struct be_poll *);
/* One report is wanted of these events, or none.  False: it cannot be. */
bool	evany__pp_arm(const struct poll_entry *, short events);
/* Takes what is ready: evany__pe_hit for each. */
void	evany__pp_harvest(struct be_poll *);
#else
#define evany__pp_open(bp)		false
#define evany__pp_close(bp)		((void)0)
#define evany__pp_fork_child(bp)	((void)0)
#define evany__pp_ours(bp)		true
#define evany__pp_arm(pe, events)	false
#define evany__pp_harvest(bp)		((void)0)
#endif

#endif /* EVANY_BE_PORTS_H */
