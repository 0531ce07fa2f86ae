/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kb_change: interest in descriptors.
 *
 * Knotes:  EVFILT_READ, WRITE and EXCEPT for the three directions.  A level has
 *          no flag, an edge EV_CLEAR, once EV_DISPATCH; an idle direction keeps
 *          its knote, disabled, or has one of the last kind.
 * Change:  one call.  First what touches knotes that must be there (disable,
 *          delete), which fails before anything is done if the number names
 *          another file; then those that are added, or added again, so that
 *          their condition is looked at anew.
 * Together: knotes whose cookies tell which directions are one interest.  The
 *          first that is reported leaves the others to be_spent.
 * Ends:    with none wanted, READ and WRITE with a low-water mark that is not
 *          reached; the wait drops what is reported all the same.
 */
#include "config.h"

#include "backends/kqueue/be_kqueue.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* The sentinel, and two for each direction or one to verify. */
#define CHANGES	(2 + 2 * EVANY__W_COUNT)

const int evany__kb_filter[EVANY__W_COUNT] = {
	[EVANY__W_IN] = EVFILT_READ,
	[EVANY__W_OUT] = EVFILT_WRITE,
#ifdef EVFILT_EXCEPT
	[EVANY__W_PRI] = EVFILT_EXCEPT
#else
	[EVANY__W_PRI] = EVFILT_READ	/* refused before it is used */
#endif
};

static bool
there(const struct kb_priv *pv)
{
	int d;

	for (d = 0; d < EVANY__W_COUNT; d++)
		if (pv->kp_mode[d] != 0)
			return (true);
	return (false);
}

static bool
enabled(const struct kb_priv *pv)
{
	int d;

	for (d = 0; d < EVANY__W_COUNT; d++)
		if ((pv->kp_mode[d] & KP_ON) != 0)
			return (true);
	return (false);
}

/* What is to be there. */
static void
goal(const struct kb_priv *pv, const struct evany__change *ch,
    struct kb_priv *to)
{
	bool together = (ch->ch_fresh & EVANY__TOGETHER) != 0;
	uint8_t mode;
	int d;

	memset(to, 0, sizeof(*to));
	to->kp_fd = ch->ch_fd;
	for (d = 0; d < EVANY__W_COUNT; d++) {
		mode = ch->ch_want[d];
		if (mode >= EVANY__LEVEL)
			to->kp_mode[d] = (uint8_t)(mode | KP_ON);
		else if (mode == EVANY__IDLE)
			to->kp_mode[d] = pv->kp_mode[d] == 0 ? EVANY__ONCE :
			    KP_BASE(pv->kp_mode[d]);
		if (together && mode >= EVANY__LEVEL)
			to->kp_kind |= (uint8_t)(KB_TOGETHER | KB_DIR(d));
	}
	if (together && !enabled(to)) {
		to->kp_mode[EVANY__W_IN] = to->kp_mode[EVANY__W_OUT] =
		    EVANY__EDGE | KP_ON;
		to->kp_kind = KB_TOGETHER | KB_ENDS;
	}
	/* Silent, and of use when it is wanted again. */
	if (ch->ch_fresh == 0 && !there(to) && !enabled(pv))
		*to = *pv;
	to->kp_kind |= pv->kp_kind & KP_NEST;
}

/* The knote of a direction as pv has it, with these flags besides. */
static void
knote(struct kevent *kev, const struct kb_priv *pv, int d, unsigned flags,
    uint64_t cookie)
{
	unsigned mech = pv->kp_kind & ~KP_NEST;

	switch (KP_BASE(pv->kp_mode[d])) {
	case EVANY__EDGE:
		flags |= EV_CLEAR;
		break;
	case EVANY__ONCE:
		flags |= EV_DISPATCH;
		mech |= KB_ONCE;
		break;
	}
	evany__kb_set(kev, (uintptr_t)pv->kp_fd, evany__kb_filter[d], flags,
	    KB_MECH(KB_CORE(cookie), mech));
	if ((pv->kp_kind & KB_ENDS) != 0) {
		kev->fflags = NOTE_LOWAT;
		kev->data = INT_MAX;
	}
#ifdef NOTE_OOB
	if (d == EVANY__W_PRI)
		kev->fflags = NOTE_OOB;
#endif
}

