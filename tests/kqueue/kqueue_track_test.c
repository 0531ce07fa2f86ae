/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_PROC: forks, execs and the tracking of children.
 *
 * What other processes do is not told everywhere: evt_forks_are_told() asks
 * the system itself.  Where it is not, the refusal is what is tested.
 */
#include "config.h"

#include "evt_child.h"

#include <sys/resource.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#ifdef EVT_SANITIZED
#define BURST	200	/* they fork slowly */
#else
#define BURST	2000	/* more than a source of records keeps */
#endif

/* A process that forks, execs and makes threads as it is told. */
enum {
	STOP,		/* end */
	KEEP,		/* fork a child that lives; answers its pid */
	END,		/* end that child with 5 and reap it; answers its status */
	QUICK,		/* fork one that ends at once with 9; its pid */
	DEEP,		/* fork one that forks one, both end; both pids */
	MANY,		/* BURST times as QUICK; answers how many */
	SPAWN,		/* fork one that execs true(1); its pid */
	THREAD,		/* make a thread and join it; answers a byte */
	BADEXEC,	/* an execve that fails; answers a byte */
	NAME,		/* call itself otherwise, as an execve does */
	EXEC,		/* be sh(1), end with 3 after a line of input */
	LEAVE		/* end with 1, the child lives until input ends */
};

static void *
do_nothing(void *arg)
{
	return (arg);
}

