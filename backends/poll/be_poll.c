/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * be_poll: waiting by poll(2) and pipes, on any Unix.
 *
 * Number:  the program's descriptor is the read end of a pipe that belongs to
 *          the instance, known again by device and inode.  A byte is in the
 *          pipe while there is something to give, so the number polls, nests
 *          and dups as pipes do.  We wait and empty the pipe through a
 *          duplicate of our own: the program's number may be another file by
 *          the time it is read, and bytes of that must not be eaten.
 * Ready:   the background thread (pollthread.c) waits for all descriptors of
 *          all instances; one that becomes ready is taken out of its array and
 *          put into the ready queue here, and the byte is written.  A wait
 *          first looks at every descriptor itself, so that what is true when
 *          it begins is seen without the thread, then sleeps on the pipe.
 * Level:   a reported level stays in the queue, is looked at again by each
 *          wait, and goes back to the thread when it is not ready any more.
 * Edge:    poll_edge.c.
 * Alarms:  a time at which the thread writes the byte, and which each wait
 *          compares with the clock.  Nobody tells us when the realtime clock
 *          is set, so that one is looked at every REALTIME_NS.
 * Marks:   poll_mark.c, with the bell and what sleeps without taking anything.
 * Race:    a queue that was closed is not known to be so until core releases
 *          it; until then its descriptors wake the thread, once each.
 * Locks:   bp_lock (4), for all of the state but the pipe, the bell and the
 *          mark.
 * Fork:    the child closes its copies of the inner descriptors and never
 *          looks at the state: a thread may have been changing it.  Of what
 *          goes on in the child: poll_share.c.
 */
#include "config.h"

#include <sys/stat.h>

#include "backends/poll/be_poll.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/rawcall.h"

#define REALTIME_NS	INT64_C(1000000000)

static void	be_poll_tick(struct evany__bg_tick *);
static void	be_poll_free(struct evany__bg_release *);

void
evany__bp_enter(struct be_poll *bp, int *cancelp)
{
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, cancelp);
	evany__lock_mark();
	(void)pthread_mutex_lock(&bp->bp_lock);
}

void
evany__bp_leave(struct be_poll *bp, int cancel)
{
	(void)pthread_mutex_unlock(&bp->bp_lock);
	evany__lock_unmark();
	(void)pthread_setcancelstate(cancel, NULL);
}

/* ---- life ----------------------------------------------------------------------- */

/* Systems that give all pipes one inode number cannot be served. */
static int
be_poll_probe(void)
{
	struct evany__pipe one, other;
	int cancel, error, saved;

	saved = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if ((error = evany__pipe_open(&one)) == 0) {
		if ((error = evany__pipe_open(&other)) == 0) {
			if (evany__pipe_names(&one, other.pi_read))
				error = ENOTSUP;
			evany__pipe_close(&other);
		}
		evany__pipe_close(&one);
	}
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	/* Out of descriptors: pipes are there all the same. */
	return (error == EMFILE || error == ENFILE ? 0 : error);
}

struct be_poll *
evany__bp_new(struct evany__inst *inst)
{
	struct be_poll *bp;

	if ((bp = calloc(1, sizeof(*bp))) == NULL)
		return (NULL);
	if (pthread_mutex_init(&bp->bp_lock, NULL) != 0) {
		free(bp);
		return (NULL);
	}
	bp->bp_inst = inst;
	bp->bp_tag = evany__inst_tag(inst);
	bp->bp_doze = (struct evany__pipe)EVANY__PIPE_NONE;
	atomic_store(&bp->bp_port.pp_fd, -1);
	bp->bp_look = bp->bp_next = EVANY__FOREVER;
	bp->bp_tick.bt_fn = be_poll_tick;
	bp->bp_release.br_fn = be_poll_free;
	TAILQ_INIT(&bp->bp_ready);
	LIST_INIT(&bp->bp_parked);
	LIST_INIT(&bp->bp_nests);
	return (bp);
}

