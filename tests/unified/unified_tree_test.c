/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVANY_TREE, and files: what comes and goes before anybody has looked, in the
 * folder of the case.
 */
#include "config.h"

#include "evt_uni.h"

#include <sys/resource.h>
#include <sys/stat.h>

#define NAMES	(EVANY_MADE | EVANY_GONE | EVANY_MOVED_FROM | EVANY_MOVED_TO)

/* A tree with what is needed below it, and a folder beside it. */
static int
tree(uint32_t what)
{
	int q = evt_queue();

	ATF_REQUIRE(mkdir("d", 0755) == 0 && mkdir("d/x", 0755) == 0 &&
	    mkdir("out", 0755) == 0);
	EVT_OK(evany_directory(q, 1, "d", what, EVANY_TREE, NULL));
	return (q);
}

/* A change of the queue makes it look at what there is; nothing is taken. */
static void
look(int q)
{
	EVT_OK(evany_file(q, 2, "other", EVANY_MADE, 0, NULL));
	EVT_OK(evany_drop(q, EVANY_FILE, 2));
}

/* What was told until now, with one name more that comes last. */
static struct {
	char		name[32];
	uint32_t	what;
} told[256];
static int ntold;

static void
gather(int q)
{
	struct evany_event ev;
	bool last = false;

	ntold = 0;
	evt_put("d/last", "");
	while (evany_wait(q, &ev, 1, last ? EVT_QUIET_MS * MS :
	    EVT_WAIT_NS) == 1) {
		ATF_REQUIRE(ntold < EVT_NITEMS(told));
		(void)snprintf(told[ntold].name, sizeof(told[ntold].name),
		    "%s", ev.ev_name == NULL ? "" : ev.ev_name);
		told[ntold].what = ev.ev_what;
		last |= strcmp(told[ntold++].name, "last") == 0;
	}
	ATF_REQUIRE(last);
	ATF_REQUIRE_EQ(0, unlink("d/last"));
}

/* How often that name was told with one of these; NULL: any name. */
static int
times(const char *name, uint32_t what)
{
	int i, n = 0;

	for (i = 0; i < ntold; i++)
		n += (told[i].what & what) != 0 && (name == NULL ||
		    strcmp(told[i].name, name) == 0);
	return (n);
}

#define NOTHING_LOST()	ATF_REQUIRE_EQ(0, times(NULL, EVANY_LOST))

/* ---- new directories ----------------------------------------------------------- */

EVT_TC(tree__new_in_vain, "UNI-151 UNI-155",
    "A directory that is no more, or no directory, when it is looked at is no "
    "loss")
{
	int q;

	q = tree(NAMES);
	ATF_REQUIRE(mkdir("d/a", 0755) == 0 && rmdir("d/a") == 0);
	ATF_REQUIRE(mkdir("d/b", 0755) == 0 && rmdir("d/b") == 0);
	evt_put("d/b", "");
	gather(q);
	NOTHING_LOST();
	EVT_LOOKS(times("a", EVANY_MADE) == 1 && times("a", EVANY_GONE) == 1,
	    "what comes and goes between looks is not told");
	evt_close(q);
}

EVT_TC(tree__new_twice, "UNI-151 UNI-153",
    "A directory that is made, removed and made again before it is looked at "
    "has its entries told once")
{
	int q;

	q = tree(NAMES);
	ATF_REQUIRE(mkdir("d/a", 0755) == 0 && rmdir("d/a") == 0 &&
	    mkdir("d/a", 0755) == 0);
	evt_put("d/a/f", "");
	gather(q);
	NOTHING_LOST();
	ATF_REQUIRE_EQ(1, times("a/f", EVANY_MADE));
	evt_put("d/a/g", "");
	gather(q);
	ATF_REQUIRE_EQ(1, times("a/g", EVANY_MADE));
	evt_close(q);
}

