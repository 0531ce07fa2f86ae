/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * signal_contract: what struct evany__signal_ops promises, on each mechanism:
 * counting, and the dispositions of the program.
 */
#include "config.h"

#include <sys/wait.h>

#include "evt_child.h"
#include "sigwatch.h"

static volatile sig_atomic_t called_other, called_pid, called_code;
static sigset_t called_mask;
static char *volatile called_at;
static struct sigaction saved;

static void
handler_other(int signo)
{
	(void)signo;
	called_other++;
}

static void
handler_info(int signo, siginfo_t *si, void *context)
{
	char here = 0;

	(void)signo;
	(void)context;
	sig_called++;
	called_pid = (sig_atomic_t)si->si_pid;
	called_code = si->si_code;
	called_at = &here;
	(void)pthread_sigmask(SIG_BLOCK, NULL, &called_mask);
}

/* Calls the one it has replaced, as polite programs do. */
static void
handler_chain(int signo, siginfo_t *si, void *context)
{
	called_other++;
	if ((saved.sa_flags & SA_SIGINFO) != 0)
		saved.sa_sigaction(signo, si, context);
	else if (saved.sa_handler != SIG_DFL && saved.sa_handler != SIG_IGN)
		saved.sa_handler(signo);
}

/*
 * With the state gone, the disposition is the program's; a queue of this library
 * sees to that when it is noticed that it was closed.
 */
static void
require_the_programs(int signo)
{

	if (strcmp(sig_ops->so_name, "kqueue") != 0)
		ATF_REQUIRE(sig_handled_by(signo, sig_handler));
}

/* ---- counting ---------------------------------------------------------- */

SIG_TC(attach__counts_each_signal, "Signals sent from the attach on count")
{
	struct src sr;
	struct sig sg;
	int i;

	sig_set(SIGUSR1, sig_handler, 0);
	src_open(&sr);
	sig_send(SIGUSR1);
	sig_attach(&sr, &sg, SIGUSR1);
	sig_expect(&sg, 0);
	for (i = 0; i < 5; i++)
		sig_send(SIGUSR1);
	sig_expect(&sg, 5);
	ATF_REQUIRE_EQ(6, sig_called);
	sig_detach(&sg);
	sig_send(SIGUSR1);
	sig_attach(&sr, &sg, SIGUSR1);
	sig_expect(&sg, 0);
	ATF_REQUIRE_EQ(7, sig_called);
	src_close(&sr, sig_ops->so_close);
}

SIG_TC(attach__no_such_signal, "A number that no signal has is EINVAL")
{
	static const int bad[] = { 0, -1, 127, 128, 1 << 20, -SIGUSR1 };
	struct src sr;
	struct sig sg;
	int i;

	src_open(&sr);
	for (i = 0; i < EVT_NITEMS(bad); i++) {
		ATF_REQUIRE_EQ_MSG(EINVAL, sig_try(&sr, &sg, bad[i]), "%d",
		    bad[i]);
		ATF_REQUIRE_EQ_MSG(NULL, sr.sr_state, "nothing remains");
	}
	src_close(&sr, sig_ops->so_close);
}

SIG_TC(attach__kill_and_stop, "Signals that nobody sees can be watched")
{
	struct src sr;
	struct sig one, two;

	src_open(&sr);
	sig_attach(&sr, &one, SIGKILL);
	sig_attach(&sr, &two, SIGSTOP);
	sig_expect(&one, 0);
	sig_detach(&one);
	sig_detach(&two);
	src_close(&sr, sig_ops->so_close);
}

