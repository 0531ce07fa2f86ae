/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Random sequences of acts on event ports and on the files they watch, compared
 * at each step with the executable model of pm.h.
 *
 *	EVANY_SEED=N		begin with sequence N ("random": with any)
 *	EVANY_MODEL_ROUNDS=N	run so many
 */
#include "config.h"

#include "pm.h"

#define RULES								\
	"PORT-001 PORT-003 PORT-006 PORT-009 PORT-010 PORT-018 PORT-019 "	\
	"PORT-020 PORT-024 PORT-026 PORT-027 PORT-028 PORT-029 PORT-030 "	\
	"PORT-031 PORT-032 PORT-033 PORT-034 PORT-035 PORT-036 PORT-037 "	\
	"PORT-038 PORT-039 PORT-040 PORT-041 PORT-042 PORT-043 PORT-044 "	\
	"PORT-045 PORT-046 PORT-047 PORT-048 PORT-049 PORT-050 PORT-053 "	\
	"PORT-112 PORT-113 PORT-114 PORT-115 PORT-116 PORT-117 PORT-120 "	\
	"PORT-126 PORT-127 PORT-128 PORT-129 PORT-131 PORT-132 PORT-133 "	\
	"PORT-135 PORT-136 PORT-137 PORT-138 PORT-140 PORT-188 PORT-192"
#define FORK_RULES							\
	RULES " PORT-160 PORT-161 PORT-162 PORT-163 PORT-164 PORT-165 "	\
	"PORT-166 PORT-169"

/* Out of a hundred. */
static const unsigned char share[PM_ACTS] = {
	[PM_ACT_NEW] = 7, [PM_ACT_WRITE] = 12, [PM_ACT_READ] = 8,
	[PM_ACT_FILL] = 1, [PM_ACT_CLOSE] = 6, [PM_ACT_DUP] = 3,
	[PM_ACT_PORT] = 1, [PM_ACT_ASSOCIATE] = 18, [PM_ACT_DISSOCIATE] = 4,
	[PM_ACT_SEND] = 8, [PM_ACT_SENDN] = 2, [PM_ACT_ALERT] = 3,
	[PM_ACT_GETN] = 11, [PM_ACT_GET] = 4, [PM_ACT_COUNT] = 2,
	[PM_ACT_POLL] = 4, [PM_ACT_SLEEP] = 3, [PM_ACT_BAD] = 1,
	[PM_ACT_FORK] = 1, [PM_ACT_KILL] = 1,
};
/* It begins with something to act on. */
static const unsigned char first[] = {
	PM_ACT_PORT, PM_ACT_NEW, PM_ACT_NEW, PM_ACT_NEW
};

/* What threads and processes there are, for sequences of each kind. */
enum { ALONE = 1, THREADS, PROCESSES };

static void
finish(struct pm_world *w)
{
	int exec, fd;

	pm_finish_wait(w);
	for (exec = 1; exec < PM_EXECS; exec++)
		if (w->pw_exec[exec].ex_alive) {
			pm_exec_end(&w->pw_exec[exec]);
			if (pm_proc(exec) != 0)
				pm_exited(w, pm_proc(exec));
		}
	for (fd = 0; fd < PM_NUMBERS; fd++)
		if (w->pw_fd[0][fd] != NULL) {
			(void)close(fd);
			pm_closed(w, 0, fd);
		}
}

static int
run(const struct seq_act *acts, size_t n, unsigned threads, FILE *trace,
    char *why, size_t size)
{
	static struct pm_world w;
	size_t i;

	memset(&w, 0, sizeof(w));
	w.pw_trace = trace;
	w.pw_waiter = -1;
	w.pw_linux = strcmp(evt_backend(), "linux") == 0;
	w.pw_exec[0].ex_alive = true;
	w.pw_exec[0].ex_line = -1;
	if (threads >= THREADS)
		pm_exec_thread(&w.pw_exec[1]);
	for (i = 0; i < n && w.pw_why[0] == '\0'; i++) {
		if (threads < PROCESSES && acts[i].sa_kind == PM_ACT_FORK)
			continue;
		w.pw_rand = acts[i].sa_seed;
		pm_act(&w, acts[i].sa_kind, (int)acts[i].sa_who);
	}
	finish(&w);
	(void)snprintf(why, size, "%s", w.pw_why);
	return (w.pw_why[0] != '\0');
}

static void
summary(void)
{
	int i;

	for (i = 0; i < PA_COUNT; i++)
		printf("freedom %d used %lu times\n", i, pm_allowed[i]);
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

	if (evt_port_native())
		atf_tc_skip("the model makes the emulation's choice wherever "
		    "systems differ");
	evt_port_limit(PM_SLOTS);
	/* poll(2) is told by another thread there, which takes its time. */
	if (strcmp(evt_backend(), "poll") == 0)
		rounds /= 5;
	seq_check(&model, rounds, threads);
}

EVT_TC(model__sequences__one_thread, RULES,
    "A port does at each step what the rules allow, and all they demand")
{
	check(3000, ALONE);
}

EVT_TC(model__sequences__threads, RULES " PORT-054 PORT-130 PORT-134 PORT-139",
    "It is the same from whatever thread, and a wait ends when it must")
{
	check(3000, THREADS);
}

EVT_TC(model__sequences__processes, FORK_RULES,
    "It is the same for processes that share a port")
{
	if (!evt_port_shared())
		atf_tc_skip("with these mechanisms the child does not "
		    "have the port");
	check(2000, PROCESSES);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, model__sequences__one_thread);
	EVT_TP_ADD_TC(tp, model__sequences__threads);
	EVT_TP_ADD_TC(tp, model__sequences__processes);
	return (atf_no_error());
}
