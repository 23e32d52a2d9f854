// SPDX-License-Identifier: GPL-2.0
/* enbdctl connect: all channels are settled before the driver hears of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devname.h"
#include "envfile.h"
#include "log.h"
#include "nl.h"
#include "nl_msg.h"
#include "node.h"
#include "runstate.h"
#include "signature.h"
#include "verb.h"

enum {
	KEY_QUEUE_DEPTH = 0x200,
	KEY_HW_QUEUES,
	KEY_SIGNATURE,
	KEY_PATH,
};

/* The driver says no to what is beyond its own limits. */
#define MAX_TUNING	65536

struct arguments {
	struct connect connect;
	struct verb_args args;
	const char *paths[DIAL_PATHS_MAX];
	unsigned int path_count;
	uint8_t signature[ENBD_SIGNATURE_LEN];
};

void connect_init(struct connect *connect)
{
	memset(connect, 0, sizeof(*connect));
	dial_init(&connect->dial);
	verb_tuning_init(&connect->options);
}

/* An answer that cannot be read leaves the name empty. */
static int take_id(void *arg, const struct nlmsghdr *nlh, struct enbd_err *err)
{
	struct device *device = arg;

	(void)err;
	if (msg_get_device(nlh, device))
		device->name[0] = '\0';
	return 0;
}

/* DEVICE_ADD takes all or nothing; @device receives index and name. */
static int add_device(struct nl *nl, const struct connect *connect,
		      const struct dial_result *r, struct device *device,
		      struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = nl_begin(nl, buf, ENBD_NL_DEVICE_ADD, false);
	const struct enbd_uri *uri = &connect->dial.paths[0];
	char name[ENBD_NAME_MAX];

	memset(device, 0, sizeof(*device));
	msg_put_device_add(req, uri, &connect->options, r->channels, r->count);
	if (!nl_run(nl, req, take_id, device, NULL, err))
		return 0;
	if (err->code == ENBD_EXIT_BUSY && connect->device)
		return enbd_fail(err, ENBD_EXIT_BUSY,
				 "/dev/%s: in use already; take another or leave the name out",
				 devname_format((uint32_t)connect->options.index,
						name));
	return enbd_fail_prefix(err, "connect %s", uri->text);
}

static void say_channels(const struct connect *connect,
			 const struct dial_result *r)
{
	if (r->count > 1 && connect->dial.channels &&
	    !(r->channels[0].export.flags & ENBD_FLAG_CAN_MULTI_CONN))
		enbd_note("the server does not say that it can serve several connections at once: one channel is active, %d stand by",
			  r->count - 1);
}

/* The device is there; that the monitor knows less of it is no failure. */
static void remember(const struct connect *connect,
		     const struct dial_result *r, const struct device *device)
{
	struct runstate *state = calloc(1, sizeof(*state));
	const struct enbd_bind *bind;
	struct enbd_err err;
	unsigned int i;

	if (!state) {
		enbd_note("out of memory");
		return;
	}
	memcpy(state->session, r->session, sizeof(state->session));
	state->timeout_ms = connect->dial.client.timeout_ms;
	state->limit = connect->dial.client.limit;
	for (i = 0; i < r->wanted; i++) {
		bind = dial_bind(&connect->dial, r->turn[i]);
		strcpy(state->channels[i].uri,
		       dial_path(&connect->dial, r->turn[i])->text);
		snprintf(state->channels[i].bind,
			 sizeof(state->channels[i].bind), "%s",
			 bind ? bind->text : "");
	}
	if (runstate_write(device->name, state, &err))
		enbd_note("%s; enbdctl monitor will not know all ways of this device",
			  err.text);
	free(state);
}

/* udev has seen the disk and its partitions before this was known. */
static void tell_udev(const struct dial_result *r, const char *name)
{
	const struct enbd_hello *hello = &r->channels[0].hello;
	struct enbd_err err;

	if (envfile_write(name, hello, &err))
		enbd_note("%s; there will be no link by-signature", err.text);
	else if (hello->features)
		node_change(name);
}

static int run(struct connect *connect, struct dial_result *r,
	       struct device *device, struct enbd_err *err)
{
	struct device_options *options = &connect->options;
	unsigned int i;
	uint32_t index;
	struct nl nl;
	int rc;

	if (connect->device) {
		if (devname_index(connect->device, &index, err))
			return -1;
		options->index = index;
	}
	if (dial_check(&connect->dial, err) || nl_open(&nl, true, err))
		return -1;
	if (dial_open(&connect->dial, r, err)) {
		nl_close(&nl);
		return -1;
	}
	memcpy(options->session, r->session, sizeof(options->session));
	options->signature = connect->dial.signature;
	rc = add_device(&nl, connect, r, device, err);
	nl_close(&nl);
	if (rc) {
		enbd_channels_discard(r->channels, r->count);
		return -1;
	}
	/* The driver holds the sockets now. */
	for (i = 0; i < r->count; i++)
		close(r->channels[i].fd);
	if (!device->name[0])
		return enbd_fail(err, ENBD_EXIT_KERNEL,
				 "kernel: the device is made, but the driver's answer cannot be read; see enbdctl status");
	remember(connect, r, device);
	tell_udev(r, device->name);
	say_channels(connect, r);
	return 0;
}

