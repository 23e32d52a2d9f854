/* SPDX-License-Identifier: GPL-2.0 */
/* Devices and channels on stdout, for people and as JSON. */
#ifndef ENBDCTL_SHOW_H
#define ENBDCTL_SHOW_H

#include <cjson/cJSON.h>

#include "nl_msg.h"

/**
 * show_device() - as /proc/nbdinfo of the original did
 * @device: which
 * @channels: of this device
 * @count: how many
 */
void show_device(const struct device *device, const struct channel *channels,
		 size_t count);

/* The table of channels alone, each line after @indent */
void show_channels(const char *indent, const struct channel *channels,
		   size_t count);

cJSON *show_device_json(const struct device *device,
			const struct channel *channels, size_t count);
cJSON *show_channels_json(const struct channel *channels, size_t count);

#endif /* ENBDCTL_SHOW_H */
