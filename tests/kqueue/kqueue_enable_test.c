/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Enabling and disabling: what is held back, what is remembered, what goes on
 * counting meanwhile.
 */
#include "config.h"

#include "evt.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void
enable(int kq, int fd, int filter)
{
	evt_change(kq, fd, filter, EV_ENABLE, 0, 0, NULL);
}

static void
disable(int kq, int fd, int filter)
{
	evt_change(kq, fd, filter, EV_DISABLE, 0, 0, NULL);
}

/* Lets so much time pass, by a timer in a queue of its own. */
static void
pass_ms(int ms)
{
	struct kevent ev;
	int kq;

	kq = evt_kq();
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, ms, NULL);
	evt_one(kq, &ev);
	evt_close(kq);
}

EVT_TC(enable__by_default, "KQ-080",
    "A new knote is enabled unless EV_DISABLE is given")
{
	struct kevent ev;
	int kq, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	kq = evt_kq();
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_one(kq, &ev);
	evt_change(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_ENABLE, 0, 0, NULL);
	evt_one(kq, &ev);
	evt_change(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_DISABLE, 0, 0, NULL);
	evt_none(kq);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(add__does_not_enable, "KQ-081 KQ-084",
    "Adding a disabled knote again leaves it disabled")
{
	static const unsigned int modes[] = { 0, EV_CLEAR, EV_ONESHOT,
	    EV_DISPATCH };
	struct kevent ev;
	int i, kq, p[2];

	for (i = 0; i < EVT_NITEMS(modes); i++) {
		evt_pipe(p);
		kq = evt_kq();
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_DISABLE |
		    modes[i], 0, 0, NULL);
		evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_DISABLE | modes[i],
		    0, 0, NULL);
		evt_write(p[1], 1);
		evt_trigger(kq, 1);
		evt_none(kq);
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | modes[i], 0, 0,
		    NULL);
		evt_change(kq, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
		evt_none(kq);
		evt_write(p[1], 1);
		evt_none(kq);
		evt_change(kq, 1, EVFILT_USER, EV_DELETE, 0, 0, NULL);

		/* With EV_ENABLE beside EV_ADD it is enabled. */
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_ENABLE, 0, 0,
		    NULL);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, modes[i], 0, 2);
		evt_close(kq);
		evt_close(p[0]);
		evt_close(p[1]);
	}
}

EVT_TC(disable__holds_back, "KQ-082 KQ-083",
    "Disabling stops an event already queued; enabling hands it out")
{
	static const unsigned int modes[] = { 0, EV_CLEAR, EV_ONESHOT,
	    EV_DISPATCH };
	struct kevent ev;
	int i, kq, s[2], way;

	for (way = 0; way < 3; way++)
		for (i = 0; i < EVT_NITEMS(modes); i++) {
			evt_sockpair(s, SOCK_STREAM);
			kq = evt_kq();
			evt_change(kq, s[0], EVFILT_READ, EV_ADD | modes[i],
			    0, 0, NULL);
			evt_write(s[1], 1);
			ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
			disable(kq, s[0], EVFILT_READ);
			if (way == 1)
				evt_none(kq);
			if (way == 2)
				evt_write(s[1], 1);
			evt_none(kq);
			enable(kq, s[0], EVFILT_READ);
			ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
			evt_one(kq, &ev);
			EVT_EVENT(&ev, s[0], EVFILT_READ, modes[i], 0,
			    way == 2 ? 2 : 1);
			ATF_REQUIRE_EQ(evt_poll(kq, &ev, 1), modes[i] == 0);
			evt_close(kq);
			evt_close(s[0]);
			evt_close(s[1]);
		}
}

