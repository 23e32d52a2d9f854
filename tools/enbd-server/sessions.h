/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who is connected to an export on behalf of which session, and which of them
 * can never have an effect again. Documentation/protocol.rst, "BIND", "FENCE".
 *
 * Knows neither sockets nor I/O: a connection tells when it is bound and when
 * everything that was begun for it has ended, and is told when to stop.
 */
#ifndef ENBD_SERVER_SESSIONS_H
#define ENBD_SERVER_SESSIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/enbd_wire.h>

/* Sessions without a connection that are remembered for each export */
#define SESSIONS_KEEP	4096u

struct session;
struct binding;

/**
 * struct binding_ops - what a connection is told
 * @stop: start nothing more that the client sent, and come to an end
 * @retire: let the client go: answer what has been started, then end
 *
 * Any thread, with the sessions' lock: neither waits nor calls back.
 */
struct binding_ops {
	void (*stop)(struct binding *binding);
	void (*retire)(struct binding *binding);
};

/**
 * struct binding - a connection as its export's sessions see it
 * @ops: set by the owner, as is nothing but this and @has_place; the rest is zero
 *       at first
 * @has_place: among the clients that the server may have
 * @joined: in the list of all
 * @session: whom it is bound to, or NULL
 * @channel: its place in the session
 * @incarnation: which connection in that place it is
 * @next: list of those of @session
 * @back: points at what points here in that list
 * @next_joined: list of all
 * @back_joined: points at what points here in that list
 */
struct binding {
	const struct binding_ops *ops;
	atomic_bool has_place;
	bool joined;
	struct session *session;
	uint32_t channel;
	uint32_t incarnation;
	struct binding *next;
	struct binding **back;
	struct binding *next_joined;
	struct binding **back_joined;
};

/* One channel to fence, with this incarnation and all before it */
struct fence_item {
	uint32_t channel;
	uint32_t incarnation;
};

/**
 * struct fence - one question, and who waits for its answer
 * @items: which channels; set by the owner, stays until @done
 * @count: how many
 * @done: called once, without lock, from any thread, possibly before
 *        sessions_fence() returns; must not block. 0: nothing of these
 *        connections can happen any more; -ECANCELED after sessions_cancel()
 * @asker: whose question it is
 * @left: connections that have not ended yet
 * @next: list of the session's
 * @back: points at what points here in that list
 */
struct fence {
	const struct fence_item *items;
	unsigned int count;
	void (*done)(struct fence *fence, int error);
	struct binding *asker;
	unsigned int left;
	struct fence *next;
	struct fence **back;
};

struct sessions;

/**
 * sessions_create() - the sessions of one export
 * @keep: how many without a connection are remembered; the oldest are
 *        forgotten first
 *
 * Return: NULL if there is no memory.
 */
struct sessions *sessions_create(unsigned int keep);

/* When there are no connections any more; NULL is allowed */
void sessions_destroy(struct sessions *sessions);

/**
 * sessions_join() - this connection wants to hear of sessions_retire_all()
 * @sessions: of its export
 * @binding: with @ops set; stays until sessions_leave()
 */
void sessions_join(struct sessions *sessions, struct binding *binding);

/**
 * sessions_bind() - a connection says whose it is
 * @sessions: of its export
 * @binding: joined, not yet bound
 * @id: the session, ENBD_EXT_SESSION_LEN bytes
 * @channel: its place
 * @incarnation: which connection in that place
 *
 * Return: 0; -EINVAL for a channel that cannot be, incarnation 0, or a second
 * time; -EPERM if an equal or higher incarnation was bound or fenced before;
 * -ENOMEM.
 */
int sessions_bind(struct sessions *sessions, struct binding *binding,
		  const uint8_t *id, uint32_t channel, uint32_t incarnation);

/**
 * sessions_replace() - a connection comes in the place of older ones of its channel
 * @sessions: of its export
 * @binding: bound or not
 *
 * They are told to stop.
 *
 * Return: true if it has got the place of one.
 */
bool sessions_replace(struct sessions *sessions, struct binding *binding);

/**
 * sessions_leave() - nothing of this connection can happen any more
 * @sessions: of its export
 * @binding: joined or not, bound or not; no fence of its own is left, see
 *           sessions_cancel()
 *
 * Answers the fences that waited for it.
 */
void sessions_leave(struct sessions *sessions, struct binding *binding);

/**
 * sessions_fence() - make sure that nothing of some connections can happen
 * @sessions: of the asker's export
 * @asker: the connection that asks
 * @fence: @items, @count and @done set
 *
 * Does not wait. The incarnations named are refused from now on, and their
 * connections are told to stop.
 *
 * Return: 0 when @fence->done will be called or has been; -EPERM if the asker
 * is not bound; -EINVAL for a channel that cannot be, incarnation 0, nothing or
 * too much, or if it names the asker itself. After an error nothing has
 * changed.
 */
int sessions_fence(struct sessions *sessions, struct binding *asker,
		   struct fence *fence);

/**
 * sessions_cancel() - an asker does not wait any longer
 * @sessions: of its export
 * @asker: who
 *
 * Its fences that have not been answered are, with -ECANCELED. One that is
 * being answered by another thread may have its @done called after this.
 */
void sessions_cancel(struct sessions *sessions, struct binding *asker);

/* Retire all connections that have joined. Any thread. */
void sessions_retire_all(struct sessions *sessions);

/* How many sessions are remembered, for tests */
unsigned int sessions_count(struct sessions *sessions);

#endif /* ENBD_SERVER_SESSIONS_H */
