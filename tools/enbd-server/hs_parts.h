/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the handshake share: taking options apart, answering. */
#ifndef ENBD_SERVER_HS_PARTS_H
#define ENBD_SERVER_HS_PARTS_H

#include "handshake.h"

/* The payload of an option while it is taken apart */
struct cursor {
	const uint8_t *data;
	size_t len;
};

/* Take so many bytes, or an integer. Return: false if there are not enough */
bool hs_take(struct cursor *c, void *to, size_t len);
bool hs_take16(struct cursor *c, uint16_t *value);
bool hs_take32(struct cursor *c, uint32_t *value);

/* A string with its length in front; points into the payload */
bool hs_take_string(struct cursor *c, const char **s, uint32_t *len);

/* Nothing more is read or sent. @why: as handshake.why */
void hs_close(struct handshake *hs, const char *why);

/* Send bytes; without effect once the handshake is over. */
void hs_put(struct handshake *hs, const void *data, size_t len);

/* The header of a reply to an option; @len bytes must follow. */
void hs_put_reply(struct handshake *hs, uint32_t option, uint32_t type,
		  size_t len);

/* An error with a text for people */
void hs_put_error(struct handshake *hs, uint32_t option, uint32_t type,
		  const char *text);

/* The export of this name, NULL if there is none */
struct target *hs_find(const struct handshake *hs, const char *name,
		       size_t len);

/* Is the extension offered for this export? */
bool hs_has_extension(const struct handshake *hs, const struct target *target);

/**
 * hs_extension() - carry out an option of the extension
 * @hs: the client
 * @option: its number
 * @c: its payload
 *
 * Return: false if this is no such option, or none that the client may know.
 */
bool hs_extension(struct handshake *hs, uint32_t option, struct cursor c);

#endif /* ENBD_SERVER_HS_PARTS_H */
