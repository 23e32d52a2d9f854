// SPDX-License-Identifier: GPL-2.0
/* 6.17: a workqueue says that it is bound to CPUs */
#include <linux/workqueue.h>

const unsigned int probe = WQ_PERCPU;
