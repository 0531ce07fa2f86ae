/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * um_others: signals, children, and requests of <aio.h>.
 */
#include "config.h"

#include "um.h"

#include <sys/wait.h>
#include <stdlib.h>

/* A sanitizer and a fork beside threads do not go together. */
#ifdef EVT_SANITIZED
#define FORKS	false
#else
#define FORKS	true
#endif

/* The descriptor under a number that the model does not use. */
static int
above(int fd)
{
	int new;

	if ((new = fcntl(fd, F_DUPFD_CLOEXEC, 2 * UM_NUMBERS)) == -1)
		abort();
	(void)close(fd);
	return (new);
}

/* ---- signals --------------------------------------------------------------------------- */

/* To this thread: it has been handled when the call returns. */
void
um_act_signal(struct um_world *w)
{
#ifndef EVT_TSAN
	int signo = um_signo(um_below(w, UM_SIGNALS));

	um_say(w, "raise(%d)\n", signo);
	um_signalled(w, signo);
	if (raise(signo) != 0)
		abort();
#else
	(void)w;
#endif
}

/* ---- children -------------------------------------------------------------------------- */

/* It has nothing of the world's open when it tells so. */
static _Noreturn void
child(const int end[2], const int up[2])
{
	int fd;
	char c;

	for (fd = 3; fd < 3 * UM_NUMBERS; fd++)
		if (fd != end[0] && fd != up[1])
			(void)close(fd);
	(void)!write(up[1], "", 1);
	while (read(end[0], &c, 1) > 0)
		continue;
	_exit(UM_STATUS);
}

static void
child_start(struct um_world *w, struct um_child *mc)
{
	int end[2], up[2];
	char c;

	if (pipe(end) == -1 || pipe(up) == -1)
		abort();
	if ((mc->mc_pid = fork()) == -1)
		abort();
	if (mc->mc_pid == 0)
		child(end, up);
	if (read(up[0], &c, 1) != 1)
		abort();
	mc->mc_pipe = above(end[1]);
	(void)close(end[0]);
	(void)close(up[0]);
	(void)close(up[1]);
	mc->mc_ended = mc->mc_gone = false;
	um_say(w, "child %td\n", mc - w->uw_child);
}

static void
child_end(struct um_world *w, struct um_child *mc)
{
	siginfo_t si;

	um_say(w, "child %td ends\n", mc - w->uw_child);
	(void)close(mc->mc_pipe);
	while (waitid(P_PID, (id_t)mc->mc_pid, &si, WEXITED | WNOWAIT) == -1)
		if (errno != EINTR)
			abort();
	um_child_ended(w, mc);
}

static void
child_reap(struct um_world *w, struct um_child *mc)
{
	um_say(w, "waitpid(child %td)\n", mc - w->uw_child);
	if (waitpid(mc->mc_pid, NULL, 0) != mc->mc_pid)
		abort();
	mc->mc_gone = true;
}

void
um_act_child(struct um_world *w)
{
	struct um_child *mc = &w->uw_child[um_below(w, UM_CHILDREN)];

	if (!FORKS)
		return;
	if (mc->mc_pid == 0 || mc->mc_gone)
		child_start(w, mc);
	else if (!mc->mc_ended)
		child_end(w, mc);
	else
		child_reap(w, mc);
}

void
um_finish_children(struct um_world *w)
{
	struct um_child *mc;

	for (mc = w->uw_child; mc < w->uw_child + UM_CHILDREN; mc++) {
		if (mc->mc_pid == 0 || mc->mc_gone)
			continue;
		if (!mc->mc_ended)
			child_end(w, mc);
		child_reap(w, mc);
	}
}

/* ---- requests ------------------------------------------------------------------------- */

int
um_requests(const struct um_world *w, const struct um_queue *uq)
{
	const struct um_request *mr;
	int n = 0;

	for (mr = w->uw_request; mr < w->uw_request + UM_REQUESTS; mr++)
		n += mr->mr_state == UM_ENDED && mr->mr_queue == uq;
	return (n);
}

static void
request_ends(struct um_world *w, struct um_request *mr)
{

	um_say(w, "request %td ends\n", mr - w->uw_request);
	if (write(mr->mr_pipe[1], "x", 1) != 1)
		abort();
	mr->mr_state = UM_ENDED;
}

