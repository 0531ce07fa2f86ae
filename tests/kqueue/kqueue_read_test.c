/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_READ on connected and datagram sockets: byte counts, low-water marks
 * and the end of the stream.
 */
#include "config.h"

#include "evt.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <poll.h>

#define read_add(kq, fd, flags) \
	evt_change(kq, fd, EVFILT_READ, EV_ADD | (flags), 0, 0, NULL)

/* Pairs of both families; [0] is watched. */
static const int read_families[] = { AF_UNIX, AF_INET };

static void
read_stream_pair(int family, int s[2])
{
	if (family == AF_UNIX)
		evt_sockpair(s, SOCK_STREAM);
	else
		evt_tcp_pair(s);
}

/* Waits for a level event with that count; bytes may arrive in parts. */
static void
read_wait(int kq, int fd, unsigned int flags, int64_t data)
{
	struct kevent ev;
	int64_t end;

	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	do
		evt_one(kq, &ev);
	while ((ev.data < data || evt_flags(&ev) != flags) &&
	    evt_now_ns() < end);
	EVT_EVENT(&ev, fd, EVFILT_READ, flags, 0, data);
}

static void
read_bytes(int fd, size_t n)
{
	char buf[1024];

	ATF_REQUIRE_EQ(read(fd, buf, n), (ssize_t)n);
}

