/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * struct evany__file_ops: watches by name, of one entry of a directory and of
 * all.
 */
#include "config.h"

#include "filewatch.h"

#include <poll.h>

#define N_FILE	(EVANY__N_ANY | EVANY__F_WRITE | EVANY__F_TRUNC |	\
		EVANY__F_ATTRIB | EVANY__F_LINK | EVANY__F_DELETE)
#define N_ALL	(EVANY__N_ANY | EVANY__F_WRITE | EVANY__F_ATTRIB)

/* Appends that many bytes. */
static void
grow(const char *path, size_t n)
{
	int fd;

	ATF_REQUIRE((fd = open(path, O_WRONLY | O_APPEND)) != -1);
	evt_write(fd, n);
	evt_close(fd);
}

/* Makes a file that was last written long ago. */
static void
make_old(const char *path)
{
	struct timespec ts[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	fw_touch(path);
	ATF_REQUIRE_EQ(0, utimensat(AT_FDCWD, path, ts, 0));
}

FW_TC(name__errors,
    "What stat(2) says of directory and name, but for a name that is to be "
    "made; a failed attach leaves nothing")
{
	struct fw_name n;
	int before;

	fw_touch("f");
	before = fw_descriptors();
	ATF_REQUIRE_EQ(ENOENT, fw_name_attach(fw, &n, ".", "none", N_FILE &
	    ~EVANY__N_MADE));
	ATF_REQUIRE_EQ(ENOTDIR, fw_name_attach(fw, &n, "f", "x", N_FILE));
	ATF_REQUIRE_EQ(ENOTDIR, fw_name_attach(fw, &n, "f", NULL, N_ALL));
	ATF_REQUIRE_EQ(before, fw_descriptors());
	fw_name_watch(fw, &n, ".", "none", N_FILE);
	FW_NAMED(&n, "none", 0);
	fw_touch("none");
	ATF_REQUIRE_EQ(EVANY__N_MADE, fw_name_told(&n, "none") &
	    EVANY__N_ANY);
	fw_name_detach(&n);
}

FW_TC(name__gone,
    "A name that is removed is told as that alone, whether the file is open, "
    "has another name, or is a directory")
{
	struct fw_name n, d;
	int fd;

	fw_touch("a");
	fw_touch("b");
	ATF_REQUIRE_EQ(0, link("b", "c"));
	fw_name_watch(fw, &n, ".", "a", N_FILE);
	ATF_REQUIRE_EQ(0, unlink("a"));
	FW_NAMED(&n, "a", EVANY__N_GONE);
	fw_name_detach(&n);
	ATF_REQUIRE((fd = open("b", O_RDONLY)) != -1);
	fw_name_watch(fw, &n, ".", "b", N_FILE);
	ATF_REQUIRE_EQ(0, unlink("b"));
	FW_NAMED(&n, "b", EVANY__N_GONE);
	fw_name_detach(&n);
	evt_close(fd);
	evt_close(fw_dir("d"));
	fw_name_watch(fw, &d, ".", "d", N_FILE);
	ATF_REQUIRE_EQ(0, rmdir("d"));
	FW_NAMED(&d, "d", EVANY__N_GONE | EVANY__N_ISDIR);
	fw_name_detach(&d);
}

FW_TC(name__other_links,
    "Other names of the file concern its attributes and links only")
{
	struct fw_name n;

	fw_touch("a");
	fw_name_watch(fw, &n, ".", "a", N_FILE);
	ATF_REQUIRE_EQ(0, link("a", "b"));
	FW_NAMED(&n, "a", EVANY__F_ATTRIB | EVANY__F_LINK);
	ATF_REQUIRE_EQ(0, unlink("b"));
	FW_NAMED(&n, "a", EVANY__F_ATTRIB | EVANY__F_LINK | EVANY__F_DELETE);
	fw_touch("c");
	ATF_REQUIRE_EQ(0, rename("c", "d"));
	FW_NAMED(&n, "a", 0);
	fw_name_detach(&n);
}

FW_TC(name__renamed,
    "A name is given up by a rename, or taken by one")
{
	struct fw_name n;

	fw_touch("a");
	make_old("b");
	fw_name_watch(fw, &n, ".", "a", EVANY__N_ANY | EVANY__F_WRITE);
	ATF_REQUIRE_EQ(0, rename("a", "c"));
	FW_NAMED(&n, "a", EVANY__N_MOVED_FROM);
	fw_name_detach(&n);
	fw_name_watch(fw, &n, ".", "c", EVANY__N_ANY | EVANY__F_WRITE);
	ATF_REQUIRE_EQ(0, rename("b", "c"));
	FW_NAMED(&n, "c", EVANY__N_MOVED_TO);
	fw_name_detach(&n);
}

FW_TC(name__file,
    "Acts on the file of the name, of any kind")
{
	struct fw_name n;

	fw_touch("a");
	grow("a", 100);
	fw_name_watch(fw, &n, ".", "a", N_FILE);
	grow("a", 1);
	FW_NAMED(&n, "a", EVANY__F_WRITE);
	ATF_REQUIRE_EQ(0, truncate("a", 50));
	FW_NAMED(&n, "a", EVANY__F_WRITE | EVANY__F_TRUNC);
	ATF_REQUIRE_EQ(0, chmod("a", 0600));
	FW_NAMED(&n, "a", EVANY__F_ATTRIB);
	fw_name_detach(&n);
	ATF_REQUIRE_EQ(0, mkfifo("p", 0644));
	fw_name_watch(fw, &n, ".", "p", N_FILE);
	ATF_REQUIRE_EQ(0, chmod("p", 0600));
	FW_NAMED(&n, "p", EVANY__F_ATTRIB);
	fw_name_detach(&n);
}

FW_TC(name__directory,
    "A directory tells of its entries, and not of what these do")
{
	struct fw_name n;

	evt_close(fw_dir("d"));
	fw_name_watch(fw, &n, ".", "d", N_FILE);
	fw_touch("d/a");
	FW_NAMED(&n, "d", EVANY__F_WRITE | (fw->fw_access ? EVANY__F_TRUNC :
	    0));
	grow("d/a", 10);
	ATF_REQUIRE_EQ(0, chmod("d/a", 0600));
	FW_NAMED(&n, "d", 0);
	evt_close(fw_dir("d/s"));
	FW_NAMED(&n, "d", EVANY__F_WRITE | EVANY__F_LINK);
	ATF_REQUIRE_EQ(0, chmod("d", 0700));
	FW_NAMED(&n, "d", EVANY__F_ATTRIB);
	fw_name_detach(&n);
}

FW_TC(name__links,
    "A link is a file of its own, or is followed if that is wanted")
{
	struct fw_name n;

	fw_touch("a");
	ATF_REQUIRE_EQ(0, symlink("a", "l"));
	fw_name_watch(fw, &n, ".", "l", N_FILE);
	grow("a", 1);
	FW_NAMED(&n, "l", 0);
	ATF_REQUIRE_EQ(0, unlink("l"));
	FW_NAMED(&n, "l", EVANY__N_GONE);
	fw_name_detach(&n);
	ATF_REQUIRE_EQ(0, symlink("a", "l"));
	fw_name_watch(fw, &n, ".", "l", N_FILE | EVANY__N_FOLLOW);
	grow("a", 1);
	FW_NAMED(&n, "l", EVANY__F_WRITE);
	fw_name_detach(&n);
}

FW_TC(name__not_what_was_before,
    "What was done before the attach is not told, also when the directory is "
    "watched already")
{
	struct fw_name a, b;

	fw_touch("a");
	fw_touch("b");
	fw_name_watch(fw, &a, ".", "a", N_FILE);
	grow("a", 1);
	ATF_REQUIRE_EQ(0, rename("b", "c"));
	ATF_REQUIRE_EQ(0, rename("c", "b"));
	grow("b", 1);
	fw_name_watch(fw, &b, ".", "b", N_FILE);
	FW_NAMED(&b, "b", 0);
	FW_NAMED(&a, "a", EVANY__F_WRITE);
	fw_name_detach(&a);
	grow("b", 1);
	FW_NAMED(&b, "b", EVANY__F_WRITE);
	fw_name_detach(&b);
}

static struct fw_name several[3];
static int several_order[3], several_told;

static void
several_hook(struct fw_name *n)
{

	several_order[several_told++] = (int)(n - several);
	/* All at once, the one being told among them. */
	if (several_told == 2)
		for (n = several; n < several + 3; n++)
			n->n_fw->fw_ops->fo_name_detach(&n->n_fw->fw_state,
			    &n->n_watch);
}

FW_TC(name__several,
    "Several watches of a name are told in the order they were attached, and "
    "may be detached when one is told")
{
	int i;

	fw_touch("a");
	several_told = 0;
	for (i = 0; i < 3; i++) {
		fw_name_watch(fw, &several[i], ".", "a", N_FILE);
		several[i].n_hook = several_hook;
	}
	ATF_REQUIRE_EQ(0, chmod("a", 0600));
	fw_collect(fw);
	ATF_REQUIRE_EQ(2, several_told);
	ATF_REQUIRE_EQ(0, several_order[0]);
	ATF_REQUIRE_EQ(1, several_order[1]);
	ATF_REQUIRE_EQ(0, unlink("a"));
	fw_collect(fw);
	ATF_REQUIRE_EQ(2, several_told);
}

FW_TC(name__quiet,
    "Once a watch is detached nothing makes the feeder readable")
{
	struct pollfd pfd;
	struct fw_name n;

	fw_touch("a");
	fw_name_watch(fw, &n, ".", "a", N_FILE);
	ATF_REQUIRE_EQ(0, chmod("a", 0600));
	fw_name_await(&n, "a", EVANY__F_ATTRIB);
	fw_name_detach(&n);
	grow("a", 1);
	ATF_REQUIRE_EQ(0, unlink("a"));
	pfd.fd = fw->fw_feeder;
	pfd.events = POLLIN;
	ATF_REQUIRE_EQ(0, poll(&pfd, 1, EVT_QUIET_MS));
}

FW_TC(all__names,
    "All names of a directory: what is made, removed and renamed, and what "
    "files do, each with its name")
{
	struct fw_name n;

	evt_close(fw_dir("d"));
	fw_touch("d/old");
	fw_name_watch(fw, &n, "d", NULL, N_ALL);
	FW_NAMED(&n, "old", 0);
	fw_touch("d/a");
	FW_NAMED(&n, "a", EVANY__N_MADE);
	grow("d/old", 5);
	FW_NAMED(&n, "old", EVANY__F_WRITE);
	ATF_REQUIRE_EQ(0, chmod("d/a", 0600));
	FW_NAMED(&n, "a", EVANY__F_ATTRIB);
	evt_close(fw_dir("d/s"));
	FW_NAMED(&n, "s", EVANY__N_MADE | EVANY__N_ISDIR);
	ATF_REQUIRE_EQ(0, rmdir("d/s"));
	FW_NAMED(&n, "s", EVANY__N_GONE | EVANY__N_ISDIR);
	ATF_REQUIRE_EQ(0, unlink("d/a"));
	FW_NAMED(&n, "a", EVANY__N_GONE);
	ATF_REQUIRE_EQ(0, chmod("d", 0700));
	FW_NAMED(&n, "", EVANY__F_ATTRIB);
	fw_name_detach(&n);
}

FW_TC(all__rename,
    "A rename in a directory is told of both names, with one cookie")
{
	struct fw_name n;

	evt_close(fw_dir("d"));
	fw_touch("d/a");
	fw_name_watch(fw, &n, "d", NULL, N_ALL);
	ATF_REQUIRE_EQ(0, rename("d/a", "d/b"));
	fw_collect(fw);
	ATF_REQUIRE_EQ(2, n.n_count);
	ATF_REQUIRE_STREQ("a", n.n_reports[0].name);
	ATF_REQUIRE_EQ(EVANY__N_MOVED_FROM, n.n_reports[0].bits);
	ATF_REQUIRE_STREQ("b", n.n_reports[1].name);
	ATF_REQUIRE_EQ(EVANY__N_MOVED_TO, n.n_reports[1].bits);
	ATF_REQUIRE(n.n_reports[0].cookie != 0);
	ATF_REQUIRE_EQ(n.n_reports[0].cookie, n.n_reports[1].cookie);
	fw_name_detach(&n);
}

FW_TC(all__rename_across,
    "The cookie joins the two halves of a rename from one directory to "
    "another, and tells a subdirectory")
{
	struct fw_name d, e;

	evt_close(fw_dir("d"));
	evt_close(fw_dir("e"));
	evt_close(fw_dir("d/s"));
	fw_name_watch(fw, &d, "d", NULL, N_ALL);
	fw_name_watch(fw, &e, "e", NULL, N_ALL);
	ATF_REQUIRE_EQ(0, rename("d/s", "e/t"));
	fw_collect(fw);
	ATF_REQUIRE_EQ(1, d.n_count);
	ATF_REQUIRE_EQ(EVANY__N_MOVED_FROM | EVANY__N_ISDIR,
	    d.n_reports[0].bits);
	ATF_REQUIRE_STREQ("s", d.n_reports[0].name);
	ATF_REQUIRE_EQ(1, e.n_count);
	ATF_REQUIRE_EQ(EVANY__N_MOVED_TO | EVANY__N_ISDIR,
	    e.n_reports[0].bits);
	ATF_REQUIRE_STREQ("t", e.n_reports[0].name);
	ATF_REQUIRE(d.n_reports[0].cookie != 0);
	ATF_REQUIRE_EQ(d.n_reports[0].cookie, e.n_reports[0].cookie);
	fw_name_detach(&d);
	fw_name_detach(&e);
}

FW_TC(all__beside_one,
    "A directory whose names are all watched, one of its names, and the "
    "directory as a name, each tell their own")
{
	struct fw_name all, one, self;

	evt_close(fw_dir("d"));
	fw_touch("d/a");
	fw_touch("d/b");
	fw_name_watch(fw, &all, "d", NULL, N_ALL);
	fw_name_watch(fw, &one, "d", "a", EVANY__N_ANY);
	fw_name_watch(fw, &self, ".", "d", EVANY__N_ANY | EVANY__F_WRITE);
	grow("d/a", 1);
	FW_NAMED(&all, "a", EVANY__F_WRITE);
	FW_NAMED(&one, "a", 0);
	FW_NAMED(&self, "d", 0);
	ATF_REQUIRE_EQ(0, unlink("d/b"));
	FW_NAMED(&all, "b", EVANY__N_GONE);
	FW_NAMED(&one, "a", 0);
	FW_NAMED(&self, "d", EVANY__F_WRITE);
	ATF_REQUIRE_EQ(0, unlink("d/a"));
	FW_NAMED(&all, "a", EVANY__N_GONE);
	FW_NAMED(&one, "a", EVANY__N_GONE);
	FW_NAMED(&self, "d", EVANY__F_WRITE);
	fw_name_detach(&all);
	ATF_REQUIRE_EQ(0, rmdir("d"));
	FW_NAMED(&self, "d", EVANY__N_GONE | EVANY__N_ISDIR);
	fw_name_detach(&one);
	fw_name_detach(&self);
}

FW_TC(all__await,
    "Names are told to a thread that waits")
{
	struct fw_name n;

	evt_close(fw_dir("d"));
	fw_name_watch(fw, &n, "d", NULL, N_ALL);
	fw_touch("d/a");
	fw_name_await(&n, "a", EVANY__N_MADE);
	ATF_REQUIRE_EQ(0, unlink("d/a"));
	fw_name_await(&n, "a", EVANY__N_GONE);
	fw_name_detach(&n);
}

#ifdef EVANY_BE_INOTIFY
static void
fw_body_lost(struct fw *fw)
{
	unsigned long i, most = evt_records_kept();
	struct fw_name all, one;

	fw_touch("a");
	fw_touch("b");
	fw_name_watch(fw, &all, ".", NULL, EVANY__N_ANY);
	fw_name_watch(fw, &one, ".", "a", EVANY__N_GONE);
	for (i = 0; i <= most; i++)
		ATF_REQUIRE_EQ(rename(i % 2 ? "c" : "b", i % 2 ? "b" : "c"),
		    0);
	ATF_REQUIRE_EQ(unlink("a"), 0);
	all.n_ignored = EVANY__N_MOVED_FROM | EVANY__N_MOVED_TO;
	fw_collect(fw);
	ATF_REQUIRE_EQ(1, all.n_count);
	ATF_REQUIRE_STREQ("", all.n_reports[0].name);
	ATF_REQUIRE_EQ(EVANY__N_LOST, all.n_reports[0].bits);
	FW_NAMED(&one, "a", EVANY__N_LOST);
	fw_name_forget(&all);
	fw_touch("a");
	FW_NAMED(&all, "a", EVANY__N_MADE);
	fw_name_detach(&all);
	fw_name_detach(&one);
}
FW_CASE_INOTIFY(lost, "After so many acts that the system forgets some, every "
    "watch is told to look, and goes on")
#endif

ATF_TP_ADD_TCS(tp)
{
	FW_ADD(tp, name__errors);
	FW_ADD(tp, name__gone);
	FW_ADD(tp, name__other_links);
	FW_ADD(tp, name__renamed);
	FW_ADD(tp, name__file);
	FW_ADD(tp, name__directory);
	FW_ADD(tp, name__links);
	FW_ADD(tp, name__not_what_was_before);
	FW_ADD(tp, name__several);
	FW_ADD(tp, name__quiet);
	FW_ADD(tp, all__names);
	FW_ADD(tp, all__rename);
	FW_ADD(tp, all__rename_across);
	FW_ADD(tp, all__beside_one);
	FW_ADD(tp, all__await);
	FW_ADD_INOTIFY(tp, lost);
	return (atf_no_error());
}
