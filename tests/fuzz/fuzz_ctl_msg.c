// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/nl_msg.c tools/enbdctl/nl_error.c */
/* Any bytes as an answer of the driver. */
#include <linux/genetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/enbdctl/nl_error.h"
#include "tools/enbdctl/nl_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const struct nlmsghdr *nlh)
{
	_Alignas(NLMSG_ALIGNTO) char buf[4096];
	struct nlmsghdr *req = mnl_nlmsg_put_header(memset(buf, 0, 256));
	struct genlmsghdr *genl;
	struct nlattr *nest;
	struct enbd_err err;

	genl = mnl_nlmsg_put_extra_header(req, sizeof(*genl));
	genl->cmd = ENBD_NL_DEVICE_ADD;
	mnl_attr_put_u32(req, ENBD_A_DEVICE_INDEX, 1);
	nest = mnl_attr_nest_start(req, ENBD_A_DEVICE_CHANNEL);
	mnl_attr_put_u32(req, ENBD_A_CHANNEL_FD, 1);
	mnl_attr_nest_end(req, nest);
	nl_error_number(nlh);
	nl_error_fill(nlh, req, 22, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct channel channel;
	static struct device device;
	static struct event event;
	struct nlmsghdr *nlh;
	char *copy;

	if (size < NLMSG_HDRLEN + GENL_HDRLEN)
		return 0;
	/* libmnl reads up to the alignment, which the receive buffer has. */
	copy = calloc(1, MNL_ALIGN(size));
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	nlh = (struct nlmsghdr *)copy;
	nlh->nlmsg_len = (uint32_t)size;
	msg_get_device(nlh, &device);
	msg_get_channel(nlh, &channel);
	msg_get_event(nlh, &event);
	answer(nlh);
	free(copy);
	return 0;
}
