/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * port_get() and port_getn(): counts, time-outs, signals, arguments.
 */
#include "config.h"

#include "evt_port.h"

static void
send_some(int port, int first, int n)
{
	while (n-- > 0)
		evt_port_send(port, first++, NULL);
}

/* The list holds USER events from first on, and behind them the pattern. */
static void
are_users(const port_event_t *list, int n, int first, int max)
{
	const unsigned char *c = (const unsigned char *)(list + n);
	int i;

	for (i = 0; i < n; i++)
		EVT_PORT_USER(&list[i], first + i, NULL);
	for (; c < (const unsigned char *)(list + max); c++)
		ATF_REQUIRE_EQ(*c, 0xa5);
}

static int
getn(int port, port_event_t *list, unsigned int max, unsigned int *n, int ms)
{
	memset(list, 0xa5, 8 * sizeof(*list));
	return (evt_port_getn_ms(port, list, max, n, ms));
}

/* ---- port_get ------------------------------------------------------------------------- */

EVT_TC(port_get__oldest, "PORT-133 PORT-152",
    "An event is there: the oldest, at once, and it is gone")
{
	port_event_t ev;
	int i, port;

	port = evt_port();
	send_some(port, 0, 4);
	for (i = 0; i < 4; i++) {
		static const int ms[] = { -1, 0, 1000, 1 };

		ATF_REQUIRE_EQ(evt_port_count(port), 4U - (unsigned int)i);
		ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, ms[i]), 0);
		EVT_PORT_USER(&ev, i, NULL);
	}
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(port_get__time_runs_out, "PORT-135",
    "ETIME, not early, and the event is left alone")
{
	port_event_t ev, was;
	int64_t start;
	int i, port;

	port = evt_port();
	memset(&was, 0xa5, sizeof(was));
	for (i = 0; i < 6; i++) {
		int ms = i * 15 + 1;

		memset(&ev, 0xa5, sizeof(ev));
		start = evt_now_ns();
		ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, ms), ETIME);
		start = evt_now_ns() - start;
		ATF_REQUIRE(start >= (int64_t)(ms -
		    (evt_port_native() ? 10 : 0)) * 1000000);
		ATF_REQUIRE(memcmp(&ev, &was, sizeof(ev)) == 0);
	}
	evt_close(port);
}

EVT_TC(port_get__short_times, "PORT-135 PORT-136",
    "A nanosecond is a time-out too: ETIME")
{
	struct timespec ts = { 0, 1 };
	port_event_t ev;
	int port;

	port = evt_port();
	ATF_REQUIRE_EQ(EVT_ERRNO(port_get(port, &ev, &ts)), ETIME);
	ts.tv_nsec = 999999;
	ATF_REQUIRE_EQ(EVT_ERRNO(port_get(port, &ev, &ts)), ETIME);
	ATF_REQUIRE_EQ(ts.tv_nsec, 999999);
	evt_close(port);
}

EVT_TC(port_get__no_time, "PORT-136",
    "With a zero time-out and no event it returns 0 and the event untouched")
{
	port_event_t ev, was;
	int port;

	port = evt_port();
	memset(&ev, 0xa5, sizeof(ev));
	memset(&was, 0xa5, sizeof(was));
	ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, 0), 0);
	ATF_REQUIRE(memcmp(&ev, &was, sizeof(ev)) == 0);
	send_some(port, 5, 1);
	ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, 0), 0);
	EVT_PORT_USER(&ev, 5, NULL);
	evt_close(port);
}

