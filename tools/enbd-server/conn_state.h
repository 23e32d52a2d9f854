/* SPDX-License-Identifier: GPL-2.0 */
/* The inside of a connection, for the files that make it up. */
#ifndef ENBD_SERVER_CONN_STATE_H
#define ENBD_SERVER_CONN_STATE_H

#include <stdatomic.h>
#include <stdint.h>

#include "connection.h"
#include "handshake.h"
#include "output.h"
#include "proto.h"
#include "sessions.h"

/* Received bytes not yet understood; holds any write done without a copy */
#define INPUT_SIZE	(256u * 1024)
/* Replies are collected up to so many bytes before they are sent. */
#define ARENA_SIZE	(256u * 1024)
#define ARENA_SEND	(32u * 1024)
#define ARENAS_MAX	4u
/* Reads and writes up to this length are tried by the reading thread. */
#define INLINE_MAX	(64u * 1024)
/* Started and unanswered requests of one client, and bytes in their buffers */
#define REQUESTS_MAX	256u
#define BYTES_MAX	(32u << 20)
/* Writes above block_max: so many bytes are skipped to answer with an error. */
#define SKIP_MAX	(256u << 20)

enum conn_phase {
	CONN_RUN,
	CONN_DRAIN,	/* answer ESHUTDOWN */
	CONN_STOP,	/* start nothing */
};

/**
 * struct request - a request that was started or is about to be
 * @node: its reply, in the output
 * @io: what the target does
 * @fence: for FENCE, which no target does
 * @fenced: what it names
 * @conn: where it came from
 * @nbd: the request
 * @header: of the reply
 * @buf: data or NULL; from buffers_get()
 * @buf_size: bytes that were asked for
 * @next: list of unused ones, or of those whose replies wait
 */
struct request {
	struct out_node node;
	struct block_io io;
	struct fence fence;
	struct fence_item fenced;
	struct connection *conn;
	struct nbd_request nbd;
	char header[NBD_REPLY_MAX];
	void *buf;
	size_t buf_size;
	struct request *next;
};

/**
 * struct arena - replies of requests that the reading thread carried out
 * @node: in the output, while it is there
 * @conn: where it belongs
 * @used: bytes in @data
 * @next: list of unused ones
 * @data: headers and data in the order of the wire
 */
struct arena {
	struct out_node node;
	struct connection *conn;
	size_t used;
	struct arena *next;
	char data[ARENA_SIZE];
};

/**
 * struct connection - one client
 * @env: what all connections share
 * @fd: the socket
 * @peer: for messages
 * @phase: enum conn_phase; only grows
 * @fenced: it was another connection that asked for the end
 * @fencing: it waits in its handshake for a fence
 * @out: replies on their way; out.lock also protects what is marked (lock)
 * @binding: in the sessions of @told, and has their lock
 *
 * Of the reading thread only:
 * @mode: what was negotiated
 * @target: what the client chose
 * @told: whose HELLO was answered, or NULL
 * @features: ENBD_FEATURE_* granted
 * @epoch: of @target before HELLO was answered, 0 without the verifier
 * @in: received bytes
 * @in_head: first byte not yet understood
 * @in_tail: end of the received bytes
 * @big_writes: the last write had its payload read straight into its buffer
 * @arena: replies being collected, or NULL
 *
 * (lock):
 * @started: operations submitted to the target and not done
 * @requests: requests not in @free_requests
 * @bytes: in their buffers
 * @allocated: requests that exist
 * @free_requests: unused ones
 * @arenas: arenas that exist
 * @free_arenas: unused ones
 * @busy_arenas: arenas in the output
 * @streaming: one reply is sent in parts, and no other may come between them
 * @kept: requests whose replies wait for the end of that
 * @waiting: threads that wait for any of these to become less
 */
struct connection {
	const struct connection_env *env;
	int fd;
	char peer[128];
	atomic_int phase;
	atomic_bool fenced;
	atomic_bool fencing;
	struct output out;
	struct binding binding;

	enum nbd_mode mode;
	struct target *target;
	struct target *told;
	uint32_t features;
	unsigned int epoch;
	char *in;
	size_t in_head;
	size_t in_tail;
	bool big_writes;
	struct arena *arena;

	unsigned int started;
	unsigned int requests;
	size_t bytes;
	unsigned int allocated;
	struct request *free_requests;
	unsigned int arenas;
	struct arena *free_arenas;
	unsigned int busy_arenas;
	bool streaming;
	struct request *kept;
	unsigned int waiting;
};

/* conn_memory.c */

