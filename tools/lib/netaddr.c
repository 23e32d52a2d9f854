// SPDX-License-Identifier: GPL-2.0
#include "netaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"

#define STAGGER_MS	250	/* RFC 8305: Connection Attempt Delay */
#define MAX_ATTEMPTS	8	/* addresses tried of one name */

/* As the kernel's dev_valid_name() */
static bool is_interface_name(const char *text)
{
	const size_t len = strlen(text);

	return len && len < IF_NAMESIZE && strcmp(text, ".") &&
	       strcmp(text, "..") && strcspn(text, "/: \t\n\v\f\r") == len;
}

int enbd_bind_parse(const char *text, struct enbd_bind *bind,
		    struct enbd_err *err)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *list;

	memset(bind, 0, sizeof(*bind));
	bind->text = text;
	if (!getaddrinfo(text, NULL, &hints, &list)) {
		memcpy(&bind->addr, list->ai_addr, list->ai_addrlen);
		bind->addr_len = list->ai_addrlen;
		freeaddrinfo(list);
		return 0;
	}
	/* One that is not there may come, and others may be there. */
	if (is_interface_name(text)) {
		strcpy(bind->iface, text);
		return 0;
	}
	return enbd_fail(err, ENBD_EXIT_USAGE,
			 "--bind %s: neither an address nor the name of a network interface",
			 text);
}

/* Binds to the first address of the interface that fits the family. */
static int bind_iface_addr(int fd, const char *iface, int family)
{
	struct ifaddrs *list, *i;
	int rc = -EADDRNOTAVAIL;

	if (getifaddrs(&list))
		return -errno;
	for (i = list; i; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != family ||
		    strcmp(i->ifa_name, iface))
			continue;
		rc = bind(fd, i->ifa_addr, family == AF_INET ?
			  sizeof(struct sockaddr_in) :
			  sizeof(struct sockaddr_in6)) ? -errno : 0;
		if (!rc)
			break;
	}
	freeifaddrs(list);
	return rc;
}

static int apply_bind(int fd, const struct enbd_bind *b, int family)
{
	const int on = 1;

	if (b->addr_len) {
		if (b->addr.ss_family != family)
			return -EAFNOSUPPORT;
		/* The port is chosen in connect(), by the whole 4-tuple. */
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
			   sizeof(on));
		return bind(fd, (const void *)&b->addr, b->addr_len) ?
			-errno : 0;
	}
	if (!if_nametoindex(b->iface))
		return -ENODEV;
	if (!setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, b->iface,
			(socklen_t)strlen(b->iface)))
		return 0;
	if (errno != EPERM)
		return -errno;
	return bind_iface_addr(fd, b->iface, family);
}

/* Begins to connect. Return: descriptor, or -errno. */
static int attempt(const struct addrinfo *ai, const struct enbd_bind *bind)
{
	int fd, rc = 0;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    ai->ai_protocol);
	if (fd < 0)
		return -errno;
	if (bind)
		rc = apply_bind(fd, bind, ai->ai_family);
	if (!rc && connect(fd, ai->ai_addr, ai->ai_addrlen) &&
	    errno != EINPROGRESS)
		rc = -errno;
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

/* What became of an attempt whose descriptor poll() calls ready */
static int outcome(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
		return -errno;
	return -error;
}

/* Waits for one of the attempts. Return: index of a ready one, or -1. */
static int wait_any(struct pollfd *pfd, unsigned int count, uint64_t until)
{
	const uint64_t now = enbd_now_ms();
	unsigned int i;
	int wait = 0;

	if (until > now)
		wait = until - now > INT_MAX ? INT_MAX : (int)(until - now);
	if (poll(pfd, count, wait) <= 0)
		return -1;
	for (i = 0; i < count; i++)
		if (pfd[i].revents)
			return (int)i;
	return -1;
}

/*
 * The race of the addresses in @list. Return: descriptor, or -errno of the
 * last attempt that failed.
 */
