/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filt_read: EVFILT_READ, EVFILT_EXCEPT.
 *
 * One call fetches the byte count, and finds a closed number on the way
 * (EBADF).  Everything else is asked only when the report is not a plain "so
 * many bytes": what kind of file it is, the backlog of a listening socket,
 * the error of a failed connection.
 */
#include "config.h"

#include <sys/socket.h>

#include <errno.h>

#include "backends/emulation/kqueue/knote.h"

/* fs_known: facts of the slot that were looked up. */
#define KNOWN		0x01
#define KNOWN_LOWAT	0x02	/* the socket has a low-water mark above 1 */

#define ENDED		(EVANY__RDHUP | EVANY__HUP | EVANY__ERR)

static EVANY__RARE void
read_know(struct kqueue *kq, struct knote *kn, struct evany__fdslot *fs)
{
	enum evany__fdkind kind = evany__fd_kind(kq, kn);

	fs->fs_known = KNOWN;
	if ((kind == EVANY__K_STREAM || kind == EVANY__K_DGRAM) &&
	    evany__ff_lowat((int)kn->kn_ident) > 1)
		fs->fs_known |= KNOWN_LOWAT;
}

/* Pending events of a queue inside this one. */
static int64_t
read_nested(int fd)
{
	int n = evany__number_pending(fd);

	return (n < 1 ? 1 : n);
}

/* Descriptors without a byte count: their own idea of data. */
static EVANY__APART enum kq_answer
read_counted(struct knote *kn, enum evany__fdkind kind, unsigned bits)
{
	int fd = (int)kn->kn_ident;

	if ((bits & (EVANY__IN | EVANY__HUP | EVANY__ERR)) == 0)
		return (KQ_NO);
	switch (kind) {
	case EVANY__K_COUNTER:
		kn->kn_data = evany__ff_counter(fd);
		break;
	case EVANY__K_TTY:
	case EVANY__K_CHR:
		kn->kn_data = (bits & EVANY__HUP) == 0;
		break;
	case EVANY__K_OTHER:
		kn->kn_data = read_nested(fd);
		break;
	default:
		kn->kn_data = 1;
		break;
	}
	return (KQ_YES);
}

/* A socket whose byte count failed, or that reports an end. */
static EVANY__APART enum kq_answer
read_socket(struct kqueue *kq, struct knote *kn, unsigned bits, int64_t bytes,
    bool counted)
{
	int fd = (int)kn->kn_ident;

	if (!counted) {
		if (evany__ff_backlog(fd, &kn->kn_data) == 0)
			return (kn->kn_data > 0 ? KQ_YES : KQ_NO);
		bytes = 0;
	} else if (bytes == 0 && (bits & (EVANY__IN | EVANY__ERR)) == EVANY__IN)
		bytes = evany__ff_behind_mark(fd);
	if ((bits & EVANY__HUP) != 0 && bytes == 0 &&
	    evany__ff_unconnected(fd)) {
		evany__fd_lonely(kq, fd);
		return (KQ_NO);
	}
	if ((bits & ENDED) == 0 && bytes == 0)
		return (KQ_NO);
	if ((bits & ENDED) != 0)
		kn->kn_flags |= EV_EOF;
	if ((bits & EVANY__ERR) != 0)
		kn->kn_fflags = (unsigned)evany__ff_error(fd);
	kn->kn_data = bytes;
	return (KQ_YES);
}

static enum kq_answer
read_bytes(struct kqueue *kq, struct knote *kn, struct evany__fdslot *fs,
    unsigned bits)
{
	enum evany__fdkind kind;
	int64_t bytes = 0;
	int error;

	if ((bits & EVANY__COUNTED) == 0)
		error = evany__ff_inbytes((int)kn->kn_ident, &bytes);
	else if ((error = kq->kq_inst->in_bytes) < 0)
		error = -error;
	else {
		bytes = error;
		error = 0;
	}
	if (error == EBADF)
		return (KQ_GONE);
	kn->kn_data = bytes;
	if (!EVANY__SELDOM(bytes <= 0 || (bits & ENDED) != 0 ||
	    fs->fs_known == 0))
		return (KQ_YES);
	if (!evany__fd_current(kq, kn))
		return (KQ_GONE);
	if (fs->fs_known == 0)
		read_know(kq, kn, fs);
	if (bytes > 0 && (bits & ENDED) == 0)
		return (KQ_YES);
	kind = evany__fd_kind(kq, kn);
	switch (kind) {
	case EVANY__K_STREAM:
		return (read_socket(kq, kn, bits, bytes, error == 0));
	case EVANY__K_DGRAM:
		/* Also an empty datagram, and a transient error. */
		if ((bits & (EVANY__HUP | EVANY__RDHUP)) != 0)
			kn->kn_flags |= EV_EOF;
		return (KQ_YES);
	case EVANY__K_PIPE:
		/* To a FIFO's writing end its readers are no event. */
		if ((bits & (EVANY__HUP | EVANY__ERR)) == EVANY__ERR &&
		    evany__ff_of_path((int)kn->kn_ident))
			return (KQ_NO);
		/* FALLTHROUGH */
	case EVANY__K_TTY:
		if ((bits & (EVANY__HUP | EVANY__ERR)) != 0)
			kn->kn_flags |= EV_EOF;
		if ((kn->kn_flags & EV_EOF) != 0 || bytes > 0)
			return (KQ_YES);
		/* An end that was typed, or a state, is no byte. */
		if (error == 0 && (kind == EVANY__K_PIPE || (evany__ff_now(
		    (int)kn->kn_ident, EVANY__W_IN) & EVANY__IN) == 0))
			return (KQ_NO);
		return (read_counted(kn, kind, bits));
	default:
		/* Also a terminal that is none any more, once hung up. */
		if ((bits & EVANY__HUP) != 0)
			kn->kn_flags |= EV_EOF;
		else if (error == 0 && bytes == 0 && kind != EVANY__K_CHR &&
		    (bits & EVANY__IN) == 0)
			return (KQ_NO);
		return (read_counted(kn, kind, bits));
	}
}

