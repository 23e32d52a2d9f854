// SPDX-License-Identifier: GPL-2.0
/* The configuration file: [server] and [export NAME] sections for libinih. */
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config.h"
#include "size.h"

#define EXPORT_PREFIX	"export "
#define LINE_SIZE	8192

/**
 * struct reading - a file while it is read
 * @config: where to
 * @stream: where from
 * @path: for messages
 * @line: number of the last line read
 * @export: of the current section, NULL in [server]
 * @in_section: a section has begun
 * @err: where the first error goes
 * @failed: there was one
 */
struct reading {
	struct server_config *config;
	FILE *stream;
	const char *path;
	unsigned int line;
	struct export_config *export;
	bool in_section;
	struct enbd_err *err;
	bool failed;
};

static int bad(struct reading *r, const char *what, const char *why)
{
	if (!r->failed)
		enbd_fail(r->err, ENBD_EXIT_USAGE, "%s:%u: %s: %s", r->path,
			  r->line, what, why);
	r->failed = true;
	return 0;
}

static int no_memory(struct reading *r)
{
	if (!r->failed)
		enbd_fail(r->err, ENBD_EXIT_GENERAL, "%s: %s", r->path,
			  strerror(ENOMEM));
	r->failed = true;
	return 0;
}

/* libinih itself does not tell of sections without keys. */
static void begin_section(struct reading *r, char *name)
{
	char *end = strchr(name, ']');

	if (!end) {
		bad(r, name, "section without end; write [server] or [export NAME]");
		return;
	}
	*end = '\0';
	r->in_section = true;
	r->export = NULL;
	if (!strcmp(name, "server"))
		return;
	if (strcmp(name, "export") &&
	    strncmp(name, EXPORT_PREFIX, strlen(EXPORT_PREFIX))) {
		bad(r, name, "unknown section; there are [server] and [export NAME]");
		return;
	}
	name += strlen("export");
	name += strspn(name, " ");
	r->export = config_add_export(r->config, name);
	if (!r->export)
		no_memory(r);
}

/* fgets() that counts lines, and sees those that libinih would cut */
static char *read_line(char *buf, int size, void *ctx)
{
	struct reading *r = ctx;
	char *text = NULL, *start;
	size_t room = 0;
	ssize_t len;

	if (r->failed)
		return NULL;
	len = getline(&text, &room, r->stream);
	if (len < 0) {
		free(text);
		return NULL;
	}
	r->line++;
	if (len >= size || strlen(text) != (size_t)len) {
		bad(r, "line", len >= size ? "too long; use shorter paths" :
					     "has a NUL byte; remove it");
		free(text);
		return NULL;
	}
	memcpy(buf, text, (size_t)len + 1);
	start = text + strspn(text, " \t");
	if (*start == '[')
		begin_section(r, start + 1);
	free(text);
	return r->failed ? NULL : buf;
}

static int set_number(struct reading *r, const char *key, const char *value,
		      unsigned int min, unsigned int max, unsigned int *to)
{
	char why[80];
	uint32_t n;

	if (!enbd_parse_u32(value, min, max, &n)) {
		*to = n;
		return 1;
	}
	snprintf(why, sizeof(why), "not a number from %u to %u", min, max);
	return bad(r, key, why);
}

static int set_bool(struct reading *r, const char *key, const char *value,
		    bool *to)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (!strcasecmp(value, yes[i]) || !strcasecmp(value, no[i])) {
			*to = !strcasecmp(value, yes[i]);
			return 1;
		}
	}
	return bad(r, key, "neither yes nor no");
}

static int set_text(struct reading *r, const char *key, const char *value,
		    char **to)
{
	if (!*value)
		return bad(r, key, "empty; give it a value");
	return config_set_string(to, value) ? no_memory(r) : 1;
}

