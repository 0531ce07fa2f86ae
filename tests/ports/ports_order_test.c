/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Who is served first among threads that wait on a port, and what is left.
 *
 * Each case is told twice: of a port of this process alone, and of one that
 * has been through a fork, whose threads wait in another way.
 */
#include "config.h"

#include "evt_port.h"

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

static int
make_port(int round)
{
	int port = evt_port();

	if (round > 0)
		forked();
	return (port);
}

static void
sends(int port, int first, int last)
{
	for (; first <= last; first++)
		evt_port_send(port, first, NULL);
}

/* The waiter ended with these events, sent one after the other. */
static void
got(struct evt_port_wait *w, int first, int last)
{
	int i;

	evt_port_wait_end(w);
	ATF_REQUIRE_EQ(w->pw_error, 0);
	if (w->pw_n > 0)
		ATF_REQUIRE_EQ(w->pw_nget, (unsigned int)(last - first + 1));
	for (i = 0; i <= last - first; i++)
		EVT_PORT_USER(&w->pw_list[i], first + i, NULL);
}

EVT_TC(port_getn__leaves_the_rest_ahead, "PORT-153 PORT-152",
    "What a short list leaves behind comes before what is sent later")
{
	port_event_t ev[8];
	int i, port, round;

	for (round = 0; round < 2; round++) {
		port = make_port(round);
		sends(port, 1, 5);
		ATF_REQUIRE_EQ(evt_port_poll(port, ev, 2), 2);
		EVT_PORT_USER(&ev[0], 1, NULL);
		EVT_PORT_USER(&ev[1], 2, NULL);
		sends(port, 6, 7);
		ATF_REQUIRE_EQ(evt_port_poll(port, ev, 8), 5);
		for (i = 0; i < 5; i++)
			EVT_PORT_USER(&ev[i], 3 + i, NULL);
		evt_close(port);
	}
}

EVT_TC(wait__fewest_first, "PORT-154 PORT-157",
    "Of a waiter for five and a later one for one, a send ends the second; "
    "four more leave the first asleep, the fifth ends it")
{
	struct evt_port_wait five, one;
	int port, round;

	for (round = 0; round < 2; round++) {
		port = make_port(round);
		evt_port_wait_start(&five, port, 5, -1);
		evt_port_wait_start(&one, port, 1, -1);
		evt_port_send(port, 1, NULL);
		got(&one, 1, 1);
		evt_port_wait_on(&five);
		sends(port, 2, 5);
		evt_port_wait_on(&five);
		evt_port_send(port, 6, NULL);
		got(&five, 2, 6);
		evt_close(port);
	}
}

EVT_TC(wait__rising, "PORT-155",
    "A waiter for one is not kept waiting by a later one for five")
{
	struct evt_port_wait five, one;
	int port, round;

	if (evt_port_native())
		atf_tc_skip("natively the larger one goes first");
	for (round = 0; round < 2; round++) {
		port = make_port(round);
		evt_port_wait_start(&one, port, 1, -1);
		evt_port_wait_start(&five, port, 5, -1);
		evt_port_send(port, 1, NULL);
		got(&one, 1, 1);
		evt_port_wait_on(&five);
		sends(port, 2, 6);
		got(&five, 2, 6);
		evt_close(port);
	}
}

EVT_TC(wait__one_for_each_send, "PORT-156 PORT-157 PORT-183",
    "Each send ends the wait of one of the threads in port_get, whichever")
{
	struct evt_port_wait w[4];
	int i, n, port, round, sent;
	bool ended[EVT_NITEMS(w)] = { false };

	for (round = 0; round < 2; round++) {
		port = make_port(round);
		for (i = 0; i < EVT_NITEMS(w); i++) {
			evt_port_wait_start(&w[i], port, 0, -1);
			ended[i] = false;
		}
		for (sent = 1; sent <= EVT_NITEMS(w); sent++) {
			evt_port_send(port, sent, NULL);
			/* One gets it: nothing is left to count. */
			for (n = 0; n == 0; (void)poll(NULL, 0, 1))
				for (i = 0; i < EVT_NITEMS(w); i++)
					if (!ended[i] && atomic_load(
					    &w[i].pw_thread.et_done)) {
						got(&w[i], sent, sent);
						ended[i] = true;
						n++;
					}
			ATF_REQUIRE_EQ(n, 1);
			for (i = 0; i < EVT_NITEMS(w); i++)
				if (!ended[i])
					evt_port_wait_on(&w[i]);
		}
		evt_close(port);
	}
}

