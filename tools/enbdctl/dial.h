/* SPDX-License-Identifier: GPL-2.0 */
/* Opening several channels to one export, spread over the ways out. */
#ifndef ENBDCTL_DIAL_H
#define ENBDCTL_DIAL_H

#include <linux/enbd.h>

#include "client.h"

#define DIAL_CHANNELS_DEFAULT	4

/**
 * struct dial - what to open
 * @uri: which export
 * @binds: ways out, used in turn
 * @bind_count: 0 to let the routing decide
 * @first: place in @binds to begin at
 * @channels: how many, 0 for as many as make sense
 * @client: the rest of how to connect; its @bind is set for each channel
 */
struct dial {
	struct enbd_uri uri;
	struct enbd_bind binds[ENBD_MAX_CHANNELS];
	unsigned int bind_count;
	unsigned int first;
	unsigned int channels;
	struct enbd_client_opts client;
};

/* No ways out, as many channels as make sense, the best framing */
void dial_init(struct dial *dial);

/**
 * dial_add_bind() - one more way out
 * @text: address or interface, kept
 *
 * Return: 0 or -1.
 */
int dial_add_bind(struct dial *dial, const char *text, struct enbd_err *err);

/**
 * dial_check() - options that contradict each other
 * @err: receives ENBD_EXIT_USAGE
 *
 * Return: 0 or -1.
 */
int dial_check(const struct dial *dial, struct enbd_err *err);

/**
 * dial_open() - open them all
 * @dial: what
 * @channels: room for ENBD_MAX_CHANNELS
 * @err: receives what went wrong
 *
 * All have been offered the same size, flags and block sizes, and the export
 * can become a disk.
 *
 * Return: how many are open, or -1 and none is.
 */
int dial_open(struct dial *dial, struct enbd_channel *channels,
	      struct enbd_err *err);

#endif /* ENBDCTL_DIAL_H */
