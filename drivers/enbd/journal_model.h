/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of journal.c, one for each thing that can happen to it, and a naive
 * model of a device that random operations are compared with.
 *
 * Included after journal.c, by journal_kunit.c in the kernel and by
 * tests/unit/test_journal.c outside of it.
 */
#ifndef ENBD_JOURNAL_MODEL_H
#define ENBD_JOURNAL_MODEL_H

#include <linux/kernel.h>
#include <linux/string.h>

#define KI		1024ULL
#define REGION		(64 * KI)
#define GI		(KI * KI * KI)
#define TI		(KI * GI)

/* A chunk and a bit */
#define MODEL_REGIONS	(CHUNK + 77)
#define MODEL_SIZE	(MODEL_REGIONS * REGION)

struct model_range {
	u64 offset;
	u64 length;
};

/**
 * struct journal_case - one test
 * @name: what holds
 * @run:  given an empty journal of MODEL_SIZE
 */
struct journal_case {
	const char *name;
	void (*run)(struct enbd_journal *j);
};

/* What was found wrong first */
static const char *model_wrong;

#define MODEL_STR2(x)	#x
#define MODEL_STR(x)	MODEL_STR2(x)
#define EXPECT(what)							\
do {									\
	if (!(what) && !model_wrong)					\
		model_wrong = "line " MODEL_STR(__LINE__) ": not: " #what; \
} while (0)

static int resize(struct enbd_journal *j, u64 size)
{
	int err = enbd_journal_prepare(j, size);

	if (!err)
		enbd_journal_resize(j, size);
	return err;
}

/* Are these, to the first of length 0, all that is in the journal? */
static bool has_just(struct enbd_journal *j, const struct model_range *r)
{
	u64 pos = 0, offset, length, bytes = 0;
	bool empty = !r->length;

	for (; r->length; r++) {
		if (!enbd_journal_next_range(j, &pos, &offset, &length) ||
		    offset != r->offset || length != r->length)
			return false;
		bytes += length;
	}
	return !enbd_journal_next_range(j, &pos, &offset, &length) &&
	       enbd_journal_bytes(j) == bytes &&
	       enbd_journal_empty(j) == empty;
}

#define HAS(j, ...) \
	has_just(j, (const struct model_range[]){ __VA_ARGS__, {} })
#define NONE(j)	has_just(j, &(const struct model_range){})

/* Write one byte in the middle of a region. */
static void write_region(struct enbd_journal *j, u64 region)
{
	enbd_journal_mark(j, region * REGION + REGION / 2, 1);
}

static void case_new(struct enbd_journal *j)
{
	EXPECT(NONE(j));
	EXPECT(enbd_journal_region_size(j) == REGION);
}

static void case_write(struct enbd_journal *j)
{
	enbd_journal_mark(j, 5 * REGION + 512, 512);
	EXPECT(HAS(j, { 5 * REGION, REGION }));
	/* the last byte of one and the first of the next */
	enbd_journal_mark(j, 7 * REGION - 1, 2);
	EXPECT(HAS(j, { 5 * REGION, 3 * REGION }));
	enbd_journal_mark(j, 9 * REGION, REGION);
	EXPECT(HAS(j, { 5 * REGION, 3 * REGION }, { 9 * REGION, REGION }));
	/* again, and joined */
	enbd_journal_mark(j, 6 * REGION, 3 * REGION);
	EXPECT(HAS(j, { 5 * REGION, 5 * REGION }));
}

/* Words of the map begin at multiples of 32 or 64, chunks at those of 4096 */
static void case_long(struct enbd_journal *j)
{
	u64 end = MODEL_SIZE;

	enbd_journal_mark(j, 62 * REGION, 2 * REGION);
	EXPECT(HAS(j, { 62 * REGION, 2 * REGION }));
	enbd_journal_mark(j, 64 * REGION, 64 * REGION);
	EXPECT(HAS(j, { 62 * REGION, 66 * REGION }));
	enbd_journal_mark(j, 4000 * REGION, 150 * REGION);
	EXPECT(HAS(j, { 62 * REGION, 66 * REGION },
		   { 4000 * REGION, 150 * REGION }));
	enbd_journal_mark(j, end - 1, 1);
	EXPECT(HAS(j, { 62 * REGION, 66 * REGION },
		   { 4000 * REGION, 150 * REGION }, { end - REGION, REGION }));
	enbd_journal_mark(j, 0, end);
	EXPECT(HAS(j, { 0, end }));
}

