/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * PORT_SOURCE_USER: port_send() and port_sendn().
 */
#include "config.h"

#include "evt_port.h"

#include <sys/time.h>

EVT_TC(port_send__an_event, "PORT-112",
    "An event has source USER, object 0, and what was sent")
{
	port_event_t ev;
	int port, x;

	port = evt_port();
	ATF_REQUIRE_EQ(port_send(port, 0x77, &x), 0);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_port_one(port, &ev);
	EVT_PORT_EVENT(&ev, PORT_SOURCE_USER, 0, 0x77, &x);
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(port_send__any_values, "PORT-113",
    "Any events and any pointer pass through untouched")
{
	static const int events[] = { 0, 1, -1, INT_MIN, INT_MAX, 0x55aa };
	static const uintptr_t user[] = { 0, 1, UINTPTR_MAX, UINTPTR_MAX / 2,
	    ~(UINTPTR_MAX / 2), 3 };
	port_event_t ev;
	int i, j, port;

	port = evt_port();
	for (i = 0; i < EVT_NITEMS(events); i++)
		for (j = 0; j < EVT_NITEMS(user); j++)
			evt_port_send(port, events[i], EVT_USER(user[j]));
	for (i = 0; i < EVT_NITEMS(events); i++)
		for (j = 0; j < EVT_NITEMS(user); j++) {
			ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, 0), 0);
			EVT_PORT_USER(&ev, events[i], EVT_USER(user[j]));
		}
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(port_send__never_merged, "PORT-114 PORT-152",
    "Equal events stay events of their own")
{
	port_event_t ev[20];
	int i, port;

	port = evt_port();
	for (i = 0; i < 10; i++)
		evt_port_send(port, 4, EVT_USER(4));
	ATF_REQUIRE_EQ(evt_port_count(port), 10);
	ATF_REQUIRE_EQ(evt_port_poll(port, ev, 20), 10);
	for (i = 0; i < 10; i++)
		EVT_PORT_USER(&ev[i], 4, EVT_USER(4));
	evt_close(port);
}

