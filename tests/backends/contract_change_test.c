/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * contract_change: changes of interest in descriptors, struct evany__be_ops of
 * backend.h: their errors, closed and reused numbers, and how many there may be.
 */
#include "config.h"

#include "contract.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fcntl.h>

#define TAG	5U

/* ---- errors ------------------------------------------------------------------ */

CT_TC(change__errors, "closed, never blocking, itself: EBADF, EPERM, EINVAL")
{
	struct ct *ct = ct_open(be, TAG);
	char path[EVT_PATH_MAX];
	int dir, fd, p[2];

	evt_pipe(p);
	p[0] = evt_move(p[0], 200);
	evt_close(p[0]);
	ATF_CHECK_EQ(EBADF, ct_change(ct, p[0], CT_WANT(LEVEL, OFF, OFF), 0));
	evt_close(p[1]);
	fd = evt_tmpfile(path);
	ATF_CHECK_EQ(EPERM, ct_change(ct, fd, CT_WANT(LEVEL, OFF, OFF), 0));
	evt_close(fd);
	(void)unlink(path);
	ATF_REQUIRE((dir = open("/", O_RDONLY)) != -1);
	ATF_CHECK_EQ(EPERM, ct_change(ct, dir, CT_WANT(IDLE, OFF, OFF), 0));
	evt_close(dir);
	ATF_REQUIRE((dir = open("/dev/null", O_RDWR)) != -1);
	ATF_CHECK_EQ(EPERM, ct_change(ct, dir, CT_WANT(OFF, LEVEL, OFF), 0));
	evt_close(dir);
	ATF_CHECK_EQ(EINVAL, ct_change(ct, ct->ct_number,
	    CT_WANT(LEVEL, OFF, OFF), 0));
	ct_none(ct);
	ct_close(ct);
}

CT_TC(change__stale, "a number that names another file: ESTALE, then anew")
{
	struct ct *ct = ct_open(be, TAG);
	int p[2], q[2];
	const int fd = 300;

	evt_pipe(p);
	evt_pipe(q);
	p[0] = evt_move(p[0], fd);
	ct_want(ct, fd, CT_WANT(LEVEL, OFF, OFF));
	ct_none(ct);
	/* Reused: the old file is gone, the new one is not reported. */
	evt_write(q[1], 1);
	q[0] = evt_move(q[0], fd);
	ct_none(ct);
	ATF_CHECK_EQ(ESTALE, ct_change(ct, fd, CT_WANT(LEVEL, OFF, OFF),
	    EVANY__VERIFY));
	ct_renew(ct, fd);
	ATF_CHECK_EQ(0, ct_change(ct, fd, CT_WANT(LEVEL, OFF, OFF), 0));
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, fd));
	/* Once more, found by a change that is not about the file. */
	evt_close(fd);
	evt_close(p[1]);
	evt_pipe(p);
	p[0] = evt_move(p[0], fd);
	ATF_CHECK_EQ(ESTALE, ct_change(ct, fd, CT_WANT(IDLE, OFF, OFF), 0));
	ct_renew(ct, fd);
	ct_close(ct);
	evt_close(fd);
	evt_close(p[1]);
	evt_close(q[1]);
}