static void case_flush(struct enbd_journal *j)
{
	u32 f;

	write_region(j, 1);
	f = enbd_journal_flush_begin(j);
	EXPECT(HAS(j, { REGION, REGION }));
	write_region(j, 1);
	write_region(j, 3);
	enbd_journal_flush_end(j, f, true);
	EXPECT(HAS(j, { REGION, REGION }, { 3 * REGION, REGION }));
	f = enbd_journal_flush_begin(j);
	enbd_journal_flush_end(j, f, true);
	EXPECT(NONE(j));
}

static void case_flush_fails(struct enbd_journal *j)
{
	u32 f;

	write_region(j, 1);
	f = enbd_journal_flush_begin(j);
	write_region(j, 3);
	enbd_journal_flush_end(j, f, false);
	EXPECT(HAS(j, { REGION, REGION }, { 3 * REGION, REGION }));
	/* they are the next one's */
	f = enbd_journal_flush_begin(j);
	enbd_journal_flush_end(j, f, true);
	EXPECT(NONE(j));
}

static void case_two(struct enbd_journal *j)
{
	u32 f, g;

	write_region(j, 1);
	f = enbd_journal_flush_begin(j);
	write_region(j, 3);
	g = enbd_journal_flush_begin(j);
	write_region(j, 5);
	enbd_journal_flush_end(j, g, true);
	EXPECT(HAS(j, { REGION, REGION }, { 5 * REGION, REGION }));
	enbd_journal_flush_end(j, f, true);
	EXPECT(HAS(j, { 5 * REGION, REGION }));
}

static void case_two_older_first(struct enbd_journal *j)
{
	u32 f, g;

	write_region(j, 1);
	f = enbd_journal_flush_begin(j);
	write_region(j, 3);
	g = enbd_journal_flush_begin(j);
	enbd_journal_flush_end(j, f, true);
	EXPECT(HAS(j, { 3 * REGION, REGION }));
	enbd_journal_flush_end(j, g, false);
	EXPECT(HAS(j, { 3 * REGION, REGION }));
}

static void case_third_takes_over(struct enbd_journal *j)
{
	u32 f, g, h;

	write_region(j, 1);
	f = enbd_journal_flush_begin(j);
	write_region(j, 3);
	g = enbd_journal_flush_begin(j);
	write_region(j, 5);
	h = enbd_journal_flush_begin(j);
	EXPECT(HAS(j, { REGION, REGION }, { 3 * REGION, REGION },
		   { 5 * REGION, REGION }));
	write_region(j, 7);
	/* it owns nothing any more */
	enbd_journal_flush_end(j, g, true);
	EXPECT(enbd_journal_bytes(j) == 4 * REGION);
	enbd_journal_flush_end(j, h, true);
	EXPECT(HAS(j, { REGION, REGION }, { 7 * REGION, REGION }));
	enbd_journal_flush_end(j, f, true);
	EXPECT(HAS(j, { 7 * REGION, REGION }));
}

static void case_third_fails(struct enbd_journal *j)
{
	u32 f, g, h;

	write_region(j, 1);
	f = enbd_journal_flush_begin(j);
	write_region(j, 3);
	g = enbd_journal_flush_begin(j);
	write_region(j, 5);
	h = enbd_journal_flush_begin(j);
	enbd_journal_flush_end(j, h, false);
	enbd_journal_flush_end(j, g, true);
	EXPECT(enbd_journal_bytes(j) == 3 * REGION);
	enbd_journal_flush_end(j, f, true);
	EXPECT(HAS(j, { 3 * REGION, REGION }, { 5 * REGION, REGION }));
}

/* However they overlap, what is old is cleared; and at the end, everything */
static void case_overlap(struct enbd_journal *j)
{
	u32 f[4];
	unsigned int i;

	for (i = 0; i < 200; i++) {
		if (i >= 4)
			enbd_journal_flush_end(j, f[i % 4], true);
		write_region(j, i);
		f[i % 4] = enbd_journal_flush_begin(j);
		EXPECT(enbd_journal_bytes(j) <= 8 * REGION);
	}
	for (; i < 204; i++)
		enbd_journal_flush_end(j, f[i % 4], true);
	EXPECT(NONE(j));
}

/* Nothing of it is owned while no flush is under way */
static void case_no_token(struct enbd_journal *j)
{
	write_region(j, 1);
	enbd_journal_flush_end(j, 0, true);
	enbd_journal_flush_end(j, 12345, true);
	EXPECT(HAS(j, { REGION, REGION }));
}

