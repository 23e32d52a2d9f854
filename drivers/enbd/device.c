// SPDX-License-Identifier: GPL-2.0
/*
 * Devices: made, found, changed and removed.
 *
 * Nothing here waits for the server in the context of a netlink request for
 * longer than ENBD_PATIENCE: making a disk visible reads its partitions and
 * removing it flushes it, so both are done in work of their own. Whatever they
 * wait for, enbd_device_del() with force ends it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "device.h"

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/log2.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "disk.h"
#include "notify.h"
#include "state.h"
#include "sysfs.h"
#include "trace.h"

/* How long a netlink request waits for work that may need the server */
#define ENBD_PATIENCE		(20 * HZ)

/* Highest number of a device, about as many as there are minor numbers */
#define ENBD_MAX_INDEX		((1 << 20) - 1)

#define ENBD_DEFAULT_DEPTH	128
#define ENBD_MAX_DEPTH		1024
#define ENBD_MAX_QUEUES		64

/* One for each CPU is enough; more than this no server keeps up with */
#define ENBD_DEFAULT_QUEUES	16

static DEFINE_XARRAY_ALLOC(enbd_devices);
static struct workqueue_struct *enbd_device_wq;

/* Devices whose memory exists; the module stays until there is none */
static atomic_t enbd_device_count = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(enbd_device_wait);

static struct enbd_device *session_device(struct enbd_session *s)
{
	return container_of(s, struct enbd_device, session);
}

/* Returns 0 or -ENOMEM. */
int enbd_device_global_init(void)
{
	int err = enbd_session_global_init();

	if (err)
		return err;
	enbd_device_wq = alloc_workqueue("enbd-device", WQ_UNBOUND, 0);
	if (!enbd_device_wq) {
		enbd_session_global_exit();
		return -ENOMEM;
	}
	return 0;
}

/* After enbd_device_remove_all(). */
void enbd_device_global_exit(void)
{
	wait_event(enbd_device_wait, !atomic_read(&enbd_device_count));
	destroy_workqueue(enbd_device_wq);
	enbd_session_global_exit();
	xa_destroy(&enbd_devices);
}

static void device_free(struct kref *ref)
{
	struct enbd_device *dev = container_of(ref, struct enbd_device, ref);

	enbd_disk_free(dev);
	enbd_session_free(&dev->session);
	kfree(dev->config.uri);
	kfree(dev->config.export);
	kfree(dev);
	if (atomic_dec_and_test(&enbd_device_count))
		wake_up(&enbd_device_wait);
}

/**
 * enbd_device_put() - drop a reference
 * @dev: from enbd_device_get() or enbd_device_next()
 */
void enbd_device_put(struct enbd_device *dev)
{
	kref_put(&dev->ref, device_free);
}

/**
 * enbd_device_get() - find a device
 * @index: its number
 *
 * Return: the device with a reference, or NULL.
 */
struct enbd_device *enbd_device_get(u32 index)
{
	struct enbd_device *dev;

	xa_lock(&enbd_devices);
	dev = xa_load(&enbd_devices, index);
	if (dev && !kref_get_unless_zero(&dev->ref))
		dev = NULL;
	xa_unlock(&enbd_devices);
	return dev;
}

/**
 * enbd_device_next() - go through all devices
 * @index: least number wanted, set to that of the device
 *
 * Return: the device with a reference, or NULL.
 */
struct enbd_device *enbd_device_next(unsigned long *index)
{
	struct enbd_device *dev;

	xa_lock(&enbd_devices);
	dev = xa_find(&enbd_devices, index, ULONG_MAX, XA_PRESENT);
	if (dev && !kref_get_unless_zero(&dev->ref))
		dev = NULL;
	xa_unlock(&enbd_devices);
	return dev;
}

/* What I/O to the device meets now: enum enbd_device_state. */
u32 enbd_device_state(const struct enbd_device *dev)
{
	return enbd_state_shown(READ_ONCE(dev->session.state),
				test_bit(ENBD_DEVICE_DELETING, &dev->bits));
}

