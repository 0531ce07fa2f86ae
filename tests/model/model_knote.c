/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * model_knote: what a change does to a knote and what a wait may return.
 *
 * kn_act is for EV_CLEAR and EV_ONESHOT: is there something that was not
 * returned yet?  For the other modes only the condition counts.  An event of
 * an EV_CLEAR knote must come if there is and the condition still holds.
 */
#include "config.h"

#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define MODES	(EV_ONESHOT | EV_CLEAR | EV_RECEIPT | EV_DISPATCH)
#define UNITS	(NOTE_SECONDS | NOTE_MSECONDS | NOTE_USECONDS | NOTE_NSECONDS)

static bool
of_fd(int filter)
{
	return (filter == EVFILT_READ || filter == EVFILT_WRITE);
}

struct model_knote *
model_knote_find(struct model_world *w, int qid, uintptr_t ident, int filter)
{
	struct model_knote *kn;

	for (kn = w->mw_kn; kn < w->mw_kn + MODEL_KNOTES; kn++) {
		if (kn->kn_used && !kn->kn_stale && kn->kn_qid == qid &&
		    kn->kn_ident == ident && kn->kn_filter == filter)
			return (kn);
	}
	return (NULL);
}

/* The number fd was closed: its knotes are gone, though a mechanism may lag. */
void
model_knotes_drop_fd(struct model_world *w, int fd, struct model_file *f)
{
	struct model_knote *kn;

	for (kn = w->mw_kn; kn < w->mw_kn + MODEL_KNOTES; kn++) {
		if (!kn->kn_used || kn->kn_stale || !of_fd(kn->kn_filter) ||
		    kn->kn_ident != (uintptr_t)fd)
			continue;
		model_touched_queue(w, kn->kn_qid);
		kn->kn_plain = model_plain(w, f);
		if (kn->kn_plain)
			kn->kn_file = NULL;
		if (kn->kn_plain || f->mf_refs > 1)
			kn->kn_stale = true;
		else
			kn->kn_used = false;
	}
}

/*
 * Are there knotes of a closed number that the mechanism may still know?  A
 * look ends those of a number that nobody has again (see MA_STALE).
 */
bool
model_stale(const struct model_world *w, int qid, bool looked)
{
	const struct model_knote *kn;

	for (kn = w->mw_kn; kn < w->mw_kn + MODEL_KNOTES; kn++) {
		if (kn->kn_used && kn->kn_stale && kn->kn_qid == qid &&
		    (!looked || kn->kn_plain ||
		    fcntl((int)kn->kn_ident, F_GETFD) != -1))
			return (true);
	}
	return (false);
}

void
model_knotes_drop_queue(struct model_world *w, int qid)
{
	int i;

	for (i = 0; i < MODEL_KNOTES; i++) {
		if (w->mw_kn[i].kn_used && w->mw_kn[i].kn_qid == qid)
			w->mw_kn[i].kn_used = false;
	}
}

/* Does the queue watch files of a kind that the mechanism lags behind? */
bool
model_lags(const struct model_world *w, int qid, enum model_kind kind)
{
	const struct model_knote *kn;

	if (!w->mw_edge_twice)
		return (false);
	for (kn = w->mw_kn; kn < w->mw_kn + MODEL_KNOTES; kn++)
		if (kn->kn_used && kn->kn_qid == qid && kn->kn_file != NULL &&
		    kn->kn_file->mf_kind == kind)
			return (true);
	return (false);
}

static enum model_sure
cond_file(struct model_world *w, const struct model_knote *kn)
{
	const struct model_file *f = kn->kn_file;
	int may, must;
	int64_t need;

	if (kn->kn_filter == EVFILT_WRITE) {
		if (f->mf_wr_eof || model_room(f))
			return (MUST);
		return (f->mf_shut ? model_allow(MA_SHUTDOWN) : NO);
	}
	switch (f->mf_kind) {
	case MK_NULL:
		return (MUST);
	case MK_FILE:
		return (f->mf_size != f->mf_off ? MUST : NO);
	case MK_QUEUE:
		model_pending(w, f->mf_qid, &must, &may);
		if (must > 0)
			/* Plain files are looked at for the queue itself. */
			return (model_lags(w, f->mf_qid, MK_FILE) ?
			    model_allow(MA_NESTED) : MUST);
		if (may > 0 || !f->mf_settled || model_stale(w, f->mf_qid, false))
			return (model_allow(MA_NESTED));
		return (NO);
	default:
		need = (kn->kn_fflags & NOTE_LOWAT) != 0 ? kn->kn_data : 1;
		return (f->mf_rd_eof || f->mf_bytes >= need ? MUST : NO);
	}
}

