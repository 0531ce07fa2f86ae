/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_mountnone: MOUNT watches where the system does not tell: refused.
 */
#include "config.h"

#include <errno.h>

#include "backends/backend.h"

static int
none_probe(void)
{
	return (0);
}

static int
none_attach(void **statep, struct evany__mountwatch *mw)
{
	(void)statep;
	(void)mw;
	return (ENOTSUP);
}

/* Never called: nothing was attached. */
static void
none_detach(void **statep, struct evany__mountwatch *mw)
{
	(void)statep;
	(void)mw;
}

static void
none_close(struct evany__inst *inst, void **statep)
{
	(void)inst;
	(void)statep;
}

static void
none_fork_child(void **statep)
{
	(void)statep;
}

const struct evany__mount_ops evany__mount_none_ops = {
	.mo_name = "none",
	.mo_probe = none_probe,
	.mo_attach = none_attach,
	.mo_detach = none_detach,
	.mo_close = none_close,
	.mo_fork_child = none_fork_child
};
