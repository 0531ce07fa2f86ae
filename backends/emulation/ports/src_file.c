/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * src_file: PORT_SOURCE_FILE, one event about one file and its name.
 *
 * An association belongs to the address of the program's file_obj_t and is a
 * watch by name of the FILE mechanism.  The watch is there first, then the
 * file's times are compared with those that the program knows, so whatever
 * happens in between is told.  With its event the watch ends.
 *
 * Slots are shared with other processes, associations are not: they stand in a
 * tree of this process by address, and a slot leads to its association only if
 * that one leads back.  An exception ends the association and leaves the slot
 * with its event; else the association lasts until the event is retrieved, so
 * that it can be renewed or ended before.  A child of fork has none of them,
 * and the mechanism's objects went with the parent's state.
 *
 * Nobody tells by name that something is mounted on a directory: when the
 * table of mounts changes, each is asked which file system it is on.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/emulation/ports/portq.h"

#define MASK_EVENTS	(FILE_ACCESS | FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC)
#define MASK_ALL	(MASK_EVENTS | FILE_NOFOLLOW)

enum { ACCESSED, MODIFIED, CHANGED, TIMES };

static const int time_events[TIMES] = {
	[ACCESSED] = FILE_ACCESS,
	[MODIFIED] = FILE_MODIFIED,
	[CHANGED] = FILE_ATTRIB
};

struct port_file {
	struct evany__namewatch	 pf_watch;	/* first */
	RB_ENTRY(port_file)	 pf_link;
	struct port		*pf_port;
	uintptr_t		 pf_object;
	uint32_t		 pf_slot;
	int			 pf_mask;
	dev_t			 pf_dev;	/* of the file */
	ino_t			 pf_ino;
	dev_t			 pf_above;	/* of its directory */
	struct timespec		 pf_times[TIMES]; /* when it was associated */
	char			*pf_dir;
	char			*pf_name;	/* in pf_dir */
	char			*pf_path;
	bool			 pf_watched;
	bool			 pf_isdir;
	bool			 pf_follow;
};

static int
file_compare(const struct port_file *a, const struct port_file *b)
{
	return ((a->pf_object > b->pf_object) -
	    (a->pf_object < b->pf_object));
}

RB_GENERATE_INTERNAL(port_files, port_file, pf_link, file_compare,
    static __attribute__((__unused__)))

static struct port_file *
file_find(struct port *pt, uintptr_t object)
{
	struct port_file key;

	key.pf_object = object;
	return (RB_FIND(port_files, &pt->pt_files, &key));
}

static struct port_slot *
file_slot(struct port_file *pf)
{
	return (&pf->pf_port->pt_shared->ps_slots[pf->pf_slot]);
}

/* ---- watches --------------------------------------------------------------- */

static void	file_fire(struct evany__namewatch *,
		    const struct evany__nameevent *);

/* What is to be told for the events of a mask. */
static unsigned
file_want(const struct port_file *pf)
{
	unsigned want;

	want = EVANY__N_GONE | EVANY__N_MOVED_FROM | EVANY__N_MOVED_TO;
	if ((pf->pf_mask & FILE_ACCESS) != 0)
		want |= EVANY__F_READ | EVANY__F_ATTRIB;
	if ((pf->pf_mask & FILE_MODIFIED) != 0)
		want |= EVANY__F_WRITE | EVANY__F_ATTRIB;
	if ((pf->pf_mask & FILE_ATTRIB) != 0)
		want |= EVANY__F_WRITE | EVANY__F_ATTRIB | EVANY__F_LINK |
		    EVANY__F_DELETE;
	if ((pf->pf_mask & FILE_TRUNC) != 0)
		want |= EVANY__F_WRITE | EVANY__F_TRUNC;
	return (want | (pf->pf_follow ? EVANY__N_FOLLOW : 0));
}

static int
file_watch(struct port_file *pf)
{
	struct evany__inst *inst = pf->pf_port->pt_inst;
	const struct evany__file_ops *fo = inst->in_table->tb_file;
	int error;

	pf->pf_watch.nw_inst = inst;
	pf->pf_watch.nw_fire = file_fire;
	pf->pf_watch.nw_want = file_want(pf);
	error = fo->fo_name_attach(&inst->in_file, &pf->pf_watch, pf->pf_dir,
	    pf->pf_name);
	if (error != 0)
		return (error == ENOSPC ? EAGAIN : error);
	pf->pf_watched = true;
	if (fo->fo_ask)
		evany__inst_asked(inst, 1);
	return (0);
}

