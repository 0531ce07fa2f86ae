/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_READ on regular files and directories: data is the distance from the
 * descriptor's offset to the end of the file, and growth wakes.
 */
#include "config.h"

#include "evt.h"

#include <sys/stat.h>
#include <sys/wait.h>

#define file_add(kq, fd, flags) \
	evt_change(kq, fd, EVFILT_READ, EV_ADD | (flags), 0, 0, NULL)

static const unsigned int file_modes[] = {
	EV_CLEAR, EV_ONESHOT, EV_DISPATCH
};

/* A file of so many bytes, its offset at the start. */
static int
file_make(char path[EVT_PATH_MAX], size_t size)
{
	int fd;

	fd = evt_tmpfile(path);
	evt_write(fd, size);
	ATF_REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
	return (fd);
}

static void
file_append(const char *path, size_t n)
{
	int fd;

	ATF_REQUIRE((fd = open(path, O_WRONLY | O_APPEND)) != -1);
	evt_write(fd, n);
	evt_close(fd);
}

EVT_TC(file__size_less_offset, "KQ-126 KQ-065 KQ-094",
    "data follows the offset and the size on every call, and the file is "
    "silent exactly at its end")
{
	struct kevent ev;
	char buf[64], path[EVT_PATH_MAX];
	int fd, i, kq;

	kq = evt_kq();
	fd = file_make(path, 10);
	file_add(kq, fd, 0);
	for (i = 0; i < 3; i++) {
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 10);
		ATF_REQUIRE(evt_readable(kq, 0));
	}
	ATF_REQUIRE_EQ(read(fd, buf, 4), 4);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 6);
	file_append(path, 5);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 11);
	ATF_REQUIRE_EQ(lseek(fd, 1, SEEK_SET), 1);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 14);
	ATF_REQUIRE_EQ(read(fd, buf, 64), 14);
	evt_idle(kq);
	file_append(path, 2);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 2);
	/* Cut down to the offset: nothing is left to read. */
	ATF_REQUIRE(ftruncate(fd, 15) == 0);
	ATF_REQUIRE_EQ(evt_poll(kq, &ev, 1), 0);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(file__past_the_end, "KQ-126",
    "Past the end data is negative")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = file_make(path, 10);
	ATF_REQUIRE_EQ(lseek(fd, 13, SEEK_SET), 13);
	file_add(kq, fd, 0);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, -3);
	ATF_REQUIRE_EQ(lseek(fd, 9, SEEK_SET), 9);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 1);
	ATF_REQUIRE(ftruncate(fd, 4) == 0);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, -5);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(file__big, "KQ-126",
    "Sizes above 4 GB are told in full")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = file_make(path, 1);
	if (ftruncate(fd, (off_t)5 << 30) == -1)
		atf_tc_skip("no large files here: %s", strerror(errno));
	file_add(kq, fd, EV_ONESHOT);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, EV_ONESHOT, 0, (int64_t)5 << 30);
	ATF_REQUIRE(unlink(path) == 0);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(file__one_time_modes, "KQ-126 KQ-091 KQ-092 KQ-095 KQ-096",
    "EV_CLEAR, EV_ONESHOT and EV_DISPATCH give one event for what is there")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, i, kq;

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(file_modes); i++) {
		fd = file_make(path, 10);
		file_add(kq, fd, file_modes[i]);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, file_modes[i], 0, 10);
		evt_idle(kq);
		file_append(path, 1);
		switch (file_modes[i]) {
		case EV_CLEAR:
			evt_one(kq, &ev);
			EVT_EVENT(&ev, fd, EVFILT_READ, EV_CLEAR, 0, 11);
			break;
		case EV_DISPATCH:
			evt_none(kq);
			evt_change(kq, fd, EVFILT_READ, EV_ENABLE, 0, 0, NULL);
			evt_one(kq, &ev);
			EVT_EVENT(&ev, fd, EVFILT_READ, EV_DISPATCH, 0, 11);
			break;
		default:
			evt_none(kq);
			ATF_REQUIRE_EQ(evt_change_errno(kq, fd, EVFILT_READ,
			    EV_DELETE, 0, 0, NULL), ENOENT);
			break;
		}
		evt_none(kq);
		evt_close(fd);
	}
	evt_close(kq);
}

