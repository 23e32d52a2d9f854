// SPDX-License-Identifier: GPL-2.0
/*
 * The receiving half of a channel: bytes go from the socket to the parser, and
 * the data of reads straight into the request's pages.
 *
 * Everything here runs in the channel's work. What a reply may do to a request
 * is decided by enbd_wire_judge(); here it is only carried out.
 */
#include "channel.h"

#include <net/tcp.h>

#include "compat.h"
#include "trace.h"

/* Bytes taken in one go before sending gets its turn */
#define ENBD_RX_BUDGET		(512 * 1024)

/* Where bytes go that nobody wants; never read */
static char rx_waste[256];

void enbd_rxq_init(struct enbd_channel *ch)
{
	enbd_rx_init(&ch->rxq.rx, ch->format);
}

/*
 * Answer the request and count it. One that was refused because the server is
 * shutting down was not done and never will be here: it stays with the channel
 * until that is stopped, and then is another channel's.
 */
static void rxq_finish(struct enbd_channel *ch, struct enbd_io *io)
{
	u32 error = io->cover.error;

	if (error == ENBD_ESHUTDOWN) {
		enbd_io_refused(io);
		WRITE_ONCE(ch->refused, ch->refused + 1);
		enbd_channel_retire(ch, "the server is shutting down");
		return;
	}
	/* fault injection: lose the answer, so that the timeout finds it */
	if (unlikely(blk_should_fake_timeout(io->rq->q))) {
		enbd_io_sent(io);
		return;
	}
	WRITE_ONCE(ch->answered, ch->answered + 1);
	if (error)
		WRITE_ONCE(ch->errored, ch->errored + 1);
	else if (io->wire.type == ENBD_CMD_READ)
		WRITE_ONCE(ch->bytes_read, ch->bytes_read + io->wire.length);
	else if (io->wire.type == ENBD_CMD_WRITE)
		WRITE_ONCE(ch->bytes_written,
			   ch->bytes_written + io->wire.length);
	enbd_io_end(io, enbd_io_status(error));
}

/* Make rxq->iter cover the next part of the data that are expected. */
static void rxq_refill(struct enbd_rxq *rxq, u32 left)
{
	unsigned int nr;
	u32 bytes;

	nr = enbd_cursor_fill(&rxq->body, rxq->bv, ENBD_RX_BVECS, left, &bytes);
	iov_iter_bvec(&rxq->iter, ITER_DEST, rxq->bv, nr, bytes);
}

/* A hole: the data are zeroes and are not sent. */
static void rxq_zero(struct enbd_rxq *rxq, u32 len)
{
	while (len) {
		u32 part;

		rxq_refill(rxq, len);
		part = iov_iter_count(&rxq->iter);
		iov_iter_zero(part, &rxq->iter);
		len -= part;
	}
}

/*
 * A reply is complete, but for its data. Returns 0, -EAGAIN if the sender
 * must be looked at first, -EPROTO if the channel was lost.
 */
static int rxq_reply(struct enbd_channel *ch)
{
	struct enbd_rxq *rxq = &ch->rxq;
	const struct enbd_wire_reply *reply = &rxq->rx.reply;
	const char *bad;
	struct enbd_io *io;
	u32 data;

	if (enbd_rxq_is_control(reply)) {
		bad = enbd_rxq_control(ch);
		if (!bad)
			return 0;
		enbd_channel_lose(ch, bad);
		return -EPROTO;
	}
	io = enbd_io_claim(ch->led, reply->cookie, ch->index);
	if (IS_ERR(io) && !rxq->held) {
		rxq->held = true;
		return -EAGAIN;
	}
	rxq->held = false;
	if (IS_ERR_OR_NULL(io)) {
		enbd_channel_lose(ch, io ? "write answered before it was sent" :
					   "reply to no request");
		return -EPROTO;
	}
	bad = enbd_wire_judge(reply, &io->wire, ch->format, &io->cover, &data);
	trace_enbd_rq_reply(io, ch, reply);
	if (bad) {
		enbd_channel_lose(ch, bad);
		return -EPROTO;
	}
	if (!reply->simple && reply->type == ENBD_REPLY_TYPE_OFFSET_HOLE) {
		enbd_cursor_init(&rxq->body, io->rq,
				 reply->offset - io->wire.offset);
		rxq_zero(rxq, reply->length);
	}
	if (!data) {
		if (reply->done)
			rxq_finish(ch, io);
		return 0;
	}
	enbd_cursor_init(&rxq->body, io->rq,
			 reply->simple ? 0 : reply->offset - io->wire.offset);
	rxq->io = io;
	rxq->done = reply->done;
	enbd_rx_expect(&rxq->rx, data);
	rxq_refill(rxq, data);
	return 0;
}

