/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the handshake's bytes come from and go to: a socket with a deadline,
 * or what a test puts there.
 */
#ifndef ENBD_TRANSPORT_H
#define ENBD_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct enbd_transport - a stream of bytes in both directions
 * @read: fill the buffer wholly, taking not one byte more from the stream;
 *        0, -ENODATA when the stream ends before, -ETIMEDOUT, other -errno
 * @write: send the buffer wholly; 0 or -errno
 */
struct enbd_transport {
	int (*read)(struct enbd_transport *io, void *buf, size_t len);
	int (*write)(struct enbd_transport *io, const void *buf, size_t len);
};

/**
 * struct enbd_stream - a transport on a connected socket
 * @io: for those who only want a transport
 * @fd: the socket, not owned
 * @deadline: of enbd_now_ms(), for all calls together
 */
struct enbd_stream {
	struct enbd_transport io;
	int fd;
	uint64_t deadline;
};

void enbd_stream_init(struct enbd_stream *stream, int fd, uint64_t deadline);

#endif /* ENBD_TRANSPORT_H */
