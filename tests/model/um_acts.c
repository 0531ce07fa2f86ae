/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * um_acts: random acts, done and taken into the model.  An act that finds
 * nothing to act on does nothing.
 */
#include "config.h"

#include "um.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <poll.h>
#include <stdlib.h>

#define CHUNK	8
#define NEVER	(3600000 * MS)
#define NAME_ACTS (EVANY_MODIFIED | EVANY_MADE | EVANY_GONE |		\
		EVANY_MOVED_FROM | EVANY_MOVED_TO)

static char buffer[4096];

/* ---- threads -------------------------------------------------------------------- */

static int
obey_call(struct um_op *op)
{
	struct pollfd pfd = { .fd = op->op_queue, .events = POLLIN };

	switch (op->op_call) {
	case UM_TURN:
		return (evany_turn(op->op_queue, op->op_ch, op->op_nch,
		    op->op_ev, op->op_least, op->op_most, op->op_timeout));
	case UM_POST:
		return (evany_post(op->op_queue, op->op_post.po_object,
		    op->op_post.po_data, op->op_post.po_user));
	case UM_ALERT:
		return (evany_alert(op->op_queue, op->op_post.po_data,
		    op->op_post.po_user));
	case UM_AIO:
		return (evany_aio(op->op_queue, &op->op_request->mr_cb,
		    op->op_request->mr_what, op->op_request->mr_user));
	case UM_POLL:
		return (poll(&pfd, 1, (int)(op->op_timeout / MS)));
	}
	return (-1);
}

static void
obey(struct um_op *op)
{
	errno = 0;
	op->op_ret = obey_call(op);
	op->op_error = errno;
}

static void *
thread(void *arg)
{
	struct um_thread *th = arg;
	struct um_op *op;

	(void)pthread_mutex_lock(&th->th_lock);
	while (!th->th_end) {
		if ((op = th->th_op) == NULL) {
			(void)pthread_cond_wait(&th->th_cond, &th->th_lock);
			continue;
		}
		(void)pthread_mutex_unlock(&th->th_lock);
		obey(op);
		(void)pthread_mutex_lock(&th->th_lock);
		th->th_op = NULL;
		(void)pthread_cond_broadcast(&th->th_cond);
	}
	(void)pthread_mutex_unlock(&th->th_lock);
	return (NULL);
}

static void
thread_tell(struct um_thread *th, struct um_op *op)
{
	(void)pthread_mutex_lock(&th->th_lock);
	th->th_op = op;
	(void)pthread_cond_broadcast(&th->th_cond);
	(void)pthread_mutex_unlock(&th->th_lock);
}

/* False if it is not done yet and wait is not set. */
static bool
thread_hear(struct um_thread *th, bool wait)
{
	bool done;

	(void)pthread_mutex_lock(&th->th_lock);
	while (wait && th->th_op != NULL)
		(void)pthread_cond_wait(&th->th_cond, &th->th_lock);
	done = th->th_op == NULL;
	(void)pthread_mutex_unlock(&th->th_lock);
	return (done);
}

void
um_threads_start(struct um_world *w)
{
	struct um_thread *th;

	for (th = w->uw_thread + 1; th < w->uw_thread + SEQ_WHO; th++) {
		(void)pthread_mutex_init(&th->th_lock, NULL);
		(void)pthread_cond_init(&th->th_cond, NULL);
		if (pthread_create(&th->th_thread, NULL, thread, th) != 0)
			abort();
		th->th_alive = true;
	}
}

void
um_threads_end(struct um_world *w)
{
	struct um_thread *th;

	for (th = w->uw_thread; th < w->uw_thread + SEQ_WHO; th++) {
		if (!th->th_alive)
			continue;
		(void)pthread_mutex_lock(&th->th_lock);
		th->th_end = true;
		(void)pthread_cond_broadcast(&th->th_cond);
		(void)pthread_mutex_unlock(&th->th_lock);
		(void)pthread_join(th->th_thread, NULL);
		(void)pthread_mutex_destroy(&th->th_lock);
		(void)pthread_cond_destroy(&th->th_cond);
		th->th_alive = false;
	}
}

