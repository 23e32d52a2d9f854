// SPDX-License-Identifier: GPL-2.0
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/enbd_wire.h>

#include "size.h"
#include "util.h"

#define STRIPE_MAX	(1u << 30)
/* Memory for data: the least, and what part of all there is if nobody says */
#define MEMORY_MIN	(1u << 20)
#define MEMORY_PART	8

static size_t default_memory(void)
{
	const long pages = sysconf(_SC_PHYS_PAGES);
	const long size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ?
		MAX((size_t)pages / MEMORY_PART * (size_t)size, MEMORY_MIN) :
		MEMORY_MIN;
}

void config_init(struct server_config *config)
{
	memset(config, 0, sizeof(*config));
	config->last_export = &config->exports;
	config->tcp = true;
	config->port = ENBD_DEFAULT_PORT;
	config->threads = 16;
	config->max_connections = 1024;
	config->handshake_ms = 10000;
	config->memory = default_memory();
}

static void free_export_config(struct export_config *export)
{
	unsigned int i;

	for (i = 0; i < export->file_count; i++)
		free(export->files[i]);
	free(export->files);
	free(export->name);
	free(export->description);
	if (export->secret)
		explicit_bzero(export->secret, strlen(export->secret));
	free(export->secret);
	free(export);
}

void config_free(struct server_config *config)
{
	struct export_config *export;
	unsigned int i;

	while ((export = config->exports)) {
		config->exports = export->next;
		free_export_config(export);
	}
	for (i = 0; i < config->listen_count; i++)
		free(config->listen[i]);
	free(config->listen);
	free(config->unix_path);
	free(config->pidfile);
	free(config->port_file);
	free(config->state_dir);
	free(config->boot_id_file);
}

struct export_config *config_add_export(struct server_config *config,
					const char *name)
{
	struct export_config *export = calloc(1, sizeof(*export));

	if (!export || config_set_string(&export->name, name)) {
		free(export);
		return NULL;
	}
	*config->last_export = export;
	config->last_export = &export->next;
	return export;
}

int config_add_string(char ***list, unsigned int *count, const char *text)
{
	char **longer = reallocarray(*list, *count + 1, sizeof(*longer));
	char *copy;

	if (!longer)
		return -ENOMEM;
	*list = longer;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	longer[(*count)++] = copy;
	return 0;
}

int config_set_string(char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

const char *config_set_stripe(struct export_config *export, const char *text)
{
	uint64_t bytes;

	if (enbd_parse_size(text, &bytes) || !bytes || bytes % STRIPE_MIN ||
	    bytes > STRIPE_MAX)
		return "not a size of stripes; give a multiple of 4k up to 1G, such as 64k";
	export->stripe = bytes;
	return NULL;
}

const char *config_set_memory(struct server_config *config, const char *text)
{
	uint64_t bytes;

	if (enbd_parse_size(text, &bytes) || bytes < MEMORY_MIN ||
	    bytes > SIZE_MAX / 2)
		return "not a size of memory; give 1M or more, such as 256M";
	config->memory = (size_t)bytes;
	return NULL;
}

static int check_export(const struct server_config *config,
			const struct export_config *export,
			struct enbd_err *err)
{
	const struct export_config *other;

	if (!export->file_count)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "export \"%s\": no file; add file=PATH",
				 export->name);
	if (export->file_count > MEMBERS_MAX)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "export \"%s\": %u files; %u are the limit",
				 export->name, export->file_count, MEMBERS_MAX);
	if (strlen(export->name) > ENBD_MAX_STRING)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "export \"%.60s...\": the name is too long; use at most %d bytes",
				 export->name, ENBD_MAX_STRING);
	if (export->description &&
	    strlen(export->description) > ENBD_MAX_STRING)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "export \"%s\": the description is too long; use at most %d bytes",
				 export->name, ENBD_MAX_STRING);
	for (other = config->exports; other != export; other = other->next) {
		if (!strcmp(other->name, export->name))
			return enbd_fail(err, ENBD_EXIT_USAGE,
					 "export \"%s\": named twice; give each its own name",
					 export->name);
	}
	return 0;
}

int config_check(const struct server_config *config, struct enbd_err *err)
{
	const struct export_config *export;

	if (!config->exports)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "nothing to serve; name a file or block device");
	for (export = config->exports; export; export = export->next) {
		if (check_export(config, export, err))
			return -1;
	}
	if (!config->tcp && !config->unix_path)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "no address to listen on; give a port or a Unix socket");
	return 0;
}
