// SPDX-License-Identifier: GPL-2.0
#include "uri.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "size.h"

#define STR_(x) #x
#define STR(x) STR_(x)

static int bad(struct enbd_err *err, const char *text, const char *why)
{
	return enbd_fail(err, ENBD_EXIT_USAGE,
			 "%s: not a URI of an export: %s; write nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=PATH",
			 text, why);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Undoes %XX in the @len bytes at @src. Return: NULL, or what is wrong.
 */
static const char *decode(char *dst, size_t size, const char *src, size_t len)
{
	size_t in, out = 0;
	int high, low;
	char c;

	for (in = 0; in < len; in++) {
		c = src[in];
		if (c == '%') {
			if (len - in < 3)
				return "% needs two hexadecimal digits";
			high = hex_digit(src[in + 1]);
			low = hex_digit(src[in + 2]);
			if (high < 0 || low < 0)
				return "% needs two hexadecimal digits";
			c = (char)(high << 4 | low);
			in += 2;
			if (!c)
				return "it contains a zero byte";
		}
		if (out + 1 >= size)
			return "a part of it is too long";
		dst[out++] = c;
	}
	dst[out] = '\0';
	return NULL;
}

/* Appends @src to @dst with everything as %XX that has a meaning in a URI. */
static void encode(char *dst, size_t size, const char *src, const char *safe)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t out = strlen(dst);

	for (; *src && out + 4 < size; src++) {
		if (strchr(plain, *src) || strchr(safe, *src))
			dst[out++] = *src;
		else
			out += (size_t)sprintf(dst + out, "%%%02X",
					       (unsigned char)*src);
	}
	dst[out] = '\0';
}

static const char *set_host(struct enbd_uri *uri, const char *host, size_t len)
{
	struct in6_addr addr;
	const char *why, *p;
	char *zone;

	if (len && host[0] == '[') {
		if (len < 2 || host[len - 1] != ']')
			return "the ] of the IPv6 address is missing";
		why = decode(uri->host, sizeof(uri->host), host + 1, len - 2);
		if (why)
			return why;
		zone = strchr(uri->host, '%');
		if (zone)
			*zone = '\0';
		if (inet_pton(AF_INET6, uri->host, &addr) != 1)
			return "there is no IPv6 address in the brackets";
		if (zone)
			*zone = '%';
		return NULL;
	}
	why = decode(uri->host, sizeof(uri->host), host, len);
	if (why)
		return why;
	if (!uri->host[0])
		return "the host is missing";
	for (p = uri->host; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f ||
		    strchr("/?#@[]:\\\"<>", *p))
			return "that is no name of a host";
	return NULL;
}

static const char *set_port(struct enbd_uri *uri, const char *port, size_t len)
{
	char text[16];
	uint32_t value;

	if (len >= sizeof(text))
		return "the port is not a number from 1 to 65535";
	memcpy(text, port, len);
	text[len] = '\0';
	if (enbd_parse_u32(text, 1, 65535, &value))
		return "the port is not a number from 1 to 65535";
	snprintf(uri->port, sizeof(uri->port), "%u", value);
	return NULL;
}

/* HOST[:PORT], the host perhaps in brackets */
static const char *set_authority(struct enbd_uri *uri, const char *s,
				 size_t len)
{
	const char *colon, *bracket, *why;

	if (memchr(s, '@', len))
		return "a user name has a meaning only with TLS";
	bracket = memrchr(s, ']', len);
	colon = bracket ? memchr(bracket, ':', len - (size_t)(bracket - s)) :
			  memchr(s, ':', len);
	why = set_host(uri, s, colon ? (size_t)(colon - s) : len);
	if (why)
		return why;
	if (!colon || colon + 1 == s + len)
		return set_port(uri, STR(ENBD_DEFAULT_PORT),
				sizeof(STR(ENBD_DEFAULT_PORT)) - 1);
	return set_port(uri, colon + 1, len - (size_t)(colon + 1 - s));
}

static const char *set_socket(struct enbd_uri *uri, const char *query,
			      bool *absolute)
{
	char path[sizeof(uri->socket)];
	const char *why;
	size_t len, room = sizeof(uri->socket);

	for (; query; query = query[len] ? query + len + 1 : NULL) {
		len = strcspn(query, "&;");
		if (strncmp(query, "socket=", 7))
			continue;
		why = decode(path, sizeof(path), query + 7, len - 7);
		if (why)
			return why;
		if (!path[0])
			return "the path of the socket is missing";
		*absolute = path[0] == '/';
		if (*absolute) {
			strcpy(uri->socket, path);
			return NULL;
		}
		if (!getcwd(uri->socket, room - 1))
			return "the path of the socket is too long";
		strcat(uri->socket, "/");
		if (strlen(uri->socket) + strlen(path) >= room)
			return "the path of the socket is too long";
		strcat(uri->socket, path);
		return NULL;
	}
	return "the parameter socket=PATH is missing";
}

static bool ascii(const char *s)
{
	while (*s && !(*s & 0x80))
		s++;
	return !*s;
}

/*
 * What can be parsed again anywhere, and kept anywhere: a URI is ASCII. Text
 * that was a full URI stays as the user wrote it.
 */
