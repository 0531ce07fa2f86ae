/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_side: the works of kqbench done with kqueue(2).
 *
 * Compiled three times, since libraries differ in the size of struct kevent:
 * for evany, which is linked; and with KQB_ABI 64 or 32 for a library that
 * kqb_foreign.c has loaded, with its two functions in pointers.
 */

#include "config.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "kqbench.h"

#ifndef KQB_ABI
#include <sys/event.h>

#define SIDE		kqb_evany
#define SIDE_NAME	"evany"
#else
#include "kqb_abi.h"

static int (*kqueue)(void);
static int (*kevent)(int, const struct kevent *, int, struct kevent *, int,
    const struct timespec *);

#if KQB_ABI == 64
#define SIDE		kqb_foreign64
#define SIDE_BIND	kqb_foreign64_bind
#else
#define SIDE		kqb_foreign32
#define SIDE_BIND	kqb_foreign32_bind
#endif
#define SIDE_NAME	"other"
#endif

#define LIST	64			/* changes in one call of add_list */

static const unsigned short kq_modes[] = {
	[KQB_LEVEL] = 0,
	[KQB_CLEAR] = EV_CLEAR,
	[KQB_ONESHOT] = EV_ONESHOT,
	[KQB_DISPATCH] = EV_DISPATCH,
};

static int
kq_open(void)
{
	int q;

	if ((q = kqueue()) == -1)
		kqb_die("kqueue");
	return (q);
}

static void
kq_close(int q)
{
	(void)close(q);
}

static void
kq_add(int q, const struct kqb_item *item, size_t n, enum kqb_mode mode)
{
	struct kevent kev;
	size_t i;

	for (i = 0; i < n; i++) {
		EV_SET(&kev, item[i].fd,
		    item[i].out ? EVFILT_WRITE : EVFILT_READ,
		    EV_ADD | kq_modes[mode], 0, 0, NULL);
		if (kevent(q, &kev, 1, NULL, 0, NULL) == -1)
			kqb_die("kevent");
	}
}

static void
kq_add_list(int q, const struct kqb_item *item, size_t n, enum kqb_mode mode)
{
	struct kevent kev[LIST];
	size_t i;
	int j;

	for (i = 0, j = 0; i < n; i++) {
		EV_SET(&kev[j], item[i].fd,
		    item[i].out ? EVFILT_WRITE : EVFILT_READ,
		    EV_ADD | kq_modes[mode], 0, 0, NULL);
		if (++j < LIST && i + 1 < n)
			continue;
		if (kevent(q, kev, j, NULL, 0, NULL) == -1)
			kqb_die("kevent");
		j = 0;
	}
}

static void
kq_add_both(int q, const struct kqb_item *item, size_t n)
{
	struct kevent kev[2];
	size_t i;

	for (i = 0; i < n; i++) {
		EV_SET(&kev[0], item[i].fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
		EV_SET(&kev[1], item[i].fd, EVFILT_WRITE, EV_ADD, 0, 0, NULL);
		if (kevent(q, kev, 2, NULL, 0, NULL) == -1)
			kqb_die("kevent");
	}
}

static void
kq_del(int q, const struct kqb_item *item, size_t n)
{
	struct kevent kev;
	size_t i;

	for (i = 0; i < n; i++) {
		EV_SET(&kev, item[i].fd,
		    item[i].out ? EVFILT_WRITE : EVFILT_READ,
		    EV_DELETE, 0, 0, NULL);
		if (kevent(q, &kev, 1, NULL, 0, NULL) == -1)
			kqb_die("kevent");
	}
}

static int
kq_wait(int q, struct kevent *ev, const struct timespec *timeout)
{
	int n;

	while ((n = kevent(q, NULL, 0, ev, KQB_ROOM, timeout)) == -1) {
		if (errno != EINTR)
			kqb_die("kevent");
	}
	return (n);
}

static void
kq_loop(int q, const struct kqb_pair *pair, size_t n, size_t k, size_t iters)
{
	struct kevent ev[KQB_ROOM];
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
			m = kq_wait(q, ev, NULL);
			for (j = 0; j < m; j++) {
				if (read((int)ev[j].ident, buf,
				    sizeof(buf)) != 1)
					kqb_die("read");
			}
		}
	}
}

