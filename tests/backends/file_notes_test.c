/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * struct evany__file_ops: which act is told by which bits.
 */
#include "config.h"

#include "filewatch.h"

#define WRITE		EVANY__F_WRITE
#define EXTEND		EVANY__F_EXTEND
#define TRUNC		EVANY__F_TRUNC
#define ATTRIB		EVANY__F_ATTRIB
#define LINK		EVANY__F_LINK
#define DELETE		EVANY__F_DELETE
#define RENAME		EVANY__F_RENAME

FW_TC(file__contents, "WRITE for any write, EXTEND for growth, TRUNC for a cut")
{
	char path[EVT_PATH_MAX];
	struct fw_watch w;
	int fd, other;

	fd = fw_file(path);
	fw_watch(fw, &w, fd, FW_CHANGES);
	FW_TOLD(&w, 0);
	ATF_REQUIRE_EQ(1, pwrite(fd, "e", 1, 0));
	FW_TOLD(&w, WRITE);
	FW_TOLD(&w, 0);
	ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 100));
	FW_TOLD(&w, WRITE | EXTEND);
	ATF_REQUIRE_EQ(0, ftruncate(fd, 200));
	FW_TOLD(&w, WRITE | EXTEND);
	ATF_REQUIRE_EQ(0, truncate(path, 50));
	FW_TOLD(&w, WRITE | TRUNC);
	ATF_REQUIRE((other = open(path, O_WRONLY | O_APPEND)) != -1);
	FW_TOLD(&w, 0);
	evt_write(other, 1);
	FW_TOLD(&w, WRITE | EXTEND);
	evt_close(other);
	ATF_REQUIRE((other = open(path, O_WRONLY | O_TRUNC)) != -1);
	FW_TOLD(&w, WRITE | TRUNC);
	evt_close(other);
	FW_TOLD(&w, 0);
	fw_detach(&w);
	evt_close(fd);
}

FW_TC(file__read_and_written,
    "A read just before it does not hide a write of the same size")
{
	char byte, path[EVT_PATH_MAX];
	struct fw_watch w;
	int fd, i;

	fd = fw_file(path);
	fw_watch(fw, &w, fd, WRITE);
	for (i = 0; i < 20; i++) {
		ATF_REQUIRE_EQ(1, pread(fd, &byte, 1, 0));
		ATF_REQUIRE_EQ(1, pwrite(fd, &byte, 1, 0));
		FW_TOLD(&w, WRITE);
	}
	fw_detach(&w);
	evt_close(fd);
}

FW_TC(file__attributes,
    "ATTRIB for mode, owner and times, also when set to what they were")
{
	struct timespec past[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	char path[EVT_PATH_MAX];
	struct fw_watch w;
	int fd;

	fd = fw_file(path);
	fw_watch(fw, &w, fd, FW_CHANGES);
	ATF_REQUIRE_EQ(0, chmod(path, 0640));
	FW_TOLD(&w, ATTRIB);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	FW_TOLD(&w, ATTRIB);
	ATF_REQUIRE_EQ(0, chown(path, getuid(), getgid()));
	FW_TOLD(&w, ATTRIB);
	ATF_REQUIRE_EQ(0, futimens(fd, past));
	FW_TOLD(&w, ATTRIB);
	ATF_REQUIRE_EQ(0, futimens(fd, NULL));
	if (fw->fw_access)
		FW_TOLD(&w, ATTRIB);
	else	/* so does a read with a write */
		ATF_REQUIRE((fw_told(&w) & ~WRITE) == ATTRIB);
	ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 0));
	FW_TOLD(&w, WRITE);
	fw_detach(&w);
	evt_close(fd);
}

FW_TC(file__links,
    "A new name is LINK, a lost one LINK and DELETE, the last one DELETE; "
    "none is ATTRIB, and a chmod is no LINK")
{
	char path[EVT_PATH_MAX];
	struct fw_watch w;
	int fd;

	fd = fw_file(path);
	fw_watch(fw, &w, fd, FW_CHANGES);
	ATF_REQUIRE_EQ(0, link(path, "two"));
	FW_TOLD(&w, LINK);
	ATF_REQUIRE_EQ(0, link(path, "three"));
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	FW_TOLD(&w, LINK | ATTRIB);
	ATF_REQUIRE_EQ(0, unlink("two"));
	FW_TOLD(&w, LINK | DELETE);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	FW_TOLD(&w, ATTRIB);
	ATF_REQUIRE_EQ(0, unlink(path));
	FW_TOLD(&w, LINK | DELETE);
	ATF_REQUIRE_EQ(0, unlink("three"));
	FW_TOLD(&w, DELETE);
	/* It goes on without a name, and is not deleted again. */
	evt_write(fd, 1);
	FW_TOLD(&w, WRITE | EXTEND);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	FW_TOLD(&w, ATTRIB);
	fw_detach(&w);
	fw_watch(fw, &w, fd, FW_CHANGES);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	FW_TOLD(&w, ATTRIB);
	fw_detach(&w);
	evt_close(fd);
}