/* Work that may come when the device goes: it has a reference, and puts it. */
void enbd_device_queue(struct enbd_device *dev, struct work_struct *work)
{
	kref_get(&dev->ref);
	if (!queue_work(enbd_device_wq, work))
		enbd_device_put(dev);
}

/* Something happened to the device; @reason may be NULL. */
void enbd_device_notify(struct enbd_device *dev, enum enbd_event event,
			const char *reason)
{
	enbd_notify_device(dev->index, dev->name, event,
			   enbd_device_state(dev), READ_ONCE(dev->size),
			   reason);
}

static void device_session_state(struct enbd_session *s, const char *reason)
{
	struct enbd_device *dev = session_device(s);

	if (!test_bit(ENBD_DEVICE_PUBLISHED, &dev->bits))
		return;
	switch (s->state) {
	case ENBD_DEVICE_STATE_UP:
		pr_info_ratelimited("%s: up again\n", dev->name);
		break;
	case ENBD_DEVICE_STATE_PARKED:
		if (!s->closing)
			pr_warn_ratelimited("%s: no channel is left, requests wait for one\n",
					    dev->name);
		break;
	case ENBD_DEVICE_STATE_FAILED:
		pr_err_ratelimited("%s: no channel for %u ms, requests fail\n",
				   dev->name,
				   jiffies_to_msecs(jiffies - s->parked_at));
		break;
	case ENBD_DEVICE_STATE_STALE:
		pr_err("%s: the server may have lost writes that it had acknowledged, in up to %llu bytes; I/O fails until that is accepted\n",
		       dev->name, enbd_journal_bytes(s->led.journal));
		break;
	}
	enbd_device_notify(dev, ENBD_EVENT_DEVICE_STATE, reason);
	enbd_device_queue(dev, &dev->uevent_work);
}

static void device_session_channel(struct enbd_session *s,
				   struct enbd_channel *ch,
				   enum enbd_event event)
{
	struct enbd_device *dev = session_device(s);

	if (!test_bit(ENBD_DEVICE_PUBLISHED, &dev->bits))
		return;
	if (event == ENBD_EVENT_CHANNEL_LOST &&
	    !test_bit(ENBD_DEVICE_FORCED, &dev->bits))
		pr_warn_ratelimited("%s: channel %u to %s lost: %s\n",
				    dev->name, ch->index, ch->peer, ch->reason);
	enbd_notify_channel(dev->index, ch, event);
}

/* What becomes of the writes of a channel that could not be fenced? */
static const char *unfenced_writes(const struct enbd_session *s, bool held)
{
	if (!held)
		return "had failed before";
	return s->replay == ENBD_REPLAY_FENCED ? "fail" :
						 "are sent again all the same";
}

static void device_session_place(struct enbd_session *s, unsigned int index,
				 enum enbd_event event, bool held)
{
	struct enbd_device *dev = session_device(s);
	struct enbd_place *p = &s->place[index];

	trace_enbd_place(dev->name, index, p->fence, event);
	if (event == ENBD_EVENT_CHANNEL_UNFENCED)
		pr_warn_ratelimited("%s: channel %u could not be fenced, its writes %s\n",
				    dev->name, index, unfenced_writes(s, held));
	enbd_notify_place(dev->index, dev->name, index, p->fence, event,
			  p->stall);
}

static void device_session_size(struct enbd_session *s, u64 size)
{
	struct enbd_device *dev = session_device(s);

	enbd_device_offer(dev, size);
}

static int device_session_cpu(struct enbd_session *s, unsigned int queue,
			      unsigned int nth)
{
	struct enbd_device *dev = session_device(s);
	const unsigned int *map = dev->tag_set.map[HCTX_TYPE_DEFAULT].mq_map;
	unsigned int nr = 0;
	int cpu;

	for_each_online_cpu(cpu)
		nr += map[cpu] == queue;
	if (!nr)
		return WORK_CPU_UNBOUND;
	nth %= nr;
	for_each_online_cpu(cpu)
		if (map[cpu] == queue && !nth--)
			return cpu;
	return WORK_CPU_UNBOUND;
}

