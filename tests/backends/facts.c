/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

#include "config.h"

#include "facts.h"

const struct facts facts_all[FACTS] = {
	{
#ifdef EVANY_FF_LINUX
		.name = "linux", .exact = true,
#else
		.name = "library", .exact = false,
#endif
		evany__ff_kind, evany__ff_inbytes, evany__ff_backlog,
		evany__ff_space, evany__ff_lowat, evany__ff_unconnected,
		evany__ff_shut_wr, evany__ff_error, evany__ff_sent,
		evany__ff_counter,
		evany__ff_next_open,
		evany__ff_count
	}, {
		.name = "posix", .exact = false,
		posix_ff_kind, posix_ff_inbytes, posix_ff_backlog,
		posix_ff_space, posix_ff_lowat, posix_ff_unconnected,
		posix_ff_shut_wr, posix_ff_error, posix_ff_sent,
		posix_ff_counter,
		posix_ff_next_open,
		posix_ff_count
	}
};

int
facts_closed(void)
{
	int fd;

	fd = dup(0);
	evt_close(fd);
	return (fd);
}

int
facts_unix_listen(int type, struct sockaddr_un *sun)
{
	int fd;

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	(void)snprintf(sun->sun_path, sizeof(sun->sun_path), "socket");
	(void)unlink(sun->sun_path);
	ATF_REQUIRE((fd = socket(AF_UNIX, type, 0)) != -1);
	ATF_REQUIRE_EQ(0, bind(fd, (struct sockaddr *)sun, sizeof(*sun)));
	ATF_REQUIRE_EQ(0, listen(fd, 16));
	return (fd);
}

int
facts_unix_connect(int type, const struct sockaddr_un *sun)
{
	int fd;

	ATF_REQUIRE((fd = socket(AF_UNIX, type, 0)) != -1);
	ATF_REQUIRE_EQ(0, connect(fd, (const struct sockaddr *)sun,
	    sizeof(*sun)));
	return (fd);
}

void
facts_await(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	ATF_REQUIRE_EQ(1, poll(&pfd, 1, EVT_WAIT_MS));
	ATF_REQUIRE((pfd.revents & events) != 0);
}
