/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_VNODE: the knote follows its file through renames and after the
 * unlink, tells what others do to it, and shares it with other knotes.
 */
#include "config.h"

#include "evt_note.h"

#include <sys/stat.h>

#include <dirent.h>
#include <sched.h>

#ifdef __linux__
#include <sys/mount.h>
#endif

EVT_TC(rename__followed, "KQ-167",
    "NOTE_RENAME comes at each new name, and the knote stays with the file")
{
	char path[EVT_PATH_MAX];
	int fd, kq, other;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	ATF_REQUIRE_EQ(0, mkdir("dir", 0755));
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, rename(path, "new"));
	evt_told_only(kq, fd, NOTE_RENAME);
	ATF_REQUIRE_EQ(0, rename("new", "dir/newer"));
	evt_told_only(kq, fd, NOTE_RENAME);

	/* under its old names is nothing, or another file */
	other = evt_open(path, O_WRONLY | O_CREAT);
	evt_write(other, 1);
	ATF_REQUIRE_EQ(0, fchmod(other, 0600));
	evt_close(other);
	evt_none(kq);
	other = evt_open("dir/newer", O_WRONLY);
	evt_write(other, 1);
	evt_close(other);
	evt_told_only(kq, fd, NOTE_WRITE | NOTE_EXTEND);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(rename__only_of_the_file, "KQ-167 KQ-156",
    "A renamed parent, and other changes of the file, are no NOTE_RENAME")
{
	int fd, kq;

	kq = evt_kq();
	ATF_REQUIRE_EQ(0, mkdir("dir", 0755));
	fd = evt_open("dir/file", O_RDWR | O_CREAT);
	evt_watch(kq, fd, EV_CLEAR, NOTE_RENAME);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	ATF_REQUIRE_EQ(0, link("dir/file", "dir/second"));
	evt_write(fd, 1);
	ATF_REQUIRE_EQ(0, rename("dir", "moved"));
	evt_none(kq);
	/* two names of one file: nothing is renamed */
	ATF_REQUIRE_EQ(0, rename("moved/file", "moved/second"));
	evt_none(kq);
	/* the other name goes: the file is not renamed either */
	ATF_REQUIRE_EQ(0, unlink("moved/second"));
	evt_none(kq);
	ATF_REQUIRE_EQ(0, rename("moved/file", "moved/new"));
	evt_told_only(kq, fd, NOTE_RENAME);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(unlinked__goes_on, "KQ-173",
    "Writes to an unlinked open file are told, for each of its descriptors")
{
	char path[EVT_PATH_MAX];
	int fd, fd2, i, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	fd2 = evt_open(path, O_RDWR);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, unlink(path));
	(void)evt_told_any(kq, fd);
	for (i = 0; i < 3; i++) {
		evt_write(fd, 1);
		evt_told_only(kq, fd, NOTE_WRITE | NOTE_EXTEND);
	}
	evt_write(fd2, 1);
	evt_told_only(kq, fd, NOTE_WRITE);
	evt_close(fd2);
	evt_none(kq);
	evt_write(fd, 10);
	evt_told_only(kq, fd, NOTE_WRITE | NOTE_EXTEND);
	/* a fresh knote has no name to go by */
	evt_change(kq, fd, EVFILT_VNODE, EV_DELETE, 0, 0, NULL);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	evt_write(fd, 10);
	evt_told_only(kq, fd, NOTE_WRITE | NOTE_EXTEND);
	evt_close(fd);
	evt_close(kq);
}

#ifndef NOTE_OPEN
#define NOTE_OPEN	0
#define NOTE_READ	0
#define NOTE_CLOSE	0
#define NOTE_CLOSE_WRITE 0
#endif
#define ACCESS	(NOTE_OPEN | NOTE_READ | NOTE_CLOSE | NOTE_CLOSE_WRITE)

/* In scans of a file's state no access to it shows. */
static void
need_access_notes(void)
{
	if (NOTE_OPEN == 0)
		atf_tc_skip("this system has no notes of access");
	if (!evt_native() && strcmp(evt_backend(), "linux") != 0)
		atf_tc_skip("who opens, reads or closes it is refused with "
		    "EOPNOTSUPP");
}

