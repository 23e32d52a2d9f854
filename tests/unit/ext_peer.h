/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of the extension over real sockets: connections of a session to a
 * disk whose operations the test finishes when it likes.
 */
#ifndef ENBD_TEST_EXT_PEER_H
#define ENBD_TEST_EXT_PEER_H

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
#include "tools/enbd-server/sessions.h"

#define SIZE		(1u << 20)
#define HELD_MAX	64
#define DEADLINE_MS	20000
#define ALL_FEATURES	0xffffffffu

/*
 * With @hold, submitted operations wait for release(); with @lose data are lost
 * while somebody asks who it is, with @refuse it does not say.
 */
static struct {
	struct target target;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool hold;
	struct block_io *held[HELD_MAX];
	unsigned int count;
	unsigned int submitted;
	unsigned int flush_epoch;
	bool lose;
	bool refuse;
} disk = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

/* Both ends of a connection */
struct peer {
	struct connection *conn;
	pthread_t thread;
	int fd;
	bool extended;
	bool may_end;
	bool ended;
	struct enbd_ext_hello_reply hello;
};

static struct connection_env env;

/* With @full there is no place but that of another one. */
static struct {
	bool full;
	unsigned int replaced;
	atomic_uint released;
} places;

static inline bool admit(void *ctx, struct connection *conn, bool replaces)
{
	(void)ctx;
	(void)conn;
	places.replaced += replaces;
	return !places.full || replaces;
}

static inline void give_place(void *ctx, struct connection *conn)
{
	(void)ctx;
	(void)conn;
	atomic_fetch_add(&places.released, 1);
}

static inline void disk_submit(struct target *target, struct block_io *io)
{
	bool hold;

	(void)target;
	io->error = 0;
	pthread_mutex_lock(&disk.lock);
	disk.submitted++;
	hold = disk.hold;
	if (io->op == IO_FLUSH)
		disk.flush_epoch = io->epoch;
	if (hold)
		disk.held[disk.count++] = io;
	pthread_cond_broadcast(&disk.changed);
	pthread_mutex_unlock(&disk.lock);
	if (!hold)
		io->done(io);
}

static inline int disk_run_now(struct target *target, struct block_io *io)
{
	(void)target;
	(void)io;
	return -EAGAIN;
}

static inline int disk_identify(struct target *target,
				struct target_identity *id)
{
	memset(id, 's', sizeof(*id));
	id->features = ENBD_FEATURE_VERIFIER;
	if (disk.lose)
		atomic_fetch_add(&target->epoch, 1);
	return disk.refuse ? EIO : 0;
}

/* It has grown since anybody looked. */
static inline void disk_refresh(struct target *target)
{
	atomic_fetch_add(&target->info.size, 512);
}

static const struct target_ops disk_ops = {
	.run_now = disk_run_now,
	.submit = disk_submit,
	.identify = disk_identify,
	.refresh = disk_refresh,
};

static inline struct timespec deadline(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += DEADLINE_MS / 1000;
	return ts;
}

static inline void wait_held(unsigned int count)
{
	const struct timespec until = deadline();

	pthread_mutex_lock(&disk.lock);
	while (disk.count < count)
		assert_int_equal(pthread_cond_timedwait(&disk.changed,
							&disk.lock, &until), 0);
	pthread_mutex_unlock(&disk.lock);
}

/* Finish the oldest operation that is held. */
static inline void release(void)
{
	struct block_io *io;

	pthread_mutex_lock(&disk.lock);
	assert_true(disk.count);
	io = disk.held[0];
	memmove(disk.held, disk.held + 1, --disk.count * sizeof(io));
	pthread_mutex_unlock(&disk.lock);
	io->done(io);
}

static inline bool stalled(void *ctx, struct connection *conn, int fd)
{
	(void)ctx;
	(void)conn;
	(void)fd;
	return false;
}

static void *run(void *arg)
{
	struct peer *p = arg;

	connection_run(p->conn);
	pthread_mutex_lock(&disk.lock);
	p->ended = true;
	pthread_cond_broadcast(&disk.changed);
	pthread_mutex_unlock(&disk.lock);
	return NULL;
}

static inline bool has_ended(struct peer *p)
{
	bool ended;

	pthread_mutex_lock(&disk.lock);
	ended = p->ended;
	pthread_mutex_unlock(&disk.lock);
	return ended;
}

static inline void send_all(struct peer *p, const void *data, size_t len)
{
	const ssize_t n = send(p->fd, data, len, MSG_NOSIGNAL);

	assert_true(n == (ssize_t)len || p->may_end);
}

static inline void recv_all(struct peer *p, void *data, size_t len)
{
	char *to = data;

	while (len) {
		struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
		ssize_t n;

		assert_int_equal(poll(&pfd, 1, DEADLINE_MS), 1);
		n = recv(p->fd, to, len, 0);
		assert_true(n > 0);
		to += n;
		len -= (size_t)n;
	}
}