static void
file_unwatch(struct port_file *pf)
{
	struct evany__inst *inst = pf->pf_port->pt_inst;
	const struct evany__file_ops *fo = inst->in_table->tb_file;

	if (!pf->pf_watched)
		return;
	pf->pf_watched = false;
	fo->fo_name_detach(&inst->in_file, &pf->pf_watch);
	if (fo->fo_ask)
		evany__inst_asked(inst, -1);
}

/* ---- life ------------------------------------------------------------------- */

static void
file_free(struct port_file *pf)
{
	free(pf->pf_path);
	free(pf->pf_dir);
	free(pf);
}

/* Ends the association; what becomes of the slot is the caller's. */
static void
file_end(struct port_file *pf)
{
	file_unwatch(pf);
	(void)RB_REMOVE(port_files, &pf->pf_port->pt_files, pf);
	file_free(pf);
}

/* An association that is in no tree yet, of what the path leads to. */
static int
file_new(struct port *pt, const file_obj_t *fo, int mask,
    struct port_file **pfp)
{
	bool follow = (mask & FILE_NOFOLLOW) == 0;
	struct port_file *pf;
	size_t length;
	int error;

	if ((pf = calloc(1, sizeof(*pf))) == NULL)
		return (ENOMEM);
	pf->pf_port = pt;
	pf->pf_object = (uintptr_t)fo;
	pf->pf_mask = mask & MASK_EVENTS;
	error = evany__ff_resolve(fo->fo_name, follow, &pf->pf_dir,
	    &pf->pf_name, &pf->pf_follow);
	if (error == 0) {
		length = strlen(pf->pf_dir);
		pf->pf_path = malloc(length + strlen(pf->pf_name) + 2);
		if (pf->pf_path == NULL)
			error = ENOMEM;
		else {
			memcpy(pf->pf_path, pf->pf_dir, length);
			pf->pf_path[length] = '/';
			strcpy(pf->pf_path + length + 1, pf->pf_name);
			if (!evany__ff_tells(follow ? pf->pf_path :
			    pf->pf_dir))
				error = ENOTSUP;
		}
	}
	if (error != 0) {
		file_free(pf);
		return (error);
	}
	*pfp = pf;
	return (0);
}

/* ---- events ------------------------------------------------------------------ */

/* The file as it is now; an error also if another one is there. */
static int
file_stat(const struct port_file *pf, struct stat *st)
{
	int64_t born;
	int error;

	error = evany__ff_stat_at(AT_FDCWD, pf->pf_path, pf->pf_follow, st,
	    &born);
	if (error == 0 && (st->st_dev != pf->pf_dev ||
	    st->st_ino != pf->pf_ino))
		error = ESTALE;
	return (error);
}

/* The events for times that differ from those known; 0.0 is not known. */
static int
file_times(const struct stat *st, const struct timespec known[TIMES])
{
	struct timespec now[TIMES];
	int events = 0, i;

	if (S_ISFIFO(st->st_mode))
		return (0);
	evany__ff_times(st, now);
	for (i = 0; i < TIMES; i++)
		if ((known[i].tv_sec != 0 || known[i].tv_nsec != 0) &&
		    (known[i].tv_sec != now[i].tv_sec ||
		    known[i].tv_nsec != now[i].tv_nsec))
			events |= time_events[i];
	return (events);
}

/* Reports were lost. */
static int
file_lost(const struct port_file *pf)
{
	struct stat st;

	switch (file_stat(pf, &st)) {
	case 0:
		return (file_times(&st, pf->pf_times));
	case ESTALE:
		return (FILE_RENAME_TO);
	case ENOENT:
		return (FILE_DELETE);
	default:
		return (0);
	}
}

static int
file_events(const struct port_file *pf, uint32_t bits)
{
	struct stat st;
	int events = 0;

	if ((bits & EVANY__F_REVOKE) != 0)
		return (UNMOUNTED);
	if ((bits & EVANY__N_GONE) != 0)
		return (FILE_DELETE);
	if ((bits & EVANY__N_MOVED_FROM) != 0)
		return (FILE_RENAME_FROM);
	if ((bits & EVANY__N_MOVED_TO) != 0)
		return (FILE_RENAME_TO);
	if ((bits & EVANY__N_LOST) != 0)
		return (file_lost(pf));
	if ((bits & EVANY__F_READ) != 0)
		events |= FILE_ACCESS;
	if ((bits & (EVANY__F_WRITE | EVANY__F_TRUNC)) != 0)
		events |= FILE_MODIFIED | FILE_ATTRIB;
	if ((bits & EVANY__F_TRUNC) != 0)
		events |= FILE_TRUNC;
	if ((bits & (EVANY__F_ATTRIB | EVANY__F_LINK | EVANY__F_DELETE)) != 0)
		events |= FILE_ATTRIB;
	/* Times may have been set, which nobody tells apart from a chmod. */
	if ((bits & (EVANY__F_ATTRIB | EVANY__F_READ)) != 0 &&
	    file_stat(pf, &st) == 0)
		events |= file_times(&st, pf->pf_times);
	return (events);
}

