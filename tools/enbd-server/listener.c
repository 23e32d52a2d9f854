// SPDX-License-Identifier: GPL-2.0
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "activation.h"

#define BACKLOG		1024
/* Tries to find a port that is free for all addresses */
#define PORT_TRIES	16
/*
 * A client that has vanished is noticed after IDLE + INTERVAL * COUNT s, if nothing is
 * under way to it; else see connection_has_vanished().
 */
#define KEEPALIVE_IDLE		60
#define KEEPALIVE_INTERVAL	10
#define KEEPALIVE_COUNT		6

static int add(struct listeners *listeners, int fd)
{
	if (listen(fd, BACKLOG)) {
		const int err = -errno;

		close(fd);
		return err;
	}
	listeners->fds[listeners->count++] = fd;
	return 0;
}

/* Options without which a socket works as well */
static void set_option(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof(value));
}

static unsigned int bound_port(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	if (getsockname(fd, (struct sockaddr *)&addr, &len))
		return 0;
	if (addr.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&addr)->sin6_port);
	if (addr.ss_family != AF_INET)
		return 0;
	return ntohs(((struct sockaddr_in *)&addr)->sin_port);
}

static void set_port(struct sockaddr *addr, unsigned int port)
{
	if (addr->sa_family == AF_INET6)
		((struct sockaddr_in6 *)addr)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)addr)->sin_port = htons(port);
}

/* Return: 0 or -errno */
static int open_address(struct listeners *listeners, struct addrinfo *ai)
{
	int fd, err;

	if (listeners->count == LISTENERS_MAX)
		return -E2BIG;
	fd = socket(ai->ai_family,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	/* Each family has a socket of its own. */
	if (ai->ai_family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	set_port(ai->ai_addr, listeners->port);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen)) {
		err = -errno;
		close(fd);
		return err;
	}
	err = add(listeners, fd);
	if (!err && !listeners->port)
		listeners->port = bound_port(fd);
	return err;
}

static bool family_missing(int err)
{
	return err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL;
}

/* All addresses of a name, NULL for "any". Return: 0, -errno, or EAI_... */
static int open_name(struct listeners *listeners, const char *name)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *all, *ai;
	int err, missing = 0;
	unsigned int before = listeners->count;

	err = getaddrinfo(name, name ? NULL : "0", &hints, &all);
	if (err)
		return -EADDRNOTAVAIL;
	for (ai = all; ai; ai = ai->ai_next) {
		if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
			continue;
		err = open_address(listeners, ai);
		/* A machine without IPv6 */
		if (family_missing(err)) {
			missing = err;
			err = 0;
		}
		if (err)
			break;
	}
	freeaddrinfo(all);
	if (!err && listeners->count == before)
		err = missing ? missing : -EADDRNOTAVAIL;
	return err;
}

static void close_all(struct listeners *listeners)
{
	while (listeners->count)
		close(listeners->fds[--listeners->count]);
}

/* Return: 0 or -errno; *@name is what failed */
static int open_tcp(struct listeners *listeners,
		    const struct server_config *config, const char **name)
{
	unsigned int i, tries;
	int err = 0;

	for (tries = 0; tries < PORT_TRIES; tries++) {
		listeners->port = config->port;
		*name = "*";
		if (!config->listen_count)
			err = open_name(listeners, NULL);
		for (i = 0; !err && i < config->listen_count; i++) {
			*name = config->listen[i];
			err = open_name(listeners, *name);
		}
		if (!err)
			return 0;
		close_all(listeners);
		/* A free port of one address may be taken on another. */
		if (config->port || err != -EADDRINUSE)
			return err;
		err = 0;
	}
	return -EADDRINUSE;
}

/* A socket file that nobody listens to any more is in the way only. */
static bool remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(addr->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) &&
		errno == ECONNREFUSED;
	close(fd);
	return stale && !unlink(addr->sun_path);
}

static int open_unix(struct listeners *listeners, const char *path,
		     struct enbd_err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(addr.sun_path))
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: path is too long for a Unix socket; %zu bytes are the limit",
				 path, sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		goto failed;
	rc = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	if (rc && errno == EADDRINUSE && remove_stale(&addr))
		rc = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	if (rc) {
		rc = errno;
		close(fd);
		errno = rc;
		goto failed;
	}
	listeners->unix_path = realpath(path, NULL);
	rc = add(listeners, fd);
	if (!rc)
		return 0;
	errno = -rc;
failed:
	return enbd_fail(err, errno == EADDRINUSE ? ENBD_EXIT_BUSY :
						    ENBD_EXIT_NETWORK,
			 "%s: cannot listen: %s; choose another path", path,
			 strerror(errno));
}

int listeners_open(struct listeners *listeners,
		   const struct server_config *config, struct enbd_err *err)
{
	const char *name;
	int rc;

	memset(listeners, 0, sizeof(*listeners));
	if (config->foreground) {
		rc = activation_take(listeners->fds, LISTENERS_MAX, err);
		if (rc < 0)
			return -1;
		/* Who passes sockets has decided where to listen. */
		listeners->count = (unsigned int)rc;
		if (rc) {
			listeners->port = bound_port(listeners->fds[0]);
			return 0;
		}
	}
	if (config->tcp) {
		rc = open_tcp(listeners, config, &name);
		if (rc)
			return enbd_fail(err, ENBD_EXIT_NETWORK,
					 "%s port %u: cannot listen: %s; choose another %s",
					 name, config->port, strerror(-rc),
					 rc == -EADDRINUSE ? "port" :
							     "address");
	}
	if (config->unix_path &&
	    open_unix(listeners, config->unix_path, err)) {
		listeners_close(listeners);
		return -1;
	}
	return 0;
}

void listeners_close(struct listeners *listeners)
{
	close_all(listeners);
	if (listeners->unix_path)
		unlink(listeners->unix_path);
	free(listeners->unix_path);
	listeners->unix_path = NULL;
}

static void name_unix_peer(int fd, char *peer, size_t size)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		snprintf(peer, size, "unix");
	else
		snprintf(peer, size, "unix (process %d, user %u)",
			 (int)cred.pid, (unsigned int)cred.uid);
}

static void name_tcp_peer(const struct sockaddr *addr, socklen_t len,
			  char *peer, size_t size)
{
	char host[64], port[16];

	if (getnameinfo(addr, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(peer, size, "?");
	else
		snprintf(peer, size,
			 addr->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
			 host, port);
}

int listener_accept(int fd, char *peer, size_t size)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int sock;

	sock = accept4(fd, (struct sockaddr *)&addr, &len, SOCK_CLOEXEC);
	if (sock < 0)
		return -1;
	if (addr.ss_family == AF_UNIX) {
		name_unix_peer(sock, peer, size);
		return sock;
	}
	set_option(sock, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(sock, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE);
	set_option(sock, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL);
	set_option(sock, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
	set_option(sock, SOL_SOCKET, SO_KEEPALIVE, 1);
	name_tcp_peer((struct sockaddr *)&addr, len, peer, size);
	return sock;
}
