/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * ff_path: from a path to a directory and the name in it.
 *
 * The names of a file are entries of directories, so who watches a name watches
 * the directory at the end of all links.  A link that the system makes up may
 * lead to a file that has no name (any more): then the link itself is the name.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"

/* Cuts an absolute path without links in two; it has two bytes to spare. */
static void
path_cut(char *path, char **namep)
{
	char *slash = strrchr(path, '/');

	if (slash[1] == '\0') {
		/* The root has no other name. */
		*namep = slash + 2;
		memcpy(*namep, ".", 2);
		return;
	}
	*namep = slash + 1;
	if (slash != path)
		*slash = '\0';
	else {
		/* In the root: there must be room for the slash of that. */
		memmove(slash + 2, slash + 1, strlen(slash + 1) + 1);
		slash[1] = '\0';
		(*namep)++;
	}
}

/* The path as it is, but its directory without links. */
static int
path_last(const char *path, char **dirp, char **namep)
{
	const char *name = strrchr(path, '/');
	char *dir, *real, *both;
	size_t length;

	name = name == NULL ? path : name + 1;
	length = (size_t)(name - path);
	if ((dir = malloc(length + 2)) == NULL)
		return (ENOMEM);
	memcpy(dir, path, length);
	memcpy(dir + length, ".", 2);
	real = realpath(dir, NULL);
	free(dir);
	if (real == NULL)
		return (errno);
	length = strlen(real);
	if ((both = realloc(real, length + strlen(name) + 2)) == NULL) {
		free(real);
		return (ENOMEM);
	}
	*dirp = both;
	*namep = both + length + 1;
	memcpy(*namep, name, strlen(name) + 1);
	return (0);
}

/* Is there no name to speak of: "..", "a/", "a/."? */
static bool
path_is_directory(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name == NULL ? path : name + 1;
	return (name[0] == '\0' || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0);
}

/* Everything followed.  ENOENT: the file has no name. */
static int
path_real(const char *path, const struct stat *st, char **dirp, char **namep)
{
	struct stat real;
	int64_t born;
	char *p, *more;

	if ((p = realpath(path, NULL)) == NULL)
		return (errno);
	if (evany__ff_stat_at(AT_FDCWD, p, false, &real, &born) != 0 ||
	    real.st_dev != st->st_dev || real.st_ino != st->st_ino) {
		free(p);
		return (ENOENT);
	}
	if ((more = realloc(p, strlen(p) + 3)) == NULL) {
		free(p);
		return (ENOMEM);
	}
	*dirp = more;
	path_cut(more, namep);
	return (0);
}

int
evany__ff_resolve(const char *path, bool follow, char **dirp, char **namep,
    bool *linkp)
{
	struct stat st;
	int64_t born;
	int error, saved = errno;

	*linkp = false;
	follow = follow || path_is_directory(path);
	error = evany__ff_stat_at(AT_FDCWD, path, follow, &st, &born);
	if (error != 0)
		return (error);
	error = follow ? path_real(path, &st, dirp, namep) : ENOENT;
	if (error == ENOENT) {
		error = path_last(path, dirp, namep);
		*linkp = error == 0 && follow;
	}
	errno = saved;
	return (error);
}
