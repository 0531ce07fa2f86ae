/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_filescan: FILE watches on any system, by looking again and again.
 *
 * Feeds:   nothing; what a look finds is fired, and the instance rung.
 * State:   struct be_filescan per instance, in one list of the process, each
 *          with its watches.  A watch has a snapshot (ff_snap.c), for a
 *          directory the set of its subdirectories, and the file's name where
 *          the system tells it.
 * Life:    the background thread (pollthread.h) looks at all watches every 20
 *          milliseconds, less often when there are many; fo_collect looks at
 *          once, so a call sees what was done before it.  Without watches the
 *          thread is not disturbed.
 * Limits:  what was done and undone between two looks is not seen, and of two
 *          acts of one kind there is one.  fstat(2) tells nothing of who
 *          opens, reads or closes a file, so such a wish is refused with
 *          ENOTSUP; nor does it tell a rename from a chmod to the same mode
 *          where names are unknown, which is then told as both; nor an entry
 *          moved into a directory from one made there, so EXTEND is never
 *          told of directories.  A touch may look like a write too, and two
 *          writes of the same size within one tick of the file system's clock
 *          like one.
 * Race:    the program's number is asked, and a watch whose number names
 *          another file or none is dead and silent.
 * Locks:   fs_lock (3) guards the list of instances.  The thread takes a
 *          reference under it, lets go, locks the instance and makes sure that
 *          it is still in the list; everything else is under that lock.
 * Fork:    the child has no instances.  A thread of the parent may have held
 *          fs_lock, so the first use in another process than fs_pid starts
 *          with a new lock and an empty list.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/fdfacts/ff_snap.h"
#include "backends/filescan/fs_byname.h"
#include "backends/filescan/fs_diff.h"
#include "backends/filescan/fs_names.h"
#include "backends/poll/pollthread.h"

/* Milliseconds between looks: with few watches, and at most. */
#define INTERVAL_MIN	20
#define INTERVAL_MAX	1000
/* So many watches more make the interval a millisecond longer. */
#define INTERVAL_STEP	16

#define F_UNSEEN	(EVANY__F_OPEN | EVANY__F_CLOSE_READ | \
			EVANY__F_CLOSE_WRITE | EVANY__F_READ)

struct fs_watch {
	TAILQ_ENTRY(fs_watch)	 fs_link;
	struct evany__filewatch	*fs_file;
	struct fs_list		*fs_subdirs;	/* or NULL */
	struct evany__snap	 fs_snap;
	struct fs_name		 fs_name;
	int			 fs_fd;		/* the program's number */
	uint32_t		 fs_want;
	bool			 fs_dead;
};

struct be_filescan {
	TAILQ_ENTRY(be_filescan) sc_link;	/* fs_lock */
	unsigned		 sc_round;	/* fs_lock */
	struct evany__inst	*sc_inst;
	TAILQ_HEAD(, fs_watch)	 sc_watches;	/* as attached */
	struct fs_bynames	 sc_bynames;
	struct fs_watch		*sc_next;	/* looked at next */
	bool			 sc_busy;
};

static void	fs_tick(struct evany__bg_tick *);

static atomic_int fs_pid;	/* the process of what follows, 0: none yet */
static pthread_mutex_t fs_lock = PTHREAD_MUTEX_INITIALIZER;
/* Under fs_lock. */
static TAILQ_HEAD(, be_filescan) fs_all = TAILQ_HEAD_INITIALIZER(fs_all);
static struct evany__bg_tick fs_ticker = { .bt_fn = fs_tick };
static unsigned fs_round;
static unsigned fs_count;	/* watches in all */
static int fs_interval;		/* 0: not running */

static void
fs_enter(void)
{
	int here, pid;

	here = (int)getpid();
	while ((pid = atomic_load(&fs_pid)) != here) {
		/* -1: another thread is at it. */
		if (pid == -1 ||
		    !atomic_compare_exchange_strong(&fs_pid, &pid, -1)) {
			(void)sched_yield();
			continue;
		}
		if (pid != 0) {
			(void)pthread_mutex_init(&fs_lock, NULL);
			TAILQ_INIT(&fs_all);
			evany__bg_tick_stop(&fs_ticker);
			fs_count = 0;
			fs_interval = 0;
		}
		atomic_store(&fs_pid, here);
	}
	(void)pthread_mutex_lock(&fs_lock);
}

