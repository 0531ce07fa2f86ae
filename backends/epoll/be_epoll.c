/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_epoll: waiting on Linux, by epoll(7).
 *
 * Number:  the program's descriptor is the epoll instance, so poll, nesting,
 *          dup and close are the kernel's.  The signal number that F_SETSIG
 *          stores in its open file, and that epoll never uses, is the
 *          instance's tag: F_GETSIG on any duplicate gives it back.  Beyond
 *          63 instances the kind of owner (F_SETOWN_EX) helps, up to 189.
 * Items:   one per watched descriptor in the number itself (main).  Level
 *          directions share it.  An edge or one-shot direction must be alone
 *          in its item, since a report re-reports or silences all of them;
 *          a second item lies in a side epoll, made at first need, which is
 *          itself an item of the number.
 * Silence: an item that must be kept without reporting is set to EPOLLONESHOT
 *          with no event.  A hang-up still comes through once.
 * Waiting: be_epoll_wait.c.
 * Bell:    be_epoll_bell.c.
 * Alarms:  one timerfd per clock, made at first need, EPOLLET, never read.
 * Shared:  be_epoll_share.c.
 * Fork:    items belong to open files shared with the parent; the child only
 *          closes its own copies.
 */
#include "config.h"

#include <sys/timerfd.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backends/barecall.h"
#include "backends/rawcall.h"
#include "be_epoll.h"

#ifndef F_SETSIG
#define F_SETSIG	10
#define F_GETSIG	11
#endif

/* Not to be merged into what is done for each event or change. */
#define EP_APART	__attribute__((__noinline__))

static inline __attribute__((__always_inline__)) int
ep_ctl(int ep, int op, int fd, uint32_t events, uint64_t cookie)
{
	struct epoll_event ev;

	ev.events = events;
	ev.data.u64 = cookie;
	return ((int)-evany__barecall(SYS_epoll_ctl, ep, op, fd, (long)&ev));
}

int
evany__ep_ctl(int ep, int op, int fd, uint32_t events, uint64_t cookie)
{
	return (ep_ctl(ep, op, fd, events, cookie));
}

void
evany__ep_close(int *fdp)
{
	if (*fdp != -1)
		QUIETLY((void)evany__close(*fdp));
	*fdp = -1;
}

static int
be_epoll_probe(void)
{
	int error = 0, fd;

	QUIETLY(fd = (int)syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
	    error = fd == -1 ? errno : 0);
	if (fd != -1)
		evany__ep_close(&fd);
	/* Out of descriptors: the calls are there all the same. */
	return (error == EMFILE || error == ENFILE || error == ENOMEM ? 0 :
	    error);
}

/*
 * The kind of owner is stored like the signal number: a thread if never set,
 * else a process or a process group.
 */
int
evany__be_epoll_tag(struct evany__inst *inst, int fd)
{
	struct f_owner_ex owner;

	switch (evany__inst_subtag(inst)) {
	case F_OWNER_PID:
		owner.type = F_OWNER_PID;
		owner.pid = getpid();
		break;
	case F_OWNER_PGRP:
		owner.type = F_OWNER_PGRP;
		owner.pid = getpgrp();
		break;
	default:
		return (fcntl(fd, F_SETSIG, (int)evany__inst_tag(inst)));
	}
	if (fcntl(fd, F_SETOWN_EX, &owner) == -1)
		return (-1);
	return (fcntl(fd, F_SETSIG, (int)evany__inst_tag(inst)));
}

static int
be_epoll_open(struct evany__inst *inst, int flags, void **statep, int *numberp)
{
	struct be_epoll *ep;
	int error = 0, i, fd;

	if ((ep = malloc(sizeof(*ep))) == NULL)
		return (ENOMEM);
	QUIETLY(fd = (int)syscall(SYS_epoll_create1,
	    (flags & O_CLOEXEC) != 0 ? EPOLL_CLOEXEC : 0);
	    if (fd == -1 || evany__be_epoll_tag(inst, fd) == -1)
		error = errno);
	if (error != 0) {
		evany__ep_close(&fd);
		free(ep);
		return (error);
	}
	atomic_init(&ep->ep_side, -1);
	ep->ep_mark = ep->ep_doze = -1;
	atomic_init(&ep->ep_bell, false);
	for (i = 0; i < EVANY__CLOCKS; i++)
		ep->ep_timer[i] = -1;
	*statep = ep;
	*numberp = fd;
	return (0);
}

