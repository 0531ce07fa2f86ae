/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * One failure at a time, of everything that can fail.
 *
 * A call that reports an error must report that one, must have done nothing,
 * and succeeds when it is made again; a retrieval that failed has lost no
 * event.  An association that fails ends the one there was.
 */
#include "config.h"

#include "evt_port.h"
#include "fault.h"

#include <sys/socket.h>
#include <signal.h>

#define MANY	200		/* associations, more than a wait takes at once */

static int
faulty_port(void)
{
	int port;

	fault_begin();
	port = port_create();
	if (!fault_passed(port, "port_create") &&
	    (port = port_create()) == -1)
		fault_fail("port_create: again errno %d", errno);
	return (port);
}

/* EAGAIN is told for the limits of the kernel as for those of the port. */
static bool
right_associate(int error)
{
	return (fault_right(error) || (fault_seen == ENOSPC &&
	    error == EAGAIN));
}

static void
associate(int port, int fd, int events, void *user)
{
	int error, res;

	fault_begin();
	res = port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, events,
	    user);
	error = errno;
	fault_end();
	if (res == 0)
		return;
	if (!right_associate(error))
		fault_fail("port_associate: errno %d after %d", error,
		    fault_seen);
	if (port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd) == 0)
		fault_fail("the association that failed is there");
	if (errno != ENOENT)
		fault_fail("port_dissociate: errno %d", errno);
	if (port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, events,
	    user) != 0)
		fault_fail("port_associate: again errno %d", errno);
}

static void
dissociate(int port, int fd)
{

	fault_begin();
	if (!fault_passed(port_dissociate(port, PORT_SOURCE_FD,
	    (uintptr_t)fd), "port_dissociate") &&
	    port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd) != 0)
		fault_fail("port_dissociate: again errno %d", errno);
}

static void
post(int port, int events, void *user)
{

	fault_begin();
	if (!fault_passed(port_send(port, events, user), "port_send") &&
	    port_send(port, events, user) != 0)
		fault_fail("port_send: again errno %d", errno);
}

static void
alert(int port, int events)
{

	fault_begin();
	if (!fault_passed(port_alert(port, PORT_ALERT_SET, events, NULL),
	    "port_alert") &&
	    port_alert(port, PORT_ALERT_SET, events, NULL) != 0)
		fault_fail("port_alert: again errno %d", errno);
}

/* At least n events must come, whatever fails while they are waited for. */
#define retrieve(port, list, max, n, ms)				\
	retrieve_at(__LINE__, port, list, max, n, ms)
static unsigned int
retrieve_at(int line, int port, port_event_t *list, unsigned int max,
    unsigned int n, int ms)
{
	struct timespec limit = evt_ms(ms);
	int error, res, tries;
	unsigned int got;

	for (tries = 0; tries < 20; tries++) {
		got = n;
		fault_begin();
		res = port_getn(port, list, max, &got, &limit);
		error = errno;
		fault_end();
		if (res == 0)
			return (got);
		if (error == ETIME)
			break;
		if (!fault_right(error))
			fault_fail("port_getn: errno %d after %d", error,
			    fault_seen);
	}
	fault_fail("line %d: of %u events some are lost", line, n);
}

#define one(port, source, object, events, user)				\
	one_at(__LINE__, port, source, object, events, user)
static void
one_at(int line, int port, int source, uintptr_t object, int events,
    void *user)
{
	port_event_t ev;

	(void)retrieve_at(line, port, &ev, 1, 1, 10000);
	if (ev.portev_source != source || ev.portev_object != object ||
	    ev.portev_events != events || ev.portev_user != user)
		fault_fail("line %d: %s, not source %d object %#lx events %#x "
		    "user %p", line, evt_port_text(&ev), source, (unsigned long)object,
		    (unsigned)events, user);
}

static void
quiet(int port)
{
	unsigned int n = 1;

	if (port_getn(port, NULL, 0, &n, NULL) != 0 || n != 0)
		fault_fail("%u events too many", n);
}

/* ---- the parts of a scenario ---------------------------------------------------- */

static void
part_user(int port)
{
	port_event_t list[3];

	post(port, 1, EVT_USER(1));
	one(port, PORT_SOURCE_USER, 0, 1, EVT_USER(1));
	quiet(port);
	post(port, 2, EVT_USER(2));
	post(port, 3, EVT_USER(3));
	post(port, 4, EVT_USER(4));
	if (retrieve(port, list, 3, 2, 10000) != 3)
		fault_fail("not three events");
	quiet(port);
}

