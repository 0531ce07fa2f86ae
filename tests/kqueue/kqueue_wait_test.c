/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * How long kevent() waits: time-outs, signals, conditions that come and go,
 * cancellation.
 *
 * A thread that must be interrupted while it waits is sent the signal again
 * and again until it has returned, so that none needs to meet the moment.
 */
#include "config.h"

#include "evt.h"

#include <sys/socket.h>

#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>

/* A wait in a thread of its own, and how it ended. */
struct waiter {
	struct evt_thread	 wt_thread;
	int			 wt_kq;
	const struct timespec	*wt_timeout;
	const struct kevent	*wt_changes;
	int			 wt_nchanges;
	struct kevent		 wt_ev[4];
	int			 wt_result;
	int			 wt_errno;
	int64_t			 wt_took;
};

static void
waiter_main(void *arg)
{
	struct waiter *wt = arg;

	wt->wt_took = evt_now_ns();
	errno = 0;
	wt->wt_result = evt_kevent(wt->wt_kq, wt->wt_changes, wt->wt_nchanges,
	    wt->wt_ev, 4, wt->wt_timeout);
	wt->wt_errno = errno;
	wt->wt_took = evt_now_ns() - wt->wt_took;
}

static void
waiter_start(struct waiter *wt, int kq, const struct timespec *timeout)
{
	wt->wt_kq = kq;
	wt->wt_timeout = timeout;
	evt_thread_start(&wt->wt_thread, waiter_main, wt);
	evt_thread_asleep(&wt->wt_thread);
}

/* ---- time-outs -------------------------------------------------------- */