static int
be_poll_open(struct evany__inst *inst, int flags, void **statep, int *numberp)
{
	struct be_poll *bp;
	int cancel, error, number, saved;

	if ((bp = evany__bp_new(inst)) == NULL)
		return (ENOMEM);
	saved = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if ((error = evany__pipe_make(&bp->bp_pipe)) != 0)
		goto out;
	number = bp->bp_pipe.pi_read;
	error = evany__pipe_dup(number, &bp->bp_pipe.pi_read);
	if (error != 0)
		evany__pipe_close(&bp->bp_pipe);
	else {
		error = evany__pipe_inner(&bp->bp_pipe);
		if (error == 0 && (flags & O_CLOEXEC) == 0 &&
		    fcntl(number, F_SETFD, 0) == -1) {
			error = errno;
			evany__pipe_close(&bp->bp_pipe);
		}
		if (error != 0)
			(void)evany__close(number);
	}
out:
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	if (error != 0) {
		be_poll_free(&bp->bp_release);
		return (error);
	}
	evany__pn_enter(bp);
	*statep = bp;
	*numberp = number;
	return (0);
}

/* When the thread holds no pointer to it any more. */
static void
be_poll_free(struct evany__bg_release *br)
{
	struct be_poll *bp;

	bp = (struct be_poll *)(void *)((char *)br -
	    offsetof(struct be_poll, bp_release));
	(void)pthread_mutex_destroy(&bp->bp_lock);
	free(bp->bp_table);
	free(bp->bp_fds);
	free(bp->bp_entries);
	if (bp->bp_child != NULL)
		be_poll_free(&bp->bp_child->bp_release);
	free(bp);
}

static void
be_poll_close(struct evany__inst *inst)
{
	struct be_poll *bp = evany__inst_state(inst);
	unsigned i;
	int cancel, saved;

	saved = errno;
	evany__pn_leave(bp);
	evany__bp_enter(bp, &cancel);
	for (i = 0; i < bp->bp_ntable; i++)
		while (bp->bp_table[i] != NULL)
			evany__pe_drop(bp->bp_table[i]);
	/* A tick that has begun is waiting for the lock. */
	bp->bp_closed = true;
	evany__bg_tick_stop(&bp->bp_tick);
	evany__pp_close(bp);
	evany__pipe_close(&bp->bp_pipe);
	evany__pipe_close(&bp->bp_doze);
	evany__bs_close(bp);
	evany__bp_leave(bp, cancel);
	evany__bg_release(&bp->bp_release);
	errno = saved;
}

static int
be_poll_names(struct evany__inst *inst, int number)
{
	struct be_poll *bp = evany__inst_state(inst);
	int saved, yes;

	saved = errno;
	/* Our own ends do not keep the instance alive. */
	yes = number != bp->bp_pipe.pi_read &&
	    number != bp->bp_pipe.pi_write &&
	    evany__pipe_names(&bp->bp_pipe, number);
	errno = saved;
	return (yes);
}

/* A pipe has an inode of its own. */
static int
be_poll_same(int a, int b)
{
	struct stat sa, sb;
	int same, saved = errno;

	same = evany__number_stat(a, &sa) == 0 &&
	    evany__number_stat(b, &sb) == 0 &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
	errno = saved;
	return (same);
}

static void
be_poll_fork_child(struct evany__inst *inst, void **statep)
{
	struct be_poll *bp = evany__inst_state(inst);
	int saved;

	saved = errno;
	evany__bg_fork_child();
	evany__pn_fork_child();
	/* Another thread may have been making it. */
	if (atomic_load(&bp->bp_dozes))
		evany__pipe_close(&bp->bp_doze);
	evany__pp_fork_child(bp);
	if (statep != NULL)
		*statep = evany__bs_child(bp);
	else {
		evany__pipe_close(&bp->bp_pipe);
		evany__bs_forget(bp);
	}
	errno = saved;
}

/* ---- the byte -------------------------------------------------------------------- */

static bool
alarm_due(const struct be_poll *bp, int clock)
{
	return (bp->bp_alarm[clock] != 0 &&
	    evany__now(clock) >= bp->bp_alarm[clock]);
}

/* When that alarm goes off, 0 if it is not set or has gone off. */
static int64_t
alarm_next(const struct be_poll *bp, int clock)
{
	return ((bp->bp_due & 1U << clock) != 0 ? 0 : bp->bp_alarm[clock]);
}

/* Is there what a wait would report, by the last look? */
static bool
has_ready(const struct be_poll *bp)
{
	return (bp->bp_due != 0 || !TAILQ_EMPTY(&bp->bp_ready));
}

/* In a shared instance that is for the thread to tell. */
static bool
found(struct be_poll *bp)
{
	return (atomic_load(&bp->bp_share) != NULL && has_ready(bp));
}

