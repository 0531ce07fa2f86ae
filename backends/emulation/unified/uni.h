/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni.h: the unified driver's objects, and what a source supplies.
 *
 * A note is one watch of a queue, or one posted event.  A descriptor's note is
 * a watch on its slot, and the mechanism tells that it is ready.  All others
 * are pending once something has happened, and stand in the ready queue then
 * unless they are silent.  Everything here is guarded by the instance's lock.
 */
#ifndef EVANY_UNI_H
#define EVANY_UNI_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "backends/emulation/core/core.h"
#include "include/evany.h"

struct uni_note {
	struct evany__watch	 un_watch;	/* first: a watch is a note */
	uintptr_t		 un_object;
	void			*un_user;
	uint32_t		 un_what;	/* wanted */
	uint16_t		 un_flags;	/* EVANY_EDGE, ... as given */
	uint8_t			 un_source;
	uint8_t			 un_status;
	int64_t			 un_data;	/* source's */
	void			*un_priv;	/* source's */
};
_Static_assert(sizeof(struct uni_note) <= 96, "a note and its slot: 128 bytes");

/* un_status */
#define UN_PENDING	0x01	/* something has happened */
#define UN_SILENT	0x02	/* DISPATCH, and its event was given */
#define UN_PLAIN	0x04	/* FD: the file never blocks, no poller knows it */
#define UN_MESSAGE	0x08	/* an event alone, no watch */
#define UN_ENDED	0x10	/* its file had gone when it was to be set */
#define UN_LEVEL	0x20	/* PLAIN, and told by each wait */
#define UN_HELD		0x40	/* LEVEL, and in uq_level */

struct uni_timer {
	struct uni_note		ut_note;
	struct evany__timer	ut_timer;
	int64_t			ut_period;	/* ns, 0: only once */
};
_Static_assert(sizeof(struct uni_timer) <= 128, "a timer: 128 bytes");

struct uni_alert {
	int64_t			 ua_data;	/* 0: no alert mode */
	void			*ua_user;
};

/* A thread that wants more events than there are (uni_wait.c). */
struct uni_sleeper {
	TAILQ_ENTRY(uni_sleeper) sl_link;
	struct evany__park	 sl_park;
	struct uni		*sl_uni;
	int64_t			 sl_pause;	/* when it looks again at last */
	bool			 sl_dozes;	/* it is not parked */
};
TAILQ_HEAD(uni_sleepers, uni_sleeper);

struct uni {
	struct evany__inst	*uq_inst;
	struct evany__slab	 uq_slab;	/* notes */
	struct evany__slab	 uq_slab_timer;	/* notes with timers */
	struct evany__hash	 uq_hash;	/* those without descriptor */
	struct uni_alert	 uq_alert;
	uint32_t		 uq_posted;	/* events nobody has taken */
	uint32_t		 uq_nlevel;	/* notes with UN_LEVEL */
	struct evany__watchq	 uq_level;	/* those that wait their turn */
	_Atomic uint32_t	 uq_woken;	/* dozes ended by something new */
	bool			 uq_dozing;	/* a thread of uni_wait.c is */
	struct uni_sleepers	 uq_parked;	/* the others */
	LIST_HEAD(, uni_aio)	 uq_aio;	/* requests that have not ended */
};

#define UNI_POSTED	65536	/* at most */
#define UNI_SHARED	32768	/* in a queue that is shared */

/* Events are collected here by one call, in however many waits. */
struct uni_sink {
	struct evany__sink	us_sink;	/* first: a sink is this */
	uint32_t		us_first;	/* pass of the call's first wait */
	bool			us_begun;
	bool			us_alerted;
};

/* What a source does; all its functions may be NULL but for so_set. */
struct uni_source {
	uint32_t	so_what;	/* bits that may be wanted */
	uint32_t	so_needs;	/* of which one must be */
	uint32_t	so_flags;	/* flags that may be given */
	bool		so_timed;	/* a struct uni_timer */
	/*
	 * The note, new or not, shall be as the change says; un_user, un_what
	 * and un_flags are set by the caller afterwards.  0; or an errno value
	 * and nothing changed, unless UN_ENDED is set, which ends the note.
	 */
	int	(*so_set)(struct uni *, struct uni_note *,
		    const struct evany_change *);
	/* The note ends by the program's wish.  0, or why it had ended. */
	int	(*so_drop)(struct uni *, struct uni_note *);
	/* The note is about to be freed. */
	void	(*so_end)(struct uni *, struct uni_note *);
	/* A pending note's event is taken: fills in.  False: there is none. */
	bool	(*so_take)(struct uni *, struct uni_note *,
		    struct evany_event *);
};

/* The source of that number, or NULL. */
const struct uni_source *evany__uni_source(int source);

static inline struct uni *
uni_of(struct evany__inst *inst)
{
	return (inst->in_data);
}

static inline struct uni_note *
uni_note_of(struct evany__watch *wt)
{
	return ((struct uni_note *)(void *)wt);
}

/* ---- uni_driver.c ------------------------------------------------------------ */

extern const struct evany__driver evany__uni_driver;
extern const struct evany__driver evany__uni_shared_driver;

int	evany__uni_create(unsigned flags, int *numberp);
/* Makes struct uni, at the beginning of something that large. */
int	evany__uni_init(struct evany__inst *, size_t);
void	evany__uni_close(struct evany__inst *);
int	evany__uni_change(struct uni *, const struct evany_change *);
/* Takes the note out of everything and frees it. */
void	evany__uni_free(struct uni *, struct uni_note *);
/* Something has happened to it. */
void	evany__uni_pending(struct uni *, struct uni_note *);
/* All of that is taken. */
void	evany__uni_taken(struct uni *, struct uni_note *);
/* The next event of the sink, filled from the note but for what and data. */
struct evany_event *evany__uni_event(struct evany__sink *,
	    const struct uni_note *);