static void
fs_leave(void)
{
	(void)pthread_mutex_unlock(&fs_lock);
}

/* ---- one file ---- */

/* Has the file another name, or none that is known to be the same? */
static bool
fs_renamed(struct fs_watch *fs, bool *surep)
{
	struct fs_name name;
	bool same;

	evany__fs_name(fs->fs_fd, &name);
	*surep = name.fn_known && fs->fs_name.fn_known;
	same = *surep && evany__fs_name_same(&name, &fs->fs_name);
	if (name.fn_known)
		fs->fs_name = name;
	return (!same);
}

/* Lists a directory; the reading is no change. */
static struct fs_list *
fs_read(const struct fs_watch *fs, struct evany__snap *sn)
{
	struct fs_list *fl;
	struct evany__snap now;

	if ((fl = evany__fs_list(fs->fs_fd)) != NULL &&
	    evany__snap_take(&now, fs->fs_fd) == 0 &&
	    evany__snap_same(&now, sn))
		sn->sn_atime = now.sn_atime;
	return (fl);
}

/* A directory: has a subdirectory come or gone? */
static unsigned
fs_subdirs(struct fs_watch *fs, struct evany__snap *sn, unsigned diff)
{
	struct fs_list *now;
	unsigned bits;

	bits = diff & EVANY__F_LINK;
	if ((fs->fs_want & EVANY__F_LINK) == 0 ||
	    (now = fs_read(fs, sn)) == NULL)
		return (bits);
	if (fs->fs_subdirs != NULL &&
	    !evany__fs_list_same(fs->fs_subdirs, now))
		bits |= EVANY__F_LINK;
	free(fs->fs_subdirs);
	fs->fs_subdirs = now;
	return (bits);
}

static int
fs_again(const void *arg, struct evany__snap *sn)
{
	const struct fs_watch *fs = arg;

	return (evany__snap_take(sn, fs->fs_fd));
}

/*
 * What happened, also what fstat(2) does not tell.  Who is in the middle of an
 * act may be kept from going on for longer than we looked, so the thread leaves
 * a change time that nothing accounts for to a later look while it is fresh.
 */
static unsigned
fs_changes(struct fs_watch *fs, struct evany__snap *now, bool patient)
{
	unsigned bits, diff;
	bool renamed, sure, told;

	bits = evany__fs_settle(&fs->fs_snap, now, fs_again, fs, &told);
	diff = evany__snap_diff(&fs->fs_snap, now);
	if (evany__snap_isdir(now) && (bits & EVANY__F_WRITE) != 0)
		bits |= fs_subdirs(fs, now, diff);
	renamed = sure = false;
	if ((diff & EVANY__SNAP_CTIME) != 0 && now->sn_nlink > 0 &&
	    (!told || (fs->fs_want & EVANY__F_RENAME) != 0))
		renamed = fs_renamed(fs, &sure);
	if (renamed && sure)
		return (bits | EVANY__F_RENAME);
	if (told)
		return (bits);
	if (patient && evany__fs_fresh(&now->sn_ctime)) {
		now->sn_ctime = fs->fs_snap.sn_ctime;
		return (bits);
	}
	return (bits | EVANY__F_ATTRIB | (renamed ? EVANY__F_RENAME : 0));
}

/*
 * Looks at one file and tells what has changed, if patient perhaps later;
 * fw_fire may detach it.
 */
static void
fs_look(struct fs_watch *fs, bool patient)
{
	struct evany__filewatch *fw = fs->fs_file;
	struct evany__snap now;
	unsigned bits;
	int error;

	if (fs->fs_dead)
		return;
	error = evany__snap_take(&now, fs->fs_fd);
	if (error == EBADF ||
	    (error == 0 && !evany__snap_same(&now, &fs->fs_snap))) {
		fs->fs_dead = true;
		return;
	}
	if (error != 0) {
		/* The number is there, but the file is out of reach. */
		fs->fs_dead = true;
		bits = EVANY__F_REVOKE;
	} else {
		bits = fs_changes(fs, &now, patient);
		fs->fs_snap = now;
	}
	bits &= (fs->fs_want & fw->fw_want) | EVANY__F_REVOKE;
	if (bits != 0)
		fw->fw_fire(fw, bits);
}