CT_TC(change__verify, "verification of an unchanged file has no effect")
{
#ifdef EVANY_BE_KQUEUE
	struct evany__ready rd;
#endif
	struct ct *ct = ct_open(be, TAG);
	int p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	ct_want(ct, p[0], CT_WANT(EDGE, OFF, OFF));
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	ATF_CHECK_EQ(0, ct_change(ct, p[0], CT_WANT(EDGE, OFF, OFF),
	    EVANY__VERIFY));
#ifdef EVANY_BE_KQUEUE
	/* The system looks at what is touched: an edge may be told again. */
	if (be == &evany__be_kqueue_ops && ct_poll(ct, &rd, 1) == 1)
		ATF_CHECK((rd.rd_bits & EVANY__IN) != 0);
#endif
	ct_none(ct);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(change__stops_at_error, "changes go in order up to the first error")
{
	struct evany__change ch[3];
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int done, p[2], q[2];

	evt_pipe(p);
	evt_pipe(q);
	evt_write(p[1], 1);
	evt_write(q[1], 1);
	ct_set(ct, &ch[0], p[0], CT_WANT(LEVEL, OFF, OFF));
	ct_set(ct, &ch[1], 400, CT_WANT(LEVEL, OFF, OFF));
	ct_set(ct, &ch[2], q[0], CT_WANT(LEVEL, OFF, OFF));
	evany__inst_lock(&ct->ct_inst);
	ATF_CHECK_EQ(0, be->be_change(&ct->ct_inst, ct->ct_number, ch, 3,
	    &done));
	evany__inst_unlock(&ct->ct_inst);
	ATF_CHECK_EQ(2, done);
	ATF_CHECK_EQ(0, ch[0].ch_error);
	ATF_CHECK_EQ(EBADF, ch[1].ch_error);
	ATF_CHECK_EQ(-1, ch[2].ch_error);
	ATF_CHECK_EQ(1, ct_poll(ct, rd, 4));
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q[0]);
	evt_close(q[1]);
}

CT_TC(change__number_gone, "through a number that is not the instance's: EIDRM")
{
	struct ct *ct = ct_open(be, TAG);
	int copy, p[2];

	evt_pipe(p);
	ATF_REQUIRE((copy = dup(ct->ct_number)) != -1);
	copy = evt_move(copy, 500);
	evt_close(ct->ct_number);
	ATF_CHECK_EQ(EIDRM, ct_change(ct, p[0], CT_WANT(LEVEL, OFF, OFF), 0));
	ct->ct_number = p[1];
	ATF_CHECK_EQ(EIDRM, ct_change(ct, p[0], CT_WANT(LEVEL, OFF, OFF), 0));
	ct->ct_number = copy;
	ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
	evt_write(p[1], 1);
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- closed and reused numbers --------------------------------------------------- */

CT_TC(closed__then_reopened, "a file that is opened anew is watched once stated")
{
	static const int fd = 307;
	struct ct *ct = ct_open(be, TAG);
	int error, i;
	char c;

	ATF_REQUIRE_EQ(0, mkfifo("fifo", 0600));
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(fd, evt_move(open("fifo", O_RDWR | O_NONBLOCK),
		    fd));
		error = ct_change(ct, fd, CT_WANT(LEVEL, OFF, OFF),
		    EVANY__VERIFY);
		if (error == ESTALE) {
			ct_renew(ct, fd);
			ct_want(ct, fd, CT_WANT(LEVEL, OFF, OFF));
		} else
			ATF_REQUIRE_EQ(0, error);
		ct_none(ct);
		evt_write(fd, 1);
		ATF_CHECK_EQ(EVANY__IN, ct_one(ct, fd));
		ATF_REQUIRE_EQ(1, read(fd, &c, 1));
		ct_none(ct);
		evt_close(fd);
	}
	ct_close(ct);
}

CT_TC(closed__is_silent, "a closed number is never reported")
{
	struct ct *ct = ct_open(be, TAG);
	int p[2];

	evt_pipe(p);
	p[0] = evt_move(p[0], 600);
	ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
	evt_write(p[1], 1);
	ATF_CHECK(ct_readable(ct->ct_number));
	evt_close(p[0]);
	ct_none(ct);
	ATF_CHECK(ct_quiet(ct->ct_number));
	ATF_CHECK_EQ(EBADF, ct_change(ct, p[0], CT_WANT(OFF, OFF, OFF), 0));
	ct_close(ct);
	evt_close(p[1]);
}

