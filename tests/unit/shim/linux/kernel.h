/* SPDX-License-Identifier: GPL-2.0 */
/* What the driver's pure code takes from <linux/kernel.h>. */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <linux/types.h>

#define U32_MAX		((u32)~0U)
#define U64_MAX		((u64)~0ULL)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif /* SHIM_LINUX_KERNEL_H */
