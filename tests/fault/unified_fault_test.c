/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * One failure at a time, of everything that can fail, in calls of <evany.h>.
 *
 * A change that reports an error must report that one, has left the watch as
 * it was, and succeeds when it is made again; a wait that failed has lost no
 * event.
 */
#include "config.h"

#include "fault_uni.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <aio.h>

#define MANY		200		/* watches, more than a wait takes at once */
#define NEVER		(3600000 * MS)

static struct evany_change
fd_change(int fd, unsigned what, unsigned flags, unsigned user)
{
	return ((struct evany_change){
		.ch_source = EVANY_FD,
		.ch_flags = flags,
		.ch_object = (uintptr_t)fd,
		.ch_user = EVT_USER(user),
		.ch_what = what
	});
}

static struct evany_change
timer_change(uintptr_t id, int64_t time, int64_t period, unsigned flags)
{
	return ((struct evany_change){
		.ch_source = EVANY_TIMER,
		.ch_flags = flags,
		.ch_object = id,
		.ch_time = time,
		.ch_period = period
	});
}

#define one(source, object, what, user)					\
	one_at(__LINE__, source, (uintptr_t)(object), what, user)
static struct evany_event
one_at(int line, int source, uintptr_t object, unsigned what, unsigned user)
{
	struct evany_event ev;

	(void)fu_take_at(line, &ev, 1, 1);
	if (ev.ev_source != source || ev.ev_object != object ||
	    ev.ev_what != what || ev.ev_user != EVT_USER(user))
		fault_fail("line %d: %s, not source %d object %ju what %#x "
		    "user %u", line, evt_uni_text(&ev), source,
		    (uintmax_t)object, what, user);
	return (ev);
}

/* ---- the parts of a scenario -------------------------------------------- */

static void
part_posts(void)
{
	struct evany_event ev[3];
	int i;

	fu_post(fu_q, 1, 7);
	if (one(EVANY_USER, 1, 0, 0).ev_data != 7)
		fault_fail("other data");
	for (i = 0; i < 3; i++)
		fu_post(fu_q, 2, i);
	if (fu_take(ev, 3, 2) == 2)
		(void)fu_take(ev + 2, 1, 1);
	for (i = 0; i < 3; i++)
		if (ev[i].ev_object != 2 || ev[i].ev_data != i)
			fault_fail("post %d: %s", i, evt_uni_text(&ev[i]));
	fu_quiet();
}

static void
part_alert(void)
{
	fu_post(fu_q, 1, 1);
	fu_alert(5);
	if (one(EVANY_ALERT, 0, 0, 9).ev_data != 5)
		fault_fail("other data");
	fu_alert(6);
	if (one(EVANY_ALERT, 0, 0, 9).ev_data != 6)
		fault_fail("other data");
	fu_alert(0);
	(void)one(EVANY_USER, 1, 0, 0);
	fu_quiet();
}

static void
part_modes(void)
{
	int s[2];

	FAULT_NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	fu_set(fd_change(s[0], EVANY_READ, 0, 1));
	fu_quiet();
	fault_put(s[1]);
	(void)one(EVANY_FD, s[0], EVANY_READ, 1);
	(void)one(EVANY_FD, s[0], EVANY_READ, 1);
	fu_replace(fd_change(s[0], EVANY_READ | EVANY_WRITE, EVANY_EDGE, 2));
	(void)one(EVANY_FD, s[0], EVANY_READ | EVANY_WRITE, 2);
	fu_quiet();
	fu_replace(fd_change(s[0], EVANY_READ, EVANY_DISPATCH, 3));
	(void)one(EVANY_FD, s[0], EVANY_READ, 3);
	fu_quiet();
	fu_replace(fd_change(s[0], EVANY_READ | EVANY_WRITE, EVANY_DISPATCH |
	    EVANY_COUNT, 4));
	if (one(EVANY_FD, s[0], EVANY_READ | EVANY_WRITE, 4).ev_data != 1)
		fault_fail("other count");
	fault_take(s[0]);
	fu_replace(fd_change(s[0], EVANY_READ, EVANY_ONESHOT, 5));
	fu_quiet();
	fault_put(s[1]);
	(void)one(EVANY_FD, s[0], EVANY_READ, 5);
	fu_set(fd_change(s[0], EVANY_PRIORITY, 0, 6));
	fu_quiet();
	fu_drop(EVANY_FD, (uintptr_t)s[0]);
	fu_set(fd_change(s[1], EVANY_READ, EVANY_EDGE, 7));
	fault_take(s[0]);
	(void)close(s[0]);
	(void)one(EVANY_FD, s[1], EVANY_READ | EVANY_EOF | EVANY_HANGUP, 7);
	(void)close(s[1]);
	fu_quiet();
}

