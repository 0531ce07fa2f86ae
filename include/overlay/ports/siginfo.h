/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * <siginfo.h>: where programs written for illumos ask for siginfo_t and
 * SIGEV_PORT; other systems have both in <signal.h>.
 */
#ifndef EVANY_SIGINFO_H
#define EVANY_SIGINFO_H

#include <signal.h>

#endif /* EVANY_SIGINFO_H */
