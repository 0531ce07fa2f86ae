/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * ff_linux: facts about a descriptor as Linux tells them, without using up
 * anything: SO_ERROR is never read, since reading clears it.
 *
 * State:   none; the netlink socket lives for one question only, so no number
 *          of ours can be mistaken for one of the program's.
 * Race:    as ff_common.
 * Locks:   none; what could be a cancellation point goes through syscall(2).
 *
 * What poll(2) shows of a stream socket (Linux 6.18, TCP and unix):
 *	never connected		OUT HUP
 *	connecting		nothing
 *	connect failed		IN OUT RDHUP HUP ERR, ERR until it is read
 *	reset			IN OUT RDHUP HUP ERR, likewise
 *	both sides shut down	IN OUT RDHUP HUP
 * so HUP without RDHUP and ERR is a socket that has not begun.
 */
#include "config.h"

#include "backends/fdfacts/ff.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/unix_diag.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/rawcall.h"

#ifndef SO_MEMINFO
#define SO_MEMINFO	55
#endif

/* Places in what SO_MEMINFO gives, linux/sock_diag.h. */
#define MEMINFO_COUNT	(SK_MEMINFO_WMEM_QUEUED + 1)

/* States of tcp_info, net/tcp_states.h of the kernel. */
enum {
	TS_ESTABLISHED = 1, TS_SYN_SENT, TS_SYN_RECV, TS_FIN_WAIT1,
	TS_FIN_WAIT2, TS_TIME_WAIT, TS_CLOSE, TS_CLOSE_WAIT, TS_LAST_ACK,
	TS_LISTEN, TS_CLOSING
};

/* What is asked of unix_diag. */
struct diag {
	int64_t	 dg_backlog;
	int	 dg_shutdown;
};

static int
ff_tcp_info(int fd, struct tcp_info *info)
{
	socklen_t len;
	int error, saved;

	saved = errno;
	memset(info, 0, sizeof(*info));
	len = sizeof(*info);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) == -1) {
		error = errno;
		errno = saved;
		return (error);
	}
	return (0);
}

short
evany__ff_poll(int fd, short events)
{
	struct timespec now = { 0, 0 };
	struct pollfd pfd;
	int saved;

	pfd.fd = fd;
	pfd.events = events;
	pfd.revents = 0;
	saved = errno;
	if (syscall(SYS_ppoll, &pfd, 1UL, &now, NULL, 0UL) != 1)
		pfd.revents = 0;
	errno = saved;
	return (pfd.revents);
}

/*
 * Anonymous files have no type in st_mode; the name of the link tells what
 * they are.  thread-self, since a main thread that has ended leaves "self"
 * without descriptors.
 */
static enum evany__fdkind
ff_anonymous(int fd)
{
	char path[64], name[32];
	ssize_t n;
	int saved;

	saved = errno;
	(void)snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	errno = saved;
	if (n <= 0)
		return (EVANY__K_OTHER);
	name[n] = '\0';
	if (strcmp(name, "anon_inode:[eventfd]") == 0)
		return (EVANY__K_COUNTER);
	if (strcmp(name, "anon_inode:[pidfd]") == 0 ||
	    strncmp(name, "pidfd:[", 7) == 0)
		return (EVANY__K_PROCESS);
	return (EVANY__K_OTHER);
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
	if ((st.st_mode & S_IFMT) == 0)
		return (ff_anonymous(fd));
	return (evany__ff_kind_of(fd, &st));
}

/*
 * The attributes of a unix_diag answer.  The kernel's macros for them mix
 * signed and unsigned numbers, hence sizes of our own.
 */
