/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * <sys/port_impl.h>: illumos installs what its kernel keeps of a port, and
 * some programs include it beside <port.h>.  There is nothing more to know.
 */
#ifndef EVANY_SYS_PORT_IMPL_H
#define EVANY_SYS_PORT_IMPL_H

#include <sys/port.h>

#endif /* EVANY_SYS_PORT_IMPL_H */