FW_TC(file__renamed,
    "RENAME for the file that moves, also elsewhere; DELETE for the one "
    "that it replaces; nothing when a directory above is renamed")
{
	struct fw_watch w, v;
	int fd, old;

	ATF_REQUIRE_EQ(0, mkdir("dir", 0755));
	ATF_REQUIRE_EQ(0, mkdir("dir2", 0755));
	fw_touch("dir/a");
	fw_touch("dir2/b");
	ATF_REQUIRE((fd = open("dir/a", O_RDWR)) != -1);
	ATF_REQUIRE((old = open("dir2/b", O_RDONLY)) != -1);
	fw_watch(fw, &w, fd, FW_CHANGES);
	fw_watch(fw, &v, old, FW_CHANGES);
	ATF_REQUIRE_EQ(0, rename("dir/a", "dir/c"));
	FW_TOLD(&w, RENAME);
	ATF_REQUIRE_EQ(0, rename("dir/c", "dir2/c"));
	FW_TOLD(&w, RENAME);
	ATF_REQUIRE_EQ(0, rename("dir2", "dir3"));
	FW_TOLD(&w, 0);
	/* its change time moves as well, but not its name */
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	FW_TOLD(&w, ATTRIB);
	evt_write(fd, 1);
	FW_TOLD(&w, WRITE | EXTEND);
	FW_TOLD(&v, 0);
	ATF_REQUIRE_EQ(0, rename("dir3/c", "dir3/b"));
	FW_TOLD(&w, RENAME);
	FW_TOLD(&v, DELETE);
	fw_detach(&w);
	fw_detach(&v);
	evt_close(fd);
	evt_close(old);
}

FW_TC(file__access,
    "OPEN, READ and CLOSE by others where the mechanism sees them; else such "
    "a wish is refused, alone and among others")
{
	char byte, path[EVT_PATH_MAX];
	struct fw_watch w;
	int fd, other;

	fd = fw_file(path);
	if (!fw->fw_access) {
		ATF_REQUIRE_EQ(ENOTSUP, fw_attach(fw, &w, fd, EVANY__F_OPEN));
		ATF_REQUIRE_EQ(ENOTSUP, fw_attach(fw, &w, fd,
		    WRITE | EVANY__F_READ));
		fw_watch(fw, &w, fd, WRITE);
		ATF_REQUIRE_EQ(ENOTSUP, fw_modify(&w,
		    WRITE | EVANY__F_CLOSE_READ));
		ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 0));
		FW_TOLD(&w, WRITE);
		fw_detach(&w);
		evt_close(fd);
		return;
	}
	fw_watch(fw, &w, fd, FW_CHANGES | FW_ACCESS);
	FW_TOLD(&w, 0);
	ATF_REQUIRE((other = open(path, O_RDONLY)) != -1);
	FW_TOLD(&w, EVANY__F_OPEN);
	ATF_REQUIRE_EQ(1, read(other, &byte, 1));
	FW_TOLD(&w, EVANY__F_READ);
	evt_close(other);
	FW_TOLD(&w, EVANY__F_CLOSE_READ);
	ATF_REQUIRE((other = open(path, O_WRONLY)) != -1);
	FW_TOLD(&w, EVANY__F_OPEN);
	evt_close(other);
	FW_TOLD(&w, EVANY__F_CLOSE_WRITE);
	/* The mechanism's own looks are not told. */
	ATF_REQUIRE_EQ(0, fw_modify(&w, FW_ACCESS));
	ATF_REQUIRE_EQ(0, fw_modify(&w, FW_CHANGES | FW_ACCESS));
	FW_TOLD(&w, 0);
	fw_detach(&w);
	evt_close(fd);
}

