/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni_dir: source DIRECTORY, the names in a directory or in a whole tree.
 *
 * Each report is an event of its own, a note that ends when it is taken; the
 * directory's note only stands for the watch.  Events that nobody takes are
 * kept up to a limit, then one tells that others were lost.
 *
 * Tree:    a node for each directory, with a watch of the mechanism for its
 *          names.  A directory that is new, or was moved in, gets a node when
 *          the directory's note is taken from the ready queue, before the event
 *          that tells of it; that is outside of the mechanism's report.
 * Race:    the node watches first and then lists its entries, which are told as
 *          made.  One that was made in between is in the list and is reported
 *          too: reports that are in by then are held against the list.
 * Moves:   a directory that leaves its name waits, deaf, for the other half of
 *          the rename, which may come with the next reports.  At its new name in
 *          the tree the node goes on, and nothing in it is told; where the
 *          mechanism goes by the path it gets new nodes.  One that is removed
 *          waits as well: it may be the one that is just being listed.
 */
#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/emulation/unified/uni.h"
#include "backends/rawcall.h"

#define NAMES_MOST	16384	/* events of one watch that nobody has taken */

struct uni_node {
	struct evany__namewatch	 nd_watch;	/* first */
	LIST_ENTRY(uni_node)	 nd_link;	/* among its parent's, or ud_ */
	LIST_HEAD(, uni_node)	 nd_children;
	struct uni_dir		*nd_dir;
	struct uni_node		*nd_parent;	/* NULL: the root */
	char			**nd_listed;	/* sorted, while it is listed */
	size_t			 nd_nlisted;
	uint32_t		 nd_cookie;	/* of its move */
	bool			 nd_attached;
	bool			 nd_deaf;
	bool			 nd_missed;	/* a report, deaf */
	char			*nd_name;	/* the root's: its path */
};
LIST_HEAD(uni_nodes, uni_node);

/* A directory that is to become a node. */
struct uni_new {
	TAILQ_ENTRY(uni_new)	 nn_link;
	struct uni_node		*nn_parent;
	uint32_t		 nn_cookie;
	bool			 nn_silent;	/* its entries are not told */
	bool			 nn_failed;	/* before; that was told */
	char			 nn_name[];
};
TAILQ_HEAD(uni_news, uni_new);

/* un_priv of the directory's note */
struct uni_dir {
	struct uni		*ud_uni;
	struct uni_note		*ud_note;
	struct uni_node		*ud_root;
	struct uni_nodes	 ud_moved;	/* since they were looked at */
	struct uni_nodes	 ud_waited;	/* before that, or removed */
	struct uni_news		 ud_new;
	TAILQ_HEAD(, uni_name)	 ud_names;	/* events not taken */
	uint32_t		 ud_nnames;
	uint32_t		 ud_what;
	bool			 ud_tree;
	bool			 ud_lost;	/* and one tells so */
};

/* ---- events ------------------------------------------------------------------- */

static size_t
node_length(const struct uni_node *nd)
{
	size_t length = 0;

	for (; nd->nd_parent != NULL; nd = nd->nd_parent)
		length += strlen(nd->nd_name) + 1;
	return (length);
}

/* Writes the name relative to the root, and a slash, so that it ends at end. */
static void
node_name(const struct uni_node *nd, char *end)
{
	size_t length;

	for (; nd->nd_parent != NULL; nd = nd->nd_parent) {
		*--end = '/';
		length = strlen(nd->nd_name);
		end -= length;
		memcpy(end, nd->nd_name, length);
	}
}

static void
dir_lost(struct uni_dir *ud)
{

	ud->ud_lost = true;
	evany__uni_pending(ud->ud_uni, ud->ud_note);
}

