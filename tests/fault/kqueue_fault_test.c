/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * One failure at a time, of everything that can fail.
 *
 * A call that reports an error must report that one, must have done nothing,
 * and succeeds when it is made again; a wait that failed has lost no event.
 */
#include "config.h"

#include "evt.h"
#include "fault.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <signal.h>

#define MANY		300		/* knotes that make tables grow */

static int
faulty_queue(void)
{
	int kq;

	fault_begin();
	kq = kqueue();
	if (!fault_passed(kq, "kqueue") && (kq = kqueue()) == -1)
		fault_fail("kqueue: again errno %d", errno);
	return (kq);
}

/*
 * A list of changes with no room for entries; all of it must be possible.
 * fresh: there is no knote yet, and none may be there after a failure.
 */
static void
faulty_changes(int kq, const struct kevent *kev, int n, bool fresh)
{
	struct kevent del;
	int i;

	fault_begin();
	if (fault_passed(kevent(kq, kev, n, NULL, 0, NULL), "change"))
		return;
	/* What failed is not there; what came before it may be. */
	for (i = 0; i < n && n > 1; i++) {
		del = kev[i];
		del.flags = EV_DELETE;
		(void)kevent(kq, &del, 1, NULL, 0, NULL);
	}
	if (n == 1 && fresh) {
		del = *kev;
		del.flags = EV_DELETE;
		if (kevent(kq, &del, 1, NULL, 0, NULL) == 0)
			fault_fail("the failed change of ident %ld filter %d "
			    "left a knote", (long)kev->ident, kev->filter);
		if (errno != ENOENT)
			fault_fail("delete: errno %d", errno);
	}
	if (kevent(kq, kev, n, NULL, 0, NULL) != 0)
		fault_fail("again, ident %ld filter %d: errno %d",
		    (long)kev->ident, kev->filter, errno);
}

static void
faulty(int kq, uintptr_t ident, int filter, unsigned flags, unsigned fflags,
    int64_t data)
{
	struct kevent kev;

	EV_SET(&kev, ident, filter, flags, fflags, data, NULL);
	faulty_changes(kq, &kev, 1, (flags & EV_ADD) != 0);
}

/* The same for a knote that exists. */
static void
faulty_again(int kq, uintptr_t ident, int filter, unsigned flags,
    unsigned fflags, int64_t data)
{
	struct kevent kev;

	EV_SET(&kev, ident, filter, flags, fflags, data, NULL);
	faulty_changes(kq, &kev, 1, false);
}

/* The event must come, whatever fails while it is waited for. */
static void
expect(int kq, uintptr_t ident, int filter, struct kevent *out)
{
	static const struct timespec limit = { 10, 0 };
	struct kevent ev[8];
	int i, n, tries;

	for (tries = 0; tries < 20; tries++) {
		fault_begin();
		n = kevent(kq, NULL, 0, ev, 8, &limit);
		(void)fault_passed(n, "wait");
		if (n == 0)
			break;
		for (i = 0; i < n; i++) {
			if (ev[i].ident == ident && ev[i].filter == filter) {
				*out = ev[i];
				return;
			}
		}
	}
	fault_fail("the event of ident %ld filter %d is lost", (long)ident,
	    filter);
}

static void
quiet(int kq)
{
	static const struct timespec zero;
	struct kevent ev;
	int n;

	if ((n = kevent(kq, NULL, 0, &ev, 1, &zero)) != 0)
		fault_fail("unexpected: %d, ident %ld filter %d", n,
		    n == 1 ? (long)ev.ident : 0, n == 1 ? ev.filter : 0);
}

static void
drop(int kq, uintptr_t ident, int filter)
{
	struct kevent kev;

	EV_SET(&kev, ident, filter, EV_DELETE, 0, 0, NULL);
	fault_begin();
	if (!fault_passed(kevent(kq, &kev, 1, NULL, 0, NULL), "delete") &&
	    kevent(kq, &kev, 1, NULL, 0, NULL) != 0)
		fault_fail("delete of ident %ld filter %d: again errno %d",
		    (long)ident, filter, errno);
}

/* ---- the parts of a scenario ---------------------------------------------------- */

