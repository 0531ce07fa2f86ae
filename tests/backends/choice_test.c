/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * What EVANY_BACKENDS makes of the choice of mechanisms.  The choice is made
 * once per process, so each is made in a child.
 */
#include "config.h"

#include "evt.h"

#include "backends/backend.h"

struct choice {
	const char	*cc_env;	/* NULL: unset */
	const char	*cc_be;
	const char	*cc_file;
	const char	*cc_signal;
	const char	*cc_proc;
};

static bool
same(const char *what, const char *is, const char *must)
{
	if (strcmp(is, must) == 0)
		return (true);
	fprintf(stderr, "%s: %s, not %s\n", what, is, must);
	return (false);
}

static int
choose(void *arg)
{
	const struct choice *cc = arg;
	const struct evany__table *tb;
	bool ok;

	if (cc->cc_env == NULL)
		(void)unsetenv("EVANY_BACKENDS");
	else if (setenv("EVANY_BACKENDS", cc->cc_env, 1) == -1)
		return (2);
	tb = evany__table();
	ok = same("FD", tb->tb_be->be_name, cc->cc_be);
	ok &= same("FILE", tb->tb_file->fo_name, cc->cc_file);
	ok &= same("SIGNAL", tb->tb_signal->so_name, cc->cc_signal);
	ok &= same("PROC", tb->tb_proc->po_name, cc->cc_proc);
	return (ok ? 0 : 1);
}

static void
must_choose(const struct choice *cc, int n)
{
	struct choice one;
	int i;

	for (i = 0; i < n; i++) {
		one = cc[i];
		ATF_CHECK_EQ_MSG(0, evt_in_child(choose, &one),
		    "EVANY_BACKENDS=%s", one.cc_env == NULL ? "" : one.cc_env);
	}
}

ATF_TC(choice__poll__portable_set);
ATF_TC_HEAD(choice__poll__portable_set, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "poll stands for the portable mechanism of each kind");
}
ATF_TC_BODY(choice__poll__portable_set, tc)
{
	static const struct choice cc[] = {
		{ "poll", "poll", "filescan", "selfpipe", "selfpipe" },
		{ "poll,selfpipe,filescan", "poll", "filescan", "selfpipe",
		    "selfpipe" }
	};

	must_choose(cc, EVT_NITEMS(cc));
}

ATF_TC(choice__names__narrow_their_kind);
ATF_TC_HEAD(choice__names__narrow_their_kind, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "A kind that no name serves is not narrowed");
}
ATF_TC_BODY(choice__names__narrow_their_kind, tc)
{
#if defined(EVANY_BE_EPOLL) && defined(EVANY_BE_INOTIFY) &&	\
    defined(EVANY_BE_SIGNALFD) && defined(EVANY_BE_PIDFD)
	static const struct choice cc[] = {
		{ NULL, "epoll", "inotify", "signalfd", "pidfd" },
		{ "", "epoll", "inotify", "signalfd", "pidfd" },
		{ "epoll", "epoll", "inotify", "signalfd", "pidfd" },
		{ "nonsense", "epoll", "inotify", "signalfd", "pidfd" },
		{ "filescan", "epoll", "filescan", "signalfd", "pidfd" },
		{ "epoll,selfpipe", "epoll", "inotify", "selfpipe",
		    "selfpipe" },
		{ "poll,inotify", "poll", "inotify", "selfpipe", "selfpipe" },
		{ "signalfd,poll,pidfd", "poll", "filescan", "signalfd",
		    "pidfd" }
	};

	if (evany__proc_pidfd_ops.po_probe() != 0)
		atf_tc_skip("this kernel has no process descriptors");
	must_choose(cc, EVT_NITEMS(cc));
#else
	atf_tc_skip("not all mechanisms of Linux are built");
#endif
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, choice__poll__portable_set);
	ATF_TP_ADD_TC(tp, choice__names__narrow_their_kind);
	return (atf_no_error());
}
