/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni_driver: the queue of <evany.h> on the core.
 *
 * Change:  a note is found by source and object, or made; its source takes
 *          over what the change says, whole or not at all.
 * Event:   what the mode makes of a note once its event was given:
 *
 *            ONESHOT    it ends
 *            DISPATCH   it is silent until it is set again; what happens
 *                       meanwhile is kept
 *            otherwise  it stays
 *
 * Alert:   in alert mode a pass begins by filling the list with that event, so
 *          that core keeps back everything else as it does for want of room.
 *          The mechanism's mark makes every wait end at once.
 * Life:    a note ends in evany__uni_free and nowhere else.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backends/emulation/unified/uni.h"

#define MODES	(EVANY_EDGE | EVANY_ONESHOT | EVANY_DISPATCH)

_Static_assert(sizeof(struct evany_change) == (sizeof(void *) == 8 ? 64 : 48),
    "the size of a change is for ever");
_Static_assert(sizeof(struct evany_event) == (sizeof(void *) == 8 ? 64 : 48),
    "the size of an event is for ever");

static const struct uni_source *const sources[] = {
	[EVANY_FD] = &evany__uni_src_fd,
	[EVANY_TIMER] = &evany__uni_src_timer,
	[EVANY_SIGNAL] = &evany__uni_src_signal,
	[EVANY_PROCESS] = &evany__uni_src_process,
	[EVANY_FILE] = &evany__uni_src_file,
	[EVANY_DIRECTORY] = &evany__uni_src_dir,
	[EVANY_AIO] = &evany__uni_src_aio,
	[EVANY_USER] = &evany__uni_src_user
};

const struct uni_source *
evany__uni_source(int source)
{

	if (source < 0 || (size_t)source >= sizeof(sources) /
	    sizeof(sources[0]))
		return (NULL);
	return (sources[source]);
}

/* ---- notes ------------------------------------------------------------------- */

static uint32_t
note_key(const struct evany__watch *wt)
{
	const struct uni_note *un = (const void *)wt;

	return (evany__hash_key(un->un_object, un->un_source));
}

static struct uni_note *
note_find(struct uni *uq, int source, uintptr_t object)
{
	struct evany__fdslot *fs;
	struct evany__watch *wt;

	if (source == EVANY_FD) {
		fs = evany__slot_find(uq->uq_inst, (int)object);
		return (fs == NULL ? NULL : uni_note_of(fs->fs_watches));
	}
	for (wt = evany__hash_first(&uq->uq_hash, evany__hash_key(object,
	    (unsigned)source)); wt != NULL; wt = wt->wt_next)
		if (uni_note_of(wt)->un_object == object &&
		    uni_note_of(wt)->un_source == source)
			return (uni_note_of(wt));
	return (NULL);
}

static struct evany__slab *
note_slab(struct uni *uq, const struct uni_source *so)
{
	return (so->so_timed ? &uq->uq_slab_timer : &uq->uq_slab);
}

static int
note_insert(struct uni *uq, struct uni_note *un)
{
	struct evany__fdslot *fs;
	int error;

	if (un->un_source != EVANY_FD)
		return (evany__hash_insert(&uq->uq_hash, &un->un_watch));
	error = evany__slot_get(uq->uq_inst, (int)un->un_object, &fs);
	if (error != 0)
		return (error);
	evany__slot_insert(fs, (int)un->un_object, &un->un_watch);
	return (0);
}

static int
note_new(struct uni *uq, const struct uni_source *so,
    const struct evany_change *ch, struct uni_note **unp)
{
	struct uni_note *un;
	int error;

	if ((un = evany__slab_get(note_slab(uq, so))) == NULL)
		return (ENOMEM);
	un->un_source = (uint8_t)ch->ch_source;
	un->un_object = ch->ch_object;
	if ((error = note_insert(uq, un)) != 0) {
		evany__slab_put(note_slab(uq, so), un);
		return (error);
	}
	*unp = un;
	return (0);
}

static void
note_remove(struct uni *uq, struct uni_note *un)
{

	if (un->un_source != EVANY_FD) {
		evany__hash_remove(&uq->uq_hash, &un->un_watch);
		return;
	}
	evany__slot_remove(evany__slot_find(uq->uq_inst, (int)un->un_object),
	    (int)un->un_object, &un->un_watch);
}

void
evany__uni_free(struct uni *uq, struct uni_note *un)
{
	const struct uni_source *so = sources[un->un_source];

	if (so->so_end != NULL)
		so->so_end(uq, un);
	evany__ready_remove(uq->uq_inst, &un->un_watch);
	if ((un->un_status & UN_MESSAGE) == 0)
		note_remove(uq, un);
	evany__slab_put(note_slab(uq, so), un);
}

