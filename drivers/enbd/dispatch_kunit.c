// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of dispatch.c: that a request goes to the channel which route.h
 * chooses, and when it waits. The channels are only their counters; what is done
 * to them is noted.
 */
#define NOTRACE

#include <kunit/test.h>

/* The request belongs to no disk, so answering it is noted as well */
#define enbd_io_end test_io_end
/* Something may happen to a request that was just looked at */
#define enbd_io_where test_io_where
#include "dispatch.c"

#define NR_CH	4
#define DEPTH	8

/**
 * struct dispatch_test - one session and what was done
 * @s:      the session
 * @queue:  its only hardware queue
 * @ch:     channels
 * @queued: entries given to any channel, in order
 * @nr_queued: how many
 * @kicked: how often, by channel
 * @lost:   the channel that was declared lost
 * @ended:  entries answered
 * @status: of the last of them
 * @meanwhile: done to the next request that is looked at, after that
 */
struct dispatch_test {
	struct enbd_session s;
	struct enbd_squeue queue;
	struct enbd_channel ch[NR_CH];
	struct enbd_io *queued[DEPTH];
	unsigned int nr_queued;
	unsigned int kicked[NR_CH];
	struct enbd_channel *lost;
	unsigned int ended;
	blk_status_t status;
	void (*meanwhile)(struct enbd_io *io);
};

static struct dispatch_test *now;

void enbd_channel_queue(struct enbd_channel *ch, struct enbd_io *io)
{
	atomic64_inc(&ch->requested);
	now->queued[now->nr_queued++ % DEPTH] = io;
}

void enbd_channel_kick(struct enbd_channel *ch)
{
	now->kicked[ch->index]++;
}

void enbd_channel_lose(struct enbd_channel *ch, const char *reason)
{
	now->lost = ch;
}

enum enbd_io_state test_io_where(const struct enbd_io *io, u8 *channel)
{
	void (*meanwhile)(struct enbd_io *io) = now->meanwhile;
	u64 word = atomic64_read(&io->owner);

	now->meanwhile = NULL;
	if (meanwhile)
		meanwhile(&now->s.led.io[io - now->s.led.io]);
	*channel = word >> 8;
	return word & 0xff;
}

void test_io_end(struct enbd_io *io, blk_status_t status)
{
	now->ended++;
	now->status = status;
}

/* The queue may use so many channels, all of them its own. */
static void set_route(unsigned int nr)
{
	struct enbd_squeue *sq = &now->queue;
	unsigned int i;

	sq->spare[0].nr = nr;
	sq->spare[0].own = nr;
	for (i = 0; i < nr; i++)
		sq->spare[0].ch[i] = &now->ch[i];
	rcu_assign_pointer(sq->route, &sq->spare[0]);
}

static void set_load(unsigned int channel, u64 requested, u64 answered)
{
	atomic64_set(&now->ch[channel].requested, requested);
	now->ch[channel].answered = answered;
}

static int dispatch_test_init(struct kunit *test)
{
	struct enbd_session *s;
	unsigned int i;
	int err;

	now = kunit_kzalloc(test, sizeof(*now), GFP_KERNEL);
	if (!now)
		return -ENOMEM;
	s = &now->s;
	err = enbd_ledger_init(&s->led, 1, DEPTH);
	if (err)
		return err;
	err = init_srcu_struct(&s->srcu);
	if (err) {
		enbd_ledger_free(&s->led);
		return err;
	}
	s->queue = &now->queue;
	s->nr_queues = 1;
	s->state = ENBD_DEVICE_STATE_UP;
	spin_lock_init(&s->park_lock);
	INIT_LIST_HEAD(&s->parked);
	for (i = 0; i < NR_CH; i++) {
		now->ch[i].index = i;
		rcu_assign_pointer(s->channel[i], &now->ch[i]);
	}
	set_route(NR_CH);
	test->priv = now;
	return 0;
}

static void dispatch_test_exit(struct kunit *test)
{
	if (!test->priv)
		return;
	cleanup_srcu_struct(&now->s.srcu);
	enbd_ledger_free(&now->s.led);
}

static struct enbd_io *submit(unsigned int entry, bool last)
{
	struct enbd_io *io = &now->s.led.io[entry];

