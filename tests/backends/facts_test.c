/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Facts that do not depend on the state of a connection: what kind of file
 * it is, how much can be read or written, how many connections wait.
 */
#include "config.h"

#include "facts.h"

#include <sys/resource.h>

#ifdef EVANY_FF_LINUX
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#endif

/* ---- kind ---- */

EVT_TC(kind__by_type, "KQ-255", "Each kind of file is told apart")
{
	static const struct {
		int			type;
		enum evany__fdkind	kind;
	} sockets[] = {
		{ SOCK_STREAM, EVANY__K_STREAM },
		{ SOCK_SEQPACKET, EVANY__K_STREAM },
		{ SOCK_DGRAM, EVANY__K_DGRAM }
	};
	char path[EVT_PATH_MAX];
	const struct facts *f;
	int fd, i, p[2], s[2];

	FACTS_FOREACH(f) {
		SAYS(f, EVANY__K_UNKNOWN, f->kind(facts_closed()));
		SAYS(f, EVANY__K_UNKNOWN, f->kind(-1));
		evt_pipe(p);
		SAYS(f, EVANY__K_PIPE, f->kind(p[0]));
		SAYS(f, EVANY__K_PIPE, f->kind(p[1]));
		evt_close(p[0]);
		evt_close(p[1]);
		for (i = 0; i < EVT_NITEMS(sockets); i++) {
			if (socketpair(AF_UNIX, sockets[i].type, 0, s) == -1)
				continue;
			SAYS(f, sockets[i].kind, f->kind(s[0]));
			evt_close(s[0]);
			evt_close(s[1]);
		}
		fd = evt_tmpfile(path);
		SAYS(f, EVANY__K_FILE, f->kind(fd));
		evt_close(fd);
		ATF_REQUIRE((fd = open(".", O_RDONLY)) != -1);
		SAYS(f, EVANY__K_DIR, f->kind(fd));
		evt_close(fd);
		ATF_REQUIRE((fd = open("/dev/null", O_RDWR)) != -1);
		SAYS(f, EVANY__K_CHR, f->kind(fd));
		evt_close(fd);
		fd = posix_openpt(O_RDWR | O_NOCTTY);
		if (fd != -1 && isatty(fd))
			SAYS(f, EVANY__K_TTY, f->kind(fd));
		if (fd != -1)
			evt_close(fd);
	}
}

#ifdef EVANY_FF_LINUX
EVT_TC(kind__anonymous, "KQ-135 KQ-195",
    "Event counters and process descriptors are told from other such files")
{
	const struct facts *f = facts_all;
	int fd;

	ATF_REQUIRE((fd = eventfd(0, 0)) != -1);
	SAYS(f, EVANY__K_COUNTER, f->kind(fd));
	evt_close(fd);
#if defined(SYS_pidfd_open)
	fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (fd != -1) {
		SAYS(f, EVANY__K_PROCESS, f->kind(fd));
		evt_close(fd);
	}
#endif
	ATF_REQUIRE((fd = epoll_create1(0)) != -1);
	SAYS(f, EVANY__K_OTHER, f->kind(fd));
	evt_close(fd);
}

EVT_TC(counter__value, "KQ-135",
    "The count of an eventfd is told without being taken")
{
	const struct facts *f = facts_all;
	uint64_t n;
	int fd;

	ATF_REQUIRE((fd = eventfd(0, 0)) != -1);
	SAYS(f, 0, f->counter(fd));
	n = 41;
	ATF_REQUIRE_EQ((ssize_t)sizeof(n), write(fd, &n, sizeof(n)));
	SAYS(f, 41, f->counter(fd));
	SAYS(f, 41, f->counter(fd));
	n = UINT64_MAX - 1 - 41;
	ATF_REQUIRE_EQ((ssize_t)sizeof(n), write(fd, &n, sizeof(n)));
	SAYS(f, INT64_MAX, f->counter(fd));
	ATF_REQUIRE_EQ((ssize_t)sizeof(n), read(fd, &n, sizeof(n)));
	SAYS(f, 0, f->counter(fd));
	evt_close(fd);
	SAYS(f, 1, f->counter(fd));
}
#endif