/* A replacement that fails leaves what there was. */
static void
part_kept(void)
{
	struct evany_change ch;
	int s[2];

	FAULT_NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	fu_set(fd_change(s[0], EVANY_READ, 0, 1));
	fault_put(s[1]);
	ch = fd_change(s[0], EVANY_WRITE, EVANY_EDGE, 2);
	if (!fu_tried(&ch)) {
		(void)one(EVANY_FD, s[0], EVANY_READ, 1);
		fu_again(&ch);
	}
	(void)one(EVANY_FD, s[0], EVANY_WRITE, 2);
	fu_drop(EVANY_FD, (uintptr_t)s[0]);
	fu_set(timer_change(1, 0, 0, 0));
	ch = timer_change(1, NEVER, 0, EVANY_WALLCLOCK);
	if (!fu_tried(&ch))
		(void)one(EVANY_TIMER, 1, 0, 0);
	else
		fu_drop(EVANY_TIMER, 1);
	fu_quiet();
	(void)close(s[0]);
	(void)close(s[1]);
}

/* In a list each change has its own result, whichever of them fails. */
static void
part_list(void)
{
	struct evany_change ch[6];
	struct evany_event ev[6];
	int error, first = 0, i, n, p[2];

	FAULT_NEED(pipe(p) == 0);
	memset(ch, 0, sizeof(ch));
	ch[0] = timer_change(1, 0, 0, 0);
	ch[1] = fd_change(p[0], EVANY_READ, 0, 0);
	ch[2] = fd_change(p[1], EVANY_WRITE, EVANY_ONESHOT, 0);
	ch[3] = timer_change(2, 0, 0, EVANY_WALLCLOCK);
	ch[4] = timer_change(3, NEVER, 0, 0);
	ch[5] = timer_change(3, 0, 0, EVANY_DROP);
	fault_begin();
	n = evany_turn(fu_q, ch, 6, ev, 3, 6, FU_LIMIT);
	error = errno;
	fault_end();
	for (i = 0; i < 6; i++) {
		if (ch[i].ch_error == 0)
			continue;
		first = first != 0 ? first : ch[i].ch_error;
		if (!fu_right_change(&ch[i]) && (i != 5 ||
		    ch[4].ch_error == 0 || ch[5].ch_error != ENOENT))
			fault_fail("change %d: errno %d after %d", i,
			    ch[i].ch_error, fault_seen);
		if (i < 4)
			fu_again(&ch[i]);
	}
	if (n == -1 && (first != 0 ? error != first : !fault_right(error)))
		fault_fail("evany_turn: errno %d after %d, not %d", error,
		    fault_seen, first);
	if (n != -1 && first != 0)
		fault_fail("a change failed with %d and the call did not",
		    first);
	if (ch[4].ch_error == 0 && ch[5].ch_error != 0)
		fu_drop(EVANY_TIMER, 3);
	n = n == -1 ? 0 : n;
	if (n < 3)
		(void)fu_take(ev, 3 - n, 3 - n);
	fu_quiet();
	fu_drop(EVANY_FD, (uintptr_t)p[0]);
	(void)close(p[0]);
	(void)close(p[1]);
}

/* A number is closed while a duplicate lives, and then another file's. */
static void
part_duplicate(void)
{
	int copy, p[2], s[2];

	FAULT_NEED(pipe(p) == 0);
	FAULT_NEED((copy = dup(p[0])) != -1);
	FAULT_NEED(pipe(s) == 0);
	fu_set(fd_change(p[0], EVANY_READ, EVANY_COUNT, 1));
	fault_put(p[1]);
	(void)one(EVANY_FD, p[0], EVANY_READ, 1);
	(void)close(p[0]);
	/* The wait finds the number closed; what it must do may fail. */
	fu_post(fu_q, 1, 1);
	(void)one(EVANY_USER, 1, 0, 0);
	fu_quiet();
	FAULT_NEED(dup2(s[0], p[0]) != -1);
	fu_set(fd_change(p[0], EVANY_READ, 0, 2));
	fu_quiet();
	fault_put(s[1]);
	(void)one(EVANY_FD, p[0], EVANY_READ, 2);
	(void)close(p[0]);
	(void)close(s[0]);
	(void)close(s[1]);
	(void)close(copy);
	(void)close(p[1]);
	fu_quiet();
}