EVT_TC(access__refused, "KQ-174",
    "Notes of access that cannot be had are refused, and leave no knote")
{
	static const unsigned int notes[] = { NOTE_OPEN, NOTE_READ,
	    NOTE_CLOSE, NOTE_CLOSE_WRITE, NOTE_WRITE | NOTE_OPEN };
	char path[EVT_PATH_MAX];
	int fd, i, kq;

	if (evt_native() || strcmp(evt_backend(), "linux") == 0)
		atf_tc_skip("notes of access can be had");
	kq = evt_kq();
	fd = evt_tmpfile(path);
	for (i = 0; i < EVT_NITEMS(notes); i++) {
		ATF_REQUIRE_EQ_MSG(EOPNOTSUPP, evt_change_errno(kq, fd,
		    EVFILT_VNODE, EV_ADD, notes[i], 0, NULL), "%#x", notes[i]);
		ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, fd, EVFILT_VNODE,
		    EV_DELETE, 0, 0, NULL));
	}
	/* nor can a knote be changed to ask for them */
	evt_watch(kq, fd, EV_CLEAR, NOTE_ATTRIB);
	ATF_REQUIRE_EQ(EOPNOTSUPP, evt_change_errno(kq, fd, EVFILT_VNODE,
	    EV_ADD, NOTE_ATTRIB | NOTE_READ, 0, NULL));
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	evt_close(fd);
	evt_close(kq);
}

static int
read_in_child(void *arg)
{
	char byte;
	int fd;

	if ((fd = open(arg, O_RDONLY)) == -1)
		return (1);
	if (read(fd, &byte, 1) != 1)
		return (2);
	return (close(fd) == 0 ? 0 : 3);
}

EVT_TC(access__told, "KQ-174",
    "Opens, reads and closes of the file by others have a note each")
{
	char byte, path[EVT_PATH_MAX];
	int fd, kq, other;

	need_access_notes();
	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_write(fd, 10);
	evt_watch(kq, fd, EV_CLEAR, ACCESS);
	other = evt_open(path, O_RDONLY);
	evt_told_only(kq, fd, NOTE_OPEN);
	ATF_REQUIRE_EQ(1, read(other, &byte, 1));
	evt_told_only(kq, fd, NOTE_READ);
	evt_close(other);
	evt_told_only(kq, fd, NOTE_CLOSE);

	other = evt_open(path, O_RDWR);
	evt_told_only(kq, fd, NOTE_OPEN);
	evt_write(other, 1);
	evt_none(kq);
	evt_close(other);
	evt_told_only(kq, fd, NOTE_CLOSE_WRITE);
	ATF_REQUIRE_EQ(0, evt_in_child(read_in_child, path));
	evt_told_only(kq, fd, NOTE_OPEN | NOTE_READ | NOTE_CLOSE);

	/* one at a time */
	evt_watch(kq, fd, EV_CLEAR, NOTE_CLOSE_WRITE);
	ATF_REQUIRE_EQ(0, evt_in_child(read_in_child, path));
	evt_none(kq);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(access__own_is_not_told, "KQ-174 KQ-156",
    "What the library does to watch a file is not an access of the file")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, fd2, kq, kq2;

	need_access_notes();
	kq = evt_kq();
	kq2 = evt_kq();
	fd = evt_tmpfile(path);
	evt_write(fd, 10);
	ATF_REQUIRE_EQ(0, lseek(fd, 0, SEEK_SET));
	fd2 = evt_open(path, O_RDONLY);
	evt_watch(kq, fd, EV_CLEAR, ACCESS);
	evt_watch(kq, fd2, EV_CLEAR, ACCESS);
	evt_watch(kq2, fd, EV_CLEAR, ACCESS | EVT_NOTES);
	evt_change(kq2, fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq2, fd2, EVFILT_READ, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE_EQ(1, evt_poll(kq2, &ev, 1));
	ATF_REQUIRE_EQ(EVFILT_READ, ev.filter);
	evt_change(kq2, fd, EVFILT_VNODE, EV_DELETE, 0, 0, NULL);
	evt_close(kq2);
	evt_settle();
	evt_none(kq);
	evt_close(fd2);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(share__masks_apart, "KQ-156 KQ-069 KQ-068",
    "Knotes of one file, in one queue or two, have what each asked for")
{
	char path[EVT_PATH_MAX];
	int fd, fd2, kq, kq2;

	kq = evt_kq();
	kq2 = evt_kq();
	fd = evt_tmpfile(path);
	ATF_REQUIRE((fd2 = dup(fd)) != -1);
	evt_write(fd, 10);
	evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE);
	evt_watch(kq, fd2, EV_CLEAR, NOTE_ATTRIB);
	evt_watch(kq2, fd2, EV_CLEAR, NOTE_WRITE | NOTE_ATTRIB);
	ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 0));
	evt_told_only(kq, fd, NOTE_WRITE);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	evt_told_only(kq, fd2, NOTE_ATTRIB);
	evt_told_only(kq2, fd2, NOTE_WRITE | NOTE_ATTRIB);

	/* one goes: the other keeps its notes */
	evt_change(kq, fd2, EVFILT_VNODE, EV_DELETE, 0, 0, NULL);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	evt_none(kq);
	evt_told_only(kq2, fd2, NOTE_ATTRIB);
	ATF_REQUIRE_EQ(1, pwrite(fd, "y", 1, 0));
	evt_told_only(kq, fd, NOTE_WRITE);
	evt_told_only(kq2, fd2, NOTE_WRITE);
	evt_close(fd2);
	evt_close(fd);
	evt_close(kq2);
	evt_close(kq);
}

