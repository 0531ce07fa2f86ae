/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Queues and other processes: fork(), execve(), a queue sent through a socket.
 *
 * A child reports by its exit status: 0, or the line of the first thing that
 * was wrong (CHILD).  For execve() the program runs itself again; the
 * constructor below then looks around instead of running cases.
 */
#include "config.h"

#include "evt.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* A wrong result ends the child; its line is told by the parent's failure. */
#define CHILD(cond) do {						\
	if (!(cond)) {							\
		(void)fprintf(stderr, "child, line %d: %s (errno %d)\n", \
		    __LINE__, #cond, errno);				\
		return (1);						\
	}								\
} while (0)

static int
child_kevent(int kq, struct kevent *ev, int n, int ms)
{
	return (evt_kevent_ms(kq, NULL, 0, ev, n, ms));
}

static int
child_change(int kq, uintptr_t ident, int filter, int flags,
    unsigned int fflags, int data)
{
	struct kevent ev;

	EV_SET(&ev, ident, (short)filter, (unsigned short)flags, fflags, data,
	    NULL);
	return (kevent(kq, &ev, 1, NULL, 0, NULL));
}

/* ---- fork ------------------------------------------------------------- */

struct family {
	int	fa_kq;
	int	fa_dup;
	int	fa_pipe[2];
	int	fa_more;
};

/* The number is not open, and no call reaches the parent's queue. */
static int
child_sees_no_queue(void *arg)
{
	struct family *fa = arg;
	struct kevent ev;
	int fds[2], i;

	fds[0] = fa->fa_kq;
	fds[1] = fa->fa_dup;
	for (i = 0; i < 2; i++) {
		errno = 0;
		CHILD(fcntl(fds[i], F_GETFD) == -1 && errno == EBADF);
		errno = 0;
		CHILD(child_kevent(fds[i], &ev, 1, 0) == -1 &&
		    errno == EBADF);
		errno = 0;
		CHILD(child_change(fds[i], 1, EVFILT_USER, 0, NOTE_TRIGGER,
		    0) == -1 && errno == EBADF);
		errno = 0;
		CHILD(close(fds[i]) == -1 && errno == EBADF);
	}
	return (0);
}

