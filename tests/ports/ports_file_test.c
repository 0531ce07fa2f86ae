/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * PORT_SOURCE_FILE: associating, renewing and ending, and what is refused.
 */
#include "config.h"

#include "evt_port.h"

#include <sys/stat.h>

#define FILE_ASKED	(FILE_ACCESS | FILE_MODIFIED | FILE_ATTRIB)

static char name[] = "file", other[] = "other";

/* ---- times --------------------------------------------------------------- */

EVT_TC(associate__quiet, "PORT-056",
    "A file associated with no times, or with those it has, gives nothing "
    "while nothing happens")
{
	file_obj_t fo, fo2;
	int port;

	evt_old_file(name);
	port = evt_port();
	evt_port_obj(&fo, name);
	evt_port_file(port, &fo, FILE_ASKED | FILE_TRUNC, NULL);
	evt_port_obj_now(&fo2, name);
	evt_port_file(port, &fo2, FILE_ASKED | FILE_TRUNC, NULL);
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_port_idle(port);
	evt_close(port);
}

EVT_TC(associate__other_times, "PORT-057",
    "A time that differs, earlier or later, queues its event at once if that "
    "is asked for")
{
	static const int bits[] = { FILE_ACCESS, FILE_MODIFIED, FILE_ATTRIB };
	timestruc_t *times[3];
	port_event_t ev;
	file_obj_t fo;
	int by, i, port;

	evt_old_file(name);
	port = evt_port();
	times[0] = &fo.fo_atime;
	times[1] = &fo.fo_mtime;
	times[2] = &fo.fo_ctime;
	for (by = -1; by <= 1; by += 2)
		for (i = 0; i < 3; i++) {
			evt_port_obj_now(&fo, name);
			times[i]->tv_sec += by;
			evt_port_file(port, &fo, FILE_ASKED, EVT_USER(i));
			ATF_REQUIRE_EQ(evt_port_count(port), 1);
			evt_port_one(port, &ev);
			EVT_PORT_FILE(&ev, &fo, bits[i], EVT_USER(i));
			evt_port_file(port, &fo, FILE_ASKED & ~bits[i], NULL);
			evt_port_none(port);
		}
	fo.fo_atime.tv_sec++;
	fo.fo_mtime.tv_nsec ^= 1;
	evt_port_file(port, &fo, FILE_ASKED, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_ASKED, NULL);
	evt_close(port);
}

EVT_TC(associate__time_not_known, "PORT-058",
    "A time of 0.0 is not compared, each by itself; no time stands for a "
    "truncation, and those of a FIFO are not compared")
{
	static char pipe_name[] = "pipe";
	port_event_t ev;
	file_obj_t fo;
	int port;

	evt_old_file(name);
	port = evt_port();
	evt_port_obj_now(&fo, name);
	fo.fo_atime.tv_sec++;
	memset(&fo.fo_mtime, 0, sizeof(fo.fo_mtime));
	evt_port_file(port, &fo, FILE_ASKED | FILE_TRUNC, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_ACCESS, NULL);
	memset(&fo.fo_atime, 0, sizeof(fo.fo_atime));
	fo.fo_ctime.tv_sec--;
	evt_port_file(port, &fo, FILE_ASKED | FILE_TRUNC, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_ATTRIB, NULL);
	evt_port_file(port, &fo, FILE_TRUNC, NULL);
	evt_port_none(port);

	ATF_REQUIRE_EQ(mkfifo(pipe_name, 0644), 0);
	evt_port_obj_now(&fo, pipe_name);
	fo.fo_atime.tv_sec++;
	fo.fo_mtime.tv_sec++;
	fo.fo_ctime.tv_sec++;
	evt_port_file(port, &fo, FILE_ASKED, NULL);
	evt_port_none(port);
	evt_close(port);
}

/* ---- more than once -------------------------------------------------------- */

