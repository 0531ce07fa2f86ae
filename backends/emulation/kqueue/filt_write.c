/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filt_write: EVFILT_WRITE, EVFILT_EMPTY.
 *
 * WRITE: the call that fetches the free space finds a closed number.  A stream
 * socket is asked as well whether the program itself has ended sending, which
 * no poller is told.
 *
 * EMPTY: no kernel object tells when the last byte was acknowledged, so a
 * timer asks, 1 ms after the last event or test and then half as often each
 * time, down to every EMPTY_MOST.
 */
#include "config.h"

#include <errno.h>

#include "backends/emulation/kqueue/knote.h"

static enum kq_answer
write_stream(struct kqueue *kq, struct knote *kn, unsigned bits)
{
	int fd = (int)kn->kn_ident;

	if ((bits & EVANY__HUP) != 0 && evany__ff_unconnected(fd)) {
		evany__fd_lonely(kq, fd);
		return (KQ_NO);
	}
	if ((bits & (EVANY__HUP | EVANY__ERR)) != 0 || evany__ff_shut_wr(fd))
		kn->kn_flags |= EV_EOF;
	if ((bits & EVANY__ERR) != 0)
		kn->kn_fflags = (unsigned)evany__ff_error(fd);
	return (KQ_YES);
}

static enum kq_answer
filt_write_event(struct kqueue *kq, struct knote *kn, unsigned bits)
{
	enum evany__fdkind kind;
	int64_t space = 0;
	int error;

	kn->kn_flags &= (unsigned short)~EV_EOF;
	kn->kn_fflags = 0;
	if ((kn->kn_status & KN_ALWAYS) != 0)
		return (evany__file_event(kq, kn));
	kind = evany__fd_kind(kq, kn);
	error = evany__ff_space((int)kn->kn_ident, kind, &space);
	if (error == EBADF || (error != 0 && !evany__fd_current(kq, kn)))
		return (KQ_GONE);
	kn->kn_data = space;
	if (kind == EVANY__K_STREAM &&
	    write_stream(kq, kn, bits) == KQ_NO)
		return (KQ_NO);
	if (kind != EVANY__K_STREAM &&
	    (bits & (EVANY__HUP | EVANY__ERR)) != 0 &&
	    (kind != EVANY__K_PIPE || (kn->kn_flags & EV_CLEAR) == 0 ||
	    !evany__file_await_reader(kq, kn))) {
		kn->kn_flags |= EV_EOF;
		kn->kn_data = 0;
	}
	if ((kn->kn_sfflags & NOTE_LOWAT) != 0 &&
	    (kn->kn_flags & EV_EOF) == 0 && kn->kn_data < kn->kn_sdata)
		return (KQ_NO);
	return (KQ_YES);
}

static int
filt_write_attach(struct kqueue *kq, struct knote *kn)
{
	if (evany__inst_known((int)kn->kn_ident))
		return (EOPNOTSUPP);
	return (evany__fd_attach(kq, kn, EVANY__W_OUT));
}

const struct filterops evany__filt_write = {
	.fo_name = "WRITE",
	.fo_isfd = true,
	.fo_same = evany__file_same,
	.fo_attach = filt_write_attach,
	.fo_detach = evany__fd_detach,
	.fo_event = filt_write_event,
	.fo_touch = evany__knote_default_touch,
	.fo_arm = evany__fd_arm
};

/* ---- EVFILT_EMPTY ------------------------------------------------------------ */

#define EMPTY_FIRST	((int64_t)1000000)
#define EMPTY_MOST	((int64_t)100000000)

static struct knote_timer *
empty_timer(struct knote *kn)
{
	return ((struct knote_timer *)(void *)kn);
}

/* Asks after a while; tm_step is how often the pause was doubled. */
static int
empty_wait(struct kqueue *kq, struct knote *kn)
{
	struct evany__timer *tm = &empty_timer(kn)->kt_timer;
	int64_t pause = EMPTY_FIRST << tm->tm_step;

	return (evany__timer_arm(kq->kq_inst, tm,
	    evany__now(EVANY__MONOTONIC) +
	    (pause < EMPTY_MOST ? pause : EMPTY_MOST)));
}

static void
filt_empty_expire(struct kqueue *kq, struct knote *kn)
{
	struct knote_timer *kt = empty_timer(kn);

	if (evany__ff_sent((int)kn->kn_ident)) {
		if ((kn->kn_status & KN_BUSY) != 0) {
			evany__knote_activate(kq, kn);
			return;
		}
	} else
		kn->kn_status |= KN_BUSY;
	if (EMPTY_FIRST << kt->kt_timer.tm_step < EMPTY_MOST)
		kt->kt_timer.tm_step++;
	(void)empty_wait(kq, kn);
}

static enum kq_answer
filt_empty_event(struct kqueue *kq, struct knote *kn, unsigned bits)
{
	enum kq_answer answer = KQ_NO;

	(void)bits;
	if (!evany__file_same(kn))
		return (KQ_GONE);
	if (evany__ff_sent((int)kn->kn_ident)) {
		kn->kn_status &= (unsigned short)~KN_BUSY;
		answer = KQ_YES;
	} else
		kn->kn_status |= KN_BUSY;
	if (answer == KQ_NO || (kn->kn_flags & EV_CLEAR) != 0) {
		empty_timer(kn)->kt_timer.tm_step = 0;
		(void)empty_wait(kq, kn);
	}
	return (answer);
}

static int
filt_empty_attach(struct kqueue *kq, struct knote *kn)
{
	struct knote_timer *kt = empty_timer(kn);
	int error;

	switch (evany__fd_kind(kq, kn)) {
	case EVANY__K_UNKNOWN:
		return (EBADF);
	case EVANY__K_STREAM:
	case EVANY__K_DGRAM:
		break;
	default:
		return (EOPNOTSUPP);
	}
	kt->kt_timer.tm_step = 0;
	kt->kt_timer.tm_clock = EVANY__MONOTONIC;
	if ((error = evany__file_remember(kn)) != 0)
		return (error);
	evany__knote_activate(kq, kn);
	return (0);
}

static void
filt_empty_detach(struct kqueue *kq, struct knote *kn)
{

	evany__timer_disarm(kq->kq_inst, &empty_timer(kn)->kt_timer);
	evany__file_forget(kn);
}

static int
filt_empty_arm(struct kqueue *kq, struct knote *kn, bool again)
{

	if (!evany__file_same(kn))
		return (evany__fd_lost(kq, kn, ESTALE));
	if (again)
		kn->kn_status |= KN_ACTIVE;
	return (evany__knote_default_arm(kq, kn, again));
}

const struct filterops evany__filt_empty = {
	.fo_name = "EMPTY",
	.fo_isfd = true,
	.fo_same = evany__file_same,
	.fo_expire = filt_empty_expire,
	.fo_attach = filt_empty_attach,
	.fo_detach = filt_empty_detach,
	.fo_event = filt_empty_event,
	.fo_touch = evany__knote_default_touch,
	.fo_arm = filt_empty_arm
};
