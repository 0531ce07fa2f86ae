/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * um_world: open files and names, and what an act on one does to the watches.
 */
#include "config.h"

#include "um.h"

#include <stdarg.h>
#include <stdlib.h>

bool
um_guesses(void)
{
	return (evany_source(EVANY_FD) == EVANY_APPROXIMATE);
}

void
um_fail(struct um_world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->uw_why[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(w->uw_why, sizeof(w->uw_why), fmt, ap);
	va_end(ap);
	um_say(w, "    WRONG: %s\n", w->uw_why);
}

void
um_say(struct um_world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->uw_trace == NULL)
		return;
	va_start(ap, fmt);
	(void)vfprintf(w->uw_trace, fmt, ap);
	va_end(ap);
	(void)fflush(w->uw_trace);
}

unsigned
um_below(struct um_world *w, unsigned n)
{
	return ((unsigned)(seq_rand(&w->uw_rand) % n));
}

bool
um_chance(struct um_world *w, unsigned percent)
{
	return (um_below(w, 100) < percent);
}

int
um_pick(struct um_world *w, bool (*fits)(const struct um_file *))
{
	int fd, found[UM_NUMBERS];
	unsigned n = 0;

	for (fd = 0; fd < UM_NUMBERS; fd++)
		if (w->uw_fd[fd] != NULL && fits(w->uw_fd[fd]))
			found[n++] = fd;
	return (n == 0 ? -1 : found[um_below(w, n)]);
}

unsigned
um_ready(const struct um_world *w, const struct um_file *f)
{
	unsigned bits = 0;

	switch (f->mf_kind) {
	case UM_PIPE_R:
		bits |= f->mf_bytes > 0 ? EVANY_READ : 0;
		bits |= f->mf_peer == NULL ? EVANY_HANGUP : 0;
		break;
	case UM_PIPE_W:
		bits |= f->mf_full ? 0 : EVANY_WRITE;
		bits |= f->mf_peer == NULL ? EVANY_ERROR : 0;
		break;
	case UM_SOCK:
		bits |= f->mf_bytes > 0 ? EVANY_READ : 0;
		bits |= f->mf_full ? 0 : EVANY_WRITE;
		bits |= f->mf_peer == NULL ?
		    EVANY_READ | EVANY_EOF | EVANY_HANGUP : 0;
		break;
	case UM_PLAIN:
		bits = EVANY_READ | EVANY_WRITE;
		break;
	case UM_QUEUE:
		bits = um_queue_due(w, &w->uw_queue[f->mf_queue]) >= UM_SOON ?
		    EVANY_READ : 0;
		break;
	}
	return (bits);
}

/* Calls fn with each watch that there is. */
static void
each(struct um_world *w, void (*fn)(struct um_world *, struct um_watch *,
    int, const struct um_file *), int fd, const struct um_file *f)
{
	int i, j;

	for (i = 0; i < w->uw_queues; i++)
		for (j = 0; j < UM_WATCHES; j++)
			if (w->uw_queue[i].uq_watch[j].wa_live)
				fn(w, &w->uw_queue[i].uq_watch[j], fd, f);
}

static void
watch_touched(struct um_world *w, struct um_watch *wa, int fd,
    const struct um_file *f)
{
	unsigned bits;

	(void)fd;
	if (wa->wa_file == NULL || wa->wa_file != f)
		return;
	bits = um_watch_bits(w, wa);
	wa->wa_new = (wa->wa_new | (bits & ~wa->wa_ready)) & bits;
	wa->wa_ready = bits;
	wa->wa_may = true;
}

static void
stir(struct um_world *w)
{
	int i;

	for (i = 0; i < w->uw_queues; i++)
		w->uw_queue[i].uq_stirred = true;
}

void
um_touched(struct um_world *w, const struct um_file *f)
{

	stir(w);
	each(w, watch_touched, -1, f);
}

/* ---- numbers ------------------------------------------------------------------ */

void
um_named(struct um_world *w, int fd, struct um_file *f)
{
	w->uw_fd[fd] = f;
	f->mf_refs++;
}

struct um_file *
um_file_new(struct um_world *w, enum um_kind kind, int fd)
{
	struct um_file *f;

	if (fd >= UM_NUMBERS || (f = calloc(1, sizeof(*f))) == NULL)
		abort();
	f->mf_kind = kind;
	um_named(w, fd, f);
	return (f);
}

