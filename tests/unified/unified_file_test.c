/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVANY_FILE and EVANY_DIRECTORY, in the folder of the case.
 */
#include "config.h"

#include "evt_uni.h"

#include <sys/resource.h>
#include <sys/stat.h>

#define ALL	(EVANY_MODIFIED | EVANY_MADE | EVANY_GONE |		\
		EVANY_MOVED_FROM | EVANY_MOVED_TO)

/* ---- files --------------------------------------------------------------- */

EVT_TC(file__is_modified, "UNI-130",
    "A change of the file is told, by whatever name it was made")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	evt_put("f", "one");
	ATF_REQUIRE(link("f", "other") == 0);
	EVT_OK(evany_file(q, 5, "f", EVANY_MODIFIED, 0, EVT_USER(6)));
	evt_uni_none(q);
	evt_put("f", "two");
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FILE, 5, EVANY_MODIFIED, EVT_USER(6));
	ATF_REQUIRE(ev.ev_name == NULL);
	evt_uni_none(q);
	evt_put("other", "three");
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FILE, 5, EVANY_MODIFIED, EVT_USER(6));
	EVT_OK(evany_drop(q, EVANY_FILE, 5));
	evt_put("f", "four");
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(file__is_replaced, "UNI-131",
    "A file that is replaced by another is followed by its name")
{
	struct evany_event ev;
	int i, q;

	q = evt_queue();
	evt_put("f", "one");
	EVT_OK(evany_file(q, 1, "f", EVANY_MODIFIED, 0, NULL));
	for (i = 0; i < 3; i++) {
		evt_put("new", "two");
		ATF_REQUIRE(rename("new", "f") == 0);
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_FILE, 1, EVANY_MODIFIED, NULL);
		evt_uni_none(q);
		evt_put("f", "three");
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_FILE, 1, EVANY_MODIFIED, NULL);
	}
	evt_close(q);
}

EVT_TC(file__comes_and_goes, "UNI-132",
    "A name that nothing has yet can be watched; it comes and goes")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_file(q, 1, "f", EVANY_MODIFIED, 0,
	    NULL)), ENOENT);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_file(q, 1, "none/f", EVANY_MADE, 0,
	    NULL)), ENOENT);
	EVT_OK(evany_file(q, 1, "f", ALL, 0, NULL));
	evt_uni_none(q);
	evt_put("f", "");
	evt_uni_one(q, &ev);
	ATF_REQUIRE((ev.ev_what & EVANY_MADE) != 0);
	evt_put("f", "text");
	evt_uni_one(q, &ev);
	ATF_REQUIRE((ev.ev_what & EVANY_MODIFIED) != 0);
	evt_uni_none(q);
	ATF_REQUIRE(rename("f", "g") == 0);
	evt_uni_one(q, &ev);
	ATF_REQUIRE((ev.ev_what & EVANY_MOVED_FROM) != 0);
	evt_uni_none(q);
	ATF_REQUIRE(rename("g", "f") == 0);
	evt_uni_one(q, &ev);
	ATF_REQUIRE((ev.ev_what & EVANY_MOVED_TO) != 0);
	evt_uni_none(q);
	ATF_REQUIRE(unlink("f") == 0);
	evt_uni_one(q, &ev);
	ATF_REQUIRE((ev.ev_what & EVANY_GONE) != 0);
	evt_put("f", "");
	evt_uni_one(q, &ev);
	ATF_REQUIRE((ev.ev_what & EVANY_MADE) != 0);
	evt_close(q);
}

EVT_TC(file__gone_at_once, "UNI-132",
    "What comes and goes before the event is taken is told as gone too")
{
	struct evany_event ev;
	uint32_t what;
	int q;

	q = evt_queue();
	EVT_OK(evany_file(q, 1, "f", ALL, 0, NULL));
	evt_put("f", "");
	/* A change makes the queue look at what there is. */
	EVT_OK(evany_file(q, 2, "other", ALL, 0, NULL));
	EVT_OK(evany_drop(q, EVANY_FILE, 2));
	ATF_REQUIRE(unlink("f") == 0);
	if (evt_uni_looks()) {
		evt_close(q);
		return;
	}
	for (what = 0; (what & EVANY_GONE) == 0; what |= ev.ev_what)
		evt_uni_one(q, &ev);
	ATF_REQUIRE((what & EVANY_MADE) != 0);
	evt_uni_none(q);
	evt_close(q);
}

