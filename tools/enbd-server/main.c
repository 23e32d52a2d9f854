// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config.h"
#include "export.h"
#include "listener.h"
#include "log.h"
#include "options.h"
#include "process.h"
#include "server.h"
#include "slog.h"

/* Everything that is open while the server runs */
struct state {
	struct server_config config;
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
		struct export *export = export_open(ec, config->threads, err);

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
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
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
	if (open_exports(state, err) ||
	    listeners_open(&state->listeners, config, err) ||
	    write_files(state, err))
		return -1;
	slog_init(!config->foreground);
	process_ready();
	return 0;
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
	if (options_parse(&state.config, argc, argv, &err) ||
	    start(&state, &err)) {
		enbd_error("%s", err.text);
		listeners_close(&state.listeners);
		close_exports(&state);
		config_free(&state.config);
		return err.code;
	}
	rc = server_run(&state.config, &state.listeners, state.targets,
			state.count);
	listeners_close(&state.listeners);
	remove_files(&state.config);
	/* Threads that wait for a dead disk cannot be waited for. */
	if (rc)
		_exit(rc);
	if (close_exports(&state))
		rc = ENBD_EXIT_GENERAL;
	config_free(&state.config);
	return rc;
}
