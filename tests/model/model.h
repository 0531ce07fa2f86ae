/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * model: a small executable kqueue, written from the rules in
 * tests/rules/kqueue.rules, against which the library is compared.
 *
 * The world is what a program can see: open files, descriptors that name
 * them, queues, knotes.  model_world.c says what an act on a file does to the
 * knotes, model_knote.c what a change does, what may be returned and what must
 * be.  model_run.c makes random acts on the real objects and in the model, and
 * compares at each step.
 *
 * For every knote the model knows one of three things: its event must be
 * returned by a wait with room for it, it may be, it must not be.  May is
 * used only where the rules leave freedom or are graded approximate; all such
 * places call model_allow() with a word of struct model_approx, the one list
 * of what is not exact.
 *
 * Nothing here depends on time: timers lie in the past or hours ahead, waits
 * have a zero time-out or an event that must end them.
 */
#ifndef MODEL_H
#define MODEL_H

#include <sys/types.h>
#include <sys/event.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "seq.h"

#define MODEL_FDS	24		/* descriptors at a time */
#define MODEL_KNOTES	160
#define MODEL_PAGE	4096

enum model_kind {
	MK_PIPE_R, MK_PIPE_W, MK_SOCK, MK_NULL, MK_FILE, MK_COUNTER, MK_QUEUE
};

/* What is left open, why, and how often it was needed in this run. */
enum model_approx {
	/* KQ-148: room to write may be reported after any read by the peer. */
	MA_WRITE_CLEAR,
	/* KQ-064: a one-shot activation whose condition has gone. */
	MA_ONESHOT_GONE,
	/* KQ-116, KQ-140: shutdown(2) of one direction shows in the other. */
	MA_SHUTDOWN,
	/*
	 * KQ-103: the number was reused, nothing was added under it since, and
	 * a duplicate keeps the old file open (exact with the interposer).
	 */
	MA_STALE,
	/* KQ-104: the number was given to the same open file again. */
	MA_SAME_FILE,
	/* KQ-021: a queue in a queue whose own events may or may not come. */
	MA_NESTED,
	/* Portable mechanisms: an edge may come twice (backends/backend.h). */
	MA_EDGE_TWICE,
	/* The same: or late, if all looks as it did when it came last. */
	MA_EDGE_LATE,
	MA_COUNT
};

enum model_sure { NO, MAY, MUST };

struct model_file {
	enum model_kind	 mf_kind;
	int		 mf_refs;	/* descriptors that name it */
	struct model_file *mf_peer;	/* the other end, NULL once closed */
	int64_t		 mf_bytes;	/* to read; eventfd: the count */
	int		 mf_chunks;	/* writes among them, at most */
	bool		 mf_filled;	/* its bytes are those of a fill */
	bool		 mf_rd_eof, mf_wr_eof;
	bool		 mf_shut;	/* the program shut down sending */
	bool		 mf_reset;	/* closed by the peer with unread data */
	int64_t		 mf_size;	/* regular file; pipe: most it holds */
	int64_t		 mf_off;	/* regular file */
	int		 mf_qid;	/* queue */
	bool		 mf_settled;	/* queue: nothing done since a full look */
	unsigned	 mf_serial;
};

struct model_fd {
	int		 fd;		/* -1: free */
	struct model_file *file;
};

struct model_knote {
	bool		 kn_used;
	bool		 kn_stale;	/* of a closed number, see MA_STALE */
	bool		 kn_plain;	/* and its file was one of no readiness */
	bool		 kn_replaced;	/* and the number was added again */
	int		 kn_qid;
	uintptr_t	 kn_ident;
	int		 kn_filter;
	unsigned	 kn_mode;	/* flags kept from the first EV_ADD */
	unsigned	 kn_fflags;
	int64_t		 kn_data;
	void		*kn_udata;
	struct model_file *kn_file;
	bool		 kn_disabled;
	bool		 kn_forced;	/* EV_FORCEONESHOT */
	enum model_sure	 kn_act;	/* something happened since */
	bool		 kn_seen;	/* returned, when things were kn_saw */
	int64_t		 kn_saw;
	bool		 kn_on;		/* USER triggered, TIMER expired */
	unsigned	 kn_missed;	/* deliveries it was left out of */
	unsigned	 kn_bound;	/* how many of them may be */
};