/* The instance's lock is held. */
static void
fs_collect(struct be_filescan *sc, bool patient)
{
	struct fs_watch *fs;

	if (sc->sc_busy)
		return;
	sc->sc_busy = true;
	for (fs = TAILQ_FIRST(&sc->sc_watches); fs != NULL; fs = sc->sc_next) {
		sc->sc_next = TAILQ_NEXT(fs, fs_link);
		fs_look(fs, patient);
	}
	sc->sc_next = NULL;
	evany__fs_byname_look(&sc->sc_bynames, patient);
	sc->sc_busy = false;
}

/* ---- the thread ---- */

static struct be_filescan *
fs_find_locked(const struct evany__inst *inst)
{
	struct be_filescan *sc;

	TAILQ_FOREACH(sc, &fs_all, sc_link)
		if (sc->sc_inst == inst)
			break;
	return (sc);
}

/* An instance that was not visited in this round, with a reference. */
static struct evany__inst *
fs_visit(unsigned round)
{
	struct be_filescan *sc;
	struct evany__inst *inst;

	inst = NULL;
	fs_enter();
	TAILQ_FOREACH(sc, &fs_all, sc_link) {
		if (sc->sc_round == round)
			continue;
		sc->sc_round = round;
		if (evany__inst_take(sc->sc_inst)) {
			inst = sc->sc_inst;
			break;
		}
	}
	fs_leave();
	return (inst);
}

static void
fs_tick(struct evany__bg_tick *tick)
{
	struct be_filescan *sc;
	struct evany__inst *inst;
	unsigned round;

	(void)tick;
	fs_enter();
	round = ++fs_round;
	fs_leave();
	while ((inst = fs_visit(round)) != NULL) {
		evany__inst_lock(inst);
		fs_enter();
		sc = fs_find_locked(inst);
		fs_leave();
		if (sc != NULL) {
			fs_collect(sc, true);
			(void)evany__inst_ring(inst);
		}
		evany__inst_unlock(inst);
		evany__inst_drop(inst);
	}
}

/* One watch more or less: how often is to be looked? */
static int
fs_pace(int change)
{
	unsigned interval;
	int error;

	error = 0;
	fs_enter();
	fs_count += (unsigned)change;
	if (fs_count == 0) {
		evany__bg_tick_stop(&fs_ticker);
		fs_interval = 0;
		goto out;
	}
	interval = INTERVAL_MIN + fs_count / INTERVAL_STEP;
	if (interval > INTERVAL_MAX)
		interval = INTERVAL_MAX;
	if (fs_interval == (int)interval)
		goto out;
	error = evany__bg_tick_start(&fs_ticker, (int)interval);
	if (error == 0)
		fs_interval = (int)interval;
	else if (change > 0)
		fs_count -= (unsigned)change;
	else
		error = 0;
out:
	fs_leave();
	return (error);
}

/* ---- operations ---- */

static int
be_filescan_probe(void)
{
	return (0);
}

/* What is wanted needs more than the snapshot. */
static void
fs_prepare(struct fs_watch *fs)
{
	if (evany__snap_isdir(&fs->fs_snap) && fs->fs_subdirs == NULL &&
	    (fs->fs_want & EVANY__F_LINK) != 0)
		fs->fs_subdirs = fs_read(fs, &fs->fs_snap);
	if (!fs->fs_name.fn_known &&
	    (fs->fs_want & (EVANY__F_RENAME | EVANY__F_ATTRIB)) != 0)
		evany__fs_name(fs->fs_fd, &fs->fs_name);
}

static struct be_filescan *
fs_state(void **statep, struct evany__inst *inst)
{
	struct be_filescan *sc;

	if (*statep != NULL || (sc = calloc(1, sizeof(*sc))) == NULL)
		return (*statep);
	sc->sc_inst = inst;
	TAILQ_INIT(&sc->sc_watches);
	TAILQ_INIT(&sc->sc_bynames.bys_list);
	fs_enter();
	sc->sc_round = fs_round;
	TAILQ_INSERT_TAIL(&fs_all, sc, sc_link);
	fs_leave();
	*statep = sc;
	return (sc);
}