static void
family_make(struct family *fa)
{
	memset(fa, 0, sizeof(*fa));
	evt_pipe(fa->fa_pipe);
	fa->fa_kq = evt_kq();
	ATF_REQUIRE((fa->fa_dup = dup(fa->fa_kq)) != -1);
	evt_change(fa->fa_kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
	evt_change(fa->fa_kq, fa->fa_pipe[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(fa->fa_kq, 2, EVFILT_TIMER, EV_ADD, 0, 20, NULL);
	evt_change(fa->fa_kq, SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0, NULL);
}

static void
family_free(struct family *fa)
{
	evt_close(fa->fa_kq);
	evt_close(fa->fa_dup);
	evt_close(fa->fa_pipe[0]);
	evt_close(fa->fa_pipe[1]);
}

/* The parent's queue still has all of it. */
static void
family_check(struct family *fa)
{
	struct kevent ev[4];
	int64_t end;
	int i, n, seen;

	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	evt_change(fa->fa_kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	evt_write(fa->fa_pipe[1], 1);
	ATF_REQUIRE(raise(SIGURG) == 0);
	for (i = seen = 0; seen != 15 && evt_now_ns() < end; i++) {
		n = evt_get(i % 2 != 0 ? fa->fa_kq : fa->fa_dup, ev, 4);
		ATF_REQUIRE_MSG(n > 0, "nothing more, seen %#x", seen);
		while (n-- > 0)
			seen |= ev[n].filter == EVFILT_USER ? 1 :
			    ev[n].filter == EVFILT_READ ? 2 :
			    ev[n].filter == EVFILT_TIMER ? 4 :
			    ev[n].filter == EVFILT_SIGNAL ? 8 : 16;
	}
	ATF_REQUIRE_EQ(seen, 15);
	ATF_REQUIRE_EQ(evt_drain(fa->fa_pipe[0]), 1);
}

EVT_TC(fork__no_queue_in_the_child, "KQ-007",
    "In the child neither the queue's number nor a duplicate is open")
{
	struct family fa;

	family_make(&fa);
	ATF_REQUIRE_EQ(evt_in_child(child_sees_no_queue, &fa), 0);
	family_check(&fa);
	ATF_REQUIRE_EQ(evt_in_child(child_sees_no_queue, &fa), 0);
	family_check(&fa);
	family_free(&fa);
}

EVT_TC(fork__unknown_duplicate, "KQ-007",
    "A duplicate that outlived the first number is not open in the child")
{
	struct family fa;
	int first;

	family_make(&fa);
	first = fa.fa_kq;
	evt_close(fa.fa_kq);
	ATF_REQUIRE((fa.fa_kq = fcntl(fa.fa_dup, F_DUPFD, 60)) != -1);
	ATF_REQUIRE(fcntl(first, F_GETFD) == -1);
	ATF_REQUIRE_EQ(evt_in_child(child_sees_no_queue, &fa), 0);
	family_check(&fa);
	family_free(&fa);
}

/* Open numbers, so that a queue's inner descriptors are seen as well. */
static int
child_counts(void *arg)
{
	int *range = arg, fd, n;

	for (fd = range[0], n = 0; fd < range[1]; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return (n);
}

EVT_TC(fork__no_inner_descriptors, "KQ-007",
    "A child has no more descriptors for ten queues of the parent's than one")
{
	struct family fa[11];
	int i, n, range[2];

	evt_skip_stacked();
	family_make(&fa[0]);
	range[0] = 3;
	range[1] = 1000;
	n = evt_in_child(child_counts, range);
	for (i = 1; i < 11; i++)
		family_make(&fa[i]);

	/* The pipes are inherited, nothing else is. */
	ATF_REQUIRE_EQ(evt_in_child(child_counts, range), n + 20);
	for (i = 0; i < 11; i++)
		family_free(&fa[i]);
}

/* A number that is no longer the queue's belongs to the child. */
static int
child_uses_pipe(void *arg)
{
	struct family *fa = arg;
	char c;

	CHILD(fcntl(fa->fa_more, F_GETFD) != -1);
	CHILD(write(fa->fa_pipe[1], "x", 1) == 1);
	CHILD(read(fa->fa_more, &c, 1) == 1 && c == 'x');
	return (0);
}

EVT_TC(fork__reused_number_is_inherited, "KQ-007 KQ-005",
    "A closed queue's number that names a pipe is inherited like any other")
{
	struct family fa;

	fa.fa_kq = evt_kq();
	evt_change(fa.fa_kq, 1, EVFILT_TIMER, EV_ADD, 0, 5, NULL);
	evt_close(fa.fa_kq);
	evt_pipe(fa.fa_pipe);
	fa.fa_more = fa.fa_kq;
	ATF_REQUIRE(fa.fa_pipe[0] == fa.fa_kq ||
	    dup2(fa.fa_pipe[0], fa.fa_kq) == fa.fa_kq);
	ATF_REQUIRE_EQ(evt_in_child(child_uses_pipe, &fa), 0);
	if (fa.fa_pipe[0] != fa.fa_kq)
		evt_close(fa.fa_kq);
	evt_close(fa.fa_pipe[0]);
	evt_close(fa.fa_pipe[1]);
}

/* A queue of the child's own, on the same number, with the same knotes. */
static int
child_has_own(void *arg)
{
	struct family *fa = arg;
	struct kevent ev;
	int kq;

	CHILD((kq = kqueue()) != -1);
	CHILD(dup2(kq, fa->fa_kq) == fa->fa_kq);
	CHILD(kq == fa->fa_kq || close(kq) == 0);
	kq = fa->fa_kq;
	CHILD(child_kevent(kq, &ev, 1, 0) == 0);
	errno = 0;
	CHILD(child_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0) == -1 &&
	    errno == ENOENT);
	CHILD(child_change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0) == 0);
	CHILD(child_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0) == 0);
	CHILD(child_kevent(kq, &ev, 1, EVT_WAIT_MS) == 1 && ev.ident == 1 &&
	    ev.filter == EVFILT_USER);
	CHILD(child_change(kq, (uintptr_t)fa->fa_pipe[0], EVFILT_READ, EV_ADD,
	    0, 0) == 0);
	CHILD(child_kevent(kq, &ev, 1, EVT_QUIET_MS) == 0);
	CHILD(child_change(kq, (uintptr_t)fa->fa_pipe[0], EVFILT_READ,
	    EV_DELETE, 0, 0) == 0);
	CHILD(child_change(kq, 2, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0,
	    1) == 0);
	CHILD(child_kevent(kq, &ev, 1, EVT_WAIT_MS) == 1 && ev.ident == 2);
	CHILD(child_change(kq, SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0) == 0);
	CHILD(raise(SIGURG) == 0);
	CHILD(child_kevent(kq, &ev, 1, EVT_WAIT_MS) == 1 &&
	    ev.ident == SIGURG && ev.data == 1);
	CHILD(close(kq) == 0);
	CHILD(close(fa->fa_pipe[0]) == 0);
	CHILD(close(fa->fa_pipe[1]) == 0);
	return (0);
}

EVT_TC(fork__child_makes_its_own, "KQ-007 KQ-008",
    "A child's own queue works, and what it does stays in the child")
{
	struct family fa;

	family_make(&fa);
	evt_change(fa.fa_kq, 2, EVFILT_TIMER, EV_DISABLE, 0, 0, NULL);
	ATF_REQUIRE_EQ(evt_in_child(child_has_own, &fa), 0);

	/* Neither the child's trigger, nor its timer, nor its signal. */
	evt_none(fa.fa_kq);
	evt_change(fa.fa_kq, 2, EVFILT_TIMER, EV_ENABLE, 0, 20, NULL);
	family_check(&fa);
	family_free(&fa);
}

static int
child_closes_all(void *arg)
{
	int fd;

	(void)arg;
	for (fd = 3; fd < 256; fd++)
		(void)close(fd);
	return (0);
}

EVT_TC(fork__child_closes_everything, "KQ-008",
    "A child that closes every descriptor does not disturb the parent")
{
	struct family fa;
	int i;

	family_make(&fa);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(evt_in_child(child_closes_all, NULL), 0);
		family_check(&fa);
	}
	family_free(&fa);
}

static int
child_forks(void *arg)
{
	CHILD(child_sees_no_queue(arg) == 0);
	return (evt_in_child(child_has_own, arg));
}

EVT_TC(fork__twice, "KQ-007 KQ-008",
    "A grandchild is as free of the queue as a child")
{
	struct family fa;

	family_make(&fa);
	ATF_REQUIRE_EQ(evt_in_child(child_forks, &fa), 0);
	family_check(&fa);
	family_free(&fa);
}

/* A child that keeps what it inherited until the parent closes a pipe. */
static pid_t
child_keeps(int done[2])
{
	char c;
	pid_t pid;

	evt_pipe(done);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)alarm(20);
		(void)close(done[1]);
		_exit(read(done[0], &c, 1) == 0 ? 0 : 1);
	}
	return (pid);
}

