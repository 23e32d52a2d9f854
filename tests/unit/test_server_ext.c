// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/connection.c tools/enbd-server/conn_ext.c tools/enbd-server/sessions.c tools/enbd-server/transmit.c tools/enbd-server/conn_memory.c tools/enbd-server/output.c tools/enbd-server/handshake.c tools/enbd-server/hs_parts.c tools/enbd-server/hs_ext.c tools/enbd-server/proto.c tools/enbd-server/slog.c */
/*
 * The extension over real sockets: connections of a session to a disk whose
 * operations the test finishes when it likes.
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

#include "tools/enbd-server/connection.h"
#include "tools/enbd-server/sessions.h"

#define SIZE		(1u << 20)
#define HELD_MAX	64
#define DEADLINE_MS	20000
#define ALL_FEATURES	0xffffffffu

/* With @hold, submitted operations wait for release(). */
static struct {
	struct target target;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool hold;
	struct block_io *held[HELD_MAX];
	unsigned int count;
	unsigned int submitted;
	unsigned int flush_epoch;
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

static void disk_submit(struct target *target, struct block_io *io)
{
	bool hold;

	(void)target;
	pthread_mutex_lock(&disk.lock);
	disk.submitted++;
	hold = disk.hold;
	if (io->op == IO_FLUSH)
		disk.flush_epoch = io->epoch;
	if (hold)
		disk.held[disk.count++] = io;
	pthread_cond_broadcast(&disk.changed);
	pthread_mutex_unlock(&disk.lock);
	io->error = 0;
	if (!hold)
		io->done(io);
}

static int disk_run_now(struct target *target, struct block_io *io)
{
	(void)target;
	(void)io;
	return -EAGAIN;
}

static void disk_identify(struct target *target, struct target_identity *id)
{
	(void)target;
	memset(id, 's', sizeof(*id));
	id->features = ENBD_FEATURE_VERIFIER;
}

/* It has grown since anybody looked. */
static void disk_refresh(struct target *target)
{
	atomic_fetch_add(&target->info.size, 512);
}

static const struct target_ops disk_ops = {
	.run_now = disk_run_now,
	.submit = disk_submit,
	.identify = disk_identify,
	.refresh = disk_refresh,
};

static struct timespec deadline(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += DEADLINE_MS / 1000;
	return ts;
}

static void wait_held(unsigned int count)
{
	const struct timespec until = deadline();

	pthread_mutex_lock(&disk.lock);
	while (disk.count < count)
		assert_int_equal(pthread_cond_timedwait(&disk.changed,
							&disk.lock, &until), 0);
	pthread_mutex_unlock(&disk.lock);
}

/* Finish the oldest operation that is held. */
static void release(void)
{
	struct block_io *io;

	pthread_mutex_lock(&disk.lock);
	assert_true(disk.count);
	io = disk.held[0];
	memmove(disk.held, disk.held + 1, --disk.count * sizeof(io));
	pthread_mutex_unlock(&disk.lock);
	io->done(io);
}

static bool stalled(void *ctx, struct connection *conn, int fd)
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

static bool has_ended(struct peer *p)
{
	bool ended;

	pthread_mutex_lock(&disk.lock);
	ended = p->ended;
	pthread_mutex_unlock(&disk.lock);
	return ended;
}

static void send_all(struct peer *p, const void *data, size_t len)
{
	const ssize_t n = send(p->fd, data, len, MSG_NOSIGNAL);

	assert_true(n == (ssize_t)len || p->may_end);
}

static void recv_all(struct peer *p, void *data, size_t len)
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

static void expect_eof(struct peer *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
	char byte;

	assert_int_equal(poll(&pfd, 1, DEADLINE_MS), 1);
	assert_true(recv(p->fd, &byte, 1, 0) <= 0);
}

static void no_answer_yet(struct peer *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	assert_int_equal(poll(&pfd, 1, 50), 0);
}

static void start_disk(void)
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
	env.stalled = stalled;
}

static void end_disk(void)
{
	sessions_destroy(disk.target.sessions);
}

