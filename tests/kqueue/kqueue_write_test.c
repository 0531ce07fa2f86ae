/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_WRITE and EVFILT_EMPTY: room for output, and its end.
 */
#include "config.h"

#include "evt.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <netinet/in.h>

#include <limits.h>
#include <poll.h>

#ifndef PIPE_BUF
#define PIPE_BUF	512
#endif

#define write_add(kq, fd, flags) \
	evt_change(kq, fd, EVFILT_WRITE, EV_ADD | (flags), 0, 0, NULL)

static const int write_families[] = { AF_UNIX, AF_INET };

/* Connected streams; [0] writes.  Small buffers, so that filling is quick. */
static void
write_pair(int family, int s[2])
{
	int small = 16384;

	if (family == AF_UNIX)
		evt_sockpair(s, SOCK_STREAM);
	else
		evt_tcp_pair(s);
	(void)setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	(void)setsockopt(s[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
}

/* Fills until nothing fits for good: TCP goes on sending for a while. */
static size_t
write_fill(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	size_t sum = 0;

	do
		sum += evt_fill(fd);
	while (poll(&pfd, 1, EVT_QUIET_MS) == 1);
	return (sum);
}

/* Reads so many bytes. */
static void
write_taken(int fd, size_t n)
{
	char buf[16384];
	ssize_t got;

	while (n > 0) {
		got = read(fd, buf, n < sizeof(buf) ? n : sizeof(buf));
		ATF_REQUIRE(got > 0);
		n -= (size_t)got;
	}
}

EVT_TC(socket__room, "KQ-136 KQ-094",
    "A connected socket fires with the room in data, never with 0 and never "
    "with what is queued")
{
	struct kevent ev;
	int64_t idle;
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		write_pair(write_families[i], s);
		write_add(kq, s[0], 0);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.ident == (uintptr_t)s[0] &&
		    ev.filter == EVFILT_WRITE);
		ATF_REQUIRE(evt_flags(&ev) == 0 && ev.fflags == 0);
		idle = ev.data;
		ATF_REQUIRE(idle >= 1);
		EVT_APPROX(idle >= 4096 && idle <= 65536,
		    "the room is not of the order of the buffer");
		evt_write(s[0], 3000);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.data >= 1);
		EVT_APPROX(i != 0 || ev.data < idle,
		    "unread bytes do not lower the room");
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(socket__full, "KQ-137 KQ-136",
    "A full socket is silent in every mode, costs nothing, and fires again "
    "once the peer has read")
{
	static const unsigned int modes[] = {
		0, EV_CLEAR, EV_ONESHOT, EV_DISPATCH
	};
	struct kevent ev;
	size_t n;
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 2 * EVT_NITEMS(modes); i++) {
		unsigned int mode = modes[i / 2];

		write_pair(write_families[i % 2], s);
		n = write_fill(s[0]);
		write_add(kq, s[0], mode);
		evt_idle(kq);
		ATF_REQUIRE(n == 0 || evt_drain(s[1]) > 0);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.data > 0 && evt_flags(&ev) == mode);
		if (mode != 0)
			(void)evt_poll(kq, &ev, 1);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(socket__filled_after_the_event, "KQ-137 KQ-063",
    "A socket that was filled before the call is not reported")
{
	struct kevent ev;
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		write_pair(write_families[i], s);
		write_add(kq, s[0], 0);
		evt_one(kq, &ev);
		(void)write_fill(s[0]);
		evt_idle(kq);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

struct write_waiter {
	int		ww_kq;
	int		ww_count;
	struct kevent	ww_event;
};

static void
write_waiting(void *arg)
{
	struct write_waiter *ww = arg;

	ww->ww_count = evt_kevent(ww->ww_kq, NULL, 0, &ww->ww_event, 1, NULL);
}

EVT_TC(socket__drain_wakes_a_waiter, "KQ-137 KQ-148",
    "A thread that waits for room wakes when the peer reads")
{
	struct evt_thread thread;
	struct write_waiter ww;
	int i, s[2];

	for (i = 0; i < 4; i++) {
		unsigned int mode = i < 2 ? 0 : EV_CLEAR;

		ww.ww_kq = evt_kq();
		write_pair(write_families[i % 2], s);
		(void)write_fill(s[0]);
		write_add(ww.ww_kq, s[0], mode);
		evt_thread_start(&thread, write_waiting, &ww);
		evt_thread_asleep(&thread);
		ATF_REQUIRE(!atomic_load(&thread.et_done));
		(void)evt_drain(s[1]);
		evt_thread_join(&thread);
		ATF_REQUIRE_EQ(ww.ww_count, 1);
		ATF_REQUIRE(ww.ww_event.data > 0);
		ATF_REQUIRE_EQ(evt_flags(&ww.ww_event), mode);
		evt_close(s[0]);
		evt_close(s[1]);
		evt_close(ww.ww_kq);
	}
}

EVT_TC(socket__edge, "KQ-148 KQ-092 KQ-093",
    "With EV_CLEAR there is one event while nothing changes, and one more "
    "after each time the buffer was full and was read")
{
	struct kevent ev;
	int i, kq, round, s[2];

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		write_pair(write_families[i], s);
		write_add(kq, s[0], EV_CLEAR);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.data > 0);
		evt_none(kq);
		for (round = 0; round < 3; round++) {
			(void)write_fill(s[0]);
			/* A BSD fires for each acknowledgement. */
			while (evt_native() && evt_poll(kq, &ev, 1) == 1)
				continue;
			evt_idle(kq);
			(void)evt_drain(s[1]);
			evt_one(kq, &ev);
			ATF_REQUIRE(ev.data > 0);
			ATF_REQUIRE_EQ(evt_flags(&ev), EV_CLEAR);
			(void)evt_drain(s[1]);
			while (evt_poll(kq, &ev, 1) == 1)
				continue;
		}
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(socket__low_water_mark, "KQ-138 KQ-136",
    "NOTE_LOWAT above the buffer never fires and costs nothing; a mark that "
    "is met fires; one that was not met fires once there is room")
{
	struct kevent ev;
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		write_pair(write_families[i], s);
		if (!evt_native()) {	/* some bound the mark by the buffer */
			evt_change(kq, s[0], EVFILT_WRITE, EV_ADD, NOTE_LOWAT,
			    1 << 30, NULL);
			evt_none(kq);
			evt_idle(kq);
		}
		evt_change(kq, s[0], EVFILT_WRITE, EV_ADD, NOTE_LOWAT, 1,
		    NULL);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.data >= 1);
		evt_change(kq, s[0], EVFILT_WRITE, EV_ADD, NOTE_LOWAT, 2000,
		    NULL);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.data >= 2000);
		(void)write_fill(s[0]);
		evt_idle(kq);
		(void)evt_drain(s[1]);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.data >= 2000);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(socket__low_water_mark_edge, "KQ-138 KQ-093",
    "Room below the mark uses up no EV_CLEAR event")
{
	struct kevent ev;
	size_t n;
	int kq, s[2];

	kq = evt_kq();
	write_pair(AF_UNIX, s);
	evt_nonblock(s[1]);
	n = write_fill(s[0]);
	evt_change(kq, s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR, NOTE_LOWAT,
	    (int64_t)n / 2, NULL);
	evt_none(kq);
	write_taken(s[1], n / 10);
	EVT_APPROX(evt_poll(kq, &ev, 1) == 0,
	    "a tenth of the buffer counts for more than half");
	(void)evt_drain(s[1]);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(evt_flags(&ev), EV_CLEAR);
	EVT_APPROX(ev.data >= (int64_t)n / 2, "less room than was asked");
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(kq);
}

