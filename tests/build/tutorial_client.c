/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * tutorial_client port lines: prints so many lines of what a server on the
 * loopback address sends.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
	struct sockaddr_in sin;
	FILE *f;
	int c, fd, lines;

	if (argc != 3)
		errx(1, "usage: tutorial_client port lines");
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons((unsigned short)atoi(argv[1]));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    (f = fdopen(fd, "r")) == NULL)
		err(1, "connect");
	for (lines = atoi(argv[2]); lines > 0; ) {
		if ((c = getc(f)) == EOF)
			err(1, "the server has gone");
		putchar(c);
		if (c == '\n') {
			(void)fflush(stdout);
			lines--;
		}
	}
	return (0);
}
