/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * backend.h: the border between the drivers and the mechanisms.
 *
 * Above it (backends/emulation) are the facilities as kernels have them; they
 * know no operating system.  Below it (backends/<mechanism>) is one kernel
 * interface per folder; none knows a facility.  Everything one side may ask
 * of the other is in this file.
 *
 * Terms
 *   instance   what a facility's descriptor denotes: a queue, a port.
 *   number     a descriptor of the program that names the instance.  There
 *              may be several (dup), and any may be closed at any time.
 *   record     what a waiting mechanism reports: a cookie and bits.
 *   cookie     64 bits made by core, carried by the mechanism unread, but for
 *              the top eight bits, which are the mechanism's own.
 *   feeder     an inner descriptor that a mechanism adds to an instance; when
 *              it is ready, core calls the feeder's function.
 *
 * There are five sets of operations:
 *   struct evany__be_ops      waits for an instance: FD and ALARM  (epoll, kqueue, ports, poll)
 *   struct evany__file_ops    FILE: changes of files          (inotify, filescan)
 *   struct evany__signal_ops  SIGNAL                (signalfd, kqueue, selfpipe)
 *   struct evany__proc_ops    PROC                     (pidfd, kqueue, selfpipe)
 *   struct evany__mount_ops   MOUNT                          (mountinfo, none)
 * and the evany__ff_*() facts about a descriptor (fdfacts).  table.c lists the
 * sets in order of preference.
 *
 * Promises of every operation: int results are 0 or a positive errno value;
 * errno itself is left alone unless said otherwise; nothing is half done on
 * failure; every descriptor made is close-on-exec and non-blocking.
 *
 * Locks.  Core calls all operations with the instance's lock held, except
 * probe, open, wait, doze and names, and wake, which comes with it or without.
 * Any operation may therefore run beside wait, doze and wake, and several
 * threads may wait or wake at once.  Lock order: (1) core's number table,
 * (2) instance, (3) a mechanism's process-wide lock, (4) a mechanism's lock
 * per instance.  A mechanism that has something to deliver from the other
 * direction (a helper thread) takes a reference under (3) or (4), lets go,
 * then locks the instance.  No lock is held across wait, and none is taken in
 * a signal handler.
 */
#ifndef EVANY_BACKEND_H
#define EVANY_BACKEND_H

#include <sys/types.h>
#include <sys/queue.h>

#ifdef HAVE_SYS_SINGLE_THREADED_H
#include <sys/single_threaded.h>
#endif
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct evany__inst;

/*
 * What each event or change goes through, which the compiler puts together in
 * one place; and what hardly any does, which it keeps out of the way.
 */
#define EVANY__HOT	__attribute__((__hot__))
#define EVANY__RARE	__attribute__((__cold__, __noinline__))
/* A condition that hardly ever holds. */
#define EVANY__SELDOM(x)	__builtin_expect(!!(x), 0)

/* ---- records ---------------------------------------------------------- */

/* Bits of a record, and of interest where they fit. */
#define EVANY__IN	0x0001U	/* can be read, or a connection waits */
#define EVANY__OUT	0x0002U	/* can be written */
#define EVANY__PRI	0x0004U	/* urgent data, or the file's own meaning */
#define EVANY__RDHUP	0x0008U	/* nothing more will come */
#define EVANY__HUP	0x0010U	/* both directions have ended */
#define EVANY__ERR	0x0020U	/* an error waits, or no reader is left */
#define EVANY__SPENT	0x0040U	/* this registration is silent from now on */
/* The record concerns only the directions for which this is set, if any is. */
#define EVANY__FOR(dir)	(0x0100U << (dir))
#define EVANY__FOR_ANY	0x0700U
#define EVANY__COUNTED	0x0800U	/* rd_bytes is set, by evany__ff_count */

struct evany__ready {
	uint64_t	rd_cookie;
	uint32_t	rd_bits;
	int32_t		rd_bytes;
};

/* What the index of a cookie means. */
enum evany__cookie_kind {
	EVANY__CK_FD = 1,	/* a descriptor the program registered */
	EVANY__CK_FEEDER,	/* an inner descriptor: core's id of the feeder */
	EVANY__CK_BELL,		/* wake was called */
	EVANY__CK_ALARM		/* the alarm of clock <index> has gone off */
};

