/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where an export is: NBD URIs ("NBD URI Specification", doc/uri.md of the
 * NetworkBlockDevice project) and the HOST:PORT of the original ENBD.
 */
#ifndef ENBD_URI_H
#define ENBD_URI_H

#include <netdb.h>
#include <stddef.h>
#include <sys/un.h>

#include <linux/enbd.h>
#include <linux/enbd_wire.h>

#include "error.h"

enum enbd_uri_kind {
	ENBD_URI_TCP,
	ENBD_URI_UNIX,
};

/**
 * struct enbd_uri - a parsed address of an export
 * @kind: which of the other members are used
 * @host: name or address without brackets, TCP only
 * @port: decimal, 1 to 65535, TCP only
 * @socket: absolute path, UNIX only
 * @export: name of the export, "" for the server's default; any bytes but NUL
 * @text: URI that gives the same again when parsed in another directory
 */
struct enbd_uri {
	enum enbd_uri_kind kind;
	char host[NI_MAXHOST];
	char port[8];
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char export[ENBD_MAX_STRING + 1];
	char text[ENBD_TEXT_MAX];
};

/**
 * enbd_uri_parse() - read a URI or HOST:PORT
 * @text: nbd://HOST[:PORT][/EXPORT], nbd+unix:///[EXPORT]?socket=PATH, or
 *        HOST:PORT
 * @uri: receives the result
 * @err: receives ENBD_EXIT_USAGE, or ENBD_EXIT_IDENTITY where the URI asks
 *       for TLS
 *
 * Unknown parameters are ignored as the specification asks.
 *
 * Return: 0 or -1.
 */
int enbd_uri_parse(const char *text, struct enbd_uri *uri,
		   struct enbd_err *err);

/**
 * enbd_uri_from_host() - the default export of a host
 * @host: name or address, IPv6 with or without brackets
 * @port: decimal, NULL for NBD's own
 * @uri: receives the result
 * @err: receives ENBD_EXIT_USAGE
 *
 * Return: 0 or -1.
 */
int enbd_uri_from_host(const char *host, const char *port,
		       struct enbd_uri *uri, struct enbd_err *err);

/**
 * enbd_uri_set_export() - another export of the same server
 * @uri: parsed
 * @export: its name, not encoded
 * @err: receives ENBD_EXIT_USAGE if it is too long
 *
 * Return: 0 or -1.
 */
int enbd_uri_set_export(struct enbd_uri *uri, const char *export,
			struct enbd_err *err);

/**
 * enbd_uri_server() - name the server in a message
 * @uri: parsed
 * @buf: receives "host:port" or the path of the socket
 * @size: bytes at @buf
 *
 * Return: @buf.
 */
char *enbd_uri_server(const struct enbd_uri *uri, char *buf, size_t size);

#endif /* ENBD_URI_H */
