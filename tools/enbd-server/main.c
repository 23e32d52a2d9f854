// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "activation.h"
#include "config.h"
#include "export.h"
#include "identity.h"
#include "listener.h"
#include "log.h"
#include "logqueue.h"
#include "options.h"
#include "process.h"
#include "server.h"
#include "slog.h"
#include "slog_queue.h"
#include "state_dir.h"

/* Time for the last messages at the end */
#define LOG_MS	1000

/* Everything that is open while the server runs */
struct state {
	struct server_config config;
	struct state_dir dir;
	struct listeners listeners;
	struct target **targets;
	struct export **exports;
	size_t count;
};

static int open_exports(struct state *state, struct enbd_err *err)
{
	const struct server_config *config = &state->config;
	const struct export_config *ec;
	size_t count = 0;

	for (ec = config->exports; ec; ec = ec->next)
		count++;
	state->exports = calloc(count, sizeof(*state->exports));
	state->targets = calloc(count, sizeof(*state->targets));
	if (!state->exports || !state->targets)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "%s",
				 strerror(ENOMEM));
	for (ec = config->exports; ec; ec = ec->next) {
		struct export *export = export_open(ec, config->threads,
						    &state->dir, err);

		if (!export)
			return -1;
		state->exports[state->count] = export;
		state->targets[state->count++] = &export->target;
	}
	return 0;
}

/* Return: 0 or -1 if some data may not have reached the disk */
static int close_exports(struct state *state)
{
	int rc = 0, err;

	exports_end_asking(state->exports, state->count);
	while (state->count) {
		struct export *export = state->exports[--state->count];
		const char *name = export->config->name;

		err = export_close(export);
		if (err) {
			slog_error("export \"%s\": data could not be written: %s; check the disk",
				   name, strerror(-err));
			rc = -1;
		}
	}
	free(state->exports);
	free(state->targets);
	return rc;
}

static int write_number(const char *path, unsigned int number,
			struct enbd_err *err)
{
	char text[16];

	snprintf(text, sizeof(text), "%u\n", number);
	return process_write_file(path, text, err);
}

static int write_files(const struct state *state, struct enbd_err *err)
{
	const struct server_config *config = &state->config;

	if (config->pidfile &&
	    write_number(config->pidfile, (unsigned int)getpid(), err))
		return -1;
	if (config->port_file &&
	    write_number(config->port_file, state->listeners.port, err)) {
		if (config->pidfile)
			unlink(config->pidfile);
		return -1;
	}
	return 0;
}

/* Paths that are used after the working directory has changed */
static int make_absolute(char **path, struct enbd_err *err)
{
	char *cwd, *absolute;
	int n;

	if (!*path || **path == '/')
		return 0;
	cwd = getcwd(NULL, 0);
	n = cwd ? asprintf(&absolute, "%s/%s", cwd, *path) : -1;
	free(cwd);
	if (n < 0)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "%s: %s", *path,
				 strerror(errno));
	free(*path);
	*path = absolute;
	return 0;
}

/* Each client and each file needs descriptors. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGPWR);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* They mean something to the monitor, and one may name the wrong one. */
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
}

/* Up to where clients may connect and the caller may go on */
static int start(struct state *state, struct enbd_err *err)
{
	struct server_config *config = &state->config;

	if (make_absolute(&config->pidfile, err) ||
	    make_absolute(&config->port_file, err))
		return -1;
	raise_file_limit();
	if (!config->foreground && process_background(err))
		return -1;
	process_harden();
	block_signals();
	if (state_dir_open(&state->dir, config, err) ||
	    open_exports(state, err) ||
	    listeners_open(&state->listeners, config, err) ||
	    exports_ask(state->exports, state->count, err) ||
	    write_files(state, err))
		return -1;
	if (*state->dir.warning)
		enbd_note("%s", state->dir.warning);
	slog_init(!config->foreground);
	slog_queue_start();
	process_ready();
	activation_ready();
	return 0;
}

/* Return: an exit code */
static int print_signatures(struct state *state, struct enbd_err *err)
{
	const struct state_dir *dir = &state->dir;
	const struct export_config *ec;
	uint8_t signature[IDENTITY_LEN];
	char text[2 * IDENTITY_LEN + 1];

	if (state_dir_open(&state->dir, &state->config, err)) {
		enbd_error("%s", err->text);
		return err->code;
	}
	if (*dir->warning)
		enbd_note("%s", dir->warning);
	for (ec = state->config.exports; ec; ec = ec->next) {
		identity_signature(ec, dir->secret, sizeof(dir->secret),
				   signature);
		printf("%s%s%s\n",
		       identity_hex(text, signature, sizeof(signature)),
		       *ec->name ? "  " : "", ec->name);
	}
	if (fflush(stdout)) {
		enbd_error("cannot write: %s", strerror(errno));
		return ENBD_EXIT_GENERAL;
	}
	return ENBD_EXIT_OK;
}

static void remove_files(const struct server_config *config)
{
	if (config->pidfile)
		unlink(config->pidfile);
	if (config->port_file)
		unlink(config->port_file);
}

int main(int argc, char **argv)
{
	static struct state state;
	struct enbd_err err = { .code = ENBD_EXIT_GENERAL };
	int rc;

	process_open_standard();
	enbd_log_init("enbd-server");
	config_init(&state.config);
	state.dir.fd = -1;
	rc = options_parse(&state.config, argc, argv, &err);
	if (!rc && state.config.print_signature) {
		rc = print_signatures(&state, &err);
		state_dir_close(&state.dir);
		config_free(&state.config);
		return rc;
	}
	if (rc || start(&state, &err)) {
		enbd_error("%s", err.text);
		listeners_close(&state.listeners);
		close_exports(&state);
		state_dir_close(&state.dir);
		config_free(&state.config);
		return err.code;
	}
	rc = server_run(&state.config, &state.listeners, state.targets,
			state.count);
	listeners_close(&state.listeners);
	/* Threads that wait for a dead disk cannot be waited for. */
	if (rc) {
		logqueue_drain(LOG_MS);
		_exit(rc);
	}
	/* Whoever waits for these files to go wants to know that all is on disk. */
	if (close_exports(&state))
		rc = ENBD_EXIT_GENERAL;
	else
		remove_files(&state.config);
	logqueue_drain(LOG_MS);
	state_dir_close(&state.dir);
	config_free(&state.config);
	return rc;
}