EVT_TC(share__both_told, "KQ-067 KQ-069",
    "One act is an event for each descriptor that watches the file")
{
	struct kevent ev[4];
	char path[EVT_PATH_MAX];
	int fd, fd2, i, kq, n;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	fd2 = evt_open(path, O_RDONLY);
	evt_watch(kq, fd, EV_CLEAR, NOTE_ATTRIB);
	evt_watch(kq, fd2, EV_CLEAR, NOTE_ATTRIB | NOTE_WRITE);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	for (n = 0; n < 2;) {
		ATF_REQUIRE((i = evt_get(kq, ev + n, 4 - n)) > 0);
		n += i;
	}
	ATF_REQUIRE_EQ(2, n);
	ATF_REQUIRE_EQ((uintptr_t)(fd + fd2), ev[0].ident + ev[1].ident);
	ATF_REQUIRE(ev[0].ident != ev[1].ident);
	for (i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(NOTE_ATTRIB, ev[i].fflags);
	evt_none(kq);
	evt_close(fd2);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(close__ends_the_knote, "KQ-101 KQ-102 KQ-103",
    "After close() the number is silent, though a duplicate has the file")
{
	char path[EVT_PATH_MAX], path2[EVT_PATH_MAX];
	int fd, fd2, kq, other, tmp;

	kq = evt_kq();
	fd2 = evt_tmpfile(path);
	tmp = evt_tmpfile(path2);
	ATF_REQUIRE((fd = dup(fd2)) != -1);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	/* one note waits at the time of the close */
	ATF_REQUIRE_EQ(0, fchmod(fd2, 0644));
	evt_close(fd);
	evt_write(fd2, 1);
	evt_none(kq);

	/* the number again, for another file */
	ATF_REQUIRE((other = dup(tmp)) != -1);
	ATF_REQUIRE_EQ(fd, other);
	ATF_REQUIRE_EQ(0, fchmod(fd2, 0600));
	ATF_REQUIRE_EQ(0, fchmod(tmp, 0644));
	evt_none(kq);
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, fd, EVFILT_VNODE,
	    EV_DELETE, 0, 0, NULL));
	evt_watch(kq, fd, EV_CLEAR, NOTE_ATTRIB);
	ATF_REQUIRE_EQ(0, fchmod(fd2, 0644));
	evt_none(kq);
	ATF_REQUIRE_EQ(0, fchmod(tmp, 0600));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	evt_close(fd);
	evt_close(tmp);
	evt_close(fd2);
	evt_close(kq);
}

EVT_TC(close__of_what_is_queued, "KQ-101 KQ-262",
    "A note that one call left for the next is gone with its descriptor")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd[2], i, kq;

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		fd[i] = evt_tmpfile(path);
		evt_watch(kq, fd[i], EV_CLEAR, NOTE_ATTRIB);
	}
	for (i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(0, fchmod(fd[i], 0644));
	/* room for one: by then the other is known, too */
	ATF_REQUIRE_EQ(1, evt_get(kq, &ev, 1));
	ATF_REQUIRE_EQ(NOTE_ATTRIB, ev.fflags);
	i = ev.ident == (uintptr_t)fd[0] ? 1 : 0;
	evt_close(fd[i]);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	evt_close(fd[!i]);
	evt_close(kq);
}

