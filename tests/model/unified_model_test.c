/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Random sequences of acts on queues of <evany.h> and on what they watch,
 * compared at each step with the executable model of um.h.
 *
 *	EVANY_SEED=N		begin with sequence N ("random": with any)
 *	EVANY_MODEL_ROUNDS=N	run so many
 */
#include "config.h"

#include "um.h"

#include <sys/stat.h>

/* Out of a hundred. */
static const unsigned char share[UM_ACTS] = {
	[UM_ACT_NEW] = 7, [UM_ACT_WRITE] = 10, [UM_ACT_FILL] = 2,
	[UM_ACT_READ] = 7, [UM_ACT_CLOSE] = 6, [UM_ACT_DUP] = 3,
	[UM_ACT_QUEUE] = 1, [UM_ACT_TURN] = 29, [UM_ACT_POST] = 6,
	[UM_ACT_ALERT] = 3, [UM_ACT_POLL] = 4, [UM_ACT_SLEEP] = 3,
	[UM_ACT_NAME] = 5, [UM_ACT_SIGNAL] = 3, [UM_ACT_CHILD] = 3,
#ifdef EVT_TSAN		/* no requests: EVT_TSAN_LIBC */
	[UM_ACT_TREE] = 8
#else
	[UM_ACT_REQUEST] = 2, [UM_ACT_TREE] = 6
#endif
};
/* It begins with something to act on. */
static const unsigned char first[] = {
	UM_ACT_QUEUE, UM_ACT_NEW, UM_ACT_NEW, UM_ACT_NEW
};

static void
empty_directory(const struct um_world *w)
{
	char path[4];
	int i;

	for (i = 0; i < UM_NAMES; i++)
		if (w->uw_name[i]) {
			(void)snprintf(path, sizeof(path), "d/%c", 'a' + i);
			(void)unlink(path);
		}
}

static int
run(const struct seq_act *acts, size_t n, unsigned threads, FILE *trace,
    char *why, size_t size)
{
	static struct um_world w;
	size_t i;
	int fd;

	memset(&w, 0, sizeof(w));
	w.uw_trace = trace;
	w.uw_sleeper = -1;
	if (threads > 1)
		um_threads_start(&w);
	for (i = 0; i < n && w.uw_why[0] == '\0'; i++) {
		w.uw_rand = acts[i].sa_seed;
		um_act(&w, acts[i].sa_kind, (int)acts[i].sa_who);
	}
	um_finish_wait(&w);
	um_finish_children(&w);
	um_finish_requests(&w);
	um_threads_end(&w);
	for (fd = 0; fd < UM_NUMBERS; fd++)
		if (w.uw_fd[fd] != NULL) {
			(void)close(fd);
			um_closed(&w, fd);
		}
	empty_directory(&w);
	um_tree_clear(&w);
	(void)snprintf(why, size, "%s", w.uw_why);
	return (w.uw_why[0] != '\0');
}

static void
summary(void)
{
}

static void
check(unsigned long rounds, unsigned threads)
{
	static const struct seq_model model = {
		.sm_share = share,
		.sm_first = first,
		.sm_nfirst = sizeof(first),
		.sm_run = run,
		.sm_summary = summary,
	};

	if (signal(SIGUSR1, SIG_IGN) == SIG_ERR ||
	    signal(SIGUSR2, SIG_IGN) == SIG_ERR)
		atf_tc_fail("signal: %s", strerror(errno));
	if ((mkdir("d", 0755) == -1 && errno != EEXIST) ||
	    (mkdir("t", 0755) == -1 && errno != EEXIST))
		atf_tc_fail("mkdir: %s", strerror(errno));
	seq_check(&model, rounds, threads);
}

EVT_TC(model__sequences__one_thread, "UNI-004 UNI-005 UNI-006 UNI-020 UNI-021 "
    "UNI-022 UNI-023 UNI-024 UNI-025 UNI-026 UNI-031 UNI-032 UNI-033 UNI-034 "
    "UNI-035 UNI-050 UNI-051 UNI-052 UNI-053 UNI-054 UNI-055 UNI-056 UNI-057 "
    "UNI-058 UNI-059 UNI-060 UNI-061 UNI-070 UNI-073 UNI-074 UNI-090 UNI-091 "
    "UNI-100 UNI-102 UNI-103 UNI-105 UNI-110 UNI-112 UNI-120 UNI-121 "
    "UNI-122 UNI-123 UNI-131 UNI-132 UNI-134 UNI-140 UNI-150 UNI-151 UNI-152 "
    "UNI-153",
    "A queue does at each step what the rules allow, and all they demand")
{
	check(2000, 1);
}

EVT_TC(model__sequences__threads, "UNI-032 UNI-033 UNI-038 UNI-039 UNI-092 "
    "UNI-101",
    "It is the same from whatever thread, and a wait ends when it must")
{
	check(2000, SEQ_WHO);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, model__sequences__one_thread);
	EVT_TP_ADD_TC(tp, model__sequences__threads);
	return (atf_no_error());
}
