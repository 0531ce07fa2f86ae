/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Facts about the state of a socket: unconnected, shut down, failed.
 */
#include "config.h"

#include "facts.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

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

	l = facts_unix_listen(SOCK_STREAM, &sun);
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
	facts_await(s[0], POLLIN);
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
		SAYS(f, 0, f->unconnected(facts_closed()));
}

#ifdef EVANY_FF_LINUX
#define UNANSWERED	4

/*
 * A listener whose queue is full, and sockets that connect to it: Linux drops
 * what comes then, so the last one is not answered.
 */
static int
unanswered(int c[UNANSWERED], int tries)
{
	struct sockaddr_in sin;
	socklen_t len;
	int i, l;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE((l = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	ATF_REQUIRE_EQ(0, bind(l, (struct sockaddr *)&sin, sizeof(sin)));
	ATF_REQUIRE_EQ(0, listen(l, 0));
	len = sizeof(sin);
	ATF_REQUIRE_EQ(0, getsockname(l, (struct sockaddr *)&sin, &len));
	for (i = 0; i < UNANSWERED; i++) {
		ATF_REQUIRE((c[i] = socket(AF_INET, SOCK_STREAM, 0)) != -1);
		ATF_REQUIRE_EQ(0, setsockopt(c[i], IPPROTO_TCP, TCP_SYNCNT,
		    &tries, sizeof(tries)));
		evt_nonblock(c[i]);
		(void)connect(c[i], (struct sockaddr *)&sin, sizeof(sin));
	}
	return (l);
}

EVT_TC(unconnected__connecting, "KQ-139 KQ-118",
    "A socket whose connect is in progress is not unconnected")
{
	const struct facts *f;
	int c[UNANSWERED], i, l;

	l = unanswered(c, 6);
	FACTS_FOREACH(f) {
		SAYS(f, 0, f->unconnected(c[UNANSWERED - 1]));
		SAYS(f, 0, f->error(c[UNANSWERED - 1]));
		SAYS(f, 0, f->shut_wr(c[UNANSWERED - 1]));
	}
	for (i = 0; i < UNANSWERED; i++)
		evt_close(c[i]);
	evt_close(l);
}

EVT_TC(error__timed_out, "KQ-119",
    "A connect that nobody answers, given up after 3 seconds, has timed out")
{
	struct pollfd pfd;
	int c[UNANSWERED], i, l;

	l = unanswered(c, 1);
	pfd.fd = c[UNANSWERED - 1];
	pfd.events = POLLOUT;
	ATF_REQUIRE_EQ(1, poll(&pfd, 1, 20 * EVT_WAIT_MS));
	SAYS(facts_all, ETIMEDOUT, facts_all->error(pfd.fd));
	SAYS(facts_all, 0, facts_all->unconnected(pfd.fd));
	ATF_REQUIRE_EQ(ETIMEDOUT, taken_error(pfd.fd));
	for (i = 0; i < UNANSWERED; i++)
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
		facts_await(s[1], POLLIN);
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
		facts_await(s[0], POLLIN);
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
		SAYS(f, 0, f->shut_wr(facts_closed()));
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
	facts_await(s[0], POLLIN);
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
		SAYS(f, 0, f->error(facts_closed()));
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
		facts_await(fd, POLLERR | POLLIN);
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
	EVT_TP_ADD_TC(tp, unconnected__only_before_the_first_connect);
#ifdef EVANY_FF_LINUX
	EVT_TP_ADD_TC(tp, unconnected__connecting);
	EVT_TP_ADD_TC(tp, error__timed_out);
#endif
	EVT_TP_ADD_TC(tp, shut_wr__own);
	EVT_TP_ADD_TC(tp, shut_wr__not_yet_connected);
	EVT_TP_ADD_TC(tp, error__told_and_left);
	EVT_TP_ADD_TC(tp, error__unix_reset);
	EVT_TP_ADD_TC(tp, error__none);
	EVT_TP_ADD_TC(tp, error__datagram);
	return (atf_no_error());
}
