/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * signal_contract: what struct evany__signal_ops promises, on each mechanism.
 */
#include "config.h"

#include <sys/wait.h>

#include "backends/poll/pollthread.h"
#include "sources.h"

#define CASE(mech, name, text)						\
	ATF_TC(mech##__##name);						\
	ATF_TC_HEAD(mech##__##name, tc)					\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
	}								\
	ATF_TC_BODY(mech##__##name, tc)					\
	{								\
		run(&evany__signal_##mech##_ops, body_##name);		\
	}

#ifdef EVANY_BE_SIGNALFD
#define CASE_SIGNALFD(name, text)	CASE(signalfd, name, text)
#define ADD_SIGNALFD(tp, name)		ATF_TP_ADD_TC(tp, signalfd__##name)
#else
#define CASE_SIGNALFD(name, text)
#define ADD_SIGNALFD(tp, name)		do { } while (0)
#endif

#define TC(name, text)							\
	static void body_##name(void);					\
	CASE_SIGNALFD(name, text)					\
	CASE(selfpipe, name, text)					\
	static void							\
	body_##name(void)

#define ADD(tp, name) do {						\
	ADD_SIGNALFD(tp, name);						\
	ATF_TP_ADD_TC(tp, selfpipe__##name);				\
} while (0)

static const struct evany__signal_ops *ops;

static void
tick_nothing(struct evany__bg_tick *bt)
{
	(void)bt;
}

static struct evany__bg_tick thread_starter = { .bt_fn = tick_nothing };

static void
run(const struct evany__signal_ops *which, void (*body)(void))
{
	ops = which;
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

/* ---- a watch and what it was told -------------------------------------- */

struct sig {
	struct evany__sigwatch	sg_watch;
	struct src		*sg_src;
	uint64_t		sg_sent;
};

static void
sig_fired(struct evany__sigwatch *sw, uint64_t n)
{
	struct sig *sg = (struct sig *)(void *)sw;

	ATF_REQUIRE(n > 0);
	sg->sg_sent += n;
	src_fired(sg->sg_src);
}

static int
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
	error = ops->so_attach(&sr->sr_state, &sg->sg_watch);
	ATF_REQUIRE_EQ(77, errno);
	src_leave(sr);
	return (error);
}

static void
sig_attach(struct src *sr, struct sig *sg, int signo)
{
	ATF_REQUIRE_EQ(0, sig_try(sr, sg, signo));
}

static void
sig_detach(struct sig *sg)
{
	struct src *sr = sg->sg_src;

	src_enter(sr);
	errno = 77;
	ops->so_detach(&sr->sr_state, &sg->sg_watch);
	ATF_REQUIRE_EQ(77, errno);
	src_leave(sr);
}

/* Waits until the watch has been told of so many, then that it was no more. */
static void
sig_expect(struct sig *sg, uint64_t sent)
{
	int64_t end = evt_now_ns() + EVT_WAIT_MS * INT64_C(1000000);

	while (sg->sg_sent < sent && evt_now_ns() < end)
		(void)src_wait(sg->sg_src, ops->so_refresh, EVT_WAIT_MS);
	ATF_REQUIRE_EQ_MSG(sent, sg->sg_sent, "%ju sent, %ju told",
	    (uintmax_t)sent, (uintmax_t)sg->sg_sent);
	while (src_wait(sg->sg_src, ops->so_refresh, EVT_QUIET_MS) !=
	    ETIMEDOUT)
		continue;
	ATF_REQUIRE_EQ_MSG(sent, sg->sg_sent, "%ju sent, %ju told",
	    (uintmax_t)sent, (uintmax_t)sg->sg_sent);
}

static void
sig_refresh(struct src *sr)
{
	src_enter(sr);
	errno = 77;
	ops->so_refresh(&sr->sr_state);
	ATF_REQUIRE_EQ(77, errno);
	src_leave(sr);
}

static void
send_self(int signo)
{
	ATF_REQUIRE_EQ(0, kill(getpid(), signo));
}

/* ---- handlers of the program ------------------------------------------- */

static volatile sig_atomic_t called, called_other, called_pid, called_code;
static sigset_t called_mask;
static char *volatile called_at;
static struct sigaction saved;

static void
handler(int signo)
{
	(void)signo;
	called++;
	errno = 1;
}

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
	called++;
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

static void
set_handler(int signo, void (*fn)(int), int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = fn;
	sa.sa_flags = flags;
	(void)sigemptyset(&sa.sa_mask);
	ATF_REQUIRE_EQ(0, sigaction(signo, &sa, NULL));
}

static bool
handled_by(int signo, void (*fn)(int))
{
	struct sigaction sa;

	ATF_REQUIRE_EQ(0, sigaction(signo, NULL, &sa));
	return ((sa.sa_flags & SA_SIGINFO) == 0 && sa.sa_handler == fn);
}

static void
block(int how, int signo)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, signo);
	ATF_REQUIRE_EQ(0, pthread_sigmask(how, &set, NULL));
}

static bool
is_pending(int signo)
{
	sigset_t set;

	ATF_REQUIRE_EQ(0, sigpending(&set));
	return (sigismember(&set, signo) == 1);
}

/* ---- counting ---------------------------------------------------------- */

TC(attach__counts_each_signal, "Signals sent from the attach on count")
{
	struct src sr;
	struct sig sg;
	int i;

	set_handler(SIGUSR1, handler, 0);
	src_open(&sr);
	send_self(SIGUSR1);
	sig_attach(&sr, &sg, SIGUSR1);
	sig_expect(&sg, 0);
	for (i = 0; i < 5; i++)
		send_self(SIGUSR1);
	sig_expect(&sg, 5);
	ATF_REQUIRE_EQ(6, called);
	sig_detach(&sg);
	send_self(SIGUSR1);
	sig_attach(&sr, &sg, SIGUSR1);
	sig_expect(&sg, 0);
	ATF_REQUIRE_EQ(7, called);
	src_close(&sr, ops->so_close);
}

TC(attach__no_such_signal, "A number that no signal has is EINVAL")
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
	src_close(&sr, ops->so_close);
}

