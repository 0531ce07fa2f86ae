/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * tool.h: the evany command, shared by its files.  See evany(1).
 *
 * One file per subcommand; what they print goes through out.c, as text for
 * people or as JSON.  The command is a program like any other: it has nothing
 * but <evany.h>.
 */
#ifndef EVANY_TOOL_H
#define EVANY_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#define EXIT_LATE	124	/* the time is over */
#define EXIT_TROUBLE	125	/* wrong usage, or a failure */

/* Subcommands: their arguments, name first; they return the exit status. */
int	tool_info(int argc, char **argv);
int	tool_wait(int argc, char **argv);
int	tool_watch(int argc, char **argv);

/* Tells how a subcommand is used and exits. */
_Noreturn void tool_usage(const char *text);

/* ---- arguments (parse.c) -------------------------------------------------- */

/* All of these tell what is wrong and exit if the text is none of theirs. */
int64_t	parse_seconds(const char *);	/* "1.5", "200ms", "2m"; nanoseconds */
int64_t	parse_moment(const char *);	/* "1700000000.5", since the Epoch */
int	parse_number(const char *, int most, const char *what);
int	parse_signal(const char *);	/* "HUP", "SIGHUP", "1" */
/* "HUP"; buf is used for signals without a name. */
#define SIGNAL_NAME	16
const char *signal_name(int signo, char buf[SIGNAL_NAME]);

/* ---- output (out.c) -------------------------------------------------------- */

/* A name as one line of text: what is no printable character is escaped. */
void	text_name(const char *);

/* JSON, in the order of the calls; commas come by themselves. */
void	json_open(const char *key, char bracket);	/* '{' or '[' */
void	json_close(char bracket);			/* '}' or ']' */
void	json_string(const char *key, const char *);	/* NULL: null */
void	json_number(const char *key, int64_t);
void	json_bool(const char *key, bool);
/* Seconds with all digits of the nanoseconds. */
void	json_seconds(const char *key, int64_t ns);
void	json_end(void);					/* of the line */

#endif /* EVANY_TOOL_H */
