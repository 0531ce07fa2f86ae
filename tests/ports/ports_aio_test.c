/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * PORT_SOURCE_AIO: requests of <aio.h> whose end is an event of a port.
 *
 * A request is kept from ending by a pipe that nothing was written to.
 */
#include "config.h"

#include "evt_port.h"

#include <aio.h>
#include <sched.h>

#define TEXT	"some words in a file"

struct request {
	struct aiocb	cb;
	port_notify_t	pn;
	char		buf[64];
};

/* A request that ends as an event of the port, with that pointer. */
static void
prepare(struct request *r, int port, void *user, int fd, size_t n,
    off_t offset)
{
	evt_skip_tsan(EVT_TSAN_LIBC);
	memset(r, 0, sizeof(*r));
	r->cb.aio_fildes = fd;
	r->cb.aio_buf = r->buf;
	r->cb.aio_nbytes = n;
	r->cb.aio_offset = offset;
	r->cb.aio_lio_opcode = LIO_READ;
	r->pn.portnfy_port = port;
	r->pn.portnfy_user = user;
	r->cb.aio_sigevent.sigev_notify = SIGEV_PORT;
	r->cb.aio_sigevent.sigev_value.sival_ptr = &r->pn;
}

static int
text_file(void)
{
	char path[EVT_PATH_MAX];
	int fd;

	fd = evt_tmpfile(path);
	ATF_REQUIRE_EQ((ssize_t)sizeof(TEXT), write(fd, TEXT, sizeof(TEXT)));
	return (fd);
}

static void
one_end(int port, struct request *r, int op)
{
	port_event_t ev;

	evt_port_one(port, &ev);
	EVT_PORT_EVENT(&ev, PORT_SOURCE_AIO, &r->cb, op, r->pn.portnfy_user);
}

/* Waits until it has ended, however it tells. */
static int
result(struct request *r)
{
	const struct aiocb *list[1] = { &r->cb };

	while (aio_error(&r->cb) == EINPROGRESS)
		(void)aio_suspend(list, 1, NULL);
	return ((int)aio_return(&r->cb));
}

/* ---- one request ---------------------------------------------------------------- */

EVT_TC(read__ends_as_event, "PORT-105 PORT-106 PORT-107",
    "The end of aio_read is an event with the request's address and the "
    "pointer, and the result is there")
{
	struct request r;
	int fd, i, port;

	port = evt_port();
	fd = text_file();
	for (i = 0; i < 3; i++) {
		prepare(&r, port, EVT_USER(i), fd, 5, 5 + i);
		ATF_REQUIRE_EQ(0, aio_read(&r.cb));
		/* It was read by the call. */
		r.pn.portnfy_port = -1;
		one_end(port, &r, AIOAREAD);
		ATF_REQUIRE_EQ(0, aio_error(&r.cb));
		ATF_REQUIRE_EQ(5, aio_return(&r.cb));
		ATF_REQUIRE_EQ(0, memcmp(r.buf, &TEXT[5 + i], 5));
		ATF_REQUIRE_EQ(SIGEV_PORT, r.cb.aio_sigevent.sigev_notify);
		ATF_REQUIRE_EQ(&r.pn, r.cb.aio_sigevent.sigev_value.sival_ptr);
		evt_port_none(port);
	}
	evt_close(fd);
	evt_close(port);
}

EVT_TC(write__ends_as_event, "PORT-105 PORT-106",
    "aio_write and aio_fsync have codes of their own")
{
	struct request r;
	char buf[8], path[EVT_PATH_MAX];
	int fd, port;

	port = evt_port();
	fd = evt_tmpfile(path);
	prepare(&r, port, EVT_USER(1), fd, 8, 0);
	memcpy(r.buf, "written!", 8);
	ATF_REQUIRE_EQ(0, aio_write(&r.cb));
	one_end(port, &r, AIOAWRITE);
	ATF_REQUIRE_EQ(8, aio_return(&r.cb));
	ATF_REQUIRE_EQ(8, pread(fd, buf, 8, 0));
	ATF_REQUIRE_EQ(0, memcmp(buf, "written!", 8));
	prepare(&r, port, EVT_USER(2), fd, 0, 0);
	ATF_REQUIRE_EQ(0, aio_fsync(O_SYNC, &r.cb));
	one_end(port, &r, AIOFSYNC);
	ATF_REQUIRE_EQ(0, aio_return(&r.cb));
	evt_port_none(port);
	evt_close(fd);
	evt_close(port);
}

