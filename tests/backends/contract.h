/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * contract: one instance of a waiting mechanism, without a facility above it.
 *
 * A case is written once,
 *
 *	CT_TC(wait__does_this, "what backend.h promises")
 *	{
 *		... uses be ...
 *	}
 *
 * and becomes one case per mechanism that is built: poll__wait__does_this,
 * epoll__wait__does_this.  It runs inside evt's descriptor leak check.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <stdint.h>

#include "evt.h"

#include "backends/backend.h"
#include "backends/emulation/core/core.h"

#define CT_CASE(mech, name, text)					\
	ATF_TC(mech##__##name);						\
	ATF_TC_HEAD(mech##__##name, tc)					\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
	}								\
	ATF_TC_BODY(mech##__##name, tc)					\
	{								\
		ct_run(&evany__be_##mech##_ops, ct_body_##name);	\
	}

#ifdef EVANY_BE_EPOLL
#define CT_CASE_EPOLL(name, text)	CT_CASE(epoll, name, text)
#define CT_ADD_EPOLL(tp, name)		ATF_TP_ADD_TC(tp, epoll__##name)
#else
#define CT_CASE_EPOLL(name, text)
#define CT_ADD_EPOLL(tp, name)		do { } while (0)
#endif

#ifdef EVANY_BE_KQUEUE
#define CT_CASE_KQUEUE(name, text)	CT_CASE(kqueue, name, text)
#define CT_ADD_KQUEUE(tp, name)		ATF_TP_ADD_TC(tp, kqueue__##name)
#else
#define CT_CASE_KQUEUE(name, text)
#define CT_ADD_KQUEUE(tp, name)		do { } while (0)
#endif

#ifdef EVANY_BE_PORTS
#define CT_CASE_PORTS(name, text)	CT_CASE(ports, name, text)
#define CT_ADD_PORTS(tp, name)		ATF_TP_ADD_TC(tp, ports__##name)
#else
#define CT_CASE_PORTS(name, text)
#define CT_ADD_PORTS(tp, name)		do { } while (0)
#endif

#define CT_TC(name, text)						\
	static void ct_body_##name(const struct evany__be_ops *);	\
	CT_CASE_EPOLL(name, text)					\
	CT_CASE_KQUEUE(name, text)					\
	CT_CASE_PORTS(name, text)					\
	CT_CASE(poll, name, text)					\
	static void							\
	ct_body_##name(const struct evany__be_ops *be)

#define CT_ADD(tp, name) do {						\
	CT_ADD_EPOLL(tp, name);						\
	CT_ADD_KQUEUE(tp, name);					\
	CT_ADD_PORTS(tp, name);						\
	ATF_TP_ADD_TC(tp, poll__##name);				\
} while (0)

#define CT_FDS		2048
#define CT_COOKIE	((UINT64_C(1) << 56) - 1)	/* core's part */

struct ct {
	struct evany__inst		 ct_inst;
	struct evany__table		 ct_table;
	const struct evany__be_ops	*ct_be;
	int				 ct_number;
	uint64_t			 ct_priv[CT_FDS];
	unsigned			 ct_gen[CT_FDS];
};

/* Interest in the three directions, as ch_want. */
#define CT_WANT(in, out, pri)						\
	((const uint8_t[EVANY__W_COUNT]){ EVANY__##in, EVANY__##out,	\
	    EVANY__##pri })
#define CT_FRESH(dir)	(1U << EVANY__W_##dir)

/* Runs a body for a mechanism, or skips it where that is not usable. */
void	ct_run(const struct evany__be_ops *,
	    void (*)(const struct evany__be_ops *));

/* An instance with that tag; all go with ct_close. */
struct ct *ct_open(const struct evany__be_ops *, unsigned tag);
void	ct_close(struct ct *);
/* The same, but the number is not open any more. */
void	ct_forget(struct ct *);

/* One change, its error. */
int	ct_change(struct ct *, int fd, const uint8_t *want, unsigned fresh);
/* One change that must succeed. */
void	ct_want(struct ct *, int fd, const uint8_t *want);
/* Fills in a change. */
void	ct_set(struct ct *, struct evany__change *, int fd,
	    const uint8_t *want);
/* Core found that the number names another file. */
void	ct_renew(struct ct *, int fd);
uint64_t ct_cookie(struct ct *, int fd);

/* be_wait as core uses it; milliseconds, -1 for ever.  The error. */
int	ct_wait(struct ct *, struct evany__ready *, int room, int *, int ms);
/* The count, at once or within evt's deadline. */
int	ct_poll(struct ct *, struct evany__ready *, int room);
int	ct_get(struct ct *, struct evany__ready *, int room);
/* Nothing, for evt's quiet time. */
void	ct_none(struct ct *);
/* Exactly one record, of this descriptor; its bits but for EVANY__FOR. */
unsigned ct_one(struct ct *, int fd);
/* Exactly one record, of this kind and index. */
void	ct_one_kind(struct ct *, enum evany__cookie_kind, unsigned);

int	ct_feed(struct ct *, int fd, enum evany__mode, unsigned id);
void	ct_unfeed(struct ct *, int fd);
int	ct_wake(struct ct *);
int	ct_hush(struct ct *);
int	ct_mark(struct ct *, bool on);
int	ct_rouse(struct ct *);
/* be_doze, milliseconds as ct_wait. */
int	ct_doze(struct ct *, int ms);
int	ct_alarm(struct ct *, int clock, int64_t at);

/* A thread that is asleep in a wait for one record, or in a doze. */
struct ct_thread {
	struct evt_thread	 th_thread;
	struct ct		*th_ct;
	struct evany__ready	 th_rd;
	int			 th_error;
	int			 th_count;
};
void	ct_thread_start(struct ct_thread *, struct ct *, bool doze);

/* Does the number poll(2) readable within the deadline, or stay quiet? */
bool	ct_readable(int number);
bool	ct_quiet(int number);

#endif /* CONTRACT_H */
