/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evt_child: processes under command, and what this system tells of others.
 *
 * The questions to the system are asked of the kernel itself, not of the
 * library, so that a mechanism that gives up too early is found out.
 */
#include "config.h"

#include "evt_child.h"

#ifdef __linux__
#include <sys/ioctl.h>
#include <sys/syscall.h>
#ifdef HAVE_LINUX_PERF_EVENT_H
#include <linux/perf_event.h>
#endif
#endif

void
evt_child_start_at(const char *file, int line, struct evt_child *c,
    int (*fn)(int, int))
{
	int from[2], to[2];

	evt_pipe_at(file, line, to);
	evt_pipe_at(file, line, from);
	(void)fflush(stdout);
	(void)fflush(stderr);
	if ((c->ec_pid = fork()) == -1)
		evt_fail_at(file, line, "fork: %s", strerror(errno));
	if (c->ec_pid == 0) {
		(void)close(to[1]);
		(void)close(from[0]);
		(void)signal(SIGALRM, SIG_DFL);
		(void)alarm((unsigned int)(20 * EVT_WAIT_MS / 1000));
		_exit(fn(to[0], from[1]));
	}
	(void)close(to[0]);
	(void)close(from[1]);
	c->ec_to = to[1];
	c->ec_from = from[0];
}

int
evt_child_obey(int in, int out)
{
	(void)out;
	return (evt_child_order(in));
}

void
evt_child_tell_at(const char *file, int line, struct evt_child *c, int order)
{
	unsigned char byte = (unsigned char)order;

	if (write(c->ec_to, &byte, 1) != 1)
		evt_fail_at(file, line, "order to child: %s", strerror(errno));
}

void
evt_child_hear_at(const char *file, int line, struct evt_child *c, void *buf,
    size_t size)
{
	size_t got = 0;
	ssize_t n;

	while (got < size) {
		if (!evt_readable(c->ec_from, 5 * EVT_WAIT_MS))
			evt_fail_at(file, line, "no answer from the child");
		n = read(c->ec_from, (char *)buf + got, size - got);
		if (n <= 0)
			evt_fail_at(file, line, "no answer from the child");
		got += (size_t)n;
	}
}

void
evt_child_drop_at(const char *file, int line, struct evt_child *c)
{
	evt_close_at(file, line, c->ec_to);
	evt_close_at(file, line, c->ec_from);
}

int
evt_child_order(int in)
{
	unsigned char byte;
	ssize_t n;

	while ((n = read(in, &byte, 1)) == -1 && errno == EINTR)
		continue;
	return (n == 1 ? byte : -1);
}

void
evt_child_answer(int out, const void *buf, size_t size)
{
	if (write(out, buf, size) != (ssize_t)size)
		_exit(99);
}

int
evt_reap_at(const char *file, int line, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			evt_fail_at(file, line, "waitpid: %s",
			    strerror(errno));
	return (status);
}

void
evt_await_zombie_at(const char *file, int line, pid_t pid)
{
	siginfo_t si;

	while (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) == -1)
		if (errno != EINTR)
			evt_fail_at(file, line, "waitid: %s", strerror(errno));
}

int
evt_ended_at(const char *file, int line, const struct kevent *ev, pid_t pid)
{
	if (ev->ident != (uintptr_t)pid || ev->filter != EVFILT_PROC ||
	    (ev->flags & (EV_EOF | EV_ERROR)) != EV_EOF ||
	    (ev->fflags & 0xf0000000U) != NOTE_EXIT)
		evt_fail_at(file, line, "event {%s}, expected the end of %jd",
		    evt_text(ev), (intmax_t)pid);
	return ((int)ev->data);
}

void
evt_one_end_at(const char *file, int line, int kq, pid_t pid, int status,
    bool told)
{
	struct kevent ev;
	int error, got;

	evt_one_at(file, line, kq, &ev);
	got = evt_ended_at(file, line, &ev, pid);
	if (got != status && (told || got != 0))
		evt_fail_at(file, line, "status %#x, expected %#x", got,
		    status);
	EVT_APPROX(got == status, "the system does not tell the status");
	evt_none_at(file, line, kq);
	error = evt_change_errno_at(file, line, kq, (uintptr_t)pid,
	    EVFILT_PROC, EV_DELETE, 0, 0, NULL);
	if (error != ENOENT)
		evt_fail_at(file, line, "deleting the knote of an ended "
		    "process: %s", error == 0 ? "done" : strerror(error));
}

bool
evt_status_is_told(void)
{
	if (evt_native())
		return (true);
#if defined(__linux__) && defined(SYS_pidfd_open)
	if (strcmp(evt_backend(), "poll") != 0) {
		/* struct pidfd_info as it came with Linux 6.13 */
		struct {
			uint64_t mask, cgroup;
			uint32_t id[11];
			int32_t	 exit_code;
		} info;
		int fd, n, p[2];
		char byte;
		pid_t pid;

		if (pipe(p) == -1)
			return (false);
		if ((pid = fork()) == 0) {
			(void)close(p[1]);
			_exit((int)read(p[0], &byte, 1));
		}
		(void)close(p[0]);
		fd = (int)syscall(SYS_pidfd_open, pid, 0);
		(void)close(p[1]);
		(void)waitpid(pid, NULL, 0);
		if (fd == -1)
			return (false);
		memset(&info, 0, sizeof(info));
		info.mask = 1 << 3;		/* PIDFD_INFO_EXIT, 6.15 */
		n = ioctl(fd, (EVANY_IOCTL_REQUEST)_IOWR(0xff, 11, info),
		    &info);
		(void)close(fd);
		return (n == 0 && (info.mask & 1 << 3) != 0);
	}
#endif
	return (false);
}

bool
evt_forks_are_told(void)
{
#ifdef __APPLE__
	return (false);		/* NOTE_TRACK is refused there */
#else
	if (evt_native())
		return (true);
#endif
#if defined(EVANY_BE_PERF) && defined(HAVE_LINUX_PERF_EVENT_H)
	if (strcmp(evt_backend(), "poll") != 0) {
		struct perf_event_attr attr;
		int fd;

		memset(&attr, 0, sizeof(attr));
		attr.size = sizeof(attr);
		attr.type = PERF_TYPE_SOFTWARE;
		attr.config = PERF_COUNT_SW_DUMMY;
		attr.task = 1;
		attr.comm = 1;
		attr.comm_exec = 1;
		attr.inherit = 1;
		attr.exclude_kernel = 1;
		fd = (int)syscall(SYS_perf_event_open, &attr, getpid(), 0, -1,
		    PERF_FLAG_FD_CLOEXEC);
		if (fd != -1)
			(void)close(fd);
		return (fd != -1);
	}
#endif
	return (false);
}
