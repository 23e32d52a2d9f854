// SPDX-License-Identifier: GPL-2.0
/* enbdctl resize: make a device as large as the server's export is now. */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "query.h"
#include "size.h"
#include "verb.h"

static int set_size(struct nl *nl, const struct device *device, uint64_t size,
		    struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = nl_begin(nl, buf, ENBD_NL_DEVICE_SET, false);

	mnl_attr_put_u32(req, ENBD_A_DEVICE_INDEX, device->index);
	mnl_attr_put_u64(req, ENBD_A_DEVICE_SIZE, size);
	if (!nl_run(nl, req, NULL, NULL, NULL, err))
		return 0;
	return enbd_fail_prefix(err, "/dev/%s: cannot set the size to %" PRIu64,
				device->name, size);
}

static int resize(const struct verb_args *args,
		  const struct enbd_client_opts *opts, struct enbd_err *err)
{
	struct enbd_export export;
	struct device device;
	uint64_t size = 0;
	struct nl nl;
	int rc = -1;

	if (args->arg[1] && (enbd_parse_size(args->arg[1], &size) || !size))
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: not a size; write bytes, or for example 10G",
				 args->arg[1]);
	if (query_named(args->arg[0], &nl, &device, err))
		return -1;
	if (ask_device(&device, opts, &export, err))
		goto out;
	if (size > export.size) {
		enbd_fail(err, ENBD_EXIT_USAGE,
			  "/dev/%s: the server has only %" PRIu64 " bytes for it; give no size to take them all",
			  device.name, export.size);
		goto out;
	}
	rc = set_size(&nl, &device, size ? size : export.size, err);
	if (!rc)
		printf("%" PRIu64 "\n", size ? size : export.size);
out:
	nl_close(&nl);
	return rc;
}

int verb_resize(int argc, char **argv)
{
	static const struct verb_spec spec = {
		.args_doc = "DEVICE [SIZE]",
		.doc = "Ask the server for the size of the export and give it to the device; prints it.\v"
		       "With SIZE, for example 10G, no more than that is taken.",
		.min = 1, .max = 2, .missing = "the device is missing",
		.more = &verb_timeout_argp,
	};
	struct enbd_client_opts opts;
	struct verb_args args;
	struct enbd_err err;

	enbd_client_opts_init(&opts);
	verb_read(&spec, argc, argv, &opts, &args);
	return resize(&args, &opts, &err) ? verb_failed(&err) : ENBD_EXIT_OK;
}
