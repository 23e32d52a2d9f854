// SPDX-License-Identifier: GPL-2.0
/* enbdctl disconnect: remove one device, or all. */
#include <stdlib.h>
#include <time.h>

#include "deadline.h"
#include "devname.h"
#include "envfile.h"
#include "log.h"
#include "node.h"
#include "query.h"
#include "runstate.h"
#include "verb.h"

enum {
	KEY_FORCE = 'f',
	KEY_ALL = 'a',
};

/*
 * udev looks into a disk that has just come or changed. How long to put up
 * with somebody who cannot be named, and how often to look
 */
#define BUSY_MS		2000
#define BUSY_STEP_MS	50

struct arguments {
	const char *device[1];
	bool force;
	bool all;
};

static int delete(struct nl *nl, uint32_t index, bool force,
		  struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = nl_begin(nl, buf, ENBD_NL_DEVICE_DEL, false);

	mnl_attr_put_u32(req, ENBD_A_DEVICE_INDEX, index);
	if (force)
		mnl_attr_put(req, ENBD_A_DEVICE_FORCE, 0, NULL);
	return nl_run(nl, req, NULL, NULL, NULL, err);
}

static int disconnect(struct nl *nl, uint32_t index, bool force,
		      struct enbd_err *err)
{
	const struct timespec step = { .tv_nsec = BUSY_STEP_MS * 1000000L };
	const uint64_t deadline = enbd_now_ms() + BUSY_MS;
	char name[ENBD_NAME_MAX], user[320] = "somebody has it open";
	struct runstate_id id;

	runstate_identify(devname_format(index, name), &id);
	while (delete(nl, index, force, err)) {
		if (err->code == ENBD_EXIT_NOT_CONNECTED)
			return enbd_fail(err, err->code,
					 "/dev/%s: not connected", name);
		if (err->code != ENBD_EXIT_BUSY)
			return enbd_fail_prefix(err, "/dev/%s: cannot disconnect",
						name);
		if (node_user(name, user, sizeof(user)) == NODE_HELD ||
		    enbd_now_ms() >= deadline)
			return enbd_fail(err, err->code,
					 "/dev/%s: busy: %s; end that first, or use --force and lose what is not written",
					 name, user);
		nanosleep(&step, NULL);
	}
	runstate_remove(name, &id);
	envfile_sweep(name);
	return 0;
}

/* Goes on with the others when one fails. Return: the first exit code. */
static int disconnect_all(bool force)
{
	struct device *devices;
	struct enbd_err err;
	size_t count, i;
	struct nl nl;
	int rc = ENBD_EXIT_OK;

	if (nl_open(&nl, false, &err))
		return verb_failed(&err);
	if (query_devices(&nl, &devices, &count, &err)) {
		nl_close(&nl);
		return verb_failed(&err);
	}
	for (i = 0; i < count; i++) {
		if (!disconnect(&nl, devices[i].index, force, &err) ||
		    err.code == ENBD_EXIT_NOT_CONNECTED)
			continue;
		verb_failed(&err);
		if (!rc)
			rc = err.code;
	}
	free(devices);
	nl_close(&nl);
	return rc;
}

int disconnect_run(const char *device, bool force)
{
	struct enbd_err err;
	uint32_t index;
	struct nl nl;
	int rc;

	if (devname_index(device, &index, &err) || nl_open(&nl, false, &err))
		return verb_failed(&err);
	rc = disconnect(&nl, index, force, &err);
	nl_close(&nl);
	return rc ? verb_failed(&err) : ENBD_EXIT_OK;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case KEY_FORCE:
		args->force = true;
		return 0;
	case KEY_ALL:
		args->all = true;
		return 0;
	case ARGP_KEY_ARG:
		verb_argument(state, args->device, 1, arg);
		return 0;
	case ARGP_KEY_END:
		if (args->all == !!args->device[0])
			verb_usage(state, "name either a device or --all");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int verb_disconnect(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "force", KEY_FORCE, NULL, 0,
		  "Even if it is in use; what is not written is lost", 0 },
		{ "all", KEY_ALL, NULL, 0, "Every device", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "DEVICE\n--all",
		.doc = "Remove a device and close its channels.",
	};
	struct arguments args = { .device = { NULL } };

	verb_parse(&argp, argc, argv, &args);
	if (args.all)
		return disconnect_all(args.force);
	return disconnect_run(args.device[0], args.force);
}
