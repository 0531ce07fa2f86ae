/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * uni_file: source FILE, one path, whatever file it names.
 *
 * The mechanism watches the name and the file that has it.  When the name gets
 * another file, the note is pending in any case, and that one is watched before
 * the event is given: what a program does not see when it looks after the event
 * is told by the next.  A watch takes over from another while both are there,
 * so that nothing is lost between them.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/emulation/unified/uni.h"

/* un_priv */
struct uni_file {
	struct evany__namewatch	 uf_watch;	/* first */
	struct uni		*uf_uni;
	struct uni_note		*uf_note;
	char			*uf_dir;
	char			*uf_name;	/* in uf_dir */
	bool			 uf_attached;
	bool			 uf_renewed;	/* the name has another file */
	bool			 uf_gone;	/* or none, whatever happens to it */
};

static const struct {
	uint32_t	what;
	uint32_t	bits;
} file_bits[] = {
	{ EVANY_MODIFIED, EVANY__F_WRITE | EVANY__F_EXTEND | EVANY__F_TRUNC },
	{ EVANY_ATTRIB, EVANY__F_ATTRIB | EVANY__F_LINK },
	{ EVANY_ACCESSED, EVANY__F_READ },
	{ EVANY_OPENED, EVANY__F_OPEN },
	{ EVANY_CLOSED, EVANY__F_CLOSE_READ | EVANY__F_CLOSE_WRITE },
	{ EVANY_WRITTEN, EVANY__F_CLOSE_WRITE },
	{ EVANY_MADE, EVANY__N_MADE },
	{ EVANY_GONE, EVANY__N_GONE },
	{ EVANY_MOVED_FROM, EVANY__N_MOVED_FROM },
	{ EVANY_MOVED_TO, EVANY__N_MOVED_TO },
	{ EVANY_ISDIR, EVANY__N_ISDIR },
	{ EVANY_LOST, EVANY__N_LOST },
	{ EVANY_ENDED, EVANY__F_REVOKE }
};
#define FILE_BITS	(sizeof(file_bits) / sizeof(file_bits[0]))

uint32_t
evany__uni_file_want(uint32_t what)
{
	uint32_t want = 0;
	size_t i;

	for (i = 0; i < FILE_BITS; i++)
		if ((what & UNI_FILE_WANTS & file_bits[i].what) != 0)
			want |= file_bits[i].bits;
	return (want);
}

uint32_t
evany__uni_file_what(uint32_t bits)
{
	uint32_t what = 0;
	size_t i;

	for (i = 0; i < FILE_BITS; i++)
		if ((bits & file_bits[i].bits) != 0)
			what |= file_bits[i].what;
	return (what);
}

static void
file_fire(struct evany__namewatch *nw, const struct evany__nameevent *ne)
{
	struct uni_file *uf = (struct uni_file *)(void *)nw;
	struct uni_note *un = uf->uf_note;
	uint32_t what = evany__uni_file_what(ne->ne_bits);

	if ((what & (EVANY_MADE | EVANY_MOVED_TO)) != 0) {
		uf->uf_renewed = true;
		what |= EVANY_MODIFIED;
	} else if ((what & (EVANY_GONE | EVANY_MOVED_FROM)) != 0)
		uf->uf_gone = true;
	else if (uf->uf_gone && (what & (EVANY_LOST | EVANY_ENDED)) == 0)
		return;
	un->un_data |= what;
	evany__uni_pending(uf->uf_uni, un);
}

static int
file_attach(struct uni_file *uf)
{
	struct evany__inst *inst = uf->uf_uni->uq_inst;
	const struct evany__file_ops *fo = inst->in_table->tb_file;
	int error;

	error = fo->fo_name_attach(&inst->in_file, &uf->uf_watch, uf->uf_dir,
	    uf->uf_name);
	if (error != 0)
		return (error);
	uf->uf_attached = true;
	if (fo->fo_ask)
		evany__inst_asked(inst, 1);
	return (0);
}

static void
file_detach(struct uni_file *uf)
{
	struct evany__inst *inst = uf->uf_uni->uq_inst;
	const struct evany__file_ops *fo = inst->in_table->tb_file;

	if (!uf->uf_attached)
		return;
	uf->uf_attached = false;
	fo->fo_name_detach(&inst->in_file, &uf->uf_watch);
	if (fo->fo_ask)
		evany__inst_asked(inst, -1);
}

