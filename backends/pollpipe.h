/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * pollpipe.h: pipes that carry one bit, and poll(2), as the portable mechanisms
 * and shared queues use them.  Callers hold off cancellation; errno may change.
 */
#ifndef EVANY_POLLPIPE_H
#define EVANY_POLLPIPE_H

#include <sys/types.h>
#include <sys/stat.h>

#include <poll.h>
#include <stdint.h>

/*
 * Numbers of ours can be closed by the program (closefrom(3)) and be given to
 * its own files, so they are compared with device and inode before use.
 */
struct evany__pipe {
	int	pi_read;
	int	pi_write;
	dev_t	pi_dev;
	ino_t	pi_ino;
};
#define EVANY__PIPE_NONE	{ -1, -1, 0, 0 }

/* Both ends close-on-exec and non-blocking, and the library's to keep. */
int	evany__pipe_open(struct evany__pipe *);
/* The same in two steps; inner closes both if it fails. */
int	evany__pipe_make(struct evany__pipe *);
int	evany__pipe_inner(struct evany__pipe *);
/* Ends that are still ours. */
void	evany__pipe_close(struct evany__pipe *);
/* Does fd name either end of the pipe?  1, 0. */
int	evany__pipe_names(const struct evany__pipe *, int fd);
/* One byte in, all bytes out.  EIDRM if that end is not ours any more. */
int	evany__pipe_ring(const struct evany__pipe *);
int	evany__pipe_drain(const struct evany__pipe *);

/* fstat(2) of a number that the program may be closing at this moment. */
int	evany__number_stat(int fd, struct stat *);

/* A close-on-exec duplicate in *dupp. */
int	evany__pipe_dup(int fd, int *dupp);

/* poll(2) for at most ns nanoseconds, or EVANY__FOREVER. */
int	evany__poll_ns(struct pollfd *, unsigned n, int64_t ns);
/* poll(2) without waiting; always fills in revents. */
void	evany__poll_now(struct pollfd *, unsigned n);

#endif /* EVANY_POLLPIPE_H */