/* Waits for EV_EOF on the one knote; a level event without it may precede. */
static void
write_wait_eof(int kq, int fd, struct kevent *ev)
{
	int64_t end;

	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	do
		evt_one(kq, ev);
	while ((ev->flags & EV_EOF) == 0 && evt_now_ns() < end);
	ATF_REQUIRE_EQ(ev->ident, (uintptr_t)fd);
	ATF_REQUIRE_MSG((ev->flags & EV_EOF) != 0, "no EV_EOF: {%s}",
	    evt_text(ev));
}

EVT_TC(eof__own_shutdown, "KQ-140",
    "After the program's own shutdown of writing the knote still fires, with "
    "EV_EOF")
{
	struct kevent ev;
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 4; i++) {
		write_pair(write_families[i % 2], s);
		if (i < 2)
			ATF_REQUIRE(shutdown(s[0], SHUT_WR) == 0);
		write_add(kq, s[0], 0);
		if (i >= 2) {
			evt_one(kq, &ev);
			ATF_REQUIRE((ev.flags & EV_EOF) == 0);
			ATF_REQUIRE(shutdown(s[0], SHUT_WR) == 0);
		}
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(ev.ident, (uintptr_t)s[0]);
		EVT_WRAPPED((ev.flags & EV_EOF) != 0,
		    "own shutdown of writing is not seen");
		ATF_REQUIRE(write(s[0], "x", 1) == -1 && errno == EPIPE);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(eof__peer_of_a_unix_stream, "KQ-140",
    "A unix stream whose peer has closed fires with EV_EOF, by level and by "
    "edge, also when it was full")
{
	struct kevent ev;
	int i, kq, s[2];

	kq = evt_kq();
	for (i = 0; i < 4; i++) {
		unsigned int mode = i % 2 ? EV_CLEAR : 0;

		evt_sockpair(s, SOCK_STREAM);
		if (i >= 2)
			(void)write_fill(s[0]);
		write_add(kq, s[0], mode);
		if (i < 2)
			evt_one(kq, &ev);
		else
			evt_none(kq);
		evt_close(s[1]);
		write_wait_eof(kq, s[0], &ev);
		ATF_REQUIRE_EQ(evt_flags(&ev), mode | EV_EOF);
		if (mode == 0) {
			evt_one(kq, &ev);
			ATF_REQUIRE((ev.flags & EV_EOF) != 0);
		}
		evt_close(s[0]);
	}
	evt_close(kq);
}

EVT_TC(eof__reset, "KQ-140 KQ-115",
    "A reset connection fires with EV_EOF")
{
	struct linger lg = { .l_onoff = 1, .l_linger = 0 };
	struct kevent ev;
	int kq, s[2];

	kq = evt_kq();
	evt_tcp_pair(s);
	write_add(kq, s[0], 0);
	evt_one(kq, &ev);
	ATF_REQUIRE(setsockopt(s[1], SOL_SOCKET, SO_LINGER, &lg,
	    sizeof(lg)) == 0);
	evt_close(s[1]);
	write_wait_eof(kq, s[0], &ev);
	ATF_REQUIRE_EQ(ev.fflags, ECONNRESET);
	evt_close(s[0]);
	evt_close(kq);
}

EVT_TC(eof__not_for_a_half_close, "KQ-140",
    "A TCP peer that only shut down its sending leaves WRITE without EV_EOF")
{
	struct kevent ev;
	int kq, s[2];

	kq = evt_kq();
	evt_tcp_pair(s);
	write_add(kq, s[0], 0);
	ATF_REQUIRE(shutdown(s[1], SHUT_WR) == 0);
	ATF_REQUIRE(evt_readable(s[0], EVT_WAIT_MS));
	evt_one(kq, &ev);
	ATF_REQUIRE(evt_flags(&ev) == 0 && ev.data > 0 && ev.fflags == 0);
	evt_write(s[0], 1);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(kq);
}

EVT_TC(dgram__ready_unconnected, "KQ-141",
    "A datagram socket fires at once without being connected")
{
	struct kevent ev;
	int fd, i, kq;

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		fd = socket(write_families[i], SOCK_DGRAM, 0);
		ATF_REQUIRE(fd != -1);
		write_add(kq, fd, 0);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.ident == (uintptr_t)fd && ev.data > 0);
		ATF_REQUIRE(evt_flags(&ev) == 0 && ev.fflags == 0);
		/* Its READ has nothing to tell, connected or not. */
		evt_change(kq, fd, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
		evt_change(kq, fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
		evt_none(kq);
		evt_close(fd);
	}
	evt_close(kq);
}

/* ---- pipes ------------------------------------------------------------- */

EVT_TC(pipe__room, "KQ-143 KQ-137",
    "A pipe fires with at least PIPE_BUF of room in data, is silent when "
    "full, and fires again once that much was read")
{
	struct kevent ev;
	int64_t idle;
	size_t n;
	int kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	write_add(kq, p[1], 0);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.ident == (uintptr_t)p[1] && evt_flags(&ev) == 0);
	idle = ev.data;
	ATF_REQUIRE(idle >= PIPE_BUF);
	n = evt_fill(p[1]);
	EVT_APPROX(idle == (int64_t)n, "the room differs from what fits");
	evt_idle(kq);
	write_taken(p[0], 1);
	evt_idle(kq);
	write_taken(p[0], n / 2);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.data >= PIPE_BUF && ev.data <= (int64_t)n);
	EVT_APPROX(ev.data == (int64_t)n / 2 + 1, "the room is not exact");
	(void)evt_drain(p[0]);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(ev.data, idle);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(pipe__edge, "KQ-148 KQ-143",
    "With EV_CLEAR a pipe fires once, and again after it was full and read")
{
	struct kevent ev;
	int kq, p[2], round;

	kq = evt_kq();
	evt_pipe(p);
	write_add(kq, p[1], EV_CLEAR);
	evt_one(kq, &ev);
	evt_none(kq);
	for (round = 0; round < 3; round++) {
		(void)evt_fill(p[1]);
		evt_idle(kq);
		(void)evt_drain(p[0]);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(evt_flags(&ev), EV_CLEAR);
		while (evt_poll(kq, &ev, 1) == 1)
			continue;
	}
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(pipe__reader_gone, "KQ-144",
    "Once the reader has gone the knote fires with EV_EOF and data 0, also "
    "when the pipe is full, and can be added again")
{
	struct kevent ev;
	int i, kq, p[2];

	kq = evt_kq();
	for (i = 0; i < 4; i++) {
		unsigned int mode = i % 2 ? EV_CLEAR : 0;

		evt_pipe(p);
		write_add(kq, p[1], mode);
		evt_one(kq, &ev);
		if (i >= 2) {
			(void)evt_fill(p[1]);
			evt_none(kq);
		}
		evt_close(p[0]);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[1], EVFILT_WRITE, mode | EV_EOF, 0, 0);
		if (mode == 0)
			evt_one(kq, &ev);
		else
			evt_none(kq);
		write_add(kq, p[1], 0);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[1], EVFILT_WRITE, mode | EV_EOF, 0, 0);
		evt_close(p[1]);
	}
	evt_close(kq);
}

