// SPDX-License-Identifier: GPL-2.0
/* enbdctl channel add|del|list: the connections of a device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devname.h"
#include "json.h"
#include "query.h"
#include "show.h"
#include "size.h"
#include "verb.h"

enum {
	KEY_JSON = 'j',
};

#define PLACE_UNKNOWN	UINT32_MAX

struct arguments {
	const char *arg[2];
	bool json;
	struct dial dial;
};

/* An answer that cannot be read leaves the place unknown. */
static int take_place(void *arg, const struct nlmsghdr *nlh,
		      struct enbd_err *err)
{
	struct channel channel;

	(void)err;
	if (!msg_get_channel(nlh, &channel))
		*(uint32_t *)arg = channel.index;
	return 0;
}

static int give(struct nl *nl, const struct device *device,
		const struct enbd_channel *channel, uint32_t *place,
		struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = nl_begin(nl, buf, ENBD_NL_CHANNEL_ADD, false);

	*place = PLACE_UNKNOWN;
	msg_put_channel_add(req, device->index, channel);
	if (!nl_run(nl, req, take_place, place, NULL, err))
		return 0;
	if (channel->export.size != device->size)
		return enbd_fail(err, err->code,
				 "/dev/%s: cannot add a channel: the server offers %llu bytes now, the device has %llu; see enbdctl resize",
				 device->name,
				 (unsigned long long)channel->export.size,
				 (unsigned long long)device->size);
	return enbd_fail_prefix(err, "/dev/%s: cannot add a channel",
				device->name);
}

/* Size and flags are compared by the driver. */
static int check_blocks(const struct device *device,
			const struct enbd_export *export, struct enbd_err *err)
{
	if (device->block_min == export->block_min &&
	    device->block_pref == export->block_pref &&
	    device->block_max == export->block_max)
		return 0;
	return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
			 "/dev/%s: cannot add a channel: the server's block sizes are %u, %u, %u now, the device has %u, %u, %u; is it the same export?",
			 device->name, export->block_min, export->block_pref,
			 export->block_max, device->block_min,
			 device->block_pref, device->block_max);
}

static int add(const char *name, struct dial *dial, struct enbd_err *err)
{
	struct enbd_channel channels[ENBD_MAX_CHANNELS];
	struct device device;
	uint32_t index, place;
	struct nl nl;
	int count, i;

	if (devname_index(name, &index, err) || nl_open(&nl, false, err))
		return -1;
	if (query_device(&nl, index, &device, err))
		goto fail;
	if (enbd_uri_parse(device.uri, &dial->uri, err)) {
		enbd_fail(err, ENBD_EXIT_KERNEL,
			  "/dev/%s: the driver keeps no URI that could be connected to again (\"%s\")",
			  device.name, device.uri);
		goto fail;
	}
	if (dial_check(dial, err))
		goto fail;
	if (!dial->channels)
		dial->channels = 1;
	count = dial_open(dial, channels, err);
	if (count < 0)
		goto fail;
	if (check_blocks(&device, &channels[0].export, err)) {
		enbd_channels_discard(channels, (unsigned int)count);
		goto fail;
	}
	for (i = 0; i < count; i++) {
		if (give(&nl, &device, &channels[i], &place, err)) {
			enbd_channels_discard(channels + i,
					      (unsigned int)(count - i));
			goto fail;
		}
		/* The driver holds the socket now. */
		close(channels[i].fd);
		if (place != PLACE_UNKNOWN)
			printf("%u\n", place);
	}
	nl_close(&nl);
	return 0;
fail:
	nl_close(&nl);
	return -1;
}

static int del(const char *name, const char *which, struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	char node[ENBD_NAME_MAX];
	uint32_t index, channel;
	struct device device;
	struct nlmsghdr *req;
	struct nl nl;
	int rc;

	if (devname_index(name, &index, err))
		return -1;
	if (enbd_parse_u32(which, 0, ENBD_MAX_CHANNELS - 1, &channel))
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: not the number of a channel; see enbdctl channel list %s",
				 which, name);
	if (nl_open(&nl, false, err))
		return -1;
	/* So that a device that is not there is told from its channel. */
	rc = query_device(&nl, index, &device, err);
	if (!rc) {
		req = nl_begin(&nl, buf, ENBD_NL_CHANNEL_DEL, false);
		mnl_attr_put_u32(req, ENBD_A_CHANNEL_DEVICE_INDEX, index);
		mnl_attr_put_u32(req, ENBD_A_CHANNEL_INDEX, channel);
		rc = nl_run(&nl, req, NULL, NULL, NULL, err);
		if (rc)
			enbd_fail_prefix(err, "/dev/%s: channel %u",
					 devname_format(index, node), channel);
	}
	nl_close(&nl);
	return rc;
}

