/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * portq.h: event ports, shared by the driver's files.
 *
 * A port is an instance of core's with a queue of its own.  Every source gets
 * a slot; a slot with something to tell stands in the queue, oldest first, and
 * whoever retrieves takes from the head what he may have.  What the mechanism
 * reports becomes queued slots before anybody retrieves (port_get.c).
 *
 * Shared by fork are the number and struct port_shared with all slots, in one
 * mapping of full size, at one address in all processes that use the port.
 * Private are struct port, the waiters, and what the sources FILE, TIMER, AIO
 * and MQ keep besides their slots: a slot says whose it is.
 *
 * Locks:  the instance's lock guards struct port, and everything shared as
 *         long as the port has never been through a fork.  From then on
 *         ps_lock, taken inside it, guards what is shared; when its holder is
 *         killed, the next one mends the lists (port_queue.c).
 *
 * Keys of the fields: (c) constant, (i) instance lock, (s) ps_lock or, before
 * the first fork, instance lock.
 */
#ifndef EVANY_PORTQ_H
#define EVANY_PORTQ_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stdint.h>

#include "backends/emulation/core/core.h"
#include "include/overlay/ports/port.h"

#define PORT_EVENTS	65536	/* slots of a port, unless told otherwise */
#define PORT_PORTS	8192	/* ports of a process */

#define PORT_NONE	UINT32_MAX	/* no slot */

#define PORT_REARMS	64	/* slots to be armed that are remembered */

/* ---- what processes share ------------------------------------------------ */

enum port_state {
	PORT_IDLE = 0,	/* delivered, kept for the next association */
	PORT_ARMED,	/* may fire */
	PORT_QUEUED	/* stands in the queue */
};

/*
 * A process that uses the port.  Its pid may be another's by and by, its place
 * is nobody else's.
 */
struct port_owner {
	pid_t		po_pid;
	uint32_t	po_place;
};

struct port_slot {
	uint64_t	sl_seq;		/* place in the queue; 0: not in it */
	uint32_t	sl_next;	/* queue, or free list */
	uint32_t	sl_prev;	/* queue */
	uint32_t	sl_chain;	/* descriptors with one hash */
	uint16_t	sl_gen;		/* of the mechanism's cookie */
	uint8_t		sl_source;	/* PORT_SOURCE_*; 0: free */
	uint8_t		sl_state;	/* enum port_state */
	uint8_t		sl_priv[EVANY__FD_PRIV];	/* the mechanism's */
	int		sl_mask;	/* events asked for */
	int		sl_events;	/* events to deliver */
	struct port_owner sl_owner;	/* whose source it is */
	bool		sl_plain;	/* FD: no poller knows the file */
	uintptr_t	sl_object;
	void		*sl_user;
	union {
		void	*sl_data;	/* its owner's, by source */
		struct {
			uint64_t	sl_dev;
			uint64_t	sl_ino;
		} sl_file;
	};
};

struct port_alert {
	int		pa_events;	/* 0: no alert mode */
	void		*pa_user;
	struct port_owner pa_owner;
};

struct port_shared {
	struct evany__lock	ps_lock;
	/* (c) */
	size_t			ps_bytes;	/* of the mapping */
	uint32_t		ps_max;		/* slots, a hash bucket each */
	uint32_t		*ps_buckets;
	struct port_slot	*ps_slots;
	/* (s) */
	uint32_t		ps_used;	/* slots in use */
	uint32_t		ps_fresh;	/* slots from here were never used */
	uint32_t		ps_free;	/* list of others */
	uint32_t		ps_head;	/* queue */
	uint32_t		ps_tail;
	uint32_t		ps_count;
	uint64_t		ps_seq;
	uint32_t		ps_dozers;	/* at most so many; some were killed */
	uint32_t		ps_called;	/* direct waiters to come out */
	struct port_owner	ps_caller;	/* whose they are */
	uint32_t		ps_rearm;	/* counts what follows */
	uint32_t		ps_rearms[PORT_REARMS];	/* slots, NONE: all */
	bool			ps_marked;	/* the number is */
	bool			ps_had_fd;	/* ever an association of source FD */
	bool			ps_had_file;	/* or FILE */
	struct port_alert	ps_alert;
	uint32_t		ps_alerts;	/* counts those set */
	struct port_alert	ps_alerted;	/* the last of them */
	_Atomic uint32_t	ps_places;	/* (a) counts processes */
};

