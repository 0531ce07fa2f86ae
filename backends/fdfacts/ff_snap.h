/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * ff_snap.h: what a file looks like, and what has changed since.  Used by the
 * mechanisms that watch files.
 */
#ifndef EVANY_FF_SNAP_H
#define EVANY_FF_SNAP_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "backends/backend.h"

struct evany__snap {
	dev_t		 sn_dev;
	ino_t		 sn_ino;
	int64_t		 sn_born;	/* as evany__ff_stat tells */
	mode_t		 sn_mode;
	uid_t		 sn_uid;
	gid_t		 sn_gid;
	nlink_t		 sn_nlink;
	off_t		 sn_size;
	struct timespec	 sn_atime;
	struct timespec	 sn_mtime;
	struct timespec	 sn_ctime;
};

/* Besides EVANY__F_* in what evany__snap_diff tells. */
#define EVANY__SNAP_MTIME	0x10000U
#define EVANY__SNAP_CTIME	0x20000U

/* errno stays as it was; EBADF and what else fstat(2) fails with. */
int	evany__snap_take(struct evany__snap *, int fd);
int	evany__snap_at(struct evany__snap *, int dir, const char *path,
	    bool follow);

/* Is it the same file?  The same directory? */
bool	evany__snap_same(const struct evany__snap *,
	    const struct evany__snap *);
bool	evany__snap_isdir(const struct evany__snap *);

/* Of a kind whose changes are told, see fo_attach. */
bool	evany__snap_watchable(const struct evany__snap *, int fd);

/*
 * What differs: EXTEND and TRUNC by the size of a regular file, LINK and
 * DELETE by the link count, ATTRIB by mode and owner alone.
 */
unsigned evany__snap_diff(const struct evany__snap *before,
	    const struct evany__snap *now);

#endif /* EVANY_FF_SNAP_H */