static const struct enbd_session_ops device_session_ops = {
	.state = device_session_state,
	.channel = device_session_channel,
	.place = device_session_place,
	.size = device_session_size,
	.cpu = device_session_cpu,
};

static void device_add_work(struct work_struct *work)
{
	struct enbd_device *dev = container_of(work, struct enbd_device,
					       add_work);

	/* the visible disk has a reference, given back by free_disk */
	kref_get(&dev->ref);
	dev->add_err = enbd_disk_show(dev);
	if (dev->add_err) {
		enbd_device_put(dev);
		pr_err("%s: cannot make the disk visible: error %d\n",
		       dev->name, -dev->add_err);
		if (!test_and_set_bit(ENBD_DEVICE_DELETING, &dev->bits))
			queue_work(enbd_device_wq, &dev->del_work);
	} else {
		set_bit(ENBD_DEVICE_ADDED, &dev->bits);
		/* who read the partitions has it open until this is done */
		flush_delayed_fput();
		enbd_sysfs_refresh(dev);
		enbd_device_notify(dev, ENBD_EVENT_DEVICE_ADD, NULL);
	}
	complete_all(&dev->added);
}

/*
 * What the state is by now, for rules that start and stop what is above. Of
 * states that follow each other quickly only the last is told.
 */
static void device_uevent_work(struct work_struct *work)
{
	static const char *const state[] = {
		[ENBD_DEVICE_STATE_UP] = "up",
		[ENBD_DEVICE_STATE_PARKED] = "parked",
		[ENBD_DEVICE_STATE_FAILED] = "down",
		[ENBD_DEVICE_STATE_DELETING] = "down",
		[ENBD_DEVICE_STATE_STALE] = "stale",
	};
	struct enbd_device *dev = container_of(work, struct enbd_device,
					       uevent_work);
	struct gendisk *disk = enbd_disk_get(dev);
	char *env[2] = {};
	char text[24];

	if (!disk)
		goto out;
	snprintf(text, sizeof(text), "ENBD_STATE=%s",
		 state[enbd_device_state(dev)]);
	env[0] = text;
	if (test_bit(ENBD_DEVICE_ADDED, &dev->bits) &&
	    !test_bit(ENBD_DEVICE_DELETING, &dev->bits))
		kobject_uevent_env(&disk_to_dev(disk)->kobj, KOBJ_CHANGE, env);
	put_disk(disk);
out:
	enbd_device_put(dev);
}

static void device_del_work(struct work_struct *work)
{
	struct enbd_device *dev = container_of(work, struct enbd_device,
					       del_work);
	bool added;

	wait_for_completion(&dev->added);
	added = test_bit(ENBD_DEVICE_ADDED, &dev->bits);
	if (added) {
		enbd_sysfs_refresh(dev);
		enbd_disk_hide(dev);
	}
	enbd_session_shutdown(&dev->session,
			      !test_bit(ENBD_DEVICE_FORCED, &dev->bits));
	enbd_session_flush(&dev->session);
	enbd_disk_put(dev);
	xa_erase(&enbd_devices, dev->index);
	if (added)
		enbd_device_notify(dev, ENBD_EVENT_DEVICE_DEL, NULL);
	complete_all(&dev->gone);
	enbd_device_put(dev);
}

static int device_reserve(struct enbd_device *dev, int index, const char **why)
{
	int err;

	if (index < 0) {
		err = xa_alloc(&enbd_devices, &dev->index, NULL,
			       XA_LIMIT(0, ENBD_MAX_INDEX), GFP_KERNEL);
		if (err == -EBUSY)
			*why = "no number is free for another device";
		return err;
	}
	dev->index = index;
	err = xa_insert(&enbd_devices, index, NULL, GFP_KERNEL);
	if (err == -EBUSY) {
		*why = "a device of this number exists";
		err = -EEXIST;
	}
	return err;
}

