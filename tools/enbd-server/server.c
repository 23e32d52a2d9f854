// SPDX-License-Identifier: GPL-2.0
#include "server.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "buffers.h"
#include "clients.h"
#include "connection.h"
#include "process.h"
#include "resumer.h"
#include "slog.h"
#include "util.h"

/* Time for clients to take their last replies, then for I/O to finish */
#define DRAIN_MS	10000
#define STOP_MS		30000
/* Pause of accepting when files or memory have run out */
#define PAUSE_MS	100
#define EVENTS		64
/* How often to look for clients that have vanished */
#define LOOK_MS		10000

/* A client and where it belongs */
struct guest {
	struct client client;
	struct server *server;
};

enum server_state {
	SERVING,
	DRAINING,
	STOPPING,
};

/**
 * struct server - the server
 *
 * Of the main thread only:
 * @config: what the administrator wants
 * @listeners: open while @state is SERVING
 * @epoll: listeners, @signals, @ended
 * @signals: signalfd
 * @ended: eventfd, written when the last client ends
 * @state: serving or ending
 * @deadline: ms; when @state ends
 * @paused_until: ms; not accepting until then, 0 when it is
 * @next_look: ms; when to look for clients that have vanished
 *
 * @env: constant
 * @resumer: has its own lock
 * @clients: the same
 *
 * @lock: protects @threads
 * @threads: of clients; the last thing of each that goes
 */
struct server {
	const struct server_config *config;
	struct listeners *listeners;
	int epoll;
	int signals;
	int ended;
	enum server_state state;
	long long deadline;
	long long paused_until;
	long long next_look;

	struct connection_env env;
	struct resumer resumer;

	struct clients clients;

	pthread_mutex_t lock;
	unsigned int threads;
};

/* connection_env.stalled */
static bool watch_stalled(void *ctx, struct connection *conn, int fd)
{
	struct server *server = ctx;

	return resumer_watch(&server->resumer, conn, fd);
}

/* connection_env.admit */
static bool admit(void *ctx, struct connection *conn, bool replaces)
{
	struct server *server = ctx;

	return clients_admit(&server->clients, conn, replaces);
}

/* connection_env.release */
static void release(void *ctx, struct connection *conn)
{
	struct server *server = ctx;

	clients_release(&server->clients, conn);
}

static void *client_thread(void *arg)
{
	struct guest *guest = arg;
	struct server *server = guest->server;
	const uint64_t one = 1;

	connection_run(guest->client.conn);
	clients_remove(&server->clients, &guest->client);
	connection_destroy(guest->client.conn);
	free(guest);
	/* Last, so that with the last client all its memory is gone, too. */
	pthread_mutex_lock(&server->lock);
	if (!--server->threads &&
	    write(server->ended, &one, sizeof(one)) != sizeof(one))
		slog_error("eventfd: %s", strerror(errno));
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

/* Return: 0 or a positive errno; the socket is taken over in any case */
static int start_client(struct server *server, int fd, const char *peer)
{
	struct guest *guest = calloc(1, sizeof(*guest));
	struct client *client = &guest->client;
	int err;

	if (guest)
		client->conn = connection_create(&server->env, fd, peer);
	if (!guest || !client->conn) {
		free(guest);
		close(fd);
		return ENOMEM;
	}
	guest->server = server;
	clients_add(&server->clients, client);
	pthread_mutex_lock(&server->lock);
	err = thread_start(client_thread, guest);
	server->threads += !err;
	pthread_mutex_unlock(&server->lock);
	if (err) {
		clients_remove(&server->clients, client);
		connection_destroy(client->conn);
		free(guest);
	}
	return err;
}

static void set_accepting(struct server *server, bool on)
{
	struct listeners *listeners = server->listeners;
	struct epoll_event event = { .events = on ? EPOLLIN : 0 };
	unsigned int i;

	for (i = 0; i < listeners->count; i++) {
		event.data.fd = listeners->fds[i];
		epoll_ctl(server->epoll, EPOLL_CTL_MOD, listeners->fds[i],
			  &event);
	}
	server->paused_until = on ? 0 : now_ms() + PAUSE_MS;
}

static void accept_client(struct server *server, int listener)
{
	char peer[128];
	int fd, err;

	fd = listener_accept(listener, peer, sizeof(peer));
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS) {
			slog_peer("cannot accept clients: %s",
				  strerror(errno));
			set_accepting(server, false);
		}
		return;
	}
	if (!clients_make_room(&server->clients)) {
		slog_peer("%s: refused, %u clients are in their handshake already",
			  peer, server->clients.max_greeted);
		close(fd);
		return;
	}
	err = start_client(server, fd, peer);
	if (err)
		slog_peer("%s: refused: %s", peer, strerror(err));
}

