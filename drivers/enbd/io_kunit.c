// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of io.c: who owns a request, what errors mean, where data are.
 * Tracepoints are the driver's, so here there are none.
 */
#define NOTRACE

#include <kunit/test.h>
#include <linux/bio.h>
#include <linux/sizes.h>

#include "io.c"

#define QUEUES	2
#define DEPTH	4
#define NR	(QUEUES * DEPTH)
/* The entry and the channel that most tests are about */
#define INDEX	5
#define CH	3
#define OTHER	4

static int io_test_init(struct kunit *test)
{
	struct enbd_ledger *led;

	led = kunit_kzalloc(test, sizeof(*led), GFP_KERNEL);
	if (!led)
		return -ENOMEM;
	test->priv = led;
	return enbd_ledger_init(led, QUEUES, DEPTH);
}

static void io_test_exit(struct kunit *test)
{
	if (test->priv)
		enbd_ledger_free(test->priv);
}

static struct enbd_io *entry(struct kunit *test)
{
	struct enbd_ledger *led = test->priv;

	return &led->io[INDEX];
}

/* An entry that went the usual way to a state on CH. */
static struct enbd_io *entry_in(struct kunit *test, enum enbd_io_state state)
{
	struct enbd_io *io = entry(test);

	if (state == ENBD_IO_FREE)
		return io;
	if (state == ENBD_IO_PARKED) {
		enbd_io_park(io);
		return io;
	}
	enbd_io_assign(test->priv, io, CH);
	if (state == ENBD_IO_QUEUED)
		return io;
	enbd_io_sending(io);
	if (state == ENBD_IO_SENDING)
		return io;
	enbd_io_sent(io);
	if (state == ENBD_IO_REPLYING)
		enbd_io_claim(test->priv, io->wire.cookie, CH);
	return io;
}

static void expect_at(struct kunit *test, const struct enbd_io *io,
		      enum enbd_io_state state, u8 channel)
{
	u8 at;

	KUNIT_EXPECT_EQ(test, enbd_io_where(io, &at), state);
	KUNIT_EXPECT_EQ(test, at, channel);
}

static void io_ledger(struct kunit *test)
{
	struct enbd_ledger *led = test->priv;
	struct request rq = { .tag = 1 };
	unsigned int i;

	KUNIT_EXPECT_EQ(test, led->nr, NR);
	for (i = 0; i < NR; i++) {
		u8 channel;

		KUNIT_EXPECT_TRUE(test, list_empty(&led->io[i].node));
		KUNIT_EXPECT_EQ(test, enbd_io_where(&led->io[i], &channel),
				ENBD_IO_FREE);
	}
	KUNIT_EXPECT_PTR_EQ(test, enbd_io_of(led, 1, &rq), &led->io[INDEX]);
}

static void io_life(struct kunit *test)
{
	struct enbd_io *io = entry(test);
	u64 cookie;

	enbd_io_assign(test->priv, io, CH);
	expect_at(test, io, ENBD_IO_QUEUED, CH);
	cookie = io->wire.cookie;
	KUNIT_EXPECT_EQ(test, (u32)cookie, INDEX);
	enbd_io_sending(io);
	expect_at(test, io, ENBD_IO_SENDING, CH);
	enbd_io_sent(io);
	expect_at(test, io, ENBD_IO_SENT, CH);
	KUNIT_EXPECT_EQ(test, io->wire.cookie, cookie);
	KUNIT_EXPECT_PTR_EQ(test, enbd_io_claim(test->priv, cookie, CH), io);
	expect_at(test, io, ENBD_IO_REPLYING, CH);
}

/* What needs no data goes from QUEUED to SENT at once */
static void io_life_without_data(struct kunit *test)
{
	struct enbd_io *io = entry(test);

	enbd_io_assign(test->priv, io, CH);
	enbd_io_sent(io);
	expect_at(test, io, ENBD_IO_SENT, CH);
	KUNIT_EXPECT_PTR_EQ(test,
			    enbd_io_claim(test->priv, io->wire.cookie, CH), io);
}