TC(attach__kill_and_stop, "Signals that nobody sees can be watched")
{
	struct src sr;
	struct sig one, two;

	src_open(&sr);
	sig_attach(&sr, &one, SIGKILL);
	sig_attach(&sr, &two, SIGSTOP);
	sig_expect(&one, 0);
	sig_detach(&one);
	sig_detach(&two);
	src_close(&sr, ops->so_close);
}

TC(attach__two_instances, "Each instance is told, and each watch its signal")
{
	struct sig one, other, two;
	struct src sr, sr2;

	set_handler(SIGUSR1, handler, 0);
	set_handler(SIGUSR2, handler, 0);
	src_open(&sr);
	src_open(&sr2);
	sig_attach(&sr, &one, SIGUSR1);
	sig_attach(&sr2, &two, SIGUSR1);
	sig_attach(&sr2, &other, SIGUSR2);
	send_self(SIGUSR1);
	sig_expect(&two, 1);
	sig_expect(&one, 1);
	ATF_REQUIRE_EQ(0, other.sg_sent);
	sig_detach(&one);
	send_self(SIGUSR1);
	send_self(SIGUSR2);
	sig_expect(&two, 2);
	sig_expect(&other, 1);
	ATF_REQUIRE_EQ(1, one.sg_sent);
	src_close(&sr, ops->so_close);
	src_close(&sr2, ops->so_close);
	ATF_REQUIRE(handled_by(SIGUSR1, handler));
	ATF_REQUIRE(handled_by(SIGUSR2, handler));
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

TC(attach__thread_directed, "Signals to any thread count")
{
	struct sender se = { .to = pthread_self(), .times = 1 };
	struct evt_thread t;
	struct src sr;
	struct sig sg;

	set_handler(SIGUSR1, handler, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	evt_thread_start(&t, send_to_thread, &se);
	evt_thread_join(&t);
	sig_expect(&sg, 1);
	se.to = pthread_self();
	block(SIG_BLOCK, SIGUSR1);
	se.times = 1;
	evt_thread_start(&t, send_to_thread, &se);
	evt_thread_join(&t);
	sig_expect(&sg, 2);
	block(SIG_UNBLOCK, SIGUSR1);
	sig_expect(&sg, 2);
	ATF_REQUIRE_EQ(2, called);
	src_close(&sr, ops->so_close);
}

/* In the child; core calls so_fork_child there. */
static int
be_a_child(void *arg)
{
	struct src *sr = arg;

	ops->so_fork_child(&sr->sr_state);
	if (!handled_by(SIGUSR1, handler) || !handled_by(SIGURG, SIG_DFL))
		return (1);
	(void)raise(SIGUSR1);
	(void)raise(SIGURG);
	return (called == 1 ? 0 : 2);
}

TC(fork__child_counts_nothing, "The child of fork has its own dispositions")
{
	struct sig sg, urgent;
	struct src sr;

	set_handler(SIGUSR1, handler, 0);
	set_handler(SIGURG, SIG_DFL, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	sig_attach(&sr, &urgent, SIGURG);
	ATF_REQUIRE_EQ(0, evt_in_child(be_a_child, &sr));
	sig_expect(&sg, 0);
	sig_expect(&urgent, 0);
	send_self(SIGUSR1);
	send_self(SIGURG);
	sig_expect(&sg, 1);
	sig_expect(&urgent, 1);
	src_close(&sr, ops->so_close);
}

/* ---- what the program asked for ---------------------------------------- */

TC(handler__mask_and_flags, "The program's handler runs as it was installed")
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa;
	struct src sr;
	struct sig sg;

	ATF_REQUIRE_EQ(0, sigaltstack(&ss, NULL));
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = handler_info;
	sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaddset(&sa.sa_mask, SIGUSR2);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	send_self(SIGUSR1);
	ATF_REQUIRE_EQ(1, called);
	ATF_REQUIRE_EQ((sig_atomic_t)getpid(), called_pid);
	ATF_REQUIRE_EQ(SI_USER, called_code);
	ATF_REQUIRE(called_at > stack && called_at < stack + sizeof(stack));
	ATF_REQUIRE_EQ(1, sigismember(&called_mask, SIGUSR2));
	ATF_REQUIRE_EQ(0, sigismember(&called_mask, SIGUSR1));
	sa.sa_flags = SA_SIGINFO;
	(void)sigemptyset(&sa.sa_mask);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	sig_refresh(&sr);
	send_self(SIGUSR1);
	ATF_REQUIRE(called_at < stack || called_at >= stack + sizeof(stack));
	ATF_REQUIRE_EQ(0, sigismember(&called_mask, SIGUSR2));
	ATF_REQUIRE_EQ(1, sigismember(&called_mask, SIGUSR1));
	sig_expect(&sg, 2);
	src_close(&sr, ops->so_close);
}

TC(handler__errno_and_unseen, "errno survives, and the call was seen")
{
	struct src sr;
	struct sig sg;
	unsigned before;

	set_handler(SIGURG, SIG_IGN, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGURG);
	before = ops->so_unseen();
	errno = 88;
	(void)raise(SIGURG);
	ATF_REQUIRE_EQ(88, errno);
	ATF_REQUIRE(ops->so_unseen() != before);
	/* with a handler of the program the interruption is its business */
	before = ops->so_unseen();
	set_handler(SIGURG, handler, 0);
	sig_refresh(&sr);
	(void)raise(SIGURG);
	ATF_REQUIRE_EQ(before, ops->so_unseen());
	sig_expect(&sg, 2);
	src_close(&sr, ops->so_close);
}

TC(handler__both_interrupt, "One wait, both kinds: the program's counts")
{
	struct sig ignored, handled;
	struct src sr;
	unsigned before;

	set_handler(SIGURG, SIG_IGN, 0);
	set_handler(SIGUSR1, handler, 0);
	src_open(&sr);
	sig_attach(&sr, &ignored, SIGURG);
	sig_attach(&sr, &handled, SIGUSR1);
	before = ops->so_unseen();
	(void)raise(SIGURG);
	(void)raise(SIGUSR1);
	(void)raise(SIGURG);
	ATF_REQUIRE_EQ(before, ops->so_unseen());
	(void)raise(SIGURG);
	ATF_REQUIRE(ops->so_unseen() != before);
	src_close(&sr, ops->so_close);
}

TC(handler__once, "SA_RESETHAND: one call, then the default")
{
	struct src sr;
	struct sig sg;

	set_handler(SIGURG, handler, (int)SA_RESETHAND);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGURG);
	send_self(SIGURG);
	ATF_REQUIRE_EQ(1, called);
	sig_refresh(&sr);
	send_self(SIGURG);
	ATF_REQUIRE_EQ(1, called);
	sig_expect(&sg, 2);
	sig_detach(&sg);
	ATF_REQUIRE(handled_by(SIGURG, SIG_DFL));
	src_close(&sr, ops->so_close);
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

TC(ignored__calls_restart, "A signal that is ignored does not end a read")
{
	struct evt_thread t;
	struct reader rd;
	struct src sr;
	struct sig sg;
	int p[2];

	set_handler(SIGURG, SIG_IGN, 0);
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
	ATF_REQUIRE(handled_by(SIGURG, SIG_IGN));
	src_close(&sr, ops->so_close);
	evt_close(p[0]);
	evt_close(p[1]);
}

TC(ignored__children_vanish, "SIGCHLD ignored: there is still no zombie")
{
	struct src sr;
	struct sig sg;
	pid_t pid;
	int i;

	src_open(&sr);
	for (i = 0; i < 2; i++) {
		set_handler(SIGCHLD, i == 0 ? SIG_IGN : SIG_DFL, 0);
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
	src_close(&sr, ops->so_close);
}

static int
die_watched(void *arg)
{
	struct src sr;
	struct sig sg;

	(void)arg;
	set_handler(SIGUSR1, SIG_DFL, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	if (!handled_by(SIGUSR1, SIG_DFL))
		return (1);
	sig_refresh(&sr);
	(void)raise(SIGUSR1);
	return (2);
}

TC(default__still_kills, "SIG_DFL that ends the process does so")
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

TC(refresh__new_disposition, "What the program sets later takes effect")
{
	struct src sr;
	struct sig sg;

	set_handler(SIGUSR1, handler, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	set_handler(SIGUSR1, handler_other, 0);
	sig_refresh(&sr);
	send_self(SIGUSR1);
	ATF_REQUIRE_EQ(0, called);
	ATF_REQUIRE_EQ(1, called_other);
	set_handler(SIGUSR1, SIG_IGN, 0);
	sig_refresh(&sr);
	send_self(SIGUSR1);
	set_handler(SIGUSR1, SIG_DFL, 0);
	sig_refresh(&sr);
	ATF_REQUIRE(handled_by(SIGUSR1, SIG_DFL));
	set_handler(SIGUSR1, handler, 0);
	sig_refresh(&sr);
	send_self(SIGUSR1);
	sig_expect(&sg, 3);
	ATF_REQUIRE_EQ(1, called);
	ATF_REQUIRE_EQ(1, called_other);
	src_close(&sr, ops->so_close);
	ATF_REQUIRE(handled_by(SIGUSR1, handler));
}

TC(refresh__many_dispositions, "So it does the tenth time")
{
	struct sigaction sa, was;
	struct src sr;
	struct sig sg;
	int i, sent = 0, turn;

	set_handler(SIGUSR1, handler, 0);
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
			send_self(SIGUSR1);
			ATF_REQUIRE_EQ(++sent, called);
			ATF_REQUIRE_EQ(i == SIGKILL ? 0 : 1,
			    sigismember(&called_mask, i));
		}
	sig_expect(&sg, (uint64_t)sent);
	sig_detach(&sg);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, NULL, &was));
	ATF_REQUIRE(was.sa_sigaction == handler_info);
	src_close(&sr, ops->so_close);
}

TC(refresh__saved_put_back, "A handler saved and put back is the old one")
{
	struct sigaction sa;
	struct src sr;
	struct sig sg;

	set_handler(SIGUSR1, handler, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler_other;
	(void)sigemptyset(&sa.sa_mask);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, &saved));
	sig_refresh(&sr);
	send_self(SIGUSR1);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &saved, NULL));
	sig_refresh(&sr);
	send_self(SIGUSR1);
	ATF_REQUIRE_EQ(1, called);
	ATF_REQUIRE_EQ(1, called_other);
	sig_expect(&sg, 2);
	/* also when nobody watches any more */
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, NULL, &saved));
	sig_detach(&sg);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &saved, NULL));
	send_self(SIGUSR1);
	ATF_REQUIRE_EQ(2, called);
	sig_attach(&sr, &sg, SIGUSR1);
	send_self(SIGUSR1);
	ATF_REQUIRE_EQ(3, called);
	sig_expect(&sg, 1);
	sig_detach(&sg);
	ATF_REQUIRE(handled_by(SIGUSR1, handler));
	src_close(&sr, ops->so_close);
}

