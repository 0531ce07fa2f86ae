/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_VNODE on directories: their entries, and their own end.
 */
#include "config.h"

#include "evt_note.h"

#include <sys/stat.h>

static int
make_dir(const char *path)
{
	if (mkdir(path, 0755) == -1)
		atf_tc_fail("mkdir %s: %s", path, strerror(errno));
	return (evt_open(path, O_RDONLY));
}

static void
make_file(const char *path)
{
	evt_close(evt_open(path, O_WRONLY | O_CREAT));
}

EVT_TC(entry__comes_and_goes, "KQ-168",
    "An entry made, removed or renamed inside is NOTE_WRITE, each time")
{
	int fd, i, kq;

	kq = evt_kq();
	fd = make_dir("dir");
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	for (i = 0; i < 2; i++) {
		make_file("dir/a");
		evt_told_only(kq, fd, NOTE_WRITE);
		ATF_REQUIRE_EQ(0, link("dir/a", "dir/b"));
		evt_told_only(kq, fd, NOTE_WRITE);
		ATF_REQUIRE_EQ(0, symlink("nowhere", "dir/c"));
		evt_told_only(kq, fd, NOTE_WRITE);
		ATF_REQUIRE_EQ(0, mkfifo("dir/d", 0600));
		evt_told_only(kq, fd, NOTE_WRITE);
		ATF_REQUIRE_EQ(0, rename("dir/a", "dir/e"));
		evt_told_only(kq, fd, NOTE_WRITE);
		ATF_REQUIRE_EQ(0, rename("dir/c", "dir/d"));
		evt_told_only(kq, fd, NOTE_WRITE);
		ATF_REQUIRE_EQ(0, unlink("dir/b"));
		evt_told_only(kq, fd, NOTE_WRITE);
		ATF_REQUIRE_EQ(0, unlink("dir/d"));
		evt_told_only(kq, fd, NOTE_WRITE);
		ATF_REQUIRE_EQ(0, unlink("dir/e"));
		evt_told_only(kq, fd, NOTE_WRITE);
	}
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(entry__changed_is_not_told, "KQ-168 KQ-156",
    "What is done to a file is not told on its directory")
{
	unsigned int notes = EVT_NOTES;
	char byte;
	int fd, file, kq;

#ifdef NOTE_OPEN
	if (evt_native() || strcmp(evt_backend(), "linux") == 0)
		notes |= NOTE_OPEN | NOTE_READ | NOTE_CLOSE |
		    NOTE_CLOSE_WRITE;
#endif
	kq = evt_kq();
	ATF_REQUIRE_EQ(0, mkdir("dir", 0755));
	make_file("dir/file");
	ATF_REQUIRE_EQ(0, mkdir("dir/sub", 0755));
	fd = evt_open("dir", O_RDONLY);
	evt_watch(kq, fd, EV_CLEAR, notes);
	file = evt_open("dir/file", O_RDWR);
	evt_write(file, 10);
	ATF_REQUIRE_EQ(0, ftruncate(file, 5));
	ATF_REQUIRE_EQ(1, pread(file, &byte, 1, 0));
	ATF_REQUIRE_EQ(0, fchmod(file, 0600));
	evt_close(file);
	ATF_REQUIRE_EQ(0, chmod("dir/sub", 0700));
	ATF_REQUIRE_EQ(0, link("dir/file", "elsewhere"));
	make_file("dir/sub/deeper");
	evt_none(kq);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(entry__own_change_is_told, "KQ-162 KQ-167 KQ-168",
    "The directory's own mode and name are told as a file's are")
{
	int fd, kq;

	kq = evt_kq();
	fd = make_dir("dir");
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0700));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	ATF_REQUIRE_EQ(0, rename("dir", "new"));
	evt_told_only(kq, fd, NOTE_RENAME);
	make_file("new/file");
	evt_told_only(kq, fd, NOTE_WRITE);
	/* something else has the old name */
	ATF_REQUIRE_EQ(0, mkdir("dir", 0755));
	make_file("dir/file");
	ATF_REQUIRE_EQ(0, unlink("dir/file"));
	ATF_REQUIRE_EQ(0, rmdir("dir"));
	evt_none(kq);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(subdir__link_too, "KQ-169",
    "A subdirectory made or removed is NOTE_LINK besides NOTE_WRITE")
{
	int fd, kq;

	kq = evt_kq();
	fd = make_dir("dir");
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, mkdir("dir/sub", 0755));
	evt_told_only(kq, fd, NOTE_WRITE | NOTE_LINK);
	make_file("dir/file");
	evt_told_only(kq, fd, NOTE_WRITE);
	ATF_REQUIRE_EQ(0, rmdir("dir/sub"));
	evt_told_only(kq, fd, NOTE_WRITE | NOTE_LINK);

	/* asked for links alone, files do not count */
	evt_watch(kq, fd, EV_CLEAR, NOTE_LINK);
	ATF_REQUIRE_EQ(0, unlink("dir/file"));
	evt_none(kq);
	ATF_REQUIRE_EQ(0, mkdir("dir/sub", 0755));
	evt_told_only(kq, fd, NOTE_LINK);
	/* one goes as another comes: the count stands still */
	ATF_REQUIRE_EQ(0, mkdir("dir/sub2", 0755));
	ATF_REQUIRE_EQ(0, rmdir("dir/sub"));
	evt_told_only(kq, fd, NOTE_LINK);
	evt_close(fd);
	evt_close(kq);
}

