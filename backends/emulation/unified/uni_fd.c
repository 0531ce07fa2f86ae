/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni_fd: source FD, all directions of one descriptor as one watch.
 *
 * The flags become the mode in which the mechanism watches:
 *
 *     silent              EVANY__IDLE
 *     ONESHOT, DISPATCH   EVANY__ONCE
 *     EDGE                EVANY__EDGE
 *     none of them        EVANY__LEVEL
 *
 * Close:   nobody tells.  A watch ends when its file is closed for good; what
 *          else is found out without a call of its own, is found when it is set
 *          or dropped, when its counts are fetched, and by libevany-interpose.
 *          To set it watches what the number names now.
 * Plain:   files that never block are always ready; device, inode and birth
 *          tell whether the number still names them.  By level their notes
 *          wait beside the ready queue, and the mechanism's mark is on while
 *          there are any: to ring for them again after each wait would be news
 *          to those who sleep for more.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "backends/emulation/unified/uni.h"

#define WANTS	(EVANY_READ | EVANY_WRITE | EVANY_PRIORITY)
#define MODES	(EVANY_EDGE | EVANY_ONESHOT | EVANY_DISPATCH)

/* The bits of records are those of events, and directions those of wants. */
_Static_assert(EVANY_READ == EVANY__IN && EVANY_WRITE == EVANY__OUT &&
    EVANY_PRIORITY == EVANY__PRI && EVANY_EOF == EVANY__RDHUP &&
    EVANY_HANGUP == EVANY__HUP && EVANY_ERROR == EVANY__ERR, "same bits");
_Static_assert(EVANY_READ == 1U << EVANY__W_IN &&
    EVANY_WRITE == 1U << EVANY__W_OUT &&
    EVANY_PRIORITY == 1U << EVANY__W_PRI, "same directions");

/* un_priv of a plain one */
struct uni_plain {
	dev_t	up_dev;
	ino_t	up_ino;
	int64_t	up_born;
};

static struct evany__fdslot *
fd_slot(struct uni *uq, const struct uni_note *un)
{
	return (evany__slot_find(uq->uq_inst, (int)un->un_object));
}

static int
fd_update(struct uni *uq, struct uni_note *un, unsigned fresh)
{
	return (evany__slot_update(uq->uq_inst, (int)un->un_object,
	    fd_slot(uq, un), fresh));
}

/* ---- plain files ------------------------------------------------------------- */

static int
plain_stat(int fd, struct uni_plain *up)
{
	struct stat st;
	int error;

	if ((error = evany__ff_stat(fd, &st, &up->up_born)) != 0)
		return (error);
	up->up_dev = st.st_dev;
	up->up_ino = st.st_ino;
	return (0);
}

static bool
plain_same(const struct uni_note *un)
{
	const struct uni_plain *up = un->un_priv;
	struct uni_plain now;

	return (plain_stat((int)un->un_object, &now) == 0 &&
	    now.up_dev == up->up_dev && now.up_ino == up->up_ino &&
	    now.up_born == up->up_born);
}

static void
plain_hold(struct uni *uq, struct uni_note *un)
{

	TAILQ_INSERT_TAIL(&uq->uq_level, &un->un_watch, wt_ready);
	un->un_status |= UN_HELD;
}

static void
plain_release(struct uni *uq, struct uni_note *un)
{

	TAILQ_REMOVE(&uq->uq_level, &un->un_watch, wt_ready);
	un->un_status &= (uint8_t)~UN_HELD;
}

static int
plain_level(struct uni *uq, struct uni_note *un)
{
	int error;

	if ((un->un_status & UN_LEVEL) != 0)
		return (0);
	if (!uq->uq_inst->in_marked &&
	    (error = evany__inst_mark(uq->uq_inst, true)) != 0)
		return (error);
	evany__ready_remove(uq->uq_inst, &un->un_watch);
	un->un_status |= UN_LEVEL;
	uq->uq_nlevel++;
	plain_hold(uq, un);
	return (0);
}

static void
plain_unlevel(struct uni *uq, struct uni_note *un)
{

	if ((un->un_status & UN_LEVEL) == 0)
		return;
	if ((un->un_status & UN_HELD) != 0)
		plain_release(uq, un);
	un->un_status &= (uint8_t)~UN_LEVEL;
	if (--uq->uq_nlevel == 0 && uq->uq_alert.ua_data == 0)
		(void)evany__inst_mark(uq->uq_inst, false);
}