TC(refresh__saved_called, "One signal is one, though handlers form a chain")
{
	struct sigaction sa;
	struct src sr;
	struct sig sg;
	int i;

	set_handler(SIGUSR1, handler, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = handler_chain;
	sa.sa_flags = SA_SIGINFO | SA_NODEFER;
	(void)sigemptyset(&sa.sa_mask);
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, &saved));
	for (i = 1; i <= 3; i++) {
		send_self(SIGUSR1);
		ATF_REQUIRE_EQ(i, called);
		ATF_REQUIRE_EQ(i, called_other);
		sig_expect(&sg, (uint64_t)i);
	}
	src_close(&sr, ops->so_close);
}

TC(detach__leaves_the_programs, "A disposition that is not ours stays")
{
	struct sig one, two;
	struct src sr, sr2;

	set_handler(SIGUSR1, handler, 0);
	src_open(&sr);
	src_open(&sr2);
	sig_attach(&sr, &one, SIGUSR1);
	sig_attach(&sr2, &two, SIGUSR1);
	sig_detach(&two);
	ATF_REQUIRE(!handled_by(SIGUSR1, handler));
	set_handler(SIGUSR1, handler_other, SA_RESTART);
	sig_detach(&one);
	ATF_REQUIRE(handled_by(SIGUSR1, handler_other));
	src_close(&sr, ops->so_close);
	src_close(&sr2, ops->so_close);
}

