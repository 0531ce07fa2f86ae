/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evt_port: ports, associations and waits.
 *
 * Lists are filled with a pattern before a call, so that an event that was
 * not written is no event by chance.
 */
#include "config.h"

#include "evt_port.h"

#include <sys/stat.h>

#define PATTERN	0xa5

#ifdef HAVE_STRUCT_STAT_ST_MTIMESPEC
#define ST_TIME(st, which)	((st)->st_##which##timespec)
#else
#define ST_TIME(st, which)	((st)->st_##which##tim)
#endif

bool
evt_port_native(void)
{
#ifdef EVANY_PORT_H
	return (false);
#else
	return (true);
#endif
}

bool
evt_port_shared(void)
{
	return (evt_port_native() || strcmp(evt_backend(), "kqueue") != 0);
}

int
evt_port_delay(void)
{
	return (!evt_port_native() && strcmp(evt_backend(), "poll") == 0 ?
	    EVT_WAIT_MS : 0);
}

void
evt_port_limit(unsigned int n)
{
	char text[16];

	if (evt_port_native())
		atf_tc_skip("the limit is a resource control");
	(void)snprintf(text, sizeof(text), "%u", n);
	ATF_REQUIRE(setenv("EVANY_PORT_EVENTS", text, 1) == 0);
}

/* Uses every source once, whatever comes of it. */
static void
touch(void)
{
	struct timespec zero = { 0, 0 };
	port_event_t ev[2];
	file_obj_t fo;
	char name[] = ".";
	int p[2], port;
	unsigned int n;

	evt_kqueue.ef_touch();
	if ((port = port_create()) == -1)
		return;
	if (pipe(p) == 0) {
		(void)port_associate(port, PORT_SOURCE_FD, (uintptr_t)p[1],
		    POLLOUT, NULL);
		n = 1;
		(void)port_getn(port, ev, 2, &n, &zero);
		(void)close(p[0]);
		(void)close(p[1]);
	}
	memset(&fo, 0, sizeof(fo));
	fo.fo_name = name;
	(void)port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&fo,
	    FILE_MODIFIED, NULL);
	(void)port_send(port, 1, NULL);
	(void)port_alert(port, PORT_ALERT_SET, 1, NULL);
	n = 1;
	(void)port_getn(port, ev, 2, &n, &zero);
	(void)close(port);
}

const struct evt_facility evt_ports = {
	.ef_touch = touch,
	.ef_make = port_create,
};

int
evt_port_at(const char *file, int line)
{
	int port;

	if ((port = port_create()) == -1)
		evt_fail_at(file, line, "port_create: %s", strerror(errno));
	return (port);
}

int
evt_port_fd_errno(int port, int fd, int events, void *user)
{
	return (EVT_ERRNO(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd,
	    events, user)));
}

void
evt_port_fd_at(const char *file, int line, int port, int fd, int events,
    void *user)
{
	int error;

	if ((error = evt_port_fd_errno(port, fd, events, user)) != 0)
		evt_fail_at(file, line, "port_associate %d: %s", fd,
		    strerror(error));
}

int
evt_port_off_errno(int port, int fd)
{
	return (EVT_ERRNO(port_dissociate(port, PORT_SOURCE_FD,
	    (uintptr_t)fd)));
}

void
evt_port_off_at(const char *file, int line, int port, int fd)
{
	int error;

	if ((error = evt_port_off_errno(port, fd)) != 0)
		evt_fail_at(file, line, "port_dissociate %d: %s", fd,
		    strerror(error));
}

bool
evt_port_scans(void)
{
	const char *names = getenv("EVANY_BACKENDS");

	return (!evt_port_native() && (strcmp(evt_backend(), "poll") == 0 ||
	    (names != NULL && strstr(names, "filescan") != NULL)));
}

void
evt_old_file(const char *path)
{
	struct timespec ts[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };
	int fd;

	ATF_REQUIRE((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644)) !=
	    -1);
	evt_write(fd, 100);
	evt_close(fd);
	ATF_REQUIRE_EQ(utimensat(AT_FDCWD, path, ts, 0), 0);
}

void
evt_grow(const char *path)
{
	int fd;

	ATF_REQUIRE((fd = open(path, O_WRONLY | O_APPEND)) != -1);
	evt_write(fd, 1);
	evt_close(fd);
}

