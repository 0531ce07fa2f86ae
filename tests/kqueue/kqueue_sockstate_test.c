/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Sockets that are not just connected: never connected, connecting, refused,
 * listening, reset.
 */
#include "config.h"

#include "evt.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <poll.h>

#define state_add(kq, fd, filter, flags) \
	evt_change(kq, fd, filter, EV_ADD | (flags), 0, 0, NULL)

static struct sockaddr_in
state_address(unsigned short port)
{
	struct sockaddr_in sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return (sin);
}

/* connect(2) that does not wait; 0, or EINPROGRESS and so on. */
static int
state_connect(int fd, unsigned short port)
{
	struct sockaddr_in sin = state_address(port);

	evt_nonblock(fd);
	return (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 ? 0 :
	    errno);
}

/* A port where nobody listens. */
static unsigned short
state_closed_port(void)
{
	unsigned short port;

	evt_close(evt_tcp_listen(&port));
	return (port);
}

static struct sockaddr_un
state_un(void)
{
	struct sockaddr_un sun;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "socket");
	return (sun);
}

static int
state_un_listen(int type, int backlog)
{
	struct sockaddr_un sun = state_un();
	int fd;

	(void)unlink(sun.sun_path);
	ATF_REQUIRE((fd = socket(AF_UNIX, type, 0)) != -1);
	ATF_REQUIRE(bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0);
	ATF_REQUIRE(listen(fd, backlog) == 0);
	return (fd);
}

static int
state_un_connect(int fd)
{
	struct sockaddr_un sun = state_un();

	return (connect(fd, (struct sockaddr *)&sun, sizeof(sun)));
}

static int
state_take_error(int fd)
{
	socklen_t len;
	int error;

	len = sizeof(error);
	ATF_REQUIRE(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0);
	return (error);
}

/* close(2) that sends a reset. */
static void
state_reset(int fd)
{
	struct linger lg = { .l_onoff = 1, .l_linger = 0 };

	ATF_REQUIRE(setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg,
	    sizeof(lg)) == 0);
	evt_close(fd);
}

/* Waits until both filters were seen with EV_EOF, checks fflags of each. */
static void
state_both_eof(int kq, int fd, unsigned int fflags)
{
	struct kevent ev[4];
	int64_t end;
	int i, n, seen = 0;

	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	while (seen != 3 && evt_now_ns() < end) {
		n = evt_get(kq, ev, 4);
		for (i = 0; i < n; i++) {
			ATF_REQUIRE_EQ(ev[i].ident, (uintptr_t)fd);
			if ((ev[i].flags & EV_EOF) == 0)
				continue;
			ATF_REQUIRE_EQ_MSG(ev[i].fflags, fflags,
			    "{%s}, expected fflags %u", evt_text(&ev[i]),
			    fflags);
			seen |= ev[i].filter == EVFILT_READ ? 1 : 2;
		}
	}
	ATF_REQUIRE_EQ_MSG(seen, 3, "EV_EOF seen: %#x of 3", seen);
}

/* ---- never connected --------------------------------------------------- */

