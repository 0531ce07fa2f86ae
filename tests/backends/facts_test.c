/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * The facts about a descriptor, as backend.h promises them, from both
 * implementations: the one that this system's library has, and ff_posix under
 * other names.  What only the first can tell is asked of it alone.
 */
#include "config.h"

#include "evt.h"

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <poll.h>
#include <termios.h>

#ifdef EVANY_FF_LINUX
#include <sys/eventfd.h>
#include <sys/syscall.h>
#endif

#include "backends/backend.h"

#define NO_ERRNO	12345	/* no call sets errno to this */

/* Compiled once more with other names, Makefile.am.inc. */
enum evany__fdkind posix_ff_kind(int);
int	posix_ff_inbytes(int, int64_t *);
int	posix_ff_backlog(int, int64_t *);
int	posix_ff_space(int, enum evany__fdkind, int64_t *);
int64_t	posix_ff_lowat(int);
int	posix_ff_unconnected(int);
int	posix_ff_shut_wr(int);
int	posix_ff_error(int);
int	posix_ff_sent(int);
int64_t	posix_ff_counter(int);

static const struct facts {
	const char	*name;
	bool		 exact;		/* knows all that Linux tells */
	enum evany__fdkind (*kind)(int);
	int		(*inbytes)(int, int64_t *);
	int		(*backlog)(int, int64_t *);
	int		(*space)(int, enum evany__fdkind, int64_t *);
	int64_t		(*lowat)(int);
	int		(*unconnected)(int);
	int		(*shut_wr)(int);
	int		(*error)(int);
	int		(*sent)(int);
	int64_t		(*counter)(int);
} facts_all[] = {
	{
#ifdef EVANY_FF_LINUX
		.name = "linux", .exact = true,
#else
		.name = "library", .exact = false,
#endif
		evany__ff_kind, evany__ff_inbytes, evany__ff_backlog,
		evany__ff_space, evany__ff_lowat, evany__ff_unconnected,
		evany__ff_shut_wr, evany__ff_error, evany__ff_sent,
		evany__ff_counter
	}, {
		.name = "posix", .exact = false,
		posix_ff_kind, posix_ff_inbytes, posix_ff_backlog,
		posix_ff_space, posix_ff_lowat, posix_ff_unconnected,
		posix_ff_shut_wr, posix_ff_error, posix_ff_sent,
		posix_ff_counter
	}
};

#define FACTS_FOREACH(f)						\
	for (f = facts_all; f < facts_all + EVT_NITEMS(facts_all); f++)

/* A call must leave errno alone; its result must be this. */
#define SAYS(f, want, call) do {					\
	long long says_want, says_got;					\
									\
	errno = NO_ERRNO;						\
	says_got = (long long)(call);					\
	says_want = (long long)(want);					\
	ATF_REQUIRE_EQ_MSG(NO_ERRNO, errno, "%s: %s set errno %d",	\
	    (f)->name, #call, errno);					\
	ATF_REQUIRE_EQ_MSG(says_want, says_got, "%s: %s is %lld, not %lld", \
	    (f)->name, #call, says_got, says_want);			\
} while (0)

/* A number that is not open. */
static int
closed_number(void)
{
	int fd;

	fd = dup(0);
	evt_close(fd);
	return (fd);
}

static int
unix_listen(int type, struct sockaddr_un *sun)
{
	int fd;

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	(void)snprintf(sun->sun_path, sizeof(sun->sun_path), "socket");
	(void)unlink(sun->sun_path);
	ATF_REQUIRE((fd = socket(AF_UNIX, type, 0)) != -1);
	ATF_REQUIRE_EQ(0, bind(fd, (struct sockaddr *)sun, sizeof(*sun)));
	ATF_REQUIRE_EQ(0, listen(fd, 16));
	return (fd);
}

static int
unix_connect(int type, const struct sockaddr_un *sun)
{
	int fd;

	ATF_REQUIRE((fd = socket(AF_UNIX, type, 0)) != -1);
	ATF_REQUIRE_EQ(0, connect(fd, (const struct sockaddr *)sun,
	    sizeof(*sun)));
	return (fd);
}

/* A TCP socket whose connection was refused; the error waits on it. */
static int
refused(void)
{
	struct sockaddr_in sin;
	struct pollfd pfd;
	unsigned short port;
	int fd;

	evt_close(evt_tcp_listen(&port));
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	evt_nonblock(fd);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		ATF_REQUIRE_EQ(EINPROGRESS, errno);
	pfd.fd = fd;
	pfd.events = POLLOUT;
	ATF_REQUIRE_EQ(1, poll(&pfd, 1, EVT_WAIT_MS));
	return (fd);
}

/* Closes with a reset and waits until the other side has it. */
static void
reset_peer(int fd, int peer)
{
	struct linger li = { .l_onoff = 1, .l_linger = 0 };
	struct pollfd pfd = { .fd = peer, .events = POLLIN };

	ATF_REQUIRE_EQ(0, setsockopt(fd, SOL_SOCKET, SO_LINGER, &li,
	    sizeof(li)));
	evt_close(fd);
	ATF_REQUIRE_EQ(1, poll(&pfd, 1, EVT_WAIT_MS));
}

static int
taken_error(int fd)
{
	socklen_t len;
	int error;

	len = sizeof(error);
	ATF_REQUIRE_EQ(0, getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len));
	return (error);
}

