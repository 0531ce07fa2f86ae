/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evt: what every test shares, and what those of kqueue do.
 *
 * A case is written
 *
 *	EVT_TC(kevent__does_this, "KQ-001 KQ-028", "What is promised")
 *	{
 *		...
 *	}
 *
 * and registered with EVT_TP_ADD_TC(tp, kevent__does_this).  Its body runs
 * inside a descriptor leak check (evt.c tells how), with SIGPIPE ignored.
 * A helper that fails ends the case and names the line that called it.
 * The sources use only <sys/event.h>, so they test a native kqueue as well.
 */
#ifndef EVT_H
#define EVT_H

#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EVT_TC(name, rules, text)					\
	static void evt_body_##name(void);				\
	ATF_TC(name);							\
	ATF_TC_HEAD(name, tc)						\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
		atf_tc_set_md_var(tc, "X-rule", "%s", rules);		\
	}								\
	ATF_TC_BODY(name, tc)						\
	{								\
		evt_begin();						\
		evt_body_##name();					\
		evt_end();						\
	}								\
	static void							\
	evt_body_##name(void)

#define EVT_TP_ADD_TC(tp, name)	ATF_TP_ADD_TC(tp, name)

/* Milliseconds; the environment's EVT_SCALE makes the deadline longer. */
#define EVT_WAIT_MS	(1000 * evt_scale())	/* for what must come */
#define EVT_QUIET_MS	50			/* for what must not come */

/* Built with a sanitizer, which needs memory and address space of its own? */
#if defined(__has_feature)
#define EVT_FEATURE(name)	__has_feature(name)
#else
#define EVT_FEATURE(name)	0
#endif
#if defined(__SANITIZE_ADDRESS__) || EVT_FEATURE(address_sanitizer)
#define EVT_ASAN	1
#endif
#if defined(__SANITIZE_THREAD__) || EVT_FEATURE(thread_sanitizer)
#define EVT_TSAN	1
#endif
#if defined(EVT_ASAN) || defined(EVT_TSAN)
#define EVT_SANITIZED	1
#endif

/* Limits of the sanitizers themselves, for evt_skip_tsan() and its like. */
#define EVT_ASAN_CANCEL	"AddressSanitizer takes the frames that a "	\
	"cancellation left for live ones"
#define EVT_TSAN_SIGNALS "ThreadSanitizer calls a handler late, once for " \
	"several signals, and with a mask of its own"
#define EVT_TSAN_CANCEL	"ThreadSanitizer forgets the locks of a thread "	\
	"that is cancelled in poll(2)"
#define EVT_TSAN_FORKED	"ThreadSanitizer lets no thread begin in a child " \
	"of a process with threads"
#define EVT_SANE_FORKED	"a sanitizer's own locks do not survive a fork beside " \
	"threads"
#define EVT_TSAN_LIBC	"ThreadSanitizer does not know threads that the C " \
	"library begins for itself"

#define EVT_PATH_MAX	64

#define EVT_NITEMS(a)	((int)(sizeof(a) / sizeof((a)[0])))

/* An exact value that a rule graded approximate may miss. */
#define EVT_APPROX(cond, text) do {					\
	if (!(cond))							\
		printf("%s:%d: expected difference: %s (%s)\n",		\
		    __FILE__, __LINE__, text, #cond);			\
} while (0)

/*
 * What holds on a system's own kqueue and with the interposing library, but
 * need not without it.
 */
#define EVT_WRAPPED(cond, text) do {					\
	if (evt_native() || evt_interposed())				\
		ATF_REQUIRE_MSG(cond, "%s (%s)", text, #cond);		\
	else								\
		EVT_APPROX(cond, text);					\
} while (0)

/* In a child process: ends it with status 1, saying where. */
#define EVT_CHILD(cond) do {						\
	if (!(cond)) {							\
		(void)fprintf(stderr, "%s:%d: in a child: not (%s), "	\
		    "errno %d\n", __FILE__, __LINE__, #cond, errno);	\
		_exit(1);						\
	}								\
} while (0)

