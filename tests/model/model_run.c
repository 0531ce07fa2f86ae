/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * model_run: runs sequences, one after the other in one process, so that what
 * the library keeps of dead queues is part of the trial.
 *
 * With several threads one acts at a time, in an order that the sequence
 * says; what the library keeps per thread must not matter.
 *
 * Sequence i of a run has the seed EVANY_SEED + i.  One that fails is made
 * short by leaving out parts for as long as it still fails, and is printed
 * with all that happened.  A crash or a hang is reported by a handler that
 * names the seed; EVANY_SEED=that and EVANY_MODEL_ROUNDS=1 repeat it.
 */
#include "config.h"

#include "evt.h"
#include "model.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACTS		90		/* in a sequence */
#define THREADS		4
#define SEED		20260U
#define HANG		60		/* seconds for one sequence */
#define SHORTEN_TRIES	600

static volatile sig_atomic_t running_low, running_high;

/* ---- turns ------------------------------------------------------------------ */

struct turns {
	pthread_mutex_t		tu_lock;
	pthread_cond_t		tu_cond;
	struct model_world	*tu_world;
	const struct model_act	*tu_act;	/* NULL: none to do */
	unsigned		tu_whose;
	bool			tu_end;
	pthread_t		tu_thread[THREADS];
	unsigned		tu_n;
};

struct turn_arg {
	struct turns	*ta_turns;
	unsigned	 ta_self;
};

static void
act(struct model_world *w, const struct model_act *a)
{
	w->mw_rand = a->ma_seed;
	if (a->ma_kind < ACT_FILES)
		model_act_file(w, a->ma_kind);
	else
		model_act_queue(w, a->ma_kind);
}

static void *
turn_thread(void *p)
{
	struct turn_arg *ta = p;
	struct turns *t = ta->ta_turns;

	(void)pthread_mutex_lock(&t->tu_lock);
	while (!t->tu_end) {
		if (t->tu_act != NULL && t->tu_whose == ta->ta_self) {
			act(t->tu_world, t->tu_act);
			t->tu_act = NULL;
			(void)pthread_cond_broadcast(&t->tu_cond);
		}
		(void)pthread_cond_wait(&t->tu_cond, &t->tu_lock);
	}
	(void)pthread_mutex_unlock(&t->tu_lock);
	free(ta);
	return (NULL);
}

static void
turns_begin(struct turns *t, struct model_world *w, unsigned n)
{
	struct turn_arg *ta;

	memset(t, 0, sizeof(*t));
	(void)pthread_mutex_init(&t->tu_lock, NULL);
	(void)pthread_cond_init(&t->tu_cond, NULL);
	t->tu_world = w;
	for (t->tu_n = 0; t->tu_n < n && t->tu_n < THREADS; t->tu_n++) {
		if ((ta = malloc(sizeof(*ta))) == NULL)
			abort();
		ta->ta_turns = t;
		ta->ta_self = t->tu_n;
		if (pthread_create(&t->tu_thread[t->tu_n], NULL, turn_thread,
		    ta) != 0)
			abort();
	}
}

static void
turn(struct turns *t, const struct model_act *a)
{
	(void)pthread_mutex_lock(&t->tu_lock);
	t->tu_act = a;
	t->tu_whose = a->ma_thread % t->tu_n;
	(void)pthread_cond_broadcast(&t->tu_cond);
	while (t->tu_act != NULL)
		(void)pthread_cond_wait(&t->tu_cond, &t->tu_lock);
	(void)pthread_mutex_unlock(&t->tu_lock);
}

static void
turns_end(struct turns *t)
{
	(void)pthread_mutex_lock(&t->tu_lock);
	t->tu_end = true;
	(void)pthread_cond_broadcast(&t->tu_cond);
	(void)pthread_mutex_unlock(&t->tu_lock);
	while (t->tu_n > 0)
		(void)pthread_join(t->tu_thread[--t->tu_n], NULL);
	(void)pthread_cond_destroy(&t->tu_cond);
	(void)pthread_mutex_destroy(&t->tu_lock);
}

/* ---- one sequence --------------------------------------------------------------- */

void
model_make(struct model_act *acts, size_t n, uint64_t seed)
{
	/* Out of a hundred. */
	static const unsigned char share[ACT_COUNT] = {
		[ACT_WRITE] = 14, [ACT_READ] = 11, [ACT_FILL] = 2,
		[ACT_SHUT] = 1, [ACT_NEW] = 7, [ACT_CLOSE] = 5,
		[ACT_DUP] = 4, [ACT_KEVENT] = 30, [ACT_WAIT] = 18,
		[ACT_POLL] = 5, [ACT_BLOCK] = 1, [ACT_QUEUE] = 2,
	};
	struct model_world w;
	unsigned dice, kind;
	size_t i;

	memset(&w, 0, sizeof(w));
	w.mw_rand = seed * 0x2545f4914f6cdd1dU;
	for (i = 0; i < n; i++) {
		dice = model_below(&w, 100);
		for (kind = 0; dice >= share[kind]; kind++)
			dice -= share[kind];
		/* It begins with something to act on. */
		acts[i].ma_kind = i == 0 ? ACT_QUEUE : i < 4 ? ACT_NEW : kind;
		acts[i].ma_thread = model_below(&w, THREADS);
		acts[i].ma_seed = model_rand(&w);
	}
}