EVT_TC(port_get__long_time, "PORT-151",
    "A very long time-out waits, and ends with an event")
{
	static const time_t sec[] = { 100000000, INT_MAX,
	    sizeof(time_t) > 4 ? (time_t)((UINTMAX_C(1) << 62) - 1) : INT_MAX };
	struct timespec ts;
	struct evt_port_wait w;
	port_event_t ev;
	unsigned int n;
	int i, port;

	port = evt_port();
	for (i = 0; i < EVT_NITEMS(sec); i++) {
		ts.tv_sec = sec[i];
		ts.tv_nsec = 999999999;
		send_some(port, i, 1);
		ATF_REQUIRE_EQ(EVT_ERRNO(port_get(port, &ev, &ts)), 0);
		EVT_PORT_USER(&ev, i, NULL);
		n = 1;
		send_some(port, i, 1);
		ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, &ev, 1, &n, &ts)), 0);
		ATF_REQUIRE_EQ(n, 1);
	}
	/* 2147483647 ms and more */
	evt_port_wait_start(&w, port, 0, INT_MAX);
	evt_port_wait_on(&w);
	send_some(port, 1, 1);
	evt_port_wait_end(&w);
	ATF_REQUIRE_EQ(w.pw_error, 0);
	evt_close(port);
}

struct long_wait {
	struct evt_thread	lw_thread;
	int			lw_port;
	time_t			lw_sec;
	int			lw_error;
	port_event_t		lw_event;
};

static void
long_waiting(void *arg)
{
	struct long_wait *lw = arg;
	struct timespec ts = { lw->lw_sec, 0 };

	lw->lw_error = EVT_ERRNO(port_get(lw->lw_port, &lw->lw_event, &ts));
}

EVT_TC(port_get__long_time_really_waits, "PORT-151",
    "Years, and more than a clock holds: it sleeps until something is sent")
{
	static const time_t sec[] = { 100000000, INT_MAX,
	    sizeof(time_t) > 4 ? (time_t)((UINTMAX_C(1) << 62) - 1) : INT_MAX };
	struct long_wait lw;
	int i, port;

	port = evt_port();
	for (i = 0; i < EVT_NITEMS(sec); i++) {
		lw.lw_port = port;
		lw.lw_sec = sec[i];
		evt_thread_start(&lw.lw_thread, long_waiting, &lw);
		evt_thread_asleep(&lw.lw_thread);
		(void)poll(NULL, 0, EVT_QUIET_MS);
		ATF_REQUIRE(!atomic_load(&lw.lw_thread.et_done));
		evt_port_send(port, i, NULL);
		evt_thread_join(&lw.lw_thread);
		ATF_REQUIRE_EQ(lw.lw_error, 0);
		EVT_PORT_USER(&lw.lw_event, i, NULL);
	}
	evt_close(port);
}

/* ---- port_getn: how many ------------------------------------------------------------------ */

EVT_TC(port_getn__no_time, "PORT-137 PORT-149",
    "With a zero time-out it gives what is there, also less than wanted, and "
    "is never ETIME")
{
	port_event_t ev[8];
	unsigned int n;
	int i, port;

	port = evt_port();
	for (i = 0; i <= 5; i++) {
		send_some(port, 10, i);
		n = 3;
		ATF_REQUIRE_EQ(getn(port, ev, 4, &n, 0), 0);
		ATF_REQUIRE_EQ(n, i < 4 ? (unsigned int)i : 4);
		are_users(ev, (int)n, 10, 8);
		ATF_REQUIRE_EQ(evt_port_count(port), (unsigned int)i - n);
		n = 1;
		ATF_REQUIRE_EQ(getn(port, ev, 8, &n, 0), 0);
		ATF_REQUIRE_EQ(evt_port_count(port), 0);
	}
	evt_close(port);
}

EVT_TC(port_getn__more_than_wanted, "PORT-138 PORT-149",
    "With enough there it gives all up to its room")
{
	port_event_t ev[8];
	unsigned int n;
	int port;

	port = evt_port();
	send_some(port, 0, 6);
	n = 1;
	ATF_REQUIRE_EQ(getn(port, ev, 4, &n, -1), 0);
	ATF_REQUIRE_EQ(n, 4);
	are_users(ev, 4, 0, 8);
	n = 2;
	ATF_REQUIRE_EQ(getn(port, ev, 8, &n, 60000), 0);
	ATF_REQUIRE_EQ(n, 2);
	are_users(ev, 2, 4, 8);
	evt_close(port);
}

