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
 * event.  What cannot be told of files and directories is told to be lost, or
 * their watch to have ended.
 */
#include "config.h"

#include "evt_uni.h"
#include "fault.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <aio.h>

#define MANY		200		/* watches, more than a wait takes at once */
#define LIMIT		(10000 * MS)	/* for what must come */
#define NEVER		(3600000 * MS)

static int q;

static int
faulty_queue(void)
{
	int queue;

	fault_begin();
	queue = evany_queue(0);
	if (!fault_passed(queue, "evany_queue") &&
	    (queue = evany_queue(0)) == -1)
		fault_fail("evany_queue: again errno %d", errno);
	return (queue);
}

/* ---- changes -------------------------------------------- */

/* What may stand for the failure in an answer to this change? */
static bool
right_change(const struct evany_change *ch)
{
	if (fault_right(ch->ch_error))
		return (true);
	return (ch->ch_error == ENOTSUP && ch->ch_source == EVANY_PROCESS &&
	    (ch->ch_what & (EVANY_FORK | EVANY_EXEC)) != 0);
}

/* One change; false if it failed. */
static bool
tried(struct evany_change *ch)
{
	int error, res;

	fault_begin();
	res = evany_turn(q, ch, 1, NULL, 0, 0, 0);
	error = errno;
	fault_end();
	if (res == 0)
		return (true);
	if (ch->ch_error != 0 && ch->ch_error != error)
		fault_fail("a change of source %d has error %d, the call %d",
		    ch->ch_source, ch->ch_error, error);
	ch->ch_error = error;
	if (!right_change(ch))
		fault_fail("source %d object %ju: errno %d after %d",
		    ch->ch_source, (uintmax_t)ch->ch_object, error, fault_seen);
	return (false);
}

static void
again(struct evany_change *ch)
{
	if (evany_turn(q, ch, 1, NULL, 0, 0, 0) != 0)
		fault_fail("source %d object %ju: again errno %d",
		    ch->ch_source, (uintmax_t)ch->ch_object, errno);
}

/* There is a watch that this replaces. */
static void
replace(struct evany_change ch)
{
	if (!tried(&ch))
		again(&ch);
}

/* There is none, nor after a failure. */
#define set(ch)	set_at(__LINE__, ch)
static void
set_at(int line, struct evany_change ch)
{
	if (tried(&ch))
		return;
	if (evany_drop(q, ch.ch_source, ch.ch_object) == 0)
		fault_fail("line %d: source %d object %ju: what failed is "
		    "there", line, ch.ch_source, (uintmax_t)ch.ch_object);
	if (errno != ENOENT)
		fault_fail("evany_drop: errno %d", errno);
	again(&ch);
}

static void
drop(int source, uintptr_t object)
{
	struct evany_change ch = {
		.ch_source = source,
		.ch_flags = EVANY_DROP,
		.ch_object = object
	};

	if (!tried(&ch))
		again(&ch);
	if (evany_drop(q, source, object) == 0 || errno != ENOENT)
		fault_fail("source %d object %ju: dropped, and there",
		    source, (uintmax_t)object);
}

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

static struct evany_change
path_change(int source, uintptr_t id, const char *path, unsigned what,
    unsigned flags)
{
	return ((struct evany_change){
		.ch_source = source,
		.ch_flags = flags,
		.ch_object = id,
		.ch_what = what,
		.ch_path = path
	});
}

/* ---- events -------------------------------------------- */

/* At least n events must come, whatever fails while they are waited for. */
#define take_events(list, max, n)	take_at(__LINE__, list, max, n)
static int
take_at(int line, struct evany_event *list, int max, int n)
{
	int got = 0, res, tries;

	for (tries = 0; tries < 20 && got < n; tries++) {
		fault_begin();
		res = evany_turn(q, NULL, 0, list + got, n - got, max - got,
		    LIMIT);
		if (!fault_passed(res, "evany_turn"))
			continue;
		if (res == 0)
			break;
		got += res;
	}
	if (got < n)
		fault_fail("line %d: %d of %d events", line, got, n);
	return (got);
}

#define one(source, object, what, user)					\
	one_at(__LINE__, source, (uintptr_t)(object), what, user)
static struct evany_event
one_at(int line, int source, uintptr_t object, unsigned what, unsigned user)
{
	struct evany_event ev;

	(void)take_at(line, &ev, 1, 1);
	if (ev.ev_source != source || ev.ev_object != object ||
	    ev.ev_what != what || ev.ev_user != EVT_USER(user))
		fault_fail("line %d: %s, not source %d object %ju what %#x "
		    "user %u", line, evt_uni_text(&ev), source,
		    (uintmax_t)object, what, user);
	return (ev);
}