static void
part_plain(void)
{
	int fd;

	FAULT_NEED((fd = open("/dev/null", O_RDWR)) != -1);
	fu_set(fd_change(fd, EVANY_READ | EVANY_WRITE, EVANY_DISPATCH, 1));
	(void)one(EVANY_FD, fd, EVANY_READ | EVANY_WRITE, 1);
	fu_quiet();
	fu_replace(fd_change(fd, EVANY_READ, EVANY_COUNT, 2));
	(void)one(EVANY_FD, fd, EVANY_READ, 2);
	fu_drop(EVANY_FD, (uintptr_t)fd);
	fu_quiet();
	(void)close(fd);
}

static void
part_timers(void)
{
	fu_set(timer_change(7, 1, 0, EVANY_ABSOLUTE | EVANY_WALLCLOCK));
	(void)one(EVANY_TIMER, 7, 0, 0);
	fu_set(timer_change(8, MS, MS, 0));
	(void)one(EVANY_TIMER, 8, 0, 0);
	(void)one(EVANY_TIMER, 8, 0, 0);
	fu_replace(timer_change(8, NEVER, 0, 0));
	fu_quiet();
	fu_replace(timer_change(8, 0, NEVER, EVANY_WALLCLOCK));
	(void)one(EVANY_TIMER, 8, 0, 0);
	fu_drop(EVANY_TIMER, 8);
	fu_quiet();
}

static void
nothing(int signo)
{
	(void)signo;
}

static void
part_signal(void)
{
	struct evany_change ch = {
		.ch_source = EVANY_SIGNAL,
		.ch_object = SIGUSR1
	};
	sigset_t old, usr1;

	(void)signal(SIGUSR1, nothing);
	fu_set(ch);
	fu_quiet();
	(void)raise(SIGUSR1);
	(void)one(EVANY_SIGNAL, SIGUSR1, 0, 0);
	/* Blocked, it is found in another way. */
	(void)sigemptyset(&usr1);
	(void)sigaddset(&usr1, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &usr1, &old);
	(void)raise(SIGUSR1);
	(void)one(EVANY_SIGNAL, SIGUSR1, 0, 0);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	ch.ch_flags = EVANY_ONESHOT;
	fu_replace(ch);
	(void)raise(SIGUSR1);
	(void)one(EVANY_SIGNAL, SIGUSR1, 0, 0);
	fu_set(ch);
	fu_drop(EVANY_SIGNAL, SIGUSR1);
	fu_quiet();
	(void)signal(SIGUSR1, SIG_DFL);
}

static void
part_process(unsigned what)
{
	struct evany_change ch = {
		.ch_source = EVANY_PROCESS,
		.ch_what = what
	};
	int p[2], status;
	pid_t pid;
	char c;

	FAULT_NEED(pipe(p) == 0 && (pid = fork()) != -1);
	if (pid == 0) {
		(void)close(p[1]);
		(void)!read(p[0], &c, 1);
		_exit(7);
	}
	(void)close(p[0]);
	ch.ch_object = (uintptr_t)pid;
	if (!fu_tried(&ch) && evany_turn(fu_q, &ch, 1, NULL, 0, 0, 0) != 0) {
		if (!fu_right_change(&ch))
			fault_fail("a process: again errno %d", ch.ch_error);
		/* The system does not tell of forks. */
		ch.ch_what = EVANY_EXIT;
		fu_set(ch);
	}
	fu_quiet();
	(void)close(p[1]);
	status = (int)one(EVANY_PROCESS, pid, EVANY_EXIT, 0).ev_data;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
		fault_fail("status %#x", (unsigned)status);
	FAULT_NEED(waitpid(pid, &status, 0) == pid);
	fu_quiet();
}

static void
part_nested(void)
{
	int inner = fu_open(0), outer = fu_q;

	fu_set(fd_change(inner, EVANY_READ, 0, 1));
	fu_quiet();
	fu_post(inner, 1, 1);
	(void)one(EVANY_FD, inner, EVANY_READ, 1);
	fu_q = inner;
	(void)one(EVANY_USER, 1, 0, 0);
	fu_q = outer;
	fu_quiet();
	(void)close(inner);
	fu_quiet();
}

static void
part_copy(void)
{
	int copy, own = fu_q;

	FAULT_NEED((copy = dup(fu_q)) != -1);
	fu_post(copy, 9, 0);
	fu_q = copy;
	fu_set(timer_change(1, 0, 0, 0));
	fu_q = own;
	(void)fu_take((struct evany_event[2]){ 0 }, 2, 2);
	(void)close(copy);
	fu_quiet();
}

