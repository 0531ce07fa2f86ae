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
 */
#include "config.h"

#include "evt.h"
#include "model.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS		4

/* ---- turns ------------------------------------------------------------------ */

struct turns {
	pthread_mutex_t		tu_lock;
	pthread_cond_t		tu_cond;
	struct model_world	*tu_world;
	const struct seq_act	*tu_act;	/* NULL: none to do */
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
act(struct model_world *w, const struct seq_act *a)
{
	w->mw_rand = a->sa_seed;
	if (a->sa_kind < ACT_FILES)
		model_act_file(w, a->sa_kind);
	else
		model_act_queue(w, a->sa_kind);
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
turn(struct turns *t, const struct seq_act *a)
{
	(void)pthread_mutex_lock(&t->tu_lock);
	t->tu_act = a;
	t->tu_whose = a->sa_who % t->tu_n;
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

/* Out of a hundred. */
static const unsigned char share[ACT_COUNT] = {
	[ACT_WRITE] = 14, [ACT_READ] = 11, [ACT_FILL] = 2, [ACT_SHUT] = 1,
	[ACT_NEW] = 7, [ACT_CLOSE] = 5, [ACT_DUP] = 4, [ACT_KEVENT] = 30,
	[ACT_WAIT] = 18, [ACT_POLL] = 5, [ACT_BLOCK] = 1, [ACT_QUEUE] = 2,
};
/* It begins with something to act on. */
static const unsigned char first[] = { ACT_QUEUE, ACT_NEW, ACT_NEW, ACT_NEW };

static int
model_run(const struct seq_act *acts, size_t n, unsigned threads,
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

static void
freedom(void)
{
	int i;

	for (i = 0; i < MA_COUNT; i++)
		printf("freedom %d used %lu times\n", i, model_allowed[i]);
}

void
model_check(unsigned long rounds, unsigned threads)
{
	static const struct seq_model model = {
		.sm_share = share,
		.sm_first = first,
		.sm_nfirst = sizeof(first),
		.sm_run = model_run,
		.sm_summary = freedom,
	};

	seq_check(&model, rounds, threads);
}
