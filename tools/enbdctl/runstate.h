/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is remembered of a connected device, so that the monitor can connect
 * its channels again in the same way: one file a device in /run/enbd (or
 * ENBD_RUN_DIR). Files are replaced as a whole; one that is missing, damaged,
 * of another session, or not root's own is as good as none: then there is
 * still the URI that the driver keeps.
 */
#ifndef ENBDCTL_RUNSTATE_H
#define ENBDCTL_RUNSTATE_H

#include <linux/enbd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define RUNSTATE_DIR		"/run/enbd"
#define RUNSTATE_BIND_MAX	64	/* an address or interface, with the NUL */

/**
 * struct runstate_channel - how a channel is to be connected
 * @uri: "" where nothing is known of this place
 * @bind: way out of this host, "" if the routing decides
 */
struct runstate_channel {
	char uri[ENBD_TEXT_MAX];
	char bind[RUNSTATE_BIND_MAX];
};

/**
 * struct runstate - what is remembered of a device
 * @session: its session; a file with another one is of an earlier device
 * @timeout_ms: for dialling and handshake of a channel
 * @limit: enum enbd_reply_format, most capable framing to ask for
 * @channels: by place
 */
struct runstate {
	uint8_t session[ENBD_SESSION_ID_LEN];
	uint32_t timeout_ms;
	uint32_t limit;
	struct runstate_channel channels[ENBD_MAX_CHANNELS];
};

/* Where the files are */
const char *runstate_dir(void);

/**
 * runstate_read() - what is known of a device
 * @name: of the disk
 * @state: receives it
 * @err: receives why there is nothing
 *
 * Return: 0, -1 if the file cannot be used, 1 if there is none.
 */
int runstate_read(const char *name, struct runstate *state,
		  struct enbd_err *err);

/**
 * runstate_write() - remember a new device
 * @name: of the disk; what was known of an earlier one is forgotten
 *
 * Return: 0 or -1.
 */
int runstate_write(const char *name, const struct runstate *state,
		   struct enbd_err *err);

/**
 * runstate_set_channel() - remember, or forget, one channel
 * @name: of the disk
 * @session: of the device; a file of another session is replaced, NULL to
 *           change only what is there
 * @place: of the channel
 * @channel: how it was connected, NULL to forget it
 *
 * Return: 0 or -1.
 */
int runstate_set_channel(const char *name, const uint8_t *session,
			 uint32_t place,
			 const struct runstate_channel *channel,
			 struct enbd_err *err);

/**
 * runstate_put() - keep a few bytes until the machine is switched off
 * @file: name of a file in the directory
 * @data: what replaces it
 * @len: bytes
 *
 * Return: 0 or -1.
 */
int runstate_put(const char *file, const void *data, size_t len,
		 struct enbd_err *err);

/* Get exactly so many back. Return: 0, -1 if they are not there. */
int runstate_get(const char *file, void *data, size_t len);

/**
 * runstate_get_all() - get a file back, however large it is
 * @file: name of a file in the directory
 * @data: receives it, with a NUL behind it, to be freed
 * @len: receives its bytes
 * @err: receives why it cannot be used
 *
 * Return: 0, -1, or 1 if there is none.
 */
int runstate_get_all(const char *file, char **data, size_t *len,
		     struct enbd_err *err);

/* Remove a file; that there is none is no failure. */
void runstate_drop(const char *file);

/**
 * struct runstate_id - which device a file is of
 * @known: is there one?
 * @session: of its device
 */
struct runstate_id {
	bool known;
	uint8_t session[ENBD_SESSION_ID_LEN];
};

/* Take note of it before the device is removed. */
void runstate_identify(const char *name, struct runstate_id *id);

/**
 * runstate_remove() - forget a device that was removed
 * @name: of the disk
 * @id: as it was before; who has the name by now keeps what is written since
 */
void runstate_remove(const char *name, const struct runstate_id *id);

/**
 * runstate_lock_monitor() - be the only monitor
 * @err: receives ENBD_EXIT_BUSY if there is one
 *
 * Return: a descriptor that holds the lock until it is closed, or -1.
 */
int runstate_lock_monitor(struct enbd_err *err);

/**
 * runstate_lock() - wait until nobody else does the same
 * @file: name of a file in the directory
 * @err: receives ENBD_EXIT_GENERAL
 *
 * Return: a descriptor that holds the lock until it is closed, or -1.
 */
int runstate_lock(const char *file, struct enbd_err *err);

/* The same, but do not wait. Return: the descriptor, or -1. */
int runstate_trylock(const char *file);

#endif /* ENBDCTL_RUNSTATE_H */
