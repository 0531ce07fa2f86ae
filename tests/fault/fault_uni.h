/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * fault_uni: calls of <evany.h> in a scenario of fault.h, on the queue fu_q.
 *
 * What a call reports must be what was failed, and it succeeds when it is made
 * again, which these do; or the scenario ends.
 */
#ifndef FAULT_UNI_H
#define FAULT_UNI_H

#include "evt_uni.h"
#include "fault.h"

#define FU_LIMIT	(10000 * MS)	/* for what must come */

extern int fu_q;

/* A new queue. */
int	fu_open(unsigned flags);

/* What may stand for the failure in an answer to this change? */
bool	fu_right_change(const struct evany_change *);
/* One change; false if it failed.  Again: it must succeed. */
bool	fu_tried(struct evany_change *);
void	fu_again(struct evany_change *);
/* There is a watch that this replaces. */
void	fu_replace(struct evany_change);
/* There is none, nor after a failure. */
#define fu_set(ch)	fu_set_at(__LINE__, ch)
void	fu_set_at(int, struct evany_change);
void	fu_drop(int source, uintptr_t object);

/* At least n events must come, whatever fails while they are waited for. */
#define fu_take(list, max, n)	fu_take_at(__LINE__, list, max, n)
int	fu_take_at(int, struct evany_event *list, int max, int n);
/* No event. */
#define fu_quiet()	fu_quiet_at(__LINE__)
void	fu_quiet_at(int);

void	fu_post(int queue, uintptr_t object, int64_t data);
/* With EVT_USER(9). */
void	fu_alert(int64_t data);

#endif /* FAULT_UNI_H */
