// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/connection.c tools/enbd-server/conn_ext.c tools/enbd-server/sessions.c tools/enbd-server/transmit.c tools/enbd-server/conn_input.c tools/enbd-server/pieces.c tools/enbd-server/buffers.c tools/enbd-server/conn_memory.c tools/enbd-server/output.c tools/enbd-server/handshake.c tools/enbd-server/hs_parts.c tools/enbd-server/hs_ext.c tools/enbd-server/proto.c tools/enbd-server/slog.c */
/* FENCE over real sockets, and all that may happen while it waits. */
#include "ext_peer.h"
#include "tools/enbd-server/slog.h"

/* The answer comes when the last operation has ended, and not before. */
static void test_fence_in_flight(void **state)
{
	struct peer a, b, late;
	unsigned int i;

	(void)state;
	start_disk();
	disk.hold = true;
	bind_peer(&a, 's', 0, 1);
	bind_peer(&b, 's', 1, 1);
	for (i = 0; i < 3; i++)
		request(&a, ENBD_CMD_TRIM, i, 0, 512);
	wait_held(3);
	/* Received, but not whole */
	request(&a, ENBD_CMD_WRITE, 9, 0, 1000);
	send_all(&a, "something", 9);
	request_fence(&b, 77, 0, 1);
	expect_eof(&a);
	/* Its other requests are served meanwhile. */
	request(&b, ENBD_CMD_KEEPALIVE, 2, 0, 0);
	expect_status(&b, 2, SIZE + 512);
	/* And nobody can come back in its name. */
	open_peer(&late, true);
	say_hello(&late, ALL_FEATURES);
	assert_int_equal(say_bind(&late, 's', 0, 1), ENBD_REP_ERR_POLICY);
	for (i = 0; i < 3; i++) {
		no_answer_yet(&b);
		release();
	}
	expect_reply(&b, 77, 0);
	assert_int_equal(disk.submitted, 3);
	join_peer(&a);
	/* The next incarnation is welcome. */
	assert_int_equal(say_bind(&late, 's', 0, 2), ENBD_REP_ACK);
	shutdown(late.fd, SHUT_RDWR);
	join_peer(&late);
	leave(&b);
	end_disk();
}

static void test_fence_refused(void **state)
{
	struct peer a, b, foreign, unbound;

	(void)state;
	start_disk();
	bind_peer(&a, 's', 0, 3);
	bind_peer(&b, 's', 1, 1);
	bind_peer(&foreign, 'f', 2, 1);
	/* Its own connection; what cannot be; flags; a length */
	request_fence(&a, 1, 0, 3);
	expect_reply(&a, 1, ENBD_EINVAL);
	request_fence(&a, 2, 64, 1);
	expect_reply(&a, 2, ENBD_EINVAL);
	request_fence(&a, 3, 1, 0);
	expect_reply(&a, 3, ENBD_EINVAL);
	request_flags(&a, ENBD_CMD_FENCE, 4, 1ull << 32 | 1, 0,
		      ENBD_CMD_FLAG_FUA);
	expect_reply(&a, 4, ENBD_EINVAL);
	request(&a, ENBD_CMD_FENCE, 5, 1ull << 32 | 1, 1);
	expect_reply(&a, 5, ENBD_EINVAL);
	/* Its own predecessor; never seen; another session's channel */
	request_fence(&a, 6, 0, 2);
	expect_reply(&a, 6, 0);
	request_fence(&a, 7, 63, 0xffffffff);
	expect_reply(&a, 7, 0);
	request_fence(&foreign, 8, 0, 3);
	expect_reply(&foreign, 8, 0);
	request_fence(&foreign, 9, 1, 1);
	expect_reply(&foreign, 9, 0);
	/* HELLO, but no BIND */
	open_peer(&unbound, false);
	say_hello(&unbound, ALL_FEATURES);
	send_fence_option(&unbound, 0, 3);
	assert_int_equal(option_reply(&unbound, NULL), ENBD_REP_ERR_POLICY);
	send_go(&unbound);
	expect_go(&unbound);
	request_fence(&unbound, 10, 0, 3);
	expect_reply(&unbound, 10, ENBD_EPERM);
	leave(&unbound);
	/* All are still there. */
	leave(&a);
	leave(&b);
	leave(&foreign);
	end_disk();
}

/*
 * The server is full of connections whose clients have gone. Who comes back can
 * fence them, and gets the place of his own.
 */