EVT_TC(close__inode_reused, "KQ-103",
    "A new file that gets number and inode of the old one is another file")
{
	char path[EVT_PATH_MAX];
	int fd, i, kq, number = -1;

	kq = evt_kq();
	for (i = 0; i < 100; i++) {
		fd = evt_tmpfile(path);
		ATF_REQUIRE(number == -1 || fd == number);
		number = fd;
		evt_write(fd, 10);
		ATF_REQUIRE_EQ(0, lseek(fd, 0, SEEK_SET));
		/* nothing comes of the file that had the number before */
		if (i % 2 == 1) {
			ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
			evt_none(kq);
			ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, fd,
			    EVFILT_VNODE, EV_DELETE, 0, 0, NULL));
		}
		evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
		ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 0));
		if (i % 4 == 3)
			evt_told_only(kq, fd, NOTE_WRITE);
		else
			(void)evt_told(kq, fd, NOTE_WRITE);
		evt_change(kq, fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
		ATF_REQUIRE_EQ(0, unlink(path));
		evt_close(fd);
	}
	evt_close(kq);
}

EVT_TC(close__spares_the_other, "KQ-102",
    "Closing one descriptor leaves the knote of the other at work")
{
	char path[EVT_PATH_MAX];
	int fd, fd2, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	ATF_REQUIRE((fd2 = dup(fd)) != -1);
	evt_watch(kq, fd, EV_CLEAR, NOTE_ATTRIB | NOTE_WRITE);
	evt_watch(kq, fd2, EV_CLEAR, NOTE_ATTRIB | NOTE_WRITE);
	evt_close(fd);
	ATF_REQUIRE_EQ(0, fchmod(fd2, 0644));
	evt_told_only(kq, fd2, NOTE_ATTRIB);
	evt_write(fd2, 1);
	evt_told_only(kq, fd2, NOTE_WRITE);
	evt_close(fd2);
	evt_close(kq);
}

EVT_TC(close__of_a_pipe_before, "KQ-103 KQ-102",
    "A file keeps its knote when the pipe that had its number, and lives on, "
    "is heard of")
{
	char path[EVT_PATH_MAX];
	int fd, kept, kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	ATF_REQUIRE((kept = dup(p[0])) != -1);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	fd = evt_move(evt_tmpfile(path), p[0]);
	evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE);
	evt_write(p[1], 1);
	evt_none(kq);
	evt_write(fd, 1);
	evt_told_only(kq, fd, NOTE_WRITE);
	evt_close(fd);
	evt_close(kept);
	evt_close(p[1]);
	evt_close(kq);
}

static int
count_fds(void)
{
	DIR *dir;
	int n = 0;

	if ((dir = opendir("/dev/fd")) == NULL)
		atf_tc_skip("no /dev/fd to count descriptors in");
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return (n);
}

#define MANY	150	/* more than the system allows inotify instances */

EVT_TC(many__cost_no_descriptors, "KQ-258",
    "Knotes on many files take no descriptor each, and all of them work")
{
	static int fds[MANY];
	static bool seen[MANY];
	struct kevent ev[16];
	char path[EVT_PATH_MAX];
	int before, i, j, kq, n, sum;

	kq = evt_kq();
	for (i = 0; i < MANY; i++)
		fds[i] = evt_tmpfile(path);
	before = count_fds();
	for (i = 0; i < MANY; i++)
		evt_change(kq, fds[i], EVFILT_VNODE, EV_ADD | EV_CLEAR,
		    NOTE_WRITE, 0, &fds[i]);
	ATF_REQUIRE_MSG(count_fds() <= before + 4, "%d descriptors more",
	    count_fds() - before);
	for (i = 0; i < MANY; i++)
		evt_write(fds[i], 1);
	for (sum = 0; sum < MANY; sum += n) {
		ATF_REQUIRE_MSG((n = evt_get(kq, ev, 16)) > 0, "%d of %d",
		    sum, MANY);
		for (i = 0; i < n; i++) {
			j = (int)((int *)ev[i].udata - fds);
			ATF_REQUIRE_EQ((uintptr_t)fds[j], ev[i].ident);
			ATF_REQUIRE_EQ(NOTE_WRITE, ev[i].fflags);
			ATF_REQUIRE(!seen[j]);
			seen[j] = true;
		}
	}
	evt_none(kq);
	for (i = 0; i < MANY; i++)
		evt_close(fds[i]);
	evt_close(kq);
}

