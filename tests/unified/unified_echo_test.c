/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * examples/evany_echo, as its clients see it.
 */
#include "config.h"

#include "evt_uni.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <limits.h>
#include <signal.h>

#define CLIENTS	20
#define BYTES	200000

struct server {
	pid_t		sv_pid;
	FILE		*sv_out;
	unsigned short	sv_port;
};

static void
start(const char *dir, struct server *sv, const char *idle)
{
	char path[PATH_MAX];
	int p[2];

	(void)snprintf(path, sizeof(path), "%s/../../examples/evany_echo",
	    dir);
	evt_pipe(p);
	ATF_REQUIRE((sv->sv_pid = fork()) != -1);
	if (sv->sv_pid == 0) {
		(void)dup2(p[1], STDOUT_FILENO);
		(void)close(p[0]);
		(void)close(p[1]);
		(void)execl(path, path, "-i", idle, (char *)NULL);
		_exit(127);
	}
	evt_close(p[1]);
	ATF_REQUIRE((sv->sv_out = fdopen(p[0], "r")) != NULL);
	ATF_REQUIRE_EQ(fscanf(sv->sv_out, "port %hu", &sv->sv_port), 1);
}

static void
stop(struct server *sv, unsigned int clients, unsigned long bytes)
{
	unsigned long b;
	unsigned int c;
	int status;

	ATF_REQUIRE(kill(sv->sv_pid, SIGTERM) == 0);
	ATF_REQUIRE_EQ(fscanf(sv->sv_out, "%u clients, %lu bytes", &c, &b),
	    2);
	ATF_REQUIRE_EQ(c, clients);
	ATF_REQUIRE_EQ(b, bytes);
	ATF_REQUIRE_EQ(waitpid(sv->sv_pid, &status, 0), sv->sv_pid);
	ATF_REQUIRE_EQ(status, 0);
	(void)fclose(sv->sv_out);
}

struct client {
	struct evt_thread	cl_thread;
	int			cl_fd;
	int			cl_seed;
};

static void
talk(void *arg)
{
	struct client *cl = arg;
	char buf[4096];
	int i;

	for (i = 0; i < BYTES; i++) {
		buf[i % 4096] = (char)(i * 7 + cl->cl_seed);
		if (i % 4096 == 4095 || i == BYTES - 1)
			if (write(cl->cl_fd, buf, (size_t)(i % 4096 + 1)) == -1)
				return;
	}
	(void)shutdown(cl->cl_fd, SHUT_WR);
}

/* All that comes back, checked. */
static void
listen_to(struct client *cl)
{
	char buf[4096];
	ssize_t i, n, sum = 0;

	while ((n = read(cl->cl_fd, buf, sizeof(buf))) > 0) {
		for (i = 0; i < n; i++)
			ATF_REQUIRE_EQ(buf[i],
			    (char)((sum + i) * 7 + cl->cl_seed));
		sum += n;
	}
	ATF_REQUIRE_EQ(n, 0);
	ATF_REQUIRE_EQ(sum, BYTES);
}

ATF_TC(echo__many_clients);
ATF_TC_HEAD(echo__many_clients, tc)
{
	atf_tc_set_md_var(tc, "descr", "%s",
	    "The server gives every client back what it sent");
}
ATF_TC_BODY(echo__many_clients, tc)
{
	struct client cl[CLIENTS];
	struct server sv;
	int i;

	evt_begin();
	start(atf_tc_get_config_var(tc, "srcdir"), &sv, "60");
	for (i = 0; i < CLIENTS; i++) {
		cl[i].cl_seed = i;
		cl[i].cl_fd = evt_tcp_connect(sv.sv_port);
		evt_thread_start(&cl[i].cl_thread, talk, &cl[i]);
	}
	for (i = 0; i < CLIENTS; i++) {
		listen_to(&cl[i]);
		evt_thread_join(&cl[i].cl_thread);
		evt_close(cl[i].cl_fd);
	}
	stop(&sv, CLIENTS, (unsigned long)CLIENTS * BYTES);
	evt_end();
}

ATF_TC(echo__idle_client);
ATF_TC_HEAD(echo__idle_client, tc)
{
	atf_tc_set_md_var(tc, "descr", "%s",
	    "A client that says nothing is closed after the time");
}
ATF_TC_BODY(echo__idle_client, tc)
{
	struct server sv;
	char c;
	int fd;

	evt_begin();
	start(atf_tc_get_config_var(tc, "srcdir"), &sv, "1");
	fd = evt_tcp_connect(sv.sv_port);
	evt_write(fd, 1);
	ATF_REQUIRE_EQ(read(fd, &c, 1), 1);
	ATF_REQUIRE_EQ(read(fd, &c, 1), 0);
	evt_close(fd);
	stop(&sv, 1, 1);
	evt_end();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, echo__many_clients);
	ATF_TP_ADD_TC(tp, echo__idle_client);
	return (atf_no_error());
}
