/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filt_library: EVFILT_AIO and EVFILT_FS.
 */
#include "config.h"

#include <errno.h>

#include "backends/emulation/kqueue/knote.h"

/* A completion is asked for in the request (SIGEV_KEVENT), never here. */
static int
filt_aio_attach(struct kqueue *kq, struct knote *kn)
{
	(void)kq;
	(void)kn;
	return (ENXIO);
}

static void
filt_aio_detach(struct kqueue *kq, struct knote *kn)
{
	(void)kq;
	(void)kn;
}

const struct filterops evany__filt_aio = {
	.fo_name = "AIO",
	.fo_attach = filt_aio_attach,
	.fo_detach = filt_aio_detach,
	.fo_event = evany__knote_queued_event,
	.fo_touch = evany__knote_default_touch,
	.fo_arm = evany__knote_default_arm
};

const struct filterops evany__filt_fs = {
	.fo_name = "FS",
	.fo_attach = filt_aio_attach,
	.fo_detach = filt_aio_detach,
	.fo_event = evany__knote_queued_event,
	.fo_touch = evany__knote_default_touch,
	.fo_arm = evany__knote_default_arm
};