EVT_TC(file__read_to_the_end_first, "KQ-126 KQ-063",
    "What was read before the call is not reported, in any mode")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, i, kq;

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(file_modes); i++) {
		if (file_modes[i] == EV_ONESHOT)
			continue;	/* told once active, by KQ-064 */
		fd = file_make(path, 10);
		file_add(kq, fd, file_modes[i]);
		(void)evt_drain(fd);
		evt_none(kq);
		file_append(path, 2);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, file_modes[i], 0, 2);
		evt_close(fd);
	}
	evt_close(kq);
}

struct file_waiter {
	int		fw_kq;
	int		fw_count;
	int		fw_ms;
	struct kevent	fw_event;
};

static void
file_waiting(void *arg)
{
	struct file_waiter *fw = arg;

	fw->fw_count = evt_kevent_ms(fw->fw_kq, NULL, 0, &fw->fw_event, 1,
	    fw->fw_ms);
}

/* The ways in which another file description makes the file grow by 5. */
static void
file_grow_write(const char *path)
{
	file_append(path, 5);
}

static void
file_grow_pwrite(const char *path)
{
	int fd;

	ATF_REQUIRE((fd = open(path, O_RDWR)) != -1);
	ATF_REQUIRE_EQ(pwrite(fd, "12345", 5, 10), 5);
	evt_close(fd);
}

static void
file_grow_truncate(const char *path)
{
	ATF_REQUIRE(truncate(path, 15) == 0);
}

static void
file_grow_by_link(const char *path)
{
	ATF_REQUIRE(link(path, "othername") == 0);
	file_append("othername", 5);
	ATF_REQUIRE(unlink("othername") == 0);
}

static void
file_grow_by_child(const char *path)
{
	pid_t pid;
	int fd, status;

	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		fd = open(path, O_WRONLY | O_APPEND);
		_exit(write(fd, "12345", 5) == 5 ? 0 : 1);
	}
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
}

static void
file_grow_after_rename(const char *path)
{
	ATF_REQUIRE(rename(path, "moved") == 0);
	file_append("moved", 5);
	ATF_REQUIRE(rename("moved", path) == 0);
}

EVT_TC(file__growth_wakes, "KQ-127 KQ-129",
    "At the end of the file a wait ends when the file grows, by any call, "
    "name or process")
{
	static void (*const ways[])(const char *) = {
		file_grow_write, file_grow_pwrite, file_grow_truncate,
		file_grow_by_link, file_grow_by_child, file_grow_after_rename
	};
	struct evt_thread thread;
	struct file_waiter fw;
	char path[EVT_PATH_MAX];
	int fd, i;

	for (i = 0; i < 2 * EVT_NITEMS(ways); i++) {
		unsigned int mode = i % 2 ? EV_CLEAR : 0;

		fw.fw_kq = evt_kq();
		fw.fw_ms = 3 * EVT_WAIT_MS;
		fd = file_make(path, 10);
		(void)evt_drain(fd);
		file_add(fw.fw_kq, fd, mode);
		evt_none(fw.fw_kq);
		evt_thread_start(&thread, file_waiting, &fw);
		evt_thread_asleep(&thread);
		ways[i / 2](path);
		evt_thread_join(&thread);
		ATF_REQUIRE_EQ_MSG(fw.fw_count, 1, "way %d", i / 2);
		EVT_EVENT(&fw.fw_event, fd, EVFILT_READ, mode, 0, 5);
		evt_close(fd);
		evt_close(fw.fw_kq);
	}
}

EVT_TC(file__unlinked, "KQ-129 KQ-127",
    "A file without a name is watched through its descriptor")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, i, kq, other;

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		fd = file_make(path, 3);
		ATF_REQUIRE((other = open(path, O_WRONLY | O_APPEND)) != -1);
		(void)evt_drain(fd);
		if (i == 0)
			ATF_REQUIRE(unlink(path) == 0);
		file_add(kq, fd, 0);
		if (i == 1)
			ATF_REQUIRE(unlink(path) == 0);
		evt_none(kq);
		evt_write(other, 4);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 4);
		evt_close(other);
		(void)evt_drain(fd);
		evt_none(kq);
		evt_write(fd, 1);
		ATF_REQUIRE_EQ(lseek(fd, 0, SEEK_SET), 0);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 8);
		evt_close(fd);
	}
	evt_close(kq);
}

