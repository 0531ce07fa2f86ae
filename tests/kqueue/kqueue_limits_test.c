/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Bad input, large numbers of everything, errno, and the header's macro.
 */
#include "config.h"

#include "evt.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <dirent.h>
#include <limits.h>

/* ---- bad input -------------------------------------------------------- */

static const int fd_filters[] = { EVFILT_READ, EVFILT_WRITE, EVFILT_VNODE,
#ifdef EVFILT_EXCEPT
    EVFILT_EXCEPT,
#endif
#ifdef EVFILT_EMPTY
    EVFILT_EMPTY,
#endif
#ifdef EVFILT_PROCDESC
    EVFILT_PROCDESC,
#endif
};

EVT_TC(ident__no_descriptor, "KQ-253",
    "An ident that can be no open descriptor is EBADF, never cut short")
{
	int fd, i, j, kq, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	kq = evt_kq();
	ATF_REQUIRE((fd = dup(p[0])) != -1);
	evt_close(fd);
	for (i = 0; i < EVT_NITEMS(fd_filters); i++) {
		const uintptr_t idents[] = { (uintptr_t)-1, (uintptr_t)fd,
		    (uintptr_t)INT_MAX, (uintptr_t)INT_MAX + 1, UINT32_MAX,
		    UINTPTR_MAX - 1, (uintptr_t)INTPTR_MIN,
#if UINTPTR_MAX > UINT32_MAX
		    ((uintptr_t)1 << 32) | (uintptr_t)p[0],
		    ((uintptr_t)0xdeadbeef << 32) | (uintptr_t)p[1],
#endif
		};

		for (j = 0; j < EVT_NITEMS(idents); j++) {
			ATF_REQUIRE_MSG(evt_change_errno(kq, idents[j],
			    fd_filters[i], EV_ADD, NOTE_WRITE, 0, NULL) ==
			    EBADF, "filter %d, ident %#jx", fd_filters[i],
			    (uintmax_t)idents[j]);
			ATF_REQUIRE_EQ(evt_change_errno(kq, idents[j],
			    fd_filters[i], EV_DELETE, 0, 0, NULL), EBADF);
		}
	}
	evt_none(kq);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(ident__test_of_libevent, "KQ-253 KQ-039",
    "ident -1 with a NULL time-out gives its EV_ERROR entry at once")
{
	struct kevent ch, ev[2];
	int kq, n;

	/* libevent adds one that works before it. */
	kq = evt_kq();
	memset(&ch, 0, sizeof(ch));
	ch.ident = (__typeof__(ch.ident))-1;
	ch.filter = EVFILT_READ;
	ch.flags = EV_ADD;
	n = kevent(kq, &ch, 1, ev, 2, NULL);
	ATF_REQUIRE_EQ(n, 1);
	ATF_REQUIRE_EQ((int)ev[0].ident, -1);
	ATF_REQUIRE((ev[0].flags & EV_ERROR) != 0);
	ATF_REQUIRE_EQ(ev[0].data, EBADF);
	evt_close(kq);
}

#ifndef __NetBSD__
EVT_TC(filter__unknown, "KQ-254",
    "An unknown filter, 0 included, is EINVAL")
{
	static const int filters[] = { -1000, 5, 1, 0, -100, -63, -65, -128,
	    -256, -257, SHRT_MAX, SHRT_MIN, SHRT_MIN + 1, 64 };
	static const unsigned int flags[] = { EV_ADD, EV_DELETE, EV_ENABLE, 0,
	    EV_ADD | EV_ONESHOT };
	int i, j, kq;

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(filters); i++)
		for (j = 0; j < EVT_NITEMS(flags); j++) {
#ifdef __FreeBSD__
			if (filters[i] == 0)	/* skipped there */
				continue;
#endif
			ATF_REQUIRE_MSG(evt_change_errno(kq, 1, filters[i],
			    flags[j], 0, 0, NULL) == EINVAL, "filter %d",
			    filters[i]);
		}
	evt_close(kq);
}
#endif