/* nda ... ndz, ndaa ... : bijective base 26, like sd */
static void device_name(char *name, u32 index)
{
	char digits[8];
	int i = sizeof(digits);
	u64 n = (u64)index + 1;

	digits[--i] = '\0';
	while (n) {
		n--;
		digits[--i] = 'a' + do_div(n, 26);
	}
	snprintf(name, ENBD_NAME_MAX, "nd%s", digits + i);
}

/*
 * What is wrong with a configuration? Returns a text, and in @attr the netlink
 * attribute that says it; NULL if all is well.
 */
const char *enbd_device_check(const struct enbd_device_config *c, int *attr)
{
	*attr = ENBD_A_DEVICE_INDEX;
	if (c->index > ENBD_MAX_INDEX)
		return "number of the device is too high";

	*attr = ENBD_A_DEVICE_SIZE;
	if (c->size < SECTOR_SIZE)
		return "size is below 512 bytes";
	if (c->size > S64_MAX)
		return "size is beyond 2^63 - 1 bytes";

	*attr = ENBD_A_DEVICE_BLOCK_MIN;
	if (c->size < c->block_min)
		return "minimum block size is larger than the device";
	if (c->block_min && !is_power_of_2(c->block_min))
		return "minimum block size is not a power of two";
	if (c->block_min > PAGE_SIZE)
		return "minimum block size is larger than a page";

	*attr = ENBD_A_DEVICE_BLOCK_PREF;
	if (c->block_pref && !is_power_of_2(c->block_pref))
		return "preferred block size is not a power of two";
	if (c->block_pref && c->block_pref < c->block_min)
		return "preferred block size is below the minimum";

	*attr = ENBD_A_DEVICE_BLOCK_MAX;
	if (c->block_max && c->block_max < PAGE_SIZE)
		return "maximum block size is smaller than a page";

	*attr = ENBD_A_DEVICE_HW_QUEUES;
	if (c->hw_queues > ENBD_MAX_QUEUES)
		return "more than 64 hardware queues";

	*attr = ENBD_A_DEVICE_KEEPALIVE;
	if (c->keepalive && c->keepalive < ENBD_MIN_KEEPALIVE)
		return "keepalive is below 100 ms";

	*attr = ENBD_A_DEVICE_QUEUE_DEPTH;
	if (c->depth > ENBD_MAX_DEPTH)
		return "queue depth is beyond 1024";
	return NULL;
}

static int device_copy_config(struct enbd_device *dev,
			      const struct enbd_device_config *cfg)
{
	struct enbd_device_config *c = &dev->config;

	*c = *cfg;
	/* the session's */
	c->session_id = NULL;
	c->signature = NULL;
	if (!c->hw_queues)
		c->hw_queues = min_t(u32, nr_cpu_ids, ENBD_DEFAULT_QUEUES);
	c->hw_queues = min_t(u32, c->hw_queues, nr_cpu_ids);
	if (!c->depth)
		c->depth = ENBD_DEFAULT_DEPTH;
	c->uri = kstrdup(cfg->uri ?: "", GFP_KERNEL);
	c->export = kstrdup(cfg->export ?: "", GFP_KERNEL);
	return c->uri && c->export ? 0 : -ENOMEM;
}

static void device_session_config(const struct enbd_device *dev, const u8 *id,
				  struct enbd_session_config *cfg)
{
	const struct enbd_device_config *c = &dev->config;

	cfg->queues = c->hw_queues;
	cfg->depth = c->depth;
	cfg->multi = c->flags & ENBD_FLAG_CAN_MULTI_CONN;
	cfg->replay = c->replay;
	cfg->io_timeout = c->io_timeout;
	cfg->dead_timeout = c->dead_timeout;
	cfg->keepalive = c->keepalive;
	cfg->size = c->size;
	if (id)
		memcpy(cfg->id, id, sizeof(cfg->id));
	else
		get_random_bytes(cfg->id, sizeof(cfg->id));
}

