/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * pm_exec: threads and processes that do what they are told over a socket.
 */
#include "config.h"

#include "pm.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <stdlib.h>

static char buffer[4096];

static timespec_t *
timeout(const struct pm_op *op, timespec_t *ts)
{
	if (op->op_ms < 0)
		return (NULL);
	*ts = evt_ms(op->op_ms);
	return (ts);
}

/* Reads or writes until the file says no more; how much it was. */
static int
all(ssize_t (*fn)(int), int fd)
{
	ssize_t n;
	int sum = 0;

	while ((n = fn(fd)) > 0)
		sum += (int)n;
	return (sum);
}

static ssize_t
read_some(int fd)
{
	return (read(fd, buffer, sizeof(buffer)));
}

static ssize_t
write_some(int fd)
{
	return (write(fd, buffer, sizeof(buffer)));
}

static int
call(const struct pm_op *op, struct pm_reply *re)
{
	static const uint64_t one = 1;
	struct pollfd pfd = { .fd = op->op_port, .events = POLLIN };
	timespec_t ts;

	switch (op->op_call) {
	case PM_ASSOCIATE:
		return (port_associate(op->op_port, PORT_SOURCE_FD, op->op_fd,
		    op->op_events, op->op_user));
	case PM_DISSOCIATE:
		return (port_dissociate(op->op_port, PORT_SOURCE_FD,
		    op->op_fd));
	case PM_SEND:
		return (port_send(op->op_port, op->op_events, op->op_user));
	case PM_SENDN: {
		int ports[4];

		memcpy(ports, op->op_ports, sizeof(ports));
		return (port_sendn(ports, re->re_errors, op->op_n,
		    op->op_events, op->op_user));
	}
	case PM_ALERT:
		return (port_alert(op->op_port, op->op_flags, op->op_events,
		    op->op_user));
	case PM_GETN:
		return (port_getn(op->op_port, re->re_list, op->op_max,
		    &re->re_n, timeout(op, &ts)));
	case PM_GET:
		return (port_get(op->op_port, re->re_list, timeout(op, &ts)));
	case PM_COUNTED:
		return (port_getn(op->op_port, NULL, 0, &re->re_n, NULL));
	case PM_POLLED:
		return (poll(&pfd, 1, op->op_ms));
	case PM_WRITE:
		return ((int)write((int)op->op_fd, &one, sizeof(one)));
	case PM_READ:
		return (all(read_some, (int)op->op_fd));
	case PM_FILL:
		return (all(write_some, (int)op->op_fd));
	case PM_CLOSE:
		return (close((int)op->op_fd));
	}
	return (-1);
}

static void
obey(const struct pm_op *op, struct pm_reply *re)
{
	memset(re, 0, sizeof(*re));
	re->re_n = op->op_n;
	re->re_closed = op->op_fd > INT_MAX ||
	    fcntl((int)op->op_fd, F_GETFD) == -1;
	errno = 0;
	re->re_ret = call(op, re);
	re->re_error = errno;
}

static void
serve(int line)
{
	struct pm_reply re;
	struct pm_op op;

	while (read(line, &op, sizeof(op)) == (ssize_t)sizeof(op)) {
		obey(&op, &re);
		if (write(line, &re, sizeof(re)) != (ssize_t)sizeof(re))
			break;
	}
}

static void *
thread(void *arg)
{
	struct pm_exec *ex = arg;

	serve(ex->ex_end);
	return (NULL);
}

static void
lines(int line[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, line) == -1)
		abort();
}

void
pm_exec_thread(struct pm_exec *ex)
{
	int line[2];

	lines(line);
	ex->ex_line = line[0];
	ex->ex_end = line[1];
	ex->ex_alive = true;
	if (pthread_create(&ex->ex_thread, NULL, thread, ex) != 0)
		abort();
}

void
pm_exec_fork(struct pm_exec *ex)
{
	int line[2];

	lines(line);
	(void)fflush(NULL);
	if ((ex->ex_pid = fork()) == -1)
		abort();
	if (ex->ex_pid == 0) {
		(void)close(line[0]);
		(void)alarm(100);
		serve(line[1]);
		_exit(0);
	}
	(void)close(line[1]);
	ex->ex_line = line[0];
	ex->ex_alive = true;
}

void
pm_exec_end(struct pm_exec *ex)
{
	if (!ex->ex_alive)
		return;
	if (ex->ex_pid != 0) {
		(void)kill(ex->ex_pid, SIGKILL);
		(void)waitpid(ex->ex_pid, NULL, 0);
		(void)close(ex->ex_line);
	} else if (ex->ex_line != -1) {
		(void)shutdown(ex->ex_line, SHUT_RDWR);
		(void)pthread_join(ex->ex_thread, NULL);
		(void)close(ex->ex_line);
		(void)close(ex->ex_end);
	}
	memset(ex, 0, sizeof(*ex));
}

void
pm_exec_tell(struct pm_exec *ex, const struct pm_op *op)
{
	if (write(ex->ex_line, op, sizeof(*op)) != (ssize_t)sizeof(*op))
		abort();
	ex->ex_busy = true;
}

bool
pm_exec_hear(struct pm_exec *ex, struct pm_reply *re, bool wait)
{
	ssize_t n;

	n = recv(ex->ex_line, re, sizeof(*re), wait ? 0 : MSG_DONTWAIT);
	if (n == -1 && !wait && errno == EAGAIN)
		return (false);
	if (n != (ssize_t)sizeof(*re))
		abort();
	ex->ex_busy = false;
	return (true);
}

void
pm_call(struct pm_world *w, int exec, const struct pm_op *op,
    struct pm_reply *re)
{
	struct pm_exec *ex = &w->pw_exec[exec];

	if (ex->ex_line == -1) {
		obey(op, re);
		return;
	}
	pm_exec_tell(ex, op);
	(void)pm_exec_hear(ex, re, true);
}
