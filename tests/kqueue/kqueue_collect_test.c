/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Which of the pending events a call returns: how many, in turns, each at most
 * once, tested again and as of now; and what a short list leaves.
 */
#include "config.h"

#include "evt.h"

#include <sys/resource.h>
#include <sys/socket.h>

/* Knotes of five kinds, all ready: the most different sources of one call. */
#define MIX_USERS	4
#define MIX_PIPES	4
#define MIX_SOCKETS	3
#define MIX_ALL		(MIX_USERS + MIX_PIPES + 2 * MIX_SOCKETS)

struct mix {
	int	mx_kq;
	int	mx_pipe[MIX_PIPES][2];
	int	mx_sock[MIX_SOCKETS][2];
};

static void
mix_make(struct mix *mx, unsigned int flags)
{
	int i, kq;

	kq = mx->mx_kq = evt_kq();
	for (i = 0; i < MIX_USERS; i++) {
		evt_add_user(kq, i, flags);
		evt_trigger(kq, i);
	}
	for (i = 0; i < MIX_PIPES; i++) {
		evt_pipe(mx->mx_pipe[i]);
		evt_write(mx->mx_pipe[i][1], 1);
		evt_change(kq, mx->mx_pipe[i][0], EVFILT_READ, EV_ADD | flags,
		    0, 0, NULL);
	}
	for (i = 0; i < MIX_SOCKETS; i++) {
		evt_sockpair(mx->mx_sock[i], SOCK_STREAM);
		evt_write(mx->mx_sock[i][1], 1);
		evt_change(kq, mx->mx_sock[i][0], EVFILT_READ, EV_ADD | flags,
		    0, 0, NULL);
		evt_change(kq, mx->mx_sock[i][0], EVFILT_WRITE, EV_ADD | flags,
		    0, 0, NULL);
	}
}

static void
mix_free(struct mix *mx)
{
	int i;

	evt_close(mx->mx_kq);
	for (i = 0; i < MIX_PIPES; i++) {
		evt_close(mx->mx_pipe[i][0]);
		evt_close(mx->mx_pipe[i][1]);
	}
	for (i = 0; i < MIX_SOCKETS; i++) {
		evt_close(mx->mx_sock[i][0]);
		evt_close(mx->mx_sock[i][1]);
	}
}

/* ---- how many --------------------------------------------------------- */

EVT_TC(collect__does_not_fill_the_list, "KQ-058",
    "A call comes back with what is pending, however large the list")
{
	struct kevent ev[64];
	struct mix mx;
	int64_t start;
	int kq;

	start = evt_now_ns();
	kq = evt_kq();
	evt_add_user(kq, 1, EV_CLEAR);
	evt_trigger(kq, 1);
	ATF_REQUIRE_EQ(evt_kevent_ms(kq, NULL, 0, ev, 64, -1), 1);
	evt_close(kq);

	/* But with all that is pending, of every kind. */
	mix_make(&mx, EV_CLEAR);
	ATF_REQUIRE_EQ(evt_kevent_ms(mx.mx_kq, NULL, 0, ev, 64, 60000),
	    MIX_ALL);
	mix_free(&mx);
	ATF_REQUIRE(evt_now_ns() - start < 10 * (int64_t)EVT_WAIT_MS *
	    1000000);
}

EVT_TC(collect__beside_what_is_not_enough, "KQ-058 KQ-061",
    "What is reported to the library but is no event hides none that is")
{
	struct kevent ev[2];
	int calls, i, kq, p[2], s[4][2], useless;

	for (useless = 1; useless <= 4; useless++) {
		kq = evt_kq();
		evt_add_user(kq, 1, 0);
		evt_trigger(kq, 1);
		for (i = 0; i < useless; i++) {
			evt_sockpair(s[i], SOCK_STREAM);
			evt_write(s[i][1], 3);
			evt_change(kq, s[i][0], EVFILT_READ, EV_ADD |
			    EV_DISPATCH, NOTE_LOWAT, 28, NULL);
		}
		evt_pipe(p);
		evt_write(p[1], 1);
		evt_change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
		for (calls = 0; calls < 5; calls++) {
			ATF_REQUIRE_EQ_MSG(2, evt_kevent_ms(kq, NULL, 0, ev,
			    2, 0), "call %d beside %d", calls, useless);
			ATF_REQUIRE(!evt_twins(ev, 2));
		}
		evt_close(kq);
		for (i = 0; i < useless; i++) {
			evt_close(s[i][0]);
			evt_close(s[i][1]);
		}
		evt_close(p[0]);
		evt_close(p[1]);
	}
}

