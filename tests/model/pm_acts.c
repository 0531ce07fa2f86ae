/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * pm_acts: random acts, done and taken into the model.  An act that finds
 * nothing to act on does nothing.
 */
#include "config.h"

#include "pm.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <stdlib.h>

#define CHUNKS	(12 * 8)	/* most bytes of small writes */

/* ---- calls ---------------------------------------------------------------------- */

/* Does it, says it, and has it compared. */
static void
call(struct pm_world *w, int exec, struct pm_op *op,
    void (*compare)(struct pm_world *, int, const struct pm_op *,
    const struct pm_reply *), const char *what)
{
	struct pm_reply re;

	pm_call(w, exec, op, &re);
	pm_say(w, "[%d] %s(%d", exec, what, op->op_port);
	if (op->op_call == PM_ASSOCIATE || op->op_call == PM_DISSOCIATE)
		pm_say(w, ", fd %jd", (intmax_t)op->op_fd);
	pm_say(w, ", events %#x, flags %d, max %u, n %u, %d ms, user %p): "
	    "%d, errno %d, n %u\n", (unsigned)op->op_events, op->op_flags,
	    op->op_max, op->op_n, op->op_ms, op->op_user, re.re_ret,
	    re.re_ret == -1 ? re.re_error : 0, re.re_n);
	compare(w, exec, op, &re);
}

static void *
user(struct pm_world *w)
{
	return (EVT_USER(++w->pw_user));
}

static void
show(struct pm_world *w, const struct pm_op *op, const struct pm_reply *re)
{
	uint_t i, n = op->op_call == PM_GET ? re->re_ret == 0 : re->re_n;

	for (i = 0; i < n && i < PM_LIST; i++)
		pm_say(w, "    %s\n", evt_port_text(&re->re_list[i]));
}

static void
got(struct pm_world *w, int exec, const struct pm_op *op,
    const struct pm_reply *re)
{
	show(w, op, re);
	pm_got(w, exec, op, re, false);
}

/* ---- the wait that sleeps -------------------------------------------------------------- */

static void
waiter_heard(struct pm_world *w, bool wait)
{
	struct pm_reply re;
	int exec = w->pw_waiter;

	if (!pm_exec_hear(&w->pw_exec[exec], &re, wait))
		return;
	w->pw_waiter = -1;
	pm_say(w, "[%d] wakes: %d, errno %d, n %u\n", exec, re.re_ret,
	    re.re_ret == -1 ? re.re_error : 0, re.re_n);
	show(w, &w->pw_op, &re);
	pm_got(w, exec, &w->pw_op, &re, true);
}

/* Ends it by an alert, also when something has been found to be wrong. */
void
pm_finish_wait(struct pm_world *w)
{
	struct pm_op op = { .op_call = PM_ALERT, .op_events = 1 };
	struct pm_file *port;
	int exec = w->pw_waiter;

	if (exec == -1)
		return;
	port = w->pw_fd[pm_proc(exec)][w->pw_op.op_port];
	for (op.op_port = 0; w->pw_fd[0][op.op_port] != port; op.op_port++)
		continue;
	op.op_user = user(w);
	call(w, 0, &op, pm_alerted, "port_alert");
	waiter_heard(w, true);
	op.op_events = 0;
	call(w, 0, &op, pm_alerted, "port_alert");
}

void
pm_settle(struct pm_world *w)
{
	bool may, must;

	if (w->pw_waiter == -1 || w->pw_why[0] != '\0')
		return;
	pm_due(w, w->pw_waiter, &w->pw_op, &must, &may);
	if (must) {
		waiter_heard(w, true);
	} else if (may) {
		/* It may end before it sees the alert. */
		w->pw_doubt = true;
		pm_finish_wait(w);
		w->pw_doubt = false;
	} else
		waiter_heard(w, false);
}

/* ---- files ----------------------------------------------------------------------------------- */

static struct pm_file *
target(const struct pm_file *f)
{
	if (f->mf_kind == PM_PIPE_W || f->mf_kind == PM_SOCK)
		return (f->mf_peer);
	return (NULL);
}

static bool
takes_small(const struct pm_file *f)
{
	if (f->mf_kind == PM_COUNTER)
		return (f->mf_bytes < CHUNKS);
	return (target(f) != NULL && !f->mf_full &&
	    target(f)->mf_bytes < CHUNKS);
}

