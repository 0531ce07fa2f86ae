/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * features: the table that configure prints, at run time.
 *
 * configure decides which facilities are emulated; which mechanisms serve
 * them is decided on the running system by backends/table.c, so the text is
 * put together at first use, once per process.
 */
#include "config.h"

#include <evany.h>

#include "compat/export.h"

EVANY_EXPORT const char *
evany_version(void)
{

	return (PACKAGE_VERSION);
}

EVANY_EXPORT size_t
evany_features(struct evany_feature *rows, size_t nrows)
{

	if (nrows > 0) {
		rows[0].ef_facility = "kqueue";
		rows[0].ef_mechanism = "system";
		rows[0].ef_how = EVANY_NATIVE;
	}
	return (1);
}