static pid_t
quick_child(int status)
{
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(status);
	while (pid != -1 && waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	return (pid);
}

static int
actor(int in, int out)
{
	pid_t kept = -1, pid, pids[2];
	pthread_t t;
	int i, order, p[2] = { -1, -1 }, status;
	char byte = 0;

	while ((order = evt_child_order(in)) > STOP) {
		switch (order) {
		case KEEP:
			if (pipe(p) == -1)
				return (90);
			if ((kept = fork()) == 0) {
				(void)close(p[1]);
				(void)alarm(20);
				_exit(read(p[0], &byte, 1) == 1 ? byte : 8);
			}
			evt_child_answer(out, &kept, sizeof(kept));
			break;
		case END:
			byte = 5;
			if (write(p[1], &byte, 1) != 1 ||
			    waitpid(kept, &status, 0) == -1)
				return (91);
			evt_child_answer(out, &status, sizeof(status));
			break;
		case QUICK:
			pid = quick_child(9);
			evt_child_answer(out, &pid, sizeof(pid));
			break;
		case DEEP:
			if (pipe(p) == -1)
				return (92);
			if ((pids[0] = fork()) == 0) {
				pid = quick_child(6);
				evt_child_answer(p[1], &pid, sizeof(pid));
				_exit(4);
			}
			if (read(p[0], &pids[1], sizeof(pid)) !=
			    (ssize_t)sizeof(pid) ||
			    waitpid(pids[0], NULL, 0) == -1)
				return (93);
			evt_child_answer(out, pids, sizeof(pids));
			break;
		case MANY:
			for (i = 0; i < BURST && quick_child(9) != -1;)
				i++;
			evt_child_answer(out, &i, sizeof(i));
			break;
		case SPAWN:
			if ((pid = fork()) == 0) {
				(void)execlp("true", "true", (char *)NULL);
				_exit(94);
			}
			(void)waitpid(pid, NULL, 0);
			evt_child_answer(out, &pid, sizeof(pid));
			break;
		case THREAD:
			if (pthread_create(&t, NULL, do_nothing, NULL) != 0 ||
			    pthread_join(t, NULL) != 0)
				return (95);
			evt_child_answer(out, &byte, 1);
			break;
		case BADEXEC:
			(void)execl("/nonexistent/x", "x", (char *)NULL);
			evt_child_answer(out, &byte, 1);
			break;
		case NAME:
#ifdef __linux__
			(void)prctl(PR_SET_NAME, "other");
#endif
			evt_child_answer(out, &byte, 1);
			break;
		case EXEC:
			(void)dup2(in, 0);
			(void)execl("/bin/sh", "sh", "-c",
			    "read line; exit 3", (char *)NULL);
			return (96);
		case LEAVE:
			(void)close(p[0]);
			return (1);
		}
	}
	return (order == STOP ? 0 : 97);
}

static void
need_forks(void)
{
	if (!evt_forks_are_told())
		atf_tc_skip("NOTE_FORK, NOTE_EXEC and NOTE_TRACK of other "
		    "processes need perf events or the process connector");
}

static void
watch(int kq, pid_t pid, unsigned int notes, void *udata)
{
	evt_change(kq, pid, EVFILT_PROC, EV_ADD, notes, 0, udata);
}

/* One event of the process with these notes and no other. */
static void
one_note(int kq, pid_t pid, unsigned int notes)
{
	struct kevent ev;

	evt_one(kq, &ev);
	ATF_REQUIRE_EQ_MSG((uintptr_t)pid, ev.ident, "{%s}", evt_text(&ev));
	ATF_REQUIRE_EQ_MSG(notes, ev.fflags, "{%s}", evt_text(&ev));
	ATF_REQUIRE_EQ(0, ev.flags & (EV_EOF | EV_ERROR));
}

static pid_t
do_and_hear_pid(struct evt_child *c, int order)
{
	pid_t pid;

	evt_child_tell(c, order);
	evt_child_hear(c, &pid, sizeof(pid));
	return (pid);
}

static void
do_and_hear(struct evt_child *c, int order)
{
	char byte;

	evt_child_tell(c, order);
	evt_child_hear(c, &byte, 1);
}

/* Stops the actor, which nobody watches any more. */
static void
stop(struct evt_child *c)
{
	evt_child_tell(c, STOP);
	ATF_REQUIRE_EQ(0, evt_reap(c->ec_pid));
	evt_child_drop(c);
}

/* Collects n events, and makes sure that there are no more. */
static void
collect(int kq, struct kevent *ev, int n)
{
	int got, sum;

	for (sum = 0; sum < n; sum += got)
		if ((got = evt_get(kq, ev + sum, n - sum)) == 0)
			atf_tc_fail("%d events of %d, the last {%s}", sum, n,
			    sum > 0 ? evt_text(&ev[sum - 1]) : "");
	evt_none(kq);
}

/* The place of the process' event with that note; it must be there. */
static int
find(const struct kevent *ev, int n, pid_t pid, unsigned int note)
{
	int i;

	for (i = 0; i < n; i++)
		if (ev[i].ident == (uintptr_t)pid &&
		    ((unsigned int)ev[i].fflags & note) != 0)
			return (i);
	atf_tc_fail("no event of %jd with note %#x", (intmax_t)pid, note);
}

/* The two events of a tracked child that ended: start, parent, end. */
static void
whole_life(const struct kevent *ev, int n, pid_t pid, pid_t from, int status)
{
	int end, start;

	start = find(ev, n, pid, NOTE_CHILD);
	end = find(ev, n, pid, NOTE_EXIT);
	ATF_REQUIRE_MSG(start < end, "%jd ends before it starts",
	    (intmax_t)pid);
	ATF_REQUIRE_EQ_MSG(NOTE_CHILD, ev[start].fflags, "{%s}",
	    evt_text(&ev[start]));
	ATF_REQUIRE_EQ_MSG(from, ev[start].data, "{%s}",
	    evt_text(&ev[start]));
	ATF_REQUIRE_EQ_MSG(NOTE_EXIT, ev[end].fflags & ~EVT_EXIT ? 0 :
	    NOTE_EXIT, "{%s}", evt_text(&ev[end]));
	ATF_REQUIRE((ev[end].flags & EV_EOF) != 0);
	ATF_REQUIRE_MSG(ev[end].data == status || ev[end].data == 0, "{%s}",
	    evt_text(&ev[end]));
	EVT_APPROX(ev[end].data == status, "the status of a child that was "
	    "gone before it could be followed");
}

EVT_TC(fork__own, "KQ-186 KQ-193",
    "A process that watches itself is told that it forked, once for all")
{
	int i, kq;

	kq = evt_kq();
	watch(kq, getpid(), NOTE_FORK, NULL);
	evt_none(kq);
	for (i = 0; i < 2; i++) {
		ATF_REQUIRE(quick_child(0) != -1);
		one_note(kq, getpid(), NOTE_FORK);
		evt_none(kq);
		(void)quick_child(0);
		(void)quick_child(0);
		one_note(kq, getpid(), NOTE_FORK);
		evt_none(kq);
	}
	evt_change(kq, getpid(), EVFILT_PROC, EV_DELETE, 0, 0, NULL);
	ATF_REQUIRE(quick_child(0) != -1);
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(fork__other, "KQ-186 KQ-193",
    "Forks of another process are told, several in one event, then no more")
{
	struct evt_child c;
	int i, kq;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_FORK, NULL);
	evt_none(kq);
	for (i = 0; i < 3; i++) {
		(void)do_and_hear_pid(&c, QUICK);
		if (i == 1) {
			(void)do_and_hear_pid(&c, QUICK);
			(void)do_and_hear_pid(&c, SPAWN);
		}
		one_note(kq, c.ec_pid, NOTE_FORK);
		evt_none(kq);
	}
	evt_change(kq, c.ec_pid, EVFILT_PROC, EV_DELETE, 0, 0, NULL);
	(void)do_and_hear_pid(&c, QUICK);
	evt_none(kq);
	stop(&c);
	evt_close(kq);
}

EVT_TC(fork__threads_are_none, "KQ-186 KQ-182",
    "A new thread is no fork")
{
	struct evt_child c;
	int kq;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_FORK | NOTE_TRACK | EVT_EXIT, NULL);
	do_and_hear(&c, THREAD);
	do_and_hear(&c, THREAD);
	evt_none(kq);
	evt_change(kq, c.ec_pid, EVFILT_PROC, EV_DELETE, 0, 0, NULL);
	stop(&c);
	evt_close(kq);
}

