/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_raw: the works of kqbench done with epoll(7), timerfd and eventfd, as
 * a program would that was written for Linux.
 */

#include "config.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kqbench.h"

static const uint32_t raw_modes[] = {
	[KQB_LEVEL] = 0,
	[KQB_CLEAR] = EPOLLET,
	[KQB_ONESHOT] = EPOLLONESHOT,
	[KQB_DISPATCH] = EPOLLONESHOT,
};

static int
raw_open(void)
{
	int q;

	if ((q = epoll_create1(EPOLL_CLOEXEC)) == -1)
		kqb_die("epoll_create1");
	return (q);
}

static void
raw_close(int q)
{
	(void)close(q);
}

static void
raw_add(int q, const struct kqb_item *item, size_t n, enum kqb_mode mode)
{
	struct epoll_event ev;
	size_t i;

	for (i = 0; i < n; i++) {
		ev.events = raw_modes[mode] |
		    (item[i].out ? EPOLLOUT : EPOLLIN);
		ev.data.fd = item[i].fd;
		if (epoll_ctl(q, EPOLL_CTL_ADD, item[i].fd, &ev) == -1)
			kqb_die("epoll_ctl");
	}
}

static void
raw_add_both(int q, const struct kqb_item *item, size_t n)
{
	struct epoll_event ev;
	size_t i;

	for (i = 0; i < n; i++) {
		ev.events = EPOLLIN | EPOLLOUT;
		ev.data.fd = item[i].fd;
		if (epoll_ctl(q, EPOLL_CTL_ADD, item[i].fd, &ev) == -1)
			kqb_die("epoll_ctl");
	}
}

static void
raw_del(int q, const struct kqb_item *item, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (epoll_ctl(q, EPOLL_CTL_DEL, item[i].fd, NULL) == -1)
			kqb_die("epoll_ctl");
	}
}

static int
raw_wait(int q, struct epoll_event *ev, int timeout)
{
	int n;

	while ((n = epoll_wait(q, ev, KQB_ROOM, timeout)) == -1) {
		if (errno != EINTR)
			kqb_die("epoll_wait");
	}
	return (n);
}

static void
raw_loop(int q, const struct kqb_pair *pair, size_t n, size_t k, size_t iters)
{
	struct epoll_event ev[KQB_ROOM];
	char buf[64];
	size_t got, i, next;
	int j, m;

	for (next = 0; iters > 0; iters--) {
		for (i = 0; i < k; i++) {
			if (write(pair[next].pe_peer, "x", 1) != 1)
				kqb_die("write");
			if (++next == n)
				next = 0;
		}
		for (got = 0; got < k; got += (size_t)m) {
			m = raw_wait(q, ev, -1);
			for (j = 0; j < m; j++) {
				if (read(ev[j].data.fd, buf, sizeof(buf)) != 1)
					kqb_die("read");
			}
		}
	}
}

static void
raw_loop_rearm(int q, const struct kqb_pair *pair, size_t n, size_t k,
    size_t iters, enum kqb_mode mode)
{
	struct epoll_event ev[KQB_ROOM], mod;
	int again[KQB_ROOM];
	char buf[64];
	size_t got, i, nagain, next;
	int j, m;

	nagain = 0;
	for (next = 0; iters > 0; iters--) {
		for (i = 0; i < k; i++) {
			if (write(pair[next].pe_peer, "x", 1) != 1)
				kqb_die("write");
			if (++next == n)
				next = 0;
		}
		for (got = 0; got < k; got += (size_t)m) {
			for (i = 0; i < nagain; i++) {
				mod.events = EPOLLIN | raw_modes[mode];
				mod.data.fd = again[i];
				if (epoll_ctl(q, EPOLL_CTL_MOD, again[i],
				    &mod) == -1)
					kqb_die("epoll_ctl");
			}
			nagain = 0;
			m = raw_wait(q, ev, -1);
			for (j = 0; j < m; j++) {
				if (read(ev[j].data.fd, buf, sizeof(buf)) != 1)
					kqb_die("read");
				again[nagain++] = ev[j].data.fd;
			}
		}
	}
	for (i = 0; i < nagain; i++) {
		mod.events = EPOLLIN | raw_modes[mode];
		mod.data.fd = again[i];
		if (epoll_ctl(q, EPOLL_CTL_MOD, again[i], &mod) == -1)
			kqb_die("epoll_ctl");
	}
}

