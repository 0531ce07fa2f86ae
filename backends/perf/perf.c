/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * perf: forks and execs of a process and its descendants on Linux, by perf
 * events.
 *
 * Feeds:   one descriptor per processor, with EVANY__LEVEL.
 * State:   struct perf.  An event that counts nothing but writes a record for
 *          each fork, exec and exit ("dummy", with task and comm_exec) is
 *          opened for every thread of the process on every processor, since an
 *          event belongs to one thread and only one bound to a processor may
 *          both be inherited and have a buffer.  Children and new threads
 *          inherit it.  All events of a processor write to one buffer.
 * Life:    as long as somebody collects; when every process that has an event
 *          is gone its descriptors report EVANY__HUP and are unfed.
 * Race:    the buffers are read one after the other, so a record could be
 *          found whose cause, in a buffer read before, was not there yet.
 *          Therefore all heads are read twice: whatever caused a record that
 *          the first look found has been written by the second one, and only
 *          records as old as the first look found are given.
 *          poll(2) takes readiness away (perf_poll() clears it, 6.18): one
 *          who polls the queue and then collects would find nothing, so
 *          core collects before each wait (sr_shy).
 * Loss:    the kernel writes that records were lost together with the next one
 *          that finds room, which may never come.  So a buffer that is found
 *          full is a loss too, and the record of it is passed over.
 * Locks:   the instance's.
 * Fork:    the kernel does not copy the buffers to the child.
 */
#include "config.h"

#include "backends/perf/procsource.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <linux/perf_event.h>

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DATA_PAGES	8	/* per processor; some 800 records */
#define RECORD_MAX	256	/* bytes */
#define RECORD_USUAL	64	/* those of interest have no more */

struct perf_cpu {
	struct evany__feeder	 pc_feeder;	/* (i) */
	struct perf		*pc_perf;	/* (c) */
	struct perf_event_mmap_page *pc_page;	/* (c) */
	int			*pc_fds;	/* (c) the first has the buffer */
	int			 pc_nfds;	/* (c) */
	int			 pc_fed;	/* (i) index, -1: all have ended */
	uint64_t		 pc_tail;	/* (i) */
	uint64_t		 pc_full;	/* (i) head when it was full, or 0 */
};

struct perf {
	struct evany__inst	*pf_inst;	/* (c) */
	void			(*pf_ready)(void *); /* (c) */
	void			*pf_arg;	/* (c) */
	size_t			 pf_page;	/* (c) bytes */
	struct perf_cpu		*pf_cpus;	/* (c) */
	int			 pf_ncpus;	/* (c) */
	int			 pf_over;	/* (i) told PR_END */
};

/* A record, and where it was. */
struct perf_found {
	struct evany__procrec	 fo_rec;
	unsigned		 fo_order;
	int			 fo_cpu;
	uint64_t		 fo_end;	/* tail behind it */
	bool			 fo_first;	/* found by the first look */
	bool			 fo_tell;
};

static int
sys_perf_open(struct perf_event_attr *attr, pid_t tid, int cpu)
{
	return (evany__inner((int)syscall(SYS_perf_event_open, attr, tid, cpu,
	    -1, PERF_FLAG_FD_CLOEXEC)));
}

static void
sys_close(int fd)
{
	(void)syscall(SYS_close, fd);
}

static size_t
perf_bytes(const struct perf *pf)
{
	return ((1 + DATA_PAGES) * pf->pf_page);
}

/* ---- opening ----------------------------------------------------------- */

