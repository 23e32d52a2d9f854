// SPDX-License-Identifier: GPL-2.0
#include "file_ops.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util.h"
#include "vouch.h"

/*
 * A call that took longer than this waited for the storage, or another process
 * had the CPU. The storage is slow if such calls come in numbers: each adds
 * SLOW_ADD, each quick one takes off 1, and SLOW_LIMIT decides.
 */
#define SLOW_NS		500000ll
#define SLOW_ADD	32
#define SLOW_LIMIT	65
/* How long such calls are then left to the pool: at first, and at most */
#define PAUSE_MIN_NS	100000000ll
#define PAUSE_MAX_NS	5000000000ll

static_assert(sizeof(off_t) == 8, "files may be larger than 2 GiB");

/* Vectors handed to the kernel at once */
#define WINDOW		64

/* Drop @n bytes from the front of a vector that is a copy. */
static void advance(struct iovec **iov, unsigned int *cnt, size_t n)
{
	while (*cnt && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		++*iov;
		--*cnt;
	}
	if (n) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}

/* Move the data of up to WINDOW vectors. Return: 0 or an errno. */
static int move_window(const struct file_io *io, struct iovec *iov,
		       unsigned int cnt, uint64_t offset)
{
	ssize_t n;

	while (cnt) {
		if (io->op == IO_READ)
			n = preadv(io->file->fd, iov, (int)cnt, (off_t)offset);
		else
			n = pwritev(io->file->fd, iov, (int)cnt, (off_t)offset);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return errno;
		}
		/* Someone made the file shorter under us. */
		if (!n)
			return EIO;
		offset += (uint64_t)n;
		advance(&iov, &cnt, (size_t)n);
	}
	return 0;
}

static int move(const struct file_io *io)
{
	uint64_t offset = io->offset;
	struct iovec window[WINDOW];
	unsigned int i, j, cnt;
	int err;

	for (i = 0; i < io->iovcnt; i += cnt) {
		cnt = MIN(io->iovcnt - i, (unsigned int)WINDOW);
		memcpy(window, io->iov + i, cnt * sizeof(*window));
		err = move_window(io, window, cnt, offset);
		if (err)
			return err;
		for (j = 0; j < cnt; j++)
			offset += io->iov[i + j].iov_len;
	}
	return 0;
}

static int punch(const struct file_io *io, int mode)
{
	int rc;

	do {
		rc = fallocate(io->file->fd, mode | FALLOC_FL_KEEP_SIZE,
			       (off_t)io->offset, (off_t)io->length);
	} while (rc && errno == EINTR);
	return rc ? errno : 0;
}

/* Trimmed data may read as anything, so an unsupported trim has been done. */
static int trim(const struct file_io *io)
{
	const uint64_t range[2] = { io->offset, io->length };
	int err;

	if (io->file->is_block)
		err = ioctl(io->file->fd, BLKDISCARD, range) ? errno : 0;
	else
		err = punch(io, FALLOC_FL_PUNCH_HOLE);
	return err == EOPNOTSUPP ? 0 : err;
}

/* Write zeroes as data: always works, and is never fast. */
static int write_zeroes(const struct file_io *io)
{
	static const char zeroes[256 * 1024] __attribute__((aligned(4096)));
	uint64_t done, n;
	struct iovec iov;
	int err;

	for (done = 0; done < io->length; done += n) {
		n = MIN(io->length - done, sizeof(zeroes));
		iov.iov_base = (void *)zeroes;
		iov.iov_len = n;
		err = move_window(io, &iov, 1, io->offset + done);
		if (err)
			return err;
	}
	return 0;
}

static bool unsupported(int err)
{
	return err == EOPNOTSUPP || err == ENOSYS;
}

/* Can the device zero by itself, as far as is known without trying? */
static bool zeroes_fast(const struct io_file *file)
{
	char first;

	return !atomic_load_explicit(&file->slow_zeroes,
				     memory_order_relaxed) &&
	       pread(file->zeroes_fd, &first, 1, 0) == 1 && first != '0';
}

/*
 * PUNCH_HOLE is the device's own way of zeroing, ZERO_RANGE keeps the space and
 * may write for long.
 *
 * Before the kernel tries it drops what it holds of the range in memory, also
 * what was acknowledged and is on no disk yet; and one part may be zero when
 * another one fails. So what cannot be fast is refused before that, and what
 * has been begun is ended, even if it turns out to be slow.
 */
static int zero_device(const struct file_io *io)
{
	struct io_file *file = io->file;
	const bool hole = !(io->flags & IO_NO_HOLE);
	int err;

	if (io->flags & IO_FAST && !(hole && zeroes_fast(file)))
		return EOPNOTSUPP;
	if (hole) {
		err = punch(io, FALLOC_FL_PUNCH_HOLE);
		if (!unsupported(err))
			return err;
		atomic_store_explicit(&file->slow_zeroes, true,
				      memory_order_relaxed);
	}
	err = punch(io, FALLOC_FL_ZERO_RANGE);
	return unsupported(err) ? write_zeroes(io) : err;
}

