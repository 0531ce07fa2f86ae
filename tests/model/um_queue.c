/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * um_queue: what must come of a call, and what it leaves behind.
 */
#include "config.h"

#include "um.h"

#include <stdlib.h>

#define MODES	(EVANY_EDGE | EVANY_ONESHOT | EVANY_DISPATCH)

struct um_watch *
um_find(struct um_queue *uq, int source, uintptr_t object)
{
	struct um_watch *wa;

	for (wa = uq->uq_watch; wa < uq->uq_watch + UM_WATCHES; wa++)
		if (wa->wa_live && wa->wa_ch.ch_source == source &&
		    wa->wa_ch.ch_object == object)
			return (wa);
	return (NULL);
}

/* ---- what is due --------------------------------------------------------------- */

unsigned
um_watch_bits(const struct um_world *w, const struct um_watch *wa)
{
	unsigned what = wa->wa_ch.ch_what | EVANY_HANGUP | EVANY_ERROR;

	if ((what & EVANY_READ) != 0)
		what |= EVANY_EOF;
	return (wa->wa_file == NULL ? 0 : um_ready(w, wa->wa_file) & what);
}

static enum um_due
fd_due(const struct um_world *w, const struct um_queue *uq,
    const struct um_watch *wa)
{
	const struct um_file *f = wa->wa_file;

	if (wa->wa_loose)
		return (UM_MAY);
	if (f->mf_kind == UM_QUEUE)
		return (um_queue_due(w, &w->uw_queue[f->mf_queue]));
	if (um_watch_bits(w, wa) == 0)
		return (UM_NOT);
	if ((wa->wa_ch.ch_flags & EVANY_EDGE) == 0)
		return (UM_MUST);
	if (um_guesses())
		return (wa->wa_new != 0 ? UM_SOON : UM_MAY);
	if (wa->wa_new != 0)
		return (UM_MUST);
	/*
	 * Edges are asked for again when an old file of a number was found to
	 * be watched.
	 */
	return (wa->wa_may || uq->uq_stale ? UM_MAY : UM_NOT);
}

static enum um_due
told_due(const struct um_watch *wa)
{
	int i;

	for (i = 0; i < wa->wa_ntold; i++)
		if (wa->wa_told[i].to_seen == 0)
			return (UM_MUST);
	return (wa->wa_ntold > 0 ? UM_MAY : UM_NOT);
}

static enum um_due
tree_due(const struct um_world *w, const struct um_watch *wa)
{

	if (!um_guesses() && !wa->wa_loose && !um_tree_same(w, wa))
		return (UM_MUST);
	return (wa->wa_any ? UM_MAY : UM_NOT);
}

enum um_due
um_watch_due(const struct um_world *w, const struct um_queue *uq,
    const struct um_watch *wa)
{

	if (!wa->wa_live || wa->wa_silent)
		return (UM_NOT);
	switch (wa->wa_ch.ch_source) {
	case EVANY_FD:
		return (fd_due(w, uq, wa));
	case EVANY_TIMER:
		return (wa->wa_ch.ch_time == 0 ? UM_SOON : UM_NOT);
	case EVANY_SIGNAL:
	case EVANY_PROCESS:
		return (wa->wa_count > 0 ? UM_SOON : UM_NOT);
	case EVANY_DIRECTORY:
		if (um_is_tree(wa))
			return (tree_due(w, wa));
		return (um_guesses() && wa->wa_any ? UM_MAY : told_due(wa));
	default:
		if (um_guesses())
			return (wa->wa_any ? UM_MAY : UM_NOT);
		return (wa->wa_bits != 0 ? UM_MUST : wa->wa_old != 0 ?
		    UM_MAY : UM_NOT);
	}
}

/* An act that a directory tells of is an event of its own. */
static int
watch_count(const struct um_world *w, const struct um_queue *uq,
    const struct um_watch *wa, enum um_due least)
{
	int i, n = 0;

	if (um_is_tree(wa) && least <= UM_MAY)
		return (tree_due(w, wa) >= least ? UM_TOLD : 0);
	if (um_is_tree(wa))
		return (tree_due(w, wa) >= least);
	if (um_guesses() && wa->wa_live && wa->wa_any &&
	    wa->wa_ch.ch_source == EVANY_DIRECTORY)
		return (least > UM_MAY ? 0 : UM_TOLD);
	if (!wa->wa_live || wa->wa_ch.ch_source != EVANY_DIRECTORY)
		return (um_watch_due(w, uq, wa) >= least);
	for (i = 0; i < wa->wa_ntold; i++)
		n += least > UM_MAY ? wa->wa_told[i].to_seen == 0 :
		    wa->wa_told[i].to_most - wa->wa_told[i].to_seen;
	return (n);
}