/*
 * What a move across the border tells besides NOTE_WRITE: nothing on NetBSD,
 * nor where files are scanned.
 */
static unsigned int
extend(void)
{
#ifndef __NetBSD__
	if (evt_native() || strcmp(evt_backend(), "linux") == 0)
		return (NOTE_EXTEND);
#endif
	EVT_APPROX(false, "NOTE_EXTEND is not told of directories");
	return (0);
}

EVT_TC(move__across_the_border, "KQ-170",
    "An entry moved in or out is NOTE_EXTEND besides NOTE_WRITE")
{
	unsigned int more = extend();
	int fd, kq;

	kq = evt_kq();
	fd = make_dir("dir");
	make_file("file");
	evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE | NOTE_EXTEND);
	ATF_REQUIRE_EQ(0, rename("file", "dir/file"));
	evt_told_only(kq, fd, NOTE_WRITE | more);
	ATF_REQUIRE_EQ(0, rename("dir/file", "dir/name2"));
	evt_told_only(kq, fd, NOTE_WRITE);
	ATF_REQUIRE_EQ(0, rename("dir/name2", "file"));
	evt_told_only(kq, fd, NOTE_WRITE | more);
	make_file("dir/file");
	evt_told_only(kq, fd, NOTE_WRITE);
	/* in, over an entry that was there */
	ATF_REQUIRE_EQ(0, rename("file", "dir/file"));
	evt_told_only(kq, fd, NOTE_WRITE | more);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(move__between_two_watched, "KQ-170",
    "Between two watched directories a move is NOTE_EXTEND on both")
{
	struct kevent ev[4];
	unsigned int more = extend();
	int fd, fd2, i, kq, kq2, n;

	kq = evt_kq();
	kq2 = evt_kq();
	fd = make_dir("dir");
	fd2 = make_dir("dir2");
	make_file("dir/file");
	evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE | NOTE_EXTEND);
	evt_watch(kq, fd2, EV_CLEAR, NOTE_WRITE | NOTE_EXTEND);
	evt_watch(kq2, fd2, EV_CLEAR, NOTE_EXTEND);
	ATF_REQUIRE_EQ(0, rename("dir/file", "dir2/file"));
	for (n = 0; n < 2; n += i)
		ATF_REQUIRE((i = evt_get(kq, ev + n, 4 - n)) > 0);
	ATF_REQUIRE_EQ(2, n);
	ATF_REQUIRE_EQ((uintptr_t)(fd + fd2), ev[0].ident + ev[1].ident);
	ATF_REQUIRE_EQ(NOTE_WRITE | more, ev[0].fflags);
	ATF_REQUIRE_EQ(NOTE_WRITE | more, ev[1].fflags);
	if (more != 0)
		evt_told_only(kq2, fd2, NOTE_EXTEND);
	evt_none(kq2);
	evt_close(fd2);
	evt_close(fd);
	evt_close(kq2);
	evt_close(kq);
}