/* Sets the tick to the first thing that the thread must look at. */
static void
tick_set(struct be_poll *bp)
{
	int64_t at, next, now;

	next = found(bp) ? 0 : bp->bp_look;
	at = alarm_next(bp, EVANY__MONOTONIC);
	if (at != 0 && at < next)
		next = at;
	if ((at = alarm_next(bp, EVANY__REALTIME)) != 0) {
		now = evany__now(EVANY__REALTIME);
		at = at <= now ? 0 : at - now;
		at = evany__now(EVANY__MONOTONIC) +
		    (at < REALTIME_NS ? at : REALTIME_NS);
		if (at < next)
			next = at;
	}
	/* A tick that comes too early does no harm. */
	if (next < bp->bp_next &&
	    evany__bg_tick_at(&bp->bp_tick, next) == 0)
		bp->bp_next = next;
}

static bool
has_bell(struct be_poll *bp)
{
	return (atomic_load(&bp->bp_bell) || atomic_load(&bp->bp_marked));
}

void
evany__bp_settle(struct be_poll *bp)
{
	unsigned due;
	int c;

	due = 0;
	for (c = 0; c < EVANY__CLOCKS; c++)
		if (alarm_due(bp, c))
			due |= 1U << c;
	if ((due & ~bp->bp_due) != 0)
		evany__bp_news(bp);
	bp->bp_due = due;
	if (atomic_load(&bp->bp_share) != NULL) {
		tick_set(bp);
		return;
	}
	if (has_ready(bp) || has_bell(bp)) {
		if (!bp->bp_rung)
			bp->bp_rung = evany__pipe_ring(&bp->bp_pipe) == 0;
	} else if (atomic_exchange(&bp->bp_stray, 0) || bp->bp_rung) {
		(void)evany__pipe_drain(&bp->bp_pipe);
		bp->bp_rung = false;
		/* A bell that came meanwhile lost its byte. */
		if (has_bell(bp))
			bp->bp_rung = evany__pipe_ring(&bp->bp_pipe) == 0;
	}
	tick_set(bp);
}

static void
be_poll_tick(struct evany__bg_tick *bt)
{
	struct be_poll *bp;
	struct evany__inst *inst;
	int cancel;

	bp = (struct be_poll *)(void *)((char *)bt -
	    offsetof(struct be_poll, bp_tick));
	inst = NULL;
	evany__bp_enter(bp, &cancel);
	if (!bp->bp_closed) {
		bp->bp_next = EVANY__FOREVER;
		evany__pg_tick(bp, evany__now(EVANY__MONOTONIC));
		/* Who takes it in sets the tick again. */
		if (found(bp))
			inst = bp->bp_inst;
		else
			evany__bp_settle(bp);
	}
	evany__bp_leave(bp, cancel);
	/* From here on it may be freed. */
	if (inst != NULL)
		evany__inst_found(inst);
}

static int
be_poll_alarm(struct evany__inst *inst, int number, int clock, int64_t at)
{
	struct be_poll *bp = evany__inst_state(inst);
	int cancel, error, saved;

	(void)number;
	saved = errno;
	evany__bp_enter(bp, &cancel);
	/* Whether there can be a thread is known now or never. */
	error = at == 0 || bp->bp_next != EVANY__FOREVER ? 0 :
	    evany__bg_tick_at(&bp->bp_tick, EVANY__FOREVER);
	if (error == 0) {
		bp->bp_alarm[clock] = at;
		evany__bp_settle(bp);
	}
	evany__bp_leave(bp, cancel);
	errno = saved;
	return (error);
}

/* ---- interest -------------------------------------------------------------------- */

static bool
off(const struct evany__change *ch)
{
	unsigned d;

	for (d = 0; d < EVANY__W_COUNT; d++)
		if (ch->ch_want[d] != EVANY__OFF)
			return (false);
	return ((ch->ch_fresh & EVANY__TOGETHER) == 0);
}

/* A registration with what is wanted.  Lock held. */
static int
entry_set(struct be_poll *bp, struct poll_entry *pe, int fd,
    const struct stat *st, bool nested, const uint8_t *want, unsigned fresh,
    uint64_t cookie)
{
	bool new;
	int error;

	new = pe == NULL;
	if (new && (error = evany__pe_add(bp, fd, st, cookie, nested,
	    &pe)) != 0)
		return (error);
	error = evany__pe_want(pe, want, fresh);
	if (error == 0)
		pe->pe_cookie = cookie;
	else if (new && error != EBADF)
		evany__pe_drop(pe);
	return (error);
}

