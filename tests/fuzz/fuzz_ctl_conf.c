// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/conf.c tools/enbdctl/dial.c tools/enbdctl/devname.c tools/enbdctl/verb.c tools/enbdctl/verb_options.c */
/* Any bytes as enbd.conf: it is taken, or there is an error with a place. */
#include <stdlib.h>
#include <string.h>

#include "tools/enbdctl/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct enbd_err err = { 0 };
	struct conf_device *d;
	struct conf conf;
	FILE *stream;
	int rc;

	if (!size)
		return 0;
	stream = fmemopen((void *)data, size, "r");
	if (!stream)
		abort();
	conf_init(&conf);
	rc = conf_read(&conf, stream, "conf", &err);
	if ((rc != 0) != (err.text[0] != '\0'))
		abort();
	if (rc && (err.code != ENBD_EXIT_USAGE || strncmp(err.text, "conf:", 5)))
		abort();
	for (d = rc ? NULL : conf.devices; d; d = d->next)
		if (!d->dial.path_count)
			abort();
	conf_free(&conf);
	fclose(stream);
	return 0;
}