EVT_TC(disable__of_user_timer_signal, "KQ-082 KQ-083",
    "The same for filters without a descriptor")
{
	struct kevent ev[4];
	int i, kq, n, seen;

	kq = evt_kq();
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1, NULL);
	evt_change(kq, SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	evt_trigger(kq, 1);
	ATF_REQUIRE(raise(SIGURG) == 0);
	pass_ms(10);
	disable(kq, 1, EVFILT_USER);
	evt_change(kq, 1, EVFILT_TIMER, EV_DISABLE, 0, 1, NULL);
	disable(kq, SIGURG, EVFILT_SIGNAL);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	enable(kq, 1, EVFILT_USER);
	evt_change(kq, 1, EVFILT_TIMER, EV_ENABLE, 0, 1, NULL);
	enable(kq, SIGURG, EVFILT_SIGNAL);
	ATF_REQUIRE(evt_readable(kq, 0));
	n = evt_get(kq, ev, 4);
	ATF_REQUIRE_EQ(n, 3);
	for (i = seen = 0; i < n; i++) {
		if (ev[i].filter != EVFILT_USER)
			ATF_REQUIRE_EQ(ev[i].data, 1);
		seen |= ev[i].filter == EVFILT_USER ? 1 :
		    ev[i].filter == EVFILT_TIMER ? 2 : 4;
	}
	ATF_REQUIRE_EQ(seen, 7);
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(enable__after_the_condition_went, "KQ-083",
    "What is no longer true is not handed out; one-shot knotes may differ")
{
	static const unsigned int modes[] = { 0, EV_CLEAR, EV_DISPATCH,
	    EV_ONESHOT };
	struct kevent ev;
	int i, kq, n, p[2];

	for (i = 0; i < EVT_NITEMS(modes); i++) {
		evt_pipe(p);
		kq = evt_kq();
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | modes[i], 0, 0,
		    NULL);
		evt_write(p[1], 1);
		disable(kq, p[0], EVFILT_READ);
		ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
		enable(kq, p[0], EVFILT_READ);
		n = evt_poll(kq, &ev, 1);
		if (modes[i] == EV_ONESHOT) {
			EVT_APPROX(n == 1, "a one-shot event whose data was "
			    "read while disabled is dropped");
			if (n == 1) {
				ATF_REQUIRE_EQ(evt_change_errno(kq, p[0],
				    EVFILT_READ, EV_DELETE, 0, 0, NULL),
				    ENOENT);
				goto next;
			}
		}
		ATF_REQUIRE_EQ(n, 0);
		evt_none(kq);
		evt_write(p[1], 2);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, modes[i], 0, 2);
next:
		evt_close(kq);
		evt_close(p[0]);
		evt_close(p[1]);
	}
}

EVT_TC(enable__reported_clear_stays_quiet, "KQ-083 KQ-092",
    "Disabling and enabling does not repeat an EV_CLEAR event already given")
{
	struct kevent ev;
	int kq;

	/*
	 * For a knote that is not tested again; a descriptor may be looked
	 * at anew and then reports what is still unread.
	 */
	kq = evt_kq();
	evt_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_trigger(kq, 1);
	evt_one(kq, &ev);
	disable(kq, 1, EVFILT_USER);
	enable(kq, 1, EVFILT_USER);
	evt_none(kq);
	evt_trigger(kq, 1);
	evt_one(kq, &ev);
	evt_close(kq);
}

