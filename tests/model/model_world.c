/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * model_world: open files, the descriptors that name them, and what an act on
 * one does to the knotes that watch it.
 *
 * Only the amounts are kept, not the bytes.  A pipe is kept in one of two
 * states, since Linux counts its room in pages: some small writes, which
 * never fill it, or a fill, which only ends when all of it was read.
 */
#include "config.h"

#include "model.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

unsigned long model_allowed[MA_COUNT];

enum model_sure
model_allow(enum model_approx what)
{
	model_allowed[what]++;
	return (MAY);
}

void
model_fail(struct model_world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->mw_why[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(w->mw_why, sizeof(w->mw_why), fmt, ap);
	va_end(ap);
	model_say(w, "    WRONG: %s\n", w->mw_why);
}

void
model_say(struct model_world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->mw_trace == NULL)
		return;
	va_start(ap, fmt);
	(void)vfprintf(w->mw_trace, fmt, ap);
	va_end(ap);
	(void)fflush(w->mw_trace);
}

uint64_t
model_rand(struct model_world *w)
{
	return (seq_rand(&w->mw_rand));
}

unsigned
model_below(struct model_world *w, unsigned n)
{
	return ((unsigned)(model_rand(w) % n));
}

bool
model_chance(struct model_world *w, unsigned percent)
{
	return (model_below(w, 100) < percent);
}

struct model_fd *
model_fd_find(struct model_world *w, int fd)
{
	int i;

	for (i = 0; i < MODEL_FDS; i++) {
		if (fd >= 0 && w->mw_fd[i].fd == fd)
			return (&w->mw_fd[i]);
	}
	return (NULL);
}

struct model_fd *
model_fd_pick(struct model_world *w, bool (*fits)(const struct model_fd *))
{
	struct model_fd *found[MODEL_FDS];
	unsigned n;
	int i;

	for (n = 0, i = 0; i < MODEL_FDS; i++) {
		if (w->mw_fd[i].fd != -1 && fits(&w->mw_fd[i]))
			found[n++] = &w->mw_fd[i];
	}
	return (n == 0 ? NULL : found[model_below(w, n)]);
}

int
model_fd_count(const struct model_world *w, enum model_kind kind)
{
	int i, n;

	for (n = 0, i = 0; i < MODEL_FDS; i++) {
		if (w->mw_fd[i].fd != -1 && w->mw_fd[i].file->mf_kind == kind)
			n++;
	}
	return (n);
}

/* A new open file under fd; NULL if there is no room in the model. */
struct model_file *
model_file_new(struct model_world *w, enum model_kind kind, int fd)
{
	struct model_file *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		abort();
	f->mf_kind = kind;
	f->mf_serial = ++w->mw_serial;
	if (kind == MK_QUEUE)
		f->mf_qid = ++w->mw_nextq;
	if (!model_fd_add(w, fd, f)) {
		free(f);
		return (NULL);
	}
	return (f);
}

/*
 * The number fd names the file now.  Knotes that an earlier file left under
 * the number (model_knotes_drop_fd) stay marked stale.
 */
bool
model_fd_add(struct model_world *w, int fd, struct model_file *f)
{
	int i;

	for (i = 0; i < MODEL_FDS; i++) {
		if (w->mw_fd[i].fd == -1) {
			w->mw_fd[i].fd = fd;
			w->mw_fd[i].file = f;
			f->mf_refs++;
			return (true);
		}
	}
	return (false);
}

static void
file_gone(struct model_world *w, struct model_file *f)
{
	struct model_file *p;
	int i;

	if ((p = f->mf_peer) != NULL) {
		p->mf_peer = NULL;
		p->mf_rd_eof = p->mf_wr_eof = true;
		if (f->mf_bytes > 0)
			p->mf_reset = true;
		model_active(w, p, EVFILT_READ, MUST);
		model_active(w, p, EVFILT_WRITE, MUST);
	}
	if (f->mf_kind == MK_QUEUE)
		model_knotes_drop_queue(w, f->mf_qid);
	/* A stale knote must not be taken for one of a later file. */
	for (i = 0; i < MODEL_KNOTES; i++) {
		if (w->mw_kn[i].kn_used && w->mw_kn[i].kn_file == f)
			w->mw_kn[i].kn_used = false;
	}
	free(f);
}

