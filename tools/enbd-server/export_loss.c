// SPDX-License-Identifier: GPL-2.0
/*
 * How an export finds out that the kernel could not write back what was
 * acknowledged: by a flush, or because it looks, at the start and each second.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "export_io.h"
#include "file_ops.h"
#include "observe.h"
#include "slog.h"
#include "util.h"
#include "vouch.h"

/**
 * struct check - a look at one member
 * @io: IO_CHECK
 * @export: whose member it is
 * @busy: it is under way
 */
struct check {
	struct file_io io;
	struct export *export;
	atomic_bool busy;
};

/*
 * Data that clients believe to be safe may be gone. That is written down before
 * anybody hears of it, and only then new connections may be told otherwise.
 * Those that were there have no flush any more that succeeds, and with a vouch
 * are sent away: what they have begun, this here too, is answered before. The
 * log comes last: its disk may be this one.
 */
void export_data_lost(struct export *export, int error)
{
	atomic_store(&export->sync_error, error);
	if (export->vouch)
		vouch_lost(export->vouch);
	atomic_fetch_add(&export->target.epoch, 1);
	if (export->vouch)
		sessions_retire_all(export->target.sessions);
	slog_error("export \"%s\": data could not be written back: %s; %s",
		   export->target.info.name, strerror(error), export->vouch ?
		   "clients are sent away or see their flushes fail, check the disk" :
		   "all flushes fail from now on, check the disk and restart the server");
}

int export_find_loss(void *ctx)
{
	const struct export *export = ctx;
	unsigned int i;
	int err, first = 0;

	/* All of them: the kernel tells each only once. */
	for (i = 0; i < export->config->file_count; i++) {
		err = file_check(&export->files[i]);
		if (!first)
			first = err;
	}
	return first;
}

static void check_done(struct file_io *io)
{
	struct check *check = container_of(io, struct check, io);

	if (io->lost)
		export_data_lost(check->export, io->error);
	atomic_store(&check->busy, false);
}

/* vouch_watcher.look: never waits. A flush that hangs holds up only its own member's. */
static void look(void *ctx)
{
	struct export *export = ctx;
	struct engine *engine = export->engine;
	unsigned int i;

	for (i = 0; i < export->config->file_count; i++) {
		struct check *check = &export->checks[i];

		if (atomic_exchange(&check->busy, true))
			continue;
		check->io.op = IO_CHECK;
		check->io.file = &export->files[i];
		check->io.done = check_done;
		engine->ops->submit(engine, &check->io);
	}
}

/* vouch_watcher.changed */
static int64_t last_change(void *ctx)
{
	const struct export *export = ctx;

	return observe_changed(export->files, export->config->file_count);
}

static const struct vouch_watcher watcher = {
	.look		= look,
	.changed	= last_change,
};

int export_watch(struct export *export)
{
	const unsigned int count = export->config->file_count;
	unsigned int i;

	export->checks = calloc(count, sizeof(*export->checks));
	if (!export->checks)
		return ENOMEM;
	for (i = 0; i < count; i++)
		export->checks[i].export = export;
	vouch_watch(export->vouch, &watcher, export);
	return 0;
}

void export_end_watch(struct export *export)
{
	if (export->checks)
		vouch_watch(export->vouch, NULL, NULL);
}
