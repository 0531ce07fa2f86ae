/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * sigwatch: see sigwatch.h.
 */
#include "config.h"

#include "sigwatch.h"

#include "backends/poll/pollthread.h"

const struct evany__signal_ops *sig_ops;
atomic_int sig_called;

static void
tick_nothing(struct evany__bg_tick *bt)
{
	(void)bt;
}

static struct evany__bg_tick thread_starter = { .bt_fn = tick_nothing };

void
sig_run(const struct evany__signal_ops *ops, void (*body)(void))
{
	sig_ops = ops;
	if (ops->so_probe() != 0)
		atf_tc_skip("%s does not work here", ops->so_name);
	if (strcmp(ops->so_name, "signalfd") == 0 &&
	    strcmp(evt_backend(), "poll") == 0)
		atf_tc_skip("signalfd needs a mechanism that knows edges");
	/* The thread that looks for blocked signals keeps two descriptors. */
	if (evany__bg_tick_start(&thread_starter, 1000) == 0)
		evany__bg_tick_stop(&thread_starter);
	evt_begin();
	body();
	evt_end();
}

static void
sig_fired(struct evany__sigwatch *sw, uint64_t n)
{
	struct sig *sg = (struct sig *)(void *)sw;

	ATF_REQUIRE(n > 0);
	sg->sg_sent += n;
	src_fired(sg->sg_src);
}

int
sig_try(struct src *sr, struct sig *sg, int signo)
{
	int error;

	memset(sg, 0, sizeof(*sg));
	sg->sg_src = sr;
	sg->sg_watch.sw_inst = sr->sr_inst;
	sg->sg_watch.sw_fire = sig_fired;
	sg->sg_watch.sw_signo = signo;
	src_enter(sr);
	errno = 77;
	error = sig_ops->so_attach(&sr->sr_state, &sg->sg_watch);
	ATF_REQUIRE_EQ(77, errno);
	src_leave(sr);
	return (error);
}

void
sig_attach(struct src *sr, struct sig *sg, int signo)
{
	ATF_REQUIRE_EQ(0, sig_try(sr, sg, signo));
}

void
sig_detach(struct sig *sg)
{
	struct src *sr = sg->sg_src;

	src_enter(sr);
	errno = 77;
	sig_ops->so_detach(&sr->sr_state, &sg->sg_watch);
	ATF_REQUIRE_EQ(77, errno);
	src_leave(sr);
}

void
sig_expect(struct sig *sg, uint64_t sent)
{
	int64_t end = evt_now_ns() + EVT_WAIT_MS * INT64_C(1000000);

	while (sg->sg_sent < sent && evt_now_ns() < end)
		(void)src_wait(sg->sg_src, sig_ops->so_refresh, EVT_WAIT_MS);
	ATF_REQUIRE_EQ_MSG(sent, sg->sg_sent, "%ju sent, %ju told",
	    (uintmax_t)sent, (uintmax_t)sg->sg_sent);
	while (src_wait(sg->sg_src, sig_ops->so_refresh, EVT_QUIET_MS) !=
	    ETIMEDOUT)
		continue;
	ATF_REQUIRE_EQ_MSG(sent, sg->sg_sent, "%ju sent, %ju told",
	    (uintmax_t)sent, (uintmax_t)sg->sg_sent);
}

void
sig_refresh(struct src *sr)
{
	src_enter(sr);
	errno = 77;
	sig_ops->so_refresh(&sr->sr_state);
	ATF_REQUIRE_EQ(77, errno);
	src_leave(sr);
}

void
sig_send(int signo)
{
	ATF_REQUIRE_EQ(0, kill(getpid(), signo));
}

void
sig_handler(int signo)
{
	(void)signo;
	sig_called++;
}

void
sig_set(int signo, void (*fn)(int), int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = fn;
	sa.sa_flags = flags;
	(void)sigemptyset(&sa.sa_mask);
	ATF_REQUIRE_EQ(0, sigaction(signo, &sa, NULL));
}

bool
sig_handled_by(int signo, void (*fn)(int))
{
	struct sigaction sa;

	ATF_REQUIRE_EQ(0, sigaction(signo, NULL, &sa));
	return ((sa.sa_flags & SA_SIGINFO) == 0 && sa.sa_handler == fn);
}

void
sig_block(int how, int signo)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, signo);
	ATF_REQUIRE_EQ(0, pthread_sigmask(how, &set, NULL));
}

bool
sig_pending(int signo)
{
	sigset_t set;

	ATF_REQUIRE_EQ(0, sigpending(&set));
	return (sigismember(&set, signo) == 1);
}
