/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NBD's transmission phase as bytes: requests from them, replies to them, and
 * which requests are valid. Pure functions: no sockets, no memory of their own.
 *
 * Sections named below are those of doc/proto.md, the NBD specification.
 */
#ifndef ENBD_SERVER_PROTO_H
#define ENBD_SERVER_PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "target.h"

/* What the client negotiated; each includes the one before. */
enum nbd_mode {
	NBD_SIMPLE,
	NBD_STRUCTURED,
	NBD_EXTENDED,
};

struct nbd_request {
	uint16_t flags;
	uint16_t type;
	uint64_t cookie;
	uint64_t offset;
	uint64_t length;
};

/* Longest header of a request, and longest of a reply without a read's data */
#define NBD_REQUEST_MAX		32
#define NBD_REPLY_MAX		40

/**
 * nbd_parse_request() - take a request's header from received bytes
 * @mode: what was negotiated
 * @data: received bytes, no alignment needed
 * @len: how many
 * @req: receives the header in host order; nothing in it has been checked
 *
 * Section "Request message".
 *
 * Return: bytes of the header, 0 if more than @len are needed, -EPROTO if the
 * magic is wrong: then nothing that follows can be understood either.
 */
int nbd_parse_request(enum nbd_mode mode, const void *data, size_t len,
		      struct nbd_request *req);

/**
 * nbd_payload_length() - bytes of payload that follow a request's header
 * @req: a parsed request, valid or not
 * @mode: what was negotiated
 *
 * Return: 0 to 2^64 - 1; the caller decides how much it will skip.
 */
uint64_t nbd_payload_length(const struct nbd_request *req, enum nbd_mode mode);

/**
 * nbd_check_request() - may this request be carried out?
 * @req: a parsed request other than DISC
 * @mode: what was negotiated
 * @info: the export
 *
 * Sections "Request types" and "Error values".
 *
 * Return: 0 or the NBD error to answer with. After 0 the range lies within
 * the export, is aligned to its least block, and reads and writes are not
 * longer than its block_max.
 */
uint32_t nbd_check_request(const struct nbd_request *req, enum nbd_mode mode,
			   const struct target_info *info);

/**
 * nbd_to_io() - what a valid request means for the export
 * @req: passed nbd_check_request()
 * @io: receives op, flags, offset, length
 */
void nbd_to_io(const struct nbd_request *req, struct block_io *io);

/**
 * nbd_put_reply() - write what comes before the data of a reply
 * @buf: NBD_REPLY_MAX bytes
 * @mode: what was negotiated
 * @req: the request; its length is the data's when it is a read
 * @error: 0 or an NBD error
 *
 * It answers all of a request. A read without error must be
 * followed by its data, any other reply is complete.
 *
 * Return: bytes written, see nbd_reply_length().
 */
size_t nbd_put_reply(void *buf, enum nbd_mode mode,
		     const struct nbd_request *req, uint32_t error);

/**
 * nbd_put_data() - write what comes before the data of one chunk of a read
 * @buf: NBD_REPLY_MAX bytes
 * @mode: what was negotiated, not NBD_SIMPLE
 * @part: the request, but offset and length are those of the chunk
 * @last: no other chunk follows
 *
 * Return: bytes written.
 */
size_t nbd_put_data(void *buf, enum nbd_mode mode,
		    const struct nbd_request *part, bool last);

/**
 * nbd_put_status() - write the answer to KEEPALIVE
 * @buf: NBD_REPLY_MAX bytes
 * @mode: what was negotiated, not NBD_SIMPLE
 * @req: the request
 * @size: of the export, bytes
 *
 * Documentation/protocol.rst, "KEEPALIVE".
 *
 * Return: bytes written.
 */
size_t nbd_put_status(void *buf, enum nbd_mode mode,
		      const struct nbd_request *req, uint64_t size);

/* Bytes that nbd_put_reply() would write. */
size_t nbd_reply_length(enum nbd_mode mode, const struct nbd_request *req,
			uint32_t error);

/**
 * nbd_transmission_flags() - what is announced for an export
 * @info: the export
 * @mode: what was negotiated
 *
 * Section "Transmission flags".
 */
uint16_t nbd_transmission_flags(const struct target_info *info,
				enum nbd_mode mode);

/* The NBD error for an errno; 0 stays 0, unknown ones become EIO. */
uint32_t nbd_error(int error);

/* Names for messages, "?" for unknown numbers */
const char *nbd_command_name(unsigned int type);

#endif /* ENBD_SERVER_PROTO_H */