SIG_TC(attach__two_instances,
    "Each instance is told, and each watch its signal")
{
	struct sig one, other, two;
	struct src sr, sr2;

	sig_set(SIGUSR1, sig_handler, 0);
	sig_set(SIGUSR2, sig_handler, 0);
	src_open(&sr);
	src_open(&sr2);
	sig_attach(&sr, &one, SIGUSR1);
	sig_attach(&sr2, &two, SIGUSR1);
	sig_attach(&sr2, &other, SIGUSR2);
	sig_send(SIGUSR1);
	sig_expect(&two, 1);
	sig_expect(&one, 1);
	ATF_REQUIRE_EQ(0, other.sg_sent);
	sig_detach(&one);
	sig_send(SIGUSR1);
	sig_send(SIGUSR2);
	sig_expect(&two, 2);
	sig_expect(&other, 1);
	ATF_REQUIRE_EQ(1, one.sg_sent);
	src_close(&sr, sig_ops->so_close);
	src_close(&sr2, sig_ops->so_close);
	require_the_programs(SIGUSR1);
	require_the_programs(SIGUSR2);
}

struct sender {
	pthread_t	to;
	int		times;
};

static void
send_to_thread(void *arg)
{
	struct sender *se = arg;

	while (se->times-- > 0)
		(void)pthread_kill(se->to, SIGUSR1);
}

SIG_TC(attach__thread_directed, "Signals to any thread count")
{
	struct sender se = { .to = pthread_self(), .times = 1 };
	struct evt_thread t;
	struct src sr;
	struct sig sg;

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	sig_set(SIGUSR1, sig_handler, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	evt_thread_start(&t, send_to_thread, &se);
	evt_thread_join(&t);
	sig_expect(&sg, 1);
	se.to = pthread_self();
	sig_block(SIG_BLOCK, SIGUSR1);
	se.times = 1;
	evt_thread_start(&t, send_to_thread, &se);
	evt_thread_join(&t);
	sig_expect(&sg, 2);
	sig_block(SIG_UNBLOCK, SIGUSR1);
	sig_expect(&sg, 2);
	ATF_REQUIRE_EQ(2, sig_called);
	src_close(&sr, sig_ops->so_close);
}

/* In the child; core calls so_fork_child there. */
static int
be_a_child(void *arg)
{
	struct src *sr = arg;

	sig_ops->so_fork_child(&sr->sr_state);
	if (!sig_handled_by(SIGUSR1, sig_handler) ||
	    !sig_handled_by(SIGURG, SIG_DFL))
		return (1);
	(void)raise(SIGUSR1);
	(void)raise(SIGURG);
	return (sig_called == 1 ? 0 : 2);
}

SIG_TC(fork__child_counts_nothing, "The child of fork has its own dispositions")
{
	struct sig sg, urgent;
	struct src sr;

	sig_set(SIGUSR1, sig_handler, 0);
	sig_set(SIGURG, SIG_DFL, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	sig_attach(&sr, &urgent, SIGURG);
	ATF_REQUIRE_EQ(0, evt_in_child(be_a_child, &sr));
	sig_expect(&sg, 0);
	sig_expect(&urgent, 0);
	sig_send(SIGUSR1);
	sig_send(SIGURG);
	sig_expect(&sg, 1);
	sig_expect(&urgent, 1);
	src_close(&sr, sig_ops->so_close);
}

/* ---- what the program asked for ---------------------------------------- */

SIG_TC(handler__mask_and_flags,
    "The program's handler runs as it was installed")
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa;
	struct src sr;
	struct sig sg;

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	ATF_REQUIRE_EQ(0, sigaltstack(&ss, NULL));
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = handler_info;
	sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaddset(&sa.sa_mask, SIGUSR2);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	sig_send(SIGUSR1);
	ATF_REQUIRE_EQ(1, sig_called);
	ATF_REQUIRE_EQ((sig_atomic_t)getpid(), called_pid);
	ATF_REQUIRE_EQ(SI_USER, called_code);
	ATF_REQUIRE(called_at > stack && called_at < stack + sizeof(stack));
	ATF_REQUIRE_EQ(1, sigismember(&called_mask, SIGUSR2));
	ATF_REQUIRE_EQ(0, sigismember(&called_mask, SIGUSR1));
	sa.sa_flags = SA_SIGINFO;
	(void)sigemptyset(&sa.sa_mask);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	sig_refresh(&sr);
	sig_send(SIGUSR1);
	ATF_REQUIRE(called_at < stack || called_at >= stack + sizeof(stack));
	ATF_REQUIRE_EQ(0, sigismember(&called_mask, SIGUSR2));
	ATF_REQUIRE_EQ(1, sigismember(&called_mask, SIGUSR1));
	sig_expect(&sg, 2);
	src_close(&sr, sig_ops->so_close);
}

SIG_TC_CHAINED(handler__errno_and_unseen, "errno survives, and the call was seen")
{
	struct src sr;
	struct sig sg;
	unsigned before;

	sig_set(SIGURG, SIG_IGN, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGURG);
	before = sig_ops->so_unseen();
	errno = 88;
	(void)raise(SIGURG);
	ATF_REQUIRE_EQ(88, errno);
	ATF_REQUIRE(sig_ops->so_unseen() != before);
	/* with a handler of the program the interruption is its business */
	before = sig_ops->so_unseen();
	sig_set(SIGURG, sig_handler, 0);
	sig_refresh(&sr);
	(void)raise(SIGURG);
	ATF_REQUIRE_EQ(before, sig_ops->so_unseen());
	sig_expect(&sg, 2);
	src_close(&sr, sig_ops->so_close);
}

SIG_TC_CHAINED(handler__both_interrupt, "One wait, both kinds: the program's counts")
{
	struct sig ignored, handled;
	struct src sr;
	unsigned before;

	sig_set(SIGURG, SIG_IGN, 0);
	sig_set(SIGUSR1, sig_handler, 0);
	src_open(&sr);
	sig_attach(&sr, &ignored, SIGURG);
	sig_attach(&sr, &handled, SIGUSR1);
	before = sig_ops->so_unseen();
	(void)raise(SIGURG);
	(void)raise(SIGUSR1);
	(void)raise(SIGURG);
	ATF_REQUIRE_EQ(before, sig_ops->so_unseen());
	(void)raise(SIGURG);
	ATF_REQUIRE(sig_ops->so_unseen() != before);
	src_close(&sr, sig_ops->so_close);
}

SIG_TC(handler__once, "SA_RESETHAND: one call, then the default")
{
	struct src sr;
	struct sig sg;

	sig_set(SIGURG, sig_handler, (int)SA_RESETHAND);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGURG);
	sig_send(SIGURG);
	ATF_REQUIRE_EQ(1, sig_called);
	sig_refresh(&sr);
	sig_send(SIGURG);
	ATF_REQUIRE_EQ(1, sig_called);
	sig_expect(&sg, 2);
	sig_detach(&sg);
	ATF_REQUIRE(sig_handled_by(SIGURG, SIG_DFL));
	src_close(&sr, sig_ops->so_close);
}

