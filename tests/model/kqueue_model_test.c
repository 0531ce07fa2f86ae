/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Random sequences of changes, acts on files and waits, compared at each
 * step with the executable model of model.h.
 *
 *	EVANY_SEED=N		begin with sequence N ("random": with any)
 *	EVANY_MODEL_ROUNDS=N	run so many
 */
#include "config.h"

#include "evt.h"
#include "model.h"

#define RULES								\
	"KQ-001 KQ-006 KQ-016 KQ-019 KQ-020 KQ-021 KQ-022 KQ-024 KQ-026 "	\
	"KQ-028 KQ-029 KQ-030 KQ-031 KQ-033 KQ-034 KQ-035 KQ-036 KQ-037 "	\
	"KQ-038 KQ-039 KQ-040 KQ-041 KQ-042 KQ-043 KQ-044 KQ-045 KQ-046 "	\
	"KQ-059 KQ-061 KQ-062 KQ-063 KQ-064 KQ-065 KQ-067 KQ-068 KQ-069 "	\
	"KQ-070 KQ-071 KQ-072 KQ-073 KQ-074 KQ-075 KQ-076 KQ-077 KQ-078 "	\
	"KQ-079 KQ-080 KQ-081 KQ-082 KQ-083 KQ-084 KQ-086 KQ-087 KQ-088 "	\
	"KQ-089 KQ-091 KQ-092 KQ-093 KQ-094 KQ-095 KQ-096 KQ-097 KQ-098 "	\
	"KQ-099 KQ-101 KQ-102 KQ-103 KQ-107 KQ-108 KQ-111 KQ-113 KQ-114 "	\
	"KQ-122 KQ-123 KQ-126 KQ-134 KQ-135 KQ-136 KQ-137 KQ-143 KQ-144 "	\
	"KQ-147 KQ-210 KQ-212 KQ-213 KQ-216 KQ-217 KQ-218 KQ-220 KQ-224 "	\
	"KQ-225 KQ-226 KQ-227 KQ-228 KQ-229 KQ-230 KQ-231 KQ-232 KQ-233 "	\
	"KQ-234 KQ-253 KQ-254 KQ-262 KQ-263 KQ-264"

static void
only_for_the_emulation(void)
{
	if (evt_native())
		atf_tc_skip("the model makes the emulation's choice wherever "
		    "systems differ");
}

EVT_TC(model__sequences__one_thread, RULES,
    "A queue does at each step what the rules allow, and all they demand")
{
	only_for_the_emulation();
	model_check(3000, 1);
}

EVT_TC(model__sequences__threads_take_turns, RULES,
    "It is the same from whatever thread a queue is used")
{
	only_for_the_emulation();
	model_check(1000, 4);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, model__sequences__one_thread);
	EVT_TP_ADD_TC(tp, model__sequences__threads_take_turns);
	return (atf_no_error());
}