static void
call(struct um_world *w, int who, struct um_op *op)
{
	if (!w->uw_thread[who].th_alive) {
		obey(op);
		return;
	}
	thread_tell(&w->uw_thread[who], op);
	(void)thread_hear(&w->uw_thread[who], true);
}

/* ---- the wait that sleeps ---------------------------------------------------------- */

static void
sleeper_heard(struct um_world *w)
{
	um_say(w, "[%d] wakes: %d, errno %d\n", w->uw_sleeper,
	    w->uw_sleep.op_ret, w->uw_sleep.op_error);
	w->uw_sleeper = -1;
	um_turned(w, w->uw_asleep, &w->uw_sleep, true);
}

static void
sleeper_settle(struct um_world *w)
{
	const struct um_op *op = &w->uw_sleep;
	bool must;

	if (w->uw_sleeper == -1 || w->uw_why[0] != '\0')
		return;
	must = w->uw_asleep->uq_alert != 0 ||
	    um_count(w, w->uw_asleep, UM_SOON) >= op->op_least;
	if (thread_hear(&w->uw_thread[w->uw_sleeper], must))
		sleeper_heard(w);
}

static void
alert(struct um_world *w, int who, struct um_queue *uq, int number,
    int64_t data)
{
	struct um_op op = { .op_call = UM_ALERT, .op_queue = number };

	op.op_post.po_data = data;
	op.op_post.po_user = EVT_USER(++w->uw_user);
	call(w, who, &op);
	um_say(w, "[%d] evany_alert(%d, %jd): %d\n", who, number,
	    (intmax_t)data, op.op_ret);
	if (op.op_ret != 0)
		um_fail(w, "alert: errno %d", op.op_error);
	uq->uq_alert = data;
	uq->uq_alert_user = op.op_post.po_user;
}

/* Also when something has been found to be wrong. */
void
um_finish_wait(struct um_world *w)
{
	struct um_queue *uq = w->uw_asleep;

	if (w->uw_sleeper == -1)
		return;
	alert(w, 0, uq, w->uw_sleep.op_queue, 1);
	(void)thread_hear(&w->uw_thread[w->uw_sleeper], true);
	sleeper_heard(w);
	alert(w, 0, uq, w->uw_sleep.op_queue, 0);
}

/* ---- files --------------------------------------------------------------------------- */

static bool
is_file(const struct um_file *f)
{
	return (f->mf_kind != UM_QUEUE);
}

static bool
is_any(const struct um_file *f)
{
	(void)f;
	return (true);
}

static bool
is_spare(const struct um_file *f)
{
	return (f->mf_kind != UM_QUEUE || f->mf_refs > 1);
}

static bool
takes(const struct um_file *f)
{
	return ((f->mf_kind == UM_PIPE_W || f->mf_kind == UM_SOCK) &&
	    f->mf_peer != NULL && !f->mf_full &&
	    f->mf_peer->mf_bytes < 10 * CHUNK);
}

static bool
gives(const struct um_file *f)
{
	return (f->mf_bytes > 0);
}

static void
act_write(struct um_world *w, bool fill)
{
	int fd = um_pick(w, takes), sum = 0;
	struct um_file *f;
	ssize_t n;

	if (fd == -1 || (fill && w->uw_sleeper != -1))
		return;
	f = w->uw_fd[fd];
	do {
		n = write(fd, buffer, fill ? sizeof(buffer) : CHUNK);
		sum += n > 0 ? (int)n : 0;
	} while (fill && n > 0);
	um_say(w, "write(%d): %d\n", fd, sum);
	f->mf_peer->mf_bytes += sum;
	f->mf_full = fill;
	um_touched(w, f->mf_peer);
	um_touched(w, f);
}