/**
 * enbd_device_new() - make a device that nobody sees
 * @cfg:  what it is like
 * @why:  set to a text that says why not, or NULL if there is none
 * @attr: set to the netlink attribute that is to blame
 *
 * Give it channels and enbd_device_publish() it, or enbd_device_abandon() it.
 *
 * Context: process. Return: the device or ERR_PTR(): -EINVAL, -EEXIST, -EBUSY
 * if there is no free number, -ENOMEM.
 */
struct enbd_device *enbd_device_new(const struct enbd_device_config *cfg,
				    const char **why, int *attr)
{
	struct enbd_session_config session = {};
	struct enbd_device *dev;
	int err;

	*why = enbd_device_check(cfg, attr);
	if (*why)
		return ERR_PTR(-EINVAL);
	*attr = ENBD_A_DEVICE_INDEX;
	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	kref_init(&dev->ref);
	mutex_init(&dev->lock);
	INIT_WORK(&dev->resize_work, enbd_device_resize_work);
	INIT_WORK(&dev->uevent_work, device_uevent_work);
	INIT_WORK(&dev->add_work, device_add_work);
	INIT_WORK(&dev->del_work, device_del_work);
	init_completion(&dev->added);
	init_completion(&dev->gone);
	dev->size = cfg->size;
	dev->offered = cfg->size;
	dev->said = cfg->size;

	err = device_copy_config(dev, cfg);
	if (err)
		goto err_config;
	err = device_reserve(dev, cfg->index, why);
	if (err)
		goto err_config;
	device_name(dev->name, dev->index);
	device_session_config(dev, cfg->session_id, &session);
	session.signature = cfg->signature;
	err = enbd_session_init(&dev->session, dev->name, &session,
				&device_session_ops);
	if (err)
		goto err_index;
	err = enbd_disk_alloc(dev);
	if (err)
		goto err_session;
	atomic_inc(&enbd_device_count);
	return dev;

err_session:
	enbd_session_free(&dev->session);
err_index:
	xa_erase(&enbd_devices, dev->index);
err_config:
	kfree(dev->config.uri);
	kfree(dev->config.export);
	kfree(dev);
	return ERR_PTR(err);
}

/**
 * enbd_device_abandon() - undo enbd_device_new()
 * @dev: a device that was not published
 *
 * Context: process. Waits for connections to be closed, which does not wait for
 * peers.
 */
void enbd_device_abandon(struct enbd_device *dev)
{
	kref_get(&dev->ref);
	set_bit(ENBD_DEVICE_DELETING, &dev->bits);
	enbd_session_close(&dev->session);
	complete_all(&dev->added);
	queue_work(enbd_device_wq, &dev->del_work);
	wait_for_completion(&dev->gone);
	enbd_device_put(dev);
}

/**
 * enbd_device_publish() - let everybody see the device
 * @dev:    with at least one channel; the caller has a reference afterwards
 * @extack: told why not
 *
 * Waits for partitions to be read, ENBD_PATIENCE at most; longer than that it
 * goes on by itself.
 *
 * Context: process. Return: 0, -EINTR if the caller is being killed, or why
 * the disk could not be made; then the device is going away.
 */
int enbd_device_publish(struct enbd_device *dev,
			struct netlink_ext_ack *extack)
{
	int err = 0;

	kref_get(&dev->ref);
	set_bit(ENBD_DEVICE_PUBLISHED, &dev->bits);
	xa_store(&enbd_devices, dev->index, dev, GFP_KERNEL);
	queue_work(enbd_device_wq, &dev->add_work);
	if (wait_for_completion_killable_timeout(&dev->added,
						 ENBD_PATIENCE) < 0)
		err = -EINTR;
	else if (completion_done(&dev->added) && dev->add_err) {
		NL_SET_ERR_MSG(extack, "cannot make the disk, see the kernel's log");
		err = dev->add_err;
	}
	return err;
}

/*
 * Mark the device as going away unless somebody has it open. Opening holds
 * open_mutex while partitions are read, so do not wait long for it.
 */
