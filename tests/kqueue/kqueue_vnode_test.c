/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_VNODE on regular files: which act is told by which note.
 */
#include "config.h"

#include "evt_note.h"

#include <sys/socket.h>
#include <sys/stat.h>

static int
write_in_child(void *arg)
{
	int fd;

	if ((fd = open(arg, O_WRONLY)) == -1)
		return (1);
	return (write(fd, "c", 1) == 1 ? 0 : 2);
}

EVT_TC(add__files_and_directories, "KQ-155",
    "A regular file can be watched however it was opened, a directory too")
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	char path[EVT_PATH_MAX];
	int fd, i, kq, tmp;

	kq = evt_kq();
	tmp = evt_tmpfile(path);
	for (i = 0; i < EVT_NITEMS(modes); i++) {
		fd = evt_open(path, modes[i]);
		evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
		ATF_REQUIRE_EQ(0, chmod(path, i == 1 ? 0600 : 0640));
		evt_told_only(kq, fd, NOTE_ATTRIB);
		evt_close(fd);
	}
	ATF_REQUIRE_EQ(0, mkdir("dir", 0755));
	fd = evt_open("dir", O_RDONLY);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, chmod("dir", 0700));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	evt_close(fd);
	evt_close(tmp);
	evt_close(kq);
}

EVT_TC(add__socket_or_pipe_refused, "KQ-155 KQ-255",
    "Pipes and sockets are no files: EOPNOTSUPP, and no knote is left")
{
	int error, i, kq, fds[4];

	kq = evt_kq();
	evt_pipe(fds);
	evt_sockpair(fds + 2, SOCK_STREAM);
	for (i = 0; i < 4; i++) {
		error = evt_change_errno(kq, fds[i], EVFILT_VNODE, EV_ADD,
		    EVT_NOTES, 0, NULL);
		if (!evt_native())
			ATF_REQUIRE_EQ(EOPNOTSUPP, error);
		ATF_REQUIRE_MSG(error == EOPNOTSUPP || error == EINVAL,
		    "errno %d", error);
		ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, fds[i],
		    EVFILT_VNODE, EV_DELETE, 0, 0, NULL));
	}
	for (i = 0; i < 4; i++)
		evt_close(fds[i]);
	evt_close(kq);
}

/* A FIFO opened by its name and watched, or a skip. */
static int
watched_fifo(int kq, const char *name)
{
	int error, fd;

	ATF_REQUIRE_EQ(0, mkfifo(name, 0600));
	fd = evt_open(name, O_RDONLY | O_NONBLOCK);
	error = evt_change_errno(kq, fd, EVFILT_VNODE, EV_ADD | EV_CLEAR,
	    EVT_NOTES, 0, NULL);
	if (error != 0 && evt_native())
		atf_tc_skip("this system does not watch FIFOs");
	ATF_REQUIRE_EQ(0, error);
	return (fd);
}

