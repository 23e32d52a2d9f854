/* SPDX-License-Identifier: GPL-2.0 */
/* Ties the layers together: accepts clients, gives them exports, ends. */
#ifndef ENBD_SERVER_SERVER_H
#define ENBD_SERVER_SERVER_H

#include "config.h"
#include "export.h"
#include "listener.h"

/**
 * server_run() - serve until SIGTERM or SIGINT, then let clients go
 * @config: checked
 * @listeners: open; closed when the end begins
 * @targets: the open exports
 * @count: how many
 *
 * SIGTERM, SIGINT and SIGHUP must be blocked. When it returns ENBD_EXIT_OK no
 * client is left and nothing is under way.
 *
 * Return: one of enum enbd_exit.
 */
int server_run(const struct server_config *config,
	       struct listeners *listeners, struct target *const *targets,
	       size_t count);

#endif /* ENBD_SERVER_SERVER_H */