/* A thread that wants n and has room for no more. */
struct strict {
	struct evt_thread	 st_thread;
	port_event_t		 st_list[4];
	int			 st_port;
	unsigned int		 st_n;
	unsigned int		 st_got;
	int			 st_error;
};

static void
strict_main(void *arg)
{
	struct strict *st = arg;

	st->st_got = st->st_n;
	st->st_error = evt_port_getn_ms(st->st_port, st->st_list, st->st_n,
	    &st->st_got, -1);
}

EVT_TC(wait__rest_is_for_the_next, "PORT-158 PORT-184 PORT-138",
    "A waiter that leaves enough for the next wakes it: what becomes ready at "
    "once is shared by all")
{
	struct strict st[4];
	int fds[8], i, k, p[2], port, round;
	unsigned int n;

	for (round = 0; round < 2; round++)
		for (n = 1; n <= 2; n++) {
			evt_pipe(p);
			port = make_port(round);
			for (i = 0; i < 4 * (int)n; i++) {
				ATF_REQUIRE((fds[i] = dup(p[0])) != -1);
				evt_port_fd(port, fds[i], POLLIN, NULL);
			}
			for (i = 0; i < EVT_NITEMS(st); i++) {
				st[i].st_port = port;
				st[i].st_n = n;
				evt_thread_start(&st[i].st_thread, strict_main,
				    &st[i]);
				evt_thread_asleep(&st[i].st_thread);
			}
			evt_write(p[1], 1);
			for (i = 0; i < EVT_NITEMS(st); i++) {
				evt_thread_join(&st[i].st_thread);
				ATF_REQUIRE_EQ(st[i].st_error, 0);
				ATF_REQUIRE_EQ(st[i].st_got, n);
			}
			evt_port_none(port);
			for (k = 0; k < 4 * (int)n; k++)
				evt_close(fds[k]);
			evt_close(p[0]);
			evt_close(p[1]);
			evt_close(port);
		}
}

EVT_TC(call__ahead_of_sleepers, "PORT-159 PORT-139",
    "Who finds enough takes it, ahead of a thread asleep for more")
{
	struct evt_port_wait w;
	port_event_t ev[8];
	int port, round;

	for (round = 0; round < 2; round++) {
		port = make_port(round);
		evt_port_wait_start(&w, port, 3, -1);
		sends(port, 1, 2);
		ATF_REQUIRE_EQ(evt_port_poll(port, ev, 8), 2);
		EVT_PORT_USER(&ev[0], 1, NULL);
		EVT_PORT_USER(&ev[1], 2, NULL);
		evt_port_wait_on(&w);
		sends(port, 3, 4);
		evt_port_wait_on(&w);
		evt_port_send(port, 5, NULL);
		got(&w, 3, 5);
		evt_close(port);
	}
}

EVT_TC(wait__goes_and_the_next_leads, "PORT-134 PORT-135 PORT-183",
    "When the thread that waits for all ends by its time-out, the others are "
    "told as before")
{
	struct evt_port_wait w[3];
	int i, port, round;

	for (round = 0; round < 2; round++) {
		port = make_port(round);
		evt_port_wait_start(&w[0], port, 2, 4 * EVT_QUIET_MS);
		evt_port_wait_start(&w[1], port, 3, 8 * EVT_QUIET_MS);
		evt_port_wait_start(&w[2], port, 4, -1);
		evt_port_wait_end(&w[0]);
		ATF_REQUIRE_EQ(w[0].pw_error, ETIME);
		evt_port_wait_end(&w[1]);
		ATF_REQUIRE_EQ(w[1].pw_error, ETIME);
		for (i = 1; i <= 4; i++) {
			evt_port_wait_on(&w[2]);
			evt_port_send(port, i, NULL);
		}
		got(&w[2], 1, 4);
		evt_close(port);
	}
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, port_getn__leaves_the_rest_ahead);
	EVT_TP_ADD_TC(tp, wait__fewest_first);
	EVT_TP_ADD_TC(tp, wait__rising);
	EVT_TP_ADD_TC(tp, wait__one_for_each_send);
	EVT_TP_ADD_TC(tp, wait__rest_is_for_the_next);
	EVT_TP_ADD_TC(tp, call__ahead_of_sleepers);
	EVT_TP_ADD_TC(tp, wait__goes_and_the_next_leads);
	return (atf_no_error());
}