/* The values that an event must have; flags are compared after masking. */
#define EVT_EVENT(evp, ident, filter, flags, fflags, data)		\
	evt_event_at(__FILE__, __LINE__, evp, (uintptr_t)(ident),	\
	    (int)(filter), (unsigned int)(flags), (unsigned int)(fflags), \
	    (int64_t)(data))

/* An error entry: EV_ERROR with that errno value, 0 for a receipt. */
#define EVT_ERROR(evp, ident, filter, error)				\
	evt_error_at(__FILE__, __LINE__, evp, (uintptr_t)(ident),	\
	    (int)(filter), error)

#define evt_kq()	evt_kq_at(__FILE__, __LINE__)
#define evt_change(kq, ident, filter, flags, fflags, data, udata)	\
	evt_change_at(__FILE__, __LINE__, kq, (uintptr_t)(ident),	\
	    (int)(filter), (unsigned int)(flags),			\
	    (unsigned int)(fflags), (int64_t)(data), udata)
#define evt_change_errno(kq, ident, filter, flags, fflags, data, udata)	\
	evt_change_errno_at(__FILE__, __LINE__, kq, (uintptr_t)(ident),	\
	    (int)(filter), (unsigned int)(flags),			\
	    (unsigned int)(fflags), (int64_t)(data), udata)
/* A user event, and its trigger. */
#define evt_add_user(kq, ident, flags)					\
	evt_change(kq, ident, EVFILT_USER, EV_ADD | (flags), 0, 0, NULL)
#define evt_trigger(kq, ident)						\
	evt_change(kq, ident, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL)
#define evt_get(kq, out, n)	evt_get_at(__FILE__, __LINE__, kq, out, n)
#define evt_poll(kq, out, n)	evt_poll_at(__FILE__, __LINE__, kq, out, n)
#define evt_none(kq)		evt_none_at(__FILE__, __LINE__, kq)
#define evt_one(kq, out)	evt_one_at(__FILE__, __LINE__, kq, out)
#define evt_shows(kq)		evt_shows_at(__FILE__, __LINE__, kq)
#define evt_silent(kq)		evt_silent_at(__FILE__, __LINE__, kq)
#define evt_pipe(p)		evt_pipe_at(__FILE__, __LINE__, p)
#define evt_sockpair(s, type)	evt_sockpair_at(__FILE__, __LINE__, s, type)
#define evt_udp(portp)		evt_udp_at(__FILE__, __LINE__, portp)
#define evt_tcp_pair(s)		evt_tcp_pair_at(__FILE__, __LINE__, s)
#define evt_tcp_listen(portp)	evt_tcp_listen_at(__FILE__, __LINE__, portp)
#define evt_tcp_connect(port)	evt_tcp_connect_at(__FILE__, __LINE__, port)
#define evt_tmpfile(path)	evt_tmpfile_at(__FILE__, __LINE__, path)
#define evt_write(fd, n)	evt_write_at(__FILE__, __LINE__, fd, n)
#define evt_drain(fd)		evt_drain_at(__FILE__, __LINE__, fd)
#define evt_fill(fd)		evt_fill_at(__FILE__, __LINE__, fd)
#define evt_nonblock(fd)	evt_nonblock_at(__FILE__, __LINE__, fd)
#define evt_close(fd)		evt_close_at(__FILE__, __LINE__, fd)
#define evt_idle(kq)		evt_idle_at(__FILE__, __LINE__, kq)
#define evt_still(kq)		evt_still_at(__FILE__, __LINE__, kq)
#define evt_move(fd, number)	evt_move_at(__FILE__, __LINE__, fd, number)
#define evt_thread_start(t, fn, arg) \
	evt_thread_start_at(__FILE__, __LINE__, t, fn, arg)
#define evt_thread_join(t)	evt_thread_join_at(__FILE__, __LINE__, t)
#define evt_in_child(fn, arg)	evt_in_child_at(__FILE__, __LINE__, fn, arg)
#define evt_fork_start(fn, arg)	evt_fork_start_at(__FILE__, __LINE__, fn, arg)
#define evt_fork_end(pid)	evt_fork_end_at(__FILE__, __LINE__, pid)
#define evt_wild(fn, arg)	evt_wild_at(__FILE__, __LINE__, fn, arg)

