// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink family's handlers: attributes to calls and back. They run in
 * parallel; each finds its device, works on it, and lets it go.
 */
#include "device.h"
#include "disk.h"
#include "failover.h"
#include "netlink_gen.h"
#include "sysfs.h"

#include "compat.h"

static u32 attr_u32(struct nlattr *attr, u32 otherwise)
{
	return attr ? nla_get_u32(attr) : otherwise;
}

static const u8 *attr_bytes(struct nlattr *attr)
{
	return attr ? nla_data(attr) : NULL;
}

/* Say what is wrong, in words and by the attribute, if it was there. */
static void blame(struct genl_info *info, const char *why, struct nlattr *attr)
{
	if (!info->extack)
		return;
	if (why)
		info->extack->_msg = why;
	if (attr)
		NL_SET_BAD_ATTR(info->extack, attr);
}

/*
 * The device that an attribute names. Returns it with a reference, or
 * ERR_PTR(): -EINVAL without the attribute, -ENODEV.
 */
static struct enbd_device *find_device(struct genl_info *info, int type)
{
	struct nlattr *attr = info->attrs[type];
	struct enbd_device *dev;

	if (GENL_REQ_ATTR_CHECK(info, type)) {
		GENL_SET_ERR_MSG(info, "index of the device is missing");
		return ERR_PTR(-EINVAL);
	}
	dev = enbd_device_get(nla_get_u32(attr));
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "no such device");
		return ERR_PTR(-ENODEV);
	}
	return dev;
}

/* A reply to be filled behind its header. Returns NULL without memory. */
static struct sk_buff *reply_new(struct genl_info *info, u8 cmd, void **hdr)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);

	if (skb)
		*hdr = genlmsg_put_reply(skb, info, &enbd_nl_family, 0, cmd);
	return skb;
}

/* Finish the reply and send it, unless it could not be made. */
static int reply_send(struct genl_info *info, struct sk_buff *skb, void *hdr,
		      int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/* A reply of @fill, sent to who asked. */
static int reply(struct genl_info *info, u8 cmd,
		 int (*fill)(struct sk_buff *skb, const void *arg),
		 const void *arg)
{
	struct sk_buff *skb;
	void *hdr;

	skb = reply_new(info, cmd, &hdr);
	if (!skb)
		return -ENOMEM;
	return reply_send(info, skb, hdr,
			  !hdr || fill(skb, arg) ? -EMSGSIZE : 0);
}

static int fill_device_id(struct sk_buff *skb, const void *arg)
{
	const struct enbd_device *dev = arg;

	return nla_put_u32(skb, ENBD_A_DEVICE_INDEX, dev->index) ||
	       nla_put_string(skb, ENBD_A_DEVICE_NAME, dev->name);
}

/* Sizes and limits of the visible disk, if it is there. */
static int fill_disk(struct sk_buff *skb, struct enbd_device *dev)
{
	struct gendisk *disk = enbd_disk_get(dev);
	int err;

	if (!disk)
		return 0;
	err = (get_disk_ro(disk) &&
	       nla_put_flag(skb, ENBD_A_DEVICE_READ_ONLY)) ||
	      nla_put_u32(skb, ENBD_A_DEVICE_OPENERS, disk_openers(disk)) ||
	      nla_put_u32(skb, ENBD_A_DEVICE_MAX_SECTORS,
			  queue_max_hw_sectors(disk->queue));
	put_disk(disk);
	return err;
}

static int fill_failover(struct sk_buff *skb, const struct enbd_session *s)
{
	u32 replay = READ_ONCE(s->replay);

	return nla_put_u32(skb, ENBD_A_DEVICE_FEATURES, s->features) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_KEEPALIVE,
			   READ_ONCE(s->keepalive)) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_REPLAY, replay) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_FENCING,
			   enbd_failover_fencing(s->features, replay)) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_HELD, READ_ONCE(s->nr_held));
}

