/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filt_file: EVFILT_READ and WRITE of what never blocks, and EVFILT_VNODE.
 *
 * No poller knows regular files, so their knotes live in the ready queue: they
 * are tested when they are attached, at every pass while they hold, and when
 * the FILE mechanism says that the file was written.  Moving the offset wakes
 * nobody, as in a kernel.
 *
 * A FIFO whose last reader has gone is watched for being opened while an
 * EV_CLEAR knote for writing waits: Linux (6.18) does not wake writers that
 * poll when the next reader comes.
 *
 * The number is known to name the same file by device, inode and birth.  While
 * another could still have been born in the same tick of the clock, the file's
 * generation is compared too.  No duplicate is kept: closing one would drop the
 * program's record locks.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/emulation/kqueue/knote.h"

#define TICK	INT64_C(20000000)	/* longer than any system's, in ns */

/* kn_priv */
struct kn_file {
	struct evany__filewatch	 kf_watch;
	struct kqueue		*kf_kq;
	struct knote		*kf_knote;
	dev_t			 kf_dev;
	ino_t			 kf_ino;
	int64_t			 kf_born;
	uint64_t		 kf_generation;
	bool			 kf_settled;	/* kf_born is unique by now */
};

int
evany__file_remember(struct knote *kn)
{
	struct kn_file *kf;
	struct stat st;
	int64_t born;

	if (evany__ff_stat((int)kn->kn_ident, &st, &born) != 0)
		return (EBADF);
	if ((kf = calloc(1, sizeof(*kf))) == NULL)
		return (ENOMEM);
	kf->kf_knote = kn;
	kf->kf_dev = st.st_dev;
	kf->kf_ino = st.st_ino;
	kf->kf_born = born;
	kf->kf_generation = evany__ff_generation((int)kn->kn_ident);
	kn->kn_priv = kf;
	return (0);
}

void
evany__file_forget(struct knote *kn)
{

	free(kn->kn_priv);
	kn->kn_priv = NULL;
}

static bool
file_stat(const struct knote *kn, struct stat *st)
{
	struct kn_file *kf = kn->kn_priv;
	uint64_t generation;
	int64_t born, now;

	if (evany__ff_stat((int)kn->kn_ident, st, &born) != 0 ||
	    st->st_dev != kf->kf_dev || st->st_ino != kf->kf_ino ||
	    born != kf->kf_born)
		return (false);
	if (kf->kf_settled)
		return (true);
	now = evany__now(EVANY__REALTIME);
	generation = evany__ff_generation((int)kn->kn_ident);
	/* 0: it could not be asked, for want of memory perhaps. */
	if (generation != 0 && kf->kf_generation != 0 &&
	    generation != kf->kf_generation)
		return (false);
	kf->kf_settled = born != 0 && now > born + TICK;
	return (true);
}

bool
evany__file_same(const struct knote *kn)
{
	struct stat st;

	return (file_stat(kn, &st));
}

static int
file_watch(struct kqueue *kq, struct knote *kn, unsigned want,
    void (*fire)(struct evany__filewatch *, unsigned))
{
	struct evany__inst *inst = kq->kq_inst;
	struct kn_file *kf = kn->kn_priv;
	int error;

	kf->kf_kq = kq;
	kf->kf_watch.fw_want = want;
	kf->kf_watch.fw_fire = fire;
	kf->kf_watch.fw_inst = inst;
	error = inst->in_table->tb_file->fo_attach(&inst->in_file,
	    &kf->kf_watch, (int)kn->kn_ident);
	if (error != 0)
		kf->kf_watch.fw_inst = NULL;
	else if (inst->in_table->tb_file->fo_ask)
		evany__inst_asked(inst, 1);
	return (error);
}

