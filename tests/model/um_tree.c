/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * um_tree: a tree of directories that changes, and who watches it.
 *
 * What is told of a tree depends on when the library looks, so the model does
 * not say which events there must be, but what they are good for: whoever
 * starts with the tree as it was when the watch was set, does what each event
 * says, and looks at a file that was made, modified or moved, has the tree as
 * it is when there are no more events.  And each event fits what he has then:
 * nothing is made twice, nor goes if it was not there.
 */
#include "config.h"

#include "um.h"

#include <sys/stat.h>
#include <stdlib.h>

#define NAMES		3
#define MOST		14		/* that exist at a time */
#define DEPTH		4
#define FLOATING	(-1)		/* tn_parent: it was moved from */

static int
node_find(const struct um_tree *tr, int parent, char name)
{
	int i;

	for (i = 1; i < UM_NODES; i++)
		if (tr->tr_node[i].tn_live && tr->tr_node[i].tn_name == name &&
		    tr->tr_node[i].tn_parent == parent)
			return (i);
	return (-1);
}

static int
node_add(struct um_tree *tr, int parent, char name, bool dir)
{
	int i;

	for (i = 1; tr->tr_node[i].tn_live; i++)
		if (i == UM_NODES - 1)
			abort();
	tr->tr_node[i] = (struct um_node){ true, dir, parent, name, 0, 0 };
	return (i);
}

/* A file, or a directory with all that is in it. */
static void
node_remove(struct um_tree *tr, int at)
{
	int i;

	tr->tr_node[at].tn_live = false;
	for (i = 1; i < UM_NODES; i++)
		if (tr->tr_node[i].tn_live && tr->tr_node[i].tn_parent == at)
			node_remove(tr, i);
}

static int
node_children(const struct um_tree *tr, int at)
{
	int i, n = 0;

	for (i = 1; i < UM_NODES; i++)
		n += tr->tr_node[i].tn_live && tr->tr_node[i].tn_parent == at;
	return (n);
}

/* Is a node that one, or somewhere in it? */
static bool
node_within(const struct um_tree *tr, int at, int within)
{
	for (; at > 0; at = tr->tr_node[at].tn_parent)
		if (at == within)
			return (true);
	return (at == within);
}

static int
node_depth(const struct um_tree *tr, int at)
{
	int n = 0;

	for (; at > 0; at = tr->tr_node[at].tn_parent)
		n++;
	return (n);
}

/* Writes its path; the end. */
static char *
node_path(const struct um_tree *tr, int at, char *path)
{
	if (at == 0) {
		*path++ = 't';
	} else {
		path = node_path(tr, tr->tr_node[at].tn_parent, path);
		*path++ = '/';
		*path++ = tr->tr_node[at].tn_name;
	}
	*path = '\0';
	return (path);
}

/* The node at a path below the tree; with parent set all but the last name. */
static int
node_at(const struct um_tree *tr, const char *path, bool parent)
{
	int at = 0;

	for (; *path != '\0'; path += path[1] == '/' ? 2 : 1) {
		if (parent && path[1] == '\0')
			return (at);
		if ((at = node_find(tr, at, *path)) == -1)
			return (-1);
	}
	return (at);
}

/* ---- those who watch ---------------------------------------------------------------- */

static bool
same(const struct um_tree *a, int in_a, const struct um_tree *b, int in_b)
{
	const struct um_node *tn, *other;
	int i, j;

	if (node_children(a, in_a) != node_children(b, in_b))
		return (false);
	for (i = 1; i < UM_NODES; i++) {
		tn = &a->tr_node[i];
		if (!tn->tn_live || tn->tn_parent != in_a)
			continue;
		if ((j = node_find(b, in_b, tn->tn_name)) == -1)
			return (false);
		other = &b->tr_node[j];
		if (tn->tn_dir != other->tn_dir ||
		    tn->tn_size != other->tn_size || !same(a, i, b, j))
			return (false);
	}
	return (true);
}

bool
um_is_tree(const struct um_watch *wa)
{
	return (wa->wa_live && wa->wa_ch.ch_source == EVANY_DIRECTORY &&
	    (wa->wa_ch.ch_flags & EVANY_TREE) != 0);
}

