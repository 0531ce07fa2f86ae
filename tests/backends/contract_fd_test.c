/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * contract_fd: interest in descriptors and what is reported of them, struct
 * evany__be_ops of backend.h.  contract_change_test.c has how it is stated.
 */
#include "config.h"

#include "contract.h"

#include <sys/socket.h>

#define TAG	5U

CT_TC(level__by_every_wait, "a level is reported by every wait while it is true")
{
	struct ct *ct = ct_open(be, TAG);
	int i, p[2];

	evt_pipe(p);
	ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
	ct_none(ct);
	evt_write(p[1], 1);
	for (i = 0; i < 3; i++)
		ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	ATF_CHECK_EQ(1, evt_drain(p[0]));
	ct_none(ct);
	evt_write(p[1], 1);
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(level__seen_without_sleep, "what is true before a wait is seen by it")
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int i, p[2];

	evt_pipe(p);
	ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
	for (i = 0; i < 100; i++) {
		ATF_REQUIRE_EQ(0, ct_poll(ct, rd, 4));
		evt_write(p[1], 1);
		ATF_REQUIRE_EQ(1, ct_poll(ct, rd, 4));
		ATF_REQUIRE_EQ(1, evt_drain(p[0]));
	}
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(level__rotates, "with little room every level has its turn")
{
	struct evany__ready rd;
	struct ct *ct = ct_open(be, TAG);
	int i, j, p[3][2], seen[3] = { 0, 0, 0 };

	for (i = 0; i < 3; i++) {
		evt_pipe(p[i]);
		ct_want(ct, p[i][0], CT_WANT(LEVEL, OFF, OFF));
		evt_write(p[i][1], 1);
	}
	for (i = 0; i < 6; i++) {
		ATF_REQUIRE_EQ(1, ct_get(ct, &rd, 1));
		for (j = 0; j < 3; j++)
			if (EVANY__COOKIE_INDEX(rd.rd_cookie) ==
			    (uint32_t)p[j][0])
				seen[j]++;
	}
	for (i = 0; i < 3; i++) {
		ATF_CHECK_EQ(2, seen[i]);
		evt_close(p[i][0]);
		evt_close(p[i][1]);
	}
	ct_close(ct);
}

CT_TC(idle__is_silent, "an idle registration never reports")
{
	struct ct *ct = ct_open(be, TAG);
	int p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	ct_want(ct, p[0], CT_WANT(IDLE, OFF, OFF));
	ct_none(ct);
	ATF_CHECK(ct_quiet(ct->ct_number));
	ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	ct_want(ct, p[0], CT_WANT(IDLE, OFF, OFF));
	ct_none(ct);
	ATF_CHECK(ct_quiet(ct->ct_number));
	ct_want(ct, p[0], CT_WANT(OFF, OFF, OFF));
	ct_none(ct);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(once__then_spent, "once is reported with SPENT, then silent until stated")
{
	struct ct *ct = ct_open(be, TAG);
	int p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	ct_want(ct, p[0], CT_WANT(ONCE, OFF, OFF));
	ATF_CHECK_EQ(EVANY__IN | EVANY__SPENT, ct_one(ct, p[0]));
	ct_none(ct);
	evt_write(p[1], 1);
	ct_none(ct);
	ATF_CHECK(ct_quiet(ct->ct_number));
	ct_want(ct, p[0], CT_WANT(ONCE, OFF, OFF));
	ATF_CHECK_EQ(EVANY__IN | EVANY__SPENT, ct_one(ct, p[0]));
	ct_none(ct);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(edge__when_it_grows, "an edge is reported when it becomes true or grows")
{
	struct ct *ct = ct_open(be, TAG);
	int p[2];

	evt_pipe(p);
	ct_want(ct, p[0], CT_WANT(EDGE, OFF, OFF));
	ct_none(ct);
	evt_write(p[1], 1);
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	ct_none(ct);
	evt_write(p[1], 1);
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	ct_none(ct);
	ATF_CHECK_EQ(2, evt_drain(p[0]));
	ct_none(ct);
	evt_write(p[1], 2);
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	ct_none(ct);
	ATF_CHECK(ct_quiet(ct->ct_number));
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

static void
write_later(void *arg)
{
	evt_write(*(int *)arg, 1);
}

CT_TC(edge__grows_in_a_wait, "an edge that grows while a thread waits wakes it")
{
	struct evt_thread t;
	struct ct *ct = ct_open(be, TAG);
	int p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	ct_want(ct, p[0], CT_WANT(EDGE, OFF, OFF));
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	evt_thread_start(&t, write_later, &p[1]);
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	evt_thread_join(&t);
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(edge__never_lost, "an edge is not lost when as much came as was read")
{
	struct ct *ct = ct_open(be, TAG);
	int i, p[2];

	evt_pipe(p);
	ct_want(ct, p[0], CT_WANT(EDGE, OFF, OFF));
	evt_write(p[1], 3);
	for (i = 0; i < 3; i++) {
		ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
		ATF_CHECK_EQ(3, evt_drain(p[0]));
		evt_write(p[1], 3);
	}
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

CT_TC(edge__end_after_bytes, "the end of a stream is an edge beside unread bytes")
{
	struct ct *ct = ct_open(be, TAG);
	int p[2];

	evt_pipe(p);
	ct_want(ct, p[0], CT_WANT(EDGE, OFF, OFF));
	evt_write(p[1], 3);
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, p[0]));
	evt_close(p[1]);
	ATF_CHECK((ct_one(ct, p[0]) & EVANY__HUP) != 0);
	ct_none(ct);
	ct_close(ct);
	evt_close(p[0]);
}

CT_TC(edge__room, "room to write is an edge after there was none")
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_nonblock(s[0]);
	ct_want(ct, s[0], CT_WANT(OFF, EDGE, OFF));
	ATF_CHECK_EQ(EVANY__OUT, ct_one(ct, s[0]));
	ct_none(ct);
	(void)evt_fill(s[0]);
	/* What is told of room that shrinks is left open. */
	while (ct_poll(ct, rd, 4) != 0)
		continue;
	ct_none(ct);
	(void)evt_drain(s[1]);
	ATF_CHECK_EQ(EVANY__OUT, ct_one(ct, s[0]));
	ct_close(ct);
	evt_close(s[0]);
	evt_close(s[1]);
}

CT_TC(edge__restated, "stating an edge again does not report it, fresh does")
{
	struct ct *ct = ct_open(be, TAG);
	int s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	ct_want(ct, s[0], CT_WANT(EDGE, EDGE, OFF));
	while (ct_poll(ct, &(struct evany__ready){ 0, 0, 0 }, 1) != 0)
		continue;
	ct_want(ct, s[0], CT_WANT(EDGE, EDGE, OFF));
	ct_none(ct);
	ATF_REQUIRE_EQ(0, ct_change(ct, s[0], CT_WANT(EDGE, EDGE, OFF),
	    CT_FRESH(IN)));
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, s[0]));
	ct_none(ct);
	ATF_REQUIRE_EQ(0, ct_change(ct, s[0], CT_WANT(EDGE, EDGE, OFF),
	    CT_FRESH(OUT)));
	ATF_CHECK_EQ(EVANY__OUT, ct_one(ct, s[0]));
	ct_none(ct);
	ct_close(ct);
	evt_close(s[0]);
	evt_close(s[1]);
}

CT_TC(directions__independent, "each direction has a mode of its own")
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	unsigned bits;
	int i, n, s[2];

	evt_sockpair(s, SOCK_STREAM);
	ct_want(ct, s[0], CT_WANT(EDGE, EDGE, OFF));
	ATF_CHECK_EQ(EVANY__OUT, ct_one(ct, s[0]));
	evt_write(s[1], 1);
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, s[0]));
	ct_none(ct);

	/* Once for one, level for the other. */
	ct_want(ct, s[0], CT_WANT(ONCE, LEVEL, OFF));
	for (bits = 0, i = 0; i < 3; i++) {
		ATF_REQUIRE((n = ct_get(ct, rd, 4)) > 0);
		while (n-- > 0) {
			ATF_CHECK(i == 0 ||
			    (rd[n].rd_bits & EVANY__IN) == 0);
			ATF_CHECK(i < 2 || (rd[n].rd_bits & EVANY__OUT) != 0);
			bits |= rd[n].rd_bits & ~EVANY__FOR_ANY;
		}
	}
	ATF_CHECK_EQ(EVANY__IN | EVANY__OUT | EVANY__SPENT, bits);
	ct_want(ct, s[0], CT_WANT(ONCE, IDLE, OFF));
	ATF_CHECK_EQ(EVANY__IN | EVANY__SPENT, ct_one(ct, s[0]));
	ct_none(ct);
	ct_want(ct, s[0], CT_WANT(LEVEL, OFF, OFF));
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, s[0]));
	ATF_CHECK_EQ(EVANY__IN, ct_one(ct, s[0]));
	ct_close(ct);
	evt_close(s[0]);
	evt_close(s[1]);
}

