/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A session: the channels of one device to one server. It chooses a channel
 * for each request, takes requests back from channels that are lost, fences
 * those, keeps requests while there is no channel, and so decides what state
 * the device is in.
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
#include "identity.h"

struct enbd_session;

/**
 * struct enbd_session_ops - what a session tells its device
 * @state:   the state of the device changed
 * @channel: something happened to a channel
 * @place:   something happened to what a lost channel has left; whether writes
 *           had been held for it
 * @size:    the server says that the export has so many bytes
 * @cpu:     the @nth CPU, modulo their number, that submits to a hardware queue
 *
 * All are called under session->lock and must not wait for I/O.
 */
struct enbd_session_ops {
	void (*state)(struct enbd_session *s, const char *reason);
	void (*channel)(struct enbd_session *s, struct enbd_channel *ch,
			enum enbd_event event);
	void (*place)(struct enbd_session *s, unsigned int index,
		      enum enbd_event event, bool held);
	void (*size)(struct enbd_session *s, u64 size);
	int (*cpu)(struct enbd_session *s, unsigned int queue,
		   unsigned int nth);
};

/**
 * struct enbd_route - the channels that a hardware queue may use
 * @nr:  how many, 0 if there is no live channel at all
 * @own: so many of them come first and are preferred: the queue's own, or all
 *       when it has none
 * @ch:  the channels
 */
struct enbd_route {
	unsigned int nr;
	unsigned int own;
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
 * struct enbd_place - where a channel may be, and what those before have left
 * @incarnation: the last one that was given away
 * @reserved: it has not come yet
 * @fence:    up to this incarnation the place must be fenced, 0 if nothing is
 *            to be
 * @via:      channel on which that was asked, or ENBD_IO_NO_CHANNEL
 * @left:     the end of @leaving will be the fence
 * @leaving:  a channel whose connection is to be ended by the server
 * @held:     writes that wait for the fence (enbd_io.node)
 * @lost_at:  when the last channel was lost
 * @stall:    microseconds from then until its requests were given to others
 *
 * All under session->lock; @fence and @stall may be read without.
 */
struct enbd_place {
	u32 incarnation;
	bool reserved;
	u32 fence;
	u8 via;
	bool left;
	struct enbd_channel *leaving;
	struct list_head held;
	ktime_t lost_at;
	u32 stall;
};

/**
 * struct enbd_channel_config - what a channel is made from
 * @fd:     file descriptor of the caller: a connected socket at the start of
 *          the transmission phase
 * @index:  where, or -1 for the first place that is free or whose channel was
 *          lost
 * @format: enum enbd_reply_format settled on this connection
 * @incarnation: as reserved and told to the server, 0 for none; once there is a
 *          channel, which one it is
 * @features: ENBD_FEATURE_* granted on this connection
 * @signature: ENBD_SIGNATURE_LEN bytes that the server showed, or NULL
 * @verifier: ENBD_VERIFIER_LEN bytes that the server showed, or NULL
 */
struct enbd_channel_config {
	int fd;
	int index;
	u32 format;
	u32 incarnation;
	u32 features;
	const u8 *signature;
	const u8 *verifier;
};

/**
 * struct enbd_session_config - what a session is made from
 * @queues: hardware queues, at least 1
 * @depth:  tags of each
 * @multi:  the server lets several channels work at once
 *          (NBD_FLAG_CAN_MULTI_CONN)
 * @id:     its identity on the server
 * @replay: enum enbd_replay
 * @io_timeout: milliseconds a command may take, 0 for ever
 * @dead_timeout: milliseconds without a channel until requests fail, 0 never
 * @keepalive: milliseconds of silence until a channel is lost, 0 never
 * @size:   bytes of the export
 * @signature: ENBD_SIGNATURE_LEN bytes that the server must show, or NULL
 */
struct enbd_session_config {
	unsigned int queues;
	unsigned int depth;
	bool multi;
	u8 id[ENBD_SESSION_ID_LEN];
	u32 replay;
	u32 io_timeout;
	u32 dead_timeout;
	u32 keepalive;
	u64 size;
	const u8 *signature;
};

/**
 * struct enbd_session - see above
 *
 * Memory reclaim may wait for a channel to be replaced, which needs @lock: who
 * holds it does without memory if there is none, and sockets allocate without I/O,
 * see enbd_session_lock(). What cannot be done without is there before.
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
 * @id:      identity on the server; constant
 * @features: ENBD_FEATURE_* of all channels; constant after the first
 * @identity: whom it belongs to; under @lock
 * @size:    bytes of the export; under @lock
 * @place:   by index
 * @nr_held: writes that wait for a fence; under @lock
 * @replay:  enum enbd_replay; under @lock
 * @io_timeout: milliseconds; under @lock
 * @keepalive: milliseconds; under @lock
 * @park_lock: owns @parked, @nr_parked, and changes of @state
 * @parked:  requests without a channel, oldest first
 * @state:   enum enbd_device_state
 * @closing: no request waits for a channel any more, it fails
 * @dead_timeout: milliseconds without a channel until requests fail, 0 never
 * @parked_at: when that time began, in jiffies; under @lock
 * @dead_work: fires when it is over
 * @tend_work: looks after channels that want attention
 * @watch_work: sees whether the peers live
 * @stopped: neither runs again; under @lock
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
	u8 id[ENBD_SESSION_ID_LEN];
	u32 features;
	struct enbd_identity identity;
	u64 size;

	struct enbd_place place[ENBD_MAX_CHANNELS];
	u32 nr_held;
	u32 replay;
	u32 io_timeout;
	u32 keepalive;

	spinlock_t park_lock;	/* see above */
	struct list_head parked;
	u32 nr_parked;
	u32 state;
	bool closing;

