/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Which numbers are watched, and which the library takes for itself.
 */
#include "config.h"

#include "evt.h"

#include "backends/emulation/core/core.h"

#define LOW	300
#define HIGH	1234567

EVT_TC(watched__counts, "KQ-101",
    "A number is watched until as many slots have let go as had it")
{
	static const int numbers[] = { LOW, HIGH };
	unsigned number;
	int i;

	for (i = 0; i < EVT_NITEMS(numbers); i++) {
		number = (unsigned)numbers[i];
		ATF_REQUIRE_EQ(number, evany__watched_next(number, false));
		ATF_REQUIRE_EQ(0, evany__watched_room(numbers[i]));
		evany__watched_more(numbers[i]);
		evany__watched_more(numbers[i]);
		evany__watched_less(numbers[i]);
		ATF_REQUIRE_EQ(number, evany__watched_next(number, true));
		ATF_REQUIRE_EQ(number + 1, evany__watched_next(number, false));
		evany__watched_less(numbers[i]);
		ATF_REQUIRE_EQ(number, evany__watched_next(number, false));
	}
}

EVT_TC(watched__next, "KQ-101 KQ-105",
    "The search finds what is watched above, however far, and no more")
{
	ATF_REQUIRE_EQ(0, evany__watched_room(LOW));
	ATF_REQUIRE_EQ(0, evany__watched_room(HIGH));
	evany__watched_more(LOW);
	evany__watched_more(LOW + 1);
	evany__watched_always(HIGH);
	ATF_REQUIRE_EQ(LOW + 1, evany__watched_next(LOW + 1, true));
	ATF_REQUIRE_EQ(LOW + 2, evany__watched_next(LOW, false));
	ATF_REQUIRE_EQ(HIGH, evany__watched_next(LOW + 2, true));
	evany__watched_less(LOW);
	evany__watched_less(LOW + 1);
	ATF_REQUIRE_EQ(HIGH, evany__watched_next(LOW, true));
	ATF_REQUIRE_EQ(EVANY__WATCHED_MOST, evany__watched_next(HIGH + 1,
	    true));
	/* Beyond what is counted each number is watched. */
	ATF_REQUIRE_EQ(UINT32_MAX, evany__watched_next(UINT32_MAX, true));
}

EVT_TC(inner__leaves_watched_numbers, "KQ-101",
    "A descriptor of the library is moved from a watched number")
{
	int fd, moved;

	ATF_REQUIRE((fd = dup(0)) != -1);
	ATF_REQUIRE_EQ(fd, evany__inner(fd));
	ATF_REQUIRE_EQ(0, evany__watched_room(fd));
	evany__watched_more(fd);
	evany__watched_more(fd + 1);
	ATF_REQUIRE((moved = evany__inner(fd)) > fd + 1);
	ATF_REQUIRE_EQ(-1, fcntl(fd, F_GETFD));
	ATF_REQUIRE_EQ(FD_CLOEXEC, fcntl(moved, F_GETFD));
	evany__watched_less(fd);
	evany__watched_less(fd + 1);
	evt_close(moved);
	errno = EMFILE;
	ATF_REQUIRE_EQ(-1, evany__inner(-1));
	ATF_REQUIRE_EQ(EMFILE, errno);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, watched__counts);
	EVT_TP_ADD_TC(tp, watched__next);
	EVT_TP_ADD_TC(tp, inner__leaves_watched_numbers);
	return (atf_no_error());
}