EVT_TC(port_getn__large_room, "PORT-150 PORT-138",
    "Room for a hundred thousand events is fine")
{
	static port_event_t ev[100000];
	unsigned int n;
	int port;

	port = evt_port();
	send_some(port, 0, 9000);
	n = 8500;
	ATF_REQUIRE_EQ(evt_port_getn_ms(port, ev, EVT_NITEMS(ev), &n, -1), 0);
	ATF_REQUIRE_EQ(n, 9000);
	EVT_PORT_USER(&ev[8999], 8999, NULL);
	n = 1;
	send_some(port, 1, 1);
	ATF_REQUIRE_EQ(evt_port_getn_ms(port, ev, UINT_MAX, &n, -1), 0);
	ATF_REQUIRE_EQ(n, 1);
	evt_close(port);
}

EVT_TC(port_getn__takes_none_while_waiting, "PORT-139 PORT-138",
    "Events count and poll and can be taken while somebody waits for more")
{
	struct evt_port_wait w;
	port_event_t ev[8];
	int port;

	port = evt_port();
	evt_port_wait_start(&w, port, 3, -1);
	send_some(port, 0, 2);
	evt_port_wait_on(&w);
	ATF_REQUIRE_EQ(evt_port_count(port), 2);
	ATF_REQUIRE(evt_readable(port, 0));
	ATF_REQUIRE_EQ(evt_port_get_ms(port, ev, 0), 0);
	EVT_PORT_USER(&ev[0], 0, NULL);
	send_some(port, 2, 1);
	evt_port_wait_on(&w);
	ATF_REQUIRE_EQ(evt_port_count(port), 2);
	send_some(port, 3, 1);
	evt_port_wait_end(&w);
	ATF_REQUIRE_EQ(w.pw_error, 0);
	ATF_REQUIRE_EQ(w.pw_nget, 3);
	are_users(w.pw_list, 3, 1, 8);
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_close(port);
}

EVT_TC(port_getn__descriptors_add_up, "PORT-138 PORT-139 PORT-027",
    "A wait for three events ends when two descriptors and a send make three")
{
	struct evt_port_wait w;
	int a[2], b[2], port;

	evt_pipe(a);
	evt_pipe(b);
	port = evt_port();
	evt_port_fd(port, a[0], POLLIN, EVT_USER(1));
	evt_port_fd(port, b[0], POLLIN, EVT_USER(2));
	evt_port_wait_start(&w, port, 3, -1);
	evt_write(a[1], 1);
	evt_port_wait_on(&w);
	/* Where the waiter has not come to it yet, this takes it in. */
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_port_send(port, 5, NULL);
	evt_port_wait_on(&w);
	evt_write(b[1], 1);
	evt_port_wait_end(&w);
	ATF_REQUIRE_EQ(w.pw_error, 0);
	ATF_REQUIRE_EQ(w.pw_nget, 3);
	EVT_PORT_FD(&w.pw_list[0], a[0], POLLIN, EVT_USER(1));
	EVT_PORT_USER(&w.pw_list[1], 5, NULL);
	EVT_PORT_FD(&w.pw_list[2], b[0], POLLIN, EVT_USER(2));
	evt_close(a[0]);
	evt_close(a[1]);
	evt_close(b[0]);
	evt_close(b[1]);
	evt_close(port);
}

EVT_TC(port_getn__time_runs_out, "PORT-140 PORT-142 PORT-149",
    "ETIME with the events that are there, which are taken, and their count")
{
	port_event_t ev[8];
	int64_t start;
	unsigned int n;
	int i, port;

	port = evt_port();
	for (i = 0; i < 4; i++) {
		send_some(port, 7, i);
		n = 4;
		start = evt_now_ns();
		ATF_REQUIRE_EQ(getn(port, ev, 6, &n, 30), ETIME);
		start = evt_now_ns() - start;
		ATF_REQUIRE(start >= (evt_port_native() ? 20 : 30) *
		    INT64_C(1000000));
		ATF_REQUIRE_EQ(n, (unsigned int)i);
		are_users(ev, i, 7, 8);
		ATF_REQUIRE_EQ(evt_port_count(port), 0);
	}
	evt_close(port);
}