CT_TC(levels__one_record, "two levels of a descriptor make one record")
{
	struct ct *ct = ct_open(be, TAG);
	int s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	ct_want(ct, s[0], CT_WANT(LEVEL, LEVEL, OFF));
	ATF_CHECK_EQ(EVANY__IN | EVANY__OUT, ct_one(ct, s[0]));
	ct_close(ct);
	evt_close(s[0]);
	evt_close(s[1]);
}

CT_TC(off__ends_it, "nothing is reported of what is not wanted any more")
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int i, p[2];

	evt_pipe(p);
	evt_write(p[1], 1);
	for (i = 0; i < 3; i++) {
		ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
		ATF_REQUIRE(ct_readable(ct->ct_number));
		ct_want(ct, p[0], CT_WANT(OFF, OFF, OFF));
		ATF_REQUIRE_EQ(0, ct_poll(ct, rd, 4));
		ATF_CHECK(ct_quiet(ct->ct_number));
	}
	ct_close(ct);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- several directions as one ------------------------------------------------ */

static void
together(struct ct *ct, int fd, const uint8_t *want)
{
	int error = ct_change(ct, fd, want, EVANY__TOGETHER);

	ATF_REQUIRE_MSG(error == 0, "be_change: %s", strerror(error));
}

CT_TC(together__one_report, "all directions that are ready come in one report")
{
	struct ct *ct = ct_open(be, TAG);
	int i, s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	for (i = 0; i < 3; i++) {
		together(ct, s[0], CT_WANT(ONCE, ONCE, OFF));
		ATF_CHECK(ct_readable(ct->ct_number));
		ATF_CHECK_EQ(EVANY__IN | EVANY__OUT | EVANY__SPENT,
		    ct_one(ct, s[0]));
		ct_none(ct);
		ATF_CHECK(ct_quiet(ct->ct_number));
	}
	ct_close(ct);
	evt_close(s[0]);
	evt_close(s[1]);
}