static int set_text(struct enbd_uri *uri, const char *given, bool keep,
		    struct enbd_err *err)
{
	char *t = uri->text;
	const size_t size = sizeof(uri->text);
	bool v6 = strchr(uri->host, ':');

	if (strlen(given) >= size || strlen(uri->export) >= size)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%.40s...: longer than the %zu bytes that the driver can keep",
				 given, size - 1);
	if (keep && ascii(given)) {
		strcpy(t, given);
		return 0;
	}
	if (uri->kind == ENBD_URI_UNIX) {
		strcpy(t, "nbd+unix:///");
		encode(t, size, uri->export, "/");
		if (strlen(t) + 8 >= size)
			goto too_long;
		strcat(t, "?socket=");
		encode(t, size, uri->socket, "/");
	} else {
		strcpy(t, v6 ? "nbd://[" : "nbd://");
		encode(t, size, uri->host, v6 ? ":" : "");
		if (strlen(t) + strlen(uri->port) + 3 >= size)
			goto too_long;
		strcat(strcat(strcat(t, v6 ? "]:" : ":"), uri->port), "/");
		encode(t, size, uri->export, "/");
	}
	if (strlen(t) + 5 >= size)
		goto too_long;
	return 0;
too_long:
	return enbd_fail(err, ENBD_EXIT_USAGE,
			 "%.40s...: as a URI longer than the %zu bytes that the driver can keep",
			 given, size - 1);
}

static int parse_rest(const char *text, const char *rest, struct enbd_uri *uri,
		      struct enbd_err *err)
{
	const size_t authority = strcspn(rest, "/?");
	const char *path = rest + authority, *query = strchr(path, '?');
	bool absolute = true;
	const char *why;
	size_t len = query ? (size_t)(query - path) : strlen(path);

	if (len) {
		/* The first slash only parts the name from what is before. */
		why = decode(uri->export, sizeof(uri->export), path + 1,
			     len - 1);
		if (why)
			return bad(err, text, why);
	}
	if (uri->kind == ENBD_URI_TCP) {
		why = set_authority(uri, rest, authority);
		if (why)
			return bad(err, text, why);
		return set_text(uri, text, true, err);
	}
	if (authority)
		return bad(err, text, "nbd+unix:// has no host, write three slashes");
	why = set_socket(uri, query ? query + 1 : NULL, &absolute);
	if (why)
		return bad(err, text, why);
	return set_text(uri, text, absolute, err);
}

int enbd_uri_parse(const char *text, struct enbd_uri *uri,
		   struct enbd_err *err)
{
	const char *sep = strstr(text, "://"), *p, *why;
	size_t scheme = sep ? (size_t)(sep - text) : 0;

	memset(uri, 0, sizeof(*uri));
	for (p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return bad(err, text, "blanks and control characters are written as %XX");
	if (!sep) {
		if (!strchr(text, ':') || strchr(text, '/'))
			return bad(err, text, "nbd:// is missing");
		why = set_authority(uri, text, strlen(text));
		if (why)
			return bad(err, text, why);
		return set_text(uri, text, false, err);
	}
	if (strchr(text, '#'))
		return bad(err, text, "write # as %23");
	if ((scheme == 4 && !strncasecmp(text, "nbds", 4)) ||
	    (scheme > 5 && !strncasecmp(text, "nbds+", 5)))
		return enbd_fail(err, ENBD_EXIT_IDENTITY,
				 "%s: TLS is not available in this version; use nbd:// on a network you trust",
				 text);
	if (scheme == 3 && !strncasecmp(text, "nbd", 3))
		uri->kind = ENBD_URI_TCP;
	else if (scheme == 8 && !strncasecmp(text, "nbd+unix", 8))
		uri->kind = ENBD_URI_UNIX;
	else
		return bad(err, text, "only nbd:// and nbd+unix:// are known");
	return parse_rest(text, sep + 3, uri, err);
}

int enbd_uri_from_host(const char *host, const char *port,
		       struct enbd_uri *uri, struct enbd_err *err)
{
	const char *why;
	size_t len = strlen(host);

	memset(uri, 0, sizeof(*uri));
	if (strchr(host, ':') && host[0] != '[' && len < sizeof(uri->host)) {
		char bracketed[sizeof(uri->host) + 2];

		snprintf(bracketed, sizeof(bracketed), "[%s]", host);
		why = set_host(uri, bracketed, len + 2);
	} else {
		why = set_host(uri, host, len);
	}
	if (!port)
		port = STR(ENBD_DEFAULT_PORT);
	if (!why)
		why = set_port(uri, port, strlen(port));
	if (why)
		return bad(err, host, why);
	return set_text(uri, host, false, err);
}

int enbd_uri_set_export(struct enbd_uri *uri, const char *export,
			struct enbd_err *err)
{
	if (strlen(export) >= sizeof(uri->export))
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%.40s...: longer than the name of an export may be",
				 export);
	strcpy(uri->export, export);
	return set_text(uri, export, false, err);
}

char *enbd_uri_server(const struct enbd_uri *uri, char *buf, size_t size)
{
	if (uri->kind == ENBD_URI_UNIX)
		snprintf(buf, size, "%s", uri->socket);
	else if (strchr(uri->host, ':'))
		snprintf(buf, size, "[%s]:%s", uri->host, uri->port);
	else
		snprintf(buf, size, "%s:%s", uri->host, uri->port);
	return buf;
}
