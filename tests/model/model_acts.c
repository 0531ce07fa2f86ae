/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * model_acts: random acts on files and descriptors, done and taken into the
 * model.  An act that finds nothing to act on does nothing.
 *
 * Numbers come back quickly: half of the new descriptors are moved to a
 * number that was closed shortly before, if nobody has it now.
 */
#include "config.h"

#include "model.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SMALL		700		/* most bytes of small writes */
#define CHUNKS		12		/* and most of those writes */

static char buffer[1 << 17];

static void
must(struct model_world *w, bool ok, const char *what)
{
	if (!ok)
		model_fail(w, "the test itself: %s: %s", what,
		    strerror(errno));
}

bool
model_is_queue(const struct model_fd *d)
{
	return (d->file->mf_kind == MK_QUEUE);
}

static bool
is_anything(const struct model_fd *d)
{
	(void)d;
	return (true);
}

static bool
is_file(const struct model_fd *d)
{
	return (d->file->mf_kind != MK_QUEUE);
}

static struct model_file *
target(const struct model_fd *d)
{
	const struct model_file *f = d->file;

	if (f->mf_kind == MK_COUNTER || f->mf_kind == MK_FILE)
		return (d->file);
	if ((f->mf_kind == MK_PIPE_W || f->mf_kind == MK_SOCK) &&
	    !f->mf_shut && !f->mf_wr_eof)
		return (f->mf_peer);
	return (NULL);
}

static bool
takes_small(const struct model_fd *d)
{
	const struct model_file *to = target(d);

	return (to != NULL && !to->mf_filled && to->mf_bytes < SMALL &&
	    to->mf_chunks < CHUNKS);
}

static bool
takes_fill(const struct model_fd *d)
{
	return ((d->file->mf_kind == MK_PIPE_W ||
	    d->file->mf_kind == MK_SOCK) && target(d) != NULL &&
	    target(d)->mf_bytes == 0);
}

static bool
gives(const struct model_fd *d)
{
	const struct model_file *f = d->file;

	if (f->mf_kind == MK_FILE)
		return (f->mf_off < f->mf_size);
	return (f->mf_bytes > 0 && (f->mf_kind == MK_PIPE_R ||
	    f->mf_kind == MK_SOCK || f->mf_kind == MK_COUNTER));
}

static bool
can_shut(const struct model_fd *d)
{
	return (d->file->mf_kind == MK_SOCK && d->file->mf_peer != NULL &&
	    !d->file->mf_shut);
}

static void
act_write(struct model_world *w)
{
	struct model_fd *d;
	struct model_file *f;
	uint64_t count;
	size_t n;

	if ((d = model_fd_pick(w, takes_small)) == NULL)
		return;
	f = target(d);
	n = 1 + model_below(w, 20);
	model_say(w, "write(%d, %zu)\n", d->fd, n);
	switch (f->mf_kind) {
	case MK_COUNTER:
		count = n;
		must(w, write(d->fd, &count, sizeof(count)) ==
		    (ssize_t)sizeof(count), "write");
		break;
	case MK_FILE:
		/* At its end; the offset of the descriptor stays. */
		must(w, pwrite(d->fd, buffer, n, (off_t)f->mf_size) ==
		    (ssize_t)n, "pwrite");
		f->mf_size += (int64_t)n;
		model_active(w, f, EVFILT_READ, MUST);
		return;
	default:
		must(w, write(d->fd, buffer, n) == (ssize_t)n, "write");
		break;
	}
	model_wrote(w, f, (int64_t)n, false);
}

static void
act_fill(struct model_world *w)
{
	struct model_fd *d;
	ssize_t n;
	int64_t sum;

	if ((d = model_fd_pick(w, takes_fill)) == NULL)
		return;
	sum = 0;
	while ((n = write(d->fd, buffer, MODEL_PAGE)) > 0)
		sum += n;
	must(w, errno == EAGAIN, "write");
	model_say(w, "write(%d) until it is full: %lld\n", d->fd,
	    (long long)sum);
	target(d)->mf_size = sum;
	model_wrote(w, target(d), sum, true);
}

