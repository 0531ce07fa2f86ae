/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * <mqueue.h>: the system's, with notification by an event port (SIGEV_PORT, see
 * <signal.h>).
 */
#ifndef EVANY_MQUEUE_H
#define EVANY_MQUEUE_H

/* The next line is no standard C, which this keeps from being told. */
#pragma GCC system_header
#include_next <mqueue.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sigevent;

/*
 * The system's function, with SIGEV_PORT added: EBADF (also if it is no port),
 * EFAULT (there is no port_notify_t), EAGAIN (the port is full), EBUSY, ENOMEM.
 */
int	evany_mq_notify(mqd_t, const struct sigevent *);
/* Gives back what the registration held in the port. */
int	evany_mq_close(mqd_t);

#ifdef __cplusplus
}
#endif

#define mq_notify	evany_mq_notify
#define mq_close	evany_mq_close

#endif /* EVANY_MQUEUE_H */