bool
um_tree_same(const struct um_world *w, const struct um_watch *wa)
{
	return (same(&w->uw_tree, 0, &wa->wa_tree, 0));
}

/* Looks at the files of the watch's tree from there on. */
static void
look(const struct um_world *w, struct um_tree *tr, int at)
{
	char path[3 * UM_NODES];
	int i;

	(void)node_path(tr, at, path);
	i = node_at(&w->uw_tree, path + 2, false);
	if (i != -1 && !tr->tr_node[at].tn_dir)
		tr->tr_node[at].tn_size = w->uw_tree.tr_node[i].tn_size;
	for (i = 1; i < UM_NODES; i++)
		if (tr->tr_node[i].tn_live && tr->tr_node[i].tn_parent == at)
			look(w, tr, i);
}

/* The node that was moved with that cookie now stands there, or a new one. */
static int
moved_to(struct um_tree *tr, int parent, const struct evany_event *ev,
    char name)
{
	int i;

	if ((i = node_find(tr, parent, name)) != -1)
		node_remove(tr, i);
	for (i = 1; i < UM_NODES; i++)
		if (tr->tr_node[i].tn_live && ev->ev_cookie != 0 &&
		    tr->tr_node[i].tn_parent == FLOATING &&
		    tr->tr_node[i].tn_cookie == ev->ev_cookie) {
			tr->tr_node[i].tn_parent = parent;
			tr->tr_node[i].tn_name = name;
			return (i);
		}
	return (node_add(tr, parent, name,
	    (ev->ev_what & EVANY_ISDIR) != 0));
}

/* Does what an event says; false if it does not fit. */
static bool
follow(struct um_world *w, struct um_tree *tr, const struct evany_event *ev)
{
	int parent = node_at(tr, ev->ev_name, true), at;
	bool dir = (ev->ev_what & EVANY_ISDIR) != 0;
	char name = ev->ev_name[strlen(ev->ev_name) - 1];

	if (parent == -1 || (parent != 0 && !tr->tr_node[parent].tn_dir))
		return (false);
	at = node_find(tr, parent, name);
	switch (ev->ev_what & ~EVANY_ISDIR) {
	case EVANY_MADE:
		if (at != -1)
			return (false);
		at = node_add(tr, parent, name, dir);
		break;
	case EVANY_MOVED_TO:
		at = moved_to(tr, parent, ev, name);
		break;
	case EVANY_GONE:
		if (at == -1 || node_children(tr, at) > 0 ||
		    tr->tr_node[at].tn_dir != dir)
			return (false);
		node_remove(tr, at);
		return (true);
	case EVANY_MOVED_FROM:
		if (at == -1 || tr->tr_node[at].tn_dir != dir)
			return (false);
		tr->tr_node[at].tn_parent = FLOATING;
		tr->tr_node[at].tn_cookie = ev->ev_cookie;
		return (true);
	case EVANY_MODIFIED:
		if (at == -1)
			return (false);
		break;
	default:
		return (false);
	}
	if (tr->tr_node[at].tn_dir != dir)
		return (false);
	look(w, tr, at);
	return (true);
}

void
um_tree_told(struct um_world *w, struct um_watch *wa,
    const struct evany_event *ev)
{
	/* Only what happens during a wait may be too much at once. */
	if (ev->ev_what == EVANY_LOST && w->uw_thread[1].th_alive) {
		wa->wa_loose = true;
		return;
	}
	if (um_guesses() || wa->wa_loose)
		return;
	if (ev->ev_name == NULL || !follow(w, &wa->wa_tree, ev))
		um_fail(w, "in the tree: %s %#x", ev->ev_name == NULL ?
		    "none" : ev->ev_name, ev->ev_what);
}

void
um_tree_settled(struct um_world *w, struct um_watch *wa)
{
	int i;

	wa->wa_any = false;
	if (um_guesses() || wa->wa_loose)
		return;
	if (!um_tree_same(w, wa))
		um_fail(w, "the tree is another than was told");
	for (i = 1; i < UM_NODES; i++)
		if (wa->wa_tree.tr_node[i].tn_live &&
		    wa->wa_tree.tr_node[i].tn_parent == FLOATING)
			node_remove(&wa->wa_tree, i);
}

