/* SPDX-License-Identifier: GPL-2.0 */
/* Names of devices: number 0 is nda, 25 ndz, 26 ndaa, as with other disks. */
#ifndef ENBDCTL_DEVNAME_H
#define ENBDCTL_DEVNAME_H

#include <linux/enbd.h>
#include <stdint.h>

#include "error.h"

/**
 * devname_index() - the number of a device that the user names
 * @text: "nda", "/dev/nda", or a link to /dev/nda
 * @index: receives the number
 * @err: receives ENBD_EXIT_USAGE, or ENBD_EXIT_NOT_CONNECTED for a link that leads
 *       nowhere
 *
 * Whether there is such a device is not looked at.
 *
 * Return: 0 or -1.
 */
int devname_index(const char *text, uint32_t *index, struct enbd_err *err);

/**
 * devname_format() - the name of a device
 * @index: its number
 * @name: receives it, without /dev/
 *
 * Return: @name.
 */
char *devname_format(uint32_t index, char name[ENBD_NAME_MAX]);

#endif /* ENBDCTL_DEVNAME_H */