/* ---- blocked signals --------------------------------------------------- */

TC(blocked__counted_once, "Counted when pending, and not again when delivered")
{
	struct src sr;
	struct sig sg;
	int i;

	set_handler(SIGUSR1, handler, 0);
	block(SIG_BLOCK, SIGUSR1);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	for (i = 1; i <= 3; i++) {
		send_self(SIGUSR1);
		sig_expect(&sg, (uint64_t)i);
		ATF_REQUIRE(is_pending(SIGUSR1));
		ATF_REQUIRE_EQ(i - 1, called);
		block(SIG_UNBLOCK, SIGUSR1);
		ATF_REQUIRE_EQ(i, called);
		sig_expect(&sg, (uint64_t)i);
		block(SIG_BLOCK, SIGUSR1);
	}
	/* taken, not delivered */
	for (; i <= 5; i++) {
		sigset_t set;
		int signo;

		send_self(SIGUSR1);
		sig_expect(&sg, (uint64_t)i);
		(void)sigemptyset(&set);
		(void)sigaddset(&set, SIGUSR1);
		ATF_REQUIRE_EQ(0, sigwait(&set, &signo));
		sig_expect(&sg, (uint64_t)i);
	}
	block(SIG_UNBLOCK, SIGUSR1);
	send_self(SIGUSR1);
	sig_expect(&sg, (uint64_t)i);
	src_close(&sr, ops->so_close);
}

