// SPDX-License-Identifier: GPL-2.0
#include "channel.h"

#include <linux/slab.h>

#include "compat.h"
#include "trace.h"

/* How long one run of a channel's work may take before others get a turn */
#define ENBD_WORK_BUDGET	usecs_to_jiffies(1000)

/* How long a server may take to close the connection after DISC, milliseconds */
#define ENBD_LEAVE_MS		2000

/*
 * Reclaim waits for our I/O, so the work that carries it has a rescuer and
 * goes before other work.
 */
static struct workqueue_struct *enbd_wq;

/* Closes sockets: the locks taken there must not come below any of ours. */
static struct workqueue_struct *enbd_close_wq;

/* Returns 0 or -ENOMEM. */
int enbd_channel_init(void)
{
	int err = enbd_sock_init();

	if (err)
		return err;
	enbd_wq = alloc_workqueue("enbd-io", WQ_MEM_RECLAIM | WQ_HIGHPRI |
				  WQ_PERCPU, 0);
	if (!enbd_wq)
		goto err_sock;
	enbd_close_wq = alloc_workqueue("enbd-close",
					WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!enbd_close_wq)
		goto err_wq;
	return 0;

err_wq:
	destroy_workqueue(enbd_wq);
err_sock:
	enbd_sock_exit();
	return -ENOMEM;
}

void enbd_channel_exit(void)
{
	destroy_workqueue(enbd_close_wq);
	destroy_workqueue(enbd_wq);
	enbd_sock_exit();
}

static void channel_free(struct kref *ref)
{
	struct enbd_channel *ch = container_of(ref, struct enbd_channel, ref);

	/* a submitter that was late may have queued it after the stop */
	cancel_work_sync(&ch->work);
	enbd_tx_free(&ch->tx);
	kfree(ch);
}

/* Take a reference, having one. */
void enbd_channel_get(struct enbd_channel *ch)
{
	kref_get(&ch->ref);
}

/**
 * enbd_channel_put() - drop a reference
 * @ch: a channel; if this may be the last one it is stopped, and nobody who
 *      found it in a route or a place still uses it
 *
 * Context: process, not the channel's own work.
 */
void enbd_channel_put(struct enbd_channel *ch)
{
	kref_put(&ch->ref, channel_free);
}

/**
 * enbd_channel_lose() - the socket is of no use any more
 * @ch:     the channel
 * @reason: why, for people
 *
 * Only the first call counts. Context: any but hard interrupt.
 */
void enbd_channel_lose(struct enbd_channel *ch, const char *reason)
{
	if (test_and_set_bit(ENBD_CHANNEL_DYING, &ch->bits))
		return;
	/* who has retired has said why */
	if (!test_bit(ENBD_CHANNEL_RETIRED, &ch->bits))
		strscpy(ch->reason, reason, sizeof(ch->reason));
	ch->lost_at = ktime_get();
	/* both are there for whoever sees the bit */
	smp_mb__before_atomic();
	set_bit(ENBD_CHANNEL_DEAD, &ch->bits);
	trace_enbd_channel_lost(ch);
	ch->ops->attend(ch);
}

/**
 * enbd_channel_retire() - the server does nothing new any more
 * @ch:     the channel
 * @reason: why, for people
 *
 * What it has begun it still answers. Context: the receiver, or under
 * session->lock; two at the same time give the same reason.
 */
void enbd_channel_retire(struct enbd_channel *ch, const char *reason)
{
	if (test_bit(ENBD_CHANNEL_RETIRED, &ch->bits))
		return;
	strscpy(ch->reason, reason, sizeof(ch->reason));
	/* the reason is there for whoever sees the bit */
	smp_mb__before_atomic();
	set_bit(ENBD_CHANNEL_RETIRED, &ch->bits);
	ch->ops->attend(ch);
}

/**
 * enbd_channel_done() - has everything been answered, if only by a refusal?
 * @ch: a channel that is given no requests any more
 */
bool enbd_channel_done(const struct enbd_channel *ch)
{
	return enbd_channel_load(ch) == READ_ONCE(ch->refused);
}

/*
 * Wait for the server to close the connection. An end that we have made ourselves
 * looks the same but says nothing, so whoever makes it says so, under the lock.
 */
static void channel_await_end(struct enbd_channel *ch)
{
	bool ended = enbd_sock_await_end(ch->closing, ENBD_LEAVE_MS);

	/* else what is queued would go on being sent, for minutes */
	if (!ended)
		enbd_sock_abort(ch->closing, -ECONNABORTED);
	mutex_lock(&ch->tx_lock);
	if (ch->leave == ENBD_LEAVE_WAIT)
		WRITE_ONCE(ch->leave, ended ? ENBD_LEAVE_ENDED :
					      ENBD_LEAVE_SILENT);
	mutex_unlock(&ch->tx_lock);
}

static void channel_close_work(struct work_struct *work)
{
	struct enbd_channel *ch = container_of(work, struct enbd_channel,
					       close_work);

	if (READ_ONCE(ch->leave) == ENBD_LEAVE_WAIT)
		channel_await_end(ch);
	if (ch->leave != ENBD_LEAVE_NONE)
		ch->ops->attend(ch);
	enbd_sock_put(ch->closing);
	/* from here on nothing of the session is touched */
	smp_store_release(&ch->closing, NULL);
	enbd_channel_put(ch);
}