enum model_sure
model_cond(struct model_world *w, const struct model_knote *kn)
{
	if (!of_fd(kn->kn_filter))
		return (kn->kn_on ? MUST : NO);
	return (cond_file(w, kn));
}

/* What the portable mechanisms tell an edge by; -1: they do not. */
static int64_t
looks(const struct model_knote *kn)
{
	const struct model_file *f = kn->kn_file;

	switch (f->mf_kind) {
	case MK_PIPE_R:
	case MK_PIPE_W:
	case MK_SOCK:
	case MK_COUNTER:
		break;
	default:
		return (-1);
	}
	if (kn->kn_filter == EVFILT_READ)
		return (f->mf_bytes << 1 | f->mf_rd_eof);
	/* With both directions shut down it cannot get worse. */
	return ((f->mf_peer != NULL ? f->mf_peer->mf_bytes : 0) << 2 |
	    (f->mf_wr_eof || (f->mf_shut && f->mf_rd_eof)) << 1 | f->mf_shut);
}

enum model_sure
model_expect(struct model_world *w, const struct model_knote *kn)
{
	enum model_sure cond;

	if (kn->kn_stale)
		return (NO);
	if (kn->kn_disabled)
		return (NO);
	if (kn->kn_forced)
		return (MUST);
	cond = model_cond(w, kn);
	if ((kn->kn_mode & EV_ONESHOT) != 0) {
		if (cond == NO && kn->kn_act != NO)
			return (model_allow(MA_ONESHOT_GONE));
		return (cond);
	}
	if ((kn->kn_mode & EV_CLEAR) == 0 || cond == NO ||
	    !of_fd(kn->kn_filter))
		return (cond);
	if (kn->kn_file->mf_kind == MK_QUEUE)
		return (MAY);
	if (kn->kn_act == NO && w->mw_edge_twice)
		return (model_allow(MA_EDGE_TWICE));
	if (w->mw_edge_twice && kn->kn_seen && kn->kn_saw != -1 &&
	    kn->kn_saw == looks(kn))
		return (model_allow(MA_EDGE_LATE));
	return (kn->kn_act < cond ? kn->kn_act : cond);
}

void
model_pending(struct model_world *w, int qid, int *must, int *may)
{
	const struct model_knote *kn;

	*must = *may = 0;
	for (kn = w->mw_kn; kn < w->mw_kn + MODEL_KNOTES; kn++) {
		if (!kn->kn_used || kn->kn_qid != qid)
			continue;
		switch (model_expect(w, kn)) {
		case MUST:
			(*must)++;
			break;
		case MAY:
			(*may)++;
			break;
		case NO:
			break;
		}
	}
}

/* ---- changes ---------------------------------------------------------------- */

static bool
moment_gone(const struct kevent *kev)
{
	/* The acts use a moment near the Epoch, or one in a far century. */
	return ((kev->fflags & NOTE_ABSTIME) != 0 && kev->data < 1000000);
}

static int
timer_check(const struct kevent *kev)
{
	unsigned units;

	units = kev->fflags & UNITS;
	if ((units & (units - 1)) != 0 ||
	    (kev->fflags & ~(unsigned)(UNITS | NOTE_ABSTIME)) != 0)
		return (EINVAL);
	return (kev->data < 0 ? EINVAL : 0);
}

static void
user_touch(struct model_knote *kn, const struct kevent *kev)
{
	unsigned bits;

	bits = kev->fflags & NOTE_FFLAGSMASK;
	switch (kev->fflags & NOTE_FFCTRLMASK) {
	case NOTE_FFAND:
		kn->kn_fflags &= bits;
		break;
	case NOTE_FFOR:
		kn->kn_fflags |= bits;
		break;
	case NOTE_FFCOPY:
		kn->kn_fflags = bits;
		break;
	}
	kn->kn_data = kev->data;
	if ((kev->fflags & NOTE_TRIGGER) != 0) {
		kn->kn_on = true;
		kn->kn_act = MUST;
	}
	if ((kev->flags & EV_CLEAR) != 0)
		kn->kn_on = false;
}

