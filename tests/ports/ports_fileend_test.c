/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * PORT_SOURCE_FILE: what ends an association, and links.
 */
#include "config.h"

#include "evt_port.h"

#include <sys/stat.h>

#ifdef __linux__
#include <sys/mount.h>

#include <sched.h>
#endif

#define FILE_ASKED	(FILE_ACCESS | FILE_MODIFIED | FILE_ATTRIB)

static char name[] = "file", other[] = "other", dir[] = "dir";

/* ---- the name ---------------------------------------------------------------- */

EVT_TC(end__deleted, "PORT-076",
    "Removing the name delivers FILE_DELETE alone, asked for or not, also of "
    "an open file, of one with other names, and of a directory")
{
	port_event_t ev;
	file_obj_t fo;
	int fd, port;

	port = evt_port();
	evt_port_obj(&fo, name);
	evt_old_file(name);
	evt_port_file(port, &fo, FILE_ASKED | FILE_TRUNC, EVT_USER(1));
	ATF_REQUIRE_EQ(unlink(name), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_DELETE, EVT_USER(1));

	evt_old_file(name);
	ATF_REQUIRE((fd = open(name, O_RDONLY)) != -1);
	evt_port_file(port, &fo, 0, NULL);
	ATF_REQUIRE_EQ(unlink(name), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_DELETE, NULL);
	evt_close(fd);

	evt_old_file(name);
	ATF_REQUIRE_EQ(link(name, other), 0);
	evt_port_file(port, &fo, FILE_ASKED, NULL);
	ATF_REQUIRE_EQ(unlink(name), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_DELETE, NULL);

	ATF_REQUIRE_EQ(mkdir(dir, 0755), 0);
	evt_port_obj(&fo, dir);
	evt_port_file(port, &fo, FILE_ASKED, NULL);
	ATF_REQUIRE_EQ(rmdir(dir), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_DELETE, NULL);
	evt_close(port);
}

EVT_TC(end__in_a_full_port, "PORT-179",
    "An exception needs no slot but its association's: it is told by a port "
    "that is full, and only once")
{
	port_event_t ev;
	file_obj_t fo;
	int port;

	if (evt_port_native())
		atf_tc_skip("a port of the system's may lose it");
	evt_port_limit(2);
	port = evt_port();
	evt_port_obj(&fo, name);
	evt_old_file(name);
	evt_port_file(port, &fo, FILE_ASKED, EVT_USER(1));
	evt_port_send(port, 2, NULL);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_send(port, 3, NULL)), EAGAIN);
	ATF_REQUIRE_EQ(unlink(name), 0);
	/* It is queued while the port is full. */
	ATF_REQUIRE_EQ(evt_port_count(port), 2);
	ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, 0), 0);
	EVT_PORT_USER(&ev, 2, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_DELETE, EVT_USER(1));
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(end__renamed_away, "PORT-077",
    "Renaming the name away delivers FILE_RENAME_FROM")
{
	port_event_t ev;
	file_obj_t fo;
	int port;

	port = evt_port();
	evt_port_obj(&fo, name);
	evt_old_file(name);
	evt_port_file(port, &fo, FILE_ASKED, EVT_USER(1));
	ATF_REQUIRE_EQ(rename(name, other), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_RENAME_FROM, EVT_USER(1));
	evt_grow(other);
	evt_port_none(port);
	if (!evt_port_scans()) {
		/* A scan loses sight of it in another directory. */
		evt_old_file(name);
		ATF_REQUIRE_EQ(mkdir(dir, 0755), 0);
		evt_port_file(port, &fo, 0, NULL);
		ATF_REQUIRE_EQ(rename(name, "dir/file"), 0);
		evt_port_one(port, &ev);
		EVT_PORT_FILE(&ev, &fo, FILE_RENAME_FROM, NULL);
	}
	evt_close(port);
}

