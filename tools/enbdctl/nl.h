/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Talking generic netlink with the driver: one socket, one request at a time.
 * What is in the messages is the business of nl_msg.h.
 */
#ifndef ENBDCTL_NL_H
#define ENBDCTL_NL_H

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* Room for 64 channels, a URI and an export name */
#define NL_REQUEST_SIZE		16384

/**
 * struct nl - a socket to the driver
 * @sock: NULL when closed
 * @family: number of the family "enbd"
 * @group: number of its multicast group
 * @seq: of the last request
 */
struct nl {
	struct mnl_socket *sock;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
};

/**
 * nl_open() - open a socket and find the driver
 * @nl: need not be initialised
 * @load: try to load the module when it is not there
 * @err: receives ENBD_EXIT_KERNEL when there is no driver
 *
 * Return: 0, or -1 with nothing left open.
 */
int nl_open(struct nl *nl, bool load, struct enbd_err *err);

void nl_close(struct nl *nl);

/**
 * nl_begin() - start a request
 * @nl: open
 * @buf: NL_REQUEST_SIZE bytes, aligned for struct nlmsghdr
 * @cmd: ENBD_NL_*
 * @dump: ask for all objects instead of one
 *
 * Return: the header, to put attributes behind.
 */
struct nlmsghdr *nl_begin(const struct nl *nl, void *buf, uint8_t cmd,
			  bool dump);

/**
 * nl_run() - send a request and wait until the driver has answered
 * @nl: open
 * @req: from nl_begin()
 * @each: called for every answer that carries data, may be NULL; -1 with
 *        @err filled ends the call
 * @arg: for @each
 * @err: receives the driver's reason and attribute
 *
 * A dump that was disturbed by a change is not repeated: @each would see
 * objects twice. It fails with *@again set.
 *
 * Return: 0 or -1.
 */
int nl_run(struct nl *nl, struct nlmsghdr *req,
	   int (*each)(void *arg, const struct nlmsghdr *nlh,
		       struct enbd_err *err),
	   void *arg, bool *again, struct enbd_err *err);

/* Is that a message about the driver's family? */
bool nl_is_ours(const struct nlmsghdr *nlh);

/**
 * nl_listen() - from now on receive what happens to devices and channels
 * @nl: open, and used for nothing else then
 * @err: receives ENBD_EXIT_KERNEL
 *
 * Return: 0 or -1.
 */
int nl_listen(struct nl *nl, struct enbd_err *err);

/**
 * nl_listen_end() - have nl_hear() fail when the driver goes
 * @nl: after nl_listen()
 * @err: receives ENBD_EXIT_KERNEL
 *
 * Return: 0 or -1.
 */
int nl_listen_end(struct nl *nl, struct enbd_err *err);

/**
 * nl_hear() - wait for the next events
 * @nl: after nl_listen()
 * @each: called for each of them; -1 with @err filled ends the call
 * @arg: for @each
 * @lost: set if the kernel had more events than there was room for
 * @err: receives what went wrong
 *
 * Return: 0 or -1.
 */
int nl_hear(struct nl *nl,
	    int (*each)(void *arg, const struct nlmsghdr *nlh,
			struct enbd_err *err),
	    void *arg, bool *lost, struct enbd_err *err);

#endif /* ENBDCTL_NL_H */