EVT_TC(timeout__zero, "KQ-046",
    "A zero time-out returns 0 at once, with idle knotes and without")
{
	struct kevent ev;
	struct timespec zero = { 0, 0 };
	int64_t start;
	int i, kq, p[2];

	evt_pipe(p);
	kq = evt_kq();
	ATF_REQUIRE_EQ(kevent(kq, NULL, 0, &ev, 1, &zero), 0);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 60000, NULL);
	start = evt_now_ns();
	for (i = 0; i < 1000; i++)
		ATF_REQUIRE_EQ(kevent(kq, NULL, 0, &ev, 1, &zero), 0);

	/* A thousand waits of even a millisecond would be seen. */
	ATF_REQUIRE(evt_now_ns() - start < (int64_t)EVT_WAIT_MS * 900000);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(timeout__null_waits, "KQ-047",
    "A null time-out waits as long as it takes")
{
	struct waiter wt = { .wt_result = -2 };
	int kq;

	kq = evt_kq();
	evt_change(kq, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	waiter_start(&wt, kq, NULL);
	(void)poll(NULL, 0, 3 * EVT_QUIET_MS);
	ATF_REQUIRE(!atomic_load(&wt.wt_thread.et_done));
	evt_trigger(kq, 1);
	evt_thread_join(&wt.wt_thread);
	ATF_REQUIRE_EQ(wt.wt_result, 1);
	EVT_EVENT(&wt.wt_ev[0], 1, EVFILT_USER, 0, 0, 0);
	evt_close(kq);
}

EVT_TC(timeout__lasts, "KQ-048",
    "A wait without an event returns 0 after at least its time-out")
{
	static const struct timespec waits[] = {
		{ 0, 1 }, { 0, 1000 }, { 0, 300000 }, { 0, 999999 },
		{ 0, 1000000 }, { 0, 1000001 }, { 0, 1500000 },
		{ 0, 20000000 }, { 0, 20999999 }, { 0, 100000000 },
	};
	struct kevent ev;
	int64_t want, took;
	int i, kq, round, p[2];

	evt_pipe(p);
	kq = evt_kq();
	for (round = 0; round < 2; round++) {
		for (i = 0; i < EVT_NITEMS(waits); i++) {
			want = waits[i].tv_sec * 1000000000 +
			    waits[i].tv_nsec;
			took = evt_now_ns();
			ATF_REQUIRE_EQ(kevent(kq, NULL, 0, &ev, 1, &waits[i]),
			    0);
			took = evt_now_ns() - took;
			ATF_REQUIRE_MSG(took >= want, "%jd of %jd ns",
			    (intmax_t)took, (intmax_t)want);
			ATF_REQUIRE_MSG(took < want + (int64_t)EVT_WAIT_MS *
			    1000000, "%jd ns for %jd", (intmax_t)took,
			    (intmax_t)want);
			EVT_APPROX(took < want + 10000000,
			    "a wait is more than 10 ms too long");
		}

		/* Again with something in the queue that must not end it. */
		evt_write(p[1], 1);
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_DISABLE, 0, 0,
		    NULL);
		evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
		evt_trigger(kq, 1);
		evt_change(kq, 1, EVFILT_USER, EV_DISABLE, 0, 0, NULL);
		evt_change(kq, 1, EVFILT_TIMER, EV_ADD | EV_DISABLE, 0, 1,
		    NULL);
	}
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(timeout__huge, "KQ-050",
    "Time-outs of days, of centuries and beyond are waited for")
{
	static const struct timespec waits[] = {
		{ 25 * 3600, 0 }, { INT_MAX, 0 }, { INT_MAX, 999999999 },
#if !defined(__APPLE__) && LONG_MAX > INT_MAX
		{ 9223372036, 854775807 },	/* 2^63 ns */
		{ 9223372037, 0 },
		{ 18446744073, 709551616 },	/* 2^64 ns */
		{ 18446744074, 0 },
		{ LONG_MAX / 1000, 0 }, { LONG_MAX, 999999999 },
#endif
	};
	int i, kq;

	if (sizeof(time_t) < sizeof(int64_t))
		atf_tc_skip("time_t has no room for these");
	kq = evt_kq();
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	for (i = 0; i < EVT_NITEMS(waits); i++) {
		struct waiter wt = { .wt_result = -2 };

		waiter_start(&wt, kq, &waits[i]);
		(void)poll(NULL, 0, 10);
		ATF_REQUIRE_MSG(!atomic_load(&wt.wt_thread.et_done),
		    "time-out %d ended with %d, errno %d", i, wt.wt_result,
		    wt.wt_errno);
		evt_trigger(kq, 1);
		evt_thread_join(&wt.wt_thread);
		ATF_REQUIRE_MSG(wt.wt_result == 1, "time-out %d: %d", i,
		    wt.wt_result);
	}
	evt_close(kq);
}

/* ---- signals ---------------------------------------------------------- */

static atomic_int handled;

static void
count_signal(int signo)
{
	(void)signo;
	(void)atomic_fetch_add(&handled, 1);
}

static void
handle(int signo, void (*handler)(int), int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sa.sa_flags = flags;
	(void)sigemptyset(&sa.sa_mask);
	ATF_REQUIRE(sigaction(signo, &sa, NULL) == 0);
}

static void
pester(struct waiter *wt, int signo)
{
	int64_t end;

	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	while (!atomic_load(&wt->wt_thread.et_done)) {
		ATF_REQUIRE_MSG(evt_now_ns() < end, "the wait does not end");
		(void)pthread_kill(wt->wt_thread.et_id, signo);
		(void)poll(NULL, 0, 1);
	}
	evt_thread_join(&wt->wt_thread);
}

EVT_TC(signal__ends_the_wait, "KQ-053",
    "A caught signal ends the wait with EINTR, SA_RESTART or not")
{
	static const int flags[] = { 0, SA_RESTART };
	struct timespec day = { 86400, 0 };
	int i, kq, way;

	for (way = 0; way < 3; way++)
		for (i = 0; i < 4; i++) {
			struct waiter wt = { .wt_result = -2 };

			kq = evt_kq();
			if (way > 0)
				evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0,
				    60000, NULL);
			if (way > 1)
				evt_change(kq, SIGURG, EVFILT_SIGNAL, EV_ADD,
				    0, 0, NULL);
			atomic_store(&handled, 0);
			handle(SIGUSR1, count_signal, flags[i % 2]);
			waiter_start(&wt, kq, i < 2 ? NULL : &day);
			pester(&wt, SIGUSR1);
			ATF_REQUIRE_EQ(wt.wt_result, -1);
			ATF_REQUIRE_EQ(wt.wt_errno, EINTR);
			ATF_REQUIRE(atomic_load(&handled) > 0);
			evt_close(kq);
		}
}

