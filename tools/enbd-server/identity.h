/* SPDX-License-Identifier: GPL-2.0 */
/* Which export of which server this is: the signature, and where it is from. */
#ifndef ENBD_SERVER_IDENTITY_H
#define ENBD_SERVER_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"

#define IDENTITY_LEN	32u

/**
 * identity_hash() - SHA-256 of several pieces
 * @iov: the pieces
 * @count: how many
 * @hash: receives it
 */
void identity_hash(const struct iovec *iov, unsigned int count,
		   uint8_t hash[IDENTITY_LEN]);

/**
 * identity_signature() - the signature of an export
 * @config: the export; with its own secret, that is the key
 * @key: the server's secret, for exports without one
 * @len: bytes at @key
 * @signature: receives it
 *
 * Documentation/protocol.rst, "HELLO". With the server's secret the paths of an
 * export without a name stand for its name: one machine may run several servers
 * with an export without a name.
 */
void identity_signature(const struct export_config *config, const void *key,
			size_t len, uint8_t signature[IDENTITY_LEN]);

/* Hexadecimal digits: 2 * @len + 1 bytes at @text. Return: @text */
char *identity_hex(char *text, const void *data, size_t len);

/* From 2 * @len digits. Return: 0 or -EINVAL */
int identity_from_hex(void *data, size_t len, const char *text);

#endif /* ENBD_SERVER_IDENTITY_H */
