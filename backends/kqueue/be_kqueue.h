/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_kqueue.h: shared by the files of this mechanism.
 *
 * Keys of the fields: (c) constant after creation, (i) instance lock, (a)
 * kb_lock, (n) the lock of kb_nest.c.
 */
#ifndef EVANY_BE_KQUEUE_H
#define EVANY_BE_KQUEUE_H

#include <sys/types.h>
#include <sys/event.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "backends/backend.h"
#include "backends/pollpipe.h"

/* Types of fields differ between systems. */
#define KB_TO(field, value)						\
	((__typeof__(((struct kevent *)0)->field))(value))
#define KB_UDATA(cookie)	KB_TO(udata, (uintptr_t)(cookie))
#define KB_COOKIE(udata)	((uint64_t)(uintptr_t)(udata))

/*
 * Mechanism's byte of a cookie.  In a knote: what directions are one interest,
 * and how.  In a record: which directions were reported, for be_spent.
 */
#define KB_DIR(d)	(0x01U << (d))
#define KB_DIRS		0x07U
#define KB_ONCE		0x08U	/* the knote goes silent with its report */
#define KB_TOGETHER	0x10U
#define KB_ENDS		0x20U	/* only of HUP and ERR */
#define KB_MECH(c, m)	((c) | (uint64_t)(m) << 56)
#define KB_CORE(c)	((c) & ((UINT64_C(1) << 56) - 1))

/*
 * What a descriptor's ch_priv holds.  kp_mode: how the knote of the direction
 * was added, 0 if there is none, and KP_ON if it is enabled.
 */
struct kb_priv {
	int32_t	kp_fd;
	uint8_t	kp_mode[EVANY__W_COUNT];
	uint8_t	kp_kind;	/* KB_TOGETHER, KB_ENDS, KB_DIRS, KP_NEST */
};
#define KP_ON		0x80U
#define KP_BASE(mode)	((mode) & 0x7fU)
#define KP_NEST		0x40U	/* an instance, of which kb_nest.c knows */

struct be_kqueue {
	uintptr_t		 kb_ident;	/* (c) the bell's, unique */
	uint64_t		 kb_bell;	/* (c) its cookie */
	pthread_mutex_t		 kb_lock;	/* of alarms */
	int64_t			 kb_alarm[EVANY__CLOCKS]; /* (a) 0: none */
	struct evany__pipe	 kb_mark;	/* (i) none until needed */
	bool			 kb_marked;	/* (i) */
	int			 kb_doze;	/* (i) -1 until needed */
	int			 kb_dozes;	/* (i) the number it watches */
	uint8_t			*kb_levels;	/* (i) by number: KB_DIRS */
	int			 kb_nlevels;	/* (i) */

	LIST_ENTRY(be_kqueue)	 kb_link;	/* (n) all instances */
	bool			 kb_seen;	/* (n) by this walk */
};

/* ---- kb_call.c -------------------------------------------------------------- */

/* A new queue; -1 and errno. */
int	evany__kb_kqueue(void);
int	evany__kb_probe(void);
/*
 * Changes in order up to the first that fails: 0 or its error.  Never waits,
 * leaves errno alone and is no cancellation point.
 */
int	evany__kb_apply(int kq, const struct kevent *, int n);
/*
 * As kevent(2), but a failure is a negative errno value; left NULL: for ever.
 * A cancellation point if cancel says so.
 */
int	evany__kb_wait(int kq, const struct kevent *, int n, struct kevent *,
	    int room, const struct timespec *left, int cancel);
/* What is left until the deadline, or a part of it; NULL if there is none. */
const struct timespec *evany__kb_left(int64_t deadline, struct timespec *);

/* ---- be_kqueue.c ------------------------------------------------------------- */

/* Fills a change of a knote of that kind. */
void	evany__kb_set(struct kevent *, uintptr_t ident, int filter,
	    unsigned flags, uint64_t cookie);
/* A change that does nothing, and fails where the instance is not. */
void	evany__kb_sentinel(const struct be_kqueue *, struct kevent *);
bool	evany__kb_names(const struct be_kqueue *, int number);
/* Why a change of fd through number failed. */
int	evany__kb_blame(const struct be_kqueue *, int number, int fd,
	    int error);
/* Has the alarm gone off?  If it came too early it is set again. */
bool	evany__kb_alarm_due(struct be_kqueue *, int number, int clock);

/* ---- kb_change.c -------------------------------------------------------------- */

extern const int evany__kb_filter[EVANY__W_COUNT];
int	evany__be_kqueue_change(struct evany__inst *, int number,
	    struct evany__change *, int n, int *donep);
void	evany__be_kqueue_spent(struct evany__inst *, int number, void *priv,
	    uint64_t cookie);

/* ---- kb_wait.c ----------------------------------------------------------------- */

int	evany__be_kqueue_wait(struct evany__inst *, int number,
	    struct evany__change *, int nchanges, struct evany__ready *,
	    int room, int *countp, int64_t deadline);

/* ---- kb_doze.c ----------------------------------------------------------------- */

int	evany__be_kqueue_mark(struct evany__inst *, int number, bool on);
int	evany__be_kqueue_rouse(struct evany__inst *, int number);
int	evany__be_kqueue_doze(struct evany__inst *, int number,
	    int64_t deadline);
/* Room to note levels of fd: 0 or ENOMEM. */
int	evany__kb_level_room(struct be_kqueue *, int fd);
/* A direction is a level from now on, or is not any more. */
void	evany__kb_level(struct be_kqueue *, int fd, int dir, bool level);
void	evany__kb_doze_close(struct be_kqueue *);
/* The pipe of the mark is there and ours. */
int	evany__kb_mark_open(struct be_kqueue *);
void	evany__kb_mark_close(struct be_kqueue *);

/* ---- kb_nest.c; instance lock held ----------------------------------------------- */

void	evany__kb_nest_enter(struct be_kqueue *);
void	evany__kb_nest_leave(struct be_kqueue *);
/*
 * May kb watch the file of fd?  EINVAL if it is kb itself, ELOOP if it watches
 * kb, ENOMEM.  *nestedp if it is an instance; it is then noted.
 */
int	evany__kb_nest(struct be_kqueue *, int fd, const struct stat *,
	    bool *nestedp);
void	evany__kb_nest_forget(struct be_kqueue *, int fd);
void	evany__kb_nest_fork_child(void);

/* ---- kb_inner.c ----------------------------------------------------------------- */

/* A queue of the library's own that feeds an instance.  Lock held. */
struct kb_inner {
	struct evany__feeder	 ki_feeder;	/* first */
	uintptr_t		 ki_ident;	/* of a knote, to know it by */
	int			 ki_fd;
};

/* ready is called when there are events. */
int	evany__kb_inner_open(struct kb_inner *, struct evany__inst *,
	    void (*ready)(struct evany__inst *, struct evany__feeder *,
	    unsigned));
void	evany__kb_inner_close(struct kb_inner *, struct evany__inst *);
/* One change: 0 or its error. */
int	evany__kb_inner_set(const struct kb_inner *, uintptr_t ident,
	    int filter, unsigned flags, unsigned fflags);
/* Takes events without waiting; how many. */
int	evany__kb_inner_take(const struct kb_inner *, struct kevent *,
	    int room);

#endif /* EVANY_BE_KQUEUE_H */