EVT_TC(counter__unknown_is_one, "KQ-135", "What has no count counts as one")
{
	const struct facts *f;
	int p[2];

	evt_pipe(p);
	FACTS_FOREACH(f)
		SAYS(f, 1, f->counter(p[0]));
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- what is open ---- */

EVT_TC(next_open__beyond_closed_ones, "KQ-006",
    "The next open number is told, or that there is none, or nothing")
{
	static const int froms[] = { 0, 500, 700, 701 };
	const struct facts *f;
	int high, want[] = { 0, 700, 700, -1 };
	size_t i;

	ATF_REQUIRE((high = fcntl(STDIN_FILENO, F_DUPFD, 700)) == 700);
	FACTS_FOREACH(f)
		for (i = 0; i < sizeof(froms) / sizeof(froms[0]); i++)
			SAYS(f, f->exact ? want[i] : -2,
			    f->next_open(froms[i]));
	evt_close(high);
}

/* ---- reading ---- */

EVT_TC(inbytes__total, "KQ-108 KQ-109 KQ-122",
    "All unread bytes of a stream, those of the first datagram")
{
	const struct facts *f;
	int64_t n;
	int p[2], s[2], d[2], t[2];

	evt_pipe(p);
	evt_sockpair(s, SOCK_STREAM);
	evt_sockpair(d, SOCK_DGRAM);
	evt_tcp_pair(t);
	FACTS_FOREACH(f) {
		SAYS(f, 0, f->inbytes(p[0], &n));
		ATF_REQUIRE_EQ(0, n);
	}
	evt_write(p[1], 3);
	evt_write(p[1], 4);
	evt_write(s[1], 5);
	evt_write(s[1], 6);
	evt_write(d[1], 3);
	evt_write(d[1], 5);
	evt_write(t[0], 1000);
	facts_await(t[1], POLLIN);
	FACTS_FOREACH(f) {
		SAYS(f, 0, f->inbytes(p[0], &n));
		ATF_REQUIRE_EQ(7, n);
		SAYS(f, 0, f->inbytes(s[0], &n));
		ATF_REQUIRE_EQ(11, n);
		SAYS(f, 0, f->inbytes(d[0], &n));
		ATF_REQUIRE(n >= 3);
		SAYS(f, 0, f->inbytes(t[1], &n));
		ATF_REQUIRE_EQ(1000, n);
	}
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(d[0]);
	evt_close(d[1]);
	evt_close(t[0]);
	evt_close(t[1]);
}

EVT_TC(inbytes__none, "KQ-089 KQ-120",
    "EBADF of a closed number, another error of what has no such count")
{
	const struct facts *f;
	unsigned short port;
	int64_t n;
	int fd;

	fd = evt_tcp_listen(&port);
	FACTS_FOREACH(f) {
		SAYS(f, EBADF, f->inbytes(facts_closed(), &n));
		SAYS(f, EBADF, f->inbytes(-1, &n));
#ifdef EVANY_FF_LINUX
		SAYS(f, EINVAL, f->inbytes(fd, &n));
#endif
	}
	evt_close(fd);
}

EVT_TC(count__of_records, "KQ-108 KQ-109",
    "Records that can be read get their count or error, others nothing")
{
	const struct facts *f;
	struct evany__ready rd[4];
	int closed, i, p[2];

	evt_pipe(p);
	evt_write(p[1], 7);
	closed = facts_closed();
	FACTS_FOREACH(f) {
		for (i = 0; i < 4; i++)
			rd[i] = (struct evany__ready){ EVANY__COOKIE(
			    i == 3 ? EVANY__CK_ALARM : EVANY__CK_FD, 1, 0,
			    i == 2 ? closed : p[0]), i == 1 ? EVANY__OUT :
			    EVANY__IN, -1 };
		SAYS(f, 0, (f->count(rd, 4), 0));
		ATF_REQUIRE_EQ(7, rd[0].rd_bytes);
		ATF_REQUIRE_EQ(EVANY__IN | EVANY__COUNTED, rd[0].rd_bits);
		ATF_REQUIRE_EQ(EVANY__OUT, rd[1].rd_bits);
		ATF_REQUIRE_EQ(-EBADF, rd[2].rd_bytes);
		ATF_REQUIRE_EQ(EVANY__IN | EVANY__COUNTED, rd[2].rd_bits);
		ATF_REQUIRE_EQ(EVANY__IN, rd[3].rd_bits);
	}
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(lowat__at_least_one, "KQ-112",
    "The low-water mark of a socket, 1 of all else")
{
	const struct facts *f;
	int mark, p[2], s[2];

	evt_pipe(p);
	evt_sockpair(s, SOCK_STREAM);
	mark = 50;
	ATF_REQUIRE_EQ(0, setsockopt(s[0], SOL_SOCKET, SO_RCVLOWAT, &mark,
	    sizeof(mark)));
	FACTS_FOREACH(f) {
		SAYS(f, 50, f->lowat(s[0]));
		SAYS(f, 1, f->lowat(s[1]));
		SAYS(f, 1, f->lowat(p[0]));
		SAYS(f, 1, f->lowat(facts_closed()));
	}
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(s[0]);
	evt_close(s[1]);
}

/* ---- listening ---- */

static void
require_backlog(const struct facts *f, int fd, int64_t want)
{
	int64_t n;

	SAYS(f, 0, f->backlog(fd, &n));
	if (f->exact)
		ATF_REQUIRE_EQ_MSG(want, n, "%s: %d", f->name, (int)n);
	else
		ATF_REQUIRE_MSG((n > 0) == (want > 0) && n <= want, "%s: %d",
		    f->name, (int)n);
}

EVT_TC(backlog__tcp, "KQ-120 KQ-121",
    "The connections that wait on a TCP listener are counted")
{
	const struct facts *f;
	unsigned short port;
	int c[3], fd, i, s[3];

	fd = evt_tcp_listen(&port);
	FACTS_FOREACH(f)
		require_backlog(f, fd, 0);
	for (i = 0; i < 3; i++) {
		c[i] = evt_tcp_connect(port);
		facts_await(fd, POLLIN);
	}
	FACTS_FOREACH(f)
		require_backlog(f, fd, 3);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE((s[i] = accept(fd, NULL, NULL)) != -1);
		FACTS_FOREACH(f)
			require_backlog(f, fd, 2 - i);
	}
	for (i = 0; i < 3; i++) {
		evt_close(c[i]);
		evt_close(s[i]);
	}
	evt_close(fd);
}

EVT_TC(backlog__unix, "KQ-120 KQ-121",
    "The connections that wait on a listener of the file system are counted")
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	struct sockaddr_un sun;
	const struct facts *f;
	int c[2], fd, i, s, t;

	for (t = 0; t < EVT_NITEMS(types); t++) {
		fd = facts_unix_listen(types[t], &sun);
		FACTS_FOREACH(f)
			require_backlog(f, fd, 0);
		for (i = 0; i < 2; i++) {
			c[i] = facts_unix_connect(types[t], &sun);
			FACTS_FOREACH(f)
				require_backlog(f, fd, i + 1);
		}
		ATF_REQUIRE((s = accept(fd, NULL, NULL)) != -1);
		FACTS_FOREACH(f)
			require_backlog(f, fd, 1);
		evt_close(s);
		evt_close(c[0]);
		evt_close(c[1]);
		evt_close(fd);
	}
}