EVT_TC(associate__two_of_one_file, "PORT-059",
    "Two structures with one name are two associations, whose events come in "
    "the order they were associated")
{
	port_event_t ev[2];
	file_obj_t fo[2];
	int i, port;

	evt_old_file(name);
	port = evt_port();
	for (i = 1; i >= 0; i--) {
		evt_port_obj(&fo[i], name);
		evt_port_file(port, &fo[i], FILE_MODIFIED, EVT_USER(i));
	}
	evt_grow(name);
	ATF_REQUIRE_EQ(evt_port_get(port, ev, 2, 2), 2);
	EVT_PORT_FILE(&ev[0], &fo[1], FILE_MODIFIED, EVT_USER(1));
	EVT_PORT_FILE(&ev[1], &fo[0], FILE_MODIFIED, EVT_USER(0));
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(associate__again, "PORT-060 PORT-061",
    "Associating the same address again replaces mask and user, and takes a "
    "queued event back")
{
	port_event_t ev;
	file_obj_t fo;
	int port;

	evt_old_file(name);
	port = evt_port();
	evt_port_obj(&fo, name);
	evt_port_file(port, &fo, FILE_MODIFIED, EVT_USER(1));
	evt_port_file(port, &fo, FILE_ATTRIB, EVT_USER(2));
	ATF_REQUIRE_EQ(chmod(name, 0600), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_ATTRIB, EVT_USER(2));

	evt_port_file(port, &fo, FILE_ATTRIB, EVT_USER(3));
	ATF_REQUIRE_EQ(chmod(name, 0644), 0);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_port_file(port, &fo, FILE_MODIFIED, EVT_USER(4));
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_port_none(port);
	evt_grow(name);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_MODIFIED, EVT_USER(4));
	evt_close(port);
}

EVT_TC(associate__again_with_old_times, "PORT-062",
    "Associating again with the times from before a change queues the change "
    "again")
{
	port_event_t ev;
	file_obj_t fo;
	int i, port;

	evt_old_file(name);
	port = evt_port();
	evt_port_obj_now(&fo, name);
	evt_port_file(port, &fo, FILE_MODIFIED, NULL);
	evt_grow(name);
	for (i = 0; i < 3; i++) {
		evt_port_one(port, &ev);
		EVT_PORT_FILE(&ev, &fo, FILE_MODIFIED, NULL);
		evt_port_file(port, &fo, FILE_MODIFIED, NULL);
	}
	evt_port_one(port, &ev);
	evt_port_obj_now(&fo, name);
	evt_port_file(port, &fo, FILE_MODIFIED, NULL);
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(associate__another_file, "PORT-063",
    "The same address with the name of another file ends the old association")
{
	port_event_t ev;
	file_obj_t fo;
	int port;

	evt_old_file(name);
	evt_old_file(other);
	port = evt_port();
	evt_port_obj(&fo, name);
	evt_port_file(port, &fo, FILE_MODIFIED, EVT_USER(1));
	evt_port_obj(&fo, other);
	evt_port_file(port, &fo, FILE_MODIFIED, EVT_USER(2));
	evt_grow(name);
	ATF_REQUIRE_EQ(unlink(name), 0);
	evt_port_none(port);
	evt_grow(other);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_MODIFIED, EVT_USER(2));

	/* The same file by way of another directory. */
	ATF_REQUIRE_EQ(mkdir("dir", 0755), 0);
	ATF_REQUIRE_EQ(link(other, "dir/link"), 0);
	evt_port_file(port, &fo, FILE_MODIFIED, EVT_USER(3));
	fo.fo_name = (char[]){ "dir/link" };
	evt_port_file(port, &fo, FILE_MODIFIED, EVT_USER(4));
	ATF_REQUIRE_EQ(unlink(other), 0);
	evt_port_none(port);
	evt_grow("dir/link");
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_MODIFIED, EVT_USER(4));
	evt_close(port);
}

EVT_TC(associate__copied, "PORT-064",
    "Structure and name are copied, and a relative name is resolved at the "
    "call")
{
	char text[] = "file";
	port_event_t ev;
	file_obj_t fo;
	int port;

	evt_old_file(name);
	ATF_REQUIRE_EQ(mkdir("dir", 0755), 0);
	port = evt_port();
	evt_port_obj(&fo, text);
	evt_port_file(port, &fo, FILE_MODIFIED, EVT_USER(1));
	memset(text, 'x', sizeof(text) - 1);
	memset(&fo, 0x55, sizeof(fo));
	ATF_REQUIRE_EQ(chdir("dir"), 0);
	evt_grow("../file");
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_MODIFIED, EVT_USER(1));
	ATF_REQUIRE_EQ(chdir(".."), 0);
	evt_close(port);
}

EVT_TC(associate__one_event, "PORT-065",
    "One event: what is done later adds neither another one nor bits")
{
	port_event_t ev;
	file_obj_t fo;
	int port;

	evt_old_file(name);
	port = evt_port();
	evt_port_obj(&fo, name);
	evt_port_file(port, &fo, FILE_MODIFIED | FILE_ATTRIB, NULL);
	ATF_REQUIRE_EQ(chmod(name, 0600), 0);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_grow(name);
	evt_grow(name);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_ATTRIB, NULL);
	evt_grow(name);
	evt_port_none(port);
	evt_close(port);
}

