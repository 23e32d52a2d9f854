/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clients of a server, and how many there may be.
 *
 * A place is taken at the end of the handshake, not before: who has none may still
 * say which of its dead connections shall give up theirs (FENCE), or comes in the
 * place of one. Handshakes have a limit of their own, and the oldest makes room.
 */
#ifndef ENBD_SERVER_CLIENTS_H
#define ENBD_SERVER_CLIENTS_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "connection.h"

/* Handshakes at a time, if not more clients than that are allowed */
#define GREETINGS_MIN	64u

enum client_stage {
	CLIENT_GREETED,		/* in its handshake */
	CLIENT_DROPPED,		/* sent away from there, or when it was leaving */
	CLIENT_SERVED,		/* has a place */
	CLIENT_LEAVING,		/* has given it up */
	CLIENT_STAGES,
};

/**
 * struct client - a connection in the list of all
 * @all: the list
 * @conn: what it is
 * @stage: the list's
 */
struct client {
	TAILQ_ENTRY(client) all;
	struct connection *conn;
	enum client_stage stage;
};

/**
 * struct clients - all of them
 * @list: oldest first (lock)
 * @max: places
 * @max_greeted: handshakes; so many may be leaving, and so many may be on the way
 *               out while others have come in their place already
 * @lock: protects what says so
 * @count: how many there are in each stage (lock)
 */
struct clients {
	TAILQ_HEAD(client_list, client) list;
	unsigned int max;
	unsigned int max_greeted;
	pthread_mutex_t lock;
	unsigned int count[CLIENT_STAGES];
};

void clients_init(struct clients *clients, unsigned int max);

/**
 * clients_make_room() - one more wants to begin its handshake
 * @clients: initialised
 *
 * If there are as many as there may be the oldest is sent away, but not one that
 * waits for a fence. So is the oldest of those that are leaving.
 *
 * Return: false if there is no room.
 */
bool clients_make_room(struct clients *clients);

/* A client is there, with @conn set, and begins its handshake. */
void clients_add(struct clients *clients, struct client *client);
void clients_remove(struct clients *clients, struct client *client);

/**
 * clients_admit() - a handshake is over
 * @clients: initialised
 * @conn: whose
 * @replaces: a client that has a place is on the way out for it
 *
 * Return: false if there is no place.
 */
bool clients_admit(struct clients *clients, struct connection *conn,
		   bool replaces);

/* Nothing more is done for a client, it only needs to end. */
void clients_release(struct clients *clients, struct connection *conn);

/* Send those away whose machines have vanished. */
void clients_drop_vanished(struct clients *clients);

/* Do something to all of them that does not wait. */
void clients_tell(struct clients *clients,
		  void (*act)(struct connection *conn));

/* All there are, in whatever stage */
unsigned int clients_count(struct clients *clients);

#endif /* ENBD_SERVER_CLIENTS_H */
