/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * procwatch: see procwatch.h.
 */
#include "config.h"

#include "procwatch.h"

#include "backends/poll/pollthread.h"

const struct evany__proc_ops *proc_ops;

static void
tick_nothing(struct evany__bg_tick *bt)
{
	(void)bt;
}

static struct evany__bg_tick thread_starter = { .bt_fn = tick_nothing };

void
proc_run(const struct evany__proc_ops *ops, void (*body)(void))
{
	proc_ops = ops;
	if (ops->po_probe() != 0)
		atf_tc_skip("%s does not work here", ops->po_name);
	/* The thread that asks for strangers keeps two descriptors. */
	if (evany__bg_tick_start(&thread_starter, 1000) == 0)
		evany__bg_tick_stop(&thread_starter);
	evt_begin();
	body();
	evt_end();
}

static void	proc_fired(struct evany__procwatch *, unsigned, int64_t);

static int
proc_begin(struct src *sr, struct proc *pr, pid_t pid, unsigned want, int fd)
{
	pr->pr_src = sr;
	pr->pr_watch.pw_inst = sr->sr_inst;
	pr->pr_watch.pw_fire = proc_fired;
	pr->pr_watch.pw_pid = pid;
	pr->pr_watch.pw_want = want | EVANY__P_EXIT;
	return (proc_ops->po_attach(&sr->sr_state, &pr->pr_watch, fd));
}

static void
proc_fired(struct evany__procwatch *pw, unsigned bits, int64_t data)
{
	struct proc *kid, *pr = (struct proc *)(void *)pw, *root;

	ATF_REQUIRE_EQ_MSG(0, pr->pr_ends, "told %#x after the end", bits);
	ATF_REQUIRE_EQ_MSG(0, bits & ~(pw->pw_want | EVANY__P_TRACKERR),
	    "told %#x of %#x", bits, pw->pw_want);
	pr->pr_bits |= bits;
	pr->pr_times++;
	pr->pr_forks += (bits & EVANY__P_FORK) != 0;
	if ((bits & EVANY__P_EXIT) != 0) {
		pr->pr_ends++;
		pr->pr_status = data;
	}
	src_fired(pr->pr_src);
	if ((bits & EVANY__P_CHILD) == 0)
		return;
	root = pr->pr_root != NULL ? pr->pr_root : pr;
	if (root->pr_kids == NULL || root->pr_nkids == PROC_MANY)
		return;
	kid = &root->pr_kids[root->pr_nkids++];
	memset(kid, 0, sizeof(*kid));
	kid->pr_root = root;
	if (proc_begin(pr->pr_src, kid, (pid_t)data, pw->pw_want, -1) != 0)
		root->pr_bits |= EVANY__P_TRACKERR;
}

int
proc_try(struct src *sr, struct proc *pr, pid_t pid, unsigned want, int fd)
{
	int error;

	src_enter(sr);
	errno = 77;
	error = proc_begin(sr, pr, pid, want, fd);
	ATF_REQUIRE_EQ(77, errno);
	src_leave(sr);
	return (error);
}

void
proc_attach(struct src *sr, struct proc *pr, pid_t pid, unsigned want)
{
	proc_attach_all(sr, pr, pid, want, NULL);
}

void
proc_attach_all(struct src *sr, struct proc *pr, pid_t pid, unsigned want,
    struct proc *kids)
{
	int error;

	memset(pr, 0, sizeof(*pr));
	pr->pr_kids = kids;
	error = proc_try(sr, pr, pid, want, -1);
	ATF_REQUIRE_EQ_MSG(0, error, "%s", strerror(error));
}

void
proc_detach(struct proc *pr)
{
	struct src *sr = pr->pr_src;

	src_enter(sr);
	errno = 77;
	proc_ops->po_detach(&sr->sr_state, &pr->pr_watch);
	ATF_REQUIRE_EQ(77, errno);
	src_leave(sr);
}

int
proc_modify(struct proc *pr, unsigned want)
{
	struct src *sr = pr->pr_src;
	unsigned had = pr->pr_watch.pw_want;
	int error;

	src_enter(sr);
	errno = 77;
	pr->pr_watch.pw_want = want | EVANY__P_EXIT;
	error = proc_ops->po_modify(&sr->sr_state, &pr->pr_watch);
	if (error != 0)
		pr->pr_watch.pw_want = had;
	ATF_REQUIRE_EQ(77, errno);
	src_leave(sr);
	return (error);
}

int
proc_ended(struct proc *pr)
{
	int ended;

	src_enter(pr->pr_src);
	errno = 77;
	ended = proc_ops->po_ended(&pr->pr_watch);
	ATF_REQUIRE_EQ(77, errno);
	src_leave(pr->pr_src);
	return (ended);
}

void
proc_expect(struct proc *pr, unsigned bits)
{
	int64_t end = evt_now_ns() + EVT_WAIT_MS * INT64_C(1000000);

	while ((pr->pr_bits & bits) != bits && evt_now_ns() < end)
		(void)src_wait(pr->pr_src, proc_ops->po_collect, EVT_WAIT_MS);
	ATF_REQUIRE_EQ_MSG(bits, pr->pr_bits & bits, "%#x told", pr->pr_bits);
}

void
proc_expect_forks(struct proc *pr, int times)
{
	int64_t end = evt_now_ns() + EVT_WAIT_MS * INT64_C(1000000);

	while (pr->pr_forks < times && evt_now_ns() < end)
		(void)src_wait(pr->pr_src, proc_ops->po_collect, EVT_WAIT_MS);
	ATF_REQUIRE_EQ(times, pr->pr_forks);
}

void
proc_expect_kids(struct proc *pr, int kids)
{
	int64_t end = evt_now_ns() + EVT_WAIT_MS * INT64_C(1000000);

	while (pr->pr_nkids < kids && evt_now_ns() < end)
		(void)src_wait(pr->pr_src, proc_ops->po_collect, EVT_WAIT_MS);
	ATF_REQUIRE_EQ(kids, pr->pr_nkids);
}

void
proc_quiet(struct proc *pr)
{
	int times = pr->pr_times;

	while (src_wait(pr->pr_src, proc_ops->po_collect, EVT_QUIET_MS) !=
	    ETIMEDOUT)
		continue;
	ATF_REQUIRE_EQ_MSG(times, pr->pr_times, "%#x told", pr->pr_bits);
}

void
proc_expect_end(struct proc *pr, int status)
{
	proc_expect(pr, EVANY__P_EXIT);
	ATF_REQUIRE_EQ_MSG(status, pr->pr_status, "status %#jx",
	    (uintmax_t)pr->pr_status);
	ATF_REQUIRE_EQ(1, proc_ended(pr));
	proc_quiet(pr);
	/* the watch has ended, but may be detached */
	proc_detach(pr);
}
