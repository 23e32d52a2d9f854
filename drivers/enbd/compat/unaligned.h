/* SPDX-License-Identifier: GPL-2.0 */
/* get_unaligned_be32() and its like moved in 6.12; wire.c needs nothing else */
#ifndef ENBD_COMPAT_UNALIGNED_H
#define ENBD_COMPAT_UNALIGNED_H

#if __has_include(<linux/unaligned.h>)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#endif /* ENBD_COMPAT_UNALIGNED_H */
