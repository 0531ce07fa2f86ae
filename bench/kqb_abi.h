/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * The kqueue ABI of a library that is loaded at run time: with KQB_ABI 64
 * the structure of FreeBSD 12, with 32 the one from before (libkqueue's).
 * The numbers are FreeBSD's in both.
 */
#ifndef KQB_ABI_H
#define KQB_ABI_H

#include <stdint.h>

#include "kqbench.h"

struct timespec;

struct kevent {
	uintptr_t	ident;
	short		filter;
	unsigned short	flags;
	unsigned int	fflags;
	int64_t		data;
	void		*udata;
#if KQB_ABI == 64
	uint64_t	ext[4];
#endif
};

#if UINTPTR_MAX > 0xffffffffU
_Static_assert(sizeof(struct kevent) == KQB_ABI, "size of struct kevent");
#endif

#define EVFILT_READ	(-1)
#define EVFILT_WRITE	(-2)
#define EVFILT_TIMER	(-7)
#define EVFILT_USER	(-11)
#define EV_ADD		0x0001
#define EV_DELETE	0x0002
#define EV_ENABLE	0x0004
#define EV_ONESHOT	0x0010
#define EV_CLEAR	0x0020
#define EV_DISPATCH	0x0080
#define EV_ERROR	0x4000
#define NOTE_TRIGGER	0x01000000

#define EV_SET(kevp, a, b, c, d, e, f) do {				\
	struct kevent *kqb_kev = (kevp);				\
	kqb_kev->ident = (uintptr_t)(a);				\
	kqb_kev->filter = (short)(b);					\
	kqb_kev->flags = (unsigned short)(c);				\
	kqb_kev->fflags = (d);						\
	kqb_kev->data = (int64_t)(e);					\
	kqb_kev->udata = (f);						\
} while (0)

extern const struct kqb_side kqb_foreign32, kqb_foreign64;
void	kqb_foreign32_bind(void *, void *);
void	kqb_foreign64_bind(void *, void *);

#endif /* KQB_ABI_H */