static void case_token_wraps(struct enbd_journal *j)
{
	u32 f;

	write_region(j, 1);
	j->token = U32_MAX;
	f = enbd_journal_flush_begin(j);
	EXPECT(f == 1);
	enbd_journal_flush_end(j, f, true);
	EXPECT(NONE(j));
}

static void case_clear(struct enbd_journal *j)
{
	u32 f, g;

	write_region(j, 1);
	f = enbd_journal_flush_begin(j);
	write_region(j, 3);
	g = enbd_journal_flush_begin(j);
	write_region(j, 5);
	enbd_journal_clear(j);
	EXPECT(NONE(j));
	/* those that were under way have nothing to say about what comes */
	write_region(j, 7);
	enbd_journal_flush_end(j, f, true);
	enbd_journal_flush_end(j, g, false);
	EXPECT(HAS(j, { 7 * REGION, REGION }));
	f = enbd_journal_flush_begin(j);
	enbd_journal_flush_end(j, f, true);
	EXPECT(NONE(j));
}

/*
 * A mark found the current map, and sets its bit only after a flush has come
 * and gone: it is there, and goes with a later flush, whichever map it was.
 */
static void case_late_mark(struct enbd_journal *j)
{
	struct journal_maps *maps = rcu_dereference_protected(j->maps, true);
	unsigned int i, late;
	u32 f, g;

	for (late = 0; late < MAPS; late++) {
		f = enbd_journal_flush_begin(j);
		g = enbd_journal_flush_begin(j);
		enbd_journal_flush_end(j, f, true);
		enbd_journal_flush_end(j, g, true);
		map_set(&maps->map[late], 0, 1UL << 9);
		EXPECT(HAS(j, { 9 * REGION, REGION }));
		for (i = 0; i < 3; i++) {
			f = enbd_journal_flush_begin(j);
			enbd_journal_flush_end(j, f, true);
		}
		EXPECT(NONE(j));
	}
}

/* A mark has set the region's bit but not yet the chunk's, and is overtaken */
static void case_half_mark(struct enbd_journal *j)
{
	struct journal_maps *maps = rcu_dereference_protected(j->maps, true);
	struct journal_map *cur = &maps->map[maps->cur];
	u32 f;

	cur->region[CHUNK / BITS_PER_LONG] |= 1;
	write_region(j, CHUNK);
	EXPECT(HAS(j, { CHUNK * REGION, REGION }));
	f = enbd_journal_flush_begin(j);
	enbd_journal_flush_end(j, f, true);
	EXPECT(NONE(j));
	/* a chunk alone is nothing */
	maps->map[maps->cur].chunk[0] = 3;
	EXPECT(NONE(j));
}

