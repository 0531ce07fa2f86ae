/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * port_create() and the calls on a port: arguments, their order, and errno.
 * What they do is the driver's (backends/emulation/ports).
 *
 * The number is looked at before all other arguments but a NULL nget.  A call
 * that reaches the kernel through the number learns there whether it names the
 * port; for the others it is tried first (check).  From a signal handler that
 * interrupted a call of the library in its own thread, only port_send() can do
 * its work, a little later.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stddef.h>

#include "backends/emulation/ports/portq.h"
#include "compat/export.h"

static int
fail(int error)
{
	errno = error;
	return (-1);
}

/* 0 or -1 as the error says, with errno as it was on success. */
static int
done(int error, int number, int saved)
{
	/* The number was closed, or given to something else, meanwhile. */
	if (error == EIDRM)
		error = fcntl(number, F_GETFD) == -1 ? EBADF : EBADFD;
	if (error != 0)
		return (fail(error));
	errno = saved;
	return (0);
}

static struct port *
find(int number, bool check, int *errorp)
{
	if (evany__lock_held()) {
		*errorp = EDEADLK;
		return (NULL);
	}
	return (evany__port_find(number, check, errorp));
}

EVANY_EXPORT int
port_create(void)
{
	int error, number, saved = errno;

	if (evany__lock_held())
		return (fail(EDEADLK));
	if ((error = evany__port_create(&number)) != 0)
		return (fail(error));
	errno = saved;
	return (number);
}

EVANY_EXPORT int
port_associate(int number, int source, uintptr_t object, int events,
    void *user)
{
	struct port *pt;
	bool check;
	int error, saved = errno;

	/* A change would be made to whatever port the number names. */
	check = source != PORT_SOURCE_FD || object > INT_MAX ||
	    (!evany__lock_held() && evany__inst_several(1));
again:
	if ((pt = find(number, check, &error)) == NULL)
		return (fail(error));
	switch (source) {
	case PORT_SOURCE_FD:
		error = evany__port_fd_associate(pt, number, object, events,
		    user);
		break;
	case PORT_SOURCE_FILE:
		error = evany__port_file_associate(pt, number, object, events,
		    user);
		break;
	default:
		error = EINVAL;
	}
	evany__port_drop(pt);
	if ((error == EIDRM || error == EAGAIN) && !check) {
		/*
		 * The number may be another port's by now, and nobody looks at
		 * it for a port that is full.
		 */
		check = true;
		goto again;
	}
	return (done(error, number, saved));
}

EVANY_EXPORT int
port_dissociate(int number, int source, uintptr_t object)
{
	struct port *pt;
	int error, saved = errno;

	if ((pt = find(number, true, &error)) == NULL)
		return (fail(error));
	switch (source) {
	case PORT_SOURCE_FD:
		error = evany__port_fd_dissociate(pt, number, object);
		break;
	case PORT_SOURCE_FILE:
		error = evany__port_file_dissociate(pt, number, object);
		break;
	default:
		error = EINVAL;
	}
	evany__port_drop(pt);
	return (done(error, number, saved));
}

EVANY_EXPORT int
port_getn(int number, port_event_t list[], uint_t max, uint_t *nget,
    timespec_t *timeout)
{
	struct port *pt;
	uint32_t count, n;
	int error, saved = errno;

	if (nget == NULL)
		return (fail(EINVAL));
	n = *nget;
	pthread_testcancel();
	pt = find(number, max > 0 && (n > max || list == NULL || n == 0),
	    &error);
	if (pt == NULL)
		return (fail(error));
	count = 0;
	if (max == 0)
		error = evany__port_count(&pt, number, &count);
	else if (n > max)
		error = EINVAL;
	else if (list == NULL)
		error = EFAULT;
	else if (n == 0)
		error = 0;
	else
		error = evany__port_getn(&pt, number, list, max, n, timeout,
		    &count);
	evany__port_drop(pt);
	if (error == 0 || error == ETIME)
		*nget = count;
	return (done(error, number, saved));
}

EVANY_EXPORT int
port_get(int number, port_event_t *event, timespec_t *timeout)
{
	struct port *pt;
	uint32_t count;
	int error, saved = errno;

	pthread_testcancel();
	if ((pt = find(number, event == NULL, &error)) == NULL)
		return (fail(error));
	if (event == NULL)
		error = EFAULT;
	else {
		error = evany__port_getn(&pt, number, event, 1, 1, timeout,
		    &count);
		/* It is no error that another process got it in time. */
		if (error == ETIME && count > 0)
			error = 0;
	}
	evany__port_drop(pt);
	return (done(error, number, saved));
}

static int
send_to(int number, bool check, int events, void *user)
{
	struct port *pt;
	int error;

	if ((pt = evany__port_find(number, check, &error)) == NULL)
		return (error);
	error = evany__port_send(pt, number, events, user);
	evany__port_drop(pt);
	return (error);
}

static int
send_one(int number, int events, void *user)
{
	int error;

	if (evany__lock_held()) {
		/* A signal handler interrupted one of our calls. */
		if (!evany__inst_known(number))
			return (fcntl(number, F_GETFD) == -1 ? EBADF : EBADFD);
		return (evany__port_send_late(number, events, user));
	}
	error = send_to(number, false, events, user);
	if (error == EIDRM || error == EAGAIN)
		error = send_to(number, true, events, user);
	if (error == EIDRM)
		error = fcntl(number, F_GETFD) == -1 ? EBADF : EBADFD;
	return (error);
}

EVANY_EXPORT int
port_send(int number, int events, void *user)
{
	int saved = errno;

	return (done(send_one(number, events, user), number, saved));
}

EVANY_EXPORT int
port_sendn(int ports[], int errors[], uint_t nent, int events, void *user)
{
	int error, sent = 0, saved = errno;
	uint_t i;
	bool failed = false;

	if (nent == 0)
		return (fail(EINVAL));
	if (ports == NULL)
		return (fail(EFAULT));
	for (i = 0; i < nent; i++) {
		if ((error = send_one(ports[i], events, user)) == 0)
			sent++;
		if (error != 0 && !failed && errors != NULL) {
			/* From the first failure on the list is told. */
			failed = true;
			for (uint_t k = 0; k < i; k++)
				errors[k] = 0;
		}
		failed |= error != 0;
		if (failed && errors != NULL)
			errors[i] = error;
	}
	if (failed && errors == NULL)
		return (fail(EFAULT));
	errno = saved;
	return (sent);
}

EVANY_EXPORT int
port_alert(int number, int flags, int events, void *user)
{
	struct port *pt;
	int error, saved = errno;

	if ((pt = find(number, true, &error)) == NULL)
		return (fail(error));
	error = evany__port_alert(pt, number, flags, events, user);
	evany__port_drop(pt);
	return (done(error, number, saved));
}