#define COMES	3000

/* As often as it is told, until the other end is closed. */
static void *
come_and_go(void *arg)
{
	int fd = *(int *)arg;
	char c;

	while (read(fd, &c, 1) == 1) {
		evt_put("f", "");
		ATF_REQUIRE(unlink("f") == 0);
	}
	return (NULL);
}

EVT_TC(file__goes_while_taken, "UNI-132",
    "What goes while the event of its coming is taken is told as gone")
{
	struct evany_event ev;
	pthread_t thread;
	int fd[2], i, q;

	if (evt_uni_looks())
		atf_tc_skip("changes between two looks are one");
	q = evt_queue();
	EVT_OK(evany_file(q, 1, "f", ALL, 0, NULL));
	ATF_REQUIRE(pipe(fd) == 0);
	ATF_REQUIRE_EQ(0, pthread_create(&thread, NULL, come_and_go, &fd[0]));
	for (i = 0; i < COMES; i++) {
		ATF_REQUIRE_EQ(1, write(fd[1], "", 1));
		do {
			ATF_REQUIRE_MSG(evt_uni_get(q, &ev, 1) == 1,
			    "time %d: not told as gone", i);
		} while ((ev.ev_what & EVANY_GONE) == 0);
	}
	evt_close(fd[1]);
	ATF_REQUIRE_EQ(0, pthread_join(thread, NULL));
	evt_close(fd[0]);
	evt_close(q);
}

EVT_TC(file__moved_away, "UNI-131",
    "A file that has lost the name is not told of any more")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	evt_put("f", "");
	EVT_OK(evany_file(q, 1, "f", EVANY_MODIFIED | EVANY_MOVED_FROM |
	    EVANY_GONE, 0, NULL));
	ATF_REQUIRE(rename("f", "g") == 0);
	evt_put("g", "more");
	evt_uni_one(q, &ev);
	ATF_REQUIRE_MSG(evt_uni_looks() || ev.ev_what == EVANY_MOVED_FROM, "%s",
	    evt_uni_text(&ev));
	evt_put("g", "more");
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(file__link, "UNI-133",
    "A symbolic link is followed, unless that is not wanted")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	evt_put("f", "one");
	ATF_REQUIRE(symlink("f", "l") == 0);
	EVT_OK(evany_file(q, 1, "l", EVANY_MODIFIED, 0, NULL));
	EVT_OK(evany_file(q, 2, "l", EVANY_MODIFIED | EVANY_GONE,
	    EVANY_NOFOLLOW, NULL));
	evt_put("f", "two");
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FILE, 1, EVANY_MODIFIED, NULL);
	ATF_REQUIRE(unlink("l") == 0);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FILE, 2, EVANY_GONE, NULL);
	evt_close(q);
}

EVT_TC(file__modes, "UNI-134",
    "One-shot ends the watch; dispatch keeps quiet until it is set")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	evt_put("f", "one");
	EVT_OK(evany_file(q, 1, "f", EVANY_MODIFIED, EVANY_ONESHOT, NULL));
	evt_put("f", "two");
	evt_uni_one(q, &ev);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_FILE, 1)), ENOENT);
	EVT_OK(evany_file(q, 1, "f", EVANY_MODIFIED, EVANY_DISPATCH, NULL));
	evt_put("f", "three");
	evt_uni_one(q, &ev);
	evt_put("f", "four");
	evt_uni_none(q);
	EVT_OK(evany_file(q, 1, "f", EVANY_MODIFIED, EVANY_DISPATCH, NULL));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FILE, 1, EVANY_MODIFIED, NULL);
	evt_close(q);
}

