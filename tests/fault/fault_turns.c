/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fault_turns: a scenario over and over, with its first, second, third ...
 * allocation or system call failed.  At the end the process has as many
 * descriptors and as much memory as without the failure.
 */
#include "config.h"

#include "evt.h"
#include "fault.h"

#include <poll.h>
#include <signal.h>

#define MORE		40		/* failures that show a leak */
#define TURNS		5000		/* more calls than any scenario makes */

int fault_seen;

/* Off while a scenario is run for what it leaves behind only. */
static bool armed;
static void (*parts)(void);

void
fault_begin(void)
{
	if (armed)
		fault_on();
}

void
fault_end(void)
{
	fault_seen = armed ? fault_off() : 0;
}

/* No thread can be had: that is told as no memory, as few calls have EAGAIN. */
bool
fault_right(int error)
{
	return (error == (fault_seen == EAGAIN ? ENOMEM : fault_seen));
}

bool
fault_passed(int res, const char *what)
{
	int error = errno;

	fault_end();
	if (res != -1)
		return (true);
	if (!fault_right(error))
		fault_fail("%s: errno %d after %d", what, error, fault_seen);
	errno = error;
	return (false);
}

void
fault_put(int fd)
{
	FAULT_NEED(write(fd, "x", 1) == 1);
}

void
fault_take(int fd)
{
	char c;

	FAULT_NEED(read(fd, &c, 1) == 1);
}

static void
write_file(const char *path, int flags)
{
	int fd;

	FAULT_NEED((fd = open(path, O_WRONLY | flags, 0644)) != -1);
	FAULT_NEED(write(fd, "some", 4) == 4);
	FAULT_NEED(close(fd) == 0);
}

void
fault_make_file(const char *path)
{
	write_file(path, O_CREAT | O_TRUNC);
}

void
fault_grow_file(const char *path)
{
	write_file(path, O_APPEND);
}

/*
 * What has ended is freed when the next queue is made, and by the thread of
 * the portable mechanisms before it tells of anything new.
 */
static void
settle(void)
{
	struct pollfd pfd = { .events = POLLIN };
	struct kevent kev;
	int p[2];

	evt_settle();
	if ((pfd.fd = kqueue()) == -1 || pipe(p) == -1)
		fault_fail("settle: errno %d", errno);
	EV_SET(&kev, (uintptr_t)p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	if (kevent(pfd.fd, &kev, 1, NULL, 0, NULL) != 0 ||
	    write(p[1], "", 1) != 1 || poll(&pfd, 1, EVT_WAIT_MS) != 1)
		fault_fail("settle: errno %d", errno);
	(void)close(pfd.fd);
	(void)close(p[0]);
	(void)close(p[1]);
}

static void
scenario(const struct fault_plan *fp)
{
	unsigned more;

	(void)signal(SIGPIPE, SIG_IGN);
	if (fp->fp_busy) {
		/* Without faults first: all that is made once exists. */
		armed = false;
		parts();
	}
	armed = true;
	parts();
	for (more = fp->fp_more; more > 0; more--) {
		fault_again(fp);
		parts();
	}
	/* And once more undisturbed, so that what is kept is the same. */
	settle();
}

static bool
grown(const struct fault_result *res, const struct fault_result *base)
{
	return (res->fr_fds > base->fr_fds ||
	    res->fr_blocks > base->fr_blocks);
}

/*
 * More is kept than without the failure: a leak, or something that a process
 * has once, such as what another mechanism needs.  A leak grows by at least
 * one with each failure; a queue or two that a thread of the C library has not
 * freed yet do not.
 */
static void
check_leak(const struct fault_plan *fp, const struct fault_result *base)
{
	struct fault_plan plan = *fp;
	struct fault_result few, many;
	int tries;

	for (tries = 0; tries < 3; tries++)
		if (fault_run(&plan, scenario, &few) && !grown(&few, base))
			return;
	plan.fp_more = 1;
	if (!fault_run(&plan, scenario, &few))
		atf_tc_fail("the child cannot be traced");
	plan.fp_more += MORE;
	if (!fault_run(&plan, scenario, &many))
		atf_tc_fail("the child cannot be traced");
	if (many.fr_why[0] != '\0' || many.fr_fds >= few.fr_fds + MORE ||
	    many.fr_blocks >= few.fr_blocks + MORE)
		atf_tc_fail("turn %u variant %u (%s): %d descriptors and %ld "
		    "blocks of memory, after %d more %d and %ld; %s",
		    fp->fp_turn, fp->fp_variant, few.fr_what, few.fr_fds,
		    few.fr_blocks, MORE, many.fr_fds, many.fr_blocks,
		    many.fr_why);
}

static void
check_run(const struct fault_plan *fp, const struct fault_result *res,
    const struct fault_result *base)
{
	const char *what = res->fr_what[0] != '\0' ? res->fr_what : "nothing";

	if (res->fr_why[0] != '\0')
		atf_tc_fail("turn %u variant %u (%s): %s", fp->fp_turn,
		    fp->fp_variant, what, res->fr_why);
	if (base == NULL)
		return;
	if (grown(res, base))
		check_leak(fp, base);
}

void
fault_turns(bool alloc, bool busy, void (*fn)(void))
{
	struct fault_plan fp = { .fp_alloc = alloc, .fp_busy = busy };
	struct fault_result base, res;
	unsigned runs;

	parts = fn;
	if (alloc && !fault_alloc_ours())
		atf_tc_skip("allocation is a sanitizer's or another libc's");
	if (!fault_run(&fp, scenario, &base))
		atf_tc_skip("this system does not let us trace a child");
	check_run(&fp, &base, NULL);
	runs = 0;
	for (fp.fp_turn = 1; fp.fp_turn < TURNS; fp.fp_turn++) {
		fp.fp_variant = 0;
		do {
			if (!fault_run(&fp, scenario, &res))
				atf_tc_fail("the child cannot be traced");
			check_run(&fp, &res, &base);
			runs++;
		} while (res.fr_what[0] != '\0' &&
		    ++fp.fp_variant < res.fr_variants);
		if (res.fr_what[0] == '\0')
			break;
	}
	printf("%u calls can fail, %u runs\n", base.fr_calls, runs);
	ATF_REQUIRE_MSG(base.fr_calls > 0, "no call was counted");
}