static void
file_unwatch(struct kqueue *kq, struct knote *kn)
{
	struct evany__inst *inst = kq->kq_inst;
	struct kn_file *kf = kn->kn_priv;

	if (kf->kf_watch.fw_inst == NULL)
		return;
	inst->in_table->tb_file->fo_detach(&inst->in_file, &kf->kf_watch);
	/* The mechanism may have a last word, which is nobody's event. */
	evany__inst_again(inst);
	kf->kf_watch.fw_inst = NULL;
	if (inst->in_table->tb_file->fo_ask)
		evany__inst_asked(inst, -1);
}

/* ---- READ and WRITE ---------------------------------------------------------- */

static void
file_grown(struct evany__filewatch *fw, unsigned bits)
{
	struct kn_file *kf = (struct kn_file *)(void *)fw;

	(void)bits;
	evany__knote_activate(kf->kf_kq, kf->kf_knote);
}

/* The mechanism has said that the descriptor never blocks. */
int
evany__file_attach(struct kqueue *kq, struct knote *kn)
{
	enum evany__fdkind kind = evany__fd_kind(kq, kn);
	int error;

	if ((error = evany__file_remember(kn)) != 0)
		return (error);
	if (kn->kn_filter == EVFILT_READ &&
	    (kind == EVANY__K_FILE || kind == EVANY__K_DIR)) {
		error = file_watch(kq, kn, EVANY__F_WRITE | EVANY__F_EXTEND |
		    EVANY__F_TRUNC, file_grown);
		if (error != 0)
			return (error);
	}
	evany__knote_activate(kq, kn);
	return (0);
}

void
evany__file_detach(struct kqueue *kq, struct knote *kn)
{

	if (kn->kn_priv == NULL)
		return;
	file_unwatch(kq, kn);
	evany__file_forget(kn);
}

