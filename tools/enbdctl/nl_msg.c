// SPDX-License-Identifier: GPL-2.0
#include "nl_msg.h"

#include <linux/genetlink.h>
#include <stdio.h>
#include <string.h>

#include "netlink_tables.h"

static void put_channel(struct nlmsghdr *nlh, const struct enbd_channel *ch)
{
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_FD, (uint32_t)ch->fd);
	mnl_attr_put_u64(nlh, ENBD_A_CHANNEL_SIZE, ch->export.size);
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_FLAGS, ch->export.flags);
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_REPLY_FORMAT, ch->format);
	if (!ch->hello.features)
		return;
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_FEATURES, ch->hello.features);
	mnl_attr_put(nlh, ENBD_A_CHANNEL_SIGNATURE,
		     sizeof(ch->hello.signature), ch->hello.signature);
	mnl_attr_put(nlh, ENBD_A_CHANNEL_VERIFIER,
		     sizeof(ch->hello.verifier), ch->hello.verifier);
}

static void put_tuning(struct nlmsghdr *nlh, const struct device_options *o)
{
	const struct {
		uint16_t type;
		int64_t value;
	} tuning[] = {
		{ ENBD_A_DEVICE_IO_TIMEOUT, o->io_timeout },
		{ ENBD_A_DEVICE_DEAD_TIMEOUT, o->dead_timeout },
		{ ENBD_A_DEVICE_KEEPALIVE, o->keepalive },
		{ ENBD_A_DEVICE_REPLAY, o->replay },
	};
	size_t i;

	for (i = 0; i < sizeof(tuning) / sizeof(tuning[0]); i++)
		if (tuning[i].value >= 0)
			mnl_attr_put_u32(nlh, tuning[i].type,
					 (uint32_t)tuning[i].value);
}

void msg_put_device_add(struct nlmsghdr *nlh, const struct enbd_uri *uri,
			const struct device_options *o,
			const struct enbd_channel *channels,
			unsigned int count)
{
	const struct enbd_export *export = &channels[0].export;
	struct nlattr *nest;
	unsigned int i;

	if (o->index >= 0)
		mnl_attr_put_u32(nlh, ENBD_A_DEVICE_INDEX, (uint32_t)o->index);
	mnl_attr_put_u64(nlh, ENBD_A_DEVICE_SIZE, export->size);
	mnl_attr_put_u32(nlh, ENBD_A_DEVICE_FLAGS, export->flags);
	mnl_attr_put_u32(nlh, ENBD_A_DEVICE_BLOCK_MIN, export->block_min);
	mnl_attr_put_u32(nlh, ENBD_A_DEVICE_BLOCK_PREF, export->block_pref);
	mnl_attr_put_u32(nlh, ENBD_A_DEVICE_BLOCK_MAX, export->block_max);
	if (o->read_only)
		mnl_attr_put(nlh, ENBD_A_DEVICE_READ_ONLY, 0, NULL);
	mnl_attr_put_strz(nlh, ENBD_A_DEVICE_URI, uri->text);
	mnl_attr_put_strz(nlh, ENBD_A_DEVICE_EXPORT, uri->export);
	if (o->hw_queues)
		mnl_attr_put_u32(nlh, ENBD_A_DEVICE_HW_QUEUES, o->hw_queues);
	if (o->queue_depth)
		mnl_attr_put_u32(nlh, ENBD_A_DEVICE_QUEUE_DEPTH,
				 o->queue_depth);
	put_tuning(nlh, o);
	mnl_attr_put(nlh, ENBD_A_DEVICE_SESSION_ID, sizeof(o->session),
		     o->session);
	if (o->signature)
		mnl_attr_put(nlh, ENBD_A_DEVICE_SIGNATURE, ENBD_SIGNATURE_LEN,
			     o->signature);
	for (i = 0; i < count; i++) {
		nest = mnl_attr_nest_start(nlh, ENBD_A_DEVICE_CHANNEL);
		put_channel(nlh, &channels[i]);
		mnl_attr_nest_end(nlh, nest);
	}
}

void msg_put_device_set(struct nlmsghdr *nlh, uint32_t device_index,
			const struct device_options *options)
{
	mnl_attr_put_u32(nlh, ENBD_A_DEVICE_INDEX, device_index);
	put_tuning(nlh, options);
}

void msg_put_channel_add(struct nlmsghdr *nlh, uint32_t device_index,
			 const struct reservation *place,
			 const struct enbd_channel *channel)
{
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_DEVICE_INDEX, device_index);
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_INDEX, place->index);
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_INCARNATION, place->incarnation);
	put_channel(nlh, channel);
}

/*
 * Sorts the attributes of a message by number. Return: -1 if one that the
 * specification knows has not the type it says.
 */
