/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filt_fd: what EVFILT_READ, WRITE and EXCEPT have in common.
 *
 * The knote's flags become the mode in which the mechanism watches:
 *
 *     disabled              EVANY__IDLE
 *     EV_ONESHOT, DISPATCH  EVANY__ONCE
 *     EV_CLEAR              EVANY__EDGE
 *     none of them          EVANY__LEVEL
 *
 * Every change of a knote tells the mechanism to look whether the number
 * still names the registered file.  If not, the number's knotes have ended
 * with the close that nobody reported.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/emulation/kqueue/knote.h"

static uint8_t
fd_mode(const struct knote *kn)
{

	if ((kn->kn_status & KN_DISABLED) != 0)
		return (EVANY__IDLE);
	if ((kn->kn_flags & (EV_ONESHOT | EV_DISPATCH)) != 0)
		return (EVANY__ONCE);
	if ((kn->kn_flags & EV_CLEAR) != 0)
		return (EVANY__EDGE);
	return (EVANY__LEVEL);
}

static int
fd_update(struct kqueue *kq, struct knote *kn, unsigned fresh)
{
	return (evany__slot_update(kq->kq_inst, (int)kn->kn_ident,
	    evany__knote_slot(kq, kn), fresh));
}

int
evany__fd_lost(struct kqueue *kq, struct knote *kn, int error)
{

	if (error != EBADF && error != ESTALE)
		return (error);
	if (fcntl((int)kn->kn_ident, F_GETFD) == -1)
		error = EBADF;
	evany__kqueue_fd_gone(kq->kq_inst, (int)kn->kn_ident);
	return (error == EBADF ? EBADF : ENOENT);
}

/*
 * What else stands on the number belongs to a file that was closed: watched
 * by the mechanism, or a plain file that is not there any more.
 */
static bool
fd_drop_others(struct kqueue *kq, struct knote *kn, bool watched)
{
	struct evany__watch *next, *wt;
	struct knote *other;
	bool any = false;

	for (wt = evany__knote_slot(kq, kn)->fs_watches; wt != NULL;
	    wt = next) {
		next = wt->wt_next;
		other = (struct knote *)(void *)wt;
		if (other == kn || (wt->wt_mode != EVANY__OFF) != watched ||
		    (!watched &&
		    ((other->kn_status & KN_ALWAYS) == 0 ||
		    evany__file_same(other))))
			continue;
		wt->wt_mode = EVANY__OFF;
		evany__knote_drop(kq, other);
		any = true;
	}
	return (any);
}

/* Does the mechanism know the number, and so which file it names? */
static bool
fd_registered(const struct evany__fdslot *fs)
{
	static const uint8_t none[EVANY__FD_PRIV];

	return (memcmp(fs->fs_priv, none, sizeof(none)) != 0);
}

int
evany__fd_attach(struct kqueue *kq, struct knote *kn, int dir)
{
	struct evany__fdslot *fs = evany__knote_slot(kq, kn);
	int error;

	kn->kn_watch.wt_dir = (uint8_t)dir;
	if (!fd_registered(fs)) {
		fs->fs_kind = EVANY__K_UNKNOWN;
		fs->fs_known = 0;
	}
	if (fs->fs_watches->wt_next != NULL && fd_drop_others(kq, kn, false) &&
	    fs->fs_watches->wt_next == NULL)
		evany__slot_renew(fs);
	kn->kn_watch.wt_mode = fd_mode(kn);
	error = fd_update(kq, kn, 1U << dir);
	if (error == ESTALE) {
		(void)fd_drop_others(kq, kn, true);
		evany__slot_renew(fs);
		error = fd_update(kq, kn, 1U << dir);
	}
	if (error == EPERM) {
		kn->kn_watch.wt_mode = EVANY__OFF;
		kn->kn_status |= KN_ALWAYS;
		return (evany__file_attach(kq, kn));
	}
	if (error != 0)
		kn->kn_watch.wt_mode = EVANY__OFF;
	return (error);
}

void
evany__fd_detach(struct kqueue *kq, struct knote *kn)
{

	evany__file_detach(kq, kn);
	if (kn->kn_watch.wt_mode == EVANY__OFF)
		return;
	kn->kn_watch.wt_mode = EVANY__OFF;
	(void)fd_update(kq, kn, 0);
}

int
evany__fd_forget(struct kqueue *kq, struct knote *kn)
{
	uint8_t mode = kn->kn_watch.wt_mode;
	int error;

	if (mode == EVANY__OFF)
		return (evany__filterops(kn->kn_filter)->fo_same(kn) ? 0 :
		    evany__fd_lost(kq, kn, ESTALE));
	kn->kn_watch.wt_mode = EVANY__OFF;
	error = fd_update(kq, kn, EVANY__VERIFY);
	if (error == 0 || error == EBADF || error == ESTALE)
		return (evany__fd_lost(kq, kn, error));
	kn->kn_watch.wt_mode = mode;
	return (error);
}

