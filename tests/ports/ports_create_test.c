/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * The descriptor of a port: made, closed, duplicated, sent, kept over exec.
 */
#include "config.h"

#include "evt_port.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define NUMBER	200		/* one that nobody else uses */

/* Every call on the port must fail so. */
static void
all_fail(int port, int error)
{
	port_event_t ev;
	unsigned int n = 1;
	int fd;

	ATF_REQUIRE_EQ(EVT_ERRNO(port_send(port, 1, NULL)), error);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_alert(port, PORT_ALERT_SET, 1, NULL)),
	    error);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_alert(port, 0, 0, NULL)), error);
	ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, 0), error);
	ATF_REQUIRE_EQ(evt_port_get_ms(port, &ev, -1), error);
	ATF_REQUIRE_EQ(evt_port_getn_ms(port, &ev, 1, &n, 0), error);
	ATF_REQUIRE_EQ(evt_port_getn_ms(port, NULL, 0, &n, 0), error);
	ATF_REQUIRE_EQ(n, 1);
	fd = open("/dev/null", O_RDONLY);
	ATF_REQUIRE_EQ(evt_port_fd_errno(port, fd, POLLIN, NULL), error);
	ATF_REQUIRE_EQ(evt_port_off_errno(port, fd), error);
	evt_close(fd);
}

/* ---- making and closing ------------------------------------------------- */

EVT_TC(port_create__empty, "PORT-001",
    "A new port is a valid number and holds nothing")
{
	int port;

	port = evt_port();
	ATF_REQUIRE(port >= 0);
	ATF_REQUIRE_EQ(evt_port_count(port), 0);
	evt_port_none(port);
	evt_close(port);
}

EVT_TC(port_create__close_on_exec_is_off, "PORT-002",
    "Close-on-exec is clear, can be set, and nothing else that was opened "
    "lacks it")
{
	unsigned char before[256];
	int fd, p[2], port;

	for (fd = 0; fd < 256; fd++)
		before[fd] = fcntl(fd, F_GETFD) != -1;
	port = evt_port();
	ATF_REQUIRE_EQ(fcntl(port, F_GETFD) & FD_CLOEXEC, 0);
	ATF_REQUIRE_EQ(fcntl(port, F_SETFD, FD_CLOEXEC), 0);
	evt_port_send(port, 1, NULL);
	ATF_REQUIRE(fcntl(port, F_GETFD) & FD_CLOEXEC);
	evt_pipe(p);
	ATF_REQUIRE_EQ(fcntl(p[0], F_SETFD, FD_CLOEXEC), 0);
	ATF_REQUIRE_EQ(fcntl(p[1], F_SETFD, FD_CLOEXEC), 0);
	evt_port_fd(port, p[0], POLLIN, NULL);
	for (fd = 0; fd < 256; fd++)
		if (!before[fd] && fcntl(fd, F_GETFD) != -1)
			ATF_REQUIRE_MSG(fcntl(fd, F_GETFD) & FD_CLOEXEC,
			    "%d lacks it", fd);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(port);
}

EVT_TC(port_create__independent, "PORT-003",
    "What is sent to, associated with or told one port is not another's")
{
	port_event_t ev;
	int a, b, p[2];

	a = evt_port();
	b = evt_port();
	evt_pipe(p);
	evt_write(p[1], 1);
	evt_port_send(a, 1, EVT_USER(1));
	evt_port_fd(a, p[0], POLLIN, EVT_USER(2));
	ATF_REQUIRE_EQ(evt_port_count(b), 0);
	evt_port_none(b);
	ATF_REQUIRE_EQ(evt_port_off_errno(b, p[0]), ENOENT);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_alert(b, PORT_ALERT_SET, 7, NULL)), 0);
	evt_port_one(b, &ev);
	EVT_PORT_ALERT(&ev, 7, NULL);
	ATF_REQUIRE_EQ(evt_port_count(a), 2);
	ATF_REQUIRE_EQ(evt_port_get_ms(a, &ev, EVT_WAIT_MS), 0);
	EVT_PORT_USER(&ev, 1, EVT_USER(1));
	evt_close(b);
	evt_port_one(a, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(2));
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(a);
}