int
model_run(const struct model_act *acts, size_t n, unsigned threads,
    FILE *trace, char *why, size_t size)
{
	static struct model_world w;
	struct turns t;
	struct model_fd *d;
	size_t i;

	memset(&w, 0, sizeof(w));
	for (d = w.mw_fd; d < w.mw_fd + MODEL_FDS; d++)
		d->fd = -1;
	memset(w.mw_closed, 0xff, sizeof(w.mw_closed));
	w.mw_trace = trace;
	w.mw_edge_twice = strcmp(evt_backend(), "poll") == 0;
	if (threads > 1)
		turns_begin(&t, &w, threads);
	for (i = 0; i < n && w.mw_why[0] == '\0'; i++) {
		if (threads > 1)
			turn(&t, &acts[i]);
		else
			act(&w, &acts[i]);
	}
	if (threads > 1)
		turns_end(&t);
	for (d = w.mw_fd; d < w.mw_fd + MODEL_FDS; d++) {
		if (d->fd != -1) {
			(void)close(d->fd);
			model_fd_closed(&w, d);
		}
	}
	(void)snprintf(why, size, "%s", w.mw_why);
	return (w.mw_why[0] != '\0');
}

/* ---- many ----------------------------------------------------------------------- */

static void
put_number(char *end, uint64_t n)
{
	do {
		*--end = (char)('0' + n % 10);
	} while ((n /= 10) != 0);
}

/* The process is about to end: say which sequence it was, and let it. */
static void
handler(int signo)
{
	char text[] = "sequence EVANY_SEED=00000000000000000000 hung or "
	    "crashed\n";

	put_number(strchr(text, ' ') + 1 + strlen("EVANY_SEED=") + 20,
	    (uint64_t)(unsigned)running_high << 32 | (unsigned)running_low);
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)signal(signo, SIG_DFL);
	(void)raise(signo);
}

/* Leaves out parts, large ones first, as long as the rest still fails. */
static size_t
shorten(struct model_act *acts, size_t n, unsigned threads)
{
	struct model_act *without;
	size_t at, len, part;
	unsigned tries;
	char why[512];

	if ((without = calloc(n, sizeof(*without))) == NULL)
		return (n);
	tries = 0;
	for (part = n / 2; part > 0; part /= 2) {
		for (at = 0; at < n && tries < SHORTEN_TRIES; tries++) {
			len = part < n - at ? part : n - at;
			memcpy(without, acts, at * sizeof(*acts));
			memcpy(without + at, acts + at + len,
			    (n - at - len) * sizeof(*acts));
			(void)alarm(HANG);
			if (model_run(without, n - len, threads, NULL, why,
			    sizeof(why)) != 0) {
				n -= len;
				memcpy(acts, without, n * sizeof(*acts));
			} else
				at += len;
		}
	}
	free(without);
	return (n);
}

static uint64_t
seed_from_environment(void)
{
	const char *s;

	if ((s = getenv("EVANY_SEED")) == NULL)
		return (SEED);
	if (strcmp(s, "random") == 0)
		return ((uint64_t)evt_now_ns());
	return (strtoull(s, NULL, 10));
}

void
model_check(unsigned long rounds, unsigned threads)
{
	static const int fatal[] = { SIGALRM, SIGSEGV, SIGBUS, SIGABRT };
	struct model_act acts[ACTS];
	unsigned long i;
	uint64_t seed;
	char why[512];
	const char *s;
	size_t n;

	seed = seed_from_environment();
	if ((s = getenv("EVANY_MODEL_ROUNDS")) != NULL)
		rounds = strtoul(s, NULL, 10);
	for (i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		(void)signal(fatal[i], handler);
	for (i = 0; i < rounds; i++, seed++) {
		running_low = (sig_atomic_t)(seed & 0xffffffffU);
		running_high = (sig_atomic_t)(seed >> 32);
		(void)alarm(HANG);
		model_make(acts, ACTS, seed);
		if (model_run(acts, ACTS, threads, NULL, why, sizeof(why))
		    == 0)
			continue;
		printf("EVANY_SEED=%llu: %s\n", (unsigned long long)seed, why);
		n = shorten(acts, ACTS, threads);
		printf("the acts that are needed, %zu of %d:\n", n, ACTS);
		(void)model_run(acts, n, threads, stdout, why, sizeof(why));
		atf_tc_fail("EVANY_SEED=%llu: %s", (unsigned long long)seed,
		    why);
	}
	(void)alarm(0);
	printf("%lu sequences from EVANY_SEED=%llu on\n", rounds,
	    (unsigned long long)(seed - rounds));
	for (i = 0; i < MA_COUNT; i++)
		printf("freedom %lu used %lu times\n", i, model_allowed[i]);
}
