// SPDX-License-Identifier: GPL-2.0
/* 7.x: init_request() gets the NUMA node as int */
#include <linux/blk-mq.h>

static int probe_init(struct blk_mq_tag_set *set, struct request *rq,
		      unsigned int hctx_idx, int numa_node)
{
	return 0;
}

const struct blk_mq_ops probe = {
	.init_request = probe_init,
};
