/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * ff.h: what the files of this folder share.  None of it sets errno, and none
 * of it is a cancellation point.
 */
#ifndef EVANY_FF_H
#define EVANY_FF_H

#include <sys/stat.h>
#include <sys/types.h>

#include "backends/backend.h"

/* The kind by the type that fstat gives; OTHER if there is none. */
enum evany__fdkind evany__ff_kind_of(int fd, const struct stat *);

/* An integer option of a socket, or -1. */
int	evany__ff_option(int fd, int level, int name);

/* What poll(2) says now of these events, and ERR, HUP; 0 if nothing. */
short	evany__ff_poll(int fd, short events);

#endif /* EVANY_FF_H */