/* ---- dissociating ------------------------------------------------------------ */

EVT_TC(dissociate__active, "PORT-085",
    "An association that waits ends, and one whose event is queued ends with "
    "it")
{
	file_obj_t fo;
	int port;

	evt_old_file(name);
	port = evt_port();
	evt_port_obj(&fo, name);
	evt_port_file(port, &fo, FILE_MODIFIED, NULL);
	ATF_REQUIRE_EQ(evt_port_nofile_errno(port, &fo), 0);
	evt_grow(name);
	evt_port_none(port);
	evt_port_file(port, &fo, FILE_MODIFIED, NULL);
	evt_grow(name);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	ATF_REQUIRE_EQ(evt_port_nofile_errno(port, &fo), 0);
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_port_none(port);
	/* The same from the times. */
	evt_port_obj_now(&fo, name);
	fo.fo_mtime.tv_sec--;
	evt_port_file(port, &fo, FILE_MODIFIED, NULL);
	ATF_REQUIRE_EQ(evt_port_nofile_errno(port, &fo), 0);
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(dissociate__none, "PORT-086",
    "There is nothing to end after delivery, or at an unknown address; on a "
    "port that never had one it is EINVAL")
{
	file_obj_t fo, fo2;
	port_event_t ev;
	int port;

	evt_old_file(name);
	port = evt_port();
	evt_port_obj(&fo, name);
	evt_port_obj(&fo2, name);
	ATF_REQUIRE_EQ(evt_port_nofile_errno(port, &fo), EINVAL);
	evt_port_file(port, &fo, FILE_MODIFIED, NULL);
	ATF_REQUIRE_EQ(evt_port_nofile_errno(port, &fo2), ENOENT);
	evt_grow(name);
	evt_port_one(port, &ev);
	ATF_REQUIRE_EQ(evt_port_nofile_errno(port, &fo), ENOENT);
	ATF_REQUIRE_EQ(evt_port_nofile_errno(port, NULL), ENOENT);
	evt_close(port);
}

/* ---- bad input ------------------------------------------------------------------ */

EVT_TC(associate__mask, "PORT-088",
    "Only some bits may be asked for, which is looked at before the pointer; "
    "none of them is fine")
{
	static const int bad[] = { FILE_DELETE, FILE_RENAME_TO,
	    FILE_RENAME_FROM, UNMOUNTED, MOUNTEDOVER, 0x8, 0x40000,
	    FILE_EXCEPTION | FILE_MODIFIED };
	port_event_t ev;
	file_obj_t fo;
	int i, port;

	evt_old_file(name);
	port = evt_port();
	evt_port_obj(&fo, name);
	for (i = 0; i < EVT_NITEMS(bad); i++) {
		ATF_REQUIRE_EQ(evt_port_file_errno(port, &fo, bad[i], NULL),
		    EINVAL);
		ATF_REQUIRE_EQ(evt_port_file_errno(port, NULL, bad[i], NULL),
		    EINVAL);
	}
	evt_port_file(port, &fo, 0, NULL);
	evt_grow(name);
	ATF_REQUIRE_EQ(chmod(name, 0600), 0);
	evt_port_none(port);
	ATF_REQUIRE_EQ(unlink(name), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_DELETE, NULL);
	evt_close(port);
}

EVT_TC(associate__bad_path, "PORT-089 PORT-194",
    "What path look-up fails with; no association is left")
{
	char *longname, *longpath;
	file_obj_t fo;
	size_t i;
	int port;

	evt_old_file(name);
	ATF_REQUIRE((longname = calloc(1, 300)) != NULL);
	memset(longname, 'n', 299);
	ATF_REQUIRE((longpath = calloc(1, PATH_MAX + 100)) != NULL);
	for (i = 0; i + 2 < PATH_MAX + 100; i += 2)
		memcpy(longpath + i, "./", 2);
	ATF_REQUIRE_EQ(symlink("loop", "loop"), 0);
	port = evt_port();
	evt_port_obj(&fo, NULL);
	ATF_REQUIRE_EQ(evt_port_file_errno(port, NULL, FILE_ATTRIB, NULL),
	    EFAULT);
	ATF_REQUIRE_EQ(evt_port_file_errno(port, &fo, FILE_ATTRIB, NULL),
	    EFAULT);
#define REFUSED(path, error) do {					\
	fo.fo_name = path;						\
	ATF_REQUIRE_EQ(evt_port_file_errno(port, &fo, FILE_ATTRIB, NULL), \
	    error);							\
	ATF_REQUIRE(evt_port_nofile_errno(port, &fo) != 0);		\
} while (0)
	REFUSED((char[]){ "" }, ENOENT);
	REFUSED((char[]){ "none" }, ENOENT);
	REFUSED((char[]){ "none/file" }, ENOENT);
	REFUSED((char[]){ "file/file" }, ENOTDIR);
	REFUSED((char[]){ "loop" }, ELOOP);
	REFUSED(longname, ENAMETOOLONG);
	REFUSED(longpath, ENAMETOOLONG);
#undef REFUSED
	free(longname);
	free(longpath);
	evt_close(port);
}

