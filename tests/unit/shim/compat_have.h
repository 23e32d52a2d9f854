/* SPDX-License-Identifier: GPL-2.0 */
/* What the probes would have found: linux/unaligned.h is in this folder. */
#define HAVE_LINUX_UNALIGNED_H 1
