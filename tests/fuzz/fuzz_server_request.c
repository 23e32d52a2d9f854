// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/proto.c tools/enbd-server/layout.c */
/*
 * Any bytes as a request: one that is found valid lies within its export, maps
 * to extents within the members, and its reply has the length announced.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/enbd_wire.h>

#include "tools/enbd-server/layout.h"
#include "tools/enbd-server/proto.h"

#define MEMBERS	5

static const uint64_t sizes[MEMBERS] = {
	1ull << 42, 123450, 1ull << 60, 0, 1ull << 20,
};

static void check_map(const struct layout *layout, const struct block_io *io)
{
	struct extent extents[MEMBERS];
	uint64_t total = 0;
	unsigned int i, n;

	if (!io->length)
		return;
	n = layout_map(layout, io->offset, io->length, extents);
	for (i = 0; i < n; i++) {
		const struct extent *e = &extents[i];

		if (e->member >= MEMBERS || !e->length ||
		    e->offset > sizes[e->member] ||
		    e->length > sizes[e->member] - e->offset)
			abort();
		total += e->length;
	}
	if (total != io->length)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct target_info info = { .name = "x", .block_max = 1 << 25 };
	unsigned char reply[NBD_REPLY_MAX];
	struct nbd_request req;
	struct layout layout;
	struct block_io io;
	enum nbd_mode mode;
	uint32_t error;
	size_t n;
	int head;

	if (size < 2)
		return 0;
	mode = data[0] % 3;
	/* The empty member cannot be part of a stripe. */
	if (layout_init(&layout, sizes, data[1] & 1 ? 3 : MEMBERS,
			data[1] & 1 ? 4096u << (data[1] >> 6) : 0))
		abort();
	info.size = layout.size;
	info.block_min = 1u << (data[1] >> 2 & 7);
	info.read_only = data[1] & 2;
	head = nbd_parse_request(mode, data + 2, size - 2, &req);
	if (head <= 0) {
		layout_free(&layout);
		return 0;
	}
	if ((size_t)head > size - 2)
		abort();
	nbd_payload_length(&req, mode);
	error = nbd_check_request(&req, mode, &info);
	if (!error) {
		nbd_to_io(&req, &io);
		if (io.offset > info.size || io.length > info.size - io.offset)
			abort();
		if (info.read_only && (io.op == IO_WRITE || io.op == IO_TRIM ||
				       io.op == IO_ZERO))
			abort();
		check_map(&layout, &io);
	}
	n = nbd_put_reply(reply, mode, &req, error);
	if (n > sizeof(reply) || n != nbd_reply_length(mode, &req, error))
		abort();
	layout_free(&layout);
	return 0;
}
