/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ENBDCTL_MODULE_H
#define ENBDCTL_MODULE_H

#include "error.h"

/**
 * module_load() - have modprobe load the driver
 * @err: receives ENBD_EXIT_KERNEL and what to do
 *
 * Return: 0 or -1.
 */
int module_load(struct enbd_err *err);

#endif /* ENBDCTL_MODULE_H */
