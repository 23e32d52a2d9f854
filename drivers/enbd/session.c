// SPDX-License-Identifier: GPL-2.0
/*
 * Channels come and go, and with them the state of the device.
 */
#include "session.h"

#include <linux/delay.h>
#include <linux/slab.h>

#include "compat.h"
#include "trace.h"

/* How long a channel that is being removed may take to answer, milliseconds */
#define ENBD_DRAIN_MS		500

/*
 * Losing channels must work while reclaim waits for them. Unbound: it waits
 * for the per-CPU work of channels.
 */
static struct workqueue_struct *enbd_session_wq;

/* Returns 0 or -ENOMEM. */
int enbd_session_global_init(void)
{
	int err = enbd_channel_init();

	if (err)
		return err;
	enbd_session_wq = alloc_workqueue("enbd-session",
					  WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!enbd_session_wq) {
		enbd_channel_exit();
		return -ENOMEM;
	}
	return 0;
}

void enbd_session_global_exit(void)
{
	destroy_workqueue(enbd_session_wq);
	enbd_channel_exit();
}

static unsigned int session_lock(struct enbd_session *s)
{
	unsigned int noio = memalloc_noio_save();

	mutex_lock(&s->lock);
	return noio;
}

static void session_unlock(struct enbd_session *s, unsigned int noio)
{
	mutex_unlock(&s->lock);
	memalloc_noio_restore(noio);
}

static struct enbd_channel *session_channel(struct enbd_session *s,
					    unsigned int index)
{
	return rcu_dereference_protected(s->channel[index],
					 lockdep_is_held(&s->lock));
}

static bool channel_usable(struct enbd_channel *ch)
{
	return ch && ch->state == ENBD_CHANNEL_STATE_LIVE;
}

static void channel_set_state(struct enbd_channel *ch, u32 state)
{
	WRITE_ONCE(ch->state, state);
	trace_enbd_channel_state(ch);
}

/* Make the route of a queue anew. */
static void session_route(struct enbd_session *s, unsigned int queue)
{
	struct enbd_squeue *sq = &s->queue[queue];
	struct enbd_route *old, *new;
	struct enbd_channel *ch;
	bool own = false;
	unsigned int i;

	old = rcu_dereference_protected(sq->route, lockdep_is_held(&s->lock));
	new = old == &sq->spare[0] ? &sq->spare[1] : &sq->spare[0];
	new->nr = 0;
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = session_channel(s, i);
		own |= channel_usable(ch) && ch->hw_queue == queue;
	}
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = session_channel(s, i);
		if (channel_usable(ch) && (!own || ch->hw_queue == queue))
			new->ch[new->nr++] = ch;
	}
	rcu_assign_pointer(sq->route, new);
}

/*
 * The set of usable channels changed: choose an active one if only one may
 * work, make the routes anew, and see what that means for the device.
 */
static void session_update(struct enbd_session *s, const char *reason)
{
	struct enbd_channel *ch, *standby = NULL;
	unsigned int i, live = 0;
	bool changed = false;

	lockdep_assert_held(&s->lock);
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = session_channel(s, i);
		if (!ch)
			continue;
		live += ch->state == ENBD_CHANNEL_STATE_LIVE;
		if (ch->state == ENBD_CHANNEL_STATE_STANDBY && !standby)
			standby = ch;
	}
	if (!live && standby) {
		channel_set_state(standby, ENBD_CHANNEL_STATE_LIVE);
		s->ops->channel(s, standby, ENBD_EVENT_CHANNEL_UP);
		live = 1;
	}

	/* requests that find no route must find that they may be parked */
	if (!live && s->state == ENBD_DEVICE_STATE_UP) {
		spin_lock(&s->park_lock);
		WRITE_ONCE(s->state, ENBD_DEVICE_STATE_PARKED);
		spin_unlock(&s->park_lock);
		changed = true;
		if (s->dead_timeout)
			mod_delayed_work(enbd_session_wq, &s->dead_work,
					 msecs_to_jiffies(s->dead_timeout));
	}
	for (i = 0; i < s->nr_queues; i++)
		session_route(s, i);
	synchronize_srcu_expedited(&s->srcu);

	if (live && (s->state == ENBD_DEVICE_STATE_PARKED ||
		     s->state == ENBD_DEVICE_STATE_FAILED)) {
		cancel_delayed_work(&s->dead_work);
		enbd_session_unpark(s, ENBD_DEVICE_STATE_UP);
		changed = true;
	}
	if (changed)
		s->ops->state(s, reason);
}

/*
 * Take the requests back from a channel that is stopped, and give them to
 * others. A write that the server may still have in its hands is sent again
 * without asking: the place for a fence is here.
 */
