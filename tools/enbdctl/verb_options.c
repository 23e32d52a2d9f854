// SPDX-License-Identifier: GPL-2.0
/* Options that several verbs share. */
#include <stdlib.h>
#include <string.h>

#include "verb.h"

enum {
	KEY_REPLY_FORMAT = 0x100,
	KEY_HANDSHAKE_TIMEOUT,
	KEY_IO_TIMEOUT,
	KEY_DEAD_TIMEOUT,
	KEY_KEEPALIVE,
	KEY_REPLAY,
};

static error_t parse_timeout(int key, char *arg, struct argp_state *state)
{
	struct enbd_client_opts *opts = state->input;

	switch (key) {
	case KEY_HANDSHAKE_TIMEOUT:
		opts->timeout_ms = verb_seconds(state, "--handshake-timeout",
						arg);
		if (!opts->timeout_ms)
			verb_usage(state, "--handshake-timeout %s: must be more than nothing",
				   arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static enum enbd_reply_format parse_format(const struct argp_state *state,
					   const char *arg)
{
	if (!strcmp(arg, "simple"))
		return ENBD_REPLY_FORMAT_SIMPLE;
	if (!strcmp(arg, "structured"))
		return ENBD_REPLY_FORMAT_STRUCTURED;
	if (!strcmp(arg, "extended"))
		return ENBD_REPLY_FORMAT_EXTENDED;
	verb_usage(state, "--reply-format %s: not simple, structured or extended",
		   arg);
}

static error_t parse_dial(int key, char *arg, struct argp_state *state)
{
	struct dial *dial = state->input;
	struct enbd_err err;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &dial->client;
		return 0;
	case 'b':
		if (dial_add_bind(dial, arg, &err))
			exit(verb_failed(&err));
		return 0;
	case 'n':
		dial->channels = verb_number(state, "--channels", arg, 1,
					     ENBD_MAX_CHANNELS);
		return 0;
	case KEY_REPLY_FORMAT:
		dial->client.limit = parse_format(state, arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static enum enbd_replay parse_replay(const struct argp_state *state,
				     const char *arg)
{
	if (!strcmp(arg, "auto"))
		return ENBD_REPLAY_AUTO;
	if (!strcmp(arg, "fenced"))
		return ENBD_REPLAY_FENCED;
	if (!strcmp(arg, "compat"))
		return ENBD_REPLAY_COMPAT;
	verb_usage(state, "--replay %s: not auto, fenced or compat", arg);
}

static error_t parse_tuning(int key, char *arg, struct argp_state *state)
{
	struct device_options *options = state->input;

	switch (key) {
	case KEY_IO_TIMEOUT:
		options->io_timeout = verb_seconds(state, "--io-timeout", arg);
		return 0;
	case KEY_DEAD_TIMEOUT:
		options->dead_timeout = verb_seconds(state, "--dead-timeout",
						     arg);
		return 0;
	case KEY_KEEPALIVE:
		options->keepalive = verb_seconds(state, "--keepalive", arg);
		return 0;
	case KEY_REPLAY:
		options->replay = parse_replay(state, arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void verb_tuning_init(struct device_options *options)
{
	memset(options, 0, sizeof(*options));
	options->index = -1;
	options->io_timeout = -1;
	options->dead_timeout = -1;
	options->keepalive = -1;
	options->replay = -1;
}

static const struct argp_option timeout_options[] = {
	{ "handshake-timeout", KEY_HANDSHAKE_TIMEOUT, "SECONDS", 0,
	  "Give up a connection that is not settled by then (default 10)", 0 },
	{ 0 }
};

static const struct argp_option dial_options[] = {
	{ "channels", 'n', "N", 0, "Number of channels (connections)", 0 },
	{ "bind", 'b', "ADDR|IFACE", 0,
	  "Leave from this address or network interface; may be given several times, the channels use them in turn",
	  0 },
	{ "reply-format", KEY_REPLY_FORMAT, "FORMAT", 0,
	  "Most capable framing of replies to ask for: simple, structured or extended (default)",
	  0 },
	{ 0 }
};

static const struct argp_option tuning_options[] = {
	{ "io-timeout", KEY_IO_TIMEOUT, "SECONDS", 0,
	  "Give up a channel that owes an answer for so long, 0 for never (30)",
	  0 },
	{ "dead-timeout", KEY_DEAD_TIMEOUT, "SECONDS", 0,
	  "Without any channel fail I/O after so long, 0 for never: it waits",
	  0 },
	{ "keepalive", KEY_KEEPALIVE, "SECONDS", 0,
	  "Give up a channel that is silent for so long while it owes something, 0 for never (5)",
	  0 },
	{ "replay", KEY_REPLAY, "POLICY", 0,
	  "What becomes of the writes of a lost channel that cannot be fenced: auto (default), fenced or compat",
	  0 },
	{ 0 }
};

const struct argp verb_timeout_argp = {
	.options = timeout_options,
	.parser = parse_timeout,
};

static const struct argp_child dial_children[] = {
	{ &verb_timeout_argp, 0, NULL, 0 },
	{ 0 }
};

const struct argp verb_dial_argp = {
	.options = dial_options,
	.parser = parse_dial,
	.children = dial_children,
};

const struct argp verb_tuning_argp = {
	.options = tuning_options,
	.parser = parse_tuning,
};
