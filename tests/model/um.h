/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * um: a small executable queue of <evany.h>, written from the rules in
 * tests/rules/unified.rules, against which the library is compared.
 *
 * The world is open files, the numbers that name them, three names in a
 * directory, a tree of directories, two signals that the program ignores,
 * children, requests of <aio.h> on pipes of their own, and queues.  One thread draws the acts and
 * keeps the model; each call is made by the thread that the sequence names, one
 * at a time, but for a wait that sleeps while others act until the model says
 * that it must end.
 *
 * Of every event the model knows whether it must be there, must come soon
 * (clocks and other threads take a moment), may be, or must not.  Portable
 * mechanisms guess edges, and look at files now and then (um_guesses): an edge
 * must come soon, and may come again while the file is ready; of files and
 * directories what comes must have happened.
 */
#ifndef UM_H
#define UM_H

#include "evt_uni.h"

#include <aio.h>

#include "seq.h"

#define UM_NUMBERS	128
#define UM_QUEUES	3
#define UM_WATCHES	24		/* of a queue */
#define UM_POSTS	64
#define UM_TOLD		64		/* acts that a directory tells of */
#define UM_LIST		12		/* events of one call */
#define UM_CHANGES	3
#define UM_NAMES	3
#define UM_CHILDREN	3
#define UM_STATUS	5		/* with which they end */
#define UM_REQUESTS	4
#define UM_NODES	64		/* of a tree */
#define UM_SIGNALS	2		/* from SIGUSR1 on, see um_signo() */

enum um_kind { UM_PIPE_R, UM_PIPE_W, UM_SOCK, UM_PLAIN, UM_QUEUE };

struct um_file {
	enum um_kind	 mf_kind;
	int		 mf_refs;
	struct um_file	*mf_peer;	/* NULL once closed */
	int		 mf_bytes;	/* to read */
	bool		 mf_full;	/* has no room to write */
	int		 mf_queue;	/* index */
};

/* One act on a name, as a directory tells it; equal ones may be merged. */
struct um_told {
	unsigned	 to_what;
	char		 to_name;
	int		 to_most;	/* times it may be told */
	int		 to_seen;
};

/* A child that ends when its pipe is closed. */
struct um_child {
	pid_t		 mc_pid;	/* 0: there was none */
	int		 mc_pipe;
	bool		 mc_ended;
	bool		 mc_gone;	/* and was waited for */
};

/* A request; one that reads ends when its pipe is written to. */
enum um_request_state { UM_IDLE, UM_ASKED, UM_ENDED };

struct um_request {
	enum um_request_state mr_state;
	struct aiocb	 mr_cb;
	unsigned	 mr_what;
	int		 mr_error;	/* with which it ends */
	struct um_queue	*mr_queue;
	void		*mr_user;
	int		 mr_pipe[2];
	char		 mr_byte;
};

struct um_node {
	bool		 tn_live;
	bool		 tn_dir;
	int		 tn_parent;
	char		 tn_name;
	int		 tn_size;	/* of a file */
	uint32_t	 tn_cookie;	/* of its move */
};

struct um_tree {
	struct um_node	 tr_node[UM_NODES];	/* 0 is the root */
};

struct um_watch {
	bool		 wa_live;
	bool		 wa_silent;	/* DISPATCH, and told */
	bool		 wa_loose;	/* its number was closed, its file not,
					 * or events of the tree were lost */
	bool		 wa_may;	/* EDGE: something happened */
	unsigned	 wa_new;	/* EDGE: bits that became true */
	unsigned	 wa_ready;	/* FD: as it was last seen */
	unsigned	 wa_bits;	/* FILE: what has happened */
	int		 wa_count;	/* SIGNAL, PROCESS: how often it came */
	unsigned	 wa_old;	/* and what of it may come once more */
	bool		 wa_any;	/* um_guesses, TREE: something happened */
	struct evany_change wa_ch;
	struct um_file	*wa_file;
	struct um_told	 wa_told[UM_TOLD];
	int		 wa_ntold;
	struct um_tree	 wa_tree;	/* as it was told */
};

struct um_post {
	uintptr_t	 po_object;
	int64_t		 po_data;
	void		*po_user;
};

struct um_queue {
	struct um_watch	 uq_watch[UM_WATCHES];
	struct um_post	 uq_post[UM_POSTS];
	int		 uq_posts;
	int64_t		 uq_alert;
	void		*uq_alert_user;
	bool		 uq_stale;	/* a closed number's file lives on */
	bool		 uq_stirred;	/* there may have been something */
	bool		 uq_signals;	/* it has watched one, or a process */
	bool		 uq_requests;	/* it has had one */
};

enum um_due { UM_NOT, UM_MAY, UM_SOON, UM_MUST };

/* ---- calls, and the threads that make them ------------------------------------ */

enum um_call { UM_TURN, UM_POST, UM_ALERT, UM_POLL, UM_AIO };

struct um_op {
	enum um_call	 op_call;
	int		 op_queue;	/* number */
	struct evany_change op_ch[UM_CHANGES];
	int		 op_nch;
	int		 op_least;
	int		 op_most;
	int64_t		 op_timeout;
	struct um_post	 op_post;
	struct um_request *op_request;
	int		 op_ret;
	int		 op_error;
	struct evany_event op_ev[UM_LIST];
};

