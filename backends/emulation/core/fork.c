/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fork: the child starts without instances, but for those that are shared.
 *
 * fork(2) runs our handlers: the number table is locked across it, so the
 * child sees a whole one, and the child's handler closes what it inherited.
 * The locks of shared instances (ports) are held as well, since the child goes
 * on with them; no lock is ever held across a wait.  It never looks into any
 * other instance.
 *
 * A process made by clone(2) runs no handlers.  Where the system can clear a
 * page in every child (MADV_WIPEONFORK), entry points look at such a page and
 * do then what the handler would have done.
 */
#include "config.h"

#include <sys/mman.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "backends/emulation/core/core.h"
#include "backends/rawcall.h"

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* 1 in the process that mapped it, 0 in a child of it. */
_Atomic(atomic_int *) evany__fork_page;

/* The process whose memory this is. */
static atomic_int fork_pid;

bool
evany__fork_guest(void)
{
	return (atomic_load_explicit(&fork_pid, memory_order_relaxed) !=
	    (int)getpid());
}

bool
evany__alive(pid_t pid)
{
	siginfo_t si;
	int cancel, saved = errno;
	bool alive = kill(pid, 0) == 0 || errno != ESRCH;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	si.si_pid = 0;
	if (alive && evany__waitid(P_PID, (id_t)pid, &si,
	    WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid == pid)
		alive = false;
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return (alive);
}

static _Atomic(evany__fork_fn *) fork_notified;

void
evany__fork_notify(evany__fork_fn *fn)
{
	atomic_store(&fork_notified, fn);
}

/* ---- tables of the process ---------------------------------------------------- */

/* New ones come first, so what was read of the list stays.  Number lock. */
static _Atomic(struct evany__outer *) fork_outers;

/* Those that are held across a fork, by its thread.  Number lock. */
static struct evany__outer *fork_held;

static EVANY__APART void
outer_add(struct evany__outer *ou)
{
	evany__fork_init();
	evany__numbers_lock();
	if (!atomic_load(&ou->ou_known)) {
		ou->ou_next = atomic_load(&fork_outers);
		atomic_store(&fork_outers, ou);
		atomic_store(&ou->ou_known, true);
	}
	evany__numbers_unlock();
}

void
evany__outer_enter(struct evany__outer *ou)
{
	if (!atomic_load_explicit(&ou->ou_known, memory_order_acquire))
		outer_add(ou);
	if (evany__fork_seen())
		evany__fork_child();
	(void)evany__lock_enter(&ou->ou_lock);
}

void
evany__outer_leave(struct evany__outer *ou)
{
	evany__lock_leave(&ou->ou_lock);
}

static void
outers_child(void)
{
	struct evany__outer *ou;
	bool whole = false;

	for (ou = atomic_load(&fork_outers); ou != NULL; ou = ou->ou_next) {
		whole |= ou == fork_held;
		(void)evany__lock_init(&ou->ou_lock, false);
		ou->ou_child(whole);
	}
}

/* ---- handlers ------------------------------------------------------------------ */

static void
fork_before(void)
{
	/* A handler that interrupted a holder must not wait for it. */
	bool held = evany__lock_held();
	struct evany__outer *first, *ou;

	first = held ? NULL : atomic_load(&fork_outers);
	for (ou = first; ou != NULL; ou = ou->ou_next)
		(void)evany__lock_enter(&ou->ou_lock);
	evany__numbers_fork_before(!held);
	fork_held = first;
}

static void
fork_parent(void)
{
	struct evany__outer *ou = fork_held;
	evany__fork_fn *fn;

	fork_held = NULL;
	evany__numbers_fork_parent();
	evany__numbers_unlock();
	for (; ou != NULL; ou = ou->ou_next)
		evany__lock_leave(&ou->ou_lock);
	if ((fn = atomic_load(&fork_notified)) != NULL)
		fn();
}

static void
fork_mark(void)
{
	atomic_int *page;

	atomic_store_explicit(&fork_pid, (int)getpid(), memory_order_relaxed);
	page = atomic_load_explicit(&evany__fork_page, memory_order_relaxed);
	if (page != NULL)
		atomic_store_explicit(page, 1, memory_order_relaxed);
}

void
evany__fork_child(void)
{
	int cancel;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	evany__late_fork_child();
	evany__numbers_fork_child();
	outers_child();
	fork_mark();
	(void)pthread_setcancelstate(cancel, NULL);
}

/* The thread that forked held the locks, which are new here. */
static void
fork_child(void)
{
	struct evany__outer *ou;

	evany__fork_child();
	evany__lock_unmark();
	for (ou = fork_held; ou != NULL; ou = ou->ou_next)
		evany__lock_unmark();
	fork_held = NULL;
}

static void
fork_setup(void)
{
#ifdef MADV_WIPEONFORK
	const size_t bytes = 4096;
	void *p;

	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	if (p != MAP_FAILED && madvise(p, bytes, MADV_WIPEONFORK) == 0)
		atomic_store_explicit(&evany__fork_page, p,
		    memory_order_relaxed);
	else if (p != MAP_FAILED)
		(void)munmap(p, bytes);
#endif
	fork_mark();
	(void)pthread_atfork(fork_before, fork_parent, fork_child);
}

void
evany__fork_init(void)
{
	(void)pthread_once(&fork_once, fork_setup);
}