static void
part_sockets(int kq)
{
	struct kevent ev;
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) == -1)
		fault_fail("socketpair: errno %d", errno);
	faulty(kq, (uintptr_t)s[0], EVFILT_READ, EV_ADD, 0, 0);
	quiet(kq);
	fault_put(s[1]);
	expect(kq, (uintptr_t)s[0], EVFILT_READ, &ev);
	fault_take(s[0]);
	drop(kq, (uintptr_t)s[0], EVFILT_READ);

	/* Edges in both directions need two registrations. */
	faulty(kq, (uintptr_t)s[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0);
	faulty(kq, (uintptr_t)s[0], EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0);
	expect(kq, (uintptr_t)s[0], EVFILT_WRITE, &ev);
	quiet(kq);
	fault_put(s[1]);
	expect(kq, (uintptr_t)s[0], EVFILT_READ, &ev);
	quiet(kq);
	fault_take(s[0]);

	/* Deliver once, then again when it is enabled. */
	faulty(kq, (uintptr_t)s[1], EVFILT_READ, EV_ADD | EV_DISPATCH, 0, 0);
	fault_put(s[0]);
	expect(kq, (uintptr_t)s[1], EVFILT_READ, &ev);
	quiet(kq);
	faulty(kq, (uintptr_t)s[1], EVFILT_READ, EV_ENABLE, 0, 0);
	expect(kq, (uintptr_t)s[1], EVFILT_READ, &ev);
	fault_take(s[1]);
	faulty(kq, (uintptr_t)s[1], EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0);
	expect(kq, (uintptr_t)s[1], EVFILT_WRITE, &ev);
	quiet(kq);
	faulty(kq, (uintptr_t)s[1], EVFILT_EMPTY, EV_ADD | EV_ONESHOT, 0, 0);
	expect(kq, (uintptr_t)s[1], EVFILT_EMPTY, &ev);
	(void)close(s[0]);
	faulty_again(kq, (uintptr_t)s[1], EVFILT_READ, EV_ADD | EV_ENABLE, 0,
	    0);
	expect(kq, (uintptr_t)s[1], EVFILT_READ, &ev);
	if ((ev.flags & EV_EOF) == 0)
		fault_fail("no EV_EOF");
	(void)close(s[1]);
	quiet(kq);
}

/* A number is closed while a duplicate lives, ready all the time. */
static void
part_duplicate(int kq)
{
	struct kevent ev;
	int copy, p[2];

	if (pipe(p) == -1 || (copy = dup(p[0])) == -1)
		fault_fail("pipe: errno %d", errno);
	faulty(kq, (uintptr_t)p[0], EVFILT_READ, EV_ADD, 0, 0);
	fault_put(p[1]);
	expect(kq, (uintptr_t)p[0], EVFILT_READ, &ev);
	(void)close(p[0]);
	/* The wait finds the number closed; what it must do may fail. */
	faulty(kq, 1, EVFILT_USER, EV_ADD | EV_ONESHOT, NOTE_TRIGGER, 0);
	expect(kq, 1, EVFILT_USER, &ev);
	quiet(kq);
	(void)close(copy);
	(void)close(p[1]);
	quiet(kq);
}

static void
part_files(int kq)
{
	char path[] = "/tmp/evany-fault.XXXXXX";
	struct kevent ev;
	int fd, null;

	if ((fd = mkstemp(path)) == -1 || (null = open("/dev/null",
	    O_RDWR)) == -1)
		fault_fail("open: errno %d", errno);
	faulty(kq, (uintptr_t)fd, EVFILT_VNODE, EV_ADD | EV_CLEAR,
	    NOTE_WRITE | NOTE_DELETE, 0);
	faulty(kq, (uintptr_t)fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0);
	quiet(kq);
	if (pwrite(fd, "x", 1, 0) != 1)
		fault_fail("pwrite: errno %d", errno);
	expect(kq, (uintptr_t)fd, EVFILT_VNODE, &ev);
	drop(kq, (uintptr_t)fd, EVFILT_READ);
	faulty(kq, (uintptr_t)fd, EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0);
	expect(kq, (uintptr_t)fd, EVFILT_READ, &ev);
	quiet(kq);
	(void)unlink(path);
	expect(kq, (uintptr_t)fd, EVFILT_VNODE, &ev);
	if ((ev.fflags & NOTE_DELETE) == 0)
		fault_fail("fflags %#x", ev.fflags);
	drop(kq, (uintptr_t)fd, EVFILT_VNODE);
	faulty(kq, (uintptr_t)null, EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0);
	expect(kq, (uintptr_t)null, EVFILT_READ, &ev);
	(void)close(null);
	(void)close(fd);
	quiet(kq);
}