/* Is the number another file's than core knows of? */
static bool
stale(struct be_poll *bp, const struct evany__change *ch,
    const struct stat *st)
{
	const struct poll_entry *pe;
	uint8_t id[EVANY__FD_PRIV];

	if (*(const uint8_t *)ch->ch_priv == 0)
		return (false);
	if (atomic_load(&bp->bp_share) != NULL) {
		/* It may be another process that registered it. */
		evany__pe_identity(ch->ch_fd, st, id);
		return (memcmp(id, ch->ch_priv, sizeof(id)) != 0);
	}
	pe = evany__pe_find(bp, ch->ch_fd, false);
	return (pe == NULL || !evany__pe_is(pe, st));
}

static bool
change_stale(struct be_poll *bp, const struct evany__change *ch,
    const struct stat *st)
{
	bool is;
	int cancel;

	evany__bp_enter(bp, &cancel);
	is = stale(bp, ch, st);
	evany__bp_leave(bp, cancel);
	return (is);
}

static int
change_one(struct be_poll *bp, struct evany__change *ch)
{
	struct poll_entry *pe;
	struct stat st;
	bool nested;
	int cancel, error;

	error = evany__number_stat(ch->ch_fd, &st) == -1 ? EBADF : 0;
	nested = false;
	if (error == 0 && S_ISFIFO(st.st_mode) && !off(ch) &&
	    !change_stale(bp, ch, &st) &&
	    (error = evany__pn_check(bp, &st, &nested)) != 0)
		return (error);

	evany__bp_enter(bp, &cancel);
	pe = evany__pe_find(bp, ch->ch_fd, false);
	if (error == 0 && stale(bp, ch, &st))
		error = ESTALE;
	else if (pe != NULL && (*(uint8_t *)ch->ch_priv == 0 ||
	    (error == 0 && !evany__pe_is(pe, &st)))) {
		/* What core has forgotten. */
		evany__pe_drop(pe);
		pe = NULL;
	}
	if (error == 0 && !off(ch)) {
		if (pe == NULL && evany__ff_never_blocks(&st))
			error = EPERM;
		else
			error = entry_set(bp, pe, ch->ch_fd, &st, nested,
			    ch->ch_want, ch->ch_fresh, ch->ch_cookie);
		if (error == 0)
			evany__pe_identity(ch->ch_fd, &st, ch->ch_priv);
	} else {
		if (pe != NULL)
			evany__pe_drop(pe);
		/*
		 * EBADF is no answer yet to what the number is next, and what
		 * it is here it need not be in another process.
		 */
		if (error != EBADF && (error != ESTALE ||
		    atomic_load(&bp->bp_share) == NULL))
			memset(ch->ch_priv, 0, EVANY__FD_PRIV);
	}
	evany__bp_settle(bp);
	evany__bp_leave(bp, cancel);
	return (error);
}

static int
be_poll_change(struct evany__inst *inst, int number, struct evany__change *ch,
    int n, int *donep)
{
	struct be_poll *bp = evany__inst_state(inst);
	int error, i, saved;
	bool less;

	saved = errno;
	error = 0;
	less = false;
	i = 0;
	while (i < n && error == 0) {
		error = evany__pipe_names(&bp->bp_pipe, number) ?
		    change_one(bp, &ch[i]) : EIDRM;
		less |= off(&ch[i]);
		ch[i++].ch_error = error;
	}
	/* The program may close it now, and expect its address to be free. */
	if (less)
		evany__bg_let_go();
	*donep = i;
	errno = saved;
	return (0);
}

/* Spent directions became idle when they were reported. */
static void
be_poll_spent(struct evany__inst *inst, int number, void *priv,
    uint64_t cookie)
{
	(void)inst;
	(void)number;
	(void)priv;
	(void)cookie;
}

static void
entry_end(struct evany__inst *inst, int fd, bool feeder, uint64_t cookie)
{
	struct be_poll *bp = evany__inst_state(inst);
	struct poll_entry *pe;
	int cancel, saved;

	saved = errno;
	evany__bp_enter(bp, &cancel);
	pe = evany__pe_find(bp, fd, feeder);
	if (pe != NULL && (feeder || pe->pe_cookie == cookie))
		evany__pe_drop(pe);
	evany__bp_settle(bp);
	evany__bp_leave(bp, cancel);
	errno = saved;
}

