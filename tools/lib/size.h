/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers, sizes and times as people write them, and back. */
#ifndef ENBD_SIZE_H
#define ENBD_SIZE_H

#include <stddef.h>
#include <stdint.h>

/**
 * enbd_parse_size() - "512", "64k", "1.5G", "0x1000"
 * @text: decimal or 0x number, then nothing, B, or one of kKmMgGtTpPeE for
 *        powers of 1024, which "iB" or "B" may follow; a decimal number may
 *        have a fraction if the result is whole bytes
 * @bytes: receives 0 to 2^63 - 1
 *
 * Return: 0, -EINVAL if it is no size, -ERANGE if it is too large.
 */
int enbd_parse_size(const char *text, uint64_t *bytes);

/**
 * enbd_parse_seconds() - "30", "0.5"
 * @text: decimal seconds with at most three digits of fraction, which one
 *        "s" may follow
 * @ms: receives 0 to 2^32 - 1 milliseconds
 *
 * Return: 0, -EINVAL or -ERANGE.
 */
int enbd_parse_seconds(const char *text, uint32_t *ms);

/**
 * enbd_parse_u32() - a decimal number between limits
 * @text: digits only
 * @min: least value allowed
 * @max: largest value allowed
 * @value: receives it
 *
 * Return: 0, -EINVAL or -ERANGE.
 */
int enbd_parse_u32(const char *text, uint32_t min, uint32_t max,
		   uint32_t *value);

/**
 * enbd_format_size() - "1.5 GiB", "512 B"
 * @buf: receives the text
 * @size: bytes at @buf, 16 are enough
 * @bytes: the number
 *
 * Return: @buf.
 */
char *enbd_format_size(char *buf, size_t size, uint64_t bytes);

#endif /* ENBD_SIZE_H */
