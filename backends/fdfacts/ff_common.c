/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * ff_common: the facts about a descriptor that are asked the same way
 * everywhere.
 *
 * State:   none.
 * Race:    a number that is closed and reused meanwhile is answered for the
 *          new file; the callers look at what the file is before they trust.
 * Locks:   none.  Called with an instance locked, so nothing here may block or
 *          be cancelled: ioctl, fstat and getsockopt are no cancellation points
 *          in the C libraries we know, poll and read are.
 */
#include "config.h"

#include "backends/fdfacts/ff.h"
#ifdef EVANY_FF_LINUX
#include "backends/barecall.h"
#endif

#include <sys/ioctl.h>
#include <sys/socket.h>
#ifdef HAVE_SYS_FILIO_H
#include <sys/filio.h>
#endif

#include <errno.h>
#include <poll.h>
#include <termios.h>

/* Where the system has no such bit, the end of a stream shows as POLLIN. */
#ifdef POLLRDHUP
#define FF_POLLRDHUP	POLLRDHUP
#else
#define FF_POLLRDHUP	0
#endif

/* The bytes to read, or the error as a negative number. */
static inline int
ff_readable(int fd)
{
#ifdef EVANY_FF_LINUX
	int bytes = 0;
	long error;

	error = evany__barecall(SYS_ioctl, fd, FIONREAD, (long)&bytes, 0);
	return (error < 0 ? (int)error : bytes);
#else
	int bytes, saved = errno;

	if (ioctl(fd, FIONREAD, &bytes) == -1) {
		bytes = -errno;
		errno = saved;
	}
	return (bytes);
#endif
}

int
evany__ff_inbytes(int fd, int64_t *bytesp)
{
	int bytes = ff_readable(fd);

	if (bytes < 0)
		return (-bytes);
	*bytesp = bytes;
	return (0);
}

EVANY__HOT void
evany__ff_count(struct evany__ready *rd, int n)
{
	struct evany__ready *end;

	for (end = rd + n; rd < end; rd++) {
		if ((rd->rd_bits & EVANY__IN) == 0 ||
		    EVANY__COOKIE_KIND(rd->rd_cookie) != EVANY__CK_FD)
			continue;
		rd->rd_bytes = ff_readable(
		    (int)EVANY__COOKIE_INDEX(rd->rd_cookie));
		rd->rd_bits |= EVANY__COUNTED;
	}
}

int
evany__ff_option(int fd, int level, int name)
{
	socklen_t len;
	int saved, value;

	saved = errno;
	len = sizeof(value);
	if (getsockopt(fd, level, name, &value, &len) == -1 ||
	    len != sizeof(value)) {
		errno = saved;
		return (-1);
	}
	return (value);
}

int64_t
evany__ff_lowat(int fd)
{
	int mark;

	mark = evany__ff_option(fd, SOL_SOCKET, SO_RCVLOWAT);
	return (mark > 1 ? mark : 1);
}

/*
 * The kind by type alone.  What has no type (an eventfd, say) is OTHER.
 */
enum evany__fdkind
evany__ff_kind_of(int fd, const struct stat *st)
{
	struct termios tio;
	enum evany__fdkind kind;
	int saved;

	if (S_ISREG(st->st_mode))
		return (EVANY__K_FILE);
	if (S_ISDIR(st->st_mode))
		return (EVANY__K_DIR);
	if (S_ISFIFO(st->st_mode))
		return (EVANY__K_PIPE);
	if (S_ISSOCK(st->st_mode))
		switch (evany__ff_option(fd, SOL_SOCKET, SO_TYPE)) {
		case SOCK_STREAM:
		case SOCK_SEQPACKET:
			return (EVANY__K_STREAM);
		default:
			return (EVANY__K_DGRAM);
		}
	if (S_ISCHR(st->st_mode)) {
		saved = errno;
		kind = tcgetattr(fd, &tio) == 0 ? EVANY__K_TTY : EVANY__K_CHR;
		errno = saved;
		return (kind);
	}
	return (S_ISBLK(st->st_mode) ? EVANY__K_CHR : EVANY__K_OTHER);
}

unsigned
evany__ff_now(int fd, int dir)
{
	static const short asked[EVANY__W_COUNT] = {
		[EVANY__W_IN] = POLLIN | FF_POLLRDHUP,
		[EVANY__W_OUT] = POLLOUT,
		[EVANY__W_PRI] = POLLPRI
	};
	unsigned bits = 0;
	short now;

	now = evany__ff_poll(fd, asked[dir]);
	if ((now & POLLIN) != 0)
		bits |= EVANY__IN;
	if ((now & POLLOUT) != 0)
		bits |= EVANY__OUT;
	if ((now & POLLPRI) != 0)
		bits |= EVANY__PRI;
	if ((now & FF_POLLRDHUP) != 0)
		bits |= EVANY__RDHUP;
	if ((now & POLLHUP) != 0)
		bits |= EVANY__HUP;
	if ((now & POLLERR) != 0)
		bits |= EVANY__ERR;
	return (bits);
}
