/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * struct evany__file_ops: the life of a watch, numbers that are closed and
 * reused, several watches of one file, threads, fork.
 */
#include "config.h"

#include "evt_child.h"
#include "filewatch.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define MANY	300

FW_TC(attach__kinds,
    "Regular files, directories and FIFOs, however they are open; ENOTSUP for "
    "all else, EBADF for a closed number")
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	char path[EVT_PATH_MAX];
	struct fw_watch w;
	int fd, i, p[2], s[2], tmp;

	tmp = fw_file(path);
	for (i = 0; i < EVT_NITEMS(modes); i++) {
		ATF_REQUIRE((fd = open(path, modes[i])) != -1);
		fw_watch(fw, &w, fd, FW_CHANGES);
		ATF_REQUIRE_EQ(0, fchmod(tmp, i % 2 ? 0600 : 0640));
		FW_TOLD(&w, EVANY__F_ATTRIB);
		fw_detach(&w);
		evt_close(fd);
	}
	evt_close(tmp);
	ATF_REQUIRE_EQ(EBADF, fw_attach(fw, &w, tmp, FW_CHANGES));
	ATF_REQUIRE_EQ(EBADF, fw_attach(fw, &w, -1, FW_CHANGES));
	ATF_REQUIRE_EQ(0, mkfifo("fifo", 0600));
	ATF_REQUIRE((fd = open("fifo", O_RDONLY | O_NONBLOCK)) != -1);
	fw_watch(fw, &w, fd, FW_CHANGES);
	ATF_REQUIRE_EQ(0, chmod("fifo", 0640));
	FW_TOLD(&w, EVANY__F_ATTRIB);
	fw_detach(&w);
	evt_close(fd);
	evt_pipe(p);
	ATF_REQUIRE_EQ(ENOTSUP, fw_attach(fw, &w, p[0], FW_CHANGES));
	evt_sockpair(s, SOCK_STREAM);
	ATF_REQUIRE_EQ(ENOTSUP, fw_attach(fw, &w, s[0], FW_CHANGES));
	ATF_REQUIRE((fd = open("/dev/null", O_RDWR)) != -1);
	ATF_REQUIRE_EQ(ENOTSUP, fw_attach(fw, &w, fd, FW_CHANGES));
	evt_close(fd);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(s[0]);
	evt_close(s[1]);
}

FW_TC(attach__not_what_was_before,
    "What was done before the attach is not told, also when the file is "
    "watched already and its first watch has not been told yet")
{
	char path[EVT_PATH_MAX];
	struct fw_watch v, w;
	int fd, fd2;

	fd = fw_file(path);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	fw_watch(fw, &v, fd, FW_CHANGES);
	FW_TOLD(&v, 0);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	evt_write(fd, 1);
	ATF_REQUIRE((fd2 = open(path, O_RDONLY)) != -1);
	fw_watch(fw, &w, fd2, FW_CHANGES);
	FW_TOLD(&w, 0);
	FW_TOLD(&v, EVANY__F_ATTRIB | EVANY__F_WRITE | EVANY__F_EXTEND);
	/* A watch that ends with something pending leaves nothing behind. */
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	fw_detach(&v);
	fw_detach(&w);
	fw_watch(fw, &w, fd2, FW_CHANGES);
	FW_TOLD(&w, 0);
	fw_detach(&w);
	evt_close(fd2);
	evt_close(fd);
}

