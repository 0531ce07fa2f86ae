/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * EVFILT_FS: mounts and unmounts.
 *
 * Mounting is done in a child with a name space of its own; what must hold
 * without any mount is checked everywhere.
 */
#include "config.h"

#include "evt_child.h"

#ifdef __linux__
#include <sys/mount.h>
#include <sys/stat.h>

#include <sched.h>
#endif

#ifdef EVFILT_FS

static void
need_fs(int kq)
{
	int error;

	error = evt_change_errno(kq, 1, EVFILT_FS, EV_ADD, 0, 0, NULL);
	if (error != 0 && evt_native())
		atf_tc_skip("EVFILT_FS: %s", strerror(error));
	ATF_REQUIRE_EQ_MSG(0, error, "%s", strerror(error));
}

EVT_TC(knote__silent_without_mounts, "KQ-238",
    "A knote that nobody mounts anything for is silent, and can be deleted")
{
	int kq;

	kq = evt_kq();
	need_fs(kq);
	evt_none(kq);
	ATF_REQUIRE(!evt_readable(kq, 0));
	evt_change(kq, 1, EVFILT_FS, EV_ADD, 0, 0, &kq);
	evt_change(kq, 1, EVFILT_FS, EV_DELETE, 0, 0, NULL);
	ATF_REQUIRE_EQ(ENOENT, evt_change_errno(kq, 1, EVFILT_FS, EV_DELETE,
	    0, 0, NULL));
	evt_none(kq);
	evt_close(kq);
}

#ifdef __linux__
enum { NOT_ALLOWED = 1, FAILED };

static int
step_failed(int line)
{
	printf("line %d: %s\n", line, strerror(errno));
	(void)fflush(stdout);
	return (FAILED);
}
#define STEP(cond) do {							\
	if (!(cond))							\
		return (step_failed(__LINE__));				\
} while (0)

/* The notes of FS events of the ident until the wanted ones are there. */
static unsigned int
fs_notes(int kq, uintptr_t ident, unsigned int want, int *events)
{
	struct kevent ev;
	unsigned int notes = 0;

	*events = 0;
	while (evt_kevent_ms(kq, NULL, 0, &ev, 1,
	    (notes & want) != want ? EVT_WAIT_MS : EVT_QUIET_MS) == 1) {
		if (ev.ident != ident || ev.filter != EVFILT_FS ||
		    (ev.flags & EV_ERROR) != 0)
			return (0xffffffffU);
		notes |= (unsigned int)ev.fflags;
		++*events;
		if (*events > 10)
			return (0xfffffffeU);
	}
	return (notes);
}

static int
mount_in_child(void *arg)
{
	struct kevent ev;
	int kq, kq2, n;

	(void)arg;
	if (unshare(CLONE_NEWNS) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
		return (NOT_ALLOWED);
	STEP(mkdir("mnt", 0755) == 0 && mkdir("mnt2", 0755) == 0);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", "mnt", "tmpfs", 0, NULL) == -1)
		return (NOT_ALLOWED);
	STEP((kq = kqueue()) != -1 && (kq2 = kqueue()) != -1);
	EV_SET(&ev, 7, EVFILT_FS, EV_ADD, 0, 0, NULL);
	STEP(evt_kevent(kq, &ev, 1, NULL, 0, NULL) == 0);
	STEP(evt_kevent(kq2, &ev, 1, NULL, 0, NULL) == 0);
	/* what was mounted before is not told */
	STEP(fs_notes(kq, 7, 0, &n) == 0);

	STEP(mount("none", "mnt2", "tmpfs", 0, NULL) == 0);
	STEP(fs_notes(kq, 7, VQ_MOUNT, &n) == VQ_MOUNT && n == 1);
	STEP(umount("mnt2") == 0);
	STEP(fs_notes(kq, 7, VQ_UNMOUNT, &n) == VQ_UNMOUNT && n == 1);
	/* one queue has looked, the other has both to tell */
	STEP(fs_notes(kq2, 7, VQ_MOUNT | VQ_UNMOUNT, &n) != 0);

	/* one mount goes as another comes: their number stays the same */
	STEP(umount("mnt") == 0);
	STEP(mount("none", "mnt2", "tmpfs", 0, NULL) == 0);
	STEP(fs_notes(kq, 7, VQ_MOUNT | VQ_UNMOUNT, &n) ==
	    (VQ_MOUNT | VQ_UNMOUNT));

	/* poll(2) sees it as well */
	STEP(!evt_readable(kq, 0));
	STEP(umount("mnt2") == 0);
	STEP(evt_readable(kq, EVT_WAIT_MS));
	STEP(fs_notes(kq, 7, VQ_UNMOUNT, &n) == VQ_UNMOUNT);

	/* deleted: silent */
	EV_SET(&ev, 7, EVFILT_FS, EV_DELETE, 0, 0, NULL);
	STEP(evt_kevent(kq, &ev, 1, NULL, 0, NULL) == 0);
	STEP(mount("none", "mnt", "tmpfs", 0, NULL) == 0);
	STEP(fs_notes(kq, 7, 0, &n) == 0);
	STEP(umount("mnt") == 0);
	return (0);
}
#endif

EVT_TC(mount__told, "KQ-238",
    "A mount is VQ_MOUNT and an unmount VQ_UNMOUNT, once each")
{
#ifdef __linux__
	int kq, result;

	kq = evt_kq();
	need_fs(kq);
	evt_close(kq);
	if ((result = evt_in_child(mount_in_child, NULL)) == NOT_ALLOWED)
		atf_tc_skip("mounting in a name space of one's own is "
		    "forbidden here");
	ATF_REQUIRE_EQ(0, result);
#else
	atf_tc_skip("mounting needs the superuser");
#endif
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, knote__silent_without_mounts);
	EVT_TP_ADD_TC(tp, mount__told);
	return (atf_no_error());
}

#else
EVT_TC(mount__unknown, "KQ-238", "This system does not tell mounts")
{
	atf_tc_skip("no EVFILT_FS");
}

ATF_TP_ADD_TCS(tp)
{
	EVT_TP_ADD_TC(tp, mount__unknown);
	return (atf_no_error());
}
#endif