void
evany__uni_pending(struct uni *uq, struct uni_note *un)
{

	un->un_status |= UN_PENDING;
	if ((un->un_status & UN_SILENT) == 0)
		evany__ready_add(uq->uq_inst, &un->un_watch);
}

void
evany__uni_taken(struct uni *uq, struct uni_note *un)
{

	un->un_status &= (uint8_t)~UN_PENDING;
	evany__ready_remove(uq->uq_inst, &un->un_watch);
}

/* ---- life ---------------------------------------------------------------------- */

int
evany__uni_init(struct evany__inst *inst, size_t bytes)
{
	struct uni *uq;

	if ((uq = calloc(1, bytes)) == NULL)
		return (ENOMEM);
	uq->uq_inst = inst;
	uq->uq_hash.ha_key = note_key;
	TAILQ_INIT(&uq->uq_level);
	TAILQ_INIT(&uq->uq_parked);
	LIST_INIT(&uq->uq_aio);
	evany__slab_init(&uq->uq_slab, sizeof(struct uni_note), false);
	evany__slab_init(&uq->uq_slab_timer, sizeof(struct uni_timer), false);
	inst->in_data = uq;
	return (0);
}

static int
uni_init(struct evany__inst *inst)
{
	return (evany__uni_init(inst, sizeof(struct uni)));
}

int
evany__uni_create(unsigned flags, int *numberp)
{
	if ((flags & ~EVANY_SHARED) != 0)
		return (EINVAL);
	if ((flags & EVANY_SHARED) != 0)
		return (evany__inst_create(&evany__uni_shared_driver,
		    O_CLOEXEC, evany__uni_share_init, numberp));
	return (evany__inst_create(&evany__uni_driver, O_CLOEXEC, uni_init,
	    numberp));
}

static void
end_one(void *arg, struct evany__watch *wt)
{
	evany__uni_free(arg, uni_note_of(wt));
}

void
evany__uni_close(struct evany__inst *inst)
{
	struct uni *uq = uni_of(inst);
	struct evany__watch *wt;
	uint32_t i, page;

	/* No number is left to be marked. */
	inst->in_marked = false;
	for (page = 0; page < inst->in_npages; page++)
		for (i = 0; i < EVANY__PAGE_SLOTS; i++)
			while (inst->in_pages[page] != NULL &&
			    (wt = inst->in_pages[page][i].fs_watches) != NULL)
				end_one(uq, wt);
	evany__hash_fini(&uq->uq_hash, end_one, uq);
	evany__uni_aio_close(uq);
	while ((wt = TAILQ_FIRST(&inst->in_ready)) != NULL)
		end_one(uq, wt);
	evany__slab_fini(&uq->uq_slab);
	evany__slab_fini(&uq->uq_slab_timer);
	free(uq);
	inst->in_data = NULL;
}

/* ---- changes --------------------------------------------------------------------- */

static int
change_drop(struct uni *uq, const struct uni_source *so,
    const struct evany_change *ch, struct uni_note *un)
{
	int error = 0;

	if (un == NULL)
		return (ch->ch_source == EVANY_FD &&
		    fcntl((int)ch->ch_object, F_GETFD) == -1 ? EBADF : ENOENT);
	if (so->so_drop != NULL)
		error = so->so_drop(uq, un);
	evany__uni_free(uq, un);
	return (error);
}

static bool
change_valid(const struct uni_source *so, const struct evany_change *ch)
{
	uint32_t mode = ch->ch_flags & MODES;

	if ((ch->ch_flags & EVANY_DROP) != 0)
		return ((ch->ch_flags & ~(so->so_flags | EVANY_DROP)) == 0 &&
		    ch->ch_spare == 0);
	return ((ch->ch_what & ~so->so_what) == 0 &&
	    (so->so_needs == 0 || (ch->ch_what & so->so_needs) != 0) &&
	    (ch->ch_flags & ~so->so_flags) == 0 &&
	    (mode & (mode - 1)) == 0 && ch->ch_spare == 0);
}

