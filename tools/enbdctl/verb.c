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
	KEY_JSON = 'j',
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

/* What parse_read() works on */
struct reading {
	const struct verb_spec *spec;
	struct verb_args *args;
	void *more;
};

static error_t parse_read(int key, char *arg, struct argp_state *state)
{
	struct reading *r = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		if (r->spec->more)
			state->child_inputs[0] = r->more;
		return 0;
	case KEY_JSON:
		r->args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		verb_argument(state, r->args->arg, r->spec->max, arg);
		r->args->count++;
		return 0;
	case ARGP_KEY_END:
		if (r->args->count < r->spec->min)
			verb_usage(state, "%s", r->spec->missing);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void verb_read(const struct verb_spec *spec, int argc, char **argv, void *more,
	       struct verb_args *args)
{
	static const struct argp_option json[] = {
		{ "json", KEY_JSON, NULL, 0, "For programs", 0 },
		{ 0 }
	};
	const struct argp_child children[] = {
		{ spec->more, 0, NULL, 0 },
		{ 0 }
	};
	const struct argp argp = {
		.options = spec->json ? json : NULL,
		.parser = parse_read,
		.args_doc = spec->args_doc,
		.doc = spec->doc,
		.children = children,
	};
	struct reading reading = { .spec = spec, .args = args, .more = more };

	memset(args, 0, sizeof(*args));
	verb_parse(&argp, argc, argv, &reading);
}