static int fill_journal(struct sk_buff *skb, const struct enbd_session *s)
{
	struct enbd_journal *j = s->led.journal;

	return j && (nla_put_u64_64bit(skb, ENBD_A_DEVICE_REGION_SIZE,
				       enbd_journal_region_size(j),
				       ENBD_A_DEVICE_PAD) ||
		     nla_put_u64_64bit(skb, ENBD_A_DEVICE_UNFLUSHED,
				       enbd_journal_bytes(j),
				       ENBD_A_DEVICE_PAD));
}

static int fill_device(struct sk_buff *skb, const void *arg)
{
	struct enbd_device *dev = (void *)arg;
	const struct enbd_device_config *c = &dev->config;

	return fill_device_id(skb, dev) ||
	       nla_put_u64_64bit(skb, ENBD_A_DEVICE_SIZE,
				 READ_ONCE(dev->size), ENBD_A_DEVICE_PAD) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_FLAGS, c->flags) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_BLOCK_MIN, c->block_min) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_BLOCK_PREF, c->block_pref) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_BLOCK_MAX, c->block_max) ||
	       nla_put_string(skb, ENBD_A_DEVICE_URI, c->uri) ||
	       nla_put_string(skb, ENBD_A_DEVICE_EXPORT, c->export) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_HW_QUEUES, c->hw_queues) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_QUEUE_DEPTH, c->depth) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_IO_TIMEOUT,
			   READ_ONCE(c->io_timeout)) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_DEAD_TIMEOUT,
			   READ_ONCE(dev->session.dead_timeout)) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_STATE, enbd_device_state(dev)) ||
	       nla_put_u32(skb, ENBD_A_DEVICE_PARKED,
			   READ_ONCE(dev->session.nr_parked)) ||
	       fill_failover(skb, &dev->session) ||
	       fill_journal(skb, &dev->session) ||
	       fill_disk(skb, dev);
}

static int fill_channel(struct sk_buff *skb, const struct enbd_device *dev,
			const struct enbd_channel *ch)
{
	const struct enbd_place *p = &dev->session.place[ch->index];
	static const int pad = ENBD_A_CHANNEL_PAD;

	return nla_put_u32(skb, ENBD_A_CHANNEL_DEVICE_INDEX, dev->index) ||
	       nla_put_string(skb, ENBD_A_CHANNEL_DEVICE_NAME, dev->name) ||
	       nla_put_u32(skb, ENBD_A_CHANNEL_INDEX, ch->index) ||
	       nla_put_u32(skb, ENBD_A_CHANNEL_REPLY_FORMAT, ch->format) ||
	       nla_put_u32(skb, ENBD_A_CHANNEL_STATE, READ_ONCE(ch->state)) ||
	       nla_put_u32(skb, ENBD_A_CHANNEL_HW_QUEUE, ch->hw_queue) ||
	       nla_put_string(skb, ENBD_A_CHANNEL_PEER, ch->peer) ||
	       nla_put_string(skb, ENBD_A_CHANNEL_LOCAL, ch->local) ||
	       nla_put_u32(skb, ENBD_A_CHANNEL_INCARNATION, ch->incarnation) ||
	       nla_put_u64_64bit(skb, ENBD_A_CHANNEL_REQUESTED,
				 atomic64_read(&ch->requested), pad) ||
	       nla_put_u64_64bit(skb, ENBD_A_CHANNEL_DISPATCHED,
				 READ_ONCE(ch->dispatched), pad) ||
	       nla_put_u64_64bit(skb, ENBD_A_CHANNEL_ERRORED,
				 READ_ONCE(ch->errored), pad) ||
	       nla_put_u64_64bit(skb, ENBD_A_CHANNEL_RETRACTED,
				 READ_ONCE(ch->retracted), pad) ||
	       nla_put_u32(skb, ENBD_A_CHANNEL_PENDING,
			   enbd_channel_load(ch)) ||
	       nla_put_u64_64bit(skb, ENBD_A_CHANNEL_BYTES_READ,
				 READ_ONCE(ch->bytes_read), pad) ||
	       nla_put_u64_64bit(skb, ENBD_A_CHANNEL_BYTES_WRITTEN,
				 READ_ONCE(ch->bytes_written), pad) ||
	       (READ_ONCE(p->fence) &&
		nla_put_flag(skb, ENBD_A_CHANNEL_UNFENCED)) ||
	       nla_put_u32(skb, ENBD_A_CHANNEL_STALL, READ_ONCE(p->stall)) ||
	       (READ_ONCE(ch->state) == ENBD_CHANNEL_STATE_LOST &&
		nla_put_string(skb, ENBD_A_CHANNEL_REASON, ch->reason));
}

