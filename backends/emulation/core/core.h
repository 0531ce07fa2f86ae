/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * core.h: what all drivers share.
 *
 * An instance is what a facility's descriptor denotes.  A watch is one thing
 * that an instance looks at; drivers embed it at the start of their own
 * object (a knote, an association).  Descriptors have one slot per number,
 * with a list of the watches on it.  Watches with something to tell that no
 * kernel object tells stand in the instance's ready queue.
 *
 * Keys of the fields: (c) constant after creation, (t) number table lock,
 * (i) instance lock, (a) atomic.  instance.c states the lock order.
 */
#ifndef EVANY_CORE_H
#define EVANY_CORE_H

#include <sys/types.h>
#include <sys/queue.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"

/*
 * Not to be merged into the caller: what is rarely done would cost a longer
 * way in and out of it each time.
 */
#define EVANY__APART	__attribute__((__noinline__))

/* To be merged into the caller, however large; the function says why. */
#define EVANY__WITHIN	inline __attribute__((__always_inline__))

/* ---- locks (lock.c) ------------------------------------------------------ */

/*
 * A mutex.  A shared one works across fork in shared memory and survives the
 * death of its holder: enter then returns EOWNERDEAD once, with the lock held,
 * and the caller makes the state good.  Of each process one thread at a time
 * may enter a shared one.
 */
struct evany__lock {
	pthread_mutex_t		 lk_mutex;
	bool			 lk_lone;	/* may be set after init */
	bool			 lk_plain;	/* held without the mutex */
#ifndef HAVE_PTHREAD_MUTEXATTR_SETROBUST
	bool			 lk_shared;	/* (c) lk_holder is the lock */
	atomic_int		 lk_holder;	/* a pid, 0: free */
#endif
};
int	evany__lock_init(struct evany__lock *, bool shared);
void	evany__lock_fini(struct evany__lock *);

/* The model of thread-local data: the first use of another may call malloc. */
#define EVANY__TLS	__attribute__((__tls_model__("initial-exec")))

/*
 * For signal handlers.  Does the thread hold a lock of the library, or wait for
 * one?  If so, later has fn called in this thread once it holds none.
 */
extern _Thread_local unsigned evany__lock_depth EVANY__TLS;

static inline bool
evany__lock_held(void)
{
	return (evany__lock_depth > 0);
}

extern _Thread_local void (*evany__lock_after)(void) EVANY__TLS;
void	evany__lock_later(void (*fn)(void));
void	evany__lock_done(void);
int	evany__lock_mutex(struct evany__lock *);
void	evany__lock_mutex_leave(struct evany__lock *);

/* evany__lock_mark and evany__lock_unmark, without a call. */
static inline void
evany__lock_up(void)
{

	evany__lock_depth++;
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void
evany__lock_down(void)
{

	atomic_signal_fence(memory_order_seq_cst);
	evany__lock_depth--;
	atomic_signal_fence(memory_order_seq_cst);
	if (EVANY__SELDOM(evany__lock_after != NULL))
		evany__lock_done();
}

/*
 * A process with one thread need not take the mutex of a lone lock: one that
 * no other process shares, and that is never held where a thread is made.
 */
static inline int
evany__lock_enter(struct evany__lock *lk)
{

	evany__lock_up();
	if (lk->lk_lone && evany__alone()) {
		lk->lk_plain = true;
		return (0);
	}
	return (evany__lock_mutex(lk));
}

static inline void
evany__lock_leave(struct evany__lock *lk)
{

	if (!lk->lk_plain) {
		evany__lock_mutex_leave(lk);
		return;
	}
	lk->lk_plain = false;
	evany__lock_down();
}

/*
 * Notes n things of that many bytes for fn, which is called for each in turn by
 * this thread when it holds no lock.  False, and none noted, if there is no
 * room.  late.c
 */
#define EVANY__LATE_BYTES	64
typedef void evany__late_fn(int number, const void *note);
bool	evany__late_add(evany__late_fn *, int number, const void *notes,
	    size_t bytes, int n);
/* Is it what this thread noted last, and still has to do? */
bool	evany__late_again(evany__late_fn *, int number, const void *note,
	    size_t bytes);
void	evany__late_fork_child(void);

/*
 * The lock of a table that calls of the program look into before they come to
 * an instance: taken before all others, and never two of them.  Held across
 * fork(2); the child, for whom nothing in the table is meant, empties it by
 * ou_child, with the lock free and no other thread there.  whole: nobody was
 * in the middle of a change.  fork.c
 */
struct evany__outer {
	struct evany__lock	 ou_lock;
	void			(*ou_child)(bool whole);	/* (c) */
	struct evany__outer	*ou_next;
	atomic_bool		 ou_known;
};
#define EVANY__OUTER(child) {						\
	.ou_lock = { .lk_mutex = PTHREAD_MUTEX_INITIALIZER },		\
	.ou_child = (child)						\
}
void	evany__outer_enter(struct evany__outer *);
void	evany__outer_leave(struct evany__outer *);

