// SPDX-License-Identifier: GPL-2.0
#include "hs_parts.h"

#include <endian.h>
#include <string.h>

#include <linux/enbd_wire.h>

bool hs_take(struct cursor *c, void *to, size_t len)
{
	if (c->len < len)
		return false;
	memcpy(to, c->data, len);
	c->data += len;
	c->len -= len;
	return true;
}

bool hs_take16(struct cursor *c, uint16_t *value)
{
	uint16_t be;

	if (!hs_take(c, &be, sizeof(be)))
		return false;
	*value = be16toh(be);
	return true;
}

bool hs_take32(struct cursor *c, uint32_t *value)
{
	uint32_t be;

	if (!hs_take(c, &be, sizeof(be)))
		return false;
	*value = be32toh(be);
	return true;
}

bool hs_take_string(struct cursor *c, const char **s, uint32_t *len)
{
	if (!hs_take32(c, len) || c->len < *len || *len > ENBD_MAX_STRING)
		return false;
	*s = (const char *)c->data;
	c->data += *len;
	c->len -= *len;
	return true;
}

void hs_close(struct handshake *hs, const char *why)
{
	hs->state = HS_CLOSE;
	hs->why = why;
}

void hs_put(struct handshake *hs, const void *data, size_t len)
{
	if (hs->state == HS_CLOSE || !len)
		return;
	if (!hs->out.write(hs->out.ctx, data, len))
		hs_close(hs, "answer cannot be sent");
}

void hs_put_reply(struct handshake *hs, uint32_t option, uint32_t type,
		  size_t len)
{
	const struct enbd_opt_reply reply = {
		.magic = htobe64(ENBD_OPT_REPLY_MAGIC),
		.option = htobe32(option),
		.type = htobe32(type),
		.length = htobe32((uint32_t)len),
	};

	hs_put(hs, &reply, sizeof(reply));
}

void hs_put_error(struct handshake *hs, uint32_t option, uint32_t type,
		  const char *text)
{
	hs_put_reply(hs, option, type, strlen(text));
	hs_put(hs, text, strlen(text));
}

struct target *hs_find(const struct handshake *hs, const char *name,
		       size_t len)
{
	size_t i;

	for (i = 0; i < hs->count; i++) {
		const char *have = hs->targets[i]->info.name;

		if (strlen(have) == len && !memcmp(have, name, len))
			return hs->targets[i];
	}
	return len ? NULL : hs->targets[0];
}
