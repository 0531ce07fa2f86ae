/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Threads that use one port at the same time: nothing is lost, nothing comes
 * twice, and no wait is forgotten.
 */
#include "config.h"

#include "evt_port.h"

#define ROUNDS	2000
#define ALERTS	60
#define SENDERS	3
#define GETTERS	5
#define SENDS	5000	/* of each sender */

static int port;

/* From now on waits of this port are those of one that processes share. */
static void
forked(void)
{
	pid_t pid;

	(void)fflush(stdout);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0)
		_exit(0);
	ATF_REQUIRE_EQ(evt_reap(pid), 0);
}

/* ---- sending and retrieving -------------------------------------------------- */

static atomic_uchar seen[SENDERS * SENDS + 1];

struct getter {
	struct evt_thread	 ge_thread;
	unsigned int		 ge_n;		/* 0: port_get() */
	unsigned int		 ge_max;
};

static void
sender_main(void *arg)
{
	int *first = arg, i;

	for (i = 0; i < SENDS; i++)
		evt_port_send(port, *first + i + 1, NULL);
}

static void
getter_main(void *arg)
{
	struct getter *ge = arg;
	port_event_t list[16];
	unsigned int i, n;
	int error;

	for (;;) {
		n = ge->ge_n;
		if (n == 0) {
			n = 1;
			error = evt_port_get_ms(port, list, -1);
		} else
			error = evt_port_getn_ms(port, list, ge->ge_max, &n,
			    -1);
		ATF_REQUIRE_EQ(error, 0);
		for (i = 0; i < n; i++) {
			if (list[i].portev_source == PORT_SOURCE_ALERT)
				return;
			atomic_fetch_add(&seen[list[i].portev_events], 1);
		}
	}
}

EVT_TC(many__each_once, "PORT-183 PORT-184",
    "Threads that send and threads that retrieve one, some or many: each "
    "event comes once, and none is left asleep")
{
	static const unsigned int want[GETTERS][2] = { { 0, 1 }, { 1, 1 },
	    { 1, 16 }, { 3, 4 }, { 7, 16 } };
	struct evt_thread senders[SENDERS];
	struct getter getters[GETTERS];
	int first[SENDERS], i, round;
	port_event_t ev;

	for (round = 0; round < 2; round++) {
		port = evt_port();
		if (round > 0)
			forked();
		for (i = 1; i <= SENDERS * SENDS; i++)
			atomic_store(&seen[i], 0);
		for (i = 0; i < GETTERS; i++) {
			getters[i].ge_n = want[i][0];
			getters[i].ge_max = want[i][1];
			evt_thread_start(&getters[i].ge_thread, getter_main,
			    &getters[i]);
		}
		for (i = 0; i < SENDERS; i++) {
			first[i] = i * SENDS;
			evt_thread_start(&senders[i], sender_main, &first[i]);
		}
		for (i = 0; i < SENDERS; i++)
			evt_thread_join(&senders[i]);
		ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 1, NULL), 0);
		for (i = 0; i < GETTERS; i++)
			evt_thread_join(&getters[i].ge_thread);
		ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 0, NULL), 0);
		while (evt_port_poll(port, &ev, 1) == 1)
			atomic_fetch_add(&seen[ev.portev_events], 1);
		for (i = 1; i <= SENDERS * SENDS; i++)
			ATF_REQUIRE_EQ_MSG(seen[i], 1, "event %d came %d "
			    "times", i, seen[i]);
		evt_port_idle(port);
		evt_close(port);
	}
}

/* One event at a time to many sleepers: a wake-up that is lost is missed. */
static atomic_int taken;

static void
one_main(void *arg)
{
	struct getter *ge = arg;
	port_event_t list[4];
	unsigned int n;

	do {
		n = ge->ge_n;
		ATF_REQUIRE_EQ(evt_port_getn_ms(port, list, 4, &n, -1), 0);
		if (list[0].portev_source == PORT_SOURCE_USER)
			atomic_fetch_add(&taken, (int)n);
	} while (list[0].portev_source == PORT_SOURCE_USER);
}

EVT_TC(send__one_at_a_time, "PORT-183 PORT-157",
    "Whoever is on its way to sleep or out of it, a single event is taken")
{
	struct getter w[4];
	int i, round, sent;

	for (round = 0; round < 2; round++) {
		port = evt_port();
		if (round > 0)
			forked();
		atomic_store(&taken, 0);
		for (i = 0; i < EVT_NITEMS(w); i++) {
			w[i].ge_n = i == 3 ? 2 : 1;
			evt_thread_start(&w[i].ge_thread, one_main, &w[i]);
		}
		for (sent = 1; sent <= ROUNDS; sent++) {
			evt_port_send(port, 1, NULL);
			while (atomic_load(&taken) < sent)
				(void)sched_yield();
		}
		ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 1, NULL), 0);
		for (i = 0; i < EVT_NITEMS(w); i++)
			evt_thread_join(&w[i].ge_thread);
		evt_close(port);
	}
}

