/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * bi_names: watches by name on Linux.
 *
 * Feeds:   an inotify descriptor of its own, so that a mask, a record and the
 *          life of a wd never concern both these and be_inotify.c's.
 * State:   struct bi_names: a tree of marks by wd.  A mark is a directory with
 *          the watched names in it, or with watches of all names, or a file
 *          that was the one of a watched name, or both.  A watch of one name
 *          stands in two marks.
 * Life:    no descriptor of a file is kept, which would hold back an unmount.
 *          A mark is there while a watch needs it.  Its mask only grows: one
 *          that is too wide costs wake-ups.
 * Order:   records are told as they come, and watches of one thing in the order
 *          they were attached.  But IN_ATTRIB of a file precedes IN_DELETE of
 *          its name: if the file has fewer links than before, or another one
 *          stands where it was, it is in doubt which name was lost.  That is
 *          told once whoever changes the directory is done and his records
 *          have been read.
 * Race:    attach watches the directory before it tells earlier records, and
 *          the file after that, so a rename meanwhile is told.
 * Limits:  a file is looked at by the path it had.  If a directory above was
 *          renamed, TRUNC, EXTEND, LINK and DELETE of it are not told.
 * Locks:   the instance's.
 * Fork:    the child closes its copy of the descriptor.
 */
#include "config.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/inotify/bi.h"

#define BUF_BYTES	16384
#define ROUNDS		64	/* reads of one collection */
#define PATIENCE	3	/* in vain, for the loss of a name */

#define F_LOOKS		(EVANY__F_TRUNC | EVANY__F_EXTEND)

struct bi_mark;

enum bi_doubt { NO_DOUBT, IN_DOUBT, OLD_DOUBT };

struct bi_name {
	RB_ENTRY(bi_name)	 nm_node;	/* names of nm_dir */
	TAILQ_ENTRY(bi_name)	 nm_link;	/* mk_files or mk_all */
	TAILQ_ENTRY(bi_name)	 nm_doubts;
	struct evany__namewatch	*nm_watch;
	struct bi_mark		*nm_dir;
	struct bi_mark		*nm_file;	/* NULL: there is none */
	struct evany__snap	 nm_snap;
	uint64_t		 nm_serial;
	enum bi_doubt		 nm_doubt;
	bool			 nm_follow;
	char			*nm_name;	/* in nm_path; NULL: all */
	char			 nm_path[];
};

RB_HEAD(bi_nametree, bi_name);
TAILQ_HEAD(bi_namelist, bi_name);

struct bi_mark {
	RB_ENTRY(bi_mark)	 mk_node;
	struct bi_nametree	 mk_names;
	struct bi_namelist	 mk_all;
	struct bi_namelist	 mk_files;
	int			 mk_wd;
	unsigned		 mk_holds;
	bool			 mk_lost;	/* the kernel ended it */
};

RB_HEAD(bi_marks, bi_mark);

struct bi_names {
	struct evany__feeder	 bn_feeder;	/* first */
	struct bi_marks		 bn_marks;
	struct bi_namelist	 bn_doubts;
	struct bi_name		*bn_nextname;	/* being told next */
	struct bi_name		*bn_nextlink;
	uint64_t		 bn_serial;
	int			 bn_fd;		/* or -1 */
	bool			 bn_busy;	/* collecting */
	bool			 bn_dregs;	/* a last word is to be read */
};

static int
mark_compare(const struct bi_mark *a, const struct bi_mark *b)
{
	return ((a->mk_wd > b->mk_wd) - (a->mk_wd < b->mk_wd));
}

static int
name_compare(const struct bi_name *a, const struct bi_name *b)
{
	int order;

	if ((order = strcmp(a->nm_name, b->nm_name)) != 0)
		return (order);
	return ((a->nm_serial > b->nm_serial) -
	    (a->nm_serial < b->nm_serial));
}

RB_GENERATE_INTERNAL(bi_marks, bi_mark, mk_node, mark_compare,
    static __attribute__((__unused__)))
RB_GENERATE_INTERNAL(bi_nametree, bi_name, nm_node, name_compare,
    static __attribute__((__unused__)))

/* ---- bits ---- */

struct bi_bits {
	uint32_t	seen;
	uint32_t	bits;
};