static void session_retract(struct enbd_session *s, struct enbd_channel *ch)
{
	enum enbd_io_state was;
	unsigned int i;

	for (i = 0; i < s->led.nr; i++) {
		struct enbd_io *io = &s->led.io[i];

		if (!enbd_io_take(io, ch->index, &was))
			continue;
		trace_enbd_rq_retract(io, ch);
		ch->retracted++;
		enbd_session_submit(s, i / s->led.depth, io, false);
	}
	for (i = 0; i < s->nr_queues; i++)
		enbd_session_commit(s, i);
	/* nothing is pending on it any more */
	WRITE_ONCE(ch->answered, atomic64_read(&ch->requested));
}

/* Wait a moment for what is on its way on a channel no longer offered. */
static bool channel_drain(struct enbd_channel *ch)
{
	unsigned int ms;

	for (ms = 0; ms < ENBD_DRAIN_MS; ms++) {
		if (test_bit(ENBD_CHANNEL_DEAD, &ch->bits))
			return false;
		if (enbd_channel_done(ch))
			return true;
		usleep_range(900, 1100);
	}
	return false;
}

static bool channel_is_lost(const struct enbd_channel *ch)
{
	return test_bit(ENBD_CHANNEL_DEAD, &ch->bits) ||
	       test_bit(ENBD_CHANNEL_RETIRED, &ch->bits);
}

static void session_bury(struct enbd_session *s, struct enbd_channel *ch,
			 bool orderly)
{
	enbd_channel_stop(ch, orderly);
	session_retract(s, ch);
	s->ops->channel(s, ch, ENBD_EVENT_CHANNEL_LOST);
}

/* Look after channels whose socket is of no use any more. */
static void session_reap(struct enbd_session *s)
{
	DECLARE_BITMAP(reaped, ENBD_MAX_CHANNELS);
	const char *reason = NULL;
	struct enbd_channel *ch;
	unsigned int i;

	lockdep_assert_held(&s->lock);
	bitmap_zero(reaped, ENBD_MAX_CHANNELS);
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = session_channel(s, i);
		if (!ch || ch->state == ENBD_CHANNEL_STATE_LOST ||
		    !channel_is_lost(ch))
			continue;
		channel_set_state(ch, ENBD_CHANNEL_STATE_LOST);
		__set_bit(i, reaped);
		reason = ch->reason;
	}
	if (!reason)
		return;
	session_update(s, reason);
	/* requests of the dead do not wait for others to say goodbye */
	for_each_set_bit(i, reaped, ENBD_MAX_CHANNELS) {
		ch = session_channel(s, i);
		if (test_bit(ENBD_CHANNEL_DEAD, &ch->bits)) {
			session_bury(s, ch, false);
			__clear_bit(i, reaped);
		}
	}
	for_each_set_bit(i, reaped, ENBD_MAX_CHANNELS) {
		ch = session_channel(s, i);
		session_bury(s, ch, channel_drain(ch));
	}
}

static void session_lost_work(struct work_struct *work)
{
	struct enbd_session *s = container_of(work, struct enbd_session,
					      lost_work);
	unsigned int noio = session_lock(s);

	session_reap(s);
	session_unlock(s, noio);
}

static void session_dead_work(struct work_struct *work)
{
	struct enbd_session *s = container_of(to_delayed_work(work),
					      struct enbd_session, dead_work);
	unsigned int noio = session_lock(s);

	if (s->state == ENBD_DEVICE_STATE_PARKED) {
		enbd_session_unpark(s, ENBD_DEVICE_STATE_FAILED);
		s->ops->state(s, "dead timeout");
	}
	session_unlock(s, noio);
}

static void session_channel_lost(struct enbd_channel *ch)
{
	struct enbd_session *s = ch->session;

	queue_work(enbd_session_wq, &s->lost_work);
}

static const struct enbd_channel_ops session_channel_ops = {
	.lost = session_channel_lost,
};

/**
 * enbd_session_init() - make a session without channels
 * @s:      all zero
 * @disk:   name of the device, outlives the session
 * @queues: hardware queues, at least 1
 * @depth:  tags of each
 * @multi:  the server lets several channels work at once
 *          (NBD_FLAG_CAN_MULTI_CONN)
 * @dead_timeout: milliseconds without a channel until requests fail, 0 never
 * @ops:    see there
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int enbd_session_init(struct enbd_session *s, const char *disk,
		      unsigned int queues, unsigned int depth, bool multi,
		      u32 dead_timeout, const struct enbd_session_ops *ops)
{
	unsigned int i;
	int err;

	s->ops = ops;
	s->disk = disk;
	s->nr_queues = queues;
	s->multi = multi;
	s->dead_timeout = dead_timeout;
	s->state = ENBD_DEVICE_STATE_PARKED;
	mutex_init(&s->lock);
	spin_lock_init(&s->park_lock);
	INIT_LIST_HEAD(&s->parked);
	INIT_DELAYED_WORK(&s->dead_work, session_dead_work);
	INIT_WORK(&s->lost_work, session_lost_work);

	err = enbd_ledger_init(&s->led, queues, depth);
	if (err)
		return err;
	s->queue = kvcalloc(queues, sizeof(*s->queue), GFP_KERNEL);
	if (!s->queue) {
		err = -ENOMEM;
		goto err_ledger;
	}
	err = init_srcu_struct(&s->srcu);
	if (err)
		goto err_queue;
	for (i = 0; i < queues; i++)
		RCU_INIT_POINTER(s->queue[i].route, &s->queue[i].spare[0]);
	return 0;

err_queue:
	kvfree(s->queue);
err_ledger:
	enbd_ledger_free(&s->led);
	return err;
}

/**
 * enbd_session_free() - undo enbd_session_init()
 * @s: the session, after enbd_session_shutdown() if it ever had a channel
 */
