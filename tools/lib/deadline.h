/* SPDX-License-Identifier: GPL-2.0 */
/* Waiting for a socket, but not beyond a point in time. */
#ifndef ENBD_DEADLINE_H
#define ENBD_DEADLINE_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC */
uint64_t enbd_now_ms(void);

/**
 * enbd_poll() - wait until a descriptor is ready or the time is over
 * @fd: any pollable descriptor
 * @events: POLLIN or POLLOUT
 * @deadline: of enbd_now_ms()
 *
 * Return: 0, -ETIMEDOUT, or what poll() failed with. Errors of the
 * descriptor itself count as ready.
 */
int enbd_poll(int fd, short events, uint64_t deadline);

#endif /* ENBD_DEADLINE_H */
