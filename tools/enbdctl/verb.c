// SPDX-License-Identifier: GPL-2.0
#include "verb.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "size.h"

enum {
	KEY_REPLY_FORMAT = 0x100,
	KEY_HANDSHAKE_TIMEOUT,
};

int verb_failed(const struct enbd_err *err)
{
	enbd_error("%s", err->text);
	return err->code;
}

/* An error is one line: what getopt says, without "Try ... --help". */
static error_t parse_root(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = state->input;
	state->err_stream = fopen("/dev/null", "we");
	return state->err_stream ? 0 : errno;
}

void verb_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	const struct argp_child children[] = {
		{ argp, 0, NULL, 0 },
		{ 0 }
	};
	const struct argp root = {
		.parser = parse_root,
		.children = children,
	};

	argp_err_exit_status = ENBD_EXIT_USAGE;
	if (argp_parse(&root, argc, argv, 0, NULL, input))
		exit(ENBD_EXIT_USAGE);
}

void verb_usage(const struct argp_state *state, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	enbd_error("%s; see %s --help", text, state->name);
	exit(ENBD_EXIT_USAGE);
}

void verb_argument(const struct argp_state *state, const char **where,
		   unsigned int max, const char *arg)
{
	if (state->arg_num >= max)
		verb_usage(state, "%s: one argument too many", arg);
	where[state->arg_num] = arg;
}

uint32_t verb_number(const struct argp_state *state, const char *option,
		     const char *arg, uint32_t min, uint32_t max)
{
	uint32_t value;

	if (enbd_parse_u32(arg, min, max, &value))
		verb_usage(state, "%s %s: not a number from %u to %u", option,
			   arg, min, max);
	return value;
}

uint32_t verb_seconds(const struct argp_state *state, const char *option,
		      const char *arg)
{
	uint32_t ms;

	if (enbd_parse_seconds(arg, &ms))
		verb_usage(state, "%s %s: not a time in seconds", option, arg);
	return ms;
}

static error_t parse_timeout(int key, char *arg, struct argp_state *state)
{
	struct dial *dial = state->input;

	switch (key) {
	case KEY_HANDSHAKE_TIMEOUT:
		dial->client.timeout_ms =
			verb_seconds(state, "--handshake-timeout", arg);
		if (!dial->client.timeout_ms)
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
		state->child_inputs[0] = dial;
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
