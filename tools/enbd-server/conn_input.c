// SPDX-License-Identifier: GPL-2.0
/* What a connection receives in the transmission phase. */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "conn_state.h"
#include "slog.h"
#include "util.h"

/*
 * While writes are long: receive no more at once than headers, so that the
 * payload goes from the socket straight into its buffer.
 */
#define SMALL_FILL	4096u

/* Return: bytes, 0 at the end of the stream or of the connection */
static size_t receive(struct connection *conn, struct iovec *iov, int cnt)
{
	ssize_t n;

	do {
		n = readv(conn->fd, iov, cnt);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno != ECONNRESET && errno != EPIPE)
		slog_peer("%s: cannot receive: %s", conn->peer,
			  strerror(errno));
	return n > 0 && !stopped(conn) ? (size_t)n : 0;
}

bool fill_input(struct connection *conn)
{
	struct iovec iov;
	size_t n;

	arena_send(conn);
	if (conn->in_head) {
		memmove(conn->in, conn->in + conn->in_head, in_avail(conn));
		conn->in_tail -= conn->in_head;
		conn->in_head = 0;
	}
	iov.iov_base = conn->in + conn->in_tail;
	iov.iov_len = INPUT_SIZE - conn->in_tail;
	if (conn->big_writes)
		iov.iov_len = MIN(iov.iov_len, SMALL_FILL);
	n = receive(conn, &iov, 1);
	conn->in_tail += n;
	return n;
}

bool need_input(struct connection *conn, size_t len)
{
	while (in_avail(conn) < len) {
		if (!fill_input(conn))
			return false;
	}
	return true;
}

bool skip_input(struct connection *conn, uint64_t len)
{
	size_t n;

	while (len) {
		n = MIN(in_avail(conn), len);
		conn->in_head += n;
		len -= n;
		if (len && !fill_input(conn))
			return false;
	}
	return true;
}

bool read_payload(struct connection *conn, char *buf, size_t len)
{
	struct iovec iov[2];
	size_t n = MIN(in_avail(conn), len);

	memcpy(buf, conn->in + conn->in_head, n);
	conn->in_head += n;
	if (n == len)
		return true;
	arena_send(conn);
	conn->in_head = 0;
	conn->in_tail = 0;
	while (n < len) {
		size_t got;

		iov[0].iov_base = buf + n;
		iov[0].iov_len = len - n;
		iov[1].iov_base = conn->in;
		iov[1].iov_len = SMALL_FILL;
		got = receive(conn, iov, 2);
		if (!got)
			return false;
		if (got > len - n)
			conn->in_tail = got - (len - n);
		n += MIN(got, len - n);
	}
	return true;
}