static void begin_drain(struct server *server)
{
	if (server->state != SERVING)
		return;
	server->state = DRAINING;
	server->deadline = now_ms() + DRAIN_MS;
	listeners_close(server->listeners);
	clients_tell(&server->clients, connection_drain);
}

static void look_again(struct server *server)
{
	size_t i;

	slog_info("SIGHUP: looking at the sizes of exports; settings are read only at the start");
	for (i = 0; i < server->env.count; i++) {
		struct target *target = server->env.targets[i];

		target->ops->refresh(target);
	}
}

static void handle_signal(struct server *server)
{
	struct signalfd_siginfo info;

	if (read(server->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		look_again(server);
	else
		begin_drain(server);
}

static void handle_event(struct server *server, int fd)
{
	uint64_t count;

	if (fd == server->signals)
		handle_signal(server);
	else if (fd != server->ended)
		accept_client(server, fd);
	else if (read(fd, &count, sizeof(count)) < 0)
		slog_error("eventfd: %s", strerror(errno));
}

static bool has_clients(struct server *server)
{
	bool any;

	pthread_mutex_lock(&server->lock);
	any = server->threads;
	pthread_mutex_unlock(&server->lock);
	return any;
}

/* When must something be done though nothing happens? ms from now, -1 never */
static int next_timeout(struct server *server)
{
	long long at = server->deadline, left;

	if (server->state == SERVING) {
		at = server->paused_until;
		if (has_clients(server))
			at = at ? MIN(at, server->next_look) :
				  server->next_look;
	}
	if (!at)
		return -1;
	left = at - now_ms();
	return left < 0 ? 0 : (int)left;
}

/* Return: false when time is up for good */
static bool handle_time(struct server *server)
{
	const long long now = now_ms();

	if (server->state == SERVING) {
		if (server->paused_until && now >= server->paused_until)
			set_accepting(server, true);
		if (now >= server->next_look) {
			clients_drop_vanished(&server->clients);
			server->next_look = now + LOOK_MS;
		}
		return true;
	}
	if (now < server->deadline)
		return true;
	if (server->state == STOPPING)
		return false;
	server->state = STOPPING;
	server->deadline = now + STOP_MS;
	clients_tell(&server->clients, connection_stop);
	return true;
}

static int loop(struct server *server)
{
	struct epoll_event events[EVENTS];
	int i, n;

	while (server->state == SERVING || has_clients(server)) {
		n = epoll_wait(server->epoll, events, EVENTS,
			       next_timeout(server));
		for (i = 0; i < n; i++) {
			const int fd = events[i].data.fd;

			/* Listeners may have been closed just now. */
			if (server->state == SERVING ||
			    fd == server->signals || fd == server->ended)
				handle_event(server, fd);
		}
		if (!handle_time(server)) {
			slog_error("I/O of %u clients does not finish; ending without it, check the disks",
				   clients_count(&server->clients));
			return ENBD_EXIT_GENERAL;
		}
	}
	return ENBD_EXIT_OK;
}

static int watch(const struct server *server, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int setup(struct server *server)
{
	sigset_t set;
	unsigned int i;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGPWR);
	sigaddset(&set, SIGHUP);
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (server->epoll < 0 || server->ended < 0 || server->signals < 0)
		return -1;
	if (watch(server, server->ended) || watch(server, server->signals))
		return -1;
	for (i = 0; i < server->listeners->count; i++) {
		if (watch(server, server->listeners->fds[i]))
			return -1;
	}
	return resumer_start(&server->resumer);
}

int server_run(const struct server_config *config,
	       struct listeners *listeners, struct target *const *targets,
	       size_t count)
{
	/* Static: after a failure threads use it until the process ends. */
	static struct server server;
	int rc;

	server.config = config;
	server.listeners = listeners;
	server.env.targets = targets;
	server.env.count = count;
	server.env.handshake_ms = config->handshake_ms;
	server.env.stalled = watch_stalled;
	server.env.admit = admit;
	server.env.release = release;
	server.env.ctx = &server;
	server.env.buffers = buffers_create(config->memory);
	clients_init(&server.clients, config->max_connections);
	pthread_mutex_init(&server.lock, NULL);
	if (!server.env.buffers || setup(&server)) {
		slog_error("cannot start: %s", strerror(errno));
		return ENBD_EXIT_GENERAL;
	}
	rc = loop(&server);
	/* Threads of clients that could not be ended still use it. */
	if (rc)
		return rc;
	resumer_stop(&server.resumer);
	close(server.signals);
	close(server.ended);
	close(server.epoll);
	buffers_destroy(server.env.buffers);
	return rc;
}