CT_TC(closed__peer_sees_it, "a registration does not keep the file open")
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int i, s[2];
	char c;

	for (i = 0; i < 3; i++) {
		evt_sockpair(s, SOCK_STREAM);
		s[0] = evt_move(s[0], 610);
		ct_want(ct, s[0], CT_WANT(LEVEL, OFF, OFF));
		ATF_REQUIRE_EQ(0, ct_poll(ct, rd, 4));
		evt_close(s[0]);
		/* With and without a wait in between. */
		if (i == 1)
			ATF_REQUIRE_EQ(0, ct_poll(ct, rd, 4));
		ATF_REQUIRE(evt_readable(s[1], EVT_WAIT_MS));
		ATF_CHECK_EQ(0, read(s[1], &c, 1));
		evt_close(s[1]);
		ct_renew(ct, s[0]);
	}
	ct_close(ct);
}

CT_TC(closed__peer_elsewhere, "who watches the peer may be another instance")
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG), *other = ct_open(be, TAG + 1);
	int s[2];

	evt_sockpair(s, SOCK_STREAM);
	s[0] = evt_move(s[0], 611);
	ct_want(other, s[0], CT_WANT(LEVEL, OFF, OFF));
	ct_want(ct, s[1], CT_WANT(LEVEL, OFF, OFF));
	ATF_REQUIRE_EQ(0, ct_poll(ct, rd, 4));
	ATF_REQUIRE_EQ(0, ct_poll(other, rd, 4));
	evt_close(s[0]);
	ATF_REQUIRE_EQ(1, ct_poll(ct, rd, 4));
	ATF_CHECK((rd[0].rd_bits & EVANY__RDHUP) != 0);
	ct_close(other);
	ct_close(ct);
	evt_close(s[1]);
}

CT_TC(closed__then_other_file, "a number found closed is still known as stale")
{
	struct ct *ct = ct_open(be, TAG);
	int p[2], q[2];
	const int fd = 612;

	evt_pipe(p);
	evt_pipe(q);
	p[0] = evt_move(p[0], fd);
	ct_want(ct, fd, CT_WANT(LEVEL, OFF, OFF));
	evt_close(fd);
	ATF_CHECK_EQ(EBADF, ct_change(ct, fd, CT_WANT(LEVEL, LEVEL, OFF),
	    CT_FRESH(OUT)));
	ATF_REQUIRE_EQ(fd, dup2(q[0], fd));
	ATF_CHECK_EQ(ESTALE, ct_change(ct, fd, CT_WANT(LEVEL, OFF, OFF),
	    CT_FRESH(IN)));
	/* The other end of the same pipe is another file. */
	ct_renew(ct, fd);
	ct_want(ct, fd, CT_WANT(IDLE, OFF, OFF));
	ATF_REQUIRE_EQ(fd, dup2(q[1], fd));
	ATF_CHECK_EQ(ESTALE, ct_change(ct, fd, CT_WANT(OFF, LEVEL, OFF),
	    CT_FRESH(OUT)));
	ct_close(ct);
	evt_close(fd);
	evt_close(p[1]);
	evt_close(q[0]);
	evt_close(q[1]);
}

CT_TC(evict__only_that, "evict ends a closed number's registration, no other")
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	uint64_t old;
	int error, copy, n, p[2], q[2];
	const int fd = 620;

	evt_pipe(p);
	evt_pipe(q);
	ATF_REQUIRE((copy = dup(p[0])) != -1);
	p[0] = evt_move(p[0], fd);
	ct_want(ct, fd, CT_WANT(LEVEL, OFF, OFF));
	old = ct_cookie(ct, fd);
	q[0] = evt_move(q[0], fd);
	ct_renew(ct, fd);
	ct_want(ct, fd, CT_WANT(LEVEL, OFF, OFF));
	evt_write(p[1], 1);
	/* A mechanism by number cannot even see the old file. */
	n = ct_poll(ct, rd, 4);
	ATF_REQUIRE(n == 0 || n == 1);
	if (n == 1)
		ATF_CHECK_EQ(old, rd[0].rd_cookie & CT_COOKIE);
	evany__inst_lock(&ct->ct_inst);
	error = be->be_evict(&ct->ct_inst, ct->ct_number, fd, old);
	evany__inst_unlock(&ct->ct_inst);
	ATF_REQUIRE_MSG(error == 0, "be_evict: %s", strerror(error));
	/* Core states the interest of what the number names now again. */
	error = ct_change(ct, fd, CT_WANT(LEVEL, OFF, OFF), EVANY__VERIFY);
	if (error == ESTALE) {
		ct->ct_priv[fd] = 0;
		error = ct_change(ct, fd, CT_WANT(LEVEL, OFF, OFF), 0);
	}
	ATF_REQUIRE_EQ(0, error);
	ct_none(ct);
	evt_write(q[1], 1);
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, fd));
	ct_close(ct);
	evt_close(copy);
	evt_close(fd);
	evt_close(p[1]);
	evt_close(q[1]);
}