EVT_TC(filter__wrong_kind, "KQ-255",
    "A filter that does not fit the descriptor is refused, nothing is left")
{
	struct {
		int	fd;
		int	filter;
	} bad[12];
	char path[EVT_PATH_MAX];
	int error, file, i, kq, n = 0, p[2], s[2];

	evt_pipe(p);
	evt_sockpair(s, SOCK_STREAM);
	file = evt_tmpfile(path);
	bad[n].fd = p[0];
	bad[n++].filter = EVFILT_VNODE;
	bad[n].fd = p[1];
	bad[n++].filter = EVFILT_VNODE;
	bad[n].fd = s[0];
	bad[n++].filter = EVFILT_VNODE;
#ifdef EVFILT_EXCEPT
	bad[n].fd = p[0];
	bad[n++].filter = EVFILT_EXCEPT;
	bad[n].fd = file;
	bad[n++].filter = EVFILT_EXCEPT;
#endif
#ifdef EVFILT_EMPTY
	bad[n].fd = p[1];
	bad[n++].filter = EVFILT_EMPTY;
	bad[n].fd = file;
	bad[n++].filter = EVFILT_EMPTY;
#endif
#ifdef EVFILT_PROCDESC
	bad[n].fd = p[0];
	bad[n++].filter = EVFILT_PROCDESC;
	bad[n].fd = s[0];
	bad[n++].filter = EVFILT_PROCDESC;
	bad[n].fd = file;
	bad[n++].filter = EVFILT_PROCDESC;
#endif
	kq = evt_kq();
	for (i = 0; i < n; i++) {
		error = evt_change_errno(kq, bad[i].fd, bad[i].filter,
		    EV_ADD | EV_CLEAR, NOTE_WRITE, 0, NULL);
		ATF_REQUIRE_MSG(error == EOPNOTSUPP || (evt_native() &&
		    (error == EINVAL || error == EPERM || error == ENODEV ||
		    error == ENOTSUP)), "case %d: %d", i, error);
		ATF_REQUIRE_EQ(evt_change_errno(kq, bad[i].fd, bad[i].filter,
		    EV_DELETE, 0, 0, NULL), ENOENT);
	}
	evt_write(p[1], 1);
	evt_write(file, 1);
	evt_none(kq);
	evt_close(kq);
	evt_close(file);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(s[0]);
	evt_close(s[1]);
}

#ifndef __APPLE__
EVT_TC(flags__unknown_bits, "KQ-256",
    "Unknown bits in flags and fflags are ignored")
{
	struct kevent ev[4];
	char path[EVT_PATH_MAX];
	int file, kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	file = evt_tmpfile(path);
	kq = evt_kq();
	evt_change(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR | 0x0400 | 0x0800,
	    0x00ff0000, 0, NULL);
	evt_change(kq, s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR | 0x0400,
	    0x00ff0000, 0, NULL);
	evt_change(kq, file, EVFILT_VNODE, EV_ADD | EV_CLEAR,
	    NOTE_WRITE | 0x00ff0000, 0, NULL);
	evt_change(kq, getpid(), EVFILT_PROC, EV_ADD, NOTE_EXIT | 0x00f00000,
	    0, NULL);
	evt_one(kq, ev);
	ATF_REQUIRE_EQ(ev[0].filter, EVFILT_WRITE);
	evt_write(s[1], 1);
	evt_one(kq, ev);
	ATF_REQUIRE_EQ(ev[0].filter, EVFILT_READ);
	ATF_REQUIRE_EQ(ev[0].fflags, 0);
	evt_write(file, 1);
	evt_one(kq, ev);
	EVT_EVENT(&ev[0], file, EVFILT_VNODE, EV_CLEAR, NOTE_WRITE, 0);
	evt_none(kq);
	evt_close(kq);
	evt_close(file);
	evt_close(s[0]);
	evt_close(s[1]);
}
#endif