EVT_TC(port_getn__time_runs_out_beside_descriptors, "PORT-140 PORT-026",
    "The same with an event of a descriptor that became ready during the wait")
{
	struct evt_port_wait w;
	int p[2], port;

	evt_pipe(p);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, EVT_USER(1));
	evt_port_wait_start(&w, port, 2, 4 * EVT_QUIET_MS);
	evt_write(p[1], 1);
	evt_port_wait_end(&w);
	ATF_REQUIRE_EQ(w.pw_error, ETIME);
	ATF_REQUIRE_EQ(w.pw_nget, 1);
	EVT_PORT_FD(&w.pw_list[0], p[0], POLLIN, EVT_USER(1));
	ATF_REQUIRE(w.pw_ns >= (4 * EVT_QUIET_MS -
	    (evt_port_native() ? 10 : 0)) * INT64_C(1000000));
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(port_getn__idle, "PORT-140 PORT-135 PORT-028",
    "A wait beside delivered, full and idle descriptors sleeps to its end")
{
	port_event_t ev;
	int p[2], port, q[2];

	evt_pipe(p);
	evt_pipe(q);
	evt_write(p[1], 1);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, NULL);
	evt_port_fd(port, q[0], POLLIN, NULL);
	evt_port_one(port, &ev);
	evt_port_idle(port);
	evt_close(q[1]);
	evt_port_one(port, &ev);
	evt_port_idle(port);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q[0]);
	evt_close(port);
}

EVT_TC(port_getn__idle_with_too_few, "PORT-139 PORT-140",
    "A wait for more than is queued sleeps, although the port is readable")
{
	struct evt_port_wait w;
	int64_t cpu;
	int p[2], port;

	evt_pipe(p);
	evt_write(p[1], 1);
	port = evt_port();
	evt_port_fd(port, p[0], POLLIN, NULL);
	evt_port_send(port, 1, NULL);
	cpu = evt_cpu_ns();
	evt_port_wait_start(&w, port, 3, 6 * EVT_QUIET_MS);
	evt_port_wait_end(&w);
	cpu = evt_cpu_ns() - cpu;
	ATF_REQUIRE_EQ(w.pw_error, ETIME);
	ATF_REQUIRE_EQ(w.pw_nget, 2);
	ATF_REQUIRE_MSG(cpu < 2 * EVT_QUIET_MS * INT64_C(1000000),
	    "%jd ms of processor time", (intmax_t)(cpu / 1000000));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(port_getn__count, "PORT-143 PORT-132",
    "max 0 gives the count and ignores all else")
{
	struct timespec bad = { -5, -5 };
	port_event_t ev, was;
	unsigned int n;
	int p[2], port;

	evt_pipe(p);
	port = evt_port();
	memset(&ev, 0xa5, sizeof(ev));
	memset(&was, 0xa5, sizeof(was));
	n = 77;
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, &ev, 0, &n, NULL)), 0);
	ATF_REQUIRE_EQ(n, 0);
	send_some(port, 0, 3);
	n = 1000;
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, &ev, 0, &n, &bad)), 0);
	ATF_REQUIRE_EQ(n, 3);
	n = 0;
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, NULL, 0, &n, NULL)), 0);
	ATF_REQUIRE_EQ(n, 3);
	ATF_REQUIRE(memcmp(&ev, &was, sizeof(ev)) == 0);
	evt_port_fd(port, p[0], POLLIN, NULL);
	ATF_REQUIRE_EQ(evt_port_count(port), 3);
	evt_write(p[1], 1);
	ATF_REQUIRE_EQ(evt_port_count(port), 4);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(port_getn__none_wanted, "PORT-144",
    "Wanting none gives none, at once, and takes none")
{
	port_event_t ev[8];
	unsigned int n;
	int i, port;

	port = evt_port();
	for (i = 0; i < 2; i++) {
		n = 0;
		ATF_REQUIRE_EQ(getn(port, ev, 8, &n, -1), 0);
		ATF_REQUIRE_EQ(n, 0);
		are_users(ev, 0, 0, 8);
		ATF_REQUIRE_EQ(evt_port_count(port), (unsigned int)i);
		send_some(port, 0, 1);
	}
	evt_close(port);
}

