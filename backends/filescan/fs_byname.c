/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fs_byname: watches by name, by looking again and again.
 *
 * State:   of one name, how its file looked and which directory it is in; of
 *          all names, a sorted list of them, each with how its file looked.
 * Look:    new lists are made of all directories first, so that a file that is
 *          missing in one and new in another is known to have been renamed;
 *          then every watch is told.
 * Life:    nw_fire may detach any watch, so a look leaves what was detached in
 *          its place and frees it at the end.
 * Limits:  those of be_filescan.c.  A name that lost its file to a directory
 *          that is not watched counts as removed.  A file that is new under its
 *          name counts as renamed to it if it is older than the last look, or
 *          if its change time is later than its modification time, else as
 *          made; a rename in the tick of the clock in which the file was made
 *          is not seen as one.  The file of a watched name is not
 *          followed under another name, nor is anything told where a directory
 *          above was renamed.  TRUNC is not told of directories.
 * Locks:   the instance's.
 */
#include "config.h"

#include "backends/filescan/fs_byname.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/filescan/fs_diff.h"
#include "backends/rawcall.h"

#define LIST_BEGIN	16	/* entries to begin with */
#define TICK		INT64_C(20000000)	/* longer than any system's, ns */

#define F_ENTRY		(EVANY__F_WRITE | EVANY__F_ATTRIB | EVANY__F_READ)

struct fs_entry {
	struct evany__snap	 en_snap;
	uint32_t		 en_bits;	/* EVANY__N_*, EVANY__F_* */
	uint32_t		 en_cookie;
	char			*en_name;
};

struct fs_listing {
	size_t		 ls_count;
	struct fs_entry	*ls_entries;	/* by name */
};

/* ---- lists ---- */

static void
list_free(struct fs_listing *ls)
{
	size_t i;

	if (ls == NULL)
		return;
	for (i = 0; i < ls->ls_count; i++)
		free(ls->ls_entries[i].en_name);
	free(ls->ls_entries);
	free(ls);
}

static int
entry_compare(const void *a, const void *b)
{
	const struct fs_entry *x = a, *y = b;

	return (strcmp(x->en_name, y->en_name));
}

static int
list_add(struct fs_listing *ls, size_t *roomp, int dir, const char *name)
{
	struct fs_entry *en;
	size_t room = *roomp;

	if (ls->ls_count == room) {
		room = room == 0 ? LIST_BEGIN : 2 * room;
		en = realloc(ls->ls_entries, room * sizeof(*en));
		if (en == NULL)
			return (ENOMEM);
		ls->ls_entries = en;
		*roomp = room;
	}
	en = &ls->ls_entries[ls->ls_count];
	memset(en, 0, sizeof(*en));
	if (evany__snap_at(&en->en_snap, dir, name, false) != 0 ||
	    en->en_snap.sn_nlink == 0)
		return (0);	/* gone meanwhile, or about to be */
	if ((en->en_name = strdup(name)) == NULL)
		return (ENOMEM);
	ls->ls_count++;
	return (0);
}

static int
list_read(DIR *dir, struct fs_listing *ls)
{
	struct dirent *de;
	size_t room = 0;
	int error = 0;

	while (error == 0) {
		errno = 0;
		if ((de = readdir(dir)) == NULL)
			return (errno);
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			error = list_add(ls, &room, dirfd(dir), de->d_name);
	}
	return (error);
}

static int
list_make(const char *path, struct fs_listing **lsp)
{
	struct fs_listing *ls;
	int cancel, error, fd, saved = errno;
	DIR *dir;

	if ((ls = calloc(1, sizeof(*ls))) == NULL)
		return (ENOMEM);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	fd = evany__open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NONBLOCK);
	if (fd == -1)
		error = errno;
	else if ((dir = fdopendir(fd)) == NULL) {
		error = errno;
		(void)evany__close(fd);
	} else {
		error = list_read(dir, ls);
		(void)closedir(dir);
	}
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	if (error != 0) {
		list_free(ls);
		return (error);
	}
	if (ls->ls_count > 0)
		qsort(ls->ls_entries, ls->ls_count, sizeof(ls->ls_entries[0]),
		    entry_compare);
	*lsp = ls;
	return (0);
}

