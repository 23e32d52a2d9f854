/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices and channels as the driver's messages carry them
 * (Documentation/netlink/specs/enbd.yaml), to and from structs. No sockets.
 */
#ifndef ENBDCTL_NL_MSG_H
#define ENBDCTL_NL_MSG_H

#include <libmnl/libmnl.h>
#include <linux/enbd.h>
#include <stdbool.h>
#include <stdint.h>

#include "client.h"

#define MSG_ADDRESS_MAX		128
#define MSG_REASON_MAX		128

/* Members are named like the attributes; times are in milliseconds. */
struct device {
	uint32_t index;
	char name[ENBD_NAME_MAX];
	uint64_t size;
	uint32_t flags;
	uint32_t block_min;
	uint32_t block_pref;
	uint32_t block_max;
	bool read_only;
	char uri[ENBD_TEXT_MAX];
	char export[ENBD_TEXT_MAX];
	uint32_t hw_queues;
	uint32_t queue_depth;
	uint32_t io_timeout;
	uint32_t dead_timeout;
	uint32_t state;
	uint32_t openers;
	uint32_t parked;
	uint32_t max_sectors;
};

struct channel {
	uint32_t device_index;
	char device_name[ENBD_NAME_MAX];
	uint32_t index;
	uint32_t reply_format;
	uint32_t state;
	uint32_t hw_queue;
	char peer[MSG_ADDRESS_MAX];
	char local[MSG_ADDRESS_MAX];
	uint32_t incarnation;
	uint64_t requested;
	uint64_t dispatched;
	uint64_t errored;
	uint64_t retracted;
	uint32_t pending;
	uint64_t bytes_read;
	uint64_t bytes_written;
	char reason[MSG_REASON_MAX];
};

/**
 * struct event - something happened
 * @is_channel: to a channel, else to its device
 * @device: number of the device
 * @name: of its disk
 * @channel: number of the channel
 * @event: enum enbd_event
 * @state: enum enbd_channel_state or enum enbd_device_state
 * @size: of the device, bytes
 * @incarnation: of the channel
 * @reason: what led to it, or ""
 */
struct event {
	bool is_channel;
	uint32_t device;
	char name[ENBD_NAME_MAX];
	uint32_t channel;
	uint32_t event;
	uint32_t state;
	uint64_t size;
	uint32_t incarnation;
	char reason[MSG_REASON_MAX];
};

/**
 * struct device_options - what the user may ask of a new device
 * @index: its number, or -1 for the first free one
 * @read_only: refuse writes
 * @hw_queues: 0 for the driver's choice
 * @queue_depth: 0 for the driver's choice
 * @io_timeout: milliseconds, 0 for never, -1 for the driver's choice
 * @dead_timeout: milliseconds, 0 for never, -1 for the driver's choice
 */
struct device_options {
	int64_t index;
	bool read_only;
	uint32_t hw_queues;
	uint32_t queue_depth;
	int64_t io_timeout;
	int64_t dead_timeout;
};

/**
 * msg_put_device_add() - the attributes of DEVICE_ADD
 * @nlh: begun, with NL_REQUEST_SIZE bytes of room
 * @uri: where the device comes from
 * @options: what the user asked for
 * @channels: 1 to ENBD_MAX_CHANNELS of them, all offered the same export
 * @count: how many
 */
void msg_put_device_add(struct nlmsghdr *nlh, const struct enbd_uri *uri,
			const struct device_options *options,
			const struct enbd_channel *channels,
			unsigned int count);

/* The attributes of CHANNEL_ADD, for a free place of the device */
void msg_put_channel_add(struct nlmsghdr *nlh, uint32_t device_index,
			 const struct enbd_channel *channel);

/**
 * msg_get_device() - read an answer about a device
 * @nlh: with a generic netlink header
 * @device: receives what the answer has, the rest is 0
 *
 * Return: 0, or -1 when it is malformed or has no index.
 */
int msg_get_device(const struct nlmsghdr *nlh, struct device *device);

/* The same for a channel */
int msg_get_channel(const struct nlmsghdr *nlh, struct channel *channel);

/* The same for an event of either kind */
int msg_get_event(const struct nlmsghdr *nlh, struct event *event);

#endif /* ENBDCTL_NL_MSG_H */