EVT_TC(file__is_renewed_and_silent, "UNI-055 UNI-134",
    "Dispatch keeps quiet of a name that came and went before it was told")
{
	struct evany_event ev[3];
	int fd[2], q;

	if (evt_uni_looks())
		atf_tc_skip("what comes and goes between looks is not told");
	q = evt_queue();
	evt_pipe(fd);
	EVT_OK(evany_fd(q, fd[1], EVANY_WRITE, 0, NULL));
	EVT_OK(evany_file(q, 1, "f", ALL, EVANY_DISPATCH, NULL));
	ATF_REQUIRE_EQ(1, evt_uni_poll(q, ev, 3));
	/* It is found and has no room. */
	evt_put("f", "");
	EVT_OK(evany_post(q, 2, 0, NULL));
	ATF_REQUIRE_EQ(2, evt_uni_poll(q, ev, 2));
	ATF_REQUIRE(unlink("f") == 0);
	ATF_REQUIRE_EQ(2, evt_uni_poll(q, ev, 3));
	evt_put("f", "");
	/* A change makes the queue look at what there is. */
	EVT_OK(evany_file(q, 2, "other", ALL, 0, NULL));
	ATF_REQUIRE_EQ(1, evt_uni_poll(q, ev, 3));
	ATF_REQUIRE_EQ(EVANY_FD, ev[0].ev_source);
	EVT_OK(evany_file(q, 1, "f", ALL, EVANY_DISPATCH, NULL));
	ATF_REQUIRE_EQ(2, evt_uni_poll(q, ev, 3));
	evt_close(fd[0]);
	evt_close(fd[1]);
	evt_close(q);
}

EVT_TC(file__stray_values, "UNI-135",
    "No path is EFAULT, nothing wanted EINVAL, and a failure changes nothing")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	evt_put("f", "one");
	EVT_OK(evany_file(q, 1, "f", EVANY_MODIFIED, 0, EVT_USER(1)));
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_file(q, 1, NULL, EVANY_MODIFIED, 0,
	    NULL)), EFAULT);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_file(q, 1, "f", 0, 0, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_file(q, 1, "f", EVANY_LOST, 0,
	    NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_file(q, 1, "f", EVANY_MODIFIED,
	    EVANY_TREE, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_file(q, 1, "none", EVANY_MODIFIED, 0,
	    NULL)), ENOENT);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_file(q, 1, "", EVANY_MADE, 0,
	    NULL)), ENOENT);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_directory(q, 1, "f", EVANY_MADE, 0,
	    NULL)), ENOTDIR);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_directory(q, 1, "none", EVANY_MADE, 0,
	    NULL)), ENOENT);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_directory(q, 1, NULL, EVANY_MADE, 0,
	    NULL)), EFAULT);
	evt_put("f", "two");
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FILE, 1, EVANY_MODIFIED, EVT_USER(1));
	evt_close(q);
}

/* ---- directories ----------------------------------------------------------- */