static int
be_poll_evict(struct evany__inst *inst, int number, int fd, uint64_t cookie)
{
	(void)number;
	entry_end(inst, fd, false, cookie);
	return (0);
}

static int
be_poll_renew(struct evany__inst *inst, const int *numbers, int n)
{
	(void)inst;
	(void)numbers;
	(void)n;
	return (ENOTSUP);
}

static int
be_poll_feed(struct evany__inst *inst, int number, int fd,
    enum evany__mode mode, uint64_t cookie)
{
	struct be_poll *bp = evany__inst_state(inst);
	uint8_t want[EVANY__W_COUNT] = { [EVANY__W_IN] = (uint8_t)mode };
	struct poll_entry *pe;
	struct stat st;
	int cancel, error, saved;

	saved = errno;
	error = 0;
	if (!evany__pipe_names(&bp->bp_pipe, number))
		error = EIDRM;
	else if (evany__number_stat(fd, &st) == -1)
		error = EBADF;
	if (error == 0) {
		evany__bp_enter(bp, &cancel);
		if ((pe = evany__pe_find(bp, fd, true)) != NULL)
			evany__pe_drop(pe);
		error = entry_set(bp, NULL, fd, &st, false, want, 0, cookie);
		evany__bp_settle(bp);
		evany__bp_leave(bp, cancel);
	}
	errno = saved;
	return (error);
}

static void
be_poll_unfeed(struct evany__inst *inst, int number, int fd)
{
	(void)number;
	entry_end(inst, fd, true, 0);
}

/* ---- waiting --------------------------------------------------------------------- */

static void
record(struct be_poll *bp, struct evany__ready *rd, int kind, int index)
{
	rd->rd_cookie = EVANY__COOKIE(kind, bp->bp_tag, 0, index);
	rd->rd_bits = EVANY__IN;
}

static bool
take_bell(struct be_poll *bp)
{
	bool rung = atomic_exchange(&bp->bp_bell, 0);

	return (rung || (atomic_load(&bp->bp_share) != NULL ?
	    evany__bs_marked(bp) : atomic_load(&bp->bp_marked)));
}

/*
 * Takes what is ready.  All were looked at before, or else only those that the
 * thread found are.  The bell goes first and last in turn, so that neither
 * keeps the other from a short list.  Lock held.
 */
static int
collect(struct be_poll *bp, struct evany__ready *rd, int room, bool all)
{
	struct poll_entry *pe;
	unsigned left;
	int c, n;
	bool bell;

	n = 0;
	bp->bp_turn = !bp->bp_turn;
	if ((bell = bp->bp_turn && take_bell(bp)))
		record(bp, &rd[n++], EVANY__CK_BELL, 0);
	for (c = 0; c < EVANY__CLOCKS && n < room; c++)
		if (alarm_due(bp, c)) {
			bp->bp_alarm[c] = 0;
			record(bp, &rd[n++], EVANY__CK_ALARM, c);
		}
	/* Those at the head have waited longest; what stays goes behind. */
	for (left = bp->bp_nready; left > 0 && n < room; left--) {
		if ((pe = TAILQ_FIRST(&bp->bp_ready)) == NULL)
			break;
		TAILQ_REMOVE(&bp->bp_ready, pe, pe_link);
		TAILQ_INSERT_TAIL(&bp->bp_ready, pe, pe_link);
		if (!all) {
			evany__pe_look(pe);
			if (TAILQ_LAST(&bp->bp_ready, poll_queue) != pe)
				continue;
		}
		if (evany__pe_report(pe, &rd[n]))
			n++;
	}
	if (n < room && !bell && take_bell(bp))
		record(bp, &rd[n++], EVANY__CK_BELL, 0);
	evany__bp_settle(bp);
	return (n);
}

