/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * The evany command in a terminal, as a person uses it: what it shows, keys
 * that are typed, and the interrupt key.
 *
 * With -v the command tells when its watches are set, so a test acts after
 * that and never sleeps.
 */
#include "config.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <poll.h>
#include <stdarg.h>
#include <termios.h>

#include "evt.h"

#define SHOWN_MAX	16384
#define ARGS_MAX	16

struct tty {
	int	ty_master;
	pid_t	ty_pid;
	size_t	ty_used;
	char	ty_shown[SHOWN_MAX];	/* not yet expected */
};

/* The terminal's other side, and the command in it. */
static void
child(const char *slave, char **argv)
{
	int fd;

	if (setsid() == -1 || (fd = open(slave, O_RDWR)) == -1)
		_exit(99);
#ifdef TIOCSCTTY
	(void)ioctl(fd, TIOCSCTTY, 0);
#endif
	if (dup2(fd, 0) == -1 || dup2(fd, 1) == -1 || dup2(fd, 2) == -1)
		_exit(99);
	if (fd > 2)
		(void)close(fd);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)execv(EVANY_TOOL, argv);
	_exit(98);
}

static void
tty_start(struct tty *ty, ...)
{
	char *argv[ARGS_MAX], *slave;
	va_list ap;
	int n = 0;

	argv[n++] = (char *)(uintptr_t)"evany";
	va_start(ap, ty);
	do {
		ATF_REQUIRE(n < ARGS_MAX);
		argv[n] = va_arg(ap, char *);
	} while (argv[n++] != NULL);
	va_end(ap);
	ty->ty_used = 0;
	ATF_REQUIRE((ty->ty_master = posix_openpt(O_RDWR | O_NOCTTY)) != -1);
	ATF_REQUIRE_EQ(0, grantpt(ty->ty_master));
	ATF_REQUIRE_EQ(0, unlockpt(ty->ty_master));
	ATF_REQUIRE((slave = ptsname(ty->ty_master)) != NULL);
	ATF_REQUIRE((ty->ty_pid = fork()) != -1);
	if (ty->ty_pid == 0) {
		(void)close(ty->ty_master);
		child(slave, argv);
	}
}

/* More of what it shows; false once the command has gone. */
static bool
tty_more(struct tty *ty, const char *until)
{
	struct pollfd pfd = { .fd = ty->ty_master, .events = POLLIN };
	ssize_t n;

	ATF_REQUIRE_MSG(poll(&pfd, 1, (int)(20 * EVT_WAIT_MS)) == 1,
	    "nothing comes; expected: %s; shown: %s", until, ty->ty_shown);
	n = read(ty->ty_master, ty->ty_shown + ty->ty_used,
	    SHOWN_MAX - 1 - ty->ty_used);
	if (n <= 0)
		return (false);
	ty->ty_used += (size_t)n;
	ty->ty_shown[ty->ty_used] = '\0';
	return (true);
}

/* Waits for the text and drops everything up to its end. */
static void
tty_expect(struct tty *ty, const char *text)
{
	char *at;

	ty->ty_shown[ty->ty_used] = '\0';
	while ((at = strstr(ty->ty_shown, text)) == NULL)
		ATF_REQUIRE_MSG(tty_more(ty, text), "expected: %s; shown: %s",
		    text, ty->ty_shown);
	at += strlen(text);
	ty->ty_used -= (size_t)(at - ty->ty_shown);
	memmove(ty->ty_shown, at, ty->ty_used + 1);
}

static void
tty_type(struct tty *ty, const char *keys)
{
	ATF_REQUIRE_EQ((ssize_t)strlen(keys),
	    write(ty->ty_master, keys, strlen(keys)));
}

/* The wait status, once nothing more is shown. */
static int
tty_end(struct tty *ty)
{
	int status;

	do
		ty->ty_used = 0;
	while (tty_more(ty, "the end"));
	ATF_REQUIRE_EQ(ty->ty_pid, waitpid(ty->ty_pid, &status, 0));
	(void)close(ty->ty_master);
	return (status);
}

static void
expect_exit(struct tty *ty, int code)
{
	int status = tty_end(ty);

	ATF_REQUIRE_MSG(WIFEXITED(status), "status %#x", (unsigned)status);
	ATF_REQUIRE_EQ(code, WEXITSTATUS(status));
}

static void
file_make(const char *name)
{
	int fd;

	ATF_REQUIRE((fd = open(name, O_CREAT | O_WRONLY | O_EXCL, 0600)) != -1);
	ATF_REQUIRE_EQ(3, write(fd, "abc", 3));
	ATF_REQUIRE_EQ(0, close(fd));
}

/* ---- watch ------------------------------------------------------------------------- */

EVT_TC(watch__lines, "TOOL-001", "Each event is a line, at once, until the "
    "interrupt key")
{
	struct tty ty;
	int status;

	ATF_REQUIRE_EQ(0, mkdir("d", 0700));
	tty_start(&ty, "watch", "-v", "d", NULL);
	tty_expect(&ty, "watching");
	file_make("d/one");
	tty_expect(&ty, "made d/one\r\n");
	ATF_REQUIRE_EQ(0, unlink("d/one"));
	tty_expect(&ty, "gone d/one\r\n");
	tty_type(&ty, "\003");
	status = tty_end(&ty);
	ATF_REQUIRE(WIFSIGNALED(status));
	ATF_REQUIRE_EQ(SIGINT, WTERMSIG(status));
}

