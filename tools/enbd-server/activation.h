/* SPDX-License-Identifier: GPL-2.0 */
/* What systemd hands to a service it starts: sockets, and where to say ready. */
#ifndef ENBD_SERVER_ACTIVATION_H
#define ENBD_SERVER_ACTIVATION_H

#include "error.h"

/**
 * activation_take() - the listening sockets that were passed (sd_listen_fds(3))
 * @fds: receives them, non-blocking and closed on exec
 * @max: how many have room
 * @err: says what is wrong with what was passed
 *
 * Call it once, in the process that was started: not after a fork. The
 * environment is forgotten.
 *
 * Return: how many, 0 if none were meant for this process, -1.
 */
int activation_take(int *fds, unsigned int max, struct enbd_err *err);

/* Tells the service manager, if there is one, that clients may connect. */
void activation_ready(void);

#endif /* ENBD_SERVER_ACTIVATION_H */
