// SPDX-License-Identifier: GPL-2.0
/*
 * How a connection becomes a channel: its place, its incarnation, and whether
 * it is to the device's own server.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "session.h"

#include "compat.h"
#include "failover.h"
#include "trace.h"

static void session_attend(struct enbd_channel *ch)
{
	struct enbd_session *s = ch->session;

	queue_work(enbd_session_wq, &s->tend_work);
}

static const struct enbd_channel_ops session_channel_ops = {
	.attend = session_attend,
};

/* Where does a new channel go? The index or -ENODEV, -EEXIST, -ENOSPC. */
static int session_place(struct enbd_session *s, int index,
			 struct netlink_ext_ack *extack)
{
	struct enbd_channel *ch;
	unsigned int i;

	if (s->closing) {
		NL_SET_ERR_MSG(extack, "the device is being removed");
		return -ENODEV;
	}
	if (index >= 0 && index < ENBD_MAX_CHANNELS) {
		ch = enbd_session_channel(s, index);
		if (!ch || ch->state == ENBD_CHANNEL_STATE_LOST)
			return index;
		NL_SET_ERR_MSG(extack, "this channel is connected");
		return -EEXIST;
	}
	for (i = 0; i < ENBD_MAX_CHANNELS && index < 0; i++) {
		ch = enbd_session_channel(s, i);
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

	atomic64_set(&ch->requested, requested);
	ch->answered = requested;
	ch->dispatched = old->dispatched;
	ch->errored = old->errored;
	ch->retracted = old->retracted;
	ch->bytes_read = old->bytes_read;
	ch->bytes_written = old->bytes_written;
}

/**
 * enbd_session_reserve() - name the place and incarnation of a connection
 * @s:      the session
 * @index:  where, or -1 for the first place that is free or whose channel was
 *          lost
 * @incarnation: set to a number that this place has never had
 * @extack: told why not
 *
 * Context: process. Return: the index, or -ENODEV if the device is being
 * removed, -EEXIST if the place is taken, -ENOSPC.
 */
int enbd_session_reserve(struct enbd_session *s, int index, u32 *incarnation,
			 struct netlink_ext_ack *extack)
{
	unsigned int noio = enbd_session_lock(s);

	index = session_place(s, index, extack);
	if (index >= 0) {
		*incarnation = ++s->place[index].incarnation;
		s->place[index].reserved = true;
	}
	enbd_session_unlock(s, noio);
	return index;
}

/*
 * Is the connection the one that its place was reserved for? Returns its
 * incarnation in @incarnation, or -ESTALE.
 */
static int session_incarnation(struct enbd_session *s, unsigned int index,
			       const struct enbd_channel_config *cfg,
			       u32 *incarnation, struct netlink_ext_ack *extack)
{
	struct enbd_place *p = &s->place[index];

	if (!cfg->incarnation && !s->features) {
		*incarnation = ++p->incarnation;
		p->reserved = false;
		return 0;
	}
	if (!p->reserved || cfg->incarnation != p->incarnation) {
		NL_SET_ERR_MSG(extack,
			       "another connection was prepared for this place since, reserve it again");
		return -ESTALE;
	}
	*incarnation = p->incarnation;
	return 0;
}

/*
 * Is it the device's server? Returns 0 or -EKEYREJECTED, -EINVAL. What differs
 * is said to whoever asked and to the log; the values are not.
 */
static int session_identity(struct enbd_session *s,
			    const struct enbd_shown *shown,
			    struct netlink_ext_ack *extack)
{
	enum enbd_identity_fault fault;
	const char *text;

