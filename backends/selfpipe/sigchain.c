/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * sigchain: a handler of ours in front of the program's disposition.
 *
 * Feeds:   the wakers of all instances that watch signals: every counted
 *          signal writes to each of them.
 * State:   struct sig, one per signal number, static.  Its count only grows;
 *          each watch remembers how far it has seen.  Every disposition of
 *          the program that was met is kept, unchanged and for ever, as a
 *          struct action, so that the handler reads it without a lock.
 * Life:    the first watch chains the signal, the last one gives the
 *          program's disposition back if ours is still there.  A signal whose
 *          default action ends or stops the process is left alone while that
 *          is its disposition.  One that is ignored gets a handler with
 *          SA_RESTART that only counts.
 * Race:    the handler installed for an action is one of several equal
 *          functions (hop_0 ...), each with a place for one action.  So a
 *          program that saved what sigaction(2) told it (our function), set
 *          another handler and later puts the saved one back, or calls it,
 *          gets its own old action.  If the place was given away since, after
 *          HOPS other actions, it gets the wrong one.
 *          A blocked signal is counted when it is seen pending and must not
 *          be counted again when it is delivered: sg_state carries a mark,
 *          and changes at each delivery, so that what sigpending(2) said
 *          before a delivery is not believed after it.
 *          A waker is closed only when no handler runs between its look at
 *          the number and its write (wakers_busy).
 * Locks:   chain_mutex (3) guards everything but the atomics.  The handler
 *          takes none.
 * Fork:    the child's handler of fork gives the dispositions back.  Until
 *          then, and in a child of vfork(2), which runs in our memory, the
 *          handler sees that the process is another one and does not count.
 *
 * Who blocks a signal: signals sent to one thread are pending in it alone, and
 * sigpending(2) shows those of its caller only.  Each mark therefore names
 * the thread that saw the signal.  When that thread no longer sees it, the
 * signal was delivered or taken by sigwait(3) and the mark goes.  When another
 * one does not see it, it may have been taken, or it is private to the first
 * thread: the mark is in doubt, and then vouches only for a delivery to, or a
 * sight by, the thread it names.
 */
#include "config.h"

#include "backends/selfpipe/sigchain.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/rawcall.h"

/* The flags of the program that a handler of ours for no handler keeps. */
#ifdef SA_NOCLDWAIT
#define QUIET_FLAGS	(SA_NOCLDSTOP | SA_NOCLDWAIT)
#else
#define QUIET_FLAGS	SA_NOCLDSTOP
#endif

/*
 * glibc may allocate a thread's first access to a library's variable, which a
 * signal handler must not; with this model the place is there from the start.
 * (musl always has the place, and refuses the model in a library that is
 * loaded later.)
 */
#ifdef __GLIBC__
#define TLS_MODEL	__attribute__((__tls_model__("initial-exec")))
#else
#define TLS_MODEL
#endif

/* sg_state: | deliveries 15 | thread 15 | doubt | mark | */
#define ST_MARK		0x1U
#define ST_DOUBT	0x2U
#define ST_THREAD(n)	(((n) & 0x7fffU) << 2)
#define ST_THREADS	ST_THREAD(0x7fffU)
#define ST_DELIVERY	(1U << 17)

#define HOPS		6
#define ACTIONS		((size_t)24)	/* made at once */
#define NOWHERE		(-1)

struct action {
	struct sigaction	 ac_asked;	/* (c) the program's */
	bool			 ac_calls;	/* (c) it has a handler */
	SLIST_ENTRY(action)	 ac_link;	/* (c) */
};

struct sig {
	atomic_uint		 sg_count;	/* (a) */
	atomic_uint		 sg_state;	/* (a) */
	atomic_uint		 sg_watches;	/* (a) changed under (3) */
	atomic_int		 sg_hop;	/* (a) installed now */
	_Atomic(const struct action *) sg_action[HOPS]; /* (a) */
	unsigned		 sg_next;	/* (3) place to give away */
	SLIST_HEAD(, action)	 sg_actions;	/* (3) */
};

static struct sig sigs[EVANY__SIGMAX];
static pthread_mutex_t chain_mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int chain_pid;		/* of the process that counts */

/* What a thread knows about itself; the handler may be its first user. */
static _Thread_local TLS_MODEL struct {
	unsigned	th_id;		/* 0: none yet */
	unsigned	th_unseen;	/* handlers of ours for no handler */
	unsigned	th_base;	/* th_unseen when asked last */
	bool		th_called;	/* a handler of the program ran since */
	int		th_inside;	/* whose handler is running */
	volatile bool	th_locked;	/* has or awaits chain_mutex */
} self;

