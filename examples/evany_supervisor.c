/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evany_supervisor: runs commands, and runs those again that fail.
 *
 *	evany_supervisor [-g milliseconds] [-t threads] command ...
 *
 * Each argument is a command for the shell.  One that fails is run again after
 * a pause, which grows.  When all have ended well, or on SIGTERM or SIGINT, the
 * supervisor ends: commands that run are told by SIGTERM, and by SIGKILL if they
 * are there after the grace time (-g, 2000).
 *
 * It shows processes, signals and timers in one queue, served by several
 * threads, and alert mode, which tells all of them to stop.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <evany.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS		INT64_C(1000000)
#define PAUSE		50
#define PAUSE_MOST	5000
#define GRACE		1	/* the timer of the end */

/*
 * A command is touched by one thread at a time: it either runs and is a process
 * of the queue, or pauses and is a timer, and each has one event.
 */
struct command {
	const char	*c_text;
	int		 c_number;
	pid_t		 c_pid;		/* 0: it does not run */
	int64_t		 c_pause;
};

static int queue;
static atomic_int left;

static void
start(struct command *c)
{
	pid_t pid;

	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		(void)signal(SIGTERM, SIG_DFL);
		(void)signal(SIGINT, SIG_DFL);
		(void)execl("/bin/sh", "sh", "-c", c->c_text, (char *)NULL);
		_exit(127);
	}
	c->c_pid = pid;
	printf("%d started\n", c->c_number);
	(void)fflush(stdout);
	if (evany_process(queue, pid, EVANY_EXIT, EVANY_ONESHOT, c) == -1)
		err(1, "evany_process");
}

/* Did it end well? */
static int
ended(struct command *c, int status)
{

	(void)waitpid(c->c_pid, &status, 0);
	c->c_pid = 0;
	if (WIFSIGNALED(status))
		printf("%d was ended by signal %d\n", c->c_number,
		    WTERMSIG(status));
	else
		printf("%d ended with status %d\n", c->c_number,
		    WEXITSTATUS(status));
	(void)fflush(stdout);
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
process_ended(struct command *c, int status)
{

	if (ended(c, status)) {
		if (atomic_fetch_sub(&left, 1) == 1)
			(void)evany_alert(queue, 1, NULL);
		return;
	}
	if (evany_timer(queue, (uintptr_t)c, c->c_pause * MS, 0, 0, c) == -1)
		err(1, "evany_timer");
	if ((c->c_pause *= 2) > PAUSE_MOST)
		c->c_pause = PAUSE_MOST;
}

static void *
serve(void *arg)
{
	struct evany_event ev;
	int n;

	for (;;) {
		n = evany_wait(queue, &ev, 1, EVANY_FOREVER);
		if (n == -1 && errno != EINTR)
			err(1, "evany_wait");
		if (n != 1)
			continue;
		switch (ev.ev_source) {
		case EVANY_ALERT:
			return (arg);
		case EVANY_SIGNAL:
			(void)evany_alert(queue, 1, NULL);
			break;
		case EVANY_PROCESS:
			process_ended(ev.ev_user, (int)ev.ev_data);
			break;
		case EVANY_TIMER:
			start(ev.ev_user);
			break;
		}
	}
}

/* The threads have gone; what runs is ended. */
static void
finish(struct command *list, int n, int64_t grace)
{
	struct evany_event ev;
	int i, running = 0;

	(void)evany_alert(queue, 0, NULL);
	for (i = 0; i < n; i++) {
		(void)evany_drop(queue, EVANY_TIMER, (uintptr_t)&list[i]);
		if (list[i].c_pid != 0) {
			(void)kill(list[i].c_pid, SIGTERM);
			running++;
		}
	}
	if (evany_timer(queue, GRACE, grace * MS, 0, 0, NULL) == -1)
		err(1, "evany_timer");
	while (running > 0) {
		if (evany_wait(queue, &ev, 1, EVANY_FOREVER) != 1)
			continue;
		if (ev.ev_source == EVANY_PROCESS) {
			(void)ended(ev.ev_user, (int)ev.ev_data);
			running--;
		} else if (ev.ev_source == EVANY_TIMER)
			for (i = 0; i < n; i++)
				if (list[i].c_pid != 0)
					(void)kill(list[i].c_pid, SIGKILL);
	}
	printf("done\n");
}

int
main(int argc, char *argv[])
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct command *list;
	pthread_t *threads;
	int64_t grace = 2000;
	int ch, i, n, nthreads = 2;

	while ((ch = getopt(argc, argv, "g:t:")) != -1)
		switch (ch) {
		case 'g':
			grace = strtol(optarg, NULL, 10);
			break;
		case 't':
			nthreads = (int)strtol(optarg, NULL, 10);
			break;
		default:
			goto usage;
		}
	n = argc - optind;
	if (n == 0 || nthreads < 1 || grace < 0)
		goto usage;
	list = calloc((size_t)n, sizeof(*list));
	threads = calloc((size_t)nthreads, sizeof(*threads));
	if (list == NULL || threads == NULL)
		err(1, "calloc");
	if ((queue = evany_queue(0)) == -1)
		err(1, "evany_queue");
	for (i = 0; i < 2; i++) {
		(void)signal(signals[i], SIG_IGN);
		if (evany_signal(queue, signals[i], 0, NULL) == -1)
			err(1, "evany_signal");
	}
	atomic_init(&left, n);
	for (i = 0; i < n; i++) {
		list[i].c_text = argv[optind + i];
		list[i].c_number = i + 1;
		list[i].c_pause = PAUSE;
		start(&list[i]);
	}
	for (i = 0; i < nthreads; i++)
		if ((errno = pthread_create(&threads[i], NULL, serve,
		    NULL)) != 0)
			err(1, "pthread_create");
	for (i = 0; i < nthreads; i++)
		(void)pthread_join(threads[i], NULL);
	finish(list, n, grace);
	free(threads);
	free(list);
	return (0);
usage:
	(void)fprintf(stderr, "usage: evany_supervisor [-g milliseconds] "
	    "[-t threads] command ...\n");
	return (2);
}
