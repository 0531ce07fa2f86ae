/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fault_trace: runs a scenario under ptrace(2) and fails its system calls.
 *
 * The child tells the parent where to count by a system call that no kernel
 * has; its result is what was failed since the last one.  A call is failed by
 * changing its number to none on entry and its result on exit.
 *
 * Only the calls of the table below are failed, with errors that the kernel
 * gives for them where nobody made a mistake.  The others that the library
 * makes cannot fail that way (closing, changing or deleting what exists,
 * reading a clock); a call that is in neither list fails the test, so that a
 * new one is thought about.
 */
#include "config.h"

#include "fault.h"

#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ptrace.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MARK		0x6b71		/* nobody's system call */
#define HANG		30		/* seconds for a scenario */
#define NUMBERS		1024		/* descriptors that it can have */

static int result_pipe = -1;
static bool alloc_plan;

/* ---- which calls, with which errors ------------------------------------------------ */

#define NEW_FD	{ EMFILE, ENFILE, ENOMEM }

static const struct call {
	long	nr;
	const char *name;
	int	error[4];		/* none: cannot fail */
} table[] = {
	{ SYS_epoll_create1, "epoll_create1", NEW_FD },
	{ SYS_eventfd2, "eventfd2", NEW_FD },
	{ SYS_timerfd_create, "timerfd_create", NEW_FD },
	{ SYS_signalfd4, "signalfd4", NEW_FD },
	{ SYS_inotify_init1, "inotify_init1", NEW_FD },
	{ SYS_socket, "socket", NEW_FD },
	{ SYS_openat, "openat", NEW_FD },
	{ SYS_pipe2, "pipe2", NEW_FD },
	{ SYS_memfd_create, "memfd_create", NEW_FD },
#ifdef SYS_pidfd_open
	{ SYS_pidfd_open, "pidfd_open", NEW_FD },
#endif
	{ SYS_perf_event_open, "perf_event_open", { EMFILE, EACCES } },
	{ SYS_dup, "dup", { EMFILE } },
	{ SYS_epoll_ctl, "epoll_ctl", { ENOMEM, ENOSPC } },
	{ SYS_inotify_add_watch, "inotify_add_watch", { ENOSPC, ENOMEM } },
	{ SYS_epoll_pwait, "epoll_pwait", { EINTR } },
#ifdef SYS_epoll_wait
	{ SYS_epoll_wait, "epoll_wait", { EINTR } },
#endif
#ifdef SYS_epoll_pwait2
	{ SYS_epoll_pwait2, "epoll_pwait2", { EINTR } },
#endif
	{ SYS_ppoll, "ppoll", { EINTR } },
	{ SYS_mmap, "mmap", { ENOMEM } },
	{ SYS_mremap, "mremap", { ENOMEM } },
	{ SYS_clone, "clone", { EAGAIN, ENOMEM } },
#ifdef SYS_clone3
	{ SYS_clone3, "clone3", { EAGAIN, ENOMEM } },
#endif
	{ SYS_kcmp, "kcmp", { EPERM, ENOSYS } },
	{ SYS_sendto, "sendto", { ENOBUFS } },
	{ SYS_bind, "bind", { EPERM } },
	{ SYS_setsockopt, "setsockopt", { EPERM } },
	{ SYS_getdents64, "getdents64", { ENOMEM } },
	{ SYS_readlinkat, "readlinkat", { ENOMEM } },
#ifdef SYS_readlink
	{ SYS_readlink, "readlink", { ENOMEM } },
#endif
	{ SYS_name_to_handle_at, "name_to_handle_at", { EOPNOTSUPP, ENOMEM } },
	/* These do what they are asked. */
	{ SYS_ioctl, "ioctl", { 0 } },
	{ SYS_brk, "brk", { 0 } },	/* allocations are failed elsewhere */
	{ SYS_clock_gettime, "clock_gettime", { 0 } },
	{ SYS_close, "close", { 0 } },
	{ SYS_dup3, "dup3", { 0 } },
	{ SYS_exit, "exit", { 0 } },
	{ SYS_fcntl, "fcntl", { 0 } },
#ifdef SYS_fstat
	{ SYS_fstat, "fstat", { 0 } },
#endif
#ifdef SYS_newfstatat
	{ SYS_newfstatat, "newfstatat", { 0 } },
#endif
	{ SYS_faccessat, "faccessat", { 0 } },
	{ SYS_fstatfs, "fstatfs", { 0 } },
	{ SYS_getcwd, "getcwd", { 0 } },
	{ SYS_statfs, "statfs", { 0 } },
	{ SYS_futex, "futex", { 0 } },
	{ SYS_getpid, "getpid", { 0 } },
#ifdef SYS_getpgrp
	{ SYS_getpgrp, "getpgrp", { 0 } },
#endif
	{ SYS_getpgid, "getpgid", { 0 } },
	{ SYS_gettid, "gettid", { 0 } },
	{ SYS_getsockopt, "getsockopt", { 0 } },
	{ SYS_getsockname, "getsockname", { 0 } },
	{ SYS_getpeername, "getpeername", { 0 } },
	{ SYS_inotify_rm_watch, "inotify_rm_watch", { 0 } },
	{ SYS_lseek, "lseek", { 0 } },
	{ SYS_madvise, "madvise", { 0 } },
	{ SYS_mprotect, "mprotect", { 0 } },
	{ SYS_munmap, "munmap", { 0 } },
	{ SYS_pread64, "pread64", { 0 } },
	{ SYS_prlimit64, "prlimit64", { 0 } },
#ifdef SYS_pidfd_send_signal
	{ SYS_pidfd_send_signal, "pidfd_send_signal", { 0 } },
#endif
#ifdef SYS_poll
	{ SYS_poll, "poll", { 0 } },
#endif
	{ SYS_read, "read", { 0 } },
	{ SYS_recvfrom, "recvfrom", { 0 } },
	{ SYS_rt_sigaction, "rt_sigaction", { 0 } },
	{ SYS_rt_sigpending, "rt_sigpending", { 0 } },
	{ SYS_rt_sigprocmask, "rt_sigprocmask", { 0 } },
	{ SYS_rt_sigreturn, "rt_sigreturn", { 0 } },
	{ SYS_sched_getparam, "sched_getparam", { 0 } },
	{ SYS_sched_getscheduler, "sched_getscheduler", { 0 } },
	{ SYS_sched_yield, "sched_yield", { 0 } },
	{ SYS_statx, "statx", { 0 } },
	{ SYS_timerfd_settime, "timerfd_settime", { 0 } },
	{ SYS_waitid, "waitid", { 0 } },
	{ SYS_wait4, "wait4", { 0 } },
	{ SYS_write, "write", { 0 } },
};