static void io_assign_starts_anew(struct kunit *test)
{
	struct enbd_io *io = entry(test);
	u64 first;

	enbd_io_assign(test->priv, io, CH);
	first = io->wire.cookie;
	io->cover.nr = 1;
	io->cover.error = 5;
	enbd_io_assign(test->priv, io, OTHER);
	expect_at(test, io, ENBD_IO_QUEUED, OTHER);
	KUNIT_EXPECT_NE(test, io->wire.cookie, first);
	KUNIT_EXPECT_EQ(test, (u32)io->wire.cookie, INDEX);
	KUNIT_EXPECT_EQ(test, io->cover.nr, 0);
	KUNIT_EXPECT_EQ(test, io->cover.error, 0);
}

static void io_claim_second_chunk(struct kunit *test)
{
	struct enbd_io *io = entry_in(test, ENBD_IO_REPLYING);

	KUNIT_EXPECT_PTR_EQ(test,
			    enbd_io_claim(test->priv, io->wire.cookie, CH), io);
	expect_at(test, io, ENBD_IO_REPLYING, CH);
}

static void io_claim_while_sending(struct kunit *test)
{
	struct enbd_io *io = entry_in(test, ENBD_IO_SENDING);
	struct enbd_io *got = enbd_io_claim(test->priv, io->wire.cookie, CH);

	KUNIT_EXPECT_TRUE(test, IS_ERR(got));
	KUNIT_EXPECT_EQ(test, PTR_ERR(got), -EAGAIN);
	expect_at(test, io, ENBD_IO_SENDING, CH);
}

/* States in which no reply finds the entry, whatever it says */
static void io_claim_not_sent(struct kunit *test)
{
	static const enum enbd_io_state states[] = {
		ENBD_IO_FREE, ENBD_IO_QUEUED, ENBD_IO_PARKED,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		struct enbd_io *io = entry_in(test, states[i]);
		u64 cookie = atomic64_read(&io->owner) >> 32 << 32 | INDEX;
		unsigned int channel;

		for (channel = 0; channel < 256; channel++)
			KUNIT_EXPECT_NULL_MSG(test,
					      enbd_io_claim(test->priv, cookie, channel),
					      "state %u channel %u", states[i], channel);
		KUNIT_EXPECT_EQ(test, enbd_io_where(io, &(u8){ 0 }), states[i]);
	}
}

static void io_claim_wrong_channel(struct kunit *test)
{
	static const enum enbd_io_state states[] = {
		ENBD_IO_SENDING, ENBD_IO_SENT, ENBD_IO_REPLYING,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		struct enbd_io *io = entry_in(test, states[i]);

		KUNIT_EXPECT_NULL(test, enbd_io_claim(test->priv,
						      io->wire.cookie, OTHER));
		KUNIT_EXPECT_NULL(test, enbd_io_claim(test->priv, io->wire.cookie,
						      ENBD_IO_NO_CHANNEL));
		expect_at(test, io, states[i], CH);
	}
}

static void io_claim_other_generation(struct kunit *test)
{
	struct enbd_io *io = entry_in(test, ENBD_IO_SENT);
	u64 stale = io->wire.cookie;

	enbd_io_park(io);
	enbd_io_assign(test->priv, io, CH);
	enbd_io_sent(io);
	KUNIT_EXPECT_NULL(test, enbd_io_claim(test->priv, stale, CH));
	KUNIT_EXPECT_NULL(test, enbd_io_claim(test->priv,
					      io->wire.cookie + BIT_ULL(32), CH));
	KUNIT_EXPECT_NULL(test, enbd_io_claim(test->priv,
					      io->wire.cookie ^ BIT_ULL(63), CH));
	expect_at(test, io, ENBD_IO_SENT, CH);
	KUNIT_EXPECT_PTR_EQ(test,
			    enbd_io_claim(test->priv, io->wire.cookie, CH), io);
}

static void io_claim_other_index(struct kunit *test)
{
	struct enbd_io *io = entry_in(test, ENBD_IO_SENT);
	u64 gen = io->wire.cookie >> 32 << 32;
	static const u32 outside[] = { NR, NR + INDEX, INT_MAX, U32_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(outside); i++)
		KUNIT_EXPECT_NULL(test, enbd_io_claim(test->priv,
						      gen | outside[i], CH));
	for (i = 0; i < NR; i++) {
		if (i != INDEX)
			KUNIT_EXPECT_NULL(test, enbd_io_claim(test->priv,
							      gen | i, CH));
	}
	expect_at(test, io, ENBD_IO_SENT, CH);
}

