// SPDX-License-Identifier: GPL-2.0
#include "block.h"

#include <stdbool.h>
#include <string.h>

#define MAGIC		0x454e42442d484953ULL	/* ENBD-HIS */
#define WORDS		(SECTOR_SIZE / sizeof(uint64_t))

/* A sector as words; the words from FILL on are made from those before. */
enum { W_MAGIC, W_RUN, W_PLACE, W_SEQ, W_SUM, W_FILL };

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

static uint64_t place_of(uint32_t unit, uint16_t number, uint16_t writer)
{
	return (uint64_t)unit << 32 | (uint32_t)number << 16 | writer;
}

static uint64_t sum_of(const uint64_t *w)
{
	return mix(w[W_RUN] ^ mix(w[W_PLACE] ^ mix(w[W_SEQ] + MAGIC)));
}

static void fill(uint64_t *w)
{
	uint64_t x;
	unsigned int i;

	w[W_MAGIC] = MAGIC;
	w[W_SUM] = x = sum_of(w);
	for (i = W_FILL; i < WORDS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		w[i] = x;
	}
}

void block_fill(void *buf, uint64_t run, uint32_t unit, uint64_t seq,
		uint16_t writer)
{
	uint64_t *w = buf;
	unsigned int i;

	for (i = 0; i < UNIT_SECTORS; i++, w += WORDS) {
		w[W_RUN] = run;
		w[W_PLACE] = place_of(unit, i, writer);
		w[W_SEQ] = seq;
		fill(w);
	}
}

struct sector block_sector(const void *buf, uint64_t run, uint32_t unit,
			   uint16_t number)
{
	uint64_t w[WORDS], right[WORDS] = { 0 };
	struct sector s = { .kind = SECTOR_BROKEN };

	memcpy(w, buf, SECTOR_SIZE);
	if (!memcmp(w, right, SECTOR_SIZE)) {
		s.kind = SECTOR_ZERO;
		return s;
	}
	if (w[W_MAGIC] != MAGIC)
		return s;
	s.run = w[W_RUN];
	s.seq = w[W_SEQ];
	s.unit = w[W_PLACE] >> 32;
	s.number = w[W_PLACE] >> 16;
	s.writer = w[W_PLACE];
	memcpy(right, w, W_FILL * sizeof(*w));
	fill(right);
	if (memcmp(w, right, SECTOR_SIZE))
		return s;
	s.kind = s.run == run && s.unit == unit && s.number == number ?
		 SECTOR_DATA : SECTOR_FOREIGN;
	return s;
}