EVT_TC(pipe__low_water_mark, "KQ-138 KQ-144",
    "NOTE_LOWAT of all the room there is fires, of one byte more does not, and "
    "without a reader any mark does")
{
	struct kevent ev;
	int64_t room;
	int kq, p[2];

	if (evt_native())
		atf_tc_skip("some bound the mark by the buffer");
	kq = evt_kq();
	evt_pipe(p);
	write_add(kq, p[1], 0);
	evt_one(kq, &ev);
	room = ev.data;
	evt_change(kq, p[1], EVFILT_WRITE, EV_ADD, NOTE_LOWAT, room, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(room, ev.data);
	evt_change(kq, p[1], EVFILT_WRITE, EV_ADD, NOTE_LOWAT, room + 1, NULL);
	evt_none(kq);
	evt_close(p[0]);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, p[1], EVFILT_WRITE, EV_EOF, 0, 0);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(pipe__added_without_reader, "KQ-145",
    "EV_ADD on a pipe whose reader has gone fails with EPIPE and leaves no "
    "knote, or fires EV_EOF")
{
	struct kevent ev;
	int error, kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	evt_close(p[0]);
	error = evt_change_errno(kq, p[1], EVFILT_WRITE, EV_ADD, 0, 0, NULL);
	if (error == 0) {
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[1], EVFILT_WRITE, EV_EOF, 0, 0);
	} else {
		ATF_REQUIRE(error == EPIPE ||
		    (evt_native() && error == EBADF));
		evt_idle(kq);
		error = evt_change_errno(kq, p[1], EVFILT_WRITE, EV_DELETE, 0,
		    0, NULL);
		ATF_REQUIRE_EQ(error, ENOENT);
	}
	evt_close(p[1]);
	evt_close(kq);
}