static int server_key(struct reading *r, const char *key, const char *value)
{
	struct server_config *config = r->config;
	const char *why;
	uint32_t ms;

	if (!strcmp(key, "listen")) {
		if (!*value)
			return bad(r, key, "empty; give it an address");
		return config_add_string(&config->listen,
					 &config->listen_count, value) ?
			no_memory(r) : 1;
	}
	if (!strcmp(key, "port")) {
		if (!strcmp(value, "none")) {
			config->tcp = false;
			return 1;
		}
		return set_number(r, key, value, 0, 65535, &config->port);
	}
	if (!strcmp(key, "unix"))
		return set_text(r, key, value, &config->unix_path);
	if (!strcmp(key, "pidfile"))
		return set_text(r, key, value, &config->pidfile);
	if (!strcmp(key, "state-dir"))
		return set_text(r, key, value, &config->state_dir);
	if (!strcmp(key, "boot-id-file"))
		return set_text(r, key, value, &config->boot_id_file);
	if (!strcmp(key, "threads"))
		return set_number(r, key, value, 1, THREADS_MAX,
				  &config->threads);
	if (!strcmp(key, "max-connections"))
		return set_number(r, key, value, 1, CONNECTIONS_MAX,
				  &config->max_connections);
	if (!strcmp(key, "memory")) {
		why = config_set_memory(config, value);
		return why ? bad(r, key, why) : 1;
	}
	if (!strcmp(key, "handshake-timeout")) {
		if (enbd_parse_seconds(value, &ms) || !ms ||
		    ms > HANDSHAKE_MAX_MS)
			return bad(r, key, "not a time from 0.001 to 600 seconds");
		config->handshake_ms = ms;
		return 1;
	}
	return bad(r, key, "unknown key in [server]; see enbd-server.conf(5)");
}

static int export_key(struct reading *r, const char *key, const char *value)
{
	struct export_config *export = r->export;
	const char *why;

	if (!strcmp(key, "file")) {
		if (!*value)
			return bad(r, key, "empty; give it a path");
		return config_add_string(&export->files, &export->file_count,
					 value) ? no_memory(r) : 1;
	}
	if (!strcmp(key, "stripe")) {
		why = config_set_stripe(export, value);
		return why ? bad(r, key, why) : 1;
	}
	if (!strcmp(key, "read-only"))
		return set_bool(r, key, value, &export->read_only);
	if (!strcmp(key, "description"))
		return set_text(r, key, value, &export->description);
	if (!strcmp(key, "secret"))
		return set_text(r, key, value, &export->secret);
	return bad(r, key, "unknown key in [export]; see enbd-server.conf(5)");
}

/* ini_handler */
static int handle_key(void *ctx, const char *section, const char *key,
		      const char *value)
{
	struct reading *r = ctx;

	(void)section;	/* may be cut; begin_section() has seen all of it */
	if (r->failed)
		return 0;
	if (!r->in_section)
		return bad(r, key, "outside of a section; begin with [server] or [export NAME]");
	return r->export ? export_key(r, key, value) :
			   server_key(r, key, value);
}

int config_read(struct server_config *config, FILE *stream, const char *path,
		struct enbd_err *err)
{
	struct reading r = {
		.config = config,
		.stream = stream,
		.path = path,
		.err = err,
	};
	int line;

	/* Variables of the library: long paths, and one line is one line */
	ini_use_stack = false;
	ini_initial_alloc = LINE_SIZE;
	ini_max_line = LINE_SIZE;
	ini_allow_multiline = false;
	line = ini_parse_stream(read_line, &r, handle_key, &r);
	if (!r.failed && line > 0) {
		r.line = (unsigned int)line;
		bad(&r, "line", "not understood; write KEY=VALUE");
	} else if (!r.failed && (line < 0 || ferror(stream))) {
		enbd_fail(err, ENBD_EXIT_GENERAL, "%s: cannot read: %s", path,
			  strerror(line < 0 ? ENOMEM : errno));
		r.failed = true;
	}
	return r.failed ? -1 : 0;
}