EVT_TC(move__many_inside, "KQ-170 KQ-157",
    "A thousand renames inside, uncollected, are no move across the border")
{
	unsigned int got;
	int fd, i, kq;

	kq = evt_kq();
	fd = make_dir("dir");
	make_file("dir/a");
	evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE | NOTE_EXTEND);
	for (i = 0; i < 500; i++) {
		ATF_REQUIRE_EQ(0, rename("dir/a", "dir/a-longer-name"));
		ATF_REQUIRE_EQ(0, rename("dir/a-longer-name", "dir/a"));
	}
	got = evt_told_any(kq, fd);
	ATF_REQUIRE_EQ_MSG(NOTE_WRITE, got, "%#x", got);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(move__subdir_inside, "KQ-170 KQ-168",
    "A subdirectory renamed inside is NOTE_WRITE without NOTE_EXTEND")
{
	int fd, kq;

	kq = evt_kq();
	fd = make_dir("dir");
	ATF_REQUIRE_EQ(0, mkdir("dir/sub", 0755));
	evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE | NOTE_EXTEND);
	ATF_REQUIRE_EQ(0, rename("dir/sub", "dir/sub2"));
	evt_told_only(kq, fd, NOTE_WRITE);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(rmdir__while_open, "KQ-171",
    "The removal of an open directory is NOTE_DELETE without waiting")
{
	unsigned int got;
	int fd, kq;

	kq = evt_kq();
	fd = make_dir("dir");
	evt_watch(kq, fd, EV_CLEAR, NOTE_DELETE);
	ATF_REQUIRE_EQ(0, rmdir("dir"));
	evt_told_only(kq, fd, NOTE_DELETE);
	/* told once, whatever gets its name */
	ATF_REQUIRE_EQ(0, mkdir("dir", 0755));
	ATF_REQUIRE_EQ(0, rmdir("dir"));
	evt_none(kq);
	evt_close(fd);

	/* it may lose its own links as well, and nothing else is told */
	fd = make_dir("dir");
	make_file("dir/file");
	ATF_REQUIRE_EQ(0, unlink("dir/file"));
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, rmdir("dir"));
	got = evt_told_any(kq, fd);
	ATF_REQUIRE_MSG((got & NOTE_DELETE) != 0, "%#x", got);
	evt_within(got, NOTE_DELETE | NOTE_LINK);
	evt_close(fd);
	evt_close(kq);
}

static int
remove_in_child(void *arg)
{
	return (rmdir(arg) == 0 ? 0 : 1);
}