/* An event about a name in a directory of the tree; NULL: about the root. */
static void
dir_tell(const struct uni_node *nd, const char *name, uint32_t what,
    uint32_t cookie)
{
	struct uni_dir *ud = nd->nd_dir;
	size_t above = node_length(nd), length;
	struct uni_name *nm;
	struct uni_note *un;

	if (ud->ud_nnames == NAMES_MOST) {
		dir_lost(ud);
		return;
	}
	length = name == NULL ? 0 : above + strlen(name);
	if ((nm = malloc(sizeof(*nm) + length + 1)) == NULL ||
	    (un = evany__slab_get(&ud->ud_uni->uq_slab)) == NULL) {
		free(nm);
		dir_lost(ud);
		return;
	}
	nm->nm_named = name != NULL;
	if (name != NULL) {
		strcpy(nm->nm_name + above, name);
		node_name(nd, nm->nm_name + above);
	}
	nm->nm_cookie = cookie;
	nm->nm_note = un;
	nm->nm_dir = ud;
	TAILQ_INSERT_TAIL(&ud->ud_names, nm, nm_link);
	ud->ud_nnames++;
	un->un_source = EVANY_DIRECTORY;
	un->un_object = ud->ud_note->un_object;
	un->un_flags = EVANY_ONESHOT;
	un->un_status = UN_MESSAGE;
	un->un_data = what;
	un->un_priv = nm;
	evany__uni_pending(ud->ud_uni, un);
}

/* ---- nodes ---------------------------------------------------------------------- */

static struct uni_node *
node_child(const struct uni_node *nd, const char *name)
{
	struct uni_node *child;

	LIST_FOREACH(child, &nd->nd_children, nd_link)
		if (strcmp(child->nd_name, name) == 0)
			return (child);
	return (NULL);
}

static void
node_detach(struct uni_node *nd)
{
	struct evany__inst *inst = nd->nd_dir->ud_uni->uq_inst;
	const struct evany__file_ops *fo = inst->in_table->tb_file;

	if (!nd->nd_attached)
		return;
	nd->nd_attached = false;
	fo->fo_name_detach(&inst->in_file, &nd->nd_watch);
	if (fo->fo_ask)
		evany__inst_asked(inst, -1);
}

/* Out of its parent's list already, or the root. */
static void
node_free(struct uni_node *nd)
{
	struct uni_new *nn, *next;
	struct uni_node *child;

	while ((child = LIST_FIRST(&nd->nd_children)) != NULL) {
		LIST_REMOVE(child, nd_link);
		node_free(child);
	}
	TAILQ_FOREACH_SAFE(nn, &nd->nd_dir->ud_new, nn_link, next)
		if (nn->nn_parent == nd) {
			TAILQ_REMOVE(&nd->nd_dir->ud_new, nn, nn_link);
			free(nn);
		}
	node_detach(nd);
	free(nd->nd_name);
	free(nd);
}

static void
nodes_free(struct uni_nodes *list)
{
	struct uni_node *nd;

	while ((nd = LIST_FIRST(list)) != NULL) {
		LIST_REMOVE(nd, nd_link);
		node_free(nd);
	}
}

static void
node_deafen(struct uni_node *nd)
{
	struct uni_node *child;

	nd->nd_deaf = true;
	LIST_FOREACH(child, &nd->nd_children, nd_link)
		node_deafen(child);
}

/* It hears again; what it has missed is lost. */
static void
node_undeafen(struct uni_node *nd)
{
	struct uni_node *child;

	if (nd->nd_missed)
		dir_lost(nd->nd_dir);
	nd->nd_deaf = nd->nd_missed = false;
	LIST_FOREACH(child, &nd->nd_children, nd_link)
		node_undeafen(child);
}

/* Do its watches follow a move? */
static bool
node_follows(const struct uni_node *nd)
{
	const struct uni_node *child;

	if (nd->nd_watch.nw_by_path)
		return (false);
	LIST_FOREACH(child, &nd->nd_children, nd_link)
		if (!node_follows(child))
			return (false);
	return (true);
}

static bool
dir_add_new(struct uni_node *parent, const char *name, uint32_t cookie,
    bool silent)
{
	size_t length = strlen(name);
	struct uni_new *nn;

	if ((nn = malloc(sizeof(*nn) + length + 1)) == NULL)
		return (false);
	nn->nn_parent = parent;
	nn->nn_cookie = cookie;
	nn->nn_silent = silent;
	nn->nn_failed = false;
	memcpy(nn->nn_name, name, length + 1);
	TAILQ_INSERT_TAIL(&parent->nd_dir->ud_new, nn, nn_link);
	return (true);
}

