/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_inotify: FILE watches on Linux, by inotify(7).
 *
 * Feeds:   one inotify descriptor per instance, added as a feeder and read
 *          when it is ready or fo_collect is called.
 * State:   struct be_inotify: tree of inodes by watch number (wd), since Linux
 *          has one watch per inode; masks are ORed, records fanned out.  Each
 *          inode has a snapshot, against which a record is read: IN_ATTRIB is
 *          a chmod, a new link or the loss of the last name.  A directory
 *          says nothing of its own rmdir(2) while it is open, so one that
 *          waits for that has its parent watched too.
 * Life:    attach adds to an inode, the last detach removes it.  The path is
 *          /proc/thread-self/fd/N, which leads to unlinked files too.  No
 *          descriptor of the file is kept (ff_snap.c says why): the number is
 *          asked again, and one that names another file is dead and silent.
 *          A file that inotify(7) refuses is given to filescan (bi_scan.c).
 * Race:    a batch is read and each file that it names is asked how it looks,
 *          until the queue is empty after the last look; only then is it told.
 *          A look may still see an act whose record is on its way; what the
 *          records at hand do not speak of is left for that one (bi_keep).
 *          Records queued before an attach are told before it takes effect;
 *          records for a wd that is gone find no inode and are dropped.
 * Names:   watches by name are bi_names.c's.
 * Limits:  a link made and removed again before a look is told as ATTRIB, and
 *          after lost records (IN_Q_OVERFLOW) only what leaves a trace is.
 * Locks:   the instance's.  Nothing here blocks or can be cancelled.
 * Fork:    the queue is shared with the parent, so the child closes its copy.
 *
 * Calls go through syscall(2): other libraries emulate functions of these
 * names, and read and close would be cancellation points.
 */
#include "config.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "backends/inotify/bi.h"

#define BUF_BYTES	16384
#define ROUNDS		64	/* reads of one collection */
#define PATIENCE	3	/* in vain, for the other half of a rename */

#define MASK_ENTRIES	((uint32_t)(IN_CREATE | IN_DELETE | IN_MOVED_FROM | \
			    IN_MOVED_TO))

/* ---- records ---- */

/* A rename of which only the first half was in this directory. */
static void
bi_moved_out(struct be_inotify *bi, const struct bi_move *mv)
{
	struct bi_inode *in;

	if ((in = evany__bi_find(bi, mv->mv_wd)) == NULL)
		return;
	in->in_note |= EVANY__F_EXTEND | (mv->mv_isdir ? EVANY__F_LINK : 0);
	evany__bi_mark(bi, in);
}

static void
bi_moved_from(struct be_inotify *bi, const struct inotify_event *ev)
{
	struct bi_move *mv;

	if (bi->bi_nmoves == BI_MOVES) {
		bi_moved_out(bi, &bi->bi_moves[0]);
		bi->bi_nmoves--;
		memmove(&bi->bi_moves[0], &bi->bi_moves[1],
		    (size_t)bi->bi_nmoves * sizeof(bi->bi_moves[0]));
	}
	mv = &bi->bi_moves[bi->bi_nmoves++];
	mv->mv_cookie = ev->cookie;
	mv->mv_wd = ev->wd;
	mv->mv_isdir = (ev->mask & IN_ISDIR) != 0;
}

static void
bi_moved_to(struct be_inotify *bi, struct bi_inode *in,
    const struct inotify_event *ev)
{
	struct bi_move mv;
	int i;

	for (i = 0; i < bi->bi_nmoves; i++)
		if (bi->bi_moves[i].mv_cookie == ev->cookie)
			break;
	if (i < bi->bi_nmoves) {
		mv = bi->bi_moves[i];
		bi->bi_moves[i] = bi->bi_moves[--bi->bi_nmoves];
		if (mv.mv_wd == ev->wd) {
			in->in_shuffled = in->in_shuffled || mv.mv_isdir;
			return;
		}
		bi_moved_out(bi, &mv);
	}
	in->in_note |= EVANY__F_EXTEND |
	    ((ev->mask & IN_ISDIR) != 0 ? EVANY__F_LINK : 0);
}

