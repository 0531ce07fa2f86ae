/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * wait: for the first of several things, in a shell script.
 *
 * Each option is one thing and one watch, whose pointer leads back to it.  The
 * exit status is its place among them, from 0, so that with one thing 0 means
 * that it came.
 *
 * A thing may have come before it is watched: a process that is not there has
 * ended, and a file that was not there is looked for once more.
 */
#include "config.h"

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <evany.h>

#include "tools/evany/tool.h"

static const char wait_usage[] = "evany wait [-jv] [-f file] [-p pid] "
    "[-r descriptor]\n"
    "           [-s signal] [-t seconds] [-u moment] [-w descriptor] ...";

#define THINGS	100	/* that an exit status can tell */

struct thing {
	const char	*th_kind;	/* name of its option */
	const char	*th_arg;	/* as given */
	bool		 th_there;	/* the file was */
	struct evany_change th_change;
};

static struct thing things[THINGS];
static int nthings;

/* ---- the watches ------------------------------------------------------------------ */

static void
ignore(int signo)
{
	(void)signo;
}

/* What would end this process shall be waited for instead. */
static void
wait_signal(struct evany_change *ch, int signo)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = ignore;
	if (sigaction(signo, &sa, NULL) == -1)
		err(EXIT_TROUBLE, "signal %d", signo);
	ch->ch_source = EVANY_SIGNAL;
	ch->ch_object = (uintptr_t)signo;
}

/* A file, there or not; or what is in a folder. */
static void
wait_file(struct thing *th, struct evany_change *ch)
{
	struct stat st;

	ch->ch_object = (uintptr_t)th;
	ch->ch_path = th->th_arg;
	ch->ch_what = EVANY_MADE | EVANY_GONE | EVANY_MOVED_FROM |
	    EVANY_MOVED_TO;
	th->th_there = stat(th->th_arg, &st) == 0;
	if (th->th_there && S_ISDIR(st.st_mode))
		ch->ch_source = EVANY_DIRECTORY;
	else {
		ch->ch_source = EVANY_FILE;
		ch->ch_what |= EVANY_MODIFIED | EVANY_ATTRIB;
	}
}

static void
add(int option, const char *arg)
{
	struct thing *th = &things[nthings];
	struct evany_change *ch = &th->th_change;

	if (nthings == THINGS)
		errx(EXIT_TROUBLE, "more than %d things", THINGS);
	nthings++;
	th->th_arg = arg;
	ch->ch_user = th;
	ch->ch_flags = EVANY_ONESHOT;
	switch (option) {
	case 'f':
		th->th_kind = "file";
		wait_file(th, ch);
		break;
	case 'p':
		th->th_kind = "pid";
		ch->ch_source = EVANY_PROCESS;
		ch->ch_object = (uintptr_t)parse_number(arg, INT_MAX,
		    "process");
		ch->ch_what = EVANY_EXIT;
		break;
	case 'r':
	case 'w':
		th->th_kind = option == 'r' ? "read" : "write";
		ch->ch_source = EVANY_FD;
		ch->ch_object = (uintptr_t)parse_number(arg, INT_MAX,
		    "descriptor");
		ch->ch_what = option == 'r' ? EVANY_READ : EVANY_WRITE;
		break;
	case 's':
		th->th_kind = "signal";
		wait_signal(ch, parse_signal(arg));
		break;
	default:
		th->th_kind = option == 't' ? "time" : "until";
		ch->ch_source = EVANY_TIMER;
		ch->ch_object = (uintptr_t)th;
		if (option == 't')
			ch->ch_time = parse_seconds(arg);
		else {
			ch->ch_time = parse_moment(arg);
			ch->ch_flags |= EVANY_ABSOLUTE | EVANY_WALLCLOCK;
		}
		break;
	}
}

/* ---- what came -------------------------------------------------------------------- */

struct result {
	const char	*re_what;	/* one word */
	const char	*re_signal;	/* that killed the process, or NULL */
	int		 re_status;	/* of its exit, -1: not told */
};

