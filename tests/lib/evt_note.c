/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * evt_note: collects the events of one EVFILT_VNODE knote.
 */
#include "config.h"

#include "evt_note.h"

int
evt_open_at(const char *file, int line, const char *path, int flags)
{
	int fd;

	if ((fd = open(path, flags, 0644)) == -1)
		evt_fail_at(file, line, "open %s: %s", path, strerror(errno));
	return (fd);
}

/* The notes of an event, which must be one of fd's. */
static unsigned int
evt_note(const char *file, int line, const struct kevent *ev, int fd)
{
	if (ev->ident != (uintptr_t)fd || ev->filter != EVFILT_VNODE ||
	    (ev->flags & EV_ERROR) != 0 || ev->fflags == 0 || ev->data != 0)
		evt_fail_at(file, line, "event {%s}, expected notes of %d",
		    evt_text(ev), fd);
	return ((unsigned int)ev->fflags);
}

unsigned int
evt_told_at(const char *file, int line, int kq, int fd, unsigned int want)
{
	struct kevent ev;
	unsigned int got = 0;
	int64_t end;

	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	while ((got & want) != want) {
		if (evt_now_ns() > end || evt_get_at(file, line, kq, &ev,
		    1) == 0)
			evt_fail_at(file, line, "notes %#x, wanted %#x", got,
			    want);
		got |= evt_note(file, line, &ev, fd);
	}
	return (got);
}

void
evt_told_only_at(const char *file, int line, int kq, int fd,
    unsigned int notes)
{
	unsigned int got;

	got = evt_told_at(file, line, kq, fd, notes);
	if (got != notes)
		evt_fail_at(file, line, "notes %#x, wanted only %#x", got,
		    notes);
	evt_none_at(file, line, kq);
}

unsigned int
evt_told_any_at(const char *file, int line, int kq, int fd)
{
	struct kevent ev;
	unsigned int got;

	if (evt_get_at(file, line, kq, &ev, 1) == 0)
		evt_fail_at(file, line, "no event");
	got = evt_note(file, line, &ev, fd);
	while (evt_kevent_ms(kq, NULL, 0, &ev, 1, EVT_QUIET_MS) == 1)
		got |= evt_note(file, line, &ev, fd);
	return (got);
}

void
evt_within_at(const char *file, int line, unsigned int got,
    unsigned int notes)
{
	if ((got & notes) == 0 || (got & ~notes) != 0)
		evt_fail_at(file, line, "notes %#x, wanted some of %#x only",
		    got, notes);
}