/* The reading end of a new FIFO, and the other in *fdp. */
static int
write_fifo(int *fdp)
{
	int r;

	ATF_REQUIRE(mkfifo("fifo", 0600) == 0);
	ATF_REQUIRE((r = open("fifo", O_RDONLY | O_NONBLOCK)) != -1);
	ATF_REQUIRE((*fdp = open("fifo", O_WRONLY | O_NONBLOCK)) != -1);
	return (r);
}

EVT_TC(fifo__readers_come_and_go, "KQ-146",
    "EV_EOF when the last reader closes, and room again with a new reader")
{
	struct kevent ev;
	int fd, i, kq, r;

	kq = evt_kq();
	r = write_fifo(&fd);
	write_add(kq, fd, 0);
	for (i = 0; i < 3; i++) {
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.ident == (uintptr_t)fd);
		ATF_REQUIRE(evt_flags(&ev) == 0 && ev.data > 0);
		evt_close(r);
		evt_one(kq, &ev);
		ATF_REQUIRE((ev.flags & EV_EOF) != 0);
		ATF_REQUIRE((r = open("fifo", O_RDONLY | O_NONBLOCK)) != -1);
	}
	evt_close(r);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(fifo__new_reader_by_edge, "KQ-146 KQ-092 KQ-093",
    "EV_CLEAR: the end is told once, and the next reader wakes whoever waits")
{
	struct kevent ev;
	int fd, i, kq, other, r;

	kq = evt_kq();
	r = write_fifo(&fd);
	write_add(kq, fd, EV_CLEAR);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.ident == (uintptr_t)fd);
		ATF_REQUIRE(evt_flags(&ev) == EV_CLEAR && ev.data > 0);
		evt_still(kq);
		evt_close(r);
		evt_one(kq, &ev);
		ATF_REQUIRE(evt_flags(&ev) == (EV_CLEAR | EV_EOF));
		evt_still(kq);
		ATF_REQUIRE((r = open("fifo", O_RDONLY | O_NONBLOCK)) != -1);
	}
	evt_one(kq, &ev);
	/* Another beside it is none that was waited for. */
	ATF_REQUIRE((other = open("fifo", O_RDONLY | O_NONBLOCK)) != -1);
	evt_still(kq);
	evt_close(other);
	evt_close(r);
	evt_one(kq, &ev);
	/* To add it again asks again. */
	write_add(kq, fd, EV_CLEAR);
	evt_one(kq, &ev);
	ATF_REQUIRE(evt_flags(&ev) == (EV_CLEAR | EV_EOF));
	evt_still(kq);
	ATF_REQUIRE((r = open("fifo", O_RDONLY | O_NONBLOCK)) != -1);
	if (strcmp(evt_backend(), "linux") == 0)
		ATF_REQUIRE_EQ(1, evt_poll(kq, &ev, 1));
	else
		evt_one(kq, &ev);
	ATF_REQUIRE_EQ(EV_CLEAR, evt_flags(&ev));
	evt_close(r);
	evt_one(kq, &ev);
	evt_change(kq, fd, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
	ATF_REQUIRE((r = open("fifo", O_RDONLY | O_NONBLOCK)) != -1);
	evt_idle(kq);
	evt_close(r);
	evt_close(fd);
	evt_close(kq);
}