int
um_count(const struct um_world *w, const struct um_queue *uq,
    enum um_due least)
{
	int i, n = uq->uq_posts;

	n += least <= UM_SOON ? um_requests(w, uq) : 0;
	for (i = 0; i < UM_WATCHES; i++)
		n += watch_count(w, uq, &uq->uq_watch[i], least);
	return (n);
}

enum um_due
um_queue_due(const struct um_world *w, const struct um_queue *uq)
{
	enum um_due due = UM_NOT, one;
	int i;

	if (um_requests(w, uq) > 0)
		due = UM_SOON;
	if (uq->uq_alert != 0 || uq->uq_posts > 0)
		due = UM_MUST;
	for (i = 0; i < UM_WATCHES; i++) {
		one = um_watch_due(w, uq, &uq->uq_watch[i]);
		due = one > due ? one : due;
	}
	/*
	 * What was ready may have been taken back, and the mechanism is told
	 * of other names in the directory as well.
	 */
	if (due == UM_NOT && (uq->uq_stirred || uq->uq_stale))
		due = UM_MAY;
	/* The bell for a signal may not have been heard yet. */
	if (due == UM_NOT && um_guesses() && uq->uq_signals)
		due = UM_MAY;
	/* Whoever tells of a request rings after its event can be taken. */
	if (due == UM_NOT && uq->uq_requests)
		due = UM_MAY;
	/* A thread may be about to take them. */
	if (w->uw_sleeper != -1 && w->uw_asleep == uq)
		due = UM_MAY;
	return (due);
}

/* ---- changes --------------------------------------------------------------------- */

static struct um_watch *
watch_new(struct um_queue *uq)
{
	struct um_watch *wa;

	for (wa = uq->uq_watch; wa->wa_live; wa++)
		if (wa == uq->uq_watch + UM_WATCHES - 1)
			abort();
	return (wa);
}

static int
dropped(struct um_world *w, struct um_queue *uq, const struct evany_change *ch,
    int error)
{
	struct um_watch *wa = um_find(uq, ch->ch_source, ch->ch_object);
	bool fd = ch->ch_source == EVANY_FD, loose;

	loose = wa != NULL && wa->wa_loose;
	if (wa != NULL) {
		uq->uq_stirred = true;
		uq->uq_stale |= loose;
		wa->wa_live = false;
	}
	if (fd && (ch->ch_object >= UM_NUMBERS ||
	    w->uw_fd[ch->ch_object] == NULL))
		return (EBADF);
	if (wa == NULL)
		return (ENOENT);
	/* The number may name the same file again. */
	return (loose && error == ENOENT ? ENOENT : 0);
}

