// SPDX-License-Identifier: GPL-2.0
#include "nl_error.h"

#include <errno.h>
#include <linux/enbd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "netlink_tables.h"

/* No errno of the kernel is larger. */
#define MAX_ERRNO	4095

int nl_error_number(const struct nlmsghdr *nlh)
{
	int error;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(error))
		return nlh->nlmsg_type == NLMSG_ERROR ? EBADMSG : 0;
	memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	/* A success is 0, the kernel's errors are negative. */
	return error > 0 || error < -MAX_ERRNO ? EBADMSG : -error;
}

int nl_error_exit(int error)
{
	switch (error) {
	case EEXIST:
	case EBUSY:
		return ENBD_EXIT_BUSY;
	case ENODEV:
		return ENBD_EXIT_NOT_CONNECTED;
	case EKEYREJECTED:
		return ENBD_EXIT_IDENTITY;
	case ENOMEM:
	case EOPNOTSUPP:
	case ENOSYS:
	case EBADMSG:
		return ENBD_EXIT_KERNEL;
	default:
		return ENBD_EXIT_GENERAL;
	}
}

static bool is_channel_command(const struct nlmsghdr *req)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(req);

	return genl->cmd == ENBD_NL_CHANNEL_ADD ||
	       genl->cmd == ENBD_NL_CHANNEL_GET ||
	       genl->cmd == ENBD_NL_CHANNEL_DEL ||
	       genl->cmd == ENBD_NL_CHANNEL_RESERVE;
}

static const char *attr_name(bool channel, unsigned int type)
{
	if (channel)
		return type <= ENBD_A_CHANNEL_MAX ?
			enbd_channel_attrs[type].name : NULL;
	return type <= ENBD_A_DEVICE_MAX ? enbd_device_attrs[type].name : NULL;
}

const char *nl_attr_at(const struct nlmsghdr *req, uint32_t offset)
{
	const char *start = (const char *)req;
	const bool channel = is_channel_command(req);
	const struct nlattr *attr, *inner;
	uint32_t at;

	mnl_attr_for_each(attr, req, GENL_HDRLEN) {
		at = (uint32_t)((const char *)attr - start);
		if (offset < at || offset >= at + mnl_attr_get_len(attr))
			continue;
		if (offset == at || channel ||
		    mnl_attr_get_type(attr) != ENBD_A_DEVICE_CHANNEL)
			return attr_name(channel, mnl_attr_get_type(attr));
		mnl_attr_for_each_nested(inner, attr)
			if (offset == (uint32_t)((const char *)inner - start))
				return attr_name(true, mnl_attr_get_type(inner));
		return attr_name(false, ENBD_A_DEVICE_CHANNEL);
	}
	return NULL;
}

/* Where the attributes of an acknowledgment begin, 0 if there are none */
static size_t attrs_at(const struct nlmsghdr *nlh)
{
	size_t at = sizeof(int);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return 0;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
			return 0;
		at = sizeof(*e);
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
			if (e->msg.nlmsg_len < NLMSG_HDRLEN)
				return 0;
			at += MNL_ALIGN(e->msg.nlmsg_len - NLMSG_HDRLEN);
		}
	}
	return at <= mnl_nlmsg_get_payload_len(nlh) ? at : 0;
}

int nl_error_fill(const struct nlmsghdr *nlh, const struct nlmsghdr *req,
		  int error, struct enbd_err *err)
{
	const char *text = NULL, *name = NULL, *remedy = "";
	const size_t at = attrs_at(nlh);
	const struct nlattr *attr;

	if (at) {
		mnl_attr_for_each(attr, nlh, (unsigned int)at) {
			switch (mnl_attr_get_type(attr)) {
			case NLMSGERR_ATTR_MSG:
				if (mnl_attr_validate(attr,
						      MNL_TYPE_NUL_STRING) >= 0)
					text = mnl_attr_get_str(attr);
				break;
			case NLMSGERR_ATTR_OFFS:
				if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
					name = nl_attr_at(req,
							  mnl_attr_get_u32(attr));
				break;
			}
		}
	}
	if (error == EPERM || error == EACCES)
		remedy = "; run it as root (CAP_NET_ADMIN)";
	if (error == EOPNOTSUPP)
		remedy = "; the module is older than this program";
	enbd_fail(err, nl_error_exit(error), "%s%s%s%s%s",
		  text ? text : strerror(error), name ? " (" : "",
		  name ? name : "", name ? ")" : "", remedy);
	err->error = error;
	return -1;
}