/* No byte count is fetched here that would tell of a closed number. */
static EVANY__RARE enum kq_answer
read_urgent(struct kqueue *kq, struct knote *kn, unsigned bits)
{

	if (!evany__fd_current(kq, kn))
		return (KQ_GONE);
	kn->kn_fflags = kn->kn_sfflags & NOTE_OOB;
	return ((bits & EVANY__PRI) != 0 ? KQ_YES : KQ_NO);
}

static EVANY__HOT enum kq_answer
filt_read_event(struct kqueue *kq, struct knote *kn, unsigned bits)
{
	enum kq_answer answer;
	struct evany__fdslot *fs;
	int64_t lowat = 1;

	kn->kn_flags &= (unsigned short)~(EV_EOF | EV_NODATA);
	kn->kn_fflags = 0;
	if ((kn->kn_status & KN_ALWAYS) != 0)
		return (evany__file_event(kq, kn));
	if ((kn->kn_sfflags & NOTE_OOB) != 0)
		return (read_urgent(kq, kn, bits));
	fs = evany__knote_slot(kq, kn);
	answer = read_bytes(kq, kn, fs, bits);
	if (answer != KQ_YES)
		return (answer);
	if ((kn->kn_flags & EV_EOF) != 0) {
		if (kn->kn_data == 0)
			kn->kn_flags |= EV_NODATA;
		return (KQ_YES);
	}
	if (EVANY__SELDOM((kn->kn_sfflags & NOTE_LOWAT) != 0))
		lowat = kn->kn_sdata;
	else if (EVANY__SELDOM((fs->fs_known & KNOWN_LOWAT) != 0))
		lowat = evany__ff_lowat((int)kn->kn_ident);
	else
		return (KQ_YES);
	return (kn->kn_data >= lowat ? KQ_YES : KQ_NO);
}

static uint8_t
read_dir(const struct knote *kn)
{
	return ((kn->kn_sfflags & NOTE_OOB) != 0 ? EVANY__W_PRI : EVANY__W_IN);
}

static int
filt_read_attach(struct kqueue *kq, struct knote *kn)
{
	return (evany__fd_attach(kq, kn, read_dir(kn)));
}

/* NOTE_OOB given or taken back makes it another thing to wait for. */
static EVANY__HOT int
filt_read_touch(struct kqueue *kq, struct knote *kn, const struct kevent *kev)
{
	int error;

	if ((error = evany__knote_default_touch(kq, kn, kev)) != 0)
		return (error);
	if (kn->kn_watch.wt_dir != read_dir(kn) &&
	    (kn->kn_status & KN_ALWAYS) == 0) {
		evany__ready_remove(kq->kq_inst, &kn->kn_watch);
		kn->kn_watch.wt_dir = read_dir(kn);
	}
	return (0);
}

const struct filterops evany__filt_read = {
	.fo_name = "READ",
	.fo_isfd = true,
	.fo_same = evany__file_same,
	.fo_attach = filt_read_attach,
	.fo_detach = evany__fd_detach,
	.fo_event = filt_read_event,
	.fo_touch = filt_read_touch,
	.fo_arm = evany__fd_arm
};

/* ---- EVFILT_EXCEPT ---------------------------------------------------------- */

static int
filt_except_attach(struct kqueue *kq, struct knote *kn)
{
	switch (evany__fd_kind(kq, kn)) {
	case EVANY__K_UNKNOWN:
		return (EBADF);
	case EVANY__K_STREAM:
	case EVANY__K_DGRAM:
		return (evany__fd_attach(kq, kn, EVANY__W_PRI));
	default:
		return (EOPNOTSUPP);
	}
}

const struct filterops evany__filt_except = {
	.fo_name = "EXCEPT",
	.fo_isfd = true,
	.fo_same = evany__file_same,
	.fo_attach = filt_except_attach,
	.fo_detach = evany__fd_detach,
	.fo_event = read_urgent,
	.fo_touch = evany__knote_default_touch,
	.fo_arm = evany__fd_arm
};
