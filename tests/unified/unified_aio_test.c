/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVANY_AIO, where the system has <aio.h>.
 */
#include "config.h"

#include "evt_uni.h"

#ifdef EVANY_UNIFIED_AIO

#include <aio.h>

#undef aio_return
#undef aio_cancel

#define TEXT	"some words in a file"

static void
prepare(struct aiocb *cb, int fd, char *buf, size_t n)
{
	memset(cb, 0, sizeof(*cb));
	cb->aio_fildes = fd;
	cb->aio_buf = buf;
	cb->aio_nbytes = n;
	cb->aio_sigevent.sigev_notify = SIGEV_NONE;
}

static int
file_with_text(char *path)
{
	int fd;

	evt_skip_tsan(EVT_TSAN_LIBC);
	fd = evt_tmpfile(path);
	ATF_REQUIRE_EQ(write(fd, TEXT, sizeof(TEXT)), (ssize_t)sizeof(TEXT));
	return (fd);
}

EVT_TC(aio__end_is_an_event, "UNI-105",
    "The end of a request is an event, with its result to be taken")
{
	static const unsigned int whats[] = { EVANY_READ, EVANY_WRITE,
	    EVANY_SYNC };
	char buf[64] = TEXT, path[EVT_PATH_MAX];
	struct evany_event ev;
	struct aiocb cb;
	int fd, i, q;

	q = evt_queue();
	fd = file_with_text(path);
	for (i = 0; i < EVT_NITEMS(whats); i++) {
		prepare(&cb, fd, buf, sizeof(TEXT));
		EVT_OK(evany_aio(q, &cb, whats[i], EVT_USER(i)));
		evt_uni_one(q, &ev);
		EVT_UNI(&ev, EVANY_AIO, &cb, whats[i], EVT_USER(i));
		ATF_REQUIRE_EQ(ev.ev_data, 0);
		ATF_REQUIRE_EQ(cb.aio_sigevent.sigev_notify, SIGEV_NONE);
		ATF_REQUIRE_EQ(aio_return(&cb), whats[i] == EVANY_SYNC ? 0 :
		    (ssize_t)sizeof(TEXT));
		ATF_REQUIRE_STREQ(buf, TEXT);
		evt_uni_none(q);
	}

	/* One that fails says why. */
	evt_close(fd);
	ATF_REQUIRE((fd = open(path, O_RDONLY)) != -1);
	prepare(&cb, fd, buf, sizeof(TEXT));
	if (evany_aio(q, &cb, EVANY_WRITE, NULL) == -1)
		ATF_REQUIRE_EQ(errno, EBADF);
	else {
		evt_uni_one(q, &ev);
		ATF_REQUIRE_EQ(ev.ev_data, EBADF);
		ATF_REQUIRE_EQ(aio_return(&cb), -1);
	}
	evt_close(fd);
	evt_close(q);
	ATF_REQUIRE(unlink(path) == 0);
}

EVT_TC(aio__refused, "UNI-106",
    "A request that is refused has no event")
{
	char buf[64], path[EVT_PATH_MAX];
	struct aiocb cb;
	int fd, q;

	q = evt_queue();
	fd = file_with_text(path);
	prepare(&cb, fd, buf, sizeof(buf));
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_aio(q, NULL, EVANY_READ, NULL)),
	    EFAULT);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_aio(q, &cb, 0, NULL)), EINVAL);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_aio(fd, &cb, EVANY_READ, NULL)),
	    EBADF);
	cb.aio_reqprio = -1;
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_aio(q, &cb, EVANY_READ, NULL)),
	    EINVAL);
	ATF_REQUIRE_EQ(cb.aio_sigevent.sigev_notify, SIGEV_NONE);
	evt_uni_none(q);
	evt_close(fd);
	evt_close(q);
	ATF_REQUIRE(unlink(path) == 0);
}

EVT_TC(aio__is_cancelled, "UNI-108",
    "A request cannot be dropped; one that is cancelled says so")
{
	struct evany_event ev;
	struct aiocb cb[2];
	char c[2];
	int i, n, p[2], q;

	evt_skip_tsan(EVT_TSAN_LIBC);
	q = evt_queue();
	evt_pipe(p);
	/* The second waits for the first, which cannot be taken back. */
	for (i = 0; i < 2; i++) {
		prepare(&cb[i], p[0], &c[i], 1);
		EVT_OK(evany_aio(q, &cb[i], EVANY_READ, EVT_USER(i)));
	}
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_drop(q, EVANY_AIO,
	    (uintptr_t)&cb[1])), EINVAL);
	n = aio_cancel(p[0], &cb[1]);
	ATF_REQUIRE(n == AIO_CANCELED || n == AIO_NOTCANCELED);
	evt_write(p[1], 2);
	for (i = 0; i < 2; i++) {
		ATF_REQUIRE_EQ(1, evt_uni_get(q, &ev, 1));
		if (ev.ev_object == (uintptr_t)&cb[1] && n == AIO_CANCELED) {
			ATF_REQUIRE_EQ(ECANCELED, ev.ev_data);
			ATF_REQUIRE_EQ(-1, aio_return(&cb[1]));
		} else {
			ATF_REQUIRE_EQ(0, ev.ev_data);
			ATF_REQUIRE_EQ(1, aio_return(&cb[(uintptr_t)
			    ev.ev_user]));
		}
	}
	evt_uni_none(q);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q);
}

EVT_TC(aio__queue_is_closed, "UNI-107",
    "A queue may be closed before its requests have ended")
{
	const struct aiocb *list[1];
	struct evany_event ev;
	struct aiocb cb;
	char c;
	int p[2], other, q;

	evt_skip_tsan(EVT_TSAN_LIBC);
	q = evt_queue();
	evt_pipe(p);
	prepare(&cb, p[0], &c, 1);
	EVT_OK(evany_aio(q, &cb, EVANY_READ, NULL));
	evt_close(q);
	/* The queue that has its place now has nothing of it. */
	other = evt_queue();
	evt_write(p[1], 1);
	list[0] = &cb;
	ATF_REQUIRE(aio_suspend(list, 1, NULL) == 0);
	ATF_REQUIRE_EQ(aio_return(&cb), 1);
	ATF_REQUIRE_EQ(evany_wait(other, &ev, 1, EVT_QUIET_MS * MS), 0);
	evt_close(other);
	evt_close(p[0]);
	evt_close(p[1]);
}

#else

EVT_TC(aio__is_missing, "UNI-105 UNI-106 UNI-107 UNI-108",
    "Without <aio.h> a request is refused, and the table says so")
{
	int q;

	q = evt_queue();
	ATF_REQUIRE_EQ(evany_source(EVANY_AIO), EVANY_MISSING);
	ATF_REQUIRE_EQ(EVT_ERRNO(evany_aio(q, NULL, EVANY_READ, NULL)),
	    ENOTSUP);
	evt_close(q);
}

#endif

ATF_TP_ADD_TCS(tp)
{
#ifdef EVANY_UNIFIED_AIO
	EVT_TP_ADD_TC(tp, aio__end_is_an_event);
	EVT_TP_ADD_TC(tp, aio__refused);
	EVT_TP_ADD_TC(tp, aio__is_cancelled);
	EVT_TP_ADD_TC(tp, aio__queue_is_closed);
#else
	EVT_TP_ADD_TC(tp, aio__is_missing);
#endif
	return (atf_no_error());
}
