/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqueue_demo: a program as one writes it for FreeBSD, unchanged.
 *
 * usage: kqueue_demo file
 *
 * One kqueue serves a TCP socket, a log file, a timer, a signal and child
 * processes.  Each tick of the timer starts a client, a child process that
 * sends the file to the server, reads the answer, sends SIGUSR1 to its parent
 * and exits with its number.  The server counts lines, words and bytes like
 * wc(1) and writes a line to its log, whose growth the queue reports too.
 * When everything about a client has been seen, the timer is set for the
 * next; after the last the log is renamed and removed, and that ends the loop.
 */
#include <sys/types.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS		3
#define TICK_MS		50
#define PATIENCE_S	10

/* What a knote's udata points to: who handles its events. */
struct source {
	void	(*so_event)(struct source *, const struct kevent *);
};

struct conn {
	struct source	cn_source;
	int		cn_fd;
	int		cn_inword;
	long		cn_lines, cn_words, cn_bytes;
};

/* What has been seen of the present client. */
#define SEEN_LOG	0x1
#define SEEN_SIGNAL	0x2
#define SEEN_EXIT	0x4
#define SEEN_ALL	(SEEN_LOG | SEEN_SIGNAL | SEEN_EXIT)

static int kq, client, log_fd, seen, finished;
static off_t log_size;
static const char *input;
static char dir[] = "/tmp/kqueue_demo.XXXXXX";
static char log_path[64], old_path[64];
static struct sockaddr_in server;

static void on_timer(struct source *, const struct kevent *);
static void on_listen(struct source *, const struct kevent *);
static void on_conn(struct source *, const struct kevent *);
static void on_log(struct source *, const struct kevent *);
static void on_signal(struct source *, const struct kevent *);
static void on_child(struct source *, const struct kevent *);

static struct source timer = { on_timer };
static struct source listener = { on_listen };
static struct source logfile = { on_log };
static struct source usr1 = { on_signal };
static struct source child = { on_child };

static void
watch(uintptr_t ident, short filter, unsigned short flags, unsigned int fflags,
    int data, struct source *so)
{
	struct kevent kev;

	EV_SET(&kev, ident, filter, EV_ADD | flags, fflags, data, so);
	if (kevent(kq, &kev, 1, NULL, 0, NULL) == -1)
		err(1, "kevent: filter %d", filter);
}

/* Starts the next client, or the end, once all is known about the last. */
static void
advance(int bit)
{

	seen |= bit;
	if (seen != SEEN_ALL)
		return;
	seen = 0;
	if (client < CLIENTS) {
		watch(1, EVFILT_TIMER, EV_ONESHOT, 0, TICK_MS, &timer);
		return;
	}
	if (rename(log_path, old_path) == -1)
		err(1, "%s", log_path);
}

/* The child process; it has no queue, as kqueues are not inherited. */
static void
run_client(int number)
{
	char buf[4096];
	ssize_t n;
	int in, s;

	if ((in = open(input, O_RDONLY)) == -1)
		err(100, "%s", input);
	if ((s = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    connect(s, (struct sockaddr *)&server, sizeof(server)) == -1)
		err(101, "connect");
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(s, buf, (size_t)n) != n)
			err(102, "write");
	shutdown(s, SHUT_WR);
	while ((n = read(s, buf, sizeof(buf))) > 0)
		;
	kill(getppid(), SIGUSR1);
	_exit(number);
}

static void
on_timer(struct source *so, const struct kevent *kev)
{
	pid_t pid;

	(void)so;
	client++;
	printf("timer   expired %dx, starting client %d\n", (int)kev->data,
	    client);
	fflush(stdout);
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0)
		run_client(client);
	watch((uintptr_t)pid, EVFILT_PROC, EV_ONESHOT, NOTE_EXIT, 0, &child);
}

static void
on_listen(struct source *so, const struct kevent *kev)
{
	struct conn *cn;

	(void)so;
	printf("listen  %d connection waiting\n", (int)kev->data);
	if ((cn = calloc(1, sizeof(*cn))) == NULL)
		err(1, "calloc");
	if ((cn->cn_fd = accept((int)kev->ident, NULL, NULL)) == -1)
		err(1, "accept");
	cn->cn_source.so_event = on_conn;
	watch((uintptr_t)cn->cn_fd, EVFILT_READ, EV_CLEAR, 0, 0,
	    &cn->cn_source);
}

static void
count(struct conn *cn, const char *buf, ssize_t len)
{
	ssize_t i;
	int space;

	cn->cn_bytes += len;
	for (i = 0; i < len; i++) {
		cn->cn_lines += buf[i] == '\n';
		space = isspace((unsigned char)buf[i]) != 0;
		cn->cn_words += !space && !cn->cn_inword;
		cn->cn_inword = !space;
	}
}

