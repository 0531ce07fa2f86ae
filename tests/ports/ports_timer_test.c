/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * PORT_SOURCE_TIMER: timers of timer_create() with SIGEV_PORT.
 *
 * A timer is never early, and counts each expiry once: both are required to
 * the nanosecond.  That it is not late can only be required within the
 * deadline.
 */
#include "config.h"

#include "evt_port.h"

#include <sys/resource.h>

#ifdef HAVE_SYS_SYSCALL_H
#include <sys/syscall.h>
#endif

#define MS	INT64_C(1000000)

/* ---- helpers ---------------------------------------------------------------- */

static int
timer_errno(clockid_t clock, int port, void *user, timer_t *id)
{
	port_notify_t pn = { .portnfy_port = port, .portnfy_user = user };
	struct sigevent se;
	int error;

	memset(&se, 0, sizeof(se));
	se.sigev_notify = SIGEV_PORT;
	se.sigev_value.sival_ptr = &pn;
	error = EVT_ERRNO(timer_create(clock, &se, id));
	/* It was read by then. */
	memset(&pn, 0xff, sizeof(pn));
	memset(&se, 0xff, sizeof(se));
	return (error);
}

static timer_t
timer(clockid_t clock, int port, void *user)
{
	timer_t id;

	ATF_REQUIRE_EQ(0, timer_errno(clock, port, user, &id));
	return (id);
}

static struct timespec
ns(int64_t n)
{
	struct timespec ts;

	ts.tv_sec = (time_t)(n / (1000 * MS));
	ts.tv_nsec = (long)(n % (1000 * MS));
	return (ts);
}

static int64_t
to_ns(struct timespec ts)
{
	return ((int64_t)ts.tv_sec * 1000 * MS + ts.tv_nsec);
}

static int
set_errno(timer_t id, int flags, int64_t value, int64_t period)
{
	struct itimerspec its = { .it_value = ns(value),
	    .it_interval = ns(period) };

	return (EVT_ERRNO(timer_settime(id, flags, &its, NULL)));
}

static void
set(timer_t id, int64_t value, int64_t period)
{
	ATF_REQUIRE_EQ(0, set_errno(id, 0, value, period));
}

static int64_t
now_of(clockid_t clock)
{
	struct timespec ts;

	ATF_REQUIRE_EQ(0, clock_gettime(clock, &ts));
	return (to_ns(ts));
}

static void
unset(timer_t id)
{
	ATF_REQUIRE_EQ(0, timer_delete(id));
}

/* The event of that timer, its count is returned. */
static int
expiry(const port_event_t *ev, timer_t id, void *user)
{
	EVT_PORT_EVENT(ev, PORT_SOURCE_TIMER, (uintptr_t)id,
	    ev->portev_events, user);
	ATF_REQUIRE_MSG(ev->portev_events > 0, "{%s}", evt_port_text(ev));
	return (ev->portev_events);
}

static int
one_expiry(int port, timer_t id, void *user)
{
	port_event_t ev;

	evt_port_one(port, &ev);
	return (expiry(&ev, id, user));
}

/* Lets so much time pass. */
static void
pass(int64_t n)
{
	port_event_t ev;
	int port;

	port = evt_port();
	ATF_REQUIRE_EQ(ETIME, evt_port_get_ms(port, &ev, (int)(n / MS)));
	evt_close(port);
}

/* ---- expiries ---------------------------------------------------------------- */

static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };

EVT_TC(expiry__event, "PORT-093 PORT-104",
    "An expiry is an event with the timer, the pointer and a count of 1, and "
    "not early")
{
	int64_t start;
	timer_t id;
	int i, port;

	port = evt_port();
	for (i = 0; i < EVT_NITEMS(clocks); i++) {
		id = timer(clocks[i], port, EVT_USER(7 + i));
		evt_port_none(port);
		start = evt_now_ns();
		set(id, 20 * MS, 0);
		ATF_REQUIRE_EQ(1, one_expiry(port, id, EVT_USER(7 + i)));
		ATF_REQUIRE(evt_now_ns() - start >= 20 * MS);
		evt_port_none(port);
		unset(id);
	}
	evt_close(port);
}