struct um_thread {
	pthread_t	 th_thread;
	bool		 th_alive;
	pthread_mutex_t	 th_lock;
	pthread_cond_t	 th_cond;
	struct um_op	*th_op;		/* NULL: none, or it is done */
	bool		 th_end;
};

/* ---- the world ------------------------------------------------------------------ */

struct um_world {
	struct um_file	*uw_fd[UM_NUMBERS];
	struct um_queue	 uw_queue[UM_QUEUES];
	int		 uw_queues;
	bool		 uw_name[UM_NAMES];	/* which exist */
	struct um_tree	 uw_tree;
	struct um_child	 uw_child[UM_CHILDREN];
	struct um_request uw_request[UM_REQUESTS];
	struct um_thread uw_thread[SEQ_WHO];
	struct um_op	 uw_sleep;	/* of the wait that sleeps */
	int		 uw_sleeper;	/* its thread, or -1 */
	struct um_queue	*uw_asleep;	/* and on which queue */
	uintptr_t	 uw_user;	/* last value given */
	FILE		*uw_trace;
	char		 uw_why[400];
	uint64_t	 uw_rand;
};

/* Are the mechanisms approximate? */
bool	um_guesses(void);

void	um_fail(struct um_world *, const char *, ...)
	    __attribute__((__format__(__printf__, 2, 3)));
void	um_say(struct um_world *, const char *, ...)
	    __attribute__((__format__(__printf__, 2, 3)));
unsigned um_below(struct um_world *, unsigned n);
bool	um_chance(struct um_world *, unsigned percent);

/* ---- um_world.c ------------------------------------------------------------------ */

/* A number at random, or -1: none fits. */
int	um_pick(struct um_world *, bool (*fits)(const struct um_file *));
struct um_file *um_file_new(struct um_world *, enum um_kind, int fd);
void	um_named(struct um_world *, int fd, struct um_file *);
/* The number was closed. */
void	um_closed(struct um_world *, int fd);
/* What is true of the file, of all bits. */
unsigned um_ready(const struct um_world *, const struct um_file *);
/* Something happened to a file. */
void	um_touched(struct um_world *, const struct um_file *);
/* To a name of the directory. */
void	um_name_touched(struct um_world *, int name, unsigned what);
/* To the tree. */
void	um_tree_touched(struct um_world *);
/* One of the signals; it came. */
int	um_signo(unsigned n);
void	um_signalled(struct um_world *, int signo);
/* The child of that number, or NULL; it has ended. */
struct um_child *um_child(struct um_world *, uintptr_t pid);
void	um_child_ended(struct um_world *, struct um_child *);
/* How many of the queue's requests have ended and were not told. */
int	um_requests(const struct um_world *, const struct um_queue *);

/* ---- um_queue.c ------------------------------------------------------------------ */

struct um_watch *um_find(struct um_queue *, int source, uintptr_t object);
unsigned um_watch_bits(const struct um_world *, const struct um_watch *);
enum um_due um_watch_due(const struct um_world *, const struct um_queue *,
	    const struct um_watch *);
/* How many events there are of at least that certainty, alerts left aside. */
int	um_count(const struct um_world *, const struct um_queue *,
	    enum um_due);
/* What a poller of the queue would find. */
enum um_due um_queue_due(const struct um_world *, const struct um_queue *);
/* The changes, and then the events, of a call that was made. */
void	um_turned(struct um_world *, struct um_queue *, struct um_op *,
	    bool slept);

/* ---- um_acts.c -------------------------------------------------------------------- */

enum {
	UM_ACT_NEW, UM_ACT_WRITE, UM_ACT_FILL, UM_ACT_READ, UM_ACT_CLOSE,
	UM_ACT_DUP, UM_ACT_QUEUE, UM_ACT_TURN, UM_ACT_POST, UM_ACT_ALERT,
	UM_ACT_POLL, UM_ACT_SLEEP, UM_ACT_NAME, UM_ACT_SIGNAL,
	UM_ACT_CHILD, UM_ACT_REQUEST, UM_ACT_TREE, UM_ACTS
};
void	um_act(struct um_world *, unsigned kind, int thread);
/* Ends the wait that sleeps. */
void	um_finish_wait(struct um_world *);
void	um_threads_start(struct um_world *);
void	um_threads_end(struct um_world *);

/* ---- um_others.c ------------------------------------------------------------------- */

/* Signals are raised and children begin and end in the acting thread. */
void	um_act_signal(struct um_world *);
void	um_act_child(struct um_world *);
void	um_finish_children(struct um_world *);
/* A request ends, or one that can begin is asked of the queue: its call. */
bool	um_act_request(struct um_world *, struct um_op *);
void	um_asked(struct um_world *, struct um_queue *, struct um_op *);
/* Its event has come. */
void	um_request_told(struct um_world *, struct um_queue *,
	    const struct evany_event *);
void	um_finish_requests(struct um_world *);

/* ---- um_tree.c --------------------------------------------------------------------- */

void	um_act_tree(struct um_world *);
/* Removes all that is in it. */
void	um_tree_clear(struct um_world *);
bool	um_is_tree(const struct um_watch *);
/* Is the tree as it was told? */
bool	um_tree_same(const struct um_world *, const struct um_watch *);
void	um_tree_told(struct um_world *, struct um_watch *,
	    const struct evany_event *);
/* There are no more events. */
void	um_tree_settled(struct um_world *, struct um_watch *);

#endif /* UM_H */