static inline void expect_eof(struct peer *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
	char byte;

	assert_int_equal(poll(&pfd, 1, DEADLINE_MS), 1);
	assert_true(recv(p->fd, &byte, 1, 0) <= 0);
}

static inline void no_answer_yet(struct peer *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	assert_int_equal(poll(&pfd, 1, 50), 0);
}

static inline void start_disk(void)
{
	static struct target *targets[1];

	disk.target.info = (struct target_info){
		.name = "disk",
		.size = SIZE,
		.block_min = 1,
		.block_pref = 4096,
		.block_max = SIZE,
	};
	disk.target.ops = &disk_ops;
	disk.target.sessions = sessions_create(10);
	atomic_store(&disk.target.epoch, 7);
	disk.count = disk.submitted = 0;
	disk.hold = false;
	targets[0] = &disk.target;
	env.targets = targets;
	env.count = 1;
	env.handshake_ms = DEADLINE_MS;
	env.buffers = buffers_create(1u << 30);
	env.stalled = stalled;
	env.admit = admit;
	env.release = give_place;
	memset(&places, 0, sizeof(places));
}

static inline void end_disk(void)
{
	sessions_destroy(disk.target.sessions);
	buffers_destroy(env.buffers);
}

static inline void option(struct peer *p, uint32_t number, const void *data,
		   size_t len)
{
	const struct enbd_opt_request req = {
		.magic = htobe64(ENBD_IHAVEOPT),
		.option = htobe32(number),
		.length = htobe32((uint32_t)len),
	};

	send_all(p, &req, sizeof(req));
	if (len)
		send_all(p, data, len);
}

/* The type of the next reply; its payload is at @data, which has room. */
static inline uint32_t option_reply(struct peer *p, void *data)
{
	struct enbd_opt_reply reply;
	char text[256];

	recv_all(p, &reply, sizeof(reply));
	assert_true(be32toh(reply.length) <= sizeof(text));
	recv_all(p, data ? data : text, be32toh(reply.length));
	return be32toh(reply.type);
}

/* Return: the type of the first reply */
static inline uint32_t try_hello(struct peer *p, uint32_t features)
{
	struct {
		struct enbd_ext_hello head;
		char name[4];
	} hello = {
		.head.magic = htobe32(ENBD_EXT_MAGIC),
		.head.version = htobe16(ENBD_EXT_VERSION),
		.head.features = htobe32(features),
		.head.name_len = htobe32(4),
		.name = { 'd', 'i', 's', 'k' },
	};

	option(p, ENBD_OPT_HELLO, &hello, sizeof(hello));
	return option_reply(p, &p->hello);
}

static inline void say_hello(struct peer *p, uint32_t features)
{
	assert_int_equal(try_hello(p, features), ENBD_REP_HELLO);
	assert_int_equal(option_reply(p, NULL), ENBD_REP_ACK);
}

static inline uint32_t say_bind(struct peer *p, char session, uint32_t channel,
			 uint32_t incarnation)
{
	struct enbd_ext_bind bind = {
		.magic = htobe32(ENBD_EXT_MAGIC),
		.session = { (uint8_t)session },
		.channel = htobe32(channel),
		.incarnation = htobe32(incarnation),
	};

	memcpy(bind.challenge, p->hello.challenge, sizeof(bind.challenge));
	option(p, ENBD_OPT_BIND, &bind, sizeof(bind));
	return option_reply(p, NULL);
}

static inline void send_fence_option(struct peer *p, uint32_t channel,
			      uint32_t incarnation)
{
	const struct {
		struct enbd_ext_fence head;
		struct enbd_ext_fenced item;
	} fence = {
		.head.magic = htobe32(ENBD_EXT_MAGIC),
		.head.count = htobe32(1),
		.item.channel = htobe32(channel),
		.item.incarnation = htobe32(incarnation),
	};

	option(p, ENBD_OPT_FENCE, &fence, sizeof(fence));
}

static inline void send_go(struct peer *p)
{
	option(p, ENBD_OPT_GO, "\0\0\0\0\0\0", 6);
}

static inline void expect_go(struct peer *p)
{
	assert_int_equal(option_reply(p, NULL), ENBD_REP_INFO);
	assert_int_equal(option_reply(p, NULL), ENBD_REP_INFO);
	assert_int_equal(option_reply(p, NULL), ENBD_REP_ACK);
}

/* A connection up to where options may be sent */
static inline void open_peer(struct peer *p, bool extended)
{
	char greeting[18];
	int fds[2];

	memset(p, 0, sizeof(*p));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	p->fd = fds[0];
	p->extended = extended;
	p->conn = connection_create(&env, fds[1], "test");
	assert_non_null(p->conn);
	assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
	recv_all(p, greeting, sizeof(greeting));
	send_all(p, "\0\0\0\3", 4);
	option(p, extended ? ENBD_OPT_EXTENDED_HEADERS :
			     ENBD_OPT_STRUCTURED_REPLY, NULL, 0);
	assert_int_equal(option_reply(p, NULL), ENBD_REP_ACK);
}