static void option(struct peer *p, uint32_t number, const void *data,
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
static uint32_t option_reply(struct peer *p, void *data)
{
	struct enbd_opt_reply reply;
	char text[256];

	recv_all(p, &reply, sizeof(reply));
	assert_true(be32toh(reply.length) <= sizeof(text));
	recv_all(p, data ? data : text, be32toh(reply.length));
	return be32toh(reply.type);
}

static void say_hello(struct peer *p, uint32_t features)
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
	assert_int_equal(option_reply(p, &p->hello), ENBD_REP_HELLO);
	assert_int_equal(option_reply(p, NULL), ENBD_REP_ACK);
}

static uint32_t say_bind(struct peer *p, char session, uint32_t channel,
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

static void send_fence_option(struct peer *p, uint32_t channel,
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

static void send_go(struct peer *p)
{
	option(p, ENBD_OPT_GO, "\0\0\0\0\0\0", 6);
}

static void expect_go(struct peer *p)
{
	assert_int_equal(option_reply(p, NULL), ENBD_REP_INFO);
	assert_int_equal(option_reply(p, NULL), ENBD_REP_INFO);
	assert_int_equal(option_reply(p, NULL), ENBD_REP_ACK);
}

/* A connection up to where options may be sent */
static void open_peer(struct peer *p, bool extended)
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
static void bind_peer(struct peer *p, char session, uint32_t channel,
		      uint32_t incarnation)
{
	open_peer(p, channel % 2);
	say_hello(p, ALL_FEATURES);
	assert_int_equal(say_bind(p, session, channel, incarnation),
			 ENBD_REP_ACK);
	send_go(p);
	expect_go(p);
}

static void join_peer(struct peer *p)
{
	const struct timespec until = deadline();

	assert_int_equal(pthread_timedjoin_np(p->thread, NULL, &until), 0);
	connection_destroy(p->conn);
	close(p->fd);
}

static void request_flags(struct peer *p, unsigned int type, uint64_t cookie,
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

static void request(struct peer *p, unsigned int type, uint64_t cookie,
		    uint64_t offset, uint32_t length)
{
	request_flags(p, type, cookie, offset, length, 0);
}

static void request_fence(struct peer *p, uint64_t cookie, uint32_t channel,
			  uint32_t incarnation)
{
	request(p, ENBD_CMD_FENCE, cookie,
		(uint64_t)channel << 32 | incarnation, 0);
}

/* A reply without data */
static void expect_reply(struct peer *p, uint64_t cookie, uint32_t error)
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

static void expect_status(struct peer *p, uint64_t cookie, uint64_t size)
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

static void leave(struct peer *p)
{
	request(p, ENBD_CMD_DISC, 0, 0, 0);
	expect_eof(p);
	join_peer(p);
}

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
static void test_each_other(void **state)
{
	struct peer a, b;

	(void)state;
	start_disk();
	disk.hold = true;
	bind_peer(&a, 's', 0, 1);
	bind_peer(&b, 's', 1, 1);
	request(&a, ENBD_CMD_TRIM, 1, 0, 512);
	wait_held(1);
	request(&b, ENBD_CMD_TRIM, 1, 0, 512);
	wait_held(2);
	b.may_end = true;
	request_fence(&a, 2, 1, 1);
	request_fence(&b, 2, 0, 1);
	expect_eof(&b);
	release();
	release();
	join_peer(&b);
	shutdown(a.fd, SHUT_RDWR);
	join_peer(&a);
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
	/* Each flush says since when its client is there. */
	disk.hold = false;
	request(&foreign, ENBD_CMD_FLUSH, 2, 0, 0);
	expect_reply(&foreign, 2, 0);
	assert_int_equal(disk.flush_epoch, 7);
	open_peer(&new, false);
	send_go(&new);
	expect_go(&new);
	request(&new, ENBD_CMD_FLUSH, 3, 0, 0);
	expect_reply(&new, 3, 0);
	assert_int_equal(disk.flush_epoch, 8);
	leave(&foreign);
	leave(&new);
	end_disk();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_not_negotiated),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_fence_in_flight),
		cmocka_unit_test(test_fence_refused),
		cmocka_unit_test(test_fence_option),
		cmocka_unit_test(test_fence_deadline),
		cmocka_unit_test(test_asker_dies),
		cmocka_unit_test(test_each_other),
		cmocka_unit_test(test_fenced_asker),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_retired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