static const struct call *
call_find(uint64_t nr)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if ((uint64_t)table[i].nr == nr)
			return (&table[i]);
	}
	return (NULL);
}

/* How many errors this call can give, as it is made. */
static unsigned
call_variants(const struct call *c, const uint64_t *arg)
{
	unsigned n;

	/* Changing or deleting a registration takes no memory. */
	if (c->nr == SYS_epoll_ctl && arg[1] != EPOLL_CTL_ADD)
		return (0);
	/* A wait that does not sleep is not interrupted. */
	if ((c->nr == SYS_epoll_pwait || strcmp(c->name, "epoll_wait") == 0) &&
	    arg[3] == 0)
		return (0);
	for (n = 0; n < 4 && c->error[n] != 0; n++)
		;
	return (n);
}

/* ---- the child's registers ------------------------------------------------------------- */

#if defined(__x86_64__)
#define CAN_FAIL	1
static int
set_number_none(pid_t pid)
{
	return ((int)ptrace(PTRACE_POKEUSER, pid,
	    (void *)offsetof(struct user, regs.orig_rax), (void *)-1L));
}

static int
set_result(pid_t pid, long value)
{
	return ((int)ptrace(PTRACE_POKEUSER, pid,
	    (void *)offsetof(struct user, regs.rax), (void *)value));
}
#elif defined(__aarch64__)
#define CAN_FAIL	1
static int
set_number_none(pid_t pid)
{
	int none = -1;
	struct iovec iov = { &none, sizeof(none) };

	return ((int)ptrace(PTRACE_SETREGSET, pid,
	    (void *)(long)NT_ARM_SYSTEM_CALL, &iov));
}