bool
um_act_request(struct um_world *w, struct um_op *op)
{
	static const unsigned what[] = { EVANY_READ, EVANY_WRITE, EVANY_SYNC };
	struct um_request *mr = &w->uw_request[um_below(w, UM_REQUESTS)];
	int i;

	if (mr->mr_state == UM_ASKED)
		request_ends(w, mr);
	if (mr->mr_state != UM_IDLE)
		return (false);
	if (pipe(mr->mr_pipe) == -1)
		abort();
	for (i = 0; i < 2; i++)
		mr->mr_pipe[i] = above(mr->mr_pipe[i]);
	memset(&mr->mr_cb, 0, sizeof(mr->mr_cb));
	mr->mr_what = what[um_below(w, EVT_NITEMS(what))];
	mr->mr_cb.aio_fildes = mr->mr_pipe[mr->mr_what != EVANY_READ];
	mr->mr_cb.aio_buf = &mr->mr_byte;
	mr->mr_cb.aio_nbytes = 1;
	mr->mr_error = mr->mr_what == EVANY_SYNC ? EINVAL : 0;
	mr->mr_user = EVT_USER(++w->uw_user);
	op->op_request = mr;
	return (true);
}

void
um_asked(struct um_world *w, struct um_queue *uq, struct um_op *op)
{
	struct um_request *mr = op->op_request;

	um_say(w, "evany_aio(%d, request %td, %#x, %p): %d\n", op->op_queue,
	    mr - w->uw_request, mr->mr_what, mr->mr_user, op->op_ret);
	if (op->op_ret != 0)
		um_fail(w, "request: errno %d", op->op_error);
	mr->mr_queue = uq;
	uq->uq_requests = true;
	mr->mr_state = mr->mr_what == EVANY_READ ? UM_ASKED : UM_ENDED;
}

/* Its result is taken and its pipe closed, whatever became of its event. */
static void
request_over(struct um_world *w, struct um_request *mr)
{
	ssize_t n;

	n = aio_return(&mr->mr_cb);
	if (n != (mr->mr_error == 0 ? 1 : -1))
		um_fail(w, "request %td: %zd", mr - w->uw_request, n);
	(void)close(mr->mr_pipe[0]);
	(void)close(mr->mr_pipe[1]);
	mr->mr_state = UM_IDLE;
}

void
um_request_told(struct um_world *w, struct um_queue *uq,
    const struct evany_event *ev)
{
	struct um_request *mr;

	for (mr = w->uw_request; mr < w->uw_request + UM_REQUESTS; mr++)
		if (ev->ev_object == (uintptr_t)&mr->mr_cb)
			break;
	if (mr == w->uw_request + UM_REQUESTS || mr->mr_state != UM_ENDED ||
	    mr->mr_queue != uq || ev->ev_what != mr->mr_what ||
	    ev->ev_data != mr->mr_error || ev->ev_user != mr->mr_user) {
		um_fail(w, "unexpected: %s", evt_uni_text(ev));
		return;
	}
	request_over(w, mr);
}

/* Takes events until those of all requests of the queue have come. */
static void
requests_await(struct um_world *w, int q, struct um_queue *uq)
{
	struct evany_event ev;

	if (um_requests(w, uq) > 0 && evany_alert(q, 0, NULL) != 0)
		abort();
	while (um_requests(w, uq) > 0) {
		if (evany_wait(q, &ev, 1, EVT_WAIT_NS) != 1)
			abort();
		if (ev.ev_source == EVANY_AIO)
			um_request_told(w, uq, &ev);
	}
}

/* Until its event a request's memory is not the program's. */
void
um_finish_requests(struct um_world *w)
{
	struct um_request *mr;
	int fd;

	for (mr = w->uw_request; mr < w->uw_request + UM_REQUESTS; mr++)
		if (mr->mr_state == UM_ASKED)
			request_ends(w, mr);
	for (fd = 0; fd < UM_NUMBERS; fd++)
		if (w->uw_fd[fd] != NULL && w->uw_fd[fd]->mf_kind == UM_QUEUE)
			requests_await(w, fd,
			    &w->uw_queue[w->uw_fd[fd]->mf_queue]);
}