EVT_TC(unconnected__silent, "KQ-118",
    "A stream socket that was never connected fires neither filter, in any "
    "mode, and costs no processor time")
{
	static const unsigned int modes[] = {
		0, EV_CLEAR, EV_ONESHOT, EV_DISPATCH
	};
	int fd[8], i, kq;

	kq = evt_kq();
	for (i = 0; i < 8; i++) {
		fd[i] = socket(i % 2 ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
		ATF_REQUIRE(fd[i] != -1);
		state_add(kq, fd[i], EVFILT_READ, modes[i / 2]);
		state_add(kq, fd[i], EVFILT_WRITE, modes[i / 2]);
	}
	evt_none(kq);
	evt_idle(kq);
	evt_idle(kq);
	for (i = 0; i < 8; i++)
		evt_close(fd[i]);
	evt_close(kq);
}

EVT_TC(unconnected__then_connected, "KQ-118 KQ-139",
    "Once connected, the same knotes work: WRITE fires, then READ with bytes")
{
	static const unsigned int modes[] = { 0, EV_CLEAR, EV_DISPATCH };
	struct kevent ev;
	unsigned short port;
	int fd, i, kq, lfd, peer;

	kq = evt_kq();
	for (i = 0; i < 2 * EVT_NITEMS(modes); i++) {
		unsigned int mode = modes[i / 2];
		bool tcp = i % 2 == 0;

		lfd = tcp ? evt_tcp_listen(&port) :
		    state_un_listen(SOCK_STREAM, 5);
		fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
		ATF_REQUIRE(fd != -1);
		state_add(kq, fd, EVFILT_READ, mode);
		state_add(kq, fd, EVFILT_WRITE, mode);
		evt_idle(kq);
		if (tcp)
			(void)state_connect(fd, port);
		else
			ATF_REQUIRE(state_un_connect(fd) == 0);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(ev.filter, EVFILT_WRITE);
		ATF_REQUIRE_EQ(evt_flags(&ev), mode);
		ATF_REQUIRE(ev.data > 0 && ev.fflags == 0);
		evt_change(kq, fd, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
		evt_none(kq);
		ATF_REQUIRE((peer = accept(lfd, NULL, NULL)) != -1);
		evt_write(peer, 3);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, mode, 0, 3);
		evt_close(peer);
		evt_close(fd);
		evt_close(lfd);
	}
	evt_close(kq);
}

struct state_waiter {
	int		sw_kq;
	int		sw_count;
	struct kevent	sw_event;
};

static void
state_waiting(void *arg)
{
	struct state_waiter *sw = arg;

	sw->sw_count = evt_kevent_ms(sw->sw_kq, NULL, 0, &sw->sw_event, 1,
	    EVT_WAIT_MS);
}

EVT_TC(unconnected__connected_by_another_thread, "KQ-118",
    "A connect by one thread wakes another that waits for the socket")
{
	struct evt_thread thread;
	struct state_waiter sw;
	unsigned short port;
	int fd, i, lfd;

	for (i = 0; i < 2; i++) {
		lfd = i == 0 ? evt_tcp_listen(&port) :
		    state_un_listen(SOCK_STREAM, 5);
		sw.sw_kq = evt_kq();
		fd = socket(i == 0 ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
		ATF_REQUIRE(fd != -1);
		state_add(sw.sw_kq, fd, EVFILT_WRITE, 0);
		evt_none(sw.sw_kq);
		evt_thread_start(&thread, state_waiting, &sw);
		evt_thread_asleep(&thread);
		if (i == 0)
			(void)state_connect(fd, port);
		else
			ATF_REQUIRE(state_un_connect(fd) == 0);
		evt_thread_join(&thread);
		if (i == 0) {
			ATF_REQUIRE_EQ(sw.sw_count, 1);
			ATF_REQUIRE_EQ(sw.sw_event.filter, EVFILT_WRITE);
		} else {
			EVT_APPROX(sw.sw_count == 1, "connecting a unix "
			    "socket does not end another thread's wait");
			ATF_REQUIRE_EQ(evt_poll(sw.sw_kq, &sw.sw_event, 1), 1);
		}
		evt_close(fd);
		evt_close(lfd);
		evt_close(sw.sw_kq);
	}
}

EVT_TC(unconnected__then_listening, "KQ-118 KQ-120 KQ-142",
    "A socket that was added before listen(2) reports its connections")
{
	struct sockaddr_in sin = state_address(0);
	struct sockaddr_un sun = state_un();
	socklen_t len = sizeof(sin);
	struct kevent ev;
	int c[2], fd, i, j, kq;

	kq = evt_kq();
	for (i = 0; i < 4; i++) {
		unsigned int mode = i < 2 ? 0 : EV_CLEAR;
		bool tcp = i % 2 == 0;

		fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
		ATF_REQUIRE(fd != -1);
		state_add(kq, fd, EVFILT_READ, mode);
		state_add(kq, fd, EVFILT_WRITE, mode);
		evt_none(kq);
		if (tcp) {
			sin = state_address(0);
			ATF_REQUIRE(bind(fd, (struct sockaddr *)&sin,
			    sizeof(sin)) == 0);
			ATF_REQUIRE(getsockname(fd, (struct sockaddr *)&sin,
			    &len) == 0);
		} else {
			(void)unlink(sun.sun_path);
			ATF_REQUIRE(bind(fd, (struct sockaddr *)&sun,
			    sizeof(sun)) == 0);
		}
		evt_none(kq);
		ATF_REQUIRE(listen(fd, 5) == 0);
		evt_none(kq);
		for (j = 0; j < 2; j++) {
			if (tcp)
				c[j] = evt_tcp_connect(ntohs(sin.sin_port));
			else {
				c[j] = socket(AF_UNIX, SOCK_STREAM, 0);
				ATF_REQUIRE(state_un_connect(c[j]) == 0);
			}
			evt_one(kq, &ev);
			EVT_EVENT(&ev, fd, EVFILT_READ, mode, 0, j + 1);
		}
		for (j = 0; j < 2; j++)
			evt_close(c[j]);
		evt_close(fd);
	}
	evt_close(kq);
}

/* ---- connecting -------------------------------------------------------- */

EVT_TC(connect__success, "KQ-139 KQ-136",
    "A connect that does not wait and succeeds fires WRITE without EV_EOF")
{
	struct kevent ev;
	unsigned short port;
	int error, fd, i, kq, lfd;

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		unsigned int mode = i == 0 ? 0 : EV_ONESHOT;

		lfd = evt_tcp_listen(&port);
		ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
		error = state_connect(fd, port);
		ATF_REQUIRE(error == 0 || error == EINPROGRESS);
		state_add(kq, fd, EVFILT_WRITE, mode);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(evt_flags(&ev), mode);
		ATF_REQUIRE(ev.fflags == 0 && ev.data > 0);
		ATF_REQUIRE_EQ(state_take_error(fd), 0);
		evt_close(fd);
		evt_close(lfd);
	}
	evt_close(kq);
}

EVT_TC(connect__under_way, "KQ-139 KQ-118",
    "While a connect is under way neither filter fires; then WRITE does")
{
	struct kevent ev;
	unsigned short port;
	int c[8], error = 0, got, i, kq, lfd, n;

	kq = evt_kq();
	lfd = evt_tcp_listen(&port);
	ATF_REQUIRE(listen(lfd, 0) == 0);
	/* Fill the backlog until a connect hangs. */
	for (n = 0; n < EVT_NITEMS(c); n++) {
		struct pollfd pfd = { .events = POLLOUT };

		ATF_REQUIRE((c[n] = socket(AF_INET, SOCK_STREAM, 0)) != -1);
		error = state_connect(c[n], port);
		pfd.fd = c[n];
		if (error == EINPROGRESS && poll(&pfd, 1, EVT_QUIET_MS) == 0)
			break;
	}
	if (n == EVT_NITEMS(c)) {
		while (n-- > 0)
			evt_close(c[n]);
		evt_close(lfd);
		evt_close(kq);
		atf_tc_skip("no connect stays under way on this system");
	}
	state_add(kq, c[n], EVFILT_READ, 0);
	state_add(kq, c[n], EVFILT_WRITE, 0);
	evt_idle(kq);
	for (i = 0; i < n; i++)
		evt_close(accept(lfd, NULL, NULL));
	/* The system tries again after a second or three. */
	for (i = got = 0; i < 8 && got == 0; i++)
		got = evt_get(kq, &ev, 1);
	ATF_REQUIRE_EQ(got, 1);
	ATF_REQUIRE_EQ(ev.filter, EVFILT_WRITE);
	ATF_REQUIRE(evt_flags(&ev) == 0 && ev.fflags == 0 && ev.data > 0);
	for (i = 0; i <= n; i++)
		evt_close(c[i]);
	evt_close(lfd);
	evt_close(kq);
}

EVT_TC(connect__refused, "KQ-119 KQ-266",
    "A refused connect fires both filters with EV_EOF and ECONNREFUSED in "
    "fflags, and leaves the error to the program, once")
{
	struct kevent ev;
	unsigned short port;
	int error, fd, i, kq;

	kq = evt_kq();
	port = state_closed_port();
	for (i = 0; i < 2; i++) {
		ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
		if (i == 1) {	/* known to the queue before it connects */
			state_add(kq, fd, EVFILT_READ, 0);
			state_add(kq, fd, EVFILT_WRITE, 0);
			evt_none(kq);
		}
		error = state_connect(fd, port);
		if (error != EINPROGRESS) {
			evt_close(fd);
			evt_close(kq);
			atf_tc_skip("connect told its failure at once");
		}
		if (i == 0) {
			state_add(kq, fd, EVFILT_READ, 0);
			state_add(kq, fd, EVFILT_WRITE, 0);
		}
		state_both_eof(kq, fd, ECONNREFUSED);
		state_both_eof(kq, fd, ECONNREFUSED);
		ATF_REQUIRE_EQ(state_take_error(fd), ECONNREFUSED);
		ATF_REQUIRE_EQ(state_take_error(fd), 0);
		/* No error is told any more. */
		while (evt_poll(kq, &ev, 1) == 1) {
			ATF_REQUIRE_EQ(ev.fflags, 0);
			evt_change(kq, fd, ev.filter, EV_DELETE, 0, 0, NULL);
		}
		evt_close(fd);
	}
	evt_close(kq);
}

EVT_TC(connect__refused_by_edge, "KQ-119 KQ-266",
    "With EV_CLEAR both filters tell the refusal once, and the error is "
    "still there")
{
	struct kevent ev[4];
	int fd, kq, n = 0, total = 0;

	kq = evt_kq();
	ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	state_add(kq, fd, EVFILT_READ, EV_CLEAR);
	state_add(kq, fd, EVFILT_WRITE, EV_CLEAR);
	evt_none(kq);
	if (state_connect(fd, state_closed_port()) != EINPROGRESS) {
		evt_close(fd);
		evt_close(kq);
		atf_tc_skip("connect told its failure at once");
	}
	while (total < 2 && (n = evt_get(kq, ev, 4)) > 0)
		for (; n > 0; n--, total++) {
			ATF_REQUIRE((ev[n - 1].flags & EV_EOF) != 0);
			ATF_REQUIRE_EQ(ev[n - 1].fflags, ECONNREFUSED);
		}
	ATF_REQUIRE_EQ(total, 2);
	evt_none(kq);
	ATF_REQUIRE_EQ(state_take_error(fd), ECONNREFUSED);
	evt_close(fd);
	evt_close(kq);
}

/* ---- reset ------------------------------------------------------------- */

EVT_TC(reset__told_and_kept, "KQ-115 KQ-140 KQ-266",
    "A reset is EV_EOF with ECONNRESET in fflags on both filters, on either "
    "side, and read(2) still fails with it")
{
	char byte;
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		evt_tcp_pair(s);
		state_add(kq, s[i], EVFILT_READ, 0);
		state_add(kq, s[i], EVFILT_WRITE, EV_CLEAR);
		state_reset(s[!i]);
		state_both_eof(kq, s[i], ECONNRESET);
		ATF_REQUIRE(read(s[i], &byte, 1) == -1);
		ATF_REQUIRE_EQ(errno, ECONNRESET);
		ATF_REQUIRE_EQ(read(s[i], &byte, 1), 0);
		evt_close(s[i]);
	}
	evt_close(kq);
}