TC(blocked__pending_before, "What is pending at the attach does not count")
{
	struct sig one, two;
	struct src sr, sr2;

	set_handler(SIGUSR1, handler, 0);
	block(SIG_BLOCK, SIGUSR1);
	src_open(&sr);
	src_open(&sr2);
	send_self(SIGUSR1);
	sig_attach(&sr, &one, SIGUSR1);
	sig_expect(&one, 0);
	sig_attach(&sr2, &two, SIGUSR1);
	block(SIG_UNBLOCK, SIGUSR1);
	ATF_REQUIRE_EQ(1, called);
	sig_expect(&one, 0);
	sig_expect(&two, 0);
	block(SIG_BLOCK, SIGUSR1);
	send_self(SIGUSR1);
	/* not looked at yet by the first, too late for the second */
	sig_detach(&two);
	sig_attach(&sr2, &two, SIGUSR1);
	sig_expect(&two, 0);
	sig_expect(&one, 1);
	src_close(&sr, ops->so_close);
	src_close(&sr2, ops->so_close);
	block(SIG_UNBLOCK, SIGUSR1);
	ATF_REQUIRE_EQ(2, called);
}

TC(blocked__deadly, "A blocked signal with a deadly default is told")
{
	struct src sr;
	struct sig sg;

	set_handler(SIGUSR1, SIG_DFL, 0);
	block(SIG_BLOCK, SIGUSR1);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	send_self(SIGUSR1);
	sig_expect(&sg, 1);
	ATF_REQUIRE(is_pending(SIGUSR1));
	set_handler(SIGUSR1, SIG_IGN, 0);
	src_close(&sr, ops->so_close);
}

