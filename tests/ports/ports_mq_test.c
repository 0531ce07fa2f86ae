/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * PORT_SOURCE_MQ: mq_notify() with SIGEV_PORT.
 */
#include "config.h"

#include "evt_port.h"

#include <mqueue.h>

/* ---- helpers ---------------------------------------------------------------- */

/* A queue of that process alone, whose name is gone. */
static mqd_t
queue(void)
{
	struct mq_attr attr;
	char name[64];
	mqd_t mq;

	memset(&attr, 0, sizeof(attr));
	attr.mq_maxmsg = 4;
	attr.mq_msgsize = 16;
	(void)snprintf(name, sizeof(name), "/evany-%ld", (long)getpid());
	mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600,
	    &attr);
	if (mq == (mqd_t)-1 && (errno == ENOSYS || errno == EACCES))
		atf_tc_skip("no message queues: %s", strerror(errno));
	ATF_REQUIRE_MSG(mq != (mqd_t)-1, "%s", strerror(errno));
	ATF_REQUIRE_EQ(0, mq_unlink(name));
	return (mq);
}

static int
notify_errno(mqd_t mq, int port, void *user)
{
	port_notify_t pn = { .portnfy_port = port, .portnfy_user = user };
	struct sigevent se;
	int error;

	memset(&se, 0, sizeof(se));
	se.sigev_notify = SIGEV_PORT;
	se.sigev_value.sival_ptr = &pn;
	error = EVT_ERRNO(mq_notify(mq, &se));
	/* It was read by then. */
	memset(&pn, 0xff, sizeof(pn));
	return (error);
}

static void
notify(mqd_t mq, int port, void *user)
{
	ATF_REQUIRE_EQ(0, notify_errno(mq, port, user));
}

static void
put(mqd_t mq)
{
	ATF_REQUIRE_EQ(0, mq_send(mq, "text", 4, 0));
}

static void
take(mqd_t mq)
{
	char buf[16];

	ATF_REQUIRE_EQ(4, mq_receive(mq, buf, sizeof(buf), NULL));
}

static void
one_notice(int port, mqd_t mq, void *user)
{
	port_event_t ev;

	evt_port_one(port, &ev);
	EVT_PORT_EVENT(&ev, PORT_SOURCE_MQ, (uintptr_t)mq, 0, user);
}

/* ---- events -------------------------------------------------------------------- */

EVT_TC(notice__event, "PORT-122 PORT-123",
    "A message into the empty queue gives one event, and the registration is "
    "used up")
{
	int port;
	mqd_t mq;

	port = evt_port();
	mq = queue();
	notify(mq, port, EVT_USER(3));
	evt_port_none(port);
	put(mq);
	one_notice(port, mq, EVT_USER(3));
	take(mq);
	put(mq);
	evt_port_none(port);
	take(mq);
	notify(mq, port, EVT_USER(4));
	put(mq);
	one_notice(port, mq, EVT_USER(4));
	ATF_REQUIRE_EQ(0, mq_close(mq));
	evt_close(port);
}

EVT_TC(notice__empty_queue_only, "PORT-122",
    "A message into a queue that has some is no event")
{
	int port;
	mqd_t mq;

	port = evt_port();
	mq = queue();
	put(mq);
	notify(mq, port, NULL);
	put(mq);
	evt_port_none(port);
	take(mq);
	take(mq);
	evt_port_none(port);
	put(mq);
	one_notice(port, mq, NULL);
	ATF_REQUIRE_EQ(0, mq_close(mq));
	evt_close(port);
}

struct receiver {
	mqd_t	mq;
	ssize_t	n;
};

static void
receive(void *arg)
{
	struct receiver *rc = arg;
	char buf[16];

	rc->n = mq_receive(rc->mq, buf, sizeof(buf), NULL);
}

EVT_TC(notice__receiver_first, "PORT-122",
    "A message for which a receiver waits is no event, the next one is")
{
	struct mq_attr attr;
	struct receiver rc;
	struct evt_thread t;
	int port;

	port = evt_port();
	rc.mq = queue();
	memset(&attr, 0, sizeof(attr));
	ATF_REQUIRE_EQ(0, mq_setattr(rc.mq, &attr, NULL));
	notify(rc.mq, port, NULL);
	evt_thread_start(&t, receive, &rc);
	evt_thread_asleep(&t);
	put(rc.mq);
	evt_thread_join(&t);
	ATF_REQUIRE_EQ(4, rc.n);
	EVT_APPROX(evt_port_count(port) == 0, "the receiver slept in time");
	if (evt_port_count(port) == 0)
		put(rc.mq);
	one_notice(port, rc.mq, NULL);
	ATF_REQUIRE_EQ(0, mq_close(rc.mq));
	evt_close(port);
}