static const struct bi_bits entry_bits[] = {
	{ IN_CREATE, EVANY__N_MADE },
	{ IN_DELETE, EVANY__N_GONE },
	{ IN_MOVED_FROM, EVANY__N_MOVED_FROM },
	{ IN_MOVED_TO, EVANY__N_MOVED_TO },
	{ 0, 0 }
};
static const struct bi_bits file_bits[] = {
	{ IN_MODIFY, EVANY__F_WRITE },
	{ IN_ATTRIB, EVANY__F_ATTRIB },
	{ IN_OPEN, EVANY__F_OPEN },
	{ IN_CLOSE_NOWRITE, EVANY__F_CLOSE_READ },
	{ IN_CLOSE_WRITE, EVANY__F_CLOSE_WRITE },
	{ IN_ACCESS, EVANY__F_READ },
	{ 0, 0 }
};
static const struct bi_bits self_bits[] = {
	{ IN_MOVE_SELF, EVANY__F_RENAME },
	{ IN_DELETE_SELF, EVANY__F_DELETE },
	{ IN_UNMOUNT, EVANY__F_REVOKE },
	{ 0, 0 }
};

static uint32_t
bits_of(const struct bi_bits *row, uint32_t seen)
{
	uint32_t bits = 0;

	for (; row->seen != 0; row++)
		if ((seen & row->seen) != 0)
			bits |= row->bits;
	return (bits);
}

static uint32_t
mask_of(const struct bi_bits *row, uint32_t want)
{
	uint32_t mask = 0;

	for (; row->seen != 0; row++)
		if ((want & row->bits) != 0)
			mask |= row->seen;
	return (mask);
}

/* ---- marks ---- */

static struct bi_mark *
mark_find(struct bi_names *bn, int wd)
{
	struct bi_mark key;

	key.mk_wd = wd;
	return (RB_FIND(bi_marks, &bn->bn_marks, &key));
}

/* Has the kernel watch a path; the mark comes with a hold. */
static int
mark_add(struct bi_names *bn, const char *path, uint32_t mask,
    struct bi_mark **mkp)
{
	struct bi_mark *mk, *spare;
	int error = 0, saved = errno;
	long wd;

	if ((spare = calloc(1, sizeof(*spare))) == NULL)
		return (ENOMEM);
	wd = syscall(SYS_inotify_add_watch, bn->bn_fd, path,
	    mask | IN_MASK_ADD);
	if (wd == -1) {
		error = errno;
		errno = saved;
		free(spare);
		return (error);
	}
	if ((mk = mark_find(bn, (int)wd)) == NULL) {
		mk = spare;
		spare = NULL;
		mk->mk_wd = (int)wd;
		RB_INIT(&mk->mk_names);
		TAILQ_INIT(&mk->mk_all);
		TAILQ_INIT(&mk->mk_files);
		(void)RB_INSERT(bi_marks, &bn->bn_marks, mk);
	}
	free(spare);
	mk->mk_holds++;
	*mkp = mk;
	return (0);
}

/* Gives up a hold, or what a watch has left behind. */
static void
mark_drop(struct bi_names *bn, struct bi_mark *mk)
{

	if (mk->mk_holds > 0 || !RB_EMPTY(&mk->mk_names) ||
	    !TAILQ_EMPTY(&mk->mk_all) || !TAILQ_EMPTY(&mk->mk_files))
		return;
	(void)RB_REMOVE(bi_marks, &bn->bn_marks, mk);
	if (!mk->mk_lost) {
		evany__bi_remove(bn->bn_fd, mk->mk_wd);
		bn->bn_dregs = true;
	}
	free(mk);
}

static void
mark_release(struct bi_names *bn, struct bi_mark *mk)
{

	mk->mk_holds--;
	mark_drop(bn, mk);
}

/* ---- telling ---- */

static void
name_fire(struct bi_name *nm, const char *name, uint32_t bits, uint32_t cookie)
{
	struct evany__namewatch *nw = nm->nm_watch;
	struct evany__nameevent ne;

	ne.ne_name = name;
	ne.ne_bits = bits & (nw->nw_want | EVANY__F_REVOKE | EVANY__N_LOST) &
	    ~EVANY__N_ISDIR;
	ne.ne_cookie = cookie;
	if (ne.ne_bits == 0)
		return;
	ne.ne_bits |= bits & EVANY__N_ISDIR;
	nw->nw_fire(nw, &ne);
}