/* ---- arguments ------------------------------------------------------------------------------- */

EVT_TC(port_getn__wants_more_than_room, "PORT-145 PORT-142",
    "EINVAL, whatever is queued")
{
	port_event_t ev[8];
	unsigned int n;
	int i, port;

	port = evt_port();
	for (i = 0; i < 3; i++) {
		n = 3;
		ATF_REQUIRE_EQ(getn(port, ev, 2, &n, i - 1), EINVAL);
		ATF_REQUIRE_EQ(n, 3);
		ATF_REQUIRE_EQ(evt_port_count(port), 2U * (unsigned int)i);
		send_some(port, 0, 2);
	}
	evt_close(port);
}

EVT_TC(port_getn__no_count, "PORT-146",
    "nget NULL is EINVAL, whatever the port")
{
	port_event_t ev;
	int port;

	port = evt_port();
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, &ev, 1, NULL, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, NULL, 0, NULL, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(-1, &ev, 1, NULL, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(0, &ev, 1, NULL, NULL)), EINVAL);
	evt_close(port);
}

EVT_TC(port_get__no_room, "PORT-147 PORT-142",
    "NULL for the event or the list is EFAULT, at once, and takes nothing")
{
	unsigned int n;
	int i, port;

	port = evt_port();
	for (i = 0; i < 2; i++) {
		ATF_REQUIRE_EQ(evt_port_get_ms(port, NULL, -1), EFAULT);
		n = 1;
		ATF_REQUIRE_EQ(evt_port_getn_ms(port, NULL, 1, &n, -1),
		    EFAULT);
		ATF_REQUIRE_EQ(n, 1);
		n = 0;
		ATF_REQUIRE_EQ(evt_port_getn_ms(port, NULL, 1, &n, 0),
		    EFAULT);
		ATF_REQUIRE_EQ(evt_port_count(port), (unsigned int)i);
		send_some(port, 0, 1);
	}
	evt_close(port);
}

EVT_TC(port_get__bad_time, "PORT-148 PORT-142 PORT-132",
    "A time-out out of range is EINVAL if the call would wait, else unseen")
{
	static const struct timespec bad[] = { { -1, 0 }, { 0, -1 },
	    { 0, 1000000000 }, { 1, 2000000000 }, { -1, -1 } };
	struct timespec ts;
	port_event_t ev[8];
	unsigned int n;
	int i, port;

	port = evt_port();
	for (i = 0; i < EVT_NITEMS(bad); i++) {
		ts = bad[i];
		ATF_REQUIRE_EQ(EVT_ERRNO(port_get(port, ev, &ts)), EINVAL);
		n = 2;
		ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, ev, 4, &n, &ts)),
		    EINVAL);
		ATF_REQUIRE_EQ(n, 2);
		send_some(port, 0, 1);
		n = 2;
		ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, ev, 4, &n, &ts)),
		    EINVAL);
		ATF_REQUIRE_EQ(n, 2);
		n = 1;
		ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, ev, 4, &n, &ts)), 0);
		ATF_REQUIRE_EQ(n, 1);
		send_some(port, 0, 1);
		ATF_REQUIRE_EQ(EVT_ERRNO(port_get(port, ev, &ts)), 0);
		n = 0;
		ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, ev, 4, &n, &ts)), 0);
	}
	ts.tv_sec = 0;
	ts.tv_nsec = 999999999;
	send_some(port, 0, 1);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_get(port, ev, &ts)), 0);
	evt_close(port);
}

