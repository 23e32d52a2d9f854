/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a connection may ask of an export, and how it is told the result.
 *
 * This is all that the connection layer knows of exports: it includes neither
 * files nor engines, so that its parts run against a fake in the tests.
 */
#ifndef ENBD_SERVER_TARGET_H
#define ENBD_SERVER_TARGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/enbd_wire.h>

enum io_op {
	IO_READ,
	IO_WRITE,
	IO_FLUSH,
	IO_TRIM,
	IO_ZERO,
	IO_CACHE,
	IO_CHECK,	/* an export's own: was anything lost? See engine.h */
};

/* Bits of block_io.flags */
#define IO_FUA		(1u << 0)	/* stable before done() */
#define IO_NO_HOLE	(1u << 1)	/* IO_ZERO: keep the space allocated */
#define IO_FAST		(1u << 2)	/* IO_ZERO: ENOTSUP rather than slow */

/* Bytes that a target may use for itself in each block_io */
#define BLOCK_IO_PRIVATE	128

/**
 * struct block_io - one operation on an export
 * @op: what to do
 * @flags: IO_FUA and its neighbours
 * @offset: first byte; the range lies within the export
 * @length: bytes, not 0 except for IO_FLUSH; at most block_max where @buf is
 *          used, else up to the size of the export
 * @epoch: IO_FLUSH: of the connection, see struct target; else the target's own
 * @buf: data of IO_READ and IO_WRITE, belongs to the target until done()
 * @error: 0 or a positive errno, valid in done() and after run_now()
 * @done: called once for each submit(), from any thread, possibly before
 *        submit() returns; must not block
 * @priv: the target's own
 */
struct block_io {
	enum io_op op;
	unsigned int flags;
	uint64_t offset;
	uint64_t length;
	unsigned int epoch;
	void *buf;
	int error;
	void (*done)(struct block_io *io);
	char priv[BLOCK_IO_PRIVATE] __attribute__((aligned(16)));
};

/**
 * struct target_info - what a client is told about an export
 * @name: at most ENBD_MAX_STRING bytes
 * @description: for people, may be NULL
 * @size: bytes; may grow, also while requests are carried out
 * @block_min: requests must be multiples of it, a power of two, 1 to 65536
 * @block_pref: best size, a power of two not below @block_min
 * @block_max: longest read or write
 * @read_only: writing commands are refused
 * @rotational: seeks are slow
 *
 * Nothing but the size changes while the server runs.
 */
struct target_info {
	const char *name;
	const char *description;
	atomic_uint_least64_t size;
	uint32_t block_min;
	uint32_t block_pref;
	uint32_t block_max;
	bool read_only;
	bool rotational;
};

struct target;
struct sessions;

/**
 * struct target_identity - what the extension tells of an export
 * @features: ENBD_FEATURE_* that depend on the export
 * @signature: which export this is
 * @verifier: changes when acknowledged writes may have been lost; means
 *            something only with ENBD_FEATURE_VERIFIER
 */
struct target_identity {
	uint32_t features;
	uint8_t signature[ENBD_EXT_SIGNATURE_LEN];
	uint8_t verifier[ENBD_EXT_VERIFIER_LEN];
};

struct target_ops {
	/*
	 * Carry out the operation in the caller's thread if that takes no
	 * longer than handing it over: 0 and io->error, or -EAGAIN and
	 * nothing has been started (a write may have been done in part).
	 * done() is not called.
	 */
	int (*run_now)(struct target *target, struct block_io *io);
	/* Start the operation; never waits for the storage. */
	void (*submit)(struct target *target, struct block_io *io);
	/*
	 * What is true of the export now. When the verifier changes @epoch
	 * does, and then all connections in @sessions are retired. 0, or an
	 * errno while nobody may be told.
	 */
	int (*identify)(struct target *target, struct target_identity *id);
	/* Has it grown? Does not wait for the storage; info.size says. */
	void (*refresh)(struct target *target);
};

/**
 * struct target - an export, or what stands for one in a test
 * @info: what clients are told
 * @ops: what can be done with it
 * @sessions: who is connected, or NULL: the extension is not offered, and
 *            identify() and refresh() are not needed
 * @epoch: how often data were lost since the server started. A connection that
 *         was told the verifier remembers what it was then, and its flushes
 *         fail once it has changed; those of others once it is not 0.
 */
struct target {
	struct target_info info;
	const struct target_ops *ops;
	struct sessions *sessions;
	atomic_uint epoch;
};

#endif /* ENBD_SERVER_TARGET_H */
