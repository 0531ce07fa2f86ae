/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * ff_snap: what a file looks like by fstat(2), and what has changed since.
 *
 * No descriptor is kept to ask later: closing one would drop the record locks
 * that the program has on the file (POSIX).  The program's own number is asked;
 * device, inode and birth tell whether it still names the file.
 */
#include "config.h"

#include "backends/fdfacts/ff_snap.h"

#include <sys/stat.h>

#if defined(HAVE_STRUCT_STAT_ST_MTIM)
#define ST_TIME(st, which)	((st)->st_##which##tim)
#elif defined(HAVE_STRUCT_STAT_ST_MTIMESPEC)
#define ST_TIME(st, which)	((st)->st_##which##timespec)
#else
#define ST_TIME(st, which)	((struct timespec){ (st)->st_##which##time, 0 })
#endif

void
evany__ff_times(const struct stat *st, struct timespec times[3])
{
	times[0] = ST_TIME(st, a);
	times[1] = ST_TIME(st, m);
	times[2] = ST_TIME(st, c);
}

static void
snap_fill(struct evany__snap *sn, const struct stat *st)
{
	sn->sn_dev = st->st_dev;
	sn->sn_ino = st->st_ino;
	sn->sn_mode = st->st_mode;
	sn->sn_uid = st->st_uid;
	sn->sn_gid = st->st_gid;
	sn->sn_nlink = st->st_nlink;
	sn->sn_size = st->st_size;
	sn->sn_atime = ST_TIME(st, a);
	sn->sn_mtime = ST_TIME(st, m);
	sn->sn_ctime = ST_TIME(st, c);
}

int
evany__snap_take(struct evany__snap *sn, int fd)
{
	struct stat st;
	int error;

	if ((error = evany__ff_stat(fd, &st, &sn->sn_born)) == 0)
		snap_fill(sn, &st);
	return (error);
}

int
evany__snap_at(struct evany__snap *sn, int dir, const char *path, bool follow)
{
	struct stat st;
	int error;

	error = evany__ff_stat_at(dir, path, follow, &st, &sn->sn_born);
	if (error == 0)
		snap_fill(sn, &st);
	return (error);
}

bool
evany__snap_same(const struct evany__snap *a, const struct evany__snap *b)
{
	return (a->sn_dev == b->sn_dev && a->sn_ino == b->sn_ino &&
	    a->sn_born == b->sn_born &&
	    (a->sn_mode & S_IFMT) == (b->sn_mode & S_IFMT));
}

bool
evany__snap_isdir(const struct evany__snap *sn)
{
	return (S_ISDIR(sn->sn_mode));
}

bool
evany__snap_watchable(const struct evany__snap *sn, int fd)
{
	return (S_ISREG(sn->sn_mode) || S_ISDIR(sn->sn_mode) ||
	    (S_ISFIFO(sn->sn_mode) && evany__ff_of_path(fd)));
}

static bool
snap_time_differs(const struct timespec *a, const struct timespec *b)
{
	return (a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec);
}

unsigned
evany__snap_diff(const struct evany__snap *a, const struct evany__snap *b)
{
	unsigned bits;
	bool isdir;

	bits = 0;
	isdir = S_ISDIR(b->sn_mode);
	if (!isdir && b->sn_size > a->sn_size)
		bits |= EVANY__F_EXTEND;
	if (!isdir && b->sn_size < a->sn_size)
		bits |= EVANY__F_TRUNC;
	if (b->sn_nlink != a->sn_nlink) {
		/* A directory's count is of its subdirectories, until 0. */
		if (b->sn_nlink == 0 ||
		    (!isdir && b->sn_nlink < a->sn_nlink))
			bits |= EVANY__F_DELETE;
		if (b->sn_nlink != 0)
			bits |= EVANY__F_LINK;
	}
	if (b->sn_mode != a->sn_mode || b->sn_uid != a->sn_uid ||
	    b->sn_gid != a->sn_gid)
		bits |= EVANY__F_ATTRIB;
	if (snap_time_differs(&a->sn_mtime, &b->sn_mtime))
		bits |= EVANY__SNAP_MTIME;
	if (snap_time_differs(&a->sn_ctime, &b->sn_ctime))
		bits |= EVANY__SNAP_CTIME;
	return (bits);
}
