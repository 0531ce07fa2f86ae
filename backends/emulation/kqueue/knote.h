/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * knote.h: the kqueue driver's objects, and what a filter supplies.
 *
 * A knote is one registration, (queue, ident, filter).  Where kernel objects
 * tell that it is ready, it is a watch on its descriptor's slot and comes by
 * dr_fd; where they do not, it is activated and stands in the ready queue.
 * Everything here is guarded by the instance's lock.
 */
#ifndef EVANY_KNOTE_H
#define EVANY_KNOTE_H

#include <sys/types.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stdint.h>

#include "backends/emulation/core/core.h"
#include "include/overlay/kqueue/sys/event.h"

struct knote {
	struct evany__watch	 kn_watch;	/* first: a watch is a knote */
	uintptr_t		 kn_ident;
	void			*kn_udata;
	int64_t			 kn_sdata;	/* data as given */
	int64_t			 kn_data;	/* data to return */
	unsigned		 kn_sfflags;	/* fflags as given */
	unsigned		 kn_fflags;	/* fflags to return */
	short			 kn_filter;
	unsigned short		 kn_flags;	/* mode, and EV_EOF to return */
	unsigned short		 kn_status;
	union {
		void		*kn_priv;	/* filter's */
		int64_t		 kn_period;	/* TIMER: ns; 0: absolute */
	};
};
_Static_assert(sizeof(struct knote) <= 88, "a knote and its slot: 128 bytes");

/* kn_status */
#define KN_ACTIVE	0x01	/* the condition came true, not returned yet */
#define KN_DISABLED	0x02
#define KN_PARKED	0x04	/* reported ready but is not: wait for an edge */
#define KN_ALWAYS	0x08	/* descriptor that epoll and poll do not know */
#define KN_FORCED	0x10	/* EV_FORCEONESHOT */
#define KN_MORE		0x20	/* filter: another event follows this one */
#define KN_BUSY		0x40	/* EMPTY: was not empty since the last event */
#define KN_EXT		0x80	/* not all of ext[] is zero: kq_exts */

/* A knote with a timer. */
struct knote_timer {
	struct knote		kt_knote;
	struct evany__timer	kt_timer;
};
_Static_assert(sizeof(struct knote_timer) <= 104,
    "a timer and its places in hash table and heap: 128 bytes");

RB_HEAD(kn_exts, kn_ext);

struct kqueue {
	struct evany__inst	*kq_inst;
	struct evany__slab	 kq_slab;	/* knotes */
	struct evany__slab	 kq_slab_timer;	/* knotes with timers */
	struct evany__hash	 kq_hash;	/* those without descriptor */
	struct kn_exts		 kq_exts;	/* ext[] of the few that have it */
	int			*kq_lonely;	/* unix sockets not connected */
	_Atomic uint32_t	 kq_nlonely;	/* read without the lock */
};

/* What a test of the condition says. */
enum kq_answer {
	KQ_NO,		/* not now */
	KQ_YES,		/* kn_data, kn_fflags and EV_EOF are set */
	KQ_GONE		/* the descriptor is closed or another file */
};

struct filterops {
	const char	*fo_name;
	bool		 fo_isfd;	/* ident is a descriptor */
	/* If not NULL: a struct knote_timer, and its timer has expired. */
	void	(*fo_expire)(struct kqueue *, struct knote *);
	/*
	 * A new knote; kn_sfflags, kn_sdata, kn_flags and KN_DISABLED are set.
	 * May activate it.  0 or errno value.
	 */
	int	(*fo_attach)(struct kqueue *, struct knote *);
	/* Ends what attach began; the knote is freed by the caller. */
	void	(*fo_detach)(struct kqueue *, struct knote *);
	/*
	 * Is the condition true now?  bits: what the mechanism said, 0 for a
	 * knote from the ready queue.
	 */
	enum kq_answer	(*fo_event)(struct kqueue *, struct knote *,
			    unsigned bits);
	/*
	 * A change of an existing knote: takes over fflags and data.  flags
	 * are the change's.  0, or an errno value and nothing changed.
	 */
	int	(*fo_touch)(struct kqueue *, struct knote *,
		    const struct kevent *);
	/* Descriptors that no mechanism verifies: still the same file? */
	bool	(*fo_same)(const struct knote *);
	/* The knote was changed; again: look at its condition anew. */
	int	(*fo_arm)(struct kqueue *, struct knote *, bool again);
};

/* kq_driver.c: indexed by ~filter, so that -1 is 0. */
extern const struct filterops *const evany__filters[64];

/* The filter of that number, or NULL. */
static inline const struct filterops *
evany__filterops(short filter)
{

	if (filter >= 0 || filter < -64)
		return (NULL);
	return (evany__filters[~filter]);
}

