/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * PORT_SOURCE_FILE: what is done to a file, and the events of it.
 */
#include "config.h"

#include "evt_port.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>

#define FILE_ASKED	(FILE_ACCESS | FILE_MODIFIED | FILE_ATTRIB)
#define FILE_WRITTEN	(FILE_MODIFIED | FILE_ATTRIB)

static char name[] = "file", dir[] = "dir";

static void
read_some(const char *path)
{
	char c;
	int fd;

	ATF_REQUIRE((fd = open(path, O_RDONLY)) != -1);
	ATF_REQUIRE_EQ(read(fd, &c, 1), 1);
	evt_close(fd);
}

/* Associates for a mask; then exactly one event, or none if it is 0. */
static int port;
static file_obj_t fo;

static void
ask(char *path, int mask)
{

	evt_port_obj(&fo, path);
	evt_port_file(port, &fo, mask, EVT_USER(7));
}

#define TOLD(events) do {						\
	port_event_t told_ev;						\
									\
	evt_port_one(port, &told_ev);					\
	EVT_PORT_FILE(&told_ev, &fo, events, EVT_USER(7));		\
} while (0)

#define QUIET() do {							\
	evt_port_none(port);						\
	ATF_REQUIRE_EQ(evt_port_nofile_errno(port, &fo), 0);		\
} while (0)

EVT_TC(file__write, "PORT-066",
    "A write is a modification and a change of the attributes, of which comes "
    "what was asked for")
{

	evt_old_file(name);
	port = evt_port();
	ask(name, FILE_ASKED);
	evt_grow(name);
	TOLD(FILE_WRITTEN);
	ask(name, FILE_MODIFIED);
	evt_grow(name);
	TOLD(FILE_MODIFIED);
	ask(name, FILE_ATTRIB);
	evt_grow(name);
	TOLD(FILE_ATTRIB);
	ask(name, FILE_ACCESS);
	evt_grow(name);
	QUIET();
	evt_close(port);
}

EVT_TC(file__read, "PORT-067",
    "A read is an access")
{

	evt_old_file(name);
	port = evt_port();
	ask(name, FILE_ASKED);
	read_some(name);
	TOLD(FILE_ACCESS);
	/* Only what accesses is asked about: no second time is kept by all. */
	ask(name, FILE_WRITTEN);
	read_some(name);
	QUIET();
	evt_close(port);
}