/* A record about a name in a watched directory. */
static void
bi_entry(struct be_inotify *bi, struct bi_inode *in,
    const struct inotify_event *ev)
{
	struct bi_inode *child;
	bool isdir;

	if ((ev->mask & MASK_ENTRIES) == 0)
		return;		/* an act on the file of that name */
	isdir = (ev->mask & IN_ISDIR) != 0;
	in->in_note |= EVANY__F_WRITE;
	if (isdir && (ev->mask & (IN_CREATE | IN_DELETE)) != 0)
		in->in_note |= EVANY__F_LINK;
	if ((ev->mask & IN_MOVED_FROM) != 0)
		bi_moved_from(bi, ev);
	if ((ev->mask & IN_MOVED_TO) != 0)
		bi_moved_to(bi, in, ev);
	/* Was it one of ours?  Its own link count tells. */
	if (isdir && (ev->mask & (IN_DELETE | IN_MOVED_TO)) != 0)
		LIST_FOREACH(child, &in->in_children, in_sibling)
			evany__bi_mark(bi, child);
}

static void
bi_record(struct be_inotify *bi, const struct inotify_event *ev)
{
	struct bi_inode *in;

	if ((ev->mask & IN_Q_OVERFLOW) != 0) {
		evany__bi_overflow(bi);
		return;
	}
	if ((in = evany__bi_find(bi, ev->wd)) == NULL)
		return;
	if (ev->len > 0)
		bi_entry(bi, in, ev);
	else
		in->in_seen |= ev->mask;
	if ((ev->mask & IN_IGNORED) != 0)
		in->in_lost = true;
	evany__bi_mark(bi, in);
}

/* ---- telling ---- */

/*
 * IN_ATTRIB of a file: a new link, the loss of one, or a change of mode, owner
 * or times; one record may stand for several.  A link leaves all but the count
 * and the change time alone.
 */
static unsigned
bi_attrib(struct bi_inode *in, unsigned diff)
{
	unsigned links;

	links = diff & (EVANY__F_LINK | EVANY__F_DELETE);
	if ((diff & (EVANY__F_ATTRIB | EVANY__SNAP_CTIME)) == 0 &&
	    links == 0 && in->in_linked)
		return (0);	/* of a link that the last look took in */
	in->in_linked = links != 0;
	if (links == 0 || (diff & EVANY__F_ATTRIB) != 0)
		return (links | EVANY__F_ATTRIB);
	/* Times: set, unless something was written. */
	if ((diff & EVANY__SNAP_MTIME) != 0 && !in->in_restat &&
	    (in->in_mask & IN_MODIFY) != 0 && (in->in_seen & IN_MODIFY) == 0)
		return (links | EVANY__F_ATTRIB);
	return (links);
}

/* As if all had been told that leaves a trace. */
static void
bi_restat(struct bi_inode *in, unsigned diff)
{
	unsigned attrib;

	attrib = EVANY__F_ATTRIB;
	if (!evany__snap_isdir(&in->in_now))
		attrib |= EVANY__F_LINK | EVANY__F_DELETE;
	if ((diff & EVANY__SNAP_MTIME) != 0)
		in->in_seen |= IN_MODIFY;
	if ((diff & attrib) != 0 || diff == EVANY__SNAP_CTIME)
		in->in_seen |= IN_ATTRIB;
	if (diff == EVANY__SNAP_CTIME)
		in->in_seen |= IN_MOVE_SELF;
}

/* What happened to a file or directory, by its records and looks. */
static unsigned
bi_bits(struct bi_inode *in)
{
	static const struct {
		uint32_t	seen;
		unsigned	bits;
	} plain[] = {
		{ IN_MODIFY, EVANY__F_WRITE },
		{ IN_MOVE_SELF, EVANY__F_RENAME },
		{ IN_OPEN, EVANY__F_OPEN },
		{ IN_CLOSE_NOWRITE, EVANY__F_CLOSE_READ },
		{ IN_CLOSE_WRITE, EVANY__F_CLOSE_WRITE },
		{ IN_ACCESS, EVANY__F_READ },
		{ IN_UNMOUNT, EVANY__F_REVOKE }
	};
	unsigned bits, diff;
	size_t i;

	bits = in->in_note;
	diff = evany__snap_diff(&in->in_snap, &in->in_now);
	if (in->in_restat)
		bi_restat(in, diff);
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if ((in->in_seen & plain[i].seen) != 0)
			bits |= plain[i].bits;
	if (evany__snap_isdir(&in->in_now)) {
		bits |= diff & EVANY__F_DELETE;
		/* Lost records, or one subdirectory took another's place. */
		if (in->in_restat || in->in_shuffled)
			bits |= diff & EVANY__F_LINK;
		if ((in->in_seen & IN_ATTRIB) != 0)
			bits |= EVANY__F_ATTRIB;
		return (bits);
	}
	if ((in->in_seen & IN_MODIFY) != 0)
		bits |= diff & (EVANY__F_EXTEND | EVANY__F_TRUNC);
	if ((in->in_seen & IN_ATTRIB) != 0)
		bits |= bi_attrib(in, diff);
	return (bits);
}

