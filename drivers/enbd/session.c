// SPDX-License-Identifier: GPL-2.0
/*
 * Channels come and go, and with them the state of the device.
 */
#include "session.h"

#include <linux/slab.h>

#include "compat.h"
#include "failover.h"
#include "state.h"
#include "trace.h"

/*
 * Losing channels must work while reclaim waits for them. Unbound: it waits
 * for the per-CPU work of channels.
 */
struct workqueue_struct *enbd_session_wq;

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

/* Returns what enbd_session_unlock() wants. */
unsigned int enbd_session_lock(struct enbd_session *s)
{
	unsigned int noio = memalloc_noio_save();

	mutex_lock(&s->lock);
	return noio;
}

void enbd_session_unlock(struct enbd_session *s, unsigned int noio)
{
	mutex_unlock(&s->lock);
	memalloc_noio_restore(noio);
}

/**
 * enbd_session_init() - make a session without channels
 * @s:      all zero
 * @disk:   name of the device, outlives the session
 * @cfg:    see there
 * @ops:    see there
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int enbd_session_init(struct enbd_session *s, const char *disk,
		      const struct enbd_session_config *cfg,
		      const struct enbd_session_ops *ops)
{
	unsigned int i;
	int err;

	s->ops = ops;
	s->disk = disk;
	s->nr_queues = cfg->queues;
	s->multi = cfg->multi;
	memcpy(s->id, cfg->id, sizeof(s->id));
	s->replay = cfg->replay;
	s->io_timeout = cfg->io_timeout;
	s->dead_timeout = cfg->dead_timeout;
	s->keepalive = cfg->keepalive;
	s->size = cfg->size;
	if (cfg->signature)
		enbd_identity_pin(&s->identity, cfg->signature);
	s->state = ENBD_DEVICE_STATE_PARKED;
	mutex_init(&s->lock);
	spin_lock_init(&s->park_lock);
	INIT_LIST_HEAD(&s->parked);
	INIT_DELAYED_WORK(&s->dead_work, enbd_session_dead_work);
	INIT_WORK(&s->tend_work, enbd_session_tend_work);
	INIT_DELAYED_WORK(&s->watch_work, enbd_session_watch_work);
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		s->place[i].via = ENBD_IO_NO_CHANNEL;
		INIT_LIST_HEAD(&s->place[i].held);
	}

	err = enbd_ledger_init(&s->led, cfg->queues, cfg->depth);
	if (err)
		return err;
	s->queue = kvcalloc(cfg->queues, sizeof(*s->queue), GFP_KERNEL);
	if (!s->queue) {
		err = -ENOMEM;
		goto err_ledger;
	}
	err = init_srcu_struct(&s->srcu);
	if (err)
		goto err_queue;
	for (i = 0; i < cfg->queues; i++)
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
		if (s->place[i].leaving)
			enbd_channel_put(s->place[i].leaving);
	}
	cleanup_srcu_struct(&s->srcu);
	kvfree(s->queue);
	enbd_journal_free(s->led.journal);
	enbd_ledger_free(&s->led);
	memzero_explicit(&s->identity, sizeof(s->identity));
}

/**
 * enbd_session_del() - remove a channel
 * @s:      the session
 * @index:  which
 * @incarnation: only if it is this one; 0 for whichever is there, and for a
 *          connection that is being made for the place
 * @extack: told why not
 *
 * What it does not answer in a moment is given to the others.
 *
 * Context: process. Return: 0 or -ENODEV.
 */
int enbd_session_del(struct enbd_session *s, unsigned int index,
		     u32 incarnation, struct netlink_ext_ack *extack)
{
	struct enbd_channel *ch = NULL;
	unsigned int noio;

	noio = enbd_session_lock(s);
	if (index < ENBD_MAX_CHANNELS) {
		ch = enbd_session_channel(s, index);
		/* a connection that is being made for it comes too late */
		if (!incarnation)
			s->place[index].reserved = false;
	}
	if (!ch || (incarnation && ch->incarnation != incarnation)) {
		enbd_session_unlock(s, noio);
		NL_SET_ERR_MSG(extack, "no such channel");
		return -ENODEV;
	}
	if (ch->state != ENBD_CHANNEL_STATE_LOST) {
		enbd_session_mark(ch, ENBD_CHANNEL_STATE_LOST);
		enbd_session_update(s, "channel removed");
		enbd_session_drain(s, ch);
		enbd_session_tend(s);
	}
	rcu_assign_pointer(s->channel[index], NULL);
	synchronize_srcu_expedited(&s->srcu);
	s->ops->channel(s, ch, ENBD_EVENT_CHANNEL_DEL);
	enbd_channel_put(ch);
	enbd_session_unlock(s, noio);
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
	unsigned int noio = enbd_session_lock(s);

	spin_lock(&s->park_lock);
	s->closing = true;
	spin_unlock(&s->park_lock);
	if (enbd_state_abandons(s->state, s->closing)) {
		enbd_session_unpark(s, s->state);
		enbd_fence_fail(s);
	}
	enbd_session_unlock(s, noio);
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

	noio = enbd_session_lock(s);
	spin_lock(&s->park_lock);
	s->closing = true;
	spin_unlock(&s->park_lock);
	enbd_session_unpark(s, enbd_state_next(s->state, ENBD_ON_FORCE));
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = enbd_session_channel(s, i);
		if (ch)
			enbd_channel_lose(ch, "device removed by force");
	}
	enbd_session_reap(s);
	enbd_fence_fail(s);
	enbd_session_unlock(s, noio);
}

