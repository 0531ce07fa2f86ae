/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evt_note: the notes of EVFILT_VNODE, collected.
 *
 * One act may be told in two events where files are scanned, so cases look
 * at the union.  That something is not told is best checked by an act that
 * is, made after it: the forbidden bit would be in the union.
 */
#ifndef EVT_NOTE_H
#define EVT_NOTE_H

#include "evt.h"

#ifdef NOTE_TRUNCATE
#define EVT_NOTE_TRUNCATE	NOTE_TRUNCATE
#else
#define EVT_NOTE_TRUNCATE	0
#endif

/* Every note of changes; the notes of access are not among them. */
#define EVT_NOTES	(NOTE_DELETE | NOTE_WRITE | NOTE_EXTEND | \
			NOTE_ATTRIB | NOTE_LINK | NOTE_RENAME | NOTE_REVOKE | \
			EVT_NOTE_TRUNCATE)

#define evt_watch(kq, fd, flags, notes)					\
	evt_change(kq, fd, EVFILT_VNODE, EV_ADD | (flags), notes, 0, NULL)
#define evt_told(kq, fd, want)						\
	evt_told_at(__FILE__, __LINE__, kq, fd, want)
#define evt_told_only(kq, fd, notes)					\
	evt_told_only_at(__FILE__, __LINE__, kq, fd, notes)
#define evt_told_any(kq, fd)	evt_told_any_at(__FILE__, __LINE__, kq, fd)
#define evt_within(got, notes)						\
	evt_within_at(__FILE__, __LINE__, got, notes)
#define evt_open(path, flags)						\
	evt_open_at(__FILE__, __LINE__, path, flags)

/* A descriptor of a file, made with mode 0644 if O_CREAT is there. */
int	evt_open_at(const char *, int, const char *, int);

/* Collects until all wanted notes were told for fd; every note that was. */
unsigned int evt_told_at(const char *, int, int, int, unsigned int);

/* The same, and no other note is told. */
void	evt_told_only_at(const char *, int, int, int, unsigned int);

/* At least one event, and what follows until it is quiet: every note. */
unsigned int evt_told_any_at(const char *, int, int, int);

/* At least one of these notes, and no other. */
void	evt_within_at(const char *, int, unsigned int, unsigned int);

#endif /* EVT_NOTE_H */
