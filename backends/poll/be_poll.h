/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_poll.h: shared by the files of this mechanism.
 *
 * Keys of the fields: (c) constant after creation, (p) bp_lock, (a) atomic,
 * (n) the lock of poll_nest.c.
 */
#ifndef EVANY_BE_POLL_H
#define EVANY_BE_POLL_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "backends/backend.h"
#include "backends/pollpipe.h"
#include "backends/poll/pollthread.h"
#include "backends/ports/be_ports.h"

/* What one direction of a registration is about. */
enum poll_state {
	POLL_QUIET = 0,		/* nothing: off, idle or spent */
	POLL_ARMED,		/* waits for poll(2) to call it ready */
	POLL_READY,		/* to be reported if it still is */
	POLL_PARKED		/* an edge that was reported and is ready yet */
};

/* One direction more: what nobody can ask for, HUP and ERR alone. */
enum { POLL_ENDS = EVANY__W_COUNT, POLL_DIRS };

/* What an edge looked like when it was reported. */
struct poll_mark {
	int64_t	mk_count;	/* bytes, connections or room */
	int64_t	mk_again;	/* when it is reported in doubt */
	int64_t	mk_pause;	/* how long that took */
	short	mk_events;	/* of poll(2) */
};

struct poll_entry;

struct poll_edge {
	LIST_ENTRY(poll_edge)	 eg_link;	/* those parked */
	struct poll_entry	*eg_entry;
	struct poll_mark	 eg_mark[EVANY__W_COUNT];
	int64_t			 eg_next;	/* next look by the thread */
	int64_t			 eg_step;
	bool			 eg_listed;
};

/* One registered descriptor, or feeder.  Freed by the thread once armed. */
struct poll_entry {
	struct evany__bg_watch	 pe_watch;	/* bw_fd: (c) */
	struct be_poll		*pe_inst;	/* (c) */
	/* (p) from here */
	TAILQ_ENTRY(poll_entry)	 pe_link;	/* ready queue */
	LIST_ENTRY(poll_entry)	 pe_nest;	/* queues that are watched */
	struct poll_entry	*pe_next;	/* same number */
	struct poll_edge	*pe_edge;	/* NULL without edges */
	uint64_t		 pe_cookie;
	dev_t			 pe_dev;
	ino_t			 pe_ino;
	unsigned		 pe_place;	/* in bp_fds + 1, 0: none */
	short			 pe_now;	/* what poll(2) said last */
	short			 pe_armed;	/* what the thread waits for */
	uint8_t			 pe_want[POLL_DIRS];
	uint8_t			 pe_state[POLL_DIRS];
	uint8_t			 pe_end;	/* of a pipe */
	uint8_t			 pe_kind;	/* enum evany__fdkind, if known */
	bool			 pe_known;	/* the thread knows it */
	bool			 pe_ported;	/* armed by the port */
	bool			 pe_queued;	/* stands in the ready queue */
	bool			 pe_nested;	/* is another instance */
	bool			 pe_together;	/* one report for all */
	bool			 pe_told;	/* a feeder, since the last doze */
	bool			 pe_dead;
};

TAILQ_HEAD(poll_queue, poll_entry);
LIST_HEAD(poll_nests, poll_entry);
LIST_HEAD(poll_edges, poll_edge);

#define POLL_BEDS	4

struct poll_shared;

struct be_poll {
	struct evany__inst	*bp_inst;	/* (c) */
	struct evany__pipe	 bp_pipe;	/* (c) pi_read: a duplicate */
	unsigned		 bp_tag;	/* (c) */
	atomic_int		 bp_bell;	/* (a) wake was called */
	atomic_int		 bp_stray;	/* (a) a byte beside bp_rung */
	atomic_int		 bp_marked;	/* (a) */

	struct be_port		 bp_port;

	struct evany__pipe	 bp_doze;	/* (c) as soon as bp_dozes */
	atomic_int		 bp_dozes;	/* (a) somebody has dozed */
	atomic_int		 bp_dozing;	/* (a) somebody does */
	atomic_int		 bp_news;	/* (a) for the next doze */

	_Atomic(struct poll_shared *) bp_share;	/* (a) NULL: not shared yet */
	struct evany__pipe	 bp_beds[POLL_BEDS]; /* (c) as soon as bp_share */
	int			 bp_seat;	/* and this, -1: none */
	unsigned		 bp_heard;	/* the dozer's */
	struct be_poll		*bp_parent;	/* (c) left alone */

	TAILQ_ENTRY(be_poll)	 bp_link;	/* (n) all instances */
	TAILQ_ENTRY(be_poll)	 bp_walk;	/* (n) */
	bool			 bp_seen;	/* (n) by this walk */