void enbd_session_free(struct enbd_session *s)
{
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		struct enbd_channel *ch;

		ch = rcu_dereference_protected(s->channel[i], true);
		if (ch)
			enbd_channel_put(ch);
	}
	cleanup_srcu_struct(&s->srcu);
	kvfree(s->queue);
	enbd_ledger_free(&s->led);
}

/* Where does a new channel go? Returns the index or -EEXIST, -ENOSPC. */
static int session_place(struct enbd_session *s, int index,
			 struct netlink_ext_ack *extack)
{
	struct enbd_channel *ch;
	unsigned int i;

	if (index >= 0 && index < ENBD_MAX_CHANNELS) {
		ch = session_channel(s, index);
		if (!ch || ch->state == ENBD_CHANNEL_STATE_LOST)
			return index;
		NL_SET_ERR_MSG(extack, "this channel is connected");
		return -EEXIST;
	}
	for (i = 0; i < ENBD_MAX_CHANNELS && index < 0; i++) {
		ch = session_channel(s, i);
		if (!ch || ch->state == ENBD_CHANNEL_STATE_LOST)
			return i;
	}
	NL_SET_ERR_MSG(extack, "a device has no more than 64 channels");
	return -ENOSPC;
}

/* A channel takes the place of one that was lost: go on counting. */
static void channel_inherit(struct enbd_channel *ch,
			    const struct enbd_channel *old)
{
	u64 requested = atomic64_read(&old->requested);

	ch->incarnation = old->incarnation + 1;
	atomic64_set(&ch->requested, requested);
	ch->answered = requested;
	ch->dispatched = old->dispatched;
	ch->errored = old->errored;
	ch->retracted = old->retracted;
	ch->bytes_read = old->bytes_read;
	ch->bytes_written = old->bytes_written;
}

static int session_add(struct enbd_session *s, struct socket *sock, int index,
		       u32 format, struct netlink_ext_ack *extack)
{
	struct enbd_channel *ch, *old;
	unsigned int i;
	int err;

	if (s->closing) {
		NL_SET_ERR_MSG(extack, "the device is being removed");
		return -ENODEV;
	}
	index = session_place(s, index, extack);
	if (index < 0)
		return index;
	ch = enbd_channel_new(&s->led, index, format, s->disk,
			      &session_channel_ops, s);
	if (IS_ERR(ch))
		return PTR_ERR(ch);
	ch->hw_queue = index % s->nr_queues;
	ch->cpu = s->ops->cpu(s, ch->hw_queue, index / s->nr_queues);
	ch->incarnation = 1;
	old = session_channel(s, index);
	if (old)
		channel_inherit(ch, old);
	err = enbd_channel_open(ch, sock, extack);
	if (err) {
		enbd_channel_put(ch);
		return err;
	}

	ch->state = ENBD_CHANNEL_STATE_LIVE;
	for (i = 0; i < ENBD_MAX_CHANNELS && !s->multi; i++)
		if (channel_usable(session_channel(s, i)))
			ch->state = ENBD_CHANNEL_STATE_STANDBY;
	trace_enbd_channel_state(ch);
	rcu_assign_pointer(s->channel[index], ch);
	session_update(s, "channel added");
	if (old)
		enbd_channel_put(old);
	enbd_channel_start(ch);
	s->ops->channel(s, ch, ENBD_EVENT_CHANNEL_UP);
	return index;
}

/**
 * enbd_session_add() - add a channel
 * @s:      the session
 * @fd:     file descriptor of the caller: a connected socket at the start of
 *          the transmission phase
 * @index:  where, or -1 for the first place that is free or whose channel was
 *          lost
 * @format: enum enbd_reply_format settled on this connection
 * @extack: told why not
 *
 * Context: process. Return: the index, or -ENODEV if the device is being
 * removed, -EEXIST if the place is taken, -ENOSPC, -ENOMEM, -EBUSY if the kernel
 * uses the socket already, or what enbd_sock_get() says.
 */
