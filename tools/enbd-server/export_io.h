/* SPDX-License-Identifier: GPL-2.0 */
/* Between export.c, which opens, and export_io.c, which does the work. */
#ifndef ENBD_SERVER_EXPORT_IO_H
#define ENBD_SERVER_EXPORT_IO_H

#include "export.h"

extern const struct target_ops export_target_ops;

/* Data that were acknowledged may be gone. Any thread; waits for a disk. */
void export_data_lost(struct export *export, int error);

/**
 * export_find_loss() - has the kernel failed to write something back?
 * @ctx: the export, whose members are open
 *
 * Tells of each failure once. While there is no engine that might flush.
 *
 * Return: 0 or an errno.
 */
int export_find_loss(void *ctx);

/**
 * export_watch() - from now on look for losses while something is written
 * @export: has a vouch that has begun, and an engine
 *
 * Return: 0 or a positive errno.
 */
int export_watch(struct export *export);

/* Begin no more looks; those that are under way are the engine's. */
void export_end_watch(struct export *export);

/* May the export become larger while it is served? */
bool export_can_grow(const struct export *export);

/* target_ops.refresh */
void export_refresh(struct target *target);

#endif /* ENBD_SERVER_EXPORT_IO_H */