EVT_TC(event__not_before_the_end, "PORT-105 PORT-021",
    "A request that has not ended gives no event; its end wakes whoever "
    "waits or polls")
{
	struct evt_port_wait w;
	struct request r;
	int i, p[2], port;

	port = evt_port();
	evt_pipe(p);
	for (i = 0; i < 2; i++) {
		prepare(&r, port, NULL, p[0], 4, 0);
		ATF_REQUIRE_EQ(0, aio_read(&r.cb));
		evt_port_none(port);
		ATF_REQUIRE_EQ(0, evt_port_count(port));
		ATF_REQUIRE(!evt_readable(port, 0));
		if (i == 0) {
			evt_write(p[1], 4);
			ATF_REQUIRE(evt_readable(port, EVT_WAIT_MS));
			one_end(port, &r, AIOAREAD);
		} else {
			evt_port_wait_start(&w, port, 0, EVT_WAIT_MS);
			evt_write(p[1], 4);
			evt_port_wait_end(&w);
			ATF_REQUIRE_EQ(0, w.pw_error);
			EVT_PORT_EVENT(&w.pw_list[0], PORT_SOURCE_AIO, &r.cb,
			    AIOAREAD, NULL);
		}
		ATF_REQUIRE_EQ(4, aio_return(&r.cb));
	}
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(event__failed_and_cancelled, "PORT-107",
    "Requests that fail or are cancelled have their event too")
{
	struct request r;
	int fd, how, p[2], port;

	port = evt_port();
	ATF_REQUIRE((fd = open("/dev/null", O_WRONLY)) != -1);
	prepare(&r, port, EVT_USER(3), fd, 5, 0);
	if (aio_read(&r.cb) == -1) {
		ATF_REQUIRE_EQ(EBADF, errno);
		ATF_REQUIRE_EQ(SIGEV_PORT, r.cb.aio_sigevent.sigev_notify);
	} else {
		one_end(port, &r, AIOAREAD);
		ATF_REQUIRE_EQ(EBADF, aio_error(&r.cb));
		ATF_REQUIRE_EQ(-1, aio_return(&r.cb));
	}
	evt_close(fd);

	evt_pipe(p);
	prepare(&r, port, EVT_USER(4), p[0], 4, 0);
	ATF_REQUIRE_EQ(0, aio_read(&r.cb));
	how = aio_cancel(p[0], &r.cb);
	if (how == AIO_CANCELED) {
		one_end(port, &r, AIOAREAD);
		ATF_REQUIRE_EQ(ECANCELED, aio_error(&r.cb));
		ATF_REQUIRE_EQ(-1, aio_return(&r.cb));
	} else {
		ATF_REQUIRE_EQ(AIO_NOTCANCELED, how);
		evt_write(p[1], 4);
		one_end(port, &r, AIOAREAD);
		ATF_REQUIRE_EQ(4, aio_return(&r.cb));
	}
	evt_port_none(port);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

#define ROUNDS	50

EVT_TC(event__result_taken_first, "PORT-105 PORT-107",
    "A request whose result was taken, and that was started anew as it is, "
    "has one event for each time")
{
	struct request r;
	port_event_t ev;
	int fd, i, port;

	port = evt_port();
	fd = text_file();
	prepare(&r, port, EVT_USER(9), fd, 5, 0);
	for (i = 0; i < ROUNDS; i++) {
		ATF_REQUIRE_EQ(0, aio_read(&r.cb));
		ATF_REQUIRE_EQ(5, result(&r));
		ATF_REQUIRE_EQ(SIGEV_PORT, r.cb.aio_sigevent.sigev_notify);
	}
	for (i = 0; i < ROUNDS; i++) {
		ATF_REQUIRE_EQ(1, evt_port_get(port, &ev, 1, 1));
		EVT_PORT_EVENT(&ev, PORT_SOURCE_AIO, &r.cb, AIOAREAD,
		    EVT_USER(9));
	}
	evt_port_none(port);
	evt_close(fd);
	evt_close(port);
}

EVT_TC(request__bad_port, "PORT-109",
    "A request that names no port is refused and not begun")
{
	struct request r;
	int fd, p[2], port;

	port = evt_port();
	fd = text_file();
	evt_pipe(p);
	prepare(&r, p[0], NULL, fd, 5, 0);
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(aio_read(&r.cb)));
	evt_close(p[0]);
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(aio_read(&r.cb)));
	r.cb.aio_sigevent.sigev_value.sival_ptr = NULL;
	ATF_REQUIRE_EQ(EFAULT, EVT_ERRNO(aio_read(&r.cb)));
	ATF_REQUIRE_EQ(0, r.buf[0]);
	evt_port_none(port);
	evt_close(p[1]);
	evt_close(fd);
	evt_close(port);
}