static void
ff_diag_parse(const char *buf, size_t len, struct diag *dg)
{
	const size_t align = NLA_ALIGNTO;
	const size_t head = (sizeof(struct nlattr) + align - 1) & ~(align - 1);
	struct unix_diag_rqlen rq;
	struct nlattr at;
	size_t off, size;

	off = sizeof(struct nlmsghdr) + sizeof(struct unix_diag_msg);
	while (off + head <= len) {
		memcpy(&at, buf + off, sizeof(at));
		if (at.nla_len < head || at.nla_len > len - off)
			return;
		size = at.nla_len - head;
		if (at.nla_type == UNIX_DIAG_RQLEN && size >= sizeof(rq)) {
			memcpy(&rq, buf + off + head, sizeof(rq));
			dg->dg_backlog = rq.udiag_rqueue;
		} else if (at.nla_type == UNIX_DIAG_SHUTDOWN && size >= 1)
			dg->dg_shutdown = buf[off + head];
		off += (at.nla_len + align - 1) & ~(align - 1);
	}
}

/*
 * Asks the kernel's unix_diag about one socket by its inode.  The socket is
 * not found if it was made in another network namespace.
 */
static int
ff_unix_diag(int fd, struct diag *dg)
{
	struct {
		struct nlmsghdr		nlh;
		struct unix_diag_req	req;
	} ask;
	union {
		struct nlmsghdr	nlh;
		char		buf[512];
	} answer;
	struct stat st;
	long n, nl;
	int error, saved;

	dg->dg_backlog = -1;
	dg->dg_shutdown = -1;
	saved = errno;
	if (fstat(fd, &st) == -1) {
		errno = saved;
		return (EBADF);
	}
	memset(&ask, 0, sizeof(ask));
	ask.nlh.nlmsg_len = sizeof(ask);
	ask.nlh.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	ask.nlh.nlmsg_flags = NLM_F_REQUEST;
	ask.req.sdiag_family = AF_UNIX;
	ask.req.udiag_states = ~0U;
	ask.req.udiag_ino = (uint32_t)st.st_ino;
	ask.req.udiag_show = UDIAG_SHOW_RQLEN;
	ask.req.udiag_cookie[0] = ask.req.udiag_cookie[1] = ~0U;

	error = ENOTSUP;
	nl = syscall(SYS_socket, AF_NETLINK,
	    SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
	if (nl == -1)
		goto out;
	if (syscall(SYS_sendto, nl, &ask, sizeof(ask), 0, NULL, 0) ==
	    (long)sizeof(ask)) {
		n = syscall(SYS_recvfrom, nl, &answer, sizeof(answer), 0,
		    NULL, NULL);
		if (n >= (long)sizeof(answer.nlh) &&
		    answer.nlh.nlmsg_type == SOCK_DIAG_BY_FAMILY &&
		    answer.nlh.nlmsg_len <= (unsigned long)n) {
			ff_diag_parse(answer.buf, answer.nlh.nlmsg_len, dg);
			error = 0;
		}
	}
	(void)syscall(SYS_close, nl);
out:
	errno = saved;
	return (error);
}

/*
 * FIONREAD ends at the mark (Linux 6.18, tcp_ioctl), though poll(2) tells of
 * what is behind it.  MSG_TRUNC counts without copying.
 */
int64_t
evany__ff_behind_mark(int fd)
{
	int at = 0, saved = errno;
	long n = 0;

	if (ioctl(fd, SIOCATMARK, &at) == 0 && at != 0)
		n = syscall(SYS_recvfrom, fd, NULL, (size_t)INT_MAX,
		    MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, NULL, NULL);
	errno = saved;
	return (n > 0 ? n : 0);
}

int
evany__ff_backlog(int fd, int64_t *countp)
{
	struct tcp_info info;
	struct diag dg;
	int error;

	error = ff_tcp_info(fd, &info);
	if (error == 0) {
		if (info.tcpi_state != TS_LISTEN)
			return (ENOTSUP);
		/* Of a listener this is the accept queue. */
		*countp = info.tcpi_unacked;
		return (0);
	}
	if (error == EBADF)
		return (EBADF);
	if (evany__ff_option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
		return (ENOTSUP);
	if (ff_unix_diag(fd, &dg) == 0 && dg.dg_backlog >= 0)
		*countp = dg.dg_backlog;
	else
		*countp = (evany__ff_poll(fd, POLLIN) & POLLIN) != 0;
	return (0);
}

/* Sockets: the limit less what is queued, overhead included in both. */
static int
ff_space_socket(int fd, int64_t *bytesp)
{
	uint32_t mem[MEMINFO_COUNT];
	int64_t room, used;
	socklen_t len;
	int error, saved;

	saved = errno;
	memset(mem, 0, sizeof(mem));
	len = sizeof(mem);
	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, mem, &len) == -1) {
		error = errno;
		errno = saved;
		if (error == EBADF || error == ENOTSOCK)
			return (error);
		*bytesp = 1;	/* before Linux 4.12 */
		return (0);
	}
	/* TCP charges its queue there, the others what is allocated. */
	used = mem[SK_MEMINFO_WMEM_QUEUED];
	if (used == 0)
		used = mem[SK_MEMINFO_WMEM_ALLOC];
	room = (int64_t)mem[SK_MEMINFO_SNDBUF] - used;
	*bytesp = room > 0 ? room : 0;
	return (0);
}

