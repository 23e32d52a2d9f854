// SPDX-License-Identifier: GPL-2.0
/* enbdctl channel add|del|list: the connections of a device. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "json.h"
#include "log.h"
#include "query.h"
#include "runstate.h"
#include "show.h"
#include "size.h"
#include "verb.h"

struct arguments {
	struct dial dial;
	const char *paths[DIAL_PATHS_MAX];
	unsigned int path_count;
};

/* How often a place is reserved that somebody else takes away meanwhile */
#define TRIES	5

/*
 * The way of a channel: what the user asks for, else how this place was
 * connected before, else what the driver keeps.
 */
static int choose_way(const struct attach *a, const struct dial *dial,
		      unsigned int turn, struct enbd_uri *uri,
		      struct enbd_bind *bind, struct runstate_channel *way,
		      struct enbd_err *err)
{
	const struct enbd_bind *asked = dial_bind(dial, turn);
	static struct runstate state;

	memset(way, 0, sizeof(*way));
	memset(bind, 0, sizeof(*bind));
	if (!runstate_read(a->device.name, &state, err) &&
	    !memcmp(state.session, a->place.session, sizeof(state.session)))
		*way = state.channels[a->place.index];
	if (!way->uri[0])
		snprintf(way->uri, sizeof(way->uri), "%s", a->device.uri);
	if (asked)
		snprintf(way->bind, sizeof(way->bind), "%s", asked->text);
	if (dial->path_count)
		snprintf(way->uri, sizeof(way->uri), "%s",
			 dial_path(dial, turn)->text);
	if (enbd_uri_parse(way->uri, uri, err))
		return enbd_fail(err, ENBD_EXIT_KERNEL,
				 "/dev/%s: the driver keeps no URI that could be connected to again (\"%s\")",
				 a->device.name, way->uri);
	if (asked && uri->kind == ENBD_URI_UNIX)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "--bind %s: has no meaning for a Unix socket; leave it out",
				 asked->text);
	return way->bind[0] ? enbd_bind_parse(way->bind, bind, err) : 0;
}

static int add_one(struct nl *nl, const struct device *device,
		   struct dial *dial, unsigned int turn, struct enbd_err *err)
{
	struct runstate_channel way;
	struct enbd_err ignored;
	struct enbd_bind bind;
	struct enbd_uri uri;
	uint32_t place;
	struct attach a;

	if (attach_reserve(&a, nl, device->index, ATTACH_ANYWHERE, err))
		return -1;
	if (strcmp(a.device.uri, device->uri))
		return enbd_fail(err, ENBD_EXIT_BUSY,
				 "/dev/%s: became another device meanwhile, of %s; look at enbdctl status",
				 a.device.name, a.device.uri);
	if (choose_way(&a, dial, turn, &uri, &bind, &way, err))
		return -1;
	dial->client.bind = way.bind[0] ? &bind : NULL;
	if (attach_connect(&a, &uri, &dial->client, &place, err))
		return -1;
	printf("%u\n", place);
	if (runstate_set_channel(a.device.name, a.place.session, place, &way,
				 &ignored))
		enbd_note("%s; enbdctl monitor will not know this way",
			  ignored.text);
	return 0;
}

/* --path is of the device's own export, whatever it leaves out. */
static int set_paths(struct arguments *args, const struct device *device,
		     struct enbd_err *err)
{
	struct enbd_uri own;
	unsigned int i;

	if (args->path_count && enbd_uri_parse(device->uri, &own, err))
		return enbd_fail(err, ENBD_EXIT_KERNEL,
				 "/dev/%s: the driver keeps no URI that --path could be compared with (\"%s\")",
				 device->name, device->uri);
	for (i = 0; i < args->path_count; i++)
		if (dial_add_path_of(&args->dial, &own, args->paths[i], err))
			return -1;
	return 0;
}

static int add(const char *name, struct arguments *args, struct enbd_err *err)
{
	struct dial *dial = &args->dial;
	unsigned int i, tries = 0;
	struct device device;
	struct nl nl;
	int rc;

	if (query_named(name, &nl, &device, err))
		return -1;
	rc = set_paths(args, &device, err);
	if (!dial->channels)
		dial->channels = 1;
	for (i = 0; !rc && i < dial->channels; i++) {
		do {
			rc = add_one(&nl, &device, dial, i, err);
		} while (rc && err->error == ESTALE && tries++ < TRIES);
	}
	nl_close(&nl);
	return rc;
}