EVT_TC(directory__names, "UNI-140 UNI-141",
    "Each act on a name is an event with the name; a rename has a cookie")
{
	struct evany_event ev[2];
	int q;

	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0);
	EVT_OK(evany_directory(q, 9, "d", EVANY_MADE | EVANY_GONE |
	    EVANY_MOVED_FROM | EVANY_MOVED_TO, 0, EVT_USER(1)));
	evt_uni_none(q);
	evt_put("d/a", "");
	evt_uni_one(q, &ev[0]);
	EVT_UNI(&ev[0], EVANY_DIRECTORY, 9, EVANY_MADE, EVT_USER(1));
	ATF_REQUIRE_STREQ(ev[0].ev_name, "a");
	ATF_REQUIRE(mkdir("d/sub", 0755) == 0);
	evt_uni_one(q, &ev[0]);
	EVT_UNI(&ev[0], EVANY_DIRECTORY, 9, EVANY_MADE | EVANY_ISDIR,
	    EVT_USER(1));
	ATF_REQUIRE_STREQ(ev[0].ev_name, "sub");

	ATF_REQUIRE(rename("d/a", "d/b") == 0);
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 2, 2, EVT_WAIT_NS), 2);
	EVT_UNI(&ev[0], EVANY_DIRECTORY, 9, EVANY_MOVED_FROM, EVT_USER(1));
	ATF_REQUIRE_STREQ(ev[0].ev_name, "a");
	EVT_UNI(&ev[1], EVANY_DIRECTORY, 9, EVANY_MOVED_TO, EVT_USER(1));
	ATF_REQUIRE_STREQ(ev[1].ev_name, "b");
	ATF_REQUIRE(ev[0].ev_cookie != 0);
	ATF_REQUIRE_EQ(ev[0].ev_cookie, ev[1].ev_cookie);

	ATF_REQUIRE(unlink("d/b") == 0);
	evt_uni_one(q, &ev[0]);
	EVT_UNI(&ev[0], EVANY_DIRECTORY, 9, EVANY_GONE, EVT_USER(1));
	ATF_REQUIRE_STREQ(ev[0].ev_name, "b");
	ATF_REQUIRE_EQ(ev[0].ev_cookie, 0);

	/* In a directory below nothing is told. */
	evt_put("d/sub/c", "");
	evt_uni_none(q);
	EVT_OK(evany_drop(q, EVANY_DIRECTORY, 9));
	evt_put("d/a", "");
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(directory__files, "UNI-142",
    "Changes of the files are told with their names")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0);
	evt_put("d/a", "");
	EVT_OK(evany_directory(q, 1, "d", EVANY_MODIFIED, 0, NULL));
	evt_put("d/a", "text");
	ev = evt_uni_until(q, "a", EVANY_MODIFIED);
	EVT_UNI(&ev, EVANY_DIRECTORY, 1, EVANY_MODIFIED, NULL);
	evt_close(q);
}

EVT_TC(directory__is_removed, "UNI-143",
    "When the directory is removed the watch has ended")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0);
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE | EVANY_GONE, 0, NULL));
	ATF_REQUIRE(rmdir("d") == 0);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_DIRECTORY, 1, EVANY_GONE | EVANY_ENDED |
	    EVANY_ISDIR, NULL);
	ATF_REQUIRE(ev.ev_name == NULL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_DIRECTORY, 1)), ENOENT);
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(directory__name_is_kept, "UNI-144",
    "A name is good until the thread waits again, also after a drop")
{
	struct evany_event ev[3];
	char path[16];
	int i, q;

	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0);
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE, 0, NULL));
	for (i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		evt_put(path, "");
	}
	ATF_REQUIRE_EQ(evany_turn(q, NULL, 0, ev, 3, 3, EVT_WAIT_NS), 3);
	EVT_OK(evany_drop(q, EVANY_DIRECTORY, 1));
	evt_close(q);
	ATF_REQUIRE_STREQ(ev[0].ev_name, "0");
	ATF_REQUIRE_STREQ(ev[1].ev_name, "1");
	ATF_REQUIRE_STREQ(ev[2].ev_name, "2");
	q = evt_queue();
	ATF_REQUIRE_EQ(evany_wait(q, ev, 1, 0), 0);
	evt_close(q);
}

/* ---- trees -------------------------------------------------------------------- */

EVT_TC(tree__below, "UNI-150",
    "In a tree names are paths below the directory")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0 && mkdir("d/x", 0755) == 0 &&
	    mkdir("d/x/y", 0755) == 0);
	evt_put("d/x/y/old", "");
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE | EVANY_GONE,
	    EVANY_TREE, NULL));
	evt_uni_none(q);
	evt_put("d/a", "");
	evt_uni_one(q, &ev);
	ATF_REQUIRE_STREQ(ev.ev_name, "a");
	evt_put("d/x/y/b", "");
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_DIRECTORY, 1, EVANY_MADE, NULL);
	ATF_REQUIRE_STREQ(ev.ev_name, "x/y/b");
	ATF_REQUIRE(unlink("d/x/y/old") == 0);
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_DIRECTORY, 1, EVANY_GONE, NULL);
	ATF_REQUIRE_STREQ(ev.ev_name, "x/y/old");
	evt_close(q);
}

