/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_evany: the works of evanybench done with <evany.h>, without counts.
 */

#include "config.h"

#include <errno.h>
#include <evany.h>
#include <string.h>
#include <unistd.h>

#include "kqbench.h"

static const unsigned modes[] = {
	[KQB_LEVEL] = 0,
	[KQB_CLEAR] = EVANY_EDGE,
	[KQB_ONESHOT] = EVANY_ONESHOT,
	[KQB_DISPATCH] = EVANY_DISPATCH
};

static int
ev_open(void)
{
	int q;

	if ((q = evany_queue(0)) == -1)
		kqb_die("evany_queue");
	return (q);
}

static void
ev_close(int q)
{
	(void)close(q);
}

static void
ev_add(int q, const struct kqb_item *item, size_t n, enum kqb_mode mode)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (evany_fd(q, item[i].fd, item[i].out ? EVANY_WRITE :
		    EVANY_READ, modes[mode], NULL) == -1)
			kqb_die("evany_fd");
}

static void
change_fd(struct evany_change *ch, int fd, unsigned what, unsigned flags)
{
	memset(ch, 0, sizeof(*ch));
	ch->ch_source = EVANY_FD;
	ch->ch_object = (uintptr_t)fd;
	ch->ch_what = what;
	ch->ch_flags = flags;
}

static void
ev_add_list(int q, const struct kqb_item *item, size_t n, enum kqb_mode mode)
{
	struct evany_change ch[KQB_ROOM];
	size_t i;

	for (i = 0; i < n; i++) {
		change_fd(&ch[i % KQB_ROOM], item[i].fd, item[i].out ?
		    EVANY_WRITE : EVANY_READ, modes[mode]);
		if ((i % KQB_ROOM == KQB_ROOM - 1 || i == n - 1) &&
		    evany_turn(q, ch, (int)(i % KQB_ROOM) + 1, NULL, 0, 0,
		    0) == -1)
			kqb_die("evany_turn");
	}
}

static void
ev_add_both(int q, const struct kqb_item *item, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (evany_fd(q, item[i].fd, EVANY_READ | EVANY_WRITE, 0,
		    NULL) == -1)
			kqb_die("evany_fd");
}

static void
ev_del(int q, const struct kqb_item *item, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (evany_drop(q, EVANY_FD, (uintptr_t)item[i].fd) == -1)
			kqb_die("evany_drop");
}

static int
ev_turn(int q, struct evany_change *ch, size_t nch, struct evany_event *ev,
    int64_t timeout)
{
	int m;

	while ((m = evany_turn(q, ch, (int)nch, ev, 1, KQB_ROOM, timeout)) ==
	    -1) {
		if (errno != EINTR)
			kqb_die("evany_turn");
		nch = 0;
	}
	return (m);
}

static size_t
put(const struct kqb_pair *pair, size_t n, size_t k, size_t next)
{
	for (; k > 0; k--) {
		if (write(pair[next].pe_peer, "x", 1) != 1)
			kqb_die("write");
		if (++next == n)
			next = 0;
	}
	return (next);
}

static void
ev_loop(int q, const struct kqb_pair *pair, size_t n, size_t k, size_t iters)
{
	struct evany_event ev[KQB_ROOM];
	char buf[64];
	size_t got, next;
	int j, m;

	for (next = 0; iters > 0; iters--) {
		next = put(pair, n, k, next);
		for (got = 0; got < k; got += (size_t)m) {
			m = evany_wait(q, ev, KQB_ROOM, EVANY_FOREVER);
			if (m == -1 && errno != EINTR)
				kqb_die("evany_wait");
			for (j = 0; j < m; j++)
				if (read((int)ev[j].ev_object, buf,
				    sizeof(buf)) != 1)
					kqb_die("read");
			if (m == -1)
				m = 0;
		}
	}
}

static void
ev_loop_rearm(int q, const struct kqb_pair *pair, size_t n, size_t k,
    size_t iters, enum kqb_mode mode)
{
	struct evany_change ch[KQB_ROOM];
	struct evany_event ev[KQB_ROOM];
	char buf[64];
	size_t got, nch, next;
	int fd, j, m;

	nch = 0;
	for (next = 0; iters > 0; iters--) {
		next = put(pair, n, k, next);
		for (got = 0; got < k; got += (size_t)m) {
			m = ev_turn(q, ch, nch, ev, EVANY_FOREVER);
			nch = 0;
			for (j = 0; j < m; j++) {
				fd = (int)ev[j].ev_object;
				if (read(fd, buf, sizeof(buf)) != 1)
					kqb_die("read");
				change_fd(&ch[nch++], fd, EVANY_READ,
				    modes[mode]);
			}
		}
	}
	if (evany_turn(q, ch, (int)nch, NULL, 0, 0, 0) == -1)
		kqb_die("evany_turn");
}

