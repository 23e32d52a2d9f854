/* SPDX-License-Identifier: GPL-2.0 */
/* Opening several channels to one export, spread over the ways to it. */
#ifndef ENBDCTL_DIAL_H
#define ENBDCTL_DIAL_H

#include <linux/enbd.h>

#include "client.h"

#define DIAL_CHANNELS_DEFAULT	4
#define DIAL_PATHS_MAX		16

/**
 * struct dial - what to open
 * @paths: addresses of the export, used in turn
 * @path_count: at least 1
 * @binds: ways out of this host, used in turn
 * @bind_count: 0 to let the routing decide
 * @channels: how many, 0 for as many as make sense
 * @signature: the one that the server must show, or NULL
 * @client: the rest of how to connect; @bind and @place in it are set for each
 *          channel
 */
struct dial {
	struct enbd_uri paths[DIAL_PATHS_MAX];
	unsigned int path_count;
	struct enbd_bind binds[ENBD_MAX_CHANNELS];
	unsigned int bind_count;
	unsigned int channels;
	const uint8_t *signature;
	struct enbd_client_opts client;
};

/**
 * struct dial_result - what was opened
 * @session: a new one, to which each is bound, as channel 0 and so on
 * @channels: open ones, @count of them, all were offered the same export
 * @turn: for each place the turn that it belongs to; see dial_path()
 * @count: places in @channels
 * @wanted: places in @turn; those beyond @count could not be opened
 */
struct dial_result {
	uint8_t session[ENBD_EXT_SESSION_LEN];
	struct enbd_channel channels[ENBD_MAX_CHANNELS];
	unsigned int turn[ENBD_MAX_CHANNELS];
	unsigned int count;
	unsigned int wanted;
};

/* No ways, as many channels as make sense, the best framing */
void dial_init(struct dial *dial);

/**
 * dial_add_path() - one more address of the export
 * @text: a URI, or HOST[:PORT]; without a scheme the export, and without a
 *        port the port, are those of the first path
 * @err: receives ENBD_EXIT_USAGE, also where @text names another export than the
 *       first path does
 *
 * Return: 0 or -1.
 */
int dial_add_path(struct dial *dial, const char *text, struct enbd_err *err);

/**
 * dial_add_path_of() - one more address of an export that is known
 * @of: an address of it, which counts as the first path
 * @text: as above
 * @err: as above
 *
 * Return: 0 or -1.
 */
int dial_add_path_of(struct dial *dial, const struct enbd_uri *of,
		     const char *text, struct enbd_err *err);

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

/* The address and the way out (or NULL) of a turn */
const struct enbd_uri *dial_path(const struct dial *dial, unsigned int turn);
const struct enbd_bind *dial_bind(const struct dial *dial, unsigned int turn);

/**
 * dial_check_signature() - is it the server that is expected?
 * @channel: just opened
 * @server: its address, for the message
 * @signature: expected, or NULL if any is good
 * @err: receives ENBD_EXIT_IDENTITY and what was shown
 *
 * Return: 0 or -1.
 */
int dial_check_signature(const struct enbd_channel *channel,
			 const char *server, const uint8_t *signature,
			 struct enbd_err *err);

/**
 * dial_open() - open them all
 * @dial: what
 * @result: receives them
 * @err: receives what went wrong
 *
 * The export can become a disk. Fewer channels than wanted are opened, with a
 * note, if no number was asked for or there are several paths.
 *
 * Return: 0, or -1 and none is open.
 */
int dial_open(struct dial *dial, struct dial_result *result,
	      struct enbd_err *err);

#endif /* ENBDCTL_DIAL_H */
