// SPDX-License-Identifier: GPL-2.0
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "log.h"
#include "text.h"

static void *allocate(size_t size)
{
	void *p = malloc(size);

	if (!p) {
		enbd_error("out of memory");
		exit(ENBD_EXIT_GENERAL);
	}
	return p;
}

void enbd_json_init(void)
{
	cJSON_Hooks hooks = { .malloc_fn = allocate, .free_fn = free };

	cJSON_InitHooks(&hooks);
}

void enbd_json_u64(cJSON *object, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	cJSON_AddRawToObject(object, key, digits);
}

void enbd_json_text(cJSON *object, const char *key, const char *text)
{
	const size_t len = strlen(text);
	char *clean = allocate(len + 1);

	/* A replaced byte is as long as it was. */
	enbd_text_utf8(clean, len + 1, text, len);
	cJSON_AddStringToObject(object, key, clean);
	free(clean);
}

static void print(cJSON *root, char *text)
{
	if (text)
		puts(text);
	free(text);
	cJSON_Delete(root);
}

void enbd_json_print(cJSON *root)
{
	print(root, cJSON_Print(root));
}

void enbd_json_print_line(cJSON *root)
{
	print(root, cJSON_PrintUnformatted(root));
}
