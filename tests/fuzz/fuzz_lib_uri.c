// SPDX-License-Identifier: GPL-2.0
/* Any text as an address; what is taken must be taken again in canonical form. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"
#include "uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct enbd_uri uri, again;
	struct enbd_err err;
	uint64_t bytes;
	uint32_t ms;
	char server[64], *text;

	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (!enbd_uri_parse(text, &uri, &err)) {
		enbd_uri_server(&uri, server, sizeof(server));
		if (enbd_uri_parse(uri.text, &again, &err) ||
		    strcmp(uri.host, again.host) ||
		    strcmp(uri.port, again.port) ||
		    strcmp(uri.socket, again.socket) ||
		    strcmp(uri.export, again.export))
			abort();
	}
	if (!enbd_uri_from_host(text, NULL, &uri, &err) &&
	    (enbd_uri_parse(uri.text, &again, &err) ||
	     strcmp(uri.host, again.host)))
		abort();
	if (!enbd_parse_size(text, &bytes) && bytes > INT64_MAX)
		abort();
	enbd_parse_seconds(text, &ms);
	free(text);
	return 0;
}