/* A tag that was used 2^32 times */
static void io_generation_wraps(struct kunit *test)
{
	struct enbd_io *io = entry(test);

	atomic64_set(&io->owner, (u64)U32_MAX << 32);
	enbd_io_assign(test->priv, io, CH);
	KUNIT_EXPECT_EQ(test, io->wire.cookie, INDEX);
	enbd_io_sent(io);
	KUNIT_EXPECT_PTR_EQ(test, enbd_io_claim(test->priv, INDEX, CH), io);
}

static void io_take(struct kunit *test)
{
	static const enum enbd_io_state states[] = {
		ENBD_IO_QUEUED, ENBD_IO_SENDING, ENBD_IO_SENT, ENBD_IO_REPLYING,
	};
	enum enbd_io_state was;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		struct enbd_io *io = entry_in(test, states[i]);

		KUNIT_EXPECT_FALSE(test, enbd_io_take(io, OTHER, &was));
		KUNIT_EXPECT_FALSE(test, enbd_io_take(io, 0, &was));
		KUNIT_EXPECT_TRUE(test, enbd_io_take(io, CH, &was));
		KUNIT_EXPECT_EQ(test, was, states[i]);
	}
}

/* A free entry's word may still be zero, which is the index of a channel */
static void io_take_none(struct kunit *test)
{
	enum enbd_io_state was;

	KUNIT_EXPECT_FALSE(test, enbd_io_take(entry(test), 0, &was));
	KUNIT_EXPECT_EQ(test, was, ENBD_IO_FREE);
	entry_in(test, ENBD_IO_PARKED);
	KUNIT_EXPECT_FALSE(test, enbd_io_take(entry(test), 0, &was));
	KUNIT_EXPECT_FALSE(test, enbd_io_take(entry(test), CH, &was));
}

static void io_park(struct kunit *test)
{
	struct enbd_io *io = entry_in(test, ENBD_IO_SENT);
	u64 cookie = io->wire.cookie;

	enbd_io_park(io);
	expect_at(test, io, ENBD_IO_PARKED, ENBD_IO_NO_CHANNEL);
	KUNIT_EXPECT_NULL(test, enbd_io_claim(test->priv, cookie, CH));
	enbd_io_assign(test->priv, io, OTHER);
	expect_at(test, io, ENBD_IO_QUEUED, OTHER);
}

static void io_status(struct kunit *test)
{
	static const struct {
		u32 error;
		blk_status_t status;
	} table[] = {
		{ 0, BLK_STS_OK },
		{ ENBD_EPERM, BLK_STS_TARGET },
		{ ENBD_EIO, BLK_STS_IOERR },
		{ ENBD_ENOMEM, BLK_STS_IOERR },
		{ ENBD_EINVAL, ENBD_BLK_STS_INVAL },
		{ ENBD_ENOSPC, BLK_STS_NOSPC },
		{ ENBD_EOVERFLOW, ENBD_BLK_STS_INVAL },
		{ ENBD_ENOTSUP, BLK_STS_NOTSUPP },
		{ ENBD_ESHUTDOWN, BLK_STS_IOERR },
		{ 2, BLK_STS_IOERR },
		{ U32_MAX, BLK_STS_IOERR },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		KUNIT_EXPECT_EQ_MSG(test, (__force u8)enbd_io_status(table[i].error),
				    (__force u8)table[i].status, "error %u",
				    table[i].error);
}

/* Two bios with an empty one between them: 1000, 2000 | | 3000 bytes */
static struct request *data_request(struct kunit *test)
{
	static const unsigned int sizes[3][2] = { { 1000, 2000 }, { 0, 0 }, { 3000, 0 } };
	struct bio *bio = kunit_kcalloc(test, 3, sizeof(*bio), GFP_KERNEL);
	struct bio_vec *bv = kunit_kcalloc(test, 6, sizeof(*bv), GFP_KERNEL);
	struct request *rq = kunit_kzalloc(test, sizeof(*rq), GFP_KERNEL);
	unsigned int i, j;

	KUNIT_ASSERT_NOT_NULL(test, bio);
	KUNIT_ASSERT_NOT_NULL(test, bv);
	KUNIT_ASSERT_NOT_NULL(test, rq);
	for (i = 0; i < 3; i++) {
		bio_init(&bio[i], NULL, &bv[2 * i], 2, REQ_OP_WRITE);
		for (j = 0; j < 2 && sizes[i][j]; j++)
			__bio_add_page(&bio[i], ZERO_PAGE(0), sizes[i][j], 100 * (2 * i + j));
		bio[i].bi_next = i < 2 ? &bio[i + 1] : NULL;
	}
	rq->bio = bio;
	return rq;
}

static void io_cursor_all(struct kunit *test)
{
	static const unsigned int lens[] = { 1000, 2000, 3000 };
	static const unsigned int offsets[] = { 0, 100, 400 };
	struct enbd_cursor cur;
	struct bio_vec bv[8];
	unsigned int i;
	u32 bytes;

	enbd_cursor_init(&cur, data_request(test), 0);
	KUNIT_ASSERT_EQ(test, enbd_cursor_fill(&cur, bv, 8, U32_MAX, &bytes), 3);
	KUNIT_EXPECT_EQ(test, bytes, 6000);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, bv[i].bv_len, lens[i]);
		KUNIT_EXPECT_EQ(test, bv[i].bv_offset, offsets[i]);
	}
	KUNIT_EXPECT_EQ(test, enbd_cursor_fill(&cur, bv, 8, U32_MAX, &bytes), 0);
	KUNIT_EXPECT_EQ(test, bytes, 0);
}

