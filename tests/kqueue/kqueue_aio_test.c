/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_AIO: requests of <aio.h> whose end is an event (SIGEV_KEVENT).
 */
#include "config.h"

#include "evt_child.h"

#if defined(EVANY_SYS_EVENT_H) || defined(__FreeBSD__) || \
    defined(__DragonFly__)
#include <aio.h>
#ifdef SIGEV_KEVENT
#define AIO_EVENTS	1
#endif
#endif

EVT_TC(add__by_hand, "KQ-236",
    "A request cannot be registered through kevent()")
{
	static char cb[256];
	int error, kq;

	kq = evt_kq();
	error = evt_change_errno(kq, (uintptr_t)cb, EVFILT_AIO, EV_ADD, 0, 0,
	    NULL);
	if (!evt_native())
		ATF_REQUIRE_MSG(error == EPERM || error == ENXIO, "%s",
		    strerror(error));
	ATF_REQUIRE(error != 0);
	error = evt_change_errno(kq, (uintptr_t)cb, EVFILT_AIO, EV_DELETE, 0,
	    0, NULL);
	ATF_REQUIRE(error != 0);
	evt_none(kq);
	evt_close(kq);
}

#ifdef AIO_EVENTS

#define TEXT	"some words in a file"

struct request {
	struct aiocb	cb;
	char		buf[64];
};

