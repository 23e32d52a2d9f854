/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ENBDCTL_STALE_H
#define ENBDCTL_STALE_H

#include "error.h"

/**
 * stale_accept() - take responsibility for what a stale device may have lost
 * @name: of the device
 * @err: receives the driver's refusal
 *
 * Return: 0 or -1.
 */
int stale_accept(const char *name, struct enbd_err *err);

#endif /* ENBDCTL_STALE_H */