/* The threads of a process; how many, or -1 and errno. */
static int
list_threads(pid_t pid, pid_t **tidsp)
{
	struct dirent *de;
	char path[64];
	DIR *dir;
	pid_t *more, *tids = NULL;
	int cancel, n = 0, room = 0;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	if ((dir = opendir(path)) == NULL)
		n = -1;
	else {
		while ((de = readdir(dir)) != NULL) {
			if (de->d_name[0] < '1' || de->d_name[0] > '9')
				continue;
			if (n == room) {
				room = room == 0 ? 8 : 2 * room;
				more = realloc(tids,
				    (size_t)room * sizeof(*tids));
				if (more == NULL) {
					n = -1;
					errno = ENOMEM;
					break;
				}
				tids = more;
			}
			tids[n++] = (pid_t)strtol(de->d_name, NULL, 10);
		}
		(void)closedir(dir);
	}
	(void)pthread_setcancelstate(cancel, NULL);
	if (n == -1) {
		free(tids);
		tids = NULL;
	}
	*tidsp = tids;
	return (n);
}

/* One thread on one processor; ENODEV if that is switched off. */
static int
perf_add(struct perf_cpu *pc, struct perf_event_attr *attr, pid_t tid, int cpu)
{
	int error, fd, *fds;
	void *p;

	fds = realloc(pc->pc_fds, (size_t)(pc->pc_nfds + 1) * sizeof(*fds));
	if (fds == NULL)
		return (ENOMEM);
	pc->pc_fds = fds;
	if ((fd = sys_perf_open(attr, tid, cpu)) == -1)
		return (errno);
	if (pc->pc_nfds == 0) {
		p = mmap(NULL, perf_bytes(pc->pc_perf),
		    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p != MAP_FAILED)
			pc->pc_page = p;
		else
			goto fail;
	} else if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, pc->pc_fds[0]) == -1)
		goto fail;
	fds[pc->pc_nfds++] = fd;
	return (0);

fail:
	error = errno;
	sys_close(fd);
	return (error);
}

/* On every processor; a thread that has ended has nothing to tell. */
static int
perf_add_thread(struct perf *pf, pid_t tid)
{
	struct perf_event_attr attr;
	int cpu, error;

	memset(&attr, 0, sizeof(attr));
	attr.size = sizeof(attr);
	attr.type = PERF_TYPE_SOFTWARE;
	attr.config = PERF_COUNT_SW_DUMMY;
	attr.exclude_kernel = 1;
	attr.exclude_hv = 1;
	attr.inherit = 1;
	attr.task = 1;
	attr.comm = 1;
	attr.comm_exec = 1;
	attr.sample_id_all = 1;
	attr.sample_type = PERF_SAMPLE_TIME;
	attr.use_clockid = 1;
	attr.clockid = CLOCK_BOOTTIME;
	attr.watermark = 1;
	attr.wakeup_watermark = 1;
	for (cpu = 0; cpu < pf->pf_ncpus; cpu++) {
		error = perf_add(&pf->pf_cpus[cpu], &attr, tid, cpu);
		if (error == ESRCH)
			break;
		if (error != 0 && error != ENODEV)
			return (error);
	}
	return (0);
}

/*
 * Threads of a thread that was found inherit its events; one that another
 * makes meanwhile is found by the next look.
 */
static int
perf_add_process(struct perf *pf, pid_t pid)
{
	pid_t *had = NULL, *tids;
	int error = 0, i, k, n, nhad = 0;
	bool more;

	do {
		if ((n = list_threads(pid, &tids)) == -1) {
			/* Without /proc a process is taken for one thread. */
			error = errno == ENOMEM ? ENOMEM : nhad > 0 ? 0 :
			    perf_add_thread(pf, pid);
			break;
		}
		more = false;
		for (i = 0; i < n && error == 0; i++) {
			for (k = 0; k < nhad && had[k] != tids[i]; k++)
				continue;
			if (k == nhad) {
				error = perf_add_thread(pf, tids[i]);
				more = true;
			}
		}
		free(had);
		had = tids;
		nhad = n;
	} while (more && error == 0);
	free(had);
	return (error);
}

