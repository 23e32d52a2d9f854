/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A session: the channels of one device to one server. It chooses a channel
 * for each request, takes requests back from channels that are lost, keeps
 * them while there is no channel, and so decides what state the device is in.
 *
 * Lock order, outermost first:
 *
 *	session->lock		mutex: channels come and go, the state
 *	  session->srcu		submitters, around choosing and queueing
 *	    channel->tx_lock	mutex: sender
 *	      socket's lock
 *	  session->park_lock	spinlock: the parked list against the state
 */
#ifndef ENBD_SESSION_H
#define ENBD_SESSION_H

#include <linux/srcu.h>

#include "channel.h"

struct enbd_session;

/**
 * struct enbd_session_ops - what a session tells its device
 * @state:   the state of the device changed
 * @channel: something happened to a channel
 * @cpu:     the @nth CPU, modulo their number, that submits to a hardware queue
 *
 * All are called under session->lock and must not wait for I/O.
 */
struct enbd_session_ops {
	void (*state)(struct enbd_session *s, const char *reason);
	void (*channel)(struct enbd_session *s, struct enbd_channel *ch,
			enum enbd_event event);
	int (*cpu)(struct enbd_session *s, unsigned int queue,
		   unsigned int nth);
};

/**
 * struct enbd_route - the channels that a hardware queue may use
 * @nr: how many, 0 if there is no live channel at all
 * @ch: the queue's own channels, or all when it has none
 */
struct enbd_route {
	unsigned int nr;
	struct enbd_channel *ch[ENBD_MAX_CHANNELS];
};

/**
 * struct enbd_squeue - a hardware queue as the session sees it
 * @route: replaced under session->lock, read under srcu
 * @spare: @route is one of them, the other is nobody's: losing a channel must
 *         not need memory
 * @turn:  place in @route that requests go to until the batch ends; a hint
 * @dirty: bit set of channels, by index, with requests that nobody has kicked
 */
struct enbd_squeue {
	struct enbd_route __rcu *route;
	struct enbd_route spare[2];
	unsigned int turn;
	atomic64_t dirty;
};

/**
 * struct enbd_session - see above
 *
 * Memory reclaim may wait for a channel to be replaced, which needs @lock: who
 * holds it allocates without I/O, see session_lock().
 *
 * @led:     all requests
 * @ops:     constant
 * @disk:    the device's name; constant
 * @lock:    see above
 * @srcu:    readers: whoever uses a channel that a route gave it
 * @channel: by index; under @lock for writing, @srcu for reading
 * @queue:   one for each hardware queue
 * @nr_queues: constant
 * @multi:   the server lets several channels work at once; constant
 * @park_lock: owns @parked, @nr_parked, and changes of @state
 * @parked:  requests without a channel, oldest first
 * @state:   enum enbd_device_state
 * @closing: no request waits for a channel any more, it fails
 * @dead_timeout: milliseconds without a channel until requests fail, 0 never
 * @dead_work: fires when that time is over
 * @lost_work: looks after channels that were lost
 */
struct enbd_session {
	struct enbd_ledger led;
	const struct enbd_session_ops *ops;
	const char *disk;
	struct mutex lock;	/* see above */
	struct srcu_struct srcu;
	struct enbd_channel __rcu *channel[ENBD_MAX_CHANNELS];
	struct enbd_squeue *queue;
	unsigned int nr_queues;
	bool multi;

	spinlock_t park_lock;	/* see above */
	struct list_head parked;
	u32 nr_parked;
	u32 state;
	bool closing;

	u32 dead_timeout;
	struct delayed_work dead_work;
	struct work_struct lost_work;
};

int enbd_session_global_init(void);
void enbd_session_global_exit(void);

int enbd_session_init(struct enbd_session *s, const char *disk,
		      unsigned int queues, unsigned int depth, bool multi,
		      u32 dead_timeout, const struct enbd_session_ops *ops);
void enbd_session_free(struct enbd_session *s);

int enbd_session_add(struct enbd_session *s, int fd, int index, u32 format,
		     struct netlink_ext_ack *extack);
int enbd_session_del(struct enbd_session *s, unsigned int index,
		     struct netlink_ext_ack *extack);
void enbd_session_close(struct enbd_session *s);
void enbd_session_fail(struct enbd_session *s);
void enbd_session_shutdown(struct enbd_session *s, bool orderly);
void enbd_session_flush(struct enbd_session *s);
void enbd_session_set_dead_timeout(struct enbd_session *s, u32 ms);

bool enbd_session_park(struct enbd_session *s, struct enbd_io *io);
void enbd_session_unpark(struct enbd_session *s, u32 state);
void enbd_session_submit(struct enbd_session *s, unsigned int queue,
			 struct enbd_io *io, bool last);
void enbd_session_commit(struct enbd_session *s, unsigned int queue);
unsigned long enbd_session_timeout(struct enbd_session *s, struct enbd_io *io,
				   unsigned int ms);

#endif /* ENBD_SESSION_H */
