/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/* hello: the program of README.md; says what is typed, or that it ended. */
#include <sys/types.h>
#include <sys/event.h>

#include <err.h>
#include <stdio.h>
#include <unistd.h>

int
main(void)
{
	struct kevent ev;
	char buf[512];
	ssize_t n;
	int kq;

	if ((kq = kqueue()) == -1)
		err(1, "kqueue");
	EV_SET(&ev, STDIN_FILENO, EVFILT_READ, EV_ADD, 0, 0, NULL);
	while (kevent(kq, &ev, 1, &ev, 1, NULL) == 1) {
		if ((n = read(STDIN_FILENO, buf, sizeof(buf))) <= 0)
			break;
		printf("%d bytes waited, read %zd\n", (int)ev.data, n);
	}
	return (0);
}
