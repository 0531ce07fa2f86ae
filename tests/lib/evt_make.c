/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evt: things to watch (pipes, sockets, files), threads and children.
 *
 * Sockets use the loopback address and a port that the system chooses.
 */
#include "config.h"

#include "evt.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <poll.h>
#include <sched.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif

void
evt_pipe_at(const char *file, int line, int p[2])
{
	if (pipe(p) == -1)
		evt_fail_at(file, line, "pipe: %s", strerror(errno));
}

void
evt_sockpair_at(const char *file, int line, int s[2], int type)
{
	if (socketpair(AF_UNIX, type, 0, s) == -1)
		evt_fail_at(file, line, "socketpair: %s", strerror(errno));
}

static struct sockaddr_in
evt_loopback(unsigned short port)
{
	struct sockaddr_in sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return (sin);
}

/* Bound to *port, or to one that is free if that is 0; tells which. */
static int
bound(const char *file, int line, int type, unsigned short *port)
{
	struct sockaddr_in sin = evt_loopback(*port);
	socklen_t len = sizeof(sin);
	int fd;

	if ((fd = socket(AF_INET, type, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		evt_fail_at(file, line, "binding: %s", strerror(errno));
	*port = ntohs(sin.sin_port);
	return (fd);
}

int
evt_tcp_listen_at(const char *file, int line, unsigned short *port)
{
	int fd;

	*port = 0;
	fd = bound(file, line, SOCK_STREAM, port);
	if (listen(fd, 16) == -1)
		evt_fail_at(file, line, "listening: %s", strerror(errno));
	return (fd);
}

int
evt_udp_at(const char *file, int line, unsigned short *port)
{
	return (bound(file, line, SOCK_DGRAM, port));
}

int
evt_tcp_connect_at(const char *file, int line, unsigned short port)
{
	struct sockaddr_in sin = evt_loopback(port);
	int fd;

	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		evt_fail_at(file, line, "connecting: %s", strerror(errno));
	return (fd);
}

void
evt_tcp_pair_at(const char *file, int line, int s[2])
{
	unsigned short port;
	int fd;

	fd = evt_tcp_listen_at(file, line, &port);
	s[0] = evt_tcp_connect_at(file, line, port);
	if ((s[1] = accept(fd, NULL, NULL)) == -1)
		evt_fail_at(file, line, "accept: %s", strerror(errno));
	(void)close(fd);
}

int
evt_tmpfile_at(const char *file, int line, char path[EVT_PATH_MAX])
{
	int fd;

	(void)snprintf(path, EVT_PATH_MAX, "evt.XXXXXX");
	if ((fd = mkstemp(path)) == -1)
		evt_fail_at(file, line, "mkstemp: %s", strerror(errno));
	return (fd);
}

void
evt_close_at(const char *file, int line, int fd)
{
	if (close(fd) == -1)
		evt_fail_at(file, line, "close %d: %s", fd, strerror(errno));
}

void
evt_nonblock_at(const char *file, int line, int fd)
{
	int flags;

	if ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		evt_fail_at(file, line, "O_NONBLOCK: %s", strerror(errno));
}

void
evt_write_at(const char *file, int line, int fd, size_t n)
{
	char buf[4096];
	ssize_t put;

	memset(buf, 'e', sizeof(buf));
	while (n > 0) {
		put = write(fd, buf, n < sizeof(buf) ? n : sizeof(buf));
		if (put == -1)
			evt_fail_at(file, line, "write %d: %s", fd,
			    strerror(errno));
		n -= (size_t)put;
	}
}

/* Reads until EAGAIN or the end, and leaves the blocking mode as it was. */
size_t
evt_drain_at(const char *file, int line, int fd)
{
	char buf[65536];
	size_t sum = 0;
	ssize_t got;
	int flags;

	if ((flags = fcntl(fd, F_GETFL)) == -1)
		evt_fail_at(file, line, "F_GETFL: %s", strerror(errno));
	evt_nonblock_at(file, line, fd);
	while ((got = read(fd, buf, sizeof(buf))) > 0)
		sum += (size_t)got;
	if (got == -1 && errno != EAGAIN && errno != EWOULDBLOCK)
		evt_fail_at(file, line, "read %d: %s", fd, strerror(errno));
	(void)fcntl(fd, F_SETFL, flags);
	return (sum);
}

/* Ends with single bytes, so that nothing more fits. */
size_t
evt_fill_at(const char *file, int line, int fd)
{
	char buf[65536];
	size_t size, sum = 0;
	ssize_t put;

	memset(buf, 'f', sizeof(buf));
	evt_nonblock_at(file, line, fd);
	for (size = sizeof(buf); size > 0; size /= 2)
		while ((put = write(fd, buf, size)) > 0)
			sum += (size_t)put;
	if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS)
		evt_fail_at(file, line, "write %d: %s", fd, strerror(errno));
	return (sum);
}

static void *
evt_thread_main(void *arg)
{
	struct evt_thread *t = arg;

#ifdef __linux__
	atomic_store(&t->et_tid, syscall(SYS_gettid));
#else
	atomic_store(&t->et_tid, 1);
#endif
	t->et_fn(t->et_arg);
	atomic_store(&t->et_done, true);
	return (NULL);
}

void
evt_thread_start_at(const char *file, int line, struct evt_thread *t,
    void (*fn)(void *), void *arg)
{
	int error;

	t->et_fn = fn;
	t->et_arg = arg;
	atomic_init(&t->et_tid, 0);
	atomic_init(&t->et_done, false);
	if ((error = pthread_create(&t->et_id, NULL, evt_thread_main, t)) != 0)
		evt_fail_at(file, line, "pthread_create: %s", strerror(error));
}

/* Joins a thread that must end within five deadlines. */
void
evt_thread_join_at(const char *file, int line, struct evt_thread *t)
{
	int64_t end;
	int error;

	end = evt_now_ns() + (int64_t)5 * EVT_WAIT_MS * 1000000;
	while (!atomic_load(&t->et_done)) {
		if (evt_now_ns() > end)
			evt_fail_at(file, line, "a thread does not end");
		(void)poll(NULL, 0, 1);
	}
	if ((error = pthread_join(t->et_id, NULL)) != 0)
		evt_fail_at(file, line, "pthread_join: %s", strerror(error));
}

#ifdef __linux__
static bool
evt_is_asleep(long tid)
{
	char buf[256], path[64], *s;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", tid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (true);
	n = read(fd, buf, sizeof(buf) - 1);
	(void)close(fd);
	if (n <= 0)
		return (true);
	buf[n] = '\0';
	s = strrchr(buf, ')');
	return (s != NULL && s[1] == ' ' && (s[2] == 'S' || s[2] == 'D'));
}
#endif

void
evt_thread_asleep(struct evt_thread *t)
{
	int64_t end;
	int seen = 0;

	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	while (seen < 3 && evt_now_ns() < end && !atomic_load(&t->et_done)) {
		long tid = atomic_load(&t->et_tid);

#ifdef __linux__
		seen = tid != 0 && evt_is_asleep(tid) ? seen + 1 : 0;
#else
		seen += tid != 0;
#endif
		(void)poll(NULL, 0, 2);
	}
}

void
evt_barrier_init(struct evt_barrier *b, int size)
{
	(void)pthread_mutex_init(&b->eb_lock, NULL);
	(void)pthread_cond_init(&b->eb_cond, NULL);
	b->eb_size = size;
	b->eb_here = 0;
	b->eb_round = 0;
}

void
evt_barrier_wait(struct evt_barrier *b)
{
	unsigned int round;

	(void)pthread_mutex_lock(&b->eb_lock);
	round = b->eb_round;
	if (++b->eb_here == b->eb_size) {
		b->eb_here = 0;
		b->eb_round++;
		(void)pthread_cond_broadcast(&b->eb_cond);
	}
	while (round == b->eb_round)
		(void)pthread_cond_wait(&b->eb_cond, &b->eb_lock);
	(void)pthread_mutex_unlock(&b->eb_lock);
}

void
evt_barrier_destroy(struct evt_barrier *b)
{
	(void)pthread_cond_destroy(&b->eb_cond);
	(void)pthread_mutex_destroy(&b->eb_lock);
}

pid_t
evt_fork_start_at(const char *file, int line, int (*fn)(void *), void *arg)
{
	pid_t pid;

	(void)fflush(stdout);
	(void)fflush(stderr);
	if ((pid = fork()) == -1)
		evt_fail_at(file, line, "fork: %s", strerror(errno));
	if (pid == 0) {
		(void)signal(SIGALRM, SIG_DFL);
		(void)alarm((unsigned int)(5 * EVT_WAIT_MS / 1000));
		_exit(fn(arg));
	}
	return (pid);
}

int
evt_fork_end_at(const char *file, int line, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			evt_fail_at(file, line, "waitpid: %s",
			    strerror(errno));
	return (WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
}

int
evt_in_child_at(const char *file, int line, int (*fn)(void *), void *arg)
{
	int status;

	status = evt_fork_end_at(file, line,
	    evt_fork_start_at(file, line, fn, arg));
	if (status < 0)
		evt_fail_at(file, line, "the child was ended by signal %d",
		    -status);
	return (status);
}

struct wild {
	int	(*wd_fn)(void *, void *);
	void	*wd_arg;
};

#define WILD_FAULTED	255
#define WILD_NO_PAGE	254

static void
wild_fault(int signo)
{
	(void)signo;
	_exit(WILD_FAULTED);
}

static int
wild_child(void *arg)
{
	const struct wild *wd = arg;
	void *page;

	(void)signal(SIGSEGV, wild_fault);
	(void)signal(SIGBUS, wild_fault);
	page = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
	return (page == MAP_FAILED ? WILD_NO_PAGE :
	    wd->wd_fn(wd->wd_arg, page));
}

int
evt_wild_at(const char *file, int line, int (*fn)(void *, void *), void *arg)
{
	struct wild wd = { fn, arg };
	int status;

	status = evt_in_child_at(file, line, wild_child, &wd);
	if (status == WILD_NO_PAGE)
		evt_fail_at(file, line, "no page");
	return (status == WILD_FAULTED ? -1 : status);
}
