/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * barecall: system calls of Linux with no function around them, for the few
 * that are made once for each event or change.
 *
 * Some processors mispredict every return to a function that was entered
 * before a system call, so the C library's function costs as much on the way
 * out as a tenth of a short call.  The result is the kernel's: an errno value
 * comes negative, and errno is left alone.  No cancellation point.
 */
#ifndef EVANY_BARECALL_H
#define EVANY_BARECALL_H

#include <sys/syscall.h>

#include <errno.h>
#include <unistd.h>

/* Newer systems of 32 bits have the other one alone. */
#if !defined(SYS_fcntl) && defined(SYS_fcntl64)
#define SYS_fcntl	SYS_fcntl64
#endif

static inline __attribute__((__always_inline__)) long
evany__barecall(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__) && !defined(__ILP32__)
	register long r10 __asm__("r10") = d;
	long result;

	__asm__ __volatile__("syscall" : "=a" (result) : "0" (number),
	    "D" (a), "S" (b), "d" (c), "r" (r10) : "rcx", "r11", "memory");
	return (result);
#elif defined(__aarch64__) && !defined(__ILP32__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ __volatile__("svc 0" : "+r" (x0) : "r" (x8), "r" (x1),
	    "r" (x2), "r" (x3) : "memory");
	return (x0);
#else
	int saved = errno;
	long result = syscall(number, a, b, c, d);

	if (result == -1) {
		result = -errno;
		errno = saved;
	}
	return (result);
#endif
}

#endif /* EVANY_BARECALL_H */
