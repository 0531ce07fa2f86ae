/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * info: what the library has found on this machine, and what bounds it.
 */
#include "config.h"

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evany.h>

#include "tools/evany/tool.h"

#define ROWS	64	/* of any table; more would not be told */

static const char info_usage[] = "evany info [-j]";

/* ---- limits ---------------------------------------------------------------------- */

static const struct {
	const char	*name;
	const char	*file;
} limit_files[] = {
	{ "epoll.watches", "/proc/sys/fs/epoll/max_user_watches" },
	{ "inotify.instances", "/proc/sys/fs/inotify/max_user_instances" },
	{ "inotify.watches", "/proc/sys/fs/inotify/max_user_watches" },
	{ "inotify.queued", "/proc/sys/fs/inotify/max_queued_events" },
	{ "perf.paranoid", "/proc/sys/kernel/perf_event_paranoid" },
	{ "system.descriptors", "/proc/sys/fs/nr_open" }
};

static void
limit_row(const char *name, int64_t value, bool json)
{
	if (json)
		json_number(name, value);
	else
		printf("  %-20s  %" PRId64 "\n", name, value);
}

static void
limits_tell(bool json)
{
	struct rlimit rl;
	int64_t value;
	size_t i;
	FILE *f;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0)
		limit_row("descriptors", rl.rlim_cur > INT64_MAX ? INT64_MAX :
		    (int64_t)rl.rlim_cur, json);
	for (i = 0; i < sizeof(limit_files) / sizeof(limit_files[0]); i++) {
		if ((f = fopen(limit_files[i].file, "r")) == NULL)
			continue;
		if (fscanf(f, "%" SCNd64, &value) == 1)
			limit_row(limit_files[i].name, value, json);
		(void)fclose(f);
	}
}

/* What the library reads of the environment. */
static const char *const variables[] = {
	"EVANY_BACKENDS", "EVANY_PORTS", "EVANY_PORT_EVENTS"
};
#define VARIABLES	(sizeof(variables) / sizeof(variables[0]))

/* ---- tables ------------------------------------------------------------------------ */

static const char *
how_name(int how)
{
	switch (how) {
	case EVANY_NATIVE:
		return ("native");
	case EVANY_EMULATED:
		return ("emulated");
	case EVANY_APPROXIMATE:
		return ("approximate");
	default:
		return ("missing");
	}
}

static const char *
state_name(const struct evany_mechanism *me)
{
	if (me->em_used)
		return ("used");
	return (me->em_error == 0 ? "usable" : strerror(me->em_error));
}

static void
info_text(const struct utsname *un, const struct evany_feature *ef, size_t nef,
    const struct evany_mechanism *em, size_t nem)
{
	const char *value;
	size_t i;

	printf("evany %s on %s %s %s\n", evany_version(), un->sysname,
	    un->release, un->machine);
	printf("\n  %-12s  %-11s  %s\n", "interface", "how", "by");
	for (i = 0; i < nef; i++)
		printf("  %-12s  %-11s  %s\n", ef[i].ef_facility,
		    how_name(ef[i].ef_how), ef[i].ef_mechanism);
	printf("\n  %-12s  %-11s  %s\n", "mechanism", "of", "state");
	for (i = 0; i < nem; i++)
		printf("  %-12s  %-11s  %s\n", em[i].em_name, em[i].em_kind,
		    state_name(&em[i]));
	printf("\n  %-20s  %s\n", "limit", "value");
	limits_tell(false);
	for (i = 0; i < VARIABLES; i++)
		if ((value = getenv(variables[i])) != NULL) {
			printf("  %-20s  ", variables[i]);
			text_name(value);
			putchar('\n');
		}
}

static void
info_json(const struct utsname *un, const struct evany_feature *ef, size_t nef,
    const struct evany_mechanism *em, size_t nem)
{
	const char *value;
	size_t i;

	json_open(NULL, '{');
	json_string("version", evany_version());
	json_open("system", '{');
	json_string("name", un->sysname);
	json_string("release", un->release);
	json_string("machine", un->machine);
	json_close('}');
	json_open("interfaces", '[');
	for (i = 0; i < nef; i++) {
		json_open(NULL, '{');
		json_string("name", ef[i].ef_facility);
		json_string("how", how_name(ef[i].ef_how));
		json_string("by", ef[i].ef_mechanism);
		json_close('}');
	}
	json_close(']');
	json_open("mechanisms", '[');
	for (i = 0; i < nem; i++) {
		json_open(NULL, '{');
		json_string("name", em[i].em_name);
		json_string("of", em[i].em_kind);
		json_bool("used", em[i].em_used);
		json_string("error", em[i].em_error == 0 ? NULL :
		    strerror(em[i].em_error));
		json_close('}');
	}
	json_close(']');
	json_open("limits", '{');
	limits_tell(true);
	json_close('}');
	json_open("environment", '{');
	for (i = 0; i < VARIABLES; i++)
		if ((value = getenv(variables[i])) != NULL)
			json_string(variables[i], value);
	json_close('}');
	json_close('}');
	json_end();
}

int
tool_info(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 }
	};
	struct evany_feature ef[ROWS];
	struct evany_mechanism em[ROWS];
	struct utsname un;
	size_t nef, nem;
	bool json = false;
	int ch;

	while ((ch = getopt_long(argc, argv, "j", options, NULL)) != -1)
		if (ch == 'j')
			json = true;
		else
			tool_usage(info_usage);
	if (optind != argc)
		tool_usage(info_usage);
	if (uname(&un) == -1)
		err(EXIT_TROUBLE, "uname");
	if ((nef = evany_features(ef, ROWS)) > ROWS)
		nef = ROWS;
	if ((nem = evany_mechanisms(em, ROWS)) > ROWS)
		nem = ROWS;
	(json ? info_json : info_text)(&un, ef, nef, em, nem);
	return (0);
}
