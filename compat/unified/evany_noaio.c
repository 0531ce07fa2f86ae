/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evany_aio() where the system has no <aio.h>.
 */
#include "config.h"

#include <evany.h>

#include <errno.h>

#include "compat/export.h"

EVANY_EXPORT int
evany_aio(int number, struct aiocb *cb, unsigned what, void *user)
{

	(void)number;
	(void)cb;
	(void)what;
	(void)user;
	errno = ENOTSUP;
	return (-1);
}
