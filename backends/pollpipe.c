/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * pollpipe: pipes that carry one bit, and poll(2).
 *
 * State:   none but what the caller keeps.
 * Race:    between the comparison and the use of a number of ours the program
 *          could still close it; only one that closes what it did not open
 *          gets there.
 * Locks:   none.
 */
#include "config.h"

#include "backends/pollpipe.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/rawcall.h"

#define CHUNK	16U	/* entries that poll(2) takes under any sane limit */

int
evany__pipe_dup(int fd, int *dupp)
{
	int new;

#if HAVE_DECL_F_DUPFD_CLOEXEC
	if ((new = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)
		return (errno);
#else
	if ((new = dup(fd)) == -1)
		return (errno);
	(void)fcntl(new, F_SETFD, FD_CLOEXEC);
#endif
	*dupp = new;
	return (0);
}

int
evany__pipe_make(struct evany__pipe *pi)
{
	struct stat st;
	int error, ends[2];

#ifdef HAVE_PIPE2
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		return (errno);
#else
	int i;

	if (pipe(ends) == -1)
		return (errno);
	for (i = 0; i < 2; i++)
		if (fcntl(ends[i], F_SETFD, FD_CLOEXEC) == -1 ||
		    fcntl(ends[i], F_SETFL, O_NONBLOCK) == -1)
			goto fail;
#endif
	if (fstat(ends[0], &st) == -1)
		goto fail;
	pi->pi_read = ends[0];
	pi->pi_write = ends[1];
	pi->pi_dev = st.st_dev;
	pi->pi_ino = st.st_ino;
	return (0);

fail:
	error = errno;
	(void)evany__close(ends[0]);
	(void)evany__close(ends[1]);
	return (error);
}

int
evany__pipe_inner(struct evany__pipe *pi)
{
	int error = 0;

	if ((pi->pi_read = evany__inner(pi->pi_read)) == -1 ||
	    (pi->pi_write = evany__inner(pi->pi_write)) == -1) {
		error = errno;
		evany__pipe_close(pi);
	}
	return (error);
}

int
evany__pipe_open(struct evany__pipe *pi)
{
	int error;

	error = evany__pipe_make(pi);
	return (error != 0 ? error : evany__pipe_inner(pi));
}

int
evany__number_stat(int fd, struct stat *st)
{
	int result;

	RAW_ASK_BEGIN();
	result = fstat(fd, st);
	RAW_ASK_END();
	return (result);
}

int
evany__pipe_names(const struct evany__pipe *pi, int fd)
{
	struct stat st;

	return (fd >= 0 && evany__number_stat(fd, &st) == 0 &&
	    S_ISFIFO(st.st_mode) && st.st_dev == pi->pi_dev &&
	    st.st_ino == pi->pi_ino);
}

void
evany__pipe_close(struct evany__pipe *pi)
{
	if (evany__pipe_names(pi, pi->pi_read))
		(void)evany__close(pi->pi_read);
	if (evany__pipe_names(pi, pi->pi_write))
		(void)evany__close(pi->pi_write);
	pi->pi_read = pi->pi_write = -1;
}

int
evany__pipe_ring(const struct evany__pipe *pi)
{
	if (!evany__pipe_names(pi, pi->pi_write))
		return (EIDRM);
	/* The reader is ours too, so this cannot raise SIGPIPE. */
	while (evany__write(pi->pi_write, "", 1) == -1)
		if (errno != EINTR)
			return (errno == EAGAIN ? 0 : errno);
	return (0);
}

int
evany__pipe_drain(const struct evany__pipe *pi)
{
	char bytes[16];
	ssize_t n;

	if (!evany__pipe_names(pi, pi->pi_read))
		return (EIDRM);
	do
		n = evany__read(pi->pi_read, bytes, sizeof(bytes));
	while (n == (ssize_t)sizeof(bytes) || (n == -1 && errno == EINTR));
	/* 0: the other end was closed. */
	return (n != 0 ? 0 : EIDRM);
}

int
evany__poll_ns(struct pollfd *fds, unsigned n, int64_t ns)
{
#ifdef HAVE_PPOLL
	struct timespec ts;

	if (ns == EVANY__FOREVER)
		return (ppoll(fds, (nfds_t)n, NULL, NULL));
	ts.tv_sec = (time_t)(ns / INT64_C(1000000000));
	ts.tv_nsec = (long)(ns % INT64_C(1000000000));
	return (ppoll(fds, (nfds_t)n, &ts, NULL));
#else
	int64_t ms;

	if (ns == EVANY__FOREVER)
		return (poll(fds, (nfds_t)n, -1));
	ms = ns / INT64_C(1000000) + (ns % INT64_C(1000000) != 0);
	return (poll(fds, (nfds_t)n, ms < INT_MAX ? (int)ms : INT_MAX));
#endif
}

/*
 * poll(2) refuses more entries than the limit of descriptors allows (EINVAL),
 * and there may be more: one for each instance that watches a descriptor, or
 * the limit was lowered.
 */
void
evany__poll_now(struct pollfd *fds, unsigned n)
{
	unsigned i, part, step;

	if (n == 0 || evany__poll_once(fds, n) >= 0)
		return;
	step = CHUNK;
	for (i = 0; i < n; i += part) {
		part = n - i < step ? n - i : step;
		while (evany__poll_once(fds + i, part) == -1) {
			if (part == 1) {
				fds[i].revents = 0;
				break;
			}
			part = step = 1;
		}
	}
}