EVT_TC(end__replaced, "PORT-078",
    "Renaming another file over the name delivers FILE_RENAME_TO")
{
	port_event_t ev;
	file_obj_t fo, fo2;
	int port;

	port = evt_port();
	evt_port_obj(&fo, name);
	evt_port_obj(&fo2, other);
	evt_old_file(name);
	evt_old_file(other);
	evt_port_file(port, &fo, FILE_ASKED | FILE_TRUNC, EVT_USER(1));
	evt_port_file(port, &fo2, FILE_ASKED | FILE_TRUNC, EVT_USER(2));
	ATF_REQUIRE_EQ(rename(other, name), 0);
	ATF_REQUIRE_EQ(evt_port_count(port), 2);
	ATF_REQUIRE_EQ(evt_port_poll(port, &ev, 1), 1);
	if (ev.portev_object == (uintptr_t)&fo) {
		EVT_PORT_FILE(&ev, &fo, FILE_RENAME_TO, EVT_USER(1));
		evt_port_one(port, &ev);
	} else
		evt_port_one(port, &(port_event_t){ .portev_events = 0 });
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(end__for_good, "PORT-081",
    "An exception ends the association; associating again looks the name up "
    "afresh")
{
	port_event_t ev;
	file_obj_t fo;
	int port;

	port = evt_port();
	evt_port_obj(&fo, name);
	evt_old_file(name);
	evt_port_file(port, &fo, FILE_ASKED, NULL);
	ATF_REQUIRE_EQ(unlink(name), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_DELETE, NULL);
	ATF_REQUIRE_EQ(evt_port_file_errno(port, &fo, FILE_ASKED, NULL),
	    ENOENT);
	evt_old_file(name);
	evt_grow(name);
	evt_port_none(port);
	evt_port_file(port, &fo, FILE_MODIFIED, EVT_USER(2));
	evt_grow(name);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_MODIFIED, EVT_USER(2));
	evt_close(port);
}

EVT_TC(end__before_retrieval, "PORT-082 PORT-081",
    "Between an exception and its retrieval there is nothing to dissociate, "
    "the event comes all the same, and a new association is another one")
{
	port_event_t ev[2];
	file_obj_t fo;
	int port;

	port = evt_port();
	evt_port_obj(&fo, name);
	evt_old_file(name);
	evt_port_file(port, &fo, FILE_ASKED, EVT_USER(1));
	ATF_REQUIRE_EQ(unlink(name), 0);
	ATF_REQUIRE_EQ(evt_port_nofile_errno(port, &fo), ENOENT);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_old_file(name);
	evt_port_file(port, &fo, FILE_MODIFIED, EVT_USER(2));
	evt_grow(name);
	ATF_REQUIRE_EQ(evt_port_get(port, ev, 2, 2), 2);
	EVT_PORT_FILE(&ev[0], &fo, FILE_DELETE, EVT_USER(1));
	EVT_PORT_FILE(&ev[1], &fo, FILE_MODIFIED, EVT_USER(2));
	evt_close(port);
}

EVT_TC(end__with_an_event_queued, "PORT-083",
    "One event comes if the name is lost while another one is queued")
{
	port_event_t ev;
	file_obj_t fo;
	int port;

	port = evt_port();
	evt_port_obj(&fo, name);
	evt_old_file(name);
	evt_port_file(port, &fo, FILE_MODIFIED, NULL);
	evt_grow(name);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	ATF_REQUIRE_EQ(unlink(name), 0);
	evt_port_one(port, &ev);
	if (ev.portev_events != FILE_DELETE)
		EVT_PORT_FILE(&ev, &fo, FILE_MODIFIED, NULL);
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(directory_above__renamed, "PORT-084",
    "Renaming a directory above the file gives it nothing, and the association "
    "goes on")
{
	port_event_t ev;
	file_obj_t fo;
	int port;

	if (evt_port_scans())
		atf_tc_skip("a scan does not find a file whose directory was "
		    "renamed");
	port = evt_port();
	ATF_REQUIRE_EQ(mkdir(dir, 0755), 0);
	evt_old_file("dir/file");
	evt_port_obj(&fo, (char[]){ "dir/file" });
	evt_port_file(port, &fo, FILE_ASKED, NULL);
	ATF_REQUIRE_EQ(rename(dir, "moved"), 0);
	evt_port_none(port);
	evt_grow("moved/file");
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_MODIFIED | FILE_ATTRIB, NULL);
	ATF_REQUIRE_EQ(rename("moved", dir), 0);
	evt_port_file(port, &fo, FILE_ASKED, NULL);
	ATF_REQUIRE_EQ(rename(dir, "moved"), 0);
	ATF_REQUIRE_EQ(unlink("moved/file"), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_DELETE, NULL);
	evt_close(port);
}

