/* SPDX-License-Identifier: GPL-2.0 */
/* Block devices have other numbers after a reboot. By what are they known then? */
#ifndef ENBD_SERVER_DISK_NAME_H
#define ENBD_SERVER_DISK_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Where the folders of block devices are, by their numbers */
#define DISK_SYSFS	"/sys/dev/block/%u:%u"

/**
 * disk_name() - what a block device is called in each boot of the machine
 * @sysfs: its folder in sysfs
 * @name: receives it
 * @size: bytes at @name
 *
 * A disk made anew at each boot, such as a loop device, has no such name.
 *
 * Return: false if there is none.
 */
bool disk_name(const char *sysfs, char *name, size_t size);

#endif /* ENBD_SERVER_DISK_NAME_H */