static void
name_settled(struct bi_names *bn, struct bi_name *nm)
{

	if (nm->nm_doubt == NO_DOUBT)
		return;
	nm->nm_doubt = NO_DOUBT;
	TAILQ_REMOVE(&bn->bn_doubts, nm, nm_doubts);
}

/* How does the file look, if it stands where it was? */
static bool
name_look(const struct bi_name *nm, struct evany__snap *now)
{

	return (evany__snap_at(now, AT_FDCWD, nm->nm_path,
	    nm->nm_follow) == 0 &&
	    evany__snap_same(now, &nm->nm_snap));
}

/* IN_ATTRIB: what of a file's links and attributes has changed. */
static uint32_t
name_attrib(struct bi_names *bn, struct bi_name *nm)
{
	struct evany__snap now;
	uint32_t bits;
	bool there;

	if (evany__snap_isdir(&nm->nm_snap) || nm->nm_follow)
		return (EVANY__F_ATTRIB);
	there = name_look(nm, &now);
	if (!there || now.sn_nlink < nm->nm_snap.sn_nlink) {
		if (nm->nm_doubt == NO_DOUBT) {
			nm->nm_doubt = IN_DOUBT;
			TAILQ_INSERT_TAIL(&bn->bn_doubts, nm, nm_doubts);
		}
		return (0);
	}
	bits = EVANY__F_ATTRIB;
	if (now.sn_nlink > nm->nm_snap.sn_nlink)
		bits |= EVANY__F_LINK;
	nm->nm_snap.sn_nlink = now.sn_nlink;
	return (bits);
}

static uint32_t
name_modified(struct bi_name *nm)
{
	struct evany__snap now;
	uint32_t bits;

	if ((nm->nm_watch->nw_want & F_LOOKS) == 0 || !name_look(nm, &now))
		return (EVANY__F_WRITE);
	bits = evany__snap_diff(&nm->nm_snap, &now) & F_LOOKS;
	nm->nm_snap.sn_size = now.sn_size;
	return (bits | EVANY__F_WRITE);
}

/* A record about the file of a watched name. */
static uint32_t
name_bits(struct bi_names *bn, struct bi_name *nm,
    const struct inotify_event *ev)
{
	uint32_t bits;

	if (ev->len > 0) {
		/* It is a directory; what its entries do is not of it. */
		if (bits_of(entry_bits, ev->mask) == 0)
			return (0);
		bits = EVANY__F_WRITE;
		if ((ev->mask & IN_ISDIR) == 0)
			return (bits | ((ev->mask & IN_CREATE) != 0 ?
			    EVANY__F_TRUNC : 0));
		return (bits | ((ev->mask & (IN_CREATE | IN_DELETE)) != 0 ?
		    EVANY__F_LINK : 0));
	}
	bits = bits_of(file_bits, ev->mask & ~(uint32_t)(IN_ATTRIB |
	    IN_MODIFY)) | bits_of(self_bits, ev->mask);
	bits &= ~EVANY__F_DELETE;	/* its links or its name have told */
	if ((ev->mask & IN_MODIFY) != 0)
		bits |= name_modified(nm);
	if ((ev->mask & IN_ATTRIB) != 0)
		bits |= name_attrib(bn, nm);
	return (bits);
}

/* To those who watch the name, in the order they came. */
static void
tell_names(struct bi_names *bn, struct bi_mark *mk, char *name, uint32_t bits,
    uint32_t cookie)
{
	struct bi_name key, *nm;

	key.nm_name = name;
	key.nm_serial = 0;
	for (nm = RB_NFIND(bi_nametree, &mk->mk_names, &key); nm != NULL &&
	    strcmp(nm->nm_name, name) == 0; nm = bn->bn_nextname) {
		bn->bn_nextname = RB_NEXT(bi_nametree, &mk->mk_names, nm);
		name_settled(bn, nm);
		name_fire(nm, name, bits, cookie);
	}
	bn->bn_nextname = NULL;
}

