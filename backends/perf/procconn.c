/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * procconn: forks and execs on Linux, by the kernel's process connector.
 *
 * Feeds:   one netlink socket per instance, with EVANY__LEVEL.
 * State:   struct procconn.
 * Life:    as long as somebody collects.
 * Race:    the kernel sends a fork's message before the child runs, so causes
 *          come first.  A full socket loses messages and says so (ENOBUFS);
 *          it has room for what a busy system does while nobody looks.
 * Locks:   the instance's.
 * Fork:    the child closes its copy.
 *
 * It tells of every process of the system, and only in the first namespaces
 * of pids and networks; before Linux 6.6 only to privileged programs.
 */
#include "config.h"

#include "backends/perf/procsource.h"

#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/connector.h>
#include <linux/netlink.h>

#include <linux/cn_proc.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/rawcall.h"

/*
 * In the kernel's count, which takes almost a kilobyte for each message: what
 * a socket has by default is full after a hundred processes.
 */
#define CONN_ROOM	(8 * 1024 * 1024)

struct procconn {
	struct evany__feeder	 cn_feeder;	/* (i) */
	struct evany__inst	*cn_inst;	/* (c) */
	void			(*cn_ready)(void *); /* (c) */
	void			*cn_arg;	/* (c) */
	int64_t			 cn_boot;	/* (c) boot time less monotonic */
	int			 cn_fd;		/* (c) */
};

static void
sys_close(int fd)
{
	(void)syscall(SYS_close, fd);
}

/* The next message, its size in *sizep; 0, EAGAIN, ENOBUFS. */
static int
conn_receive(int fd, void *buf, size_t room, size_t *sizep)
{
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);
	ssize_t n;
	int cancel, error = 0;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	do
		n = evany__recvfrom(fd, buf, room, MSG_DONTWAIT,
		    (struct sockaddr *)&from, &len);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		error = errno;
	(void)pthread_setcancelstate(cancel, NULL);
	if (error != 0)
		return (error);
	/* Anybody may send to a netlink socket; port 0 is the kernel. */
	*sizep = from.nl_pid == 0 ? (size_t)n : 0;
	return (0);
}

/* The event in a packet; false if there is none. */
static bool
conn_event(const char *buf, size_t size, struct proc_event *ev)
{
	const size_t head = NLMSG_HDRLEN + sizeof(struct cn_msg);
	struct cn_msg msg;
	size_t len;

	if (size < head)
		return (false);
	memcpy(&msg, buf + NLMSG_HDRLEN, sizeof(msg));
	if (msg.id.idx != CN_IDX_PROC || msg.id.val != CN_VAL_PROC)
		return (false);
	len = size - head < msg.len ? size - head : msg.len;
	memset(ev, 0, sizeof(*ev));
	memcpy(ev, buf + head, len < sizeof(*ev) ? len : sizeof(*ev));
	return (len >= offsetof(struct proc_event, event_data));
}

static int
conn_ask(int fd, enum proc_cn_mcast_op op)
{
	char buf[NLMSG_HDRLEN + sizeof(struct cn_msg) + sizeof(op)];
	struct nlmsghdr header = { .nlmsg_len = sizeof(buf),
	    .nlmsg_type = NLMSG_DONE };
	struct cn_msg msg = { .id = { CN_IDX_PROC, CN_VAL_PROC },
	    .len = sizeof(op) };
	int cancel, error = 0;

	memset(buf, 0, sizeof(buf));
	memcpy(buf, &header, sizeof(header));
	memcpy(buf + NLMSG_HDRLEN, &msg, sizeof(msg));
	memcpy(buf + NLMSG_HDRLEN + sizeof(msg), &op, sizeof(op));
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (evany__send(fd, buf, sizeof(buf), MSG_DONTWAIT) == -1)
		error = errno;
	(void)pthread_setcancelstate(cancel, NULL);
	return (error);
}

/*
 * The kernel answers before send(2) returns, or not at all if it does not
 * serve us.  Events may stand before the answer.
 */
static int
conn_subscribe(int fd)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK,
	    .nl_groups = CN_IDX_PROC };
	struct proc_event ev;
	char buf[4096];
	size_t size;
	int error;

	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		return (errno);
	if ((error = conn_ask(fd, PROC_CN_MCAST_LISTEN)) != 0)
		return (error);
	for (;;) {
		if ((error = conn_receive(fd, buf, sizeof(buf), &size)) != 0)
			return (error);
		if (conn_event(buf, size, &ev) && (unsigned)ev.what == 0)
			return ((int)ev.event_data.ack.err);
	}
}