static int sort(const struct nlmsghdr *nlh, const struct enbd_nl_attr *table,
		unsigned int max, const struct nlattr **sorted)
{
	const struct nlattr *attr;
	unsigned int type;

	mnl_attr_for_each(attr, nlh, GENL_HDRLEN) {
		type = mnl_attr_get_type(attr);
		if (type > max || !table[type].name)
			continue;
		if (table[type].type != MNL_TYPE_UNSPEC &&
		    mnl_attr_validate(attr, table[type].type) < 0)
			return -1;
		sorted[type] = attr;
	}
	return 0;
}

static uint32_t u32(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_u32(attr) : 0;
}

static uint64_t u64(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_u64(attr) : 0;
}

static void text(char *dst, size_t size, const struct nlattr *attr)
{
	snprintf(dst, size, "%s", attr ? mnl_attr_get_str(attr) : "");
}

int msg_get_device(const struct nlmsghdr *nlh, struct device *d)
{
	const struct nlattr *a[ENBD_A_DEVICE_MAX + 1] = { NULL };

	if (sort(nlh, enbd_device_attrs, ENBD_A_DEVICE_MAX, a) ||
	    !a[ENBD_A_DEVICE_INDEX])
		return -1;
	d->index = u32(a[ENBD_A_DEVICE_INDEX]);
	text(d->name, sizeof(d->name), a[ENBD_A_DEVICE_NAME]);
	d->size = u64(a[ENBD_A_DEVICE_SIZE]);
	d->flags = u32(a[ENBD_A_DEVICE_FLAGS]);
	d->block_min = u32(a[ENBD_A_DEVICE_BLOCK_MIN]);
	d->block_pref = u32(a[ENBD_A_DEVICE_BLOCK_PREF]);
	d->block_max = u32(a[ENBD_A_DEVICE_BLOCK_MAX]);
	d->read_only = a[ENBD_A_DEVICE_READ_ONLY] ||
		       (d->flags & ENBD_FLAG_READ_ONLY);
	text(d->uri, sizeof(d->uri), a[ENBD_A_DEVICE_URI]);
	text(d->export, sizeof(d->export), a[ENBD_A_DEVICE_EXPORT]);
	d->hw_queues = u32(a[ENBD_A_DEVICE_HW_QUEUES]);
	d->queue_depth = u32(a[ENBD_A_DEVICE_QUEUE_DEPTH]);
	d->io_timeout = u32(a[ENBD_A_DEVICE_IO_TIMEOUT]);
	d->dead_timeout = u32(a[ENBD_A_DEVICE_DEAD_TIMEOUT]);
	d->state = u32(a[ENBD_A_DEVICE_STATE]);
	d->openers = u32(a[ENBD_A_DEVICE_OPENERS]);
	d->parked = u32(a[ENBD_A_DEVICE_PARKED]);
	d->max_sectors = u32(a[ENBD_A_DEVICE_MAX_SECTORS]);
	d->features = u32(a[ENBD_A_DEVICE_FEATURES]);
	d->keepalive = u32(a[ENBD_A_DEVICE_KEEPALIVE]);
	d->replay = u32(a[ENBD_A_DEVICE_REPLAY]);
	d->fencing = u32(a[ENBD_A_DEVICE_FENCING]);
	d->held = u32(a[ENBD_A_DEVICE_HELD]);
	d->region_size = u64(a[ENBD_A_DEVICE_REGION_SIZE]);
	d->unflushed = u64(a[ENBD_A_DEVICE_UNFLUSHED]);
	return 0;
}

int msg_get_channel(const struct nlmsghdr *nlh, struct channel *c)
{
	const struct nlattr *a[ENBD_A_CHANNEL_MAX + 1] = { NULL };

	if (sort(nlh, enbd_channel_attrs, ENBD_A_CHANNEL_MAX, a) ||
	    !a[ENBD_A_CHANNEL_INDEX] || !a[ENBD_A_CHANNEL_DEVICE_INDEX])
		return -1;
	c->device_index = u32(a[ENBD_A_CHANNEL_DEVICE_INDEX]);
	text(c->device_name, sizeof(c->device_name),
	     a[ENBD_A_CHANNEL_DEVICE_NAME]);
	c->index = u32(a[ENBD_A_CHANNEL_INDEX]);
	c->reply_format = u32(a[ENBD_A_CHANNEL_REPLY_FORMAT]);
	c->state = u32(a[ENBD_A_CHANNEL_STATE]);
	c->hw_queue = u32(a[ENBD_A_CHANNEL_HW_QUEUE]);
	text(c->peer, sizeof(c->peer), a[ENBD_A_CHANNEL_PEER]);
	text(c->local, sizeof(c->local), a[ENBD_A_CHANNEL_LOCAL]);
	c->incarnation = u32(a[ENBD_A_CHANNEL_INCARNATION]);
	c->requested = u64(a[ENBD_A_CHANNEL_REQUESTED]);
	c->dispatched = u64(a[ENBD_A_CHANNEL_DISPATCHED]);
	c->errored = u64(a[ENBD_A_CHANNEL_ERRORED]);
	c->retracted = u64(a[ENBD_A_CHANNEL_RETRACTED]);
	c->pending = u32(a[ENBD_A_CHANNEL_PENDING]);
	c->bytes_read = u64(a[ENBD_A_CHANNEL_BYTES_READ]);
	c->bytes_written = u64(a[ENBD_A_CHANNEL_BYTES_WRITTEN]);
	text(c->reason, sizeof(c->reason), a[ENBD_A_CHANNEL_REASON]);
	c->unfenced = a[ENBD_A_CHANNEL_UNFENCED];
	c->stall = u32(a[ENBD_A_CHANNEL_STALL]);
	return 0;
}