/*
 * Asked when a report looks odd for the file that was registered: does the
 * number still name it?
 */
bool
evany__fd_current(struct kqueue *kq, struct knote *kn)
{
	int error;

	if (kn->kn_watch.wt_mode == EVANY__OFF)
		return (evany__filterops(kn->kn_filter)->fo_same(kn));
	error = fd_update(kq, kn, EVANY__VERIFY);
	return (error != EBADF && error != ESTALE);
}

/* The knote was changed, enabled or disabled. */
EVANY__HOT int
evany__fd_arm(struct kqueue *kq, struct knote *kn, bool again)
{
	uint8_t mode;
	int error;

	if ((kn->kn_status & KN_ALWAYS) != 0) {
		if (!evany__file_same(kn))
			return (evany__fd_lost(kq, kn, ESTALE));
		if (again)
			kn->kn_status |= KN_ACTIVE;
		return (evany__knote_default_arm(kq, kn, again));
	}
	/* What it was parked for may suffice now. */
	if (EVANY__SELDOM((kn->kn_status & KN_PARKED) != 0))
		again = true;
	kn->kn_status &= (unsigned short)~KN_PARKED;
	mode = kn->kn_watch.wt_mode;
	kn->kn_watch.wt_mode = fd_mode(kn);
	if (again || mode != kn->kn_watch.wt_mode)
		evany__ready_remove(kq->kq_inst, &kn->kn_watch);
	error = evany__slot_tell(kq->kq_inst, (int)kn->kn_ident,
	    evany__knote_slot(kq, kn), again && kn->kn_watch.wt_mode !=
	    EVANY__IDLE ? 1U << kn->kn_watch.wt_dir : EVANY__VERIFY);
	if (error == 0)
		return (0);
	if (error != EBADF && error != ESTALE)
		kn->kn_watch.wt_mode = mode;
	return (evany__fd_lost(kq, kn, error));
}

/* Reported ready, but is not: from now on only activity counts. */
void
evany__fd_park(struct kqueue *kq, struct knote *kn)
{

	if ((kn->kn_status & (KN_DISABLED | KN_ALWAYS)) != 0)
		return;
	kn->kn_status |= KN_PARKED;
	if (kn->kn_watch.wt_mode == EVANY__EDGE)
		return;
	kn->kn_watch.wt_mode = EVANY__EDGE;
	(void)fd_update(kq, kn, 0);
	evany__inst_again(kq->kq_inst);
}

/* What stands behind the number, found out once per registration. */
enum evany__fdkind
evany__fd_kind(struct kqueue *kq, struct knote *kn)
{
	struct evany__fdslot *fs = evany__knote_slot(kq, kn);

	if (fs->fs_kind == EVANY__K_UNKNOWN || !fd_registered(fs))
		fs->fs_kind = (uint8_t)evany__ff_kind((int)kn->kn_ident);
	return ((enum evany__fdkind)fs->fs_kind);
}

/*
 * A unix socket that is not connected tells nobody when it is: such numbers
 * are looked at again by every call on the queue.
 */
void
evany__fd_lonely(struct kqueue *kq, int fd)
{
	uint32_t i;
	int *list;

	for (i = 0; i < kq->kq_nlonely; i++)
		if (kq->kq_lonely[i] == fd)
			return;
	list = realloc(kq->kq_lonely, (i + 1) * sizeof(*list));
	if (list == NULL)
		return;
	list[i] = fd;
	kq->kq_lonely = list;
	kq->kq_nlonely = i + 1;
}

EVANY__RARE void
evany__fd_lonely_again(struct kqueue *kq)
{
	struct evany__fdslot *fs;
	struct evany__watch *next, *wt;
	uint32_t i;
	int fd;

	for (i = kq->kq_nlonely; i-- > 0;) {
		fd = kq->kq_lonely[i];
		fs = evany__slot_find(kq->kq_inst, fd);
		if (fs->fs_watches != NULL && evany__ff_unconnected(fd))
			continue;
		kq->kq_lonely[i] = kq->kq_lonely[--kq->kq_nlonely];
		for (wt = fs->fs_watches; wt != NULL; wt = next) {
			next = wt->wt_next;
			if (wt->wt_mode == EVANY__EDGE && evany__fd_arm(kq,
			    (struct knote *)(void *)wt, true) != 0)
				break;
		}
	}
}