static int
change_new(struct model_world *w, int qid, const struct kevent *kev,
    struct model_file *f, bool *before)
{
	struct model_knote *kn;
	int error, i;

	if (kev->filter == EVFILT_TIMER && (error = timer_check(kev)) != 0) {
		*before = false;
		return (error);
	}
	/*
	 * The number is this queue's own again: nothing stale is left, but
	 * that the old file may make the queue readable once (KQ-016).
	 */
	for (i = 0; i < MODEL_KNOTES; i++) {
		kn = &w->mw_kn[i];
		if (f != NULL && kn->kn_used && kn->kn_stale &&
		    kn->kn_qid == qid && kn->kn_ident == kev->ident) {
			kn->kn_used = !kn->kn_plain;
			kn->kn_replaced = true;
		}
	}
	for (i = 0; i < MODEL_KNOTES && w->mw_kn[i].kn_used; i++)
		;
	if (i == MODEL_KNOTES) {
		model_fail(w, "the model has no room for a knote");
		return (ENOMEM);
	}
	kn = &w->mw_kn[i];
	memset(kn, 0, sizeof(*kn));
	kn->kn_used = true;
	kn->kn_qid = qid;
	kn->kn_ident = kev->ident;
	kn->kn_filter = kev->filter;
	kn->kn_mode = kev->flags & MODES;
	kn->kn_fflags = kev->fflags;
	kn->kn_data = kev->data;
	kn->kn_udata = kev->udata;
	kn->kn_file = f;
	if (kev->filter == EVFILT_USER) {
		kn->kn_fflags = kev->fflags & NOTE_FFLAGSMASK;
		kn->kn_on = (kev->fflags & NOTE_TRIGGER) != 0;
	} else if (kev->filter == EVFILT_TIMER)
		kn->kn_on = moment_gone(kev);
	kn->kn_act = model_cond(w, kn);
	/* With both bits it is enabled. */
	kn->kn_disabled = (kev->flags & (EV_DISABLE | EV_ENABLE)) ==
	    EV_DISABLE;
	return (0);
}

/* An existing knote is changed: the filter looks at its condition again. */
static int
change_old(struct model_world *w, struct model_knote *kn,
    const struct kevent *kev, bool *before)
{
	int error;

	if (kn->kn_filter == EVFILT_TIMER && (kev->flags & EV_ADD) != 0) {
		if ((error = timer_check(kev)) != 0) {
			*before = false;
			return (error);
		}
		kn->kn_on = moment_gone(kev);
		kn->kn_act = kn->kn_on ? MUST : NO;
	}
	if (kn->kn_filter == EVFILT_USER)
		user_touch(kn, kev);
	else if (kn->kn_filter != EVFILT_TIMER) {
		kn->kn_fflags = kev->fflags;
		kn->kn_data = kev->data;
	}
	if ((kev->flags & EV_KEEPUDATA) == 0)
		kn->kn_udata = kev->udata;

	if ((kev->flags & EV_DISABLE) != 0)
		kn->kn_disabled = true;
	if ((kev->flags & EV_ENABLE) != 0)
		kn->kn_disabled = false;
	if ((kev->flags & EV_FORCEONESHOT) != 0)
		kn->kn_forced = true;

	if (of_fd(kn->kn_filter) && model_cond(w, kn) != NO &&
	    ((kev->flags & EV_ADD) != 0 || !kn->kn_disabled)) {
		kn->kn_seen = false;
		kn->kn_act = MUST;
	}
	return (0);
}

int
model_change(struct model_world *w, int qid, const struct kevent *kev,
    bool *before)
{
	struct model_knote *kn;
	struct model_fd *d;
	int error;

	*before = true;
	d = NULL;
	switch (kev->filter) {
	case EVFILT_READ:
	case EVFILT_WRITE:
		if (kev->ident > INT_MAX ||
		    (d = model_fd_find(w, (int)kev->ident)) == NULL)
			return (EBADF);
		break;
	case EVFILT_TIMER:
	case EVFILT_USER:
		break;
	default:
		return (EINVAL);
	}
	if ((kev->flags & (EV_ADD | EV_KEEPUDATA)) == (EV_ADD | EV_KEEPUDATA))
		return (EINVAL);
	model_touched_queue(w, qid);
	kn = model_knote_find(w, qid, kev->ident, kev->filter);
	if (kn == NULL) {
		if ((kev->flags & EV_ADD) == 0)
			return (ENOENT);
		return (change_new(w, qid, kev, d == NULL ? NULL : d->file,
		    before));
	}
	if ((kev->flags & (EV_ADD | EV_DELETE)) == EV_DELETE) {
		kn->kn_used = false;
		return (0);
	}
	error = change_old(w, kn, kev, before);
	return (error);
}