EVT_TC(end__records_lost, "PORT-076 PORT-078",
    "After so many acts that the system forgets some, what has become of the "
    "name is told all the same")
{
	static char kept[] = "kept";
	port_event_t ev[3];
	file_obj_t fo[3];
	unsigned long i, most = 0;
	FILE *fp;
	int port;

	if ((fp = fopen("/proc/sys/fs/inotify/max_queued_events", "r")) !=
	    NULL) {
		if (fscanf(fp, "%lu", &most) != 1)
			most = 0;
		(void)fclose(fp);
	}
	if (most == 0 || most > 100000 || evt_port_scans())
		atf_tc_skip("records are not lost in a reasonable time");
	evt_old_file(name);
	evt_old_file(other);
	evt_old_file(kept);
	evt_old_file("new");
	port = evt_port();
	evt_port_obj(&fo[0], name);
	evt_port_obj(&fo[1], other);
	evt_port_obj(&fo[2], kept);
	evt_port_file(port, &fo[0], FILE_MODIFIED, NULL);
	evt_port_file(port, &fo[1], FILE_MODIFIED, NULL);
	evt_port_file(port, &fo[2], FILE_MODIFIED, NULL);
	/* Two files in turn: what is equal to the last one is one. */
	for (i = 0; i <= most / 2; i++) {
		ATF_REQUIRE_EQ(chmod(name, i % 2 ? 0600 : 0640), 0);
		ATF_REQUIRE_EQ(chmod(other, i % 2 ? 0600 : 0640), 0);
	}
	ATF_REQUIRE_EQ(unlink(name), 0);
	ATF_REQUIRE_EQ(rename("new", other), 0);
	ATF_REQUIRE_EQ(evt_port_get(port, ev, 3, 2), 2);
	for (i = 0; i < 2; i++)
		if (ev[i].portev_object == (uintptr_t)&fo[0]) {
			EVT_PORT_FILE(&ev[i], &fo[0], FILE_DELETE, NULL);
		} else
			EVT_PORT_FILE(&ev[i], &fo[1], FILE_RENAME_TO, NULL);
	ATF_REQUIRE(ev[0].portev_object != ev[1].portev_object);
	evt_grow(kept);
	evt_port_one(port, &ev[0]);
	EVT_PORT_FILE(&ev[0], &fo[2], FILE_MODIFIED, NULL);
	evt_close(port);
}

/* ---- symbolic links ------------------------------------------------------------- */

EVT_TC(link__followed, "PORT-087",
    "A symbolic link is followed: the link itself is of no interest")
{
	port_event_t ev;
	file_obj_t fo;
	int port;

	port = evt_port();
	evt_old_file(name);
	ATF_REQUIRE_EQ(symlink(name, "link"), 0);
	evt_port_obj(&fo, (char[]){ "link" });
	evt_port_file(port, &fo, FILE_ASKED, NULL);
	ATF_REQUIRE_EQ(rename("link", "link2"), 0);
	ATF_REQUIRE_EQ(unlink("link2"), 0);
	evt_port_none(port);
	ATF_REQUIRE_EQ(unlink(name), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_DELETE, NULL);
	evt_close(port);
}

EVT_TC(link__not_followed, "PORT-087",
    "With FILE_NOFOLLOW it is the link that is watched")
{
	port_event_t ev;
	file_obj_t fo;
	int port;

	port = evt_port();
	evt_old_file(name);
	ATF_REQUIRE_EQ(symlink(name, "link"), 0);
	evt_port_obj(&fo, (char[]){ "link" });
	evt_port_file(port, &fo, FILE_MODIFIED | FILE_NOFOLLOW, EVT_USER(1));
	evt_grow(name);
	ATF_REQUIRE_EQ(unlink(name), 0);
	evt_port_none(port);
	ATF_REQUIRE_EQ(unlink("link"), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_DELETE, EVT_USER(1));
	/* and one that leads nowhere */
	ATF_REQUIRE_EQ(symlink("nowhere", "link"), 0);
	ATF_REQUIRE_EQ(evt_port_file_errno(port, &fo, FILE_ATTRIB, NULL),
	    ENOENT);
	evt_port_file(port, &fo, FILE_ATTRIB | FILE_NOFOLLOW, NULL);
	ATF_REQUIRE_EQ(rename("link", "link2"), 0);
	evt_port_one(port, &ev);
	EVT_PORT_FILE(&ev, &fo, FILE_RENAME_FROM, NULL);
	evt_close(port);
}

