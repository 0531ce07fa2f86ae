/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_READ on pipes, fifos, terminals, devices and counters.
 */
#include "config.h"

#include "evt.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <poll.h>
#include <termios.h>

#ifdef HAVE_EVENTFD
#include <sys/eventfd.h>
#endif

#define readpipe_add(kq, fd, flags) \
	evt_change(kq, fd, EVFILT_READ, EV_ADD | (flags), 0, 0, NULL)

/* Writers to something without a reader must not end the program. */
static void
readpipe_bytes(int fd, size_t n)
{
	char buf[8192];

	ATF_REQUIRE_EQ(read(fd, buf, n), (ssize_t)n);
}

EVT_TC(pipe__bytes_in_it, "KQ-122 KQ-065 KQ-094",
    "data is the number of bytes in the pipe, over several buffers")
{
	struct kevent ev;
	int i, kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	readpipe_add(kq, p[0], 0);
	evt_none(kq);
	for (i = 1; i <= 3; i++) {
		evt_write(p[1], 5000);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, 0, 0, 5000 * i);
	}
	readpipe_bytes(p[0], 4999);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, p[0], EVFILT_READ, 0, 0, 10001);
	(void)evt_drain(p[0]);
	evt_none(kq);
	ATF_REQUIRE(write(p[1], "", 0) == 0);
	evt_none(kq);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(pipe__end_of_file, "KQ-123",
    "After the last writer: EV_EOF with what remains, on every call, to the "
    "deletion")
{
	struct kevent ev;
	int i, kq, p[2], writer;

	kq = evt_kq();
	evt_pipe(p);
	ATF_REQUIRE((writer = dup(p[1])) != -1);
	readpipe_add(kq, p[0], 0);
	evt_write(p[1], 7);
	evt_close(p[1]);
	evt_one(kq, &ev);	/* one writer is left */
	EVT_EVENT(&ev, p[0], EVFILT_READ, 0, 0, 7);
	evt_close(writer);
	for (i = 0; i < 3; i++) {
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, EV_EOF, 0, 7);
	}
#ifdef EV_NODATA
	ATF_REQUIRE((ev.flags & EV_NODATA) == 0);
#endif
	readpipe_bytes(p[0], 7);
	for (i = 0; i < 3; i++) {
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, EV_EOF, 0, 0);
	}
	evt_change(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	evt_none(kq);
	/* Added at the end of the file, it fires all the same. */
	readpipe_add(kq, p[0], EV_ONESHOT);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, p[0], EVFILT_READ, EV_EOF | EV_ONESHOT, 0, 0);
	evt_none(kq);
	evt_close(p[0]);
	evt_close(kq);
}

EVT_TC(pipe__end_of_file_by_edge, "KQ-123 KQ-264 KQ-093",
    "With EV_CLEAR the last writer's close is one more event, and only one")
{
	struct kevent ev;
	int i, kq, p[2];

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		evt_pipe(p);
		readpipe_add(kq, p[0], EV_CLEAR);
		if (i == 0) {
			evt_write(p[1], 7);
			evt_one(kq, &ev);
			EVT_EVENT(&ev, p[0], EVFILT_READ, EV_CLEAR, 0, 7);
		}
		evt_none(kq);
		evt_close(p[1]);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, EV_CLEAR | EV_EOF, 0,
		    i == 0 ? 7 : 0);
		evt_none(kq);
		evt_close(p[0]);
	}
	evt_close(kq);
}

EVT_TC(pipe__wakes_a_blocked_wait, "KQ-122 KQ-242",
    "Bytes written by a child process end a wait")
{
	struct kevent ev;
	int kq, p[2];
	pid_t pid;

	kq = evt_kq();
	evt_pipe(p);
	readpipe_add(kq, p[0], EV_CLEAR);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)poll(NULL, 0, EVT_QUIET_MS);
		_exit(write(p[1], "abc", 3) == 3 ? 0 : 1);
	}
	evt_one(kq, &ev);
	EVT_EVENT(&ev, p[0], EVFILT_READ, EV_CLEAR, 0, 3);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(pipe__writing_end, "KQ-123",
    "The end for writing is silent for EVFILT_READ until the reader has gone, "
    "which is EV_EOF")
{
	struct kevent ev;
	int error, kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	error = evt_change_errno(kq, p[1], EVFILT_READ, EV_ADD, 0, 0, NULL);
	if (error != 0 && evt_native())
		atf_tc_skip("this system refuses it");
	ATF_REQUIRE_EQ(0, error);
	evt_idle(kq);
	evt_close(p[0]);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, p[1], EVFILT_READ, EV_EOF, 0, 0);
	evt_close(p[1]);
	evt_close(kq);
}

