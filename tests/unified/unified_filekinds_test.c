/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVANY_FILE and EVANY_DIRECTORY: each kind of change, and what is kept of a
 * watch, in the folder of the case.
 */
#include "config.h"

#include "evt_uni.h"

#include <sys/stat.h>

#define KINDS	(EVANY_MODIFIED | EVANY_ATTRIB | EVANY_ACCESSED)
#define TOLD	(EVANY_OPENED | EVANY_CLOSED | EVANY_WRITTEN)

/* What can be wanted of the contents of a file here. */
static uint32_t
kinds(void)
{
	return (evt_uni_looks() ? KINDS : KINDS | TOLD);
}

/* What is done to a file, one act after the other, and what it is. */
static const uint32_t acts[] = {
	EVANY_ATTRIB,			/* chmod */
	EVANY_OPENED,			/* open for writing */
	EVANY_MODIFIED,			/* write */
	EVANY_CLOSED | EVANY_WRITTEN,	/* close */
	EVANY_OPENED,			/* open for reading */
	EVANY_ACCESSED,			/* read */
	EVANY_CLOSED			/* close */
};

static void
act(int i, const char *path, int *fdp)
{
	char buf[8];

	switch (i) {
	case 0:
		ATF_REQUIRE_EQ(0, chmod(path, 0600));
		break;
	case 1:
		ATF_REQUIRE((*fdp = open(path, O_WRONLY | O_APPEND)) != -1);
		break;
	case 2:
		ATF_REQUIRE_EQ(3, write(*fdp, "abc", 3));
		break;
	case 4:
		ATF_REQUIRE((*fdp = open(path, O_RDONLY)) != -1);
		break;
	case 5:
		ATF_REQUIRE(read(*fdp, buf, sizeof(buf)) > 0);
		break;
	default:
		evt_close(*fdp);
	}
}

/* Takes what one act has brought, with that name; nothing if it is 0. */
static void
act_told(int q, uint32_t what, const char *name)
{
	struct evany_event ev;

	if (what == 0) {
		evt_uni_none(q);
		return;
	}
	/* Systems need not keep the time of each access. */
	if (what == EVANY_ACCESSED && evt_uni_looks()) {
		(void)evany_wait(q, &ev, 1, EVT_QUIET_MS * MS);
		return;
	}
	evt_uni_one(q, &ev);
	ATF_REQUIRE_MSG((ev.ev_what & what) == what, "%s, not 0x%x",
	    evt_uni_text(&ev), what);
	EVT_LOOKS(ev.ev_what == what, "other changes between two looks");
	if (name == NULL)
		ATF_REQUIRE(ev.ev_name == NULL);
	else
		ATF_REQUIRE_STREQ(name, ev.ev_name);
}

EVT_TC(file__each_kind, "UNI-136",
    "Each kind of change is told by its bit alone, all at once or each alone")
{
	uint32_t bit, wanted[8];
	int fd = -1, i, n = 0, q, w;

	q = evt_queue();
	evt_put("f", "one");
	wanted[n++] = kinds();
	for (bit = EVANY_MODIFIED; bit <= EVANY_WRITTEN; bit <<= 1)
		if ((kinds() & bit) != 0)
			wanted[n++] = bit;
	for (w = 0; w < n; w++) {
		ATF_REQUIRE_EQ(0, chmod("f", 0644));
		EVT_OK(evany_file(q, 1, "f", wanted[w], 0, NULL));
		for (i = 0; i < EVT_NITEMS(acts); i++) {
			act(i, "f", &fd);
			act_told(q, acts[i] & wanted[w], NULL);
		}
		EVT_OK(evany_drop(q, EVANY_FILE, 1));
	}
	evt_close(q);
}

EVT_TC(directory__each_kind, "UNI-142 UNI-136",
    "Each kind of change of a directory's file is an event with its name")
{
	int fd = -1, i, q;

	q = evt_queue();
	ATF_REQUIRE_EQ(0, mkdir("d", 0755));
	evt_put("d/f", "one");
	EVT_OK(evany_directory(q, 1, "d", kinds(), 0, NULL));
	for (i = 0; i < EVT_NITEMS(acts); i++) {
		act(i, "d/f", &fd);
		act_told(q, acts[i] & kinds(), "f");
	}
	evt_close(q);
}