static int delete(struct nl *nl, uint32_t device, uint32_t place,
		  struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = nl_begin(nl, buf, ENBD_NL_CHANNEL_DEL, false);

	mnl_attr_put_u32(req, ENBD_A_CHANNEL_DEVICE_INDEX, device);
	mnl_attr_put_u32(req, ENBD_A_CHANNEL_INDEX, place);
	return nl_run(nl, req, NULL, NULL, NULL, err);
}

/*
 * Forgotten first: else the monitor could take it for one that is missing. If it
 * stays, its way is to be known again.
 */
static int del(const char *name, const char *which, struct enbd_err *err)
{
	static struct runstate state;
	struct enbd_err ignored;
	struct device device;
	uint32_t place;
	bool known;
	struct nl nl;
	int rc;

	if (enbd_parse_u32(which, 0, ENBD_MAX_CHANNELS - 1, &place))
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: not the number of a channel; see enbdctl channel list %s",
				 which, name);
	/* So that a device that is not there is told from its channel. */
	if (query_named(name, &nl, &device, err))
		return -1;
	known = !runstate_read(device.name, &state, &ignored) &&
		state.channels[place].uri[0];
	runstate_set_channel(device.name, NULL, place, NULL, &ignored);
	rc = delete(&nl, device.index, place, err);
	if (rc && known && err->code != ENBD_EXIT_NOT_CONNECTED)
		runstate_set_channel(device.name, state.session, place,
				     &state.channels[place], &ignored);
	if (rc)
		enbd_fail_prefix(err, "/dev/%s: channel %u", device.name,
				 place);
	nl_close(&nl);
	return rc;
}

static int list(const char *name, bool json, struct enbd_err *err)
{
	struct channel *channels = NULL;
	struct device device;
	struct nl nl;
	size_t count;
	cJSON *root;
	int rc;

	if (query_named(name, &nl, &device, err))
		return -1;
	rc = query_channels(&nl, device.index, &channels, &count, err);
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

/* --path is of connect, too, where it adds to the first address. */
enum {
	KEY_PATH = 0x300,
};

static error_t parse_paths(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->dial;
		return 0;
	case KEY_PATH:
		if (args->path_count == DIAL_PATHS_MAX)
			verb_usage(state, "--path %s: more than %u addresses",
				   arg, DIAL_PATHS_MAX);
		args->paths[args->path_count++] = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run_add(int argc, char **argv, struct enbd_err *err)
{
	static const struct argp_option options[] = {
		{ "path", KEY_PATH, "URI|HOST", 0,
		  "Connect to this address of the device's export; may be given several times, the channels use them in turn",
		  0 },
		{ 0 }
	};
	static const struct argp_child children[] = {
		{ &verb_dial_argp, 0, NULL, 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_paths,
		.children = children,
	};
	static const struct verb_spec spec = {
		.args_doc = "DEVICE",
		.doc = "Connect to the server of a device again and give it the new channels; prints their numbers.",
		.min = 1, .max = 1, .missing = "the device is missing",
		.more = &argp,
	};
	static struct arguments more;
	struct verb_args args;

	dial_init(&more.dial);
	verb_read(&spec, argc, argv, &more, &args);
	return add(args.arg[0], &more, err);
}

static int run_del(int argc, char **argv, struct enbd_err *err)
{
	static const struct verb_spec spec = {
		.args_doc = "DEVICE NUMBER",
		.doc = "Take a channel from a device; the others do its work.",
		.min = 2, .max = 2,
		.missing = "device and number of the channel are needed",
	};
	struct verb_args args;

	verb_read(&spec, argc, argv, NULL, &args);
	return del(args.arg[0], args.arg[1], err);
}

static int run_list(int argc, char **argv, struct enbd_err *err)
{
	static const struct verb_spec spec = {
		.args_doc = "DEVICE",
		.doc = "Show the channels of a device.",
		.min = 1, .max = 1, .missing = "the device is missing",
		.json = true,
	};
	struct verb_args args;

	verb_read(&spec, argc, argv, NULL, &args);
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
