/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The verbs of enbdctl, each in a file of its own, and what their command
 * lines have in common.
 */
#ifndef ENBDCTL_VERB_H
#define ENBDCTL_VERB_H

#include <argp.h>
#include <stdbool.h>

#include "dial.h"
#include "nl_msg.h"

/*
 * A verb. @argv[0] is "enbdctl VERB", the rest are its arguments. Return: exit
 * code; everything that went wrong has been printed.
 */
int verb_connect(int argc, char **argv);
int verb_disconnect(int argc, char **argv);
int verb_events(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_channel(int argc, char **argv);
int verb_list_exports(int argc, char **argv);
int verb_probe(int argc, char **argv);
int verb_resize(int argc, char **argv);
int verb_set(int argc, char **argv);
int verb_lost_regions(int argc, char **argv);
int verb_accept(int argc, char **argv);
int verb_monitor(int argc, char **argv);
int verb_up(int argc, char **argv);
int verb_down(int argc, char **argv);
int verb_check_config(int argc, char **argv);
int verb_readd(int argc, char **argv);

/* "enbd-client HOST:PORT -n 4 /dev/nda" and "enbd-client -d /dev/nda" */
int verb_enbd_client(int argc, char **argv);

/**
 * struct connect - what verb_connect() and the original's form have in common
 * @dial: where to, and how
 * @device: name of the disk, or NULL for the first free one
 * @options: of the device; its number, session and signature are filled in
 */
struct connect {
	struct dial dial;
	const char *device;
	struct device_options options;
};

void connect_init(struct connect *connect);
int connect_run(struct connect *connect);

int disconnect_run(const char *device, bool force);

/* Prints an error, returns its exit code. */
int verb_failed(const struct enbd_err *err);

/**
 * verb_parse() - argp_parse() in the way of this program
 * @argp: options and parser of the verb
 * @input: for the parser
 *
 * Does not return on --help, --usage and mistakes.
 */
void verb_parse(const struct argp *argp, int argc, char **argv, void *input);

/* Prints a mistake in the command line and where to find help; exits. */
void verb_usage(const struct argp_state *state, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* For ARGP_KEY_ARG: exits when there are more than @max arguments. */
void verb_argument(const struct argp_state *state, const char **where,
		   unsigned int max, const char *arg);

/* The most arguments of any verb */
#define VERB_ARGS_MAX	(DIAL_PATHS_MAX + 1)

/* The arguments of a verb, and whether --json was among them */
struct verb_args {
	const char *arg[VERB_ARGS_MAX];
	unsigned int count;
	bool json;
};

/**
 * struct verb_spec - a verb that takes a few arguments and at most --json
 * @args_doc: as argp has it, for example "DEVICE NUMBER"
 * @doc: what it does
 * @min: how many arguments it needs
 * @max: how many it takes
 * @missing: what to say when there are fewer than @min
 * @json: it has --json
 * @more: options besides, or NULL
 */
struct verb_spec {
	const char *args_doc;
	const char *doc;
	unsigned int min;
	unsigned int max;
	const char *missing;
	bool json;
	const struct argp *more;
};

/**
 * verb_read() - read the command line of such a verb
 * @spec: the verb
 * @more: input of @spec->more
 * @args: receives the arguments, NULL where there is none
 *
 * Does not return on --help, --usage and mistakes.
 */
void verb_read(const struct verb_spec *spec, int argc, char **argv, void *more,
	       struct verb_args *args);

/* Number of an option between limits; exits if it is none. */
uint32_t verb_number(const struct argp_state *state, const char *option,
		     const char *arg, uint32_t min, uint32_t max);

/* Milliseconds of an option in seconds; exits if it is none. */
uint32_t verb_seconds(const struct argp_state *state, const char *option,
		      const char *arg);

/*
 * Options that several verbs share. The input of their parsers is a struct
 * enbd_client_opts (timeout), a struct dial (dial: channels, ways and the
 * handshake), or a struct device_options (tuning: times and policy).
 */
extern const struct argp verb_timeout_argp;
extern const struct argp verb_dial_argp;
extern const struct argp verb_tuning_argp;

/* The choice of the driver everywhere */
void verb_tuning_init(struct device_options *options);

#endif /* ENBDCTL_VERB_H */