static void
part_timers(int kq)
{
	struct kevent ev;

	faulty(kq, 7, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_ABSTIME |
	    NOTE_SECONDS, 1);
	expect(kq, 7, EVFILT_TIMER, &ev);
	faulty(kq, 8, EVFILT_TIMER, EV_ADD, NOTE_MSECONDS, 1);
	expect(kq, 8, EVFILT_TIMER, &ev);
	expect(kq, 8, EVFILT_TIMER, &ev);
	faulty_again(kq, 8, EVFILT_TIMER, EV_ADD, NOTE_SECONDS, 3600);
	drop(kq, 8, EVFILT_TIMER);
	quiet(kq);
}

static void
part_user(int kq)
{
	struct kevent ev;

	faulty(kq, 3, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0);
	quiet(kq);
	faulty(kq, 3, EVFILT_USER, 0, NOTE_TRIGGER | NOTE_FFCOPY | 5, 6);
	expect(kq, 3, EVFILT_USER, &ev);
	if (ev.fflags != 5 || ev.data != 6)
		fault_fail("fflags %#x data %ld", ev.fflags, (long)ev.data);
	quiet(kq);
	drop(kq, 3, EVFILT_USER);
}

static void
nothing(int signo)
{
	(void)signo;
}

static void
part_signal(int kq)
{
	struct kevent ev;
	sigset_t old, one;

	(void)signal(SIGUSR1, nothing);
	faulty(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0);
	quiet(kq);
	(void)raise(SIGUSR1);
	expect(kq, SIGUSR1, EVFILT_SIGNAL, &ev);
	/* Blocked, it is found in another way. */
	(void)sigemptyset(&one);
	(void)sigaddset(&one, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &one, &old);
	quiet(kq);
	(void)raise(SIGUSR1);
	expect(kq, SIGUSR1, EVFILT_SIGNAL, &ev);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	drop(kq, SIGUSR1, EVFILT_SIGNAL);
	quiet(kq);
	(void)signal(SIGUSR1, SIG_DFL);
}