/* A channel must be to an export like the device's. Returns 0 or -EINVAL. */
static int read_wish(const struct enbd_device *dev, struct nlattr **tb,
		     struct nlattr *nest, struct enbd_channel_config *wish,
		     struct netlink_ext_ack *extack)
{
	const char *why = NULL;
	struct nlattr *attr;

	if (NL_REQ_ATTR_CHECK(extack, nest, tb, ENBD_A_CHANNEL_FD)) {
		NL_SET_ERR_MSG(extack, "fd of a channel is missing");
		return -EINVAL;
	}
	wish->fd = nla_get_s32(tb[ENBD_A_CHANNEL_FD]);
	wish->index = -1;
	wish->format = attr_u32(tb[ENBD_A_CHANNEL_REPLY_FORMAT],
				ENBD_REPLY_FORMAT_SIMPLE);
	wish->incarnation = attr_u32(tb[ENBD_A_CHANNEL_INCARNATION], 0);
	wish->features = attr_u32(tb[ENBD_A_CHANNEL_FEATURES], 0);
	wish->signature = attr_bytes(tb[ENBD_A_CHANNEL_SIGNATURE]);
	wish->verifier = attr_bytes(tb[ENBD_A_CHANNEL_VERIFIER]);
	attr = tb[ENBD_A_CHANNEL_SIZE];
	if (attr)
		why = enbd_device_judge_size(dev, nla_get_u64(attr));
	if (why) {
		NL_SET_BAD_ATTR(extack, attr);
		if (extack)
			extack->_msg = why;
		return -EINVAL;
	}
	attr = tb[ENBD_A_CHANNEL_FLAGS];
	/* whether DF may be said depends on the reply format */
	if (attr && (nla_get_u32(attr) ^ dev->config.flags) & ~ENBD_FLAG_SEND_DF) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "flags offered to the channel are not the device's, is it the same export?");
		return -EINVAL;
	}
	return 0;
}

/* As enbd_session_add(), and says which attribute is to blame. */
static int add_channel(struct enbd_session *s,
		       struct enbd_channel_config *wish,
		       struct genl_info *info, struct nlattr **tb)
{
	int ret = enbd_session_add(s, wish, info->extack);
	int type = ENBD_A_CHANNEL_FD;

	if (ret == -EEXIST)
		type = ENBD_A_CHANNEL_INDEX;
	else if (ret == -ESTALE)
		type = ENBD_A_CHANNEL_INCARNATION;
	else if (ret == -EKEYREJECTED)
		type = ENBD_A_CHANNEL_SIGNATURE;
	if (ret < 0)
		blame(info, NULL, tb[type]);
	return ret;
}