static void
await(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	ATF_REQUIRE_EQ(1, poll(&pfd, 1, EVT_WAIT_MS));
	ATF_REQUIRE((pfd.revents & events) != 0);
}

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
		SAYS(f, EVANY__K_UNKNOWN, f->kind(closed_number()));
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
	fd = evt_kq();
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
	await(t[1], POLLIN);
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
		SAYS(f, EBADF, f->inbytes(closed_number(), &n));
		SAYS(f, EBADF, f->inbytes(-1, &n));
#ifdef EVANY_FF_LINUX
		SAYS(f, EINVAL, f->inbytes(fd, &n));
#endif
	}
	evt_close(fd);
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
		SAYS(f, 1, f->lowat(closed_number()));
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
		await(fd, POLLIN);
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
		fd = unix_listen(types[t], &sun);
		FACTS_FOREACH(f)
			require_backlog(f, fd, 0);
		for (i = 0; i < 2; i++) {
			c[i] = unix_connect(types[t], &sun);
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
		SAYS(f, EBADF, f->backlog(closed_number(), &n));
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

	fd = unix_listen(SOCK_STREAM, &sun);
	c = unix_connect(SOCK_STREAM, &sun);
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
	await(fd, POLLOUT);
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
			SAYS(f, EBADF, f->space(closed_number(), kinds[i],
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

/* ---- states of a connection ---- */

EVT_TC(unconnected__only_before_the_first_connect, "KQ-118 KQ-119 KQ-139",
    "A fresh stream socket is unconnected; one that is connecting, connected, "
    "listening, failed or finished is not")
{
	struct sockaddr_un sun;
	const struct facts *f;
	unsigned short port;
	int fd, l, s[2];

	ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	FACTS_FOREACH(f)
		SAYS(f, 1, f->unconnected(fd));
	evt_close(fd);

	l = unix_listen(SOCK_STREAM, &sun);
	ATF_REQUIRE((fd = socket(AF_UNIX, SOCK_STREAM, 0)) != -1);
	FACTS_FOREACH(f) {
		SAYS(f, 1, f->unconnected(fd));
		SAYS(f, 0, f->unconnected(l));
	}
	ATF_REQUIRE_EQ(0, connect(fd, (struct sockaddr *)&sun, sizeof(sun)));
	FACTS_FOREACH(f)
		SAYS(f, 0, f->unconnected(fd));
	evt_close(l);
	FACTS_FOREACH(f)	/* the listener took it along */
		SAYS(f, 0, f->unconnected(fd));
	evt_close(fd);

	l = evt_tcp_listen(&port);
	FACTS_FOREACH(f)
		SAYS(f, 0, f->unconnected(l));
	evt_close(l);
	evt_tcp_pair(s);
	FACTS_FOREACH(f)
		SAYS(f, 0, f->unconnected(s[0]));
	evt_close(s[1]);
	await(s[0], POLLIN);
	FACTS_FOREACH(f)
		SAYS(f, 0, f->unconnected(s[0]));
	evt_close(s[0]);

	fd = refused();
	FACTS_FOREACH(f)
		SAYS(f, 0, f->unconnected(fd));
	ATF_REQUIRE_EQ(ECONNREFUSED, taken_error(fd));
	FACTS_FOREACH(f)
		SAYS(f, 0, f->unconnected(fd));
	evt_close(fd);
	FACTS_FOREACH(f)
		SAYS(f, 0, f->unconnected(closed_number()));
}

#ifdef EVANY_FF_LINUX
EVT_TC(unconnected__connecting, "KQ-139 KQ-118",
    "A socket whose connect is in progress is not unconnected")
{
	struct sockaddr_in sin;
	const struct facts *f;
	socklen_t len;
	int c[4], i, l;

	/* Linux drops what comes when the queue is full. */
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE((l = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	ATF_REQUIRE_EQ(0, bind(l, (struct sockaddr *)&sin, sizeof(sin)));
	ATF_REQUIRE_EQ(0, listen(l, 0));
	len = sizeof(sin);
	ATF_REQUIRE_EQ(0, getsockname(l, (struct sockaddr *)&sin, &len));
	for (i = 0; i < 4; i++) {
		ATF_REQUIRE((c[i] = socket(AF_INET, SOCK_STREAM, 0)) != -1);
		evt_nonblock(c[i]);
		(void)connect(c[i], (struct sockaddr *)&sin, sizeof(sin));
	}
	FACTS_FOREACH(f) {
		SAYS(f, 0, f->unconnected(c[3]));
		SAYS(f, 0, f->error(c[3]));
		SAYS(f, 0, f->shut_wr(c[3]));
	}
	for (i = 0; i < 4; i++)
		evt_close(c[i]);
	evt_close(l);
}
#endif

EVT_TC(shut_wr__own, "KQ-140",
    "The program's own shutdown of sending is seen, the peer's is not taken "
    "for it, and nothing is sent to find out")
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	const struct facts *f;
	int i, s[2];
	char byte;

	for (i = 0; i < EVT_NITEMS(types) + 1; i++) {
		if (i < EVT_NITEMS(types))
			evt_sockpair(s, types[i]);
		else
			evt_tcp_pair(s);
		FACTS_FOREACH(f) {
			SAYS(f, 0, f->shut_wr(s[0]));
			SAYS(f, 0, f->shut_wr(s[1]));
		}
		ATF_REQUIRE_EQ(0, shutdown(s[0], SHUT_WR));
		await(s[1], POLLIN);
		FACTS_FOREACH(f) {
			if (f->exact || i != 1)
				SAYS(f, 1, f->shut_wr(s[0]));
			SAYS(f, 0, f->shut_wr(s[1]));
		}
		ATF_REQUIRE_EQ(0, read(s[1], &byte, 1));
		/* Not even an empty record came. */
		ATF_REQUIRE_EQ(-1, recv(s[0], &byte, 1, MSG_DONTWAIT));
		ATF_REQUIRE(errno == EAGAIN || errno == EWOULDBLOCK);
		ATF_REQUIRE_EQ(0, shutdown(s[1], SHUT_WR));
		await(s[0], POLLIN);
		if (facts_all[0].exact) {
			SAYS(facts_all, 1, facts_all->shut_wr(s[0]));
			SAYS(facts_all, 1, facts_all->shut_wr(s[1]));
		}
		evt_close(s[0]);
		evt_close(s[1]);
	}
}

EVT_TC(shut_wr__not_yet_connected, "KQ-140 KQ-118",
    "What is not connected, or no stream, has not shut down sending")
{
	const struct facts *f;
	int d[2], fd, p[2];

	evt_pipe(p);
	evt_sockpair(d, SOCK_DGRAM);
	ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	FACTS_FOREACH(f) {
		SAYS(f, 0, f->shut_wr(p[1]));
		SAYS(f, 0, f->shut_wr(d[0]));
		SAYS(f, 0, f->shut_wr(fd));
		SAYS(f, 0, f->shut_wr(closed_number()));
	}
	evt_close(fd);
	/* no empty datagram came */
	evt_nonblock(d[1]);
	ATF_REQUIRE_EQ(-1, read(d[1], &fd, 1));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(d[0]);
	evt_close(d[1]);
}

EVT_TC(error__told_and_left, "KQ-115 KQ-119 KQ-266",
    "The error that waits is told as often as asked, and is still the "
    "program's to take, once")
{
	const struct facts *f;
	int fd, i, s[2];

	fd = refused();
	for (i = 0; i < 2; i++)
		FACTS_FOREACH(f)
			SAYS(f, ECONNREFUSED, f->error(fd));
	ATF_REQUIRE_EQ(ECONNREFUSED, taken_error(fd));
	FACTS_FOREACH(f)
		SAYS(f, 0, f->error(fd));
	ATF_REQUIRE_EQ(0, taken_error(fd));
	evt_close(fd);

	/* the side that connected, then the one that accepted */
	for (i = 0; i < 2; i++) {
		evt_tcp_pair(s);
		reset_peer(s[1 - i], s[i]);
		FACTS_FOREACH(f) {
			if (f->exact)
				SAYS(f, ECONNRESET, f->error(s[i]));
			else
				ATF_REQUIRE(f->error(s[i]) != 0);
			SAYS(f, f->exact, f->shut_wr(s[i]));
		}
		ATF_REQUIRE_EQ(ECONNRESET, taken_error(s[i]));
		evt_close(s[i]);
	}
}

EVT_TC(error__unix_reset, "KQ-115",
    "A unix peer that closes without reading leaves ECONNRESET")
{
	const struct facts *f;
	int s[2];
	char byte;

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[0], 10);
	evt_close(s[1]);
	FACTS_FOREACH(f) {
		if (facts_all[0].exact)
			SAYS(f, ECONNRESET, f->error(s[0]));
		SAYS(f, 0, f->unconnected(s[0]));
	}
	if (facts_all[0].exact) {
		ATF_REQUIRE_EQ(-1, read(s[0], &byte, 1));
		ATF_REQUIRE_EQ(ECONNRESET, errno);
	}
	evt_close(s[0]);
}

EVT_TC(error__none, "KQ-114 KQ-123",
    "An orderly end is no error, and neither is a pipe without a reader")
{
	const struct facts *f;
	int p[2], s[2];

	evt_tcp_pair(s);
	FACTS_FOREACH(f)
		SAYS(f, 0, f->error(s[0]));
	evt_close(s[1]);
	await(s[0], POLLIN);
	FACTS_FOREACH(f)
		SAYS(f, 0, f->error(s[0]));
	evt_close(s[0]);
	evt_sockpair(s, SOCK_STREAM);
	evt_close(s[1]);
	FACTS_FOREACH(f)
		SAYS(f, 0, f->error(s[0]));
	evt_close(s[0]);
	evt_pipe(p);
	evt_close(p[0]);
	FACTS_FOREACH(f) {
		SAYS(f, 0, f->error(p[1]));
		SAYS(f, 0, f->error(closed_number()));
	}
	evt_close(p[1]);
}

EVT_TC(error__datagram, "KQ-117",
    "A refused datagram is told, and still the program's to take")
{
	struct sockaddr_in sin;
	const struct facts *f;
	socklen_t len;
	int fd, peer;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE((peer = socket(AF_INET, SOCK_DGRAM, 0)) != -1);
	ATF_REQUIRE_EQ(0, bind(peer, (struct sockaddr *)&sin, sizeof(sin)));
	len = sizeof(sin);
	ATF_REQUIRE_EQ(0, getsockname(peer, (struct sockaddr *)&sin, &len));
	ATF_REQUIRE((fd = socket(AF_INET, SOCK_DGRAM, 0)) != -1);
	ATF_REQUIRE_EQ(0, connect(fd, (struct sockaddr *)&sin, sizeof(sin)));
	evt_close(peer);
	ATF_REQUIRE_EQ(1, write(fd, "x", 1));
	if (facts_all[0].exact) {
		await(fd, POLLERR | POLLIN);
		FACTS_FOREACH(f)
			SAYS(f, ECONNREFUSED, f->error(fd));
		ATF_REQUIRE_EQ(ECONNREFUSED, taken_error(fd));
		FACTS_FOREACH(f)
			SAYS(f, 0, f->error(fd));
	}
	evt_close(fd);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, kind__by_type);
#ifdef EVANY_FF_LINUX
	EVT_TP_ADD_TC(tp, kind__anonymous);
	EVT_TP_ADD_TC(tp, counter__value);
	EVT_TP_ADD_TC(tp, backlog__no_descriptor_left);
	EVT_TP_ADD_TC(tp, unconnected__connecting);
#endif
	EVT_TP_ADD_TC(tp, counter__unknown_is_one);
	EVT_TP_ADD_TC(tp, inbytes__total);
	EVT_TP_ADD_TC(tp, inbytes__none);
	EVT_TP_ADD_TC(tp, lowat__at_least_one);
	EVT_TP_ADD_TC(tp, backlog__tcp);
	EVT_TP_ADD_TC(tp, backlog__unix);
	EVT_TP_ADD_TC(tp, backlog__not_listening);
	EVT_TP_ADD_TC(tp, space__falls_to_nothing);
	EVT_TP_ADD_TC(tp, space__of_a_pipe);
	EVT_TP_ADD_TC(tp, space__other_kinds);
	EVT_TP_ADD_TC(tp, sent__when_read);
	EVT_TP_ADD_TC(tp, unconnected__only_before_the_first_connect);
	EVT_TP_ADD_TC(tp, shut_wr__own);
	EVT_TP_ADD_TC(tp, shut_wr__not_yet_connected);
	EVT_TP_ADD_TC(tp, error__told_and_left);
	EVT_TP_ADD_TC(tp, error__unix_reset);
	EVT_TP_ADD_TC(tp, error__none);
	EVT_TP_ADD_TC(tp, error__datagram);
	return (atf_no_error());
}
