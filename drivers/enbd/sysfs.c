// SPDX-License-Identifier: GPL-2.0
#include "sysfs.h"

#include <linux/kobject.h>
#include <linux/slab.h>

#include "compat.h"
#include "device.h"
#include "failover.h"

static const char *const device_states[] = {
	[ENBD_DEVICE_STATE_UP] = "up",
	[ENBD_DEVICE_STATE_PARKED] = "parked",
	[ENBD_DEVICE_STATE_FAILED] = "failed",
	[ENBD_DEVICE_STATE_DELETING] = "deleting",
	[ENBD_DEVICE_STATE_STALE] = "stale",
};

static const char *const channel_states[] = {
	[ENBD_CHANNEL_STATE_LIVE] = "live",
	[ENBD_CHANNEL_STATE_STANDBY] = "standby",
	[ENBD_CHANNEL_STATE_LOST] = "lost",
	[ENBD_CHANNEL_STATE_FENCING] = "fencing",
};

static const char *const fencings[] = {
	[ENBD_FENCING_NONE] = "unfenced",
	[ENBD_FENCING_CLOSE] = "fenced by close",
	[ENBD_FENCING_SERVER] = "fenced",
};

static struct enbd_device *to_device(struct device *d)
{
	return dev_to_disk(d)->private_data;
}

/* Both 0 without a journal */
static u64 unflushed(const struct enbd_device *dev)
{
	struct enbd_journal *j = dev->session.led.journal;

	return j ? enbd_journal_bytes(j) : 0;
}

static u64 region_size(const struct enbd_device *dev)
{
	struct enbd_journal *j = dev->session.led.journal;

	return j ? enbd_journal_region_size(j) : 0;
}

#define ENBD_DEVICE_ATTR(name, format, value)				\
static ssize_t name##_show(struct device *d,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	struct enbd_device *dev = to_device(d);				\
									\
	return sysfs_emit(buf, format "\n", value);			\
}									\
static DEVICE_ATTR_RO(name)

ENBD_DEVICE_ATTR(state, "%s", device_states[enbd_device_state(dev)]);
ENBD_DEVICE_ATTR(uri, "%s", dev->config.uri);
ENBD_DEVICE_ATTR(export, "%s", dev->config.export);
ENBD_DEVICE_ATTR(flags, "%#x", dev->config.flags);
ENBD_DEVICE_ATTR(io_timeout_ms, "%u", READ_ONCE(dev->config.io_timeout));
ENBD_DEVICE_ATTR(dead_timeout_ms, "%u", READ_ONCE(dev->session.dead_timeout));
ENBD_DEVICE_ATTR(parked, "%u", READ_ONCE(dev->session.nr_parked));
ENBD_DEVICE_ATTR(held, "%u", READ_ONCE(dev->session.nr_held));
ENBD_DEVICE_ATTR(features, "%#x", dev->session.features);
ENBD_DEVICE_ATTR(keepalive_ms, "%u", READ_ONCE(dev->session.keepalive));
ENBD_DEVICE_ATTR(fencing, "%s",
		 fencings[enbd_failover_fencing(dev->session.features,
						READ_ONCE(dev->session.replay))]);
ENBD_DEVICE_ATTR(unflushed, "%llu", unflushed(dev));
ENBD_DEVICE_ATTR(region_size, "%llu", region_size(dev));

static struct attribute *device_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_uri.attr,
	&dev_attr_export.attr,
	&dev_attr_flags.attr,
	&dev_attr_io_timeout_ms.attr,
	&dev_attr_dead_timeout_ms.attr,
	&dev_attr_parked.attr,
	&dev_attr_held.attr,
	&dev_attr_features.attr,
	&dev_attr_keepalive_ms.attr,
	&dev_attr_fencing.attr,
	&dev_attr_unflushed.attr,
	&dev_attr_region_size.attr,
	NULL
};

static const struct attribute_group device_group = {
	.name = "enbd",
	.attrs = device_attrs,
};

const struct attribute_group *enbd_sysfs_groups[] = { &device_group, NULL };

/**
 * struct channel_dir - the directory of one place for a channel
 * @kobj:  its life ends before that of the disk
 * @dev:   the device
 * @index: the place, whatever channel is there now
 */
struct channel_dir {
	struct kobject kobj;
	struct enbd_device *dev;
	unsigned int index;
};

struct channel_attr {
	struct attribute attr;
	ssize_t (*show)(const struct enbd_channel *ch, char *buf);
};

#define ENBD_CHANNEL_ATTR(_name, format, value)				\
static ssize_t channel_##_name##_show(const struct enbd_channel *ch,	\
				     char *buf)				\
{									\
	return sysfs_emit(buf, format "\n", value);			\
}									\
static struct channel_attr channel_attr_##_name = {			\
	.attr = { .name = #_name, .mode = 0444 },			\
	.show = channel_##_name##_show,					\
}