/* Queues what of it was asked for, or is an exception. */
static void
file_tell(struct port_file *pf, int events)
{
	struct port *pt = pf->pf_port;
	struct port_slot *sl = file_slot(pf);
	bool intruded;

	events &= pf->pf_mask | FILE_EXCEPTION;
	if (events == 0)
		return;
	intruded = evany__port_intrude(pt);
	if ((events & FILE_EXCEPTION) != 0)
		file_end(pf);
	else
		file_unwatch(pf);
	evany__port_fire(pt, sl, events);
	if (intruded)
		evany__port_retreat(pt);
}

static void
file_fire(struct evany__namewatch *nw, const struct evany__nameevent *ne)
{
	struct port_file *pf = (struct port_file *)(void *)nw;

	file_tell(pf, file_events(pf, ne->ne_bits));
}

/* ---- mounts -------------------------------------------------------------------- */

static int
file_mounted(const struct port_file *pf, unsigned bits)
{
	struct stat st;
	int64_t born;

	if (evany__ff_stat_at(AT_FDCWD, pf->pf_dir, true, &st, &born) != 0)
		return (0);
	if (st.st_dev != pf->pf_above)
		return ((bits & EVANY__M_UNMOUNT) != 0 ? UNMOUNTED : 0);
	if (evany__ff_stat_at(AT_FDCWD, pf->pf_path, pf->pf_follow, &st,
	    &born) != 0 || st.st_dev == pf->pf_dev)
		return (0);
	/* It may have been a mount point before. */
	return ((bits & EVANY__M_MOUNT) != 0 ? MOUNTEDOVER : UNMOUNTED);
}

static void
file_mounts(struct evany__mountwatch *mw, unsigned bits)
{
	struct port *pt = (struct port *)(void *)((char *)mw -
	    offsetof(struct port, pt_mounts));
	struct port_file *pf, key;

	/* What is told may end this one and others. */
	key.pf_object = 0;
	while ((pf = RB_NFIND(port_files, &pt->pt_files, &key)) != NULL) {
		key.pf_object = pf->pf_object + 1;
		if (pf->pf_watched && pf->pf_isdir)
			file_tell(pf, file_mounted(pf, bits));
	}
}

/* The first association of a directory wants to know of mounts. */
static void
file_ask_mounts(struct port *pt)
{
	struct evany__inst *inst = pt->pt_inst;

	if (pt->pt_mounted)
		return;
	pt->pt_mounts.mw_inst = inst;
	pt->pt_mounts.mw_fire = file_mounts;
	pt->pt_mounted = inst->in_table->tb_mount->mo_attach(&inst->in_mount,
	    &pt->pt_mounts) == 0;
}

/* ---- associations --------------------------------------------------------------- */

/* The watch is there: how does the file look, and what is news about that? */
static int
file_look(struct port_file *pf, const file_obj_t *fo, int *eventsp)
{
	const struct timespec known[TIMES] = {
		[ACCESSED] = fo->fo_atime,
		[MODIFIED] = fo->fo_mtime,
		[CHANGED] = fo->fo_ctime
	};
	struct stat st;
	int64_t born;
	int error;

	error = evany__ff_stat_at(AT_FDCWD, pf->pf_dir, true, &st, &born);
	if (error != 0)
		return (error);
	pf->pf_above = st.st_dev;
	error = evany__ff_stat_at(AT_FDCWD, pf->pf_path, pf->pf_follow, &st,
	    &born);
	if (error != 0)
		return (error);
	pf->pf_dev = st.st_dev;
	pf->pf_ino = st.st_ino;
	pf->pf_isdir = S_ISDIR(st.st_mode);
	evany__ff_times(&st, pf->pf_times);
	*eventsp = file_times(&st, known);
	return (0);
}