/* A hole reads as zeroes; with NO_HOLE its space is allocated again. */
static int zero_file(const struct file_io *io)
{
	int err;

	if (!(io->flags & IO_NO_HOLE)) {
		err = punch(io, FALLOC_FL_PUNCH_HOLE);
		if (!unsupported(err))
			return err;
	}
	err = punch(io, FALLOC_FL_ZERO_RANGE);
	if (!unsupported(err))
		return err;
	if (io->flags & IO_NO_HOLE) {
		err = punch(io, FALLOC_FL_PUNCH_HOLE);
		if (!err) {
			err = punch(io, 0);
			/* What it held is gone, so there is no way back. */
			return unsupported(err) ? write_zeroes(io) : err;
		}
		if (!unsupported(err))
			return err;
	}
	if (io->flags & IO_FAST)
		return EOPNOTSUPP;
	return write_zeroes(io);
}

/* Only a hint, so nothing it says is an error. */
static int cache(const struct file_io *io)
{
	posix_fadvise(io->file->fd, (off_t)io->offset, (off_t)io->length,
		      POSIX_FADV_WILLNEED);
	return 0;
}

void file_run(struct file_io *io)
{
	if (io->op == IO_WRITE || io->op == IO_TRIM || io->op == IO_ZERO)
		vouch_writing(io->file->vouch);
	switch (io->op) {
	case IO_READ:
	case IO_WRITE:
		io->error = move(io);
		break;
	case IO_TRIM:
		io->error = trim(io);
		break;
	case IO_ZERO:
		io->error = io->file->is_block ? zero_device(io) :
						 zero_file(io);
		break;
	case IO_CACHE:
		io->error = cache(io);
		break;
	case IO_FLUSH:
		io->error = file_sync(io->file);
		break;
	case IO_CHECK:
		io->error = file_check(io->file);
		break;
	}
}

int file_sync(const struct io_file *file)
{
	return fdatasync(file->sync_fd) ? errno : 0;
}

int file_check(const struct io_file *file)
{
	/* Where nothing can be under way that would be waited for */
	const off_t nowhere = sizeof(long) < 8 ? (1ll << 44) - 8192 :
						 INT64_MAX - 4096;

	if (!sync_file_range(file->sync_fd, nowhere, 1,
			     SYNC_FILE_RANGE_WAIT_BEFORE) || errno == ENOSYS)
		return 0;
	return errno;
}

/* What a call that may block says about the next ones */
static void judge(struct io_file *file, long long start, long long end)
{
	const int score = atomic_load_explicit(&file->slow_score,
					       memory_order_relaxed);
	long long pause = atomic_load_explicit(&file->slow_for,
					       memory_order_relaxed);

	if (end - start < SLOW_NS) {
		if (score)
			atomic_store_explicit(&file->slow_score, score - 1,
					      memory_order_relaxed);
		if (pause)
			atomic_store_explicit(&file->slow_for, 0,
					      memory_order_relaxed);
		return;
	}
	/* The first call after a pause decides alone. */
	if (!pause && score + SLOW_ADD < SLOW_LIMIT) {
		atomic_store_explicit(&file->slow_score, score + SLOW_ADD,
				      memory_order_relaxed);
		return;
	}
	pause = pause ? MIN(2 * pause, PAUSE_MAX_NS) : PAUSE_MIN_NS;
	atomic_store_explicit(&file->slow_for, pause, memory_order_relaxed);
	atomic_store_explicit(&file->slow_until, end + pause,
			      memory_order_relaxed);
}

/* A call that may block; while that happens, the pool does them. */
static int run_timed(struct file_io *io)
{
	struct io_file *file = io->file;
	long long start;

	if (file->in_memory) {
		io->error = move(io);
		return 0;
	}
	start = now_ns();
	if (start < atomic_load_explicit(&file->slow_until,
					 memory_order_relaxed))
		return -EAGAIN;
	io->error = move(io);
	judge(file, start, now_ns());
	return 0;
}

int file_run_now(struct file_io *io)
{
	struct io_file *file = io->file;
	ssize_t n;

	/* The page cache takes a write unless there is too much in it. */
	if (io->op == IO_WRITE) {
		if (io->flags & IO_FUA)
			return -EAGAIN;
		vouch_writing(file->vouch);
		return run_timed(io);
	}
	if (io->op != IO_READ)
		return -EAGAIN;
	if (atomic_load_explicit(&file->no_nowait, memory_order_relaxed))
		return run_timed(io);
	n = preadv2(file->fd, io->iov, (int)io->iovcnt, (off_t)io->offset,
		    RWF_NOWAIT);
	if (n == (ssize_t)io->length) {
		io->error = 0;
		return 0;
	}
	/* Anything else, errors as well, is for the call that waits. */
	if (n < 0 && errno == EOPNOTSUPP)
		atomic_store_explicit(&file->no_nowait, true,
				      memory_order_relaxed);
	return -EAGAIN;
}
