/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_TIMER: units, absolute moments, values that make no sense, and the
 * system clock.
 *
 * The clock is set for this program alone: the program's own clock_gettime()
 * adds clock_offset to the wall clock.  A library that worked with the wall
 * clock where it should not would be led astray by it.
 */
#include "config.h"

#include "evt.h"

#include <dirent.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif

#define MS	INT64_C(1000000)
#define S	INT64_C(1000000000)

#ifdef NOTE_MSECONDS
#define UNIT_MS	NOTE_MSECONDS
#else
#define UNIT_MS	0
#endif

/* Absolute moments are one shot by themselves on macOS. */
#if defined(NOTE_ABSTIME)
#define MOMENT	NOTE_ABSTIME
#elif defined(NOTE_ABSOLUTE)
#define MOMENT	NOTE_ABSOLUTE
#endif

static void
add(int kq, uintptr_t ident, unsigned int flags, unsigned int notes,
    int64_t data)
{
	evt_change(kq, ident, EVFILT_TIMER, EV_ADD | flags, notes, data, NULL);
}

/* ---- units ------------------------------------------------------------ */

static const struct unit {
	const char	*un_name;
	unsigned int	 un_note;
	int64_t		 un_ns;
} units[] = {
	{ "NOTE_SECONDS", NOTE_SECONDS, S },
	{ "NOTE_MSECONDS", UNIT_MS, MS },
	{ "NOTE_USECONDS", NOTE_USECONDS, 1000 },
	{ "NOTE_NSECONDS", NOTE_NSECONDS, 1 },
};

EVT_TC(unit__scales_data, "KQ-215 KQ-271 KQ-207",
    "Each unit note scales data, and the event's fflags are 0")
{
	struct kevent ev;
	int64_t start, took, want;
	int i, kq;

	for (i = 0; i < EVT_NITEMS(units); i++) {
		want = units[i].un_ns == S ? S : 40 * MS;
		kq = evt_kq();
		start = evt_now_ns();
		add(kq, 1, EV_ONESHOT, units[i].un_note,
		    want / units[i].un_ns);
		evt_one(kq, &ev);
		took = evt_now_ns() - start;
		EVT_EVENT(&ev, 1, EVFILT_TIMER, EV_ONESHOT, 0, 1);
		ATF_REQUIRE_MSG(took >= want, "%s: %jd ns", units[i].un_name,
		    (intmax_t)took);
		EVT_APPROX(took < want + 40 * MS, "a timer is late");
		evt_close(kq);
	}
}

EVT_TC(unit__periodic, "KQ-215 KQ-271 KQ-208",
    "Periodic timers of each unit count in that unit")
{
	static const int64_t periods[] = { 0, 5 * MS, 300000, 1000 };
	struct kevent ev;
	int64_t start, sum;
	int i, j, kq;

	/* The last is a thousand expiries per millisecond. */
	for (i = 1; i < EVT_NITEMS(units); i++) {
		kq = evt_kq();
		start = evt_now_ns();
		add(kq, 1, 0, units[i].un_note, periods[i] / units[i].un_ns);
		for (j = 0, sum = 0; j < 5; j++) {
			evt_one(kq, &ev);
			ATF_REQUIRE(ev.data >= 1);
			EVT_EVENT(&ev, 1, EVFILT_TIMER, 0, 0, ev.data);
			sum += ev.data;
			ATF_REQUIRE_MSG(sum <= (evt_now_ns() - start) /
			    periods[i], "%s: %jd", units[i].un_name,
			    (intmax_t)sum);
		}
		evt_close(kq);
	}
}