static int
name_compare(const void *a, const void *b)
{
	return (strcmp(*(char *const *)a, *(char *const *)b));
}

/*
 * The name has come or gone.  True if that was told when the directory was
 * listed; one that goes is on the list no more, for it may come again.
 */
static bool
node_listed(struct uni_node *nd, const char *name, uint32_t what)
{
	char **found;

	if (nd->nd_nlisted == 0)
		return (false);
	found = bsearch(&name, nd->nd_listed, nd->nd_nlisted,
	    sizeof(*nd->nd_listed), name_compare);
	if (found == NULL || (what & EVANY_MADE) != 0)
		return (found != NULL);
	if ((what & (EVANY_GONE | EVANY_MOVED_FROM)) != 0) {
		free(*found);
		nd->nd_nlisted--;
		memmove(found, found + 1, (size_t)(nd->nd_listed +
		    nd->nd_nlisted - found) * sizeof(*found));
	}
	return (false);
}

/* A directory has lost its name. */
static void
node_leave(struct uni_node *nd, uint32_t cookie, struct uni_nodes *list)
{

	LIST_REMOVE(nd, nd_link);
	nd->nd_cookie = cookie;
	node_deafen(nd);
	LIST_INSERT_HEAD(list, nd, nd_link);
}

/* The one that was moved with that cookie, or NULL. */
static struct uni_node *
dir_moved(const struct uni_dir *ud, uint32_t cookie)
{
	struct uni_node *nd;

	if (cookie == 0)
		return (NULL);
	LIST_FOREACH(nd, &ud->ud_moved, nd_link)
		if (nd->nd_cookie == cookie)
			return (nd);
	LIST_FOREACH(nd, &ud->ud_waited, nd_link)
		if (nd->nd_cookie == cookie)
			return (nd);
	return (NULL);
}

/* A directory of the tree has a new name; false if it is to be a new node. */
static bool
node_enter(struct uni_node *parent, const char *name, uint32_t cookie)
{
	struct uni_node *nd = dir_moved(parent->nd_dir, cookie);
	char *copy;

	if (nd == NULL || !node_follows(nd) || (copy = strdup(name)) == NULL)
		return (false);
	LIST_REMOVE(nd, nd_link);
	LIST_INSERT_HEAD(&parent->nd_children, nd, nd_link);
	nd->nd_parent = parent;
	free(nd->nd_name);
	nd->nd_name = copy;
	node_undeafen(nd);
	return (true);
}

/* A directory's name in the tree has come or gone. */
static void
node_subdir(struct uni_node *nd, const struct evany__nameevent *ne,
    uint32_t what)
{
	struct uni_dir *ud = nd->nd_dir;
	struct uni_node *child = node_child(nd, ne->ne_name);

	if (child != NULL && (what & EVANY_MOVED_FROM) != 0)
		node_leave(child, ne->ne_cookie, &ud->ud_moved);
	else if (child != NULL && (what & (EVANY_GONE | EVANY_MOVED_TO)) != 0)
		node_leave(child, 0, &ud->ud_waited);
	if ((what & (EVANY_MADE | EVANY_MOVED_TO)) != 0 &&
	    !node_enter(nd, ne->ne_name, ne->ne_cookie) &&
	    !dir_add_new(nd, ne->ne_name, ne->ne_cookie, false))
		dir_lost(ud);
}