static void
part_list(int port)
{
	int error, errors[3], list[3], other, sent;
	uint_t i;

	other = faulty_port();
	list[0] = list[2] = port;
	list[1] = other;
	fault_begin();
	sent = port_sendn(list, errors, 3, 5, NULL);
	fault_end();
	if (sent == -1)
		fault_fail("port_sendn: errno %d", errno);
	for (i = 0; i < 3; i++) {
		error = sent == 3 ? 0 : errors[i];
		if (error != 0 && !fault_right(error))
			fault_fail("port_sendn: %d after %d", error,
			    fault_seen);
		if (error != 0)
			post(list[i], 5, NULL);
	}
	one(port, PORT_SOURCE_USER, 0, 5, NULL);
	one(other, PORT_SOURCE_USER, 0, 5, NULL);
	one(port, PORT_SOURCE_USER, 0, 5, NULL);
	quiet(port);
	quiet(other);
	(void)close(other);
}

static void
part_alert(int port)
{
	post(port, 1, NULL);
	alert(port, 7);
	one(port, PORT_SOURCE_ALERT, 0, 7, NULL);
	alert(port, 0);
	one(port, PORT_SOURCE_USER, 0, 1, NULL);
	quiet(port);
}

static void
part_sockets(int port)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) == -1)
		fault_fail("socketpair: errno %d", errno);
	associate(port, s[0], POLLIN, EVT_USER(1));
	quiet(port);
	fault_put(s[1]);
	one(port, PORT_SOURCE_FD, (uintptr_t)s[0], POLLIN, EVT_USER(1));
	quiet(port);
	/* Again while it is ready, and with others for the queued event. */
	associate(port, s[0], POLLIN, EVT_USER(2));
	one(port, PORT_SOURCE_FD, (uintptr_t)s[0], POLLIN, EVT_USER(2));
	associate(port, s[0], POLLIN, EVT_USER(3));
	associate(port, s[0], POLLOUT, EVT_USER(4));
	one(port, PORT_SOURCE_FD, (uintptr_t)s[0], POLLOUT, EVT_USER(4));
	fault_take(s[0]);
	associate(port, s[0], POLLIN, NULL);
	dissociate(port, s[0]);
	fault_put(s[1]);
	quiet(port);
	fault_take(s[0]);
	associate(port, s[1], 0, EVT_USER(5));
	(void)close(s[0]);
	one(port, PORT_SOURCE_FD, (uintptr_t)s[1], POLLHUP, EVT_USER(5));
	(void)close(s[1]);
	quiet(port);
}

/* A number is closed while a duplicate lives, and then another file's. */
static void
part_duplicate(int port)
{
	int copy, p[2], q[2];

	if (pipe(p) == -1 || (copy = dup(p[0])) == -1 || pipe(q) == -1)
		fault_fail("pipe: errno %d", errno);
	associate(port, p[0], POLLIN, EVT_USER(1));
	fault_put(p[1]);
	if (dup2(q[0], p[0]) == -1)
		fault_fail("dup2: errno %d", errno);
	post(port, 1, EVT_USER(2));
	one(port, PORT_SOURCE_USER, 0, 1, EVT_USER(2));
	associate(port, p[0], POLLIN, EVT_USER(3));
	fault_put(q[1]);
	one(port, PORT_SOURCE_FD, (uintptr_t)p[0], POLLIN, EVT_USER(3));
	(void)close(copy);
	(void)close(p[0]);
	(void)close(p[1]);
	(void)close(q[0]);
	(void)close(q[1]);
	quiet(port);
}

static void
part_plain(int port)
{
	int fd;

	if ((fd = open("/dev/null", O_RDWR)) == -1)
		fault_fail("open: errno %d", errno);
	associate(port, fd, POLLIN, EVT_USER(1));
	one(port, PORT_SOURCE_FD, (uintptr_t)fd, POLLIN, EVT_USER(1));
	associate(port, fd, POLLPRI, EVT_USER(2));
	quiet(port);
	dissociate(port, fd);
	(void)close(fd);
}

static void
part_nested(int port)
{
	int inner = faulty_port();

	associate(port, inner, POLLIN, EVT_USER(1));
	quiet(port);
	post(inner, 1, NULL);
	one(port, PORT_SOURCE_FD, (uintptr_t)inner, POLLIN, EVT_USER(1));
	one(inner, PORT_SOURCE_USER, 0, 1, NULL);
	(void)close(inner);
	quiet(port);
}