static void
file_free(struct uni_file *uf)
{

	file_detach(uf);
	free(uf->uf_dir);
	free(uf);
}

/* Makes it the note's, in the place of another; or frees it. */
static int
file_take_over(struct uni_note *un, struct uni_file *uf)
{
	struct evany__inst *inst = uf->uf_uni->uq_inst;
	int error;

	if ((error = file_attach(uf)) != 0) {
		file_free(uf);
		return (error);
	}
	if (un->un_priv != NULL) {
		/* What has happened by now stays to be told. */
		inst->in_table->tb_file->fo_collect(&inst->in_file);
		file_free(un->un_priv);
	}
	un->un_priv = uf;
	return (0);
}

/* The same path; if it fails, the note is to end. */
static int
file_renew(struct uni_note *un)
{
	struct uni_file *old = un->un_priv, *uf;

	if ((uf = malloc(sizeof(*uf))) == NULL)
		return (ENOMEM);
	*uf = *old;
	uf->uf_attached = uf->uf_renewed = uf->uf_gone = false;
	old->uf_dir = NULL;
	return (file_take_over(un, uf));
}

/* The directory of a name that nothing has yet. */
static int
file_missing(const char *path, char **dirp, char **namep)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	char *above, *both, *real;
	int saved = errno;

	if ((above = malloc(length + 2)) == NULL)
		return (ENOMEM);
	memcpy(above, path, length);
	memcpy(above + length, ".", 2);
	path += length;
	real = realpath(above, NULL);
	free(above);
	if (real == NULL)
		return (errno);
	errno = saved;
	length = strlen(real);
	if ((both = realloc(real, length + strlen(path) + 2)) == NULL) {
		free(real);
		return (ENOMEM);
	}
	*dirp = both;
	*namep = strcpy(both + length + 1, path);
	return (0);
}

static int
file_set(struct uni *uq, struct uni_note *un, const struct evany_change *ch)
{
	bool follow = (ch->ch_flags & EVANY_NOFOLLOW) == 0, link;
	struct uni_file *uf;
	int error;

	if (ch->ch_path == NULL)
		return (EFAULT);
	if ((uf = calloc(1, sizeof(*uf))) == NULL)
		return (ENOMEM);
	uf->uf_uni = uq;
	uf->uf_note = un;
	uf->uf_watch.nw_inst = uq->uq_inst;
	uf->uf_watch.nw_fire = file_fire;
	uf->uf_watch.nw_want = EVANY__N_ANY |
	    evany__uni_file_want(ch->ch_what);
	error = evany__ff_resolve(ch->ch_path, follow, &uf->uf_dir,
	    &uf->uf_name, &link);
	if (error == ENOENT && (ch->ch_what &
	    (EVANY_MADE | EVANY_MOVED_TO)) != 0 && ch->ch_path[0] != '\0')
		error = file_missing(ch->ch_path, &uf->uf_dir, &uf->uf_name);
	else if (error == 0 && link)
		uf->uf_watch.nw_want |= EVANY__N_FOLLOW;
	if (error == 0)
		return (file_take_over(un, uf));
	file_free(uf);
	return (error);
}

static void
file_end(struct uni *uq, struct uni_note *un)
{

	(void)uq;
	if (un->un_priv != NULL)
		file_free(un->un_priv);
}

static bool
file_take(struct uni *uq, struct uni_note *un, struct evany_event *ev)
{
	const struct uni_file *uf = un->un_priv;

	if (uf->uf_renewed) {
		if (file_renew(un) != 0)
			un->un_data |= EVANY_ENDED;
		uf = un->un_priv;
		if (!uf->uf_renewed)
			evany__uni_taken(uq, un);
	}
	ev->ev_what = (uint32_t)un->un_data & (un->un_what | EVANY_LOST |
	    EVANY_ENDED);
	if (ev->ev_what != 0)
		ev->ev_what |= (uint32_t)un->un_data & EVANY_ISDIR;
	un->un_data = 0;
	if ((ev->ev_what & EVANY_ENDED) != 0)
		un->un_flags |= EVANY_ONESHOT;
	return (ev->ev_what != 0);
}

const struct uni_source evany__uni_src_file = {
	.so_what = UNI_FILE_WANTS,
	.so_needs = UNI_FILE_WANTS,
	.so_flags = EVANY_EDGE | EVANY_ONESHOT | EVANY_DISPATCH |
	    EVANY_NOFOLLOW,
	.so_set = file_set,
	.so_end = file_end,
	.so_take = file_take
};