/* ---- fifos ------------------------------------------------------------- */

static int
readpipe_fifo(void)
{
	int fd;

	ATF_REQUIRE(mkfifo("fifo", 0600) == 0);
	ATF_REQUIRE((fd = open("fifo", O_RDONLY | O_NONBLOCK)) != -1);
	return (fd);
}

EVT_TC(fifo__no_writer_so_far, "KQ-124",
    "A fifo that was never opened for writing is silent")
{
	int fd, kq;

	kq = evt_kq();
	fd = readpipe_fifo();
	readpipe_add(kq, fd, 0);
	evt_idle(kq);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(fifo__end_comes_and_goes, "KQ-125 KQ-122",
    "EV_EOF when the last writer has closed; a new writer ends it, then "
    "bytes fire without it")
{
	struct kevent ev;
	int fd, i, kq, w[2];

	kq = evt_kq();
	fd = readpipe_fifo();
	readpipe_add(kq, fd, 0);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE((w[0] = open("fifo", O_WRONLY)) != -1);
		ATF_REQUIRE((w[1] = open("fifo", O_WRONLY)) != -1);
		evt_idle(kq);
		evt_write(w[0], 5);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 5);
		evt_close(w[0]);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 5);
		evt_close(w[1]);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, EV_EOF, 0, 5);
		readpipe_bytes(fd, 5);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, EV_EOF, 0, 0);
	}
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(fifo__end_by_edge, "KQ-125 KQ-093",
    "With EV_CLEAR each end of writing is one event, and bytes of a new "
    "writer are another")
{
	struct kevent ev;
	int fd, i, kq, w;

	kq = evt_kq();
	fd = readpipe_fifo();
	readpipe_add(kq, fd, EV_CLEAR);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE((w = open("fifo", O_WRONLY)) != -1);
		evt_none(kq);
		evt_write(w, 5);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, EV_CLEAR, 0, 5);
		readpipe_bytes(fd, 5);
		evt_none(kq);
		evt_close(w);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, EV_CLEAR | EV_EOF, 0, 0);
		evt_none(kq);
	}
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(fifo__writing_end, "KQ-125 KQ-146",
    "The end for writing has nothing to read, also when no reader is left")
{
	struct kevent ev;
	int error, kq, r, w;

	kq = evt_kq();
	r = readpipe_fifo();
	ATF_REQUIRE((w = open("fifo", O_WRONLY | O_NONBLOCK)) != -1);
	error = evt_change_errno(kq, w, EVFILT_READ, EV_ADD, 0, 0, NULL);
	if (error != 0 && evt_native())
		atf_tc_skip("this system refuses it");
	ATF_REQUIRE_EQ(0, error);
	evt_change(kq, w, EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(EVFILT_WRITE, ev.filter);
	evt_close(r);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(EVFILT_WRITE, ev.filter);
	ATF_REQUIRE((ev.flags & EV_EOF) != 0);
	evt_still(kq);
	evt_change(kq, w, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
	evt_idle(kq);
	evt_change(kq, w, EVFILT_READ, EV_DELETE, 0, 0, NULL);
	evt_close(w);
	evt_close(kq);
}

/* ---- terminals --------------------------------------------------------- */

/* A pseudo terminal: the master's descriptor, and the slave's in *slavep. */
static int
readpipe_pty(int *slavep)
{
	const char *name;
	int master;

	if ((master = posix_openpt(O_RDWR | O_NOCTTY)) == -1 ||
	    grantpt(master) == -1 || unlockpt(master) == -1 ||
	    (name = ptsname(master)) == NULL ||
	    (*slavep = open(name, O_RDWR | O_NOCTTY)) == -1)
		atf_tc_skip("no pseudo terminal: %s", strerror(errno));
	return (master);
}

static void
readpipe_by_lines(int slave, struct termios *tio)
{
	ATF_REQUIRE(tcgetattr(slave, tio) == 0);
	tio->c_lflag |= ICANON;
	tio->c_lflag &= ~(tcflag_t)ECHO;
	ATF_REQUIRE(tcsetattr(slave, TCSANOW, tio) == 0);
}

EVT_TC(terminal__by_lines, "KQ-132",
    "In canonical mode a terminal fires once the line is complete, and data "
    "is what read(2) gives")
{
	struct kevent ev;
	struct termios tio;
	char buf[64];
	int kq, master, slave;

	kq = evt_kq();
	master = readpipe_pty(&slave);
	readpipe_by_lines(slave, &tio);
	readpipe_add(kq, slave, 0);
	ATF_REQUIRE(write(master, "hal", 3) == 3);
	evt_idle(kq);
	ATF_REQUIRE(write(master, "f\n", 2) == 2);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, slave, EVFILT_READ, 0, 0, 5);
	ATF_REQUIRE_EQ(read(slave, buf, sizeof(buf)), 5);
	evt_idle(kq);
	evt_close(master);
	evt_close(slave);
	evt_close(kq);
}

EVT_TC(terminal__by_characters, "KQ-132",
    "In raw mode a terminal and its master count every byte")
{
	struct kevent ev;
	struct termios tio;
	int kq, master, slave;

	kq = evt_kq();
	master = readpipe_pty(&slave);
	ATF_REQUIRE(tcgetattr(slave, &tio) == 0);
	tio.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tio.c_cc[VMIN] = 1;
	tio.c_cc[VTIME] = 0;
	ATF_REQUIRE(tcsetattr(slave, TCSANOW, &tio) == 0);
	readpipe_add(kq, slave, 0);
	evt_none(kq);
	ATF_REQUIRE(write(master, "abc", 3) == 3);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, slave, EVFILT_READ, 0, 0, 3);
	readpipe_bytes(slave, 3);
	evt_none(kq);
	readpipe_add(kq, master, 0);
	ATF_REQUIRE(write(slave, "wxyz", 4) == 4);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, master, EVFILT_READ, 0, 0, 4);
	evt_close(master);
	evt_close(slave);
	evt_close(kq);
}

