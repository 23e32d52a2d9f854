// SPDX-License-Identifier: GPL-2.0
/* before 6.14: merging has to be asked for */
#include <linux/blk-mq.h>

const unsigned int probe = BLK_MQ_F_SHOULD_MERGE;
