/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * <signal.h>: the system's, with notification by an event port.
 *
 *	port_notify_t pn = { .portnfy_port = port, .portnfy_user = user };
 *	struct sigevent se;
 *
 *	se.sigev_notify = SIGEV_PORT;
 *	se.sigev_value.sival_ptr = &pn;
 *
 * as on illumos; port_create(3).
 */
#ifndef EVANY_SIGNAL_H
#define EVANY_SIGNAL_H

/* The next line is no standard C, which this keeps from being told. */
#pragma GCC system_header
#include_next <signal.h>

#ifndef SIGEV_PORT
#define SIGEV_PORT	0x504f	/* none of the system's own ways */
#endif

#endif /* EVANY_SIGNAL_H */
