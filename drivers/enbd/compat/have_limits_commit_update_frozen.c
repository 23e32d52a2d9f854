// SPDX-License-Identifier: GPL-2.0
/* 6.14: the commit of new limits freezes the queue itself */
#include <linux/blkdev.h>

int probe(struct request_queue *q, struct queue_limits *lim)
{
	return queue_limits_commit_update_frozen(q, lim);
}
