/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * What the parts of kqbench share.
 *
 * A side is one way of doing the work: raw epoll, evany's kqueue, another
 * kqueue library.  Its functions are whole loops, so that no call through a
 * pointer is inside what is measured.  A work is set up once for each side
 * and then run in turns, a short round each.
 */
#ifndef KQBENCH_H
#define KQBENCH_H

#include <stddef.h>
#include <stdint.h>

enum kqb_mode { KQB_LEVEL, KQB_CLEAR, KQB_ONESHOT, KQB_DISPATCH };

#define KQB_ROOM	128		/* entries of every event list */

/* One registration: a descriptor and the direction it is watched for. */
struct kqb_item {
	int	fd;
	int	out;
};

/* Stream socket pairs: pe_fd is watched, pe_peer is written to. */
struct kqb_pair {
	int	pe_fd;
	int	pe_peer;
};

struct kqb_side {
	const char *name;

	int	(*open)(void);
	void	(*close)(int q);

	/* One call for each item; many items in one call. */
	void	(*add)(int q, const struct kqb_item *, size_t n,
		    enum kqb_mode);
	void	(*add_list)(int q, const struct kqb_item *, size_t n,
		    enum kqb_mode);
	/* Both directions of each in one call. */
	void	(*add_both)(int q, const struct kqb_item *, size_t n);
	/* The end of a registration, one call each. */
	void	(*del)(int q, const struct kqb_item *, size_t n);

	/*
	 * iters times: a byte into k pairs, the wait, the byte out again.
	 * The k pairs follow each other round the n that there are.
	 */
	void	(*loop)(int q, const struct kqb_pair *, size_t n, size_t k,
		    size_t iters);
	/* The same with the changes that re-arm given to the next wait. */
	void	(*loop_rearm)(int q, const struct kqb_pair *, size_t n,
		    size_t k, size_t iters, enum kqb_mode);

	/* iters calls with a zero time-out that find nothing. */
	void	(*idle)(int q, size_t iters);

	/* A wake-up for other threads: *aux belongs to the side. */
	void	(*wake_add)(int q, int *aux);
	void	(*wake)(int q, int aux);
	void	(*wake_wait)(int q, int aux);
	void	(*wake_end)(int q, int aux);

	/* n timers, one hour each; fds has room for n descriptors. */
	void	(*timers)(int q, size_t n, int *fds);
	void	(*timers_list)(int q, size_t n, int *fds);
	void	(*timers_end)(int q, size_t n, int *fds);
	/* n user events, for their size only; absent where there are none. */
	void	(*users)(int q, size_t n);
};

extern const struct kqb_side kqb_raw, kqb_evany;

/* Another kqueue library; NULL and a message if it cannot be used. */
const struct kqb_side *kqb_foreign_load(const char *path);

/* kqb_work.c */
enum kqb_kind { KQB_EVENTFD, KQB_PIPE, KQB_SOCKPAIR };
struct kqb_ctx;
struct kqb_work {
	const char *name;
	double	floor;			/* highest allowed ratio; 0: none */
	int	(*setup)(struct kqb_ctx *);	/* 1: not possible here */
	double	(*round)(struct kqb_ctx *);	/* seconds measured */
	void	(*teardown)(struct kqb_ctx *);
	size_t	n, k;
	enum kqb_kind kind;
	enum kqb_mode mode;
	size_t	iters;			/* in a round */
	size_t	ops;			/* in a round, for the time of one */
};

/* A work being done by a side. */
struct kqb_ctx {
	const struct kqb_side *side;
	const struct kqb_work *work;
	const struct kqb_item *items;	/* idle ones, shared by the sides */
	struct kqb_pair *pairs;
	size_t	npairs;
	int	*fds;
	void	*wake;
	int	q;
};

extern const struct kqb_work kqb_works[];
extern const size_t kqb_nworks;
const struct kqb_work *kqb_work_find(const char *name);

/*
 * n descriptors of a kind that nothing happens to.  They are kept until
 * others are asked for; NULL if the system allows fewer.
 */
const struct kqb_item *kqb_idle(enum kqb_kind, size_t n);

/* kqb_stat.c */
struct kqb_result {
	double	median, q1, q3, min, max;
};
struct kqb_pairing {
	const struct kqb_side *side;
	const struct kqb_work *work;
	struct kqb_result ratio;	/* to the first of the list */
	double	nsec;			/* of one operation, median */
};
double	kqb_now(void);	/* the clock on the wall */
double	kqb_cpu(void);	/* processor time of this thread */
/*
 * Runs all pairings in turn, rounds times, the order reversed every other
 * time.  1: one of them cannot be done here.
 */
int	kqb_run(struct kqb_pairing *, size_t n, size_t rounds);

/* kqb_mem.c */
struct kqb_mem {
	double	heap;			/* bytes for each, by the allocator */
	double	rss;			/* by the resident set */
	int	threads;		/* in the process afterwards */
};
enum kqb_memkind { KQB_MEM_READ, KQB_MEM_BOTH, KQB_MEM_TIMER, KQB_MEM_USER };
int	kqb_mem(const struct kqb_side *, enum kqb_memkind, size_t n,
	    struct kqb_mem *);

/* kqb_trace.c */
struct kqb_trace {
	double	calls;			/* system calls for an operation */
	char	text[200];		/* which */
};
int	kqb_trace(const struct kqb_side *, const struct kqb_work *,
	    struct kqb_trace *);

void	kqb_die(const char *what) __attribute__((__noreturn__));

#endif /* KQBENCH_H */