EVT_TC(watch__renames, "TOOL-001", "The halves of a rename have one cookie")
{
	struct tty ty;
	char *end, *cookie;

	ATF_REQUIRE_EQ(0, mkdir("d", 0700));
	file_make("d/from");
	tty_start(&ty, "watch", "-v", "-n", "2", "d", NULL);
	tty_expect(&ty, "watching");
	ATF_REQUIRE_EQ(0, rename("d/from", "d/to"));
	tty_expect(&ty, "moved-from #");
	while ((end = strstr(ty.ty_shown, " d/from\r\n")) == NULL)
		ATF_REQUIRE(tty_more(&ty, "d/from"));
	ATF_REQUIRE((cookie = strndup(ty.ty_shown,
	    (size_t)(end - ty.ty_shown))) != NULL);
	tty_expect(&ty, "moved-to #");
	tty_expect(&ty, cookie);
	tty_expect(&ty, " d/to\r\n");
	free(cookie);
	expect_exit(&ty, 0);
}

EVT_TC(watch__tree, "TOOL-002", "With -r folders made later are watched too")
{
	struct tty ty;

	ATF_REQUIRE_EQ(0, mkdir("d", 0700));
	tty_start(&ty, "watch", "-v", "-r", "d", NULL);
	tty_expect(&ty, "watching");
	ATF_REQUIRE_EQ(0, mkdir("d/a", 0700));
	tty_expect(&ty, "made d/a\r\n");
	ATF_REQUIRE_EQ(0, mkdir("d/a/b", 0700));
	tty_expect(&ty, "made d/a/b\r\n");
	file_make("d/a/b/leaf");
	tty_expect(&ty, "made d/a/b/leaf\r\n");
	tty_type(&ty, "\003");
	(void)tty_end(&ty);
}

EVT_TC(watch__strange_names, "TOOL-001", "A name cannot upset the terminal")
{
	struct tty ty;

	ATF_REQUIRE_EQ(0, mkdir("d", 0700));
	tty_start(&ty, "watch", "-v", "d", NULL);
	tty_expect(&ty, "watching");
	file_make("d/\033[2J\n\\");
	tty_expect(&ty, "made d/\\033[2J\\n\\\\\r\n");
	tty_type(&ty, "\003");
	(void)tty_end(&ty);
}

/* ---- wait -------------------------------------------------------------------------- */

EVT_TC(wait__keys, "TOOL-010", "What is typed is waited for, and not taken")
{
	struct tty ty;

	tty_start(&ty, "wait", "-v", "-t", "1h", "-r", "0", NULL);
	tty_expect(&ty, "waiting");
	tty_type(&ty, "yes\n");
	tty_expect(&ty, "read 0 ready\r\n");
	expect_exit(&ty, 1);
}

EVT_TC(wait__signal, "TOOL-010", "A signal is waited for instead of obeyed")
{
	struct tty ty;

	tty_start(&ty, "wait", "-v", "-s", "int", "-t", "1h", NULL);
	tty_expect(&ty, "waiting");
	tty_type(&ty, "\003");
	tty_expect(&ty, "signal int came\r\n");
	expect_exit(&ty, 0);
}

EVT_TC(wait__process, "TOOL-010", "The end of a process that is no child")
{
	struct tty ty;
	int p[2], status;
	pid_t pid;
	char number[16], line[64];

	evt_pipe(p);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)close(p[1]);
		(void)!read(p[0], number, 1);
		_exit(3);
	}
	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	tty_start(&ty, "wait", "-v", "-p", number, NULL);
	tty_expect(&ty, "waiting");
	ATF_REQUIRE_EQ(1, write(p[1], "x", 1));
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	(void)snprintf(line, sizeof(line), "pid %d e", (int)pid);
	tty_expect(&ty, line);		/* exited 3, or ended if not told */
	expect_exit(&ty, 0);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- usage ------------------------------------------------------------------------- */

EVT_TC(usage__no_command, "TOOL-020", "Without a command it tells which there "
    "are")
{
	struct tty ty;

	tty_start(&ty, NULL);
	tty_expect(&ty, "usage: evany command");
	tty_expect(&ty, "info");
	tty_expect(&ty, "wait");
	tty_expect(&ty, "watch");
	expect_exit(&ty, 125);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, watch__lines);
	EVT_TP_ADD_TC(tp, watch__renames);
	EVT_TP_ADD_TC(tp, watch__tree);
	EVT_TP_ADD_TC(tp, watch__strange_names);
	EVT_TP_ADD_TC(tp, wait__keys);
	EVT_TP_ADD_TC(tp, wait__signal);
	EVT_TP_ADD_TC(tp, wait__process);
	EVT_TP_ADD_TC(tp, usage__no_command);
	return (atf_no_error());
}