/*
 * Takes over what has been told.  A look may see more than there are records
 * of, since a record comes a moment after its act: that is left for it.
 */
static void
bi_keep(struct bi_inode *in)
{
	struct evany__snap *a = &in->in_snap, *b = &in->in_now;

	if (evany__snap_isdir(b)) {
		*a = *b;
		return;
	}
	if ((in->in_seen & IN_MODIFY) != 0) {
		a->sn_size = b->sn_size;
		a->sn_mtime = b->sn_mtime;
		a->sn_ctime = b->sn_ctime;
	}
	if ((in->in_seen & IN_ATTRIB) != 0) {
		a->sn_mode = b->sn_mode;
		a->sn_uid = b->sn_uid;
		a->sn_gid = b->sn_gid;
		a->sn_nlink = b->sn_nlink;
		a->sn_mtime = b->sn_mtime;
		a->sn_ctime = b->sn_ctime;
	}
}

static void
bi_kill(struct bi_watch *bw)
{
	LIST_REMOVE(bw, bw_link);
	bw->bw_inode = NULL;
}

/* How does the file look now?  Ends watches whose number is gone. */
static void
bi_look(struct bi_inode *in)
{
	struct evany__snap sn;
	struct bi_watch *bw, *next;

	for (bw = LIST_FIRST(&in->in_watches); bw != NULL; bw = next) {
		next = LIST_NEXT(bw, bw_link);
		if (evany__bi_alive(bw, &sn))
			in->in_now = sn;
		else
			bi_kill(bw);
	}
	in->in_looked = true;
}

/* Tells the watches of one inode.  fw_fire may detach any of them. */
static void
bi_tell(struct be_inotify *bi, struct bi_inode *in)
{
	struct evany__filewatch *fw;
	struct bi_watch *bw;
	unsigned bits, mine;

	bits = 0;
	if (!in->in_looked)
		bi_look(in);
	if (!LIST_EMPTY(&in->in_watches)) {
		bits = bi_bits(in);
		bi_keep(in);
	}
	in->in_seen = in->in_note = 0;
	in->in_restat = in->in_shuffled = false;

	in->in_holds++;
	if (in->in_lost && (bits & EVANY__F_REVOKE) == 0)
		evany__bi_again(bi, in);
	if ((bits & EVANY__F_RENAME) != 0)
		evany__bi_orphan(bi, in);	/* it may have another now */
	evany__bi_family(bi, in);
	for (bw = LIST_FIRST(&in->in_watches); bw != NULL; bw = bi->bi_next) {
		bi->bi_next = LIST_NEXT(bw, bw_link);
		fw = bw->bw_file;
		mine = bits & ((bw->bw_want & fw->fw_want) | EVANY__F_REVOKE);
		if (mine != 0)
			fw->fw_fire(fw, mine);
	}
	bi->bi_next = NULL;
	in->in_holds--;
	evany__bi_drop(bi, in);
}

/* Reads once and sorts in what came; how much that was. */
static long
bi_batch(struct be_inotify *bi)
{
	union {
		struct inotify_event	ev;
		char			bytes[BUF_BYTES];
	} buf;
	const struct inotify_event *ev;
	long n, off;

	n = evany__bi_read(bi->bi_fd, &buf, sizeof(buf));
	for (off = 0; off < n; off += (long)sizeof(*ev) + ev->len) {
		ev = (const void *)(buf.bytes + off);
		bi_record(bi, ev);
	}
	return (n);
}