EVT_TC(terminal__other_side_gone, "KQ-133",
    "A terminal whose other side was closed fires with EV_EOF, either way")
{
	struct kevent ev;
	int i, kq, pty[2];

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		pty[0] = readpipe_pty(&pty[1]);
		readpipe_add(kq, pty[i], 0);
		evt_none(kq);
		evt_close(pty[!i]);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(ev.ident, (uintptr_t)pty[i]);
		ATF_REQUIRE((ev.flags & EV_EOF) != 0);
		evt_one(kq, &ev);
		ATF_REQUIRE((ev.flags & EV_EOF) != 0);
		/* It may be no terminal any more. */
		evt_change(kq, pty[i], EVFILT_READ, EV_DELETE, 0, 0, NULL);
		readpipe_add(kq, pty[i], 0);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, pty[i], EVFILT_READ, EV_EOF, 0, 0);
		evt_close(pty[i]);
	}
	evt_close(kq);
}

EVT_TC(terminal__end_of_file_typed, "KQ-132 KQ-092 KQ-094",
    "A line that is ended by nothing but the end-of-file character is there to "
    "be read, though it has no byte")
{
	static const unsigned int modes[] = { 0, EV_CLEAR, EV_ONESHOT };
	struct kevent ev;
	struct termios tio;
	char buf[8];
	int i, kq, master, slave;

	kq = evt_kq();
	master = readpipe_pty(&slave);
	readpipe_by_lines(slave, &tio);
	for (i = 0; i < EVT_NITEMS(modes); i++) {
		readpipe_add(kq, slave, modes[i]);
		evt_none(kq);
		ATF_REQUIRE(write(master, &tio.c_cc[VEOF], 1) == 1);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, slave, EVFILT_READ, modes[i], 0, 1);
		if (modes[i] == 0)
			evt_one(kq, &ev);
		else
			evt_none(kq);
		ATF_REQUIRE_EQ(0, read(slave, buf, sizeof(buf)));
		evt_idle(kq);
		(void)evt_change_errno(kq, slave, EVFILT_READ, EV_DELETE, 0, 0,
		    NULL);
	}
	evt_close(master);
	evt_close(slave);
	evt_close(kq);
}