static bool
takes_fill(const struct pm_file *f)
{
	return (target(f) != NULL && target(f)->mf_bytes == 0);
}

static bool
gives(const struct pm_file *f)
{
	return (f->mf_bytes > 0);
}

static void
act_write(struct pm_world *w, int exec, bool fill)
{
	struct pm_op op = { .op_call = fill ? PM_FILL : PM_WRITE };
	struct pm_reply re;
	struct pm_file *f;
	int fd;

	fd = pm_pick(w, pm_proc(exec), fill ? takes_fill : takes_small);
	if (fd == -1)
		return;
	op.op_fd = (uintptr_t)fd;
	pm_call(w, exec, &op, &re);
	pm_say(w, "[%d] write(%d): %d\n", exec, fd, re.re_ret);
	f = w->pw_fd[pm_proc(exec)][fd];
	if (re.re_ret <= 0)
		pm_fail(w, "the test itself: write: %d", re.re_error);
	if (f->mf_kind == PM_COUNTER)
		f->mf_bytes++;
	else
		target(f)->mf_bytes += re.re_ret;
	f->mf_full = fill;
}

static void
act_read(struct pm_world *w, int exec)
{
	struct pm_op op = { .op_call = PM_READ };
	struct pm_reply re;
	struct pm_file *f;
	int fd;

	if ((fd = pm_pick(w, pm_proc(exec), gives)) == -1)
		return;
	op.op_fd = (uintptr_t)fd;
	pm_call(w, exec, &op, &re);
	pm_say(w, "[%d] read(%d): %d\n", exec, fd, re.re_ret);
	f = w->pw_fd[pm_proc(exec)][fd];
	if (f->mf_kind != PM_COUNTER && re.re_ret != f->mf_bytes)
		pm_fail(w, "the test itself: read %d", re.re_ret);
	f->mf_bytes = 0;
	if (f->mf_peer != NULL)
		f->mf_peer->mf_full = false;
}