void
evt_port_obj(file_obj_t *fo, char *path)
{
	memset(fo, 0, sizeof(*fo));
	fo->fo_name = path;
}

void
evt_port_obj_now(file_obj_t *fo, char *path)
{
	struct stat st;

	ATF_REQUIRE_EQ_MSG(stat(path, &st), 0, "%s: %s", path,
	    strerror(errno));
	evt_port_obj(fo, path);
	fo->fo_atime = ST_TIME(&st, a);
	fo->fo_mtime = ST_TIME(&st, m);
	fo->fo_ctime = ST_TIME(&st, c);
}

int
evt_port_file_errno(int port, file_obj_t *fo, int events, void *user)
{
	return (EVT_ERRNO(port_associate(port, PORT_SOURCE_FILE,
	    (uintptr_t)fo, events, user)));
}

void
evt_port_file_at(const char *file, int line, int port, file_obj_t *fo,
    int events, void *user)
{
	int error;

	if ((error = evt_port_file_errno(port, fo, events, user)) != 0)
		evt_fail_at(file, line, "port_associate %s: %s", fo->fo_name,
		    strerror(error));
}

int
evt_port_nofile_errno(int port, file_obj_t *fo)
{
	return (EVT_ERRNO(port_dissociate(port, PORT_SOURCE_FILE,
	    (uintptr_t)fo)));
}

void
evt_port_send_at(const char *file, int line, int port, int events, void *user)
{
	if (port_send(port, events, user) == -1)
		evt_fail_at(file, line, "port_send: %s", strerror(errno));
}

int
evt_port_get_ms(int port, port_event_t *ev, int ms)
{
	struct timespec ts = evt_ms(ms);

	return (EVT_ERRNO(port_get(port, ev, ms < 0 ? NULL : &ts)));
}

int
evt_port_getn_ms(int port, port_event_t *list, unsigned int max,
    unsigned int *n, int ms)
{
	struct timespec ts = evt_ms(ms);

	return (EVT_ERRNO(port_getn(port, list, max, n,
	    ms < 0 ? NULL : &ts)));
}

unsigned int
evt_port_count_at(const char *file, int line, int port)
{
	unsigned int n = 12345;
	int error;

	if ((error = evt_port_getn_ms(port, NULL, 0, &n, -1)) != 0)
		evt_fail_at(file, line, "port_getn for the count: %s",
		    strerror(error));
	return (n);
}

/* Waits on through EINTR; ETIME is no failure. */
static int
collect(const char *file, int line, int port, port_event_t *list, int max,
    int n, int ms)
{
	int64_t end, left;
	unsigned int nget;
	int error;

	end = evt_now_ns() + (int64_t)ms * 1000000;
	memset(list, PATTERN, (size_t)max * sizeof(*list));
	for (left = ms;; left = (end - evt_now_ns()) / 1000000) {
		nget = (unsigned int)n;
		error = evt_port_getn_ms(port, list, (unsigned int)max, &nget,
		    left > 0 ? (int)left : 0);
		if (error == 0 || error == ETIME)
			break;
		if (error != EINTR)
			evt_fail_at(file, line, "port_getn: %s",
			    strerror(error));
	}
	if (nget > (unsigned int)max)
		evt_fail_at(file, line, "port_getn gave %u events, room was "
		    "%d", nget, max);
	return ((int)nget);
}

int
evt_port_get_at(const char *file, int line, int port, port_event_t *list,
    int max, int n)
{
	return (collect(file, line, port, list, max, n, EVT_WAIT_MS));
}

int
evt_port_poll_at(const char *file, int line, int port, port_event_t *list,
    int max)
{
	return (collect(file, line, port, list, max, 1, 0));
}

void
evt_port_one_at(const char *file, int line, int port, port_event_t *out)
{
	port_event_t ev[2];
	int n;

	n = collect(file, line, port, ev, 2, 1, EVT_WAIT_MS);
	if (n == 0)
		evt_fail_at(file, line, "no event");
	if (n == 2)
		evt_fail_at(file, line, "second event {%s}",
		    evt_port_text(&ev[1]));
	*out = ev[0];
}