static void
chain_lock(void)
{

	self.th_locked = true;
	atomic_signal_fence(memory_order_seq_cst);
	(void)pthread_mutex_lock(&chain_mutex);
}

static void
chain_unlock(void)
{

	(void)pthread_mutex_unlock(&chain_mutex);
	atomic_signal_fence(memory_order_seq_cst);
	self.th_locked = false;
}

static unsigned
thread_id(void)
{
	static atomic_uint last;

	if (self.th_id == 0)
		self.th_id = 1 + atomic_fetch_add_explicit(&last, 1,
		    memory_order_relaxed);
	return (self.th_id);
}

/* ---- wakers ------------------------------------------------------------ */

enum { WK_FREE, WK_LIVE, WK_GONE };

struct evany__sigwaker {
	atomic_int	wk_fd;		/* (a) to write to, + 1; 0: none */
	int		wk_state;	/* (3) */
	int		wk_read;	/* (3) */
	int		wk_write;	/* (3) */
#ifndef F_GETSIG
	dev_t		wk_dev;		/* while wk_fd is not 0 */
	ino_t		wk_ino;
#endif
};

#define WAKERS		32
struct wakers {
	struct evany__sigwaker	 ws_waker[WAKERS];
	_Atomic(struct wakers *) ws_next;	/* (a) never freed */
};

static struct wakers wakers;
static atomic_uint wakers_busy;		/* handlers that look at a waker */
static unsigned wakers_gone;		/* (3) removed, not yet closed */

/*
 * A program may close every descriptor above 2 and open its own: what the
 * number names is checked before something is written to it.  The numbers
 * below 64 are the tags of instances.
 */
#ifdef F_GETSIG
#define WAKER_TAG	64

static bool
waker_mark(struct evany__sigwaker *wk)
{
	return (fcntl(wk->wk_write, F_SETSIG, WAKER_TAG) == 0);
}

static bool
waker_is(const struct evany__sigwaker *wk, int fd)
{
	(void)wk;
	return (fcntl(fd, F_GETSIG) == WAKER_TAG);
}
#else
static bool
waker_mark(struct evany__sigwaker *wk)
{
	struct stat st;

	if (fstat(wk->wk_write, &st) == -1)
		return (false);
	wk->wk_dev = st.st_dev;
	wk->wk_ino = st.st_ino;
	return (true);
}

static bool
waker_is(const struct evany__sigwaker *wk, int fd)
{
	struct stat st;

	return (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) &&
	    st.st_dev == wk->wk_dev && st.st_ino == wk->wk_ino);
}
#endif

/* From the handler, and from elsewhere.  A full pipe is awake already. */
static void
wakers_wake(void)
{
	const uint64_t one = 1;
	struct evany__sigwaker *wk;
	struct wakers *ws;
	int cancel, fd, i;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	atomic_fetch_add(&wakers_busy, 1);
	for (ws = &wakers; ws != NULL; ws = atomic_load(&ws->ws_next))
		for (i = 0; i < WAKERS; i++) {
			wk = &ws->ws_waker[i];
			if ((fd = atomic_load(&wk->wk_fd) - 1) != -1 &&
			    waker_is(wk, fd) &&
			    evany__write(fd, &one, sizeof(one)) == -1)
				continue;
		}
	atomic_fetch_sub(&wakers_busy, 1);
	(void)pthread_setcancelstate(cancel, NULL);
}

static void
waker_close(struct evany__sigwaker *wk)
{
	int cancel;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	(void)evany__close(wk->wk_read);
	if (wk->wk_write != wk->wk_read)
		(void)evany__close(wk->wk_write);
	(void)pthread_setcancelstate(cancel, NULL);
}

/* The same, if the program has not done it already. */
static void
waker_free(struct evany__sigwaker *wk)
{
	if (waker_is(wk, wk->wk_write))
		waker_close(wk);
	wk->wk_state = WK_FREE;
}

/* Closes what was removed.  No handler now means none that knows of it. */
static void
wakers_reap(void)
{
	struct wakers *ws;
	int i;

	if (wakers_gone == 0 || atomic_load(&wakers_busy) != 0)
		return;
	for (ws = &wakers; ws != NULL; ws = atomic_load(&ws->ws_next))
		for (i = 0; i < WAKERS; i++)
			if (ws->ws_waker[i].wk_state == WK_GONE)
				waker_free(&ws->ws_waker[i]);
	wakers_gone = 0;
}