EVT_TC(exec__told, "KQ-187 KQ-193",
    "A successful execve is told, a failed one not, and the knote goes on")
{
	struct evt_child c;
	int kq;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_EXEC | EVT_EXIT, NULL);
	do_and_hear(&c, BADEXEC);
	do_and_hear(&c, NAME);
	(void)do_and_hear_pid(&c, QUICK);
	(void)do_and_hear_pid(&c, SPAWN);	/* its child's, not its own */
	evt_none(kq);
	evt_child_tell(&c, EXEC);
	one_note(kq, c.ec_pid, NOTE_EXEC);
	evt_none(kq);
	evt_child_tell(&c, '\n');
	evt_one_end(kq, c.ec_pid, 3 << 8);
	ATF_REQUIRE_EQ(3 << 8, evt_reap(c.ec_pid));
	evt_child_drop(&c);
	evt_close(kq);
}

EVT_TC(exec__end_before_the_look, "KQ-157 KQ-187",
    "An exec and the end that follows it are one event, if nobody looked")
{
	struct evt_child c;
	struct kevent ev;
	int kq;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_EXEC | EVT_EXIT, NULL);
	evt_child_tell(&c, EXEC);
	evt_child_tell(&c, '\n');
	evt_await_zombie(c.ec_pid);
	ATF_REQUIRE_EQ(1, evt_get(kq, &ev, 1));
	ATF_REQUIRE_EQ_MSG(NOTE_EXEC | NOTE_EXIT, ev.fflags, "{%s}",
	    evt_text(&ev));
	ATF_REQUIRE_EQ(3 << 8, ev.data);
	evt_none(kq);
	ATF_REQUIRE_EQ(3 << 8, evt_reap(c.ec_pid));
	evt_child_drop(&c);
	evt_close(kq);
}

EVT_TC(track__child, "KQ-188 KQ-189",
    "A tracked child has NOTE_CHILD with its parent's pid, and a knote")
{
	struct evt_child c;
	struct kevent ev;
	pid_t pid;
	int kq, status;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_TRACK | EVT_EXIT, &c);
	pid = do_and_hear_pid(&c, KEEP);
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ_MSG((uintptr_t)pid, ev.ident, "{%s}", evt_text(&ev));
	ATF_REQUIRE_EQ_MSG(NOTE_CHILD, ev.fflags, "{%s}", evt_text(&ev));
	ATF_REQUIRE_EQ_MSG(c.ec_pid, ev.data, "{%s}", evt_text(&ev));
	ATF_REQUIRE_EQ(&c, (void *)ev.udata);
	ATF_REQUIRE_EQ(0, ev.flags & EV_EOF);
	evt_none(kq);

	evt_child_tell(&c, END);
	evt_child_hear(&c, &status, sizeof(status));
	evt_one(kq, &ev);
	ATF_REQUIRE_EQ(&c, (void *)ev.udata);
	status = evt_ended(&ev, pid);
	if (evt_status_is_told())
		ATF_REQUIRE_EQ_MSG(5 << 8, status, "%#x", status);
	evt_none(kq);
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, pid, EVFILT_PROC,
	    EV_DELETE, 0, 0, NULL));
	evt_change(kq, c.ec_pid, EVFILT_PROC, EV_DELETE, 0, 0, NULL);
	stop(&c);
	evt_close(kq);
}

