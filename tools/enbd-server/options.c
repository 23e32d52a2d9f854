// SPDX-License-Identifier: GPL-2.0
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

#ifndef ENBD_VERSION
#define ENBD_VERSION "0.1"
#endif

const char *argp_program_version = "enbd-server " ENBD_VERSION;

enum {
	KEY_STRIPE = 256,
	KEY_NAME,
	KEY_UNIX,
	KEY_PIDFILE,
	KEY_PORT_FILE,
	KEY_THREADS,
	KEY_MAX_CONNECTIONS,
	KEY_MEMORY,
	KEY_HANDSHAKE_TIMEOUT,
	KEY_STATE_DIR,
	KEY_BOOT_ID_FILE,
	KEY_PRINT_SIGNATURE,
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What to serve:", 1 },
	{ "read-only", 'r', NULL, 0, "Refuse all that writes", 1 },
	{ "name", KEY_NAME, "EXPORT", 0,
	  "Name of the export; it is also found without a name", 1 },
	{ "stripe", KEY_STRIPE, "SIZE", 0,
	  "Spread stripes of SIZE over the FILEs instead of joining them", 1 },
	{ "identity", 'i', "SECRET", 0,
	  "Secret from which the export's signature is made", 1 },
	{ "print-signature", KEY_PRINT_SIGNATURE, NULL, 0,
	  "Print the signature of each export, and end", 1 },
	{ "config", 'c', "FILE", 0,
	  "Read exports and settings from FILE", 1 },
	{ NULL, 0, NULL, 0, "Where to listen:", 2 },
	{ "bind", 'b', "ADDR", 0,
	  "Only on this address (may be repeated)", 2 },
	{ "unix", KEY_UNIX, "PATH", 0, "Also on a Unix socket", 2 },
	{ NULL, 0, NULL, 0, "How to run:", 3 },
	{ "foreground", 'f', NULL, 0,
	  "Stay in the foreground, log to stderr", 3 },
	{ "pidfile", KEY_PIDFILE, "PATH", 0, "Write the process id", 3 },
	{ "port-file", KEY_PORT_FILE, "PATH", 0, "Write the TCP port", 3 },
	{ "threads", KEY_THREADS, "N", 0,
	  "Threads for each export's I/O, started when needed (16)", 3 },
	{ "max-connections", KEY_MAX_CONNECTIONS, "N", 0,
	  "Clients at a time (1024)", 3 },
	{ "memory", KEY_MEMORY, "SIZE", 0,
	  "For the data of requests, all clients together (an eighth of the machine's)",
	  3 },
	{ "handshake-timeout", KEY_HANDSHAKE_TIMEOUT, "SECONDS", 0,
	  "Time a client has for its handshake (10)", 3 },
	{ "state-dir", KEY_STATE_DIR, "DIR", 0,
	  "Where to remember what outlives the server (/var/lib/enbd as root); - for nowhere",
	  3 },
	{ "boot-id-file", KEY_BOOT_ID_FILE, "FILE", 0,
	  "What names this boot of the host, for tests", 3 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

/**
 * struct parsing - the command line while it is parsed
 * @config: where to
 * @export: the one of the command line; joins @config only if it has files
 * @config_path: file named with -c
 * @arguments: PORT and FILEs seen
 * @export_options: an option for @export was seen
 * @quiet: /dev/null, for what argp adds to getopt's one line about a mistake
 * @err: where errors go
 */
struct parsing {
	struct server_config *config;
	struct export_config *export;
	const char *config_path;
	unsigned int arguments;
	bool export_options;
	FILE *quiet;
	struct enbd_err *err;
};

static error_t usage(struct parsing *p, const char *what, const char *why)
{
	enbd_fail(p->err, ENBD_EXIT_USAGE, "%s: %s", what, why);
	return EINVAL;
}

static error_t set_string(struct parsing *p, char **to, const char *what,
			  const char *text)
{
	if (!*text)
		return usage(p, what, "empty; give it a value");
	return config_set_string(to, text) ? ENOMEM : 0;
}

static error_t set_number(struct parsing *p, const char *what,
			  const char *text, unsigned int max,
			  unsigned int *to)
{
	char why[80];
	uint32_t n;

	if (!enbd_parse_u32(text, 1, max, &n)) {
		*to = n;
		return 0;
	}
	snprintf(why, sizeof(why), "not a number from 1 to %u", max);
	return usage(p, what, why);
}

static error_t set_port(struct parsing *p, const char *text)
{
	uint32_t port;

	if (!strcmp(text, "-")) {
		p->config->tcp = false;
		return 0;
	}
	if (enbd_parse_u32(text, 0, 65535, &port))
		return usage(p, text, "not a port; give 0 to 65535, or - with --unix");
	p->config->port = port;
	return 0;
}

static error_t set_handshake(struct parsing *p, const char *text)
{
	uint32_t ms;

	if (enbd_parse_seconds(text, &ms) || !ms || ms > HANDSHAKE_MAX_MS)
		return usage(p, "--handshake-timeout",
			     "not a time from 0.001 to 600 seconds");
	p->config->handshake_ms = ms;
	return 0;
}

/* Keep the secret, and keep it from being seen in the list of processes. */
static error_t set_secret(struct parsing *p, char *text)
{
	const error_t rc = set_string(p, &p->export->secret, "-i", text);

	memset(text, '*', strlen(text));
	return rc;
}

static error_t argument(struct parsing *p, const char *text)
{
	if (!p->arguments++)
		return set_port(p, text);
	if (!*text)
		return usage(p, "FILE", "empty; name a file or block device");
	return config_add_string(&p->export->files, &p->export->file_count,
				 text) ? ENOMEM : 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct parsing *p = state->input;
	struct server_config *config = p->config;
	const char *why;

	switch (key) {
	case 'r':
		p->export_options = true;
		p->export->read_only = true;
		return 0;
	case 'i':
		p->export_options = true;
		return set_secret(p, arg);
	case KEY_NAME:
		p->export_options = true;
		return config_set_string(&p->export->name, arg) ? ENOMEM : 0;
	case KEY_STRIPE:
		p->export_options = true;
		why = config_set_stripe(p->export, arg);
		return why ? usage(p, arg, why) : 0;
	case 'c':
		p->config_path = arg;
		return 0;
	case 'b':
		if (!*arg)
			return usage(p, "--bind", "empty; give it an address");
		return config_add_string(&config->listen,
					 &config->listen_count, arg) ?
			ENOMEM : 0;
	case 'f':
		config->foreground = true;
		return 0;
	case KEY_UNIX:
		return set_string(p, &config->unix_path, "--unix", arg);
	case KEY_PIDFILE:
		return set_string(p, &config->pidfile, "--pidfile", arg);
	case KEY_PORT_FILE:
		return set_string(p, &config->port_file, "--port-file", arg);
	case KEY_THREADS:
		return set_number(p, "--threads", arg, THREADS_MAX,
				  &config->threads);
	case KEY_MAX_CONNECTIONS:
		return set_number(p, "--max-connections", arg,
				  CONNECTIONS_MAX, &config->max_connections);
	case KEY_MEMORY:
		why = config_set_memory(config, arg);
		return why ? usage(p, arg, why) : 0;
	case KEY_HANDSHAKE_TIMEOUT:
		return set_handshake(p, arg);
	case KEY_STATE_DIR:
		return set_string(p, &config->state_dir, "--state-dir", arg);
	case KEY_BOOT_ID_FILE:
		return set_string(p, &config->boot_id_file, "--boot-id-file",
				  arg);
	case KEY_PRINT_SIGNATURE:
		config->print_signature = true;
		return 0;
	case ARGP_KEY_INIT:
		state->err_stream = p->quiet;
		return 0;
	case ARGP_KEY_ARG:
		return argument(p, arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "PORT FILE...\n-c CONFIG [PORT]",
	.doc = "Serve files and block devices over the network (NBD)."
	       "\vPORT 0 is any free port; - is none, with --unix. Several "
	       "FILEs are one disk, one after the other or in stripes.",
};

static int read_config(struct server_config *config, const char *path,
		       struct enbd_err *err)
{
	FILE *stream = fopen(path, "re");
	int rc;

	if (!stream)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: cannot open: %s; check the path", path,
				 strerror(errno));
	rc = config_read(config, stream, path, err);
	fclose(stream);
	return rc;
}

/*
 * The command line is read twice: options must win over the file that one of
 * them names.
 */
static int parse_over_file(struct parsing *p, int argc, char **argv)
{
	struct server_config *config = p->config;
	struct parsing again = *p;
	int rc = -1;

	if (p->export->file_count || p->export_options)
		return enbd_fail(p->err, ENBD_EXIT_USAGE,
				 "%s: files and options of an export go into the configuration file with -c; move them there",
				 p->config_path);
	config_free(config);
	config_init(config);
	if (!read_config(config, p->config_path, p->err)) {
		again.arguments = 0;
		again.export = NULL;
		rc = argp_parse(&argp, argc, argv, 0, NULL, &again) ? -1 : 0;
	}
	return rc ? rc : config_check(config, p->err);
}

static int parse(struct parsing *p, int argc, char **argv)
{
	error_t rc;

	p->export = config_add_export(p->config, "");
	rc = p->export ? argp_parse(&argp, argc, argv, 0, NULL, p) : ENOMEM;
	if (rc == ENOMEM)
		return enbd_fail(p->err, ENBD_EXIT_GENERAL, "%s",
				 strerror(ENOMEM));
	if (rc)
		return -1;
	if (p->config_path)
		return parse_over_file(p, argc, argv);
	if (!p->arguments)
		return enbd_fail(p->err, ENBD_EXIT_USAGE,
				 "no port and no file; see enbd-server --help");
	if (!p->export->file_count)
		return enbd_fail(p->err, ENBD_EXIT_USAGE,
				 "nothing to serve; name a file or block device after the port");
	return config_check(p->config, p->err);
}

int options_parse(struct server_config *config, int argc, char **argv,
		  struct enbd_err *err)
{
	struct parsing p = { .config = config, .err = err };
	int rc;

	argp_err_exit_status = ENBD_EXIT_USAGE;
	if (argc)
		argv[0] = program_invocation_short_name;
	p.quiet = fopen("/dev/null", "we");
	if (!p.quiet)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "/dev/null: %s",
				 strerror(errno));
	rc = parse(&p, argc, argv);
	fclose(p.quiet);
	return rc;
}
