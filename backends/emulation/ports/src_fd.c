/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * src_fd: PORT_SOURCE_FD, one event about one descriptor.
 *
 * An association is one item of the mechanism for all its directions, which is
 * silent once it has reported; associating again arms it.  What it reports is
 * queued at once, and stays what it was.  A slot is kept after its event was
 * delivered, so that the next association is one call.
 *
 * Nobody tells that a number was closed.  Before an event is delivered, the
 * mechanism is asked whether the number still names the file; if not, the
 * association has ended and the event is dropped.  That is also how processes
 * that share the port find out whose event it is: an item belongs to number
 * and file, and a process may have the event if its number names that file.
 *
 * A file that no poller knows never blocks: its event is queued when it is
 * associated, and device and inode tell whether the number still names it.
 *
 * Slots of descriptors stand in a hash table by number.  In a port that has
 * been through a fork several may have one number, each its own file.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "backends/emulation/ports/portq.h"

#ifndef POLLRDNORM
#define POLLRDNORM	0
#endif
#ifndef POLLRDBAND
#define POLLRDBAND	0
#endif
#ifndef POLLWRNORM
#define POLLWRNORM	0
#endif
#ifndef POLLWRBAND
#define POLLWRBAND	0
#endif
#ifndef POLLRDHUP
#define POLLRDHUP	0
#endif

#define FD_OFF		(-1)	/* for fd_tell: end the registration */

static const struct {
	int		events;		/* of poll(2) */
	unsigned	bit;		/* of a record */
} fd_dirs[EVANY__W_COUNT] = {
	[EVANY__W_IN] = { POLLIN | POLLRDNORM, EVANY__IN },
	[EVANY__W_OUT] = { POLLOUT | POLLWRNORM | POLLWRBAND, EVANY__OUT },
	[EVANY__W_PRI] = { POLLPRI | POLLRDBAND, EVANY__PRI }
};

/* ---- table ----------------------------------------------------------------- */

static uint32_t *
fd_bucket(const struct port_shared *ps, uintptr_t fd)
{
	return (&ps->ps_buckets[(uint32_t)fd % ps->ps_max]);
}

/* Links are indices + 1, so that a fresh page is an empty table. */
void
evany__port_fd_chain(struct port_shared *ps, uint32_t i)
{
	struct port_slot *sl = &ps->ps_slots[i];
	uint32_t *bucket = fd_bucket(ps, sl->sl_object);

	sl->sl_chain = *bucket;
	*bucket = i + 1;
}

static void
fd_free(struct port *pt, struct port_slot *sl)
{
	struct port_shared *ps = pt->pt_shared;
	uint32_t *link = fd_bucket(ps, sl->sl_object);

	while (*link != evany__port_index(pt, sl) + 1)
		link = &ps->ps_slots[*link - 1].sl_chain;
	*link = sl->sl_chain;
	evany__port_slot_free(pt, sl);
}

/* ---- the mechanism ------------------------------------------------------------ */

/*
 * Arms the registration for the events of mask, keeps it silent (IDLE) or ends
 * it (FD_OFF).  ESTALE: the number names another file than the one registered.
 *
 * This and fd_verify() are parts of what is done for each event, for the sake
 * of the returns; see evany__inst_wait().
 */
static EVANY__WITHIN int
fd_tell(struct port *pt, struct port_slot *sl, enum port_state state, int mask)
{
	struct evany__inst *inst = pt->pt_inst;
	struct evany__change ch;
	int d, done, error;

	memset(&ch, 0, sizeof(ch));
	ch.ch_fd = (int)sl->sl_object;
	ch.ch_cookie = EVANY__COOKIE(EVANY__CK_FD, inst->in_tag, sl->sl_gen,
	    evany__port_index(pt, sl));
	ch.ch_priv = sl->sl_priv;
	if (state == PORT_ARMED && mask != FD_OFF) {
		ch.ch_fresh = EVANY__TOGETHER;
		for (d = 0; d < EVANY__W_COUNT; d++)
			if ((mask & fd_dirs[d].events) != 0)
				ch.ch_want[d] = EVANY__ONCE;
	} else {
		ch.ch_fresh = EVANY__VERIFY;
		if (mask != FD_OFF)
			ch.ch_want[EVANY__W_IN] = EVANY__IDLE;
	}
	error = inst->in_table->tb_be->be_change(inst, inst->in_number, &ch,
	    1, &done);
	return (error != 0 ? error : ch.ch_error);
}