EVT_TC(rmdir__by_another_process, "KQ-171 KQ-016",
    "A removal by another process makes the queue readable")
{
	char path[] = "top/dir";
	int fd, kq;

	kq = evt_kq();
	ATF_REQUIRE_EQ(0, mkdir("top", 0755));
	fd = make_dir(path);
	evt_watch(kq, fd, EV_CLEAR, NOTE_DELETE | NOTE_WRITE);
	ATF_REQUIRE_EQ(0, evt_in_child(remove_in_child, path));
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	evt_told_only(kq, fd, NOTE_DELETE);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(rmdir__renamed_over, "KQ-171 KQ-166",
    "An empty directory that another is renamed over is deleted")
{
	unsigned int got;
	int fd, fd2, kq, kq2;

	kq = evt_kq();
	kq2 = evt_kq();
	fd = make_dir("dir");
	fd2 = make_dir("dir2");
	evt_watch(kq, fd, EV_CLEAR, NOTE_DELETE | NOTE_RENAME);
	evt_watch(kq2, fd2, EV_CLEAR, NOTE_DELETE | NOTE_RENAME);
	ATF_REQUIRE_EQ(0, rename("dir2", "dir"));
	got = evt_told_any(kq2, fd2);
	ATF_REQUIRE_EQ_MSG(NOTE_RENAME, got, "%#x", got);
	evt_told_only(kq, fd, NOTE_DELETE);
	evt_close(fd2);
	evt_close(fd);
	evt_close(kq2);
	evt_close(kq);
}

EVT_TC(rmdir__after_rename, "KQ-171 KQ-167",
    "The removal is told under a new name too, a new parent permitting")
{
	struct kevent ev;
	int fd, kq, n;

	kq = evt_kq();
	ATF_REQUIRE_EQ(0, mkdir("other", 0755));
	fd = make_dir("dir");
	evt_watch(kq, fd, EV_CLEAR, NOTE_DELETE | NOTE_RENAME);
	ATF_REQUIRE_EQ(0, rename("dir", "new"));
	evt_told_only(kq, fd, NOTE_RENAME);
	ATF_REQUIRE_EQ(0, rmdir("new"));
	evt_told_only(kq, fd, NOTE_DELETE);
	evt_close(fd);

	fd = make_dir("dir");
	evt_watch(kq, fd, EV_CLEAR, NOTE_DELETE | NOTE_RENAME);
	ATF_REQUIRE_EQ(0, rename("dir", "other/dir"));
	evt_told_only(kq, fd, NOTE_RENAME);
	ATF_REQUIRE_EQ(0, rmdir("other/dir"));
	n = evt_get(kq, &ev, 1);
	EVT_APPROX(n == 1, "rmdir under a new parent is not told");
	if (n == 1)
		ATF_REQUIRE_EQ(NOTE_DELETE, ev.fflags);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(rmdir__of_others, "KQ-171 KQ-156",
    "Neighbours that go, or entries of the parent, are not told")
{
	int fd, kq, top;

	kq = evt_kq();
	top = make_dir("top");
	fd = make_dir("top/dir");
	ATF_REQUIRE_EQ(0, mkdir("top/dir2", 0755));
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	/* the library may watch the parent for itself, the program too */
	evt_watch(kq, top, EV_CLEAR, NOTE_ATTRIB);
	make_file("top/file");
	ATF_REQUIRE_EQ(0, unlink("top/file"));
	ATF_REQUIRE_EQ(0, rmdir("top/dir2"));
	evt_none(kq);
	ATF_REQUIRE_EQ(0, fchmod(top, 0700));
	evt_told_only(kq, top, NOTE_ATTRIB);
	evt_change(kq, top, EVFILT_VNODE, EV_DELETE, 0, 0, NULL);
	ATF_REQUIRE_EQ(0, rmdir("top/dir"));
	ATF_REQUIRE((evt_told_any(kq, fd) & NOTE_DELETE) != 0);
	evt_close(fd);
	evt_close(top);
	evt_close(kq);
}

EVT_TC(rmdir__parent_watched_too, "KQ-171 KQ-169",
    "Parent and child in one queue: each is told what is its own")
{
	struct kevent ev[4];
	unsigned int child, parent;
	int fd, kq, n, top;

	kq = evt_kq();
	top = make_dir("top");
	evt_watch(kq, top, EV_CLEAR, NOTE_WRITE | NOTE_LINK | NOTE_DELETE);
	fd = make_dir("top/dir");
	evt_told_only(kq, top, NOTE_WRITE | NOTE_LINK);
	evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE | NOTE_DELETE);
	make_file("top/dir/file");
	evt_told_only(kq, fd, NOTE_WRITE);
	ATF_REQUIRE_EQ(0, unlink("top/dir/file"));
	evt_told_only(kq, fd, NOTE_WRITE);
	ATF_REQUIRE_EQ(0, rmdir("top/dir"));
	for (child = parent = 0; child == 0 || parent !=
	    (NOTE_WRITE | NOTE_LINK);) {
		ATF_REQUIRE_MSG((n = evt_get(kq, ev, 4)) > 0,
		    "child %#x, parent %#x", child, parent);
		while (n-- > 0)
			if (ev[n].ident == (uintptr_t)fd)
				child |= (unsigned int)ev[n].fflags;
			else
				parent |= (unsigned int)ev[n].fflags;
	}
	evt_none(kq);
	ATF_REQUIRE_EQ_MSG(NOTE_DELETE, child, "%#x", child);
	ATF_REQUIRE_EQ_MSG(NOTE_WRITE | NOTE_LINK, parent, "%#x", parent);
	/* the child's knote goes, the parent's works on */
	evt_close(fd);
	make_file("top/file");
	evt_told_only(kq, top, NOTE_WRITE);
	evt_close(top);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, entry__comes_and_goes);
	EVT_TP_ADD_TC(tp, entry__changed_is_not_told);
	EVT_TP_ADD_TC(tp, entry__own_change_is_told);
	EVT_TP_ADD_TC(tp, subdir__link_too);
	EVT_TP_ADD_TC(tp, move__across_the_border);
	EVT_TP_ADD_TC(tp, move__between_two_watched);
	EVT_TP_ADD_TC(tp, move__many_inside);
	EVT_TP_ADD_TC(tp, move__subdir_inside);
	EVT_TP_ADD_TC(tp, rmdir__while_open);
	EVT_TP_ADD_TC(tp, rmdir__by_another_process);
	EVT_TP_ADD_TC(tp, rmdir__renamed_over);
	EVT_TP_ADD_TC(tp, rmdir__after_rename);
	EVT_TP_ADD_TC(tp, rmdir__of_others);
	EVT_TP_ADD_TC(tp, rmdir__parent_watched_too);
	return (atf_no_error());
}
