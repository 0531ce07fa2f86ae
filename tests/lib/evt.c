/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evt: the leak check, and the helpers around kevent().
 *
 * Leak check: the open numbers before and after the body must be the same.
 * The library may keep descriptors of its own, of two kinds.  Those of a
 * queue that was closed go when the next is made, so evt_settle() makes and
 * closes two.  Those of the process stay, one set at most, made when first
 * needed.  How many there are is counted by a child process that uses every
 * part of the facility once (ef_touch) before the body; if the body leaves
 * new descriptors behind, this process does so too, and then exactly that
 * many may be new.  So nothing is warmed up before the body and a single lost
 * descriptor is seen.
 *
 * Locks: none.  One case runs per process.
 */
#include "config.h"

#include "evt.h"

#include <sys/wait.h>

#include <dirent.h>
#include <poll.h>
#include <stdarg.h>

#define EVT_MAXFD	65536

static unsigned char evt_before[EVT_MAXFD];
static unsigned char evt_after[EVT_MAXFD];
static int evt_kept;
static const struct evt_facility *evt_facility = &evt_kqueue;

_Noreturn void
evt_fail_at(const char *file, int line, const char *fmt, ...)
{
	char buf[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	atf_tc_fail("%s:%d: %s", file, line, buf);
}

bool
evt_native(void)
{
#ifdef EVANY_SYS_EVENT_H
	return (false);
#else
	return (true);
#endif
}

const char *
evt_backend(void)
{
	const char *names = getenv("EVANY_BACKENDS");

	if (names == NULL)
		names = "";
#ifdef EVANY_BE_KQUEUE
	if (strstr(names, "kqueue") != NULL)
		return ("kqueue");
#endif
#ifdef EVANY_BE_PORTS
	if (strstr(names, "ports") != NULL)
		return ("poll");
#endif
	if (strstr(names, "poll") != NULL && strstr(names, "epoll") == NULL)
		return ("poll");
#if defined(EVANY_BE_EPOLL)
	return ("linux");
#elif defined(EVANY_BE_KQUEUE)
	return ("kqueue");
#else
	return ("poll");
#endif
}

void
evt_skip_stacked(void)
{
#ifdef EVANY_KQUEUE_LIBRARY
	if (strcmp(evt_backend(), "kqueue") == 0)
		atf_tc_skip("%s", EVT_STACKED);
#endif
#ifdef EVANY_PORTS_LIBRARY
	const char *names = getenv("EVANY_BACKENDS");

	if (names != NULL && strstr(names, "ports") != NULL)
		atf_tc_skip("%s", EVT_STACKED);
#endif
}

int
evt_scale(void)
{
	static atomic_int scale;
	const char *s;

	if (atomic_load(&scale) == 0) {
		s = getenv("EVT_SCALE");
		atomic_store(&scale, s != NULL && atoi(s) > 0 ? atoi(s) : 1);
	}
	return (atomic_load(&scale));
}

unsigned long
evt_records_kept(void)
{
	unsigned long most = 0;
	FILE *fp;

	if ((fp = fopen("/proc/sys/fs/inotify/max_queued_events", "r")) !=
	    NULL) {
		if (fscanf(fp, "%lu", &most) != 1)
			most = 0;
		(void)fclose(fp);
	}
	if (most == 0 || most > 100000)
		atf_tc_skip("records are not lost in a reasonable time");
	return (most);
}

/* ---- sanitizers ---- */

void
evt_skip_asan(const char *limit)
{
#ifdef EVT_ASAN
	atf_tc_skip("%s", limit);
#else
	(void)limit;
#endif
}

void
evt_skip_tsan(const char *limit)
{
#ifdef EVT_TSAN
	atf_tc_skip("%s", limit);
#else
	(void)limit;
#endif
}

#ifdef EVT_TSAN
#define EVT_VISIBLE	__attribute__((__visibility__("default")))

const char	*__tsan_default_options(void);

/* Many cases fork, also beside the library's thread of the portable set. */
EVT_VISIBLE const char *
__tsan_default_options(void)
{
	return ("die_after_fork=0:atexit_sleep_ms=100");
}
#endif

/* ---- the leak check ---- */

/* Marks the open descriptors, leaving out the one used to look. */
static void
evt_open_fds(unsigned char *set)
{
	DIR *dir;
	int fd;

	memset(set, 0, EVT_MAXFD);
	if ((dir = opendir("/proc/self/fd")) != NULL) {
		struct dirent *de;

		while ((de = readdir(dir)) != NULL) {
			fd = atoi(de->d_name);
			if (de->d_name[0] != '.' && fd < EVT_MAXFD &&
			    fd != dirfd(dir))
				set[fd] = 1;
		}
		(void)closedir(dir);
		return;
	}
	for (fd = 0; fd < 4096; fd++)
		set[fd] = fcntl(fd, F_GETFD) != -1;
}

/* Uses every kind of filter once, whatever comes of it. */
static void
evt_touch_kqueue(void)
{
	struct kevent ev;
	struct timespec zero = { 0, 0 };
	int dir, kq, p[2];

	if ((kq = kqueue()) == -1)
		return;
	if (pipe(p) == 0) {
		EV_SET(&ev, (uintptr_t)p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
		(void)kevent(kq, &ev, 1, NULL, 0, NULL);
		(void)kevent(kq, NULL, 0, &ev, 1, &zero);
		(void)close(p[0]);
		(void)close(p[1]);
	}
	if ((dir = open(".", O_RDONLY)) != -1) {
		EV_SET(&ev, (uintptr_t)dir, EVFILT_VNODE, EV_ADD | EV_CLEAR,
		    NOTE_WRITE, 0, NULL);
		(void)kevent(kq, &ev, 1, NULL, 0, NULL);
	}
	EV_SET(&ev, (uintptr_t)getpid(), EVFILT_PROC, EV_ADD, NOTE_EXIT, 0,
	    NULL);
	(void)kevent(kq, &ev, 1, NULL, 0, NULL);
	EV_SET(&ev, SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	(void)kevent(kq, &ev, 1, NULL, 0, NULL);
	EV_SET(&ev, 1, EVFILT_TIMER, EV_ADD, 0, 1000, NULL);
	(void)kevent(kq, &ev, 1, NULL, 0, NULL);
#ifdef EVFILT_USER
	EV_SET(&ev, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	(void)kevent(kq, &ev, 1, NULL, 0, NULL);
	EV_SET(&ev, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	(void)kevent(kq, &ev, 1, NULL, 0, NULL);
#endif
	(void)kevent(kq, NULL, 0, &ev, 1, &zero);
	if (dir != -1)
		(void)close(dir);
	(void)close(kq);
}

const struct evt_facility evt_kqueue = {
	.ef_touch = evt_touch_kqueue,
	.ef_make = kqueue,
};

void
evt_settle(void)
{
	int fd, i;

	for (i = 0; i < 2; i++)
		if ((fd = evt_facility->ef_make()) != -1)
			(void)close(fd);
}

/*
 * In a child: how many descriptors does the library keep for the process?  -1 if
 * it does not come to an end in time.
 */
static int
evt_count_in_child(unsigned seconds)
{
	pid_t pid;
	int fd, n, status;

	if ((pid = fork()) == -1)
		return (0);
	if (pid == 0) {
		(void)alarm(seconds);
		evt_open_fds(evt_before);
		evt_facility->ef_touch();
		evt_settle();
		evt_open_fds(evt_after);
		for (fd = n = 0; fd < EVT_MAXFD; fd++)
			n += evt_after[fd] && !evt_before[fd];
		_exit(n);
	}
	if (waitpid(pid, &status, 0) == -1 || !WIFEXITED(status))
		return (-1);
	return (WEXITSTATUS(status));
}

/*
 * The child of a fork beside a thread that is just beginning may find a lock of
 * AddressSanitizer's taken for ever; the next one will not.
 */
static int
evt_count_kept(void)
{
	unsigned seconds;
	int n = -1;

	for (seconds = 2; n == -1 && seconds <= 32; seconds *= 2)
		n = evt_count_in_child(seconds);
	return (n == -1 ? 0 : n);
}

void
evt_begin_with(const struct evt_facility *facility)
{
	evt_facility = facility;
#ifdef EVT_TSAN
	/*
	 * A signal that comes during a thread's first call of this kind is lost
	 * (gcc 12, clang 14): it sets up its own notes of signals then.
	 */
	(void)poll(NULL, 0, 0);
#endif
	(void)signal(SIGPIPE, SIG_IGN);
	evt_kept = evt_count_kept();
	evt_open_fds(evt_before);
}

/* Compares; returns the number of new descriptors, names the difference. */
static int
evt_compare(char *buf, size_t size)
{
	size_t len = 0;
	int fd, n = 0;

	buf[0] = '\0';
	evt_open_fds(evt_after);
	for (fd = 0; fd < EVT_MAXFD; fd++) {
		char link[64] = "", path[64];
		ssize_t got;

		if (evt_before[fd] && !evt_after[fd])
			atf_tc_fail("descriptor %d was open before the case "
			    "and is closed now", fd);
		if (evt_before[fd] || !evt_after[fd])
			continue;
		n++;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if ((got = readlink(path, link, sizeof(link) - 1)) > 0)
			link[got] = '\0';
		if (len < size)
			len += (size_t)snprintf(buf + len, size - len,
			    " %d (%s)", fd, link);
	}
	return (n);
}

/* A helper thread of the library may need a moment to give things up. */
void
evt_end(void)
{
	char buf[512];
	int64_t end;
	int n;

	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	evt_settle();
	if (evt_compare(buf, sizeof(buf)) == 0)
		return;
	if (evt_kept > 0) {
		evt_facility->ef_touch();
		evt_settle();
	}
	while ((n = evt_compare(buf, sizeof(buf))) > evt_kept) {
		if (evt_now_ns() > end)
			atf_tc_fail("%d descriptors left open, %d "
			    "expected:%s", n, evt_kept, buf);
		(void)poll(NULL, 0, 5);
		evt_settle();
	}
}

int
evt_kevent(int kq, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout)
{
#ifdef __NetBSD__
	return (kevent(kq, changes, (size_t)nchanges, events,
	    (size_t)nevents, timeout));
#else
	return (kevent(kq, changes, nchanges, events, nevents, timeout));
#endif
}

struct timespec
evt_ms(int64_t ms)
{
	struct timespec ts;

	ts.tv_sec = (time_t)(ms / 1000);
	ts.tv_nsec = (long)(ms % 1000) * 1000000;
	return (ts);
}

int
evt_kevent_ms(int kq, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, int ms)
{
	struct timespec ts = evt_ms(ms);

	return (evt_kevent(kq, changes, nchanges, events, nevents,
	    ms < 0 ? NULL : &ts));
}

int
evt_kq_at(const char *file, int line)
{
	int kq;

	if ((kq = kqueue()) == -1)
		evt_fail_at(file, line, "kqueue: %s", strerror(errno));
	return (kq);
}

/* EV_SET takes other types on every system; the values always fit. */
static void
evt_set(struct kevent *ev, uintptr_t ident, int filter, unsigned int flags,
    unsigned int fflags, int64_t data, void *udata)
{
	memset(ev, 0, sizeof(*ev));
	ev->ident = ident;
	ev->filter = (__typeof__(ev->filter))filter;
	ev->flags = (__typeof__(ev->flags))flags;
	ev->fflags = fflags;
	ev->data = (__typeof__(ev->data))data;
	ev->udata = (__typeof__(ev->udata))udata;
}

void
evt_change_at(const char *file, int line, int kq, uintptr_t ident, int filter,
    unsigned int flags, unsigned int fflags, int64_t data, void *udata)
{
	struct kevent ev;
	int n;

	evt_set(&ev, ident, filter, flags, fflags, data, udata);
	if ((n = evt_kevent(kq, &ev, 1, NULL, 0, NULL)) == -1)
		evt_fail_at(file, line, "change {%s}: %s", evt_text(&ev),
		    strerror(errno));
	if (n != 0)
		evt_fail_at(file, line, "change {%s}: %d events, no room",
		    evt_text(&ev), n);
}

int
evt_change_errno_at(const char *file, int line, int kq, uintptr_t ident,
    int filter, unsigned int flags, unsigned int fflags, int64_t data,
    void *udata)
{
	struct kevent change, ev;
	int error, n;

	evt_set(&change, ident, filter, flags, fflags, data, udata);
	n = evt_kevent(kq, &change, 1, NULL, 0, NULL);
	if (n == 0)
		return (0);
	if (n != -1)
		evt_fail_at(file, line, "change {%s}: returned %d, no room",
		    evt_text(&change), n);
	error = errno;
	memset(&ev, 0xa5, sizeof(ev));
	n = evt_kevent(kq, &change, 1, &ev, 1, NULL);
	if (n != 1)
		evt_fail_at(file, line, "change {%s}: failed with %s, then "
		    "with room returned %d", evt_text(&change),
		    strerror(error), n);
	if ((ev.flags & EV_ERROR) == 0 || ev.data != error)
		evt_fail_at(file, line, "change {%s}: failed with %s, then "
		    "its entry was {%s}", evt_text(&change), strerror(error),
		    evt_text(&ev));
	return (error);
}

int
evt_get_within(const char *file, int line, int kq, struct kevent *out, int n,
    int ms)
{
	int64_t begun, end, left;
	int got;

	begun = evt_now_ns();
	end = begun + (int64_t)ms * 1000000;
	for (left = ms;; left = (end - begun) / 1000000) {
		got = evt_kevent_ms(kq, NULL, 0, out, n,
		    left > 0 ? (int)left : 0);
		if (got >= 0)
			break;
		if (errno != EINTR)
			evt_fail_at(file, line, "kevent: %s", strerror(errno));
		begun = evt_now_ns();
	}
	if (got > n)
		evt_fail_at(file, line, "kevent returned %d, room was %d",
		    got, n);
	evt_told(kq, out, got, begun);
	return (got);
}

int
evt_get_at(const char *file, int line, int kq, struct kevent *out, int n)
{
	return (evt_get_within(file, line, kq, out, n, EVT_WAIT_MS));
}

int
evt_poll_at(const char *file, int line, int kq, struct kevent *out, int n)
{
	return (evt_get_within(file, line, kq, out, n, 0));
}

void
evt_none_at(const char *file, int line, int kq)
{
	struct kevent ev;

	if (evt_get_within(file, line, kq, &ev, 1, EVT_QUIET_MS) != 0)
		evt_fail_at(file, line, "unexpected event {%s}", evt_text(&ev));
}

void
evt_one_at(const char *file, int line, int kq, struct kevent *out)
{
	struct kevent ev[2];
	int n;

	n = evt_get_within(file, line, kq, ev, 2, EVT_WAIT_MS);
	if (n == 0)
		evt_fail_at(file, line, "no event");
	if (n == 2)
		evt_fail_at(file, line, "second event {%s}", evt_text(&ev[1]));
	*out = ev[0];
}

bool
evt_readable(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int n;

	/* A watched signal may end it although the program ignores it. */
	while ((n = poll(&pfd, 1, ms)) == -1 && errno == EINTR)
		continue;
	return (n == 1 && (pfd.revents & POLLIN) != 0);
}

unsigned int
evt_flags(const struct kevent *ev)
{
	unsigned int flags, noise;

	noise = EV_ADD | EV_DELETE | EV_ENABLE | EV_DISABLE;
#ifdef EV_RECEIPT
	noise |= EV_RECEIPT;
#endif
#ifdef EV_HUP
	noise |= EV_HUP;
#endif
	noise |= 0x1000;		/* EV_NODATA, or another's private bit */
	flags = (unsigned int)ev->flags;
	if (ev->filter == EVFILT_PROC || ev->filter == EVFILT_SIGNAL ||
	    ev->filter == EVFILT_TIMER)
		noise |= EV_CLEAR;
	return (flags & ~noise);
}

const char *
evt_text(const struct kevent *ev)
{
	static _Thread_local char buf[4][160];
	static _Thread_local unsigned int next;
	char *s = buf[next++ % 4];

	(void)snprintf(s, sizeof(buf[0]), "ident %ju filter %jd flags %#jx "
	    "fflags %#jx data %jd udata %p", (uintmax_t)ev->ident,
	    (intmax_t)ev->filter, (uintmax_t)ev->flags, (uintmax_t)ev->fflags,
	    (intmax_t)ev->data, (void *)ev->udata);
	return (s);
}

void
evt_event_at(const char *file, int line, const struct kevent *ev,
    uintptr_t ident, int filter, unsigned int flags, unsigned int fflags,
    int64_t data)
{
	struct kevent want;

	evt_set(&want, ident, filter, flags, fflags, data, NULL);
	if (ev->ident != want.ident || ev->filter != want.filter ||
	    evt_flags(ev) != evt_flags(&want) || ev->fflags != want.fflags ||
	    ev->data != want.data)
		evt_fail_at(file, line, "event {%s}, expected {%s}",
		    evt_text(ev), evt_text(&want));
}

void
evt_error_at(const char *file, int line, const struct kevent *ev,
    uintptr_t ident, int filter, int error)
{
	struct kevent want;

	evt_set(&want, ident, filter, EV_ERROR, 0, error, NULL);
	if (ev->ident != want.ident || ev->filter != want.filter ||
	    (ev->flags & EV_ERROR) == 0 || ev->data != want.data ||
	    (!evt_native() && ev->flags != EV_ERROR))
		evt_fail_at(file, line, "entry {%s}, expected {%s}",
		    evt_text(ev), evt_text(&want));
}

int64_t
evt_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec);
}