/* What a change must answer, after which the model is as it says. */
static int
changed(struct um_world *w, struct um_queue *uq, const struct evany_change *ch,
    int error)
{
	unsigned mode = ch->ch_flags & MODES;
	unsigned bits = 0, old = 0;
	struct um_watch *wa;
	bool any = false;
	struct um_child *mc;
	int count = 0;

	if ((ch->ch_flags & EVANY_DROP) != 0)
		return (dropped(w, uq, ch, error));
	if ((mode & (mode - 1)) != 0 || (ch->ch_source == EVANY_FD &&
	    ch->ch_what == 0) || ch->ch_time < 0)
		return (EINVAL);
	wa = um_find(uq, ch->ch_source, ch->ch_object);
	uq->uq_stirred |= wa != NULL;
	uq->uq_stale |= wa != NULL && wa->wa_loose;
	uq->uq_signals |= ch->ch_source == EVANY_SIGNAL ||
	    ch->ch_source == EVANY_PROCESS;
	if (ch->ch_source == EVANY_FD && (ch->ch_object >= UM_NUMBERS ||
	    w->uw_fd[ch->ch_object] == NULL)) {
		if (wa != NULL)
			wa->wa_live = false;
		return (EBADF);
	}
	if (ch->ch_source == EVANY_PROCESS && wa == NULL) {
		mc = um_child(w, ch->ch_object);
		if (mc == NULL || mc->mc_gone)
			return (ESRCH);
		count = mc->mc_ended;
	}
	if (wa == NULL)
		wa = watch_new(uq);
	else {
		bits = wa->wa_bits;
		old = wa->wa_old;
		count = wa->wa_count;
		any = wa->wa_any && ch->ch_source == EVANY_FILE;
	}
	memset(wa, 0, sizeof(*wa));
	/* A file's are kept, as DISPATCH wants it, and a signal's count. */
	wa->wa_bits = bits;
	wa->wa_count = count;
	wa->wa_old = old;
	wa->wa_any = any;
	wa->wa_live = true;
	wa->wa_ch = *ch;
	if (um_is_tree(wa))
		wa->wa_tree = w->uw_tree;
	if (ch->ch_source == EVANY_FD) {
		wa->wa_file = w->uw_fd[ch->ch_object];
		wa->wa_new = wa->wa_ready = um_watch_bits(w, wa);
		wa->wa_may = true;
	}
	return (0);
}

/* ---- events ------------------------------------------------------------------------ */

static void
fd_told(struct um_world *w, struct um_watch *wa, const struct evany_event *ev,
    bool slept)
{
	unsigned bits = um_watch_bits(w, wa), told = ev->ev_what;
	const struct um_file *f = wa->wa_file;
	bool part = slept;

	if (wa->wa_loose)
		return;
	/* Bytes that nobody read when the peer closed are an error, once. */
	if (f->mf_kind == UM_SOCK && f->mf_peer == NULL)
		told &= ~EVANY_ERROR;
	if (f->mf_kind == UM_QUEUE)
		bits = EVANY_READ;
	if (um_guesses() && (wa->wa_ch.ch_flags & EVANY_EDGE) != 0)
		part = true;
	if (part ? told == 0 || (told & ~bits) != 0 : told != bits)
		um_fail(w, "bits %#x instead of %#x", ev->ev_what, bits);
	if ((wa->wa_ch.ch_flags & EVANY_COUNT) != 0 && !slept &&
	    (f->mf_kind == UM_PIPE_R || f->mf_kind == UM_SOCK) &&
	    (told & EVANY_READ) != 0 && ev->ev_data != f->mf_bytes)
		um_fail(w, "%jd bytes instead of %d", (intmax_t)ev->ev_data,
		    f->mf_bytes);
	wa->wa_new &= slept || !part ? 0 : ~told;
	wa->wa_may = slept;
}

static void
dir_told(struct um_world *w, struct um_watch *wa, const struct evany_event *ev)
{
	struct um_told *to = wa->wa_told;

	if (ev->ev_name == NULL || ev->ev_name[1] != '\0') {
		um_fail(w, "name %s", ev->ev_name == NULL ? "none" :
		    ev->ev_name);
		return;
	}
	if (um_guesses()) {
		if (ev->ev_name[0] < 'a' || ev->ev_name[0] >= 'a' + UM_NAMES ||
		    (ev->ev_what & ~wa->wa_ch.ch_what) != 0)
			um_fail(w, "%s %#x", ev->ev_name, ev->ev_what);
		return;
	}
	/* One that was told, and might have been once more, was merged. */
	while (wa->wa_ntold > 0 && to->to_seen > 0 &&
	    (to->to_seen == to->to_most || to->to_name != ev->ev_name[0] ||
	    to->to_what != ev->ev_what)) {
		wa->wa_ntold--;
		memmove(to, to + 1, (size_t)wa->wa_ntold * sizeof(*to));
	}
	if (wa->wa_ntold == 0 || to->to_name != ev->ev_name[0] ||
	    to->to_what != ev->ev_what) {
		um_fail(w, "%s %#x, not %c %#x", ev->ev_name, ev->ev_what,
		    wa->wa_ntold == 0 ? '-' : to->to_name, to->to_what);
		return;
	}
	to->to_seen++;
}