static void
wait_for_one(void *arg)
{
	struct sig *sg = arg;
	int64_t end = evt_now_ns() + EVT_WAIT_MS * INT64_C(1000000);

	while (sg->sg_sent == 0 && evt_now_ns() < end)
		(void)src_wait(sg->sg_src, ops->so_refresh, EVT_WAIT_MS);
}

TC(blocked__ends_a_wait, "A wait that has begun is told as well")
{
	struct evt_thread t;
	struct src sr;
	struct sig sg;

	set_handler(SIGUSR1, handler, 0);
	block(SIG_BLOCK, SIGUSR1);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	evt_thread_start(&t, wait_for_one, &sg);
	evt_thread_asleep(&t);
	send_self(SIGUSR1);
	evt_thread_join(&t);
	ATF_REQUIRE_EQ(1, sg.sg_sent);
	sig_expect(&sg, 1);
	src_close(&sr, ops->so_close);
	block(SIG_UNBLOCK, SIGUSR1);
	ATF_REQUIRE_EQ(1, called);
}

/*
 * One thread blocks the signal and sees it pending for itself alone; another
 * does not see it and must not make the first one count it again.
 */
TC(blocked__private, "A signal pending in one thread is counted once")
{
	struct sender se = { .to = pthread_self(), .times = 1 };
	struct evt_thread t;
	struct src sr;
	struct sig sg;
	int i;

	set_handler(SIGUSR1, handler, 0);
	block(SIG_BLOCK, SIGUSR1);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	send_to_thread(&se);
	sig_expect(&sg, 1);
	for (i = 0; i < 3; i++) {
		/* it waits its time in vain: sg_sent is 1 already */
		evt_thread_start(&t, wait_for_one, &sg);
		evt_thread_join(&t);
		sig_refresh(&sr);
		sig_expect(&sg, 1);
	}
	block(SIG_UNBLOCK, SIGUSR1);
	ATF_REQUIRE_EQ(1, called);
	sig_expect(&sg, 1);
	src_close(&sr, ops->so_close);
}

/* ---- threads, descriptors ---------------------------------------------- */

static atomic_uint sent_by_all;

static void
send_many(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 2000; i++) {
		(void)raise(SIGUSR1);
		atomic_fetch_add(&sent_by_all, 1);
	}
}

static void
come_and_go(void *arg)
{
	struct src *sr = arg;
	struct sig sg;
	int i;

	for (i = 0; i < 500; i++) {
		sig_attach(sr, &sg, SIGUSR1);
		sig_detach(&sg);
	}
}