EVT_TC(tree__new_directories, "UNI-151",
    "What is made in a new directory is told once, however fast it comes")
{
	struct evany_event ev[64];
	char path[64];
	int i, j, n, q, sum;
	bool seen[10][11];

	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0);
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE, EVANY_TREE, NULL));
	for (i = 0; i < 10; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		ATF_REQUIRE(mkdir(path, 0755) == 0);
		for (j = 0; j < 10; j++) {
			(void)snprintf(path, sizeof(path), "d/%d/%d", i, j);
			evt_put(path, "");
		}
	}
	memset(seen, 0, sizeof(seen));
	for (sum = 0; sum < 110; sum += n) {
		n = evt_uni_get(q, ev, 64);
		ATF_REQUIRE_MSG(n > 0, "only %d were told", sum);
		for (i = 0; i < n; i++) {
			int d = -1, f = 10;

			ATF_REQUIRE(sscanf(ev[i].ev_name, "%d/%d", &d,
			    &f) >= 1);
			ATF_REQUIRE_MSG(!seen[d][f], "%s was told twice",
			    ev[i].ev_name);
			seen[d][f] = true;
		}
	}
	evt_uni_none(q);
	/* And what comes later. */
	evt_put("d/5/later", "");
	evt_uni_one(q, ev);
	ATF_REQUIRE_STREQ(ev[0].ev_name, "5/later");
	evt_close(q);
}

EVT_TC(tree__moves, "UNI-152",
    "A directory that is moved is told of by its new name from then on")
{
	struct evany_event ev;
	uint32_t cookie;
	int q;

	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0 && mkdir("d/x", 0755) == 0 &&
	    mkdir("d/x/y", 0755) == 0 && mkdir("out", 0755) == 0);
	evt_put("d/x/old", "");
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE | EVANY_GONE |
	    EVANY_MOVED_FROM | EVANY_MOVED_TO, EVANY_TREE, NULL));
	ATF_REQUIRE(rename("d/x", "d/z") == 0);
	ev = evt_uni_until(q, "x", EVANY_MOVED_FROM);
	cookie = ev.ev_cookie;
	ev = evt_uni_until(q, "z", EVANY_MOVED_TO);
	ATF_REQUIRE_EQ(ev.ev_cookie, cookie);
	evt_uni_none(q);
	evt_put("d/z/y/a", "");
	evt_uni_one(q, &ev);
	ATF_REQUIRE_STREQ(ev.ev_name, "z/y/a");

	/* Out of the tree it is not told of any more; back in it is new. */
	ATF_REQUIRE(rename("d/z", "out/z") == 0);
	ev = evt_uni_until(q, "z", EVANY_MOVED_FROM | EVANY_GONE);
	EVT_LOOKS((ev.ev_what & EVANY_MOVED_FROM) != 0, "it seems removed");
	evt_put("out/z/y/b", "");
	evt_uni_none(q);
	ATF_REQUIRE(rename("out/z", "d/w") == 0);
	ev = evt_uni_until(q, "w", EVANY_MOVED_TO | EVANY_MADE);
	EVT_LOOKS((ev.ev_what & EVANY_MOVED_TO) != 0, "it seems made");
	(void)evt_uni_until(q, "w/y/b", EVANY_MADE);
	evt_close(q);
}

