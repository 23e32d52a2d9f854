/* SPDX-License-Identifier: GPL-2.0 */
/* Connecting: names to addresses, addresses to sockets, and which way out. */
#ifndef ENBD_NETADDR_H
#define ENBD_NETADDR_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "error.h"
#include "uri.h"

/**
 * struct enbd_bind - where a connection leaves this host
 * @text: as the user wrote it, for messages
 * @iface: name of an interface, "" if an address was given
 * @addr: address with port 0, when @addr_len is not 0
 * @addr_len: bytes of @addr, 0 if an interface was given
 */
struct enbd_bind {
	const char *text;
	char iface[IF_NAMESIZE];
	struct sockaddr_storage addr;
	socklen_t addr_len;
};

/**
 * enbd_bind_parse() - an address of this host, or the name of an interface
 * @text: kept, not copied
 * @bind: receives the result
 * @err: receives ENBD_EXIT_USAGE if it can be neither
 *
 * Whether there is such an address or interface shows when it is used.
 *
 * Return: 0 or -1.
 */
int enbd_bind_parse(const char *text, struct enbd_bind *bind,
		    struct enbd_err *err);

/**
 * enbd_dial() - connect to the server of a URI
 * @uri: parsed
 * @bind: where to leave from, NULL to let the routing decide; only for TCP
 * @deadline: of enbd_now_ms()
 * @err: receives ENBD_EXIT_NETWORK
 *
 * All addresses of the name are tried, in the order of the resolver, the next
 * one when an older attempt has failed or has said nothing for a quarter of a
 * second (RFC 8305 without its sorting); the first that answers wins.
 *
 * Return: a connected descriptor with close-on-exec (TCP_NODELAY and
 * SO_KEEPALIVE on TCP), or -1.
 */
int enbd_dial(const struct enbd_uri *uri, const struct enbd_bind *bind,
	      uint64_t deadline, struct enbd_err *err);

#endif /* ENBD_NETADDR_H */