static int race(const struct addrinfo *list, const struct enbd_bind *bind,
		uint64_t deadline)
{
	struct pollfd pfd[MAX_ATTEMPTS];
	const struct addrinfo *next = list;
	unsigned int count = 0, begun = 0, i;
	uint64_t now, step = 0;
	int last = -ETIMEDOUT, won = -1, fd, ready;

	while (won < 0) {
		now = enbd_now_ms();
		if (now >= deadline)
			break;
		if (next && (!count || now >= step)) {
			fd = attempt(next, bind);
			next = ++begun < MAX_ATTEMPTS ? next->ai_next : NULL;
			if (fd < 0) {
				last = fd;
				continue;
			}
			pfd[count++] = (struct pollfd){ .fd = fd,
							.events = POLLOUT };
			step = now + STAGGER_MS;
		}
		if (!count)
			break;
		ready = wait_any(pfd, count,
				 next && step < deadline ? step : deadline);
		if (ready < 0)
			continue;
		fd = pfd[ready].fd;
		pfd[ready] = pfd[--count];
		last = outcome(fd);
		if (!last)
			won = fd;
		else
			close(fd);
	}
	for (i = 0; i < count; i++)
		close(pfd[i].fd);
	return won >= 0 ? won : last;
}

static int cannot_connect(const struct enbd_uri *uri,
			  const struct enbd_bind *bind, int error,
			  struct enbd_err *err)
{
	const char *remedy = "";
	char server[NI_MAXHOST + 16];

	switch (error) {
	case ECONNREFUSED:
		remedy = "; is an NBD server running there?";
		break;
	case ENOENT:
		remedy = "; is the server running, and is that its socket?";
		break;
	case ETIMEDOUT:
		remedy = "; is the host up, and does no firewall drop the port?";
		break;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		if (bind)
			remedy = "; is --bind an address of this host, and of the server's family?";
		break;
	case ENODEV:
		if (bind)
			remedy = "; there is no such network interface now";
		break;
	}
	enbd_uri_server(uri, server, sizeof(server));
	return enbd_fail(err, ENBD_EXIT_NETWORK, "%s: cannot connect%s%s: %s%s",
			 server, bind ? " from " : "", bind ? bind->text : "",
			 strerror(error), remedy);
}

static int set_blocking(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) ?
		-errno : 0;
}

static int dial_tcp(const struct enbd_uri *uri, const struct enbd_bind *bind,
		    uint64_t deadline, struct enbd_err *err)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP,
	};
	const int on = 1;
	struct addrinfo *list;
	int fd, rc;

	if (bind && bind->addr_len)
		hints.ai_family = bind->addr.ss_family;
	rc = getaddrinfo(uri->host, uri->port, &hints, &list);
	if (rc)
		return enbd_fail(err, ENBD_EXIT_NETWORK,
				 "%s: cannot find the address: %s; is the name right?",
				 uri->host, rc == EAI_SYSTEM ?
				 strerror(errno) : gai_strerror(rc));
	fd = race(list, bind, deadline);
	freeaddrinfo(list);
	if (fd < 0)
		return cannot_connect(uri, bind, -fd, err);
	rc = set_blocking(fd);
	if (!rc && (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
		    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on))))
		rc = -errno;
	if (rc) {
		close(fd);
		return cannot_connect(uri, bind, -rc, err);
	}
	return fd;
}

static int dial_unix(const struct enbd_uri *uri, uint64_t deadline,
		     struct enbd_err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval timeout;
	uint64_t now = enbd_now_ms();
	int fd, rc = 0;

	strcpy(addr.sun_path, uri->socket);
	if (now >= deadline)
		return cannot_connect(uri, NULL, ETIMEDOUT, err);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return cannot_connect(uri, NULL, errno, err);
	/* A full backlog makes connect() wait for as long as it may send. */
	timeout.tv_sec = (time_t)((deadline - now) / 1000);
	timeout.tv_usec = (suseconds_t)((deadline - now) % 1000 * 1000);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)))
		rc = errno;
	else if (connect(fd, (const void *)&addr, sizeof(addr)))
		rc = errno == EAGAIN ? ETIMEDOUT : errno;
	memset(&timeout, 0, sizeof(timeout));
	if (!rc && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout,
			      sizeof(timeout)))
		rc = errno;
	if (rc) {
		close(fd);
		return cannot_connect(uri, NULL, rc, err);
	}
	return fd;
}

int enbd_dial(const struct enbd_uri *uri, const struct enbd_bind *bind,
	      uint64_t deadline, struct enbd_err *err)
{
	if (uri->kind == ENBD_URI_UNIX)
		return dial_unix(uri, deadline, err);
	return dial_tcp(uri, bind, deadline, err);
}