/**
 * request_get() - a request with a buffer, within the client's limits
 * @conn: called by its reading thread, without lock
 * @size: bytes of buffer, 0 for none
 *
 * Waits while the client has too much under way, not for other clients.
 *
 * Return: the request, without a buffer if all clients together have too much; NULL
 * when nothing can be sent any more or there is no memory; the connection ends then.
 */
struct request *request_get(struct connection *conn, size_t size);

/* Give back a request that was not submitted; without lock. */
void request_put(struct request *req);

/* The arena to collect replies in, as request_get() */
struct arena *arena_get(struct connection *conn);

/* Send what was collected. */
void arena_send(struct connection *conn);

/* Frees what is unused, which is everything once nothing is under way. */
void memory_free(struct connection *conn);

/**
 * request_finished() - the target is done with a request
 * @req: was submitted; its reply is sent, now or later
 */
void request_finished(struct request *req);

/* The same for one that was not submitted to the target; without lock. */
void request_answered(struct request *req);

/*
 * A reply follows in parts, by the reading thread, through the arena. Until its end
 * those of other requests are kept; without lock.
 */
void stream_begin(struct connection *conn);

/**
 * stream_end() - the reply was sent
 * @conn: by its reading thread, without lock
 * @whole: else nothing more is sent at all, and the connection has to end
 */
void stream_end(struct connection *conn, bool whole);

/* conn_ext.c */

/**
 * ext_hello() - hs_extension.hello
 * @conn: the client
 * @target: its export
 * @hello: filled
 *
 * From here on the connection is retired when the verifier changes.
 *
 * Return: 0 or an errno.
 */
int ext_hello(struct connection *conn, struct target *target,
	      struct hs_hello *hello);

/* hs_extension.bind */
int ext_bind(struct connection *conn, const uint8_t *session, uint32_t channel,
	     uint32_t incarnation);

/**
 * ext_admit() - the handshake is over: is there a place for the client?
 * @conn: bound or not
 *
 * If there is none it gets that of an older connection of its channel, which its
 * client has given up.
 */
bool ext_admit(struct connection *conn);

/**
 * ext_check() - may this FENCE or KEEPALIVE be carried out?
 * @conn: the client
 * @nbd: its request
 *
 * Return: 0 or the NBD error to answer with.
 */
uint32_t ext_check(const struct connection *conn,
		   const struct nbd_request *nbd);

/**
 * ext_fence() - start a FENCE that passed ext_check()
 * @req: from request_get(); it is answered when the fence is
 *
 * Return: 0, or the NBD error to answer with: then @req is still the caller's.
 */
uint32_t ext_fence(struct request *req);

/* The reading thread has ended: stop waiting for fences. */
void ext_reading_ended(struct connection *conn);

/* Nothing that the client sent can happen any more: others may hear of it. */
void ext_ended(struct connection *conn);

/* conn_input.c */

/* Bytes in the input, not yet understood */
static inline size_t in_avail(const struct connection *conn)
{
	return conn->in_tail - conn->in_head;
}

static inline bool stopped(struct connection *conn)
{
	return atomic_load(&conn->phase) == CONN_STOP;
}

/* Get more bytes into the input. Everything collected is sent before. */
bool fill_input(struct connection *conn);

/* Make at least @len bytes, not above INPUT_SIZE, available in the input. */
bool need_input(struct connection *conn, size_t len);

bool skip_input(struct connection *conn, uint64_t len);

/* Receive a payload into @buf, and what follows it into the input. */
bool read_payload(struct connection *conn, char *buf, size_t len);

/* pieces.c */

/**
 * pieces_read() - a read for which there is no buffer
 * @conn: called by its reading thread
 * @nbd: passed nbd_check_request()
 *
 * It is carried out here and now, piece by piece, with the memory for replies. So
 * the client waits, but for nobody else.
 *
 * Return: false to end the connection.
 */
bool pieces_read(struct connection *conn, const struct nbd_request *nbd);

/* The same for a write, whose payload comes next, with the input's memory. */
bool pieces_write(struct connection *conn, const struct nbd_request *nbd);

/* transmit.c */

/* Room for a reply of @len bytes among those collected; NULL ends the connection */
char *collect(struct connection *conn, size_t len);

/* Answer without data. Return: false to end the connection */
bool answer(struct connection *conn, const struct nbd_request *nbd,
	    uint32_t error);

void log_failure(const struct connection *conn, const struct nbd_request *nbd,
		 int error);

/**
 * transmit() - serve requests until the client ends it or breaks the rules
 * @conn: target and mode are known, @in may hold the first requests
 */
void transmit(struct connection *conn);

#endif /* ENBD_SERVER_CONN_STATE_H */
