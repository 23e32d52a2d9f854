// SPDX-License-Identifier: GPL-2.0
/*
 * enbdctl lost-regions: what a server may have forgotten; and taking
 * responsibility for it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "query.h"
#include "stale.h"
#include "verb.h"

static void print(const struct lost *lost, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		printf("%" PRIu64 " %" PRIu64 "\n", lost[i].offset,
		       lost[i].length);
}

static void print_json(const struct device *device, const struct lost *lost,
		       size_t count)
{
	cJSON *root = cJSON_CreateObject(), *array, *o;
	size_t i;

	enbd_json_text(root, "name", device->name);
	array = cJSON_AddArrayToObject(root, "regions");
	for (i = 0; i < count; i++) {
		o = cJSON_CreateObject();
		enbd_json_u64(o, "offset", lost[i].offset);
		enbd_json_u64(o, "length", lost[i].length);
		cJSON_AddItemToArray(array, o);
	}
	enbd_json_print(root);
}

static int list(const char *name, bool json, struct enbd_err *err)
{
	struct lost *lost = NULL;
	struct device device;
	struct nl nl;
	size_t count;
	int rc;

	if (query_named(name, &nl, &device, err))
		return -1;
	rc = query_lost(&nl, device.index, &lost, &count, err);
	nl_close(&nl);
	if (rc)
		return enbd_fail_prefix(err, "/dev/%s: lost regions",
					device.name);
	if (json)
		print_json(&device, lost, count);
	else
		print(lost, count);
	free(lost);
	return 0;
}

int verb_lost_regions(int argc, char **argv)
{
	static const struct verb_spec spec = {
		.args_doc = "DEVICE",
		.doc = "Print the ranges of a stale device in which the server may have forgotten writes that it had acknowledged: first byte and number of bytes, one range a line.",
		.min = 1, .max = 1, .missing = "the device is missing",
		.json = true,
	};
	struct verb_args args;
	struct enbd_err err;

	verb_read(&spec, argc, argv, NULL, &args);
	return list(args.arg[0], args.json, &err) ? verb_failed(&err) :
	       ENBD_EXIT_OK;
}

int stale_accept(const char *name, struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req;
	struct device device;
	struct nl nl;
	int rc;

	if (query_named(name, &nl, &device, err))
		return -1;
	req = nl_begin(&nl, buf, ENBD_NL_DEVICE_ACCEPT, false);
	mnl_attr_put_u32(req, ENBD_A_DEVICE_INDEX, device.index);
	rc = nl_run(&nl, req, NULL, NULL, NULL, err);
	if (rc)
		enbd_fail_prefix(err, "/dev/%s: cannot accept", device.name);
	nl_close(&nl);
	return rc;
}
