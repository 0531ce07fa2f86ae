/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filt_user: EVFILT_USER.  The trigger is the knote's activity; the notes that
 * are kept and returned are in kn_sfflags.
 */
#include "config.h"

#include <errno.h>

#include "backends/emulation/kqueue/knote.h"

static int
filt_user_attach(struct kqueue *kq, struct knote *kn)
{
	bool trigger = (kn->kn_sfflags & NOTE_TRIGGER) != 0;

	kn->kn_sfflags &= NOTE_FFLAGSMASK;
	if (trigger)
		evany__knote_activate(kq, kn);
	return (0);
}

static void
filt_user_detach(struct kqueue *kq, struct knote *kn)
{
	(void)kq;
	(void)kn;
}

static enum kq_answer
filt_user_event(struct kqueue *kq, struct knote *kn, unsigned bits)
{

	kn->kn_fflags = kn->kn_sfflags;
	kn->kn_data = kn->kn_sdata;
	return (evany__knote_queued_event(kq, kn, bits));
}

static int
filt_user_touch(struct kqueue *kq, struct knote *kn, const struct kevent *kev)
{
	unsigned bits = kev->fflags & NOTE_FFLAGSMASK;
	int error;

	error = evany__knote_default_touch(kq, kn, &(const struct kevent){
	    .fflags = kn->kn_sfflags, .data = kev->data,
	    .ext = { kev->ext[0], kev->ext[1], kev->ext[2], kev->ext[3] } });
	if (error != 0)
		return (error);
	switch (kev->fflags & NOTE_FFCTRLMASK) {
	case NOTE_FFAND:
		kn->kn_sfflags &= bits;
		break;
	case NOTE_FFOR:
		kn->kn_sfflags |= bits;
		break;
	case NOTE_FFCOPY:
		kn->kn_sfflags = bits;
		break;
	}
	/* EV_CLEAR in a change takes a trigger back. */
	if ((kev->flags & EV_CLEAR) != 0)
		evany__knote_deactivate(kq, kn);
	else if ((kev->fflags & NOTE_TRIGGER) != 0)
		evany__knote_activate(kq, kn);
	return (0);
}

const struct filterops evany__filt_user = {
	.fo_name = "USER",
	.fo_attach = filt_user_attach,
	.fo_detach = filt_user_detach,
	.fo_event = filt_user_event,
	.fo_touch = filt_user_touch,
	.fo_arm = evany__knote_default_arm
};