/* From any byte on, in any portions, no byte twice and none left out */
static void io_cursor_parts(struct kunit *test)
{
	static const u32 skips[] = { 0, 1, 999, 1000, 1001, 2999, 3000, 3001, 5999, 6000 };
	static const u32 limits[] = { 1, 500, 1000, 2500, 6000 };
	struct request *rq = data_request(test);
	struct enbd_cursor cur;
	struct bio_vec bv[2];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(skips); i++) {
		for (j = 0; j < ARRAY_SIZE(limits); j++) {
			u32 at = skips[i], bytes;
			unsigned int nr, n;

			enbd_cursor_init(&cur, rq, at);
			while ((nr = enbd_cursor_fill(&cur, bv, 2, limits[j], &bytes))) {
				u32 sum = 0;

				KUNIT_ASSERT_LE(test, nr, 2);
				KUNIT_ASSERT_LE(test, bytes, limits[j]);
				for (n = 0; n < nr; n++)
					sum += bv[n].bv_len;
				KUNIT_ASSERT_EQ(test, sum, bytes);
				at += bytes;
				KUNIT_ASSERT_LE(test, at, 6000);
			}
			KUNIT_EXPECT_EQ(test, at, 6000);
		}
	}
}

static void io_cursor_skip(struct kunit *test)
{
	struct enbd_cursor cur;
	struct bio_vec bv;
	u32 bytes;

	enbd_cursor_init(&cur, data_request(test), 3001);
	KUNIT_ASSERT_EQ(test, enbd_cursor_fill(&cur, &bv, 1, 10, &bytes), 1);
	KUNIT_EXPECT_EQ(test, bv.bv_offset, 401);
	KUNIT_EXPECT_EQ(test, bv.bv_len, 10);
}

/**
 * struct record_case - a request that ends, and the journal
 * @type:  enum enbd_cmd
 * @flags: ENBD_CMD_FLAG_*
 * @ok:    it was done
 * @bytes: in the journal afterwards
 */
struct record_case {
	u16 type;
	u16 flags;
	bool ok;
	u64 bytes;
};

static const struct record_case record_cases[] = {
	{ ENBD_CMD_READ, 0, true, 0 },
	{ ENBD_CMD_WRITE, 0, true, SZ_128K },
	{ ENBD_CMD_WRITE, 0, false, 0 },
	{ ENBD_CMD_WRITE, ENBD_CMD_FLAG_FUA, true, 0 },
	{ ENBD_CMD_TRIM, 0, true, SZ_128K },
	{ ENBD_CMD_TRIM, 0, false, 0 },
	{ ENBD_CMD_TRIM, ENBD_CMD_FLAG_FUA, true, 0 },
	{ ENBD_CMD_WRITE_ZEROES, 0, true, SZ_128K },
	{ ENBD_CMD_WRITE_ZEROES, ENBD_CMD_FLAG_NO_HOLE, true, SZ_128K },
	{ ENBD_CMD_WRITE_ZEROES, 0, false, 0 },
	{ ENBD_CMD_WRITE_ZEROES, ENBD_CMD_FLAG_FUA | ENBD_CMD_FLAG_NO_HOLE,
	  true, 0 },
};