/*
 * A cookie: | mechanism 8 | kind 4 | instance 6 | generation 14 | index 32 |.
 * The instance bits are its tag, 1 to 63 and shared by every 63rd instance;
 * the generation tells a number's new registration from an old one of it.
 */
#define EVANY__COOKIE(kind, tag, gen, index)				\
	((uint64_t)(kind) << 52 | (uint64_t)(tag) << 46 |		\
	(uint64_t)((gen) & 0x3fffU) << 32 | (uint32_t)(index))
#define EVANY__COOKIE_MECH(c)	((unsigned)((c) >> 56))
#define EVANY__COOKIE_KIND(c)	((unsigned)((c) >> 52) & 0xfU)
#define EVANY__COOKIE_TAG(c)	((unsigned)((c) >> 46) & 0x3fU)
#define EVANY__COOKIE_GEN(c)	((unsigned)((c) >> 32) & 0x3fffU)
#define EVANY__COOKIE_INDEX(c)	((uint32_t)(c))

/* ---- FD: interest in a descriptor -------------------------------------- */

/* How one direction of a descriptor is watched. */
enum evany__mode {
	EVANY__OFF = 0,		/* not at all */
	EVANY__IDLE,		/* silent, but the file must be recognised */
	EVANY__LEVEL,		/* reported by every wait while it is true */
	EVANY__EDGE,		/* reported when it becomes true or grows */
	EVANY__ONCE		/* reported once, then as EVANY__IDLE */
};

enum { EVANY__W_IN, EVANY__W_OUT, EVANY__W_PRI, EVANY__W_COUNT };

#define EVANY__FD_PRIV	8	/* bytes per descriptor for the mechanism */

/*
 * Bits of ch_fresh.  1 << EVANY__W_x: report this direction again if it is
 * ready, an edge too.  Any bit: find out whether ch_fd still names the file
 * that was registered, even if nothing else changes; the system's kqueue tells
 * a ready edge again then.
 */
#define EVANY__VERIFY	0x80U

/*
 * Another bit of ch_fresh: the wanted directions, all of one mode, are one
 * interest, and a report may tell of all that are ready.  EVANY__ONCE: one
 * report comes for all of them, after which all are idle.  If none is wanted,
 * what cannot be asked for (HUP, ERR) is still reported once.
 */
#define EVANY__TOGETHER	0x40U

/*
 * One change of the interest in one descriptor.  The whole interest is
 * stated each time; the mechanism knows from its own bytes what it told the
 * kernel before and makes no call where nothing changes for the kernel.
 */
struct evany__change {
	int		 ch_fd;
	uint8_t		 ch_want[EVANY__W_COUNT];	/* enum evany__mode */
	uint8_t		 ch_fresh;	/* 1 << direction, VERIFY, TOGETHER */
	uint64_t	 ch_cookie;
	/* EVANY__FD_PRIV bytes, all zero as long as ch_fd is not known. */
	void		*ch_priv;
	int		 ch_error;	/* result */
};

/* Clocks of alarms. */
enum { EVANY__MONOTONIC, EVANY__REALTIME, EVANY__CLOCKS };

#define EVANY__FOREVER	INT64_MAX

struct evany__be_ops {
	const char	*be_name;

	/* Usable on the running system?  No lasting effect. */
	int	(*be_probe)(void);

	/*
	 * Makes the instance's state and the number that the program gets,
	 * with close-on-exec as asked (flags O_CLOEXEC).  The state goes to
	 * *statep, the number to *numberp.
	 */
	int	(*be_open)(struct evany__inst *, int flags, void **statep,
		    int *numberp);

	/* Releases the state; numbers are the program's to close. */
	void	(*be_close)(struct evany__inst *);

	/*
	 * Does number name this instance?  1 or 0.  May answer 1 wrongly only
	 * for an instance with the same tag.
	 */
	int	(*be_names)(struct evany__inst *, int number);

	/*
	 * Could number name an instance at all?  1 or 0, -1 if it is closed,
	 * by one cheap call.  Absent where there is none: any number could.
	 */
	int	(*be_any)(int number);

	/* Do two numbers name one open file?  1, 0, or -1 if unknown. */
	int	(*be_same)(int, int);

