/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_mountinfo: MOUNT watches on Linux, by /proc/self/mountinfo.
 *
 * Feeds:   one descriptor of that file per instance; every change of the
 *          mount table wakes those who poll it.
 * State:   what was mounted at the last look: a sorted list of hashes of each
 *          line's first five fields (ids, device, root, mount point), which a
 *          remount leaves alone, and a hash of the whole text.  A wake-up that
 *          finds the text as it was has missed a mount and its unmount.
 * Life:    made by the first attach, gone with the last detach.
 * Locks:   none; the instance's is held.
 * Fork:    the child closes its copy.
 *
 * Only the mount name space of the process is seen.
 */
#include "config.h"

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/rawcall.h"

struct be_mountinfo {
	struct evany__feeder		 bm_feeder;	/* first */
	LIST_HEAD(, evany__mountwatch)	 bm_watches;
	int				 bm_fd;
	uint64_t			*bm_mounts;
	size_t				 bm_count;
	uint64_t			 bm_text;
};

#define FIELDS	5	/* of a line, that make a mount */

static int
mount_open(void)
{
	return ((int)syscall(SYS_openat, AT_FDCWD,
	    "/proc/thread-self/mountinfo", O_RDONLY | O_CLOEXEC | O_NONBLOCK,
	    0));
}

static int
mount_probe(void)
{
	int error, fd, saved = errno;

	fd = mount_open();
	error = fd == -1 ? errno : 0;
	if (fd != -1)
		(void)evany__close(fd);
	errno = saved;
	return (error == EMFILE || error == ENFILE ? 0 : error);
}

static int
hash_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return ((x > y) - (x < y));
}

/* FNV-1a, a byte at a time. */
#define HASH_START	0xcbf29ce484222325ULL

static uint64_t
hash_add(uint64_t hash, char c)
{
	return ((hash ^ (unsigned char)c) * 0x100000001b3ULL);
}

static int
mount_add(uint64_t **listp, size_t *countp, uint64_t hash)
{
	uint64_t *list = *listp;
	size_t n = *countp;

	/* The room is always the next power of two. */
	if ((n & (n - 1)) == 0) {
		list = realloc(list, (n == 0 ? 1 : 2 * n) * sizeof(*list));
		if (list == NULL)
			return (ENOMEM);
		*listp = list;
	}
	list[(*countp)++] = hash;
	return (0);
}

static int
mount_read(int fd, uint64_t **listp, size_t *countp, uint64_t *textp)
{
	uint64_t hash = HASH_START;
	char buf[4096];
	int error, field = 0;
	ssize_t i, n;

	*listp = NULL;
	*countp = 0;
	*textp = HASH_START;
	if (lseek(fd, 0, SEEK_SET) == -1)
		return (errno);
	while ((n = evany__read(fd, buf, sizeof(buf))) > 0)
		for (i = 0; i < n; i++) {
			*textp = hash_add(*textp, buf[i]);
			if (buf[i] == '\n') {
				hash = HASH_START;
				field = 0;
				continue;
			}
			if (field < FIELDS)
				hash = hash_add(hash, buf[i]);
			if (buf[i] != ' ' || ++field != FIELDS)
				continue;
			error = mount_add(listp, countp, hash);
			if (error != 0)
				return (error);
		}
	if (n == -1)
		return (errno);
	if (*countp > 0)
		qsort(*listp, *countp, sizeof(**listp), hash_compare);
	return (0);
}

/* What is in the new list and not in the old, and the other way round. */
static unsigned
mount_compare(const uint64_t *was, size_t nwas, const uint64_t *now,
    size_t nnow)
{
	unsigned bits = 0;
	size_t i = 0, j = 0;

	while (i < nwas || j < nnow)
		if (j == nnow || (i < nwas && was[i] < now[j])) {
			bits |= EVANY__M_UNMOUNT;
			i++;
		} else if (i == nwas || now[j] < was[i]) {
			bits |= EVANY__M_MOUNT;
			j++;
		} else {
			i++;
			j++;
		}
	return (bits);
}

static void
mount_ready(struct evany__inst *inst, struct evany__feeder *fe, unsigned ready)
{
	struct be_mountinfo *bm = (struct be_mountinfo *)(void *)fe;
	struct evany__mountwatch *mw;
	uint64_t *mounts, text;
	unsigned bits;
	size_t count;

	(void)inst;
	if (mount_read(bm->bm_fd, &mounts, &count, &text) != 0) {
		free(mounts);
		return;
	}
	bits = mount_compare(bm->bm_mounts, bm->bm_count, mounts, count);
	if (text == bm->bm_text && (ready & EVANY__ERR) != 0)
		bits = EVANY__M_MOUNT | EVANY__M_UNMOUNT;
	free(bm->bm_mounts);
	bm->bm_mounts = mounts;
	bm->bm_count = count;
	bm->bm_text = text;
	if (bits != 0)
		LIST_FOREACH(mw, &bm->bm_watches, mw_link)
			mw->mw_fire(mw, bits);
}

static void
mount_free(struct evany__inst *inst, struct be_mountinfo *bm)
{

	evany__inst_unfeed(inst, &bm->bm_feeder);
	if (bm->bm_fd != -1)
		(void)evany__close(bm->bm_fd);
	free(bm->bm_mounts);
	free(bm);
}

static int
mount_make(struct evany__inst *inst, struct be_mountinfo **bmp)
{
	struct be_mountinfo *bm;
	int error;

	if ((bm = calloc(1, sizeof(*bm))) == NULL)
		return (ENOMEM);
	LIST_INIT(&bm->bm_watches);
	bm->bm_feeder.fe_fd = -1;
	bm->bm_feeder.fe_ready = mount_ready;
	if ((bm->bm_fd = evany__inner(mount_open())) == -1)
		error = errno;
	else if ((error = mount_read(bm->bm_fd, &bm->bm_mounts,
	    &bm->bm_count, &bm->bm_text)) == 0)
		error = evany__inst_feed(inst, &bm->bm_feeder, bm->bm_fd,
		    EVANY__EDGE);
	if (error != 0) {
		mount_free(inst, bm);
		return (error);
	}
	*bmp = bm;
	return (0);
}

static int
mount_attach(void **statep, struct evany__mountwatch *mw)
{
	struct be_mountinfo *bm = *statep;
	int error, saved = errno;

	if (bm == NULL) {
		error = mount_make(mw->mw_inst, &bm);
		errno = saved;
		if (error != 0)
			return (error);
		*statep = bm;
	}
	LIST_INSERT_HEAD(&bm->bm_watches, mw, mw_link);
	return (0);
}

static void
mount_close(struct evany__inst *inst, void **statep)
{

	mount_free(inst, *statep);
	*statep = NULL;
}

static void
mount_detach(void **statep, struct evany__mountwatch *mw)
{
	struct be_mountinfo *bm = *statep;

	LIST_REMOVE(mw, mw_link);
	if (LIST_EMPTY(&bm->bm_watches))
		mount_close(mw->mw_inst, statep);
}

static void
mount_fork_child(void **statep)
{
	struct be_mountinfo *bm = *statep;

	(void)evany__close(bm->bm_fd);
	bm->bm_fd = -1;
}

const struct evany__mount_ops evany__mount_info_ops = {
	.mo_name = "mountinfo",
	.mo_probe = mount_probe,
	.mo_attach = mount_attach,
	.mo_detach = mount_detach,
	.mo_close = mount_close,
	.mo_fork_child = mount_fork_child
};
