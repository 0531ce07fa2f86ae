/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * mq_netlink: notices of message queues on Linux, by a descriptor.
 *
 * mq_notify(2) of the kernel knows SIGEV_THREAD as a netlink socket and a cookie
 * of 32 bytes, which it sends there when the registration is used up or taken
 * back; the last byte says which.  That is what a C library's thread reads;
 * here it is read by whoever waits, and no thread is needed.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/netlink.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/rawcall.h"

#define COOKIE		32	/* NOTIFY_COOKIE_LEN of the kernel */
#define CAME		1	/* NOTIFY_WOKENUP */

int
evany__mq_open(int *fdp)
{
	int error = 0, saved = errno;

	*fdp = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);
	if (*fdp == -1)
		error = errno;
	errno = saved;
	return (error);
}

int
evany__mq_register(int fd, int queue, uint64_t cookie)
{
	char text[COOKIE];
	struct sigevent se;
	int error = 0, saved = errno;

	memset(text, 0, sizeof(text));
	memcpy(text, &cookie, sizeof(cookie));
	memset(&se, 0, sizeof(se));
	se.sigev_notify = SIGEV_THREAD;
	se.sigev_signo = fd;
	se.sigev_value.sival_ptr = text;
	if (syscall(SYS_mq_notify, queue, &se) == -1)
		error = errno;
	errno = saved;
	return (error);
}

bool
evany__mq_next(int fd, uint64_t *cookiep, bool *camep)
{
	char text[COOKIE];
	int saved = errno;
	ssize_t n;

	while ((n = evany__read(fd, text, sizeof(text))) == -1 &&
	    errno == EINTR)
		continue;
	errno = saved;
	if (n != (ssize_t)sizeof(text))
		return (false);
	memcpy(cookiep, text, sizeof(*cookiep));
	*camep = text[COOKIE - 1] == CAME;
	return (true);
}