static struct evt_barrier barrier;

/* Waits that may end just when the event comes. */
static void
short_main(void *arg)
{
	struct timespec ts = { 0, 1 };
	port_event_t ev;
	int round;

	(void)arg;
	for (round = 1; round <= ROUNDS; round++) {
		evt_barrier_wait(&barrier);
		while (atomic_load(&taken) < round) {
			ts.tv_nsec = 1 + (ts.tv_nsec + 1009) % 30000;
			if (port_get(port, &ev, &ts) == 0)
				atomic_fetch_add(&taken, 1);
			else
				ATF_REQUIRE_EQ(errno, ETIME);
		}
		evt_barrier_wait(&barrier);
	}
}

EVT_TC(send__as_waits_end, "PORT-183 PORT-018",
    "Waits that end by themselves when an event comes: one gets it, and the "
    "port is not readable afterwards")
{
	struct evt_thread w[2];
	port_event_t ev;
	int i, round;

	port = evt_port();
	atomic_store(&taken, 0);
	evt_barrier_init(&barrier, EVT_NITEMS(w) + 1);
	for (i = 0; i < EVT_NITEMS(w); i++)
		evt_thread_start(&w[i], short_main, NULL);
	for (round = 1; round <= ROUNDS; round++) {
		evt_barrier_wait(&barrier);
		evt_port_send(port, 1, NULL);
		evt_barrier_wait(&barrier);
		ATF_REQUIRE_EQ(atomic_load(&taken), round);
		/*
		 * A pipe's byte may be left for the next wait to take out, and
		 * so may a wake that cannot be taken back.
		 */
		if (evt_port_delay() > 0 ||
		    strcmp(evt_backend(), "kqueue") == 0)
			ATF_REQUIRE_EQ(evt_port_poll(port, &ev, 1), 0);
		ATF_REQUIRE(!evt_readable(port, 0));
	}
	for (i = 0; i < EVT_NITEMS(w); i++)
		evt_thread_join(&w[i]);
	evt_barrier_destroy(&barrier);
	evt_port_idle(port);
	evt_close(port);
}

/* ---- alerts --------------------------------------------------------------------- */

static atomic_int alerted;

static void
alerted_main(void *arg)
{
	struct getter *ge = arg;
	port_event_t list[8];
	unsigned int n;
	int i;

	for (i = 0; i < ALERTS; i++) {
		evt_barrier_wait(&barrier);
		n = ge->ge_n;
		ATF_REQUIRE_EQ(evt_port_getn_ms(port, list, 8, &n, -1), 0);
		EVT_PORT_ALERT(&list[0], i + 1, NULL);
		atomic_fetch_add(&alerted, 1);
	}
}

EVT_TC(alert__set_and_cleared, "PORT-130 PORT-131",
    "Set and cleared at once, over and over: every waiter gets each alert")
{
	static const unsigned int want[] = { 8, 3, 1, 1, 1 };
	struct getter w[EVT_NITEMS(want)];
	struct timespec zero = { 0, 0 };
	port_event_t ev;
	int i, round, set;

	for (round = 0; round < 2; round++) {
		port = evt_port();
		if (round > 0)
			forked();
		evt_barrier_init(&barrier, EVT_NITEMS(w) + 1);
		for (i = 0; i < EVT_NITEMS(w); i++) {
			w[i].ge_n = want[i];
			evt_thread_start(&w[i].ge_thread, alerted_main, &w[i]);
		}
		for (set = 1; set <= ALERTS; set++) {
			atomic_store(&alerted, 0);
			evt_barrier_wait(&barrier);
			for (i = 0; i < EVT_NITEMS(w); i++)
				evt_thread_asleep(&w[i].ge_thread);
			ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, set,
			    NULL), 0);
			ATF_REQUIRE_EQ(port_alert(port, 0, 0, NULL), 0);
			/* Whatever is to call them, others may take it. */
			while (atomic_load(&alerted) < EVT_NITEMS(w)) {
				ev.portev_source = 0;
				ATF_REQUIRE_EQ(port_get(port, &ev, &zero), 0);
				ATF_REQUIRE_EQ(ev.portev_source, 0);
			}
		}
		for (i = 0; i < EVT_NITEMS(w); i++)
			evt_thread_join(&w[i].ge_thread);
		evt_barrier_destroy(&barrier);
		evt_port_idle(port);
		evt_close(port);
	}
}

/* ---- descriptors ------------------------------------------------------------------ */

static atomic_int events[ROUNDS + 1];