EVT_TC(expiry__absolute, "PORT-100 PORT-104",
    "TIMER_ABSTIME is a moment of the timer's clock; a past one is at once")
{
	timer_t id;
	int64_t at;
	int i, port;

	port = evt_port();
	for (i = 0; i < EVT_NITEMS(clocks); i++) {
		id = timer(clocks[i], port, NULL);
		at = now_of(clocks[i]) + 20 * MS;
		ATF_REQUIRE_EQ(0, set_errno(id, TIMER_ABSTIME, at, 0));
		ATF_REQUIRE_EQ(1, one_expiry(port, id, NULL));
		ATF_REQUIRE(now_of(clocks[i]) >= at);
		ATF_REQUIRE_EQ(0, set_errno(id, TIMER_ABSTIME, 1, 0));
		ATF_REQUIRE_EQ(1, one_expiry(port, id, NULL));
		evt_port_none(port);
		unset(id);
	}
	evt_close(port);
}

EVT_TC(count__since_last_event, "PORT-094 PORT-095 PORT-096",
    "A period left alone gives one event with all expiries, and after it the "
    "next ones, none twice and none lost")
{
	int64_t after, before, end, start;
	int64_t sum = 0;
	timer_t id;
	int i, port;

	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, EVT_USER(1));
	start = evt_now_ns();
	set(id, 10 * MS, 10 * MS);
	after = evt_now_ns();
	for (i = 0; i < 3; i++) {
		pass(60 * MS);
		ATF_REQUIRE_EQ(1, evt_port_count(port));
		before = evt_now_ns();
		sum += one_expiry(port, id, EVT_USER(1));
		end = evt_now_ns();
		ATF_REQUIRE_MSG(sum >= (before - after) / (10 * MS) &&
		    sum <= (end - start) / (10 * MS), "%d: %jd in %jd ns", i,
		    (intmax_t)sum, (intmax_t)(end - start));
	}
	unset(id);
	evt_close(port);
}

EVT_TC(count__past_start, "PORT-094 PORT-100",
    "A period that began in the past has counted since then")
{
	int64_t now;
	timer_t id;
	int n, port;

	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, NULL);
	now = evt_now_ns();
	ATF_REQUIRE_EQ(0, set_errno(id, TIMER_ABSTIME, now - 999 * MS,
	    100 * MS));
	n = one_expiry(port, id, NULL);
	/* The next one is due 1 ms after now. */
	ATF_REQUIRE_MSG(n >= 10 && n <= 10 + (evt_now_ns() - now + 99 * MS) /
	    (100 * MS), "%d", n);
	ATF_REQUIRE(one_expiry(port, id, NULL) >= 1);
	unset(id);
	evt_close(port);
}

EVT_TC(count__saturates, "PORT-094",
    "A count higher than an int stays the highest int")
{
	timer_t id;
	int port;

	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, NULL);
	ATF_REQUIRE_EQ(0, set_errno(id, TIMER_ABSTIME, 1, 1));
	ATF_REQUIRE_EQ(INT_MAX, one_expiry(port, id, NULL));
	unset(id);
	evt_close(port);
}

EVT_TC(overrun__zero, "PORT-097",
    "timer_getoverrun() stays 0, before and after the event")
{
	timer_t id;
	int port;

	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, NULL);
	ATF_REQUIRE_EQ(0, timer_getoverrun(id));
	set(id, MS, MS);
	pass(20 * MS);
	ATF_REQUIRE_EQ(0, timer_getoverrun(id));
	ATF_REQUIRE(one_expiry(port, id, NULL) > 1);
	ATF_REQUIRE_EQ(0, timer_getoverrun(id));
	unset(id);
	evt_close(port);
}

/* ---- setting it anew --------------------------------------------------------------- */