EVT_TC(file__mapped, "PORT-068",
    "What is stored through a mapping gives nothing")
{
	char *p;
	int fd;

	evt_old_file(name);
	port = evt_port();
	ATF_REQUIRE((fd = open(name, O_RDWR)) != -1);
	p = mmap(NULL, 100, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ATF_REQUIRE(p != MAP_FAILED);
	ask(name, FILE_MODIFIED);
	if (!evt_port_scans())
		p[0] = 'm';
	QUIET();
	ATF_REQUIRE_EQ(munmap(p, 100), 0);
	evt_close(fd);
	evt_close(port);
}

EVT_TC(file__attributes, "PORT-069",
    "Mode and owner are attributes alone")
{

	evt_old_file(name);
	port = evt_port();
	ask(name, FILE_ASKED | FILE_TRUNC);
	ATF_REQUIRE_EQ(chmod(name, 0600), 0);
	TOLD(FILE_ATTRIB);
	ask(name, FILE_ASKED);
	if (chown(name, 65533, 65533) == 0) {
		TOLD(FILE_ATTRIB);
	} else
		QUIET();
	ask(name, FILE_ACCESS | FILE_MODIFIED);
	ATF_REQUIRE_EQ(chmod(name, 0640), 0);
	QUIET();
	evt_close(port);
}

EVT_TC(file__times, "PORT-070",
    "Setting times is an attribute, and a modification and an access for those "
    "that were set")
{
	struct timespec ts[2] = { { .tv_sec = 3000 }, { .tv_sec = 4000 } };

	evt_old_file(name);
	port = evt_port();
	ask(name, FILE_ASKED);
	ATF_REQUIRE_EQ(utimensat(AT_FDCWD, name, ts, 0), 0);
	TOLD(FILE_ASKED);
	ask(name, FILE_MODIFIED);
	ts[1].tv_sec++;
	ATF_REQUIRE_EQ(utimensat(AT_FDCWD, name, ts, 0), 0);
	TOLD(FILE_MODIFIED);
	ask(name, FILE_ASKED);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_sec++;
	ATF_REQUIRE_EQ(utimensat(AT_FDCWD, name, ts, 0), 0);
	TOLD(FILE_WRITTEN);
	ask(name, FILE_ASKED);
	ts[0].tv_nsec = 0;
	ts[0].tv_sec++;
	ts[1].tv_nsec = UTIME_OMIT;
	ATF_REQUIRE_EQ(utimensat(AT_FDCWD, name, ts, 0), 0);
	TOLD(FILE_ACCESS | FILE_ATTRIB);
	evt_close(port);
}

EVT_TC(file__truncated, "PORT-071",
    "A file that is truncated says so if that is asked for")
{
	port_event_t ev;

	evt_old_file(name);
	port = evt_port();
	ask(name, FILE_TRUNC);
	evt_grow(name);
	evt_port_none(port);
	ATF_REQUIRE_EQ(truncate(name, 50), 0);
	TOLD(FILE_TRUNC);
	ask(name, FILE_TRUNC | FILE_WRITTEN);
	evt_close(open(name, O_WRONLY | O_TRUNC));
	evt_port_one(port, &ev);
	ATF_REQUIRE_EQ(ev.portev_events & ~FILE_WRITTEN, FILE_TRUNC);
	ask(name, FILE_WRITTEN);
	evt_grow(name);
	TOLD(FILE_WRITTEN);
	evt_close(port);
}

EVT_TC(file__links, "PORT-072",
    "Other names of the file that come and go are attributes, and end nothing")
{

	evt_old_file(name);
	port = evt_port();
	ask(name, FILE_ATTRIB);
	ATF_REQUIRE_EQ(link(name, "link"), 0);
	TOLD(FILE_ATTRIB);
	ask(name, FILE_ATTRIB);
	ATF_REQUIRE_EQ(unlink("link"), 0);
	TOLD(FILE_ATTRIB);
	ask(name, FILE_MODIFIED);
	ATF_REQUIRE_EQ(link(name, "link"), 0);
	ATF_REQUIRE_EQ(rename("link", "link2"), 0);
	ATF_REQUIRE_EQ(unlink("link2"), 0);
	evt_port_none(port);
	evt_grow(name);
	TOLD(FILE_MODIFIED);
	evt_close(port);
}

EVT_TC(file__failures, "PORT-073",
    "What fails gives nothing")
{

	evt_old_file(name);
	ATF_REQUIRE_EQ(mkdir(dir, 0755), 0);
	port = evt_port();
	ask(name, FILE_WRITTEN | FILE_TRUNC);
	ATF_REQUIRE_EQ(link(name, dir), -1);
	ATF_REQUIRE_EQ(rename(name, dir), -1);
	ATF_REQUIRE_EQ(rmdir(name), -1);
	ATF_REQUIRE_EQ(mkdir(name, 0755), -1);
	ATF_REQUIRE_EQ(truncate(name, -1), -1);
	ATF_REQUIRE_EQ(open(name, O_WRONLY | O_CREAT | O_EXCL, 0644), -1);
	QUIET();
	evt_close(port);
}

EVT_TC(directory__entries, "PORT-074",
    "In a directory, entries that come, go or are renamed are a modification, "
    "and a reading is an access")
{
	struct timespec ts[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };
	port_event_t ev;
	DIR *dp;
	int fd;

	ATF_REQUIRE_EQ(mkdir(dir, 0755), 0);
	port = evt_port();
#define ACT(act) do {							\
	ATF_REQUIRE_EQ(utimensat(AT_FDCWD, dir, ts, 0), 0);		\
	ask(dir, FILE_WRITTEN);						\
	ATF_REQUIRE((act) == 0);					\
	TOLD(FILE_WRITTEN);						\
} while (0)
	ACT((fd = open("dir/a", O_WRONLY | O_CREAT, 0644)) == -1);
	evt_close(fd);
	ACT(mkdir("dir/s", 0755));
	ACT(rename("dir/a", "dir/b"));
	ACT(link("dir/b", "dir/c"));
	ACT(symlink("b", "dir/l"));
	ACT(rename("dir/c", "out"));
	ACT(rename("out", "dir/s/in") == 0 && unlink("dir/l") == 0 ? 0 : -1);
	ACT(unlink("dir/b"));
	ACT(rename("dir/s", "s"));
#undef ACT
	ATF_REQUIRE_EQ(utimensat(AT_FDCWD, dir, ts, 0), 0);
	ask(dir, FILE_ASKED);
	ATF_REQUIRE((dp = opendir(dir)) != NULL);
	ATF_REQUIRE(readdir(dp) != NULL);
	ATF_REQUIRE_EQ(closedir(dp), 0);
	TOLD(FILE_ACCESS);
	ask(dir, FILE_TRUNC | FILE_MODIFIED);
	ATF_REQUIRE((fd = open("dir/t", O_WRONLY | O_CREAT, 0644)) != -1);
	evt_close(fd);
	evt_port_one(port, &ev);
	ATF_REQUIRE((ev.portev_events & FILE_MODIFIED) != 0);
	EVT_APPROX((ev.portev_events & FILE_TRUNC) != 0,
	    "a scan does not tell what kind of entry is new");
	evt_close(port);
}

