// SPDX-License-Identifier: GPL-2.0
#include "observe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "util.h"

/* Since Linux 5.15 */
#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, uint64_t)
#endif

/* Which one it is; only numbers, so that all bytes have a value */
struct which {
	uint64_t is_block;
	uint64_t device;
	uint64_t number;	/* inode, or the kernel's count of disks */
	int64_t birth;
};

/* How it was left */
struct traces {
	struct which which;
	uint64_t size;
	int64_t modified;
	int64_t changed;
};

/* The same of a file, without what is another after each boot: numbers of devices */
struct lasting {
	uint64_t inode;
	int64_t birth;
	uint64_t size;
	int64_t modified;
	int64_t changed;
};

static int64_t to_ns(const struct statx_timestamp *ts)
{
	return ts->tv_sec * 1000000000ll + ts->tv_nsec;
}

static int observe(const struct io_file *file, struct traces *t)
{
	struct statx st;

	memset(t, 0, sizeof(*t));
	if (statx(file->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME,
		  &st))
		return -errno;
	t->which.is_block = file->is_block;
	if (file->is_block) {
		t->which.device = makedev(st.stx_rdev_major, st.stx_rdev_minor);
		if (ioctl(file->fd, BLKGETDISKSEQ, &t->which.number))
			t->which.number = 0;
		if (ioctl(file->fd, BLKGETSIZE64, &t->size))
			return -errno;
		return 0;
	}
	t->which.device = makedev(st.stx_dev_major, st.stx_dev_minor);
	t->which.number = st.stx_ino;
	if (st.stx_mask & STATX_BTIME)
		t->which.birth = to_ns(&st.stx_btime);
	t->size = st.stx_size;
	t->modified = to_ns(&st.stx_mtime);
	t->changed = to_ns(&st.stx_ctime);
	return 0;
}

/*
 * Return: false if nobody could know it again after a boot. A disk may have been set
 * back to a snapshot by then, or be another one in the same place, and does not tell.
 */
static bool make_lasting(const struct traces *t, struct lasting *lasting)
{
	if (t->which.is_block)
		return false;
	lasting->inode = t->which.number;
	lasting->birth = t->which.birth;
	lasting->size = t->size;
	lasting->modified = t->modified;
	lasting->changed = t->changed;
	return true;
}

int64_t observe_changed(const struct io_file *files, unsigned int count)
{
	struct statx st;
	int64_t last = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (files[i].is_block ||
		    statx(files[i].fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
			  STATX_CTIME, &st))
			continue;
		last = MAX(last, to_ns(&st.stx_ctime));
	}
	return last;
}

int observe_members(const struct io_file *files, unsigned int count,
		    struct observed *now)
{
	struct traces *traces = calloc(count, sizeof(*traces));
	struct lasting *lasting = calloc(count, sizeof(*lasting));
	struct iovec *which = calloc(count, sizeof(*which));
	const struct iovec all = {
		.iov_base = traces,
		.iov_len = count * sizeof(*traces),
	};
	const struct iovec lasts = {
		.iov_base = lasting,
		.iov_len = count * sizeof(*lasting),
	};
	int err = traces && lasting && which ? 0 : -ENOMEM;
	unsigned int i;

	memset(now, 0, sizeof(*now));
	now->lasts = true;
	for (i = 0; !err && i < count; i++) {
		err = observe(&files[i], &traces[i]);
		which[i].iov_base = &traces[i].which;
		which[i].iov_len = sizeof(traces[i].which);
		now->changed = MAX(now->changed, traces[i].changed);
		now->lasts &= !err && make_lasting(&traces[i], &lasting[i]);
	}
	if (!err) {
		identity_hash(which, count, now->identity);
		identity_hash(&all, 1, now->stamp);
		identity_hash(&lasts, 1, now->lasting);
	}
	free(traces);
	free(lasting);
	free(which);
	return err;
}