static int
plain_set(struct uni *uq, struct uni_note *un, const struct evany_change *ch)
{
	bool ready = (ch->ch_what & (EVANY_READ | EVANY_WRITE)) != 0;
	struct uni_plain now, *up = un->un_priv;
	int error = 0;

	if (up == NULL && (up = malloc(sizeof(*up))) == NULL)
		return (ENOMEM);
	if (plain_stat((int)un->un_object, &now) != 0) {
		un->un_status |= UN_ENDED;
		error = EBADF;
	} else if (ready && (ch->ch_flags & MODES) == 0)
		error = plain_level(uq, un);
	if (error != 0) {
		if (un->un_priv == NULL)
			free(up);
		return (error);
	}
	*up = now;
	un->un_priv = up;
	un->un_status |= UN_PLAIN;
	un->un_status &= (uint8_t)~UN_PENDING;
	if ((ch->ch_flags & MODES) != 0 || !ready) {
		plain_unlevel(uq, un);
		if (ready)
			un->un_status |= UN_PENDING;
		else
			evany__ready_remove(uq->uq_inst, &un->un_watch);
	}
	return (0);
}

static void
plain_end(struct uni *uq, struct uni_note *un)
{

	plain_unlevel(uq, un);
	free(un->un_priv);
	un->un_priv = NULL;
	un->un_status &= (uint8_t)~(UN_PLAIN | UN_PENDING);
}

/* ---- changes -------------------------------------------------------------------- */

static uint8_t
fd_mode(uint32_t flags)
{

	if ((flags & (EVANY_ONESHOT | EVANY_DISPATCH)) != 0)
		return (EVANY__ONCE);
	return ((flags & EVANY_EDGE) != 0 ? EVANY__EDGE : EVANY__LEVEL);
}

static int
fd_change(struct uni *uq, struct uni_note *un, const struct evany_change *ch)
{
	struct evany__watch *wt = &un->un_watch;
	uint8_t dir = wt->wt_dir, mode = wt->wt_mode;
	int error;

	wt->wt_dir = (uint8_t)(EVANY__W_SET | ch->ch_what);
	wt->wt_mode = fd_mode(ch->ch_flags);
	error = fd_update(uq, un, ch->ch_what);
	if (error == ESTALE) {
		/* A new file has the number: nothing is left of the old one. */
		evany__slot_renew(fd_slot(uq, un));
		un->un_status |= UN_ENDED;
		error = fd_update(uq, un, ch->ch_what);
	}
	switch (error) {
	case 0:
		evany__ready_remove(uq->uq_inst, wt);
		plain_end(uq, un);
		return (0);
	case EPERM:
		wt->wt_mode = EVANY__OFF;
		return (plain_set(uq, un, ch));
	case EBADF:
		/* A duplicate may go on to report the file. */
		evany__slot_renew(fd_slot(uq, un));
		wt->wt_mode = EVANY__OFF;
		un->un_status |= UN_ENDED;
		return (EBADF);
	default:
		wt->wt_dir = dir;
		wt->wt_mode = mode;
		return (error);
	}
}

static int
fd_drop(struct uni *uq, struct uni_note *un)
{
	int error;

	if ((un->un_status & UN_PLAIN) != 0)
		error = plain_same(un) ? 0 : ESTALE;
	else {
		un->un_watch.wt_mode = EVANY__OFF;
		error = fd_update(uq, un, EVANY__VERIFY);
	}
	if (error == EBADF || error == ESTALE) {
		evany__slot_renew(fd_slot(uq, un));
		if (fcntl((int)un->un_object, F_GETFD) == -1)
			return (EBADF);
		return (ENOENT);
	}
	return (error);
}

static void
fd_end(struct uni *uq, struct uni_note *un)
{
	plain_end(uq, un);
}

/* ---- events ---------------------------------------------------------------------- */

/* Bytes that wait and bytes of space, or EBADF. */
static int
fd_count(struct uni *uq, struct uni_note *un, struct evany_event *ev)
{
	struct evany__fdslot *fs = fd_slot(uq, un);
	int error, fd = (int)un->un_object;

	if ((ev->ev_what & EVANY_READ) != 0) {
		error = evany__ff_inbytes(fd, &ev->ev_data);
		if (error == EBADF)
			return (EBADF);
		if (error != 0 && evany__ff_backlog(fd, &ev->ev_data) != 0)
			ev->ev_data = 0;
		if (error == 0 && ev->ev_data == 0 &&
		    (ev->ev_what & EVANY_ERROR) == 0)
			ev->ev_data = evany__ff_behind_mark(fd);
	}
	if ((ev->ev_what & EVANY_WRITE) != 0) {
		if (fs->fs_kind == EVANY__K_UNKNOWN)
			fs->fs_kind = (uint8_t)evany__ff_kind(fd);
		error = evany__ff_space(fd, (enum evany__fdkind)fs->fs_kind,
		    &ev->ev_room);
		if (error == EBADF)
			return (EBADF);
		if (error != 0)
			ev->ev_room = 0;
	}
	return (0);
}

static bool
fd_is(const struct uni_note *un, const struct evany_event *ev)
{
	return (ev->ev_source == EVANY_FD && ev->ev_object == un->un_object);
}