EVT_TC(stream__all_unread_bytes, "KQ-108 KQ-065 KQ-094",
    "data sums up all unread bytes, over writes and partial reads")
{
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		read_stream_pair(read_families[i], s);
		read_add(kq, s[0], 0);
		evt_none(kq);
		evt_write(s[1], 1);
		read_wait(kq, s[0], 0, 1);
		evt_write(s[1], 10);
		evt_write(s[1], 100);
		read_wait(kq, s[0], 0, 111);
		read_bytes(s[0], 50);
		read_wait(kq, s[0], 0, 61);
		evt_write(s[1], 5000);
		read_wait(kq, s[0], 0, 5061);
		(void)evt_drain(s[0]);
		evt_none(kq);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(stream__clear_counts_totals, "KQ-108 KQ-093 KQ-092",
    "With EV_CLEAR each arrival fires once, with the total so far")
{
	struct kevent ev;
	int i, kq, n, s[2];

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		read_stream_pair(read_families[i], s);
		read_add(kq, s[0], EV_CLEAR);
		for (n = 1; n <= 5; n++) {
			evt_write(s[1], 10);
			evt_one(kq, &ev);
			EVT_EVENT(&ev, s[0], EVFILT_READ, EV_CLEAR, 0, 10 * n);
			evt_none(kq);
		}
		evt_write(s[1], 10);
		(void)evt_drain(s[0]);
		evt_none(kq);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(stream__zero_bytes_written, "KQ-108",
    "A write of no bytes to a stream is no event")
{
	int kq, s[2];

	kq = evt_kq();
	evt_sockpair(s, SOCK_STREAM);
	read_add(kq, s[0], 0);
	ATF_REQUIRE(write(s[1], "", 0) == 0);
	evt_none(kq);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(kq);
}

EVT_TC(stream__numbers_above_1024, "KQ-108 KQ-136 KQ-123",
    "Descriptors past 1024, select(2)'s old limit, are watched like others")
{
	struct kevent ev[4];
	struct rlimit rl;
	int base, i, kq, n, p[2], s[2];

	ATF_REQUIRE(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	if (rl.rlim_max < 3000)
		atf_tc_skip("the limit of open files is below 3000");
	rl.rlim_cur = 3000;
	ATF_REQUIRE(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	kq = evt_move(evt_kq(), 2900);
	base = 1020;
	for (i = 0; i < 400; i++) {
		evt_pipe(p);
		read_add(kq, evt_move(p[0], base + 2 * i), 0);
		(void)evt_move(p[1], base + 2 * i + 1);
	}
	evt_sockpair(s, SOCK_STREAM);
	(void)evt_move(s[0], 2500);
	evt_change(kq, 2500, EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0, NULL);
	ATF_REQUIRE_EQ(evt_get(kq, ev, 4), 1);
	ATF_REQUIRE_EQ(ev[0].ident, 2500);
	ATF_REQUIRE(ev[0].data > 0);
	evt_none(kq);
	for (i = 0; i < 400; i += 57) {
		evt_write(base + 2 * i + 1, 3);
		n = evt_get(kq, ev, 4);
		ATF_REQUIRE_EQ(n, 1);
		EVT_EVENT(&ev[0], base + 2 * i, EVFILT_READ, 0, 0, 3);
		(void)evt_drain(base + 2 * i);
	}
	for (i = 0; i < 400; i++) {
		evt_close(base + 2 * i);
		evt_close(base + 2 * i + 1);
	}
	evt_none(kq);
	evt_close(2500);
	evt_close(s[1]);
	evt_close(kq);
}

/* ---- datagrams --------------------------------------------------------- */

/* Two UDP sockets, connected to each other. */
static void
read_udp_pair(int s[2])
{
	struct sockaddr_in sin[2];
	socklen_t len;
	int i;

	for (i = 0; i < 2; i++) {
		memset(&sin[i], 0, sizeof(sin[i]));
		sin[i].sin_family = AF_INET;
		sin[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		len = sizeof(sin[i]);
		ATF_REQUIRE((s[i] = socket(AF_INET, SOCK_DGRAM, 0)) != -1);
		ATF_REQUIRE(bind(s[i], (struct sockaddr *)&sin[i], len) == 0);
		ATF_REQUIRE(getsockname(s[i], (struct sockaddr *)&sin[i],
		    &len) == 0);
	}
	for (i = 0; i < 2; i++)
		ATF_REQUIRE(connect(s[i], (struct sockaddr *)&sin[!i],
		    sizeof(sin[!i])) == 0);
}

static void
read_dgram_pair(int family, int s[2])
{
	if (family == AF_UNIX)
		evt_sockpair(s, SOCK_DGRAM);
	else
		read_udp_pair(s);
}

EVT_TC(dgram__bytes_queued, "KQ-109",
    "data is above 0 and never above what is queued")
{
	struct kevent ev;
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		read_dgram_pair(read_families[i], s);
		read_add(kq, s[0], 0);
		evt_none(kq);
		evt_write(s[1], 3);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.ident == (uintptr_t)s[0] && ev.data >= 1);
		if (!evt_native())
			ATF_REQUIRE(ev.data == 3);
		evt_write(s[1], 5);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.data >= 1 && evt_flags(&ev) == 0);
		if (!evt_native())
			ATF_REQUIRE(ev.data <= 8);
		EVT_APPROX(ev.data == 8,
		    "data counts the first datagram only, or headers too");
		ATF_REQUIRE(read(s[0], &ev, sizeof(ev)) == 3);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.data >= 1);
		if (!evt_native())
			ATF_REQUIRE(ev.data == 5);
		ATF_REQUIRE(read(s[0], &ev, sizeof(ev)) == 5);
		evt_none(kq);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(dgram__clear_fires_for_each, "KQ-109 KQ-093",
    "With EV_CLEAR every datagram that arrives fires")
{
	struct kevent ev;
	int i, j, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		read_dgram_pair(read_families[i], s);
		read_add(kq, s[0], EV_CLEAR);
		for (j = 0; j < 4; j++) {
			evt_write(s[1], 4);
			evt_one(kq, &ev);
			ATF_REQUIRE(ev.data >= 1);
			evt_none(kq);
		}
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(dgram__empty_one_fires, "KQ-110",
    "An empty datagram is an event, alone and before another one")
{
	struct kevent ev;
	char buf[16];
	int i, kq, mode, s[2];

	kq = evt_kq();
	for (i = 0; i < 4; i++) {
		mode = i >= 2 ? EV_CLEAR : 0;
		read_dgram_pair(read_families[i % 2], s);
		read_add(kq, s[0], (unsigned int)mode);
		ATF_REQUIRE(send(s[1], "", 0, 0) == 0);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(ev.ident, (uintptr_t)s[0]);
		ATF_REQUIRE_EQ(evt_flags(&ev), (unsigned int)mode);
		if (!evt_native())
			ATF_REQUIRE_EQ(ev.data, 0);
		evt_write(s[1], 6);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(evt_flags(&ev), (unsigned int)mode);
		ATF_REQUIRE(recv(s[0], buf, sizeof(buf), 0) == 0);
		if (mode == 0) {
			evt_one(kq, &ev);
			ATF_REQUIRE(ev.data >= 1);
		}
		ATF_REQUIRE(recv(s[0], buf, sizeof(buf), 0) == 6);
		evt_idle(kq);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(dgram__passing_error, "KQ-117",
    "A port-unreachable error fires without EV_EOF; the program takes the "
    "error, and the socket is silent again")
{
	struct kevent ev;
	char buf[16];
	int error, i, kq, s[2];
	socklen_t len = sizeof(error);

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		read_udp_pair(s);
		evt_close(s[1]);
		read_add(kq, s[0], i == 0 ? 0 : EV_CLEAR);
		evt_none(kq);
		ATF_REQUIRE(send(s[0], "x", 1, 0) == 1);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(ev.ident, (uintptr_t)s[0]);
		ATF_REQUIRE_EQ(ev.filter, EVFILT_READ);
		ATF_REQUIRE((ev.flags & (EV_EOF | EV_ERROR)) == 0);
		ATF_REQUIRE_EQ(0, ev.fflags);
		if (i == 0) {
			evt_one(kq, &ev);
			ATF_REQUIRE((ev.flags & EV_EOF) == 0);
			ATF_REQUIRE(recv(s[0], buf, sizeof(buf),
			    MSG_DONTWAIT) == -1 && errno == ECONNREFUSED);
		} else {
			ATF_REQUIRE(getsockopt(s[0], SOL_SOCKET, SO_ERROR,
			    &error, &len) == 0);
			ATF_REQUIRE_EQ(error, ECONNREFUSED);
		}
		evt_idle(kq);
		evt_close(s[0]);
	}
	evt_close(kq);
}

EVT_TC(dgram__own_shutdown, "KQ-116",
    "The program's own shutdown of a datagram socket is EV_EOF")
{
	struct kevent ev;
	int kq, s[2];

	kq = evt_kq();
	read_udp_pair(s);
	read_add(kq, s[0], 0);
	evt_none(kq);
	ATF_REQUIRE_EQ(0, shutdown(s[0], SHUT_RD));
	evt_one(kq, &ev);
	EVT_EVENT(&ev, s[0], EVFILT_READ, EV_EOF, 0, 0);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(kq);
}

/* ---- low-water marks --------------------------------------------------- */

static int
read_option(int fd)
{
	socklen_t len;
	int value;

	len = sizeof(value);
	ATF_REQUIRE(getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &value, &len) == 0);
	return (value);
}

EVT_TC(lowat__holds_back_and_lets_go, "KQ-111",
    "NOTE_LOWAT 10 is silent with 9 bytes, fires with 10, is silent again "
    "after a read and fires again when the missing byte comes")
{
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		read_stream_pair(read_families[i], s);
		evt_change(kq, s[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 10,
		    NULL);
		evt_write(s[1], 4);
		evt_none(kq);
		evt_write(s[1], 5);
		evt_idle(kq);
		evt_write(s[1], 1);
		read_wait(kq, s[0], 0, 10);
		read_wait(kq, s[0], 0, 10);
		read_bytes(s[0], 1);
		evt_idle(kq);
		evt_write(s[1], 3);
		read_wait(kq, s[0], 0, 12);
		/* Adding without the note drops the mark. */
		read_bytes(s[0], 11);
		evt_none(kq);
		read_add(kq, s[0], 0);
		read_wait(kq, s[0], 0, 1);
		/* And a new mark counts at once. */
		evt_change(kq, s[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 2, NULL);
		evt_idle(kq);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(lowat__edge_and_one_shot, "KQ-111 KQ-091 KQ-095",
    "Bytes below the mark use up no one-time event")
{
	static const unsigned int modes[] = {
		EV_CLEAR, EV_ONESHOT, EV_DISPATCH
	};
	struct kevent ev;
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 2 * EVT_NITEMS(modes); i++) {
		read_stream_pair(read_families[i % 2], s);
		evt_change(kq, s[0], EVFILT_READ, EV_ADD | modes[i / 2],
		    NOTE_LOWAT, 10, NULL);
		evt_write(s[1], 5);
		evt_none(kq);
		evt_write(s[1], 4);
		evt_none(kq);
		evt_write(s[1], 1);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.data == 10 && evt_flags(&ev) == modes[i / 2]);
		evt_none(kq);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(lowat__per_queue_and_not_the_socket, "KQ-111 KQ-068",
    "Knotes of two queues have marks of their own; the socket's option and "
    "blocking reads do not change")
{
	struct kevent ev;
	int before, i, kq[3], s[2];

	for (i = 0; i < 3; i++)
		kq[i] = evt_kq();
	evt_tcp_pair(s);
	before = read_option(s[0]);
	evt_change(kq[0], s[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 4, NULL);
	evt_change(kq[1], s[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 8, NULL);
	read_add(kq[2], s[0], 0);
	evt_write(s[1], 3);
	evt_one(kq[2], &ev);
	evt_none(kq[0]);
	evt_none(kq[1]);
	evt_write(s[1], 1);
	evt_one(kq[0], &ev);
	EVT_EVENT(&ev, s[0], EVFILT_READ, 0, 0, 4);
	evt_none(kq[1]);
	ATF_REQUIRE_EQ(read_option(s[0]), before);
	ATF_REQUIRE(evt_readable(s[0], 0));
	evt_write(s[1], 4);
	evt_one(kq[1], &ev);
	EVT_EVENT(&ev, s[0], EVFILT_READ, 0, 0, 8);
	read_bytes(s[0], 1);
	ATF_REQUIRE_EQ(read_option(s[0]), before);
	for (i = 0; i < 3; i++)
		evt_close(kq[i]);
	evt_close(s[0]);
	evt_close(s[1]);
}

struct read_waiter {
	int		rw_kq;
	int		rw_count;
	struct kevent	rw_event;
};

static void
read_waiting(void *arg)
{
	struct read_waiter *rw = arg;

	rw->rw_count = evt_kevent(rw->rw_kq, NULL, 0, &rw->rw_event, 1, NULL);
}

EVT_TC(lowat__does_not_end_a_wait_early, "KQ-111 KQ-057 KQ-112",
    "A thread that waits sleeps on, without spinning, while bytes arrive "
    "below the mark, and wakes with the byte that reaches it")
{
	struct read_waiter rw;
	struct evt_thread thread;
	int64_t cpu;
	int i, ten = 10, s[2];

	for (i = 0; i < 4; i++) {
		rw.rw_kq = evt_kq();
		read_stream_pair(read_families[i % 2], s);
		if (i < 2)
			evt_change(rw.rw_kq, s[0], EVFILT_READ, EV_ADD,
			    NOTE_LOWAT, 10, NULL);
		else {
			ATF_REQUIRE(setsockopt(s[0], SOL_SOCKET, SO_RCVLOWAT,
			    &ten, sizeof(ten)) == 0);
			read_add(rw.rw_kq, s[0], 0);
		}
		evt_thread_start(&thread, read_waiting, &rw);
		evt_thread_asleep(&thread);
		cpu = evt_cpu_ns();
		evt_write(s[1], 5);
		evt_write(s[1], 4);
		(void)poll(NULL, 0, 4 * EVT_QUIET_MS);
		cpu = (evt_cpu_ns() - cpu) / 1000000;
		ATF_REQUIRE(!atomic_load(&thread.et_done));
		ATF_REQUIRE_MSG(cpu < EVT_QUIET_MS, "%jd ms of processor time",
		    (intmax_t)cpu);
		evt_write(s[1], 1);
		evt_thread_join(&thread);
		ATF_REQUIRE_EQ(rw.rw_count, 1);
		EVT_EVENT(&rw.rw_event, s[0], EVFILT_READ, 0, 0, 10);
		evt_close(s[0]);
		evt_close(s[1]);
		evt_close(rw.rw_kq);
	}
}

EVT_TC(lowat__option_of_the_socket, "KQ-112 KQ-111",
    "SO_RCVLOWAT counts when there is no NOTE_LOWAT, which overrides it")
{
	int fifty = 50, i, kq, s[2], two = 2;

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		read_stream_pair(read_families[i], s);
		ATF_REQUIRE(setsockopt(s[0], SOL_SOCKET, SO_RCVLOWAT, &two,
		    sizeof(two)) == 0);
		read_add(kq, s[0], 0);
		evt_write(s[1], 1);
		evt_none(kq);
		ATF_REQUIRE(setsockopt(s[0], SOL_SOCKET, SO_RCVLOWAT, &fifty,
		    sizeof(fifty)) == 0);
		evt_change(kq, s[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
		read_add(kq, s[0], 0);
		evt_write(s[1], 48);
		evt_idle(kq);
		evt_write(s[1], 1);
		read_wait(kq, s[0], 0, 50);
		read_bytes(s[0], 1);
		evt_none(kq);
		evt_change(kq, s[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 20,
		    NULL);
		EVT_APPROX(evt_readable(kq, EVT_QUIET_MS), "NOTE_LOWAT below "
		    "the socket's own mark waits for the latter");
		evt_change(kq, s[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 60,
		    NULL);
		evt_write(s[1], 5);
		evt_none(kq);
		evt_write(s[1], 6);
		read_wait(kq, s[0], 0, 60);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

/* ---- the end ----------------------------------------------------------- */

EVT_TC(eof__below_any_mark, "KQ-113",
    "The peer's shutdown fires at once with EV_EOF below NOTE_LOWAT and "
    "SO_RCVLOWAT, with the bytes that remain")
{
	int fifty = 50, i, kq, left, s[2];

	kq = evt_kq();
	for (i = 0; i < 8; i++) {
		read_stream_pair(read_families[i % 2], s);
		left = (i & 4) ? 3 : 0;
		if (i & 2)
			evt_change(kq, s[0], EVFILT_READ, EV_ADD, NOTE_LOWAT,
			    50, NULL);
		else {
			ATF_REQUIRE(setsockopt(s[0], SOL_SOCKET, SO_RCVLOWAT,
			    &fifty, sizeof(fifty)) == 0);
			read_add(kq, s[0], 0);
		}
		evt_write(s[1], (size_t)left);
		evt_none(kq);
		ATF_REQUIRE(shutdown(s[1], SHUT_WR) == 0);
		read_wait(kq, s[0], EV_EOF, left);
		read_wait(kq, s[0], EV_EOF, left);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(eof__with_unread_bytes, "KQ-114 KQ-098",
    "EV_EOF comes together with what is unread; EV_NODATA only after it is "
    "read")
{
	struct kevent ev;
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 4; i++) {
		read_stream_pair(read_families[i % 2], s);
		read_add(kq, s[0], 0);
		evt_write(s[1], 9);
		read_wait(kq, s[0], 0, 9);
		if (i < 2)
			ATF_REQUIRE(shutdown(s[1], SHUT_WR) == 0);
		else
			evt_close(s[1]);
		read_wait(kq, s[0], EV_EOF, 9);
		read_bytes(s[0], 4);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, s[0], EVFILT_READ, EV_EOF, 0, 5);
#ifdef EV_NODATA
		ATF_REQUIRE((ev.flags & EV_NODATA) == 0);
#endif
		read_bytes(s[0], 5);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, s[0], EVFILT_READ, EV_EOF, 0, 0);
#ifdef EV_NODATA
		ATF_REQUIRE((ev.flags & EV_NODATA) != 0);
#endif
		evt_close(s[0]);
		if (i < 2)
			evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(eof__edge_knote_sees_it_too, "KQ-113 KQ-264",
    "An EV_CLEAR knote whose bytes were returned fires once more with EV_EOF "
    "for a shutdown, and then not again")
{
	struct kevent ev;
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 4; i++) {
		read_stream_pair(read_families[i % 2], s);
		read_add(kq, s[0], EV_CLEAR);
		evt_write(s[1], 9);
		evt_one(kq, &ev);
		if (i < 2)
			ATF_REQUIRE(shutdown(s[1], SHUT_WR) == 0);
		else
			evt_close(s[1]);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, s[0], EVFILT_READ, EV_CLEAR | EV_EOF, 0, 9);
		if (i < 2)
			evt_none(kq);
		evt_close(s[0]);
		if (i < 2)
			evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(eof__own_shutdown, "KQ-116",
    "The program's own shutdown of reading is EV_EOF, before or after EV_ADD")
{
	struct kevent ev;
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 4; i++) {
		read_stream_pair(read_families[i % 2], s);
		if (i < 2)
			ATF_REQUIRE(shutdown(s[0], SHUT_RD) == 0);
		read_add(kq, s[0], 0);
		if (i >= 2) {
			evt_none(kq);
			ATF_REQUIRE(shutdown(s[0], SHUT_RD) == 0);
		}
		evt_one(kq, &ev);
		EVT_EVENT(&ev, s[0], EVFILT_READ, EV_EOF, 0, 0);
		evt_change(kq, s[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(eof__shutdown_wakes_a_waiter, "KQ-116 KQ-113",
    "A waiting thread wakes for the own and for the peer's shutdown")
{
	struct read_waiter rw;
	struct evt_thread thread;
	int i, s[2];

	for (i = 0; i < 4; i++) {
		rw.rw_kq = evt_kq();
		read_stream_pair(read_families[i % 2], s);
		read_add(rw.rw_kq, s[0], EV_CLEAR);
		evt_thread_start(&thread, read_waiting, &rw);
		evt_thread_asleep(&thread);
		if (i < 2)
			ATF_REQUIRE(shutdown(s[0], SHUT_RD) == 0);
		else
			ATF_REQUIRE(shutdown(s[1], SHUT_WR) == 0);
		evt_thread_join(&thread);
		ATF_REQUIRE_EQ(rw.rw_count, 1);
		EVT_EVENT(&rw.rw_event, s[0], EVFILT_READ, EV_CLEAR | EV_EOF,
		    0, 0);
		evt_close(s[0]);
		evt_close(s[1]);
		evt_close(rw.rw_kq);
	}
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, stream__all_unread_bytes);
	EVT_TP_ADD_TC(tp, stream__clear_counts_totals);
	EVT_TP_ADD_TC(tp, stream__zero_bytes_written);
	EVT_TP_ADD_TC(tp, stream__numbers_above_1024);
	EVT_TP_ADD_TC(tp, dgram__bytes_queued);
	EVT_TP_ADD_TC(tp, dgram__clear_fires_for_each);
	EVT_TP_ADD_TC(tp, dgram__empty_one_fires);
	EVT_TP_ADD_TC(tp, dgram__passing_error);
	EVT_TP_ADD_TC(tp, dgram__own_shutdown);
	EVT_TP_ADD_TC(tp, lowat__holds_back_and_lets_go);
	EVT_TP_ADD_TC(tp, lowat__edge_and_one_shot);
	EVT_TP_ADD_TC(tp, lowat__per_queue_and_not_the_socket);
	EVT_TP_ADD_TC(tp, lowat__does_not_end_a_wait_early);
	EVT_TP_ADD_TC(tp, lowat__option_of_the_socket);
	EVT_TP_ADD_TC(tp, eof__below_any_mark);
	EVT_TP_ADD_TC(tp, eof__with_unread_bytes);
	EVT_TP_ADD_TC(tp, eof__edge_knote_sees_it_too);
	EVT_TP_ADD_TC(tp, eof__own_shutdown);
	EVT_TP_ADD_TC(tp, eof__shutdown_wakes_a_waiter);
	return (atf_no_error());
}
