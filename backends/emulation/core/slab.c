/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * slab: many small equal objects, as knotes are; and memory that forks share.
 *
 * Objects are cut from chunks and come back to a free list; chunks live until
 * the slab ends.  That keeps an object at its own size and the steady path
 * free of malloc.  Under AddressSanitizer every private object is a malloc of
 * its own, so that a use after free is seen.  A shared slab takes its chunks
 * from memory that a later fork shares at the same address.
 */
#include "config.h"

#include <sys/mman.h>

#include <stdlib.h>
#include <string.h>

#include "backends/emulation/core/core.h"

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_PLAIN	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_PLAIN	1
#endif
#endif
#ifndef SLAB_PLAIN
#define SLAB_PLAIN	0
#endif

#ifndef MAP_NORESERVE
#define MAP_NORESERVE	0
#endif

#define SLAB_BYTES	((size_t)8192)

struct slab_chunk {
	struct slab_chunk	*sc_next;
	size_t			 sc_bytes;
};

struct slab_free {
	struct slab_free	*sf_next;
};

void
evany__slab_init(struct evany__slab *sl, size_t size, bool shared)
{

	sl->sl_size = (size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
	sl->sl_free = NULL;
	sl->sl_chunks = NULL;
	sl->sl_shared = shared;
}

void *
evany__share_new(size_t bytes)
{
	void *p;

	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON | MAP_NORESERVE, -1, 0);
	return (p == MAP_FAILED ? NULL : p);
}

void
evany__share_free(void *p, size_t bytes)
{
	(void)munmap(p, bytes);
}

/* A new chunk; all its objects but none in use go to the free list. */
static bool
slab_grow(struct evany__slab *sl)
{
	struct slab_chunk *sc;
	struct slab_free *sf;
	size_t n;
	char *p;

	sc = sl->sl_shared ? evany__share_new(SLAB_BYTES) : malloc(SLAB_BYTES);
	if (sc == NULL)
		return (false);
	sc->sc_next = sl->sl_chunks;
	sc->sc_bytes = SLAB_BYTES;
	sl->sl_chunks = sc;
	p = (char *)(sc + 1);
	for (n = (SLAB_BYTES - sizeof(*sc)) / sl->sl_size; n > 0; n--) {
		sf = (struct slab_free *)(void *)(p + (n - 1) * sl->sl_size);
		sf->sf_next = sl->sl_free;
		sl->sl_free = sf;
	}
	return (true);
}

/* A zeroed object, or NULL. */
void *
evany__slab_get(struct evany__slab *sl)
{
	struct slab_free *sf;

	if (SLAB_PLAIN && !sl->sl_shared)
		return (calloc(1, sl->sl_size));
	if (sl->sl_free == NULL && !slab_grow(sl))
		return (NULL);
	sf = sl->sl_free;
	sl->sl_free = sf->sf_next;
	return (memset(sf, 0, sl->sl_size));
}

void
evany__slab_put(struct evany__slab *sl, void *p)
{
	struct slab_free *sf = p;

	if (SLAB_PLAIN && !sl->sl_shared) {
		free(p);
		return;
	}
	sf->sf_next = sl->sl_free;
	sl->sl_free = sf;
}

/* Gives all memory back; every object has been put before. */
void
evany__slab_fini(struct evany__slab *sl)
{
	struct slab_chunk *sc;

	while ((sc = sl->sl_chunks) != NULL) {
		sl->sl_chunks = sc->sc_next;
		if (sl->sl_shared)
			evany__share_free(sc, sc->sc_bytes);
		else
			free(sc);
	}
	sl->sl_free = NULL;
}