static int add_channels(struct enbd_device *dev, struct genl_info *info)
{
	struct nlattr *tb[ENBD_A_CHANNEL_MAX + 1];
	struct enbd_session *s = &dev->session;
	struct enbd_channel_config wish;
	struct nlattr *attr;
	int nr = 0;
	int rem, ret;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != ENBD_A_DEVICE_CHANNEL)
			continue;
		ret = nla_parse_nested(tb, ENBD_A_CHANNEL_MAX, attr,
				       enbd_nl_channel_new_policy,
				       info->extack);
		if (!ret)
			ret = read_wish(dev, tb, attr, &wish, info->extack);
		if (ret)
			return ret;
		if (wish.features & ENBD_FEATURE_FENCE &&
		    GENL_REQ_ATTR_CHECK(info, ENBD_A_DEVICE_SESSION_ID)) {
			GENL_SET_ERR_MSG(info, "session-id is missing, which fences need");
			return -EINVAL;
		}
		/* a place of its own even if the one before is lost by now */
		wish.index = nr++;
		ret = enbd_session_reserve(s, wish.index, &wish.incarnation,
					   info->extack);
		if (ret >= 0)
			ret = add_channel(s, &wish, info, tb);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int enbd_nl_device_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **tb = info->attrs;
	struct enbd_device_config cfg = {
		.index = -1,
		.flags = attr_u32(tb[ENBD_A_DEVICE_FLAGS], 0),
		.block_min = attr_u32(tb[ENBD_A_DEVICE_BLOCK_MIN], 0),
		.block_pref = attr_u32(tb[ENBD_A_DEVICE_BLOCK_PREF], 0),
		.block_max = attr_u32(tb[ENBD_A_DEVICE_BLOCK_MAX], 0),
		.read_only = nla_get_flag(tb[ENBD_A_DEVICE_READ_ONLY]),
		.hw_queues = attr_u32(tb[ENBD_A_DEVICE_HW_QUEUES], 0),
		.depth = attr_u32(tb[ENBD_A_DEVICE_QUEUE_DEPTH], 0),
		.io_timeout = attr_u32(tb[ENBD_A_DEVICE_IO_TIMEOUT],
				       ENBD_DEFAULT_IO_TIMEOUT),
		.dead_timeout = attr_u32(tb[ENBD_A_DEVICE_DEAD_TIMEOUT], 0),
		.keepalive = attr_u32(tb[ENBD_A_DEVICE_KEEPALIVE],
				      ENBD_DEFAULT_KEEPALIVE),
		.replay = attr_u32(tb[ENBD_A_DEVICE_REPLAY], ENBD_REPLAY_AUTO),
		.session_id = attr_bytes(tb[ENBD_A_DEVICE_SESSION_ID]),
		.signature = attr_bytes(tb[ENBD_A_DEVICE_SIGNATURE]),
	};
	struct enbd_device *dev;
	const char *why;
	int err, attr;

	if (GENL_REQ_ATTR_CHECK(info, ENBD_A_DEVICE_SIZE)) {
		GENL_SET_ERR_MSG(info, "size of the device is missing");
		return -EINVAL;
	}
	if (GENL_REQ_ATTR_CHECK(info, ENBD_A_DEVICE_CHANNEL)) {
		GENL_SET_ERR_MSG(info, "a device needs at least one channel");
		return -EINVAL;
	}
	cfg.size = nla_get_u64(tb[ENBD_A_DEVICE_SIZE]);
	if (tb[ENBD_A_DEVICE_INDEX]) {
		if (nla_get_u32(tb[ENBD_A_DEVICE_INDEX]) > S32_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack,
					    tb[ENBD_A_DEVICE_INDEX],
					    "number of the device is too high");
			return -EINVAL;
		}
		cfg.index = nla_get_u32(tb[ENBD_A_DEVICE_INDEX]);
	}
	if (tb[ENBD_A_DEVICE_URI])
		cfg.uri = nla_data(tb[ENBD_A_DEVICE_URI]);
	if (tb[ENBD_A_DEVICE_EXPORT])
		cfg.export = nla_data(tb[ENBD_A_DEVICE_EXPORT]);

	dev = enbd_device_new(&cfg, &why, &attr);
	if (IS_ERR(dev)) {
		if (why)
			blame(info, why, tb[attr]);
		return PTR_ERR(dev);
	}
	err = add_channels(dev, info);
	if (err) {
		enbd_device_abandon(dev);
		return err;
	}
	err = enbd_device_publish(dev, info->extack);
	if (!err) {
		err = reply(info, ENBD_NL_DEVICE_ADD, fill_device_id, dev);
		/* who is told of an error must not find a device */
		if (err)
			enbd_device_del(dev, true, NULL);
	}
	enbd_device_put(dev);
	return err;
}

int enbd_nl_device_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct enbd_device *dev = find_device(info, ENBD_A_DEVICE_INDEX);
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = reply(info, ENBD_NL_DEVICE_GET, fill_device, dev);
	enbd_device_put(dev);
	return err;
}