static void
act_read(struct um_world *w)
{
	int fd = um_pick(w, gives), sum = 0;
	struct um_file *f;
	ssize_t n;

	if (fd == -1 || w->uw_sleeper != -1)
		return;
	f = w->uw_fd[fd];
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		sum += (int)n;
	um_say(w, "read(%d): %d\n", fd, sum);
	if (sum != f->mf_bytes)
		um_fail(w, "the test itself: %d bytes", sum);
	f->mf_bytes = 0;
	um_touched(w, f);
	if (f->mf_peer == NULL)
		return;
	f->mf_peer->mf_full = false;
	um_touched(w, f->mf_peer);
}

static int
numbers(const struct um_world *w)
{
	int fd, n = 0;

	for (fd = 0; fd < UM_NUMBERS; fd++)
		n += w->uw_fd[fd] != NULL;
	return (n);
}

static void
act_new(struct um_world *w)
{
	enum um_kind kind = um_below(w, 3) == 0 ? UM_PIPE_R : UM_SOCK;
	int fd[2] = { -1, -1 }, i;
	struct um_file *a, *b;

	if (numbers(w) > 16)
		return;
	if (um_chance(w, 15)) {
		if ((fd[0] = open("/dev/null", O_RDWR)) == -1)
			abort();
		(void)um_file_new(w, UM_PLAIN, fd[0]);
		um_say(w, "/dev/null: %d\n", fd[0]);
		return;
	}
	if ((kind == UM_SOCK ? socketpair(AF_UNIX, SOCK_STREAM, 0, fd) :
	    pipe(fd)) == -1)
		abort();
	for (i = 0; i < 2; i++)
		if (fcntl(fd[i], F_SETFL, O_NONBLOCK) == -1)
			abort();
	a = um_file_new(w, kind, fd[0]);
	b = um_file_new(w, kind == UM_SOCK ? kind : UM_PIPE_W, fd[1]);
	a->mf_peer = b;
	b->mf_peer = a;
	um_say(w, "%s: %d, %d\n", kind == UM_SOCK ? "sockets" : "pipe", fd[0],
	    fd[1]);
}

static void
act_close(struct um_world *w)
{
	int fd = um_pick(w, is_spare);

	if (fd == -1 || w->uw_sleeper != -1)
		return;
	um_say(w, "close(%d)\n", fd);
	(void)close(fd);
	um_closed(w, fd);
}

static void
act_dup(struct um_world *w)
{
	int fd = um_pick(w, is_any), new;

	if (fd == -1 || numbers(w) > 16)
		return;
	if ((new = dup(fd)) == -1 || new >= UM_NUMBERS)
		abort();
	um_say(w, "dup(%d): %d\n", fd, new);
	um_named(w, new, w->uw_fd[fd]);
}

static void
act_queue(struct um_world *w)
{
	struct um_queue *uq = &w->uw_queue[w->uw_queues];
	struct um_file *f;
	int q;

	if (w->uw_queues == UM_QUEUES)
		return;
	if ((q = evany_queue(0)) == -1 || q >= UM_NUMBERS)
		abort();
	um_say(w, "evany_queue(): %d\n", q);
	memset(uq, 0, sizeof(*uq));
	f = um_file_new(w, UM_QUEUE, q);
	f->mf_queue = w->uw_queues++;
}

/* ---- names ------------------------------------------------------------------------------ */

static void
name_path(char path[4], int name)
{
	(void)snprintf(path, 4, "d/%c", 'a' + name);
}

static void
act_name(struct um_world *w)
{
	int from = (int)um_below(w, UM_NAMES), to;
	char path[4], path2[4];
	int fd;

	name_path(path, from);
	if (!w->uw_name[from] || um_chance(w, 40)) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
		if (fd == -1 || write(fd, "x", 1) != 1 || close(fd) != 0)
			abort();
		um_say(w, "%s: one byte more\n", path);
		if (!w->uw_name[from])
			um_name_touched(w, from, EVANY_MADE);
		um_name_touched(w, from, EVANY_MODIFIED);
		w->uw_name[from] = true;
		return;
	}
	to = (from + 1 + (int)um_below(w, UM_NAMES - 1)) % UM_NAMES;
	name_path(path2, to);
	w->uw_name[from] = false;
	if (um_chance(w, 50)) {
		if (unlink(path) != 0)
			abort();
		um_say(w, "unlink(%s)\n", path);
		um_name_touched(w, from, EVANY_GONE);
		return;
	}
	if (rename(path, path2) != 0)
		abort();
	um_say(w, "rename(%s, %s)\n", path, path2);
	um_name_touched(w, from, EVANY_MOVED_FROM);
	um_name_touched(w, to, EVANY_MOVED_TO);
	w->uw_name[to] = true;
}