static void
posted(struct um_world *w, struct um_queue *uq, const struct evany_event *ev)
{
	struct um_post *po = uq->uq_post;

	if (uq->uq_posts == 0 || po->po_object != ev->ev_object ||
	    po->po_data != ev->ev_data || po->po_user != ev->ev_user) {
		um_fail(w, "a post that is not the oldest");
		return;
	}
	uq->uq_posts--;
	memmove(po, po + 1, (size_t)uq->uq_posts * sizeof(*po));
}

static void
watch_told(struct um_world *w, struct um_queue *uq, struct um_watch *wa,
    const struct evany_event *ev, bool slept)
{
	unsigned flags = wa->wa_ch.ch_flags;
	const struct um_child *mc;

	switch (ev->ev_source) {
	case EVANY_FD:
		fd_told(w, wa, ev, slept);
		break;
	case EVANY_TIMER:
		if (ev->ev_data != 1)
			um_fail(w, "%jd times", (intmax_t)ev->ev_data);
		wa->wa_ch.ch_time = 1;
		if (wa->wa_ch.ch_period == 0)
			wa->wa_live = false;
		break;
	case EVANY_SIGNAL:
		if (ev->ev_data < 1 || (slept ? ev->ev_data > wa->wa_count :
		    ev->ev_data != wa->wa_count))
			um_fail(w, "%jd times instead of %d",
			    (intmax_t)ev->ev_data, wa->wa_count);
		wa->wa_count -= (int)ev->ev_data;
		break;
	case EVANY_PROCESS:
		mc = um_child(w, ev->ev_object);
		if (ev->ev_what != EVANY_EXIT || (ev->ev_data != UM_STATUS <<
		    8 && (mc != NULL && !mc->mc_gone)))
			um_fail(w, "bits %#x, status %jd", ev->ev_what,
			    (intmax_t)ev->ev_data);
		wa->wa_live = false;
		break;
	case EVANY_DIRECTORY:
		if (um_is_tree(wa))
			um_tree_told(w, wa, ev);
		else
			dir_told(w, wa, ev);
		break;
	case EVANY_FILE:
		/* The latest of it may be an event of its own. */
		wa->wa_old |= um_guesses() ? wa->wa_ch.ch_what : wa->wa_bits;
		if (ev->ev_what == 0 || (ev->ev_what & ~wa->wa_old) != 0)
			um_fail(w, "bits %#x instead of %#x", ev->ev_what,
			    wa->wa_bits);
		wa->wa_bits &= ~ev->ev_what;
		break;
	}
	if ((flags & EVANY_ONESHOT) != 0)
		wa->wa_live = false;
	wa->wa_silent = (flags & EVANY_DISPATCH) != 0;
	(void)uq;
}

static void
event(struct um_world *w, struct um_queue *uq, const struct evany_event *ev,
    bool slept)
{
	struct um_watch *wa;
	bool nested;

	um_say(w, "    %s%s%s\n", evt_uni_text(ev), ev->ev_name == NULL ? "" :
	    ", ", ev->ev_name == NULL ? "" : ev->ev_name);
	if (ev->ev_source == EVANY_USER) {
		posted(w, uq, ev);
		return;
	}
	if (ev->ev_source == EVANY_AIO) {
		um_request_told(w, uq, ev);
		return;
	}
	wa = um_find(uq, ev->ev_source, ev->ev_object);
	/* What another queue had when it was found may have been taken. */
	nested = slept && wa != NULL && wa->wa_file != NULL &&
	    wa->wa_file->mf_kind == UM_QUEUE;
	if (wa == NULL || (!nested && um_watch_due(w, uq, wa) == UM_NOT)) {
		um_fail(w, "unexpected: %s", evt_uni_text(ev));
		return;
	}
	if (ev->ev_user != wa->wa_ch.ch_user)
		um_fail(w, "user %p instead of %p", ev->ev_user,
		    wa->wa_ch.ch_user);
	watch_told(w, uq, wa, ev, slept);
}

/*
 * In one call nothing but acts in directories and posts comes twice; of what
 * happens while it sleeps, only what stays ready counts once.
 */
static bool
repeats(struct um_queue *uq, const struct evany_event *ev, bool slept)
{
	const struct um_watch *wa;

	if (ev->ev_source == EVANY_USER || ev->ev_source == EVANY_DIRECTORY)
		return (true);
	wa = um_find(uq, ev->ev_source, ev->ev_object);
	return (slept && wa != NULL && (ev->ev_source != EVANY_FD ||
	    (wa->wa_ch.ch_flags & MODES) != 0));
}