void
model_fd_closed(struct model_world *w, struct model_fd *d)
{
	struct model_file *f;

	f = d->file;
	memmove(&w->mw_closed[1], &w->mw_closed[0],
	    sizeof(w->mw_closed) - sizeof(w->mw_closed[0]));
	w->mw_closed[0] = d->fd;
	model_knotes_drop_fd(w, d->fd, f);
	d->fd = -1;
	d->file = NULL;
	if (--f->mf_refs == 0)
		file_gone(w, f);
}

/* Something new in a direction: sure, or only perhaps. */
void
model_active(struct model_world *w, struct model_file *f, int filter,
    enum model_sure sure)
{
	struct model_knote *kn;
	int i;

	for (i = 0; i < MODEL_KNOTES; i++) {
		kn = &w->mw_kn[i];
		if (!kn->kn_used || kn->kn_stale || kn->kn_file != f ||
		    kn->kn_filter != filter)
			continue;
		model_touched_queue(w, kn->kn_qid);
		if (model_cond(w, kn) != NO && kn->kn_act < sure)
			kn->kn_act = sure;
	}
}

/* The queue's readiness may have changed, for who watches the queue. */
void
model_touched_queue(struct model_world *w, int qid)
{
	struct model_knote *kn;
	struct model_file *f;
	int i;

	for (i = 0; i < MODEL_FDS; i++) {
		f = w->mw_fd[i].fd == -1 ? NULL : w->mw_fd[i].file;
		if (f != NULL && f->mf_kind == MK_QUEUE && f->mf_qid == qid &&
		    f->mf_settled) {
			f->mf_settled = false;
			/* Those that watch it in turn. */
			for (kn = w->mw_kn; kn < w->mw_kn + MODEL_KNOTES; kn++) {
				if (kn->kn_used && kn->kn_file == f)
					model_touched_queue(w, kn->kn_qid);
			}
		}
	}
}

/* Bytes arrived at a file. */
void
model_wrote(struct model_world *w, struct model_file *to, int64_t n, bool fill)
{
	to->mf_bytes += n;
	to->mf_chunks++;
	to->mf_filled = fill;
	model_active(w, to, EVFILT_READ, MUST);
}

/*
 * Is the file like others to the mechanism?  What has no readiness it does not
 * know; the portable ones go by device and inode, which all eventfds share.
 */
bool
model_plain(const struct model_world *w, const struct model_file *f)
{
	return (f->mf_kind == MK_NULL || f->mf_kind == MK_FILE ||
	    (w->mw_edge_twice && f->mf_kind == MK_COUNTER));
}

/* Would a write to the file find room? */
bool
model_room(const struct model_file *f)
{
	const struct model_file *to;

	if (f->mf_kind != MK_PIPE_W && f->mf_kind != MK_SOCK)
		return (true);
	if ((to = f->mf_peer) == NULL || !to->mf_filled)
		return (true);
	/* A pipe needs PIPE_BUF free bytes, a socket was emptied or was not. */
	return (f->mf_kind == MK_PIPE_W &&
	    to->mf_size - to->mf_bytes >= MODEL_PAGE);
}

/* The program read n bytes from a file, so its peer may have room. */
void
model_took(struct model_world *w, struct model_file *from, int64_t n)
{
	struct model_file *writer;
	bool had;

	writer = from->mf_kind == MK_COUNTER ? from : from->mf_peer;
	had = writer != NULL && model_room(writer);
	from->mf_bytes -= n;
	if (from->mf_bytes == 0) {
		from->mf_filled = false;
		from->mf_chunks = 0;
	}
	/* Nothing new to read, but what poll() says may lag. */
	model_active(w, from, EVFILT_READ, NO);
	if (n != 0 && writer != NULL)
		model_active(w, writer, EVFILT_WRITE, had ?
		    model_allow(MA_WRITE_CLEAR) : MUST);
}