EVT_TC(tree__acts_after_a_move, "UNI-152",
    "What happens in a directory right after its move is told by its new name")
{
	int q;

	if (evt_uni_looks())
		atf_tc_skip("changes between two looks are one");
	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0 && mkdir("d/x", 0755) == 0 &&
	    mkdir("d/x/y", 0755) == 0);
	evt_put("d/x/old", "");
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE | EVANY_GONE,
	    EVANY_TREE, NULL));
	/* One that nobody has looked into is moved with the rest. */
	ATF_REQUIRE(mkdir("d/x/new", 0755) == 0);
	evt_put("d/x/new/b", "");
	ATF_REQUIRE(rename("d/x", "d/z") == 0);
	evt_put("d/z/a", "");
	ATF_REQUIRE(unlink("d/z/old") == 0);
	evt_put("d/z/y/c", "");
	ATF_REQUIRE(rename("d/z", "d/w") == 0);
	evt_put("d/w/y/d", "");
	(void)evt_uni_until(q, "x/new", EVANY_MADE);
	(void)evt_uni_until(q, "z/a", EVANY_MADE);
	(void)evt_uni_until(q, "z/old", EVANY_GONE);
	(void)evt_uni_until(q, "z/y/c", EVANY_MADE);
	(void)evt_uni_until(q, "w/y/d", EVANY_MADE);
	(void)evt_uni_until(q, "w/new/b", EVANY_MADE);
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(tree__is_dropped, "UNI-150",
    "Of a tree that was dropped nothing is told, though something happened")
{
	int q;

	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0 && mkdir("d/x", 0755) == 0);
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE, EVANY_TREE, NULL));
	evt_put("d/a", "");
	EVT_OK(evany_drop(q, EVANY_DIRECTORY, 1));
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(tree__is_removed, "UNI-153",
    "A tree that is removed is told name by name, and can come again")
{
	struct evany_event ev;
	int i, q;

	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0);
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE | EVANY_GONE,
	    EVANY_TREE, NULL));
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE(mkdir("d/x", 0755) == 0);
		ATF_REQUIRE(mkdir("d/x/y", 0755) == 0);
		evt_put("d/x/y/f", "");
		(void)evt_uni_until(q, "x/y/f", EVANY_MADE);
		ATF_REQUIRE(unlink("d/x/y/f") == 0);
		ATF_REQUIRE(rmdir("d/x/y") == 0);
		ATF_REQUIRE(rmdir("d/x") == 0);
		if (!evt_uni_looks()) {
			(void)evt_uni_until(q, "x/y/f", EVANY_GONE);
			(void)evt_uni_until(q, "x/y", EVANY_GONE);
		}
		ev = evt_uni_until(q, "x", EVANY_GONE);
		ATF_REQUIRE((ev.ev_what & EVANY_ISDIR) != 0);
		evt_uni_none(q);
	}
	evt_close(q);
}

EVT_TC(tree__cannot_be_watched_for_now, "UNI-155",
    "A new directory that cannot be watched is told lost, and tried again")
{
	struct rlimit all, few;
	struct evany_event ev;
	bool lost = false;
	int low, q;

	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0);
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE, EVANY_TREE, NULL));
	evt_uni_none(q);
	ATF_REQUIRE((low = dup(0)) != -1);
	evt_close(low);
	ATF_REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = all;
	few.rlim_cur = (rlim_t)low;
	ATF_REQUIRE(mkdir("d/x", 0755) == 0);
	ATF_REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (!lost && evany_wait(q, &ev, 1, evt_uni_looks() ?
	    EVT_QUIET_MS * MS : EVT_WAIT_NS) == 1)
		lost = (ev.ev_what & EVANY_LOST) != 0;
	ATF_REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &all), 0);
	EVT_LOOKS(lost, "nothing was looked at meanwhile");
	evt_put("d/x/missed", "");
	evt_put("d/any", "");
	(void)evt_uni_until(q, "x/missed", EVANY_MADE);
	evt_put("d/x/later", "");
	(void)evt_uni_until(q, "x/later", EVANY_MADE);
	evt_close(q);
}

