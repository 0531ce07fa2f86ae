/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * atf_min: as much of atf-c as the tests of this tree name.
 *
 * Why: builds for another system have that system's own libraries, and atf-c
 * is none of them, so without this the tests could not be linked there.
 * configure takes it by --with-atf=min alone; wherever tests are run in
 * earnest, they are atf-c's and kyua runs them.  A program made with this
 * lists its cases when called without arguments, else runs the one named.
 */
#ifndef ATF_C_H
#define ATF_C_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct atf_tc;
struct atf_tp;
typedef struct atf_tc atf_tc_t;
typedef struct atf_tp atf_tp_t;
typedef int atf_error_t;

struct atf_tc {
	const char	*tc_name;
	void		(*tc_head)(atf_tc_t *);
	void		(*tc_body)(const atf_tc_t *);
	atf_tc_t	*tc_next;
};

#define atf_no_error()	0

atf_error_t	atf_tp_add_tc(atf_tp_t *, atf_tc_t *);
atf_error_t	atf_tc_set_md_var(atf_tc_t *, const char *, const char *, ...)
		    __attribute__((__format__(__printf__, 3, 4)));
/* Of "srcdir" only: where the program is. */
const char	*atf_tc_get_config_var(const atf_tc_t *, const char *);
_Noreturn void	atf_tc_fail(const char *, ...)
		    __attribute__((__format__(__printf__, 1, 2)));
_Noreturn void	atf_tc_skip(const char *, ...)
		    __attribute__((__format__(__printf__, 1, 2)));
_Noreturn void	atf_tc_pass(void);
void		atf_min_check(bool, const char *, int, const char *, ...)
		    __attribute__((__format__(__printf__, 4, 5)));
void		atf_min_require(bool, const char *, int, const char *, ...)
		    __attribute__((__format__(__printf__, 4, 5)));
atf_error_t	atf_min_cases(atf_tp_t *);

#define ATF_TC_WITHOUT_HEAD(tc)						\
	static void atfu_##tc##_body(const atf_tc_t *);			\
	static atf_tc_t atfu_##tc##_tc = { #tc, NULL, atfu_##tc##_body, NULL }
#define ATF_TC(tc)							\
	static void atfu_##tc##_head(atf_tc_t *);			\
	static void atfu_##tc##_body(const atf_tc_t *);			\
	static atf_tc_t atfu_##tc##_tc =				\
	    { #tc, atfu_##tc##_head, atfu_##tc##_body, NULL }
#define ATF_TC_HEAD(tc, arg)						\
	static void atfu_##tc##_head(atf_tc_t *arg __attribute__((__unused__)))
#define ATF_TC_BODY(tc, arg)						\
	static void							\
	atfu_##tc##_body(const atf_tc_t *arg __attribute__((__unused__)))
#define ATF_TP_ADD_TCS(tp)	atf_error_t atf_min_cases(atf_tp_t *tp)
#define ATF_TP_ADD_TC(tp, tc)	atf_tp_add_tc(tp, &atfu_##tc##_tc)

#define ATF_REQUIRE(c)							\
	atf_min_require((c) != 0, __FILE__, __LINE__, "%s", #c)
#define ATF_REQUIRE_MSG(c, ...)						\
	atf_min_require((c) != 0, __FILE__, __LINE__, __VA_ARGS__)
#define ATF_REQUIRE_EQ(a, b)						\
	atf_min_require((a) == (b), __FILE__, __LINE__, "%s", #a " != " #b)
#define ATF_REQUIRE_EQ_MSG(a, b, ...)					\
	atf_min_require((a) == (b), __FILE__, __LINE__, __VA_ARGS__)
#define ATF_REQUIRE_STREQ(a, b)						\
	atf_min_require(strcmp(a, b) == 0, __FILE__, __LINE__, "%s",	\
	    #a " != " #b)
#define ATF_CHECK(c)							\
	atf_min_check((c) != 0, __FILE__, __LINE__, "%s", #c)
#define ATF_CHECK_MSG(c, ...)						\
	atf_min_check((c) != 0, __FILE__, __LINE__, __VA_ARGS__)
#define ATF_CHECK_EQ(a, b)						\
	atf_min_check((a) == (b), __FILE__, __LINE__, "%s", #a " != " #b)
#define ATF_CHECK_EQ_MSG(a, b, ...)					\
	atf_min_check((a) == (b), __FILE__, __LINE__, __VA_ARGS__)

#endif /* ATF_C_H */