static int
plain_stat(const struct port_slot *sl, struct stat *st)
{
	int64_t born;

	return (evany__ff_stat((int)sl->sl_object, st, &born) == 0 ? 0 :
	    EBADF);
}

/* Is there another association of the number, of another process's file? */
static bool
fd_twice(const struct port_shared *ps, const struct port_slot *this)
{
	const struct port_slot *sl;
	uint32_t i;

	for (i = *fd_bucket(ps, this->sl_object); i != 0; i = sl->sl_chain) {
		sl = &ps->ps_slots[i - 1];
		if (sl->sl_object == this->sl_object && sl != this)
			return (true);
	}
	return (false);
}

/*
 * Does the number name the file?  0, EBADF, ESTALE, or another error.  The
 * mechanism tells whether it names one that was registered under it, and arms
 * that again.  Where it may be another association's, the inode tells first.
 */
static EVANY__WITHIN int
fd_verify(struct port *pt, struct port_slot *sl)
{
	struct stat st;
	int error;

	if (sl->sl_plain || !evany__port_own(pt, &sl->sl_owner) ||
	    fd_twice(pt->pt_shared, sl)) {
		if ((error = plain_stat(sl, &st)) != 0)
			return (error);
		if (sl->sl_file.sl_dev != (uint64_t)st.st_dev ||
		    sl->sl_file.sl_ino != (uint64_t)st.st_ino)
			return (ESTALE);
	}
	return (sl->sl_plain ? 0 :
	    fd_tell(pt, sl, sl->sl_state, sl->sl_mask));
}

/* Keeps in mind which file it is; of one inode are all eventfds, for example. */
static int
fd_know(struct port_slot *sl)
{
	struct stat st;
	int error;

	if ((error = plain_stat(sl, &st)) != 0)
		return (error);
	sl->sl_file.sl_dev = (uint64_t)st.st_dev;
	sl->sl_file.sl_ino = (uint64_t)st.st_ino;
	return (0);
}

static int
plain_arm(struct port *pt, struct port_slot *sl, int mask)
{
	int error;

	if ((error = fd_know(sl)) != 0)
		return (error);
	sl->sl_plain = true;
	mask &= fd_dirs[EVANY__W_IN].events | fd_dirs[EVANY__W_OUT].events;
	if (mask != 0)
		evany__port_fire(pt, sl, mask);
	return (0);
}

/* Errors as port_associate() has them. */
static int
fd_error(struct port *pt, struct port_slot *sl, int error)
{
	struct evany__inst *inst = pt->pt_inst;

	switch (error) {
	case EBADF:
		return (EBADFD);
	case EINVAL:
		/* The port itself; else the kernel's limit of watchers. */
		return (inst->in_table->tb_be->be_names(inst,
		    (int)sl->sl_object) ? ELOOP : EAGAIN);
	case ENOSPC:
		return (EAGAIN);
	default:
		return (error);
	}
}

/*
 * Where registrations are each process's own, all others that have the file
 * arm it too when they are here next, so that their calls see what is ready as
 * soon as ours.  The owner does so at once, for we may be gone before.
 */
static void
fd_armed(struct port *pt, const struct port_slot *sl)
{

	if (!pt->pt_forked || pt->pt_inst->in_table->tb_be->be_shares)
		return;
	evany__port_fd_again(pt->pt_shared, evany__port_index(pt, sl));
	pt->pt_rearm = pt->pt_shared->ps_rearm;
	pt->pt_news |= !evany__port_own(pt, &sl->sl_owner);
}

/* EIDRM: nothing was changed. */
static int
fd_arm(struct port *pt, struct port_slot *sl, int mask, bool fresh)
{
	struct evany__inst *inst = pt->pt_inst;
	int error;

	sl->sl_gen++;
	error = fd_tell(pt, sl, PORT_ARMED, mask);
	/* Said of the file, before anybody looked at the port's number. */
	if (error == EPERM && !inst->in_table->tb_be->be_names(inst,
	    inst->in_number))
		error = EIDRM;
	if (error == EIDRM) {
		sl->sl_gen--;
		return (error);
	}
	evany__port_unqueue(pt, sl);
	sl->sl_state = PORT_ARMED;
	fresh |= sl->sl_plain || error == ESTALE;
	sl->sl_plain = false;
	if (error == ESTALE) {
		/* A new file has the number: nothing is left of the old one. */
		memset(sl->sl_priv, 0, sizeof(sl->sl_priv));
		sl->sl_owner = pt->pt_self;
		error = fd_tell(pt, sl, PORT_ARMED, mask);
	}
	if (error == EPERM)
		return (plain_arm(pt, sl, mask));
	/* A fork may come. */
	if (error == 0 && fresh)
		error = fd_know(sl);
	if (error == 0)
		fd_armed(pt, sl);
	return (error);
}