#define quiet()	quiet_at(__LINE__)
static void
quiet_at(int line)
{
	struct evany_event ev;

	if (evany_wait(q, &ev, 1, 0) != 0)
		fault_fail("line %d: unexpected: %s", line, evt_uni_text(&ev));
}

static void
post(int queue, uintptr_t object, int64_t data)
{
	fault_begin();
	if (!fault_passed(evany_post(queue, object, data, NULL),
	    "evany_post") && evany_post(queue, object, data, NULL) != 0)
		fault_fail("evany_post: again errno %d", errno);
}

static void
alert(int64_t data)
{
	fault_begin();
	if (!fault_passed(evany_alert(q, data, EVT_USER(9)), "evany_alert") &&
	    evany_alert(q, data, EVT_USER(9)) != 0)
		fault_fail("evany_alert: again errno %d", errno);
}

/* ---- the parts of a scenario -------------------------------------------- */

static void
part_posts(void)
{
	struct evany_event ev[3];
	int i;

	post(q, 1, 7);
	if (one(EVANY_USER, 1, 0, 0).ev_data != 7)
		fault_fail("other data");
	for (i = 0; i < 3; i++)
		post(q, 2, i);
	if (take_events(ev, 3, 2) == 2)
		(void)take_events(ev + 2, 1, 1);
	for (i = 0; i < 3; i++)
		if (ev[i].ev_object != 2 || ev[i].ev_data != i)
			fault_fail("post %d: %s", i, evt_uni_text(&ev[i]));
	quiet();
}

static void
part_alert(void)
{
	post(q, 1, 1);
	alert(5);
	if (one(EVANY_ALERT, 0, 0, 9).ev_data != 5)
		fault_fail("other data");
	alert(6);
	if (one(EVANY_ALERT, 0, 0, 9).ev_data != 6)
		fault_fail("other data");
	alert(0);
	(void)one(EVANY_USER, 1, 0, 0);
	quiet();
}

static void
part_modes(void)
{
	int s[2];

	FAULT_NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	set(fd_change(s[0], EVANY_READ, 0, 1));
	quiet();
	fault_put(s[1]);
	(void)one(EVANY_FD, s[0], EVANY_READ, 1);
	(void)one(EVANY_FD, s[0], EVANY_READ, 1);
	replace(fd_change(s[0], EVANY_READ | EVANY_WRITE, EVANY_EDGE, 2));
	(void)one(EVANY_FD, s[0], EVANY_READ | EVANY_WRITE, 2);
	quiet();
	replace(fd_change(s[0], EVANY_READ, EVANY_DISPATCH, 3));
	(void)one(EVANY_FD, s[0], EVANY_READ, 3);
	quiet();
	replace(fd_change(s[0], EVANY_READ | EVANY_WRITE, EVANY_DISPATCH |
	    EVANY_COUNT, 4));
	if (one(EVANY_FD, s[0], EVANY_READ | EVANY_WRITE, 4).ev_data != 1)
		fault_fail("other count");
	fault_take(s[0]);
	replace(fd_change(s[0], EVANY_READ, EVANY_ONESHOT, 5));
	quiet();
	fault_put(s[1]);
	(void)one(EVANY_FD, s[0], EVANY_READ, 5);
	set(fd_change(s[0], EVANY_PRIORITY, 0, 6));
	quiet();
	drop(EVANY_FD, (uintptr_t)s[0]);
	set(fd_change(s[1], EVANY_READ, EVANY_EDGE, 7));
	fault_take(s[0]);
	(void)close(s[0]);
	(void)one(EVANY_FD, s[1], EVANY_READ | EVANY_EOF | EVANY_HANGUP, 7);
	(void)close(s[1]);
	quiet();
}