/* Notes by portev_user what it gets, until it gets a USER event. */
static void
notes_main(void *arg)
{
	port_event_t ev;

	(void)arg;
	for (;;) {
		ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, -1), 0);
		if (ev.portev_source == PORT_SOURCE_USER)
			return;
		ATF_REQUIRE_EQ(ev.portev_source, PORT_SOURCE_FD);
		ATF_REQUIRE_EQ(ev.portev_events, POLLIN);
		atomic_fetch_add(&events[(uintptr_t)ev.portev_user], 1);
	}
}

static void
notes_end(struct evt_thread *t)
{
	evt_port_send(port, 1, NULL);
	evt_thread_join(t);
	evt_port_none(port);
}

EVT_TC(dissociate__or_delivered, "PORT-185",
    "Dissociating beside a get has one winner: 0 and no event, or ENOENT and "
    "the event")
{
	struct evt_thread t;
	int error, i, p[2], won[ROUNDS + 1];

	evt_pipe(p);
	evt_write(p[1], 1);
	port = evt_port();
	evt_thread_start(&t, notes_main, NULL);
	for (i = 1; i <= ROUNDS; i++) {
		atomic_store(&events[i], 0);
		evt_port_fd(port, p[0], POLLIN, EVT_USER(i));
		if (i % 3 == 0)
			(void)sched_yield();
		error = evt_port_off_errno(port, p[0]);
		ATF_REQUIRE(error == 0 || error == ENOENT);
		won[i] = error == 0;
	}
	notes_end(&t);
	for (i = 1; i <= ROUNDS; i++)
		ATF_REQUIRE_EQ_MSG(events[i], won[i] ? 0 : 1, "round %d: "
		    "dissociate %s, %d events", i, won[i] ? "0" : "ENOENT",
		    events[i]);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

static int fds[2];

static void
associates_main(void *arg)
{
	int i;

	for (i = 0; i < ROUNDS / 2; i++) {
		evt_barrier_wait(&barrier);
		evt_port_fd(port, fds[0], POLLIN, arg);
		evt_barrier_wait(&barrier);
	}
}

EVT_TC(associate__from_two_threads, "PORT-186",
    "Two threads that associate one descriptor leave one association, with "
    "one event and what either asked for")
{
	struct evt_thread t[2];
	port_event_t ev[4];
	int i;

	evt_pipe(fds);
	evt_write(fds[1], 1);
	port = evt_port();
	evt_barrier_init(&barrier, 3);
	for (i = 0; i < 2; i++)
		evt_thread_start(&t[i], associates_main, EVT_USER(i + 1));
	for (i = 0; i < ROUNDS / 2; i++) {
		evt_barrier_wait(&barrier);
		evt_barrier_wait(&barrier);
		ATF_REQUIRE_EQ(evt_port_get(port, ev, 4, 1), 1);
		ATF_REQUIRE(ev[0].portev_user == EVT_USER(1) ||
		    ev[0].portev_user == EVT_USER(2));
		EVT_PORT_FD(&ev[0], fds[0], POLLIN, ev[0].portev_user);
		ATF_REQUIRE_EQ(evt_port_poll(port, ev, 4), 0);
	}
	for (i = 0; i < 2; i++)
		evt_thread_join(&t[i]);
	evt_barrier_destroy(&barrier);
	evt_close(fds[0]);
	evt_close(fds[1]);
	evt_close(port);
}

EVT_TC(close__beside_a_get, "PORT-187 PORT-045",
    "A descriptor closed beside a get gives its event once or not at all, and "
    "its number's next file its own")
{
	struct evt_thread t;
	int i, last = 0, p[2], fd;

	evt_pipe(p);
	evt_write(p[1], 1);
	port = evt_port();
	evt_thread_start(&t, notes_main, NULL);
	for (i = 1; i <= ROUNDS; i++) {
		atomic_store(&events[i], 0);
		ATF_REQUIRE((fd = dup(p[0])) != -1);
		evt_port_fd(port, fd, POLLIN, EVT_USER(i));
		if (i % 3 == 0)
			(void)sched_yield();
		evt_close(fd);
		if (i % 100 == 0) {
			/* Left open, it must give its own. */
			ATF_REQUIRE((last = dup(p[0])) != -1);
			atomic_store(&events[0], 0);
			evt_port_fd(port, last, POLLIN, EVT_USER(0));
			while (atomic_load(&events[0]) == 0)
				(void)sched_yield();
			ATF_REQUIRE_EQ(events[0], 1);
			evt_close(last);
		}
	}
	notes_end(&t);
	for (i = 1; i <= ROUNDS; i++)
		ATF_REQUIRE(events[i] <= 1);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

/* ---- cancellation ------------------------------------------------------------------ */

static atomic_int counted;

static void *
cancelled_main(void *arg)
{
	unsigned int n, want = *(unsigned int *)arg;
	port_event_t list[4];
	int old;

	for (;;) {
		n = want;
		ATF_REQUIRE_EQ(evt_port_getn_ms(port, list, 4, &n, -1), 0);
		(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
		atomic_fetch_add(&counted, (int)n);
		(void)pthread_setcancelstate(old, &old);
	}
}

EVT_TC(cancel__loses_nothing, "PORT-183",
    "Threads cancelled while they wait take no event with them, and leave no "
    "other waiter asleep")
{
	static unsigned int want[] = { 1, 1, 2, 3 };
	pthread_t t[EVT_NITEMS(want)];
	port_event_t list[64];
	int fd[8], i, p[2], round, sent;

	evt_skip_asan(EVT_ASAN_CANCEL);
	evt_skip_tsan(EVT_TSAN_CANCEL);
	evt_pipe(p);
	evt_write(p[1], 1);
	for (i = 0; i < EVT_NITEMS(fd); i++)
		ATF_REQUIRE((fd[i] = dup(p[0])) != -1);
	for (round = 0; round < 200; round++) {
		port = evt_port();
		if (round % 2 != 0)
			forked();
		atomic_store(&counted, 0);
		for (i = 0; i < EVT_NITEMS(want); i++)
			ATF_REQUIRE_EQ(pthread_create(&t[i], NULL,
			    cancelled_main, &want[i]), 0);
		for (sent = 0; sent < EVT_NITEMS(fd); sent++) {
			evt_port_fd(port, fd[sent], POLLIN, NULL);
			evt_port_send(port, 1, NULL);
			if (sent % 4 == 3)
				ATF_REQUIRE_EQ(pthread_cancel(t[sent / 4]), 0);
		}
		for (i = 2; i < EVT_NITEMS(want); i++)
			ATF_REQUIRE_EQ(pthread_cancel(t[i]), 0);
		for (i = 0; i < EVT_NITEMS(want); i++)
			ATF_REQUIRE_EQ(pthread_join(t[i], NULL), 0);
		i = evt_port_poll(port, list, 64);
		ATF_REQUIRE_EQ_MSG(counted + i, 2 * sent, "round %d: %d taken, "
		    "%d left of %d", round, counted, i, 2 * sent);
		ATF_REQUIRE_EQ(evt_port_count(port), 0);
		evt_close(port);
	}
	for (i = 0; i < EVT_NITEMS(fd); i++)
		evt_close(fd[i]);
	evt_close(p[0]);
	evt_close(p[1]);
}

static void *
pending_main(void *arg)
{
	port_event_t ev;
	int old;

	(void)arg;
	/* With a cancellation pending none of these may act on it. */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	ATF_REQUIRE_EQ(pthread_cancel(pthread_self()), 0);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
	evt_port_send(port, 1, NULL);
	evt_port_send(port, 2, NULL);
	evt_port_fd(port, fds[0], POLLIN, NULL);
	evt_port_off(port, fds[0]);
	ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 1, NULL), 0);
	ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 0, NULL), 0);
	(void)evt_port_get_ms(port, &ev, 0);
	return (NULL);
}

