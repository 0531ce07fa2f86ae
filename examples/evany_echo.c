/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evany_echo: sends back to each client what it sends.
 *
 *	evany_echo [-i seconds] [-p port]
 *
 * Listens on the loopback address and prints the port.  A client that says
 * nothing for so many seconds is closed (-i, 30).  SIGTERM and SIGINT end it,
 * and it says how much it has served.
 *
 * It shows descriptors, whose interest is set anew as the buffer fills and
 * empties, a timer for each client, and an event posted by a signal handler.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <evany.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND	INT64_C(1000000000)

struct client {
	int	c_fd;
	size_t	c_from;		/* what is to be sent back */
	size_t	c_to;
	char	c_buf[16384];
};

static int queue;
static int64_t idle = 30;
static unsigned clients;
static uint64_t bytes;

static void
stop(int signo)
{
	int saved = errno;

	(void)evany_post(queue, (uintptr_t)signo, 0, NULL);
	errno = saved;
}

static int
server(unsigned long port)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int fd, on = 1;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons((uint16_t)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 64) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		err(1, "cannot listen");
	printf("port %u\n", ntohs(sin.sin_port));
	(void)fflush(stdout);
	return (fd);
}

static void
client_close(struct client *c)
{

	(void)evany_drop(queue, EVANY_TIMER, (uintptr_t)c);
	(void)close(c->c_fd);
	free(c);
}

/* Waits until the buffer has room, or until what is in it can be sent. */
static int
client_wait(struct client *c)
{
	unsigned what = c->c_from == c->c_to ? EVANY_READ : EVANY_WRITE;

	return (evany_fd(queue, c->c_fd, what, EVANY_DISPATCH, c) == 0 &&
	    evany_timer(queue, (uintptr_t)c, idle * SECOND, 0, 0, c) == 0);
}

static void
accept_one(int listener)
{
	struct client *c;
	int fd;

	if ((fd = accept(listener, NULL, NULL)) == -1)
		return;
	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		free(c);
		(void)close(fd);
		return;
	}
	c->c_fd = fd;
	clients++;
	if (!client_wait(c))
		client_close(c);
}

/* False: the client has gone. */
static int
client_move(struct client *c)
{
	ssize_t n;

	if (c->c_from == c->c_to) {
		if ((n = read(c->c_fd, c->c_buf, sizeof(c->c_buf))) <= 0)
			return (n == -1 && errno == EAGAIN);
		c->c_from = 0;
		c->c_to = (size_t)n;
	}
	n = write(c->c_fd, c->c_buf + c->c_from, c->c_to - c->c_from);
	if (n == -1)
		return (errno == EAGAIN);
	c->c_from += (size_t)n;
	bytes += (uint64_t)n;
	return (1);
}

static void
serve(int listener)
{
	struct evany_event ev;

	while (evany_wait(queue, &ev, 1, EVANY_FOREVER) == 1 ||
	    errno == EINTR) {
		switch (ev.ev_source) {
		case EVANY_USER:
			return;
		case EVANY_TIMER:
			client_close(ev.ev_user);
			break;
		case EVANY_FD:
			if (ev.ev_user == NULL)
				accept_one(listener);
			else if (!client_move(ev.ev_user) ||
			    !client_wait(ev.ev_user))
				client_close(ev.ev_user);
			break;
		}
		ev.ev_source = 0;
	}
	err(1, "evany_wait");
}

int
main(int argc, char *argv[])
{
	struct sigaction sa;
	unsigned long port = 0;
	int ch, listener;

	while ((ch = getopt(argc, argv, "i:p:")) != -1)
		switch (ch) {
		case 'i':
			idle = strtol(optarg, NULL, 10);
			break;
		case 'p':
			port = strtoul(optarg, NULL, 10);
			break;
		default:
			(void)fprintf(stderr,
			    "usage: evany_echo [-i seconds] [-p port]\n");
			return (2);
		}
	if ((queue = evany_queue(0)) == -1)
		err(1, "evany_queue");
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = stop;
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	listener = server(port);
	if (evany_fd(queue, listener, EVANY_READ, 0, NULL) == -1)
		err(1, "evany_fd");
	serve(listener);
	printf("%u clients, %ju bytes\n", clients, (uintmax_t)bytes);
	return (0);
}
