// SPDX-License-Identifier: GPL-2.0
#include "features.h"

#include <stdio.h>
#include <string.h>

#include <linux/enbd_wire.h>

static const struct {
	uint32_t feature;
	const char *name;
} names[] = {
	{ ENBD_FEATURE_FENCE, "fence" },
	{ ENBD_FEATURE_KEEPALIVE, "keepalive" },
	{ ENBD_FEATURE_RESIZE, "resize" },
	{ ENBD_FEATURE_VERIFIER, "verifier" },
};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

char *features_text(char *buf, uint32_t features)
{
	size_t i, len = 0;

	strcpy(buf, "none");
	for (i = 0; i < NAME_COUNT; i++)
		if (features & names[i].feature)
			len += (size_t)snprintf(buf + len,
						FEATURES_TEXT_MAX - len, "%s%s",
						len ? " " : "", names[i].name);
	return buf;
}

cJSON *features_json(uint32_t features)
{
	cJSON *array = cJSON_CreateArray();
	size_t i;

	for (i = 0; i < NAME_COUNT; i++)
		if (features & names[i].feature)
			cJSON_AddItemToArray(array,
					     cJSON_CreateString(names[i].name));
	return array;
}
