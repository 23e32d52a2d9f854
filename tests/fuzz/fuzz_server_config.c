// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/config.c tools/enbd-server/config_file.c */
/* Any bytes as a configuration file: it is taken, or there is an error. */
#include <stdlib.h>
#include <string.h>

#include "tools/enbd-server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct enbd_err err = { 0 };
	struct server_config config;
	FILE *stream;
	int rc;

	if (!size)
		return 0;
	stream = fmemopen((void *)data, size, "r");
	if (!stream)
		abort();
	config_init(&config);
	rc = config_read(&config, stream, "conf", &err);
	if (!rc)
		rc = config_check(&config, &err);
	if ((rc != 0) != (err.text[0] != '\0'))
		abort();
	config_free(&config);
	fclose(stream);
	return 0;
}