static void
child_lets_go(pid_t pid, int done[2])
{
	int status;

	evt_close(done[1]);
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
	ATF_REQUIRE_EQ(status, 0);
	evt_close(done[0]);
}

EVT_TC(fork__close_of_watched_in_parent, "KQ-009",
    "close() in the parent ends the knote though a child has the file open")
{
	static const unsigned int modes[] = { 0, EV_CLEAR, EV_DISPATCH, EV_ONESHOT };
	struct kevent ev;
	pid_t pid;
	int done[2], i, kq, number, p[2], q[2];

	for (i = 0; i < EVT_NITEMS(modes); i++) {
		kq = evt_kq();
		evt_pipe(p);
		evt_pipe(q);
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | modes[i], 0, 0,
		    NULL);
		evt_change(kq, q[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
		pid = child_keeps(done);
		number = p[0];
		evt_close(p[0]);
		evt_write(p[1], 1);
		evt_none(kq);
		ATF_REQUIRE(!evt_readable(kq, 0));
		ATF_REQUIRE_EQ(evt_change_errno(kq, number, EVFILT_READ,
		    EV_DELETE, 0, 0, NULL), EBADF);

		/* The others go on, and so does the number. */
		evt_write(q[1], 2);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, q[0], EVFILT_READ, 0, 0, 2);
		ATF_REQUIRE(dup2(q[0], number) == number);
		ATF_REQUIRE_EQ(evt_change_errno(kq, number, EVFILT_READ,
		    EV_DELETE, 0, 0, NULL), ENOENT);
		evt_change(kq, q[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
		evt_none(kq);
		evt_change(kq, number, EVFILT_READ, EV_ADD, 0, 0, NULL);
		evt_write(p[1], 1);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, number, EVFILT_READ, 0, 0, 2);
		child_lets_go(pid, done);
		evt_close(number);
		evt_close(p[1]);
		evt_close(q[0]);
		evt_close(q[1]);
		evt_close(kq);
	}
}

EVT_TC(fork__close_of_ready_in_parent, "KQ-009",
    "The same when the file was ready and its event was already queued")
{
	struct kevent ev;
	pid_t pid;
	int done[2], kq, p[2];

	kq = evt_kq();
	evt_pipe(p);
	evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_write(p[1], 1);
	evt_one(kq, &ev);
	ATF_REQUIRE(evt_readable(kq, 0));
	pid = child_keeps(done);
	evt_close(p[0]);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	child_lets_go(pid, done);
	evt_close(p[1]);
	evt_close(kq);
}

/* ---- execve ----------------------------------------------------------- */

#ifdef __linux__
/* In the new image: 0 if only the number kq is open and it is no queue. */
static int
exec_check(int kq)
{
	struct kevent ev;
	int fd;

	CHILD(fcntl(kq, F_GETFD) != -1);
	errno = 0;
	CHILD(child_kevent(kq, &ev, 1, 0) == -1 && errno == EBADF);
	errno = 0;
	CHILD(child_change(kq, 1, EVFILT_USER, EV_ADD, 0, 0) == -1 &&
	    errno == EBADF);

	/* A queue of the new image's own does not make it one. */
	CHILD((fd = kqueue()) != -1);
	CHILD(child_change(fd, 1, EVFILT_USER, EV_ADD, 0, 0) == 0);
	CHILD(child_change(fd, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0) == 0);
	errno = 0;
	CHILD(child_kevent(kq, &ev, 1, 0) == -1 && errno == EBADF);
	CHILD(child_kevent(fd, &ev, 1, EVT_WAIT_MS) == 1);
	CHILD(fcntl(kq, F_GETFD) != -1);
	return (0);
}

__attribute__((__constructor__)) static void
exec_constructor(void)
{
	const char *s;
	int fd, kq;

	if ((s = getenv("EVT_EXEC_KQ")) == NULL)
		return;
	kq = atoi(s);
	for (fd = 3; fd < 256; fd++)
		if (fd != kq && fcntl(fd, F_GETFD) != -1) {
			(void)fprintf(stderr, "descriptor %d is open\n", fd);
			_exit(2);
		}
	_exit(exec_check(kq));
}

static int
child_execs(void *arg)
{
	static char self[] = "/proc/self/exe";
	char *argv[] = { self, NULL };
	char number[16];
	int dir, fd, kq;

	(void)arg;
	for (fd = 3; fd < 256; fd++)
		(void)close(fd);
	CHILD((kq = kqueue()) != -1);
	CHILD((fcntl(kq, F_GETFD) & FD_CLOEXEC) == 0);
	CHILD((dir = open(".", O_RDONLY | O_CLOEXEC)) != -1);

	/* Everything for which an implementation may open a descriptor. */
	CHILD(child_change(kq, 1, EVFILT_USER, EV_ADD, 0, 0) == 0);
	CHILD(child_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0) == 0);
	CHILD(child_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 5) == 0);
	CHILD(child_change(kq, SIGURG, EVFILT_SIGNAL, EV_ADD, 0, 0) == 0);
	CHILD(child_change(kq, (uintptr_t)dir, EVFILT_VNODE,
	    EV_ADD | EV_CLEAR, NOTE_WRITE, 0) == 0);
	CHILD(child_change(kq, (uintptr_t)getppid(), EVFILT_PROC, EV_ADD,
	    NOTE_EXIT, 0) == 0);
	(void)snprintf(number, sizeof(number), "%d", kq);
	CHILD(setenv("EVT_EXEC_KQ", number, 1) == 0);
	(void)execv(self, argv);
	CHILD(0);
}

