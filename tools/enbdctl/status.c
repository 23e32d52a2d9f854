// SPDX-License-Identifier: GPL-2.0
/* enbdctl status: what the driver knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devname.h"
#include "json.h"
#include "query.h"
#include "show.h"
#include "verb.h"

struct snapshot {
	struct device *devices;
	size_t device_count;
	struct channel *channels;
	size_t channel_count;
};

static int collect(const char *name, struct snapshot *s, struct enbd_err *err)
{
	int64_t which = QUERY_ALL;
	uint32_t index;
	struct nl nl;
	int rc;

	memset(s, 0, sizeof(*s));
	if (name) {
		if (devname_index(name, &index, err))
			return -1;
		which = index;
	}
	if (nl_open(&nl, false, err))
		return -1;
	if (name) {
		s->devices = calloc(1, sizeof(*s->devices));
		s->device_count = 1;
		rc = s->devices ? query_device(&nl, index, s->devices, err) :
		     enbd_fail(err, ENBD_EXIT_GENERAL, "out of memory");
	} else {
		rc = query_devices(&nl, &s->devices, &s->device_count, err);
	}
	if (!rc)
		rc = query_channels(&nl, which, &s->channels,
				    &s->channel_count, err);
	nl_close(&nl);
	return rc;
}

/* The channels of a device, which stand together */
static const struct channel *channels_of(const struct snapshot *s,
					 uint32_t index, size_t *count)
{
	const struct channel *first = s->channels;
	const struct channel *end = s->channels + s->channel_count;
	const struct channel *last;

	while (first < end && first->device_index != index)
		first++;
	for (last = first; last < end && last->device_index == index; last++)
		;
	*count = (size_t)(last - first);
	return first;
}

static void print(const struct snapshot *s)
{
	const struct channel *channels;
	size_t i, count;

	for (i = 0; i < s->device_count; i++) {
		channels = channels_of(s, s->devices[i].index, &count);
		if (i)
			printf("\n");
		show_device(&s->devices[i], channels, count);
	}
}

static void print_json(const struct snapshot *s)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *array = cJSON_AddArrayToObject(root, "devices");
	const struct channel *channels;
	size_t i, count;

	for (i = 0; i < s->device_count; i++) {
		channels = channels_of(s, s->devices[i].index, &count);
		cJSON_AddItemToArray(array, show_device_json(&s->devices[i],
							     channels, count));
	}
	enbd_json_print(root);
}

int verb_status(int argc, char **argv)
{
	static const struct verb_spec spec = {
		.args_doc = "[DEVICE]",
		.doc = "Show the devices and their channels.",
		.max = 1, .json = true,
	};
	struct snapshot snapshot;
	struct verb_args args;
	struct enbd_err err;
	int rc;

	verb_read(&spec, argc, argv, NULL, &args);
	rc = collect(args.arg[0], &snapshot, &err);
	if (!rc && args.json)
		print_json(&snapshot);
	else if (!rc)
		print(&snapshot);
	free(snapshot.devices);
	free(snapshot.channels);
	return rc ? verb_failed(&err) : ENBD_EXIT_OK;
}
