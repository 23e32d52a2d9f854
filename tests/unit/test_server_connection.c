// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/connection.c tools/enbd-server/conn_ext.c tools/enbd-server/sessions.c tools/enbd-server/transmit.c tools/enbd-server/conn_input.c tools/enbd-server/pieces.c tools/enbd-server/buffers.c tools/enbd-server/conn_memory.c tools/enbd-server/output.c tools/enbd-server/handshake.c tools/enbd-server/hs_parts.c tools/enbd-server/hs_ext.c tools/enbd-server/proto.c tools/enbd-server/slog.c */
/*
 * A connection over a socketpair, with a target whose operations the test
 * finishes when it likes.
 */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/enbd_wire.h>

#include "tools/enbd-server/buffers.h"
#include "tools/enbd-server/connection.h"

#define SIZE	(64u << 20)
#define HELD_MAX 1024
#define DEADLINE_MS 20000

/* A disk in memory; with @hold, submitted operations wait for release(). */
static struct {
	struct target target;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char *data;
	bool hold;
	bool now;
	struct block_io *held[HELD_MAX];
	unsigned int count;
	unsigned int submitted;
} disk = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

/* Both ends of a connection */
static struct {
	struct connection_env env;
	struct connection *conn;
	pthread_t thread;
	int fd;
	bool ended;
	unsigned int stalls;
	int stalled_fd;
} peer;

static void carry_out(struct block_io *io)
{
	io->error = 0;
	if (io->op == IO_READ)
		memcpy(io->buf, disk.data + io->offset, io->length);
	else if (io->op == IO_WRITE)
		memcpy(disk.data + io->offset, io->buf, io->length);
	else if (io->op == IO_TRIM)
		io->error = EIO;
}

static int disk_run_now(struct target *target, struct block_io *io)
{
	(void)target;
	if (!disk.now)
		return -EAGAIN;
	carry_out(io);
	return 0;
}

static void disk_submit(struct target *target, struct block_io *io)
{
	bool hold;

	(void)target;
	pthread_mutex_lock(&disk.lock);
	disk.submitted++;
	hold = disk.hold;
	if (hold) {
		assert_true(disk.count < HELD_MAX);
		disk.held[disk.count++] = io;
	}
	pthread_cond_broadcast(&disk.changed);
	pthread_mutex_unlock(&disk.lock);
	if (!hold) {
		carry_out(io);
		io->done(io);
	}
}

static const struct target_ops disk_ops = {
	.run_now = disk_run_now,
	.submit = disk_submit,
};

static struct timespec deadline(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += DEADLINE_MS / 1000;
	return ts;
}

/* Wait until so many operations are held. */
static void wait_held(unsigned int count)
{
	const struct timespec until = deadline();

	pthread_mutex_lock(&disk.lock);
	while (disk.count < count)
		assert_int_equal(pthread_cond_timedwait(&disk.changed,
							&disk.lock, &until), 0);
	pthread_mutex_unlock(&disk.lock);
}

/* Finish the held operation with this number. */
static void release(unsigned int number)
{
	struct block_io *io;

	pthread_mutex_lock(&disk.lock);
	assert_true(number < disk.count);
	io = disk.held[number];
	memmove(disk.held + number, disk.held + number + 1,
		(--disk.count - number) * sizeof(*disk.held));
	pthread_mutex_unlock(&disk.lock);
	carry_out(io);
	io->done(io);
}

static bool admit(void *ctx, struct connection *conn, bool replaces)
{
	(void)ctx;
	(void)conn;
	return !replaces;
}

static bool stalled(void *ctx, struct connection *conn, int fd)
{
	(void)ctx;
	(void)conn;
	pthread_mutex_lock(&disk.lock);
	peer.stalls++;
	peer.stalled_fd = fd;
	pthread_cond_broadcast(&disk.changed);
	pthread_mutex_unlock(&disk.lock);
	return true;
}

static void *run(void *arg)
{
	connection_run(peer.conn);
	pthread_mutex_lock(&disk.lock);
	peer.ended = true;
	pthread_cond_broadcast(&disk.changed);
	pthread_mutex_unlock(&disk.lock);
	return arg;
}

static void send_all(const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		const ssize_t n = send(peer.fd, p, len, MSG_NOSIGNAL);

		assert_true(n > 0);
		p += n;
		len -= (size_t)n;
	}
}