/* Who may subscribe on older systems may go beyond the limit for others. */
static void
conn_make_room(int fd)
{
	int room = CONN_ROOM / 2;	/* the kernel doubles it */

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room,
	    sizeof(room)) == -1)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room,
		    sizeof(room));
}

static int64_t
clock_ns(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return ((int64_t)ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec);
}

static void
conn_feeder_ready(struct evany__inst *inst, struct evany__feeder *fe,
    unsigned bits)
{
	struct procconn *cn = (struct procconn *)(void *)((char *)fe -
	    offsetof(struct procconn, cn_feeder));

	(void)inst;
	(void)bits;
	cn->cn_ready(cn->cn_arg);
}

static int
conn_open(struct evany__inst *inst, pid_t pid, void (*ready)(void *),
    void *arg, void **handlep)
{
	struct procconn *cn;
	int error;

	(void)pid;
	if ((cn = calloc(1, sizeof(*cn))) == NULL)
		return (ENOMEM);
	cn->cn_inst = inst;
	cn->cn_ready = ready;
	cn->cn_arg = arg;
	cn->cn_feeder.fe_fd = -1;
	cn->cn_feeder.fe_ready = conn_feeder_ready;
	cn->cn_boot = clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC);
	cn->cn_fd = evany__inner(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, NETLINK_CONNECTOR));
	if (cn->cn_fd == -1)
		error = errno;
	else {
		conn_make_room(cn->cn_fd);
		error = conn_subscribe(cn->cn_fd);
		if (error == 0)
			error = evany__inst_feed(inst, &cn->cn_feeder,
			    cn->cn_fd, EVANY__LEVEL);
		if (error != 0)
			sys_close(cn->cn_fd);
	}
	if (error == 0) {
		*handlep = cn;
		return (0);
	}
	free(cn);
	return (error == ENOMEM || error == EMFILE || error == ENFILE ?
	    error : ENOTSUP);
}

static void
conn_close(void *handle)
{
	struct procconn *cn = handle;

	evany__inst_unfeed(cn->cn_inst, &cn->cn_feeder);
	(void)conn_ask(cn->cn_fd, PROC_CN_MCAST_IGNORE);
	sys_close(cn->cn_fd);
	free(cn);
}

static void
conn_fork_child(void *handle)
{
	struct procconn *cn = handle;

	sys_close(cn->cn_fd);
}

static bool
conn_record(const struct procconn *cn, const struct proc_event *ev,
    struct evany__procrec *rec)
{
	*rec = (struct evany__procrec){ .pr_time =
	    (int64_t)ev->timestamp_ns + cn->cn_boot };
	switch ((unsigned)ev->what) {
	case 0x00000001U:	/* PROC_EVENT_FORK, of threads too */
		rec->pr_act = EVANY__PR_FORK;
		rec->pr_pid = ev->event_data.fork.child_tgid;
		rec->pr_parent = ev->event_data.fork.parent_tgid;
		return (ev->event_data.fork.child_pid ==
		    ev->event_data.fork.child_tgid);
	case 0x00000002U:	/* PROC_EVENT_EXEC */
		rec->pr_act = EVANY__PR_EXEC;
		rec->pr_pid = ev->event_data.exec.process_tgid;
		return (true);
	case 0x80000000U:	/* PROC_EVENT_EXIT */
		rec->pr_act = EVANY__PR_EXIT;
		rec->pr_pid = ev->event_data.exit.process_tgid;
		rec->pr_told = true;
		rec->pr_status = (int64_t)ev->event_data.exit.exit_code;
		return (ev->event_data.exit.process_pid ==
		    ev->event_data.exit.process_tgid);
	default:
		return (false);
	}
}

static void
conn_collect(void *handle, void (*fn)(void *, const struct evany__procrec *),
    void *arg)
{
	struct procconn *cn = handle;
	struct evany__procrec rec;
	struct proc_event ev;
	char buf[4096];
	size_t size;
	int error, turns;

	/* The rest, if any, is reported again. */
	for (turns = 0; turns < 1024; turns++) {
		error = conn_receive(cn->cn_fd, buf, sizeof(buf), &size);
		if (error == ENOBUFS) {
			rec = (struct evany__procrec){
			    .pr_act = EVANY__PR_LOST };
			fn(arg, &rec);
		} else if (error != 0)
			break;
		else if (conn_event(buf, size, &ev) &&
		    conn_record(cn, &ev, &rec))
			fn(arg, &rec);
	}
}

const struct evany__procsource evany__procsource_connector = {
	.sr_name = "connector",
	.sr_all = true,
	.sr_open = conn_open,
	.sr_close = conn_close,
	.sr_collect = conn_collect,
	.sr_fork_child = conn_fork_child
};
