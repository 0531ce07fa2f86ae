/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * sigaction(), signal(): the C library's, and a watched signal stays seen.
 *
 * A program may ignore a signal that it has just given to EVFILT_SIGNAL, as
 * libevent does, and send it before its next kevent().  Linux drops an ignored
 * signal at once, so our handler must be in front of the new disposition when
 * the call returns.
 *
 * The C library is called by a second name of the same function: there is no
 * search, nothing depends on the order of libraries, and where the program
 * reaches the C library's own in another way, the next kevent() sees what it
 * has set.  Both may be called from a signal handler.
 */
#include "config.h"

#include <signal.h>
#include <stddef.h>

#include "backends/selfpipe/sigchain.h"
#include "compat/export.h"

int	__sigaction(int, const struct sigaction *, struct sigaction *);
void	(*ssignal(int, void (*)(int)))(int);

EVANY_EXPORT int
sigaction(int signo, const struct sigaction *act, struct sigaction *old)
{
	if (__sigaction(signo, act, old) == -1)
		return (-1);
	if (act != NULL)
		evany__sigchain_changed(signo);
	return (0);
}

EVANY_EXPORT void
(*signal(int signo, void (*function)(int)))(int)
{
	void (*old)(int);

	if ((old = ssignal(signo, function)) != SIG_ERR)
		evany__sigchain_changed(signo);
	return (old);
}
