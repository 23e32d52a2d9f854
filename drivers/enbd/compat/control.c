// SPDX-License-Identifier: GPL-2.0
/* Must compile everywhere: proves that a failing probe means a missing feature */
#include <linux/blk-mq.h>
#include <linux/hrtimer.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>
#include <net/tcp.h>
#include <net/tls.h>

void *probe(struct request *req, struct sock *sk, struct netlink_callback *cb)
{
	return req ? (void *)req : sk ? (void *)sk : (void *)cb;
}