static void
part_copy(int port)
{
	int copy;

	if ((copy = dup(port)) == -1)
		fault_fail("dup: errno %d", errno);
	post(copy, 9, NULL);
	one(port, PORT_SOURCE_USER, 0, 9, NULL);
	(void)close(copy);
	quiet(port);
}

/* More than is to be had, so that the wait sleeps in another way. */
static void
part_wait(int port)
{
	struct timespec limit = evt_ms(5);
	port_event_t list[4];
	int error, res, tries;
	unsigned int n;

	post(port, 1, NULL);
	for (tries = 0; tries < 20; tries++) {
		n = 2;
		fault_begin();
		res = port_getn(port, list, 4, &n, &limit);
		error = errno;
		fault_end();
		if (res == -1 && error == ETIME)
			break;
		if (res == 0 || !fault_right(error))
			fault_fail("port_getn: %d, errno %d after %d", res,
			    error, fault_seen);
	}
	if (n != 1)
		fault_fail("%u events with ETIME, not 1", n);
	quiet(port);
}

static void
part_many(int port)
{
	static port_event_t list[MANY];
	unsigned int i, n = 0;
	int fds[MANY], p[2];

	if (pipe(p) == -1)
		fault_fail("pipe: errno %d", errno);
	for (i = 0; i < MANY; i++) {
		if ((fds[i] = dup(p[1])) == -1)
			fault_fail("dup: errno %d", errno);
		if (port_associate(port, PORT_SOURCE_FD, (uintptr_t)fds[i],
		    POLLOUT, NULL) != 0)
			fault_fail("port_associate: errno %d", errno);
	}
	while (n < MANY)
		n += retrieve(port, list + n, MANY - n, 1, 10000);
	quiet(port);
	for (i = 0; i < MANY; i++)
		(void)close(fds[i]);
	(void)close(p[0]);
	(void)close(p[1]);
}

static void
all_parts(void)
{
	int port;

	port = faulty_port();
	part_user(port);
	part_list(port);
	part_alert(port);
	part_sockets(port);
	part_duplicate(port);
	part_plain(port);
	part_nested(port);
	part_copy(port);
	part_wait(port);
	part_many(port);
	(void)close(port);
	/* The library tidies up after a dead port here. */
	port = faulty_port();
	part_user(port);
	(void)close(port);
}

static void
each_turn(bool alloc, bool busy)
{
	if (evt_port_native())
		atf_tc_skip("what is tested is the library's own");
	fault_turns(alloc, busy, all_parts);
}

/* ---- the cases --------------------------------------------------------------------- */

#define RULES	"PORT-004 PORT-042 PORT-177 PORT-183"

EVT_TC(ports__allocation_fails, RULES,
    "No memory gives ENOMEM in that call; the port stays usable")
{
	each_turn(true, false);
}

EVT_TC(ports__allocation_fails__ports_exist, RULES,
    "No memory gives ENOMEM in that call; the port stays usable")
{
	each_turn(true, true);
}

EVT_TC(ports__system_call_fails, RULES,
    "A full table or no memory in the kernel is reported and loses nothing")
{
	each_turn(false, false);
}

EVT_TC(ports__system_call_fails__ports_exist, RULES,
    "A full table or no memory in the kernel is reported and loses nothing")
{
	each_turn(false, true);
}

static void
first_send(const struct fault_plan *fp)
{
	int port;

	(void)fp;
	FAULT_NEED((port = port_create()) != -1);
	fault_on();
	FAULT_NEED(port_send(port, 1, NULL) == 0);
	(void)fault_off();
	FAULT_NEED(close(port) == 0);
}

EVT_TC(send__without_malloc, "PORT-119",
    "The first event may be sent by a handler that interrupted malloc(3)")
{
	struct fault_plan fp = { .fp_alloc = true };
	struct fault_result res;

	if (evt_port_native())
		atf_tc_skip("what is tested is the library's own");
	if (!fault_alloc_ours())
		atf_tc_skip("allocation is a sanitizer's or another libc's");
	ATF_REQUIRE(fault_run(&fp, first_send, &res));
	ATF_REQUIRE_STREQ("", res.fr_why);
	ATF_REQUIRE_EQ(0, res.fr_calls);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, ports__allocation_fails);
	EVT_TP_ADD_TC(tp, send__without_malloc);
	EVT_TP_ADD_TC(tp, ports__allocation_fails__ports_exist);
	EVT_TP_ADD_TC(tp, ports__system_call_fails);
	EVT_TP_ADD_TC(tp, ports__system_call_fails__ports_exist);
	return (atf_no_error());
}
