/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * <evany.h>: one event API for any Unix.  See evany(3).
 *
 * A program written for kqueue or event ports does not need this header: it
 * includes the facility's own.  This is for new programs.
 *
 * The model: a queue, a real descriptor, holds watches.  A watch is a source
 * and an object, such as EVANY_FD and a descriptor; it has a mode and a pointer
 * of the program's.  What happens to it comes out of the queue as an event.
 *
 * What was taken, and from where
 *   kqueue       One queue for descriptors, timers, signals, processes and
 *                files; a watch is found by (source, object), so the program
 *                keeps no handles; changes are given together with the wait;
 *                a signal or process is only observed, handlers and wait(2)
 *                work as before; counts come with the event, here on request.
 *   event ports  One watch for all directions of a descriptor, and one event;
 *                EVANY_DISPATCH, after which the program decides when it looks
 *                again; posted events are messages, each with data and pointer,
 *                delivered once and in order; alert mode; a wait for at least
 *                so many; a queue that parent and child may share.
 *   epoll        Level and edge with the meaning everybody knows, and the cost:
 *                where no count is asked for, an event costs no call of its own.
 *   inotify      Names of the children of a directory, and cookies that pair
 *                the halves of a rename.
 *   timerfd      Clocks, absolute times, and a count of the times missed.
 *
 * What is new
 *   To set a watch states all of it.  It is made or replaced, so there is no
 *   difference between to add, to modify, to enable and to arm again, and no
 *   error for having done it before.
 *
 *   Every change of a list is tried, and each has its own result; a change
 *   never takes another's place in the list of events.
 *
 *   A queue of parent and child shares what is the program's own, and means the
 *   same in both: posted events and alert mode.  Watches stay with the process
 *   that set them; see EVANY_SHARED.
 *
 * What was left out, and why
 *   Two watches on one descriptor   Two events for one thing, and twice the
 *                                   cost; a second queue does it.
 *   Filters of a program's own      A posted event does it.
 *   Triggers that coalesce          A flag of the program and one post do it.
 *   Low-water marks                 Not every system has them; the count tells.
 *   Callbacks                       They belong above this, where the program
 *                                   knows its threads.
 *   To take signals over (signalfd) The handler of a library could stand there.
 *   Watches that parent and child    A number is another file in the other
 *   share                           process, a child no child of it; and what
 *                                   one takes, the one who could serve it
 *                                   misses.
 *
 * ABI.  Both structures have a fixed size and spare room that the program
 * leaves 0, so that new members need no new functions.  Constants may be added;
 * a program ignores sources and bits that it does not know.  Times are
 * nanoseconds everywhere.
 */
#ifndef EVANY_H
#define EVANY_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- sources, and what can happen ---------------------------------------- */

#define EVANY_FD	1	/* object: a descriptor */
#define EVANY_TIMER	2	/* object: any number of the program's */
#define EVANY_SIGNAL	3	/* object: a signal's number */
#define EVANY_PROCESS	4	/* object: a process's number */
#define EVANY_FILE	5	/* object: any number of the program's */
#define EVANY_DIRECTORY	6	/* object: any number of the program's */
#define EVANY_AIO	7	/* object: address of the struct aiocb */
#define EVANY_USER	8	/* object: as posted */
#define EVANY_ALERT	9	/* object: 0 */

/* FD: wanted, and told of. */
#define EVANY_READ	0x0001U	/* can be read, or a connection waits */
#define EVANY_WRITE	0x0002U	/* can be written */
#define EVANY_PRIORITY	0x0004U	/* urgent data */
/* FD: only told of. */
#define EVANY_EOF	0x0008U	/* with READ: the other side sends no more */
#define EVANY_HANGUP	0x0010U	/* the other side has gone */
#define EVANY_ERROR	0x0020U	/* an error waits, or no reader is left */

/* AIO */
#define EVANY_SYNC	0x0080U

/* PROCESS */
#define EVANY_EXIT	0x0100U	/* it has ended: ev_data is its wait status */
#define EVANY_FORK	0x0200U
#define EVANY_EXEC	0x0400U

/* FILE and DIRECTORY: wanted, and told of. */
#define EVANY_MODIFIED	0x00001000U	/* its contents; FILE: also replaced */
#define EVANY_ATTRIB	0x00002000U	/* mode, owner, times, links */
#define EVANY_ACCESSED	0x00004000U	/* it was read */
#define EVANY_OPENED	0x00008000U
#define EVANY_CLOSED	0x00010000U	/* a descriptor of it was */
#define EVANY_WRITTEN	0x00020000U	/* one that could write was closed */
#define EVANY_MADE	0x00040000U	/* the name was made, for a new file or not */
#define EVANY_GONE	0x00080000U	/* the name was removed */
#define EVANY_MOVED_FROM 0x00100000U	/* its file was renamed */
#define EVANY_MOVED_TO	0x00200000U	/* a file was renamed to it */
/* FILE and DIRECTORY: only told of. */
#define EVANY_ISDIR	0x01000000U	/* it is a directory's name */
#define EVANY_LOST	0x02000000U	/* events were lost: look at everything */
#define EVANY_ENDED	0x04000000U	/* the watch has ended, with its place */

