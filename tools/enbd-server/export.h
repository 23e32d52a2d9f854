/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An export: ranges of one to many files. Knows nothing of connections; it is
 * a target for them and gives its work to an engine.
 */
#ifndef ENBD_SERVER_EXPORT_H
#define ENBD_SERVER_EXPORT_H

#include "engine.h"
#include "error.h"
#include "layout.h"
#include "sessions.h"
#include "target.h"

struct export_watch;
struct state_dir;
struct vouch;

/**
 * struct export_config - an export as the administrator describes it
 * @name: "" is allowed
 * @description: for people, or NULL
 * @secret: key of the export's signature, or NULL: the server's is. No peer
 *          can ask for it
 * @files: paths of the members
 * @file_count: how many
 * @stripe: bytes, 0 for linear
 * @read_only: refuse what writes
 * @next: list of the configuration
 */
struct export_config {
	char *name;
	char *description;
	char *secret;
	char **files;
	unsigned int file_count;
	uint64_t stripe;
	bool read_only;
	struct export_config *next;
};

/**
 * struct export - an open export
 * @target: what connections see
 * @config: kept, not copied
 * @engine: does the I/O; of this export only, so that a disk that hangs holds
 *          up no other
 * @layout: which member has which bytes
 * @files: one per member
 * @sync_error: errno of the last flush that failed, 0 while all is well. What
 *              the kernel could not write it may have dropped, and a second
 *              fdatasync() would claim success; so the flushes of all
 *              connections that were there fail from then on, and without
 *              @vouch those of later ones, too.
 * @next_look: ms of CLOCK_MONOTONIC; until then nobody looks whether it grew
 * @signature: constant
 * @vouch: remembers what was lost, or NULL: nobody does
 * @watch: looks whether something was, or NULL
 */
struct export {
	struct target target;
	const struct export_config *config;
	struct engine *engine;
	struct layout layout;
	struct io_file *files;
	atomic_int sync_error;
	atomic_llong next_look;
	uint8_t signature[ENBD_EXT_SIGNATURE_LEN];
	struct vouch *vouch;
	struct export_watch *watch;
};

/**
 * export_open() - open and lock all members
 * @config: must stay until export_close()
 * @threads: of its engine
 * @state: what the server remembers, kept; NULL without the extension
 * @err: says what is wrong, and with which file
 *
 * Return: the export or NULL.
 */
struct export *export_open(const struct export_config *config,
			   unsigned int threads, struct state_dir *state,
			   struct enbd_err *err);

/**
 * export_close() - wait for all I/O, sync, close
 * @export: no operation may be submitted any more
 *
 * Return: 0 or -errno of the sync.
 */
int export_close(struct export *export);

#endif /* ENBD_SERVER_EXPORT_H */
