/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * waitstatus.h: from what waitid(2) tells to what waitpid(2) tells.
 */
#ifndef EVANY_WAITSTATUS_H
#define EVANY_WAITSTATUS_H

#include <sys/wait.h>

#include <signal.h>
#include <stdint.h>

/* si_code and si_status of an ended child as a wait status. */
static inline int64_t
evany__wait_status(const siginfo_t *si)
{
	switch (si->si_code) {
	case CLD_EXITED:
		return ((si->si_status & 0xff) << 8);
	case CLD_DUMPED:
		return ((si->si_status & 0x7f) | 0x80);
	default:
		return (si->si_status & 0x7f);
	}
}

#endif /* EVANY_WAITSTATUS_H */