/* ---- file systems ------------------------------------------------------------------ */

#ifdef __linux__
#define NOT_ALLOWED	255

/* In a child: the line at which something went wrong. */
#define STEP(cond) do {							\
	if (!(cond)) {							\
		(void)fprintf(stderr, "line %d: %s, errno %d\n",	\
		    __LINE__, #cond, errno);				\
		return (1);						\
	}								\
} while (0)

static int
unmount_in_child(void *arg)
{
	file_obj_t fo[3];
	port_event_t ev;
	int port;

	(void)arg;
	if (unshare(CLONE_NEWNS) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
		return (NOT_ALLOWED);
	STEP(mkdir("mnt", 0755) == 0);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", "mnt", "tmpfs", 0, NULL) == -1)
		return (NOT_ALLOWED);
	STEP(mkdir("mnt/dir", 0755) == 0);
	STEP(mkdir("mnt/dir/sub", 0755) == 0);
	STEP((port = port_create()) != -1);

	/* Something is mounted on a watched directory. */
	evt_port_obj(&fo[0], (char[]){ "mnt/dir" });
	evt_port_obj(&fo[1], (char[]){ "mnt" });
	STEP(evt_port_file_errno(port, &fo[0], FILE_ASKED, EVT_USER(1)) == 0);
	STEP(evt_port_file_errno(port, &fo[1], FILE_MODIFIED, NULL) == 0);
	STEP(mount("none", "mnt/dir", "tmpfs", 0, NULL) == 0);
	STEP(evt_port_get_ms(port, &ev, EVT_WAIT_MS) == 0);
	STEP(ev.portev_source == PORT_SOURCE_FILE);
	STEP(ev.portev_events == MOUNTEDOVER);
	STEP(ev.portev_object == (uintptr_t)&fo[0]);
	STEP(ev.portev_user == EVT_USER(1));
	STEP(evt_port_get_ms(port, &ev, EVT_QUIET_MS) == ETIME);
	STEP(evt_port_nofile_errno(port, &fo[0]) == ENOENT);
	STEP(umount("mnt/dir") == 0);
	STEP(evt_port_get_ms(port, &ev, EVT_QUIET_MS) == ETIME);

	/* A watch does not hold the file system, whose end is told. */
	evt_port_obj(&fo[0], (char[]){ "mnt/dir/sub" });
	STEP(evt_port_file_errno(port, &fo[0], FILE_ASKED, EVT_USER(2)) == 0);
	STEP(umount("mnt") == 0);
	STEP(evt_port_get_ms(port, &ev, EVT_WAIT_MS) == 0);
	STEP(ev.portev_source == PORT_SOURCE_FILE);
	STEP(ev.portev_events == UNMOUNTED);
	STEP(evt_port_get_ms(port, &ev, EVT_WAIT_MS) == 0);
	STEP(ev.portev_events == UNMOUNTED);
	STEP(evt_port_get_ms(port, &ev, EVT_QUIET_MS) == ETIME);
	STEP(close(port) == 0);
	return (0);
}
#endif

EVT_TC(mount__told, "PORT-079 PORT-080",
    "A mount on a watched directory and the unmount of a watched file's file "
    "system are told, and not held back")
{
#ifdef __linux__
	int status;

	if (evt_port_scans())
		atf_tc_skip("a scan does not tell mounts");
	status = evt_in_child(unmount_in_child, NULL);
	if (status == NOT_ALLOWED)
		atf_tc_skip("no mount name space of our own");
	ATF_REQUIRE_EQ(status, 0);
#else
	atf_tc_skip("needs a mount name space of its own");
#endif
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, end__deleted);
	EVT_TP_ADD_TC(tp, end__in_a_full_port);
	EVT_TP_ADD_TC(tp, end__renamed_away);
	EVT_TP_ADD_TC(tp, end__replaced);
	EVT_TP_ADD_TC(tp, end__for_good);
	EVT_TP_ADD_TC(tp, end__before_retrieval);
	EVT_TP_ADD_TC(tp, end__with_an_event_queued);
	EVT_TP_ADD_TC(tp, directory_above__renamed);
	EVT_TP_ADD_TC(tp, end__records_lost);
	EVT_TP_ADD_TC(tp, link__followed);
	EVT_TP_ADD_TC(tp, link__not_followed);
	EVT_TP_ADD_TC(tp, mount__told);
	return (atf_no_error());
}
