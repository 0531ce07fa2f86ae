/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * parse: the arguments of options.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/evany/tool.h"

#define SECOND	INT64_C(1000000000)

/*
 * A decimal number of units, as nanoseconds, exactly; what follows it goes to
 * *endp.  -1: it is none, or too large.
 */
static int64_t
decimal(const char *s, int64_t unit, const char **endp)
{
	int64_t ns = 0, part = unit;
	const char *p;

	for (p = s; *p >= '0' && *p <= '9'; p++) {
		if (ns > (INT64_MAX / unit - 9) / 10)
			return (-1);
		ns = ns * 10 + (*p - '0');
	}
	ns *= unit;
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++) {
			part /= 10;
			ns += part * (*p - '0');
		}
		if (p - s < 2)
			return (-1);
	}
	*endp = p;
	return (p == s ? -1 : ns);
}

int64_t
parse_seconds(const char *s)
{
	static const struct {
		const char	*name;
		int64_t		 unit;
	} units[] = {
		{ "", SECOND }, { "s", SECOND }, { "ms", SECOND / 1000 },
		{ "m", 60 * SECOND }, { "h", 3600 * SECOND },
		{ "d", 86400 * SECOND }
	};
	const char *end;
	int64_t ns;
	size_t i;

	if (decimal(s, SECOND, &end) >= 0)
		for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (strcmp(end, units[i].name) == 0 &&
			    (ns = decimal(s, units[i].unit, &end)) >= 0)
				return (ns);
	errx(EXIT_TROUBLE, "%s: no time, such as 1.5, 200ms, 10m", s);
}

int64_t
parse_moment(const char *s)
{
	const char *end;
	int64_t ns;

	if ((ns = decimal(s, SECOND, &end)) < 0 || *end != '\0')
		errx(EXIT_TROUBLE, "%s: no moment, in seconds since 1970", s);
	return (ns);
}

int
parse_number(const char *s, int most, const char *what)
{
	const char *end;
	int64_t n;

	n = decimal(s, 1, &end);
	if (n < 0 || n > most || *end != '\0' || strchr(s, '.') != NULL)
		errx(EXIT_TROUBLE, "%s: no %s", s, what);
	return ((int)n);
}

/* ---- signals ----------------------------------------------------------------- */

static const struct {
	const char	*name;
	int		 signo;
} signals[] = {
	{ "HUP", SIGHUP }, { "INT", SIGINT }, { "QUIT", SIGQUIT },
	{ "ILL", SIGILL }, { "TRAP", SIGTRAP }, { "ABRT", SIGABRT },
	{ "BUS", SIGBUS }, { "FPE", SIGFPE }, { "KILL", SIGKILL },
	{ "USR1", SIGUSR1 }, { "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE }, { "ALRM", SIGALRM }, { "TERM", SIGTERM },
	{ "CHLD", SIGCHLD }, { "CONT", SIGCONT }, { "STOP", SIGSTOP },
	{ "TSTP", SIGTSTP }, { "TTIN", SIGTTIN }, { "TTOU", SIGTTOU },
	{ "URG", SIGURG }, { "XCPU", SIGXCPU }, { "XFSZ", SIGXFSZ },
	{ "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "SYS", SIGSYS },
#ifdef SIGWINCH
	{ "WINCH", SIGWINCH },
#endif
#ifdef SIGINFO
	{ "INFO", SIGINFO },
#endif
#ifdef SIGIO
	{ "IO", SIGIO },
#endif
#ifdef SIGPWR
	{ "PWR", SIGPWR },
#endif
};
#define SIGNALS	(sizeof(signals) / sizeof(signals[0]))

/* The highest number that a name cannot be had for. */
#ifdef SIGRTMAX
#define SIGNAL_MAX	SIGRTMAX
#else
#define SIGNAL_MAX	(NSIG - 1)
#endif

int
parse_signal(const char *s)
{
	const char *name = strncasecmp(s, "SIG", 3) == 0 ? s + 3 : s;
	size_t i;

	for (i = 0; i < SIGNALS; i++)
		if (strcasecmp(name, signals[i].name) == 0)
			return (signals[i].signo);
	if (*s < '1' || *s > '9')
		errx(EXIT_TROUBLE, "%s: no signal", s);
	return (parse_number(s, SIGNAL_MAX, "signal"));
}

const char *
signal_name(int signo, char buf[SIGNAL_NAME])
{
	size_t i;

	for (i = 0; i < SIGNALS; i++)
		if (signals[i].signo == signo)
			return (signals[i].name);
	(void)snprintf(buf, SIGNAL_NAME, "%d", signo);
	return (buf);
}
