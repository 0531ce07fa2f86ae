/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * Closing and reusing watched descriptors.
 *
 * A knote belongs to a number, not to the open file behind it.  The hard case
 * is a survivor: a duplicate that keeps the file of a closed number open, so
 * that a mechanism which watches files goes on reporting it.  Watched numbers
 * are high ones (CLOSE_NUMBER and up), so that nothing else takes them.
 */
#include "config.h"

#include "evt.h"

#include <sys/socket.h>
#include <sys/stat.h>


#include <limits.h>

#define CLOSE_NUMBER	200

/* Modes in which a knote can be registered. */
static const unsigned int close_modes[] = {
	0, EV_CLEAR, EV_ONESHOT, EV_DISPATCH
};

/*
 * A unix stream pair: one end on the number, with a byte to read and room to
 * write, perhaps with a survivor; the other end is the peer.
 */
struct close_object {
	int	co_fd;
	int	co_survivor;
	int	co_peer;
};

static void
close_object_make(struct close_object *co, int number, bool survivor,
    size_t bytes)
{
	int s[2];

	evt_sockpair(s, SOCK_STREAM);
	co->co_peer = s[1];
	if (bytes > 0)
		evt_write(s[1], bytes);
	co->co_fd = evt_move(s[0], number);
	co->co_survivor = -1;
	if (survivor)
		ATF_REQUIRE((co->co_survivor = dup(number)) != -1);
}

static void
close_object_end(struct close_object *co)
{
	if (co->co_survivor != -1)
		evt_close(co->co_survivor);
	evt_close(co->co_peer);
}

/* For every mode, both filters, with and without a look before the close. */
static void
close_ready_number(bool survivor)
{
	struct close_object co;
	struct kevent ev[4];
	int i, kq, looked;

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(close_modes); i++)
		for (looked = 0; looked < 2; looked++) {
			close_object_make(&co, CLOSE_NUMBER, survivor, 1);
			evt_change(kq, co.co_fd, EVFILT_READ,
			    EV_ADD | close_modes[i], 0, 0, NULL);
			evt_change(kq, co.co_fd, EVFILT_WRITE,
			    EV_ADD | close_modes[i], 0, 0, NULL);
			ATF_REQUIRE(evt_readable(kq, EVT_WAIT_MS));
			if (looked)
				ATF_REQUIRE_EQ(evt_get(kq, ev, 4), 2);
			evt_close(co.co_fd);
			evt_none(kq);
			ATF_REQUIRE_EQ(evt_change_errno(kq, co.co_fd,
			    EVFILT_READ, EV_DELETE, 0, 0, NULL), EBADF);
			ATF_REQUIRE_EQ(evt_change_errno(kq, co.co_fd,
			    EVFILT_WRITE, EV_DELETE, 0, 0, NULL), EBADF);
			if (survivor)
				evt_write(co.co_peer, 1);
			evt_none(kq);
			ATF_REQUIRE(!evt_readable(kq, 0));
			close_object_end(&co);
		}
	evt_close(kq);
}

EVT_TC(close__ready_knotes_are_gone, "KQ-101 KQ-089",
    "After close(2) no event for the number comes and its knotes are gone")
{
	close_ready_number(false);
}

EVT_TC(close__ready_knotes_are_gone_with_survivor, "KQ-101 KQ-102 KQ-089",
    "The same while a duplicate that is not registered keeps the file open")
{
	close_ready_number(true);
}

EVT_TC(close__second_half_of_a_short_list_is_dropped, "KQ-101 KQ-102",
    "An event that found no room and waits in the queue goes with the close")
{
	struct close_object co;
	struct kevent ev;
	int kq, mode;

	kq = evt_kq();
	for (mode = 0; mode < EVT_NITEMS(close_modes); mode++) {
		close_object_make(&co, CLOSE_NUMBER, true, 1);
		evt_change(kq, co.co_fd, EVFILT_READ,
		    EV_ADD | close_modes[mode], 0, 0, NULL);
		evt_change(kq, co.co_fd, EVFILT_WRITE,
		    EV_ADD | close_modes[mode], 0, 0, NULL);
		ATF_REQUIRE_EQ(evt_get(kq, &ev, 1), 1);
		evt_close(co.co_fd);
		evt_none(kq);
		close_object_end(&co);
	}
	evt_idle(kq);
	evt_close(kq);
}