static int
raise_limit(int want)
{
	struct rlimit rl;

	ATF_REQUIRE(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	if (rl.rlim_cur < (rlim_t)want && rl.rlim_max >= (rlim_t)want) {
		rl.rlim_cur = (rlim_t)want;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
		ATF_REQUIRE(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	}
	return (rl.rlim_cur >= (rlim_t)want);
}

EVT_TC(collect__thousands_in_one_call, "KQ-059 KQ-062",
    "With n knotes pending and room for n, one call returns n")
{
	enum { N = 1500 };
	static struct kevent ev[2 * N + 10];
	static unsigned char seen[2 * N];
	static int fds[N];
	int i, kq, n, p[2], want;

	if (!raise_limit(N + 100))
		atf_tc_skip("the descriptor limit is below %d", N + 100);
	evt_pipe(p);
	evt_write(p[1], 1);
	kq = evt_kq();
	for (i = 0; i < N; i++) {
		ATF_REQUIRE((fds[i] = fcntl(p[0], F_DUPFD, 20)) != -1);
		evt_change(kq, fds[i], EVFILT_READ, EV_ADD, 0, 0, &seen[i]);
		EV_SET(&ev[0], (uintptr_t)i, EVFILT_USER, EV_ADD, 0, 0,
		    &seen[N + i]);
		EV_SET(&ev[1], (uintptr_t)i, EVFILT_USER, 0, NOTE_TRIGGER, 0,
		    &seen[N + i]);
		ATF_REQUIRE_EQ(kevent(kq, ev, 2, NULL, 0, NULL), 0);
	}
	for (want = 2 * N + 10; want >= N; want -= N / 3) {
		n = evt_get(kq, ev, want);
		ATF_REQUIRE_EQ(n, want < 2 * N ? want : 2 * N);
		memset(seen, 0, sizeof(seen));
		for (i = 0; i < n; i++) {
			unsigned char *flag = (unsigned char *)
			    (uintptr_t)ev[i].udata;

			ATF_REQUIRE_MSG(*flag == 0, "twice: %s",
			    evt_text(&ev[i]));
			*flag = 1;
		}
	}
	for (i = 0; i < N; i++)
		evt_close(fds[i]);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

/* ---- who is next ------------------------------------------------------- */

EVT_TC(fair__three_take_turns, "KQ-061",
    "With room for one, three ready level knotes take turns")
{
	struct kevent ev[10];
	int i, kq, kind, p[3][2];

	for (kind = 0; kind < 2; kind++) {
		kq = evt_kq();
		for (i = 0; i < 3; i++) {
			evt_pipe(p[i]);
			if (kind == 0) {
				evt_change(kq, p[i][0], EVFILT_READ, EV_ADD, 0,
				    0, NULL);
				evt_write(p[i][1], 1);
			} else {
				evt_add_user(kq, p[i][0], 0);
				evt_trigger(kq, p[i][0]);
			}
		}
		for (i = 0; i < 10; i++)
			ATF_REQUIRE_EQ(evt_get(kq, &ev[i], 1), 1);
		ATF_REQUIRE(!evt_twins(ev, 3));
		for (i = 3; i < 10; i++)
			ATF_REQUIRE_EQ(ev[i].ident, ev[i - 3].ident);
		evt_close(kq);
		for (i = 0; i < 3; i++) {
			evt_close(p[i][0]);
			evt_close(p[i][1]);
		}
	}
}

EVT_TC(fair__both_filters_take_turns, "KQ-061 KQ-263",
    "With room for one, READ and WRITE of one socket take turns")
{
	struct kevent ev[8];
	int i, kq, s[2];

	evt_sockpair(s, SOCK_STREAM);
	evt_write(s[1], 1);
	kq = evt_kq();
	evt_change(kq, s[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq, s[0], EVFILT_WRITE, EV_ADD, 0, 0, NULL);
	for (i = 0; i < 8; i++)
		ATF_REQUIRE_EQ(evt_get(kq, &ev[i], 1), 1);
	for (i = 0; i < 8; i += 2)
		ATF_REQUIRE_MSG(!evt_twins(&ev[i], 2), "calls %d and %d", i,
		    i + 1);
	evt_close(kq);
	evt_close(s[0]);
	evt_close(s[1]);
}

EVT_TC(fair__users_beside_descriptors, "KQ-061",
    "With room for one, a user event and a descriptor take turns, and of more "
    "none has less than half its share")
{
	static const int sizes[][2] = { { 1, 1 }, { 1, 2 }, { 2, 1 },
	    { 3, 3 } };
	struct kevent ev, last;
	int calls, count[6], i, k, kq, most, p[3][2], size, users;

	for (size = 0; size < EVT_NITEMS(sizes); size++) {
		kq = evt_kq();
		users = sizes[size][0];
		most = users + sizes[size][1];
		for (i = 0; i < users; i++) {
			evt_add_user(kq, i, 0);
			evt_trigger(kq, i);
		}
		for (i = 0; i < most - users; i++) {
			evt_pipe(p[i]);
			evt_write(p[i][1], 1);
			evt_change(kq, p[i][0], EVFILT_READ, EV_ADD, 0, 0,
			    NULL);
		}
		for (i = 0; i < most; i++)
			ATF_REQUIRE_EQ(evt_get(kq, &last, 1), 1);
		memset(count, 0, sizeof(count));
		for (calls = 0; calls < 12 * most; calls++) {
			ATF_REQUIRE_EQ(evt_get(kq, &ev, 1), 1);
			if (most == 2)
				ATF_REQUIRE(ev.filter != last.filter);
			last = ev;
			if (ev.filter == EVFILT_USER)
				k = (int)ev.ident;
			else
				for (k = users; ev.ident !=
				    (uintptr_t)p[k - users][0]; k++)
					continue;
			count[k]++;
		}
		for (k = 0; k < most; k++)
			ATF_REQUIRE_MSG(count[k] >= 6, "%d user events, number "
			    "%d of %d: %d of %d", users, k, most, count[k],
			    calls);
		evt_close(kq);
		for (i = 0; i < most - users; i++) {
			evt_close(p[i][0]);
			evt_close(p[i][1]);
		}
	}
}

EVT_TC(fair__nobody_starves, "KQ-061 KQ-062",
    "With any room, every ready level knote is served in due course")
{
	struct kevent ev[MIX_ALL];
	struct mix mx;
	int calls, count[MIX_ALL], i, k, n, room;

	mix_make(&mx, 0);
	for (room = 1; room <= 7; room++) {
		int served = 0;

		memset(count, 0, sizeof(count));
		for (calls = 0; calls < 4 * MIX_ALL / room + 8; calls++) {
			n = evt_get(mx.mx_kq, ev, room);
			ATF_REQUIRE_EQ(n, room);
			ATF_REQUIRE(!evt_twins(ev, n));
			for (i = 0; i < n; i++) {
				if (ev[i].filter == EVFILT_USER)
					k = (int)ev[i].ident;
				else {
					for (k = 0; k < MIX_PIPES; k++)
						if (ev[i].ident == (uintptr_t)
						    mx.mx_pipe[k][0])
							break;
					if (k < MIX_PIPES)
						k += MIX_USERS;
					else {
						for (k = 0; ev[i].ident !=
						    (uintptr_t)
						    mx.mx_sock[k][0]; k++)
							continue;
						k = MIX_USERS + MIX_PIPES +
						    2 * k + (ev[i].filter ==
						    EVFILT_READ);
					}
				}
				served += count[k]++ == 0;
			}
		}
		ATF_REQUIRE_MSG(served == MIX_ALL, "room %d: %d of %d served",
		    room, served, MIX_ALL);
	}
	mix_free(&mx);
}

EVT_TC(fair__edges_beside_levels, "KQ-061 KQ-262",
    "With room for one, level events keep no edge or one-shot event away")
{
	static const unsigned modes[] = { EV_CLEAR, EV_ONESHOT };
	int calls, i, kq, p[2][2], seen[2], users;
	struct kevent ev;
	size_t m;

	for (m = 0; m < 2; m++)
		for (users = 1; users <= 3; users++) {
			kq = evt_kq();
			for (i = 0; i < users; i++) {
				evt_add_user(kq, i, 0);
				evt_trigger(kq, i);
			}
			/* Those above are on their way already. */
			for (i = 0; i < 2; i++)
				ATF_REQUIRE_EQ(evt_get(kq, &ev, 1), 1);
			for (i = 0; i < 2; i++) {
				evt_pipe(p[i]);
				evt_change(kq, p[i][0], EVFILT_READ, EV_ADD |
				    modes[m], 0, 0, NULL);
				evt_write(p[i][1], 1);
				seen[i] = 0;
			}
			for (calls = 0; calls < 10 * users; calls++) {
				ATF_REQUIRE_EQ(evt_get(kq, &ev, 1), 1);
				for (i = 0; i < 2; i++)
					seen[i] += ev.filter == EVFILT_READ &&
					    ev.ident == (uintptr_t)p[i][0];
			}
			ATF_CHECK_MSG(seen[0] > 0 && seen[1] > 0, "beside %d "
			    "came %d and %d", users, seen[0], seen[1]);
			evt_close(kq);
			for (i = 0; i < 2; i++) {
				evt_close(p[i][0]);
				evt_close(p[i][1]);
			}
		}
}

EVT_TC(once__per_call, "KQ-062",
    "One call never returns a knote twice, whatever the room")
{
	struct kevent ev[200];
	struct mix mx;
	int i, n;

	mix_make(&mx, 0);
	evt_change(mx.mx_kq, 1, EVFILT_TIMER, EV_ADD, 0, 1, NULL);
	for (i = 0; i < 20; i++) {
		n = evt_get(mx.mx_kq, ev, 200);
		ATF_REQUIRE(n == MIX_ALL || n == MIX_ALL + 1);
		ATF_REQUIRE(!evt_twins(ev, n));
	}
	mix_free(&mx);
}

/* ---- tested again ----------------------------------------------------- */

EVT_TC(again__condition_has_gone, "KQ-063",
    "Data read before the call is not reported, unless one-shot")
{
	static const unsigned int modes[] = { 0, EV_CLEAR, EV_DISPATCH };
	struct kevent ev;
	int i, kq, way;

	for (way = 0; way < 2; way++)
		for (i = 0; i < EVT_NITEMS(modes); i++) {
			int p[2];

			if (way == 0)
				evt_pipe(p);
			else
				evt_sockpair(p, SOCK_STREAM);
			kq = evt_kq();
			evt_change(kq, p[0], EVFILT_READ, EV_ADD | modes[i], 0,
			    0, NULL);
			evt_write(p[1], 1);
			ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
			ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
			evt_none(kq);
			evt_write(p[1], 2);
			evt_one(kq, &ev);
			EVT_EVENT(&ev, p[0], EVFILT_READ, modes[i], 0, 2);
			evt_close(kq);
			evt_close(p[0]);
			evt_close(p[1]);
		}
}

EVT_TC(again__left_over_and_gone, "KQ-063 KQ-262",
    "What a short list left over is tested again before it is returned")
{
	struct kevent ev[8];
	int i, j, kq, s[4][2];

	kq = evt_kq();
	for (i = 0; i < 4; i++) {
		evt_sockpair(s[i], SOCK_STREAM);
		evt_write(s[i][1], 1);
		evt_change(kq, s[i][0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0,
		    NULL);
	}
	ATF_REQUIRE_EQ(evt_get(kq, ev, 1), 1);
	for (i = 0; i < 4; i++)
		ATF_REQUIRE_EQ(evt_drain(s[i][0]), 1);
	evt_none(kq);

	/* Deleted and closed ones must not come out of the leftovers. */
	for (i = 0; i < 4; i++)
		evt_write(s[i][1], 1);
	ATF_REQUIRE_EQ(evt_get(kq, ev, 1), 1);
	for (i = j = 0; i < 4; i++) {
		if (ev[0].ident == (uintptr_t)s[i][0])
			continue;
		if (j++ == 0)
			evt_change(kq, s[i][0], EVFILT_READ, EV_DELETE, 0, 0,
			    NULL);
		else if (j == 2)
			evt_close(s[i][0]);
		else
			evt_change(kq, s[i][0], EVFILT_READ, EV_DISABLE, 0, 0,
			    NULL);
	}
	evt_none(kq);
	evt_close(kq);
	for (i = 0; i < 4; i++) {
		(void)close(s[i][0]);
		evt_close(s[i][1]);
	}
}

EVT_TC(again__oneshot_is_owed, "KQ-064",
    "An active one-shot event is returned, or stays for the next activity")
{
	struct kevent ev;
	int kq, n, p[2];

	evt_pipe(p);
	kq = evt_kq();
	evt_change(kq, p[0], EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0, NULL);
	evt_write(p[1], 1);
	ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
	ATF_REQUIRE_EQ(evt_drain(p[0]), 1);
	n = evt_poll(kq, &ev, 1);
	EVT_APPROX(n == 1, "a one-shot event whose data was read is dropped");
	if (n == 0) {
		evt_none(kq);
		evt_write(p[1], 3);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, p[0], EVFILT_READ, EV_ONESHOT, 0, 3);
	} else
		EVT_EVENT(&ev, p[0], EVFILT_READ, EV_ONESHOT, 0, 0);

	/* Either way it came once and is gone. */
	evt_write(p[1], 1);
	evt_none(kq);
	ATF_REQUIRE_EQ(evt_change_errno(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	evt_close(kq);
	evt_close(p[0]);
	evt_close(p[1]);
}

EVT_TC(again__data_as_of_now, "KQ-065",
    "data is the count at collection, not at activation")
{
	static const unsigned int modes[] = { 0, EV_CLEAR, EV_ONESHOT,
	    EV_DISPATCH };
	struct kevent ev[2];
	char buf[2];
	int i, kq, p[2];

	for (i = 0; i < EVT_NITEMS(modes); i++) {
		evt_pipe(p);
		kq = evt_kq();
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | modes[i], 0, 0,
		    NULL);
		evt_write(p[1], 1);
		ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
		evt_write(p[1], 5);
		ATF_REQUIRE_EQ(read(p[0], buf, 2), 2);
		evt_one(kq, &ev[0]);
		EVT_EVENT(&ev[0], p[0], EVFILT_READ, modes[i], 0, 4);
		evt_close(kq);

		/* Also for one that a short list left over. */
		kq = evt_kq();
		evt_change(kq, p[0], EVFILT_READ, EV_ADD | modes[i], 0, 0,
		    NULL);
		evt_change(kq, p[1], EVFILT_WRITE, EV_ADD | modes[i], 0, 0,
		    NULL);
		ATF_REQUIRE_EQ(evt_get(kq, &ev[0], 1), 1);
		evt_write(p[1], 3);
		ATF_REQUIRE_EQ(evt_get(kq, &ev[1], 1), 1);
		ATF_REQUIRE(!evt_twins(ev, 2));
		if (ev[1].filter == EVFILT_READ)
			ATF_REQUIRE_EQ(ev[1].data, 7);
		else
			ATF_REQUIRE_EQ(ev[0].data, 4);
		evt_close(kq);
		evt_close(p[0]);
		evt_close(p[1]);
	}
}

/* ---- short lists ------------------------------------------------------ */

EVT_TC(short__five_by_two, "KQ-262",
    "Five EV_CLEAR knotes and room for two: 2, 2 and 1, each knote once")
{
	struct kevent ev[6];
	int i, kind, kq, p[5][2];

	for (kind = 0; kind < 3; kind++) {
		kq = evt_kq();
		for (i = 0; i < 5; i++) {
			evt_sockpair(p[i], SOCK_STREAM);
			if (kind == 0) {
				evt_change(kq, p[i][0], EVFILT_READ,
				    EV_ADD | EV_CLEAR, 0, 0, NULL);
				evt_write(p[i][1], 1);
			} else if (kind == 1)
				evt_change(kq, p[i][0], EVFILT_WRITE,
				    EV_ADD | EV_CLEAR, 0, 0, NULL);
			else {
				evt_add_user(kq, p[i][0], EV_CLEAR);
				evt_trigger(kq, p[i][0]);
			}
		}
		ATF_REQUIRE_EQ(evt_poll(kq, ev, 2), 2);
		ATF_REQUIRE_EQ(evt_poll(kq, ev + 2, 2), 2);
		ATF_REQUIRE_EQ(evt_poll(kq, ev + 4, 2), 1);
		ATF_REQUIRE(!evt_twins(ev, 5));
		evt_none(kq);
		evt_close(kq);
		for (i = 0; i < 5; i++) {
			evt_close(p[i][0]);
			evt_close(p[i][1]);
		}
	}
}

EVT_TC(short__every_kind_and_mode, "KQ-262",
    "A mix of ready knotes through any room: each comes once, none is lost")
{
	static const unsigned int modes[] = { EV_CLEAR, EV_ONESHOT,
	    EV_DISPATCH };
	struct kevent ev[MIX_ALL + 1];
	struct mix mx;
	int i, n, room, total;

	for (i = 0; i < EVT_NITEMS(modes); i++)
		for (room = 1; room <= MIX_ALL + 1; room++) {
			mix_make(&mx, modes[i]);
			for (total = 0; total < MIX_ALL; total += n) {
				int want = MIX_ALL - total;

				if (want > room)
					want = room;
				n = evt_poll(mx.mx_kq, ev + total, want == room
				    ? room : MIX_ALL + 1 - total);
				ATF_REQUIRE_MSG(n == want, "mode %#x room %d: "
				    "%d after %d", modes[i], room, n, total);
			}
			ATF_REQUIRE(!evt_twins(ev, total));
			ATF_REQUIRE_EQ(evt_poll(mx.mx_kq, ev, 1), 0);
			mix_free(&mx);
		}
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, collect__does_not_fill_the_list);
	EVT_TP_ADD_TC(tp, collect__beside_what_is_not_enough);
	EVT_TP_ADD_TC(tp, collect__thousands_in_one_call);
	EVT_TP_ADD_TC(tp, fair__three_take_turns);
	EVT_TP_ADD_TC(tp, fair__both_filters_take_turns);
	EVT_TP_ADD_TC(tp, fair__users_beside_descriptors);
	EVT_TP_ADD_TC(tp, fair__nobody_starves);
	EVT_TP_ADD_TC(tp, fair__edges_beside_levels);
	EVT_TP_ADD_TC(tp, once__per_call);
	EVT_TP_ADD_TC(tp, again__condition_has_gone);
	EVT_TP_ADD_TC(tp, again__left_over_and_gone);
	EVT_TP_ADD_TC(tp, again__oneshot_is_owed);
	EVT_TP_ADD_TC(tp, again__data_as_of_now);
	EVT_TP_ADD_TC(tp, short__five_by_two);
	EVT_TP_ADD_TC(tp, short__every_kind_and_mode);
	return (atf_no_error());
}