EVT_TC(backlog__not_listening, "KQ-120",
    "What does not listen is no listener, and a closed number is EBADF")
{
	const struct facts *f;
	int64_t n;
	int p[2], s[2], t[2];

	evt_pipe(p);
	evt_sockpair(s, SOCK_STREAM);
	evt_tcp_pair(t);
	FACTS_FOREACH(f) {
		SAYS(f, ENOTSUP, f->backlog(p[0], &n));
		SAYS(f, ENOTSUP, f->backlog(s[0], &n));
		SAYS(f, ENOTSUP, f->backlog(t[0], &n));
		SAYS(f, EBADF, f->backlog(facts_closed(), &n));
	}
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(t[0]);
	evt_close(t[1]);
}

#ifdef EVANY_FF_LINUX
EVT_TC(backlog__no_descriptor_left, "KQ-120",
    "With the descriptor table full a listener still has an answer")
{
	const struct facts *f = facts_all;
	struct rlimit lim, low;
	struct sockaddr_un sun;
	int64_t n;
	int c, fd;

	fd = facts_unix_listen(SOCK_STREAM, &sun);
	c = facts_unix_connect(SOCK_STREAM, &sun);
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &lim));
	low = lim;
	low.rlim_cur = 1;	/* poll(2) takes no more than that many */
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &low));
	n = 0;
	SAYS(f, 0, f->backlog(fd, &n));
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &lim));
	ATF_REQUIRE_EQ(1, n);
	evt_close(c);
	evt_close(fd);
}
#endif

