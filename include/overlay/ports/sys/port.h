/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * <sys/port.h>: the names and types of event ports, for systems that have
 * none.  Numbers and layouts are illumos's; port_create(3) describes them.
 */
#ifndef EVANY_SYS_PORT_H
#define EVANY_SYS_PORT_H

#include <sys/types.h>

#include <errno.h>
#include <stdint.h>
#include <time.h>
#ifdef __STRICT_ANSI__
#include <sched.h>	/* struct timespec, which is not in the <time.h> of C99 */
#endif

/* Errors that the calls have and some systems lack. */
#ifndef EBADFD
#define EBADFD		2081	/* open, but not fit for the call */
#endif
#ifndef ETIME
#define ETIME		2062	/* the time-out has passed */
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned int	uint_t;
typedef unsigned short	ushort_t;
typedef struct timespec	timespec_t;
typedef struct timespec	timestruc_t;

/* An event as it is retrieved. */
typedef struct port_event {
	int		portev_events;	/* what happened, by source */
	ushort_t	portev_source;	/* PORT_SOURCE_* */
	ushort_t	portev_pad;	/* not defined */
	uintptr_t	portev_object;	/* what it happened to, by source */
	void		*portev_user;	/* the program's */
} port_event_t;

/* Where sigev_value.sival_ptr points if sigev_notify is SIGEV_PORT. */
typedef struct port_notify {
	int		portnfy_port;	/* port */
	void		*portnfy_user;	/* portev_user of the event */
} port_notify_t;

/* The object of PORT_SOURCE_FILE; copied by port_associate(). */
typedef struct file_obj {
	timestruc_t	fo_atime;	/* as stat(2) told; 0.0: not compared */
	timestruc_t	fo_mtime;
	timestruc_t	fo_ctime;
	uintptr_t	fo_pad[3];	/* not used */
	char		*fo_name;	/* path */
} file_obj_t;

#ifdef __cplusplus
}
#endif

/* portev_source */
#define PORT_SOURCE_AIO		1	/* object: struct aiocb * */
#define PORT_SOURCE_TIMER	2	/* object: timer_t; events: how often */
#define PORT_SOURCE_USER	3	/* port_send(3) */
#define PORT_SOURCE_FD		4	/* object: descriptor; events: POLL* */
#define PORT_SOURCE_ALERT	5	/* port_alert(3) */
#define PORT_SOURCE_MQ		6	/* object: mqd_t */
#define PORT_SOURCE_FILE	7	/* object: file_obj_t *; events: FILE_* */

/* Flags of port_alert(). */
#define PORT_ALERT_SET		0x01
#define PORT_ALERT_UPDATE	0x02	/* EBUSY if in alert mode already */
#define PORT_ALERT_INVALID	(PORT_ALERT_SET | PORT_ALERT_UPDATE)

/* Events of PORT_SOURCE_FILE that may be asked for, and an option. */
#define FILE_ACCESS		0x00000001
#define FILE_MODIFIED		0x00000002
#define FILE_ATTRIB		0x00000004
#define FILE_TRUNC		0x00100000
#define FILE_NOFOLLOW		0x10000000	/* watch a symbolic link */

/* Those that come unasked and end the association. */
#define FILE_DELETE		0x00000010
#define FILE_RENAME_TO		0x00000020	/* another took the name */
#define FILE_RENAME_FROM	0x00000040	/* the name was given up */
#define UNMOUNTED		0x20000000
#define MOUNTEDOVER		0x40000000
#define FILE_EXCEPTION		(UNMOUNTED | FILE_DELETE | FILE_RENAME_TO | \
				FILE_RENAME_FROM | MOUNTEDOVER)

#endif /* EVANY_SYS_PORT_H */
