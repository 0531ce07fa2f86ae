/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evt_port: what the tests of event ports share, beside evt.
 *
 * The sources use only <port.h>, so they test a system's own ports as well;
 * where those behave otherwise than the emulation, and that is no defect of
 * either, a case asks evt_port_native().
 */
#ifndef EVT_PORT_H
#define EVT_PORT_H

#define EVT_FACILITY	(&evt_ports)

#include "evt_child.h"

#include <limits.h>
#include <poll.h>
#include <port.h>

extern const struct evt_facility evt_ports;

/* The errno value of a call that returns -1 when it fails, or 0. */
#define EVT_ERRNO(call)	((call) == -1 ? errno : 0)

/* What holds natively and with the interposing library, see EVT_WRAPPED. */
#define EVT_PORT_WRAPPED(cond, text) do {				\
	if (evt_port_native() || evt_interposed())			\
		ATF_REQUIRE_MSG(cond, "%s (%s)", text, #cond);		\
	else								\
		EVT_APPROX(cond, text);					\
} while (0)

/* The values that an event must have. */
#define EVT_PORT_EVENT(evp, source, object, events, user)		\
	evt_port_event_at(__FILE__, __LINE__, evp, source,		\
	    (uintptr_t)(object), events, user)
#define EVT_PORT_FD(evp, fd, events, user)				\
	EVT_PORT_EVENT(evp, PORT_SOURCE_FD, fd, events, user)
#define EVT_PORT_USER(evp, events, user)				\
	EVT_PORT_EVENT(evp, PORT_SOURCE_USER, 0, events, user)
#define EVT_PORT_ALERT(evp, events, user)				\
	EVT_PORT_EVENT(evp, PORT_SOURCE_ALERT, 0, events, user)

#define EVT_PORT_FILE(evp, fo, events, user)				\
	EVT_PORT_EVENT(evp, PORT_SOURCE_FILE, fo, events, user)

/* A small number as portev_user. */
#define EVT_USER(n)	((void *)(uintptr_t)(n))

#define evt_port()	evt_port_at(__FILE__, __LINE__)
#define evt_port_fd(port, fd, events, user)				\
	evt_port_fd_at(__FILE__, __LINE__, port, fd, events, user)
#define evt_port_off(port, fd)						\
	evt_port_off_at(__FILE__, __LINE__, port, fd)
#define evt_port_file(port, fo, events, user)				\
	evt_port_file_at(__FILE__, __LINE__, port, fo, events, user)
#define evt_port_send(port, events, user)				\
	evt_port_send_at(__FILE__, __LINE__, port, events, user)
#define evt_port_count(port)	evt_port_count_at(__FILE__, __LINE__, port)
#define evt_port_get(port, list, max, n)				\
	evt_port_get_at(__FILE__, __LINE__, port, list, max, n)
#define evt_port_poll(port, list, max)					\
	evt_port_poll_at(__FILE__, __LINE__, port, list, max)
#define evt_port_one(port, evp)	evt_port_one_at(__FILE__, __LINE__, port, evp)
#define evt_port_none(port)	evt_port_none_at(__FILE__, __LINE__, port)
#define evt_port_idle(port)	evt_port_idle_at(__FILE__, __LINE__, port)
#define evt_port_wait_start(w, port, n, ms)				\
	evt_port_wait_start_at(__FILE__, __LINE__, w, port, n, ms)
#define evt_port_wait_end(w)	evt_port_wait_end_at(__FILE__, __LINE__, w)
#define evt_port_wait_on(w)	evt_port_wait_on_at(__FILE__, __LINE__, w)

/* Are these the system's own ports?  Do child processes share a port? */
bool	evt_port_native(void);
bool	evt_port_shared(void);

/* How many milliseconds poll(2) may take to show a ready descriptor. */
int	evt_port_delay(void);

/*
 * What the next ports hold at most.  The case is skipped where that is not
 * to be had.
 */
void	evt_port_limit(unsigned int);

/* A port, or the case fails. */
int	evt_port_at(const char *, int);

/* Associations of descriptors, and events, that must succeed. */
void	evt_port_fd_at(const char *, int, int, int, int, void *);
void	evt_port_off_at(const char *, int, int, int);
void	evt_port_send_at(const char *, int, int, int, void *);

/* Makes a file with some bytes, last written and read long ago. */
void	evt_old_file(const char *path);
/* Appends a byte. */
void	evt_grow(const char *path);

/*
 * A file_obj_t of a path, with no times or with those of now; and associations
 * of it: one that must succeed, the errno value or 0, and of a dissociation.
 */
void	evt_port_obj(file_obj_t *, char *path);
void	evt_port_obj_now(file_obj_t *, char *path);
void	evt_port_file_at(const char *, int, int, file_obj_t *, int, void *);
int	evt_port_file_errno(int port, file_obj_t *, int events, void *user);
int	evt_port_nofile_errno(int port, file_obj_t *);

/* Are files watched by looking at them again and again? */
bool	evt_port_scans(void);

/* The same, with the errno value or 0; and the two waits, in milliseconds. */
int	evt_port_fd_errno(int port, int fd, int events, void *user);
int	evt_port_off_errno(int port, int fd);
int	evt_port_get_ms(int port, port_event_t *, int ms);
int	evt_port_getn_ms(int port, port_event_t *, unsigned int max,
	    unsigned int *n, int ms);

/* How many events are queued. */
unsigned int evt_port_count_at(const char *, int, int);

/* Events: n at least, until the deadline; or what is there.  The count. */
int	evt_port_get_at(const char *, int, int, port_event_t *, int max,
	    int n);
int	evt_port_poll_at(const char *, int, int, port_event_t *, int max);

/* Exactly one event; none at all. */
void	evt_port_one_at(const char *, int, int, port_event_t *);
void	evt_port_none_at(const char *, int, int);

/* A wait that must last to its end and take next to no processor time. */
void	evt_port_idle_at(const char *, int, int);

/* An event as text, in a buffer of the calling thread. */
const char *evt_port_text(const port_event_t *);
void	evt_port_event_at(const char *, int, const port_event_t *, int,
	    uintptr_t, int, void *);

/*
 * A thread in port_getn() for n events at least, or in port_get() if n is 0;
 * it has gone to sleep when start returns, if evt_thread_asleep() can tell.
 * It must end, or must still wait after a while.
 */
struct evt_port_wait {
	struct evt_thread	 pw_thread;
	int			 pw_port;
	unsigned int		 pw_n;
	int			 pw_ms;		/* -1: for ever */
	int			 pw_error;	/* of the call */
	unsigned int		 pw_nget;	/* after it */
	int64_t			 pw_ns;		/* how long it took */
	port_event_t		 pw_list[8];
};
void	evt_port_wait_start_at(const char *, int, struct evt_port_wait *, int,
	    unsigned int n, int ms);
void	evt_port_wait_end_at(const char *, int, struct evt_port_wait *);
void	evt_port_wait_on_at(const char *, int, struct evt_port_wait *);

#endif /* EVT_PORT_H */