EVT_TC(port_getn__order_of_checks, "PORT-190 PORT-189",
    "nget, port, too many wanted, count, list, none wanted, alert, time-out")
{
	struct timespec bad = { -1, 0 };
	port_event_t ev[2];
	unsigned int n;
	int port;

	port = evt_port();
	n = 3;				/* bad port before too many */
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(-1, NULL, 2, &n, &bad)), EBADF);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(0, NULL, 2, &n, &bad)), EBADFD);
	/* too many before no list */
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, NULL, 2, &n, &bad)), EINVAL);
	/* no list before none wanted */
	n = 0;
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, NULL, 2, &n, &bad)), EFAULT);
	/* none wanted before the alert */
	ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 1, NULL), 0);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, ev, 2, &n, &bad)), 0);
	ATF_REQUIRE_EQ(n, 0);
	/* the alert before events and time-out */
	send_some(port, 4, 1);
	n = 2;
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, ev, 2, &n, &bad)), 0);
	ATF_REQUIRE_EQ(n, 1);
	EVT_PORT_ALERT(&ev[0], 1, NULL);
	ATF_REQUIRE_EQ(port_alert(port, 0, 0, NULL), 0);
	n = 2;
	ATF_REQUIRE_EQ(EVT_ERRNO(port_getn(port, ev, 2, &n, &bad)), EINVAL);
	evt_close(port);
}

/* ---- signals --------------------------------------------------------------------------------- */

static volatile sig_atomic_t caught;

static void
handler(int signo)
{
	(void)signo;
	caught = caught + 1;
}

EVT_TC(port_get__signal, "PORT-141 PORT-142",
    "A signal caught without SA_RESTART ends a wait with EINTR; nothing is "
    "taken and the count stays")
{
	static const unsigned int wanted[] = { 0, 1, 3 };
	struct evt_port_wait w;
	struct sigaction sa;
	int i, port;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	(void)sigemptyset(&sa.sa_mask);
	ATF_REQUIRE(sigaction(SIGUSR1, &sa, NULL) == 0);
	port = evt_port();
	for (i = 0; i < EVT_NITEMS(wanted); i++) {
		if (wanted[i] == 3)
			send_some(port, 0, 2);
		caught = 0;
		evt_port_wait_start(&w, port, wanted[i], -1);
		ATF_REQUIRE_EQ(pthread_kill(w.pw_thread.et_id, SIGUSR1), 0);
		evt_port_wait_end(&w);
		ATF_REQUIRE_EQ(caught, 1);
		ATF_REQUIRE_EQ(w.pw_error, EINTR);
		ATF_REQUIRE_EQ(w.pw_nget, wanted[i]);
		are_users(w.pw_list, 0, 0, 8);
	}
	ATF_REQUIRE_EQ(evt_port_count(port), 2);
	evt_close(port);
}

EVT_TC(port_get__signal_beside_other_waiters, "PORT-141",
    "A signal ends the wait of the thread it is for; the others go on, and "
    "are woken as before")
{
	struct evt_port_wait w[3];
	struct sigaction sa;
	int i, k, port;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	(void)sigemptyset(&sa.sa_mask);
	ATF_REQUIRE(sigaction(SIGUSR1, &sa, NULL) == 0);
	port = evt_port();
	for (k = 0; k < 3; k++) {
		for (i = 0; i < 3; i++)
			evt_port_wait_start(&w[i], port, 0, -1);
		ATF_REQUIRE_EQ(pthread_kill(w[k].pw_thread.et_id, SIGUSR1),
		    0);
		evt_port_wait_end(&w[k]);
		ATF_REQUIRE_EQ(w[k].pw_error, EINTR);
		send_some(port, 0, 2);
		for (i = 0; i < 3; i++)
			if (i != k) {
				evt_port_wait_end(&w[i]);
				ATF_REQUIRE_EQ(w[i].pw_error, 0);
			}
	}
	evt_port_none(port);
	evt_close(port);
}