EVT_TC(unit__one_nanosecond, "KQ-215 KQ-208",
    "The shortest period does not occupy the program")
{
	struct kevent ev;
	int64_t cpu, start;
	int i, kq;

	kq = evt_kq();
	start = evt_now_ns();
	add(kq, 1, EV_DISPATCH, NOTE_NSECONDS, 1);
	evt_one(kq, &ev);
	add(kq, 2, 0, UNIT_MS, 20);

	/* Disabled it costs nothing, though it goes on counting. */
	cpu = evt_cpu_ns();
	for (i = 0; i < 3; i++) {
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(ev.ident, 2);
	}
	cpu = evt_cpu_ns() - cpu;
	ATF_REQUIRE_MSG(cpu < 30 * MS, "%jd ns of processor time",
	    (intmax_t)cpu);
	evt_change(kq, 2, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	evt_change(kq, 1, EVFILT_TIMER, EV_ENABLE, NOTE_NSECONDS, 1, NULL);
	evt_one(kq, &ev);
	ATF_REQUIRE(ev.data >= 1);
	ATF_REQUIRE(ev.data <= evt_now_ns() - start);
	evt_close(kq);
}

/* ---- values ----------------------------------------------------------- */

#if !defined(__NetBSD__) && !defined(__OpenBSD__) && !defined(__APPLE__) && \
    !defined(__DragonFly__)
static int
add_errno(int kq, unsigned int flags, unsigned int notes, int64_t data)
{
	return (evt_change_errno(kq, 1, EVFILT_TIMER, EV_ADD | flags, notes,
	    data, NULL));
}

EVT_TC(value__negative, "KQ-218",
    "Negative data is EINVAL; on a running timer too, which goes on")
{
	static const int64_t bad[] = { -1, -1000, INT64_MIN, INT64_MIN + 1 };
	struct kevent ev;
	int i, kq;

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(bad); i++) {
		ATF_REQUIRE_EQ(add_errno(kq, 0, 0, bad[i]), EINVAL);
		ATF_REQUIRE_EQ(add_errno(kq, EV_ONESHOT, NOTE_NSECONDS,
		    bad[i]), EINVAL);
		ATF_REQUIRE_EQ(evt_change_errno(kq, 1, EVFILT_TIMER, EV_DELETE,
		    0, 0, NULL), ENOENT);
	}
	evt_none(kq);
	if (!evt_native()) {
		int64_t start = evt_now_ns();
		int round;

		add(kq, 1, 0, 0, 30);
		for (i = 0; i < EVT_NITEMS(bad); i++)
			ATF_REQUIRE_EQ(add_errno(kq, 0, 0, bad[i]), EINVAL);
		for (round = 1; round <= 2; round++) {
			evt_one(kq, &ev);
			ATF_REQUIRE(evt_now_ns() - start >= round * 30 * MS);
		}
	}
	evt_close(kq);
}

EVT_TC(value__zero, "KQ-219",
    "Zero is one unit for a periodic timer, at once for a one-shot one")
{
	struct kevent ev;
	int64_t start, sum = 0;
	int i, kq;

	kq = evt_kq();
	start = evt_now_ns();
	add(kq, 1, 0, 0, 0);
	for (i = 0; i < 5; i++) {
		evt_one(kq, &ev);
		sum += ev.data;
		ATF_REQUIRE(ev.data >= 1);
		ATF_REQUIRE(sum <= (evt_now_ns() - start) / MS);
	}
	evt_change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);

	/* A unit of a second shows whether at once means it. */
	start = evt_now_ns();
	add(kq, 2, EV_ONESHOT, NOTE_SECONDS, 0);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 2, EVFILT_TIMER, EV_ONESHOT, 0, 1);
	ATF_REQUIRE(evt_now_ns() - start < EVT_WAIT_MS * MS / 2);
	add(kq, 3, 0, NOTE_SECONDS, 0);
	evt_none(kq);
	evt_one(kq, &ev);
	ATF_REQUIRE(evt_now_ns() - start >= S);
	EVT_EVENT(&ev, 3, EVFILT_TIMER, 0, 0, 1);
	evt_close(kq);
}

EVT_TC(value__bad_notes, "KQ-220",
    "Two units, or an unknown note, are EINVAL and spare the running timer")
{
	static const unsigned int bad[] = {
		NOTE_SECONDS | NOTE_MSECONDS,
		NOTE_USECONDS | NOTE_NSECONDS,
		NOTE_MSECONDS | NOTE_NSECONDS | NOTE_ABSTIME,
		NOTE_SECONDS | NOTE_MSECONDS | NOTE_USECONDS | NOTE_NSECONDS,
		0x20, 0x100, 0x80000000U, NOTE_MSECONDS | 0x40, ~0U,
	};
	struct kevent ev;
	int i, kq;

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(bad); i++) {
		ATF_REQUIRE_MSG(add_errno(kq, 0, bad[i], 10) == EINVAL,
		    "notes %#x", bad[i]);
		ATF_REQUIRE_EQ(evt_change_errno(kq, 1, EVFILT_TIMER, EV_DELETE,
		    0, 0, NULL), ENOENT);
	}
	add(kq, 1, 0, 0, 20);
	if (!evt_native())
		for (i = 0; i < EVT_NITEMS(bad); i++)
			ATF_REQUIRE_EQ(add_errno(kq, 0, bad[i], 60000),
			    EINVAL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, 1, EVFILT_TIMER, 0, 0, ev.data);
	evt_close(kq);
}
#endif