EVT_TC(add__fifo_with_a_name, "KQ-155 KQ-162 KQ-163 KQ-164 KQ-167",
    "A FIFO that was opened by its name tells what becomes of the name")
{
	int fd, kq;

	kq = evt_kq();
	fd = watched_fifo(kq, "fifo");
	ATF_REQUIRE_EQ(0, chmod("fifo", 0640));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	ATF_REQUIRE_EQ(0, link("fifo", "other"));
	evt_told_only(kq, fd, NOTE_LINK);
	ATF_REQUIRE_EQ(0, unlink("other"));
	evt_within(evt_told_any(kq, fd), NOTE_LINK | NOTE_DELETE);
	ATF_REQUIRE_EQ(0, rename("fifo", "other"));
	evt_told_only(kq, fd, NOTE_RENAME);
	ATF_REQUIRE_EQ(0, unlink("other"));
	(void)evt_told(kq, fd, NOTE_DELETE);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(add__fifo_by_both_filters, "KQ-155 KQ-067 KQ-103",
    "The knotes of a FIFO for its bytes and for its name are two, and end "
    "with its number")
{
	struct kevent ev;
	int fd, kq, tmp, w;

	kq = evt_kq();
	fd = watched_fifo(kq, "fifo");
	evt_change(kq, fd, EVFILT_VNODE, EV_ADD, NOTE_ATTRIB, 0, NULL);
	evt_change(kq, fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
	w = evt_open("fifo", O_WRONLY);
	evt_none(kq);
	evt_write(w, 3);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 3);
	evt_drain(fd);
	ATF_REQUIRE_EQ(0, chmod("fifo", 0640));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	evt_change(kq, fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
	evt_write(w, 3);
	evt_none(kq);
	ATF_REQUIRE_EQ(0, chmod("fifo", 0600));
	evt_told_only(kq, fd, NOTE_ATTRIB);

	evt_change(kq, fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE_EQ(0, mkfifo("second", 0600));
	tmp = evt_open("second", O_RDONLY | O_NONBLOCK);
	ATF_REQUIRE_EQ(fd, dup2(tmp, fd));
	evt_close(w);
	w = evt_open("second", O_WRONLY);
	evt_write(w, 3);
	ATF_REQUIRE_EQ(0, chmod("fifo", 0640));
	ATF_REQUIRE_EQ(0, chmod("second", 0640));
	evt_none(kq);
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, fd, EVFILT_VNODE,
	    EV_DELETE, 0, 0, NULL));
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, fd, EVFILT_READ,
	    EV_DELETE, 0, 0, NULL));
	evt_close(tmp);
	evt_close(w);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(notes__only_requested, "KQ-156",
    "Acts whose note was not asked for give no event")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_watch(kq, fd, EV_CLEAR, NOTE_DELETE);
	evt_write(fd, 10);
	ATF_REQUIRE_EQ(0, ftruncate(fd, 5));
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	ATF_REQUIRE_EQ(0, rename(path, "other"));
	evt_none(kq);
	ATF_REQUIRE_EQ(0, unlink("other"));
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_VNODE, EV_CLEAR, NOTE_DELETE, 0);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(notes__nothing_from_before_the_add, "KQ-156",
    "What happened before EV_ADD is not told, whoever watched then")
{
	char path[EVT_PATH_MAX];
	int fd, fd2, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_write(fd, 10);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	evt_none(kq);

	/* A second knote of the file, while a note of the first waits. */
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	fd2 = evt_open(path, O_RDONLY);
	evt_watch(kq, fd2, EV_CLEAR, EVT_NOTES);
	evt_told_only(kq, fd, NOTE_ATTRIB);
	evt_change(kq, fd, EVFILT_VNODE, EV_DELETE, 0, 0, NULL);

	/* A third that comes while the second's waits, and takes its place. */
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	evt_change(kq, fd2, EVFILT_VNODE, EV_DELETE, 0, 0, NULL);
	evt_watch(kq, fd2, EV_CLEAR, EVT_NOTES);
	evt_none(kq);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	evt_told_only(kq, fd2, NOTE_ATTRIB);
	evt_close(fd2);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(notes__wider_mask_does_not_reach_back, "KQ-156 KQ-071",
    "Notes added by a later EV_ADD count from then on")
{
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE | NOTE_ATTRIB);
	evt_none(kq);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	/* and a narrower one ends what it leaves out */
	evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	evt_none(kq);
	evt_write(fd, 1);
	evt_told_only(kq, fd, NOTE_WRITE);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(notes__merge, "KQ-157 KQ-162 KQ-062",
    "Several acts before the collection are one event with all their notes")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	evt_write(fd, 10);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	ATF_REQUIRE_EQ(0, link(path, "second"));
	if (strcmp(evt_backend(), "linux") == 0) {
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_VNODE, EV_CLEAR,
		    NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB | NOTE_LINK, 0);
		evt_none(kq);
	} else
		evt_told_only(kq, fd, NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB |
		    NOTE_LINK);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(notes__pile_up_without_clear, "KQ-158",
    "A level knote returns at each call, with every note told so far")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, i, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_watch(kq, fd, 0, NOTE_WRITE | NOTE_ATTRIB);
	evt_write(fd, 10);
	for (i = 0; i < 3; i++) {
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_VNODE, 0, NOTE_WRITE, 0);
	}
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	(void)evt_told(kq, fd, NOTE_WRITE | NOTE_ATTRIB);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE(evt_readable(kq, 0));
		ATF_REQUIRE_EQ(1, evt_poll(kq, &ev, 1));
		EVT_EVENT(&ev, fd, EVFILT_VNODE, 0, NOTE_WRITE | NOTE_ATTRIB,
		    0);
	}
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(notes__clear_starts_afresh, "KQ-158",
    "With EV_CLEAR each event has only what came since the one before")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, i, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_write(fd, 10);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 0));
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_VNODE, EV_CLEAR, NOTE_WRITE, 0);
		evt_none(kq);
		ATF_REQUIRE_EQ(0, fchmod(fd, i % 2 ? 0600 : 0644));
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_VNODE, EV_CLEAR, NOTE_ATTRIB, 0);
		evt_none(kq);
	}
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(notes__kept_while_disabled, "KQ-085 KQ-157",
    "Notes told while the knote is disabled come out after the enable")
{
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_watch(kq, fd, EV_CLEAR | EV_DISABLE, EVT_NOTES);
	evt_write(fd, 10);
	evt_none(kq);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	evt_change(kq, fd, EVFILT_VNODE, EV_ENABLE, EVT_NOTES, 0, NULL);
	evt_told_only(kq, fd, NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(notes__modes, "KQ-091 KQ-095 KQ-158",
    "One-shot and dispatch work for files as for anything else")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_watch(kq, fd, EV_ONESHOT, NOTE_ATTRIB);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_VNODE, EV_ONESHOT, NOTE_ATTRIB, 0);
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, fd, EVFILT_VNODE,
	    EV_DELETE, 0, 0, NULL));

	evt_watch(kq, fd, EV_DISPATCH | EV_CLEAR, NOTE_ATTRIB | NOTE_WRITE);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(NOTE_ATTRIB, ev.fflags);
	evt_write(fd, 1);
	if (!evt_native()) {	/* NetBSD: EV_CLEAR wins */
		evt_none(kq);
		evt_change(kq, fd, EVFILT_VNODE, EV_ENABLE,
		    NOTE_ATTRIB | NOTE_WRITE, 0, NULL);
	}
	evt_told_only(kq, fd, NOTE_WRITE);
	evt_close(fd);
	evt_close(kq);
}