/* ---- numbers and sizes -------------------------------------------------------------- */

CT_TC(many__beyond_1024, "descriptor numbers and their count have no fixed limit")
{
	static struct evany__ready rd[CT_FDS];
	static int list[CT_FDS];
	struct ct *ct = ct_open(be, TAG);
	struct rlimit rl;
	int i, n, p[2];

	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &rl));
	if (rl.rlim_cur < CT_FDS) {
		rl.rlim_cur = rl.rlim_max < CT_FDS ? rl.rlim_max : CT_FDS;
		ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
	}
	evt_pipe(p);
	for (n = 0; n < 1500; n++) {
		list[n] = fcntl(p[0], F_DUPFD, 64);
		if (list[n] == -1 || list[n] >= CT_FDS)
			atf_tc_skip("only %d descriptors are allowed", n);
		ct_want(ct, list[n], CT_WANT(EDGE, OFF, OFF));
	}
	ATF_REQUIRE_EQ(0, ct_poll(ct, rd, CT_FDS));
	evt_write(p[1], 1);
	ATF_CHECK_EQ(n, ct_poll(ct, rd, CT_FDS));
	ct_none(ct);
	for (i = 0; i < n; i++)
		evt_close(list[i]);
	ct_none(ct);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(many__above_the_limit, "more registrations than RLIMIT_NOFILE work")
{
	struct evany__ready rd[4];
	struct ct *one, *two;
	struct rlimit old, rl;
	int i, list[100], p[2];

	evt_pipe(p);
	one = ct_open(be, TAG);
	two = ct_open(be, TAG + 1);
	for (i = 0; i < 100; i++) {
		ATF_REQUIRE((list[i] = fcntl(p[0], F_DUPFD, 64)) != -1);
		ct_want(one, list[i], CT_WANT(ONCE, OFF, OFF));
		ct_want(two, list[i], CT_WANT(ONCE, OFF, OFF));
	}
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	rl = old;
	rl.rlim_cur = 40;
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
	ct_none(one);
	evt_write(p[1], 1);
	for (i = 0; i < 25; i++) {
		ATF_REQUIRE(ct_readable(two->ct_number));
		ATF_REQUIRE_EQ(4, ct_get(one, rd, 4));
		ATF_REQUIRE_EQ(4, ct_get(two, rd, 4));
	}
	ct_none(one);
	ct_none(two);
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	for (i = 0; i < 100; i++)
		evt_close(list[i]);
	ct_close(one);
	ct_close(two);
	evt_close(p[0]);
	evt_close(p[1]);
}

ATF_TP_ADD_TCS(tp)
{
	CT_ADD(tp, change__errors);
	CT_ADD(tp, change__stale);
	CT_ADD(tp, change__verify);
	CT_ADD(tp, change__stops_at_error);
	CT_ADD(tp, change__number_gone);
	CT_ADD(tp, closed__is_silent);
	CT_ADD(tp, closed__peer_sees_it);
	CT_ADD(tp, closed__peer_elsewhere);
	CT_ADD(tp, closed__then_other_file);
	CT_ADD(tp, closed__then_reopened);
	CT_ADD(tp, evict__only_that);
	CT_ADD(tp, many__beyond_1024);
	CT_ADD(tp, many__above_the_limit);
	return (atf_no_error());
}