static int list(const char *name, bool json, struct enbd_err *err)
{
	struct channel *channels = NULL;
	struct device device;
	uint32_t index;
	struct nl nl;
	size_t count;
	cJSON *root;
	int rc;

	if (devname_index(name, &index, err) || nl_open(&nl, false, err))
		return -1;
	rc = query_device(&nl, index, &device, err);
	if (!rc)
		rc = query_channels(&nl, index, &channels, &count, err);
	nl_close(&nl);
	if (rc)
		return rc;
	if (json) {
		root = cJSON_CreateObject();
		cJSON_AddItemToObject(root, "channels",
				      show_channels_json(channels, count));
		enbd_json_print(root);
	} else {
		show_channels("", channels, count);
	}
	free(channels);
	return 0;
}

static error_t parse_add(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->dial;
		return 0;
	case ARGP_KEY_ARG:
		verb_argument(state, args->arg, 1, arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		verb_usage(state, "the device is missing");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_del(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		verb_argument(state, args->arg, 2, arg);
		return 0;
	case ARGP_KEY_END:
		if (!args->arg[1])
			verb_usage(state, "device and number of the channel are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case KEY_JSON:
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		verb_argument(state, args->arg, 1, arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		verb_usage(state, "the device is missing");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run_add(int argc, char **argv, struct enbd_err *err)
{
	static const struct argp_child children[] = {
		{ &verb_dial_argp, 0, NULL, 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.parser = parse_add,
		.args_doc = "DEVICE",
		.doc = "Connect to the server of a device again and give it the new channels; prints their numbers.",
		.children = children,
	};
	struct arguments args = { .json = false };

	dial_init(&args.dial);
	verb_parse(&argp, argc, argv, &args);
	return add(args.arg[0], &args.dial, err);
}

static int run_del(int argc, char **argv, struct enbd_err *err)
{
	static const struct argp argp = {
		.parser = parse_del,
		.args_doc = "DEVICE NUMBER",
		.doc = "Take a channel from a device; the others do its work.",
	};
	struct arguments args = { .json = false };

	verb_parse(&argp, argc, argv, &args);
	return del(args.arg[0], args.arg[1], err);
}

static int run_list(int argc, char **argv, struct enbd_err *err)
{
	static const struct argp_option options[] = {
		{ "json", KEY_JSON, NULL, 0, "For programs", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_list,
		.args_doc = "DEVICE",
		.doc = "Show the channels of a device.",
	};
	struct arguments args = { .json = false };

	verb_parse(&argp, argc, argv, &args);
	return list(args.arg[0], args.json, err);
}

static error_t parse_none(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_ARG:
		verb_usage(state, "%s: not add, del or list", arg);
	case ARGP_KEY_NO_ARGS:
		verb_usage(state, "add, del or list is missing");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int verb_channel(int argc, char **argv)
{
	static const struct {
		const char *name;
		char *title;
		int (*run)(int argc, char **argv, struct enbd_err *err);
	} verbs[] = {
		{ "add", "enbdctl channel add", run_add },
		{ "del", "enbdctl channel del", run_del },
		{ "list", "enbdctl channel list", run_list },
	};
	static const struct argp argp = {
		.parser = parse_none,
		.args_doc = "add DEVICE\ndel DEVICE NUMBER\nlist DEVICE",
		.doc = "Add, remove and show the channels of a device; each has a --help of its own.",
	};
	struct enbd_err err;
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		argv[1] = verbs[i].title;
		return verbs[i].run(argc - 1, argv + 1, &err) ?
			verb_failed(&err) : ENBD_EXIT_OK;
	}
	verb_parse(&argp, argc, argv, NULL);
	return ENBD_EXIT_USAGE;
}