	enbd_session_submit(&now->s, 0, io, last);
	return io;
}

static void expect_on(struct kunit *test, struct enbd_io *io, unsigned int channel)
{
	u8 at;

	KUNIT_EXPECT_EQ(test, enbd_io_where(io, &at), ENBD_IO_QUEUED);
	KUNIT_EXPECT_EQ(test, at, channel);
}

static void route_takes_the_least(struct kunit *test)
{
	unsigned int turn;

	set_load(0, 10, 5);
	set_load(1, 100, 98);
	set_load(2, 7, 4);
	set_load(3, 1, 1);
	for (turn = 0; turn < NR_CH; turn++)
		KUNIT_EXPECT_EQ(test, route_next(now->queue.spare, turn), 3);
	set_load(3, 5, 1);
	for (turn = 0; turn < NR_CH; turn++)
		KUNIT_EXPECT_EQ(test, route_next(now->queue.spare, turn),
				turn == 2 ? 2 : 1);
}

/* The route became shorter since the turn was chosen */
static void route_turn_beyond(struct kunit *test)
{
	set_route(2);
	now->queue.turn = 3;
	expect_on(test, submit(0, true), 0);
}

/* Channels 0 and 1 are the queue's own */
static void route_knows_its_own(struct kunit *test)
{
	now->queue.spare[0].own = 2;
	set_load(0, 3 + ENBD_SPILL, 0);
	set_load(1, 2 + ENBD_SPILL, 0);
	set_load(2, 5, 4);
	set_load(3, 5, 4);
	KUNIT_EXPECT_EQ(test, route_next(now->queue.spare, 1), 1);
	set_load(1, 3 + ENBD_SPILL, 0);
	KUNIT_EXPECT_EQ(test, route_next(now->queue.spare, 1), 2);
}

static void submit_spreads(struct kunit *test)
{
	unsigned int load[NR_CH] = {};
	unsigned int i, j;

	for (i = 0; i < DEPTH; i++) {
		u8 at;

		enbd_io_where(submit(i, true), &at);
		KUNIT_ASSERT_LT(test, at, NR_CH);
		load[at]++;
		KUNIT_EXPECT_EQ(test, now->kicked[at], load[at]);
	}
	KUNIT_EXPECT_EQ(test, now->nr_queued, DEPTH);
	for (i = 0; i < NR_CH; i++)
		for (j = 0; j < NR_CH; j++)
			KUNIT_EXPECT_LE(test, load[i], load[j] + 2);
}

static void submit_avoids_the_busy(struct kunit *test)
{
	unsigned int i;

	set_load(1, 100, 0);
	for (i = 0; i < DEPTH; i++) {
		u8 at;

		enbd_io_where(submit(i, true), &at);
		KUNIT_EXPECT_NE(test, at, 1);
	}
}

static void batch_stays_together(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		expect_on(test, submit(i, false), 0);
	KUNIT_EXPECT_EQ(test, now->kicked[0], 0);
	enbd_session_commit(&now->s, 0);
	KUNIT_EXPECT_EQ(test, now->kicked[0], 1);
	expect_on(test, submit(3, true), 1);
	/* nothing new on it, so nobody looks */
	enbd_session_commit(&now->s, 0);
	KUNIT_EXPECT_EQ(test, now->kicked[0], 1);
	KUNIT_EXPECT_EQ(test, now->kicked[1], 1);
}

/* The last of a batch kicks for all of it */
static void batch_ends_with_last(struct kunit *test)
{
	submit(0, false);
	submit(1, false);
	KUNIT_EXPECT_EQ(test, now->kicked[0], 0);
	submit(2, true);
	KUNIT_EXPECT_EQ(test, now->kicked[0], 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&now->queue.dirty), 0);
}

static void one_channel(struct kunit *test)
{
	unsigned int i;

	set_route(1);
	for (i = 0; i < 3; i++)
		expect_on(test, submit(i, true), 0);
	KUNIT_EXPECT_EQ(test, now->kicked[0], 3);
}

