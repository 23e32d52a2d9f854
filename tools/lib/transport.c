// SPDX-License-Identifier: GPL-2.0
#include "transport.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "deadline.h"

static int stream_read(struct enbd_transport *io, void *buf, size_t len)
{
	struct enbd_stream *s = (struct enbd_stream *)io;
	char *p = buf;
	ssize_t n;
	int rc;

	while (len) {
		rc = enbd_poll(s->fd, POLLIN, s->deadline);
		if (rc)
			return rc;
		n = recv(s->fd, p, len, MSG_DONTWAIT);
		if (!n)
			return -ENODATA;
		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int stream_write(struct enbd_transport *io, const void *buf, size_t len)
{
	struct enbd_stream *s = (struct enbd_stream *)io;
	const char *p = buf;
	ssize_t n;
	int rc;

	while (len) {
		rc = enbd_poll(s->fd, POLLOUT, s->deadline);
		if (rc)
			return rc;
		n = send(s->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

void enbd_stream_init(struct enbd_stream *stream, int fd, uint64_t deadline)
{
	stream->io.read = stream_read;
	stream->io.write = stream_write;
	stream->fd = fd;
	stream->deadline = deadline;
}