EVT_TC(notice__wakes, "PORT-021 PORT-122",
    "A notice ends a poll of the port and a wait, and needs no thread")
{
	struct evt_port_wait w;
	unsigned int n;
	mqd_t mq;
	int port;

	port = evt_port();
	mq = queue();
	notify(mq, port, NULL);
	ATF_REQUIRE(!evt_readable(port, 0));
	put(mq);
	ATF_REQUIRE(evt_readable(port, EVT_WAIT_MS));
	one_notice(port, mq, NULL);
	ATF_REQUIRE(!evt_readable(port, evt_port_delay()));
	take(mq);
	for (n = 0; n < 3; n++) {
		evt_port_wait_start(&w, port, n, EVT_WAIT_MS);
		notify(mq, port, EVT_USER(n));
		put(mq);
		if (n == 2)
			evt_port_send(port, 1, NULL);
		evt_port_wait_end(&w);
		ATF_REQUIRE_EQ(0, w.pw_error);
		take(mq);
		EVT_PORT_EVENT(&w.pw_list[w.pw_list[0].portev_source !=
		    PORT_SOURCE_MQ], PORT_SOURCE_MQ, (uintptr_t)mq, 0,
		    EVT_USER(n));
	}
	evt_port_idle(port);
	ATF_REQUIRE_EQ(0, mq_close(mq));
	evt_close(port);
}

/* ---- registrations ----------------------------------------------------------------- */

EVT_TC(register__errors, "PORT-124",
    "A port that is none, or not open, is EBADF, as is a bad queue")
{
	struct sigevent se;
	int p[2], port;
	mqd_t mq;

	port = evt_port();
	mq = queue();
	evt_pipe(p);
	ATF_REQUIRE_EQ(EBADF, notify_errno(mq, p[0], NULL));
	evt_close(p[0]);
	ATF_REQUIRE_EQ(EBADF, notify_errno(mq, p[0], NULL));
	ATF_REQUIRE_EQ(EBADF, notify_errno(mq, -1, NULL));
	ATF_REQUIRE_EQ(EBADF, notify_errno((mqd_t)-1, port, NULL));
	memset(&se, 0, sizeof(se));
	se.sigev_notify = SIGEV_PORT;
	ATF_REQUIRE_EQ(EFAULT, EVT_ERRNO(mq_notify(mq, &se)));
	se.sigev_notify = 0x7777;
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(mq_notify(mq, &se)));
	/* None of them registered anything. */
	notify(mq, port, EVT_USER(1));
	put(mq);
	one_notice(port, mq, EVT_USER(1));
	evt_close(p[1]);
	ATF_REQUIRE_EQ(0, mq_close(mq));
	evt_close(port);
}

EVT_TC(register__twice_ebusy, "PORT-125",
    "A second registration is EBUSY, and the first one stands")
{
	int other, port;
	mqd_t mq;

	port = evt_port();
	other = evt_port();
	mq = queue();
	notify(mq, port, EVT_USER(1));
	ATF_REQUIRE_EQ(EBUSY, notify_errno(mq, port, EVT_USER(2)));
	ATF_REQUIRE_EQ(EBUSY, notify_errno(mq, other, EVT_USER(3)));
	put(mq);
	one_notice(port, mq, EVT_USER(1));
	evt_port_none(other);
	ATF_REQUIRE_EQ(0, mq_close(mq));
	evt_close(other);
	evt_close(port);
}

EVT_TC(register__taken_back, "PORT-125",
    "With no sigevent the registration ends, and the port shows nothing of it")
{
	int port;
	mqd_t mq;

	evt_port_limit(1);
	port = evt_port();
	mq = queue();
	notify(mq, port, NULL);
	ATF_REQUIRE_EQ(EAGAIN, EVT_ERRNO(port_send(port, 1, NULL)));
	ATF_REQUIRE_EQ(0, mq_notify(mq, NULL));
	/* The portable mechanisms may show that once, until the next call. */
	if (evt_port_delay() == 0)
		ATF_REQUIRE(!evt_readable(port, 0));
	ATF_REQUIRE_EQ(0, evt_port_count(port));
	ATF_REQUIRE(!evt_readable(port, evt_port_delay()));
	put(mq);
	evt_port_none(port);
	take(mq);
	notify(mq, port, EVT_USER(2));
	put(mq);
	one_notice(port, mq, EVT_USER(2));
	take(mq);
	/* What came stays. */
	notify(mq, port, EVT_USER(3));
	put(mq);
	(void)mq_notify(mq, NULL);
	one_notice(port, mq, EVT_USER(3));
	ATF_REQUIRE_EQ(0, mq_close(mq));
	evt_port_send(port, 1, NULL);
	evt_close(port);
}