EVT_TC(track__knote_can_be_changed, "KQ-188 KQ-087",
    "The child's knote is like any: it can be changed and deleted")
{
	struct evt_child c;
	struct kevent ev;
	pid_t pid;
	int i, kq, status;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_TRACK | EVT_EXIT, NULL);
	for (i = 0; i < 2; i++) {
		pid = do_and_hear_pid(&c, KEEP);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ((uintptr_t)pid, ev.ident);
		if (i == 0)
			evt_change(kq, pid, EVFILT_PROC, EV_DELETE, 0, 0,
			    NULL);
		else
			watch(kq, pid, EVT_EXIT, &i);
		evt_child_tell(&c, END);
		evt_child_hear(&c, &status, sizeof(status));
		if (i == 0)
			evt_none(kq);
	}
	evt_one(kq, &ev);
	(void)evt_ended(&ev, pid);
	ATF_REQUIRE_EQ(&i, (void *)ev.udata);
	/* without its parent's knote nobody is tracked any more */
	evt_change(kq, c.ec_pid, EVFILT_PROC, EV_DELETE, 0, 0, NULL);
	(void)do_and_hear_pid(&c, QUICK);
	evt_none(kq);
	stop(&c);
	evt_close(kq);
}

EVT_TC(track__fork_if_asked, "KQ-189 KQ-191",
    "The parent's event has NOTE_FORK if asked for, and never NOTE_TRACK")
{
	struct evt_child c;
	struct kevent ev[2];
	pid_t pid;
	int i, kq;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_TRACK | NOTE_FORK, NULL);
	pid = do_and_hear_pid(&c, KEEP);
	collect(kq, ev, 2);
	i = find(ev, 2, c.ec_pid, NOTE_FORK);
	ATF_REQUIRE_EQ_MSG(NOTE_FORK, ev[i].fflags, "{%s}", evt_text(&ev[i]));
	ATF_REQUIRE_EQ(NOTE_CHILD, ev[!i].fflags);
	ATF_REQUIRE_EQ((uintptr_t)pid, ev[!i].ident);
	evt_close(kq);
	stop(&c);
}

EVT_TC(track__gone_before_the_look, "KQ-188 KQ-191",
    "A child that has ended is told by two events, start first")
{
	struct evt_child c;
	struct kevent ev[10];
	pid_t pids[5];
	int i, kq;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_TRACK | EVT_EXIT, NULL);
	for (i = 0; i < 5; i++)
		pids[i] = do_and_hear_pid(&c, QUICK);
	collect(kq, ev, 10);
	for (i = 0; i < 5; i++)
		whole_life(ev, 10, pids[i], c.ec_pid, 9 << 8);
	evt_close(kq);
	stop(&c);
}

EVT_TC(track__gone_and_no_end_asked, "KQ-188 KQ-184",
    "A child that ended at once is told of, also if its end is not asked for")
{
	struct evt_child c;
	struct kevent ev;
	pid_t pid;
	int kq, n;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_TRACK, NULL);
	pid = do_and_hear_pid(&c, QUICK);
	one_note(kq, pid, NOTE_CHILD);
	n = evt_get(kq, &ev, 1);
	if (!evt_native())
		ATF_REQUIRE_EQ(1, n);
	if (n == 1) {
		ATF_REQUIRE_EQ((uintptr_t)pid, ev.ident);
		ATF_REQUIRE((ev.flags & EV_EOF) != 0);
		ATF_REQUIRE_EQ(0, ev.fflags);
	}
	evt_none(kq);
	evt_close(kq);
	stop(&c);
}

EVT_TC(track__child_alone_at_the_look, "KQ-191 KQ-262",
    "With room for one, the start comes before the end of the same child")
{
	struct evt_child c;
	struct kevent ev;
	pid_t pid;
	int kq;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_TRACK | EVT_EXIT, NULL);
	pid = do_and_hear_pid(&c, QUICK);
	ATF_REQUIRE_EQ(1, evt_get(kq, &ev, 1));
	ATF_REQUIRE_EQ((uintptr_t)pid, ev.ident);
	ATF_REQUIRE_EQ_MSG(NOTE_CHILD, ev.fflags, "{%s}", evt_text(&ev));
	ATF_REQUIRE_EQ(1, evt_get(kq, &ev, 1));
	(void)evt_ended(&ev, pid);
	evt_close(kq);
	stop(&c);
}