EVT_TC(execve__number_is_no_queue, "KQ-004",
    "After execve() the number is open, is no queue, and came alone")
{
	ATF_REQUIRE_EQ(evt_in_child(child_execs, NULL), 0);
}
#endif

EVT_TC(kqueue__close_on_exec_is_off, "KQ-004",
    "kqueue() leaves FD_CLOEXEC clear, also when another queue has it")
{
	int kq, other;

	other = evt_kq();
	ATF_REQUIRE(fcntl(other, F_SETFD, FD_CLOEXEC) == 0);
	kq = evt_kq();
	ATF_REQUIRE_EQ(fcntl(kq, F_GETFD) & FD_CLOEXEC, 0);
	evt_change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 1000, NULL);
	ATF_REQUIRE_EQ(fcntl(kq, F_GETFD) & FD_CLOEXEC, 0);
	evt_close(kq);
	evt_close(other);
}

/* ---- SCM_RIGHTS ------------------------------------------------------- */

union control {
	char		buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr	align;
};

static ssize_t
fd_send(int s, int fd)
{
	union control u;
	struct cmsghdr *cm;
	struct iovec iov;
	struct msghdr msg;
	char c = 'f';

	memset(&u, 0, sizeof(u));
	memset(&msg, 0, sizeof(msg));
	iov.iov_base = &c;
	iov.iov_len = 1;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = u.buf;
	msg.msg_controllen = sizeof(u.buf);
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

	memset(&u, 0, sizeof(u));
	memset(&msg, 0, sizeof(msg));
	iov.iov_base = &c;
	iov.iov_len = 1;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = u.buf;
	msg.msg_controllen = sizeof(u.buf);
	if (recvmsg(s, &msg, 0) == 1 && (cm = CMSG_FIRSTHDR(&msg)) != NULL)
		memcpy(&fd, CMSG_DATA(cm), sizeof(int));
	return (fd);
}