FW_TC(attach__no_descriptors,
    "Hundreds of watches take one descriptor at most, which close gives back")
{
	static struct fw_watch w[MANY];
	char path[EVT_PATH_MAX];
	int before, fd[MANY], i;

	for (i = 0; i < MANY; i++)
		fd[i] = fw_file(path);
	before = fw_descriptors();
	for (i = 0; i < MANY; i++)
		fw_watch(fw, &w[i], fd[i], EVANY__F_WRITE);
	ATF_REQUIRE(fw_descriptors() <= before + 1);
	for (i = 0; i < MANY; i += 2)
		evt_write(fd[i], 1);
	for (i = 0; i < MANY; i++)
		FW_TOLD(&w[i], i % 2 == 0 ? EVANY__F_WRITE : 0);
	for (i = 0; i < MANY; i++)
		fw_detach(&w[i]);
	evany__inst_lock(&fw->fw_inst);
	fw->fw_ops->fo_close(&fw->fw_inst, &fw->fw_state);
	evany__inst_unlock(&fw->fw_inst);
	ATF_REQUIRE_EQ(NULL, fw->fw_state);
	ATF_REQUIRE_EQ(before, fw_descriptors());
	/* and is made anew at need */
	fw_watch(fw, &w[0], fd[0], EVANY__F_WRITE);
	evt_write(fd[0], 1);
	FW_TOLD(&w[0], EVANY__F_WRITE);
	fw_detach(&w[0]);
	for (i = 0; i < MANY; i++)
		evt_close(fd[i]);
}

FW_TC(attach__all_or_nothing,
    "With no descriptor to be had an attach fails, if it needs one, and leaves "
    "nothing; later ones succeed")
{
	struct rlimit lim, low;
	char path[EVT_PATH_MAX];
	struct fw_watch w;
	int before, error, fd;

	fd = fw_file(path);
	before = fw_descriptors();
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &lim));
	low = lim;
	low.rlim_cur = 1;
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &low));
	error = fw_attach(fw, &w, fd, FW_CHANGES);
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &lim));
	if (error == 0)
		fw_detach(&w);
	else {
		ATF_REQUIRE_EQ_MSG(EMFILE, error, "%s", strerror(error));
		ATF_REQUIRE_EQ(NULL, fw->fw_state);
	}
	ATF_REQUIRE_EQ(before, fw_descriptors());
	fw_watch(fw, &w, fd, FW_CHANGES);
	evt_write(fd, 1);
	FW_TOLD(&w, EVANY__F_WRITE | EVANY__F_EXTEND);
	fw_detach(&w);
	evt_close(fd);
}

/* Nobody's rights, or the program's own again; nothing for who has none. */
static void
may_read_all(bool yes)
{
	if (getuid() == 0)
		ATF_REQUIRE_EQ(0, seteuid(yes ? 0 : 65534));
}

FW_TC(attach__unreadable_file,
    "A file that the program has open but may not read can be watched, and "
    "given other wishes")
{
	char path[EVT_PATH_MAX];
	struct fw_watch w;
	int fd;

	fd = fw_file(path);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0));
	may_read_all(false);
	fw_watch(fw, &w, fd, FW_CHANGES);
	evt_write(fd, 1);
	FW_TOLD(&w, EVANY__F_WRITE | EVANY__F_EXTEND);
	evt_write(fd, 1);
	fw_await(&w, EVANY__F_WRITE | EVANY__F_EXTEND);
	ATF_REQUIRE_EQ(0, fw_modify(&w, EVANY__F_WRITE));
	evt_write(fd, 1);
	FW_TOLD(&w, EVANY__F_WRITE);
	may_read_all(true);
	ATF_REQUIRE_EQ(0, unlink(path));
	FW_TOLD(&w, 0);
	fw_detach(&w);
	evt_write(fd, 1);
	FW_TOLD(&w, 0);
	evt_close(fd);
}

