/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * bi_inode: what be_inotify has the kernel watch.
 *
 * State:   an inode per watch number, with the mask that the kernel has for
 *          it.  A mask that is too wide costs wake-ups only, so a change that
 *          fails on the way to a narrower one is let go.
 * Life:    an inode is there while a watch, a child or a hold needs it.
 * Race:    the path goes by the program's number, which another thread may
 *          close and reuse at any moment.  The wd that the kernel answers
 *          tells which inode was reached; a stray one is put right.
 * Locks:   the instance's.
 */
#include "config.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/inotify/bi.h"

/* What every watch asks for; comes after the last close only. */
#define MASK_BASE	((uint32_t)IN_DELETE_SELF)
#define MASK_ENTRIES	((uint32_t)(IN_CREATE | IN_DELETE | IN_MOVED_FROM | \
			    IN_MOVED_TO))
/* What tells of a directory in this one that its name is gone. */
#define MASK_PARENT	((uint32_t)(IN_DELETE | IN_MOVED_TO))

#define F_ENTRIES	(EVANY__F_WRITE | EVANY__F_EXTEND | EVANY__F_LINK)
#define F_CONTENTS	(EVANY__F_WRITE | EVANY__F_EXTEND | EVANY__F_TRUNC)

static int
bi_compare(const struct bi_inode *a, const struct bi_inode *b)
{
	return ((a->in_wd > b->in_wd) - (a->in_wd < b->in_wd));
}

RB_GENERATE_INTERNAL(bi_tree, bi_inode, in_node, bi_compare,
    static __attribute__((__unused__)))

struct bi_inode *
evany__bi_find(struct be_inotify *bi, int wd)
{
	struct bi_inode key;

	key.in_wd = wd;
	return (RB_FIND(bi_tree, &bi->bi_tree, &key));
}

/* ---- system calls ---- */

/*
 * Watches what fd, or with parent the directory above it, leads to.  A main
 * thread that has ended leaves /proc/self without descriptors; thread-self
 * came with Linux 3.17.
 */
int
evany__bi_add(int inotify, int fd, bool parent, uint32_t mask, int *wdp)
{
	static const char *const dirs[] = { "thread-self", "self" };
	char path[64];
	long wd;
	int error, i, saved;

	saved = errno;
	error = 0;
	for (i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%s/fd/%d%s", dirs[i],
		    fd, parent ? "/.." : "");
		wd = syscall(SYS_inotify_add_watch, inotify, path, mask);
		error = wd == -1 ? errno : 0;
		*wdp = (int)wd;
		if (error != ENOENT)
			break;
	}
	errno = saved;
	return (error == ENOENT || error == ENOTDIR ? ENOTSUP : error);
}

void
evany__bi_remove(int inotify, int wd)
{
	int saved;

	saved = errno;
	(void)syscall(SYS_inotify_rm_watch, inotify, wd);
	errno = saved;
}

int
evany__bi_init(int *fdp)
{
	int error, fd, saved;

	saved = errno;
	fd = evany__inner((int)syscall(SYS_inotify_init1, IN_NONBLOCK |
	    IN_CLOEXEC));
	error = fd == -1 ? errno : 0;
	errno = saved;
	*fdp = fd;
	return (error);
}

void
evany__bi_shut(int fd)
{
	int saved;

	saved = errno;
	(void)syscall(SYS_close, fd);
	errno = saved;
}

long
evany__bi_read(int fd, void *buf, size_t len)
{
	long n;
	int saved;

	saved = errno;
	n = syscall(SYS_read, fd, buf, len);
	errno = saved;
	return (n);
}

/* ---- masks ---- */