EVT_TC(value__huge, "KQ-221",
    "Huge values are accepted and do not fire, or are EINVAL")
{
	static const int64_t values[] = { INT64_MAX, INT64_MAX - 1,
	    INT64_MAX / 2, INT64_MAX / 1000, INT64_MAX / 1000 + 1,
	    INT64_MAX / 1000000 + 1, INT64_MAX / 1000000000,
	    INT64_MAX / 1000000000 + 1, INT64_C(18446744074),
	    INT64_C(1) << 40, INT64_C(1) << 53 };
	struct kevent ev;
	int error, i, j, kq, mode;

	for (i = 0; i < EVT_NITEMS(values); i++) {
		kq = evt_kq();
		for (j = 0; j < EVT_NITEMS(units); j++)
			for (mode = 0; mode < 4; mode++) {
				unsigned int notes = units[j].un_note;

				/* Some of these are moments long past. */
				if (mode >= 2 && values[i] <
				    INT64_MAX / 1000000000 * (S /
				    units[j].un_ns))
					continue;
				if (mode >= 2)
#ifdef MOMENT
					notes |= MOMENT;
#else
					continue;
#endif
				error = evt_change_errno(kq, 4 * j + mode,
				    EVFILT_TIMER, EV_ADD | (mode % 2 != 0 ?
				    EV_ONESHOT : 0), notes, values[i], NULL);
				ATF_REQUIRE_MSG(error == 0 || error == EINVAL,
				    "%s %jd: %d", units[j].un_name,
				    (intmax_t)values[i], error);
			}
		if (evt_poll(kq, &ev, 1) != 0)
			atf_tc_fail("value %jd: %s", (intmax_t)values[i],
			    evt_text(&ev));

		/* Nor do they keep others from their time. */
		add(kq, 1000, EV_ONESHOT, UNIT_MS, 5);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(ev.ident, 1000);
		evt_close(kq);
	}
}

/* ---- absolute moments ------------------------------------------------- */

#ifdef NOTE_ABSTIME
static int64_t
wall_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return ((int64_t)ts.tv_sec * S + ts.tv_nsec);
}

EVT_TC(moment__fires_then, "KQ-216 KQ-271",
    "NOTE_ABSTIME: one expiry at that moment of the wall clock")
{
	struct kevent ev;
	int64_t at, now;
	int i, kq;

	for (i = 0; i < EVT_NITEMS(units); i++) {
		kq = evt_kq();
		now = wall_ns();
		at = now + 40 * MS;

		/* The next whole unit. */
		at = at / units[i].un_ns + 1;
		add(kq, 1, EV_ONESHOT, units[i].un_note | NOTE_ABSTIME, at);
		if (units[i].un_ns != S)
			ATF_REQUIRE_EQ(evt_poll(kq, &ev, 1), 0);
		ATF_REQUIRE_EQ(evt_kevent_ms(kq, NULL, 0, &ev, 1,
		    2 * EVT_WAIT_MS), 1);
		now = wall_ns();
		ATF_REQUIRE_MSG(now >= at * units[i].un_ns, "%s: %jd at %jd",
		    units[i].un_name, (intmax_t)at, (intmax_t)now);
		EVT_APPROX(now < at * units[i].un_ns + 40 * MS,
		    "an absolute timer is late");
		EVT_EVENT(&ev, 1, EVFILT_TIMER, EV_ONESHOT, 0, 1);
		evt_none(kq);
		evt_close(kq);
	}
}

EVT_TC(moment__past_is_at_once, "KQ-216",
    "A past moment fires at once, and once")
{
	struct kevent ev;
	int i, kq;

	for (i = 0; i < EVT_NITEMS(units); i++) {
		kq = evt_kq();
		add(kq, 1, EV_CLEAR, units[i].un_note | NOTE_ABSTIME, 1);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ(ev.data, 1);
		evt_none(kq);
		add(kq, 2, EV_ONESHOT, units[i].un_note | NOTE_ABSTIME,
		    (wall_ns() - S) / units[i].un_ns);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, 2, EVFILT_TIMER, EV_ONESHOT, 0, 1);
		evt_none(kq);
		evt_close(kq);
	}
}

