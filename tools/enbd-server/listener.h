/* SPDX-License-Identifier: GPL-2.0 */
/* The sockets that clients connect to. */
#ifndef ENBD_SERVER_LISTENER_H
#define ENBD_SERVER_LISTENER_H

#include <stddef.h>

#include "config.h"
#include "error.h"

#define LISTENERS_MAX	64u

/**
 * struct listeners - all of them
 * @fds: listening sockets, non-blocking
 * @count: how many
 * @port: TCP port, 0 without TCP
 * @unix_path: socket file to remove at the end, or NULL
 */
struct listeners {
	int fds[LISTENERS_MAX];
	unsigned int count;
	unsigned int port;
	char *unix_path;
};

/**
 * listeners_open() - listen as configured
 * @listeners: is initialised
 * @config: addresses, port, Unix socket
 * @err: filled on failure, when nothing stays open
 *
 * Return: 0 or -1.
 */
int listeners_open(struct listeners *listeners,
		   const struct server_config *config, struct enbd_err *err);

/* Close them and remove the Unix socket; may be called twice. */
void listeners_close(struct listeners *listeners);

/**
 * listener_accept() - take a client that waits
 * @fd: a listening socket
 * @peer: receives who it is, for messages
 * @size: bytes at @peer
 *
 * Return: a blocking socket, -1 with errno.
 */
int listener_accept(int fd, char *peer, size_t size);

#endif /* ENBD_SERVER_LISTENER_H */