EVT_TC(kinds__refused, "UNI-136",
    "What the system cannot tell of a file is refused, and nothing changes")
{
	struct evany_event ev;
	uint32_t bit;
	int q;

	q = evt_queue();
	evt_put("f", "one");
	ATF_REQUIRE_EQ(0, mkdir("d", 0755));
	EVT_OK(evany_file(q, 1, "f", EVANY_MODIFIED, 0, EVT_USER(1)));
	for (bit = EVANY_OPENED; bit <= EVANY_WRITTEN; bit <<= 1) {
		ATF_REQUIRE_EQ(evt_uni_looks() ? ENOTSUP : 0,
		    EVT_ERRNO(evany_file(q, 2, "f", EVANY_MODIFIED | bit, 0,
		    NULL)));
		ATF_REQUIRE_EQ(evt_uni_looks() ? ENOENT : 0,
		    EVT_ERRNO(evany_drop(q, EVANY_FILE, 2)));
		ATF_REQUIRE_EQ(evt_uni_looks() ? ENOTSUP : 0,
		    EVT_ERRNO(evany_directory(q, 2, "d", bit, 0, NULL)));
	}
	evt_put("f", "two");
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FILE, 1, EVANY_MODIFIED, EVT_USER(1));
	evt_close(q);
}

EVT_TC(file__gathers, "UNI-137",
    "What happened since the last event is one event, also if set meanwhile")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	evt_put("f", "one");
	ATF_REQUIRE_EQ(0, chmod("f", 0644));
	EVT_OK(evany_file(q, 1, "f", EVANY_MODIFIED | EVANY_ATTRIB, 0, NULL));
	evt_put("f", "two");
	ATF_REQUIRE_EQ(0, chmod("f", 0600));
	evt_put("f", "three");
	evt_uni_one(q, &ev);
	EVT_LOOKS(ev.ev_what == (EVANY_MODIFIED | EVANY_ATTRIB),
	    "a look came between");
	while (evany_wait(q, &ev, 1, EVT_QUIET_MS * MS) == 1)
		ATF_REQUIRE(evt_uni_looks());
	evt_put("f", "four");
	EVT_OK(evany_file(q, 1, "f", EVANY_MODIFIED, EVANY_DISPATCH,
	    EVT_USER(2)));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FILE, 1, EVANY_MODIFIED, EVT_USER(2));
	evt_uni_none(q);
	evt_close(q);
}

EVT_TC(path__is_not_kept, "UNI-138",
    "The string may be reused, a relative path is of the folder at that time, "
    "and files and directories have numbers of their own")
{
	struct evany_event ev;
	char path[8] = "f";
	int q;

	q = evt_queue();
	evt_put("f", "one");
	ATF_REQUIRE_EQ(0, mkdir("d", 0755));
	ATF_REQUIRE_EQ(0, mkdir("d/t", 0755));
	EVT_OK(evany_file(q, 1, path, EVANY_MODIFIED, 0, EVT_USER(1)));
	(void)strcpy(path, "d");
	EVT_OK(evany_directory(q, 1, path, EVANY_MADE, EVANY_TREE,
	    EVT_USER(2)));
	(void)strcpy(path, "none");
	ATF_REQUIRE_EQ(0, chdir("d"));
	evt_put("../f", "two");
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FILE, 1, EVANY_MODIFIED, EVT_USER(1));
	ATF_REQUIRE_EQ(0, mkdir("t/u", 0755));
	ev = evt_uni_until(q, "t/u", EVANY_MADE);
	EVT_UNI(&ev, EVANY_DIRECTORY, 1, EVANY_MADE | EVANY_ISDIR,
	    EVT_USER(2));
	evt_put("t/u/x", "");
	(void)evt_uni_until(q, "t/u/x", EVANY_MADE);
	EVT_OK(evany_drop(q, EVANY_FILE, 1));
	evt_put("t/u/y", "");
	(void)evt_uni_until(q, "t/u/y", EVANY_MADE);
	evt_close(q);
}

EVT_TC(link__is_set_again, "UNI-133",
    "A link is followed when the watch is set, and where it leads then")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	evt_put("a", "");
	evt_put("b", "");
	ATF_REQUIRE_EQ(0, symlink("a", "l"));
	EVT_OK(evany_file(q, 1, "l", EVANY_MODIFIED, 0, NULL));
	ATF_REQUIRE_EQ(0, unlink("l"));
	ATF_REQUIRE_EQ(0, symlink("b", "l"));
	evt_put("b", "text");
	evt_uni_none(q);
	evt_put("a", "text");
	evt_uni_one(q, &ev);
	EVT_OK(evany_file(q, 1, "l", EVANY_MODIFIED, 0, EVT_USER(1)));
	evt_put("a", "text");
	evt_uni_none(q);
	evt_put("b", "text");
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_FILE, 1, EVANY_MODIFIED, EVT_USER(1));
	evt_close(q);
}