enum kq_answer
evany__file_event(struct kqueue *kq, struct knote *kn)
{
	const struct kn_file *kf = kn->kn_priv;
	struct stat st;
	off_t offset;

	/* What is told later of writes made before now is no news. */
	if ((kn->kn_flags & EV_CLEAR) != 0 && kf->kf_watch.fw_inst != NULL)
		kq->kq_inst->in_table->tb_file->fo_collect(
		    &kq->kq_inst->in_file);
	if (!file_stat(kn, &st))
		return (KQ_GONE);
	kn->kn_data = 0;
	if (kn->kn_filter == EVFILT_WRITE ||
	    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return (KQ_YES);
	if ((offset = lseek((int)kn->kn_ident, 0, SEEK_CUR)) == -1)
		offset = 0;
	kn->kn_data = (int64_t)st.st_size - (int64_t)offset;
	if (kn->kn_data != 0 || (kn->kn_sfflags & NOTE_FILE_POLL) != 0)
		return (KQ_YES);
	return (KQ_NO);
}

/* ---- a FIFO that lost its last reader ------------------------------------------ */

static bool
fifo_read_again(const struct knote *kn)
{
	return ((evany__ff_now((int)kn->kn_ident, EVANY__W_OUT) &
	    EVANY__ERR) == 0);
}

static void
fifo_opened(struct evany__filewatch *fw, unsigned bits)
{
	struct kn_file *kf = (struct kn_file *)(void *)fw;
	struct kqueue *kq = kf->kf_kq;
	struct knote *kn = kf->kf_knote;

	(void)bits;
	if (!fifo_read_again(kn))
		return;
	evany__file_detach(kq, kn);
	if (evany__fd_arm(kq, kn, true) == 0)
		evany__inst_again(kq->kq_inst);
}

bool
evany__file_await_reader(struct kqueue *kq, struct knote *kn)
{

	if (kn->kn_priv != NULL || evany__file_remember(kn) != 0)
		return (false);
	if (file_watch(kq, kn, EVANY__F_OPEN, fifo_opened) == 0 &&
	    !fifo_read_again(kn))
		return (false);
	/* The mechanism cannot tell, or there is nothing to be told. */
	evany__file_detach(kq, kn);
	return (fifo_read_again(kn));
}

/* ---- EVFILT_VNODE --------------------------------------------------------------- */

static const struct {
	unsigned	note;
	unsigned	bit;
} vnode_notes[] = {
	{ NOTE_DELETE, EVANY__F_DELETE },
	{ NOTE_WRITE, EVANY__F_WRITE },
	{ NOTE_EXTEND, EVANY__F_EXTEND },
	{ NOTE_ATTRIB, EVANY__F_ATTRIB },
	{ NOTE_LINK, EVANY__F_LINK },
	{ NOTE_RENAME, EVANY__F_RENAME },
	{ NOTE_REVOKE, EVANY__F_REVOKE },
	{ NOTE_OPEN, EVANY__F_OPEN },
	{ NOTE_CLOSE, EVANY__F_CLOSE_READ },
	{ NOTE_CLOSE_WRITE, EVANY__F_CLOSE_WRITE },
	{ NOTE_READ, EVANY__F_READ },
	{ NOTE_TRUNCATE, EVANY__F_TRUNC }
};
#define VNODE_NOTES	(sizeof(vnode_notes) / sizeof(vnode_notes[0]))

static unsigned
vnode_want(const struct knote *kn)
{
	unsigned want = 0;
	size_t i;

	for (i = 0; i < VNODE_NOTES; i++)
		if ((kn->kn_sfflags & vnode_notes[i].note) != 0)
			want |= vnode_notes[i].bit;
	return (want);
}

static void
vnode_fire(struct evany__filewatch *fw, unsigned bits)
{
	struct kn_file *kf = (struct kn_file *)(void *)fw;
	struct knote *kn = kf->kf_knote;
	unsigned notes = 0;
	size_t i;

	for (i = 0; i < VNODE_NOTES; i++)
		if ((bits & vnode_notes[i].bit) != 0)
			notes |= vnode_notes[i].note;
	notes &= kn->kn_sfflags;
	if ((bits & EVANY__F_REVOKE) != 0)
		kn->kn_flags |= EV_EOF;
	else if (notes == 0)
		return;
	kn->kn_fflags |= notes;
	evany__knote_activate(kf->kf_kq, kn);
}

static int
filt_vnode_attach(struct kqueue *kq, struct knote *kn)
{
	int error;

	if ((error = evany__file_remember(kn)) != 0)
		return (error);
	error = file_watch(kq, kn, vnode_want(kn), vnode_fire);
	return (error == ENOTSUP ? EOPNOTSUPP : error);
}

static enum kq_answer
filt_vnode_event(struct kqueue *kq, struct knote *kn, unsigned bits)
{

	(void)kq;
	(void)bits;
	if (!evany__file_same(kn))
		return (KQ_GONE);
	return (kn->kn_fflags != 0 || (kn->kn_flags & EV_EOF) != 0 ? KQ_YES :
	    KQ_NO);
}

static int
filt_vnode_touch(struct kqueue *kq, struct knote *kn, const struct kevent *kev)
{
	struct evany__inst *inst = kq->kq_inst;
	struct kn_file *kf = kn->kn_priv;
	unsigned old = kf->kf_watch.fw_want, notes = kn->kn_sfflags;
	int error;

	if (!evany__file_same(kn))
		return (evany__fd_lost(kq, kn, ESTALE));
	kn->kn_sfflags = kev->fflags;
	kf->kf_watch.fw_want = vnode_want(kn);
	error = inst->in_table->tb_file->fo_modify(&inst->in_file,
	    &kf->kf_watch);
	if (error != 0) {
		kn->kn_sfflags = notes;
		kf->kf_watch.fw_want = old;
		return (error == ENOTSUP ? EOPNOTSUPP : error);
	}
	return (evany__knote_default_touch(kq, kn, kev));
}

const struct filterops evany__filt_vnode = {
	.fo_name = "VNODE",
	.fo_isfd = true,
	.fo_same = evany__file_same,
	.fo_attach = filt_vnode_attach,
	.fo_detach = evany__file_detach,
	.fo_event = filt_vnode_event,
	.fo_touch = filt_vnode_touch,
	.fo_arm = evany__knote_default_arm
};
