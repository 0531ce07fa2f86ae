/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * One failure at a time, of everything that can fail, while files are watched
 * by a port.
 *
 * An association that reports an error must report that one and leaves none;
 * made again, it succeeds.  What has been associated loses no event.
 */
#include "config.h"

#include "evt_port.h"
#include "fault.h"

#include <sys/stat.h>

static char name[] = "file", other[] = "other", dir[] = "dir";

static int port;

/* EAGAIN stands for the limits of the kernel. */
static void
associate(file_obj_t *fo, int events, void *user)
{
	int error;

	fault_begin();
	error = evt_port_file_errno(port, fo, events, user);
	fault_end();
	if (error == 0)
		return;
	if (!fault_right(error) &&
	    (fault_seen != ENOSPC || error != EAGAIN))
		fault_fail("port_associate: errno %d after %d", error,
		    fault_seen);
	if ((error = evt_port_file_errno(port, fo, events, user)) != 0)
		fault_fail("port_associate: again errno %d", error);
}

static void
dissociate(file_obj_t *fo)
{
	int error;

	fault_begin();
	error = evt_port_nofile_errno(port, fo);
	fault_end();
	if (error != 0)
		fault_fail("port_dissociate: errno %d after %d", error,
		    fault_seen);
}

#define one(fo, events, user)	one_at(__LINE__, fo, events, user)
static void
one_at(int line, const file_obj_t *fo, int events, void *user)
{
	port_event_t ev;
	int error, tries;

	for (tries = 0; tries < 20; tries++) {
		fault_begin();
		error = evt_port_get_ms(port, &ev, EVT_WAIT_MS);
		fault_end();
		if (error == 0)
			break;
		if (error == ETIME || !fault_right(error))
			fault_fail("line %d: port_get: errno %d after %d",
			    line, error, fault_seen);
	}
	if (ev.portev_source != PORT_SOURCE_FILE ||
	    ev.portev_object != (uintptr_t)fo || ev.portev_events != events ||
	    ev.portev_user != user)
		fault_fail("line %d: %s, not file %#lx events %#x user %p",
		    line, evt_port_text(&ev), (unsigned long)(uintptr_t)fo,
		    (unsigned)events, user);
}

static void
quiet(void)
{
	unsigned int n = 1;

	if (port_getn(port, NULL, 0, &n, NULL) != 0 || n != 0)
		fault_fail("%u events too many", n);
}

/* ---- the parts of a scenario -------------------------------------------------- */

static void
part_file(void)
{
	file_obj_t fo;

	fault_make_file(name);
	evt_port_obj(&fo, name);
	associate(&fo, FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC, EVT_USER(1));
	quiet();
	fault_grow_file(name);
	one(&fo, FILE_MODIFIED | FILE_ATTRIB, EVT_USER(1));
	quiet();
	associate(&fo, FILE_ATTRIB, EVT_USER(2));
	associate(&fo, FILE_TRUNC, EVT_USER(3));
	FAULT_NEED(truncate(name, 1) == 0);
	one(&fo, FILE_TRUNC, EVT_USER(3));
	associate(&fo, FILE_ATTRIB, EVT_USER(4));
	dissociate(&fo);
	FAULT_NEED(chmod(name, 0600) == 0);
	quiet();
	associate(&fo, FILE_ATTRIB, EVT_USER(5));
	FAULT_NEED(chmod(name, 0644) == 0);
	one(&fo, FILE_ATTRIB, EVT_USER(5));
	fo.fo_mtime.tv_sec = 1;
	associate(&fo, FILE_MODIFIED, EVT_USER(6));
	one(&fo, FILE_MODIFIED, EVT_USER(6));
	quiet();
}

static void
part_names(void)
{
	file_obj_t fo, fo2;

	fault_make_file(name);
	fault_make_file(other);
	evt_port_obj(&fo, name);
	evt_port_obj(&fo2, other);
	associate(&fo, FILE_ATTRIB, EVT_USER(1));
	FAULT_NEED(unlink(name) == 0);
	one(&fo, FILE_DELETE, EVT_USER(1));
	fault_make_file(name);
	FAULT_NEED(link(name, "link") == 0);
	associate(&fo, FILE_ATTRIB, EVT_USER(2));
	FAULT_NEED(unlink("link") == 0);
	one(&fo, FILE_ATTRIB, EVT_USER(2));
	associate(&fo, 0, EVT_USER(3));
	associate(&fo2, 0, EVT_USER(4));
	FAULT_NEED(rename(name, "moved") == 0);
	one(&fo, FILE_RENAME_FROM, EVT_USER(3));
	FAULT_NEED(rename("moved", other) == 0);
	one(&fo2, FILE_RENAME_TO, EVT_USER(4));
	quiet();
}

static void
part_directory(void)
{
	file_obj_t fo;

	FAULT_NEED(mkdir(dir, 0755) == 0);
	evt_port_obj(&fo, dir);
	associate(&fo, FILE_MODIFIED, EVT_USER(1));
	fault_make_file("dir/file");
	one(&fo, FILE_MODIFIED, EVT_USER(1));
	FAULT_NEED(unlink("dir/file") == 0);
	associate(&fo, 0, EVT_USER(2));
	FAULT_NEED(rmdir(dir) == 0);
	one(&fo, FILE_DELETE, EVT_USER(2));
	quiet();
}

static void
all_parts(void)
{

	/* That this may fail is another program's matter. */
	FAULT_NEED((port = port_create()) != -1);
	part_file();
	part_names();
	part_directory();
	(void)unlink(name);
	(void)unlink(other);
	FAULT_NEED(close(port) == 0);
	FAULT_NEED((port = port_create()) != -1);
	FAULT_NEED(close(port) == 0);
}

#define CASE(title, alloc, busy, text)					\
	ATF_TC(title);							\
	ATF_TC_HEAD(title, tc)						\
	{								\
		atf_tc_set_md_var(tc, "descr", text);			\
		atf_tc_set_md_var(tc, "timeout", "600");		\
	}								\
	ATF_TC_BODY(title, tc)						\
	{								\
		fault_turns(alloc, busy, all_parts);			\
	}

CASE(memory__first, true, false,
    "No memory while a process watches its first files")
CASE(memory__busy, true, true,
    "No memory in a process that has watched files before")
CASE(calls__first, false, false,
    "Calls that fail while a process watches its first files")
CASE(calls__busy, false, true,
    "Calls that fail in a process that has watched files before")

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, memory__first);
	ATF_TP_ADD_TC(tp, memory__busy);
	ATF_TP_ADD_TC(tp, calls__first);
	ATF_TP_ADD_TC(tp, calls__busy);
	return (atf_no_error());
}