int msg_get_reservation(const struct nlmsghdr *nlh, struct reservation *place)
{
	const struct nlattr *a[ENBD_A_CHANNEL_MAX + 1] = { NULL };
	const struct nlattr *id;

	if (sort(nlh, enbd_channel_attrs, ENBD_A_CHANNEL_MAX, a) ||
	    !a[ENBD_A_CHANNEL_INDEX] || !a[ENBD_A_CHANNEL_INCARNATION])
		return -1;
	id = a[ENBD_A_CHANNEL_SESSION_ID];
	if (!id || mnl_attr_get_payload_len(id) != sizeof(place->session))
		return -1;
	place->index = u32(a[ENBD_A_CHANNEL_INDEX]);
	place->incarnation = u32(a[ENBD_A_CHANNEL_INCARNATION]);
	memcpy(place->session, mnl_attr_get_payload(id),
	       sizeof(place->session));
	place->features = u32(a[ENBD_A_CHANNEL_FEATURES]);
	return 0;
}

int msg_get_lost(const struct nlmsghdr *nlh, struct lost *lost)
{
	const struct nlattr *a[ENBD_A_LOST_MAX + 1] = { NULL };

	if (sort(nlh, enbd_lost_attrs, ENBD_A_LOST_MAX, a) ||
	    !a[ENBD_A_LOST_OFFSET] || !a[ENBD_A_LOST_LENGTH])
		return -1;
	lost->offset = u64(a[ENBD_A_LOST_OFFSET]);
	lost->length = u64(a[ENBD_A_LOST_LENGTH]);
	return 0;
}

static int get_device_event(const struct nlmsghdr *nlh, struct event *e)
{
	const struct nlattr *a[ENBD_A_DEVICE_MAX + 1] = { NULL };

	if (sort(nlh, enbd_device_attrs, ENBD_A_DEVICE_MAX, a) ||
	    !a[ENBD_A_DEVICE_INDEX] || !a[ENBD_A_DEVICE_EVENT])
		return -1;
	e->device = u32(a[ENBD_A_DEVICE_INDEX]);
	text(e->name, sizeof(e->name), a[ENBD_A_DEVICE_NAME]);
	e->event = u32(a[ENBD_A_DEVICE_EVENT]);
	e->has_state = a[ENBD_A_DEVICE_STATE];
	e->state = u32(a[ENBD_A_DEVICE_STATE]);
	e->size = u64(a[ENBD_A_DEVICE_SIZE]);
	text(e->reason, sizeof(e->reason), a[ENBD_A_DEVICE_REASON]);
	return 0;
}

static int get_channel_event(const struct nlmsghdr *nlh, struct event *e)
{
	const struct nlattr *a[ENBD_A_CHANNEL_MAX + 1] = { NULL };

	if (sort(nlh, enbd_channel_attrs, ENBD_A_CHANNEL_MAX, a) ||
	    !a[ENBD_A_CHANNEL_DEVICE_INDEX] || !a[ENBD_A_CHANNEL_INDEX] ||
	    !a[ENBD_A_CHANNEL_EVENT])
		return -1;
	e->is_channel = true;
	e->device = u32(a[ENBD_A_CHANNEL_DEVICE_INDEX]);
	text(e->name, sizeof(e->name), a[ENBD_A_CHANNEL_DEVICE_NAME]);
	e->channel = u32(a[ENBD_A_CHANNEL_INDEX]);
	e->event = u32(a[ENBD_A_CHANNEL_EVENT]);
	e->has_state = a[ENBD_A_CHANNEL_STATE];
	e->state = u32(a[ENBD_A_CHANNEL_STATE]);
	e->incarnation = u32(a[ENBD_A_CHANNEL_INCARNATION]);
	e->stall = u32(a[ENBD_A_CHANNEL_STALL]);
	text(e->reason, sizeof(e->reason), a[ENBD_A_CHANNEL_REASON]);
	return 0;
}

int msg_get_event(const struct nlmsghdr *nlh, struct event *event)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	memset(event, 0, sizeof(*event));
	if (genl->cmd == ENBD_NL_DEVICE_NTF)
		return get_device_event(nlh, event);
	if (genl->cmd == ENBD_NL_CHANNEL_NTF)
		return get_channel_event(nlh, event);
	return -1;
}
