/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * ff_posix: facts about a descriptor as far as POSIX, and ioctls that several
 * systems have, can tell them without using anything up: SO_ERROR is never
 * read, since reading clears it.
 *
 * State:   none.
 * Limits:  the backlog is 1 where the system has no option for it, the room of
 *          a pipe is PIPE_BUF, a counter is 1, and a connection that ended by
 *          an error is told as refused or reset by whether it has a peer.
 * Race:    as ff_common.
 * Locks:   none; cancellation is held off around poll(2) and send(2).
 */
#include "config.h"

#include "backends/fdfacts/ff.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#ifdef HAVE_SYS_FILIO_H
#include <sys/filio.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <termios.h>
#include <unistd.h>

#include "backends/rawcall.h"

/* Smallest that POSIX allows; illumos knows it by pathconf(2) only. */
#ifndef PIPE_BUF
#define PIPE_BUF	_POSIX_PIPE_BUF
#endif

short
evany__ff_poll(int fd, short events)
{
	struct pollfd pfd;
	int cancel, saved;

	pfd.fd = fd;
	pfd.events = events;
	pfd.revents = 0;
	saved = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (evany__poll_once(&pfd, 1) != 1)
		pfd.revents = 0;
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (pfd.revents);
}

enum evany__fdkind
evany__ff_kind(int fd)
{
	struct stat st;
	int saved;

	saved = errno;
	if (fstat(fd, &st) == -1) {
		errno = saved;
		return (EVANY__K_UNKNOWN);
	}
	return (evany__ff_kind_of(fd, &st));
}

/* Is there a peer?  0, or ENOTCONN, or what else stands against it. */
static int
ff_peer(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int error, saved;

	saved = errno;
	len = sizeof(ss);
	error = getpeername(fd, (struct sockaddr *)&ss, &len) == -1 ? errno : 0;
	errno = saved;
	return (error);
}

/* The count of a BSD does not end at the mark. */
int64_t
evany__ff_behind_mark(int fd)
{

	(void)fd;
	return (0);
}

int
evany__ff_backlog(int fd, int64_t *countp)
{
	int saved;

	saved = errno;
	if (fcntl(fd, F_GETFD) == -1) {
		errno = saved;
		return (EBADF);
	}
	if (evany__ff_option(fd, SOL_SOCKET, SO_ACCEPTCONN) <= 0)
		return (ENOTSUP);
#ifdef SO_LISTENQLEN
	saved = evany__ff_option(fd, SOL_SOCKET, SO_LISTENQLEN);
	if (saved >= 0) {
		*countp = saved;
		return (0);
	}
#endif
	*countp = (evany__ff_poll(fd, POLLIN) & POLLIN) != 0;
	return (0);
}

/* Bytes that wait to be sent; -1 if the system cannot tell. */
static int64_t
ff_unsent(int fd)
{
	int left, saved;

	left = -1;
#ifdef SO_NWRITE
	if ((left = evany__ff_option(fd, SOL_SOCKET, SO_NWRITE)) >= 0)
		return (left);
#endif
	saved = errno;
#if defined(FIONWRITE)
	if (ioctl(fd, FIONWRITE, &left) == -1)
		left = -1;
#elif defined(TIOCOUTQ)
	if (ioctl(fd, TIOCOUTQ, &left) == -1)
		left = -1;
#endif
	errno = saved;
	return (left);
}

static int
ff_space_socket(int fd, int64_t *bytesp)
{
	int64_t left, room;
	int size;

	room = -1;
#ifdef FIONSPACE
	{
		int n, saved;

		saved = errno;
		if (ioctl(fd, FIONSPACE, &n) == 0)
			room = n;
		errno = saved;
	}
#endif
	if (room < 0) {
		size = evany__ff_option(fd, SOL_SOCKET, SO_SNDBUF);
		left = ff_unsent(fd);
		room = left > 0 ? size - left : size;
	}
	/* Limits are rules of thumb here and there; poll(2) is the judge. */
	if (room <= 0)
		room = (evany__ff_poll(fd, POLLOUT) & POLLOUT) != 0;
	*bytesp = room;
	return (0);
}

int
evany__ff_space(int fd, enum evany__fdkind kind, int64_t *bytesp)
{
	int64_t left;
	int saved;

	saved = errno;
	if (fcntl(fd, F_GETFD) == -1) {
		errno = saved;
		return (EBADF);
	}
	switch (kind) {
	case EVANY__K_STREAM:
	case EVANY__K_DGRAM:
		return (ff_space_socket(fd, bytesp));
	case EVANY__K_PIPE:
		*bytesp = (evany__ff_poll(fd, POLLOUT) & POLLOUT) != 0 ?
		    PIPE_BUF : 0;
		return (0);
	case EVANY__K_TTY:
		left = ff_unsent(fd);
		*bytesp = left < _POSIX_MAX_INPUT ?
		    _POSIX_MAX_INPUT - (left > 0 ? left : 0) : 1;
		return (0);
	default:
		*bytesp = 1;
		return (0);
	}
}

int
evany__ff_unconnected(int fd)
{
	short ev;

	if (ff_peer(fd) != ENOTCONN ||
	    evany__ff_option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1)
		return (0);
	/*
	 * One that is connecting is silent, one that failed can be read.  Where
	 * a socket that has not begun is silent too nobody needs to ask.
	 */
	ev = evany__ff_poll(fd, POLLIN | POLLOUT);
	return ((ev & (POLLOUT | POLLHUP)) != 0 &&
	    (ev & (POLLIN | POLLERR | POLLNVAL)) == 0);
}

int
evany__ff_shut_wr(int fd)
{
#ifdef MSG_NOSIGNAL
	int cancel, error, saved;

	/* Only for a stream does sending nothing send nothing. */
	if (evany__ff_option(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM ||
	    ff_peer(fd) != 0)
		return (0);
	/* An error that waits would be taken. */
	if ((evany__ff_poll(fd, POLLOUT) & (POLLERR | POLLNVAL)) != 0)
		return (0);
	saved = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	error = evany__send(fd, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT) == -1 ?
	    errno : 0;
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (error == EPIPE);
#else
	(void)fd;
	return (0);
#endif
}

int
evany__ff_error(int fd)
{
	int type;

	if ((evany__ff_poll(fd, 0) & POLLERR) == 0)
		return (0);
	type = evany__ff_option(fd, SOL_SOCKET, SO_TYPE);
	if (type == -1)
		return (0);
	if (type == SOCK_STREAM)
		return (ff_peer(fd) == ENOTCONN ? ECONNREFUSED : ECONNRESET);
	return (type == SOCK_SEQPACKET ? ECONNRESET : ECONNREFUSED);
}

int
evany__ff_sent(int fd)
{
	return (ff_unsent(fd) <= 0);
}

int64_t
evany__ff_counter(int fd)
{
	(void)fd;
	return (1);
}

bool
evany__ff_tells(const char *path)
{

	(void)path;
	return (true);
}

/*
 * A pipe of pipe(2) has no link on the BSDs, macOS and illumos, but neither has
 * a FIFO that was removed.
 */
bool
evany__ff_of_path(int fd)
{
	struct stat st;
	int64_t born;

	return (evany__ff_stat(fd, &st, &born) == 0 && st.st_nlink > 0);
}

int
evany__ff_next_open(int from)
{
	(void)from;
	return (-2);
}