static void
part_process(int kq)
{
	struct kevent ev;
	int p[2], status;
	pid_t pid;
	char c;

	if (pipe(p) == -1 || (pid = fork()) == -1)
		fault_fail("fork: errno %d", errno);
	if (pid == 0) {
		(void)close(p[1]);
		(void)!read(p[0], &c, 1);
		_exit(7);
	}
	(void)close(p[0]);
	faulty(kq, (uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0);
	quiet(kq);
	(void)close(p[1]);
	expect(kq, (uintptr_t)pid, EVFILT_PROC, &ev);
	if ((ev.fflags & NOTE_EXIT) == 0)
		fault_fail("fflags %#x", ev.fflags);
	if (waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
		fault_fail("waitpid");
	quiet(kq);
}

/*
 * A child that has one of its own.  Whoever tells of that may be refused: then
 * nobody is told of it, but the end comes all the same.
 */
static void
part_track(int kq)
{
	static const struct timespec moment = { 0, 20000000 };
	struct kevent ev;
	int n, p[2], status, tries;
	bool ended = false;
	pid_t pid;
	char c;

	if (pipe(p) == -1 || (pid = fork()) == -1)
		fault_fail("fork: errno %d", errno);
	if (pid == 0) {
		(void)close(p[1]);
		(void)!read(p[0], &c, 1);
		if ((pid = fork()) == 0)
			_exit(3);
		(void)waitpid(pid, &status, 0);
		_exit(7);
	}
	(void)close(p[0]);
	faulty(kq, (uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT |
	    NOTE_TRACK | NOTE_FORK, 0);
	(void)close(p[1]);
	for (tries = 0; tries < 100 && !ended; tries++) {
		fault_begin();
		n = kevent(kq, NULL, 0, &ev, 1, &moment);
		fault_end();
		if (n == 1 && ev.ident == (uintptr_t)pid)
			ended = (ev.fflags & NOTE_EXIT) != 0;
	}
	if (!ended)
		fault_fail("the end is lost");
	if (waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
		fault_fail("waitpid");
	while ((n = kevent(kq, NULL, 0, &ev, 1, &moment)) > 0)
		if (ev.ident == (uintptr_t)pid)
			fault_fail("told after the end");
	quiet(kq);
}

static void
part_nested(int kq)
{
	struct kevent ev;
	int inner;

	inner = faulty_queue();
	faulty(kq, (uintptr_t)inner, EVFILT_READ, EV_ADD, 0, 0);
	quiet(kq);
	faulty(inner, 1, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_TRIGGER, 0);
	expect(kq, (uintptr_t)inner, EVFILT_READ, &ev);
	expect(inner, 1, EVFILT_USER, &ev);
	quiet(kq);
	(void)close(inner);
	quiet(kq);
}

/* So many that every table grows, and more than a wait takes at once. */
static void
part_many(int kq)
{
	static struct kevent ev[MANY], kev[MANY];
	static const struct timespec zero;
	int i, n, sum, tries;

	for (i = 0; i < MANY; i++)
		EV_SET(&kev[i], i, EVFILT_USER, EV_ADD | EV_ONESHOT,
		    NOTE_TRIGGER, 0, NULL);
	faulty_changes(kq, kev, MANY, false);
	for (tries = 0, sum = 0; sum < MANY && tries < 10; tries++) {
		fault_begin();
		n = kevent(kq, NULL, 0, ev, MANY, &zero);
		sum += fault_passed(n, "wait") ? n : 0;
	}
	if (sum != MANY)
		fault_fail("%d events of %d", sum, MANY);
	for (i = 0; i < MANY; i++)
		EV_SET(&kev[i], i, EVFILT_TIMER, EV_ADD, NOTE_SECONDS, 3600,
		    NULL);
	faulty_changes(kq, kev, MANY, false);
	quiet(kq);
	for (i = 0; i < MANY; i++)
		kev[i].flags = EV_DELETE;
	if (kevent(kq, kev, MANY, NULL, 0, NULL) != 0)
		fault_fail("delete of many: errno %d", errno);
}

static void
part_copy(int kq)
{
	struct kevent ev;
	int copy;

	if ((copy = dup(kq)) == -1)
		fault_fail("dup: errno %d", errno);
	faulty(copy, 4, EVFILT_USER, EV_ADD | EV_ONESHOT, NOTE_TRIGGER, 0);
	expect(kq, 4, EVFILT_USER, &ev);
	(void)close(copy);
	quiet(kq);
}

static void
all_parts(void)
{
	int kq;

	kq = faulty_queue();
	part_user(kq);
	part_sockets(kq);
	part_duplicate(kq);
	part_files(kq);
	part_timers(kq);
	part_signal(kq);
	part_process(kq);
	part_track(kq);
	part_nested(kq);
	part_copy(kq);
	part_many(kq);
	(void)close(kq);
	/* The library tidies up after a dead queue here. */
	kq = faulty_queue();
	part_user(kq);
	(void)close(kq);
}

static void
each_turn(bool alloc, bool busy)
{
	if (evt_native())
		atf_tc_skip("what is tested is the library's own");
	fault_turns(alloc, busy, all_parts);
}

/* ---- the cases --------------------------------------------------------------------- */

#define RULES	"KQ-002 KQ-259 KQ-034 KQ-053 KQ-056"

EVT_TC(kevent__allocation_fails, RULES,
    "No memory gives ENOMEM on that change; the queue stays usable")
{
	each_turn(true, false);
}

EVT_TC(kevent__allocation_fails__queues_exist, RULES,
    "No memory gives ENOMEM on that change; the queue stays usable")
{
	each_turn(true, true);
}

EVT_TC(kevent__system_call_fails, RULES,
    "A full table or no memory in the kernel is reported and loses nothing")
{
	each_turn(false, false);
}

EVT_TC(kevent__system_call_fails__queues_exist, RULES,
    "A full table or no memory in the kernel is reported and loses nothing")
{
	each_turn(false, true);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, kevent__allocation_fails);
	EVT_TP_ADD_TC(tp, kevent__allocation_fails__queues_exist);
	EVT_TP_ADD_TC(tp, kevent__system_call_fails);
	EVT_TP_ADD_TC(tp, kevent__system_call_fails__queues_exist);
	return (atf_no_error());
}