EVT_TC(request__holds_a_slot, "PORT-109 PORT-175 PORT-181",
    "A request holds a slot from its start until its event is retrieved; "
    "without one it is EAGAIN")
{
	struct request r[2], more;
	port_event_t ev;
	int i, p[2], port;

	evt_port_limit(2);
	port = evt_port();
	evt_pipe(p);
	for (i = 0; i < 2; i++) {
		prepare(&r[i], port, EVT_USER(i), p[0], 1, 0);
		ATF_REQUIRE_EQ(0, aio_read(&r[i].cb));
	}
	prepare(&more, port, NULL, p[0], 1, 0);
	ATF_REQUIRE_EQ(EAGAIN, EVT_ERRNO(aio_read(&more.cb)));
	ATF_REQUIRE_EQ(EAGAIN, EVT_ERRNO(port_send(port, 1, NULL)));
	evt_write(p[1], 2);
	for (i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(1, result(&r[i]));
	ATF_REQUIRE_EQ(1, evt_port_get(port, &ev, 1, 1));
	ATF_REQUIRE_EQ(0, aio_read(&more.cb));
	ATF_REQUIRE_EQ(EAGAIN, EVT_ERRNO(port_send(port, 1, NULL)));
	ATF_REQUIRE_EQ(1, evt_port_get(port, &ev, 1, 1));
	evt_write(p[1], 1);
	one_end(port, &more, AIOAREAD);
	ATF_REQUIRE_EQ(1, aio_return(&more.cb));
	evt_port_send(port, 1, NULL);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(port__closed, "PORT-111",
    "A request outlives its port, and tells no other")
{
	struct request r;
	int again, p[2], port;

	port = evt_port();
	evt_pipe(p);
	prepare(&r, port, NULL, p[0], 4, 0);
	ATF_REQUIRE_EQ(0, aio_read(&r.cb));
	evt_close(port);
	/* Most likely with the same number. */
	again = evt_port();
	evt_write(p[1], 4);
	ATF_REQUIRE_EQ(4, result(&r));
	evt_port_none(again);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(again);
}

/* ---- lists ------------------------------------------------------------------------ */

/* Collects n events, each of which was expected; op by request, list last. */
static void
list_events(int port, struct request *r, int n, int op, struct sigevent *se,
    void *user)
{
	bool seen[8] = { false };
	port_event_t ev;
	int i, k;

	for (i = 0; i < n; i++) {
		ATF_REQUIRE_EQ(1, evt_port_get(port, &ev, 1, 1));
		k = (int)(uintptr_t)ev.portev_user;
		ATF_REQUIRE_MSG(k >= 0 && k < n && !seen[k], "{%s}",
		    evt_port_text(&ev));
		EVT_PORT_EVENT(&ev, PORT_SOURCE_AIO, &r[k].cb, op,
		    EVT_USER(k));
		seen[k] = true;
	}
	if (se != NULL) {
		evt_port_one(port, &ev);
		EVT_PORT_EVENT(&ev, PORT_SOURCE_AIO, se, AIOLIO, user);
	}
}

static void
notify(struct sigevent *se, port_notify_t *pn, int port, void *user)
{
	memset(se, 0, sizeof(*se));
	pn->portnfy_port = port;
	pn->portnfy_user = user;
	se->sigev_notify = SIGEV_PORT;
	se->sigev_value.sival_ptr = pn;
}

EVT_TC(list__each_and_all, "PORT-108 PORT-106",
    "lio_listio() gives an event for each entry that asks, and one when all "
    "have ended")
{
	struct request r[3];
	struct aiocb *list[5] = { &r[0].cb, NULL, &r[1].cb, &r[2].cb, NULL };
	struct sigevent se;
	port_notify_t pn;
	int fd, i, p[2], port;

	port = evt_port();
	fd = text_file();
	for (i = 0; i < 3; i++)
		prepare(&r[i], port, EVT_USER(i), fd, 4, i);
	notify(&se, &pn, port, EVT_USER(77));
	ATF_REQUIRE_EQ(0, lio_listio(LIO_NOWAIT, list, 5, &se));
	list_events(port, r, 3, AIOAREAD, &se, EVT_USER(77));
	for (i = 0; i < 3; i++)
		ATF_REQUIRE_EQ(4, aio_return(&r[i].cb));

	/* Not before the last one. */
	evt_pipe(p);
	for (i = 0; i < 2; i++) {
		prepare(&r[i], port, NULL, i == 0 ? fd : p[0], 4, 0);
		r[i].cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	}
	r[2].cb.aio_lio_opcode = LIO_NOP;
	ATF_REQUIRE_EQ(0, lio_listio(LIO_NOWAIT, list, 5, &se));
	ATF_REQUIRE_EQ(4, result(&r[0]));
	evt_port_none(port);
	evt_write(p[1], 4);
	list_events(port, r, 0, 0, &se, EVT_USER(77));
	ATF_REQUIRE_EQ(4, aio_return(&r[1].cb));

	/* Nothing to do is done. */
	ATF_REQUIRE_EQ(0, lio_listio(LIO_NOWAIT, &list[3], 2, &se));
	list_events(port, r, 0, 0, &se, EVT_USER(77));
	evt_port_none(port);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(fd);
	evt_close(port);
}

EVT_TC(list__entries_alone, "PORT-105 PORT-108",
    "Entries have their events with no notification of the list, and when "
    "the call waits")
{
	struct request r[3];
	struct aiocb *list[3] = { &r[0].cb, &r[1].cb, &r[2].cb };
	int fd, i, port;

	port = evt_port();
	fd = text_file();
	for (i = 0; i < 3; i++)
		prepare(&r[i], port, EVT_USER(i), fd, 4, i);
	ATF_REQUIRE_EQ(0, lio_listio(LIO_NOWAIT, list, 3, NULL));
	list_events(port, r, 3, AIOAREAD, NULL, NULL);
	for (i = 0; i < 3; i++)
		ATF_REQUIRE_EQ(4, aio_return(&r[i].cb));
	evt_port_none(port);
	for (i = 0; i < 3; i++)
		r[i].cb.aio_lio_opcode = LIO_WRITE;
	ATF_REQUIRE_EQ(0, lio_listio(LIO_WAIT, list, 3, NULL));
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(0, aio_error(&r[i].cb));
		ATF_REQUIRE_EQ(4, aio_return(&r[i].cb));
	}
	list_events(port, r, 3, AIOAWRITE, NULL, NULL);
	evt_port_none(port);
	evt_close(fd);
	evt_close(port);
}

static atomic_int signalled;

static void
note_signal(int signo)
{
	atomic_store(&signalled, signo);
}

static atomic_int called;

static void
note_call(union sigval value)
{
	atomic_store(&called, value.sival_int);
}

EVT_TC(list__other_notifications, "PORT-108",
    "In a list that ends as an event other entries tell as they ask, and a "
    "list with such entries as it asks")
{
	struct request r[3];
	struct aiocb *list[3] = { &r[0].cb, &r[1].cb, &r[2].cb };
	struct sigevent se;
	sigset_t usr1;
	port_notify_t pn;
	int fd, i, port, round;

	port = evt_port();
	fd = text_file();
	(void)signal(SIGUSR1, note_signal);
	ATF_REQUIRE_EQ(0, sigemptyset(&usr1));
	ATF_REQUIRE_EQ(0, sigaddset(&usr1, SIGUSR1));
	for (round = 0; round < 2; round++) {
		atomic_store(&signalled, 0);
		atomic_store(&called, 0);
		for (i = 0; i < 3; i++)
			prepare(&r[i], port, EVT_USER(i), fd, 4, i);
		if (round == 0) {
			r[1].cb.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
			r[1].cb.aio_sigevent.sigev_signo = SIGUSR1;
			r[2].cb.aio_sigevent.sigev_notify = SIGEV_THREAD;
			r[2].cb.aio_sigevent.sigev_notify_function = note_call;
			r[2].cb.aio_sigevent.sigev_notify_attributes = NULL;
			r[2].cb.aio_sigevent.sigev_value.sival_int = 5;
			notify(&se, &pn, port, EVT_USER(8));
		} else {
			memset(&se, 0, sizeof(se));
			se.sigev_notify = SIGEV_SIGNAL;
			se.sigev_signo = SIGUSR1;
		}
		ATF_REQUIRE_EQ(0, pthread_sigmask(SIG_BLOCK, &usr1, NULL));
		ATF_REQUIRE_EQ(0, lio_listio(LIO_NOWAIT, list, 3, &se));
		list_events(port, r, round == 0 ? 1 : 3, AIOAREAD,
		    round == 0 ? &se : NULL, EVT_USER(8));
		ATF_REQUIRE_EQ(0, pthread_sigmask(SIG_UNBLOCK, &usr1, NULL));
		/* A thread of the C library's may take the signal. */
		while (atomic_load(&signalled) == 0)
			(void)sched_yield();
		ATF_REQUIRE_EQ(SIGUSR1, atomic_load(&signalled));
		while (round == 0 && atomic_load(&called) == 0)
			(void)sched_yield();
		ATF_REQUIRE_EQ(round == 0 ? 5 : 0, atomic_load(&called));
		for (i = 0; i < 3; i++)
			ATF_REQUIRE_EQ(4, result(&r[i]));
		if (round == 0)
			ATF_REQUIRE_EQ(SIGEV_THREAD,
			    r[2].cb.aio_sigevent.sigev_notify);
	}
	evt_port_none(port);
	evt_close(fd);
	evt_close(port);
}

EVT_TC(list__refused, "PORT-108 PORT-109 PORT-175",
    "A list that cannot be told of is refused as a whole, and leaves nothing")
{
	struct request r[3];
	struct aiocb *list[3] = { &r[0].cb, &r[1].cb, &r[2].cb };
	struct sigevent se;
	port_notify_t pn;
	int fd, i, port;

	evt_port_limit(3);
	port = evt_port();
	fd = text_file();
	for (i = 0; i < 3; i++)
		prepare(&r[i], port, EVT_USER(i), fd, 4, i);
	notify(&se, &pn, port, NULL);
	/* Three slots are not enough for the list as well. */
	ATF_REQUIRE_EQ(EAGAIN, EVT_ERRNO(lio_listio(LIO_NOWAIT, list, 3,
	    &se)));
	r[2].pn.portnfy_port = fd;
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(lio_listio(LIO_NOWAIT, list, 3,
	    NULL)));
	r[2].pn.portnfy_port = port;
	list[2] = &r[1].cb;
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(lio_listio(LIO_NOWAIT, list, 3,
	    NULL)));
	list[2] = &r[2].cb;
	pn.portnfy_port = fd;
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(lio_listio(LIO_NOWAIT, list, 2,
	    &se)));
	se.sigev_value.sival_ptr = NULL;
	ATF_REQUIRE_EQ(EFAULT, EVT_ERRNO(lio_listio(LIO_NOWAIT, list, 2,
	    &se)));
	ATF_REQUIRE_EQ(EINVAL, EVT_ERRNO(lio_listio(12345, list, 3, NULL)));
	evt_port_none(port);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(SIGEV_PORT, r[i].cb.aio_sigevent.sigev_notify);
		ATF_REQUIRE_EQ(0, r[i].buf[0]);
	}
	/* All slots are there. */
	ATF_REQUIRE_EQ(0, lio_listio(LIO_NOWAIT, list, 3, NULL));
	list_events(port, r, 3, AIOAREAD, NULL, NULL);
	for (i = 0; i < 3; i++)
		ATF_REQUIRE_EQ(4, aio_return(&r[i].cb));
	evt_close(fd);
	evt_close(port);
}

