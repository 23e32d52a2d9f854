// SPDX-License-Identifier: GPL-2.0
#include "export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export_io.h"
#include "identity.h"
#include "member.h"
#include "observe.h"
#include "state_dir.h"
#include "vouch.h"

/* Longest read or write; the driver splits what is longer. */
#define BLOCK_MAX	(32u << 20)

static int open_members(struct export *export, uint64_t *sizes,
			struct enbd_err *err)
{
	const struct export_config *config = export->config;
	struct target_info *info = &export->target.info;
	struct member_facts facts;
	unsigned int i;

	for (i = 0; i < config->file_count; i++) {
		if (member_open(&export->files[i], config->files[i],
				config->read_only, &facts, err))
			return -1;
		sizes[i] = facts.size;
		if (facts.block_min > info->block_min)
			info->block_min = facts.block_min;
		if (facts.block_pref > info->block_pref)
			info->block_pref = facts.block_pref;
		info->rotational |= facts.rotational;
	}
	return 0;
}

static int lay_out(struct export *export, const uint64_t *sizes,
		   struct enbd_err *err)
{
	const struct export_config *config = export->config;
	struct target_info *info = &export->target.info;
	unsigned int i;
	int rc;

	rc = layout_init(&export->layout, sizes, config->file_count,
			 config->stripe);
	if (rc == -EOVERFLOW)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: together the files are too large; 2^63 - 1 bytes are the limit",
				 config->files[0]);
	if (rc == -EINVAL)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: nothing to serve, its size is 0%s; give it one with truncate -s",
				 config->files[0],
				 config->stripe ? " whole stripes" : "");
	if (rc)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "%s: %s",
				 config->files[0], strerror(-rc));
	if (config->stripe % info->block_min)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: stripes must be a multiple of the device's block size %u; choose another --stripe",
				 config->files[0], info->block_min);
	/* Aligned requests must stay aligned in each member. */
	for (i = 0; !config->stripe && i + 1 < config->file_count; i++) {
		if (sizes[i] % info->block_min)
			return enbd_fail(err, ENBD_EXIT_USAGE,
					 "%s: its size is no multiple of %u, the block size of another member; put it last",
					 config->files[i], info->block_min);
	}
	info->size = export->layout.size -
		     export->layout.size % info->block_min;
	return 0;
}

/*
 * Before the members are opened: make sure that no other server has a hand in
 * them, also none that was killed and has not come to its end.
 */
static int take_vouch(struct export *export, struct state_dir *state,
		      struct enbd_err *err)
{
	const struct export_config *config = export->config;

	identity_signature(config, state->secret, sizeof(state->secret),
			   export->signature);
	export->target.sessions = sessions_create(SESSIONS_KEEP);
	if (!export->target.sessions)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "%s",
				 strerror(ENOMEM));
	/* Nothing is acknowledged that could be lost. */
	if (config->read_only || state->fd < 0)
		return 0;
	export->vouch = vouch_open(state, config->name, export->signature, err);
	if (export->vouch || state->wanted || err->code == ENBD_EXIT_BUSY)
		return export->vouch ? 0 : -1;
	state_dir_warn(state, "%s; clients will not notice when writes are lost, and devices that were connected before will refuse this server",
		       err->text);
	return 0;
}

static int begin_vouch(struct export *export, struct enbd_err *err)
{
	const struct export_config *config = export->config;
	struct observed now;
	unsigned int i;
	int rc;

	if (!export->vouch)
		return 0;
	rc = observe_members(export->files, config->file_count, &now);
	if (rc)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "%s: %s; check it",
				 config->files[0], strerror(-rc));
	if (vouch_begin(export->vouch, &now, export_find_loss, export, err))
		return -1;
	for (i = 0; i < config->file_count; i++) {
		export->files[i].number = i;
		export->files[i].vouch = export->vouch;
	}
	export->must_ask = vouch_killed(export->vouch);
	return 0;
}

/* @err: of the last sync */
static void end_vouch(struct export *export, int err)
{
	const struct export_config *config = export->config;
	struct observed now;
	unsigned int i;

	if (err)
		vouch_lost(export->vouch);
	/* It is not known what the last server lost: not the record of a good end. */
	if (export->must_ask) {
		for (i = 0; i < config->file_count; i++)
			vouch_told(export->vouch, i);
		return;
	}
	if (!observe_members(export->files, config->file_count, &now))
		vouch_end(export->vouch, &now);
}

/* Nothing is begun any more, and what was has ended. */
static void end_threads(struct export *export)
{
	export_end_watch(export);
	if (export->engine)
		export->engine->ops->destroy(export->engine);
	export->engine = NULL;
	free(export->checks);
	export->checks = NULL;
}

static void free_export(struct export *export)
{
	unsigned int i;

	end_threads(export);
	for (i = 0; i < export->config->file_count; i++)
		member_close(&export->files[i]);
	/* The members' locks go first: who waits for this one gets them. */
	if (export->vouch)
		vouch_close(export->vouch);
	sessions_destroy(export->target.sessions);
	layout_free(&export->layout);
	free(export->files);
	free(export);
}

static int start_threads(struct export *export, unsigned int threads,
			 struct enbd_err *err)
{
	int error = 0;

	export->engine = engine_pool_create(threads);
	if (!export->engine)
		error = errno;
	else if (export->vouch)
		error = export_watch(export);
	if (!error)
		return 0;
	return enbd_fail(err, ENBD_EXIT_GENERAL, "%s: cannot start threads: %s",
			 export->config->files[0], strerror(error));
}

struct export *export_open(const struct export_config *config,
			   unsigned int threads, struct state_dir *state,
			   struct enbd_err *err)
{
	struct export *export;
	uint64_t *sizes;
	unsigned int i;

	export = calloc(1, sizeof(*export));
	sizes = calloc(config->file_count, sizeof(*sizes));
	if (export)
		export->files = calloc(config->file_count,
				       sizeof(*export->files));
	if (!export || !sizes || !export->files) {
		enbd_fail(err, ENBD_EXIT_GENERAL, "%s: %s", config->files[0],
			  strerror(ENOMEM));
		if (export)
			free(export->files);
		free(export);
		free(sizes);
		return NULL;
	}
	for (i = 0; i < config->file_count; i++)
		member_init(&export->files[i]);
	export->config = config;
	export->target.ops = &export_target_ops;
	export->target.info.name = config->name;
	export->target.info.description = config->description;
	export->target.info.read_only = config->read_only;
	export->target.info.block_min = 1;
	export->target.info.block_max = BLOCK_MAX;
	if ((state && take_vouch(export, state, err)) ||
	    open_members(export, sizes, err) ||
	    lay_out(export, sizes, err) || begin_vouch(export, err) ||
	    start_threads(export, threads, err)) {
		free_export(export);
		export = NULL;
	}
	free(sizes);
	return export;
}

/* All of them, with the times of files, by which these are known again. */
static int sync_members(struct export *export)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < export->config->file_count; i++) {
		/* The record of an orderly end says that the answer has come. */
		if (export->vouch && export->files[i].is_block)
			vouch_ask(export->vouch, i);
		if (fsync(export->files[i].sync_fd) && !err)
			err = errno;
	}
	return err;
}

int export_close(struct export *export)
{
	int err = 0;

	end_threads(export);
	if (!export->config->read_only)
		err = sync_members(export);
	if (export->vouch)
		end_vouch(export, err);
	if (!err)
		err = atomic_load(&export->sync_error);
	free_export(export);
	return -err;
}