/* ---- what each process has ------------------------------------------------- */

#define PORT_ALERTED	(-1)		/* pw_error: pw_alert was set */

struct port_waiter {
	TAILQ_ENTRY(port_waiter) pw_link;	/* (i) by pw_n, then age */
	uint32_t		 pw_n;		/* (c) events it wants */
	int			 pw_number;	/* (c) by which it came */
	bool			 pw_direct;	/* (i) waits on the number */
	bool			 pw_called;	/* (i) one of ps_called */
	bool			 pw_leads;	/* (i) dozes for the others */
	bool			 pw_woken;	/* (i) and need not be again */
	int			 pw_error;	/* (i) why it shall end, or 0 */
	struct port_alert	 pw_alert;	/* (i) */
	uint32_t		 pw_rings;	/* (i) pt_rings when it slept */
	uint32_t		 pw_marks;	/* (i) pt_marks */
	uint64_t		 pw_seen;	/* (i) what was queued until then */
	struct evany__park	 pw_park;	/* (i) where it is parked */
};
TAILQ_HEAD(port_waiters, port_waiter);

struct port_file;
RB_HEAD(port_files, port_file);

struct port {
	struct evany__inst	*pt_inst;	/* (c) */
	struct port_shared	*pt_shared;	/* (c) */
	struct port_owner	 pt_self;	/* (c) this process */
	/* (i) */
	bool			 pt_forked;	/* others may use what is shared */
	bool			 pt_entered;	/* a call of the port is at it */
	bool			 pt_inside;	/* we hold ps_lock */
	bool			 pt_news;	/* something was queued */
	bool			 pt_told;	/* and dozers were told before */
	uint32_t		 pt_rearm;	/* ps_rearm as known here */
	uint32_t		 pt_alerts;	/* and ps_alerts */
	struct port_waiters	 pt_waiters;
	uint32_t		 pt_direct;	/* how many of them are */
	bool			 pt_rung;	/* one was, and has not come */
	uint32_t		 pt_rings;	/* counts those */
	uint32_t		 pt_marks;	/* and what was marked or not */
	atomic_uint		 pt_ringing;	/* (a) on their way */
	atomic_bool		 pt_stray;	/* (a) nobody waits for these */
	struct port_files	 pt_files;	/* associations of source FILE */
	struct evany__mountwatch pt_mounts;	/* for them, if pt_mounted */
	bool			 pt_mounted;
	struct port_mq		*pt_mq;		/* notices of source MQ */
};

/* Whether the process is there; a stranger with its pid counts. */
bool	evany__port_alive(const struct port_owner *);

/* Is it this process?  What a slot points to is in the owner's memory. */
static inline bool
evany__port_own(const struct port *pt, const struct port_owner *po)
{
	return (po->po_place == pt->pt_self.po_place);
}

static inline struct port *
port_of(struct evany__inst *inst)
{
	return (inst->in_data);
}

/* ---- port_driver.c ------------------------------------------------------------ */

extern const struct evany__driver evany__port_driver;

int	evany__port_create(int *numberp);

/*
 * The port that number names, with a reference; number was tried if check is
 * set.  NULL, and EBADF or EBADFD.
 */
struct port *evany__port_find(int number, bool check, int *errorp);
void	evany__port_drop(struct port *);

/*
 * Both locks.  leave marks the number and wakes waiters as the queue is now;
 * EIDRM if number was used and names another file.
 */
void	evany__port_enter(struct port *, int number);
/* The second lock, where the instance's is held; the number stays. */
void	evany__port_inside(struct port *);
/*
 * Something is about to be queued: EIDRM if the number used does not name the
 * port, in the one call that is needed in any case.
 */
int	evany__port_tell(struct port *);
/*
 * Instead of tell: a direct waiter is to be rung for, after what was queued
 * for it, by ring, which lets go of the locks.
 */
bool	evany__port_rings(const struct port *);
int	evany__port_ring(struct port *);
int	evany__port_leave(struct port *);
/* What leave does before it lets go of the locks. */
int	evany__port_settle(struct port *);