/* ---- events ------------------------------------------------------------------- */

static const char *
text(const struct kevent *kev)
{
	static _Thread_local char buf[200];

	model_print_kevent(buf, sizeof(buf), kev);
	return (buf);
}

/* Flags of the mode, and whether the end may, must or must not be told. */
static void
event_flags(struct model_world *w, const struct model_knote *kn,
    const struct kevent *ev)
{
	const struct model_file *f = kn->kn_file;
	enum model_sure eof;
	unsigned got, want;

	got = ev->flags & ~(unsigned)(EV_NODATA | EV_HUP | EV_EOF);
	want = kn->kn_mode;
	if (kn->kn_filter == EVFILT_TIMER) {
		got &= ~(unsigned)EV_CLEAR;
		want &= ~(unsigned)EV_CLEAR;
	}
	if (kn->kn_forced) {
		got &= ~(unsigned)EV_ONESHOT;
		want &= ~(unsigned)EV_ONESHOT;
	}
	if (got != want)
		model_fail(w, "flags %#x, not %#x: %s", got, want, text(ev));
	eof = NO;
	if (kn->kn_filter == EVFILT_READ && f->mf_rd_eof)
		eof = MUST;
	if (kn->kn_filter == EVFILT_WRITE && (f->mf_wr_eof || f->mf_shut))
		eof = MUST;
	if (kn->kn_forced)
		return;
	if ((eof == MUST) != ((ev->flags & EV_EOF) != 0))
		model_fail(w, "%s the end: %s", eof == MUST ?
		    "does not tell" : "wrongly tells", text(ev));
	if ((ev->flags & EV_NODATA) != 0 && ((ev->flags & EV_EOF) == 0 ||
	    (kn->kn_filter == EVFILT_READ && ev->data != 0)))
		model_fail(w, "EV_NODATA: %s", text(ev));
}

static void
event_data(struct model_world *w, const struct model_knote *kn,
    const struct kevent *ev)
{
	const struct model_file *f = kn->kn_file;
	int64_t low, high;
	int may, must;

	low = high = 0;
	if (kn->kn_filter == EVFILT_USER)
		low = high = kn->kn_data;
	else if (kn->kn_filter == EVFILT_TIMER)
		low = high = 1;
	else if (kn->kn_filter == EVFILT_WRITE) {
		/* Room: KQ-136 and KQ-143 give no exact number. */
		if (f->mf_kind == MK_NULL || f->mf_kind == MK_FILE)
			low = high = 0;
		else if (f->mf_wr_eof || f->mf_shut) {
			low = 0;
			high = f->mf_kind == MK_PIPE_W ? 0 : INT64_MAX;
		} else {
			low = 1;
			high = f->mf_kind == MK_PIPE_W && f->mf_peer != NULL ?
			    f->mf_peer->mf_size : INT64_MAX;
		}
	} else switch (f->mf_kind) {
	case MK_FILE:
		low = high = f->mf_size - f->mf_off;
		break;
	case MK_QUEUE:
		model_pending(w, f->mf_qid, &must, &may);
		low = 1;
		high = INT64_MAX;
		break;
	default:
		low = high = f->mf_bytes;
	}
	if (ev->data < low || ev->data > high)
		model_fail(w, "data, not %lld to %lld: %s", (long long)low,
		    (long long)high, text(ev));
}

/*
 * What is left of an EV_CLEAR event that was returned.  A socket tells of room
 * for each piece that its peer reads, and may have ended a wait at the first.
 */
static enum model_sure
rest(const struct model_knote *kn, bool early)
{
	return (early && kn->kn_filter == EVFILT_WRITE &&
	    kn->kn_file->mf_kind == MK_SOCK ? model_allow(MA_WRITE_CLEAR) : NO);
}

