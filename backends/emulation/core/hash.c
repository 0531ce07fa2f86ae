/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * hash: watches that stand on no descriptor, by a number that their driver
 * makes of what names them.  Chains of wt_next; the table doubles when it has
 * two watches for each chain, since a chain takes as many bytes as it may save
 * steps, and lives with the old one if there is no memory.
 *
 * All functions: instance lock held.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "backends/emulation/core/core.h"

#define FIRST	16U

uint32_t
evany__hash_key(uintptr_t object, unsigned kind)
{
	uint64_t h = (uint64_t)object * 0x9e3779b97f4a7c15ULL;

	return ((uint32_t)(h >> 32) ^ kind);
}

static struct evany__watch **
chain(const struct evany__hash *h, uint32_t key)
{
	return (&h->ha_chains[key & (h->ha_size - 1)]);
}

static int
grow(struct evany__hash *h)
{
	struct evany__watch **old = h->ha_chains, **to, *next, *wt;
	uint32_t i, size = h->ha_size;

	if (h->ha_count < 2 * size)
		return (0);
	to = calloc(size == 0 ? FIRST : 2 * (size_t)size, sizeof(*to));
	if (to == NULL)
		return (size == 0 ? ENOMEM : 0);
	h->ha_chains = to;
	h->ha_size = size == 0 ? FIRST : 2 * size;
	for (i = 0; i < size; i++)
		for (wt = old[i]; wt != NULL; wt = next) {
			next = wt->wt_next;
			to = chain(h, h->ha_key(wt));
			wt->wt_next = *to;
			*to = wt;
		}
	free(old);
	return (0);
}

struct evany__watch *
evany__hash_first(const struct evany__hash *h, uint32_t key)
{
	return (h->ha_size == 0 ? NULL : *chain(h, key));
}

int
evany__hash_insert(struct evany__hash *h, struct evany__watch *wt)
{
	struct evany__watch **to;
	int error;

	if ((error = grow(h)) != 0)
		return (error);
	to = chain(h, h->ha_key(wt));
	wt->wt_next = *to;
	*to = wt;
	h->ha_count++;
	return (0);
}

void
evany__hash_remove(struct evany__hash *h, struct evany__watch *wt)
{
	struct evany__watch **wtp;

	for (wtp = chain(h, h->ha_key(wt)); *wtp != wt;
	    wtp = &(*wtp)->wt_next)
		continue;
	*wtp = wt->wt_next;
	h->ha_count--;
}

void
evany__hash_fini(struct evany__hash *h,
    void (*end)(void *, struct evany__watch *), void *arg)
{
	uint32_t i;

	for (i = 0; i < h->ha_size; i++)
		while (h->ha_chains[i] != NULL)
			end(arg, h->ha_chains[i]);
	free(h->ha_chains);
}