static void test_full(void **state)
{
	struct peer a, b, next, stranger;

	(void)state;
	start_disk();
	bind_peer(&a, 's', 0, 1);
	bind_peer(&b, 's', 1, 1);
	places.full = true;
	open_peer(&stranger, false);
	say_hello(&stranger, ALL_FEATURES);
	assert_int_equal(say_bind(&stranger, 't', 0, 2), ENBD_REP_ACK);
	send_go(&stranger);
	assert_int_equal(option_reply(&stranger, NULL), ENBD_REP_ERR_POLICY);
	assert_int_equal(places.replaced, 0);
	/* Its place is given up before anybody hears that it has ended. */
	open_peer(&next, false);
	say_hello(&next, ALL_FEATURES);
	assert_int_equal(say_bind(&next, 's', 0, 2), ENBD_REP_ACK);
	send_fence_option(&next, 1, 1);
	assert_int_equal(option_reply(&next, NULL), ENBD_REP_ACK);
	assert_int_equal(atomic_load(&places.released), 1);
	expect_eof(&b);
	send_go(&next);
	expect_go(&next);
	assert_int_equal(places.replaced, 1);
	expect_eof(&a);
	join_peer(&a);
	join_peer(&b);
	/* So is that of one which ends by itself, and is fenced later. */
	assert_int_equal(atomic_load(&places.released), 2);
	leave(&next);
	assert_int_equal(atomic_load(&places.released), 3);
	places.full = false;
	send_go(&stranger);
	expect_go(&stranger);
	leave(&stranger);
	end_disk();
}

/* As an option, of a connection with I/O and of one in its handshake */
static void test_fence_option(void **state)
{
	struct peer a, shaking, next;

	(void)state;
	start_disk();
	disk.hold = true;
	bind_peer(&a, 's', 0, 1);
	request(&a, ENBD_CMD_TRIM, 1, 0, 512);
	wait_held(1);
	open_peer(&shaking, false);
	say_hello(&shaking, ALL_FEATURES);
	assert_int_equal(say_bind(&shaking, 's', 1, 1), ENBD_REP_ACK);
	open_peer(&next, false);
	say_hello(&next, ALL_FEATURES);
	assert_int_equal(say_bind(&next, 's', 2, 1), ENBD_REP_ACK);
	/* The next option is here already, and waits its turn. */
	send_fence_option(&next, 1, 1);
	assert_int_equal(option_reply(&next, NULL), ENBD_REP_ACK);
	expect_eof(&shaking);
	join_peer(&shaking);
	send_fence_option(&next, 0, 1);
	send_go(&next);
	expect_eof(&a);
	no_answer_yet(&next);
	release();
	assert_int_equal(option_reply(&next, NULL), ENBD_REP_ACK);
	expect_go(&next);
	join_peer(&a);
	disk.hold = false;
	leave(&next);
	end_disk();
}

/* The deadline of the handshake does not run while a fence is waited for. */
static void test_fence_deadline(void **state)
{
	struct peer a, next;

	(void)state;
	start_disk();
	disk.hold = true;
	bind_peer(&a, 's', 0, 1);
	request(&a, ENBD_CMD_TRIM, 1, 0, 512);
	wait_held(1);
	env.handshake_ms = 1000;
	open_peer(&next, false);
	say_hello(&next, ALL_FEATURES);
	assert_int_equal(say_bind(&next, 's', 2, 1), ENBD_REP_ACK);
	send_fence_option(&next, 0, 1);
	usleep(1100000);
	assert_false(has_ended(&next));
	release();
	assert_int_equal(option_reply(&next, NULL), ENBD_REP_ACK);
	send_go(&next);
	expect_go(&next);
	join_peer(&a);
	disk.hold = false;
	leave(&next);
	end_disk();
}

/* The log's disk may be the one that waits for this fence. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint logged;

static void hang_in_log(int priority, const char *text)
{
	(void)priority;
	if (!strstr(text, "was fenced"))
		return;
	pthread_mutex_lock(&log_lock);
	atomic_fetch_add(&logged, 1);
	pthread_mutex_unlock(&log_lock);
}

static void test_log_hangs(void **state)
{
	struct peer a, b;

	(void)state;
	start_disk();
	bind_peer(&a, 's', 0, 1);
	bind_peer(&b, 's', 1, 1);
	slog_deliver(hang_in_log);
	pthread_mutex_lock(&log_lock);
	request_fence(&b, 1, 0, 1);
	expect_reply(&b, 1, 0);
	assert_int_equal(atomic_load(&logged), 0);
	pthread_mutex_unlock(&log_lock);
	join_peer(&a);
	assert_int_equal(atomic_load(&logged), 1);
	slog_deliver(slog_write);
	leave(&b);
	end_disk();
}

/* Who asked goes away, in either phase: it does not have to wait. */
static void test_asker_dies(void **state)
{
	struct peer a, b, shaking, c;

	(void)state;
	start_disk();
	disk.hold = true;
	bind_peer(&a, 's', 0, 1);
	request(&a, ENBD_CMD_TRIM, 1, 0, 512);
	wait_held(1);
	bind_peer(&b, 's', 1, 1);
	bind_peer(&c, 's', 2, 1);
	open_peer(&shaking, false);
	say_hello(&shaking, ALL_FEATURES);
	assert_int_equal(say_bind(&shaking, 's', 3, 1), ENBD_REP_ACK);
	request_fence(&b, 1, 0, 1);
	request_fence(&c, 2, 0, 1);
	send_fence_option(&shaking, 0, 1);
	expect_eof(&a);
	shutdown(b.fd, SHUT_RDWR);
	shutdown(shaking.fd, SHUT_RDWR);
	join_peer(&b);
	join_peer(&shaking);
	no_answer_yet(&c);
	release();
	expect_reply(&c, 2, 0);
	join_peer(&a);
	disk.hold = false;
	leave(&c);
	end_disk();
}