/* A file that may not be read is scanned for, by a thread that stays. */
static int
without_rights(void *arg)
{
	char path[PATH_MAX], way[PATH_MAX];
	uid_t self = geteuid();
	port_event_t ev;
	file_obj_t fo;
	int error, port;

	(void)arg;
	EVT_CHILD(realpath(name, path) != NULL);
	EVT_CHILD(realpath("dir/file", way) != NULL);
	EVT_CHILD(chmod("dir", 0) == 0);
	EVT_CHILD(chmod(name, 0) == 0);
	EVT_CHILD((port = port_create()) != -1);
	EVT_CHILD(self != 0 || seteuid(65534) == 0);
	evt_port_obj(&fo, way);
	EVT_CHILD(evt_port_file_errno(port, &fo, FILE_ATTRIB, NULL) == EACCES);
	evt_port_obj(&fo, path);
	error = faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == -1 ? errno : 0;
	EVT_CHILD(evt_port_file_errno(port, &fo, FILE_ATTRIB, NULL) == error);
	EVT_CHILD(seteuid(self) == 0);
	if (error == 0) {
		EVT_CHILD(chmod(name, 0644) == 0);
		EVT_CHILD(evt_port_get_ms(port, &ev, EVT_WAIT_MS) == 0);
		EVT_CHILD(ev.portev_object == (uintptr_t)&fo);
		EVT_CHILD(ev.portev_events == FILE_ATTRIB);
	}
	EVT_CHILD(chmod("dir", 0755) == 0);
	EVT_CHILD(close(port) == 0);
	return (0);
}

EVT_TC(associate__permissions, "PORT-089 PORT-092",
    "A path that may not be searched is EACCES; a file that may not be read "
    "is watched")
{

	evt_old_file(name);
	ATF_REQUIRE_EQ(mkdir("dir", 0755), 0);
	evt_old_file("dir/file");
	ATF_REQUIRE_EQ(evt_in_child(without_rights, NULL), 0);
}

EVT_TC(associate__view, "PORT-090",
    "A file system that tells nothing of changes is ENOTSUP")
{
	file_obj_t fo;
	int port;

	if (access("/proc/self/status", F_OK) != 0 ||
	    access("/proc/self/mountinfo", F_OK) != 0)
		atf_tc_skip("there is no /proc of Linux");
	port = evt_port();
	evt_port_obj(&fo, (char[]){ "/proc/self/status" });
	ATF_REQUIRE_EQ(evt_port_file_errno(port, &fo, FILE_MODIFIED, NULL),
	    ENOTSUP);
	evt_close(port);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, associate__quiet);
	EVT_TP_ADD_TC(tp, associate__other_times);
	EVT_TP_ADD_TC(tp, associate__time_not_known);
	EVT_TP_ADD_TC(tp, associate__two_of_one_file);
	EVT_TP_ADD_TC(tp, associate__again);
	EVT_TP_ADD_TC(tp, associate__again_with_old_times);
	EVT_TP_ADD_TC(tp, associate__another_file);
	EVT_TP_ADD_TC(tp, associate__copied);
	EVT_TP_ADD_TC(tp, associate__one_event);
	EVT_TP_ADD_TC(tp, dissociate__active);
	EVT_TP_ADD_TC(tp, dissociate__none);
	EVT_TP_ADD_TC(tp, associate__mask);
	EVT_TP_ADD_TC(tp, associate__bad_path);
	EVT_TP_ADD_TC(tp, associate__permissions);
	EVT_TP_ADD_TC(tp, associate__view);
	return (atf_no_error());
}