int connect_run(struct connect *connect)
{
	static struct dial_result result;
	struct device device;
	struct enbd_err err;

	if (run(connect, &result, &device, &err))
		return verb_failed(&err);
	if (!node_wait(device.name))
		enbd_note("/dev/%s: connected, but the node has not appeared; is devtmpfs mounted on /dev?",
			  device.name);
	printf("/dev/%s\n", device.name);
	return ENBD_EXIT_OK;
}

static void take_signature(struct arguments *args,
			   const struct argp_state *state, const char *arg)
{
	if (enbd_signature_parse(arg, args->signature))
		verb_usage(state, "--signature %s: not 64 hexadecimal digits; enbdctl probe shows a server's",
			   arg);
	args->connect.dial.signature = args->signature;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;
	struct connect *connect = &args->connect;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &connect->dial;
		state->child_inputs[1] = &connect->options;
		return 0;
	case 'r':
		connect->options.read_only = true;
		return 0;
	case KEY_QUEUE_DEPTH:
		connect->options.queue_depth =
			verb_number(state, "--queue-depth", arg, 1, MAX_TUNING);
		return 0;
	case KEY_HW_QUEUES:
		connect->options.hw_queues =
			verb_number(state, "--hw-queues", arg, 1, MAX_TUNING);
		return 0;
	case KEY_SIGNATURE:
		take_signature(args, state, arg);
		return 0;
	case KEY_PATH:
		if (args->path_count == DIAL_PATHS_MAX)
			verb_usage(state, "--path %s: more than %u addresses",
				   arg, DIAL_PATHS_MAX);
		args->paths[args->path_count++] = arg;
		return 0;
	case ARGP_KEY_ARG:
		verb_argument(state, args->args.arg, VERB_ARGS_MAX, arg);
		args->args.count++;
		return 0;
	case ARGP_KEY_NO_ARGS:
		verb_usage(state, "the URI of an export is missing");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* As an argument each address has a colon, and no device's name has. */
static bool is_address(const char *arg)
{
	return arg[0] != '/' && strchr(arg, ':');
}

/* URI... [DEVICE] */
static int set_target(struct arguments *args, struct enbd_err *err)
{
	struct connect *connect = &args->connect;
	unsigned int i, uris = args->args.count;
	const char *last = args->args.arg[uris - 1];

	if (uris > 1 && !is_address(last)) {
		connect->device = last;
		uris--;
	}
	/* The first one names the export; a host alone is a mistake there. */
	if (enbd_uri_parse(args->args.arg[0], &connect->dial.paths[0], err))
		return -1;
	connect->dial.path_count = 1;
	for (i = 1; i < uris; i++) {
		if (!is_address(args->args.arg[i]))
			return enbd_fail(err, ENBD_EXIT_USAGE,
					 "%s: not a URI, and the device comes last; see enbdctl connect --help",
					 args->args.arg[i]);
		if (dial_add_path(&connect->dial, args->args.arg[i], err))
			return -1;
	}
	for (i = 0; i < args->path_count; i++)
		if (dial_add_path(&connect->dial, args->paths[i], err))
			return -1;
	return 0;
}

int verb_connect(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "read-only", 'r', NULL, 0, "Refuse writes", 0 },
		{ "path", KEY_PATH, "URI|HOST", 0,
		  "Another address of the same export; may be given several times, the channels use them in turn",
		  0 },
		{ "signature", KEY_SIGNATURE, "HEX", 0,
		  "Only this server: the signature that enbdctl probe shows",
		  0 },
		{ "queue-depth", KEY_QUEUE_DEPTH, "N", 0,
		  "Requests under way in each hardware queue", 0 },
		{ "hw-queues", KEY_HW_QUEUES, "N", 0,
		  "Number of hardware queues", 0 },
		{ 0 }
	};
	static const struct argp_child children[] = {
		{ &verb_dial_argp, 0, NULL, 0 },
		{ &verb_tuning_argp, 0, NULL, 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "URI... [DEVICE]",
		.doc = "Make a disk of an export and print its name.\v"
		       "URI is nbd://HOST[:PORT][/EXPORT], nbd+unix:///[EXPORT]?socket=PATH or HOST:PORT; "
		       "several are addresses of the same export. "
		       "DEVICE is nda, /dev/nda and so on; without it the first free one is taken.",
		.children = children,
	};
	static struct arguments args;
	struct enbd_err err;

	connect_init(&args.connect);
	verb_parse(&argp, argc, argv, &args);
	if (set_target(&args, &err))
		return verb_failed(&err);
	return connect_run(&args.connect);
}
