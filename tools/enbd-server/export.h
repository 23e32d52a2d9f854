/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An export: ranges of one to many files. Knows nothing of connections; it is
 * a target for them and gives its work to an engine.
 */
#ifndef ENBD_SERVER_EXPORT_H
#define ENBD_SERVER_EXPORT_H

#include <pthread.h>

#include "engine.h"
#include "error.h"
#include "layout.h"
#include "sessions.h"
#include "target.h"

struct check;
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
 * @checks: looks whether something was, one per member, or NULL
 * @must_ask: the last server was killed, and what its file systems know of that
 *            has not been heard; constant while any export is @asking
 * @asking: @asker does it
 * @asker: thread
 * @server: all exports of the server, once they are asked
 * @server_count: how many
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
	struct check *checks;
	bool must_ask;
	bool asking;
	pthread_t asker;
	struct export **server;
	size_t server_count;
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
 * exports_ask() - ask the file systems what a server that was killed has lost
 * @exports: all of this server, open, and so they stay until exports_end_asking()
 * @count: how many
 * @err: filled on failure
 *
 * A file system tells each who had a file open before the first was told, and
 * nobody who opens one later. So this comes when all are open, and last: a start
 * that is given up before has used up no answer. Waits for no disk.
 *
 * Return: 0 or -1 with @err.
 */
int exports_ask(struct export **exports, size_t count, struct enbd_err *err);

/* Wait for the answers; before the first is closed, asked or not. */
void exports_end_asking(struct export **exports, size_t count);

/**
 * export_close() - wait for all I/O, sync, close
 * @export: no operation may be submitted any more
 *
 * If it should have been asked and was not, the next server will.
 *
 * Return: 0 or -errno of the sync.
 */
int export_close(struct export *export);

#endif /* ENBD_SERVER_EXPORT_H */