/* ---- life ---- */

static int
by_begin(struct fs_byname *by, const char *dir)
{
	int error;

	by->by_looked = evany__now(EVANY__REALTIME);
	error = evany__snap_at(&by->by_above, AT_FDCWD, dir, false);
	if (error != 0)
		return (error);
	if (!evany__snap_isdir(&by->by_above))
		return (ENOTDIR);
	by->by_weight = 1;
	if (by->by_name == NULL) {
		by->by_snap = by->by_above;
		if ((error = list_make(dir, &by->by_list)) == 0)
			by->by_weight += (int)by->by_list->ls_count;
		return (error);
	}
	error = evany__snap_at(&by->by_snap, AT_FDCWD, by->by_path,
	    by->by_follow);
	by->by_there = by->by_first = error == 0;
	if (error == ENOENT && (by->by_watch->nw_want & EVANY__N_MADE) != 0)
		error = 0;
	return (error);
}

int
evany__fs_byname_new(struct evany__namewatch *nw, const char *dir,
    const char *name, struct fs_byname **byp)
{
	size_t length = strlen(dir), more = name == NULL ? 0 : strlen(name);
	struct fs_byname *by;
	int error;

	if ((by = calloc(1, sizeof(*by) + length + more + 2)) == NULL)
		return (ENOMEM);
	by->by_watch = nw;
	by->by_follow = (nw->nw_want & EVANY__N_FOLLOW) != 0;
	memcpy(by->by_path, dir, length);
	if (name != NULL) {
		by->by_path[length] = '/';
		by->by_name = by->by_path + length + 1;
		memcpy(by->by_name, name, more);
	}
	if ((error = by_begin(by, dir)) != 0) {
		evany__fs_byname_free(by);
		return (error);
	}
	*byp = by;
	return (0);
}

void
evany__fs_byname_free(struct fs_byname *by)
{

	list_free(by->by_list);
	list_free(by->by_fresh);
	free(by);
}

int
evany__fs_byname_weight(const struct fs_byname *by)
{

	return (by->by_weight);
}

void
evany__fs_byname_end(struct fs_bynames *bys, struct fs_byname *by)
{

	if (bys->bys_busy) {
		by->by_watch = NULL;
		return;
	}
	TAILQ_REMOVE(&bys->bys_list, by, by_link);
	evany__fs_byname_free(by);
}

static void
by_fire(struct fs_byname *by, const char *name, uint32_t bits, uint32_t cookie)
{
	struct evany__namewatch *nw = by->by_watch;
	struct evany__nameevent ne;

	if (nw == NULL)
		return;
	ne.ne_name = name;
	ne.ne_bits = bits & (nw->nw_want | EVANY__F_REVOKE) &
	    ~EVANY__N_ISDIR;
	ne.ne_cookie = cookie;
	if (ne.ne_bits == 0)
		return;
	ne.ne_bits |= bits & EVANY__N_ISDIR;
	nw->nw_fire(nw, &ne);
}

static void
by_revoke(struct fs_byname *by)
{

	by->by_dead = true;
	by_fire(by, by->by_name, EVANY__F_REVOKE, 0);
}

/* A file that was not there: was it made since the last look, or renamed? */
static bool
by_moved(const struct fs_byname *by, const struct evany__snap *sn)
{

	if (sn->sn_born != 0 && sn->sn_born < by->by_looked - TICK)
		return (true);
	return (evany__fs_time_compare(&sn->sn_ctime, &sn->sn_mtime) > 0);
}

/* Would another try go better? */
static bool
passing(int error)
{

	return (error == ENOMEM || error == EMFILE || error == ENFILE ||
	    error == EAGAIN);
}

/* ---- one name ---- */