struct waiter {
	int		kq;
	struct kevent	ev;
	int		n;
};

static void
wait_for_one(void *arg)
{
	struct waiter *w = arg;

	w->n = evt_get(w->kq, &w->ev, 1);
}

EVT_TC(write__wakes_a_waiting_thread, "KQ-159 KQ-016",
    "A write ends a wait that had begun before, and a poll(2)")
{
	struct evt_thread t;
	struct waiter w;
	char path[EVT_PATH_MAX];
	int fd;

	w.kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_watch(w.kq, fd, EV_CLEAR, NOTE_WRITE);
	evt_thread_start(&t, wait_for_one, &w);
	evt_thread_asleep(&t);
	evt_write(fd, 1);
	evt_thread_join(&t);
	ATF_REQUIRE_EQ(1, w.n);
	EVT_EVENT(&w.ev, fd, EVFILT_VNODE, EV_CLEAR, NOTE_WRITE, 0);
	ATF_REQUIRE(!evt_readable(w.kq, 0));
	evt_write(fd, 1);
	ATF_REQUIRE(evt_readable(w.kq, EVT_WAIT_MS));
	evt_told_only(w.kq, fd, NOTE_WRITE);
	evt_close(fd);
	evt_close(w.kq);
}

EVT_TC(write__whoever_and_however, "KQ-159",
    "Same size, other descriptor, other name or other process: NOTE_WRITE")
{
	char path[EVT_PATH_MAX];
	int fd, kq, other;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_write(fd, 10);
	ATF_REQUIRE_EQ(0, link(path, "name2"));
	evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE);

	/* the very same bytes again */
	ATF_REQUIRE_EQ(2, pwrite(fd, "ee", 2, 0));
	evt_told_only(kq, fd, NOTE_WRITE);
	other = evt_open(path, O_WRONLY);
	ATF_REQUIRE_EQ(1, write(other, "a", 1));
	evt_told_only(kq, fd, NOTE_WRITE);
	evt_close(other);
	evt_none(kq);
	other = evt_open("name2", O_WRONLY | O_APPEND);
	ATF_REQUIRE_EQ(1, write(other, "b", 1));
	evt_told_only(kq, fd, NOTE_WRITE);
	evt_close(other);
	ATF_REQUIRE_EQ(0, evt_in_child(write_in_child, path));
	evt_told_only(kq, fd, NOTE_WRITE);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(extend__only_for_growth, "KQ-160",
    "A write past the end has NOTE_EXTEND besides NOTE_WRITE, others not")
{
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_write(fd, 100);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 0));
	evt_told_only(kq, fd, NOTE_WRITE);
	ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 99));
	evt_told_only(kq, fd, NOTE_WRITE);
	ATF_REQUIRE_EQ(2, pwrite(fd, "xx", 2, 99));
	evt_told_only(kq, fd, NOTE_WRITE | NOTE_EXTEND);
	ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 100));
	evt_told_only(kq, fd, NOTE_WRITE);
	ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 5000));
	evt_told_only(kq, fd, NOTE_WRITE | NOTE_EXTEND);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(extend__measured_from_the_last_size, "KQ-160 KQ-156",
    "Growth counts from the size before the write, not the largest ever")
{
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_write(fd, 100);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, ftruncate(fd, 10));
	(void)evt_told_any(kq, fd);
	ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 20));
	(void)evt_told(kq, fd, NOTE_WRITE | NOTE_EXTEND);

	/* the same when growth is all that was asked for */
	evt_watch(kq, fd, EV_CLEAR, NOTE_EXTEND);
	ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 20));
	evt_none(kq);
	ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 21));
	evt_told_only(kq, fd, NOTE_EXTEND);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(truncate__down, "KQ-161",
    "Making the file shorter is told, and never as growth")
{
	char path[EVT_PATH_MAX];
	unsigned int got;
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_write(fd, 100);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, ftruncate(fd, 50));
	got = evt_told_any(kq, fd);
	evt_within(got, NOTE_WRITE | NOTE_ATTRIB | EVT_NOTE_TRUNCATE);
	if (!evt_native())
		ATF_REQUIRE_EQ(NOTE_WRITE | EVT_NOTE_TRUNCATE,
		    got & (NOTE_WRITE | EVT_NOTE_TRUNCATE));

	/* by name, to nothing, and asked for one note at a time */
	if (!evt_native()) {
		evt_watch(kq, fd, EV_CLEAR, NOTE_WRITE);
		ATF_REQUIRE_EQ(0, truncate(path, 20));
		evt_told_only(kq, fd, NOTE_WRITE);
		evt_watch(kq, fd, EV_CLEAR, EVT_NOTE_TRUNCATE);
		evt_close(evt_open(path, O_WRONLY | O_TRUNC));
		evt_told_only(kq, fd, EVT_NOTE_TRUNCATE);
	}
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(truncate__up, "KQ-161 KQ-160",
    "Making the file longer by ftruncate is told as growth, not as a cut")
{
	char path[EVT_PATH_MAX];
	unsigned int got;
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_write(fd, 100);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, ftruncate(fd, 200));
	got = evt_told_any(kq, fd);
	evt_within(got, NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB);
	if (!evt_native())
		ATF_REQUIRE_EQ(NOTE_WRITE | NOTE_EXTEND,
		    got & (NOTE_WRITE | NOTE_EXTEND));
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(attrib__mode_owner_times, "KQ-162",
    "chmod, chown and utimes, the same values again too, are NOTE_ATTRIB")
{
	struct timespec ts[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	char path[EVT_PATH_MAX];
	unsigned int got;
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, chmod(path, 0644));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	ATF_REQUIRE_EQ(0, chown(path, getuid(), getgid()));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	ATF_REQUIRE_EQ(0, futimens(fd, ts));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	ATF_REQUIRE_EQ(0, utimensat(AT_FDCWD, path, NULL, 0));
	got = evt_told(kq, fd, NOTE_ATTRIB);
	evt_within(got, NOTE_ATTRIB | NOTE_WRITE);
	EVT_APPROX(got == NOTE_ATTRIB, "times set to now look like a write "
	    "to who scans");
	if (evt_native() || strcmp(evt_backend(), "linux") == 0)
		ATF_REQUIRE_EQ(NOTE_ATTRIB, got);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(link__second_name, "KQ-163 KQ-162",
    "A second name is NOTE_LINK and no NOTE_ATTRIB; a chmod is no NOTE_LINK")
{
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_watch(kq, fd, EV_CLEAR, NOTE_LINK);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	evt_none(kq);
	ATF_REQUIRE_EQ(0, link(path, "name2"));
	evt_told_only(kq, fd, NOTE_LINK);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, link(path, "name3"));
	evt_told_only(kq, fd, NOTE_LINK);
	/* both at once: the kernel may make one record of the two */
	ATF_REQUIRE_EQ(0, link(path, "name4"));
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	evt_told_only(kq, fd, NOTE_LINK | NOTE_ATTRIB);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(delete__last_name_while_open, "KQ-164",
    "Losing the last name is NOTE_DELETE before the descriptor is closed")
{
	char path[EVT_PATH_MAX];
	unsigned int got;
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_watch(kq, fd, EV_CLEAR, NOTE_DELETE);
	ATF_REQUIRE_EQ(0, chmod(path, 0644));
	evt_none(kq);
	ATF_REQUIRE_EQ(0, unlink(path));
	evt_told_only(kq, fd, NOTE_DELETE);
	evt_close(fd);

	fd = evt_tmpfile(path);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, unlink(path));
	got = evt_told(kq, fd, NOTE_DELETE);
	evt_within(got, NOTE_DELETE | NOTE_LINK);
	evt_none(kq);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(delete__told_once, "KQ-164 KQ-156 KQ-173",
    "A nameless file that changes again is not deleted again")
{
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	evt_watch(kq, fd, EV_CLEAR, NOTE_DELETE | NOTE_ATTRIB | NOTE_WRITE);
	ATF_REQUIRE_EQ(0, unlink(path));
	(void)evt_told_any(kq, fd);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0644));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	/* nor is it when the knote came after the unlink */
	evt_change(kq, fd, EVFILT_VNODE, EV_DELETE, 0, 0, NULL);
	evt_watch(kq, fd, EV_CLEAR, NOTE_DELETE | NOTE_ATTRIB | NOTE_WRITE);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	evt_told_only(kq, fd, NOTE_ATTRIB);
	evt_write(fd, 1);
	evt_told_only(kq, fd, NOTE_WRITE);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(delete__one_of_two_names, "KQ-165",
    "Losing one of two names is NOTE_DELETE, NOTE_LINK or both")
{
	char path[EVT_PATH_MAX];
	unsigned int got;
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	ATF_REQUIRE_EQ(0, link(path, "name2"));
	ATF_REQUIRE_EQ(0, link(path, "name3"));
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, unlink("name3"));
	got = evt_told_any(kq, fd);
	evt_within(got, NOTE_DELETE | NOTE_LINK);
	if (!evt_native()) {
		ATF_REQUIRE_EQ(NOTE_DELETE | NOTE_LINK, got);
		evt_watch(kq, fd, EV_CLEAR, NOTE_LINK);
		ATF_REQUIRE_EQ(0, unlink("name2"));
		evt_told_only(kq, fd, NOTE_LINK);
	}
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(delete__renamed_over, "KQ-166 KQ-167",
    "The file under a rename's new name is deleted, the mover renamed")
{
	char path[EVT_PATH_MAX], victim[EVT_PATH_MAX];
	unsigned int got;
	int fd, kq, kq2, old;

	kq = evt_kq();
	kq2 = evt_kq();
	fd = evt_tmpfile(path);
	old = evt_tmpfile(victim);
	evt_watch(kq, fd, EV_CLEAR, EVT_NOTES);
	evt_watch(kq2, old, EV_CLEAR, EVT_NOTES);
	ATF_REQUIRE_EQ(0, rename(path, victim));
	evt_told_only(kq, fd, NOTE_RENAME);
	got = evt_told(kq2, old, NOTE_DELETE);
	evt_within(got, NOTE_DELETE | NOTE_LINK);
	/* asked for nothing else, it is told as well */
	evt_watch(kq, fd, EV_CLEAR, NOTE_DELETE);
	evt_close(old);
	old = evt_tmpfile(path);
	ATF_REQUIRE_EQ(0, rename(path, victim));
	evt_told_only(kq, fd, NOTE_DELETE);
	evt_close(old);
	evt_close(fd);
	evt_close(kq2);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, add__files_and_directories);
	EVT_TP_ADD_TC(tp, add__socket_or_pipe_refused);
	EVT_TP_ADD_TC(tp, add__fifo_with_a_name);
	EVT_TP_ADD_TC(tp, add__fifo_by_both_filters);
	EVT_TP_ADD_TC(tp, notes__only_requested);
	EVT_TP_ADD_TC(tp, notes__nothing_from_before_the_add);
	EVT_TP_ADD_TC(tp, notes__wider_mask_does_not_reach_back);
	EVT_TP_ADD_TC(tp, notes__merge);
	EVT_TP_ADD_TC(tp, notes__pile_up_without_clear);
	EVT_TP_ADD_TC(tp, notes__clear_starts_afresh);
	EVT_TP_ADD_TC(tp, notes__kept_while_disabled);
	EVT_TP_ADD_TC(tp, notes__modes);
	EVT_TP_ADD_TC(tp, write__wakes_a_waiting_thread);
	EVT_TP_ADD_TC(tp, write__whoever_and_however);
	EVT_TP_ADD_TC(tp, extend__only_for_growth);
	EVT_TP_ADD_TC(tp, extend__measured_from_the_last_size);
	EVT_TP_ADD_TC(tp, truncate__down);
	EVT_TP_ADD_TC(tp, truncate__up);
	EVT_TP_ADD_TC(tp, attrib__mode_owner_times);
	EVT_TP_ADD_TC(tp, link__second_name);
	EVT_TP_ADD_TC(tp, delete__last_name_while_open);
	EVT_TP_ADD_TC(tp, delete__told_once);
	EVT_TP_ADD_TC(tp, delete__one_of_two_names);
	EVT_TP_ADD_TC(tp, delete__renamed_over);
	return (atf_no_error());
}