/**
 * enbd_channel_cut() - do not wait for the server to end the connection
 * @ch: a channel that was stopped
 *
 * When it returns nothing of what was sent on it leaves any more.
 *
 * Context: process, not the channel's own work.
 */
void enbd_channel_cut(struct enbd_channel *ch)
{
	mutex_lock(&ch->tx_lock);
	if (ch->leave == ENBD_LEAVE_WAIT) {
		enbd_sock_abort(ch->closing, -ECONNABORTED);
		WRITE_ONCE(ch->leave, ENBD_LEAVE_SILENT);
	}
	mutex_unlock(&ch->tx_lock);
}

/**
 * enbd_channel_flush() - wait until the socket is closed
 * @ch: a channel that was stopped
 *
 * Context: process, no lock held, not in a netlink request.
 */
void enbd_channel_flush(struct enbd_channel *ch)
{
	flush_work(&ch->close_work);
}

static void channel_lose_err(struct enbd_channel *ch, const char *what, int err)
{
	char reason[ENBD_REASON_LEN];

	snprintf(reason, sizeof(reason), "%s: error %d", what, err);
	enbd_channel_lose(ch, reason);
}

static void channel_wake(void *priv)
{
	struct enbd_channel *ch = priv;

	queue_work_on(ch->cpu, enbd_wq, &ch->work);
}

/*
 * Look for the end of the stream, everything that came having been read.
 * Returns whether there is more to read first.
 */
static bool channel_check_end(struct enbd_channel *ch)
{
	int err, ret;

	if (!enbd_sock_ended(&ch->s, &err))
		return false;
	/* replies may have come between our last look and the end */
	ret = enbd_rxq_pull(ch);
	if (ret)
		return ret > 0;
	switch (err) {
	case 0:
		enbd_channel_lose(ch, enbd_rx_idle(&ch->rxq.rx) ?
				  "closed by the server" :
				  "closed by the server within a reply");
		break;
	case ECONNRESET:
		enbd_channel_lose(ch, "reset by the server");
		break;
	case ETIMEDOUT:
		enbd_channel_lose(ch, "the server does not acknowledge");
		break;
	default:
		channel_lose_err(ch, "connection lost", err);
	}
	return false;
}

/*
 * Send, unless somebody else is sending: then that one looks again after
 * dropping the lock. Returns whether there is more to do soon.
 */
static bool channel_send(struct enbd_channel *ch)
{
	bool more = false;
	int ret;

	if (!mutex_trylock(&ch->tx_lock)) {
		set_bit(ENBD_CHANNEL_MISSED, &ch->bits);
		/* pairs with the one below: either of us sees the other */
		smp_mb__after_atomic();
		return !mutex_is_locked(&ch->tx_lock);
	}
	clear_bit(ENBD_CHANNEL_MISSED, &ch->bits);
	if (!test_bit(ENBD_CHANNEL_DYING, &ch->bits)) {
		ret = enbd_tx_push(ch);
		if (ret < 0)
			channel_lose_err(ch, "cannot send", -ret);
		more = ret > 0;
	}
	mutex_unlock(&ch->tx_lock);
	/* pairs with the one above */
	smp_mb();
	return more || test_bit(ENBD_CHANNEL_MISSED, &ch->bits);
}

static void channel_work(struct work_struct *work)
{
	struct enbd_channel *ch = container_of(work, struct enbd_channel, work);
	unsigned long end = jiffies + ENBD_WORK_BUDGET;
	bool more;
	int ret;

	do {
		if (test_bit(ENBD_CHANNEL_DYING, &ch->bits))
			return;
		more = channel_send(ch);
		ret = enbd_rxq_pull(ch);
		if (ret < 0)
			return;
		if (ret || channel_check_end(ch))
			more = true;
	} while (more && time_before_eq(jiffies, end));

	if (more)
		channel_wake(ch);
}

/**
 * enbd_channel_new() - make a channel without a socket
 * @led:     the device's requests
 * @format:  enum enbd_reply_format settled with the server
 * @disk:    name of the device, outlives the channel
 * @ops:     see there
 * @session: for @ops
 *
 * Context: may sleep. Return: the channel or ERR_PTR(-ENOMEM).
 */
struct enbd_channel *enbd_channel_new(struct enbd_ledger *led, u32 format,
				      const char *disk,
				      const struct enbd_channel_ops *ops,
				      void *session)
{
	struct enbd_channel *ch = kzalloc(sizeof(*ch), GFP_KERNEL);

	if (!ch)
		return ERR_PTR(-ENOMEM);
	kref_init(&ch->ref);
	ch->led = led;
	ch->ops = ops;
	ch->session = session;
	ch->disk = disk;
	ch->format = format;
	ch->cpu = WORK_CPU_UNBOUND;
	ch->state = ENBD_CHANNEL_STATE_LOST;
	init_llist_head(&ch->incoming);
	mutex_init(&ch->tx_lock);
	INIT_WORK(&ch->work, channel_work);
	INIT_WORK(&ch->close_work, channel_close_work);
	if (enbd_tx_init(&ch->tx)) {
		kfree(ch);
		return ERR_PTR(-ENOMEM);
	}
	enbd_rxq_init(ch);
	return ch;
}