EVT_TC(directory__has_no_modes, "UNI-145 UNI-023",
    "A directory has no modes, and a file none of its flags")
{
	static const unsigned int modes[] = { EVANY_EDGE, EVANY_ONESHOT,
	    EVANY_DISPATCH, EVANY_NOFOLLOW, EVANY_COUNT };
	int i, q;

	q = evt_queue();
	ATF_REQUIRE_EQ(0, mkdir("d", 0755));
	for (i = 0; i < EVT_NITEMS(modes); i++)
		ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(evany_directory(q, 1, "d",
		    EVANY_MADE, modes[i], NULL)));
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(evany_file(q, 1, "d",
	    EVANY_MODIFIED, EVANY_EDGE | EVANY_DISPATCH, NULL)));
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(evany_file(q, 1, "d",
	    EVANY_MODIFIED, EVANY_COUNT, NULL)));
	evt_close(q);
}

EVT_TC(directory__itself, "UNI-146",
    "What happens to the directory itself is an event without a name")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	ATF_REQUIRE_EQ(0, mkdir("d", 0755));
	EVT_OK(evany_directory(q, 1, "d", EVANY_ATTRIB | EVANY_MOVED_FROM, 0,
	    NULL));
	ATF_REQUIRE_EQ(0, chmod("d", 0700));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_DIRECTORY, 1, EVANY_ATTRIB | EVANY_ISDIR, NULL);
	ATF_REQUIRE(ev.ev_name == NULL);
	ATF_REQUIRE_EQ(0, ev.ev_cookie);
	evt_close(q);
}

EVT_TC(directory__again_forgets, "UNI-147",
    "To set a directory again forgets events that were not taken")
{
	struct evany_event ev;
	int q;

	q = evt_queue();
	ATF_REQUIRE_EQ(0, mkdir("d", 0755));
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE, 0, EVT_USER(1)));
	evt_put("d/a", "");
	evt_put("d/b", "");
	evt_uni_until(q, "a", EVANY_MADE);
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE | EVANY_GONE, 0,
	    EVT_USER(2)));
	evt_uni_none(q);
	ATF_REQUIRE_EQ(0, unlink("d/a"));
	evt_uni_one(q, &ev);
	EVT_UNI(&ev, EVANY_DIRECTORY, 1, EVANY_GONE, EVT_USER(2));
	/* A failure keeps what there is. */
	ATF_REQUIRE_EQ(0, unlink("d/b"));
	ATF_REQUIRE_EQ(ENOENT, EVT_ERRNO(evany_directory(q, 1, "none",
	    EVANY_MADE, 0, NULL)));
	ev = evt_uni_until(q, "b", EVANY_GONE);
	ATF_REQUIRE(ev.ev_user == EVT_USER(2));
	evt_close(q);
}

EVT_TC(tree__links, "UNI-156",
    "Symbolic links in a tree are not followed, old ones and new ones")
{
	int q;

	q = evt_queue();
	ATF_REQUIRE(mkdir("d", 0755) == 0 && mkdir("out", 0755) == 0);
	ATF_REQUIRE_EQ(0, symlink("../out", "d/old"));
	EVT_OK(evany_directory(q, 1, "d", EVANY_MADE, EVANY_TREE, NULL));
	ATF_REQUIRE_EQ(0, symlink("../out", "d/new"));
	ATF_REQUIRE_EQ(EVANY_MADE, evt_uni_until(q, "new",
	    EVANY_MADE).ev_what);
	evt_put("out/f", "");
	evt_uni_none(q);
	evt_close(q);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, file__each_kind);
	EVT_TP_ADD_TC(tp, directory__each_kind);
	EVT_TP_ADD_TC(tp, kinds__refused);
	EVT_TP_ADD_TC(tp, file__gathers);
	EVT_TP_ADD_TC(tp, path__is_not_kept);
	EVT_TP_ADD_TC(tp, link__is_set_again);
	EVT_TP_ADD_TC(tp, directory__has_no_modes);
	EVT_TP_ADD_TC(tp, directory__itself);
	EVT_TP_ADD_TC(tp, directory__again_forgets);
	EVT_TP_ADD_TC(tp, tree__links);
	return (atf_no_error());
}
