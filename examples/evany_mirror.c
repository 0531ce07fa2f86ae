/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evany_mirror: keeps a copy of a directory with all that is in it.
 *
 *	evany_mirror from to
 *
 * It says what it does, a line each, and "ready" when the copy is complete for
 * the first time.  SIGTERM and SIGINT end it.
 *
 * An event only tells which name to look at: whatever happened, the name in the
 * copy is made what it is in the original.  So nothing goes wrong if several
 * events tell of one change, or one of several; and when events were lost, all
 * is compared.  The watch is set before the first copy is made.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <evany.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WANTED	(EVANY_MODIFIED | EVANY_ATTRIB | EVANY_MADE | EVANY_GONE | \
		EVANY_MOVED_FROM | EVANY_MOVED_TO)
#define TEMPORARY	".evany_mirror"

static const char *from, *to;

static void	mirror(const char *name);

static void
path(char *buf, const char *dir, const char *name)
{

	if (snprintf(buf, PATH_MAX, "%s%s%s", dir, name[0] == '\0' ? "" : "/",
	    name) >= PATH_MAX)
		errx(1, "%s: name too long", name);
}

static void
say(const char *what, const char *name)
{

	printf("%s %s\n", what, name);
	(void)fflush(stdout);
}

/* Calls fn for each name in dir/name, as a name below dir. */
static void
each(const char *dir, const char *name, void (*fn)(const char *))
{
	char buf[PATH_MAX], below[PATH_MAX];
	struct dirent *de;
	DIR *d;

	path(buf, dir, name);
	if ((d = opendir(buf)) == NULL)
		return;
	while ((de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0) {
			if (name[0] == '\0')
				(void)snprintf(below, sizeof(below), "%s",
				    de->d_name);
			else
				path(below, name, de->d_name);
			fn(below);
		}
	(void)closedir(d);
}

/* Takes a name out of the copy, with what is in it. */
static void
drop(const char *name)
{
	char buf[PATH_MAX];
	struct stat st;

	path(buf, to, name);
	if (lstat(buf, &st) == -1)
		return;
	if (S_ISDIR(st.st_mode)) {
		each(to, name, drop);
		(void)rmdir(buf);
	} else
		(void)unlink(buf);
	say("removed", name);
}

/* What the copy has and the original has not. */
static void
prune(const char *name)
{
	char buf[PATH_MAX];
	struct stat st;

	path(buf, from, name);
	if (lstat(buf, &st) == -1 && errno == ENOENT)
		drop(name);
}

static int
copy_bytes(int in, int out)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			return (-1);
	return (n == 0 ? 0 : -1);
}

/* The copy is whole or not there: it is made beside, then renamed. */
static void
copy_file(const char *name, const struct stat *st)
{
	char buf[PATH_MAX], temporary[PATH_MAX];
	int in, out;

	path(buf, from, name);
	path(temporary, to, TEMPORARY);
	if ((in = open(buf, O_RDONLY | O_NOFOLLOW)) == -1)
		return;
	out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (out == -1)
		err(1, "%s", temporary);
	path(buf, to, name);
	if (copy_bytes(in, out) == 0 &&
	    fchmod(out, st->st_mode & 07777) == 0 &&
	    rename(temporary, buf) == 0)
		say("copied", name);
	else
		(void)unlink(temporary);
	(void)close(in);
	(void)close(out);
}

static void
copy_link(const char *name)
{
	char buf[PATH_MAX], target[PATH_MAX];
	ssize_t n;

	path(buf, from, name);
	if ((n = readlink(buf, target, sizeof(target) - 1)) == -1)
		return;
	target[n] = '\0';
	path(buf, to, name);
	(void)unlink(buf);
	if (symlink(target, buf) == 0)
		say("linked", name);
}

static void
copy_directory(const char *name, const struct stat *st)
{
	char buf[PATH_MAX];

	path(buf, to, name);
	if (mkdir(buf, 0700) == 0)
		say("made", name);
	each(to, name, prune);
	each(from, name, mirror);
	(void)chmod(buf, st->st_mode & 07777);
}

static int
same(const struct stat *a, const struct stat *b)
{
	return (a->st_size == b->st_size && a->st_mode == b->st_mode &&
	    (a->st_mtime < b->st_mtime));
}

/* Makes a name in the copy what it is in the original. */
static void
mirror(const char *name)
{
	char buf[PATH_MAX];
	struct stat old, st;
	int there;

	path(buf, from, name);
	if (lstat(buf, &st) == -1) {
		drop(name);
		return;
	}
	path(buf, to, name);
	there = lstat(buf, &old) == 0;
	if (there && (old.st_mode & S_IFMT) != (st.st_mode & S_IFMT)) {
		drop(name);
		there = 0;
	}
	if (S_ISDIR(st.st_mode))
		copy_directory(name, &st);
	else if (S_ISLNK(st.st_mode))
		copy_link(name);
	else if (S_ISREG(st.st_mode) && !(there && same(&st, &old)))
		copy_file(name, &st);
}

int
main(int argc, char *argv[])
{
	struct evany_event ev[64];
	int i, n, q;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: evany_mirror from to\n");
		return (2);
	}
	from = argv[1];
	to = argv[2];
	if ((q = evany_queue(0)) == -1)
		err(1, "evany_queue");
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	if (evany_signal(q, SIGTERM, 0, NULL) == -1 ||
	    evany_signal(q, SIGINT, 0, NULL) == -1)
		err(1, "evany_signal");
	if (evany_directory(q, 1, from, WANTED, EVANY_TREE, NULL) == -1)
		err(1, "%s", from);
	mirror("");
	printf("ready\n");
	(void)fflush(stdout);
	for (;;) {
		n = evany_wait(q, ev, 64, EVANY_FOREVER);
		if (n == -1 && errno != EINTR)
			err(1, "evany_wait");
		for (i = 0; i < n; i++)
			if (ev[i].ev_source == EVANY_SIGNAL)
				return (0);
			else if ((ev[i].ev_what & EVANY_ENDED) != 0)
				errx(1, "%s has gone", from);
			else if ((ev[i].ev_what & EVANY_LOST) != 0)
				mirror("");
			else if (ev[i].ev_name != NULL)
				mirror(ev[i].ev_name);
	}
}