/*
 * The same for who comes with the instance's lock held, as a mechanism's thread
 * does.  False: it is in a call of the port, which does what there is to do.
 */
bool	evany__port_intrude(struct port *);
void	evany__port_retreat(struct port *);

/* ---- port_queue.c; locks held --------------------------------------------------- */

struct port_shared *evany__port_shared_new(uint32_t max);
void	evany__port_shared_free(struct port_shared *);
/* The last holder of ps_lock was killed. */
void	evany__port_mend(struct port_shared *);

/* A slot of this process, armed; NULL if the port is full. */
struct port_slot *evany__port_slot_new(struct port *, int source,
	    uintptr_t object, void *user);
void	evany__port_slot_free(struct port *, struct port_slot *);
/* Ends a source, of whichever process. */
void	evany__port_slot_drop(struct port *, struct port_slot *);

static inline uint32_t
evany__port_index(const struct port *pt, const struct port_slot *sl)
{
	return ((uint32_t)(sl - pt->pt_shared->ps_slots));
}

/* Queues the slot with these events, at the tail; nothing if it is queued. */
void	evany__port_fire(struct port *, struct port_slot *, int events);
/* Takes it out of the queue, if it is there; it is armed then. */
void	evany__port_unqueue(struct port *, struct port_slot *);

/* ---- port_get.c -------------------------------------------------------------------- */

/* As port_getn(); *countp is set on 0 and ETIME.  n <= max. */
int	evany__port_getn(struct port **, int number, port_event_t *,
	    uint32_t max, uint32_t n, const struct timespec *,
	    uint32_t *countp);
/*
 * Takes in what is ready, without sleeping.  Locks held, so that a report is
 * never in the hands of one process while another has the lock.
 */
int	evany__port_gather(struct port *, int number);
/* How many events are queued. */
int	evany__port_count(struct port **, int number, uint32_t *countp);
/* Locks held, of all that follow: takes in a ring that nobody waits for. */
void	evany__port_unring(struct port *, int number);
/* Tells waiters of what has been queued. */
void	evany__port_serve(struct port *);
/* Ends all waits of this process with the last alert. */
void	evany__port_alert_waiters(struct port *);
/* The number is about to be closed; waits through it end. */
void	evany__port_close_waiters(struct port *, int number);
/* Nobody shall sleep on the number any more. */
void	evany__port_call_direct(struct port *);
/* What the slot's source does with it. */
const struct port_source *evany__port_source(const struct port_slot *);

/* ---- port_send.c ---------------------------------------------------------------------- */

/* number was not tried; EIDRM if it does not name the port. */
int	evany__port_send(struct port *, int number, int events, void *user);
/* From a handler that interrupted the library: later, in this thread. */
int	evany__port_send_late(int number, int events, void *user);
int	evany__port_alert(struct port *, int number, int flags, int events,
	    void *user);
/* Locks held: has the alert's owner gone? */
void	evany__port_alert_check(struct port *);

/* ---- port_tie.c ------------------------------------------------------------------------- */

/*
 * What an object of this process alone, a timer or a request, has of a port: a
 * slot, until the port is closed.  The object begins with it and comes from
 * malloc.
 */
struct port_tie {
	struct evany__inst	*ti_inst;	/* (c) */
	struct port_slot	*ti_slot;	/* (i) NULL: there is none now */
	atomic_int		 ti_refs;	/* the caller's, and the slot's */
};

/*
 * A slot in the port that number names, which is then locked.  EBADF, EBADFD,
 * EAGAIN.
 */
int	evany__tie_make(struct port_tie *, int number, int source,
	    uintptr_t object, void *user, struct port **);
/* Locks the port; NULL if there is no slot any more. */
struct port *evany__tie_enter(struct port_tie *);
void	evany__tie_leave(struct port_tie *);
/* Locks held: gives the slot back, with its event. */
void	evany__tie_cut(struct port *, struct port_tie *);
/* The object is not needed; its memory goes with the last reference. */
void	evany__tie_unref(struct port_tie *);

/* ---- sources; locks held unless said otherwise ------------------------------------------ */

enum port_take {
	PORT_TAKE,		/* deliver it */
	PORT_SKIP,		/* it is for another process */
	PORT_DROP		/* its source is no more: free the slot */
};

