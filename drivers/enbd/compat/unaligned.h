/* SPDX-License-Identifier: GPL-2.0 */
/* get_unaligned_be32() and its like moved in 6.12; wire.c needs nothing else */
#ifndef ENBD_COMPAT_UNALIGNED_H
#define ENBD_COMPAT_UNALIGNED_H

#include "compat_have.h"

#ifdef HAVE_LINUX_UNALIGNED_H
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#endif /* ENBD_COMPAT_UNALIGNED_H */