/* ---- files, devices, terminals ----------------------------------------- */

EVT_TC(file__always_ready, "KQ-147 KQ-091 KQ-092 KQ-095",
    "A regular file and the null device fire at every call, or once in the "
    "one-time modes; data is 0 for a file")
{
	static const unsigned int modes[] = {
		0, EV_CLEAR, EV_ONESHOT, EV_DISPATCH
	};
	char path[EVT_PATH_MAX];
	struct kevent ev;
	int error, fd, i, j, kq;

	kq = evt_kq();
	for (i = 0; i < 2 * EVT_NITEMS(modes); i++) {
		unsigned int mode = modes[i / 2];

		fd = i % 2 == 0 ? evt_tmpfile(path) :
		    open("/dev/null", O_WRONLY);
		ATF_REQUIRE(fd != -1);
		error = evt_change_errno(kq, fd, EVFILT_WRITE, EV_ADD | mode,
		    0, 0, NULL);
		if (error != 0) {
			ATF_REQUIRE(evt_native());
			evt_close(fd);
			continue;
		}
		for (j = 0; j < (mode == 0 ? 3 : 1); j++) {
			evt_one(kq, &ev);
			ATF_REQUIRE(ev.ident == (uintptr_t)fd);
			ATF_REQUIRE_EQ(evt_flags(&ev), mode);
			if (!evt_native() && i % 2 == 0)
				ATF_REQUIRE_EQ(ev.data, 0);
		}
		if (mode != 0)
			evt_still(kq);
		else
			ATF_REQUIRE(evt_readable(kq, 0));
		evt_close(fd);
	}
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(terminal__room, "KQ-149",
    "A terminal that takes output fires with room in data")
{
	const char *name;
	struct kevent ev;
	int kq, master, slave;

	if ((master = posix_openpt(O_RDWR | O_NOCTTY)) == -1 ||
	    grantpt(master) == -1 || unlockpt(master) == -1 ||
	    (name = ptsname(master)) == NULL ||
	    (slave = open(name, O_RDWR | O_NOCTTY)) == -1)
		atf_tc_skip("no pseudo terminal: %s", strerror(errno));
	kq = evt_kq();
	write_add(kq, slave, 0);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.ident == (uintptr_t)slave && evt_flags(&ev) == 0);
	ATF_REQUIRE(ev.data > 0);
	(void)write_fill(slave);
	evt_idle(kq);
	(void)evt_drain(master);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.data > 0);
	evt_change(kq, slave, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
	write_add(kq, slave, EV_CLEAR);
	evt_one(kq, &ev);
	evt_close(master);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(EV_CLEAR | EV_EOF, evt_flags(&ev));
	evt_close(slave);
	evt_close(kq);
}