	/*
	 * Applies n changes in order through number and stores each result in
	 * ch_error.  Stops after the first error; *donep is how many were
	 * looked at.  When nothing is wanted any more, and the registration
	 * was spent, and ch_fresh is 0, it may be left silent in place.
	 * Errors: EBADF (ch_fd is closed), ESTALE (ch_fd names another file
	 * than the one registered; nothing changed and ch_priv is void),
	 * EPERM (nothing is registered, and the mechanism cannot wait for this
	 * kind of file: it never blocks), ELOOP, EINVAL, ENOMEM, ENOSPC; EIDRM
	 * (number no longer names the instance).
	 */
	int	(*be_change)(struct evany__inst *, int number,
		    struct evany__change *, int n, int *donep);

	/*
	 * A record with EVANY__SPENT arrived for this descriptor; keep ch_priv
	 * in step, and silence through number what else was one interest with
	 * it.  Called with the record's cookie before the record is used.
	 */
	void	(*be_spent)(struct evany__inst *, int number, void *priv,
		    uint64_t cookie);

	/*
	 * The number fd was closed or reused while its old file lives on and
	 * reports under cookie: end that registration, and no other.  EAGAIN:
	 * only be_renew can.
	 */
	int	(*be_evict)(struct evany__inst *, int number, int fd,
		    uint64_t cookie);

	/*
	 * Puts an empty kernel object in the place of the old one, under all
	 * of the instance's numbers, and wakes those who wait on the old one.
	 * Core then registers everything again.  ENOTSUP if be_evict never
	 * answers EAGAIN.
	 */
	int	(*be_renew)(struct evany__inst *, const int *numbers, int n);

	/* Adds or removes an inner descriptor, for EVANY__IN only. */
	int	(*be_feed)(struct evany__inst *, int number, int fd,
		    enum evany__mode, uint64_t cookie);
	void	(*be_unfeed)(struct evany__inst *, int number, int fd);

	/*
	 * One kernel wait, after the changes (as be_change; if one fails it
	 * does not wait).  Fills at most room records, room > 0.  deadline is
	 * in nanoseconds of the monotonic clock, 0 to poll, EVANY__FOREVER to
	 * wait.  Time-out: 0 with *countp 0.  EINTR goes up.  Records in hand
	 * win over an error.  What finds no room stays for the next wait; a
	 * level condition rotates.  EBADF or EINVAL: number no longer names an
	 * instance.  This is a cancellation point unless deadline is 0 or the
	 * process has one thread (the caller has tested then).
	 */
	int	(*be_wait)(struct evany__inst *, int number,
		    struct evany__change *, int nchanges,
		    struct evany__ready *, int room, int *countp,
		    int64_t deadline);

	/*
	 * Makes the instance readable and ends a wait: one record of kind
	 * BELL.  Calls coalesce.  EIDRM if number no longer names it.  Not for
	 * an instance that is shared, once there has been a fork; one that is
	 * on its way then may come to nothing.
	 */
	int	(*be_wake)(struct evany__inst *, int number);

	/*
	 * Takes back the wakes that no wait has reported: the number is as
	 * readable as without them.  EIDRM as above.  NULL if it cannot.
	 */
	int	(*be_hush)(struct evany__inst *, int number);

	/*
	 * As long as it is on, the number polls readable, and each wait ends
	 * at once with a record of kind BELL.  To turn it on is news for those
	 * who doze, and for edge-triggered pollers, also if it was on a moment
	 * ago or is on already.  EIDRM if number no longer names the instance.
	 */
	int	(*be_mark)(struct evany__inst *, int number, bool on);

	/*
	 * Ends the doze under way, or else the next, in each process that
	 * shares the instance, whatever others take meanwhile.  No wait and no
	 * poller sees anything of it.  EIDRM as above.
	 */
	int	(*be_rouse)(struct evany__inst *, int number);

	/*
	 * Sleeps until something comes to be ready, or is woken, marked or
	 * roused, without taking it; one thread at a time.  What was ready
	 * before does not count if a wait has reported it since the last doze
	 * began; nor, but for marks and rouses, need what another wait takes
	 * meanwhile, nor, but for feeders, a level that was reported and is
	 * ready anew before anybody has found it not ready.  It may come back
	 * for nothing.  0, ETIMEDOUT, EINTR, EBADF, ENOMEM, EMFILE.  A
	 * cancellation point.
	 */
	int	(*be_doze)(struct evany__inst *, int number, int64_t deadline);

