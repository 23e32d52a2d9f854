/* SPDX-License-Identifier: GPL-2.0 */
/* Signatures (protocol.rst, "HELLO"): from secrets, from text, and for people. */
#ifndef ENBD_SIGNATURE_H
#define ENBD_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include <linux/enbd_wire.h>

#include "error.h"

/* Digits that are shown where one is named in a message, with the NUL */
#define ENBD_SIGNATURE_SHORT	9

/* All digits, with the NUL */
#define ENBD_SIGNATURE_TEXT	(2 * ENBD_EXT_SIGNATURE_LEN + 1)

/**
 * enbd_signature_derive() - what a server with this secret shows
 * @secret: any bytes
 * @len: how many
 * @export: name of the export as the server knows it
 * @signature: receives it
 *
 * Return: 0, or -1 if the library of cryptography cannot do it.
 */
int enbd_signature_derive(const void *secret, size_t len, const char *export,
			  uint8_t signature[ENBD_EXT_SIGNATURE_LEN]);

/* Digits of a digest, with the NUL */
#define ENBD_SIGNATURE_DIGEST	17

/**
 * enbd_signature_digest() - what names a signature without giving it away
 * @signature: of a server
 * @text: receives the first 16 hexadecimal digits of its SHA-256, "" if the
 *        library of cryptography cannot do it
 *
 * Return: @text.
 */
char *enbd_signature_digest(const uint8_t signature[ENBD_EXT_SIGNATURE_LEN],
			    char text[ENBD_SIGNATURE_DIGEST]);

/**
 * enbd_signature_parse() - 64 hexadecimal digits
 * @text: upper and lower case
 * @signature: receives the bytes
 *
 * Return: 0, or -1 if it is anything else.
 */
int enbd_signature_parse(const char *text,
			 uint8_t signature[ENBD_EXT_SIGNATURE_LEN]);

/**
 * enbd_hex() - bytes as hexadecimal digits
 * @buf: receives as many digits as fit, terminated
 * @size: bytes at @buf
 * @data: the bytes
 * @len: how many
 *
 * Return: @buf.
 */
char *enbd_hex(char *buf, size_t size, const uint8_t *data, size_t len);

/**
 * enbd_unhex() - the way back
 * @text: exactly 2 * @len digits
 * @data: receives the bytes
 * @len: how many
 *
 * Return: 0 or -1.
 */
int enbd_unhex(const char *text, uint8_t *data, size_t len);

#endif /* ENBD_SIGNATURE_H */