int enbd_nl_device_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct enbd_device *dev;
	unsigned long index;

	for (index = cb->args[0]; (dev = enbd_device_next(&index)); index++) {
		void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
					cb->nlh->nlmsg_seq, &enbd_nl_family,
					NLM_F_MULTI, ENBD_NL_DEVICE_GET);

		if (!hdr || fill_device(skb, dev)) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			enbd_device_put(dev);
			break;
		}
		genlmsg_end(skb, hdr);
		enbd_device_put(dev);
	}
	cb->args[0] = index;
	return skb->len;
}

/* Is all that is asked for possible? Returns 0 or -EINVAL. */
static int check_change(const struct enbd_device *dev, struct genl_info *info)
{
	struct enbd_device_config wanted = dev->config;
	struct nlattr **tb = info->attrs;
	const char *why;
	int attr;

	wanted.size = tb[ENBD_A_DEVICE_SIZE] ?
		      nla_get_u64(tb[ENBD_A_DEVICE_SIZE]) : READ_ONCE(dev->size);
	wanted.keepalive = attr_u32(tb[ENBD_A_DEVICE_KEEPALIVE], 0);
	why = enbd_device_check(&wanted, &attr);
	if (!why)
		return 0;
	blame(info, why, tb[attr]);
	return -EINVAL;
}

/* All or nothing: after the size, which may find no memory, nothing fails. */
int enbd_nl_device_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct enbd_device *dev = find_device(info, ENBD_A_DEVICE_INDEX);
	struct nlattr **tb = info->attrs;
	const char *why;
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = check_change(dev, info);
	if (!err && tb[ENBD_A_DEVICE_SIZE]) {
		err = enbd_device_resize(dev,
					 nla_get_u64(tb[ENBD_A_DEVICE_SIZE]),
					 &why);
		if (err)
			blame(info, why, tb[ENBD_A_DEVICE_SIZE]);
	}
	if (!err && tb[ENBD_A_DEVICE_IO_TIMEOUT])
		enbd_device_set_io_timeout(dev, nla_get_u32(tb[ENBD_A_DEVICE_IO_TIMEOUT]));
	if (!err && tb[ENBD_A_DEVICE_DEAD_TIMEOUT])
		enbd_session_set_dead_timeout(&dev->session,
					      nla_get_u32(tb[ENBD_A_DEVICE_DEAD_TIMEOUT]));
	if (!err && tb[ENBD_A_DEVICE_KEEPALIVE])
		enbd_session_set_keepalive(&dev->session,
					   nla_get_u32(tb[ENBD_A_DEVICE_KEEPALIVE]));
	if (!err && tb[ENBD_A_DEVICE_REPLAY])
		enbd_session_set_replay(&dev->session,
					nla_get_u32(tb[ENBD_A_DEVICE_REPLAY]));
	if (!err && nla_get_flag(tb[ENBD_A_DEVICE_GIVE_UP]))
		enbd_session_give_up(&dev->session);
	enbd_device_put(dev);
	return err;
}

int enbd_nl_device_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct enbd_device *dev = find_device(info, ENBD_A_DEVICE_INDEX);
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = enbd_device_del(dev, nla_get_flag(info->attrs[ENBD_A_DEVICE_FORCE]),
			      info->extack);
	enbd_device_put(dev);
	return err;
}

struct channel_id {
	u32 device;
	u32 index;
};

static int fill_channel_id(struct sk_buff *skb, const void *arg)
{
	const struct channel_id *id = arg;

	return nla_put_u32(skb, ENBD_A_CHANNEL_DEVICE_INDEX, id->device) ||
	       nla_put_u32(skb, ENBD_A_CHANNEL_INDEX, id->index);
}

static int check_index(struct genl_info *info, struct nlattr *attr)
{
	if (nla_get_u32(attr) < ENBD_MAX_CHANNELS)
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, attr,
			    "a device has no more than 64 channels");
	return -EINVAL;
}

