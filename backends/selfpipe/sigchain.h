/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * sigchain.h: the process-wide part of watching signals.
 *
 * A watched signal has a handler of ours in front of the program's own
 * disposition.  The handler counts, wakes every waker and then does what the
 * program asked for.  sigchain.c tells how.
 *
 * Unless said otherwise the functions may be called from any thread, with the
 * lock of an instance held; they take the lock of this module (3) for
 * themselves, and leave errno alone.
 */
#ifndef EVANY_SIGCHAIN_H
#define EVANY_SIGCHAIN_H

#include <sys/queue.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "backends/backend.h"

#define EVANY__SIGMAX	128	/* every system's signals are below */

/*
 * Watches a signal, or watches it once more; *countp is its count now, which
 * signals sent and still pending do not change later.  EINVAL: no such
 * signal; ENOMEM.
 */
int	evany__sigchain_watch(int signo, uint32_t *countp);
/* The last one gives the program's disposition back. */
void	evany__sigchain_unwatch(int signo);
/* Has the program set another disposition?  Then it is chained anew. */
void	evany__sigchain_refresh(int signo);
/*
 * The program has just set one, of any signal.  Also from a handler that
 * interrupted this module, which then does nothing, and from any process.
 */
void	evany__sigchain_changed(int signo);

/* How often the signal was sent, as far as is known; it wraps. */
uint32_t evany__sigchain_count(int signo);

/*
 * Counts those of the n signals that are blocked in the calling thread and
 * have become pending there, each once.  True if there were any; the wakers
 * have been woken then.
 */
bool	evany__sigchain_look(const uint8_t *signos, int n);

/* What evany__signal_ops.so_unseen returns. */
unsigned evany__sigchain_unseen(void);

/*
 * A waker is a descriptor that the handler writes to.  add takes over both
 * numbers (an eventfd is given twice) and closes them when it fails; remove
 * closes them as soon as no handler can be about to write.
 */
struct evany__sigwaker;
int	evany__sigchain_waker_add(int readfd, int writefd,
	    struct evany__sigwaker **);
void	evany__sigchain_waker_remove(struct evany__sigwaker *);

/*
 * In the child of fork, once or more often: gives all dispositions back and
 * closes the wakers.
 */
void	evany__sigchain_fork_child(void);

/* ---- the signal watches of one instance (sigset.c) --------------------- */

/*
 * What the sets of operations share: a list of watches and a waker whose
 * descriptor feeds the instance.  A mechanism puts it first in its state.
 */
struct evany__sigset {
	struct evany__inst	*ss_inst;	/* (c) */
	LIST_HEAD(, evany__sigwatch) ss_watches; /* (i) */
	struct evany__feeder	 ss_feeder;	/* (i) */
	struct evany__sigwaker	*ss_waker;	/* (i) */
	int			 ss_readfd;	/* (i) */
};

/*
 * Makes the set over a waker's two descriptors, which become its own also when
 * it fails: an eventfd given twice, or the ends of a pipe.  ready is called
 * when the handler has woken the instance; it ends in sigset_collect.
 */
int	evany__sigset_init(struct evany__sigset *, struct evany__inst *,
	    int readfd, int writefd, void (*ready)(struct evany__inst *,
	    struct evany__feeder *, unsigned));
/* Detaches what is left. */
void	evany__sigset_fini(struct evany__sigset *);

int	evany__sigset_attach(struct evany__sigset *, struct evany__sigwatch *);
void	evany__sigset_detach(struct evany__sigset *, struct evany__sigwatch *);

/* Reads the pipe empty. */
void	evany__sigset_drain(struct evany__sigset *);
/* Asks for dispositions and for blocked signals, then collects. */
void	evany__sigset_refresh(struct evany__sigset *);
/* Blocked signals; then fires every watch whose signal was counted. */
void	evany__sigset_collect(struct evany__sigset *);
/* The set's descriptors in the child of fork. */
void	evany__sigset_fork_child(struct evany__sigset *);

#endif /* EVANY_SIGCHAIN_H */