static int
ff_space_pipe(int fd, int64_t *bytesp)
{
	int64_t used;
	int error, saved, size;

	if ((error = evany__ff_inbytes(fd, &used)) != 0)
		return (error);
	saved = errno;
	size = fcntl(fd, F_GETPIPE_SZ);
	errno = saved;
	/* A pipe counts pages, not bytes: this is at most what fits. */
	*bytesp = size > used ? size - used : 0;
	return (0);
}

int
evany__ff_space(int fd, enum evany__fdkind kind, int64_t *bytesp)
{
	int queued, saved, error;

	switch (kind) {
	case EVANY__K_STREAM:
	case EVANY__K_DGRAM:
		return (ff_space_socket(fd, bytesp));
	case EVANY__K_PIPE:
		return (ff_space_pipe(fd, bytesp));
	case EVANY__K_TTY:
		saved = errno;
		if (ioctl(fd, TIOCOUTQ, &queued) == -1) {
			error = errno;
			errno = saved;
			if (error == EBADF)
				return (error);
			queued = 0;
		}
		/* The line discipline's buffer is a page. */
		*bytesp = queued < 4096 ? 4096 - queued : 1;
		return (0);
	default:
		break;
	}
	saved = errno;
	error = fcntl(fd, F_GETFD) == -1 ? EBADF : 0;
	errno = saved;
	*bytesp = 1;
	return (error);
}

int
evany__ff_unconnected(int fd)
{
	short ev;

	ev = evany__ff_poll(fd, POLLOUT | POLLRDHUP);
	return ((ev & (POLLHUP | POLLRDHUP | POLLERR)) == POLLHUP);
}