/*
 * The facility of a test program, for the leak check.  The header of another
 * one than kqueue says which it is before it includes this.
 */
struct evt_facility {
	void	(*ef_touch)(void);	/* uses every part of it once */
	int	(*ef_make)(void);	/* a new descriptor of it, or -1 */
};
extern const struct evt_facility evt_kqueue;
#ifndef EVT_FACILITY
#define EVT_FACILITY	(&evt_kqueue)
#endif

/* Leak check around a body; evt_settle() makes the library tidy up. */
#define evt_begin()	evt_begin_with(EVT_FACILITY)
void	evt_begin_with(const struct evt_facility *);
void	evt_end(void);
void	evt_settle(void);

/*
 * Is this a system's own kqueue?  Else which mechanisms: "linux", "kqueue" or
 * "poll", which ports are too.  Is libevany-interpose loaded?
 */
bool	evt_native(void);
const char *evt_backend(void);
bool	evt_interposed(void);

/*
 * Skips if the mechanism, kqueue or ports, is that of another copy of this
 * library, whose calls cost much more than a kernel's, cannot all be made by a
 * handler that interrupted one, and free what a child inherited at the next.
 */
#define EVT_STACKED	"the mechanism below is this library's own"
void	evt_skip_stacked(void);
int	evt_scale(void);
/*
 * How many records inotify keeps for one who does not take them.  Skips if these
 * are too many for a case, or not known.
 */
unsigned long evt_records_kept(void);

/* Skips the case, for that reason, if that sanitizer watches. */
void	evt_skip_asan(const char *);
void	evt_skip_tsan(const char *);

/* Fails the case for a caller's line. */
_Noreturn void evt_fail_at(const char *, int, const char *, ...)
	    __attribute__((__format__(__printf__, 3, 4)));

/* kevent() with the argument types of this system; milliseconds, -1 for ever */
int	evt_kevent(int, const struct kevent *, int, struct kevent *, int,
	    const struct timespec *);
int	evt_kevent_ms(int, const struct kevent *, int, struct kevent *, int,
	    int);

/* A queue, or the case fails. */
int	evt_kq_at(const char *, int);

/* One change that must succeed. */
void	evt_change_at(const char *, int, int, uintptr_t, int, unsigned int,
	    unsigned int, int64_t, void *);

/*
 * One change, its errno value or 0.  It is tried with no event list when it
 * succeeds; when it fails it is made again with one, and both must agree.
 */
int	evt_change_errno_at(const char *, int, int, uintptr_t, int,
	    unsigned int, unsigned int, int64_t, void *);

/* Events: until the deadline, or at once; the count, which is never -1. */
int	evt_get_at(const char *, int, int, struct kevent *, int);
int	evt_poll_at(const char *, int, int, struct kevent *, int);
/* Or so many milliseconds, waiting on through EINTR. */
int	evt_get_within(const char *, int, int, struct kevent *, int, int);

/* No event at all; exactly one event. */
void	evt_none_at(const char *, int, int);
void	evt_one_at(const char *, int, int, struct kevent *);

/* Does the queue poll(2) readable within so many milliseconds? */
bool	evt_readable(int, int);

/*
 * poll(2) shows the queue as readable; it shows nothing at all.  Portable
 * mechanisms may need a moment for the first.
 */
void	evt_shows_at(const char *, int, int);
void	evt_silent_at(const char *, int, int);

/*
 * A wait of some length that must last to its end, without an event and with
 * next to no processor time; afterwards the queue must not poll readable.
 */
void	evt_idle_at(const char *, int, int);

/*
 * The same where the queue holds an EV_CLEAR knote that stays ready: portable
 * mechanisms see no edges and may repeat such an event in doubt, but not soon.
 */
void	evt_still_at(const char *, int, int);