EVT_TC(signal__changes_have_happened, "KQ-054",
    "After EINTR every change of the call has been applied")
{
	struct kevent ch[3];
	int i, kq;

	handle(SIGUSR1, count_signal, 0);
	for (i = 0; i < 5; i++) {
		struct waiter wt = { .wt_result = -2 };

		kq = evt_kq();
		EV_SET(&ch[0], 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
		EV_SET(&ch[1], 2, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
		EV_SET(&ch[2], 1, EVFILT_USER, EV_DELETE, 0, 0, NULL);
		wt.wt_changes = ch;
		wt.wt_nchanges = 3;
		waiter_start(&wt, kq, NULL);
		pester(&wt, SIGUSR1);
		ATF_REQUIRE_EQ(wt.wt_result, -1);
		ATF_REQUIRE_EQ(wt.wt_errno, EINTR);
		ATF_REQUIRE_EQ(evt_change_errno(kq, 1, EVFILT_USER, EV_DELETE,
		    0, 0, NULL), ENOENT);
		evt_trigger(kq, 2);
		evt_one(kq, &wt.wt_ev[0]);
		EVT_EVENT(&wt.wt_ev[0], 2, EVFILT_USER, EV_CLEAR, 0, 0);
		evt_close(kq);
	}
}

/* Sends the signal to the thread, and to the process, while it waits. */
static void
undisturbed(int kq, int signo, const char *what)
{
	struct waiter wt = { .wt_result = -2 };
	struct timespec ts = evt_ms(2 * EVT_QUIET_MS);

	waiter_start(&wt, kq, &ts);
	while (!atomic_load(&wt.wt_thread.et_done)) {
		(void)pthread_kill(wt.wt_thread.et_id, signo);
		(void)kill(getpid(), signo);
		(void)poll(NULL, 0, 2);
	}
	evt_thread_join(&wt.wt_thread);
	ATF_REQUIRE_MSG(wt.wt_result == 0, "%s: %d, errno %d", what,
	    wt.wt_result, wt.wt_errno);
	ATF_REQUIRE_MSG(wt.wt_took >= 2 * (int64_t)EVT_QUIET_MS * 1000000,
	    "%s: %jd ns", what, (intmax_t)wt.wt_took);
}

EVT_TC(signal__ignored_does_not_disturb, "KQ-055",
    "An ignored signal, or one ignored by default, does not end the wait")
{
	int kq;

	kq = evt_kq();
	handle(SIGUSR1, SIG_IGN, 0);
	undisturbed(kq, SIGUSR1, "SIG_IGN");
	undisturbed(kq, SIGURG, "SIGURG by default");
	undisturbed(kq, SIGCHLD, "SIGCHLD by default");
	evt_close(kq);
}

EVT_TC(signal__watched_elsewhere, "KQ-055",
    "Nor does it when another queue watches the ignored signal")
{
	struct kevent ev;
	int kq, other;

	handle(SIGUSR1, SIG_IGN, 0);
	kq = evt_kq();
	other = evt_kq();
	evt_change(other, SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	evt_change(other, SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	undisturbed(kq, SIGUSR1, "SIG_IGN");
	undisturbed(kq, SIGURG, "SIGURG by default");
	ATF_REQUIRE_EQ(evt_get(other, &ev, 1), 1);
	evt_close(kq);
	evt_close(other);
}

EVT_TC(signal__event_wins, "KQ-056",
    "With an event pending the call returns it, not EINTR")
{
	struct kevent ev;
	struct waiter wt = { .wt_result = -2 };
	int i, kq, p[2];

	/* The signals come from a thread that is ended by its own event. */
	handle(SIGUSR1, count_signal, 0);
	evt_pipe(p);
	evt_write(p[1], 1);
	kq = evt_kq();
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	atomic_store(&handled, 0);
	for (i = 0; i < 2000; i++) {
		int n;

		(void)pthread_kill(pthread_self(), SIGUSR1);
		if (i % 2 == 0)
			evt_trigger(kq, 1);
		errno = 0;
		n = evt_kevent_ms(kq, NULL, 0, wt.wt_ev, 4, i % 3 == 0 ? -1 :
		    i % 3 == 1 ? 0 : 1000);
		ATF_REQUIRE_MSG(n == 1 + (i % 2 == 0), "call %d: %d, errno %d",
		    i, n, errno);
	}
	ATF_REQUIRE_EQ(atomic_load(&handled), 2000);
	evt_change(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	ATF_REQUIRE_EQ(evt_poll(kq, &ev, 1), 0);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* Sends signals to one thread as fast as it can. */
struct gunner {
	struct evt_thread	gu_thread;
	pthread_t		gu_target;
	atomic_bool		gu_stop;
};

static void
gunner_main(void *arg)
{
	struct gunner *gu = arg;

	while (!atomic_load(&gu->gu_stop)) {
		(void)pthread_kill(gu->gu_target, SIGUSR1);
		(void)poll(NULL, 0, 0);
	}
}

EVT_TC(signal__under_fire, "KQ-056 KQ-054",
    "Under a rain of signals ready events are returned and none is lost")
{
	struct gunner gu = { .gu_target = pthread_self() };
	struct kevent ev;
	int i, kq, n;

	handle(SIGUSR1, count_signal, 0);
	kq = evt_kq();
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_thread_start(&gu.gu_thread, gunner_main, &gu);
	for (i = 0; i < 3000; i++) {
		evt_trigger(kq, 1);
		errno = 0;
		n = evt_kevent_ms(kq, NULL, 0, &ev, 1, -1);
		if (n != 1)
			break;
	}
	atomic_store(&gu.gu_stop, true);
	evt_thread_join(&gu.gu_thread);
	ATF_REQUIRE_MSG(i == 3000, "call %d: %d, errno %d", i, n, errno);
	evt_close(kq);
}

EVT_TC(signal__caught_and_watched, "KQ-056",
    "A signal both caught and watched: the event now or after EINTR")
{
	int i, kq, n;

	handle(SIGUSR1, count_signal, 0);
	for (i = 0; i < 5; i++) {
		struct waiter wt = { .wt_result = -2 };

		kq = evt_kq();
		evt_change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
		waiter_start(&wt, kq, NULL);
		pester(&wt, SIGUSR1);
		n = wt.wt_result;
		if (n == -1) {
			ATF_REQUIRE_EQ(wt.wt_errno, EINTR);
			n = evt_poll(kq, wt.wt_ev, 4);
		}
		ATF_REQUIRE_EQ(n, 1);
		ATF_REQUIRE_EQ(wt.wt_ev[0].filter, EVFILT_SIGNAL);
		ATF_REQUIRE_EQ(wt.wt_ev[0].ident, SIGUSR1);
		evt_close(kq);
	}
}

/* ---- conditions that come and go -------------------------------------- */

EVT_TC(wait__vanished_conditions, "KQ-057",
    "What comes and goes before it is collected does not shorten the wait")
{
	struct kevent ch[2];
	struct timespec ts = evt_ms(3 * EVT_QUIET_MS);
	char c;
	int i, kq, p[2], round;

	evt_pipe(p);
	for (round = 0; round < 3; round++) {
		struct waiter wt = { .wt_result = -2 };

		kq = evt_kq();
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | (round == 1 ?
		    EV_CLEAR : 0), 0, 0, NULL);
		evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
		EV_SET(&ch[0], 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
		EV_SET(&ch[1], 1, EVFILT_USER, EV_CLEAR, 0, 0, NULL);
		waiter_start(&wt, kq, &ts);
		for (i = 0; i < 20; i++) {
			if (round == 2) {
				ATF_REQUIRE_EQ(kevent(kq, ch, 2, NULL, 0,
				    NULL), 0);
			} else {
				evt_write(p[1], 1);
				ATF_REQUIRE_EQ(read(p[0], &c, 1), 1);
			}
		}
		evt_thread_join(&wt.wt_thread);

		/* The waiter may have been quicker; then it has an event. */
		if (wt.wt_result == 0)
			ATF_REQUIRE_MSG(wt.wt_took >= 3 *
			    (int64_t)EVT_QUIET_MS * 1000000, "round %d: %jd",
			    round, (intmax_t)wt.wt_took);
		else
			ATF_REQUIRE_EQ(wt.wt_result, 1);
		ATF_REQUIRE_EQ(evt_poll(kq, wt.wt_ev, 4), 0);
		evt_close(kq);
	}
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(wait__below_the_mark, "KQ-057",
    "Data below the low-water mark wakes nobody and leaves the deadline")
{
	struct waiter wt = { .wt_result = -2 };
	struct timespec ts = evt_ms(3 * EVT_QUIET_MS);
	int i, kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	kq = evt_kq();
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 100, NULL);
	waiter_start(&wt, kq, &ts);
	for (i = 0; i < 20; i++)
		evt_write(s[1], 1);
	evt_thread_join(&wt.wt_thread);
	ATF_REQUIRE_EQ(wt.wt_result, 0);
	ATF_REQUIRE(wt.wt_took >= 3 * (int64_t)EVT_QUIET_MS * 1000000);
	evt_close(kq);
	evt_close(s[0]);
	evt_close(s[1]);
}

EVT_TC(wait__taken_by_another, "KQ-057",
    "A waiter whose event another took waits on to its own deadline")
{
	/* Before portable mechanisms repeat an edge in doubt. */
	struct timespec ts = evt_ms(150);
	int got, i, kq, p[2], round;

	evt_pipe(p);
	for (round = 0; round < 4; round++) {
		struct waiter wt[3] = { { .wt_result = -2 } };

		kq = evt_kq();
		if (round % 2 == 0)
			evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0,
			    NULL);
		else
			evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR,
			    0, 0, NULL);
		for (i = 0; i < 3; i++)
			waiter_start(&wt[i], kq, &ts);
		if (round % 2 == 0)
			evt_trigger(kq, 1);
		else
			evt_write(p[1], 1);
		for (i = got = 0; i < 3; i++) {
			evt_thread_join(&wt[i].wt_thread);
			ATF_REQUIRE(wt[i].wt_result == 0 ||
			    wt[i].wt_result == 1);
			got += wt[i].wt_result;
			if (wt[i].wt_result == 0)
				ATF_REQUIRE(wt[i].wt_took >= 150 * 1000000);
		}
		ATF_REQUIRE_MSG(got == 1, "round %d: %d waiters have it",
		    round, got);
		evt_close(kq);
		(void)evt_drain(p[0]);
	}
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- cancellation ----------------------------------------------------- */

static void *
cancel_waiter(void *arg)
{
	struct kevent ev;
	struct timespec ts = { 86400, 0 };
	int kq = *(int *)arg;

	(void)kevent(kq, NULL, 0, &ev, 1, kq % 2 == 0 ? NULL : &ts);
	return (NULL);
}

EVT_TC(cancel__ends_a_wait, "KQ-066",
    "A thread waiting in kevent() can be cancelled; the queue works on")
{
	struct kevent ev;
	pthread_t t[4];
	void *value;
	int i, j, kq, p[2];

	evt_skip_asan(EVT_ASAN_CANCEL);
	if (strcmp(evt_backend(), "poll") == 0)
		evt_skip_tsan(EVT_TSAN_CANCEL);
	evt_pipe(p);
	for (i = 0; i < 6; i++) {
		kq = evt_kq();
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
		evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 60000, NULL);
		for (j = 0; j < 4; j++)
			ATF_REQUIRE_EQ(pthread_create(&t[j], NULL,
			    cancel_waiter, &kq), 0);
		if (i % 2 == 0)
			(void)poll(NULL, 0, 5);
		for (j = 0; j < 4; j++)
			ATF_REQUIRE_EQ(pthread_cancel(t[j]), 0);
		for (j = 0; j < 4; j++) {
			ATF_REQUIRE_EQ(pthread_join(t[j], &value), 0);
			ATF_REQUIRE(value == PTHREAD_CANCELED);
		}
		evt_none(kq);
		evt_write(p[1], 1);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, EV_CLEAR, 0, 1);
		evt_change(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
		evt_change(kq, 2, EVFILT_USER, EV_ADD, 0, 0, NULL);
		evt_trigger(kq, 2);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
		evt_close(kq);
	}
	evt_close(p[0]);
	evt_close(p[1]);
}

struct changer {
	int	ca_pipe[2];
	int	ca_dir;
	int	ca_kq;
	int	ca_failed;
	bool	ca_through;
};

/* Cancelled beforehand: the first cancellation point would end it. */
static void *
cancel_changer(void *arg)
{
	struct changer *ca = arg;
	struct kevent ch[8], ev;
	int i, n;

	(void)pthread_cancel(pthread_self());
	ca->ca_failed = 0;
	for (i = 0; i < 2; i++) {
		unsigned short flags = i == 0 ? EV_ADD | EV_CLEAR : EV_DELETE;

		n = 0;
		EV_SET(&ch[n++], ca->ca_pipe[0], EVFILT_READ, flags, 0, 0,
		    NULL);
		EV_SET(&ch[n++], ca->ca_pipe[1], EVFILT_WRITE, flags, 0, 0,
		    NULL);
		EV_SET(&ch[n++], 1, EVFILT_TIMER, flags, 0, 5000, NULL);
		EV_SET(&ch[n++], 1, EVFILT_USER, flags, 0, 0, NULL);
		EV_SET(&ch[n++], SIGURG, EVFILT_SIGNAL, flags, 0, 0, NULL);
		EV_SET(&ch[n++], ca->ca_dir, EVFILT_VNODE, flags, NOTE_WRITE,
		    0, NULL);
		EV_SET(&ch[n++], getpid(), EVFILT_PROC, flags, NOTE_EXIT, 0,
		    NULL);
#ifdef EVFILT_FS
		EV_SET(&ch[n++], 0, EVFILT_FS, flags, 0, 0, NULL);
#endif
		ca->ca_failed += evt_kevent(ca->ca_kq, ch, n, NULL, 0,
		    NULL) != 0;
		ca->ca_failed += evt_kevent(ca->ca_kq, NULL, 0, &ev, 0,
		    NULL) != 0;
	}
	ca->ca_through = true;
	pthread_testcancel();
	return (NULL);
}

EVT_TC(cancel__not_without_room, "KQ-066",
    "With nevents 0 kevent() is no cancellation point")
{
	struct changer ca;
	pthread_t t;
	void *value;

	memset(&ca, 0, sizeof(ca));
	evt_pipe(ca.ca_pipe);
	ATF_REQUIRE((ca.ca_dir = open(".", O_RDONLY)) != -1);
	ca.ca_kq = evt_kq();
	ATF_REQUIRE_EQ(pthread_create(&t, NULL, cancel_changer, &ca), 0);
	ATF_REQUIRE_EQ(pthread_join(t, &value), 0);
	ATF_REQUIRE(value == PTHREAD_CANCELED);
	ATF_REQUIRE(ca.ca_through);
	ATF_REQUIRE_EQ(ca.ca_failed, 0);
	evt_none(ca.ca_kq);
	evt_close(ca.ca_kq);
	evt_close(ca.ca_dir);
	evt_close(ca.ca_pipe[0]);
	evt_close(ca.ca_pipe[1]);
}

/* ---- left by a jump --------------------------------------------------- */

#define JUMPS	3

struct jumper {
	struct evt_thread	jm_thread;
	atomic_int		jm_waits;
	int			jm_kq;
};
static sigjmp_buf jump_to;

static void
jump(int signo)
{
	(void)signo;
	siglongjmp(jump_to, 1);
}

static void
jump_out_of_waits(void *arg)
{
	struct jumper *jm = arg;
	struct kevent ev;
	int type;

	(void)sigsetjmp(jump_to, 1);
	if (atomic_fetch_add(&jm->jm_waits, 1) < JUMPS)
		(void)kevent(jm->jm_kq, NULL, 0, &ev, 1, NULL);
	if (evt_kevent_ms(jm->jm_kq, NULL, 0, &ev, 1, 1) != 0 ||
	    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type) != 0 ||
	    type != PTHREAD_CANCEL_DEFERRED)
		_exit(2);
}

static int
jump_and_exit(void *arg)
{
	struct sigaction sa = { .sa_handler = jump };
	struct jumper jm;
	struct kevent ev;
	int i;

	(void)arg;
	atomic_init(&jm.jm_waits, 0);
	if ((jm.jm_kq = kqueue()) == -1 || sigaction(SIGUSR1, &sa, NULL) == -1)
		return (3);
	evt_thread_start(&jm.jm_thread, jump_out_of_waits, &jm);
	for (i = 1; i <= JUMPS; i++) {
		while (atomic_load(&jm.jm_waits) != i)
			(void)sched_yield();
		evt_thread_asleep(&jm.jm_thread);
		(void)pthread_kill(jm.jm_thread.et_id, SIGUSR1);
	}
	evt_thread_join(&jm.jm_thread);
	EV_SET(&ev, 1, EVFILT_USER, EV_ADD | EV_ONESHOT, 0, 0, NULL);
	if (kevent(jm.jm_kq, &ev, 1, NULL, 0, NULL) == -1)
		return (4);
	evt_trigger(jm.jm_kq, 1);
	return (evt_kevent_ms(jm.jm_kq, NULL, 0, &ev, 1, EVT_WAIT_MS) == 1 ?
	    0 : 5);
}

EVT_TC(jump__out_of_a_wait, "KQ-066 KQ-242",
    "A handler may leave a wait by siglongjmp(); thread and queue go on")
{
	evt_skip_tsan(EVT_TSAN_FORKED);
	ATF_REQUIRE_EQ(0, evt_in_child(jump_and_exit, NULL));
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, timeout__zero);
	EVT_TP_ADD_TC(tp, timeout__null_waits);
	EVT_TP_ADD_TC(tp, timeout__lasts);
	EVT_TP_ADD_TC(tp, timeout__huge);
	EVT_TP_ADD_TC(tp, signal__ends_the_wait);
	EVT_TP_ADD_TC(tp, signal__changes_have_happened);
	EVT_TP_ADD_TC(tp, signal__ignored_does_not_disturb);
	EVT_TP_ADD_TC(tp, signal__watched_elsewhere);
	EVT_TP_ADD_TC(tp, signal__event_wins);
	EVT_TP_ADD_TC(tp, signal__under_fire);
	EVT_TP_ADD_TC(tp, signal__caught_and_watched);
	EVT_TP_ADD_TC(tp, wait__vanished_conditions);
	EVT_TP_ADD_TC(tp, wait__below_the_mark);
	EVT_TP_ADD_TC(tp, wait__taken_by_another);
	EVT_TP_ADD_TC(tp, cancel__ends_a_wait);
	EVT_TP_ADD_TC(tp, cancel__not_without_room);
	EVT_TP_ADD_TC(tp, jump__out_of_a_wait);
	return (atf_no_error());
}