static int
one_again(const struct fs_byname *by, struct evany__snap *sn)
{

	return (evany__snap_at(sn, AT_FDCWD, by->by_path, by->by_follow));
}

/* Is the directory the one it was?  EVANY__F_REVOKE: its file system is gone. */
static bool
one_above(const struct fs_byname *by, uint32_t *bitsp)
{
	struct evany__snap sn;
	char *dir;
	int error;

	*bitsp = 0;
	dir = strndup(by->by_path, (size_t)(by->by_name - by->by_path));
	if (dir == NULL)
		return (false);
	error = evany__snap_at(&sn, AT_FDCWD, dir, true);
	free(dir);
	if (error != 0)
		return (false);
	if (sn.sn_dev != by->by_above.sn_dev)
		*bitsp = EVANY__F_REVOKE;
	return (evany__snap_same(&sn, &by->by_above));
}

static int
one_list(const struct fs_byname *by, struct fs_listing **lsp)
{
	char *dir;
	int error;

	*lsp = NULL;
	dir = strndup(by->by_path, (size_t)(by->by_name - by->by_path));
	if (dir == NULL)
		return (ENOMEM);
	error = list_make(dir, lsp);
	free(dir);
	return (error);
}

/*
 * The name is gone: has its file another one in the directory?  0: that cannot
 * be found out now.
 */
static uint32_t
one_lost(const struct fs_byname *by)
{
	uint32_t bits = EVANY__N_GONE;
	struct fs_listing *ls;
	size_t i;

	if (passing(one_list(by, &ls)))
		return (0);
	for (i = 0; ls != NULL && i < ls->ls_count; i++)
		if (evany__snap_same(&ls->ls_entries[i].en_snap,
		    &by->by_snap) && ls->ls_entries[i].en_snap.sn_nlink >=
		    by->by_snap.sn_nlink)
			bits = EVANY__N_MOVED_FROM;
	list_free(ls);
	return (bits);
}

static uint32_t
isdir(const struct evany__snap *sn)
{

	return (evany__snap_isdir(sn) ? EVANY__N_ISDIR : 0);
}

/* The name has no file, or another one (now) than at the last look. */
static void
one_changed(struct fs_bynames *bys, struct fs_byname *by,
    const struct evany__snap *now)
{
	uint32_t bits, lost;
	bool moved;

	if (!one_above(by, &bits)) {
		if (bits != 0)
			by_revoke(by);
		return;
	}
	if (now != NULL && by->by_there && now->sn_dev != by->by_snap.sn_dev) {
		/* Something was mounted on it, or unmounted with it. */
		if (by->by_snap.sn_dev != by->by_above.sn_dev)
			by_revoke(by);
		return;
	}
	moved = now != NULL && by_moved(by, now);
	bits = isdir(&by->by_snap);
	if (by->by_there && !moved) {
		if ((lost = one_lost(by)) == 0)
			return;
		bits |= lost;
		by_fire(by, by->by_name, bits,
		    (bits & EVANY__N_MOVED_FROM) != 0 ? ++bys->bys_cookie : 0);
	}
	by->by_there = now != NULL;
	by->by_first = false;
	if (now == NULL)
		return;
	by->by_snap = *now;
	by_fire(by, by->by_name, isdir(now) | (moved ? EVANY__N_MOVED_TO :
	    EVANY__N_MADE), moved ? ++bys->bys_cookie : 0);
}

/*
 * A file with fewer links than before may be losing this one at the moment.
 * Whoever removes a name has the directory for himself until that is done, so
 * who reads it waits for him.  EAGAIN: it is not done yet.
 */
static int
one_see(const void *arg, struct evany__snap *now)
{
	const struct fs_byname *by = arg;
	struct fs_listing *ls;
	int error;

	error = one_again(by, now);
	if (error != 0 || evany__snap_isdir(now) || by->by_follow ||
	    now->sn_nlink >= by->by_snap.sn_nlink)
		return (error);
	if (one_list(by, &ls) == 0)
		list_free(ls);
	error = one_again(by, now);
	return (error == 0 && now->sn_nlink == 0 ? EAGAIN : error);
}