static void case_region_size(struct enbd_journal *j)
{
	static const struct {
		u64 size;
		u64 region;
	} sizes[] = {
		{ 512, REGION },
		{ REGION, REGION },
		{ 256 * GI, REGION },
		{ 256 * GI + 1, 2 * REGION },
		{ TI, 4 * REGION },
		{ TI + 512, 8 * REGION },
		{ (1ULL << 63) - 1, 1ULL << 41 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct enbd_journal *k = enbd_journal_new(sizes[i].size);
		u64 size = sizes[i].size, region = sizes[i].region;
		u64 last = (size - 1) & ~(region - 1);

		EXPECT(k);
		if (!k)
			continue;
		EXPECT(enbd_journal_region_size(k) == region);
		EXPECT(NONE(k));
		enbd_journal_mark(k, size - 1, 1);
		EXPECT(HAS(k, { last, size - last }));
		enbd_journal_free(k);
	}
	EXPECT(NONE(j));
}

/* The end of the device is no whole region */
static void case_part_of_a_region(struct enbd_journal *j)
{
	u64 size = CHUNK * REGION + 1536;
	u64 last = CHUNK * REGION;

	EXPECT(!resize(j, size));
	write_region(j, 1);
	enbd_journal_mark(j, last, 512);
	EXPECT(HAS(j, { REGION, REGION }, { last, 1536 }));
	enbd_journal_mark(j, 0, size);
	EXPECT(HAS(j, { 0, size }));
	enbd_journal_clear(j);
}

/* Never beyond what there is, but not forgotten either */
static void case_beyond(struct enbd_journal *j)
{
	u64 last = MODEL_SIZE - REGION;

	enbd_journal_mark(j, MODEL_SIZE - 512, TI);
	EXPECT(HAS(j, { last, REGION }));
	enbd_journal_clear(j);
	enbd_journal_mark(j, MODEL_SIZE + TI, 512);
	EXPECT(HAS(j, { last, REGION }));
}

static void case_shrink(struct enbd_journal *j)
{
	write_region(j, 1);
	write_region(j, 100);
	EXPECT(!resize(j, 100 * REGION + 512));
	EXPECT(HAS(j, { REGION, REGION }, { 100 * REGION, 512 }));
	EXPECT(!resize(j, 100 * REGION));
	EXPECT(HAS(j, { REGION, REGION }));
	EXPECT(!resize(j, REGION));
	EXPECT(NONE(j));
	/* not forgotten */
	EXPECT(!resize(j, MODEL_SIZE));
	EXPECT(HAS(j, { REGION, REGION }, { 100 * REGION, REGION }));
}

static void case_grow(struct enbd_journal *j)
{
	u32 f;

	write_region(j, 1);
	f = enbd_journal_flush_begin(j);
	enbd_journal_mark(j, MODEL_SIZE - 1, 1);
	EXPECT(!resize(j, 2 * MODEL_SIZE));
	EXPECT(enbd_journal_region_size(j) == REGION);
	EXPECT(HAS(j, { REGION, REGION }, { MODEL_SIZE - REGION, REGION }));
	/* a flush from before clears nothing */
	enbd_journal_flush_end(j, f, true);
	EXPECT(enbd_journal_bytes(j) == 2 * REGION);
	enbd_journal_mark(j, MODEL_SIZE, MODEL_SIZE);
	EXPECT(HAS(j, { REGION, REGION },
		   { MODEL_SIZE - REGION, MODEL_SIZE + REGION }));
	f = enbd_journal_flush_begin(j);
	enbd_journal_flush_end(j, f, true);
	EXPECT(NONE(j));
}

/* More regions than there may be: they become larger, and stay so */
static void case_grow_regions(struct enbd_journal *j)
{
	u32 f;

	write_region(j, 5);
	write_region(j, 8);
	EXPECT(!resize(j, 600 * GI));
	EXPECT(enbd_journal_region_size(j) == 4 * REGION);
	EXPECT(!resize(j, 250 * GI));
	EXPECT(enbd_journal_region_size(j) == 4 * REGION);
	EXPECT(!resize(j, TI));
	EXPECT(enbd_journal_region_size(j) == 4 * REGION);
	EXPECT(HAS(j, { 4 * REGION, 8 * REGION }));
	EXPECT(HAS(j, { 4 * REGION, 8 * REGION }));
	f = enbd_journal_flush_begin(j);
	enbd_journal_flush_end(j, f, true);
	EXPECT(NONE(j));
}

/* A flush that begins while what was marked before is being carried over */
static void case_flush_while_growing(struct enbd_journal *j)
{
	u32 f;

	write_region(j, 1);
	j->growing = true;
	f = enbd_journal_flush_begin(j);
	EXPECT(!f);
	j->growing = false;
	enbd_journal_flush_end(j, f, true);
	EXPECT(HAS(j, { REGION, REGION }));
	enbd_journal_clear(j);
	EXPECT(enbd_journal_empty(j));
	j->growing = true;
	EXPECT(!enbd_journal_empty(j));
	j->growing = false;
}

static const struct journal_case journal_cases[] = {
	{ "a new journal is empty", case_new },
	{ "writes are there, joined", case_write },
	{ "long writes, over words and chunks", case_long },
	{ "a flush clears what was before its begin", case_flush },
	{ "a failed flush clears nothing", case_flush_fails },
	{ "two flushes, the newer ends first", case_two },
	{ "two flushes, the older ends first", case_two_older_first },
	{ "a third takes over from the second", case_third_takes_over },
	{ "a third takes over and fails", case_third_fails },
	{ "flushes that always overlap", case_overlap },
	{ "the end of no flush", case_no_token },
	{ "tokens are never 0", case_token_wraps },
	{ "clear, with flushes under way", case_clear },
	{ "a mark that is late", case_late_mark },
	{ "a mark that is half done", case_half_mark },
	{ "sizes of regions", case_region_size },
	{ "the last region is a part of one", case_part_of_a_region },
	{ "writes beyond the end", case_beyond },
	{ "shrink", case_shrink },
	{ "grow", case_grow },
	{ "grow to larger regions", case_grow_regions },
	{ "a flush begins while it grows", case_flush_while_growing },
};

/* ---- random operations against a model ---- */

#define MODEL_FLUSHES	5

/**
 * struct journal_model - what every region of 64 KiB has been through
 * @now:     counts operations
 * @size:    of the device now
 * @written: when it was last written and acknowledged, 0 never
 * @covered: writes acknowledged before this are durable
 * @flush:   flushes under way: token, and @now of their begin, 0 for none
 * @exact:   no flush has failed, nor was cut off by a resize, since one that
 *           was alone: nothing else may be in the journal when none is under
 *           way
 * @random:  state of the generator
 */
struct journal_model {
	u32 now;
	u64 size;
	u32 written[MODEL_REGIONS];
	u32 covered;
	struct {
		u32 token;
		u32 begin;
	} flush[MODEL_FLUSHES];
	bool exact;
	u64 random;
};

static struct journal_model model;

/* A number below @n. */
static u32 model_random(u32 n)
{
	model.random ^= model.random << 13;
	model.random ^= model.random >> 7;
	model.random ^= model.random << 17;
	return (u32)(model.random >> 32) % n;
}

static unsigned int model_flushes(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < MODEL_FLUSHES; i++)
		n += !!model.flush[i].begin;
	return n;
}

