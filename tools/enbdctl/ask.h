/* SPDX-License-Identifier: GPL-2.0 */
/* Asking the server of a device about its export. */
#ifndef ENBDCTL_ASK_H
#define ENBDCTL_ASK_H

#include "client.h"
#include "nl_msg.h"

/**
 * ask_device() - what the server of a device says about its export now
 * @device: as the driver has it
 * @opts: how to connect; the way out is chosen here
 * @export: receives it
 * @err: receives what went wrong on the first way; ENBD_EXIT_IDENTITY if one leads
 *       to another server, or to one of which nobody can say that it is the right one
 *
 * The ways of its channels are tried in turn. Of a server that shows no signature
 * only the export's name tells that it is the right one.
 *
 * Return: 0 or -1.
 */
int ask_device(const struct device *device, const struct enbd_client_opts *opts,
	       struct enbd_export *export, struct enbd_err *err);

#endif /* ENBDCTL_ASK_H */