/* What was done to the file. */
static uint32_t
one_bits(const struct fs_byname *by, struct evany__snap *now, bool patient)
{
	uint32_t bits;
	bool told;

	bits = evany__fs_settle(&by->by_snap, now, one_see, by, &told);
	if (!evany__snap_isdir(now) &&
	    (bits & (EVANY__F_LINK | EVANY__F_DELETE)) != 0)
		bits |= EVANY__F_ATTRIB;
	if (!told && patient && evany__fs_fresh(&now->sn_ctime))
		now->sn_ctime = by->by_snap.sn_ctime;
	else if (!told)
		bits |= EVANY__F_ATTRIB;
	if (evany__fs_time_compare(&now->sn_atime, &by->by_snap.sn_atime) != 0)
		bits |= EVANY__F_READ;
	return (bits);
}

static void
one_look(struct fs_bynames *bys, struct fs_byname *by, bool patient)
{
	struct evany__snap now;
	uint32_t bits;
	int error;

	error = one_see(by, &now);
	if (error == EACCES || passing(error))
		return;
	if (error != 0 && !by->by_there)
		return;
	if (error != 0 || !by->by_there ||
	    !evany__snap_same(&now, &by->by_snap)) {
		one_changed(bys, by, error == 0 ? &now : NULL);
		return;
	}
	bits = one_bits(by, &now, patient);
	by->by_snap = now;
	if (by->by_first)
		by_fire(by, by->by_name, bits, 0);
}

/* ---- all names ---- */

static uint32_t
entry_bits(const struct evany__snap *was, const struct evany__snap *now)
{
	uint32_t bits;
	bool told;

	bits = evany__fs_bits(was, now, &told);
	if (evany__snap_isdir(now)) {
		/* What its own entries do is not told. */
		bits &= EVANY__F_ATTRIB;
		return (bits | EVANY__N_ISDIR);
	}
	if (!told || (bits & (EVANY__F_LINK | EVANY__F_DELETE)) != 0)
		bits |= EVANY__F_ATTRIB;
	if (evany__fs_time_compare(&now->sn_atime, &was->sn_atime) != 0)
		bits |= EVANY__F_READ;
	return (bits & F_ENTRY);
}

/* Marks what is in one list and not in the other. */
static void
all_compare(struct fs_listing *was, struct fs_listing *now)
{
	struct fs_entry *a, *b;
	size_t i = 0, j = 0;
	int order;

	while (i < was->ls_count || j < now->ls_count) {
		a = &was->ls_entries[i];
		b = &now->ls_entries[j];
		order = i == was->ls_count ? 1 : j == now->ls_count ? -1 :
		    entry_compare(a, b);
		if (order == 0 && evany__snap_same(&a->en_snap, &b->en_snap)) {
			b->en_bits = entry_bits(&a->en_snap, &b->en_snap);
			i++;
			j++;
			continue;
		}
		if (order <= 0) {
			a->en_bits = EVANY__N_GONE | isdir(&a->en_snap);
			i++;
		}
		if (order >= 0) {
			b->en_bits = EVANY__N_MADE | isdir(&b->en_snap);
			j++;
		}
	}
}

static void
all_list(struct fs_byname *by)
{
	struct evany__snap now;

	if (evany__snap_at(&now, AT_FDCWD, by->by_path, false) != 0 ||
	    !evany__snap_same(&now, &by->by_snap) ||
	    list_make(by->by_path, &by->by_fresh) != 0)
		return;
	all_compare(by->by_list, by->by_fresh);
}

