/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_ports: the works of portbench done with event ports.
 */

#include "config.h"

#include <errno.h>
#include <poll.h>
#include <port.h>
#include <unistd.h>

#include "kqbench.h"

static int
pt_open(void)
{
	int q;

	if ((q = port_create()) == -1)
		kqb_die("port_create");
	return (q);
}

static void
pt_close(int q)
{
	(void)close(q);
}

static void
associate(int q, int fd, int events)
{
	if (port_associate(q, PORT_SOURCE_FD, (uintptr_t)fd, events, NULL) ==
	    -1)
		kqb_die("port_associate");
}

/* There is one mode only. */
static void
pt_add(int q, const struct kqb_item *item, size_t n, enum kqb_mode mode)
{
	size_t i;

	(void)mode;
	for (i = 0; i < n; i++)
		associate(q, item[i].fd, item[i].out ? POLLOUT : POLLIN);
}

static void
pt_add_both(int q, const struct kqb_item *item, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		associate(q, item[i].fd, POLLIN | POLLOUT);
}

static void
pt_del(int q, const struct kqb_item *item, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (port_dissociate(q, PORT_SOURCE_FD,
		    (uintptr_t)item[i].fd) == -1)
			kqb_die("port_dissociate");
}

static uint_t
pt_wait(int q, port_event_t *ev, timespec_t *timeout)
{
	uint_t n = 1;

	while (port_getn(q, ev, KQB_ROOM, &n, timeout) == -1) {
		if (errno != EINTR)
			kqb_die("port_getn");
		n = 1;
	}
	return (n);
}

static void
pt_loop_rearm(int q, const struct kqb_pair *pair, size_t n, size_t k,
    size_t iters, enum kqb_mode mode)
{
	port_event_t ev[KQB_ROOM];
	int again[KQB_ROOM];
	char buf[64];
	size_t got, i, nagain, next;
	uint_t j, m;

	(void)mode;
	nagain = 0;
	for (next = 0; iters > 0; iters--) {
		for (i = 0; i < k; i++) {
			if (write(pair[next].pe_peer, "x", 1) != 1)
				kqb_die("write");
			if (++next == n)
				next = 0;
		}
		for (got = 0; got < k; got += m) {
			for (i = 0; i < nagain; i++)
				associate(q, again[i], POLLIN);
			nagain = 0;
			m = pt_wait(q, ev, NULL);
			for (j = 0; j < m; j++) {
				again[nagain] = (int)ev[j].portev_object;
				if (read(again[nagain++], buf,
				    sizeof(buf)) != 1)
					kqb_die("read");
			}
		}
	}
	for (i = 0; i < nagain; i++)
		associate(q, again[i], POLLIN);
}

static void
pt_idle(int q, size_t iters)
{
	timespec_t zero = { 0, 0 };
	port_event_t ev[KQB_ROOM];

	for (; iters > 0; iters--)
		if (pt_wait(q, ev, &zero) != 0)
			kqb_die("an event from an idle port");
}

static void
pt_wake_add(int q, int *aux)
{
	(void)q;
	*aux = -1;
}

static void
pt_wake(int q, int aux)
{
	(void)aux;
	if (port_send(q, 1, NULL) == -1)
		kqb_die("port_send");
}

static void
pt_wake_wait(int q, int aux)
{
	port_event_t ev;

	(void)aux;
	while (port_get(q, &ev, NULL) == -1)
		if (errno != EINTR)
			kqb_die("port_get");
}

static void
pt_wake_end(int q, int aux)
{
	(void)q;
	(void)aux;
}

static void
pt_users(int q, size_t n)
{
	for (; n > 0; n--)
		pt_wake(q, -1);
}

static void
pt_records_open(int fds[2])
{
	fds[0] = fds[1] = -1;
}

static void
pt_records_put(int q, const int fds[2], size_t n)
{
	size_t i;

	(void)fds;
	for (i = 0; i < n; i++)
		if (port_send(q, (int)i, NULL) == -1)
			kqb_die("port_send");
}

static void
pt_records_take(int q, const int fds[2], size_t n)
{
	port_event_t ev[KQB_ROOM];
	uint_t i, m;

	(void)fds;
	m = (uint_t)n;
	if (port_getn(q, ev, KQB_ROOM, &m, NULL) == -1 || m != n)
		kqb_die("port_getn");
	for (i = 0; i < m; i++)
		if (ev[i].portev_events != (int)i)
			kqb_die("port_getn: not in order");
}

static void
pt_records_close(int fds[2])
{
	(void)fds;
}

const struct kqb_side kqb_ports = {
	.name = "evany",
	.open = pt_open,
	.close = pt_close,
	.add = pt_add,
	.add_list = pt_add,
	.add_both = pt_add_both,
	.del = pt_del,
	.loop = NULL,
	.loop_rearm = pt_loop_rearm,
	.idle = pt_idle,
	.wake_add = pt_wake_add,
	.wake = pt_wake,
	.wake_wait = pt_wake_wait,
	.wake_end = pt_wake_end,
	.users = pt_users,
	.records_open = pt_records_open,
	.records_put = pt_records_put,
	.records_take = pt_records_take,
	.records_close = pt_records_close,
};