TC(threads__nothing_is_lost, "Signals count while watches come and go")
{
	struct evt_thread t[4];
	struct src sr, sr2;
	struct sig sg;
	int i;

	set_handler(SIGUSR1, handler, 0);
	src_open(&sr);
	src_open(&sr2);
	sig_attach(&sr, &sg, SIGUSR1);
	for (i = 0; i < 3; i++)
		evt_thread_start(&t[i], send_many, NULL);
	evt_thread_start(&t[3], come_and_go, &sr2);
	for (i = 0; i < 4; i++)
		evt_thread_join(&t[i]);
	/* raise() of one thread is not merged with that of another */
	sig_expect(&sg, atomic_load(&sent_by_all));
	src_close(&sr2, ops->so_close);
	src_close(&sr, ops->so_close);
}

/* Every number above those the case began with. */
static int
list_new(const bool *old, int *list, int room)
{
	int fd, n = 0;

	for (fd = 3; fd < 256 && n < room; fd++)
		if (!old[fd] && fcntl(fd, F_GETFD) != -1)
			list[n++] = fd;
	return (n);
}

static int
close_all(void *arg)
{
	char path[EVT_PATH_MAX];
	struct sig sg;
	struct src sr;
	bool old[256];
	int fd, i, list[256], n;

	(void)arg;
	for (fd = 0; fd < 256; fd++)
		old[fd] = fcntl(fd, F_GETFD) != -1;
	set_handler(SIGUSR1, handler, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	n = list_new(old, list, 256);
	for (i = 0; i < n; i++)
		(void)close(list[i]);
	for (i = 0; i < n; i++) {
		fd = evt_tmpfile(path);
		(void)unlink(path);
		if (fd != list[i])
			return (1);
	}
	(void)raise(SIGUSR1);
	for (i = 0; i < n; i++)
		if (lseek(list[i], 0, SEEK_END) != 0)
			return (2);
	return (called == 1 && n > 0 ? 0 : 3);
}

TC(descriptors__closed_by_program,
    "The handler writes to nothing that is not ours any more")
{
	ATF_REQUIRE_EQ(0, evt_in_child(close_all, NULL));
}

TC(descriptors__given_back, "Watches come and go without a trace")
{
	struct src sr;
	static const int several[] = { SIGUSR1, SIGUSR2, SIGURG };
	struct sig sg[3];
	bool old[256];
	int fd, i, k, list[8];

	set_handler(SIGUSR1, handler, 0);
	src_open(&sr);
	sig_attach(&sr, &sg[0], SIGUSR1);
	sig_detach(&sg[0]);
	for (fd = 0; fd < 256; fd++)
		old[fd] = fcntl(fd, F_GETFD) != -1;
	for (k = 0; k < 50; k++) {
		for (i = 0; i < 3; i++)
			sig_attach(&sr, &sg[i], several[i]);
		for (i = 0; i < 3; i++)
			sig_detach(&sg[i]);
	}
	ATF_REQUIRE_EQ(0, list_new(old, list, 8));
	src_close(&sr, ops->so_close);
}

ATF_TP_ADD_TCS(tp)
{
	ADD(tp, attach__counts_each_signal);
	ADD(tp, attach__no_such_signal);
	ADD(tp, attach__kill_and_stop);
	ADD(tp, attach__two_instances);
	ADD(tp, attach__thread_directed);
	ADD(tp, fork__child_counts_nothing);
	ADD(tp, handler__mask_and_flags);
	ADD(tp, handler__errno_and_unseen);
	ADD(tp, handler__both_interrupt);
	ADD(tp, handler__once);
	ADD(tp, ignored__calls_restart);
	ADD(tp, ignored__children_vanish);
	ADD(tp, default__still_kills);
	ADD(tp, refresh__new_disposition);
	ADD(tp, refresh__many_dispositions);
	ADD(tp, refresh__saved_put_back);
	ADD(tp, refresh__saved_called);
	ADD(tp, detach__leaves_the_programs);
	ADD(tp, blocked__counted_once);
	ADD(tp, blocked__pending_before);
	ADD(tp, blocked__deadly);
	ADD(tp, blocked__ends_a_wait);
	ADD(tp, blocked__private);
	ADD(tp, threads__nothing_is_lost);
	ADD(tp, descriptors__closed_by_program);
	ADD(tp, descriptors__given_back);
	return (atf_no_error());
}
