/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evany: see what the library has, watch files, wait in a script.
 *
 * This file chooses the subcommand; info.c, wait.c and watch.c are them.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evany.h>

#include "tools/evany/tool.h"

static const struct {
	const char	*name;
	int		(*run)(int, char **);
	const char	*descr;
} commands[] = {
	{ "info", tool_info, "what the library has found on this machine" },
	{ "wait", tool_wait, "wait for the first of several things" },
	{ "watch", tool_watch, "tell what happens to files and folders" }
};
#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

_Noreturn void
tool_usage(const char *text)
{
	fprintf(stderr, "usage: %s\n", text);
	exit(EXIT_TROUBLE);
}

static void
help(FILE *to)
{
	size_t i;

	fputs("usage: evany command [option ...] [argument ...]\n", to);
	for (i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-6s %s\n", commands[i].name,
		    commands[i].descr);
	fputs("See evany(1).\n", to);
}

int
main(int argc, char **argv)
{
	size_t i;
	int status = -1;

	if (argc < 2) {
		help(stderr);
		return (EXIT_TROUBLE);
	}
	if (strcmp(argv[1], "--version") == 0)
		printf("evany %s\n", evany_version());
	else if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		help(stdout);
	else {
		for (i = 0; i < COMMANDS; i++)
			if (strcmp(argv[1], commands[i].name) == 0)
				break;
		if (i == COMMANDS) {
			warnx("%s: no such command", argv[1]);
			help(stderr);
			return (EXIT_TROUBLE);
		}
		status = commands[i].run(argc - 1, argv + 1);
	}
	if (ferror(stdout) || fflush(stdout) == EOF)
		err(EXIT_TROUBLE, "standard output");
	return (status == -1 ? 0 : status);
}