/*
 * The two records of one rename come from one call in the kernel, but not at
 * once.  After true, every second one to a first one that is here has come.
 */
static bool
bi_halves(struct be_inotify *bi)
{
	struct bi_inode *in;
	bool all = true;
	int i;

	for (i = 0; i < bi->bi_nmoves; i++) {
		in = evany__bi_find(bi, bi->bi_moves[i].mv_wd);
		if (in == NULL || !evany__bi_await(in))
			all = false;
	}
	if (!all)
		(void)sched_yield();
	return (all);
}

/*
 * Takes in all that is pending, then tells it.  Who never stops is told after
 * so many reads, but not in the middle of a rename.
 */
static void
bi_collect(struct be_inotify *bi)
{
	struct bi_inode *in;
	long n;
	int patience, round;

	if (bi->bi_busy || bi->bi_fd == -1)
		return;
	bi->bi_busy = true;
	patience = PATIENCE;
	for (round = 0; round < ROUNDS ||
	    (bi->bi_nmoves > 0 && round < 2 * ROUNDS); round++) {
		n = bi_batch(bi);
		if (n > BUF_BYTES - (long)sizeof(struct inotify_event) -
		    NAME_MAX - 1)
			continue;	/* there may be more */
		if (n > 0) {
			patience = PATIENCE;
			TAILQ_FOREACH(in, &bi->bi_dirty, in_dirtylink) {
				if (!in->in_looked)
					bi_look(in);
			}
		} else if (bi->bi_nmoves > 0 && patience > 0)
			patience = bi_halves(bi) ? 0 : patience - 1;
		else
			break;
	}
	while (bi->bi_nmoves > 0)
		bi_moved_out(bi, &bi->bi_moves[--bi->bi_nmoves]);
	while ((in = TAILQ_FIRST(&bi->bi_dirty)) != NULL) {
		TAILQ_REMOVE(&bi->bi_dirty, in, in_dirtylink);
		in->in_dirty = false;
		bi_tell(bi, in);
	}
	bi->bi_busy = false;
}

static void
bi_ready(struct evany__inst *inst, struct evany__feeder *fe, unsigned bits)
{
	(void)inst;
	(void)bits;
	bi_collect((struct be_inotify *)(void *)((char *)fe -
	    offsetof(struct be_inotify, bi_feeder)));
}

/* ---- operations ---- */

static void	be_inotify_close(struct evany__inst *, void **);

/*
 * Is there an inotify, and a /proc through which to reach open files?  What
 * fails for want of something now may do later.
 */
static int
be_inotify_probe(void)
{
	int error, fd, wd;

	error = evany__bi_init(&fd);
	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		return (0);
	if (error != 0)
		return (error);
	error = evany__bi_add(fd, fd, false, IN_ATTRIB, &wd);
	evany__bi_shut(fd);
	/* EACCES: it is there, though another user's. */
	return (error == ENOSYS || error == ENOTSUP ? error : 0);
}

static int
bi_state(void **statep)
{
	struct be_inotify *bi;

	if (*statep != NULL)
		return (0);
	if ((bi = calloc(1, sizeof(*bi))) == NULL)
		return (ENOMEM);
	RB_INIT(&bi->bi_tree);
	TAILQ_INIT(&bi->bi_dirty);
	bi->bi_fd = -1;
	bi->bi_feeder.fe_fd = -1;
	bi->bi_feeder.fe_ready = bi_ready;
	*statep = bi;
	return (0);
}

static int
bi_open(struct be_inotify *bi, struct evany__inst *inst)
{
	int error, fd;

	if (bi->bi_fd != -1)
		return (0);
	if ((error = evany__bi_init(&fd)) != 0)
		return (error);
	error = evany__inst_feed(inst, &bi->bi_feeder, fd, EVANY__LEVEL);
	if (error != 0)
		evany__bi_shut(fd);
	else
		bi->bi_fd = fd;
	return (error);
}

/*
 * What was done to the file until now is told to those who watch it already,
 * and the snapshot says how it looks to those who do from here on.
 */
