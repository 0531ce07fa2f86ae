/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/* model_text: changes and events as a reader of a failure wants them. */
#include "config.h"

#include "model.h"

#include <string.h>

static const struct {
	unsigned bit;
	const char *name;
} flags[] = {
	{ EV_ADD, "ADD" },
	{ EV_DELETE, "DELETE" },
	{ EV_ENABLE, "ENABLE" },
	{ EV_DISABLE, "DISABLE" },
	{ EV_ONESHOT, "ONESHOT" },
	{ EV_CLEAR, "CLEAR" },
	{ EV_RECEIPT, "RECEIPT" },
	{ EV_DISPATCH, "DISPATCH" },
	{ EV_FORCEONESHOT, "FORCEONESHOT" },
	{ EV_KEEPUDATA, "KEEPUDATA" },
	{ EV_ERROR, "ERROR" },
	{ EV_EOF, "EOF" },
};

static const char *
filter_name(int filter)
{
	switch (filter) {
	case EVFILT_READ:
		return ("READ");
	case EVFILT_WRITE:
		return ("WRITE");
	case EVFILT_TIMER:
		return ("TIMER");
	case EVFILT_USER:
		return ("USER");
	default:
		return ("?");
	}
}

void
model_print_kevent(char *buf, size_t size, const struct kevent *kev)
{
	char bits[100];
	size_t i, len;

	bits[0] = '\0';
	for (len = 0, i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if ((kev->flags & flags[i].bit) == 0)
			continue;
		(void)snprintf(bits + len, sizeof(bits) - len, "%s%s",
		    len == 0 ? "" : "|", flags[i].name);
		len = strlen(bits);
	}
	(void)snprintf(buf, size, "{%lld %s %s fflags %#x data %lld udata %p}",
	    (long long)kev->ident, filter_name(kev->filter),
	    len == 0 ? "0" : bits, kev->fflags, (long long)kev->data,
	    kev->udata);
}
