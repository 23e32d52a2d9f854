/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The client's side of the extension in the handshake (protocol.rst, "The
 * extension"): is it there, who is the server, whose connection is this, and
 * what is to be fenced.
 *
 * Order of calls, all after enbd_nego_formats() and before enbd_nego_go():
 * discover, hello, bind, fence; each needs the success of the one before.
 */
#ifndef ENBD_EXTENSION_H
#define ENBD_EXTENSION_H

#include "negotiate.h"

/* What this program has a use for */
#define ENBD_EXT_FEATURES	(ENBD_FEATURE_FENCE | ENBD_FEATURE_KEEPALIVE | \
				 ENBD_FEATURE_RESIZE | ENBD_FEATURE_VERIFIER)

/**
 * struct enbd_hello - what a server with the extension says of itself
 * @features: granted; 0 stands for a server without the extension, too
 * @signature: which export of which server this is
 * @verifier: changes when acknowledged writes may have been lost; zero
 *            without ENBD_FEATURE_VERIFIER
 * @challenge: of this connection
 */
struct enbd_hello {
	uint32_t features;
	uint8_t signature[ENBD_EXT_SIGNATURE_LEN];
	uint8_t verifier[ENBD_EXT_VERIFIER_LEN];
	uint8_t challenge[ENBD_EXT_CHALLENGE_LEN];
};

/**
 * struct enbd_place - whose requests a connection carries
 * @session: of the device
 * @channel: 0 to 63
 * @incarnation: from 1 on
 */
struct enbd_place {
	uint8_t session[ENBD_EXT_SESSION_LEN];
	uint32_t channel;
	uint32_t incarnation;
};

/* Connections of which nothing may happen any more: up to this incarnation */
struct enbd_fenced {
	uint32_t channel;
	uint32_t incarnation;
};

/*
 * All functions below return 0, or -1 with @err filled: ENBD_EXIT_IDENTITY
 * if the server insists on TLS, else ENBD_EXIT_NEGOTIATION.
 */

/**
 * enbd_ext_discover() - has the server the extension?
 * @name: of the export
 * @known: receives the answer; false without asking where replies are simple
 *
 * The one thing that a foreign server gets to see: a question that the NBD
 * specification allows.
 */
int enbd_ext_discover(struct enbd_nego *n, const char *name, bool *known,
		      struct enbd_err *err);

/**
 * enbd_ext_hello() - get to know each other
 * @name: of the export, the one that GO will be for
 * @features: ENBD_FEATURE_* to ask for
 * @hello: receives the answer
 */
int enbd_ext_hello(struct enbd_nego *n, const char *name, uint32_t features,
		   struct enbd_hello *hello, struct enbd_err *err);

/* Say whose connection this is; @hello is its own and has FENCE. */
int enbd_ext_bind(struct enbd_nego *n, const struct enbd_hello *hello,
		  const struct enbd_place *place, struct enbd_err *err);

/**
 * enbd_ext_fence() - wait until nothing of lost channels can happen any more
 * @list: channels of the session that this connection is bound to
 * @count: 1 to ENBD_EXT_MAX_CHANNELS
 *
 * The server may take its time; the stream's deadline holds all the same.
 */
int enbd_ext_fence(struct enbd_nego *n, const struct enbd_fenced *list,
		   unsigned int count, struct enbd_err *err);

#endif /* ENBD_EXTENSION_H */