/* Its event was given; the mode has its way.  False: the note was freed. */
bool	evany__uni_given(struct uni *, struct uni_note *);
/* A pass begins, in alert mode or not. */
void	evany__uni_begin(struct uni *, struct uni_sink *,
	    const struct uni_alert *);

/* The queue's instance that number names, with a reference, or NULL. */
static inline struct evany__inst *
evany__uni_find(int number, bool check)
{
	struct evany__inst *inst = evany__inst_find(number, check);

	if (inst == NULL || inst->in_driver == &evany__uni_driver ||
	    inst->in_driver == &evany__uni_shared_driver)
		return (inst);
	evany__inst_drop(inst);
	return (NULL);
}

/* ---- uni_fd.c ------------------------------------------------------------------ */

bool	evany__uni_fd(struct evany__inst *, struct evany__watch *,
	    unsigned bits, struct evany__sink *);
/* A pass begins: those that always are ready get into the ready queue. */
void	evany__uni_fd_begin(struct uni *, struct evany__sink *);
/* From the ready queue: kept back for want of room, or plain. */
void	evany__uni_fd_ready(struct uni *, struct uni_note *,
	    struct evany__sink *);
void	evany__uni_fd_gone(struct evany__inst *, int fd);
extern const struct uni_source evany__uni_src_fd;

/* ---- uni_timer.c ----------------------------------------------------------------- */

void	evany__uni_timer(struct evany__inst *, struct evany__timer *);
extern const struct uni_source evany__uni_src_timer;

/* ---- uni_signal.c, uni_process.c ------------------------------------------------ */

extern const struct uni_source evany__uni_src_signal;
extern const struct uni_source evany__uni_src_process;

/* ---- uni_file.c, uni_dir.c -------------------------------------------------------- */

/* What may be wanted of both. */
#define UNI_FILE_WANTS	(EVANY_MODIFIED | EVANY_ATTRIB | EVANY_ACCESSED | \
			EVANY_OPENED | EVANY_CLOSED | EVANY_WRITTEN |	\
			EVANY_MADE | EVANY_GONE | EVANY_MOVED_FROM |	\
			EVANY_MOVED_TO)

/* The mechanism's bits for what is wanted; what its bits say. */
uint32_t evany__uni_file_want(uint32_t what);
uint32_t evany__uni_file_what(uint32_t bits);
extern const struct uni_source evany__uni_src_file;
extern const struct uni_source evany__uni_src_dir;

/* ---- uni_names.c -------------------------------------------------------------------- */

/* An event of a directory. */
struct uni_dir;
struct uni_name {
	TAILQ_ENTRY(uni_name)	 nm_link;	/* until it is taken */
	struct uni_name		*nm_kept;	/* and after that */
	struct uni_dir		*nm_dir;
	struct uni_note		*nm_note;
	uint32_t		 nm_cookie;
	bool			 nm_named;	/* else it is the directory's */
	char			 nm_name[];
};

/* Names of events that this thread was given. */
extern _Thread_local struct uni_name *evany__uni_kept EVANY__TLS;
/* Keeps a name that malloc made until this frees it, or the thread ends. */
void	evany__uni_name_keep(struct uni_name *);
void	evany__uni_names_free(void);

/* ---- uni_aio.c ------------------------------------------------------------------------ */

struct uni_aio;
/* A request is about to be submitted; lock held. */
int	evany__uni_aio_begin(struct uni *, uintptr_t request, uint32_t what,
	    void *user, struct uni_aio **);
/* It was refused; lock held. */
void	evany__uni_aio_undo(struct uni *, struct uni_aio *);
/* It has ended, with that errno value.  No lock held. */
void	evany__uni_aio_done(struct uni_aio *, int error);
void	evany__uni_aio_close(struct uni *);
extern const struct uni_source evany__uni_src_aio;

/* ---- uni_user.c ------------------------------------------------------------------- */

/* 0, EAGAIN, ENOMEM; EIDRM: number does not name the queue. */
int	evany__uni_post(struct uni *, uintptr_t object, int64_t data,
	    void *user);
/* From a handler that interrupted the library: later, in this thread. */
int	evany__uni_post_late(int number, uintptr_t object, int64_t data,
	    void *user);
int	evany__uni_alert(struct uni *, int64_t data, void *user);
extern const struct uni_source evany__uni_src_user;

/* ---- uni_share.c ------------------------------------------------------------------ */

/* Can a fork share queues here? */
bool	evany__uni_share_can(void);
int	evany__uni_share_init(struct evany__inst *);
void	evany__uni_share_close(struct evany__inst *);
int	evany__uni_share_opened(struct evany__inst *);
int	evany__uni_share_inherit(struct evany__inst *, struct evany__inst *);
void	evany__uni_share_begin(struct evany__inst *, struct evany__sink *);
/* Of a shared queue, as those above. */
int	evany__uni_share_post(struct uni *, uintptr_t object, int64_t data,
	    void *user);
int	evany__uni_share_alert(struct uni *, int64_t data, void *user);

/* ---- uni_wait.c -------------------------------------------------------------------- */

/* Before a wait: what evany__uni_sleep is to be told. */
static inline uint32_t
evany__uni_woken(struct evany__inst *inst)
{
	return (atomic_load(&uni_of(inst)->uq_woken));
}

/*
 * Sleeps until something is new since the last wait, without taking it, though
 * it may come back for nothing; *vainp is how often it has.  0, ETIMEDOUT,
 * EINTR, ...; a cancellation point.
 */
int	evany__uni_sleep(struct evany__inst *, int number, int64_t deadline,
	    uint32_t woken, unsigned *vainp);

#endif /* EVANY_UNI_H */