FW_TC(dir__entries,
    "WRITE for every entry that comes, goes or is renamed, and nothing for "
    "what is done to the files")
{
	struct fw_watch w;
	unsigned want;
	int fd, file, i;
	char byte;

	want = FW_CHANGES | (fw->fw_access ? FW_ACCESS : 0);
	fd = fw_dir("dir");
	for (i = 0; i < 2; i++) {
		fw_watch(fw, &w, fd, i == 0 ? FW_CHANGES : WRITE | EXTEND);
		fw_touch("dir/a");
		FW_TOLD(&w, WRITE);
		ATF_REQUIRE_EQ(0, link("dir/a", "dir/b"));
		FW_TOLD(&w, WRITE);
		ATF_REQUIRE_EQ(0, rename("dir/a", "dir/c"));
		FW_TOLD(&w, WRITE);
		ATF_REQUIRE_EQ(0, unlink("dir/b"));
		FW_TOLD(&w, WRITE);
		ATF_REQUIRE_EQ(0, unlink("dir/c"));
		FW_TOLD(&w, WRITE);
		fw_detach(&w);
	}
	fw_touch("dir/a");
	ATF_REQUIRE_EQ(0, mkdir("dir/sub", 0755));
	fw_watch(fw, &w, fd, want);
	ATF_REQUIRE((file = open("dir/a", O_RDWR)) != -1);
	evt_write(file, 10);
	ATF_REQUIRE_EQ(1, pread(file, &byte, 1, 0));
	ATF_REQUIRE_EQ(0, ftruncate(file, 5));
	ATF_REQUIRE_EQ(0, fchmod(file, 0600));
	evt_close(file);
	ATF_REQUIRE_EQ(0, chmod("dir/sub", 0700));
	ATF_REQUIRE_EQ(0, link("dir/a", "elsewhere"));
	fw_touch("dir/sub/file");
	FW_TOLD(&w, 0);
	fw_detach(&w);
	evt_close(fd);
}

FW_TC(dir__subdirectories,
    "LINK besides WRITE for a subdirectory that comes or goes, not for one "
    "renamed inside; LINK too if one goes as another comes")
{
	struct fw_watch w;
	int fd;

	fd = fw_dir("dir");
	fw_watch(fw, &w, fd, FW_CHANGES & ~EXTEND);
	ATF_REQUIRE_EQ(0, mkdir("dir/a", 0755));
	FW_TOLD(&w, WRITE | LINK);
	ATF_REQUIRE_EQ(0, rename("dir/a", "dir/b"));
	FW_TOLD(&w, WRITE);
	ATF_REQUIRE_EQ(0, rename("dir/b", "away"));
	FW_TOLD(&w, WRITE | LINK);
	ATF_REQUIRE_EQ(0, rename("away", "dir/b"));
	FW_TOLD(&w, WRITE | LINK);
	ATF_REQUIRE_EQ(0, mkdir("dir/c", 0755));
	ATF_REQUIRE_EQ(0, rmdir("dir/b"));
	FW_TOLD(&w, WRITE | LINK);
	ATF_REQUIRE_EQ(0, mkdir("dir/d", 0755));
	FW_TOLD(&w, WRITE | LINK);
	/* one takes the place of another */
	ATF_REQUIRE_EQ(0, rename("dir/c", "dir/d"));
	FW_TOLD(&w, WRITE | LINK);
	ATF_REQUIRE_EQ(0, rmdir("dir/d"));
	FW_TOLD(&w, WRITE | LINK);
	ATF_REQUIRE_EQ(0, fw_modify(&w, LINK));
	fw_touch("dir/file");
	FW_TOLD(&w, 0);
	ATF_REQUIRE_EQ(0, mkdir("dir/e", 0755));
	FW_TOLD(&w, LINK);
	fw_detach(&w);
	evt_close(fd);
}

FW_TC(dir__moves,
    "EXTEND besides WRITE for an entry moved in or out where the mechanism "
    "sees moves, and never for a rename inside")
{
	struct fw_watch w, v;
	unsigned extend;
	int fd, fd2, i;

	extend = fw->fw_access ? EXTEND : 0;
	fd = fw_dir("dir");
	fd2 = fw_dir("dir2");
	fw_touch("file");
	fw_watch(fw, &w, fd, WRITE | EXTEND);
	fw_watch(fw, &v, fd2, WRITE | EXTEND);
	ATF_REQUIRE_EQ(0, rename("file", "dir/file"));
	FW_TOLD(&w, WRITE | extend);
	FW_TOLD(&v, 0);
	ATF_REQUIRE_EQ(0, rename("dir/file", "dir/other"));
	FW_TOLD(&w, WRITE);
	ATF_REQUIRE_EQ(0, rename("dir/other", "dir2/other"));
	FW_TOLD(&w, WRITE | extend);
	FW_TOLD(&v, WRITE | extend);
	for (i = 0; i < 300; i++) {
		ATF_REQUIRE_EQ(0, rename("dir2/other", "dir2/a-long-name"));
		ATF_REQUIRE_EQ(0, rename("dir2/a-long-name", "dir2/other"));
	}
	FW_TOLD(&v, WRITE);
	fw_detach(&w);
	fw_detach(&v);
	evt_close(fd);
	evt_close(fd2);
}

