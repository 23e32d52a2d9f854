// SPDX-License-Identifier: GPL-2.0
/*
 * The sending half of a channel. Requests are packed into a batch: headers one
 * after the other in a page, the data of writes in between, all in one array
 * that leaves with few calls. The data of a large write are a batch of their
 * own that the socket refers to instead of copying.
 *
 * Everything here runs under the channel's tx_lock.
 */
#include "channel.h"

#include "compat.h"
#include "trace.h"

/* Bytes in one batch, about: what the socket's buffer takes anyway */
#define ENBD_TX_BATCH		(256 * 1024)

/*
 * Writes from this size on are not copied. Below, keeping a page for the
 * socket costs more than copying it; see the benchmark.
 */
#define ENBD_TX_SPLICE		(16 * 1024)

int enbd_tx_init(struct enbd_tx *tx)
{
	INIT_LIST_HEAD(&tx->ready);
	INIT_LIST_HEAD(&tx->writes);
	tx->page = alloc_page(GFP_KERNEL);
	return tx->page ? 0 : -ENOMEM;
}

void enbd_tx_free(struct enbd_tx *tx)
{
	__free_page(tx->page);
}

/* Take over what submitters have queued, oldest first. */
static void tx_collect(struct enbd_channel *ch)
{
	struct llist_node *node = llist_del_all(&ch->incoming);
	struct enbd_io *io, *next;

	node = llist_reverse_order(node);
	llist_for_each_entry_safe(io, next, node, lnode)
		list_add_tail(&io->node, &ch->tx.ready);
}

/* Could the socket keep references to all of the data? */
static bool tx_spliceable(struct enbd_channel *ch, struct enbd_io *io)
{
	struct req_iterator iter;
	struct bio_vec bv;

	if (!ch->s.splice || io->wire.length < ENBD_TX_SPLICE)
		return false;
	rq_for_each_bvec(bv, io->rq, iter)
		if (!sendpages_ok(bv.bv_page, bv.bv_len, bv.bv_offset))
			return false;
	return true;
}

/* Append bytes of the header page; joins the entry before if it can. */
static void tx_add_header(struct enbd_tx *tx, u32 len)
{
	struct bio_vec *last = tx->nr ? &tx->bv[tx->nr - 1] : NULL;

	if (last && last->bv_page == tx->page)
		last->bv_len += len;
	else
		tx->bv[tx->nr++] = (struct bio_vec){
			.bv_page = tx->page,
			.bv_offset = tx->used,
			.bv_len = len,
		};
	tx->used += len;
	tx->bytes += len;
	tx->built += len;
}

/* Append the header of a request or command. */
static void tx_put(struct enbd_channel *ch, const struct enbd_wire_request *wire)
{
	struct enbd_tx *tx = &ch->tx;

	tx_add_header(tx, enbd_wire_put_request(page_address(tx->page) + tx->used,
						ch->format, wire));
}

static void tx_add_body(struct enbd_tx *tx)
{
	u32 bytes;

	tx->nr += enbd_cursor_fill(&tx->body, tx->bv + tx->nr,
				   ENBD_TX_BVECS - tx->nr, tx->body_left,
				   &bytes);
	tx->bytes += bytes;
	tx->body_left -= bytes;
	if (!tx->body_left)
		tx->whole++;
}

/* Begin a request. Returns false if the batch ends with its header. */
static bool tx_begin(struct enbd_channel *ch, struct enbd_io *io)
{
	struct enbd_tx *tx = &ch->tx;

	tx_put(ch, &io->wire);
	trace_enbd_rq_send(io, ch);
	if (io->wire.type != ENBD_CMD_WRITE) {
		tx->whole++;
		enbd_io_sent(io);
		return true;
	}
	enbd_cursor_init(&tx->body, io->rq, 0);
	tx->body_left = io->wire.length;
	tx->built += io->wire.length;
	tx->splice = tx_spliceable(ch, io);
	io->end = tx->built;
	enbd_io_sending(io);
	list_add_tail(&io->node, &tx->writes);
	if (tx->splice)
		return false;
	tx_add_body(tx);
	return !tx->body_left;
}