EVT_TC(tree__another_after_one_removed, "UNI-151 UNI-153",
    "A directory that is made right after another was removed is watched")
{
	int q;

	q = tree(NAMES);
	ATF_REQUIRE(rmdir("d/x") == 0 && mkdir("d/y", 0755) == 0);
	gather(q);
	ATF_REQUIRE_EQ(1, times("x", EVANY_GONE));
	ATF_REQUIRE_EQ(1, times("y", EVANY_MADE));
	evt_put("d/y/f", "");
	gather(q);
	ATF_REQUIRE_EQ(1, times("y/f", EVANY_MADE));
	evt_close(q);
}

EVT_TC(tree__new_below_what_left, "UNI-151 UNI-152",
    "What is new in a directory that leaves is not looked for in what has its "
    "name then")
{
	int q;

	q = tree(NAMES);
	ATF_REQUIRE_EQ(0, mkdir("d/x/n", 0755));
	ATF_REQUIRE_EQ(0, rename("d/x", "out/x"));
	ATF_REQUIRE(mkdir("d/x", 0755) == 0 && mkdir("d/x/n", 0755) == 0);
	evt_put("d/x/n/f", "");
	gather(q);
	NOTHING_LOST();
	EVT_LOOKS(times("x/n/f", EVANY_MADE) == 1, "it seems the same");
	evt_put("d/x/n/g", "");
	gather(q);
	ATF_REQUIRE_EQ(1, times("x/n/g", EVANY_MADE));
	evt_close(q);
}

EVT_TC(tree__link_in_its_place, "UNI-156",
    "A symbolic link that has taken a new directory's name is not followed, "
    "and one in a new directory is no directory")
{
	int q;

	q = tree(EVANY_MADE);
	evt_put("out/f", "");
	ATF_REQUIRE(mkdir("d/a", 0755) == 0 && rmdir("d/a") == 0 &&
	    symlink("../out", "d/a") == 0);
	ATF_REQUIRE(mkdir("d/b", 0755) == 0 &&
	    symlink("../../out", "d/b/l") == 0);
	evt_put("d/b/f", "");
	gather(q);
	NOTHING_LOST();
	ATF_REQUIRE_EQ(0, times("a/f", EVANY_MADE));
	ATF_REQUIRE_EQ(1, times("b/l", EVANY_MADE));
	ATF_REQUIRE_EQ(0, times("b/l", EVANY_ISDIR));
	ATF_REQUIRE_EQ(0, times("b/l/f", EVANY_MADE));
	evt_put("out/g", "");
	gather(q);
	ATF_REQUIRE_EQ(0, times("a/g", EVANY_MADE));
	ATF_REQUIRE_EQ(0, times("b/l/g", EVANY_MADE));
	evt_close(q);
}

EVT_TC(tree__still_cannot_be_watched, "UNI-155",
    "A directory that still cannot be watched is not told lost again")
{
	struct rlimit all, few;
	struct evany_event ev;
	int i, lost = 0, low, q;

	if (evt_uni_looks())
		atf_tc_skip("a scan that fails is one of many");
	q = tree(EVANY_MADE);
	ATF_REQUIRE((low = dup(0)) != -1);
	evt_close(low);
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &all));
	few = all;
	few.rlim_cur = (rlim_t)low;
	ATF_REQUIRE_EQ(0, mkdir("d/a", 0755));
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	for (i = 0; i < 2; i++) {
		ATF_REQUIRE_EQ(0, symlink("none", i == 0 ? "d/1" : "d/2"));
		while (evany_wait(q, &ev, 1, EVT_QUIET_MS * MS) == 1)
			lost += (ev.ev_what & EVANY_LOST) != 0;
	}
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &all));
	ATF_REQUIRE_EQ(1, lost);
	evt_put("d/a/f", "");
	gather(q);
	ATF_REQUIRE_EQ(1, times("a/f", EVANY_MADE));
	evt_close(q);
}

