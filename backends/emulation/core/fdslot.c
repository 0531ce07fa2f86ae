/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fdslot: the watched descriptors of an instance, by number.
 *
 * Slots stand in pages of 64, so a lookup is two loads and a registered
 * number costs 24 bytes.  A slot's generation is part of the cookie that the
 * mechanism reports; it changes when the number is found to name another
 * file, so a report for the old file matches nothing.
 *
 * All functions: instance lock held.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/emulation/core/core.h"

int
evany__slot_get(struct evany__inst *inst, int fd, struct evany__fdslot **fsp)
{
	struct evany__fdslot **pages;
	uint32_t n, page = (uint32_t)fd / EVANY__PAGE_SLOTS;
	int saved = errno;

	if (page >= inst->in_npages) {
		if (fcntl(fd, F_GETFD) == -1) {
			errno = saved;
			return (EBADF);
		}
		n = page + 1 + page / 2;
		pages = realloc(inst->in_pages, n * sizeof(*pages));
		if (pages == NULL)
			return (ENOMEM);
		memset(&pages[inst->in_npages], 0,
		    (n - inst->in_npages) * sizeof(*pages));
		inst->in_pages = pages;
		inst->in_npages = n;
	}
	if (inst->in_pages[page] == NULL) {
		if (evany__watched_room(fd) != 0)
			return (ENOMEM);
		inst->in_pages[page] = calloc(EVANY__PAGE_SLOTS,
		    sizeof(struct evany__fdslot));
		if (inst->in_pages[page] == NULL)
			return (ENOMEM);
	}
	*fsp = &inst->in_pages[page][fd % EVANY__PAGE_SLOTS];
	return (0);
}

void
evany__slot_insert(struct evany__fdslot *fs, int fd, struct evany__watch *wt)
{
	struct evany__watch **wtp;

	if (fs->fs_watches == NULL)
		evany__watched_more(fd);
	for (wtp = &fs->fs_watches; *wtp != NULL; wtp = &(*wtp)->wt_next)
		continue;
	wt->wt_next = NULL;
	*wtp = wt;
}

void
evany__slot_remove(struct evany__fdslot *fs, int fd, struct evany__watch *wt)
{
	struct evany__watch **wtp;

	for (wtp = &fs->fs_watches; *wtp != wt; wtp = &(*wtp)->wt_next)
		continue;
	*wtp = wt->wt_next;
	if (fs->fs_watches == NULL)
		evany__watched_less(fd);
}

/* The watch that was given last goes to the end. */
void
evany__slot_rotate(struct evany__inst *inst, struct evany__fdslot *fs)
{
	struct evany__watch *wt, **wtp, **last = &fs->fs_watches;

	for (wtp = last; (wt = *wtp) != NULL; wtp = &wt->wt_next)
		if (inst->in_call - wt->wt_call <
		    inst->in_call - (*last)->wt_call)
			last = wtp;
	wt = *last;
	*last = wt->wt_next;
	wt->wt_next = NULL;
	while (*last != NULL)
		last = &(*last)->wt_next;
	*last = wt;
}

void
evany__slot_renew(struct evany__fdslot *fs)
{

	fs->fs_gen++;
	fs->fs_kind = EVANY__K_UNKNOWN;
	fs->fs_known = 0;
	memset(fs->fs_priv, 0, sizeof(fs->fs_priv));
}

/* The directions of one that has several. */
void
evany__want_set(struct evany__change *ch, const struct evany__watch *wt)
{
	int d;

	if (wt->wt_mode == EVANY__OFF)
		return;
	ch->ch_fresh |= EVANY__TOGETHER;
	for (d = 0; d < EVANY__W_COUNT; d++)
		if ((wt->wt_dir & 1U << d) != 0)
			ch->ch_want[d] = wt->wt_mode;
}

int
evany__slot_update(struct evany__inst *inst, int fd, struct evany__fdslot *fs,
    unsigned fresh)
{
	return (evany__slot_tell(inst, fd, fs, fresh));
}

/* Does the mechanism know of it? */
static bool
slot_registered(const struct evany__fdslot *fs)
{
	const struct evany__watch *wt;

	for (wt = fs->fs_watches; wt != NULL; wt = wt->wt_next)
		if (wt->wt_mode != EVANY__OFF)
			return (true);
	return (false);
}

/* If it is not what the mechanism knows, its watches go. */
static void
slot_verify(struct evany__inst *inst, int fd, struct evany__fdslot *fs)
{
	int error;

	if (!slot_registered(fs))
		return;
	error = evany__slot_update(inst, fd, fs, EVANY__VERIFY);
	if (error == EBADF || error == ESTALE)
		inst->in_driver->dr_fd_gone(inst, fd, error == ESTALE);
}