EVT_TC(file__seeking_wakes_nobody, "KQ-128",
    "Moving the offset back does not end a wait; EV_ADD or a write does")
{
	struct evt_thread thread;
	struct file_waiter fw;
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, i;

	for (i = 0; i < 2; i++) {
		fw.fw_kq = evt_kq();
		fw.fw_ms = 6 * EVT_QUIET_MS;
		fd = file_make(path, 10);
		(void)evt_drain(fd);
		file_add(fw.fw_kq, fd, 0);
		evt_none(fw.fw_kq);
		evt_thread_start(&thread, file_waiting, &fw);
		evt_thread_asleep(&thread);
		ATF_REQUIRE_EQ(lseek(fd, 4, SEEK_SET), 4);
		evt_thread_join(&thread);
		ATF_REQUIRE_EQ(fw.fw_count, 0);
		if (i == 0)
			file_add(fw.fw_kq, fd, 0);
		else
			file_append(path, 1);
		evt_one(fw.fw_kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, i == 0 ? 6 : 7);
		evt_close(fd);
		evt_close(fw.fw_kq);
	}
}

EVT_TC(file__two_descriptors, "KQ-126 KQ-127 KQ-068",
    "Two opens of one file have their own offsets, in one queue and in two")
{
	struct kevent ev[4];
	char path[EVT_PATH_MAX];
	int fd[2], i, kq[2], n;

	kq[0] = evt_kq();
	kq[1] = evt_kq();
	fd[0] = file_make(path, 10);
	ATF_REQUIRE((fd[1] = open(path, O_RDONLY)) != -1);
	(void)evt_drain(fd[0]);
	ATF_REQUIRE_EQ(lseek(fd[1], 6, SEEK_SET), 6);
	for (i = 0; i < 2; i++) {
		file_add(kq[i], fd[0], 0);
		file_add(kq[i], fd[1], EV_CLEAR);
	}
	for (i = 0; i < 2; i++) {
		evt_one(kq[i], &ev[0]);
		EVT_EVENT(&ev[0], fd[1], EVFILT_READ, EV_CLEAR, 0, 4);
		evt_none(kq[i]);
	}
	file_append(path, 1);
	for (i = 0; i < 2; i++) {
		int seen = 0;

		while (seen != 3 && (n = evt_get(kq[i], ev, 4)) > 0)
			for (; n > 0; n--) {
				bool first = ev[n - 1].ident ==
				    (uintptr_t)fd[0];

				EVT_EVENT(&ev[n - 1], first ? fd[0] : fd[1],
				    EVFILT_READ, first ? 0 : EV_CLEAR, 0,
				    first ? 1 : 5);
				seen |= first ? 1 : 2;
			}
		ATF_REQUIRE_EQ(seen, 3);
	}
	/* Closing one leaves the other. */
	evt_close(fd[0]);
	evt_none(kq[0]);
	file_append(path, 1);
	evt_one(kq[0], &ev[0]);
	EVT_EVENT(&ev[0], fd[1], EVFILT_READ, EV_CLEAR, 0, 6);
	evt_close(fd[1]);
	evt_close(kq[0]);
	evt_close(kq[1]);
}