static void
number_closed(struct um_world *w, struct um_watch *wa, int fd,
    const struct um_file *f)
{
	(void)w;
	(void)f;
	if (wa->wa_ch.ch_source == EVANY_FD &&
	    wa->wa_ch.ch_object == (uintptr_t)fd)
		wa->wa_loose = true;
}

/* What never blocks is recognised by device and inode, which others share. */
static void
file_ended(struct um_world *w, struct um_watch *wa, int fd,
    const struct um_file *f)
{
	(void)w;
	(void)fd;
	if (wa->wa_file != f)
		return;
	wa->wa_file = NULL;
	wa->wa_live = f->mf_kind == UM_PLAIN;
}

void
um_closed(struct um_world *w, int fd)
{
	struct um_file *f = w->uw_fd[fd], *peer = f->mf_peer;

	w->uw_fd[fd] = NULL;
	each(w, number_closed, fd, f);
	if (--f->mf_refs > 0)
		return;
	stir(w);
	each(w, file_ended, fd, f);
	if (peer != NULL) {
		peer->mf_peer = NULL;
		if (peer->mf_kind == UM_SOCK)
			peer->mf_full = false;
		um_touched(w, peer);
	}
	free(f);
}

/* ---- names ---------------------------------------------------------------------- */

static void
told(struct um_watch *wa, char name, unsigned what)
{
	struct um_told *to;

	to = wa->wa_ntold == 0 ? NULL : &wa->wa_told[wa->wa_ntold - 1];
	if (to != NULL && to->to_name == name && to->to_what == what) {
		to->to_most++;
		return;
	}
	if (wa->wa_ntold == UM_TOLD)
		abort();
	to = &wa->wa_told[wa->wa_ntold++];
	*to = (struct um_told){ what, name, 1, 0 };
}

void
um_name_touched(struct um_world *w, int name, unsigned what)
{
	struct um_watch *wa;
	int i, j;

	stir(w);
	for (i = 0; i < w->uw_queues; i++)
		for (j = 0; j < UM_WATCHES; j++) {
			wa = &w->uw_queue[i].uq_watch[j];
			if (!wa->wa_live || um_is_tree(wa))
				continue;
			wa->wa_any = true;
			if (wa->wa_ch.ch_source == EVANY_DIRECTORY &&
			    !um_guesses())
				told(wa, (char)('a' + name), what);
			if (wa->wa_ch.ch_source != EVANY_FILE ||
			    wa->wa_ch.ch_path[2] != 'a' + name)
				continue;
			wa->wa_bits |= what;
			if ((what & (EVANY_MADE | EVANY_MOVED_TO)) != 0)
				wa->wa_bits |= EVANY_MODIFIED;
		}
}

void
um_tree_touched(struct um_world *w)
{
	struct um_watch *wa;
	int i;

	stir(w);
	for (i = 0; i < w->uw_queues; i++)
		for (wa = w->uw_queue[i].uq_watch; wa <
		    w->uw_queue[i].uq_watch + UM_WATCHES; wa++)
			wa->wa_any |= um_is_tree(wa);
}

/* ---- signals ---------------------------------------------------------------------- */

int
um_signo(unsigned n)
{
	return (n == 0 ? SIGUSR1 : SIGUSR2);
}

static void
came(struct um_world *w, int source, uintptr_t object)
{
	struct um_watch *wa;
	int i;

	stir(w);
	for (i = 0; i < w->uw_queues; i++)
		if ((wa = um_find(&w->uw_queue[i], source, object)) != NULL)
			wa->wa_count++;
}

void
um_signalled(struct um_world *w, int signo)
{
	came(w, EVANY_SIGNAL, (uintptr_t)signo);
}

/* ---- children --------------------------------------------------------------------- */

struct um_child *
um_child(struct um_world *w, uintptr_t pid)
{
	int i;

	for (i = 0; i < UM_CHILDREN; i++)
		if (pid != 0 && (uintptr_t)w->uw_child[i].mc_pid == pid)
			return (&w->uw_child[i]);
	return (NULL);
}

void
um_child_ended(struct um_world *w, struct um_child *mc)
{

	mc->mc_ended = true;
	came(w, EVANY_PROCESS, (uintptr_t)mc->mc_pid);
}