#ifndef __NetBSD__
EVT_TC(length__negative, "KQ-257",
    "A negative list length is EINVAL and nothing happens")
{
	struct kevent ch, ev;
	struct timespec zero = { 0, 0 };
	int i, kq;
	static const int lengths[] = { -1, INT_MIN, -1000 };

	kq = evt_kq();
	EV_SET(&ch, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	for (i = 0; i < EVT_NITEMS(lengths); i++) {
		errno = 0;
		ATF_REQUIRE_EQ(kevent(kq, &ch, lengths[i], &ev, 1, &zero), -1);
		ATF_REQUIRE_EQ(errno, EINVAL);
#if !defined(__OpenBSD__) && !defined(__APPLE__) && !defined(__DragonFly__)
		errno = 0;
		ATF_REQUIRE_EQ(kevent(kq, NULL, 0, &ev, lengths[i], &zero),
		    -1);
		ATF_REQUIRE_EQ(errno, EINVAL);
		errno = 0;
		ATF_REQUIRE_EQ(kevent(kq, &ch, 1, &ev, lengths[i], NULL), -1);
		ATF_REQUIRE_EQ(errno, EINVAL);
		ATF_REQUIRE_EQ(evt_change_errno(kq, 1, EVFILT_USER, EV_DELETE,
		    0, 0, NULL), evt_native() ? 0 : ENOENT);
#endif
	}
	evt_none(kq);
	evt_close(kq);
}
#endif

/* ---- large numbers ---------------------------------------------------- */

static int
count_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 3000; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return (n);
}

EVT_TC(many__changes_and_knotes, "KQ-258",
    "Ten thousand changes in one call, ten thousand knotes in one queue")
{
	enum { N = 10000 };
	static struct kevent ch[N], ev[N];
	static unsigned char seen[N];
	int fds, i, kq, n, round;

	kq = evt_kq();
	evt_change(kq, N, EVFILT_USER, EV_ADD, 0, 0, NULL);
	fds = count_fds();
	for (i = 0; i < N; i++)
		EV_SET(&ch[i], (uintptr_t)i * 0x10001, EVFILT_USER,
		    EV_ADD | EV_CLEAR, 0, 0, &seen[i]);
	ATF_REQUIRE_EQ(kevent(kq, ch, N, NULL, 0, NULL), 0);
	evt_none(kq);
	for (i = 0; i < N; i++) {
		ch[i].flags = 0;
		ch[i].fflags = NOTE_TRIGGER;
	}
	for (round = 0; round < 2; round++) {
		memset(seen, 0, sizeof(seen));
		n = evt_kevent_ms(kq, ch, N, ev, N, EVT_WAIT_MS);
		ATF_REQUIRE_EQ(n, N);
		for (i = 0; i < N; i++) {
			unsigned char *flag = (unsigned char *)
			    (uintptr_t)ev[i].udata;

			ATF_REQUIRE(*flag == 0);
			*flag = 1;
		}
	}
	evt_none(kq);

	/* All of them in receipts, and none costs a descriptor. */
	for (i = 0; i < N; i++)
		ch[i].flags = EV_DELETE | EV_RECEIPT;
	ATF_REQUIRE_EQ(kevent(kq, ch, N, ev, N, NULL), N);
	ATF_REQUIRE(count_fds() <= fds + 2);
	evt_close(kq);
}