/*
 * May this mechanism tell an EV_CLEAR event once more, in doubt, that it told
 * no sooner than at that time and that stayed ready?
 */
bool	evt_doubt(int64_t);

/*
 * Is it such a repetition of what the calling thread had collected?  And for
 * that: these came from a wait that began then.
 */
bool	evt_again(int, const struct kevent *);
void	evt_told(int, const struct kevent *, int, int64_t);

/* Processor time of the process so far. */
int64_t	evt_cpu_ns(void);

/* Flags without the bits on which systems differ. */
unsigned int evt_flags(const struct kevent *);

/* Are two of so many events of one knote? */
bool	evt_twins(const struct kevent *, int);

/* An event as text, in a buffer of the calling thread. */
const char *evt_text(const struct kevent *);

void	evt_event_at(const char *, int, const struct kevent *, uintptr_t, int,
	    unsigned int, unsigned int, int64_t);
void	evt_error_at(const char *, int, const struct kevent *, uintptr_t, int,
	    int);

/* Descriptors: all blocking, none close-on-exec. */
void	evt_pipe_at(const char *, int, int[2]);
void	evt_sockpair_at(const char *, int, int[2], int);
void	evt_tcp_pair_at(const char *, int, int[2]);
/* At that port of this host; 0 becomes the one that was free. */
int	evt_udp_at(const char *, int, unsigned short *);
int	evt_tcp_listen_at(const char *, int, unsigned short *);
int	evt_tcp_connect_at(const char *, int, unsigned short);
int	evt_tmpfile_at(const char *, int, char[EVT_PATH_MAX]);
void	evt_close_at(const char *, int, int);
void	evt_nonblock_at(const char *, int, int);

/*
 * Gives an open file another number, closing what had it.  Cases that close
 * watched numbers use high ones, which the library does not take meanwhile.
 */
int	evt_move_at(const char *, int, int, int);

/* Writes so many bytes; reads what is there; writes until EAGAIN. */
void	evt_write_at(const char *, int, int, size_t);
size_t	evt_drain_at(const char *, int, int);
size_t	evt_fill_at(const char *, int, int);

/*
 * Threads.  evt_thread_asleep() returns once the thread is blocked in the
 * kernel, where the system tells (else after a short while): it makes the
 * interesting order likely, no result may depend on it.
 */
struct evt_thread {
	pthread_t	 et_id;
	void		(*et_fn)(void *);
	void		*et_arg;
	atomic_long	 et_tid;
	atomic_bool	 et_done;
};

void	evt_thread_start_at(const char *, int, struct evt_thread *,
	    void (*)(void *), void *);
void	evt_thread_join_at(const char *, int, struct evt_thread *);
void	evt_thread_asleep(struct evt_thread *);

struct evt_barrier {
	pthread_mutex_t	 eb_lock;
	pthread_cond_t	 eb_cond;
	int		 eb_size;
	int		 eb_here;
	unsigned int	 eb_round;
};

void	evt_barrier_init(struct evt_barrier *, int);
void	evt_barrier_wait(struct evt_barrier *);
void	evt_barrier_destroy(struct evt_barrier *);

/*
 * Runs fn in a child of fork() and returns what it returned (0 to 255).
 * A child that dies otherwise, or hangs, fails the case.
 */
int	evt_in_child_at(const char *, int, int (*)(void *), void *);

/*
 * The same in two steps, for children that run beside the case: how it ended,
 * minus the signal's number if that was by one.
 */
pid_t	evt_fork_start_at(const char *, int, int (*)(void *), void *);
int	evt_fork_end_at(const char *, int, pid_t);

/*
 * Runs fn in such a child with a page that nobody may read or write.  What it
 * returned, an errno value; or -1 if it faulted.
 */
int	evt_wild_at(const char *, int, int (*)(void *arg, void *page), void *);

/* The monotonic clock. */
int64_t	evt_now_ns(void);

/* A timespec of so many milliseconds, as a value to take the address of. */
struct timespec evt_ms(int64_t);

#endif /* EVT_H */