/* ---- how a watch behaves --------------------------------------------------- */

/*
 * The mode.  With none of them a descriptor is level-triggered: each wait
 * tells of it as long as it is ready.  Other sources gather what happens until
 * a wait takes it, with or without EVANY_EDGE.
 */
#define EVANY_EDGE	0x0001U	/* only what is new */
#define EVANY_ONESHOT	0x0002U	/* one event, then the watch has ended */
#define EVANY_DISPATCH	0x0004U	/* one event, then silent until set again */
/* FD: events carry ev_data, bytes to read, and ev_room, bytes of space. */
#define EVANY_COUNT	0x0010U
/* TIMER */
#define EVANY_ABSOLUTE	0x0020U	/* ch_time is a moment of the clock */
#define EVANY_WALLCLOCK	0x0040U	/* by the time of day, not the monotonic one */
/* FILE */
#define EVANY_NOFOLLOW	0x0080U	/* the symbolic link itself */
/* DIRECTORY */
#define EVANY_TREE	0x0100U	/* with all directories in it, and new ones */
/* For a change: the watch shall end. */
#define EVANY_DROP	0x8000U

/* ---- changes and events ------------------------------------------------------ */

struct evany_change {
	int32_t		 ch_source;	/* EVANY_FD, ... */
	uint32_t	 ch_flags;	/* mode and others, EVANY_DROP */
	uintptr_t	 ch_object;
	void		*ch_user;	/* comes with the events */
	uint32_t	 ch_what;	/* wanted */
	int32_t		 ch_error;	/* result: 0 or an errno value */
	int64_t		 ch_time;	/* TIMER: until the first, or its moment */
	int64_t		 ch_period;	/* TIMER: between events, 0: only one */
	const char	*ch_path;	/* FILE, DIRECTORY: is not kept */
	uintptr_t	 ch_spare;	/* 0 */
};

struct evany_event {
	int32_t		 ev_source;	/* EVANY_FD, ... */
	uint32_t	 ev_what;	/* what happened */
	uintptr_t	 ev_object;
	void		*ev_user;	/* of the watch, or as posted */
	int64_t		 ev_data;
	int64_t		 ev_room;	/* FD with EVANY_COUNT */
	const char	*ev_name;	/* DIRECTORY: which child; or NULL */
	uint32_t	 ev_cookie;	/* DIRECTORY: pairs the halves of a rename */
	uint32_t	 ev_spare;
	uintptr_t	 ev_spares;
};

/* ---- queues --------------------------------------------------------------------- */

/*
 * For a queue: children that are forked from now on have it too, and theirs.
 *
 * What is posted in one process is taken by whichever of them waits, once, in
 * the order of the posts; an alert is one for all.  A watch is of the process
 * that set it: the child begins without any and sets its own, on the same
 * number, and neither notices the other's.  In each the number polls readable
 * when a wait there would find something; close(2) ends the queue for one
 * process, exec(3) and its end as well, and what was posted stays for the rest.
 * A process may be killed at any instruction: nothing stands still, and no event
 * is lost but those it had taken already.  Pointers in events are those of the
 * process that posted.  ENOTSUP: the system cannot, see evany_features().
 */
#define EVANY_SHARED	0x0001U

/*
 * Makes a queue: a descriptor, close-on-exec, that polls readable when a wait
 * would find something, that can be watched by this and any other poller, and
 * that close(2) ends.  flags is 0 or EVANY_SHARED.  -1 with errno on failure, as
 * everywhere.
 */
int	evany_queue(unsigned flags);

#define EVANY_FOREVER	INT64_C(-1)

/*
 * Takes events: at most most of them, within timeout nanoseconds, 0 to look
 * only, EVANY_FOREVER to wait for the first.  How many; 0: none in time.
 */
int	evany_wait(int queue, struct evany_event *events, int most,
	    int64_t timeout);

/*
 * Makes changes, then waits until there are at least least events.  Every
 * change is tried and has its result in ch_error; if one failed, nothing is
 * waited for, and the call fails with the errno value of the first that did.
 * With least 0 what is there is taken at once; with most 0 there is no wait.
 * Fewer than least come if the time is over, a signal was handled, memory or
 * descriptors are wanting, or in alert mode.
 */
int	evany_turn(int queue, struct evany_change *changes, int nchanges,
	    struct evany_event *events, int least, int most, int64_t timeout);