static void
bi_settle(struct be_inotify *bi, struct bi_inode *in, int fd)
{
	struct evany__snap sn;

	in->in_holds++;
	bi_collect(bi);
	in->in_holds--;
	if (evany__snap_take(&sn, fd) == 0)
		in->in_snap = sn;
}

static int
bi_begin(struct be_inotify *bi, struct bi_watch *bw, bool isdir)
{
	struct bi_inode *in, *spare;
	uint32_t mask;
	int error, wd;

	if ((error = bi_open(bi, bw->bw_file->fw_inst)) != 0)
		return (error);
	if ((spare = calloc(1, sizeof(*spare))) == NULL)
		return (ENOMEM);
	mask = evany__bi_mask(isdir, bw->bw_want);
	error = evany__bi_add(bi->bi_fd, bw->bw_fd, false,
	    mask | IN_MASK_ADD, &wd);
	if (error == 0) {
		in = evany__bi_take(bi, wd, mask, &spare);
		bi_settle(bi, in, bw->bw_fd);
		bw->bw_inode = in;
		LIST_INSERT_HEAD(&in->in_watches, bw, bw_link);
		evany__bi_family(bi, in);
	}
	free(spare);
	return (error);
}

bool
evany__bi_refused(int error)
{
	return (error == EACCES || error == EPERM || error == ENOTSUP ||
	    error == EMFILE || error == ENFILE);
}

/* An attach failed: if it was the first, nothing is left. */
static void
bi_unused(struct evany__inst *inst, void **statep)
{
	struct be_inotify *bi = *statep;

	if (bi->bi_fd == -1 && bi->bi_nscans == 0 && bi->bi_names == NULL)
		be_inotify_close(inst, statep);
}

static int
be_inotify_attach(void **statep, struct evany__filewatch *fw, int fd)
{
	struct evany__snap sn;
	struct be_inotify *bi;
	struct bi_watch *bw;
	int error;

	if ((error = evany__snap_take(&sn, fd)) != 0)
		return (error);
	if (!evany__snap_watchable(&sn, fd))
		return (ENOTSUP);
	if ((error = bi_state(statep)) != 0)
		return (error);
	bi = *statep;
	if ((bw = calloc(1, sizeof(*bw))) == NULL)
		return (ENOMEM);
	bw->bw_file = fw;
	bw->bw_fd = fd;
	bw->bw_want = fw->fw_want;
	error = bi_begin(bi, bw, evany__snap_isdir(&sn));
	if (evany__bi_refused(error) && evany__bi_scan(bi, bw) == 0)
		error = 0;
	if (error == 0) {
		fw->fw_priv = bw;
		return (0);
	}
	free(bw);
	bi_unused(fw->fw_inst, statep);
	return (evany__snap_take(&sn, fd) == EBADF ? EBADF : error);
}

/* Nothing is told by records any more. */
static void
bi_end(struct be_inotify *bi, struct bi_watch *bw)
{
	struct bi_inode *in;

	if ((in = bw->bw_inode) == NULL)
		return;
	if (bi->bi_next == bw)
		bi->bi_next = LIST_NEXT(bw, bw_link);
	bi_kill(bw);
	if (in->in_parent != NULL)
		evany__bi_family(bi, in);
	evany__bi_drop(bi, in);
}

/* The program may not read the file any more: what is wanted is scanned for. */
static int
bi_change_over(struct be_inotify *bi, struct bi_watch *bw, int error)
{
	struct bi_inode *in = bw->bw_inode;

	if (!evany__bi_refused(error))
		return (error);
	bi_settle(bi, in, bw->bw_fd);
	if (evany__bi_scan(bi, bw) != 0)
		return (error);
	bw->bw_want = bw->bw_file->fw_want;
	if (bw->bw_inode != NULL)
		bi_end(bi, bw);
	else
		evany__bi_drop(bi, in);
	return (0);
}