EVT_TC(set__keeps_what_is_queued, "PORT-099",
    "Disarming or setting the timer leaves a queued event and its count")
{
	timer_t id;
	int n, port;

	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, NULL);
	set(id, 10 * MS, 0);
	pass(20 * MS);
	/* Whether anybody has looked at the port makes no difference. */
	set(id, 0, 0);
	ATF_REQUIRE_EQ(1, one_expiry(port, id, NULL));
	evt_port_none(port);

	set(id, 10 * MS, 10 * MS);
	pass(50 * MS);
	ATF_REQUIRE_EQ(1, evt_port_count(port));
	set(id, 3600000 * MS, 0);
	pass(30 * MS);
	n = one_expiry(port, id, NULL);
	ATF_REQUIRE_MSG(n >= 5, "%d", n);
	evt_port_none(port);

	/* Counts of several settings add up. */
	set(id, 5 * MS, 0);
	pass(10 * MS);
	set(id, 5 * MS, 0);
	pass(10 * MS);
	ATF_REQUIRE_EQ(0, set_errno(id, TIMER_ABSTIME, 1, 0));
	ATF_REQUIRE_EQ(1, evt_port_count(port));
	ATF_REQUIRE_EQ(3, one_expiry(port, id, NULL));
	evt_port_none(port);
	unset(id);
	evt_close(port);
}

EVT_TC(set__stops_and_moves, "PORT-096 PORT-100",
    "A timer that is disarmed is silent, one that is moved comes then")
{
	int64_t start;
	timer_t id;
	int port;

	port = evt_port();
	id = timer(CLOCK_REALTIME, port, NULL);
	set(id, 20 * MS, 20 * MS);
	set(id, 0, 20 * MS);
	evt_port_none(port);
	start = evt_now_ns();
	set(id, 3600000 * MS, 0);
	set(id, 20 * MS, 0);
	ATF_REQUIRE_EQ(1, one_expiry(port, id, NULL));
	ATF_REQUIRE(evt_now_ns() - start >= 20 * MS);
	/* From one clock's time to the other's. */
	set(id, 3600000 * MS, 0);
	ATF_REQUIRE_EQ(0, set_errno(id, TIMER_ABSTIME,
	    now_of(CLOCK_REALTIME) + 20 * MS, 0));
	ATF_REQUIRE_EQ(1, one_expiry(port, id, NULL));
	ATF_REQUIRE_EQ(0, set_errno(id, TIMER_ABSTIME,
	    now_of(CLOCK_REALTIME) + 3600000 * MS, 0));
	set(id, 20 * MS, 0);
	ATF_REQUIRE_EQ(1, one_expiry(port, id, NULL));
	evt_port_none(port);
	unset(id);
	evt_close(port);
}

EVT_TC(get__time_left, "PORT-093",
    "timer_gettime() and the old value tell time left and period")
{
	struct itimerspec its, old;
	timer_t id;
	int port;

	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, NULL);
	ATF_REQUIRE_EQ(0, timer_gettime(id, &its));
	ATF_REQUIRE_EQ(0, to_ns(its.it_value));
	set(id, 3600000 * MS, 5 * MS);
	ATF_REQUIRE_EQ(0, timer_gettime(id, &its));
	ATF_REQUIRE(to_ns(its.it_value) <= 3600000 * MS);
	ATF_REQUIRE(to_ns(its.it_value) > 1800000 * MS);
	ATF_REQUIRE_EQ(5 * MS, to_ns(its.it_interval));
	its.it_value = ns(10 * MS);
	its.it_interval = ns(0);
	/* The old value may be written over the new one. */
	ATF_REQUIRE_EQ(0, timer_settime(id, 0, &its, &its));
	ATF_REQUIRE(to_ns(its.it_value) > 1800000 * MS);
	ATF_REQUIRE_EQ(5 * MS, to_ns(its.it_interval));
	pass(20 * MS);
	ATF_REQUIRE_EQ(0, timer_gettime(id, &its));
	ATF_REQUIRE_EQ(0, to_ns(its.it_value));
	its.it_value = its.it_interval = ns(30 * MS);
	ATF_REQUIRE_EQ(0, timer_settime(id, 0, &its, &old));
	ATF_REQUIRE_EQ(0, to_ns(old.it_value));
	pass(70 * MS);
	/* It runs on although nobody asks for the event. */
	ATF_REQUIRE_EQ(0, timer_gettime(id, &its));
	ATF_REQUIRE(to_ns(its.it_value) > 0);
	ATF_REQUIRE(to_ns(its.it_value) <= 30 * MS);
	unset(id);
	evt_close(port);
}