/* ---- calls on queues ------------------------------------------------------------------- */

static int
queue_of(const struct um_world *w, int number)
{
	return (w->uw_fd[number]->mf_queue);
}

static bool
is_queue(const struct um_file *f)
{
	return (f->mf_kind == UM_QUEUE);
}

static unsigned
random_mode(struct um_world *w)
{
	static const unsigned modes[] = {
		0, 0, 0, EVANY_EDGE, EVANY_EDGE, EVANY_ONESHOT, EVANY_DISPATCH,
		EVANY_DISPATCH
	};

	if (um_chance(w, 2))
		return (EVANY_EDGE | EVANY_DISPATCH);
	return (modes[um_below(w, EVT_NITEMS(modes))]);
}

/*
 * A number that was closed, but was watched; or one that nothing ever had, for
 * an earlier change of the call may open a descriptor of the library's.
 */
static int
closed_number(struct um_world *w, const struct um_queue *uq, bool first)
{
	const struct um_watch *wa = &uq->uq_watch[um_below(w, UM_WATCHES)];
	int fd = (int)wa->wa_ch.ch_object;

	if (first && wa->wa_ch.ch_source == EVANY_FD && fd < UM_NUMBERS &&
	    w->uw_fd[fd] == NULL && fcntl(fd, F_GETFD) == -1)
		return (fd);
	return (UM_NUMBERS + 100);
}

static void
random_fd(struct um_world *w, int queue, struct evany_change *ch, bool first)
{
	static const unsigned what[] = {
		EVANY_READ, EVANY_READ, EVANY_WRITE, EVANY_READ | EVANY_WRITE,
		EVANY_READ | EVANY_WRITE | EVANY_PRIORITY, EVANY_PRIORITY
	};
	const struct um_queue *uq = &w->uw_queue[queue];
	int fd = um_chance(w, 10) ? closed_number(w, uq, first) :
	    um_pick(w, um_chance(w, 15) ? is_queue : is_file);

	ch->ch_source = EVANY_FD;
	if (fd == -1)
		fd = closed_number(w, uq, first);
	ch->ch_object = (uintptr_t)fd;
	ch->ch_what = um_chance(w, 2) ? 0 : what[um_below(w,
	    EVT_NITEMS(what))];
	ch->ch_flags = random_mode(w) | (um_chance(w, 30) ? EVANY_COUNT : 0);
	if (fd >= UM_NUMBERS || w->uw_fd[fd] == NULL ||
	    !is_queue(w->uw_fd[fd]))
		return;
	/* Queues watch those that came later, and level-triggered. */
	ch->ch_what = EVANY_READ;
	ch->ch_flags = w->uw_fd[fd]->mf_queue > queue ? 0 : EVANY_DROP;
}

