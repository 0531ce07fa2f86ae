/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * <evany.h>: what libevany tells about itself.  See evany(3).
 *
 * A program written for kqueue and the like does not need this header: it
 * includes the facility's own.
 */
#ifndef EVANY_H
#define EVANY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the program gets a facility. */
#define EVANY_NATIVE	1	/* the system's own */
#define EVANY_EMULATED	2	/* by this library */

struct evany_feature {
	const char	*ef_facility;	/* "kqueue" */
	const char	*ef_mechanism;	/* "epoll inotify signalfd pidfd" */
	int		 ef_how;	/* EVANY_NATIVE, EVANY_EMULATED */
};

/*
 * What this process has: one row per facility.  Fills at most nrows rows and
 * returns how many there are; rows may be NULL if nrows is 0.  The strings
 * are constant.  ef_mechanism names what the running system was found to
 * offer, best first, separated by blanks; for a native facility it is
 * "system".
 */
size_t		 evany_features(struct evany_feature *rows, size_t nrows);

/* The library's version, as "0.1.0". */
const char	*evany_version(void);

#ifdef __cplusplus
}
#endif

#endif /* EVANY_H */