static void
perf_close(void *handle)
{
	struct perf *pf = handle;
	struct perf_cpu *pc;
	int i;

	for (pc = pf->pf_cpus; pc < pf->pf_cpus + pf->pf_ncpus; pc++) {
		evany__inst_unfeed(pf->pf_inst, &pc->pc_feeder);
		if (pc->pc_page != NULL)
			(void)munmap(pc->pc_page, perf_bytes(pf));
		for (i = 0; i < pc->pc_nfds; i++)
			sys_close(pc->pc_fds[i]);
		free(pc->pc_fds);
	}
	free(pf->pf_cpus);
	free(pf);
}

static void
perf_fork_child(void *handle)
{
	struct perf *pf = handle;
	struct perf_cpu *pc;
	int i;

	for (pc = pf->pf_cpus; pc < pf->pf_cpus + pf->pf_ncpus; pc++)
		for (i = 0; i < pc->pc_nfds; i++)
			sys_close(pc->pc_fds[i]);
}

/*
 * A thread that has ended reports EVANY__HUP, and others may still write to
 * the buffer of its event: then the next one's descriptor is fed.
 */
static int
perf_feed(struct perf *pf, struct perf_cpu *pc)
{
	evany__inst_unfeed(pf->pf_inst, &pc->pc_feeder);
	if (++pc->pc_fed >= pc->pc_nfds) {
		pc->pc_fed = -1;
		return (0);
	}
	return (evany__inst_feed(pf->pf_inst, &pc->pc_feeder,
	    pc->pc_fds[pc->pc_fed], EVANY__LEVEL));
}

static void
perf_feeder_ready(struct evany__inst *inst, struct evany__feeder *fe,
    unsigned bits)
{
	struct perf_cpu *pc = (struct perf_cpu *)(void *)((char *)fe -
	    offsetof(struct perf_cpu, pc_feeder));

	(void)inst;
	if ((bits & (EVANY__HUP | EVANY__ERR)) != 0)
		(void)perf_feed(pc->pc_perf, pc);
	pc->pc_perf->pf_ready(pc->pc_perf->pf_arg);
}

static int
perf_open(struct evany__inst *inst, pid_t pid, void (*ready)(void *),
    void *arg, void **handlep)
{
	struct perf_cpu *pc;
	struct perf *pf;
	int error, n, opened = 0;

	if ((pf = calloc(1, sizeof(*pf))) == NULL)
		return (ENOMEM);
	n = (int)sysconf(_SC_NPROCESSORS_CONF);
	pf->pf_ncpus = n > 0 ? n : 1;
	pf->pf_page = (size_t)sysconf(_SC_PAGESIZE);
	pf->pf_inst = inst;
	pf->pf_ready = ready;
	pf->pf_arg = arg;
	pf->pf_cpus = calloc((size_t)pf->pf_ncpus, sizeof(*pf->pf_cpus));
	if (pf->pf_cpus == NULL) {
		free(pf);
		return (ENOMEM);
	}
	for (pc = pf->pf_cpus; pc < pf->pf_cpus + pf->pf_ncpus; pc++) {
		pc->pc_perf = pf;
		pc->pc_feeder.fe_fd = -1;
		pc->pc_feeder.fe_ready = perf_feeder_ready;
		pc->pc_fed = -1;
	}
	error = perf_add_process(pf, pid);
	for (pc = pf->pf_cpus; error == 0 &&
	    pc < pf->pf_cpus + pf->pf_ncpus; pc++)
		if (pc->pc_nfds > 0) {
			opened++;
			error = perf_feed(pf, pc);
		}
	if (error == 0 && opened == 0)
		error = ESRCH;
	if (error == 0) {
		*handlep = pf;
		return (0);
	}
	perf_close(pf);
	switch (error) {
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case ESRCH:
		return (error);
	default:	/* not allowed, not built, no buffer left */
		return (ENOTSUP);
	}
}

/* ---- records ----------------------------------------------------------- */

static void
ring_copy(const struct perf_cpu *pc, uint64_t at, void *to, size_t size)
{
	const struct perf_event_mmap_page *pg = pc->pc_page;
	const char *data = (const char *)pg + pc->pc_perf->pf_page;
	size_t ring = DATA_PAGES * pc->pc_perf->pf_page, start, part;

	start = (size_t)(at % ring);
	part = ring - start < size ? ring - start : size;
	memcpy(to, data + start, part);
	memcpy((char *)to + part, data, size - part);
}

