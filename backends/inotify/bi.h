/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * bi.h: the state of be_inotify.
 */
#ifndef EVANY_BI_H
#define EVANY_BI_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stdint.h>

#include "backends/backend.h"
#include "backends/fdfacts/ff_snap.h"

#define BI_MOVES	8	/* renames of which one half was seen */

struct bi_inode;
struct bi_names;
struct bi_scan;

struct bi_watch {
	LIST_ENTRY(bi_watch)	 bw_link;
	struct evany__filewatch	*bw_file;
	struct bi_inode		*bw_inode;	/* NULL: dead */
	struct bi_scan		*bw_scan;	/* NULL: told by records */
	int			 bw_fd;		/* the program's number */
	uint32_t		 bw_want;
};

struct bi_inode {
	RB_ENTRY(bi_inode)	 in_node;
	TAILQ_ENTRY(bi_inode)	 in_dirtylink;
	LIST_HEAD(, bi_watch)	 in_watches;
	LIST_HEAD(, bi_inode)	 in_children;	/* watched directories */
	LIST_ENTRY(bi_inode)	 in_sibling;
	struct bi_inode		*in_parent;
	struct evany__snap	 in_snap;	/* as last told, for watches */
	struct evany__snap	 in_now;	/* with in_looked */
	int			 in_wd;
	uint32_t		 in_mask;	/* as the kernel has it */
	uint32_t		 in_seen;	/* IN_*, not told yet */
	uint32_t		 in_note;	/* EVANY__F_*, not told yet */
	uint16_t		 in_holds;
	bool			 in_dirty;
	bool			 in_looked;
	bool			 in_restat;	/* records were lost */
	bool			 in_shuffled;	/* directory renamed inside */
	bool			 in_linked;	/* links changed last */
	bool			 in_lost;	/* the kernel ended the watch */
};

struct bi_move {
	uint32_t	mv_cookie;
	int		mv_wd;
	bool		mv_isdir;
};

RB_HEAD(bi_tree, bi_inode);
TAILQ_HEAD(bi_dirty, bi_inode);

/* All guarded by the instance's lock. */
struct be_inotify {
	struct evany__feeder	 bi_feeder;
	struct bi_tree		 bi_tree;
	struct bi_dirty		 bi_dirty;
	struct bi_watch		*bi_next;	/* being told next */
	struct bi_move		 bi_moves[BI_MOVES];
	int			 bi_nmoves;
	int			 bi_fd;		/* or -1 */
	void			*bi_scan;	/* filescan's state */
	unsigned		 bi_nscans;
	struct bi_names		*bi_names;	/* NULL: no watch by name */
	bool			 bi_busy;	/* collecting */
};

/* Errors that are of inotify(7) only. */
bool	evany__bi_refused(int error);

/* Calls; errno stays as it was. */
int	evany__bi_init(int *fdp);
int	evany__bi_add(int inotify, int fd, bool parent, uint32_t mask,
	    int *wdp);
void	evany__bi_remove(int inotify, int wd);
long	evany__bi_read(int inotify, void *, size_t);
void	evany__bi_shut(int inotify);

/* The kernel's bits for what is wanted of a file or directory. */
uint32_t evany__bi_mask(bool isdir, uint32_t want);

/* Does the number of the watch still name its file?  How does that look? */
bool	evany__bi_alive(const struct bi_watch *, struct evany__snap *);

/*
 * Returns once whoever changes the directory's entries at this moment is done;
 * false: that cannot be known.
 */
bool	evany__bi_await(const struct bi_inode *);

struct bi_inode *evany__bi_find(struct be_inotify *, int wd);

/*
 * The inode of a wd that the kernel has just given out for mask, made from
 * *spare if it is new.
 */
struct bi_inode *evany__bi_take(struct be_inotify *, int wd, uint32_t mask,
	    struct bi_inode **spare);

/* There is something to tell of the inode; of all, after lost records. */
void	evany__bi_mark(struct be_inotify *, struct bi_inode *);
void	evany__bi_overflow(struct be_inotify *);

/* Releases an inode that nothing needs, or else what it no longer needs. */
void	evany__bi_drop(struct be_inotify *, struct bi_inode *);

/* Gives a directory its parent or takes it away. */
void	evany__bi_family(struct be_inotify *, struct bi_inode *);

/* The directory no longer needs its parent. */
void	evany__bi_orphan(struct be_inotify *, struct bi_inode *);

/* The kernel ended the watch: begins it anew if the file is still there. */
void	evany__bi_again(struct be_inotify *, struct bi_inode *);

/* bi_names.c: watches by name, with an inotify descriptor of their own. */
int	evany__bi_name_attach(struct be_inotify *, struct evany__namewatch *,
	    const char *dir, const char *name);
void	evany__bi_name_detach(struct be_inotify *, struct evany__namewatch *);
void	evany__bi_names_collect(struct be_inotify *);
void	evany__bi_names_close(struct evany__inst *, struct be_inotify *);
void	evany__bi_names_fork_child(struct be_inotify *);

/* bi_scan.c: has a watch told by filescan, for what its file is wanted for. */
int	evany__bi_scan(struct be_inotify *, struct bi_watch *);
int	evany__bi_scan_modify(struct be_inotify *, struct bi_watch *);
void	evany__bi_scan_end(struct be_inotify *, struct bi_watch *);

/* The same with a watch by name. */
int	evany__bi_scan_name(struct be_inotify *, struct evany__namewatch *,
	    const char *dir, const char *name);
void	evany__bi_scan_name_end(struct be_inotify *,
	    struct evany__namewatch *);

#endif /* EVANY_BI_H */