static void
node_fire(struct evany__namewatch *nw, const struct evany__nameevent *ne)
{
	struct uni_node *nd = (struct uni_node *)(void *)nw;
	struct uni_dir *ud = nd->nd_dir;
	uint32_t what = evany__uni_file_what(ne->ne_bits);

	if (nd->nd_deaf) {
		nd->nd_missed = true;
		return;
	}
	if ((what & EVANY_LOST) != 0) {
		dir_lost(ud);
		return;
	}
	if (ne->ne_name == NULL) {
		/* Of other directories than the root their parents tell. */
		if (nd->nd_parent != NULL)
			return;
		if ((ne->ne_bits & EVANY__F_DELETE) != 0)
			what |= EVANY_GONE | EVANY_ENDED;
		if ((ne->ne_bits & EVANY__F_RENAME) != 0)
			what |= EVANY_MOVED_FROM;
		what &= ud->ud_what | EVANY_ENDED;
		if (what != 0)
			dir_tell(nd, NULL, what | EVANY_ISDIR, ne->ne_cookie);
		return;
	}
	if (node_listed(nd, ne->ne_name, what))
		return;
	/* It comes before the event in the ready queue. */
	if (!TAILQ_EMPTY(&ud->ud_new) ||
	    (ud->ud_tree && (what & EVANY_ISDIR) != 0))
		evany__uni_pending(ud->ud_uni, ud->ud_note);
	if (ud->ud_tree && (what & EVANY_ISDIR) != 0)
		node_subdir(nd, ne, what);
	if ((what & (ud->ud_what | EVANY_ENDED)) != 0)
		dir_tell(nd, ne->ne_name, what & (ud->ud_what | EVANY_ENDED |
		    EVANY_ISDIR), ne->ne_cookie);
}

/* The path of a node, or of a name in it, to be freed. */
static char *
node_path(const struct uni_node *nd, const char *name)
{
	const struct uni_node *root = nd->nd_dir->ud_root;
	size_t top, above = node_length(nd);
	char *path;

	top = strlen(root->nd_name) + 1;
	path = malloc(top + above + strlen(name) + 1);
	if (path == NULL)
		return (NULL);
	memcpy(path, root->nd_name, top);
	path[top - 1] = '/';
	strcpy(path + top + above, name);
	node_name(nd, path + top + above);
	return (path);
}

static int
node_attach(struct uni_node *nd, const char *path)
{
	struct uni_dir *ud = nd->nd_dir;
	struct evany__inst *inst = ud->ud_uni->uq_inst;
	const struct evany__file_ops *fo = inst->in_table->tb_file;
	int error;

	nd->nd_watch.nw_inst = inst;
	nd->nd_watch.nw_fire = node_fire;
	nd->nd_watch.nw_want = evany__uni_file_want(ud->ud_what) |
	    (ud->ud_tree ? EVANY__N_ANY : 0) |
	    (nd->nd_parent == NULL ? EVANY__F_DELETE | EVANY__F_RENAME : 0);
	error = fo->fo_name_attach(&inst->in_file, &nd->nd_watch, path, NULL);
	if (error != 0)
		return (error);
	nd->nd_attached = true;
	if (fo->fo_ask)
		evany__inst_asked(inst, 1);
	return (0);
}

static int
node_new(struct uni_dir *ud, struct uni_node *parent, const char *name,
    struct uni_node **ndp)
{
	struct uni_node *nd;

	if ((nd = calloc(1, sizeof(*nd))) == NULL)
		return (ENOMEM);
	if ((nd->nd_name = strdup(name)) == NULL) {
		free(nd);
		return (ENOMEM);
	}
	LIST_INIT(&nd->nd_children);
	nd->nd_dir = ud;
	nd->nd_parent = parent;
	*ndp = nd;
	return (0);
}

/* ---- listing ----------------------------------------------------------------------- */

static bool
entry_isdir(DIR *dir, const char *name)
{
	struct stat st;

	return (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode));
}

static int
node_list_add(struct uni_node *nd, const char *name)
{
	size_t n = nd->nd_nlisted;
	char **list;

	if ((n & (n - 1)) == 0) {
		list = realloc(nd->nd_listed, (n == 0 ? 1 : 2 * n) *
		    sizeof(*list));
		if (list == NULL)
			return (ENOMEM);
		nd->nd_listed = list;
	}
	if ((nd->nd_listed[n] = strdup(name)) == NULL)
		return (ENOMEM);
	nd->nd_nlisted++;
	return (0);
}

/* Its directories are to become nodes; told: its entries are told as made. */
static int
node_read(struct uni_node *nd, DIR *dir, bool told)
{
	struct dirent *de;
	int error = 0;
	bool isdir;

	while (error == 0) {
		errno = 0;
		if ((de = readdir(dir)) == NULL)
			return (errno);
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		isdir = entry_isdir(dir, de->d_name);
		if (isdir && !dir_add_new(nd, de->d_name, 0, !told))
			error = ENOMEM;
		if (error == 0 && told)
			error = node_list_add(nd, de->d_name);
		if (error == 0 && told &&
		    (nd->nd_dir->ud_what & EVANY_MADE) != 0)
			dir_tell(nd, de->d_name, isdir ?
			    EVANY_MADE | EVANY_ISDIR : EVANY_MADE, 0);
	}
	return (error);
}