static int device_mark(struct enbd_device *dev, bool *first,
		       struct netlink_ext_ack *extack)
{
	struct gendisk *disk = enbd_disk_get(dev);
	unsigned int i;
	int err = 0;

	*first = false;
	if (!disk)
		return 0;
	for (i = 0; !mutex_trylock(&disk->open_mutex); i++) {
		if (i == 500 || fatal_signal_pending(current)) {
			NL_SET_ERR_MSG(extack,
				       "the device is being opened, try again or use force");
			err = -EBUSY;
			goto out;
		}
		usleep_range(1000, 2000);
	}
	if (!disk_openers(disk)) {
		*first = !test_and_set_bit(ENBD_DEVICE_DELETING, &dev->bits);
	} else if (!test_bit(ENBD_DEVICE_DELETING, &dev->bits)) {
		NL_SET_ERR_MSG(extack,
			       "the device is in use: unmount it or stop what has it open, or use force");
		err = -EBUSY;
	}
	mutex_unlock(&disk->open_mutex);
out:
	put_disk(disk);
	return err;
}

/* Begin to remove a device; as enbd_device_del(), but does not wait. */
static int device_del_begin(struct enbd_device *dev, bool force,
			    struct netlink_ext_ack *extack)
{
	bool first;
	int err;

	if (force) {
		set_bit(ENBD_DEVICE_FORCED, &dev->bits);
		first = !test_and_set_bit(ENBD_DEVICE_DELETING, &dev->bits);
		enbd_session_fail(&dev->session);
	} else {
		err = device_mark(dev, &first, extack);
		if (err)
			return err;
		enbd_session_close(&dev->session);
	}
	if (first)
		queue_work(enbd_device_wq, &dev->del_work);
	return 0;
}

/**
 * enbd_device_del() - remove a device
 * @dev:    the device, the caller has a reference
 * @force:  although somebody has it open or requests wait: they fail
 * @extack: told why not
 *
 * Context: process. Return: 0 when it is gone, -EBUSY if it is in use,
 * -EINPROGRESS if it takes longer than ENBD_PATIENCE and goes on by itself
 * (then force makes an end of it).
 */
int enbd_device_del(struct enbd_device *dev, bool force,
		    struct netlink_ext_ack *extack)
{
	int err = device_del_begin(dev, force, extack);

	if (err)
		return err;
	if (wait_for_completion_killable_timeout(&dev->gone,
						 ENBD_PATIENCE) > 0)
		return 0;
	if (force)
		NL_SET_ERR_MSG(extack, "the device is being removed, which takes long");
	else
		NL_SET_ERR_MSG(extack,
			       "the device is being removed but waits for the server, force ends that");
	return -EINPROGRESS;
}

static void remove_all_begin(bool force)
{
	struct enbd_device *dev;
	unsigned long index;

	for (index = 0; (dev = enbd_device_next(&index)); index++) {
		/* if partitions are being read, and whoever does that waits */
		if (device_del_begin(dev, force, NULL))
			device_del_begin(dev, true, NULL);
		enbd_device_put(dev);
	}
}

/* Wait for all to be gone, in jiffies, or for the caller to be killed. */
static void remove_all_wait(long left)
{
	struct enbd_device *dev;
	unsigned long index;

	for (index = 0; left > 0 && (dev = enbd_device_next(&index)); index++) {
		left = wait_for_completion_killable_timeout(&dev->gone, left);
		enbd_device_put(dev);
	}
}

/*
 * The module goes away: so do all devices. Nobody has one open. All at the same
 * time, or each with a silent server would cost ENBD_PATIENCE.
 */
void enbd_device_remove_all(void)
{
	struct enbd_device *dev;
	unsigned long index;

	remove_all_begin(false);
	remove_all_wait(ENBD_PATIENCE);
	remove_all_begin(true);
	for (index = 0; (dev = enbd_device_next(&index)); index++) {
		wait_for_completion(&dev->gone);
		enbd_device_put(dev);
	}
}