static void recv_all(void *data, size_t len)
{
	char *p = data;

	while (len) {
		struct pollfd pfd = { .fd = peer.fd, .events = POLLIN };
		ssize_t n;

		assert_int_equal(poll(&pfd, 1, DEADLINE_MS), 1);
		n = recv(peer.fd, p, len, 0);
		assert_true(n > 0);
		p += n;
		len -= (size_t)n;
	}
}

static void expect_eof(void)
{
	struct pollfd pfd = { .fd = peer.fd, .events = POLLIN };
	char byte;

	assert_int_equal(poll(&pfd, 1, DEADLINE_MS), 1);
	assert_true(recv(peer.fd, &byte, 1, 0) <= 0);
}

/* Start a connection that has shaken hands, with simple replies. */
static void open_peer(void)
{
	static struct target *targets[1];
	static const char hello[] = "\0\0\0\3IHAVEOPT\0\0\0\1\0\0\0";
	char answer[18 + 10];
	int fds[2];

	disk.target.info = (struct target_info){
		.name = "disk",
		.size = SIZE,
		.block_min = 1,
		.block_pref = 4096,
		.block_max = 32 << 20,
	};
	disk.target.ops = &disk_ops;
	disk.count = disk.submitted = 0;
	disk.hold = disk.now = false;
	disk.data = calloc(1, SIZE);
	targets[0] = &disk.target;
	memset(&peer, 0, sizeof(peer));
	peer.env.targets = targets;
	peer.env.count = 1;
	peer.env.handshake_ms = DEADLINE_MS;
	peer.env.buffers = buffers_create(1u << 30);
	peer.env.stalled = stalled;
	peer.env.admit = admit;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	peer.fd = fds[0];
	peer.conn = connection_create(&peer.env, fds[1], "test");
	assert_non_null(peer.conn);
	assert_int_equal(pthread_create(&peer.thread, NULL, run, NULL), 0);
	send_all(hello, 20);
	recv_all(answer, sizeof(answer));
}

static void join_peer(void)
{
	const struct timespec until = deadline();

	assert_int_equal(pthread_timedjoin_np(peer.thread, NULL, &until), 0);
	connection_destroy(peer.conn);
	buffers_destroy(peer.env.buffers);
	close(peer.fd);
	free(disk.data);
}

static void put_request(struct enbd_request *req, unsigned int type,
			uint64_t cookie, uint64_t offset, uint32_t length)
{
	req->magic = htobe32(ENBD_REQUEST_MAGIC);
	req->flags = 0;
	req->type = htobe16((uint16_t)type);
	req->cookie = htobe64(cookie);
	req->offset = htobe64(offset);
	req->length = htobe32(length);
}

static void request(unsigned int type, uint64_t cookie, uint64_t offset,
		    uint32_t length)
{
	struct enbd_request req;

	put_request(&req, type, cookie, offset, length);
	send_all(&req, sizeof(req));
}

/* Many reads in one send, which a full server need not take to end it */
static void request_reads(unsigned int count, uint32_t length)
{
	struct enbd_request *reqs = calloc(count, sizeof(*reqs));
	unsigned int i;

	for (i = 0; i < count; i++)
		put_request(&reqs[i], ENBD_CMD_READ, i, 0, length);
	send_all(reqs, count * sizeof(*reqs));
	free(reqs);
}

static void expect_reply(uint64_t cookie, uint32_t error)
{
	struct enbd_simple_reply reply;

	recv_all(&reply, sizeof(reply));
	assert_int_equal(be32toh(reply.magic), ENBD_SIMPLE_REPLY_MAGIC);
	assert_int_equal(be64toh(reply.cookie), cookie);
	assert_int_equal(be32toh(reply.error), error);
}

static void test_out_of_order(void **state)
{
	char data[4096];

	(void)state;
	open_peer();
	disk.hold = true;
	memset(disk.data, 'a', 4096);
	memset(disk.data + 4096, 'b', 4096);
	request(ENBD_CMD_READ, 1, 0, 4096);
	request(ENBD_CMD_READ, 2, 4096, 4096);
	request(ENBD_CMD_FLUSH, 3, 0, 0);
	request(ENBD_CMD_TRIM, 4, 0, 512);
	wait_held(4);
	release(3);
	expect_reply(4, ENBD_EIO);
	release(1);
	expect_reply(2, 0);
	recv_all(data, sizeof(data));
	assert_int_equal(data[4095], 'b');
	release(1);
	expect_reply(3, 0);
	release(0);
	expect_reply(1, 0);
	recv_all(data, sizeof(data));
	assert_int_equal(data[0], 'a');
	request(ENBD_CMD_DISC, 5, 0, 0);
	expect_eof();
	join_peer();
}