int enbd_nl_channel_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct enbd_device *dev = find_device(info, ENBD_A_CHANNEL_DEVICE_INDEX);
	struct nlattr *attr = info->attrs[ENBD_A_CHANNEL_INDEX];
	struct enbd_channel_config wish;
	struct channel_id id;
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = read_wish(dev, info->attrs, NULL, &wish, info->extack);
	if (!err && attr) {
		wish.index = nla_get_u32(attr);
		err = check_index(info, attr);
	}
	if (!err)
		err = add_channel(&dev->session, &wish, info, info->attrs);
	if (err >= 0) {
		id.device = dev->index;
		id.index = err;
		if (info->attrs[ENBD_A_CHANNEL_SIZE])
			enbd_device_offer(dev,
					  nla_get_u64(info->attrs[ENBD_A_CHANNEL_SIZE]));
		enbd_sysfs_refresh(dev);
		err = reply(info, ENBD_NL_CHANNEL_ADD, fill_channel_id, &id);
		if (err) {
			/* but not one that somebody else has put there since */
			enbd_session_del(&dev->session, id.index,
					 wish.incarnation, NULL);
			enbd_sysfs_refresh(dev);
		}
	}
	enbd_device_put(dev);
	return err;
}

int enbd_nl_channel_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct enbd_device *dev = find_device(info, ENBD_A_CHANNEL_DEVICE_INDEX);
	u32 index = attr_u32(info->attrs[ENBD_A_CHANNEL_INDEX], U32_MAX);
	struct enbd_channel *ch = NULL;
	struct sk_buff *msg;
	int err = -ENODEV;
	void *hdr;
	int idx;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	/* who replaces channels waits for us: do not wait for memory meanwhile */
	msg = reply_new(info, ENBD_NL_CHANNEL_GET, &hdr);
	if (!msg) {
		enbd_device_put(dev);
		return -ENOMEM;
	}
	idx = srcu_read_lock(&dev->session.srcu);
	if (index < ENBD_MAX_CHANNELS)
		ch = srcu_dereference(dev->session.channel[index],
				      &dev->session.srcu);
	if (ch)
		err = !hdr || fill_channel(msg, dev, ch) ? -EMSGSIZE : 0;
	else
		blame(info, "no such channel", info->attrs[ENBD_A_CHANNEL_INDEX]);
	srcu_read_unlock(&dev->session.srcu, idx);
	err = reply_send(info, msg, hdr, err);
	enbd_device_put(dev);
	return err;
}

/*
 * Dump a device's channels from cb->args[1] on. Returns false if the message
 * is full.
 */
static bool dump_channels(struct sk_buff *skb, struct netlink_callback *cb,
			  struct enbd_device *dev)
{
	struct enbd_session *s = &dev->session;
	bool whole = true;
	int idx;

	idx = srcu_read_lock(&s->srcu);
	for (; cb->args[1] < ENBD_MAX_CHANNELS; cb->args[1]++) {
		struct enbd_channel *ch;
		void *hdr;

		ch = srcu_dereference(s->channel[cb->args[1]], &s->srcu);
		if (!ch)
			continue;
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				  cb->nlh->nlmsg_seq, &enbd_nl_family,
				  NLM_F_MULTI, ENBD_NL_CHANNEL_GET);
		if (!hdr || fill_channel(skb, dev, ch)) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			whole = false;
			break;
		}
		genlmsg_end(skb, hdr);
	}
	srcu_read_unlock(&s->srcu, idx);
	return whole;
}

int enbd_nl_channel_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr **tb = enbd_dump_attrs(cb);
	struct nlattr *only = tb ? tb[ENBD_A_CHANNEL_DEVICE_INDEX] : NULL;
	struct enbd_device *dev;
	unsigned long index = cb->args[0];

	if (only && index < nla_get_u32(only))
		index = nla_get_u32(only);
	for (; (dev = enbd_device_next(&index)); index++) {
		bool whole;

		if (only && index != nla_get_u32(only)) {
			enbd_device_put(dev);
			break;
		}
		if (index != cb->args[0]) {
			cb->args[0] = index;
			cb->args[1] = 0;
		}
		whole = dump_channels(skb, cb, dev);
		enbd_device_put(dev);
		if (!whole)
			return skb->len;
	}
	cb->args[0] = only ? (long)nla_get_u32(only) + 1 : index;
	cb->args[1] = 0;
	return skb->len;
}

