/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * rawcall.h: some calls as no cancellation points, for callers that hold locks
 * and have cancellation disabled.
 *
 * The GNU C library (2.36 was seen to) sends a thread a signal when it is
 * cancelled in a sleep, and obeys it in the next of these calls, although the
 * thread has left the sleep and disabled cancellation by then.  Linux's own
 * calls do not.  ThreadSanitizer is told of a close, or else it would take a
 * new descriptor for the closed one.
 *
 * opendir, readdir and closedir are no cancellation points there, and need no
 * more than to have it disabled elsewhere.
 */
#ifndef EVANY_RAWCALL_H
#define EVANY_RAWCALL_H

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#if defined(__has_feature)
#define RAW_TSAN	__has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define RAW_TSAN	1
#else
#define RAW_TSAN	0
#endif

/*
 * Around a question about a number that the program may be closing: a race by
 * nature, for the number, which touches no memory.
 */
#if RAW_TSAN
void	AnnotateIgnoreReadsBegin(const char *, int);
void	AnnotateIgnoreReadsEnd(const char *, int);
#define RAW_ASK_BEGIN()	AnnotateIgnoreReadsBegin(__FILE__, __LINE__)
#define RAW_ASK_END()	AnnotateIgnoreReadsEnd(__FILE__, __LINE__)
#else
#define RAW_ASK_BEGIN()	((void)0)
#define RAW_ASK_END()	((void)0)
#endif

#ifdef __linux__
#include <sys/syscall.h>

static inline ssize_t
evany__read(int fd, void *buf, size_t n)
{
	return (syscall(SYS_read, fd, buf, n));
}

static inline ssize_t
evany__write(int fd, const void *buf, size_t n)
{
	return (syscall(SYS_write, fd, buf, n));
}

static inline int
evany__openat(int dir, const char *path, int flags)
{
	return ((int)syscall(SYS_openat, dir, path, flags, 0));
}

static inline ssize_t
evany__recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from,
    socklen_t *lenp)
{
	return (syscall(SYS_recvfrom, fd, buf, n, flags, from, lenp));
}

static inline ssize_t
evany__send(int fd, const void *buf, size_t n, int flags)
{
	return (syscall(SYS_sendto, fd, buf, n, flags, NULL, 0));
}

/* poll(2) that does not sleep. */
static inline int
evany__poll_once(struct pollfd *fds, unsigned n)
{
#ifdef SYS_poll
	return ((int)syscall(SYS_poll, fds, n, 0));
#else
	/* Whatever struct timespec is, and written to. */
	long zero[4] = { 0 };

#ifdef SYS_ppoll
	return ((int)syscall(SYS_ppoll, fds, n, zero, NULL, 0));
#else
	return ((int)syscall(SYS_ppoll_time64, fds, n, zero, NULL, 0));
#endif
#endif
}

#if RAW_TSAN
/* <sanitizer/linux_syscall_hooks.h>, which not every compiler brings. */
void	__sanitizer_syscall_pre_impl_close(long fd);
#define RAW_CLOSING(fd)	__sanitizer_syscall_pre_impl_close(fd)
#else
#define RAW_CLOSING(fd)	((void)0)
#endif

static inline int
evany__close(int fd)
{
	RAW_CLOSING(fd);
	return ((int)syscall(SYS_close, fd));
}

/*
 * Around a call of the kernel's own that sleeps, which takes a signal mask for
 * its length: what to give it.  ThreadSanitizer puts a handler off to the next
 * call that it knows, which a signal just before the sleep would not end; so
 * there signals come in it alone.  Elsewhere this is nothing.
 */
static inline const sigset_t *
evany__sleep_begin(sigset_t *was)
{
#if RAW_TSAN
	sigset_t all;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, was);
	return (was);
#else
	(void)was;
	return (NULL);
#endif
}

static inline void
evany__sleep_end(const sigset_t *was)
{
#if RAW_TSAN
	(void)pthread_sigmask(SIG_SETMASK, was, NULL);
#else
	(void)was;
#endif
}

static inline int
evany__waitid(idtype_t type, id_t id, siginfo_t *si, int options)
{
	return ((int)syscall(SYS_waitid, type, id, si, options, NULL));
}
#else
#define evany__read	read
#define evany__write	write
#define evany__close	close
#define evany__waitid	waitid
#define evany__openat	openat
#define evany__recvfrom	recvfrom
#define evany__send	send
#define evany__poll_once(fds, n) poll(fds, (nfds_t)(n), 0)
#endif

#define evany__open(path, flags) evany__openat(AT_FDCWD, path, flags)
#define evany__recv(fd, buf, n, flags) \
	evany__recvfrom(fd, buf, n, flags, NULL, NULL)

#endif /* EVANY_RAWCALL_H */
