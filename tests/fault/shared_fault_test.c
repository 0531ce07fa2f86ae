/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * One failure at a time, of everything that can fail, with a queue that
 * parent and child share.
 *
 * A call that reports an error must report that one and succeed when it is
 * made again.  A child for which there is no memory finds the number closed,
 * and nothing that was posted is lost with it.
 */
#include "config.h"

#include "fault_uni.h"

#include <sys/socket.h>
#include <sys/wait.h>

#define one(source, data)	one_at(__LINE__, source, data)
static void
one_at(int line, int source, int64_t data)
{
	struct evany_event ev;

	(void)fu_take_at(line, &ev, 1, 1);
	if (ev.ev_source != source || ev.ev_data != data)
		fault_fail("line %d: %s", line, evt_uni_text(&ev));
}

static void
watch(int fd, unsigned what, unsigned flags)
{
	fault_begin();
	if (!fault_passed(evany_fd(fu_q, fd, what, flags, NULL), "evany_fd") &&
	    evany_fd(fu_q, fd, what, flags, NULL) != 0)
		fault_fail("evany_fd: again errno %d", errno);
}

/* ---- the parts of a scenario -------------------------------------------- */

static void
part_posts(void)
{
	struct evany_event ev[3];
	int i;

	for (i = 0; i < 3; i++)
		fu_post(fu_q, 1, i);
	(void)fu_take(ev, 3, 3);
	for (i = 0; i < 3; i++)
		if (ev[i].ev_source != EVANY_USER || ev[i].ev_data != i)
			fault_fail("post %d: %s", i, evt_uni_text(&ev[i]));
	fu_quiet();
	fu_post(fu_q, 1, 4);
	fu_alert(5);
	one(EVANY_ALERT, 5);
	fu_alert(0);
	one(EVANY_USER, 4);
	fu_quiet();
}

static void
part_watches(void)
{
	struct evany_event ev[2];
	int s[2];

	FAULT_NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	watch(s[0], EVANY_READ, EVANY_DISPATCH);
	fu_quiet();
	fault_put(s[1]);
	fu_post(fu_q, 1, 3);
	(void)fu_take(ev, 2, 2);
	if (ev[0].ev_source == ev[1].ev_source)
		fault_fail("twice: %s", evt_uni_text(&ev[0]));
	fu_quiet();
	fault_take(s[0]);
	(void)close(s[0]);
	(void)close(s[1]);
	fu_quiet();
}

static void
part_nested(void)
{
	int inner = fu_q;

	fu_post(fu_q, 1, 6);
	fu_q = fu_open(EVANY_SHARED);
	watch(inner, EVANY_READ, 0);
	one(EVANY_FD, 0);
	(void)close(fu_q);
	fu_q = inner;
	one(EVANY_USER, 6);
	fu_quiet();
}

/* In the child: 0, or 2 if it could not have the queue. */
static int
take_and_answer(void)
{
	struct evany_event ev;

	fault_end();
	(void)alarm(20);
	if (evany_wait(fu_q, &ev, 1, FU_LIMIT) == -1)
		return (errno == EBADF && fault_seen != 0 ? 2 : 3);
	if (ev.ev_source != EVANY_USER || ev.ev_data != 1)
		return (4);
	/* It is one like any other. */
	if (evany_timer(fu_q, 1, 0, 0, 0, NULL) != 0 ||
	    evany_wait(fu_q, &ev, 1, FU_LIMIT) != 1 ||
	    ev.ev_source != EVANY_TIMER)
		return (5);
	return (evany_post(fu_q, 1, 2, NULL) == 0 ? 0 : 6);
}

static void
part_fork(void)
{
	int error, status;
	pid_t pid;

	fu_post(fu_q, 1, 1);
	fault_begin();
	pid = fork();
	if (pid == 0)
		_exit(take_and_answer());
	error = errno;
	fault_end();
	if (pid == -1) {
		if (error != fault_seen)
			fault_fail("fork: errno %d after %d", error,
			    fault_seen);
		FAULT_NEED((pid = fork()) != -1);
		if (pid == 0)
			_exit(take_and_answer());
	}
	FAULT_NEED(waitpid(pid, &status, 0) == pid);
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 &&
	    WEXITSTATUS(status) != 2))
		fault_fail("the child: %#x", (unsigned)status);
	/* Its answer; or nobody has taken what was for it. */
	one(EVANY_USER, WEXITSTATUS(status) == 0 ? 2 : 1);
	fu_quiet();
}

static void
all_parts(void)
{
	fu_q = fu_open(EVANY_SHARED);
	part_posts();
	part_watches();
	part_nested();
	part_fork();
	part_fork();
	/* It may end with something in it. */
	fu_post(fu_q, 1, 9);
	(void)close(fu_q);
	fu_q = fu_open(EVANY_SHARED);
	fu_quiet();
	part_posts();
	(void)close(fu_q);
}

EVT_TC(shared__allocation_fails, "UNI-160 UNI-161 UNI-162 UNI-191",
    "No memory gives ENOMEM in that call, or a child without the queue")
{
	fault_turns(true, false, all_parts);
}

EVT_TC(shared__allocation_fails__queues_exist,
    "UNI-160 UNI-161 UNI-162 UNI-191",
    "No memory gives ENOMEM in that call, or a child without the queue")
{
	fault_turns(true, true, all_parts);
}

EVT_TC(shared__system_call_fails, "UNI-160 UNI-161 UNI-162 UNI-191",
    "A full table or no memory in the kernel is reported and loses nothing")
{
	fault_turns(false, false, all_parts);
}

EVT_TC(shared__system_call_fails__queues_exist,
    "UNI-160 UNI-161 UNI-162 UNI-191",
    "A full table or no memory in the kernel is reported and loses nothing")
{
	fault_turns(false, true, all_parts);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, shared__allocation_fails);
	EVT_TP_ADD_TC(tp, shared__allocation_fails__queues_exist);
	EVT_TP_ADD_TC(tp, shared__system_call_fails);
	EVT_TP_ADD_TC(tp, shared__system_call_fails__queues_exist);
	return (atf_no_error());
}