static void
result_process(struct result *re, int64_t status, char buf[SIGNAL_NAME])
{
	int st = (int)status;

	if (status == -1)
		re->re_what = "ended";
	else if (WIFSIGNALED(st)) {
		re->re_what = "killed";
		re->re_signal = signal_name(WTERMSIG(st), buf);
	} else {
		re->re_what = "exited";
		re->re_status = WEXITSTATUS(st);
	}
}

/* The line, and the exit status. */
static int
tell(const struct thing *th, const struct result *re, bool json)
{
	int which = (int)(th - things);

	if (json) {
		json_open(NULL, '{');
		json_number("which", which);
		json_string("kind", th->th_kind);
		json_string("argument", th->th_arg);
		json_string("what", re->re_what);
		if (re->re_signal != NULL)
			json_string("signal", re->re_signal);
		if (re->re_status != -1)
			json_number("status", re->re_status);
		json_close('}');
		json_end();
		return (which);
	}
	printf("%s ", th->th_kind);
	text_name(th->th_arg);
	printf(" %s", re->re_what);
	if (re->re_signal != NULL)
		printf(" %s", re->re_signal);
	if (re->re_status != -1)
		printf(" %d", re->re_status);
	putchar('\n');
	return (which);
}

static void
result_of(const struct thing *th, const struct evany_event *ev,
    struct result *re, char buf[SIGNAL_NAME])
{
	struct stat st;

	switch (ev->ev_source) {
	case EVANY_FD:
		re->re_what = "ready";
		break;
	case EVANY_PROCESS:
		result_process(re, ev->ev_data, buf);
		break;
	case EVANY_FILE:
	case EVANY_DIRECTORY:
		if (!th->th_there)
			re->re_what = "made";
		else
			re->re_what = stat(th->th_arg, &st) == 0 ? "changed" :
			    "gone";
		break;
	default:
		re->re_what = "came";
		break;
	}
}

/* Sets all watches.  True: one of the things has come before. */
static bool
begin(int queue, struct result *re, const struct thing **thp)
{
	struct thing *th;
	struct stat st;

	for (th = things; th < things + nthings; th++) {
		*thp = th;
		if (evany_turn(queue, &th->th_change, 1, NULL, 0, 0, 0) == -1) {
			if (errno != ESRCH ||
			    th->th_change.ch_source != EVANY_PROCESS)
				err(EXIT_TROUBLE, "%s %s", th->th_kind,
				    th->th_arg);
			re->re_what = "ended";
			return (true);
		}
		if (th->th_change.ch_source == EVANY_FILE && !th->th_there &&
		    stat(th->th_arg, &st) == 0) {
			re->re_what = "made";
			return (true);
		}
	}
	return (false);
}

int
tool_wait(int argc, char **argv)
{
	static const struct option options[] = {
		{ "file", required_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ "pid", required_argument, NULL, 'p' },
		{ "read", required_argument, NULL, 'r' },
		{ "signal", required_argument, NULL, 's' },
		{ "time", required_argument, NULL, 't' },
		{ "until", required_argument, NULL, 'u' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "write", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 }
	};
	struct result re = { NULL, NULL, -1 };
	char buf[SIGNAL_NAME];
	struct evany_event ev;
	const struct thing *th;
	bool json = false, verbose = false;
	int ch, queue;

	while ((ch = getopt_long(argc, argv, "f:jp:r:s:t:u:vw:", options,
	    NULL)) != -1)
		if (ch == 'j')
			json = true;
		else if (ch == 'v')
			verbose = true;
		else if (ch == '?')
			tool_usage(wait_usage);
		else
			add(ch, optarg);
	if (optind != argc || nthings == 0)
		tool_usage(wait_usage);
	if ((queue = evany_queue(0)) == -1)
		err(EXIT_TROUBLE, "queue");
	if (begin(queue, &re, &th))
		return (tell(th, &re, json));
	if (verbose)
		warnx("waiting for %d thing%s", nthings,
		    nthings == 1 ? "" : "s");
	while (evany_wait(queue, &ev, 1, EVANY_FOREVER) == -1)
		if (errno != EINTR)
			err(EXIT_TROUBLE, "wait");
	th = ev.ev_user;
	result_of(th, &ev, &re, buf);
	return (tell(th, &re, json));
}
