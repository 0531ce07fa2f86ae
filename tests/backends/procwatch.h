/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * procwatch: a PROC watch of a mechanism, and what it was told.
 */
#ifndef PROCWATCH_H
#define PROCWATCH_H

#include "evt_child.h"
#include "sources.h"

#define PROC_MANY	32

struct proc {
	struct evany__procwatch	pr_watch;
	struct src		*pr_src;
	struct proc		*pr_root;	/* whose descendant it is */
	struct proc		*pr_kids;	/* room for PROC_MANY */
	int			pr_nkids;
	unsigned		pr_bits;	/* all that was told */
	int			pr_times;	/* calls */
	int			pr_forks;	/* calls with EVANY__P_FORK */
	int			pr_ends;
	int64_t			pr_status;
};

/* The mechanism of the case. */
extern const struct evany__proc_ops *proc_ops;

/* Runs a case with a mechanism, or skips it where that does not work. */
void	proc_run(const struct evany__proc_ops *, void (*)(void));

int	proc_try(struct src *, struct proc *, pid_t, unsigned want, int fd);
/* One that must succeed; with kids, children that are told are watched too. */
void	proc_attach(struct src *, struct proc *, pid_t, unsigned want);
void	proc_attach_all(struct src *, struct proc *, pid_t, unsigned want,
	    struct proc *kids);
void	proc_detach(struct proc *);
int	proc_modify(struct proc *, unsigned want);
int	proc_ended(struct proc *);

/* Waits until all of the bits have been told, fails if one is not. */
void	proc_expect(struct proc *, unsigned bits);
/* The same until forks have been told so often. */
void	proc_expect_forks(struct proc *, int);
/* The same until so many children have been. */
void	proc_expect_kids(struct proc *, int);
/* Nothing more is told for evt's quiet time. */
void	proc_quiet(struct proc *);
/* The end is told, once, with this status. */
void	proc_expect_end(struct proc *, int status);

#endif /* PROCWATCH_H */