/* A replacement that fails leaves what there was. */
static void
part_kept(void)
{
	struct evany_change ch;
	int s[2];

	FAULT_NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	set(fd_change(s[0], EVANY_READ, 0, 1));
	fault_put(s[1]);
	ch = fd_change(s[0], EVANY_WRITE, EVANY_EDGE, 2);
	if (!tried(&ch)) {
		(void)one(EVANY_FD, s[0], EVANY_READ, 1);
		again(&ch);
	}
	(void)one(EVANY_FD, s[0], EVANY_WRITE, 2);
	drop(EVANY_FD, (uintptr_t)s[0]);
	set(timer_change(1, 0, 0, 0));
	ch = timer_change(1, NEVER, 0, EVANY_WALLCLOCK);
	if (!tried(&ch))
		(void)one(EVANY_TIMER, 1, 0, 0);
	else
		drop(EVANY_TIMER, 1);
	quiet();
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
	n = evany_turn(q, ch, 6, ev, 3, 6, LIMIT);
	error = errno;
	fault_end();
	for (i = 0; i < 6; i++) {
		if (ch[i].ch_error == 0)
			continue;
		first = first != 0 ? first : ch[i].ch_error;
		if (!right_change(&ch[i]) && (i != 5 || ch[4].ch_error == 0 ||
		    ch[5].ch_error != ENOENT))
			fault_fail("change %d: errno %d after %d", i,
			    ch[i].ch_error, fault_seen);
		if (i < 4)
			again(&ch[i]);
	}
	if (n == -1 && (first != 0 ? error != first : !fault_right(error)))
		fault_fail("evany_turn: errno %d after %d, not %d", error,
		    fault_seen, first);
	if (n != -1 && first != 0)
		fault_fail("a change failed with %d and the call did not",
		    first);
	if (ch[4].ch_error == 0 && ch[5].ch_error != 0)
		drop(EVANY_TIMER, 3);
	n = n == -1 ? 0 : n;
	if (n < 3)
		(void)take_events(ev, 3 - n, 3 - n);
	quiet();
	drop(EVANY_FD, (uintptr_t)p[0]);
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
	set(fd_change(p[0], EVANY_READ, EVANY_COUNT, 1));
	fault_put(p[1]);
	(void)one(EVANY_FD, p[0], EVANY_READ, 1);
	(void)close(p[0]);
	/* The wait finds the number closed; what it must do may fail. */
	post(q, 1, 1);
	(void)one(EVANY_USER, 1, 0, 0);
	quiet();
	FAULT_NEED(dup2(s[0], p[0]) != -1);
	set(fd_change(p[0], EVANY_READ, 0, 2));
	quiet();
	fault_put(s[1]);
	(void)one(EVANY_FD, p[0], EVANY_READ, 2);
	(void)close(p[0]);
	(void)close(s[0]);
	(void)close(s[1]);
	(void)close(copy);
	(void)close(p[1]);
	quiet();
}

static void
part_plain(void)
{
	int fd;

	FAULT_NEED((fd = open("/dev/null", O_RDWR)) != -1);
	set(fd_change(fd, EVANY_READ | EVANY_WRITE, EVANY_DISPATCH, 1));
	(void)one(EVANY_FD, fd, EVANY_READ | EVANY_WRITE, 1);
	quiet();
	replace(fd_change(fd, EVANY_READ, EVANY_COUNT, 2));
	(void)one(EVANY_FD, fd, EVANY_READ, 2);
	drop(EVANY_FD, (uintptr_t)fd);
	quiet();
	(void)close(fd);
}

static void
part_timers(void)
{
	set(timer_change(7, 1, 0, EVANY_ABSOLUTE | EVANY_WALLCLOCK));
	(void)one(EVANY_TIMER, 7, 0, 0);
	set(timer_change(8, MS, MS, 0));
	(void)one(EVANY_TIMER, 8, 0, 0);
	(void)one(EVANY_TIMER, 8, 0, 0);
	replace(timer_change(8, NEVER, 0, 0));
	quiet();
	replace(timer_change(8, 0, NEVER, EVANY_WALLCLOCK));
	(void)one(EVANY_TIMER, 8, 0, 0);
	drop(EVANY_TIMER, 8);
	quiet();
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
	set(ch);
	quiet();
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
	replace(ch);
	(void)raise(SIGUSR1);
	(void)one(EVANY_SIGNAL, SIGUSR1, 0, 0);
	set(ch);
	drop(EVANY_SIGNAL, SIGUSR1);
	quiet();
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
	if (!tried(&ch) && evany_turn(q, &ch, 1, NULL, 0, 0, 0) != 0) {
		if (!right_change(&ch))
			fault_fail("a process: again errno %d", ch.ch_error);
		/* The system does not tell of forks. */
		ch.ch_what = EVANY_EXIT;
		set(ch);
	}
	quiet();
	(void)close(p[1]);
	status = (int)one(EVANY_PROCESS, pid, EVANY_EXIT, 0).ev_data;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
		fault_fail("status %#x", (unsigned)status);
	FAULT_NEED(waitpid(pid, &status, 0) == pid);
	quiet();
}

static void
part_nested(void)
{
	int inner = faulty_queue(), outer = q;

	set(fd_change(inner, EVANY_READ, 0, 1));
	quiet();
	post(inner, 1, 1);
	(void)one(EVANY_FD, inner, EVANY_READ, 1);
	q = inner;
	(void)one(EVANY_USER, 1, 0, 0);
	q = outer;
	quiet();
	(void)close(inner);
	quiet();
}

