/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * proc_contract: what struct evany__proc_ops promises, on each mechanism.
 */
#include "config.h"

#include <sys/resource.h>
#include <sys/wait.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "procwatch.h"

#define CASE(mech, name, text)						\
	ATF_TC(mech##__##name);						\
	ATF_TC_HEAD(mech##__##name, tc)					\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
	}								\
	ATF_TC_BODY(mech##__##name, tc)					\
	{								\
		proc_run(&evany__proc_##mech##_ops, body_##name);	\
	}

#ifdef EVANY_BE_PIDFD
#define CASE_PIDFD(name, text)	CASE(pidfd, name, text)
#define ADD_PIDFD(tp, name)	ATF_TP_ADD_TC(tp, pidfd__##name)
#else
#define CASE_PIDFD(name, text)
#define ADD_PIDFD(tp, name)	do { } while (0)
#endif

#ifdef EVANY_BE_KQUEUE
#define CASE_KQUEUE(name, text)	CASE(kqueue, name, text)
#define ADD_KQUEUE(tp, name)	ATF_TP_ADD_TC(tp, kqueue__##name)
#else
#define CASE_KQUEUE(name, text)
#define ADD_KQUEUE(tp, name)	do { } while (0)
#endif

#define TC(name, text)							\
	static void body_##name(void);					\
	CASE_PIDFD(name, text)						\
	CASE_KQUEUE(name, text)						\
	CASE(selfpipe, name, text)					\
	static void							\
	body_##name(void)

#define ADD(tp, name) do {						\
	ADD_PIDFD(tp, name);						\
	ADD_KQUEUE(tp, name);						\
	ATF_TP_ADD_TC(tp, selfpipe__##name);				\
} while (0)

/* The status of one that was reaped by others: 0 where nobody tells. */
static int
told(int status, const struct proc *pr)
{
	bool always = strcmp(proc_ops->po_name, "selfpipe") != 0 &&
	    evt_status_is_told();

	return (pr->pr_status == 0 && !always ? 0 : status);
}

/* A child that makes one, tells its pid and obeys: reap it, or die. */
static int
parent(int in, int out)
{
	struct evt_child c;
	int order, status;

	evt_child_start(&c, evt_child_obey);
	evt_child_answer(out, &c.ec_pid, sizeof(c.ec_pid));
	while ((order = evt_child_order(in)) != -1)
		if (order == 'r') {
			status = evt_reap(c.ec_pid);
			evt_child_answer(out, &status, sizeof(status));
		} else
			evt_child_tell(&c, order);
	return (0);
}

/* ---- the end ----------------------------------------------------------- */

TC(exit__status, "The end fires once, with the status, and reaps nothing")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;

	src_open(&sr);
	evt_child_start(&c, evt_child_obey);
	proc_attach(&sr, &pr, c.ec_pid, 0);
	ATF_REQUIRE_EQ(0, proc_ended(&pr));
	proc_quiet(&pr);
	evt_child_tell(&c, 7);
	proc_expect_end(&pr, 7 << 8);
	ATF_REQUIRE_EQ(7 << 8, evt_reap(c.ec_pid));
	evt_child_drop(&c);
	evt_child_start(&c, evt_child_obey);
	proc_attach(&sr, &pr, c.ec_pid, 0);
	ATF_REQUIRE_EQ(0, kill(c.ec_pid, SIGKILL));
	proc_expect_end(&pr, SIGKILL);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	src_close(&sr, proc_ops->po_close);
}

TC(exit__zombie, "One that has ended can be attached until it is reaped")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;

	src_open(&sr);
	evt_child_start(&c, evt_child_obey);
	evt_child_tell(&c, 5);
	evt_await_zombie(c.ec_pid);
	proc_attach(&sr, &pr, c.ec_pid, 0);
	proc_expect_end(&pr, 5 << 8);
	proc_attach(&sr, &pr, c.ec_pid, EVANY__P_FORK);
	ATF_REQUIRE_EQ(1, proc_ended(&pr));
	proc_expect_end(&pr, 5 << 8);
	(void)evt_reap(c.ec_pid);
	ATF_REQUIRE_EQ(ESRCH, proc_try(&sr, &pr, c.ec_pid, 0, -1));
	evt_child_drop(&c);
	src_close(&sr, proc_ops->po_close);
}

TC(exit__reaped_first, "The program reaps before it looks")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;

	src_open(&sr);
	evt_child_start(&c, evt_child_obey);
	proc_attach(&sr, &pr, c.ec_pid, 0);
	evt_child_tell(&c, 7);
	(void)evt_reap(c.ec_pid);
	proc_expect(&pr, EVANY__P_EXIT);
	proc_expect_end(&pr, told(7 << 8, &pr));
	evt_child_drop(&c);
	src_close(&sr, proc_ops->po_close);
}

