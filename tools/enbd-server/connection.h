/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One client: handshake, then requests in and replies out, by one thread that
 * reads and whoever finishes a request. Knows targets, neither exports nor
 * engines nor the server around it.
 */
#ifndef ENBD_SERVER_CONNECTION_H
#define ENBD_SERVER_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "target.h"

struct buffers;
struct connection;

/**
 * struct connection_env - what all connections of a server share
 * @targets: exports, at least one; the first is the default
 * @count: how many
 * @handshake_ms: time a client has for the handshake
 * @buffers: for the data of all clients
 * @stalled: is asked to call connection_resume() once the client's socket can
 *           take more; any thread; false if that is not possible
 * @admit: the handshake is over, may the connection stay? Its own thread, at most
 *         once with true as answer. @replaces: one that was admitted has been told
 *         to end in favour of this one
 * @release: one that was admitted is only left to end
 * @ctx: for these
 *
 * Does not change while there are connections.
 */
struct connection_env {
	struct target *const *targets;
	size_t count;
	unsigned int handshake_ms;
	struct buffers *buffers;
	bool (*stalled)(void *ctx, struct connection *conn, int fd);
	bool (*admit)(void *ctx, struct connection *conn, bool replaces);
	void (*release)(void *ctx, struct connection *conn);
	void *ctx;
};

/**
 * connection_create() - take over a connected stream socket
 * @env: kept
 * @fd: closed by connection_destroy(), not on failure
 * @peer: for messages, copied
 *
 * Return: the connection or NULL if there is no memory.
 */
struct connection *connection_create(const struct connection_env *env, int fd,
				     const char *peer);

/**
 * connection_run() - serve the client in the caller's thread
 * @conn: new
 *
 * Returns when the client has gone or has been sent away, everything started
 * for it has finished, and nobody but the caller has @conn in use.
 */
void connection_run(struct connection *conn);

/* After connection_run() */
void connection_destroy(struct connection *conn);

/**
 * connection_drain() - let a client go
 * @conn: must not be destroyed meanwhile
 *
 * What has been started is answered as usual, later requests that are already
 * here with ESHUTDOWN. Any thread.
 */
void connection_drain(struct connection *conn);

/**
 * connection_stop() - send a client away at once
 * @conn: must not be destroyed meanwhile
 *
 * The socket is closed for both directions. No request starts any more, also
 * none that has been received. What has been started finishes before
 * connection_run() returns. Any thread.
 */
void connection_stop(struct connection *conn);

/**
 * connection_has_vanished() - has the client's machine gone?
 * @conn: must not be destroyed meanwhile
 *
 * TCP finds that out by itself within two minutes if nothing is under way to it,
 * and else much later. A client that only takes nothing is there: its machine
 * answers. Any thread, does not wait.
 *
 * Return: true if it has owed an answer for two minutes.
 */
bool connection_has_vanished(struct connection *conn);

/* Does it wait in its handshake for a fence? Any thread, as connection_stop() */
bool connection_is_fencing(struct connection *conn);

/* After env.stalled() returned true, once, from any thread */
void connection_resume(struct connection *conn);

#endif /* ENBD_SERVER_CONNECTION_H */
