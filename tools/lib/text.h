/* SPDX-License-Identifier: GPL-2.0 */
/* Making bytes that others chose fit to be shown. */
#ifndef ENBD_TEXT_H
#define ENBD_TEXT_H

#include <stddef.h>

/**
 * enbd_text_clean() - copy text so that no terminal acts on it
 * @dst: receives a terminated string of valid UTF-8, cut where it is full
 * @size: bytes at @dst, at least 1
 * @src: any bytes
 * @len: how many of them
 *
 * Control characters (C0, DEL, C1), the marks that turn the direction of
 * writing, and what is not UTF-8 become '?'.
 */
void enbd_text_clean(char *dst, size_t size, const void *src, size_t len);

/**
 * enbd_text_utf8() - copy text so that it is valid UTF-8, else unchanged
 * @dst: receives a terminated string, cut where it is full
 * @size: bytes at @dst, at least 1
 * @src: any bytes; they end at a NUL if there is one
 * @len: how many of them
 *
 * For JSON, which escapes control characters by itself.
 */
void enbd_text_utf8(char *dst, size_t size, const void *src, size_t len);

#endif /* ENBD_TEXT_H */