struct reader {
	int	fd;
	ssize_t	n;
	int	error;
};

static void
read_a_byte(void *arg)
{
	struct reader *rd = arg;
	char byte;

	rd->n = read(rd->fd, &byte, 1);
	rd->error = errno;
}

SIG_TC(ignored__calls_restart, "A signal that is ignored does not end a read")
{
	struct evt_thread t;
	struct reader rd;
	struct src sr;
	struct sig sg;
	int p[2];

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	sig_set(SIGURG, SIG_IGN, 0);
	evt_pipe(p);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGURG);
	rd.fd = p[0];
	evt_thread_start(&t, read_a_byte, &rd);
	evt_thread_asleep(&t);
	ATF_REQUIRE_EQ(0, pthread_kill(t.et_id, SIGURG));
	sig_expect(&sg, 1);
	evt_write(p[1], 1);
	evt_thread_join(&t);
	ATF_REQUIRE_EQ_MSG(1, rd.n, "%s", strerror(rd.error));
	sig_detach(&sg);
	ATF_REQUIRE(sig_handled_by(SIGURG, SIG_IGN));
	src_close(&sr, sig_ops->so_close);
	evt_close(p[0]);
	evt_close(p[1]);
}

SIG_TC(ignored__children_vanish, "SIGCHLD ignored: there is still no zombie")
{
	struct src sr;
	struct sig sg;
	pid_t pid;
	int i;

	src_open(&sr);
	for (i = 0; i < 2; i++) {
		sig_set(SIGCHLD, i == 0 ? SIG_IGN : SIG_DFL, 0);
		sig_attach(&sr, &sg, SIGCHLD);
		if ((pid = fork()) == 0)
			_exit(0);
		ATF_REQUIRE(pid > 0);
		if (i == 0) {
			ATF_REQUIRE_EQ(-1, waitpid(pid, NULL, 0));
			ATF_REQUIRE_EQ(ECHILD, errno);
		} else
			ATF_REQUIRE_EQ(pid, waitpid(pid, NULL, 0));
		sig_expect(&sg, 1);
		sig_detach(&sg);
	}
	src_close(&sr, sig_ops->so_close);
}