/* Payloads that come in pieces, longer and shorter than the input buffer */
static void test_writes(void **state)
{
	static const uint32_t sizes[] = { 1, 511, 4096, 65536, 65537, 262144,
					  1 << 20, 32 << 20 };
	char *data = malloc(32 << 20);
	unsigned int i, j;

	(void)state;
	open_peer();
	for (i = 0; i < (32u << 20); i++)
		data[i] = (char)(i * 7 + (i >> 12));
	for (j = 0; j < 2; j++) {
		disk.now = j;
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			memset(disk.data, 0, SIZE);
			/* Several at once, so that inputs overlap */
			request(ENBD_CMD_WRITE, i, 3, sizes[i]);
			send_all(data, sizes[i]);
			request(ENBD_CMD_WRITE, i + 100, 3 + sizes[i], 5);
			send_all("hello", 5);
			expect_reply(i, 0);
			expect_reply(i + 100, 0);
			assert_memory_equal(disk.data + 3, data, sizes[i]);
			assert_memory_equal(disk.data + 3 + sizes[i], "hello",
					    5);
		}
	}
	request(ENBD_CMD_DISC, 5, 0, 0);
	expect_eof();
	join_peer();
	free(data);
}

/* Refused, and the next request is still understood */
static void test_refused(void **state)
{
	static char junk[1 << 20];
	unsigned int i;

	(void)state;
	open_peer();
	request(ENBD_CMD_WRITE, 1, SIZE - 5, 10);
	send_all("0123456789", 10);
	expect_reply(1, ENBD_ENOSPC);
	request(ENBD_CMD_WRITE, 2, 0, (32 << 20) + (1 << 20));
	for (i = 0; i < 33; i++)
		send_all(junk, sizeof(junk));
	expect_reply(2, ENBD_EINVAL);
	request(ENBD_CMD_READ, 3, SIZE, 1);
	expect_reply(3, ENBD_EINVAL);
	request(77, 4, 0, 0);
	expect_reply(4, ENBD_EINVAL);
	request(ENBD_CMD_READ, 5, 0, 0);
	expect_reply(5, 0);
	assert_int_equal(disk.submitted, 0);
	/* A payload that is not worth skipping */
	request(ENBD_CMD_WRITE, 6, 0, 0xffffffff);
	expect_eof();
	join_peer();
}

static void test_bad_magic(void **state)
{
	(void)state;
	open_peer();
	disk.hold = true;
	request(ENBD_CMD_FLUSH, 1, 0, 0);
	wait_held(1);
	send_all("0123456789012345678901234567", 28);
	release(0);
	expect_reply(1, 0);
	expect_eof();
	join_peer();
}

static void no_reply_yet(void)
{
	struct pollfd pfd = { .fd = peer.fd, .events = POLLIN };

	assert_int_equal(poll(&pfd, 1, 50), 0);
}

/*
 * Sent away: what has started finishes before connection_run() returns, what has
 * only been received never starts.
 */
static void test_stop(void **state)
{
	(void)state;
	open_peer();
	disk.hold = true;
	request(ENBD_CMD_WRITE, 1, 0, 5);
	send_all("first", 5);
	wait_held(1);
	/* Received, but half of it is missing */
	request(ENBD_CMD_WRITE, 2, 100, 1000);
	send_all("second", 6);
	connection_stop(peer.conn);
	expect_eof();
	pthread_mutex_lock(&disk.lock);
	assert_false(peer.ended);
	pthread_mutex_unlock(&disk.lock);
	release(0);
	join_peer();
	assert_true(peer.ended);
	assert_int_equal(disk.submitted, 1);
}

static void test_drain(void **state)
{
	char data[3];

	(void)state;
	open_peer();
	disk.hold = true;
	memcpy(disk.data, "abc", 3);
	request(ENBD_CMD_READ, 1, 0, 3);
	wait_held(1);
	connection_drain(peer.conn);
	no_reply_yet();
	release(0);
	expect_reply(1, 0);
	recv_all(data, 3);
	assert_memory_equal(data, "abc", 3);
	expect_eof();
	join_peer();
	assert_int_equal(disk.submitted, 1);
}

