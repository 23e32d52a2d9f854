/* SPDX-License-Identifier: GPL-2.0 */
/* The driver's refusals: errno, text and attribute (extended acknowledgment) */
#ifndef ENBDCTL_NL_ERROR_H
#define ENBDCTL_NL_ERROR_H

#include <libmnl/libmnl.h>

#include "error.h"

/**
 * nl_error_number() - the errno in an NLMSG_ERROR or NLMSG_DONE
 *
 * Return: a positive errno, 0 for success.
 */
int nl_error_number(const struct nlmsghdr *nlh);

/* The exit code that an errno of the driver deserves */
int nl_error_exit(int error);

/**
 * nl_error_fill() - turn a refusal into an error
 * @nlh: the refusal
 * @req: what was refused, to find the attribute in
 * @error: from nl_error_number(), not 0
 * @err: receives it
 *
 * Return: -1.
 */
int nl_error_fill(const struct nlmsghdr *nlh, const struct nlmsghdr *req,
		  int error, struct enbd_err *err);

/**
 * nl_attr_at() - name the attribute at an offset of a request
 * @req: the request
 * @offset: bytes from the start of the message
 *
 * Return: name as in the netlink specification, NULL if there is none.
 */
const char *nl_attr_at(const struct nlmsghdr *req, uint32_t offset);

#endif /* ENBDCTL_NL_ERROR_H */