static int
die_watched(void *arg)
{
	struct src sr;
	struct sig sg;

	(void)arg;
	sig_set(SIGUSR1, SIG_DFL, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	if (!sig_handled_by(SIGUSR1, SIG_DFL))
		return (1);
	sig_refresh(&sr);
	(void)raise(SIGUSR1);
	return (2);
}

SIG_TC(default__still_kills, "SIG_DFL that ends the process does so")
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(die_watched(NULL));
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE_MSG(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1,
	    "status %#x", status);
}

/* ---- the program sets another disposition ------------------------------ */

SIG_TC(refresh__new_disposition, "What the program sets later takes effect")
{
	struct src sr;
	struct sig sg;

	sig_set(SIGUSR1, sig_handler, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	sig_set(SIGUSR1, handler_other, 0);
	sig_refresh(&sr);
	sig_send(SIGUSR1);
	ATF_REQUIRE_EQ(0, sig_called);
	ATF_REQUIRE_EQ(1, called_other);
	sig_set(SIGUSR1, SIG_IGN, 0);
	sig_refresh(&sr);
	sig_send(SIGUSR1);
	sig_set(SIGUSR1, SIG_DFL, 0);
	sig_refresh(&sr);
	ATF_REQUIRE(sig_handled_by(SIGUSR1, SIG_DFL));
	sig_set(SIGUSR1, sig_handler, 0);
	sig_refresh(&sr);
	sig_send(SIGUSR1);
	sig_expect(&sg, 3);
	ATF_REQUIRE_EQ(1, sig_called);
	ATF_REQUIRE_EQ(1, called_other);
	src_close(&sr, sig_ops->so_close);
	require_the_programs(SIGUSR1);
}

SIG_TC(refresh__many_dispositions, "So it does the tenth time")
{
	struct sigaction sa, was;
	struct src sr;
	struct sig sg;
	int i, sent = 0, turn;

	sig_set(SIGUSR1, sig_handler, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	for (turn = 0; turn < 2; turn++)
		for (i = 1; i < 16; i++) {
			memset(&sa, 0, sizeof(sa));
			sa.sa_sigaction = handler_info;
			sa.sa_flags = SA_SIGINFO;
			(void)sigemptyset(&sa.sa_mask);
			(void)sigaddset(&sa.sa_mask, i);
			ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
			sig_refresh(&sr);
			sig_send(SIGUSR1);
			ATF_REQUIRE_EQ(++sent, sig_called);
			ATF_REQUIRE_EQ(i == SIGKILL ? 0 : 1,
			    sigismember(&called_mask, i));
		}
	sig_expect(&sg, (uint64_t)sent);
	sig_detach(&sg);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, NULL, &was));
	ATF_REQUIRE(was.sa_sigaction == handler_info);
	src_close(&sr, sig_ops->so_close);
}

