// SPDX-License-Identifier: GPL-2.0
#include "proto.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/enbd_wire.h>

int nbd_parse_request(enum nbd_mode mode, const void *data, size_t len,
		      struct nbd_request *req)
{
	struct enbd_ext_request ext;
	struct enbd_request old;

	if (mode == NBD_EXTENDED) {
		if (len < sizeof(ext))
			return 0;
		memcpy(&ext, data, sizeof(ext));
		if (be32toh(ext.magic) != ENBD_EXT_REQUEST_MAGIC)
			return -EPROTO;
		req->flags = be16toh(ext.flags);
		req->type = be16toh(ext.type);
		req->cookie = be64toh(ext.cookie);
		req->offset = be64toh(ext.offset);
		req->length = be64toh(ext.length);
		return sizeof(ext);
	}
	if (len < sizeof(old))
		return 0;
	memcpy(&old, data, sizeof(old));
	if (be32toh(old.magic) != ENBD_REQUEST_MAGIC)
		return -EPROTO;
	req->flags = be16toh(old.flags);
	req->type = be16toh(old.type);
	req->cookie = be64toh(old.cookie);
	req->offset = be64toh(old.offset);
	req->length = be32toh(old.length);
	return sizeof(old);
}

uint64_t nbd_payload_length(const struct nbd_request *req, enum nbd_mode mode)
{
	/*
	 * With extended headers a write without PAYLOAD_LEN breaks the rules,
	 * but those that exist still send the payload.
	 */
	if (req->type == ENBD_CMD_WRITE)
		return req->length;
	if (mode == NBD_EXTENDED && req->flags & ENBD_CMD_FLAG_PAYLOAD_LEN)
		return req->length;
	return 0;
}

/* Flags that mean something for a command; all others are an error. */
static unsigned int valid_flags(const struct nbd_request *req,
				enum nbd_mode mode)
{
	/* "the server MUST accept all commands with this bit set" */
	unsigned int flags = ENBD_CMD_FLAG_FUA;

	switch (req->type) {
	case ENBD_CMD_READ:
		if (mode != NBD_SIMPLE)
			flags |= ENBD_CMD_FLAG_DF;
		break;
	case ENBD_CMD_WRITE:
		if (mode == NBD_EXTENDED)
			flags |= ENBD_CMD_FLAG_PAYLOAD_LEN;
		break;
	case ENBD_CMD_WRITE_ZEROES:
		flags |= ENBD_CMD_FLAG_NO_HOLE | ENBD_CMD_FLAG_FAST_ZERO;
		break;
	}
	return flags;
}

uint32_t nbd_check_request(const struct nbd_request *req, enum nbd_mode mode,
			   const struct target_info *info)
{
	const uint64_t size = atomic_load_explicit(&info->size,
						   memory_order_relaxed);
	bool writes = false, space = false, data = false;

	switch (req->type) {
	case ENBD_CMD_READ:
		data = true;
		break;
	case ENBD_CMD_WRITE:
		data = true;
		writes = true;
		space = true;
		break;
	case ENBD_CMD_WRITE_ZEROES:
		writes = true;
		space = true;
		break;
	case ENBD_CMD_TRIM:
		writes = true;
		break;
	case ENBD_CMD_CACHE:
		break;
	case ENBD_CMD_FLUSH:
		if (req->flags & ~valid_flags(req, mode) || req->offset ||
		    req->length)
			return ENBD_EINVAL;
		return 0;
	default:
		return ENBD_EINVAL;
	}
	if (req->flags & ~valid_flags(req, mode))
		return ENBD_EINVAL;
	if (writes && info->read_only)
		return ENBD_EPERM;
	if (req->offset > size || req->length > size - req->offset)
		return space ? ENBD_ENOSPC : ENBD_EINVAL;
	if ((req->offset | req->length) & (info->block_min - 1))
		return ENBD_EINVAL;
	if (data && req->length > info->block_max)
		return req->flags & ENBD_CMD_FLAG_DF ? ENBD_EOVERFLOW :
						       ENBD_EINVAL;
	return 0;
}

void nbd_to_io(const struct nbd_request *req, struct block_io *io)
{
	static const enum io_op ops[] = {
		[ENBD_CMD_READ]		= IO_READ,
		[ENBD_CMD_WRITE]	= IO_WRITE,
		[ENBD_CMD_FLUSH]	= IO_FLUSH,
		[ENBD_CMD_TRIM]		= IO_TRIM,
		[ENBD_CMD_CACHE]	= IO_CACHE,
		[ENBD_CMD_WRITE_ZEROES]	= IO_ZERO,
	};

	io->op = ops[req->type];
	io->flags = 0;
	if (req->flags & ENBD_CMD_FLAG_FUA)
		io->flags |= IO_FUA;
	if (req->flags & ENBD_CMD_FLAG_NO_HOLE)
		io->flags |= IO_NO_HOLE;
	if (req->flags & ENBD_CMD_FLAG_FAST_ZERO)
		io->flags |= IO_FAST;
	io->offset = req->offset;
	io->length = req->length;
}

/* Does the reply carry data? A chunk of data must not be empty. */
static bool has_data(const struct nbd_request *req, uint32_t error)
{
	return req->type == ENBD_CMD_READ && !error && req->length;
}

size_t nbd_reply_length(enum nbd_mode mode, const struct nbd_request *req,
			uint32_t error)
{
	size_t len;

	if (mode == NBD_EXTENDED)
		len = sizeof(struct enbd_ext_reply);
	else if (mode == NBD_STRUCTURED && req->type == ENBD_CMD_READ)
		len = sizeof(struct enbd_chunk_reply);
	else
		return sizeof(struct enbd_simple_reply);
	if (error)
		len += 4 + 2;
	else if (has_data(req, error))
		len += 8;
	return len;
}

