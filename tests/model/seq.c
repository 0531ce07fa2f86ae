/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * seq: random sequences of acts, whatever they act on.
 *
 * Sequence i of a run has the seed EVANY_SEED + i.  One that fails is made
 * short by leaving out parts for as long as it still fails, and is printed
 * with all that happened.  A crash or a hang is reported by a handler that
 * names the seed; EVANY_SEED=that and EVANY_MODEL_ROUNDS=1 repeat it.
 */
#include "config.h"

#include "evt.h"
#include "seq.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACTS		90		/* in a sequence */
#define SEED		20260U
#define HANG		60		/* seconds for one sequence */
#define SHORTEN_TRIES	600

static volatile sig_atomic_t running_low, running_high;

/* splitmix64 */
uint64_t
seq_rand(uint64_t *state)
{
	uint64_t z;

	z = (*state += 0x9e3779b97f4a7c15U);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return (z ^ (z >> 31));
}

static void
make(const struct seq_model *m, struct seq_act *acts, uint64_t seed)
{
	uint64_t state = seed * 0x2545f4914f6cdd1dU;
	unsigned dice, kind;
	size_t i;

	for (i = 0; i < ACTS; i++) {
		dice = (unsigned)(seq_rand(&state) % 100);
		for (kind = 0; dice >= m->sm_share[kind]; kind++)
			dice -= m->sm_share[kind];
		acts[i].sa_kind = i < m->sm_nfirst ? m->sm_first[i] : kind;
		acts[i].sa_who = (unsigned)(seq_rand(&state) % SEQ_WHO);
		acts[i].sa_seed = seq_rand(&state);
	}
}

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
shorten(const struct seq_model *m, struct seq_act *acts, size_t n,
    unsigned threads)
{
	struct seq_act *without;
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
			if (m->sm_run(without, n - len, threads, NULL, why,
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
seq_check(const struct seq_model *m, unsigned long rounds, unsigned threads)
{
	static const int fatal[] = { SIGALRM, SIGSEGV, SIGBUS, SIGABRT };
	struct seq_act acts[ACTS];
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
		make(m, acts, seed);
		if (m->sm_run(acts, ACTS, threads, NULL, why, sizeof(why))
		    == 0)
			continue;
		printf("EVANY_SEED=%llu: %s\n", (unsigned long long)seed, why);
		n = shorten(m, acts, ACTS, threads);
		printf("the acts that are needed, %zu of %d:\n", n, ACTS);
		(void)m->sm_run(acts, n, threads, stdout, why, sizeof(why));
		atf_tc_fail("EVANY_SEED=%llu: %s", (unsigned long long)seed,
		    why);
	}
	(void)alarm(0);
	printf("%lu sequences from EVANY_SEED=%llu on\n", rounds,
	    (unsigned long long)(seed - rounds));
	m->sm_summary();
}
