/* SPDX-License-Identifier: GPL-2.0 */
/* Asking the driver what there is. */
#ifndef ENBDCTL_QUERY_H
#define ENBDCTL_QUERY_H

#include "nl.h"
#include "nl_msg.h"

/* Stands for "of all devices" where the number of one is asked for. */
#define QUERY_ALL	-1

/**
 * query_device() - one device
 * @nl: open
 * @index: its number
 * @device: receives it
 * @err: receives ENBD_EXIT_NOT_CONNECTED if there is none
 *
 * Return: 0 or -1.
 */
int query_device(struct nl *nl, uint32_t index, struct device *device,
		 struct enbd_err *err);

/**
 * query_named() - begin to work on a device that the user has named
 * @name: as the user wrote it
 * @nl: receives a socket to the driver, open on success
 * @device: receives the device
 * @err: receives what devname_index(), nl_open() and query_device() say
 *
 * Return: 0 or -1.
 */
int query_named(const char *name, struct nl *nl, struct device *device,
		struct enbd_err *err);

/**
 * query_devices() - all devices, by number
 * @nl: open
 * @list: receives an array to be freed, NULL if there are none
 * @count: receives how many
 * @err: receives what went wrong
 *
 * Return: 0 or -1.
 */
int query_devices(struct nl *nl, struct device **list, size_t *count,
		  struct enbd_err *err);

/**
 * query_channels() - channels, by device and number
 * @nl: open
 * @device_index: whose, or QUERY_ALL
 * @list: receives an array to be freed, NULL if there are none
 * @count: receives how many
 * @err: receives what went wrong
 *
 * Return: 0 or -1.
 */
int query_channels(struct nl *nl, int64_t device_index, struct channel **list,
		   size_t *count, struct enbd_err *err);

/**
 * query_lost() - ranges of a stale device whose writes may be lost
 * @nl: open
 * @device_index: whose
 * @list: receives an array to be freed, by offset, NULL if there are none
 * @count: receives how many
 * @err: receives what went wrong
 *
 * Return: 0 or -1.
 */
int query_lost(struct nl *nl, uint32_t device_index, struct lost **list,
	       size_t *count, struct enbd_err *err);

#endif /* ENBDCTL_QUERY_H */