/* The client goes away while its requests are under way. */
static void test_client_dies(void **state)
{
	unsigned int i;

	(void)state;
	open_peer();
	disk.hold = true;
	for (i = 0; i < 100; i++)
		request(ENBD_CMD_READ, i, 0, 65536);
	wait_held(100);
	shutdown(peer.fd, SHUT_RDWR);
	for (i = 0; i < 100; i++)
		release(0);
	join_peer();
}

/* It half-closes instead: everything is answered. */
static void test_half_close(void **state)
{
	char data[4096];
	unsigned int i;

	(void)state;
	open_peer();
	disk.hold = true;
	for (i = 0; i < 5; i++)
		request(ENBD_CMD_READ, 1, 0, 4096);
	shutdown(peer.fd, SHUT_WR);
	wait_held(5);
	for (i = 0; i < 5; i++) {
		release(0);
		expect_reply(1, 0);
		recv_all(data, sizeof(data));
	}
	expect_eof();
	join_peer();
}

static bool wait_stalled(unsigned int stalls)
{
	const struct timespec until = deadline();
	int err = 0;

	pthread_mutex_lock(&disk.lock);
	while (peer.stalls < stalls && !peer.ended && !err)
		err = pthread_cond_timedwait(&disk.changed, &disk.lock, &until);
	err = peer.stalls < stalls;
	pthread_mutex_unlock(&disk.lock);
	return !err;
}

static void *resume_stalls(void *arg)
{
	unsigned int seen = 0;

	while (wait_stalled(seen + 1)) {
		struct pollfd pfd = { .events = POLLOUT };

		pfd.fd = peer.stalled_fd;
		poll(&pfd, 1, DEADLINE_MS);
		seen++;
		connection_resume(peer.conn);
	}
	return arg;
}

/*
 * A client that asks and does not read: what is started for it is bounded,
 * whoever finishes its requests is not held up, and once it reads it gets all.
 */
static void stuck(bool now, uint32_t length, unsigned int count)
{
	char *data = malloc(length);
	unsigned int i;
	pthread_t resumer;

	open_peer();
	disk.now = now;
	memset(disk.data, 'x', SIZE);
	request_reads(count, length);
	request(ENBD_CMD_DISC, 0, 0, 0);
	assert_true(wait_stalled(1));
	pthread_mutex_lock(&disk.lock);
	assert_true((uint64_t)disk.submitted * length <= 33u << 20);
	assert_false(peer.ended);
	pthread_mutex_unlock(&disk.lock);
	assert_int_equal(pthread_create(&resumer, NULL, resume_stalls, NULL),
			 0);
	for (i = 0; i < count; i++) {
		expect_reply(i, 0);
		memset(data, 0, length);
		recv_all(data, length);
		assert_int_equal(data[0], 'x');
		assert_memory_equal(data, data + 1, length - 1);
	}
	expect_eof();
	join_peer();
	assert_int_equal(pthread_join(resumer, NULL), 0);
	free(data);
}

static void test_stuck(void **state)
{
	(void)state;
	stuck(false, 4096, 2000);
	stuck(false, 1 << 20, 100);
	stuck(true, 4096, 2000);
	stuck(true, 1 << 20, 100);
}

/* The same, and then it is sent away. */
static void test_stuck_stop(void **state)
{
	(void)state;
	open_peer();
	disk.now = true;
	request_reads(1000, 65536);
	assert_true(wait_stalled(1));
	connection_stop(peer.conn);
	connection_resume(peer.conn);
	join_peer();
}

static void test_handshake_deadline(void **state)
{
	(void)state;
	open_peer();
	request(ENBD_CMD_DISC, 5, 0, 0);
	join_peer();

	/* Now one that says nothing */
	{
		int fds[2];

		peer.env.handshake_ms = 50;
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		peer.fd = fds[0];
		disk.data = NULL;
		peer.env.buffers = NULL;
		peer.conn = connection_create(&peer.env, fds[1], "test");
		assert_int_equal(pthread_create(&peer.thread, NULL, run, NULL),
				 0);
		join_peer();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bad_magic),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_client_dies),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_stuck),
		cmocka_unit_test(test_stuck_stop),
		cmocka_unit_test(test_handshake_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