/* ---- EVFILT_EMPTY ------------------------------------------------------ */

EVT_TC(empty__when_all_is_sent, "KQ-150",
    "EVFILT_EMPTY fires for an idle socket, is silent while bytes wait to be "
    "sent, and fires once the peer has taken them")
{
#ifndef EVFILT_EMPTY
	atf_tc_skip("this system has no EVFILT_EMPTY");
#else
	static const unsigned int modes[] = {
		0, EV_CLEAR, EV_ONESHOT, EV_DISPATCH
	};
	struct kevent ev;
	int64_t end;
	int i, kq, n, s[2];

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(modes); i++) {
		write_pair(AF_INET, s);
		evt_change(kq, s[0], EVFILT_EMPTY, EV_ADD | modes[i], 0, 0,
		    NULL);
		evt_one(kq, &ev);
		ATF_REQUIRE(ev.ident == (uintptr_t)s[0] &&
		    ev.filter == EVFILT_EMPTY);
		ATF_REQUIRE_EQ(evt_flags(&ev), modes[i]);
		if (modes[i] != 0)
			evt_still(kq);
		if (modes[i] == EV_CLEAR) {
			/* To add it again asks again. */
			evt_change(kq, s[0], EVFILT_EMPTY, EV_ADD | EV_CLEAR,
			    0, 0, NULL);
			evt_one(kq, &ev);
		} else
			(void)evt_change_errno(kq, s[0], EVFILT_EMPTY,
			    EV_DELETE, 0, 0, NULL);
		(void)write_fill(s[0]);
		if (modes[i] != EV_CLEAR)
			evt_change(kq, s[0], EVFILT_EMPTY, EV_ADD | modes[i],
			    0, 0, NULL);
		evt_idle(kq);
		/* The rest arrives in parts. */
		end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
		do
			(void)evt_drain(s[1]);
		while ((n = evt_poll(kq, &ev, 1)) == 0 &&
		    evt_now_ns() < end);
		ATF_REQUIRE_EQ_MSG(n, 1, "mode %#x: no event", modes[i]);
		ATF_REQUIRE_EQ(ev.filter, EVFILT_EMPTY);
		ATF_REQUIRE_EQ(evt_flags(&ev), modes[i]);
		if (modes[i] != 0)
			evt_still(kq);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
#endif
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, socket__room);
	EVT_TP_ADD_TC(tp, socket__full);
	EVT_TP_ADD_TC(tp, socket__filled_after_the_event);
	EVT_TP_ADD_TC(tp, socket__drain_wakes_a_waiter);
	EVT_TP_ADD_TC(tp, socket__edge);
	EVT_TP_ADD_TC(tp, socket__low_water_mark);
	EVT_TP_ADD_TC(tp, socket__low_water_mark_edge);
	EVT_TP_ADD_TC(tp, eof__own_shutdown);
	EVT_TP_ADD_TC(tp, eof__peer_of_a_unix_stream);
	EVT_TP_ADD_TC(tp, eof__reset);
	EVT_TP_ADD_TC(tp, eof__not_for_a_half_close);
	EVT_TP_ADD_TC(tp, dgram__ready_unconnected);
	EVT_TP_ADD_TC(tp, pipe__room);
	EVT_TP_ADD_TC(tp, pipe__edge);
	EVT_TP_ADD_TC(tp, pipe__reader_gone);
	EVT_TP_ADD_TC(tp, pipe__low_water_mark);
	EVT_TP_ADD_TC(tp, pipe__added_without_reader);
	EVT_TP_ADD_TC(tp, fifo__readers_come_and_go);
	EVT_TP_ADD_TC(tp, fifo__new_reader_by_edge);
	EVT_TP_ADD_TC(tp, file__always_ready);
	EVT_TP_ADD_TC(tp, terminal__room);
	EVT_TP_ADD_TC(tp, empty__when_all_is_sent);
	return (atf_no_error());
}