EVT_TC(track__handed_down, "KQ-190 KQ-188",
    "Grandchildren are tracked too; each tells its own parent and its end")
{
	struct evt_child c;
	struct kevent ev[4];
	pid_t pids[2];
	int kq;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_TRACK | EVT_EXIT, NULL);
	evt_child_tell(&c, DEEP);
	evt_child_hear(&c, pids, sizeof(pids));
	collect(kq, ev, 4);
	whole_life(ev, 4, pids[0], c.ec_pid, 4 << 8);
	whole_life(ev, 4, pids[1], pids[0], 6 << 8);
	evt_close(kq);
	stop(&c);
}

EVT_TC(track__execs_of_children, "KQ-190 KQ-187",
    "The notes asked of the parent are asked of the child: its exec is told")
{
	struct evt_child c;
	struct kevent ev[3];
	unsigned int seen = 0;
	pid_t pid;
	int kq, n;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_TRACK | NOTE_EXEC | EVT_EXIT, NULL);
	pid = do_and_hear_pid(&c, SPAWN);
	/* the exec may be told with either, the end not with the start */
	while ((seen & NOTE_EXIT) == 0) {
		ATF_REQUIRE((n = evt_get(kq, ev, 1)) == 1);
		ATF_REQUIRE_EQ((uintptr_t)pid, ev[0].ident);
		if (seen == 0)
			ATF_REQUIRE_EQ(NOTE_CHILD, ev[0].fflags &
			    (NOTE_CHILD | NOTE_EXIT));
		seen |= (unsigned int)ev[0].fflags;
	}
	ATF_REQUIRE_EQ_MSG(NOTE_CHILD | NOTE_EXEC | NOTE_EXIT, seen, "%#x",
	    seen);
	evt_none(kq);
	evt_close(kq);
	stop(&c);
}

EVT_TC(track__parent_ends_first, "KQ-190 KQ-188",
    "A tracked child outlives its parent, and is watched until its own end")
{
	struct evt_child c;
	struct kevent ev[2];
	pid_t pid;
	int kq;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_TRACK | EVT_EXIT, NULL);
	pid = do_and_hear_pid(&c, KEEP);
	one_note(kq, pid, NOTE_CHILD);
	evt_child_tell(&c, LEAVE);
	/* the child's input ends with its parent, so both end */
	collect(kq, ev, 2);
	ATF_REQUIRE_EQ(1 << 8, evt_ended(&ev[find(ev, 2, c.ec_pid,
	    NOTE_EXIT)], c.ec_pid));
	(void)evt_ended(&ev[find(ev, 2, pid, NOTE_EXIT)], pid);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
	evt_close(kq);
}

/* Collects until so many children have started, or an error stands for one. */
static int
count_starts(int kq, pid_t parent, int enough, int *ends)
{
	struct kevent ev[64];
	int i, n, starts = 0;
	bool missed = false;

	*ends = 0;
	while ((n = evt_kevent_ms(kq, NULL, 0, ev, 64, (starts < enough &&
	    !missed) || *ends < starts ? EVT_WAIT_MS : EVT_QUIET_MS)) > 0)
		for (i = 0; i < n; i++) {
			if ((ev[i].fflags & NOTE_TRACKERR) != 0) {
				ATF_REQUIRE_EQ((uintptr_t)parent, ev[i].ident);
				missed = true;
			}
			starts += (ev[i].fflags & NOTE_CHILD) != 0;
			*ends += (ev[i].fflags & NOTE_EXIT) != 0;
		}
	ATF_REQUIRE_MSG(starts == enough || missed, "%d children of %d, and "
	    "no NOTE_TRACKERR", starts, enough);
	return (starts);
}

EVT_TC(track__burst, "KQ-192 KQ-188",
    "Of many children in a row each is told, or NOTE_TRACKERR is")
{
	struct evt_child c;
	int ends, kq, made, starts;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_TRACK | EVT_EXIT, NULL);
	evt_child_tell(&c, MANY);
	evt_child_hear(&c, &made, sizeof(made));
	ATF_REQUIRE_EQ(BURST, made);
	starts = count_starts(kq, c.ec_pid, made, &ends);
	ATF_REQUIRE_MSG(starts <= made, "%d children of %d", starts, made);
	ATF_REQUIRE_EQ_MSG(starts, ends, "%d ends of %d", ends, starts);
	/* and the tracking goes on */
	(void)do_and_hear_pid(&c, QUICK);
	ATF_REQUIRE_EQ(1, count_starts(kq, c.ec_pid, 1, &ends));
	evt_close(kq);
	stop(&c);
}