static void
random_change(struct um_world *w, int queue, struct evany_change *ch,
    bool first)
{
	static const char *const paths[UM_NAMES] = { "d/a", "d/b", "d/c" };
	unsigned dice = um_below(w, 100);
	bool drop = um_chance(w, 20);

	memset(ch, 0, sizeof(*ch));
	if (dice < 50)
		random_fd(w, queue, ch, first);
	else if (dice < 70) {
		ch->ch_source = EVANY_TIMER;
		ch->ch_object = um_below(w, 3);
		ch->ch_time = um_chance(w, 3) ? -1 : um_chance(w, 60) ? 0 :
		    NEVER;
		ch->ch_period = um_chance(w, 30) ? NEVER : 0;
		ch->ch_flags = um_chance(w, 30) ? EVANY_WALLCLOCK : 0;
	} else if (dice < 80) {
		ch->ch_source = EVANY_SIGNAL;
		ch->ch_object = (uintptr_t)um_signo(um_below(w, UM_SIGNALS));
		ch->ch_flags = random_mode(w);
	} else if (dice < 85) {
		ch->ch_source = EVANY_PROCESS;
		ch->ch_object = (uintptr_t)w->uw_child[um_below(w,
		    UM_CHILDREN)].mc_pid;
		ch->ch_what = EVANY_EXIT;
		ch->ch_flags = random_mode(w);
	} else if (dice < 91) {
		ch->ch_source = EVANY_DIRECTORY;
		ch->ch_object = 1;
		ch->ch_path = "t";
		ch->ch_what = NAME_ACTS;
		ch->ch_flags = EVANY_TREE;
	} else {
		ch->ch_object = um_below(w, UM_NAMES);
		ch->ch_what = NAME_ACTS;
		ch->ch_path = paths[ch->ch_object];
		ch->ch_flags = random_mode(w);
		ch->ch_source = EVANY_FILE;
	}
	if (ch->ch_source == EVANY_FILE && ch->ch_object == 0) {
		ch->ch_source = EVANY_DIRECTORY;
		ch->ch_path = "d";
		ch->ch_flags = 0;
	}
	ch->ch_user = EVT_USER(++w->uw_user);
	if (drop)
		ch->ch_flags = EVANY_DROP;
}

static void
act_turn(struct um_world *w, int who)
{
	struct um_op op = { .op_call = UM_TURN };
	int i, queue;

	if ((op.op_queue = um_pick(w, is_queue)) == -1)
		return;
	queue = queue_of(w, op.op_queue);
	if (w->uw_sleeper != -1 && w->uw_asleep == &w->uw_queue[queue])
		return;
	if (um_chance(w, 60))
		op.op_nch = 1 + (int)um_below(w, UM_CHANGES);
	for (i = 0; i < op.op_nch; i++) {
		random_change(w, queue, &op.op_ch[i], i == 0);
		um_say(w, "    source %d object %ju what %#x flags %#x time "
		    "%jd user %p\n", op.op_ch[i].ch_source,
		    (uintmax_t)op.op_ch[i].ch_object, op.op_ch[i].ch_what,
		    op.op_ch[i].ch_flags, (intmax_t)op.op_ch[i].ch_time,
		    op.op_ch[i].ch_user);
	}
	op.op_most = um_chance(w, 20) ? 0 : 1 + (int)um_below(w, UM_LIST);
	op.op_least = um_chance(w, 50) ? op.op_most > 0 :
	    (int)um_below(w, (unsigned)op.op_most + 1);
	op.op_timeout = um_chance(w, 90) ? 0 : MS / 10;
	if (op.op_nch == 0 && op.op_least <= um_count(w, &w->uw_queue[queue],
	    UM_SOON))
		op.op_timeout = EVT_WAIT_NS;
	call(w, who, &op);
	um_say(w, "[%d] evany_turn(%d, %d changes, %d to %d, %jd ns): %d, "
	    "errno %d\n", who, op.op_queue, op.op_nch, op.op_least, op.op_most,
	    (intmax_t)op.op_timeout, op.op_ret,
	    op.op_ret == -1 ? op.op_error : 0);
	um_turned(w, &w->uw_queue[queue], &op, false);
}

static void
act_post(struct um_world *w, int who)
{
	struct um_op op = { .op_call = UM_POST };
	struct um_queue *uq;

	if ((op.op_queue = um_pick(w, is_queue)) == -1)
		return;
	uq = &w->uw_queue[queue_of(w, op.op_queue)];
	if (uq->uq_posts == UM_POSTS)
		return;
	op.op_post.po_object = um_below(w, 4);
	op.op_post.po_data = (int64_t)seq_rand(&w->uw_rand);
	op.op_post.po_user = EVT_USER(++w->uw_user);
	call(w, who, &op);
	um_say(w, "[%d] evany_post(%d, %ju, %p): %d\n", who, op.op_queue,
	    (uintmax_t)op.op_post.po_object, op.op_post.po_user, op.op_ret);
	if (op.op_ret != 0)
		um_fail(w, "post: errno %d", op.op_error);
	uq->uq_post[uq->uq_posts++] = op.op_post;
}