struct model_world {
	struct model_fd	 mw_fd[MODEL_FDS];
	struct model_knote mw_kn[MODEL_KNOTES];
	int		 mw_nextq;
	unsigned	 mw_serial;
	uintptr_t	 mw_udata;
	int		 mw_closed[4];	/* numbers closed last, or -1 */
	char		 mw_why[512];	/* first disagreement, or empty */
	FILE		*mw_trace;
	bool		 mw_edge_twice;	/* the mechanism's limit, see above */
	uint64_t	 mw_rand;
};

extern unsigned long model_allowed[MA_COUNT];

enum model_sure	model_allow(enum model_approx);
void	model_fail(struct model_world *, const char *, ...)
	    __attribute__((__format__(__printf__, 2, 3)));
void	model_say(struct model_world *, const char *, ...)
	    __attribute__((__format__(__printf__, 2, 3)));

/* Random numbers, from the act's own seed. */
uint64_t model_rand(struct model_world *);
unsigned model_below(struct model_world *, unsigned n);
bool	model_chance(struct model_world *, unsigned percent);

/* model_world.c: files and descriptors */
struct model_fd *model_fd_find(struct model_world *, int fd);
struct model_fd *model_fd_pick(struct model_world *, bool (*)(const
	    struct model_fd *));
int	model_fd_count(const struct model_world *, enum model_kind);
struct model_file *model_file_new(struct model_world *, enum model_kind,
	    int fd);
bool	model_fd_add(struct model_world *, int fd, struct model_file *);
void	model_fd_closed(struct model_world *, struct model_fd *);

/* What happened to a file, in one direction (EVFILT_READ, EVFILT_WRITE). */
void	model_active(struct model_world *, struct model_file *, int filter,
	    enum model_sure);
void	model_wrote(struct model_world *, struct model_file *to, int64_t n,
	    bool fill);
bool	model_room(const struct model_file *);
bool	model_lags(const struct model_world *, int qid, enum model_kind);
bool	model_plain(const struct model_world *, const struct model_file *);
void	model_took(struct model_world *, struct model_file *from, int64_t n);
void	model_touched_queue(struct model_world *, int qid);

/* model_knote.c: changes and events */
struct model_knote *model_knote_find(struct model_world *, int qid,
	    uintptr_t ident, int filter);
void	model_knotes_drop_fd(struct model_world *, int fd,
	    struct model_file *);
bool	model_stale(const struct model_world *, int qid, bool looked);
void	model_knotes_drop_queue(struct model_world *, int qid);
/* Does the condition hold, whether or not the event was returned? */
enum model_sure	model_cond(struct model_world *,
	    const struct model_knote *);
enum model_sure	model_expect(struct model_world *,
	    const struct model_knote *);
void	model_pending(struct model_world *, int qid, int *must, int *may);
/* 0, or the errno of the change; *before if it failed before the attach. */
int	model_change(struct model_world *, int qid, const struct kevent *,
	    bool *before);
/*
 * Compares one returned event, and does what its delivery does.  early: the
 * wait was blocked, and acts went on after it had been woken.
 */
void	model_event(struct model_world *, int qid, const struct kevent *,
	    bool early);
/* After a wait: was anything that had to come left out? */
void	model_waited(struct model_world *, int qid, int nevents,
	    const struct kevent *, int n, bool early);

/* model_text.c */
void	model_print_kevent(char *, size_t, const struct kevent *);

/* model_acts.c: acts on files; model_calls.c: acts on queues */
void	model_act_file(struct model_world *, unsigned kind);
void	model_act_queue(struct model_world *, unsigned kind);
int	model_act_kevent(struct model_world *, struct model_fd *, bool silent);
void	model_forget(struct model_world *, int fd, struct model_file *);
enum {
	/* on files */
	ACT_WRITE, ACT_READ, ACT_FILL, ACT_SHUT, ACT_NEW, ACT_CLOSE, ACT_DUP,
	ACT_FILES,
	/* on queues */
	ACT_KEVENT = ACT_FILES, ACT_WAIT, ACT_POLL, ACT_BLOCK, ACT_QUEUE,
	ACT_COUNT
};
bool	model_is_queue(const struct model_fd *);

/* model_run.c: seq_check() with this model */
void	model_check(unsigned long rounds, unsigned threads);

#endif /* MODEL_H */