EVT_TC(delete__takes_event_back, "PORT-098",
    "A queued event goes with its timer, whose id is invalid then")
{
	struct itimerspec its;
	timer_t id, other;
	int port;

	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, NULL);
	set(id, 5 * MS, 5 * MS);
	pass(20 * MS);
	ATF_REQUIRE_EQ(1, evt_port_count(port));
	unset(id);
	ATF_REQUIRE_EQ(0, evt_port_count(port));
	ATF_REQUIRE(!evt_readable(port, EVT_QUIET_MS));
	evt_port_none(port);
	other = timer(CLOCK_MONOTONIC, port, NULL);
	ATF_REQUIRE_EQ(EINVAL, set_errno(id, 0, MS, 0));
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(timer_gettime(id, &its)));
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(timer_getoverrun(id)));
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(timer_delete(id)));
	evt_port_none(port);
	unset(other);
	evt_close(port);
}

/* ---- arguments ---------------------------------------------------------------------- */

EVT_TC(create__errors, "PORT-101 PORT-102 PORT-104",
    "What cannot notify a port is refused, with no timer made")
{
	struct sigevent se;
	timer_t id;
	int p[2], port;

	port = evt_port();
	evt_pipe(p);
	ATF_REQUIRE_EQ(EBADFD, timer_errno(CLOCK_MONOTONIC, p[0], NULL, &id));
	evt_close(p[0]);
	ATF_REQUIRE_EQ(EBADF, timer_errno(CLOCK_MONOTONIC, p[0], NULL, &id));
	ATF_REQUIRE_EQ(EBADF, timer_errno(CLOCK_MONOTONIC, -1, NULL, &id));
	ATF_REQUIRE_EQ(EINVAL, timer_errno((clockid_t)0x7ff0, port, NULL,
	    &id));
	memset(&se, 0, sizeof(se));
	se.sigev_notify = SIGEV_PORT;
	ATF_REQUIRE_EQ(EFAULT, EVT_ERRNO(timer_create(CLOCK_MONOTONIC, &se,
	    &id)));
	se.sigev_notify = 0x7777;
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(timer_create(CLOCK_MONOTONIC, &se,
	    &id)));
	evt_port_none(port);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(create__holds_a_slot, "PORT-102 PORT-175",
    "Each timer holds a slot, set or not; a full port refuses the next one")
{
	timer_t id[4], more;
	int i, port;

	evt_port_limit(4);
	port = evt_port();
	for (i = 0; i < 4; i++)
		id[i] = timer(CLOCK_MONOTONIC, port, NULL);
	ATF_REQUIRE_EQ(EAGAIN, timer_errno(CLOCK_MONOTONIC, port, NULL,
	    &more));
	ATF_REQUIRE_EQ(EAGAIN, EVT_ERRNO(port_send(port, 1, NULL)));
	set(id[1], MS, 0);
	ATF_REQUIRE_EQ(1, one_expiry(port, id[1], NULL));
	ATF_REQUIRE_EQ(EAGAIN, EVT_ERRNO(port_send(port, 1, NULL)));
	unset(id[2]);
	id[2] = timer(CLOCK_MONOTONIC, port, NULL);
	for (i = 0; i < 4; i++)
		unset(id[i]);
	evt_port_send(port, 1, NULL);
	evt_close(port);
}

EVT_TC(set__errors, "PORT-093",
    "A time that makes no sense is refused, and the timer goes on as it was")
{
	struct itimerspec its;
	timer_t id;
	int port;

	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, NULL);
	set(id, 30 * MS, 0);
	memset(&its, 0, sizeof(its));
	its.it_value.tv_nsec = 1000 * MS;
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(timer_settime(id, 0, &its, NULL)));
	its.it_value.tv_nsec = -1;
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(timer_settime(id, 0, &its, NULL)));
	its.it_value.tv_nsec = 1;
	its.it_interval.tv_nsec = 1000 * MS;
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(timer_settime(id, 0, &its, NULL)));
	its.it_interval.tv_nsec = 0;
	its.it_value.tv_sec = -1;
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(timer_settime(id, 0, &its, NULL)));
	ATF_REQUIRE_EQ(1, one_expiry(port, id, NULL));
	unset(id);
	evt_close(port);
}

