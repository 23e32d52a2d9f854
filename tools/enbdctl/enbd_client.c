// SPDX-License-Identifier: GPL-2.0
/*
 * The command line of the original's client, for fingers and scripts that
 * know it: enbd-client HOST:PORT -n 4 /dev/nda, enbd-client -d /dev/nda.
 */
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "signature.h"
#include "size.h"
#include "verb.h"

struct arguments {
	const char *arg[3];
	const char *disconnect;
	const char *export;
	char *secret;
	struct connect connect;
	uint8_t signature[ENBD_SIGNATURE_LEN];
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;
	uint64_t ignored;

	switch (key) {
	case 'n':
		args->connect.dial.channels =
			verb_number(state, "-n", arg, 1, ENBD_MAX_CHANNELS);
		return 0;
	case 'd':
		args->disconnect = arg;
		return 0;
	case 'N':
		args->export = arg;
		return 0;
	case 'r':
		args->connect.options.read_only = true;
		return 0;
	case 't':
		args->connect.options.io_timeout = verb_seconds(state, "-t",
								arg);
		return 0;
	case 'i':
		if (!arg[0])
			verb_usage(state, "-i: the secret is empty");
		args->secret = arg;
		return 0;
	case 'b':
		if (enbd_parse_size(arg, &ignored))
			verb_usage(state, "-b %s: not a size", arg);
		enbd_note("-b %s: the block size is settled with the server now",
			  arg);
		return 0;
	case ARGP_KEY_ARG:
		verb_argument(state, args->arg, 3, arg);
		return 0;
	case ARGP_KEY_END:
		if (args->disconnect ? !!args->arg[0] : !args->arg[0])
			verb_usage(state, args->disconnect ?
				   "-d takes a device and nothing else" :
				   "HOST:PORT is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The secret is shared with the server, whose signature follows from it. */
static int set_signature(struct arguments *args, struct enbd_err *err)
{
	struct dial *dial = &args->connect.dial;
	char *s = args->secret;

	if (!s)
		return 0;
	if (enbd_signature_derive(s, strlen(s), dial->paths[0].export,
				  args->signature))
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "-i: the signature cannot be computed");
	/* It need not be seen in the list of processes any longer. */
	memset(s, 'x', strlen(s));
	dial->signature = args->signature;
	return 0;
}

/* HOST:PORT [DEVICE], a URI in place of the first, or HOST PORT [DEVICE] */
static int set_target(struct arguments *args, struct enbd_err *err)
{
	struct enbd_uri *uri = &args->connect.dial.paths[0];
	const char *const *arg = args->arg;
	uint32_t port;

	args->connect.dial.path_count = 1;
	if (arg[1] && !enbd_parse_u32(arg[1], 1, 65535, &port)) {
		args->connect.device = arg[2];
		if (enbd_uri_from_host(arg[0], arg[1], uri, err))
			return -1;
	} else if (arg[2]) {
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: not a port; write HOST:PORT DEVICE or HOST PORT DEVICE",
				 arg[1]);
	} else {
		args->connect.device = arg[1];
		if (strchr(arg[0], ':') ? enbd_uri_parse(arg[0], uri, err) :
		    enbd_uri_from_host(arg[0], NULL, uri, err))
			return -1;
	}
	return args->export ? enbd_uri_set_export(uri, args->export, err) : 0;
}

int verb_enbd_client(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ NULL, 'n', "N", 0, "Number of channels", 0 },
		{ NULL, 'd', "DEVICE", 0, "Disconnect the device", 0 },
		{ NULL, 'N', "EXPORT", 0, "Name of the export", 0 },
		{ NULL, 'r', NULL, 0, "Refuse writes", 0 },
		{ NULL, 't', "SECONDS", 0,
		  "Give up a channel that owes an answer for so long", 0 },
		{ NULL, 'i', "SECRET", 0,
		  "Only the server that has the same secret (its -i)", 0 },
		{ NULL, 'b', "SIZE", 0,
		  "Accepted and ignored: the server says the block size", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "HOST:PORT [DEVICE]\nHOST [PORT] [DEVICE]\n-d DEVICE",
		.doc = "The original ENBD's way to say enbdctl connect and enbdctl disconnect.",
	};
	static struct arguments args;
	struct enbd_err err;

	connect_init(&args.connect);
	verb_parse(&argp, argc, argv, &args);
	if (args.disconnect)
		return disconnect_run(args.disconnect, false);
	if (set_target(&args, &err) || set_signature(&args, &err))
		return verb_failed(&err);
	return connect_run(&args.connect);
}
