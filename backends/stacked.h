/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * stacked.h: another copy of this library, whose facilities stand for those of a
 * system that is not at hand, for tests.
 */
#ifndef EVANY_STACKED_H
#define EVANY_STACKED_H

#include <dlfcn.h>
#include <stddef.h>

/* Its calls of itself stay there. */
#ifndef RTLD_DEEPBIND
#define RTLD_DEEPBIND	0
#endif

static inline void *
evany__stacked(const char *name)
{

	return (dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND));
}

#endif /* EVANY_STACKED_H */
