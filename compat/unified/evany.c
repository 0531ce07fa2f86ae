/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * The calls of <evany.h> on a queue: arguments, the list of changes, and errno.
 * What a change does is the driver's (backends/emulation/unified).
 */
#include "config.h"

#include <evany.h>

#include <errno.h>
#include <pthread.h>

#include "backends/emulation/unified/uni.h"
#include "compat/export.h"

static int
done(int error, int result, int saved)
{
	errno = error != 0 ? error : saved;
	return (error != 0 ? -1 : result);
}

EVANY_EXPORT int
evany_queue(unsigned flags)
{
	int error, number = -1, saved = errno;

	error = evany__uni_create(flags, &number);
	return (done(error, number, saved));
}

/*
 * Must the number be tried before the changes?  Not if the first asks the
 * kernel through it in any case.
 */
static bool
must_check(const struct evany_change *changes, int n)
{
	return (n > 0 && (evany__inst_several((unsigned)n) ||
	    changes[0].ch_source != EVANY_FD));
}

/* 0, or why the first of those failed that did. */
static EVANY__APART int
queue_changes(struct evany__inst *inst, int number,
    struct evany_change *changes, int n)
{
	int error, first = 0, i, lost;

	evany__inst_enter(inst, number);
	for (i = 0; i < n; i++) {
		error = evany__uni_change(uni_of(inst), &changes[i]);
		if (error == EIDRM)
			error = EBADF;
		changes[i].ch_error = error;
		if (first == 0)
			first = error;
	}
	if (evany__inst_nasked(inst) > 0)
		evany__inst_ask(inst);
	lost = evany__inst_leave(inst);
	return (lost == EIDRM ? EBADF : first);
}

static EVANY__APART int64_t
deadline_of(int64_t timeout)
{
	int64_t now = evany__now(EVANY__MONOTONIC);

	return (timeout >= EVANY__FOREVER - now ? EVANY__FOREVER - 1 :
	    now + timeout);
}

static EVANY__WITHIN int
queue_wait(struct evany__inst **instp, int number, struct evany_event *events,
    int least, int most, int64_t timeout, int *countp)
{
	struct uni_sink us = { .us_sink = { events, most, 0 } };
	struct evany__sink *sk = &us.us_sink;
	int64_t deadline, until;
	unsigned vain = 0;
	uint32_t woken;
	int before, error;

	if (timeout < EVANY_FOREVER)
		return (EINVAL);
	if (evany__uni_kept != NULL)
		evany__uni_names_free();
	if (least == 0 || timeout == 0)
		deadline = 0;
	else
		deadline = timeout == EVANY_FOREVER ? EVANY__FOREVER :
		    deadline_of(timeout);
	for (until = deadline;; until = 0) {
		before = sk->sk_count;
		woken = evany__uni_woken(*instp);
		error = evany__inst_wait(instp, number, sk, until);
		vain = sk->sk_count > before ? 0 : vain + 1;
		if (error != 0 || sk->sk_count >= least || deadline == 0 ||
		    us.us_alerted || (until != 0 && sk->sk_count == 0))
			break;
		error = evany__uni_sleep(*instp, number, deadline, woken,
		    &vain);
		if (error != 0)
			break;
	}
	*countp = sk->sk_count;
	if (error == ETIMEDOUT || sk->sk_count > 0)
		error = 0;
	return (error);
}

EVANY_EXPORT int
evany_wait(int number, struct evany_event *events, int most, int64_t timeout)
{
	struct evany__inst *inst;
	int count = 0, error, saved = errno;

	if (most <= 0)
		return (done(EINVAL, 0, saved));
	if (events == NULL)
		return (done(EFAULT, 0, saved));
	if (evany__lock_held())
		return (done(EDEADLK, 0, saved));
	pthread_testcancel();
	if ((inst = evany__uni_find(number, false)) == NULL)
		return (done(EBADF, 0, saved));
	error = queue_wait(&inst, number, events, 1, most, timeout, &count);
	evany__inst_drop(inst);
	return (done(error, count, saved));
}

EVANY_EXPORT int
evany_turn(int number, struct evany_change *changes, int nchanges,
    struct evany_event *events, int least, int most, int64_t timeout)
{
	struct evany__inst *inst;
	int count = 0, error = 0, saved = errno;