uint32_t
evany__bi_mask(bool isdir, uint32_t want)
{
	uint32_t mask;

	mask = MASK_BASE;
	if (isdir && (want & F_ENTRIES) != 0)
		mask |= MASK_ENTRIES;
	if (!isdir && (want & F_CONTENTS) != 0)
		mask |= IN_MODIFY;
	if ((want & EVANY__F_ATTRIB) != 0 ||
	    (!isdir && (want & (EVANY__F_LINK | EVANY__F_DELETE)) != 0))
		mask |= IN_ATTRIB;
	if ((want & EVANY__F_RENAME) != 0 ||
	    (isdir && (want & EVANY__F_DELETE) != 0))
		mask |= IN_MOVE_SELF;
	if ((want & EVANY__F_OPEN) != 0)
		mask |= IN_OPEN;
	if ((want & EVANY__F_CLOSE_READ) != 0)
		mask |= IN_CLOSE_NOWRITE;
	if ((want & EVANY__F_CLOSE_WRITE) != 0)
		mask |= IN_CLOSE_WRITE;
	if ((want & EVANY__F_READ) != 0)
		mask |= IN_ACCESS;
	return (mask);
}

/* All that the watches of an inode want. */
static uint32_t
bi_wanted(const struct bi_inode *in)
{
	struct bi_watch *bw;
	uint32_t want;

	want = 0;
	LIST_FOREACH(bw, &in->in_watches, bw_link)
		want |= bw->bw_want;
	return (want);
}

bool
evany__bi_alive(const struct bi_watch *bw, struct evany__snap *sn)
{
	return (evany__snap_take(sn, bw->bw_fd) == 0 &&
	    evany__snap_same(sn, &bw->bw_inode->in_snap));
}

/* A watch of the inode whose number still names it. */
static struct bi_watch *
bi_living(const struct bi_inode *in)
{
	struct evany__snap sn;
	struct bi_watch *bw;

	LIST_FOREACH(bw, &in->in_watches, bw_link)
		if (evany__bi_alive(bw, &sn))
			break;
	return (bw);
}

/*
 * A name that was never looked up is looked up under the directory's lock,
 * which a rename holds until both its records are there.
 */
bool
evany__bi_await(const struct bi_inode *in)
{
	const struct bi_watch *bw = bi_living(in);
	char name[40];
	int saved = errno;
	bool done;

	if (bw == NULL)
		return (false);
	(void)snprintf(name, sizeof(name), ".evany-%jx",
	    (uintmax_t)evany__now(EVANY__MONOTONIC));
	done = syscall(SYS_faccessat, bw->bw_fd, name, F_OK) == -1 &&
	    errno == ENOENT;
	errno = saved;
	return (done);
}

/*
 * Makes the kernel's mask what the inode needs.  If that fails, the wider mask
 * stays, which costs no more than wake-ups.
 */
static void
bi_narrow(struct be_inotify *bi, struct bi_inode *in, int depth)
{
	struct bi_inode *other;
	struct bi_watch *bw;
	uint32_t mask;
	bool parent;
	int wd;

	parent = LIST_EMPTY(&in->in_watches);
	mask = parent ? MASK_BASE :
	    evany__bi_mask(evany__snap_isdir(&in->in_snap), bi_wanted(in));
	if (!LIST_EMPTY(&in->in_children))
		mask |= MASK_PARENT;
	if (mask == in->in_mask || in->in_lost)
		return;
	bw = bi_living(parent ? LIST_FIRST(&in->in_children) : in);
	if (bw == NULL ||
	    evany__bi_add(bi->bi_fd, bw->bw_fd, parent, mask, &wd) != 0)
		return;
	if (wd == in->in_wd) {
		in->in_mask = mask;
		return;
	}
	/*
	 * The number was given to another file just now, or the child has been
	 * moved: another watch was made or has lost its mask.
	 */
	if ((other = evany__bi_find(bi, wd)) == NULL)
		evany__bi_remove(bi->bi_fd, wd);
	else {
		other->in_mask = mask;
		if (depth == 0)
			bi_narrow(bi, other, 1);
	}
}

/* ---- inodes ---- */

void
evany__bi_mark(struct be_inotify *bi, struct bi_inode *in)
{

	in->in_looked = false;
	if (in->in_dirty)
		return;
	in->in_dirty = true;
	TAILQ_INSERT_TAIL(&bi->bi_dirty, in, in_dirtylink);
}

void
evany__bi_overflow(struct be_inotify *bi)
{
	struct bi_inode *in;

	RB_FOREACH(in, bi_tree, &bi->bi_tree) {
		in->in_restat = true;
		evany__bi_mark(bi, in);
	}
}

