/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <stdlib.h>

#define GFP_KERNEL	0
#define __GFP_RETRY_MAYFAIL	0

/* A test sets it: so many allocations succeed, the next does not. */
static int shim_alloc_left = -1;

static inline void *kzalloc(size_t size, int gfp)
{
	(void)gfp;
	if (!shim_alloc_left)
		return NULL;
	if (shim_alloc_left > 0)
		shim_alloc_left--;
	return calloc(1, size);
}

#define kvzalloc(size, gfp)	kzalloc(size, gfp)
#define kfree(p)		free(p)
#define kvfree(p)		free(p)

#endif /* SHIM_LINUX_SLAB_H */
