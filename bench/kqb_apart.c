/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * kqb_apart: a measurement in a child of its own.
 *
 * It begins with a heap that no other has stretched and as the only thread,
 * and no queue that another has closed is still being looked for.  What hangs
 * there is ended by an alarm.
 */

#include "config.h"

#include <sys/types.h>
#include <sys/wait.h>
#include <stdio.h>
#include <unistd.h>

#include "kqbench.h"

unsigned int kqb_limit = 60;

int
kqb_apart(int (*fn)(void *), void *arg, size_t size)
{
	ssize_t got;
	pid_t pid;
	int p[2], failed, status;

	if (pipe(p) == -1)
		kqb_die("pipe");
	(void)fflush(NULL);
	switch (pid = fork()) {
	case -1:
		kqb_die("fork");
	case 0:
		(void)close(p[0]);
		(void)alarm(kqb_limit);
		failed = fn(arg);
		_exit(write(p[1], arg, size) != (ssize_t)size ? 2 :
		    failed != 0);
	default:
		(void)close(p[1]);
		got = read(p[0], arg, size);
		(void)close(p[0]);
		if (waitpid(pid, &status, 0) != pid)
			kqb_die("waitpid");
		if (!WIFEXITED(status) || WEXITSTATUS(status) > 1 ||
		    got != (ssize_t)size)
			return (-1);
		return (WEXITSTATUS(status));
	}
}
