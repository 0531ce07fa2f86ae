/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evt_child: processes to watch, which do what they are told to.
 *
 * A child runs a function with a descriptor to read orders from and one to
 * answer on; what the function returns is its exit status.  It lives as long
 * as it is told to, never longer than the case: it has an alarm(3).
 */
#ifndef EVT_CHILD_H
#define EVT_CHILD_H

#include "evt.h"

#include <sys/wait.h>

struct evt_child {
	pid_t	ec_pid;
	int	ec_to;		/* orders */
	int	ec_from;	/* answers */
};

#define evt_child_start(c, fn)	evt_child_start_at(__FILE__, __LINE__, c, fn)
#define evt_child_tell(c, order)					\
	evt_child_tell_at(__FILE__, __LINE__, c, order)
#define evt_child_hear(c, buf, size)					\
	evt_child_hear_at(__FILE__, __LINE__, c, buf, size)
#define evt_child_drop(c)	evt_child_drop_at(__FILE__, __LINE__, c)
#define evt_reap(pid)		evt_reap_at(__FILE__, __LINE__, pid)
#define evt_await_zombie(pid)	evt_await_zombie_at(__FILE__, __LINE__, pid)

/* NOTE_EXIT with the status, which macOS gives only when asked for it. */
#ifdef NOTE_EXITSTATUS
#define EVT_EXIT	(NOTE_EXIT | NOTE_EXITSTATUS)
#else
#define EVT_EXIT	NOTE_EXIT
#endif

#define evt_ended(ev, pid)	evt_ended_at(__FILE__, __LINE__, ev, pid)
#define evt_one_end(kq, pid, status)					\
	evt_one_end_at(__FILE__, __LINE__, kq, pid, status, true)
#define evt_one_end_if(kq, pid, status, told)				\
	evt_one_end_at(__FILE__, __LINE__, kq, pid, status, told)

/* Starts one; evt_child_obey() is a fn that exits with the first order. */
void	evt_child_start_at(const char *, int, struct evt_child *,
	    int (*)(int, int));
int	evt_child_obey(int, int);

/* Gives an order, one byte; takes an answer of so many bytes. */
void	evt_child_tell_at(const char *, int, struct evt_child *, int);
void	evt_child_hear_at(const char *, int, struct evt_child *, void *,
	    size_t);

/* Closes the two descriptors; the process is another matter. */
void	evt_child_drop_at(const char *, int, struct evt_child *);

/* In a child: the next order, -1 when no more will come; an answer. */
int	evt_child_order(int);
void	evt_child_answer(int, const void *, size_t);

/* Waits for a child: its status; or leaves it a zombie. */
int	evt_reap_at(const char *, int, pid_t);
void	evt_await_zombie_at(const char *, int, pid_t);

/* The status in an event, which must be of EVFILT_PROC and pid's end. */
int	evt_ended_at(const char *, int, const struct kevent *, pid_t);

/*
 * Exactly one event, the end of pid, and then no knote.  The status is the
 * one given; if it is not certain that the system tells it, it may be 0.
 */
void	evt_one_end_at(const char *, int, int, pid_t, int, bool);

/*
 * Does the running kernel tell the status of a process that someone else
 * reaped?  The rules on that are graded approx; where it does, and the
 * mechanisms are Linux's, they are held to the letter.
 */
bool	evt_status_is_told(void);

/* The same for fork, exec and the like of other processes. */
bool	evt_forks_are_told(void);

#endif /* EVT_CHILD_H */
