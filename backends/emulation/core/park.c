/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * park: where a thread sleeps until another one of the process names it.
 *
 * A pipe, because poll(2) is ended by signals and is a cancellation point, and
 * a condition variable's wait is not ended by them.  A wake before the sleep is
 * not lost.  All but the sleep is done with locks held, and is no cancellation
 * point.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "backends/emulation/core/core.h"
#include "backends/rawcall.h"

#define NS_PER_MS	INT64_C(1000000)
#define LONGEST_MS	INT64_C(86400000)

int
evany__park_open(struct evany__park *pk)
{
	int i;

	if (pipe(pk->pk_fds) == -1)
		return (errno);
	for (i = 0; i < 2; i++)
		if ((pk->pk_fds[i] = evany__inner(pk->pk_fds[i])) == -1 ||
		    fcntl(pk->pk_fds[i], F_SETFD, FD_CLOEXEC) == -1 ||
		    fcntl(pk->pk_fds[i], F_SETFL, O_NONBLOCK) == -1) {
			evany__park_close(pk);
			return (ENFILE);
		}
	return (0);
}

void
evany__park_close(struct evany__park *pk)
{
	int cancel;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	(void)evany__close(pk->pk_fds[0]);
	(void)evany__close(pk->pk_fds[1]);
	(void)pthread_setcancelstate(cancel, NULL);
}

void
evany__park_wake(struct evany__park *pk)
{
	int cancel;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	/* A full pipe wakes as well. */
	(void)evany__write(pk->pk_fds[1], "", 1);
	(void)pthread_setcancelstate(cancel, NULL);
}

int
evany__park_sleep(struct evany__park *pk, int64_t deadline)
{
	struct pollfd pfd = { .fd = pk->pk_fds[0], .events = POLLIN };
	int64_t left = -1;
	char bytes[16];
	int n;

	do {
		if (deadline != EVANY__FOREVER) {
			left = deadline - evany__now(EVANY__MONOTONIC);
			if (left <= 0)
				return (ETIMEDOUT);
			left = (left + NS_PER_MS - 1) / NS_PER_MS;
			if (left > LONGEST_MS)
				left = LONGEST_MS;
		}
		n = poll(&pfd, 1, (int)left);
	} while (n == 0);
	if (n == -1)
		return (errno);
	(void)!read(pk->pk_fds[0], bytes, sizeof(bytes));
	return (0);
}