static void
on_conn(struct source *so, const struct kevent *kev)
{
	struct conn *cn = (struct conn *)so;
	char buf[4096];
	int64_t left;
	ssize_t n;
	int len;

	/* data is what can be read without blocking. */
	for (left = kev->data; left > 0; left -= n) {
		n = read(cn->cn_fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		count(cn, buf, n);
	}
	if ((kev->flags & EV_EOF) == 0)
		return;
	while ((n = read(cn->cn_fd, buf, sizeof(buf))) > 0)
		count(cn, buf, n);
	len = snprintf(buf, sizeof(buf), "%ld lines, %ld words, %ld bytes\n",
	    cn->cn_lines, cn->cn_words, cn->cn_bytes);
	printf("socket  end of input after %s", buf);
	if (write(log_fd, buf, (size_t)len) != len ||
	    write(cn->cn_fd, buf, (size_t)len) != len)
		err(1, "write");
	close(cn->cn_fd);		/* takes its knote along */
	free(cn);
}

static void
on_log(struct source *so, const struct kevent *kev)
{
	struct stat st;

	(void)so;
	if ((kev->fflags & NOTE_EXTEND) != 0 && fstat(log_fd, &st) == 0 &&
	    st.st_size > log_size) {
		printf("file    log grew by %d bytes\n",
		    (int)(st.st_size - log_size));
		log_size = st.st_size;
		advance(SEEN_LOG);
	}
	if ((kev->fflags & NOTE_RENAME) != 0) {
		printf("file    log was renamed\n");
		if (unlink(old_path) == -1)
			err(1, "%s", old_path);
	}
	if ((kev->fflags & NOTE_DELETE) != 0) {
		printf("file    log was removed\n");
		finished = 1;
	}
}

static void
on_signal(struct source *so, const struct kevent *kev)
{

	(void)so;
	printf("signal  SIGUSR1 came %dx\n", (int)kev->data);
	advance(SEEN_SIGNAL);
}

static void
on_child(struct source *so, const struct kevent *kev)
{
	int status = (int)kev->data;

	(void)so;
	printf("child   exited with status %d\n", WEXITSTATUS(status));
	while (waitpid((pid_t)kev->ident, NULL, 0) == -1)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != client)
		errx(1, "the client failed");
	advance(SEEN_EXIT);
}

static int
start_server(void)
{
	socklen_t len = sizeof(server);
	int s;

	server.sin_family = AF_INET;
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((s = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    bind(s, (struct sockaddr *)&server, sizeof(server)) == -1 ||
	    listen(s, 5) == -1 ||
	    getsockname(s, (struct sockaddr *)&server, &len) == -1)
		err(1, "server socket");
	return (s);
}

int
main(int argc, char *argv[])
{
	struct timespec patience = { PATIENCE_S, 0 };
	struct kevent ev[4];
	struct source *so;
	int i, n;

	if (argc != 2) {
		fprintf(stderr, "usage: %s file\n", argv[0]);
		return (2);
	}
	input = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGUSR1, SIG_IGN);	/* the queue sees it all the same */
	if ((kq = kqueue()) == -1)
		err(1, "kqueue");
	if (mkdtemp(dir) == NULL)
		err(1, "%s", dir);
	snprintf(log_path, sizeof(log_path), "%s/log", dir);
	snprintf(old_path, sizeof(old_path), "%s/log.0", dir);
	log_fd = open(log_path, O_RDWR | O_CREAT | O_APPEND, 0600);
	if (log_fd == -1)
		err(1, "%s", log_path);

	watch((uintptr_t)start_server(), EVFILT_READ, 0, 0, 0, &listener);
	watch((uintptr_t)log_fd, EVFILT_VNODE, EV_CLEAR,
	    NOTE_EXTEND | NOTE_RENAME | NOTE_DELETE, 0, &logfile);
	watch(SIGUSR1, EVFILT_SIGNAL, 0, 0, 0, &usr1);
	watch(1, EVFILT_TIMER, EV_ONESHOT, 0, TICK_MS, &timer);

	while (!finished) {
		if ((n = kevent(kq, NULL, 0, ev, 4, &patience)) == -1)
			err(1, "kevent");
		if (n == 0)
			errx(1, "nothing happened for %d seconds", PATIENCE_S);
		for (i = 0; i < n; i++) {
			so = ev[i].udata;
			so->so_event(so, &ev[i]);
		}
	}
	rmdir(dir);
	printf("done    %d clients served\n", client);
	return (0);
}
