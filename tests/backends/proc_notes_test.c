/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * proc_notes: forks, execs and new children, by whoever tells of them here.
 *
 * Each case runs with perf events, with the process connector (perf events
 * are refused by a filter of system calls), and where it is about what is
 * missing, with neither and with the portable mechanism.
 */
#include "config.h"

#include <sys/wait.h>

#ifdef EVANY_BE_PIDFD
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>

#include <stddef.h>
#endif

#include "procwatch.h"

enum tells { BY_PERF, BY_CONNECTOR, BY_NOBODY };

#ifdef EVANY_BE_PIDFD
#define FILTER_LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS,	\
	(unsigned)offsetof(struct seccomp_data, field))
#define FILTER_EQUAL(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, yes, no)
#define FILTER_ANSWER(k)	BPF_STMT(BPF_RET | BPF_K, k)

/* Refuses perf events, and netlink sockets too if asked. */
static void
refuse(bool netlink)
{
	struct sock_filter code[] = {
		FILTER_LOAD(nr),
		FILTER_EQUAL(SYS_perf_event_open, 4, 0),
		FILTER_EQUAL(SYS_socket, 0, 2),
		FILTER_LOAD(args[0]),
		FILTER_EQUAL(netlink ? AF_NETLINK : 0xffff, 1, 0),
		FILTER_ANSWER(SECCOMP_RET_ALLOW),
		FILTER_ANSWER(SECCOMP_RET_ERRNO | EACCES)
	};
	struct sock_fprog prog = { .len = EVT_NITEMS(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == -1)
		atf_tc_skip("no filter of system calls: %s", strerror(errno));
}
#endif

static void
run(enum tells by, const struct evany__proc_ops *ops, void (*body)(void))
{
	struct proc probe;
	struct src sr;
	int error;

#ifdef EVANY_BE_PIDFD
	if (ops != &evany__proc_selfpipe_ops && by != BY_PERF)
		refuse(by == BY_NOBODY);
#endif
	if (by != BY_NOBODY) {
		proc_ops = ops;
		memset(&probe, 0, sizeof(probe));
		src_open(&sr);
		error = proc_try(&sr, &probe, getpid(), EVANY__P_EXEC, -1);
		src_close(&sr, ops->po_close);
		if (error != 0 || (by == BY_PERF && !evt_forks_are_told()))
			atf_tc_skip("nobody tells of forks: %s",
			    strerror(error));
	}
	proc_run(ops, body);
}

#define CASE(mech, by, ops, name, text)					\
	ATF_TC(mech##__##name);						\
	ATF_TC_HEAD(mech##__##name, tc)					\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
	}								\
	ATF_TC_BODY(mech##__##name, tc)					\
	{								\
		run(by, &ops, body_##name);				\
	}

#ifdef EVANY_BE_KQUEUE
#define CASE_KQUEUE(mech, by, name, text)				\
	CASE(mech, by, evany__proc_kqueue_ops, name, text)
#define ADD_KQUEUE(tp, mech, name)	ATF_TP_ADD_TC(tp, mech##__##name)
#else
#define CASE_KQUEUE(mech, by, name, text)
#define ADD_KQUEUE(tp, mech, name)	do { } while (0)
#endif

#define TOLD(name, text)						\
	static void body_##name(void);					\
	CASE(perf, BY_PERF, evany__proc_pidfd_ops, name, text)		\
	CASE(connector, BY_CONNECTOR, evany__proc_pidfd_ops, name, text) \
	CASE_KQUEUE(kqueue, BY_PERF, name, text)			\
	static void							\
	body_##name(void)

#ifdef EVANY_BE_PIDFD
#define CASE_ALONE(name, text)						\
	CASE(alone, BY_NOBODY, evany__proc_pidfd_ops, name, text)
#define ADD_ALONE(tp, name)	ATF_TP_ADD_TC(tp, alone__##name)
#define ADD_TOLD(tp, name) do {						\
	ATF_TP_ADD_TC(tp, perf__##name);				\
	ATF_TP_ADD_TC(tp, connector__##name);				\
	ADD_KQUEUE(tp, kqueue, name);					\
} while (0)
#else
#define CASE_ALONE(name, text)
#define ADD_ALONE(tp, name)	do { } while (0)
#endif

#define UNTOLD(name, text)						\
	static void body_##name(void);					\
	CASE_ALONE(name, text)						\
	CASE_KQUEUE(kqueue_alone, BY_NOBODY, name, text)		\
	CASE(selfpipe, BY_NOBODY, evany__proc_selfpipe_ops, name, text)	\
	static void							\
	body_##name(void)
#define ADD_UNTOLD(tp, name) do {					\
	ADD_ALONE(tp, name);						\
	ADD_KQUEUE(tp, kqueue_alone, name);				\
	ATF_TP_ADD_TC(tp, selfpipe__##name);				\
} while (0)

#define ALL_NOTES	(EVANY__P_FORK | EVANY__P_EXEC | EVANY__P_CHILD)

/* ---- a process that does as it is told --------------------------------- */

static int actor_in, actor_out;

static pid_t
quick_child(int status)
{
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(status);
	(void)waitpid(pid, NULL, 0);
	return (pid);
}

static void *
idle(void *arg)
{
	return (arg);
}

static void *
act(void *arg)
{
	pid_t kid = 0, pid;
	pthread_t t;
	int order;

	(void)arg;
	while ((order = evt_child_order(actor_in)) != -1) {
		switch (order) {
		case 'f':	/* a child that is gone again */
			kid = quick_child(3);
			break;
		case 'g':	/* the same with a child of its own */
			if ((kid = fork()) == 0) {
				(void)quick_child(4);
				_exit(5);
			}
			(void)waitpid(kid, NULL, 0);
			break;
		case 'w':	/* the same with a thread of its own */
			if ((kid = fork()) == 0) {
				if (pthread_create(&t, NULL, idle, NULL) == 0)
					(void)pthread_join(t, NULL);
				_exit(5);
			}
			(void)waitpid(kid, NULL, 0);
			break;
		case 'k':	/* one that stays */
			if ((kid = fork()) == 0)
				for (;;)
					(void)pause();
			break;
		case 'K':	/* and goes, with a status of 9 */
			(void)kill(kid, SIGKILL);
			(void)waitpid(kid, NULL, 0);
			break;
		case 't':	/* a thread that goes on, with its own child */
			if (pthread_create(&t, NULL, act, NULL) != 0)
				return (NULL);
			(void)pthread_join(t, NULL);
			return (NULL);
		case 'e':	/* another program, which ends at once */
			(void)execl("/bin/sh", "sh", "-c", "exit 6", NULL);
			return (NULL);
		case 'v':	/* a child that becomes another program */
			if ((kid = fork()) == 0) {
				(void)execl("/bin/sh", "sh", "-c", "exit 7",
				    NULL);
				_exit(99);
			}
			(void)waitpid(kid, NULL, 0);
			break;
#ifdef EVANY_BE_PIDFD
		case 'n':	/* another name, which no exec brings */
			(void)prctl(PR_SET_NAME, "renamed", 0, 0, 0);
			break;
#endif
		case 'o':	/* nothing */
			break;
		default:
			_exit(order);
		}
		pid = kid;
		evt_child_answer(actor_out, &pid, sizeof(pid));
	}
	return (NULL);
}

static int
actor(int in, int out)
{
	actor_in = in;
	actor_out = out;
	(void)act(NULL);
	return (0);
}

static pid_t
tell(struct evt_child *c, int order)
{
	pid_t pid;

	evt_child_tell(c, order);
	evt_child_hear(c, &pid, sizeof(pid));
	return (pid);
}

static void
finish(struct evt_child *c)
{
	evt_child_drop(c);
	(void)evt_reap(c->ec_pid);
}

/* ---- what is told ------------------------------------------------------ */

#ifdef EVANY_BE_PIDFD
static struct proc *
kid_of(struct proc *root, pid_t pid)
{
	int i;

	for (i = 0; i < root->pr_nkids; i++)
		if (root->pr_kids[i].pr_watch.pw_pid == pid)
			return (&root->pr_kids[i]);
	atf_tc_fail("child %jd is not told", (intmax_t)pid);
}

TOLD(fork__told, "Forks are told, until the watch wants them no more")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;
	int i;

	src_open(&sr);
	evt_child_start(&c, actor);
	proc_attach(&sr, &pr, c.ec_pid, EVANY__P_FORK);
	(void)tell(&c, 'o');
	proc_quiet(&pr);
	for (i = 1; i <= 3; i++) {
		(void)tell(&c, 'f');
		proc_expect_forks(&pr, i);
		proc_quiet(&pr);
	}
	ATF_REQUIRE_EQ(0, proc_modify(&pr, 0));
	(void)tell(&c, 'f');
	proc_quiet(&pr);
	ATF_REQUIRE_EQ(0, proc_modify(&pr, EVANY__P_FORK));
	(void)tell(&c, 'f');
	proc_expect_forks(&pr, 4);
	evt_child_tell(&c, 2);
	proc_expect_end(&pr, 2 << 8);
	finish(&c);
	src_close(&sr, proc_ops->po_close);
}

TOLD(fork__threads, "Threads are no forks; their forks are")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;

	evt_skip_tsan(EVT_TSAN_FORKED);
	src_open(&sr);
	evt_child_start(&c, actor);
	proc_attach(&sr, &pr, c.ec_pid, EVANY__P_FORK);
	evt_child_tell(&c, 't');
	(void)tell(&c, 'o');
	proc_quiet(&pr);
	(void)tell(&c, 'f');
	proc_expect(&pr, EVANY__P_FORK);
	proc_detach(&pr);
	/* a thread that was there before */
	proc_attach(&sr, &pr, c.ec_pid, EVANY__P_FORK);
	(void)tell(&c, 'f');
	proc_expect(&pr, EVANY__P_FORK);
	proc_quiet(&pr);
	proc_detach(&pr);
	finish(&c);
	src_close(&sr, proc_ops->po_close);
}

TOLD(exec__told, "An exec is told, and the process is the same")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;

	src_open(&sr);
	evt_child_start(&c, actor);
	proc_attach(&sr, &pr, c.ec_pid, EVANY__P_EXEC);
	(void)tell(&c, 'f');
	(void)tell(&c, 'n');
	proc_quiet(&pr);
	evt_child_tell(&c, 'e');
	proc_expect(&pr, EVANY__P_EXEC);
	proc_expect_end(&pr, 6 << 8);
	finish(&c);
	src_close(&sr, proc_ops->po_close);
}

TOLD(child__followed, "A child is told with its pid and can be watched")
{
	struct proc *kid, kids[PROC_MANY], pr;
	struct evt_child c;
	struct src sr;
	pid_t pid;

	src_open(&sr);
	evt_child_start(&c, actor);
	proc_attach_all(&sr, &pr, c.ec_pid, EVANY__P_CHILD, kids);
	pid = tell(&c, 'k');
	proc_expect(&pr, EVANY__P_CHILD);
	ATF_REQUIRE_EQ(1, pr.pr_nkids);
	kid = kid_of(&pr, pid);
	ATF_REQUIRE_EQ(0, proc_ended(kid));
	proc_quiet(kid);
	(void)tell(&c, 'K');
	proc_expect(kid, EVANY__P_EXIT);
	ATF_REQUIRE(kid->pr_status == SIGKILL || !evt_status_is_told());
	ATF_REQUIRE_EQ(0, pr.pr_bits & EVANY__P_TRACKERR);
	proc_detach(&pr);
	proc_detach(kid);
	finish(&c);
	src_close(&sr, proc_ops->po_close);
}

TOLD(child__outlives_its_parent, "A child is watched on after its parent's end")
{
	struct proc *kid, kids[PROC_MANY], pr;
	struct evt_child c;
	struct src sr;
	pid_t pid;
	int i;

	src_open(&sr);
	for (i = 0; i < 2; i++) {
		evt_child_start(&c, actor);
		proc_attach_all(&sr, &pr, c.ec_pid, ALL_NOTES, kids);
		pid = tell(&c, 'k');
		if (i == 0) {
			proc_expect(&pr, EVANY__P_CHILD);
			proc_detach(&pr);
		}
		evt_child_tell(&c, 8);
		(void)evt_reap(c.ec_pid);
		evt_child_drop(&c);
		/* the second time it is told when the parent has gone */
		if (i == 1) {
			proc_expect(&pr, EVANY__P_CHILD);
			proc_expect_end(&pr, 8 << 8);
		}
		kid = kid_of(&pr, pid);
		ATF_REQUIRE_EQ(0, proc_ended(kid));
		ATF_REQUIRE_EQ(0, kill(pid, SIGKILL));
		proc_expect(kid, EVANY__P_EXIT);
		proc_detach(kid);
	}
	src_close(&sr, proc_ops->po_close);
}

TOLD(child__gone, "Children that came and went are told, with their ends")
{
	struct proc *kid, kids[PROC_MANY], pr;
	struct evt_child c;
	struct src sr;
	pid_t pid[4];
	int i;

	src_open(&sr);
	evt_child_start(&c, actor);
	proc_attach_all(&sr, &pr, c.ec_pid, ALL_NOTES, kids);
	for (i = 0; i < 3; i++)
		pid[i] = tell(&c, 'f');
	pid[3] = tell(&c, 'v');
	evt_child_tell(&c, 1);
	(void)evt_reap(c.ec_pid);
	proc_expect_kids(&pr, 4);
	proc_expect(&pr, EVANY__P_FORK | EVANY__P_CHILD);
	for (i = 0; i < 4; i++) {
		kid = kid_of(&pr, pid[i]);
		proc_expect(kid, EVANY__P_EXIT | (i == 3 ? EVANY__P_EXEC : 0));
		ATF_REQUIRE_EQ(1, proc_ended(kid));
	}
	proc_expect_end(&pr, 1 << 8);
	ATF_REQUIRE_EQ(0, pr.pr_bits & EVANY__P_TRACKERR);
	evt_child_drop(&c);
	src_close(&sr, proc_ops->po_close);
}

TOLD(child__grandchildren, "Children of children are told of their parents")
{
	struct proc *kid, kids[PROC_MANY], pr;
	struct evt_child c;
	struct src sr;
	pid_t pid;

	src_open(&sr);
	evt_child_start(&c, actor);
	proc_attach_all(&sr, &pr, c.ec_pid, ALL_NOTES, kids);
	pid = tell(&c, 'g');
	proc_expect(&pr, EVANY__P_CHILD);
	kid = kid_of(&pr, pid);
	proc_expect(kid, EVANY__P_FORK | EVANY__P_CHILD | EVANY__P_EXIT);
	proc_quiet(&pr);
	ATF_REQUIRE_EQ(2, pr.pr_nkids);
	ATF_REQUIRE_EQ(1, pr.pr_forks);
	ATF_REQUIRE_EQ(1, kids[0].pr_forks);
	ATF_REQUIRE_EQ(EVANY__P_EXIT, kids[1].pr_bits);
	proc_detach(&pr);
	finish(&c);
	src_close(&sr, proc_ops->po_close);
}

TOLD(child__with_a_thread, "A thread of a child is nobody's child")
{
	struct proc kids[PROC_MANY], pr;
	struct evt_child c;
	struct src sr;
	pid_t pid;

	evt_skip_tsan(EVT_TSAN_FORKED);
	src_open(&sr);
	evt_child_start(&c, actor);
	proc_attach_all(&sr, &pr, c.ec_pid, ALL_NOTES, kids);
	pid = tell(&c, 'w');
	proc_expect(&pr, EVANY__P_CHILD);
	proc_expect(kid_of(&pr, pid), EVANY__P_EXIT);
	proc_quiet(&pr);
	ATF_REQUIRE_EQ(1, pr.pr_nkids);
	ATF_REQUIRE_EQ(1, pr.pr_forks);
	ATF_REQUIRE_EQ(0, kids[0].pr_forks);
	proc_detach(&pr);
	finish(&c);
	src_close(&sr, proc_ops->po_close);
}

TOLD(strangers__many, "Nothing is lost for what others do meanwhile")
{
	struct proc kids[PROC_MANY], pr;
	struct evt_child c;
	struct src sr;
	pid_t pid;
	int i;

	src_open(&sr);
	evt_child_start(&c, actor);
	proc_attach_all(&sr, &pr, c.ec_pid, ALL_NOTES, kids);
	for (i = 0; i < 150; i++)
		(void)quick_child(0);
	pid = tell(&c, 'f');
	proc_expect_kids(&pr, 1);
	proc_expect(kid_of(&pr, pid), EVANY__P_EXIT);
	ATF_REQUIRE_EQ(0, pr.pr_bits & EVANY__P_TRACKERR);
	proc_detach(&pr);
	finish(&c);
	src_close(&sr, proc_ops->po_close);
}

TOLD(collect__after_poll, "A poll(2) of the queue takes nothing away")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;

	src_open(&sr);
	evt_child_start(&c, actor);
	proc_attach(&sr, &pr, c.ec_pid, EVANY__P_FORK);
	proc_quiet(&pr);
	(void)tell(&c, 'f');
	ATF_REQUIRE(evt_readable(sr.sr_number, EVT_WAIT_MS));
	(void)evt_readable(sr.sr_number, 0);
	ATF_REQUIRE_EQ(0, src_wait(&sr, proc_ops->po_collect, 0));
	ATF_REQUIRE_EQ(EVANY__P_FORK, pr.pr_bits);
	proc_detach(&pr);
	finish(&c);
	src_close(&sr, proc_ops->po_close);
}

TOLD(close__with_watches, "The state goes with all that is open")
{
	struct proc kids[PROC_MANY], one, two;
	struct evt_child c, d;
	struct src sr;

	src_open(&sr);
	evt_child_start(&c, actor);
	evt_child_start(&d, actor);
	proc_attach_all(&sr, &one, c.ec_pid, ALL_NOTES, kids);
	proc_attach(&sr, &two, d.ec_pid, EVANY__P_FORK);
	(void)tell(&c, 'k');
	proc_expect(&one, EVANY__P_CHILD);
	src_close(&sr, proc_ops->po_close);
	(void)tell(&c, 'K');
	evt_child_tell(&d, 0);
	finish(&d);
	finish(&c);
}
#endif /* EVANY_BE_PIDFD */

/* ---- what is not ------------------------------------------------------- */

UNTOLD(refused__forks_and_execs, "ENOTSUP if only forks or execs are wanted")
{
	static const unsigned want[] = { EVANY__P_FORK, EVANY__P_EXEC,
	    EVANY__P_FORK | EVANY__P_EXEC };
	struct evt_child c;
	struct proc pr;
	struct src sr;
	int i;

	src_open(&sr);
	evt_child_start(&c, actor);
	for (i = 0; i < EVT_NITEMS(want); i++) {
		memset(&pr, 0, sizeof(pr));
		ATF_REQUIRE_EQ(ENOTSUP, proc_try(&sr, &pr, c.ec_pid, want[i],
		    -1));
		ATF_REQUIRE_EQ(0, pr.pr_times);
	}
	proc_attach(&sr, &pr, c.ec_pid, 0);
	for (i = 0; i < EVT_NITEMS(want); i++)
		ATF_REQUIRE_EQ(ENOTSUP, proc_modify(&pr, want[i]));
	evt_child_tell(&c, 3);
	proc_expect_end(&pr, 3 << 8);
	finish(&c);
	src_close(&sr, proc_ops->po_close);
}

UNTOLD(refused__children, "Who follows children is told once of the failure")
{
	struct evt_child c;
	struct proc pr;
	struct src sr;

	src_open(&sr);
	evt_child_start(&c, actor);
	proc_attach(&sr, &pr, c.ec_pid, ALL_NOTES);
	proc_expect(&pr, EVANY__P_TRACKERR);
	(void)tell(&c, 'f');
	proc_quiet(&pr);
	ATF_REQUIRE_EQ(1, pr.pr_times);
	evt_child_tell(&c, 3);
	proc_expect_end(&pr, 3 << 8);
	ATF_REQUIRE_EQ(EVANY__P_TRACKERR | EVANY__P_EXIT, pr.pr_bits);
	finish(&c);
	src_close(&sr, proc_ops->po_close);
}

UNTOLD(own__forks, "A process is told of its own forks")
{
	struct proc one, two;
	struct src sr, sr2;
	int i;

	src_open(&sr);
	src_open(&sr2);
	proc_attach(&sr, &one, getpid(), EVANY__P_FORK);
	proc_attach(&sr2, &two, getpid(), EVANY__P_FORK | EVANY__P_CHILD);
	proc_quiet(&one);
	proc_quiet(&two);
	for (i = 1; i <= 2; i++) {
		(void)quick_child(0);
		(void)quick_child(0);
		proc_expect_forks(&one, i);
		proc_quiet(&one);
	}
	proc_expect(&two, EVANY__P_FORK | EVANY__P_TRACKERR);
	ATF_REQUIRE_EQ(0, proc_modify(&one, 0));
	(void)quick_child(0);
	proc_quiet(&one);
	proc_detach(&one);
	proc_detach(&two);
	(void)quick_child(0);
	src_close(&sr, proc_ops->po_close);
	src_close(&sr2, proc_ops->po_close);
}

ATF_TP_ADD_TCS(tp)
{
#ifdef EVANY_BE_PIDFD
	ADD_TOLD(tp, fork__told);
	ADD_TOLD(tp, fork__threads);
	ADD_TOLD(tp, exec__told);
	ADD_TOLD(tp, child__followed);
	ADD_TOLD(tp, child__outlives_its_parent);
	ADD_TOLD(tp, child__gone);
	ADD_TOLD(tp, child__grandchildren);
	ADD_TOLD(tp, child__with_a_thread);
	ADD_TOLD(tp, strangers__many);
	ADD_TOLD(tp, collect__after_poll);
	ADD_TOLD(tp, close__with_watches);
#endif
	ADD_UNTOLD(tp, refused__forks_and_execs);
	ADD_UNTOLD(tp, refused__children);
	ADD_UNTOLD(tp, own__forks);
	return (atf_no_error());
}