static void
side_close(struct be_epoll *ep)
{
	int fd = atomic_exchange(&ep->ep_side, -1);

	evany__ep_close(&fd);
}

static void
be_epoll_close(struct evany__inst *inst)
{
	struct be_epoll *ep = evany__inst_state(inst);
	int i;

	evany__ep_bell_release(ep);
	side_close(ep);
	evany__ep_close(&ep->ep_mark);
	evany__ep_close(&ep->ep_doze);
	for (i = 0; i < EVANY__CLOCKS; i++)
		evany__ep_close(&ep->ep_timer[i]);
	free(ep);
}

int
evany__be_epoll_names(struct evany__inst *inst, int number)
{
	struct f_owner_ex owner;
	int yes = 0;
	long sig;

	sig = evany__barecall(SYS_fcntl, number, F_GETSIG, 0, 0);
	if (sig <= 0 || (unsigned)sig != evany__inst_tag(inst))
		return (0);
	if (!evany__inst_crowded())
		return (1);
	QUIETLY(if (fcntl(number, F_GETOWN_EX, &owner) == 0)
		yes = (unsigned)owner.type == evany__inst_subtag(inst));
	return (yes);
}

static int
be_epoll_any(int number)
{
	long sig = evany__barecall(SYS_fcntl, number, F_GETSIG, 0, 0);

	return (sig > 0 ? 1 : sig == 0 ? 0 : -1);
}

/* ---- interest ----------------------------------------------------------- */

static const uint32_t dir_events[EVANY__W_COUNT] = {
	[EVANY__W_IN] = EPOLLIN | EPOLLRDHUP,
	[EVANY__W_OUT] = EPOLLOUT,
	[EVANY__W_PRI] = EPOLLPRI
};

static bool
active(uint8_t mode)
{
	return (mode >= EVANY__LEVEL);
}

static bool
any(const uint8_t *modes)
{
	int d;

	for (d = 0; d < EVANY__W_COUNT; d++)
		if (modes[d] != EVANY__OFF)
			return (true);
	return (false);
}

static bool
any_active(const uint8_t *modes)
{
	int d;

	for (d = 0; d < EVANY__W_COUNT; d++)
		if (active(modes[d]))
			return (true);
	return (false);
}

/* May a direction of this mode join the item without disturbing others? */
static bool
fits(const uint8_t *item, uint8_t mode)
{
	int d;

	for (d = 0; d < EVANY__W_COUNT; d++)
		if (active(item[d]) &&
		    (item[d] != EVANY__LEVEL || mode != EVANY__LEVEL))
			return (false);
	return (true);
}

/*
 * Divides what is wanted between the two items.  A direction that does not
 * change stays where it is, since moving it would report it again.
 */
static void
ep_place(const struct ep_priv *pv, const uint8_t *want, struct ep_priv *to)
{
	bool home_side, placed[EVANY__W_COUNT];
	int d;

	memset(to, 0, sizeof(*to));
	for (d = 0; d < EVANY__W_COUNT; d++) {
		home_side = pv->pv_side[d] != EVANY__OFF;
		placed[d] = !active(want[d]) ||
		    want[d] == (home_side ? pv->pv_side : pv->pv_main)[d];
		if (placed[d])
			(home_side ? to->pv_side : to->pv_main)[d] = want[d];
	}
	for (d = 0; d < EVANY__W_COUNT; d++) {
		if (placed[d])
			continue;
		home_side = pv->pv_side[d] != EVANY__OFF;
		if (home_side && fits(to->pv_side, want[d]))
			to->pv_side[d] = want[d];
		else if (fits(to->pv_main, want[d]))
			to->pv_main[d] = want[d];
		else
			to->pv_side[d] = want[d];
	}
}

static uint32_t
ep_events(const uint8_t *modes)
{
	uint32_t events = 0;
	bool edge = false, once = false;
	int d;

	for (d = 0; d < EVANY__W_COUNT; d++) {
		if (!active(modes[d]))
			continue;
		events |= dir_events[d];
		edge |= modes[d] == EVANY__EDGE;
		once |= modes[d] == EVANY__ONCE;
	}
	if (events == 0 || once)
		return (events | EPOLLONESHOT);
	return (edge ? events | EPOLLET : events);
}

