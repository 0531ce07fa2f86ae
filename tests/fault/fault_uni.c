/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fault_uni: calls of <evany.h> that may fail.
 */
#include "config.h"

#include "fault_uni.h"

int fu_q;

int
fu_open(unsigned flags)
{
	int queue;

	fault_begin();
	queue = evany_queue(flags);
	if (!fault_passed(queue, "evany_queue") &&
	    (queue = evany_queue(flags)) == -1)
		fault_fail("evany_queue: again errno %d", errno);
	return (queue);
}

bool
fu_right_change(const struct evany_change *ch)
{
	if (fault_right(ch->ch_error))
		return (true);
	return (ch->ch_error == ENOTSUP && ch->ch_source == EVANY_PROCESS &&
	    (ch->ch_what & (EVANY_FORK | EVANY_EXEC)) != 0);
}

bool
fu_tried(struct evany_change *ch)
{
	int error, res;

	fault_begin();
	res = evany_turn(fu_q, ch, 1, NULL, 0, 0, 0);
	error = errno;
	fault_end();
	if (res == 0)
		return (true);
	if (ch->ch_error != 0 && ch->ch_error != error)
		fault_fail("a change of source %d has error %d, the call %d",
		    ch->ch_source, ch->ch_error, error);
	ch->ch_error = error;
	if (!fu_right_change(ch))
		fault_fail("source %d object %ju: errno %d after %d",
		    ch->ch_source, (uintmax_t)ch->ch_object, error, fault_seen);
	return (false);
}

void
fu_again(struct evany_change *ch)
{
	if (evany_turn(fu_q, ch, 1, NULL, 0, 0, 0) != 0)
		fault_fail("source %d object %ju: again errno %d",
		    ch->ch_source, (uintmax_t)ch->ch_object, errno);
}

void
fu_replace(struct evany_change ch)
{
	if (!fu_tried(&ch))
		fu_again(&ch);
}

void
fu_set_at(int line, struct evany_change ch)
{
	if (fu_tried(&ch))
		return;
	if (evany_drop(fu_q, ch.ch_source, ch.ch_object) == 0)
		fault_fail("line %d: source %d object %ju: what failed is "
		    "there", line, ch.ch_source, (uintmax_t)ch.ch_object);
	if (errno != ENOENT)
		fault_fail("evany_drop: errno %d", errno);
	fu_again(&ch);
}

void
fu_drop(int source, uintptr_t object)
{
	struct evany_change ch = {
		.ch_source = source,
		.ch_flags = EVANY_DROP,
		.ch_object = object
	};

	if (!fu_tried(&ch))
		fu_again(&ch);
	if (evany_drop(fu_q, source, object) == 0 || errno != ENOENT)
		fault_fail("source %d object %ju: dropped, and there",
		    source, (uintmax_t)object);
}

int
fu_take_at(int line, struct evany_event *list, int max, int n)
{
	int got = 0, res, tries;

	for (tries = 0; tries < 20 && got < n; tries++) {
		fault_begin();
		res = evany_turn(fu_q, NULL, 0, list + got, n - got, max - got,
		    FU_LIMIT);
		if (!fault_passed(res, "evany_turn"))
			continue;
		if (res == 0)
			break;
		got += res;
	}
	if (got < n)
		fault_fail("line %d: %d of %d events", line, got, n);
	return (got);
}

void
fu_quiet_at(int line)
{
	struct evany_event ev;

	if (evany_wait(fu_q, &ev, 1, 0) != 0)
		fault_fail("line %d: unexpected: %s", line, evt_uni_text(&ev));
}

void
fu_post(int queue, uintptr_t object, int64_t data)
{
	fault_begin();
	if (!fault_passed(evany_post(queue, object, data, NULL),
	    "evany_post") && evany_post(queue, object, data, NULL) != 0)
		fault_fail("evany_post: again errno %d", errno);
}

void
fu_alert(int64_t data)
{
	fault_begin();
	if (!fault_passed(evany_alert(fu_q, data, EVT_USER(9)),
	    "evany_alert") && evany_alert(fu_q, data, EVT_USER(9)) != 0)
		fault_fail("evany_alert: again errno %d", errno);
}
