/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One more connection for a device: the driver names its place and its
 * incarnation, the server is told them, and the driver gets the socket. Who is
 * killed in between leaves a reservation that the next one replaces.
 */
#ifndef ENBDCTL_ATTACH_H
#define ENBDCTL_ATTACH_H

#include "client.h"
#include "nl.h"
#include "nl_msg.h"

/**
 * struct attach - a connection to be
 * @nl: open, not owned
 * @device: as it was right after the place was reserved
 * @place: what the driver said
 */
struct attach {
	struct nl *nl;
	struct device device;
	struct reservation place;
};

/* Any free or lost place */
#define ATTACH_ANYWHERE	-1

/**
 * attach_reserve() - ask for a place
 * @a: need not be initialised
 * @nl: open, used until the end
 * @device_index: number of the device
 * @place: number of the channel, or ATTACH_ANYWHERE
 * @err: receives ENBD_EXIT_NOT_CONNECTED if there is no such device; @error in
 *       it tells more
 *
 * Return: 0 or -1.
 */
int attach_reserve(struct attach *a, struct nl *nl, uint32_t device_index,
		   int64_t place, struct enbd_err *err);

/**
 * attach_connect() - connect, and hand the socket over
 * @a: after attach_reserve()
 * @uri: where to
 * @opts: how; features, place and fence in it are chosen here
 * @index: receives the number of the channel
 * @err: receives what went wrong. Of the driver's refusals, in @error:
 *       ESTALE somebody else has reserved the place since,
 *       EKEYREJECTED it is another server
 *
 * Return: 0 or -1.
 */
int attach_connect(struct attach *a, const struct enbd_uri *uri,
		   const struct enbd_client_opts *opts, uint32_t *index,
		   struct enbd_err *err);

#endif /* ENBDCTL_ATTACH_H */