#define DIRS	100

static void *
make_many(void *arg)
{
	char path[32];
	int i, j;

	(void)arg;
	for (i = 0; i < DIRS; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		ATF_REQUIRE_EQ(0, mkdir(path, 0755));
		for (j = 0; j < 10; j++) {
			(void)snprintf(path, sizeof(path), "d/%d/%d", i, j);
			evt_put(path, "");
		}
	}
	return (NULL);
}

EVT_TC(tree__made_beside_a_wait, "UNI-151",
    "What is made in new directories while these are looked at is told once")
{
	static int seen[DIRS][10];
	struct evany_event ev[16];
	pthread_t thread;
	int d, f, i, n, q, sum = 0;

	q = tree(EVANY_MADE);
	ATF_REQUIRE_EQ(0, pthread_create(&thread, NULL, make_many, NULL));
	while (sum < 10 * DIRS) {
		ATF_REQUIRE_MSG((n = evt_uni_get(q, ev, 16)) > 0,
		    "%d of %d were told", sum, 10 * DIRS);
		for (i = 0; i < n; i++) {
			ATF_REQUIRE((ev[i].ev_what & EVANY_LOST) == 0);
			if (sscanf(ev[i].ev_name, "%d/%d", &d, &f) != 2)
				continue;
			ATF_REQUIRE_MSG(seen[d][f]++ == 0, "%s came twice",
			    ev[i].ev_name);
			sum++;
		}
	}
	ATF_REQUIRE_EQ(0, pthread_join(thread, NULL));
	evt_uni_none(q);
	evt_close(q);
}

/* ---- moves ------------------------------------------------------------------------ */

EVT_TC(tree__moved_over_another, "UNI-152 UNI-153",
    "A directory that is moved over another takes its name, and leaves it free")
{
	int q;

	q = tree(NAMES);
	ATF_REQUIRE_EQ(0, mkdir("d/y", 0755));
	gather(q);
	ATF_REQUIRE_EQ(0, rename("d/x", "d/y"));
	gather(q);
	evt_put("d/y/f", "");
	gather(q);
	ATF_REQUIRE_EQ(1, times("y/f", EVANY_MADE));
	ATF_REQUIRE_EQ(0, rename("d/y", "d/z"));
	gather(q);
	ATF_REQUIRE_EQ(0, mkdir("d/y", 0755));
	evt_put("d/y/g", "");
	evt_put("d/z/g", "");
	gather(q);
	ATF_REQUIRE_EQ(1, times("y/g", EVANY_MADE));
	ATF_REQUIRE_EQ(1, times("z/g", EVANY_MADE));
	evt_close(q);
}

EVT_TC(tree__what_left_is_let_go, "UNI-152",
    "What is done in a directory that has left the tree wakes nobody")
{
	int i, q;

	if (evt_uni_looks())
		atf_tc_skip("a scan looks all the time");
	q = tree(NAMES);
	ATF_REQUIRE_EQ(0, rename("d/x", "out/x"));
	/* The second look at new names ends the wait for its return. */
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(0, mkdir("d/y", 0755));
		gather(q);
		ATF_REQUIRE_EQ(0, rmdir("d/y"));
		gather(q);
	}
	evt_uni_until(q, "last", EVANY_GONE);
	evt_uni_none(q);
	evt_put("out/x/f", "");
	ATF_REQUIRE(!evt_readable(q, 0));
	evt_close(q);
}