FW_TC(modify__unreadable_by_now,
    "So can one that the program may not read any more")
{
	char path[EVT_PATH_MAX];
	struct fw_watch v, w;
	int fd;

	fd = fw_file(path);
	fw_watch(fw, &v, fd, EVANY__F_WRITE);
	fw_watch(fw, &w, fd, EVANY__F_WRITE);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0));
	evt_write(fd, 1);
	may_read_all(false);
	ATF_REQUIRE_EQ(0, fw_modify(&w, EVANY__F_WRITE | EVANY__F_LINK));
	may_read_all(true);
	FW_TOLD(&w, EVANY__F_WRITE);
	FW_TOLD(&v, EVANY__F_WRITE);
	ATF_REQUIRE_EQ(0, link(path, "two"));
	evt_write(fd, 1);
	FW_TOLD(&w, EVANY__F_WRITE | EVANY__F_LINK);
	FW_TOLD(&v, EVANY__F_WRITE);
	fw_detach(&v);
	evt_write(fd, 1);
	FW_TOLD(&w, EVANY__F_WRITE);
	fw_detach(&w);
	evt_close(fd);
}

static int
file_is_locked(void *arg)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(*(int *)arg, F_GETLK, &fl) == -1)
		return (2);
	return (fl.l_type == F_UNLCK ? 1 : 0);
}

FW_TC(attach__record_locks_stay,
    "Watching a file, and ceasing to, leaves the program's locks on it")
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[EVT_PATH_MAX];
	struct fw_watch w;
	int fd;

	fd = fw_file(path);
	ATF_REQUIRE_EQ(0, fcntl(fd, F_SETLK, &fl));
	fw_watch(fw, &w, fd, EVANY__F_WRITE);
	evt_write(fd, 1);
	FW_TOLD(&w, EVANY__F_WRITE);
	ATF_REQUIRE_EQ(0, fw_modify(&w, FW_CHANGES));
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	FW_TOLD(&w, EVANY__F_ATTRIB);
	fw_detach(&w);
	ATF_REQUIRE_EQ(0, evt_in_child(file_is_locked, &fd));
	evt_close(fd);
}

FW_TC(share__each_its_own_wishes,
    "Watches of one file through several numbers are told each what it wants")
{
	char path[EVT_PATH_MAX];
	struct fw_watch a, b, c;
	int fd, fd2, fd3;

	fd = fw_file(path);
	ATF_REQUIRE_EQ(0, link(path, "two"));
	ATF_REQUIRE((fd2 = open("two", O_RDONLY)) != -1);
	ATF_REQUIRE((fd3 = dup(fd)) != -1);
	fw_watch(fw, &a, fd, EVANY__F_WRITE);
	fw_watch(fw, &b, fd2, EVANY__F_ATTRIB);
	fw_watch(fw, &c, fd3, EVANY__F_WRITE | EVANY__F_ATTRIB);
	evt_write(fd, 1);
	FW_TOLD(&a, EVANY__F_WRITE);
	FW_TOLD(&b, 0);
	FW_TOLD(&c, EVANY__F_WRITE);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	FW_TOLD(&a, 0);
	FW_TOLD(&b, EVANY__F_ATTRIB);
	FW_TOLD(&c, EVANY__F_ATTRIB);
	fw_detach(&c);
	fw_detach(&b);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
	evt_write(fd, 1);
	FW_TOLD(&a, EVANY__F_WRITE);
	fw_detach(&a);
	evt_close(fd3);
	evt_close(fd2);
	evt_close(fd);
}

FW_TC(share__instances, "Two instances are told the same without each other")
{
	char path[EVT_PATH_MAX];
	struct fw_watch v, w;
	struct fw *other;
	int fd;

	fd = fw_file(path);
	other = fw_open(fw->fw_ops);
	fw_watch(fw, &w, fd, EVANY__F_WRITE);
	fw_watch(other, &v, fd, EVANY__F_WRITE);
	evt_write(fd, 1);
	FW_TOLD(&w, EVANY__F_WRITE);
	FW_TOLD(&v, EVANY__F_WRITE);
	evt_write(fd, 1);
	fw_detach(&w);
	FW_TOLD(&v, EVANY__F_WRITE);
	fw_detach(&v);
	fw_close(other);
	evt_close(fd);
}