/* ---- writing ---- */

static void
check_space(int fd, int peer, enum evany__fdkind kind, const char *what)
{
	const struct facts *f;
	int64_t n;
	size_t filled;

	FACTS_FOREACH(f) {
		n = -1;
		SAYS(f, 0, f->space(fd, kind, &n));
		ATF_REQUIRE_MSG(n > 0, "%s: %s empty: %lld", f->name, what,
		    (long long)n);
	}
	evt_nonblock(fd);
	filled = evt_fill(fd);
	ATF_REQUIRE(filled > 0);
	FACTS_FOREACH(f) {
		n = -1;
		SAYS(f, 0, f->space(fd, kind, &n));
		ATF_REQUIRE_MSG(n >= 0 && (size_t)n < filled,
		    "%s: %s full: %lld", f->name, what, (long long)n);
		if (f->exact && kind != EVANY__K_PIPE)
			ATF_REQUIRE_EQ_MSG(0, n, "%s: %s full: %lld", f->name,
			    what, (long long)n);
	}
	while (evt_drain(peer) > 0)
		;
	facts_await(fd, POLLOUT);
	FACTS_FOREACH(f) {
		n = -1;
		SAYS(f, 0, f->space(fd, kind, &n));
		ATF_REQUIRE_MSG(n > 0, "%s: %s drained: %lld", f->name, what,
		    (long long)n);
	}
	evt_close(fd);
	evt_close(peer);
}

EVT_TC(space__falls_to_nothing, "KQ-136 KQ-137 KQ-143",
    "Room is told while there is some, and none when a write would block")
{
	int p[2], s[2], t[2];

	evt_pipe(p);
	check_space(p[1], p[0], EVANY__K_PIPE, "pipe");
	evt_sockpair(s, SOCK_STREAM);
	check_space(s[0], s[1], EVANY__K_STREAM, "unix stream");
	evt_tcp_pair(t);
	check_space(t[0], t[1], EVANY__K_STREAM, "tcp");
}