int
evany__uni_change(struct uni *uq, const struct evany_change *ch)
{
	const struct uni_source *so = evany__uni_source(ch->ch_source);
	struct uni_note *un;
	bool new;
	int error;

	if (so == NULL || so->so_set == NULL)
		return (EINVAL);
	if (ch->ch_source == EVANY_FD && ch->ch_object > INT_MAX)
		return (EBADF);
	if (!change_valid(so, ch))
		return (EINVAL);
	un = note_find(uq, ch->ch_source, ch->ch_object);
	if ((ch->ch_flags & EVANY_DROP) != 0)
		return (change_drop(uq, so, ch, un));
	new = un == NULL;
	if (new && (error = note_new(uq, so, ch, &un)) != 0)
		return (error);
	if ((error = so->so_set(uq, un, ch)) != 0) {
		if (new || (un->un_status & UN_ENDED) != 0)
			evany__uni_free(uq, un);
		return (error);
	}
	un->un_user = ch->ch_user;
	un->un_what = ch->ch_what;
	un->un_flags = (uint16_t)ch->ch_flags;
	un->un_status &= (uint8_t)~(UN_SILENT | UN_ENDED);
	if ((un->un_status & UN_PENDING) != 0)
		evany__ready_add(uq->uq_inst, &un->un_watch);
	return (0);
}

/* ---- events ------------------------------------------------------------------------ */

struct evany_event *
evany__uni_event(struct evany__sink *sk, const struct uni_note *un)
{
	struct evany_event *ev;

	ev = &((struct evany_event *)sk->sk_events)[sk->sk_count++];
	ev->ev_source = un->un_source;
	ev->ev_what = 0;
	ev->ev_object = un->un_object;
	ev->ev_user = un->un_user;
	ev->ev_data = ev->ev_room = 0;
	ev->ev_name = NULL;
	ev->ev_cookie = ev->ev_spare = 0;
	ev->ev_spares = 0;
	return (ev);
}

bool
evany__uni_given(struct uni *uq, struct uni_note *un)
{

	un->un_watch.wt_call = uq->uq_inst->in_call;
	if ((un->un_flags & EVANY_ONESHOT) != 0) {
		evany__uni_free(uq, un);
		return (false);
	}
	if ((un->un_flags & EVANY_DISPATCH) != 0)
		un->un_status |= UN_SILENT;
	return (true);
}

static void
uni_ready(struct evany__inst *inst, struct evany__watch *wt,
    struct evany__sink *sk)
{
	struct uni *uq = uni_of(inst);
	struct uni_note *un = uni_note_of(wt);
	struct evany_event *ev;

	if (un->un_source == EVANY_FD) {
		evany__uni_fd_ready(uq, un, sk);
		return;
	}
	un->un_status &= (uint8_t)~UN_PENDING;
	ev = evany__uni_event(sk, un);
	if (!sources[un->un_source]->so_take(uq, un, ev))
		sk->sk_count--;
	else if (evany__uni_given(uq, un) &&
	    (un->un_status & UN_SILENT) != 0)
		evany__ready_remove(inst, &un->un_watch);
}

void
evany__uni_begin(struct uni *uq, struct uni_sink *us,
    const struct uni_alert *ua)
{
	static const struct uni_note alert = { .un_source = EVANY_ALERT };
	struct evany__sink *sk = &us->us_sink;
	struct evany_event *ev;

	if (!us->us_begun) {
		us->us_begun = true;
		us->us_first = uq->uq_inst->in_call;
	}
	if (us->us_alerted || evany__sink_full(sk))
		return;
	if (ua->ua_data == 0) {
		if (uq->uq_nlevel > 0)
			evany__uni_fd_begin(uq, sk);
		return;
	}
	us->us_alerted = true;
	ev = evany__uni_event(sk, &alert);
	ev->ev_data = ua->ua_data;
	ev->ev_user = ua->ua_user;
	sk->sk_room = sk->sk_count;
}

static void
uni_begin(struct evany__inst *inst, struct evany__sink *sk)
{
	struct uni *uq = uni_of(inst);

	evany__uni_begin(uq, (struct uni_sink *)(void *)sk, &uq->uq_alert);
}

/* A number has watches of one kind, so of the file that has gone. */
static void
uni_fd_gone(struct evany__inst *inst, int fd, bool reused)
{

	(void)reused;
	evany__uni_fd_gone(inst, fd);
}

#define OF_BOTH								\
	.dr_name = "evany",						\
	.dr_fd = evany__uni_fd,						\
	.dr_ready = uni_ready,						\
	.dr_fd_gone = uni_fd_gone,					\
	.dr_again = evany__slots_fresh,					\
	.dr_timer = evany__uni_timer,					\
	.dr_closing = evany__slot_close

const struct evany__driver evany__uni_driver = {
	OF_BOTH,
	.dr_begin = uni_begin,
	.dr_close = evany__uni_close
};

const struct evany__driver evany__uni_shared_driver = {
	OF_BOTH,
	.dr_begin = evany__uni_share_begin,
	.dr_close = evany__uni_share_close,
	.dr_opened = evany__uni_share_opened,
	.dr_inherit = evany__uni_share_inherit
};