ENBD_CHANNEL_ATTR(state, "%s", channel_states[READ_ONCE(ch->state)]);
ENBD_CHANNEL_ATTR(peer, "%s", ch->peer);
ENBD_CHANNEL_ATTR(local, "%s", ch->local);
ENBD_CHANNEL_ATTR(reason, "%s", ch->reason);
ENBD_CHANNEL_ATTR(hw_queue, "%u", ch->hw_queue);
ENBD_CHANNEL_ATTR(incarnation, "%u", ch->incarnation);
ENBD_CHANNEL_ATTR(requested, "%llu", atomic64_read(&ch->requested));
ENBD_CHANNEL_ATTR(dispatched, "%llu", READ_ONCE(ch->dispatched));
ENBD_CHANNEL_ATTR(errored, "%llu", READ_ONCE(ch->errored));
ENBD_CHANNEL_ATTR(retracted, "%llu", READ_ONCE(ch->retracted));
ENBD_CHANNEL_ATTR(pending, "%llu", enbd_channel_load(ch));
ENBD_CHANNEL_ATTR(bytes_read, "%llu", READ_ONCE(ch->bytes_read));
ENBD_CHANNEL_ATTR(bytes_written, "%llu", READ_ONCE(ch->bytes_written));

static struct attribute *channel_attrs[] = {
	&channel_attr_state.attr,
	&channel_attr_peer.attr,
	&channel_attr_local.attr,
	&channel_attr_reason.attr,
	&channel_attr_hw_queue.attr,
	&channel_attr_incarnation.attr,
	&channel_attr_requested.attr,
	&channel_attr_dispatched.attr,
	&channel_attr_errored.attr,
	&channel_attr_retracted.attr,
	&channel_attr_pending.attr,
	&channel_attr_bytes_read.attr,
	&channel_attr_bytes_written.attr,
	NULL
};
ATTRIBUTE_GROUPS(channel);

static ssize_t channel_show(struct kobject *kobj, struct attribute *attr,
			    char *buf)
{
	struct channel_dir *dir = container_of(kobj, struct channel_dir, kobj);
	struct channel_attr *a = container_of(attr, struct channel_attr, attr);
	struct enbd_session *s = &dir->dev->session;
	struct enbd_channel *ch;
	ssize_t ret = -ENODEV;
	int idx;

	idx = srcu_read_lock(&s->srcu);
	ch = srcu_dereference(s->channel[dir->index], &s->srcu);
	if (ch)
		ret = a->show(ch, buf);
	srcu_read_unlock(&s->srcu, idx);
	return ret;
}

static const struct sysfs_ops channel_sysfs_ops = {
	.show = channel_show,
};

static void channel_dir_release(struct kobject *kobj)
{
	kfree(container_of(kobj, struct channel_dir, kobj));
}

static const struct kobj_type channel_dir_type = {
	.sysfs_ops = &channel_sysfs_ops,
	.default_groups = channel_groups,
	.release = channel_dir_release,
};

static void channel_dir_add(struct enbd_device *dev, unsigned int index)
{
	struct channel_dir *dir = kzalloc(sizeof(*dir), GFP_KERNEL);

	if (!dir)
		return;
	dir->dev = dev;
	dir->index = index;
	if (kobject_init_and_add(&dir->kobj, &channel_dir_type,
				 &disk_to_dev(dev->disk)->kobj, "channel%u",
				 index)) {
		kobject_put(&dir->kobj);
		return;
	}
	dev->channel_dir[index] = &dir->kobj;
}

static void channel_dir_del(struct enbd_device *dev, unsigned int index)
{
	kobject_del(dev->channel_dir[index]);
	kobject_put(dev->channel_dir[index]);
	dev->channel_dir[index] = NULL;
}

/**
 * enbd_sysfs_refresh() - channels were added or removed, or the disk goes
 * @dev: the device
 *
 * A directory that finds no memory is missing; nothing depends on it.
 *
 * Context: process, no lock held.
 */
void enbd_sysfs_refresh(struct enbd_device *dev)
{
	unsigned int i;

	mutex_lock(&dev->lock);
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		bool there = rcu_access_pointer(dev->session.channel[i]) &&
			     test_bit(ENBD_DEVICE_ADDED, &dev->bits) &&
			     !test_bit(ENBD_DEVICE_DELETING, &dev->bits);

		if (there && !dev->channel_dir[i])
			channel_dir_add(dev, i);
		else if (!there && dev->channel_dir[i])
			channel_dir_del(dev, i);
	}
	mutex_unlock(&dev->lock);
}