	u32 dead_timeout;
	unsigned long parked_at;
	struct delayed_work dead_work;
	struct work_struct tend_work;
	struct delayed_work watch_work;
	bool stopped;
};

/* The channel at a place, under session->lock; NULL if there never was one. */
static inline struct enbd_channel *enbd_session_channel(struct enbd_session *s,
							unsigned int index)
{
	return rcu_dereference_protected(s->channel[index],
					 lockdep_is_held(&s->lock));
}

int enbd_session_global_init(void);
void enbd_session_global_exit(void);

int enbd_session_init(struct enbd_session *s, const char *disk,
		      const struct enbd_session_config *cfg,
		      const struct enbd_session_ops *ops);
void enbd_session_free(struct enbd_session *s);

/* admit.c */
int enbd_session_reserve(struct enbd_session *s, int index, u32 *incarnation,
			 struct netlink_ext_ack *extack);
int enbd_session_add(struct enbd_session *s, struct enbd_channel_config *cfg,
		     struct netlink_ext_ack *extack);

int enbd_session_del(struct enbd_session *s, unsigned int index,
		     u32 incarnation, struct netlink_ext_ack *extack);
void enbd_session_close(struct enbd_session *s);
void enbd_session_fail(struct enbd_session *s);
void enbd_session_shutdown(struct enbd_session *s, bool orderly);
void enbd_session_flush(struct enbd_session *s);
int enbd_session_resize(struct enbd_session *s, u64 size);
void enbd_session_set_io_timeout(struct enbd_session *s, u32 ms);
void enbd_session_set_dead_timeout(struct enbd_session *s, u32 ms);
void enbd_session_give_up(struct enbd_session *s);
void enbd_session_set_keepalive(struct enbd_session *s, u32 ms);
void enbd_session_set_replay(struct enbd_session *s, u32 replay);

/* stale.c */
int enbd_session_accept(struct enbd_session *s, struct netlink_ext_ack *extack);
bool enbd_session_lost(struct enbd_session *s, u64 *pos, u64 *offset,
		       u64 *length);
void enbd_stale_look(struct enbd_session *s, const struct enbd_channel *ch,
		     const struct enbd_shown *shown);

/* dispatch.c */
bool enbd_session_park(struct enbd_session *s, struct enbd_io *io);
void enbd_session_unpark(struct enbd_session *s, u32 state);
void enbd_session_submit(struct enbd_session *s, unsigned int queue,
			 struct enbd_io *io, bool last);
void enbd_session_commit(struct enbd_session *s, unsigned int queue);
unsigned long enbd_session_timeout(struct enbd_session *s, struct enbd_io *io,
				   unsigned int ms);

/* Between session.c, admit.c and stale.c; tend.c, under session->lock */
extern struct workqueue_struct *enbd_session_wq;

unsigned int enbd_session_lock(struct enbd_session *s);
void enbd_session_unlock(struct enbd_session *s, unsigned int noio);

bool enbd_session_live(struct enbd_session *s);
void enbd_session_arm(struct enbd_session *s);
void enbd_session_mark(struct enbd_channel *ch, u32 state);
void enbd_session_update(struct enbd_session *s, const char *reason);
void enbd_session_drain(struct enbd_session *s, struct enbd_channel *ch);
enum enbd_stop enbd_session_how(struct enbd_session *s,
				struct enbd_channel *ch);
void enbd_session_bury(struct enbd_session *s, struct enbd_channel *ch,
		       enum enbd_stop how);
void enbd_session_reap(struct enbd_session *s);
void enbd_session_tend(struct enbd_session *s);
void enbd_session_watch(struct enbd_session *s);
void enbd_session_tend_work(struct work_struct *work);
void enbd_session_watch_work(struct work_struct *work);
void enbd_session_dead_work(struct work_struct *work);

/* fence.c, under session->lock */
void enbd_fence_retract(struct enbd_session *s, struct enbd_channel *ch);
bool enbd_fence_reclaim(struct enbd_place *p);
void enbd_fence_answered(struct enbd_session *s, unsigned int index,
			 u32 incarnation);
void enbd_fence_orphan(struct enbd_session *s, unsigned int index);
void enbd_fence_tend(struct enbd_session *s);
bool enbd_fence_pending(const struct enbd_session *s);
void enbd_fence_fail(struct enbd_session *s);

/* pulse.c, under session->lock */
void enbd_pulse_look(struct enbd_session *s);
unsigned long enbd_pulse_interval(const struct enbd_session *s);

#endif /* ENBD_SESSION_H */