/* ---- associations ----------------------------------------------------------------- */

/*
 * The association of this process's descriptor: one that it has made, or else
 * one of the same file by another process.
 */
static struct port_slot *
fd_find(struct port *pt, uintptr_t fd)
{
	struct port_shared *ps = pt->pt_shared;
	struct port_slot *sl, *other = NULL;
	uint32_t i, next;

	for (i = *fd_bucket(ps, fd); i != 0; i = next) {
		sl = &ps->ps_slots[i - 1];
		next = sl->sl_chain;
		if (sl->sl_object != fd)
			continue;
		if (evany__port_own(pt, &sl->sl_owner)) {
			if (!fd_twice(ps, sl) || !evany__port_fd_gone(pt, sl))
				return (sl);
			fd_free(pt, sl);
		} else if (!evany__port_alive(&sl->sl_owner))
			fd_free(pt, sl);
		else if (other == NULL && fd_verify(pt, sl) == 0)
			other = sl;
	}
	return (other);
}

static int
fd_associate(struct port *pt, uintptr_t fd, int mask, void *user)
{
	struct port_slot *sl;
	bool fresh;
	int error;

	if (fd > INT_MAX)
		return (EBADFD);
	sl = fd_find(pt, fd);
	if ((fresh = sl == NULL)) {
		sl = evany__port_slot_new(pt, PORT_SOURCE_FD, fd, user);
		if (sl == NULL)
			return (EAGAIN);
		evany__port_fd_chain(pt->pt_shared, evany__port_index(pt, sl));
	}
	if ((error = fd_arm(pt, sl, mask, fresh)) != 0) {
		/* Of a number that is another port's, nothing has ended. */
		if (error == EIDRM && !fresh)
			return (error);
		error = fd_error(pt, sl, error);
		fd_free(pt, sl);
		return (error);
	}
	sl->sl_mask = mask;
	sl->sl_user = user;
	pt->pt_shared->ps_had_fd = true;
	evany__watched_always((int)fd);
	return (0);
}

int
evany__port_fd_associate(struct port *pt, int number, uintptr_t fd, int mask,
    void *user)
{
	int error, lost;

	evany__port_enter(pt, number);
	error = fd_associate(pt, fd, mask, user);
	lost = evany__port_leave(pt);
	return (error != 0 ? error : lost);
}

static int
fd_dissociate(struct port *pt, uintptr_t fd)
{
	bool waits;
	struct port_slot *sl;
	int error;

	if (fd > INT_MAX)
		return (EBADFD);
	if ((sl = fd_find(pt, fd)) == NULL)
		return (pt->pt_shared->ps_had_fd &&
		    fcntl((int)fd, F_GETFD) == -1 ? EBADFD : ENOENT);
	if (!evany__port_own(pt, &sl->sl_owner))
		return (EACCES);
	waits = sl->sl_state != PORT_IDLE;
	if (sl->sl_plain || !waits)
		error = fd_verify(pt, sl);
	else
		error = fd_tell(pt, sl, PORT_ARMED, FD_OFF);
	if (error == EIDRM)
		return (error);
	/* What has been delivered is kept for the next association. */
	if (waits || error != 0)
		fd_free(pt, sl);
	if (error == EBADF)
		return (EBADFD);
	return (waits && error == 0 ? 0 : ENOENT);
}

int
evany__port_fd_dissociate(struct port *pt, int number, uintptr_t fd)
{
	int error, lost;

	evany__port_enter(pt, number);
	error = fd_dissociate(pt, fd);
	lost = evany__port_leave(pt);
	return (error != 0 ? error : lost);
}

/* ---- what happens to them ------------------------------------------------------------ */

