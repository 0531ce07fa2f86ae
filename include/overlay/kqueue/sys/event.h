/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * <sys/event.h>: kqueue(2) for systems that have none.
 *
 * Layout and numbers are FreeBSD's (12 and later), so that programs written
 * there compile and are binary-shaped the same.  What FreeBSD lacks and other
 * BSDs have gets a number that collides with nothing: EVFILT_EXCEPT, NOTE_OOB
 * and NOTE_TRUNCATE.  kqueue(3) describes every name; each is commented here
 * only with its unit or range.
 */
#ifndef EVANY_SYS_EVENT_H
#define EVANY_SYS_EVENT_H

#include <sys/types.h>

#include <stdint.h>

struct timespec;

/* Filters: what an ident means and what its event tells. */
#define EVFILT_READ	(-1)	/* ident: descriptor; data: bytes, backlog */
#define EVFILT_WRITE	(-2)	/* ident: descriptor; data: free bytes */
#define EVFILT_AIO	(-3)	/* ident: struct aiocb *; by SIGEV_KEVENT */
#define EVFILT_VNODE	(-4)	/* ident: descriptor of a file, directory */
#define EVFILT_PROC	(-5)	/* ident: pid; data: wait status */
#define EVFILT_SIGNAL	(-6)	/* ident: signal number; data: times sent */
#define EVFILT_TIMER	(-7)	/* ident: free; data: expirations */
#define EVFILT_PROCDESC	(-8)	/* ident: process descriptor (pidfd) */
#define EVFILT_FS	(-9)	/* ident: free; fflags: VQ_* */
#define EVFILT_USER	(-11)	/* ident: free */
#define EVFILT_EMPTY	(-13)	/* ident: socket; send buffer is empty */
#define EVFILT_EXCEPT	(-64)	/* ident: socket; urgent data */
#define EVFILT_SYSCOUNT	13	/* kept for source compatibility only */

/* Actions and modes given in flags. */
#define EV_ADD		0x0001
#define EV_DELETE	0x0002
#define EV_ENABLE	0x0004
#define EV_DISABLE	0x0008
#define EV_ONESHOT	0x0010	/* report once, then delete */
#define EV_CLEAR	0x0020	/* report changes, not states */
#define EV_RECEIPT	0x0040	/* answer the change with EV_ERROR, data 0 */
#define EV_DISPATCH	0x0080	/* report once, then disable */
#define EV_FORCEONESHOT	0x0100	/* report now whatever the condition */
#define EV_KEEPUDATA	0x0200	/* leave the stored udata alone */
#define EV_SYSFLAGS	0xf000	/* ignored in a change */

/* Flags that only the queue sets. */
#define EV_HUP		0x0800	/* both directions are closed */
#define EV_NODATA	0x1000	/* with EV_EOF: nothing left to read */
#define EV_FLAG1	0x2000
#define EV_ERROR	0x4000	/* data is an errno value, 0 for a receipt */
#define EV_EOF		0x8000	/* the condition has come to an end */

/* EVFILT_READ, EVFILT_WRITE, EVFILT_EXCEPT */
#define NOTE_LOWAT	0x0001	/* data is the low-water mark, in bytes */
#define NOTE_FILE_POLL	0x0002	/* regular file: report at its end too */
#define NOTE_EOF	NOTE_FILE_POLL
#define NOTE_OOB	0x0004	/* urgent data */

/* EVFILT_VNODE */
#define NOTE_DELETE	0x0001
#define NOTE_WRITE	0x0002
#define NOTE_EXTEND	0x0004
#define NOTE_ATTRIB	0x0008
#define NOTE_LINK	0x0010
#define NOTE_RENAME	0x0020
#define NOTE_REVOKE	0x0040
#define NOTE_OPEN	0x0080
#define NOTE_CLOSE	0x0100
#define NOTE_CLOSE_WRITE 0x0200
#define NOTE_READ	0x0400
#define NOTE_TRUNCATE	0x0800