EVT_TC(tree__dropped_beside_news, "UNI-150",
    "A tree is dropped, or set anew, while a directory is new in it and another "
    "has left")
{
	int q;

	q = tree(NAMES);
	ATF_REQUIRE_EQ(0, mkdir("d/x/n", 0755));
	ATF_REQUIRE_EQ(0, rename("d/x", "out/x"));
	ATF_REQUIRE_EQ(0, mkdir("d/m", 0755));
	look(q);
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE, EVANY_TREE, NULL));
	evt_put("out/x/f", "");
	evt_put("d/m/f", "");
	gather(q);
	ATF_REQUIRE_EQ(1, times("m/f", EVANY_MADE));
	ATF_REQUIRE_EQ(1, ntold - times("last", EVANY_MADE));
	ATF_REQUIRE_EQ(0, rename("d/m", "out/m"));
	gather(q);
	ATF_REQUIRE_EQ(0, mkdir("d/k", 0755));
	look(q);
	EVT_OK(evany_drop(q, EVANY_DIRECTORY, 1));
	evt_put("out/m/f", "");
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(tree__itself_is_moved, "UNI-146 UNI-141",
    "That the directory itself is moved is told without a name")
{
	struct evany_event ev;
	int q;

	q = tree(NAMES);
	ATF_REQUIRE_EQ(0, rename("d", "e"));
	evt_uni_one(q, &ev);
	ATF_REQUIRE(ev.ev_name == NULL);
	EVT_LOOKS((ev.ev_what & (EVANY_MOVED_FROM | EVANY_ISDIR)) ==
	    (EVANY_MOVED_FROM | EVANY_ISDIR), "it seems removed");
	evt_close(q);
}

/* ---- files ------------------------------------------------------------------------- */

EVT_TC(file__old_one_beside_the_new, "UNI-131",
    "What is done to the file that had the name is not told with the next")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	evt_put("f", "one");
	EVT_OK(evany_file(q, 1, "f", EVANY_ATTRIB | NAMES, 0, NULL));
	ATF_REQUIRE_EQ(0, rename("f", "g"));
	evt_put("f", "two");
	ATF_REQUIRE_EQ(0, chmod("g", 0600));
	evt_uni_one(q, &ev);
	EVT_LOOKS(ev.ev_what == (EVANY_MOVED_FROM | EVANY_MADE),
	    "changes between two looks are one");
	evt_uni_none(q);
	ATF_REQUIRE_EQ(0, chmod("f", 0600));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FILE, 1, EVANY_ATTRIB, NULL);
	evt_close(q);
}

EVT_TC(file__is_a_directory, "UNI-131 UNI-136",
    "Of a directory that is watched as a file the event says what it is")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	ATF_REQUIRE_EQ(0, mkdir("d", 0755));
	EVT_OK(evany_file(q, 1, "d", NAMES, 0, NULL));
	ATF_REQUIRE_EQ(0, rmdir("d"));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FILE, 1, EVANY_GONE | EVANY_ISDIR, NULL);
	ATF_REQUIRE_EQ(0, mkdir("d", 0755));
	evt_uni_one(q, &ev);
	ATF_REQUIRE((ev.ev_what & EVANY_ISDIR) != 0);
	evt_close(q);
}

EVT_TC(file__its_folder_has_moved, "UNI-138 UNI-131",
    "A new file that cannot be watched by the path any more ends the watch, "
    "and tells so")
{
	struct evany_event ev;
	int q;

	if (evt_uni_looks())
		atf_tc_skip("changes between two looks are one");
	q = evt_queue();
	ATF_REQUIRE_EQ(0, mkdir("d", 0755));
	evt_put("d/f", "one");
	EVT_OK(evany_file(q, 1, "d/f", NAMES, 0, NULL));
	evt_put("d/g", "two");
	ATF_REQUIRE(rename("d/g", "d/f") == 0 && rename("d", "e") == 0);
	evt_uni_one(q, &ev);
	ATF_REQUIRE_MSG((ev.ev_what & EVANY_ENDED) != 0, "%s",
	    evt_uni_text(&ev));
	ATF_REQUIRE_EQ(ENOENT, EVT_ERRNO(evany_drop(q, EVANY_FILE, 1)));
	evt_close(q);
}