/* Adds or changes it so that it is as pv says. */
static void
knote_add(struct kevent *kev, const struct kb_priv *pv, int d, uint64_t cookie)
{

	knote(kev, pv, d, EV_ADD | ((pv->kp_mode[d] & KP_ON) != 0 ? EV_ENABLE :
	    EV_DISABLE), cookie);
}

/* The knote by which the file is best recognised, without an effect. */
static void
knote_verify(struct kevent *kev, const struct kb_priv *pv, uint64_t cookie)
{
	int best = -1, d;
	bool quiet;

	for (d = 0; d < EVANY__W_COUNT; d++) {
		if (pv->kp_mode[d] == 0)
			continue;
		/* To touch an edge may report it again on FreeBSD. */
		quiet = pv->kp_mode[d] != (EVANY__EDGE | KP_ON);
		if (best == -1 || quiet)
			best = d;
	}
	knote(kev, pv, best, (pv->kp_mode[best] & KP_ON) != 0 ? 0 : EV_DISABLE,
	    cookie);
}

/* Must anything be done about the direction? */
static bool
differs(const struct kb_priv *pv, const struct kb_priv *to, int d,
    unsigned fresh)
{

	if (pv->kp_mode[d] != to->kp_mode[d])
		return (true);
	if ((to->kp_mode[d] & KP_ON) == 0)
		return (false);
	return (pv->kp_kind != to->kp_kind || (fresh & (KB_DIR(d) |
	    EVANY__TOGETHER)) != 0);
}

/* The calls that lead from pv to to, after the sentinel; their number. */
static int
plan(const struct kb_priv *pv, const struct kb_priv *to,
    const struct evany__change *ch, struct kevent *kev)
{
	bool adds = false, seen = false;
	int d, n = 0;

	for (d = 0; d < EVANY__W_COUNT; d++) {
		if (!differs(pv, to, d, ch->ch_fresh))
			continue;
		adds |= to->kp_mode[d] != 0;
		if (pv->kp_mode[d] == 0)
			continue;
		knote(&kev[n++], pv, d, KP_BASE(pv->kp_mode[d]) ==
		    KP_BASE(to->kp_mode[d]) ? EV_DISABLE : EV_DELETE,
		    ch->ch_cookie);
		seen = true;
	}
	if (!seen && there(pv) && (adds || ch->ch_fresh != 0))
		knote_verify(&kev[n++], pv, ch->ch_cookie);
	for (d = 0; d < EVANY__W_COUNT; d++)
		if (differs(pv, to, d, ch->ch_fresh) && to->kp_mode[d] != 0 &&
		    to->kp_mode[d] != KP_BASE(pv->kp_mode[d]))
			knote_add(&kev[n++], to, d, ch->ch_cookie);
	return (n);
}

/* What could not be changed as a whole goes back to what it was. */
static void
undo(struct be_kqueue *kb, int number, const struct kb_priv *pv,
    const struct kb_priv *to, uint64_t cookie)
{
	struct kevent kev[2];
	int d;

	evany__kb_sentinel(kb, &kev[0]);
	for (d = 0; d < EVANY__W_COUNT; d++) {
		if (pv->kp_mode[d] != 0)
			knote_add(&kev[1], pv, d, cookie);
		else if (to->kp_mode[d] != 0)
			knote(&kev[1], to, d, EV_DELETE, cookie);
		else
			continue;
		(void)evany__kb_apply(number, kev, 2);
	}
}

/* A number that nothing is known of. */
static int
check_new(struct be_kqueue *kb, struct kb_priv *to)
{
	struct stat st;
	bool nested;
	int error, saved = errno;

	error = fstat(to->kp_fd, &st) == -1 ? EBADF : 0;
	errno = saved;
	if (error != 0)
		return (error);
	if (evany__ff_never_blocks(&st))
		return (EPERM);
	error = evany__kb_nest(kb, to->kp_fd, &st, &nested);
	if (nested)
		to->kp_kind |= KP_NEST;
	return (error);
}

/*
 * What is no socket has no urgent data, and some systems no filter for it: the
 * file is only to be recognised.
 */
