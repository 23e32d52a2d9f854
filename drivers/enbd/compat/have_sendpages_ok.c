// SPDX-License-Identifier: GPL-2.0
/* 6.12: sendpages_ok() looks at all pages of a range */
#include <linux/net.h>

bool probe(struct page *page, size_t len, size_t offset)
{
	return sendpages_ok(page, len, offset);
}
