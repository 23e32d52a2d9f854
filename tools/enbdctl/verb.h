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

/* "enbd-client HOST:PORT -n 4 /dev/nda" and "enbd-client -d /dev/nda" */
int verb_enbd_client(int argc, char **argv);

/* What verb_connect() and the original's form have in common */
struct connect {
	struct dial dial;
	const char *device;
	bool read_only;
	uint32_t hw_queues;
	uint32_t queue_depth;
	int64_t io_timeout;
	int64_t dead_timeout;
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

/* Number of an option between limits; exits if it is none. */
uint32_t verb_number(const struct argp_state *state, const char *option,
		     const char *arg, uint32_t min, uint32_t max);

/* Milliseconds of an option in seconds; exits if it is none. */
uint32_t verb_seconds(const struct argp_state *state, const char *option,
		      const char *arg);

/*
 * Options of every verb that connects to a server. Their parser wants the
 * struct dial as input; see also connect.c, which adds to them.
 */
extern const struct argp verb_dial_argp;
extern const struct argp verb_timeout_argp;

#endif /* ENBDCTL_VERB_H */