EVT_TC(reset__error_taken, "KQ-115",
    "After the program has taken the error EV_EOF stays and fflags is 0")
{
	struct kevent ev;
	int kq, s[2];

	kq = evt_kq();
	evt_tcp_pair(s);
	state_add(kq, s[0], EVFILT_READ, 0);
	state_reset(s[1]);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, s[0], EVFILT_READ, EV_EOF, ECONNRESET, 0);
	ATF_REQUIRE_EQ(state_take_error(s[0]), ECONNRESET);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, s[0], EVFILT_READ, EV_EOF, 0, 0);
	evt_close(s[0]);
	evt_close(kq);
}

EVT_TC(reset__unix_stream, "KQ-115 KQ-266",
    "A unix stream whose peer closed with bytes unread: EV_EOF, and the "
    "program's read(2) tells ECONNRESET where the system does")
{
	struct kevent ev;
	char byte;
	int kq, s[2];
	ssize_t n;

	kq = evt_kq();
	evt_sockpair(s, SOCK_STREAM);
	state_add(kq, s[0], EVFILT_READ, 0);
	evt_write(s[0], 5);
	evt_close(s[1]);
	evt_one(kq, &ev);
	ATF_REQUIRE((ev.flags & EV_EOF) != 0 && ev.data == 0);
	n = read(s[0], &byte, 1);
	ATF_REQUIRE(n == 0 || (n == -1 && errno == ECONNRESET));
	ATF_REQUIRE_EQ(ev.fflags, n == 0 ? 0 : ECONNRESET);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, s[0], EVFILT_READ, EV_EOF, 0, 0);
	evt_close(s[0]);
	evt_close(kq);
}