SIG_TC(refresh__saved_put_back, "A handler saved and put back is the old one")
{
	struct sigaction sa;
	struct src sr;
	struct sig sg;

	sig_set(SIGUSR1, sig_handler, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler_other;
	(void)sigemptyset(&sa.sa_mask);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, &saved));
	sig_refresh(&sr);
	sig_send(SIGUSR1);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &saved, NULL));
	sig_refresh(&sr);
	sig_send(SIGUSR1);
	ATF_REQUIRE_EQ(1, sig_called);
	ATF_REQUIRE_EQ(1, called_other);
	sig_expect(&sg, 2);
	/* also when nobody watches any more */
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, NULL, &saved));
	sig_detach(&sg);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &saved, NULL));
	sig_send(SIGUSR1);
	ATF_REQUIRE_EQ(2, sig_called);
	sig_attach(&sr, &sg, SIGUSR1);
	sig_send(SIGUSR1);
	ATF_REQUIRE_EQ(3, sig_called);
	sig_expect(&sg, 1);
	sig_detach(&sg);
	ATF_REQUIRE(sig_handled_by(SIGUSR1, sig_handler));
	src_close(&sr, sig_ops->so_close);
}

SIG_TC(refresh__saved_called, "One signal is one, though handlers form a chain")
{
	struct sigaction sa;
	struct src sr;
	struct sig sg;
	int i;

	sig_set(SIGUSR1, sig_handler, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = handler_chain;
	sa.sa_flags = SA_SIGINFO | SA_NODEFER;
	(void)sigemptyset(&sa.sa_mask);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, &saved));
	for (i = 1; i <= 3; i++) {
		sig_send(SIGUSR1);
		ATF_REQUIRE_EQ(i, sig_called);
		ATF_REQUIRE_EQ(i, called_other);
		sig_expect(&sg, (uint64_t)i);
	}
	src_close(&sr, sig_ops->so_close);
}

SIG_TC(detach__leaves_the_programs, "A disposition that is not ours stays")
{
	struct sig one, two;
	struct src sr, sr2;

	sig_set(SIGUSR1, sig_handler, 0);
	src_open(&sr);
	src_open(&sr2);
	sig_attach(&sr, &one, SIGUSR1);
	sig_attach(&sr2, &two, SIGUSR1);
	sig_detach(&two);
	ATF_REQUIRE(!sig_handled_by(SIGUSR1, sig_handler));
	sig_set(SIGUSR1, handler_other, SA_RESTART);
	sig_detach(&one);
	ATF_REQUIRE(sig_handled_by(SIGUSR1, handler_other));
	src_close(&sr, sig_ops->so_close);
	src_close(&sr2, sig_ops->so_close);
}

ATF_TP_ADD_TCS(tp)
{
	SIG_ADD(tp, attach__counts_each_signal);
	SIG_ADD(tp, attach__no_such_signal);
	SIG_ADD(tp, attach__kill_and_stop);
	SIG_ADD(tp, attach__two_instances);
	SIG_ADD(tp, attach__thread_directed);
	SIG_ADD(tp, fork__child_counts_nothing);
	SIG_ADD(tp, handler__mask_and_flags);
	SIG_ADD_CHAINED(tp, handler__errno_and_unseen);
	SIG_ADD_CHAINED(tp, handler__both_interrupt);
	SIG_ADD(tp, handler__once);
	SIG_ADD(tp, ignored__calls_restart);
	SIG_ADD(tp, ignored__children_vanish);
	SIG_ADD(tp, default__still_kills);
	SIG_ADD(tp, refresh__new_disposition);
	SIG_ADD(tp, refresh__many_dispositions);
	SIG_ADD(tp, refresh__saved_put_back);
	SIG_ADD(tp, refresh__saved_called);
	SIG_ADD(tp, detach__leaves_the_programs);
	return (atf_no_error());
}