	/*
	 * One alarm per clock: at nanoseconds of that clock a record of kind
	 * ALARM with index clock is reported, once.  at 0 cancels.
	 */
	int	(*be_alarm)(struct evany__inst *, int number, int clock,
		    int64_t at);

	/*
	 * A fork is about to come, and the child shall have the instance too,
	 * which is a shared one: makes what that takes.  An error: the child
	 * will not have it.  Absent if nothing is needed.  From then on the
	 * caller sees to it that of all processes one at a time marks and
	 * rouses.
	 */
	int	(*be_share)(struct evany__inst *);

	/*
	 * In the child of fork: drop inner descriptors, touch no object.  With
	 * statep NULL the child does not have the instance.  Else it goes on
	 * with the number, and *statep may become another state.  Marks and
	 * rouses are for both, feeders and alarms each has of its own.
	 * be_shares: descriptors are for both, too, what either changes and
	 * takes.  Else they are each process's own, none at first in the
	 * child; what is ready makes the number readable only when it has been
	 * taken in and marked for, see evany__inst_found.
	 */
	void	(*be_fork_child)(struct evany__inst *, void **statep);
	bool	be_shares;

	/* The child does not even inherit the numbers: they are closed. */
	bool	be_private;

	/* Threads of its own are made with an instance locked, and lock them. */
	bool	be_threads;
};

/* The mechanism's state of an instance, and its tag. */
void	*evany__inst_state(struct evany__inst *);
unsigned evany__inst_tag(struct evany__inst *);

/*
 * Children of fork share the instance.  Its feeders and alarms are then left
 * readable until they are served: a wait of another process may see them.
 */
bool	evany__inst_shared(struct evany__inst *);

/* 0 to 2: tells a few instances with one tag apart, once there are any. */
unsigned evany__inst_subtag(struct evany__inst *);
bool	evany__inst_crowded(void);

/* ---- what core offers to mechanisms -------------------------------------- */

/*
 * No other thread exists, nor can one come into being before the caller makes
 * it: what is atomic only for their sake, or cancellable only by them, may be
 * done plainly.  A quarter of an idle call depends on it.
 */
static inline bool
evany__alone(void)
{
#ifdef HAVE_SYS_SINGLE_THREADED_H
	return (!EVANY__SELDOM(__libc_single_threaded == 0));
#else
	return (false);
#endif
}

/*
 * A reference keeps the instance's memory, not its descriptor.  take fails
 * with 0 when the instance is already being released.
 */
int	evany__inst_take(struct evany__inst *);
void	evany__inst_drop(struct evany__inst *);
void	evany__inst_lock(struct evany__inst *);
void	evany__inst_unlock(struct evany__inst *);

/*
 * Around a lock of a mechanism's own that is also taken without the instance's:
 * a signal handler that interrupts its holder then does not lock an instance,
 * against the order.  unmark may make up for what the handler asked for.
 */
void	evany__lock_mark(void);
void	evany__lock_unmark(void);

/*
 * Something is to be reported of a shared instance, and no thread may be
 * waiting: the driver takes it in.  From a mechanism's thread, no lock held;
 * a state that has gone since is no harm.
 */
void	evany__inst_found(struct evany__inst *);

/*
 * Is there such a process?  A child that has ended is not, though it was not
 * waited for; another one that got the pid is.
 */
bool	evany__alive(pid_t);

/* Wakes waiters and pollers if something is ready.  Lock held.  0 or EIDRM. */
int	evany__inst_ring(struct evany__inst *);

/*
 * A feeder: fe_ready is called with the instance's lock held, from a thread
 * that waits on the instance, when fe_fd is readable.  fe_ready may call
 * evany__inst_unfeed on its own feeder and free it.
 */
struct evany__feeder {
	int		fe_fd;		/* -1: not attached */
	uint32_t	fe_id;		/* core's */
	enum evany__mode fe_mode;	/* core's */
	void		(*fe_ready)(struct evany__inst *,
			    struct evany__feeder *, unsigned bits);
};
int	evany__inst_feed(struct evany__inst *, struct evany__feeder *, int fd,
	    enum evany__mode);
void	evany__inst_unfeed(struct evany__inst *, struct evany__feeder *);