static int
receiver_main(int s)
{
	struct kevent ev;
	int fd, i, kqs[70];

	/*
	 * Queues of its own, with a triggered event each: enough of them for
	 * any short identification of queues to occur in both processes.
	 */
	for (i = 0; i < EVT_NITEMS(kqs); i++) {
		CHILD((kqs[i] = kqueue()) != -1);
		CHILD(child_change(kqs[i], 1, EVFILT_USER, EV_ADD, 0, 0) == 0);
		CHILD(child_change(kqs[i], 1, EVFILT_USER, 0, NOTE_TRIGGER,
		    0) == 0);
	}
	CHILD(write(s, "r", 1) == 1);
	CHILD((fd = fd_receive(s)) != -1);
	errno = 0;
	CHILD(child_kevent(fd, &ev, 1, 0) == -1 && errno == EBADF);
	errno = 0;
	CHILD(child_change(fd, 2, EVFILT_USER, EV_ADD, 0, 0) == -1 &&
	    errno == EBADF);
	for (i = 0; i < EVT_NITEMS(kqs); i++) {
		CHILD(child_kevent(kqs[i], &ev, 1, 0) == 1 && ev.ident == 1);
		errno = 0;
		CHILD(child_change(kqs[i], 2, EVFILT_USER, EV_DELETE, 0,
		    0) == -1 && errno == ENOENT);
	}
	return (0);
}

EVT_TC(sendmsg__queue_is_none_there, "KQ-011",
    "A queue cannot be sent, or what arrives is no queue for the receiver")
{
	struct kevent ev;
	pid_t pid;
	int kq, s[2], status;
	char c;

	evt_sockpair(s, SOCK_STREAM);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)alarm(20);
		(void)close(s[1]);
		_exit(receiver_main(s[0]));
	}
	evt_close(s[0]);
	kq = evt_kq();
	evt_change(kq, 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE_EQ(read(s[1], &c, 1), 1);
	if (fd_send(s[1], kq) == -1) {
		ATF_REQUIRE(kill(pid, SIGKILL) == 0);
		ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
	} else {
		ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
		ATF_REQUIRE_EQ(status, 0);
	}
	evt_none(kq);
	evt_change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	evt_one(kq, &ev);
	evt_close(kq);
	evt_close(s[1]);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, fork__no_queue_in_the_child);
	EVT_TP_ADD_TC(tp, fork__unknown_duplicate);
	EVT_TP_ADD_TC(tp, fork__no_inner_descriptors);
	EVT_TP_ADD_TC(tp, fork__reused_number_is_inherited);
	EVT_TP_ADD_TC(tp, fork__child_makes_its_own);
	EVT_TP_ADD_TC(tp, fork__child_closes_everything);
	EVT_TP_ADD_TC(tp, fork__twice);
	EVT_TP_ADD_TC(tp, fork__close_of_watched_in_parent);
	EVT_TP_ADD_TC(tp, fork__close_of_ready_in_parent);
#ifdef __linux__
	EVT_TP_ADD_TC(tp, execve__number_is_no_queue);
#endif
	EVT_TP_ADD_TC(tp, kqueue__close_on_exec_is_off);
	EVT_TP_ADD_TC(tp, sendmsg__queue_is_none_there);
	return (atf_no_error());
}