CT_TC(together__first_ends_all, "the first report is the last of all directions")
{
	struct ct *ct = ct_open(be, TAG);
	int s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_nonblock(s[0]);
	(void)evt_fill(s[0]);
	together(ct, s[0], CT_WANT(ONCE, ONCE, OFF));
	ct_none(ct);
	evt_write(s[1], 1);
	ATF_CHECK_EQ(EVANY__IN | EVANY__SPENT, ct_one(ct, s[0]));
	(void)evt_drain(s[1]);
	ct_none(ct);
	ATF_CHECK(ct_quiet(ct->ct_number));
	together(ct, s[0], CT_WANT(OFF, ONCE, OFF));
	ATF_CHECK_EQ(EVANY__OUT | EVANY__SPENT, ct_one(ct, s[0]));
	ct_none(ct);
	ct_close(ct);
	evt_close(s[0]);
	evt_close(s[1]);
}

CT_TC(together__restated, "what is stated last counts, reported or not")
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int s[2];

	evt_sockpair(s, SOCK_STREAM);
	together(ct, s[0], CT_WANT(ONCE, OFF, OFF));
	together(ct, s[0], CT_WANT(ONCE, OFF, OFF));
	ct_none(ct);
	together(ct, s[0], CT_WANT(OFF, ONCE, OFF));
	ATF_REQUIRE(ct_readable(ct->ct_number));
	together(ct, s[0], CT_WANT(ONCE, OFF, OFF));
	ATF_CHECK_EQ(0, ct_poll(ct, rd, 4));
	evt_write(s[1], 1);
	ATF_REQUIRE(ct_readable(ct->ct_number));
	together(ct, s[0], CT_WANT(ONCE, ONCE, OFF));
	ATF_CHECK_EQ(EVANY__IN | EVANY__OUT | EVANY__SPENT,
	    ct_one(ct, s[0]));
	together(ct, s[0], CT_WANT(ONCE, ONCE, OFF));
	ct_want(ct, s[0], CT_WANT(OFF, OFF, OFF));
	ct_none(ct);
	ATF_CHECK(ct_quiet(ct->ct_number));
	ct_close(ct);
	evt_close(s[0]);
	evt_close(s[1]);
}

