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
 * long its struct kevent is comes out of what it writes into an event list, in
 * a child, so that no thread of its own is there when a measurement begins.
 */

#include "config.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define KQB_ABI 32
#include "kqb_abi.h"
#include "kqbench.h"

#define POISON	0xa5

struct probe {
	int	(*kqueue)(void);
	int	(*kevent)(int, const void *, int, void *, int,
		    const struct timespec *);
	size_t	size;
};

/* The size of its structure: that of the first event.  1 if none came. */
static int
probe(void *arg)
{
	static const struct timespec second = { 1, 0 };
	struct probe *pr = arg;
	unsigned char in[256], out[256];
	struct kevent kev;
	size_t size;
	int q;

	if ((q = pr->kqueue()) == -1)
		return (1);
	memset(in, 0, sizeof(in));
	EV_SET(&kev, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	memcpy(in, &kev, sizeof(kev));
	if (pr->kevent(q, in, 1, NULL, 0, NULL) == -1)
		return (1);
	EV_SET(&kev, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	memcpy(in, &kev, sizeof(kev));
	if (pr->kevent(q, in, 1, NULL, 0, NULL) == -1)
		return (1);
	memset(out, POISON, sizeof(out));
	if (pr->kevent(q, NULL, 0, out, 1, &second) != 1)
		return (1);
	for (size = sizeof(out); size > 0 && out[size - 1] == POISON; size--)
		;
	pr->size = size <= sizeof(kev) ? sizeof(kev) : 64;
	return (0);
}

const struct kqb_side *
kqb_foreign_load(const char *path)
{
	void *handle, *kevent_fn, *kqueue_fn;
	struct probe pr;

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
	*(void **)&pr.kqueue = kqueue_fn;
	*(void **)&pr.kevent = kevent_fn;
	if (kqb_apart(probe, &pr, sizeof(pr)) != 0) {
		(void)fprintf(stderr, "kqbench: %s: a user event "
		    "did not come back\n", path);
		return (NULL);
	}
	if (pr.size == 64) {
		kqb_foreign64_bind(kqueue_fn, kevent_fn);
		return (&kqb_foreign64);
	}
	kqb_foreign32_bind(kqueue_fn, kevent_fn);
	return (&kqb_foreign32);
}
