/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * sigwatch: a SIGNAL watch of a mechanism, and what it was told.
 *
 * A case is written once, with SIG_TC, for all mechanisms.  That of kqueue is
 * tested on this library's own, whose handlers are chained meanwhile.
 */
#ifndef SIGWATCH_H
#define SIGWATCH_H

#include "sources.h"

#define SIG_CASE(mech, name, text)					\
	ATF_TC(mech##__##name);						\
	ATF_TC_HEAD(mech##__##name, tc)					\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
	}								\
	ATF_TC_BODY(mech##__##name, tc)					\
	{								\
		sig_run(&evany__signal_##mech##_ops, body_##name);	\
	}

#ifdef EVANY_BE_SIGNALFD
#define SIG_CASE_SIGNALFD(name, text)	SIG_CASE(signalfd, name, text)
#define SIG_ADD_SIGNALFD(tp, name)	ATF_TP_ADD_TC(tp, signalfd__##name)
#else
#define SIG_CASE_SIGNALFD(name, text)
#define SIG_ADD_SIGNALFD(tp, name)	do { } while (0)
#endif

#ifdef EVANY_BE_KQUEUE
#define SIG_CASE_KQUEUE(name, text)	SIG_CASE(kqueue, name, text)
#define SIG_ADD_KQUEUE(tp, name)	ATF_TP_ADD_TC(tp, kqueue__##name)
#else
#define SIG_CASE_KQUEUE(name, text)
#define SIG_ADD_KQUEUE(tp, name)	do { } while (0)
#endif

#define SIG_TC(name, text)						\
	static void body_##name(void);					\
	SIG_CASE_SIGNALFD(name, text)					\
	SIG_CASE_KQUEUE(name, text)					\
	SIG_CASE(selfpipe, name, text)					\
	static void							\
	body_##name(void)

#define SIG_ADD(tp, name) do {						\
	SIG_ADD_CHAINED(tp, name);					\
	SIG_ADD_KQUEUE(tp, name);					\
} while (0)

/* The same for mechanisms with a handler of their own. */
#define SIG_TC_CHAINED(name, text)					\
	static void body_##name(void);					\
	SIG_CASE_SIGNALFD(name, text)					\
	SIG_CASE(selfpipe, name, text)					\
	static void							\
	body_##name(void)

#define SIG_ADD_CHAINED(tp, name) do {					\
	SIG_ADD_SIGNALFD(tp, name);					\
	ATF_TP_ADD_TC(tp, selfpipe__##name);				\
} while (0)

struct sig {
	struct evany__sigwatch	sg_watch;
	struct src		*sg_src;
	uint64_t		sg_sent;	/* as it was told */
};

/* The mechanism of the case. */
extern const struct evany__signal_ops *sig_ops;

/* Runs a case with a mechanism, or skips it where that does not work. */
void	sig_run(const struct evany__signal_ops *, void (*)(void));

int	sig_try(struct src *, struct sig *, int signo);
void	sig_attach(struct src *, struct sig *, int signo);
void	sig_detach(struct sig *);
void	sig_refresh(struct src *);

/* Waits until the watch was told of so many, then that it was no more. */
void	sig_expect(struct sig *, uint64_t sent);

/* A handler of the program, and how often it was called. */
extern atomic_int sig_called;
void	sig_handler(int);
void	sig_set(int signo, void (*)(int), int flags);
bool	sig_handled_by(int signo, void (*)(int));

void	sig_send(int signo);
void	sig_block(int how, int signo);
bool	sig_pending(int signo);

#endif /* SIGWATCH_H */