EVT_TC(set__far_away, "PORT-100",
    "Times as long as can be written are never")
{
	struct itimerspec its;
	timer_t id;
	int port;

	port = evt_port();
	id = timer(CLOCK_REALTIME, port, NULL);
	memset(&its, 0, sizeof(its));
	its.it_value.tv_sec = sizeof(time_t) == 8 ?
	    (time_t)INT64_MAX : (time_t)INT32_MAX;
	ATF_REQUIRE_EQ(0, timer_settime(id, 0, &its, NULL));
	evt_port_none(port);
	ATF_REQUIRE_EQ(0, timer_settime(id, TIMER_ABSTIME, &its, NULL));
	evt_port_none(port);
	its.it_interval = its.it_value;
	its.it_value = ns(MS);
	ATF_REQUIRE_EQ(0, timer_settime(id, 0, &its, NULL));
	ATF_REQUIRE_EQ(1, one_expiry(port, id, NULL));
	evt_port_none(port);
	unset(id);
	evt_close(port);
}

static volatile sig_atomic_t signalled;

static void
note_signal(int signo)
{
	signalled = signo;
}

EVT_TC(create__other_notifications, "PORT-093",
    "Timers without a port are the system's, and work beside those with one")
{
	struct itimerspec its;
	struct sigevent se;
	sigset_t old, usr1;
	timer_t id, sys;
	int port;

	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, NULL);
	memset(&se, 0, sizeof(se));
	se.sigev_notify = SIGEV_SIGNAL;
	se.sigev_signo = SIGUSR1;
	(void)signal(SIGUSR1, note_signal);
	ATF_REQUIRE_EQ(0, timer_create(CLOCK_MONOTONIC, &se, &sys));
	ATF_REQUIRE(sys != id);
	ATF_REQUIRE_EQ(0, sigemptyset(&usr1));
	ATF_REQUIRE_EQ(0, sigaddset(&usr1, SIGUSR1));
	ATF_REQUIRE_EQ(0, sigprocmask(SIG_BLOCK, &usr1, &old));
	set(sys, 10 * MS, 0);
	ATF_REQUIRE_EQ(0, timer_gettime(sys, &its));
	while (signalled == 0)
		(void)sigsuspend(&old);
	ATF_REQUIRE_EQ(SIGUSR1, signalled);
	ATF_REQUIRE(timer_getoverrun(sys) >= 0);
	set(id, MS, 0);
	ATF_REQUIRE_EQ(1, one_expiry(port, id, NULL));
	unset(sys);
	unset(id);
	ATF_REQUIRE_EQ(0, timer_create(CLOCK_MONOTONIC, NULL, &sys));
	unset(sys);
	evt_close(port);
}

/* ---- a clock that is set ------------------------------------------------------------ */

#ifdef SYS_clock_gettime
/* The real clock, for the whole process, as if somebody had set it. */
static _Atomic int64_t clock_ahead;

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (syscall(SYS_clock_gettime, clock, ts) == -1)
		return (-1);
	if (clock == CLOCK_REALTIME)
		*ts = ns(to_ns(*ts) + atomic_load(&clock_ahead));
	return (0);
}
#endif

