/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni_names: names that events carry.
 *
 * The name of an event is the program's until the thread that took it waits
 * again.  It is not copied for that: the memory it came in is hung on a list of
 * the thread, which the next wait of the thread frees, or its end.
 */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>

#include "backends/emulation/unified/uni.h"

static pthread_once_t names_once = PTHREAD_ONCE_INIT;
static pthread_key_t names_key;
static bool names_keyed;

_Thread_local struct uni_name *evany__uni_kept EVANY__TLS;

void
evany__uni_names_free(void)
{
	struct uni_name *nm;

	while ((nm = evany__uni_kept) != NULL) {
		evany__uni_kept = nm->nm_kept;
		free(nm);
	}
}

static void
names_end(void *arg)
{
	(void)arg;
	evany__uni_names_free();
}

static void
names_make(void)
{
	names_keyed = pthread_key_create(&names_key, names_end) == 0;
}

void
evany__uni_name_keep(struct uni_name *nm)
{

	(void)pthread_once(&names_once, names_make);
	if (names_keyed)
		(void)pthread_setspecific(names_key, &evany__uni_kept);
	nm->nm_kept = evany__uni_kept;
	evany__uni_kept = nm;
}