/*
 * Make the next batch: what is left of a write that was begun, else requests
 * until something is full. Returns whether there is one.
 */
static bool tx_build(struct enbd_channel *ch)
{
	const struct enbd_wire_request *control;
	struct enbd_tx *tx = &ch->tx;
	struct enbd_io *io;

	tx->nr = 0;
	tx->used = 0;
	tx->bytes = 0;
	tx->whole = 0;

	if (tx->body_left) {
		tx_add_body(tx);
		goto out;
	}
	tx->splice = false;
	while ((control = enbd_tx_control(ch)))
		tx_put(ch, control);
	tx_collect(ch);
	while (!list_empty(&tx->ready)) {
		if (tx->used + ENBD_WIRE_MAX_REQUEST > PAGE_SIZE ||
		    tx->nr + 2 > ENBD_TX_BVECS || tx->bytes >= ENBD_TX_BATCH)
			break;
		io = list_first_entry(&tx->ready, struct enbd_io, node);
		list_del_init(&io->node);
		if (!tx_begin(ch, io))
			break;
	}
out:
	iov_iter_bvec(&tx->iter, ITER_SOURCE, tx->bv, tx->nr, tx->bytes);
	return tx->bytes;
}

/*
 * A batch that ends with the header of a write whose data the socket will
 * refer to is itself still copied.
 */
static int tx_flags(const struct enbd_tx *tx)
{
	bool header = tx->used;
	int flags = 0;

	if (tx->splice && !header)
		flags |= ENBD_MSG_SPLICE;
	if (tx->body_left || !list_empty(&tx->ready))
		flags |= MSG_MORE;
	return flags;
}

/* The socket took @len more bytes: let go of the writes that ended there. */
static void tx_advance(struct enbd_tx *tx, u32 len)
{
	struct enbd_io *io, *next;

	tx->sent += len;
	list_for_each_entry_safe(io, next, &tx->writes, node) {
		if (io->end > tx->sent)
			break;
		list_del_init(&io->node);
		enbd_io_sent(io);
	}
}

/**
 * enbd_tx_push() - send until there is nothing left or the socket is full
 * @ch: the channel; its tx_lock is held
 *
 * Return: 1 if it was worth another look soon, 0 if there is nothing to do
 * until the channel is woken, or what the socket died of.
 */
int enbd_tx_push(struct enbd_channel *ch)
{
	struct enbd_tx *tx = &ch->tx;
	u32 sent = 0;
	int ret;

	for (;;) {
		if (!iov_iter_count(&tx->iter) && !tx_build(ch))
			return 0;
		ret = enbd_sock_send(&ch->s, &tx->iter, tx_flags(tx));
		if (ret == -EAGAIN)
			return 0;
		if (ret == -EINTR || ret == -ERESTARTSYS)
			return 1;
		if (ret <= 0)
			return ret ? ret : -EPIPE;
		sent += ret;
		tx_advance(tx, ret);
		if (iov_iter_count(&tx->iter))
			continue;
		WRITE_ONCE(ch->dispatched, ch->dispatched + tx->whole);
		/* let a submitter go back to its own work */
		if (sent >= 4 * ENBD_TX_BATCH)
			return 1;
	}
}

/**
 * enbd_tx_disc() - say goodbye
 * @ch: the channel, its work stopped, its tx_lock held
 *
 * Only if nothing is half sent, and only if the socket takes it at once. NBD,
 * "Terminating the transmission phase".
 *
 * Return: whether the whole of it is on its way.
 */
bool enbd_tx_disc(struct enbd_channel *ch)
{
	const struct enbd_wire_request disc = { .type = ENBD_CMD_DISC };
	struct enbd_tx *tx = &ch->tx;

	if (iov_iter_count(&tx->iter) || tx->body_left)
		return false;
	tx->nr = 0;
	tx->used = 0;
	tx->bytes = 0;
	tx_put(ch, &disc);
	iov_iter_bvec(&tx->iter, ITER_SOURCE, tx->bv, tx->nr, tx->bytes);
	enbd_sock_send(&ch->s, &tx->iter, 0);
	return !iov_iter_count(&tx->iter);
}
