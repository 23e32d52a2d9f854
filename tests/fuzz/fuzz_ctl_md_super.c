// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/md_super.c */
/* Any bytes as a superblock of md, which a server may have made up. */
#include <stdlib.h>
#include <string.h>

#include "tools/enbdctl/md_super.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t block[MD_SUPER_SIZE] __attribute__((aligned(8)));
	static struct md_super super, other;

	memset(block, 0, sizeof(block));
	memcpy(block, data, size < sizeof(block) ? size : sizeof(block));
	if (md_super_parse(block, 8, &super))
		return 0;
	if (super.role >= 0 && !super.active[super.role])
		abort();
	other = super;
	if (!md_super_fits(&super, &other, 1))
		abort();
	return 0;
}