/*
 * Every descriptor that a mechanism keeps goes through this when it is made:
 * a number that the program has closed may still be watched, and is not to be
 * ours.  fd: what was made, or -1.  Returns the number to keep, or -1 and
 * errno, EMFILE if there is none; fd is closed then.
 */
int	evany__inner(int fd);

/* Monotonic or realtime nanoseconds now. */
int64_t	evany__now(int clock);

/* Calls fn in the parent after each fork(2) from now on, with no lock held. */
typedef void evany__fork_fn(void);
void	evany__fork_notify(evany__fork_fn *);

/* ---- FILE: changes of a file or directory -------------------------------- */

/* What can be wanted and reported. */
#define EVANY__F_WRITE		0x0001U	/* contents; directory: its entries */
#define EVANY__F_EXTEND		0x0002U	/* grew; directory: entry moved in/out */
#define EVANY__F_TRUNC		0x0004U	/* became shorter */
#define EVANY__F_ATTRIB		0x0008U	/* mode, owner, times */
#define EVANY__F_LINK		0x0010U	/* link count; directory: subdirectory */
#define EVANY__F_DELETE		0x0020U	/* a name was removed, or the last one */
#define EVANY__F_RENAME		0x0040U
#define EVANY__F_REVOKE		0x0080U	/* unmounted: the watch has ended */
#define EVANY__F_OPEN		0x0100U
#define EVANY__F_CLOSE_READ	0x0200U	/* a descriptor not open for writing */
#define EVANY__F_CLOSE_WRITE	0x0400U
#define EVANY__F_READ		0x0800U

/*
 * A watched file.  The driver embeds it; fw_fire is called with the instance's
 * lock held, from any thread, with bits that are in fw_want (and REVOKE).
 */
struct evany__filewatch {
	struct evany__inst	*fw_inst;
	void			(*fw_fire)(struct evany__filewatch *, unsigned);
	void			*fw_priv;	/* the mechanism's */
	uint32_t		 fw_want;
};

struct evany__namewatch;

struct evany__file_ops {
	const char	*fo_name;
	int	(*fo_probe)(void);

	/*
	 * Watches the open file behind fd, whatever its names; fd may be
	 * closed afterwards.  Changes made before are not reported, also when
	 * the file is watched already.  ENOTSUP for what is neither a regular
	 * file nor a directory nor a FIFO that has a name; EBADF, ENOMEM, ENOSPC
	 * (a system limit).
	 * *statep is the instance's state, made at first need.
	 */
	int	(*fo_attach)(void **statep, struct evany__filewatch *, int fd);
	/* fw_want was changed. */
	int	(*fo_modify)(void **statep, struct evany__filewatch *);
	void	(*fo_detach)(void **statep, struct evany__filewatch *);

	/*
	 * Watches a name in dir, or with NULL all names; dir is an absolute
	 * path (evany__ff_resolve makes one).  What was done before is not
	 * reported.  ENOENT: no such directory, or no such entry, unless MADE
	 * is wanted; other errors of stat(2); ENOMEM, ENOSPC, EMFILE; ENOTSUP:
	 * this mechanism cannot tell what is wanted.  READ may be told by the
	 * access time, which systems do not always keep.
	 */
	int	(*fo_name_attach)(void **statep, struct evany__namewatch *,
		    const char *dir, const char *name);
	void	(*fo_name_detach)(void **statep, struct evany__namewatch *);

	/*
	 * Takes in what has happened by now: of several files in the order in
	 * which it did, or else in that of their attaches.
	 */
	void	(*fo_collect)(void **statep);
	/* No feeder tells at once: core collects before each wait. */
	bool	fo_ask;
	/* Releases the state after the last detach. */
	void	(*fo_close)(struct evany__inst *, void **statep);
	void	(*fo_fork_child)(void **statep);
};

/* ---- FILE by name: the entries of a directory ------------------------------ */

/* What is reported of a name, besides EVANY__F_* of the file that had it. */
#define EVANY__N_MADE		0x00010000U	/* created, or a link made */
#define EVANY__N_GONE		0x00020000U	/* removed */
#define EVANY__N_MOVED_FROM	0x00040000U	/* its file was renamed */
#define EVANY__N_MOVED_TO	0x00080000U	/* a file was renamed to it */
#define EVANY__N_LOST		0x00100000U	/* unasked: some were lost */
#define EVANY__N_ISDIR		0x00200000U	/* unasked: a directory's name */
/* To be wanted only: a symbolic link is followed. */
#define EVANY__N_FOLLOW		0x00400000U
#define EVANY__N_ANY		(EVANY__N_MADE | EVANY__N_GONE |	\
				EVANY__N_MOVED_FROM | EVANY__N_MOVED_TO)

