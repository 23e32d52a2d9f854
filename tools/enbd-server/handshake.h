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

#include <linux/enbd_wire.h>

#include "proto.h"
#include "sessions.h"
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
 * @admit: the client is ready for the transmission phase: is there a place for it?
 * @ctx: for these
 */
struct hs_output {
	bool (*write)(void *ctx, const void *data, size_t len);
	bool (*admit)(void *ctx);
	void *ctx;
};

/**
 * struct hs_hello - what a client that says HELLO is told
 * @features: ENBD_FEATURE_* that the server has
 * @signature: of the export
 * @verifier: of the export, zero without ENBD_FEATURE_VERIFIER
 * @challenge: random, for this connection only
 */
struct hs_hello {
	uint32_t features;
	uint8_t signature[ENBD_EXT_SIGNATURE_LEN];
	uint8_t verifier[ENBD_EXT_VERIFIER_LEN];
	uint8_t challenge[ENBD_EXT_CHALLENGE_LEN];
};

/**
 * struct hs_extension - who carries out the extension's options
 * @hello: say what @target has; a positive errno if that is not possible
 * @bind: to a session, as sessions_bind()
 * @fence: as sessions_fence(), but returns when it is answered; -ECANCELED when
 *         the connection or the server is ending
 * @ctx: for these
 *
 * All are called by the thread that feeds the handshake. @bind and @fence only
 * after a @hello with ENBD_FEATURE_FENCE.
 */
struct hs_extension {
	int (*hello)(void *ctx, struct target *target, struct hs_hello *hello);
	int (*bind)(void *ctx, const uint8_t *session, uint32_t channel,
		    uint32_t incarnation);
	int (*fence)(void *ctx, const struct fence_item *items,
		     unsigned int count);
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
 * @extension: who carries it out, or NULL: it is not offered
 * @state: what comes next
 * @mode: replies negotiated so far
 * @no_zeroes: the client does not want the 124 zeroes
 * @options: options seen
 * @skip: bytes left to skip
 * @hello: the export of a HELLO, or NULL
 * @features: granted by it
 * @challenge: given with it
 * @bound: there was a BIND
 * @target: what the client chose
 * @why: reason for HS_CLOSE unless the client asked for it, else NULL
 *
 * Owned by the thread of its connection.
 */
struct handshake {
	struct target *const *targets;
	size_t count;
	struct hs_output out;
	const struct hs_extension *extension;
	enum hs_state state;
	enum nbd_mode mode;
	bool no_zeroes;
	unsigned int options;
	uint32_t skip;
	struct target *hello;
	uint32_t features;
	uint8_t challenge[ENBD_EXT_CHALLENGE_LEN];
	bool bound;
	struct target *target;
	const char *why;
};

/**
 * hs_start() - greet a client
 * @hs: is initialised
 * @targets: at least one, kept
 * @count: how many
 * @out: copied
 * @extension: kept, or NULL
 */
void hs_start(struct handshake *hs, struct target *const *targets,
	      size_t count, const struct hs_output *out,
	      const struct hs_extension *extension);

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