EVT_TC(space__of_a_pipe, "KQ-143", "An empty pipe has room for PIPE_BUF bytes")
{
	const struct facts *f;
	int64_t n;
	int p[2];

	evt_pipe(p);
	FACTS_FOREACH(f) {
		SAYS(f, 0, f->space(p[1], EVANY__K_PIPE, &n));
		ATF_REQUIRE(n >= 512);
	}
#ifdef EVANY_FF_LINUX
	evt_write(p[1], 100);
	SAYS(facts_all, 0, facts_all->space(p[1], EVANY__K_PIPE, &n));
	ATF_REQUIRE_EQ(fcntl(p[1], F_GETPIPE_SZ) - 100, n);
#endif
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(space__other_kinds, "KQ-147 KQ-149 KQ-089",
    "What can be written has room, a closed number is EBADF")
{
	static const enum evany__fdkind kinds[] = {
		EVANY__K_OTHER, EVANY__K_STREAM, EVANY__K_DGRAM,
		EVANY__K_PIPE, EVANY__K_FILE, EVANY__K_TTY, EVANY__K_CHR,
		EVANY__K_COUNTER
	};
	char path[EVT_PATH_MAX];
	const struct facts *f;
	int64_t n;
	int fd, i;

	FACTS_FOREACH(f)
		for (i = 0; i < EVT_NITEMS(kinds); i++)
			SAYS(f, EBADF, f->space(facts_closed(), kinds[i],
			    &n));
	fd = evt_tmpfile(path);
	FACTS_FOREACH(f) {
		SAYS(f, 0, f->space(fd, EVANY__K_FILE, &n));
		ATF_REQUIRE(n > 0);
	}
	evt_close(fd);
	if ((fd = posix_openpt(O_RDWR | O_NOCTTY)) != -1) {
		FACTS_FOREACH(f) {
			SAYS(f, 0, f->space(fd, EVANY__K_TTY, &n));
			ATF_REQUIRE(n > 0);
		}
		evt_close(fd);
	}
}

EVT_TC(sent__when_read, "KQ-150",
    "A unix stream is sent when the peer has read it, TCP when acknowledged")
{
	const struct facts *f;
	int i, p[2], s[2], t[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_tcp_pair(t);
	evt_pipe(p);
	FACTS_FOREACH(f) {
		SAYS(f, 1, f->sent(s[0]));
		SAYS(f, 1, f->sent(t[0]));
		SAYS(f, 1, f->sent(p[1]));
	}
	evt_write(s[0], 10);
	FACTS_FOREACH(f)
		SAYS(f, 0, f->sent(s[0]));
	ATF_REQUIRE_EQ(10, evt_drain(s[1]));
	FACTS_FOREACH(f)
		SAYS(f, 1, f->sent(s[0]));
	evt_nonblock(t[0]);
	(void)evt_fill(t[0]);
	FACTS_FOREACH(f)
		SAYS(f, 0, f->sent(t[0]));
	FACTS_FOREACH(f)
		for (i = 0; !f->sent(t[0]); i++) {
			ATF_REQUIRE(i < EVT_WAIT_MS);
			(void)evt_drain(t[1]);
			(void)poll(NULL, 0, 1);
		}
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(t[0]);
	evt_close(t[1]);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, kind__by_type);
#ifdef EVANY_FF_LINUX
	EVT_TP_ADD_TC(tp, kind__anonymous);
	EVT_TP_ADD_TC(tp, counter__value);
#endif
	EVT_TP_ADD_TC(tp, counter__unknown_is_one);
	EVT_TP_ADD_TC(tp, next_open__beyond_closed_ones);
	EVT_TP_ADD_TC(tp, inbytes__total);
	EVT_TP_ADD_TC(tp, inbytes__none);
	EVT_TP_ADD_TC(tp, count__of_records);
	EVT_TP_ADD_TC(tp, lowat__at_least_one);
	EVT_TP_ADD_TC(tp, backlog__tcp);
	EVT_TP_ADD_TC(tp, backlog__unix);
	EVT_TP_ADD_TC(tp, backlog__not_listening);
#ifdef EVANY_FF_LINUX
	EVT_TP_ADD_TC(tp, backlog__no_descriptor_left);
#endif
	EVT_TP_ADD_TC(tp, space__falls_to_nothing);
	EVT_TP_ADD_TC(tp, space__of_a_pipe);
	EVT_TP_ADD_TC(tp, space__other_kinds);
	EVT_TP_ADD_TC(tp, sent__when_read);
	return (atf_no_error());
}