static int
set_result(pid_t pid, long value)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)(long)NT_PRSTATUS,
	    &iov) == -1)
		return (-1);
	regs.regs[0] = (unsigned long)value;
	return ((int)ptrace(PTRACE_SETREGSET, pid,
	    (void *)(long)NT_PRSTATUS, &iov));
}
#else
#define CAN_FAIL	0
static int
set_number_none(pid_t pid)
{
	(void)pid;
	return (-1);
}

static int
set_result(pid_t pid, long value)
{
	(void)pid;
	(void)value;
	return (-1);
}
#endif

/* ---- the child --------------------------------------------------------------------------- */

void
fault_on(void)
{
	if (alloc_plan)
		fault_alloc_on();
	else
		(void)syscall(MARK, 1);
}

int
fault_off(void)
{
	long error;

	if (alloc_plan)
		return (fault_alloc_off() ? ENOMEM : 0);
	error = syscall(MARK, 0);
	return (error > 0 ? (int)error : 0);
}

void
fault_again(const struct fault_plan *fp)
{
	(void)alarm(HANG);
	if (alloc_plan)
		fault_alloc_plan(fp->fp_turn);
	else
		(void)syscall(MARK, 2);
}

struct report {
	char	why[400];
	unsigned calls;
	int	fds;
	long	blocks;
};

static int
open_fds(void)
{
	struct dirent *de;
	DIR *dir;
	int n;

	n = 0;
	if ((dir = opendir("/proc/self/fd")) == NULL)
		return (-1);
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.';
	(void)closedir(dir);
	return (n);
}

static _Noreturn void
report(const char *why)
{
	struct report r;

	memset(&r, 0, sizeof(r));
	(void)snprintf(r.why, sizeof(r.why), "%s", why);
	r.calls = fault_alloc_calls();
	r.fds = open_fds();
	r.blocks = fault_alloc_blocks();
	(void)!write(result_pipe, &r, sizeof(r));
	_exit(0);
}

_Noreturn void
fault_fail(const char *fmt, ...)
{
	char why[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	report(why);
}

static _Noreturn void
child(const struct fault_plan *fp,
    void (*scenario)(const struct fault_plan *))
{
	struct rlimit few = { NUMBERS, NUMBERS };

	/*
	 * When the list of what is open is refused the library tries every
	 * number, and a traced call takes long.
	 */
	(void)setrlimit(RLIMIT_NOFILE, &few);
	alloc_plan = fp->fp_alloc;
	fault_alloc_plan(fp->fp_alloc ? fp->fp_turn : 0);
	(void)alarm(HANG);
	if (!fp->fp_alloc) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
			_exit(77);
		(void)raise(SIGSTOP);
	}
	scenario(fp);
	report("");
}

/* ---- the parent --------------------------------------------------------------------------- */

struct state {
	const struct fault_plan *plan;
	struct fault_result *result;
	bool	counting;
	bool	at_exit;		/* the next stop is an exit */
	long	set;			/* result to set there */
	bool	set_wanted;
	long	failed;			/* errno since the last mark */
};