/* Is there a new name for a file that lost this one? */
static void
all_join(struct fs_bynames *bys, struct fs_entry *lost)
{
	struct fs_byname *by;
	struct fs_entry *en;
	size_t i;

	TAILQ_FOREACH(by, &bys->bys_list, by_link)
		for (i = 0; by->by_fresh != NULL &&
		    i < by->by_fresh->ls_count; i++) {
			en = &by->by_fresh->ls_entries[i];
			if ((en->en_bits & EVANY__N_MADE) == 0 ||
			    !evany__snap_same(&en->en_snap, &lost->en_snap))
				continue;
			if (lost->en_cookie == 0)
				lost->en_cookie = ++bys->bys_cookie;
			en->en_cookie = lost->en_cookie;
			lost->en_bits = EVANY__N_MOVED_FROM |
			    isdir(&lost->en_snap);
		}
}

static void
all_renames(struct fs_bynames *bys)
{
	struct fs_byname *by;
	struct fs_entry *en;
	size_t i;

	TAILQ_FOREACH(by, &bys->bys_list, by_link)
		for (i = 0; by->by_fresh != NULL &&
		    i < by->by_list->ls_count; i++) {
			en = &by->by_list->ls_entries[i];
			if ((en->en_bits & EVANY__N_GONE) != 0)
				all_join(bys, en);
		}
}

/* The directory itself. */
static void
all_self(struct fs_byname *by)
{
	struct evany__snap now;
	int error;

	error = evany__snap_at(&now, AT_FDCWD, by->by_path, false);
	if (error == EACCES || passing(error))
		return;
	if (error == 0 && now.sn_dev != by->by_snap.sn_dev) {
		by_revoke(by);
		return;
	}
	if (error != 0 || !evany__snap_same(&now, &by->by_snap)) {
		by->by_dead = true;
		by_fire(by, NULL, EVANY__F_DELETE, 0);
		return;
	}
	by_fire(by, NULL, evany__snap_diff(&by->by_snap, &now) &
	    EVANY__F_ATTRIB, 0);
	by->by_snap = now;
}

static void
all_tell(struct fs_bynames *bys, struct fs_byname *by)
{
	struct fs_listing *was = by->by_list, *now = by->by_fresh;
	struct fs_entry *en;
	size_t i;

	if (now != NULL) {
		for (i = 0; i < was->ls_count; i++) {
			en = &was->ls_entries[i];
			by_fire(by, en->en_name, en->en_bits, en->en_cookie);
		}
		for (i = 0; i < now->ls_count; i++) {
			en = &now->ls_entries[i];
			if ((en->en_bits & EVANY__N_MADE) != 0 &&
			    (en->en_cookie != 0 || (by_moved(by,
			    &en->en_snap) && en->en_snap.sn_nlink == 1))) {
				en->en_bits ^= EVANY__N_MADE |
				    EVANY__N_MOVED_TO;
				if (en->en_cookie == 0)
					en->en_cookie = ++bys->bys_cookie;
			}
			by_fire(by, en->en_name, en->en_bits, en->en_cookie);
			en->en_bits = en->en_cookie = 0;
		}
		by->by_list = now;
		by->by_fresh = NULL;
		list_free(was);
	}
	all_self(by);
}

void
evany__fs_byname_look(struct fs_bynames *bys, bool patient)
{
	struct fs_byname *by, *next;
	/* What is made from now on may not be in the new lists. */
	int64_t begun = evany__now(EVANY__REALTIME);

	bys->bys_busy = true;
	TAILQ_FOREACH(by, &bys->bys_list, by_link)
		if (by->by_name == NULL && !by->by_dead)
			all_list(by);
	all_renames(bys);
	TAILQ_FOREACH(by, &bys->bys_list, by_link) {
		if (by->by_dead || by->by_watch == NULL)
			continue;
		if (by->by_name == NULL)
			all_tell(bys, by);
		else
			one_look(bys, by, patient);
		by->by_looked = begun;
	}
	bys->bys_busy = false;
	for (by = TAILQ_FIRST(&bys->bys_list); by != NULL; by = next) {
		next = TAILQ_NEXT(by, by_link);
		if (by->by_watch == NULL)
			evany__fs_byname_end(bys, by);
	}
}