	pthread_mutex_t		 bp_lock;
	/* (p) from here */
	struct be_poll		*bp_child;	/* for one that is forked */
	bool			 bp_closed;
	bool			 bp_rung;	/* a byte is in the pipe */
	struct poll_entry	**bp_table;	/* by number */
	unsigned		 bp_ntable;
	unsigned		 bp_count;	/* entries */
	struct pollfd		*bp_fds;	/* those not quiet */
	struct poll_entry	**bp_entries;	/* beside bp_fds */
	unsigned		 bp_used;
	unsigned		 bp_room;
	unsigned		 bp_check;	/* place compared next */
	struct poll_queue	 bp_ready;
	unsigned		 bp_nready;
	bool			 bp_turn;	/* the bell goes first */
	struct poll_edges	 bp_parked;
	struct poll_nests	 bp_nests;
	int64_t			 bp_alarm[EVANY__CLOCKS];
	unsigned		 bp_due;	/* alarms that had gone off */
	int			 bp_asks;	/* left in this look at all */
	int64_t			 bp_look;	/* first look at those parked */
	int64_t			 bp_next;	/* what bp_tick is set to */
	struct evany__bg_tick	 bp_tick;
	struct evany__bg_release bp_release;
};

/* be_poll.c: state without a pipe; NULL: no memory. */
struct be_poll *evany__bp_new(struct evany__inst *);
/* The lock, with cancellation held off. */
void	evany__bp_enter(struct be_poll *, int *cancelp);
void	evany__bp_leave(struct be_poll *, int cancel);
/* Rings or silences the number, sets the tick.  Lock held. */
void	evany__bp_settle(struct be_poll *);
/*
 * Sleeps on a pipe and a descriptor, or none (-1), with cancellation as given,
 * else held off: SLEPT_* what is readable, 0 time-out, or a negative errno value.
 */
#define SLEPT_PIPE	1
#define SLEPT_OTHER	2
int	evany__bp_sleep(const struct evany__pipe *, int other,
	    int64_t deadline, int cancel);

/* poll_mark.c; no lock held, but for evany__bp_news, with any. */
int	evany__be_poll_wake(struct evany__inst *, int number);
int	evany__be_poll_hush(struct evany__inst *, int number);
int	evany__be_poll_mark(struct evany__inst *, int number, bool on);
int	evany__be_poll_rouse(struct evany__inst *, int number);
int	evany__be_poll_doze(struct evany__inst *, int number, int64_t deadline);
/* Something has come to be ready. */
void	evany__bp_news(struct be_poll *);

/* poll_share.c; the last four of an instance with bp_share. */
int	evany__be_poll_share(struct evany__inst *);
struct be_poll *evany__bs_child(struct be_poll *parent);
void	evany__bs_forget(struct be_poll *);
void	evany__bs_close(struct be_poll *);
bool	evany__bs_marked(struct be_poll *);
void	evany__bs_mark(struct be_poll *, bool on);
void	evany__bs_rouse(struct be_poll *);
int	evany__bs_doze(struct be_poll *, int64_t deadline, int cancel);

/* poll_entry.c; lock held for all of it. */
struct poll_entry *evany__pe_find(struct be_poll *, int fd, bool feeder);
int	evany__pe_add(struct be_poll *, int fd, const struct stat *,
	    uint64_t cookie, bool nested, struct poll_entry **);
int	evany__pe_want(struct poll_entry *, const uint8_t *want,
	    unsigned fresh);
void	evany__pe_drop(struct poll_entry *);
/* Which file that is, as told from others by any process; byte 0 is not 0. */
void	evany__pe_identity(int fd, const struct stat *,
	    uint8_t id[EVANY__FD_PRIV]);
/* Is this the file that was registered, as far as can be told? */
bool	evany__pe_is(const struct poll_entry *, const struct stat *);
/* Looks at the entry, or at all; what it finds decides who is ready. */
void	evany__pe_look(struct poll_entry *);
void	evany__pe_scan(struct be_poll *);
/* The port has reported the entry, and forgotten it. */
void	evany__pe_hit(struct poll_entry *);
bool	evany__pe_closed(struct be_poll *, unsigned *leftp);
/*
 * Puts the record of a ready entry, which was looked at in this pass.  False
 * if there is none: the number names another file by now, and it is dropped.
 */
bool	evany__pe_report(struct poll_entry *, struct evany__ready *);

/* poll_edge.c; lock held. */
short	evany__pg_events(unsigned dir);
/* A look at all entries begins. */
void	evany__pg_begin(struct be_poll *);
void	evany__pg_park(struct poll_entry *, unsigned dir);
bool	evany__pg_moved(struct poll_entry *, unsigned dir, int64_t now);
void	evany__pg_unpark(struct poll_entry *, unsigned dir);
void	evany__pg_list(struct poll_entry *);
void	evany__pg_tick(struct be_poll *, int64_t now);
/* The stream has ended, where poll(2) has no POLLRDHUP. */
bool	evany__pg_ended(struct poll_entry *);

/* poll_nest.c; no lock held. */
void	evany__pn_enter(struct be_poll *);
void	evany__pn_leave(struct be_poll *);
int	evany__pn_check(struct be_poll *, const struct stat *, bool *nestedp);
void	evany__pn_refresh(struct be_poll *);
void	evany__pn_closed(void);
void	evany__pn_fork_child(void);

#endif /* EVANY_BE_POLL_H */