EVT_TC(many__timers, "KQ-258 KQ-209",
    "Ten thousand timers run at once and cost no descriptor each")
{
	enum { N = 10000 };
	static struct kevent ch[N], ev[N];
	int fds, i, kq, left, n;

	kq = evt_kq();
	fds = count_fds();
	for (i = 0; i < N; i++)
		EV_SET(&ch[i], (uintptr_t)i, EVFILT_TIMER, EV_ADD | EV_ONESHOT,
		    0, 100 + i % 50, NULL);
	ATF_REQUIRE_EQ(kevent(kq, ch, N, NULL, 0, NULL), 0);
	ATF_REQUIRE(count_fds() <= fds + 2);
	for (left = N; left > 0; left -= n) {
		n = evt_get(kq, ev, N);
		ATF_REQUIRE_MSG(n > 0, "%d timers are missing", left);
		for (i = 0; i < n; i++)
			ATF_REQUIRE_EQ(ev[i].data, 1);
	}
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(many__file_watches, "KQ-258",
    "Hundreds of file watches share one inner descriptor")
{
	enum { N = 400 };
	struct kevent ev[4];
	char path[EVT_PATH_MAX];
	int base, fds[N], i, kq;

	kq = evt_kq();
	for (i = 0; i < N; i++)
		fds[i] = evt_tmpfile(path);
	base = count_fds();
	for (i = 0; i < N; i++)
		evt_change(kq, fds[i], EVFILT_VNODE, EV_ADD | EV_CLEAR,
		    NOTE_WRITE, 0, NULL);
	ATF_REQUIRE_MSG(count_fds() <= base + 4, "%d more descriptors",
	    count_fds() - base);
	for (i = 0; i < N; i += 57) {
		evt_write(fds[i], 1);
		evt_one(kq, ev);
		EVT_EVENT(&ev[0], fds[i], EVFILT_VNODE, EV_CLEAR, NOTE_WRITE,
		    0);
	}
	evt_close(kq);
	for (i = 0; i < N; i++)
		evt_close(fds[i]);
}

EVT_TC(many__descriptors, "KQ-258 KQ-059",
    "Descriptors and queues above 1024 are as good as those below")
{
	enum { N = 1200, HIGH = 1300 };
	static struct kevent ch[N], ev[N];
	struct rlimit rl;
	int first, i, kq, n, p[2];

	ATF_REQUIRE(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	if (rl.rlim_max < HIGH + N + 100)
		atf_tc_skip("the descriptor limit is below %d",
		    HIGH + N + 100);
	if (rl.rlim_cur < HIGH + N + 100) {
		rl.rlim_cur = HIGH + N + 100;
		ATF_REQUIRE(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	}
	evt_pipe(p);
	first = evt_kq();
	ATF_REQUIRE((kq = fcntl(first, F_DUPFD, HIGH)) >= HIGH);
	evt_close(first);
	for (i = 0; i < N; i++) {
		int fd;

		ATF_REQUIRE((fd = fcntl(p[0], F_DUPFD, HIGH + 1)) > HIGH);
		EV_SET(&ch[i], fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
	}
	ATF_REQUIRE_EQ(kevent(kq, ch, N, NULL, 0, NULL), 0);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 60000, NULL);
	evt_none(kq);
	evt_write(p[1], 1);
	for (n = 0; n < N;) {
		i = evt_get(kq, ev, N);
		ATF_REQUIRE_MSG(i > 0, "%d of %d", n, N);
		while (i-- > 0)
			n += !evt_again(kq, &ev[i]);
	}
	evt_still(kq);
	for (i = 0; i < N; i++)
		evt_close((int)ch[i].ident);
	evt_none(kq);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(many__queues, "KQ-258 KQ-001",
    "Three hundred queues, each with a bit of everything")
{
	enum { N = 300 };
	struct kevent ev[4];
	int i, kqs[N], p[2];

	evt_pipe(p);
	for (i = 0; i < N; i++) {
		kqs[i] = evt_kq();
		evt_change(kqs[i], p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
		evt_change(kqs[i], 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
		evt_change(kqs[i], 1, EVFILT_TIMER, EV_ADD, 0, 60000, NULL);
	}
	evt_write(p[1], 1);
	for (i = 0; i < N; i++) {
		evt_change(kqs[i], 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
		ATF_REQUIRE_EQ(evt_get(kqs[i], ev, 4), 2);
	}
	ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
	for (i = 0; i < N; i++) {
		ATF_REQUIRE_EQ(evt_poll(kqs[i], ev, 4), 0);
		evt_close(kqs[i]);
	}
	evt_close(p[0]);
	evt_close(p[1]);
}

#ifdef __linux__
/* Threads of this process. */
static int
count_threads(void)
{
	struct dirent *de;
	DIR *dir;
	int n = 0;

	ATF_REQUIRE((dir = opendir("/proc/self/task")) != NULL);
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.';
	(void)closedir(dir);
	return (n);
}

static void
no_work(void *arg)
{
	(void)arg;
}

EVT_TC(threads__none, "",
    "No filter brings a helper thread; portable mechanisms have one")
{
	struct evt_thread first;
	struct kevent ev[8];
	char path[EVT_PATH_MAX];
	int base, file, i, kq, p[2];

	/* A sanitizer may have one of its own, from the first thread on. */
	evt_thread_start(&first, no_work, NULL);
	evt_thread_join(&first);
	base = count_threads();
	evt_pipe(p);
	file = evt_tmpfile(path);
	for (i = 0; i < 3; i++) {
		kq = evt_kq();
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
		evt_change(kq, p[1], EVFILT_WRITE, EV_ADD, 0, 0, NULL);
		evt_change(kq, file, EVFILT_READ, EV_ADD, 0, 0, NULL);
		evt_change(kq, file, EVFILT_VNODE, EV_ADD | EV_CLEAR,
		    NOTE_WRITE, 0, NULL);
		evt_change(kq, getpid(), EVFILT_PROC, EV_ADD, NOTE_EXIT, 0,
		    NULL);
		evt_change(kq, SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
		evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 1, NULL);
		evt_change(kq, 1, EVFILT_USER, EV_ADD, NOTE_TRIGGER, 0, NULL);
		evt_write(file, 1);
		ATF_REQUIRE(evt_get(kq, ev, 8) > 0);
		ATF_REQUIRE_MSG(count_threads() <= base +
		    (strcmp(evt_backend(), "poll") == 0), "%d threads",
		    count_threads());
		evt_close(kq);
	}
	evt_close(file);
	evt_close(p[0]);
	evt_close(p[1]);
}
#endif

/* ---- memory, errno, EV_SET -------------------------------------------- */

#if defined(RLIMIT_AS) && !defined(EVT_SANITIZED)
EVT_TC(memory__none_for_what_is_not_open, "KQ-253 KQ-259",
    "A number that is not open costs no memory, however high it is")
{
	struct rlimit old, rl;
	int error, kq;

	kq = evt_kq();
	evt_change(kq, 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	ATF_REQUIRE(getrlimit(RLIMIT_AS, &old) == 0);
	rl = old;
	rl.rlim_cur = 1 << 20;
	if (setrlimit(RLIMIT_AS, &rl) == -1)
		atf_tc_skip("the address space cannot be limited");
	error = evt_change_errno(kq, INT_MAX, EVFILT_READ, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE(setrlimit(RLIMIT_AS, &old) == 0);
	ATF_REQUIRE_EQ(EBADF, error);
	evt_close(kq);
}

EVT_TC(memory__none_left, "KQ-259 KQ-036",
    "Without memory a change is ENOMEM, and the queue stays usable")
{
	static struct kevent ch[3], ev[3];
	struct rlimit old, rl;
	int error = 0, kq, p[2];
	uintptr_t n;

	evt_pipe(p);
	kq = evt_kq();
	evt_change(kq, 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	ATF_REQUIRE(getrlimit(RLIMIT_AS, &old) == 0);
	rl = old;
	rl.rlim_cur = 1 << 20;
	if (setrlimit(RLIMIT_AS, &rl) == -1)
		atf_tc_skip("the address space cannot be limited");
	for (n = 1; n < 4000000 && error == 0; n++)
		error = evt_change_errno(kq, n, EVFILT_USER, EV_ADD, 0, 0,
		    NULL);
	ATF_REQUIRE_MSG(error == ENOMEM, "knote %ju: %d", (uintmax_t)n, error);

	/* The bad change among good ones, without any memory. */
	EV_SET(&ch[0], 1, EVFILT_USER, EV_DELETE, 0, 0, NULL);
	EV_SET(&ch[1], 77, -1000, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[2], 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	ATF_REQUIRE_EQ(kevent(kq, ch, 3, ev, 3, NULL), 1);
	EVT_ERROR(&ev[0], 77, -1000, EINVAL);
	evt_one(kq, &ev[0]);
	EVT_EVENT(&ev[0], 0, EVFILT_USER, EV_CLEAR, 0, 0);
	ATF_REQUIRE(setrlimit(RLIMIT_AS, &old) == 0);
	evt_change(kq, n, EVFILT_USER, EV_ADD, 0, 0, NULL);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_write(p[1], 1);
	evt_one(kq, &ev[0]);
	EVT_EVENT(&ev[0], p[0], EVFILT_READ, 0, 0, 1);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}
#endif

EVT_TC(errno__left_alone, "KQ-260",
    "Calls that succeed leave errno alone")
{
	static const int values[] = { 0, 77, EINTR, -1 };
	struct kevent ch[8], ev[8];
	struct timespec zero = { 0, 0 }, ms = { 0, 1000000 };
	char path[EVT_PATH_MAX];
	int file, i, kq, n, p[2];

	for (i = 0; i < EVT_NITEMS(values); i++) {
		evt_pipe(p);
		file = evt_tmpfile(path);
		n = 0;
		errno = values[i];
		ATF_REQUIRE((kq = kqueue()) != -1);
		ATF_REQUIRE_EQ(errno, values[i]);
		EV_SET(&ch[n++], p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
		EV_SET(&ch[n++], p[1], EVFILT_WRITE, EV_ADD, 0, 0, NULL);
		EV_SET(&ch[n++], file, EVFILT_READ, EV_ADD, 0, 0, NULL);
		EV_SET(&ch[n++], file, EVFILT_VNODE, EV_ADD, NOTE_WRITE, 0,
		    NULL);
		EV_SET(&ch[n++], 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
		EV_SET(&ch[n++], 1, EVFILT_TIMER, EV_ADD, 0, 1, NULL);
		EV_SET(&ch[n++], SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
		EV_SET(&ch[n++], getpid(), EVFILT_PROC, EV_ADD, NOTE_EXIT, 0,
		    NULL);
		ATF_REQUIRE_EQ(evt_kevent(kq, ch, n, NULL, 0, NULL), 0);
		ATF_REQUIRE_EQ(errno, values[i]);
		ATF_REQUIRE_EQ(kevent(kq, NULL, 0, ev, 1, &ms), 1);
		ATF_REQUIRE_EQ(errno, values[i]);
		evt_write(p[1], 1);
		evt_write(file, 1);
		evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
		errno = values[i];
		ATF_REQUIRE(kevent(kq, NULL, 0, ev, 8, NULL) > 1);
		ATF_REQUIRE_EQ(errno, values[i]);
		ATF_REQUIRE(kevent(kq, NULL, 0, ev, 1, &zero) >= 0);
		ATF_REQUIRE_EQ(errno, values[i]);
		for (n = 0; n < 8; n++)
			ch[n].flags = EV_DISABLE;
		ATF_REQUIRE_EQ(evt_kevent(kq, ch, 8, NULL, 0, NULL), 0);
		ATF_REQUIRE_EQ(errno, values[i]);
		ATF_REQUIRE_EQ(kevent(kq, NULL, 0, ev, 1, &ms), 0);
		ATF_REQUIRE_EQ(errno, values[i]);
		for (n = 0; n < 8; n++)
			ch[n].flags = EV_DELETE | EV_RECEIPT;
		ATF_REQUIRE_EQ(evt_kevent(kq, ch, 8, ev, 8, NULL), 8);
		ATF_REQUIRE_EQ(errno, values[i]);
		for (n = 0; n < 8; n++)
			ATF_REQUIRE_EQ(ev[n].data, 0);
		ATF_REQUIRE_EQ(kevent(kq, ch, 1, ev, 8, NULL), 1);
		ATF_REQUIRE_EQ(errno, values[i]);
		ATF_REQUIRE_EQ(ev[0].data, ENOENT);
		evt_close(kq);
		evt_close(file);
		evt_close(p[0]);
		evt_close(p[1]);
	}
}

EVT_TC(ev_set__arguments, "KQ-261",
    "EV_SET evaluates each argument once, whatever variables it uses")
{
	struct kevent list[4], *kevp = list, *ev = list;
	int a = 1, b = 2, ident = 10, c = 3, d = 4;
	void *udata = &a;

	memset(list, 0xff, sizeof(list));
	EV_SET(kevp++, ident++, EVFILT_USER, EV_ADD | (a++ == 1 ? EV_CLEAR :
	    EV_ONESHOT), (unsigned int)b++, c++, (d++, udata));
	ATF_REQUIRE(kevp == &list[1]);
	ATF_REQUIRE_EQ(ident, 11);
	ATF_REQUIRE_EQ(a, 2);
	ATF_REQUIRE_EQ(b, 3);
	ATF_REQUIRE_EQ(c, 4);
	ATF_REQUIRE_EQ(d, 5);
	ATF_REQUIRE_EQ(list[0].ident, 10);
	ATF_REQUIRE_EQ(list[0].filter, EVFILT_USER);
	ATF_REQUIRE_EQ(list[0].flags, EV_ADD | EV_CLEAR);
	ATF_REQUIRE_EQ(list[0].fflags, 2);
	ATF_REQUIRE_EQ(list[0].data, 3);
	ATF_REQUIRE(list[0].udata == udata);

	/* From the structure that is being set. */
	kevp = list;
	EV_SET(kevp, kevp->ident + 1, kevp->filter, kevp->flags | EV_DISABLE,
	    kevp->fflags + 1, kevp->data + 1, kevp->udata);
	ATF_REQUIRE_EQ(list[0].ident, 11);
	ATF_REQUIRE_EQ(list[0].fflags, 3);
	ATF_REQUIRE_EQ(list[0].data, 4);
	ATF_REQUIRE(list[0].udata == udata);

	/* As an expression without braces, with pointer arithmetic. */
	if (a == 2)
		EV_SET(ev + 3, ident, EVFILT_READ, EV_ADD, 0, -1, NULL);
	else
		EV_SET(ev + 2, ident, EVFILT_READ, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE_EQ(list[3].data, -1);
	ATF_REQUIRE_EQ(list[3].ident, 11);
	ATF_REQUIRE(list[2].ident == UINTPTR_MAX);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, ident__no_descriptor);
	EVT_TP_ADD_TC(tp, ident__test_of_libevent);
#ifndef __NetBSD__
	EVT_TP_ADD_TC(tp, filter__unknown);
#endif
	EVT_TP_ADD_TC(tp, filter__wrong_kind);
#ifndef __APPLE__
	EVT_TP_ADD_TC(tp, flags__unknown_bits);
#endif
#ifndef __NetBSD__
	EVT_TP_ADD_TC(tp, length__negative);
#endif
	EVT_TP_ADD_TC(tp, many__changes_and_knotes);
	EVT_TP_ADD_TC(tp, many__timers);
	EVT_TP_ADD_TC(tp, many__file_watches);
	EVT_TP_ADD_TC(tp, many__descriptors);
	EVT_TP_ADD_TC(tp, many__queues);
#ifdef __linux__
	EVT_TP_ADD_TC(tp, threads__none);
#endif
#if defined(RLIMIT_AS) && !defined(EVT_SANITIZED)
	EVT_TP_ADD_TC(tp, memory__none_left);
	EVT_TP_ADD_TC(tp, memory__none_for_what_is_not_open);
#endif
	EVT_TP_ADD_TC(tp, errno__left_alone);
	EVT_TP_ADD_TC(tp, ev_set__arguments);
	return (atf_no_error());
}