FW_TC(number__closed,
    "A watch whose number is closed is silent, while a duplicate keeps the "
    "file open and other watches of it go on; detaching it is no error")
{
	char path[EVT_PATH_MAX];
	struct fw_watch v, w;
	int fd, fd2;

	fd = fw_file(path);
	ATF_REQUIRE((fd2 = dup(fd)) != -1);
	fw_watch(fw, &w, fd, FW_CHANGES);
	fw_watch(fw, &v, fd2, FW_CHANGES);
	evt_close(fd);
	evt_write(fd2, 1);
	FW_TOLD(&w, 0);
	FW_TOLD(&v, EVANY__F_WRITE | EVANY__F_EXTEND);
	ATF_REQUIRE_EQ(0, fw_modify(&w, EVANY__F_WRITE));
	evt_write(fd2, 1);
	FW_TOLD(&w, 0);
	fw_detach(&v);
	/* The last living watch is gone, and the dead one holds nothing. */
	evt_write(fd2, 1);
	FW_TOLD(&w, 0);
	fw_detach(&w);
	evt_close(fd2);
}

FW_TC(number__reused,
    "A number that names another file is watched no more: the old file and "
    "the new one are silent, and the new one can be watched")
{
	char path[EVT_PATH_MAX], path2[EVT_PATH_MAX];
	struct fw_watch v, w;
	int fd, fd2, old;

	fd = fw_file(path);
	ATF_REQUIRE((old = dup(fd)) != -1);
	fw_watch(fw, &w, fd, FW_CHANGES);
	fd2 = fw_file(path2);
	ATF_REQUIRE_EQ(fd, dup2(fd2, fd));
	evt_write(old, 1);
	evt_write(fd, 1);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	FW_TOLD(&w, 0);
	fw_watch(fw, &v, fd, FW_CHANGES);
	evt_write(fd, 1);
	FW_TOLD(&v, EVANY__F_WRITE | EVANY__F_EXTEND);
	evt_write(old, 1);
	FW_TOLD(&v, 0);
	FW_TOLD(&w, 0);
	fw_detach(&w);
	evt_write(fd, 1);
	FW_TOLD(&v, EVANY__F_WRITE | EVANY__F_EXTEND);
	fw_detach(&v);
	evt_close(old);
	evt_close(fd2);
	evt_close(fd);
}

FW_TC(number__of_the_next_file,
    "A file that got the inode of a deleted one is another file")
{
	struct fw_watch w;
	int fd;

	ATF_REQUIRE((fd = open("a", O_RDWR | O_CREAT, 0600)) != -1);
	fw_watch(fw, &w, fd, FW_CHANGES);
	ATF_REQUIRE_EQ(0, unlink("a"));
	evt_close(fd);
	ATF_REQUIRE_EQ(fd, open("a", O_RDWR | O_CREAT, 0600));
	evt_write(fd, 10);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	FW_TOLD(&w, 0);
	fw_detach(&w);
	evt_close(fd);
}

FW_TC(detach__ends_it, "After a detach nothing is fired, whatever was pending")
{
	char path[EVT_PATH_MAX];
	struct fw_watch w;
	int fd;

	fd = fw_file(path);
	fw_watch(fw, &w, fd, FW_CHANGES);
	evt_write(fd, 1);
	fw_detach(&w);
	evt_write(fd, 1);
	fw_collect(fw);
	ATF_REQUIRE_EQ(0, w.w_fires);
	/* nor is anybody woken for it */
	evt_write(fd, 1);
	ATF_REQUIRE_EQ(0, unlink(path));
	ATF_REQUIRE(fw->fw_feeder == -1 || !evt_readable(fw->fw_feeder, 0));
	fw_watch(fw, &w, fd, FW_CHANGES);
	FW_TOLD(&w, 0);
	evt_write(fd, 1);
	FW_TOLD(&w, EVANY__F_WRITE | EVANY__F_EXTEND);
	fw_detach(&w);
	evt_close(fd);
}

