// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/connection.c tools/enbd-server/conn_ext.c tools/enbd-server/sessions.c tools/enbd-server/transmit.c tools/enbd-server/conn_input.c tools/enbd-server/pieces.c tools/enbd-server/buffers.c tools/enbd-server/conn_memory.c tools/enbd-server/output.c tools/enbd-server/handshake.c tools/enbd-server/hs_parts.c tools/enbd-server/hs_ext.c tools/enbd-server/proto.c tools/enbd-server/slog.c */
/* The extension over real sockets: discovery, KEEPALIVE, BIND, the verifier. */
#include "ext_peer.h"

/* Answered while the disk does not move, in both formats */
static void test_keepalive(void **state)
{
	struct peer p[2];
	unsigned int i;

	(void)state;
	start_disk();
	disk.hold = true;
	for (i = 0; i < 2; i++) {
		bind_peer(&p[i], 'a', i, 1);
		request(&p[i], ENBD_CMD_TRIM, 1, 0, 512);
		request(&p[i], ENBD_CMD_KEEPALIVE, 2, 0, 0);
		expect_status(&p[i], 2, SIZE + 512 * (i + 1));
		/* What has no meaning is refused. */
		request(&p[i], ENBD_CMD_KEEPALIVE, 3, 1, 0);
		expect_reply(&p[i], 3, ENBD_EINVAL);
		request(&p[i], ENBD_CMD_KEEPALIVE, 4, 0, 1);
		expect_reply(&p[i], 4, ENBD_EINVAL);
		request_flags(&p[i], ENBD_CMD_KEEPALIVE, 5, 0, 0,
			      ENBD_CMD_FLAG_FUA);
		expect_reply(&p[i], 5, ENBD_EINVAL);
		/* What it has grown by can be used. */
		request(&p[i], ENBD_CMD_TRIM, 6, SIZE, 512);
		wait_held(2 * i + 2);
	}
	for (i = 0; i < 4; i++) {
		release();
		expect_reply(&p[i / 2], i % 2 ? 6 : 1, 0);
	}
	leave(&p[0]);
	leave(&p[1]);
	end_disk();
}

/* Without HELLO, or without the feature, nothing has changed. */
static void test_not_negotiated(void **state)
{
	struct peer p;
	unsigned int i;

	(void)state;
	start_disk();
	for (i = 0; i < 2; i++) {
		open_peer(&p, i);
		if (i)
			say_hello(&p, ENBD_FEATURE_VERIFIER);
		send_go(&p);
		expect_go(&p);
		request(&p, ENBD_CMD_KEEPALIVE, 1, 0, 0);
		expect_reply(&p, 1, ENBD_EINVAL);
		request_fence(&p, 2, 0, 1);
		expect_reply(&p, 2, ENBD_EINVAL);
		leave(&p);
	}
	end_disk();
}

/* Each connection has its own, so that a recorded BIND is worth nothing. */
static void test_challenge(void **state)
{
	struct peer a, b;

	(void)state;
	start_disk();
	open_peer(&a, false);
	open_peer(&b, false);
	say_hello(&a, ALL_FEATURES);
	say_hello(&b, ALL_FEATURES);
	assert_memory_not_equal(a.hello.challenge, b.hello.challenge, 16);
	memcpy(b.hello.challenge, a.hello.challenge, 16);
	assert_int_equal(say_bind(&b, 'a', 0, 1), ENBD_REP_ERR_INVALID);
	assert_int_equal(say_bind(&a, 'a', 0, 1), ENBD_REP_ACK);
	/* Nobody else takes its place, nor is it bound twice. */
	assert_int_equal(say_bind(&a, 'a', 1, 1), ENBD_REP_ERR_INVALID);
	shutdown(a.fd, SHUT_RDWR);
	shutdown(b.fd, SHUT_RDWR);
	join_peer(&a);
	join_peer(&b);
	end_disk();
}

/* Those that know the verifier are let go when it changes, the others stay. */
static void test_retired(void **state)
{
	struct peer told, foreign, shaking, new;

	(void)state;
	start_disk();
	bind_peer(&told, 's', 0, 1);
	open_peer(&foreign, false);
	send_go(&foreign);
	expect_go(&foreign);
	open_peer(&shaking, false);
	say_hello(&shaking, ALL_FEATURES);
	disk.hold = true;
	request(&told, ENBD_CMD_FLUSH, 1, 0, 0);
	wait_held(1);
	atomic_store(&disk.target.epoch, 8);
	sessions_retire_all(disk.target.sessions);
	expect_eof(&shaking);
	join_peer(&shaking);
	/* What was under way is answered. */
	no_answer_yet(&told);
	release();
	expect_reply(&told, 1, 0);
	expect_eof(&told);
	join_peer(&told);
	/* Each flush says what its client was told. */
	disk.hold = false;
	request(&foreign, ENBD_CMD_FLUSH, 2, 0, 0);
	expect_reply(&foreign, 2, 0);
	assert_int_equal(disk.flush_epoch, 0);
	bind_peer(&told, 's', 0, 2);
	request(&told, ENBD_CMD_FLUSH, 3, 0, 0);
	expect_reply(&told, 3, 0);
	assert_int_equal(disk.flush_epoch, 8);
	/* Who was told nothing may be one that was there before. */
	open_peer(&new, false);
	send_go(&new);
	expect_go(&new);
	request(&new, ENBD_CMD_FLUSH, 4, 0, 0);
	expect_reply(&new, 4, 0);
	assert_int_equal(disk.flush_epoch, 0);
	leave(&new);
	open_peer(&new, false);
	say_hello(&new, ALL_FEATURES & ~ENBD_FEATURE_VERIFIER);
	send_go(&new);
	expect_go(&new);
	request(&new, ENBD_CMD_FLUSH, 5, 0, 0);
	expect_reply(&new, 5, 0);
	assert_int_equal(disk.flush_epoch, 0);
	leave(&foreign);
	leave(&told);
	leave(&new);
	end_disk();
}

/* A loss that is found while HELLO is answered: no flush succeeds after it. */
static void test_lost_meanwhile(void **state)
{
	struct peer p;

	(void)state;
	start_disk();
	disk.lose = true;
	bind_peer(&p, 's', 0, 1);
	request(&p, ENBD_CMD_FLUSH, 1, 0, 0);
	expect_reply(&p, 1, 0);
	assert_int_equal(disk.flush_epoch, 7);
	assert_int_equal(atomic_load(&disk.target.epoch), 8);
	disk.lose = false;
	leave(&p);
	end_disk();
}

/* What cannot be told now is refused, and may be asked again. */
static void test_refused(void **state)
{
	struct peer p;

	(void)state;
	start_disk();
	open_peer(&p, false);
	disk.refuse = true;
	assert_int_equal(try_hello(&p, ALL_FEATURES), ENBD_REP_ERR_PLATFORM);
	disk.refuse = false;
	say_hello(&p, ALL_FEATURES);
	assert_int_equal(say_bind(&p, 's', 0, 1), ENBD_REP_ACK);
	send_go(&p);
	expect_go(&p);
	leave(&p);
	end_disk();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_not_negotiated),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_retired),
		cmocka_unit_test(test_lost_meanwhile),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