static void parks_without_channel(struct kunit *test)
{
	struct enbd_io *io;
	unsigned int i;
	u8 at;

	set_route(0);
	now->s.state = ENBD_DEVICE_STATE_PARKED;
	for (i = 0; i < 3; i++) {
		io = submit(i, i == 2);
		KUNIT_EXPECT_EQ(test, enbd_io_where(io, &at), ENBD_IO_PARKED);
	}
	KUNIT_EXPECT_EQ(test, now->s.nr_parked, 3);
	KUNIT_EXPECT_EQ(test, now->nr_queued, 0);
	KUNIT_EXPECT_EQ(test, now->ended, 0);

	set_route(2);
	enbd_session_unpark(&now->s, ENBD_DEVICE_STATE_UP);
	KUNIT_EXPECT_EQ(test, now->s.nr_parked, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&now->s.parked));
	KUNIT_ASSERT_EQ(test, now->nr_queued, 3);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_PTR_EQ_MSG(test, now->queued[i], &now->s.led.io[i],
					"the oldest goes first");
	KUNIT_EXPECT_EQ(test, now->kicked[0], 1);
}

static void parked_requests_fail_with_the_device(struct kunit *test)
{
	set_route(0);
	now->s.state = ENBD_DEVICE_STATE_PARKED;
	submit(0, true);
	submit(1, true);
	enbd_session_unpark(&now->s, ENBD_DEVICE_STATE_FAILED);
	KUNIT_EXPECT_EQ(test, now->ended, 2);
	KUNIT_EXPECT_EQ(test, (__force u8)now->status, (__force u8)BLK_STS_IOERR);
	KUNIT_EXPECT_EQ(test, now->s.nr_parked, 0);
	submit(2, true);
	KUNIT_EXPECT_EQ_MSG(test, now->ended, 3, "a failed device fails at once");
}

/* Whatever waits and whatever comes fails, until somebody accepts that */
static void stale_fails(struct kunit *test)
{
	set_route(0);
	now->s.state = ENBD_DEVICE_STATE_PARKED;
	submit(0, true);
	submit(1, true);
	enbd_session_unpark(&now->s, ENBD_DEVICE_STATE_STALE);
	KUNIT_EXPECT_EQ(test, now->ended, 2);
	KUNIT_EXPECT_EQ(test, (__force u8)now->status, (__force u8)BLK_STS_IOERR);
	submit(2, true);
	KUNIT_EXPECT_EQ(test, now->ended, 3);
	KUNIT_EXPECT_TRUE(test, list_empty(&now->s.parked));
	KUNIT_EXPECT_EQ(test, now->nr_queued, 0);
}

static void closing_fails(struct kunit *test)
{
	set_route(0);
	now->s.state = ENBD_DEVICE_STATE_PARKED;
	now->s.closing = true;
	submit(0, true);
	KUNIT_EXPECT_EQ(test, now->ended, 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&now->s.parked));
}

/* A channel came between the look at the route and parking */
static void park_is_refused_when_up(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, enbd_session_park(&now->s, &now->s.led.io[0]));
	KUNIT_EXPECT_EQ(test, now->s.nr_parked, 0);
	KUNIT_EXPECT_EQ(test, now->ended, 0);
}

/* Requests that found a channel before it was lost are not forgotten */
static void last_of_a_batch_is_parked(struct kunit *test)
{
	submit(0, false);
	set_route(0);
	now->s.state = ENBD_DEVICE_STATE_PARKED;
	submit(1, true);
	KUNIT_EXPECT_EQ(test, now->kicked[0], 1);
}

/* In every state that a channel can have it in, its time runs from assignment */
static void timeout_loses_the_channel(struct kunit *test)
{
	struct enbd_io *io = submit(0, true);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (i == 1)
			enbd_io_sending(io);
		if (i == 2)
			enbd_io_sent(io);
		if (i == 3)
			enbd_io_claim(&now->s.led, io->wire.cookie, 0);
		now->lost = NULL;
		io->since = jiffies - msecs_to_jiffies(1000);
		KUNIT_EXPECT_GE(test, enbd_session_timeout(&now->s, io, 1000), 1);
		KUNIT_EXPECT_PTR_EQ(test, now->lost, &now->ch[0]);
	}
}