/* One report. */
struct evany__nameevent {
	const char	*ne_name;	/* the entry; NULL: the directory */
	uint32_t	 ne_bits;
	/*
	 * The same in MOVED_FROM and in MOVED_TO of one rename, which may be
	 * reports to two watches of an instance; else 0.
	 */
	uint32_t	 ne_cookie;
};

/*
 * A watch of one name in a directory, or of all of them.
 *
 * One name: told are acts on the name, and on the file that had it when the
 * watch was attached (a link is a file of its own unless FOLLOW is wanted),
 * whatever becomes of the name later.  The file may be of any kind; a directory
 * tells WRITE when an entry is made, removed or renamed, with LINK if that is a
 * directory and perhaps with TRUNC if a file is made.  The loss of the name is told by
 * its N_ bit alone, that of another name of the file as ATTRIB, DELETE and
 * LINK, a new name of it as ATTRIB and LINK.  When the name has another file,
 * attach again to watch that one.
 *
 * All names: told are acts on the names, and WRITE, ATTRIB, OPEN, CLOSE_* and
 * READ of the files that have them; the directory's own ATTRIB, RENAME, DELETE,
 * OPEN, CLOSE_READ and READ come with ne_name NULL.  It is followed when it is
 * renamed unless nw_by_path says otherwise.
 *
 * The driver embeds it; nw_fire is called with the instance's lock held, from
 * any thread, with bits that are wanted, or with REVOKE (the file system is
 * gone and the watch has ended), or with LOST: what the watch is about may
 * have changed in any way, and is to be looked at.  It may detach any watch.
 */
struct evany__namewatch {
	struct evany__inst	*nw_inst;
	void			(*nw_fire)(struct evany__namewatch *,
				    const struct evany__nameevent *);
	void			*nw_priv;	/* the mechanism's */
	bool			 nw_other;	/* the mechanism's */
	bool			 nw_by_path;	/* set by attach */
	uint32_t		 nw_want;	/* EVANY__F_*, EVANY__N_* */
};

/* ---- SIGNAL --------------------------------------------------------------- */

struct evany__sigwatch {
	LIST_ENTRY(evany__sigwatch) sw_link;	/* the mechanism's */
	struct evany__inst	*sw_inst;
	void			(*sw_fire)(struct evany__sigwatch *, uint64_t n);
	uint64_t		 sw_seen;	/* the mechanism's */
	int			 sw_signo;
};

struct evany__signal_ops {
	const char	*so_name;
	int	(*so_probe)(void);
	/* Signals sent from now on count.  EINVAL: no such signal. */
	int	(*so_attach)(void **statep, struct evany__sigwatch *);
	void	(*so_detach)(void **statep, struct evany__sigwatch *);
	/* Before each wait: as so_review, and sees to blocked signals. */
	void	(*so_refresh)(void **statep);
	/*
	 * Asks for the program's dispositions again; also from a signal
	 * handler of the program that interrupted malloc.
	 */
	void	(*so_review)(void **statep);
	/*
	 * How often, in this thread, a handler of ours ran for a signal that
	 * the program ignores.  If it grew, an EINTR may be nobody's business.
	 */
	unsigned (*so_unseen)(void);
	void	(*so_close)(struct evany__inst *, void **statep);
	void	(*so_fork_child)(void **statep);
};

/* ---- PROC ------------------------------------------------------------------ */

#define EVANY__P_EXIT		0x0001U	/* data: wait status; the watch ends */
#define EVANY__P_FORK		0x0002U
#define EVANY__P_EXEC		0x0004U
#define EVANY__P_CHILD		0x0008U	/* data: pid of a new child to track */
#define EVANY__P_TRACKERR	0x0010U	/* a child was missed */

struct evany__procwatch {
	struct evany__feeder	 pw_feeder;	/* the mechanism's */
	struct evany__inst	*pw_inst;
	void			(*pw_fire)(struct evany__procwatch *,
				    unsigned bits, int64_t data);
	void			*pw_priv;	/* the mechanism's */
	pid_t			 pw_pid;
	uint32_t		 pw_want;	/* EVANY__P_*, EXIT is implied */
};