EVT_TC(directory__members, "PORT-075",
    "What is done to a file in it is nothing to the directory")
{

	ATF_REQUIRE_EQ(mkdir(dir, 0755), 0);
	evt_old_file("dir/file");
	port = evt_port();
	ask(dir, FILE_WRITTEN | FILE_TRUNC);
	evt_grow("dir/file");
	ATF_REQUIRE_EQ(chmod("dir/file", 0600), 0);
	ATF_REQUIRE_EQ(truncate("dir/file", 1), 0);
	read_some("dir/file");
	QUIET();
	evt_close(port);
}

EVT_TC(file__by_descriptor, "PORT-091",
    "/proc/self/fd/N watches the open file, also one that was removed")
{
	char path[64];
	int fd;

	evt_old_file(name);
	ATF_REQUIRE((fd = open(name, O_RDWR)) != -1);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (access(path, F_OK) == -1)
		atf_tc_skip("there is no /proc/self/fd");
	port = evt_port();
	ask(path, FILE_WRITTEN | FILE_TRUNC);
	evt_grow(name);
	TOLD(FILE_WRITTEN);
	ATF_REQUIRE_EQ(unlink(name), 0);
	ask(path, FILE_WRITTEN | FILE_TRUNC);
	evt_write(fd, 200);
	TOLD(FILE_WRITTEN);
	ask(path, FILE_TRUNC);
	ATF_REQUIRE_EQ(ftruncate(fd, 3), 0);
	TOLD(FILE_TRUNC);
	ask(path, FILE_ATTRIB);
	ATF_REQUIRE_EQ(fchmod(fd, 0600), 0);
	TOLD(FILE_ATTRIB);
	evt_close(fd);
	evt_close(port);
}

static int
other_process(void *arg)
{

	(void)arg;
	return (chmod(name, 0600) == 0 && rename(name, "moved") == 0 ? 0 : 1);
}

EVT_TC(file__other_process, "PORT-092",
    "What other processes do is told, and a watch keeps nobody from it")
{

	evt_old_file(name);
	port = evt_port();
	ask(name, 0);
	ATF_REQUIRE_EQ(evt_in_child(other_process, NULL), 0);
	TOLD(FILE_RENAME_FROM);
	evt_close(port);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, file__write);
	EVT_TP_ADD_TC(tp, file__read);
	EVT_TP_ADD_TC(tp, file__mapped);
	EVT_TP_ADD_TC(tp, file__attributes);
	EVT_TP_ADD_TC(tp, file__times);
	EVT_TP_ADD_TC(tp, file__truncated);
	EVT_TP_ADD_TC(tp, file__links);
	EVT_TP_ADD_TC(tp, file__failures);
	EVT_TP_ADD_TC(tp, directory__entries);
	EVT_TP_ADD_TC(tp, directory__members);
	EVT_TP_ADD_TC(tp, file__by_descriptor);
	EVT_TP_ADD_TC(tp, file__other_process);
	return (atf_no_error());
}