static void
kq_loop_rearm(int q, const struct kqb_pair *pair, size_t n, size_t k,
    size_t iters, enum kqb_mode mode)
{
	struct kevent ch[KQB_ROOM], ev[KQB_ROOM];
	unsigned short flags;
	char buf[64];
	size_t got, i, next;
	int j, m, nch;

	flags = mode == KQB_DISPATCH ? EV_ENABLE : EV_ADD | EV_ONESHOT;
	nch = 0;
	for (next = 0; iters > 0; iters--) {
		for (i = 0; i < k; i++) {
			if (write(pair[next].pe_peer, "x", 1) != 1)
				kqb_die("write");
			if (++next == n)
				next = 0;
		}
		for (got = 0; got < k; got += (size_t)m) {
			m = kevent(q, ch, nch, ev, KQB_ROOM, NULL);
			if (m == -1)
				kqb_die("kevent");
			nch = 0;
			for (j = 0; j < m; j++) {
				if ((ev[j].flags & EV_ERROR) != 0)
					kqb_die("kevent: a change");
				if (read((int)ev[j].ident, buf,
				    sizeof(buf)) != 1)
					kqb_die("read");
				EV_SET(&ch[nch++], ev[j].ident, EVFILT_READ,
				    flags, 0, 0, NULL);
			}
		}
	}
	if (kevent(q, ch, nch, NULL, 0, NULL) == -1)
		kqb_die("kevent");
}

static void
kq_idle(int q, size_t iters)
{
	static const struct timespec zero;
	struct kevent ev[KQB_ROOM];

	for (; iters > 0; iters--) {
		if (kq_wait(q, ev, &zero) != 0)
			kqb_die("an event from an idle queue");
	}
}

static void
kq_wake_add(int q, int *aux)
{
	struct kevent kev;

	*aux = 1;
	EV_SET(&kev, *aux, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	if (kevent(q, &kev, 1, NULL, 0, NULL) == -1)
		kqb_die("kevent");
}

static void
kq_wake(int q, int aux)
{
	struct kevent kev;

	EV_SET(&kev, aux, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	if (kevent(q, &kev, 1, NULL, 0, NULL) == -1)
		kqb_die("kevent");
}

static void
kq_wake_wait(int q, int aux)
{
	struct kevent ev[KQB_ROOM];

	(void)aux;
	if (kq_wait(q, ev, NULL) != 1)
		kqb_die("kevent: not the one user event");
}

static void
kq_wake_end(int q, int aux)
{
	(void)q;
	(void)aux;
}

static void
kq_timers(int q, size_t n, int *fds)
{
	struct kevent kev;
	size_t i;

	(void)fds;
	for (i = 0; i < n; i++) {
		EV_SET(&kev, i, EVFILT_TIMER, EV_ADD, 0,
		    3600000 + (int64_t)(i * 7919 % n) * 1000, NULL);
		if (kevent(q, &kev, 1, NULL, 0, NULL) == -1)
			kqb_die("kevent");
	}
}

static void
kq_timers_list(int q, size_t n, int *fds)
{
	struct kevent kev[LIST];
	size_t i;
	int j;

	(void)fds;
	for (i = 0, j = 0; i < n; i++) {
		EV_SET(&kev[j], i, EVFILT_TIMER, EV_ADD, 0,
		    3600000 + (int64_t)(i * 7919 % n) * 1000, NULL);
		if (++j < LIST && i + 1 < n)
			continue;
		if (kevent(q, kev, j, NULL, 0, NULL) == -1)
			kqb_die("kevent");
		j = 0;
	}
}

static void
kq_timers_end(int q, size_t n, int *fds)
{
	(void)q;
	(void)n;
	(void)fds;
}

static void
kq_users(int q, size_t n)
{
	struct kevent kev;
	size_t i;

	for (i = 0; i < n; i++) {
		EV_SET(&kev, i, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
		if (kevent(q, &kev, 1, NULL, 0, NULL) == -1)
			kqb_die("kevent");
	}
}

#ifdef KQB_ABI
void
SIDE_BIND(void *kqueue_fn, void *kevent_fn)
{
	/* POSIX's way of getting a function out of what dlsym() returns. */
	*(void **)&kqueue = kqueue_fn;
	*(void **)&kevent = kevent_fn;
}
#endif

const struct kqb_side SIDE = {
	.name = SIDE_NAME,
	.open = kq_open,
	.close = kq_close,
	.add = kq_add,
	.add_list = kq_add_list,
	.add_both = kq_add_both,
	.del = kq_del,
	.loop = kq_loop,
	.loop_rearm = kq_loop_rearm,
	.idle = kq_idle,
	.wake_add = kq_wake_add,
	.wake = kq_wake,
	.wake_wait = kq_wake_wait,
	.wake_end = kq_wake_end,
	.timers = kq_timers,
	.timers_list = kq_timers_list,
	.timers_end = kq_timers_end,
	.users = kq_users,
};