static void
distinct(struct um_world *w, struct um_queue *uq, const struct um_op *op,
    bool slept)
{
	const struct evany_event *ev = op->op_ev;
	int i, j;

	for (i = 0; i < op->op_ret; i++)
		for (j = 0; j < i && !repeats(uq, &ev[i], slept); j++)
			if (ev[i].ev_source == ev[j].ev_source &&
			    ev[i].ev_object == ev[j].ev_object)
				um_fail(w, "twice in one call: %s",
				    evt_uni_text(&ev[i]));
}

static void
alerted(struct um_world *w, const struct um_queue *uq,
    const struct evany_event *ev)
{
	um_say(w, "    %s\n", evt_uni_text(ev));
	if (ev->ev_source != EVANY_ALERT || ev->ev_data != uq->uq_alert ||
	    ev->ev_user != uq->uq_alert_user)
		um_fail(w, "not the alert: %s", evt_uni_text(ev));
}

/* Of files that were not told of in this call nothing older is left. */
static void
all_taken(struct um_world *w, struct um_queue *uq, const struct um_op *op)
{
	bool told[UM_NAMES] = { false }, tree = false;
	struct um_watch *wa;
	int i;

	for (i = 0; i < op->op_ret; i++)
		if (op->op_ev[i].ev_source == EVANY_FILE)
			told[op->op_ev[i].ev_object] = true;
		else if (op->op_ev[i].ev_source == EVANY_DIRECTORY)
			tree = true;
	for (wa = uq->uq_watch; wa < uq->uq_watch + UM_WATCHES; wa++) {
		/* What is in a new directory may be told by the next call. */
		if (um_is_tree(wa) && !tree)
			um_tree_settled(w, wa);
		if (wa->wa_live && wa->wa_ch.ch_source == EVANY_FILE &&
		    !wa->wa_silent && !told[wa->wa_ch.ch_object])
			wa->wa_old = 0;
	}
}

static void
waited(struct um_world *w, struct um_queue *uq, const struct um_op *op,
    bool slept)
{
	int due = um_count(w, uq, UM_MUST), i, n = op->op_ret;
	int soon = um_count(w, uq, UM_SOON);

	/*
	 * A wait that slept may have ended in the midst of an act, and one in
	 * alert mode leaves all else as it is.
	 */
	uq->uq_stirred &= slept || n >= op->op_most || uq->uq_alert != 0;
	if (n == -1) {
		um_fail(w, "errno %d", op->op_error);
		return;
	}
	distinct(w, uq, op, slept || op->op_timeout != 0);
	if (uq->uq_alert != 0 && op->op_most > 0 && !(slept &&
	    n >= op->op_least && op->op_ev[n - 1].ev_source != EVANY_ALERT)) {
		if (n < 1 || (!slept && n != 1))
			um_fail(w, "%d events in alert mode", n);
		else
			alerted(w, uq, &op->op_ev[--n]);
	} else if (n > op->op_most || (n < op->op_most && !slept && n < due) ||
	    (n < op->op_least && (slept ||
	    (op->op_timeout == EVT_WAIT_NS && op->op_least <= soon))))
		um_fail(w, "%d events; %d are due and %d soon", n, due, soon);
	for (i = 0; i < n && w->uw_why[0] == '\0'; i++)
		event(w, uq, &op->op_ev[i], slept);
	if (n < op->op_most && n == op->op_ret && !slept)
		all_taken(w, uq, op);
}

void
um_turned(struct um_world *w, struct um_queue *uq, struct um_op *op,
    bool slept)
{
	int error, first = 0, i;

	for (i = 0; i < op->op_nch; i++) {
		error = changed(w, uq, &op->op_ch[i], op->op_ch[i].ch_error);
		if (op->op_ch[i].ch_error != error)
			um_fail(w, "change %d: errno %d instead of %d", i,
			    op->op_ch[i].ch_error, error);
		first = first != 0 ? first : error;
	}
	if (first != 0) {
		if (op->op_ret != -1 || op->op_error != first)
			um_fail(w, "%d, errno %d instead of %d", op->op_ret,
			    op->op_error, first);
		return;
	}
	waited(w, uq, op, slept);
}