void
model_event(struct model_world *w, int qid, const struct kevent *ev,
    bool early)
{
	const struct model_file *f;
	struct model_knote *kn;
	unsigned fflags;
	bool held;

	kn = model_knote_find(w, qid, ev->ident, ev->filter);
	if (kn == NULL) {
		for (kn = w->mw_kn; kn < w->mw_kn + MODEL_KNOTES; kn++) {
			if (kn->kn_used && kn->kn_stale && !kn->kn_plain &&
			    !kn->kn_replaced && kn->kn_qid == qid &&
			    kn->kn_ident == ev->ident &&
			    fcntl((int)ev->ident, F_GETFD) != -1) {
				(void)model_allow(MA_STALE);
				return;
			}
		}
		model_fail(w, "no such knote: %s", text(ev));
		return;
	}
	if (model_expect(w, kn) == NO) {
		model_fail(w, "nothing to report: %s", text(ev));
		return;
	}
	if (ev->udata != kn->kn_udata)
		model_fail(w, "udata, not %p: %s", kn->kn_udata, text(ev));
	event_flags(w, kn, ev);
	/* A forced event has its data from whenever the filter ran last. */
	held = model_cond(w, kn) != NO && !kn->kn_forced;
	if (held)
		event_data(w, kn, ev);
	f = kn->kn_file;
	fflags = kn->kn_filter == EVFILT_USER ? kn->kn_fflags : 0;
	if (ev->fflags != fflags && !kn->kn_forced && !(f != NULL && f->mf_reset &&
	    (ev->flags & EV_EOF) != 0 && ev->fflags == ECONNRESET))
		model_fail(w, "fflags, not %#x: %s", fflags, text(ev));

	if ((kn->kn_mode & EV_ONESHOT) != 0 || kn->kn_forced) {
		kn->kn_used = false;
		return;
	}
	if ((kn->kn_mode & EV_CLEAR) != 0) {
		kn->kn_on = false;
		kn->kn_act = rest(kn, early);
		kn->kn_seen = of_fd(kn->kn_filter);
		kn->kn_saw = kn->kn_seen ? looks(kn) : -1;
	}
	if ((kn->kn_mode & EV_DISPATCH) != 0) {
		kn->kn_disabled = true;
		kn->kn_act = NO;
	}
}

/*
 * The wait has returned n of at most nevents events, which model_event() has
 * taken in.  Everything pending has been looked at if there was room left.
 * early: it was blocked, and acts went on after it had been woken.
 */
void
model_waited(struct model_world *w, int qid, int nevents,
    const struct kevent *ev, int n, bool early)
{
	struct model_knote *kn;
	unsigned bound, pending;
	bool got;
	int i;

	for (pending = 0, kn = w->mw_kn; kn < w->mw_kn + MODEL_KNOTES; kn++)
		pending += kn->kn_used && kn->kn_qid == qid;
	bound = 2 * pending + (unsigned)nevents;
	for (kn = w->mw_kn; kn < w->mw_kn + MODEL_KNOTES; kn++) {
		if (!kn->kn_used || kn->kn_qid != qid || kn->kn_stale)
			continue;
		for (got = false, i = 0; i < n && !got; i++) {
			got = ev[i].ident == kn->kn_ident &&
			    ev[i].filter == kn->kn_filter;
		}
		if (got || model_expect(w, kn) != MUST) {
			kn->kn_missed = 0;
			/* Looked at and not returned: it was not there. */
			if (!got && n < nevents && !early &&
			    kn->kn_act == MAY &&
			    (kn->kn_mode & EV_ONESHOT) == 0 &&
			    !kn->kn_disabled)
				kn->kn_act = NO;
			continue;
		}
		if (n < nevents && !early) {
			model_fail(w, "no event of ident %#lx filter %d, which "
			    "is pending", (unsigned long)kn->kn_ident,
			    kn->kn_filter);
			return;
		}
		/* Nobody is passed over for ever. */
		if (kn->kn_missed == 0 || bound > kn->kn_bound)
			kn->kn_bound = bound;
		kn->kn_missed += (unsigned)n;
		if (kn->kn_missed > kn->kn_bound) {
			model_fail(w, "ident %#lx filter %d is passed over: "
			    "%u other events came", (unsigned long)kn->kn_ident,
			    kn->kn_filter, kn->kn_missed);
			return;
		}
	}
}
