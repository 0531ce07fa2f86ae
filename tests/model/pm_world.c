/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * pm_world: open files, the numbers that processes have for them, and what an
 * act on one does to the associations that watch it.
 */
#include "config.h"

#include "pm.h"

#include <stdarg.h>
#include <stdlib.h>

unsigned long pm_allowed[PA_COUNT];

void
pm_fail(struct pm_world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->pw_why[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(w->pw_why, sizeof(w->pw_why), fmt, ap);
	va_end(ap);
	pm_say(w, "    WRONG: %s\n", w->pw_why);
}

void
pm_say(struct pm_world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->pw_trace == NULL)
		return;
	va_start(ap, fmt);
	(void)vfprintf(w->pw_trace, fmt, ap);
	va_end(ap);
	(void)fflush(w->pw_trace);
}

unsigned
pm_below(struct pm_world *w, unsigned n)
{
	return ((unsigned)(seq_rand(&w->pw_rand) % n));
}

bool
pm_chance(struct pm_world *w, unsigned percent)
{
	return (pm_below(w, 100) < percent);
}

bool
pm_is_port(const struct pm_file *f)
{
	return (f->mf_kind == PM_PORT);
}

bool
pm_is_file(const struct pm_file *f)
{
	return (f->mf_kind != PM_PORT);
}

int
pm_pick(struct pm_world *w, int proc, bool (*fits)(const struct pm_file *))
{
	int fd, found[PM_NUMBERS];
	unsigned n = 0;

	for (fd = 0; fd < PM_NUMBERS; fd++)
		if (w->pw_fd[proc][fd] != NULL && fits(w->pw_fd[proc][fd]))
			found[n++] = fd;
	return (n == 0 ? -1 : found[pm_below(w, n)]);
}

int
pm_ready(const struct pm_file *f)
{
	int bits = 0;

	switch (f->mf_kind) {
	case PM_PIPE_R:
		bits |= f->mf_bytes > 0 ? POLLIN : 0;
		bits |= f->mf_peer == NULL ? POLLHUP : 0;
		break;
	case PM_PIPE_W:
		bits |= !f->mf_full ? POLLOUT : 0;
		bits |= f->mf_peer == NULL ? POLLERR : 0;
		break;
	case PM_SOCK:
		bits |= f->mf_bytes > 0 ? POLLIN : 0;
		bits |= !f->mf_full ? POLLOUT : 0;
		bits |= f->mf_peer == NULL ? POLLIN | POLLHUP : 0;
		break;
	case PM_COUNTER:
		bits |= f->mf_bytes > 0 ? POLLIN : 0;
		/* FALLTHROUGH */
	case PM_PLAIN:
		bits |= POLLOUT;
		bits |= f->mf_kind == PM_PLAIN ? POLLIN : 0;
		break;
	case PM_PORT:
		break;
	}
	return (bits);
}

void
pm_touch(struct pm_world *w)
{
	int i;

	for (i = 0; i < w->pw_ports; i++)
		pm_port_refresh(w, &w->pw_port[i]);
}

struct pm_file *
pm_file_new(struct pm_world *w, enum pm_kind kind, int fd)
{
	struct pm_file *f;

	if (fd >= PM_NUMBERS || (f = calloc(1, sizeof(*f))) == NULL)
		abort();
	f->mf_kind = kind;
	pm_named(w, 0, fd, f);
	return (f);
}

/* Calls fn with each association that there is. */
static void
each(struct pm_world *w, void (*fn)(struct pm_assoc *, int, int,
    struct pm_file *), int proc, int fd, struct pm_file *f)
{
	struct pm_port *po;
	int i;

	for (po = w->pw_port; po < w->pw_port + w->pw_ports; po++)
		for (i = 0; i < PM_ASSOCS; i++)
			if (po->po_assoc[i].as_state != PM_NONE)
				fn(&po->po_assoc[i], proc, fd, f);
}

/* Its number names the file again, or one that looks like it? */
static void
named_again(struct pm_assoc *as, int proc, int fd, struct pm_file *f)
{
	bool alike = as->as_kind == f->mf_kind && (as->as_kind == PM_PLAIN ||
	    (as->as_kind == PM_COUNTER && strcmp(evt_backend(), "poll") == 0));

	/* The ends of a pipe have one inode. */
	alike |= (as->as_kind == PM_PIPE_R && f->mf_kind == PM_PIPE_W) ||
	    (as->as_kind == PM_PIPE_W && f->mf_kind == PM_PIPE_R);

	if (as->as_fd == fd && as->as_owner == proc && as->as_closed &&
	    !as->as_dead && (as->as_file == f || alike))
		as->as_loose = true;
}

static void
number_closed(struct pm_assoc *as, int proc, int fd, struct pm_file *f)
{
	(void)f;
	if (as->as_fd == fd && as->as_owner == proc)
		as->as_closed = true;
}

static void
owner_exited(struct pm_assoc *as, int proc, int fd, struct pm_file *f)
{
	(void)fd;
	(void)f;
	if (as->as_owner == proc)
		as->as_dead = true;
}

static void
file_freed(struct pm_assoc *as, int proc, int fd, struct pm_file *f)
{
	(void)proc;
	(void)fd;
	if (as->as_file == f)
		as->as_file = NULL;
}

void
pm_named(struct pm_world *w, int proc, int fd, struct pm_file *f)
{
	w->pw_fd[proc][fd] = f;
	f->mf_refs++;
	each(w, named_again, proc, fd, f);
}

/* May a thread look while a call of another one is under way? */
static bool
looked_at(const struct pm_world *w)
{
	return (w->pw_waiter != -1 || (!w->pw_linux && w->pw_forked));
}

static void
file_gone(struct pm_world *w, struct pm_file *f)
{
	if (f->mf_peer != NULL) {
		f->mf_peer->mf_peer = NULL;
		if (f->mf_kind == PM_SOCK) {
			f->mf_peer->mf_reset = f->mf_bytes > 0;
			/* The end is told before there is room. */
			if (looked_at(w))
				pm_touch(w);
			f->mf_peer->mf_full = false;
		}
	}
	each(w, file_freed, 0, 0, f);
	free(f);
}

void
pm_closed(struct pm_world *w, int proc, int fd)
{
	struct pm_file *f = w->pw_fd[proc][fd];

	each(w, number_closed, proc, fd, f);
	w->pw_fd[proc][fd] = NULL;
	if (--f->mf_refs == 0)
		file_gone(w, f);
	pm_touch(w);
}

void
pm_exited(struct pm_world *w, int proc)
{
	int fd, i;

	for (i = 0; i < w->pw_ports; i++)
		if (w->pw_port[i].po_alert_owner == proc)
			w->pw_port[i].po_alert = 0;
	each(w, owner_exited, proc, 0, NULL);
	for (fd = 0; fd < PM_NUMBERS; fd++)
		if (w->pw_fd[proc][fd] != NULL)
			pm_closed(w, proc, fd);
}