static struct evany__sigwaker *
waker_get(void)
{
	struct wakers *more, *ws = &wakers;
	int i;

	for (;;) {
		for (i = 0; i < WAKERS; i++)
			if (ws->ws_waker[i].wk_state == WK_FREE)
				return (&ws->ws_waker[i]);
		if ((more = atomic_load(&ws->ws_next)) == NULL) {
			if ((more = calloc(1, sizeof(*more))) == NULL)
				return (NULL);
			atomic_store(&ws->ws_next, more);
		}
		ws = more;
	}
}

int
evany__sigchain_waker_add(int readfd, int writefd,
    struct evany__sigwaker **wkp)
{
	struct evany__sigwaker fail = { .wk_read = readfd,
	    .wk_write = writefd }, *wk;
	int saved = errno, error = 0;

	chain_lock();
	wakers_reap();
	if ((wk = waker_get()) == NULL) {
		waker_close(&fail);
		error = ENOMEM;
	} else {
		wk->wk_read = readfd;
		wk->wk_write = writefd;
		if (waker_mark(wk)) {
			wk->wk_state = WK_LIVE;
			atomic_store(&wk->wk_fd, writefd + 1);
			*wkp = wk;
		} else {
			error = errno;
			waker_close(wk);
		}
	}
	chain_unlock();
	errno = saved;
	return (error);
}

void
evany__sigchain_waker_remove(struct evany__sigwaker *wk)
{
	int saved = errno;

	chain_lock();
	atomic_store(&wk->wk_fd, 0);
	wk->wk_state = WK_GONE;
	wakers_gone++;
	wakers_reap();
	chain_unlock();
	errno = saved;
}

/* ---- the handler ------------------------------------------------------- */

/* A signal is delivered.  False if it was counted when it was pending. */
static bool
sig_note(struct sig *sg)
{
	unsigned new, old;
	bool counts;

	old = atomic_load(&sg->sg_state);
	do {
		new = old + ST_DELIVERY;
		counts = (old & ST_MARK) == 0 || ((old & ST_DOUBT) != 0 &&
		    (old & ST_THREADS) != ST_THREAD(thread_id()));
		if (!counts)
			new &= ~(ST_MARK | ST_DOUBT | ST_THREADS);
	} while (!atomic_compare_exchange_weak(&sg->sg_state, &old, new));
	if (counts)
		atomic_fetch_add(&sg->sg_count, 1);
	return (counts);
}

static void
chain_run(int hop, int signo, siginfo_t *si, void *context)
{
	struct sig *sg = &sigs[signo];
	const struct action *ac;
	int current, inside, saved = errno;

	ac = atomic_load(&sg->sg_action[hop]);
	/*
	 * A handler of the program that we called may call the one that it
	 * found in its place, ours: that is no other signal.
	 */
	current = atomic_load(&sg->sg_hop);
	inside = self.th_inside;
	if (current != NOWHERE && (current == hop || inside != signo) &&
	    atomic_load(&chain_pid) == (int)getpid() && sig_note(sg))
		wakers_wake();
	errno = saved;
	if (!ac->ac_calls) {
		self.th_unseen++;
		return;
	}
	self.th_called = true;
	self.th_inside = signo;
	if ((ac->ac_asked.sa_flags & SA_SIGINFO) != 0)
		ac->ac_asked.sa_sigaction(signo, si, context);
	else
		ac->ac_asked.sa_handler(signo);
	self.th_inside = inside;
}

#define HOP(n)								\
static void								\
hop_##n(int signo, siginfo_t *si, void *context)			\
{									\
	chain_run(n, signo, si, context);				\
}
HOP(0) HOP(1) HOP(2) HOP(3) HOP(4) HOP(5)

static void (*const hops[HOPS])(int, siginfo_t *, void *) = {
	hop_0, hop_1, hop_2, hop_3, hop_4, hop_5
};

/* ---- dispositions ------------------------------------------------------ */

/*
 * The kernel's answer as one function pointer: sa_handler and sa_sigaction
 * share their place on some systems only.
 */