EVT_TC(add_disabled__silent_until_enabled, "KQ-084",
    "EV_ADD with EV_DISABLE: a true condition waits for EV_ENABLE")
{
	static const unsigned int modes[] = { 0, EV_CLEAR, EV_ONESHOT,
	    EV_DISPATCH };
	struct kevent ch[2], ev[2];
	int i, kq, s[2];

	for (i = 0; i < EVT_NITEMS(modes); i++) {
		evt_sockpair(s, SOCK_STREAM);
		evt_write(s[1], 3);
		kq = evt_kq();

		/* In one call with the collection: there is no window. */
		EV_SET(&ch[0], s[0], EVFILT_READ, EV_ADD | EV_DISABLE |
		    modes[i], 0, 0, NULL);
		EV_SET(&ch[1], s[0], EVFILT_WRITE, EV_ADD | EV_DISABLE |
		    modes[i], 0, 0, NULL);
		ATF_REQUIRE_EQ(evt_kevent_ms(kq, ch, 2, ev, 2, EVT_QUIET_MS),
		    0);
		ATF_REQUIRE(!evt_readable(kq, 0));
		enable(kq, s[0], EVFILT_WRITE);
		evt_one(kq, ev);
		ATF_REQUIRE_EQ(ev[0].filter, EVFILT_WRITE);
		evt_change(kq, s[0], EVFILT_WRITE, modes[i] == EV_ONESHOT ?
		    EV_ADD | EV_DISABLE : EV_DISABLE, 0, 0, NULL);
		evt_none(kq);
		enable(kq, s[0], EVFILT_READ);
		evt_one(kq, ev);
		EVT_EVENT(&ev[0], s[0], EVFILT_READ, modes[i], 0, 3);
		evt_close(kq);
		evt_close(s[0]);
		evt_close(s[1]);
	}
}

EVT_TC(disabled__hang_up_is_silent, "KQ-082 KQ-084",
    "A disabled knote is silent for a hang-up and an error too")
{
	struct kevent ev[2];
	int kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	kq = evt_kq();
	evt_change(kq, s[0], EVFILT_READ, EV_ADD | EV_DISABLE, 0, 0, NULL);
	evt_change(kq, s[0], EVFILT_WRITE, EV_ADD | EV_DISABLE, 0, 0, NULL);
	evt_close(s[1]);
	evt_none(kq);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	enable(kq, s[0], EVFILT_READ);
	evt_one(kq, ev);
	ATF_REQUIRE_EQ(ev[0].filter, EVFILT_READ);
	ATF_REQUIRE((ev[0].flags & EV_EOF) != 0);
	disable(kq, s[0], EVFILT_READ);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	enable(kq, s[0], EVFILT_WRITE);
	evt_one(kq, ev);
	ATF_REQUIRE_EQ(ev[0].filter, EVFILT_WRITE);
	ATF_REQUIRE((ev[0].flags & EV_EOF) != 0);
	evt_close(kq);
	evt_close(s[0]);
}

EVT_TC(disabled__goes_on_counting, "KQ-085 KQ-214",
    "Timer and signal counts and file notes go on while disabled")
{
	struct kevent ev;
	char path[EVT_PATH_MAX];
	int fd, i, kq;

	kq = evt_kq();
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD | EV_DISABLE, 0, 10, NULL);
	evt_change(kq, SIGURG, EVFILT_SIGNAL, EV_ADD | EV_DISABLE, 0, 0,
	    NULL);
	for (i = 0; i < 3; i++)
		ATF_REQUIRE(raise(SIGURG) == 0);
	fd = evt_tmpfile(path);
	evt_change(kq, fd, EVFILT_VNODE, EV_ADD | EV_CLEAR | EV_DISABLE,
	    NOTE_WRITE | NOTE_ATTRIB | NOTE_LINK, 0, NULL);
	evt_write(fd, 1);
	ATF_REQUIRE(fchmod(fd, 0640) == 0);
	pass_ms(65);
	evt_none(kq);

	/* Half-way on and off does not lose what was counted. */
	evt_change(kq, 1, EVFILT_TIMER, EV_ENABLE, 0, 10, NULL);
	evt_change(kq, 1, EVFILT_TIMER, EV_DISABLE, 0, 10, NULL);
	evt_change(kq, 1, EVFILT_TIMER, EV_ENABLE, 0, 10, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(ev.filter, EVFILT_TIMER);
	ATF_REQUIRE_MSG(ev.data >= 5, "%s", evt_text(&ev));
	EVT_APPROX(ev.data <= 20, "more timer expiries than time allows");
	evt_change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	enable(kq, SIGURG, EVFILT_SIGNAL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, SIGURG, EVFILT_SIGNAL, 0, 0, 3);
	evt_change(kq, fd, EVFILT_VNODE, EV_ENABLE,
	    NOTE_WRITE | NOTE_ATTRIB | NOTE_LINK, 0, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_VNODE, EV_CLEAR, NOTE_WRITE | NOTE_ATTRIB,
	    0);
	evt_none(kq);
	evt_close(kq);
	evt_close(fd);
}