static void
part_copy(void)
{
	int copy, own = q;

	FAULT_NEED((copy = dup(q)) != -1);
	post(copy, 9, 0);
	q = copy;
	set(timer_change(1, 0, 0, 0));
	q = own;
	(void)take_events((struct evany_event[2]){ 0 }, 2, 2);
	(void)close(copy);
	quiet();
}

/* More is wanted than there is, so the wait sleeps in another way. */
static void
part_least(void)
{
	struct evany_event ev[2];
	int i, n, p[2], timers = 0;

	FAULT_NEED(pipe(p) == 0);
	set(fd_change(p[1], EVANY_WRITE, 0, 1));
	set(timer_change(1, 2 * MS, 0, 0));
	while (timers == 0) {
		fault_begin();
		n = evany_turn(q, NULL, 0, ev, 2, 2, LIMIT);
		if (!fault_passed(n, "evany_turn"))
			continue;
		for (i = 0; i < n; i++)
			timers += ev[i].ev_source == EVANY_TIMER;
		/* What it has is not lost when it cannot sleep. */
		if (n - timers != 1 || (timers == 0 && fault_seen == 0))
			fault_fail("%d events, %d of timers", n, timers);
	}
	drop(EVANY_FD, (uintptr_t)p[1]);
	quiet();
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
	res = evany_aio(q, &cb, EVANY_WRITE, EVT_USER(1));
	error = errno;
	fault_end();
	if (res == -1) {
		/* The C library has one answer for all that it lacks. */
		if (!fault_right(error) && error != EAGAIN)
			fault_fail("evany_aio: errno %d after %d", error,
			    fault_seen);
		quiet();
		FAULT_NEED(evany_aio(q, &cb, EVANY_WRITE, EVT_USER(1)) == 0);
	}
	if (one(EVANY_AIO, &cb, EVANY_WRITE, 1).ev_data != 0 ||
	    aio_return(&cb) != 1)
		fault_fail("the request failed");
	(void)fclose(file);
	quiet();
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
	(void)fault_passed(evany_turn(q, ch, MANY, NULL, 0, 0, 0),
	    "evany_turn");
	for (i = 0; i < MANY; i++)
		if (ch[i].ch_error != 0)
			again(&ch[i]);
	while (n < MANY)
		n += take_events(ev + n, MANY - n, 1);
	quiet();
}

static void
all_parts(void)
{
	q = faulty_queue();
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
	(void)close(q);
	/* The library tidies up after a dead queue here. */
	q = faulty_queue();
	part_posts();
	(void)close(q);
}

/* ---- files and directories -------------------------------------------- */

#define NAMES	(EVANY_MADE | EVANY_GONE | EVANY_MOVED_FROM | EVANY_MOVED_TO)

/*
 * That must be told, or the loss of events, or the end of a watch that then is
 * set again; what is told besides, before or after, is all the same.  After a
 * loss in a tree any event in it brings back what is watched of it.
 */
#define told(ch, what, name)	told_at(__LINE__, ch, what, name)
static void
told_at(int line, struct evany_change ch, unsigned what, const char *name)
{
	struct evany_event ev;
	bool seen = false;

	while (!seen) {
		(void)take_at(line, &ev, 1, 1);
		if ((ev.ev_what & EVANY_ENDED) != 0)
			set(ch);
		if ((ev.ev_what & EVANY_LOST) != 0 &&
		    (ch.ch_flags & EVANY_TREE) != 0) {
			fault_make_file("dir/any");
			told_at(line, ch, EVANY_MADE, "any");
			FAULT_NEED(unlink("dir/any") == 0);
			told_at(line, ch, EVANY_GONE, "any");
		}
		seen = (ev.ev_what & (EVANY_LOST | EVANY_ENDED)) != 0 ||
		    ((ev.ev_what & what) != 0 && (name == NULL ||
		    (ev.ev_name != NULL && strcmp(ev.ev_name, name) == 0)));
	}
	while (evany_wait(q, &ev, 1, 0) > 0)
		if ((ev.ev_what & EVANY_ENDED) != 0)
			set(ch);
}

static void
part_file(void)
{
	struct evany_change ch = path_change(EVANY_FILE, 1, "file",
	    NAMES | EVANY_MODIFIED, 0);

	fault_make_file("file");
	set(ch);
	quiet();
	fault_grow_file("file");
	told(ch, EVANY_MODIFIED, NULL);
	fault_make_file("other");
	FAULT_NEED(rename("other", "file") == 0);
	told(ch, EVANY_MOVED_TO | EVANY_MADE, NULL);
	fault_grow_file("file");
	told(ch, EVANY_MODIFIED, NULL);
	FAULT_NEED(unlink("file") == 0);
	told(ch, EVANY_GONE, NULL);
	replace(ch);
	fault_make_file("file");
	told(ch, EVANY_MADE, NULL);
	drop(EVANY_FILE, 1);
	FAULT_NEED(unlink("file") == 0);
	quiet();
}