static int
drop_urgent(struct evany__change *ch)
{
	struct stat st;
	int error = 0, saved = errno;

	if (ch->ch_want[EVANY__W_PRI] == EVANY__OFF)
		return (0);
	if (fstat(ch->ch_fd, &st) == -1)
		error = EBADF;
	else if (!S_ISSOCK(st.st_mode)) {
		ch->ch_want[EVANY__W_PRI] = EVANY__OFF;
		if (ch->ch_want[EVANY__W_IN] == EVANY__OFF)
			ch->ch_want[EVANY__W_IN] = EVANY__IDLE;
	}
#ifndef EVFILT_EXCEPT
	/* FreeBSD and NetBSD do not tell of it. */
	else
		error = ENOTSUP;
#endif
	errno = saved;
	return (error);
}

static int
change_one(struct be_kqueue *kb, int number, struct evany__change *change)
{
	struct kevent kev[CHANGES];
	struct evany__change one = *change, *ch = &one;
	struct kb_priv pv, to;
	int d, error, n;

	if ((error = drop_urgent(ch)) != 0)
		return (error);
	memcpy(&pv, ch->ch_priv, sizeof(pv));
	goal(&pv, ch, &to);
	evany__kb_sentinel(kb, &kev[0]);
	if ((n = plan(&pv, &to, ch, kev + 1)) == 0)
		return (0);
	if (!there(&pv) && (error = check_new(kb, &to)) != 0)
		return (error);
	if ((error = evany__kb_level_room(kb, ch->ch_fd)) != 0)
		return (error);
	if ((error = evany__kb_apply(number, kev, n + 1)) != 0) {
		error = evany__kb_blame(kb, number, ch->ch_fd, error);
		if (error != EBADF && error != EIDRM && error != ESTALE)
			undo(kb, number, &pv, &to, ch->ch_cookie);
		if (!there(&pv) && (to.kp_kind & KP_NEST) != 0)
			evany__kb_nest_forget(kb, ch->ch_fd);
		return (error);
	}
	for (d = 0; d < EVANY__W_COUNT; d++)
		evany__kb_level(kb, ch->ch_fd, d,
		    to.kp_mode[d] == (EVANY__LEVEL | KP_ON));
	if (!there(&to)) {
		if ((to.kp_kind & KP_NEST) != 0)
			evany__kb_nest_forget(kb, ch->ch_fd);
		memset(&to, 0, sizeof(to));
	}
	memcpy(ch->ch_priv, &to, sizeof(to));
	return (0);
}

int
evany__be_kqueue_change(struct evany__inst *inst, int number,
    struct evany__change *ch, int n, int *donep)
{
	int error = 0, i = 0;

	_Static_assert(sizeof(struct kb_priv) <= EVANY__FD_PRIV,
	    "what is known of a descriptor fits");
	while (i < n && error == 0) {
		error = change_one(evany__inst_state(inst), number, &ch[i]);
		ch[i++].ch_error = error;
	}
	*donep = i;
	return (0);
}

/* Knotes of one interest that were not reported are still armed. */
void
evany__be_kqueue_spent(struct evany__inst *inst, int number, void *priv,
    uint64_t cookie)
{
	struct be_kqueue *kb = evany__inst_state(inst);
	const unsigned mech = EVANY__COOKIE_MECH(cookie);
	struct kevent kev[1 + EVANY__W_COUNT];
	struct kb_priv pv;
	int d, n;

	memcpy(&pv, priv, sizeof(pv));
	evany__kb_sentinel(kb, &kev[0]);
	for (d = 0, n = 1; d < EVANY__W_COUNT; d++) {
		if ((pv.kp_mode[d] & KP_ON) == 0)
			continue;
		if ((mech & KB_DIR(d)) == 0) {
			if ((mech & KB_TOGETHER) == 0)
				continue;
			knote(&kev[n++], &pv, d, EV_DISABLE, cookie);
		}
		pv.kp_mode[d] = KP_BASE(pv.kp_mode[d]);
	}
	if (n > 1)
		(void)evany__kb_apply(number, kev, n);
	memcpy(priv, &pv, sizeof(pv));
}