int
evany__ff_shut_wr(int fd)
{
	struct tcp_info info;
	struct diag dg;
	long n;
	int error, saved;

	error = ff_tcp_info(fd, &info);
	if (error == 0)
		switch (info.tcpi_state) {
		case TS_FIN_WAIT1:
		case TS_FIN_WAIT2:
		case TS_TIME_WAIT:
		case TS_LAST_ACK:
		case TS_CLOSING:
			return (1);
		case TS_CLOSE:
			return (!evany__ff_unconnected(fd));
		default:
			return (0);
		}
	if (error == EBADF || error == ENOTSOCK ||
	    evany__ff_option(fd, SOL_SOCKET, SO_DOMAIN) != AF_UNIX)
		return (0);
	switch (evany__ff_option(fd, SOL_SOCKET, SO_TYPE)) {
	case SOCK_STREAM:
		/* Nothing is sent, but it is refused if nothing can be. */
		saved = errno;
		n = syscall(SYS_sendto, fd, "", 0UL,
		    MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
		error = n == -1 ? errno : 0;
		errno = saved;
		return (error == EPIPE);
	case SOCK_SEQPACKET:
		/* The same would send an empty record. */
		return (ff_unix_diag(fd, &dg) == 0 && dg.dg_shutdown > 0 &&
		    (dg.dg_shutdown & 2) != 0);
	default:
		return (0);
	}
}

/*
 * What the kernel left in a TCP socket tells how it ended.  It keeps the count
 * of unanswered transmissions, and a round trip time only if there was one.
 */
static int
ff_error_tcp(int fd, const struct tcp_info *info)
{
	int limit;

	if (info->tcpi_state != TS_CLOSE)
		return (0);	/* something in the error queue */
	if (info->tcpi_rtt == 0) {
		limit = evany__ff_option(fd, IPPROTO_TCP, TCP_SYNCNT);
		return (limit > 0 && info->tcpi_retransmits >= limit ?
		    ETIMEDOUT : ECONNREFUSED);
	}
	if (info->tcpi_probes > 0) {
		limit = evany__ff_option(fd, IPPROTO_TCP, TCP_KEEPCNT);
		if (limit > 0 && info->tcpi_probes >= limit)
			return (ETIMEDOUT);
	}
	/* RFC 1122 4.2.3.5: no connection is given up before 100 seconds. */
	return (info->tcpi_retransmits >= 8 ? ETIMEDOUT : ECONNRESET);
}

int
evany__ff_error(int fd)
{
	struct tcp_info info;
	int error;

	if ((evany__ff_poll(fd, 0) & POLLERR) == 0)
		return (0);
	error = ff_tcp_info(fd, &info);
	if (error == 0)
		return (ff_error_tcp(fd, &info));
	if (error == EBADF || error == ENOTSOCK)
		return (0);
	switch (evany__ff_option(fd, SOL_SOCKET, SO_TYPE)) {
	case SOCK_STREAM:
	case SOCK_SEQPACKET:
		return (ECONNRESET);
	default:
		return (ECONNREFUSED);
	}
}

int
evany__ff_sent(int fd)
{
	int left, saved;

	saved = errno;
	if (ioctl(fd, SIOCOUTQ, &left) == -1)
		left = 0;
	errno = saved;
	return (left == 0);
}

int64_t
evany__ff_counter(int fd)
{
	static const char key[] = "eventfd-count:";
	char buf[256], path[64], *at;
	unsigned long long count;
	long file, n;
	int saved;

	saved = errno;
	(void)snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	n = -1;
	file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (file != -1) {
		n = syscall(SYS_read, file, buf, sizeof(buf) - 1);
		(void)syscall(SYS_close, file);
	}
	if (n > 0) {
		buf[n] = '\0';
		if ((at = strstr(buf, key)) != NULL) {
			count = strtoull(at + sizeof(key) - 1, NULL, 16);
			errno = saved;
			return (count > INT64_MAX ? INT64_MAX : (int64_t)count);
		}
	}
	errno = saved;
	return (1);
}

bool
evany__ff_tells(const char *path)
{
	static const unsigned long views[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
		SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC
	};
	struct statfs fs;
	int saved = errno;
	size_t i;

	if (statfs(path, &fs) == -1) {
		errno = saved;
		return (true);	/* another call will tell */
	}
	for (i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if ((unsigned long)fs.f_type == views[i])
			return (false);
	return (true);
}

bool
evany__ff_of_path(int fd)
{
	struct statfs fs;
	int error, saved = errno;

	error = fstatfs(fd, &fs);
	errno = saved;
	return (error == 0 && fs.f_type != PIPEFS_MAGIC);
}

/*
 * The place in the list is the number and two for "." and "..".  A process
 * whose main thread has ended has no descriptors in /proc/self.
 */
int
evany__ff_next_open(int from)
{
	struct {
		uint64_t	de_ino;
		int64_t		de_off;
		uint16_t	de_len;
		uint8_t		de_type;
		char		de_name[45];
	} de;
	int cancel, dir, next = -2, saved = errno;
	long n;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	dir = (int)syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/fd",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (dir != -1 && syscall(SYS_lseek, dir, (long)from + 2, SEEK_SET) ==
	    (long)from + 2 &&
	    (n = syscall(SYS_getdents64, dir, &de, sizeof(de))) != -1)
		next = n == 0 ? -1 : atoi(de.de_name);
	if (dir != -1)
		(void)evany__close(dir);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (next == -1 || next >= from ? next : -2);
}