/* To those who watch all names. */
static void
tell_all(struct bi_names *bn, struct bi_mark *mk, const char *name,
    uint32_t bits, uint32_t cookie)
{
	struct bi_name *nm;

	for (nm = TAILQ_FIRST(&mk->mk_all); nm != NULL;
	    nm = bn->bn_nextlink) {
		bn->bn_nextlink = TAILQ_NEXT(nm, nm_link);
		name_fire(nm, name, bits, cookie);
	}
	bn->bn_nextlink = NULL;
}

/* To those whose file it is. */
static void
tell_files(struct bi_names *bn, struct bi_mark *mk,
    const struct inotify_event *ev)
{
	struct bi_name *nm;

	for (nm = TAILQ_FIRST(&mk->mk_files); nm != NULL;
	    nm = bn->bn_nextlink) {
		bn->bn_nextlink = TAILQ_NEXT(nm, nm_link);
		name_fire(nm, nm->nm_name, name_bits(bn, nm, ev), 0);
	}
	bn->bn_nextlink = NULL;
}

/* Records were lost. */
static void
tell_lost(struct bi_names *bn)
{
	struct bi_mark *mk, key;
	struct bi_name *nm;

	for (mk = RB_MIN(bi_marks, &bn->bn_marks); mk != NULL;
	    mk = RB_NFIND(bi_marks, &bn->bn_marks, &key)) {
		key.mk_wd = mk->mk_wd + 1;
		mk->mk_holds++;
		tell_all(bn, mk, NULL, EVANY__N_LOST, 0);
		for (nm = RB_MIN(bi_nametree, &mk->mk_names); nm != NULL;
		    nm = bn->bn_nextname) {
			bn->bn_nextname = RB_NEXT(bi_nametree, &mk->mk_names,
			    nm);
			name_fire(nm, nm->nm_name, EVANY__N_LOST, 0);
		}
		bn->bn_nextname = NULL;
		mark_release(bn, mk);
	}
}

static void
names_record(struct bi_names *bn, struct inotify_event *ev)
{
	struct bi_mark *mk;
	uint32_t bits;

	if ((ev->mask & IN_Q_OVERFLOW) != 0) {
		tell_lost(bn);
		return;
	}
	if ((mk = mark_find(bn, ev->wd)) == NULL)
		return;
	mk->mk_holds++;
	if (ev->len > 0) {
		bits = bits_of(entry_bits, ev->mask);
		if ((ev->mask & IN_ISDIR) != 0)
			bits |= EVANY__N_ISDIR;
		if (bits != 0)
			tell_names(bn, mk, ev->name, bits, ev->cookie);
		bits |= bits_of(file_bits, ev->mask);
		tell_all(bn, mk, ev->name, bits, ev->cookie);
	} else
		tell_all(bn, mk, NULL, bits_of(self_bits, ev->mask) |
		    bits_of(file_bits, ev->mask), 0);
	tell_files(bn, mk, ev);
	if ((ev->mask & IN_IGNORED) != 0)
		mk->mk_lost = true;
	mark_release(bn, mk);
}

/* ---- collecting ---- */

/* Reads until there is no more, or for long enough. */
static void
names_drain(struct bi_names *bn)
{
	union {
		struct inotify_event	ev;
		char			bytes[BUF_BYTES];
	} buf;
	struct inotify_event *ev;
	long n, off;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		bn->bn_dregs = false;
		n = evany__bi_read(bn->bn_fd, &buf, sizeof(buf));
		for (off = 0; off < n; off += (long)sizeof(*ev) + ev->len) {
			ev = (void *)(buf.bytes + off);
			names_record(bn, ev);
		}
		if (n <= 0 || (!bn->bn_dregs && n < BUF_BYTES -
		    (long)sizeof(*ev) - NAME_MAX - 1))
			break;
	}
}

/*
 * A name that was never looked up is looked up under the directory's lock,
 * which who removes a name holds until all records of that are there.
 */
static bool
name_await(const struct bi_name *nm)
{
	int length = (int)(nm->nm_name - nm->nm_path), saved = errno;
	char path[PATH_MAX + 40];
	bool done;

	(void)snprintf(path, sizeof(path), "%.*s.evany-%jx", length,
	    nm->nm_path, (uintmax_t)evany__now(EVANY__MONOTONIC));
	done = syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == -1 &&
	    errno == ENOENT;
	/* Is the directory still there, or was that what is missing? */
	path[length] = '\0';
	done = done && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
	errno = saved;
	return (done);
}