void
evany__port_fd_record(struct port *pt, const struct evany__ready *rd)
{
	struct port_shared *ps = pt->pt_shared;
	uint32_t i = EVANY__COOKIE_INDEX(rd->rd_cookie);
	struct port_slot *sl;
	int d, events = 0;

	if (i >= ps->ps_fresh)
		return;
	sl = &ps->ps_slots[i];
	if (sl->sl_source != PORT_SOURCE_FD ||
	    (sl->sl_gen & 0x3fffU) != EVANY__COOKIE_GEN(rd->rd_cookie))
		return;
	pt->pt_inst->in_table->tb_be->be_spent(pt->pt_inst,
	    pt->pt_inst->in_number, sl->sl_priv, rd->rd_cookie);
	for (d = 0; d < EVANY__W_COUNT; d++)
		if ((rd->rd_bits & fd_dirs[d].bit) != 0)
			events |= sl->sl_mask & fd_dirs[d].events;
	/* Urgent data is POLLPRI, unless only the other name was asked for. */
	if ((events & POLLPRI) != 0)
		events &= ~POLLRDBAND;
	if ((rd->rd_bits & EVANY__RDHUP) != 0)
		events |= sl->sl_mask & POLLRDHUP;
	if ((rd->rd_bits & EVANY__HUP) != 0)
		events |= POLLHUP;
	if ((rd->rd_bits & EVANY__ERR) != 0)
		events |= POLLERR;
	/* It may be idle: asked again for what another thread had already. */
	if (events != 0 && sl->sl_state == PORT_ARMED)
		evany__port_fire(pt, sl, events);
}

static EVANY__WITHIN bool
fd_gone(struct port *pt, struct port_slot *sl)
{
	switch (fd_verify(pt, sl)) {
	case 0:
	case EIDRM:
	case ENOMEM:
	case ENOSPC:
		/* Or it cannot be told now. */
		return (false);
	default:
		return (true);
	}
}

static enum port_take
fd_take(struct port *pt, struct port_slot *sl)
{
	bool mine = evany__port_own(pt, &sl->sl_owner);

	/* With its owner an association ends for everybody. */
	if (!mine && !evany__port_alive(&sl->sl_owner))
		return (PORT_DROP);
	if (!fd_gone(pt, sl))
		return (PORT_TAKE);
	return (mine ? PORT_DROP : PORT_SKIP);
}

static void
fd_taken(struct port *pt, struct port_slot *sl)
{
	(void)pt;
	sl->sl_state = PORT_IDLE;
}

const struct port_source evany__port_src_fd = {
	.so_take = fd_take,
	.so_taken = fd_taken,
	.so_drop = fd_free
};

bool
evany__port_fd_gone(struct port *pt, struct port_slot *sl)
{
	return (fd_gone(pt, sl));
}

static void
fd_rearm(struct port *pt, struct port_slot *sl)
{

	if (sl->sl_source == PORT_SOURCE_FD && !sl->sl_plain &&
	    sl->sl_state == PORT_ARMED)
		(void)fd_verify(pt, sl);
}

void
evany__port_fd_rearm(struct port *pt)
{
	struct port_shared *ps = pt->pt_shared;
	uint32_t i;

	for (i = 0; i < ps->ps_fresh; i++)
		fd_rearm(pt, &ps->ps_slots[i]);
}

void
evany__port_fd_again(struct port_shared *ps, uint32_t slot)
{

	ps->ps_rearms[ps->ps_rearm % PORT_REARMS] = slot;
	ps->ps_rearm++;
}

void
evany__port_fd_catch_up(struct port *pt)
{
	struct port_shared *ps = pt->pt_shared;
	uint32_t i = pt->pt_rearm, slot;
	bool all = ps->ps_rearm - i > PORT_REARMS;

	pt->pt_rearm = ps->ps_rearm;
	for (; i != ps->ps_rearm && !all; i++) {
		slot = ps->ps_rearms[i % PORT_REARMS];
		if (slot == PORT_NONE)
			all = true;
		else
			fd_rearm(pt, &ps->ps_slots[slot]);
	}
	if (all)
		evany__port_fd_rearm(pt);
}

void
evany__port_fd_forget(struct port *pt)
{

	if (!pt->pt_inst->in_table->tb_be->be_shares)
		pt->pt_rearm = pt->pt_shared->ps_rearm - PORT_REARMS - 1;
}

void
evany__port_fd_closing(struct port *pt, int fd)
{
	struct port_slot *sl = fd_find(pt, (uintptr_t)fd);

	if (sl == NULL || !evany__port_own(pt, &sl->sl_owner))
		return;
	if (!sl->sl_plain)
		(void)fd_tell(pt, sl, PORT_ARMED, FD_OFF);
	fd_free(pt, sl);
}