static struct enbd_journal *test_journal(struct kunit *test)
{
	struct enbd_ledger *led = test->priv;

	led->journal = enbd_journal_new(SZ_1M);
	KUNIT_ASSERT_NOT_NULL(test, led->journal);
	return led->journal;
}

static void io_record_writes(struct kunit *test)
{
	struct enbd_journal *j = test_journal(test);
	struct enbd_io *io = entry(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(record_cases); i++) {
		const struct record_case *c = &record_cases[i];

		io->wire.type = c->type;
		io->wire.flags = c->flags;
		/* two regions of 64 KiB */
		io->wire.offset = SZ_128K - 512;
		io->wire.length = 1024;
		enbd_io_begin(test->priv, io, NULL);
		enbd_io_assign(test->priv, io, CH);
		KUNIT_EXPECT_TRUE(test, enbd_journal_empty(j));
		io_record(io, c->ok);
		KUNIT_EXPECT_EQ_MSG(test, enbd_journal_bytes(j), c->bytes,
				    "case %u", i);
		enbd_journal_clear(j);
	}
	enbd_journal_free(j);
}

/* Sent again on another channel, it stands for what it was first sent for */
static void io_record_flush(struct kunit *test)
{
	struct enbd_journal *j = test_journal(test);
	struct enbd_io *io = entry(test);

	io->wire = (struct enbd_wire_request){ .type = ENBD_CMD_FLUSH };
	enbd_journal_mark(j, 0, 1);
	enbd_io_begin(test->priv, io, NULL);
	enbd_io_assign(test->priv, io, CH);
	enbd_io_sent(io);
	enbd_journal_mark(j, SZ_64K, 1);
	enbd_io_park(io);
	enbd_io_assign(test->priv, io, OTHER);
	KUNIT_EXPECT_EQ(test, enbd_journal_bytes(j), SZ_128K);
	io_record(io, true);
	KUNIT_EXPECT_EQ(test, enbd_journal_bytes(j), SZ_64K);

	/* given up: nothing is cleared, and the next flush can */
	enbd_io_begin(test->priv, io, NULL);
	io_record(io, false);
	KUNIT_EXPECT_EQ(test, enbd_journal_bytes(j), SZ_64K);
	enbd_io_begin(test->priv, io, NULL);
	io_record(io, true);
	KUNIT_EXPECT_TRUE(test, enbd_journal_empty(j));
	enbd_journal_free(j);
}

static void io_cursor_no_data(struct kunit *test)
{
	struct request rq = {};
	struct enbd_cursor cur;
	struct bio_vec bv;
	u32 bytes = 1;

	enbd_cursor_init(&cur, &rq, 0);
	KUNIT_EXPECT_EQ(test, enbd_cursor_fill(&cur, &bv, 1, U32_MAX, &bytes), 0);
	KUNIT_EXPECT_EQ(test, bytes, 0);
}

static struct kunit_case io_cases[] = {
	KUNIT_CASE(io_ledger),
	KUNIT_CASE(io_life),
	KUNIT_CASE(io_life_without_data),
	KUNIT_CASE(io_assign_starts_anew),
	KUNIT_CASE(io_claim_second_chunk),
	KUNIT_CASE(io_claim_while_sending),
	KUNIT_CASE(io_claim_not_sent),
	KUNIT_CASE(io_claim_wrong_channel),
	KUNIT_CASE(io_claim_other_generation),
	KUNIT_CASE(io_claim_other_index),
	KUNIT_CASE(io_generation_wraps),
	KUNIT_CASE(io_take),
	KUNIT_CASE(io_take_none),
	KUNIT_CASE(io_park),
	KUNIT_CASE(io_status),
	KUNIT_CASE(io_record_writes),
	KUNIT_CASE(io_record_flush),
	KUNIT_CASE(io_cursor_all),
	KUNIT_CASE(io_cursor_parts),
	KUNIT_CASE(io_cursor_skip),
	KUNIT_CASE(io_cursor_no_data),
	{}
};

static struct kunit_suite io_suite = {
	.name = "enbd_io",
	.init = io_test_init,
	.exit = io_test_exit,
	.test_cases = io_cases,
};

kunit_test_suite(io_suite);