EVT_TC(track__no_descriptor_for_the_child, "KQ-192",
    "A child that cannot be followed for want of descriptors is NOTE_TRACKERR")
{
	struct evt_child c;
	struct rlimit few, old;
	int ends, kq, lowest, starts, status;
	pid_t pid;

	need_forks();
	kq = evt_kq();
	evt_child_start(&c, actor);
	watch(kq, c.ec_pid, NOTE_TRACK | EVT_EXIT, NULL);
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	ATF_REQUIRE((lowest = dup(kq)) != -1);
	evt_close(lowest);
	few = old;
	few.rlim_cur = (rlim_t)lowest;
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	pid = do_and_hear_pid(&c, KEEP);
	starts = count_starts(kq, c.ec_pid, 1, &ends);
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	if (starts == 1) {
		/* told after all: then its end is, too */
		evt_child_tell(&c, END);
		evt_child_hear(&c, &status, sizeof(status));
		evt_one_end_if(kq, pid, status, false);
	}
	(void)do_and_hear_pid(&c, QUICK);
	ATF_REQUIRE_EQ(1, count_starts(kq, c.ec_pid, 1, &ends));
	evt_close(kq);
	evt_child_tell(&c, STOP);
	(void)evt_reap(c.ec_pid);
	evt_child_drop(&c);
}

EVT_TC(refused__where_nothing_tells, "KQ-186 KQ-187 KQ-188 KQ-192",
    "Where forks and execs cannot be seen the program is told so")
{
	static const unsigned int notes[] = { NOTE_FORK, NOTE_EXEC,
	    NOTE_FORK | NOTE_EXEC };
	struct evt_child c;
	struct kevent ev;
	int error, i, kq;

	if (evt_forks_are_told())
		atf_tc_skip("forks and execs of other processes are told");
	kq = evt_kq();
	evt_child_start(&c, actor);
	for (i = 0; i < EVT_NITEMS(notes); i++) {
		ATF_REQUIRE_EQ_MSG(ENOTSUP, evt_change_errno(kq, c.ec_pid,
		    EVFILT_PROC, EV_ADD, notes[i], 0, NULL), "%#x", notes[i]);
		ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, c.ec_pid,
		    EVFILT_PROC, EV_DELETE, 0, 0, NULL));
	}
	error = evt_change_errno(kq, c.ec_pid, EVFILT_PROC, EV_ADD,
	    NOTE_TRACK | EVT_EXIT, 0, NULL);
	if (error == 0) {
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ((uintptr_t)c.ec_pid, ev.ident);
		ATF_REQUIRE_EQ_MSG(NOTE_TRACKERR, ev.fflags, "{%s}",
		    evt_text(&ev));
		evt_none(kq);
		/* its own end is told all the same */
		evt_child_tell(&c, STOP);
		evt_one_end(kq, c.ec_pid, 0);
		(void)evt_reap(c.ec_pid);
		evt_child_drop(&c);
	} else {
		ATF_REQUIRE_EQ(ENOTSUP, error);
		stop(&c);
	}
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, fork__own);
	EVT_TP_ADD_TC(tp, fork__other);
	EVT_TP_ADD_TC(tp, fork__threads_are_none);
	EVT_TP_ADD_TC(tp, exec__told);
	EVT_TP_ADD_TC(tp, exec__end_before_the_look);
	EVT_TP_ADD_TC(tp, track__child);
	EVT_TP_ADD_TC(tp, track__knote_can_be_changed);
	EVT_TP_ADD_TC(tp, track__fork_if_asked);
	EVT_TP_ADD_TC(tp, track__gone_before_the_look);
	EVT_TP_ADD_TC(tp, track__gone_and_no_end_asked);
	EVT_TP_ADD_TC(tp, track__child_alone_at_the_look);
	EVT_TP_ADD_TC(tp, track__handed_down);
	EVT_TP_ADD_TC(tp, track__execs_of_children);
	EVT_TP_ADD_TC(tp, track__parent_ends_first);
	EVT_TP_ADD_TC(tp, track__burst);
	EVT_TP_ADD_TC(tp, track__no_descriptor_for_the_child);
	EVT_TP_ADD_TC(tp, refused__where_nothing_tells);
	return (atf_no_error());
}
