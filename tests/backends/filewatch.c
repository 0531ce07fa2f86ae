/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * filewatch: calls the operations the way core does.
 *
 * State:   struct fw, an instance of core's with a waiting mechanism that has
 *          no kernel object: it remembers the feeder's descriptor, which
 *          fw_await waits for, and counts the rings.
 * Locks:   the instance's, as in the library; fw_fire checks that it is held.
 */
#include "config.h"

#include "filewatch.h"

#include <dirent.h>
#include <poll.h>

#define NO_ERRNO	12345	/* no call sets errno to this */
#define LOOK_MS		5

static struct fw *
fw_of(struct evany__inst *inst)
{
	return ((struct fw *)(void *)inst);	/* its first member */
}

static int
stub_feed(struct evany__inst *inst, int number, int fd, enum evany__mode mode,
    uint64_t cookie)
{
	(void)number;
	(void)cookie;
	ATF_REQUIRE_EQ(EVANY__LEVEL, mode);
	ATF_REQUIRE_EQ(-1, fw_of(inst)->fw_feeder);
	ATF_REQUIRE((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	ATF_REQUIRE((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	fw_of(inst)->fw_feeder = fd;
	return (0);
}

static void
stub_unfeed(struct evany__inst *inst, int number, int fd)
{
	(void)number;
	ATF_REQUIRE_EQ(fw_of(inst)->fw_feeder, fd);
	fw_of(inst)->fw_feeder = -1;
}

static int
stub_wake(struct evany__inst *inst, int number)
{
	(void)number;
	fw_of(inst)->fw_rings++;
	return (0);
}

static const struct evany__be_ops stub_ops = {
	.be_name = "stub",
	.be_feed = stub_feed,
	.be_unfeed = stub_unfeed,
	.be_wake = stub_wake,
};

static void
fw_fire(struct evany__filewatch *file, unsigned bits)
{
	struct fw_watch *w = (struct fw_watch *)(void *)file;

	ATF_REQUIRE(evany__lock_held());
	ATF_REQUIRE_MSG(bits != 0 &&
	    (bits & ~(file->fw_want | EVANY__F_REVOKE)) == 0,
	    "fired %#x where %#x is wanted", bits, file->fw_want);
	w->w_got |= bits;
	w->w_fires++;
	/* Something is ready now, so that a ring goes through. */
	w->w_fw->fw_inst.in_nready = 1;
	w->w_fw->fw_inst.in_rung = false;
	if (w->w_hook != NULL)
		w->w_hook(w);
}

struct fw *
fw_open(const struct evany__file_ops *ops)
{
	struct fw *fw;

	ATF_REQUIRE((fw = calloc(1, sizeof(*fw))) != NULL);
	fw->fw_ops = ops;
	fw->fw_feeder = -1;
	fw->fw_access = strcmp(ops->fo_name, "inotify") == 0;
	fw->fw_table.tb_be = &stub_ops;
	fw->fw_inst.in_table = &fw->fw_table;
	atomic_store(&fw->fw_inst.in_refs, 1);
	ATF_REQUIRE_EQ(0, evany__lock_init(&fw->fw_inst.in_lock, false));
	return (fw);
}

static void
fw_enter(struct fw *fw)
{
	evany__inst_lock(&fw->fw_inst);
	errno = NO_ERRNO;
}

static void
fw_leave(struct fw *fw)
{
	ATF_REQUIRE_EQ_MSG(NO_ERRNO, errno, "errno was set to %d", errno);
	evany__inst_unlock(&fw->fw_inst);
}

/* A thread that took a reference must be gone before the memory is. */
void
fw_close(struct fw *fw)
{
	int i;

	fw_enter(fw);
	fw->fw_ops->fo_close(&fw->fw_inst, &fw->fw_state);
	fw_leave(fw);
	ATF_REQUIRE_EQ(-1, fw->fw_feeder);
	for (i = 0; atomic_load(&fw->fw_inst.in_refs) != 1; i++) {
		ATF_REQUIRE(i < EVT_WAIT_MS);
		(void)poll(NULL, 0, 1);
	}
	evany__lock_fini(&fw->fw_inst.in_lock);
	free(fw->fw_inst.in_feeders);
	free(fw);
}

int
fw_attach(struct fw *fw, struct fw_watch *w, int fd, unsigned want)
{
	int error;

	memset(w, 0, sizeof(*w));
	w->w_fw = fw;
	w->w_file.fw_inst = &fw->fw_inst;
	w->w_file.fw_fire = fw_fire;
	w->w_file.fw_want = want;
	fw_enter(fw);
	error = fw->fw_ops->fo_attach(&fw->fw_state, &w->w_file, fd);
	fw_leave(fw);
	return (error);
}

void
fw_watch(struct fw *fw, struct fw_watch *w, int fd, unsigned want)
{
	int error;

	error = fw_attach(fw, w, fd, want);
	ATF_REQUIRE_MSG(error == 0, "fo_attach: %s", strerror(error));
}

int
fw_modify(struct fw_watch *w, unsigned want)
{
	struct fw *fw = w->w_fw;
	unsigned old;
	int error;

	fw_enter(fw);
	old = w->w_file.fw_want;
	w->w_file.fw_want = want;
	error = fw->fw_ops->fo_modify(&fw->fw_state, &w->w_file);
	if (error != 0)
		w->w_file.fw_want = old;
	fw_leave(fw);
	return (error);
}

void
fw_detach(struct fw_watch *w)
{
	struct fw *fw = w->w_fw;

	fw_enter(fw);
	fw->fw_ops->fo_detach(&fw->fw_state, &w->w_file);
	fw_leave(fw);
}

void
fw_collect(struct fw *fw)
{
	fw_enter(fw);
	fw->fw_ops->fo_collect(&fw->fw_state);
	fw_leave(fw);
}

void
fw_fork_child(struct fw *fw)
{
	errno = NO_ERRNO;
	fw->fw_ops->fo_fork_child(&fw->fw_state);
	if (errno != NO_ERRNO)
		_exit(99);
}

/* ---- watches by name ---- */

static void
fw_name_fire(struct evany__namewatch *nw, const struct evany__nameevent *ne)
{
	struct fw_name *n = (struct fw_name *)(void *)nw;
	uint32_t allowed = nw->nw_want | EVANY__F_REVOKE | EVANY__N_LOST |
	    EVANY__N_ISDIR;
	int i = n->n_count;

	ATF_REQUIRE(evany__lock_held());
	ATF_REQUIRE_MSG(ne->ne_bits != 0 && (ne->ne_bits & ~allowed) == 0,
	    "fired %#x where %#x is wanted", ne->ne_bits, nw->nw_want);
	ATF_REQUIRE((ne->ne_cookie != 0) == ((ne->ne_bits &
	    (EVANY__N_MOVED_FROM | EVANY__N_MOVED_TO)) != 0) ||
	    !n->n_fw->fw_access);
	if ((ne->ne_bits & n->n_ignored) != 0)
		return;
	ATF_REQUIRE(i < FW_REPORTS);
	(void)snprintf(n->n_reports[i].name, sizeof(n->n_reports[i].name),
	    "%s", ne->ne_name == NULL ? "" : ne->ne_name);
	n->n_reports[i].bits = ne->ne_bits;
	n->n_reports[i].cookie = ne->ne_cookie;
	n->n_count++;
	n->n_fw->fw_inst.in_nready = 1;
	n->n_fw->fw_inst.in_rung = false;
	if (n->n_hook != NULL)
		n->n_hook(n);
}

int
fw_name_attach(struct fw *fw, struct fw_name *n, const char *dir,
    const char *name, unsigned want)
{
	char *real;
	int error;

	memset(n, 0, sizeof(*n));
	n->n_fw = fw;
	n->n_watch.nw_inst = &fw->fw_inst;
	n->n_watch.nw_fire = fw_name_fire;
	n->n_watch.nw_want = want;
	ATF_REQUIRE((real = realpath(dir, NULL)) != NULL);
	fw_enter(fw);
	error = fw->fw_ops->fo_name_attach(&fw->fw_state, &n->n_watch, real,
	    name);
	fw_leave(fw);
	free(real);
	return (error);
}

void
fw_name_watch(struct fw *fw, struct fw_name *n, const char *dir,
    const char *name, unsigned want)
{
	int error;

	error = fw_name_attach(fw, n, dir, name, want);
	ATF_REQUIRE_MSG(error == 0, "fo_name_attach: %s", strerror(error));
}

void
fw_name_detach(struct fw_name *n)
{
	struct fw *fw = n->n_fw;

	fw_enter(fw);
	fw->fw_ops->fo_name_detach(&fw->fw_state, &n->n_watch);
	fw_leave(fw);
}

void
fw_name_forget(struct fw_name *n)
{

	evany__inst_lock(&n->n_fw->fw_inst);
	n->n_count = 0;
	evany__inst_unlock(&n->n_fw->fw_inst);
}

/* What was said of the name; of no other, if only is set. */
static unsigned
fw_name_bits(struct fw_name *n, const char *name, bool only)
{
	unsigned bits = 0;
	int i;

	evany__inst_lock(&n->n_fw->fw_inst);
	for (i = 0; i < n->n_count; i++)
		if (strcmp(n->n_reports[i].name, name) == 0)
			bits |= n->n_reports[i].bits;
		else if (only)
			bits |= 0x80000000U;	/* never fired */
	evany__inst_unlock(&n->n_fw->fw_inst);
	return (bits);
}

unsigned
fw_name_told(struct fw_name *n, const char *name)
{

	fw_collect(n->n_fw);
	return (fw_name_bits(n, name, true));
}

/* ---- */

static unsigned
fw_take(struct fw_watch *w)
{
	unsigned bits;

	evany__inst_lock(&w->w_fw->fw_inst);
	bits = w->w_got;
	w->w_got = 0;
	evany__inst_unlock(&w->w_fw->fw_inst);
	return (bits);
}

unsigned
fw_told(struct fw_watch *w)
{

	fw_collect(w->w_fw);
	return (fw_take(w));
}

/* As a thread does that waits on the instance, for a moment. */
static void
fw_wait(struct fw *fw)
{
	struct evany__feeder *fe;
	struct pollfd pfd;

	pfd.fd = fw->fw_feeder;
	pfd.events = POLLIN;
	if (poll(&pfd, 1, LOOK_MS) != 1 || fw->fw_feeder == -1)
		return;
	fe = fw->fw_inst.in_feeders[0];
	fw_enter(fw);
	fe->fe_ready(&fw->fw_inst, fe, EVANY__IN);
	fw_leave(fw);
}

void
fw_await(struct fw_watch *w, unsigned bits)
{
	unsigned got;
	int64_t end;

	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	for (got = fw_take(w); (got & bits) != bits; got |= fw_take(w)) {
		ATF_REQUIRE_MSG(evt_now_ns() < end, "told %#x, not %#x", got,
		    bits);
		fw_wait(w->w_fw);
	}
}

void
fw_name_await(struct fw_name *n, const char *name, unsigned bits)
{
	unsigned got;
	int64_t end;

	end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
	while (((got = fw_name_bits(n, name, false)) & bits) != bits) {
		ATF_REQUIRE_MSG(evt_now_ns() < end, "told %#x, not %#x", got,
		    bits);
		fw_wait(n->n_fw);
	}
}

/* What the process keeps is made before the leak check begins. */
static void
fw_warm(const struct evany__file_ops *ops)
{
	struct fw_watch w;
	struct fw *fw;
	int fd;

	fw = fw_open(ops);
	ATF_REQUIRE((fd = open(".", O_RDONLY)) != -1);
	fw_watch(fw, &w, fd, EVANY__F_WRITE);
	fw_detach(&w);
	evt_close(fd);
	fw_close(fw);
}

void
fw_run(const struct evany__file_ops *ops, void (*fn)(struct fw *))
{
	struct fw *fw;
	int error;

	if ((error = ops->fo_probe()) != 0)
		atf_tc_skip("%s is not usable here: %s", ops->fo_name,
		    strerror(error));
	fw_warm(ops);
	/* The one that others turn to. */
	fw_warm(&evany__file_scan_ops);
	evt_begin();
	fw = fw_open(ops);
	fn(fw);
	fw_close(fw);
	evt_end();
}

int
fw_descriptors(void)
{
	struct dirent *de;
	DIR *dir;
	int fd, n;

	n = 0;
	if ((dir = opendir("/proc/self/fd")) == NULL) {
		for (fd = 0; fd < 1024; fd++)
			n += fcntl(fd, F_GETFD) != -1;
		return (n);
	}
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.';
	(void)closedir(dir);
	return (n - 1);
}

int
fw_file(char path[EVT_PATH_MAX])
{
	int fd;

	fd = evt_tmpfile(path);
	evt_write(fd, 100);
	return (fd);
}

void
fw_touch(const char *path)
{
	int fd;

	ATF_REQUIRE((fd = open(path, O_WRONLY | O_CREAT, 0644)) != -1);
	evt_close(fd);
}

int
fw_dir(const char *path)
{
	int fd;

	ATF_REQUIRE_EQ(0, mkdir(path, 0755));
	ATF_REQUIRE((fd = open(path, O_RDONLY)) != -1);
	return (fd);
}
