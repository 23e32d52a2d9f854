// SPDX-License-Identifier: GPL-2.0
/* enbdctl connect: all channels are settled before the driver hears of them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "devname.h"
#include "log.h"
#include "nl.h"
#include "nl_msg.h"
#include "node.h"
#include "verb.h"

enum {
	KEY_IO_TIMEOUT = 0x200,
	KEY_DEAD_TIMEOUT,
	KEY_QUEUE_DEPTH,
	KEY_HW_QUEUES,
};

/* The driver says no to what is beyond its own limits. */
#define MAX_TUNING	65536

struct arguments {
	struct connect connect;
	const char *arg[2];
};

void connect_init(struct connect *connect)
{
	memset(connect, 0, sizeof(*connect));
	dial_init(&connect->dial);
	connect->io_timeout = -1;
	connect->dead_timeout = -1;
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
		      const struct device_options *options,
		      const struct enbd_channel *channels, int count,
		      struct device *device, struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = nl_begin(nl, buf, ENBD_NL_DEVICE_ADD, false);
	char name[ENBD_NAME_MAX];

	memset(device, 0, sizeof(*device));
	msg_put_device_add(req, &connect->dial.uri, options, channels,
			   (unsigned int)count);
	if (!nl_run(nl, req, take_id, device, NULL, err))
		return 0;
	if (err->code == ENBD_EXIT_BUSY && connect->device)
		return enbd_fail(err, ENBD_EXIT_BUSY,
				 "/dev/%s: in use already; take another or leave the name out",
				 devname_format((uint32_t)options->index, name));
	return enbd_fail_prefix(err, "connect %s", connect->dial.uri.text);
}

static void say_channels(const struct connect *connect,
			 const struct enbd_channel *channels, int count)
{
	if (count > 1 && connect->dial.channels &&
	    !(channels[0].export.flags & ENBD_FLAG_CAN_MULTI_CONN))
		enbd_note("the server does not say that it can serve several connections at once: one channel is active, %d stand by",
			  count - 1);
}

static int run(struct connect *connect, struct device *device,
	       struct enbd_err *err)
{
	struct device_options options = {
		.index = -1,
		.read_only = connect->read_only,
		.hw_queues = connect->hw_queues,
		.queue_depth = connect->queue_depth,
		.io_timeout = connect->io_timeout,
		.dead_timeout = connect->dead_timeout,
	};
	struct enbd_channel channels[ENBD_MAX_CHANNELS];
	uint32_t index;
	struct nl nl;
	int count, i, rc;

	if (connect->device) {
		if (devname_index(connect->device, &index, err))
			return -1;
		options.index = index;
	}
	if (dial_check(&connect->dial, err) || nl_open(&nl, true, err))
		return -1;
	count = dial_open(&connect->dial, channels, err);
	if (count < 0) {
		nl_close(&nl);
		return -1;
	}
	rc = add_device(&nl, connect, &options, channels, count, device, err);
	nl_close(&nl);
	if (rc) {
		enbd_channels_discard(channels, (unsigned int)count);
		return -1;
	}
	/* The driver holds the sockets now. */
	for (i = 0; i < count; i++)
		close(channels[i].fd);
	if (!device->name[0])
		return enbd_fail(err, ENBD_EXIT_KERNEL,
				 "kernel: the device is made, but the driver's answer cannot be read; see enbdctl status");
	say_channels(connect, channels, count);
	return 0;
}

int connect_run(struct connect *connect)
{
	struct device device;
	struct enbd_err err;

	if (run(connect, &device, &err))
		return verb_failed(&err);
	if (!node_wait(device.name))
		enbd_note("/dev/%s: connected, but the node has not appeared; is devtmpfs mounted on /dev?",
			  device.name);
	printf("/dev/%s\n", device.name);
	return ENBD_EXIT_OK;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;
	struct connect *connect = &args->connect;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &connect->dial;
		return 0;
	case 'r':
		connect->read_only = true;
		return 0;
	case KEY_IO_TIMEOUT:
		connect->io_timeout = verb_seconds(state, "--io-timeout", arg);
		return 0;
	case KEY_DEAD_TIMEOUT:
		connect->dead_timeout = verb_seconds(state, "--dead-timeout",
						     arg);
		return 0;
	case KEY_QUEUE_DEPTH:
		connect->queue_depth = verb_number(state, "--queue-depth", arg,
						   1, MAX_TUNING);
		return 0;
	case KEY_HW_QUEUES:
		connect->hw_queues = verb_number(state, "--hw-queues", arg, 1,
						 MAX_TUNING);
		return 0;
	case ARGP_KEY_ARG:
		verb_argument(state, args->arg, 2, arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		verb_usage(state, "the URI of an export is missing");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int verb_connect(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "read-only", 'r', NULL, 0, "Refuse writes", 0 },
		{ "io-timeout", KEY_IO_TIMEOUT, "SECONDS", 0,
		  "Give up a channel that owes an answer for so long, 0 for never (30)",
		  0 },
		{ "dead-timeout", KEY_DEAD_TIMEOUT, "SECONDS", 0,
		  "Without any channel fail I/O after so long, 0 for never: it waits",
		  0 },
		{ "queue-depth", KEY_QUEUE_DEPTH, "N", 0,
		  "Requests under way in each hardware queue", 0 },
		{ "hw-queues", KEY_HW_QUEUES, "N", 0,
		  "Number of hardware queues", 0 },
		{ 0 }
	};
	static const struct argp_child children[] = {
		{ &verb_dial_argp, 0, NULL, 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "URI [DEVICE]",
		.doc = "Make a disk of an export and print its name.\v"
		       "URI is nbd://HOST[:PORT][/EXPORT], nbd+unix:///[EXPORT]?socket=PATH or HOST:PORT. "
		       "DEVICE is nda, /dev/nda and so on; without it the first free one is taken.",
		.children = children,
	};
	struct arguments args = { .arg = { NULL } };
	struct enbd_err err;

	connect_init(&args.connect);
	verb_parse(&argp, argc, argv, &args);
	if (enbd_uri_parse(args.arg[0], &args.connect.dial.uri, &err))
		return verb_failed(&err);
	args.connect.device = args.arg[1];
	return connect_run(&args.connect);
}