static void timeout_leaves_it_its_time(struct kunit *test)
{
	unsigned long limit = msecs_to_jiffies(1000000);
	struct enbd_io *io = submit(0, true);
	unsigned long left;

	/* another channel has had it for longer, this one has not */
	io->since = jiffies - limit;
	enbd_io_assign(&now->s.led, io, 1);
	left = enbd_session_timeout(&now->s, io, 1000000);
	KUNIT_EXPECT_NULL(test, now->lost);
	KUNIT_EXPECT_GE(test, left, limit / 2);
	KUNIT_EXPECT_LE(test, left, limit);

	io->since = jiffies - limit / 2;
	left = enbd_session_timeout(&now->s, io, 1000000);
	KUNIT_EXPECT_NULL(test, now->lost);
	KUNIT_EXPECT_GE(test, left, 1);
	KUNIT_EXPECT_LE(test, left, limit / 2);
}

static void timeout_of_what_waits(struct kunit *test)
{
	struct enbd_io *io = submit(0, true);

	io->since = jiffies - msecs_to_jiffies(1000000);
	enbd_io_park(io);
	KUNIT_EXPECT_GE(test, enbd_session_timeout(&now->s, io, 1000), 1);
	KUNIT_EXPECT_GE(test, enbd_session_timeout(&now->s, &now->s.led.io[1], 1), 1);
	KUNIT_EXPECT_NULL(test, now->lost);
}

/* A timeout of next to nothing still lets time pass between two looks */
static void timeout_is_never_zero(struct kunit *test)
{
	struct enbd_io *io = submit(0, true);

	KUNIT_EXPECT_GE(test, enbd_session_timeout(&now->s, io, 0), 1);
}

/* The channel's place is empty by now */
static void timeout_without_channel(struct kunit *test)
{
	struct enbd_io *io = submit(0, true);

	RCU_INIT_POINTER(now->s.channel[0], NULL);
	io->since = jiffies - msecs_to_jiffies(1000);
	KUNIT_EXPECT_GE(test, enbd_session_timeout(&now->s, io, 1000), 1);
	KUNIT_EXPECT_NULL(test, now->lost);
}

static void assign_again(struct enbd_io *io)
{
	enbd_io_assign(&now->s.led, io, 0);
}

/* It was another channel of that place that has had it for long */
static void timeout_of_a_predecessor(struct kunit *test)
{
	struct enbd_io *io = submit(0, true);

	io->since = jiffies - msecs_to_jiffies(1000);
	now->meanwhile = assign_again;
	KUNIT_EXPECT_GE(test, enbd_session_timeout(&now->s, io, 1000), 1);
	KUNIT_EXPECT_NULL(test, now->lost);

	io->since = jiffies - msecs_to_jiffies(1000);
	now->meanwhile = enbd_io_park;
	KUNIT_EXPECT_GE(test, enbd_session_timeout(&now->s, io, 1000), 1);
	KUNIT_EXPECT_NULL(test, now->lost);
}

static struct kunit_case dispatch_cases[] = {
	KUNIT_CASE(route_takes_the_least),
	KUNIT_CASE(route_turn_beyond),
	KUNIT_CASE(route_knows_its_own),
	KUNIT_CASE(submit_spreads),
	KUNIT_CASE(submit_avoids_the_busy),
	KUNIT_CASE(batch_stays_together),
	KUNIT_CASE(batch_ends_with_last),
	KUNIT_CASE(one_channel),
	KUNIT_CASE(parks_without_channel),
	KUNIT_CASE(parked_requests_fail_with_the_device),
	KUNIT_CASE(stale_fails),
	KUNIT_CASE(closing_fails),
	KUNIT_CASE(park_is_refused_when_up),
	KUNIT_CASE(last_of_a_batch_is_parked),
	KUNIT_CASE(timeout_loses_the_channel),
	KUNIT_CASE(timeout_leaves_it_its_time),
	KUNIT_CASE(timeout_of_what_waits),
	KUNIT_CASE(timeout_is_never_zero),
	KUNIT_CASE(timeout_without_channel),
	KUNIT_CASE(timeout_of_a_predecessor),
	{}
};

static struct kunit_suite dispatch_suite = {
	.name = "enbd_dispatch",
	.init = dispatch_test_init,
	.exit = dispatch_test_exit,
	.test_cases = dispatch_cases,
};

kunit_test_suite(dispatch_suite);