EVT_TC(port_create__many, "PORT-003 PORT-182",
    "Three hundred ports at once have their own events, and many times as "
    "many may be made one after the other")
{
	port_event_t ev;
	int i, port[300];

	evt_skip_stacked();
	for (i = 0; i < EVT_NITEMS(port); i++) {
		port[i] = evt_port();
		evt_port_send(port[i], i, NULL);
	}
	for (i = EVT_NITEMS(port) - 1; i >= 0; i--) {
		evt_port_one(port[i], &ev);
		EVT_PORT_USER(&ev, i, NULL);
		evt_close(port[i]);
	}
	/* More than may be at once, so what was closed no longer counts. */
	for (i = 0; i < 9000; i++)
		evt_close(evt_port());
}

EVT_TC(port_create__no_number_left, "PORT-004",
    "With the descriptor table full port_create is EMFILE and leaves nothing")
{
	struct rlimit old, rl;
	int fd[256], first, second, freed, n, port;

	ATF_REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
	rl = old;
	rl.rlim_cur = 128;
	ATF_REQUIRE(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	for (n = 0; n < 256 && (fd[n] = dup(0)) != -1; n++)
		continue;
	first = EVT_ERRNO(port_create());
	second = EVT_ERRNO(port_create());
	freed = 0;
	do {
		evt_close(fd[--n]);
		freed++;
		port = port_create();
	} while (port == -1 && n > 1);
	ATF_REQUIRE(port != -1);
	evt_close(fd[--n]);	/* a failure would need a number */
	ATF_REQUIRE_EQ(first, EMFILE);
	ATF_REQUIRE_EQ(second, EMFILE);
	EVT_APPROX(freed == 1, "helpers need numbers too");
	ATF_REQUIRE(freed <= 8);
	evt_port_send(port, 1, NULL);
	evt_close(port);
	while (n > 0)
		evt_close(fd[--n]);
	ATF_REQUIRE(setrlimit(RLIMIT_NOFILE, &old) == 0);
}

EVT_TC(close__every_call_is_ebadf, "PORT-005",
    "After close() every call on the number is EBADF")
{
	int p[2], port;

	port = evt_move(evt_port(), NUMBER);
	evt_port_send(port, 1, NULL);
	evt_pipe(p);
	evt_port_fd(port, p[0], POLLIN, NULL);
	evt_close(port);
	all_fail(port, EBADF);
	all_fail(port, EBADF);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(close__next_port_is_fresh, "PORT-006",
    "A new port under the old number has no events, associations or alert")
{
	port_event_t ev;
	int i, p[2], port;

	evt_pipe(p);
	for (i = 0; i < 20; i++) {
		port = evt_move(evt_port(), NUMBER);
		ATF_REQUIRE_EQ(evt_port_count(port), 0);
		evt_port_none(port);
		ATF_REQUIRE_EQ(evt_port_off_errno(port, p[0]), ENOENT);
		evt_port_send(port, 1, NULL);
		evt_port_fd(port, p[0], POLLIN, EVT_USER(i));
		evt_write(p[1], 1);
		ATF_REQUIRE_EQ(EVT_ERRNO(port_alert(port, PORT_ALERT_SET, 1,
		    NULL)), 0);
		ATF_REQUIRE_EQ(evt_port_count(port), 2);
		evt_close(port);
	}
	port = evt_move(evt_port(), NUMBER);
	evt_port_none(port);
	evt_port_fd(port, p[0], POLLIN, EVT_USER(99));
	evt_port_one(port, &ev);
	EVT_PORT_FD(&ev, p[0], POLLIN, EVT_USER(99));
	evt_close(port);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(close__number_taken_by_another_file, "PORT-005 PORT-188",
    "When the number names a pipe every call is EBADFD and the pipe is "
    "left alone")
{
	int p[2], port;
	char c;

	port = evt_move(evt_port(), NUMBER);
	evt_port_send(port, 1, NULL);
	evt_close(port);
	evt_pipe(p);
	evt_write(p[1], 1);
	(void)evt_move(p[0], NUMBER);
	all_fail(NUMBER, EBADFD);
	ATF_REQUIRE_EQ(read(NUMBER, &c, 1), 1);
	evt_close(NUMBER);
	evt_close(p[1]);
}

EVT_TC(dup2__closes_the_port, "PORT-013",
    "dup2() onto the port ends it: the number is what was put there")
{
	port_event_t ev;
	int other, p[2], port;

	port = evt_move(evt_port(), NUMBER);
	evt_port_send(port, 1, NULL);
	evt_pipe(p);
	ATF_REQUIRE_EQ(dup2(p[0], port), port);
	all_fail(port, EBADFD);

	/* a port over a port, back and forth */
	port = evt_move(evt_port(), NUMBER);
	other = evt_port();
	evt_port_send(port, 2, NULL);
	evt_port_send(other, 3, NULL);
	ATF_REQUIRE_EQ(dup2(other, port), port);
	evt_port_one(port, &ev);
	EVT_PORT_USER(&ev, 3, NULL);
	evt_port_send(port, 4, NULL);
	evt_port_one(other, &ev);
	EVT_PORT_USER(&ev, 4, NULL);
	evt_close(port);
	all_fail(port, EBADF);
	evt_port_send(other, 5, NULL);
	evt_port_one(other, &ev);
	EVT_PORT_USER(&ev, 5, NULL);
	evt_close(other);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- duplicates ---------------------------------------------------------- */

EVT_TC(dup__same_queue, "PORT-009",
    "Events, associations and alert mode are the same under both numbers")
{
	port_event_t ev;
	int fd[2], p, q;

	p = evt_port();
	ATF_REQUIRE((q = dup(p)) != -1);
	evt_port_send(p, 1, NULL);
	ATF_REQUIRE_EQ(evt_port_count(q), 1);
	evt_port_one(q, &ev);
	EVT_PORT_USER(&ev, 1, NULL);
	evt_port_send(q, 2, NULL);
	evt_port_one(p, &ev);
	EVT_PORT_USER(&ev, 2, NULL);

	ATF_REQUIRE_EQ(EVT_ERRNO(port_alert(q, PORT_ALERT_SET, 3, NULL)), 0);
	evt_port_one(p, &ev);
	EVT_PORT_ALERT(&ev, 3, NULL);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_alert(p, PORT_ALERT_SET, 0, NULL)), 0);
	evt_port_none(q);

	evt_pipe(fd);
	evt_port_fd(p, fd[0], POLLIN, EVT_USER(4));
	evt_write(fd[1], 1);
	evt_port_one(q, &ev);
	EVT_PORT_FD(&ev, fd[0], POLLIN, EVT_USER(4));
	evt_port_fd(q, fd[0], POLLIN, EVT_USER(5));
	evt_port_off(p, fd[0]);
	evt_port_none(q);
	evt_close(fd[0]);
	evt_close(fd[1]);
	evt_close(p);
	evt_close(q);
}

EVT_TC(dup__first_number_closed, "PORT-010",
    "Events queued before are retrieved through a duplicate, and the port "
    "goes on under it")
{
	port_event_t ev;
	int p, q;

	p = evt_move(evt_port(), NUMBER);
	evt_port_send(p, 1, NULL);
	evt_port_send(p, 2, NULL);
	ATF_REQUIRE((q = dup(p)) != -1);
	evt_close(p);
	all_fail(p, EBADF);
	ATF_REQUIRE_EQ(evt_port_count(q), 2);
	ATF_REQUIRE_EQ(evt_port_get_ms(q, &ev, 0), 0);
	EVT_PORT_USER(&ev, 1, NULL);
	evt_port_send(q, 3, NULL);
	ATF_REQUIRE_EQ(evt_port_get_ms(q, &ev, 0), 0);
	EVT_PORT_USER(&ev, 2, NULL);
	evt_port_one(q, &ev);
	EVT_PORT_USER(&ev, 3, NULL);

	/* another port gets the first number: they are two */
	p = evt_move(evt_port(), NUMBER);
	evt_port_send(p, 4, NULL);
	evt_port_none(q);
	evt_port_one(p, &ev);
	EVT_PORT_USER(&ev, 4, NULL);
	evt_close(p);
	evt_close(q);
}

EVT_TC(dup__one_closed_beside_associations, "PORT-011",
    "Closing a duplicate may end associations and alert mode, as it does "
    "natively; USER events stay and new associations work")
{
	port_event_t ev[4];
	int fd[2], i, n, p, q;

	p = evt_port();
	ATF_REQUIRE((q = dup(p)) != -1);
	evt_pipe(fd);
	evt_port_fd(p, fd[0], POLLIN, EVT_USER(1));
	evt_port_send(p, 2, NULL);
	ATF_REQUIRE_EQ(EVT_ERRNO(port_alert(p, PORT_ALERT_SET, 3, NULL)), 0);
	evt_close(q);
	evt_write(fd[1], 1);
	n = evt_port_poll(p, ev, 1);
	ATF_REQUIRE_EQ(n, 1);
	EVT_APPROX(ev[0].portev_source != PORT_SOURCE_ALERT,
	    "alert mode outlives a duplicate");
	if (ev[0].portev_source == PORT_SOURCE_ALERT) {
		EVT_PORT_ALERT(&ev[0], 3, NULL);
		ATF_REQUIRE_EQ(EVT_ERRNO(port_alert(p, 0, 0, NULL)), 0);
		n = evt_port_poll(p, ev, 1);
		ATF_REQUIRE_EQ(n, 1);
	}
	EVT_PORT_USER(&ev[0], 2, NULL);
	n = evt_port_poll(p, ev, 4);
	EVT_APPROX(n == 0, "associations outlive a duplicate");
	for (i = 0; i < n; i++)
		EVT_PORT_FD(&ev[i], fd[0], POLLIN, EVT_USER(1));
	ATF_REQUIRE(n <= 1);
	evt_port_fd(p, fd[0], POLLIN, EVT_USER(4));
	evt_port_one(p, ev);
	EVT_PORT_FD(ev, fd[0], POLLIN, EVT_USER(4));
	evt_close(fd[0]);
	evt_close(fd[1]);
	evt_close(p);
}

/* ---- what other calls make of it ------------------------------------------ */

EVT_TC(fstat__succeeds, "PORT-016",
    "Natively fstat() tells of a port and its queue; elsewhere it succeeds")
{
	struct stat st;
	int port;

	port = evt_port();
	evt_port_send(port, 1, NULL);
	evt_port_send(port, 1, NULL);
	ATF_REQUIRE_EQ(fstat(port, &st), 0);
	if (evt_port_native()) {
		ATF_REQUIRE_EQ(st.st_mode, 0xE000);
		ATF_REQUIRE_EQ(st.st_size, 2);
		ATF_REQUIRE_EQ(st.st_uid, geteuid());
		ATF_REQUIRE_EQ(st.st_ino, 0);
	}
	ATF_REQUIRE(!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
	ATF_REQUIRE_EQ(evt_port_count(port), 2);
	evt_close(port);
}

EVT_TC(read__and_write_fail, "PORT-017",
    "read() and write() on a port fail and take nothing")
{
	char buf[64] = "";
	port_event_t ev;
	int error, port;

	port = evt_port();
	evt_port_send(port, 1, NULL);
	ATF_REQUIRE_EQ(fcntl(port, F_SETFL, O_NONBLOCK), 0);
	error = EVT_ERRNO(read(port, buf, sizeof(buf)));
	if (strcmp(evt_backend(), "linux") == 0 || evt_port_native())
		ATF_REQUIRE(error != 0);
	EVT_APPROX(error == EBADF, "another number");
	error = EVT_ERRNO(write(port, buf, sizeof(buf)));
	ATF_REQUIRE(error != 0);
	EVT_APPROX(error == EBADF, "another number");
	evt_port_one(port, &ev);
	EVT_PORT_USER(&ev, 1, NULL);
	evt_close(port);
}

EVT_TC(nonblock__gets_still_wait, "PORT-017",
    "O_NONBLOCK on a port changes nothing: a get waits")
{
	struct evt_port_wait w;
	int port;

	port = evt_port();
	ATF_REQUIRE_EQ(fcntl(port, F_SETFL, O_NONBLOCK), 0);
	evt_port_idle(port);
	evt_port_wait_start(&w, port, 1, -1);
	evt_port_wait_on(&w);
	evt_port_send(port, 9, NULL);
	evt_port_wait_end(&w);
	ATF_REQUIRE_EQ(w.pw_error, 0);
	EVT_PORT_USER(&w.pw_list[0], 9, NULL);
	evt_close(port);
}

/* ---- exec ------------------------------------------------------------------ */

/* In the new image. */
static int
exec_check(int port)
{
	port_event_t ev;
	int own;

	if (evt_port_native()) {
		EVT_CHILD(evt_port_get_ms(port, &ev, 0) == 0);
		EVT_CHILD(ev.portev_source == PORT_SOURCE_USER &&
		    ev.portev_events == 77);
		return (0);
	}
	EVT_CHILD(fcntl(port, F_GETFD) != -1);
	EVT_CHILD(EVT_ERRNO(port_send(port, 1, NULL)) == EBADFD);
	EVT_CHILD(evt_port_get_ms(port, &ev, 0) == EBADFD);
	/* A port of its own does not change that. */
	EVT_CHILD((own = port_create()) != -1);
	EVT_CHILD(port_send(own, 5, NULL) == 0);
	EVT_CHILD(EVT_ERRNO(port_send(port, 1, NULL)) == EBADFD);
	EVT_CHILD(evt_port_get_ms(own, &ev, 0) == 0 &&
	    ev.portev_events == 5);
	return (0);
}

__attribute__((__constructor__)) static void
exec_constructor(void)
{
	const char *s;

	if ((s = getenv("EVT_EXEC_PORT")) != NULL)
		_exit(exec_check(atoi(s)));
}

static int
child_execs(void *arg)
{
	char *argv[] = { arg, NULL };
	char number[16];
	int fd, port;

	for (fd = 3; fd < 256; fd++)
		(void)close(fd);
	EVT_CHILD((port = port_create()) != -1);
	EVT_CHILD(port_send(port, 77, NULL) == 0);
	(void)snprintf(number, sizeof(number), "%d", port);
	EVT_CHILD(setenv("EVT_EXEC_PORT", number, 1) == 0);
	(void)execv(arg, argv);
	EVT_CHILD(0);
	return (1);
}

EVT_TC(exec__port_is_kept, "PORT-014 PORT-002",
    "Over execve() natively the port lives on with its events; elsewhere the "
    "number is open and is no port")
{
#ifdef __sun
	static char self[] = "/proc/self/path/a.out";
#else
	static char self[] = "/proc/self/exe";
#endif

	if (access(self, X_OK) == -1)
		atf_tc_skip("the program cannot find itself");
	ATF_REQUIRE_EQ(evt_in_child(child_execs, self), 0);
}

/* ---- SCM_RIGHTS ------------------------------------------------------------ */

union control {
	char		buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr	align;
};

static void
message(struct msghdr *msg, struct iovec *iov, union control *u, char *c)
{
	memset(u, 0, sizeof(*u));
	memset(msg, 0, sizeof(*msg));
	iov->iov_base = c;
	iov->iov_len = 1;
	msg->msg_iov = iov;
	msg->msg_iovlen = 1;
	msg->msg_control = u->buf;
	msg->msg_controllen = sizeof(u->buf);
}

static ssize_t
fd_send(int s, int fd)
{
	union control u;
	struct cmsghdr *cm;
	struct iovec iov;
	struct msghdr msg;
	char c = 'f';

	message(&msg, &iov, &u, &c);
	cm = CMSG_FIRSTHDR(&msg);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	return (sendmsg(s, &msg, 0));
}

static int
fd_receive(int s)
{
	union control u;
	struct cmsghdr *cm;
	struct iovec iov;
	struct msghdr msg;
	char c;
	int fd = -1;

	message(&msg, &iov, &u, &c);
	if (recvmsg(s, &msg, 0) == 1 && (cm = CMSG_FIRSTHDR(&msg)) != NULL)
		memcpy(&fd, CMSG_DATA(cm), sizeof(int));
	return (fd);
}

static int
receiver_main(int s)
{
	port_event_t ev;
	int fd, own;

	EVT_CHILD((own = port_create()) != -1);
	EVT_CHILD(port_send(own, 5, NULL) == 0);
	EVT_CHILD(write(s, "r", 1) == 1);
	EVT_CHILD((fd = fd_receive(s)) != -1);
	if (evt_port_native()) {
		EVT_CHILD(evt_port_get_ms(fd, &ev, 0) == 0);
		EVT_CHILD(ev.portev_events == 11);
		EVT_CHILD(port_send(fd, 12, NULL) == 0);
	} else {
		EVT_CHILD(evt_port_get_ms(fd, &ev, 0) == EBADFD);
		EVT_CHILD(EVT_ERRNO(port_send(fd, 12, NULL)) == EBADFD);
	}
	EVT_CHILD(evt_port_get_ms(own, &ev, 0) == 0 &&
	    ev.portev_events == 5);
	return (0);
}

EVT_TC(sendmsg__port_to_a_stranger, "PORT-015",
    "A port sent through a socket is natively the receiver's too; elsewhere "
    "what arrives is no port for him")
{
	port_event_t ev;
	pid_t pid;
	int port, s[2];
	char c;

	evt_sockpair(s, SOCK_STREAM);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)alarm(20);
		(void)close(s[1]);
		_exit(receiver_main(s[0]));
	}
	evt_close(s[0]);
	port = evt_port();
	evt_port_send(port, 11, NULL);
	ATF_REQUIRE_EQ(read(s[1], &c, 1), 1);
	ATF_REQUIRE_EQ(fd_send(s[1], port), 1);
	ATF_REQUIRE_EQ(evt_reap(pid), 0);
	evt_port_one(port, &ev);
	EVT_PORT_USER(&ev, evt_port_native() ? 12 : 11, NULL);
	evt_close(port);
	evt_close(s[1]);
}

EVT_TC(dup__first_association_later, "PORT-012",
    "A port that has lost its first number, to another file too, takes its "
    "first association by a duplicate")
{
	port_event_t ev;
	int fd[2], p, q, reused;
	char c;

	if (evt_port_native())
		atf_tc_skip("a port of the system's may refuse it");
	evt_pipe(fd);
	for (reused = 0; reused < 2; reused++) {
		p = evt_move(evt_port(), NUMBER);
		ATF_REQUIRE((q = dup(p)) != -1);
		evt_close(p);
		if (reused)
			ATF_REQUIRE_EQ(dup2(fd[1], NUMBER), NUMBER);
		evt_port_fd(q, fd[0], POLLIN, EVT_USER(reused));
		evt_port_none(q);
		evt_write(fd[1], 1);
		evt_port_one(q, &ev);
		EVT_PORT_FD(&ev, fd[0], POLLIN, EVT_USER(reused));
		ATF_REQUIRE_EQ(read(fd[0], &c, 1), 1);
		if (reused)
			evt_close(NUMBER);
		evt_close(q);
	}
	evt_close(fd[0]);
	evt_close(fd[1]);
}

EVT_TC(sendmsg__port_to_oneself, "PORT-015 PORT-009",
    "A port that comes back through a socket is a duplicate like any other")
{
	port_event_t ev;
	int again, port, s[2];

	evt_sockpair(s, SOCK_STREAM);
	port = evt_port();
	ATF_REQUIRE_EQ(fd_send(s[1], port), 1);
	ATF_REQUIRE((again = fd_receive(s[0])) != -1);
	evt_port_send(again, 1, NULL);
	evt_port_one(port, &ev);
	EVT_PORT_USER(&ev, 1, NULL);
	evt_close(port);
	evt_port_send(again, 2, NULL);
	evt_port_one(again, &ev);
	EVT_PORT_USER(&ev, 2, NULL);
	evt_close(again);
	evt_close(s[0]);
	evt_close(s[1]);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, port_create__empty);
	EVT_TP_ADD_TC(tp, port_create__close_on_exec_is_off);
	EVT_TP_ADD_TC(tp, port_create__independent);
	EVT_TP_ADD_TC(tp, port_create__many);
	EVT_TP_ADD_TC(tp, port_create__no_number_left);
	EVT_TP_ADD_TC(tp, close__every_call_is_ebadf);
	EVT_TP_ADD_TC(tp, close__next_port_is_fresh);
	EVT_TP_ADD_TC(tp, close__number_taken_by_another_file);
	EVT_TP_ADD_TC(tp, dup2__closes_the_port);
	EVT_TP_ADD_TC(tp, dup__same_queue);
	EVT_TP_ADD_TC(tp, dup__first_number_closed);
	EVT_TP_ADD_TC(tp, dup__first_association_later);
	EVT_TP_ADD_TC(tp, dup__one_closed_beside_associations);
	EVT_TP_ADD_TC(tp, fstat__succeeds);
	EVT_TP_ADD_TC(tp, read__and_write_fail);
	EVT_TP_ADD_TC(tp, nonblock__gets_still_wait);
	EVT_TP_ADD_TC(tp, exec__port_is_kept);
	EVT_TP_ADD_TC(tp, sendmsg__port_to_a_stranger);
	EVT_TP_ADD_TC(tp, sendmsg__port_to_oneself);
	return (atf_no_error());
}