static void
(*action_function(const struct sigaction *sa))(void)
{
	if ((sa->sa_flags & SA_SIGINFO) != 0)
		return ((void (*)(void))sa->sa_sigaction);
	return ((void (*)(void))sa->sa_handler);
}

static int
action_hop(const struct sigaction *sa)
{
	int hop;

	for (hop = 0; hop < HOPS; hop++)
		if (action_function(sa) == (void (*)(void))hops[hop])
			return (hop);
	return (NOWHERE);
}

/* Member by member: what lies beyond the kernel's part is not defined. */
static bool
action_equal(const struct sigaction *a, const struct sigaction *b)
{
	int signo;

	if (action_function(a) != action_function(b) ||
	    a->sa_flags != b->sa_flags)
		return (false);
	for (signo = 1; signo < EVANY__SIGMAX; signo++)
		if (sigismember(&a->sa_mask, signo) !=
		    sigismember(&b->sa_mask, signo))
			return (false);
	return (true);
}

static bool
action_is(const struct sigaction *sa, void (*special)(int))
{
	return (action_function(sa) == (void (*)(void))special);
}

static bool
sig_ignored_by_default(int signo)
{
	switch (signo) {
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
#ifdef SIGWINCH
	case SIGWINCH:
#endif
#ifdef SIGINFO		/* a BSD, where SIGIO is of this kind too */
	case SIGINFO:
	case SIGIO:
#endif
		return (true);
	}
	return (false);
}

/* Not by malloc, which a handler that triggers an event may have interrupted. */
static struct action *
action_new(void)
{
	static struct action *more;	/* (3) */
	static size_t left;		/* (3) */
	void *p;

	if (left == 0) {
		p = mmap(NULL, ACTIONS * sizeof(*more), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANON, -1, 0);
		if (p == MAP_FAILED)
			return (NULL);
		more = p;
		left = ACTIONS;
	}
	return (&more[--left]);
}

/* A place for the handler of this action; NOWHERE without memory. */
static int
sig_place(struct sig *sg, const struct sigaction *sa)
{
	const struct action *at;
	struct sigaction asked = *sa;
	struct action *ac;
	int hop, place = NOWHERE;
	bool calls;

	/* After SA_RESETHAND Linux (6.18) keeps this flag, which is ours. */
	calls = !action_is(sa, SIG_IGN) && !action_is(sa, SIG_DFL);
	if (!calls)
		asked.sa_flags &= ~SA_SIGINFO;

	for (hop = 0; hop < HOPS; hop++) {
		at = atomic_load(&sg->sg_action[hop]);
		if (at == NULL) {
			if (place == NOWHERE)
				place = hop;
		} else if (action_equal(&at->ac_asked, &asked))
			return (hop);
	}
	SLIST_FOREACH(ac, &sg->sg_actions, ac_link)
		if (action_equal(&ac->ac_asked, &asked))
			break;
	if (ac == NULL) {
		if ((ac = action_new()) == NULL)
			return (NOWHERE);
		ac->ac_asked = asked;
		ac->ac_calls = calls;
		SLIST_INSERT_HEAD(&sg->sg_actions, ac, ac_link);
	}
	if (place == NOWHERE) {
		if ((int)(sg->sg_next % HOPS) == atomic_load(&sg->sg_hop))
			sg->sg_next++;
		place = (int)(sg->sg_next++ % HOPS);
	}
	atomic_store(&sg->sg_action[place], ac);
	return (place);
}

/* What we tell the kernel for an action of the program. */
static void
action_ours(struct sigaction *sa, const struct action *ac, int signo, int hop)
{
	if (ac->ac_calls) {
		*sa = ac->ac_asked;
		sa->sa_flags |= SA_SIGINFO;
	} else {
		/* SA_ONSTACK: a program without handlers may have no room. */
		memset(sa, 0, sizeof(*sa));
		(void)sigemptyset(&sa->sa_mask);
		sa->sa_flags = (ac->ac_asked.sa_flags & QUIET_FLAGS) |
		    SA_SIGINFO | SA_RESTART | SA_ONSTACK;
#ifdef SA_NOCLDWAIT
		if (signo == SIGCHLD && action_is(&ac->ac_asked, SIG_IGN))
			sa->sa_flags |= SA_NOCLDWAIT;
#endif
	}
	(void)signo;
	sa->sa_sigaction = hops[hop];
}

/* Nothing of ours belongs in front of this. */
static bool
action_left_alone(const struct sigaction *sa, int signo)
{
	return (action_is(sa, SIG_DFL) && !sig_ignored_by_default(signo));
}

