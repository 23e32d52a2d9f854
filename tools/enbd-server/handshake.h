/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NBD's handshake, fixed newstyle, from the server's side: bytes in, bytes
 * out. No sockets and no time: a connection feeds it, a test or fuzzer as well.
 */
#ifndef ENBD_SERVER_HANDSHAKE_H
#define ENBD_SERVER_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto.h"
#include "target.h"

/* Longest payload of an option that is looked at, and that is skipped */
#define HS_OPTION_MAX	16384u
#define HS_SKIP_MAX	(1u << 20)
/* Options of one client */
#define HS_OPTIONS_MAX	1024u
/* Room that the caller's buffer must have for one item of input */
#define HS_INPUT_MAX	(HS_OPTION_MAX + 16)

/**
 * struct hs_output - where answers go
 * @write: takes @len bytes at @data; false ends the handshake
 * @ctx: for @write
 */
struct hs_output {
	bool (*write)(void *ctx, const void *data, size_t len);
	void *ctx;
};

enum hs_state {
	HS_FLAGS,	/* the client's flags come next */
	HS_OPTION,	/* an option comes next */
	HS_SKIP,	/* the rest of an option that nobody reads */
	HS_TRANSMIT,	/* over, @target chosen */
	HS_CLOSE,	/* over, the connection must be closed */
};

/**
 * struct handshake - how far one client has come
 * @targets: exports offered, the first is also found by the empty name
 * @count: how many
 * @out: where answers go
 * @state: what comes next
 * @mode: replies negotiated so far
 * @no_zeroes: the client does not want the 124 zeroes
 * @options: options seen
 * @skip: bytes left to skip
 * @target: what the client chose
 * @why: reason for HS_CLOSE unless the client asked for it, else NULL
 *
 * Owned by the thread of its connection.
 */
struct handshake {
	struct target *const *targets;
	size_t count;
	struct hs_output out;
	enum hs_state state;
	enum nbd_mode mode;
	bool no_zeroes;
	unsigned int options;
	uint32_t skip;
	struct target *target;
	const char *why;
};

/**
 * hs_start() - greet a client
 * @hs: is initialised
 * @targets: at least one, kept
 * @count: how many
 * @out: copied
 */
void hs_start(struct handshake *hs, struct target *const *targets,
	      size_t count, const struct hs_output *out);

/**
 * hs_consume() - take the next item from received bytes and answer it
 * @hs: neither in HS_TRANSMIT nor in HS_CLOSE
 * @data: received bytes
 * @len: how many
 *
 * An item never needs more than HS_INPUT_MAX bytes at once.
 *
 * Return: bytes taken, 0 if more are needed. Look at hs->state afterwards.
 */
size_t hs_consume(struct handshake *hs, const void *data, size_t len);

#endif /* ENBD_SERVER_HANDSHAKE_H */