EVT_TC(list__entry_refused, "PORT-108",
    "An entry that the system refuses is EIO; the others and the list end "
    "as events, and the slot of that one is free")
{
	struct request r[3];
	struct aiocb *list[3] = { &r[0].cb, &r[1].cb, &r[2].cb };
	struct sigevent se;
	port_notify_t pn;
	int fd, i, port;

	evt_port_limit(4);
	port = evt_port();
	fd = text_file();
	for (i = 0; i < 3; i++)
		prepare(&r[i], port, EVT_USER(i), fd, 4, i);
	r[2].cb.aio_reqprio = -1;
	if (EVT_ERRNO(aio_read(&r[2].cb)) == 0)
		atf_tc_skip("this system takes any priority");
	notify(&se, &pn, port, EVT_USER(5));
	ATF_REQUIRE_EQ(EIO, EVT_ERRNO(lio_listio(LIO_NOWAIT, list, 3, &se)));
	list_events(port, r, 2, AIOAREAD, &se, EVT_USER(5));
	ATF_REQUIRE_EQ(SIGEV_PORT, r[2].cb.aio_sigevent.sigev_notify);
	for (i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(4, aio_return(&r[i].cb));
	ATF_REQUIRE_EQ(EIO, EVT_ERRNO(lio_listio(LIO_WAIT, list, 3, NULL)));
	list_events(port, r, 2, AIOAREAD, NULL, NULL);
	for (i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(4, aio_return(&r[i].cb));
	evt_port_none(port);
	for (i = 0; i < 4; i++)
		evt_port_send(port, i, NULL);
	evt_close(fd);
	evt_close(port);
}

/* ---- other processes ------------------------------------------------------------------ */

static struct request *fork_request;

static int
child_has_no_request(void *arg)
{
	int port = *(int *)arg;
	struct request *r = fork_request;
	port_event_t ev;

	/* A request of the parent's is as it was before it began. */
	EVT_CHILD(r->cb.aio_sigevent.sigev_notify == SIGEV_PORT);
	if (evt_port_shared())
		EVT_CHILD(evt_port_get_ms(port, &ev, EVT_QUIET_MS) == ETIME);
	return (0);
}

EVT_TC(fork__for_the_parent, "PORT-110 PORT-170",
    "A child has none of the requests and none of their events")
{
	struct request r, s;
	int fd, p[2], port;

	port = evt_port();
	fd = text_file();
	evt_pipe(p);
	prepare(&r, port, EVT_USER(1), fd, 4, 0);
	ATF_REQUIRE_EQ(0, aio_read(&r.cb));
	ATF_REQUIRE(evt_readable(port, EVT_WAIT_MS));
	prepare(&s, port, EVT_USER(2), p[0], 4, 0);
	ATF_REQUIRE_EQ(0, aio_read(&s.cb));
	fork_request = &s;
	ATF_REQUIRE_EQ(0, evt_in_child(child_has_no_request, &port));
	one_end(port, &r, AIOAREAD);
	evt_write(p[1], 4);
	one_end(port, &s, AIOAREAD);
	ATF_REQUIRE_EQ(4, aio_return(&r.cb));
	ATF_REQUIRE_EQ(4, aio_return(&s.cb));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(fd);
	evt_close(port);
}

static atomic_bool fork_over;
static int fork_port, fork_fd;

static void
submit_always(void *arg)
{
	struct request r;
	port_event_t ev;

	(void)arg;
	while (!atomic_load(&fork_over)) {
		prepare(&r, fork_port, NULL, fork_fd, 4, 0);
		ATF_REQUIRE_EQ(0, aio_read(&r.cb));
		ATF_REQUIRE_EQ(4, result(&r));
		ATF_REQUIRE_EQ(1, evt_port_get(fork_port, &ev, 1, 1));
	}
}

static int
child_is_refused(void *arg)
{
	static struct request r;

	(void)arg;
	/* The table is looked into, and the C library not yet called. */
	prepare(&r, -1, NULL, fork_fd, 4, 0);
	EVT_CHILD(EVT_ERRNO(aio_read(&r.cb)) == EINVAL);
	return (0);
}

EVT_TC(fork__beside_requests, "PORT-110",
    "A child that is made while another thread is in the middle of a call "
    "can go on")
{
	struct evt_thread t;
	int i;

	evt_skip_asan(EVT_SANE_FORKED);
	evt_skip_tsan(EVT_TSAN_LIBC);
	fork_port = evt_port();
	fork_fd = text_file();
	atomic_store(&fork_over, false);
	evt_thread_start(&t, submit_always, NULL);
	for (i = 0; i < 100; i++)
		ATF_REQUIRE_EQ(0, evt_in_child(child_is_refused, NULL));
	atomic_store(&fork_over, true);
	evt_thread_join(&t);
	evt_close(fork_fd);
	evt_close(fork_port);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, read__ends_as_event);
	EVT_TP_ADD_TC(tp, write__ends_as_event);
	EVT_TP_ADD_TC(tp, event__not_before_the_end);
	EVT_TP_ADD_TC(tp, event__failed_and_cancelled);
	EVT_TP_ADD_TC(tp, event__result_taken_first);
	EVT_TP_ADD_TC(tp, request__bad_port);
	EVT_TP_ADD_TC(tp, request__holds_a_slot);
	EVT_TP_ADD_TC(tp, port__closed);
	EVT_TP_ADD_TC(tp, list__each_and_all);
	EVT_TP_ADD_TC(tp, list__entries_alone);
	EVT_TP_ADD_TC(tp, list__other_notifications);
	EVT_TP_ADD_TC(tp, list__refused);
	EVT_TP_ADD_TC(tp, list__entry_refused);
	EVT_TP_ADD_TC(tp, fork__for_the_parent);
	EVT_TP_ADD_TC(tp, fork__beside_requests);
	return (atf_no_error());
}