EVT_TC(port_send__many, "PORT-114 PORT-115 PORT-150",
    "Fifty thousand events are held and come in order")
{
	static port_event_t ev[20000];
	int got, i, n, port;

	port = evt_port();
	for (i = 0; i < 50000; i++)
		evt_port_send(port, i, NULL);
	ATF_REQUIRE_EQ(evt_port_count(port), 50000);
	for (n = 0; n < 50000; n += got) {
		got = evt_port_poll(port, ev, EVT_NITEMS(ev));
		ATF_REQUIRE(got > 0);
		for (i = 0; i < got; i++)
			EVT_PORT_USER(&ev[i], n + i, NULL);
	}
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(port_send__ends_a_wait, "PORT-134 PORT-112",
    "Waits without limit and with one end when another thread sends")
{
	struct evt_port_wait w;
	int i, port;

	port = evt_port();
	for (i = 0; i < 6; i++) {
		evt_port_wait_start(&w, port, i % 2 ? 1 : 0,
		    i < 4 ? -1 : 60000);
		evt_port_send(port, i, EVT_USER(i));
		evt_port_wait_end(&w);
		ATF_REQUIRE_EQ(w.pw_error, 0);
		EVT_PORT_USER(&w.pw_list[0], i, EVT_USER(i));
	}
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(port_send__in_alert_mode, "PORT-120",
    "Sending works in alert mode; the event comes after it")
{
	port_event_t ev;
	int port;

	port = evt_port();
	ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 1, NULL), 0);
	evt_port_send(port, 2, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_ALERT(&ev, 1, NULL);
	ATF_REQUIRE_EQ(port_alert(port, PORT_ALERT_SET, 0, NULL), 0);
	evt_port_one(port, &ev);
	EVT_PORT_USER(&ev, 2, NULL);
	evt_close(port);
}

/* ---- port_sendn ------------------------------------------------------------------- */

EVT_TC(port_sendn__all_good, "PORT-116",
    "Each entry gets an event, one listed twice two, and errors is not used")
{
	port_event_t ev[3];
	int errors[4] = { 11, 12, 13, 14 }, i, list[4], port[3];

	for (i = 0; i < 3; i++)
		list[i] = port[i] = evt_port();
	list[3] = port[1];
	ATF_REQUIRE_EQ(port_sendn(list, NULL, 4, 5, EVT_USER(6)), 4);
	ATF_REQUIRE_EQ(port_sendn(list, errors, 4, 5, EVT_USER(6)), 4);
	for (i = 0; i < 4; i++)
		ATF_REQUIRE_EQ(errors[i], 11 + i);
	ATF_REQUIRE_EQ(port_sendn(list, NULL, 1, 5, EVT_USER(6)), 1);
	ATF_REQUIRE_EQ(evt_port_count(port[0]), 3);
	ATF_REQUIRE_EQ(evt_port_count(port[1]), 4);
	ATF_REQUIRE_EQ(evt_port_count(port[2]), 2);
	ATF_REQUIRE_EQ(evt_port_poll(port[2], ev, 3), 2);
	EVT_PORT_USER(&ev[0], 5, EVT_USER(6));
	EVT_PORT_USER(&ev[1], 5, EVT_USER(6));
	for (i = 0; i < 3; i++)
		evt_close(port[i]);
}

EVT_TC(port_sendn__some_bad, "PORT-117",
    "The good ones are served and counted, and errors says what each is")
{
	int errors[5], i, list[5], p[2], port;

	evt_pipe(p);
	port = evt_port();
	list[0] = 190;			/* not open */
	list[1] = port;
	list[2] = p[0];			/* no port */
	list[3] = -1;
	list[4] = port;
	for (i = 0; i < 5; i++)
		errors[i] = -5;
	ATF_REQUIRE_EQ(port_sendn(list, errors, 5, 1, NULL), 2);
	ATF_REQUIRE_EQ(errors[0], EBADF);
	ATF_REQUIRE_EQ(errors[1], 0);
	ATF_REQUIRE_EQ(errors[2], EBADFD);
	ATF_REQUIRE_EQ(errors[3], EBADF);
	ATF_REQUIRE_EQ(errors[4], 0);
	ATF_REQUIRE_EQ(evt_port_count(port), 2);

	list[1] = list[4] = p[1];
	ATF_REQUIRE_EQ(port_sendn(list, errors, 5, 1, NULL), 0);
	ATF_REQUIRE_EQ(errors[1], EBADFD);
	ATF_REQUIRE_EQ(evt_port_count(port), 2);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(port_sendn__full_port, "PORT-117 PORT-115",
    "A full port is EAGAIN in its entry and the next is served")
{
	int errors[3], list[3], full, port;

	evt_port_limit(4);
	full = evt_port();
	evt_port_limit(64);
	port = evt_port();
	evt_port_send(full, 1, NULL);
	evt_port_send(full, 2, NULL);
	evt_port_send(full, 3, NULL);
	list[0] = full;
	list[1] = full;
	list[2] = port;
	ATF_REQUIRE_EQ(port_sendn(list, errors, 3, 1, NULL), 2);
	ATF_REQUIRE_EQ(errors[0], 0);
	ATF_REQUIRE_EQ(errors[1], EAGAIN);
	ATF_REQUIRE_EQ(errors[2], 0);
	ATF_REQUIRE_EQ(evt_port_count(full), 4);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_close(full);
	evt_close(port);
}

EVT_TC(port_sendn__arguments, "PORT-118",
    "No entries is EINVAL, no ports EFAULT, failures without errors EFAULT "
    "though the good ones were served")
{
	int errors[2] = { 7, 7 }, list[2], port;

	port = evt_port();
	list[0] = port;
	list[1] = -1;
	ATF_REQUIRE_EQ(EVT_ERRNO(port_sendn(list, errors, 0, 1, NULL)),
	    EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_sendn(NULL, NULL, 0, 1, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_sendn(NULL, errors, 2, 1, NULL)),
	    EFAULT);
	ATF_REQUIRE_EQ(errors[0], 7);
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_sendn(list, NULL, 2, 1, NULL)), EFAULT);
	ATF_REQUIRE_EQ(evt_port_count(port), 1);
	evt_close(port);
}

