/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * model_calls: random kevent() calls, compared with the model.
 */
#include "config.h"

#include "evt.h"
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define MOST		64		/* longest event list */
#define USERS		3
#define HELPER		0xfeed		/* ident of what ends a blocked wait */
#define FAR		9000000000LL	/* seconds: in some century */

/* What a BSD's structure may lack. */
#ifdef EVANY_SYS_EVENT_H
#define SET_EXT(kev, v)	((kev)->ext[2] = (v), (kev)->ext[3] = ~(uint64_t)(v))
#define EXT_OK(kev, v)	((kev)->ext[2] == (v) &&			\
			    (kev)->ext[3] == ~(uint64_t)(v))
#else
#define SET_EXT(kev, v)	((void)(v))
#define EXT_OK(kev, v)	((void)(v), 1)
#endif

static uint64_t
ext_of(const struct kevent *kev)
{
	return ((uint64_t)kev->ident * 31 + (uint64_t)(unsigned)kev->filter);
}

static unsigned
random_mode(struct model_world *w)
{
	static const unsigned modes[] = {
		0, 0, 0, 0, 0, 0,
		EV_CLEAR, EV_CLEAR, EV_CLEAR, EV_CLEAR, EV_CLEAR,
		EV_ONESHOT, EV_ONESHOT, EV_ONESHOT,
		EV_DISPATCH, EV_DISPATCH, EV_DISPATCH,
		EV_ONESHOT | EV_CLEAR, EV_CLEAR | EV_DISPATCH,
		EV_ONESHOT | EV_DISPATCH,
	};

	return (modes[model_below(w, sizeof(modes) / sizeof(modes[0]))]);
}

/* ident and filter, fflags and data that suit them */
static void
random_target(struct model_world *w, const struct model_file *queue,
    struct kevent *kev, bool alone)
{
	const struct model_fd *d;
	const struct model_file *f;
	unsigned dice;
	int fd;

	dice = model_below(w, 100);
	if (dice < 14) {
		static const uintptr_t idents[USERS] = { 0, 5, UINTPTR_MAX };

		EV_SET(kev, idents[model_below(w, USERS)], EVFILT_USER, 0,
		    model_rand(w) & (NOTE_FFCTRLMASK | 0xff),
		    model_below(w, 1000), NULL);
		if (model_chance(w, 50))
			kev->fflags |= NOTE_TRIGGER;
		return;
	}
	if (dice < 22) {
		/* One ident for moments, one for periods: EV_CLEAR differs. */
		if (model_chance(w, 60))
			EV_SET(kev, 5, EVFILT_TIMER, 0,
			    NOTE_ABSTIME | NOTE_SECONDS,
			    model_chance(w, 70) ? 1 : FAR, NULL);
		else
			EV_SET(kev, 6, EVFILT_TIMER, 0, NOTE_SECONDS,
			    3600, NULL);
		if (model_chance(w, 5))
			kev->data = -1;
		if (model_chance(w, 3))
			kev->fflags |= NOTE_USECONDS;
		return;
	}
	/* Not after other changes: the library may take the number in them. */
	if (dice < 26 && alone) {
		fd = w->mw_closed[model_below(w, 4)];
		if (fd != -1 && model_fd_find(w, fd) == NULL &&
		    fcntl(fd, F_GETFD) == -1) {
			EV_SET(kev, fd, model_chance(w, 70) ? EVFILT_READ :
			    EVFILT_WRITE, 0, 0, 0, NULL);
			return;
		}
	}
	if (dice < 28) {
		EV_SET(kev, model_chance(w, 50) ? (uintptr_t)-1 :
		    (uintptr_t)INT_MAX + 1, EVFILT_READ, 0, 0, 0, NULL);
		return;
	}
	if (dice < 29) {
		EV_SET(kev, 0, model_chance(w, 50) ? -1000 : 5, 0, 0, 0,
		    NULL);
		return;
	}
	d = &w->mw_fd[model_below(w, MODEL_FDS)];
	f = d->file;
	/* A queue may watch a younger one only, so that there is no circle. */
	if (d->fd == -1 || (f->mf_kind == MK_QUEUE &&
	    f->mf_qid <= queue->mf_qid)) {
		EV_SET(kev, 5, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
		return;
	}
	EV_SET(kev, d->fd, EVFILT_READ, 0, 0, 0, NULL);
	if (f->mf_kind == MK_PIPE_W || (f->mf_kind != MK_PIPE_R &&
	    f->mf_kind != MK_QUEUE && model_chance(w, 45)))
		kev->filter = EVFILT_WRITE;
	if (f->mf_kind == MK_SOCK && kev->filter == EVFILT_READ &&
	    model_chance(w, 25)) {
		kev->fflags = NOTE_LOWAT;
		kev->data = 1 + model_below(w, 30);
	}
}

static void
random_change(struct model_world *w, const struct model_file *queue,
    struct kevent *kev, bool alone)
{
	struct model_knote *kn;
	unsigned dice, flags;