/*
 * Two clients fence each other while both have I/O under way. Which comes first
 * is not ours to say; but both end, and nobody waits for the other for ever.
 */
/* Which of two connections ends? It may be either, or both. */
static struct peer *first_to_end(struct peer *a, struct peer *b)
{
	struct pollfd pfd[] = {
		{ .fd = a->fd, .events = POLLIN },
		{ .fd = b->fd, .events = POLLIN },
	};
	struct peer *ended;

	assert_in_range(poll(pfd, 2, DEADLINE_MS), 1, 2);
	ended = pfd[0].revents ? a : b;
	expect_eof(ended);
	return ended;
}

static void test_each_other(void **state)
{
	struct peer a, b, *ended, *other;

	(void)state;
	start_disk();
	disk.hold = true;
	bind_peer(&a, 's', 0, 1);
	bind_peer(&b, 's', 1, 1);
	request(&a, ENBD_CMD_TRIM, 1, 0, 512);
	wait_held(1);
	request(&b, ENBD_CMD_TRIM, 1, 0, 512);
	wait_held(2);
	a.may_end = true;
	b.may_end = true;
	request_fence(&a, 2, 1, 1);
	request_fence(&b, 2, 0, 1);
	ended = first_to_end(&a, &b);
	other = ended == &a ? &b : &a;
	release();
	release();
	join_peer(ended);
	shutdown(other->fd, SHUT_RDWR);
	join_peer(other);
	end_disk();
}

/* A client that waits for a fence is fenced itself. */
static void test_fenced_asker(void **state)
{
	struct peer a, b, c, shaking;

	(void)state;
	start_disk();
	disk.hold = true;
	bind_peer(&a, 's', 0, 1);
	request(&a, ENBD_CMD_TRIM, 1, 0, 512);
	wait_held(1);
	bind_peer(&b, 's', 1, 1);
	bind_peer(&c, 's', 2, 1);
	open_peer(&shaking, false);
	say_hello(&shaking, ALL_FEATURES);
	assert_int_equal(say_bind(&shaking, 's', 3, 1), ENBD_REP_ACK);
	request_fence(&b, 1, 0, 1);
	send_fence_option(&shaking, 0, 1);
	expect_eof(&a);
	request_fence(&c, 2, 1, 1);
	expect_reply(&c, 2, 0);
	request_fence(&c, 3, 3, 1);
	expect_reply(&c, 3, 0);
	join_peer(&b);
	join_peer(&shaking);
	request_fence(&c, 4, 0, 1);
	no_answer_yet(&c);
	release();
	expect_reply(&c, 4, 0);
	join_peer(&a);
	disk.hold = false;
	leave(&c);
	end_disk();
}

/* The server ends while fences wait: their clients are told, in both phases. */
static void test_drain(void **state)
{
	struct peer a, b, shaking;

	(void)state;
	start_disk();
	disk.hold = true;
	bind_peer(&a, 's', 0, 1);
	request(&a, ENBD_CMD_TRIM, 1, 0, 512);
	wait_held(1);
	bind_peer(&b, 's', 1, 1);
	open_peer(&shaking, false);
	say_hello(&shaking, ALL_FEATURES);
	assert_int_equal(say_bind(&shaking, 's', 3, 1), ENBD_REP_ACK);
	request_fence(&b, 1, 0, 1);
	send_fence_option(&shaking, 0, 1);
	expect_eof(&a);
	no_answer_yet(&b);
	no_answer_yet(&shaking);
	connection_drain(b.conn);
	connection_drain(shaking.conn);
	expect_reply(&b, 1, ENBD_ESHUTDOWN);
	assert_int_equal(option_reply(&shaking, NULL), ENBD_REP_ERR_SHUTDOWN);
	expect_eof(&b);
	expect_eof(&shaking);
	join_peer(&b);
	join_peer(&shaking);
	assert_false(has_ended(&a));
	release();
	join_peer(&a);
	end_disk();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fence_in_flight),
		cmocka_unit_test(test_fence_refused),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_fence_option),
		cmocka_unit_test(test_fence_deadline),
		cmocka_unit_test(test_log_hangs),
		cmocka_unit_test(test_asker_dies),
		cmocka_unit_test(test_each_other),
		cmocka_unit_test(test_fenced_asker),
		cmocka_unit_test(test_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