/* The header of a chunk, for a payload of so many bytes. @last: of its reply */
static size_t put_chunk(void *buf, enum nbd_mode mode,
			const struct nbd_request *req, unsigned int type,
			uint64_t payload, bool last)
{
	const unsigned int flags = last ? ENBD_REPLY_FLAG_DONE : 0;
	const struct enbd_chunk_reply chunk = {
		.magic = htobe32(ENBD_STRUCTURED_REPLY_MAGIC),
		.flags = htobe16(flags),
		.type = htobe16(type),
		.cookie = htobe64(req->cookie),
		.length = htobe32((uint32_t)payload),
	};

	if (mode == NBD_EXTENDED) {
		const struct enbd_ext_reply reply = {
			.magic = htobe32(ENBD_EXT_REPLY_MAGIC),
			.flags = htobe16(flags),
			.type = htobe16(type),
			.cookie = htobe64(req->cookie),
			.offset = htobe64(req->offset),
			.length = htobe64(payload),
		};

		memcpy(buf, &reply, sizeof(reply));
		return sizeof(reply);
	}
	memcpy(buf, &chunk, sizeof(chunk));
	return sizeof(chunk);
}

size_t nbd_put_status(void *buf, enum nbd_mode mode,
		      const struct nbd_request *req, uint64_t size)
{
	const uint64_t be_size = htobe64(size);
	size_t len;

	len = put_chunk(buf, mode, req, ENBD_REPLY_TYPE_STATUS,
			sizeof(be_size), true);
	memcpy((char *)buf + len, &be_size, sizeof(be_size));
	return len + sizeof(be_size);
}

size_t nbd_put_data(void *buf, enum nbd_mode mode,
		    const struct nbd_request *part, bool last)
{
	const uint64_t be_offset = htobe64(part->offset);
	size_t len;

	len = put_chunk(buf, mode, part, ENBD_REPLY_TYPE_OFFSET_DATA,
			sizeof(be_offset) + part->length, last);
	memcpy((char *)buf + len, &be_offset, sizeof(be_offset));
	return len + sizeof(be_offset);
}

size_t nbd_put_reply(void *buf, enum nbd_mode mode,
		     const struct nbd_request *req, uint32_t error)
{
	const uint32_t be_error = htobe32(error);
	size_t len;

	/* Other commands may have simple replies in structured mode. */
	if (mode == NBD_SIMPLE ||
	    (mode == NBD_STRUCTURED && req->type != ENBD_CMD_READ)) {
		struct enbd_simple_reply reply = {
			.magic = htobe32(ENBD_SIMPLE_REPLY_MAGIC),
			.error = htobe32(error),
			.cookie = htobe64(req->cookie),
		};

		memcpy(buf, &reply, sizeof(reply));
		return sizeof(reply);
	}
	if (has_data(req, error))
		return nbd_put_data(buf, mode, req, true);
	if (!error)
		return put_chunk(buf, mode, req, ENBD_REPLY_TYPE_NONE, 0, true);
	len = put_chunk(buf, mode, req, ENBD_REPLY_TYPE_ERROR, 4 + 2, true);
	memcpy((char *)buf + len, &be_error, 4);
	memset((char *)buf + len + 4, 0, 2);	/* length of a text */
	return len + 6;
}

uint16_t nbd_transmission_flags(const struct target_info *info,
				enum nbd_mode mode)
{
	unsigned int flags = ENBD_FLAG_HAS_FLAGS | ENBD_FLAG_SEND_FLUSH |
			     ENBD_FLAG_SEND_FUA | ENBD_FLAG_CAN_MULTI_CONN |
			     ENBD_FLAG_SEND_CACHE;

	if (info->read_only)
		flags |= ENBD_FLAG_READ_ONLY;
	else
		flags |= ENBD_FLAG_SEND_TRIM | ENBD_FLAG_SEND_WRITE_ZEROES |
			 ENBD_FLAG_SEND_FAST_ZERO;
	if (info->rotational)
		flags |= ENBD_FLAG_ROTATIONAL;
	if (mode != NBD_SIMPLE)
		flags |= ENBD_FLAG_SEND_DF;
	return (uint16_t)flags;
}

uint32_t nbd_error(int error)
{
	switch (error) {
	case 0:
		return 0;
	case EPERM:
	case EROFS:
		return ENBD_EPERM;
	case ENOMEM:
		return ENBD_ENOMEM;
	case EINVAL:
		return ENBD_EINVAL;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ENBD_ENOSPC;
	case EOVERFLOW:
		return ENBD_EOVERFLOW;
	case EOPNOTSUPP:
		return ENBD_ENOTSUP;
	case ESHUTDOWN:
		return ENBD_ESHUTDOWN;
	default:
		return ENBD_EIO;
	}
}

const char *nbd_command_name(unsigned int type)
{
	static const char *const names[] = {
		[ENBD_CMD_READ]		= "read",
		[ENBD_CMD_WRITE]	= "write",
		[ENBD_CMD_DISC]		= "disconnect",
		[ENBD_CMD_FLUSH]	= "flush",
		[ENBD_CMD_TRIM]		= "trim",
		[ENBD_CMD_CACHE]	= "cache",
		[ENBD_CMD_WRITE_ZEROES]	= "write zeroes",
		[ENBD_CMD_BLOCK_STATUS]	= "block status",
		[ENBD_CMD_RESIZE]	= "resize",
	};

	if (type == ENBD_CMD_FENCE)
		return "fence";
	if (type == ENBD_CMD_KEEPALIVE)
		return "keepalive";
	return type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}
