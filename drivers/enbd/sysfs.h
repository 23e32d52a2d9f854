/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /sys/block/ndX/enbd/ and /sys/block/ndX/channelN/: what the device and its
 * channels are like, read-only. Everything is changed through netlink.
 */
#ifndef ENBD_SYSFS_H
#define ENBD_SYSFS_H

#include <linux/sysfs.h>

struct enbd_device;

extern const struct attribute_group *enbd_sysfs_groups[];

void enbd_sysfs_refresh(struct enbd_device *dev);

#endif /* ENBD_SYSFS_H */