CT_TC(together__only_the_end, "with none wanted a hang-up is reported, once")
{
	struct ct *ct = ct_open(be, TAG);
	unsigned bits;
	int i, p[2], s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	together(ct, s[0], CT_WANT(OFF, OFF, OFF));
	ct_none(ct);
	ATF_CHECK(ct_quiet(ct->ct_number));
	evt_close(s[1]);
	for (i = 0; i < 2; i++) {
		ATF_CHECK(ct_readable(ct->ct_number));
		bits = ct_one(ct, s[0]);
		ATF_CHECK_EQ(EVANY__HUP | EVANY__SPENT,
		    bits & ~(unsigned)EVANY__ERR);
		ct_none(ct);
		ATF_CHECK(ct_quiet(ct->ct_number));
		together(ct, s[0], CT_WANT(OFF, OFF, OFF));
	}
	evt_close(s[0]);
	ct_renew(ct, s[0]);

	evt_pipe(p);
	together(ct, p[1], CT_WANT(OFF, OFF, OFF));
	ct_none(ct);
	evt_close(p[0]);
	bits = ct_one(ct, p[1]);
	ATF_CHECK((bits & (EVANY__ERR | EVANY__HUP)) != 0);
	ATF_CHECK((bits & EVANY__OUT) == 0);
	ct_none(ct);
	ct_close(ct);
	evt_close(p[1]);
}

static void
close_later(void *arg)
{
	evt_close(*(int *)arg);
}

CT_TC(together__end_in_a_wait, "a hang-up with none wanted ends a wait")
{
	struct evt_thread t;
	struct ct *ct = ct_open(be, TAG);
	int p[2];

	evt_pipe(p);
	together(ct, p[0], CT_WANT(OFF, OFF, OFF));
	evt_thread_start(&t, close_later, &p[1]);
	ATF_CHECK_EQ(EVANY__HUP | EVANY__SPENT, ct_one(ct, p[0]));
	evt_thread_join(&t);
	ct_close(ct);
	evt_close(p[0]);
}

CT_TC(together__remembers_file, "spent or with none wanted it is still known")
{
	struct ct *ct = ct_open(be, TAG);
	int i, p[2], q[2];
	const int fd = 305;

	evt_pipe(p);
	evt_pipe(q);
	evt_write(p[1], 1);
	for (i = 0; i < 2; i++) {
		ATF_REQUIRE_EQ(fd, dup2(p[0], fd));
		if (i == 0) {
			together(ct, fd, CT_WANT(ONCE, OFF, OFF));
			ATF_CHECK_EQ(EVANY__IN | EVANY__SPENT,
			    ct_one(ct, fd));
		} else
			together(ct, fd, CT_WANT(OFF, OFF, OFF));
		ATF_CHECK_EQ(0, ct_change(ct, fd, CT_WANT(ONCE, OFF, OFF),
		    EVANY__TOGETHER));
		ATF_CHECK_EQ(EVANY__IN | EVANY__SPENT, ct_one(ct, fd));
		if (i == 1)
			together(ct, fd, CT_WANT(OFF, OFF, OFF));
		ATF_REQUIRE_EQ(fd, dup2(q[0], fd));
		ATF_CHECK_EQ(ESTALE, ct_change(ct, fd,
		    CT_WANT(ONCE, OFF, OFF), EVANY__TOGETHER));
		ct_renew(ct, fd);
		together(ct, fd, CT_WANT(ONCE, OFF, OFF));
		evt_write(q[1], 1);
		ATF_CHECK_EQ(EVANY__IN | EVANY__SPENT, ct_one(ct, fd));
		ATF_CHECK_EQ(1, evt_drain(q[0]));
		/* VERIFY: not left silent in place. */
		ATF_CHECK_EQ(0, ct_change(ct, fd, CT_WANT(OFF, OFF, OFF),
		    EVANY__VERIFY));
	}
	ct_close(ct);
	evt_close(fd);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(q[0]);
	evt_close(q[1]);
}