/*
 * Has this call given the note before, in an earlier one of its waits?  Another
 * thread's may have given it meanwhile, so the events must tell; un_data is
 * where it stood last.
 */
static bool
fd_repeated(struct uni *uq, struct uni_note *un, const struct evany__sink *sk)
{
	const struct uni_sink *us = (const void *)sk;
	const struct evany_event *ev = sk->sk_events;
	uint32_t now = uq->uq_inst->in_call;
	int i;

	if ((un->un_flags & MODES) != 0 || sk->sk_count == 0 ||
	    un->un_watch.wt_call - us->us_first > now - us->us_first)
		return (false);
	if (un->un_data < sk->sk_count && fd_is(un, &ev[un->un_data]))
		return (true);
	for (i = 0; i < sk->sk_count; i++)
		if (fd_is(un, &ev[i])) {
			un->un_data = i;
			return (true);
		}
	return (false);
}

static struct evany_event *
fd_event(struct uni_note *un, struct evany__sink *sk)
{
	un->un_data = sk->sk_count;
	return (evany__uni_event(sk, un));
}

bool
evany__uni_fd(struct evany__inst *inst, struct evany__watch *wt, unsigned bits,
    struct evany__sink *sk)
{
	struct uni *uq = uni_of(inst);
	struct uni_note *un = uni_note_of(wt);
	struct evany_event *ev;

	if (fd_repeated(uq, un, sk))
		return (true);
	ev = fd_event(un, sk);
	ev->ev_what = bits;
	if ((un->un_flags & EVANY_COUNT) != 0 &&
	    fd_count(uq, un, ev) == EBADF) {
		sk->sk_count--;
		evany__uni_fd_gone(inst, (int)un->un_object);
		return (false);
	}
	(void)evany__uni_given(uq, un);
	return (true);
}

static void
plain_ready(struct uni *uq, struct uni_note *un, struct evany__sink *sk)
{
	struct evany_event *ev;

	if (!plain_same(un)) {
		evany__uni_fd_gone(uq->uq_inst, (int)un->un_object);
		return;
	}
	if (fd_repeated(uq, un, sk)) {
		plain_hold(uq, un);
		return;
	}
	un->un_status &= (uint8_t)~UN_PENDING;
	ev = fd_event(un, sk);
	ev->ev_what = un->un_what & (EVANY_READ | EVANY_WRITE);
	if ((un->un_flags & EVANY_COUNT) != 0)
		(void)fd_count(uq, un, ev);
	if (evany__uni_given(uq, un) && (un->un_status & UN_LEVEL) != 0)
		plain_hold(uq, un);
}

/* As many as there is room for, those given longest ago first. */
void
evany__uni_fd_begin(struct uni *uq, struct evany__sink *sk)
{
	struct evany__watch *next, *wt;
	int room = sk->sk_room - sk->sk_count;

	TAILQ_FOREACH_SAFE(wt, &uq->uq_level, wt_ready, next) {
		if (evany__watch_given(uq->uq_inst, wt) ||
		    fd_repeated(uq, uni_note_of(wt), sk))
			continue;
		plain_release(uq, uni_note_of(wt));
		evany__ready_add(uq->uq_inst, wt);
		if (--room == 0)
			break;
	}
}

void
evany__uni_fd_ready(struct uni *uq, struct uni_note *un,
    struct evany__sink *sk)
{
	struct evany__watch *wt = &un->un_watch;
	unsigned bits = 0;
	int d, error;

	if ((un->un_status & UN_PLAIN) != 0) {
		plain_ready(uq, un, sk);
		return;
	}
	/* Kept back for want of room, some time ago: look again. */
	wt->wt_bits = 0;
	error = fd_update(uq, un, EVANY__VERIFY);
	if (error == EBADF || error == ESTALE) {
		evany__uni_fd_gone(uq->uq_inst, (int)un->un_object);
		return;
	}
	for (d = 0; d < EVANY__W_COUNT; d++)
		if ((un->un_what & 1U << d) != 0)
			bits |= evany__ff_now((int)un->un_object, d);
	if (bits != 0)
		(void)evany__uni_fd(uq->uq_inst, wt, bits, sk);
}

/* The number was closed or is another file's. */
void
evany__uni_fd_gone(struct evany__inst *inst, int fd)
{
	struct evany__fdslot *fs = evany__slot_find(inst, fd);

	while (fs->fs_watches != NULL)
		evany__uni_free(uni_of(inst), uni_note_of(fs->fs_watches));
	evany__slot_renew(fs);
}

const struct uni_source evany__uni_src_fd = {
	.so_what = WANTS,
	.so_needs = WANTS,
	.so_flags = EVANY_EDGE | EVANY_ONESHOT | EVANY_DISPATCH | EVANY_COUNT,
	.so_set = fd_change,
	.so_drop = fd_drop,
	.so_end = fd_end
};