void
evany__bi_orphan(struct be_inotify *bi, struct bi_inode *in)
{
	struct bi_inode *parent;

	if ((parent = in->in_parent) == NULL)
		return;
	in->in_parent = NULL;
	LIST_REMOVE(in, in_sibling);
	evany__bi_drop(bi, parent);
}

void
evany__bi_drop(struct be_inotify *bi, struct bi_inode *in)
{

	if (in->in_holds > 0)
		return;
	if (!LIST_EMPTY(&in->in_watches) || !LIST_EMPTY(&in->in_children)) {
		bi_narrow(bi, in, 0);
		return;
	}
	RB_REMOVE(bi_tree, &bi->bi_tree, in);
	if (in->in_dirty)
		TAILQ_REMOVE(&bi->bi_dirty, in, in_dirtylink);
	if (!in->in_lost)
		evany__bi_remove(bi->bi_fd, in->in_wd);
	evany__bi_orphan(bi, in);
	free(in);
}

struct bi_inode *
evany__bi_take(struct be_inotify *bi, int wd, uint32_t mask,
    struct bi_inode **spare)
{
	struct bi_inode *in;

	if ((in = evany__bi_find(bi, wd)) == NULL) {
		in = *spare;
		*spare = NULL;
		LIST_INIT(&in->in_watches);
		LIST_INIT(&in->in_children);
		in->in_wd = wd;
		(void)RB_INSERT(bi_tree, &bi->bi_tree, in);
	}
	in->in_mask |= mask;
	return (in);
}

/*
 * Watches the directory above one that waits for its own rmdir(2).  Where that
 * is not allowed the removal is told after the last close, as inotify does.
 */
static void
bi_adopt(struct be_inotify *bi, struct bi_inode *in)
{
	const uint32_t mask = MASK_BASE | MASK_PARENT;
	struct bi_inode *parent, *spare;
	struct bi_watch *bw;
	int wd;

	if ((bw = bi_living(in)) == NULL ||
	    (spare = calloc(1, sizeof(*spare))) == NULL)
		return;
	if (evany__bi_add(bi->bi_fd, bw->bw_fd, true,
	    mask | IN_ONLYDIR | IN_MASK_ADD, &wd) == 0) {
		parent = evany__bi_take(bi, wd, mask, &spare);
		/* The root is its own parent, and is never removed. */
		if (parent != in) {
			in->in_parent = parent;
			LIST_INSERT_HEAD(&parent->in_children, in, in_sibling);
		}
	}
	free(spare);
}

void
evany__bi_family(struct be_inotify *bi, struct bi_inode *in)
{
	bool needs;

	needs = evany__snap_isdir(&in->in_snap) && in->in_snap.sn_nlink > 0 &&
	    (bi_wanted(in) & EVANY__F_DELETE) != 0;
	if (needs && in->in_parent == NULL)
		bi_adopt(bi, in);
	else if (!needs)
		evany__bi_orphan(bi, in);
}

void
evany__bi_again(struct be_inotify *bi, struct bi_inode *in)
{
	struct bi_inode *other;
	struct bi_watch *bw;
	uint32_t mask;
	int wd;

	if ((bw = bi_living(in)) == NULL)
		return;
	mask = evany__bi_mask(evany__snap_isdir(&in->in_snap), bi_wanted(in));
	if (!LIST_EMPTY(&in->in_children))
		mask |= MASK_PARENT;
	if (evany__bi_add(bi->bi_fd, bw->bw_fd, false, mask, &wd) != 0)
		return;
	if ((other = evany__bi_find(bi, wd)) != NULL) {
		/* Not ours: the number has just been given away. */
		other->in_mask = mask;
		bi_narrow(bi, other, 0);
		return;
	}
	RB_REMOVE(bi_tree, &bi->bi_tree, in);
	in->in_wd = wd;
	in->in_mask = mask;
	in->in_lost = false;
	(void)RB_INSERT(bi_tree, &bi->bi_tree, in);
}