/* ---- sleeping (park.c) ---------------------------------------------------- */

struct evany__park {
	int	pk_fds[2];
};
int	evany__park_open(struct evany__park *);
void	evany__park_close(struct evany__park *);
void	evany__park_wake(struct evany__park *);
/* 0 when woken, ETIMEDOUT, EINTR.  A cancellation point. */
int	evany__park_sleep(struct evany__park *, int64_t deadline);

/* ---- memory (slab.c) ------------------------------------------------------ */

/*
 * Equal objects without overhead, given back all at once.  The caller locks.
 * A slab made with shared true lives in memory that a fork shares.
 */
struct evany__slab {
	size_t	 sl_size;
	void	*sl_free;
	void	*sl_chunks;
	bool	 sl_shared;
};
void	evany__slab_init(struct evany__slab *, size_t size, bool shared);
void	*evany__slab_get(struct evany__slab *);
void	evany__slab_put(struct evany__slab *, void *);
void	evany__slab_fini(struct evany__slab *);

/* Zeroed memory that a later fork shares, or NULL; processes free it each. */
void	*evany__share_new(size_t);
void	evany__share_free(void *, size_t);

/*
 * In such memory: who is killed here has written what stands before, and
 * nothing of what stands after.
 */
static inline void
evany__share_order(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

/* ---- watches ---------------------------------------------------------------- */

struct evany__watch {
	TAILQ_ENTRY(evany__watch) wt_ready;	/* (i) ready queue */
	struct evany__watch	*wt_next;	/* (i) slot or hash chain */
	uint32_t		 wt_call;	/* (i) the driver: in_call when given */
	uint8_t			 wt_queued;	/* (i) stands in the queue */
	uint8_t			 wt_dir;	/* (i) EVANY__W_*, or a set */
	uint8_t			 wt_mode;	/* (i) enum evany__mode */
	uint8_t			 wt_bits;	/* (i) of a record kept back */
};
TAILQ_HEAD(evany__watchq, evany__watch);

/*
 * In wt_dir, with 1 << EVANY__W_* of each: several directions of one mode are
 * one interest, the only one on the number, and have one report.
 */
#define EVANY__W_SET	8

static inline unsigned
evany__watch_dirs(const struct evany__watch *wt)
{
	return ((wt->wt_dir & EVANY__W_SET) != 0 ?
	    wt->wt_dir & (EVANY__W_SET - 1U) : 1U << wt->wt_dir);
}

/* Watches without a descriptor, by a key (hash.c). */
struct evany__hash {
	uint32_t		(*ha_key)(const struct evany__watch *);
	struct evany__watch	**ha_chains;
	uint32_t		 ha_size;	/* a power of two, or 0 */
	uint32_t		 ha_count;
};
uint32_t evany__hash_key(uintptr_t object, unsigned kind);
/* The first of a chain in which all with that key are. */
struct evany__watch *evany__hash_first(const struct evany__hash *,
	    uint32_t key);
int	evany__hash_insert(struct evany__hash *, struct evany__watch *);
void	evany__hash_remove(struct evany__hash *, struct evany__watch *);
/* Calls end with each that is left, which removes it. */
void	evany__hash_fini(struct evany__hash *,
	    void (*end)(void *, struct evany__watch *), void *);

/* One number that is watched. */
struct evany__fdslot {
	struct evany__watch	*fs_watches;	/* (i) */
	uint16_t		 fs_gen;	/* (i) generation of the number */
	uint8_t			 fs_kind;	/* (i) enum evany__fdkind */
	uint8_t			 fs_known;	/* (i) driver: facts looked up */
	uint8_t			 fs_priv[EVANY__FD_PRIV] /* (i) mechanism */
	    __attribute__((aligned(4)));
};

#define EVANY__PAGE_SLOTS	64

/*
 * Once tm_at has passed on its clock the driver's dr_timer is called, which may
 * arm the timer again.  Arming an armed timer moves it.
 */
struct evany__timer {
	int64_t			 tm_at;		/* (i) nanoseconds */
	uint32_t		 tm_pos;	/* (i) in the heap + 1, 0: idle */
	uint8_t			 tm_clock;	/* (i) EVANY__MONOTONIC, ... */
	uint8_t			 tm_step;	/* (i) driver's */
};

/* ---- driver ------------------------------------------------------------------ */

/* Where a pass over what is ready puts its events. */
struct evany__sink {
	void	*sk_events;	/* the driver's array */
	int	 sk_room;	/* its length */
	int	 sk_count;	/* filled so far */
};

static inline bool
evany__sink_full(const struct evany__sink *sk)
{
	return (sk->sk_count == sk->sk_room);
}

enum evany__fork { EVANY__FORK_BEFORE, EVANY__FORK_PARENT, EVANY__FORK_CHILD };

/* Functions of a driver; all are called with the instance's lock held. */
struct evany__driver {
	const char	*dr_name;
	/* Records that can be read come with EVANY__COUNTED and in_bytes. */
	bool	dr_counts;
	/*
	 * Only the ready queue rings: without what stood there, the ring may be
	 * taken back.
	 */
	bool	dr_hushes;
	/*
	 * A pass begins.  May put an event into the sink, or take away its
	 * room, after which what was reported is kept.  NULL: nothing to do.
	 */
	void	(*dr_begin)(struct evany__inst *, struct evany__sink *);
	/*
	 * The record of a descriptor has bits that concern this watch.  The
	 * sink has room.  The driver may delete the watch; false: the number
	 * was found closed and all its watches have gone.
	 */
	bool	(*dr_fd)(struct evany__inst *, struct evany__watch *,
		    unsigned bits, struct evany__sink *);
	/* The same for a watch taken from the ready queue. */
	void	(*dr_ready)(struct evany__inst *, struct evany__watch *,
		    struct evany__sink *);
	/*
	 * The number was closed: forget its watches.  reused: but for those
	 * of the file that it names now.
	 */
	void	(*dr_fd_gone)(struct evany__inst *, int fd, bool reused);
	/*
	 * Reports of descriptors were lost: what is ready is to be reported,
	 * even if it was before.
	 */
	void	(*dr_again)(struct evany__inst *);
	/*
	 * What the mechanism has ready of an instance that is shared with
	 * children shall be taken in.
	 */
	void	(*dr_found)(struct evany__inst *);
	/* A timer has expired and is idle. */
	void	(*dr_timer)(struct evany__inst *, struct evany__timer *);
	/*
	 * The number is about to be closed: its watches go, or it is one of
	 * the instance's own (for libevany-interpose).
	 */
	void	(*dr_closing)(struct evany__inst *, int number);
	/* The instance ends: free everything the driver has. */
	void	(*dr_close)(struct evany__inst *);
	/*
	 * Instances are shared with children of fork, if the mechanism can.
	 * Called before, in the parent and in the child, where the driver
	 * drops what is the parent's alone; with the lock held.
	 */
	void	(*dr_fork)(struct evany__inst *, enum evany__fork);
	/*
	 * The instance has its number, and its lock is held: what of the
	 * driver's needs the mechanism.  NULL: nothing.
	 */
	int	(*dr_opened)(struct evany__inst *);
	/*
	 * A child of fork gets an instance of its own under the numbers: called
	 * there to make the driver's part of it, before it has a number; heir
	 * NULL: the child gets none.  The parent's was not locked, so of it
	 * only what is constant may be looked at.
	 */
	int	(*dr_inherit)(struct evany__inst *heir,
		    struct evany__inst *parents);
};

/* ---- instances ------------------------------------------------------------------ */

struct evany__heap {
	struct evany__timer	**hp_at;
	uint32_t		  hp_count;
	uint32_t		  hp_room;
};

#define EVANY__NUMBERS	4	/* numbers of one instance kept in mind */
#define EVANY__ALL_NUMBERS 64	/* and at most renewed */

struct evany__inst {
	/* (c) */
	const struct evany__driver	*in_driver;
	const struct evany__table	*in_table;
	void				*in_state;	/* be_ops' */
	void				*in_data;	/* driver's */
	unsigned			 in_tag;
	unsigned			 in_subtag;
	bool				 in_shared;	/* with children */

	LIST_ENTRY(evany__inst)		 in_link;	/* (t) */
	bool				 in_kept;	/* (t) by a child now made */
	int				 in_numbers[EVANY__NUMBERS]; /* (t) */
	atomic_int			 in_refs;	/* (a) 0: being freed */

	struct evany__lock		 in_lock;
	/* (i) from here */
	int				 in_number;	/* used last */
	bool				 in_rung;
	bool				 in_hush;	/* rung for nothing now */
	bool				 in_unsettled;	/* in_alarm is old */
	_Atomic uint32_t		 in_nasked;	/* read without the lock */
	atomic_uint			 in_ringing;	/* (a) on their way */
	int32_t				 in_bytes;	/* of dr_fd's record */
	uint32_t			 in_call;	/* counts passes */
	uint32_t			 in_first;	/* first of the same wait */
	bool				 in_again;	/* one more is needed */
	bool				 in_round;	/* one more is in vain */
	struct evany__watchq		 in_ready;
	_Atomic uint32_t		 in_nready;	/* read without the lock */
	bool				 in_marked;	/* by evany__inst_mark */
	bool				 in_owing;	/* the last list was short */
	bool				 in_late;	/* a record found no room */
	struct evany__fdslot		**in_pages;
	uint32_t			 in_npages;
	struct evany__heap		 in_heap[EVANY__CLOCKS];
	int64_t				 in_alarm[EVANY__CLOCKS]; /* as set */
	struct evany__feeder		**in_feeders;
	uint32_t			 in_nfeeders;
	uint32_t			 in_gen;	/* of feeders */
	void				*in_file;	/* file_ops' state */
	void				*in_signal;	/* signal_ops' state */
	void				*in_proc;	/* proc_ops' state */
	void				*in_mount;	/* mount_ops' state */
};

/* ---- numbers (numbers.c) ---------------------------------------------------------- */

/*
 * Calls fn for all open descriptors, and others maybe, until it returns false.
 */
void	evany__descriptors_each(bool (*fn)(void *, int), void *);

/* Makes an instance; its number goes to *numberp, the reference is dropped. */
int	evany__inst_create(const struct evany__driver *, int flags,
	    int (*init)(struct evany__inst *), int *numberp);

/*
 * The same in two steps; init NULL: dr_inherit, of that parent's.  *numberp is
 * not known to be the instance's before named says so.
 */
int	evany__inst_make(const struct evany__driver *, int flags,
	    int (*init)(struct evany__inst *), struct evany__inst *parents,
	    struct evany__inst **, int *numberp);
void	evany__inst_named(struct evany__inst *, int number);

/*
 * In a child of fork: puts an instance of the child's own in the place of the
 * parent's under those numbers.  false: they are closed.  heir.c
 */
bool	evany__inst_inherit(struct evany__inst *parents, const int *numbers,
	    int n);

/* Releases instances that no number names any more. */
void	evany__inst_sweep(void);

/*
 * The instance that number names, with a reference and in_number set, or NULL.
 * With check the number is tried even if it is known.
 */
struct evany__inst *evany__inst_find(int number, bool check);

/*
 * How many watches the instance that number names could give now, or -1 if it
 * names none.  The lock of an instance that is not shared may be held: a fork
 * is all that takes one with the table locked, and only those of shared ones.
 */
int	evany__number_pending(int number);

/* Whether number names an instance, without looking for duplicates. */
bool	evany__inst_known(int number);

/* False if number was seen to name another instance since; no call. */
bool	evany__inst_has(struct evany__inst *, int number);

/*
 * More than one instance may live, so that dup2 may have swapped numbers.
 * recount finds out, if this thread was asked for enough changes meanwhile to
 * make it worth while; no lock held, and not from a signal handler.
 */
extern atomic_uint evany__inst_count;
extern _Thread_local unsigned evany__inst_asked_for EVANY__TLS;

static inline bool
evany__inst_many(void)
{
	return (atomic_load_explicit(&evany__inst_count,
	    memory_order_relaxed) > 1);
}

bool	evany__inst_recount(void);

/* The same by a call that asks for n changes, or for a wait. */
static inline bool
evany__inst_several(unsigned n)
{
	evany__inst_asked_for += n;
	return (evany__inst_many() && evany__inst_recount());
}

/* Which numbers the instance has now, at most n; the count. */
int	evany__inst_numbers(struct evany__inst *, int *numbers, int n);

/* The same after a search among all descriptors. */
int	evany__inst_all_numbers(struct evany__inst *, int *numbers, int n);

void	evany__numbers_closing(unsigned first, unsigned last);

/* ---- which numbers are watched (watched.c) ------------------------------------------ */

/* Numbers from here on are taken for watched. */
#define EVANY__WATCHED_MOST	(4 * 1024 * 1024)

/* Room to count the watchers of a number and its neighbours; 0 or ENOMEM. */
int	evany__watched_room(int number);
/* One more slot of that number has watches, or one less. */
void	evany__watched_more(int number);
void	evany__watched_less(int number);
/* Count it as watched for ever. */
void	evany__watched_always(int number);
/* The next number, from this one on, that is watched, or is not. */
unsigned evany__watched_next(unsigned number, bool watched);
void	evany__watched_fork_child(void);

/* fork.c */
void	evany__fork_init(void);
extern _Atomic(atomic_int *) evany__fork_page;

/* Is this a child that no handler has told of? */
static inline bool
evany__fork_seen(void)
{
	atomic_int *page = atomic_load_explicit(&evany__fork_page,
	    memory_order_relaxed);

	return (page != NULL && EVANY__SELDOM(atomic_load_explicit(page,
	    memory_order_relaxed) == 0));
}

/* Is it another process in our memory, as a child of vfork(2) is? */
bool	evany__fork_guest(void);
void	evany__fork_child(void);
void	evany__numbers_lock(void);
void	evany__numbers_unlock(void);
/*
 * Locks the table, and the instances that are shared if the child may have
 * them; the parent's lets go of these.
 */
void	evany__numbers_fork_before(bool share);
void	evany__numbers_fork_parent(void);
void	evany__numbers_fork_child(void);

/* ---- passes (instance.c) ------------------------------------------------------------ */

/* Lock, with the number that later calls to the mechanism go through. */
void	evany__inst_enter(struct evany__inst *, int number);
/*
 * Sets alarms, rings if something is ready, unlocks.  EIDRM if the number that
 * was used does not name the instance (any more).
 */
int	evany__inst_leave(struct evany__inst *);

/*
 * Asks the mechanisms that tell nothing by themselves.  Lock held.  asked:
 * there is one more watch of that kind, or one less (-1).
 */
void	evany__inst_ask(struct evany__inst *);
/* Dispositions of signals only: may be called in a signal handler. */
void	evany__inst_review(struct evany__inst *);
void	evany__inst_asked(struct evany__inst *, int by);

/* How many there are.  Changed under the lock, like nready. */
static inline uint32_t
evany__inst_nasked(struct evany__inst *inst)
{
	return (atomic_load_explicit(&inst->in_nasked, memory_order_relaxed));
}

/*
 * The mechanism's mark, which a new kernel object then has too.  Off is
 * nothing to do if it is not on.  0, EIDRM, ...
 */
int	evany__inst_mark(struct evany__inst *, bool on);

/* Has the wait that passes now given the watch already? */
static inline bool
evany__watch_given(const struct evany__inst *inst,
    const struct evany__watch *wt)
{
	return (wt->wt_call - inst->in_first <=
	    inst->in_call - inst->in_first);
}

/*
 * A wait that was none of the instance's took reports through number, which
 * names it now, whatever driver it has: they will come again.  If it names no
 * instance, nothing is done.
 */
void	evany__inst_recall(int number);

/* Gives the instance a new kernel object.  Unlocks and locks again. */
void	evany__inst_renew(struct evany__inst *);

/* Serves a record of a feeder or an alarm.  Lock held. */
void	evany__inst_record(struct evany__inst *, const struct evany__ready *);

/* Ready queue.  Appending a queued watch does nothing. */
void	evany__ready_add(struct evany__inst *, struct evany__watch *);
void	evany__ready_remove(struct evany__inst *, struct evany__watch *);

/*
 * A watch was changed in this pass so that the mechanism reports it once more
 * for nothing: the wait shall take that in as well.
 */
void	evany__inst_again(struct evany__inst *);

/* How many watches could be given now, without taking anything. */
int	evany__inst_pending(struct evany__inst *);

#define EVANY__RECORDS	128	/* on the stack; more come from malloc */

/* A wait under way. */
struct evany__wait {
	struct evany__inst	*wa_inst;
	struct evany__sink	*wa_sink;
	struct evany__ready	*wa_ready;	/* wa_most of them */
	struct evany__ready	*wa_heap;	/* wa_ready, if it is longer */
	int64_t			 wa_deadline;
	int			 wa_number;	/* -1: another instance's now */
	int			 wa_most;
	int			 wa_room;	/* to be filled, of wa_most */
	int			 wa_tries;
	unsigned		 wa_unseen;	/* of so_unseen, before */
	uint32_t		 wa_first;	/* pass of this wait */
};
void	evany__wait_longer(struct evany__wait *);
int	evany__wait_cancellable(struct evany__wait *, int *np);
/* Takes in what was reported or went wrong; true: one more wait is needed. */
bool	evany__wait_more(struct evany__wait *, int *errorp, int n);

static EVANY__WITHIN int
evany__wait_kernel(struct evany__wait *wa, int *np)
{
	return (wa->wa_inst->in_table->tb_be->be_wait(wa->wa_inst,
	    wa->wa_number, NULL, 0, wa->wa_ready, wa->wa_room, np,
	    wa->wa_deadline));
}

/*
 * Waits until the sink holds an event or the deadline has passed.  *instp may
 * become another instance when number was given to it meanwhile.  0, EINTR,
 * EBADF, ...
 *
 * A part of the entry point that waits: some processors mispredict every
 * return to a function that was entered before the system call, and one costs
 * a twelfth of a call that finds nothing.
 */
static EVANY__WITHIN int
evany__inst_wait(struct evany__inst **instp, int number,
    struct evany__sink *sk, int64_t deadline)
{
	struct evany__ready stack[EVANY__RECORDS];
	struct evany__wait wa;
	int error, n;

	wa.wa_inst = *instp;
	wa.wa_sink = sk;
	wa.wa_ready = stack;
	wa.wa_heap = NULL;
	wa.wa_deadline = deadline;
	wa.wa_number = number;
	wa.wa_most = EVANY__RECORDS;
	wa.wa_tries = 0;
	wa.wa_first = 0;
	if (sk->sk_room > EVANY__RECORDS)
		evany__wait_longer(&wa);
	wa.wa_room = sk->sk_room < wa.wa_most ? sk->sk_room : wa.wa_most;
	do {
		if (EVANY__SELDOM(evany__inst_nasked(wa.wa_inst) > 0)) {
			evany__inst_enter(wa.wa_inst, wa.wa_number);
			evany__inst_ask(wa.wa_inst);
			(void)evany__inst_leave(wa.wa_inst);
		}
		/* Another queue's watch may have put a handler there. */
		wa.wa_unseen = wa.wa_inst->in_table->tb_signal->so_unseen();
		if (wa.wa_deadline == 0 || evany__alone())
			error = evany__wait_kernel(&wa, &n);
		else
			error = evany__wait_cancellable(&wa, &n);
		if (error == 0 && n == 0 && wa.wa_deadline == 0)
			break;
	} while (evany__wait_more(&wa, &error, n));
	*instp = wa.wa_inst;
	if (EVANY__SELDOM(wa.wa_heap != NULL))
		free(wa.wa_heap);
	return (sk->sk_count > 0 ? 0 : error);
}

/* ---- descriptors (fdslot.c) ------------------------------------------------------------ */

static inline struct evany__fdslot *
evany__slot_find(struct evany__inst *inst, int fd)
{
	uint32_t page = (uint32_t)fd / EVANY__PAGE_SLOTS;

	if (fd < 0 || page >= inst->in_npages || inst->in_pages[page] == NULL)
		return (NULL);
	return (&inst->in_pages[page][fd % EVANY__PAGE_SLOTS]);
}

/*
 * The slot, made if need be: 0, ENOMEM, or EBADF for a number that is not open
 * and higher than all before, since what is spent on one grows with it.
 */
int	evany__slot_get(struct evany__inst *, int fd, struct evany__fdslot **);
void	evany__slot_insert(struct evany__fdslot *, int fd,
	    struct evany__watch *);
void	evany__slot_remove(struct evany__fdslot *, int fd,
	    struct evany__watch *);
void	evany__slot_rotate(struct evany__inst *, struct evany__fdslot *);
/* Tells the mechanism what the watches of the slot want now. */
int	evany__slot_update(struct evany__inst *, int fd, struct evany__fdslot *,
	    unsigned fresh);
void	evany__want_set(struct evany__change *, const struct evany__watch *);

/* The same as a part of who does it for each event; see evany__inst_wait. */
static EVANY__WITHIN int
evany__slot_tell(struct evany__inst *inst, int fd, struct evany__fdslot *fs,
    unsigned fresh)
{
	struct evany__watch *wt;
	struct evany__change ch;
	int done, error;

	memset(&ch, 0, sizeof(ch));
	ch.ch_fd = fd;
	ch.ch_fresh = (uint8_t)fresh;
	ch.ch_cookie = EVANY__COOKIE(EVANY__CK_FD, inst->in_tag, fs->fs_gen,
	    fd);
	ch.ch_priv = fs->fs_priv;
	for (wt = fs->fs_watches; wt != NULL; wt = wt->wt_next)
		if ((wt->wt_dir & EVANY__W_SET) != 0)
			evany__want_set(&ch, wt);
		else if (wt->wt_mode > ch.ch_want[wt->wt_dir])
			ch.ch_want[wt->wt_dir] = wt->wt_mode;
	error = inst->in_table->tb_be->be_change(inst, inst->in_number, &ch,
	    1, &done);
	return (error != 0 ? error : ch.ch_error);
}

/* A new file stands behind the number: old records no longer match. */
void	evany__slot_renew(struct evany__fdslot *);
/* The number was closed though its file lives: silence the registration. */
void	evany__slot_evict(struct evany__inst *, int fd, uint64_t cookie);
void	evany__slots_fini(struct evany__inst *);
/* The number is about to be closed; its watches go. */
void	evany__slot_close(struct evany__inst *, int fd);
/* Forgets watches of numbers that are closed; were there any? */
bool	evany__slots_reap(struct evany__inst *);
/* Forgets watches of numbers that are not what was registered. */
void	evany__slots_verify(struct evany__inst *);
/* Registers everything again after be_renew. */
void	evany__slots_again(struct evany__inst *);
/* What is ready is reported, also if it was before; as dr_again. */
void	evany__slots_fresh(struct evany__inst *);

/* ---- timers (timer.c) ---------------------------------------------------------------------- */

int	evany__timer_arm(struct evany__inst *, struct evany__timer *, int64_t);
void	evany__timer_disarm(struct evany__inst *, struct evany__timer *);
void	evany__timers_expire(struct evany__inst *, int clock);
int	evany__timers_settle(struct evany__inst *);
void	evany__timers_fini(struct evany__inst *);

#endif /* EVANY_CORE_H */