/*
 * Is the mistake in the number of the instance, or in the descriptor?  What
 * cannot be an item at all is not the file that was registered.
 */
static int
blame(struct evany__inst *inst, int number, int fd, int error, bool registered)
{
	int r;

	switch (error) {
	case EBADF:
		QUIETLY(r = fcntl(fd, F_GETFD));
		if (r == -1)
			return (EBADF);
		return (EIDRM);
	case EINVAL:
	case ELOOP:
	case ENOENT:
	case EPERM:
		if (!evany__be_epoll_names(inst, number))
			return (EIDRM);
		return (error == ENOENT || registered ? ESTALE : error);
	default:
		return (error);
	}
}

/* Does going from old to now need a call? */
static bool
ep_differs(const uint8_t *old, const uint8_t *now, bool fresh)
{
	return (fresh || any(old) != any(now) ||
	    (any(now) && ep_events(old) != ep_events(now)));
}

/* Brings one item to the wanted state. */
static int
ep_item(int ep, int fd, const uint8_t *old, const uint8_t *now, bool fresh,
    uint64_t cookie)
{
	uint32_t events;
	int d, error;

	if (!ep_differs(old, now, fresh))
		return (0);
	if (!any(now))
		return (evany__ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0));
	events = ep_events(now);
	if ((events & EPOLLONESHOT) != 0)
		cookie = EP_COOKIE(cookie, EP_ONESHOT);
	for (d = 0; d < EVANY__W_COUNT; d++)
		if (active(now[d]))
			cookie = EP_COOKIE(cookie, EP_DIR(d));
	if (any(old))
		return (evany__ep_ctl(ep, EPOLL_CTL_MOD, fd, events, cookie));
	error = evany__ep_ctl(ep, EPOLL_CTL_ADD, fd, events, cookie);
	/* The item of a number that was closed and is the same file again. */
	if (error == EEXIST)
		error = evany__ep_ctl(ep, EPOLL_CTL_MOD, fd, events, cookie);
	return (error);
}

static int
ep_side_open(struct evany__inst *inst, int number)
{
	struct be_epoll *ep = evany__inst_state(inst);
	int error = 0, fd;

	if (ep->ep_side != -1)
		return (0);
	QUIETLY(fd = evany__inner((int)syscall(SYS_epoll_create1,
	    EPOLL_CLOEXEC)); error = fd == -1 ? errno : 0);
	if (error != 0)
		return (error);
	error = evany__ep_ctl(number, EPOLL_CTL_ADD, fd, EPOLLIN,
	    EP_SIDE_COOKIE(evany__inst_tag(inst)));
	if (error != 0) {
		evany__ep_close(&fd);
		return (error);
	}
	atomic_store(&ep->ep_side, fd);
	return (0);
}

/*
 * Repeating EPOLL_CTL_ADD tells whether fd still names the registered file,
 * without a side effect: EEXIST.
 */
static int
ep_verify(int number, int fd)
{
	int error;

	error = evany__ep_ctl(number, EPOLL_CTL_ADD, fd, EPOLLONESHOT, 0);
	switch (error) {
	case EEXIST:
		return (0);
	case 0:
		(void)evany__ep_ctl(number, EPOLL_CTL_DEL, fd, 0, 0);
		return (ESTALE);
	case EPERM:
		return (ESTALE);
	default:
		return (error);
	}
}

static bool
fresh_in(const uint8_t *modes, unsigned fresh)
{
	int d;

	for (d = 0; d < EVANY__W_COUNT; d++)
		if (active(modes[d]) && (fresh & 1U << d) != 0)
			return (true);
	return (false);
}

