/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * signal_blocked: what struct evany__signal_ops promises of blocked signals,
 * threads and descriptors, on each mechanism.
 */
#include "config.h"

#include "evt_child.h"
#include "sigwatch.h"

#include <sys/resource.h>

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

/* ---- blocked signals --------------------------------------------------- */

SIG_TC(blocked__counted_once,
    "Counted when pending, and not again when delivered")
{
	struct src sr;
	struct sig sg;
	int i;

	sig_set(SIGUSR1, sig_handler, 0);
	sig_block(SIG_BLOCK, SIGUSR1);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	for (i = 1; i <= 3; i++) {
		sig_send(SIGUSR1);
		sig_expect(&sg, (uint64_t)i);
		ATF_REQUIRE(sig_pending(SIGUSR1));
		ATF_REQUIRE_EQ(i - 1, sig_called);
		sig_block(SIG_UNBLOCK, SIGUSR1);
		ATF_REQUIRE_EQ(i, sig_called);
		sig_expect(&sg, (uint64_t)i);
		sig_block(SIG_BLOCK, SIGUSR1);
	}
	/* taken, not delivered */
	for (; i <= 5; i++) {
		sigset_t set;
		int signo;

		sig_send(SIGUSR1);
		sig_expect(&sg, (uint64_t)i);
		(void)sigemptyset(&set);
		(void)sigaddset(&set, SIGUSR1);
		ATF_REQUIRE_EQ(0, sigwait(&set, &signo));
		sig_expect(&sg, (uint64_t)i);
	}
	sig_block(SIG_UNBLOCK, SIGUSR1);
	sig_send(SIGUSR1);
	sig_expect(&sg, (uint64_t)i);
	src_close(&sr, sig_ops->so_close);
}

SIG_TC(blocked__pending_before, "What is pending at the attach does not count")
{
	struct sig one, two;
	struct src sr, sr2;

	sig_set(SIGUSR1, sig_handler, 0);
	sig_block(SIG_BLOCK, SIGUSR1);
	src_open(&sr);
	src_open(&sr2);
	sig_send(SIGUSR1);
	sig_attach(&sr, &one, SIGUSR1);
	sig_expect(&one, 0);
	sig_attach(&sr2, &two, SIGUSR1);
	sig_block(SIG_UNBLOCK, SIGUSR1);
	ATF_REQUIRE_EQ(1, sig_called);
	sig_expect(&one, 0);
	sig_expect(&two, 0);
	sig_block(SIG_BLOCK, SIGUSR1);
	sig_send(SIGUSR1);
	/* not looked at yet by the first, too late for the second */
	sig_detach(&two);
	sig_attach(&sr2, &two, SIGUSR1);
	sig_expect(&two, 0);
	sig_expect(&one, 1);
	src_close(&sr, sig_ops->so_close);
	src_close(&sr2, sig_ops->so_close);
	sig_block(SIG_UNBLOCK, SIGUSR1);
	ATF_REQUIRE_EQ(2, sig_called);
}

SIG_TC(blocked__deadly, "A blocked signal with a deadly default is told")
{
	struct src sr;
	struct sig sg;

	sig_set(SIGUSR1, SIG_DFL, 0);
	sig_block(SIG_BLOCK, SIGUSR1);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	sig_send(SIGUSR1);
	sig_expect(&sg, 1);
	ATF_REQUIRE(sig_pending(SIGUSR1));
	sig_set(SIGUSR1, SIG_IGN, 0);
	src_close(&sr, sig_ops->so_close);
}

static void
wait_for_one(void *arg)
{
	struct sig *sg = arg;
	int64_t end = evt_now_ns() + EVT_WAIT_MS * INT64_C(1000000);

	while (sg->sg_sent == 0 && evt_now_ns() < end)
		(void)src_wait(sg->sg_src, sig_ops->so_refresh, EVT_WAIT_MS);
}

SIG_TC(blocked__ends_a_wait, "A wait that has begun is told as well")
{
	struct evt_thread t;
	struct src sr;
	struct sig sg;

	sig_set(SIGUSR1, sig_handler, 0);
	sig_block(SIG_BLOCK, SIGUSR1);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	evt_thread_start(&t, wait_for_one, &sg);
	evt_thread_asleep(&t);
	sig_send(SIGUSR1);
	evt_thread_join(&t);
	ATF_REQUIRE_EQ(1, sg.sg_sent);
	sig_expect(&sg, 1);
	src_close(&sr, sig_ops->so_close);
	sig_block(SIG_UNBLOCK, SIGUSR1);
	ATF_REQUIRE_EQ(1, sig_called);
}

