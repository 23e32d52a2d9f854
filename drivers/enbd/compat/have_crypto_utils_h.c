// SPDX-License-Identifier: GPL-2.0
/* 6.7: crypto_memneq() moved out of crypto/algapi.h */
#include <crypto/utils.h>

int probe(const void *a, const void *b)
{
	return crypto_memneq(a, b, 16);
}
