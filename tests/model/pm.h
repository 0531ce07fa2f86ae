/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * pm: a small executable event port, written from the rules in
 * tests/rules/ports.rules, against which the library is compared.
 *
 * The world is what programs can see: processes, their descriptors, the open
 * files that these name, ports, associations and events.  One process draws
 * the acts and keeps the model; each act is done where the sequence says: in
 * its main thread, in another one, or in a child that shares the ports
 * (pm_exec.c).  One act at a time, but for a wait that sleeps while others act
 * until the model says that it must end.
 *
 * Of every event the model knows whether it must be there, may be, or must
 * not, and between which moments it took its place in the queue: a descriptor
 * is looked at by the first call that has reason to, at the latest by one that
 * finds fewer events than it wanted.  May is used only where the rules leave
 * freedom or are graded approximate; see enum pm_approx.
 */
#ifndef PM_H
#define PM_H

#include "evt_port.h"
#include "seq.h"

#define PM_PROCS	3		/* ours and two children */
#define PM_EXECS	SEQ_WHO		/* main thread, another, children */
#define PM_NUMBERS	256
#define PM_PORTS	6		/* in a sequence */
#define PM_ASSOCS	32		/* of a port, ended ones too */
#define PM_USERS	32
#define PM_SLOTS	12		/* what a port holds */
#define PM_LIST		20

enum pm_kind { PM_PIPE_R, PM_PIPE_W, PM_SOCK, PM_COUNTER, PM_PLAIN, PM_PORT };

/* What is left open, why, and how often it was needed in this run. */
enum pm_approx {
	/* PORT-034: ready for a while, and nobody may have looked then. */
	PA_PASSED,
	/* PORT-045, PORT-167: closed by its owner, not found out yet. */
	PA_CLOSED,
	/* PORT-168: its owner has gone, it still holds a slot. */
	PA_DEAD,
	/*
	 * PORT-047, PORT-051: the number was given to the same file again, or to
	 * one that the mechanism takes for it: what has no readiness goes by
	 * device and inode, with the portable ones everything does.
	 */
	PA_SAME_FILE,
	/*
	 * PORT-164: the file is not this process's.  With the portable
	 * mechanisms a thread of one that has it tells of it, before long.
	 */
	PA_FAR,
	PA_COUNT
};
extern unsigned long pm_allowed[PA_COUNT];

struct pm_file {
	enum pm_kind	 mf_kind;
	int		 mf_refs;	/* numbers of all processes */
	struct pm_file	*mf_peer;	/* NULL once closed */
	int64_t		 mf_bytes;	/* to read */
	bool		 mf_full;	/* has no room to write */
	bool		 mf_reset;	/* its peer left bytes unread */
	int		 mf_port;	/* index */
};

enum pm_state { PM_NONE, PM_ARMED, PM_IDLE };

struct pm_assoc {
	enum pm_state	 as_state;
	int		 as_fd;
	struct pm_file	*as_file;	/* NULL: all of its numbers closed */
	enum pm_kind	 as_kind;	/* of the file */
	int		 as_owner;	/* process */
	int		 as_mask;
	void		*as_user;
	bool		 as_closed;	/* the owner's number */
	bool		 as_dead;	/* the owner */
	bool		 as_loose;	/* may do anything, see PA_SAME_FILE */
	bool		 as_merged;	/* may be taken for another's, ended */
	/* Since it was made: */
	bool		 as_may;	/* it was ready at some time */
	bool		 as_must;	/* is, or was when it was looked at */
	uint64_t	 as_lo, as_hi;	/* when it was queued */
	int		 as_any;	/* bits at any of the times */
	int		 as_all;	/* and at all */
};

struct pm_user {
	uint64_t	 us_seq;
	int		 us_events;
	void		*us_user;
};

struct pm_port {
	struct pm_assoc	 po_assoc[PM_ASSOCS];
	struct pm_user	 po_user[PM_USERS];	/* oldest first */
	int		 po_users;
	bool		 po_had_fd;
	bool		 po_orphan;	/* PA_CLOSED, and no longer known */
	int		 po_alert;	/* events, 0: none */
	void		*po_alert_user;
	int		 po_alert_owner;
};

/* ---- pm_exec.c: who acts -------------------------------------------------------- */

enum pm_call {
	PM_ASSOCIATE, PM_DISSOCIATE, PM_SEND, PM_SENDN, PM_ALERT, PM_GETN,
	PM_GET, PM_COUNTED, PM_POLLED, PM_WRITE, PM_READ, PM_FILL, PM_CLOSE
};

struct pm_op {
	enum pm_call	 op_call;
	int		 op_port;	/* number */
	uintptr_t	 op_fd;
	int		 op_events;
	int		 op_flags;
	void		*op_user;
	uint_t		 op_max;
	uint_t		 op_n;
	int		 op_ms;		/* -1: for ever */
	int		 op_ports[4];	/* op_n of them */
};

struct pm_reply {
	int		 re_ret;
	int		 re_error;
	bool		 re_closed;	/* op_fd was, before */
	uint_t		 re_n;
	int		 re_errors[4];
	port_event_t	 re_list[PM_LIST];
};