static struct fw_watch hook_watches[3];

/* The first that is fired ends all three. */
static void
hook_detach_all(struct fw_watch *w)
{
	struct fw *fw = w->w_fw;
	int i;

	for (i = 0; i < 3; i++) {
		hook_watches[i].w_hook = NULL;
		fw->fw_ops->fo_detach(&fw->fw_state, &hook_watches[i].w_file);
	}
}

static void
hook_detach_self(struct fw_watch *w)
{
	w->w_fw->fw_ops->fo_detach(&w->w_fw->fw_state, &w->w_file);
}

FW_TC(detach__while_it_is_fired,
    "fw_fire may detach its own watch and any other")
{
	char path[EVT_PATH_MAX];
	int fd[3], fires, i, same;

	for (same = 0; same < 2; same++) {
		for (i = 0; i < 3; i++) {
			if (same && i > 0)
				ATF_REQUIRE((fd[i] = dup(fd[0])) != -1);
			else
				fd[i] = fw_file(path);
			fw_watch(fw, &hook_watches[i], fd[i], EVANY__F_WRITE);
			hook_watches[i].w_hook = hook_detach_all;
		}
		for (i = 0; i < 3; i++)
			evt_write(fd[i], 1);
		fw_collect(fw);
		for (fires = i = 0; i < 3; i++)
			fires += hook_watches[i].w_fires;
		ATF_REQUIRE_EQ(1, fires);

		for (i = 0; i < 3; i++) {
			fw_watch(fw, &hook_watches[i], fd[i], EVANY__F_WRITE);
			hook_watches[i].w_hook = hook_detach_self;
		}
		for (i = 0; i < 3; i++)
			evt_write(fd[i], 1);
		fw_collect(fw);
		for (i = 0; i < 3; i++) {
			ATF_REQUIRE_EQ(1, hook_watches[i].w_fires);
			evt_close(fd[i]);
		}
	}
}

static const struct fw_watch *fired[3];
static int nfired;

static void
hook_note(struct fw_watch *w)
{
	ATF_REQUIRE(nfired < EVT_NITEMS(fired));
	fired[nfired++] = w;
}

FW_TC(fire__in_order,
    "Several files are told of in the order of what happened to them")
{
	char path[EVT_PATH_MAX];
	int fd[EVT_NITEMS(fired)], i;

	for (i = 0; i < EVT_NITEMS(fired); i++) {
		fd[i] = fw_file(path);
		fw_watch(fw, &hook_watches[i], fd[i], EVANY__F_WRITE);
		hook_watches[i].w_hook = hook_note;
	}
	nfired = 0;
	/* Locked, so that no thread looks in the middle of it. */
	evany__inst_lock(&fw->fw_inst);
	for (i = 0; i < EVT_NITEMS(fired); i++)
		evt_write(fd[i], 1);
	fw->fw_ops->fo_collect(&fw->fw_state);
	evany__inst_unlock(&fw->fw_inst);
	ATF_REQUIRE_EQ(EVT_NITEMS(fired), nfired);
	for (i = 0; i < nfired; i++) {
		ATF_REQUIRE_EQ(&hook_watches[i], fired[i]);
		fw_detach(&hook_watches[i]);
		evt_close(fd[i]);
	}
}