/*
 * What a source does with its slots.  so_take decides about a queued event
 * before it is copied, and may still change sl_events; after that the slot is
 * out of the queue and so_taken disposes of it, as so_drop does of a slot whose
 * event is dropped.  Of a private source they see only this process's slots.
 */
struct port_source {
	bool		so_private;	/* for its owner alone */
	enum port_take	(*so_take)(struct port *, struct port_slot *);
	void		(*so_taken)(struct port *, struct port_slot *);
	void		(*so_drop)(struct port *, struct port_slot *);
};
extern const struct port_source evany__port_src_user;
extern const struct port_source evany__port_src_fd;
extern const struct port_source evany__port_src_timer;
extern const struct port_source evany__port_src_file;
extern const struct port_source evany__port_src_once;

/* src_fd.c */
int	evany__port_fd_associate(struct port *, int number, uintptr_t fd,
	    int events, void *user);
int	evany__port_fd_dissociate(struct port *, int number, uintptr_t fd);
/* A record of the mechanism, whose index is a slot's. */
void	evany__port_fd_record(struct port *, const struct evany__ready *);
/* The slot's number does not name the file any more. */
bool	evany__port_fd_gone(struct port *, struct port_slot *);
/* Somebody has gone, perhaps with reports in its hands: asks for new ones. */
void	evany__port_fd_rearm(struct port *);
/* The same, of the slots that other processes have put down. */
void	evany__port_fd_catch_up(struct port *);
/* Puts down a slot, or with PORT_NONE all. */
void	evany__port_fd_again(struct port_shared *, uint32_t slot);
/* A child begins without registrations. */
void	evany__port_fd_forget(struct port *);
void	evany__port_fd_chain(struct port_shared *, uint32_t slot);
/* The number is about to be closed (libevany-interpose). */
void	evany__port_fd_closing(struct port *, int fd);

/* src_timer.c; the caller's table is locked, and nothing else */
struct evany__port_timer;
/*
 * A timer that is not set, for these clocks (1 << EVANY__MONOTONIC, ...).
 * EBADF, EBADFD, EAGAIN, ENOMEM.
 */
int	evany__port_timer_new(int number, void *user, uintptr_t id,
	    unsigned clocks, struct evany__port_timer **);
void	evany__port_timer_delete(struct evany__port_timer *);
/*
 * Expires at a moment of that clock and then with that period, in nanoseconds;
 * at 0: never, period 0: once.  ENOMEM.
 */
int	evany__port_timer_set(struct evany__port_timer *, int clock, int64_t at,
	    int64_t period);
/* How long until the next expiry, 0 if there will be none; and the period. */
void	evany__port_timer_ask(struct evany__port_timer *, int64_t *leftp,
	    int64_t *periodp);
/* The instance's dr_timer; lock held. */
void	evany__port_timer_expire(struct evany__inst *, struct evany__timer *);

/* src_file.c */
int	evany__port_file_associate(struct port *, int number, uintptr_t object,
	    int events, void *user);
int	evany__port_file_dissociate(struct port *, int number,
	    uintptr_t object);
/* The port is closed; or it is a child's, which has none of these. */
void	evany__port_file_close(struct port *);
void	evany__port_file_forget(struct port *);

/* src_once.c; no lock of a port is held */
/* A slot for an event of source AIO or MQ.  EBADF, EBADFD, EAGAIN, ENOMEM. */
int	evany__port_once_new(int number, int source, uintptr_t object,
	    void *user, struct port_tie **);
/* It has come, or will not come; the tie is gone then. */
void	evany__port_once_fire(struct port_tie *, int events);
void	evany__port_once_undo(struct port_tie *);
/* Locks held: as fire, but the caller's hold on the tie stays. */
void	evany__port_once_due(struct port *, struct port_tie *, int events);

/* src_mq.c */
/* EBADF, EBADFD, EAGAIN, EBUSY, ENOMEM, EMFILE; no lock of a port is held. */
int	evany__port_mq_register(int number, int queue, void *user,
	    struct port_tie **);
/* The registration was used up or taken back; the tie is gone then. */
void	evany__port_mq_over(struct port_tie *);
/* The port is closed; or it is a child's, for which it is not. */
void	evany__port_mq_close(struct port *);
void	evany__port_mq_forget(struct port *);

#endif /* EVANY_PORTQ_H */