/* EVFILT_PROC, EVFILT_PROCDESC */
#define NOTE_EXIT	0x80000000U
#define NOTE_FORK	0x40000000U
#define NOTE_EXEC	0x20000000U
#define NOTE_PCTRLMASK	0xf0000000U
#define NOTE_PDATAMASK	0x000fffffU
#define NOTE_TRACK	0x00000001U	/* follow forks */
#define NOTE_TRACKERR	0x00000002U	/* a child could not be followed */
#define NOTE_CHILD	0x00000004U	/* data is the parent's pid */

/* EVFILT_TIMER: the unit of data, milliseconds if none is given */
#define NOTE_SECONDS	0x0001
#define NOTE_MSECONDS	0x0002
#define NOTE_USECONDS	0x0004
#define NOTE_NSECONDS	0x0008
#define NOTE_ABSTIME	0x0010	/* data is a moment since the Epoch */
#define NOTE_ABSOLUTE	NOTE_ABSTIME

/* EVFILT_USER: what happens to the stored low 24 bits, and the trigger */
#define NOTE_FFNOP	0x00000000U
#define NOTE_FFAND	0x40000000U
#define NOTE_FFOR	0x80000000U
#define NOTE_FFCOPY	0xc0000000U
#define NOTE_FFCTRLMASK	0xc0000000U
#define NOTE_FFLAGSMASK	0x00ffffffU
#define NOTE_TRIGGER	0x01000000U

/* EVFILT_FS */
#define VQ_MOUNT	0x0008
#define VQ_UNMOUNT	0x0010

/* kqueuex() */
#define KQUEUE_CLOEXEC	0x00000001U
#define KQUEUE_CPONFORK	0x00000002U	/* refused with EINVAL */

struct kevent {
	uintptr_t	ident;		/* what is watched */
	short		filter;		/* EVFILT_* */
	unsigned short	flags;		/* EV_* */
	unsigned int	fflags;		/* NOTE_*, by filter */
	int64_t		data;		/* by filter */
	void		*udata;		/* the program's, returned as given */
	uint64_t	ext[4];		/* [2], [3]: the program's too */
};

#define EV_SET(kevp, a, b, c, d, e, f)					\
	evany_ev_set((kevp), (uintptr_t)(a), (short)(b),		\
	    (unsigned short)(c), (unsigned int)(d), (int64_t)(e), (f))

static inline void
evany_ev_set(struct kevent *evany_kev, uintptr_t evany_ident,
    short evany_filter, unsigned short evany_flags, unsigned int evany_fflags,
    int64_t evany_data, void *evany_udata)
{
	evany_kev->ident = evany_ident;
	evany_kev->filter = evany_filter;
	evany_kev->flags = evany_flags;
	evany_kev->fflags = evany_fflags;
	evany_kev->data = evany_data;
	evany_kev->udata = evany_udata;
	evany_kev->ext[0] = 0;
	evany_kev->ext[1] = 0;
	evany_kev->ext[2] = 0;
	evany_kev->ext[3] = 0;
}

#ifdef __cplusplus
extern "C" {
#endif

/* A new queue; -1 with EMFILE, ENFILE or ENOMEM. */
int	kqueue(void);

/* The same; flags is 0, O_CLOEXEC or O_NONBLOCK, else EINVAL. */
int	kqueue1(int flags);

/* The same; flags is 0 or KQUEUE_CLOEXEC, else EINVAL. */
int	kqueuex(unsigned int flags);

/*
 * Applies changes, then waits for at most nevents events.  Returns how many
 * entries of eventlist were filled, 0 after the time-out, -1 with an errno.
 * With nevents 0 it never waits; a NULL timeout waits for ever.
 */
int	kevent(int kq, const struct kevent *changelist, int nchanges,
	    struct kevent *eventlist, int nevents,
	    const struct timespec *timeout);

#ifdef __cplusplus
}
#endif

#endif /* EVANY_SYS_EVENT_H */