EVT_TC(register__holds_a_slot, "PORT-175 PORT-181",
    "A registration holds a slot until its event was retrieved or the queue "
    "is closed; without one it is EAGAIN, and not made")
{
	int port;
	mqd_t mq;

	evt_port_limit(1);
	port = evt_port();
	mq = queue();
	evt_port_send(port, 1, NULL);
	ATF_REQUIRE_EQ(EAGAIN, notify_errno(mq, port, NULL));
	put(mq);
	{
		port_event_t ev;

		evt_port_one(port, &ev);
		EVT_PORT_USER(&ev, 1, NULL);
	}
	take(mq);
	notify(mq, port, NULL);
	ATF_REQUIRE_EQ(EAGAIN, EVT_ERRNO(port_send(port, 1, NULL)));
	put(mq);
	ATF_REQUIRE_EQ(EAGAIN, EVT_ERRNO(port_send(port, 1, NULL)));
	one_notice(port, mq, NULL);
	take(mq);
	notify(mq, port, NULL);
	ATF_REQUIRE_EQ(0, mq_close(mq));
	evt_port_send(port, 1, NULL);
	evt_close(port);
}

EVT_TC(register__others, "PORT-122",
    "Other notifications are the system's")
{
	struct sigevent se;
	sigset_t set;
	mqd_t mq;
	int port, signo;

	port = evt_port();
	mq = queue();
	ATF_REQUIRE_EQ(0, sigemptyset(&set));
	ATF_REQUIRE_EQ(0, sigaddset(&set, SIGUSR1));
	ATF_REQUIRE_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	memset(&se, 0, sizeof(se));
	se.sigev_notify = SIGEV_SIGNAL;
	se.sigev_signo = SIGUSR1;
	ATF_REQUIRE_EQ(0, mq_notify(mq, &se));
	ATF_REQUIRE_EQ(EBUSY, notify_errno(mq, port, NULL));
	put(mq);
	ATF_REQUIRE_EQ(0, sigwait(&set, &signo));
	ATF_REQUIRE_EQ(SIGUSR1, signo);
	evt_port_none(port);
	ATF_REQUIRE_EQ(0, mq_close(mq));
	evt_close(port);
}

/* ---- the port's end, and other processes ----------------------------------------------- */

EVT_TC(port__closed, "PORT-122",
    "A notice for a port that was closed reaches no other")
{
	int again, port;
	mqd_t mq;

	port = evt_port();
	mq = queue();
	notify(mq, port, NULL);
	evt_close(port);
	/* Most likely with the same number. */
	again = evt_port();
	put(mq);
	evt_port_none(again);
	ATF_REQUIRE_EQ(0, mq_close(mq));
	evt_close(again);
}

static int
child_gets_none(void *arg)
{
	int port = *(int *)arg;
	port_event_t ev;

	if (evt_port_shared())
		EVT_CHILD(evt_port_get_ms(port, &ev, EVT_QUIET_MS) == ETIME);
	return (0);
}

EVT_TC(fork__for_the_parent, "PORT-170",
    "An event is for the process that registered alone")
{
	int port;
	mqd_t mq;

	port = evt_port();
	mq = queue();
	notify(mq, port, EVT_USER(1));
	put(mq);
	ATF_REQUIRE_EQ(0, evt_in_child(child_gets_none, &port));
	ATF_REQUIRE_EQ(1, evt_port_count(port));
	ATF_REQUIRE_EQ(0, evt_in_child(child_gets_none, &port));
	one_notice(port, mq, EVT_USER(1));
	take(mq);
	notify(mq, port, EVT_USER(2));
	ATF_REQUIRE_EQ(0, evt_in_child(child_gets_none, &port));
	put(mq);
	one_notice(port, mq, EVT_USER(2));
	ATF_REQUIRE_EQ(0, mq_close(mq));
	evt_close(port);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, notice__event);
	EVT_TP_ADD_TC(tp, notice__empty_queue_only);
	EVT_TP_ADD_TC(tp, notice__receiver_first);
	EVT_TP_ADD_TC(tp, notice__wakes);
	EVT_TP_ADD_TC(tp, register__errors);
	EVT_TP_ADD_TC(tp, register__twice_ebusy);
	EVT_TP_ADD_TC(tp, register__taken_back);
	EVT_TP_ADD_TC(tp, register__holds_a_slot);
	EVT_TP_ADD_TC(tp, register__others);
	EVT_TP_ADD_TC(tp, port__closed);
	EVT_TP_ADD_TC(tp, fork__for_the_parent);
	return (atf_no_error());
}
