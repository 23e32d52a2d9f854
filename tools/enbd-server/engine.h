/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carries out operations on files: submit now, done() later. Knows nothing of
 * exports or connections. Another way of doing I/O is another engine_ops.
 */
#ifndef ENBD_SERVER_ENGINE_H
#define ENBD_SERVER_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "target.h"

struct file_io;
struct vouch;

/**
 * struct write_lane - writes to one file that wait for another one
 * @busy: one is queued or being carried out
 * @head: oldest that waits
 * @tail: last that waits; only while @head is set
 *
 * The kernel lets only one buffered write at a time into a file. Those that
 * would wait for it wait here, where that takes no thread and no CPU. Belongs
 * to the engine, and so does the lock.
 */
struct write_lane {
	bool busy;
	struct file_io *head;
	struct file_io *tail;
};

/**
 * struct flush_lane - what waits for the disk while another one does
 * @busy: one is queued or being carried out
 * @waiting: those that came since; one more fdatasync() is for all of them
 *
 * Flushes, what has IO_FUA once it has been done, and IO_CHECK, which hears of
 * what has failed and neither writes nor waits.
 *
 * One at a time, since the kernel tells of a failed writeback only once: of two
 * at the same time one might be told that all is well, and answer before the
 * other has told of the loss. After one that failed no other is begun before
 * its done() has returned. Belongs to the engine, and so does the lock.
 */
struct flush_lane {
	bool busy;
	struct file_io *waiting;
};

/**
 * struct io_file - an open file or block device
 * @fd: for data
 * @sync_fd: the same file opened a second time, only for fdatasync() and for
 *           asking about it, see struct flush_lane: the kernel reports a failed
 *           writeback once to each open file, and nothing that is done on @fd
 *           may hide it
 * @is_block: block device
 * @fs: which file system it is on, if it is none
 * @in_memory: tmpfs and the like, where nothing waits for a device
 * @zeroes_fd: block device: sysfs' write_zeroes_max_bytes, or -1
 * @slow_zeroes: block device: it could not zero by itself although @zeroes_fd
 *               said so
 * @no_nowait: RWF_NOWAIT is not supported for reads
 * @slow_until: CLOCK_MONOTONIC in ns; until then calls that may block are
 *              not made where that would hold up others
 * @slow_for: ns, how long the last such pause was; 0 after a quick call
 * @slow_score: grows with slow calls, shrinks with quick ones
 * @vouch: hears of each change and of flushes, or NULL
 * @number: @vouch's for this file
 * @lane: see there
 * @flushes: see there
 *
 * The hints are shared by all threads without a lock: a lost update costs
 * time, nothing else.
 */
struct io_file {
	int fd;
	int sync_fd;
	bool is_block;
	dev_t fs;
	bool in_memory;
	int zeroes_fd;
	atomic_bool slow_zeroes;
	atomic_bool no_nowait;
	atomic_llong slow_until;
	atomic_llong slow_for;
	atomic_int slow_score;
	struct vouch *vouch;
	unsigned int number;
	struct write_lane lane;
	struct flush_lane flushes;
};

/**
 * struct file_io - one operation on one file
 * @op: as in struct block_io, as are @flags
 * @offset: in the file
 * @length: bytes; for IO_READ and IO_WRITE the sum of @iov
 * @iov: the data, not changed
 * @iovcnt: how many, may exceed IOV_MAX
 * @error: 0 or a positive errno
 * @done: called once for each submit(), from any thread
 * @lost: the kernel gave @error for @sync_fd: what others wrote may be gone, too. Of
 *        those that one call was for only the first is told, whose @done
 *        comes before that of the others
 * @next: the engine's, while it has the operation
 * @also: the same; those that end with this one
 * @written: the same; done, but not on stable storage
 */
struct file_io {
	enum io_op op;
	unsigned int flags;
	struct io_file *file;
	uint64_t offset;
	uint64_t length;
	const struct iovec *iov;
	unsigned int iovcnt;
	int error;
	bool lost;
	void (*done)(struct file_io *io);
	struct file_io *next;
	struct file_io *also;
	bool written;
};

struct engine;

struct engine_ops {
	/* As target_ops.run_now() */
	int (*run_now)(struct engine *engine, struct file_io *io);
	void (*submit)(struct engine *engine, struct file_io *io);
	/* Waits for everything submitted, then frees. */
	void (*destroy)(struct engine *engine);
};

struct engine {
	const struct engine_ops *ops;
};

/**
 * engine_pool_create() - an engine of threads that make system calls
 * @threads: at most so many, started when there is work for them
 *
 * Return: the engine, NULL with errno set.
 */
struct engine *engine_pool_create(unsigned int threads);

#endif /* ENBD_SERVER_ENGINE_H */