TC(exit__sigchld_ignored, "Children that vanish unreaped are told all the same")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;
	int i;

	src_open(&sr);
	for (i = 0; i < 3; i++) {
		evt_child_start(&c, evt_child_obey);
		if (i == 0)
			(void)signal(SIGCHLD, SIG_IGN);
		proc_attach(&sr, &pr, c.ec_pid, 0);
		evt_child_tell(&c, 7);
		proc_expect(&pr, EVANY__P_EXIT);
		proc_expect_end(&pr, told(7 << 8, &pr));
		evt_child_drop(&c);
	}
	ATF_REQUIRE(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
	src_close(&sr, proc_ops->po_close);
}

TC(exit__sigchld_handled, "The program's handler of SIGCHLD may be set later")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;

	src_open(&sr);
	evt_child_start(&c, evt_child_obey);
	proc_attach(&sr, &pr, c.ec_pid, 0);
	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	proc_quiet(&pr);
	evt_child_tell(&c, 7);
	proc_expect_end(&pr, 7 << 8);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	src_close(&sr, proc_ops->po_close);
}

TC(exit__sigchld_blocked, "SIGCHLD may be blocked")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	ATF_REQUIRE_EQ(0, pthread_sigmask(SIG_BLOCK, &set, NULL));
	src_open(&sr);
	evt_child_start(&c, evt_child_obey);
	proc_attach(&sr, &pr, c.ec_pid, 0);
	proc_quiet(&pr);
	evt_child_tell(&c, 7);
	proc_expect_end(&pr, 7 << 8);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	src_close(&sr, proc_ops->po_close);
	ATF_REQUIRE_EQ(0, pthread_sigmask(SIG_UNBLOCK, &set, NULL));
}

TC(exit__stranger, "Processes that are not children are told")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;
	pid_t pid;
	int status;

	src_open(&sr);
	evt_child_start(&c, parent);
	evt_child_hear(&c, &pid, sizeof(pid));
	proc_attach(&sr, &pr, pid, 0);
	proc_quiet(&pr);
	evt_child_tell(&c, 7);
	evt_child_tell(&c, 'r');
	evt_child_hear(&c, &status, sizeof(status));
	proc_expect(&pr, EVANY__P_EXIT);
	proc_expect_end(&pr, told(7 << 8, &pr));
	ATF_REQUIRE_EQ(ESRCH, proc_try(&sr, &pr, pid, 0, -1));
	evt_child_drop(&c);
	(void)evt_reap(c.ec_pid);
	src_close(&sr, proc_ops->po_close);
}