EVT_TC(close__queued_file_events_are_dropped, "KQ-101 KQ-103",
    "Regular files, always ready to write, are silent once closed, though "
    "their events stood in the queue")
{
	char path[3][EVT_PATH_MAX];
	struct kevent ev;
	int fd[3], i, kq;

	kq = evt_kq();
	for (i = 0; i < 3; i++) {
		fd[i] = evt_move(evt_tmpfile(path[i]), CLOSE_NUMBER + i);
		evt_write(fd[i], 3);
		ATF_REQUIRE(lseek(fd[i], 0, SEEK_SET) == 0);
		evt_change(kq, fd[i], EVFILT_READ, EV_ADD, 0, 0, NULL);
		evt_change(kq, fd[i], EVFILT_VNODE, EV_ADD, NOTE_ATTRIB, 0,
		    NULL);
		ATF_REQUIRE(fchmod(fd[i], 0600) == 0);
	}
	ATF_REQUIRE_EQ(evt_get(kq, &ev, 1), 1);
	for (i = 0; i < 3; i++)
		evt_close(fd[i]);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(evt_change_errno(kq, fd[i], EVFILT_READ,
		    EV_DELETE, 0, 0, NULL), EBADF);
		ATF_REQUIRE_EQ(evt_change_errno(kq, fd[i], EVFILT_VNODE,
		    EV_DELETE, 0, 0, NULL), EBADF);
	}
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE(chmod(path[i], 0644) == 0);
		ATF_REQUIRE(unlink(path[i]) == 0);
	}
	evt_none(kq);
	evt_close(kq);
}

