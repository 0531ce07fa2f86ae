/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * <time.h>: the system's, with timers whose expirations are events of a port
 * (SIGEV_PORT, see <signal.h>).  Other timers are the system's as ever.
 */
#ifndef EVANY_TIME_H
#define EVANY_TIME_H

/* The next line is no standard C, which this keeps from being told. */
#pragma GCC system_header
#include_next <time.h>

/* Does the system's header show timers, with what was asked of it? */
#if defined(__POSIX_VISIBLE)
#if __POSIX_VISIBLE >= 199309
#define EVANY_TIME_TIMERS
#endif
#elif defined(_POSIX_C_SOURCE)
#if _POSIX_C_SOURCE >= 199309L
#define EVANY_TIME_TIMERS
#endif
#elif !defined(__STRICT_ANSI__) || defined(_XOPEN_SOURCE) || \
    defined(_DEFAULT_SOURCE) || defined(_GNU_SOURCE) || \
    defined(_BSD_SOURCE) || defined(_NETBSD_SOURCE)
#define EVANY_TIME_TIMERS
#endif

#ifdef EVANY_TIME_TIMERS

#ifdef __cplusplus
extern "C" {
#endif

struct sigevent;

/*
 * The system's functions, with SIGEV_PORT added: EBADF, EBADFD (it is no
 * port), EFAULT (there is no port_notify_t), EINVAL (the clock cannot), EAGAIN
 * (the port is full), ENOMEM.
 */
int	evany_timer_create(clockid_t, struct sigevent *, timer_t *);
int	evany_timer_delete(timer_t);
int	evany_timer_gettime(timer_t, struct itimerspec *);
int	evany_timer_settime(timer_t, int, const struct itimerspec *,
	    struct itimerspec *);
/* 0 for one that has a port: the event tells. */
int	evany_timer_getoverrun(timer_t);

#ifdef __cplusplus
}
#endif

#define timer_create		evany_timer_create
#define timer_delete		evany_timer_delete
#define timer_gettime		evany_timer_gettime
#define timer_settime		evany_timer_settime
#define timer_getoverrun	evany_timer_getoverrun

#endif /* EVANY_TIME_TIMERS */

#endif /* EVANY_TIME_H */
