// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/connection.c tools/enbd-server/conn_ext.c tools/enbd-server/sessions.c tools/enbd-server/transmit.c tools/enbd-server/conn_input.c tools/enbd-server/pieces.c tools/enbd-server/buffers.c tools/enbd-server/conn_memory.c tools/enbd-server/output.c tools/enbd-server/handshake.c tools/enbd-server/hs_parts.c tools/enbd-server/hs_ext.c tools/enbd-server/proto.c tools/enbd-server/slog.c */
/* What a client gets when all of them together have as much memory as they may. */
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
#include <unistd.h>

#include <cmocka.h>

#include <linux/enbd_wire.h>

#include "tools/enbd-server/buffers.h"
#include "tools/enbd-server/connection.h"

#define SIZE		(8u << 20)
#define PIECE		65536u
#define DEADLINE_MS	20000
#define NONE		UINT64_MAX

/* A disk in memory; what touches @bad fails, and what touches @held waits. */
static struct {
	struct target target;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char data[SIZE];
	uint64_t bad;
	uint64_t held;
	struct block_io *waits;
	unsigned int writes;
	unsigned int fua;
	unsigned int flushes;
	unsigned int unflushed;
} disk = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static struct {
	struct connection_env env;
	struct connection *conn;
	pthread_t thread;
	int fd;
	int stalled_fd;
} peer;

static bool touches(const struct block_io *io, uint64_t offset)
{
	return offset >= io->offset && offset - io->offset < io->length;
}

static void carry_out(struct block_io *io)
{
	io->error = touches(io, disk.bad) ? EIO : 0;
	if (io->error)
		return;
	if (io->op == IO_READ)
		memcpy(io->buf, disk.data + io->offset, io->length);
	if (io->op == IO_FLUSH) {
		disk.flushes++;
		disk.unflushed = 0;
		if (io->epoch != atomic_load(&disk.target.epoch))
			io->error = EIO;
	}
	if (io->op != IO_WRITE)
		return;
	memcpy(disk.data + io->offset, io->buf, io->length);
	disk.writes++;
	disk.unflushed++;
	disk.fua += io->flags & IO_FUA;
}

static int run_now(struct target *target, struct block_io *io)
{
	(void)target;
	(void)io;
	return -EAGAIN;
}

static void submit(struct target *target, struct block_io *io)
{
	bool held;

	(void)target;
	pthread_mutex_lock(&disk.lock);
	held = touches(io, disk.held);
	if (held) {
		disk.waits = io;
		pthread_cond_broadcast(&disk.changed);
	}
	pthread_mutex_unlock(&disk.lock);
	if (held)
		return;
	carry_out(io);
	io->done(io);
}

static void await_held(void)
{
	pthread_mutex_lock(&disk.lock);
	while (!disk.waits)
		pthread_cond_wait(&disk.changed, &disk.lock);
	pthread_mutex_unlock(&disk.lock);
}

static void finish(struct block_io *io)
{
	carry_out(io);
	io->done(io);
}

/* Nothing waits any more but the operation that is returned. */
static struct block_io *held_one(void)
{
	struct block_io *io = disk.waits;

	disk.held = NONE;
	disk.waits = NULL;
	return io;
}

static void let_go(void)
{
	finish(held_one());
}

static const struct target_ops ops = { .run_now = run_now, .submit = submit };

static bool admit(void *ctx, struct connection *conn, bool replaces)
{
	(void)ctx;
	(void)conn;
	return !replaces;
}

static void *resume(void *conn)
{
	struct pollfd pfd = { .fd = peer.stalled_fd, .events = POLLOUT };

	poll(&pfd, 1, DEADLINE_MS);
	connection_resume(conn);
	return NULL;
}

static bool stalled(void *ctx, struct connection *conn, int fd)
{
	pthread_t thread;

	(void)ctx;
	peer.stalled_fd = fd;
	return !pthread_create(&thread, NULL, resume, conn) &&
	       !pthread_detach(thread);
}

