/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * facts: the facts about a descriptor as backend.h promises them, from both
 * implementations: the one that this system's library has, and ff_posix under
 * other names.  What only the first can tell is asked of it alone.
 */
#ifndef FACTS_H
#define FACTS_H

#include <sys/socket.h>
#include <sys/un.h>

#include <poll.h>

#include "evt.h"

#include "backends/backend.h"

#define NO_ERRNO	12345	/* no call sets errno to this */

/* Compiled once more with other names, Makefile.am.inc. */
enum evany__fdkind posix_ff_kind(int);
int	posix_ff_inbytes(int, int64_t *);
int	posix_ff_backlog(int, int64_t *);
int	posix_ff_space(int, enum evany__fdkind, int64_t *);
int64_t	posix_ff_lowat(int);
int	posix_ff_unconnected(int);
int	posix_ff_shut_wr(int);
int	posix_ff_error(int);
int	posix_ff_sent(int);
int64_t	posix_ff_counter(int);
int	posix_ff_next_open(int);
void	posix_ff_count(struct evany__ready *, int);

struct facts {
	const char	*name;
	bool		 exact;		/* knows all that Linux tells */
	enum evany__fdkind (*kind)(int);
	int		(*inbytes)(int, int64_t *);
	int		(*backlog)(int, int64_t *);
	int		(*space)(int, enum evany__fdkind, int64_t *);
	int64_t		(*lowat)(int);
	int		(*unconnected)(int);
	int		(*shut_wr)(int);
	int		(*error)(int);
	int		(*sent)(int);
	int64_t		(*counter)(int);
	int		(*next_open)(int);
	void		(*count)(struct evany__ready *, int);
};

#define FACTS	2
extern const struct facts facts_all[FACTS];

#define FACTS_FOREACH(f)						\
	for (f = facts_all; f < facts_all + FACTS; f++)

/* A call must leave errno alone; its result must be this. */
#define SAYS(f, want, call) do {					\
	long long says_want, says_got;					\
									\
	errno = NO_ERRNO;						\
	says_got = (long long)(call);					\
	says_want = (long long)(want);					\
	ATF_REQUIRE_EQ_MSG(NO_ERRNO, errno, "%s: %s set errno %d",	\
	    (f)->name, #call, errno);					\
	ATF_REQUIRE_EQ_MSG(says_want, says_got, "%s: %s is %lld, not %lld", \
	    (f)->name, #call, says_got, says_want);			\
} while (0)

/* A number that is not open. */
int	facts_closed(void);

/* Listens on the path "socket", and connects to it. */
int	facts_unix_listen(int type, struct sockaddr_un *);
int	facts_unix_connect(int type, const struct sockaddr_un *);

/* Waits for what poll(2) must say. */
void	facts_await(int fd, short events);

#endif /* FACTS_H */
