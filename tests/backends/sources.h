/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * sources: an instance of core that waits for what a SIGNAL or PROC mechanism
 * tells, without a facility above it.  It waits by whatever mechanism
 * EVANY_BACKENDS allows.
 */
#ifndef SOURCES_H
#define SOURCES_H

#include "evt.h"

#include "backends/backend.h"
#include "backends/emulation/core/core.h"

struct src {
	struct evany__inst	*sr_inst;
	struct evany__watch	 sr_mark;	/* ready: something fired */
	void			*sr_state;	/* the mechanism's */
	int			 sr_number;
};

void	src_open(struct src *);
/* With the mechanism's so_close or po_close. */
void	src_close(struct src *, void (*)(struct evany__inst *, void **));

/* The instance's lock, around each operation. */
void	src_enter(struct src *);
void	src_leave(struct src *);

/* Called by what fires, lock held: ends the wait. */
void	src_fired(struct src *);

/*
 * Waits once, at most so many milliseconds, after refresh (so_refresh or
 * po_collect) has been called with the lock held.  Has anything fired?  Then
 * 0, else ETIMEDOUT, or EINTR if a signal ended the wait.
 */
int	src_wait(struct src *, void (*refresh)(void **), int ms);

#endif /* SOURCES_H */