int
evany__bp_sleep(const struct evany__pipe *pi, int other, int64_t deadline,
    int cancel)
{
	struct pollfd pfd[2] = {
		{ .fd = pi->pi_read, .events = POLLIN },
		{ .fd = other, .events = POLLIN }
	};
	int64_t now;
	int n, unused;

	if (deadline != EVANY__FOREVER) {
		now = evany__now(EVANY__MONOTONIC);
		if (now >= deadline)
			return (0);
		deadline -= now;
	}
	(void)pthread_setcancelstate(cancel, NULL);
	n = evany__poll_ns(pfd, other == -1 ? 1 : 2, deadline);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &unused);
	/* A longjmp(3) out of an earlier one left it the other, in glibc. */
	(void)pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &unused);
	if (n == -1)
		return (errno == EINTR ? -EINTR : -ENOMEM);
	return ((pfd[0].revents != 0 ? SLEPT_PIPE : 0) |
	    (pfd[1].revents != 0 ? SLEPT_OTHER : 0));
}

/* What a wait sleeps on is what it was. */
static bool
inner_ours(const struct be_poll *bp)
{
	return (evany__pipe_names(&bp->bp_pipe, bp->bp_pipe.pi_read) &&
	    evany__pp_ours(bp));
}

static int
be_poll_wait(struct evany__inst *inst, int number, struct evany__change *ch,
    int nchanges, struct evany__ready *rd, int room, int *countp,
    int64_t deadline)
{
	struct be_poll *bp = evany__inst_state(inst);
	int cancel, done, error, n, saved, unused;
	bool all;

	*countp = 0;
	if (nchanges > 0) {
		error = be_poll_change(inst, number, ch, nchanges, &done);
		if (error != 0 || ch[done - 1].ch_error != 0)
			return (error);
	}
	saved = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	error = 0;
	if (!evany__pipe_names(&bp->bp_pipe, number) || !inner_ours(bp)) {
		error = EBADF;
		goto out;
	}
	for (all = true, n = 1;;) {
		if (all) {
			evany__pn_closed();
			evany__pn_refresh(bp);
		}
		evany__bp_enter(bp, &unused);
		if (all)
			evany__pe_scan(bp);
		else
			evany__pp_harvest(bp);
		/* Whatever woke us there is a byte in the pipe. */
		if (!all && n > 0 && (n & SLEPT_PIPE) != 0)
			bp->bp_rung = true;
		*countp = collect(bp, rd, room, all);
		evany__bp_leave(bp, unused);
		if (*countp > 0 || error != 0 || deadline == 0 || n == 0)
			break;
		/* Closed by the program, our duplicate would be ever ready. */
		if (!all && !inner_ours(bp)) {
			error = EBADF;
			break;
		}
		n = evany__bp_sleep(&bp->bp_pipe,
		    atomic_load(&bp->bp_port.pp_fd), deadline, cancel);
		if (n < 0)
			error = -n;
		/* At the end once more what the thread may be late with. */
		all = n == 0;
	}
	if (*countp > 0)
		error = 0;
out:
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (error);
}

#define OPS(name, probe, open)						\
	.be_name = (name),						\
	.be_probe = (probe),						\
	.be_open = (open),						\
	.be_close = be_poll_close,					\
	.be_names = be_poll_names,					\
	.be_same = be_poll_same,					\
	.be_change = be_poll_change,					\
	.be_spent = be_poll_spent,					\
	.be_evict = be_poll_evict,					\
	.be_renew = be_poll_renew,					\
	.be_feed = be_poll_feed,					\
	.be_unfeed = be_poll_unfeed,					\
	.be_wait = be_poll_wait,					\
	.be_wake = evany__be_poll_wake,					\
	.be_hush = evany__be_poll_hush,					\
	.be_mark = evany__be_poll_mark,					\
	.be_rouse = evany__be_poll_rouse,				\
	.be_doze = evany__be_poll_doze,					\
	.be_alarm = be_poll_alarm,					\
	.be_share = evany__be_poll_share,				\
	.be_fork_child = be_poll_fork_child,				\
	.be_threads = true

const struct evany__be_ops evany__be_poll_ops = {
	OPS("poll", be_poll_probe, be_poll_open)
};

#ifdef EVANY_BE_PORTS
static int
be_ports_probe(void)
{
	int error;

	return ((error = evany__pp_probe()) != 0 ? error : be_poll_probe());
}

static int
be_ports_open(struct evany__inst *inst, int flags, void **statep, int *numberp)
{
	int error;

	if ((error = be_poll_open(inst, flags, statep, numberp)) == 0)
		((struct be_poll *)*statep)->bp_port.pp_use = true;
	return (error);
}

const struct evany__be_ops evany__be_ports_ops = {
	OPS("ports", be_ports_probe, be_ports_open)
};
#endif