void
evt_port_none_at(const char *file, int line, int port)
{
	port_event_t ev;

	if (collect(file, line, port, &ev, 1, 1, EVT_QUIET_MS) != 0)
		evt_fail_at(file, line, "unexpected event {%s}",
		    evt_port_text(&ev));
}

void
evt_port_idle_at(const char *file, int line, int port)
{
	port_event_t ev;
	int64_t cpu, ms, start;
	int error;

	ms = 6 * EVT_QUIET_MS;
	cpu = evt_cpu_ns();
	start = evt_now_ns();
	error = evt_port_get_ms(port, &ev, (int)ms);
	start = (evt_now_ns() - start) / 1000000;
	cpu = (evt_cpu_ns() - cpu) / 1000000;
	if (error == 0)
		evt_fail_at(file, line, "unexpected event {%s}",
		    evt_port_text(&ev));
	if (error != ETIME)
		evt_fail_at(file, line, "port_get: %s", strerror(error));
	if (start < ms - (evt_port_native() ? 10 : 0))
		evt_fail_at(file, line, "the wait ended after %jd of %jd ms",
		    (intmax_t)start, (intmax_t)ms);
	if (cpu > ms / 5)
		evt_fail_at(file, line, "a wait of %jd ms took %jd ms of "
		    "processor time", (intmax_t)ms, (intmax_t)cpu);
}

const char *
evt_port_text(const port_event_t *ev)
{
	static _Thread_local char buf[4][128];
	static _Thread_local unsigned int next;
	char *s = buf[next++ % 4];

	(void)snprintf(s, sizeof(buf[0]), "source %u object %#jx events %#x "
	    "user %p", (unsigned int)ev->portev_source,
	    (uintmax_t)ev->portev_object, (unsigned int)ev->portev_events,
	    ev->portev_user);
	return (s);
}

void
evt_port_event_at(const char *file, int line, const port_event_t *ev,
    int source, uintptr_t object, int events, void *user)
{
	port_event_t want;

	want.portev_events = events;
	want.portev_source = (unsigned short)source;
	want.portev_object = object;
	want.portev_user = user;
	if (ev->portev_source != want.portev_source ||
	    ev->portev_object != want.portev_object ||
	    ev->portev_events != want.portev_events ||
	    ev->portev_user != want.portev_user)
		evt_fail_at(file, line, "event {%s}, expected {%s}",
		    evt_port_text(ev), evt_port_text(&want));
}

/* ---- waiting threads ----------------------------------------------------- */

static void
waiting(void *arg)
{
	struct evt_port_wait *w = arg;
	int64_t start = evt_now_ns();

	if (w->pw_n == 0)
		w->pw_error = evt_port_get_ms(w->pw_port, w->pw_list,
		    w->pw_ms);
	else
		w->pw_error = evt_port_getn_ms(w->pw_port, w->pw_list,
		    EVT_NITEMS(w->pw_list), &w->pw_nget, w->pw_ms);
	w->pw_ns = evt_now_ns() - start;
}

void
evt_port_wait_start_at(const char *file, int line, struct evt_port_wait *w,
    int port, unsigned int n, int ms)
{
	memset(w, 0, sizeof(*w));
	memset(w->pw_list, PATTERN, sizeof(w->pw_list));
	w->pw_port = port;
	w->pw_n = w->pw_nget = n;
	w->pw_ms = ms;
	evt_thread_start_at(file, line, &w->pw_thread, waiting, w);
	evt_thread_asleep(&w->pw_thread);
}

void
evt_port_wait_end_at(const char *file, int line, struct evt_port_wait *w)
{
	evt_thread_join_at(file, line, &w->pw_thread);
}

/* It sleeps, and does so some time later as well. */
void
evt_port_wait_on_at(const char *file, int line, struct evt_port_wait *w)
{
	int64_t end = evt_now_ns() + EVT_QUIET_MS * 1000000;

	do {
		if (atomic_load(&w->pw_thread.et_done))
			evt_fail_at(file, line, "a wait for %u events ended: "
			    "%s, %u events, first {%s}", w->pw_n,
			    strerror(w->pw_error), w->pw_nget,
			    evt_port_text(w->pw_list));
		(void)poll(NULL, 0, 5);
	} while (evt_now_ns() < end);
}
