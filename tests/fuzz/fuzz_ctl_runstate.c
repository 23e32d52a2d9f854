// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/runstate_json.c */
/* Any bytes as a file of /run/enbd. What is taken is written and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/enbdctl/runstate_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct runstate first, second;
	char *text;

	if (runstate_parse((const char *)data, size, &first))
		return 0;
	text = runstate_format(&first);
	if (!text || runstate_parse(text, strlen(text), &second))
		abort();
	if (memcmp(first.session, second.session, sizeof(first.session)) ||
	    first.timeout_ms != second.timeout_ms ||
	    first.limit != second.limit)
		abort();
	free(text);
	return 0;
}
