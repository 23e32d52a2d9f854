// SPDX-License-Identifier: GPL-2.0
/*
 * What a server that was killed has written may be lost, and the file it was in
 * closed by all. Then only the file system knows that something failed in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export.h"
#include "export_io.h"
#include "process.h"
#include "vouch.h"

/* Can its file system lose something of it? Block devices have none. */
static bool can_ask(const struct io_file *file)
{
	return !file->is_block && !file->in_memory;
}

static bool is_on(const struct export *export, dev_t fs)
{
	unsigned int i;

	for (i = 0; i < export->config->file_count; i++) {
		const struct io_file *file = &export->files[i];

		if (can_ask(file) && file->fs == fs)
			return true;
	}
	return false;
}

/*
 * Whoever opens a file from now on is not told any more. So it is written down
 * for all, now: we may be killed before they have asked by themselves.
 */
static void tell_all(struct export *asker, dev_t fs, int error)
{
	size_t i;

	for (i = 0; i < asker->server_count; i++) {
		struct export *export = asker->server[i];

		if (export->must_ask && is_on(export, fs))
			export_data_lost(export, error);
	}
}

/* Has an earlier member asked the same file system? */
static bool is_asked(const struct export *export, unsigned int member)
{
	unsigned int i;

	for (i = 0; i < member; i++) {
		if (can_ask(&export->files[i]) &&
		    export->files[i].fs == export->files[member].fs)
			return true;
	}
	return false;
}

static void *ask_file_systems(void *arg)
{
	struct export *export = arg;
	unsigned int i;

	for (i = 0; i < export->config->file_count; i++) {
		const struct io_file *file = &export->files[i];

		if (!can_ask(file) || is_asked(export, i))
			continue;
		vouch_ask(export->vouch, i);
		if (syncfs(file->sync_fd))
			tell_all(export, file->fs, errno);
		vouch_told(export->vouch, i);
	}
	return NULL;
}

int exports_ask(struct export **exports, size_t count, struct enbd_err *err)
{
	size_t i;
	int error;

	/* Each thread may tell any of them. */
	for (i = 0; i < count; i++) {
		exports[i]->server = exports;
		exports[i]->server_count = count;
	}
	for (i = 0; i < count; i++) {
		struct export *export = exports[i];

		if (!export->must_ask)
			continue;
		error = thread_start_joinable(&export->asker, ask_file_systems,
					      export);
		if (error)
			return enbd_fail(err, ENBD_EXIT_GENERAL,
					 "cannot start a thread: %s; check the limits",
					 strerror(error));
		export->asking = true;
	}
	return 0;
}

void exports_end_asking(struct export **exports, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (exports[i]->asking)
			pthread_join(exports[i]->asker, NULL);
	}
	/* Not before: until then they may have been told by each other. */
	for (i = 0; i < count; i++) {
		if (exports[i]->asking)
			exports[i]->must_ask = false;
		exports[i]->asking = false;
	}
}