EVT_TC(reset__with_unread_bytes, "KQ-115",
    "A reset after bytes that were not read is told too")
{
	struct kevent ev;
	int kq, s[2];

	kq = evt_kq();
	evt_tcp_pair(s);
	state_add(kq, s[0], EVFILT_READ, 0);
	evt_write(s[1], 5);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, s[0], EVFILT_READ, 0, 0, 5);
	state_reset(s[1]);
	do
		evt_one(kq, &ev);
	while ((ev.flags & EV_EOF) == 0 && ev.data == 5);
	ATF_REQUIRE((ev.flags & EV_EOF) != 0);
	ATF_REQUIRE_EQ(ev.fflags, ECONNRESET);
	ATF_REQUIRE_EQ(state_take_error(s[0]), ECONNRESET);
	evt_close(s[0]);
	evt_close(kq);
}

/* ---- listening --------------------------------------------------------- */

enum { STATE_TCP, STATE_TCP6, STATE_UNIX, STATE_SEQPACKET, STATE_KINDS };

/* A listener of that kind, or -1 if the system has none; its port. */
static int
state_listen(int kind, unsigned short *port)
{
	struct sockaddr_in6 sin6;
	socklen_t len = sizeof(sin6);
	int fd;

	*port = 0;
	switch (kind) {
	case STATE_TCP:
		return (evt_tcp_listen(port));
	case STATE_TCP6:
		memset(&sin6, 0, sizeof(sin6));
		sin6.sin6_family = AF_INET6;
		sin6.sin6_addr = in6addr_loopback;
		if ((fd = socket(AF_INET6, SOCK_STREAM, 0)) == -1)
			return (-1);
		if (bind(fd, (struct sockaddr *)&sin6, len) == -1 ||
		    listen(fd, 16) == -1 ||
		    getsockname(fd, (struct sockaddr *)&sin6, &len) == -1) {
			evt_close(fd);
			return (-1);
		}
		*port = ntohs(sin6.sin6_port);
		return (fd);
	case STATE_UNIX:
		return (state_un_listen(SOCK_STREAM, 16));
	default:
		if ((fd = socket(AF_UNIX, SOCK_SEQPACKET, 0)) == -1)
			return (-1);
		evt_close(fd);
		return (state_un_listen(SOCK_SEQPACKET, 16));
	}
}

