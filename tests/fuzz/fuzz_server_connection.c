// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/connection.c tools/enbd-server/conn_ext.c tools/enbd-server/sessions.c tools/enbd-server/transmit.c tools/enbd-server/conn_input.c tools/enbd-server/pieces.c tools/enbd-server/buffers.c tools/enbd-server/conn_memory.c tools/enbd-server/output.c tools/enbd-server/handshake.c tools/enbd-server/hs_parts.c tools/enbd-server/hs_ext.c tools/enbd-server/proto.c */
/*
 * Any bytes as all that a client ever sends, over a socket, to a disk in
 * memory. The first byte says how the disk works and how much of a proper
 * handshake goes in front.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/enbd_wire.h>

#include "tools/enbd-server/buffers.h"
#include "tools/enbd-server/connection.h"
#include "tools/enbd-server/sessions.h"
#include "tools/enbd-server/slog.h"

#define SIZE	(1u << 20)

static char disk[SIZE];
static bool now;

static void carry_out(struct block_io *io)
{
	io->error = 0;
	if (io->op != IO_FLUSH &&
	    (io->offset > SIZE || io->length > SIZE - io->offset))
		abort();
	if (io->op == IO_READ)
		memcpy(io->buf, disk + io->offset, io->length);
	else if (io->op == IO_WRITE)
		memcpy(disk + io->offset, io->buf, io->length);
	else if (io->op == IO_TRIM)
		io->error = EIO;
}

static int run_now(struct target *target, struct block_io *io)
{
	(void)target;
	if (!now)
		return -EAGAIN;
	carry_out(io);
	return 0;
}

static void submit(struct target *target, struct block_io *io)
{
	(void)target;
	carry_out(io);
	io->done(io);
}

static int identify(struct target *t, struct target_identity *id)
{
	(void)t;
	memset(id, 0, sizeof(*id));
	id->features = ENBD_FEATURE_RESIZE;
	return 0;
}

static void refresh(struct target *t)
{
	(void)t;
}

static const struct target_ops ops = {
	.run_now = run_now,
	.submit = submit,
	.identify = identify,
	.refresh = refresh,
};

static struct target target = {
	.info = {
		.name = "disk",
		.size = SIZE,
		.block_min = 1,
		.block_pref = 4096,
		.block_max = SIZE / 2,
	},
	.ops = &ops,
};

/* Nobody reads the answers: when the socket is full, that is the end. */
static bool stalled(void *ctx, struct connection *conn, int fd)
{
	(void)ctx;
	(void)conn;
	(void)fd;
	return false;
}

/* In place of slog.c: its complaints would be millions. */
void slog_peer(const char *fmt, ...)
{
	(void)fmt;
}

static void put(int fd, const void *data, size_t len)
{
	if (send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno != EAGAIN && errno != EMSGSIZE)
		abort();
}

/*
 * The client's side of HELLO, BIND and FENCE. The challenge in it must be the one of
 * this connection; here every connection has the same, see getrandom() below.
 */
static void put_hello(int fd, uint32_t incarnation)
{
	const struct {
		struct enbd_opt_request option;
		struct enbd_ext_hello head;
		struct enbd_opt_request bind_option;
		struct enbd_ext_bind bind;
		struct enbd_opt_request fence_option;
		struct enbd_ext_fence fence;
		struct enbd_ext_fenced item;
	} __attribute__((packed)) hello = {
		.option.magic = htobe64(ENBD_IHAVEOPT),
		.option.option = htobe32(ENBD_OPT_HELLO),
		.option.length = htobe32(sizeof(hello.head)),
		.head.magic = htobe32(ENBD_EXT_MAGIC),
		.head.version = htobe16(ENBD_EXT_VERSION),
		.head.features = htobe32(0xffffffff),
		.bind_option.magic = htobe64(ENBD_IHAVEOPT),
		.bind_option.option = htobe32(ENBD_OPT_BIND),
		.bind_option.length = htobe32(sizeof(hello.bind)),
		.bind.magic = htobe32(ENBD_EXT_MAGIC),
		.bind.channel = htobe32(1),
		.bind.incarnation = htobe32(5),
		.fence_option.magic = htobe64(ENBD_IHAVEOPT),
		.fence_option.option = htobe32(ENBD_OPT_FENCE),
		.fence_option.length = htobe32(sizeof(hello.fence) +
					       sizeof(hello.item)),
		.fence.magic = htobe32(ENBD_EXT_MAGIC),
		.fence.count = htobe32(1),
		.item.channel = htobe32(1),
		.item.incarnation = htobe32(incarnation),
	};

	put(fd, &hello, sizeof(hello));
}