	random_target(w, queue, kev, alone);
	kn = model_knote_find(w, queue->mf_qid, kev->ident, kev->filter);
	dice = model_below(w, 100);
	if (kn == NULL) {
		if (dice < 80)
			flags = EV_ADD | random_mode(w);
		else if (dice < 88)
			flags = EV_ADD | EV_DISABLE | random_mode(w);
		else if (dice < 92)
			flags = EV_ADD | EV_ENABLE | random_mode(w);
		else
			flags = dice < 94 ? EV_DELETE : dice < 96 ? EV_ENABLE :
			    dice < 98 ? EV_DISABLE : 0;
	} else if (dice < 25) {
		flags = EV_ADD;
		/* The mode stays as it is; for USER EV_CLEAR has a meaning. */
		if (model_chance(w, 30))
			flags |= random_mode(w);
	} else if (dice < 45)
		flags = EV_DELETE;
	else if (dice < 70 || (kn->kn_disabled && dice < 85))
		flags = EV_ENABLE;
	else if (dice < 85)
		flags = EV_DISABLE;
	else if (dice < 90)
		flags = EV_ADD | EV_ENABLE;
	else if (dice < 93)
		flags = EV_ENABLE | EV_DISABLE;
	else
		flags = 0;
	if (kev->filter == EVFILT_USER && kn != NULL && model_chance(w, 10))
		flags |= EV_CLEAR;
	if (model_chance(w, 10))
		flags |= EV_RECEIPT;
	if (model_chance(w, 5))
		flags |= EV_EOF | EV_ERROR;	/* as it came from an event */
	if ((flags & EV_ADD) == 0 ? model_chance(w, 8) :
	    kev->filter == EVFILT_USER && model_chance(w, 2))
		flags |= EV_KEEPUDATA;
	/* What it does to a disabled knote no manual says. */
	if (kn != NULL && !kn->kn_disabled &&
	    (flags & (EV_ADD | EV_DELETE | EV_DISABLE)) == 0 && kev->filter !=
	    EVFILT_TIMER && model_chance(w, 4))
		flags |= EV_FORCEONESHOT;
	kev->flags = (unsigned short)flags;
	kev->udata = (void *)(w->mw_udata += 16);
	SET_EXT(kev, ext_of(kev));
}

/* Events of a wait, each against its knote. */
static void
check_events(struct model_world *w, int qid, const struct kevent *ev, int n,
    int nevents, bool early)
{
	char buf[200];
	int i, j;

	for (i = 0; i < n; i++) {
		model_print_kevent(buf, sizeof(buf), &ev[i]);
		model_say(w, "    event %s\n", buf);
		for (j = 0; j < i; j++) {
			if (ev[j].ident == ev[i].ident &&
			    ev[j].filter == ev[i].filter)
				model_fail(w, "twice in one call: %s", buf);
		}
		if (!EXT_OK(&ev[i], ext_of(&ev[i])))
			model_fail(w, "ext: %s", buf);
		model_event(w, qid, &ev[i], early);
	}
	model_waited(w, qid, nevents, ev, n, early);
	if (n < nevents && !early) {
		for (i = 0; i < MODEL_FDS; i++) {
			if (w->mw_fd[i].fd != -1 &&
			    w->mw_fd[i].file->mf_qid == qid &&
			    w->mw_fd[i].file->mf_kind == MK_QUEUE)
				w->mw_fd[i].file->mf_settled = true;
		}
	}
}

static void
check_entry(struct model_world *w, const struct kevent *out,
    const struct kevent *change, int error, bool before)
{
	char buf[200];

	model_print_kevent(buf, sizeof(buf), out);
	model_say(w, "    entry %s\n", buf);
	if (out->ident != change->ident || out->filter != change->filter ||
	    out->udata != change->udata)
		model_fail(w, "an entry of another change: %s", buf);
	if (out->flags != EV_ERROR || out->data != error)
		model_fail(w, "entry, not EV_ERROR %d: %s", error, buf);
	if (error != 0 && !before && out->fflags != 0 &&
	    out->fflags != change->fflags)
		model_fail(w, "fflags of an entry: %s", buf);
	if (error != 0 && before && out->fflags != change->fflags)
		model_fail(w, "fflags of an entry: %s", buf);
}

/*
 * One call with up to four changes through the queue's number d.  silent: no
 * event list, since somebody else waits for the events.  Returns how many
 * changes there were.
 */
int
model_act_kevent(struct model_world *w, struct model_fd *d, bool silent)
{
	static const int rooms[] = { 0, 0, 1, 1, 2, 3, 8, MOST, MOST, MOST };
	static const struct timespec zero;
	struct kevent change[4], out[MOST + 1];
	int entry[4], error[4];
	bool before[4];
	char buf[200];
	int fail, i, n, nch, nent, qid, room;
	bool stop;

	nch = silent ? 1 : (int)model_below(w, 6) - 1;
	nch = nch < 1 ? 1 : nch;
	room = silent ? 0 : rooms[model_below(w, 10)];
	qid = d->file->mf_qid;
	model_say(w, "kevent(%d, %d changes, room %d)\n", d->fd, nch, room);

	/* First in the model, change by change, as it decides what follows. */
	fail = 0;
	nent = 0;
	stop = false;
	for (i = 0; i < nch && !stop; i++) {
		random_change(w, d->file, &change[i], nch == 1);
		model_print_kevent(buf, sizeof(buf), &change[i]);
		error[i] = model_change(w, qid, &change[i], &before[i]);
		model_say(w, "    change %s: %d\n", buf, error[i]);
		if (error[i] == 0 && (change[i].flags & EV_RECEIPT) == 0)
			continue;
		if (nent < room)
			entry[nent++] = i;
		else {
			fail = error[i];
			stop = true;
		}
	}
	for (; i < nch; i++)
		random_change(w, d->file, &change[i], false);

	memset(out, 0xee, sizeof(out));
	errno = 0;
	n = kevent(d->fd, change, nch, out, room, &zero);
	model_say(w, "    = %d errno %d\n", n, errno);
	if (fail != 0) {
		if (n != -1 || errno != fail)
			model_fail(w, "result %d errno %d, not errno %d", n,
			    errno, fail);
		return (nch);
	}
	if (errno != 0)
		model_fail(w, "errno was set to %d", errno);
	if (nent > 0 || stop) {
		if (n != nent) {
			model_fail(w, "result %d, not %d entries", n, nent);
			return (nch);
		}
		for (i = 0; i < n; i++)
			check_entry(w, &out[i], &change[entry[i]],
			    error[entry[i]], before[entry[i]]);
	} else if (n < 0 || n > room)
		model_fail(w, "result %d", n);
	else if (room > 0)
		check_events(w, qid, out, n, room, false);
	for (i = n < 0 ? 0 : n; i <= MOST; i++) {
		if (out[i].ident != (uintptr_t)0xeeeeeeeeeeeeeeeeU)
			model_fail(w, "entry %d of %d was written to", i, n);
	}
	return (nch);
}

/* A wait; one that must find something is given time, as NULL would. */
static void
act_wait(struct model_world *w, struct model_fd *d)
{
	static const int rooms[] = { 1, 1, 2, 3, 5, MOST, MOST, MOST, MOST };
	struct timespec timeout = { 0, 0 };
	struct kevent out[MOST];
	int may, must, n, qid, room;

	qid = d->file->mf_qid;
	room = rooms[model_below(w, sizeof(rooms) / sizeof(rooms[0]))];
	model_pending(w, qid, &must, &may);
	if (must > 0 && model_chance(w, 50))
		timeout.tv_sec = 10;
	model_say(w, "kevent(%d, wait, room %d, %ld s): %d must, %d may\n",
	    d->fd, room, (long)timeout.tv_sec, must, may);
	errno = 0;
	n = kevent(d->fd, NULL, 0, out, room, &timeout);
	if (n < 0 || n > room || errno != 0) {
		model_fail(w, "result %d errno %d", n, errno);
		return;
	}
	check_events(w, qid, out, n, room, false);
}

/* Readiness of the queue, after a wait that has looked at everything. */
static void
act_poll(struct model_world *w, struct model_fd *d)
{
	static const struct timespec zero;
	struct kevent out[MOST];
	struct pollfd pfd;
	int may, must, n, qid;
	bool looked;

	qid = d->file->mf_qid;
	if ((looked = model_chance(w, 50))) {
		model_say(w, "kevent(%d, look)\n", d->fd);
		n = kevent(d->fd, NULL, 0, out, MOST, &zero);
		if (n < 0) {
			model_fail(w, "result %d errno %d", n, errno);
			return;
		}
		check_events(w, qid, out, n, MOST, false);
	}
	model_pending(w, qid, &must, &may);
	pfd.fd = d->fd;
	pfd.events = POLLIN | POLLOUT;
	/* Portable mechanisms tell it from a thread. */
	n = poll(&pfd, 1, must > 0 && w->mw_edge_twice ? 2 * EVT_WAIT_MS : 0);
	model_say(w, "poll(%d) = %d: %d must, %d may\n", d->fd, n, must, may);
	if (n == 1 && (pfd.revents & ~POLLIN) != 0)
		model_fail(w, "poll: %#x", pfd.revents);
	if (must > 0 && n != 1)
		model_fail(w, "%d events pending, but not for poll()", must);
	/* Without a look, what has gone since may still show (KQ-016). */
	if (model_stale(w, qid, looked) || (w->mw_edge_twice && !looked))
		(void)model_allow(MA_STALE);
	else if (must == 0 && may == 0 && d->file->mf_settled && n != 0)
		model_fail(w, "nothing is pending, but poll() says so");
}

struct blocked {
	struct kevent	bl_out[MOST];
	int		bl_kq;
	int		bl_n;
	int		bl_errno;
};

static void
blocked_wait(void *arg)
{
	static const struct timespec limit = { 20, 0 };
	struct blocked *bl = arg;

	bl->bl_n = kevent(bl->bl_kq, NULL, 0, bl->bl_out, MOST, &limit);
	bl->bl_errno = errno;
}

/*
 * A thread waits where nothing is pending; an act follows, and if that made
 * nothing pending a user event does.  The wait must end.
 */
static void
act_block(struct model_world *w, struct model_fd *d)
{
	static struct evt_thread thread;
	struct blocked bl;
	struct kevent kev;
	bool before;
	int may, must, qid;

	qid = d->file->mf_qid;
	model_pending(w, qid, &must, &may);
	if (must > 0 || may > 0 || !d->file->mf_settled)
		return;
	model_say(w, "kevent(%d, a thread waits)\n", d->fd);
	bl.bl_kq = d->fd;
	evt_thread_start(&thread, blocked_wait, &bl);
	evt_thread_asleep(&thread);

	if (model_chance(w, 40))
		model_act_kevent(w, d, true);
	else
		model_act_file(w, model_below(w, 100) < 60 ? ACT_WRITE :
		    ACT_READ);
	model_pending(w, qid, &must, &may);
	if (must == 0) {
		EV_SET(&kev, HELPER, EVFILT_USER, EV_ADD | EV_ONESHOT,
		    NOTE_TRIGGER, 0, NULL);
		SET_EXT(&kev, ext_of(&kev));
		model_say(w, "    user event\n");
		(void)model_change(w, qid, &kev, &before);
		if (kevent(d->fd, &kev, 1, NULL, 0, NULL) != 0)
			model_fail(w, "user event: errno %d", errno);
	}
	evt_thread_join(&thread);
	model_say(w, "    the wait = %d\n", bl.bl_n);
	if (bl.bl_n <= 0) {
		model_fail(w, "the wait ended with %d errno %d", bl.bl_n,
		    bl.bl_errno);
		return;
	}
	check_events(w, qid, bl.bl_out, bl.bl_n, MOST, true);
}

static void
act_queue(struct model_world *w)
{
	struct model_file *f;
	int fd, i, n;

	for (n = 0, i = 0; i < MODEL_FDS; i++)
		n += w->mw_fd[i].fd == -1;
	if (n < 2 || model_fd_count(w, MK_QUEUE) >= 4)
		return;
	if ((fd = kqueue()) == -1) {
		model_fail(w, "kqueue: errno %d", errno);
		return;
	}
	model_say(w, "kqueue(): %d\n", fd);
	if ((f = model_file_new(w, MK_QUEUE, fd)) != NULL) {
		f->mf_settled = true;
		model_forget(w, fd, f);
	}
}

void
model_act_queue(struct model_world *w, unsigned kind)
{
	struct model_fd *d;

	if (kind == ACT_QUEUE ||
	    (d = model_fd_pick(w, model_is_queue)) == NULL) {
		act_queue(w);
		return;
	}
	switch (kind) {
	case ACT_KEVENT:
		(void)model_act_kevent(w, d, false);
		break;
	case ACT_WAIT:
		act_wait(w, d);
		break;
	case ACT_POLL:
		act_poll(w, d);
		break;
	case ACT_BLOCK:
		act_block(w, d);
		break;
	}
}
