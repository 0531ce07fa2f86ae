/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fs_names.h: what fstat(2) does not tell: the subdirectories of a directory,
 * and the name of an open file.  No function touches errno or is a
 * cancellation point.
 */
#ifndef EVANY_FS_NAMES_H
#define EVANY_FS_NAMES_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The subdirectories of a directory, by inode, sorted. */
struct fs_list {
	size_t	 fl_count;
	ino_t	 fl_inos[];
};

/* NULL if the directory cannot be read, or there is no memory. */
struct fs_list *evany__fs_list(int fd);

/* Have the same ones been there?  Under which names does not matter. */
bool	evany__fs_list_same(const struct fs_list *, const struct fs_list *);

/* Under which name a file was opened, wherever that is now. */
struct fs_name {
	bool		 fn_known;
	dev_t		 fn_dev;	/* of the directory */
	ino_t		 fn_ino;
	uint64_t	 fn_hash;
};
void	evany__fs_name(int fd, struct fs_name *);
bool	evany__fs_name_same(const struct fs_name *, const struct fs_name *);

#endif /* EVANY_FS_NAMES_H */
