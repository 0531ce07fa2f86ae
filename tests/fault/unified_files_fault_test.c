/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * One failure at a time, of everything that can fail, while files and
 * directories are watched by <evany.h>: what cannot be told of them is told to
 * be lost, or their watch to have ended.
 */
#include "config.h"

#include "fault_uni.h"

#include <sys/stat.h>

static struct evany_change
path_change(int source, uintptr_t id, const char *path, unsigned what,
    unsigned flags)
{
	return ((struct evany_change){
		.ch_source = source,
		.ch_flags = flags,
		.ch_object = id,
		.ch_what = what,
		.ch_path = path
	});
}

#define NAMES	(EVANY_MADE | EVANY_GONE | EVANY_MOVED_FROM | EVANY_MOVED_TO)

/*
 * That must be told, or the loss of events, or the end of a watch that then is
 * set again; what is told besides, before or after, is all the same.  After a
 * loss in a tree any event in it brings back what is watched of it.
 */
#define told(ch, what, name)	told_at(__LINE__, ch, what, name)
static void
told_at(int line, struct evany_change ch, unsigned what, const char *name)
{
	struct evany_event ev;
	bool seen = false;

	while (!seen) {
		(void)fu_take_at(line, &ev, 1, 1);
		if ((ev.ev_what & EVANY_ENDED) != 0)
			fu_set(ch);
		if ((ev.ev_what & EVANY_LOST) != 0 &&
		    (ch.ch_flags & EVANY_TREE) != 0) {
			fault_make_file("dir/any");
			told_at(line, ch, EVANY_MADE, "any");
			FAULT_NEED(unlink("dir/any") == 0);
			told_at(line, ch, EVANY_GONE, "any");
		}
		seen = (ev.ev_what & (EVANY_LOST | EVANY_ENDED)) != 0 ||
		    ((ev.ev_what & what) != 0 && (name == NULL ||
		    (ev.ev_name != NULL && strcmp(ev.ev_name, name) == 0)));
	}
	while (evany_wait(fu_q, &ev, 1, 0) > 0)
		if ((ev.ev_what & EVANY_ENDED) != 0)
			fu_set(ch);
}

static void
part_file(void)
{
	struct evany_change ch = path_change(EVANY_FILE, 1, "file",
	    NAMES | EVANY_MODIFIED, 0);

	fault_make_file("file");
	fu_set(ch);
	fu_quiet();
	fault_grow_file("file");
	told(ch, EVANY_MODIFIED, NULL);
	fault_make_file("other");
	FAULT_NEED(rename("other", "file") == 0);
	told(ch, EVANY_MOVED_TO | EVANY_MADE, NULL);
	fault_grow_file("file");
	told(ch, EVANY_MODIFIED, NULL);
	FAULT_NEED(unlink("file") == 0);
	told(ch, EVANY_GONE, NULL);
	fu_replace(ch);
	fault_make_file("file");
	told(ch, EVANY_MADE, NULL);
	fu_drop(EVANY_FILE, 1);
	FAULT_NEED(unlink("file") == 0);
	fu_quiet();
}

static void
part_directory(void)
{
	struct evany_change ch = path_change(EVANY_DIRECTORY, 1, "dir",
	    NAMES | EVANY_MODIFIED, 0);

	FAULT_NEED(mkdir("dir", 0755) == 0);
	fu_set(ch);
	fu_quiet();
	fault_make_file("dir/file");
	told(ch, EVANY_MADE, "file");
	fault_grow_file("dir/file");
	told(ch, EVANY_MODIFIED, "file");
	FAULT_NEED(unlink("dir/file") == 0);
	told(ch, EVANY_GONE, "file");
	fu_replace(ch);
	fu_drop(EVANY_DIRECTORY, 1);
	FAULT_NEED(rmdir("dir") == 0);
	fu_quiet();
}

static void
part_tree(void)
{
	struct evany_change ch = path_change(EVANY_DIRECTORY, 2, "dir",
	    NAMES | EVANY_MODIFIED, EVANY_TREE);

	FAULT_NEED(mkdir("dir", 0755) == 0);
	FAULT_NEED(mkdir("dir/old", 0755) == 0);
	fu_set(ch);
	fu_quiet();
	fault_make_file("dir/old/file");
	told(ch, EVANY_MADE, "old/file");
	FAULT_NEED(mkdir("dir/new", 0755) == 0);
	told(ch, EVANY_MADE, "new");
	fault_make_file("dir/new/file");
	told(ch, EVANY_MADE, "new/file");
	FAULT_NEED(mkdir("dir/new/deep", 0755) == 0);
	fault_make_file("dir/new/deep/file");
	told(ch, EVANY_MADE, "new/deep/file");
	FAULT_NEED(rename("dir/new", "dir/moved") == 0);
	told(ch, EVANY_MOVED_TO | EVANY_MADE, "moved");
	fault_grow_file("dir/moved/deep/file");
	told(ch, EVANY_MODIFIED, "moved/deep/file");
	fu_drop(EVANY_DIRECTORY, 2);
	FAULT_NEED(unlink("dir/moved/deep/file") == 0);
	FAULT_NEED(rmdir("dir/moved/deep") == 0);
	FAULT_NEED(unlink("dir/moved/file") == 0);
	FAULT_NEED(rmdir("dir/moved") == 0);
	FAULT_NEED(unlink("dir/old/file") == 0);
	FAULT_NEED(rmdir("dir/old") == 0);
	FAULT_NEED(rmdir("dir") == 0);
	fu_quiet();
}

static void
file_parts(void)
{
	fu_q = evany_queue(0);
	FAULT_NEED(fu_q != -1);
	part_file();
	part_directory();
	part_tree();
	(void)close(fu_q);
	fu_q = evany_queue(0);
	FAULT_NEED(fu_q != -1);
	(void)close(fu_q);
}

EVT_TC(files__allocation_fails,
    "UNI-155 UNI-161 UNI-162 UNI-163",
    "What cannot be told of files for want of memory is told to be lost")
{
	fault_turns(true, false, file_parts);
}

EVT_TC(files__allocation_fails__queues_exist,
    "UNI-155 UNI-161 UNI-162 UNI-163",
    "What cannot be told of files for want of memory is told to be lost")
{
	fault_turns(true, true, file_parts);
}

EVT_TC(files__system_call_fails,
    "UNI-155 UNI-161 UNI-162 UNI-163",
    "What the kernel cannot tell of files is told to be lost")
{
	fault_turns(false, false, file_parts);
}

EVT_TC(files__system_call_fails__queues_exist,
    "UNI-155 UNI-161 UNI-162 UNI-163",
    "What the kernel cannot tell of files is told to be lost")
{
	fault_turns(false, true, file_parts);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, files__allocation_fails);
	EVT_TP_ADD_TC(tp, files__allocation_fails__queues_exist);
	EVT_TP_ADD_TC(tp, files__system_call_fails);
	EVT_TP_ADD_TC(tp, files__system_call_fails__queues_exist);
	return (atf_no_error());
}
