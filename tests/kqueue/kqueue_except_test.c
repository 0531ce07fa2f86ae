/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_EXCEPT: urgent data on TCP.
 */
#include "config.h"

#include "evt.h"

#include <sys/socket.h>

#if defined(EVFILT_EXCEPT) && defined(NOTE_OOB)
#define HAVE_EXCEPT	1
#else
#define HAVE_EXCEPT	0
#define EVFILT_EXCEPT	EVFILT_READ
#define NOTE_OOB	0
#endif

#define EXCEPT_NEEDED() do {						\
	if (!HAVE_EXCEPT)						\
		atf_tc_skip("this system has no EVFILT_EXCEPT");	\
} while (0)

static void
except_urgent(int fd, char byte)
{
	ATF_REQUIRE_EQ(send(fd, &byte, 1, MSG_OOB), 1);
}

static void
except_add(int kq, int fd, unsigned int flags)
{
	evt_change(kq, fd, EVFILT_EXCEPT, EV_ADD | flags, NOTE_OOB, 0, NULL);
}

static void
except_check(const struct kevent *ev, int fd, unsigned int flags)
{
	ATF_REQUIRE_EQ(ev->ident, (uintptr_t)fd);
	ATF_REQUIRE_EQ(ev->filter, EVFILT_EXCEPT);
	ATF_REQUIRE_EQ_MSG(evt_flags(ev), flags, "{%s}", evt_text(ev));
	ATF_REQUIRE_EQ_MSG(ev->fflags, NOTE_OOB, "{%s}", evt_text(ev));
}

EVT_TC(except__urgent_byte, "KQ-151 KQ-152",
    "An urgent byte fires with NOTE_OOB, by level at every call, ordinary "
    "data does not, and recv(MSG_OOB) ends it")
{
	struct kevent ev;
	char byte = 0;
	int i, kq, s[2];

	EXCEPT_NEEDED();
	kq = evt_kq();
	evt_tcp_pair(s);
	except_add(kq, s[0], 0);
	evt_none(kq);
	evt_write(s[1], 5);
	ATF_REQUIRE(evt_readable(s[0], EVT_WAIT_MS));
	evt_idle(kq);
	except_urgent(s[1], '!');
	for (i = 0; i < 3; i++) {
		evt_one(kq, &ev);
		except_check(&ev, s[0], 0);
	}
	ATF_REQUIRE_EQ(recv(s[0], &byte, 1, MSG_OOB), 1);
	ATF_REQUIRE_EQ(byte, '!');
	/* Some systems keep the mark until it has been read past. */
	if (evt_native())
		(void)evt_drain(s[0]);
	evt_idle(kq);
	evt_write(s[1], 5);
	evt_none(kq);
	except_urgent(s[1], '?');
	evt_one(kq, &ev);
	except_check(&ev, s[0], 0);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(kq);
}

EVT_TC(except__there_before_the_knote, "KQ-151",
    "An urgent byte that came before EV_ADD fires")
{
	struct kevent ev;
	char byte;
	int kq, s[2];

	EXCEPT_NEEDED();
	kq = evt_kq();
	evt_tcp_pair(s);
	except_urgent(s[1], '!');
	except_add(kq, s[0], EV_ONESHOT);
	evt_one(kq, &ev);
	except_check(&ev, s[0], EV_ONESHOT);
	evt_none(kq);
	ATF_REQUIRE_EQ(recv(s[0], &byte, 1, MSG_OOB), 1);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(kq);
}

