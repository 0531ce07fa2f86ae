/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * procask: has a process ended?  Asked, not told, and nothing is reaped.
 */
#include "config.h"

#include "backends/selfpipe/procask.h"

#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "backends/pollpipe.h"
#include "backends/rawcall.h"
#include "backends/selfpipe/procstat.h"
#include "backends/selfpipe/waitstatus.h"

#ifdef HAVE_WAITID
static enum evany__answer
ask_waitid(idtype_t type, id_t id, int64_t *statusp)
{
	siginfo_t si;
	int cancel, result;

	memset(&si, 0, sizeof(si));
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	do
		result = evany__waitid(type, id, &si, WEXITED | WNOHANG | WNOWAIT);
	while (result == -1 && errno == EINTR);
	(void)pthread_setcancelstate(cancel, NULL);
	if (result == -1)
		return (EVANY__ASK_NO_CHILD);
	if (si.si_pid == 0)
		return (EVANY__ASK_RUNNING);
	*statusp = evany__wait_status(&si);
	return (EVANY__ASK_ENDED);
}
#endif

enum evany__answer
evany__ask_child(pid_t pid, int64_t *statusp)
{
#ifdef HAVE_WAITID
	return (ask_waitid(P_PID, (id_t)pid, statusp));
#else
	(void)pid;
	(void)statusp;
	return (EVANY__ASK_NO_CHILD);
#endif
}

/* A process descriptor is readable, or hung up, once its process has ended. */
enum evany__answer
evany__ask_descriptor(int fd, int64_t *statusp)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int cancel;

	*statusp = 0;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	evany__poll_now(&pfd, 1);
	(void)pthread_setcancelstate(cancel, NULL);
	if (pfd.revents == 0)
		return (EVANY__ASK_RUNNING);
#if defined(HAVE_WAITID) && HAVE_DECL_P_PIDFD
	(void)ask_waitid(P_PIDFD, (id_t)fd, statusp);
#endif
	return (EVANY__ASK_ENDED);
}

/* A zombie can be sent signals; where there is such a /proc, it tells. */
enum evany__answer
evany__ask_anybody(pid_t pid, int64_t *statusp)
{
	struct evany__procstat ps;

	*statusp = 0;
	if (kill(pid, 0) == -1 && errno == ESRCH)
		return (EVANY__ASK_ENDED);
	if (!evany__procstat(pid, &ps) || !evany__procstat_ended(&ps))
		return (EVANY__ASK_RUNNING);
	*statusp = ps.ps_status;
	return (EVANY__ASK_ENDED);
}