static void
entered(pid_t pid, struct state *st, const struct ptrace_syscall_info *info)
{
	const struct call *c;
	unsigned n, v;

	if (info->entry.nr == MARK) {
		st->counting = info->entry.args[0] == 1;
		if (info->entry.args[0] == 2)
			st->result->fr_calls = 0;
		st->set_wanted = true;
		st->set = st->counting ? 0 : st->failed;
		st->failed = 0;
		return;
	}
	if (!st->counting)
		return;
	if ((c = call_find(info->entry.nr)) == NULL) {
		(void)snprintf(st->result->fr_why,
		    sizeof(st->result->fr_why), "system call %llu is in no "
		    "list of fault_trace.c",
		    (unsigned long long)info->entry.nr);
		return;
	}
	if ((n = call_variants(c, (const uint64_t *)info->entry.args)) == 0)
		return;
	if (++st->result->fr_calls != st->plan->fp_turn)
		return;
	st->result->fr_variants = n;
	v = st->plan->fp_variant < n ? st->plan->fp_variant : 0;
	(void)snprintf(st->result->fr_what, sizeof(st->result->fr_what),
	    "%s, errno %d", c->name, c->error[v]);
	st->failed = c->error[v];
	st->set = -st->failed;
	st->set_wanted = true;
	(void)set_number_none(pid);
}

/* Until the child ends; 0, or 1 if it could not be traced. */
static int
trace(pid_t pid, struct state *st)
{
	struct ptrace_syscall_info info;
	int sig, status;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return (1);
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
	    PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == -1)
		return (1);
	for (sig = 0;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)sig) == -1)
			return (errno != ESRCH);
		if (waitpid(pid, &status, 0) != pid)
			return (1);
		if (WIFSIGNALED(status))
			(void)snprintf(st->result->fr_why,
			    sizeof(st->result->fr_why), "ended by signal %d%s",
			    WTERMSIG(status), WTERMSIG(status) == SIGALRM ?
			    ": it hung" : "");
		if (!WIFSTOPPED(status))
			return (0);
		sig = 0;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			sig = WSTOPSIG(status);
			continue;
		}
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid,
		    (void *)sizeof(info), &info) == -1)
			return (1);
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
			entered(pid, st, &info);
		else if (st->set_wanted) {
			st->set_wanted = false;
			(void)set_result(pid, st->set);
		}
	}
}

/*
 * Each traced call wakes the tracer and then the child: on two processors that
 * idle in between this takes three times as long.
 */
static void
share_processor(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return;
	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

bool
fault_run(const struct fault_plan *fp,
    void (*scenario)(const struct fault_plan *), struct fault_result *res)
{
	struct state st;
	struct report r;
	int failed, p[2], status;
	ssize_t got;
	pid_t pid;

	memset(res, 0, sizeof(*res));
	memset(&st, 0, sizeof(st));
	st.plan = fp;
	st.result = res;
	if (!fp->fp_alloc && !CAN_FAIL)
		return (false);
	if (pipe(p) == -1)
		abort();
	(void)fflush(NULL);
	share_processor();
	if ((pid = fork()) == -1)
		abort();
	if (pid == 0) {
		(void)close(p[0]);
		result_pipe = p[1];
		child(fp, scenario);
	}
	(void)close(p[1]);
	failed = 0;
	if (!fp->fp_alloc) {
		failed = trace(pid, &st);
		if (failed != 0) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, NULL, 0);
		}
	} else if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
		(void)snprintf(res->fr_why, sizeof(res->fr_why),
		    "ended by signal %d", WTERMSIG(status));
	got = read(p[0], &r, sizeof(r));
	(void)close(p[0]);
	if (failed != 0)
		return (false);
	if (got != (ssize_t)sizeof(r)) {
		if (res->fr_why[0] == '\0')
			(void)snprintf(res->fr_why, sizeof(res->fr_why),
			    "ended without a word");
		return (true);
	}
	if (res->fr_why[0] == '\0')
		memcpy(res->fr_why, r.why, sizeof(r.why));
	res->fr_fds = r.fds;
	res->fr_blocks = r.blocks;
	if (fp->fp_alloc) {
		res->fr_calls = r.calls;
		res->fr_variants = 1;
		if (fp->fp_turn != 0 && r.calls >= fp->fp_turn)
			(void)snprintf(res->fr_what, sizeof(res->fr_what),
			    "allocation");
	}
	return (true);
}
