/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * export.h: what leaves the library.
 *
 * Everything is compiled with hidden visibility.  A function of the public
 * interface is defined with EVANY_EXPORT and named in evany.map; the test
 * tests/build/symbols_test compares the two.
 */
#ifndef EVANY_EXPORT_H
#define EVANY_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define EVANY_EXPORT	__attribute__((__visibility__("default")))
#else
#define EVANY_EXPORT
#endif

#endif /* EVANY_EXPORT_H */
