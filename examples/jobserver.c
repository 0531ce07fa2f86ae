/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * jobserver: a program as one writes it for illumos, unchanged.
 *
 * usage: jobserver [-w workers] file ...
 *
 * Worker processes, forked over one event port, count the lines of files.  A
 * job is an event that the server sends to the port, with the index of a file;
 * whichever worker asks first gets it.  The result goes back as an event of a
 * second port: the same index and the count, or the index from below zero and
 * an errno value.  A few jobs for each worker are on their way at a time.
 *
 * When all results are there, the server sets an alert, which every worker
 * gets, and each ends.  A socket between the server and each worker carries
 * nothing: its end of file tells either that the other has ended, in the order
 * of all other events, so that a worker's death is noticed at once and no
 * worker outlives the server.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <port.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS		4
#define WORKERS_MOST	64
#define AHEAD		2	/* jobs on their way, for each worker */

struct worker {
	pid_t	wk_pid;
	int	wk_line;	/* the server's end of the socket */
};

static struct worker workers[WORKERS_MOST];
static int nworkers = WORKERS;
static int jobs, results;	/* ports */

/* ---- a worker ---------------------------------------------------------------- */

/* The lines of a file; -1 with errno. */
static intptr_t
count(const char *name)
{
	FILE *f;
	intptr_t n = 0;
	int c, error;

	if ((f = fopen(name, "r")) == NULL)
		return (-1);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	error = ferror(f) != 0 ? errno : 0;
	(void)fclose(f);
	if (error == 0)
		return (n);
	errno = error;
	return (-1);
}

static void
work(int job, const char *name)
{
	intptr_t n = count(name);
	int error;

	if (n >= 0)
		error = port_send(results, job, (void *)n);
	else
		error = port_send(results, -1 - job, (void *)(intptr_t)errno);
	if (error == -1)
		err(1, "a worker: port_send");
}

/* Does jobs until the alert, or until the server has gone. */
static int
worker(int line, char *const files[])
{
	port_event_t ev;

	if (port_associate(jobs, PORT_SOURCE_FD, (uintptr_t)line, POLLIN,
	    NULL) == -1)
		err(1, "a worker: port_associate");
	for (;;) {
		if (port_get(jobs, &ev, NULL) == -1) {
			if (errno == EINTR)
				continue;
			err(1, "a worker: port_get");
		}
		switch (ev.portev_source) {
		case PORT_SOURCE_USER:
			work(ev.portev_events, files[ev.portev_events]);
			break;
		case PORT_SOURCE_ALERT:
			return (0);
		default:
			errx(1, "a worker: the server has gone");
		}
	}
}

/* ---- the server --------------------------------------------------------------- */

static void
start(struct worker *wk, char *const files[])
{
	int line[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, line) == -1)
		err(1, "socketpair");
	if ((wk->wk_pid = fork()) == -1)
		err(1, "fork");
	if (wk->wk_pid == 0) {
		/* The server alone holds its ends. */
		for (; wk > workers; wk--)
			(void)close(wk[-1].wk_line);
		(void)close(line[0]);
		_exit(worker(line[1], files));
	}
	(void)close(line[1]);
	wk->wk_line = line[0];
	if (port_associate(results, PORT_SOURCE_FD, (uintptr_t)wk->wk_line,
	    POLLIN, wk) == -1)
		err(1, "port_associate");
}

static void
next(port_event_t *ev)
{

	while (port_get(results, ev, NULL) == -1)
		if (errno != EINTR)
			err(1, "port_get");
}

/* One result: a line of output.  False if the file could not be read. */
static int
tell(const port_event_t *ev, char *done, char *const files[])
{
	int job = ev->portev_events;
	int failed = job < 0;

	if (failed)
		job = -1 - job;
	if (done[job]++ != 0)
		errx(1, "%s: counted twice", files[job]);
	if (failed)
		warnx("%s: %s", files[job],
		    strerror((int)(intptr_t)ev->portev_user));
	else
		(void)printf("%8jd %s\n",
		    (intmax_t)(intptr_t)ev->portev_user, files[job]);
	return (!failed);
}

/* All jobs, n at a time at most; how many failed. */
static int
serve(char *const files[], int nfiles)
{
	port_event_t ev;
	char *done;
	int failed = 0, sent = 0, told = 0;

	if ((done = calloc((size_t)nfiles, 1)) == NULL)
		err(1, NULL);
	while (told < nfiles) {
		if (sent < nfiles && sent - told < AHEAD * nworkers) {
			if (port_send(jobs, sent++, NULL) == -1)
				err(1, "port_send");
			continue;
		}
		next(&ev);
		if (ev.portev_source != PORT_SOURCE_USER)
			errx(1, "worker %ld ended too soon",
			    (long)((struct worker *)ev.portev_user)->wk_pid);
		failed += !tell(&ev, done, files);
		told++;
	}
	free(done);
	return (failed);
}

/* Ends the workers, and sees that they do; how many failed. */
static int
finish(void)
{
	port_event_t ev;
	struct worker *wk;
	int failed = 0, n, status;

	if (port_alert(jobs, PORT_ALERT_SET, 1, NULL) == -1)
		err(1, "port_alert");
	for (n = 0; n < nworkers; n++) {
		next(&ev);
		if (ev.portev_source != PORT_SOURCE_FD)
			errx(1, "a result that nobody waits for");
		wk = ev.portev_user;
		if (waitpid(wk->wk_pid, &status, 0) == -1)
			err(1, "waitpid");
		failed += status != 0;
		(void)close(wk->wk_line);
	}
	return (failed);
}

int
main(int argc, char *argv[])
{
	int c, failed, i, unwell;

	while ((c = getopt(argc, argv, "w:")) != -1)
		if (c != 'w' || (nworkers = atoi(optarg)) < 1 ||
		    nworkers > WORKERS_MOST)
			goto usage;
	argc -= optind;
	argv += optind;
	if (argc == 0)
		goto usage;
	if ((jobs = port_create()) == -1 || (results = port_create()) == -1)
		err(1, "port_create");
	for (i = 0; i < nworkers; i++)
		start(&workers[i], argv);
	failed = serve(argv, argc);
	unwell = finish();
	(void)printf("%d files counted, %d not; %d workers ended, %d of them "
	    "well\n", argc - failed, failed, nworkers, nworkers - unwell);
	return (failed > 0 || unwell > 0);
usage:
	(void)fprintf(stderr, "usage: jobserver [-w workers] file ...\n");
	return (2);
}
