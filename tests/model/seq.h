/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * seq: random sequences of acts, what the models of all facilities share.
 *
 * A sequence is a list of acts, each with a number from which everything about
 * it is drawn, so any part of a list is again a sequence: that is how a failing
 * one is made short.
 */
#ifndef SEQ_H
#define SEQ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SEQ_WHO		4	/* threads or processes that an act may name */

struct seq_act {
	unsigned	sa_kind;
	unsigned	sa_who;
	uint64_t	sa_seed;
};

struct seq_model {
	const unsigned char *sm_share;	/* of each kind, out of a hundred */
	const unsigned char *sm_first;	/* kinds that a sequence begins with */
	size_t		 sm_nfirst;
	/*
	 * Runs the acts in a new world and closes all of it again.  0, or 1
	 * with the reason in why.  With threads above 1, so many threads act.
	 */
	int	(*sm_run)(const struct seq_act *, size_t n, unsigned threads,
		    FILE *trace, char *why, size_t size);
	void	(*sm_summary)(void);	/* printed after the last */
};

/* The next number of a random sequence. */
uint64_t seq_rand(uint64_t *state);

/*
 * rounds sequences from seed on; the first that fails is made short, printed
 * and ends the test case.
 */
void	seq_check(const struct seq_model *, unsigned long rounds,
	    unsigned threads);

#endif /* SEQ_H */
