/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_foreign: loads another kqueue library beside evany.
 *
 * Both export kqueue() and kevent(), so the other one is opened with names of
 * its own first (RTLD_DEEPBIND) and is reached through pointers only.  How
 * long its struct kevent is comes out of what it writes into an event list.
 */

#include "config.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KQB_ABI 32
#include "kqb_abi.h"
#include "kqbench.h"

#define POISON	0xa5

/* The size of its structure: that of the first event, or 0 if none came. */
static size_t
foreign_abi(void *kqueue_fn, void *kevent_fn)
{
	static const struct timespec second = { 1, 0 };
	int (*kqueue_f)(void);
	int (*kevent_f)(int, const void *, int, void *, int,
	    const struct timespec *);
	unsigned char in[256], out[256];
	struct kevent kev;
	size_t i, size;
	int n, q;

	*(void **)&kqueue_f = kqueue_fn;
	*(void **)&kevent_f = kevent_fn;

	if ((q = kqueue_f()) == -1)
		return (0);
	memset(in, 0, sizeof(in));
	EV_SET(&kev, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	memcpy(in, &kev, sizeof(kev));
	n = kevent_f(q, in, 1, NULL, 0, NULL);
	EV_SET(&kev, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	memcpy(in, &kev, sizeof(kev));
	if (n != -1)
		n = kevent_f(q, in, 1, NULL, 0, NULL);
	memset(out, POISON, sizeof(out));
	if (n != -1)
		n = kevent_f(q, NULL, 0, out, 1, &second);
	(void)close(q);
	if (n != 1)
		return (0);
	for (size = sizeof(out); size > 0 && out[size - 1] == POISON; size--)
		;
	i = sizeof(kev);
	return (size <= i ? i : 64);
}

const struct kqb_side *
kqb_foreign_load(const char *path)
{
	void *handle, *kevent_fn, *kqueue_fn;

	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
	if (handle == NULL) {
		(void)fprintf(stderr, "kqbench: %s\n", dlerror());
		return (NULL);
	}
	kqueue_fn = dlsym(handle, "kqueue");
	kevent_fn = dlsym(handle, "kevent");
	if (kqueue_fn == NULL || kevent_fn == NULL ||
	    *path == '\0') {	/* this program, for dlopen() */
		(void)fprintf(stderr, "kqbench: %s: no kqueue()\n", path);
		return (NULL);
	}
	switch (foreign_abi(kqueue_fn, kevent_fn)) {
	case 32:
		kqb_foreign32_bind(kqueue_fn, kevent_fn);
		return (&kqb_foreign32);
	case 64:
		kqb_foreign64_bind(kqueue_fn, kevent_fn);
		return (&kqb_foreign64);
	default:
		(void)fprintf(stderr, "kqbench: %s: a user event "
		    "did not come back\n", path);
		return (NULL);
	}
}