/* Makes sense of one record; its size, 0 if the buffer makes none. */
static size_t
ring_record(const struct perf_cpu *pc, uint64_t at, struct perf_found *fo)
{
	union {
		struct perf_event_header header;
		uint64_t	words[RECORD_MAX / 8];
	} u;
	struct {
		struct perf_event_header header;
		uint32_t	pid, ppid, tid, ptid;
	} task;
	uint64_t time;
	size_t size;

	ring_copy(pc, at, &u.header, sizeof(u.header));
	size = u.header.size;
	if (size < sizeof(u.header) || size % 8 != 0)
		return (0);
	fo->fo_tell = false;
	if (size > sizeof(u))
		return (size);
	ring_copy(pc, at, &u, size);
	/* Every record ends with its time, for which sample_id_all asks. */
	time = u.words[size / 8 - 1];
	memset(&task, 0, sizeof(task));
	memcpy(&task, &u, size < sizeof(task) ? size : sizeof(task));
	fo->fo_rec = (struct evany__procrec){ .pr_time = (int64_t)time,
	    .pr_pid = (pid_t)task.pid, .pr_parent = (pid_t)task.ppid };
	switch (u.header.type) {
	case PERF_RECORD_FORK:		/* of threads too */
		fo->fo_rec.pr_act = EVANY__PR_FORK;
		fo->fo_tell = task.pid == task.tid;
		break;
	case PERF_RECORD_EXIT:
		fo->fo_rec.pr_act = EVANY__PR_EXIT;
		fo->fo_tell = task.pid == task.tid;
		break;
	case PERF_RECORD_COMM:
		fo->fo_rec.pr_act = EVANY__PR_EXEC;
		fo->fo_tell =
		    (u.header.misc & PERF_RECORD_MISC_COMM_EXEC) != 0;
		break;
	case PERF_RECORD_LOST:
		fo->fo_rec.pr_act = EVANY__PR_LOST;
		fo->fo_tell = true;
		break;
	}
	return (size);
}

static uint64_t
ring_head(const struct perf_cpu *pc)
{
	if (pc->pc_page == NULL)
		return (0);
	return (__atomic_load_n(&pc->pc_page->data_head, __ATOMIC_ACQUIRE));
}

static int
found_order(const void *left, const void *right)
{
	const struct perf_found *a = left, *b = right;

	if (a->fo_rec.pr_time != b->fo_rec.pr_time)
		return (a->fo_rec.pr_time < b->fo_rec.pr_time ? -1 : 1);
	return (a->fo_order < b->fo_order ? -1 : a->fo_order > b->fo_order);
}

/* Appends what a buffer has up to head; times in one buffer do not fall. */
static bool
ring_find(const struct perf_cpu *pc, int cpu, uint64_t first, uint64_t head,
    struct perf_found **foundp, unsigned *np, unsigned *roomp)
{
	struct perf_found *fo, *more;
	int64_t latest = 0;
	uint64_t at;
	size_t size;

	for (at = pc->pc_tail; at < head; at += size) {
		if (*np == *roomp) {
			more = realloc(*foundp, (*roomp + 64) * sizeof(*more));
			if (more == NULL)
				return (false);
			*foundp = more;
			*roomp += 64;
		}
		fo = &(*foundp)[*np];
		memset(fo, 0, sizeof(*fo));
		if ((size = ring_record(pc, at, fo)) == 0)
			size = (size_t)(head - at);
		if (fo->fo_rec.pr_act == EVANY__PR_LOST && at == pc->pc_full)
			fo->fo_tell = false;
		if (fo->fo_rec.pr_time < latest)
			fo->fo_rec.pr_time = latest;
		latest = fo->fo_rec.pr_time;
		fo->fo_order = (*np)++;
		fo->fo_cpu = cpu;
		fo->fo_end = at + size;
		fo->fo_first = at < first;
	}
	return (true);
}