static void
doubts_await(struct bi_names *bn)
{
	struct bi_name *nm;
	int i;

	TAILQ_FOREACH(nm, &bn->bn_doubts, nm_doubts) {
		for (i = 0; i < PATIENCE && !name_await(nm); i++)
			(void)sched_yield();
		nm->nm_doubt = OLD_DOUBT;
	}
}

/* The watched name is still there: another link was lost, or who knows. */
static void
doubts_tell(struct bi_names *bn)
{
	struct evany__snap now;
	struct bi_name *nm;
	uint32_t bits;

	while ((nm = TAILQ_FIRST(&bn->bn_doubts)) != NULL &&
	    nm->nm_doubt == OLD_DOUBT) {
		name_settled(bn, nm);
		bits = EVANY__F_ATTRIB;
		if (name_look(nm, &now)) {
			if (now.sn_nlink < nm->nm_snap.sn_nlink)
				bits |= EVANY__F_DELETE | EVANY__F_LINK;
			nm->nm_snap.sn_nlink = now.sn_nlink;
		}
		name_fire(nm, nm->nm_name, bits, 0);
	}
}

static void
names_collect(struct bi_names *bn)
{
	int round;

	if (bn->bn_busy || bn->bn_fd == -1)
		return;
	bn->bn_busy = true;
	names_drain(bn);
	for (round = 0; round < ROUNDS && !TAILQ_EMPTY(&bn->bn_doubts);
	    round++) {
		doubts_await(bn);
		names_drain(bn);
		doubts_tell(bn);
	}
	if (bn->bn_dregs)
		names_drain(bn);
	bn->bn_busy = false;
}

static void
names_ready(struct evany__inst *inst, struct evany__feeder *fe, unsigned bits)
{

	(void)inst;
	(void)bits;
	names_collect((struct bi_names *)(void *)fe);
}

void
evany__bi_names_collect(struct be_inotify *bi)
{

	if (bi->bi_names != NULL)
		names_collect(bi->bi_names);
}

/* ---- life ---- */

void
evany__bi_names_close(struct evany__inst *inst, struct be_inotify *bi)
{
	struct bi_names *bn;

	if ((bn = bi->bi_names) == NULL)
		return;
	bi->bi_names = NULL;
	evany__inst_unfeed(inst, &bn->bn_feeder);
	if (bn->bn_fd != -1)
		evany__bi_shut(bn->bn_fd);
	free(bn);
}

void
evany__bi_names_fork_child(struct be_inotify *bi)
{
	struct bi_names *bn;

	if ((bn = bi->bi_names) == NULL || bn->bn_fd == -1)
		return;
	evany__bi_shut(bn->bn_fd);
	bn->bn_fd = -1;
}

static int
names_open(struct be_inotify *bi, struct evany__inst *inst)
{
	struct bi_names *bn;
	int error, fd;

	if ((bn = calloc(1, sizeof(*bn))) == NULL)
		return (ENOMEM);
	if ((error = evany__bi_init(&fd)) != 0) {
		free(bn);
		return (error);
	}
	RB_INIT(&bn->bn_marks);
	TAILQ_INIT(&bn->bn_doubts);
	bn->bn_feeder.fe_fd = -1;
	bn->bn_feeder.fe_ready = names_ready;
	bn->bn_fd = fd;
	error = evany__inst_feed(inst, &bn->bn_feeder, fd, EVANY__LEVEL);
	if (error != 0) {
		evany__bi_shut(fd);
		free(bn);
		return (error);
	}
	bi->bi_names = bn;
	return (0);
}

static struct bi_name *
name_new(struct evany__namewatch *nw, const char *dir, const char *name)
{
	size_t length = strlen(dir), more = name == NULL ? 0 : strlen(name);
	struct bi_name *nm;

	if ((nm = calloc(1, sizeof(*nm) + length + more + 2)) == NULL)
		return (NULL);
	nm->nm_watch = nw;
	nm->nm_follow = (nw->nw_want & EVANY__N_FOLLOW) != 0;
	memcpy(nm->nm_path, dir, length);
	if (name == NULL)
		return (nm);
	nm->nm_path[length] = '/';
	nm->nm_name = nm->nm_path + length + 1;
	memcpy(nm->nm_name, name, more);
	return (nm);
}

