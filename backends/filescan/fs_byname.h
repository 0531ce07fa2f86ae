/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fs_byname.h: watches by name, of one instance.  No function touches errno or
 * is a cancellation point; the instance's lock is held.
 */
#ifndef EVANY_FS_BYNAME_H
#define EVANY_FS_BYNAME_H

#include <sys/queue.h>

#include "backends/fdfacts/ff_snap.h"

struct fs_listing;

struct fs_byname {
	TAILQ_ENTRY(fs_byname)	 by_link;
	struct evany__namewatch	*by_watch;	/* NULL: to be freed */
	struct evany__snap	 by_snap;	/* the file; all: directory */
	struct evany__snap	 by_above;	/* one name: the directory */
	struct fs_listing	*by_list;	/* all names */
	struct fs_listing	*by_fresh;	/* to be told */
	int64_t			 by_looked;	/* realtime */
	int			 by_weight;
	bool			 by_follow;
	bool			 by_there;	/* the name has a file */
	bool			 by_first;	/* the one it had at first */
	bool			 by_dead;
	char			*by_name;	/* in by_path; NULL: all */
	char			 by_path[];
};

struct fs_bynames {
	TAILQ_HEAD(, fs_byname)	 bys_list;
	uint32_t		 bys_cookie;
	bool			 bys_busy;
};

/* A watch that is in no list yet; errors as those of fo_name_attach. */
int	evany__fs_byname_new(struct evany__namewatch *, const char *dir,
	    const char *name, struct fs_byname **);
void	evany__fs_byname_free(struct fs_byname *);

/* What a look costs, in looks at one file. */
int	evany__fs_byname_weight(const struct fs_byname *);

/* Takes it from the list and frees it, after the look that is under way. */
void	evany__fs_byname_end(struct fs_bynames *, struct fs_byname *);

/* Looks at all and tells; patient: what is not clear yet is left for later. */
void	evany__fs_byname_look(struct fs_bynames *, bool patient);

#endif /* EVANY_FS_BYNAME_H */
