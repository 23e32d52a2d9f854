/* SPDX-License-Identifier: GPL-2.0 */
/* What the probes would have found: these headers are in this folder. */
#define HAVE_LINUX_UNALIGNED_H 1
#define HAVE_CRYPTO_UTILS_H 1