/* The file of the name, for a watch whose directory is marked. */
static int
name_mark_file(struct bi_names *bn, struct bi_name *nm, struct bi_mark **mkp)
{
	uint32_t mask, want = nm->nm_watch->nw_want;
	int error;

	error = evany__snap_at(&nm->nm_snap, AT_FDCWD, nm->nm_path,
	    nm->nm_follow);
	if (error == 0) {
		mask = evany__bi_mask(evany__snap_isdir(&nm->nm_snap), want);
		if (!nm->nm_follow)
			mask |= IN_DONT_FOLLOW;
		error = mark_add(bn, nm->nm_path, mask, mkp);
	}
	/* To be made yet. */
	return (error == ENOENT && (want & EVANY__N_MADE) != 0 ? 0 : error);
}

static int
name_begin(struct bi_names *bn, struct bi_name *nm, const char *dir)
{
	uint32_t mask, want = nm->nm_watch->nw_want;
	struct bi_mark *above = NULL, *file = NULL;
	int error;

	mask = mask_of(entry_bits, want) | IN_ONLYDIR | IN_DELETE_SELF;
	if (nm->nm_name == NULL)
		mask |= mask_of(file_bits, want) | mask_of(self_bits, want);
	if ((error = mark_add(bn, dir, mask, &above)) != 0)
		return (error);
	names_collect(bn);
	if (nm->nm_name != NULL)
		error = name_mark_file(bn, nm, &file);
	if (error == 0) {
		nm->nm_serial = ++bn->bn_serial;
		nm->nm_dir = above;
		nm->nm_file = file;
		if (nm->nm_name == NULL)
			TAILQ_INSERT_TAIL(&above->mk_all, nm, nm_link);
		else
			(void)RB_INSERT(bi_nametree, &above->mk_names, nm);
		if (file != NULL)
			TAILQ_INSERT_TAIL(&file->mk_files, nm, nm_link);
	}
	if (file != NULL)
		mark_release(bn, file);
	mark_release(bn, above);
	if (error != 0 && bn->bn_dregs)
		names_collect(bn);
	return (error);
}

int
evany__bi_name_attach(struct be_inotify *bi, struct evany__namewatch *nw,
    const char *dir, const char *name)
{
	bool first = bi->bi_names == NULL;
	struct bi_name *nm;
	int error;

	if (first && (error = names_open(bi, nw->nw_inst)) != 0)
		return (error);
	if ((nm = name_new(nw, dir, name)) == NULL)
		error = ENOMEM;
	else
		error = name_begin(bi->bi_names, nm, dir);
	if (error != 0) {
		free(nm);
		if (first)
			evany__bi_names_close(nw->nw_inst, bi);
		return (error);
	}
	nw->nw_priv = nm;
	return (0);
}

void
evany__bi_name_detach(struct be_inotify *bi, struct evany__namewatch *nw)
{
	struct bi_names *bn = bi->bi_names;
	struct bi_name *nm = nw->nw_priv;

	nw->nw_priv = NULL;
	if (bn->bn_nextname == nm)
		bn->bn_nextname = RB_NEXT(bi_nametree, &nm->nm_dir->mk_names,
		    nm);
	if (bn->bn_nextlink == nm)
		bn->bn_nextlink = TAILQ_NEXT(nm, nm_link);
	name_settled(bn, nm);
	if (nm->nm_name == NULL)
		TAILQ_REMOVE(&nm->nm_dir->mk_all, nm, nm_link);
	else
		(void)RB_REMOVE(bi_nametree, &nm->nm_dir->mk_names, nm);
	if (nm->nm_file != NULL) {
		TAILQ_REMOVE(&nm->nm_file->mk_files, nm, nm_link);
		if (nm->nm_file != nm->nm_dir)
			mark_drop(bn, nm->nm_file);
	}
	mark_drop(bn, nm->nm_dir);
	free(nm);
	/* The kernel has a last word about each, which wakes for nothing. */
	if (bn->bn_dregs)
		names_collect(bn);
}