/* A request that ends as an event of the queue, with udata r. */
static void
prepare(struct request *r, int kq, unsigned int flags, int fd, size_t n,
    off_t offset)
{
	evt_skip_tsan(EVT_TSAN_LIBC);
	memset(r, 0, sizeof(*r));
	r->cb.aio_fildes = fd;
	r->cb.aio_buf = r->buf;
	r->cb.aio_nbytes = n;
	r->cb.aio_offset = offset;
	r->cb.aio_sigevent.sigev_notify = SIGEV_KEVENT;
	r->cb.aio_sigevent.sigev_notify_kqueue = kq;
	r->cb.aio_sigevent.sigev_notify_kevent_flags =
	    (unsigned short)flags;
	r->cb.aio_sigevent.sigev_value.sival_ptr = r;
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

/* The event of the request. */
static void
ended(const struct kevent *ev, const struct request *r)
{
	ATF_REQUIRE_EQ_MSG((uintptr_t)&r->cb, ev->ident, "{%s}",
	    evt_text(ev));
	ATF_REQUIRE_EQ_MSG(EVFILT_AIO, ev->filter, "{%s}", evt_text(ev));
	ATF_REQUIRE_EQ(r, (void *)ev->udata);
	ATF_REQUIRE_MSG((ev->flags & EV_ERROR) == 0, "{%s}", evt_text(ev));
}

static void
one_end(int kq, const struct request *r)
{
	struct kevent ev;

	evt_one(kq, &ev);
	ended(&ev, r);
}

EVT_TC(read__ends_as_event, "KQ-237",
    "The end of aio_read is an event with the request's address and value")
{
	struct request r;
	int fd, i, kq;

	kq = evt_kq();
	fd = text_file();
	for (i = 0; i < 3; i++) {
		prepare(&r, kq, EV_ONESHOT, fd, 5, 5 + i);
		ATF_REQUIRE_EQ(0, aio_read(&r.cb));
		one_end(kq, &r);
		ATF_REQUIRE_EQ(0, aio_error(&r.cb));
		ATF_REQUIRE_EQ(5, aio_return(&r.cb));
		ATF_REQUIRE_EQ(0, memcmp(r.buf, &TEXT[5 + i], 5));
		evt_none(kq);
	}
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(write__ends_as_event, "KQ-237",
    "The ends of aio_write and aio_fsync are events too")
{
	struct request r, s;
	char buf[8], path[EVT_PATH_MAX];
	int fd, kq;

	kq = evt_kq();
	fd = evt_tmpfile(path);
	prepare(&r, kq, EV_ONESHOT, fd, 8, 0);
	memcpy(r.buf, "written!", 8);
	ATF_REQUIRE_EQ(0, aio_write(&r.cb));
	one_end(kq, &r);
	ATF_REQUIRE_EQ(8, aio_return(&r.cb));
	ATF_REQUIRE_EQ(8, pread(fd, buf, 8, 0));
	ATF_REQUIRE_EQ(0, memcmp(buf, "written!", 8));
	prepare(&s, kq, EV_ONESHOT, fd, 0, 0);
	ATF_REQUIRE_EQ(0, aio_fsync(O_SYNC, &s.cb));
	one_end(kq, &s);
	ATF_REQUIRE_EQ(0, aio_error(&s.cb));
	ATF_REQUIRE_EQ(0, aio_return(&s.cb));
	evt_none(kq);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(event__not_before_the_end, "KQ-237",
    "A request that has not ended gives no event, and wakes when it ends")
{
	struct request r;
	int kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	prepare(&r, kq, 0, p[0], 4, 0);
	ATF_REQUIRE_EQ(0, aio_read(&r.cb));
	evt_none(kq);
	ATF_REQUIRE_EQ(EINPROGRESS, aio_error(&r.cb));
	ATF_REQUIRE(!evt_readable(kq, 0));
	evt_write(p[1], 4);
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	one_end(kq, &r);
	ATF_REQUIRE_EQ(4, aio_return(&r.cb));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(event__until_taken, "KQ-237 KQ-094",
    "Without a mode the event comes at each call until aio_return()")
{
	struct request r;
	int fd, i, kq;

	kq = evt_kq();
	fd = text_file();
	prepare(&r, kq, 0, fd, 5, 0);
	ATF_REQUIRE_EQ(0, aio_read(&r.cb));
	for (i = 0; i < 3; i++)
		one_end(kq, &r);
	ATF_REQUIRE_EQ(5, aio_return(&r.cb));
	evt_none(kq);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(event__modes, "KQ-237 KQ-091 KQ-092 KQ-095",
    "sigev_notify_kevent_flags makes the event one-shot, clear or dispatched")
{
	static const unsigned int modes[] = { EV_ONESHOT, EV_CLEAR,
	    EV_DISPATCH };
	struct request r;
	int fd, i, kq;

	kq = evt_kq();
	fd = text_file();
	for (i = 0; i < EVT_NITEMS(modes); i++) {
		prepare(&r, kq, modes[i], fd, 5, 0);
		ATF_REQUIRE_EQ(0, aio_read(&r.cb));
		one_end(kq, &r);
		evt_none(kq);
		if (modes[i] == EV_DISPATCH) {
			evt_change(kq, (uintptr_t)&r.cb, EVFILT_AIO,
			    EV_ENABLE, 0, 0, &r);
			one_end(kq, &r);
		}
		ATF_REQUIRE_EQ(5, aio_return(&r.cb));
		evt_none(kq);
		ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq,
		    (uintptr_t)&r.cb, EVFILT_AIO, EV_DELETE, 0, 0, NULL));
	}
	evt_close(fd);
	evt_close(kq);
}

#define MANY	16

EVT_TC(event__one_per_request, "KQ-237 KQ-067",
    "Requests that are under way together have an event each")
{
	static struct request r[MANY];
	struct kevent ev[MANY + 1];
	bool seen[MANY] = { false };
	int fd, i, j, kq, kq2, n, sum;

	kq = evt_kq();
	kq2 = evt_kq();
	fd = text_file();
	for (i = 0; i < MANY; i++) {
		prepare(&r[i], i == 0 ? kq2 : kq, EV_ONESHOT, fd, 1, i);
		ATF_REQUIRE_EQ(0, aio_read(&r[i].cb));
	}
	for (sum = 1; sum < MANY; sum += n) {
		ATF_REQUIRE_MSG((n = evt_get(kq, ev, MANY + 1)) > 0,
		    "%d of %d", sum, MANY);
		for (i = 0; i < n; i++) {
			j = (int)((struct request *)ev[i].udata - r);
			ended(&ev[i], &r[j]);
			ATF_REQUIRE(!seen[j] && j != 0);
			seen[j] = true;
		}
	}
	evt_none(kq);
	one_end(kq2, &r[0]);
	for (i = 0; i < MANY; i++) {
		ATF_REQUIRE_EQ(1, aio_return(&r[i].cb));
		ATF_REQUIRE_EQ(TEXT[i], r[i].buf[0]);
	}
	evt_close(fd);
	evt_close(kq2);
	evt_close(kq);
}

struct waiter {
	int			kq;
	const struct request	*r;
};

static void
wait_for_one(void *arg)
{
	struct waiter *w = arg;

	one_end(w->kq, w->r);
}

EVT_TC(event__wakes_a_waiting_thread, "KQ-237 KQ-242",
    "The end of a request ends a wait that had begun before")
{
	struct evt_thread t;
	struct request r;
	struct waiter w;
	int p[2];

	w.kq = evt_kq();
	w.r = &r;
	evt_pipe(p);
	prepare(&r, w.kq, EV_ONESHOT, p[0], 4, 0);
	ATF_REQUIRE_EQ(0, aio_read(&r.cb));
	evt_thread_start(&t, wait_for_one, &w);
	evt_thread_asleep(&t);
	evt_write(p[1], 4);
	evt_thread_join(&t);
	ATF_REQUIRE_EQ(4, aio_return(&r.cb));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(w.kq);
}

EVT_TC(event__deleted, "KQ-237 KQ-087",
    "EV_DELETE of the request's event silences it; the request goes on")
{
	struct request r;
	int64_t end;
	int kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	prepare(&r, kq, EV_ONESHOT, p[0], 4, 0);
	ATF_REQUIRE_EQ(0, aio_read(&r.cb));
	evt_change(kq, (uintptr_t)&r.cb, EVFILT_AIO, EV_DELETE, 0, 0, NULL);
	evt_write(p[1], 4);
	evt_none(kq);
	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	while (aio_error(&r.cb) == EINPROGRESS && evt_now_ns() < end)
		evt_none(kq);
	ATF_REQUIRE_EQ(4, aio_return(&r.cb));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(queue__closed_first, "KQ-237 KQ-005",
    "A request outlives the queue that was to be told of it")
{
	const struct aiocb *list[1];
	struct request r;
	int kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	prepare(&r, kq, EV_ONESHOT, p[0], 4, 0);
	ATF_REQUIRE_EQ(0, aio_read(&r.cb));
	evt_close(kq);
	evt_settle();
	evt_write(p[1], 4);
	list[0] = &r.cb;
	while (aio_error(&r.cb) == EINPROGRESS)
		(void)aio_suspend(list, 1, NULL);
	ATF_REQUIRE_EQ(4, aio_return(&r.cb));
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(request__bad_queue, "KQ-237 KQ-028",
    "A request that names no queue, or odd flags, is refused")
{
	struct request r;
	int fd, kq, p[2];

	kq = evt_kq();
	fd = text_file();
	evt_pipe(p);
	prepare(&r, p[0], EV_ONESHOT, fd, 5, 0);
	ATF_REQUIRE_EQ(-1, aio_read(&r.cb));
	ATF_REQUIRE_MSG(errno == EBADF || errno == EINVAL, "%s",
	    strerror(errno));
	evt_close(p[0]);
	prepare(&r, p[0], EV_ONESHOT, fd, 5, 0);
	ATF_REQUIRE_EQ(-1, aio_read(&r.cb));
	ATF_REQUIRE_EQ(EBADF, errno);
	evt_close(p[1]);
	prepare(&r, kq, EV_DELETE, fd, 5, 0);
	ATF_REQUIRE_EQ(-1, aio_read(&r.cb));
	ATF_REQUIRE_EQ(EINVAL, errno);
	ATF_REQUIRE_EQ(0, r.buf[0]);
	evt_none(kq);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(request__fails, "KQ-237",
    "A request that fails says so at once, or by an event and aio_error()")
{
	struct request r;
	int fd, kq;

	kq = evt_kq();
	fd = text_file();
	evt_close(fd);
	ATF_REQUIRE((fd = open("/dev/null", O_WRONLY)) != -1);
	prepare(&r, kq, EV_ONESHOT, fd, 5, 0);
	if (aio_read(&r.cb) == -1)
		ATF_REQUIRE_EQ(EBADF, errno);
	else {
		one_end(kq, &r);
		ATF_REQUIRE_EQ(EBADF, aio_error(&r.cb));
		ATF_REQUIRE_EQ(-1, aio_return(&r.cb));
	}
	evt_none(kq);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(request__cancelled, "KQ-237",
    "aio_cancel() ends the request with an event, or says that it cannot")
{
	struct request r;
	int how, kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	prepare(&r, kq, EV_ONESHOT, p[0], 4, 0);
	ATF_REQUIRE_EQ(0, aio_read(&r.cb));
	how = aio_cancel(p[0], &r.cb);
	if (how == AIO_CANCELED) {
		one_end(kq, &r);
		ATF_REQUIRE_EQ(ECANCELED, aio_error(&r.cb));
		ATF_REQUIRE_EQ(-1, aio_return(&r.cb));
	} else {
		ATF_REQUIRE_EQ(AIO_NOTCANCELED, how);
		evt_none(kq);
		evt_write(p[1], 4);
		one_end(kq, &r);
		ATF_REQUIRE_EQ(4, aio_return(&r.cb));
	}
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

EVT_TC(list__each_entry, "KQ-237",
    "Each entry of lio_listio() has the event it asks for")
{
	struct request r[2];
	struct aiocb *list[3] = { &r[0].cb, NULL, &r[1].cb };
	struct kevent ev[3];
	int fd, i, kq, n;

	kq = evt_kq();
	fd = text_file();
	for (i = 0; i < 2; i++) {
		prepare(&r[i], kq, EV_ONESHOT, fd, 4, i);
		r[i].cb.aio_lio_opcode = LIO_READ;
	}
	ATF_REQUIRE_EQ(0, lio_listio(LIO_NOWAIT, list, 3, NULL));
	for (n = 0; n < 2; n += i)
		ATF_REQUIRE((i = evt_get(kq, ev + n, 3 - n)) > 0);
	ATF_REQUIRE_EQ(2, n);
	i = ev[0].ident == (uintptr_t)&r[0].cb ? 0 : 1;
	ended(&ev[i], &r[0]);
	ended(&ev[!i], &r[1]);
	evt_none(kq);
	for (i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(4, aio_return(&r[i].cb));
	evt_close(fd);
	evt_close(kq);
}

static volatile sig_atomic_t signalled;

static void
note_signal(int signo)
{
	signalled = signo;
}

EVT_TC(other__notifications, "KQ-237",
    "SIGEV_NONE and SIGEV_SIGNAL work as they do without a queue")
{
	const struct aiocb *list[1];
	struct request r;
	int64_t end;
	int fd, kq;

	kq = evt_kq();
	fd = text_file();
	prepare(&r, 0, 0, fd, 5, 0);
	r.cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	ATF_REQUIRE_EQ(0, aio_read(&r.cb));
	list[0] = &r.cb;
	while (aio_error(&r.cb) == EINPROGRESS)
		(void)aio_suspend(list, 1, NULL);
	ATF_REQUIRE_EQ(5, aio_return(&r.cb));

	(void)signal(SIGUSR1, note_signal);
	prepare(&r, 0, 0, fd, 5, 0);
	r.cb.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
	r.cb.aio_sigevent.sigev_signo = SIGUSR1;
	ATF_REQUIRE_EQ(0, aio_read(&r.cb));
	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	while ((signalled != SIGUSR1 || aio_error(&r.cb) == EINPROGRESS) &&
	    evt_now_ns() < end)
		evt_none(kq);
	ATF_REQUIRE_EQ(SIGUSR1, signalled);
	ATF_REQUIRE_EQ(5, aio_return(&r.cb));
	evt_none(kq);
	evt_close(fd);
	evt_close(kq);
}
#endif /* AIO_EVENTS */

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, add__by_hand);
#ifdef AIO_EVENTS
	EVT_TP_ADD_TC(tp, read__ends_as_event);
	EVT_TP_ADD_TC(tp, write__ends_as_event);
	EVT_TP_ADD_TC(tp, event__not_before_the_end);
	EVT_TP_ADD_TC(tp, event__until_taken);
	EVT_TP_ADD_TC(tp, event__modes);
	EVT_TP_ADD_TC(tp, event__one_per_request);
	EVT_TP_ADD_TC(tp, event__wakes_a_waiting_thread);
	EVT_TP_ADD_TC(tp, event__deleted);
	EVT_TP_ADD_TC(tp, queue__closed_first);
	EVT_TP_ADD_TC(tp, request__bad_queue);
	EVT_TP_ADD_TC(tp, request__fails);
	EVT_TP_ADD_TC(tp, request__cancelled);
	EVT_TP_ADD_TC(tp, list__each_entry);
	EVT_TP_ADD_TC(tp, other__notifications);
#endif
	return (atf_no_error());
}
