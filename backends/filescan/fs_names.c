/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fs_names: lists of directories, and names of open files.
 *
 * State:   none; a name is kept as its 64-bit hash.
 * Limits:  a directory is read through a descriptor of our own, opened for the
 *          time of the reading.  The name of an open file is known where the
 *          system has it in /proc.
 * Locks:   called with an instance locked, so cancellation is held off.
 */
#include "config.h"

#include "backends/filescan/fs_names.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/rawcall.h"

#define LIST_BEGIN	32	/* subdirectories to begin with */

/* FNV-1a, 64 bits. */
static uint64_t
fs_hash(const char *s)
{
	uint64_t h;

	for (h = 0xcbf29ce484222325U; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3U;
	return (h);
}

static int
fs_ino_compare(const void *a, const void *b)
{
	ino_t x, y;

	x = *(const ino_t *)a;
	y = *(const ino_t *)b;
	return ((x > y) - (x < y));
}

static bool
fs_entry_isdir(int dir, const struct dirent *de)
{
	struct stat st;

#ifdef DT_UNKNOWN
	if (de->d_type != DT_UNKNOWN)
		return (de->d_type == DT_DIR);
#endif
	return (fstatat(dir, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode));
}

static struct fs_list *
fs_list_read(DIR *dir)
{
	struct fs_list *fl, *more;
	struct dirent *de;
	size_t room;

	room = LIST_BEGIN;
	if ((fl = malloc(sizeof(*fl) + room * sizeof(fl->fl_inos[0]))) == NULL)
		return (NULL);
	fl->fl_count = 0;
	errno = 0;
	while ((de = readdir(dir)) != NULL) {
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0 &&
		    fs_entry_isdir(dirfd(dir), de)) {
			if (fl->fl_count == room) {
				room *= 2;
				more = realloc(fl, sizeof(*fl) +
				    room * sizeof(fl->fl_inos[0]));
				if (more == NULL)
					break;
				fl = more;
			}
			fl->fl_inos[fl->fl_count++] = de->d_ino;
		}
		errno = 0;
	}
	if (de != NULL || errno != 0) {
		free(fl);
		return (NULL);
	}
	qsort(fl->fl_inos, fl->fl_count, sizeof(fl->fl_inos[0]),
	    fs_ino_compare);
	return (fl);
}

struct fs_list *
evany__fs_list(int fd)
{
	struct fs_list *fl;
	DIR *dir;
	int cancel, own, saved;

	saved = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	fl = NULL;
	/* A duplicate would share the place in the program's own reading. */
	own = evany__openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NONBLOCK);
	if (own != -1 && (dir = fdopendir(own)) == NULL)
		(void)evany__close(own);
	else if (own != -1) {
		fl = fs_list_read(dir);
		(void)closedir(dir);
	}
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (fl);
}

bool
evany__fs_list_same(const struct fs_list *a, const struct fs_list *b)
{
	return (a->fl_count == b->fl_count && memcmp(a->fl_inos, b->fl_inos,
	    a->fl_count * sizeof(a->fl_inos[0])) == 0);
}

void
evany__fs_name(int fd, struct fs_name *fn)
{
	/* Linux, the same where there is no thread-self, illumos. */
	static const char *const forms[] = {
		"/proc/thread-self/fd/%d", "/proc/self/fd/%d",
		"/proc/self/path/%d"
	};
	static const char gone[] = " (deleted)";
	char link[64], path[4096], *slash;
	struct stat st;
	size_t i;
	ssize_t n;
	int saved;

	saved = errno;
	fn->fn_known = false;
	n = -1;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]) && n <= 0; i++) {
		(void)snprintf(link, sizeof(link), forms[i], fd);
		n = readlink(link, path, sizeof(path) - 1);
	}
	if (n <= 0 || path[0] != '/')
		goto out;
	path[n] = '\0';
	/* Linux: that name is gone, though there may be others. */
	if ((size_t)n >= sizeof(gone) &&
	    strcmp(path + n - (sizeof(gone) - 1), gone) == 0)
		goto out;
	slash = strrchr(path, '/');
	fn->fn_hash = fs_hash(slash + 1);
	slash[1] = '\0';
	if (stat(path, &st) == -1)
		goto out;
	fn->fn_dev = st.st_dev;
	fn->fn_ino = st.st_ino;
	fn->fn_known = true;
out:
	errno = saved;
}

bool
evany__fs_name_same(const struct fs_name *a, const struct fs_name *b)
{
	return (a->fn_hash == b->fn_hash && a->fn_dev == b->fn_dev &&
	    a->fn_ino == b->fn_ino);
}