int enbd_session_add(struct enbd_session *s, int fd, int index, u32 format,
		     struct netlink_ext_ack *extack)
{
	struct socket *sock = enbd_sock_get(fd, extack);
	unsigned int noio;
	int ret;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	noio = session_lock(s);
	ret = session_add(s, sock, index, format, extack);
	session_unlock(s, noio);
	if (ret < 0)
		enbd_sock_put(sock);
	return ret;
}

/**
 * enbd_session_del() - remove a channel
 * @s:      the session
 * @index:  which
 * @extack: told why not
 *
 * What it does not answer in a moment is given to the others.
 *
 * Context: process. Return: 0 or -ENODEV.
 */
int enbd_session_del(struct enbd_session *s, unsigned int index,
		     struct netlink_ext_ack *extack)
{
	struct enbd_channel *ch = NULL;
	unsigned int noio;

	noio = session_lock(s);
	if (index < ENBD_MAX_CHANNELS)
		ch = session_channel(s, index);
	if (!ch) {
		session_unlock(s, noio);
		NL_SET_ERR_MSG(extack, "no such channel");
		return -ENODEV;
	}
	if (ch->state != ENBD_CHANNEL_STATE_LOST) {
		channel_set_state(ch, ENBD_CHANNEL_STATE_LOST);
		session_update(s, "channel removed");
		enbd_channel_stop(ch, channel_drain(ch));
		session_retract(s, ch);
	}
	rcu_assign_pointer(s->channel[index], NULL);
	synchronize_srcu_expedited(&s->srcu);
	s->ops->channel(s, ch, ENBD_EVENT_CHANNEL_DEL);
	enbd_channel_put(ch);
	session_unlock(s, noio);
	return 0;
}

/**
 * enbd_session_close() - from now on nothing waits for a channel
 * @s: the session
 *
 * Requests that find no channel fail, those that wait for one fail now. The
 * channels go on working. Context: process.
 */
void enbd_session_close(struct enbd_session *s)
{
	unsigned int noio = session_lock(s);

	spin_lock(&s->park_lock);
	s->closing = true;
	spin_unlock(&s->park_lock);
	if (s->state != ENBD_DEVICE_STATE_UP)
		enbd_session_unpark(s, s->state);
	session_unlock(s, noio);
}

/**
 * enbd_session_fail() - give up all channels and fail all requests
 * @s: the session
 *
 * Context: process; does not wait for any peer.
 */
void enbd_session_fail(struct enbd_session *s)
{
	struct enbd_channel *ch;
	unsigned int noio;
	unsigned int i;

	noio = session_lock(s);
	spin_lock(&s->park_lock);
	s->closing = true;
	spin_unlock(&s->park_lock);
	enbd_session_unpark(s, ENBD_DEVICE_STATE_DELETING);
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = session_channel(s, i);
		if (ch)
			enbd_channel_lose(ch, "device removed by force");
	}
	session_reap(s);
	session_unlock(s, noio);
}

/**
 * enbd_session_shutdown() - stop all channels; no requests exist any more
 * @s:       the session
 * @orderly: say goodbye to the server
 *
 * Context: process. Nothing of the session runs when it returns.
 */
void enbd_session_shutdown(struct enbd_session *s, bool orderly)
{
	struct enbd_channel *ch;
	unsigned int noio;
	unsigned int i;

	noio = session_lock(s);
	s->closing = true;
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = session_channel(s, i);
		if (!ch)
			continue;
		enbd_channel_stop(ch, orderly && !channel_is_lost(ch));
		channel_set_state(ch, ENBD_CHANNEL_STATE_LOST);
	}
	session_unlock(s, noio);
	cancel_work_sync(&s->lost_work);
	cancel_delayed_work_sync(&s->dead_work);
}

/**
 * enbd_session_flush() - wait until all sockets are closed
 * @s: the session, shut down
 *
 * Context: process, not in a netlink request.
 */
void enbd_session_flush(struct enbd_session *s)
{
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		struct enbd_channel *ch;

		/* nobody changes them after the shutdown */
		ch = rcu_dereference_protected(s->channel[i], true);
		if (ch)
			enbd_channel_flush(ch);
	}
}

/**
 * enbd_session_set_dead_timeout() - change it, also while it is running
 * @s:  the session
 * @ms: milliseconds without a channel until requests fail, 0 never
 */
void enbd_session_set_dead_timeout(struct enbd_session *s, u32 ms)
{
	unsigned int noio = session_lock(s);

	s->dead_timeout = ms;
	if (s->state == ENBD_DEVICE_STATE_PARKED) {
		if (ms)
			mod_delayed_work(enbd_session_wq, &s->dead_work,
					 msecs_to_jiffies(ms));
		else
			cancel_delayed_work(&s->dead_work);
	}
	session_unlock(s, noio);
}