/* Tells the kernel; *was is what it had. */
static int
sig_install(struct sig *sg, int signo, int hop, struct sigaction *was)
{
	struct sigaction ours;

	action_ours(&ours, atomic_load(&sg->sg_action[hop]), signo, hop);
	atomic_store(&sg->sg_hop, hop);
	if (sigaction(signo, &ours, was) == 0)
		return (0);
	atomic_store(&sg->sg_hop, NOWHERE);
	return (errno);
}

/*
 * Puts our handler in front of the disposition there is.  sigaction(2) tells
 * what it replaced: if the program was faster, that is chained in turn.
 */
static int
sig_chain(struct sig *sg, int signo)
{
	struct sigaction now, was;
	int before, error, hop;

	if (sigaction(signo, NULL, &now) == -1)
		return (errno);
	hop = action_hop(&now);
	if (hop != NOWHERE && (now.sa_flags & SA_SIGINFO) != 0) {
		/* Ours, perhaps an older one that was put back. */
		atomic_store(&sg->sg_hop, hop);
		return (0);
	}
	if (hop == NOWHERE && action_left_alone(&now, signo)) {
		atomic_store(&sg->sg_hop, NOWHERE);
		return (0);
	}
	if (hop == NOWHERE && (hop = sig_place(sg, &now)) == NOWHERE)
		return (ENOMEM);
	if ((error = sig_install(sg, signo, hop, &was)) != 0)
		return (error);
	if (action_equal(&was, &now))
		return (0);
	for (;;) {
		before = hop;
		hop = action_hop(&was);
		if (hop == before)
			return (0);
		if (hop == NOWHERE && (action_left_alone(&was, signo) ||
		    (hop = sig_place(sg, &was)) == NOWHERE)) {
			atomic_store(&sg->sg_hop, NOWHERE);
			return (sigaction(signo, &was, NULL) == -1 ? errno :
			    0);
		}
		if ((error = sig_install(sg, signo, hop, &was)) != 0)
			return (error);
	}
}

/* Gives the program its own back, unless it has set something else. */
static void
sig_unchain(struct sig *sg, int signo)
{
	const struct action *ac;
	struct sigaction now, was;
	int hop;

	atomic_store(&sg->sg_hop, NOWHERE);
	if (sigaction(signo, NULL, &now) == -1 ||
	    (hop = action_hop(&now)) == NOWHERE)
		return;
	ac = atomic_load(&sg->sg_action[hop]);
	if (sigaction(signo, &ac->ac_asked, &was) == 0 &&
	    action_hop(&was) == NOWHERE)
		(void)sigaction(signo, &was, NULL);
}

/* ---- what mechanisms call ---------------------------------------------- */

int
evany__sigchain_watch(int signo, uint32_t *countp)
{
	const uint8_t number = (uint8_t)signo;
	sigset_t pending;
	struct sig *sg;
	unsigned state;
	int saved = errno, error = 0;

	if (signo <= 0 || signo >= EVANY__SIGMAX)
		return (EINVAL);
	sg = &sigs[signo];
	chain_lock();
	wakers_reap();
	atomic_store(&chain_pid, (int)getpid());
	if (sg->sg_watches > 0)
		(void)evany__sigchain_look(&number, 1);
	else {
		atomic_store(&sg->sg_hop, NOWHERE);
		atomic_store(&sg->sg_state, 0);
		/* SIGKILL and SIGSTOP exist, though nobody sees them. */
		if ((error = sig_chain(sg, signo)) == 0) {
			/* What is pending already was sent before. */
			(void)sigemptyset(&pending);
			state = atomic_load(&sg->sg_state);
			if (sigpending(&pending) == 0 &&
			    sigismember(&pending, signo) == 1)
				(void)atomic_compare_exchange_strong(
				    &sg->sg_state, &state, state | ST_MARK |
				    ST_THREAD(thread_id()));
		} else
			sig_unchain(sg, signo);
	}
	if (error == 0) {
		sg->sg_watches++;
		*countp = atomic_load(&sg->sg_count);
	}
	chain_unlock();
	errno = saved;
	return (error);
}

void
evany__sigchain_unwatch(int signo)
{
	struct sig *sg = &sigs[signo];
	int saved = errno;

	chain_lock();
	wakers_reap();
	if (atomic_fetch_sub(&sg->sg_watches, 1) == 1)
		sig_unchain(sg, signo);
	chain_unlock();
	errno = saved;
}