EVT_TC(moment__stays_active, "KQ-217 KQ-100",
    "It returns at each call, unless EV_CLEAR or EV_ONESHOT was given")
{
	struct kevent ev;
	int i, kq;

	kq = evt_kq();
	add(kq, 1, 0, NOTE_ABSTIME, wall_ns() / MS + 10);
	for (i = 0; i < 4; i++) {
		evt_one(kq, &ev);
		EVT_EVENT(&ev, 1, EVFILT_TIMER, 0, 0, 1);
		if (!evt_native())
			ATF_REQUIRE_EQ(ev.flags & EV_CLEAR, 0);
	}
	ATF_REQUIRE(evt_readable(kq, 0));
	evt_change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	evt_none(kq);
	add(kq, 1, EV_CLEAR, NOTE_ABSTIME, wall_ns() / MS + 10);
	evt_one(kq, &ev);
	evt_none(kq);
	evt_change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	add(kq, 1, EV_ONESHOT, NOTE_ABSTIME, wall_ns() / MS + 10);
	evt_one(kq, &ev);
	evt_none(kq);
	ATF_REQUIRE_EQ(evt_change_errno(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	evt_close(kq);
}

EVT_TC(moment__readd, "KQ-216 KQ-212",
    "A moment can be moved, and turned into a period and back")
{
	struct kevent ev;
	int64_t start;
	int kq;

	kq = evt_kq();
	add(kq, 1, EV_CLEAR, NOTE_ABSTIME, wall_ns() / MS + 5);
	add(kq, 1, EV_CLEAR, NOTE_ABSTIME, wall_ns() / MS + 100000);
	evt_none(kq);
	start = evt_now_ns();
	add(kq, 1, EV_CLEAR, 0, 10);
	evt_one(kq, &ev);
	ATF_REQUIRE(evt_now_ns() - start >= 10 * MS);
	evt_one(kq, &ev);
	add(kq, 1, EV_CLEAR, NOTE_ABSTIME, 1);
	evt_one(kq, &ev);
	evt_none(kq);
	evt_close(kq);
}
#endif

/* ---- the system clock ------------------------------------------------- */

#ifdef __linux__
static atomic_llong clock_offset;

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	long long offset;

	if (syscall(SYS_clock_gettime, clock, ts) != 0)
		return (-1);
	offset = atomic_load(&clock_offset);
	if (offset != 0 && clock == CLOCK_REALTIME)
		ts->tv_sec += (time_t)offset;
	return (0);
}

/* Timer descriptors of this process that follow the wall clock. */
static int
wall_timers(void)
{
	char line[128], path[300];
	struct dirent *de;
	DIR *dir;
	FILE *fp;
	int n = 0;

	ATF_REQUIRE((dir = opendir("/proc/self/fdinfo")) != NULL);
	while ((de = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%s",
		    de->d_name);
		if (de->d_name[0] == '.' || (fp = fopen(path, "r")) == NULL)
			continue;
		while (fgets(line, sizeof(line), fp) != NULL)
			n += strcmp(line, "clockid: 0\n") == 0;
		(void)fclose(fp);
	}
	(void)closedir(dir);
	return (n);
}

EVT_TC(clock__does_not_move_a_period, "KQ-222",
    "A step of the wall clock does not move a relative timer")
{
	static const long long steps[] = { 86400, -86400 };
	struct kevent ev;
	int64_t start, sum;
	int i, j, kq;

	for (i = 0; i < 2; i++) {
		atomic_store(&clock_offset, 0);
		kq = evt_kq();
		start = evt_now_ns();
		add(kq, 1, EV_ONESHOT, 0, 30);
		add(kq, 2, 0, 0, 25);
		atomic_store(&clock_offset, steps[i]);
		for (j = 0, sum = 0; j < 6; j++) {
			ATF_REQUIRE_EQ(evt_get(kq, &ev, 1), 1);
			ATF_REQUIRE(evt_now_ns() - start >= 25 * MS);
			atomic_store(&clock_offset, j % 2 * steps[i]);
			if (ev.ident == 1)
				ATF_REQUIRE(evt_now_ns() - start >= 30 * MS);
			else
				sum += ev.data;
			ATF_REQUIRE(sum <= (evt_now_ns() - start) /
			    (25 * MS));
		}

		/* No kernel timer that the real clock could move. */
		ATF_REQUIRE_EQ(wall_timers(), 0);
		evt_close(kq);
	}
	atomic_store(&clock_offset, 0);
}
#endif

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, unit__scales_data);
	EVT_TP_ADD_TC(tp, unit__periodic);
	EVT_TP_ADD_TC(tp, unit__one_nanosecond);
#if !defined(__NetBSD__) && !defined(__OpenBSD__) && !defined(__APPLE__) && \
    !defined(__DragonFly__)
	EVT_TP_ADD_TC(tp, value__negative);
	EVT_TP_ADD_TC(tp, value__zero);
	EVT_TP_ADD_TC(tp, value__bad_notes);
#endif
	EVT_TP_ADD_TC(tp, value__huge);
#ifdef NOTE_ABSTIME
	EVT_TP_ADD_TC(tp, moment__fires_then);
	EVT_TP_ADD_TC(tp, moment__past_is_at_once);
	EVT_TP_ADD_TC(tp, moment__stays_active);
	EVT_TP_ADD_TC(tp, moment__readd);
#endif
#ifdef __linux__
	EVT_TP_ADD_TC(tp, clock__does_not_move_a_period);
#endif
	return (atf_no_error());
}