/* Could a record have found no room here? */
static bool
ring_full(const struct perf_cpu *pc, uint64_t head)
{
	return (head - pc->pc_tail >
	    DATA_PAGES * pc->pc_perf->pf_page - RECORD_USUAL);
}

/* Takes some records and tells of them; false if there were none. */
static bool
perf_collect_some(struct perf *pf, uint64_t *first,
    void (*fn)(void *, const struct evany__procrec *), void *arg)
{
	struct evany__procrec loss = { .pr_act = EVANY__PR_LOST };
	struct perf_found *found = NULL;
	struct perf_cpu *pc;
	unsigned i, n = 0, room = 0, take = 0;
	int64_t latest = INT64_MIN;
	uint64_t head;
	int cpu;
	bool any = false, full = false, whole = true;

	for (cpu = 0; cpu < pf->pf_ncpus; cpu++) {
		first[cpu] = ring_head(&pf->pf_cpus[cpu]);
		any = any || first[cpu] != pf->pf_cpus[cpu].pc_tail;
	}
	if (!any)
		return (false);
	for (cpu = 0; cpu < pf->pf_ncpus && whole; cpu++) {
		pc = &pf->pf_cpus[cpu];
		head = ring_head(pc);
		if (ring_full(pc, head) && pc->pc_full != head) {
			pc->pc_full = head;
			full = true;
		}
		whole = ring_find(pc, cpu, first[cpu], head, &found, &n,
		    &room);
	}
	/* Without memory the records stay where they are. */
	if (whole && n > 0) {
		for (i = 0; i < n; i++)
			if (found[i].fo_first &&
			    found[i].fo_rec.pr_time > latest)
				latest = found[i].fo_rec.pr_time;
		qsort(found, n, sizeof(*found), found_order);
		while (take < n && found[take].fo_rec.pr_time <= latest)
			take++;
	}
	for (i = 0; i < take; i++) {
		pc = &pf->pf_cpus[found[i].fo_cpu];
		if (pc->pc_tail < found[i].fo_end)
			pc->pc_tail = found[i].fo_end;
	}
	for (pc = pf->pf_cpus; pc < pf->pf_cpus + pf->pf_ncpus; pc++)
		if (pc->pc_page != NULL)
			__atomic_store_n(&pc->pc_page->data_tail, pc->pc_tail,
			    __ATOMIC_RELEASE);
	for (i = 0; i < take; i++)
		if (found[i].fo_tell)
			fn(arg, &found[i].fo_rec);
	if (full) {
		loss.pr_time = latest;
		fn(arg, &loss);
	}
	free(found);
	return (take > 0);
}

static void
perf_collect(void *handle, void (*fn)(void *, const struct evany__procrec *),
    void *arg)
{
	static const struct evany__procrec end = { .pr_act = EVANY__PR_END };
	struct perf *pf = handle;
	uint64_t few[64], *first = few;
	int cpu, turns;

	if (pf->pf_ncpus > (int)(sizeof(few) / sizeof(few[0])) &&
	    (first = calloc((size_t)pf->pf_ncpus, sizeof(*first))) == NULL)
		return;
	/* A process that does nothing but fork must not keep us here. */
	for (turns = 0; turns < 16; turns++)
		if (!perf_collect_some(pf, first, fn, arg))
			break;
	if (first != few)
		free(first);
	for (cpu = 0; cpu < pf->pf_ncpus; cpu++)
		if (pf->pf_cpus[cpu].pc_fed != -1)
			return;
	if (!pf->pf_over) {
		pf->pf_over = 1;
		fn(arg, &end);
	}
}

const struct evany__procsource evany__procsource_perf = {
	.sr_name = "perf",
	.sr_shy = true,
	.sr_open = perf_open,
	.sr_close = perf_close,
	.sr_collect = perf_collect,
	.sr_fork_child = perf_fork_child
};
