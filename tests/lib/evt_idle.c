/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evt: waits that must really sleep, what poll(2) shows of a queue, and numbers
 * chosen by the case.
 *
 * Processor time is that of the whole process, so a helper thread that spins
 * is seen as well.
 */
#include "config.h"

#include "evt.h"

#include <poll.h>

bool
evt_interposed(void)
{
	const char *list = getenv("LD_PRELOAD");

	return (list != NULL && strstr(list, "evany-interpose") != NULL);
}

int64_t
evt_cpu_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ((int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec);
}

void
evt_idle_at(const char *file, int line, int kq)
{
	struct kevent ev;
	int64_t cpu, ms, start;
	int n;

	ms = 6 * EVT_QUIET_MS;
	cpu = evt_cpu_ns();
	start = evt_now_ns();
	n = evt_kevent_ms(kq, NULL, 0, &ev, 1, (int)ms);
	start = (evt_now_ns() - start) / 1000000;
	cpu = (evt_cpu_ns() - cpu) / 1000000;
	if (n == -1)
		evt_fail_at(file, line, "kevent: %s", strerror(errno));
	if (n != 0)
		evt_fail_at(file, line, "unexpected event {%s}", evt_text(&ev));
	if (start < ms)
		evt_fail_at(file, line, "the wait ended after %jd of %jd ms",
		    (intmax_t)start, (intmax_t)ms);
	if (cpu > ms / 5)
		evt_fail_at(file, line, "a wait of %jd ms took %jd ms of "
		    "processor time", (intmax_t)ms, (intmax_t)cpu);
	if (evt_readable(kq, 0))
		evt_fail_at(file, line, "the queue polls readable");
}

/* What poll(2) reports of all it can be asked for, within so many ms. */
static int
revents(const char *file, int line, int fd, int ms)
{
	struct pollfd pfd = {
		.fd = fd,
		.events = POLLIN | POLLPRI | POLLRDNORM
	};

	if (poll(&pfd, 1, ms) == -1)
		evt_fail_at(file, line, "poll: %s", strerror(errno));
	pfd.events |= POLLOUT | POLLWRNORM;
	if (poll(&pfd, 1, 0) == -1)
		evt_fail_at(file, line, "poll: %s", strerror(errno));
	if ((pfd.revents & ~(POLLIN | POLLRDNORM)) != 0)
		evt_fail_at(file, line, "revents %#x", pfd.revents);
	return (pfd.revents);
}

/*
 * With the portable mechanisms a helper thread tells the queue of a ready
 * descriptor, so poll(2) may show it a moment later; kevent() does not wait
 * for that.
 */
void
evt_shows_at(const char *file, int line, int kq)
{
	int ms;

	ms = !evt_native() && strcmp(evt_backend(), "poll") == 0 ?
	    EVT_WAIT_MS : 0;
	if ((revents(file, line, kq, ms) & POLLIN) == 0)
		evt_fail_at(file, line, "the queue polls silent");
}

void
evt_silent_at(const char *file, int line, int kq)
{
	if (revents(file, line, kq, 0) != 0)
		evt_fail_at(file, line, "the queue polls readable");
}

bool
evt_twins(const struct kevent *ev, int n)
{
	int i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			if (ev[i].ident == ev[j].ident &&
			    ev[i].filter == ev[j].filter)
				return (true);
	return (false);
}

/* A quarter of a second later. */
bool
evt_doubt(int64_t told)
{
	return (!evt_native() && strcmp(evt_backend(), "poll") == 0 &&
	    evt_now_ns() - told >= INT64_C(250000000));
}

/* Of this thread; one that is overwritten makes a case stricter. */
static _Thread_local struct told {
	uintptr_t	to_ident;
	int		to_filter;
	int		to_kq;
	int64_t		to_when;	/* or earlier, the last time */
	bool		to_again;	/* that was in doubt */
} tolds[2048];

static struct told *
told_of(int kq, const struct kevent *ev, bool *samep)
{
	uintptr_t at = ev->ident - (uintptr_t)ev->filter * 601 +
	    (uintptr_t)kq * 31;
	struct told *to = &tolds[at % (sizeof(tolds) / sizeof(tolds[0]))];

	*samep = to->to_when != 0 && to->to_ident == ev->ident &&
	    to->to_filter == (int)ev->filter && to->to_kq == kq;
	return (to);
}

void
evt_told(int kq, const struct kevent *ev, int n, int64_t begun)
{
	struct told *to;
	bool same;

	for (; n > 0; ev++, n--) {
		if ((ev->flags & EV_CLEAR) == 0)
			continue;
		to = told_of(kq, ev, &same);
		to->to_again = same && evt_doubt(to->to_when);
		to->to_ident = ev->ident;
		to->to_filter = (int)ev->filter;
		to->to_kq = kq;
		to->to_when = begun;
	}
}

bool
evt_again(int kq, const struct kevent *ev)
{
	bool same;
	const struct told *to = told_of(kq, ev, &same);

	return (same && to->to_again && (ev->flags & EV_CLEAR) != 0);
}

void
evt_still_at(const char *file, int line, int kq)
{
	struct kevent ev;

	if (evt_native() || strcmp(evt_backend(), "linux") == 0)
		evt_idle_at(file, line, kq);
	else if (evt_get_within(file, line, kq, &ev, 1, EVT_QUIET_MS) != 0 &&
	    !evt_again(kq, &ev))
		evt_fail_at(file, line, "unexpected event {%s}", evt_text(&ev));
}

int
evt_move_at(const char *file, int line, int fd, int number)
{
	if (fd == number)
		return (fd);
	if (dup2(fd, number) != number)
		evt_fail_at(file, line, "dup2(%d, %d): %s", fd, number,
		    strerror(errno));
	(void)close(fd);
	return (number);
}