/* Where the next bytes go: an iterator in @to, or rx_waste if they are none. */
static u32 rxq_want(struct enbd_channel *ch, void **buf)
{
	struct enbd_rxq *rxq = &ch->rxq;
	u32 len;

	*buf = enbd_rx_space(&rxq->rx, &len);
	if (*buf)
		return len;
	if (rxq->rx.state == ENBD_RX_SKIP) {
		*buf = rx_waste;
		return min_t(u32, len, sizeof(rx_waste));
	}
	if (!iov_iter_count(&rxq->iter))
		rxq_refill(rxq, len);
	return iov_iter_count(&rxq->iter);
}

/* @len bytes have been put where rxq_want() said. As rxq_reply(). */
static int rxq_got(struct enbd_channel *ch, u32 len)
{
	struct enbd_rxq *rxq = &ch->rxq;
	const char *why;

	if (rxq->rx.state == ENBD_RX_SKIP) {
		enbd_rx_consumed(&rxq->rx, len);
		return 0;
	}
	if (rxq->rx.state == ENBD_RX_DATA) {
		enbd_rx_consumed(&rxq->rx, len);
		if (rxq->rx.state != ENBD_RX_DATA && rxq->done)
			rxq_finish(ch, rxq->io);
		return 0;
	}
	switch (enbd_rx_filled(&rxq->rx, len, &why)) {
	case ENBD_RX_REPLY:
		return rxq_reply(ch);
	case ENBD_RX_BAD:
		enbd_channel_lose(ch, why);
		return -EPROTO;
	default:
		return 0;
	}
}

/* Plain TCP: all that has come, under the socket's lock once. */
static int rxq_actor(read_descriptor_t *desc, struct sk_buff *skb,
		     unsigned int offset, size_t len)
{
	struct enbd_channel *ch = desc->arg.data;
	size_t used = 0;
	void *buf;
	int err;

	/* called again for the rest of the same buffer, whatever we said */
	if (!desc->count)
		return 0;
	while (used < len) {
		u32 want = min_t(size_t, rxq_want(ch, &buf), len - used);

		if (buf)
			err = skb_copy_bits(skb, offset + used, buf, want);
		else
			err = skb_copy_datagram_iter(skb, offset + used,
						     &ch->rxq.iter, want);
		if (!err)
			err = rxq_got(ch, want);
		else
			enbd_channel_lose(ch, "cannot copy received data");
		used += want;
		if (err) {
			desc->error = err;
			desc->count = 0;
			break;
		}
	}
	if (desc->count)
		desc->count = used < desc->count ? desc->count - used : 0;
	return used;
}

static int rxq_pull_tcp(struct enbd_channel *ch, u32 *got)
{
	struct sock *sk = ch->s.sock->sk;
	read_descriptor_t desc = {
		.arg.data = ch,
		.count = ENBD_RX_BUDGET,
	};
	int ret;

	lock_sock(sk);
	ret = tcp_read_sock(sk, &desc, rxq_actor);
	release_sock(sk);
	if (ret > 0)
		*got += ret;
	if (desc.error)
		return desc.error;
	/* an error of the socket itself is found by who looks for its end */
	return 0;
}

/* Every other stream socket: one call for each piece. */
static int rxq_pull_msg(struct enbd_channel *ch, u32 *got)
{
	while (*got < ENBD_RX_BUDGET) {
		struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
		struct kvec vec;
		void *buf;
		u32 want = rxq_want(ch, &buf);
		int ret;

		if (buf) {
			vec.iov_base = buf;
			vec.iov_len = want;
			iov_iter_kvec(&msg.msg_iter, ITER_DEST, &vec, 1, want);
		} else {
			msg.msg_iter = ch->rxq.iter;
		}
		ret = sock_recvmsg(ch->s.sock, &msg, msg.msg_flags);
		if (ret <= 0)
			return 0;
		if (!buf)
			iov_iter_advance(&ch->rxq.iter, ret);
		*got += ret;
		ret = rxq_got(ch, ret);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * enbd_rxq_pull() - take what has come
 * @ch: the channel; called in its work only
 *
 * Return: bytes taken, 0 if there were none, -EPROTO if the peer broke the
 * protocol and the channel was lost.
 */
int enbd_rxq_pull(struct enbd_channel *ch)
{
	u32 got = 0;
	int err = 0;

	do {
		if (ch->rxq.held) {
			/*
			 * The sender may only have been late in saying that it
			 * was done; it does that before it drops the lock.
			 */
			mutex_lock(&ch->tx_lock);
			mutex_unlock(&ch->tx_lock);
			err = rxq_reply(ch);
			if (err)
				break;
		}
		err = ch->s.inet ? rxq_pull_tcp(ch, &got) :
				   rxq_pull_msg(ch, &got);
	} while (err == -EAGAIN);
	if (got)
		WRITE_ONCE(ch->heard, jiffies);
	return err ? err : got;
}
