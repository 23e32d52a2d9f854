/* SPDX-License-Identifier: GPL-2.0 */
/* Multicast events: userspace is told what happened to devices and channels. */
#ifndef ENBD_NOTIFY_H
#define ENBD_NOTIFY_H

#include <linux/types.h>
#include <linux/enbd.h>

struct enbd_channel;

void enbd_notify_device(u32 index, const char *name, enum enbd_event event,
			u32 state, u64 size, const char *reason);
void enbd_notify_channel(u32 index, const struct enbd_channel *ch,
			 enum enbd_event event);

void enbd_notify_place(u32 device, const char *name, u32 index, u32 incarnation,
		       enum enbd_event event, u32 stall);

#endif /* ENBD_NOTIFY_H */
