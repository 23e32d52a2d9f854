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
	uint32_t features;
	uint32_t keepalive;
	uint32_t replay;
	uint32_t fencing;
	uint32_t held;
	uint64_t region_size;
	uint64_t unflushed;
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
	bool unfenced;
	uint32_t stall;
};

/**
 * struct reservation - what the next connection of a device will be
 * @index: its place
 * @incarnation: to be bound with and handed over with
 * @session: of the device
 * @features: ENBD_FEATURE_* it must have, 0 for a server without the extension
 */
struct reservation {
	uint32_t index;
	uint32_t incarnation;
	uint8_t session[ENBD_SESSION_ID_LEN];
	uint32_t features;
};

/* A range of bytes whose acknowledged writes may be lost */
struct lost {
	uint64_t offset;
	uint64_t length;
};

/**
 * struct event - something happened
 * @is_channel: to a channel, else to its device
 * @device: number of the device
 * @name: of its disk
 * @channel: number of the channel
 * @event: enum enbd_event
 * @has_state: it tells the state; what becomes of a lost channel's writes does not
 * @state: enum enbd_channel_state or enum enbd_device_state
 * @size: of the device, bytes
 * @incarnation: of the channel
 * @reason: what led to it, or ""
 * @stall: how long a lost channel's requests waited, microseconds
 */
struct event {
	bool is_channel;
	uint32_t device;
	char name[ENBD_NAME_MAX];
	uint32_t channel;
	uint32_t event;
	bool has_state;
	uint32_t state;
	uint64_t size;
	uint32_t incarnation;
	char reason[MSG_REASON_MAX];
	uint32_t stall;
};

/**
 * struct device_options - what the user may ask of a new device
 * @index: its number, or -1 for the first free one
 * @read_only: refuse writes
 * @hw_queues: 0 for the driver's choice
 * @queue_depth: 0 for the driver's choice
 * @io_timeout: milliseconds, 0 for never, -1 for the driver's choice
 * @dead_timeout: milliseconds, 0 for never, -1 for the driver's choice
 * @keepalive: milliseconds, 0 for never, -1 for the driver's choice
 * @replay: enum enbd_replay, -1 for the driver's choice
 * @session: identity of the device's session, chosen by this program
 * @signature: the one the server must show, or NULL for the first shown
 */
struct device_options {
	int64_t index;
	bool read_only;
	uint32_t hw_queues;
	uint32_t queue_depth;
	int64_t io_timeout;
	int64_t dead_timeout;
	int64_t keepalive;
	int64_t replay;
	uint8_t session[ENBD_SESSION_ID_LEN];
	const uint8_t *signature;
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

/* The attributes of CHANNEL_ADD; @place as it was reserved */
void msg_put_channel_add(struct nlmsghdr *nlh, uint32_t device_index,
			 const struct reservation *place,
			 const struct enbd_channel *channel);

/* The attributes of DEVICE_SET that @options has and that can be changed */
void msg_put_device_set(struct nlmsghdr *nlh, uint32_t device_index,
			const struct device_options *options);

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

/* The same for the answer to CHANNEL_RESERVE, which has to be complete */
int msg_get_reservation(const struct nlmsghdr *nlh, struct reservation *place);

/* The same for a range of LOST_GET */
int msg_get_lost(const struct nlmsghdr *nlh, struct lost *lost);

/* The same for an event of either kind */
int msg_get_event(const struct nlmsghdr *nlh, struct event *event);

#endif /* ENBDCTL_NL_MSG_H */