/* A bound connection in the transmission phase, channel by channel extended */
static inline void bind_peer(struct peer *p, char session, uint32_t channel,
		      uint32_t incarnation)
{
	open_peer(p, channel % 2);
	say_hello(p, ALL_FEATURES);
	assert_int_equal(say_bind(p, session, channel, incarnation),
			 ENBD_REP_ACK);
	send_go(p);
	expect_go(p);
}

static inline void join_peer(struct peer *p)
{
	const struct timespec until = deadline();

	assert_int_equal(pthread_timedjoin_np(p->thread, NULL, &until), 0);
	connection_destroy(p->conn);
	close(p->fd);
}

static inline void request_flags(struct peer *p, unsigned int type, uint64_t cookie,
			  uint64_t offset, uint32_t length, unsigned int flags)
{
	const struct enbd_request req = {
		.magic = htobe32(ENBD_REQUEST_MAGIC),
		.flags = htobe16((uint16_t)flags),
		.type = htobe16((uint16_t)type),
		.cookie = htobe64(cookie),
		.offset = htobe64(offset),
		.length = htobe32(length),
	};
	const struct enbd_ext_request ext = {
		.magic = htobe32(ENBD_EXT_REQUEST_MAGIC),
		.flags = req.flags,
		.type = req.type,
		.cookie = req.cookie,
		.offset = req.offset,
		.length = htobe64(length),
	};

	if (p->extended)
		send_all(p, &ext, sizeof(ext));
	else
		send_all(p, &req, sizeof(req));
}

static inline void request(struct peer *p, unsigned int type, uint64_t cookie,
		    uint64_t offset, uint32_t length)
{
	request_flags(p, type, cookie, offset, length, 0);
}

static inline void request_fence(struct peer *p, uint64_t cookie, uint32_t channel,
			  uint32_t incarnation)
{
	request(p, ENBD_CMD_FENCE, cookie,
		(uint64_t)channel << 32 | incarnation, 0);
}

/* A reply without data */
static inline void expect_reply(struct peer *p, uint64_t cookie, uint32_t error)
{
	struct enbd_simple_reply simple;
	struct enbd_ext_reply ext;
	unsigned char text[6];

	if (!p->extended) {
		recv_all(p, &simple, sizeof(simple));
		assert_int_equal(be32toh(simple.magic),
				 ENBD_SIMPLE_REPLY_MAGIC);
		assert_int_equal(be64toh(simple.cookie), cookie);
		assert_int_equal(be32toh(simple.error), error);
		return;
	}
	recv_all(p, &ext, sizeof(ext));
	assert_int_equal(be32toh(ext.magic), ENBD_EXT_REPLY_MAGIC);
	assert_int_equal(be64toh(ext.cookie), cookie);
	assert_int_equal(be16toh(ext.flags), ENBD_REPLY_FLAG_DONE);
	assert_int_equal(be16toh(ext.type), error ? ENBD_REPLY_TYPE_ERROR :
						    ENBD_REPLY_TYPE_NONE);
	if (!error)
		return;
	recv_all(p, text, sizeof(text));
	assert_int_equal(text[3], error);
}

static inline void expect_status(struct peer *p, uint64_t cookie, uint64_t size)
{
	struct enbd_chunk_reply chunk;
	struct enbd_ext_reply ext;
	uint64_t be;

	if (p->extended) {
		recv_all(p, &ext, sizeof(ext));
		assert_int_equal(be32toh(ext.magic), ENBD_EXT_REPLY_MAGIC);
		assert_int_equal(be16toh(ext.type), ENBD_REPLY_TYPE_STATUS);
		assert_int_equal(be16toh(ext.flags), ENBD_REPLY_FLAG_DONE);
		assert_int_equal(be64toh(ext.cookie), cookie);
		assert_int_equal(be64toh(ext.length), sizeof(be));
	} else {
		recv_all(p, &chunk, sizeof(chunk));
		assert_int_equal(be32toh(chunk.magic),
				 ENBD_STRUCTURED_REPLY_MAGIC);
		assert_int_equal(be16toh(chunk.type), ENBD_REPLY_TYPE_STATUS);
		assert_int_equal(be16toh(chunk.flags), ENBD_REPLY_FLAG_DONE);
		assert_int_equal(be64toh(chunk.cookie), cookie);
		assert_int_equal(be32toh(chunk.length), sizeof(be));
	}
	recv_all(p, &be, sizeof(be));
	assert_int_equal(be64toh(be), size);
}

static inline void leave(struct peer *p)
{
	request(p, ENBD_CMD_DISC, 0, 0, 0);
	expect_eof(p);
	join_peer(p);
}

#endif /* ENBD_TEST_EXT_PEER_H */