/* One item for all directions; it is told what to do each time. */
static int
ep_together(struct evany__inst *inst, int number, struct evany__change *ch)
{
	const unsigned dirs = EP_DIR(EVANY__W_IN) | EP_DIR(EVANY__W_OUT) |
	    EP_DIR(EVANY__W_PRI);
	struct ep_priv pv, to;
	uint64_t cookie;
	uint32_t events;
	int error, op;

	memcpy(&pv, ch->ch_priv, sizeof(pv));
	memset(&to, 0, sizeof(to));
	memcpy(to.pv_main, ch->ch_want, sizeof(to.pv_main));
	if (!any(to.pv_main))
		to.pv_main[EVANY__W_IN] = EVANY__IDLE;
	events = ep_events(to.pv_main);
	cookie = EP_COOKIE(ch->ch_cookie, dirs |
	    ((events & EPOLLONESHOT) != 0 ? EP_ONESHOT : 0));
	op = any(pv.pv_main) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	error = evany__ep_ctl(number, op, ch->ch_fd, events, cookie);
	if (error == EEXIST)
		error = evany__ep_ctl(number, EPOLL_CTL_MOD, ch->ch_fd, events,
		    cookie);
	if (error != 0)
		return (blame(inst, number, ch->ch_fd, error,
		    any(pv.pv_main)));
	memcpy(ch->ch_priv, &to, sizeof(to));
	return (0);
}

/*
 * Most changes are one of three cases and end with one call, from here: each
 * function more is one more return that is mispredicted afterwards.  These
 * are false if it is another case, or failed: to do it again as a whole tells
 * why.
 */
#define EP_WITHIN	inline __attribute__((__always_inline__))

/* Several directions as one item, which is there already. */
static EP_WITHIN bool
ep_together_again(int number, struct evany__change *ch)
{
	const unsigned dirs = EP_DIR(EVANY__W_IN) | EP_DIR(EVANY__W_OUT) |
	    EP_DIR(EVANY__W_PRI);
	struct ep_priv pv;
	uint32_t events = EPOLLONESHOT;
	int d;

	memcpy(&pv, ch->ch_priv, sizeof(pv));
	for (d = 0; d < EVANY__W_COUNT; d++)
		if (ch->ch_want[d] == EVANY__ONCE)
			events |= dir_events[d];
		else if (ch->ch_want[d] != EVANY__OFF)
			return (false);
	if (events == EPOLLONESHOT || !any(pv.pv_main) ||
	    ep_ctl(number, EPOLL_CTL_MOD, ch->ch_fd, events,
	    EP_COOKIE(ch->ch_cookie, dirs | EP_ONESHOT)) != 0)
		return (false);
	memcpy(pv.pv_main, ch->ch_want, sizeof(pv.pv_main));
	memcpy(ch->ch_priv, &pv, sizeof(pv));
	return (true);
}

/* A silent item: is it still that of the number?  See ep_verify(). */
static EP_WITHIN bool
ep_silent_still(int number, struct evany__change *ch)
{
	struct ep_priv pv;
	int error;

	memcpy(&pv, ch->ch_priv, sizeof(pv));
	if (any_active(ch->ch_want) || !any(ch->ch_want) ||
	    any_active(pv.pv_main) || !any(pv.pv_main) || any(pv.pv_side))
		return (false);
	error = ep_ctl(number, EPOLL_CTL_ADD, ch->ch_fd, EPOLLONESHOT, 0);
	if (error == 0)
		(void)evany__ep_ctl(number, EPOLL_CTL_DEL, ch->ch_fd, 0, 0);
	if (error != EEXIST)
		return (false);
	memcpy(pv.pv_main, ch->ch_want, sizeof(pv.pv_main));
	memcpy(ch->ch_priv, &pv, sizeof(pv));
	return (true);
}

/* One direction alone, now and before, in the main item. */
static EP_WITHIN bool
ep_alone(int number, struct evany__change *ch)
{
	struct ep_priv pv;
	uint64_t cookie;
	uint32_t events;
	uint8_t now, old;
	int d, i;

	memcpy(&pv, ch->ch_priv, sizeof(pv));
	for (d = 0; d < EVANY__W_COUNT - 1; d++)
		if (ch->ch_want[d] != EVANY__OFF)
			break;
	for (i = d + 1; i < EVANY__W_COUNT; i++)
		if (ch->ch_want[i] != EVANY__OFF)
			return (false);
	now = ch->ch_want[d];
	old = pv.pv_main[d];
	pv.pv_main[d] = EVANY__OFF;
	if (!active(now) || (ch->ch_fresh & 1U << d) == 0 ||
	    any(pv.pv_main) || any(pv.pv_side))
		return (false);
	events = dir_events[d];
	cookie = EP_COOKIE(ch->ch_cookie, EP_DIR(d));
	if (now == EVANY__ONCE) {
		events |= EPOLLONESHOT;
		cookie = EP_COOKIE(cookie, EP_ONESHOT);
	} else if (now == EVANY__EDGE)
		events |= EPOLLET;
	if (ep_ctl(number, old == EVANY__OFF ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
	    ch->ch_fd, events, cookie) != 0)
		return (false);
	((struct ep_priv *)ch->ch_priv)->pv_main[d] = now;
	return (true);
}

