// SPDX-License-Identifier: GPL-2.0
#include "frames.h"

#include <endian.h>
#include <string.h>

#include <linux/enbd_wire.h>

static uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return be16toh(v);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

/* Length of a header by its first four bytes; 0: none that we know. */
static size_t header_size(uint32_t magic)
{
	switch (magic) {
	case ENBD_IHAVEOPT >> 32:
		return sizeof(struct enbd_opt_request);
	case ENBD_REQUEST_MAGIC:
		return sizeof(struct enbd_request);
	case ENBD_EXT_REQUEST_MAGIC:
		return sizeof(struct enbd_ext_request);
	}
	return 0;
}

size_t frames_header(const uint8_t *buf, size_t len)
{
	size_t size = len < 4 ? 0 : header_size(get32(buf));

	return size <= len ? size : 0;
}

/* The payload behind a complete header, and whether it is a WRITE's. */
static uint64_t payload_of(const uint8_t *h, bool *is_write)
{
	uint32_t magic = get32(h);
	uint16_t flags = get16(h + 4), type = get16(h + 6);

	*is_write = false;
	if (magic == ENBD_IHAVEOPT >> 32)
		return get32(h + 12);
	*is_write = type == ENBD_CMD_WRITE;
	if (magic == ENBD_REQUEST_MAGIC)
		return *is_write ? get32(h + 24) : 0;
	return flags & ENBD_CMD_FLAG_PAYLOAD_LEN ? get64(h + 24) : 0;
}

size_t frames_pass(struct frames *f, const uint8_t *buf, size_t len, bool stop,
		   uint64_t *payload)
{
	size_t at = 0, size;
	uint64_t rest;
	bool is_write;

	*payload = 0;
	while (at < len) {
		if (f->rest) {
			rest = f->rest < len - at ? f->rest : len - at;
			at += rest;
			f->rest -= rest;
			continue;
		}
		switch (f->state) {
		case FRAMES_FLAGS:
			f->rest = 4;
			f->state = FRAMES_HEADER;
			break;
		case FRAMES_HEADER:
			if (len - at < 4)
				return at;
			size = header_size(get32(buf + at));
			if (!size) {
				f->state = FRAMES_OPAQUE;
				break;
			}
			if (len - at < size)
				return at;
			rest = payload_of(buf + at, &is_write);
			if (is_write && stop) {
				*payload = rest;
				return at;
			}
			f->writes += is_write;
			f->rest = rest;
			at += size;
			break;
		case FRAMES_OPAQUE:
			return len;
		}
	}
	return at;
}