FW_TC(fire__by_itself,
    "What happens is fired without a collection: from the feeder, or by a "
    "thread that rings the instance")
{
	char path[EVT_PATH_MAX];
	struct fw_watch d, w;
	int dir, fd;

	fd = fw_file(path);
	ATF_REQUIRE((dir = open(".", O_RDONLY)) != -1);
	fw_watch(fw, &w, fd, FW_CHANGES);
	fw_watch(fw, &d, dir, FW_CHANGES);
	evt_write(fd, 1);
	fw_await(&w, EVANY__F_WRITE | EVANY__F_EXTEND);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	fw_await(&w, EVANY__F_ATTRIB);
	ATF_REQUIRE_EQ(0, link(path, "two"));
	fw_await(&w, EVANY__F_LINK);
	fw_await(&d, EVANY__F_WRITE);
	ATF_REQUIRE_EQ(0, unlink("two"));
	fw_await(&w, EVANY__F_DELETE);
	evany__inst_lock(&fw->fw_inst);
	ATF_REQUIRE(fw->fw_feeder != -1 || fw->fw_rings > 0);
	evany__inst_unlock(&fw->fw_inst);
	fw_detach(&d);
	fw_detach(&w);
	evt_close(dir);
	evt_close(fd);
}

static atomic_bool churn_done;

static void
churn(void *arg)
{
	struct fw *fw = arg;
	struct fw_watch w[4];
	int fd, i, n;

	for (n = 0; n < 400; n++) {
		ATF_REQUIRE((fd = open("file", O_RDONLY)) != -1);
		for (i = 0; i < 4; i++)
			fw_watch(fw, &w[i], fd, FW_CHANGES);
		ATF_REQUIRE_EQ(0, fw_modify(&w[1], EVANY__F_WRITE));
		for (i = 0; i < 2; i++)
			fw_detach(&w[i]);
		if (n % 2 == 0)
			evt_close(fd);
		for (; i < 4; i++)
			fw_detach(&w[i]);
		if (n % 2 != 0)
			evt_close(fd);
	}
	atomic_store(&churn_done, true);
}

FW_TC(threads__attach_and_collect,
    "Watches come and go in one thread while another takes in what happens")
{
	struct evt_thread t;
	struct fw_watch w;
	unsigned n;
	int fd;

	ATF_REQUIRE((fd = open("file", O_RDWR | O_CREAT, 0600)) != -1);
	fw_watch(fw, &w, fd, EVANY__F_WRITE);
	atomic_store(&churn_done, false);
	evt_thread_start(&t, churn, fw);
	for (n = 0; !atomic_load(&churn_done); n++) {
		ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, n % 1000));
		ATF_REQUIRE((fw_told(&w) & ~EVANY__F_WRITE) == 0);
	}
	evt_thread_join(&t);
	(void)fw_told(&w);
	ATF_REQUIRE_EQ(1, pwrite(fd, "x", 1, 0));
	FW_TOLD(&w, EVANY__F_WRITE);
	fw_detach(&w);
	evt_close(fd);
}

#define LINKS	2000

/* How often the thread has lost its processor. */
static long
switches(void)
{
	struct rusage ru;

#ifdef RUSAGE_THREAD
	ATF_REQUIRE_EQ(0, getrusage(RUSAGE_THREAD, &ru));
#else
	ATF_REQUIRE_EQ(0, getrusage(RUSAGE_SELF, &ru));
#endif
	return (ru.ru_nivcsw);
}

static long links_switches;

static void
make_links(void *arg)
{
	char name[32];
	int i;

	links_switches = -switches();
	for (i = 0; i < LINKS; i++) {
		(void)snprintf(name, sizeof(name), "link%d", i);
		ATF_REQUIRE_EQ(0, link(arg, name));
	}
	links_switches += switches();
	atomic_store(&churn_done, true);
}

/*
 * A thread that lost its processor in the middle of a link has changed nothing
 * but the time as yet, which may be for longer than a look takes.
 */