EVT_TC(except__one_time_modes, "KQ-151 KQ-092 KQ-093 KQ-095",
    "With EV_CLEAR or EV_DISPATCH an urgent byte is one event; another byte "
    "is another")
{
	struct kevent ev;
	char byte;
	int i, kq, s[2];

	EXCEPT_NEEDED();
	kq = evt_kq();
	for (i = 0; i < 2; i++) {
		unsigned int mode = i == 0 ? EV_CLEAR : EV_DISPATCH;

		evt_tcp_pair(s);
		except_add(kq, s[0], mode);
		except_urgent(s[1], '1');
		evt_one(kq, &ev);
		except_check(&ev, s[0], mode);
		evt_still(kq);
		ATF_REQUIRE_EQ(recv(s[0], &byte, 1, MSG_OOB), 1);
		except_urgent(s[1], '2');
		if (i == 1) {
			evt_none(kq);
			evt_change(kq, s[0], EVFILT_EXCEPT, EV_ENABLE,
			    NOTE_OOB, 0, NULL);
		}
		evt_one(kq, &ev);
		except_check(&ev, s[0], mode);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(except__beside_read_and_write, "KQ-151 KQ-263 KQ-067",
    "READ, WRITE and EXCEPT of one socket have modes and states of their own")
{
	static const unsigned int modes[] = { 0, EV_CLEAR, EV_DISPATCH };
	struct kevent ev[6];
	char byte;
	int i, j, kq, n, s[2], seen;

	EXCEPT_NEEDED();
	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(modes); i++) {
		evt_tcp_pair(s);
		except_add(kq, s[0], modes[i]);
		evt_change(kq, s[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
		evt_change(kq, s[0], EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0,
		    NULL);
		evt_one(kq, &ev[0]);
		ATF_REQUIRE_EQ(ev[0].filter, EVFILT_WRITE);
		evt_write(s[1], 3);
		evt_one(kq, &ev[0]);
		EVT_EVENT(&ev[0], s[0], EVFILT_READ, EV_CLEAR, 0, 3);
		evt_none(kq);
		except_urgent(s[1], '!');
		for (seen = 0; seen == 0;) {
			n = evt_get(kq, ev, 6);
			ATF_REQUIRE(n > 0);
			for (j = 0; j < n; j++) {
				/* An urgent byte may wake a reader as well. */
				if (ev[j].filter == EVFILT_READ)
					continue;
				except_check(&ev[j], s[0], modes[i]);
				seen = 1;
			}
		}
		if (modes[i] != 0)
			evt_none(kq);
		ATF_REQUIRE_EQ(recv(s[0], &byte, 1, MSG_OOB), 1);
		evt_change(kq, s[0], EVFILT_EXCEPT, EV_DELETE, 0, 0, NULL);
		evt_write(s[1], 1);
		evt_one(kq, &ev[0]);
		/* What lies before the mark may be all that is counted. */
		ATF_REQUIRE(ev[0].filter == EVFILT_READ && ev[0].data >= 3);
		evt_none(kq);
		evt_close(s[0]);
		evt_close(s[1]);
	}
	evt_close(kq);
}

EVT_TC(read__behind_the_urgent_byte, "KQ-108 KQ-114",
    "What was sent after an urgent byte is read, taken or not, by level and "
    "by EV_CLEAR, and before an end")
{
	char byte, buf[8];
	struct kevent ev;
	int i, kq, s[2];

	for (i = 0; i < 4; i++) {
		kq = evt_kq();
		evt_tcp_pair(s);
		evt_change(kq, s[0], EVFILT_READ, EV_ADD | (i % 2 != 0 ?
		    EV_CLEAR : 0), 0, 0, NULL);
		evt_write(s[1], 4);
		except_urgent(s[1], '!');
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(4, ev.data);
		if (i >= 2)
			ATF_REQUIRE_EQ(1, recv(s[0], &byte, 1, MSG_OOB));
		ATF_REQUIRE_EQ(4, read(s[0], buf, sizeof(buf)));
		evt_none(kq);
		evt_write(s[1], 5);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ_MSG(5, ev.data, "{%s}", evt_text(&ev));
		ATF_REQUIRE_EQ(0, shutdown(s[1], SHUT_WR));
		evt_one(kq, &ev);
		ATF_REQUIRE((ev.flags & EV_EOF) != 0);
		ATF_REQUIRE_EQ_MSG(5, ev.data, "{%s}", evt_text(&ev));
		ATF_REQUIRE_EQ(5, read(s[0], buf, sizeof(buf)));
		evt_close(kq);
		evt_close(s[0]);
		evt_close(s[1]);
	}
}

EVT_TC(except__inline, "KQ-152",
    "With SO_OOBINLINE the urgent byte fires, and reading past it ends that")
{
	struct kevent ev;
	int kq, one = 1, s[2];

	EXCEPT_NEEDED();
	kq = evt_kq();
	evt_tcp_pair(s);
	ATF_REQUIRE(setsockopt(s[0], SOL_SOCKET, SO_OOBINLINE, &one,
	    sizeof(one)) == 0);
	except_add(kq, s[0], 0);
	evt_write(s[1], 2);
	except_urgent(s[1], '!');
	evt_one(kq, &ev);
	except_check(&ev, s[0], 0);
	evt_write(s[1], 2);
	while (evt_drain(s[0]) > 0)
		continue;
	EVT_APPROX(evt_poll(kq, &ev, 1) == 0,
	    "urgent data read inline still fires");
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(kq);
}

EVT_TC(except__read_with_note, "KQ-153",
    "EVFILT_READ with NOTE_OOB fires for urgent data and not for other; "
    "dropping the note makes it an ordinary one")
{
	struct kevent ev;
	char byte;
	int kq, s[2];

	EXCEPT_NEEDED();
	if (evt_native())
		atf_tc_skip("EVFILT_READ with NOTE_OOB is DragonFly's only");
	kq = evt_kq();
	evt_tcp_pair(s);
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, NOTE_OOB, 0, NULL);
	evt_write(s[1], 5);
	ATF_REQUIRE(evt_readable(s[0], EVT_WAIT_MS));
	evt_idle(kq);
	except_urgent(s[1], '!');
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(ev.ident, (uintptr_t)s[0]);
	ATF_REQUIRE_EQ(ev.filter, EVFILT_READ);
	ATF_REQUIRE((ev.fflags & NOTE_OOB) != 0);
	ATF_REQUIRE_EQ(recv(s[0], &byte, 1, MSG_OOB), 1);
	evt_idle(kq);
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.filter == EVFILT_READ && ev.data >= 5);
	evt_close(s[0]);
	evt_close(s[1]);
	evt_close(kq);
}

EVT_TC(except__end_of_stream, "KQ-151 KQ-152",
    "A peer that closes neither hangs nor spins a queue with an EXCEPT knote")
{
	struct kevent ev;
	int64_t cpu;
	int kq, n, s[2];

	EXCEPT_NEEDED();
	kq = evt_kq();
	evt_tcp_pair(s);
	except_add(kq, s[0], EV_CLEAR);
	evt_close(s[1]);
	ATF_REQUIRE(evt_readable(s[0], EVT_WAIT_MS));
	n = evt_poll(kq, &ev, 1);
	ATF_REQUIRE(n == 0 || (ev.flags & EV_EOF) != 0);
	cpu = evt_cpu_ns();
	n = evt_kevent_ms(kq, NULL, 0, &ev, 1, 4 * EVT_QUIET_MS);
	ATF_REQUIRE_EQ(n, 0);
	ATF_REQUIRE((evt_cpu_ns() - cpu) / 1000000 < EVT_QUIET_MS);
	evt_close(s[0]);
	evt_close(kq);
}

EVT_TC(except__closed_number, "KQ-151 KQ-101 KQ-102",
    "An EXCEPT knote goes with its number, though a duplicate keeps the "
    "urgent byte ready")
{
	int dupfd, kq, s[2];

	EXCEPT_NEEDED();
	kq = evt_kq();
	evt_tcp_pair(s);
	(void)evt_move(s[0], 200);
	ATF_REQUIRE((dupfd = dup(200)) != -1);
	except_add(kq, 200, 0);
	except_urgent(s[1], '!');
	evt_close(200);
	evt_idle(kq);
	ATF_REQUIRE_EQ(evt_change_errno(kq, 200, EVFILT_EXCEPT, EV_DELETE, 0,
	    0, NULL), EBADF);
	evt_close(dupfd);
	evt_close(s[1]);
	evt_close(kq);
}

EVT_TC(except__pipes_and_files_refused, "KQ-154 KQ-255",
    "EVFILT_EXCEPT on a pipe or a file fails and leaves no knote")
{
	char path[EVT_PATH_MAX];
	int error, fd[4], i, kq;

	EXCEPT_NEEDED();
	kq = evt_kq();
	evt_pipe(fd);
	fd[2] = evt_tmpfile(path);
	ATF_REQUIRE((fd[3] = open(".", O_RDONLY)) != -1);
	for (i = 0; i < 4; i++) {
		error = evt_change_errno(kq, fd[i], EVFILT_EXCEPT, EV_ADD,
		    NOTE_OOB, 0, NULL);
		if (evt_native())
			ATF_REQUIRE(error == EOPNOTSUPP || error == EINVAL ||
			    error == EPERM || error == ENODEV ||
			    error == ENOTSUP);
		else
			ATF_REQUIRE_EQ(error, EOPNOTSUPP);
		ATF_REQUIRE_EQ(evt_change_errno(kq, fd[i], EVFILT_EXCEPT,
		    EV_DELETE, 0, 0, NULL), ENOENT);
		evt_close(fd[i]);
	}
	evt_none(kq);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, except__urgent_byte);
	EVT_TP_ADD_TC(tp, except__there_before_the_knote);
	EVT_TP_ADD_TC(tp, except__one_time_modes);
	EVT_TP_ADD_TC(tp, except__beside_read_and_write);
	EVT_TP_ADD_TC(tp, read__behind_the_urgent_byte);
	EVT_TP_ADD_TC(tp, except__inline);
	EVT_TP_ADD_TC(tp, except__read_with_note);
	EVT_TP_ADD_TC(tp, except__end_of_stream);
	EVT_TP_ADD_TC(tp, except__closed_number);
	EVT_TP_ADD_TC(tp, except__pipes_and_files_refused);
	return (atf_no_error());
}