struct evany__proc_ops {
	const char	*po_name;
	int	(*po_probe)(void);
	/*
	 * ESRCH: no such process, EACCES: not visible.  A process that has
	 * ended but can still be waited for is attached and fires EXIT.  FORK,
	 * EXEC and CHILD that the system cannot tell: attached all the same,
	 * and TRACKERR is fired once if CHILD was wanted; ENOTSUP if only FORK
	 * or EXEC is wanted.  fd is a process descriptor or -1.
	 */
	int	(*po_attach)(void **statep, struct evany__procwatch *, int fd);
	int	(*po_modify)(void **statep, struct evany__procwatch *);
	void	(*po_detach)(void **statep, struct evany__procwatch *);
	/* Has the process ended (a zombie, say)?  1 or 0. */
	int	(*po_ended)(struct evany__procwatch *);
	/* Before each wait: takes in what is pending, so that a poll sees it. */
	void	(*po_collect)(void **statep);
	void	(*po_close)(struct evany__inst *, void **statep);
	void	(*po_fork_child)(void **statep);
};

/* ---- MOUNT ----------------------------------------------------------------- */

#define EVANY__M_MOUNT		0x0001U
#define EVANY__M_UNMOUNT	0x0002U

struct evany__mountwatch {
	LIST_ENTRY(evany__mountwatch) mw_link;	/* the mechanism's */
	struct evany__inst	*mw_inst;
	void			(*mw_fire)(struct evany__mountwatch *,
				    unsigned bits);
};

struct evany__mount_ops {
	const char	*mo_name;
	int	(*mo_probe)(void);
	/* Mounts from now on.  ENOTSUP where the system does not tell. */
	int	(*mo_attach)(void **statep, struct evany__mountwatch *);
	void	(*mo_detach)(void **statep, struct evany__mountwatch *);
	void	(*mo_close)(struct evany__inst *, void **statep);
	void	(*mo_fork_child)(void **statep);
};

/* ---- MQ: a message comes into an empty queue (backends/mqueue) -------------- */

/* A descriptor that is readable while there are notices. */
int	evany__mq_open(int *fdp);
/*
 * Asks for one notice with that cookie, at fd, of queue, a descriptor of
 * <mqueue.h>.  EBADF, EBUSY, ENOMEM.
 */
int	evany__mq_register(int fd, int queue, uint64_t cookie);
/* The next notice; false if there is none.  came: else it was taken back. */
bool	evany__mq_next(int fd, uint64_t *cookiep, bool *camep);

/* ---- facts about a descriptor (backends/fdfacts) ---------------------------- */

enum evany__fdkind {
	EVANY__K_UNKNOWN = 0,
	EVANY__K_OTHER,		/* readable or not, and no byte count */
	EVANY__K_STREAM,	/* stream or seqpacket socket */
	EVANY__K_DGRAM,		/* datagram or raw socket */
	EVANY__K_PIPE,		/* pipe or fifo */
	EVANY__K_FILE,		/* regular file */
	EVANY__K_DIR,
	EVANY__K_TTY,
	EVANY__K_CHR,		/* another device */
	EVANY__K_COUNTER,	/* eventfd */
	EVANY__K_PROCESS	/* process descriptor */
};

/* The lowest open descriptor from here on; -1: none, -2: that is not told. */
int	evany__ff_next_open(int from);

/* Kind of the file behind fd; UNKNOWN if fd is closed. */
enum evany__fdkind evany__ff_kind(int fd);

/*
 * fstat(2), 0 or its error.  *bornp is when the file was made, in nanoseconds,
 * 0 where that is not told: a file system gives the inode of a deleted file to
 * the next one made, so device and inode alone do not tell them apart.
 */
struct stat;
int	evany__ff_stat(int fd, struct stat *, int64_t *bornp);

/* A kind of file that never blocks, so that waiting for it means nothing. */
bool	evany__ff_never_blocks(const struct stat *);

/* The same as fstatat(2); a link at the end is followed or not. */
int	evany__ff_stat_at(int dir, const char *path, bool follow,
	    struct stat *, int64_t *bornp);

/* Was the pipe behind fd opened by a path, not made by pipe(2)? */
bool	evany__ff_of_path(int fd);