/* Nothing runs yet that the library keeps; the last descriptors are taken. */
static int
first_try_fails(void *arg)
{
	struct evt_thread t;
	struct rlimit all, few;
	struct src sr;
	struct sig sg;

	(void)arg;
	sig_set(SIGUSR1, sig_handler, 0);
	sig_block(SIG_BLOCK, SIGUSR1);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	if (getrlimit(RLIMIT_NOFILE, &all) == -1)
		return (2);
	few = all;
	few.rlim_cur = 0;
	if (setrlimit(RLIMIT_NOFILE, &few) == -1)
		return (3);
	sig_refresh(&sr);
	if (setrlimit(RLIMIT_NOFILE, &all) == -1)
		return (4);
	evt_thread_start(&t, wait_for_one, &sg);
	evt_thread_asleep(&t);
	sig_send(SIGUSR1);
	evt_thread_join(&t);
	return (sg.sg_sent == 1 ? 0 : 5);
}

SIG_TC(blocked__thread_is_tried_again,
    "A wait is told though there was no descriptor for an earlier one")
{
	evt_skip_tsan(EVT_TSAN_FORKED);
	ATF_REQUIRE_EQ(0, evt_in_child(first_try_fails, NULL));
}

/*
 * One thread blocks the signal and sees it pending for itself alone; another
 * does not see it and must not make the first one count it again.
 */
SIG_TC(blocked__private, "A signal pending in one thread is counted once")
{
	struct sender se = { .to = pthread_self(), .times = 1 };
	struct evt_thread t;
	struct src sr;
	struct sig sg;
	int i;

	sig_set(SIGUSR1, sig_handler, 0);
	sig_block(SIG_BLOCK, SIGUSR1);
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
	sig_block(SIG_UNBLOCK, SIGUSR1);
	ATF_REQUIRE_EQ(1, sig_called);
	sig_expect(&sg, 1);
	src_close(&sr, sig_ops->so_close);
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

SIG_TC(threads__nothing_is_lost, "Signals count while watches come and go")
{
	struct evt_thread t[4];
	struct src sr, sr2;
	struct sig sg;
	int i;

	sig_set(SIGUSR1, sig_handler, 0);
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
	src_close(&sr2, sig_ops->so_close);
	src_close(&sr, sig_ops->so_close);
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
	struct sig quiet, sg;
	struct src sr;
	bool old[256];
	int fd, i, list[256], n;

	(void)arg;
	for (fd = 0; fd < 256; fd++)
		old[fd] = fcntl(fd, F_GETFD) != -1;
	sig_set(SIGUSR1, sig_handler, 0);
	src_open(&sr);
	sig_attach(&sr, &sg, SIGUSR1);
	sig_attach(&sr, &quiet, SIGURG);
	n = list_new(old, list, 256);
	for (i = 0; i < n; i++)
		(void)close(list[i]);
	errno = 88;
	(void)raise(SIGURG);
	if (errno != 88)
		return (4);
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
	return (sig_called == 1 && n > 0 ? 0 : 3);
}

SIG_TC(descriptors__closed_by_program,
    "The handler writes to nothing that is not ours any more")
{
	ATF_REQUIRE_EQ(0, evt_in_child(close_all, NULL));
}

SIG_TC(descriptors__given_back, "Watches come and go without a trace")
{
	struct src sr;
	static const int several[] = { SIGUSR1, SIGUSR2, SIGURG };
	struct sig sg[3];
	bool old[256];
	int fd, i, k, list[8];

	sig_set(SIGUSR1, sig_handler, 0);
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
	src_close(&sr, sig_ops->so_close);
}

ATF_TP_ADD_TCS(tp)
{
	SIG_ADD(tp, blocked__counted_once);
	SIG_ADD(tp, blocked__pending_before);
	SIG_ADD(tp, blocked__deadly);
	SIG_ADD(tp, blocked__ends_a_wait);
	SIG_ADD(tp, blocked__thread_is_tried_again);
	SIG_ADD(tp, blocked__private);
	SIG_ADD(tp, threads__nothing_is_lost);
	SIG_ADD(tp, descriptors__closed_by_program);
	SIG_ADD(tp, descriptors__given_back);
	return (atf_no_error());
}
