/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filewatch: struct evany__file_ops, without a facility above it.
 *
 * A case is written once,
 *
 *	FW_TC(attach__does_this, "what backend.h promises")
 *	{
 *		... uses fw ...
 *	}
 *
 * and becomes one case per mechanism that is built,
 * filescan__attach__does_this and inotify__attach__does_this.
 */
#ifndef FILEWATCH_H
#define FILEWATCH_H

#include <sys/stat.h>

#include <stdint.h>

#include "evt.h"

#include "backends/backend.h"
#include "backends/emulation/core/core.h"

/* Everything that every mechanism tells, and what only some do. */
#define FW_CHANGES	(EVANY__F_WRITE | EVANY__F_EXTEND | EVANY__F_TRUNC | \
			EVANY__F_ATTRIB | EVANY__F_LINK | EVANY__F_DELETE | \
			EVANY__F_RENAME | EVANY__F_REVOKE)
#define FW_ACCESS	(EVANY__F_OPEN | EVANY__F_CLOSE_READ | \
			EVANY__F_CLOSE_WRITE | EVANY__F_READ)

/* A stand-in for core: an instance whose waiting mechanism only notes. */
struct fw {
	struct evany__inst		 fw_inst;
	struct evany__table		 fw_table;
	const struct evany__file_ops	*fw_ops;
	void				*fw_state;
	int				 fw_feeder;	/* or -1 */
	int				 fw_rings;
	bool				 fw_access;	/* tells FW_ACCESS */
};

/* One watch; what was fired since it was last asked. */
struct fw_watch {
	struct evany__filewatch	 w_file;
	struct fw		*w_fw;
	unsigned		 w_got;
	int			 w_fires;
	/* What fw_fire does besides. */
	void			(*w_hook)(struct fw_watch *);
};

/* A watch by name; what was fired since it was last asked, in order. */
#define FW_REPORTS	64
struct fw_name {
	struct evany__namewatch	 n_watch;
	struct fw		*n_fw;
	int			 n_count;
	struct {
		char		 name[32];	/* "": the directory */
		uint32_t	 bits;
		uint32_t	 cookie;
	} n_reports[FW_REPORTS];
	uint32_t		 n_ignored;	/* reports of these */
	void			(*n_hook)(struct fw_name *);
};

#define FW_CASE(mech, ops, name, text)					\
	ATF_TC(mech##__##name);						\
	ATF_TC_HEAD(mech##__##name, tc)					\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
	}								\
	ATF_TC_BODY(mech##__##name, tc)					\
	{								\
		fw_run(&ops, fw_body_##name);				\
	}

#ifdef EVANY_BE_INOTIFY
#define FW_CASE_INOTIFY(name, text)					\
	FW_CASE(inotify, evany__file_inotify_ops, name, text)
#define FW_ADD_INOTIFY(tp, name)	ATF_TP_ADD_TC(tp, inotify__##name)
#else
#define FW_CASE_INOTIFY(name, text)
#define FW_ADD_INOTIFY(tp, name)	do { } while (0)
#endif

#define FW_TC(name, text)						\
	static void fw_body_##name(struct fw *);			\
	FW_CASE_INOTIFY(name, text)					\
	FW_CASE(filescan, evany__file_scan_ops, name, text)		\
	static void							\
	fw_body_##name(struct fw *fw)

#define FW_ADD(tp, name) do {						\
	FW_ADD_INOTIFY(tp, name);					\
	ATF_TP_ADD_TC(tp, filescan__##name);				\
} while (0)

/* Runs a body with an open fw, inside evt's descriptor leak check. */
void	fw_run(const struct evany__file_ops *, void (*)(struct fw *));

/* Another instance; fw_run closes its own. */
struct fw *fw_open(const struct evany__file_ops *);
void	fw_close(struct fw *);

/* The operations, with the lock held and errno looked after; the error. */
int	fw_attach(struct fw *, struct fw_watch *, int fd, unsigned want);
int	fw_modify(struct fw_watch *, unsigned want);
void	fw_detach(struct fw_watch *);
void	fw_collect(struct fw *);
void	fw_fork_child(struct fw *);

/* An attach that must succeed. */
void	fw_watch(struct fw *, struct fw_watch *, int fd, unsigned want);

/* Collects: what was fired since the last time. */
unsigned fw_told(struct fw_watch *);

/* Collects: exactly these bits, or the case fails for this line. */
#define FW_TOLD(w, bits) do {						\
	unsigned fw_want = (bits), fw_got = fw_told(w);			\
									\
	ATF_REQUIRE_MSG(fw_got == fw_want, "%s:%d: told %#x, not %#x",	\
	    __FILE__, __LINE__, fw_got, fw_want);			\
} while (0)

/* The same of watches by name, in a directory given by any path. */
int	fw_name_attach(struct fw *, struct fw_name *, const char *dir,
	    const char *name, unsigned want);
void	fw_name_watch(struct fw *, struct fw_name *, const char *dir,
	    const char *name, unsigned want);
void	fw_name_detach(struct fw_name *);

/* Collects: what was fired about a name since, all of it together. */
void	fw_name_forget(struct fw_name *);
unsigned fw_name_told(struct fw_name *, const char *name);

/* Collects: exactly that about the name, and nothing about others. */
#define FW_NAMED(n, name, bits) do {					\
	unsigned fw_want = (bits), fw_got = fw_name_told(n, name);	\
									\
	ATF_REQUIRE_MSG(fw_got == fw_want, "%s:%d: told %#x, not %#x",	\
	    __FILE__, __LINE__, fw_got, fw_want);			\
	fw_name_forget(n);						\
} while (0)

/* Waits, without collecting, until all these bits have been fired. */
void	fw_await(struct fw_watch *, unsigned bits);
void	fw_name_await(struct fw_name *, const char *name, unsigned bits);

/* How many descriptors are open. */
int	fw_descriptors(void);

/* A new file with some bytes; a new empty file by name; a directory. */
int	fw_file(char path[EVT_PATH_MAX]);
void	fw_touch(const char *path);
int	fw_dir(const char *path);

#endif /* FILEWATCH_H */