void
evany__sigchain_refresh(int signo)
{
	struct sig *sg = &sigs[signo];
	struct sigaction now;
	int hop, saved = errno;

	/* Nothing has changed, as a rule: that is seen without the lock. */
	if (sigaction(signo, NULL, &now) == -1)
		return;
	hop = action_hop(&now);
	if (hop != atomic_load(&sg->sg_hop) || (hop == NOWHERE ?
	    !action_left_alone(&now, signo) :
	    (now.sa_flags & SA_SIGINFO) == 0)) {
		chain_lock();
		if (sg->sg_watches > 0)
			(void)sig_chain(sg, signo);
		chain_unlock();
	}
	errno = saved;
}

void
evany__sigchain_changed(int signo)
{
	if (signo > 0 && signo < EVANY__SIGMAX && !self.th_locked &&
	    atomic_load(&sigs[signo].sg_watches) > 0 &&
	    atomic_load(&chain_pid) == (int)getpid())
		evany__sigchain_refresh(signo);
}

uint32_t
evany__sigchain_count(int signo)
{
	return (atomic_load(&sigs[signo].sg_count));
}

/* The next state of a signal that the thread sees pending, or does not. */
static unsigned
sig_sight(unsigned state, bool pending, bool *countp)
{
	const unsigned me = ST_THREAD(thread_id());
	const unsigned rest = state & ~(ST_MARK | ST_DOUBT | ST_THREADS);
	bool mine = (state & ST_THREADS) == me;

	*countp = false;
	if (!pending) {
		if ((state & ST_MARK) == 0)
			return (state);
		return (mine ? rest : state | ST_DOUBT);
	}
	if ((state & ST_MARK) != 0 && (mine || (state & ST_DOUBT) == 0))
		return (state);
	*countp = true;
	return (rest | ST_MARK | me);
}

bool
evany__sigchain_look(const uint8_t *signos, int n)
{
	unsigned new, old[EVANY__SIGMAX];
	sigset_t pending;
	struct sig *sg;
	int saved = errno, i, tries;
	bool again, any = false, counts;

	/* A delivery between the two looks makes the second one void. */
	for (tries = 0, again = true; again && tries < 8; tries++) {
		again = false;
		for (i = 0; i < n; i++)
			old[i] = atomic_load(&sigs[signos[i]].sg_state);
		(void)sigemptyset(&pending);
		if (sigpending(&pending) == -1)
			break;
		for (i = 0; i < n; i++) {
			sg = &sigs[signos[i]];
			new = sig_sight(old[i], sigismember(&pending,
			    signos[i]) == 1, &counts);
			if (new == old[i])
				continue;
			if (!atomic_compare_exchange_strong(&sg->sg_state,
			    &old[i], new))
				again = true;
			else if (counts) {
				atomic_fetch_add(&sg->sg_count, 1);
				any = true;
			}
		}
	}
	if (any)
		wakers_wake();
	errno = saved;
	return (any);
}

/*
 * A wait that both a counting handler and one of the program's interrupted is
 * the program's business: then the number is as it was when asked before.
 */
EVANY__HOT unsigned
evany__sigchain_unseen(void)
{
	if (self.th_called) {
		self.th_called = false;
		self.th_unseen = self.th_base;
	}
	self.th_base = self.th_unseen;
	return (self.th_unseen);
}

void
evany__sigchain_fork_child(void)
{
	struct evany__sigwaker *wk;
	struct wakers *ws;
	int saved = errno, i, signo;

	if (atomic_load(&chain_pid) == (int)getpid())
		return;
	(void)pthread_mutex_init(&chain_mutex, NULL);
	for (signo = 1; signo < EVANY__SIGMAX; signo++)
		if (sigs[signo].sg_watches > 0) {
			sig_unchain(&sigs[signo], signo);
			sigs[signo].sg_watches = 0;
		}
	for (ws = &wakers; ws != NULL; ws = atomic_load(&ws->ws_next))
		for (i = 0; i < WAKERS; i++) {
			wk = &ws->ws_waker[i];
			if (wk->wk_state != WK_FREE) {
				atomic_store(&wk->wk_fd, 0);
				waker_free(wk);
			}
		}
	atomic_store(&wakers_busy, 0);
	wakers_gone = 0;
	atomic_store(&chain_pid, (int)getpid());
	errno = saved;
}