/* With cancellation held off, for there is a lock. */
static int
node_open(struct uni_node *nd, const char *path, bool told)
{
	int cancel, error, fd;
	DIR *dir;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	fd = evany__open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		error = errno;
	else if ((dir = fdopendir(fd)) == NULL) {
		error = errno;
		(void)evany__close(fd);
	} else {
		error = node_read(nd, dir, told);
		(void)closedir(dir);
	}
	(void)pthread_setcancelstate(cancel, NULL);
	return (error);
}

static int
node_list(struct uni_node *nd, const char *path, bool told)
{
	struct evany__inst *inst = nd->nd_dir->ud_uni->uq_inst;
	int error;

	error = node_open(nd, path, told);
	if (nd->nd_nlisted > 0) {
		qsort(nd->nd_listed, nd->nd_nlisted, sizeof(*nd->nd_listed),
		    name_compare);
		inst->in_table->tb_file->fo_collect(&inst->in_file);
	}
	while (nd->nd_nlisted > 0)
		free(nd->nd_listed[--nd->nd_nlisted]);
	free(nd->nd_listed);
	nd->nd_listed = NULL;
	return (error);
}

/* One new directory becomes a node.  0, or why it and its tree are unwatched. */
static int
node_grow(struct uni_node *parent, const char *name, bool silent)
{
	struct uni_node *nd;
	char *path;
	int error;

	if (node_child(parent, name) != NULL)
		return (0);
	if ((path = node_path(parent, name)) == NULL)
		return (ENOMEM);
	if ((error = node_new(parent->nd_dir, parent, name, &nd)) != 0) {
		free(path);
		return (error);
	}
	LIST_INSERT_HEAD(&parent->nd_children, nd, nd_link);
	if ((error = node_attach(nd, path)) != 0 ||
	    (error = node_list(nd, path, !silent)) != 0) {
		LIST_REMOVE(nd, nd_link);
		node_free(nd);
	}
	free(path);
	/* It is gone already, or is no directory any more. */
	return (error == ENOENT || error == ENOTDIR ? 0 : error);
}

/*
 * All new directories become nodes.  0, or why the first could not that was not
 * tried before; it is tried again when something happens in the tree.
 */
static int
dir_grow(struct uni_dir *ud)
{
	struct uni_news failed = TAILQ_HEAD_INITIALIZER(failed);
	struct uni_node *moved;
	struct uni_new *nn;
	int error, first = 0;

	while ((nn = TAILQ_FIRST(&ud->ud_new)) != NULL) {
		TAILQ_REMOVE(&ud->ud_new, nn, nn_link);
		error = nn->nn_parent->nd_deaf ? 0 :
		    node_grow(nn->nn_parent, nn->nn_name, nn->nn_silent ||
		    dir_moved(ud, nn->nn_cookie) != NULL);
		if (error == 0) {
			free(nn);
			continue;
		}
		if (first == 0 && !nn->nn_failed)
			first = error;
		nn->nn_failed = true;
		nn->nn_silent = false;
		TAILQ_INSERT_TAIL(&failed, nn, nn_link);
	}
	TAILQ_CONCAT(&ud->ud_new, &failed, nn_link);
	nodes_free(&ud->ud_waited);
	while ((moved = LIST_FIRST(&ud->ud_moved)) != NULL) {
		LIST_REMOVE(moved, nd_link);
		LIST_INSERT_HEAD(&ud->ud_waited, moved, nd_link);
	}
	return (first);
}

/*
 * After a loss: nobody knows which directories have come, or gone and come
 * again, so all become nodes anew.
 */
static void
dir_again(struct uni_dir *ud)
{
	struct uni_node *nd, *root = ud->ud_root;

	while ((nd = LIST_FIRST(&root->nd_children)) != NULL)
		node_leave(nd, 0, &ud->ud_waited);
	nodes_free(&ud->ud_moved);
	nodes_free(&ud->ud_waited);
	(void)node_list(root, root->nd_name, false);
}