static int
state_dial(int kind, unsigned short port)
{
	struct sockaddr_in6 sin6;
	int fd;

	switch (kind) {
	case STATE_TCP:
		return (evt_tcp_connect(port));
	case STATE_TCP6:
		memset(&sin6, 0, sizeof(sin6));
		sin6.sin6_family = AF_INET6;
		sin6.sin6_addr = in6addr_loopback;
		sin6.sin6_port = htons(port);
		ATF_REQUIRE((fd = socket(AF_INET6, SOCK_STREAM, 0)) != -1);
		ATF_REQUIRE(connect(fd, (struct sockaddr *)&sin6,
		    sizeof(sin6)) == 0);
		return (fd);
	default:
		fd = socket(AF_UNIX, kind == STATE_UNIX ? SOCK_STREAM :
		    SOCK_SEQPACKET, 0);
		ATF_REQUIRE(state_un_connect(fd) == 0);
		return (fd);
	}
}

/* The count of a listener: exact for TCP and unix, at least 1 elsewhere. */
static void
state_count(int kq, int lfd, unsigned int mode, int count)
{
	struct kevent ev;

	evt_one(kq, &ev);
	EVT_EVENT(&ev, lfd, EVFILT_READ, mode, 0, count);
}

EVT_TC(listen__counts_connections, "KQ-120 KQ-121",
    "data is how many connections wait, goes down with each accept, and the "
    "listener is silent after the last; TCP, TCP over IPv6, unix")
{
	unsigned short port;
	int c[5], i, kind, kq, lfd, s[5];

	kq = evt_kq();
	for (kind = 0; kind < STATE_KINDS; kind++) {
		if ((lfd = state_listen(kind, &port)) == -1)
			continue;
		state_add(kq, lfd, EVFILT_READ, 0);
		evt_none(kq);
		for (i = 0; i < 5; i++) {
			c[i] = state_dial(kind, port);
			state_count(kq, lfd, 0, i + 1);
		}
		state_count(kq, lfd, 0, 5);
		for (i = 0; i < 5; i++) {
			ATF_REQUIRE((s[i] = accept(lfd, NULL, NULL)) != -1);
			if (i < 4)
				state_count(kq, lfd, 0, 4 - i);
		}
		evt_idle(kq);
		for (i = 0; i < 5; i++) {
			evt_close(c[i]);
			evt_close(s[i]);
		}
		evt_close(lfd);
	}
	evt_close(kq);
}