EVT_TC(many__queues, "KQ-068",
    "Queues that come and go keep nothing of the files they watched")
{
	char path[EVT_PATH_MAX];
	int fd, i, kq;

	fd = evt_tmpfile(path);
	for (i = 0; i < 2 * MANY; i++) {
		kq = evt_kq();
		evt_watch(kq, fd, EV_CLEAR, NOTE_ATTRIB);
		ATF_REQUIRE_EQ(0, fchmod(fd, i % 2 ? 0600 : 0644));
		if (i % 50 == 0)
			evt_told_only(kq, fd, NOTE_ATTRIB);
		evt_close(kq);
	}
	evt_close(fd);
}

EVT_TC(overflow__nothing_lost, "KQ-159 KQ-168",
    "More records than the kernel keeps: what changed is told all the same")
{
	struct kevent ev[4];
	unsigned int got, gotdir;
	char path[EVT_PATH_MAX];
	int dir, fd, i, kq, limit, n, tmp;
	FILE *f;

	limit = 1000;
	if ((f = fopen("/proc/sys/fs/inotify/max_queued_events", "r")) !=
	    NULL) {
		ATF_REQUIRE_EQ(1, fscanf(f, "%d", &limit));
		(void)fclose(f);
	}
	if (limit > 20000)
		atf_tc_skip("the queue of inotify is %d long", limit);
	kq = evt_kq();
	fd = evt_tmpfile(path);
	ATF_REQUIRE_EQ(0, mkdir("dir", 0755));
	dir = evt_open("dir", O_RDONLY);
	evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB);
	evt_watch(kq, dir, EV_CLEAR, NOTE_WRITE);
	for (i = 0; i <= limit / 2; i++) {
		tmp = evt_open("dir/x", O_WRONLY | O_CREAT);
		evt_close(tmp);
		ATF_REQUIRE_EQ(0, unlink("dir/x"));
	}
	evt_write(fd, 1);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	for (got = gotdir = 0; (n = evt_kevent_ms(kq, NULL, 0, ev, 4,
	    gotdir == 0 || got != (NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB) ?
	    EVT_WAIT_MS : EVT_QUIET_MS)) > 0;)
		while (n-- > 0)
			if (ev[n].ident == (uintptr_t)fd)
				got |= (unsigned int)ev[n].fflags;
			else
				gotdir |= (unsigned int)ev[n].fflags;
	ATF_REQUIRE_EQ_MSG(NOTE_WRITE, gotdir, "%#x", gotdir);
	ATF_REQUIRE_EQ_MSG(NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB, got, "%#x",
	    got);
	/* and the watch works on */
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	ATF_REQUIRE_EQ(0, mkdir("dir/y", 0755));
	evt_told_only(kq, dir, NOTE_WRITE);
	evt_close(dir);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(revoke__for_no_lesser_reason, "KQ-172",
    "NOTE_REVOKE can be asked for; renames, cuts and unlinks are not it")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_write(fd, 10);
	evt_watch(kq, fd, EV_CLEAR, NOTE_REVOKE | NOTE_DELETE);
	ATF_REQUIRE_EQ(0, rename(path, "new"));
	ATF_REQUIRE_EQ(0, ftruncate(fd, 0));
	ATF_REQUIRE_EQ(0, fchmod(fd, 0));
	evt_none(kq);
	ATF_REQUIRE_EQ(0, unlink("new"));
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_VNODE, EV_CLEAR, NOTE_DELETE, 0);
	evt_change(kq, fd, EVFILT_VNODE, EV_DELETE, 0, 0, NULL);
	evt_close(fd);
	evt_close(kq);
}