FW_TC(dir__itself,
    "A directory's own mode, name and end are told as a file's are")
{
	struct fw_watch w;
	int fd;

	fd = fw_dir("dir");
	fw_watch(fw, &w, fd, FW_CHANGES);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0700));
	FW_TOLD(&w, ATTRIB);
	ATF_REQUIRE_EQ(0, rename("dir", "new"));
	FW_TOLD(&w, RENAME);
	fw_touch("new/file");
	FW_TOLD(&w, WRITE);
	ATF_REQUIRE_EQ(0, unlink("new/file"));
	FW_TOLD(&w, WRITE);
	/* into another directory, and removed there */
	ATF_REQUIRE_EQ(0, mkdir("other", 0755));
	ATF_REQUIRE_EQ(0, rename("new", "other/new"));
	FW_TOLD(&w, RENAME);
	ATF_REQUIRE_EQ(0, mkdir("new", 0755));
	ATF_REQUIRE_EQ(0, rmdir("new"));
	FW_TOLD(&w, 0);
	ATF_REQUIRE_EQ(0, rmdir("other/new"));
	FW_TOLD(&w, DELETE);
	ATF_REQUIRE_EQ(0, mkdir("other/new", 0755));
	ATF_REQUIRE_EQ(0, rmdir("other/new"));
	FW_TOLD(&w, 0);
	fw_detach(&w);
	evt_close(fd);
}

FW_TC(dir__removed_elsewhere,
    "DELETE alone follows a directory to where it is renamed")
{
	struct fw_watch w;
	int fd;

	fd = fw_dir("dir");
	ATF_REQUIRE_EQ(0, mkdir("other", 0755));
	fw_watch(fw, &w, fd, DELETE);
	ATF_REQUIRE_EQ(0, rename("dir", "other/dir"));
	FW_TOLD(&w, 0);
	ATF_REQUIRE_EQ(0, rmdir("other/dir"));
	FW_TOLD(&w, DELETE);
	fw_detach(&w);
	evt_close(fd);
}

FW_TC(dir__replaced,
    "A directory that another is renamed over is told DELETE")
{
	struct fw_watch w;
	int fd;

	fd = fw_dir("dir");
	ATF_REQUIRE_EQ(0, mkdir("dir2", 0755));
	ATF_REQUIRE_EQ(0, mkdir("sub", 0755));
	ATF_REQUIRE_EQ(0, mkdir("sub/dir3", 0755));
	fw_watch(fw, &w, fd, DELETE);
	ATF_REQUIRE_EQ(0, rename("dir2", "dir"));
	FW_TOLD(&w, DELETE);
	fw_detach(&w);
	evt_close(fd);
	ATF_REQUIRE((fd = open("dir", O_RDONLY)) != -1);
	fw_watch(fw, &w, fd, DELETE);
	ATF_REQUIRE_EQ(0, rename("sub/dir3", "dir"));
	FW_TOLD(&w, DELETE);
	fw_detach(&w);
	evt_close(fd);
}