static int
be_filescan_attach(void **statep, struct evany__filewatch *fw, int fd)
{
	struct be_filescan *sc;
	struct evany__snap sn;
	struct fs_watch *fs;
	int error;

	if ((error = evany__snap_take(&sn, fd)) != 0)
		return (error);
	if (!evany__snap_watchable(&sn, fd) || (fw->fw_want & F_UNSEEN) != 0)
		return (ENOTSUP);
	if ((sc = fs_state(statep, fw->fw_inst)) == NULL ||
	    (fs = calloc(1, sizeof(*fs))) == NULL)
		return (ENOMEM);
	if ((error = fs_pace(1)) != 0) {
		free(fs);
		return (error);
	}
	fs->fs_file = fw;
	fs->fs_fd = fd;
	fs->fs_want = fw->fw_want;
	fs->fs_snap = sn;
	fs_prepare(fs);
	TAILQ_INSERT_TAIL(&sc->sc_watches, fs, fs_link);
	fw->fw_priv = fs;
	return (0);
}

static int
be_filescan_modify(void **statep, struct evany__filewatch *fw)
{
	struct be_filescan *sc = *statep;
	struct fs_watch *fs = fw->fw_priv;

	if ((fw->fw_want & F_UNSEEN) != 0)
		return (ENOTSUP);
	if (fs == NULL || fs->fs_want == fw->fw_want)
		return (0);
	/* What happened until now is for the old wishes. */
	if (!sc->sc_busy) {
		fs_look(fs, false);
		if (fw->fw_priv == NULL)
			return (0);
	}
	fs->fs_want = fw->fw_want;
	fs_prepare(fs);
	return (0);
}

static void
be_filescan_detach(void **statep, struct evany__filewatch *fw)
{
	struct be_filescan *sc = *statep;
	struct fs_watch *fs = fw->fw_priv;

	fw->fw_priv = NULL;
	if (sc == NULL || fs == NULL)
		return;
	if (sc->sc_next == fs)
		sc->sc_next = TAILQ_NEXT(fs, fs_link);
	TAILQ_REMOVE(&sc->sc_watches, fs, fs_link);
	free(fs->fs_subdirs);
	free(fs);
	(void)fs_pace(-1);
}

/* A watch by name is looked at as often as its entries alone would be. */
static int
be_filescan_name_attach(void **statep, struct evany__namewatch *nw,
    const char *dir, const char *name)
{
	struct be_filescan *sc;
	struct fs_byname *by;
	int error;

	if ((nw->nw_want & (F_UNSEEN & ~EVANY__F_READ)) != 0)
		return (ENOTSUP);
	if ((error = evany__fs_byname_new(nw, dir, name, &by)) != 0)
		return (error);
	if ((sc = fs_state(statep, nw->nw_inst)) == NULL)
		error = ENOMEM;
	else
		error = fs_pace(evany__fs_byname_weight(by));
	if (error != 0) {
		evany__fs_byname_free(by);
		return (error);
	}
	TAILQ_INSERT_TAIL(&sc->sc_bynames.bys_list, by, by_link);
	nw->nw_priv = by;
	nw->nw_by_path = true;
	return (0);
}

static void
be_filescan_name_detach(void **statep, struct evany__namewatch *nw)
{
	struct be_filescan *sc = *statep;
	struct fs_byname *by = nw->nw_priv;

	nw->nw_priv = NULL;
	if (sc == NULL || by == NULL)
		return;
	(void)fs_pace(-evany__fs_byname_weight(by));
	evany__fs_byname_end(&sc->sc_bynames, by);
}

static void
be_filescan_collect(void **statep)
{
	if (*statep != NULL)
		fs_collect(*statep, false);
}

static void
be_filescan_close(struct evany__inst *inst, void **statep)
{
	struct be_filescan *sc = *statep;

	(void)inst;
	if (sc == NULL)
		return;
	*statep = NULL;
	fs_enter();
	TAILQ_REMOVE(&fs_all, sc, sc_link);
	fs_leave();
	free(sc);
}

static void
be_filescan_fork_child(void **statep)
{
	(void)statep;	/* fs_enter does what there is to do */
}

const struct evany__file_ops evany__file_scan_ops = {
	.fo_name = "filescan",
	.fo_probe = be_filescan_probe,
	.fo_attach = be_filescan_attach,
	.fo_modify = be_filescan_modify,
	.fo_detach = be_filescan_detach,
	.fo_name_attach = be_filescan_name_attach,
	.fo_name_detach = be_filescan_name_detach,
	.fo_collect = be_filescan_collect,
	.fo_ask = true,
	.fo_close = be_filescan_close,
	.fo_fork_child = be_filescan_fork_child,
};