/* More is wanted than there is, so the wait sleeps in another way. */
static void
part_least(void)
{
	struct evany_event ev[2];
	int i, n, p[2], timers = 0;

	FAULT_NEED(pipe(p) == 0);
	fu_set(fd_change(p[1], EVANY_WRITE, 0, 1));
	fu_set(timer_change(1, 2 * MS, 0, 0));
	while (timers == 0) {
		fault_begin();
		n = evany_turn(fu_q, NULL, 0, ev, 2, 2, FU_LIMIT);
		if (!fault_passed(n, "evany_turn"))
			continue;
		for (i = 0; i < n; i++)
			timers += ev[i].ev_source == EVANY_TIMER;
		/* What it has is not lost when it cannot sleep. */
		if (n - timers != 1 || (timers == 0 && fault_seen == 0))
			fault_fail("%d events, %d of timers", n, timers);
	}
	fu_drop(EVANY_FD, (uintptr_t)p[1]);
	fu_quiet();
	(void)close(p[0]);
	(void)close(p[1]);
}

static void
part_aio(void)
{
	struct aiocb cb;
	char c = 'x';
	int error, res;
	FILE *file;

	FAULT_NEED((file = tmpfile()) != NULL);
	memset(&cb, 0, sizeof(cb));
	cb.aio_fildes = fileno(file);
	cb.aio_buf = &c;
	cb.aio_nbytes = 1;
	fault_begin();
	res = evany_aio(fu_q, &cb, EVANY_WRITE, EVT_USER(1));
	error = errno;
	fault_end();
	if (res == -1) {
		/* The C library has one answer for all that it lacks. */
		if (!fault_right(error) && error != EAGAIN)
			fault_fail("evany_aio: errno %d after %d", error,
			    fault_seen);
		fu_quiet();
		FAULT_NEED(evany_aio(fu_q, &cb, EVANY_WRITE, EVT_USER(1)) == 0);
	}
	if (one(EVANY_AIO, &cb, EVANY_WRITE, 1).ev_data != 0 ||
	    aio_return(&cb) != 1)
		fault_fail("the request failed");
	(void)fclose(file);
	fu_quiet();
}

static void
part_many(void)
{
	static struct evany_change ch[MANY];
	static struct evany_event ev[MANY];
	int i, n = 0;

	for (i = 0; i < MANY; i++)
		ch[i] = timer_change((uintptr_t)i, 0, 0, 0);
	fault_begin();
	(void)fault_passed(evany_turn(fu_q, ch, MANY, NULL, 0, 0, 0),
	    "evany_turn");
	for (i = 0; i < MANY; i++)
		if (ch[i].ch_error != 0)
			fu_again(&ch[i]);
	while (n < MANY)
		n += fu_take(ev + n, MANY - n, 1);
	fu_quiet();
}

static void
all_parts(void)
{
	fu_q = fu_open(0);
	part_posts();
	part_alert();
	part_modes();
	part_kept();
	part_list();
	part_duplicate();
	part_plain();
	part_timers();
	part_signal();
	part_process(EVANY_EXIT);
	part_process(EVANY_EXIT | EVANY_FORK | EVANY_EXEC);
	part_nested();
	part_copy();
	part_least();
	part_aio();
	part_many();
	(void)close(fu_q);
	/* The library tidies up after a dead queue here. */
	fu_q = fu_open(0);
	part_posts();
	(void)close(fu_q);
}

/* ---- the cases -------------------------------------------- */

EVT_TC(unified__allocation_fails,
    "UNI-026 UNI-160 UNI-161 UNI-162",
    "No memory gives ENOMEM in that call; the queue stays usable")
{
	fault_turns(true, false, all_parts);
}

EVT_TC(unified__allocation_fails__queues_exist,
    "UNI-026 UNI-160 UNI-161 UNI-162",
    "No memory gives ENOMEM in that call; the queue stays usable")
{
	fault_turns(true, true, all_parts);
}

EVT_TC(unified__system_call_fails,
    "UNI-026 UNI-160 UNI-161 UNI-162",
    "A full table or no memory in the kernel is reported and loses nothing")
{
	fault_turns(false, false, all_parts);
}

EVT_TC(unified__system_call_fails__queues_exist,
    "UNI-026 UNI-160 UNI-161 UNI-162",
    "A full table or no memory in the kernel is reported and loses nothing")
{
	fault_turns(false, true, all_parts);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, unified__allocation_fails);
	EVT_TP_ADD_TC(tp, unified__allocation_fails__queues_exist);
	EVT_TP_ADD_TC(tp, unified__system_call_fails);
	EVT_TP_ADD_TC(tp, unified__system_call_fails__queues_exist);
	return (atf_no_error());
}