/* In place of the C library's: challenges that the corpus can know */
ssize_t getrandom(void *buf, size_t len, unsigned int flags)
{
	(void)flags;
	memset(buf, 0, len);
	return (ssize_t)len;
}

/* The commands of the extension have numbers that are hard to find. */
static uint16_t command(uint8_t byte)
{
	switch (byte >> 1) {
	case 126:
		return ENBD_CMD_FENCE;
	case 127:
		return ENBD_CMD_KEEPALIVE;
	default:
		return byte >> 1;
	}
}

/* Eight bytes of input for each request; only its magic is always right. */
static void put_requests(int fd, const uint8_t *data, size_t size,
			 bool extended)
{
	static unsigned char payload[SIZE / 2];

	for (; size >= 8; data += 8, size -= 8) {
		const uint16_t type = command(data[0]);
		/* A fence's channel is in the upper half. */
		const uint64_t offset = type == ENBD_CMD_FENCE ?
			(uint64_t)data[2] << 32 | data[3] << 8 | data[4] :
			(uint64_t)data[2] << 16 | data[3] << 8 | data[4];
		const uint32_t length = data[5] << 16 | data[6] << 8 | data[7];
		struct enbd_ext_request ext = {
			.magic = htobe32(ENBD_EXT_REQUEST_MAGIC),
			.flags = htobe16(data[1] >> 1),
			.type = htobe16(type),
			.offset = htobe64(offset),
			.length = htobe64(length),
		};
		struct enbd_request req = {
			.magic = htobe32(ENBD_REQUEST_MAGIC),
			.flags = ext.flags,
			.type = ext.type,
			.offset = ext.offset,
			.length = htobe32(length),
		};

		if (extended)
			put(fd, &ext, sizeof(ext));
		else
			put(fd, &req, sizeof(req));
		/* Sometimes the payload is missing. */
		if (data[0] & 1 && length <= sizeof(payload))
			put(fd, payload, length);
	}
}

static bool admit(void *ctx, struct connection *conn, bool replaces)
{
	(void)ctx;
	(void)conn;
	(void)replaces;
	return true;
}

static void release(void *ctx, struct connection *conn)
{
	(void)ctx;
	(void)conn;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct target *const targets[] = { &target };
	static struct connection_env env = {
		.targets = targets,
		.count = 1,
		.handshake_ms = 100000,
		.stalled = stalled,
		.admit = admit,
		.release = release,
	};
	struct connection *conn;
	int fds[2];

	if (!size)
		return 0;
	now = data[0] & 1;
	/* Little, so that there is none left sometimes */
	if (!env.buffers)
		env.buffers = buffers_create(2u << 20);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		abort();
	if (data[0] & 2)
		put(fds[0], "\0\0\0\3", 4);
	if (data[0] & 4)
		put(fds[0], "IHAVEOPT\0\0\0\x8\0\0\0", 16);
	if (data[0] & 8)
		put(fds[0], "IHAVEOPT\0\0\0\xb\0\0\0", 16);
	if (data[0] & 64)
		put_hello(fds[0], data[0] >> 7 ? 4 : 5);
	if (data[0] & 16)
		put(fds[0], "IHAVEOPT\0\0\0\1\0\0\0", 16);
	if (data[0] & 32)
		put_requests(fds[0], data + 1, size - 1, data[0] & 8);
	else
		put(fds[0], data + 1, size - 1);
	shutdown(fds[0], SHUT_WR);
	target.sessions = sessions_create(2);
	conn = connection_create(&env, fds[1], "fuzzer");
	if (!conn)
		abort();
	connection_run(conn);
	connection_destroy(conn);
	sessions_destroy(target.sessions);
	close(fds[0]);
	return 0;
}