static void
part_directory(void)
{
	struct evany_change ch = path_change(EVANY_DIRECTORY, 1, "dir",
	    NAMES | EVANY_MODIFIED, 0);

	FAULT_NEED(mkdir("dir", 0755) == 0);
	set(ch);
	quiet();
	fault_make_file("dir/file");
	told(ch, EVANY_MADE, "file");
	fault_grow_file("dir/file");
	told(ch, EVANY_MODIFIED, "file");
	FAULT_NEED(unlink("dir/file") == 0);
	told(ch, EVANY_GONE, "file");
	replace(ch);
	drop(EVANY_DIRECTORY, 1);
	FAULT_NEED(rmdir("dir") == 0);
	quiet();
}

static void
part_tree(void)
{
	struct evany_change ch = path_change(EVANY_DIRECTORY, 2, "dir",
	    NAMES | EVANY_MODIFIED, EVANY_TREE);

	FAULT_NEED(mkdir("dir", 0755) == 0);
	FAULT_NEED(mkdir("dir/old", 0755) == 0);
	set(ch);
	quiet();
	fault_make_file("dir/old/file");
	told(ch, EVANY_MADE, "old/file");
	FAULT_NEED(mkdir("dir/new", 0755) == 0);
	told(ch, EVANY_MADE, "new");
	fault_make_file("dir/new/file");
	told(ch, EVANY_MADE, "new/file");
	FAULT_NEED(mkdir("dir/new/deep", 0755) == 0);
	fault_make_file("dir/new/deep/file");
	told(ch, EVANY_MADE, "new/deep/file");
	FAULT_NEED(rename("dir/new", "dir/moved") == 0);
	told(ch, EVANY_MOVED_TO | EVANY_MADE, "moved");
	fault_grow_file("dir/moved/deep/file");
	told(ch, EVANY_MODIFIED, "moved/deep/file");
	drop(EVANY_DIRECTORY, 2);
	FAULT_NEED(unlink("dir/moved/deep/file") == 0);
	FAULT_NEED(rmdir("dir/moved/deep") == 0);
	FAULT_NEED(unlink("dir/moved/file") == 0);
	FAULT_NEED(rmdir("dir/moved") == 0);
	FAULT_NEED(unlink("dir/old/file") == 0);
	FAULT_NEED(rmdir("dir/old") == 0);
	FAULT_NEED(rmdir("dir") == 0);
	quiet();
}

static void
file_parts(void)
{
	q = evany_queue(0);
	FAULT_NEED(q != -1);
	part_file();
	part_directory();
	part_tree();
	(void)close(q);
	q = evany_queue(0);
	FAULT_NEED(q != -1);
	(void)close(q);
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

EVT_TC(files__allocation_fails,
    "UNI-155 UNI-161 UNI-162 UNI-163",
    "What cannot be told of files for want of memory is told to be lost")
{
	fault_turns(true, false, file_parts);
}

EVT_TC(files__allocation_fails__queues_exist,
    "UNI-155 UNI-161 UNI-162 UNI-163",
    "What cannot be told of files for want of memory is told to be lost")
{
	fault_turns(true, true, file_parts);
}

EVT_TC(files__system_call_fails,
    "UNI-155 UNI-161 UNI-162 UNI-163",
    "What the kernel cannot tell of files is told to be lost")
{
	fault_turns(false, false, file_parts);
}

EVT_TC(files__system_call_fails__queues_exist,
    "UNI-155 UNI-161 UNI-162 UNI-163",
    "What the kernel cannot tell of files is told to be lost")
{
	fault_turns(false, true, file_parts);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, unified__allocation_fails);
	EVT_TP_ADD_TC(tp, unified__allocation_fails__queues_exist);
	EVT_TP_ADD_TC(tp, unified__system_call_fails);
	EVT_TP_ADD_TC(tp, unified__system_call_fails__queues_exist);
	EVT_TP_ADD_TC(tp, files__allocation_fails);
	EVT_TP_ADD_TC(tp, files__allocation_fails__queues_exist);
	EVT_TP_ADD_TC(tp, files__system_call_fails);
	EVT_TP_ADD_TC(tp, files__system_call_fails__queues_exist);
	return (atf_no_error());
}