EVT_TC(clock__set, "PORT-094 PORT-104",
    "A period at moments of the real clock counts as that clock goes, a "
    "relative one does not care")
{
#ifdef SYS_clock_gettime
	const int64_t hour = 3600000 * MS;
	timer_t at, after;
	int port;

	if (sizeof(struct timespec) != 2 * sizeof(long))
		atf_tc_skip("the system call has another timespec");
	port = evt_port();
	at = timer(CLOCK_REALTIME, port, EVT_USER(1));
	after = timer(CLOCK_REALTIME, port, EVT_USER(2));
	/* Set back between the expiry and the event: it was one all the same. */
	ATF_REQUIRE_EQ(0, set_errno(at, TIMER_ABSTIME,
	    now_of(CLOCK_REALTIME) + 5 * MS, hour));
	pass(10 * MS);
	ATF_REQUIRE_EQ(1, evt_port_count(port));
	atomic_store(&clock_ahead, -hour / 2);
	ATF_REQUIRE_EQ(1, one_expiry(port, at, EVT_USER(1)));
	evt_port_none(port);
	/* Set forward: so many periods have passed. */
	ATF_REQUIRE_EQ(0, set_errno(at, TIMER_ABSTIME,
	    now_of(CLOCK_REALTIME) - MS, hour));
	ATF_REQUIRE_EQ(1, evt_port_count(port));
	atomic_store(&clock_ahead, 10 * hour - hour / 2);
	ATF_REQUIRE_EQ(11, one_expiry(port, at, EVT_USER(1)));
	set(after, 20 * MS, hour);
	ATF_REQUIRE_EQ(1, one_expiry(port, after, EVT_USER(2)));
	atomic_store(&clock_ahead, 20 * hour);
	unset(at);
	evt_port_none(port);
	unset(after);
	evt_close(port);
#else
	atf_tc_skip("the clock of the process cannot be moved here");
#endif
}

/* ---- waiting ---------------------------------------------------------------------------- */

EVT_TC(wait__woken, "PORT-021 PORT-093",
    "An expiry ends a poll of the port and waits for one event or more")
{
	struct evt_port_wait w;
	timer_t id, other;
	int port;

	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, NULL);
	other = timer(CLOCK_REALTIME, port, NULL);
	ATF_REQUIRE(!evt_readable(port, 0));
	set(id, 30 * MS, 0);
	ATF_REQUIRE(evt_readable(port, EVT_WAIT_MS));
	ATF_REQUIRE_EQ(1, one_expiry(port, id, NULL));
	ATF_REQUIRE(!evt_readable(port, evt_port_delay()));

	evt_port_wait_start(&w, port, 0, EVT_WAIT_MS);
	set(id, 10 * MS, 0);
	evt_port_wait_end(&w);
	ATF_REQUIRE_EQ(0, w.pw_error);
	ATF_REQUIRE_EQ(1, expiry(&w.pw_list[0], id, NULL));

	evt_port_wait_start(&w, port, 2, EVT_WAIT_MS);
	set(id, 10 * MS, 0);
	set(other, 40 * MS, 0);
	evt_port_wait_end(&w);
	ATF_REQUIRE_EQ(0, w.pw_error);
	ATF_REQUIRE_EQ(2, w.pw_nget);
	ATF_REQUIRE_EQ(1, expiry(&w.pw_list[0], id, NULL));
	ATF_REQUIRE_EQ(1, expiry(&w.pw_list[1], other, NULL));
	unset(id);
	unset(other);
	evt_port_idle(port);
	evt_close(port);
}

#define MANY	300

EVT_TC(many__few_descriptors, "PORT-093 PORT-095",
    "Hundreds of timers take no descriptor each, and each comes once")
{
	static timer_t id[MANY];
	static port_event_t ev[MANY];
	bool seen[MANY] = { false };
	struct rlimit rl;
	int i, n, port, sum;
	uintptr_t k;

	port = evt_port();
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &rl));
	rl.rlim_cur = (rlim_t)port + 40;
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
	for (i = 0; i < MANY; i++)
		id[i] = timer(clocks[i % 2], port, EVT_USER(i));
	for (i = 0; i < MANY; i++)
		set(id[i], (1 + i * 7 % 40) * MS, 0);
	for (sum = 0; sum < MANY; sum += n) {
		ATF_REQUIRE((n = evt_port_get(port, ev, MANY, 1)) > 0);
		for (i = 0; i < n; i++) {
			k = (uintptr_t)ev[i].portev_user;
			ATF_REQUIRE(k < MANY && !seen[k]);
			ATF_REQUIRE_EQ(1, expiry(&ev[i], id[k], EVT_USER(k)));
			seen[k] = true;
		}
	}
	evt_port_none(port);
	for (i = 0; i < MANY; i++)
		unset(id[i]);
	evt_close(port);
}

/* ---- the port's end, and other processes -------------------------------------------------- */