/**
 * enbd_session_shutdown() - stop all channels; no requests exist any more
 * @s:       the session
 * @orderly: say goodbye to the server
 *
 * Context: process. Afterwards only the ends of connections are attended to.
 */
void enbd_session_shutdown(struct enbd_session *s, bool orderly)
{
	struct enbd_channel *ch;
	unsigned int noio;
	unsigned int i;

	noio = enbd_session_lock(s);
	s->closing = true;
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = enbd_session_channel(s, i);
		if (!ch)
			continue;
		enbd_channel_stop(ch, orderly && !enbd_channel_gone(ch) ?
				  ENBD_STOP_DISC : ENBD_STOP_ABORT);
		enbd_session_mark(ch, ENBD_CHANNEL_STATE_LOST);
	}
	s->stopped = true;
	enbd_session_unlock(s, noio);
	cancel_delayed_work_sync(&s->watch_work);
	cancel_work_sync(&s->tend_work);
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
	struct enbd_channel *ch[2];
	unsigned int i, k, noio;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		noio = enbd_session_lock(s);
		ch[0] = enbd_session_channel(s, i);
		ch[1] = s->place[i].leaving;
		for (k = 0; k < ARRAY_SIZE(ch); k++)
			if (ch[k])
				enbd_channel_get(ch[k]);
		enbd_session_unlock(s, noio);
		for (k = 0; k < ARRAY_SIZE(ch); k++) {
			if (!ch[k])
				continue;
			enbd_channel_flush(ch[k]);
			enbd_channel_put(ch[k]);
		}
	}
	/* ends of connections have called for attention until now */
	cancel_work_sync(&s->tend_work);
}

/**
 * enbd_session_set_dead_timeout() - change it, also while it is running
 * @s:  the session
 * @ms: milliseconds without a channel until requests fail, 0 never
 */
void enbd_session_set_dead_timeout(struct enbd_session *s, u32 ms)
{
	unsigned int noio = enbd_session_lock(s);

	s->dead_timeout = ms;
	if (s->state == ENBD_DEVICE_STATE_PARKED) {
		cancel_delayed_work(&s->dead_work);
		enbd_session_arm(s);
	}
	enbd_session_unlock(s, noio);
}

/**
 * enbd_session_resize() - the export has another size
 * @s:    the session
 * @size: bytes; before requests to a new part are possible
 *
 * Context: process, one call at a time. Return: 0 or -ENOMEM, then nothing has
 * changed.
 */
int enbd_session_resize(struct enbd_session *s, u64 size)
{
	struct enbd_journal *j = s->led.journal;
	unsigned int noio = memalloc_noio_save();
	int err = 0;

	if (j)
		err = enbd_journal_prepare(j, size);
	memalloc_noio_restore(noio);
	if (err)
		return err;
	noio = enbd_session_lock(s);
	if (j)
		enbd_journal_resize(j, size);
	s->size = size;
	enbd_session_unlock(s, noio);
	return 0;
}

/* Change how long a command of our own may take, milliseconds, 0 for ever. */
void enbd_session_set_io_timeout(struct enbd_session *s, u32 ms)
{
	unsigned int noio = enbd_session_lock(s);

	s->io_timeout = ms;
	enbd_session_unlock(s, noio);
}

/* Change after how much silence a channel is lost, milliseconds, 0 never. */
void enbd_session_set_keepalive(struct enbd_session *s, u32 ms)
{
	unsigned int noio = enbd_session_lock(s);

	s->keepalive = ms;
	enbd_session_watch(s);
	enbd_session_unlock(s, noio);
}

/*
 * Change the policy, enum enbd_replay, also for writes that wait now. Packets
 * that refer to pages are for channels that will be fenced, see admit.c.
 */
void enbd_session_set_replay(struct enbd_session *s, u32 replay)
{
	unsigned int noio = enbd_session_lock(s);
	bool copy = enbd_failover_fencing(s->features, replay) !=
		    ENBD_FENCING_SERVER;
	struct enbd_channel *ch;
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS && copy; i++) {
		ch = enbd_session_channel(s, i);
		if (ch && ch->state != ENBD_CHANNEL_STATE_LOST)
			enbd_channel_copy(ch);
	}
	s->replay = replay;
	enbd_session_tend(s);
	enbd_session_unlock(s, noio);
}
