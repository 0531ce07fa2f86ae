/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_trace: counts the system calls of a work.
 *
 * A child does one round under ptrace(2), between two calls of a number that
 * no kernel has.  A library's own threads are not counted.
 */

#include "config.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <linux/ptrace.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kqbench.h"

#define MARK		0x6b71		/* nobody's system call */
#define NUMBERS		1024

static const struct {
	long	nr;
	const char *name;
} names[] = {
	{ SYS_close, "close" },
	{ SYS_epoll_ctl, "epoll_ctl" },
#ifdef SYS_epoll_wait
	{ SYS_epoll_wait, "epoll_wait" },
#endif
	{ SYS_epoll_pwait, "epoll_pwait" },
#ifdef SYS_epoll_pwait2
	{ SYS_epoll_pwait2, "epoll_pwait2" },
#endif
	{ SYS_clock_gettime, "clock_gettime" },
	{ SYS_fcntl, "fcntl" },
#ifdef SYS_fstat
	{ SYS_fstat, "fstat" },
#endif
#ifdef SYS_newfstatat
	{ SYS_newfstatat, "fstatat" },
#endif
	{ SYS_futex, "futex" },
	{ SYS_getsockopt, "getsockopt" },
	{ SYS_ioctl, "ioctl" },
#ifdef SYS_poll
	{ SYS_poll, "poll" },
#endif
	{ SYS_ppoll, "ppoll" },
	{ SYS_read, "read" },
	{ SYS_sched_yield, "sched_yield" },
	{ SYS_timerfd_create, "timerfd_create" },
	{ SYS_timerfd_settime, "timerfd_settime" },
	{ SYS_write, "write" },
};

static void
child(const struct kqb_side *side, const struct kqb_work *work)
{
	struct kqb_ctx ctx;

	(void)alarm(kqb_limit);
	memset(&ctx, 0, sizeof(ctx));
	ctx.side = side;
	ctx.work = work;
	if (work->setup(&ctx) != 0)
		_exit(2);
	/* Once before, so that what is made at first need is there. */
	(void)work->round(&ctx);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
		_exit(3);
	(void)raise(SIGSTOP);
	(void)syscall(MARK);
	(void)work->round(&ctx);
	(void)syscall(MARK);
	_exit(0);
}

/* Counts into count[] until the child ends; 0 if both marks were met. */
static int
count_calls(pid_t pid, unsigned long *count)
{
	struct ptrace_syscall_info info;
	long sig;
	int marks, status;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return (1);
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
	    PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == -1)
		return (1);
	marks = 0;
	for (sig = 0;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)sig) == -1)
			return (1);
		if (waitpid(pid, &status, 0) != pid)
			return (1);
		if (!WIFSTOPPED(status))
			return (marks != 2);
		sig = 0;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			sig = WSTOPSIG(status);
			continue;
		}
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid,
		    (void *)sizeof(info), &info) == -1)
			return (1);
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (info.entry.nr == MARK)
			marks++;
		else if (marks == 1 && info.entry.nr < NUMBERS)
			count[info.entry.nr]++;
	}
}

static const char *
name_of(long nr, char *buf, size_t size)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].nr == nr)
			return (names[i].name);
	}
	(void)snprintf(buf, size, "#%ld", nr);
	return (buf);
}

int
kqb_trace(const struct kqb_side *side, const struct kqb_work *work,
    struct kqb_trace *tr)
{
	unsigned long count[NUMBERS];
	char buf[16];
	double each;
	size_t len;
	pid_t pid;
	long nr;
	int n;

	memset(count, 0, sizeof(count));
	memset(tr, 0, sizeof(*tr));
	(void)fflush(NULL);
	if ((pid = fork()) == -1)
		kqb_die("fork");
	if (pid == 0)
		child(side, work);
	if (count_calls(pid, count) != 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return (1);
	}
	for (len = 0, nr = 0; nr < NUMBERS; nr++) {
		each = (double)count[nr] / (double)work->ops;
		tr->calls += each;
		if (each < 0.005)
			continue;
		n = snprintf(tr->text + len, sizeof(tr->text) - len,
		    "%s%s %.2f", len == 0 ? "" : ", ",
		    name_of(nr, buf, sizeof(buf)), each);
		if (n > 0 && (size_t)n < sizeof(tr->text) - len)
			len += (size_t)n;
	}
	return (0);
}