static void
act_read(struct model_world *w)
{
	struct model_fd *d;
	struct model_file *f;
	uint64_t count;
	int64_t n, done;
	ssize_t got;

	if ((d = model_fd_pick(w, gives)) == NULL)
		return;
	f = d->file;
	if (f->mf_kind == MK_FILE) {
		n = 1 + (int64_t)model_below(w,
		    (unsigned)(f->mf_size - f->mf_off));
		model_say(w, "read(%d, %lld)\n", d->fd, (long long)n);
		must(w, read(d->fd, buffer, (size_t)n) == n, "read");
		f->mf_off += n;
		model_active(w, f, EVFILT_READ, NO);
		return;
	}
	n = f->mf_bytes;
	if (f->mf_kind == MK_COUNTER) {
		model_say(w, "read(%d)\n", d->fd);
		must(w, read(d->fd, &count, sizeof(count)) ==
		    (ssize_t)sizeof(count) && count == (uint64_t)n, "read");
		model_took(w, f, n);
		return;
	}
	/* How room comes back in a full socket is its own business: all. */
	if (model_chance(w, 50) && !(f->mf_filled && f->mf_kind == MK_SOCK))
		n = 1 + (int64_t)model_below(w, (unsigned)n);
	model_say(w, "read(%d, %lld) of %lld\n", d->fd, (long long)n,
	    (long long)f->mf_bytes);
	for (done = 0; done < n; done += got) {
		size_t want;

		want = n - done > (int64_t)sizeof(buffer) ? sizeof(buffer) :
		    (size_t)(n - done);
		got = read(d->fd, buffer, want);
		if (got == -1 && errno == ECONNRESET)
			got = 0;
		else if (got <= 0) {
			must(w, false, "read");
			return;
		}
	}
	model_took(w, f, n);
}

static void
act_shut(struct model_world *w)
{
	struct model_fd *d;
	struct model_file *f;

	if ((d = model_fd_pick(w, can_shut)) == NULL)
		return;
	model_say(w, "shutdown(%d, SHUT_WR)\n", d->fd);
	must(w, shutdown(d->fd, SHUT_WR) == 0, "shutdown");
	f = d->file;
	f->mf_shut = true;
	model_active(w, f, EVFILT_WRITE, MUST);
	model_active(w, f, EVFILT_READ, model_allow(MA_SHUTDOWN));
	f->mf_peer->mf_rd_eof = true;
	model_active(w, f->mf_peer, EVFILT_READ, MUST);
	model_active(w, f->mf_peer, EVFILT_WRITE, model_allow(MA_SHUTDOWN));
}

/*
 * A number was given to a file that had it before, or to another plain file:
 * that cannot be told apart without a wrapper, so the program of this test
 * deletes what may be left, as CAVEATS advises.
 */
void
model_forget(struct model_world *w, int fd, struct model_file *f)
{
	struct model_knote *kn;
	struct kevent kev;
	bool same;
	int i;

	for (kn = w->mw_kn; kn < w->mw_kn + MODEL_KNOTES; kn++) {
		if (!kn->kn_used || !kn->kn_stale ||
		    kn->kn_ident != (uintptr_t)fd)
			continue;
		same = kn->kn_plain ? model_plain(w, f) : kn->kn_file == f;
		if (!same)
			continue;
		(void)model_allow(MA_SAME_FILE);
		EV_SET(&kev, fd, kn->kn_filter, EV_DELETE, 0, 0, NULL);
		for (i = 0; i < MODEL_FDS; i++) {
			if (w->mw_fd[i].fd == -1 ||
			    w->mw_fd[i].file->mf_kind != MK_QUEUE ||
			    w->mw_fd[i].file->mf_qid != kn->kn_qid)
				continue;
			model_say(w, "    kevent(%d, DELETE %d %d)\n",
			    w->mw_fd[i].fd, fd, kn->kn_filter);
			(void)kevent(w->mw_fd[i].fd, &kev, 1, NULL, 0, NULL);
			break;
		}
		model_touched_queue(w, kn->kn_qid);
		kn->kn_used = false;
	}
}

/* Perhaps moves a new descriptor to a number that was in use before. */
static int
renumber(struct model_world *w, int fd)
{
	int moved, old;

	if (!model_chance(w, 60))
		return (fd);
	old = w->mw_closed[model_below(w, 4)];
	if (old == -1 || old == fd || fcntl(old, F_GETFD) != -1)
		return (fd);
	if ((moved = dup2(fd, old)) == -1)
		return (fd);
	(void)close(fd);
	return (moved);
}

static struct model_file *
adopt(struct model_world *w, enum model_kind kind, int fd)
{
	struct model_file *f;

	fd = renumber(w, fd);
	if ((f = model_file_new(w, kind, fd)) == NULL) {
		model_fail(w, "the model has no room for a descriptor");
		abort();
	}
	model_forget(w, fd, f);
	return (f);
}

