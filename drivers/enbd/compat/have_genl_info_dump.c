// SPDX-License-Identifier: GPL-2.0
/* 6.6: a dump has a genl_info as a request has */
#include <net/genetlink.h>

const struct genl_info *probe(struct netlink_callback *cb)
{
	return genl_info_dump(cb);
}
