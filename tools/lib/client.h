/* SPDX-License-Identifier: GPL-2.0 */
/* Connections to a server: dialling and the handshake on a socket. */
#ifndef ENBD_CLIENT_H
#define ENBD_CLIENT_H

#include <stdint.h>

#include "extension.h"
#include "negotiate.h"
#include "netaddr.h"
#include "uri.h"

/* How long dialling and handshake together may take unless told otherwise */
#define ENBD_HANDSHAKE_TIMEOUT_MS	10000

/**
 * struct enbd_client_opts - how to connect
 * @bind: where to leave from, or NULL
 * @timeout_ms: for dialling and handshake of one connection together
 * @dial_ms: for dialling alone, 0 for no limit of its own
 * @limit: most capable framing of replies to ask for
 * @features: ENBD_FEATURE_* of the extension to ask for; 0: its question is
 *            not even asked
 * @place: to bind the connection to where the server can fence, or NULL
 * @fence: connections of the same session to fence then, @fence_count of them
 * @fence_count: 0 to ENBD_EXT_MAX_CHANNELS
 */
struct enbd_client_opts {
	const struct enbd_bind *bind;
	uint32_t timeout_ms;
	uint32_t dial_ms;
	enum enbd_reply_format limit;
	uint32_t features;
	const struct enbd_place *place;
	const struct enbd_fenced *fence;
	unsigned int fence_count;
};

/* The defaults: no way out, the best framing, all features, no place */
void enbd_client_opts_init(struct enbd_client_opts *opts);

/**
 * struct enbd_client - a connection during the handshake
 * @fd: the socket, -1 when there is none
 * @stream: on @fd
 * @nego: its handshake
 * @server: name for messages
 */
struct enbd_client {
	int fd;
	struct enbd_stream stream;
	struct enbd_nego nego;
	char server[NI_MAXHOST + 16];
};

/**
 * enbd_client_open() - dial and greet
 * @client: need not be initialised; on success to be given to
 *          enbd_client_close(), or @client->fd to be taken out
 * @uri: where to
 * @opts: how
 * @err: receives ENBD_EXIT_NETWORK or what enbd_nego_greet() says
 *
 * Return: 0, or -1 with nothing left open.
 */
int enbd_client_open(struct enbd_client *client, const struct enbd_uri *uri,
		     const struct enbd_client_opts *opts,
		     struct enbd_err *err);

/* Takes leave of the server and closes. */
void enbd_client_close(struct enbd_client *client);

/**
 * struct enbd_channel - a socket at the start of the transmission phase
 * @fd: owned
 * @format: how the server frames replies on it
 * @export: what the server said on it
 * @hello: who the server is; no features without the extension
 */
struct enbd_channel {
	int fd;
	enum enbd_reply_format format;
	struct enbd_export export;
	struct enbd_hello hello;
};

/**
 * enbd_channel_open() - dial and negotiate until data could flow
 * @channel: receives the result
 * @uri: where to
 * @opts: how
 * @err: receives what went wrong
 *
 * Return: 0, or -1 with nothing left open.
 */
int enbd_channel_open(struct enbd_channel *channel, const struct enbd_uri *uri,
		      const struct enbd_client_opts *opts,
		      struct enbd_err *err);

/**
 * enbd_channels_discard() - say goodbye on channels the driver did not get
 * @channels: open
 * @count: how many
 *
 * The servers get half a second, together, to hang up first.
 */
void enbd_channels_discard(struct enbd_channel *channels, unsigned int count);

#endif /* ENBD_CLIENT_H */
