/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

#include "config.h"

#include "evt.h"
#include "killed.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <inttypes.h>

#define AREAS	8
#define AREA	16384U		/* bytes at its beginning that are compared */
#define MOST	1000U		/* points of one call, or something is wrong */

/* Memory that is shared with the child, and what was in it. */
static struct area {
	const void	*ar_now;
	size_t		 ar_size;
	char		 ar_then[AREA];
} areas[AREAS];
static int nareas;

static void
areas_find(void)
{
	uintptr_t begin, end;
	char line[512];
	FILE *f;

	nareas = 0;
	ATF_REQUIRE((f = fopen("/proc/self/maps", "re")) != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, " rw-s ") != NULL && sscanf(line,
		    "%" SCNxPTR "-%" SCNxPTR, &begin, &end) == 2) {
			ATF_REQUIRE(nareas < AREAS);
			areas[nareas].ar_now = (const void *)begin;
			areas[nareas].ar_size = end - begin < AREA ?
			    end - begin : AREA;
			nareas++;
		}
	(void)fclose(f);
	ATF_REQUIRE(nareas > 0);
}

static bool
areas_changed(void)
{
	bool any = false;
	int i;

	for (i = 0; i < nareas; i++)
		if (memcmp(areas[i].ar_then, areas[i].ar_now,
		    areas[i].ar_size) != 0) {
			memcpy(areas[i].ar_then, areas[i].ar_now,
			    areas[i].ar_size);
			any = true;
		}
	return (any);
}

static pid_t
start(void (*act)(void))
{
	int status;
	pid_t pid;

	(void)fflush(NULL);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
			_exit(77);
		(void)raise(SIGSTOP);
		act();
		_exit(0);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	if (!WIFSTOPPED(status))
		atf_tc_skip("processes cannot be traced here");
	return (pid);
}

/* False: it had come to its end. */
static bool
kill_at(void (*act)(void), bool steps, unsigned n)
{
	pid_t pid = start(act);
	int status;

	(void)areas_changed();
	while (n > 0) {
		ATF_REQUIRE_EQ(0, ptrace(steps ? PTRACE_SINGLESTEP :
		    PTRACE_SYSCALL, pid, NULL, NULL));
		ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
		if (!WIFSTOPPED(status)) {
			ATF_REQUIRE_MSG(WIFEXITED(status) &&
			    WEXITSTATUS(status) == 0, "the child: %#x",
			    (unsigned)status);
			return (false);
		}
		ATF_REQUIRE_EQ(WSTOPSIG(status), SIGTRAP);
		if (!steps || areas_changed())
			n--;
	}
	ATF_REQUIRE_EQ(0, kill(pid, SIGKILL));
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return (true);
}

void
killed_everywhere(void (*before)(void), void (*act)(void),
    void (*after)(bool done))
{
	bool done;
	int steps;
	unsigned n;

	for (steps = 0; steps < 2; steps++) {
		done = false;
		for (n = 1; !done; n++) {
			ATF_REQUIRE(n < MOST);
			before();
			areas_find();
			done = !kill_at(act, steps != 0, n);
			printf("%s %u%s\n", steps != 0 ? "change" : "call", n,
			    done ? ": through" : "");
			after(done);
		}
	}
}