EVT_TC(file__with_vnode_knote, "KQ-126 KQ-127 KQ-067",
    "READ and VNODE of one file are two knotes with their own modes")
{
	struct kevent ev[4];
	char path[EVT_PATH_MAX];
	int fd, kq, n, seen = 0;

	kq = evt_kq();
	fd = file_make(path, 10);
	(void)evt_drain(fd);
	file_add(kq, fd, 0);
	evt_change(kq, fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_ATTRIB, 0,
	    NULL);
	file_append(path, 3);
	evt_one(kq, &ev[0]);
	EVT_EVENT(&ev[0], fd, EVFILT_READ, 0, 0, 3);
	ATF_REQUIRE(fchmod(fd, 0640) == 0);
	while (seen != 3 && (n = evt_get(kq, ev, 4)) > 0)
		for (; n > 0; n--)
			seen |= ev[n - 1].filter == EVFILT_READ ? 1 : 2;
	ATF_REQUIRE_EQ(seen, 3);
	evt_change(kq, fd, EVFILT_VNODE, EV_DELETE, 0, 0, NULL);
	(void)evt_drain(fd);
	evt_none(kq);
	file_append(path, 2);
	evt_one(kq, &ev[0]);
	EVT_EVENT(&ev[0], fd, EVFILT_READ, 0, 0, 2);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(file__disabled_keeps_growth, "KQ-127 KQ-082 KQ-084",
    "Growth while disabled is told after EV_ENABLE, and not if it was read")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = file_make(path, 10);
	file_add(kq, fd, EV_DISABLE);
	evt_idle(kq);
	evt_change(kq, fd, EVFILT_READ, EV_ENABLE, 0, 0, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 10);
	evt_change(kq, fd, EVFILT_READ, EV_DISABLE, 0, 0, NULL);
	(void)evt_drain(fd);
	file_append(path, 3);
	evt_idle(kq);
	evt_change(kq, fd, EVFILT_READ, EV_ENABLE, 0, 0, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 3);
	evt_change(kq, fd, EVFILT_READ, EV_DISABLE, 0, 0, NULL);
	file_append(path, 3);
	(void)evt_drain(fd);
	evt_change(kq, fd, EVFILT_READ, EV_ENABLE, 0, 0, NULL);
	evt_none(kq);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(file__poll_note, "KQ-130",
    "NOTE_FILE_POLL makes a file fire at every call, at its end too")
{
#if !defined(NOTE_FILE_POLL) && !defined(NOTE_EOF)
	atf_tc_skip("this system has neither NOTE_FILE_POLL nor NOTE_EOF");
#else
#ifdef NOTE_FILE_POLL
	const unsigned int note = NOTE_FILE_POLL;
#else
	const unsigned int note = NOTE_EOF;
#endif
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, i, kq;

	kq = evt_kq();
	fd = file_make(path, 4);
	evt_change(kq, fd, EVFILT_READ, EV_ADD, note, 0, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(ev.data, 4);
	(void)evt_drain(fd);
	for (i = 0; i < 3; i++) {
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.ident == (uintptr_t)fd && ev.data == 0);
	}
	/* Adding again without the note ends that. */
	file_add(kq, fd, 0);
	evt_none(kq);
	evt_close(fd);
	evt_close(kq);
#endif
}

EVT_TC(file__many_fairly, "KQ-126 KQ-061 KQ-062",
    "Files that are all ready take turns in short lists")
{
	struct kevent ev[3];
	char path[EVT_PATH_MAX];
	int fd[9], i, kq, n, round, seen[9];

	kq = evt_kq();
	for (i = 0; i < 9; i++) {
		fd[i] = file_make(path, 10);
		evt_change(kq, fd[i], EVFILT_READ, EV_ADD, 0, 0,
		    (void *)(intptr_t)i);
	}
	for (round = 0; round < 3; round++) {
		memset(seen, 0, sizeof(seen));
		for (i = 0; i < 3; i++) {
			n = evt_get(kq, ev, 3);
			ATF_REQUIRE_EQ(n, 3);
			while (n-- > 0)
				seen[(intptr_t)ev[n].udata]++;
		}
		for (i = 0; i < 9; i++)
			ATF_REQUIRE_EQ_MSG(seen[i], 1, "file %d came %d times",
			    i, seen[i]);
	}
	for (i = 0; i < 9; i++)
		evt_close(fd[i]);
	evt_close(kq);
}

EVT_TC(directory__can_be_added, "KQ-131",
    "EV_ADD of EVFILT_READ on a directory succeeds, and so does EV_DELETE")
{
	int fd, kq;

	kq = evt_kq();
	ATF_REQUIRE((fd = open(".", O_RDONLY)) != -1);
	evt_change(kq, fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_change(kq, fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
	evt_idle(kq);
	evt_close(fd);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, file__size_less_offset);
	EVT_TP_ADD_TC(tp, file__past_the_end);
	EVT_TP_ADD_TC(tp, file__big);
	EVT_TP_ADD_TC(tp, file__one_time_modes);
	EVT_TP_ADD_TC(tp, file__read_to_the_end_first);
	EVT_TP_ADD_TC(tp, file__growth_wakes);
	EVT_TP_ADD_TC(tp, file__unlinked);
	EVT_TP_ADD_TC(tp, file__seeking_wakes_nobody);
	EVT_TP_ADD_TC(tp, file__two_descriptors);
	EVT_TP_ADD_TC(tp, file__with_vnode_knote);
	EVT_TP_ADD_TC(tp, file__disabled_keeps_growth);
	EVT_TP_ADD_TC(tp, file__poll_note);
	EVT_TP_ADD_TC(tp, file__many_fairly);
	EVT_TP_ADD_TC(tp, directory__can_be_added);
	return (atf_no_error());
}