EVT_TC(listen__edge_and_one_shot, "KQ-120 KQ-093 KQ-096",
    "With EV_CLEAR each new connection fires with the number waiting; "
    "EV_DISPATCH tells what waits when it is enabled again")
{
	struct kevent ev;
	unsigned short port;
	int c[4], i, kind, kq, lfd;

	kq = evt_kq();
	for (kind = 0; kind < STATE_KINDS; kind++) {
		if ((lfd = state_listen(kind, &port)) == -1)
			continue;
		state_add(kq, lfd, EVFILT_READ, EV_CLEAR);
		for (i = 0; i < 2; i++) {
			c[i] = state_dial(kind, port);
			state_count(kq, lfd, EV_CLEAR, i + 1);
			evt_none(kq);
		}
		evt_change(kq, lfd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
		state_add(kq, lfd, EVFILT_READ, EV_DISPATCH);
		state_count(kq, lfd, EV_DISPATCH, 2);
		c[2] = state_dial(kind, port);
		c[3] = state_dial(kind, port);
		evt_none(kq);
		evt_change(kq, lfd, EVFILT_READ, EV_ENABLE, 0, 0, NULL);
		state_count(kq, lfd, EV_DISPATCH, 4);
		evt_change(kq, lfd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
		for (i = 0; i < 4; i++)
			evt_close(c[i]);
		for (i = 0; i < 4; i++)
			evt_close(accept(lfd, NULL, NULL));
		ATF_REQUIRE_EQ(evt_poll(kq, &ev, 1), 0);
		evt_close(lfd);
	}
	evt_close(kq);
}

EVT_TC(listen__write_never_fires, "KQ-142",
    "EVFILT_WRITE can be added to a listener and is silent, also with "
    "connections waiting")
{
	unsigned short port;
	int c, kind, kq, lfd;

	kq = evt_kq();
	for (kind = 0; kind < STATE_KINDS; kind++) {
		if ((lfd = state_listen(kind, &port)) == -1)
			continue;
		state_add(kq, lfd, EVFILT_WRITE, kind % 2 ? EV_CLEAR : 0);
		evt_idle(kq);
		c = state_dial(kind, port);
		evt_idle(kq);
		evt_change(kq, lfd, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
		evt_close(c);
		evt_close(lfd);
	}
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, unconnected__silent);
	EVT_TP_ADD_TC(tp, unconnected__then_connected);
	EVT_TP_ADD_TC(tp, unconnected__connected_by_another_thread);
	EVT_TP_ADD_TC(tp, unconnected__then_listening);
	EVT_TP_ADD_TC(tp, connect__success);
	EVT_TP_ADD_TC(tp, connect__under_way);
	EVT_TP_ADD_TC(tp, connect__refused);
	EVT_TP_ADD_TC(tp, connect__refused_by_edge);
	EVT_TP_ADD_TC(tp, reset__told_and_kept);
	EVT_TP_ADD_TC(tp, reset__error_taken);
	EVT_TP_ADD_TC(tp, reset__unix_stream);
	EVT_TP_ADD_TC(tp, reset__with_unread_bytes);
	EVT_TP_ADD_TC(tp, listen__counts_connections);
	EVT_TP_ADD_TC(tp, listen__edge_and_one_shot);
	EVT_TP_ADD_TC(tp, listen__write_never_fires);
	return (atf_no_error());
}