EVT_TC(terminal__packet_mode, "KQ-132",
    "In packet mode a master can be read when its terminal's state changes")
{
#ifndef TIOCPKT
	atf_tc_skip("this system has no packet mode");
#else
	struct kevent ev;
	char buf[8];
	int kq, master, on = 1, slave;

	kq = evt_kq();
	master = readpipe_pty(&slave);
	ATF_REQUIRE_EQ(0, ioctl(master, TIOCPKT, &on));
	readpipe_add(kq, master, 0);
	evt_none(kq);
	ATF_REQUIRE_EQ(0, tcflush(slave, TCIOFLUSH));
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(ev.ident, (uintptr_t)master);
	ATF_REQUIRE_EQ(0, evt_flags(&ev));
	ATF_REQUIRE_EQ(1, read(master, buf, sizeof(buf)));
	evt_idle(kq);
	evt_close(master);
	evt_close(slave);
	evt_close(kq);
#endif
}

/* ---- devices and counters ---------------------------------------------- */

EVT_TC(device__always_ready, "KQ-134 KQ-061",
    "The null and zero devices fire at every call with data 0, or cannot be "
    "added")
{
	static const char *const names[] = { "/dev/null", "/dev/zero" };
	struct kevent ev;
	int error, fd, i, j, kq;

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		ATF_REQUIRE((fd = open(names[i], O_RDONLY)) != -1);
		error = evt_change_errno(kq, fd, EVFILT_READ, EV_ADD, 0, 0,
		    NULL);
		if (!evt_native())
			ATF_REQUIRE_EQ(error, 0);
		for (j = 0; error == 0 && j < 3; j++) {
			evt_one(kq, &ev);
			ATF_REQUIRE_EQ(ev.ident, (uintptr_t)fd);
			ATF_REQUIRE_EQ(evt_flags(&ev), 0);
			if (!evt_native())
				ATF_REQUIRE_EQ(ev.data, 0);
		}
		if (error == 0)
			ATF_REQUIRE(evt_readable(kq, 0));
		evt_close(fd);
		evt_idle(kq);
	}
	evt_close(kq);
}

EVT_TC(device__of_unknown_length, "KQ-134",
    "A device that can be read but does not say how much has data all the same")
{
	struct kevent ev;
	struct pollfd pfd;
	int fd, i, kq;

	kq = evt_kq();
	if ((fd = open("/dev/random", O_RDONLY | O_NONBLOCK)) == -1)
		atf_tc_skip("there is no /dev/random");
	pfd.fd = fd;
	pfd.events = POLLIN;
	if (poll(&pfd, 1, 0) != 1 || evt_change_errno(kq, fd, EVFILT_READ,
	    EV_ADD, 0, 0, NULL) != 0)
		atf_tc_skip("/dev/random is not to be waited for");
	for (i = 0; i < 2; i++) {
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(ev.ident, (uintptr_t)fd);
		ATF_REQUIRE_EQ(0, evt_flags(&ev));
		ATF_REQUIRE_MSG(ev.data > 0, "data %jd", (intmax_t)ev.data);
	}
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(device__modes, "KQ-134 KQ-091 KQ-092 KQ-095",
    "EV_CLEAR, EV_ONESHOT and EV_DISPATCH on a device that is always ready "
    "give one event")
{
	static const unsigned int modes[] = {
		EV_CLEAR, EV_ONESHOT, EV_DISPATCH
	};
	struct kevent ev;
	int fd, i, kq;

	kq = evt_kq();
	ATF_REQUIRE((fd = open("/dev/null", O_RDONLY)) != -1);
	for (i = 0; i < EVT_NITEMS(modes); i++) {
		if (evt_change_errno(kq, fd, EVFILT_READ, EV_ADD | modes[i],
		    0, 0, NULL) != 0) {
			evt_close(fd);
			evt_close(kq);
			atf_tc_skip("this system does not watch /dev/null");
		}
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(evt_flags(&ev), modes[i]);
		evt_still(kq);
		(void)evt_change_errno(kq, fd, EVFILT_READ, EV_DELETE, 0, 0,
		    NULL);
	}
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(eventfd__counter, "KQ-135 KQ-093",
    "An eventfd fires while its counter is above 0, and data is the counter")
{
#ifndef HAVE_EVENTFD
	atf_tc_skip("this system has no eventfd");
#else
	struct kevent ev;
	uint64_t value;
	int fd, i, kq;

	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		unsigned int mode = i == 0 ? 0 : EV_CLEAR;

		fd = evt_move(eventfd(0, 0), 200 + i);
		readpipe_add(kq, fd, mode);
		evt_none(kq);
		value = 5;
		ATF_REQUIRE(write(fd, &value, sizeof(value)) == 8);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, mode, 0, 5);
		if (i == 1)
			evt_none(kq);
		value = 300;
		ATF_REQUIRE(write(fd, &value, sizeof(value)) == 8);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, fd, EVFILT_READ, mode, 0, 305);
		ATF_REQUIRE(read(fd, &value, sizeof(value)) == 8);
		ATF_REQUIRE_EQ(value, 305);
		evt_idle(kq);
		evt_close(fd);
	}
	evt_close(kq);