CT_TC(together__errors, "with none wanted, too: EBADF, EPERM, EINVAL")
{
	struct ct *ct = ct_open(be, TAG);
	char path[EVT_PATH_MAX];
	int fd;

	fd = evt_move(evt_tmpfile(path), 210);
	ATF_CHECK_EQ(EPERM, ct_change(ct, fd, CT_WANT(OFF, OFF, OFF),
	    EVANY__TOGETHER));
	evt_close(fd);
	(void)unlink(path);
	ATF_CHECK_EQ(EBADF, ct_change(ct, fd, CT_WANT(OFF, OFF, OFF),
	    EVANY__TOGETHER));
	ATF_CHECK_EQ(EINVAL, ct_change(ct, ct->ct_number,
	    CT_WANT(OFF, OFF, OFF), EVANY__TOGETHER));
	ct_none(ct);
	ct_close(ct);
}

CT_TC(stale__number_of_a_plain_file, "what cannot be waited for is another file")
{
	const struct {
		const uint8_t	*had, *wanted;
		unsigned	 fresh, fresh2;
	} steps[] = {
		{ CT_WANT(LEVEL, OFF, OFF), CT_WANT(LEVEL, OFF, OFF),
		    0, EVANY__VERIFY },
		{ CT_WANT(LEVEL, OFF, OFF), CT_WANT(EDGE, OFF, OFF), 0, 0 },
		{ CT_WANT(EDGE, EDGE, OFF), CT_WANT(EDGE, EDGE, OFF),
		    0, CT_FRESH(IN) },
		{ CT_WANT(ONCE, ONCE, OFF), CT_WANT(ONCE, ONCE, OFF),
		    EVANY__TOGETHER, EVANY__TOGETHER },
		{ CT_WANT(LEVEL, LEVEL, OFF), CT_WANT(LEVEL, LEVEL, OFF),
		    EVANY__TOGETHER, EVANY__TOGETHER | EVANY__VERIFY },
		{ CT_WANT(LEVEL, OFF, OFF), CT_WANT(OFF, OFF, OFF),
		    0, EVANY__VERIFY },
		{ CT_WANT(LEVEL, OFF, OFF), CT_WANT(IDLE, OFF, OFF),
		    0, EVANY__VERIFY },
		{ CT_WANT(IDLE, OFF, OFF), CT_WANT(IDLE, OFF, OFF),
		    0, EVANY__VERIFY },
		{ CT_WANT(IDLE, OFF, OFF), CT_WANT(OFF, OFF, OFF),
		    0, EVANY__VERIFY },
		{ CT_WANT(ONCE, ONCE, OFF), CT_WANT(OFF, OFF, OFF),
		    EVANY__TOGETHER, EVANY__VERIFY }
	};
	struct ct *ct = ct_open(be, TAG);
	char path[EVT_PATH_MAX];
	int file, i, s[2];
	const int fd = 306;

	file = evt_tmpfile(path);
	evt_sockpair(s, SOCK_STREAM);
	for (i = 0; i < EVT_NITEMS(steps); i++) {
		ATF_REQUIRE_EQ(fd, dup2(s[0], fd));
		ATF_REQUIRE_EQ(0, ct_change(ct, fd, steps[i].had,
		    steps[i].fresh));
		ATF_REQUIRE_EQ(fd, dup2(file, fd));
		ATF_CHECK_EQ_MSG(ESTALE, ct_change(ct, fd, steps[i].wanted,
		    steps[i].fresh2), "step %d", i);
		ATF_REQUIRE_EQ(fd, dup2(s[0], fd));
		ct_renew(ct, fd);
	}
	ct_close(ct);
	evt_close(fd);
	evt_close(file);
	evt_close(s[0]);
	evt_close(s[1]);
	(void)unlink(path);
}

