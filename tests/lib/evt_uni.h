/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evt_uni: what the tests of <evany.h> share.  Cases are written as evt.h says.
 */
#ifndef EVT_UNI_H
#define EVT_UNI_H

#define EVT_FACILITY	(&evt_unified)
#include "evt.h"

#include <evany.h>

extern const struct evt_facility evt_unified;

#define MS		INT64_C(1000000)	/* in nanoseconds */
#define EVT_WAIT_NS	(EVT_WAIT_MS * MS)

/* The errno value of a call that returns -1 when it fails, or 0. */
#define EVT_ERRNO(call)	((call) == -1 ? errno : 0)

/* A small number as ev_user. */
#define EVT_USER(n)	((void *)(uintptr_t)(n))

/* A call that must succeed. */
#define EVT_OK(call) do {						\
	if ((call) == -1)						\
		evt_fail_at(__FILE__, __LINE__, "%s: %s", #call,	\
		    strerror(errno));					\
} while (0)

/* The values that an event must have. */
#define EVT_UNI(evp, source, object, what, user)			\
	evt_uni_at(__FILE__, __LINE__, evp, source,			\
	    (uintptr_t)(object), what, user)

/*
 * What a mechanism tells that is told of changes; one that looks at files now
 * and then takes what happened between two looks for one change.
 */
#define EVT_LOOKS(cond, text) do {					\
	if (evt_uni_looks())						\
		EVT_APPROX(cond, text);					\
	else								\
		ATF_REQUIRE_MSG(cond, "%s (%s)", text, #cond);		\
} while (0)

#define evt_queue()		evt_queue_at(__FILE__, __LINE__)
#define evt_uni_get(q, ev, n)	evt_uni_get_at(__FILE__, __LINE__, q, ev, n)
#define evt_uni_poll(q, ev, n)	evt_uni_poll_at(__FILE__, __LINE__, q, ev, n)
#define evt_uni_one(q, ev)	evt_uni_one_at(__FILE__, __LINE__, q, ev)
#define evt_uni_none(q)		evt_uni_none_at(__FILE__, __LINE__, q)
#define evt_uni_posts(q, first, last, room)				\
	evt_uni_posts_at(__FILE__, __LINE__, q, first, last, room)
#define evt_uni_until(q, name, what)					\
	evt_uni_until_at(__FILE__, __LINE__, q, name, what)
#define evt_put(path, text)	evt_put_at(__FILE__, __LINE__, path, text)

/* A queue, or the case fails. */
int	evt_queue_at(const char *, int);

/* Events: until the deadline, or at once; the count, which is never -1. */
int	evt_uni_get_at(const char *, int, int, struct evany_event *, int);
int	evt_uni_poll_at(const char *, int, int, struct evany_event *, int);

/* Exactly one event; none at all, for a while. */
void	evt_uni_one_at(const char *, int, int, struct evany_event *);
void	evt_uni_none_at(const char *, int, int);

/*
 * Takes posts whose data are first to last, in this order, at most room (64 or
 * fewer) at a time; then there is nothing.
 */
void	evt_uni_posts_at(const char *, int, int, int64_t first, int64_t last,
	    int room);

/* Takes events until one has that name and bit; others do not matter. */
struct evany_event evt_uni_until_at(const char *, int, int, const char *,
	    uint32_t);

/* Does the mechanism for files look at them now and then? */
bool	evt_uni_looks(void);

/* Appends text to a file, which is made if there is none. */
void	evt_put_at(const char *, int, const char *, const char *);

/* An event as text, in a buffer of the calling thread. */
const char *evt_uni_text(const struct evany_event *);
void	evt_uni_at(const char *, int, const struct evany_event *, int,
	    uintptr_t, unsigned int, void *);

#endif /* EVT_UNI_H */