EVT_TC(disabled__exit_is_remembered, "KQ-085",
    "The exit of a process while disabled is returned after EV_ENABLE")
{
	struct kevent ev;
	pid_t pid;
	int done[2], kq, status;
	char c;

	evt_pipe(done);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)close(done[1]);
		_exit(read(done[0], &c, 1) == 0 ? 3 : 4);
	}
	evt_close(done[0]);
	kq = evt_kq();
	evt_change(kq, pid, EVFILT_PROC, EV_ADD | EV_DISABLE, NOTE_EXIT, 0,
	    NULL);
	evt_close(done[1]);
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
	evt_none(kq);
	evt_change(kq, pid, EVFILT_PROC, EV_ENABLE, NOTE_EXIT, 0, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(ev.ident, (uintptr_t)pid);
	ATF_REQUIRE((ev.fflags & NOTE_EXIT) != 0);
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(enable__with_disable, "KQ-086",
    "EV_ENABLE with EV_DISABLE leaves the knote enabled")
{
	struct kevent ev;
	int error, kq, p[2], round;

	evt_pipe(p);
	evt_write(p[1], 1);
	kq = evt_kq();
	for (round = 0; round < 2; round++) {
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_CLEAR |
		    (round == 0 ? EV_DISABLE : 0), 0, 0, NULL);
		error = evt_change_errno(kq, p[0], EVFILT_READ,
		    EV_ENABLE | EV_DISABLE, 0, 0, NULL);
		if (!evt_native()) {
			ATF_REQUIRE_EQ(error, 0);
			evt_one(kq, &ev);
		} else
			ATF_REQUIRE(error == 0 || error == EINVAL);
		evt_change(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	}

	/* And a new knote given both. */
	if (!evt_native()) {
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_ENABLE |
		    EV_DISABLE, 0, 0, NULL);
		evt_one(kq, &ev);
	}
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- returned flags --------------------------------------------------- */

EVT_TC(flags__eof, "KQ-098 KQ-107",
    "An ended condition carries EV_EOF, and EV_NODATA once it is empty")
{
	struct kevent ev;
	int kq, p[2];

	evt_pipe(p);
	kq = evt_kq();
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_write(p[1], 2);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(ev.flags & EV_EOF, 0);
	evt_close(p[1]);
	evt_one(kq, &ev);
	ATF_REQUIRE((ev.flags & EV_EOF) != 0);
	ATF_REQUIRE_EQ(ev.data, 2);
#ifdef EV_NODATA
	ATF_REQUIRE_EQ(ev.flags & EV_NODATA, 0);
#endif
	ATF_REQUIRE_EQ(evt_drain(p[0]), 2);
	evt_one(kq, &ev);
	ATF_REQUIRE((ev.flags & EV_EOF) != 0);
	ATF_REQUIRE_EQ(ev.data, 0);
#ifdef EV_NODATA
	if (!evt_native())
		ATF_REQUIRE((ev.flags & EV_NODATA) != 0);
#endif
	evt_close(kq);
	evt_close(p[0]);
}

#define ACTIONS	(EV_ADD | EV_DELETE | EV_ENABLE | EV_DISABLE)

EVT_TC(flags__no_actions, "KQ-099",
    "Returned flags have no EV_ADD, EV_DELETE, EV_ENABLE and EV_DISABLE")
{
	struct kevent ev[8];
	char path[EVT_PATH_MAX];
	int fd, i, kq, n, p[2], round;

	if (evt_native())
		atf_tc_skip("most systems return some of these bits");
	evt_pipe(p);
	fd = evt_tmpfile(path);
	kq = evt_kq();
	for (round = 0; round < 3; round++) {
		unsigned int flags = round == 0 ? EV_ADD : round == 1 ?
		    EV_ADD | EV_ENABLE : EV_ADD | EV_DISABLE;

		evt_change(kq, p[0], EVFILT_READ, flags, 0, 0, NULL);
		evt_change(kq, p[1], EVFILT_WRITE, flags | EV_DELETE, 0, 0,
		    NULL);
		evt_change(kq, 1, EVFILT_USER, flags, 0, 0, NULL);
		evt_change(kq, 1, EVFILT_TIMER, flags, 0, 1, NULL);
		evt_change(kq, SIGURG, EVFILT_SIGNAL, flags, 0, 0, NULL);
		evt_change(kq, fd, EVFILT_VNODE, flags, NOTE_WRITE, 0, NULL);
		evt_write(p[1], 1);
		evt_write(fd, 1);
		evt_trigger(kq, 1);
		ATF_REQUIRE(raise(SIGURG) == 0);
		if (round == 2) {
			enable(kq, p[0], EVFILT_READ);
			enable(kq, p[1], EVFILT_WRITE);
			enable(kq, 1, EVFILT_USER);
			evt_change(kq, 1, EVFILT_TIMER, EV_ENABLE, 0, 1, NULL);
			enable(kq, SIGURG, EVFILT_SIGNAL);
			evt_change(kq, fd, EVFILT_VNODE, EV_ENABLE, NOTE_WRITE,
			    0, NULL);
		}
		pass_ms(5);
		n = evt_get(kq, ev, 8);
		ATF_REQUIRE_EQ(n, 6);
		for (i = 0; i < n; i++) {
			ATF_REQUIRE_MSG((ev[i].flags & ACTIONS) == 0,
			    "round %d: %s", round, evt_text(&ev[i]));
			evt_change(kq, ev[i].ident, ev[i].filter, EV_DELETE,
			    0, 0, NULL);
		}
		evt_none(kq);
	}
	evt_close(kq);
	evt_close(fd);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(flags__forced, "KQ-100",
    "Modes forced by the filter show: CLEAR, and ONESHOT for an exit")
{
	struct kevent ev;
	pid_t pid;
	int kq, status;

	kq = evt_kq();
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 1, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE((ev.flags & EV_CLEAR) != 0);
	evt_change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	evt_change(kq, SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE(raise(SIGURG) == 0);
	evt_one(kq, &ev);
	ATF_REQUIRE((ev.flags & EV_CLEAR) != 0);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0)
		for (;;)
			(void)pause();
	evt_change(kq, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
	evt_none(kq);
	ATF_REQUIRE(kill(pid, SIGKILL) == 0);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(ev.filter, EVFILT_PROC);
	ATF_REQUIRE((ev.flags & EV_CLEAR) != 0);
	ATF_REQUIRE((ev.flags & EV_ONESHOT) != 0);
	ATF_REQUIRE((ev.flags & EV_EOF) != 0);
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, enable__by_default);
	EVT_TP_ADD_TC(tp, add__does_not_enable);
	EVT_TP_ADD_TC(tp, disable__holds_back);
	EVT_TP_ADD_TC(tp, disable__of_user_timer_signal);
	EVT_TP_ADD_TC(tp, enable__after_the_condition_went);
	EVT_TP_ADD_TC(tp, enable__reported_clear_stays_quiet);
	EVT_TP_ADD_TC(tp, add_disabled__silent_until_enabled);
	EVT_TP_ADD_TC(tp, disabled__hang_up_is_silent);
	EVT_TP_ADD_TC(tp, disabled__goes_on_counting);
	EVT_TP_ADD_TC(tp, disabled__exit_is_remembered);
	EVT_TP_ADD_TC(tp, enable__with_disable);
	EVT_TP_ADD_TC(tp, flags__eof);
	EVT_TP_ADD_TC(tp, flags__no_actions);
	EVT_TP_ADD_TC(tp, flags__forced);
	return (atf_no_error());
}
