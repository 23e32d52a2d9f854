// SPDX-License-Identifier: GPL-2.0
#include "clients.h"

#include "util.h"

void clients_init(struct clients *clients, unsigned int max)
{
	unsigned int i;

	clients->max = max;
	clients->max_greeted = MAX(max, GREETINGS_MIN);
	pthread_mutex_init(&clients->lock, NULL);
	TAILQ_INIT(&clients->list);
	for (i = 0; i < CLIENT_STAGES; i++)
		clients->count[i] = 0;
}

/* With lock */
static void move(struct clients *clients, struct client *client,
		 enum client_stage stage)
{
	clients->count[client->stage]--;
	client->stage = stage;
	clients->count[stage]++;
}

/* With lock. Return: false if all of them wait for a fence */
static bool drop_oldest(struct clients *clients, enum client_stage stage)
{
	struct client *client;

	TAILQ_FOREACH(client, &clients->list, all) {
		if (client->stage != stage ||
		    connection_is_fencing(client->conn))
			continue;
		move(clients, client, CLIENT_DROPPED);
		connection_stop(client->conn);
		return true;
	}
	return false;
}

bool clients_make_room(struct clients *clients)
{
	bool room;

	pthread_mutex_lock(&clients->lock);
	/* Those that were dropped end soon, but not at once. */
	room = clients->count[CLIENT_DROPPED] < clients->max_greeted;
	/* It does not read what it has asked for. */
	if (room && clients->count[CLIENT_LEAVING] >= clients->max_greeted)
		drop_oldest(clients, CLIENT_LEAVING);
	if (room && clients->count[CLIENT_GREETED] >= clients->max_greeted)
		room = drop_oldest(clients, CLIENT_GREETED);
	pthread_mutex_unlock(&clients->lock);
	return room;
}

void clients_add(struct clients *clients, struct client *client)
{
	pthread_mutex_lock(&clients->lock);
	client->stage = CLIENT_GREETED;
	clients->count[CLIENT_GREETED]++;
	TAILQ_INSERT_TAIL(&clients->list, client, all);
	pthread_mutex_unlock(&clients->lock);
}

void clients_remove(struct clients *clients, struct client *client)
{
	pthread_mutex_lock(&clients->lock);
	clients->count[client->stage]--;
	TAILQ_REMOVE(&clients->list, client, all);
	pthread_mutex_unlock(&clients->lock);
}

/* With lock. It is there, and most likely one of the last. */
static struct client *find(struct clients *clients,
			   const struct connection *conn)
{
	struct client *client = TAILQ_LAST(&clients->list, client_list);

	while (client->conn != conn)
		client = TAILQ_PREV(client, client_list, all);
	return client;
}

bool clients_admit(struct clients *clients, struct connection *conn,
		   bool replaces)
{
	/* Those that are replaced may wait for a disk that hangs, and others come. */
	const unsigned int max = clients->max +
				 (replaces ? clients->max_greeted : 0);
	struct client *client;
	bool admitted;

	pthread_mutex_lock(&clients->lock);
	client = find(clients, conn);
	admitted = client->stage == CLIENT_GREETED &&
		   clients->count[CLIENT_SERVED] < max;
	if (admitted)
		move(clients, client, CLIENT_SERVED);
	pthread_mutex_unlock(&clients->lock);
	return admitted;
}

void clients_release(struct clients *clients, struct connection *conn)
{
	struct client *client;

	pthread_mutex_lock(&clients->lock);
	client = find(clients, conn);
	if (client->stage == CLIENT_SERVED)
		move(clients, client, CLIENT_LEAVING);
	pthread_mutex_unlock(&clients->lock);
}

void clients_drop_vanished(struct clients *clients)
{
	struct client *client;

	pthread_mutex_lock(&clients->lock);
	TAILQ_FOREACH(client, &clients->list, all) {
		if ((client->stage == CLIENT_SERVED ||
		     client->stage == CLIENT_LEAVING) &&
		    connection_has_vanished(client->conn))
			connection_stop(client->conn);
	}
	pthread_mutex_unlock(&clients->lock);
}

void clients_tell(struct clients *clients,
		  void (*act)(struct connection *conn))
{
	struct client *client;

	pthread_mutex_lock(&clients->lock);
	TAILQ_FOREACH(client, &clients->list, all)
		act(client->conn);
	pthread_mutex_unlock(&clients->lock);
}

unsigned int clients_count(struct clients *clients)
{
	unsigned int i, count = 0;

	pthread_mutex_lock(&clients->lock);
	for (i = 0; i < CLIENT_STAGES; i++)
		count += clients->count[i];
	pthread_mutex_unlock(&clients->lock);
	return count;
}