#ifdef __linux__
/* 0 told, 1 not told, 2 not allowed to mount, else a failure */
static int
unmount_in_child(void *arg)
{
	struct kevent ev;
	int fd, kq, n;

	(void)arg;
	if (unshare(CLONE_NEWNS) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
		return (2);
	if (mkdir("mnt", 0755) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", "mnt", "tmpfs", 0, NULL) == -1)
		return (2);
	kq = kqueue();
	if ((fd = open("mnt/file", O_RDWR | O_CREAT, 0644)) == -1)
		return (3);
	EV_SET(&ev, (uintptr_t)fd, EVFILT_VNODE, EV_ADD | EV_CLEAR,
	    NOTE_REVOKE | NOTE_ATTRIB, 0, NULL);
	if (kevent(kq, &ev, 1, NULL, 0, NULL) == -1)
		return (4);
	if (umount2("mnt", MNT_DETACH) == -1)
		return (5);
	n = evt_kevent_ms(kq, NULL, 0, &ev, 1, EVT_WAIT_MS);
	if (n == 1 && ((ev.fflags & NOTE_REVOKE) == 0 ||
	    (ev.flags & EV_EOF) == 0))
		return (6);
	if (n == 0) {
		/* the file lives on, and so does its knote */
		(void)fchmod(fd, 0600);
		if (evt_kevent_ms(kq, NULL, 0, &ev, 1, EVT_WAIT_MS) != 1 ||
		    ev.fflags != NOTE_ATTRIB)
			return (7);
	}
	return (n == 1 ? 0 : 1);
}

#endif

EVT_TC(revoke__ends_the_knote, "KQ-172",
    "Where the file is taken away, NOTE_REVOKE comes with EV_EOF")
{
#ifdef __linux__
	int told;

	if ((told = evt_in_child(unmount_in_child, NULL)) == 2)
		atf_tc_skip("mounting in a name space of one's own is "
		    "forbidden here");
	ATF_REQUIRE_MSG(told == 0 || told == 1, "step %d", told);
	EVT_APPROX(told == 0, "a lazy unmount is not told while files are open");
#else
	struct kevent ev;
	int fd, kq, master;

	kq = evt_kq();
	ATF_REQUIRE((master = posix_openpt(O_RDWR | O_NOCTTY)) != -1);
	ATF_REQUIRE_EQ(0, grantpt(master));
	ATF_REQUIRE_EQ(0, unlockpt(master));
	fd = evt_open(ptsname(master), O_RDWR | O_NOCTTY);
	if (evt_change_errno(kq, fd, EVFILT_VNODE, EV_ADD | EV_CLEAR,
	    NOTE_REVOKE, 0, NULL) != 0)
		atf_tc_skip("this system does not watch terminals as files");
	if (revoke(ptsname(master)) == -1)
		atf_tc_skip("revoke: %s", strerror(errno));
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(NOTE_REVOKE, ev.fflags);
	ATF_REQUIRE((ev.flags & EV_EOF) != 0);
	evt_close(fd);
	evt_close(master);
	evt_close(kq);
#endif
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, rename__followed);
	EVT_TP_ADD_TC(tp, rename__only_of_the_file);
	EVT_TP_ADD_TC(tp, unlinked__goes_on);
	EVT_TP_ADD_TC(tp, access__refused);
	EVT_TP_ADD_TC(tp, access__told);
	EVT_TP_ADD_TC(tp, access__own_is_not_told);
	EVT_TP_ADD_TC(tp, share__masks_apart);
	EVT_TP_ADD_TC(tp, share__both_told);
	EVT_TP_ADD_TC(tp, close__ends_the_knote);
	EVT_TP_ADD_TC(tp, close__of_what_is_queued);
	EVT_TP_ADD_TC(tp, close__inode_reused);
	EVT_TP_ADD_TC(tp, close__spares_the_other);
	EVT_TP_ADD_TC(tp, close__of_a_pipe_before);
	EVT_TP_ADD_TC(tp, many__cost_no_descriptors);
	EVT_TP_ADD_TC(tp, many__queues);
	EVT_TP_ADD_TC(tp, overflow__nothing_lost);
	EVT_TP_ADD_TC(tp, revoke__for_no_lesser_reason);
	EVT_TP_ADD_TC(tp, revoke__ends_the_knote);
	return (atf_no_error());
}