/* The slot of an earlier association of the address, or else a new one. */
static struct port_slot *
file_take_slot(struct port *pt, struct port_file *pf, void *user)
{
	struct port_file *old = file_find(pt, pf->pf_object);
	struct port_slot *sl;

	if (old != NULL) {
		sl = file_slot(old);
		file_end(old);
		evany__port_unqueue(pt, sl);
		sl->sl_user = user;
	} else
		sl = evany__port_slot_new(pt, PORT_SOURCE_FILE, pf->pf_object,
		    user);
	return (sl);
}

static void
file_collect(struct port *pt)
{
	struct evany__inst *inst = pt->pt_inst;

	if (inst->in_file != NULL)
		inst->in_table->tb_file->fo_collect(&inst->in_file);
}

static int
file_associate(struct port *pt, struct port_file *pf, const file_obj_t *fo,
    void *user)
{
	struct port_slot *sl;
	int error, events = 0;

	/* An exception that has happened ends the old association. */
	file_collect(pt);
	if ((sl = file_take_slot(pt, pf, user)) == NULL) {
		file_free(pf);
		return (EAGAIN);
	}
	sl->sl_mask = pf->pf_mask;
	pf->pf_slot = evany__port_index(pt, sl);
	(void)RB_INSERT(port_files, &pt->pt_files, pf);
	if ((error = file_watch(pf)) == 0)
		error = file_look(pf, fo, &events);
	if (error != 0) {
		file_end(pf);
		evany__port_slot_free(pt, sl);
		return (error);
	}
	pt->pt_shared->ps_had_file = true;
	if (pf->pf_isdir)
		file_ask_mounts(pt);
	file_tell(pf, events);
	return (0);
}

int
evany__port_file_associate(struct port *pt, int number, uintptr_t object,
    int mask, void *user)
{
	const file_obj_t *fo = (const file_obj_t *)object;
	struct port_file *pf;
	int error, lost;

	if ((mask & ~MASK_ALL) != 0)
		return (EINVAL);
	if (fo == NULL || fo->fo_name == NULL)
		return (EFAULT);
	/* Before any lock: a path may lead to a server that does not answer. */
	if ((error = file_new(pt, fo, mask, &pf)) != 0)
		return (error);
	evany__port_enter(pt, number);
	error = file_associate(pt, pf, fo, user);
	lost = evany__port_leave(pt);
	return (error != 0 ? error : lost);
}

static int
file_dissociate(struct port *pt, uintptr_t object)
{
	struct port_file *pf;
	struct port_slot *sl;

	if (!pt->pt_shared->ps_had_file)
		return (EINVAL);
	file_collect(pt);
	if ((pf = file_find(pt, object)) == NULL)
		return (ENOENT);
	sl = file_slot(pf);
	file_end(pf);
	evany__port_slot_free(pt, sl);
	return (0);
}

int
evany__port_file_dissociate(struct port *pt, int number, uintptr_t object)
{
	int error, lost;

	evany__port_enter(pt, number);
	error = file_dissociate(pt, object);
	lost = evany__port_leave(pt);
	return (error != 0 ? error : lost);
}

/* ---- what happens to them ----------------------------------------------------------- */

/* The association of this process whose slot it is, if any. */
static struct port_file *
file_of(struct port *pt, struct port_slot *sl)
{
	struct port_file *pf = file_find(pt, sl->sl_object);

	return (pf != NULL && file_slot(pf) == sl ? pf : NULL);
}

static enum port_take
file_take(struct port *pt, struct port_slot *sl)
{
	(void)pt;
	(void)sl;
	return (PORT_TAKE);
}

static void
file_taken(struct port *pt, struct port_slot *sl)
{
	struct port_file *pf = file_of(pt, sl);

	if (pf != NULL)
		file_end(pf);
	evany__port_slot_free(pt, sl);
}

const struct port_source evany__port_src_file = {
	.so_private = true,
	.so_take = file_take,
	.so_taken = file_taken,
	.so_drop = file_taken
};

void
evany__port_file_close(struct port *pt)
{
	struct evany__inst *inst = pt->pt_inst;

	if (pt->pt_mounted)
		inst->in_table->tb_mount->mo_detach(&inst->in_mount,
		    &pt->pt_mounts);
	pt->pt_mounted = false;
}

void
evany__port_file_forget(struct port *pt)
{
	struct port_file *pf;

	while ((pf = RB_MIN(port_files, &pt->pt_files)) != NULL) {
		(void)RB_REMOVE(port_files, &pt->pt_files, pf);
		file_free(pf);
	}
	pt->pt_mounted = false;
}