struct pm_exec {
	bool		 ex_alive;
	bool		 ex_busy;	/* a reply is due */
	int		 ex_line;	/* -1: the main thread */
	int		 ex_end;	/* a thread's */
	pid_t		 ex_pid;	/* 0: no child process */
	pthread_t	 ex_thread;
};
void	pm_exec_thread(struct pm_exec *);
void	pm_exec_fork(struct pm_exec *);
void	pm_exec_end(struct pm_exec *);
void	pm_exec_tell(struct pm_exec *, const struct pm_op *);
/* False if there is no reply yet and wait is not set. */
bool	pm_exec_hear(struct pm_exec *, struct pm_reply *, bool wait);

/* ---- pm_world.c -------------------------------------------------------------------- */

struct pm_world {
	struct pm_file	*pw_fd[PM_PROCS][PM_NUMBERS];
	struct pm_port	 pw_port[PM_PORTS];
	int		 pw_ports;
	struct pm_exec	 pw_exec[PM_EXECS];
	uint64_t	 pw_seq;	/* counts acts */
	uintptr_t	 pw_user;	/* last value given */
	struct pm_op	 pw_op;		/* of the wait that sleeps */
	int		 pw_waiter;	/* its exec, or -1 */
	bool		 pw_doubt;	/* it may end for two reasons */
	bool		 pw_forked;	/* ever */
	bool		 pw_linux;	/* the mechanisms are Linux's */
	FILE		*pw_trace;
	char		 pw_why[512];
	uint64_t	 pw_rand;
};

void	pm_fail(struct pm_world *, const char *, ...)
	    __attribute__((__format__(__printf__, 2, 3)));
void	pm_say(struct pm_world *, const char *, ...)
	    __attribute__((__format__(__printf__, 2, 3)));
unsigned pm_below(struct pm_world *, unsigned n);
bool	pm_chance(struct pm_world *, unsigned percent);

static inline int
pm_proc(int exec)
{
	return (exec < 2 ? 0 : exec - 1);
}

/* Does one thing there, now. */
void	pm_call(struct pm_world *, int exec, const struct pm_op *,
	    struct pm_reply *);
/* A number of the process, at random; -1: none fits. */
int	pm_pick(struct pm_world *, int proc,
	    bool (*fits)(const struct pm_file *));
bool	pm_is_port(const struct pm_file *);
bool	pm_is_file(const struct pm_file *);
struct pm_file *pm_file_new(struct pm_world *, enum pm_kind, int fd);
void	pm_named(struct pm_world *, int proc, int fd, struct pm_file *);
void	pm_closed(struct pm_world *, int proc, int fd);
void	pm_exited(struct pm_world *, int proc);
/* What poll(2) says of the file, of bits that all ask for. */
int	pm_ready(const struct pm_file *);
/* A file has changed. */
void	pm_touch(struct pm_world *);

/* ---- pm_port.c: what must come of a call ------------------------------------------- */

void	pm_associated(struct pm_world *, int exec, const struct pm_op *,
	    const struct pm_reply *);
void	pm_dissociated(struct pm_world *, int exec, const struct pm_op *,
	    const struct pm_reply *);
void	pm_sent(struct pm_world *, int exec, const struct pm_op *,
	    const struct pm_reply *);
void	pm_sent_list(struct pm_world *, int exec, const struct pm_op *,
	    const struct pm_reply *);
void	pm_alerted(struct pm_world *, int exec, const struct pm_op *,
	    const struct pm_reply *);
/* slept: the wait may have ended before now. */
void	pm_got(struct pm_world *, int exec, const struct pm_op *,
	    const struct pm_reply *, bool slept);
void	pm_counted(struct pm_world *, int exec, const struct pm_op *,
	    const struct pm_reply *);
void	pm_polled(struct pm_world *, int exec, const struct pm_op *,
	    const struct pm_reply *);
/* Must a wait end now?  Or may it? */
void	pm_due(struct pm_world *, int exec, const struct pm_op *, bool *must,
	    bool *may);
void	pm_port_refresh(struct pm_world *, struct pm_port *);

/* ---- pm_acts.c ------------------------------------------------------------------------ */

enum {
	PM_ACT_NEW, PM_ACT_WRITE, PM_ACT_READ, PM_ACT_FILL, PM_ACT_CLOSE,
	PM_ACT_DUP, PM_ACT_PORT, PM_ACT_ASSOCIATE, PM_ACT_DISSOCIATE,
	PM_ACT_SEND, PM_ACT_SENDN, PM_ACT_ALERT, PM_ACT_GETN, PM_ACT_GET,
	PM_ACT_COUNT, PM_ACT_POLL, PM_ACT_SLEEP, PM_ACT_BAD, PM_ACT_FORK,
	PM_ACT_KILL, PM_ACTS
};
void	pm_act(struct pm_world *, unsigned kind, int exec);
/* Takes the reply of the wait that sleeps, if it is there or has to be. */
void	pm_settle(struct pm_world *);
/* Ends it. */
void	pm_finish_wait(struct pm_world *);

#endif /* PM_H */