FW_TC(dir__parent_and_child,
    "A directory and one inside it are watched independently")
{
	struct fw_watch child, parent;
	int fd, fd2;

	fd = fw_dir("dir");
	fd2 = fw_dir("dir/sub");
	fw_watch(fw, &child, fd2, DELETE);
	fw_watch(fw, &parent, fd, WRITE);
	fw_touch("dir/file");
	FW_TOLD(&parent, WRITE);
	FW_TOLD(&child, 0);
	/* The parent's watch goes, the child's need of it stays. */
	fw_detach(&parent);
	ATF_REQUIRE_EQ(0, unlink("dir/file"));
	ATF_REQUIRE_EQ(0, rmdir("dir/sub"));
	FW_TOLD(&child, DELETE);
	fw_detach(&child);
	evt_close(fd2);

	/* The other way round. */
	ATF_REQUIRE_EQ(0, mkdir("dir/sub", 0755));
	ATF_REQUIRE((fd2 = open("dir/sub", O_RDONLY)) != -1);
	fw_watch(fw, &parent, fd, WRITE | DELETE | ATTRIB);
	fw_watch(fw, &child, fd2, WRITE | DELETE);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0700));
	FW_TOLD(&parent, ATTRIB);
	fw_detach(&child);
	ATF_REQUIRE_EQ(0, rmdir("dir/sub"));
	FW_TOLD(&parent, WRITE);
	ATF_REQUIRE_EQ(0, rmdir("dir"));
	FW_TOLD(&parent, DELETE);
	fw_detach(&parent);
	evt_close(fd2);
	evt_close(fd);
}

FW_TC(wish__only_that, "Only bits that are wanted are fired")
{
	static const unsigned bits[] = {
		WRITE, EXTEND, TRUNC, ATTRIB, LINK, DELETE, RENAME, 0
	};
	char path[EVT_PATH_MAX], new[EVT_PATH_MAX];
	struct fw_watch w;
	int fd, i;

	for (i = 0; i < EVT_NITEMS(bits); i++) {
		fd = fw_file(path);
		(void)snprintf(new, sizeof(new), "new%d", i);
		fw_watch(fw, &w, fd, bits[i]);
		ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 200));
		FW_TOLD(&w, bits[i] & (WRITE | EXTEND));
		ATF_REQUIRE_EQ(0, ftruncate(fd, 1));
		FW_TOLD(&w, bits[i] & (WRITE | TRUNC));
		ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
		FW_TOLD(&w, bits[i] & ATTRIB);
		ATF_REQUIRE_EQ(0, rename(path, new));
		FW_TOLD(&w, bits[i] & RENAME);
		ATF_REQUIRE_EQ(0, link(new, path));
		FW_TOLD(&w, bits[i] & LINK);
		ATF_REQUIRE_EQ(0, unlink(new));
		FW_TOLD(&w, bits[i] & (LINK | DELETE));
		ATF_REQUIRE_EQ(0, unlink(path));
		FW_TOLD(&w, bits[i] & DELETE);
		fw_detach(&w);
		evt_close(fd);
	}
}

FW_TC(wish__changed,
    "A wider wish does not reach back, a narrower one ends what it leaves out")
{
	char path[EVT_PATH_MAX];
	struct fw_watch v, w;
	int fd;

	fd = fw_file(path);
	fw_watch(fw, &v, fd, FW_CHANGES);	/* the kernel tells it all */
	fw_watch(fw, &w, fd, WRITE);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	ATF_REQUIRE_EQ(0, link(path, "two"));
	ATF_REQUIRE_EQ(0, fw_modify(&w, WRITE | ATTRIB | LINK));
	FW_TOLD(&w, 0);
	FW_TOLD(&v, ATTRIB | LINK);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	FW_TOLD(&w, ATTRIB);
	FW_TOLD(&v, ATTRIB);
	fw_detach(&v);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	ATF_REQUIRE_EQ(0, fw_modify(&w, WRITE));
	/* That act was before the change. */
	FW_TOLD(&w, 0);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	FW_TOLD(&w, 0);
	/* Nothing of what was not wanted meanwhile comes after all. */
	ATF_REQUIRE_EQ(0, link(path, "three"));
	ATF_REQUIRE_EQ(0, fw_modify(&w, FW_CHANGES));
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	FW_TOLD(&w, ATTRIB);
	fw_detach(&w);
	evt_close(fd);
}

ATF_TP_ADD_TCS(tp)
{
	FW_ADD(tp, file__contents);
	FW_ADD(tp, file__read_and_written);
	FW_ADD(tp, file__attributes);
	FW_ADD(tp, file__links);
	FW_ADD(tp, file__renamed);
	FW_ADD(tp, file__access);
	FW_ADD(tp, dir__entries);
	FW_ADD(tp, dir__subdirectories);
	FW_ADD(tp, dir__moves);
	FW_ADD(tp, dir__itself);
	FW_ADD(tp, dir__removed_elsewhere);
	FW_ADD(tp, dir__replaced);
	FW_ADD(tp, dir__parent_and_child);
	FW_ADD(tp, wish__only_that);
	FW_ADD(tp, wish__changed);
	return (atf_no_error());
}