EVT_TC(port__closed, "PORT-103",
    "Without its port a timer can be set, asked and deleted, and tells nobody")
{
	struct itimerspec its;
	timer_t id, queued;
	int again, port;

	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, NULL);
	queued = timer(CLOCK_REALTIME, port, NULL);
	set(queued, MS, MS);
	pass(5 * MS);
	ATF_REQUIRE_EQ(1, evt_port_count(port));
	evt_close(port);
	/* Most likely with the same number. */
	again = evt_port();
	evt_settle();
	set(id, 5 * MS, 5 * MS);
	set(queued, 5 * MS, 0);
	evt_port_none(again);
	ATF_REQUIRE_EQ(0, timer_gettime(id, &its));
	ATF_REQUIRE_EQ(5 * MS, to_ns(its.it_interval));
	ATF_REQUIRE(to_ns(its.it_value) > 0);
	ATF_REQUIRE_EQ(0, timer_gettime(queued, &its));
	ATF_REQUIRE_EQ(0, to_ns(its.it_value));
	ATF_REQUIRE_EQ(0, timer_getoverrun(id));
	unset(id);
	unset(queued);
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(timer_delete(id)));
	evt_close(again);
}

static int
child_has_none(void *arg)
{
	timer_t id = *(timer_t *)arg;
	struct itimerspec its;

	EVT_CHILD(EVT_ERRNO(timer_gettime(id, &its)) == EINVAL);
	EVT_CHILD(set_errno(id, 0, MS, 0) == EINVAL);
	EVT_CHILD(EVT_ERRNO(timer_getoverrun(id)) == EINVAL);
	EVT_CHILD(EVT_ERRNO(timer_delete(id)) == EINVAL);
	return (0);
}

EVT_TC(fork__none_in_child, "PORT-195",
    "A child has none of the timers, and the parent's goes on")
{
	timer_t id;
	int port;

	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, EVT_USER(4));
	set(id, 20 * MS, 20 * MS);
	ATF_REQUIRE_EQ(0, evt_in_child(child_has_none, &id));
	ATF_REQUIRE(one_expiry(port, id, EVT_USER(4)) >= 1);
	ATF_REQUIRE(one_expiry(port, id, EVT_USER(4)) >= 1);
	unset(id);
	evt_close(port);
}

static int
child_own_timer(void *arg)
{
	int port = *(int *)arg;
	port_event_t ev;
	timer_t id;

	/* The parent's event is there, and not for this process. */
	EVT_CHILD(evt_port_get_ms(port, &ev, EVT_QUIET_MS) == ETIME);
	EVT_CHILD(timer_errno(CLOCK_MONOTONIC, port, EVT_USER(2), &id) == 0);
	EVT_CHILD(set_errno(id, 0, 5 * MS, 0) == 0);
	EVT_CHILD(evt_port_get_ms(port, &ev, EVT_WAIT_MS) == 0);
	EVT_CHILD(ev.portev_source == PORT_SOURCE_TIMER);
	EVT_CHILD(ev.portev_user == EVT_USER(2));
	EVT_CHILD(ev.portev_events == 1);
	/* Another one is left behind, queued. */
	EVT_CHILD(set_errno(id, TIMER_ABSTIME, 1, 0) == 0);
	return (0);
}

EVT_TC(fork__each_its_own, "PORT-170 PORT-195",
    "The event of a timer is for the process that made it alone")
{
	timer_t id;
	int port;

	if (!evt_port_shared())
		atf_tc_skip("with these mechanisms the child does not "
		    "have the port");
	port = evt_port();
	id = timer(CLOCK_MONOTONIC, port, EVT_USER(1));
	set(id, 5 * MS, 0);
	pass(10 * MS);
	ATF_REQUIRE_EQ(1, evt_port_count(port));
	ATF_REQUIRE_EQ(0, evt_in_child(child_own_timer, &port));
	ATF_REQUIRE_EQ(1, one_expiry(port, id, EVT_USER(1)));
	evt_port_none(port);
	set(id, 5 * MS, 5 * MS);
	ATF_REQUIRE(one_expiry(port, id, EVT_USER(1)) >= 1);
	unset(id);
	ATF_REQUIRE_EQ(0, evt_port_count(port));
	evt_port_idle(port);
	evt_close(port);
}