static void model_write(struct enbd_journal *j)
{
	u32 nr = (model.size + REGION - 1) / REGION;
	u32 first = model_random(nr);
	u32 n = 1 + model_random(model_random(20) ? 3 : nr - first);
	u64 end, offset = first * REGION + model_random(128) * 512;
	u32 i;

	offset = min(offset, model.size - 512);
	end = min(first * REGION + n * REGION - model_random(128) * 512,
		  model.size);
	if (end <= offset)
		end = offset + 512;
	for (i = offset / REGION; i <= (end - 1) / REGION; i++)
		model.written[i] = model.now;
	enbd_journal_mark(j, offset, end - offset);
}

static void model_flush(struct enbd_journal *j)
{
	unsigned int i = model_random(MODEL_FLUSHES);
	u32 begin = model.flush[i].begin;
	bool ok = model_random(8);

	if (!begin) {
		model.flush[i].begin = model.now;
		model.flush[i].token = enbd_journal_flush_begin(j);
		return;
	}
	model.flush[i].begin = 0;
	enbd_journal_flush_end(j, model.flush[i].token, ok);
	if (!ok) {
		model.exact = false;
		return;
	}
	model.covered = max(model.covered, begin);
}

static void model_resize(struct enbd_journal *j)
{
	u64 size = (1 + model_random(MODEL_SIZE / 512 - 1)) * 512ULL;
	u32 i;

	/* what is cut off does not count, but may turn up again */
	for (i = (size + REGION - 1) / REGION; i < MODEL_REGIONS; i++)
		model.written[i] = 0;
	model.exact = false;
	model.size = size;
	EXPECT(!resize(j, size));
}

static void model_compare(struct enbd_journal *j)
{
	u32 nr = (model.size + REGION - 1) / REGION;
	bool quiet = model.exact && !model_flushes();
	u64 pos = 0, offset, length, bytes = 0, last = 0;
	u32 i, at = 0;
	bool any = false;

	while (enbd_journal_next_range(j, &pos, &offset, &length)) {
		EXPECT(length);
		EXPECT(offset % REGION == 0);
		EXPECT(offset + length <= model.size);
		EXPECT(offset + length == model.size || length % REGION == 0);
		EXPECT(!any || offset > last);
		for (; at < offset / REGION; at++)
			EXPECT(model.written[at] <= model.covered);
		for (; at < (offset + length + REGION - 1) / REGION; at++) {
			EXPECT(at < nr);
			if (at >= nr)
				return;
			EXPECT(!quiet || model.written[at] > model.covered);
		}
		bytes += length;
		last = offset + length;
		any = true;
	}
	for (i = at; i < nr; i++)
		EXPECT(model.written[i] <= model.covered);
	EXPECT(bytes == enbd_journal_bytes(j));
	EXPECT(enbd_journal_empty(j) == !any);
}

/* Some operations from a seed, compared after each. */
static void model_play(struct enbd_journal *j, u64 seed, u32 steps)
{
	u32 f;

	memset(&model, 0, sizeof(model));
	model.random = seed * 0x9e3779b97f4a7c15ULL + 1;
	model.size = MODEL_SIZE;
	model.exact = true;
	while (steps-- && !model_wrong) {
		/* writes come at other times than flushes begin */
		model.now += 2;
		switch (model_random(100)) {
		case 0:
			model_resize(j);
			break;
		case 1:
			if (model_flushes())
				break;
			f = enbd_journal_flush_begin(j);
			enbd_journal_flush_end(j, f, true);
			model.covered = model.now;
			model.exact = true;
			break;
		case 2 ... 45:
			model_flush(j);
			break;
		default:
			model_write(j);
		}
		model_compare(j);
	}
}

#endif /* ENBD_JOURNAL_MODEL_H */
