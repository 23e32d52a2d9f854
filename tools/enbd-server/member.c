// SPDX-License-Identifier: GPL-2.0
#include "member.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "holder.h"
#include "log.h"

#define PREF_MIN	4096u
#define PREF_MAX	(1u << 20)
/* How long the claim of a server that was killed may outlive its locks */
#define CLAIM_WAIT_MS	1000
#define CLAIM_NAP_MS	50

static int take_lock(int fd, void *lock)
{
	return fcntl(fd, F_OFD_SETLK, lock);
}

/*
 * Locks of the open file, not of the process: they stay with the descriptor,
 * whatever else is opened and closed here, and other servers respect them.
 */
static int lock_member(const struct io_file *file, const char *path,
		       bool read_only, struct enbd_err *err)
{
	struct flock lock = {
		.l_type = read_only ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};
	char holder[128];

	if (!holder_lock(file->fd, take_lock, &lock, holder, sizeof(holder)))
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return enbd_fail(err, ENBD_EXIT_BUSY,
				 "%s: in use by %s; stop that, or serve it read-only from both",
				 path, holder);
	if (errno == EOPNOTSUPP || errno == ENOLCK || errno == EINVAL) {
		enbd_note("%s: its file system has no locks; make sure that no other server writes to it",
			  path);
		return 0;
	}
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "%s: cannot lock: %s; check the file system", path,
			 strerror(errno));
}

static uint32_t power_of_two(uint64_t value, uint32_t min, uint32_t max)
{
	uint32_t p = min;

	while (p < max && p < value)
		p *= 2;
	return p;
}

static int block_facts(const struct io_file *file, const char *path,
		       struct member_facts *facts, struct enbd_err *err)
{
	unsigned short rotational = 0;
	unsigned int io_opt = 0;
	int logical = 0;

	if (ioctl(file->fd, BLKGETSIZE64, &facts->size) ||
	    ioctl(file->fd, BLKSSZGET, &logical))
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "%s: cannot ask for its size: %s; check the device",
				 path, strerror(errno));
	ioctl(file->fd, BLKIOOPT, &io_opt);
	ioctl(file->fd, BLKROTATIONAL, &rotational);
	facts->block_min = power_of_two((uint64_t)logical, 512, 65536);
	facts->block_pref = power_of_two(io_opt, PREF_MIN, PREF_MAX);
	facts->rotational = rotational;
	return 0;
}

/*
 * How much the device zeroes by itself, now and whenever that is read again. A
 * partition's queue is that of its disk.
 */
static int open_zeroes_limit(const struct stat *st)
{
	static const char *const formats[] = {
		"/sys/dev/block/%u:%u/queue/write_zeroes_max_bytes",
		"/sys/dev/block/%u:%u/../queue/write_zeroes_max_bytes",
	};
	char path[80];
	unsigned int i;
	int fd = -1;

	for (i = 0; fd < 0 && i < 2; i++) {
		snprintf(path, sizeof(path), formats[i], major(st->st_rdev),
			 minor(st->st_rdev));
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	return fd;
}

static int open_failed(const char *path, bool read_only, struct enbd_err *err)
{
	const char *remedy = "check the path";
	int code = ENBD_EXIT_GENERAL;

	if (errno == EBUSY) {
		code = ENBD_EXIT_BUSY;
		remedy = "unmount it or stop what uses it, or serve it with -r";
	} else if (errno == EACCES || errno == EPERM || errno == EROFS) {
		remedy = read_only ? "check its permissions" :
				     "check its permissions, or serve it with -r";
	}
	return enbd_fail(err, code, "%s: cannot open: %s; %s", path,
			 strerror(errno), remedy);
}

/* tmpfs does not support RWF_NOWAIT, and does not need it. */
static bool is_in_memory(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && (fs.f_type == TMPFS_MAGIC ||
				     fs.f_type == RAMFS_MAGIC);
}

/* The same file once more, whatever the path means by now */
static int open_again(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

static int open_patiently(const char *path, int flags)
{
	int fd, left = CLAIM_WAIT_MS;

	for (;;) {
		fd = open(path, flags);
		if (fd >= 0 || errno != EBUSY || left <= 0)
			return fd;
		poll(NULL, 0, CLAIM_NAP_MS);
		left -= CLAIM_NAP_MS;
	}
}

void member_init(struct io_file *file)
{
	memset(file, 0, sizeof(*file));
	file->fd = -1;
	file->sync_fd = -1;
	file->zeroes_fd = -1;
}

int member_open(struct io_file *file, const char *path, bool read_only,
		struct member_facts *facts, struct enbd_err *err)
{
	int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC;
	struct stat st;

	member_init(file);
	memset(facts, 0, sizeof(*facts));
	/* For a block device O_EXCL is the claim that a mount makes. */
	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		flags |= O_NONBLOCK;	/* what is no file need not wait */
	else if (!read_only)
		flags |= O_EXCL;
	file->fd = open_patiently(path, flags | O_NOCTTY);
	if (file->fd < 0)
		return open_failed(path, read_only, err);
	if (fstat(file->fd, &st)) {
		open_failed(path, read_only, err);
		goto failed;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		enbd_fail(err, ENBD_EXIT_USAGE,
			  "%s: neither a file nor a block device; name one of these",
			  path);
		goto failed;
	}
	file->is_block = S_ISBLK(st.st_mode);
	file->fs = st.st_dev;
	if (lock_member(file, path, read_only, err))
		goto failed;
	file->sync_fd = open_again(file->fd, flags & ~O_EXCL);
	if (file->sync_fd < 0) {
		open_failed(path, read_only, err);
		goto failed;
	}
	if (file->is_block) {
		if (block_facts(file, path, facts, err))
			goto failed;
		file->zeroes_fd = open_zeroes_limit(&st);
	} else {
		file->in_memory = is_in_memory(file->fd);
		if (file->in_memory)
			atomic_store(&file->no_nowait, true);
		facts->size = (uint64_t)st.st_size;
		facts->block_min = 1;
		facts->block_pref = power_of_two((uint64_t)st.st_blksize,
						 PREF_MIN, PREF_MAX);
	}
	return 0;
failed:
	member_close(file);
	return -1;
}

int member_size(const struct io_file *file, uint64_t *size)
{
	struct stat st;

	if (file->is_block)
		return ioctl(file->fd, BLKGETSIZE64, size) ? -errno : 0;
	if (fstat(file->fd, &st))
		return -errno;
	*size = (uint64_t)st.st_size;
	return 0;
}

void member_close(struct io_file *file)
{
	if (file->zeroes_fd >= 0)
		close(file->zeroes_fd);
	if (file->sync_fd >= 0)
		close(file->sync_fd);
	if (file->fd >= 0)
		close(file->fd);
	member_init(file);
}