CT_TC(bits__end_and_error, "end of stream, hang-up and error have their bits")
{
	struct ct *ct = ct_open(be, TAG);
	unsigned bits;
	int p[2], s[2];

	evt_pipe(p);
	ct_want(ct, p[0], CT_WANT(LEVEL, OFF, OFF));
	evt_close(p[1]);
	ATF_CHECK((ct_one(ct, p[0]) & EVANY__HUP) != 0);
	ct_want(ct, p[0], CT_WANT(OFF, OFF, OFF));
	evt_close(p[0]);

	evt_pipe(p);
	ct_want(ct, p[1], CT_WANT(OFF, EDGE, OFF));
	ATF_CHECK_EQ(EVANY__OUT, ct_one(ct, p[1]));
	evt_close(p[0]);
	bits = ct_one(ct, p[1]);
	ATF_CHECK((bits & (EVANY__ERR | EVANY__HUP)) != 0);
	ct_want(ct, p[1], CT_WANT(OFF, OFF, OFF));
	evt_close(p[1]);

	evt_sockpair(s, SOCK_STREAM);
	ct_want(ct, s[0], CT_WANT(LEVEL, OFF, OFF));
	ATF_REQUIRE_EQ(0, shutdown(s[1], SHUT_WR));
	bits = ct_one(ct, s[0]);
	ATF_CHECK((bits & (EVANY__IN | EVANY__RDHUP)) ==
	    (EVANY__IN | EVANY__RDHUP));
	ATF_CHECK((bits & EVANY__HUP) == 0);
	evt_close(s[1]);
	bits = ct_one(ct, s[0]);
	ATF_CHECK((bits & EVANY__HUP) != 0);
	evt_close(s[0]);
	ct_close(ct);
}

CT_TC(bits__for_directions, "a hang-up concerns the directions it is told for")
{
	struct evany__ready rd[4];
	struct ct *ct = ct_open(be, TAG);
	int i, in, n, out, s[2];

	evt_sockpair(s, SOCK_STREAM);
	ct_want(ct, s[0], CT_WANT(LEVEL, EDGE, OFF));
	ATF_CHECK_EQ(EVANY__OUT, ct_one(ct, s[0]));
	evt_close(s[1]);
	for (i = in = out = 0; i < 4; i++) {
		n = ct_get(ct, rd, 4);
		while (n-- > 0) {
			ATF_CHECK((rd[n].rd_bits & EVANY__HUP) != 0);
			ATF_CHECK((rd[n].rd_bits & EVANY__FOR_ANY) != 0);
			if ((rd[n].rd_bits & EVANY__FOR(EVANY__W_IN)) != 0)
				in++;
			if ((rd[n].rd_bits & EVANY__FOR(EVANY__W_OUT)) != 0)
				out++;
			ATF_CHECK((rd[n].rd_bits &
			    EVANY__FOR(EVANY__W_PRI)) == 0);
		}
	}
	/* The level every time, the edge once. */
	ATF_CHECK_EQ(4, in);
	ATF_CHECK_EQ(1, out);
	ct_close(ct);
	evt_close(s[0]);
}

CT_TC(bits__urgent, "urgent data is reported to who wants it")
{
	struct ct *ct = ct_open(be, TAG);
	char c;
	int s[2];

	evt_tcp_pair(s);
	ct_want(ct, s[0], CT_WANT(OFF, OFF, LEVEL));
	ct_none(ct);
	ATF_REQUIRE_EQ(1, send(s[1], "!", 1, MSG_OOB));
	ATF_CHECK_EQ(EVANY__PRI, ct_one(ct, s[0]));
	ATF_REQUIRE_EQ(1, recv(s[0], &c, 1, MSG_OOB));
	ct_none(ct);
	ct_close(ct);
	evt_close(s[0]);
	evt_close(s[1]);
}

ATF_TP_ADD_TCS(tp)
{
	CT_ADD(tp, level__by_every_wait);
	CT_ADD(tp, level__seen_without_sleep);
	CT_ADD(tp, level__rotates);
	CT_ADD(tp, idle__is_silent);
	CT_ADD(tp, once__then_spent);
	CT_ADD(tp, edge__when_it_grows);
	CT_ADD(tp, edge__grows_in_a_wait);
	CT_ADD(tp, edge__never_lost);
	CT_ADD(tp, edge__end_after_bytes);
	CT_ADD(tp, edge__room);
	CT_ADD(tp, edge__restated);
	CT_ADD(tp, directions__independent);
	CT_ADD(tp, levels__one_record);
	CT_ADD(tp, off__ends_it);
	CT_ADD(tp, together__one_report);
	CT_ADD(tp, together__first_ends_all);
	CT_ADD(tp, together__restated);
	CT_ADD(tp, together__only_the_end);
	CT_ADD(tp, together__end_in_a_wait);
	CT_ADD(tp, together__remembers_file);
	CT_ADD(tp, together__errors);
	CT_ADD(tp, stale__number_of_a_plain_file);
	CT_ADD(tp, bits__end_and_error);
	CT_ADD(tp, bits__for_directions);
	CT_ADD(tp, bits__urgent);
	return (atf_no_error());
}
