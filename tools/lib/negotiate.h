/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The client's side of the NBD handshake ("Fixed newstyle negotiation" and
 * "Option types" of the NBD specification). It knows no sockets and reads
 * exactly the bytes of the handshake, so that the next byte of the stream is
 * the first of the transmission phase. Every length a server names is
 * bounded.
 *
 * Order of calls: greet, then formats if the connection is meant for
 * transmission, then list or info as often as needed, then go or abort.
 * After a failure the connection is good for nothing but closing.
 */
#ifndef ENBD_NEGOTIATE_H
#define ENBD_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/enbd.h>
#include <linux/enbd_wire.h>

#include "error.h"
#include "transport.h"

/* Nothing that the specification allows in an option reply is longer. */
#define ENBD_NEGO_REPLY_MAX	(16 * 1024)

/* nbdkit hangs up after 32 options, a margin is left for later ones. */
#define ENBD_NEGO_OPTIONS_MAX	12

/* Limits for a server that never comes to an end */
#define ENBD_NEGO_INFOS_MAX	64
#define ENBD_NEGO_EXPORTS_MAX	65536

/* What a client assumes that was not told: "Block size constraints" */
#define ENBD_BLOCK_MIN_DEFAULT	512U
#define ENBD_BLOCK_PREF_DEFAULT	4096U
#define ENBD_BLOCK_MAX_DEFAULT	(32U << 20)

/**
 * struct enbd_export - what a server says about an export
 * @size: bytes
 * @flags: transmission flags, ENBD_FLAG_*
 * @block_sizes: the server named the three sizes, else they are the defaults
 * @block_min: bytes, a power of two from 1 to 64 KiB
 * @block_pref: bytes, a power of two, at least 512 and @block_min
 * @block_max: bytes, a multiple of @block_min, or 2^32 - 1 for no limit
 */
struct enbd_export {
	uint64_t size;
	uint16_t flags;
	bool block_sizes;
	uint32_t block_min;
	uint32_t block_pref;
	uint32_t block_max;
};

/**
 * struct enbd_nego - one handshake; only negotiate.c looks inside, except for
 * the members said to be results
 * @io: the stream
 * @server: name of the server for messages, not owned
 * @timeout_ms: of the whole handshake, for messages
 * @options: how many have been sent
 * @fixed: the server understands more than EXPORT_NAME
 * @no_zeroes: the answer to EXPORT_NAME comes without 124 zeroes
 * @transmission: the handshake is over
 * @format: result: how replies will be framed
 * @name: result of info: the server's own name for the export, or ""
 * @description: result of info: text for people, or ""
 * @option: the option under way, for messages
 * @type: type of the last option reply
 * @len: bytes of its payload
 * @payload: terminated with a NUL that is not part of it
 */
struct enbd_nego {
	struct enbd_transport *io;
	const char *server;
	unsigned int timeout_ms;
	unsigned int options;
	bool fixed;
	bool no_zeroes;
	bool transmission;
	enum enbd_reply_format format;
	char name[ENBD_MAX_STRING + 1];
	char description[ENBD_MAX_STRING + 1];
	uint32_t option;
	uint32_t type;
	uint32_t len;
	uint8_t payload[ENBD_NEGO_REPLY_MAX + 1];
};

/*
 * All functions below return 0, or -1 with @err filled: ENBD_EXIT_IDENTITY
 * if the server insists on TLS, else ENBD_EXIT_NEGOTIATION.
 */

/**
 * enbd_nego_greet() - begin: read the greeting, answer it
 * @n: need not be initialised
 * @io: stream on which nothing has been read yet
 * @server: name for messages, must live as long as @n
 * @timeout_ms: what the transport's deadline was made from
 */
int enbd_nego_greet(struct enbd_nego *n, struct enbd_transport *io,
		    const char *server, unsigned int timeout_ms,
		    struct enbd_err *err);

/**
 * enbd_nego_formats() - settle how replies are framed
 * @limit: most capable format to ask for
 *
 * A server that refuses gets asked for the next simpler one.
 */
int enbd_nego_formats(struct enbd_nego *n, enum enbd_reply_format limit,
		      struct enbd_err *err);

/**
 * enbd_nego_go() - enter the transmission phase
 * @name: of the export, "" for the default
 * @export: receives what the server says
 *
 * Falls back to EXPORT_NAME where GO is not known.
 */
int enbd_nego_go(struct enbd_nego *n, const char *name,
		 struct enbd_export *export, struct enbd_err *err);

/**
 * enbd_nego_info() - ask about an export
 * @name: of the export, "" for the default
 * @export: receives what the server says
 *
 * Where INFO is not known or gives no size this enters the transmission phase
 * as enbd_nego_go() does; see @n->transmission.
 */
int enbd_nego_info(struct enbd_nego *n, const char *name,
		   struct enbd_export *export, struct enbd_err *err);

/**
 * enbd_nego_list() - ask for the names of all exports
 * @each: called for each name with its description, both any bytes that end
 *        at a NUL; not 0 ends the call with -1, then it has filled @err
 * @arg: for @each
 */
int enbd_nego_list(struct enbd_nego *n,
		   int (*each)(void *arg, const char *name,
			       const char *description, struct enbd_err *err),
		   void *arg, struct enbd_err *err);

/**
 * enbd_nego_end() - take leave: OPT_ABORT, or DISC in the transmission phase
 *
 * Errors are of no interest to anyone. No answer is read.
 */
void enbd_nego_end(struct enbd_nego *n);

/**
 * enbd_export_check() - can this export become a disk?
 * @export: as the server described it
 * @server: for the message
 * @name: of the export, for the message
 * @err: receives ENBD_EXIT_NEGOTIATION
 *
 * Return: 0, or -1 if it is empty or larger than 2^63 - 1 bytes.
 */
int enbd_export_check(const struct enbd_export *export, const char *server,
		      const char *name, struct enbd_err *err);

#endif /* ENBD_NEGOTIATE_H */
