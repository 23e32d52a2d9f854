/* SPDX-License-Identifier: GPL-2.0 */
/* What the driver's pure code takes from <linux/kernel.h>. */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <linux/types.h>

#define U8_MAX		((u8)~0U)
#define U16_MAX		((u16)~0U)
#define U32_MAX		((u32)~0U)
#define U64_MAX		((u64)~0ULL)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* As in the kernel, both of one type and looked at once */
#define min(a, b) __extension__ ({			\
	__typeof__(a) min_a = (a);			\
	__typeof__(b) min_b = (b);			\
	(void)(&min_a == &min_b);			\
	min_a < min_b ? min_a : min_b; })
#define max(a, b) __extension__ ({			\
	__typeof__(a) max_a = (a);			\
	__typeof__(b) max_b = (b);			\
	(void)(&max_a == &max_b);			\
	max_a > max_b ? max_a : max_b; })

#endif /* SHIM_LINUX_KERNEL_H */