static int
child_leaves_slots(void *arg)
{
	int port = *(int *)arg;
	timer_t id;

	while (timer_errno(CLOCK_MONOTONIC, port, NULL, &id) == 0)
		EVT_CHILD(set_errno(id, 0, 3600000 * MS, 0) == 0);
	return (errno != EAGAIN);
}

EVT_TC(fork__slots_of_the_dead, "PORT-175 PORT-195",
    "What a process kept of the port is free again after its end")
{
	timer_t id[4];
	int i, port;

	if (!evt_port_shared())
		atf_tc_skip("with these mechanisms the child does not "
		    "have the port");
	evt_port_limit(4);
	port = evt_port();
	ATF_REQUIRE_EQ(0, evt_in_child(child_leaves_slots, &port));
	for (i = 0; i < 4; i++)
		id[i] = timer(CLOCK_MONOTONIC, port, NULL);
	for (i = 0; i < 4; i++)
		unset(id[i]);
	evt_close(port);
}

/* ---- threads -------------------------------------------------------------------------------- */

#define ROUNDS	300

static int race_port;
static atomic_bool race_over;

static void
race_get(void *arg)
{
	port_event_t ev;

	(void)arg;
	while (!atomic_load(&race_over))
		if (evt_port_get_ms(race_port, &ev, 10) == 0)
			ATF_REQUIRE(ev.portev_source == PORT_SOURCE_USER ||
			    ev.portev_events > 0);
}

EVT_TC(race__set_and_delete, "PORT-098",
    "Timers are set and deleted while others retrieve, and one that was "
    "deleted is not seen again")
{
	struct evt_thread t[2];
	struct timespec zero = { 0, 0 };
	port_event_t ev[4];
	timer_t id, old;
	unsigned int n;
	int i, k;

	race_port = evt_port();
	atomic_store(&race_over, false);
	for (i = 0; i < 2; i++)
		evt_thread_start(&t[i], race_get, NULL);
	memset(&old, 0, sizeof(old));
	for (i = 0; i < ROUNDS; i++) {
		id = timer(clocks[i % 2], race_port, NULL);
		set(id, MS / 10, MS / 10);
		n = 1;
		(void)port_getn(race_port, ev, 4, &n, &zero);
		for (k = 0; i > 0 && k < (int)n; k++)
			ATF_REQUIRE(ev[k].portev_object != (uintptr_t)old);
		set(id, MS / 20, 0);
		unset(id);
		old = id;
	}
	atomic_store(&race_over, true);
	for (i = 0; i < 2; i++)
		evt_thread_join(&t[i]);
	ATF_REQUIRE_EQ(0, evt_port_count(race_port));
	evt_close(race_port);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, expiry__event);
	EVT_TP_ADD_TC(tp, expiry__absolute);
	EVT_TP_ADD_TC(tp, count__since_last_event);
	EVT_TP_ADD_TC(tp, count__past_start);
	EVT_TP_ADD_TC(tp, count__saturates);
	EVT_TP_ADD_TC(tp, overrun__zero);
	EVT_TP_ADD_TC(tp, set__keeps_what_is_queued);
	EVT_TP_ADD_TC(tp, set__stops_and_moves);
	EVT_TP_ADD_TC(tp, set__errors);
	EVT_TP_ADD_TC(tp, set__far_away);
	EVT_TP_ADD_TC(tp, get__time_left);
	EVT_TP_ADD_TC(tp, delete__takes_event_back);
	EVT_TP_ADD_TC(tp, create__errors);
	EVT_TP_ADD_TC(tp, create__holds_a_slot);
	EVT_TP_ADD_TC(tp, create__other_notifications);
	EVT_TP_ADD_TC(tp, clock__set);
	EVT_TP_ADD_TC(tp, wait__woken);
	EVT_TP_ADD_TC(tp, many__few_descriptors);
	EVT_TP_ADD_TC(tp, port__closed);
	EVT_TP_ADD_TC(tp, fork__none_in_child);
	EVT_TP_ADD_TC(tp, fork__each_its_own);
	EVT_TP_ADD_TC(tp, fork__slots_of_the_dead);
	EVT_TP_ADD_TC(tp, race__set_and_delete);
	return (atf_no_error());
}