static void
raw_idle(int q, size_t iters)
{
	struct epoll_event ev[KQB_ROOM];

	for (; iters > 0; iters--) {
		if (raw_wait(q, ev, 0) != 0)
			kqb_die("an event from an idle instance");
	}
}

static void
raw_wake_add(int q, int *aux)
{
	struct epoll_event ev;

	if ((*aux = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1)
		kqb_die("eventfd");
	ev.events = EPOLLIN;
	ev.data.fd = *aux;
	if (epoll_ctl(q, EPOLL_CTL_ADD, *aux, &ev) == -1)
		kqb_die("epoll_ctl");
}

static void
raw_wake(int q, int aux)
{
	uint64_t one;

	(void)q;
	one = 1;
	if (write(aux, &one, sizeof(one)) != (ssize_t)sizeof(one))
		kqb_die("write");
}

static void
raw_wake_wait(int q, int aux)
{
	struct epoll_event ev[KQB_ROOM];
	uint64_t count;

	(void)raw_wait(q, ev, -1);
	if (read(aux, &count, sizeof(count)) != (ssize_t)sizeof(count))
		kqb_die("read");
}

static void
raw_wake_end(int q, int aux)
{
	(void)q;
	(void)close(aux);
}

static void
raw_timers(int q, size_t n, int *fds)
{
	struct itimerspec its;
	struct epoll_event ev;
	size_t i;

	memset(&its, 0, sizeof(its));
	for (i = 0; i < n; i++) {
		fds[i] = timerfd_create(CLOCK_MONOTONIC,
		    TFD_CLOEXEC | TFD_NONBLOCK);
		if (fds[i] == -1)
			kqb_die("timerfd_create");
		its.it_value.tv_sec = 3600 + (time_t)(i * 7919 % n);
		its.it_interval = its.it_value;
		if (timerfd_settime(fds[i], 0, &its, NULL) == -1)
			kqb_die("timerfd_settime");
		ev.events = EPOLLIN;
		ev.data.fd = fds[i];
		if (epoll_ctl(q, EPOLL_CTL_ADD, fds[i], &ev) == -1)
			kqb_die("epoll_ctl");
	}
}

static void
raw_timers_end(int q, size_t n, int *fds)
{
	size_t i;

	(void)q;
	for (i = 0; i < n; i++)
		(void)close(fds[i]);
}

/* ---- records: a pipe, one system call each ------------------------------------ */

struct record {
	int	rc_events;
	void	*rc_object;
	void	*rc_user;
};

static void
raw_records_open(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) == -1)
		kqb_die("pipe2");
}

static void
raw_records_put(int q, const int fds[2], size_t n)
{
	struct record rc = { .rc_events = 0 };
	size_t i;

	(void)q;
	for (i = 0; i < n; i++) {
		rc.rc_events = (int)i;
		if (write(fds[1], &rc, sizeof(rc)) != (ssize_t)sizeof(rc))
			kqb_die("write");
	}
}

static void
raw_records_take(int q, const int fds[2], size_t n)
{
	struct record rc;
	size_t i;

	(void)q;
	for (i = 0; i < n; i++)
		if (read(fds[0], &rc, sizeof(rc)) != (ssize_t)sizeof(rc) ||
		    rc.rc_events != (int)i)
			kqb_die("read");
}

static void
raw_records_close(int fds[2])
{
	(void)close(fds[0]);
	(void)close(fds[1]);
}

const struct kqb_side kqb_raw = {
	.name = "epoll",
	.open = raw_open,
	.close = raw_close,
	.add = raw_add,
	.add_list = raw_add,
	.add_both = raw_add_both,
	.del = raw_del,
	.loop = raw_loop,
	.loop_rearm = raw_loop_rearm,
	.idle = raw_idle,
	.wake_add = raw_wake_add,
	.wake = raw_wake,
	.wake_wait = raw_wake_wait,
	.wake_end = raw_wake_end,
	.timers = raw_timers,
	.timers_list = raw_timers,
	.timers_end = raw_timers_end,
	.users = NULL,
	.records_open = raw_records_open,
	.records_put = raw_records_put,
	.records_take = raw_records_take,
	.records_close = raw_records_close,
};