static EP_WITHIN bool
ep_quick(int number, struct evany__change *ch)
{
	if (ch->ch_fresh == EVANY__TOGETHER)
		return (ep_together_again(number, ch));
	if (ch->ch_fresh == EVANY__VERIFY)
		return (ep_silent_still(number, ch));
	if ((ch->ch_fresh & EVANY__TOGETHER) != 0)
		return (false);
	return (ep_alone(number, ch));
}

static EP_APART int
ep_change(struct evany__inst *inst, int number, struct evany__change *ch)
{
	struct be_epoll *ep = evany__inst_state(inst);
	struct ep_priv pv, to;
	bool fresh;
	int error;

	if ((ch->ch_fresh & EVANY__TOGETHER) != 0)
		return (ep_together(inst, number, ch));
	memcpy(&pv, ch->ch_priv, sizeof(pv));
	ep_place(&pv, ch->ch_want, &to);

	/* The main item tells what the number names: it stays to the last. */
	if (any(to.pv_side) && !any(to.pv_main))
		to.pv_main[EVANY__W_IN] = EVANY__IDLE;
	if (!any(ch->ch_want) && ch->ch_fresh == 0 && any(pv.pv_main) &&
	    !any_active(pv.pv_main))
		to.pv_main[EVANY__W_IN] = EVANY__IDLE;

	fresh = fresh_in(to.pv_main, ch->ch_fresh);
	if (ch->ch_fresh != 0 && !ep_differs(pv.pv_main, to.pv_main, fresh) &&
	    (error = ep_verify(number, ch->ch_fd)) != 0)
		return (blame(inst, number, ch->ch_fd, error,
		    any(pv.pv_main)));

	if (any(to.pv_side) && (error = ep_side_open(inst, number)) != 0)
		return (blame(inst, number, ch->ch_fd, error,
		    any(pv.pv_main)));
	error = ep_item(number, ch->ch_fd, pv.pv_main, to.pv_main, fresh,
	    EP_COOKIE(ch->ch_cookie, 0));
	if (error != 0)
		return (blame(inst, number, ch->ch_fd, error,
		    any(pv.pv_main)));
	if (ep->ep_side != -1) {
		error = ep_item(ep->ep_side, ch->ch_fd, pv.pv_side, to.pv_side,
		    fresh_in(to.pv_side, ch->ch_fresh),
		    EP_COOKIE(ch->ch_cookie, EP_IN_SIDE));
		if (error != 0 && any(to.pv_side)) {
			(void)ep_item(number, ch->ch_fd, to.pv_main,
			    pv.pv_main, false, ch->ch_cookie);
			return (blame(inst, number, ch->ch_fd, error,
		    any(pv.pv_main)));
		}
	}
	memcpy(ch->ch_priv, &to, sizeof(to));
	return (0);
}

EVANY__HOT int
evany__be_epoll_change(struct evany__inst *inst, int number, struct evany__change *ch,
    int n, int *donep)
{
	int i;

	for (i = 0; i < n; i++) {
		ch[i].ch_error = ep_quick(number, &ch[i]) ? 0 :
		    ep_change(inst, number, &ch[i]);
		if (ch[i].ch_error != 0) {
			i++;
			break;
		}
	}
	*donep = i;
	return (0);
}

static EVANY__HOT void
be_epoll_spent(struct evany__inst *inst, int number, void *priv,
    uint64_t cookie)
{
	struct ep_priv *pv = priv;
	uint8_t *modes;
	int d;

	(void)inst;
	(void)number;
	modes = (EVANY__COOKIE_MECH(cookie) & EP_IN_SIDE) != 0 ? pv->pv_side :
	    pv->pv_main;
	for (d = 0; d < EVANY__W_COUNT; d++)
		if (modes[d] != EVANY__OFF)
			modes[d] = EVANY__IDLE;
}