TC(exit__many, "Each of many watches is told, in two instances")
{
	struct evt_child c[PROC_MANY];
	struct proc one[PROC_MANY], two[PROC_MANY];
	struct src sr, sr2;
	int i;

	src_open(&sr);
	src_open(&sr2);
	for (i = 0; i < PROC_MANY; i++) {
		evt_child_start(&c[i], evt_child_obey);
		proc_attach(&sr, &one[i], c[i].ec_pid, 0);
		proc_attach(&sr2, &two[i], c[i].ec_pid, 0);
	}
	for (i = 0; i < PROC_MANY; i++)
		evt_child_tell(&c[i], i);
	for (i = 0; i < PROC_MANY; i++) {
		proc_expect(&two[i], EVANY__P_EXIT);
		proc_expect(&one[i], EVANY__P_EXIT);
		ATF_REQUIRE_EQ(i << 8, one[i].pr_status);
		ATF_REQUIRE_EQ(i << 8, two[i].pr_status);
		ATF_REQUIRE_EQ(i << 8, evt_reap(c[i].ec_pid));
		evt_child_drop(&c[i]);
	}
	src_close(&sr, proc_ops->po_close);
	src_close(&sr2, proc_ops->po_close);
}

#if defined(__linux__) && defined(SYS_pidfd_open)
TC(exit__descriptor, "A process descriptor names the process, and stays open")
{
	struct evt_child c;
	struct proc one, two;
	struct src sr;
	int fd, i;

	src_open(&sr);
	for (i = 0; i < 2; i++) {
		evt_child_start(&c, evt_child_obey);
		fd = (int)syscall(SYS_pidfd_open, c.ec_pid, 0);
		if (fd == -1)
			atf_tc_skip("pidfd_open: %s", strerror(errno));
		memset(&one, 0, sizeof(one));
		memset(&two, 0, sizeof(two));
		ATF_REQUIRE_EQ(0, proc_try(&sr, &one, 0, 0, fd));
		ATF_REQUIRE_EQ(0, proc_try(&sr, &two, 0, 0, fd));
		proc_quiet(&one);
		/* closed by the program: the watch is core's to end */
		if (i == 1)
			evt_close(fd);
		evt_child_tell(&c, 7);
		proc_expect_end(&two, 7 << 8);
		proc_expect_end(&one, 7 << 8);
		(void)evt_reap(c.ec_pid);
		/* what has ended and was reaped can be attached by it yet */
		if (i == 0) {
			memset(&one, 0, sizeof(one));
			ATF_REQUIRE_EQ(0, proc_try(&sr, &one, 0, 0, fd));
			proc_expect(&one, EVANY__P_EXIT);
			proc_expect_end(&one, told(7 << 8, &one));
			evt_close(fd);
		}
		evt_child_drop(&c);
	}
	src_close(&sr, proc_ops->po_close);
}
#endif

/* ---- what cannot be attached ------------------------------------------- */

static void
be_a_thread(void *arg)
{
	struct evt_barrier *b = arg;

	evt_barrier_wait(b);
	evt_barrier_wait(b);
}

TC(attach__no_such_process, "ESRCH, and nothing remains")
{
	struct evt_barrier b;
	struct evt_thread t;
	struct proc pr;
	struct src sr;
	pid_t pid;

	src_open(&sr);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0)
		_exit(0);
	(void)evt_reap(pid);
	memset(&pr, 0, sizeof(pr));
	ATF_REQUIRE_EQ(ESRCH, proc_try(&sr, &pr, pid, 0, -1));
	ATF_REQUIRE_EQ(ESRCH, proc_try(&sr, &pr, 0, 0, -1));
	ATF_REQUIRE_EQ(ESRCH, proc_try(&sr, &pr, -1, 0, -1));
	ATF_REQUIRE_EQ(ESRCH, proc_try(&sr, &pr, -getpid(), 0, -1));
#ifdef __linux__
	evt_barrier_init(&b, 2);
	evt_thread_start(&t, be_a_thread, &b);
	evt_barrier_wait(&b);
	ATF_REQUIRE_EQ(ESRCH, proc_try(&sr, &pr,
	    (pid_t)atomic_load(&t.et_tid), 0, -1));
	evt_barrier_wait(&b);
	evt_thread_join(&t);
	evt_barrier_destroy(&b);
#else
	(void)be_a_thread;
	(void)b;
	(void)t;
#endif
	src_close(&sr, proc_ops->po_close);
}