#endif
}

EVT_TC(eventfd__number_reused, "KQ-135 KQ-103",
    "Another eventfd on a closed one's number is a stranger")
{
#ifndef HAVE_EVENTFD
	atf_tc_skip("this system has no eventfd");
#else
	struct kevent ev;
	uint64_t value = 5;
	int fd, kq;

	if (!evt_native() && strcmp(evt_backend(), "poll") == 0)
		atf_tc_skip("portable mechanisms cannot tell one anonymous "
		    "file, such as an eventfd, from another");
	kq = evt_kq();
	fd = evt_move(eventfd(5, 0), 200);
	readpipe_add(kq, fd, 0);
	evt_one(kq, &ev);
	evt_close(fd);
	(void)evt_move(eventfd(9, 0), 200);
	evt_none(kq);
	ATF_REQUIRE_EQ(evt_change_errno(kq, fd, EVFILT_READ, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	readpipe_add(kq, fd, EV_CLEAR);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, EV_CLEAR, 0, 9);
	evt_none(kq);
	ATF_REQUIRE(write(fd, &value, sizeof(value)) == 8);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, EV_CLEAR, 0, 14);
	evt_close(fd);
	evt_close(kq);
#endif
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, pipe__bytes_in_it);
	EVT_TP_ADD_TC(tp, pipe__end_of_file);
	EVT_TP_ADD_TC(tp, pipe__end_of_file_by_edge);
	EVT_TP_ADD_TC(tp, pipe__wakes_a_blocked_wait);
	EVT_TP_ADD_TC(tp, pipe__writing_end);
	EVT_TP_ADD_TC(tp, fifo__no_writer_so_far);
	EVT_TP_ADD_TC(tp, fifo__end_comes_and_goes);
	EVT_TP_ADD_TC(tp, fifo__end_by_edge);
	EVT_TP_ADD_TC(tp, fifo__writing_end);
	EVT_TP_ADD_TC(tp, terminal__by_lines);
	EVT_TP_ADD_TC(tp, terminal__by_characters);
	EVT_TP_ADD_TC(tp, terminal__other_side_gone);
	EVT_TP_ADD_TC(tp, terminal__end_of_file_typed);
	EVT_TP_ADD_TC(tp, terminal__packet_mode);
	EVT_TP_ADD_TC(tp, device__always_ready);
	EVT_TP_ADD_TC(tp, device__of_unknown_length);
	EVT_TP_ADD_TC(tp, device__modes);
	EVT_TP_ADD_TC(tp, eventfd__counter);
	EVT_TP_ADD_TC(tp, eventfd__number_reused);
	return (atf_no_error());
}
