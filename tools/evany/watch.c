/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * watch: what happens to files and folders, one event a line.
 *
 * A path is one watch, whose pointer leads back to the path; the name that
 * comes with an event of a folder is put behind it.  A path ends when there is
 * nothing left to watch, and the command with the last of them.
 */
#include "config.h"

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <evany.h>

#include "tools/evany/tool.h"

static const char watch_usage[] =
    "evany watch [-ajrv] [-n count] [-t time] path ...";

#define BATCH	64	/* events taken by one call */

static const struct {
	uint32_t	 bit;
	const char	*name;
} words[] = {
	{ EVANY_MADE, "made" }, { EVANY_GONE, "gone" },
	{ EVANY_MOVED_FROM, "moved-from" }, { EVANY_MOVED_TO, "moved-to" },
	{ EVANY_MODIFIED, "modified" }, { EVANY_ATTRIB, "attrib" },
	{ EVANY_OPENED, "opened" }, { EVANY_ACCESSED, "accessed" },
	{ EVANY_WRITTEN, "written" }, { EVANY_CLOSED, "closed" },
	{ EVANY_LOST, "lost" }, { EVANY_ENDED, "ended" }
};
#define WORDS	(sizeof(words) / sizeof(words[0]))

#define USUAL	(EVANY_MADE | EVANY_GONE | EVANY_MOVED_FROM |		\
		EVANY_MOVED_TO | EVANY_MODIFIED | EVANY_ATTRIB)
#define OTHERS	(EVANY_OPENED | EVANY_ACCESSED | EVANY_WRITTEN | EVANY_CLOSED)


static char *
whole_path(const char *path, const char *name)
{
	size_t len = strlen(path);
	char *whole;
	int n;

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (name == NULL) {
		if ((whole = strndup(path, len)) == NULL)
			err(EXIT_TROUBLE, NULL);
		return (whole);
	}
	if (len == 1 && path[0] == '/')
		len = 0;
	n = snprintf(NULL, 0, "%.*s/%s", (int)len, path, name);
	if ((whole = malloc((size_t)n + 1)) == NULL)
		err(EXIT_TROUBLE, NULL);
	(void)snprintf(whole, (size_t)n + 1, "%.*s/%s", (int)len, path, name);
	return (whole);
}

static void
tell_text(const char *path, uint32_t what, uint32_t cookie)
{
	const char *comma = "";
	size_t i;

	for (i = 0; i < WORDS; i++)
		if ((what & words[i].bit) != 0) {
			printf("%s%s", comma, words[i].name);
			comma = ",";
		}
	if (cookie != 0)
		printf(" #%lu", (unsigned long)cookie);
	putchar(' ');
	text_name(path);
	putchar('\n');
}

static void
tell_json(const char *path, uint32_t what, uint32_t cookie)
{
	struct timespec now;
	size_t i;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	json_open(NULL, '{');
	json_seconds("time", (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
	json_string("path", path);
	json_open("what", '[');
	for (i = 0; i < WORDS; i++)
		if ((what & words[i].bit) != 0)
			json_string(NULL, words[i].name);
	json_close(']');
	json_number("cookie", (int64_t)cookie);
	json_close('}');
	json_end();
}

static void
begin(int queue, char *path, bool all, bool tree)
{
	struct evany_change ch;
	struct stat st;

	memset(&ch, 0, sizeof(ch));
	if (stat(path, &st) == -1)
		err(EXIT_TROUBLE, "%s", path);
	ch.ch_source = S_ISDIR(st.st_mode) ? EVANY_DIRECTORY : EVANY_FILE;
	ch.ch_object = (uintptr_t)path;
	ch.ch_user = path;
	ch.ch_path = path;
	ch.ch_what = USUAL | (all ? OTHERS : 0);
	if (S_ISDIR(st.st_mode) && tree)
		ch.ch_flags = EVANY_TREE;
	if (evany_turn(queue, &ch, 1, NULL, 0, 0, 0) == -1)
		err(EXIT_TROUBLE, "%s", path);
}

struct options {
	bool	op_all;
	bool	op_json;
	bool	op_tree;
	bool	op_verbose;
	int	op_count;	/* events to tell, or INT_MAX */
	int64_t	op_time;	/* ns, -1: none */
};

/* The deadline is a timer; its pointer is NULL, as no path's is. */
static void
loop(int queue, const struct options *op, int paths)
{
	struct evany_event events[BATCH], *ev;
	int left = op->op_count, n;
	char *path;

	while (left > 0 && paths > 0) {
		n = evany_wait(queue, events, left < BATCH ? left : BATCH,
		    EVANY_FOREVER);
		if (n == -1 && errno != EINTR)
			err(EXIT_TROUBLE, "wait");
		for (ev = events; ev < events + n; ev++, left--) {
			if (ev->ev_user == NULL)
				return;
			path = whole_path(ev->ev_user, ev->ev_name);
			(op->op_json ? tell_json : tell_text)(path,
			    ev->ev_what, ev->ev_cookie);
			free(path);
			if ((ev->ev_what & EVANY_ENDED) != 0)
				paths--;
		}
		if (fflush(stdout) == EOF)
			err(EXIT_TROUBLE, "standard output");
	}
}

int
tool_watch(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "count", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "recursive", no_argument, NULL, 'r' },
		{ "time", required_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 }
	};
	struct options op = { .op_count = INT_MAX, .op_time = -1 };
	int ch, i, queue;

	while ((ch = getopt_long(argc, argv, "ajn:rt:v", options, NULL)) != -1)
		switch (ch) {
		case 'a':
			op.op_all = true;
			break;
		case 'j':
			op.op_json = true;
			break;
		case 'n':
			op.op_count = parse_number(optarg, INT_MAX, "count");
			break;
		case 'r':
			op.op_tree = true;
			break;
		case 't':
			op.op_time = parse_seconds(optarg);
			break;
		case 'v':
			op.op_verbose = true;
			break;
		default:
			tool_usage(watch_usage);
		}
	if (optind == argc)
		tool_usage(watch_usage);
	if ((queue = evany_queue(0)) == -1)
		err(EXIT_TROUBLE, "queue");
	for (i = optind; i < argc; i++)
		begin(queue, argv[i], op.op_all, op.op_tree);
	if (op.op_time != -1 && evany_timer(queue, 0, op.op_time, 0,
	    EVANY_ONESHOT, NULL) == -1)
		err(EXIT_TROUBLE, "timer");
	if (op.op_verbose)
		warnx("watching %d path%s", argc - optind,
		    argc - optind == 1 ? "" : "s");
	loop(queue, &op, argc - optind);
	return (0);
}
