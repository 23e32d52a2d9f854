/* SPDX-License-Identifier: GPL-2.0 */
/* What the administrator wants, from the command line or from a file. */
#ifndef ENBD_SERVER_CONFIG_H
#define ENBD_SERVER_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "error.h"
#include "export.h"

#define THREADS_MAX		256u
#define CONNECTIONS_MAX		65536u
#define HANDSHAKE_MAX_MS	600000u

/**
 * struct server_config - everything the server is told
 * @exports: at least one once it has been checked
 * @last_export: where the next one goes
 * @listen: addresses to listen on, NULL for all
 * @listen_count: how many
 * @tcp: listen on TCP at all
 * @port: TCP port, 0 for any free one
 * @unix_path: Unix socket to listen on, or NULL
 * @pidfile: where the process id is written, or NULL
 * @port_file: where the TCP port is written, or NULL
 * @state_dir: where the server remembers what outlives it, "-" for nowhere, or
 *             NULL: the default
 * @boot_id_file: what names this boot of the host instead of the kernel's, or
 *                NULL; for tests
 * @print_signature: print the signatures instead of serving
 * @threads: of each export's engine
 * @max_connections: clients at a time
 * @handshake_ms: time a client has for the handshake
 * @memory: bytes for the data of requests, of all clients together
 * @foreground: stay in the foreground, log to stderr
 */
struct server_config {
	struct export_config *exports;
	struct export_config **last_export;
	char **listen;
	unsigned int listen_count;
	bool tcp;
	unsigned int port;
	char *unix_path;
	char *pidfile;
	char *port_file;
	char *state_dir;
	char *boot_id_file;
	bool print_signature;
	unsigned int threads;
	unsigned int max_connections;
	unsigned int handshake_ms;
	size_t memory;
	bool foreground;
};

/* Fill in the defaults. */
void config_init(struct server_config *config);
void config_free(struct server_config *config);

/* Append an export with a copy of @name; NULL if there is no memory. */
struct export_config *config_add_export(struct server_config *config,
					const char *name);

/* Append a copy to a list of strings. Return: 0 or -ENOMEM. */
int config_add_string(char ***list, unsigned int *count, const char *text);

/* Set a string to a copy. Return: 0 or -ENOMEM. */
int config_set_string(char **to, const char *text);

/**
 * config_read() - read a configuration file
 * @config: initialised; the file's settings go there
 * @stream: the open file
 * @path: its name, for messages
 * @err: says file, line, what is wrong and what to do
 *
 * The format is described in enbd-server.conf(5).
 *
 * Return: 0 or -1.
 */
int config_read(struct server_config *config, FILE *stream, const char *path,
		struct enbd_err *err);

/**
 * config_check() - is it complete and without contradiction?
 * @config: as read
 * @err: says what is wrong
 *
 * Return: 0 or -1.
 */
int config_check(const struct server_config *config, struct enbd_err *err);

/**
 * config_set_stripe() - the size of a stripe
 * @export: gets it
 * @text: a size as people write it
 *
 * Return: NULL, or what is wrong with @text and what would be right.
 */
const char *config_set_stripe(struct export_config *export, const char *text);

/* As config_set_stripe(), for the memory for data */
const char *config_set_memory(struct server_config *config, const char *text);

#endif /* ENBD_SERVER_CONFIG_H */