EVT_TC(close__file_number_reused_by_another_file, "KQ-103 KQ-101",
    "Another regular file on the number of a closed one has no knotes")
{
	char path[2][EVT_PATH_MAX];
	struct kevent ev;
	int fd, kq, other;

	kq = evt_kq();
	fd = evt_move(evt_tmpfile(path[0]), CLOSE_NUMBER);
	other = evt_tmpfile(path[1]);
	evt_write(fd, 3);
	ATF_REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
	evt_change(kq, fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_change(kq, fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_WRITE, 0,
	    NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 3);
	evt_close(fd);

	evt_write(other, 5);
	ATF_REQUIRE(lseek(other, 0, SEEK_SET) == 0);
	(void)evt_move(other, fd);
	evt_none(kq);
	evt_write(fd, 1);
	evt_none(kq);
	ATF_REQUIRE_EQ(evt_change_errno(kq, fd, EVFILT_READ, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	ATF_REQUIRE_EQ(evt_change_errno(kq, fd, EVFILT_VNODE, EV_ENABLE,
	    NOTE_WRITE, 0, NULL), ENOENT);
	evt_change(kq, fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, fd, EVFILT_READ, 0, 0, 4);
	ATF_REQUIRE(unlink(path[0]) == 0);
	ATF_REQUIRE(unlink(path[1]) == 0);
	evt_close(fd);
	evt_close(kq);
}

EVT_TC(close__same_file_opened_again, "KQ-103",
    "A new open of the watched file on the same number has no knotes")
{
	char path[EVT_PATH_MAX];
	struct kevent ev;
	int error, fd, kq;

	kq = evt_kq();
	fd = evt_move(evt_tmpfile(path), CLOSE_NUMBER);
	evt_write(fd, 3);
	ATF_REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
	evt_change(kq, fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_close(fd);
	(void)evt_move(open(path, O_RDONLY), fd);
	EVT_WRAPPED(evt_poll(kq, &ev, 1) == 0, "a new open of the same file "
	    "on the same number inherits the knotes");
	error = evt_change_errno(kq, fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
	ATF_REQUIRE(error == 0 || error == ENOENT);
	ATF_REQUIRE_EQ(evt_change_errno(kq, fd, EVFILT_READ, EV_DELETE, 0, 0,
	    NULL), ENOENT);
	evt_none(kq);
	ATF_REQUIRE(unlink(path) == 0);
	evt_close(fd);
	evt_close(kq);
}

/* Two registered duplicates of one file; closes the first or the second. */
static void
close_one_duplicate(unsigned int mode, bool first)
{
	struct close_object co;
	struct kevent ev;
	int kept, kq, other;

	kq = evt_kq();
	close_object_make(&co, CLOSE_NUMBER, false, 0);
	other = CLOSE_NUMBER + 1;
	ATF_REQUIRE(dup2(co.co_fd, other) == other);
	evt_change(kq, co.co_fd, EVFILT_READ, EV_ADD | mode, 0, 0, &kq);
	evt_change(kq, other, EVFILT_READ, EV_ADD | mode, 0, 0, &kept);
	kept = first ? other : co.co_fd;
	evt_close(first ? co.co_fd : other);

	evt_write(co.co_peer, 2);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, kept, EVFILT_READ, mode, 0, 2);
	ATF_REQUIRE((void *)ev.udata == (first ? (void *)&kept : (void *)&kq));
	if (mode != EV_ONESHOT) {
		(void)evt_drain(kept);
		evt_write(co.co_peer, 3);
		evt_change(kq, kept, EVFILT_READ, EV_ENABLE, 0, 0, NULL);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, kept, EVFILT_READ, mode, 0, 3);
	}
	(void)evt_drain(kept);
	evt_idle(kq);
	ATF_REQUIRE_EQ(evt_change_errno(kq, kept, EVFILT_READ, EV_DELETE, 0,
	    0, NULL), mode == EV_ONESHOT ? ENOENT : 0);
	evt_write(co.co_peer, 1);
	evt_none(kq);
	evt_close(kept);
	evt_close(co.co_peer);
	evt_close(kq);
}

EVT_TC(close__other_duplicate_stays, "KQ-102 KQ-069",
    "Closing one of two registered duplicates removes only its own knotes, "
    "whichever was registered first")
{
	int i;

	for (i = 0; i < EVT_NITEMS(close_modes); i++) {
		close_one_duplicate(close_modes[i], true);
		close_one_duplicate(close_modes[i], false);
	}
}

EVT_TC(close__chain_of_duplicates, "KQ-102 KQ-265",
    "Of twenty registered duplicates closed one after the other, exactly the "
    "open ones report")
{
	struct kevent ev[40];
	int fd, i, j, kq, n, p[2], seen[20];

	kq = evt_kq();
	evt_pipe(p);
	for (i = 0; i < 20; i++) {
		fd = CLOSE_NUMBER + i;
		ATF_REQUIRE(dup2(p[0], fd) == fd);
		evt_change(kq, fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
	}
	evt_write(p[1], 4);
	for (i = 0; i <= 20; i++) {
		n = evt_poll(kq, ev, 40);
		ATF_REQUIRE_EQ_MSG(n, 20 - i, "%d of %d", n, 20 - i);
		memset(seen, 0, sizeof(seen));
		for (j = 0; j < n; j++) {
			EVT_EVENT(&ev[j], ev[j].ident, EVFILT_READ, 0, 0, 4);
			fd = (int)ev[j].ident - CLOSE_NUMBER;
			ATF_REQUIRE(fd >= i && fd < 20 && !seen[fd]);
			seen[fd] = 1;
		}
		if (i < 20)
			evt_close(CLOSE_NUMBER + i);
	}
	evt_idle(kq);
	evt_close(p[0]);
	evt_close(p[1]);
	evt_close(kq);
}

/* Closes a number, and puts another file there that is ready too. */
static void
reuse_unadded(int filter, unsigned int mode, bool looked)
{
	struct close_object next, old;
	struct kevent ev;
	int kq;

	kq = evt_kq();
	close_object_make(&old, CLOSE_NUMBER, false, looked ? 1 : 0);
	evt_change(kq, old.co_fd, filter, EV_ADD | mode, 0, 0, NULL);
	if (looked)
		evt_one(kq, &ev);
	evt_close(old.co_fd);
	close_object_make(&next, CLOSE_NUMBER, false, 7);
	evt_none(kq);
	evt_write(next.co_peer, 1);
	evt_none(kq);
	ATF_REQUIRE_EQ(evt_change_errno(kq, next.co_fd, filter, EV_DELETE, 0,
	    0, NULL), ENOENT);
	evt_close(next.co_fd);
	close_object_end(&next);
	close_object_end(&old);
	evt_close(kq);
}

EVT_TC(reuse__new_file_is_not_reported, "KQ-103",
    "A number reused by a ready file that was not added gives no event, in "
    "no mode of the old knote")
{
	int i;

	for (i = 0; i < EVT_NITEMS(close_modes); i++) {
		reuse_unadded(EVFILT_READ, close_modes[i], false);
		reuse_unadded(EVFILT_READ, close_modes[i], true);
		reuse_unadded(EVFILT_WRITE, close_modes[i], true);
	}
}

EVT_TC(reuse__changes_find_nothing, "KQ-103 KQ-088",
    "On a reused number every change but EV_ADD is ENOENT, whether or not a "
    "duplicate keeps the old file")
{
	static const unsigned int actions[] = {
		EV_DELETE, EV_DISABLE, EV_ENABLE, 0
	};
	struct close_object next, old;
	int error, filter, i, kq, survivor;

	for (filter = 0; filter < 2; filter++)
		for (survivor = 0; survivor < 2; survivor++)
			for (i = 0; i < EVT_NITEMS(actions); i++) {
				int f = filter ? EVFILT_WRITE : EVFILT_READ;

				kq = evt_kq();
				close_object_make(&old, CLOSE_NUMBER,
				    survivor, 0);
				evt_change(kq, old.co_fd, f, EV_ADD |
				    (actions[i] == EV_ENABLE ? EV_DISABLE : 0),
				    0, 0, NULL);
				evt_close(old.co_fd);
				close_object_make(&next, CLOSE_NUMBER, false,
				    0);
				error = evt_change_errno(kq, next.co_fd, f,
				    actions[i], 0, 0, NULL);
				ATF_CHECK_EQ_MSG(error, ENOENT,
				    "flags %#x, survivor %d: %s", actions[i],
				    survivor, strerror(error));
				evt_none(kq);
				evt_close(next.co_fd);
				close_object_end(&next);
				close_object_end(&old);
				evt_close(kq);
			}
}

/*
 * Nothing of the old knote may show in the new one: mode, state, low-water
 * mark, udata.  The old file, if it lives, may do what it likes.
 */
static void
reuse_added(unsigned int oldflags, unsigned int newflags, bool survivor)
{
	struct close_object next, old;
	struct kevent ev;
	int kq;

	kq = evt_kq();
	close_object_make(&old, CLOSE_NUMBER, survivor, 3);
	evt_change(kq, old.co_fd, EVFILT_READ, EV_ADD | oldflags, NOTE_LOWAT,
	    100, &old);
	evt_none(kq);
	evt_close(old.co_fd);
	close_object_make(&next, CLOSE_NUMBER, false, 0);
	evt_change(kq, next.co_fd, EVFILT_READ, EV_ADD | newflags, 0, 0,
	    &next);
	evt_none(kq);
	if (survivor) {
		evt_write(old.co_peer, 200);
		evt_idle(kq);
	}

	evt_write(next.co_peer, 5);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, next.co_fd, EVFILT_READ, newflags, 0, 5);
	ATF_REQUIRE((void *)ev.udata == (void *)&next);
	switch (newflags) {
	case 0:
		evt_one(kq, &ev);
		EVT_EVENT(&ev, next.co_fd, EVFILT_READ, 0, 0, 5);
		break;
	case EV_CLEAR:
		evt_none(kq);
		evt_write(next.co_peer, 1);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, next.co_fd, EVFILT_READ, EV_CLEAR, 0, 6);
		break;
	case EV_DISPATCH:
		evt_none(kq);
		evt_change(kq, next.co_fd, EVFILT_READ, EV_ENABLE, 0, 0,
		    &next);
		evt_one(kq, &ev);
		EVT_EVENT(&ev, next.co_fd, EVFILT_READ, EV_DISPATCH, 0, 5);
		break;
	default:
		evt_none(kq);
		break;
	}
	(void)evt_drain(next.co_fd);
	if (survivor) {
		evt_write(old.co_peer, 1);
		evt_none(kq);
	}
	/* The old file's end must not end the new knote. */
	close_object_end(&old);
	evt_none(kq);
	ATF_REQUIRE_EQ(evt_change_errno(kq, next.co_fd, EVFILT_READ,
	    EV_DELETE, 0, 0, NULL), newflags == EV_ONESHOT ? ENOENT : 0);
	evt_close(next.co_fd);
	close_object_end(&next);
	evt_close(kq);
}

EVT_TC(reuse__added_again_is_a_fresh_knote, "KQ-103",
    "EV_ADD on a reused number makes a knote that has nothing of the old one")
{
	int i, j;

	for (i = 0; i < EVT_NITEMS(close_modes); i++)
		for (j = 0; j < EVT_NITEMS(close_modes); j++)
			reuse_added(close_modes[i], close_modes[j], false);
	reuse_added(EV_DISABLE, 0, false);
}

EVT_TC(reuse__added_again_with_survivor, "KQ-103 KQ-102 KQ-265",
    "The same while a duplicate keeps the old file open and ready: the new "
    "file reports, the old one never again")
{
	int i;

	for (i = 0; i < EVT_NITEMS(close_modes); i++) {
		reuse_added(close_modes[i], 0, true);
		reuse_added(close_modes[i], EV_CLEAR, true);
	}
	reuse_added(0, EV_ONESHOT, true);
	reuse_added(0, EV_DISPATCH, true);
	reuse_added(EV_DISABLE, 0, true);
}

EVT_TC(reuse__not_added_with_survivor, "KQ-103 KQ-265",
    "A number reused and not added, its old file kept ready by a duplicate: "
    "no byte count of the old file comes, and the first change ends it")
{
	struct close_object next, old;
	struct kevent ev;
	int i, kq, n;

	kq = evt_kq();
	for (i = 0; i < EVT_NITEMS(close_modes); i++) {
		close_object_make(&old, CLOSE_NUMBER, true, 9);
		evt_change(kq, old.co_fd, EVFILT_READ, EV_ADD |
		    close_modes[i], 0, 0, NULL);
		evt_close(old.co_fd);
		close_object_make(&next, CLOSE_NUMBER, false, 0);
		n = evt_poll(kq, &ev, 1);
		EVT_WRAPPED(n == 0, "an old file reports on a reused number");
		if (n == 1) {
			ATF_REQUIRE_EQ(ev.ident, (uintptr_t)next.co_fd);
			ATF_REQUIRE(ev.data != 9);
		}
		ATF_REQUIRE_EQ(evt_change_errno(kq, next.co_fd, EVFILT_READ,
		    EV_DELETE, 0, 0, NULL), ENOENT);
		evt_idle(kq);
		evt_write(next.co_peer, 1);
		evt_write(old.co_peer, 1);
		evt_idle(kq);
		evt_close(next.co_fd);
		close_object_end(&next);
		close_object_end(&old);
	}
	evt_close(kq);
}

/* A number that was watched as old's kind of file, and is let go of. */
static int
reuse_kind(int kq, bool sockets)
{
	struct kevent ev;
	int number, s[2];

	if (sockets)
		evt_sockpair(s, SOCK_STREAM);
	else
		evt_pipe(s);
	evt_write(s[1], 1);
	number = evt_move(s[0], CLOSE_NUMBER);
	evt_change(kq, number, EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0, NULL);
	evt_one(kq, &ev);
	EVT_EVENT(&ev, number, EVFILT_READ, EV_ONESHOT, 0, 1);
	evt_close(number);
	return (s[1]);
}

EVT_TC(reuse__another_kind_of_file, "KQ-103",
    "The space to write is that of the file that the number names now, "
    "whatever kind it was of when its last knote ended")
{
	struct kevent ev;
	int i, kq, other, s[2];

	for (i = 0; i < 2; i++) {
		kq = evt_kq();
		other = reuse_kind(kq, i == 1);
		if (i == 0)
			evt_sockpair(s, SOCK_STREAM);
		else
			evt_pipe(s);
		s[1] = evt_move(s[1], CLOSE_NUMBER);
		evt_change(kq, s[1], EVFILT_WRITE, EV_ADD, 0, 0, NULL);
		evt_one(kq, &ev);
		ATF_REQUIRE_EQ((int)ev.ident, s[1]);
		ATF_REQUIRE_EQ(ev.flags, 0);
		ATF_REQUIRE_MSG(ev.data >= PIPE_BUF, "%jd bytes of space",
		    (intmax_t)ev.data);
		evt_close(other);
		evt_close(s[0]);
		evt_close(s[1]);
		evt_close(kq);
	}
}

EVT_TC(reuse__many_times, "KQ-103 KQ-101",
    "A number that is closed and added again thousands of times reports each "
    "file exactly once, and its own bytes")
{
	struct kevent change, ev[4];
	int i, kq, n, p[2], survivor = -1;

	kq = evt_kq();
	for (i = 0; i < 5000; i++) {
		evt_pipe(p);
		(void)evt_move(p[0], CLOSE_NUMBER);
		evt_write(p[1], 1 + (size_t)i % 50);
		EV_SET(&change, CLOSE_NUMBER, EVFILT_READ, EV_ADD |
		    (i % 3 == 0 ? EV_CLEAR : 0), 0, 0, NULL);
		n = evt_kevent_ms(kq, &change, 1, ev, 4, EVT_WAIT_MS);
		ATF_REQUIRE_EQ_MSG(n, 1, "round %d: %d events", i, n);
		EVT_EVENT(&ev[0], CLOSE_NUMBER, EVFILT_READ,
		    i % 3 == 0 ? EV_CLEAR : 0, 0, 1 + i % 50);
		if (survivor != -1)
			evt_close(survivor);
		survivor = -1;
		if (i % 7 == 0)
			ATF_REQUIRE((survivor = dup(CLOSE_NUMBER)) != -1);
		evt_close(CLOSE_NUMBER);
		evt_close(p[1]);
	}
	if (survivor != -1)
		evt_close(survivor);
	evt_idle(kq);
	evt_close(kq);
}

EVT_TC(delete__address_is_free, "KQ-101",
    "After EV_DELETE nothing keeps the file: once it is closed its address can "
    "be bound again")
{
	unsigned short port;
	int i, kq, s;

	kq = evt_kq();
	for (i = 0; i < 8; i++) {
		port = 0;
		s = evt_udp(&port);
		evt_change(kq, s, EVFILT_READ, EV_ADD, 0, 0, NULL);
		evt_none(kq);
		evt_change(kq, s, EVFILT_READ, EV_DELETE, 0, 0, NULL);
		evt_close(s);
		evt_close(evt_udp(&port));
	}
	evt_close(kq);
}

EVT_TC(peer_close__is_an_event, "KQ-107",
    "Closing the other end is EV_EOF; the knote stays")
{
	struct close_object co;
	struct kevent ev[4];
	int i, kq, n;

	kq = evt_kq();
	close_object_make(&co, CLOSE_NUMBER, false, 0);
	evt_change(kq, co.co_fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
	evt_none(kq);
	close_object_end(&co);
	for (i = 0; i < 3; i++) {
		n = evt_get(kq, ev, 4);
		ATF_REQUIRE_EQ(n, 1);
		EVT_EVENT(&ev[0], co.co_fd, EVFILT_READ, EV_EOF, 0, 0);
	}
	evt_change(kq, co.co_fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
	evt_none(kq);
	evt_close(co.co_fd);
	evt_close(kq);
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, close__ready_knotes_are_gone);
	EVT_TP_ADD_TC(tp, close__ready_knotes_are_gone_with_survivor);
	EVT_TP_ADD_TC(tp, close__second_half_of_a_short_list_is_dropped);
	EVT_TP_ADD_TC(tp, close__queued_file_events_are_dropped);
	EVT_TP_ADD_TC(tp, close__file_number_reused_by_another_file);
	EVT_TP_ADD_TC(tp, close__same_file_opened_again);
	EVT_TP_ADD_TC(tp, close__other_duplicate_stays);
	EVT_TP_ADD_TC(tp, close__chain_of_duplicates);
	EVT_TP_ADD_TC(tp, reuse__new_file_is_not_reported);
	EVT_TP_ADD_TC(tp, reuse__changes_find_nothing);
	EVT_TP_ADD_TC(tp, reuse__added_again_is_a_fresh_knote);
	EVT_TP_ADD_TC(tp, reuse__added_again_with_survivor);
	EVT_TP_ADD_TC(tp, reuse__not_added_with_survivor);
	EVT_TP_ADD_TC(tp, reuse__another_kind_of_file);
	EVT_TP_ADD_TC(tp, reuse__many_times);
	EVT_TP_ADD_TC(tp, delete__address_is_free);
	EVT_TP_ADD_TC(tp, peer_close__is_an_event);
	return (atf_no_error());
}