static void
act_alert(struct um_world *w, int who)
{
	int q = um_pick(w, is_queue);

	if (q != -1)
		alert(w, who, &w->uw_queue[queue_of(w, q)], q,
		    um_chance(w, 70) ? 0 : 1 + um_below(w, 9));
}

static void
act_poll(struct um_world *w, int who)
{
	struct um_op op = { .op_call = UM_POLL };
	enum um_due due;

	if ((op.op_queue = um_pick(w, is_queue)) == -1)
		return;
	due = um_queue_due(w, &w->uw_queue[queue_of(w, op.op_queue)]);
	op.op_timeout = due >= UM_SOON ? EVT_WAIT_NS : 0;
	call(w, who, &op);
	um_say(w, "[%d] poll(%d): %d\n", who, op.op_queue, op.op_ret);
	if (due != UM_MAY && op.op_ret != (due >= UM_SOON))
		um_fail(w, "poll: %d", op.op_ret);
}

static void
act_sleep(struct um_world *w, int who)
{
	struct um_op *op = &w->uw_sleep;
	struct um_queue *uq;
	int q = um_pick(w, is_queue);

	if (q == -1 || !w->uw_thread[who].th_alive || w->uw_sleeper != -1)
		return;
	uq = &w->uw_queue[queue_of(w, q)];
	memset(op, 0, sizeof(*op));
	op->op_queue = q;
	op->op_most = 1 + (int)um_below(w, UM_LIST);
	op->op_least = um_chance(w, 40) ? 1 :
	    1 + (int)um_below(w, (unsigned)op->op_most);
	op->op_timeout = EVANY_FOREVER;
	if (uq->uq_alert != 0 || um_count(w, uq, UM_MAY) >= op->op_least)
		return;
	um_say(w, "[%d] evany_turn(%d, %d to %d) sleeps\n", who, q,
	    op->op_least, op->op_most);
	w->uw_sleeper = who;
	w->uw_asleep = uq;
	thread_tell(&w->uw_thread[who], op);
}

static void
act_request(struct um_world *w, int who)
{
	struct um_op op = { .op_call = UM_AIO };

	if ((op.op_queue = um_pick(w, is_queue)) == -1 ||
	    !um_act_request(w, &op))
		return;
	call(w, who, &op);
	um_asked(w, &w->uw_queue[queue_of(w, op.op_queue)], &op);
}

void
um_act(struct um_world *w, unsigned kind, int who)
{
	if (!w->uw_thread[who].th_alive || who == w->uw_sleeper)
		who = 0;
	switch (kind) {
	case UM_ACT_NEW:
		act_new(w);
		break;
	case UM_ACT_WRITE:
	case UM_ACT_FILL:
		act_write(w, kind == UM_ACT_FILL);
		break;
	case UM_ACT_READ:
		act_read(w);
		break;
	case UM_ACT_CLOSE:
		act_close(w);
		break;
	case UM_ACT_DUP:
		act_dup(w);
		break;
	case UM_ACT_QUEUE:
		act_queue(w);
		break;
	case UM_ACT_TURN:
		act_turn(w, who);
		break;
	case UM_ACT_POST:
		act_post(w, who);
		break;
	case UM_ACT_ALERT:
		act_alert(w, who);
		break;
	case UM_ACT_POLL:
		act_poll(w, who);
		break;
	case UM_ACT_SLEEP:
		act_sleep(w, who);
		break;
	case UM_ACT_NAME:
		act_name(w);
		break;
	case UM_ACT_SIGNAL:
		um_act_signal(w);
		break;
	case UM_ACT_CHILD:
		um_act_child(w);
		break;
	case UM_ACT_REQUEST:
		act_request(w, who);
		break;
	case UM_ACT_TREE:
		um_act_tree(w);
		break;
	}
	sleeper_settle(w);
}