static int
be_epoll_feed(struct evany__inst *inst, int number, int fd,
    enum evany__mode mode, uint64_t cookie)
{
	uint8_t modes[EVANY__W_COUNT] = { [EVANY__W_IN] = (uint8_t)mode };
	uint8_t none[EVANY__W_COUNT] = { EVANY__OFF };
	int error;

	error = ep_item(number, fd, none, modes, false, cookie);
	return (error == 0 ? 0 : blame(inst, number, fd, error, false));
}

static void
be_epoll_unfeed(struct evany__inst *inst, int number, int fd)
{
	(void)inst;
	(void)evany__ep_ctl(number, EPOLL_CTL_DEL, fd, 0, 0);
}

/* ---- renewal, alarms, fork ------------------------------------------------- */

void
evany__be_epoll_abandon(struct evany__inst *inst, int old, int number)
{
	struct be_epoll *ep = evany__inst_state(inst);
	int i;

	/* Threads in the old one come out, however many; see the pass. */
	(void)evany__be_epoll_wake(inst, old);
	evany__ep_bell_move(inst, old, number);
	side_close(ep);
	evany__ep_close(&ep->ep_mark);
	evany__ep_close(&ep->ep_doze);
	for (i = 0; i < EVANY__CLOCKS; i++)
		evany__ep_close(&ep->ep_timer[i]);
}

static int
be_epoll_alarm(struct evany__inst *inst, int number, int clock, int64_t at)
{
	struct be_epoll *ep = evany__inst_state(inst);
	struct itimerspec its;
	int error = 0, fd;

	if (ep->ep_timer[clock] == -1) {
		QUIETLY(fd = evany__inner((int)syscall(SYS_timerfd_create,
		    clock == EVANY__REALTIME ? CLOCK_REALTIME :
		    CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
		    error = fd == -1 ? errno : 0);
		if (error != 0)
			return (error);
		error = evany__ep_ctl(number, EPOLL_CTL_ADD, fd,
		    evany__inst_shared(inst) ? EPOLLIN : EPOLLIN | EPOLLET,
		    EVANY__COOKIE(EVANY__CK_ALARM,
		    evany__inst_tag(inst), 0, clock));
		if (error != 0) {
			evany__ep_close(&fd);
			return (blame(inst, number, number, error, false));
		}
		ep->ep_timer[clock] = fd;
	}
	memset(&its, 0, sizeof(its));
	its.it_value.tv_sec = (time_t)(at / 1000000000);
	its.it_value.tv_nsec = (long)(at % 1000000000);
	QUIETLY(if (syscall(SYS_timerfd_settime, ep->ep_timer[clock],
	    TFD_TIMER_ABSTIME, &its, NULL) == -1) error = errno);
	return (error);
}

static void
be_epoll_fork_child(struct evany__inst *inst, void **statep)
{
	struct be_epoll *ep = evany__inst_state(inst);
	int i;

	(void)statep;
	evany__ep_bell_fork_child();
	ep->ep_bell = false;
	side_close(ep);
	evany__ep_close(&ep->ep_doze);
	if (!evany__inst_shared(inst))
		evany__ep_close(&ep->ep_mark);
	for (i = 0; i < EVANY__CLOCKS; i++)
		evany__ep_close(&ep->ep_timer[i]);
}

const struct evany__be_ops evany__be_epoll_ops = {
	.be_name = "epoll",
	.be_probe = be_epoll_probe,
	.be_open = be_epoll_open,
	.be_close = be_epoll_close,
	.be_names = evany__be_epoll_names,
	.be_any = be_epoll_any,
	.be_same = evany__be_epoll_same,
	.be_change = evany__be_epoll_change,
	.be_spent = be_epoll_spent,
	.be_evict = evany__be_epoll_evict,
	.be_renew = evany__be_epoll_renew,
	.be_feed = be_epoll_feed,
	.be_unfeed = be_epoll_unfeed,
	.be_wait = evany__be_epoll_wait,
	.be_wake = evany__be_epoll_wake,
	.be_hush = evany__be_epoll_hush,
	.be_mark = evany__be_epoll_mark,
	.be_rouse = evany__be_epoll_rouse,
	.be_doze = evany__be_epoll_doze,
	.be_alarm = be_epoll_alarm,
	.be_fork_child = be_epoll_fork_child,
	.be_shares = true
};