/* ---- pointers -------------------------------------------------------------------------- */

/* One of the pointers is unusable, and there are three events. */
enum { WILD_EVENT, WILD_LIST, WILD_COUNT, WILD_TIME, WILDS };

struct wild {
	int	wd_port;
	int	wd_way;		/* WILD_* */
};

static int
wild_call(void *arg, void *page)
{
	const struct wild *wd = arg;
	struct timespec zero = { 0, 0 };
	port_event_t list[2];
	unsigned int n = 1;

	switch (wd->wd_way) {
	case WILD_EVENT:
		return (EVT_ERRNO(port_get(wd->wd_port, page, &zero)));
	case WILD_LIST:
		return (EVT_ERRNO(port_getn(wd->wd_port, page, 2, &n,
		    &zero)));
	case WILD_COUNT:
		return (EVT_ERRNO(port_getn(wd->wd_port, list, 2, page,
		    &zero)));
	default:
		return (EVT_ERRNO(port_getn(wd->wd_port, list, 2, &n, page)));
	}
}

EVT_TC(port_get__wild_pointers, "PORT-191",
    "An unusable pointer is EFAULT or a fault of the caller, and the port, "
    "if another process has it too, works on")
{
	port_event_t ev, list[4];
	struct wild wd;
	int error, way;

	for (way = 0; way < WILDS; way++) {
		wd.wd_port = evt_port();
		wd.wd_way = way;
		send_some(wd.wd_port, 0, 3);
		error = evt_wild(wild_call, &wd);
		ATF_REQUIRE_MSG(error == EFAULT || error == -1 ||
		    (!evt_port_shared() && error == EBADF), "pointer %d: %s",
		    way, strerror(error));
		/* What it took may be lost. */
		ATF_REQUIRE(evt_port_poll(wd.wd_port, list,
		    EVT_NITEMS(list)) <= 3);
		send_some(wd.wd_port, 9, 1);
		evt_port_one(wd.wd_port, &ev);
		EVT_PORT_USER(&ev, 9, NULL);
		evt_close(wd.wd_port);
	}
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, port_get__oldest);
	EVT_TP_ADD_TC(tp, port_get__time_runs_out);
	EVT_TP_ADD_TC(tp, port_get__short_times);
	EVT_TP_ADD_TC(tp, port_get__no_time);
	EVT_TP_ADD_TC(tp, port_get__long_time);
	EVT_TP_ADD_TC(tp, port_get__long_time_really_waits);
	EVT_TP_ADD_TC(tp, port_getn__no_time);
	EVT_TP_ADD_TC(tp, port_getn__more_than_wanted);
	EVT_TP_ADD_TC(tp, port_getn__large_room);
	EVT_TP_ADD_TC(tp, port_getn__takes_none_while_waiting);
	EVT_TP_ADD_TC(tp, port_getn__descriptors_add_up);
	EVT_TP_ADD_TC(tp, port_getn__time_runs_out);
	EVT_TP_ADD_TC(tp, port_getn__time_runs_out_beside_descriptors);
	EVT_TP_ADD_TC(tp, port_getn__idle);
	EVT_TP_ADD_TC(tp, port_getn__idle_with_too_few);
	EVT_TP_ADD_TC(tp, port_getn__count);
	EVT_TP_ADD_TC(tp, port_getn__none_wanted);
	EVT_TP_ADD_TC(tp, port_getn__wants_more_than_room);
	EVT_TP_ADD_TC(tp, port_getn__no_count);
	EVT_TP_ADD_TC(tp, port_get__no_room);
	EVT_TP_ADD_TC(tp, port_get__bad_time);
	EVT_TP_ADD_TC(tp, port_getn__order_of_checks);
	EVT_TP_ADD_TC(tp, port_get__signal);
	EVT_TP_ADD_TC(tp, port_get__signal_beside_other_waiters);
	EVT_TP_ADD_TC(tp, port_get__wild_pointers);
	return (atf_no_error());
}