/* Its times of access, modification and change. */
void	evany__ff_times(const struct stat *, struct timespec times[3]);

/* May changes of the file be told?  The system's own views cannot. */
bool	evany__ff_tells(const char *path);

/*
 * Where the file of path is: an absolute path of a directory, without links,
 * and the name in it; *namep points into *dirp, which is to be freed.  With
 * follow links are followed to the end; *linkp: the name is a link all the
 * same, since what it leads to has none (/proc/self/fd/N of a removed file).
 * Errors are those of stat(2).
 */
int	evany__ff_resolve(const char *path, bool follow, char **dirp,
	    char **namep, bool *linkp);

/*
 * A number that differs for files that had one inode one after the other, also
 * if they were made in the same tick of the clock; 0 where there is none.
 */
uint64_t evany__ff_generation(int fd);

/* What poll(2) says now of one direction (EVANY__W_*), as a record's bits. */
unsigned evany__ff_now(int fd, int dir);

/* Bytes to read.  EBADF: closed; any other error: no such count. */
int	evany__ff_inbytes(int fd, int64_t *bytesp);

/*
 * The same for n records at once, as far as they are of kind FD and can be
 * read: rd_bytes becomes the count, or the error as a negative number.
 */
void	evany__ff_count(struct evany__ready *, int n);

/*
 * Where that count ends at an urgent byte: the bytes behind it, once reading
 * has come to it; 0 before.  Not for a socket that has an error.
 */
int64_t	evany__ff_behind_mark(int fd);

/* Connections waiting on a listening socket; ENOTSUP if it is not one. */
int	evany__ff_backlog(int fd, int64_t *countp);

/* Free bytes for writing; 0 and *bytesp > 0 whenever a write would succeed. */
int	evany__ff_space(int fd, enum evany__fdkind, int64_t *bytesp);

/* Low-water mark of a socket for reading, at least 1. */
int64_t	evany__ff_lowat(int fd);

/* A stream socket that is neither connected, connecting nor failed.  1, 0. */
int	evany__ff_unconnected(int fd);

/* Has the program shut down sending?  1 or 0. */
int	evany__ff_shut_wr(int fd);

/* The error that waits on a socket after ERR or HUP, not taken; 0 if none. */
int	evany__ff_error(int fd);

/* Is everything sent, and acknowledged where that is known?  1, 0. */
int	evany__ff_sent(int fd);

/* The count of an eventfd; 1 when it cannot be told. */
int64_t	evany__ff_counter(int fd);

/* ---- table.c ------------------------------------------------------------------ */

extern const struct evany__be_ops evany__be_epoll_ops;
extern const struct evany__be_ops evany__be_kqueue_ops;
extern const struct evany__be_ops evany__be_poll_ops;
extern const struct evany__be_ops evany__be_ports_ops;
extern const struct evany__file_ops evany__file_inotify_ops;
extern const struct evany__file_ops evany__file_scan_ops;
extern const struct evany__signal_ops evany__signal_signalfd_ops;
extern const struct evany__signal_ops evany__signal_kqueue_ops;
extern const struct evany__signal_ops evany__signal_selfpipe_ops;
extern const struct evany__mount_ops evany__mount_none_ops;
extern const struct evany__mount_ops evany__mount_info_ops;
extern const struct evany__proc_ops evany__proc_pidfd_ops;
extern const struct evany__proc_ops evany__proc_kqueue_ops;
extern const struct evany__proc_ops evany__proc_selfpipe_ops;

/* The choice for this process, made once. */
struct evany__table {
	const struct evany__be_ops	*tb_be;
	const struct evany__file_ops	*tb_file;
	const struct evany__signal_ops	*tb_signal;
	const struct evany__proc_ops	*tb_proc;
	const struct evany__mount_ops	*tb_mount;
};
const struct evany__table *evany__table(void);

/* What was built, kind by kind, best first, and is tried anew here. */
struct evany__mechanism {
	const char	*me_kind;	/* "descriptors" */
	const char	*me_name;	/* "epoll" */
	bool		 me_used;	/* it is in the table */
	int		 me_error;	/* 0, or why it cannot be */
};
/* False: there are not so many. */
bool	evany__mechanism(size_t at, struct evany__mechanism *);

#endif /* EVANY_BACKEND_H */