static int
be_inotify_modify(void **statep, struct evany__filewatch *fw)
{
	struct be_inotify *bi = *statep;
	struct bi_watch *bw = fw->fw_priv;
	struct evany__snap sn;
	struct bi_inode *in;
	uint32_t mask;
	int error, wd;

	if (bw == NULL || bw->bw_want == fw->fw_want)
		return (0);
	if (bw->bw_scan != NULL)
		return (evany__bi_scan_modify(bi, bw));
	if ((in = bw->bw_inode) == NULL)
		return (0);
	if (!evany__bi_alive(bw, &sn))
		return (0);
	mask = evany__bi_mask(evany__snap_isdir(&sn), fw->fw_want);
	if ((mask & ~in->in_mask) != 0 && !in->in_lost) {
		error = evany__bi_add(bi->bi_fd, bw->bw_fd, false,
		    mask | IN_MASK_ADD, &wd);
		if (error != 0)
			return (bi_change_over(bi, bw, error));
		if (wd != in->in_wd) {
			/* The number has just been given away. */
			if (evany__bi_find(bi, wd) == NULL)
				evany__bi_remove(bi->bi_fd, wd);
			return (0);
		}
		in->in_mask |= mask;
	}
	if ((fw->fw_want & ~bw->bw_want) != 0) {
		bi_settle(bi, in, bw->bw_fd);
		if (bw->bw_inode == NULL) {
			evany__bi_drop(bi, in);
			return (0);
		}
	}
	bw->bw_want = fw->fw_want;
	evany__bi_family(bi, in);
	evany__bi_drop(bi, in);
	return (0);
}

static void
be_inotify_detach(void **statep, struct evany__filewatch *fw)
{
	struct be_inotify *bi = *statep;
	struct bi_watch *bw = fw->fw_priv;

	fw->fw_priv = NULL;
	if (bi == NULL || bw == NULL)
		return;
	bi_end(bi, bw);
	evany__bi_scan_end(bi, bw);
	free(bw);
}

static int
be_inotify_name_attach(void **statep, struct evany__namewatch *nw,
    const char *dir, const char *name)
{
	struct be_inotify *bi;
	int error;

	if ((error = bi_state(statep)) != 0)
		return (error);
	bi = *statep;
	nw->nw_other = nw->nw_by_path = false;
	error = evany__bi_name_attach(bi, nw, dir, name);
	if (evany__bi_refused(error) && evany__bi_scan_name(bi, nw, dir,
	    name) == 0)
		error = 0;
	if (error != 0)
		bi_unused(nw->nw_inst, statep);
	return (error);
}

static void
be_inotify_name_detach(void **statep, struct evany__namewatch *nw)
{
	struct be_inotify *bi = *statep;

	if (bi == NULL || nw->nw_priv == NULL)
		return;
	if (nw->nw_other)
		evany__bi_scan_name_end(bi, nw);
	else
		evany__bi_name_detach(bi, nw);
}

static void
be_inotify_collect(void **statep)
{
	struct be_inotify *bi = *statep;

	if (bi == NULL)
		return;
	bi_collect(bi);
	evany__bi_names_collect(bi);
	if (bi->bi_nscans > 0)
		evany__file_scan_ops.fo_collect(&bi->bi_scan);
}

static void
be_inotify_close(struct evany__inst *inst, void **statep)
{
	struct be_inotify *bi = *statep;

	if (bi == NULL)
		return;
	*statep = NULL;
	evany__file_scan_ops.fo_close(inst, &bi->bi_scan);
	evany__bi_names_close(inst, bi);
	evany__inst_unfeed(inst, &bi->bi_feeder);
	if (bi->bi_fd != -1)
		evany__bi_shut(bi->bi_fd);
	free(bi);
}

static void
be_inotify_fork_child(void **statep)
{
	struct be_inotify *bi = *statep;

	if (bi == NULL)
		return;
	evany__file_scan_ops.fo_fork_child(&bi->bi_scan);
	evany__bi_names_fork_child(bi);
	if (bi->bi_fd != -1)
		evany__bi_shut(bi->bi_fd);
	bi->bi_fd = -1;
}

const struct evany__file_ops evany__file_inotify_ops = {
	.fo_name = "inotify",
	.fo_probe = be_inotify_probe,
	.fo_attach = be_inotify_attach,
	.fo_modify = be_inotify_modify,
	.fo_detach = be_inotify_detach,
	.fo_name_attach = be_inotify_name_attach,
	.fo_name_detach = be_inotify_name_detach,
	.fo_collect = be_inotify_collect,
	.fo_close = be_inotify_close,
	.fo_fork_child = be_inotify_fork_child,
};