static void
act_new(struct model_world *w)
{
	static char name[64];
	struct model_file *a, *b;
	int fd[2], i, n;

	for (n = 0, i = 0; i < MODEL_FDS; i++)
		n += w->mw_fd[i].fd == -1;
	if (n < 4)
		return;
	switch (model_below(w, 10)) {
	case 0: case 1: case 2: case 3:
		must(w, pipe(fd) == 0, "pipe");
		(void)fcntl(fd[0], F_SETFL, O_NONBLOCK);
		(void)fcntl(fd[1], F_SETFL, O_NONBLOCK);
		a = adopt(w, MK_PIPE_R, fd[0]);
		b = adopt(w, MK_PIPE_W, fd[1]);
		a->mf_size = (int64_t)sizeof(buffer);
		break;
	case 4: case 5: case 6:
		must(w, socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0,
		    "socketpair");
		(void)fcntl(fd[0], F_SETFL, O_NONBLOCK);
		(void)fcntl(fd[1], F_SETFL, O_NONBLOCK);
		a = adopt(w, MK_SOCK, fd[0]);
		b = adopt(w, MK_SOCK, fd[1]);
		break;
	case 7:
		must(w, (fd[0] = open("/dev/null", O_RDWR)) != -1, "open");
		a = adopt(w, MK_NULL, fd[0]);
		b = NULL;
		break;
	case 8:
		(void)snprintf(name, sizeof(name), "/tmp/evany-model.%ld",
		    (long)getpid());
		fd[0] = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
		must(w, fd[0] != -1 && unlink(name) == 0, "open");
		a = adopt(w, MK_FILE, fd[0]);
		b = NULL;
		break;
	default:
		must(w, (fd[0] = eventfd(0, EFD_NONBLOCK)) != -1, "eventfd");
		a = adopt(w, MK_COUNTER, fd[0]);
		b = NULL;
		break;
	}
	if (b != NULL) {
		a->mf_peer = b;
		b->mf_peer = a;
	}
	for (i = 0; i < MODEL_FDS; i++) {
		if (w->mw_fd[i].fd != -1 && (w->mw_fd[i].file == a ||
		    w->mw_fd[i].file == b))
			model_say(w, "new %s: %d\n", ((const char *const []){
			    "pipe, read end", "pipe, write end",
			    "unix stream socket", "/dev/null", "empty file",
			    "eventfd", "queue" })[w->mw_fd[i].file->mf_kind],
			    w->mw_fd[i].fd);
	}
}

static void
act_close(struct model_world *w)
{
	struct model_fd *d;

	d = model_fd_pick(w, model_chance(w, 90) ? is_file : is_anything);
	if (d == NULL)
		return;
	model_say(w, "close(%d)\n", d->fd);
	must(w, close(d->fd) == 0, "close");
	model_fd_closed(w, d);
}

static void
act_dup(struct model_world *w)
{
	struct model_fd *d, *onto;
	struct model_file *f;
	int fd, i, n;

	for (n = 0, i = 0; i < MODEL_FDS; i++)
		n += w->mw_fd[i].fd == -1;
	d = model_fd_pick(w, model_chance(w, 85) ? is_file : is_anything);
	if (d == NULL || n < 2)
		return;
	f = d->file;
	if (model_chance(w, 30)) {
		onto = model_fd_pick(w, is_file);
		if (onto == NULL || onto == d)
			return;
		model_say(w, "dup2(%d, %d)\n", d->fd, onto->fd);
		fd = onto->fd;
		must(w, dup2(d->fd, fd) == fd, "dup2");
		model_fd_closed(w, onto);
	} else {
		must(w, (fd = dup(d->fd)) != -1, "dup");
		fd = renumber(w, fd);
		model_say(w, "dup(%d): %d\n", d->fd, fd);
	}
	(void)model_fd_add(w, fd, f);
	model_forget(w, fd, f);
}

void
model_act_file(struct model_world *w, unsigned kind)
{
	switch (kind) {
	case ACT_WRITE:
		act_write(w);
		break;
	case ACT_READ:
		act_read(w);
		break;
	case ACT_FILL:
		act_fill(w);
		break;
	case ACT_SHUT:
		act_shut(w);
		break;
	case ACT_NEW:
		act_new(w);
		break;
	case ACT_CLOSE:
		act_close(w);
		break;
	case ACT_DUP:
		act_dup(w);
		break;
	}
}