EVT_TC(port_sendn__long_list, "PORT-118 PORT-116",
    "More entries than the kernel takes at once")
{
	static int errors[20000], list[20000];
	port_event_t ev;
	int i, port;

	port = evt_port();
	for (i = 0; i < EVT_NITEMS(list); i++)
		list[i] = port;
	ATF_REQUIRE_EQ(port_sendn(list, NULL, 20000, 1, NULL), 20000);
	ATF_REQUIRE_EQ(evt_port_count(port), 20000);
	list[9000] = -1;
	ATF_REQUIRE_EQ(port_sendn(list, errors, 20000, 2, NULL), 19999);
	ATF_REQUIRE_EQ(errors[9000], EBADF);
	ATF_REQUIRE_EQ(errors[8999], 0);
	ATF_REQUIRE_EQ(errors[19999], 0);
	ATF_REQUIRE_EQ(evt_port_count(port), 39999);
	ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, 0), 0);
	EVT_PORT_USER(&ev, 1, NULL);
	evt_close(port);
}

/* ---- signal handlers ---------------------------------------------------------------- */

static volatile sig_atomic_t handled, refused;
static int handler_port;

static void
handler(int signo)
{
	int saved = errno;

	(void)signo;
	if (port_send(handler_port, (int)handled + 1, EVT_USER(99)) == 0)
		handled++;
	else
		refused++;
	errno = saved;
}

static void
handler_install(int signo, int port, int flags)
{
	struct sigaction sa;

	handler_port = port;
	handled = refused = 0;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sa.sa_flags = flags;
	(void)sigemptyset(&sa.sa_mask);
	ATF_REQUIRE(sigaction(signo, &sa, NULL) == 0);
}

EVT_TC(handler__sends_to_a_waiter, "PORT-119 PORT-141",
    "An event sent by a handler that interrupted the wait itself is queued, "
    "whether or not the wait goes on")
{
	struct evt_port_wait w;
	port_event_t ev;
	int i, port;

	port = evt_port();
	for (i = 0; i < 4; i++) {
		handler_install(SIGUSR1, port, i % 2 ? SA_RESTART : 0);
		evt_port_wait_start(&w, port, i < 2 ? 0 : 1, -1);
		ATF_REQUIRE_EQ(pthread_kill(w.pw_thread.et_id, SIGUSR1), 0);
		evt_port_wait_end(&w);
		if (w.pw_error != 0) {
			ATF_REQUIRE_EQ(w.pw_error, EINTR);
			evt_port_one(port, &ev);
		} else
			ev = w.pw_list[0];
		EVT_PORT_USER(&ev, 1, EVT_USER(99));
		ATF_REQUIRE_EQ(refused, 0);
		evt_port_none(port);
	}
	evt_close(port);
}