EVANY__RARE void
evany__slot_evict(struct evany__inst *inst, int fd, uint64_t cookie)
{
	const struct evany__be_ops *be = inst->in_table->tb_be;
	struct evany__fdslot *fs;
	int error;

	/* Afterwards it could not be told from one that was hit as well. */
	fs = evany__slot_find(inst, fd);
	if (fs != NULL)
		slot_verify(inst, fd, fs);
	if (be->be_evict(inst, inst->in_number, fd, cookie) == EAGAIN) {
		evany__inst_renew(inst);
		return;
	}
	/* What the number names now may have been hit as well. */
	fs = evany__slot_find(inst, fd);
	if (fs == NULL || !slot_registered(fs))
		return;
	error = evany__slot_update(inst, fd, fs, EVANY__VERIFY);
	if (error == ESTALE) {
		memset(fs->fs_priv, 0, sizeof(fs->fs_priv));
		error = evany__slot_update(inst, fd, fs, EVANY__VERIFY);
	}
	if (error == EBADF || error == EPERM)
		inst->in_driver->dr_fd_gone(inst, fd, error == EPERM);
}

/* The program is about to close the number, which still names its file. */
void
evany__slot_close(struct evany__inst *inst, int fd)
{
	struct evany__fdslot *fs = evany__slot_find(inst, fd);
	struct evany__watch *wt;
	bool registered = false;

	if (fs == NULL || fs->fs_watches == NULL)
		return;
	for (wt = fs->fs_watches; wt != NULL; wt = wt->wt_next) {
		registered |= wt->wt_mode != EVANY__OFF;
		wt->wt_mode = EVANY__OFF;
	}
	if (registered)
		(void)evany__slot_update(inst, fd, fs, EVANY__VERIFY);
	inst->in_driver->dr_fd_gone(inst, fd, false);
}

bool
evany__slots_reap(struct evany__inst *inst)
{
	struct evany__fdslot *fs;
	bool any = false;
	uint32_t i, page;
	int fd, saved = errno;

	for (page = 0; page < inst->in_npages; page++)
		for (i = 0; inst->in_pages[page] != NULL &&
		    i < EVANY__PAGE_SLOTS; i++) {
			fs = &inst->in_pages[page][i];
			fd = (int)(page * EVANY__PAGE_SLOTS + i);
			if (fs->fs_watches != NULL &&
			    fcntl(fd, F_GETFD) == -1) {
				inst->in_driver->dr_fd_gone(inst, fd, false);
				any = true;
			}
		}
	errno = saved;
	return (any);
}

void
evany__slots_verify(struct evany__inst *inst)
{
	uint32_t i, page;

	for (page = 0; page < inst->in_npages; page++)
		for (i = 0; inst->in_pages[page] != NULL &&
		    i < EVANY__PAGE_SLOTS; i++)
			slot_verify(inst, (int)(page *
			    EVANY__PAGE_SLOTS + i), &inst->in_pages[page][i]);
}

/*
 * The mechanism has a new, empty kernel object.  A slot that cannot be
 * registered again, for want of memory at worst, is given up as closed.
 */
void
evany__slots_again(struct evany__inst *inst)
{
	struct evany__fdslot *fs;
	uint32_t i, page;
	int fd;

	for (page = 0; page < inst->in_npages; page++) {
		if (inst->in_pages[page] == NULL)
			continue;
		for (i = 0; i < EVANY__PAGE_SLOTS; i++) {
			fs = &inst->in_pages[page][i];
			fd = (int)(page * EVANY__PAGE_SLOTS + i);
			memset(fs->fs_priv, 0, sizeof(fs->fs_priv));
			if (fs->fs_watches != NULL &&
			    evany__slot_update(inst, fd, fs, 0) != 0)
				inst->in_driver->dr_fd_gone(inst, fd, false);
		}
	}
}

/* A number that is found closed now is left to be found by a wait. */
void
evany__slots_fresh(struct evany__inst *inst)
{
	struct evany__fdslot *fs;
	uint32_t i, page;

	for (page = 0; page < inst->in_npages; page++)
		for (i = 0; inst->in_pages[page] != NULL &&
		    i < EVANY__PAGE_SLOTS; i++) {
			fs = &inst->in_pages[page][i];
			if (fs->fs_watches != NULL)
				(void)evany__slot_update(inst, (int)(page *
				    EVANY__PAGE_SLOTS + i), fs,
				    (1U << EVANY__W_COUNT) - 1);
		}
}

void
evany__slots_fini(struct evany__inst *inst)
{
	uint32_t page;

	for (page = 0; page < inst->in_npages; page++)
		free(inst->in_pages[page]);
	free(inst->in_pages);
}