TC(attach__no_descriptor_left, "EMFILE where a watch needs a descriptor")
{
	struct rlimit all, few;
	struct evt_child c;
	struct proc pr;
	struct src sr;
	int error, fd;

	src_open(&sr);
	evt_child_start(&c, evt_child_obey);
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &all));
	ATF_REQUIRE((fd = dup(0)) != -1);
	few = all;
	few.rlim_cur = (rlim_t)fd;
	(void)close(fd);
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	memset(&pr, 0, sizeof(pr));
	error = proc_try(&sr, &pr, c.ec_pid, 0, -1);
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &all));
	ATF_REQUIRE_EQ_MSG(EMFILE, error, "%s", strerror(error));
	proc_attach(&sr, &pr, c.ec_pid, 0);
	evt_child_tell(&c, 3);
	proc_expect_end(&pr, 3 << 8);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	src_close(&sr, proc_ops->po_close);
}

/* ---- life -------------------------------------------------------------- */

TC(detach__silent, "What was detached is not told, and leaves no trace")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;
	bool before[64];
	int fd, i;

	src_open(&sr);
	evt_child_start(&c, evt_child_obey);
	proc_attach(&sr, &pr, c.ec_pid, 0);
	proc_detach(&pr);
	for (fd = 0; fd < 64; fd++)
		before[fd] = fcntl(fd, F_GETFD) != -1;
	for (i = 0; i < 50; i++) {
		proc_attach(&sr, &pr, c.ec_pid, 0);
		proc_detach(&pr);
	}
	for (fd = 0; fd < 64; fd++)
		ATF_REQUIRE_EQ(before[fd], fcntl(fd, F_GETFD) != -1);
	evt_child_tell(&c, 1);
	proc_quiet(&pr);
	ATF_REQUIRE_EQ(0, pr.pr_bits);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	/* watches that are left go with the state */
	evt_child_start(&c, evt_child_obey);
	proc_attach(&sr, &pr, c.ec_pid, 0);
	src_close(&sr, proc_ops->po_close);
	evt_child_tell(&c, 1);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
}

static int
count_descriptors(void)
{
	int fd, n = 0;

	for (fd = 3; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return (n);
}

static int parents_descriptors;

/*
 * In the child; core calls po_fork_child there.  A queue does not even come
 * with a fork.
 */
static int
be_a_child(void *arg)
{
	struct src *sr = arg;

	proc_ops->po_fork_child(&sr->sr_state);
	return (count_descriptors() < parents_descriptors ? 0 : 1);
}

TC(fork__child_drops_all, "The child of fork closes what it inherited")
{
	struct evt_child c;
	struct proc one, two;
	struct src sr;

	src_open(&sr);
	evt_child_start(&c, evt_child_obey);
	proc_attach(&sr, &one, c.ec_pid, 0);
	proc_attach(&sr, &two, getppid(), 0);
	parents_descriptors = count_descriptors();
	ATF_REQUIRE_EQ(0, evt_in_child(be_a_child, &sr));
	proc_quiet(&one);
	evt_child_tell(&c, 6);
	proc_expect_end(&one, 6 << 8);
	ATF_REQUIRE_EQ(0, two.pr_bits);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	src_close(&sr, proc_ops->po_close);
}

ATF_TP_ADD_TCS(tp)
{
	ADD(tp, exit__status);
	ADD(tp, exit__zombie);
	ADD(tp, exit__reaped_first);
	ADD(tp, exit__sigchld_ignored);
	ADD(tp, exit__sigchld_handled);
	ADD(tp, exit__sigchld_blocked);
	ADD(tp, exit__stranger);
	ADD(tp, exit__many);
#if defined(__linux__) && defined(SYS_pidfd_open)
	ADD(tp, exit__descriptor);
#endif
	ADD(tp, attach__no_such_process);
	ADD(tp, attach__no_descriptor_left);
	ADD(tp, detach__silent);
	ADD(tp, fork__child_drops_all);
	return (atf_no_error());
}