/* knote.c */
uint32_t evany__knote_key(const struct evany__watch *);
struct knote *evany__knote_find(struct kqueue *, uintptr_t ident,
	    short filter);
int	evany__knote_new(struct kqueue *, const struct filterops *,
	    const struct kevent *, struct knote **);
void	evany__knote_drop(struct kqueue *, struct knote *);
void	evany__knote_activate(struct kqueue *, struct knote *);
void	evany__knote_deactivate(struct kqueue *, struct knote *);
int	evany__knote_default_touch(struct kqueue *, struct knote *,
	    const struct kevent *);
int	evany__knote_default_arm(struct kqueue *, struct knote *, bool again);
/* ext[4] of a knote with KN_EXT. */
void	evany__knote_ext(struct kqueue *, const struct knote *, uint64_t *ext);
enum kq_answer evany__knote_queued_event(struct kqueue *, struct knote *,
	    unsigned bits);

/* The slot on which the knote of a descriptor stands. */
static inline struct evany__fdslot *
evany__knote_slot(struct kqueue *kq, struct knote *kn)
{
	return (&kq->kq_inst->in_pages[kn->kn_ident / EVANY__PAGE_SLOTS]
	    [kn->kn_ident % EVANY__PAGE_SLOTS]);
}

/* kq_driver.c */
extern const struct evany__driver evany__kqueue_driver;
int	evany__kqueue_create(int flags, int *numberp);
int	evany__kqueue_change(struct kqueue *, const struct kevent *,
	    bool *attaching);
void	evany__kqueue_fd_gone(struct evany__inst *, int fd);

/* The queue's instance that number names, with a reference, or NULL. */
static inline struct evany__inst *
evany__kqueue_find(int number, bool check)
{
	struct evany__inst *inst = evany__inst_find(number, check);

	if (inst == NULL || inst->in_driver == &evany__kqueue_driver)
		return (inst);
	evany__inst_drop(inst);
	return (NULL);
}

/* filt_aio.c: the knote of a request, from its start until it is taken. */
struct evany__aio;
/* EBADF, EINVAL, ENOMEM. */
int	evany__aio_begin(int number, void *request, unsigned flags,
	    void *udata, struct evany__aio **);
void	evany__aio_done(struct evany__aio *, int error);
/* The knote goes; the last call. */
void	evany__aio_end(struct evany__aio *);

/* kq_late.c */
/* Nothing but triggers of user events? */
bool	evany__kqueue_triggers(const struct kevent *, int n);
/* They are made when the interrupted call holds no lock; 0 or EDEADLK. */
int	evany__kqueue_late(int number, const struct kevent *, int n);

/* filt_fd.c: readiness by the mechanism, shared by READ, WRITE and EXCEPT. */
int	evany__fd_attach(struct kqueue *, struct knote *, int dir);
void	evany__fd_detach(struct kqueue *, struct knote *);
int	evany__fd_arm(struct kqueue *, struct knote *, bool again);
/* EV_DELETE: is the number still right?  EBADF, ENOENT: all has gone. */
int	evany__fd_forget(struct kqueue *, struct knote *);
/* A call on the descriptor found it closed (EBADF) or reused (ESTALE). */
int	evany__fd_lost(struct kqueue *, struct knote *, int error);
bool	evany__fd_current(struct kqueue *, struct knote *);
void	evany__fd_park(struct kqueue *, struct knote *);
enum evany__fdkind evany__fd_kind(struct kqueue *, struct knote *);
void	evany__fd_lonely(struct kqueue *, int fd);
void	evany__fd_lonely_again(struct kqueue *);

/* filt_file.c: regular files and what else never blocks. */
int	evany__file_attach(struct kqueue *, struct knote *);
void	evany__file_detach(struct kqueue *, struct knote *);
enum kq_answer evany__file_event(struct kqueue *, struct knote *);
/*
 * A knote for writing to a pipe that has no reader: when there is one again it
 * is armed afresh.  True: there is one already.
 */
bool	evany__file_await_reader(struct kqueue *, struct knote *);
/* Which file the number names now, and whether it still does. */
int	evany__file_remember(struct knote *);
void	evany__file_forget(struct knote *);
bool	evany__file_same(const struct knote *);

extern const struct filterops evany__filt_read;
extern const struct filterops evany__filt_write;
extern const struct filterops evany__filt_except;
extern const struct filterops evany__filt_empty;
extern const struct filterops evany__filt_vnode;
extern const struct filterops evany__filt_proc;
extern const struct filterops evany__filt_procdesc;
extern const struct filterops evany__filt_signal;
extern const struct filterops evany__filt_timer;
extern const struct filterops evany__filt_user;
extern const struct filterops evany__filt_aio;
extern const struct filterops evany__filt_fs;

#endif /* EVANY_KNOTE_H */
