/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * pidfd_sys: what Linux tells of a process.
 *
 * State:   none.
 * Race:    a pid is given away once its process is reaped.  So what /proc says
 *          of a pid is believed only if the descriptor's process can still be
 *          sent signals afterwards, which a zombie can and a reaped one cannot.
 * Locks:   none.
 *
 * The calls are made past the C library, which may lack them, and whose own
 * are cancellation points.
 */
#include "config.h"

#include "backends/pidfd/pidfd_sys.h"

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/selfpipe/procstat.h"
#include "backends/selfpipe/waitstatus.h"

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal	424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open		434
#endif
#define IDTYPE_PIDFD		3	/* P_PIDFD, an enumerator or nothing */

/* PIDFD_GET_INFO with the members that came with Linux 6.13. */
struct pidfd_facts {
	uint64_t	pf_mask;
	uint64_t	pf_cgroup;
	uint32_t	pf_pid;
	uint32_t	pf_tgid;
	uint32_t	pf_ppid;
	uint32_t	pf_ids[8];
	int32_t		pf_status;
};
_Static_assert(sizeof(struct pidfd_facts) == 64, "the kernel's size");
#define PIDFD_FACTS	_IOWR(0xff, 11, struct pidfd_facts)
#define FACTS_PID	0x1U
#define FACTS_STATUS	0x8U		/* Linux 6.15, once it is reaped */

int
evany__pidfd_open(pid_t pid, int *fdp)
{
	int fd;

	if (pid <= 0)
		return (ESRCH);
	if ((fd = evany__inner((int)syscall(SYS_pidfd_open, pid, 0))) == -1)
		/* ENOENT, EINVAL before Linux 6.9: a thread, no process. */
		return (errno == ENOENT || errno == EINVAL ? ESRCH : errno);
	*fdp = fd;
	return (0);
}

/*
 * A duplicate, because a process that was reaped cannot be opened again.  Its
 * flags are the program's too, so it may be blocking; nobody reads from it.
 */
int
evany__pidfd_dup(int fd, int *fdp)
{
	siginfo_t si;
	int new;

	if (syscall(SYS_waitid, IDTYPE_PIDFD, fd, &si,
	    WEXITED | WNOHANG | WNOWAIT, NULL) == -1 && errno != ECHILD)
		return (EINVAL);
	if ((new = evany__inner(fcntl(fd, F_DUPFD_CLOEXEC, 0))) == -1)
		return (errno);
	*fdp = new;
	return (0);
}

void
evany__pidfd_close(int fd)
{
	(void)syscall(SYS_close, fd);
}

static bool
pidfd_facts(int fd, uint64_t want, struct pidfd_facts *pf)
{
	memset(pf, 0, sizeof(*pf));
	pf->pf_mask = want;
	return (ioctl(fd, (EVANY_IOCTL_REQUEST)PIDFD_FACTS, pf) == 0 &&
	    (pf->pf_mask & want) == want);
}

pid_t
evany__pidfd_pid(int fd)
{
	struct pidfd_facts pf;
	char buf[512], path[64];
	const char *p;

	if (pidfd_facts(fd, FACTS_PID, &pf))
		return ((pid_t)pf.pf_tgid);
	(void)snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	if (!evany__procstat_read(path, buf, sizeof(buf)) ||
	    (p = strstr(buf, "\nPid:")) == NULL ||
	    (fd = atoi(p + strlen("\nPid:"))) < 0)
		return (0);
	return ((pid_t)fd);
}

bool
evany__pidfd_ended(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	static const uint64_t now[2];	/* a timespec of either width */

	return (syscall(SYS_ppoll, &pfd, 1, now, NULL, (size_t)0) == 1);
}

/* Not reaped yet, so that its pid is its own. */
static bool
pidfd_holds(int fd)
{
	return (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0 ||
	    errno == EPERM);
}

static bool
pidfd_stat(int fd, pid_t pid, struct evany__procstat *ps)
{
	return (evany__procstat(pid, ps) && pidfd_holds(fd));
}

/*
 * A child that was not reaped tells by waitid; one that was, or that nobody
 * reaps, by PIDFD_GET_INFO; a stranger that was not by /proc.  It may go from
 * one state to another meanwhile, and between the end of a process that nobody
 * reaps and its disappearance /proc alone knows, so everybody is asked again.
 * /proc tells 0 to those who may not trace the process.
 */
bool
evany__pidfd_status(int fd, pid_t pid, int64_t *statusp)
{
	struct pidfd_facts pf;
	struct evany__procstat ps;
	siginfo_t si;
	int tries;

	for (tries = 0; tries < 3; tries++) {
		memset(&si, 0, sizeof(si));
		if (syscall(SYS_waitid, IDTYPE_PIDFD, fd, &si,
		    WEXITED | WNOHANG | WNOWAIT, NULL) == 0 &&
		    si.si_pid != 0) {
			*statusp = evany__wait_status(&si);
			return (true);
		}
		if (pidfd_facts(fd, FACTS_STATUS, &pf)) {
			*statusp = pf.pf_status;
			return (true);
		}
		if (pid > 0 && pidfd_stat(fd, pid, &ps) &&
		    evany__procstat_ended(&ps)) {
			*statusp = ps.ps_status;
			return (true);
		}
	}
	*statusp = 0;
	return (false);
}

bool
evany__pidfd_is_child(int fd, pid_t pid, pid_t parent, int64_t born)
{
	struct pidfd_facts pf;
	struct evany__procstat ps;
	int64_t hertz, tick;

	if (pidfd_facts(fd, FACTS_PID, &pf) && pf.pf_ppid == (uint32_t)parent)
		return (true);
	if (!pidfd_stat(fd, pid, &ps))
		return (false);
	if (ps.ps_ppid == parent)
		return (true);
	/* Its parent has ended, and another process took its place. */
	if ((hertz = sysconf(_SC_CLK_TCK)) <= 0)
		return (false);
	tick = born / (INT64_C(1000000000) / hertz);
	return (tick - (int64_t)ps.ps_start <= 1 &&
	    (int64_t)ps.ps_start - tick <= 1);
}