EVT_TC(file__nothing_is_left_to_tell, "UNI-137",
    "What is taken in with an event leaves the queue silent")
{
	struct evany_event ev[3];
	int fd[2], q;

	if (evt_uni_looks())
		atf_tc_skip("changes between two looks are one");
	evt_skip_stacked();
	q = evt_queue();
	evt_pipe(fd);
	EVT_OK(evany_fd(q, fd[1], EVANY_WRITE, 0, NULL));
	EVT_OK(evany_file(q, 1, "f", NAMES, 0, NULL));
	ATF_REQUIRE_EQ(1, evt_uni_poll(q, ev, 3));
	/* It is found and has no room. */
	evt_put("f", "");
	EVT_OK(evany_post(q, 2, 0, NULL));
	ATF_REQUIRE_EQ(2, evt_uni_poll(q, ev, 2));
	EVT_OK(evany_drop(q, EVANY_FD, (uintptr_t)fd[1]));
	ATF_REQUIRE_EQ(0, unlink("f"));
	evt_uni_one(q, ev);
	ATF_REQUIRE_EQ(EVANY_MADE | EVANY_GONE, ev[0].ev_what);
	ATF_REQUIRE(!evt_readable(q, 0));
	evt_close(fd[0]);
	evt_close(fd[1]);
	evt_close(q);
}

EVT_TC(file__loss_without_a_file, "UNI-163 UNI-132",
    "A loss is told of a name that has no file, too")
{
	struct evany_event ev[64];
	unsigned long i, most;
	bool lost = false;
	int k, n, q;

	if (evt_uni_looks())
		atf_tc_skip("a scan loses nothing");
	most = evt_records_kept();
	q = evt_queue();
	ATF_REQUIRE_EQ(0, mkdir("d", 0755));
	evt_put("d/0", "");
	evt_put("f", "");
	EVT_OK(evany_file(q, 1, "f", NAMES, 0, NULL));
	ATF_REQUIRE_EQ(0, unlink("f"));
	evt_uni_one(q, ev);
	ATF_REQUIRE_EQ(EVANY_GONE, ev[0].ev_what);
	EVT_OK(evany_directory(q, 2, "d", EVANY_MOVED_TO, 0, NULL));
	for (i = 0; i <= most; i++)
		ATF_REQUIRE(rename(i % 2 ? "d/1" : "d/0",
		    i % 2 ? "d/0" : "d/1") == 0);
	while (!lost && (n = evt_uni_get(q, ev, 64)) > 0)
		for (k = 0; k < n; k++)
			lost |= ev[k].ev_source == EVANY_FILE &&
			    (ev[k].ev_what & EVANY_LOST) != 0;
	ATF_REQUIRE(lost);
	evt_close(q);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, tree__new_in_vain);
	EVT_TP_ADD_TC(tp, tree__new_twice);
	EVT_TP_ADD_TC(tp, tree__another_after_one_removed);
	EVT_TP_ADD_TC(tp, tree__new_below_what_left);
	EVT_TP_ADD_TC(tp, tree__link_in_its_place);
	EVT_TP_ADD_TC(tp, tree__still_cannot_be_watched);
	EVT_TP_ADD_TC(tp, tree__made_beside_a_wait);
	EVT_TP_ADD_TC(tp, tree__moved_over_another);
	EVT_TP_ADD_TC(tp, tree__what_left_is_let_go);
	EVT_TP_ADD_TC(tp, tree__dropped_beside_news);
	EVT_TP_ADD_TC(tp, tree__itself_is_moved);
	EVT_TP_ADD_TC(tp, file__old_one_beside_the_new);
	EVT_TP_ADD_TC(tp, file__is_a_directory);
	EVT_TP_ADD_TC(tp, file__its_folder_has_moved);
	EVT_TP_ADD_TC(tp, file__nothing_is_left_to_tell);
	EVT_TP_ADD_TC(tp, file__loss_without_a_file);
	return (atf_no_error());
}
