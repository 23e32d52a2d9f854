/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device: the disk that the machine sees, above a session.
 */
#ifndef ENBD_DEVICE_H
#define ENBD_DEVICE_H

#include <linux/blk-mq.h>
#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/xarray.h>

#include "session.h"

/*
 * A server that answers nothing for so long is not coming back, milliseconds.
 * Without it a silent one would hold up I/O for ever.
 */
#define ENBD_DEFAULT_IO_TIMEOUT	30000

/* Silence after which a path is dead, milliseconds; the least that can be set */
#define ENBD_DEFAULT_KEEPALIVE	5000
#define ENBD_MIN_KEEPALIVE	100

/* Bits of enbd_device.bits */
enum {
	ENBD_DEVICE_PUBLISHED,	/* userspace knows of it */
	ENBD_DEVICE_ADDED,	/* the disk is visible */
	ENBD_DEVICE_DELETING,	/* nobody may open it any more */
	ENBD_DEVICE_FORCED,	/* removed without regard to who uses it */
};

/**
 * struct enbd_device_config - what a device is made from
 * @index:      number wanted, or -1
 * @size:       bytes
 * @flags:      transmission flags of the server, ENBD_FLAG_*
 * @block_min:  the server's block sizes in bytes, 0 if it said nothing
 * @block_pref: see @block_min
 * @block_max:  see @block_min
 * @read_only:  refuse writes even if the server takes them
 * @uri:        for the tools, may be NULL
 * @export:     for the tools, may be NULL
 * @hw_queues:  hardware queues, 0 for one per CPU
 * @depth:      tags of each, 0 for the default
 * @io_timeout: milliseconds, 0 never
 * @dead_timeout: milliseconds, 0 never
 * @keepalive:  milliseconds, 0 never
 * @replay:     enum enbd_replay
 * @session_id: ENBD_SESSION_ID_LEN bytes, or NULL for one of our own
 * @signature: ENBD_SIGNATURE_LEN bytes that the server must show, or NULL
 */
struct enbd_device_config {
	int index;
	u64 size;
	u32 flags;
	u32 block_min;
	u32 block_pref;
	u32 block_max;
	bool read_only;
	const char *uri;
	const char *export;
	u32 hw_queues;
	u32 depth;
	u32 io_timeout;
	u32 dead_timeout;
	u32 keepalive;
	u32 replay;
	const u8 *session_id;
	const u8 *signature;
};

/**
 * struct enbd_device - see above
 * @session: what serves it
 * @ref:     the registry, the visible disk, and whoever looks at it
 * @index:   number; constant
 * @name:    of the disk; constant
 * @disk:    NULL when it is gone; under @lock, see enbd_disk_get()
 * @tag_set: of @disk
 * @size:    bytes of the export; under @lock
 * @config:  constant but for the timeouts, strings are ours
 * @bits:    ENBD_DEVICE_*
 * @lock:    owns @disk, changes of size and timeouts, @channel_dir
 * @channel_dir: sysfs directories of channels
 * @offered: most bytes that the server ever said the export has, or less since
 *           somebody set the size by hand
 * @said:    what it said last
 * @resize_work: makes them the size of the device
 * @uevent_work: tells udev the state; never under a lock that recovery needs
 * @add_work: makes the disk visible, which reads its partitions
 * @del_work: takes everything down
 * @added:   @add_work has run
 * @gone:    @del_work has run
 * @add_err: what @add_work ended with
 */
struct enbd_device {
	struct enbd_session session;
	struct kref ref;
	u32 index;
	char name[ENBD_NAME_MAX];
	struct gendisk *disk;
	struct blk_mq_tag_set tag_set;
	u64 size;
	struct enbd_device_config config;
	unsigned long bits;
	struct mutex lock;	/* see above */
	struct kobject *channel_dir[ENBD_MAX_CHANNELS];
	u64 offered;
	u64 said;
	struct work_struct resize_work;
	struct work_struct uevent_work;
	struct work_struct add_work;
	struct work_struct del_work;
	struct completion added;
	struct completion gone;
	int add_err;
};

int enbd_device_global_init(void);
void enbd_device_global_exit(void);
void enbd_device_remove_all(void);

struct enbd_device *enbd_device_new(const struct enbd_device_config *cfg,
				    const char **why, int *attr);
int enbd_device_publish(struct enbd_device *dev,
			struct netlink_ext_ack *extack);
void enbd_device_abandon(struct enbd_device *dev);
int enbd_device_del(struct enbd_device *dev, bool force,
		    struct netlink_ext_ack *extack);
int enbd_device_resize(struct enbd_device *dev, u64 size, const char **why);
const char *enbd_device_judge_size(const struct enbd_device *dev, u64 size);
void enbd_device_offer(struct enbd_device *dev, u64 size);
int enbd_device_accept(struct enbd_device *dev,
		       struct netlink_ext_ack *extack);
void enbd_device_set_io_timeout(struct enbd_device *dev, u32 ms);

struct enbd_device *enbd_device_get(u32 index);
struct enbd_device *enbd_device_next(unsigned long *index);
void enbd_device_put(struct enbd_device *dev);
u32 enbd_device_state(const struct enbd_device *dev);

const char *enbd_device_check(const struct enbd_device_config *c, int *attr);

/* Between device.c and device_set.c */
void enbd_device_queue(struct enbd_device *dev, struct work_struct *work);
void enbd_device_notify(struct enbd_device *dev, enum enbd_event event,
			const char *reason);
void enbd_device_resize_work(struct work_struct *work);

#endif /* ENBD_DEVICE_H */
