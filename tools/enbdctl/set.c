// SPDX-License-Identifier: GPL-2.0
/* enbdctl set: change the times and the policy of a device. */
#include "nl.h"
#include "query.h"
#include "verb.h"

static int set(const char *name, const struct device_options *options,
	       struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req;
	struct device device;
	struct nl nl;
	int rc;

	if (query_named(name, &nl, &device, err))
		return -1;
	req = nl_begin(&nl, buf, ENBD_NL_DEVICE_SET, false);
	msg_put_device_set(req, device.index, options);
	rc = nl_run(&nl, req, NULL, NULL, NULL, err);
	if (rc)
		enbd_fail_prefix(err, "/dev/%s: cannot change it", device.name);
	nl_close(&nl);
	return rc;
}

int verb_set(int argc, char **argv)
{
	static const struct verb_spec spec = {
		.args_doc = "DEVICE",
		.doc = "Change the times and the replay policy of a device; what is not named stays as it is.",
		.min = 1, .max = 1, .missing = "the device is missing",
		.more = &verb_tuning_argp,
	};
	struct device_options options;
	struct verb_args args;
	struct enbd_err err;

	verb_tuning_init(&options);
	verb_read(&spec, argc, argv, &options, &args);
	if (options.io_timeout < 0 && options.dead_timeout < 0 &&
	    options.keepalive < 0 && options.replay < 0) {
		enbd_fail(&err, ENBD_EXIT_USAGE,
			  "%s: nothing to change; see enbdctl set --help",
			  args.arg[0]);
		return verb_failed(&err);
	}
	return set(args.arg[0], &options, &err) ? verb_failed(&err) :
	       ENBD_EXIT_OK;
}