/* ---- acts ------------------------------------------------------------------------------ */

static void
make(struct um_world *w, int parent, char name, bool dir)
{
	int at = node_add(&w->uw_tree, parent, name, dir), fd;
	char path[3 * UM_NODES];

	(void)node_path(&w->uw_tree, at, path);
	um_say(w, "%s(%s)\n", dir ? "mkdir" : "make", path);
	if (dir ? mkdir(path, 0755) != 0 : (fd = open(path, O_WRONLY |
	    O_CREAT | O_EXCL, 0644)) == -1 || close(fd) != 0)
		abort();
}

static void
grow(struct um_world *w, int at)
{
	char path[3 * UM_NODES];
	int fd;

	(void)node_path(&w->uw_tree, at, path);
	um_say(w, "%s: one byte more\n", path);
	if ((fd = open(path, O_WRONLY | O_APPEND)) == -1 ||
	    write(fd, "x", 1) != 1 || close(fd) != 0)
		abort();
	w->uw_tree.tr_node[at].tn_size++;
}

static void
destroy(struct um_world *w, int at)
{
	const struct um_node *tn = w->uw_tree.tr_node;
	char path[3 * UM_NODES];
	int i;

	for (i = 1; i < UM_NODES; i++)
		if (tn[i].tn_live && tn[i].tn_parent == at)
			destroy(w, i);
	(void)node_path(&w->uw_tree, at, path);
	um_say(w, "remove(%s)\n", path);
	if (remove(path) != 0)
		abort();
	node_remove(&w->uw_tree, at);
}

static void
move(struct um_world *w, int at, int parent, char name)
{
	struct um_tree *tr = &w->uw_tree;
	char path[3 * UM_NODES], to[3 * UM_NODES + 2], *end;
	int old = node_find(tr, parent, name);

	if (old == at || node_within(tr, parent, at) || (old != -1 &&
	    (tr->tr_node[old].tn_dir != tr->tr_node[at].tn_dir ||
	    node_children(tr, old) > 0)))
		return;
	(void)node_path(tr, at, path);
	end = node_path(tr, parent, to);
	*end++ = '/';
	*end++ = name;
	*end = '\0';
	um_say(w, "rename(%s, %s)\n", path, to);
	if (rename(path, to) != 0)
		abort();
	if (old != -1)
		node_remove(tr, old);
	tr->tr_node[at].tn_parent = parent;
	tr->tr_node[at].tn_name = name;
}

/* Of those that exist, 0 among them. */
static int
pick(struct um_world *w, bool dirs)
{
	const struct um_node *tn = w->uw_tree.tr_node;
	int found[UM_NODES] = { 0 }, i;
	unsigned n = 1;

	for (i = 1; i < UM_NODES; i++)
		if (tn[i].tn_live && (!dirs || (tn[i].tn_dir &&
		    node_depth(&w->uw_tree, i) < DEPTH)))
			found[n++] = i;
	return (found[um_below(w, n)]);
}

static int
count(const struct um_tree *tr)
{
	int i, n = 0;

	for (i = 1; i < UM_NODES; i++)
		n += tr->tr_node[i].tn_live;
	return (n);
}

void
um_act_tree(struct um_world *w)
{
	struct um_tree *tr = &w->uw_tree;
	int parent = pick(w, true), at = pick(w, false);
	char name = (char)('a' + um_below(w, NAMES));

	um_tree_touched(w);
	if (at == 0 || um_chance(w, 40)) {
		if (node_find(tr, parent, name) == -1 && count(tr) < MOST)
			make(w, parent, name, um_chance(w, 50));
	} else if (um_chance(w, 50))
		move(w, at, parent, name);
	else if (!tr->tr_node[at].tn_dir && um_chance(w, 60))
		grow(w, at);
	else
		destroy(w, at);
}

void
um_tree_clear(struct um_world *w)
{
	int i;

	for (i = 1; i < UM_NODES; i++)
		if (w->uw_tree.tr_node[i].tn_live &&
		    w->uw_tree.tr_node[i].tn_parent == 0)
			destroy(w, i);
}