EVT_TC(handler__interrupts_any_call, "PORT-119",
    "A handler that fires all the time sends while its own thread is inside "
    "port calls: none hangs, and no event is lost")
{
	struct itimerval it, off;
	port_event_t ev[16];
	int64_t end;
	int got, i, n, p[2], port, sent, user;

	evt_skip_tsan(EVT_TSAN_SIGNALS);
	evt_skip_stacked();
	evt_pipe(p);
	evt_write(p[1], 1);
	port = evt_port();
	handler_install(SIGALRM, port, SA_RESTART);
	memset(&off, 0, sizeof(off));
	memset(&it, 0, sizeof(it));
	it.it_value.tv_usec = it.it_interval.tv_usec = 97;
	ATF_REQUIRE(setitimer(ITIMER_REAL, &it, NULL) == 0);
	got = sent = user = 0;
	end = evt_now_ns() + 400000000;
	for (n = 0; handled < 100 || evt_now_ns() < end; n++) {
		if (n % 2 && port_send(port, 0, NULL) == 0)
			sent++;
		evt_port_fd(port, p[0], POLLIN, NULL);
		if (n % 3 == 0)
			(void)evt_port_off_errno(port, p[0]);
		ATF_REQUIRE_EQ(EVT_ERRNO(port_alert(port, PORT_ALERT_SET,
		    n % 7 == 0, NULL)), 0);
		(void)evt_port_count(port);
		i = evt_port_poll(port, ev, EVT_NITEMS(ev));
		while (i-- > 0)
			if (ev[i].portev_source == PORT_SOURCE_USER) {
				if (ev[i].portev_user != NULL)
					got++;
				else
					user++;
			}
	}
	ATF_REQUIRE(setitimer(ITIMER_REAL, &off, NULL) == 0);
	ATF_REQUIRE_EQ(port_alert(port, 0, 0, NULL), 0);
	while ((i = evt_port_poll(port, ev, EVT_NITEMS(ev))) > 0)
		while (i-- > 0)
			if (ev[i].portev_source == PORT_SOURCE_USER) {
				if (ev[i].portev_user != NULL)
					got++;
				else
					user++;
			}
	ATF_REQUIRE_EQ(refused, 0);
	ATF_REQUIRE_EQ(got, handled);
	ATF_REQUIRE_EQ(user, sent);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

/* ---- wrong sources ------------------------------------------------------------------ */

EVT_TC(associate__wrong_source, "PORT-121",
    "Only FD and FILE can be associated and dissociated")
{
	static const int source[] = { 0, PORT_SOURCE_AIO, PORT_SOURCE_TIMER,
	    PORT_SOURCE_USER, PORT_SOURCE_ALERT, PORT_SOURCE_MQ, 8, 100, -1,
	    INT_MAX, PORT_SOURCE_FD + 0x10000 };
	int i, p[2], port;

	evt_pipe(p);
	evt_write(p[1], 1);
	port = evt_port();
	for (i = 0; i < EVT_NITEMS(source); i++) {
		ATF_REQUIRE_EQ_MSG(EVT_ERRNO(port_associate(port, source[i],
		    (uintptr_t)p[0], POLLIN, NULL)), EINVAL, "source %d",
		    source[i]);
		ATF_REQUIRE_EQ_MSG(EVT_ERRNO(port_dissociate(port, source[i],
		    (uintptr_t)p[0])), EINVAL, "source %d", source[i]);
	}
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, port_send__an_event);
	EVT_TP_ADD_TC(tp, port_send__any_values);
	EVT_TP_ADD_TC(tp, port_send__never_merged);
	EVT_TP_ADD_TC(tp, port_send__many);
	EVT_TP_ADD_TC(tp, port_send__ends_a_wait);
	EVT_TP_ADD_TC(tp, port_send__in_alert_mode);
	EVT_TP_ADD_TC(tp, port_sendn__all_good);
	EVT_TP_ADD_TC(tp, port_sendn__some_bad);
	EVT_TP_ADD_TC(tp, port_sendn__full_port);
	EVT_TP_ADD_TC(tp, port_sendn__arguments);
	EVT_TP_ADD_TC(tp, port_sendn__long_list);
	EVT_TP_ADD_TC(tp, handler__sends_to_a_waiter);
	EVT_TP_ADD_TC(tp, handler__interrupts_any_call);
	EVT_TP_ADD_TC(tp, associate__wrong_source);
	return (atf_no_error());
}
