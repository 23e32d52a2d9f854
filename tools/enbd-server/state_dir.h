/* SPDX-License-Identifier: GPL-2.0 */
/* What outlives the server: its secret, and a file for each export. */
#ifndef ENBD_SERVER_STATE_DIR_H
#define ENBD_SERVER_STATE_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "error.h"

#define STATE_DIR_DEFAULT	"/var/lib/enbd"
#define SECRET_LEN		32u
#define BOOT_ID_MAX		256u

/**
 * struct state_dir - the folder, and what the host says
 * @path: for messages, NULL without a folder
 * @fd: the folder, -1 without
 * @wanted: the administrator named it: failing is an error, not a warning
 * @secret: key of the signatures
 * @boot_id: what names this boot of the host
 * @boot_id_len: bytes
 * @warning: what the administrator should know although the server starts; ""
 *           if there is nothing
 */
struct state_dir {
	const char *path;
	int fd;
	bool wanted;
	uint8_t secret[SECRET_LEN];
	uint8_t boot_id[BOOT_ID_MAX];
	size_t boot_id_len;
	char warning[1024];
};

/**
 * state_dir_open() - open the folder, make what is missing
 * @state: is initialised, release it with state_dir_close()
 * @config: where it is, and whether it is wanted; kept
 * @err: filled on failure
 *
 * Without a usable folder, if nobody asked for it, there is a warning, and a
 * secret made of the machine's id.
 *
 * Return: 0 or -1.
 */
int state_dir_open(struct state_dir *state, const struct server_config *config,
		   struct enbd_err *err);
void state_dir_close(struct state_dir *state);

/* Remember what to warn of once the server has started; only the first counts. */
void state_dir_warn(struct state_dir *state, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* ENBD_SERVER_STATE_DIR_H */
