/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_CRYPTO_UTILS_H
#define SHIM_CRYPTO_UTILS_H

#include <string.h>

/* Whether they differ; how long it takes does not matter to a test. */
static inline unsigned long crypto_memneq(const void *a, const void *b,
					  size_t size)
{
	return memcmp(a, b, size) != 0;
}

#endif /* SHIM_CRYPTO_UTILS_H */