EVT_TC(cancel__only_gets, "PORT-183",
    "Of a thread with a cancellation pending sends, associations and alerts "
    "do their work, whomever they wake")
{
	struct evt_port_wait w[3];
	pthread_t t;
	void *value;
	int i, round;

	evt_skip_asan(EVT_ASAN_CANCEL);
	evt_pipe(fds);
	for (round = 0; round < 2; round++) {
		port = evt_port();
		if (round > 0)
			forked();
		for (i = 0; i < EVT_NITEMS(w); i++)
			evt_port_wait_start(&w[i], port, 4, -1);
		ATF_REQUIRE_EQ(pthread_create(&t, NULL, pending_main, NULL),
		    0);
		ATF_REQUIRE_EQ(pthread_join(t, &value), 0);
		ATF_REQUIRE(value == PTHREAD_CANCELED);
		for (i = 0; i < EVT_NITEMS(w); i++) {
			evt_port_wait_end(&w[i]);
			EVT_PORT_ALERT(&w[i].pw_list[0], 1, NULL);
		}
		ATF_REQUIRE_EQ(evt_port_count(port), 2);
		evt_close(port);
	}
	evt_close(fds[0]);
	evt_close(fds[1]);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, many__each_once);
	EVT_TP_ADD_TC(tp, send__one_at_a_time);
	EVT_TP_ADD_TC(tp, send__as_waits_end);
	EVT_TP_ADD_TC(tp, alert__set_and_cleared);
	EVT_TP_ADD_TC(tp, dissociate__or_delivered);
	EVT_TP_ADD_TC(tp, associate__from_two_threads);
	EVT_TP_ADD_TC(tp, close__beside_a_get);
	EVT_TP_ADD_TC(tp, cancel__loses_nothing);
	EVT_TP_ADD_TC(tp, cancel__only_gets);
	return (atf_no_error());
}