EVT_TC(tree__events_are_limited, "UNI-154",
    "Events that nobody takes are kept up to a limit; then some are lost")
{
	struct evany_event ev[256];
	char path[32];
	int i, n, q, sum = 0;
	bool lost = false;

	if (evt_uni_looks())
		atf_tc_skip("changes between two looks are one");
	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0);
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE | EVANY_GONE,
	    EVANY_TREE, NULL));
	for (i = 0; i < 10000; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i % 10);
		evt_put(path, "");
		ATF_REQUIRE(unlink(path) == 0);
		/* The mechanism's own limit may be lower. */
		if (i % 1000 == 0)
			EVT_OK(evany_turn(q, NULL, 0, ev, 0, 1, 0));
	}
	while ((n = evt_uni_get(q, ev, 256)) > 0 && !lost)
		for (i = 0; i < n; i++, sum++)
			lost |= (ev[i].ev_what & EVANY_LOST) != 0;
	ATF_REQUIRE(lost);
	while (evt_uni_poll(q, ev, 256) > 0)
		continue;
	evt_put("d/last", "");
	(void)evt_uni_until(q, "last", EVANY_MADE);
	evt_close(q);
}

EVT_TC(tree__goes_on_after_a_loss, "UNI-154",
    "After a loss a tree tells of what was made anew meanwhile")
{
	struct evany_event ev[256];
	unsigned long i, most;
	bool lost = false;
	int k, n, q;

	if (evt_uni_looks())
		atf_tc_skip("changes between two looks are one");
	most = evt_records_kept();
	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0 && mkdir("d/x", 0755) == 0 &&
	    mkdir("d/x/y", 0755) == 0);
	evt_put("d/0", "");
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE, EVANY_TREE, NULL));
	for (i = 0; i <= most; i++)
		ATF_REQUIRE(rename(i % 2 ? "d/1" : "d/0",
		    i % 2 ? "d/0" : "d/1") == 0);
	ATF_REQUIRE(rmdir("d/x/y") == 0 && rmdir("d/x") == 0 &&
	    mkdir("d/x", 0755) == 0 && mkdir("d/x/y", 0755) == 0);
	while (!lost && (n = evt_uni_get(q, ev, 256)) > 0)
		for (k = 0; k < n; k++)
			lost |= (ev[k].ev_what & EVANY_LOST) != 0;
	ATF_REQUIRE(lost);
	evt_put("d/x/a", "");
	(void)evt_uni_until(q, "x/a", EVANY_MADE);
	evt_put("d/x/y/b", "");
	(void)evt_uni_until(q, "x/y/b", EVANY_MADE);
	evt_close(q);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, file__is_modified);
	EVT_TP_ADD_TC(tp, file__is_replaced);
	EVT_TP_ADD_TC(tp, file__comes_and_goes);
	EVT_TP_ADD_TC(tp, file__gone_at_once);
	EVT_TP_ADD_TC(tp, file__goes_while_taken);
	EVT_TP_ADD_TC(tp, file__moved_away);
	EVT_TP_ADD_TC(tp, file__link);
	EVT_TP_ADD_TC(tp, file__modes);
	EVT_TP_ADD_TC(tp, file__is_renewed_and_silent);
	EVT_TP_ADD_TC(tp, file__stray_values);
	EVT_TP_ADD_TC(tp, directory__names);
	EVT_TP_ADD_TC(tp, directory__files);
	EVT_TP_ADD_TC(tp, directory__is_removed);
	EVT_TP_ADD_TC(tp, directory__name_is_kept);
	EVT_TP_ADD_TC(tp, tree__below);
	EVT_TP_ADD_TC(tp, tree__new_directories);
	EVT_TP_ADD_TC(tp, tree__moves);
	EVT_TP_ADD_TC(tp, tree__acts_after_a_move);
	EVT_TP_ADD_TC(tp, tree__is_dropped);
	EVT_TP_ADD_TC(tp, tree__is_removed);
	EVT_TP_ADD_TC(tp, tree__cannot_be_watched_for_now);
	EVT_TP_ADD_TC(tp, tree__events_are_limited);
	EVT_TP_ADD_TC(tp, tree__goes_on_after_a_loss);
	return (atf_no_error());
}