	fault = enbd_identity_check(&s->identity, shown);
	if (fault == ENBD_IDENTITY_OK)
		return 0;
	text = enbd_identity_text(fault);
	if (extack)
		extack->_msg = text;
	pr_warn_ratelimited("%s: a connection was refused: %s\n", s->disk,
			    text);
	return enbd_identity_errno(fault);
}

/*
 * The first channel says whether there is to be a journal. Nobody sees the device
 * then, so no memory is waited for that needs the session's lock.
 */
static int session_journal(struct enbd_session *s, u32 features)
{
	if (!(features & ENBD_FEATURE_VERIFIER) || s->led.journal)
		return 0;
	s->led.journal = enbd_journal_new(s->size);
	return s->led.journal ? 0 : -ENOMEM;
}

static int session_add(struct enbd_session *s, struct enbd_channel *ch,
		       struct socket *sock, struct enbd_channel_config *cfg,
		       struct netlink_ext_ack *extack)
{
	struct enbd_shown shown = {
		.features = cfg->features,
		.signature = cfg->signature,
		.verifier = cfg->verifier,
	};
	struct enbd_channel *old;
	u32 incarnation;
	int err, index;
	bool splice;

	index = session_place(s, cfg->index, extack);
	if (index < 0)
		return index;
	err = session_identity(s, &shown, extack);
	if (!err)
		err = session_incarnation(s, index, cfg, &incarnation, extack);
	if (err)
		return err;
	ch->index = index;
	ch->hw_queue = index % s->nr_queues;
	ch->cpu = s->ops->cpu(s, ch->hw_queue, index / s->nr_queues);
	ch->incarnation = incarnation;
	old = enbd_session_channel(s, index);
	if (old)
		channel_inherit(ch, old);
	/*
	 * Packets in a network card outlive their connection. They must find
	 * their pages as they were until the server has fenced it.
	 */
	splice = enbd_failover_fencing(cfg->features, s->replay) ==
		 ENBD_FENCING_SERVER;
	err = session_journal(s, cfg->features);
	if (!err)
		err = enbd_channel_open(ch, sock, splice, extack);
	if (err)
		return err;

	cfg->incarnation = incarnation;
	enbd_stale_look(s, ch, &shown);
	enbd_identity_adopt(&s->identity, &shown);
	s->features = s->identity.features;

	s->place[index].reserved = false;
	ch->state = enbd_failover_admit(s->multi, enbd_session_live(s),
					enbd_fence_pending(s));
	trace_enbd_channel_state(ch);
	rcu_assign_pointer(s->channel[index], ch);
	enbd_session_update(s, "channel added");
	if (old)
		enbd_channel_put(old);
	enbd_channel_start(ch);
	if (ch->state == ENBD_CHANNEL_STATE_FENCING)
		enbd_session_tend(s);
	else
		s->ops->channel(s, ch, ENBD_EVENT_CHANNEL_UP);
	enbd_session_watch(s);
	return index;
}

/**
 * enbd_session_add() - add a channel
 * @s:      the session
 * @cfg:    see there; its incarnation is set
 * @extack: told why not
 *
 * Context: process. Return: the index, or -ENODEV if the device is being
 * removed, -EEXIST if the place is taken, -ENOSPC, -ENOMEM, -EINVAL if the
 * server is not like the device's, -EKEYREJECTED if it is another one, -ESTALE
 * if it was not the last to reserve the place, -EBUSY if the kernel uses the
 * socket already, or what enbd_sock_get() says.
 */
int enbd_session_add(struct enbd_session *s, struct enbd_channel_config *cfg,
		     struct netlink_ext_ack *extack)
{
	struct socket *sock = enbd_sock_get(cfg->fd, extack);
	struct enbd_channel *ch;
	unsigned int noio;
	int ret;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	/* reclaim may wait for this channel; and others must not wait for us */
	noio = memalloc_noio_save();
	ch = enbd_channel_new(&s->led, cfg->format, s->disk,
			      &session_channel_ops, s);
	memalloc_noio_restore(noio);
	if (IS_ERR(ch)) {
		ret = PTR_ERR(ch);
		goto err_sock;
	}
	noio = enbd_session_lock(s);
	ret = session_add(s, ch, sock, cfg, extack);
	enbd_session_unlock(s, noio);
	if (ret >= 0)
		return ret;
	enbd_channel_put(ch);
err_sock:
	enbd_sock_put(sock);
	return ret;
}
