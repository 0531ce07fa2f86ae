/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evt_uni: the tests' own use of <evany.h>.
 */
#include "config.h"

#include "evt_uni.h"

static int
make(void)
{
	return (evany_queue(0));
}

/* Uses every source once, whatever comes of it. */
static void
touch(void)
{
	struct evany_event ev[4];
	int p[2], q;

	evt_kqueue.ef_touch();
	if ((q = evany_queue(0)) == -1)
		return;
	if (pipe(p) == 0) {
		(void)evany_fd(q, p[1], EVANY_WRITE, EVANY_EDGE, NULL);
		(void)evany_timer(q, 1, 0, 0, 0, NULL);
		(void)evany_timer(q, 2, 0, 0, EVANY_WALLCLOCK, NULL);
		(void)evany_wait(q, ev, 4, 0);
		(void)close(p[0]);
		(void)close(p[1]);
	}
	(void)evany_post(q, 0, 0, NULL);
	(void)evany_alert(q, 1, NULL);
	(void)evany_turn(q, NULL, 0, ev, 2, 4, 1);
	(void)close(q);
}

const struct evt_facility evt_unified = {
	.ef_touch = touch,
	.ef_make = make
};

int
evt_queue_at(const char *file, int line)
{
	int q;

	if ((q = evany_queue(0)) == -1)
		evt_fail_at(file, line, "evany_queue: %s", strerror(errno));
	return (q);
}

static int
take(const char *file, int line, int q, struct evany_event *ev, int n,
    int64_t timeout)
{
	int got;

	memset(ev, 0xa5, (size_t)n * sizeof(*ev));
	if ((got = evany_wait(q, ev, n, timeout)) == -1)
		evt_fail_at(file, line, "evany_wait: %s", strerror(errno));
	return (got);
}

int
evt_uni_get_at(const char *file, int line, int q, struct evany_event *ev,
    int n)
{
	return (take(file, line, q, ev, n, EVT_WAIT_NS));
}

int
evt_uni_poll_at(const char *file, int line, int q, struct evany_event *ev,
    int n)
{
	return (take(file, line, q, ev, n, 0));
}

void
evt_uni_one_at(const char *file, int line, int q, struct evany_event *ev)
{
	struct evany_event list[4];
	int n;

	if ((n = take(file, line, q, list, 4, EVT_WAIT_NS)) != 1)
		evt_fail_at(file, line, "%d events instead of 1%s%s", n,
		    n > 0 ? ", the first: " : "",
		    n > 0 ? evt_uni_text(&list[0]) : "");
	*ev = list[0];
}

void
evt_uni_none_at(const char *file, int line, int q)
{
	struct evany_event ev;

	if (take(file, line, q, &ev, 1, EVT_QUIET_MS * MS) != 0)
		evt_fail_at(file, line, "an event instead of none: %s",
		    evt_uni_text(&ev));
}

void
evt_uni_posts_at(const char *file, int line, int q, int64_t first,
    int64_t last, int room)
{
	struct evany_event list[64];
	int i, n;

	while (first <= last) {
		n = take(file, line, q, list, room, EVT_WAIT_NS);
		if (n < 1 || n > room)
			evt_fail_at(file, line, "%d events instead of 1 to %d",
			    n, room);
		for (i = 0; i < n; i++, first++)
			if (list[i].ev_source != EVANY_USER ||
			    list[i].ev_data != first)
				evt_fail_at(file, line, "%s instead of post "
				    "%lld", evt_uni_text(&list[i]),
				    (long long)first);
	}
	evt_uni_none_at(file, line, q);
}

struct evany_event
evt_uni_until_at(const char *file, int line, int q, const char *name,
    uint32_t what)
{
	struct evany_event ev;

	do {
		if (take(file, line, q, &ev, 1, EVT_WAIT_NS) != 1)
			evt_fail_at(file, line, "no event 0x%x of %s", what,
			    name);
	} while (ev.ev_name == NULL || strcmp(ev.ev_name, name) != 0 ||
	    (ev.ev_what & what) == 0);
	return (ev);
}

bool
evt_uni_looks(void)
{
	return (evany_source(EVANY_DIRECTORY) == EVANY_APPROXIMATE);
}

void
evt_put_at(const char *file, int line, const char *path, const char *text)
{
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (fd == -1 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		evt_fail_at(file, line, "%s: %s", path, strerror(errno));
	evt_close_at(file, line, fd);
}

const char *
evt_uni_text(const struct evany_event *ev)
{
	static _Thread_local char text[160];

	(void)snprintf(text, sizeof(text),
	    "source %d object %ju what 0x%x data %jd room %jd user %p",
	    ev->ev_source, (uintmax_t)ev->ev_object, ev->ev_what,
	    (intmax_t)ev->ev_data, (intmax_t)ev->ev_room, ev->ev_user);
	return (text);
}

void
evt_uni_at(const char *file, int line, const struct evany_event *ev,
    int source, uintptr_t object, unsigned int what, void *user)
{

	if (ev->ev_source != source || ev->ev_object != object ||
	    ev->ev_what != what || ev->ev_user != user || ev->ev_spare != 0 ||
	    ev->ev_spares != 0)
		evt_fail_at(file, line, "%s instead of source %d object %ju "
		    "what 0x%x user %p", evt_uni_text(ev), source,
		    (uintmax_t)object, what, user);
}