/* ---- source ---------------------------------------------------------------------------- */

static void
dir_free(struct uni_dir *ud)
{
	struct uni_name *nm;

	/* The end of one watch may bring in what others have to tell. */
	if (ud->ud_root != NULL)
		node_deafen(ud->ud_root);
	while ((nm = TAILQ_FIRST(&ud->ud_names)) != NULL)
		evany__uni_free(ud->ud_uni, nm->nm_note);
	nodes_free(&ud->ud_moved);
	nodes_free(&ud->ud_waited);
	if (ud->ud_root != NULL)
		node_free(ud->ud_root);
	free(ud);
}

static int
dir_open(struct uni_dir *ud, const char *path)
{
	int error, saved = errno;
	char *real;

	if ((real = realpath(path, NULL)) == NULL)
		return (errno);
	errno = saved;
	error = node_new(ud, NULL, real, &ud->ud_root);
	if (error == 0)
		error = node_attach(ud->ud_root, real);
	if (error == 0 && ud->ud_tree) {
		error = node_list(ud->ud_root, real, false);
		if (error == 0)
			error = dir_grow(ud);
	}
	free(real);
	return (error);
}

static int
dir_set(struct uni *uq, struct uni_note *un, const struct evany_change *ch)
{
	struct uni_dir *ud;
	int error;

	if (ch->ch_path == NULL)
		return (EFAULT);
	if ((ud = calloc(1, sizeof(*ud))) == NULL)
		return (ENOMEM);
	ud->ud_uni = uq;
	ud->ud_note = un;
	ud->ud_what = ch->ch_what;
	ud->ud_tree = (ch->ch_flags & EVANY_TREE) != 0;
	LIST_INIT(&ud->ud_moved);
	LIST_INIT(&ud->ud_waited);
	TAILQ_INIT(&ud->ud_new);
	TAILQ_INIT(&ud->ud_names);
	if ((error = dir_open(ud, ch->ch_path)) != 0) {
		dir_free(ud);
		return (error);
	}
	if (un->un_priv != NULL)
		dir_free(un->un_priv);
	un->un_priv = ud;
	return (0);
}

static void
name_end(struct uni_name *nm)
{
	struct uni_dir *ud = nm->nm_dir;

	TAILQ_REMOVE(&ud->ud_names, nm, nm_link);
	ud->ud_nnames--;
}

static void
dir_end(struct uni *uq, struct uni_note *un)
{

	(void)uq;
	if (un->un_priv == NULL)
		return;
	if ((un->un_status & UN_MESSAGE) == 0)
		dir_free(un->un_priv);
	else {
		name_end(un->un_priv);
		free(un->un_priv);
	}
}

static bool
dir_take(struct uni *uq, struct uni_note *un, struct evany_event *ev)
{
	struct uni_dir *ud = un->un_priv;
	struct uni_name *nm = un->un_priv;

	(void)uq;
	if ((un->un_status & UN_MESSAGE) == 0) {
		if (ud->ud_lost && ud->ud_tree)
			dir_again(ud);
		if (dir_grow(ud) != 0)
			ud->ud_lost = true;
		ev->ev_what = ud->ud_lost ? EVANY_LOST : 0;
		ud->ud_lost = false;
		return (ev->ev_what != 0);
	}
	ud = nm->nm_dir;
	name_end(nm);
	un->un_priv = NULL;
	ev->ev_what = (uint32_t)un->un_data;
	ev->ev_user = ud->ud_note->un_user;
	ev->ev_cookie = nm->nm_cookie;
	ev->ev_name = nm->nm_named ? nm->nm_name : NULL;
	evany__uni_name_keep(nm);
	if ((ev->ev_what & EVANY_ENDED) != 0)
		evany__uni_free(uq, ud->ud_note);
	return (true);
}

const struct uni_source evany__uni_src_dir = {
	.so_what = UNI_FILE_WANTS,
	.so_needs = UNI_FILE_WANTS,
	.so_flags = EVANY_TREE,
	.so_set = dir_set,
	.so_end = dir_end,
	.so_take = dir_take
};