FW_TC(threads__links_are_no_attributes,
    "However links and looks interleave, no link is told as ATTRIB")
{
	char path[EVT_PATH_MAX];
	struct evt_thread t;
	struct fw_watch w;
	unsigned got, told;
	long halves = 0;
	int fd;

	fd = fw_file(path);
	fw_watch(fw, &w, fd, FW_CHANGES);
	atomic_store(&churn_done, false);
	evt_thread_start(&t, make_links, path);
	for (got = 0; !atomic_load(&churn_done); got |= told) {
		told = fw_told(&w);
		if ((told & EVANY__F_ATTRIB) != 0)
			halves++;
		told &= ~(unsigned)EVANY__F_ATTRIB;
	}
	evt_thread_join(&t);
	got |= fw_told(&w);
	ATF_REQUIRE_EQ_MSG(EVANY__F_LINK, got, "%#x", got);
	ATF_REQUIRE_MSG(halves <= links_switches, "%ld beside %ld switches",
	    halves, links_switches);
	fw_detach(&w);
	evt_close(fd);
}

static atomic_int growth_told;

/* Each byte is told before the next is written. */
static void
append_bytes(void *arg)
{
	int64_t end;
	int i;

	for (i = 1; i <= LINKS; i++) {
		evt_write(*(int *)arg, 1);
		end = evt_now_ns() + (int64_t)EVT_WAIT_MS * 1000000;
		while (atomic_load(&growth_told) < i)
			if (evt_now_ns() > end)
				goto out;
	}
out:
	atomic_store(&churn_done, true);
}

FW_TC(threads__no_growth_is_lost,
    "However writes, other acts and looks interleave, all growth is told")
{
	char path[EVT_PATH_MAX];
	struct evt_thread t;
	struct fw_watch w;
	unsigned got;
	int fd;

	fd = fw_file(path);
	fw_watch(fw, &w, fd, EVANY__F_EXTEND | EVANY__F_ATTRIB);
	atomic_store(&churn_done, false);
	atomic_store(&growth_told, 0);
	evt_thread_start(&t, append_bytes, &fd);
	while (!atomic_load(&churn_done)) {
		/* So that there is always something to look at. */
		ATF_REQUIRE_EQ(0, fchmod(fd, 0600));
		got = fw_told(&w);
		if ((got & EVANY__F_EXTEND) != 0)
			(void)atomic_fetch_add(&growth_told, 1);
	}
	evt_thread_join(&t);
	ATF_REQUIRE_EQ(LINKS, atomic_load(&growth_told));
	fw_detach(&w);
	evt_close(fd);
}

static void
rename_inside(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < LINKS; i++) {
		ATF_REQUIRE_EQ(0, rename("dir/a", "dir/b"));
		ATF_REQUIRE_EQ(0, rename("dir/b", "dir/a"));
	}
	atomic_store(&churn_done, true);
}

FW_TC(threads__renames_stay_inside,
    "However renames and looks interleave, one inside is no move out or in")
{
	struct evt_thread t;
	struct fw_watch w;
	unsigned got;
	int fd;

	fd = fw_dir("dir");
	fw_touch("dir/a");
	fw_watch(fw, &w, fd, EVANY__F_WRITE | EVANY__F_EXTEND);
	atomic_store(&churn_done, false);
	evt_thread_start(&t, rename_inside, NULL);
	for (got = 0; !atomic_load(&churn_done);)
		got |= fw_told(&w);
	evt_thread_join(&t);
	got |= fw_told(&w);
	ATF_REQUIRE_EQ_MSG(EVANY__F_WRITE, got, "%#x", got);
	fw_detach(&w);
	evt_close(fd);
}