/* ---- one change ------------------------------------------------------------------- */

/*
 * Sets a watch on a descriptor for what, READ, WRITE and PRIORITY together;
 * what is ready now is told of as well.  flags: a mode and EVANY_COUNT.
 */
int	evany_fd(int queue, int fd, unsigned what, unsigned flags,
	    void *user);

/*
 * Sets a timer, first after time nanoseconds or at that moment, then every
 * period nanoseconds if that is not 0.  ev_data: how often the time has come
 * since the last event.  flags: EVANY_ABSOLUTE, EVANY_WALLCLOCK,
 * EVANY_ONESHOT.
 */
int	evany_timer(int queue, uintptr_t id, int64_t time, int64_t period,
	    unsigned flags, void *user);

/*
 * Counts a signal; handlers and default actions are what they were.  ev_data:
 * how often it has come since the last event.  flags: a mode.
 */
int	evany_signal(int queue, int signo, unsigned flags, void *user);

/*
 * Watches a process, a child or not, for what: EXIT, which is told in any case
 * and ends the watch, FORK and EXEC.  It can still be waited for.  ESRCH: there
 * is none; ENOTSUP: the system does not tell of forks.  flags: a mode.
 */
int	evany_process(int queue, pid_t pid, unsigned what, unsigned flags,
	    void *user);

/*
 * Watches the file at path, whichever that is by and by; with MADE or MOVED_TO
 * in what there need be none yet.  flags: a mode and EVANY_NOFOLLOW.
 */
int	evany_file(int queue, uintptr_t id, const char *path, unsigned what,
	    unsigned flags, void *user);

/*
 * Watches the names in a directory and their files: an event each, with the
 * name, or the path below the directory in a tree, in ev_name, which is good
 * until the thread waits again.  Without a name it is about the directory.
 * flags: EVANY_TREE.
 */
int	evany_directory(int queue, uintptr_t id, const char *path,
	    unsigned what, unsigned flags, void *user);

/*
 * Starts a request of <aio.h>, as aio_read(3), aio_write(3) or aio_fsync(3)
 * would: what is READ, WRITE or SYNC.  When it has ended an event comes, with
 * its errno value or 0 in ev_data; then aio_return(3) is due.  Its sigevent is
 * not looked at.
 */
struct aiocb;
int	evany_aio(int queue, struct aiocb *request, unsigned what, void *user);

/* Ends a watch.  ENOENT: there is none. */
int	evany_drop(int queue, int source, uintptr_t object);

/*
 * Posts an event of source EVANY_USER to whoever waits; it comes once, after
 * those posted before.  From any thread, and from a signal handler.  EAGAIN:
 * so many are there that nobody took.
 */
int	evany_post(int queue, uintptr_t object, int64_t data, void *user);

/*
 * Alert mode, for a shutdown: as long as data is not 0, every wait ends at once
 * with this one event, and others stay in the queue.  0 ends it.
 */
int	evany_alert(int queue, int64_t data, void *user);

/* ---- what there is ------------------------------------------------------------------ */

/* How the program gets a facility, or a source. */
#define EVANY_NATIVE	1	/* the system's own */
#define EVANY_EMULATED	2	/* by this library, exactly */
#define EVANY_APPROXIMATE 3	/* by this library, see CAVEATS of evany(3) */
#define EVANY_MISSING	4	/* to set it fails with ENOTSUP */

struct evany_feature {
	const char	*ef_facility;	/* "kqueue", "timer", "sharing" */
	const char	*ef_mechanism;	/* "epoll inotify signalfd pidfd" */
	int		 ef_how;	/* EVANY_NATIVE, ... */
};

/*
 * What this process has: one row per facility, then one per source, then
 * "sharing" for EVANY_SHARED.  Fills at most nrows rows and returns how many
 * there are; rows may be NULL if nrows is 0.  The strings are constant.  ef_mechanism names what the running system was
 * found to offer, best first, separated by blanks; for a native facility it is
 * "system".
 */
size_t		 evany_features(struct evany_feature *rows, size_t nrows);

struct evany_mechanism {
	const char	*em_kind;	/* "descriptors", "files", ... */
	const char	*em_name;	/* "epoll" */
	int		 em_used;	/* 1: it serves this process */
	int		 em_error;	/* 0, or why it cannot: an errno value */
};

/*
 * What the library was built with, whether it is used or not, best first of
 * each kind; each is tried anew.  Rows as for evany_features().
 */
size_t		 evany_mechanisms(struct evany_mechanism *rows, size_t nrows);

/* Of one source: EVANY_EMULATED, ...; EVANY_MISSING also if it is unknown. */
int		 evany_source(int source);

/* The library's version, as "0.1.0". */
const char	*evany_version(void);

#ifdef __cplusplus
}
#endif

#endif /* EVANY_H */