static void *run(void *arg)
{
	connection_run(peer.conn);
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

/* Return: false at the end of the connection */
static bool receive(void *data, size_t len)
{
	char *p = data;

	while (len) {
		struct pollfd pfd = { .fd = peer.fd, .events = POLLIN };
		ssize_t n;

		assert_int_equal(poll(&pfd, 1, DEADLINE_MS), 1);
		n = recv(peer.fd, p, len, 0);
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static void recv_all(void *data, size_t len)
{
	assert_true(receive(data, len));
}

/* @option: of replies, 0 for simple ones */
static void open_peer(uint32_t option)
{
	static struct target *targets[] = { &disk.target };
	static const char go[] = "IHAVEOPT\0\0\0\1\0\0\0";
	char answer[20 + 18];
	unsigned int i;
	int fds[2];

	disk.target.info = (struct target_info){
		.name = "disk",
		.size = SIZE,
		.block_min = 1,
		.block_pref = 4096,
		.block_max = 32 << 20,
	};
	disk.target.ops = &ops;
	disk.bad = disk.held = NONE;
	disk.writes = disk.fua = disk.flushes = disk.unflushed = 0;
	atomic_store(&disk.target.epoch, 0);
	for (i = 0; i < SIZE; i++)
		disk.data[i] = (char)(i * 7 + (i >> 12));
	memset(&peer, 0, sizeof(peer));
	peer.env.targets = targets;
	peer.env.count = 1;
	peer.env.handshake_ms = DEADLINE_MS;
	peer.env.buffers = buffers_create(1);
	peer.env.admit = admit;
	peer.env.stalled = stalled;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	peer.fd = fds[0];
	peer.conn = connection_create(&peer.env, fds[1], "test");
	assert_int_equal(pthread_create(&peer.thread, NULL, run, NULL), 0);
	recv_all(answer, 18);
	send_all("\0\0\0\3", 4);
	if (option) {
		const struct enbd_opt_request req = {
			.magic = htobe64(ENBD_IHAVEOPT),
			.option = htobe32(option),
		};

		send_all(&req, sizeof(req));
		recv_all(answer, 20);
	}
	send_all(go, 16);
	recv_all(answer, 10);
}

static void close_peer(void)
{
	shutdown(peer.fd, SHUT_RDWR);
	assert_int_equal(pthread_join(peer.thread, NULL), 0);
	connection_destroy(peer.conn);
	buffers_destroy(peer.env.buffers);
	close(peer.fd);
}

static void request(unsigned int type, unsigned int flags, uint64_t cookie,
		    uint64_t offset, uint32_t length)
{
	const struct enbd_request req = {
		.magic = htobe32(ENBD_REQUEST_MAGIC),
		.flags = htobe16((uint16_t)flags),
		.type = htobe16((uint16_t)type),
		.cookie = htobe64(cookie),
		.offset = htobe64(offset),
		.length = htobe32(length),
	};

	send_all(&req, sizeof(req));
}

static void expect_simple(uint64_t cookie, uint32_t error)
{
	struct enbd_simple_reply reply;

	recv_all(&reply, sizeof(reply));
	assert_int_equal(be32toh(reply.magic), ENBD_SIMPLE_REPLY_MAGIC);
	assert_int_equal(be64toh(reply.cookie), cookie);
	assert_int_equal(be32toh(reply.error), error);
}

/* Send a request whose first operation waits. Return: that one */
static struct block_io *hold(unsigned int type, uint64_t cookie, uint64_t offset,
			     uint32_t length)
{
	disk.held = offset;
	request(type, 0, cookie, offset, length);
	await_held();
	return held_one();
}

/* A chunk of a read. Return: the offset behind it, 0 for an error */
static uint64_t expect_chunk(uint64_t offset, bool *last)
{
	struct enbd_chunk_reply chunk;
	uint32_t length, error;
	uint64_t at;
	char *data;

	recv_all(&chunk, sizeof(chunk));
	assert_int_equal(be32toh(chunk.magic), ENBD_STRUCTURED_REPLY_MAGIC);
	assert_int_equal(be64toh(chunk.cookie), 1);
	*last = be16toh(chunk.flags) & ENBD_REPLY_FLAG_DONE;
	length = be32toh(chunk.length);
	if (be16toh(chunk.type) == ENBD_REPLY_TYPE_ERROR) {
		recv_all(&error, sizeof(error));
		assert_int_equal(be32toh(error), ENBD_EIO);
		recv_all(&error, 2);
		return 0;
	}
	assert_int_equal(be16toh(chunk.type), ENBD_REPLY_TYPE_OFFSET_DATA);
	recv_all(&at, sizeof(at));
	assert_int_equal(be64toh(at), offset);
	length -= sizeof(at);
	data = malloc(length);
	recv_all(data, length);
	assert_memory_equal(data, disk.data + offset, length);
	free(data);
	return offset + length;
}

static void test_write(void **state)
{
	static const uint32_t sizes[] = { 1, PIECE, PIECE + 1, 5 * PIECE + 5 };
	char *data = malloc(SIZE);
	unsigned int i;

	(void)state;
	memset(data, 'x', SIZE);
	open_peer(0);
	for (i = 0; i < 4; i++) {
		disk.fua = disk.flushes = 0;
		request(ENBD_CMD_WRITE, ENBD_CMD_FLAG_FUA, 1, 3, sizes[i]);
		send_all(data, sizes[i]);
		expect_simple(1, 0);
		assert_int_equal(disk.unflushed, 0);
		request(ENBD_CMD_WRITE, 0, 2, SIZE - 5, 5);
		send_all("hello", 5);
		expect_simple(2, 0);
		assert_memory_equal(disk.data + 3, data, sizes[i]);
		assert_memory_equal(disk.data + SIZE - 5, "hello", 5);
		/* One wait for the disk, however many pieces there are */
		assert_int_equal(disk.fua, 0);
		assert_int_equal(disk.flushes, 1);
	}
	/* What fails in between is told, and the rest is no request. */
	disk.bad = 3 + PIECE;
	disk.writes = 0;
	request(ENBD_CMD_WRITE, 0, 3, 3, 4 * PIECE);
	send_all(data, 4 * PIECE);
	expect_simple(3, ENBD_EIO);
	assert_int_equal(disk.writes, 1);
	request(ENBD_CMD_FLUSH, 0, 4, 0, 0);
	expect_simple(4, 0);
	/* Nor is there anything to wait for. */
	disk.flushes = 0;
	request(ENBD_CMD_WRITE, ENBD_CMD_FLAG_FUA, 5, 3, 4 * PIECE);
	send_all(data, 4 * PIECE);
	expect_simple(5, ENBD_EIO);
	assert_int_equal(disk.flushes, 0);
	close_peer();
	free(data);
}

/* What was found lost between the pieces may be one of them. */
static void test_loss(void **state)
{
	char *data = calloc(1, SIZE);

	(void)state;
	open_peer(0);
	disk.held = 2 * PIECE;
	request(ENBD_CMD_WRITE, ENBD_CMD_FLAG_FUA, 1, 0, 4 * PIECE);
	send_all(data, 4 * PIECE);
	await_held();
	atomic_fetch_add(&disk.target.epoch, 1);
	let_go();
	expect_simple(1, ENBD_EIO);
	/* One that begins later is not. */
	request(ENBD_CMD_WRITE, ENBD_CMD_FLAG_FUA, 2, 0, 4 * PIECE);
	send_all(data, 4 * PIECE);
	expect_simple(2, 0);
	close_peer();
	free(data);
}

static void test_read_simple(void **state)
{
	char *data = malloc(SIZE), byte;
	struct block_io *trim, *read;
	unsigned int got;

	(void)state;
	open_peer(0);
	request(ENBD_CMD_READ, 0, 1, 5, SIZE - 6);
	expect_simple(1, 0);
	recv_all(data, SIZE - 6);
	assert_memory_equal(data, disk.data + 5, SIZE - 6);
	disk.bad = 0;
	request(ENBD_CMD_READ, 0, 2, 0, 2 * PIECE);
	expect_simple(2, ENBD_EIO);
	/* No answer comes between the parts of another one. */
	disk.bad = NONE;
	trim = hold(ENBD_CMD_TRIM, 3, 0, 512);
	read = hold(ENBD_CMD_READ, 4, 2 * PIECE, 4 * PIECE);
	finish(trim);
	finish(read);
	expect_simple(4, 0);
	recv_all(data, 4 * PIECE);
	assert_memory_equal(data, disk.data + 2 * PIECE, 4 * PIECE);
	expect_simple(3, 0);
	/* Too late to say so, and nothing may be taken for the rest. */
	disk.bad = 2 * PIECE;
	trim = hold(ENBD_CMD_TRIM, 5, 0, 512);
	read = hold(ENBD_CMD_READ, 6, PIECE, 4 * PIECE);
	finish(trim);
	finish(read);
	for (got = 0; receive(&byte, 1); got++)
		;
	assert_int_equal(got, sizeof(struct enbd_simple_reply) + PIECE);
	close_peer();
	free(data);
}

static void test_read_chunks(void **state)
{
	uint64_t at;
	bool last;

	(void)state;
	open_peer(ENBD_OPT_STRUCTURED_REPLY);
	request(ENBD_CMD_READ, 0, 1, 5, SIZE - 6);
	for (last = false, at = 5; !last;)
		at = expect_chunk(at, &last);
	assert_int_equal(at, SIZE - 1);
	/* In one, as it must be, or not at all */
	request(ENBD_CMD_READ, ENBD_CMD_FLAG_DF, 1, 5, PIECE);
	assert_int_equal(expect_chunk(5, &last), 5 + PIECE);
	assert_true(last);
	request(ENBD_CMD_READ, ENBD_CMD_FLAG_DF, 1, 5, PIECE + 1);
	{
		char answer[20 + 6];

		recv_all(answer, sizeof(answer));
		assert_memory_equal(answer + 20, "\0\0\0\x4b", 4);
	}
	disk.bad = 2 * PIECE;
	request(ENBD_CMD_READ, 0, 1, 0, 4 * PIECE);
	for (last = false, at = 0; !last;)
		at = expect_chunk(at, &last);
	assert_int_equal(at, 0);
	request(ENBD_CMD_READ, 0, 1, 0, 4096);
	assert_int_equal(expect_chunk(0, &last), 4096);
	close_peer();
}

/* Sent away in the middle: what has begun is waited for, no more begins. */
static void test_stop(void **state)
{
	char *data = calloc(1, SIZE);

	(void)state;
	open_peer(0);
	disk.held = PIECE;
	request(ENBD_CMD_WRITE, 0, 1, 0, 4 * PIECE);
	send_all(data, 4 * PIECE);
	await_held();
	connection_stop(peer.conn);
	usleep(50000);
	assert_int_equal(pthread_tryjoin_np(peer.thread, NULL), EBUSY);
	let_go();
	close_peer();
	assert_int_equal(disk.writes, 2);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_read_simple),
		cmocka_unit_test(test_read_chunks),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
