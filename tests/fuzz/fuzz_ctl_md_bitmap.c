// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/md_bitmap.c */
/* Any superblock, head and bits of a leg that a server may have made up. */
#include <stdlib.h>
#include <string.h>

#include "tools/enbdctl/md_bitmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	uint64_t size;
	uint64_t events;
	uint64_t bitmap;
	uint64_t data;
	uint64_t data_end;
	uint8_t good;		/* 0: the head's first fields are as they should */
	uint8_t step;
	uint8_t head[MD_BITMAP_HEAD];
};

struct seen {
	uint64_t next;
	uint64_t count;
};

static int each(void *arg, uint64_t first, uint64_t last)
{
	struct seen *seen = arg;

	if (first < seen->next || last < first || last >= seen->count)
		abort();
	seen->next = last + 2;
	return 0;
}

static void scan(const struct md_bitmap *b, const uint8_t *data, size_t size,
		 size_t step)
{
	struct seen seen = { .count = b->count };
	struct md_runs runs;
	size_t n;

	md_runs_begin(&runs, b->count, each, &seen);
	for (; size; data += n, size -= n) {
		n = step < size ? step : size;
		if (md_runs_add(&runs, data, n))
			abort();
	}
	if (md_runs_end(&runs))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t begin[8] = { 'b', 'i', 't', 'm', 4 };
	static struct md_super super;
	struct md_bitmap b;
	struct input in;

	if (size < sizeof(in))
		return 0;
	memcpy(&in, data, sizeof(in));
	super.events = in.events;
	super.bitmap = in.bitmap;
	super.data = in.data;
	super.data_end = in.data_end;
	if (!in.good) {
		memcpy(in.head, begin, sizeof(begin));
		memset(in.head + sizeof(begin), 0, MD_UUID_LEN);
	}
	if (md_bitmap_parse(in.head, &super, in.size, &b))
		return 0;
	/* Nothing but what belongs to no data is read, and not too much. */
	if (b.end < b.first || b.end - b.first > MD_BITMAP_BYTES_MAX ||
	    b.first < MD_BITMAP_HEAD || b.chunk < 512 ||
	    (b.count && (b.count - 1) >= UINT64_MAX / b.chunk))
		abort();
	scan(&b, data + sizeof(in), size - sizeof(in), in.step + 1u);
	return 0;
}