/**
 * enbd_channel_open() - give a channel its socket
 * @ch:     a new channel that knows its place
 * @sock:   from enbd_sock_get(); the reference passes on success
 * @splice: the socket may refer to pages, if it can
 * @extack: told why not
 *
 * Nothing is sent before somebody kicks it, and nothing received before the
 * socket calls or enbd_channel_start().
 *
 * Context: process. Return: 0 or -EBUSY.
 */
int enbd_channel_open(struct enbd_channel *ch, struct socket *sock,
		      bool splice, struct netlink_ext_ack *extack)
{
	int err = enbd_sock_attach(&ch->s, sock, channel_wake, ch, extack);

	if (err) {
		ch->s.sock = NULL;
		return err;
	}
	ch->s.splice &= splice;
	enbd_sock_names(sock, ch->local, ch->peer);
	return 0;
}

/**
 * enbd_channel_copy() - from now on copy what is sent
 * @ch: a channel
 *
 * What the socket refers to already it goes on referring to. Context: process.
 */
void enbd_channel_copy(struct enbd_channel *ch)
{
	mutex_lock(&ch->tx_lock);
	ch->s.splice = false;
	/* the rest of a write that was begun, too */
	ch->tx.splice = false;
	mutex_unlock(&ch->tx_lock);
}

/**
 * enbd_channel_start() - look at what has come in the meantime
 * @ch: an open channel whose cpu is set
 */
void enbd_channel_start(struct enbd_channel *ch)
{
	ch->heard = jiffies;
	channel_wake(ch);
}

/* With the work stopped, under tx_lock: end the connection as far as it goes. */
static void channel_end(struct enbd_channel *ch, enum enbd_stop how)
{
	bool said = false;
	int err;

	/* an end that came before we said goodbye is no answer to it */
	if (how == ENBD_STOP_DISC ||
	    (how == ENBD_STOP_LEAVE && !enbd_sock_ended(&ch->s, &err)))
		said = enbd_tx_disc(ch);
	if (how == ENBD_STOP_LEAVE && said)
		ch->leave = ENBD_LEAVE_WAIT;
	else if (said)
		kernel_sock_shutdown(ch->s.sock, SHUT_RDWR);
	else
		enbd_sock_abort(ch->s.sock, -ECONNABORTED);
}

/**
 * enbd_channel_stop() - take the socket away
 * @ch:  the channel; nobody gives it requests any more
 * @how: what the server is told; if it cannot be told that now, the connection
 *       is reset
 *
 * When it returns neither sender nor receiver run, no request leaves or is
 * answered on the socket any more, and every request that the ledger shows as
 * this channel's is the caller's. The socket itself is closed a little later;
 * with ENBD_STOP_LEAVE, ch->leave tells how that went.
 *
 * Context: process, not the channel's own work. Waits for the work, which
 * does not wait for the peer.
 */
void enbd_channel_stop(struct enbd_channel *ch, enum enbd_stop how)
{
	struct socket *sock = ch->s.sock;

	if (!sock)
		return;
	set_bit(ENBD_CHANNEL_DYING, &ch->bits);
	set_bit(ENBD_CHANNEL_DEAD, &ch->bits);
	enbd_sock_detach(&ch->s);
	cancel_work_sync(&ch->work);

	mutex_lock(&ch->tx_lock);
	ch->closing = sock;
	channel_end(ch, how);
	init_llist_head(&ch->incoming);
	INIT_LIST_HEAD(&ch->tx.ready);
	INIT_LIST_HEAD(&ch->tx.writes);
	ch->tx.body_left = 0;
	ch->s.sock = NULL;
	mutex_unlock(&ch->tx_lock);

	/* a submitter that failed to get the lock may have queued it */
	cancel_work_sync(&ch->work);
	enbd_channel_get(ch);
	queue_work(enbd_close_wq, &ch->close_work);
}

/**
 * enbd_channel_queue() - give a request to a channel
 * @ch: a channel that the session offers
 * @io: the request, assigned to it
 *
 * It is sent by the next enbd_channel_kick(). Context: any.
 */
void enbd_channel_queue(struct enbd_channel *ch, struct enbd_io *io)
{
	atomic64_inc(&ch->requested);
	trace_enbd_rq_queue(io, ch);
	llist_add(&io->lnode, &ch->incoming);
}

/**
 * enbd_channel_kick() - send what was queued
 * @ch: the channel
 *
 * Sends from here if nobody else is sending: no other thread needs to wake up
 * before the request is on its way.
 *
 * Context: process.
 */
void enbd_channel_kick(struct enbd_channel *ch)
{
	if (channel_send(ch) && !test_bit(ENBD_CHANNEL_DYING, &ch->bits))
		channel_wake(ch);
}