static void
nonblocking(int fd)
{
	if (fd >= PM_NUMBERS || fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		abort();
}

static int
free_numbers(const struct pm_world *w)
{
	int fd, n = 0;

	for (fd = 0; fd < PM_NUMBERS; fd++)
		n += w->pw_fd[0][fd] != NULL;
	return (16 - n);
}

/*
 * Files of these kinds have one inode: if a number names one of them here and
 * another there, processes cannot tell them apart.
 */
static bool
alike(const struct pm_world *w, const struct pm_file *f)
{
	return (w->pw_forked && (f->mf_kind == PM_COUNTER ||
	    f->mf_kind == PM_PLAIN));
}

static void
act_new(struct pm_world *w)
{
	static const char *const names[] = {
		"pipe, read end", "pipe, write end", "socket", "eventfd",
		"/dev/null"
	};
	struct pm_file *a, *b = NULL;
	int fd[2] = { -1, -1 };

	if (free_numbers(w) < 2)
		return;
	switch (pm_below(w, w->pw_forked ? 6 : 8)) {
	case 0: case 1: case 2:
		if (pipe(fd) == -1)
			abort();
		a = pm_file_new(w, PM_PIPE_R, fd[0]);
		b = pm_file_new(w, PM_PIPE_W, fd[1]);
		break;
	case 3: case 4: case 5:
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
			abort();
		a = pm_file_new(w, PM_SOCK, fd[0]);
		b = pm_file_new(w, PM_SOCK, fd[1]);
		break;
	case 6:
		fd[0] = eventfd(0, 0);
		a = pm_file_new(w, PM_COUNTER, fd[0]);
		break;
	default:
		fd[0] = open("/dev/null", O_RDWR);
		a = pm_file_new(w, PM_PLAIN, fd[0]);
		break;
	}
	nonblocking(fd[0]);
	pm_say(w, "new %s: %d", names[a->mf_kind], fd[0]);
	if (b != NULL) {
		nonblocking(fd[1]);
		a->mf_peer = b;
		b->mf_peer = a;
		pm_say(w, ", and %s: %d", names[b->mf_kind], fd[1]);
	}
	pm_say(w, "\n");
}

static bool
is_spare_port(const struct pm_file *f)
{
	return (f->mf_kind == PM_PORT && f->mf_refs > 1);
}

static void
act_close(struct pm_world *w, int exec)
{
	struct pm_op op = { .op_call = PM_CLOSE };
	int fd, n = 0, other, proc = pm_proc(exec);
	struct pm_reply re;

	fd = pm_pick(w, proc, pm_chance(w, 90) ? pm_is_file : is_spare_port);
	if (fd == -1 || alike(w, w->pw_fd[proc][fd]))
		return;
	/* Its last number of a port goes with the process only. */
	for (other = 0; other < PM_NUMBERS; other++)
		n += w->pw_fd[proc][other] == w->pw_fd[proc][fd];
	if (pm_is_port(w->pw_fd[proc][fd]) && (n < 2 || w->pw_waiter != -1))
		return;
	op.op_fd = (uintptr_t)fd;
	pm_call(w, exec, &op, &re);
	pm_say(w, "[%d] close(%d)\n", exec, fd);
	if (re.re_ret != 0)
		pm_fail(w, "close: errno %d", re.re_error);
	pm_closed(w, proc, fd);
}

static void
act_dup(struct pm_world *w)
{
	int fd, new;

	fd = pm_pick(w, 0, pm_chance(w, 70) ? pm_is_file : pm_is_port);
	if (fd == -1 || free_numbers(w) < 1 || alike(w, w->pw_fd[0][fd]))
		return;
	/* Nor the ends of a pipe. */
	if (w->pw_forked && w->pw_fd[0][fd]->mf_kind < PM_SOCK)
		return;
	if ((new = dup(fd)) == -1 || new >= PM_NUMBERS)
		abort();
	pm_say(w, "dup(%d): %d\n", fd, new);
	pm_named(w, 0, new, w->pw_fd[0][fd]);
}

static void
act_port(struct pm_world *w)
{
	struct pm_file *f;
	int port;

	if (w->pw_ports == PM_PORTS || free_numbers(w) < 1)
		return;
	if ((port = port_create()) == -1) {
		pm_fail(w, "port_create: %d", errno);
		return;
	}
	pm_say(w, "port_create(): %d\n", port);
	f = pm_file_new(w, PM_PORT, port);
	f->mf_port = w->pw_ports++;
}

/* ---- calls on ports ----------------------------------------------------------------------- */

static int
random_mask(struct pm_world *w)
{
	static const int masks[] = {
		POLLIN, POLLIN, POLLIN, POLLIN, POLLOUT, POLLOUT,
		POLLIN | POLLOUT, POLLIN | POLLOUT, 0, POLLPRI
	};

	return (masks[pm_below(w, EVT_NITEMS(masks))]);
}

/* A number to associate: open, or one that is closed. */
static uintptr_t
random_fd(struct pm_world *w, int proc)
{
	int fd;

	if (pm_chance(w, 3))
		return ((uintptr_t)-1);
	if (pm_chance(w, 5)) {
		fd = (int)pm_below(w, 40);
		if (w->pw_fd[proc][fd] == NULL)
			return ((uintptr_t)fd);
	}
	fd = pm_pick(w, proc, pm_is_file);
	return (fd == -1 ? (uintptr_t)-1 : (uintptr_t)fd);
}

static void
act_associate(struct pm_world *w, int exec, bool on)
{
	struct pm_op op = { .op_call = on ? PM_ASSOCIATE : PM_DISSOCIATE };

	if ((op.op_port = pm_pick(w, pm_proc(exec), pm_is_port)) == -1)
		return;
	op.op_fd = random_fd(w, pm_proc(exec));
	/* A number that others than the model have is not to be watched. */
	if (op.op_fd > INT_MAX || w->pw_fd[pm_proc(exec)][op.op_fd] == NULL)
		op.op_fd = on || pm_chance(w, 50) ? (uintptr_t)-1 :
		    (uintptr_t)PM_NUMBERS + 100;
	op.op_events = random_mask(w);
	op.op_user = user(w);
	call(w, exec, &op, on ? pm_associated : pm_dissociated,
	    on ? "port_associate" : "port_dissociate");
}

static void
act_send(struct pm_world *w, int exec)
{
	struct pm_op op = { .op_call = PM_SEND };

	if ((op.op_port = pm_pick(w, pm_proc(exec), pm_is_port)) == -1)
		return;
	op.op_events = (int)seq_rand(&w->pw_rand);
	op.op_user = user(w);
	call(w, exec, &op, pm_sent, "port_send");
}

static void
act_sendn(struct pm_world *w, int exec)
{
	struct pm_op op = { .op_call = PM_SENDN };
	int n;

	/* It may be served in the midst of it. */
	if (w->pw_waiter != -1)
		return;
	op.op_n = 1 + pm_below(w, EVT_NITEMS(op.op_ports));
	pm_say(w, "to");
	for (n = 0; n < (int)op.op_n; n++) {
		op.op_ports[n] = pm_chance(w, 85) ?
		    pm_pick(w, pm_proc(exec), pm_is_port) :
		    pm_chance(w, 50) ? -1 :
		    pm_pick(w, pm_proc(exec), pm_is_file);
		pm_say(w, " %d", op.op_ports[n]);
	}
	pm_say(w, ": ");
	op.op_events = (int)pm_below(w, 100);
	op.op_user = user(w);
	call(w, exec, &op, pm_sent_list, "port_sendn");
}

static void
act_alert(struct pm_world *w, int exec)
{
	struct pm_op op = { .op_call = PM_ALERT };

	if ((op.op_port = pm_pick(w, pm_proc(exec), pm_is_port)) == -1)
		return;
	op.op_flags = (int)pm_below(w, 4);
	op.op_events = pm_chance(w, 60) ? 0 : 1 + (int)pm_below(w, 100);
	op.op_user = user(w);
	call(w, exec, &op, pm_alerted, "port_alert");
}

static void
act_get(struct pm_world *w, int exec, enum pm_call how)
{
	struct pm_op op = { .op_call = how };

	if ((op.op_port = pm_pick(w, pm_proc(exec), pm_is_port)) == -1)
		return;
	op.op_ms = pm_chance(w, 90) ? 0 : 1;
	op.op_max = 1;
	op.op_n = 1;
	if (how == PM_GETN) {
		op.op_max = 1 + pm_below(w, PM_LIST);
		op.op_n = pm_chance(w, 70) ? 1 : pm_below(w, op.op_max + 2);
	}
	call(w, exec, &op, got, how == PM_GET ? "port_get" : "port_getn");
}

static void
act_count(struct pm_world *w, int exec)
{
	struct pm_op op = { .op_call = PM_COUNTED };

	if ((op.op_port = pm_pick(w, pm_proc(exec), pm_is_port)) != -1)
		call(w, exec, &op, pm_counted, "port_getn");
}

/*
 * A thread of the portable mechanisms has what was closed until somebody of its
 * process waits, and another process would see that.
 */
static void
let_go(struct pm_world *w, int exec)
{

	if (w->pw_linux)
		return;
	pm_touch(w);
	pm_settle(w);
	act_count(w, exec);
}

static void
act_poll(struct pm_world *w, int exec)
{
	struct pm_op op = { .op_call = PM_POLLED };
	bool may, must;

	if ((op.op_port = pm_pick(w, pm_proc(exec), pm_is_port)) == -1)
		return;
	op.op_n = 1;
	pm_due(w, exec, &op, &must, &may);
	op.op_ms = must ? evt_port_delay() : 0;
	/* The wait that sleeps may have a report in hand, not yet queued. */
	if (must && w->pw_waiter != -1)
		op.op_ms = EVT_WAIT_MS;
	call(w, exec, &op, pm_polled, "poll");
}

static void
act_sleep(struct pm_world *w, int exec)
{
	struct pm_op op = { .op_call = PM_GETN, .op_ms = -1 };
	bool may, must;

	if (exec == 0 || w->pw_waiter != -1)
		return;
	if ((op.op_port = pm_pick(w, pm_proc(exec), pm_is_port)) == -1)
		return;
	op.op_max = 1 + pm_below(w, 4);
	op.op_n = pm_chance(w, 60) ? 1 : 1 + pm_below(w, op.op_max);
	pm_due(w, exec, &op, &must, &may);
	if (may)
		return;
	pm_say(w, "[%d] port_getn(%d, max %u, n %u) sleeps\n", exec,
	    op.op_port, op.op_max, op.op_n);
	pm_exec_tell(&w->pw_exec[exec], &op);
	w->pw_waiter = exec;
	w->pw_op = op;
}

/* What is no port. */
static void
compare_bad(struct pm_world *w, int exec, const struct pm_op *op,
    const struct pm_reply *re)
{
	int error = op->op_port == -1 ? EBADF : EBADFD;

	(void)exec;
	if (re->re_ret != -1 || re->re_error != error)
		pm_fail(w, "call %d through no port: %d, errno %d, not %d",
		    (int)op->op_call, re->re_ret, re->re_error, error);
}

static void
act_bad(struct pm_world *w, int exec)
{
	static const enum pm_call calls[] = {
		PM_ASSOCIATE, PM_DISSOCIATE, PM_SEND, PM_ALERT, PM_GETN,
		PM_GET, PM_COUNTED
	};
	struct pm_op op = { .op_max = 1, .op_n = 1 };

	op.op_call = calls[pm_below(w, EVT_NITEMS(calls))];
	op.op_port = pm_chance(w, 70) ?
	    pm_pick(w, pm_proc(exec), pm_is_file) : -1;
	call(w, exec, &op, compare_bad, "a call");
}

/* ---- processes ---------------------------------------------------------------------------------- */

static void
act_fork(struct pm_world *w)
{
	struct pm_exec *ex;
	int exec, fd;

	for (exec = 2; exec < PM_EXECS; exec++)
		if (!w->pw_exec[exec].ex_alive)
			break;
	if (exec == PM_EXECS || !evt_port_shared())
		return;
	ex = &w->pw_exec[exec];
	let_go(w, 0);
	w->pw_forked = true;
	pm_exec_fork(ex);
	pm_say(w, "fork(): [%d]\n", exec);
	for (fd = 0; fd < PM_NUMBERS; fd++)
		if (w->pw_fd[0][fd] != NULL)
			pm_named(w, pm_proc(exec), fd, w->pw_fd[0][fd]);
}

static void
act_kill(struct pm_world *w, int exec)
{
	if (exec < 2 || w->pw_waiter == exec)
		return;
	pm_say(w, "[%d] is killed\n", exec);
	pm_exec_end(&w->pw_exec[exec]);
	pm_exited(w, pm_proc(exec));
}

void
pm_act(struct pm_world *w, unsigned kind, int exec)
{
	if (!w->pw_exec[exec].ex_alive || exec == w->pw_waiter)
		exec = 0;
	w->pw_seq++;
	switch (kind) {
	case PM_ACT_NEW:
		act_new(w);
		break;
	case PM_ACT_WRITE:
	case PM_ACT_FILL:
		act_write(w, exec, kind == PM_ACT_FILL);
		break;
	case PM_ACT_READ:
		act_read(w, exec);
		break;
	case PM_ACT_CLOSE:
		act_close(w, exec);
		if (w->pw_forked)
			let_go(w, exec);
		break;
	case PM_ACT_DUP:
		act_dup(w);
		break;
	case PM_ACT_PORT:
		act_port(w);
		break;
	case PM_ACT_ASSOCIATE:
	case PM_ACT_DISSOCIATE:
		act_associate(w, exec, kind == PM_ACT_ASSOCIATE);
		break;
	case PM_ACT_SEND:
		act_send(w, exec);
		break;
	case PM_ACT_SENDN:
		act_sendn(w, exec);
		break;
	case PM_ACT_ALERT:
		act_alert(w, exec);
		break;
	case PM_ACT_GETN:
		act_get(w, exec, PM_GETN);
		break;
	case PM_ACT_GET:
		act_get(w, exec, PM_GET);
		break;
	case PM_ACT_COUNT:
		act_count(w, exec);
		break;
	case PM_ACT_POLL:
		act_poll(w, exec);
		break;
	case PM_ACT_SLEEP:
		act_sleep(w, exec);
		break;
	case PM_ACT_BAD:
		act_bad(w, exec);
		break;
	case PM_ACT_FORK:
		act_fork(w);
		break;
	case PM_ACT_KILL:
		act_kill(w, exec);
		break;
	}
	pm_touch(w);
	pm_settle(w);
}
