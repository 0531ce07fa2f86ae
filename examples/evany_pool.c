/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evany_pool: processes that take work from one queue.
 *
 *	evany_pool [-v] [-w workers] <numbers
 *
 * Tells the smallest prime factor of each number, one a line, in their order.
 * The numbers are posted to a queue that all workers share; whichever waits gets
 * the next.  What they find is posted to a second one, where the pool also
 * watches its input, its signals and its workers, for watches are each process's
 * own.  A worker that dies is replaced, and what it had begun is done again: a
 * result that comes twice is taken once.  When the input ends, or on SIGTERM or
 * SIGINT, an alert ends all workers; they notice too if the pool dies, by a watch
 * of theirs on the same queue.  -v tells of workers, too.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <evany.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS_MOST	64
#define JOBS		1024	/* at most, that are not printed */
#define TEXT		64	/* of a line, and lines of a read at most */
#define EVENTS		16

/* What a worker's event says, as its pointer. */
#define BEGUN		((void *)1)	/* data: the worker */
#define DONE		((void *)2)	/* data: the factor */

struct job {
	int64_t	jb_number;
	int64_t	jb_factor;	/* once it is done */
	pid_t	jb_worker;	/* who has begun it, or 0 */
	bool	jb_done;
};

static struct job jobs[JOBS];	/* by index modulo JOBS */
static uintptr_t first, last;	/* to be printed; and to be read */
static pid_t workers[WORKERS_MOST];
static int nworkers = 4, living;
static int todo, done;		/* queues */
static bool ending, looking, verbose;

/* ---- a worker ---------------------------------------------------------------- */

static int64_t
smallest_factor(int64_t n)
{
	int64_t i;

	for (i = 2; i <= n / i; i++)
		if (n % i == 0)
			return (i);
	return (n);
}

static void
work(pid_t pool)
{
	struct evany_event ev;

	/* The pool's own watches are not here. */
	if (evany_process(todo, pool, EVANY_EXIT, 0, NULL) == -1)
		_exit(1);
	for (;;) {
		if (evany_wait(todo, &ev, 1, EVANY_FOREVER) == -1)
			_exit(1);
		if (ev.ev_source != EVANY_USER)
			_exit(0);
		if (evany_post(done, ev.ev_object, getpid(), BEGUN) == -1 ||
		    evany_post(done, ev.ev_object,
		    smallest_factor(ev.ev_data), DONE) == -1)
			_exit(1);
	}
}

/* ---- the pool ------------------------------------------------------------------ */

static void
start(int which)
{
	pid_t pid, pool = getpid();

	(void)fflush(stdout);
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		(void)signal(SIGTERM, SIG_DFL);
		(void)signal(SIGINT, SIG_IGN);
		work(pool);
	}
	workers[which] = pid;
	living++;
	if (verbose)
		printf("worker %ld\n", (long)pid);
	(void)fflush(stdout);
	if (evany_process(done, pid, EVANY_EXIT, 0, &workers[which]) == -1)
		err(1, "evany_process");
}

static struct job *
job(uintptr_t index)
{
	return (&jobs[index % JOBS]);
}

static void
post(uintptr_t index)
{
	job(index)->jb_worker = 0;
	if (evany_post(todo, index, job(index)->jb_number, NULL) == -1)
		err(1, "evany_post");
}

/* Nobody knows what it had taken, unless it has told. */
static void
ended(pid_t *worker, int status)
{
	uintptr_t i;
	size_t other;

	(void)waitpid(*worker, NULL, 0);
	if (verbose)
		printf("worker %ld ended with %d\n", (long)*worker, status);
	living--;
	for (i = first; i != last && !ending; i++) {
		for (other = 0; other < (size_t)nworkers; other++)
			if (&workers[other] != worker &&
			    workers[other] == job(i)->jb_worker)
				break;
		if (!job(i)->jb_done && other == (size_t)nworkers)
			post(i);
	}
	*worker = 0;
	if (!ending)
		start((int)(worker - workers));
}

static void
result(const struct evany_event *ev)
{
	struct job *jb = job(ev->ev_object);

	if (ev->ev_object - first >= last - first || jb->jb_done)
		return;
	if (ev->ev_user == BEGUN) {
		jb->jb_worker = (pid_t)ev->ev_data;
		return;
	}
	jb->jb_factor = ev->ev_data;
	jb->jb_done = true;
	for (; first != last && job(first)->jb_done; first++)
		printf("%" PRId64 ": %" PRId64 "\n", job(first)->jb_number,
		    job(first)->jb_factor);
	(void)fflush(stdout);
}

/* Takes what one read brings; false at the end. */
static bool
input(void)
{
	static char text[TEXT];
	static size_t used;
	char *end;
	ssize_t n;

	looking = false;
	if ((n = read(STDIN_FILENO, text + used, sizeof(text) - used)) <= 0)
		return (n == -1 && errno == EINTR);
	used += (size_t)n;
	while ((end = memchr(text, '\n', used)) != NULL) {
		*end++ = '\0';
		*job(last) = (struct job){ .jb_number =
		    strtoimax(text, NULL, 10) };
		post(last++);
		used -= (size_t)(end - text);
		memmove(text, end, used);
	}
	return (used < sizeof(text));
}

static void
look_at_input(void)
{
	if (looking || last - first + TEXT > JOBS)
		return;
	looking = true;
	if (evany_fd(done, STDIN_FILENO, EVANY_READ, EVANY_DISPATCH,
	    NULL) == -1)
		err(1, "evany_fd");
}

static void
finish(void)
{
	if (!ending && evany_alert(todo, 1, NULL) == -1)
		err(1, "evany_alert");
	ending = true;
}

int
main(int argc, char **argv)
{
	struct evany_event ev[EVENTS];
	bool more = true;
	int ch, i, n;

	while ((ch = getopt(argc, argv, "vw:")) != -1)
		if (ch == 'v')
			verbose = true;
		else if (ch != 'w' || (nworkers = atoi(optarg)) < 1 ||
		    nworkers > WORKERS_MOST)
			errx(2, "usage: evany_pool [-v] [-w workers]");
	if ((todo = evany_queue(EVANY_SHARED)) == -1 ||
	    (done = evany_queue(EVANY_SHARED)) == -1)
		err(1, "evany_queue");
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	if (evany_signal(done, SIGTERM, 0, NULL) == -1 ||
	    evany_signal(done, SIGINT, 0, NULL) == -1)
		err(1, "evany_signal");
	for (i = 0; i < nworkers; i++)
		start(i);
	look_at_input();
	while (living > 0) {
		if ((n = evany_wait(done, ev, EVENTS, EVANY_FOREVER)) == -1)
			err(1, "evany_wait");
		for (i = 0; i < n; i++)
			switch (ev[i].ev_source) {
			case EVANY_USER:
				result(&ev[i]);
				break;
			case EVANY_FD:
				more = input();
				break;
			case EVANY_PROCESS:
				ended(ev[i].ev_user, (int)ev[i].ev_data);
				break;
			default:
				finish();
				break;
			}
		if (!more && first == last)
			finish();
		else if (more && !ending)
			look_at_input();
	}
	return (0);
}