static void
ev_idle(int q, size_t iters)
{
	struct evany_event ev[KQB_ROOM];

	for (; iters > 0; iters--)
		if (evany_wait(q, ev, KQB_ROOM, 0) != 0)
			kqb_die("an event from an idle queue");
}

static void
ev_wake_add(int q, int *aux)
{
	(void)q;
	*aux = -1;
}

static void
ev_wake(int q, int aux)
{
	(void)aux;
	if (evany_post(q, 1, 0, NULL) == -1)
		kqb_die("evany_post");
}

static void
ev_wake_wait(int q, int aux)
{
	struct evany_event ev;

	(void)aux;
	while (evany_wait(q, &ev, 1, EVANY_FOREVER) == -1)
		if (errno != EINTR)
			kqb_die("evany_wait");
}

static void
ev_wake_end(int q, int aux)
{
	(void)q;
	(void)aux;
}

static void
ev_timers(int q, size_t n, int *fds)
{
	int64_t second = 1000000000;
	size_t i;

	(void)fds;
	for (i = 0; i < n; i++)
		if (evany_timer(q, i, (3600 + (int64_t)(i * 7919 % n)) *
		    second, 0, 0, NULL) == -1)
			kqb_die("evany_timer");
}

static void
ev_timers_list(int q, size_t n, int *fds)
{
	struct evany_change ch[64];
	int64_t second = 1000000000;
	size_t i;

	(void)fds;
	for (i = 0; i < n; i++) {
		memset(&ch[i % 64], 0, sizeof(ch[0]));
		ch[i % 64].ch_source = EVANY_TIMER;
		ch[i % 64].ch_object = i;
		ch[i % 64].ch_time = (3600 + (int64_t)(i * 7919 % n)) *
		    second;
		if ((i % 64 == 63 || i == n - 1) && evany_turn(q, ch,
		    (int)(i % 64) + 1, NULL, 0, 0, 0) == -1)
			kqb_die("evany_turn");
	}
}

static void
ev_timers_end(int q, size_t n, int *fds)
{
	size_t i;

	(void)fds;
	for (i = 0; i < n; i++)
		if (evany_drop(q, EVANY_TIMER, i) == -1)
			kqb_die("evany_drop");
}

static void
ev_users(int q, size_t n)
{
	for (; n > 0; n--)
		ev_wake(q, -1);
}

static void
ev_records_open(int fds[2])
{
	fds[0] = fds[1] = -1;
}

static void
ev_records_put(int q, const int fds[2], size_t n)
{
	size_t i;

	(void)fds;
	for (i = 0; i < n; i++)
		if (evany_post(q, i, 0, NULL) == -1)
			kqb_die("evany_post");
}

static void
ev_records_take(int q, const int fds[2], size_t n)
{
	struct evany_event ev[KQB_ROOM];
	size_t i;

	(void)fds;
	if (evany_turn(q, NULL, 0, ev, (int)n, KQB_ROOM, EVANY_FOREVER) !=
	    (int)n)
		kqb_die("evany_turn");
	for (i = 0; i < n; i++)
		if (ev[i].ev_object != i)
			kqb_die("evany_turn: not in order");
}

static void
ev_records_close(int fds[2])
{
	(void)fds;
}

const struct kqb_side kqb_unified = {
	.name = "evany",
	.open = ev_open,
	.close = ev_close,
	.add = ev_add,
	.add_list = ev_add_list,
	.add_both = ev_add_both,
	.del = ev_del,
	.loop = ev_loop,
	.loop_rearm = ev_loop_rearm,
	.idle = ev_idle,
	.wake_add = ev_wake_add,
	.wake = ev_wake,
	.wake_wait = ev_wake_wait,
	.wake_end = ev_wake_end,
	.timers = ev_timers,
	.timers_list = ev_timers_list,
	.timers_end = ev_timers_end,
	.users = ev_users,
	.records_open = ev_records_open,
	.records_put = ev_records_put,
	.records_take = ev_records_take,
	.records_close = ev_records_close,
};