FW_TC(lost__is_made_up_for,
    "When more happens than the kernel remembers, each file is looked at")
{
	char path[3][EVT_PATH_MAX];
	struct fw_watch d, w[4];
	int dir, fd[3], i;

	for (i = 0; i < 3; i++) {
		fd[i] = fw_file(path[i]);
		fw_watch(fw, &w[i], fd[i], FW_CHANGES);
	}
	dir = fw_dir("dir");
	fw_watch(fw, &d, dir, FW_CHANGES);
	/* The queue of inotify(7) holds 16384 records by default. */
	for (i = 0; i < 12000; i++)
		ATF_REQUIRE(pwrite(fd[0], "x", 1, 0) == 1 &&
		    pwrite(fd[1], "x", 1, 0) == 1);
	evt_write(fd[0], 1000);
	ATF_REQUIRE_EQ(0, ftruncate(fd[1], 10));
	ATF_REQUIRE_EQ(0, fchmod(fd[2], 0640));
	ATF_REQUIRE_EQ(0, link(path[2], "two"));
	ATF_REQUIRE_EQ(0, mkdir("dir/sub", 0755));
	FW_TOLD(&w[0], EVANY__F_WRITE | EVANY__F_EXTEND);
	FW_TOLD(&w[1], EVANY__F_WRITE | EVANY__F_TRUNC);
	FW_TOLD(&w[2], EVANY__F_ATTRIB | EVANY__F_LINK);
	FW_TOLD(&d, EVANY__F_WRITE | EVANY__F_LINK);
	/* and then all is as before */
	evt_write(fd[0], 1);
	ATF_REQUIRE_EQ(0, unlink(path[0]));
	FW_TOLD(&w[0], EVANY__F_WRITE | EVANY__F_EXTEND | EVANY__F_DELETE);
	FW_TOLD(&w[1], 0);
	for (i = 0; i < 3; i++) {
		fw_detach(&w[i]);
		evt_close(fd[i]);
	}
	fw_detach(&d);
	evt_close(dir);
}

FW_TC(fork__child_lets_go,
    "The child closes what is the mechanism's own, can watch files anew, and "
    "the parent's watches do not notice")
{
	char path[EVT_PATH_MAX];
	struct fw_watch v, w;
	struct fw *own;
	int fd, feeder, status;
	pid_t pid;

	fd = fw_file(path);
	fw_watch(fw, &w, fd, FW_CHANGES);
	feeder = fw->fw_feeder;
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		fw_fork_child(fw);
		if (feeder != -1 && fcntl(feeder, F_GETFD) != -1)
			_exit(1);
		own = fw_open(fw->fw_ops);
		if (fw_attach(own, &v, fd, FW_CHANGES) != 0)
			_exit(2);
		if (write(fd, "x", 1) != 1)
			_exit(3);
		_exit(fw_told(&v) == (EVANY__F_WRITE | EVANY__F_EXTEND) ?
		    0 : 4);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE_MSG(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "status %#x", (unsigned)status);
	FW_TOLD(&w, EVANY__F_WRITE | EVANY__F_EXTEND);
	ATF_REQUIRE_EQ(0, fchmod(fd, 0640));
	FW_TOLD(&w, EVANY__F_ATTRIB);
	fw_detach(&w);
	evt_close(fd);
}

ATF_TP_ADD_TCS(tp)
{
	FW_ADD(tp, attach__kinds);
	FW_ADD(tp, attach__not_what_was_before);
	FW_ADD(tp, attach__no_descriptors);
	FW_ADD(tp, attach__all_or_nothing);
	FW_ADD(tp, attach__unreadable_file);
	FW_ADD(tp, modify__unreadable_by_now);
	FW_ADD(tp, attach__record_locks_stay);
	FW_ADD(tp, share__each_its_own_wishes);
	FW_ADD(tp, share__instances);
	FW_ADD(tp, number__closed);
	FW_ADD(tp, number__reused);
	FW_ADD(tp, number__of_the_next_file);
	FW_ADD(tp, detach__ends_it);
	FW_ADD(tp, detach__while_it_is_fired);
	FW_ADD(tp, fire__in_order);
	FW_ADD(tp, fire__by_itself);
	FW_ADD(tp, threads__attach_and_collect);
	FW_ADD(tp, threads__links_are_no_attributes);
	FW_ADD(tp, threads__no_growth_is_lost);
	FW_ADD(tp, threads__renames_stay_inside);
	FW_ADD(tp, lost__is_made_up_for);
	FW_ADD(tp, fork__child_lets_go);
	return (atf_no_error());
}
