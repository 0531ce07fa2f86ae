/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_epoll.h: shared by the files of this mechanism.
 *
 * System calls are made through syscall(2): a program may link another
 * library that defines epoll_ctl() and its like for its own purposes.
 */
#ifndef EVANY_BE_EPOLL_H
#define EVANY_BE_EPOLL_H

#include <sys/epoll.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "backends/backend.h"

/* Mechanism's byte of a cookie. */
#define EP_ONESHOT	0x01U	/* the item goes silent with its report */
#define EP_IN_SIDE	0x02U	/* the item lies in the side epoll */
#define EP_DIR(d)	(0x04U << (d))	/* the item is for this direction */
#define EP_DIRS(m)	((m) >> 2 & 0x7U)
#define EP_COOKIE(c, m)	((c) | (uint64_t)(m) << 56)

/* Cookie of the side epoll; no kind of core's is 0. */
#define EP_SIDE_COOKIE(tag)	EVANY__COOKIE(0, tag, 0, 0)

/* Keeps errno while a system call may change it. */
#define QUIETLY(statement) do {						\
	int quietly_errno = errno;					\
	statement;							\
	errno = quietly_errno;						\
} while (0)

struct be_epoll {
	atomic_int	ep_side;	/* (a) set under (i), -1 until needed */
	int		ep_timer[EVANY__CLOCKS]; /* (i) -1 until needed */
	atomic_bool	ep_bell;	/* bell_lock: holds the bell */
	int		ep_mark;	/* (i) -1 until needed */
	int		ep_doze;	/* (i) -1 until needed; one dozer's */
};

/*
 * What a descriptor's ch_priv holds: the mode of each direction, by the item
 * it is registered in.  An item exists if one of its three is not OFF.
 */
struct ep_priv {
	uint8_t	pv_main[EVANY__W_COUNT];
	uint8_t	pv_side[EVANY__W_COUNT];
	uint8_t	pv_unused[EVANY__FD_PRIV - 2 * EVANY__W_COUNT];
};

/* 0 or an errno value; errno is left alone. */
int	evany__ep_ctl(int ep, int op, int fd, uint32_t events, uint64_t cookie);

void	evany__ep_close(int *fdp);
int	evany__be_epoll_names(struct evany__inst *, int number);

int	evany__be_epoll_change(struct evany__inst *, int number,
	    struct evany__change *, int n, int *donep);
int	evany__be_epoll_evict(struct evany__inst *, int number, int fd,
	    uint64_t cookie);
/*
 * The instance leaves the epoll instance old for the one at number: threads
 * that wait in the old one are woken, inner descriptors are closed.
 */
void	evany__be_epoll_abandon(struct evany__inst *, int old, int number);
int	evany__be_epoll_tag(struct evany__inst *, int fd);
int	evany__be_epoll_same(int, int);
int	evany__be_epoll_renew(struct evany__inst *, const int *numbers, int n);

/* be_epoll_wait.c */
int	evany__be_epoll_wait(struct evany__inst *, int number,
	    struct evany__change *, int nchanges, struct evany__ready *,
	    int room, int *countp, int64_t deadline);
/*
 * As epoll_wait(2) until a deadline, but a failure is a negative errno value;
 * cancellable unless the deadline is 0.
 */
long	evany__ep_wait(int ep, struct epoll_event *, int room,
	    int64_t deadline);

/* be_epoll_bell.c */
int	evany__be_epoll_wake(struct evany__inst *, int number);
int	evany__be_epoll_hush(struct evany__inst *, int number);
void	evany__ep_bell_release(struct be_epoll *);
void	evany__ep_bell_move(struct evany__inst *, int old, int number);
void	evany__ep_bell_fork_child(void);
/* An eventfd that is always readable. */
int	evany__ep_eventfd(int *fdp);

/* be_epoll_share.c */
int	evany__be_epoll_mark(struct evany__inst *, int number, bool on);
int	evany__be_epoll_rouse(struct evany__inst *, int number);
int	evany__be_epoll_doze(struct evany__inst *, int number, int64_t deadline);

#endif /* EVANY_BE_EPOLL_H */
