/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * ff_file: which file is it, and of what kind?
 *
 * The inode of a deleted file is the next one's on many file systems (ext4:
 * 999 times of 1000 when files are made and deleted in turn), so the time of
 * birth counts too, which statx(2) tells for free.
 * Files born in one tick of the clock differ in their file handle, which takes
 * a call of its own and is asked for only when a program makes a change.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#ifdef STATX_BTIME
#include <sys/sysmacros.h>
#endif

#include "backends/backend.h"

#define NSEC	INT64_C(1000000000)

#if defined(STATX_BTIME)
static int
file_statx(int fd, const char *path, int flags, struct stat *st,
    int64_t *bornp)
{
	struct statx sx;

	if (statx(fd, path, flags | AT_NO_AUTOMOUNT,
	    STATX_BASIC_STATS | STATX_BTIME, &sx) == -1)
		return (errno);
	memset(st, 0, sizeof(*st));
	st->st_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor);
	st->st_ino = (ino_t)sx.stx_ino;
	st->st_mode = sx.stx_mode;
	st->st_nlink = sx.stx_nlink;
	st->st_uid = sx.stx_uid;
	st->st_gid = sx.stx_gid;
	st->st_rdev = makedev(sx.stx_rdev_major, sx.stx_rdev_minor);
	st->st_size = (off_t)sx.stx_size;
	st->st_atim.tv_sec = (time_t)sx.stx_atime.tv_sec;
	st->st_atim.tv_nsec = (long)sx.stx_atime.tv_nsec;
	st->st_mtim.tv_sec = (time_t)sx.stx_mtime.tv_sec;
	st->st_mtim.tv_nsec = (long)sx.stx_mtime.tv_nsec;
	st->st_ctim.tv_sec = (time_t)sx.stx_ctime.tv_sec;
	st->st_ctim.tv_nsec = (long)sx.stx_ctime.tv_nsec;
	if ((sx.stx_mask & STATX_BTIME) != 0)
		*bornp = (int64_t)sx.stx_btime.tv_sec * NSEC +
		    (int64_t)sx.stx_btime.tv_nsec;
	return (0);
}
#endif

int
evany__ff_stat(int fd, struct stat *st, int64_t *bornp)
{
	int error = 0, saved = errno;

	*bornp = 0;
#if defined(STATX_BTIME)
	/* Forbidden in some old containers, unknown to old kernels. */
	error = file_statx(fd, "", AT_EMPTY_PATH, st, bornp);
	if (error == ENOSYS || error == EPERM)
#endif
		error = fstat(fd, st) == -1 ? errno : 0;
	errno = saved;
	return (error);
}

int
evany__ff_stat_at(int dir, const char *path, bool follow, struct stat *st,
    int64_t *bornp)
{
	int flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
	int error = 0, saved = errno;

	*bornp = 0;
#if defined(STATX_BTIME)
	error = file_statx(dir, path, flags, st, bornp);
	if (error == ENOSYS || error == EPERM)
#endif
		error = fstatat(dir, path, st, flags) == -1 ? errno : 0;
	errno = saved;
	return (error);
}

bool
evany__ff_never_blocks(const struct stat *st)
{
	static const char *const paths[] = { "/dev/null", "/dev/zero",
	    "/dev/full" };
	struct stat dev;
	size_t i;

	if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) ||
	    S_ISBLK(st->st_mode))
		return (true);
	if (!S_ISCHR(st->st_mode))
		return (false);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (stat(paths[i], &dev) == 0 && S_ISCHR(dev.st_mode) &&
		    dev.st_rdev == st->st_rdev)
			return (true);
	return (false);
}

uint64_t
evany__ff_generation(int fd)
{
#if defined(MAX_HANDLE_SZ) && defined(AT_EMPTY_PATH)
	union {
		struct file_handle	fh;
		unsigned char		bytes[sizeof(struct file_handle) +
					    MAX_HANDLE_SZ];
	} u;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);	/* FNV-1a */
	int mount, saved = errno;
	unsigned i;

	u.fh.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(fd, "", &u.fh, &mount, AT_EMPTY_PATH) == -1) {
		errno = saved;
		return (0);
	}
	for (i = 0; i < u.fh.handle_bytes; i++)
		sum = (sum ^ u.fh.f_handle[i]) * UINT64_C(0x100000001b3);
	return (sum);
#elif defined(HAVE_STRUCT_STAT_ST_GEN)
	struct stat st;
	int saved = errno;

	if (fstat(fd, &st) == -1) {
		errno = saved;
		return (0);
	}
	return ((uint64_t)st.st_gen);
#else
	(void)fd;
	return (0);
#endif
}
