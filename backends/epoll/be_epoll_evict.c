/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_epoll_evict: an item whose number was closed while its file lives.
 *
 * epoll keys items by open file and number, and drops one only with the last
 * reference to the file.  After close(2) of a number that has a duplicate the
 * item reports on, and no call on that number reaches it: the number is free
 * or names another file.  A level item would make every wait return at once.
 *
 * evict:  somewhere in this process a duplicate is open.  A short-lived child
 *         that shares our memory but has a copy of our descriptor table puts
 *         each descriptor in turn on the number and asks for the removal;
 *         only the right one succeeds.  No other thread sees the number
 *         change, and the child, which has no exit signal, is invisible to
 *         wait(2).
 * renew:  only another process holds the file.  A new epoll instance takes
 *         the place of the old one under its numbers (dup3), and the old one
 *         is made readable for good, so that threads that wait in it come
 *         out.  A poller outside that watched the number loses it.
 */
#include "config.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "backends/rawcall.h"
#include "be_epoll.h"

#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY	1027	/* Linux 6.10 */
#endif
#ifndef KCMP_FILE
#define KCMP_FILE	0
#endif

/*
 * What ThreadSanitizer puts before clone() takes the child for a copy of the
 * process, and would take its steps for ours: glibc's other name is free of
 * that, and the child's code is not to be watched.
 */
#ifdef HAVE___CLONE
int	__clone(int (*)(void *), void *, int, void *, ...);
#define CLONE	__clone
#else
#define CLONE	clone
#endif
#if !defined(__has_attribute)
#define UNWATCHED
#elif __has_attribute(__disable_sanitizer_instrumentation__)
#define UNWATCHED	__attribute__((__disable_sanitizer_instrumentation__))
#elif __has_attribute(__no_sanitize_thread__)
#define UNWATCHED	__attribute__((__no_sanitize_thread__))
#else
#define UNWATCHED
#endif

#define EVICT_STACK	((size_t)16384)

struct evict {
	int	 ev_epoll;
	int	 ev_fd;
	int	*ev_list;	/* descriptors to try */
	int	 ev_count;
	int	 ev_room;
	bool	 ev_done;
};

int
evany__be_epoll_same(int a, int b)
{
	int saved = errno;
	long r, self;

	/*
	 * Before Linux 6.10 kcmp, which needs a permission, and a thread that
	 * has not ended: the process's first may have.
	 */
	if ((r = fcntl(a, F_DUPFD_QUERY, b)) == -1) {
		self = syscall(SYS_gettid);
		r = syscall(SYS_kcmp, self, self, KCMP_FILE, a, b);
		r = r == 0 ? 1 : r > 0 ? 0 : -1;
	}
	errno = saved;
	return ((int)r);
}

static void
evict_candidate(struct evict *ev, int fd)
{
	int *list, room;

	/* The number's present file is not the one to be removed. */
	if (fd == ev->ev_fd || evany__be_epoll_same(ev->ev_fd, fd) == 1)
		return;
	if (ev->ev_count == ev->ev_room) {
		room = ev->ev_room == 0 ? 64 : 2 * ev->ev_room;
		list = realloc(ev->ev_list, (size_t)room * sizeof(*list));
		if (list == NULL)
			return;
		ev->ev_list = list;
		ev->ev_room = room;
	}
	ev->ev_list[ev->ev_count++] = fd;
}

static void
evict_candidates(struct evict *ev)
{
	struct rlimit rl;
	struct dirent *de;
	DIR *dir;
	int fd, most = 65536;

	/* /proc/self is empty once the main thread has ended. */
	if ((dir = opendir("/proc/thread-self/fd")) != NULL ||
	    (dir = opendir("/proc/self/fd")) != NULL) {
		while ((de = readdir(dir)) != NULL)
			if (de->d_name[0] >= '0' && de->d_name[0] <= '9' &&
			    (fd = atoi(de->d_name)) != dirfd(dir))
				evict_candidate(ev, fd);
		(void)closedir(dir);
		return;
	}
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < (rlim_t)most)
		most = (int)rl.rlim_cur;
	for (fd = 0; fd < most; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			evict_candidate(ev, fd);
}

/* Runs on a borrowed stack in a process of its own: system calls only. */
static int UNWATCHED
evict_child(void *arg)
{
	struct evict *ev = arg;
	struct epoll_event unused;
	int i;

	for (i = 0; i < ev->ev_count && !ev->ev_done; i++)
		if (syscall(SYS_dup3, ev->ev_list[i], ev->ev_fd, 0) != -1 &&
		    syscall(SYS_epoll_ctl, ev->ev_epoll, EPOLL_CTL_DEL,
		    ev->ev_fd, &unused) == 0)
			ev->ev_done = true;
	(void)syscall(SYS_exit, 0);
	return (0);
}

/* CLONE_VFORK: returns when the child has gone. */
static void
evict_run(struct evict *ev)
{
	sigset_t all, old;
	siginfo_t si;
	char *stack;
	pid_t pid;

	if (ev->ev_count == 0 || (stack = malloc(EVICT_STACK)) == NULL)
		return;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = CLONE(evict_child, stack + EVICT_STACK, CLONE_VM | CLONE_VFORK,
	    ev);
	if (pid > 0)
		while (evany__waitid(P_PID, (id_t)pid, &si,
		    WEXITED | (int)__WCLONE) == -1 && errno == EINTR)
			continue;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	free(stack);
}

int
evany__be_epoll_evict(struct evany__inst *inst, int number, int fd,
    uint64_t cookie)
{
	struct be_epoll *ep = evany__inst_state(inst);
	struct evict ev = { .ev_epoll = number, .ev_fd = fd };
	int cancel, saved = errno;

	/* It has given its only report. */
	if ((EVANY__COOKIE_MECH(cookie) & EP_ONESHOT) != 0)
		return (0);
	if ((EVANY__COOKIE_MECH(cookie) & EP_IN_SIDE) != 0)
		ev.ev_epoll = ep->ep_side;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	/* The instance itself has the number now: it is needed under another. */
	if (ev.ev_epoll == fd)
		ev.ev_epoll = fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);
	evict_candidates(&ev);
	evict_run(&ev);
	if (ev.ev_epoll != number && ev.ev_epoll != ep->ep_side)
		(void)evany__close(ev.ev_epoll);
	(void)pthread_setcancelstate(cancel, NULL);
	free(ev.ev_list);
	errno = saved;
	return (ev.ev_done ? 0 : EAGAIN);
}

int
evany__be_epoll_renew(struct evany__inst *inst, const int *numbers, int n)
{
	int flags, fresh, i, old, saved = errno;

	old = fcntl(numbers[0], F_DUPFD_CLOEXEC, 0);
	fresh = (int)syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
	if (old == -1 || fresh == -1 ||
	    evany__be_epoll_tag(inst, fresh) == -1) {
		if (old != -1)
			(void)evany__close(old);
		if (fresh != -1)
			(void)evany__close(fresh);
		errno = saved;
		return (EMFILE);
	}
	for (i = 0; i < n; i++) {
		flags = fcntl(numbers[i], F_GETFD);
		(void)syscall(SYS_dup3, fresh, numbers[i],
		    (flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0);
	}
	(void)evany__close(fresh);
	evany__be_epoll_abandon(inst, old, numbers[0]);
	(void)evany__close(old);
	errno = saved;
	return (0);
}
