/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ENBDCTL_MODULE_H
#define ENBDCTL_MODULE_H

#include <stdbool.h>

#include "error.h"

/**
 * module_load() - have modprobe load the driver
 * @err: receives ENBD_EXIT_KERNEL and what to do
 *
 * Return: 0 or -1.
 */
int module_load(struct enbd_err *err);

/*
 * Is the driver there, or coming, and not going, as far as can be told? Asks only
 * sysfs: whoever asks generic netlink for a driver that is not there has the kernel
 * load it.
 */
bool module_there(void);

#endif /* ENBDCTL_MODULE_H */