int enbd_nl_channel_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct enbd_device *dev = find_device(info, ENBD_A_CHANNEL_DEVICE_INDEX);
	struct nlattr *attr = info->attrs[ENBD_A_CHANNEL_INDEX];
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	if (GENL_REQ_ATTR_CHECK(info, ENBD_A_CHANNEL_INDEX)) {
		GENL_SET_ERR_MSG(info, "index of the channel is missing");
		err = -EINVAL;
	} else {
		err = enbd_session_del(&dev->session, nla_get_u32(attr), 0,
				       info->extack);
		if (err)
			blame(info, NULL, attr);
	}
	enbd_sysfs_refresh(dev);
	enbd_device_put(dev);
	return err;
}

struct reservation {
	const struct enbd_device *dev;
	u32 index;
	u32 incarnation;
};

static int fill_reservation(struct sk_buff *skb, const void *arg)
{
	const struct reservation *r = arg;
	const struct enbd_session *s = &r->dev->session;

	return nla_put_u32(skb, ENBD_A_CHANNEL_DEVICE_INDEX, r->dev->index) ||
	       nla_put_u32(skb, ENBD_A_CHANNEL_INDEX, r->index) ||
	       nla_put_u32(skb, ENBD_A_CHANNEL_INCARNATION, r->incarnation) ||
	       nla_put(skb, ENBD_A_CHANNEL_SESSION_ID, sizeof(s->id), s->id) ||
	       nla_put_u32(skb, ENBD_A_CHANNEL_FEATURES, s->features);
}

int enbd_nl_channel_reserve_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct enbd_device *dev = find_device(info, ENBD_A_CHANNEL_DEVICE_INDEX);
	struct nlattr *attr = info->attrs[ENBD_A_CHANNEL_INDEX];
	struct reservation r = { .dev = dev };
	int index = -1;
	int err = 0;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	if (attr) {
		index = nla_get_u32(attr);
		err = check_index(info, attr);
	}
	if (!err) {
		err = enbd_session_reserve(&dev->session, index,
					   &r.incarnation, info->extack);
		if (err < 0)
			blame(info, NULL, attr);
	}
	if (err >= 0) {
		r.index = err;
		err = reply(info, ENBD_NL_CHANNEL_RESERVE, fill_reservation,
			    &r);
	}
	enbd_device_put(dev);
	return err;
}

int enbd_nl_device_accept_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct enbd_device *dev = find_device(info, ENBD_A_DEVICE_INDEX);
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = enbd_device_accept(dev, info->extack);
	if (err)
		blame(info, NULL, info->attrs[ENBD_A_DEVICE_INDEX]);
	enbd_device_put(dev);
	return err;
}

static int fill_lost(struct sk_buff *skb, const struct enbd_device *dev,
		     u64 offset, u64 length)
{
	return nla_put_u32(skb, ENBD_A_LOST_DEVICE_INDEX, dev->index) ||
	       nla_put_u64_64bit(skb, ENBD_A_LOST_OFFSET, offset,
				 ENBD_A_LOST_PAD) ||
	       nla_put_u64_64bit(skb, ENBD_A_LOST_LENGTH, length,
				 ENBD_A_LOST_PAD);
}

/* One message a range; where to go on is kept in cb->ctx. */
int enbd_nl_lost_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr **tb = enbd_dump_attrs(cb);
	struct nlattr *index = tb ? tb[ENBD_A_LOST_DEVICE_INDEX] : NULL;
	u64 *pos = (u64 *)cb->ctx;
	struct enbd_device *dev;
	u64 next, offset, length;

	if (!index) {
		NL_SET_ERR_MSG(cb->extack, "index of the device is missing");
		return -EINVAL;
	}
	dev = enbd_device_get(nla_get_u32(index));
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(cb->extack, index, "no such device");
		return -ENODEV;
	}
	next = *pos;
	while (enbd_session_lost(&dev->session, &next, &offset, &length)) {
		void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
					cb->nlh->nlmsg_seq, &enbd_nl_family,
					NLM_F_MULTI, ENBD_NL_LOST_GET);

		if (!hdr || fill_lost(skb, dev, offset, length)) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		*pos = next;
	}
	enbd_device_put(dev);
	return skb->len;
}
