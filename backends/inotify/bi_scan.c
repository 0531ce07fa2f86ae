/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * bi_scan: files that inotify(7) refuses to watch, also by name.
 *
 * It takes only files that the process may read (EACCES, also for a number
 * opened for writing, or before the process gave up its rights), and only so
 * many inotify descriptors per user (EMFILE, 128 by default).  A kqueue has no
 * such limits, so these watches are given to filescan, with its limits and,
 * while there are any, the process's background thread.
 *
 * State:   a watch of filescan's beside our own, which passes on what it fires.
 * Locks:   the instance's.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "backends/inotify/bi.h"

struct bi_scan {
	struct evany__filewatch	 bs_watch;	/* first */
	struct bi_watch		*bs_for;
};

static void
bi_scan_fire(struct evany__filewatch *scan, unsigned bits)
{
	struct bi_scan *bs = (struct bi_scan *)(void *)scan;
	struct evany__filewatch *fw = bs->bs_for->bw_file;

	bits &= fw->fw_want | EVANY__F_REVOKE;
	if (bits != 0)
		fw->fw_fire(fw, bits);
}

int
evany__bi_scan(struct be_inotify *bi, struct bi_watch *bw)
{
	struct evany__filewatch *fw = bw->bw_file;
	struct bi_scan *bs;
	int error;

	if ((bs = calloc(1, sizeof(*bs))) == NULL)
		return (ENOMEM);
	bs->bs_for = bw;
	bs->bs_watch.fw_inst = fw->fw_inst;
	bs->bs_watch.fw_fire = bi_scan_fire;
	bs->bs_watch.fw_want = fw->fw_want;
	error = evany__file_scan_ops.fo_attach(&bi->bi_scan, &bs->bs_watch,
	    bw->bw_fd);
	if (error != 0) {
		free(bs);
		return (error);
	}
	bw->bw_scan = bs;
	bi->bi_nscans++;
	return (0);
}

int
evany__bi_scan_modify(struct be_inotify *bi, struct bi_watch *bw)
{
	struct bi_scan *bs = bw->bw_scan;
	int error;

	bs->bs_watch.fw_want = bw->bw_file->fw_want;
	error = evany__file_scan_ops.fo_modify(&bi->bi_scan, &bs->bs_watch);
	if (error == 0)
		bw->bw_want = bw->bw_file->fw_want;
	else
		bs->bs_watch.fw_want = bw->bw_want;
	return (error);
}

void
evany__bi_scan_end(struct be_inotify *bi, struct bi_watch *bw)
{

	if (bw->bw_scan == NULL)
		return;
	evany__file_scan_ops.fo_detach(&bi->bi_scan, &bw->bw_scan->bs_watch);
	free(bw->bw_scan);
	bw->bw_scan = NULL;
	bi->bi_nscans--;
}

int
evany__bi_scan_name(struct be_inotify *bi, struct evany__namewatch *nw,
    const char *dir, const char *name)
{
	int error;

	error = evany__file_scan_ops.fo_name_attach(&bi->bi_scan, nw, dir,
	    name);
	if (error == 0) {
		nw->nw_other = true;
		bi->bi_nscans++;
	}
	return (error);
}

void
evany__bi_scan_name_end(struct be_inotify *bi, struct evany__namewatch *nw)
{

	evany__file_scan_ops.fo_name_detach(&bi->bi_scan, nw);
	bi->bi_nscans--;
}