	if (nchanges < 0 || least < 0 || most < least)
		return (done(EINVAL, 0, saved));
	if ((nchanges > 0 && changes == NULL) || (most > 0 && events == NULL))
		return (done(EFAULT, 0, saved));
	if (evany__lock_held())
		return (done(EDEADLK, 0, saved));
	if (most > 0)
		pthread_testcancel();
	inst = evany__uni_find(number, must_check(changes, nchanges) ||
	    most == 0);
	if (inst == NULL)
		return (done(EBADF, 0, saved));
	if (nchanges > 0)
		error = queue_changes(inst, number, changes, nchanges);
	if (error == 0 && most > 0)
		error = queue_wait(&inst, number, events, least, most, timeout,
		    &count);
	evany__inst_drop(inst);
	return (done(error, count, saved));
}

/* ---- one change --------------------------------------------------------------- */

static int
change(int number, struct evany_change *ch)
{
	return (evany_turn(number, ch, 1, NULL, 0, 0, 0));
}

EVANY_EXPORT int
evany_fd(int number, int fd, unsigned what, unsigned flags, void *user)
{
	struct evany_change ch = {
		.ch_source = EVANY_FD,
		.ch_flags = flags,
		.ch_object = (uintptr_t)fd,
		.ch_user = user,
		.ch_what = what
	};

	return (change(number, &ch));
}

EVANY_EXPORT int
evany_timer(int number, uintptr_t id, int64_t time, int64_t period,
    unsigned flags, void *user)
{
	struct evany_change ch = {
		.ch_source = EVANY_TIMER,
		.ch_flags = flags,
		.ch_object = id,
		.ch_user = user,
		.ch_time = time,
		.ch_period = period
	};

	return (change(number, &ch));
}

EVANY_EXPORT int
evany_signal(int number, int signo, unsigned flags, void *user)
{
	struct evany_change ch = {
		.ch_source = EVANY_SIGNAL,
		.ch_flags = flags,
		.ch_object = (uintptr_t)signo,
		.ch_user = user
	};

	return (change(number, &ch));
}

EVANY_EXPORT int
evany_process(int number, pid_t pid, unsigned what, unsigned flags, void *user)
{
	struct evany_change ch = {
		.ch_source = EVANY_PROCESS,
		.ch_flags = flags,
		.ch_object = (uintptr_t)pid,
		.ch_user = user,
		.ch_what = what
	};

	return (change(number, &ch));
}

static int
path_change(int number, int source, uintptr_t id, const char *path,
    unsigned what, unsigned flags, void *user)
{
	struct evany_change ch = {
		.ch_source = source,
		.ch_flags = flags,
		.ch_object = id,
		.ch_user = user,
		.ch_what = what,
		.ch_path = path
	};

	return (change(number, &ch));
}

EVANY_EXPORT int
evany_file(int number, uintptr_t id, const char *path, unsigned what,
    unsigned flags, void *user)
{
	return (path_change(number, EVANY_FILE, id, path, what, flags, user));
}

EVANY_EXPORT int
evany_directory(int number, uintptr_t id, const char *path, unsigned what,
    unsigned flags, void *user)
{
	return (path_change(number, EVANY_DIRECTORY, id, path, what, flags,
	    user));
}

EVANY_EXPORT int
evany_drop(int number, int source, uintptr_t object)
{
	struct evany_change ch = {
		.ch_source = source,
		.ch_flags = EVANY_DROP,
		.ch_object = object
	};

	return (change(number, &ch));
}

EVANY_EXPORT int
evany_post(int number, uintptr_t object, int64_t data, void *user)
{
	struct evany__inst *inst;
	int error, lost, saved = errno;

	if (evany__lock_held()) {
		/* A signal handler interrupted one of our calls. */
		error = evany__inst_known(number) ?
		    evany__uni_post_late(number, object, data, user) : EBADF;
		return (done(error, 0, saved));
	}
	if ((inst = evany__uni_find(number, evany__inst_many())) == NULL)
		return (done(EBADF, 0, saved));
	evany__inst_enter(inst, number);
	error = evany__uni_post(uni_of(inst), object, data, user);
	lost = evany__inst_leave(inst);
	evany__inst_drop(inst);
	if (error == EIDRM || lost == EIDRM)
		error = EBADF;
	return (done(error, 0, saved));
}

EVANY_EXPORT int
evany_alert(int number, int64_t data, void *user)
{
	struct evany__inst *inst;
	int error, saved = errno;

	if (evany__lock_held())
		return (done(EDEADLK, 0, saved));
	if ((inst = evany__uni_find(number, true)) == NULL)
		return (done(EBADF, 0, saved));
	evany__inst_enter(inst, number);
	error = evany__uni_alert(uni_of(inst), data, user);
	(void)evany__inst_leave(inst);
	evany__inst_drop(inst);
	return (done(error == EIDRM ? EBADF : error, 0, saved));
}
