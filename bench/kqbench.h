/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * What the parts of kqbench and portbench share.
 *
 * A side is one way of doing the work: raw epoll, evany's kqueue or event
 * ports, another kqueue library.  Its functions are whole loops, so that no call through a
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

	/* Records through the queue, n at a time; fds belongs to the side. */
	void	(*records_open)(int fds[2]);
	void	(*records_put)(int q, const int fds[2], size_t n);
	void	(*records_take)(int q, const int fds[2], size_t n);
	void	(*records_close)(int fds[2]);
};

extern const struct kqb_side kqb_raw, kqb_evany, kqb_ports, kqb_unified;

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

int	kqb_reg_setup(struct kqb_ctx *);
double	kqb_reg_round(struct kqb_ctx *);
double	kqb_reg_list_round(struct kqb_ctx *);
double	kqb_reg_both_round(struct kqb_ctx *);
void	kqb_reg_teardown(struct kqb_ctx *);
/* Registered and deleted again; a queue made, used and closed. */
int	kqb_churn_setup(struct kqb_ctx *);
double	kqb_churn_round(struct kqb_ctx *);
double	kqb_life_round(struct kqb_ctx *);
void	kqb_queue_teardown(struct kqb_ctx *);
int	kqb_steady_setup(struct kqb_ctx *);
double	kqb_steady_round(struct kqb_ctx *);
double	kqb_rearm_round(struct kqb_ctx *);
double	kqb_idle_round(struct kqb_ctx *);
void	kqb_steady_teardown(struct kqb_ctx *);
int	kqb_records_setup(struct kqb_ctx *);
double	kqb_records_take_round(struct kqb_ctx *);
double	kqb_records_round(struct kqb_ctx *);
void	kqb_records_teardown(struct kqb_ctx *);
int	kqb_timers_setup(struct kqb_ctx *);
double	kqb_timers_round(struct kqb_ctx *);
double	kqb_timers_list_round(struct kqb_ctx *);
void	kqb_timers_teardown(struct kqb_ctx *);

#define KQB_REG(nm, fl, kd, num, it) {					\
	.name = (nm), .floor = (fl), .setup = kqb_reg_setup,		\
	.round = kqb_reg_round, .teardown = kqb_reg_teardown,		\
	.kind = (kd), .n = (num), .iters = (it), .ops = (num) * (it) }
#define KQB_STEADY(nm, fl, md, num, act, it) {				\
	.name = (nm), .floor = (fl), .setup = kqb_steady_setup,		\
	.round = kqb_steady_round, .teardown = kqb_steady_teardown,	\
	.mode = (md), .n = (num), .k = (act), .iters = (it),		\
	.ops = (act) * (it) }
#define KQB_REARM(nm, fl, md, num, act, it) {				\
	.name = (nm), .floor = (fl), .setup = kqb_steady_setup,		\
	.round = kqb_rearm_round, .teardown = kqb_steady_teardown,	\
	.mode = (md), .n = (num), .k = (act), .iters = (it),		\
	.ops = (act) * (it) }

/*
 * n descriptors of a kind that nothing happens to.  They are kept until
 * others are asked for; NULL if the system allows fewer.
 */
const struct kqb_item *kqb_idle(enum kqb_kind, size_t n);

/* kqb_wake.c: a thread, or a child process */
int	kqb_wake_setup(struct kqb_ctx *);
int	kqb_wake_child_setup(struct kqb_ctx *);
double	kqb_wake_near_round(struct kqb_ctx *);
double	kqb_wake_far_round(struct kqb_ctx *);
void	kqb_wake_teardown(struct kqb_ctx *);

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
 * time, in a child.  1: one of them cannot be done here; -1: it failed.
 */
int	kqb_run(struct kqb_pairing *, size_t n, size_t rounds);

/* kqb_apart.c */
extern unsigned int kqb_limit;	/* seconds that a child may take */
/*
 * The result of fn, called by a child process with arg, whose size bytes are as
 * it leaves them.  At most PIPE_BUF.  0 or 1; -1 if the child did not return
 * from it, or not in time.
 */
int	kqb_apart(int (*fn)(void *), void *arg, size_t size);

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

/* kqb_main.c */
struct kqb_memrow {
	const char *name;
	enum kqb_memkind kind;
	double	units;			/* in one registration */
};
struct kqb_bench {
	const char *name;		/* the program's */
	const struct kqb_side *own;	/* compared with kqb_raw */
	/* Another side, for --kqueue-lib; may be absent. */
	const struct kqb_side *(*load)(const char *path);
	const struct kqb_work *works;
	size_t	nworks;
	const char *const (*growths)[2];	/* few idle ones and many */
	size_t	ngrowths;
	const struct kqb_memrow *mems;
	size_t	nmems;
	const char *unit;		/* whose bytes are counted */
	const char *const *traced;	/* works; NULL ends the list */
};
int	kqb_main(int argc, char **argv, const struct kqb_bench *);

#define KQB_NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

void	kqb_die(const char *what) __attribute__((__noreturn__));

#endif /* KQBENCH_H */
